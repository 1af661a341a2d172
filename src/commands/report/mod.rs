//! `report`: show a plan and its outcome where GitHub Actions shows things.
//!
//! Owns which target gets what, and that one that fails takes nothing from the others. A
//! command of its own, so that the step that holds the portal's token needs none of GitHub's.

mod pull_request;
mod step;

use std::cell::OnceCell;
use std::path::PathBuf;

use super::documents::{read_outcome, read_plan};
use super::github::GitHubSettings;
use super::{Console, Exit, recorded_plans};
use crate::github::GitHub;
use crate::outcome::OutcomeDocument;
use crate::plan::{EntryVerdict, Plan};
use crate::report::{Links, Refusal};

/// Where to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportTarget {
    /// The summary of the step.
    Summary,
    /// Annotations on the lines of the marks.
    Annotations,
    /// The outputs of the step.
    Outputs,
    /// One comment on the pull request.
    Comment,
    /// Comments on the lines of the marks.
    Review,
    /// A check run on the commit.
    Check,
}

/// What `report` is asked to do.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    /// The plan document.
    pub plan: PathBuf,
    /// The outcome document.
    pub outcome: Option<PathBuf>,
    /// Where to.
    pub targets: Vec<ReportTarget>,
    /// Whether a target that can't be reached is an error.
    pub strict: bool,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary_file: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub output_file: Option<PathBuf>,
    /// `GITHUB_WORKSPACE`: what the paths of annotations are relative to.
    pub workspace: Option<PathBuf>,
    /// `RUNNER_TEMP`: where a plan of the same job has left word of itself.
    pub runner_temp: Option<PathBuf>,
    /// The pull request to comment on; none: the one of the event.
    pub pull_request: Option<u64>,
    /// Which of the comments of this program it is; none: the one of the plan's selection.
    pub key: Option<String>,
    /// The app that made the check run of the review, by its slug.
    pub reviewed_by: String,
    /// Who writes the comment; none: whoever the token belongs to.
    pub comment_author: Option<String>,
    /// GitHub.
    pub github: GitHubSettings,
}

/// What is reported, and how it was asked for.
struct Report<'a> {
    request: &'a ReportRequest,
    plan: &'a Plan,
    outcome: Option<&'a OutcomeDocument>,
    links: Links<'a>,
    /// Whether this job has made the plan.
    is_recorded: bool,
    console: Console,
    github: OnceCell<GitHub>,
    /// What was approved on the branch, once it was looked up.
    compared: OnceCell<Result<Vec<EntryVerdict>, Refusal>>,
}

/// Reports.
///
/// # Errors
/// When a document can't be read or does not match itself; nothing is reported then.
pub async fn report(request: &ReportRequest, console: Console) -> anyhow::Result<Exit> {
    let plan = read_plan(&request.plan)?;
    let outcome = request.outcome.as_deref().map(|path| read_outcome(path, &plan)).transpose()?;
    let (mut reported, mut failed, mut says_where) = (Vec::new(), Vec::new(), false);
    // What needs no call comes first, so that it is there whatever GitHub answers.
    let order = [
        ReportTarget::Summary,
        ReportTarget::Annotations,
        ReportTarget::Outputs,
        ReportTarget::Comment,
        ReportTarget::Review,
        ReportTarget::Check,
    ];
    let is_recorded = recorded_plans::is_recorded(request.runner_temp.as_deref(), &plan);
    let links = Links::to(&plan.portals, is_recorded, crate::portal::documented_address);
    let report = Report {
        request,
        plan: &plan,
        outcome: outcome.as_ref(),
        links,
        is_recorded,
        console,
        github: OnceCell::new(),
        compared: OnceCell::new(),
    };
    for target in order.into_iter().filter(|target| request.targets.contains(target)) {
        let (name, result) = match target {
            ReportTarget::Summary => ("summary", report.summary()),
            ReportTarget::Annotations => ("annotations", report.annotations()),
            ReportTarget::Outputs => ("outputs", report.outputs()),
            ReportTarget::Comment => ("comment", report.comment().await),
            ReportTarget::Review => ("review", report.review().await),
            ReportTarget::Check => ("check", report.check().await),
        };
        match result {
            // Those that call GitHub say where to find what they wrote.
            Ok(()) if !matches!(target, ReportTarget::Comment | ReportTarget::Review | ReportTarget::Check) => {
                reported.push(name);
                says_where = false;
            }
            Ok(()) => says_where = true,
            Err(error) => {
                failed.push(name);
                let level = if request.strict { "error" } else { "warning" };
                console.error(&format!("{level}: no {name}: {}\n", crate::report::terminal(&format!("{error:#}"))));
            }
        }
    }
    let why = match &outcome {
        Some(outcome) => crate::report::apply_failure(&plan, outcome),
        None => crate::report::plan_failure(&plan),
    };
    let unreported =
        (request.strict && !failed.is_empty()).then(|| format!("could not report to {}", failed.join(", ")));
    if let Some(why) = why.or(unreported) {
        console.error(&format!("error: {why}\n"));
        return Ok(Exit::Failed);
    }
    if let Some(open) = outcome.as_ref().and_then(crate::report::open_ends) {
        console.error(&format!("exit status 3: {open}; make a new plan later\n"));
        return Ok(Exit::OpenEnds);
    }
    if says_where {
        return Ok(Exit::Done);
    }
    let reported = if reported.is_empty() { "nothing".to_owned() } else { reported.join(", ") };
    console.note(&format!("Reported: {reported}\n"));
    Ok(Exit::Done)
}
