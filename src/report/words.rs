//! What the formats say in the same words: headlines, ages, counts, what a mark's note means.
//!
//! Owns the voice. Nothing here is escaped yet, and nothing here knows a format.

use jiff::Timestamp;

use crate::domain::{EmailAddress, Operation};
use crate::plan::{Decision, Entry, Note, Plan};

/// Said wherever something is going to be cancelled.
pub(super) const IRREVERSIBLE: &str =
    "Cancelling can't be undone. The next publish starts certification from the beginning.";

/// The first line of a plan: what will happen.
pub(super) fn headline(plan: &Plan) -> String {
    let summary = &plan.summary;
    let mut parts = vec![match summary.cancel {
        0 => "nothing to cancel".to_owned(),
        count => format!("{} to cancel", counted(count, "operation")),
    }];
    for (count, what) in
        [(summary.wait, "being cancelled already"), (summary.blocked, "blocked"), (summary.error, "not readable")]
    {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let refused = if plan.refused.is_some() { "refused, " } else { "" };
    format!("Cancel plan: {refused}{}", parts.join(", "))
}

/// How much of the desired state is marked.
pub(super) fn coverage(plan: &Plan) -> String {
    let marked = plan.summary.marked();
    let files = counted(plan.desired.len(), "file");
    format!(
        "{marked} of {} in {files} {} marked, {} left alone.",
        counted(plan.entries.len(), "offer"),
        if marked == 1 { "is" } else { "are" },
        plan.summary.ignored,
    )
}

/// `1 operation`, `2 operations`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// What a decision is called where it is not a document's word.
pub(super) const fn label(decision: Decision) -> &'static str {
    match decision {
        Decision::Cancel => "cancel",
        Decision::Wait => "wait",
        Decision::Blocked => "blocked",
        Decision::InSync => "in sync",
        Decision::Expired => "expired",
        Decision::Ignored => "ignored",
        Decision::Error => "error",
    }
}

/// How long ago something was, in the two largest units.
pub(super) fn age(from: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(from).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (..=0, ..=0, ..=0) if seconds < 1 => "just now".to_owned(),
        (..=0, ..=0, ..=0) => format!("{seconds} s ago"),
        (..=0, ..=0, minutes) => format!("{minutes} min ago"),
        (..=0, hours, minutes) => format!("{hours} h {minutes} min ago"),
        (days, hours, _) => format!("{days} d {hours} h ago"),
    }
}

/// What kind of operation it is, for running text.
pub(super) fn kind(operation: &Operation) -> &str {
    operation.kind.as_deref().unwrap_or("operation")
}

/// When it last changed.
pub(super) fn last_change(operation: &Operation, now: Timestamp) -> Option<String> {
    operation.changed_at.map(|at| format!("last changed {}", age(at, now)))
}

/// `2 of 6`, where it is known.
pub(super) fn step_of(operation: &Operation) -> Option<String> {
    match (operation.step_number, operation.step_count) {
        (Some(number), Some(count)) => Some(format!("{number} of {count}")),
        _ => None,
    }
}

/// Who is told: how many at which hosts. People's addresses stay out of comments.
pub(super) fn recipients(emails: &[EmailAddress]) -> Vec<(String, &str)> {
    let mut hosts: Vec<(usize, &str)> = Vec::new();
    for email in emails {
        match hosts.iter_mut().find(|(_, host)| host.eq_ignore_ascii_case(email.host())) {
            Some((count, _)) => *count += 1,
            None => hosts.push((1, email.host())),
        }
    }
    hosts
        .into_iter()
        .map(|(count, host)| (format!("{count} {}", if count == 1 { "address" } else { "addresses" }), host))
        .collect()
}

/// What a note on a mark means, and what to do about it.
pub(super) fn note(entry: &Entry) -> Option<(&'static str, String)> {
    let pin = entry.operation.as_ref().map(|operation| operation.id.as_str());
    Some(match (entry.note?, entry.decision, pin) {
        (Note::Latched, Decision::Cancel | Decision::Wait | Decision::Blocked, Some(id)) => (
            "latched",
            format!(
                "The mark has no operationId: left in the file it cancels every later operation too. \
                 Pin it: operationId: {id}"
            ),
        ),
        (Note::Latched, ..) => (
            "latched",
            "The mark has no operationId: the next operation that starts will be cancelled. \
             Take the mark out, or give it an operationId or an expiry."
                .to_owned(),
        ),
        (Note::Spent, ..) => ("spent", "The pinned operation is over: the mark can be taken out.".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
        for (from, text) in [
            ("2026-11-22T12:00:00Z", "just now"),
            ("2026-11-22T12:00:01Z", "just now"),
            ("2026-11-22T11:59:19Z", "41 s ago"),
            ("2026-11-22T11:48:00Z", "12 min ago"),
            ("2026-11-22T07:48:00Z", "4 h 12 min ago"),
            ("2026-11-20T07:48:00Z", "2 d 4 h ago"),
            ("2025-11-20T12:00:00Z", "367 d 0 h ago"),
        ] {
            assert_eq!(age(from.parse().expect("a time"), now), text);
        }
    }
}
