//! An outcome as Markdown, the way a pull request shows it.
//!
//! Owns layout and the limit on its size; rows are cut whole.

use std::collections::HashMap;

use super::escape::markdown_code;
use super::markdown::{cut, fitting, linked, table};
use super::words;
use crate::outcome::{Outcome, OutcomeDocument, OutcomeEntry};
use crate::plan::Plan;

/// What stays free for the sentences that say what was cut.
const RESERVE: usize = 1_000;

/// The outcome as Markdown of fewer bytes than the limit, which is at least 10,000. The plan
/// knows where the operations are.
#[must_use]
pub fn outcome_markdown(document: &OutcomeDocument, plan: &Plan, limit: usize) -> String {
    let locations: HashMap<&str, &str> = plan
        .entries
        .iter()
        .filter_map(|entry| entry.operation.as_ref())
        .map(|operation| (operation.id.as_str(), operation.location.as_str()))
        .collect();
    let mut page = format!("### {}\n", words::outcome_headline(document));
    let tail = format!(
        "\n<sub>{} · portal {} · finished {} · decision digest `{}`</sub>\n",
        markdown_code(&document.tool),
        words::portals(&document.portals, markdown_code),
        document.finished_at,
        document.decision_digest,
    );
    let entries: Vec<&OutcomeEntry> =
        Outcome::ALL.into_iter().flat_map(|outcome| document.entries_with(outcome)).collect();
    let rows: Vec<String> = entries.iter().map(|entry| row(entry, document, &locations)).collect();
    let advice: String = Outcome::ALL
        .into_iter()
        .filter(|outcome| document.summary.count(*outcome) > 0)
        .filter_map(|outcome| words::advice(outcome).map(|text| format!("- **{}**: {text}\n", outcome.as_str())))
        .collect();
    let budget = limit.max(10_000).saturating_sub(page.len() + tail.len() + advice.len() + RESERVE);
    if !rows.is_empty() {
        let count = fitting(&rows, budget);
        page.push('\n');
        table(&mut page, "| | Offer | Operation | How |\n|:--|:--|:--|:--|\n", &rows[..count]);
        cut(&mut page, rows.len() - count, "operation", "operations");
    }
    if !advice.is_empty() {
        page.push_str(&format!("\n{advice}"));
    }
    page.push_str(&tail);
    page
}

fn is_on_its_portal(location: &str, entry: &OutcomeEntry, document: &OutcomeDocument) -> bool {
    let portal = document.portals.iter().find(|planned| planned.portal == entry.portal);
    portal
        .is_some_and(|planned| location.strip_prefix(planned.origin.as_str()).is_some_and(|path| path.starts_with('/')))
}

fn row(entry: &OutcomeEntry, document: &OutcomeDocument, locations: &HashMap<&str, &str>) -> String {
    let icon = match entry.outcome {
        Outcome::Cancelled => "✅ cancelled",
        Outcome::Accepted => "⏳ accepted",
        Outcome::AlreadyDone => "☑️ already done",
        Outcome::Completed => "❌ completed",
        Outcome::Superseded => "↪️ superseded",
        Outcome::Failed => "❌ failed",
        Outcome::Unknown => "❓ unknown",
        Outcome::NotAttempted => "⏹️ not attempted",
    };
    let id = entry.operation_id.as_str();
    let mut how: Vec<String> = words::how(entry).map(|how| markdown_code(&how)).into_iter().collect();
    if let Some(location) = &entry.location {
        how.push(if is_on_its_portal(location, entry, document) {
            linked("cancel operation", location)
        } else {
            format!("the portal points to {}", markdown_code(location))
        });
    }
    how.extend(entry.message.as_deref().map(markdown_code));
    how.extend(entry.followed_by.as_ref().map(words::follower));
    format!(
        "| {icon} | {} | {} | {} |\n",
        markdown_code(&format!("{} / {}", entry.publisher, entry.offer)),
        linked(&markdown_code(id), locations.get(id).copied().unwrap_or_default()),
        how.join("; "),
    )
}
