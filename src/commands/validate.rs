//! `validate`: read the files and nothing else.
//!
//! Owns saying that they are valid, and the formats for programs. Offline, without secrets: what a fork's pull
//! request can run.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::github::path_in_repository;
use super::{Console, Exit, TOOL, files};
use crate::desired::{self, MAX_FILE_BYTES, SourceFile};
use crate::domain::DesiredSet;
use crate::report::{self, ValidatedFile, counted, terminal};

/// The format of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFormat {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// For GitHub code scanning.
    Sarif,
    /// Annotations in the log of GitHub Actions.
    GitHub,
}

/// What `validate` is asked to do.
#[derive(Debug, Clone)]
pub struct ValidateRequest {
    /// Files and directories; `-` alone: standard input.
    pub paths: Vec<PathBuf>,
    /// What the text on standard input is called.
    pub stdin_filename: Option<PathBuf>,
    /// The format on standard output.
    pub format: CheckFormat,
    /// `GITHUB_WORKSPACE`: what the paths of annotations are relative to.
    pub workspace: Option<PathBuf>,
}

/// Checks desired-state files.
///
/// # Errors
/// When standard input can't be read, or the result can't be written.
pub fn validate(request: &ValidateRequest, console: Console) -> anyhow::Result<Exit> {
    let result = if request.paths.iter().any(|path| path == Path::new("-")) {
        if request.paths.len() > 1 {
            bail!("`-` stands for standard input and can't be combined with other paths");
        }
        desired::read(&[standard_input(request.stdin_filename.as_deref())?])
    } else if request.stdin_filename.is_some() {
        bail!("--stdin-filename names the text on standard input; give `-` as the path");
    } else {
        files::check(&request.paths)
    };
    let (files, mut found) = match result {
        Ok(set) => (valid_files(&set), Vec::new()),
        Err(found) => (Vec::new(), found),
    };
    if request.format == CheckFormat::Text {
        files::show(&found, console);
    }
    let last = if found.is_empty() { last_line(&files) } else { files::mistakes(&found) };
    if matches!(request.format, CheckFormat::Sarif | CheckFormat::GitHub) {
        for diagnostic in &mut found {
            diagnostic.path = path_in_repository(request.workspace.as_deref(), &diagnostic.path);
        }
    }
    console.result(&match request.format {
        CheckFormat::Text if !found.is_empty() => String::new(),
        CheckFormat::Text => text(&files, &last, console),
        CheckFormat::Json => report::validation_json(TOOL, &files, &found),
        CheckFormat::Sarif => report::sarif(&found),
        CheckFormat::GitHub => report::validation_commands(&found),
    })?;
    if found.is_empty() {
        return Ok(Exit::Done);
    }
    console.error(&format!("error: {last}\n"));
    Ok(Exit::Failed)
}

/// The text on standard input. Only the name is located: nothing is opened by it.
fn standard_input(name: Option<&Path>) -> anyhow::Result<SourceFile> {
    let mut bytes = Vec::new();
    let stdin = std::io::stdin().lock();
    stdin.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).context("standard input can't be read")?;
    let path = name.map_or_else(|| "<stdin>".to_owned(), files::name);
    Ok(SourceFile { path, bytes })
}

fn valid_files(set: &DesiredSet) -> Vec<ValidatedFile> {
    let file = |path: &String| {
        let own = || set.offers().filter(|offer| offer.source.path == *path);
        let marked = own().filter(|offer| offer.mark.is_some()).count();
        ValidatedFile { path: path.clone(), offers: own().count(), marked }
    };
    set.files.iter().map(|file_digest| file(&file_digest.path)).collect()
}

/// A line a file. Where there is one file, it is the last line too.
fn text(files: &[ValidatedFile], last: &str, console: Console) -> String {
    let mut text = String::new();
    if files.len() != 1 && !console.quiet {
        text.extend(files.iter().map(line));
    }
    format!("{text}{last}\n")
}

fn line(file: &ValidatedFile) -> String {
    let path = terminal(&file.path);
    match file.offers {
        0 => format!("{path}: skipped, it holds no desired state\n"),
        offers => format!("{path}: valid, {}, {} marked\n", counted(offers, "offer"), file.marked),
    }
}

fn last_line(files: &[ValidatedFile]) -> String {
    if let [only] = files {
        return line(only).trim_end().to_owned();
    }
    let sum = |count: fn(&ValidatedFile) -> usize| files.iter().map(count).sum::<usize>();
    let (offers, marked) = (sum(|file| file.offers), sum(|file| file.marked));
    format!("{} valid: {}, {marked} marked", counted(files.len(), "file"), counted(offers, "offer"))
}
