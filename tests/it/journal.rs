//! The journal: killed runs and what the next one makes of them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::support::Workspace;
use crate::support::offer::{DESIRED, LOCATION, Offer, OfferPortal};
use crate::support::raw::{answer, wait_for_close};

const JOURNAL: &str = ".cancel-pending/journal.jsonl";

fn start(portal: &OfferPortal, workspace: &Workspace) -> Child {
    workspace.write("offers.yaml", DESIRED);
    let mut command = workspace.command();
    command.args(["apply", "--auto-approve", "--endpoint", &portal.raw.url, "--out", "outcome.json"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs")
}

/// Starts an apply and kills it when a line on its standard error says so.
fn kill_at(portal: &OfferPortal, workspace: &Workspace, line: &str) {
    let mut child = start(portal, workspace);
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    assert!(lines.any(|text| text.expect("text").contains(line)), "{line}");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

/// Starts an apply and kills it when its cancel call has arrived.
fn kill_on(arrival: &Receiver<()>, portal: &OfferPortal, workspace: &Workspace) {
    let mut child = start(portal, workspace);
    arrival.recv().expect("the call arrives");
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

fn events(workspace: &Workspace) -> Vec<String> {
    let event =
        |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["event"].as_str().expect("one").to_owned();
    workspace.read(JOURNAL).lines().map(event).collect()
}

fn settle(portal: &OfferPortal, workspace: &Workspace, status: i32) -> Value {
    let run = portal.apply(workspace, &["--timeout", "2s"]).expect(status);
    let entries = run.json()["entries"].as_array().expect("entries").clone();
    assert_eq!(entries.len(), 1, "what was left open is in the outcome: {entries:?}");
    entries[0].clone()
}

#[test]
fn killed_before_the_call_was_answered_and_it_had_been_carried_out() {
    let (arrived, arrival) = channel();
    let portal = OfferPortal::start(move |offer, stream| {
        offer.cancelled();
        let _ = arrived.send(());
        wait_for_close(stream);
    });
    let workspace = Workspace::new();
    kill_on(&arrival, &portal, &workspace);
    assert_eq!(events(&workspace), ["intent"]);
    let entry = settle(&portal, &workspace, 0);
    assert_eq!((&entry["outcome"], &entry["attempts"]), (&"cancelled".into(), &1.into()));
    assert_eq!(portal.state().posts.len(), 1);
    assert_eq!(events(&workspace), ["intent", "outcome"]);
}

#[test]
fn killed_while_waiting_the_location_is_followed() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.done_after = usize::MAX;
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    });
    let workspace = Workspace::new();
    kill_at(&portal, &workspace, "being cancelled");
    assert_eq!(events(&workspace), ["intent", "answer"]);
    // The portal still lists the operation and says that it can be cancelled, and nothing more is sent.
    let entry = settle(&portal, &workspace, 3);
    assert_eq!(entry["outcome"], "accepted");
    portal.state().cancelled();
    let entry = settle(&portal, &workspace, 0);
    assert_eq!(entry["outcome"], "cancelled");
    assert!(entry["location"].as_str().is_some_and(|location| location.contains(LOCATION)));
    assert_eq!(portal.state().posts.len(), 1);
    // And then there is nothing left.
    let run = portal.apply(&workspace, &[]).expect(0);
    assert_eq!(run.json()["entries"], serde_json::json!([]));
}

#[test]
fn killed_before_the_call_arrived_it_is_sent_by_the_next_run() {
    let (arrived, arrival) = channel();
    let portal = OfferPortal::start(move |offer, stream| {
        if offer.posts.len() == 1 {
            // The first one is lost on the way.
            let _ = arrived.send(());
            wait_for_close(stream);
        } else {
            offer.cancelled();
            answer(stream, "200 OK", &[], b"");
        }
    });
    let workspace = Workspace::new();
    kill_on(&arrival, &portal, &workspace);
    let entry = settle(&portal, &workspace, 0);
    assert_eq!((&entry["outcome"], &entry["attempts"]), (&"cancelled".into(), &2.into()));
}

/// The journal of a whole run, cut at every byte: each is what some kill leaves.
#[test]
fn every_torn_journal_is_settled_without_a_second_call() {
    let portal =
        OfferPortal::start(|_: &mut Offer, stream| answer(stream, "202 Accepted", &[("Location", LOCATION)], b""));
    let workspace = Workspace::new();
    portal.apply(&workspace, &[]).expect(0);
    let whole = workspace.read(JOURNAL);
    assert_eq!(events(&workspace), ["intent", "answer", "outcome"]);
    let first = whole.find('\n').expect("a line") + 1;
    // Every byte would be thousands of runs; the ends of lines, their neighbours and some between say the same.
    let ends: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at).collect();
    let mut cuts: Vec<usize> =
        ends.iter().flat_map(|at| [at - 1, *at, at + 1, at + 2]).chain((0..whole.len()).step_by(97)).collect();
    cuts.retain(|cut| *cut <= whole.len());
    cuts.sort_unstable();
    cuts.dedup();
    for cut in cuts {
        workspace.write(JOURNAL, &whole[..cut]);
        // The operation is over by now, and the file marks it still.
        let run = portal.apply(&workspace, &[]).expect(0);
        let entries = run.json()["entries"].as_array().expect("entries").clone();
        let open = cut >= first && cut < whole.len();
        assert_eq!(entries.len(), usize::from(open), "cut at {cut}");
        if open {
            assert_eq!(entries[0]["outcome"], "cancelled", "cut at {cut}");
        }
        assert_eq!(portal.state().posts.len(), 1, "cut at {cut}");
        for line in workspace.read(JOURNAL).lines() {
            serde_json::from_str::<Value>(line).expect("the torn end is gone");
        }
    }
}

#[test]
fn without_a_journal_nothing_is_sent() {
    let portal = OfferPortal::start(|_: &mut Offer, stream| answer(stream, "200 OK", &[], b""));
    let workspace = Workspace::with("file", "x");
    std::fs::create_dir(workspace.path("directory")).expect("a directory");
    for journal in ["directory", "file/journal", "/dev/full"] {
        let run = portal.apply(&workspace, &["--journal", journal]);
        assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("the journal") && said.contains("nothing is sent"), "{journal}: {said}");
    }
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn a_damaged_journal_is_not_overlooked() {
    let portal = OfferPortal::start(|_: &mut Offer, stream| answer(stream, "200 OK", &[], b""));
    for damage in ["what is this\n", "{\"formatVersion\": 1,\n\n", &format!("{}\n", "x".repeat(70_000))] {
        let workspace = Workspace::with(JOURNAL, damage);
        let run = portal.apply(&workspace, &[]).expect(1);
        assert!(run.stderr.contains("is damaged in line 1"), "{}", run.stderr);
        assert_eq!(workspace.read(JOURNAL), damage);
    }
    assert_eq!(portal.state().posts.len(), 0);
}

/// What a power loss leaves: the size is there, and what was to fill it is not.
#[test]
fn zeros_at_the_end_are_a_torn_line() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    for torn in ["\0".repeat(100_000), format!("{{\"formatVersion\"{}\n", "\0".repeat(10)), "x".repeat(100_000)] {
        let workspace = Workspace::with(JOURNAL, torn);
        portal.state().running = Some("op".to_owned());
        portal.state().cancellation = Some("canCancel");
        portal.apply(&workspace, &[]).expect(0);
        assert_eq!(events(&workspace), ["intent", "answer", "outcome"]);
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_no_journal() {
    let portal = OfferPortal::start(|_: &mut Offer, stream| answer(stream, "200 OK", &[], b""));
    let workspace = Workspace::with("elsewhere", "");
    std::os::unix::fs::symlink(workspace.path("elsewhere"), workspace.path("link")).expect("a link");
    std::os::unix::fs::symlink(workspace.path("nothing"), workspace.path("dangling")).expect("a link");
    for journal in ["link", "dangling"] {
        let run = portal.apply(&workspace, &["--journal", journal]).expect(1);
        let said = &run.stderr;
        assert!(said.contains("it is a symbolic link") && said.contains("without a journal nothing is sent"), "{said}");
    }
    assert_eq!(workspace.read("elsewhere"), "");
    assert!(!workspace.path("nothing").exists());
    assert_eq!(portal.state().posts.len(), 0);
}

#[test]
fn journals_of_another_portal_are_left_as_they_are() {
    let open = |offer: &mut Offer, stream: &mut std::net::TcpStream| {
        offer.done_after = usize::MAX;
        answer(stream, "202 Accepted", &[("Location", LOCATION)], b"");
    };
    let (first, second) = (OfferPortal::start(open), OfferPortal::start(open));
    let workspace = Workspace::new();
    first.apply(&workspace, &["--no-wait"]).expect(0);
    second.apply(&workspace, &["--no-wait"]).expect(0);
    assert_eq!((first.state().posts.len(), second.state().posts.len()), (1, 1));
    first.state().cancelled();
    assert_eq!(settle(&first, &workspace, 0)["outcome"], "cancelled");
}

#[test]
fn a_large_journal_without_open_calls_is_set_aside() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = Workspace::new();
    portal.apply(&workspace, &[]).expect(0);
    let lines = workspace.read(JOURNAL);
    workspace.write(JOURNAL, lines.repeat(1024 * 1024 / lines.len() + 1));
    portal.state().running = Some("op".to_owned());
    portal.state().cancellation = Some("canCancel");
    portal.apply(&workspace, &[]).expect(0);
    assert_eq!(events(&workspace), ["intent", "answer", "outcome"]);
    assert!(workspace.read(".cancel-pending/journal.jsonl.old").len() > 1024 * 1024);
}

#[test]
fn the_directory_of_the_journal_keeps_out_of_version_control() {
    let portal = OfferPortal::start(|offer, stream| {
        offer.cancelled();
        answer(stream, "200 OK", &[], b"");
    });
    let workspace = Workspace::new();
    portal.apply(&workspace, &[]).expect(0);
    assert_eq!(workspace.read(".cancel-pending/.gitignore"), "*\n");
    let _ = std::io::stdout().flush();
}

/// The emulator inside the process starts anew with each run, and so does what is to be done on it.
#[test]
fn nothing_is_left_open_on_an_emulator_that_is_gone() {
    let workspace = Workspace::with("offers.yaml", DESIRED);
    workspace.write(
        "portal.yaml",
        "offers: [{publisher: contoso, id: vm, cancel: {answer: accepted}, operations: [{id: op}]}]\n",
    );
    let arguments = ["apply", "--emulate", "portal.yaml", "--auto-approve", "--format", "json"];
    let run = workspace.run(arguments.iter().copied().chain(["--no-wait"])).expect(0);
    assert_eq!(run.json()["entries"][0]["outcome"], "accepted");
    let run = workspace.run(arguments).expect(0);
    assert_eq!(
        (&run.json()["entries"][0]["outcome"], &run.json()["entries"][0]["attempts"]),
        (&"cancelled".into(), &1.into())
    );
}
