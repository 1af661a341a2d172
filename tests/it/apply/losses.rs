//! Lost answers: what runs afterwards decides.

use std::io::Write as _;
use std::net::TcpStream;

use super::{expect, status};
use crate::support::offer::OfferPortal;
use crate::support::raw::{answer, wait_for_close};

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
    let portal = OfferPortal::slow(3, |offer, _| offer.cancelling());
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
