//! The comment on the pull request: its marker, its parts, what stays of earlier ones.
//!
//! Owns the layout of the whole comment and its limit. The marker is an HTML comment with a
//! JSON object in it; by it a later run finds the comment and learns who wrote it last.

use serde::{Deserialize, Serialize};

use super::markdown::{linked, plan_markdown};
use super::outcome_markdown::outcome_markdown;
use super::{COMMENT_LIMIT, json_inert};
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;

const MARKER: &str = "<!-- cancel-pending ";
const PLAN_START: &str = "<!-- plan -->";
const PLAN_END: &str = "<!-- /plan -->";

/// How many earlier decisions a comment remembers.
const HISTORY: usize = 5;

/// What stays free for marker, headings and history.
const RESERVE: usize = 4_000;

/// Which run wrote a comment, and about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommentMark {
    /// Which desired state it is about: a pull request can have a comment for each.
    pub key: String,
    /// The commit that was planned or applied.
    pub head: String,
    /// The run of the workflow. Later runs have larger numbers.
    pub run: u64,
    /// The attempt at that run.
    pub attempt: u64,
    /// The decision digest.
    pub digest: String,
    /// Whether it tells an outcome.
    pub applied: bool,
    /// The decisions before this one, the latest first.
    pub history: Vec<PastDecision>,
}

/// A decision that a later one has replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PastDecision {
    /// Its digest.
    pub digest: String,
    /// The commit it was made for.
    pub head: String,
}

impl CommentMark {
    /// The mark of a comment, if it has one that this program could have written.
    #[must_use]
    pub fn read(body: &str) -> Option<Self> {
        let (json, _) = body.strip_prefix(MARKER)?.split_once(" -->")?;
        let mark: Self = serde_json::from_str(json).ok()?;
        let hex = |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let past = |past: &PastDecision| hex(&past.digest, 64) && hex(&past.head, 64);
        let sound = is_key(&mark.key)
            && hex(&mark.digest, 64)
            && hex(&mark.head, 64)
            && mark.history.len() <= HISTORY
            && mark.history.iter().all(past);
        sound.then_some(mark)
    }

    /// Whether this one is of a later run than another, or of the same.
    #[must_use]
    pub const fn is_not_older_than(&self, other: &Self) -> bool {
        self.run > other.run || (self.run == other.run && self.attempt >= other.attempt)
    }
}

/// Whether a text can be the key of a comment.
#[must_use]
pub fn is_key(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.contains("--")
}

/// The text of the comment. `previous` is the text that it replaces, `run_url` where the run can be looked at.
#[must_use]
pub fn comment(
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    mut mark: CommentMark,
    run_url: Option<&str>,
    previous: Option<&str>,
) -> String {
    if let Some(before) = previous.and_then(CommentMark::read) {
        mark.history = before.history;
        if before.digest != mark.digest {
            mark.history.insert(0, PastDecision { digest: before.digest, head: before.head });
            mark.history.truncate(HISTORY);
        }
    }
    let budget = COMMENT_LIMIT - RESERVE;
    let body = match outcome {
        None => format!("{PLAN_START}\n{}{PLAN_END}\n", plan_markdown(plan, budget)),
        Some(outcome) => {
            let told = outcome_markdown(outcome, plan, budget / 2);
            // What was approved stays as it was approved: the plan of now is another text.
            let room = budget.saturating_sub(told.len());
            let frozen = previous.and_then(|text| frozen_plan(text, &mark.digest)).filter(|text| text.len() <= room);
            let shown = frozen.map_or_else(|| plan_markdown(plan, room), str::to_owned);
            format!(
                "{told}\n<details><summary>The plan</summary>\n\n{PLAN_START}\n{}\n{PLAN_END}\n\n</details>\n",
                shown.trim()
            )
        }
    };
    let history = format!("{}{}", origin(&mark, run_url), history(&mark));
    let json = serde_json::to_string(&mark).unwrap_or_default();
    format!("{MARKER}{} -->\n{body}{history}", json_inert(&json))
}

/// The plan section of a comment about the same decision.
fn frozen_plan<'a>(body: &'a str, digest: &str) -> Option<&'a str> {
    if CommentMark::read(body)?.digest != digest {
        return None;
    }
    let (_, rest) = body.split_once(PLAN_START)?;
    let (plan, _) = rest.split_once(PLAN_END)?;
    Some(plan.trim())
}

/// Which commit and which run it is of.
fn origin(mark: &CommentMark, run_url: Option<&str>) -> String {
    if mark.run == 0 {
        return String::new();
    }
    let run = format!("run {}", mark.run);
    let run = run_url.map_or_else(|| run.clone(), |url| linked(&run, url));
    let commit = if mark.head.is_empty() {
        String::new()
    } else {
        format!("commit {} · ", mark.head.get(..7).unwrap_or(&mark.head))
    };
    format!("\n<sub>{commit}{run}</sub>\n")
}

fn history(mark: &CommentMark) -> String {
    if mark.history.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for past in &mark.history {
        rows.push_str(&format!("- decision `{}` at `{}`\n", short(&past.digest), short(&past.head)));
    }
    format!("\n<details><summary>Earlier decisions</summary>\n\n{rows}\n</details>\n")
}

fn short(hex: &str) -> &str {
    hex.get(..12).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> CommentMark {
        CommentMark {
            key: "default".to_owned(),
            head: "abc1234".to_owned(),
            run: 100,
            attempt: 1,
            digest: "0".repeat(64),
            applied: false,
            history: vec![PastDecision { digest: "1".repeat(64), head: "def".to_owned() }],
        }
    }

    #[test]
    fn a_mark_is_read_back() {
        let body = format!("{MARKER}{} -->\nand so on", serde_json::to_string(&mark()).expect("JSON"));
        assert_eq!(CommentMark::read(&body), Some(mark()));
    }

    #[test]
    fn what_this_program_could_not_have_written_is_no_mark() {
        let written = |change: &dyn Fn(&mut CommentMark)| {
            let mut mark = mark();
            change(&mut mark);
            CommentMark::read(&format!("{MARKER}{} -->\n", serde_json::to_string(&mark).expect("JSON")))
        };
        assert!(written(&|_| {}).is_some());
        assert_eq!(written(&|mark| mark.key = "<b>".to_owned()), None);
        assert_eq!(written(&|mark| mark.digest = "@everyone".to_owned()), None);
        assert_eq!(written(&|mark| mark.head = "](https://evil.example)".to_owned()), None);
        assert_eq!(written(&|mark| mark.history[0].digest = "|".to_owned()), None);
        assert_eq!(CommentMark::read("> <!-- cancel-pending {} -->"), None);
        assert_eq!(CommentMark::read(""), None);
    }

    #[test]
    fn later_runs_and_attempts_are_newer() {
        let of = |run, attempt| CommentMark { run, attempt, ..mark() };
        assert!(of(101, 1).is_not_older_than(&of(100, 9)));
        assert!(of(100, 2).is_not_older_than(&of(100, 1)));
        assert!(of(100, 1).is_not_older_than(&of(100, 1)));
        assert!(!of(100, 1).is_not_older_than(&of(100, 2)));
        assert!(!of(99, 5).is_not_older_than(&of(100, 1)));
    }
}
