//! Random portals, and what must hold on all of them.
//!
//! The portal is in memory and the clock is tokio's paused one, so that hours of waiting and
//! retrying pass in no time. The two invariants:
//! 1. an operation other than the planned one is never called at after a read showed it;
//! 2. every call that was answered is in the outcome or in the journal.

use std::sync::Mutex;
use std::time::Duration;

use cancel_pending::apply::{ApplyOptions, Journal, JournalError, News, Stopper, Target, Watch, apply};
use cancel_pending::domain::{
    EmailAddress, Limits, Live, Mark, OfferId, Operation, OperationId, PortalOrigin, PublisherId, ReadFailure,
    StatusWord,
};
use cancel_pending::outcome::{Outcome, OutcomeDocument};
use cancel_pending::plan::{Observation, Plan, plan};
use cancel_pending::portal::{CancelAnswer, CancelPortal, Failure, Location, Progress, ReadPortal};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::plans::{facts, operation};

/// What happens at a step of the portal's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Nothing,
    /// The operation completes by itself.
    Completes,
    /// Another one takes its place.
    Replaced,
    /// The read fails.
    Unreadable,
    /// A cancellation under way takes effect.
    TakesEffect,
}

/// What a cancel call does and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    AtOnce,
    AtOnceWithoutEffect,
    Accepted,
    AcceptedWithoutLocation,
    Refused,
    Changed,
    NotSent,
    LostBefore,
    LostAfter,
    LostDuring,
}

#[derive(Debug)]
struct World {
    running: Option<String>,
    own_status: &'static str,
    cancelling: bool,
    shows_cancelling: bool,
    events: Vec<Event>,
    calls: Vec<Call>,
    /// What the last read showed.
    last_seen: Option<String>,
    /// Calls that hit another operation than the last read showed, or one that it did not show.
    violations: Vec<String>,
    answered: usize,
    sent: usize,
    took_effect_on_own: bool,
}

struct Portal(Mutex<World>);

impl World {
    fn step(&mut self) -> Event {
        let event = self.events.pop().unwrap_or(Event::TakesEffect);
        match event {
            Event::Completes if self.running.as_deref() == Some("op") => {
                self.running = None;
                self.own_status = "complete";
            }
            Event::Replaced => {
                if self.running.as_deref() == Some("op") {
                    self.own_status = "complete";
                }
                self.running = Some("another".to_owned());
                self.cancelling = false;
            }
            Event::TakesEffect if self.cancelling => self.take_effect(),
            _ => {}
        }
        event
    }

    fn take_effect(&mut self) {
        self.cancelling = false;
        if self.running.as_deref() == Some("op") {
            self.took_effect_on_own = true;
            self.own_status = "canceled";
        }
        self.running = None;
    }
}

fn failure() -> Failure {
    Failure::Interrupted("scripted".to_owned())
}

fn progress(status: &str) -> Progress {
    Progress { status: Some(StatusWord::new(status)), step: None, percent: None, retry_after: None }
}

impl ReadPortal for Portal {
    async fn live(&self, _: &PublisherId, _: &OfferId) -> Live {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut world = self.0.lock().expect("a lock");
        if world.step() == Event::Unreadable {
            return Live::Unreadable(ReadFailure { message: "scripted".to_owned() });
        }
        let running = world.running.clone();
        world.last_seen = running;
        match &world.running {
            None => Live::Nothing,
            Some(id) => {
                let said = if world.cancelling && world.shows_cancelling { "cancelRequested" } else { "canCancel" };
                Live::Running { operation: Box::new(cancellable(id, said)), etag: None, message: None }
            }
        }
    }

    async fn etag(&self, _: &PublisherId, _: &OfferId) -> Option<String> {
        None
    }

    async fn operation(&self, _: &PublisherId, _: &OfferId, _: &OperationId) -> Result<Progress, Failure> {
        let world = self.0.lock().expect("a lock");
        Ok(progress(world.own_status))
    }

    async fn at(&self, _: &Location) -> Result<Progress, Failure> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut world = self.0.lock().expect("a lock");
        match world.step() {
            Event::Unreadable => Err(failure()),
            _ if world.cancelling => Ok(progress("running")),
            _ => Ok(progress("complete")),
        }
    }

    fn location(&self, told: &str) -> Location {
        Location::read(told, &PortalOrigin::microsoft())
    }
}

impl CancelPortal for Portal {
    async fn cancel(&self, _: &PublisherId, _: &OfferId, _: &[EmailAddress], _: &str) -> CancelAnswer {
        let mut world = self.0.lock().expect("a lock");
        world.sent += 1;
        if world.last_seen.as_deref() != Some("op") {
            let seen = format!("sent after a read that showed {:?}", world.last_seen);
            world.violations.push(seen);
        }
        // A read is worth one call.
        world.last_seen = None;
        let call = world.calls.pop().unwrap_or(Call::AtOnce);
        if !matches!(call, Call::LostBefore | Call::LostAfter | Call::LostDuring | Call::NotSent) {
            world.answered += 1;
        }
        let path = "/api/publishers/contoso/offers/vm/operations/the-cancellation";
        let location = Location::read(path, &PortalOrigin::microsoft());
        let status =
            |code: u16| Failure::Status { status: code.try_into().expect("a status"), error: None, retry_after: None };
        match call {
            Call::AtOnce => {
                world.take_effect();
                CancelAnswer::Cancelled
            }
            Call::AtOnceWithoutEffect => CancelAnswer::Cancelled,
            Call::Accepted => {
                world.cancelling = true;
                CancelAnswer::Accepted { location: Some(location), retry_after: None }
            }
            Call::AcceptedWithoutLocation => {
                world.cancelling = true;
                CancelAnswer::Accepted { location: None, retry_after: Some(Duration::from_secs(5)) }
            }
            Call::Refused => CancelAnswer::Refused(status(409)),
            Call::Changed => CancelAnswer::Changed(status(412)),
            Call::NotSent => CancelAnswer::NotSent(Failure::Connect("scripted".to_owned())),
            Call::LostBefore => CancelAnswer::Lost(failure()),
            Call::LostAfter => {
                world.take_effect();
                CancelAnswer::Lost(failure())
            }
            Call::LostDuring => {
                world.cancelling = true;
                CancelAnswer::Lost(failure())
            }
        }
    }
}

struct Silent;

impl Watch for Silent {
    fn news(&self, _: &Target, _: &News<'_>) {}
}

fn cancellable(id: &str, cancellation: &str) -> Operation {
    Operation { cancellation: Some(StatusWord::new(cancellation)), ..operation(id) }
}

fn the_plan() -> Plan {
    let desired = cancel_pending::domain::DesiredOffer {
        publisher: "contoso".parse().expect("an id"),
        offer: "vm".parse().expect("an id"),
        mark: Some(Mark::default()),
        notification_emails: vec![],
        reason: None,
        source: cancel_pending::domain::SourceLocation { path: "offers.yaml".to_owned(), line: 1, column: 1 },
    };
    let live = Live::Running { operation: Box::new(cancellable("op", "canCancel")), etag: None, message: None };
    plan(&facts(), vec![(Limits::default(), vec![Observation { desired, live: Some(live) }])])
}

/// One apply, in paused time, interrupted after a while or not.
fn run(portal: &Portal, directory: &TempDir, interrupt_after: Option<u64>) -> OutcomeDocument {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let plan = the_plan();
        // A test beside this one that starts a program holds every open file, and so the lock
        // of the run before, for the moment between its fork and its exec.
        let opened = loop {
            match Journal::open(&directory.path().join("journal"), &plan.portal) {
                Err(JournalError::InUse) => std::thread::yield_now(),
                opened => break opened.expect("a journal"),
            }
        };
        let options = ApplyOptions { tool: "test".to_owned(), wait: true, timeout: Duration::from_mins(10) };
        let (stopper, stop) = Stopper::new();
        let work = apply(&plan, (portal, portal), opened, &options, &stop, &Silent);
        tokio::pin!(work);
        if let Some(milliseconds) = interrupt_after {
            tokio::select! {
                outcome = work.as_mut() => return outcome,
                () = tokio::time::sleep(Duration::from_millis(milliseconds)) => stopper.stop(),
            }
        }
        work.await
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Nothing),
        1 => Just(Event::Completes),
        1 => Just(Event::Replaced),
        2 => Just(Event::Unreadable),
        2 => Just(Event::TakesEffect),
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    prop::sample::select(vec![
        Call::AtOnce,
        Call::AtOnceWithoutEffect,
        Call::Accepted,
        Call::AcceptedWithoutLocation,
        Call::Refused,
        Call::Changed,
        Call::NotSent,
        Call::LostBefore,
        Call::LostAfter,
        Call::LostDuring,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn the_invariants_hold_on_every_portal(
        events in prop::collection::vec(any_event(), 0..12),
        calls in prop::collection::vec(any_call(), 0..6),
        shows_cancelling in any::<bool>(),
        interrupt_after in prop::option::of(0..20_000_u64),
        runs in 1..4_usize,
    ) {
        let portal = Portal(Mutex::new(World {
            running: Some("op".to_owned()), own_status: "running", cancelling: false, shows_cancelling, events, calls,
            last_seen: None, violations: vec![], answered: 0, sent: 0, took_effect_on_own: false,
        }));
        let directory = TempDir::new().expect("a directory");
        let mut last = None;
        for number in 0..runs {
            let outcome = run(&portal, &directory, interrupt_after.filter(|_| number == 0));
            prop_assert_eq!(outcome.entries.len(), 1);
            last = Some(outcome);
        }
        let entry = last.expect("at least one run").entries.remove(0);
        let world = portal.0.lock().expect("a lock");
        // 1.
        prop_assert_eq!(&world.violations, &Vec::<String>::new());
        // 2.
        let journal = std::fs::read_to_string(directory.path().join("journal")).expect("the journal");
        let count = |event: &str| journal.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\""))).count();
        prop_assert_eq!(count("intent"), world.sent);
        prop_assert!(count("answer") >= world.answered);
        // And nothing is called cancelled that goes on.
        if entry.outcome == Outcome::Cancelled {
            prop_assert_ne!(world.running.as_deref(), Some("op"));
            prop_assert!(world.sent > 0 || world.took_effect_on_own);
        }
        if entry.outcome == Outcome::NotAttempted {
            prop_assert_eq!(world.sent, 0);
        }
    }
}
