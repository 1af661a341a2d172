//! The first table of a plan: every cancellation one row, and behind it the details of each.
//!
//! Owns which columns are left out where there are too many rows for all of them. Details go first, then columns,
//! then links; a row stays as long as names and ids alone fit.

use super::cells::{Names, entry_operation, kind, minute, operation, reason, short_id, step};
use super::diff::pending_operation_diff;
use super::escape::{fence_for, markdown_code, markdown_text};
use super::links::Links;
use super::markdown::{cut, fitting, total, write_table};
use super::words::{self, counted};
use crate::plan::{Entry, Note, Plan};

/// The most names in the warning about marks that are not pinned.
const MOST_UNPINNED: usize = 3;

/// What a row tells.
#[derive(Debug, Clone, Copy)]
struct CancelColumns {
    state: bool,
    since: bool,
    reason: bool,
    page: bool,
    location: bool,
}

/// From all there is to say down to name and id.
const LEVELS: [CancelColumns; 6] = [
    CancelColumns { state: true, since: true, reason: true, page: true, location: true },
    CancelColumns { state: true, since: false, reason: true, page: true, location: true },
    CancelColumns { state: false, since: false, reason: true, page: true, location: true },
    CancelColumns { state: false, since: false, reason: false, page: true, location: true },
    CancelColumns { state: false, since: false, reason: false, page: true, location: false },
    CancelColumns { state: false, since: false, reason: false, page: false, location: false },
];

/// The rows of the table.
pub(super) struct CancelRows {
    header: String,
    rows: Vec<String>,
    shown: usize,
    leaves_out: bool,
}

impl CancelRows {
    /// The rows with as much in them as lets all of them fit.
    pub fn fitting(entries: &[&Entry], plan: &Plan, names: Names, links: Links<'_>, budget: usize) -> Self {
        let at = |columns: CancelColumns| {
            let rows: Vec<String> = entries.iter().map(|entry| row(entry, names, links, columns)).collect();
            (header(columns, plan.refused.is_some()), rows)
        };
        let fits = |(header, rows): &(String, Vec<String>)| header.len() + total(rows) <= budget;
        let (richest, others) = (at(LEVELS[0]), &LEVELS[1..]);
        if fits(&richest) {
            let (header, rows) = richest;
            return Self { shown: rows.len(), header, rows, leaves_out: false };
        }
        let poorest = LEVELS[LEVELS.len() - 1];
        let (header, rows) = others.iter().map(|columns| at(*columns)).find(fits).unwrap_or_else(|| at(poorest));
        let shown = fitting(&rows, budget.saturating_sub(header.len()));
        Self { header, rows, shown, leaves_out: true }
    }

    /// How long it is.
    pub fn bytes(&self) -> usize {
        if self.rows.is_empty() { 0 } else { self.header.len() + total(&self.rows[..self.shown]) }
    }

    /// Writes the table.
    pub fn write(&self, page: &mut String) {
        if self.rows.is_empty() {
            return;
        }
        page.push('\n');
        write_table(page, &self.header, &self.rows[..self.shown]);
        cut(page, self.rows.len() - self.shown, "operation to cancel", "operations to cancel");
        if self.leaves_out && self.shown == self.rows.len() {
            page.push_str(
                "\nEvery operation is named above. What else there is to say of each did not fit within GitHub's limit; \
                 the summary of the run has it.\n",
            );
        }
    }
}

fn header(columns: CancelColumns, is_refused: bool) -> String {
    let first = if is_refused { "Would cancel" } else { "Cancels" };
    // A phone shows two columns: what, and why.
    let titles = [Some(first), columns.reason.then_some("Why"), columns.state.then_some("Stands at")];
    let titles: Vec<&str> = titles.into_iter().flatten().collect();
    format!("| {} |\n|{}\n", titles.join(" | "), ":--|".repeat(titles.len()))
}

fn row(entry: &Entry, names: Names, links: Links<'_>, columns: CancelColumns) -> String {
    let own = entry.operation.as_deref();
    let page = Links::page(own, entry.product_id.as_ref()).filter(|_| columns.page);
    let name = names.entry(entry, page.as_deref());
    let cancelled = match own {
        Some(_) if columns.location => entry_operation(entry, links, true),
        // Without a link that has it, the id stands in full.
        Some(own) if page.is_none() => Some(operation(own, own.id.as_str(), None)),
        Some(own) => Some(operation(own, &short_id(&own.id), None)),
        None => None,
    };
    let pin = if is_unpinned(entry) { " ⚠️" } else { "" };
    let cells = [
        Some(format!("{name} {}{pin}", cancelled.unwrap_or_default())),
        columns.reason.then(|| reason(entry)),
        columns.state.then(|| {
            let since = own.and_then(|own| own.changed_at).filter(|_| columns.since);
            let since = since.map(|at| format!("unchanged since {}", minute(at)));
            [own.and_then(step), since].into_iter().flatten().collect::<Vec<_>>().join("; ")
        }),
    ];
    let cells: Vec<String> = cells.into_iter().flatten().collect();
    format!("| {} |\n", cells.join(" | "))
}

fn is_unpinned(entry: &Entry) -> bool {
    entry.note == Some(Note::Unpinned) && !entry.is_frozen()
}

/// What reaches further than this plan: marks that are not pinned, and freezes.
pub(super) fn pin_warnings(plan: &Plan, names: Names) -> String {
    let cancels = || plan.entries_with(crate::plan::Decision::Cancel);
    let unpinned: Vec<&Entry> = cancels().filter(|entry| is_unpinned(entry)).collect();
    let frozen = cancels().filter(|entry| entry.is_frozen()).count();
    let mut text = String::new();
    match unpinned.as_slice() {
        [] => {}
        [entry] => {
            let pin = entry
                .operation
                .as_ref()
                .map(|own| format!(" To pin it, add {}.", markdown_code(&format!("operationId: {}", own.id))));
            text.push_str(&format!(
                "\n⚠️ **{} is not pinned:** while its mark stays in the file, every future operation of this offer is \
                 cancelled too.{}\n",
                names.entry(entry, None),
                pin.unwrap_or_default()
            ));
        }
        several => {
            let who = if several.len() <= MOST_UNPINNED {
                several.iter().map(|entry| names.entry(entry, None)).collect::<Vec<_>>().join(", ") + " are not pinned"
            } else {
                format!("{} are not pinned (⚠️ in the table)", counted(several.len(), "mark"))
            };
            text.push_str(&format!(
                "\n⚠️ **{who}:** while such a mark stays in the file, every future operation of its offer is cancelled \
                 too. To pin one, add its `operationId`.\n"
            ));
        }
    }
    if frozen > 0 {
        text.push_str(&format!(
            "\n🧊 **A freeze cancels {}:** until it ends, every operation that starts on a matching offer is cancelled.\n",
            if frozen == 1 { "one of these operations".to_owned() } else { format!("{frozen} of these operations") }
        ));
    }
    if !text.is_empty() {
        text.push_str(
            "With `apply --reviewed`, only operations are cancelled that a reviewer saw in a plan: one that starts after the \
             approval is not attempted, and is named as new.\n",
        );
    }
    text
}

/// All there is to say about each cancellation, folded, as far as it fits.
pub(super) fn details(entries: &[&Entry], plan: &Plan, names: Names, links: Links<'_>, budget: usize) -> String {
    const START: &str = "\n<details><summary>Details: portal messages, notifications, differences</summary>\n";
    const END: &str = "\n</details>\n";
    if entries.is_empty() {
        return String::new();
    }
    let digest = format!("\nDecision digest: `{}`\n", plan.decision_digest);
    let fixed = START.len() + END.len() + digest.len();
    if budget < fixed {
        return String::new();
    }
    let blocks: Vec<String> = entries.iter().map(|entry| block(entry, names, links)).collect();
    let shown = fitting(&blocks, budget - fixed);
    let mut text = START.to_owned();
    text.extend(blocks[..shown].iter().map(String::as_str));
    cut(&mut text, blocks.len() - shown, "operation's details", "operations' details");
    text + &digest + END
}

fn block(entry: &Entry, names: Names, links: Links<'_>) -> String {
    let page = Links::page(entry.operation.as_deref(), entry.product_id.as_ref());
    let mut block = format!("\n#### {}\n\n", names.entry(entry, page.as_deref()));
    let mut facts = Vec::new();
    if let Some(own) = entry.operation.as_deref() {
        let address = links.told(entry.portal, &own.location);
        let changed = own.changed_at.map(|at| format!(", unchanged since {}", minute(at))).unwrap_or_default();
        facts.push(format!("Operation: {}{changed}", operation(own, own.id.as_str(), address.as_deref())));
        let job = own.job_id.as_ref().map(|job| format!("Job: {}", markdown_code(job.as_str())));
        facts.extend(job);
        if let Some(estimate) = &own.step_estimate {
            facts.push(format!("The portal says that this step takes {}", markdown_code(estimate)));
        }
    }
    if let Some(message) = &entry.message {
        facts.push(format!("The portal says: {}", markdown_text(message)));
    }
    facts.push(format!("Why: {}", reason(entry)));
    if !entry.notification_emails.is_empty() {
        facts.push(format!("E-mail notification requested for {}", recipients(entry)));
    }
    if let Some(expires) = entry.expires {
        facts.push(format!("The mark expires at {}", minute(expires)));
    }
    if let Some(own) = entry.operation.as_deref().filter(|_| is_unpinned(entry)) {
        facts.push(format!(
            "⚠️ Not pinned. To cancel this {} and no later one, add {}",
            kind(own),
            markdown_code(&format!("operationId: {}", own.id))
        ));
    }
    block.extend(facts.iter().map(|line| format!("- {line}\n")));
    let diff = pending_operation_diff(entry);
    if !diff.is_empty() {
        let fence = fence_for(&diff);
        block.push_str(&format!("\n{fence}diff\n{diff}{fence}\n"));
    }
    block
}

/// Who is told: people's addresses stay out of comments.
fn recipients(entry: &Entry) -> String {
    let hosts = words::recipients(&entry.notification_emails);
    let mut told: Vec<String> =
        hosts.iter().take(5).map(|(count, host)| format!("{count} at {}", markdown_code(host))).collect();
    if hosts.len() > 5 {
        told.push(format!("and at {} more hosts", hosts.len() - 5));
    }
    told.join(", ")
}
