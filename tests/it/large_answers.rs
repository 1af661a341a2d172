//! Answers that are as large as they may be, and made to keep whoever reads them busy.
//!
//! A reader that takes time with the square of the length needs many minutes for each of these.

use crate::support::Workspace;
use crate::support::raw::{RawPortal, answer};

const OFFERS: &str = "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n";

/// A little less than the limit of an answer.
const SIZE: usize = 4 * 1024 * 1024 - 1024;

/// Plans on a portal whose operation and whose status of it are this, and returns the plan.
fn plan(status: &'static str, body: String) -> serde_json::Value {
    let portal = RawPortal::start(move |path, stream| {
        if path.contains("/submissions/") {
            answer(stream, "200 OK", &[], br#"[{"id": "op", "submissionState": "running"}]"#);
        } else {
            answer(stream, status, &[], body.as_bytes());
        }
    });
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.run(["plan", "--endpoint", &portal.url, "--format", "json"]).json()
}

#[test]
fn a_message_of_broken_html() {
    for piece in ["<", "<a", "<a b='", "&"] {
        let html = piece.repeat(SIZE / piece.len());
        let body = format!(
            r#"{{"status": "running", "cancellationRequestState": "canCancel", "messages": [{{"messageHtml": "{html}"}}]}}"#
        );
        let plan = plan("200 OK", body);
        let message = plan["entries"][0]["message"].as_str().expect("a message");
        assert!(message.starts_with(piece.trim()) && message.chars().count() <= 1001, "{message}");
    }
}

#[test]
fn an_error_of_broken_html_and_many_details() {
    let detail = |n: usize| format!(r#"{{"code": "c{n}", "message": "<a"}}"#);
    for body in [
        format!(r#"{{"error": {{"code": "A", "message": "{}"}}}}"#, "<a".repeat(SIZE / 2)),
        format!(r#"{{"code": "A", "details": [{}]}}"#, (0..SIZE / 40).map(detail).collect::<Vec<_>>().join(",")),
        format!("A - {}", "{".repeat(SIZE)),
        format!("<html><title>A{}", "<a".repeat(SIZE / 2)),
    ] {
        let plan = plan("400 Bad Request", body);
        let message = plan["entries"][0]["message"].as_str().expect("a message");
        assert!(message.contains("400 Bad Request (A") && message.len() < 2_000, "{message}");
    }
}
