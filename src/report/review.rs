//! Review comments: what is said on the very line that marks an offer, and what is suggested there.
//!
//! Owns their text, their order and the mark by which a later run knows them again. A comment
//! tells of the decision and never of its age, so that nothing moves when nothing changed.

use serde::{Deserialize, Serialize};

use super::cells::{Names, entry_operation, step};
use super::escape::{fence_for, is_invisible, json_inert, markdown_code, markdown_text};
use super::key::is_key;
use super::links::Links;
use super::markdown::{cut, fitting, write_table};
use super::words;
use crate::desired::{MarkEdit, SourceFile, Suggestion, suggest, suggest_without_freeze};
use crate::plan::{Decision, Entry, Note, Plan, PlannedFreeze};

const MARKER: &str = "<!-- cancel-pending review ";

/// Which comment it is, and which run wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewMark {
    /// Which desired state it is about, as in the comment on the whole pull request.
    pub key: String,
    /// The offer, as `publisher/offer`.
    pub offer: String,
    /// What is said of it.
    pub rule: String,
    /// The run of the workflow. Later runs have larger numbers.
    pub run: u64,
    /// The attempt at that run.
    pub attempt: u64,
}

/// A comment on a line of a desired-state file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewComment {
    /// The offer, as `publisher/offer`.
    pub offer: String,
    /// What is said of it: a decision's word, `unpinned` or `spent`.
    pub rule: &'static str,
    /// The file.
    pub path: String,
    /// The line of the mark.
    pub line: u64,
    /// The text of that line, where the file is at hand: a comment belongs on a line that reads so.
    pub line_text: Option<String>,
    /// What is said, as Markdown.
    pub text: String,
    /// What is suggested, with the lines as they are now.
    pub suggestion: Option<(Suggestion, Vec<String>)>,
    /// What to write where nothing can be suggested.
    pub instead: Option<String>,
}

impl ReviewMark {
    /// The mark of a review comment, if it has one that this program could have written.
    #[must_use]
    pub fn read(body: &str) -> Option<Self> {
        let (json, _) = body.strip_prefix(MARKER)?.split_once(" -->")?;
        let mark: Self = serde_json::from_str(json).ok()?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        (is_key(&mark.key) && plain(&mark.offer) && plain(&mark.rule)).then_some(mark)
    }

    /// Whether two are about the same offer and rule of the same desired state.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        (&self.key, &self.offer, &self.rule) == (&other.key, &other.offer, &other.rule)
    }

    /// Whether this one is of a later run than another.
    #[must_use]
    pub const fn is_newer_than(&self, other: &Self) -> bool {
        self.run > other.run || (self.run == other.run && self.attempt > other.attempt)
    }
}

impl ReviewComment {
    /// The whole comment. The suggestion can be followed only where the comment stands on the lines that it replaces.
    #[must_use]
    pub fn body(&self, mark: &ReviewMark, with_suggestion: bool) -> String {
        let mut body = format!("{}{}\n", marker(mark), self.text);
        match (&self.suggestion, &self.instead) {
            (Some((suggestion, _)), _) if with_suggestion => {
                let lines = suggestion.lines.iter().fold(String::new(), |text, line| text + line + "\n");
                let fence = fence_for(&lines);
                body.push_str(&format!("\n{fence}suggestion\n{lines}{fence}\n"));
            }
            (_, Some(instead)) => body.push_str(&format!("\n{instead}\n")),
            _ => {}
        }
        body
    }
}

fn marker(mark: &ReviewMark) -> String {
    format!("{MARKER}{} -->\n", json_inert(&serde_json::to_string(mark).unwrap_or_default()))
}

/// What a comment says, apart from which run wrote it.
#[must_use]
pub fn review_text(body: &str) -> &str {
    body.strip_prefix(MARKER).and_then(|rest| rest.split_once(" -->\n")).map_or(body, |(_, text)| text)
}

/// A comment that no longer holds and that somebody replied to: it stays, says so, and suggests nothing.
#[must_use]
pub fn review_settled(body: &str, mark: &ReviewMark) -> String {
    let text = review_text(body);
    if text.starts_with(SETTLED) {
        return body.to_owned();
    }
    format!("{}{SETTLED}\n\n{}", marker(mark), text.replace("```suggestion\n", "```yaml\n"))
}

const SETTLED: &str = "**This no longer holds.** It was said of an earlier commit or of an operation that is over:";

/// The review comments of a plan, the gravest first. `file` gives a file as it is in the plan.
#[must_use]
pub fn review<'f>(plan: &Plan, links: Links<'_>, file: &dyn Fn(&str) -> Option<&'f SourceFile>) -> Vec<ReviewComment> {
    let freezes = plan.freezes.iter().enumerate();
    let freezes = freezes.filter_map(|(at, one)| freeze_comment(at + 1, one, plan, links, file(&one.source.path)));
    let entries = Decision::ALL.into_iter().flat_map(|decision| plan.entries_with(decision));
    // What a freeze reaches is said once, on the line of the freeze.
    let entries = entries.filter(|entry| !entry.is_frozen());
    freezes.chain(entries.filter_map(|entry| comment(entry, plan, links, file(&entry.source.path)))).collect()
}

/// What is said on the line of a freeze: all that it reaches.
fn freeze_comment(
    number: usize,
    freeze: &PlannedFreeze,
    plan: &Plan,
    links: Links<'_>,
    file: Option<&SourceFile>,
) -> Option<ReviewComment> {
    if freeze.note == Some(Note::NotRead) {
        return None;
    }
    let is_spent = freeze.note == Some(Note::Spent);
    let of = |decision: Decision| plan.entries_of(freeze).filter(move |entry| entry.decision == decision);
    let cancels = of(Decision::Cancel).count();
    let operations = words::counted(cancels, "operation");
    let mut text = match &freeze.error {
        Some(why) => {
            format!("❓ **The offers could not be listed:** the freeze cancels nothing. {}", markdown_text(why))
        }
        None if is_spent => "✔️ **Spent:** the freeze has expired and does nothing any more.".to_owned(),
        None if cancels == 0 => "🧊 **Freeze:** nothing is running that it would cancel.".to_owned(),
        None if plan.refused.is_some() => {
            format!("🧊 **Freeze:** would cancel {operations}, and can't: the plan is refused.")
        }
        None => format!("🧊 **Freeze: cancels {operations}.** {}", words::IRREVERSIBLE),
    };
    let rows: Vec<String> = [Decision::Cancel, Decision::Wait, Decision::Blocked, Decision::Error]
        .into_iter()
        .flat_map(of)
        .map(|entry| {
            let page = Links::page(entry.operation.as_deref(), entry.product_id.as_ref());
            let hit = entry_operation(entry, links, false).unwrap_or_default();
            let why = match (entry.decision, &entry.message) {
                (Decision::Blocked | Decision::Error, Some(message)) => format!(": {}", markdown_text(message)),
                _ => String::new(),
            };
            format!(
                "| {} {hit} | {}{why} |\n",
                Names::full().entry(entry, page.as_deref()),
                words::label(entry.decision)
            )
        })
        .collect();
    if !rows.is_empty() {
        text.push_str("\n\n");
        let shown = fitting(&rows, FREEZE_LIMIT);
        write_table(&mut text, "| Offer | |\n|:--|:--|\n", &rows[..shown]);
        cut(&mut text, rows.len() - shown, "offer", "offers");
    }
    if !is_spent {
        text.push_str(&format!(
            "\n\nIt is {}. Every operation that starts on one of these offers is cancelled too; with `apply --reviewed` only \
             those that a reviewer saw in a plan: one that starts after the approval is not attempted, and is named as new.",
            markdown_text(&words::freeze_state(freeze))
        ));
    }
    text.push_str(&format!(
        "\n\n<sub>{} · {}</sub>",
        words::patterns(freeze, markdown_code),
        markdown_code(&plan.tool)
    ));
    let edit = file.filter(|_| is_spent).and_then(|file| suggest_without_freeze(file, &freeze.source));
    Some(ReviewComment {
        offer: format!("{}/{number}", freeze.publisher),
        rule: "freeze",
        path: freeze.source.path.clone(),
        line: freeze.source.line,
        line_text: lines_of(file).nth(usize::try_from(freeze.source.line).ok()?.checked_sub(1)?).map(str::to_owned),
        text,
        suggestion: edit.and_then(|suggestion| with_lines(suggestion, file)),
        instead: is_spent.then(|| "Take the freeze out.".to_owned()),
    })
}

/// The most bytes of the table of what a freeze reaches. GitHub's limit for a comment is 65,536 characters.
const FREEZE_LIMIT: usize = 50_000;

fn lines_of(file: Option<&SourceFile>) -> impl Iterator<Item = &str> {
    file.and_then(|file| std::str::from_utf8(&file.bytes).ok()).unwrap_or_default().lines()
}

/// A suggestion with the lines that it replaces. It is committed as it stands: what can't be seen in it must not be in it.
fn with_lines(suggestion: Suggestion, file: Option<&SourceFile>) -> Option<(Suggestion, Vec<String>)> {
    if suggestion.lines.iter().any(|line| line.replace('\t', "").contains(is_invisible)) {
        return None;
    }
    let lines: Vec<&str> = lines_of(file).collect();
    let line_at = |number: u64| lines.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|line| (*line).to_owned());
    let now: Option<Vec<String>> = (suggestion.first..=suggestion.last).map(line_at).collect();
    now.map(|now| (suggestion, now))
}

fn comment(entry: &Entry, plan: &Plan, links: Links<'_>, file: Option<&SourceFile>) -> Option<ReviewComment> {
    let note = words::note(entry);
    let operation = entry.operation.as_deref();
    let hit = entry_operation(entry, links, false).unwrap_or_default();
    let (rule, mut text) = match (entry.decision, entry.note) {
        (Decision::Ignored, _) => return None,
        // Of a portal that can't be read there is one thing to say, and not one on each line.
        (Decision::Error, _) if entry.is_unread() || entry.is_portal_unreadable() => return None,
        (Decision::Cancel, _) if plan.refused.is_some() => {
            ("cancel", format!("🛑 **Would cancel** {hit}, and can't: the plan is refused."))
        }
        (Decision::Cancel, _) => ("cancel", format!("🛑 **Cancels** {hit}. {}", words::IRREVERSIBLE)),
        (Decision::Wait, _) => ("wait", format!("⏳ {hit} is being cancelled already.")),
        (Decision::Blocked, _) => ("blocked", format!("⛔ **Blocked:** {hit} will not be cancelled.")),
        (Decision::Error, _) => ("error", "❓ **Not readable:** nothing will be done.".to_owned()),
        (Decision::Expired, _) => ("expired", "💤 **Expired:** the mark does nothing any more.".to_owned()),
        (Decision::InSync, Some(Note::Spent)) => {
            ("spent", "✔️ **Spent:** the pinned operation is over, the mark does nothing any more.".to_owned())
        }
        (Decision::InSync, _) => ("unpinned", "⚠️ **Unpinned:** nothing is running now.".to_owned()),
    };
    if let Some(step) = operation.filter(|_| entry.decision != Decision::InSync).and_then(step) {
        text.push_str(&format!("\n\nAt: {step}"));
    }
    if let Some(message) = entry.message.as_ref().filter(|_| rule != "unpinned") {
        let who = if matches!(entry.decision, Decision::Cancel | Decision::Wait) { "Portal says" } else { "Why" };
        text.push_str(&format!("\n\n{who}: {}", markdown_text(message)));
    }
    let edit = match (entry.decision, entry.note, operation) {
        (Decision::Cancel | Decision::Wait | Decision::Blocked, Some(Note::Unpinned), Some(operation)) => {
            text.push_str("\n\n⚠️ **Unpinned:** left in the file, the mark cancels every later operation too. A pin keeps it to this one.");
            Some(MarkEdit::Pin(operation.id.clone()))
        }
        (Decision::InSync, Some(Note::Unpinned), _) => {
            text.push_str("\n\nThe next operation that starts will be cancelled. Take the mark out, or give it an `operationId` or an `expires`.");
            None
        }
        (Decision::InSync, Some(Note::Spent), _) | (Decision::Expired, ..) => Some(MarkEdit::Remove),
        _ => None,
    };
    let page = Links::page(operation, entry.product_id.as_ref());
    let name = Names::full().entry(entry, page.as_deref());
    text.push_str(&format!("\n\n<sub>{name} · {}</sub>", markdown_code(&plan.tool)));
    let instead = edit.as_ref().map(|edit| match edit {
        MarkEdit::Pin(id) => format!("Pin it: {}", markdown_code(&format!("operationId: {id}"))),
        MarkEdit::Remove => "Take the mark out, with its `operationId`, `expires` and `reason`.".to_owned(),
    });
    let suggestion = edit
        .zip(file)
        .filter(|_| note.is_some() || entry.decision == Decision::Expired)
        .and_then(|(edit, file)| suggest(file, &entry.publisher, &entry.offer, &edit))
        .and_then(|suggestion| with_lines(suggestion, file));
    Some(ReviewComment {
        offer: format!("{}/{}", entry.publisher, entry.offer),
        rule,
        path: entry.source.path.clone(),
        line: entry.source.line,
        line_text: lines_of(file).nth(usize::try_from(entry.source.line).ok()?.checked_sub(1)?).map(str::to_owned),
        text,
        suggestion,
        instead,
    })
}

/// What could not be said on its line, for the summary of the step.
#[must_use]
pub fn review_elsewhere(comments: &[(ReviewComment, String)], limit: usize) -> String {
    if comments.is_empty() {
        return String::new();
    }
    let rows: Vec<String> = comments
        .iter()
        .map(|(comment, why)| {
            format!(
                "| {} | {} | {} | {} |\n",
                markdown_code(&comment.offer),
                markdown_code(&format!("{}:{}", comment.path, comment.line)),
                comment.instead.as_deref().unwrap_or_default(),
                markdown_code(why),
            )
        })
        .collect();
    let count = fitting(&rows, limit.saturating_sub(1_000));
    let mut page = "\n#### Not said on its line\n\n".to_owned();
    write_table(&mut page, "| Offer | Mark | What to write | Why here |\n|:--|:--|:--|:--|\n", &rows[..count]);
    cut(&mut page, rows.len() - count, "mark", "marks");
    page
}
