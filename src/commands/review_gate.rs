//! The gate of `apply --reviewed`: each cancellation must be one that was approved.
//!
//! Owns that it can't be passed by not looking: every way in which the approval can't be told is
//! a refusal. What is not approved is said in the log, in the summary and on the pull request.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use anyhow::anyhow;

use super::Console;
use super::github::{GitHubSettings, key_of, path_in_repository};
use super::step_summary;
use crate::domain::{OfferKey, sha256_hex};
use crate::github::{ApprovalQuery, Commented, GitHub, GitHubError, StickyComment};
use crate::plan::{
    ApprovedDecision, Decision, DecisionDocument, Entry, EntryApproval, EntryVerdict, Plan, entry_verdicts,
};
use crate::report::{
    COMMENT_LIMIT, Refusal, check_name, decision_in, json_inert, refusal_markdown, refusal_text, terminal,
};

/// What `apply` needs to know to hold its plan against what was approved.
#[derive(Debug, Clone)]
pub struct ReviewGate {
    /// The app that must have made the check run, by its slug.
    pub reviewed_by: String,
    /// Whether somebody must have approved that very commit.
    pub require_approval: bool,
    /// Which of the check runs of this program it is; none: the one of the plan's selection.
    pub key: Option<String>,
    /// The branch that is applied; none: the default branch.
    pub branch: Option<String>,
    /// GitHub.
    pub github: GitHubSettings,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary_file: Option<PathBuf>,
    /// `GITHUB_WORKSPACE`: what the paths in the repository are relative to.
    pub workspace: Option<PathBuf>,
}

/// A plan that has been held against what was approved.
pub(super) struct PassedReview {
    github: GitHub,
    branch: String,
    workspace: Option<PathBuf>,
    /// One a `cancel` entry of the plan, in its order.
    pub verdicts: Vec<EntryVerdict>,
    /// Why merged pull requests approve nothing.
    reasons: Vec<String>,
}

impl PassedReview {
    /// The offers whose cancellation was not approved, each with why it is left out.
    pub(super) fn withheld(&self) -> HashMap<OfferKey, String> {
        let why = |verdict: &EntryVerdict| match &verdict.approval {
            EntryApproval::Approved(_) => None,
            EntryApproval::Missing => Some("no approval found for this cancellation".to_owned()),
            EntryApproval::NewUnderFreeze => {
                Some("this operation is new: it runs under a freeze, and no approved plan listed it".to_owned())
            }
            EntryApproval::OtherOperation(number, operation) => Some(format!(
                "this operation is new: #{number} approved the cancellation of {operation}, and not of this one"
            )),
            EntryApproval::OtherRecipients(number, _) => {
                Some(format!("#{number} approved this cancellation with other e-mail addresses"))
            }
        };
        self.verdicts.iter().filter_map(|verdict| Some((verdict.entry.key(), why(verdict)?))).collect()
    }

    /// The entries that were not approved, and why; none: all were.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        unapproved(&self.verdicts, &self.reasons)
    }

    /// Whether the desired files are still those at the head of the branch.
    ///
    /// # Errors
    /// When they are not, or when that can't be told.
    pub(super) async fn still_wanted(&self, plan: &Plan) -> Result<(), Refusal> {
        still_wanted(&self.github, plan, &self.branch, self.workspace.as_deref()).await
    }
}

/// Holds a plan against what was approved, entry by entry. What was not approved is said, and is in the answer.
///
/// # Errors
/// When it can't be told what was approved, and when the desired state is no longer wanted as it is.
pub(super) async fn pass(gate: &ReviewGate, plan: &Plan, console: Console) -> anyhow::Result<PassedReview> {
    let passed = match held(gate, plan).await {
        Ok(passed) => passed,
        Err(refusal) => {
            say_in_summary(gate, &refusal, console);
            return Err(anyhow!(refusal_text(&refusal)));
        }
    };
    for verdict in &passed.verdicts {
        if let EntryApproval::Approved(number) = verdict.approval {
            let entry = &verdict.entry;
            let subject = format!("{}/{} operation {}", entry.publisher, entry.offer, entry.operation_id);
            console.note(&format!("reviewed: {} was approved on #{number}\n", terminal(&subject)));
        }
    }
    if let Some(refusal) = passed.refusal() {
        say_in_summary(gate, &refusal, console);
        let mut numbers: Vec<u64> = passed.verdicts.iter().filter_map(differs_from).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let key = key_of(gate.key.as_deref(), plan)?;
        for number in numbers {
            say_on_pull_request(&passed.github, number, &key, &refusal, console).await;
        }
    }
    Ok(passed)
}

/// The pull request that approved something else for an entry's offer.
fn differs_from(verdict: &EntryVerdict) -> Option<u64> {
    match verdict.approval {
        EntryApproval::OtherOperation(number, _) | EntryApproval::OtherRecipients(number, _) => Some(number),
        EntryApproval::Approved(_) | EntryApproval::Missing | EntryApproval::NewUnderFreeze => None,
    }
}

async fn held(gate: &ReviewGate, plan: &Plan) -> Result<PassedReview, Refusal> {
    let not_told = |error: anyhow::Error| Refusal::NotTold(format!("{error:#}"));
    let key = key_of(gate.key.as_deref(), plan).map_err(not_told)?;
    let github = gate.github.client().map_err(not_told)?;
    let branch = match &gate.branch {
        Some(branch) => branch.clone(),
        None => github.default_branch().await.map_err(|error| not_told(error.into()))?,
    };
    match gate.github.branch() {
        Some(on) if on == branch => {}
        Some(on) => {
            let why =
                format!("this run is on the branch {on}, and --reviewed applies on {branch}; --branch names another");
            return Err(Refusal::NotTold(why));
        }
        None => {
            let why = "GITHUB_REF names no branch; is this a step of a workflow?";
            return Err(Refusal::NotTold(why.to_owned()));
        }
    }
    let query = ApprovalQuery {
        check_name: &check_name(&key),
        app: &gate.reviewed_by,
        require_approval: gate.require_approval,
    };
    let (mut verdicts, mut reasons) = (Vec::new(), Vec::new());
    if plan.summary.count(Decision::Cancel) > 0 {
        still_wanted(&github, plan, &branch, gate.workspace.as_deref()).await?;
        (verdicts, reasons) = look_up(&github, &query, plan, None, &branch).await?;
    }
    Ok(PassedReview { github, branch, workspace: gate.workspace.clone(), verdicts, reasons })
}

/// Whether the desired files of a plan are those at the head of a branch. An old commit that runs again, and a run
/// that has waited for days, would cancel what nobody wants to be cancelled any more.
///
/// # Errors
/// When they are not, or when that can't be told.
async fn still_wanted(
    github: &GitHub,
    plan: &Plan,
    branch: &str,
    workspace: Option<&std::path::Path>,
) -> Result<(), Refusal> {
    // A plan that leaves out the files that it cancels by would be wanted whatever they say.
    let is_listed = |entry: &&Entry| plan.desired.iter().any(|file| file.path == entry.source.path);
    if let Some(entry) = plan.entries_with(Decision::Cancel).find(|entry| !is_listed(entry)) {
        return Err(Refusal::NotTold(format!("the plan does not list {} among its files", entry.source.path)));
    }
    let mut files = Vec::new();
    for file in &plan.desired {
        let path = path_in_repository(workspace, &file.path);
        let there = github.file(&path, branch).await.map_err(|error| Refusal::NotTold(error.to_string()))?;
        if !there.is_some_and(|bytes| is_checkout(&bytes, &file.sha256)) {
            files.push(file.path.clone());
        }
    }
    if files.is_empty() { Ok(()) } else { Err(Refusal::NotWanted { branch: branch.to_owned(), files }) }
}

/// Whether a file of the working directory is one of the repository. git writes line ends of Windows where it is told
/// to, as on GitHub's runners for Windows; YAML makes no difference between the two.
fn is_checkout(bytes: &[u8], sha256: &str) -> bool {
    if sha256_hex(bytes) == sha256 {
        return true;
    }
    let with_crlf = || {
        let mut written = Vec::with_capacity(bytes.len() + bytes.len() / 16);
        for byte in bytes {
            written.extend((*byte == b'\n').then_some(b'\r').into_iter().chain([*byte]));
        }
        written
    };
    !bytes.contains(&b'\r') && sha256_hex(&with_crlf()) == sha256
}

/// Looks up what was approved for each `cancel` entry: by one pull request if one is named, then by those that were
/// merged into the branch, as far back as it takes.
///
/// # Errors
/// When GitHub does not tell.
pub(super) async fn look_up(
    github: &GitHub,
    query: &ApprovalQuery<'_>,
    plan: &Plan,
    first: Option<u64>,
    branch: &str,
) -> Result<(Vec<EntryVerdict>, Vec<String>), Refusal> {
    let not_told = |error: GitHubError| Refusal::NotTold(error.to_string());
    let now = plan.decision_document();
    let (mut approved, mut reasons) = (Vec::new(), Vec::new());
    let mut verdicts = entry_verdicts(&now, &approved);
    let mut next = match first {
        Some(number) => Some(github.read_pull_request(number).await.map_err(not_told)?),
        None => None,
    };
    let mut merged = None;
    while !verdicts.iter().all(EntryVerdict::is_approved) {
        let pull = if let Some(pull) = next.take() {
            pull
        } else {
            if merged.is_none() {
                merged = Some(github.merged_into(branch).await.map_err(not_told)?);
            }
            let Some(merged) = &mut merged else { break };
            let Some(pull) = merged.next().await.map_err(not_told)? else { break };
            pull
        };
        let found = match github.approved_by(query, &pull).await {
            Ok(found) => found,
            Err(GitHubError::NotApproved(why)) => {
                reasons.push(why);
                continue;
            }
            // One whose head or reviews are gone approves nothing, and takes nothing from the others.
            Err(error @ GitHubError::Refused { status: 404 | 410 | 422, .. }) => {
                reasons.push(format!("what #{} approved can't be read: {error}", pull.number));
                continue;
            }
            Err(error) => return Err(not_told(error)),
        };
        let document = decision_in(&found.text).and_then(|text| DecisionDocument::verified(&text, &found.digest));
        match document {
            Some(document) => {
                approved.push(ApprovedDecision { pull_request: found.pull_request, head: found.head, document });
            }
            None => reasons
                .push(format!("the check run on #{} holds no decision document of its digest", found.pull_request)),
        }
        verdicts = entry_verdicts(&now, &approved);
    }
    if verdicts.iter().any(|verdict| !verdict.is_approved()) && approved.is_empty() && reasons.is_empty() {
        reasons.push(format!("the last commits of the branch {branch} come from no merged pull request"));
    }
    let frozen: HashSet<OfferKey> = plan.entries.iter().filter(|entry| entry.is_frozen()).map(Entry::key).collect();
    for verdict in &mut verdicts {
        if verdict.approval == EntryApproval::Missing && frozen.contains(&verdict.entry.key()) {
            verdict.approval = EntryApproval::NewUnderFreeze;
        }
    }
    Ok((verdicts, reasons))
}

/// The refusal of those entries that were not approved.
pub(super) fn unapproved(verdicts: &[EntryVerdict], reasons: &[String]) -> Option<Refusal> {
    let entries: Vec<EntryVerdict> = verdicts.iter().filter(|verdict| !verdict.is_approved()).cloned().collect();
    let approved = verdicts.len() - entries.len();
    (!entries.is_empty()).then(|| Refusal::Unapproved { entries, approved, reasons: reasons.to_vec() })
}

fn say_in_summary(gate: &ReviewGate, refusal: &Refusal, console: Console) {
    let Some(path) = &gate.summary_file else { return };
    if let Err(error) = step_summary::add(path, |room| refusal_markdown(refusal, room.min(COMMENT_LIMIT))) {
        console.error(&format!("warning: no summary: {error:#}\n"));
    }
}

/// One comment a desired state, found again and changed like that of the plan.
async fn say_on_pull_request(github: &GitHub, number: u64, key: &str, refusal: &Refusal, console: Console) {
    let marker = format!("<!-- cancel-pending refusal {} -->", json_inert(key));
    let text = format!("{marker}\n{}", refusal_markdown(refusal, COMMENT_LIMIT));
    let wanted = StickyComment {
        is_own: &|body| body.starts_with(&marker),
        must_stay: &|_| None,
        age: &|_| (0, 0),
        text: &|_| text.clone(),
        author: None,
        may_create: true,
    };
    match github.stick(number, &wanted).await {
        Ok(Commented::Written(url) | Commented::Left(url, _)) => {
            console.note(&format!("comment: {}\n", terminal(&url)));
        }
        Ok(Commented::Absent) => {}
        Err(error) => console.error(&format!("warning: no comment on #{number}: {}\n", terminal(&error.to_string()))),
    }
}
