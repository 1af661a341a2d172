//! The operation that was planned, and no other; two applies at once.

use super::{apply_plan, entry, never, planned};
use crate::support::offer::OfferPortal;
use crate::support::raw::answer;
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
