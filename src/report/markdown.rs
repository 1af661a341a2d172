//! A plan as Markdown, the way a pull request shows it.
//!
//! Owns layout and the limit on its size. What is cut is cut in whole blocks and rows, never
//! inside a fence or a table row; the counts stay, and the text says what was cut.

use super::diff::pending_operation_diff;
use super::escape::{fence_for, markdown_code};
use super::words::{self, counted};
use crate::domain::Operation;
use crate::plan::{Decision, Entry, Plan};

/// The most bytes of Markdown for a comment. GitHub's limit is 65,536, and whether that means
/// bytes or characters is not settled.
pub const COMMENT_LIMIT: usize = 60_000;

/// What stays free for the sentences that say what was cut.
const RESERVE: usize = 2_000;

/// The plan as Markdown of fewer bytes than the limit, which is at least 10,000.
#[must_use]
pub fn plan_markdown(plan: &Plan, limit: usize) -> String {
    let head = head(plan);
    let tail = tail(plan);
    let budget = limit.max(10_000).saturating_sub(head.len() + tail.len() + RESERVE);

    let cancels: Vec<&Entry> = plan.entries_with(Decision::Cancel).collect();
    let blocks: Vec<String> = cancels.iter().map(|entry| block(entry, plan)).collect();
    let rows: Vec<String> = cancels.iter().map(|entry| cancel_row(entry)).collect();
    let attention: Vec<String> = [Decision::Blocked, Decision::Error, Decision::Wait]
        .into_iter()
        .flat_map(|decision| plan.entries_with(decision))
        .map(attention_row)
        .collect();
    let quiet: Vec<String> = [Decision::InSync, Decision::Expired]
        .into_iter()
        .flat_map(|decision| plan.entries_with(decision))
        .map(quiet_row)
        .collect();

    let all = total(&blocks) + total(&attention) + total(&quiet);
    let share = |percent: usize| if all <= budget { budget } else { budget / 100 * percent };
    // Where not everything fits, each kind may use its share and what those before it left over.
    let mut used = 0;
    let mut take = |items: &[String], percent: usize| {
        let count = fitting(items, share(percent).saturating_sub(used));
        used += total(&items[..count]);
        count
    };
    let full = take(&blocks, 50);
    let short = take(&rows[full..], 75);
    let seen = take(&attention, 90);
    let folded = take(&quiet, 100);

    let mut page = head;
    page.extend(blocks[..full].iter().map(String::as_str));
    let rest = &rows[full..];
    if !rest.is_empty() {
        page.push_str("\n#### More operations that will be cancelled\n\n");
        table(&mut page, "| Offer | Operation | Step | Mark |\n|:--|:--|:--|:--|\n", &rest[..short]);
        cut(&mut page, rest.len() - short, "operation to cancel", "operations to cancel");
    }
    if !attention.is_empty() {
        page.push_str("\n#### Not done, and why\n\n");
        table(&mut page, "| Offer | Why |\n|:--|:--|\n", &attention[..seen]);
        cut(&mut page, attention.len() - seen, "offer that needs attention", "offers that need attention");
    }
    if !quiet.is_empty() {
        let need = if quiet.len() == 1 { "needs" } else { "need" };
        page.push_str(&format!(
            "\n<details><summary>{} {need} nothing</summary>\n\n",
            counted(quiet.len(), "marked offer")
        ));
        table(&mut page, "| Offer | Why | Mark |\n|:--|:--|:--|\n", &quiet[..folded]);
        cut(&mut page, quiet.len() - folded, "offer that needs nothing", "offers that need nothing");
        page.push_str("\n</details>\n");
    }
    page.push_str(&tail);
    page
}

fn total(items: &[String]) -> usize {
    items.iter().map(String::len).sum()
}

/// How many of the items fit.
pub(super) fn fitting(items: &[String], budget: usize) -> usize {
    let mut sum = 0;
    items
        .iter()
        .take_while(|item| {
            sum += item.len();
            sum <= budget
        })
        .count()
}

pub(super) fn table(page: &mut String, header: &str, rows: &[String]) {
    if !rows.is_empty() {
        page.push_str(header);
        page.extend(rows.iter().map(String::as_str));
    }
}

pub(super) fn cut(page: &mut String, count: usize, one: &str, many: &str) {
    if count > 0 {
        let (noun, verb) = if count == 1 { (one, "is") } else { (many, "are") };
        page.push_str(&format!(
            "\n**{count} more {noun} {verb} not shown here**, to keep within GitHub's limit. The counts above hold all of them, \
             the plan document lists all of them.\n"
        ));
    }
}

fn head(plan: &Plan) -> String {
    let mut head = format!("### {}\n", words::headline(plan));
    if let Some(refused) = &plan.refused {
        head.push_str(&format!(
            "\n> [!CAUTION]\n> **Refused:** {}. Nothing of this plan can be applied.\n",
            markdown_code(refused)
        ));
    } else if plan.summary.cancel > 0 {
        head.push_str(&format!("\n{}\n", words::IRREVERSIBLE));
    }
    head
}

fn tail(plan: &Plan) -> String {
    format!(
        "\n{}\n\n<sub>{} · portal {} · {} {} · decision digest `{}`</sub>\n",
        words::coverage(plan),
        markdown_code(&plan.tool),
        words::portals(&plan.portals, markdown_code),
        if plan.unread() > 0 { "not read" } else { "read" },
        plan.created_at,
        plan.decision_digest,
    )
}

pub(super) fn name(entry: &Entry) -> String {
    markdown_code(&format!("{} / {}", entry.publisher, entry.offer))
}

fn place(entry: &Entry) -> String {
    markdown_code(&format!("{}:{}", entry.source.path, entry.source.line))
}

/// The kind of an operation: in bold where it is one of the API's own words.
pub(super) fn kind(operation: &Operation) -> String {
    match words::kind(operation) {
        known @ ("publish" | "golive" | "operation") => format!("**{known}**"),
        other => markdown_code(other),
    }
}

/// The id, as a link to the operation in the portal where its address is one that can be linked.
pub(super) fn link(operation: &Operation) -> String {
    linked(&markdown_code(operation.id.as_str()), &operation.location)
}

/// Markdown as a link, where the address is one that can stand in a link.
pub(super) fn linked(text: &str, address: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&*+,;=%[]".contains(&byte);
    if (address.starts_with("https://") || address.starts_with("http://")) && address.bytes().all(plain) {
        format!("[{text}]({address})")
    } else {
        text.to_owned()
    }
}

pub(super) fn step_name(operation: &Operation) -> Option<String> {
    let parts = [
        operation.step.as_deref().map(markdown_code),
        operation.step_status.as_ref().map(|status| markdown_code(status.as_str())),
        operation.progress.map(|progress| format!("{progress} %")),
    ];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// One cancellation with all there is to say about it.
fn block(entry: &Entry, plan: &Plan) -> String {
    let mut block = format!("\n#### 🛑 {}\n", name(entry));
    let mut rows: Vec<(String, String)> = Vec::new();
    if let Some(operation) = &entry.operation {
        let change =
            words::last_change(operation, plan.created_at).map(|change| format!(", {change}")).unwrap_or_default();
        let verb = if plan.refused.is_some() { "Would cancel" } else { "Cancels" };
        block.push_str(&format!("{verb} {} {}{change}\n", kind(operation), link(operation)));
        if let Some(step) = step_name(operation) {
            let title = words::step_of(operation).map_or_else(|| "Step".to_owned(), |of| format!("Step {of}"));
            let estimate = operation.step_estimate.as_deref().map(|text| format!(" (takes {})", markdown_code(text)));
            rows.push((title, step + estimate.as_deref().unwrap_or_default()));
        }
    }
    if let Some(message) = &entry.message {
        rows.push(("Portal says".to_owned(), markdown_code(message)));
    }
    let reason = entry.reason.as_deref().map_or_else(|| "none given".to_owned(), markdown_code);
    rows.push(("Reason".to_owned(), format!("{reason} ({})", place(entry))));
    if !entry.notification_emails.is_empty() {
        let hosts = words::recipients(&entry.notification_emails);
        let mut told: Vec<String> =
            hosts.iter().take(5).map(|(count, host)| format!("{count} at {}", markdown_code(host))).collect();
        if hosts.len() > 5 {
            told.push(format!("and at {} more hosts", hosts.len() - 5));
        }
        rows.push(("Told by mail".to_owned(), told.join(", ")));
    }
    for (index, (title, text)) in rows.iter().enumerate() {
        block.push_str(&if index == 0 {
            format!("\n| {title} | {text} |\n|:--|:--|\n")
        } else {
            format!("| {title} | {text} |\n")
        });
    }
    let diff = pending_operation_diff(entry);
    if !diff.is_empty() {
        let fence = fence_for(&diff);
        block.push_str(&format!("\n{fence}diff\n{diff}{fence}\n"));
    }
    if words::note(entry).is_some_and(|(name, _)| name == "unpinned") {
        block.push_str(&format!(
            "\n⚠️ **Unpinned.** The mark has no `operationId`: left in the file it cancels every later operation too. {}\n",
            entry
                .operation
                .as_ref()
                .map(|operation| format!("Pin it: {}", markdown_code(&format!("operationId: {}", operation.id))))
                .unwrap_or_default(),
        ));
    }
    block
}

/// One cancellation in a row.
fn cancel_row(entry: &Entry) -> String {
    let operation = entry.operation.as_deref();
    format!(
        "| 🛑 {} | {} | {} | {} |\n",
        name(entry),
        operation.map(|operation| format!("{} {}", kind(operation), link(operation))).unwrap_or_default(),
        operation.and_then(step_name).unwrap_or_default(),
        place(entry),
    )
}

fn attention_row(entry: &Entry) -> String {
    let icon = match entry.decision {
        Decision::Blocked => "⛔ blocked",
        Decision::Wait => "⏳ being cancelled already",
        _ if entry.is_unread() => "💤 not read",
        _ => "❓ not readable",
    };
    let operation = entry
        .operation
        .as_ref()
        .map(|operation| format!("{} {}", kind(operation), link(operation)))
        .unwrap_or_default();
    let why = entry.message.as_deref().map(markdown_code).unwrap_or_default();
    let between = if operation.is_empty() || why.is_empty() { "" } else { ": " };
    let unpinned = if words::note(entry).is_some_and(|(name, _)| name == "unpinned") { " ⚠️ unpinned" } else { "" };
    // Two columns: on a phone a third is out of sight.
    format!("| {icon} {} {}{unpinned} | {operation}{between}{why} |\n", name(entry), place(entry))
}

fn quiet_row(entry: &Entry) -> String {
    let label = match words::note(entry) {
        Some(("spent", _)) => "**spent**, the mark can be taken out",
        Some(_) => "in sync, ⚠️ **unpinned**",
        None => words::label(entry.decision),
    };
    let why = entry.message.as_deref().map(|message| format!(": {}", markdown_code(message))).unwrap_or_default();
    format!("| {} | {label}{why} | {} |\n", name(entry), place(entry))
}
