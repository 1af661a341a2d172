//! One entry: read, compare, journal, send, and again until what is seen is final.
//!
//! Owns the loop. Every call in it comes right after a read that still wants it, so trying
//! again *is* reconciling again: after an answer that says nothing clear, what runs decides.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::journal::{Answered, Journal, JournalError, Subject};
use super::{Mode, News, Stop, Target, Watch, now};
use crate::domain::{CancellationWord, Live, Operation, OperationId, Phase, StatusWord};
use crate::outcome::{Outcome, OutcomeEntry};
use crate::portal::{CancelAnswer, CancelPortal, Failure, Location, ReadPortal};

/// How many calls are sent at the most, those of earlier runs not counted.
const MAX_CALLS: u32 = 4;

/// The pause after the first call without a clear answer; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What is known of the calls that were sent for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// None, or only such as the portal clearly did not carry out.
    Nothing,
    /// One may have been carried out.
    Perhaps,
    /// 202: the portal is cancelling.
    Accepted,
    /// 200: the portal says that it is cancelled.
    Cancelled,
}

/// What a read shows of the planned operation.
pub(super) enum Seen {
    /// It runs.
    Running(Box<Operation>),
    /// It does not; another one may.
    Gone(Option<OperationId>),
    /// It can't be told.
    Unclear(String),
}

pub(super) struct EntryRun<'a, R, W, V> {
    pub target: &'a Target,
    pub reader: &'a R,
    writer: &'a W,
    journal: &'a Mutex<Journal>,
    wait: bool,
    pub deadline: Instant,
    pub stop: &'a Stop,
    watch: &'a V,
    started_at: Timestamp,
    attempts: u32,
    http_status: Option<u16>,
    pub location: Option<Location>,
    pub retry_after: Option<Duration>,
    pub final_status: Option<StatusWord>,
    pub sent: Sent,
    /// Whether it was seen being cancelled, by whomever.
    pub seen_cancelling: bool,
    /// What could not be written down.
    trouble: Option<String>,
}

impl<'a, R: ReadPortal, W: CancelPortal, V: Watch> EntryRun<'a, R, W, V> {
    pub fn new(
        target: &'a Target,
        (reader, writer): (&'a R, &'a W),
        journal: &'a Mutex<Journal>,
        (wait, deadline): (bool, Instant),
        stop: &'a Stop,
        watch: &'a V,
    ) -> Self {
        let open = target.left_open.as_ref();
        let told = open.and_then(|call| call.location.as_deref());
        let sent = match open {
            Some(call) if call.accepted && call.http_status == Some(200) => Sent::Cancelled,
            Some(call) if call.accepted => Sent::Accepted,
            Some(call) if call.attempts > 0 => Sent::Perhaps,
            _ => Sent::Nothing,
        };
        Self {
            target,
            reader,
            writer,
            journal,
            wait,
            deadline,
            stop,
            watch,
            started_at: now(),
            attempts: open.map_or(0, |call| call.attempts),
            http_status: open.and_then(|call| call.http_status),
            location: told.map(|told| reader.location(told)),
            retry_after: None,
            final_status: None,
            sent,
            seen_cancelling: false,
            trouble: None,
        }
    }

    pub async fn run(mut self) -> OutcomeEntry {
        let (outcome, message) = self.reconcile().await;
        let message = joined(message, self.trouble.take());
        let written = self.journal_outcome(outcome, message.as_deref());
        let message = joined(message, written.err().map(|error| error.to_string()));
        let entry = OutcomeEntry {
            publisher: self.target.publisher.clone(),
            offer: self.target.offer.clone(),
            operation_id: self.target.operation_id.clone(),
            outcome,
            http_status: self.http_status,
            location: self.location.take().map(|location| location.shown),
            final_status: self.final_status.take(),
            attempts: self.attempts,
            message,
            started_at: self.started_at,
            finished_at: now(),
        };
        self.tell(&News::Ended(&entry));
        entry
    }

    /// The loop.
    async fn reconcile(&mut self) -> (Outcome, Option<String>) {
        let mut calls = 0;
        let mut refusal: Option<Failure> = None;
        loop {
            if self.stop.is_wished() {
                return self.interrupted();
            }
            self.tell(&News::Reading);
            // The entity tag first: what changes after it was read, the portal itself refuses.
            let may_send = self.target.mode == Mode::Cancel && matches!(self.sent, Sent::Nothing | Sent::Perhaps);
            let etag = if may_send && refusal.is_none() {
                let reading = self.reader.etag(&self.target.publisher, &self.target.offer);
                match self.stop.unless(reading).await {
                    Some(etag) => etag,
                    None => return self.interrupted(),
                }
            } else {
                None
            };
            let Some(seen) = self.stop.unless(self.look()).await else { return self.interrupted() };
            let operation = match seen {
                Seen::Running(operation) => operation,
                Seen::Gone(other) => return self.gone(other, refusal.as_ref()).await,
                Seen::Unclear(why) => return self.unclear(&why, refusal.as_ref()),
            };
            let cancellation = operation.cancellation.as_ref().map(StatusWord::cancellation);
            let phase = operation.state.as_ref().map_or(Phase::Pending, StatusWord::phase);
            self.seen_cancelling |= operation.is_being_cancelled();
            if self.seen_cancelling || matches!(self.sent, Sent::Accepted | Sent::Cancelled) {
                return if self.wait { self.follow().await } else { self.not_followed() };
            }
            if let Some(failure) = refusal {
                return self.refused(&failure);
            }
            if let Some(refused) = self.may_not_send(&operation, cancellation, phase) {
                return refused;
            }
            if calls == MAX_CALLS || (calls > 0 && Instant::now() >= self.deadline) {
                return self.given_up();
            }
            calls += 1;
            match self.send(etag.as_deref().unwrap_or("*")).await {
                Err(ended) => return ended,
                Ok(CancelAnswer::Cancelled) => {
                    self.sent = Sent::Cancelled;
                    // Not followed does not mean not looked at: one look is due.
                    return self.follow().await;
                }
                Ok(CancelAnswer::Accepted { location, retry_after }) => {
                    self.sent = Sent::Accepted;
                    self.retry_after = retry_after;
                    self.tell(&News::Accepted { location: location.as_ref().map(|location| location.shown.as_str()) });
                    self.location = location;
                    return if self.wait { self.follow().await } else { self.not_followed() };
                }
                Ok(CancelAnswer::Refused(failure)) => refusal = Some(failure),
                Ok(CancelAnswer::Changed(failure) | CancelAnswer::NotSent(failure)) => {
                    self.pause(calls, &failure).await;
                    if calls == MAX_CALLS {
                        refusal = Some(failure);
                    }
                }
                Ok(CancelAnswer::Lost(failure)) => {
                    self.sent = Sent::Perhaps;
                    self.pause(calls, &failure).await;
                }
            }
        }
    }

    /// One read of what runs.
    pub async fn look(&self) -> Seen {
        match self.reader.live(&self.target.publisher, &self.target.offer).await {
            Live::Nothing => Seen::Gone(None),
            Live::Running { operation, .. } if operation.id.same(&self.target.operation_id) => Seen::Running(operation),
            Live::Running { operation, .. } => Seen::Gone(Some(operation.id)),
            Live::Several(ids) => {
                let ids: Vec<&str> = ids.iter().map(OperationId::as_str).collect();
                Seen::Unclear(format!("several operations run on this offer ({})", ids.join(", ")))
            }
            Live::Unreadable(failure) => Seen::Unclear(failure.message),
        }
    }

    /// Why no call may be sent for a running operation that is not being cancelled.
    fn may_not_send(
        &self,
        operation: &Operation,
        cancellation: Option<CancellationWord>,
        phase: Phase,
    ) -> Option<(Outcome, Option<String>)> {
        let not_cancelled = if self.sent == Sent::Perhaps { Outcome::Unknown } else { Outcome::Failed };
        let say = |text: String| Some((not_cancelled, Some(text)));
        match self.target.mode {
            Mode::Follow => {
                return say(
                    "it was being cancelled when the plan was made, and is not any more; make a new plan".to_owned()
                );
            }
            Mode::Settle => {
                return say(
                    "an earlier run sent a cancel call whose answer is not known; the operation still runs, and the plan does not cancel it"
                        .to_owned(),
                );
            }
            Mode::Cancel => {}
        }
        let word = |word: &Option<StatusWord>| word.as_ref().map(StatusWord::to_string).unwrap_or_default();
        match (cancellation, phase) {
            (Some(CancellationWord::Cannot | CancellationWord::Unknown), _) => say(format!(
                "the portal does not let it be cancelled any more (`{}`); nothing was sent",
                word(&operation.cancellation)
            )),
            (_, Phase::Unknown) => say(format!(
                "the portal describes its state by a word that is not known (`{}`); nothing was sent",
                word(&operation.state)
            )),
            _ => None,
        }
    }

    /// Sends one call, between two lines of the journal.
    async fn send(&mut self, if_match: &str) -> Result<CancelAnswer, (Outcome, Option<String>)> {
        if self.stop.is_wished() {
            return Err(self.interrupted());
        }
        let attempt = self.attempts + 1;
        if let Err(error) = self.journal().intent(self.subject(), attempt, if_match) {
            let outcome = if self.sent == Sent::Perhaps { Outcome::Unknown } else { Outcome::Failed };
            return Err((outcome, Some(error.to_string())));
        }
        self.attempts = attempt;
        self.tell(&News::Sending(attempt));
        let target = self.target;
        let call = self.writer.cancel(&target.publisher, &target.offer, &target.notification_emails, if_match);
        let answer = tokio::select! {
            biased;
            answer = call => answer,
            () = self.stop.grace_is_over() => {
                CancelAnswer::Lost(Failure::Interrupted("the run was interrupted before the answer came".to_owned()))
            }
        };
        let (http_status, accepted, failure) = match &answer {
            CancelAnswer::Cancelled => (Some(200), true, None),
            CancelAnswer::Accepted { .. } => (Some(202), true, None),
            CancelAnswer::Changed(failure)
            | CancelAnswer::Refused(failure)
            | CancelAnswer::NotSent(failure)
            | CancelAnswer::Lost(failure) => (failure.status().map(|status| status.as_u16()), false, Some(failure)),
        };
        self.http_status = http_status;
        let location = match &answer {
            CancelAnswer::Accepted { location: Some(location), .. } => Some(location.shown.clone()),
            _ => None,
        };
        let answered = Answered { http_status, accepted, location, message: failure.map(Failure::to_string) };
        if let Err(error) = self.journal().answer(self.subject(), attempt, &answered) {
            // Too late to take anything back: the outcome says it.
            self.trouble = Some(format!("its answer is not in the journal: {error}"));
        }
        Ok(answer)
    }

    /// Waits a little before the next look, as long as the portal asks or longer with each call.
    async fn pause(&self, calls: u32, failure: &Failure) {
        let why = failure.to_string();
        self.tell(&News::Again { why: &why });
        let pause = failure.retry_after().unwrap_or_default().max(FIRST_PAUSE * 2_u32.saturating_pow(calls - 1));
        self.stop.unless(tokio::time::sleep_until((Instant::now() + pause).min(self.deadline))).await;
    }

    /// A clear no, and the operation still runs.
    fn refused(&self, failure: &Failure) -> (Outcome, Option<String>) {
        match self.sent {
            Sent::Perhaps => {
                let text = format!("{failure}; an earlier call, whose answer was lost, may still take effect");
                (Outcome::Unknown, Some(text))
            }
            _ => (Outcome::Failed, Some(failure.to_string())),
        }
    }

    /// No more calls.
    fn given_up(&self) -> (Outcome, Option<String>) {
        let calls =
            if self.attempts == 1 { "one cancel call".to_owned() } else { format!("{} cancel calls", self.attempts) };
        if self.sent == Sent::Nothing {
            return (Outcome::Failed, Some(format!("the portal carried out none of {calls}; make a new plan")));
        }
        let text = format!("the operation still runs after {calls} without a clear answer; make a new plan");
        (Outcome::Unknown, Some(text))
    }

    /// The live state is not known.
    fn unclear(&self, why: &str, refusal: Option<&Failure>) -> (Outcome, Option<String>) {
        match (&self.sent, refusal) {
            (Sent::Nothing, Some(failure)) => (Outcome::Failed, Some(failure.to_string())),
            (Sent::Nothing, None) => (Outcome::Failed, Some(format!("nothing was sent: {why}"))),
            (Sent::Accepted, _) => (Outcome::Accepted, Some(format!("the portal accepted the cancellation; {why}"))),
            (Sent::Perhaps | Sent::Cancelled, _) => {
                (Outcome::Unknown, Some(format!("a cancel call was sent, and what came of it can't be read: {why}")))
            }
        }
    }

    /// The operation does not run (any more).
    pub async fn gone(&mut self, other: Option<OperationId>, refusal: Option<&Failure>) -> (Outcome, Option<String>) {
        let reading = self.reader.operation(&self.target.publisher, &self.target.offer, &self.target.operation_id);
        let own = self.stop.unless(reading).await.and_then(Result::ok).and_then(|progress| progress.status);
        let phase = own.as_ref().map(StatusWord::phase);
        if self.final_status.is_none() {
            self.final_status.clone_from(&own);
        }
        let left_alone = other.as_ref().map(|id| format!("another operation, {id}, runs now and was left alone"));
        let untouched = self.sent == Sent::Nothing && !self.seen_cancelling;
        let completed = phase == Some(Phase::Finished);
        if untouched || (completed && self.sent == Sent::Perhaps) {
            let outcome = if other.is_some() { Outcome::Superseded } else { Outcome::AlreadyDone };
            let why = match (refusal, untouched) {
                (Some(failure), _) => format!("it was over before the call could cancel it: {failure}"),
                (None, true) => "it was over before anything was sent".to_owned(),
                (None, false) => "it was over before a call could cancel it".to_owned(),
            };
            return (outcome, Some(left_alone.map_or(why.clone(), |other| format!("{why}; {other}"))));
        }
        if completed {
            let word = own.map(|word| word.to_string()).unwrap_or_default();
            let text = format!("the operation ended as `{word}` before the cancellation took effect");
            return (Outcome::Failed, Some(text));
        }
        if self.sent == Sent::Perhaps && other.is_some() && phase != Some(Phase::Cancelled) {
            let text = "a cancel call was sent, its answer was lost, and the operation is over; whether it was cancelled can't be read";
            return (Outcome::Unknown, Some(format!("{text}; {}", left_alone.unwrap_or_default())));
        }
        (Outcome::Cancelled, left_alone)
    }

    /// Accepted, and not followed because nobody asked to.
    fn not_followed(&self) -> (Outcome, Option<String>) {
        let text = match self.sent {
            Sent::Nothing => "it is being cancelled; its end was not waited for",
            _ => "the portal accepted the cancellation; its end was not waited for",
        };
        (Outcome::Accepted, Some(text.to_owned()))
    }

    /// The run was interrupted.
    pub fn interrupted(&self) -> (Outcome, Option<String>) {
        let (outcome, text) = match self.sent {
            Sent::Accepted => (Outcome::Accepted, "interrupted while the portal was cancelling it"),
            Sent::Perhaps => (Outcome::Unknown, "interrupted before it was known what came of the cancel call"),
            Sent::Cancelled => {
                (Outcome::Unknown, "the portal says that it is cancelled; interrupted before that was seen")
            }
            Sent::Nothing if self.seen_cancelling => (Outcome::Accepted, "interrupted while it was being cancelled"),
            Sent::Nothing if self.attempts > 0 => {
                (Outcome::Failed, "interrupted after a call that was not carried out")
            }
            Sent::Nothing => (Outcome::NotAttempted, "interrupted before anything was sent"),
        };
        (outcome, Some(text.to_owned()))
    }

    pub fn tell(&self, news: &News<'_>) {
        self.watch.news(self.target, news);
    }

    fn subject(&self) -> Subject<'a> {
        let target = self.target;
        Subject { publisher: &target.publisher, offer: &target.offer, operation_id: &target.operation_id }
    }

    fn journal(&self) -> std::sync::MutexGuard<'a, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An entry of which nothing was ever written has no ending to write either.
    fn journal_outcome(&self, outcome: Outcome, message: Option<&str>) -> Result<(), JournalError> {
        if self.attempts == 0 { Ok(()) } else { self.journal().outcome(self.subject(), outcome, message) }
    }
}

/// Two things to say as one.
fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    }
}
