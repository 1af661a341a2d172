//! A plan that could not be made: its document takes the place of a stale comment, and is never applied.

use serde_json::{Value, json};

use crate::support::github::FakeGitHub;
use crate::support::plans::{CANARY, HOSTILE};
use crate::support::step::{Step, plan, pull_request_event};
use crate::support::{Workspace, assert_inert_text};

const OFFERS: &str = "publisher: contoso
offers:
  - {id: vm, cancelPending: true}
";
const PORTAL: &str = "offers:
  - {publisher: contoso, id: vm, operations: [{id: one}]}
";
const BROKEN: &str = "publisher: contoso
offers:
  - id: vm
    cancelpending: true
  - {id: saas, cancelPending: maybe}
";

fn workspace() -> Workspace {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("portal.yaml", PORTAL);
    workspace.write("event.json", pull_request_event(1));
    workspace
}

fn document(workspace: &Workspace) -> Value {
    serde_json::from_str(&workspace.read("plan.json")).expect("JSON")
}

#[test]
fn it_takes_the_place_of_the_plan_that_was_shown() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let all = ["--to", "comment,check,annotations,summary,outputs"];
    plan(&workspace, &[]).expect(0);
    Step::new(&workspace, &github, 100).report(&all).expect(0);
    assert!(github.state().own()[0].body.contains("1 operation to cancel"));

    workspace.write("offers.yaml", BROKEN);
    let run = plan(&workspace, &[]).expect(1);
    assert!(run.stdout.is_empty() && run.stderr.contains("error: 2 mistakes in 1 file"), "{}", run.stderr);
    let run = Step::new(&workspace, &github, 101).report(&all).expect(1);
    let own = github.state().own();
    assert_eq!(own.len(), 1);
    let body = &own[0].body;
    assert!(body.contains("### Cancel plan: failed for commit abc1234\n"), "{body}");
    assert!(body.contains("The plan that was shown here before is out of date."), "{body}");
    assert!(body.contains("- `offers.yaml:4:5`: ") && body.contains("`cancelPending`"), "{body}");
    assert!(!body.contains("operation to cancel") && !body.contains("one"), "{body}");
    // Each mistake on its line, in the log and in the check.
    assert!(
        run.stdout.contains("::error file=offers.yaml,line=4,title=The plan failed%3A unknown-key::"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("::error file=offers.yaml,line=5,"), "{}", run.stdout);
    let checks = github.state().checks.clone();
    let check = checks.last().expect("a check");
    assert_eq!((&check["conclusion"], &check["output"]["title"]), (&json!("failure"), &json!("Cancel plan: failed")));
    assert!(check.get("external_id").is_none() && check["output"].get("text").is_none(), "{check}");
    assert_eq!(check["output"]["annotations"].as_array().map(Vec::len), Some(2));
    assert!(run.stderr.contains("(approves nothing: no plan was made)"), "{}", run.stderr);
    assert!(workspace.read("summary").contains("### Cancel plan: failed\n"));
    // What was not counted is not 0.
    let outputs = workspace.read("outputs");
    let last = outputs.rsplit("cancel-count<<").next().expect("the last report");
    assert_eq!(last.lines().nth(1), Some(""), "{last}");

    // The same plan as before reads as before: what failed in between was no decision.
    workspace.write("offers.yaml", OFFERS);
    plan(&workspace, &[]).expect(0);
    Step::new(&workspace, &github, 102).report(&all).expect(0);
    let body = github.state().own()[0].body.clone();
    assert!(body.contains("1 operation to cancel") && !body.contains("Earlier decisions"), "{body}");
}

#[test]
fn a_first_one_replaces_nothing_and_one_after_the_apply_stays_away() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    workspace.write("offers.yaml", BROKEN);
    plan(&workspace, &[]).expect(1);
    Step::new(&workspace, &github, 100).comment();
    let body = github.state().own()[0].body.clone();
    assert!(body.contains("failed for commit abc1234") && !body.contains("out of date"), "{body}");

    workspace.write("offers.yaml", OFFERS);
    plan(&workspace, &[]).expect(0);
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
    workspace.run(apply).expect(0);
    Step::new(&workspace, &github, 101).report(&["--outcome", "outcome.json", "--to", "comment"]).expect(0);
    let applied = github.state().own()[0].body.clone();
    workspace.write("offers.yaml", BROKEN);
    plan(&workspace, &[]).expect(1);
    let run = Step::new(&workspace, &github, 102).comment();
    assert!(run.stderr.contains("it tells what an apply has done"), "{}", run.stderr);
    assert_eq!(github.state().own()[0].body, applied);
}

#[test]
fn whatever_kept_it_from_being_made_is_in_the_document() {
    let nowhere =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let nowhere = format!("http://{nowhere}");
    for (code, offers, token, arguments, said) in [
        ("unknown-key", BROKEN, "a-token", vec!["--emulate", "portal.yaml"], "not a key"),
        ("missing-key", "publisher: contoso\n", "a-token", vec!["--emulate", "portal.yaml"], "`offers`"),
        (
            "selection",
            OFFERS,
            "a-token",
            vec!["--emulate", "portal.yaml", "--publisher", "fabrikam"],
            "`fabrikam` of --publisher",
        ),
        ("portal", OFFERS, "", vec![], "credential"),
        ("portal", OFFERS, "a-token", vec!["--emulate", "missing.yaml"], "can't be read"),
        ("selection", OFFERS, "a-token", vec!["--endpoint", &nowhere, "--offer", "other"], "`other` of --offer"),
    ] {
        let workspace = workspace();
        workspace.write("offers.yaml", offers);
        let run = |format: &str| {
            let mut command = workspace.command();
            command.env("CANCEL_PENDING_TOKEN", token).args(["plan", "--out", "plan.json", "--format", format]);
            crate::support::Run::of(command.args(&arguments).output().expect("it runs")).expect(1)
        };
        let json = run("json");
        let failed = document(&workspace);
        assert_eq!(json.json()["failed"], failed["failed"], "{code}");
        assert!(json.stderr.contains("error"), "{code}: {}", json.stderr);
        assert_eq!(failed["failed"][0]["code"], code, "{failed}");
        let message = failed["failed"][0]["message"].as_str().expect("a message");
        assert!(message.contains(said), "{code}: {message}");
        assert_eq!((&failed["entries"], &failed["summary"]["cancel"]), (&json!([]), &json!(0)));
        assert!(run("markdown").stdout.starts_with("### Cancel plan: failed\n"));
        assert_eq!(run("text").stdout, "");
        // It says for which files and offers it failed: that decides which comment it replaces.
        assert_eq!(failed["selection"]["paths"], json!(["offers.yaml"]), "{failed}");
        if said.contains("fabrikam") {
            assert_eq!(failed["selection"]["publishers"], json!(["fabrikam"]), "{failed}");
        }
    }
}

#[test]
fn it_is_never_applied() {
    let workspace = workspace();
    workspace.write("offers.yaml", BROKEN);
    plan(&workspace, &[]).expect(1);
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve"];
    let run = workspace.run(apply).expect(1);
    assert!(run.stderr.contains("the plan failed (") && run.stderr.contains("can't be applied"), "{}", run.stderr);
    assert!(!workspace.path(".cancel-pending").exists());
    // A document that says both, or that it failed and not why, is none of ours.
    let failed = document(&workspace);
    workspace.write("offers.yaml", OFFERS);
    plan(&workspace, &[]).expect(0);
    let mut both = document(&workspace);
    both["failed"] = failed["failed"].clone();
    let mut silent = failed;
    silent["failed"] = json!([]);
    for document in [both, silent] {
        workspace.write("plan.json", document.to_string());
        for command in [&apply[..], &["report", "--plan", "plan.json", "--to", "annotations"]] {
            let run = workspace.run(command.iter()).expect(1);
            assert!(run.stderr.contains("does not match itself"), "{}", run.stderr);
        }
    }
}

#[test]
fn what_a_stranger_writes_into_it_stays_text() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    workspace.write("offers.yaml", BROKEN);
    plan(&workspace, &[]).expect(1);
    let mut failed = document(&workspace);
    let failure =
        |text: &str| json!({"code": text, "message": text, "path": text, "line": 1, "column": 1, "help": text});
    failed["failed"] = HOSTILE.iter().map(|text| failure(text)).chain((0..2_000).map(|_| failure("again"))).collect();
    workspace.write("plan.json", failed.to_string());
    let run = Step::new(&workspace, &github, 100).report(&["--to", "comment,annotations,summary,check"]).expect(1);
    assert_inert_text(&run.stdout.replace("::error ", ""));
    let body = github.state().own()[0].body.clone();
    assert!(body.len() < 60_000 && body.contains("not shown here"), "{}", body.len());
    assert_inert_text(&body);
    let mut code = 0;
    for event in pulldown_cmark::Parser::new(&body) {
        match event {
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) => {
                assert!(dest_url.starts_with("https://github.com/contoso/offers/"), "{dest_url}");
            }
            pulldown_cmark::Event::Start(pulldown_cmark::Tag::CodeBlock(_)) => code += 1,
            pulldown_cmark::Event::Text(text) => assert!(!text.contains(CANARY), "{text}"),
            _ => {}
        }
    }
    assert_eq!(code, 0);
}
