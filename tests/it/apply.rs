//! Carrying a plan out: gates, answers, losses, races, signals.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::offer::{DESIRED, LOCATION, Offer, OfferPortal};
use crate::support::raw::{RawPortal, answer, wait_for_close};
use crate::support::{Run, Workspace, assert_inert_text, repository};

/// The one entry of an outcome.
#[track_caller]
fn entry(run: &Run) -> Value {
    let entries = run.json()["entries"].as_array().expect("entries").clone();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].clone()
}

/// Applies on a portal, and asserts exit status, outcome and the number of cancel calls.
#[track_caller]
fn expect(portal: &OfferPortal, more: &[&str], status: i32, outcome: &str, posts: usize) -> Value {
    let run = portal.apply(&Workspace::new(), more).expect(status);
    let entry = entry(&run);
    assert_eq!(entry["outcome"], outcome, "{entry:#}\n{}", run.stderr);
    assert_eq!(portal.state().posts.len(), posts, "{entry:#}");
    assert_eq!(entry["attempts"], posts, "{entry:#}");
    assert_inert_text(&run.stdout);
    assert_inert_text(&run.stderr);
    entry
}

fn status(line: &'static str, headers: &'static [(&str, &str)], body: &'static str) -> OfferPortal {
    OfferPortal::start(move |_, stream| answer(stream, line, headers, body.as_bytes()))
}

// ---- the documented answers

#[test]
fn cancelled_at_once_is_said_after_it_was_seen() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let entry = expect(&portal, &[], 0, "cancelled", 1);
    assert_eq!((&entry["httpStatus"], &entry["finalStatus"]), (&Value::from(200), &Value::from("canceled")));
    let (if_match, body) = portal.state().posts[0].clone();
    assert_eq!(if_match, "\"before\"");
    assert_eq!(body, r#"{"metadata":{"notification-emails":"a@contoso.com,b@contoso.com"}}"#);
}

#[test]
fn without_an_entity_tag_the_last_one_wins() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    portal.state().etag = None;
    expect(&portal, &[], 0, "cancelled", 1);
    assert_eq!(portal.state().posts[0].0, "*");
}

#[test]
fn two_hundred_and_still_running_is_not_cancelled() {
    let portal = status("200 OK", &[], "");
    let entry = expect(&portal, &["--timeout", "1s"], 3, "unknown", 1);
    assert!(entry["message"].as_str().is_some_and(|text| text.contains("still runs")), "{entry:#}");
}

#[test]
fn accepted_is_followed_to_its_end_by_every_callable_location() {
    for (name, location) in [
        ("Operation-Location", LOCATION.to_owned()),
        ("operation-location", format!("{LOCATION}?api-version=2017-10-31")),
        ("Location", LOCATION.to_owned()),
        ("Location", "/api/operations/contoso$vm$2$preview".to_owned()),
        ("Operation-Location", "ABSOLUTE".to_owned()),
    ] {
        let (url, shown) = (std::sync::Arc::new(std::sync::OnceLock::<String>::new()), location.clone());
        let own = std::sync::Arc::clone(&url);
        let portal = OfferPortal::start(move |offer, stream| {
            offer.done_after = 2;
            let location = location.replace("ABSOLUTE", &format!("{}{LOCATION}", own.get().expect("set")));
            answer(stream, "202 Accepted", &[(name, &location)], b"");
        });
        url.set(portal.raw.url.clone()).expect("once");
        let entry = expect(&portal, &[], 0, "cancelled", 1);
        assert_eq!(portal.state().polls, 2, "{shown} is read until it is final, and no longer");
        assert_eq!((&entry["httpStatus"], &entry["finalStatus"]), (&Value::from(202), &Value::from("complete")));
        let told = entry["location"].as_str().expect("a location");
        assert!(told.starts_with(&portal.raw.url) && told.ends_with("?api-version=2017-10-31"), "{told}");
    }
}

#[test]
fn a_location_that_may_not_be_called_is_shown_and_never_called() {
    let elsewhere = RawPortal::start(|_, stream| answer(stream, "200 OK", &[], b"{\"status\": \"complete\"}"));
    let host = elsewhere.url.trim_start_matches("http://").to_owned();
    for location in [
        format!("{}{LOCATION}", elsewhere.url),
        format!("//{host}{LOCATION}"),
        format!("\\\\{host}{LOCATION}"),
        format!("http://user:secret@{host}{LOCATION}"),
        "http://127.0.0.1:1/api/operations/contoso$vm$2$preview".to_owned(),
        format!("/api/../..{LOCATION}"),
        "/api/publishers/contoso/offers/vm/cancel".to_owned(),
        "%00".to_owned(),
    ] {
        let told = location.clone();
        let portal = OfferPortal::watched(
            move |offer, stream| {
                offer.cancelling();
                answer(stream, "202 Accepted", &[("Location", &told)], b"");
            },
            |request, offer| {
                // The operation itself is what is followed instead.
                if offer.cancellation == Some("cancelRequested") && request.path.contains("/operations/op") {
                    offer.polls += 1;
                    if offer.polls == 2 {
                        offer.cancelled();
                    }
                }
            },
        );
        let entry = expect(&portal, &[], 0, "cancelled", 1);
        assert_eq!(entry["location"], Value::from(location.clone()), "it is kept for people");
        assert_eq!(portal.state().location_status, "complete");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn accepted_without_a_location_follows_the_operation() {
    let portal = OfferPortal::watched(
        |offer, stream| {
            offer.cancelling();
            answer(stream, "202 Accepted", &[("Retry-After", "0")], b"");
        },
        |request, offer| {
            if offer.cancellation == Some("cancelRequested") && request.path.contains("/submissions/") {
                offer.polls += 1;
                if offer.polls == 2 {
                    offer.cancelled();
                }
            }
        },
    );
    let entry = expect(&portal, &[], 0, "cancelled", 1);
    assert_eq!(entry["location"], Value::Null);
}

#[test]
fn no_wait_stops_at_accepted() {
    let portal = status("202 Accepted", &[("Location", LOCATION)], "");
    let entry = expect(&portal, &["--no-wait"], 3, "accepted", 1);
    assert!(entry["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
    assert_eq!(portal.state().polls, 0);
}

#[test]
fn the_time_to_wait_ends() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.done_after = usize::MAX;
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    });
    expect(&portal, &["--timeout", "1s"], 3, "accepted", 1);
}

#[test]
fn a_cancellation_that_fails_is_failed() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.location_status = "failed";
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    });
    let entry = expect(&portal, &[], 1, "failed", 1);
    assert_eq!(entry["finalStatus"], "failed");
}

#[test]
fn a_location_whose_body_is_cut_is_not_lost() {
    let portal = OfferPortal::start(|_, stream| {
        let head = format!("HTTP/1.1 202 Accepted\r\nLocation: {LOCATION}\r\nContent-Length: 100\r\n\r\nabc");
        let _ = stream.write_all(head.as_bytes());
    });
    let entry = expect(&portal, &[], 0, "cancelled", 1);
    assert!(entry["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
}

#[test]
fn an_operation_that_completes_first_is_not_called_cancelled() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.running = None;
        offer.status = "complete";
        offer.location_status = "complete";
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    });
    let entry = expect(&portal, &[], 1, "failed", 1);
    assert!(entry["message"].as_str().is_some_and(|text| text.contains("ended as `complete`")), "{entry:#}");
}

// ---- every other answer

#[test]
fn a_clear_no_is_final_and_carries_the_portals_words() {
    for line in [
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "410 Gone",
        "422 Unprocessable Entity",
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let portal =
            status(line, &[("Location", LOCATION)], r#"{"error": {"code": "TheCode", "message": "The words."}}"#);
        let entry = expect(&portal, &[], 1, "failed", 1);
        let message = entry["message"].as_str().expect("a message");
        assert!(message.contains(&format!("answered {line}")), "{message}");
        assert!(line.starts_with('3') || message.contains("TheCode: The words."), "{message}");
        assert_eq!(entry["httpStatus"], line[..3].parse::<u16>().expect("a status"));
        assert_eq!(entry["location"], Value::Null, "an error has no location of a cancellation");
    }
}

#[test]
fn an_error_whose_body_never_ends_is_an_error_all_the_same() {
    let portal = OfferPortal::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 409 Conflict\r\nContent-Length: 100\r\n\r\n{");
    });
    expect(&portal, &[], 1, "failed", 1);
}

#[test]
fn a_token_that_is_not_accepted_is_sent_once() {
    expect(&status("401 Unauthorized", &[], ""), &[], 1, "failed", 1);
}

#[test]
fn a_no_because_it_is_over_is_already_done() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.running = None;
        offer.status = "complete";
        answer(stream, "400 Bad Request", &[], b"");
    });
    expect(&portal, &[], 0, "already-done", 1);
}

#[test]
fn a_no_because_somebody_else_cancels_is_followed() {
    let portal = OfferPortal::watched(
        |offer, stream| {
            offer.cancelling();
            answer(stream, "409 Conflict", &[], b"");
        },
        |request, offer| {
            if offer.cancellation == Some("cancelRequested") && request.path.contains("/submissions/") {
                offer.polls += 1;
                if offer.polls == 3 {
                    offer.cancelled();
                }
            }
        },
    );
    expect(&portal, &[], 0, "cancelled", 1);
}

#[test]
fn a_changed_offer_is_read_again_before_another_call() {
    let portal = OfferPortal::start(|offer, stream| {
        if offer.posts.len() == 1 {
            offer.etag = Some("\"changed\"".to_owned());
            answer(stream, "412 Precondition Failed", &[], b"");
        } else {
            offer.cancelled();
            answer(stream, "200 OK", &[], b"");
        }
    });
    expect(&portal, &[], 0, "cancelled", 2);
    assert_eq!(portal.state().posts[1].0, "\"changed\"");
}

#[test]
fn a_changed_offer_with_another_operation_is_left_alone() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.replaced("complete");
        answer(stream, "412 Precondition Failed", &[], b"");
    });
    let entry = expect(&portal, &[], 0, "superseded", 1);
    assert!(entry["message"].as_str().is_some_and(|text| text.contains("another")), "{entry:#}");
}

#[test]
fn later_is_not_repeated_but_reconciled() {
    for (line, retry_after) in [
        ("429 Too Many Requests", "0"),
        ("503 Service Unavailable", "1"),
        ("503 Service Unavailable", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("429 Too Many Requests", "garbage"),
        ("408 Request Timeout", "0"),
        ("500 Internal Server Error", ""),
        ("204 No Content", ""),
        ("201 Created", ""),
    ] {
        let portal = OfferPortal::start(move |offer, stream| {
            if offer.posts.len() == 1 {
                answer(stream, line, &[("Retry-After", retry_after)], b"");
            } else {
                offer.cancelled();
                answer(stream, "200 OK", &[], b"");
            }
        });
        expect(&portal, &[], 0, "cancelled", 2);
    }
}

// ---- lost answers: what runs afterwards decides

/// What becomes of a cancel call whose answer is lost.
fn lose(line: &'static str, stream: &mut TcpStream) {
    match line {
        "hang" => wait_for_close(stream),
        "reset" => {}
        "half" => drop(stream.write_all(b"HTTP/1.1 20")),
        line => answer(stream, line, &[], b""),
    }
}

#[test]
fn lost_after_the_portal_acted_is_not_sent_again() {
    for line in ["hang", "reset", "half", "500 Internal Server Error", "204 No Content"] {
        let portal = OfferPortal::start(move |offer, stream| {
            offer.cancelled();
            lose(line, stream);
        });
        let more: &[&str] = if line == "hang" { &["--request-timeout", "1s"] } else { &[] };
        expect(&portal, more, 0, "cancelled", 1);
    }
}

#[test]
fn lost_while_the_portal_is_acting_is_followed() {
    let portal = OfferPortal::watched(
        |offer, _| offer.cancelling(),
        |request, offer| {
            if offer.cancellation == Some("cancelRequested") && request.path.contains("/submissions/") {
                offer.polls += 1;
                if offer.polls == 3 {
                    offer.cancelled();
                }
            }
        },
    );
    expect(&portal, &[], 0, "cancelled", 1);
}

#[test]
fn lost_before_the_portal_acted_is_sent_again_after_a_read() {
    let portal = OfferPortal::start(|offer, stream| {
        if offer.posts.len() > 1 {
            offer.cancelled();
            answer(stream, "200 OK", &[], b"");
        }
    });
    expect(&portal, &[], 0, "cancelled", 2);
}

#[test]
fn lost_and_another_operation_runs_is_not_sent_again() {
    let portal = OfferPortal::start(|offer, _| offer.replaced("canceled"));
    expect(&portal, &[], 0, "cancelled", 1);
    let portal = OfferPortal::start(|offer, _| offer.replaced("complete"));
    expect(&portal, &[], 0, "superseded", 1);
}

#[test]
fn lost_again_and_again_is_unknown() {
    let portal = OfferPortal::start(|_, _| {});
    expect(&portal, &[], 3, "unknown", 4);
}

#[test]
fn an_absurd_retry_after_ends_with_the_time() {
    let portal = status("429 Too Many Requests", &[("Retry-After", "86400")], "");
    expect(&portal, &["--timeout", "1s"], 3, "unknown", 1);
}

#[test]
fn a_no_after_a_lost_answer_is_not_called_failed() {
    let portal = OfferPortal::start(|offer, stream| {
        if offer.posts.len() > 1 {
            answer(stream, "409 Conflict", &[], b"");
        }
    });
    expect(&portal, &[], 3, "unknown", 2);
}

// ---- the operation that was planned, and no other

/// A plan made on a portal, to be applied later.
fn planned(portal: &OfferPortal) -> Workspace {
    let workspace = Workspace::with("offers.yaml", DESIRED);
    workspace.run(["plan", "--portal", &portal.raw.url, "--out", "plan.json"]).expect(0);
    workspace
}

fn apply_plan(portal: &OfferPortal, workspace: &Workspace, more: &[&str]) -> Run {
    let arguments = ["apply", "--plan", "plan.json", "--auto-approve", "--format", "json", "--portal", &portal.raw.url];
    workspace.run(arguments.iter().copied().chain(more.iter().copied()))
}

fn never() -> OfferPortal {
    OfferPortal::start(|_, stream| answer(stream, "200 OK", &[], b""))
}

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
    let portal = OfferPortal::watched(
        |_, stream| answer(stream, "200 OK", &[], b""),
        |request, offer| {
            if offer.cancellation == Some("cancelRequested") && request.path.contains("/submissions/") {
                offer.polls += 1;
                if offer.polls == 3 {
                    offer.cancelled();
                }
            }
        },
    );
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

// ---- gates

#[test]
fn a_plan_file_must_match_itself_its_portal_and_not_be_refused() {
    let portal = never();
    let workspace = planned(&portal);
    let whole = workspace.read("plan.json");
    let refused = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut plan: Value = serde_json::from_str(&whole).expect("JSON");
        change(&mut plan);
        workspace.write("plan.json", plan.to_string());
        let run = apply_plan(&portal, &workspace, &[]).expect(1);
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        assert_eq!(run.stdout, "");
    };
    refused(&|plan| plan["entries"][0]["operation"]["id"] = "another".into(), "does not match itself");
    refused(
        &|plan| plan["entries"][0]["notificationEmails"] = serde_json::json!(["x@evil.example"]),
        "does not match itself",
    );
    refused(&|plan| plan["decisionDigest"] = "0".repeat(64).into(), "does not match itself");
    refused(&|plan| plan["summary"]["cancel"] = 0.into(), "does not match itself");
    refused(&|plan| plan["portal"] = "https://cloudpartner.azure.com".into(), "does not match itself");
    refused(&|plan| plan["refused"] = "too many".into(), "the plan is refused: too many");
    refused(&|plan| plan["formatVersion"] = 2.into(), "format version 2 is not known");
    refused(&|plan| plan["surprise"] = 1.into(), "is not a plan");
    refused(&|plan| *plan = Value::Null, "is not a plan");
    refused(
        &|plan| {
            let again = plan["entries"][0].clone();
            plan["entries"].as_array_mut().expect("entries").push(again);
            plan["summary"]["cancel"] = 2.into();
            let read: cancel_pending::plan::Plan = serde_json::from_value(plan.clone()).expect("a plan");
            plan["decisionDigest"] = read.decision_document().digest().into();
        },
        "holds the offer contoso/vm twice",
    );
    workspace.write("plan.json", &whole);
    let run =
        workspace.run(["apply", "--plan", "plan.json", "--auto-approve", "--portal", "http://127.0.0.1:1"]).expect(1);
    assert!(run.stderr.contains("was made on"), "{}", run.stderr);
    let run = workspace.run(["apply", "--plan", "none.json", "--auto-approve"]).expect(1);
    assert!(run.stderr.contains("the plan `none.json` can't be read"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn an_expected_digest_holds_or_nothing_is_sent() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = planned(&portal);
    let plan: Value = serde_json::from_str(&workspace.read("plan.json")).expect("JSON");
    let digest = plan["decisionDigest"].as_str().expect("a digest").to_owned();
    for (wrong, expected) in [
        ("0".repeat(64), "was expected"),
        (String::new(), "64 hexadecimal digits"),
        (digest[..12].to_owned(), "64 hexadecimal"),
    ] {
        let run = portal.apply(&workspace, &["--expect-digest", &wrong]).expect(1);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        let run = apply_plan(&portal, &workspace, &["--expect-digest", &wrong]).expect(1);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    assert_eq!(portal.state().posts.len(), 0);
    portal.apply(&workspace, &["--expect-digest", &digest.to_uppercase()]).expect(0);
    assert_eq!(portal.state().posts.len(), 1);
}

#[test]
fn a_refused_plan_sends_nothing() {
    let portal = never();
    let workspace = Workspace::with("offers.yaml", format!("{DESIRED}limits: {{maxCancels: 0}}\n"));
    let run = workspace.run(["apply", "--auto-approve", "--portal", &portal.raw.url]).expect(1);
    assert!(run.stderr.contains("the plan is refused: 1 operation would be cancelled"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn without_a_terminal_and_without_approval_nothing_is_sent() {
    let portal = never();
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let run = workspace.run(["apply", "--portal", &portal.raw.url]).expect(1);
    assert!(run.stderr.contains("contoso / vm") && run.stderr.contains("--auto-approve"), "{}", run.stderr);
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn events_that_come_from_strangers_are_refused() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let run = |event: &str, more: &[&str]| {
        let mut command = workspace.command();
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_EVENT_NAME", event);
        command.args(["apply", "--auto-approve", "--portal", &portal.raw.url]).args(more);
        Run::of(command.output().expect("it runs"))
    };
    for event in ["pull_request", "pull_request_target", "issue_comment"] {
        let refused = run(event, &[]).expect(1);
        assert!(refused.stderr.contains(&format!("does not run on the event `{event}`")), "{}", refused.stderr);
        run(event, &["--allow-event", "push"]).expect(1);
    }
    assert_eq!(portal.raw.requests(), 0);
    run("pull_request", &["--allow-event", "pull_request"]).expect(0);
    run("push", &[]).expect(0);
}

#[test]
fn what_is_blocked_shows_in_the_exit_status() {
    let (offers, portal) = (repository("examples/offers.yaml"), repository("examples/portal.yaml"));
    let workspace = Workspace::new();
    let run = workspace
        .run([
            "apply".as_ref(),
            offers.as_os_str(),
            "--emulate".as_ref(),
            portal.as_os_str(),
            "--auto-approve".as_ref(),
            "--out".as_ref(),
            "outcome.json".as_ref(),
            "--format".as_ref(),
            "json".as_ref(),
        ])
        .expect(1);
    assert_eq!(run.json()["summary"]["cancelled"], 3);
    assert_eq!(workspace.read("outcome.json"), run.stdout);
}

// ---- two at once

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

// ---- signals

#[cfg(unix)]
mod signals {
    use super::*;

    fn signal(name: &str, id: u32) {
        Command::new("kill").args([name, &id.to_string()]).status().expect("kill runs");
    }

    /// Starts an apply, waits for a line on standard error, signals, and returns status and outcome.
    fn interrupt(portal: &OfferPortal, after: &str, name: &str) -> (Option<i32>, Option<Value>) {
        let workspace = Workspace::with("offers.yaml", DESIRED);
        let mut command = workspace.command();
        command.args(["apply", "--auto-approve", "--portal", &portal.raw.url, "--out", "outcome.json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.expect("text").contains(after)), "{after}");
        signal(name, child.id());
        lines.for_each(drop);
        let status = child.wait().expect("it ends").code();
        let outcome = std::fs::read_to_string(workspace.path("outcome.json")).ok();
        (status, outcome.map(|text| serde_json::from_str::<Value>(&text).expect("JSON")["entries"][0].clone()))
    }

    #[test]
    fn while_waiting_the_location_is_kept() {
        for (name, status) in [("-INT", 130), ("-TERM", 143)] {
            let portal = OfferPortal::start(|offer, stream| {
                offer.done_after = usize::MAX;
                answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
            });
            let (code, outcome) = interrupt(&portal, "being cancelled", name);
            let outcome = outcome.expect("an outcome");
            assert_eq!(code, Some(status));
            assert_eq!(outcome["outcome"], "accepted");
            assert!(outcome["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
        }
    }

    #[test]
    fn while_the_call_is_under_way_its_answer_is_waited_for() {
        let portal = OfferPortal::start(|offer, stream| {
            // Long enough for the signal to come first.
            std::thread::sleep(Duration::from_millis(500));
            offer.cancelled();
            answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
        });
        let (code, outcome) = interrupt(&portal, "sending the cancel call", "-INT");
        let outcome = outcome.expect("an outcome");
        assert_eq!((code, &outcome["httpStatus"]), (Some(130), &Value::from(202)));
        assert!(outcome["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
    }

    #[test]
    fn a_call_without_an_answer_is_unknown() {
        let portal = OfferPortal::start(|_, stream| wait_for_close(stream));
        let (code, outcome) = interrupt(&portal, "sending the cancel call", "-TERM");
        assert_eq!(code, Some(143));
        assert_eq!(outcome.expect("an outcome")["outcome"], "unknown");
    }

    #[test]
    fn the_second_signal_ends_at_once() {
        let portal = OfferPortal::start(|_, stream| wait_for_close(stream));
        let workspace = Workspace::with("offers.yaml", DESIRED);
        let mut command = workspace.command();
        command.args(["apply", "--auto-approve", "--portal", &portal.raw.url, "--out", "outcome.json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.expect("text").contains("sending the cancel call")));
        signal("-INT", child.id());
        assert!(lines.any(|line| line.expect("text").contains("interrupted")));
        signal("-INT", child.id());
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
        assert!(!workspace.path("outcome.json").exists(), "it did not take the time to write one");
        assert!(workspace.read(".cancel-pending/journal.jsonl").contains("\"intent\""));
    }

    #[test]
    fn before_anything_is_sent_nothing_is() {
        let portal = OfferPortal::start(|_, stream| answer(stream, "200 OK", &[], b""));
        let workspace = planned(&portal);
        // The journal is held by somebody else, so the run waits.
        let journal = std::fs::File::create(workspace.path("journal")).expect("a file");
        journal.lock().expect("a lock");
        let mut command = workspace.command();
        command.args([
            "apply",
            "--plan",
            "plan.json",
            "--auto-approve",
            "--journal",
            "journal",
            "--portal",
            &portal.raw.url,
        ]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.expect("text").contains("waiting for another apply")));
        signal("-INT", child.id());
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
        assert_eq!(portal.state().posts.len(), 0);
    }

    /// Under `script`, which gives the program a terminal to ask on.
    fn on_a_terminal(portal: &OfferPortal, input: &str) -> (Option<i32>, String) {
        let workspace = Workspace::with("offers.yaml", DESIRED);
        let program = env!("CARGO_BIN_EXE_cancel-pending");
        let line = format!("{program} apply --portal {}", portal.raw.url);
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(workspace.directory.path());
        command.env("CANCEL_PENDING_TOKEN", "x").env_remove("CI");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut out = child.stdout.take().expect("a pipe");
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        loop {
            let count = std::io::Read::read(&mut out, &mut buffer).expect("output");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if count == 0 || seen.contains("taken for a yes") {
                break;
            }
        }
        stdin.write_all(input.as_bytes()).expect("input");
        let mut rest = String::new();
        let _ = std::io::Read::read_to_string(&mut out, &mut rest);
        (child.wait().expect("it ends").code(), seen + &rest)
    }

    #[test]
    fn on_a_terminal_it_asks() {
        let portal = || {
            OfferPortal::start(|offer, stream| {
                offer.cancelled();
                answer(stream, "200 OK", &[], b"");
            })
        };
        for (input, status, posts) in [("yes\n", 0, 1), ("y\n", 1, 0), ("no\n", 1, 0), ("\n", 1, 0), ("\u{3}", 130, 0)]
        {
            let portal = portal();
            let (code, seen) = on_a_terminal(&portal, input);
            assert!(seen.contains("Cancel this operation?"), "{seen}");
            assert_eq!((code, portal.state().posts.len()), (Some(status), posts), "{input:?}: {seen}");
        }
    }
}

// ---- hostile words, whatever the portal answers

#[test]
fn hostile_words_of_an_answer_stay_inert_in_every_format() {
    for text in crate::support::plans::HOSTILE {
        let header: String = text.chars().filter(|c| !c.is_control() && c.is_ascii()).collect();
        let error = serde_json::json!({"error": {"code": text, "message": text}}).to_string();
        let portal = OfferPortal::start(move |offer: &mut Offer, stream: &mut TcpStream| {
            if offer.posts.len() % 2 == 1 {
                answer(stream, "409 Conflict", &[], error.as_bytes());
            } else {
                answer(stream, "202 Accepted", &[("Location", header.trim())], b"");
            }
        });
        for format in ["text", "json", "markdown", "text", "json", "markdown"] {
            let workspace = Workspace::with("offers.yaml", DESIRED);
            let run = workspace.run([
                "apply",
                "--auto-approve",
                "--no-wait",
                "--format",
                format,
                "--portal",
                &portal.raw.url,
                "-v",
            ]);
            assert_inert_text(&run.stdout);
            assert_inert_text(&run.stderr);
        }
    }
}
