//! A portal with one offer, `contoso/vm`, on which the operation `op` runs, and a script for
//! what its cancel call does.

use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard};

use super::raw::{RawPortal, Request, answer};
use super::{Run, Workspace};

pub const DESIRED: &str = "\
publisher: contoso
notificationEmails: [a@contoso.com, b@contoso.com]
offers: [{id: vm, cancelPending: true, operationId: op}]
";

/// The offer.
#[derive(Debug)]
pub struct Offer {
    /// The operation that runs.
    pub running: Option<String>,
    /// What the portal says about cancelling it.
    pub cancellation: Option<&'static str>,
    /// The status of the document of `op`.
    pub status: &'static str,
    /// The status of the document at the location.
    pub location_status: &'static str,
    pub etag: Option<String>,
    /// The cancel calls so far: `If-Match` and body.
    pub posts: Vec<(String, String)>,
    /// How often a location was read.
    pub polls: usize,
    /// After how many reads of the location the cancellation is done.
    pub done_after: usize,
}

impl Offer {
    /// The cancellation takes effect.
    pub fn cancelled(&mut self) {
        self.running = None;
        self.status = "canceled";
        self.location_status = "complete";
        self.etag = Some("\"after\"".to_owned());
    }

    /// It begins.
    pub fn cancelling(&mut self) {
        self.cancellation = Some("cancelRequested");
        self.etag = Some("\"after\"".to_owned());
    }

    /// Another operation takes the place of the one that runs.
    pub fn replaced(&mut self, status: &'static str) {
        self.running = Some("another".to_owned());
        self.status = status;
        self.cancellation = Some("canCancel");
        self.etag = Some("\"replaced\"".to_owned());
    }
}

pub struct OfferPortal {
    pub raw: RawPortal,
    state: Arc<Mutex<Offer>>,
}

pub const LOCATION: &str = "/api/publishers/contoso/offers/vm/operations/the-cancellation";

impl OfferPortal {
    /// `cancel` is called for each cancel call, which is counted already.
    pub fn start(cancel: impl Fn(&mut Offer, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::watched(cancel, |_, _| {})
    }

    /// Likewise; once it is being cancelled, it is over after so many looks at what runs.
    pub fn slow(looks: usize, cancel: impl Fn(&mut Offer, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::watched(cancel, move |request, offer| {
            if offer.cancellation == Some("cancelRequested") && request.path.contains("/submissions/") {
                offer.polls += 1;
                if offer.polls == looks {
                    offer.cancelled();
                }
            }
        })
    }

    /// Likewise; `watch` sees every request before it is answered, and may change the offer.
    pub fn watched(
        cancel: impl Fn(&mut Offer, &mut TcpStream) + Send + Sync + 'static,
        watch: impl Fn(&Request, &mut Offer) + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(Mutex::new(Offer {
            running: Some("op".to_owned()),
            cancellation: Some("canCancel"),
            status: "running",
            location_status: "running",
            etag: Some("\"before\"".to_owned()),
            posts: Vec::new(),
            polls: 0,
            done_after: 1,
        }));
        let shared = Arc::clone(&state);
        let raw = RawPortal::serve(move |request, stream| {
            let mut offer = shared.lock().expect("a lock");
            watch(request, &mut offer);
            handle(request, stream, &mut offer, &cancel);
        });
        Self { raw, state }
    }

    pub fn state(&self) -> MutexGuard<'_, Offer> {
        self.state.lock().expect("a lock")
    }

    /// Runs `apply --auto-approve --format json` on it.
    pub fn apply(&self, workspace: &Workspace, more: &[&str]) -> Run {
        workspace.write("offers.yaml", DESIRED);
        let arguments = ["apply", "--auto-approve", "--format", "json", "--endpoint", &self.raw.url];
        workspace.run(arguments.iter().copied().chain(more.iter().copied()))
    }
}

fn handle(request: &Request, stream: &mut TcpStream, offer: &mut Offer, cancel: &dyn Fn(&mut Offer, &mut TcpStream)) {
    let path = request.path.split('?').next().unwrap_or_default();
    let ok = |stream: &mut TcpStream, body: String| answer(stream, "200 OK", &[], body.as_bytes());
    if request.method == "POST" {
        offer.posts.push((request.header("if-match").unwrap_or("-").to_owned(), request.body.clone()));
        cancel(offer, stream);
    } else if path.ends_with("/submissions/") {
        let list = offer
            .running
            .iter()
            .map(|id| serde_json::json!({"id": id, "submissionType": "publish", "submissionState": "running"}));
        ok(stream, list.collect::<serde_json::Value>().to_string());
    } else if path.ends_with("/offers/vm") {
        let etag = offer.etag.clone().unwrap_or_default();
        let headers = [("ETag", etag.as_str())];
        answer(stream, "200 OK", if etag.is_empty() { &[] } else { &headers }, b"{}");
    } else if path.ends_with("/operations/op") || path.ends_with("/operations/another") {
        let status = if offer.running.as_deref().is_some_and(|id| path.ends_with(&format!("/{id}"))) {
            "running"
        } else {
            offer.status
        };
        let document = serde_json::json!({"status": status, "cancellationRequestState": offer.cancellation});
        ok(stream, document.to_string());
    } else {
        offer.polls += 1;
        if offer.polls == offer.done_after && offer.location_status == "running" {
            offer.cancelled();
        }
        ok(stream, serde_json::json!([{"status": offer.location_status}]).to_string());
    }
}
