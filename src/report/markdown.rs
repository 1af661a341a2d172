//! A plan as Markdown, the way a pull request and the summary of a step show it.
//!
//! Owns the order of the parts and what is left out where not everything fits: details first, then columns, and rows
//! of cancellations only when there are thousands. What is cut is cut in whole blocks and rows, never inside a fence
//! or a table row; the counts stay, and the text says what was cut.

use super::cancel_table::{CancelRows, details, pin_warnings};
use super::cells::{Names, entry_operation, minute, place, step};
use super::escape::{markdown_code, markdown_text};
use super::failure_markdown::failure_page;
use super::links::Links;
use super::words::{self, counted};
use crate::plan::{Coverage, CoveredOperation, Decision, Entry, Note, Plan, UncoveredOffer};

/// The most bytes of Markdown for a comment. GitHub's limit is 65,536, and whether that means
/// bytes or characters is not settled.
pub const COMMENT_LIMIT: usize = 60_000;

/// The least limit that is kept.
const LEAST_LIMIT: usize = 10_000;

/// What stays free for the sentences that say what was cut.
const RESERVE: usize = 2_000;

/// The most offers that are named in one row.
const MOST_NAMES: usize = 50;

/// Which commit and which run a page is about, as Markdown.
#[derive(Debug, Clone, Default)]
pub(super) struct PageOrigin {
    /// The commit.
    pub commit: Option<String>,
    /// The run, as a link.
    pub run: Option<String>,
    /// Whether the page takes the place of another plan.
    pub replaces_plan: bool,
}

impl PageOrigin {
    /// The parts of the last line.
    pub fn parts(&self) -> Vec<String> {
        let commit = self.commit.as_ref().map(|commit| format!("commit {commit}"));
        [commit, self.run.clone()].into_iter().flatten().collect()
    }
}

/// The plan as Markdown of fewer bytes than the limit, which is at least 10,000.
#[must_use]
pub fn plan_markdown(plan: &Plan, links: Links<'_>, limit: usize) -> String {
    plan_page(plan, links, &PageOrigin::default(), limit)
}

/// The same, saying what it is about.
pub(super) fn plan_page(plan: &Plan, links: Links<'_>, origin: &PageOrigin, limit: usize) -> String {
    let limit = limit.max(LEAST_LIMIT);
    if let Some(failures) = &plan.failed {
        return failure_page(plan, failures, origin, limit);
    }
    let names = Names::of(plan.entries.iter().map(|entry| &entry.publisher), &plan.portals);
    let head = head(plan);
    let tail = tail(plan, origin);
    let pins = pin_warnings(plan, names);
    let budget = limit.saturating_sub(head.len() + tail.len() + pins.len() + RESERVE);

    let mut not_cancelled = freeze_rows(plan);
    not_cancelled.extend(coverage_failures(plan));
    not_cancelled.extend(not_cancelled_rows(plan, names, links));
    let quiet = quiet_rows(plan, names);
    let coverage = coverage_rows(plan, links);
    let cancels: Vec<&Entry> = plan.entries_with(Decision::Cancel).collect();

    // What is cancelled comes first, and what is not cancelled may have a fifth.
    let kept = total(&not_cancelled).min(budget / 5);
    let table = CancelRows::fitting(&cancels, plan, names, links, budget - kept);
    let left = budget.saturating_sub(table.bytes());
    let seen = fitting(&not_cancelled, left);
    let left = left - total(&not_cancelled[..seen]);
    let (folded, covered) = (fitting(&quiet, left / 4), fitting(&coverage, left / 4));
    let left = left - total(&quiet[..folded]) - total(&coverage[..covered]);
    let details = details(&cancels, plan, names, links, left);

    let mut page = head;
    table.write(&mut page);
    page.push_str(&pins);
    if !not_cancelled.is_empty() {
        page.push('\n');
        write_table(&mut page, "| Not cancelled | Why |\n|:--|:--|\n", &not_cancelled[..seen]);
        cut(&mut page, not_cancelled.len() - seen, "row of what is not cancelled", "rows of what is not cancelled");
    }
    page.push_str(&details);
    fold(
        &mut page,
        &no_action(plan),
        "| Offer | Why |\n|:--|:--|\n",
        &quiet,
        folded,
        ("offer that needs no action", "offers that need no action"),
    );
    fold(
        &mut page,
        &format!("{} in no file", counted(coverage.len(), "running operation")),
        "| Runs | At |\n|:--|:--|\n",
        &coverage,
        covered,
        ("running operation in no file", "running operations in no file"),
    );
    page.push_str(&tail);
    page
}

/// A table that is folded.
fn fold(page: &mut String, title: &str, header: &str, rows: &[String], shown: usize, (one, many): (&str, &str)) {
    if !rows.is_empty() {
        page.push_str(&format!("\n<details><summary>{title}</summary>\n\n"));
        write_table(page, header, &rows[..shown]);
        cut(page, rows.len() - shown, one, many);
        page.push_str("\n</details>\n");
    }
}

pub(super) fn total(items: &[String]) -> usize {
    items.iter().map(String::len).sum()
}

/// How many of the items fit.
pub(super) fn fitting(items: &[String], budget: usize) -> usize {
    let mut sum: usize = 0;
    items
        .iter()
        .take_while(|item| {
            sum += item.len();
            sum <= budget
        })
        .count()
}

pub(super) fn write_table(page: &mut String, header: &str, rows: &[String]) {
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

/// What will happen, when, and how to stop it.
fn head(plan: &Plan) -> String {
    let mut head = format!("### {}\n", words::headline(plan));
    if let Some(refused) = &plan.refused {
        head.push_str(&format!(
            "\n> [!CAUTION]\n> **Refused: nothing of this plan can be applied.** Reason: {}.\n",
            markdown_text(refused)
        ));
    } else if plan.summary.cancel > 0 {
        let (these, one) = match plan.summary.cancel {
            1 => ("this operation", "it"),
            _ => ("these operations", "one"),
        };
        let has_frozen = plan.entries_with(Decision::Cancel).any(Entry::is_frozen);
        let freeze = if has_frozen { ", or add it to the `except` of its freeze," } else { "" };
        head.push_str(&format!(
            "\nNothing has been cancelled yet. **Applying this plan cancels {these} for good**; the next publish starts \
             certification from the beginning. To keep {one}, remove its mark{freeze} before the plan is applied.\n"
        ));
    }
    head
}

/// What it is about, for those who look it up.
fn tail(plan: &Plan, origin: &PageOrigin) -> String {
    let mut parts = vec![format!("decision digest `{}…`", short_digest(&plan.decision_digest))];
    parts.extend(origin.parts());
    let read = if plan.unread() > 0 { "not read" } else { "read" };
    parts.push(format!("{read} {}", minute(plan.created_at)));
    parts.push(words::portals(&plan.portals, markdown_code));
    let mut publishers = plan.entries.iter().map(|entry| &entry.publisher);
    if let Some(first) = publishers.next().filter(|first| publishers.all(|other| other == *first)) {
        parts.push(format!("publisher {}", markdown_code(first.as_str())));
    }
    parts.push(words::counts(plan));
    parts.push(markdown_text(&plan.tool));
    format!("\n<sub>{}</sub>\n", parts.join(" · "))
}

pub(super) fn short_digest(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// A row for each offer that is not cancelled although somebody wants it to be; equal ones make one row, and so do all
/// those of a portal that can't be read.
fn not_cancelled_rows(plan: &Plan, names: Names, links: Links<'_>) -> Vec<String> {
    let mut rows: Vec<(String, Vec<&Entry>)> =
        plan.portal_failures().into_iter().map(|failure| (why_not(failure.entries[0]), failure.entries)).collect();
    for entry in words::attention(plan).filter(|entry| !entry.is_portal_unreadable()) {
        let why = why_not(entry);
        match rows.iter_mut().find(|(known, of)| *known == why && of[0].operation.is_none()) {
            Some((_, of)) if entry.operation.is_none() => of.push(entry),
            _ => rows.push((why, vec![entry])),
        }
    }
    rows.into_iter()
        .map(|(why, entries)| {
            let shown = entries.iter().take(MOST_NAMES).map(|entry| {
                let page = Links::page(entry.operation.as_deref(), entry.product_id.as_ref());
                let operation = entry_operation(entry, links, true);
                [Some(names.entry(entry, page.as_deref())), operation]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ")
            });
            let mut who = shown.collect::<Vec<_>>().join(", ");
            if entries.len() > MOST_NAMES {
                let more = entries.len() - MOST_NAMES;
                who.push_str(&format!(" and {more} more offer{}", if more == 1 { "" } else { "s" }));
            }
            let places = if let [entry] = entries.as_slice() { format!(" ({})", place(entry)) } else { String::new() };
            format!("| {who} | {why}{places} |\n")
        })
        .collect()
}

fn why_not(entry: &Entry) -> String {
    let message = entry.message.as_deref().map(markdown_text);
    let with = |what: &str, between: &str| match &message {
        Some(message) => format!("{what}{between}{message}"),
        None => what.to_owned(),
    };
    match (entry.decision, entry.note) {
        (Decision::Blocked, _) => with("⛔ blocked", ": "),
        (Decision::Wait, _) => with("⏳ is being cancelled already", ". The portal says: "),
        (_, Some(Note::NotRead)) => "💤 the live state was not read".to_owned(),
        (Decision::Error, _) => with("❓ could not be read", ": "),
        _ => with("⚠️ nothing to cancel", ": "),
    }
}

/// How many offers are as they should be, and which freezes do nothing.
fn no_action(plan: &Plan) -> String {
    let count = words::quiet(plan).count();
    let offers = words::no_action(count);
    match plan.freezes.iter().filter(|freeze| freeze.note == Some(Note::Spent)).count() {
        0 => offers,
        1 if count == 0 => "1 freeze has expired".to_owned(),
        spent if count == 0 => format!("{spent} freezes have expired"),
        spent => format!(
            "{offers}; {} expired",
            if spent == 1 { "1 freeze has".to_owned() } else { format!("{spent} freezes have") }
        ),
    }
}

/// Offers that are as they should be.
fn quiet_rows(plan: &Plan, names: Names) -> Vec<String> {
    let (folded, shown): (Vec<&Entry>, Vec<&Entry>) = words::quiet(plan).partition(|entry| is_idle_under_freeze(entry));
    let mut rows: Vec<String> = shown
        .into_iter()
        .map(|entry| {
            let label = match (entry.decision, entry.note) {
                (_, Some(Note::Spent)) => "The pinned operation is over. Remove the mark",
                (Decision::Expired, _) => "Expired. Remove the mark",
                (_, Some(Note::Unpinned)) => "⚠️ Not pinned: the next operation that starts will be cancelled",
                _ => "In sync",
            };
            let why = entry.message.as_deref().map(|why| format!(": {}", markdown_text(why))).unwrap_or_default();
            format!("| {} | {label}{why} ({}) |\n", names.entry(entry, None), place(entry))
        })
        .collect();
    for freeze in &plan.freezes {
        let of_freeze: Vec<&&Entry> = folded.iter().filter(|entry| entry.source == freeze.source).collect();
        let place = markdown_code(&format!("{}:{}", freeze.source.path, freeze.source.line));
        if freeze.note == Some(Note::Spent) {
            let patterns = words::patterns(freeze, markdown_code);
            rows.push(format!("| freeze of {patterns} | {} ({place}) |\n", words::freeze_state(freeze)));
        } else if !of_freeze.is_empty() {
            let shown = of_freeze.iter().take(MOST_NAMES).map(|entry| names.entry(entry, None));
            let mut who = shown.collect::<Vec<_>>().join(", ");
            if of_freeze.len() > MOST_NAMES {
                who.push_str(&format!(" and {}", counted(of_freeze.len() - MOST_NAMES, "more offer")));
            }
            rows.push(format!("| {who} | Frozen, nothing is running ({place}) |\n"));
        }
    }
    rows
}

/// Whether nothing is to be said of an offer but that a freeze is for it.
fn is_idle_under_freeze(entry: &Entry) -> bool {
    entry.is_frozen() && entry.decision == Decision::InSync && entry.note == Some(Note::Unpinned)
}

/// Freezes of which it is not known what they reach.
fn freeze_rows(plan: &Plan) -> Vec<String> {
    plan.unlisted_freezes()
        .map(|(freeze, why)| {
            let patterns = words::patterns(freeze, markdown_code);
            let place = markdown_code(&format!("{}:{}", freeze.source.path, freeze.source.line));
            let why = markdown_text(why);
            format!("| freeze of {patterns} | ❓ its offers could not be listed, so that it cancels nothing: {why} ({place}) |\n")
        })
        .collect()
}

/// What is not known of the coverage.
fn coverage_failures(plan: &Plan) -> Vec<String> {
    let mut rows = Vec::new();
    for one in plan.incomplete_coverage() {
        if let Some(why) = &one.error {
            let publisher = words::covered_publisher(one, plan);
            rows.push(format!(
                "| coverage of {publisher} | ❓ the offers could not be listed: {} |\n",
                markdown_text(why)
            ));
        }
        for UncoveredOffer { offer, message } in &one.unclear {
            let name = Names::full().show(one.portal, &one.publisher, offer, None);
            rows.push(format!("| {name}, in no file | ❓ could not be read: {} |\n", markdown_text(message)));
        }
    }
    rows
}

/// What runs and is in no file.
fn coverage_rows(plan: &Plan, links: Links<'_>) -> Vec<String> {
    let row = |one: &Coverage, CoveredOperation { offer, operation }: &CoveredOperation| {
        let page = Links::page(Some(operation), None);
        let name = Names::full().show(one.portal, &one.publisher, offer, page.as_deref());
        let address = links.told(one.portal, &operation.location);
        let since = operation.changed_at.map(|at| format!("unchanged since {}", minute(at)));
        let state = [step(operation), since].into_iter().flatten().collect::<Vec<_>>().join("; ");
        format!(
            "| {name} {} | {state} |\n",
            super::cells::operation(operation, operation.id.as_str(), address.as_deref())
        )
    };
    let all = plan.coverage.iter().flatten();
    all.flat_map(|one| one.running.iter().map(move |running| row(one, running))).collect()
}
