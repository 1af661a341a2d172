//! Where results and everything else go: standard output and standard error.
//!
//! Owns writing. Results alone go to standard output; a reader that has gone away
//! (`… | head`) is no error.

use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::report::{TextStyle, json, terminal};

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
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(error).context("the result can't be written to standard output")
            }
            _ => Ok(()),
        }
    }

    /// Writes something that is not the result. That it can't be written is not worth an error.
    pub fn note(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

/// Tells the runner of GitHub Actions what its log must never show. The runner keeps the line itself
/// out of the log. Something short is not worth it: it would hide harmless words everywhere.
pub(super) fn mask(console: Console, secret: &str) {
    if !console.masks {
        return;
    }
    for line in secret.lines().map(str::trim).filter(|line| line.len() >= MIN_MASKED) {
        console.note(&format!("::add-mask::{}\n", line.replace('%', "%25")));
    }
}

/// The shortest secret that is masked.
const MIN_MASKED: usize = 8;

/// Writes a document to a file.
pub(super) fn write_document<T: Serialize>(path: &Path, document: &T) -> anyhow::Result<()> {
    std::fs::write(path, json(document)).with_context(|| format!("{} can't be written", shown(path)))
}

/// A path as it can be printed.
pub(super) fn shown(path: &Path) -> String {
    format!("`{}`", terminal(&path.to_string_lossy()))
}
