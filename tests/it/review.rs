//! Review comments: on their lines, one each, with suggestions that can be followed.

use cancel_pending::desired::{SourceFile, read};

use crate::support::assert_inert_text;
use crate::support::github::{Create, FakeGitHub, ReviewComment, SECONDARY_LIMIT, Scripted};
use crate::support::step::{Step, workspace};
use crate::support::{Run, Workspace};

/// The hunk of a pull request that adds the whole file.
fn added(text: &str) -> String {
    let lines = text.lines().fold(String::new(), |patch, line| patch + "+" + line + "\n");
    format!("@@ -0,0 +1,{} @@\n{}", text.lines().count(), lines.trim_end_matches('\n'))
}

/// Pull request 7 adds the file of the workspace.
fn github(workspace: &Workspace) -> FakeGitHub {
    let github = FakeGitHub::start();
    github.state().files = vec![
        ("README.md".to_owned(), Some("@@ -1 +1 @@\n-a\n+b".to_owned())),
        ("offers.yaml".to_owned(), Some(added(&workspace.read("offers.yaml")))),
    ];
    github
}

fn review(workspace: &Workspace, github: &FakeGitHub, run: u64, more: &[&str]) -> Run {
    Step::new(workspace, github, run).report(&[&["--to", "review"], more].concat()).expect(1)
}

fn writes(github: &FakeGitHub) -> Vec<String> {
    github.state().log.iter().filter(|line| !line.starts_with("GET") && *line != "POST /graphql").cloned().collect()
}

fn of<'a>(comments: &'a [ReviewComment], offer: &str) -> &'a ReviewComment {
    let name = format!("/{offer}\"");
    comments.iter().find(|comment| comment.body.contains(&name)).expect(offer)
}

/// The lines of the suggestion in a comment.
fn suggestion(comment: &ReviewComment) -> Option<Vec<String>> {
    let (_, rest) = comment.body.split_once("```suggestion\n")?;
    Some(rest.split_once("```")?.0.lines().map(str::to_owned).collect())
}

/// Follows a suggestion as GitHub does: the lines of the comment go, those of the suggestion come.
fn follow(text: &str, comment: &ReviewComment) -> String {
    let last = usize::try_from(comment.line.expect("a line")).expect("a line");
    let first = comment.start_line.map_or(last, |line| usize::try_from(line).expect("a line"));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.splice(first - 1..last, suggestion(comment).expect("a suggestion"));
    lines.join("\n") + "\n"
}

#[test]
fn every_mark_is_commented_on_its_line() {
    let workspace = workspace();
    let github = github(&workspace);
    let run = review(&workspace, &github, 100, &[]);
    assert_eq!(run.stderr.lines().next(), Some("review: 8 comments on #7"));
    let comments = github.state().review.clone();
    let text = workspace.read("offers.yaml");
    for comment in &comments {
        assert_eq!(comment.path, "offers.yaml");
        assert_inert_text(&comment.body);
        let lines = comment.start_line.or(comment.line).expect("a line")..=comment.line.expect("a line");
        let marked = lines.map(|line| text.lines().nth(usize::try_from(line).expect("a line") - 1).expect("a line"));
        assert!(marked.into_iter().any(|line| line.contains("cancelPending: true")), "{comment:?}");
    }
    let pinned = of(&comments, "contoso-virtualmachineoffer");
    for part in ["**Cancels** publish [`5a63deb5", "step 2 of", "Portal says", "/operations/5a63deb5"] {
        assert!(pinned.body.contains(part), "{part}: {}", pinned.body);
    }
    assert_eq!(suggestion(pinned), None);
    insta::assert_snapshot!(
        comments.iter().map(|comment| format!("{}\n", comment.body)).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn suggestions_can_be_followed() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 100, &[]);
    let comments = github.state().review.clone();
    let text = workspace.read("offers.yaml");
    let offer = |text: &str, name: &str| {
        let set = read(&[SourceFile { path: "offers.yaml".into(), bytes: text.into() }]).expect("valid");
        set.offers().find(|offer| offer.key.offer.as_str() == name).expect(name).clone()
    };
    let pinned = follow(&text, of(&comments, "contoso-container"));
    let pin = offer(&pinned, "contoso-container").mark.and_then(|mark| mark.operation_id).expect("a pin");
    assert!(workspace.read("portal.yaml").contains(pin.as_str()));
    for name in ["contoso-managed", "contoso-solution"] {
        let removed = follow(&text, of(&comments, name));
        assert_eq!(offer(&removed, name).mark, None);
        assert!(removed.contains("# expired: the mark does nothing any more."), "comments survive");
    }
    // The next push has the suggestions in it: what was suggested is not suggested any more.
    workspace.write("offers.yaml", pinned);
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    github.state().files[1].1 = Some(added(&workspace.read("offers.yaml")));
    review(&workspace, &github, 101, &[]);
    let after = github.state().review.clone();
    assert_eq!(after.len(), comments.len());
    assert_eq!(suggestion(of(&after, "contoso-container")), None);
}

#[test]
fn nothing_moves_when_nothing_changed() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 100, &[]);
    let before = github.state().review.clone();
    github.state().log.clear();
    review(&workspace, &github, 101, &[]);
    assert_eq!(writes(&github), Vec::<String>::new());
    let ids = |comments: &[ReviewComment]| comments.iter().map(|comment| comment.id).collect::<Vec<_>>();
    assert_eq!(ids(&github.state().review), ids(&before));
}

#[test]
fn what_no_longer_holds_goes_and_stays_when_somebody_replied() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 100, &["--key", "all"]);
    let before = github.state().review.clone();
    let (gone, replied) = (of(&before, "contoso-solution").clone(), of(&before, "contoso-managed").clone());
    github.state().reply("jane", replied.id);
    // Another's comment with our mark, and one of another key.
    let forged = ReviewComment { id: 9_001, author: "mallory".to_owned(), ..gone.clone() };
    let other = ReviewComment { id: 9_002, body: gone.body.replace("\"key\":\"", "\"key\":\"x"), ..gone.clone() };
    github.state().review.extend([forged, other]);
    workspace.run(["plan", "--emulate", "portal.yaml", "--offer", "fabrikam-vm", "--out", "plan.json"]).expect(1);
    let run = review(&workspace, &github, 101, &["--key", "all"]);
    assert_eq!(
        run.stderr.lines().next(),
        Some("review: 1 comment on #7, 6 no longer held and gone, 1 kept for the replies")
    );
    let after = github.state().review.clone();
    let ids: Vec<u64> = after.iter().map(|comment| comment.id).collect();
    assert!(!ids.contains(&gone.id) && ids.contains(&9_001) && ids.contains(&9_002));
    let kept = after.iter().find(|comment| comment.id == replied.id).expect("it is kept");
    assert!(kept.body.contains("**This no longer holds.**") && suggestion(kept).is_none(), "{}", kept.body);
    // Said once, and left alone from then on; when it holds again, it is the same comment.
    github.state().log.clear();
    review(&workspace, &github, 102, &["--key", "all"]);
    assert_eq!(writes(&github), Vec::<String>::new());
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    review(&workspace, &github, 103, &["--key", "all"]);
    let again = github.state().review.clone();
    let back = again.iter().find(|comment| comment.id == replied.id).expect("it is kept");
    assert!(!back.body.contains("no longer holds") && suggestion(back).is_some());
}

#[test]
fn a_mark_that_moved_is_commented_where_it_is() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 100, &[]);
    let before = github.state().review.clone();
    // GitHub says of a comment whose line was changed that it has none.
    github.state().review.iter_mut().for_each(|comment| comment.line = None);
    let first = github.state().review[0].id;
    github.state().reply("jane", first);
    workspace.write("offers.yaml", format!("# a line more\n{}", workspace.read("offers.yaml")));
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    github.state().files[1].1 = Some(added(&workspace.read("offers.yaml")));
    review(&workspace, &github, 101, &[]);
    let after: Vec<ReviewComment> =
        github.state().review.iter().filter(|comment| comment.reply_to.is_none()).cloned().collect();
    assert_eq!(after.len(), before.len());
    for old in &before[1..] {
        let new = after.iter().find(|new| new.body == old.body || new.line == old.line.map(|line| line + 1));
        assert_eq!(new.and_then(|new| new.line), old.line.map(|line| line + 1), "{old:?}");
    }
    let kept = after.iter().find(|comment| comment.id == first).expect("kept for the reply");
    assert_eq!((kept.line, suggestion(kept)), (None, None));
}

#[test]
fn lines_outside_the_diff_become_file_comments_or_rows() {
    let workspace = workspace();
    let github = github(&workspace);
    let text = workspace.read("offers.yaml");
    let lines: Vec<&str> = text.lines().collect();
    let mark = lines.iter().position(|line| line.contains("contoso-container")).expect("it") + 2;
    // The hunk shows one mark, as context, and the line above it.
    github.state().files[1].1 = Some(format!("@@ -1,2 +{},2 @@\n {}\n {}", mark - 1, lines[mark - 2], lines[mark - 1]));
    review(&workspace, &github, 100, &[]);
    let comments = github.state().review.clone();
    let on_line: Vec<&ReviewComment> = comments.iter().filter(|comment| !comment.on_file).collect();
    assert_eq!(on_line.len(), 1);
    assert_eq!(on_line[0].line, Some(mark as u64));
    assert!(suggestion(on_line[0]).is_some());
    assert_eq!(comments.len(), 8);
    assert!(of(&comments, "contoso-managed").body.contains("Take the mark out"), "what to write is said in words");
    // The hunk shows another text there: the file of this run is not the head's.
    github.state().review.clear();
    github.state().files[1].1 = Some(added(&format!("# a line more\n{text}")));
    review(&workspace, &github, 101, &[]);
    assert!(github.state().review.iter().all(|comment| comment.on_file));
    // GitHub gives no hunks for a large file, and the pull request may not change the file at all.
    github.state().review.clear();
    github.state().files[1].1 = None;
    review(&workspace, &github, 102, &[]);
    assert!(github.state().review.iter().all(|comment| comment.on_file));
    github.state().files.truncate(1);
    let run = Step::new(&workspace, &github, 103).report(&["--to", "review,summary"]).expect(1);
    assert!(run.stderr.contains("0 comments on #7, 8 no longer held and gone, 8 not on a line"), "{}", run.stderr);
    assert_eq!(github.state().review.len(), 0);
    let summary = workspace.read("summary");
    assert!(summary.contains("#### Not said on its line") && summary.contains("does not change this file"));
    assert!(summary.contains("Pin it: `operationId:"));
}

#[test]
fn one_that_github_refuses_takes_no_other_with_it() {
    let workspace = workspace();
    let github = github(&workspace);
    github.state().review_creates =
        vec![Create::Refused(422), Create::Works, Create::Refused(422), Create::Refused(422)];
    let run = Step::new(&workspace, &github, 100).report(&["--to", "review,summary"]).expect(1);
    assert!(run.stderr.contains("7 comments on #7, 1 not on a line"), "{}", run.stderr);
    let comments = github.state().review.clone();
    assert_eq!((comments.len(), comments.iter().filter(|comment| comment.on_file).count()), (7, 1));
    assert!(workspace.read("summary").contains("GitHub refused it"));
}

#[test]
fn lost_answers_and_rate_limits_do_not_double_them() {
    for creates in [vec![Create::LostAfter], vec![Create::LostBefore, Create::LostAfter], vec![Create::Refused(502)]] {
        let workspace = workspace();
        let github = github(&workspace);
        github.state().review_creates.clone_from(&creates);
        github.state().scripted =
            vec![Scripted::new("POST", "/pulls/7/comments", 403, SECONDARY_LIMIT).header("Retry-After", "0")];
        let run = review(&workspace, &github, 100, &[]);
        assert!(run.stderr.contains("8 comments"), "{}", run.stderr);
        assert_eq!(github.state().review.len(), 8, "{creates:?}");
    }
}

#[test]
fn older_runs_and_older_commits_leave_it_alone() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 101, &[]);
    github.state().log.clear();
    assert!(review(&workspace, &github, 100, &[]).stderr.contains("a later run (101, attempt 1) has reviewed it"));
    github.state().head = "def5678".to_owned();
    assert!(review(&workspace, &github, 102, &[]).stderr.contains("it has later commits"));
    github.state().head = "abc1234".to_owned();
    github.state().pull_is = "closed";
    assert!(review(&workspace, &github, 103, &[]).stderr.contains("it is closed"));
    assert_eq!(writes(&github), Vec::<String>::new());
}

#[test]
fn the_file_of_a_fork_comes_from_its_head() {
    let workspace = workspace();
    let github = github(&workspace);
    let text = workspace.read("offers.yaml");
    github.state().contents = vec![("offers.yaml".to_owned(), text.clone().into_bytes())];
    std::fs::remove_file(workspace.path("offers.yaml")).expect("it is removed");
    review(&workspace, &github, 100, &[]);
    let suggested =
        |github: &FakeGitHub| github.state().review.iter().filter(|comment| suggestion(comment).is_some()).count();
    assert_eq!(suggested(&github), 3);
    // Another file than the plan's: its lines are still commented, nothing is suggested.
    github.state().review.clear();
    github.state().contents[0].1 = text.replace("10", "11").into_bytes();
    review(&workspace, &github, 101, &[]);
    assert_eq!(suggested(&github), 0);
    assert_eq!(github.state().review.len(), 8);
    assert!(github.state().review.iter().all(|comment| !comment.on_file));
}

#[test]
fn what_may_not_be_written_is_said_and_the_status_is_the_plans() {
    let workspace = workspace();
    let github = github(&workspace);
    github.state().review_creates = vec![Create::Refused(403)];
    let run = Step::new(&workspace, &github, 100).report(&["--to", "review,summary"]).expect(1);
    assert!(run.stderr.contains("no review: GitHub answered 403"), "{}", run.stderr);
    assert!(workspace.read("summary").contains("### Cancel plan"));
    github.state().list_status = 403;
    workspace.run(["plan", "--emulate", "portal.yaml", "--offer", "contoso-container", "--out", "plan.json"]).expect(0);
    Step::new(&workspace, &github, 101).report(&["--to", "review"]).expect(0);
    Step::new(&workspace, &github, 101).report(&["--to", "review", "--strict"]).expect(1);
}

#[test]
fn a_plan_that_read_nothing_is_neutral() {
    let workspace = workspace();
    let github = github(&workspace);
    let run = workspace.run(["plan", "--offline", "--out", "plan.json"]).expect(0);
    assert!(run.stdout.ends_with("Cancel plan: the live state of 7 marked offers was not read\n"), "{}", run.stdout);
    Step::new(&workspace, &github, 100).report(&["--to", "summary,annotations,comment,review,check"]).expect(0);
    let check = github.state().checks.remove(0);
    assert_eq!(check["conclusion"], "neutral");
    assert_eq!(check["output"]["title"], "Cancel plan: the live state of 7 marked offers was not read");
    // Only what is known without the portal is said on its line.
    assert_eq!(github.state().review.len(), 1);
    let apply = ["apply", "--plan", "plan.json", "--auto-approve", "--endpoint", "https://cloudpartner.azure.com"];
    let apply = workspace.run(apply).expect(1);
    assert!(apply.stderr.contains("the plan was made without reading the portal"), "{}", apply.stderr);
}

#[test]
fn one_run_writes_no_more_than_people_read() {
    let workspace = workspace();
    let offers = (0..40)
        .fold(String::new(), |text, number| format!("{text}  - {{id: offer-{number:02}, cancelPending: true}}\n"));
    workspace.write("offers.yaml", format!("publisher: contoso\noffers:\n{offers}"));
    workspace.write("portal.yaml", "offers:\n  - {publisher: contoso, id: offer-39, operations: [{id: op-39}]}\n");
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]);
    let github = github(&workspace);
    let run = Step::new(&workspace, &github, 100).report(&["--to", "review,summary"]);
    assert!(run.stderr.contains("25 comments on #7, 15 not on a line"), "{}", run.stderr);
    assert!(github.state().review[0].body.contains("offer-39"), "the gravest first");
    assert!(workspace.read("summary").contains("25 comments at most"));
}

/// "Responses include a maximum of 3000 files" (GitHub's documentation of the list), and nothing in them says so.
#[test]
fn a_list_of_files_that_is_cut_is_said_to_be() {
    let workspace = workspace();
    let github = github(&workspace);
    github.state().files = (0..3_000).map(|number| (format!("file-{number}"), None)).collect();
    github.state().changed_files = Some(3_001);
    let run = Step::new(&workspace, &github, 100).report(&["--to", "review,summary"]).expect(1);
    assert!(run.stderr.contains("0 comments on #7, 8 not on a line"), "{}", run.stderr);
    let summary = workspace.read("summary");
    assert!(summary.contains("changes more files than the 3000 that GitHub lists"), "{summary}");
    assert!(!summary.contains("does not change this file"));
}

/// The token of an app is refused at `/user`, and where GraphQL does not answer either, what it writes names it.
#[test]
fn an_app_has_one_set_of_comments() {
    for told in [true, false] {
        let workspace = workspace();
        let github = github(&workspace);
        github.state().app = Some("release-robot[bot]".to_owned());
        review(&workspace, &github, 100, &[]);
        let before: Vec<String> = github.state().review.iter().map(|comment| comment.body.clone()).collect();
        assert_eq!(before.len(), 8);
        if !told {
            let refused = |method, part| Scripted::new(method, part, 403, "Resource not accessible by integration");
            github.state().scripted = vec![refused("POST", "/graphql"), refused("GET", "/user")];
        }
        review(&workspace, &github, 101, &[]);
        let after: Vec<String> = github.state().review.iter().map(|comment| comment.body.clone()).collect();
        assert_eq!(after.len(), 8, "{told}");
        assert!(github.state().review.iter().all(|comment| comment.author == "release-robot[bot]"));
    }
}

/// A change can be sent twice: it comes to the same.
#[test]
fn a_change_whose_answer_is_lost_is_sent_again() {
    let workspace = workspace();
    let github = github(&workspace);
    review(&workspace, &github, 100, &[]);
    workspace.write("portal.yaml", workspace.read("portal.yaml").replace("7e0a1f5c", "8e0a1f5c"));
    workspace.run(["plan", "--emulate", "portal.yaml", "--out", "plan.json"]).expect(1);
    github.state().scripted = vec![
        Scripted::new("PATCH", "/pulls/comments/", 502, "Bad Gateway"),
        Scripted::new("PATCH", "/pulls/comments/", 502, "Bad Gateway").done(),
    ];
    review(&workspace, &github, 101, &[]);
    assert!(github.state().scripted.is_empty(), "both were met");
    assert_eq!(github.state().review.len(), 8);
}
