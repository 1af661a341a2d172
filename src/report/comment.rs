//! The comment on the pull request: its marker, its parts, what stays of earlier ones.
//!
//! Owns the layout of the whole comment and its limit. The marker is an HTML comment with a
//! JSON object in it; by it a later run finds the comment and learns who wrote it last.

use serde::{Deserialize, Serialize};

use super::cells::linked;
use super::key::is_key;
use super::links::Links;
use super::markdown::{PageOrigin, plan_page, short_digest};
use super::outcome_markdown::outcome_page;
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
    /// The decision digest; empty where no plan could be made.
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

/// What a comment is about.
#[derive(Debug, Clone, Copy)]
pub struct CommentOrigin<'a> {
    /// Where the run can be looked at.
    pub run_url: Option<&'a str>,
    /// The text of the comment that it takes the place of.
    pub previous: Option<&'a str>,
    /// Whether the documents are another run's, which may have run a stranger's code.
    pub is_of_another_run: bool,
}

/// Said where documents come from another run, before anything of them.
pub const UNVERIFIED: &str = "> [!WARNING]\n> **Not verified.** Another workflow run made this plan, and a fork decides what its run \
     says. Read the file itself. Nothing can be approved by this plan.\n\n";

/// The text of the comment.
#[must_use]
pub fn comment(
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    links: Links<'_>,
    mut mark: CommentMark,
    origin: CommentOrigin<'_>,
) -> String {
    let CommentOrigin { run_url, previous, is_of_another_run } = origin;
    let before = previous.and_then(CommentMark::read);
    if plan.failed.is_some() {
        // No decision, which is another thing than the decision to cancel nothing.
        mark.digest.clear();
    }
    if let Some(before) = &before {
        mark.history = history_after(before, &mark.digest);
    }
    let page_origin = PageOrigin {
        commit: mark.head.get(..7).or((!mark.head.is_empty()).then_some(&*mark.head)).map(str::to_owned),
        run: (mark.run > 0).then(|| linked(&format!("run {}", mark.run), run_url)),
        replaces_plan: before.as_ref().is_some_and(|before| !before.digest.is_empty()),
    };
    let budget = COMMENT_LIMIT - RESERVE;
    let body = match outcome {
        None => format!("{PLAN_START}\n{}{PLAN_END}\n", plan_page(plan, links, &page_origin, budget)),
        Some(outcome) => {
            let told = outcome_page(outcome, plan, links, &page_origin, budget / 2);
            // What was approved stays as it was approved: the plan of now is another text.
            let room = budget.saturating_sub(told.len());
            let frozen = previous.and_then(|text| frozen_plan(text, &mark.digest)).filter(|text| text.len() <= room);
            let shown = frozen.map_or_else(|| plan_page(plan, links, &page_origin, room), str::to_owned);
            format!(
                "{told}\n<details><summary>The plan that was applied</summary>\n\n{PLAN_START}\n{}\n{PLAN_END}\n\n</details>\n",
                shown.trim()
            )
        }
    };
    let json = serde_json::to_string(&mark).unwrap_or_default();
    let warning = if is_of_another_run { UNVERIFIED } else { "" };
    format!("{MARKER}{} -->\n{warning}{body}{}", json_inert(&json), history(&mark))
}

/// The decisions before one that takes the place of another. One that comes back is no earlier one any more.
fn history_after(before: &CommentMark, digest: &str) -> Vec<PastDecision> {
    let mut history = before.history.clone();
    if before.digest != digest && !before.digest.is_empty() {
        history.insert(0, PastDecision { digest: before.digest.clone(), head: before.head.clone() });
    }
    if before.digest.is_empty() && history.first().is_some_and(|past| past.digest == digest) {
        history.remove(0);
    }
    history.truncate(HISTORY);
    history
}

/// The plan section of a comment about the same decision.
fn frozen_plan<'a>(body: &'a str, digest: &str) -> Option<&'a str> {
    if CommentMark::read(body)?.digest != digest {
        return None;
    }
    // On lines of their own: within a line they are somebody's words.
    let (_, rest) = body.split_once(&format!("\n{PLAN_START}\n"))?;
    let (plan, _) = rest.split_once(&format!("\n{PLAN_END}\n"))?;
    Some(plan.trim())
}

fn history(mark: &CommentMark) -> String {
    if mark.history.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for past in &mark.history {
        rows.push_str(&format!("- decision `{}` at `{}`\n", short_digest(&past.digest), short_digest(&past.head)));
    }
    format!("\n<details><summary>Earlier decisions</summary>\n\n{rows}\n</details>\n")
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
