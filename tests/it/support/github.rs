//! A GitHub with comments, over real HTTP: pages, permissions, lost answers.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::raw::{RawPortal, Request, answer};

pub const BOT: &str = "github-actions[bot]";

#[derive(Debug, Clone)]
pub struct Comment {
    pub id: u64,
    pub author: String,
    pub body: String,
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
    /// The check runs, as they were sent.
    pub checks: Vec<Value>,
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
            checks: vec![],
            log: vec![],
            next: 0,
        }));
        let shared = Arc::clone(&state);
        let raw = RawPortal::serve(move |request, stream| {
            let mut state = shared.lock().expect("a lock");
            state.log.push(format!("{} {}", request.method, request.path));
            handle(request, stream, &mut state);
        });
        Self { raw, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a lock")
    }
}

fn document(comment: &Comment) -> Value {
    json!({
        "id": comment.id,
        "node_id": "x",
        "body": comment.body,
        "user": {"login": comment.author, "id": 1, "type": "Bot"},
        "html_url": format!("https://github.com/contoso/offers/pull/7#issuecomment-{}", comment.id),
    })
}

fn handle(request: &Request, stream: &mut TcpStream, state: &mut State) {
    assert_eq!(request.header("authorization"), Some("Bearer gh-token"), "every call carries the token");
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let number = |name: &str, default: usize| parameter(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let send = |stream: &mut TcpStream, status: u16, body: Value| {
        answer(
            stream,
            &format!("{status} Status"),
            &[("Content-Type", "application/json")],
            body.to_string().as_bytes(),
        );
    };
    let refuse = |stream: &mut TcpStream, status: u16| {
        send(
            stream,
            status,
            json!({"message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com"}),
        );
    };
    let body = || -> String {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        body["body"].as_str().expect("a body").to_owned()
    };
    match (request.method.as_str(), path) {
        ("GET", "/user") => match &state.user {
            Some(login) => send(stream, 200, json!({"login": login, "id": 1})),
            None => refuse(stream, 403),
        },
        ("GET", "/repos/contoso/offers/issues/7/comments") if state.list_status != 200 => {
            refuse(stream, state.list_status);
        }
        ("GET", "/repos/contoso/offers/issues/7/comments") => {
            let (size, page) = (number("per_page", 30).min(100), number("page", 1));
            let items: Vec<Value> = state.comments.iter().skip((page - 1) * size).take(size).map(document).collect();
            send(stream, 200, items.into());
        }
        ("POST", "/repos/contoso/offers/issues/7/comments") => {
            let create = if state.creates.is_empty() { Create::Works } else { state.creates.remove(0) };
            if let Create::Refused(status) = create {
                return refuse(stream, status);
            }
            if create != Create::LostBefore {
                let id = state.add(BOT, &body());
                let added = state.comments.iter().find(|comment| comment.id == id).expect("it");
                if create == Create::Works {
                    send(stream, 201, document(added));
                }
            }
        }
        ("POST", "/repos/contoso/offers/check-runs") => {
            state.checks.push(serde_json::from_str(&request.body).expect("JSON"));
            send(stream, 201, json!({"id": 1, "html_url": "https://github.com/contoso/offers/runs/1"}));
        }
        ("PATCH", path) => {
            let id: u64 = path.rsplit('/').next().and_then(|text| text.parse().ok()).expect("a number");
            let text = body();
            match state.comments.iter_mut().find(|comment| comment.id == id) {
                Some(comment) if state.change_status == 200 => {
                    comment.body = text;
                    let changed = document(comment);
                    send(stream, 200, changed);
                }
                Some(_) => refuse(stream, state.change_status),
                None => refuse(stream, 404),
            }
        }
        ("GET", path) if path.starts_with("/repos/contoso/offers/commits/") => {
            let pulls =
                state.pulls_of_commit.iter().map(|(number, sha)| json!({"number": number, "merge_commit_sha": sha}));
            send(stream, 200, pulls.collect());
        }
        ("GET", "/repos/contoso/offers/pulls") => {
            assert_eq!((parameter("state").as_deref(), parameter("head").as_deref()), (Some("open"), Some("jane:fix")));
            send(stream, 200, state.pulls_of_branch.iter().map(|number| json!({"number": number})).collect());
        }
        _ => refuse(stream, 404),
    }
}
