//! What the tests share: running the binary, portals to run it against, plans to report on.

pub mod action;
pub mod github;
pub mod offer;
pub mod openapi;
pub mod partner_center_description;
pub mod plans;
pub mod raw;
pub mod step;
pub mod tls;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A directory to run the program in, with nothing of this machine's environment.
pub struct Workspace {
    pub directory: TempDir,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    pub fn new() -> Self {
        Self { directory: TempDir::new().expect("a temporary directory") }
    }

    /// A workspace with one file.
    pub fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let workspace = Self::new();
        workspace.write(name, content);
        workspace
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file of text")
    }

    /// The program, ready to be given arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cancel-pending"));
        command.current_dir(self.directory.path()).env_clear().env("CANCEL_PENDING_TOKEN", "a-token");
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command().args(arguments).output().expect("the program runs"))
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Asserts the exit status, and shows all there is when it is another.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The result as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}\n{}", self.stdout, self.stderr))
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The decisions of a plan document: `publisher/offer decision note`.
pub fn decisions(plan: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let entry = |entry: &serde_json::Value| {
        let [publisher, offer, decision, note] =
            ["publisher", "offer", "decision", "note"].map(|key| text(&entry[key]));
        format!("{publisher}/{offer} {decision} {note}")
    };
    plan["entries"].as_array().expect("entries").iter().map(entry).collect()
}

/// Asserts that nothing in a text acts on a terminal or a runner of GitHub Actions.
#[track_caller]
pub fn assert_inert_text(text: &str) {
    for (number, line) in text.split('\n').enumerate() {
        let shown = line.escape_debug();
        assert!(!line.trim_start().starts_with("::"), "a workflow command in line {number}: {shown}");
        assert!(!line.contains("##["), "an old workflow command in line {number}: {shown}");
        let bad = line.chars().find(|c| {
            c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(bad, None, "an invisible character in line {number}: {shown}");
    }
}
