//! An outcome for a terminal.
//!
//! Owns its layout; lines and styles are those of the plan.

use anstyle::{AnsiColor, Style};

use unicode_width::UnicodeWidthStr;

use super::conclusion::outcome_last_line;
use super::escape::terminal;
use super::text::{BOLD, DIM, Page, TextStyle};
use super::words;
use crate::outcome::{Outcome, OutcomeDocument, OutcomeEntry};

const fn style_of(outcome: Outcome) -> Style {
    let color = match outcome {
        Outcome::Cancelled => AnsiColor::Green,
        Outcome::Failed | Outcome::Completed | Outcome::NotAttempted => AnsiColor::Red,
        Outcome::Unknown => AnsiColor::Yellow,
        Outcome::Accepted => AnsiColor::Cyan,
        Outcome::AlreadyDone | Outcome::Superseded => return Style::new().bold(),
    };
    color.on_default().bold()
}

/// The outcome as text: what was cancelled, a line each; then what was not, and what to do about it; at the end the
/// counts. With a newline at its end.
#[must_use]
pub fn outcome_text(document: &OutcomeDocument, style: TextStyle) -> String {
    let mut page = Page::new(style);
    let (done, open): (Vec<_>, Vec<_>) =
        Outcome::ALL.into_iter().flat_map(|outcome| document.entries_with(outcome)).partition(|entry| is_done(entry));
    lines(&mut page, &done, document);
    for entry in open {
        page.gap();
        block(&mut page, entry, document);
    }
    page.gap();
    page.paragraph(DIM, &format!("Decision digest: {}", document.decision_digest));
    page.gap();
    page.paragraph(BOLD, &outcome_last_line(document));
    page.text
}

/// Whether there is nothing to do about it.
fn is_done(entry: &OutcomeEntry) -> bool {
    words::advice(entry.outcome).is_none() && entry.followed_by.is_none()
}

/// Publisher and offer, and the portal where there is more than one.
fn name(entry: &OutcomeEntry, document: &OutcomeDocument) -> String {
    let portal = if document.portals.len() > 1 { format!(" ({})", entry.portal) } else { String::new() };
    format!("{} / {}{portal}", entry.publisher, entry.offer)
}

/// What is done with, a line each and how it came about below it.
fn lines(page: &mut Page, entries: &[&OutcomeEntry], document: &OutcomeDocument) {
    let label_width = entries.iter().map(|entry| entry.outcome.as_str().width()).max().unwrap_or(0);
    let name_width = entries.iter().map(|entry| name(entry, document).width()).max().unwrap_or(0);
    for entry in entries {
        let (label, name) = (entry.outcome.as_str(), name(entry, document));
        page.part(style_of(entry.outcome), label);
        page.part(Style::new(), &" ".repeat(label_width + 2 - label.width()));
        page.part(BOLD, &name);
        page.part(Style::new(), &format!("{}{}", " ".repeat(name_width + 2 - name.width()), entry.operation_id));
        page.blank();
        let how = [words::how(entry), entry.message.clone()].into_iter().flatten().collect::<Vec<_>>().join("; ");
        page.indented(label_width + 2, DIM, &terminal(&how));
    }
}

fn block(page: &mut Page, entry: &OutcomeEntry, document: &OutcomeDocument) {
    let name = name(entry, document);
    page.line(&[(style_of(entry.outcome), entry.outcome.as_str()), (Style::new(), "  "), (BOLD, &name)]);
    page.field("operation", entry.operation_id.as_str());
    // Why a call failed quotes the answer to it.
    let is_told = entry.outcome == Outcome::Failed && entry.message.is_some();
    if let Some(how) = words::how(entry).filter(|_| !is_told) {
        page.field("how", &terminal(&how));
    }
    if let Some(message) = &entry.message {
        page.field("why", &terminal(message));
    }
    if let Some(location) = &entry.location {
        page.unwrapped_field("location", &terminal(location));
    }
    if let Some(follower) = &entry.followed_by {
        page.field("then", &words::follower(follower));
    }
    if let Some(advice) = words::advice(entry.outcome) {
        page.field("to do", advice);
    }
}
