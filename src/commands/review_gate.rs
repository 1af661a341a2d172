//! The gate of `apply --reviewed`: what would be done must be what was approved.
//!
//! Owns that it can't be passed by not looking: every way in which the approval can't be told is
//! a refusal. What is refused is said in the log, in the summary and on the pull request.

use std::path::PathBuf;

use anyhow::anyhow;

use super::Console;
use super::github::{GitHubSettings, checked_key};
use super::step_summary;
use crate::github::{ApprovalQuery, Commented, GitHub, Merged, StickyComment};
use crate::plan::{DecisionDocument, Plan, Relation};
use crate::report::{
    ApprovedAt, COMMENT_LIMIT, Refusal, check_name, decision_in, json_inert, refusal_markdown, refusal_text, terminal,
};

/// What `apply` needs to know to hold its plan against what was approved.
#[derive(Debug, Clone)]
pub struct ReviewGate {
    /// The app that must have made the check run, by its slug.
    pub reviewed_by: String,
    /// Whether somebody must have approved that very commit.
    pub require_approval: bool,
    /// Which of the check runs of this program it is.
    pub key: Option<String>,
    /// GitHub.
    pub github: GitHubSettings,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary_file: Option<PathBuf>,
}

/// Goes on only when the plan is what was approved, or a part of it.
///
/// # Errors
/// When it is not, or when that can't be told.
pub(super) async fn pass(gate: &ReviewGate, plan: &Plan, console: Console) -> anyhow::Result<()> {
    let key = gate.key.as_deref().map(checked_key).transpose()?;
    let settings = &gate.github;
    let refuse_early = |why: String| {
        let refusal = Refusal::NotTold(why);
        say_in_summary(gate, &refusal, console);
        anyhow!(refusal_text(&refusal))
    };
    let github = settings.client().map_err(|error| refuse_early(format!("{error:#}")))?;
    let commit = settings.sha.as_deref().filter(|sha| is_commit(sha));
    let commit =
        commit.ok_or_else(|| refuse_early("GITHUB_SHA names no commit; is this a step of a workflow?".to_owned()))?;
    let query = ApprovalQuery {
        at: Merged::As(commit, settings.branch()),
        check_name: &check_name(key.as_deref()),
        app: &gate.reviewed_by,
        require_approval: gate.require_approval,
    };
    let refusal = match compare(&github, &query, plan).await {
        Ok((approved, relation)) => {
            let what = if relation == Relation::Equal { "the decision" } else { "a part of the decision" };
            let head = terminal(&approved.head).into_owned();
            console
                .note(&format!("reviewed: this is {what} that was approved on #{} at {head}\n", approved.pull_request));
            return Ok(());
        }
        Err(refusal) => refusal,
    };
    say_in_summary(gate, &refusal, console);
    if let Refusal::Different(approved, _) = &refusal {
        say_on_pull_request(&github, approved.pull_request, key.as_deref(), &refusal, console).await;
    }
    Err(anyhow!(refusal_text(&refusal)))
}

fn is_commit(sha: &str) -> bool {
    (7..=64).contains(&sha.len()) && sha.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Holds a plan against what was approved.
///
/// # Errors
/// The refusal, when it is neither the same nor a part of it, or that can't be told.
pub(super) async fn compare(
    github: &GitHub,
    query: &ApprovalQuery<'_>,
    plan: &Plan,
) -> Result<(ApprovedAt, Relation), Refusal> {
    let found = github.approved(query).await.map_err(|error| Refusal::NotTold(error.to_string()))?;
    let at = ApprovedAt { pull_request: found.pull_request, head: found.head };
    let now = plan.decision_document();
    if found.digest == now.digest() {
        return Ok((at, Relation::Equal));
    }
    let Some(text) = decision_in(&found.text) else { return Err(Refusal::Different(at, None)) };
    let Some(approved) = DecisionDocument::verified(text, &found.digest) else {
        let why = format!(
            "the decision document of the check run on the head of #{} is not that of its digest",
            at.pull_request
        );
        return Err(Refusal::NotTold(why));
    };
    let comparison = approved.compare(&now);
    match comparison.relation {
        Relation::Different => Err(Refusal::Different(at, Some(comparison))),
        relation => Ok((at, relation)),
    }
}

fn say_in_summary(gate: &ReviewGate, refusal: &Refusal, console: Console) {
    let Some(path) = &gate.summary_file else { return };
    if let Err(error) = step_summary::add(path, |room| refusal_markdown(refusal, room.min(COMMENT_LIMIT))) {
        console.note(&format!("no summary: {error:#}\n"));
    }
}

/// One comment a desired state, found again and changed like that of the plan.
async fn say_on_pull_request(github: &GitHub, number: u64, key: Option<&str>, refusal: &Refusal, console: Console) {
    let marker = format!("<!-- cancel-pending refusal {} -->", json_inert(key.unwrap_or("default")));
    let text = format!("{marker}\n{}", refusal_markdown(refusal, COMMENT_LIMIT));
    let wanted = StickyComment {
        is_own: &|body| body.starts_with(&marker),
        must_stay: &|_| None,
        text: &|_| text.clone(),
        author: None,
    };
    match github.stick(number, &wanted).await {
        Ok(Commented::Written(url) | Commented::Left(url, _)) => {
            console.note(&format!("comment: {}\n", terminal(&url)));
        }
        Err(error) => console.note(&format!("no comment on #{number}: {}\n", terminal(&error.to_string()))),
    }
}
