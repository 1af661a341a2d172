//! The comment on the pull request: one, found again, never lost, never doubled.

use serde_json::json;

use crate::support::github::{Create, FakeGitHub, Merge, SECONDARY_LIMIT, Scripted};
use crate::support::raw::RawPortal;
use crate::support::step::{Step, plan, pull_request_event, workspace};
use crate::support::{Run, Workspace, assert_inert_text};

#[test]
fn the_same_comment_is_changed_in_place() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    github.state().add("jane", "I like it.");
    let run = Step::new(&workspace, &github, 100).report(&["--to", "comment,outputs,summary"]).expect(1);
    assert_eq!(run.stderr.lines().next(), Some("comment: https://github.com/contoso/offers/pull/7#issuecomment-2"));
    assert!(workspace.read("outputs").contains("issuecomment-2"));
    let first = github.state().own();
    assert_eq!(first.len(), 1);
    assert!(first[0].body.contains("### Cancel plan: 2 operations to cancel"));
    assert_inert_text(&first[0].body);
    Step::new(&workspace, &github, 101).comment();
    let second = github.state().own();
    assert_eq!((second.len(), second[0].id), (1, first[0].id));
    assert_eq!(github.state().comments[0].body, "I like it.");
}

#[test]
fn it_is_found_behind_many_others() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    for number in 0..150 {
        github.state().add("jane", &format!("comment {number}"));
    }
    Step::new(&workspace, &github, 100).comment();
    for number in 0..150 {
        github.state().add("jane", &format!("comment {number}"));
    }
    Step::new(&workspace, &github, 101).comment();
    assert_eq!(github.state().own().len(), 1);
    assert_eq!(github.state().comments.len(), 301);
}

#[test]
fn a_forged_comment_and_one_of_another_key_are_left_alone() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    Step::new(&workspace, &github, 100).comment();
    let text = github.state().own()[0].body.clone();
    github.state().comments.clear();
    github.state().add("mallory", &text);
    Step::new(&workspace, &github, 101).comment();
    assert_eq!(github.state().comments[0].body, text, "the forged one is not touched, and not taken for ours");
    assert_eq!(github.state().own().len(), 1);
    Step::new(&workspace, &github, 102).report(&["--to", "comment", "--key", "other"]).expect(1);
    assert_eq!(github.state().own().len(), 2);
    Step::new(&workspace, &github, 103).report(&["--to", "comment", "--key", "other"]).expect(1);
    assert_eq!(github.state().own().len(), 2);
    let run = Step::new(&workspace, &github, 103).report(&["--to", "comment", "--key", "a--b"]).expect(1);
    assert!(run.stderr.contains("--key takes"), "{}", run.stderr);
}

#[test]
fn whose_the_token_is_is_asked_and_can_be_told() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    github.state().user = Some("release-robot".to_owned());
    Step::new(&workspace, &github, 100).comment();
    let id = github.state().comments[0].id;
    Step::new(&workspace, &github, 101).comment();
    assert!(github.state().comments.iter().map(|comment| comment.id).eq([id]));
    github.state().user = None;
    github.state().app = None;
    let run = Step::new(&workspace, &github, 102).report(&["--to", "comment", "--comment-author", "release-robot"]);
    assert!(!github.state().log.last().is_some_and(|line| line.contains("/user")), "{}", run.stderr);
    assert!(github.state().comments.iter().map(|comment| comment.id).eq([id]));
}

/// An app's installation token gets 403 at `/user` ("Resource not accessible by integration"); GraphQL's `viewer` names
/// it, and so does what a write answers.
#[test]
fn an_app_has_one_comment() {
    for told in [true, false] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().app = Some("release-robot[bot]".to_owned());
        let report = |run| {
            if !told {
                let refused = |method, part| Scripted::new(method, part, 403, "Resource not accessible by integration");
                github.state().scripted = vec![refused("POST", "/graphql"), refused("GET", "/user")];
            }
            let run = Step::new(&workspace, &github, run).comment();
            assert_eq!(github.state().scripted.len(), 0);
            run
        };
        report(101);
        let first = github.state().comments[0].clone();
        assert_eq!(first.author, "release-robot[bot]");
        report(102);
        let second = github.state().comments.clone();
        assert_eq!((second.len(), second[0].id), (1, first.id), "{told}");
        assert_ne!(second[0].body, first.body, "{told}");
        // An older run leaves it, and leaves nothing of its own.
        assert!(report(100).stderr.contains("it is of a later run (102, attempt 1)"));
        let third = github.state().comments.clone();
        assert_eq!((third.len(), &third[0].body), (1, &second[0].body), "{told}");
    }
}

#[test]
fn two_that_a_race_has_left_become_one() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    Step::new(&workspace, &github, 100).comment();
    let body = github.state().own()[0].body.clone();
    github.state().add("github-actions[bot]", &body);
    github.state().add("mallory", &body);
    github.state().add("github-actions[bot]", &body.replace("\"key\":\"", "\"key\":\"x"));
    Step::new(&workspace, &github, 101).comment();
    let ids: Vec<u64> = github.state().comments.iter().map(|comment| comment.id).collect();
    assert_eq!(ids, [2, 3, 4], "one of the two, the forged one, and that of another key");
    // The newer of two stays, whichever it is, when an older run comes along.
    let newest = github.state().own()[0].body.clone();
    for (first, second) in [(&body, &newest), (&newest, &body)] {
        github.state().comments.clear();
        github.state().add("github-actions[bot]", first);
        github.state().add("github-actions[bot]", second);
        let run = Step::new(&workspace, &github, 99).comment();
        assert!(run.stderr.contains("it is of a later run (101, attempt 1)"), "{}", run.stderr);
        assert!(github.state().own().iter().map(|own| &own.body).eq([&newest]));
    }
    // One that can't be deleted takes nothing from the one that is there.
    github.state().add("github-actions[bot]", &body);
    github.state().scripted = vec![Scripted::new("DELETE", "/issues/comments/", 403, "Must have admin rights")];
    let run = Step::new(&workspace, &github, 102).comment();
    assert!(run.stderr.contains("comment: https://github.com/"), "{}", run.stderr);
    assert!(github.state().own().iter().any(|own| own.body.contains("\"run\":102")));
}

/// `github-actions` is the app's name, and `github-actions[bot]` its login.
#[test]
fn a_name_that_is_misspelled_makes_no_second_comment() {
    for told in [true, false] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        let patch = workspace.read("offers.yaml").lines().fold(String::new(), |patch, line| patch + "\n+" + line);
        github.state().files = vec![("offers.yaml".to_owned(), Some(format!("@@ -0,0 +1,99 @@{patch}")))];
        if !told {
            github.state().app = None;
        }
        let ids = |github: &FakeGitHub| {
            let state = github.state();
            let review: Vec<u64> = state.review.iter().map(|comment| comment.id).collect();
            (state.comments.iter().map(|comment| comment.id).collect::<Vec<_>>(), review)
        };
        let report = |run| {
            let arguments = ["--to", "comment,review", "--comment-author", "github-actions"];
            Step::new(&workspace, &github, run).report(&arguments).expect(1)
        };
        report(100);
        let first = ids(&github);
        assert!(first.0.len() == 1 && first.1.len() == 8, "{first:?}");
        report(101);
        assert_eq!(ids(&github), first, "{told}");
    }
}

/// A scheduled run, and one that is started by hand, are about the branch. The pull request that its last commit came
/// from may be anybody's.
#[test]
fn a_run_about_a_branch_comments_on_nobody_s_pull_request() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    workspace.write("event.json", "{}");
    github.state().pulls_of_commit = vec![(7, "fff0000")];
    let run = |event: &'static str, run: u64, more: &[&str]| {
        Step { event, ..Step::new(&workspace, &github, run) }.report(&[&["--to", "comment"], more].concat()).expect(1)
    };
    for event in ["schedule", "workflow_dispatch"] {
        github.state().pull_is = "closed";
        let said = run(event, 100, &[]).stderr;
        assert!(said.contains("comment: none: this run is about a branch"), "{said}");
        assert_eq!(github.state().comments.len(), 0);
        // A pull request that is open has this commit at its head, and one that is named is meant.
        github.state().pull_is = "open";
        run(event, 101, &[]);
        assert_eq!(github.state().comments.len(), 1);
        github.state().comments.clear();
        github.state().pull_is = "closed";
        run(event, 102, &["--pull-request", "7"]);
        // What is there already is brought up to date.
        run(event, 103, &["--outcome", "outcome.json"]);
        let own = github.state().own();
        assert!(own.len() == 1 && own[0].body.contains("### Apply: 3 of 3"), "{}", own[0].body);
        github.state().comments.clear();
    }
    run("push", 104, &["--outcome", "outcome.json"]);
    assert_eq!(github.state().comments.len(), 1);
}

/// A server in front of GitHub's answers with a page for people.
#[test]
fn a_page_is_read_by_its_status() {
    let page = |status| Scripted::new("GET", "/issues/7/comments", status, "secondary rate limit").page();
    for (scripted, said) in [
        (vec![page(502)], "comment: https://"),
        (vec![page(503), page(504)], "comment: https://"),
        (vec![page(502); 4], "warning: no comment: GitHub answered 502 (Bad Gateway)\n"),
        (vec![page(401)], "warning: no comment: GitHub answered 401 (Unauthorized); the token is missing"),
        (vec![page(429).header("Retry-After", "0")], "comment: https://"),
    ] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().scripted.clone_from(&scripted);
        let run = Step::new(&workspace, &github, 100).comment();
        assert!(run.stderr.starts_with(said), "{scripted:?}: {}", run.stderr);
        assert_inert_text(&run.stderr);
    }
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let moved = format!("{}/repositories/4711/issues/7/comments?per_page=100&page=1", github.raw.url);
    github.state().scripted = vec![page(301).header("Location", &moved)];
    Step::new(&workspace, &github, 100).comment();
    assert_eq!(github.state().own().len(), 1);
}

/// A GitHub that answers nothing is not asked everything as often as it may be: a job has its time.
#[test]
fn a_github_that_is_silent_is_given_up() {
    let workspace = workspace();
    let silent = RawPortal::start(|_, _| {});
    let mut command = workspace.command();
    command
        .env("GITHUB_API_URL", &silent.url)
        .env("GITHUB_TOKEN", "gh-token")
        .env("GITHUB_REPOSITORY", "contoso/offers")
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_EVENT_PATH", workspace.path("event.json"))
        .args(["report", "--plan", "plan.json", "--to", "comment,review,check"]);
    let run = Run::of(command.output().expect("it runs")).expect(1);
    for target in ["comment", "review", "check"] {
        assert!(run.stderr.contains(&format!("warning: no {target}: no answer from GitHub")), "{}", run.stderr);
    }
    // Four times whose the token is by GraphQL; the rest once: by REST, the comment, the pull request, the check run
    // and whether it is there.
    assert_eq!(silent.requests(), 4 + 1 + 1 + 1 + 2, "{}", run.stderr);
}

/// GraphQL answers 200 to what has failed.
#[test]
fn graphql_that_fails_is_asked_once() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    github.state().user = Some("release-robot".to_owned());
    github.state().scripted = vec![Scripted::new("POST", "/graphql", 200, "API rate limit already exceeded")];
    Step::new(&workspace, &github, 100).comment();
    let asked = |line: &str| github.state().log.iter().filter(|own| *own == line).count();
    assert_eq!((asked("POST /graphql"), asked("GET /user")), (1, 1));
    assert_eq!(github.state().comments[0].author, "release-robot");
}

#[test]
fn one_that_can_not_be_changed_is_written_anew() {
    for status in [403, 404] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        Step::new(&workspace, &github, 100).comment();
        github.state().change_status = status;
        Step::new(&workspace, &github, 101).comment();
        assert_eq!(github.state().own().len(), 2, "{status}");
    }
}

#[test]
fn an_older_run_does_not_replace_a_newer_one() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let step = |run, attempt| Step { attempt, ..Step::new(&workspace, &github, run) };
    step(101, 2).comment();
    let newer = github.state().own()[0].body.clone();
    for (run, attempt) in [(100, 9), (101, 1)] {
        let run = step(run, attempt).comment();
        assert!(run.stderr.contains("left as it is: it is of a later run (101, attempt 2)"), "{}", run.stderr);
        assert_eq!(github.state().own()[0].body, newer);
    }
    step(101, 3).comment();
    assert_ne!(github.state().own()[0].body, newer);
}

#[test]
fn the_outcome_is_added_to_the_plan_that_was_there_and_stays() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    Step::new(&workspace, &github, 100).comment();
    let plan = github.state().own()[0].body.clone();
    let plan = plan
        .split("<!-- plan -->")
        .nth(1)
        .and_then(|rest| rest.split("<!-- /plan -->").next())
        .expect("a plan")
        .trim()
        .to_owned();
    // By now the plan would read another way.
    let later = workspace.read("plan.json").replace("\"createdAt\": \"20", "\"createdAt\": \"21");
    workspace.write("plan.json", later);
    let step = Step::new(&workspace, &github, 101);
    step.report(&["--outcome", "outcome.json", "--to", "comment"]).expect(1);
    let own = github.state().own();
    assert_eq!(own.len(), 1);
    assert!(own[0].body.contains("### Apply: 3 of 3 operations cancelled"));
    assert!(own[0].body.contains(&plan), "the plan section is the one that was approved");
    let run = Step::new(&workspace, &github, 102).comment();
    assert!(run.stderr.contains("it tells what an apply has done"), "{}", run.stderr);
    assert_eq!(github.state().own()[0].body, own[0].body);
}

#[test]
fn earlier_decisions_are_remembered() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    // Of other offers it would be another plan, with a comment of its own.
    let comment = |run: u64| Step::new(&workspace, &github, run).report(&["--to", "comment", "--key", "all"]);
    comment(100).expect(1);
    let digest = |name: &str| {
        let plan: serde_json::Value = serde_json::from_str(&workspace.read(name)).expect("JSON");
        plan["decisionDigest"].as_str().expect("a digest")[..12].to_owned()
    };
    let first = digest("plan.json");
    workspace.run(["plan", "--emulate", "portal.yaml", "--offer", "contoso-container", "--out", "plan.json"]).expect(0);
    comment(101).expect(0);
    comment(102).expect(0);
    let body = github.state().own()[0].body.clone();
    assert_eq!(body.matches("- decision `").count(), 1, "{body}");
    assert!(body.contains(&format!("- decision `{first}` at `abc1234`")), "{body}");
}

#[test]
fn a_lost_answer_does_not_make_two_comments() {
    for creates in [
        vec![Create::LostAfter],
        vec![Create::LostBefore],
        vec![Create::LostBefore, Create::LostAfter],
        vec![Create::Refused(502)],
    ] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().creates.clone_from(&creates);
        let run = Step::new(&workspace, &github, 100).comment();
        assert!(run.stderr.contains("comment: https://github.com/"), "{creates:?}: {}", run.stderr);
        assert_eq!(github.state().own().len(), 1, "{creates:?}");
    }
}

/// "You should retry after that many seconds" (`retry-after`), "not until after the time in `x-ratelimit-reset`"
/// (GitHub's "Rate limits for the REST API"). Such an answer says that nothing was done, to a write too.
#[test]
fn rate_limits_are_waited_for() {
    let limits = [
        Scripted::new("POST", "/issues/7/comments", 403, SECONDARY_LIMIT).header("Retry-After", "0"),
        Scripted::new("POST", "/issues/7/comments", 429, SECONDARY_LIMIT).header("Retry-After", "1"),
        // The reset is of a second that is over, by GitHub's clock.
        Scripted::new("POST", "/issues/7/comments", 403, "API rate limit exceeded for installation ID 4711.")
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "1000")
            .header("Date", "Thu, 01 Jan 1970 00:20:00 GMT"),
        Scripted::new("GET", "/issues/7/comments", 429, SECONDARY_LIMIT).header("Retry-After", "0"),
        // Said of comments that come one after the other.
        Scripted::new("POST", "/issues/7/comments", 422, "Validation Failed | was submitted too quickly")
            .header("Retry-After", "0"),
    ];
    for limit in limits {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().scripted = vec![limit.clone()];
        let run = Step::new(&workspace, &github, 100).comment();
        assert!(run.stderr.starts_with("comment: https://"), "{limit:?}: {}", run.stderr);
        assert_eq!(github.state().own().len(), 1);
        assert_eq!(github.state().scripted.len(), 0);
    }
    // What is longer than a run waits is said, and not asked again.
    for (limit, said) in [
        (
            Scripted::new("POST", "/issues/7/comments", 403, SECONDARY_LIMIT).header("Retry-After", "120"),
            "retry after 2m",
        ),
        (
            Scripted::new("POST", "/issues/7/comments", 403, "API rate limit exceeded for installation ID 4711.")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", "4599")
                .header("Date", "Thu, 01 Jan 1970 00:16:40 GMT"),
            "retry after 1h",
        ),
    ] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().scripted = vec![limit];
        let run = Step::new(&workspace, &github, 100).comment();
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
        assert_eq!(github.state().own().len(), 0);
    }
    // The time is that of the whole run: what one target has waited, another can not.
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let none = |part| Scripted::new("POST", part, 403, SECONDARY_LIMIT).header("Retry-After", "0");
    github.state().scripted = [vec![none("/issues/7/comments"); 55], vec![none("/check-runs"); 55]].concat();
    let run = Step::new(&workspace, &github, 100).report(&["--to", "comment,check"]).expect(1);
    assert!(
        run.stderr.contains("comment: https://") && run.stderr.contains("no check: GitHub answered 403"),
        "{}",
        run.stderr
    );
}

/// GitHub says 403 for all of these; its words tell them apart.
#[test]
fn a_refusal_says_what_to_do() {
    let missing = "Resource not accessible by integration";
    let cases = [
        ("comment", Scripted::new("POST", "/issues/7/comments", 403, missing), "`permissions: pull-requests: write`"),
        ("check", Scripted::new("POST", "/check-runs", 403, missing), "`permissions: checks: write`"),
        (
            "check",
            Scripted::new("POST", "/check-runs", 403, missing).header("X-Accepted-GitHub-Permissions", "checks=write"),
            "`permissions: checks: write`",
        ),
        (
            "comment",
            Scripted::new("POST", "/issues/7/comments", 403, "Unable to create comment because issue is locked."),
            "unlock the conversation",
        ),
        (
            "comment",
            Scripted::new("POST", "/issues/7/comments", 403, "Repository was archived so is read-only."),
            "(Repository was archived so is read-only.)\n",
        ),
        (
            "comment",
            Scripted::new("POST", "/issues/7/comments", 422, "Validation Failed | Body is too long"),
            "(Validation Failed: Body is too long)\n",
        ),
    ];
    for (target, scripted, said) in cases {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().scripted = vec![scripted];
        let run = Step::new(&workspace, &github, 100).report(&["--to", target]).expect(1);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn a_change_whose_answer_is_lost_is_sent_again() {
    for lost in [
        Scripted::new("PATCH", "/issues/comments/", 502, "Bad Gateway"),
        Scripted::new("PATCH", "/issues/comments/", 502, "Bad Gateway").done(),
    ] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        Step::new(&workspace, &github, 100).comment();
        github.state().scripted = vec![lost];
        let run = Step::new(&workspace, &github, 101).comment();
        assert!(run.stderr.starts_with("comment: https://"), "{}", run.stderr);
        let own = github.state().own();
        assert!(own.len() == 1 && own[0].body.contains("\"run\":101"), "{}", own[0].body);
    }
}

#[test]
fn a_check_run_whose_answer_is_lost_is_looked_for() {
    let lost = || Scripted::new("POST", "/check-runs", 502, "Bad Gateway");
    for (scripted, count) in [(vec![lost()], 1), (vec![lost().done()], 1), (vec![lost(), lost().done()], 1)] {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().scripted = scripted;
        let run = Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(1);
        assert!(run.stderr.starts_with("check: https://github.com/contoso/offers/runs/1 "), "{}", run.stderr);
        assert_eq!(github.state().checks.len(), count);
        // One that says the same and is not the newest is not the one that was lost.
        let mut other = github.state().checks[0].clone();
        other["output"]["title"] = "another plan".into();
        github.state().checks.push(other);
        github.state().scripted = vec![lost()];
        let run = Step::new(&workspace, &github, 101).report(&["--to", "check"]).expect(1);
        assert!(run.stderr.starts_with("check: https://github.com/contoso/offers/runs/3 "), "{}", run.stderr);
    }
}

/// GitHub refuses a check run as a whole where one of its annotations can't stand where it is.
#[test]
fn a_check_run_is_worth_more_than_its_annotations() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let refused = || Scripted::new("POST", "/check-runs", 422, "Invalid request.\n\nAnnotation path is not valid.");
    github.state().scripted = vec![refused()];
    let run = Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(1);
    assert!(run.stderr.starts_with("check: https://github.com/contoso/offers/runs/1 "), "{}", run.stderr);
    let check = github.state().checks.remove(0);
    assert!(check["conclusion"] == "neutral" && check["output"].get("annotations").is_none(), "{check}");
    github.state().scripted = vec![refused(), refused()];
    let run = Step::new(&workspace, &github, 101).report(&["--to", "check"]).expect(1);
    assert!(run.stderr.contains("no check: GitHub answered 422 (Invalid request. Annotation path"), "{}", run.stderr);
}

/// A renamed or moved repository answers 301, and 307 to writes, with its address by number (GitHub's "Best practices
/// for using the REST API").
#[test]
fn a_renamed_repository_is_read_and_its_name_is_said() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    Step::new(&workspace, &github, 100).comment();
    let before = github.state().own()[0].body.clone();
    github.state().is_renamed = true;
    // A read is followed: an older run sees that there is a newer comment.
    let run = Step::new(&workspace, &github, 99).comment();
    assert!(run.stderr.contains("it is of a later run (100, attempt 1)"), "{}", run.stderr);
    for target in ["comment", "check"] {
        let run = Step::new(&workspace, &github, 101).report(&["--to", target]).expect(1);
        let said = "nothing was written: the repository contoso/offers has moved to fabrikam/offers";
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert_eq!(github.state().own()[0].body, before);
    // To another host the token does not go.
    github.state().is_renamed = false;
    let elsewhere = Scripted::new("GET", "/issues/7/comments", 301, "Moved Permanently");
    github.state().scripted =
        vec![elsewhere.header("Location", "https://evil.example/repositories/4711/issues/7/comments")];
    let run = Step::new(&workspace, &github, 102).comment();
    assert!(run.stderr.contains("it is at https://evil.example/"), "{}", run.stderr);
}

/// `GITHUB_SHA` is a commit of the base branch on `issue_comment`, and the merge with it on `pull_request`.
#[test]
fn the_check_is_on_the_head_of_the_pull_request() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    github.state().head = "bada550".to_owned();
    let head = |event: &str, payload: serde_json::Value, more: &[&str]| {
        workspace.write("event.json", payload.to_string());
        let step = Step { event, ..Step::new(&workspace, &github, 100) };
        step.report(&[&["--to", "check,comment"], more].concat()).expect(1);
        let comment = github.state().own().last().expect("one").body.clone();
        let check = github.state().checks.last().expect("one")["head_sha"].as_str().expect("a commit").to_owned();
        assert!(comment.contains(&format!("\"head\":\"{check}\"")), "{comment}");
        check
    };
    let comment = json!({"issue": {"number": 7, "pull_request": {}}});
    assert_eq!(head("issue_comment", comment, &[]), "bada550");
    assert_eq!(head("schedule", json!({}), &["--pull-request", "7"]), "bada550");
    // The event's own head, also where there are later commits: it is that one which was planned.
    let own = json!({"pull_request": {"number": 7, "head": {"sha": "abc1234"}}});
    assert_eq!(head("pull_request", own, &[]), "abc1234");
    github.state().pulls_of_commit = vec![(7, "fff0000")];
    assert_eq!(head("push", json!({}), &[]), "fff0000");
}

#[test]
fn what_github_refuses_is_said_and_the_rest_is_there() {
    for (status, creates) in
        [(403, vec![]), (404, vec![]), (200, vec![Create::Refused(403)]), (200, vec![Create::Refused(422)])]
    {
        let (workspace, github) = (workspace(), FakeGitHub::start());
        github.state().list_status = status;
        github.state().creates = creates;
        let run = Step::new(&workspace, &github, 100).report(&["--to", "comment,summary,outputs"]).expect(1);
        assert!(run.stderr.contains("no comment: GitHub answered"), "{}", run.stderr);
        assert!(workspace.read("summary").contains("### Cancel plan"));
        assert!(workspace.read("outputs").contains("decision-digest"));
        assert_eq!(github.state().own().len(), 0);
    }
    // The exit status is that of the plan, unless it is to be strict.
    let (workspace, github) = (workspace(), FakeGitHub::start());
    workspace.run(["plan", "--emulate", "portal.yaml", "--offer", "contoso-container", "--out", "plan.json"]).expect(0);
    github.state().list_status = 403;
    Step::new(&workspace, &github, 100).report(&["--to", "comment"]).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "comment", "--strict"]).expect(1);
}

#[test]
fn the_pull_request_is_found_or_it_is_said_why_not() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    let on = |event: &'static str, payload: serde_json::Value| {
        workspace.write("event.json", payload.to_string());
        Step { event, ..Step::new(&workspace, &github, 100) }.comment()
    };
    let run = on("push", json!({}));
    assert!(run.stderr.contains("the commit fff0000 belongs to no pull request"), "{}", run.stderr);
    github.state().pulls_of_commit = vec![(7, "other"), (8, "another")];
    let run = on("push", json!({}));
    assert!(run.stderr.contains("several pull requests (#7, #8)"), "{}", run.stderr);
    github.state().pulls_of_commit = vec![(7, "fff0000"), (8, "another")];
    on("push", json!({}));
    assert_eq!(github.state().own().len(), 1);
    // One that is open and several that are closed.
    let pull = |number, state| Merge { commit: "fff0000", number, head: "abc1234", merged_at: None, state };
    github.state().merges = vec![pull(5, "closed"), pull(7, "open"), pull(6, "closed")];
    github.state().merges.iter_mut().for_each(|merge| merge.commit = "fff0000");
    let run = on("push", json!({}));
    assert!(run.stderr.contains("comment: https://"), "{}", run.stderr);
    github.state().merges.clear();
    // One of another repository, where the commit is too, has a number that is another one's here.
    github.state().base_repository = 2;
    let run = on("push", json!({}));
    assert!(run.stderr.contains("the commit fff0000 belongs to no pull request"), "{}", run.stderr);
    github.state().base_repository = 1;
    // A run can name a pull request of another repository, with a number that is another one's here.
    let foreign = json!({"number": 8, "base": {"repo": {"id": 2}}, "head": {"sha": "abc1234"}});
    let run = json!({"repository": {"id": 1}, "workflow_run": {"pull_requests": [foreign], "head_sha": "abc1234", "head_branch": "fix", "head_repository": {"owner": {"login": "jane"}}}});
    assert!(on("workflow_run", run.clone()).stderr.contains("belongs to no pull request"));
    github.state().pulls_of_branch = vec![7];
    assert!(on("workflow_run", run.clone()).stderr.contains("comment: https://"));
    github.state().head = "def5678".to_owned();
    assert!(on("workflow_run", run).stderr.contains("has later commits than the run"));
    github.state().head = "abc1234".to_owned();
    assert!(on("issue_comment", json!({"issue": {"number": 7}})).stderr.contains("not on a pull request"));
    let step = Step { event: "schedule", ..Step::new(&workspace, &github, 101) };
    github.state().pulls_of_commit.clear();
    step.report(&["--to", "comment", "--pull-request", "7"]).expect(1);
    assert_eq!(github.state().own().len(), 1);
}

#[test]
fn without_what_it_needs_it_says_what() {
    let workspace = workspace();
    let run = |variables: &[(&str, &str)]| {
        let mut command = workspace.command();
        command.envs(variables.iter().copied()).args(["report", "--plan", "plan.json", "--to", "comment"]);
        Run::of(command.output().expect("it runs")).expect(1).stderr
    };
    let repository = ("GITHUB_REPOSITORY", "contoso/offers");
    assert!(run(&[]).contains("GITHUB_REPOSITORY is not set"));
    assert!(run(&[("GITHUB_REPOSITORY", "../x")]).contains("is not owner/name"));
    assert!(run(&[repository]).contains("GITHUB_TOKEN is not set"));
    let plain = ("GITHUB_API_URL", "http://api.github.com");
    assert!(run(&[repository, ("GITHUB_TOKEN", "x"), plain]).contains("must start with https://"));
}

#[test]
fn thousands_of_offers_make_a_comment_within_the_limit() {
    let workspace = workspace();
    let numbers = 0..5_000;
    let offers = numbers
        .clone()
        .fold(String::new(), |text, number| format!("{text}  - {{id: offer-{number}, cancelPending: true}}\n"));
    let state = numbers.fold(String::new(), |text, number| {
        format!(
            "{text}  - {{publisher: contoso, id: offer-{number}, operations: [{{id: op-{number}, changedAgo: 26h}}]}}\n"
        )
    });
    workspace.write("offers.yaml", format!("publisher: contoso\nlimits: {{maxCancels: 5000}}\noffers:\n{offers}"));
    workspace.write("portal.yaml", format!("offers:\n{state}"));
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json", "--format", "json"]).expect(0);
    let github = FakeGitHub::start();
    Step::new(&workspace, &github, 100).report(&["--to", "comment"]).expect(0);
    let body = github.state().own()[0].body.clone();
    assert!(body.len() < 60_000, "{}", body.len());
    assert!(body.contains("5000 operations to cancel") && body.contains("not shown here"));
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "[time]");
    // The operations go on while thousands of them are read.
    settings.add_filter(r"`inProgress`, \d+ %", "`inProgress`, 0 %");
    // Of all the rows the first few.
    let (rows, others): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.contains("`offer-"));
    assert!(rows.len() > 900, "{}", rows.len());
    let shown = body.lines().filter(|line| others.contains(line) || rows[..3].contains(line)).collect::<Vec<_>>();
    settings.bind(|| insta::assert_snapshot!(shown.join("\n")));
}

#[test]
fn the_check_run_carries_verdict_and_decision() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    plan(&workspace, &[]).expect(1);
    let run = Step::new(&workspace, &github, 100).report(&["--to", "check"]).expect(1);
    assert_eq!(run.stderr.lines().next(), Some("check: https://github.com/contoso/offers/runs/1"));
    let check = github.state().checks.remove(0);
    let plan: cancel_pending::plan::Plan = serde_json::from_str(&workspace.read("plan.json")).expect("a plan");
    assert_eq!(check["head_sha"], "abc1234", "the head of the pull request, not its merge");
    assert_eq!((&check["conclusion"], &check["external_id"]), (&json!("neutral"), &json!(plan.decision_digest)));
    let text = check["output"]["text"].as_str().expect("a text");
    let document = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("the document");
    assert_eq!(cancel_pending::domain::sha256_hex(document.as_bytes()), plan.decision_digest);
    let annotations = check["output"]["annotations"].as_array().expect("annotations").clone();
    assert!(
        annotations
            .iter()
            .any(|one| one["path"] == "offers.yaml" && one["start_line"] == 14 && one["annotation_level"] == "warning")
    );
    // A plan that can be applied, and one that was.
    workspace.run(["plan", "--emulate", "portal.yaml", "--offer", "contoso-container", "--out", "plan.json"]).expect(0);
    Step::new(&workspace, &github, 101).report(&["--to", "check", "--key", "vm"]).expect(0);
    let apply = [
        "apply",
        "--plan",
        "plan.json",
        "--emulate",
        "portal.yaml",
        "--auto-approve",
        "--no-wait",
        "--out",
        "outcome.json",
    ];
    workspace.run(apply).expect(0);
    Step::new(&workspace, &github, 102).report(&["--outcome", "outcome.json", "--to", "check"]).expect(0);
    let checks = github.state().checks.clone();
    assert_eq!((&checks[0]["conclusion"], &checks[0]["name"]), (&json!("success"), &json!("cancel-pending (vm)")));
    assert_eq!(checks[1]["conclusion"], "success");
    assert!(
        checks[1]["output"]["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("Apply: 1 of 1 operation cancelled"))
    );
}

#[test]
fn a_server_of_ones_own_has_its_apis_elsewhere() {
    let (workspace, github) = (workspace(), FakeGitHub::start());
    github.state().is_enterprise = true;
    Step::new(&workspace, &github, 100).report(&["--to", "comment,review,check"]).expect(1);
    let first = github.state().own()[0].id;
    assert!(github.state().log.contains(&"POST /graphql".to_owned()), "{:?}", github.state().log);
    Step::new(&workspace, &github, 101).comment();
    assert!(github.state().own().iter().map(|own| own.id).eq([first]));
    assert_eq!(github.state().checks.len(), 1);
    // Redirects lead below the REST API there too, and writes name the new repository.
    github.state().is_renamed = true;
    let run = Step::new(&workspace, &github, 99).comment();
    assert!(run.stderr.contains("it is of a later run (101, attempt 1)"), "{}", run.stderr);
}

#[test]
fn three_hundred_are_named_in_the_plan_and_in_the_outcome() {
    let workspace = Workspace::new();
    let names: Vec<String> = (0..300).map(|number| format!("contoso-offer-{number:03}")).collect();
    let each = |line: &dyn Fn(&str) -> String| names.iter().map(|name| line(name)).collect::<Vec<_>>().concat();
    let offers =
        each(&|name| format!("  - {{id: {name}, cancelPending: true, reason: Published from the wrong branch}}\n"));
    workspace.write("offers.yaml", format!("publisher: contoso\nlimits: {{maxCancels: 300}}\noffers:\n{offers}"));
    let state = each(&|name| format!("  - {{publisher: contoso, id: {name}, operations: [{{id: op-of-{name}}}]}}\n"));
    workspace.write("portal.yaml", format!("offers:\n{state}"));
    workspace.write("event.json", pull_request_event(1));
    let github = FakeGitHub::start();
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "comment"]).expect(0);
    let is_named = |times: usize| {
        let body = github.state().own()[0].body.clone();
        assert!(body.len() < 60_000, "{}", body.len());
        let rows =
            |name: &String| body.lines().filter(|line| line.starts_with('|') && line.contains(name.as_str())).count();
        assert!(names.iter().all(|name| rows(name) == times), "{body}");
    };
    is_named(1);
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
    workspace.run(apply).expect(0);
    Step::new(&workspace, &github, 101).report(&["--outcome", "outcome.json", "--to", "comment"]).expect(0);
    is_named(2);
}

#[test]
fn the_plan_that_stays_ends_where_it_ends() {
    let workspace = Workspace::with("portal.yaml", "offers: [{publisher: contoso, id: vm, operations: [{id: one}]}]\n");
    let marks = "<!-- /plan --> <!-- plan --> <!-- /plan -->";
    let offers = format!("publisher: contoso\noffers: [{{id: vm, cancelPending: true, reason: '{marks}'}}]\n");
    workspace.write("offers.yaml", offers);
    workspace.write("event.json", pull_request_event(1));
    let github = FakeGitHub::start();
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(0);
    Step::new(&workspace, &github, 100).report(&["--to", "comment"]).expect(0);
    let planned = github.state().own()[0].body.clone();
    let start = planned.find("### Cancel plan").expect("the plan");
    let plan = planned[start..planned.rfind("<!-- /plan -->").expect("its end")].trim();
    assert!(plan.contains(&format!("`{marks}`")) && plan.ends_with("</sub>"), "{plan}");
    let apply = ["apply", "--plan", "plan.json", "--emulate", "portal.yaml", "--auto-approve", "--out", "outcome.json"];
    workspace.run(apply).expect(0);
    // Twice: what stays once has to stay from then on.
    for run in [101, 102] {
        Step::new(&workspace, &github, run).report(&["--outcome", "outcome.json", "--to", "comment"]).expect(0);
        let applied = github.state().own()[0].body.clone();
        assert!(applied.contains(plan) && applied.matches("### Cancel plan").count() == 1, "{applied}");
    }
}
