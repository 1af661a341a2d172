//! What `validate` found, for programs: a JSON document, and annotations of a GitHub Actions run.
//!
//! Owns the names in the document, which has a version of its own. SARIF is `sarif`'s.

use serde::Serialize;

use super::annotations::{Annotation, AnnotationLevel, workflow_commands};
use super::json::json;
use crate::desired::{Diagnostic, Place};

/// The version of the JSON document.
const FORMAT_VERSION: u32 = 1;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedFile {
    /// The file.
    pub path: String,
    /// How many offers it lists.
    pub offers: usize,
    /// How many of them are marked.
    pub marked: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValidationDocument<'a> {
    format_version: u32,
    tool: &'a str,
    valid: bool,
    files: &'a [ValidatedFile],
    diagnostics: Vec<DiagnosticRecord<'a>>,
}

/// A mistake, by the names that it has in the plan document too.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiagnosticRecord<'a> {
    code: &'static str,
    message: &'a str,
    path: &'a str,
    line: Option<u64>,
    column: Option<u64>,
    end_column: Option<u64>,
    help: Option<&'a str>,
}

/// The result as JSON: the files where all are valid, the mistakes where not.
#[must_use]
pub fn validation_json(tool: &str, files: &[ValidatedFile], found: &[Diagnostic]) -> String {
    json(&ValidationDocument {
        format_version: FORMAT_VERSION,
        tool,
        valid: found.is_empty(),
        files,
        diagnostics: found.iter().map(record).collect(),
    })
}

fn record(diagnostic: &Diagnostic) -> DiagnosticRecord<'_> {
    let Diagnostic { code, path, place, message, help } = diagnostic;
    DiagnosticRecord {
        code: code.as_str(),
        message,
        path,
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        end_column: place.as_ref().map(Place::end_column),
        help: help.as_deref(),
    }
}

/// The mistakes as workflow commands, a line each. GitHub shows the first ten of a step beside the files, and all in
/// the log.
#[must_use]
pub fn validation_commands(found: &[Diagnostic]) -> String {
    let annotation = |diagnostic: &Diagnostic| Annotation {
        level: AnnotationLevel::Error,
        place: Some((diagnostic.path.clone(), diagnostic.place.as_ref().map_or(1, |place| place.line))),
        title: diagnostic.code.as_str().to_owned(),
        message: with_help(diagnostic),
    };
    workflow_commands(&found.iter().map(annotation).collect::<Vec<_>>())
}

/// What is wrong and what to do about it, in one line.
pub(super) fn with_help(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{}; {help}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}
