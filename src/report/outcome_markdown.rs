//! An outcome as Markdown, the way a pull request shows it.
//!
//! Owns layout and the limit on its size: what several rows would say alike is said once, links go before rows do,
//! and rows are cut whole.

use std::collections::HashMap;

use super::cells::{Names, kind, linked, minute, operation, short_id};
use super::escape::{markdown_code, markdown_text};
use super::links::Links;
use super::markdown::{PageOrigin, cut, fitting, short_digest, total, write_table};
use super::words;
use crate::domain::OfferKey;
use crate::outcome::{Outcome, OutcomeDocument, OutcomeEntry};
use crate::plan::{Entry, Plan};

/// What stays free for the sentences that say what was cut.
const RESERVE: usize = 1_000;

/// The least limit that is kept.
const LEAST_LIMIT: usize = 10_000;

/// What a row tells.
#[derive(Debug, Clone, Copy)]
struct OutcomeColumns {
    page: bool,
    location: bool,
    how: bool,
}

const LEVELS: [OutcomeColumns; 4] = [
    OutcomeColumns { page: true, location: true, how: true },
    OutcomeColumns { page: true, location: false, how: true },
    OutcomeColumns { page: false, location: false, how: true },
    OutcomeColumns { page: false, location: false, how: false },
];

/// The outcome as Markdown of fewer bytes than the limit, which is at least 10,000. The plan
/// knows where the operations are.
#[must_use]
pub fn outcome_markdown(document: &OutcomeDocument, plan: &Plan, links: Links<'_>, limit: usize) -> String {
    outcome_page(document, plan, links, &PageOrigin::default(), limit)
}

/// The same, saying what it is about.
pub(super) fn outcome_page(
    document: &OutcomeDocument,
    plan: &Plan,
    links: Links<'_>,
    origin: &PageOrigin,
    limit: usize,
) -> String {
    let mut page = format!("### {}\n", words::outcome_headline(document));
    let tail = tail(document, origin);
    let advice: String = Outcome::ALL
        .into_iter()
        .filter(|outcome| document.summary.count(*outcome) > 0)
        .filter_map(|outcome| words::advice(outcome).map(|text| format!("- **{}**: {text}\n", outcome.as_str())))
        .collect();
    let entries: Vec<&OutcomeEntry> =
        Outcome::ALL.into_iter().flat_map(|outcome| document.entries_with(outcome)).collect();
    let rows = Rows {
        names: Names::of(entries.iter().map(|entry| &entry.publisher), &document.portals),
        planned: plan.entries.iter().map(|entry| (entry.key(), entry)).collect(),
        notes: Notes::of(&entries),
        links,
    };
    let notes = rows.notes.shown(limit / 8);
    let taken = page.len() + tail.len() + advice.len() + notes.len() + RESERVE;
    let budget = limit.max(LEAST_LIMIT).saturating_sub(taken);
    if !entries.is_empty() {
        let at = |columns: OutcomeColumns| entries.iter().map(|entry| rows.row(entry, columns)).collect::<Vec<_>>();
        let fits = |rows: &Vec<String>| total(rows) <= budget;
        let rows = LEVELS.into_iter().map(at).find(fits).unwrap_or_else(|| at(LEVELS[LEVELS.len() - 1]));
        let count = fitting(&rows, budget);
        page.push('\n');
        write_table(&mut page, "| Operation | How it ended |\n|:--|:--|\n", &rows[..count]);
        cut(&mut page, rows.len() - count, "operation", "operations");
        page.push_str(&notes);
    }
    if !advice.is_empty() {
        page.push_str(&format!("\n{advice}"));
    }
    page.push_str(&tail);
    page
}

fn tail(document: &OutcomeDocument, origin: &PageOrigin) -> String {
    let mut parts = vec![format!("decision digest `{}…`", short_digest(&document.decision_digest))];
    parts.extend(origin.parts());
    parts.push(format!("finished {}", minute(document.finished_at)));
    parts.push(words::portals(&document.portals, markdown_code));
    parts.push(markdown_text(&document.tool));
    format!("\n<sub>{}</sub>\n", parts.join(" · "))
}

/// Messages that several entries have, each said once.
struct Notes<'a>(Vec<&'a str>);

impl<'a> Notes<'a> {
    fn of(entries: &[&'a OutcomeEntry]) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let messages = || entries.iter().filter_map(|entry| entry.message.as_deref());
        messages().for_each(|message| *counts.entry(message).or_default() += 1);
        let mut notes = Vec::new();
        for message in messages() {
            if counts.remove(message).is_some_and(|count| count > 1) {
                notes.push(message);
            }
        }
        Self(notes)
    }

    fn number(&self, message: &str) -> Option<usize> {
        self.0.iter().position(|note| *note == message).map(|index| index + 1)
    }

    fn shown(&self, limit: usize) -> String {
        let notes: Vec<String> = self
            .0
            .iter()
            .enumerate()
            .map(|(index, note)| format!("\nNote {}: {}\n", index + 1, markdown_text(note)))
            .collect();
        let count = fitting(&notes, limit);
        let mut text = notes[..count].concat();
        cut(&mut text, notes.len() - count, "note", "notes");
        text
    }
}

/// The rows of the table, and what they are made from.
struct Rows<'a> {
    names: Names,
    planned: HashMap<OfferKey, &'a Entry>,
    notes: Notes<'a>,
    links: Links<'a>,
}

impl Rows<'_> {
    fn row(&self, entry: &OutcomeEntry, columns: OutcomeColumns) -> String {
        let planned = self.planned.get(&entry.key());
        let own = planned.and_then(|planned| planned.operation.as_deref());
        let product = entry.product_id.as_ref().or_else(|| planned.and_then(|planned| planned.product_id.as_ref()));
        let page = Links::page(own, product).filter(|_| columns.page);
        let name = self.names.show(entry.portal, &entry.publisher, &entry.offer, page.as_deref());
        let address = own
            .filter(|own| columns.location && own.id == entry.operation_id)
            .and_then(|own| self.links.told(entry.portal, &own.location));
        let id = short_id(&entry.operation_id);
        let hit = own.map_or_else(
            || markdown_code(&id),
            |own| {
                if columns.how {
                    operation(own, &id, address.as_deref())
                } else {
                    format!("{} {}", kind(own), markdown_code(&id))
                }
            },
        );
        let (label, how) = (words::outcome(entry.outcome), self.how(entry, columns));
        // Not "cancelled: cancelled at once".
        let how = match how.strip_prefix(label) {
            Some(rest) => format!("**{label}**{rest}"),
            None if how.is_empty() => format!("**{label}**"),
            None => format!("**{label}**: {how}"),
        };
        format!("| {} {name} {hit} | {how} |\n", icon(entry.outcome))
    }

    fn how(&self, entry: &OutcomeEntry, columns: OutcomeColumns) -> String {
        let mut how: Vec<String> = Vec::new();
        how.extend(words::how(entry).filter(|_| columns.how).map(|how| markdown_text(&how)));
        if let Some(location) = entry.location.as_deref().filter(|_| columns.location) {
            let address = self.links.told(entry.portal, location);
            how.push(match address {
                Some(address) => linked("cancel operation", Some(&address)),
                None => format!("the portal points to {}", markdown_code(location)),
            });
        }
        if let Some(message) = &entry.message {
            match self.notes.number(message) {
                Some(number) => how.push(format!("note {number}")),
                None if columns.how => how.push(markdown_text(message)),
                None => {}
            }
        }
        how.extend(entry.followed_by.as_ref().map(words::follower).map(|text| markdown_text(&text)));
        how.join("; ")
    }
}

const fn icon(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Cancelled => "✅",
        Outcome::Accepted => "⏳",
        Outcome::AlreadyDone => "☑️",
        Outcome::Completed | Outcome::Failed => "❌",
        Outcome::Superseded => "↪️",
        Outcome::Unknown => "❓",
        Outcome::NotAttempted => "⏹️",
    }
}
