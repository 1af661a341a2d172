//! What keeps the comment, the review and the check of one plan apart from those of others.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::github::FakeGitHub;
use crate::support::step::{Step, plan, pull_request_event};
use crate::support::{Run, Workspace};

fn offers(publisher: &str, offer: &str) -> String {
    format!("publisher: {publisher}\noffers:\n  - id: {offer}\n    cancelPending: true\n")
}

/// A repository of several teams, and a pull request that changes all of their files.
fn monorepo() -> (Workspace, FakeGitHub) {
    let workspace = Workspace::new();
    let github = FakeGitHub::start();
    let files = [
        ("offers.yaml", offers("contoso", "vm")),
        ("team-a/offers.yaml", offers("contoso", "app")),
        ("team-b/offers.yaml", offers("fabrikam", "app") + "---\n" + &offers("contoso", "saas")),
    ];
    for (path, text) in &files {
        workspace.write(path, text);
        let patch = text.lines().fold(String::new(), |patch, line| patch + "\n+" + line);
        let hunk = format!("@@ -0,0 +1,{} @@{patch}", text.lines().count());
        github.state().files.push(((*path).to_owned(), Some(hunk)));
        github.state().branch_contents.push(((*path).to_owned(), text.clone().into()));
    }
    let running = ["contoso/vm", "contoso/app", "fabrikam/app", "contoso/saas"].map(|name| {
        let (publisher, offer) = name.split_once('/').expect("two parts");
        format!("  - {{publisher: {publisher}, id: {offer}, operations: [{{id: of-{publisher}-{offer}}}]}}\n")
    });
    workspace.write("portal.yaml", format!("offers:\n{}", running.concat()));
    workspace.write("event.json", pull_request_event(1));
    (workspace, github)
}

/// The keys of what is on the pull request, by comments, review comments and checks.
fn keys(github: &FakeGitHub) -> (BTreeSet<String>, BTreeSet<String>, Vec<String>) {
    let key = |body: &str| {
        let rest = body.split("\"key\":\"").nth(1).expect("a key");
        rest.split('"').next().expect("its end").to_owned()
    };
    let state = github.state();
    let comments = state.comments.iter().map(|comment| key(&comment.body)).collect();
    let reviews = state.review.iter().map(|comment| key(&comment.body)).collect();
    let checks = state.checks.iter().map(|check| check["name"].as_str().expect("a name").to_owned()).collect();
    (comments, reviews, checks)
}

#[test]
fn directories_and_filters_share_nothing() {
    let (workspace, github) = monorepo();
    let selections: [&[&str]; 5] = [
        &[],
        &["team-a/offers.yaml"],
        &["team-b/offers.yaml"],
        &["team-b/offers.yaml", "--publisher", "contoso"],
        &["team-b/offers.yaml", "--publisher", "fabrikam"],
    ];
    // Twice, in one order and in the other: each finds its own again, and takes nothing of another's away.
    for round in 0..2 {
        for index in 0..selections.len() {
            let selection = selections[if round == 0 { index } else { selections.len() - 1 - index }];
            plan(&workspace, selection).expect(0);
            let step = Step::new(&workspace, &github, 100 + round);
            step.report(&["--to", "comment,review,check"]).expect(0);
        }
        let (comments, reviews, checks) = keys(&github);
        assert_eq!(github.state().comments.len(), 5, "{comments:?}");
        // Both of the third's, and each of them again by the two after it.
        assert_eq!(github.state().review.len(), 6, "{reviews:?}");
        assert_eq!(comments, reviews);
        let names: BTreeSet<String> = checks.into_iter().collect();
        assert_eq!(names.len(), 5, "{names:?}");
        for name in ["cancel-pending", "cancel-pending (team-a/offers.yaml)", "cancel-pending (team-b/offers.yaml)"] {
            assert!(names.contains(name), "{names:?}");
        }
        assert!(names.iter().any(|name| name.starts_with("cancel-pending (team-b/offers.yaml_contoso~")), "{names:?}");
        let of_keys = comments.iter().map(|key| {
            if key == "offers.yaml" { "cancel-pending".to_owned() } else { format!("cancel-pending ({key})") }
        });
        assert_eq!(of_keys.collect::<BTreeSet<_>>(), names);
    }
}

#[test]
fn one_selection_is_one_however_it_is_written() {
    let (workspace, github) = monorepo();
    for (run, selection) in [
        &["./team-a/offers.yaml", "team-b/offers.yaml"][..],
        &["team-b/offers.yaml", "team-a/../team-a/offers.yaml"],
        &["team-a/offers.yaml", "team-b/offers.yaml", "team-a//offers.yaml"],
    ]
    .into_iter()
    .enumerate()
    {
        plan(&workspace, selection).expect(0);
        Step::new(&workspace, &github, 100 + run as u64).report(&["--to", "comment"]).expect(0);
    }
    assert_eq!(github.state().comments.len(), 1, "{:?}", keys(&github).0);
}

#[test]
fn an_apply_finds_the_check_of_its_own_selection_alone() {
    let (workspace, github) = monorepo();
    let team_a = ["team-a/offers.yaml"];
    plan(&workspace, &team_a).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(0);
    github.state().pulls_of_commit = vec![(7, "fff0000")];
    let apply = |arguments: &[&str]| {
        let mut command = workspace.command();
        command
            .env("GITHUB_API_URL", github.api_url())
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_SHA", "fff0000")
            .env("GITHUB_REF", "refs/heads/main")
            .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed", "--format", "json"])
            .args(arguments);
        Run::of(command.output().expect("it runs"))
    };
    let run = apply(&team_a).expect(0);
    assert_eq!(run.json()["summary"]["cancelled"], 1);
    for other in [&[][..], &["team-b/offers.yaml"], &["team-a/offers.yaml", "--offer", "app"]] {
        let run = apply(other).expect(1);
        assert!(run.stderr.contains("has no check run `cancel-pending"), "{}", run.stderr);
        let outcome: Value = run.json();
        assert_eq!(outcome["summary"]["cancelled"], 0, "{outcome}");
    }
    // By a key it is the same check for any selection: whoever names one takes care of that.
    let run = apply(&["team-a/offers.yaml", "--offer", "app", "--key", "team-a/offers.yaml"]).expect(0);
    assert_eq!(run.json()["summary"]["cancelled"], 1);
}
