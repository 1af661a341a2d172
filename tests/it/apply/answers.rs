//! The documented answers and every other one.

use std::io::Write as _;
use std::net::TcpStream;

use serde_json::Value;

use super::{expect, status};
use crate::support::offer::{DESIRED, LOCATION, Offer, OfferPortal};
use crate::support::raw::{RawPortal, answer};
use crate::support::{Workspace, assert_inert_text};

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
    assert!(entry["message"].as_str().is_some_and(|text| text.contains("still lists it as running")), "{entry:#}");
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
        // The operation itself is what is followed instead.
        let portal = OfferPortal::slow(2, move |offer, stream| {
            offer.cancelling();
            answer(stream, "202 Accepted", &[("Location", &told)], b"");
        });
        let entry = expect(&portal, &[], 0, "cancelled", 1);
        assert_eq!(entry["location"], Value::from(location.clone()), "it is kept for people");
        assert_eq!(portal.state().location_status, "complete");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn accepted_without_a_location_follows_the_operation() {
    let portal = OfferPortal::slow(2, |offer, stream| {
        offer.cancelling();
        answer(stream, "202 Accepted", &[("Retry-After", "0")], b"");
    });
    let entry = expect(&portal, &[], 0, "cancelled", 1);
    assert_eq!(entry["location"], Value::Null);
}

#[test]
fn no_wait_stops_at_accepted() {
    let portal = status("202 Accepted", &[("Location", LOCATION)], "");
    let entry = expect(&portal, &["--no-wait"], 0, "accepted", 1);
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
    let entry = expect(&portal, &[], 1, "completed", 1);
    let message = entry["message"].as_str().expect("a message");
    assert!(message.contains("ended by itself (portal status: `complete`)"), "{entry:#}");
}

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
fn a_no_because_it_is_over_is_told_by_how_it_ended() {
    for (status, exit, outcome) in
        [("canceled", 0, "already-done"), ("complete", 1, "completed"), ("failed", 1, "completed")]
    {
        let portal = OfferPortal::start(move |offer, stream| {
            offer.running = None;
            offer.status = status;
            answer(stream, "400 Bad Request", &[], b"");
        });
        expect(&portal, &[], exit, outcome, 1);
    }
}

#[test]
fn a_no_because_somebody_else_cancels_is_followed() {
    let portal = OfferPortal::slow(3, |offer, stream| {
        offer.cancelling();
        answer(stream, "409 Conflict", &[], b"");
    });
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
                "--endpoint",
                &portal.raw.url,
                "-v",
            ]);
            assert_inert_text(&run.stdout);
            assert_inert_text(&run.stderr);
        }
    }
}
