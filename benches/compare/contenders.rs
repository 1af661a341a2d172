//! Who is compared: this program, and what people would write instead.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::Server;

/// The versions of the Python packages, from `PyPI`.
const PACKAGES: [&str; 2] = ["requests==2.34.2", "aiohttp==3.14.5"];

/// A program that does the work.
pub struct Contender {
    /// What it is called in the tables.
    pub name: &'static str,
    kind: Kind,
    /// Whether it starts processes for each offer: it gets fewer of them.
    pub is_shell: bool,
    /// Whether it takes one offer after the other.
    pub is_sequential: bool,
    /// What is missing on this machine.
    pub missing: Option<String>,
}

enum Kind {
    Own,
    Script(PathBuf, &'static str),
}

/// The offers of a run: as desired state, and as a list of publishers and offers.
pub struct Work {
    /// How many.
    pub offers: usize,
    /// A directory of YAML files.
    pub desired: PathBuf,
    /// A line an offer.
    pub list: PathBuf,
}

impl Contender {
    /// The command that does the work.
    pub fn command(&self, work: &Work, server: &Server, concurrency: usize) -> Command {
        let portal = format!("http://{}", server.address);
        let mut command = match &self.kind {
            Kind::Own => {
                let mut command = own();
                command.arg("plan").arg(&work.desired).args(["--endpoint", &portal]);
                command.args(["--concurrency", &concurrency.to_string()]);
                command
            }
            Kind::Script(interpreter, script) => {
                let mut command = Command::new(interpreter);
                command.arg(directory().join(script)).arg(&work.list);
                command
            }
        };
        command.env("PORTAL", portal).env("TOKEN", "a-token").env("CONCURRENCY", concurrency.to_string());
        command.env("CANCEL_PENDING_TOKEN", "a-token");
        command
    }
}

/// The program as it was built for this run.
pub fn own() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cancel-pending"))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/compare/contenders")
}

/// All of them. Python's packages are installed below `tools`.
pub fn all(tools: &Path) -> Vec<Contender> {
    let shell = ["bash", "curl", "jq", "xargs"].into_iter().find(|tool| !is_there(tool));
    let shell = shell.map(|tool| format!("{tool} is not installed"));
    let node = (!is_there("node")).then(|| "node is not installed".to_owned());
    let (python, no_python) = match python(tools) {
        Ok(python) => (python, None),
        Err(error) => (PathBuf::from("python3"), Some(format!("{error:#}"))),
    };
    let script = |name, interpreter: &Path, file, missing: &Option<String>| Contender {
        name,
        kind: Kind::Script(interpreter.to_owned(), file),
        is_shell: interpreter == Path::new("bash"),
        is_sequential: file == "loop.sh",
        missing: missing.clone(),
    };
    vec![
        Contender { name: "cancel-pending", kind: Kind::Own, is_shell: false, is_sequential: false, missing: None },
        script("Node, fetch", Path::new("node"), "fetch.mjs", &node),
        script("Python, aiohttp", &python, "asynchronous.py", &no_python),
        script("Python, requests and threads", &python, "threads.py", &no_python),
        script("curl and jq, xargs -P", Path::new("bash"), "parallel.sh", &shell),
        script("curl and jq, a loop", Path::new("bash"), "loop.sh", &shell),
    ]
}

/// Whether a program can be started.
pub fn is_there(program: &str) -> bool {
    let version = if program == "wrk" { "-v" } else { "--version" };
    let command = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
    command.is_ok()
}

/// A Python with the packages, in a place of its own.
fn python(tools: &Path) -> anyhow::Result<PathBuf> {
    let environment = tools.join("python");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let has_packages = |python: &Path| {
        let imports = Command::new(python).args(["-c", "import requests, aiohttp"]).stderr(Stdio::null()).status();
        imports.is_ok_and(|status| status.success())
    };
    if !has_packages(&python) {
        let done = |command: &mut Command| anyhow::Ok(command.stdout(Stdio::null()).status()?.success());
        let made = done(Command::new("python3").args(["-m", "venv"]).arg(&environment))?
            && done(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
        anyhow::ensure!(made && has_packages(&python), "its packages can't be installed");
    }
    Ok(python)
}
