//! A GitHub with comments, over real HTTP: pages, permissions, lost answers, limits, renamed
//! repositories. Every exchange is held to GitHub's description of its API where that is installed.
//!
//! What is not in that description is from GitHub's documentation: an app's installation token is
//! refused at `/user` and answered by GraphQL's `viewer`; a renamed repository answers 301 to reads
//! and 307 to writes, with the address `/repositories/ID` on the same host; `completed_at` of a
//! check run is GitHub's time unless the writer sets one.

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
    /// The pull request.
    pub on: u64,
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

/// GitHub's own words for a secondary rate limit.
pub const SECONDARY_LIMIT: &str =
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

/// One answer that is given in place of the usual one.
#[derive(Debug, Clone)]
pub struct Scripted {
    pub method: &'static str,
    /// What the path contains.
    pub part: &'static str,
    pub status: u16,
    pub message: &'static str,
    pub headers: Vec<(&'static str, String)>,
    /// Whether what was asked for is done all the same.
    pub is_done: bool,
    /// Whether it is a page for people, as a server in front of GitHub's sends it.
    pub is_page: bool,
}

impl Scripted {
    pub fn new(method: &'static str, part: &'static str, status: u16, message: &'static str) -> Self {
        Self { method, part, status, message, headers: vec![], is_done: false, is_page: false }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub fn done(self) -> Self {
        Self { is_done: true, ..self }
    }

    pub fn page(self) -> Self {
        Self { is_page: true, ..self }
    }
}

/// A pull request of one commit of the branch.
#[derive(Debug, Clone)]
pub struct Merge {
    pub commit: &'static str,
    pub number: u64,
    pub head: &'static str,
    pub merged_at: Option<&'static str>,
    pub state: &'static str,
}

#[derive(Debug)]
pub struct State {
    pub comments: Vec<Comment>,
    /// Whose the token is, when it is a user's.
    pub user: Option<String>,
    /// Whose the token is, when it is an app's; none: GitHub does not tell.
    pub app: Option<String>,
    /// Answers in place of the usual ones, each once, in order.
    pub scripted: Vec<Scripted>,
    /// Whether it is a server of one's own: REST is below `/api/v3` there, and GraphQL is `/api/graphql` (GitHub
    /// Enterprise Server's pages "Getting started with the REST API" and "Forming calls with GraphQL").
    pub is_enterprise: bool,
    /// Whether the repository has been renamed to `fabrikam/offers`.
    pub is_renamed: bool,
    /// GitHub's time.
    pub clock: &'static str,
    /// The commits of the branch, the newest first.
    pub branch_commits: Vec<&'static str>,
    /// The pull requests of some commits; of others they are `pulls_of_commit`.
    pub merges: Vec<Merge>,
    /// The files at the head of the branch.
    pub branch_contents: Vec<(String, Vec<u8>)>,
    /// The repository of the head: 1 is this one.
    pub head_repository: u64,
    /// The repository that pull requests go to.
    pub base_repository: u64,
    /// How many files the pull request is said to change; none: those that are listed.
    pub changed_files: Option<usize>,
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
    /// Reviews: who, what, of which commit, when.
    pub reviews: Vec<(&'static str, &'static str, &'static str, &'static str)>,
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
    /// Adds a comment to pull request 7.
    pub fn add(&mut self, author: &str, body: &str) -> u64 {
        self.add_to(7, author, body)
    }

    pub fn add_to(&mut self, on: u64, author: &str, body: &str) -> u64 {
        self.next += 1;
        self.comments.push(Comment { id: self.next, on, author: author.to_owned(), body: body.to_owned() });
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

    /// Who writes what is written.
    fn writer(&self) -> String {
        self.user.clone().or(self.app.clone()).unwrap_or_else(|| BOT.to_owned())
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
            app: Some(BOT.to_owned()),
            scripted: vec![],
            is_enterprise: false,
            is_renamed: false,
            clock: "2026-11-19T10:00:00Z",
            branch_commits: vec!["fff0000"],
            merges: vec![],
            branch_contents: vec![],
            head_repository: 1,
            base_repository: 1,
            changed_files: None,
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
            checks: vec![],
            unfiltered_checks: false,
            log: vec![],
            next: 0,
        }));
        let shared = Arc::clone(&state);
        let raw = RawPortal::serve(move |request, stream| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let served = if state.is_enterprise { &on_enterprise_server(request) } else { request };
            let is_followed = served.path.starts_with("/repositories/4711");
            let request = if is_followed { &followed(served) } else { served };
            state.log.push(format!("{} {}", request.method, request.path));
            handle(request, stream, &mut state);
        });
        Self { raw, state }
    }

    /// Where the REST API is.
    pub fn api_url(&self) -> String {
        let below = if self.state().is_enterprise { "/api/v3" } else { "" };
        format!("{}{below}", self.raw.url)
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
        "html_url": format!("https://github.com/contoso/offers/pull/{}#issuecomment-{}", comment.on, comment.id),
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
}

/// A request at the address that a renamed repository has, as one at its name.
fn followed(request: &Request) -> Request {
    let path = request.path.replacen("/repositories/4711", "/repos/contoso/offers", 1);
    let head = format!("{}\r\nX-Followed: yes\r\n\r\n", request.head.trim_end());
    Request { method: request.method.clone(), path, head, body: request.body.clone() }
}

/// A request to a server of one's own, as one to github.com. Elsewhere on it there is nothing.
fn on_enterprise_server(request: &Request) -> Request {
    let rest = request.path.strip_prefix("/api/v3").filter(|rest| *rest != "/graphql");
    let path = rest.or((request.path == "/api/graphql").then_some("/graphql")).unwrap_or("/nothing").to_owned();
    Request { method: request.method.clone(), path, head: request.head.clone(), body: request.body.clone() }
}

fn refuse(status: u16) -> Reply {
    let message = if status == 404 { "Not Found" } else { "Resource not accessible by integration" };
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
    let json = ("Content-Type", "application/json");
    let scripted = state.scripted.first().is_some_and(|one| one.method == call.method && path.contains(one.part));
    let scripted = scripted.then(|| state.scripted.remove(0));
    if let Some(scripted) = scripted.as_ref().filter(|scripted| !scripted.is_done) {
        return say(stream, scripted);
    }
    if state.is_renamed && path != "/graphql" && request.header("x-followed").is_none() {
        let rest = request.path.strip_prefix("/repos/contoso/offers").expect("of the repository");
        let below = if state.is_enterprise { "/api/v3" } else { "" };
        let location = format!("http://{}{below}/repositories/4711{rest}", request.header("host").expect("a host"));
        let status = if call.method == "GET" { "301 Moved Permanently" } else { "307 Temporary Redirect" };
        let body = json!({"message": "Moved Permanently", "url": location}).to_string();
        return answer(stream, status, &[json, ("Location", &location)], body.as_bytes());
    }
    let described = if path == "/graphql" { None } else { operation(call.method, path) };
    if let Some(described) = &described {
        described.check_request(query, call.body);
    }
    let rest = path.strip_prefix("/repos/contoso/offers").unwrap_or(path);
    let reply = comments(&call, rest, state)
        .or_else(|| review(&call, rest, state))
        .or_else(|| facts(&call, rest, state))
        .unwrap_or_else(|| refuse(404));
    if let Some(scripted) = scripted {
        return say(stream, &scripted);
    }
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
    }
}

fn say(stream: &mut TcpStream, scripted: &Scripted) {
    let headers: Vec<(&str, &str)> = scripted.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = if scripted.is_page {
        format!("<!DOCTYPE html>\n<html><body>\n::error::{}\n</body></html>\n", scripted.message)
    } else {
        // What is wrong with a document stands beside what is said of it.
        let (message, detail) = scripted.message.split_once(" | ").unwrap_or((scripted.message, ""));
        let mut body = json!({"message": message, "documentation_url": "https://docs.github.com"});
        if !detail.is_empty() {
            body["errors"] = json!([{"resource": "IssueComment", "code": "unprocessable", "message": detail}]);
        }
        body.to_string()
    };
    answer(stream, &format!("{} Status", scripted.status), &headers, body.as_bytes());
}

/// Comments on the pull request.
fn comments(call: &Call<'_>, path: &str, state: &mut State) -> Option<Reply> {
    let of_pull = path.strip_prefix("/issues/").and_then(|rest| rest.strip_suffix("/comments"));
    let on: u64 = of_pull.and_then(|number| number.parse().ok()).unwrap_or_default();
    Some(match (call.method, of_pull.map_or(path, |_| "/comments")) {
        ("GET", "/comments") if state.list_status != 200 => refuse(state.list_status),
        ("GET", "/comments") => {
            let there: Vec<&Comment> = state.comments.iter().filter(|comment| comment.on == on).collect();
            call.page(&there, |comment| document(comment))
        }
        ("POST", "/comments") => {
            match if state.creates.is_empty() { Create::Works } else { state.creates.remove(0) } {
                Create::Refused(status) => refuse(status),
                Create::LostBefore => Reply::Lost,
                create => {
                    // One whose answer is lost may come back with other white space around it.
                    let text = call.text();
                    let text = if create == Create::LostAfter { text.trim() } else { &text };
                    let id = state.add_to(on, &state.writer(), text);
                    let added = state.comments.iter().find(|comment| comment.id == id).expect("it");
                    if create == Create::Works { Reply::Json(201, document(added)) } else { Reply::Lost }
                }
            }
        }
        ("DELETE", path) if path.starts_with("/issues/comments/") => {
            state.comments.retain(|comment| comment.id != call.id());
            Reply::Empty
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
                author: state.writer(),
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
        "state": if state.merged_at.is_some() { "closed" } else { "open" },
        "merged_at": state.merged_at,
        "merge_commit_sha": merge_commit_sha,
        "head": {"sha": state.head, "ref": "fix", "repo": {"id": state.head_repository}},
        "base": {"sha": "ba5e000", "ref": state.base, "repo": {"id": state.base_repository}},
        "user": {"login": state.pull_author},
    })
}

/// The pull requests of a commit.
fn pulls_of(state: &State, commit: &str) -> Vec<Value> {
    let of_commit: Vec<&Merge> = state.merges.iter().filter(|merge| merge.commit == commit).collect();
    if of_commit.is_empty() {
        return state.pulls_of_commit.iter().map(|(number, sha)| pull_document(state, *number, sha)).collect();
    }
    let document = |merge: &&Merge| {
        let mut pull = pull_document(state, merge.number, commit);
        pull["head"]["sha"] = merge.head.into();
        pull["merged_at"] = merge.merged_at.into();
        pull["state"] = merge.state.into();
        pull
    };
    of_commit.iter().map(document).collect()
}

/// What was reviewed: check runs of a commit, reviews, and what somebody may do.
fn review_facts(call: &Call<'_>, path: &str, state: &State) -> Reply {
    if path.ends_with("/reviews") {
        return call.page(
            &state.reviews,
            |(login, word, commit, at)| {
                json!({"user": {"login": login}, "state": word, "commit_id": commit, "submitted_at": at})
            },
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
                "completed_at": check["completed_at"], "html_url": format!("https://github.com/contoso/offers/runs/{}", index + 1),
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
        ("POST", "/graphql") => {
            assert!(call.json()["query"].as_str().is_some_and(|query| query.contains("viewer { login }")));
            match state.user.as_ref().or(state.app.as_ref()) {
                Some(login) => Reply::Json(200, json!({"data": {"viewer": {"login": login}}})),
                None => refuse(403),
            }
        }
        ("GET", "") => {
            let name = if state.is_renamed { "fabrikam/offers" } else { "contoso/offers" };
            // GitHub's own example lacks the language, which its description requires.
            let source = json!({"language": null});
            Reply::Json(200, json!({"full_name": name, "default_branch": "main", "language": null, "source": source}))
        }
        ("GET", "/commits") => {
            let asked = call.parameter("sha");
            assert!(asked.as_deref() == Some("main") || asked.as_deref() == Some("release"), "{asked:?}");
            call.page(&state.branch_commits, |sha| json!({"sha": sha}))
        }
        ("GET", "/pulls/7") => {
            let mut pull = pull_document(state, 7, "fff0000");
            pull["state"] = state.pull_is.into();
            pull["changed_files"] = state.changed_files.unwrap_or(state.files.len()).into();
            Reply::Json(200, pull)
        }
        ("POST", "/check-runs") => {
            let mut check = call.json();
            check["completed_at"] = state.clock.into();
            state.checks.push(check);
            let number = state.checks.len();
            Reply::Json(
                201,
                json!({"id": number, "html_url": format!("https://github.com/contoso/offers/runs/{number}")}),
            )
        }
        ("GET", path) if path.starts_with("/commits/") && path.ends_with("/pulls") => {
            call.page(&pulls_of(state, path.split('/').nth(2).expect("a commit")), Value::clone)
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
            call.page(&state.pulls_of_branch, |number| {
                let mut pull = pull_document(state, *number, "fff0000");
                pull["state"] = "open".into();
                pull
            })
        }
        ("GET", path) if path.starts_with("/contents/") => {
            let asked = call.parameter("ref").expect("a commit or a branch");
            assert!(asked == state.head || asked == "main" || asked == "release", "{asked}");
            let name = path.trim_start_matches("/contents/");
            let contents = if asked == state.head { &state.contents } else { &state.branch_contents };
            match contents.iter().find(|(path, _)| path == name) {
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
