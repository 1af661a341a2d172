//! `plan --coverage`: what runs and is in no file, and that it is never cancelled.

use serde_json::{Value, json};

use crate::support::github::FakeGitHub;
use crate::support::raw::{RawPortal, Request, answer};
use crate::support::step::{Step, plan, pull_request_event};
use crate::support::{Run, Workspace, decisions};

const OFFERS: &str = "publisher: contoso
offers:
  - id: vm
  - {id: saas, cancelPending: true}
";

const PORTAL: &str = "clock: {now: 2026-11-22T12:00:00Z, speed: 0}
offers:
  - {publisher: contoso, id: vm, operations: [{id: one}]}
  - {publisher: contoso, id: saas, operations: [{id: two}]}
  - {publisher: contoso, id: forgotten, operations: [{id: three, changedAgo: 2d}]}
  - {publisher: contoso, id: idle, operations: [{id: four, status: completed}]}
  - {publisher: fabrikam, id: other, operations: [{id: five}]}
";

fn run(state: &str, more: &[&str]) -> Run {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("state.yaml", state);
    workspace.run(["plan", "--emulate", "state.yaml", "--coverage"].iter().chain(more))
}

#[test]
fn what_runs_and_is_in_no_file_is_told_and_never_cancelled() {
    let document = run(PORTAL, &["--format", "json"]).expect(0).json();
    assert_eq!(decisions(&document), ["contoso/saas cancel unpinned", "contoso/vm ignored -"]);
    let coverage = document["coverage"].as_array().expect("coverage");
    assert_eq!(coverage.len(), 1, "of the publishers of the files: {coverage:#?}");
    assert_eq!((&coverage[0]["publisher"], &coverage[0]["offers"]), (&json!("contoso"), &json!(4)));
    let running: Vec<&Value> = coverage[0]["running"].as_array().expect("running").iter().collect();
    assert_eq!(running.len(), 1);
    assert_eq!((&running[0]["offer"], &running[0]["operation"]["id"]), (&json!("forgotten"), &json!("three")));
    // The same plan without it decides the same, and says nothing of it.
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("state.yaml", PORTAL);
    let without = workspace.run(["plan", "--emulate", "state.yaml", "--format", "json"]).expect(0).json();
    assert_eq!((&without["coverage"], &without["decisionDigest"]), (&Value::Null, &document["decisionDigest"]));
    let text = run(PORTAL, &[]).expect(0).stdout;
    assert!(text.contains("Coverage of contoso (4 offers): 1 operation running in no file\n"), "{text}");
    assert!(text.contains("  forgotten  publish three  last changed "), "{text}");
    let markdown = run(PORTAL, &["--format", "markdown"]).expect(0).stdout;
    assert!(markdown.contains("<summary>1 running operation in no file</summary>"), "{markdown}");
    assert!(markdown.contains("`contoso/forgotten`") && markdown.contains("`three`"), "{markdown}");
    let run = run(PORTAL, &["--offline"]).expect(1);
    assert!(run.stderr.contains("cannot be used with"), "{}", run.stderr);
}

#[test]
fn comment_and_summary_have_it() {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("portal.yaml", PORTAL);
    workspace.write("event.json", pull_request_event(1));
    plan(&workspace, &["--coverage"]).expect(0);
    let github = FakeGitHub::start();
    Step::new(&workspace, &github, 100).report(&["--to", "comment,summary"]).expect(0);
    for text in [github.state().own()[0].body.clone(), workspace.read("summary")] {
        assert!(text.contains("1 running operation in no file") && text.contains("`contoso/forgotten`"), "{text}");
    }
}

#[test]
fn what_is_not_known_is_an_error_and_never_nothing() {
    // The list.
    let state = format!("{PORTAL}faults: [{{on: offers, status: 403}}]\n");
    let list = run(&state, &["--format", "json"]).expect(1);
    assert!(list.json()["coverage"][0]["error"].as_str().expect("an error").contains("403"));
    assert!(list.stderr.contains("error: the offers of contoso could not be listed"), "{}", list.stderr);
    let text = run(&state, &[]).expect(1).stdout;
    assert!(text.contains("Coverage of contoso: not known.") && text.contains("coverage is incomplete"), "{text}");
    // One offer of it.
    let state = format!("{PORTAL}faults: [{{on: submissions, offer: forgotten, status: 403}}]\n");
    let offer = run(&state, &["--format", "json"]).expect(1);
    assert_eq!(offer.json()["coverage"][0]["unclear"][0]["offer"], "forgotten");
    assert!(offer.stderr.contains("error: 1 offer of contoso in no file could not be read"), "{}", offer.stderr);
    let markdown = run(&state, &["--format", "markdown"]).expect(1).stdout;
    assert!(markdown.contains("| `contoso/forgotten`, in no file | ❓ could not be read"), "{markdown}");
}

/// The selection is about what is planned. A file that was left out of the plan is a file all the same.
#[test]
fn what_is_not_selected_is_in_a_file_all_the_same() {
    let document = run(PORTAL, &["--format", "json", "--offer", "saas"]).expect(0).json();
    assert_eq!(document["entries"].as_array().map(Vec::len), Some(1));
    let running = &document["coverage"][0]["running"];
    assert_eq!((running.as_array().map(Vec::len), &running[0]["offer"]), (Some(1), &json!("forgotten")));
}

/// Source: the API's page calls the `id` of a listed offer a GUID, and its examples show readable ones.
#[test]
fn an_offer_is_compared_by_both_of_its_ids() {
    let portal = |guid_of_vm: &'static str| {
        RawPortal::serve(move |request: &Request, stream| {
            let path = request.path.clone();
            let body = if path.contains("/offers?") {
                json!([
                    {"id": "56615b67-2185-49fe-80d2-c4ddf77bb2e8", "publisherId": "contoso", "status": "running"},
                    {"id": "saas", "publisherId": "contoso", "status": "running"},
                ])
            } else if path.contains("/offers/vm?") {
                if guid_of_vm == "refused" {
                    return answer(stream, "403 Forbidden", &[], b"");
                }
                json!({"id": guid_of_vm})
            } else if path.contains("/submissions/") {
                json!([{"id": "one", "offerId": "56615b67-2185-49fe-80d2-c4ddf77bb2e8", "submissionState": "running"}])
            } else {
                json!({"status": "running", "cancellationRequestState": "canCancel"})
            };
            answer(stream, "200 OK", &[], body.to_string().as_bytes());
        })
    };
    let planned = |portal: &RawPortal, status| {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        workspace.run(["plan", "--endpoint", &portal.url, "--coverage", "--format", "json"]).expect(status).json()
    };
    // By its own document, and by its operations where that has the readable id.
    for own in ["56615B67-2185-49fe-80d2-c4ddf77bb2e8", "vm"] {
        let document = planned(&portal(own), 0);
        assert_eq!(document["coverage"][0]["running"], json!([]), "{document}");
    }
    let document = planned(&portal("77777777-2185-49fe-80d2-c4ddf77bb2e8"), 0);
    assert_eq!(document["coverage"][0]["running"][0]["offer"], "56615b67-2185-49fe-80d2-c4ddf77bb2e8");
    // Where the comparison can't be made, nothing is said of it.
    let document = planned(&portal("refused"), 1);
    assert!(document["coverage"][0]["error"].is_string(), "{document}");
    assert_eq!(document["coverage"][0]["running"], json!([]));
}

#[test]
fn on_the_newer_portals_a_publisher_is_a_label() {
    let state = "offers:
  - {portal: partner-center, publisher: contoso, id: app, product: 0d5c0a4e-1111-4222-8333-944455566677, submissions: [{id: '1152921505700000004', substate: Submitted}]}
  - {portal: partner-center, publisher: contoso, id: other, product: 0d5c0a4e-1111-4222-8333-944455566678, submissions: [{id: '1152921505700000005', substate: Submitted}]}
  - {portal: partner-center, publisher: contoso, id: third, product: 0d5c0a4e-1111-4222-8333-944455566679, submissions: [{id: '1152921505700000006', substate: Submitted}]}
";
    let workspace = Workspace::with(
        "offers.yaml",
        "portal: partner-center\noffers: [{publisher: a, id: app}, {publisher: b, id: other}]\n",
    );
    workspace.write("state.yaml", state);
    let document =
        workspace.run(["plan", "--emulate", "state.yaml", "--coverage", "--format", "json"]).expect(0).json();
    let coverage = document["coverage"].as_array().expect("coverage");
    assert_eq!(coverage.len(), 1, "the list is one: {coverage:#?}");
    let running = coverage[0]["running"].as_array().expect("running");
    assert_eq!((running.len(), &running[0]["offer"]), (1, &json!("third")));
}
