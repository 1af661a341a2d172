//! The difference that people see: live and wanted state of one offer as two small YAML
//! documents, compared by `similar`.
//!
//! Owns the two documents. Their strings are made inert before they are written, so that the
//! lines of the diff are safe on a terminal and inside a fence.

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::escape::terminal;
use crate::plan::{Decision, Entry};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfferState<'a> {
    offer: &'a str,
    pending_operation: PendingState,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PendingState {
    None(&'static str),
    Operation(PendingOperation),
}

#[derive(Serialize)]
struct PendingOperation {
    id: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    location: String,
}

/// The lines of the difference between what is live and what is wanted, each with its sign
/// (` `, `-`, `+`) and its newline. Empty where the two are the same.
///
/// ```
/// # use cancel_pending::plan::*;
/// # let entry: Entry = serde_json::from_str(r#"{"portal": "cloud-partner", "publisher": "contoso", "offer": "vm",
/// #   "productId": null, "decision": "in-sync", "note": null, "rule": null, "reason": null, "expires": null, "message": null,
/// #   "source": {"path": "o.yaml", "line": 1, "column": 1}, "notificationEmails": [], "guard": null, "operation": null}"#).unwrap();
/// assert_eq!(entry.decision, Decision::InSync);
/// assert_eq!(cancel_pending::report::pending_operation_diff(&entry), "");
/// ```
#[must_use]
pub fn pending_operation_diff(entry: &Entry) -> String {
    let live = yaml(entry, live_operation(entry));
    let wanted = match entry.decision {
        Decision::Cancel | Decision::Wait => yaml(entry, PendingState::None("none")),
        _ => return String::new(),
    };
    let diff = TextDiff::from_lines(&live, &wanted);
    let mut lines = String::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        lines.push(sign);
        lines.push_str(change.value());
    }
    lines
}

fn live_operation(entry: &Entry) -> PendingState {
    let Some(operation) = &entry.operation else { return PendingState::None("none") };
    let inert = |text: &str| terminal(text).into_owned();
    let step = operation.step.as_deref().map(|step| match &operation.step_status {
        Some(status) => inert(&format!("{step} ({status})")),
        None => inert(step),
    });
    PendingState::Operation(PendingOperation {
        id: operation.id.to_string(),
        kind: operation.kind.as_deref().map(inert),
        step,
        location: inert(&operation.location),
    })
}

fn yaml(entry: &Entry, pending_operation: PendingState) -> String {
    let state = OfferState { offer: entry.offer.as_str(), pending_operation };
    // Text in structs can always be written as YAML.
    serde_yaml::to_string(&state).unwrap_or_default()
}
