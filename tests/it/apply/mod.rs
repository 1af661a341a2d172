//! Carrying a plan out.

/// The documented answers and every other one.
mod answers;
/// Calls that wait for their connection.
mod departures;
/// What must hold before anything is sent.
mod gates;
/// Lost answers: what runs afterwards decides.
mod losses;
/// Interruptions, and the question on a terminal.
#[cfg(unix)]
mod signals;
/// The operation that was planned, and no other.
mod targets;

use serde_json::Value;

use crate::support::offer::{DESIRED, OfferPortal};
use crate::support::raw::answer;
use crate::support::{Run, Workspace, assert_inert_text};

/// The one entry of an outcome.
#[track_caller]
pub fn entry(run: &Run) -> Value {
    let entries = run.json()["entries"].as_array().expect("entries").clone();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

/// Applies on a portal, and asserts exit status, outcome and the number of cancel calls.
#[track_caller]
pub fn expect(portal: &OfferPortal, more: &[&str], status: i32, outcome: &str, posts: usize) -> Value {
    let run = portal.apply(&Workspace::new(), more).expect(status);
    let entry = entry(&run);
    assert_eq!(entry["outcome"], outcome, "{entry:#}\n{}", run.stderr);
    assert_eq!(portal.state().posts.len(), posts, "{entry:#}");
    assert_eq!(entry["attempts"], posts, "{entry:#}");
    assert_inert_text(&run.stdout);
    assert_inert_text(&run.stderr);
    entry
}

pub fn status(line: &'static str, headers: &'static [(&str, &str)], body: &'static str) -> OfferPortal {
    OfferPortal::start(move |_, stream| answer(stream, line, headers, body.as_bytes()))
}

/// A plan made on a portal, to be applied later.
pub fn planned(portal: &OfferPortal) -> Workspace {
    let workspace = Workspace::with("offers.yaml", DESIRED);
    workspace.run(["plan", "--endpoint", &portal.raw.url, "--out", "plan.json"]).expect(0);
    workspace
}

pub fn apply_plan(portal: &OfferPortal, workspace: &Workspace, more: &[&str]) -> Run {
    let arguments =
        ["apply", "--plan", "plan.json", "--auto-approve", "--format", "json", "--endpoint", &portal.raw.url];
    workspace.run(arguments.iter().copied().chain(more.iter().copied()))
}

/// A portal that says that it is done and does nothing.
pub fn never() -> OfferPortal {
    OfferPortal::start(|_, stream| answer(stream, "200 OK", &[], b""))
}
