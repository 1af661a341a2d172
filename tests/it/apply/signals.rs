//! Interruptions, and the question on a terminal.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

use super::planned;
use crate::support::Workspace;
use crate::support::offer::{DESIRED, LOCATION, OfferPortal};
use crate::support::raw::{answer, wait_for_close};

fn signal(name: &str, id: u32) {
    Command::new("kill").args([name, &id.to_string()]).status().expect("kill runs");
}

/// Starts an apply, waits for a line on standard error, signals, and returns status and outcome.
fn interrupt(portal: &OfferPortal, after: &str, name: &str) -> (Option<i32>, Option<Value>) {
    interrupt_when(portal, after, || {}, name)
}

/// Likewise, and waits for something else before it signals: a call that has not arrived may not have left either.
fn interrupt_when(
    portal: &OfferPortal,
    after: &str,
    arrived: impl FnOnce(),
    name: &str,
) -> (Option<i32>, Option<Value>) {
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let mut command = workspace.command();
    command.args(["apply", "--auto-approve", "--endpoint", &portal.raw.url, "--out", "outcome.json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("text").contains(after)), "{after}");
    arrived();
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
    let (caller, arrived) = channel();
    let portal = OfferPortal::start(move |offer, stream| {
        let _ = caller.send(());
        // Long enough for the signal to come first.
        std::thread::sleep(Duration::from_millis(500));
        offer.cancelled();
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    });
    let call = || arrived.recv().expect("the call");
    let (code, outcome) = interrupt_when(&portal, "sending the cancel call", call, "-INT");
    let outcome = outcome.expect("an outcome");
    assert_eq!((code, &outcome["httpStatus"]), (Some(130), &Value::from(202)));
    assert!(outcome["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
}

#[test]
fn a_call_without_an_answer_is_unknown() {
    let (caller, arrived) = channel();
    let portal = OfferPortal::start(move |_, stream| {
        let _ = caller.send(());
        wait_for_close(stream);
    });
    let call = || arrived.recv().expect("the call");
    let (code, outcome) = interrupt_when(&portal, "sending the cancel call", call, "-TERM");
    assert_eq!(code, Some(143));
    assert_eq!(outcome.expect("an outcome")["outcome"], "unknown");
}

#[test]
fn the_second_signal_ends_at_once() {
    let (caller, arrived) = channel();
    let portal = OfferPortal::start(move |_, stream| {
        let _ = caller.send(());
        wait_for_close(stream);
    });
    let workspace = Workspace::with("offers.yaml", DESIRED);
    let mut command = workspace.command();
    command.args(["apply", "--auto-approve", "--endpoint", &portal.raw.url, "--out", "outcome.json"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.expect("text").contains("sending the cancel call")));
    arrived.recv().expect("the call");
    signal("-INT", child.id());
    assert!(lines.any(|line| line.expect("text").contains("Stopping")));
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
        "--endpoint",
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
    let line = format!("{program} apply --endpoint {}", portal.raw.url);
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
        if count == 0 || seen.contains("Type 'yes' to cancel") {
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
    for (input, status, posts) in [("yes\n", 0, 1), ("y\n\n", 1, 0), ("no\n", 1, 0), ("\n", 1, 0), ("\u{3}", 130, 0)] {
        let portal = portal();
        let (code, seen) = on_a_terminal(&portal, input);
        assert!(seen.contains("Type 'yes' to cancel 1 operation:"), "{seen}");
        assert_eq!((code, portal.state().posts.len()), (Some(status), posts), "{input:?}: {seen}");
    }
}
