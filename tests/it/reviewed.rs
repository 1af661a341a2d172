//! `apply --reviewed`: only what was approved, and never because nobody could look.

use cancel_pending::plan::{DecisionDocument, Relation};
use serde_json::{Value, json};

use crate::support::github::FakeGitHub;
use crate::support::step::Step;
use crate::support::{Run, Workspace};

const OFFERS: &str = "publisher: contoso
notificationEmails: [release@contoso.com]
offers:
  - {id: vm, cancelPending: true}
  - {id: saas, cancelPending: true}
";

const PORTAL: &str = "offers:
  - {publisher: contoso, id: vm, operations: [{id: one}]}
  - {publisher: contoso, id: saas, operations: [{id: two}]}
";

/// The plan of a pull request is reported on its head, and then it is merged as `fff0000`.
struct Merged {
    workspace: Workspace,
    github: FakeGitHub,
}

impl Merged {
    fn new() -> Self {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        workspace.write("portal.yaml", PORTAL);
        workspace.write("event.json", json!({"pull_request": {"number": 7, "head": {"sha": "abc1234"}}}).to_string());
        workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
        let github = FakeGitHub::start();
        Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(0);
        workspace.write("event.json", "{}");
        github.state().pulls_of_commit = vec![(7, "fff0000")];
        github.state().log.clear();
        Self { workspace, github }
    }

    /// The apply after the merge.
    fn apply(&self, more: &[&str]) -> Run {
        let mut command = self.workspace.command();
        command
            .env("GITHUB_API_URL", &self.github.raw.url)
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_SHA", "fff0000")
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_STEP_SUMMARY", self.workspace.path("summary"))
            .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed", "--format", "json"])
            .args(more);
        Run::of(command.output().expect("it runs"))
    }

    /// It is refused with this reason, nothing is sent, and the summary says so too.
    #[track_caller]
    fn refused(&self, more: &[&str], why: &str) -> Run {
        let run = self.apply(more).expect(1);
        assert!(run.stderr.contains("not applied"), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{why} is not in {}", run.stderr);
        assert_eq!(run.stdout, "", "there is no outcome");
        assert!(!self.workspace.path(".cancel-pending").exists(), "the journal was not begun");
        assert!(self.workspace.read("summary").contains("### Not applied"));
        run
    }
}

#[test]
fn what_was_approved_is_applied() {
    let merged = Merged::new();
    let run = merged.apply(&[]).expect(0);
    assert!(run.stderr.contains("this is the decision that was approved on #7 at abc1234"), "{}", run.stderr);
    assert_eq!(run.json()["summary"]["cancelled"], 2);
}

#[test]
fn what_is_over_or_under_way_by_itself_is_a_part_of_it() {
    let merged = Merged::new();
    merged.workspace.write(
        "portal.yaml",
        "offers:\n  - {publisher: contoso, id: vm, operations: [{id: one}]}\n  - {publisher: contoso, id: saas}\n",
    );
    let run = merged.apply(&[]).expect(0);
    assert!(run.stderr.contains("a part of the decision that was approved"), "{}", run.stderr);
    assert_eq!(run.json()["summary"]["cancelled"], 1);
    let merged = Merged::new();
    merged.workspace.write("portal.yaml", PORTAL.replace("{id: two}", "{id: two, cancellation: cancelRequested}"));
    merged.apply(&["--offer", "saas"]);
    let run = merged.apply(&["--no-wait", "--timeout", "2s"]);
    assert!(run.stderr.contains("a part of the decision"), "{}", run.stderr);
}

#[test]
fn another_operation_other_recipients_and_more_are_refused() {
    let cases: [(&str, String, String, &str); 4] = [
        (
            "operation",
            OFFERS.to_owned(),
            PORTAL.replace("id: two", "id: three"),
            "contoso/saas operation: approved two, now three",
        ),
        (
            "recipients",
            OFFERS.replace("release@", "all@"),
            PORTAL.to_owned(),
            "contoso/vm notificationEmails: approved release@contoso.com, now all@contoso.com",
        ),
        (
            "more",
            format!("{OFFERS}  - {{id: more, cancelPending: true}}\n"),
            format!("{PORTAL}  - {{publisher: contoso, id: more, operations: [{{id: four}}]}}\n"),
            "contoso/more decision: approved nothing, now cancel",
        ),
        (
            "less and more",
            OFFERS.replace("id: saas", "id: more"),
            format!("{PORTAL}  - {{publisher: contoso, id: more, operations: [{{id: four}}]}}\n"),
            "contoso/saas decision: approved cancel, now nothing (which may be)",
        ),
    ];
    for (name, offers, portal, why) in cases {
        let merged = Merged::new();
        merged.workspace.write("offers.yaml", offers);
        merged.workspace.write("portal.yaml", portal);
        let run = merged.refused(&[], why);
        assert!(run.stderr.contains("not what was approved on #7 at abc1234"), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("To have it approved: open a pull request"), "{name}");
        // It is said on the pull request too, once.
        merged.refused(&[], why);
        let comments = merged.github.state().comments.clone();
        assert_eq!(comments.len(), 1, "{name}");
        assert!(comments[0].body.contains("### Not applied: this is not what was approved"), "{}", comments[0].body);
        assert!(!comments[0].body.contains("@contoso.com"), "addresses of people stay out of comments");
    }
}

#[test]
fn whatever_is_missing_is_a_refusal() {
    type Change = fn(&Merged);
    let set = |merged: &Merged, change: &dyn Fn(&mut Value)| change(&mut merged.github.state().checks[0]);
    let _ = set;
    let cases: [(&str, Change); 15] = [
        ("comes from no pull request", |m| m.github.state().pulls_of_commit.clear()),
        ("comes from several merged pull requests (#7, #8)", |m| {
            m.github.state().pulls_of_commit = vec![(7, "other"), (8, "another")];
        }),
        ("comes from no pull request that was merged into main", |m| m.github.state().merged_at = None),
        ("comes from no pull request that was merged into main", |m| m.github.state().base = "feature"),
        ("has no check run `cancel-pending` by the app github-actions on its head abc1234; was the plan", |m| {
            m.github.state().checks.clear();
        }),
        ("there is one by the app mallory, which is not believed", |m| {
            m.github.state().checks[0]["app"] = "mallory".into();
        }),
        ("has no check run", |m| m.github.state().checks[0]["head_sha"] = "def5678".into()),
        ("has no check run", |m| m.github.state().checks[0]["name"] = "cancel-pending (other)".into()),
        ("ended as failure", |m| m.github.state().checks[0]["conclusion"] = "failure".into()),
        ("ended as neutral", |m| m.github.state().checks[0]["conclusion"] = "neutral".into()),
        ("is not complete (in_progress)", |m| {
            m.github.state().checks[0]["status"] = "in_progress".into();
            m.github.state().checks[0]["conclusion"] = Value::Null;
        }),
        ("carries no decision digest", |m| m.github.state().checks[0]["external_id"] = "".into()),
        ("GitHub answered 403", |m| m.github.state().facts_status = 403),
        ("GitHub answered 404", |m| m.github.state().facts_status = 404),
        // The latest is what people saw last, whatever an earlier one said.
        ("ended as failure", |m| {
            let mut later = m.github.state().checks[0].clone();
            later["conclusion"] = "failure".into();
            m.github.state().checks.push(later);
        }),
    ];
    for (why, change) in cases {
        let merged = Merged::new();
        change(&merged);
        merged.refused(&[], why);
    }
    let merged = Merged::new();
    for (name, why) in [
        ("GITHUB_TOKEN", "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", "GITHUB_REPOSITORY is not set"),
        ("GITHUB_SHA", "GITHUB_SHA names no commit"),
    ] {
        let mut command = merged.workspace.command();
        command
            .env("GITHUB_API_URL", &merged.github.raw.url)
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_SHA", "fff0000")
            .env_remove(name)
            .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed"]);
        let run = Run::of(command.output().expect("it runs")).expect(1);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn github_that_is_gone_is_a_refusal() {
    let merged = Merged::new();
    let mut command = merged.workspace.command();
    command
        .env("GITHUB_API_URL", "http://127.0.0.1:1")
        .env("GITHUB_TOKEN", "gh-token")
        .env("GITHUB_REPOSITORY", "contoso/offers")
        .env("GITHUB_SHA", "fff0000")
        .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed"]);
    let run = Run::of(command.output().expect("it runs")).expect(1);
    assert!(run.stderr.contains("no answer from GitHub"), "{}", run.stderr);
}

#[test]
fn forged_digests_documents_and_comments_are_not_believed() {
    // A comment that says anything at all.
    let merged = Merged::new();
    let text = merged.github.state().checks[0]["output"]["text"].as_str().expect("a text").to_owned();
    let digest = merged.github.state().checks[0]["external_id"].as_str().expect("a digest").to_owned();
    merged.github.state().checks.clear();
    merged
        .github
        .state()
        .add("github-actions[bot]", &format!("<!-- cancel-pending {{\"digest\":\"{digest}\"}} -->\n{text}"));
    merged.refused(&[], "has no check run");
    // A document that allows more, beside the digest of another one: the live state has one operation less.
    let merged = Merged::new();
    merged.github.state().checks[0]["external_id"] = "0".repeat(64).into();
    merged.refused(&[], "is not that of its digest");
    let merged = Merged::new();
    merged.workspace.write("portal.yaml", PORTAL.replace("id: two", "id: three"));
    merged.github.state().checks[0]["output"]["text"] = text.replace("\"two\"", "\"three\"").into();
    merged.refused(&[], "is not that of its digest");
    // A digest and its document of another time, by another app, after the real one.
    let merged = Merged::new();
    let mut replayed = merged.github.state().checks[0].clone();
    replayed["app"] = "mallory".into();
    merged.github.state().checks[0]["external_id"] = "1".repeat(64).into();
    merged.github.state().checks.push(replayed);
    merged.refused(&[], "is not that of its digest");
    // A success of another commit or another key, from a GitHub that lists more than it was asked for.
    for (field, other) in [("head_sha", "bad0000"), ("name", "cancel-pending (other)")] {
        let merged = Merged::new();
        merged.github.state().unfiltered_checks = true;
        merged.github.state().checks[0][field] = other.into();
        merged.refused(&[], "has no check run");
    }
    // Without the document nothing but the same digest will do.
    let merged = Merged::new();
    merged.github.state().checks[0]["output"]["text"] = Value::Null;
    merged.apply(&["--offer", "vm", "--no-wait"]).expect(1);
    merged.refused(&["--offer", "vm"], "too long to be compared");
    merged.apply(&[]).expect(0);
}

#[test]
fn another_app_can_be_named_and_another_key() {
    let merged = Merged::new();
    merged.github.state().checks[0]["app"] = "release-robot".into();
    merged.refused(&[], "by the app github-actions");
    merged.apply(&["--reviewed-by", "release-robot"]).expect(0);
    let merged = Merged::new();
    merged.refused(&["--key", "vm"], "has no check run `cancel-pending (vm)`");
    merged.github.state().checks[0]["name"] = "cancel-pending (vm)".into();
    merged.apply(&["--key", "vm"]).expect(0);
}

#[test]
fn an_approval_of_that_very_commit_by_somebody_who_may() {
    let with = |reviews: &[(&'static str, &'static str, &'static str)], permission: &'static str| {
        let merged = Merged::new();
        merged.github.state().reviews = reviews.to_vec();
        merged.github.state().permissions = vec![("joe", permission), ("jane", "admin")];
        merged
    };
    let required = ["--require-approval"];
    for (reviews, permission, why) in [
        (&[][..], "write", "nobody has approved it"),
        (&[("jane", "APPROVED", "abc1234")], "write", "the approval is the author's own"),
        (&[("joe", "APPROVED", "0ld0000")], "write", "is of an earlier commit"),
        (&[("joe", "APPROVED", "abc1234")], "read", "who may not write here"),
        (&[("stranger", "APPROVED", "abc1234")], "read", "who may not write here"),
        (&[("joe", "DISMISSED", "abc1234")], "write", "nobody has approved it"),
        (&[("joe", "APPROVED", "abc1234"), ("joe", "CHANGES_REQUESTED", "abc1234")], "write", "nobody has approved it"),
        (&[("joe", "COMMENTED", "abc1234")], "admin", "nobody has approved it"),
    ] {
        with(reviews, permission).refused(&required, why);
    }
    for reviews in [
        &[("joe", "APPROVED", "abc1234")][..],
        &[("joe", "CHANGES_REQUESTED", "0ld0000"), ("joe", "APPROVED", "abc1234"), ("joe", "COMMENTED", "abc1234")],
        &[("stranger", "APPROVED", "abc1234"), ("joe", "APPROVED", "abc1234")],
    ] {
        with(reviews, "write").apply(&required).expect(0);
    }
    // Without being asked for, approvals are not looked at.
    with(&[], "write").apply(&[]).expect(0);
}

#[test]
fn the_check_after_the_merge_says_whether_it_is_still_the_same() {
    let check = |merged: &Merged, event: &str, payload: Value| {
        merged.workspace.write("event.json", payload.to_string());
        merged.workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
        Step { event, ..Step::new(&merged.workspace, &merged.github, 101) }.report(&["--to", "check"]).expect(0);
        let check = merged.github.state().checks.last().expect("one").clone();
        (check["conclusion"].clone(), check["output"]["summary"].as_str().expect("a summary").to_owned())
    };
    let queue = json!({"merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-7-abc"}});
    for (event, payload) in [("push", json!({})), ("merge_group", queue)] {
        let merged = Merged::new();
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "success");
        assert!(summary.contains("**Same decision as approved** on #7 at abc1234"), "{summary}");
        merged.workspace.write("portal.yaml", PORTAL.replace("id: two", "id: three"));
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "failure");
        assert!(summary.contains("**Not the decision that was approved** on #7"), "{summary}");
        assert!(summary.contains("| ⛔ `contoso/saas` operation | `two` | `three` |"), "{summary}");
        merged
            .workspace
            .write("portal.yaml", "offers:\n  - {publisher: contoso, id: vm}\n  - {publisher: contoso, id: saas}\n");
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "success");
        assert!(summary.contains("**Part of the decision that was approved**"), "{summary}");
        merged.github.state().facts_status = 403;
        let (_, summary) = check(&merged, event, payload);
        assert!(summary.contains("**Not compared with what was approved:**"), "{summary}");
    }
}

/// How decisions relate, as a table.
#[test]
fn relations_of_decisions() {
    let entry = |decision: &str, offer: &str, operation: &str, emails: &str| {
        format!(
            r#"{{"decision":"{decision}","notificationEmails":[{emails}],"offer":"{offer}","operationId":"{operation}","publisher":"contoso"}}"#
        )
    };
    let document = |entries: &[String], portal: &str| {
        let text = format!(r#"{{"entries":[{}],"formatVersion":1,"portal":"{portal}"}}"#, entries.join(","));
        serde_json::from_str::<DecisionDocument>(&text).expect("a document")
    };
    let portal = "https://cloudpartner.azure.com";
    let (a, b) = (entry("cancel", "a", "1", ""), entry("cancel", "b", "2", ""));
    let approved = document(&[a.clone(), b.clone()], portal);
    for (name, now, relation) in [
        ("equal", document(&[a.clone(), b.clone()], portal), Relation::Equal),
        ("other order", document(&[b.clone(), a.clone()], portal), Relation::Equal),
        ("subset: one is over", document(std::slice::from_ref(&a), portal), Relation::Subset),
        ("subset: all are over", document(&[], portal), Relation::Subset),
        ("subset: one is under way", document(&[a.clone(), entry("wait", "b", "2", "")], portal), Relation::Subset),
        ("superset", document(&[a.clone(), b.clone(), entry("cancel", "c", "3", "")], portal), Relation::Different),
        (
            "superset by one that waits",
            document(&[a.clone(), entry("wait", "c", "3", "")], portal),
            Relation::Different,
        ),
        ("other operation", document(&[a.clone(), entry("cancel", "b", "9", "")], portal), Relation::Different),
        ("other operation under way", document(&[a.clone(), entry("wait", "b", "9", "")], portal), Relation::Different),
        (
            "other recipients",
            document(&[a.clone(), entry("cancel", "b", "2", r#""x@y.z""#)], portal),
            Relation::Different,
        ),
        ("other portal", document(&[a.clone(), b.clone()], "https://example.com"), Relation::Different),
        ("other portal, nothing to do", document(&[], "https://example.com"), Relation::Different),
    ] {
        assert_eq!(approved.compare(&now).relation, relation, "{name}");
    }
    // What was only to be waited for may not come to be a call.
    let waiting = document(&[entry("wait", "a", "1", "")], portal);
    assert_eq!(waiting.compare(&document(std::slice::from_ref(&a), portal)).relation, Relation::Different);
    // A document is believed by its digest, in its one form, and when it says one thing of an offer.
    let text = approved.canonical_json();
    assert_eq!(DecisionDocument::verified(&text, &approved.digest()), Some(approved.clone()));
    assert_eq!(DecisionDocument::verified(&text, &"0".repeat(64)), None);
    assert_eq!(
        DecisionDocument::verified(&text.replace("\"formatVersion\":1", "\"formatVersion\": 1"), &approved.digest()),
        None
    );
    let twice = document(&[a.clone(), entry("cancel", "A", "2", "")], portal);
    assert_eq!(DecisionDocument::verified(&twice.canonical_json(), &twice.digest()), None);
}
