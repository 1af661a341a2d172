//! A plan for a terminal: aligned, wrapped to its width, coloured when that is wanted.
//!
//! Owns layout. Every string that is not this program's own goes through `escape` before it
//! meets a style.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter};
use unicode_width::UnicodeWidthStr;

use super::diff::pending_operation_diff;
use super::escape::terminal;
use super::words;
use crate::plan::{Decision, Entry, Note, Plan};

/// How text is laid out.
#[derive(Debug, Clone, Copy)]
pub struct TextStyle {
    /// Whether to colour.
    pub color: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
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

/// The plan as text, with a newline at its end.
#[must_use]
pub fn plan_text(plan: &Plan, style: TextStyle) -> String {
    let mut page = Page::new(style);
    page.paragraph(BOLD, &words::headline(plan));
    page.paragraph(DIM, &words::provenance(plan));
    if let Some(refused) = &plan.refused {
        page.paragraph(RED.bold(), &format!("Refused: {}. Nothing of it can be applied.", terminal(refused)));
    }
    if plan.summary.cancel > 0 && plan.refused.is_none() {
        page.paragraph(Style::new(), words::IRREVERSIBLE);
    }
    for decision in [Decision::Cancel, Decision::Wait, Decision::Blocked, Decision::Error] {
        for entry in plan.entries_with(decision) {
            page.blank();
            block(&mut page, entry, plan);
        }
    }
    let quiet: Vec<&Entry> =
        [Decision::InSync, Decision::Expired].into_iter().flat_map(|decision| plan.entries_with(decision)).collect();
    if !quiet.is_empty() {
        page.blank();
        page.paragraph(BOLD, &words::no_action(quiet.len()));
        rows(&mut page, &quiet);
    }
    page.blank();
    page.paragraph(Style::new(), &words::coverage(plan));
    page.paragraph(DIM, &format!("Decision digest: {}", plan.decision_digest));
    page.text
}

fn name(entry: &Entry) -> String {
    format!("{} / {}", entry.publisher, entry.offer)
}

/// One offer that something is to be said about.
fn block(page: &mut Page, entry: &Entry, plan: &Plan) {
    page.line(&[(style_of(entry.decision), words::state(entry)), (Style::new(), "  "), (BOLD, &name(entry))]);
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
    page.field("mark", &place(entry));
    if !entry.notification_emails.is_empty() && entry.decision == Decision::Cancel {
        let hosts = words::recipients(&entry.notification_emails);
        let told: Vec<String> = hosts.iter().map(|(count, host)| format!("{count} at {}", terminal(host))).collect();
        page.field("e-mail", &format!("notification requested for {}", told.join(", ")));
    }
    if let Some((name, meaning)) = words::note(entry) {
        page.field(name, &terminal(&meaning));
    }
    let diff = pending_operation_diff(entry);
    if diff.is_empty() {
        if let Some(operation) = &entry.operation {
            page.unwrapped_field("location", &terminal(&operation.location));
        }
    } else {
        page.blank();
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

fn place(entry: &Entry) -> String {
    format!("{}:{}:{}", terminal(&entry.source.path), entry.source.line, entry.source.column)
}

/// Offers that need nothing, a row each.
fn rows(page: &mut Page, entries: &[&Entry]) {
    let label_width = entries.iter().map(|entry| quiet_label(entry).width()).max().unwrap_or(0);
    let name_width = entries.iter().map(|entry| name(entry).width()).max().unwrap_or(0);
    for entry in entries {
        let (label, name) = (quiet_label(entry), name(entry));
        let message = entry.message.as_deref().map(terminal).unwrap_or_default();
        let unpinned = if entry.note == Some(Note::Unpinned) { " (unpinned)" } else { "" };
        page.row(style_of(entry.decision), label, label_width, &name, name_width, &format!("{message}{unpinned}"));
    }
}

fn quiet_label(entry: &Entry) -> &'static str {
    match entry.note {
        Some(Note::Spent) => Note::Spent.as_str(),
        _ => words::label(entry.decision),
    }
}

/// Text that grows line by line.
pub(super) struct Page {
    pub text: String,
    color: bool,
    width: usize,
}

impl Page {
    pub fn new(style: TextStyle) -> Self {
        Self { text: String::new(), color: style.color, width: style.width.clamp(MIN_WIDTH, MAX_WIDTH) }
    }

    fn styled(&mut self, style: Style, text: &str) {
        if self.color && style != Style::new() && !text.is_empty() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    pub fn line(&mut self, parts: &[(Style, &str)]) {
        for (style, text) in parts {
            self.styled(*style, text);
        }
        self.blank();
    }

    pub fn paragraph(&mut self, style: Style, text: &str) {
        for line in wrap(text, self.width) {
            self.line(&[(style, &line)]);
        }
    }

    /// `    name      value`, the value wrapped under itself.
    pub fn field(&mut self, name: &str, value: &str) {
        let indent = FIELD_INDENT;
        for (index, line) in wrap(value, self.width.saturating_sub(indent)).iter().enumerate() {
            let name = if index == 0 { name } else { "" };
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
