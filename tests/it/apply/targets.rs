//! The operation that was planned, and no other; two applies at once.

use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use super::{apply_plan, entry, never, planned};
use crate::support::offer::OfferPortal;
use crate::support::raw::{RawPortal, answer, wait_for_close};
use crate::support::{Run, Workspace};

#[test]
fn an_operation_that_is_over_is_already_done() {
    let portal = never();
    let workspace = planned(&portal);
    portal.state().cancelled();
    let run = apply_plan(&portal, &workspace, &[]).expect(0);
    assert_eq!(entry(&run)["outcome"], "already-done");
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn another_operation_is_superseded_and_left_alone() {
    let portal = never();
    let workspace = planned(&portal);
    portal.state().replaced("complete");
    let run = apply_plan(&portal, &workspace, &[]).expect(0);
    assert_eq!(entry(&run)["outcome"], "superseded");
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn one_that_can_not_be_cancelled_any_more_is_failed_and_not_called() {
    for word in ["cannotCancel", "perhaps"] {
        let portal = never();
        let workspace = planned(&portal);
        portal.state().cancellation = Some(word);
        let run = apply_plan(&portal, &workspace, &[]).expect(1);
        assert_eq!(entry(&run)["outcome"], "failed");
        assert_eq!(portal.state().posts.len(), 0);
    }
}

#[test]
fn one_that_is_being_cancelled_is_followed_and_not_called() {
    let portal = OfferPortal::slow(3, |_, stream| answer(stream, "200 OK", &[], b""));
    let workspace = planned(&portal);
    portal.state().cancelling();
    let run = apply_plan(&portal, &workspace, &[]).expect(0);
    assert_eq!(entry(&run)["outcome"], "cancelled");
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn a_wait_entry_is_followed_and_never_called() {
    let portal = never();
    portal.state().cancelling();
    let workspace = planned(&portal);
    let run = apply_plan(&portal, &workspace, &["--timeout", "1s"]).expect(3);
    assert_eq!(entry(&run)["outcome"], "accepted");
    // The cancellation was withdrawn: nobody reviewed a call.
    portal.state().cancellation = Some("canCancel");
    let run = apply_plan(&portal, &workspace, &[]).expect(1);
    assert_eq!(entry(&run)["outcome"], "failed");
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn of_two_applies_one_cancels_and_the_other_finds_nothing_to_do() {
    for shared_journal in [true, false] {
        let portal = OfferPortal::start(|offer, stream| {
            let (if_match, _) = offer.posts.last().expect("this one").clone();
            if Some(if_match) == offer.etag {
                offer.cancelled();
                answer(stream, "200 OK", &[], b"");
            } else {
                offer.posts.pop();
                answer(stream, "412 Precondition Failed", &[], b"");
            }
        });
        let workspaces = [planned(&portal), planned(&portal)];
        let runs: Vec<Run> = std::thread::scope(|scope| {
            let start = |workspace: &Workspace| {
                let journal = if shared_journal { workspaces[0].path("journal") } else { workspace.path("journal") };
                apply_plan(&portal, workspace, &["--journal", &journal.to_string_lossy()])
            };
            let handles: Vec<_> = workspaces.iter().map(|workspace| scope.spawn(move || start(workspace))).collect();
            handles.into_iter().map(|handle| handle.join().expect("it ends")).collect()
        });
        let mut outcomes: Vec<String> =
            runs.into_iter().map(|run| entry(&run.expect(0))["outcome"].as_str().expect("one").to_owned()).collect();
        outcomes.sort();
        assert_eq!(outcomes, ["already-done", "cancelled"], "shared: {shared_journal}");
        assert_eq!(portal.state().posts.len(), 1, "one call was carried out");
    }
}

/// The portal asks to be left alone right between the last read and the call: what was read is not
/// good any more when the call may be sent again.
#[test]
fn a_call_that_would_have_to_wait_is_not_sent_and_what_runs_is_read_again() {
    let log: Arc<Mutex<Vec<String>>> = Arc::default();
    let asked: Arc<Mutex<Option<Instant>>> = Arc::default();
    let (seen, at) = (Arc::clone(&log), Arc::clone(&asked));
    // The read of one offer is held back until the portal has asked, and has been heard, on the other.
    let (held, heard) = (Barrier::new(2), Barrier::new(2));
    let portal = RawPortal::serve(move |request, stream| {
        let offer = if request.path.contains("/offers/a") { "a" } else { "b" };
        let what = match request.path.split('/').nth(6).unwrap_or_default() {
            "submissions" => "list",
            "operations" => "operation",
            _ if request.method == "POST" => "cancel",
            _ => "etag",
        };
        let line = format!("{offer} {what}");
        let times = {
            let mut log = seen.lock().expect("not poisoned");
            let asked = at.lock().expect("not poisoned").map(|asked: Instant| asked.elapsed());
            log.push(match asked {
                Some(elapsed) if elapsed < Duration::from_secs(1) => format!("{line} too early"),
                _ => line.clone(),
            });
            log.iter().filter(|other| other.starts_with(&line)).count()
        };
        match (line.as_str(), times) {
            ("b etag", 1) => {
                held.wait();
                *at.lock().expect("not poisoned") = Some(Instant::now());
                answer(stream, "429 Too Many Requests", &[("Retry-After", "1")], b"");
                wait_for_close(stream);
                heard.wait();
            }
            // The first time is the plan's.
            ("a operation", 2) => {
                held.wait();
                heard.wait();
                answer(stream, "200 OK", &[], br#"{"status": "running"}"#);
            }
            _ => match what {
                "list" => answer(stream, "200 OK", &[], br#"[{"id": "op"}]"#),
                "operation" => answer(stream, "200 OK", &[], br#"{"status": "running"}"#),
                "etag" => answer(stream, "200 OK", &[("ETag", "\"1\"")], b"{}"),
                _ => answer(stream, "202 Accepted", &[], b""),
            },
        }
    });
    let text = "publisher: contoso\noffers:\n  - {id: a, cancelPending: true, operationId: op}\n  - {id: b, cancelPending: true, operationId: op}\n";
    let workspace = Workspace::with("offers.yaml", text);
    let arguments =
        ["apply", "--endpoint", &portal.url, "--auto-approve", "--no-wait", "--format", "json", "--concurrency", "2"];
    let run = workspace.run(arguments).expect(0);
    let log = log.lock().expect("not poisoned").clone();
    let of_a: Vec<&str> = log.iter().map(String::as_str).filter(|line| line.starts_with('a')).collect();
    assert_eq!(
        of_a,
        ["a list", "a operation", "a etag", "a list", "a operation", "a etag", "a list", "a operation", "a cancel"],
        "{log:?}"
    );
    assert!(!log.iter().any(|line| line.contains("too early")), "{log:?}");
    let entries = run.json()["entries"].clone();
    assert_eq!((&entries[0]["outcome"], &entries[0]["attempts"]), (&"accepted".into(), &1.into()), "{entries:#}");
    assert_eq!(entries[1]["outcome"], "accepted", "{entries:#}");
}
