//! What the formats of a status say in the same words.
//!
//! Owns the voice. Nothing here is escaped yet, but for the sentence that ends the command.

use super::escape::terminal;
use super::words::counted;
use crate::status::{OfferStatus, StatusDocument, StatusFailure, StatusMark, StatusState};

/// How many offers, publishers or places are named where several have one fault.
const MAX_NAMED: usize = 3;

/// What a state is called.
pub(super) const fn state(state: StatusState) -> &'static str {
    match state {
        StatusState::Running => "running",
        StatusState::Queued => "queued",
        StatusState::Cancelling => "being cancelled",
        StatusState::TooLate => "too late to cancel",
        StatusState::Unknown => "unknown state",
        StatusState::SeveralOperations => "several running",
        StatusState::SeveralProducts => "several products",
        StatusState::Unreadable => "not readable",
        StatusState::AwaitsGoLive => "waits for go-live",
        StatusState::Draft => "draft",
        StatusState::Failed => "failed",
        StatusState::Idle => "idle",
    }
}

/// What the files say of an offer.
pub(super) const fn mark(mark: StatusMark) -> &'static str {
    match mark {
        StatusMark::Marked => "marked",
        StatusMark::Pinned => "pinned",
        StatusMark::PinnedElsewhere => "pinned to another operation",
        StatusMark::Spent => "pinned to one that is over",
        StatusMark::Expired => "mark expired",
        StatusMark::Frozen => "frozen",
        StatusMark::FreezeUnclear => "may be frozen",
        StatusMark::Spared => "cancelPending: false",
        StatusMark::Unmarked => "not marked",
        StatusMark::InNoFile => "in no file",
    }
}

/// The place in a file, as `path:line`.
pub(super) fn place(offer: &OfferStatus) -> Option<String> {
    offer.source.as_ref().map(|source| format!("{}:{}", source.path, source.line))
}

/// The name of an offer, with the portal where there are several.
pub(super) fn name(offer: &OfferStatus, document: &StatusDocument) -> String {
    let portal = if document.portals.len() > 1 { format!(" ({})", offer.portal) } else { String::new() };
    match &offer.publisher {
        Some(publisher) => format!("{publisher} / {}{portal}", offer.offer),
        None => format!("{}{portal}", offer.offer),
    }
}

/// What a failure is about: `contoso`, `contoso on partner-center`.
pub(super) fn subject(failure: &StatusFailure, document: &StatusDocument) -> String {
    match &failure.publisher {
        Some(publisher) if document.portals.len() > 1 => format!("{publisher} on {}", failure.portal),
        Some(publisher) => publisher.to_string(),
        None => failure.portal.to_string(),
    }
}

/// The counts, in one line.
#[must_use]
pub fn status_last_line(document: &StatusDocument) -> String {
    let summary = &document.summary;
    let unclear = summary.unreadable + summary.several_products;
    let mut parts = Vec::new();
    match summary.active {
        // Of what was not seen nobody knows whether it runs.
        0 if unclear > 0 || document.is_incomplete() => {}
        0 => parts.push(format!("nothing is running on {}", counted(summary.offers, "offer"))),
        active => {
            let wanted = format!("{} to be cancelled", summary.wanted);
            let nowhere = (summary.in_no_file > 0).then(|| format!("{} in no file", summary.in_no_file));
            let of = [Some(wanted), nowhere].into_iter().flatten().collect::<Vec<_>>().join(", ");
            parts.push(format!("operations are running on {active} of {} ({of})", counted(summary.offers, "offer")));
        }
    }
    if summary.awaits_go_live > 0 {
        let verb = if summary.awaits_go_live == 1 { "waits" } else { "wait" };
        parts.push(format!("{} {verb} for go-live", counted(summary.awaits_go_live, "preview")));
    }
    if unclear > 0 {
        parts.push(format!("could not check {unclear} of {}", counted(summary.offers, "offer")));
    }
    let unlisted = document.failures.iter().filter(|failure| failure.source.is_none()).count();
    if unlisted > 0 {
        parts.push(format!("could not list the offers of {}", counted(unlisted, "publisher")));
    }
    if parts.is_empty() {
        parts.push(format!("nothing is running on {}", counted(summary.offers, "offer")));
    }
    format!("Status: {}", parts.join("; "))
}

/// Why a status is not complete; none where it is.
#[must_use]
pub fn status_failure(document: &StatusDocument) -> Option<String> {
    let short = |offer: &OfferStatus| match &offer.publisher {
        Some(publisher) => format!("{publisher}/{}", offer.offer),
        None => offer.offer.to_string(),
    };
    let unclear: Vec<String> = document.offers.iter().filter(|offer| offer.state.is_unclear()).map(short).collect();
    let (places, unlisted): (Vec<&StatusFailure>, Vec<&StatusFailure>) =
        document.failures.iter().partition(|failure| failure.source.is_some());
    let unlisted: Vec<String> = unlisted.into_iter().map(|failure| subject(failure, document)).collect();
    let places = places.into_iter().filter_map(|failure| failure.source.as_ref());
    let places: Vec<String> = places.map(|source| format!("{}:{}", terminal(&source.path), source.line)).collect();
    let faults = [
        (&unclear, "1 offer could not be read", "offers could not be read"),
        (&unlisted, "the offers of 1 publisher could not be listed", "publishers: their offers could not be listed"),
        (&places, "1 pattern of a freeze matches no offer", "patterns of freezes match no offer"),
    ];
    let told: Vec<String> = faults.into_iter().filter_map(|(names, one, many)| fault(names, one, many)).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn fault(names: &[String], one: &str, many: &str) -> Option<String> {
    let what = match names.len() {
        0 => return None,
        1 => one.to_owned(),
        count => format!("{count} {many}"),
    };
    let rest = names.len().saturating_sub(MAX_NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("{what} ({}{more})", names[..names.len() - rest].join(", ")))
}
