//! `plan`: read the files, read the portals, say what would be done.
//!
//! Owns the order of these, and its exit status. It only reads: no writer is in its reach.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use super::out_file::{OtherFile, OutFile};
use super::portal::{OpenPortals, PortalRequest, PortalsInUse};
use super::progress::ReadProgress;
use super::shell_words::{portal_words, quoted};
use super::signals::Signals;
use super::survey::{Lister, NamedOffers, survey, wanted_lists};
use super::{Console, Exit, Format, TOOL, files, live, portal, recorded_plans};
use crate::desired::Diagnostic;
use crate::domain::{DesiredSet, Freeze, OfferKey, PortalKind, PublisherId};
use crate::plan::{Listings, ObservedState, Plan, PlanFacts, PlanFailure, PlanSelection, PortalFacts, failed_plan};
use crate::portal::{Backends, documented_address};
use crate::report::{self, COMMENT_LIMIT, Links, TextStyle, terminal};

/// The file that is meant where none is named.
pub(super) const DEFAULT_PATH: &str = "offers.yaml";

/// The most mistakes that a document holds: a file that was never a desired state can hold a mistake a line.
const MOST_FAILURES: usize = 1_000;

/// Which offers of the files are meant.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Offers of these publishers alone; empty: of all.
    pub publishers: Vec<String>,
    /// These offers alone, as `OFFER` or `PUBLISHER/OFFER`; empty: all.
    pub offers: Vec<String>,
}

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct PlanScope {
    /// Files and directories of the desired state.
    pub paths: Vec<PathBuf>,
    /// Which of their offers.
    pub selection: Selection,
    /// The most cancellations that the whole plan may hold; none: what the files allow.
    pub max_cancels: Option<u32>,
    /// Whether to look for what runs and is in no file.
    pub coverage: bool,
}

impl PlanScope {
    /// The files that no output may overwrite.
    pub(super) fn inputs(&self) -> Vec<OtherFile<'_>> {
        self.paths.iter().map(|path| ("the desired state", path.as_path())).collect()
    }
}

/// What `plan` is asked to do.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// What it is made from.
    pub scope: PlanScope,
    /// Where to write the plan document.
    pub out: Option<PathBuf>,
    /// The format on standard output.
    pub format: Format,
    /// Whether the text shows the difference that each cancellation makes.
    pub differences: bool,
    /// Whether a plan with cancellations ends with status 2.
    pub detailed_exitcode: bool,
    /// Whether the portal is not to be read.
    pub offline: bool,
    /// `RUNNER_TEMP`: where a later step of the job learns that the plan was made in it.
    pub runner_temp: Option<PathBuf>,
    /// The portals.
    pub portal: PortalRequest,
}

/// Makes a plan and shows it.
///
/// A plan that could not be made is written too: the document says why, so that a report of it takes the place of one
/// that is out of date.
///
/// # Errors
/// Anything that keeps a plan from being made or shown.
pub async fn plan(request: &PlanRequest, console: Console) -> anyhow::Result<Exit> {
    let mut inputs = request.scope.inputs();
    inputs.extend(request.portal.input());
    let out = OutFile::prepare_if_given("--out", request.out.as_deref(), &inputs)?;
    let made = match attempt(request, console).await {
        Ok(made) => made,
        Err(failed) => return failed.leave(out.as_ref(), request.format, console),
    };
    if let Some(out) = &out {
        out.write(&made)?;
        recorded_plans::record(request.runner_temp.as_deref(), &made)?;
    }
    console.result(&match request.format {
        Format::Text if console.quiet => format!("{}\n", report::plan_last_line(&made)),
        Format::Text => {
            let style = TextStyle { differences: request.differences, ..console.out };
            report::plan_text(&made, style, next_command(request, &made, console).as_deref())
        }
        Format::Json => report::json(&made),
        Format::Markdown => markdown(&made),
    })?;
    if let Some(why) = report::plan_failure(&made) {
        console.error(&format!("error: {why}\n"));
        return Ok(Exit::Failed);
    }
    if request.detailed_exitcode && made.summary.cancel > 0 {
        console.error("exit status 2: the plan holds cancellations\n");
        return Ok(Exit::Cancellations);
    }
    Ok(Exit::Done)
}

fn markdown(plan: &Plan) -> String {
    report::plan_markdown(plan, Links::to(&plan.portals, true, documented_address), COMMENT_LIMIT)
}

/// What a plan would have been made from, and where its document would have gone.
#[derive(Debug, Clone)]
pub struct UnmadePlan {
    /// What it would have been made from.
    pub scope: PlanScope,
    /// Where its document goes.
    pub out: Option<PathBuf>,
    /// The format on standard output.
    pub format: Format,
}

impl UnmadePlan {
    /// Leaves word of a setting that is wrong, before anything could be asked or read. `message` is for the document,
    /// which is shown where nobody hides secrets.
    ///
    /// # Errors
    /// The setting, or that the document can't be written.
    pub fn leave(&self, message: String, error: anyhow::Error, console: Console) -> anyhow::Result<Exit> {
        let out = OutFile::prepare_if_given("--out", self.out.as_deref(), &self.scope.inputs())?;
        let failures = vec![failure_of("settings", message)];
        let failed = failed(&self.scope, &DesiredSet::default(), failures, Err(error));
        failed.leave(out.as_ref(), self.format, console)
    }

    /// Leaves word of a value on the command line that can't be read, which has been said already.
    ///
    /// # Errors
    /// When the document can't be written.
    pub fn leave_usage(&self, message: &str) -> anyhow::Result<()> {
        let Some(out) = OutFile::prepare_if_given("--out", self.out.as_deref(), &self.scope.inputs())? else {
            return Ok(());
        };
        let failures = vec![failure_of("settings", message.to_owned())];
        out.write(&failed(&self.scope, &DesiredSet::default(), failures, Ok(Exit::Failed)).document)
    }
}

/// A plan that could not be made, and how the run ends.
struct FailedAttempt {
    /// Says why, for `report`.
    document: Plan,
    ended: anyhow::Result<Exit>,
}

impl FailedAttempt {
    fn leave(self, out: Option<&OutFile>, format: Format, console: Console) -> anyhow::Result<Exit> {
        if let Some(out) = out {
            out.write(&self.document)?;
        }
        match format {
            // It stands on standard error.
            Format::Text => {}
            Format::Json => console.result(&report::json(&self.document))?,
            Format::Markdown => console.result(&markdown(&self.document))?,
        }
        self.ended
    }
}

async fn attempt(request: &PlanRequest, console: Console) -> Result<Plan, FailedAttempt> {
    let desired = match files::check(&request.scope.paths) {
        Ok(desired) => desired,
        Err(found) => {
            files::say(&found, console);
            return Err(failed(&request.scope, &DesiredSet::default(), failures_in_files(found), Ok(Exit::Failed)));
        }
    };
    let read = DesiredSet { files: desired.files.clone(), states: Vec::new() };
    let failed_by = |code: &str, error: anyhow::Error| {
        failed(&request.scope, &read, vec![failure_of(code, format!("{error:#}"))], Err(error))
    };
    let named = NamedOffers::for_plan(&desired, request.scope.coverage);
    let desired = select(desired, &request.scope.selection).map_err(|error| failed_by("selection", error))?;
    let used = PortalsInUse::of(&desired).map_err(|error| failed_by("selection", error))?;
    if request.offline {
        let facts = facts(&desired, &request.scope, offline_portals(&used, &request.portal));
        let unlisted = survey(desired, &named, &Listings::new(), &Backends::default(), false, facts.now);
        let unlisted = unlisted.unwrap_or_default();
        return Ok(Plan { freezes: unlisted.freezes, ..crate::plan::plan(&facts, unlisted.states) });
    }
    let listening = Signals::listen().context("signals can't be handled");
    let mut signals = listening.map_err(|error| failed_by("signals", error))?;
    let work = async {
        let open = portal::open(&request.portal, &used, console).await?;
        anyhow::Ok(make(desired, &named, &request.scope, &open, request.portal.concurrency, console).await)
    };
    tokio::select! {
        made = work => match made.map_err(|error| failed_by("portal", error))? {
            Ok(plan) => Ok(plan),
            Err(found) => {
                files::show(&found, console);
                Err(failed(&request.scope, &read, failures_in_files(found), Ok(Exit::Failed)))
            }
        },
        interruption = signals.next() => {
            console.error("error: interrupted, no plan was made\n");
            let failure = failure_of("interrupted", "the run was interrupted before the plan was complete".to_owned());
            Err(failed(&request.scope, &read, vec![failure], Ok(Exit::Interrupted(interruption))))
        }
    }
}

fn failed(
    scope: &PlanScope,
    desired: &DesiredSet,
    failures: Vec<PlanFailure>,
    ended: anyhow::Result<Exit>,
) -> FailedAttempt {
    FailedAttempt { document: failed_plan(&facts(desired, scope, Vec::new()), failures), ended }
}

fn failures_in_files(found: Vec<Diagnostic>) -> Vec<PlanFailure> {
    found.into_iter().take(MOST_FAILURES).map(failure_in_file).collect()
}

fn failure_of(code: &str, message: String) -> PlanFailure {
    PlanFailure { code: code.to_owned(), message, path: None, line: None, column: None, help: None }
}

fn failure_in_file(diagnostic: Diagnostic) -> PlanFailure {
    PlanFailure {
        path: Some(diagnostic.path),
        line: diagnostic.place.as_ref().map(|place| place.line),
        column: diagnostic.place.as_ref().map(|place| place.column),
        help: diagnostic.help,
        ..failure_of(diagnostic.code.as_str(), diagnostic.message)
    }
}

/// The command that applies the plan; none where there is nothing to apply, or where a workflow goes on.
fn next_command(request: &PlanRequest, plan: &Plan, console: Console) -> Option<String> {
    if plan.summary.cancel == 0 || plan.refused.is_some() || console.masks {
        return None;
    }
    let mut words = vec!["cancel-pending".to_owned(), "apply".to_owned()];
    if let Some(out) = &request.out {
        words.extend(["--plan".to_owned(), quoted(&out.to_string_lossy())?]);
    } else {
        let scope = &request.scope;
        if scope.paths != [PathBuf::from(DEFAULT_PATH)] {
            for path in &scope.paths {
                words.push(quoted(&path.to_string_lossy())?);
            }
        }
        for publisher in &scope.selection.publishers {
            words.extend(["--publisher".to_owned(), quoted(publisher)?]);
        }
        for offer in &scope.selection.offers {
            words.extend(["--offer".to_owned(), quoted(offer)?]);
        }
        if let Some(max) = scope.max_cancels {
            words.extend(["--max-cancels".to_owned(), max.to_string()]);
        }
    }
    let portals = plan.portals.iter().map(|planned| (planned.portal, &planned.origin));
    words.extend(portal_words(&request.portal, portals)?);
    Some(words.join(" "))
}

/// Makes the plan, or says which of the freezes' patterns match nothing.
pub(super) async fn make(
    desired: DesiredSet,
    named: &NamedOffers,
    scope: &PlanScope,
    open: &OpenPortals,
    concurrency: usize,
    console: Console,
) -> Result<Plan, Vec<Diagnostic>> {
    let portals = open.backends.iter().map(|backend| PortalFacts {
        kind: backend.kind(),
        origin: backend.origin().clone(),
        capabilities: backend.capabilities(),
        seller: backend.seller(),
        schema_version: backend.schema_version(),
    });
    let facts = facts(&desired, scope, portals.collect());
    let progress = ReadProgress::new(console, &open.retries);
    let work = async {
        let lister = Lister { backends: &open.backends, named, names_idle: false, progress: &progress };
        let lists = lister.lists(&wanted_lists(&desired, scope.coverage, facts.now), &desired).await;
        let mut survey = survey(desired, named, &lists, &open.backends, scope.coverage, facts.now)?;
        drop(lists);
        let mut states = std::mem::take(&mut survey.states);
        retain_selected(&mut states, &scope.selection);
        progress.start_reads(live::needed(&states, facts.now) + survey.uncovered.len());
        let read_one = || progress.read_one();
        let states = live::observe(states, &open.backends, concurrency, facts.now, read_one).await;
        let question = |index| survey.question(index);
        let answers = live::read_each(survey.uncovered.len(), question, &open.backends, concurrency, read_one).await;
        Ok::<_, Vec<Diagnostic>>((states, std::mem::take(&mut survey.freezes), survey.covered(answers)))
    };
    let made = tokio::select! {
        made = work => made,
        never = progress.show() => match never {},
    };
    progress.clear();
    let (states, freezes, coverage) = made?;
    Ok(Plan { freezes, coverage, ..crate::plan::plan(&facts, states) })
}

/// Leaves the selected ones of the offers that freezes have brought.
fn retain_selected(states: &mut [ObservedState], selection: &Selection) {
    if !selection.offers.is_empty() {
        for state in states {
            state.offers.retain(|one| selection.offers.iter().any(|name| is_named(&one.desired.key, name)));
        }
    }
}

/// Whether an offer is meant by `OFFER` or `PUBLISHER/OFFER`.
fn is_named(key: &OfferKey, name: &str) -> bool {
    match name.split_once('/') {
        Some((publisher, name)) => key.publisher == *publisher && key.offer == *name,
        None => key.offer == *name,
    }
}

/// Whether a freeze may be for an offer that is named like this.
fn may_reach(freeze: &Freeze, name: &str) -> bool {
    let (publisher, offer) = name.split_once('/').map_or((None, name), |(publisher, offer)| (Some(publisher), offer));
    publisher.is_none_or(|publisher| freeze.publisher == *publisher)
        && offer.parse().is_ok_and(|offer| freeze.offers.iter().any(|one| one.pattern.matches(&offer)))
}

fn offline_portals(used: &PortalsInUse, request: &PortalRequest) -> Vec<PortalFacts> {
    let facts = |kind: &PortalKind| PortalFacts {
        kind: *kind,
        origin: request.origin(*kind),
        capabilities: crate::portal::capabilities(*kind),
        seller: used.settings.seller_for(*kind),
        schema_version: used.settings.schema_version_for(*kind),
    };
    used.kinds.iter().map(facts).collect()
}

fn facts(desired: &DesiredSet, scope: &PlanScope, portals: Vec<PortalFacts>) -> PlanFacts {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names
    };
    PlanFacts {
        tool: TOOL.to_owned(),
        now: whole_seconds(Timestamp::now()),
        selection: PlanSelection {
            paths: files::names(&scope.paths),
            publishers: sorted(&scope.selection.publishers),
            offers: sorted(&scope.selection.offers),
        },
        portals,
        desired: desired.files.clone(),
        max_cancels: scope.max_cancels,
    }
}

/// Documents are read by people: a fraction of a second says nothing to them.
pub(super) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Leaves the selected offers. A name that selects nothing is an error: what was meant is not there.
pub(super) fn select(mut desired: DesiredSet, selection: &Selection) -> anyhow::Result<DesiredSet> {
    for name in &selection.publishers {
        let offers = desired.offers().map(|offer| &offer.key.publisher);
        if !offers.chain(desired.freezes().map(|freeze| &freeze.publisher)).any(|publisher| *publisher == **name) {
            bail!("no offer in the files has the publisher `{}` of --publisher", terminal(name));
        }
    }
    let is_of = |publisher: &PublisherId| {
        selection.publishers.is_empty() || selection.publishers.iter().any(|name| *publisher == **name)
    };
    for state in &mut desired.states {
        state.offers.retain(|offer| is_of(&offer.key.publisher));
        state.freezes.retain(|freeze| is_of(&freeze.publisher));
    }
    for name in &selection.offers {
        let is_known = desired.offers().any(|offer| is_named(&offer.key, name));
        if !is_known && !desired.freezes().any(|freeze| may_reach(freeze, name)) {
            bail!("no offer in the files matches `{}` of --offer", terminal(name));
        }
    }
    if !selection.offers.is_empty() {
        for state in &mut desired.states {
            state.offers.retain(|offer| selection.offers.iter().any(|name| is_named(&offer.key, name)));
            state.freezes.retain(|freeze| selection.offers.iter().any(|name| may_reach(freeze, name)));
        }
    }
    if desired.offers().next().is_none() && desired.freezes().next().is_none() {
        bail!("there is no offer in the files");
    }
    Ok(desired)
}
