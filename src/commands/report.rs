//! `report`: show a plan and its outcome where GitHub Actions shows things.
//!
//! Owns which target gets what, and that one that fails takes nothing from the others. A
//! command of its own, so that the job that holds the portal's token needs none of GitHub's.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::console::shown;
use super::documents::{read_outcome, read_plan};
use super::{Console, Exit};
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;
use crate::report;

/// The most bytes that all summaries of a step may have: one more, and GitHub drops all of them.
const SUMMARY_LIMIT: u64 = 1024 * 1024;

/// How much of a summary a plan may fill where an outcome follows.
const SUMMARY_SHARE: usize = 600 * 1024;

/// Where to report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportTarget {
    /// The summary of the step.
    Summary,
    /// Annotations on the lines of the marks.
    Annotations,
    /// The outputs of the step.
    Outputs,
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
}

/// Reports.
///
/// # Errors
/// When a document can't be read or does not match itself; nothing is reported then.
pub fn report(request: &ReportRequest, console: Console) -> anyhow::Result<Exit> {
    let plan = read_plan(&request.plan)?;
    let outcome = request.outcome.as_deref().map(|path| read_outcome(path, &plan)).transpose()?;
    let mut failed = false;
    for target in &request.targets {
        let (name, result) = match target {
            ReportTarget::Summary => ("summary", summary(request, &plan, outcome.as_ref())),
            ReportTarget::Annotations => ("annotations", annotations(request, &plan, outcome.as_ref(), console)),
            ReportTarget::Outputs => ("outputs", outputs(request, &plan, outcome.as_ref(), console)),
        };
        if let Err(error) = result {
            failed = true;
            console.note(&format!("error: no {name}: {error:#}\n"));
        }
    }
    let ended = |test: fn(&OutcomeDocument) -> bool| outcome.as_ref().is_some_and(test);
    Ok(if plan.has_failures() || ended(OutcomeDocument::has_failures) || (failed && request.strict) {
        Exit::Failed
    } else if ended(OutcomeDocument::has_open_ends) {
        Exit::OpenEnds
    } else {
        Exit::Done
    })
}

fn summary(request: &ReportRequest, plan: &Plan, outcome: Option<&OutcomeDocument>) -> anyhow::Result<()> {
    let path = request
        .summary_file
        .as_deref()
        .ok_or_else(|| anyhow!("GITHUB_STEP_SUMMARY is not set; is this a step of a workflow?"))?;
    let written = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let room = usize::try_from(SUMMARY_LIMIT.saturating_sub(written).saturating_sub(1)).unwrap_or(0);
    let text = match outcome {
        None => report::plan_markdown(plan, room),
        Some(outcome) => {
            let first = report::outcome_markdown(outcome, plan, room / 3);
            format!("{first}\n{}", report::plan_markdown(plan, SUMMARY_SHARE.min(room - room / 3)))
        }
    };
    if text.len() >= room {
        return Err(anyhow!("the summary of this step is full"));
    }
    append(path, &text)
}

fn annotations(
    request: &ReportRequest,
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    console: Console,
) -> anyhow::Result<()> {
    let mut annotations = report::annotations(plan, outcome);
    let below = below_workspace(request.workspace.as_deref());
    for annotation in &mut annotations {
        if let Some((file, _)) = annotation.place.as_mut().filter(|(file, _)| !file.starts_with('/')) {
            *file = format!("{below}{file}");
        }
    }
    console.result(&report::workflow_commands(&annotations))
}

/// The working directory below the workspace, as a prefix for paths.
fn below_workspace(workspace: Option<&Path>) -> String {
    let here = Path::new(".").canonicalize();
    let (Some(Ok(workspace)), Ok(here)) = (workspace.map(Path::canonicalize), here) else { return String::new() };
    match here.strip_prefix(workspace) {
        Ok(below) if below.as_os_str().is_empty() => String::new(),
        Ok(below) => format!("{}/", below.to_string_lossy().replace('\\', "/")),
        Err(_) => String::new(),
    }
}

fn outputs(
    request: &ReportRequest,
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    console: Console,
) -> anyhow::Result<()> {
    let path = request
        .output_file
        .as_deref()
        .ok_or_else(|| anyhow!("GITHUB_OUTPUT is not set; is this a step of a workflow?"))?;
    let outputs = report::outputs(plan, outcome);
    if outputs.iter().any(|(name, value)| name == "plan-json" && value.is_empty()) {
        console.note("the plan is too large for the output `plan-json`, which is empty; use the file\n");
    }
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| anyhow!("the system gives no random numbers"))?;
    let delimiter = format!("end-of-output-{:032x}", u128::from_le_bytes(random));
    let text = report::output_file(&outputs, &delimiter).context("a value holds the delimiter")?;
    append(path, &text)
}

fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let written =
        OpenOptions::new().append(true).create(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} can't be written", shown(path)))
}
