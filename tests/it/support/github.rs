//! A GitHub with comments, over real HTTP: pages, permissions, lost answers. Every exchange is
//! held to GitHub's description of its API where that is installed.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::openapi::{ABSENT, operation, without_absent};
use super::raw::{RawPortal, Request, answer};

pub const BOT: &str = "github-actions[bot]";

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: u64,
    pub author: String,
    pub body: String,
}

/// A comment on a line of the pull request, or on a file of it.
#[derive(Debug, Clone)]
pub struct ReviewComment {
    pub id: u64,
    pub author: String,
    pub body: String,
    pub path: String,
    /// None: on the file, or outdated.
    pub line: Option<u64>,
    pub start_line: Option<u64>,
    pub on_file: bool,
    pub reply_to: Option<u64>,
}

/// What becomes of a new comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    Works,
    /// It is there, and the answer is lost.
    LostAfter,
    /// It is not there, and the answer is lost.
    LostBefore,
    /// It is refused with this status.
    Refused(u16),
}

#[derive(Debug)]
pub struct State {
    pub comments: Vec<Comment>,
    /// Whose the token is; none: the token may not ask.
    pub user: Option<String>,
    pub list_status: u16,
    pub change_status: u16,
    /// What becomes of the next new comments; after that they work.
    pub creates: Vec<Create>,
    /// Pull requests of any commit: number and merge commit.
    pub pulls_of_commit: Vec<(u64, &'static str)>,
    pub pulls_of_branch: Vec<u64>,
    /// `open` or `closed`.
    pub pull_is: &'static str,
    /// When the pull requests were merged; none: they are not.
    pub merged_at: Option<&'static str>,
    pub base: &'static str,
    pub pull_author: &'static str,
    /// Reviews: who, what, of which commit.
    pub reviews: Vec<(&'static str, &'static str, &'static str)>,
    /// Who may do what.
    pub permissions: Vec<(&'static str, &'static str)>,
    /// How check runs and reviews are answered.
    pub facts_status: u16,
    pub head: String,
    /// The files that the pull request changes, with their hunks.
    pub files: Vec<(String, Option<String>)>,
    /// The comments on lines.
    pub review: Vec<ReviewComment>,
    /// What becomes of new comments on lines.
    pub review_creates: Vec<Create>,
    /// The files of the head.
    pub contents: Vec<(String, Vec<u8>)>,
    /// How many writes are answered by 403 and a wait of no time before they work.
    pub slow_downs: usize,
    /// The check runs, as they were sent.
    pub checks: Vec<Value>,
    /// Whether check runs of other commits and other names are listed too.
    pub unfiltered_checks: bool,
    pub log: Vec<String>,
    next: u64,
}

pub struct FakeGitHub {
    pub raw: RawPortal,
    state: Arc<Mutex<State>>,
}

impl State {
    pub fn add(&mut self, author: &str, body: &str) -> u64 {
        self.next += 1;
        self.comments.push(Comment { id: self.next, author: author.to_owned(), body: body.to_owned() });
        self.next
    }

    /// A reply to a comment on a line.
    pub fn reply(&mut self, author: &str, to: u64) {
        self.next += 1;
        let replied = self.review.iter().find(|comment| comment.id == to).expect("it").clone();
        self.review.push(ReviewComment {
            id: self.next,
            author: author.to_owned(),
            body: "Are you sure?".to_owned(),
            reply_to: Some(to),
            ..replied
        });
    }

    /// The comments of this program.
    pub fn own(&self) -> Vec<Comment> {
        let own = |comment: &&Comment| comment.author == BOT && comment.body.starts_with("<!-- cancel-pending ");
        self.comments.iter().filter(own).cloned().collect()
    }
}

impl FakeGitHub {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            comments: vec![],
            user: None,
            list_status: 200,
            change_status: 200,
            creates: vec![],
            pulls_of_commit: vec![],
            pulls_of_branch: vec![],
            pull_is: "open",
            merged_at: Some("2026-11-20T00:00:00Z"),
            base: "main",
            pull_author: "jane",
            reviews: vec![],
            permissions: vec![],
            facts_status: 200,
            head: "abc1234".to_owned(),
            files: vec![],
            review: vec![],
            review_creates: vec![],
            contents: vec![],
            slow_downs: 0,
            checks: vec![],
            unfiltered_checks: false,
            log: vec![],
            next: 0,
        }));
        let shared = Arc::clone(&state);
        let raw = RawPortal::serve(move |request, stream| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.log.push(format!("{} {}", request.method, request.path));
            handle(request, stream, &mut state);
        });
        Self { raw, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn document(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "body": comment.body,
        "user": {"login": comment.author, "id": 1, "type": "Bot"},
        "html_url": format!("https://github.com/contoso/offers/pull/7#issuecomment-{}", comment.id),
    })
}

fn review_document(comment: &ReviewComment) -> Value {
    let mut document = json!({
        "id": comment.id,
        "body": comment.body,
        "user": {"login": comment.author},
        "path": comment.path,
        "start_line": comment.start_line,
        "subject_type": if comment.on_file { "file" } else { "line" },
        "html_url": format!("https://github.com/contoso/offers/pull/7#discussion_r{}", comment.id),
    });
    // By GitHub's description these two are absent or numbers.
    document["line"] = comment.line.map_or(ABSENT.into(), Value::from);
    document["in_reply_to_id"] = comment.reply_to.map_or(ABSENT.into(), Value::from);
    document
}

/// The numbers of the new lines that a hunk shows.
fn shown(patch: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut next = 0;
    for line in patch.lines() {
        if let Some(header) = line.strip_prefix("@@ ") {
            let new = header.split('+').nth(1).expect("new lines");
            next = new.split([',', ' ']).next().and_then(|text| text.parse().ok()).expect("a number");
        } else if !line.starts_with(['-', '\\']) {
            numbers.push(next);
            next += 1;
        }
    }
    numbers
}

/// Whether GitHub would take a comment at this place.
fn is_in_diff(state: &State, comment: &ReviewComment) -> bool {
    let Some((_, patch)) = state.files.iter().find(|(path, _)| *path == comment.path) else { return false };
    let shown = patch.as_deref().map(shown).unwrap_or_default();
    comment.on_file
        || (comment.line.is_some_and(|line| shown.contains(&line))
            && comment.start_line.is_none_or(|line| shown.contains(&line)))
}

/// What is answered.
enum Reply {
    Json(u16, Value),
    Empty,
    /// Nothing: the connection ends.
    Lost,
    /// A refusal that says when it would work.
    SlowDown,
}

fn refuse(status: u16) -> Reply {
    let message = "Resource not accessible by integration";
    Reply::Json(status, json!({"message": message, "documentation_url": "https://docs.github.com"}))
}

/// A request, taken apart.
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a str,
}

impl Call<'_> {
    fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.body).expect("JSON")
    }

    fn text(&self) -> String {
        self.json()["body"].as_str().expect("a body").to_owned()
    }

    /// The number at the end of the path.
    fn id(&self) -> u64 {
        self.path.rsplit('/').next().and_then(|text| text.parse().ok()).expect("a number")
    }

    /// The page of a list that is asked for.
    fn page<T>(&self, all: &[T], document: impl Fn(&T) -> Value) -> Reply {
        let number = |name, default| self.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (size, page) = (number("per_page", 30_usize).min(100), number("page", 1_usize));
        Reply::Json(200, all.iter().skip((page - 1) * size).take(size).map(document).collect())
    }
}

fn handle(request: &Request, stream: &mut TcpStream, state: &mut State) {
    assert_eq!(request.header("authorization"), Some("Bearer gh-token"), "every call carries the token");
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let call = Call { method: &request.method, path, query, body: &request.body };
    let described = operation(call.method, path);
    if let Some(described) = &described {
        described.check_request(query, call.body);
    }
    let reply = if call.method != "GET" && state.slow_downs > 0 {
        state.slow_downs -= 1;
        Reply::SlowDown
    } else {
        let rest = path.strip_prefix("/repos/contoso/offers").unwrap_or(path);
        comments(&call, rest, state)
            .or_else(|| review(&call, rest, state))
            .or_else(|| facts(&call, rest, state))
            .unwrap_or_else(|| refuse(404))
    };
    let json = ("Content-Type", "application/json");
    match reply {
        Reply::Json(status, body) => {
            let body = match &described {
                Some(described) => described.response(status, body),
                None => without_absent(&body),
            };
            answer(stream, &format!("{status} Status"), &[json], body.to_string().as_bytes());
        }
        Reply::Empty => answer(stream, "204 No Content", &[], b""),
        Reply::Lost => {}
        Reply::SlowDown => {
            let body = json!({"message": "You have exceeded a secondary rate limit"}).to_string();
            answer(stream, "403 Forbidden", &[json, ("Retry-After", "0")], body.as_bytes());
        }
    }
}

/// Comments on the pull request.
fn comments(call: &Call<'_>, path: &str, state: &mut State) -> Option<Reply> {
    Some(match (call.method, path) {
        ("GET", "/issues/7/comments") if state.list_status != 200 => refuse(state.list_status),
        ("GET", "/issues/7/comments") => call.page(&state.comments, document),
        ("POST", "/issues/7/comments") => {
            match if state.creates.is_empty() { Create::Works } else { state.creates.remove(0) } {
                Create::Refused(status) => refuse(status),
                Create::LostBefore => Reply::Lost,
                create => {
                    let id = state.add(BOT, &call.text());
                    let added = state.comments.iter().find(|comment| comment.id == id).expect("it");
                    if create == Create::Works { Reply::Json(201, document(added)) } else { Reply::Lost }
                }
            }
        }
        ("PATCH", path) if path.starts_with("/issues/comments/") => {
            match state.comments.iter_mut().find(|comment| comment.id == call.id()) {
                Some(comment) if state.change_status == 200 => {
                    comment.body = call.text();
                    Reply::Json(200, document(comment))
                }
                Some(_) => refuse(state.change_status),
                None => refuse(404),
            }
        }
        _ => return None,
    })
}

/// Comments on lines of the pull request.
fn review(call: &Call<'_>, path: &str, state: &mut State) -> Option<Reply> {
    Some(match (call.method, path) {
        ("GET", "/pulls/7/comments") if state.list_status != 200 => refuse(state.list_status),
        ("GET", "/pulls/7/comments") => call.page(&state.review, review_document),
        ("GET", "/pulls/7/files") => call
            .page(&state.files, |(path, patch)| json!({"filename": path, "patch": patch.as_deref().unwrap_or(ABSENT)})),
        ("POST", "/pulls/7/comments") => {
            let new = call.json();
            assert_eq!(new["commit_id"], state.head.as_str());
            state.next += 1;
            let comment = ReviewComment {
                id: state.next,
                author: BOT.to_owned(),
                body: call.text(),
                path: new["path"].as_str().expect("a path").to_owned(),
                line: new["line"].as_u64(),
                start_line: new["start_line"].as_u64(),
                on_file: new["subject_type"] == "file",
                reply_to: None,
            };
            match if state.review_creates.is_empty() { Create::Works } else { state.review_creates.remove(0) } {
                Create::Refused(status) => refuse(status),
                Create::LostBefore => Reply::Lost,
                _ if !is_in_diff(state, &comment) => {
                    let errors = ["pull_request_review_thread.line must be part of the diff"];
                    Reply::Json(422, json!({"message": "Validation Failed", "errors": errors}))
                }
                create => {
                    state.review.push(comment.clone());
                    if create == Create::Works { Reply::Json(201, review_document(&comment)) } else { Reply::Lost }
                }
            }
        }
        ("DELETE", path) if path.starts_with("/pulls/comments/") => {
            state.review.retain(|comment| comment.id != call.id());
            Reply::Empty
        }
        ("PATCH", path) if path.starts_with("/pulls/comments/") => {
            match state.review.iter_mut().find(|comment| comment.id == call.id()) {
                Some(comment) => {
                    comment.body = call.text();
                    Reply::Json(200, review_document(comment))
                }
                None => refuse(404),
            }
        }
        _ => return None,
    })
}

fn pull_document(state: &State, number: u64, merge_commit_sha: &str) -> Value {
    json!({
        "number": number,
        "merged_at": state.merged_at,
        "merge_commit_sha": merge_commit_sha,
        "head": {"sha": state.head},
        "base": {"ref": state.base},
        "user": {"login": state.pull_author},
    })
}

/// What was reviewed: check runs of a commit, reviews, and what somebody may do.
fn review_facts(call: &Call<'_>, path: &str, state: &State) -> Reply {
    if path.ends_with("/reviews") {
        return call.page(
            &state.reviews,
            |(login, word, commit)| json!({"user": {"login": login}, "state": word, "commit_id": commit}),
        );
    }
    if path.ends_with("/permission") {
        let login = path.split('/').nth(2).expect("a login");
        return match state.permissions.iter().find(|(own, _)| *own == login) {
            Some((_, word)) => {
                Reply::Json(200, json!({"permission": word, "user": {"login": login, "role_name": word}}))
            }
            None => refuse(404),
        };
    }
    let commit = path.split('/').nth(2).expect("a commit");
    let name = call.parameter("check_name");
    let runs: Vec<Value> = state
        .checks
        .iter()
        .enumerate()
        .filter(|(_, check)| {
            state.unfiltered_checks
                || check["head_sha"] == commit && name.as_deref().is_none_or(|name| check["name"] == name)
        })
        .map(|(index, check)| {
            let output = json!({"title": check["output"]["title"], "summary": check["output"]["summary"],
                "text": check["output"]["text"]});
            let app = check["app"].as_str().unwrap_or("github-actions");
            json!({"id": index + 1, "name": check["name"], "head_sha": check["head_sha"], "output": output,
                "status": check["status"], "conclusion": check["conclusion"], "external_id": check["external_id"],
                "app": {"slug": app}})
        })
        .collect();
    let Reply::Json(status, page) = call.page(&runs, Value::clone) else { return refuse(500) };
    Reply::Json(status, json!({"total_count": runs.len(), "check_runs": page}))
}

/// What else there is: whose the token is, pull requests, commits, files, check runs.
fn facts(call: &Call<'_>, path: &str, state: &mut State) -> Option<Reply> {
    Some(match (call.method, path) {
        ("GET", "/user") => match &state.user {
            Some(login) => Reply::Json(200, json!({"login": login, "id": 1})),
            None => refuse(403),
        },
        ("GET", "/pulls/7") => {
            let mut pull = pull_document(state, 7, "fff0000");
            pull["state"] = state.pull_is.into();
            Reply::Json(200, pull)
        }
        ("POST", "/check-runs") => {
            state.checks.push(call.json());
            Reply::Json(201, json!({"id": 1, "html_url": "https://github.com/contoso/offers/runs/1"}))
        }
        ("GET", path) if path.starts_with("/commits/") && path.ends_with("/pulls") => {
            call.page(&state.pulls_of_commit, |(number, sha)| pull_document(state, *number, sha))
        }
        ("GET", path)
            if path.ends_with("/check-runs") || path.ends_with("/reviews") || path.ends_with("/permission") =>
        {
            if state.facts_status != 200 {
                return Some(refuse(state.facts_status));
            }
            review_facts(call, path, state)
        }
        ("GET", "/pulls") => {
            let asked = (call.parameter("state"), call.parameter("head"));
            assert_eq!((asked.0.as_deref(), asked.1.as_deref()), (Some("open"), Some("jane:fix")));
            call.page(&state.pulls_of_branch, |number| json!({"number": number}))
        }
        ("GET", path) if path.starts_with("/contents/") => {
            assert_eq!(call.parameter("ref").as_deref(), Some(state.head.as_str()));
            let name = path.trim_start_matches("/contents/");
            match state.contents.iter().find(|(path, _)| path == name) {
                Some((_, bytes)) => {
                    let text = BASE64.encode(bytes);
                    let lines: Vec<&str> =
                        text.as_bytes().chunks(60).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
                    Reply::Json(200, json!({"encoding": "base64", "content": lines.join("\n")}))
                }
                None => refuse(404),
            }
        }
        _ => return None,
    })
}
