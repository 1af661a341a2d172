//! Where results and everything else go: standard output and standard error.
//!
//! Owns writing, and that no known secret is written. Results alone go to standard output; a reader
//! that has gone away (`… | head`) is no error.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;

use crate::report::{TextStyle, terminal};
use crate::secrets::{learn, redact};

/// The format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
}

/// What is known of the two streams.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// How text on standard output looks.
    pub out: TextStyle,
    /// How text on standard error looks.
    pub err: TextStyle,
    /// Whether errors and the last line are all that is asked for.
    pub quiet: bool,
    /// Whether somebody watches standard error: a progress bar may be drawn on it.
    pub watched: bool,
    /// Whether somebody can be asked: both ends of the conversation are terminals.
    pub can_ask: bool,
    /// Whether the log is one of GitHub Actions, which can be told what not to show.
    pub masks: bool,
}

impl Console {
    /// Writes a result.
    ///
    /// # Errors
    /// When standard output can't be written, other than because its reader has gone away.
    pub fn result(&self, text: &str) -> anyhow::Result<()> {
        self.result_while_read(text).map(drop)
    }

    /// Writes a result, and says whether its reader is still there.
    ///
    /// # Errors
    /// When standard output can't be written, other than because its reader has gone away.
    pub fn result_while_read(&self, text: &str) -> anyhow::Result<bool> {
        let mut out = io::stdout().lock();
        match out.write_all(redact(text).as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("the result can't be written to standard output"),
        }
    }

    /// Writes something that is neither the result nor an error: nothing with `-q`. That it can't be written is not
    /// worth an error.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            write_error(&redact(text));
        }
    }

    /// Writes an error, a warning or a question.
    pub fn error(&self, text: &str) {
        write_error(&redact(text));
    }
}

fn write_error(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// The token that an emulator accepts by default. It stands in the documentation: as a secret it would
/// take a harmless word out of every output.
const EMULATED_TOKEN: &str = "emulated";

/// Takes note of a secret that was given, so that it is cut out of all that is written from here on.
pub fn learn_secret(secret: &str) {
    is_new_secret(secret);
}

fn is_new_secret(secret: &str) -> bool {
    secret.trim() != EMULATED_TOKEN && learn(secret)
}

/// Takes note of a secret that was fetched, and tells the runner of GitHub Actions what its log must never
/// show. Secrets that were given are known already and get no such line: the runner hides those that come
/// from `secrets` by itself. The line is the only place where a secret is written, so it is left out where
/// standard error goes into a file, which no runner reads.
pub(super) fn mask(console: Console, secret: &str) {
    if !is_new_secret(secret) || !console.masks || stderr_is_file() {
        return;
    }
    for line in secret.lines().map(str::trim).filter(|line| line.len() >= MIN_MASKED) {
        write_error(&format!("::add-mask::{}\n", line.replace('%', "%25")));
    }
}

/// The shortest secret that is masked: something short would hide harmless words everywhere.
const MIN_MASKED: usize = 8;

#[cfg(unix)]
fn stderr_is_file() -> bool {
    use std::os::fd::AsFd as _;
    let own = io::stderr().as_fd().try_clone_to_owned().map(std::fs::File::from);
    own.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(not(unix))]
fn stderr_is_file() -> bool {
    false
}

/// A path as it can be printed.
pub(super) fn shown(path: &Path) -> String {
    format!("`{}`", terminal(&path.to_string_lossy()))
}
