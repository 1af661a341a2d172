//! One seed: a world, a plan, applies of it with kills in between, and what must hold after each.
//!
//! Owns the order of runs. Everything random in it comes from the seed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cancel_pending::apply::{ApplyEvent, ApplyOptions, Clock, Journal, Stop, Stopper, Target, Watch, apply};
use cancel_pending::commands::{observe, unread};
use cancel_pending::domain::{
    DesiredOffer, DesiredSet, DesiredState, Limits, Mark, OfferKey, PortalKind, PortalSettings, SourceLocation,
};
use cancel_pending::plan::{Decision, Plan, PlanFacts, PlanSelection, PortalFacts, plan};
use cancel_pending::portal::{Backend, Backends, TransportSettings, capabilities};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::disk::Disk;
use super::invariants;
use super::offer::{SimulatedOffer, SimulatedOperation};
use super::watch::{PlannedCall, RunLimits};
use super::world::{Simulation, World};

/// How long requests in progress may take after a request to stop.
const GRACE: Duration = Duration::from_secs(5);

thread_local! {
    /// When the world began, by the paused clock.
    static BEGUN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time on the wall at a moment of the paused clock.
pub fn wall(instant: Instant) -> Timestamp {
    let base: Timestamp = "2026-11-25T12:00:00Z".parse().expect("a time");
    let begun = BEGUN.get().unwrap_or(instant);
    base + instant.saturating_duration_since(begun)
}

fn now() -> Timestamp {
    wall(Instant::now())
}

/// When the job of an operation began.
pub fn job_start(one: &SimulatedOperation) -> Timestamp {
    let lead = one.lead.map_or(SignedDuration::from_secs(-1), |lead| SignedDuration::try_from(lead).expect("a lead"));
    wall(one.since).checked_sub(lead).expect("a time")
}

/// What a seed brought.
#[derive(Debug)]
pub struct Verdict {
    pub applies: u64,
    pub violations: Vec<String>,
    pub history: Vec<String>,
}

struct Nobody;

impl Watch for Nobody {
    fn event(&self, _: &Target, _: &ApplyEvent<'_>) {}
}

/// The numbers of a run.
#[derive(Debug, Clone)]
struct Settings {
    concurrency: usize,
    request_timeout: Duration,
}

/// Runs one seed.
pub fn simulate(seed: u64, keep_history: bool) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    // The pauses between reads are jittered, and this is where they take that from.
    fastrand::seed(seed);
    runtime.expect("a runtime").block_on(run(seed, keep_history))
}

async fn run(seed: u64, keep_history: bool) -> Verdict {
    BEGUN.set(Some(Instant::now()));
    let mut rng = Rng::with_seed(seed);
    let settings = Settings { concurrency: rng.usize(1..=8), request_timeout: Duration::from_secs(rng.u64(2..=20)) };
    let world = World::draw(&mut rng, settings.request_timeout, keep_history);
    let mut applies = 0;
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let mut planned = make_plan(&world, &settings, &mut rng).await;
    for round in 0..4 {
        applies += 1;
        let was_killed = one_apply(&world, &settings, &mut rng, &planned, &bytes).await;
        if !world.lock().watch.violations.is_empty() || (!was_killed && round > 0) || (!was_killed && rng.bool()) {
            break;
        }
        if !was_killed || rng.u32(..4) == 0 {
            planned = make_plan(&world, &settings, &mut rng).await;
        }
    }
    let mut world = world.lock();
    Verdict {
        applies,
        violations: std::mem::take(&mut world.watch.violations),
        history: world.history.take().unwrap_or_default(),
    }
}

fn backends(world: &World, settings: &Settings) -> Backends {
    let transport = TransportSettings {
        concurrency: settings.concurrency,
        request_timeout: settings.request_timeout,
        ..TransportSettings::default()
    };
    let (credential, exchange) = (Arc::new(world.clone()), Arc::new(world.clone()));
    let kind = world.lock().kind;
    let backend = Backend::new(kind, kind.microsoft(), credential, exchange, &transport);
    [backend].into_iter().collect()
}

fn source() -> SourceLocation {
    SourceLocation { path: "offers.yaml".to_owned(), line: 1, column: 1 }
}

/// A marked offer: pinned, or not; with its product, or without; with a job where there are jobs, which may be the wrong one.
fn desired(kind: PortalKind, offer: &SimulatedOffer, jobs: &[&str], rng: &mut Rng) -> DesiredOffer {
    let last = offer.operations.last();
    let pin = last.filter(|_| rng.u32(..3) == 0).and_then(|one| one.id.parse().ok());
    let expires = (rng.u32(..8) == 0).then(|| wall(Instant::now() + Duration::from_millis(rng.u64(1_000..20_000))));
    let job = match rng.u32(..12) {
        0 => None,
        1 => Some("7a1b2c3d-0000-4000-8000-000000000000"),
        2 => jobs.get(rng.usize(..jobs.len().max(1))).copied(),
        _ => last.map(|one| one.job.as_str()),
    };
    DesiredOffer {
        key: OfferKey {
            portal: kind,
            publisher: "contoso".parse().expect("an id"),
            offer: offer.name.parse().expect("an id"),
        },
        product_id: Some(&offer.product).filter(|_| kind.has_products() && rng.bool()).and_then(|id| id.parse().ok()),
        mark: Some(Mark {
            operation_id: pin,
            job_id: job.filter(|_| kind.has_jobs()).and_then(|job| job.parse().ok()),
            expires,
        }),
        is_spared: false,
        rule: None,
        notification_emails: Vec::new(),
        reason: None,
        source: source(),
    }
}

/// The real planner on what the portal shows.
async fn make_plan(world: &World, settings: &Settings, rng: &mut Rng) -> Plan {
    let kind = world.lock().kind;
    let offers = {
        let world = world.lock();
        let jobs: Vec<&str> =
            world.offers.iter().filter_map(|offer| offer.operations.last()).map(|one| one.job.as_str()).collect();
        world.offers.iter().map(|offer| desired(kind, offer, &jobs, rng)).collect()
    };
    let source = source();
    let state = DesiredState {
        limits: Limits::default(),
        settings: PortalSettings::default(),
        offers,
        freezes: Vec::new(),
        source,
    };
    let desired = DesiredSet { files: Vec::new(), states: vec![state] };
    let facts = PlanFacts {
        tool: "simulation".to_owned(),
        now: now(),
        selection: PlanSelection::default(),
        portals: vec![PortalFacts {
            kind,
            origin: kind.microsoft(),
            capabilities: capabilities(kind),
            seller: None,
            schema_version: None,
        }],
        desired: Vec::new(),
        max_cancels: None,
    };
    let states = observe(unread(desired), &backends(world, settings), settings.concurrency, facts.now, || {}).await;
    plan(&facts, states)
}

fn limits(
    plan: &Plan,
    concurrency: usize,
    deadline: Instant,
    stop: Stop,
    journal: &[u8],
    withheld: BTreeSet<String>,
) -> RunLimits {
    let until = |at: Timestamp| Instant::now() + Duration::try_from(at.duration_since(now())).unwrap_or_default();
    let cancels = plan.entries.iter().filter(|entry| entry.decision == Decision::Cancel);
    let planned: BTreeMap<_, _> = cancels
        .filter_map(|entry| {
            let operation = entry.operation.as_ref()?;
            let job = operation.job_id.as_ref().map(ToString::to_string);
            let planned = PlannedCall { operation: operation.id.to_string(), job, expires: entry.expires.map(until) };
            Some((entry.offer.to_string(), planned))
        })
        .collect();
    let (mut accepted_before, mut read_twice) = (BTreeSet::new(), BTreeSet::new());
    for line in journal.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")) {
        let Ok(line) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let id = line["operationId"].as_str().unwrap_or_default().to_owned();
        let offer = line["offer"].as_str().unwrap_or_default();
        if planned.get(offer).is_some_and(|planned| planned.operation != id) {
            read_twice.insert(offer.to_owned());
        }
        if line["result"] == "accepted" {
            accepted_before.insert(id);
        } else if matches!(line["outcome"].as_str(), Some(word) if word != "accepted" && word != "unknown") {
            // It had an end, and whether it is running again is another question.
            accepted_before.remove(&id);
        }
    }
    RunLimits { deadline, stop, concurrency, planned, accepted_before, read_twice, withheld }
}

/// What was not approved.
fn withheld(plan: &Plan, rng: &mut Rng) -> HashMap<OfferKey, String> {
    let some = plan.entries.iter().filter(|_| rng.u32(..20) == 0);
    some.map(|entry| (entry.key(), "it was not approved".to_owned())).collect()
}

/// One apply. Returns whether it was killed.
async fn one_apply(
    world: &World,
    settings: &Settings,
    rng: &mut Rng,
    plan: &Plan,
    bytes: &Arc<Mutex<Vec<u8>>>,
) -> bool {
    let timeout = [0, 1, 10, 60, 60, 300, 300, 1_800][rng.usize(..8)];
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(timeout);
    let (stopper, stop) = Stopper::new();
    let (stopper, killed) = (Arc::new(stopper), Arc::new(Notify::new()));
    let existing = bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let withheld = withheld(plan, rng);
    let names = withheld.keys().map(|key| key.offer.to_string()).collect();
    world.lock().watch.begin_run(limits(plan, settings.concurrency, deadline, stop.clone(), &existing, names));
    world.lock().note(&format!("apply: {settings:?}, timeout {timeout} s"));
    let (kills, is_full) = (rng.u32(..4) == 0, rng.u32(..12) == 0);
    let disk = Disk {
        bytes: Arc::clone(bytes),
        world: world.clone(),
        rng: rng.fork(),
        kill_at: kills.then(|| rng.u32(1..8)),
        killed: Arc::clone(&killed),
        stop_at: (rng.u32(..12) == 0).then(|| rng.u32(1..5)),
        stopper: Arc::clone(&stopper),
        writes: 0,
        is_slow: rng.u32(..4) == 0,
        is_full,
    };
    let opened = match Journal::over(Box::new(disk), &existing, Path::new("journal.jsonl")) {
        Ok(opened) => opened,
        // Without a journal nothing is sent, and that is all there is to it.
        Err(error) => {
            let text = error.to_string();
            if text.contains("damaged") {
                world.lock().watch.violations.push(format!("what a kill left can't be read: {text}"));
            }
            return false;
        }
    };
    let options = ApplyOptions {
        tool: "simulation".to_owned(),
        wait: rng.u32(..4) > 0,
        linger: Duration::from_secs([0, 0, 60][rng.usize(..3)]),
        deadline,
        clock: Clock::new(now),
        withheld,
    };
    let longest = [500, 5_000, 100_000][rng.usize(..3)];
    let signal = (rng.u32(..6) == 0).then(|| Duration::from_millis(rng.u64(..longest)));
    let signalled = async {
        match signal {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
        world.lock().note("stop requested");
        stopper.stop();
        std::future::pending::<()>().await;
    };
    let stop_at: Cell<Option<(Instant, Duration)>> = Cell::new(None);
    let stopped_at = async {
        stop.requested().await;
        stop_at.set(Some((Instant::now(), world.lock().watch.slowness)));
        std::future::pending::<()>().await;
    };
    let backends = backends(world, settings);
    let applied = tokio::select! {
        biased;
        () = killed.notified() => None,
        () = signalled => None,
        () = stopped_at => None,
        applied = apply(plan, &backends, opened, &options, &stop, &Nobody) => Some(applied),
    };
    let mut world = world.lock();
    let Some(applied) = applied else {
        check_journal(&mut world, bytes, is_full);
        return true;
    };
    let slowness = world.watch.slowness;
    if let Some((at, slowness_then)) = stop_at.get() {
        let took = at.elapsed().saturating_sub(slowness.saturating_sub(slowness_then));
        if took > GRACE + Duration::from_millis(10) {
            world.watch.violations.push(format!("the run ended {} ms after the request to stop", took.as_millis()));
        }
    }
    let late = Instant::now().saturating_duration_since(deadline);
    if late > settings.request_timeout + slowness + Duration::from_millis(10) {
        world.watch.violations.push(format!("the run ended {} ms after its deadline", late.as_millis()));
    }
    for entry in &applied.outcome.entries {
        let message = entry.message.as_deref().unwrap_or_default();
        let line =
            format!("{}: {} ({message}), {} attempts", entry.operation_id, entry.outcome.as_str(), entry.attempts);
        world.note(&line);
    }
    // What was due by now has happened, whether or not anybody looked.
    invariants::check(&applied.outcome, &mut world);
    invariants::check_settled(&applied.settled, &mut world);
    // Where nothing goes wrong and nobody is in a hurry, everything comes to its end.
    if world.weather.is_calm() && !stop.is_requested() && timeout >= 300 && slowness.is_zero() && options.wait {
        invariants::check_ends(&applied.outcome, deadline, &mut world);
    }
    false
}

/// After a kill each call that left stands in the journal.
fn check_journal(world: &mut Simulation, bytes: &Mutex<Vec<u8>>, is_full: bool) {
    let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&bytes);
    for (id, left) in world.watch.left_ever.clone() {
        let own = format!("\"operationId\":\"{id}\"");
        let intents = text.lines().filter(|line| line.contains(&own) && line.contains("\"event\":\"intent\"")).count();
        if intents < left as usize {
            world.watch.violations.push(format!("{left} calls left for {id}, and the journal holds {intents} intents"));
        }
    }
    let is_told = |id: &str| {
        let own = format!("\"operationId\":\"{id}\"");
        text.lines().any(|line| line.contains(&own) && line.contains("\"result\":\"accepted\""))
    };
    let untold: Vec<&String> = world.watch.accepted.keys().filter(|id| !is_told(id)).collect();
    // The one that the kill came before, and those that were to be written after it.
    if untold.len() > world.watch.accepted.len().min(1) && !is_full {
        let violation = format!("the answers to the calls for {untold:?} are not in the journal");
        world.watch.violations.push(violation);
    }
}
