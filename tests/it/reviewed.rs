//! `apply --reviewed`: only what was approved, and never because nobody could look.

use std::process::Command;

use cancel_pending::plan::DecisionDocument;
use serde_json::{Value, json};

use crate::support::github::{FakeGitHub, Merge, Scripted};
use crate::support::step::{Step, plan, pull_request_event};
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

/// The plan of a pull request is reported on its head by the job that made it, and then it is merged as `fff0000`.
struct Merged {
    workspace: Workspace,
    github: FakeGitHub,
}

impl Merged {
    fn new() -> Self {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        workspace.write("portal.yaml", PORTAL);
        workspace.write("event.json", pull_request_event(1));
        plan(&workspace, &[]).expect(0);
        let github = FakeGitHub::start();
        Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(0);
        workspace.write("event.json", "{}");
        github.state().pulls_of_commit = vec![(7, "fff0000")];
        github.state().branch_contents = vec![("offers.yaml".to_owned(), OFFERS.into())];
        github.state().log.clear();
        Self { workspace, github }
    }

    /// The apply after the merge.
    fn command(&self) -> Command {
        let mut command = self.workspace.command();
        command
            .env("GITHUB_API_URL", &self.github.raw.url)
            .env("GITHUB_TOKEN", "gh-token")
            .env("GITHUB_REPOSITORY", "contoso/offers")
            .env("GITHUB_SHA", "fff0000")
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_STEP_SUMMARY", self.workspace.path("summary"))
            .args(["apply", "--emulate", "portal.yaml", "--auto-approve", "--reviewed", "--format", "json"]);
        command
    }

    fn apply(&self, more: &[&str]) -> Run {
        Run::of(self.command().args(more).output().expect("it runs"))
    }

    /// It is refused with this reason, nothing is sent, and the summary says so too.
    #[track_caller]
    fn refused(&self, more: &[&str], why: &str) -> Run {
        let _ = std::fs::remove_dir_all(self.workspace.path(".cancel-pending"));
        let run = self.apply(more).expect(1);
        assert!(run.stderr.contains("not applied"), "{}", run.stderr);
        assert!(run.stderr.contains(why), "{why} is not in {}", run.stderr);
        // Where it could be told what was approved, the rest is in the outcome, and nothing of it was begun.
        assert!(run.stdout.is_empty() || run.stdout.contains("not-attempted"), "{}", run.stdout);
        let journal = std::fs::read_to_string(self.workspace.path(".cancel-pending/journal.jsonl")).unwrap_or_default();
        let (begun, approved) =
            (journal.matches("\"intent\"").count(), run.stderr.matches("was approved on #").count());
        assert!(begun <= approved, "{begun} calls, {approved} approved: {}", run.stderr);
        assert!(self.workspace.read("summary").contains("### Not applied"));
        run
    }

    /// What the files say now, in the working directory and at the head of the branch.
    fn files(&self, offers: &str) {
        self.workspace.write("offers.yaml", offers);
        self.github.state().branch_contents[0].1 = offers.into();
    }

    /// One more check run, like the first but for this.
    fn check(&self, change: impl Fn(&mut Value)) {
        let mut check = self.github.state().checks[0].clone();
        change(&mut check);
        self.github.state().checks.push(check);
    }
}

/// A check run that approves nothing.
fn approves_nothing(check: &mut Value) {
    check["external_id"] = Value::Null;
    check["output"]["text"] = Value::Null;
}

#[test]
fn what_was_approved_is_applied() {
    let merged = Merged::new();
    let run = merged.apply(&[]).expect(0);
    for line in ["contoso/vm operation one was approved on #7", "contoso/saas operation two was approved on #7"] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }
    assert_eq!(run.json()["summary"]["cancelled"], 2);
}

#[test]
fn what_is_over_or_under_way_by_itself_needs_no_approval() {
    let merged = Merged::new();
    merged.workspace.write(
        "portal.yaml",
        "offers:\n  - {publisher: contoso, id: vm, operations: [{id: one}]}\n  - {publisher: contoso, id: saas}\n",
    );
    assert_eq!(merged.apply(&[]).expect(0).json()["summary"]["cancelled"], 1);
    let merged = Merged::new();
    merged.workspace.write("portal.yaml", PORTAL.replace("{id: two}", "{id: two, cancellation: cancelRequested}"));
    let run = merged.apply(&["--no-wait", "--timeout", "2s"]);
    assert!(run.stderr.contains("contoso/vm operation one was approved on #7"), "{}", run.stderr);
}

#[test]
fn another_operation_other_recipients_and_more_are_refused() {
    let cases: [(&str, String, String, &str, usize); 3] = [
        (
            "operation",
            OFFERS.to_owned(),
            PORTAL.replace("id: two", "id: three"),
            "contoso/saas operation three: #7 approved another operation, two",
            1,
        ),
        (
            "recipients",
            OFFERS.replace("release@", "all@"),
            PORTAL.to_owned(),
            "contoso/vm operation one: #7 approved other recipients: release@contoso.com, and now all@contoso.com",
            1,
        ),
        (
            "more",
            format!("{OFFERS}  - {{id: more, cancelPending: true}}\n"),
            format!("{PORTAL}  - {{publisher: contoso, id: more, operations: [{{id: four}}]}}\n"),
            "contoso/more operation four: no merged pull request approved its cancellation",
            0,
        ),
    ];
    for (name, offers, portal, why, comments) in cases {
        let merged = Merged::new();
        merged.files(&offers);
        merged.workspace.write("portal.yaml", portal);
        let run = merged.refused(&[], why);
        assert!(run.stderr.contains("To have it approved, open a pull request"), "{name}");
        // It is said on the pull request that approved something else, once.
        merged.refused(&[], why);
        let there = merged.github.state().comments.clone();
        assert_eq!(there.len(), comments, "{name}");
        for comment in there {
            assert!(comment.body.contains("### Not applied: no approval found for "), "{}", comment.body);
            assert!(!comment.body.contains("@contoso.com"), "addresses of people stay out of comments");
        }
    }
}

/// Two pull requests that are merged close together, one run that is replaced by the next, a group of the merge
/// queue: each approves its own entries, and all are those of the newest run.
#[test]
fn entries_are_approved_one_by_one() {
    let merged = Merged::new();
    let offers =
        |offers: &str| format!("publisher: contoso\nnotificationEmails: [release@contoso.com]\noffers:\n{offers}");
    let report = |text: &str, head: &str| {
        merged.workspace.write("offers.yaml", offers(text));
        merged.workspace.write("event.json", pull_request_event(1).replace("abc1234", head));
        plan(&merged.workspace, &[]).expect(0);
        Step::new(&merged.workspace, &merged.github, 100).report(&["--to", "check"]).expect(0);
    };
    merged.github.state().checks.clear();
    report("  - {id: vm, cancelPending: true}\n", "aaa1111");
    report("  - {id: saas, cancelPending: true}\n", "bbb2222");
    let merge =
        |commit, number, head| Merge { commit, number, head, merged_at: Some("2026-11-20T00:00:00Z"), state: "closed" };
    merged.github.state().branch_commits = vec!["eee0002", "eee0001", "eee0000"];
    merged.github.state().pulls_of_commit.clear();
    merged.github.state().merges = vec![merge("eee0002", 12, "bbb2222"), merge("eee0000", 11, "aaa1111")];
    merged.files(OFFERS);
    let run = merged.apply(&[]).expect(0);
    for line in ["contoso/vm operation one was approved on #11", "contoso/saas operation two was approved on #12"] {
        assert!(run.stderr.contains(line), "{line}: {}", run.stderr);
    }
    // One that was never merged approves nothing, whatever its check says.
    let merged_at = std::mem::take(&mut merged.github.state().merges[1].merged_at);
    std::fs::remove_dir_all(merged.workspace.path(".cancel-pending")).expect("the journal");
    let run = merged.refused(&[], "no approval found for 1 of 2 cancellations");
    assert!(run.stderr.contains("contoso/vm operation one: no merged pull request"), "{}", run.stderr);
    assert!(run.stderr.contains("contoso/saas operation two was approved on #12"), "{}", run.stderr);
    // Nothing is looked up that is not needed.
    merged.github.state().merges[1].merged_at = merged_at;
    merged.github.state().log.clear();
    // A part of what was planned is another selection, which has to name the key of the whole.
    merged.apply(&["--offer", "saas", "--key", "offers.yaml"]).expect(0);
    let log = merged.github.state().log.join("\n");
    assert!(log.contains("/commits/eee0002/pulls") && !log.contains("/commits/eee0001/pulls"), "{log}");
}

/// The run of the first of two is replaced by that of the second, which applies what both approved: neither pull
/// request goes on showing a plan that is over.
#[test]
fn what_was_applied_is_said_where_it_was_approved() {
    let merged = Merged::new();
    let report = |offers: &str, head: &str, number: u64, run: u64| {
        merged.workspace.write("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
        let event =
            pull_request_event(1).replace("abc1234", head).replace("\"number\":7", &format!("\"number\":{number}"));
        merged.workspace.write("event.json", event);
        plan(&merged.workspace, &[]).expect(0);
        Step::new(&merged.workspace, &merged.github, run).report(&["--to", "check,comment"]).expect(0);
    };
    merged.github.state().checks.clear();
    report("  - {id: vm, cancelPending: true}\n", "aaa1111", 11, 100);
    report("  - {id: saas, cancelPending: true}\n", "bbb2222", 12, 101);
    let merge =
        |commit, number, head| Merge { commit, number, head, merged_at: Some("2026-11-20T00:00:00Z"), state: "closed" };
    merged.github.state().branch_commits = vec!["fff0000", "eee0000"];
    merged.github.state().merges = vec![merge("fff0000", 12, "bbb2222"), merge("eee0000", 11, "aaa1111")];
    merged.files(&OFFERS.replace("notificationEmails: [release@contoso.com]\n", ""));
    merged.workspace.write("event.json", "{}");
    merged.apply(&["--plan-out", "plan.json", "--out", "outcome.json"]).expect(0);
    merged.github.state().log.clear();
    let outcome = ["--outcome", "outcome.json", "--to", "comment,check"];
    let step = Step { event: "push", ..Step::new(&merged.workspace, &merged.github, 102) };
    let run = step.report_on(&outcome, "refs/heads/main").expect(0);
    let said = |number: u64| {
        let state = merged.github.state();
        let own: Vec<_> = state.comments.iter().filter(|comment| comment.on == number).collect();
        own.len() == 1 && own[0].body.contains("### Apply: 2 of 2 operations cancelled")
    };
    assert!(said(11) && said(12), "{}", run.stderr);
    let state = merged.github.state();
    assert_eq!(state.log.iter().filter(|line| line.contains("/commits/eee0000/pulls")).count(), 1, "looked up once");
    assert_eq!(state.comments.len(), 2, "where there was no plan there is nothing to replace");
}

#[test]
fn whatever_is_missing_is_a_refusal() {
    type Change = fn(&Merged);
    let cases: [(&str, Change); 14] = [
        ("come from no merged pull request", |m| m.github.state().pulls_of_commit.clear()),
        ("come from no merged pull request", |m| m.github.state().merged_at = None),
        ("come from no merged pull request", |m| m.github.state().base = "feature"),
        ("has no check run `cancel-pending` by the app github-actions on its head abc1234; was the plan", |m| {
            m.github.state().checks.clear();
        }),
        ("there is one by the app mallory, which is not accepted", |m| {
            m.github.state().checks[0]["app"] = "mallory".into();
        }),
        ("has no check run", |m| m.github.state().checks[0]["head_sha"] = "def5678".into()),
        ("has no check run", |m| m.github.state().checks[0]["name"] = "cancel-pending (other)".into()),
        ("that was complete before the merge", |m| {
            m.github.state().checks[0]["status"] = "in_progress".into();
            m.github.state().checks[0]["completed_at"] = Value::Null;
            m.github.state().checks[0]["conclusion"] = Value::Null;
        }),
        ("that was complete before the merge", |m| {
            m.github.state().checks[0]["completed_at"] = "2026-11-20T00:00:01Z".into();
        }),
        ("holds no approval", |m| m.github.state().checks[0]["external_id"] = "".into()),
        ("holds no approval", |m| approves_nothing(&mut m.github.state().checks[0])),
        ("GitHub answered 403", |m| m.github.state().facts_status = 403),
        ("GitHub answered 404", |m| m.github.state().facts_status = 404),
        ("holds no decision document of its digest", |m| {
            m.github.state().checks[0]["output"]["text"] = Value::Null;
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
        ("GITHUB_REF", "GITHUB_REF names no branch"),
    ] {
        let run = Run::of(merged.command().env_remove(name).output().expect("it runs")).expect(1);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
}

/// `completed_at`, `merged_at` and `submitted_at` are GitHub's times.
#[test]
fn the_newest_check_before_the_merge_decides() {
    // A run of the plan after the merge, or one that was started again, takes nothing back and adds nothing.
    let merged = Merged::new();
    merged.check(|check| {
        approves_nothing(check);
        check["completed_at"] = "2026-11-20T00:10:00Z".into();
    });
    merged.apply(&[]).expect(0);
    // One before the merge is what people saw last, also if it approves nothing.
    let merged = Merged::new();
    merged.check(|check| {
        approves_nothing(check);
        check["completed_at"] = "2026-11-19T23:59:59Z".into();
    });
    merged.refused(&[], "the newest check run `cancel-pending` on #7 before the merge holds no approval");
    // The order is that of time and not of numbers.
    let merged = Merged::new();
    merged.check(|check| {
        approves_nothing(check);
        check["completed_at"] = "2026-11-19T09:00:00Z".into();
    });
    merged.apply(&[]).expect(0);
    // The document decides, and not the conclusion.
    for conclusion in ["neutral", "failure"] {
        let merged = Merged::new();
        merged.github.state().checks[0]["conclusion"] = conclusion.into();
        merged.apply(&[]).expect(0);
    }
}

/// GitHub Actions makes a check run of each job, with the name of the job and its GUID for an external id. It ends
/// after the one that was reported in it, and says nothing about a plan.
#[test]
fn a_job_with_the_name_of_the_check_is_not_the_check() {
    let merged = Merged::new();
    merged.check(|check| {
        approves_nothing(check);
        check["external_id"] = "ca395085-040a-526b-2ce8-bdc85f692774".into();
        check["completed_at"] = "2026-11-19T10:00:20Z".into();
    });
    merged.apply(&[]).expect(0);
    merged.github.state().checks.remove(0);
    merged.refused(&[], "has no check run `cancel-pending` by the app github-actions");
}

/// The head of a pull request of a fork that is gone may be gone too.
#[test]
fn a_pull_request_that_can_not_be_read_takes_nothing_from_the_others() {
    let merged = Merged::new();
    let merge =
        |commit, number, head| Merge { commit, number, head, merged_at: Some("2026-11-20T00:00:00Z"), state: "closed" };
    merged.github.state().branch_commits = vec!["eee0001", "eee0000"];
    merged.github.state().merges = vec![merge("eee0001", 12, "bbb2222"), merge("eee0000", 7, "abc1234")];
    for status in [404, 422] {
        let _ = std::fs::remove_dir_all(merged.workspace.path(".cancel-pending"));
        let gone = Scripted::new("GET", "/commits/bbb2222/check-runs", status, "No commit found for SHA: bbb2222");
        merged.github.state().scripted = vec![gone.clone()];
        merged.apply(&[]).expect(0);
        // Where nothing else approves it, that is the reason.
        merged.github.state().scripted = vec![gone];
        merged.workspace.write("portal.yaml", PORTAL.replace("id: two", "id: three"));
        merged.refused(&[], "what #12 approved can't be read: GitHub answered");
        merged.workspace.write("portal.yaml", PORTAL);
    }
    // Of another repository, whose commit is in this one too.
    merged.github.state().base_repository = 2;
    let run = Run::of(merged.command().env("GITHUB_REPOSITORY_ID", "1").output().expect("it runs")).expect(1);
    assert!(run.stderr.contains("come from no merged pull request"), "{}", run.stderr);
}

#[test]
fn it_applies_on_the_default_branch_or_the_one_that_is_named() {
    let merged = Merged::new();
    let on = |branch: &str, more: &[&str]| {
        let mut command = merged.command();
        command.env("GITHUB_REF", branch).args(["--no-wait"]).args(more);
        Run::of(command.output().expect("it runs"))
    };
    let run = on("refs/heads/feature", &[]).expect(1);
    assert!(run.stderr.contains("this run is on the branch feature, and --reviewed applies on main"), "{}", run.stderr);
    let run = on("refs/heads/main", &["--branch", "release"]).expect(1);
    assert!(run.stderr.contains("on the branch main, and --reviewed applies on release"), "{}", run.stderr);
    on("refs/tags/main", &[]).expect(1);
    on("refs/pull/7/merge", &[]).expect(1);
    merged.github.state().base = "release";
    let run = on("refs/heads/release", &["--branch", "release"]);
    assert!(run.stderr.contains("contoso/vm operation one was approved on #7"), "{}", run.stderr);
}

/// An old commit that runs again, or a run that waited for an environment: the mark has been taken out since.
#[test]
fn what_is_no_longer_wanted_is_not_applied() {
    let merged = Merged::new();
    merged.github.state().branch_contents[0].1 = OFFERS.replace("id: vm, cancelPending: true", "id: vm").into();
    merged.refused(&[], "no longer wanted as it is: offers.yaml is another at the head of the branch main");
    let merged = Merged::new();
    merged.github.state().branch_contents.clear();
    merged.refused(&[], "no longer wanted as it is: offers.yaml is another");
    // It is looked at once more right before the first call.
    let merged = Merged::new();
    let reads = |merged: &Merged| merged.github.state().log.iter().filter(|line| line.contains("/contents/")).count();
    merged.apply(&[]).expect(0);
    assert_eq!(reads(&merged), 2);
    let merged = Merged::new();
    let other = || Scripted::new("GET", "/contents/offers.yaml", 404, "Not Found");
    // The first look is answered, and the second, after everything else, is not.
    merged.github.state().scripted =
        vec![Scripted::new("GET", "/collaborators/joe/permission", 502, "so that it is not the first").done(), other()];
    merged.github.state().reviews = vec![("joe", "APPROVED", "abc1234", "2026-11-19T12:00:00Z")];
    merged.github.state().permissions = vec![("joe", "write")];
    let run = merged.apply(&["--require-approval"]).expect(1);
    assert!(run.stderr.contains("no longer wanted as it is"), "{}", run.stderr);
    assert_eq!(run.stdout, "", "nothing was sent, and there is no outcome");
    // git writes line ends of Windows on GitHub's runners for Windows (`core.autocrlf`).
    let merged = Merged::new();
    merged.workspace.write("offers.yaml", OFFERS.replace('\n', "\r\n"));
    merged.apply(&[]).expect(0);
    // What lies outside of the repository is at the head of no branch, and names no other address of GitHub's.
    let merged = Merged::new();
    let elsewhere = Workspace::with("offers.yaml", OFFERS);
    let outside = elsewhere.path("offers.yaml").display().to_string();
    merged.refused(&["--key", "offers.yaml", &outside], "offers.yaml is another at the head of the branch main");
    assert!(
        !merged.github.state().log.iter().any(|line| line.contains("/contents/")),
        "{:?}",
        merged.github.state().log
    );
    // A plan from a file may leave out what it goes by.
    let merged = Merged::new();
    let whole = merged.workspace.read("plan.json");
    let mut plan: Value = serde_json::from_str(&whole).expect("JSON");
    plan["desired"] = json!([]);
    let command = |plan: &str| {
        merged.workspace.write("plan.json", plan);
        let mut command = merged.command();
        Run::of(command.args(["--plan", "plan.json"]).output().expect("it runs"))
    };
    let run = command(&plan.to_string()).expect(1);
    assert!(run.stderr.contains("the plan does not list offers.yaml among its files"), "{}", run.stderr);
    assert!(!merged.workspace.path(".cancel-pending").exists());
    command(&whole).expect(0);
    // Nothing to cancel needs nobody to want it.
    let merged = Merged::new();
    merged.github.state().branch_contents.clear();
    merged
        .workspace
        .write("portal.yaml", "offers:\n  - {publisher: contoso, id: vm}\n  - {publisher: contoso, id: saas}\n");
    merged.apply(&[]).expect(0);
}

#[test]
fn github_that_is_gone_is_a_refusal() {
    let merged = Merged::new();
    let run = Run::of(merged.command().env("GITHUB_API_URL", "http://127.0.0.1:1").output().expect("it runs"));
    assert!(run.expect(1).stderr.contains("no answer from GitHub"));
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
    // A document that allows more, beside the digest of another one.
    let merged = Merged::new();
    merged.github.state().checks[0]["external_id"] = "0".repeat(64).into();
    merged.refused(&[], "holds no decision document of its digest");
    let merged = Merged::new();
    merged.workspace.write("portal.yaml", PORTAL.replace("id: two", "id: three"));
    merged.github.state().checks[0]["output"]["text"] = text.replace("\"two\"", "\"three\"").into();
    merged.refused(&[], "holds no decision document of its digest");
    // A digest and its document of another time, by another app, after the real one.
    let merged = Merged::new();
    merged.check(|check| check["app"] = "mallory".into());
    merged.github.state().checks[0]["external_id"] = "1".repeat(64).into();
    merged.refused(&[], "holds no decision document of its digest");
    // A success of another commit or another key, from a GitHub that lists more than it was asked for.
    for (field, other) in [("head_sha", "bad0000"), ("name", "cancel-pending (other)")] {
        let merged = Merged::new();
        merged.github.state().unfiltered_checks = true;
        merged.github.state().checks[0][field] = other.into();
        merged.refused(&[], "has no check run");
    }
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
    const BEFORE: &str = "2026-11-19T09:59:59Z";
    const AFTER: &str = "2026-11-19T12:00:00Z";
    let with = |reviews: &[(&'static str, &'static str, &'static str, &'static str)], permission: &'static str| {
        let merged = Merged::new();
        merged.github.state().reviews = reviews.to_vec();
        merged.github.state().permissions = vec![("joe", permission), ("jane", "admin")];
        merged
    };
    let required = ["--require-approval"];
    for (reviews, permission, why) in [
        (&[][..], "write", "nobody has approved it"),
        (&[("jane", "APPROVED", "abc1234", AFTER)], "write", "the approval is the author's own"),
        (&[("joe", "APPROVED", "0ld0000", AFTER)], "write", "is of an earlier commit"),
        (&[("joe", "APPROVED", "abc1234", BEFORE)], "write", "is not newer than the plan that was reported last"),
        (&[("joe", "APPROVED", "abc1234", "2026-11-19T10:00:00Z")], "write", "is not newer than the plan"),
        (&[("joe", "APPROVED", "abc1234", AFTER)], "read", "who may not write here"),
        (&[("stranger", "APPROVED", "abc1234", AFTER)], "read", "who may not write here"),
        (&[("joe", "DISMISSED", "abc1234", AFTER)], "write", "nobody has approved it"),
        (
            &[("joe", "APPROVED", "abc1234", AFTER), ("joe", "CHANGES_REQUESTED", "abc1234", AFTER)],
            "write",
            "nobody has approved it",
        ),
        (&[("joe", "COMMENTED", "abc1234", AFTER)], "admin", "nobody has approved it"),
    ] {
        with(reviews, permission).refused(&required, why);
    }
    for reviews in [
        &[("joe", "APPROVED", "abc1234", AFTER)][..],
        &[
            ("joe", "CHANGES_REQUESTED", "0ld0000", BEFORE),
            ("joe", "APPROVED", "abc1234", AFTER),
            ("joe", "COMMENTED", "abc1234", AFTER),
        ],
        &[("stranger", "APPROVED", "abc1234", AFTER), ("joe", "APPROVED", "abc1234", AFTER)],
    ] {
        with(reviews, "write").apply(&required).expect(0);
    }
    // The plan is reported once more after the review: nobody has seen that one.
    let merged = with(&[("joe", "APPROVED", "abc1234", AFTER)], "write");
    merged.check(|check| check["completed_at"] = "2026-11-19T13:00:00Z".into());
    merged.refused(&required, "is not newer than the plan that was reported last");
    // Without being asked for, approvals are not looked at.
    with(&[], "write").apply(&[]).expect(0);
}

/// The workflows for forks, as they are shipped: the fork's run leaves a plan, and a run with the code of the default
/// branch reports it. A fork writes its own workflow, so its plan says whatever it likes.
#[test]
fn a_fork_can_not_approve_itself() {
    let merged = Merged::new();
    merged.github.state().checks.clear();
    merged.github.state().head_repository = 2;
    merged.github.state().pull_author = "mallory";
    // What the fork hands over was read live, in a job of its own, and recorded there.
    let fork = Workspace::with("offers.yaml", OFFERS);
    fork.write("portal.yaml", PORTAL);
    plan(&fork, &[]).expect(0);
    merged.workspace.write("plan.json", fork.read("plan.json"));
    std::fs::remove_dir_all(merged.workspace.path("temp")).expect("this is another job");
    let run = json!({
        "repository": {"id": 1},
        "workflow_run": {"pull_requests": [], "head_sha": "abc1234", "head_branch": "fix", "head_repository": {"owner": {"login": "jane"}}},
    });
    merged.workspace.write("event.json", run.to_string());
    merged.github.state().pulls_of_branch = vec![7];
    let step = Step { event: "workflow_run", ..Step::new(&merged.workspace, &merged.github, 101) };
    let targets = ["--to", "summary,annotations,outputs,comment,check"];
    let approves_nothing = |merged: &Merged, run: &Run, why: &str| {
        assert!(run.stderr.contains(&format!("approves nothing: {why}")), "{}", run.stderr);
        let check = merged.github.state().checks.last().expect("one").clone();
        assert_eq!((&check["external_id"], &check["output"]["text"]), (&Value::Null, &Value::Null));
        check
    };
    let run = step.report(&targets).expect(0);
    let check = approves_nothing(&merged, &run, "the plan is another run's");
    assert_eq!((&check["conclusion"], &check["head_sha"]), (&json!("neutral"), &json!("abc1234")));
    // Whoever reads it is told whose word it is.
    let warned = |text: &str| text.contains("> **Not verified.** Another workflow run made this plan");
    assert!(
        warned(check["output"]["summary"].as_str().expect("a summary")) && warned(&merged.github.state().own()[0].body)
    );
    // Not even where the plan is one that this very job has made.
    std::fs::create_dir_all(merged.workspace.path("temp")).expect("a directory");
    merged.workspace.write("temp/cancel-pending-plans", fork.read("temp/cancel-pending-plans"));
    approves_nothing(&merged, &step.report(&targets).expect(0), "the plan is another run's");
    // Nor where a workflow checks the fork out and plans with credentials that it should not have.
    merged.workspace.write("event.json", pull_request_event(2));
    let step = Step { event: "pull_request_target", ..Step::new(&merged.workspace, &merged.github, 102) };
    approves_nothing(&merged, &step.report(&targets).expect(0), "the pull request comes from another repository");
    // It is merged, unseen, and nothing of it is applied.
    merged.workspace.write("event.json", "{}");
    merged.refused(&[], "holds no approval");
}

#[test]
fn a_check_approves_only_what_its_own_job_has_read() {
    let merged = Merged::new();
    let report = |event: &str, payload: String, more: &[&str]| {
        merged.workspace.write("event.json", payload);
        let step = Step { event, ..Step::new(&merged.workspace, &merged.github, 101) };
        step.report(&[&["--to", "check"], more].concat());
        let check = merged.github.state().checks.last().expect("one").clone();
        assert_eq!(check["external_id"].is_string(), check["output"]["text"].is_string());
        check["external_id"].is_string()
    };
    let event = || pull_request_event(1);
    assert!(report("pull_request", event(), &[]));
    // The number is known, and with it the head.
    let comment = json!({"issue": {"number": 7, "pull_request": {}}}).to_string();
    assert!(report("issue_comment", comment, &[]));
    assert!(report("workflow_dispatch", "{}".to_owned(), &["--pull-request", "7"]));
    assert!(!report("push", "{}".to_owned(), &[]), "the merged commit is the head of no pull request");
    assert!(!report("pull_request", pull_request_event(2), &[]));
    let plan_of_job = merged.workspace.read("plan.json");
    merged.workspace.write("plan.json", plan_of_job.replace("\"createdAt\": \"20", "\"createdAt\": \"21"));
    assert!(!report("pull_request", event(), &[]), "another plan, if only by its time");
    merged.workspace.write("plan.json", &plan_of_job);
    assert!(report("pull_request", event(), &[]));
    std::fs::remove_dir_all(merged.workspace.path("temp")).expect("another job");
    assert!(!report("pull_request", event(), &[]));
    // Not read, and refused.
    merged.workspace.write("portal.yaml", PORTAL);
    std::fs::create_dir_all(merged.workspace.path("temp")).expect("a directory");
    let mut offline = merged.workspace.command();
    offline.env("RUNNER_TEMP", merged.workspace.path("temp")).args(["plan", "--offline", "--out", "plan.json"]);
    Run::of(offline.output().expect("it runs")).expect(0);
    assert!(!report("pull_request", event(), &[]));
    merged.workspace.write("offers.yaml", format!("{OFFERS}limits: {{maxCancels: 1}}\n"));
    plan(&merged.workspace, &[]).expect(1);
    assert!(!report("pull_request", event(), &[]));
    // What an apply has done.
    merged.workspace.write("offers.yaml", OFFERS);
    plan(&merged.workspace, &[]).expect(0);
    assert!(report("pull_request", event(), &[]));
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
    merged.workspace.run(apply).expect(0);
    assert!(!report("pull_request", event(), &["--outcome", "outcome.json"]));
}

#[test]
fn what_is_blocked_keeps_nobody_from_approving_the_rest() {
    let blocked = PORTAL.replace("[{id: two}]", "[{id: two}, {id: three}]");
    for (offers, portal, conclusion) in [
        (OFFERS.to_owned(), blocked.clone(), "neutral"),
        (format!("{OFFERS}  - {{id: unknown, cancelPending: true}}\n"), PORTAL.to_owned(), "neutral"),
        (OFFERS.replace("{id: vm, cancelPending: true}", "{id: vm}"), blocked, "failure"),
    ] {
        let merged = Merged::new();
        merged.github.state().checks.clear();
        merged.files(&offers);
        merged.workspace.write("portal.yaml", portal);
        merged.workspace.write("event.json", pull_request_event(1));
        plan(&merged.workspace, &[]).expect(1);
        Step::new(&merged.workspace, &merged.github, 101).report(&["--to", "check"]).expect(1);
        let check = merged.github.state().checks[0].clone();
        assert_eq!(check["conclusion"], conclusion, "{}", check["output"]["title"]);
        assert!(check["external_id"].is_string() && check["output"]["text"].is_string());
        merged.workspace.write("event.json", "{}");
        let run = merged.apply(&[]).expect(1);
        let cancelled = match conclusion {
            "neutral" if offers.contains("unknown") => 2,
            "neutral" => 1,
            _ => 0,
        };
        assert_eq!(run.json()["summary"]["cancelled"], cancelled, "{}", run.stderr);
    }
}

#[test]
fn a_long_decision_is_approved_too() {
    let numbers = 0..600;
    let offers =
        numbers.clone().fold(String::new(), |text, n| format!("{text}  - {{id: offer-{n}, cancelPending: true}}\n"));
    let state = numbers.fold(String::new(), |text, n| {
        let id = format!("{n:08x}-0000-4000-8000-00000000c0de");
        format!("{text}  - {{publisher: contoso, id: offer-{n}, operations: [{{id: {id}}}]}}\n")
    });
    let merged = Merged::new();
    merged.github.state().checks.clear();
    merged.files(&format!("publisher: contoso\nlimits: {{maxCancels: 1000}}\noffers:\n{offers}"));
    merged.workspace.write("portal.yaml", format!("offers:\n{state}"));
    merged.workspace.write("event.json", pull_request_event(1));
    plan(&merged.workspace, &["--format", "json"]).expect(0);
    Step::new(&merged.workspace, &merged.github, 101).report(&["--to", "check"]).expect(0);
    let text = merged.github.state().checks[0]["output"]["text"].as_str().expect("a text").to_owned();
    assert!(text.len() <= 60_000 && text.contains("```deflate-base64"), "{}", text.len());
    merged.workspace.write("event.json", "{}");
    let run = merged.apply(&["--no-wait"]);
    assert!(run.stderr.contains("contoso/offer-599 operation 00000257-0000-4000-8000-00000000c0de was approved on #7"));
    assert_eq!(run.json()["entries"].as_array().expect("entries").len(), 600);
}

#[test]
fn the_check_after_the_merge_says_whether_it_is_still_the_same() {
    let check = |merged: &Merged, event: &str, payload: Value| {
        merged.workspace.write("event.json", payload.to_string());
        merged.workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
        let step = Step { event, ..Step::new(&merged.workspace, &merged.github, 101) };
        step.report_on(&["--to", "check"], "refs/heads/main").expect(0);
        let check = merged.github.state().checks.last().expect("one").clone();
        assert_eq!(check["head_sha"], "fff0000", "the merged commit, or that of the group");
        (check["conclusion"].clone(), check["output"]["summary"].as_str().expect("a summary").to_owned())
    };
    let queue = json!({"merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-7-abc", "base_ref": "refs/heads/main"}});
    for (event, payload) in [("push", json!({})), ("merge_group", queue)] {
        let merged = Merged::new();
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "success");
        assert!(summary.contains("✅ **Approved** on #7"), "{summary}");
        merged.workspace.write("portal.yaml", PORTAL.replace("id: two", "id: three"));
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "failure");
        assert!(summary.contains("**Not as approved:** no approval found for 1 of 2"), "{summary}");
        assert!(summary.contains("| ⛔ `contoso/saas` | `two` on #7 | `three` |"), "{summary}");
        // Another pull request of the group may have it, so it is said and keeps nobody out.
        merged.workspace.write("portal.yaml", PORTAL);
        merged.workspace.write("offers.yaml", OFFERS.replace("id: saas", "id: more"));
        merged.workspace.write("portal.yaml", PORTAL.replace("id: saas", "id: more"));
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "neutral");
        assert!(summary.contains("| ⛔ `contoso/more` | nothing | `two` |"), "{summary}");
        merged.workspace.write("offers.yaml", OFFERS);
        merged
            .workspace
            .write("portal.yaml", "offers:\n  - {publisher: contoso, id: vm}\n  - {publisher: contoso, id: saas}\n");
        let (conclusion, summary) = check(&merged, event, payload.clone());
        assert_eq!(conclusion, "success");
        assert!(summary.contains("**Nothing to cancel**"), "{summary}");
        merged.workspace.write("portal.yaml", PORTAL);
        merged.github.state().facts_status = 403;
        let (_, summary) = check(&merged, event, payload);
        assert!(summary.contains("**Not compared with what was approved:**"), "{summary}");
    }
}

/// How decisions relate, as a table.
#[test]
fn a_decision_document_is_believed_by_its_digest() {
    let entry = |offer: &str, operation: &str| {
        format!(
            r#"{{"jobId":null,"notificationEmails":[],"offer":"{offer}","operationId":"{operation}","origin":"https://cloudpartner.azure.com","portal":"cloud-partner","productId":null,"publisher":"contoso"}}"#
        )
    };
    let document = |entries: &[String]| {
        let text = format!(r#"{{"entries":[{}],"formatVersion":2}}"#, entries.join(","));
        serde_json::from_str::<DecisionDocument>(&text).expect("a document")
    };
    let (a, b) = (entry("a", "1"), entry("b", "2"));
    let approved = document(&[a.clone(), b.clone()]);
    // A document is believed by its digest, in its one form, and when it says one thing of an offer.
    let text = approved.canonical_json();
    assert_eq!(DecisionDocument::verified(&text, &approved.digest()), Some(approved.clone()));
    assert_eq!(DecisionDocument::verified(&text, &"0".repeat(64)), None);
    assert_eq!(
        DecisionDocument::verified(&text.replace("\"formatVersion\":2", "\"formatVersion\": 2"), &approved.digest()),
        None
    );
    let twice = document(&[a.clone(), entry("A", "2")]);
    assert_eq!(DecisionDocument::verified(&twice.canonical_json(), &twice.digest()), None);
}
