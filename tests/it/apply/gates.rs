//! What must hold before anything is sent.

use serde_json::Value;

use super::{apply_plan, never, planned};
use crate::support::offer::{DESIRED, OfferPortal};
use crate::support::raw::answer;
use crate::support::{Run, Workspace, repository};

#[test]
fn a_plan_file_must_match_itself_its_portal_and_not_be_refused() {
    let portal = never();
    let workspace = planned(&portal);
    let whole = workspace.read("plan.json");
    let refused = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut plan: Value = serde_json::from_str(&whole).expect("JSON");
        change(&mut plan);
        workspace.write("plan.json", plan.to_string());
        let run = apply_plan(&portal, &workspace, &[]).expect(1);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    };
    refused(&|plan| plan["entries"][0]["operation"]["id"] = "another".into(), "was modified or is corrupt");
    refused(
        &|plan| plan["entries"][0]["notificationEmails"] = serde_json::json!(["x@evil.example"]),
        "was modified or is corrupt",
    );
    refused(&|plan| plan["decisionDigest"] = "0".repeat(64).into(), "was modified or is corrupt");
    refused(&|plan| plan["summary"]["cancel"] = 0.into(), "was modified or is corrupt");
    refused(
        &|plan| plan["portals"][0]["origin"] = "https://cloudpartner.azure.com".into(),
        "was modified or is corrupt",
    );
    refused(&|plan| plan["portals"] = serde_json::json!([]), "was modified or is corrupt");
    refused(&|plan| plan["refused"] = "too many".into(), "the plan is refused: too many");
    refused(
        &|plan| plan["formatVersion"] = 1.into(),
        "made by an older release (format version 1); run `cancel-pending plan` again",
    );
    refused(&|plan| plan["formatVersion"] = 3.into(), "made by a newer release");
    refused(&|plan| plan["surprise"] = 1.into(), "is not a plan");
    refused(&|plan| *plan = Value::Null, "is not a plan");
    refused(
        &|plan| {
            let again = plan["entries"][0].clone();
            plan["entries"].as_array_mut().expect("entries").push(again);
            plan["summary"]["cancel"] = 2.into();
            let read: cancel_pending::plan::Plan = serde_json::from_value(plan.clone()).expect("a plan");
            plan["decisionDigest"] = read.decision_document().digest().into();
        },
        "holds the offer contoso/vm twice",
    );
    workspace.write("plan.json", &whole);
    let run =
        workspace.run(["apply", "--plan", "plan.json", "--auto-approve", "--endpoint", "http://127.0.0.1:1"]).expect(1);
    assert!(run.stderr.contains("was made on"), "{}", run.stderr);
    let run = workspace.run(["apply", "--plan", "none.json", "--auto-approve"]).expect(1);
    assert!(run.stderr.contains("the plan `none.json` can't be read"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn an_expected_digest_holds_or_nothing_is_sent() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = planned(&portal);
    let plan: Value = serde_json::from_str(&workspace.read("plan.json")).expect("JSON");
    let digest = plan["decisionDigest"].as_str().expect("a digest").to_owned();
    for (wrong, expected) in [
        ("0".repeat(64), "was expected"),
        (String::new(), "64 hexadecimal digits"),
        (digest[..12].to_owned(), "64 hexadecimal"),
    ] {
        let run = portal.apply(&workspace, &["--expect-digest", &wrong]).expect(1);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        let run = apply_plan(&portal, &workspace, &["--expect-digest", &wrong]).expect(1);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    assert_eq!(portal.state().posts.len(), 0);
    portal.apply(&workspace, &["--expect-digest", &digest.to_uppercase()]).expect(0);
    assert_eq!(portal.state().posts.len(), 1);
}

#[test]
fn a_refused_plan_sends_nothing() {
    let portal = never();
    let workspace = Workspace::with("offers.yaml", format!("{DESIRED}limits: {{maxCancels: 0}}\n"));
    let run = workspace.run(["apply", "--auto-approve", "--endpoint", &portal.raw.url]).expect(1);
    assert!(run.stderr.contains("the plan is refused: 1 operation would be cancelled"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn without_a_terminal_and_without_approval_nothing_is_sent() {
    let portal = never();
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let run = workspace.run(["apply", "--endpoint", &portal.raw.url]).expect(1);
    assert!(run.stderr.contains("contoso / vm") && run.stderr.contains("--auto-approve"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn events_that_come_from_strangers_are_refused() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let run = |event: &str, more: &[&str]| {
        let mut command = workspace.command();
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", event);
        command.args(["apply", "--auto-approve", "--endpoint", &portal.raw.url]).args(more);
        Run::of(command.output().expect("it runs"))
    };
    for event in ["pull_request", "pull_request_target", "pull_request_review", "issue_comment", "merge_group"] {
        let refused = run(event, &[]).expect(1);
        assert!(refused.stderr.contains(&format!("does not run on the event `{event}`")), "{}", refused.stderr);
        run(event, &["--allow-event", "push"]).expect(1);
    }
    assert_eq!(portal.raw.requests(), 0);
    run("pull_request", &["--allow-event", "pull_request"]).expect(0);
    run("push", &[]).expect(0);
}

#[test]
fn what_is_blocked_shows_in_the_exit_status() {
    let (offers, portal) = (repository("examples/offers.yaml"), repository("examples/portal.yaml"));
    let workspace = Workspace::new();
    let run = workspace
        .run([
            "apply".as_ref(),
            offers.as_os_str(),
            "--emulate".as_ref(),
            portal.as_os_str(),
            "--auto-approve".as_ref(),
            "--out".as_ref(),
            "outcome.json".as_ref(),
            "--format".as_ref(),
            "json".as_ref(),
        ])
        .expect(1);
    assert_eq!(run.json()["summary"]["cancelled"], 3);
    assert_eq!(workspace.read("outcome.json"), run.stdout);
}

/// A file that is written takes the place of whatever was there, and what an emulator serves is no outcome of an earlier run.
#[test]
fn no_output_takes_the_place_of_what_an_emulator_serves() {
    let workspace = Workspace::with("offers.yaml", "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n");
    let state = "offers: [{publisher: contoso, id: vm}]\n";
    workspace.write("portal.yaml", state);
    for arguments in [
        &["plan", "--out", "portal.yaml"][..],
        &["apply", "--auto-approve", "--out", "./portal.yaml"],
        &["apply", "--auto-approve", "--plan-out", "portal.yaml"],
        &["apply", "--auto-approve", "--journal", "portal.yaml"],
    ] {
        let run = workspace.run(arguments.iter().chain(&["--emulate", "portal.yaml"])).expect(1);
        assert!(run.stderr.contains("and --emulate name the same file"), "{arguments:?}: {}", run.stderr);
        assert_eq!(workspace.read("portal.yaml"), state);
    }
}
