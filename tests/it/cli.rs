//! Flags, exit statuses, help texts, completions, streams.

use std::io::Read as _;
use std::process::Stdio;

use crate::support::{Run, Workspace, repository};

const OFFERS: &str = "publisher: contoso\noffers:\n  - {id: vm, cancelPending: true}\n  - {id: saas}\n";
const IDLE: &str = "offers: [{publisher: contoso, id: vm}]\n";
const BUSY: &str = "offers: [{publisher: contoso, id: vm, operations: [{id: op}]}]\n";
const BLOCKED: &str = "offers: [{publisher: contoso, id: vm, operations: [{id: op, cancellation: cannotCancel}]}]\n";
const BROKEN: &str = "offers: []\n";

fn workspace(state: &str) -> Workspace {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    workspace.write("portal.yaml", state);
    workspace
}

fn plan(state: &str, more: &[&str]) -> Run {
    workspace(state).run([&["plan", "--emulate", "portal.yaml"], more].concat())
}

#[test]
fn the_exit_status_tells() {
    plan(IDLE, &[]).expect(0);
    plan(IDLE, &["--detailed-exitcode"]).expect(0);
    plan(BUSY, &[]).expect(0);
    plan(BUSY, &["--detailed-exitcode"]).expect(2);
    plan(BLOCKED, &[]).expect(1);
    plan(BLOCKED, &["--detailed-exitcode"]).expect(1);
    plan(BROKEN, &[]).expect(1);
    let refused = workspace(BUSY);
    refused.write("offers.yaml", format!("{OFFERS}limits: {{maxCancels: 0}}\n"));
    let run = refused.run(["plan", "--emulate", "portal.yaml", "--detailed-exitcode", "--out", "plan.json"]).expect(1);
    assert!(run.stdout.contains("Refused: 1 operations would be cancelled") || run.stdout.contains("Refused:"));
    assert!(refused.read("plan.json").contains("\"refused\": \""), "a refused plan is written all the same");
}

#[test]
fn mistakes_in_usage_are_1_and_help_is_0() {
    let workspace = Workspace::new();
    for wrong in [
        vec!["plan", "--nope"],
        vec!["nope"],
        vec![],
        vec!["plan", "--concurrency", "0"],
        vec!["plan", "--format", "xml"],
        vec!["plan", "--emulate", "a", "--endpoint", "https://b"],
        vec!["schema", "nope"],
    ] {
        let run = workspace.run(&wrong).expect(1);
        assert_eq!(run.stdout, "", "{wrong:?}");
        assert!(!run.stderr.is_empty(), "{wrong:?}");
    }
    for right in [vec!["--help"], vec!["plan", "--help"], vec!["--version"], vec!["help", "plan"]] {
        let run = workspace.run(&right).expect(0);
        assert_eq!(run.stderr, "", "{right:?}");
    }
}

#[test]
fn portals_that_would_leak_the_token_are_refused() {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    for (portal, expected) in [
        ("http://cloudpartner.azure.com", "must start with https://"),
        ("https://user:secret@portal.example", "scheme, host and port alone"),
        ("https://portal.example/api", "scheme, host and port alone"),
        ("portal", "is not a URL"),
        ("http://emulator.localhost", "use --emulate"),
    ] {
        let run = workspace.run(["plan", "--endpoint", portal]).expect(1);
        assert!(run.stderr.contains(expected), "{portal}: {}", run.stderr);
        let output = workspace.command().env("CANCEL_PENDING_ENDPOINT", portal).arg("plan").output().expect("it runs");
        let run = Run::of(output).expect(1);
        assert!(run.stderr.contains(expected) && run.stderr.contains("CANCEL_PENDING_ENDPOINT"), "{}", run.stderr);
    }
}

#[test]
fn no_token_is_said_before_any_call() {
    let workspace = Workspace::with("offers.yaml", OFFERS);
    let output = workspace.command().env_remove("CANCEL_PENDING_TOKEN").arg("plan").output().expect("it runs");
    let run = Run::of(output).expect(1);
    assert!(run.stderr.starts_with("error: there are no credentials for the portal. In GitHub Actions"));
}

#[test]
fn a_selection_selects_or_is_an_error() {
    let workspace = workspace(BUSY);
    let offers = |arguments: &[&str]| {
        let run = workspace.run([&["plan", "--emulate", "portal.yaml", "--format", "json"], arguments].concat());
        let plan = run.expect(0).json();
        plan["entries"]
            .as_array()
            .expect("entries")
            .iter()
            .map(|e| e["offer"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(offers(&["--offer", "saas"]), ["saas"]);
    assert_eq!(offers(&["--offer", "contoso/VM"]), ["vm"]);
    assert_eq!(offers(&["--offer", "vm", "--offer", "saas"]), ["saas", "vm"]);
    assert_eq!(offers(&["--publisher", "contoso"]), ["saas", "vm"]);
    for wrong in
        [["--offer", "other"], ["--publisher", "fabrikam"], ["--offer", "fabrikam/vm"], ["--offer", "::error::\u{1b}"]]
    {
        let run = workspace.run([&["plan", "--emulate", "portal.yaml"], wrong.as_slice()].concat()).expect(1);
        assert!(run.stderr.contains("no offer in the files"), "{}", run.stderr);
        crate::support::assert_inert_text(&run.stderr);
    }
}

#[test]
fn the_plan_file_is_the_plan_on_standard_output() {
    let workspace = workspace(BUSY);
    let run = workspace.run(["plan", "--emulate", "portal.yaml", "--format", "json", "--out", "plan.json"]).expect(0);
    assert_eq!(workspace.read("plan.json"), run.stdout);
    let run = workspace.run(["plan", "--emulate", "portal.yaml", "--out", "no/such/directory/plan.json"]).expect(1);
    assert!(run.stderr.contains("`no/such/directory/plan.json` can't be written"), "{}", run.stderr);
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    assert!(!plan(BUSY, &[]).stdout.contains('\u{1b}'));
    assert!(!plan(BUSY, &["--color", "never"]).stdout.contains('\u{1b}'));
    assert!(plan(BUSY, &["--color", "always"]).stdout.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let workspace = workspace(BUSY);
    let mut command = workspace.command();
    command.args(["schema", "plan"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
    assert_eq!((child.wait().expect("it ends").code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Workspace::new().run(["completions", shell]).expect(0);
        assert!(run.stdout.contains("detailed-exitcode"), "{shell}");
    }
}

#[test]
fn logs_go_to_standard_error_and_say_what_happens() {
    let text = plan(BUSY, &["-vv", "--format", "json"]).expect(0);
    assert!(text.stderr.contains("answered"), "{}", text.stderr);
    let _ = text.json();
    let json = plan(BUSY, &["-vv", "--log-format", "json"]).expect(0);
    for line in json.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(event["target"].as_str().is_some_and(|target| target.starts_with("cancel_pending")));
    }
}

#[test]
fn an_emulator_state_that_is_wrong_is_said_with_its_place() {
    let workspace = workspace("offers:\n  - {publisher: contoso, id: vm, cancle: {}}\n");
    let run = workspace.run(["plan", "--emulate", "portal.yaml"]).expect(1);
    assert!(run.stderr.starts_with("error: in `portal.yaml`: unknown field"), "{}", run.stderr);
    assert!(run.stderr.contains("cancle"));
    let run = workspace.run(["plan", "--emulate", "none.yaml"]).expect(1);
    assert!(run.stderr.contains("`none.yaml` can't be read"), "{}", run.stderr);
}

#[test]
fn every_help_text() {
    let workspace = Workspace::new();
    let mut texts = String::new();
    for command in [
        vec![],
        vec!["plan"],
        vec!["apply"],
        vec!["report"],
        vec!["validate"],
        vec!["schema"],
        vec!["emulate"],
        vec!["completions"],
    ] {
        let run = workspace.run([command.as_slice(), &["--help"]].concat()).expect(0);
        texts.push_str(&format!("$ cancel-pending {} --help\n{}\n", command.join(" "), run.stdout));
    }
    insta::assert_snapshot!(texts);
}

#[cfg(unix)]
#[test]
fn an_interrupted_plan_ends_with_its_status() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        let (sender, receiver) = std::sync::mpsc::channel();
        let portal = crate::support::raw::RawPortal::start(move |_, stream| {
            let _ = sender.send(());
            crate::support::raw::wait_for_close(stream);
        });
        let mut command = workspace.command();
        let mut child = command
            .args(["plan", "--endpoint", &portal.url])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        receiver.recv().expect("the portal is asked");
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
        assert_eq!(child.wait().expect("it ends").code(), Some(status));
    }
    let _ = repository("examples");
}
