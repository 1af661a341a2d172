//! `report`: what a step of GitHub Actions shows.

use serde_json::Value;

use cancel_pending::github::{PullRequestSource, pull_request_source};
use cancel_pending::plan::Plan;

use crate::support::github::FakeGitHub;
use crate::support::openapi::installed;
use crate::support::plans::{CANARY, HOSTILE, any_plan};
use crate::support::step::{Step, pull_request_event};
use crate::support::{Run, Workspace, assert_inert_text, repository};
use proptest::strategy::{Strategy as _, ValueTree as _};

/// A workspace with the plan, and on request the outcome, of the examples.
fn planned(outcome: bool) -> Workspace {
    let workspace = Workspace::new();
    for name in ["offers.yaml", "portal.yaml"] {
        workspace.write(name, std::fs::read(repository(&format!("examples/{name}"))).expect("an example"));
    }
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    if outcome {
        let apply =
            ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
        workspace.run(apply).expect(1);
    }
    workspace
}

fn report(workspace: &Workspace, arguments: &[&str]) -> Run {
    let mut command = workspace.command();
    command.env("GITHUB_STEP_SUMMARY", workspace.path("summary")).env("GITHUB_OUTPUT", workspace.path("outputs"));
    command.env("GITHUB_WORKSPACE", workspace.directory.path());
    Run::of(command.args(["report", "--plan", "plan.json"]).args(arguments).output().expect("it runs"))
}

/// The outputs as the runner reads them.
fn outputs(workspace: &Workspace) -> Vec<(String, String)> {
    let text = workspace.read("outputs");
    let mut lines = text.lines();
    let mut all = Vec::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect("a name and a delimiter");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        all.push((name.to_owned(), value.join("\n")));
    }
    all
}

fn output(workspace: &Workspace, name: &str) -> String {
    outputs(workspace).into_iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("no output {name}")).1
}

#[test]
fn the_outputs_of_a_plan() {
    let workspace = planned(false);
    report(&workspace, &["--to", "outputs"]).expect(1);
    let plan: Value = serde_json::from_str(&workspace.read("plan.json")).expect("JSON");
    for (name, value) in [
        ("decision-digest", plan["decisionDigest"].as_str().expect("a digest")),
        ("cancel-count", "2"),
        ("wait-count", "1"),
        ("blocked-count", "1"),
        ("error-count", "1"),
        ("in-sync-count", "2"),
        ("refused", "false"),
    ] {
        assert_eq!(output(&workspace, name), value, "{name}");
    }
    assert_eq!(serde_json::from_str::<Value>(&output(&workspace, "plan-json")).expect("JSON"), plan);
    let locations: Value = serde_json::from_str(&output(&workspace, "operation-locations")).expect("JSON");
    assert_eq!(locations.as_array().expect("a list").len(), 3);
    assert!(outputs(&workspace).iter().all(|(name, _)| name != "cancelled-count"));
}

#[test]
fn the_outputs_of_an_outcome() {
    let workspace = planned(true);
    report(&workspace, &["--outcome", "outcome.json", "--to", "outputs"]).expect(1);
    assert_eq!(output(&workspace, "cancelled-count"), "3");
    let locations: Value = serde_json::from_str(&output(&workspace, "operation-locations")).expect("JSON");
    let vm = locations.as_array().expect("a list").iter().find(|one| one["offer"] == "contoso-virtualmachineoffer");
    let cancellation = vm.and_then(|one| one["cancellation"].as_str()).expect("a location");
    assert!(cancellation.contains("/operations/"), "{cancellation}");
}

/// A plan that came as an artifact says what it likes about addresses.
#[test]
fn only_documented_addresses_become_links() {
    let documented =
        "https://cloudpartner.azure.com/api/publishers/contoso/offers/vm/operations/1?api-version=2017-10-31";
    let page = "https://partner.microsoft.com/dashboard/commercial-marketplace/offers/0d5c0a4e-1111-4222-8333-944455566677/overview";
    let own = "https://portal.contoso.com";
    let of_own = documented.replace("https://cloudpartner.azure.com", own);
    let microsoft = "https://cloudpartner.azure.com";
    for (origin, location, link, is_recorded, linked) in [
        (microsoft, documented, page, false, vec![documented, page]),
        (microsoft, "https://evil.example/login", page, false, vec![page]),
        (microsoft, "https://cloudpartner.azure.com/login?next=https://evil.example", page, false, vec![page]),
        (microsoft, "javascript:alert(1)", "javascript:alert(1)", false, vec![]),
        (
            microsoft,
            documented,
            "https://evil.example/0d5c0a4e-1111-4222-8333-944455566677/overview",
            false,
            vec![documented],
        ),
        (microsoft, "//evil.example/api/publishers/contoso/offers/vm/operations/1", page, true, vec![page]),
        // An origin that only the document names is a stranger's, unless this job made the document.
        (own, of_own.as_str(), page, false, vec![page]),
        (own, of_own.as_str(), page, true, vec![page, of_own.as_str()]),
    ] {
        let workspace = planned(true);
        let github = FakeGitHub::start();
        workspace.write("event.json", pull_request_event(1));
        let text = workspace.read("offers.yaml");
        let patch = text.lines().fold(String::new(), |patch, line| patch + "\n+" + line);
        let hunk = format!("@@ -0,0 +1,{} @@{patch}", text.lines().count());
        github.state().files = vec![("offers.yaml".to_owned(), Some(hunk))];
        let mut plan: Plan = serde_json::from_str(&workspace.read("plan.json")).expect("a plan");
        plan.portals[0].origin = origin.parse().expect("an origin");
        for operation in plan.entries.iter_mut().filter_map(|entry| entry.operation.as_mut()) {
            (operation.location, operation.link) = (location.to_owned(), Some(link.to_owned()));
        }
        plan.decision_digest = plan.decision_document().digest();
        let text = cancel_pending::report::json(&plan);
        workspace.write("plan.json", &text);
        if is_recorded {
            workspace.write("temp/cancel-pending-plans", cancel_pending::domain::sha256_hex(text.as_bytes()) + "\n");
        }
        let mut outcome: Value = serde_json::from_str(&workspace.read("outcome.json")).expect("JSON");
        outcome["decisionDigest"] = plan.decision_digest.clone().into();
        outcome["portals"][0]["origin"] = origin.into();
        for entry in outcome["entries"].as_array_mut().expect("entries") {
            entry["location"] = location.into();
        }
        workspace.write("outcome.json", outcome.to_string());
        let mut found = std::collections::BTreeSet::new();
        for (run, more) in [(100, &[][..]), (101, &["--outcome", "outcome.json"])] {
            for name in ["outputs", "summary"] {
                let _ = std::fs::remove_file(workspace.path(name));
            }
            let to = ["--to", "summary,annotations,outputs,comment,review,check"];
            let run = Step::new(&workspace, &github, run).report(&[&to[..], more].concat()).expect(1);
            // The log makes a link of an address too.
            assert!(linked.contains(&location) || !run.stdout.contains(location), "{}", run.stdout);
            let mut locations: Value = serde_json::from_str(&output(&workspace, "operation-locations")).expect("JSON");
            for one in locations.as_array_mut().expect("a list") {
                for name in ["page", "operation", "cancellation"] {
                    found.extend(one[name].as_str().map(str::to_owned));
                }
            }
            let state = github.state();
            let pages = state.comments.iter().map(|comment| comment.body.clone());
            let pages = pages.chain(state.review.iter().map(|comment| comment.body.clone()));
            let checks =
                state.checks.iter().map(|check| check["output"]["summary"].as_str().unwrap_or_default().to_owned());
            for text in pages.chain(checks).chain([workspace.read("summary")]) {
                for event in pulldown_cmark::Parser::new_ext(&text, pulldown_cmark::Options::ENABLE_TABLES) {
                    if let pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { dest_url, .. }) = event
                        && !dest_url.starts_with("https://github.com/contoso/offers/")
                    {
                        found.insert(dest_url.into_string());
                    }
                }
            }
            assert!(state.review.len() > 3 && state.comments.len() == 1, "{}", run.stderr);
        }
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), linked, "{origin} {location} {link}");
    }
}

#[test]
fn the_summary_is_appended_and_stays_within_its_limit() {
    let workspace = planned(true);
    workspace.write("summary", "Before.\n");
    report(&workspace, &["--outcome", "outcome.json", "--to", "summary"]).expect(1);
    let summary = workspace.read("summary");
    assert!(summary.starts_with("Before.\n### Apply: 3 of 3 operations cancelled"), "{summary}");
    assert!(summary.contains("### Cancel plan: 2 operations to cancel"));
    workspace.write("summary", "x".repeat(1024 * 1024 - 2_000));
    let run = report(&workspace, &["--to", "summary", "--strict"]).expect(1);
    assert!(run.stderr.contains("no summary"), "{}", run.stderr);
    assert_eq!(workspace.read("summary").len(), 1024 * 1024 - 2_000, "one byte too many would lose all of it");
}

#[test]
fn annotations_stand_on_the_lines_of_the_marks() {
    let workspace = planned(false);
    let run = report(&workspace, &["--to", "annotations"]).expect(1);
    insta::assert_snapshot!(run.stdout);
    let mut command = workspace.command();
    command.env("GITHUB_WORKSPACE", workspace.directory.path().parent().expect("a parent"));
    let output = command.args(["report", "--plan", "plan.json", "--to", "annotations"]).output().expect("it runs");
    let name = workspace.directory.path().file_name().expect("a name").to_string_lossy().into_owned();
    let below = format!("file={name}/offers.yaml");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&below), "paths are those of the repository");
}

#[test]
fn a_target_that_can_not_be_reached_takes_nothing_from_the_others() {
    let workspace = planned(false);
    let run = workspace.run(["report", "--plan", "plan.json", "--to", "summary,outputs,annotations"]).expect(1);
    assert!(run.stderr.contains("no summary: GITHUB_STEP_SUMMARY is not set"), "{}", run.stderr);
    assert!(run.stderr.contains("no outputs: GITHUB_OUTPUT is not set"), "{}", run.stderr);
    assert!(run.stdout.contains("::warning file=offers.yaml"));
}

/// A token that can't be used is one that only some targets need.
#[test]
fn a_token_that_can_not_be_used_takes_nothing_from_those_that_need_none() {
    let (workspace, github) = (planned(false), FakeGitHub::start());
    workspace.write("event.json", pull_request_event(1));
    let mut command = workspace.command();
    command
        .env("GITHUB_STEP_SUMMARY", workspace.path("summary"))
        .env("GITHUB_OUTPUT", workspace.path("outputs"))
        .env("GITHUB_API_URL", github.api_url())
        .env("GITHUB_REPOSITORY", "contoso/offers")
        .env("GITHUB_TOKEN", "two words")
        .args(["report", "--plan", "plan.json", "--to", "summary,annotations,outputs,comment,check"]);
    let run = Run::of(command.output().expect("it runs")).expect(1);
    for target in ["comment", "check"] {
        let said = format!("warning: no {target}: GITHUB_TOKEN can't be used: the token holds characters");
        assert!(run.stderr.contains(&said), "{said}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("two words") && run.stdout.contains("::warning file=offers.yaml"));
    assert!(workspace.read("summary").contains("### Cancel plan") && !output(&workspace, "cancel-count").is_empty());
    assert_eq!(github.state().log, Vec::<String>::new());
}

#[test]
fn it_ends_as_the_documents_did_unless_it_is_strict() {
    let quiet = || {
        let workspace = Workspace::with("offers.yaml", "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n");
        workspace.write("portal.yaml", "offers: [{publisher: contoso, id: vm}]\n");
        workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
        workspace
    };
    let workspace = quiet();
    workspace.run(["report", "--plan", "plan.json", "--to", "summary"]).expect(0);
    workspace.run(["report", "--plan", "plan.json", "--to", "summary", "--strict"]).expect(1);
    report(&workspace, &["--to", "summary,outputs,annotations", "--strict"]).expect(0);
}

#[test]
fn documents_are_held_against_themselves_and_each_other() {
    let workspace = planned(true);
    let (plan, outcome) = (workspace.read("plan.json"), workspace.read("outcome.json"));
    let refused = |plan: &str, outcome: &str, expected: &str| {
        workspace.write("plan.json", plan);
        workspace.write("outcome.json", outcome);
        let run = report(&workspace, &["--outcome", "outcome.json", "--to", "annotations"]).expect(1);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    };
    refused(&plan.replace("5a63deb5", "6a63deb5"), &outcome, "was modified or is corrupt");
    refused(&plan, &outcome.replace("\"cancelled\": 3", "\"cancelled\": 2"), "was modified or is corrupt");
    refused(
        &plan,
        &outcome.replace("\"origin\": \"http://emulator.localhost\"", "\"origin\": \"http://127.0.0.1\""),
        "belongs to another plan",
    );
    refused(&plan, "{}", "is not an outcome");
    refused("[]", &outcome, "is not a plan");
}

/// A plan with hostile texts everywhere, as an artifact of a stranger's job could be.
#[test]
fn hostile_documents_stay_inert_everywhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let plans = any_plan(12).prop_filter("something to show", |plan| plan.summary.marked() > 0);
    for _ in 0..40 {
        let plan = plans.new_tree(&mut runner).expect("a plan").current();
        let workspace = Workspace::with("plan.json", cancel_pending::report::json(&plan));
        let run = report(&workspace, &["--to", "summary,annotations,outputs"]);
        for line in run.stdout.lines() {
            // Each line is one of our commands, and after it nothing that a runner would read.
            let (command, message) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).expect("a command");
            assert!(["error ", "warning ", "notice "].iter().any(|kind| command.starts_with(kind)), "{line}");
            assert!(!message.trim_start().starts_with("::") && !line.contains("##["), "{line}");
        }
        assert_inert_text(&run.stdout.replace("::error ", "").replace("::warning ", "").replace("::notice ", ""));
        assert_inert_text(&workspace.read("summary"));
        let names: Vec<String> = outputs(&workspace).into_iter().map(|(name, _)| name).collect();
        assert!(names.iter().all(|name| !name.contains(CANARY)), "{names:?}");
        assert_eq!(names.len(), 11);
    }
    assert!(!HOSTILE.is_empty());
}

#[test]
fn more_than_ten_of_a_kind_are_counted() {
    let offers: String =
        (0..51).fold(String::new(), |text, number| format!("{text}  - {{id: offer-{number}, cancelPending: true}}\n"));
    let workspace =
        Workspace::with("offers.yaml", format!("publisher: contoso\nlimits: {{maxCancels: 51}}\noffers:\n{offers}"));
    let state: String = (0..51).fold(String::new(), |text, number| {
        format!("{text}  - {{publisher: contoso, id: offer-{number}, operations: [{{id: op-{number}}}]}}\n")
    });
    workspace.write("portal.yaml", format!("offers:\n{state}"));
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
    let run = report(&workspace, &["--to", "annotations"]).expect(0);
    assert_eq!(run.stdout.lines().count(), 10);
    assert!(run.stdout.contains("title=and 42 more"), "{}", run.stdout);
}

/// GitHub's own examples of the events, where they are installed: each names a pull request, or it is said why not.
#[test]
fn the_examples_of_github_events_are_read() {
    let Some(events) = installed("webhooks.json") else { return };
    let mut read = std::collections::BTreeMap::new();
    for event in events.as_array().expect("events") {
        let name = event["name"].as_str().expect("a name");
        let known = ["pull_request", "pull_request_review", "push", "merge_group", "workflow_run", "issue_comment"];
        if !known.contains(&name) {
            continue;
        }
        for example in event["examples"].as_array().expect("examples") {
            let place = pull_request_source(name, example, "refs/heads/main", "abc1234");
            match (name, &place) {
                ("pull_request" | "pull_request_review", PullRequestSource::Number(number)) => {
                    assert_eq!(Some(*number), example["pull_request"]["number"].as_u64());
                    assert!(example["pull_request"]["head"]["sha"].is_string());
                }
                ("issue_comment", PullRequestSource::Number(number)) => {
                    assert!(example["issue"]["pull_request"].is_object());
                    assert_eq!(Some(*number), example["issue"]["number"].as_u64());
                }
                ("issue_comment", PullRequestSource::None(why)) => assert!(why.contains("on an issue")),
                ("push", PullRequestSource::Commit(sha)) => assert_eq!(sha, "abc1234"),
                ("merge_group", PullRequestSource::Number(number)) => {
                    let head = example["merge_group"]["head_ref"].as_str().expect("a ref");
                    assert!(head.contains(&format!("/pr-{number}-")));
                }
                ("workflow_run", PullRequestSource::Branch { .. } | PullRequestSource::Number(_)) => {
                    assert!(example["workflow_run"]["head_sha"].is_string());
                }
                _ => panic!("{name}: {place:?}"),
            }
            *read.entry(name).or_insert(0) += 1;
        }
    }
    assert_eq!(read.len(), 6, "{read:?}");
}
