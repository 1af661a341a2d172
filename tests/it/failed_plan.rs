//! A plan that could not be made: its document takes the place of a stale comment, and is never applied.

use serde_json::{Value, json};

use crate::support::github::FakeGitHub;
use crate::support::plans::{CANARY, HOSTILE};
use crate::support::raw::RefusedAddress;
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
    let nowhere = RefusedAddress::new();
    let nowhere = nowhere.url();
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

/// What is wrong with a setting is found before any file is read.
#[test]
fn a_setting_that_is_wrong_leaves_a_document_too() {
    // What was given may be a secret in the wrong place: the runner hides it in the log, and nobody in a comment.
    for (code, variable, arguments, said, unsaid) in [
        ("settings", None, vec!["--endpoint", "s3cr3t"], "in --endpoint: ", "s3cr3t"),
        ("settings", None, vec!["--endpoint", "s3cr3t=https://contoso.com"], "in --endpoint: ", "s3cr3t"),
        ("settings", None, vec!["--endpoint", "http://s3cr3t.com/?sig=1"], "in --endpoint: ", "s3cr3t"),
        ("settings", None, vec!["--endpoint", "cloud-partner=s3cr3t?sig=1"], "in --endpoint: ", "s3cr3t"),
        (
            "settings",
            Some(("CANCEL_PENDING_ENDPOINT", "ftp://s3cr3t")),
            vec![],
            "in CANCEL_PENDING_ENDPOINT: ",
            "s3cr3t",
        ),
        ("settings", None, vec!["--concurrency", "s3cr3t"], " for '--concurrency <N>': use a number", "s3cr3t"),
        ("settings", None, vec!["--max-cancels", "s3cr3t"], " for '--max-cancels <N>'", "s3cr3t"),
        ("settings", None, vec!["--auth", "s3cr3t"], " for '--auth <CREDENTIAL>'", "s3cr3t"),
        ("settings", None, vec!["--request-timeout=0s"], " for '--request-timeout <TIME>'", "'0s'"),
        ("portal", Some(("CANCEL_PENDING_TOKEN", "two words")), vec![], "can't stand in an HTTP header", "two words"),
    ] {
        for flags_first in [true, false] {
            let workspace = workspace();
            let mut command = workspace.command();
            command.envs(variable).arg("plan");
            let own = ["offers.yaml", "--publisher", "contoso", "--out", "plan.json"];
            if flags_first {
                command.args(&arguments).args(own)
            } else {
                command.args(own).args(&arguments)
            };
            let run = crate::support::Run::of(command.output().expect("it runs")).expect(1);
            assert!(run.stdout.is_empty() && run.stderr.contains(said), "{said}: {}", run.stderr);
            let failed = document(&workspace);
            assert_eq!(failed["failed"][0]["code"], code, "{failed}");
            let message = failed["failed"][0]["message"].as_str().expect("a message");
            assert!(message.contains(said) && !message.contains("--help") && !message.contains('\n'), "{message}");
            assert!(!failed.to_string().contains(unsaid), "{failed}");
            // Which comment it replaces is decided by what was selected.
            assert_eq!(
                (&failed["selection"]["paths"], &failed["selection"]["publishers"]),
                (&json!(["offers.yaml"]), &json!(["contoso"]))
            );
        }
    }
    // What is no command line of this program plans nothing, and so no plan of it has failed.
    let workspace = workspace();
    for arguments in
        [&["plan", "--out", "plan.json", "--nonsense"][..], &["apply", "--out", "plan.json", "--timeout=x"]]
    {
        workspace.run(arguments.iter()).expect(1);
        assert!(!workspace.path("plan.json").exists(), "{arguments:?}");
    }
}

/// The whole way: what was said before goes, and the check of the commit fails.
#[test]
fn a_setting_that_is_wrong_replaces_the_comment() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    plan(&workspace, &[]).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "comment,check"]).expect(0);
    workspace.run(["plan", "--endpoint", "contoso.com", "--out", "plan.json"]).expect(1);
    let run = Step::new(&workspace, &github, 101).report(&["--to", "comment,check,annotations"]).expect(1);
    let own = github.state().own();
    assert!(own.len() == 1 && own[0].body.contains("### Cancel plan: failed for commit abc1234"), "{}", own[0].body);
    assert!(own[0].body.contains("out of date") && !own[0].body.contains("to cancel"), "{}", own[0].body);
    assert!(run.stdout.starts_with("::error title=The plan failed%3A settings::"), "{}", run.stdout);
    assert_eq!(github.state().checks.last().expect("a check")["conclusion"], "failure");
}

/// No offer could be read: there is a plan, which says so of each, and nothing of the earlier one stays.
#[test]
fn a_portal_that_can_not_be_reached_replaces_the_comment() {
    let nowhere = RefusedAddress::new();
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let more =
        (2..40).fold(String::new(), |text, number| format!("{text}  - {{id: offer-{number}, cancelPending: true}}\n"));
    workspace.write("offers.yaml", format!("{OFFERS}  - {{id: saas, cancelPending: true}}\n"));
    workspace
        .write("portal.yaml", format!("{PORTAL}  - {{publisher: contoso, id: saas, operations: [{{id: two}}]}}\n"));
    plan(&workspace, &[]).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "comment,check"]).expect(0);
    let unreachable = ["plan", "--endpoint", &nowhere.url(), "--request-timeout=1s", "--out", "plan.json"];
    let run = workspace.run(unreachable).expect(1);
    assert!(run.stderr.contains("error: 2 offers could not be read"), "{}", run.stderr);
    let run = Step::new(&workspace, &github, 101).report(&["--to", "comment,check,annotations"]).expect(1);
    let own = github.state().own();
    assert!(own.len() == 1 && own[0].body.contains("could not check 2 of 2 marked offers"), "{}", own[0].body);
    assert!(!own[0].body.contains("to cancel") && !own[0].body.contains("nothing to"), "{}", own[0].body);
    // One reason is one error, on the line of the first offer that it is about.
    assert_eq!(run.stdout.matches("::error file=offers.yaml,line=").count(), 1, "{}", run.stdout);
    let check = github.state().checks.last().expect("a check").clone();
    assert_eq!(check["conclusion"], "failure");
    assert_eq!(check["output"]["annotations"].as_array().map(Vec::len), Some(1), "{check}");
    // Some are given up sooner than others, and the reason is one all the same.
    workspace.write("offers.yaml", format!("{OFFERS}  - {{id: saas, cancelPending: true}}\n{more}"));
    workspace.run(unreachable).expect(1);
    Step::new(&workspace, &github, 102).report(&["--to", "comment"]).expect(1);
    let body = github.state().own()[0].body.clone();
    assert!(body.contains("could not check 40 of 40") && body.matches("could not reach").count() == 1, "{body}");
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
