//! What the formats say in the same words: headlines, ages, counts, what a mark's note means.
//!
//! Owns the voice. Nothing here is escaped yet, and nothing here knows a format.

use jiff::Timestamp;

use crate::domain::{EmailAddress, OfferPattern, Operation};
use crate::outcome::{Follower, Outcome, OutcomeDocument, OutcomeEntry};
use crate::plan::{Coverage, Decision, Entry, Note, Plan, PlannedFreeze, PlannedPortal};

/// Said wherever something is going to be cancelled.
pub(super) const IRREVERSIBLE: &str =
    "Cancelling can't be undone. The next publish starts certification from the beginning.";

/// The first line of a plan: what will happen.
pub(super) fn headline(plan: &Plan) -> String {
    if plan.failed.is_some() {
        return "Cancel plan: failed".to_owned();
    }
    let summary = &plan.summary;
    let unread = plan.unread();
    let unreadable = summary.error.saturating_sub(unread);
    let mut parts = Vec::new();
    match summary.cancel {
        0 if unread > 0 => parts.push(format!("the live state of {} was not read", counted(unread, "marked offer"))),
        // Of what could not be read nobody knows whether there is something to cancel.
        0 if unreadable > 0 || plan.unlisted_freezes().next().is_some() => {}
        0 => parts.push("nothing to cancel".to_owned()),
        count => parts.push(format!("{} to cancel", counted(count, "operation"))),
    }
    for (count, what) in [(summary.wait, "already being cancelled"), (summary.blocked, "blocked")] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if unreadable > 0 {
        parts.push(format!("could not check {unreadable} of {}", counted(summary.marked(), "marked offer")));
    }
    match plan.unlisted_freezes().count() {
        0 => {}
        count => parts.push(format!("could not list the offers of {}", counted(count, "freeze"))),
    }
    if plan.incomplete_coverage().next().is_some() {
        parts.push("coverage is incomplete".to_owned());
    }
    let refused = if plan.refused.is_some() { "refused, " } else { "" };
    format!("Cancel plan: {refused}{}", parts.join(", "))
}

/// How much of the desired state is marked.
pub(super) fn counts(plan: &Plan) -> String {
    let frozen = plan.entries.iter().filter(|entry| entry.is_frozen()).count();
    let files = counted(plan.desired.len(), "file");
    let freezes = plan.freezes.len();
    // What a freeze brings is not listed in a file.
    let written = plan.entries.len() - frozen;
    let mut text = if written == 0 && freezes > 0 {
        format!("{} in {files}", counted(freezes, "freeze"))
    } else {
        format!(
            "{} in {files}: {} marked, {} unmarked",
            counted(written, "offer"),
            plan.summary.marked() - frozen,
            plan.summary.ignored,
        )
    };
    if frozen > 0 {
        text.push_str(&format!("; {} frozen", counted(frozen, "offer")));
    }
    text
}

/// Which offers a freeze is for: `contoso-*`, except `contoso-saas`. Patterns need no escape.
pub(super) fn patterns(freeze: &PlannedFreeze, shown: impl Fn(&str) -> String) -> String {
    let list = |all: &[OfferPattern]| all.iter().map(|one| shown(one.as_str())).collect::<Vec<_>>().join(", ");
    if freeze.except.is_empty() {
        list(&freeze.offers)
    } else {
        format!("{} except {}", list(&freeze.offers), list(&freeze.except))
    }
}

/// What there is to say about a freeze besides what it reaches.
pub(super) fn freeze_state(freeze: &PlannedFreeze) -> String {
    let mut parts = Vec::new();
    match (freeze.note, freeze.matched) {
        (Some(Note::Spent), _) => {
            return format!("expired at {}: it does nothing any more. Remove it", freeze.expires);
        }
        (_, None) if freeze.error.is_none() => parts.push("the offers were not listed".to_owned()),
        (_, None) => {}
        (_, Some(matched)) => parts.push(format!("for {}", counted(matched, "offer"))),
    }
    parts.push(format!("until {}", freeze.expires));
    parts.extend(freeze.message.clone());
    parts.join(", ")
}

/// A publisher whose offers were looked at, and the portal where there is more than one.
pub(super) fn covered_publisher(one: &Coverage, plan: &Plan) -> String {
    if plan.portals.len() > 1 { format!("{} on {}", one.publisher, one.portal) } else { one.publisher.to_string() }
}

/// The entries that are to be cancelled and won't be, or can't be told about.
pub(super) fn attention(plan: &Plan) -> impl Iterator<Item = &Entry> {
    let unknown_pins = plan.entries_with(Decision::InSync).filter(|entry| entry.note == Some(Note::UnknownPin));
    [Decision::Blocked, Decision::Error, Decision::Wait]
        .into_iter()
        .flat_map(|decision| plan.entries_with(decision))
        .chain(unknown_pins)
}

/// The marked entries that nothing has to be done about.
pub(super) fn quiet(plan: &Plan) -> impl Iterator<Item = &Entry> {
    [Decision::InSync, Decision::Expired]
        .into_iter()
        .flat_map(|decision| plan.entries_with(decision))
        .filter(|entry| entry.note != Some(Note::UnknownPin))
}

/// How many marked offers are as they should be.
pub(super) fn no_action(count: usize) -> String {
    format!("{} {} no action", counted(count, "marked offer"), if count == 1 { "needs" } else { "need" })
}

/// The portals of a document, each address as a format shows it.
pub(super) fn portals(portals: &[PlannedPortal], shown: impl Fn(&str) -> String) -> String {
    portals.iter().map(|planned| shown(planned.origin.as_str())).collect::<Vec<_>>().join(", ")
}

/// What started on the offer after its operation was cancelled.
pub(super) fn follower(follower: &Follower) -> String {
    format!(
        "a new operation, {}, has started on this offer (seen at {}) and was left alone; something publishes it again: stop that first",
        follower.id, follower.seen_at
    )
}

/// `1 operation`, `2 operations`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
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

/// What an entry's decision is called.
pub(super) fn state(entry: &Entry) -> &'static str {
    if entry.is_unread() { "not read" } else { label(entry.decision) }
}

/// Where the live state comes from.
pub(super) fn provenance(plan: &Plan) -> String {
    let portals = portals(&plan.portals, str::to_owned);
    let is_unlisted = plan.unlisted_freezes().next().is_some();
    let nothing_read = plan.summary.error == plan.summary.marked() && (plan.summary.error > 0 || is_unlisted);
    match (plan.unread(), nothing_read) {
        (0, false) => format!("Read from {portals} at {}", plan.created_at),
        (0, true) => format!("Could not read {portals} at {}", plan.created_at),
        _ => format!("Not read: {portals}, at {}", plan.created_at),
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
    let note = entry.note?;
    if entry.is_frozen() && note == Note::Unpinned {
        let until = entry.expires.map(|at| format!(" until {at}")).unwrap_or_default();
        let meaning = format!(
            "Every operation that starts on this offer is cancelled too{until}. \
             To keep the offer out, add it to `except`, or list it with `cancelPending: false`."
        );
        return Some(("frozen", meaning));
    }
    let meaning = match (note, entry.decision, pin) {
        (Note::Unpinned, Decision::Cancel | Decision::Wait | Decision::Blocked, Some(id)) => format!(
            "Not pinned: while this mark stays in the file, every future operation is cancelled too. \
             To pin it, add operationId: {id}"
        ),
        (Note::Unpinned, ..) => "Not pinned: the next operation that starts will be cancelled. \
             Remove the mark, or give it an operationId or an expiry."
            .to_owned(),
        (Note::Spent, ..) => "The pinned operation is over. Remove the mark.".to_owned(),
        (Note::UnknownPin, ..) => {
            "The pinned operation is not known to the portal. If the id is right, remove the mark; if it is mistyped, correct it."
                .to_owned()
        }
        (Note::Draft, ..) => "There is a draft that was not submitted. Nothing is running.".to_owned(),
        (Note::AwaitsGoLive, ..) => {
            "A preview waits for go-live, and a cancellation does not reach it. Decide in Partner Center whether it goes live."
                .to_owned()
        }
        (Note::TooLate, ..) => "The operation is past the point where it can be cancelled.".to_owned(),
        (Note::NotRead | Note::PortalUnreadable, ..) => return None,
    };
    Some((note.as_str(), meaning))
}

/// The first line of an outcome: what was done.
pub(super) fn outcome_headline(document: &OutcomeDocument) -> String {
    let total = document.entries.len();
    if total == 0 {
        return "Apply: nothing to do".to_owned();
    }
    let parts: Vec<String> = [
        (Outcome::Cancelled, "cancelled"),
        (Outcome::Accepted, "accepted but not yet confirmed"),
        (Outcome::AlreadyDone, "already done"),
        (Outcome::Completed, "completed without being cancelled"),
        (Outcome::Superseded, "superseded"),
        (Outcome::Failed, "failed"),
        (Outcome::Unknown, "not known"),
        (Outcome::NotAttempted, "not attempted"),
    ]
    .into_iter()
    .filter(|(outcome, _)| document.summary.count(*outcome) > 0)
    .enumerate()
    .map(|(index, (outcome, text))| match (index, document.summary.count(outcome)) {
        (0, count) => format!("{count} of {} {text}", counted(total, "operation")),
        (_, count) => format!("{count} {text}"),
    })
    .collect();
    format!("Apply: {}", parts.join(", "))
}

/// What an outcome is called.
pub(super) const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Cancelled => "cancelled",
        Outcome::Accepted => "accepted",
        Outcome::AlreadyDone => "already done",
        Outcome::Completed => "completed",
        Outcome::Superseded => "superseded",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
        Outcome::NotAttempted => "not attempted",
    }
}

/// How an outcome came about: the portal's answer, how many calls, how long.
pub(super) fn how(entry: &OutcomeEntry) -> Option<String> {
    if entry.attempts == 0 {
        return (entry.outcome == Outcome::Cancelled).then(|| "cancelled by an earlier request".to_owned());
    }
    let answer = match entry.http_status {
        Some(200) => "cancelled at once (200)".to_owned(),
        Some(202) => "accepted (202)".to_owned(),
        Some(status) => format!("answered with {status}"),
        None => "no response".to_owned(),
    };
    let calls = if entry.attempts > 1 { format!(" to the last of {} calls", entry.attempts) } else { String::new() };
    let seen = match entry.outcome {
        Outcome::Cancelled => {
            let seconds = entry.finished_at.duration_since(entry.started_at).as_secs().max(0);
            format!(", confirmed cancelled after {}", length(seconds))
        }
        _ => String::new(),
    };
    let word = entry.final_status.as_ref().map(|word| format!(" (portal status: {word})")).unwrap_or_default();
    Some(format!("{answer}{calls}{seen}{word}"))
}

/// A length of time in its largest unit or two.
fn length(seconds: i64) -> String {
    match (seconds / 3_600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// What to do about an outcome that leaves something to do.
pub(super) const fn advice(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Cancelled | Outcome::AlreadyDone => None,
        Outcome::Accepted => Some("Plan again later to see whether the portal has finished."),
        Outcome::Completed => Some("The operation ended by itself. Remove the mark."),
        Outcome::Superseded => {
            Some("Remove the mark, or pin the operation that is running now and have that reviewed.")
        }
        Outcome::Failed => Some("The operation was not cancelled. Plan again to see what is still running."),
        Outcome::Unknown => Some("Look at the operation in the portal, then apply again with the same journal."),
        Outcome::NotAttempted => Some("Nothing was sent. Apply again."),
    }
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
