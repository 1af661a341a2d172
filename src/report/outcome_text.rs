//! An outcome for a terminal.
//!
//! Owns its layout; lines and styles are those of the plan.

use anstyle::{AnsiColor, Style};

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

/// The outcome as text, with a newline at its end.
#[must_use]
pub fn outcome_text(document: &OutcomeDocument, style: TextStyle) -> String {
    let mut page = Page::new(style);
    page.paragraph(BOLD, &words::outcome_headline(document));
    for outcome in Outcome::ALL {
        for entry in document.entries_with(outcome) {
            page.blank();
            block(&mut page, entry);
        }
    }
    page.blank();
    page.paragraph(DIM, &format!("Decision digest: {}", document.decision_digest));
    page.text
}

fn block(page: &mut Page, entry: &OutcomeEntry) {
    let name = format!("{} / {}", entry.publisher, entry.offer);
    page.line(&[(style_of(entry.outcome), entry.outcome.as_str()), (Style::new(), "  "), (BOLD, &name)]);
    page.field("operation", entry.operation_id.as_str());
    if let Some(how) = words::how(entry) {
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
