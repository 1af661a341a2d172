//! A plan for a terminal: aligned, wrapped to its width, coloured when that is wanted.
//!
//! Owns layout. Every string that is not this program's own goes through `escape` before it
//! meets a style.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use super::conclusion::plan_last_line;
use super::diff::pending_operation_diff;
use super::escape::terminal;
use super::words::{self, counted};
use crate::domain::trusted_product_page;
use crate::plan::{CoveredOperation, Decision, Entry, Note, Plan, PortalFailure, UncoveredOffer};

/// How text is laid out, and how much of it there is.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextStyle {
    /// Whether to colour.
    pub color: bool,
    /// Whether the terminal opens links (OSC 8).
    pub links: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
    /// Whether the difference that each cancellation makes is shown.
    pub differences: bool,
}

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// The narrowest layout; a narrower terminal wraps by itself.
const MIN_WIDTH: usize = 30;

/// Where the values of fields begin.
const FIELD_INDENT: usize = 15;

/// How many offers that could not be read are named where one reason is told for all of them.
const NAMED_OFFERS: usize = 10;

/// The widest: past it lines are hard to read.
const MAX_WIDTH: usize = 120;

pub(super) const fn style_of(decision: Decision) -> Style {
    match decision {
        Decision::Cancel | Decision::Error => RED.bold(),
        Decision::Blocked => YELLOW.bold(),
        Decision::Wait => CYAN.bold(),
        Decision::InSync => GREEN,
        Decision::Expired | Decision::Ignored => DIM,
    }
}

/// The plan as text: what would be cancelled, a line each; then what there is to say about each offer; at the end the
/// counts, and the command that comes next. With a newline at its end.
#[must_use]
pub fn plan_text(plan: &Plan, style: TextStyle, next: Option<&str>) -> String {
    let mut page = Page::new(style);
    if let Some(refused) = &plan.refused {
        page.paragraph(RED.bold(), &format!("Refused: {}. This plan can't be applied.", terminal(refused)));
        page.gap();
    }
    let cancellations: Vec<&Entry> = plan.entries_with(Decision::Cancel).collect();
    if !cancellations.is_empty() {
        lines(&mut page, &cancellations, plan);
        if plan.refused.is_none() {
            page.paragraph(Style::new(), words::IRREVERSIBLE);
        }
    }
    for decision in [Decision::Cancel, Decision::Wait, Decision::Blocked, Decision::Error] {
        let told_by_itself = |entry: &&Entry| !entry.is_unread() && !entry.is_portal_unreadable();
        for entry in plan.entries_with(decision).filter(told_by_itself) {
            page.gap();
            block(&mut page, entry, plan);
        }
    }
    for failure in plan.portal_failures() {
        page.gap();
        portal_block(&mut page, &failure, plan);
    }
    let unread: Vec<&Entry> = plan.entries.iter().filter(|entry| entry.is_unread()).collect();
    if !unread.is_empty() {
        page.gap();
        rows(&mut page, &unread, plan);
    }
    let quiet: Vec<&Entry> =
        [Decision::InSync, Decision::Expired].into_iter().flat_map(|decision| plan.entries_with(decision)).collect();
    if !quiet.is_empty() {
        page.gap();
        page.paragraph(BOLD, &words::no_action(quiet.len()));
        let (folded, shown): (Vec<&Entry>, Vec<&Entry>) = quiet.into_iter().partition(|one| is_folded(one, plan));
        rows(&mut page, &shown, plan);
        if !folded.is_empty() {
            let text = format!("nothing is running on {} that a freeze is for", counted(folded.len(), "more offer"));
            page.indented(2, DIM, &text);
        }
    }
    freezes(&mut page, plan);
    covered(&mut page, plan);
    page.gap();
    page.paragraph(DIM, &words::provenance(plan));
    page.paragraph(DIM, &words::counts(plan));
    page.paragraph(DIM, &format!("Decision digest: {}", plan.decision_digest));
    page.gap();
    if let Some(next) = next {
        page.line(&[(Style::new(), "Next: "), (BOLD, next)]);
    }
    page.paragraph(BOLD, &plan_last_line(plan));
    page.text
}

/// How many offers of a freeze are named on which nothing runs.
const NAMED_IDLE: usize = 5;

/// Whether an offer is one of many that a freeze is for and on which nothing runs.
fn is_folded(entry: &Entry, plan: &Plan) -> bool {
    let is_idle = |one: &Entry| one.is_frozen() && one.decision == Decision::InSync && one.note == Some(Note::Unpinned);
    is_idle(entry) && plan.entries.iter().filter(|one| is_idle(one)).nth(NAMED_IDLE).is_some()
}

/// Each freeze, and what it came to.
fn freezes(page: &mut Page, plan: &Plan) {
    if plan.freezes.is_empty() {
        return;
    }
    page.gap();
    page.paragraph(BOLD, &counted(plan.freezes.len(), "freeze"));
    for freeze in &plan.freezes {
        let style = if freeze.error.is_some() { style_of(Decision::Error) } else { Style::new() };
        let place = format!("{}:{}", terminal(&freeze.source.path), freeze.source.line);
        let patterns = words::patterns(freeze, str::to_owned);
        let what = format!("{} / {patterns}: {}", freeze.publisher, terminal(&words::freeze_state(freeze)));
        page.line(&[(Style::new(), "  "), (style, &place)]);
        page.indented(4, Style::new(), &what);
        if let Some(why) = &freeze.error {
            let why = format!("its offers could not be listed, so that it cancels nothing: {}", terminal(why));
            page.indented(4, style, &why);
        }
        page.indented(4, DIM, &format!("reason: {}", terminal(&freeze.reason)));
    }
}

/// What runs and is in no file.
fn covered(page: &mut Page, plan: &Plan) {
    for one in plan.coverage.iter().flatten() {
        page.gap();
        let publisher = words::covered_publisher(one, plan);
        if let Some(why) = &one.error {
            page.paragraph(
                style_of(Decision::Error),
                &format!("Coverage of {publisher}: not known. {}", terminal(why)),
            );
            continue;
        }
        let offers = counted(one.offers, "offer");
        let running = counted(one.running.len(), "operation");
        page.paragraph(BOLD, &format!("Coverage of {publisher} ({offers}): {running} running in no file"));
        for CoveredOperation { offer, operation } in &one.running {
            let change = words::last_change(operation, plan.created_at).unwrap_or_default();
            let name = format!("  {offer}  ");
            let what = format!("{} {}  ", terminal(words::kind(operation)), operation.id);
            page.line(&[(BOLD, &name), (Style::new(), &what), (DIM, &change)]);
        }
        for UncoveredOffer { offer, message } in &one.unclear {
            page.line(&[(style_of(Decision::Error), &format!("  {offer}"))]);
            page.indented(4, Style::new(), &format!("could not be read: {}", terminal(message)));
        }
    }
}

/// Publisher and offer, and the portal where there is more than one.
fn name(entry: &Entry, plan: &Plan) -> String {
    let portal = if plan.portals.len() > 1 { format!(" ({})", entry.portal) } else { String::new() };
    format!("{} / {}{portal}", entry.publisher, entry.offer)
}

/// What would be cancelled, a line each.
fn lines(page: &mut Page, entries: &[&Entry], plan: &Plan) {
    let names: Vec<String> = entries.iter().map(|entry| name(entry, plan)).collect();
    let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let label = words::label(Decision::Cancel);
    for (entry, name) in entries.iter().zip(&names) {
        let operation = entry.operation.as_ref();
        let kind = operation.map(|operation| terminal(words::kind(operation))).unwrap_or_default();
        let id = operation.map(|operation| operation.id.as_str()).unwrap_or_default();
        let link = page_of(entry);
        let indent = label.width() + 2;
        let change = operation.and_then(|operation| words::last_change(operation, plan.created_at)).unwrap_or_default();
        let used = indent + width + 2 + kind.width() + 1 + id.width();
        page.part(style_of(Decision::Cancel), label);
        page.part(Style::new(), "  ");
        page.part(BOLD, name);
        if used > page.width {
            page.blank();
            page.part(Style::new(), &" ".repeat(indent));
        } else {
            page.part(Style::new(), &" ".repeat(width + 2 - name.width()));
        }
        page.part(Style::new(), &format!("{kind} "));
        page.link(id, link.as_deref());
        if !change.is_empty() && used + 2 + change.width() <= page.width {
            page.part(DIM, &format!("  {change}"));
        }
        page.blank();
    }
}

/// The page of an offer for people, made anew.
fn page_of(entry: &Entry) -> Option<String> {
    entry.operation.as_ref().and_then(|operation| trusted_product_page(operation.link.as_deref()?))
}

/// One offer that something is to be said about.
fn block(page: &mut Page, entry: &Entry, plan: &Plan) {
    let name = name(entry, plan);
    if entry.decision == Decision::Cancel {
        page.line(&[(BOLD, &name)]);
    } else {
        page.line(&[(style_of(entry.decision), words::state(entry)), (Style::new(), "  "), (BOLD, &name)]);
    }
    if let Some(operation) = &entry.operation {
        let change =
            words::last_change(operation, plan.created_at).map(|change| format!(", {change}")).unwrap_or_default();
        page.field("operation", &format!("{} {}{change}", terminal(words::kind(operation)), operation.id));
        let step = [
            words::step_of(operation),
            operation.step.as_deref().map(|step| terminal(step).into_owned()),
            operation.step_status.as_ref().map(|status| terminal(status.as_str()).into_owned()),
            operation.progress.map(|progress| format!("{progress} %")),
            operation.step_estimate.as_deref().map(|estimate| format!("takes {}", terminal(estimate))),
        ];
        if operation.step.is_some() || operation.step_status.is_some() {
            page.field("step", &step.into_iter().flatten().collect::<Vec<_>>().join(", "));
        }
    }
    if let Some(message) = &entry.message {
        let label = if matches!(entry.decision, Decision::Cancel | Decision::Wait) { "portal" } else { "why" };
        page.field(label, &terminal(message));
    }
    if let Some(reason) = &entry.reason {
        page.field("reason", &terminal(reason));
    }
    page.field(if entry.is_frozen() { "freeze" } else { "mark" }, &place(entry));
    if !entry.notification_emails.is_empty() && entry.decision == Decision::Cancel {
        let hosts = words::recipients(&entry.notification_emails);
        let told: Vec<String> = hosts.iter().map(|(count, host)| format!("{count} at {}", terminal(host))).collect();
        page.field("e-mail", &format!("notification requested for {}", told.join(", ")));
    }
    if let Some((name, meaning)) = words::note(entry) {
        page.field(name, &terminal(&meaning));
    }
    if let Some(address) = page_of(entry) {
        page.unwrapped_field("page", &address);
    }
    let diff = if page.differences { pending_operation_diff(entry) } else { String::new() };
    if diff.is_empty() {
        if let Some(operation) = &entry.operation {
            page.unwrapped_field("location", &terminal(&operation.location));
        }
    } else {
        page.gap();
        for line in diff.lines() {
            let style = match line.as_bytes().first() {
                Some(b'-') => RED,
                Some(b'+') => GREEN,
                _ => Style::new(),
            };
            page.line(&[(Style::new(), "  "), (style, line)]);
        }
    }
}

/// A portal of which no offer could be read.
fn portal_block(page: &mut Page, failure: &PortalFailure<'_>, plan: &Plan) {
    let portal = failure.origin.map_or_else(|| failure.portal.to_string(), ToString::to_string);
    let label = words::label(Decision::Error);
    page.line(&[(style_of(Decision::Error), label), (Style::new(), "  "), (BOLD, &terminal(&portal))]);
    page.field("why", &terminal(failure.message));
    let mut names: Vec<String> = failure.entries.iter().take(NAMED_OFFERS).map(|entry| name(entry, plan)).collect();
    let more = failure.entries.len() - names.len();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    page.field("offers", &names.join(", "));
}

fn place(entry: &Entry) -> String {
    format!("{}:{}:{}", terminal(&entry.source.path), entry.source.line, entry.source.column)
}

/// Offers that need nothing or were not read, a row each.
fn rows(page: &mut Page, entries: &[&Entry], plan: &Plan) {
    let label_width = entries.iter().map(|entry| quiet_label(entry).width()).max().unwrap_or(0);
    let name_width = entries.iter().map(|entry| name(entry, plan).width()).max().unwrap_or(0);
    for entry in entries {
        let (label, name) = (quiet_label(entry), name(entry, plan));
        let message = entry.message.as_deref().map(terminal).unwrap_or_default();
        let unpinned = match entry.note {
            Some(Note::Unpinned) if entry.is_frozen() => " (frozen)",
            Some(Note::Unpinned) => " (unpinned)",
            _ => "",
        };
        page.row(style_of(entry.decision), label, label_width, &name, name_width, &format!("{message}{unpinned}"));
    }
}

fn quiet_label(entry: &Entry) -> &'static str {
    match entry.note {
        Some(Note::Spent) => Note::Spent.as_str(),
        _ => words::state(entry),
    }
}

/// Text that grows line by line.
pub(super) struct Page {
    pub text: String,
    color: bool,
    links: bool,
    differences: bool,
    width: usize,
}

impl Page {
    pub fn new(style: TextStyle) -> Self {
        let TextStyle { color, links, width, differences } = style;
        Self { text: String::new(), color, links, differences, width: width.clamp(MIN_WIDTH, MAX_WIDTH) }
    }

    /// A part of a line.
    pub fn part(&mut self, style: Style, text: &str) {
        if self.color && style != Style::new() && !text.is_empty() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
    }

    /// Text that the terminal opens an address by. The address is one of ours, which needs no escape.
    pub fn link(&mut self, text: &str, address: Option<&str>) {
        match address.filter(|_| self.links) {
            Some(address) => {
                self.text.push_str(&format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\"));
            }
            None => self.text.push_str(text),
        }
    }

    /// The width of its lines.
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Ends a line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// An empty line between two paragraphs.
    pub fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.blank();
        }
    }

    pub fn line(&mut self, parts: &[(Style, &str)]) {
        for (style, text) in parts {
            self.part(*style, text);
        }
        self.blank();
    }

    pub fn paragraph(&mut self, style: Style, text: &str) {
        for line in wrap(text, self.width) {
            self.line(&[(style, &line)]);
        }
    }

    /// A paragraph below something, so far to the right.
    pub fn indented(&mut self, indent: usize, style: Style, text: &str) {
        for line in wrap(text, self.width.saturating_sub(indent)) {
            self.line(&[(Style::new(), &" ".repeat(indent)), (style, &line)]);
        }
    }

    /// `    name      value`, the value wrapped under itself.
    pub fn field(&mut self, name: &str, value: &str) {
        let indent = FIELD_INDENT;
        // A name that would touch the value stands on a line of its own.
        let is_long = 4 + name.width() >= indent;
        if is_long {
            self.line(&[(DIM, &format!("    {name}"))]);
        }
        for (index, line) in wrap(value, self.width.saturating_sub(indent)).iter().enumerate() {
            let name = if index == 0 && !is_long { name } else { "" };
            self.line(&[(DIM, &format!("    {name:<width$}", width = indent - 4)), (Style::new(), line)]);
        }
    }

    /// A field that stays whole, so that a terminal can open it.
    pub fn unwrapped_field(&mut self, name: &str, value: &str) {
        let width = FIELD_INDENT - 4;
        self.line(&[(DIM, &format!("    {name:<width$}")), (Style::new(), value)]);
    }

    fn row(&mut self, style: Style, label: &str, label_width: usize, name: &str, name_width: usize, text: &str) {
        let pad = |text: &str, width: usize| format!("{text}{}", " ".repeat(width.saturating_sub(text.width())));
        let indent = 2 + label_width + 2 + name_width + 2;
        let label = format!("  {}  ", pad(label, label_width));
        if self.width < indent + 24 {
            self.line(&[(style, &label), (Style::new(), name)]);
            let indent = 4 + label_width;
            for line in wrap(text, self.width.saturating_sub(indent)) {
                self.line(&[(Style::new(), &" ".repeat(indent)), (DIM, &line)]);
            }
            return;
        }
        for (index, line) in wrap(text, self.width - indent).iter().enumerate() {
            if index == 0 {
                self.line(&[(style, &label), (Style::new(), &format!("{}  ", pad(name, name_width))), (DIM, line)]);
            } else {
                self.line(&[(Style::new(), &" ".repeat(indent)), (DIM, line)]);
            }
        }
    }
}

/// Wraps at spaces; what is longer than a line stays whole, so that ids and addresses can be copied.
fn wrap(text: &str, width: usize) -> Vec<Cow<'_, str>> {
    // A row for each of thousands of offers, and nearly all of them fit.
    if text.len() <= width && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return vec![Cow::Borrowed(text.trim_end_matches(' '))];
    }
    let options = Options::new(width.max(16))
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let lines = textwrap::wrap(text, options);
    if lines.is_empty() { vec![Cow::Borrowed("")] } else { lines }
}
