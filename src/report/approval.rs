//! What was approved and what would be done now: the difference, for people.
//!
//! Owns how it is said in text and in Markdown, and what to do about it. Addresses of people are
//! counted in Markdown, as everywhere on a pull request.

use super::escape::{markdown_code, terminal};
use super::markdown::{cut, fitting, table};
use super::words::counted;
use crate::plan::{Comparison, Difference, Relation};

/// What to do when a decision is not the approved one.
const ADVICE: &str = "Nothing was sent. To have it approved: open a pull request that changes the desired state (a pin, a reason, or the \
     mark itself), let its plan run, have it reviewed, and merge it. If the pull request is still open, run its plan again.";

/// Where a decision was approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedAt {
    /// The pull request.
    pub pull_request: u64,
    /// Its head.
    pub head: String,
}

/// Why an apply did not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What was approved can't be told.
    NotTold(String),
    /// It is another thing than what would be done; the second is none where only digests could be compared.
    Different(ApprovedAt, Option<Comparison>),
}

fn at(approved: &ApprovedAt) -> String {
    format!("#{} at {}", approved.pull_request, short(&approved.head))
}

fn short(hex: &str) -> &str {
    hex.get(..7).unwrap_or(hex)
}

/// As text for a terminal.
#[must_use]
pub fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotTold(why) => format!("not applied, because it can't be seen to be approved: {why}"),
        Refusal::Different(approved, comparison) => {
            let mut text = format!("not applied: what would be done is not what was approved on {}\n", at(approved));
            match comparison {
                Some(comparison) => comparison.differences.iter().for_each(|one| text.push_str(&line(one))),
                None => text
                    .push_str("  the decision digests differ, and the approved decision is too long to be compared\n"),
            }
            text + ADVICE
        }
    }
}

fn line(one: &Difference) -> String {
    let side = |text: &Option<String>| text.as_deref().map_or("nothing".into(), |text| terminal(text).into_owned());
    let allowed = if one.is_allowed { " (which may be)" } else { "" };
    format!("  {} {}: approved {}, now {}{allowed}\n", one.subject, one.field, side(&one.approved), side(&one.now))
}

/// As Markdown of fewer bytes than the limit.
#[must_use]
pub fn refusal_markdown(refusal: &Refusal, limit: usize) -> String {
    match refusal {
        Refusal::NotTold(why) => {
            format!("### Not applied: it can't be seen to be approved\n\n{}\n\nNothing was sent.\n", markdown_code(why))
        }
        Refusal::Different(approved, comparison) => {
            let mut page = format!(
                "### Not applied: this is not what was approved\n\nApproved on #{} at {}.\n",
                approved.pull_request,
                markdown_code(short(&approved.head))
            );
            match comparison {
                Some(comparison) => page.push_str(&difference_table(comparison, limit.saturating_sub(2_000))),
                None => page
                    .push_str("\nThe decision digests differ, and the approved decision is too long to be compared.\n"),
            }
            page.push_str(&format!("\n{ADVICE}\n"));
            page
        }
    }
}

fn difference_table(comparison: &Comparison, limit: usize) -> String {
    let side = |one: &Difference, text: &Option<String>| match text {
        None => "nothing".to_owned(),
        Some(text) if one.field == "notificationEmails" => {
            let count = text.split(", ").filter(|address| !address.is_empty()).count();
            counted(count, "recipient")
        }
        Some(text) => markdown_code(text),
    };
    let rows: Vec<String> = comparison
        .differences
        .iter()
        .map(|one| {
            format!(
                "| {} {} {} | {} | {} |\n",
                if one.is_allowed { "✔️" } else { "⛔" },
                markdown_code(&one.subject),
                one.field,
                side(one, &one.approved),
                side(one, &one.now),
            )
        })
        .collect();
    let count = fitting(&rows, limit);
    let mut page = "\n".to_owned();
    table(&mut page, "| Offer | Approved | Now |\n|:--|:--|:--|\n", &rows[..count]);
    cut(&mut page, rows.len() - count, "difference", "differences");
    page
}

/// For the check of a commit after the review: whether this is still the decision that was approved.
#[must_use]
pub fn continuity(refusal: Option<&Refusal>, approved: Option<(&ApprovedAt, Relation)>, limit: usize) -> String {
    match (refusal, approved) {
        (Some(Refusal::NotTold(why)), _) => {
            format!("\n**Not compared with what was approved:** {}\n", markdown_code(why))
        }
        (Some(Refusal::Different(approved, comparison)), _) => {
            let table = comparison.as_ref().map(|one| difference_table(one, limit)).unwrap_or_default();
            format!("\n⛔ **Not the decision that was approved** on {}.\n{table}", at(approved))
        }
        (None, Some((approved, Relation::Equal))) => {
            format!("\n✅ **Same decision as approved** on {}.\n", at(approved))
        }
        (None, Some((approved, _))) => format!(
            "\n✅ **Part of the decision that was approved** on {}: the rest is over or being cancelled already.\n",
            at(approved)
        ),
        (None, None) => String::new(),
    }
}
