//! `apply`: make or read a plan, show it, ask, carry it out, say what was seen.
//!
//! Owns the gates before the first call: events that come from strangers, the plan file, the
//! digest, the refusal, the question. Each of them that is asked for holds, or nothing is sent.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use tokio::time::Instant;

use super::console::shown;
use super::documents::read_plan;
use super::event_gate::refused_event;
use super::out_file::{OtherFile, OutFile, check_place};
use super::plan::{PlanScope, make, select};
use super::portal::{OpenPortals, PortalRequest, PortalsInUse};
use super::progress::ApplyProgress;
use super::review_gate::{self, PassedReview};
use super::signals::Signals;
use super::survey::NamedOffers;
use super::{Console, Exit, Format, Interruption, ReviewGate, TOOL, files, portal};
use crate::apply::{Applied, ApplyOptions, Clock, Journal, JournalError, OpenedJournal, SettledCall, Stopper};
use crate::domain::PortalOrigin;
use crate::outcome::{OutcomeDocument, OutcomeSummary};
use crate::plan::{FormatVersion, Plan};
use crate::portal::documented_address;
use crate::report::{self, COMMENT_LIMIT, Links, TextStyle, terminal};

/// What a run that never has to end is given.
const NO_TIMEOUT: Duration = Duration::from_hours(24 * 365);

/// Where the plan comes from.
#[derive(Debug, Clone)]
pub enum PlanSource {
    /// It is made now, from these files and for these offers.
    Files(PlanScope),
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
    /// Whether the text of the plan shows the difference that each cancellation makes.
    pub differences: bool,
    /// Whether to follow accepted cancellations to their end.
    pub wait: bool,
    /// How long the whole command may take.
    pub timeout: Duration,
    /// How long is looked, after a confirmed cancellation, whether something new starts on the offer.
    pub linger: Duration,
    /// The most cancellations that are applied; none: what the files allow.
    pub max_cancels: Option<u32>,
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
    if let Some(why) = refused_event(request.event.as_deref(), &request.allowed_events) {
        bail!(why);
    }
    let expected = request.expect_digest.as_deref().map(digest_of).transpose()?;
    // What can't be written is known before anything is sent.
    let outputs = Outputs::prepare(request)?;
    let start = Instant::now();
    let deadline = start.checked_add(request.timeout).unwrap_or(start + NO_TIMEOUT);
    let mut signals = Signals::listen().context("signals can't be handled")?;
    let prepared = tokio::select! {
        prepared = prepare(request, console) => prepared?,
        interruption = signals.next() => return Ok(interrupted(console, interruption)),
        () = tokio::time::sleep_until(deadline) => {
            bail!(
                "the plan was not complete within the timeout of {}; nothing was sent. Allow more time with --timeout",
                humantime::format_duration(request.timeout)
            );
        }
    };
    let Some((plan, open)) = prepared else { return Ok(Exit::Failed) };
    if let Some(plan_out) = &outputs.plan {
        plan_out.write(&plan)?;
    }
    show_plan(&plan, request, console);
    may_be_applied(&plan, expected.as_deref(), request.max_cancels)?;
    let mut review = None;
    if let Some(gate) = &request.review {
        let passed = tokio::select! {
            passed = review_gate::pass(gate, &plan, console) => passed?,
            interruption = signals.next() => return Ok(interrupted(console, interruption)),
            () = tokio::time::sleep_until(deadline) => bail!(TIMED_OUT),
        };
        // The others are applied; what is left out is said here, and is `not-attempted` in the outcome.
        if let Some(refusal) = passed.refusal() {
            console.error(&format!("{}\n", report::refusal_text(&refusal)));
        }
        review = Some(passed);
    }
    if plan.summary.cancel > 0 && !request.auto_approve {
        let agreed = tokio::select! {
            agreed = ask(plan.summary.cancel, console) => agreed?,
            interruption = signals.next() => return Ok(interrupted(console, interruption)),
            () = tokio::time::sleep_until(deadline) => bail!(TIMED_OUT),
        };
        if !agreed {
            bail!("Apply cancelled. Nothing was sent.");
        }
    }
    let (applied, interruption) = match open_journal(request, &plan, deadline, console, &mut signals).await? {
        Opened::Nothing => (Applied { outcome: nothing(&plan), settled: Vec::new() }, None),
        Opened::Interrupted(interruption) => return Ok(interrupted(console, interruption)),
        Opened::Journal(journal) => {
            // Once more: the question and the journal may have been waited for.
            if let Some(review) = review.as_ref().filter(|_| plan.summary.cancel > 0) {
                tokio::select! {
                    wanted = review.still_wanted(&plan) => {
                        wanted.map_err(|refusal| anyhow!(report::refusal_text(&refusal)))?;
                    }
                    interruption = signals.next() => return Ok(interrupted(console, interruption)),
                    () = tokio::time::sleep_until(deadline) => bail!(TIMED_OUT),
                }
            }
            let options = ApplyOptions {
                tool: TOOL.to_owned(),
                wait: request.wait,
                linger: request.linger,
                deadline,
                clock: Clock::SYSTEM,
                withheld: review.as_ref().map(PassedReview::withheld).unwrap_or_default(),
            };
            carry_out(&plan, &open, journal, &options, console, &mut signals).await
        }
    };
    let exit = exit(request, &plan, &applied.outcome, interruption);
    say_settled(&applied.settled, console);
    // The document first: what is on standard output may go to a reader that has gone away.
    let written = outputs.outcome.as_ref().map_or(Ok(()), |out| out.write(&applied.outcome));
    let shown = console.result(&match request.format {
        Format::Text if console.quiet => format!("{}\n", report::outcome_last_line(&applied.outcome)),
        Format::Text => report::outcome_text(&applied.outcome, console.out),
        Format::Json => report::json(&applied.outcome),
        Format::Markdown => {
            // Made on these portals, or refused.
            let links = Links::to(&plan.portals, true, documented_address);
            report::outcome_markdown(&applied.outcome, &plan, links, COMMENT_LIMIT)
        }
    });
    match (shown.and(written), interruption) {
        (Ok(()), _) => {
            say_why(exit, &plan, &applied.outcome, console);
            Ok(exit)
        }
        // The exit status is that of the signal, whatever else went wrong.
        (Err(error), Some(_)) => {
            console.error(&format!("error: {}\n", terminal(&format!("{error:#}"))));
            Ok(exit)
        }
        (Err(error), None) => Err(error),
    }
}

/// The files that an apply writes, checked and ready.
struct Outputs {
    plan: Option<OutFile>,
    outcome: Option<OutFile>,
}

impl Outputs {
    fn prepare(request: &ApplyRequest) -> anyhow::Result<Self> {
        let mut inputs = match &request.source {
            PlanSource::Files(scope) => scope.inputs(),
            PlanSource::Document(path) => vec![("--plan", path.as_path())],
        };
        inputs.extend(request.portal.input());
        let given = [
            ("--plan-out", request.plan_out.as_deref()),
            ("--out", request.out.as_deref()),
            ("--journal", Some(request.journal.as_path())),
        ];
        let all_but = |own: &str| -> Vec<OtherFile<'_>> {
            let others =
                given.iter().filter(|(flag, _)| *flag != own).filter_map(|(flag, path)| Some((*flag, (*path)?)));
            inputs.iter().copied().chain(others).collect()
        };
        // The directory of the journal is made where there is none; then there is nothing in it to be confused with.
        if request.journal.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent.is_dir()) {
            check_place("--journal", &request.journal, &all_but("--journal"))
                .map_err(|error| anyhow!("the journal can't be used: {error:#}; without a journal nothing is sent"))?;
        }
        let prepare = |flag: &'static str, path: Option<&Path>| OutFile::prepare_if_given(flag, path, &all_but(flag));
        Ok(Self {
            plan: prepare("--plan-out", request.plan_out.as_deref())?,
            outcome: prepare("--out", request.out.as_deref())?,
        })
    }
}

/// Said when the time is over before anything was sent.
const TIMED_OUT: &str = "the timeout was reached; nothing was sent. Allow more time with --timeout";

/// A plan that could not be made is not one that cancels nothing.
fn refuse_failed(plan: &Plan) -> anyhow::Result<()> {
    let Some(failures) = &plan.failed else { return Ok(()) };
    let first = failures.first().map_or("it could not be made", |failure| failure.message.as_str());
    bail!("the plan failed ({}) and can't be applied; make a new plan", terminal(first));
}

/// A plan that can't be applied, or is not the one that was expected, ends the run here.
fn may_be_applied(plan: &Plan, expected: Option<&str>, max_cancels: Option<u32>) -> anyhow::Result<()> {
    if let Some(expected) = expected.filter(|expected| *expected != plan.decision_digest) {
        bail!(
            "the plan's decision digest is {}, but {expected} was expected: the plan has changed since it was reviewed",
            plan.decision_digest
        );
    }
    if plan.unread() > 0 {
        bail!("the plan was made without reading the portal (plan --offline); make one that reads it");
    }
    if let Some(refused) = &plan.refused {
        bail!("the plan is refused: {}", terminal(refused));
    }
    // A plan that comes from a file may have been made with another limit.
    if let Some(max) = max_cancels.filter(|max| plan.summary.cancel > *max as usize) {
        let operations = report::counted(plan.summary.cancel, "operation");
        bail!("the plan is refused: {operations} would be cancelled, and --max-cancels allows {max} in all");
    }
    Ok(())
}

fn exit(request: &ApplyRequest, plan: &Plan, outcome: &OutcomeDocument, interruption: Option<Interruption>) -> Exit {
    match interruption {
        Some(interruption) => Exit::Interrupted(interruption),
        None if plan.has_failures() || outcome.has_failures() => Exit::Failed,
        // Who asked not to wait has got what was asked for.
        None if !request.wait && outcome.summary.unknown == 0 => Exit::Done,
        None if outcome.has_open_ends() => Exit::OpenEnds,
        None => Exit::Done,
    }
}

/// Shows the plan before it is carried out. Who is asked has to see it.
fn show_plan(plan: &Plan, request: &ApplyRequest, console: Console) {
    let style = TextStyle { differences: request.differences, ..console.err };
    let text = format!("{}\n", report::plan_text(plan, style, None));
    if request.auto_approve { console.note(&text) } else { console.error(&text) }
}

/// The last line: why the exit status is not 0.
fn say_why(exit: Exit, plan: &Plan, outcome: &OutcomeDocument, console: Console) {
    let why = match exit {
        Exit::Failed => report::apply_failure(plan, outcome).map(|why| format!("error: {why}")),
        Exit::OpenEnds => report::open_ends(outcome).map(|why| format!("exit status 3: {why}; make a new plan later")),
        Exit::Interrupted(_) => Some("error: interrupted".to_owned()),
        Exit::Done | Exit::Cancellations => None,
    };
    if let Some(why) = why {
        console.error(&format!("{why}\n"));
    }
}

fn say_settled(settled: &[SettledCall], console: Console) {
    for SettledCall { call, seen, .. } in settled {
        console.note(&format!(
            "open cancel call of an earlier run: {} operation {}: {}\n",
            call.key,
            call.operation_id,
            terminal(seen)
        ));
    }
}

fn interrupted(console: Console, interruption: Interruption) -> Exit {
    console.error("error: interrupted, nothing was sent\n");
    Exit::Interrupted(interruption)
}

/// A gate that is asked for holds: what is no digest is an error and not "no gate".
fn digest_of(text: &str) -> anyhow::Result<String> {
    let text = text.trim().to_ascii_lowercase();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("--expect-digest takes the 64 hexadecimal digits of a plan's decision digest");
    }
    Ok(text)
}

async fn prepare(request: &ApplyRequest, console: Console) -> anyhow::Result<Option<(Plan, OpenPortals)>> {
    match &request.source {
        PlanSource::Files(scope) => {
            let Some(desired) = files::desired_state(&scope.paths, console) else { return Ok(None) };
            let named = NamedOffers::for_plan(&desired, scope.coverage);
            let desired = select(desired, &scope.selection)?;
            let open = portal::open(&request.portal, &PortalsInUse::of(&desired)?, console).await?;
            match make(desired, &named, scope, &open, request.portal.concurrency, console).await {
                Ok(plan) => Ok(Some((plan, open))),
                Err(found) => {
                    files::show(&found, console);
                    console.error(&format!("error: {}; nothing was sent\n", files::mistakes(&found)));
                    Ok(None)
                }
            }
        }
        PlanSource::Document(path) => {
            let plan = read_plan(path)?;
            refuse_failed(&plan)?;
            for planned in &plan.portals {
                let asked = request.portal.origin(planned.portal);
                if planned.origin != asked {
                    let how = if planned.origin == PortalOrigin::emulator() {
                        "use --emulate with the state file that it was made on".to_owned()
                    } else {
                        format!("use --endpoint {}={}", planned.portal, planned.origin)
                    };
                    bail!(
                        "the plan in {} was made on {} at {}, and this run would use {asked}; {how}",
                        shown(path),
                        planned.portal,
                        planned.origin
                    );
                }
            }
            let open = portal::open(&request.portal, &PortalsInUse::of_plan(&plan), console).await?;
            Ok(Some((plan, open)))
        }
    }
}

async fn ask(count: usize, console: Console) -> anyhow::Result<bool> {
    if !console.can_ask {
        bail!("cannot prompt without a terminal; review the plan above, then pass --auto-approve");
    }
    let operations = report::counted(count, "operation");
    console.error(&format!("Type 'yes' to cancel {operations}: "));
    loop {
        let answer = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        let line = answer.await.context("the answer can't be read")?.context("the answer can't be read")?;
        match line.trim() {
            "yes" => return Ok(true),
            // Meant as a yes, and too easily typed for what can't be undone.
            "y" | "Y" | "Yes" | "YES" => {
                console.error(&format!("Type 'yes' in full to cancel {operations}, or press Enter to stop: "));
            }
            _ => return Ok(false),
        }
    }
}

enum Opened {
    /// There is nothing to do, and nothing that an earlier run left open.
    Nothing,
    Journal(OpenedJournal),
    Interrupted(Interruption),
}

/// Opens the journal, after the run that may be using it.
async fn open_journal(
    request: &ApplyRequest,
    plan: &Plan,
    deadline: Instant,
    console: Console,
    signals: &mut Signals,
) -> anyhow::Result<Opened> {
    let nothing_planned = plan.summary.cancel + plan.summary.wait == 0;
    if nothing_planned && !request.journal.exists() {
        return Ok(Opened::Nothing);
    }
    let mut told = false;
    loop {
        match Journal::open(&request.journal) {
            Ok(mut opened) => {
                // An emulator inside the process starts anew with each run: what an earlier one was
                // told is gone, and there is nothing to settle.
                opened.open_calls.retain(|call| call.origin != PortalOrigin::emulator());
                let nothing = nothing_planned && opened.open_calls.is_empty();
                return Ok(if nothing { Opened::Nothing } else { Opened::Journal(opened) });
            }
            Err(JournalError::InUse) if Instant::now() < deadline => {
                if !told {
                    console.note(&format!(
                        "waiting for another apply that uses the journal {}\n",
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
    plan: &Plan,
    open: &OpenPortals,
    journal: OpenedJournal,
    options: &ApplyOptions,
    console: Console,
    signals: &mut Signals,
) -> (Applied, Option<Interruption>) {
    let (stopper, stop) = Stopper::new();
    let progress = ApplyProgress::new(console);
    let work = crate::apply::apply(plan, &open.backends, journal, options, &stop, &progress);
    tokio::pin!(work);
    let mut first: Option<Interruption> = None;
    let applied = loop {
        tokio::select! {
            biased;
            // A signal first: after it no call may leave.
            interruption = signals.next() => {
                if first.is_some() {
                    // The journal holds what has been sent; the next apply settles it.
                    progress.clear();
                    std::process::exit(interruption.status().into());
                }
                first = Some(interruption);
                console.error("Stopping: waiting up to 5 s for calls in progress. Press Ctrl-C again to quit now.\n");
                stopper.stop();
            }
            applied = work.as_mut() => break applied,
            never = progress.heartbeat() => match never {},
        }
    };
    progress.clear();
    (applied, first)
}

/// The outcome of a plan with nothing to do.
fn nothing(plan: &Plan) -> OutcomeDocument {
    let now = Timestamp::now();
    OutcomeDocument {
        format_version: FormatVersion,
        tool: TOOL.to_owned(),
        started_at: now,
        finished_at: now,
        portals: plan.portals.clone(),
        decision_digest: plan.decision_digest.clone(),
        summary: OutcomeSummary::default(),
        entries: Vec::new(),
    }
}
