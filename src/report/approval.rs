//! What was approved and what would be done now, for people.
//!
//! Owns how it is said in text and in Markdown, and what to do about it. Addresses of people are
//! counted in Markdown, as everywhere on a pull request.

use super::escape::{markdown_code, terminal};
use super::markdown::{cut, fitting, write_table};
use super::words::counted;
use crate::plan::{EntryApproval, EntryVerdict};

/// What to do about an entry that was not approved.
const ADVICE: &str = "To have it approved, open a pull request that changes the desired state (a pin, a reason, or the mark itself), \
     wait for its plan, have it reviewed, and merge it.";

/// The most reasons that are said of pull requests that approve nothing.
const MOST_REASONS: usize = 5;

/// Why an apply was not carried out, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What was approved can't be told.
    NotTold(String),
    /// These desired files are not those at the head of the branch.
    NotWanted {
        /// The branch.
        branch: String,
        /// The files.
        files: Vec<String>,
    },
    /// These entries were not approved.
    Unapproved {
        /// Those that were not.
        entries: Vec<EntryVerdict>,
        /// How many were.
        approved: usize,
        /// Why merged pull requests approve nothing.
        reasons: Vec<String>,
    },
}

fn subject(verdict: &EntryVerdict) -> String {
    format!("{}/{}", verdict.entry.publisher, verdict.entry.offer)
}

fn headline(entries: &[EntryVerdict], approved: usize) -> String {
    let all = entries.len() + approved;
    format!("no approval found for {} of {}", entries.len(), counted(all, "cancellation"))
}

fn not_wanted(branch: &str, files: &[String]) -> String {
    format!(
        "the desired state is no longer wanted as it is: {} at the head of the branch {branch}",
        match files {
            [one] => format!("{one} is another"),
            several => format!("{} are others", several.join(", ")),
        }
    )
}

/// As text for a terminal.
#[must_use]
pub fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NotTold(why) => format!("not applied: the approval could not be checked: {}", terminal(why)),
        Refusal::NotWanted { branch, files } => {
            let what = not_wanted(branch, files);
            format!("not applied: {}. Run the workflow on the newest commit.", terminal(&what))
        }
        Refusal::Unapproved { entries, approved, reasons } => {
            let mut text = format!("not applied: {}\n", headline(entries, *approved));
            text.extend(entries.iter().map(line));
            for reason in reasons.iter().take(MOST_REASONS) {
                text.push_str(&format!("  {}\n", terminal(reason)));
            }
            text + ADVICE
        }
    }
}

fn line(verdict: &EntryVerdict) -> String {
    let operation = verdict.entry.operation_id.to_string();
    let why = match &verdict.approval {
        EntryApproval::Approved(number) => format!("approved in #{number}"),
        EntryApproval::OtherOperation(number, other) => format!("#{number} approved another operation, {other}"),
        EntryApproval::OtherRecipients(number, emails) => {
            let list = |emails: &[crate::domain::EmailAddress]| {
                emails.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let (before, now) = (list(emails), list(&verdict.entry.notification_emails));
            format!("#{number} approved other recipients: {before}, and now {now}")
        }
        EntryApproval::Missing => "no merged pull request approved its cancellation".to_owned(),
        EntryApproval::NewUnderFreeze => "new: it runs under a freeze and was in no approved plan".to_owned(),
    };
    format!("  {} operation {}: {}\n", terminal(&subject(verdict)), terminal(&operation), terminal(&why))
}

/// As Markdown of fewer bytes than the limit.
#[must_use]
pub fn refusal_markdown(refusal: &Refusal, limit: usize) -> String {
    match refusal {
        Refusal::NotTold(why) => {
            format!(
                "### Not applied: the approval could not be checked\n\n{}\n\nNothing was sent.\n",
                markdown_code(why)
            )
        }
        Refusal::NotWanted { branch, files } => format!(
            "### Not applied: the desired state is no longer wanted as it is\n\n{}\n\nNothing was sent. Run the workflow on the newest commit.\n",
            markdown_code(&not_wanted(branch, files))
        ),
        Refusal::Unapproved { entries, approved, reasons } => {
            let mut page = format!("### Not applied: {}\n", headline(entries, *approved));
            page.push_str(&verdict_table(entries, limit.saturating_sub(4_000)));
            for reason in reasons.iter().take(MOST_REASONS) {
                let short: String = reason.chars().take(300).collect();
                page.push_str(&format!("\n- {}", markdown_code(&short)));
            }
            page.push_str(&format!("\n\n{ADVICE}\n"));
            page
        }
    }
}

fn verdict_table(verdicts: &[EntryVerdict], limit: usize) -> String {
    let rows: Vec<String> = verdicts
        .iter()
        .map(|verdict| {
            let now = markdown_code(&verdict.entry.operation_id.to_string());
            let (sign, approved, now) = match &verdict.approval {
                EntryApproval::Approved(number) => ("✔️", format!("on #{number}"), now),
                EntryApproval::OtherOperation(number, other) => {
                    ("⛔", format!("{} on #{number}", markdown_code(&other.to_string())), now)
                }
                EntryApproval::OtherRecipients(number, emails) => {
                    let count = |count| counted(count, "recipient");
                    let now = format!("{now}, other recipients ({})", count(verdict.entry.notification_emails.len()));
                    ("⛔", format!("{} on #{number}", count(emails.len())), now)
                }
                EntryApproval::Missing => ("⛔", "nothing".to_owned(), now),
                EntryApproval::NewUnderFreeze => ("⛔", "nothing".to_owned(), format!("{now}, new under a freeze")),
            };
            format!("| {sign} {} | {approved} | {now} |\n", markdown_code(&subject(verdict)))
        })
        .collect();
    let count = fitting(&rows, limit);
    let mut page = "\n".to_owned();
    write_table(&mut page, "| Offer | Approved | Now |\n|:--|:--|:--|\n", &rows[..count]);
    cut(&mut page, rows.len() - count, "cancellation", "cancellations");
    page
}

/// For the check of a commit after the review: whether what would be cancelled now is what was approved.
#[must_use]
pub fn continuity(verdicts: &Result<Vec<EntryVerdict>, Refusal>, limit: usize) -> String {
    let verdicts = match verdicts {
        Ok(verdicts) => verdicts,
        Err(refusal) => {
            return format!("**Not compared with what was approved:** {}\n", markdown_code(&refusal_text(refusal)));
        }
    };
    let missing: Vec<EntryVerdict> = verdicts.iter().filter(|verdict| !verdict.is_approved()).cloned().collect();
    if verdicts.is_empty() {
        return "✅ **Nothing to cancel**, so nothing to approve.\n".to_owned();
    }
    if missing.is_empty() {
        let mut numbers: Vec<u64> = verdicts
            .iter()
            .filter_map(|verdict| match verdict.approval {
                EntryApproval::Approved(number) => Some(number),
                _ => None,
            })
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let numbers: Vec<String> = numbers.iter().map(|number| format!("#{number}")).collect();
        return format!("✅ **Approved** on {}.\n", numbers.join(", "));
    }
    let approved = verdicts.len() - missing.len();
    format!("⛔ **Not as approved:** {}.\n{}", headline(&missing, approved), verdict_table(&missing, limit))
}
