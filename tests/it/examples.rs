//! The examples, run as the README says.

use std::collections::BTreeSet;

use crate::support::{Workspace, decisions, repository};

fn example(name: &str) -> String {
    repository(&format!("examples/{name}")).to_string_lossy().into_owned()
}

#[test]
fn the_example_shows_every_decision() {
    let workspace = Workspace::new();
    let (offers, portal) = (example("offers.yaml"), example("portal.yaml"));
    let run = workspace.run(["plan", &offers, "--emulate", &portal, "--format", "json"]).expect(1);
    let plan = run.json();
    assert_eq!(
        decisions(&plan),
        [
            "contoso/contoso-appliance wait -",
            "contoso/contoso-consulting in-sync unpinned",
            "contoso/contoso-container cancel unpinned",
            "contoso/contoso-dynamics ignored -",
            "contoso/contoso-managed in-sync spent",
            "contoso/contoso-saas blocked -",
            "contoso/contoso-solution expired -",
            "contoso/contoso-virtualmachineoffer cancel -",
            "fabrikam/fabrikam-vm error -",
        ]
    );
    let shown: BTreeSet<&str> =
        plan["entries"].as_array().expect("entries").iter().filter_map(|e| e["decision"].as_str()).collect();
    let all: BTreeSet<&str> = cancel_pending::plan::Decision::ALL.iter().map(|decision| decision.as_str()).collect();
    assert_eq!(shown, all);
}

#[test]
fn the_digest_of_the_example_is_the_same_in_every_run() {
    let workspace = Workspace::new();
    let digest = || {
        let (offers, portal) = (example("offers.yaml"), example("portal.yaml"));
        let run = workspace.run(["plan", &offers, "--emulate", &portal, "--format", "json"]);
        run.json()["decisionDigest"].clone()
    };
    assert_eq!(digest(), digest());
}

#[test]
fn the_example_is_valid() {
    Workspace::new().run(["validate", &example("offers.yaml")]).expect(0);
}
