//! `report`: show a plan and its outcome where GitHub Actions shows things.
//!
//! Owns which target gets what, and that one that fails takes nothing from the others. A
//! command of its own, so that the job that holds the portal's token needs none of GitHub's.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::console::shown;
use super::documents::{read_outcome, read_plan};
use super::{Console, Exit};
use crate::domain::sha256_hex;
use crate::github::{Commented, GitHub, Place, Repository, StickyComment, place_of};
use crate::outcome::OutcomeDocument;
use crate::plan::Plan;
use crate::portal::Token;
use crate::report::{self, Annotation, CommentMark, terminal};

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
    /// One comment on the pull request.
    Comment,
    /// A check run on the commit.
    Check,
}

/// What the environment of a workflow says about GitHub.
#[derive(Debug, Clone, Default)]
pub struct GitHubSettings {
    /// `GITHUB_API_URL`.
    pub api_url: Option<String>,
    /// `GITHUB_TOKEN`, or `GH_TOKEN`.
    pub token: Option<Token>,
    /// `GITHUB_REPOSITORY`.
    pub repository: Option<String>,
    /// `GITHUB_EVENT_NAME`.
    pub event_name: Option<String>,
    /// `GITHUB_EVENT_PATH`.
    pub event_path: Option<PathBuf>,
    /// `GITHUB_REF`.
    pub git_ref: Option<String>,
    /// `GITHUB_SHA`.
    pub sha: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub run_id: Option<String>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub run_attempt: Option<String>,
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
    /// The pull request to comment on; none: the one of the event.
    pub pull_request: Option<u64>,
    /// Which of the comments of this program it is; none: the one of these files.
    pub key: Option<String>,
    /// Who writes the comment; none: whoever the token belongs to.
    pub comment_author: Option<String>,
    /// GitHub.
    pub github: GitHubSettings,
}

/// Reports.
///
/// # Errors
/// When a document can't be read or does not match itself; nothing is reported then.
pub async fn report(request: &ReportRequest, console: Console) -> anyhow::Result<Exit> {
    let plan = read_plan(&request.plan)?;
    let outcome = request.outcome.as_deref().map(|path| read_outcome(path, &plan)).transpose()?;
    let mut failed = false;
    // What needs no call comes first, so that it is there whatever GitHub answers.
    let order = [
        ReportTarget::Summary,
        ReportTarget::Annotations,
        ReportTarget::Outputs,
        ReportTarget::Comment,
        ReportTarget::Check,
    ];
    for target in order.into_iter().filter(|target| request.targets.contains(target)) {
        let (name, result) = match target {
            ReportTarget::Summary => ("summary", summary(request, &plan, outcome.as_ref())),
            ReportTarget::Annotations => ("annotations", annotations(request, &plan, outcome.as_ref(), console)),
            ReportTarget::Outputs => ("outputs", outputs(request, &plan, outcome.as_ref(), console)),
            ReportTarget::Comment => ("comment", comment(request, &plan, outcome.as_ref(), console).await),
            ReportTarget::Check => ("check", check(request, &plan, outcome.as_ref(), console).await),
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
    below_workspace(request.workspace.as_deref(), &mut annotations);
    console.result(&report::workflow_commands(&annotations))
}

/// Makes the paths of annotations relative to the workspace, where the repository is.
fn below_workspace(workspace: Option<&Path>, annotations: &mut [Annotation]) {
    let (Some(Ok(workspace)), Ok(here)) = (workspace.map(Path::canonicalize), Path::new(".").canonicalize()) else {
        return;
    };
    let Ok(below) = here.strip_prefix(workspace) else { return };
    if below.as_os_str().is_empty() {
        return;
    }
    let below = below.to_string_lossy().replace('\\', "/");
    for annotation in annotations {
        if let Some((file, _)) = annotation.place.as_mut().filter(|(file, _)| !file.starts_with('/')) {
            *file = format!("{below}/{file}");
        }
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
    append_outputs(path, &outputs)
}

fn append_outputs(path: &Path, outputs: &[(String, String)]) -> anyhow::Result<()> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| anyhow!("the system gives no random numbers"))?;
    let delimiter = format!("end-of-output-{:032x}", u128::from_le_bytes(random));
    let text = report::output_file(outputs, &delimiter).context("a value holds the delimiter")?;
    append(path, &text)
}

/// The most bytes of an event. GitHub caps its payloads at 25 MiB.
const MAX_EVENT_BYTES: u64 = 32 * 1024 * 1024;

async fn comment(
    request: &ReportRequest,
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    console: Console,
) -> anyhow::Result<()> {
    let settings = &request.github;
    let github = github(settings)?;
    let event = event(settings)?;
    let sha = settings.sha.as_deref().unwrap_or_default();
    let place = match request.pull_request {
        Some(number) => Place::Number(number),
        None => place_of(
            settings.event_name.as_deref().unwrap_or("(none)"),
            &event,
            settings.git_ref.as_deref().unwrap_or_default(),
            sha,
        ),
    };
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mark = CommentMark {
        key: key(request, plan)?,
        head: head(&event, sha).chars().take(64).collect(),
        run: number(&settings.run_id),
        attempt: number(&settings.run_attempt),
        digest: plan.decision_digest.clone(),
        applied: outcome.is_some(),
        history: Vec::new(),
    };
    let pull_request = github.pull_request(&place).await?;
    let commented = github
        .stick(
            pull_request,
            &StickyComment {
                is_own: &|text| CommentMark::read(text).is_some_and(|own| own.key == mark.key),
                must_stay: &|text| CommentMark::read(text).and_then(|own| must_stay(&own, &mark)),
                text: &|previous| report::comment(plan, outcome, mark.clone(), previous),
                author: request.comment_author.as_deref(),
            },
        )
        .await?;
    let url = match commented {
        Commented::Written(url) => {
            console.note(&format!("comment: {}\n", terminal(&url)));
            url
        }
        Commented::Left(url, why) => {
            console.note(&format!("comment: {} was left as it is: {why}\n", terminal(&url)));
            url
        }
    };
    match (&request.output_file, request.targets.contains(&ReportTarget::Outputs)) {
        (Some(path), true) => append_outputs(path, &[("comment-url".to_owned(), url)]),
        _ => Ok(()),
    }
}

/// GitHub, with what the environment says of it.
fn github(settings: &GitHubSettings) -> anyhow::Result<GitHub> {
    let missing = |name: &str| anyhow!("{name} is not set; is this a step of a workflow?");
    let repository = settings.repository.as_deref().ok_or_else(|| missing("GITHUB_REPOSITORY"))?;
    let repository = Repository::read(repository).ok_or_else(|| anyhow!("GITHUB_REPOSITORY is not owner/name"))?;
    let token = settings.token.as_ref().ok_or_else(|| {
        anyhow!("GITHUB_TOKEN is not set: give the step `env: GITHUB_TOKEN: ${{{{ github.token }}}}`, and the job the permission to write")
    })?;
    let api_url = settings.api_url.as_deref().unwrap_or("https://api.github.com");
    Ok(GitHub::new(api_url, token.expose(), repository)?)
}

/// The commit that a run is about: the head of the pull request, and not its merge with the base.
fn head<'a>(event: &'a serde_json::Value, sha: &'a str) -> &'a str {
    let named = [&event["pull_request"]["head"]["sha"], &event["workflow_run"]["head_sha"]];
    named.into_iter().find_map(serde_json::Value::as_str).unwrap_or(sha)
}

async fn check(
    request: &ReportRequest,
    plan: &Plan,
    outcome: Option<&OutcomeDocument>,
    console: Console,
) -> anyhow::Result<()> {
    let github = github(&request.github)?;
    let event = event(&request.github)?;
    let head = head(&event, request.github.sha.as_deref().unwrap_or_default());
    if head.len() < 7 || !head.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(anyhow!("the run names no commit, neither in its event nor in GITHUB_SHA"));
    }
    let name = match &request.key {
        Some(_) => format!("cancel-pending ({})", key(request, plan)?),
        None => "cancel-pending".to_owned(),
    };
    let mut check = report::check(plan, outcome);
    below_workspace(request.workspace.as_deref(), &mut check.annotations);
    let url = github.check(&name, head, &check).await?;
    console.note(&format!("check: {}\n", terminal(&url)));
    Ok(())
}

/// Why a comment must stay as it is.
fn must_stay(there: &CommentMark, mine: &CommentMark) -> Option<String> {
    if !mine.is_not_older_than(there) {
        return Some(format!("it is of a later run ({}, attempt {})", there.run, there.attempt));
    }
    (there.applied && !mine.applied).then(|| "it tells what an apply has done".to_owned())
}

/// The key of the comment: by default that of the files, so that two sets of files have two comments.
fn key(request: &ReportRequest, plan: &Plan) -> anyhow::Result<String> {
    match &request.key {
        Some(key) if report::is_key(key) => Ok(key.clone()),
        Some(_) => Err(anyhow!("--key takes 1 to 64 letters, digits, `.`, `_` and `-`, and no `--`")),
        None => {
            let paths: Vec<&str> = plan.desired.iter().map(|file| file.path.as_str()).collect();
            Ok(format!("files-{}", &sha256_hex(paths.join("\n").as_bytes())[..12]))
        }
    }
}

/// The event of the workflow; empty where there is none.
fn event(settings: &GitHubSettings) -> anyhow::Result<serde_json::Value> {
    let Some(path) = &settings.event_path else { return Ok(serde_json::Value::Null) };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_EVENT_BYTES).read_to_string(&mut text))
        .with_context(|| format!("the event {} can't be read", shown(path)))?;
    serde_json::from_str(&text).with_context(|| format!("the event {} can't be read", shown(path)))
}

fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let written =
        OpenOptions::new().append(true).create(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} can't be written", shown(path)))
}
