//! Every command that a page shows works as it stands there, and every YAML file is one.
//!
//! Each page is played from top to bottom in a directory of its own, which holds the examples, an `offers.yaml` and
//! a portal that `CANCEL_PENDING_ENDPOINT` names:
//!
//! - `sh`: each line is run by bash, with `cancel-pending` and `cargo run --` standing for the program of these tests. It
//!   ends with 0, or with what its comment says (`# exit status 1: …`). What needs the network is in [`NOT_RUN`], by name.
//! - `yaml`: a desired state; `yaml state`: an emulator's; `yaml steps`, `yaml workflow`: of a workflow. With
//!   `file=NAME` it is written there for the commands below it, and with `invalid` it is meant to be wrong.
//! - Between `<!-- output: COMMAND -->` and `<!-- /output -->` stands what a command prints.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Block, Page, is_writing, pages};
use crate::support::action::{archive_name, copy_all, release, stand_in};
use crate::support::{Run, Workspace, repository};

/// Commands that are shown and not run here, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo install --locked --git https://github.com/cancel-pending/cancel-pending", "fetches and builds for minutes"),
    ("cargo binstall cancel-pending", "fetches from the registry"),
    ("cargo test", "these are the tests"),
    ("cargo test --test it docs", "these are the tests"),
    (".ci/run", "runs these tests"),
    ("UPDATE_GENERATED=1 cargo test --test it", "these are the tests"),
    ("INSTA_UPDATE=always cargo test --test it", "these are the tests"),
    ("cargo bench --profile dist --bench compare", "takes minutes; `cargo test` runs its short form"),
    ("cargo bench --bench pure", "takes minutes; `cargo test` runs its short form"),
    ("cargo run --release --example simulate -- --seeds 100000", "builds anew; the simulation is a test of its own"),
];

/// The desired state that bare commands of a page find.
const OFFERS: &str = "\
publisher: contoso
offers:
  - id: contoso-virtualmachineoffer
    cancelPending: true
    operationId: 5a63deb5-925b-4ee0-938b-7c86fbf287c5
    reason: Certification is blocked, the plan has no image
  - id: contoso-dynamics
";

/// The address at which `cancel-pending emulate` listens when nothing else is said.
const LISTENS: &str = "http://127.0.0.1:8787";

/// A page being played.
struct Stage {
    workspace: Workspace,
    /// The emulator that the page has started, or the one that is there from the start.
    emulator: Child,
    url: String,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.emulator.kill().and_then(|()| self.emulator.wait());
    }
}

fn emulate(workspace: &Workspace, state: &str) -> (Child, String) {
    let mut command = workspace.command();
    command.args(["emulate", state, "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the emulator starts");
    let mut url = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut url).expect("its address");
    (child, url.trim().to_owned())
}

/// Lets curl answer at the address of a release, and of the checksums in its tag's commit.
fn offer_release(workspace: &Workspace) {
    let archive = archive_name("x86_64-unknown-linux-musl");
    let base = "https://github.com/cancel-pending/cancel-pending/releases/download";
    let raw = "https://raw.githubusercontent.com/cancel-pending/cancel-pending";
    let tag = format!("v{}", env!("CARGO_PKG_VERSION"));
    workspace.write("release/archive", &release().0);
    workspace.write("release/checksums", format!("{}  {archive}\n{}  other\n", release().1, "0".repeat(64)));
    let from = |name: &str| workspace.path(name).display().to_string();
    stand_in(
        workspace,
        "bin/curl",
        &format!(
            "case \"${{@: -1}}\" in\n{base}/{tag}/{archive}) cp {} {archive} ;;\n{raw}/{tag}/action/checksums.txt) cp {} \
             checksums.txt ;;\n*) exit 22 ;;\nesac",
            from("release/archive"),
            from("release/checksums")
        ),
    );
}

impl Stage {
    fn new(page: &Page) -> Self {
        let workspace = Workspace::with("offers.yaml", OFFERS);
        for name in ["examples", "schemas"] {
            copy_all(&repository(name), &workspace.path(name));
        }
        let program = env!("CARGO_BIN_EXE_cancel-pending");
        stand_in(&workspace, "bin/cancel-pending", &format!("exec {program:?} \"$@\""));
        // `cargo run [--quiet] -- …`; anything else would be cargo's own business.
        stand_in(
            &workspace,
            "bin/cargo",
            &format!(
                "[[ $1 == run ]] || exit 99\nwhile [[ $1 != -- ]]; do shift; done\nshift\nexec {program:?} \"$@\""
            ),
        );
        if page.text.contains("/releases/download/") {
            offer_release(&workspace);
        }
        let (emulator, url) = emulate(&workspace, "examples/portal.yaml");
        Self { workspace, emulator, url }
    }

    /// Runs a line, on a terminal where it asks.
    fn run(&self, before: &str, line: &str) -> Run {
        let line = line.replace(LISTENS, &self.url);
        let asks = line.contains(" apply") && !line.contains("--auto-approve") && !line.contains("--help");
        let script = if asks {
            self.workspace.write("line.sh", format!("{line}\n"));
            "script -qec 'bash line.sh' /dev/null".to_owned()
        } else {
            line
        };
        let mut command = Command::new("bash");
        command
            .args(["-euc", &format!("{}\n{script}", before.replace(LISTENS, &self.url))])
            .current_dir(self.workspace.directory.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.workspace.path("bin").display()))
            .env("HOME", self.workspace.directory.path())
            .env("CANCEL_PENDING_TOKEN", "any")
            .env("CANCEL_PENDING_ENDPOINT", &self.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("bash runs");
        if asks {
            // What is typed before the question stands in the terminal's queue.
            let mut input = child.stdin.take().expect("a pipe");
            std::io::Write::write_all(&mut input, b"yes\n").expect("input");
            let output = child.wait_with_output().expect("it ends");
            drop(input);
            return Run::of(output);
        }
        Run::of(child.wait_with_output().expect("it ends"))
    }

    fn play(&mut self, page: &Page, block: &Block) {
        let mut before = String::new();
        for line in lines(&block.text) {
            let (command, status) = (command_of(&line), expected_status(&line));
            let place = format!("{}:{}: {line}", page.path, block.line);
            if command.is_empty() || NOT_RUN.iter().any(|(known, _)| *known == command) {
                continue;
            }
            if let Some(state) = command.split_once("cancel-pending emulate ").map(|(_, state)| state) {
                let _ = self.emulator.kill().and_then(|()| self.emulator.wait());
                (self.emulator, self.url) = emulate(&self.workspace, state);
                continue;
            }
            if let Some(state) = command.strip_prefix("cargo run -- emulate ") {
                let _ = self.emulator.kill().and_then(|()| self.emulator.wait());
                (self.emulator, self.url) = emulate(&self.workspace, state);
                continue;
            }
            let run = self.run(&before, &command);
            assert_eq!(run.status, Some(status), "{place}\n{}\n{}", run.stdout, run.stderr);
            if command.starts_with("export ") || command.starts_with("cd ") {
                before.push_str(&format!("{command}\n"));
            }
        }
    }

    /// Holds a file of YAML to what it says that it is.
    fn check(&self, page: &Page, block: &Block) {
        let place = format!("{}:{}", page.path, block.line);
        let words: Vec<&str> = block.info.split_whitespace().collect();
        let name = words.iter().find_map(|word| word.strip_prefix("file=")).unwrap_or("shown.yaml");
        self.workspace.write(name, &block.text);
        let is_valid = !words.contains(&"invalid");
        if words.contains(&"steps") || words.contains(&"workflow") {
            check_steps(&place, &block.text);
            return;
        }
        let run = if words.contains(&"state") {
            // It is read before anything else is: what is then planned does not matter.
            self.workspace.run(["plan", "offers.yaml", "--emulate", name])
        } else {
            self.workspace.run(["validate", name])
        };
        let failed = if words.contains(&"state") { run.stderr.starts_with("error") } else { run.status != Some(0) };
        assert_eq!(!failed, is_valid, "{place}\n{}\n{}", run.stdout, run.stderr);
    }
}

/// The lines of a block, with those joined that a backslash divides.
fn lines(text: &str) -> Vec<String> {
    text.replace("\\\n", " ").lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// A line without its comment.
fn command_of(line: &str) -> String {
    let end = if line.starts_with('#') { 0 } else { line.find(" #").unwrap_or(line.len()) };
    line[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The exit status that a line's comment tells; 0 where it tells none.
fn expected_status(line: &str) -> i32 {
    let Some((_, rest)) = line.split_once("# ").and_then(|(_, comment)| comment.split_once("exit status ")) else {
        return 0;
    };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no exit status in: {line}"))
}

/// That steps use the action as it is: its inputs, its outputs, the commit that the examples pin.
fn check_steps(place: &str, text: &str) {
    let action: Value = yaml(&fs::read_to_string(repository("action.yml")).expect("a file"));
    let document = yaml(text);
    let mut uses = Vec::new();
    find_uses(&document, &mut uses);
    assert!(!uses.is_empty(), "{place}: nothing in it uses the action");
    for step in uses {
        for input in step["with"].as_object().into_iter().flat_map(|with| with.keys()) {
            assert!(!action["inputs"][input].is_null(), "{place}: the action has no input `{input}`");
        }
        for (name, input) in action["inputs"].as_object().expect("inputs") {
            let is_given = !step["with"][name].is_null();
            assert!(is_given || input["required"] != true, "{place}: the input `{name}` is required");
        }
    }
    for output in text.split(".outputs.").skip(1) {
        let name: String = output.chars().take_while(|sign| sign.is_ascii_lowercase() || *sign == '-').collect();
        assert!(!action["outputs"][&name].is_null(), "{place}: the action has no output `{name}`");
    }
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

fn find_uses<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            if map.get("uses").and_then(Value::as_str).is_some_and(|uses| uses.starts_with("cancel-pending/")) {
                into.push(value);
            }
            map.values().for_each(|value| find_uses(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| find_uses(value, into)),
        _ => {}
    }
}

/// What a command prints, without the time of the run, which no two runs share.
fn output_of(stage: &Stage, command: &str, place: &str) -> String {
    let run = stage.run("", &command_of(command));
    assert_eq!(run.status, Some(expected_status(command)), "{place}\n{}\n{}", run.stdout, run.stderr);
    let text = if run.stdout.is_empty() { run.stderr } else { run.stdout };
    let text = text.replace(&stage.url, LISTENS);
    let timeless = text.lines().map(|line| match line.split_once(" at 20") {
        Some((before, rest)) => format!("{before}{}", rest.split_once('Z').map_or("", |(_, after)| after)),
        None => line.to_owned(),
    });
    timeless.collect::<Vec<_>>().join("\n")
}

/// Holds the outputs that a page shows to what its commands print, or writes them. A page is written as a whole,
/// because what comes later in it follows from what came before.
fn check_outputs(stage: &Stage, page: &Page) {
    const OPEN: &str = "<!-- output: ";
    let mut text = String::new();
    let mut rest = page.text.as_str();
    while let Some(at) = rest.find(OPEN) {
        let (before, section) = rest.split_at(at);
        let (head, after) = section.split_once(" -->\n").expect("the end of a comment");
        let (_, end) =
            after.split_once("<!-- /output -->").unwrap_or_else(|| panic!("{}: no end of {head}", page.path));
        let command = &head[OPEN.len()..];
        let output = output_of(stage, command, &format!("{}: {head}", page.path));
        text.push_str(&format!("{before}{head} -->\n```text\n{output}\n```\n<!-- /output -->"));
        rest = end;
    }
    text.push_str(rest);
    if is_writing() && text != page.text {
        let _writing = super::writing();
        fs::write(repository(&page.path), &text).expect("the page is written");
        return;
    }
    let differing = text.lines().zip(page.text.lines()).find(|(now, shown)| now != shown);
    assert!(text == page.text, "{} is out of date: {differing:?}; run with UPDATE_GENERATED=1", page.path);
}

#[test]
fn every_page_can_be_played() {
    let mut played = 0;
    for page in pages() {
        let blocks = page.blocks();
        let has_output = page.text.contains("<!-- output: ");
        if blocks.is_empty() && !has_output {
            continue;
        }
        let mut stage = Stage::new(&page);
        for block in &blocks {
            match block.info.split_whitespace().next() {
                Some("sh") => {
                    stage.play(&page, block);
                    played += 1;
                }
                Some("yaml") => stage.check(&page, block),
                Some("text" | "json" | "mermaid") => {}
                other => panic!("{}:{}: a block of {other:?} is not checked", page.path, block.line),
            }
        }
        if has_output {
            check_outputs(&stage, &page);
        }
    }
    assert!(played > 3, "only {played} blocks were played");
}

#[test]
fn a_line_is_read_as_the_shell_reads_it() {
    assert_eq!(lines("one \\\n  two\n\n three # four\n"), ["one    two", "three # four"]);
    assert_eq!(command_of("cancel-pending plan   a.yaml  # exit status 1: blocked"), "cancel-pending plan a.yaml");
    assert_eq!(command_of("# a comment"), "");
    assert_eq!(expected_status("cancel-pending plan # exit status 12: blocked"), 12);
    assert_eq!(expected_status("cancel-pending plan # nothing to cancel"), 0);
}

#[test]
#[should_panic(expected = "has no input `comand`")]
fn a_misspelled_input_is_seen() {
    check_steps("here", "- uses: cancel-pending/cancel-pending@v1\n  with: {comand: plan}\n");
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_command_that_fails_is_seen() {
    let page = Page { path: "a.md".to_owned(), text: "```sh\ncancel-pending plan --nope\n```\n".to_owned() };
    Stage::new(&page).play(&page, &page.blocks()[0]);
}
