//! `apply`: make or read a plan, show it, ask, carry it out, say what was seen.
//!
//! Owns the gates before the first call: events that come from strangers, the plan file, the
//! digest, the refusal, the question. Each of them that is asked for holds, or nothing is sent.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::time::Instant;

use super::console::{shown, write_document};
use super::documents::read_plan;
use super::plan::{make, select};
use super::portal::{OpenPortal, PortalRequest};
use super::progress::Progress;
use super::signals::Signals;
use super::{Console, Exit, Format, Interruption, ReviewGate, Selection, TOOL, files, portal, review_gate};
use crate::apply::{ApplyOptions, Journal, JournalError, OpenCall, Stopper};
use crate::domain::PortalOrigin;
use crate::outcome::{OutcomeDocument, OutcomeSummary};
use crate::plan::{FormatVersion, Plan};
use crate::portal::{CloudPartner, CloudPartnerCanceller};
use crate::report::{self, COMMENT_LIMIT, terminal};

/// Events of GitHub Actions on which what runs may come from a stranger.
const FOREIGN_EVENTS: [&str; 3] = ["pull_request", "pull_request_target", "issue_comment"];

/// Where the plan comes from.
#[derive(Debug, Clone)]
pub enum PlanSource {
    /// It is made now, from these files and of these offers.
    Files(Vec<PathBuf>, Selection),
    /// It was made by `plan --out`.
    Document(PathBuf),
}

/// What `apply` is asked to do.
#[derive(Debug, Clone)]
pub struct ApplyRequest {
    /// The plan.
    pub source: PlanSource,
    /// Whether to go on without asking.
    pub auto_approve: bool,
    /// Whether to follow accepted cancellations to their end.
    pub wait: bool,
    /// How long all of it may take.
    pub timeout: Duration,
    /// Where to write the plan document.
    pub plan_out: Option<PathBuf>,
    /// Where to write the outcome document.
    pub out: Option<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// The journal.
    pub journal: PathBuf,
    /// The decision digest that the plan must have.
    pub expect_digest: Option<String>,
    /// What the plan must have been approved as; none: whatever it is, it is applied.
    pub review: Option<ReviewGate>,
    /// The event of GitHub Actions, when it runs there.
    pub event: Option<String>,
    /// Events on which it may run all the same.
    pub allowed_events: Vec<String>,
    /// The portal.
    pub portal: PortalRequest,
}

/// Carries out a plan.
///
/// # Errors
/// Anything that keeps it from being begun. From the first call on, what fails is in the outcome.
pub async fn apply(request: &ApplyRequest, console: Console) -> anyhow::Result<Exit> {
    refuse_foreign_event(request)?;
    let expected = request.expect_digest.as_deref().map(digest_of).transpose()?;
    let mut signals = Signals::listen().context("signals can't be handled")?;
    let prepared = tokio::select! {
        prepared = prepare(request, console) => prepared?,
        interruption = signals.next() => return Ok(interrupted(console, interruption)),
    };
    let Some((plan, open)) = prepared else { return Ok(Exit::Failed) };
    if let Some(path) = &request.plan_out {
        write_document(path, &plan)?;
    }
    console.note(&format!("{}\n", report::plan_text(&plan, console.err)));
    if let Some(expected) = expected
        && expected != plan.decision_digest
    {
        bail!(
            "the plan's decision is {}, and {expected} was expected: what would be done is not what was agreed on",
            plan.decision_digest
        );
    }
    if plan.unread() > 0 {
        bail!("the plan was made without reading the portal (plan --offline): make one that reads it");
    }
    if let Some(refused) = &plan.refused {
        bail!("the plan is refused: {}", terminal(refused));
    }
    if let Some(gate) = &request.review {
        tokio::select! {
            passed = review_gate::pass(gate, &plan, console) => passed?,
            interruption = signals.next() => return Ok(interrupted(console, interruption)),
        }
    }
    if plan.summary.cancel > 0 && !request.auto_approve {
        let agreed = tokio::select! {
            agreed = ask(plan.summary.cancel, console) => agreed?,
            interruption = signals.next() => return Ok(interrupted(console, interruption)),
        };
        if !agreed {
            bail!("not agreed to, nothing was sent");
        }
    }
    let (outcome, interruption) = match open_journal(request, &plan, console, &mut signals).await? {
        Opened::Nothing => (nothing(&plan), None),
        Opened::Interrupted(interruption) => return Ok(interrupted(console, interruption)),
        Opened::Journal(journal, left_open) => {
            carry_out(request, &plan, &open, (journal, left_open), console, &mut signals).await
        }
    };
    // The document first: what is on standard output may go to a reader that has gone away.
    let written = request.out.as_deref().map_or(Ok(()), |path| write_document(path, &outcome));
    console.result(&match request.format {
        Format::Text => report::outcome_text(&outcome, console.out),
        Format::Json => report::json(&outcome),
        Format::Markdown => report::outcome_markdown(&outcome, &plan, COMMENT_LIMIT),
    })?;
    written?;
    Ok(match interruption {
        Some(interruption) => Exit::Interrupted(interruption),
        None if plan.has_failures() || outcome.has_failures() => Exit::Failed,
        None if outcome.has_open_ends() => Exit::OpenEnds,
        None => Exit::Done,
    })
}

fn interrupted(console: Console, interruption: Interruption) -> Exit {
    console.note("error: interrupted, nothing was sent\n");
    Exit::Interrupted(interruption)
}

/// On such an event the workflow, the file, or both may be a stranger's.
fn refuse_foreign_event(request: &ApplyRequest) -> anyhow::Result<()> {
    let Some(event) = &request.event else { return Ok(()) };
    if FOREIGN_EVENTS.contains(&event.as_str()) && !request.allowed_events.contains(event) {
        bail!(
            "apply does not run on the event `{event}`: what it would do has not been merged. \
             Run it on `push`, or say --allow-event {event} if the workflow makes sure of its own"
        );
    }
    Ok(())
}

/// A gate that is asked for holds: what is no digest is an error and not "no gate".
fn digest_of(text: &str) -> anyhow::Result<String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("--expect-digest takes the 64 hexadecimal digits of a plan's decision");
    }
    Ok(text)
}

async fn prepare(request: &ApplyRequest, console: Console) -> anyhow::Result<Option<(Plan, OpenPortal)>> {
    match &request.source {
        PlanSource::Files(paths, selection) => {
            let Some(desired) = files::desired_state(paths, console) else { return Ok(None) };
            let desired = select(desired, selection)?;
            let open = portal::open(&request.portal, console).await?;
            let plan = make(desired, &open, request.portal.concurrency, console).await;
            Ok(Some((plan, open)))
        }
        PlanSource::Document(path) => {
            let plan = read_plan(path)?;
            let asked = request.portal.origin();
            if plan.portal != asked {
                bail!(
                    "the plan in {} was made on {}, and the portal is {asked}: name the plan's portal by --portal",
                    shown(path),
                    plan.portal
                );
            }
            let open = portal::open(&request.portal, console).await?;
            Ok(Some((plan, open)))
        }
    }
}

async fn ask(count: usize, console: Console) -> anyhow::Result<bool> {
    if !console.can_ask {
        bail!("there is no terminal to ask on: look at the plan above, and say --auto-approve if it is right");
    }
    let operations = if count == 1 { "this operation".to_owned() } else { format!("these {count} operations") };
    console.note(&format!("Cancel {operations}? Only `yes` is taken for a yes: "));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = answer.await.context("the answer can't be read")?.context("the answer can't be read")?;
    Ok(line.trim() == "yes")
}

enum Opened {
    /// There is nothing to do, and nothing that an earlier run left open.
    Nothing,
    Journal(Journal, Vec<OpenCall>),
    Interrupted(Interruption),
}

/// Opens the journal, after the run that may be using it.
async fn open_journal(
    request: &ApplyRequest,
    plan: &Plan,
    console: Console,
    signals: &mut Signals,
) -> anyhow::Result<Opened> {
    let nothing_planned = plan.summary.cancel + plan.summary.wait == 0;
    if nothing_planned && !request.journal.exists() {
        return Ok(Opened::Nothing);
    }
    let deadline = Instant::now() + request.timeout;
    let mut told = false;
    loop {
        match Journal::open(&request.journal, &plan.portal) {
            Ok((journal, mut left_open)) => {
                // An emulator inside the process starts anew with each run: what an earlier one was
                // told is gone, and there is nothing to settle.
                left_open.retain(|_| plan.portal != PortalOrigin::emulator());
                let nothing = nothing_planned && left_open.is_empty();
                return Ok(if nothing { Opened::Nothing } else { Opened::Journal(journal, left_open) });
            }
            Err(JournalError::InUse) if Instant::now() < deadline => {
                if !told {
                    console.note(&format!(
                        "waiting for another apply, which is using the journal {}\n",
                        shown(&request.journal)
                    ));
                    told = true;
                }
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
            interruption = signals.next() => return Ok(Opened::Interrupted(interruption)),
        }
    }
}

async fn carry_out(
    request: &ApplyRequest,
    plan: &Plan,
    open: &OpenPortal,
    journal: (Journal, Vec<OpenCall>),
    console: Console,
    signals: &mut Signals,
) -> (OutcomeDocument, Option<Interruption>) {
    let options = ApplyOptions { tool: TOOL.to_owned(), wait: request.wait, timeout: request.timeout };
    let (stopper, stop) = Stopper::new();
    let progress = Progress::new(console);
    let portal = (&CloudPartner::new(&open.transport), &CloudPartnerCanceller::new(&open.transport));
    let work = crate::apply::apply(plan, portal, journal, &options, &stop, &progress);
    tokio::pin!(work);
    let mut first: Option<Interruption> = None;
    let outcome = loop {
        tokio::select! {
            outcome = work.as_mut() => break outcome,
            interruption = signals.next() => {
                if first.is_some() {
                    // The journal holds what has been sent; the next apply settles it.
                    progress.clear();
                    std::process::exit(interruption.status().into());
                }
                first = Some(interruption);
                console.note("interrupted: no new call is sent, those under way have a few seconds; once more ends at once\n");
                stopper.stop();
            }
            never = progress.heartbeat() => match never {},
        }
    };
    progress.clear();
    (outcome, first)
}

/// The outcome of a plan with nothing to do.
fn nothing(plan: &Plan) -> OutcomeDocument {
    let now = Timestamp::now();
    OutcomeDocument {
        format_version: FormatVersion,
        tool: TOOL.to_owned(),
        started_at: now,
        finished_at: now,
        portal: plan.portal.clone(),
        decision_digest: plan.decision_digest.clone(),
        summary: OutcomeSummary::default(),
        entries: Vec::new(),
    }
}
