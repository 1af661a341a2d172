//! One entry: the order of its steps, from the wait for a slot to what is seen to be final.
//!
//! Owns the loop. Guard, read, decision, intent and call happen in one slot, right after each
//! other; nothing in a slot waits. Whatever has to be waited for gives the slot back, and the
//! entry starts again at its guard: trying again *is* reconciling again.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::ending::{Ending, Knowledge, Obstacle, Sent};
use super::journal::{JournalAnswer, JournalError, JournalSubject, SharedJournal};
use super::{ApplyEvent, Clock, Mode, Stop, Target, Watch};
use crate::domain::{
    Cancellability, Live, Observed, OfferKey, OfferQuery, OperationId, Phase, PinSighting, RunningOperation, StatusWord,
};
use crate::outcome::{Follower, OutcomeEntry};
use crate::portal::{
    Backend, BackendSlot, CancelAnswer, CancelCall, CancelPortal as _, CancelVerdict, Failure, Guard, Location,
    ReadPortal as _, Token,
};

/// How many calls are sent at the most, those of earlier runs not counted.
const MAX_CALLS: u32 = 4;

/// How many reads in a row may fail before an entry is given up of which nothing was sent.
const MAX_READS: u32 = 4;

/// The pause after the first try that came to nothing; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest such pause, unless the portal asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What all entries of a run share.
pub(super) struct Shared<'a, W> {
    pub journal: &'a SharedJournal,
    pub wait: bool,
    pub linger: Duration,
    pub deadline: Instant,
    pub stop: &'a Stop,
    pub watch: &'a W,
    pub clock: &'a Clock,
    pub withheld: &'a HashMap<OfferKey, String>,
}

/// The run of one entry.
pub(super) struct EntryRun<'a, W> {
    pub target: &'a Target,
    pub backend: &'a Backend,
    pub shared: &'a Shared<'a, W>,
    /// What the portal is asked: the offer, with the planned operation as its pin.
    pub query: OfferQuery,
    /// How many intents were written, those of earlier runs included.
    intents: u32,
    /// How many calls left this machine, those of earlier runs included.
    pub attempts: u32,
    http_status: Option<u16>,
    pub location: Option<Location>,
    pub retry_after: Option<Duration>,
    pub final_status: Option<StatusWord>,
    pub sent: Sent,
    /// Whether the last call could hit no other operation: it named this one, or carried a tag.
    is_guarded: bool,
    /// Whether the operation was last seen to be gone.
    pub is_gone: bool,
    /// Whether it was seen being cancelled, by whomever.
    pub seen_cancelling: bool,
    pub last_seen: Option<String>,
    pub followed_by: Option<Follower>,
    refusal: Option<Failure>,
    rejected_tag: Option<String>,
    /// What could not be written down.
    trouble: Option<String>,
}

/// What a try in a slot came to.
enum Step {
    Ended(Ending),
    /// It is being cancelled: what is left is to look at it.
    Follow,
    /// A read failed: to be tried again, from the start and after a pause.
    Again(Failure),
    /// The same after a call that did not take effect, or may not have.
    Resend(Failure),
    /// The portal asked for a pause meanwhile: to be tried again when it is over.
    Yield,
    /// To be looked at again, at once.
    LookAgain,
}

/// What it means that the operation is not what runs.
pub(super) enum Gone {
    Ended(Ending),
    /// It may have been cancelled, and the portal has not said so yet.
    KeepLooking(String),
}

impl<'a, W: Watch> EntryRun<'a, W> {
    pub fn new(target: &'a Target, backend: &'a Backend, shared: &'a Shared<'a, W>) -> Self {
        let open = target.left_open.as_ref();
        let told = open.and_then(|call| call.location.as_deref());
        Self {
            target,
            backend,
            shared,
            query: target.query(),
            intents: open.map_or(0, |call| call.intents),
            attempts: open.map_or(0, |call| call.attempts),
            http_status: open.and_then(|call| call.http_status),
            location: told.map(|told| backend.follower().resume(told)),
            retry_after: None,
            final_status: None,
            sent: open.map_or(Sent::Nothing, |call| call.sent),
            is_guarded: open.is_some_and(|call| call.is_guarded),
            is_gone: false,
            seen_cancelling: false,
            last_seen: None,
            followed_by: None,
            refusal: None,
            rejected_tag: None,
            trouble: None,
        }
    }

    pub async fn run(mut self) -> OutcomeEntry {
        let started_at = self.shared.clock.now();
        let ending = match self.reconcile().await {
            Ok(ending) | Err(ending) => ending,
        };
        if ending == Ending::Cancelled {
            self.linger().await;
        }
        let message = joined(ending.message(), self.trouble.take());
        let left = if ending == Ending::Cancelled { self.left_changed().await } else { None };
        let message = joined(message, left);
        let written = self.journal_outcome(&ending, message.as_deref()).await;
        let message = joined(message, written.err().map(|error| error.to_string()));
        let entry = OutcomeEntry {
            portal: self.target.key.portal,
            publisher: self.target.key.publisher.clone(),
            offer: self.target.key.offer.clone(),
            product_id: self.target.product.clone(),
            operation_id: self.target.operation_id.clone(),
            outcome: ending.outcome(),
            http_status: self.http_status,
            location: self.location.take().map(|location| location.shown),
            final_status: self.final_status.take(),
            attempts: self.attempts,
            followed_by: self.followed_by.take(),
            message,
            started_at,
            finished_at: self.shared.clock.now(),
        };
        self.tell(&ApplyEvent::Ended(&entry));
        entry
    }

    /// The loop. An error is an ending, too: that of a run that has to stop here.
    async fn reconcile(&mut self) -> Result<Ending, Ending> {
        if let Some(why) = self.shared.withheld.get(&self.target.key)
            && self.target.mode == Mode::Cancel
            && self.sent == Sent::Nothing
        {
            return Ok(Ending::Withheld { why: why.clone() });
        }
        let mut tries = 0;
        loop {
            self.tell(&ApplyEvent::Reading);
            let (step, token) = match self.bounded(self.backend.slot()).await? {
                Err(failure) => (Step::Again(failure), None),
                Ok(slot) => {
                    let calls = self.intents;
                    let step = self.in_slot(&slot).await?;
                    if self.intents > calls {
                        tries = 0;
                    }
                    (step, Some(slot.token().clone()))
                }
            };
            match step {
                Step::Ended(ending) => return Ok(ending),
                Step::LookAgain | Step::Yield => {}
                Step::Follow if !self.shared.wait && matches!(self.sent, Sent::Nothing | Sent::Accepted) => {
                    return Ok(Ending::NotFollowed { by_us: self.sent != Sent::Nothing });
                }
                Step::Follow => match self.follow().await? {
                    Some(ending) => return Ok(ending),
                    None => tries = 0,
                },
                Step::Again(failure) => {
                    tries += u32::from(!failure.is_throttle());
                    let is_hopeless = !failure.is_transient() && !failure.is_unauthorized();
                    if self.sent == Sent::Nothing && (is_hopeless || tries >= MAX_READS) {
                        return Ok(self.unreadable(&failure));
                    }
                    self.wait_outside(&failure, token, tries).await?;
                }
                Step::Resend(failure) => {
                    tries += 1;
                    let is_hopeless =
                        matches!(failure, Failure::Credential(_) | Failure::OutOfBounds(_) | Failure::NoSuchOffer(_));
                    if self.sent == Sent::Nothing && is_hopeless {
                        return Ok(self.unreadable(&failure));
                    }
                    self.wait_outside(&failure, token, tries).await?;
                }
            }
        }
    }

    /// What has to be waited for between two tries: another token, and a pause.
    async fn wait_outside(&mut self, failure: &Failure, token: Option<Token>, tries: u32) -> Result<(), Ending> {
        self.last_seen = Some(failure.to_string());
        if failure.is_unauthorized()
            && let Some(token) = token
        {
            return match self.bounded(self.backend.renew(&token)).await? {
                // There is no other token: what the portal said of this one is the reason.
                Err(_) if self.sent == Sent::Nothing => Err(self.unreadable(failure)),
                Err(_) => self.pause(tries, failure).await,
                Ok(()) => Ok(()),
            };
        }
        self.pause(tries, failure).await
    }

    const fn blocked(&self, obstacle: Obstacle) -> Ending {
        Ending::Blocked { obstacle, sent: self.sent, attempts: self.attempts }
    }

    fn unreadable(&self, failure: &Failure) -> Ending {
        Ending::Unreadable { why: failure.to_string(), knowledge: self.knowledge() }
    }

    /// Everything that happens between a read and the call that rests on it.
    async fn in_slot(&mut self, slot: &BackendSlot<'_>) -> Result<Step, Ending> {
        let may_send = self.target.mode == Mode::Cancel
            && matches!(self.sent, Sent::Nothing | Sent::Perhaps)
            && self.refusal.is_none();
        // The guard first: what changes after it was read, the portal itself refuses.
        let guard = if may_send {
            match self.bounded(slot.guard(&self.query)).await? {
                Ok(guard) => guard,
                Err(failure) => return Ok(Step::Again(failure)),
            }
        } else {
            Guard::Unguarded
        };
        let observed = match self.bounded(slot.live(&self.query)).await? {
            Ok(observed) => observed,
            Err(failure) => return Ok(Step::Again(failure)),
        };
        let running = match &observed.live {
            Live::Running(running) if running.operation.id == self.target.operation_id => running,
            Live::Several(ids) if self.sent == Sent::Nothing || ids.contains(&self.target.operation_id) => {
                let obstacle = Obstacle::Several(ids.clone());
                return Ok(Step::Ended(self.blocked(obstacle)));
            }
            Live::SeveralProducts(ids) => {
                return Ok(Step::Ended(self.blocked(Obstacle::SeveralProducts(ids.clone()))));
            }
            Live::Unreadable(failure) => {
                let why = failure.to_string();
                return Ok(Step::Ended(Ending::Unreadable { why, knowledge: self.knowledge() }));
            }
            Live::Running(_) | Live::Several(_) | Live::Nothing => {
                return Ok(match self.gone(&observed) {
                    Gone::Ended(ending) => Step::Ended(ending),
                    Gone::KeepLooking(seen) => {
                        self.last_seen = Some(seen);
                        Step::Follow
                    }
                });
            }
        };
        self.seen_cancelling |= running.phase == Phase::Cancelling;
        let was_accepted = matches!(self.sent, Sent::Accepted | Sent::Done);
        if self.seen_cancelling || was_accepted || self.may_be_cancelling() {
            return Ok(Step::Follow);
        }
        if let Some(failure) = &self.refusal {
            return Ok(Step::Ended(Ending::Refused { why: failure.to_string(), sent: self.sent }));
        }
        if let Some(ending) = self.why_not(running, &guard) {
            return Ok(Step::Ended(ending));
        }
        self.send(slot, guard).await
    }

    /// Why no call may be sent for a running operation that is not being cancelled.
    fn why_not(&self, running: &RunningOperation, guard: &Guard) -> Option<Ending> {
        match self.target.mode {
            Mode::Follow => return Some(Ending::NoLongerCancelling),
            Mode::Settle => return Some(Ending::StillRunning),
            Mode::Cancel => {}
        }
        let state = || running.operation.state.clone();
        let obstacle = match (running.cancellability, running.phase) {
            (Cancellability::TooLate, _) => Some(Obstacle::TooLate(state())),
            (Cancellability::Refused | Cancellability::Unknown, _) => {
                Some(Obstacle::NotAllowed(running.operation.cancellation.clone()))
            }
            (Cancellability::Unguarded, _) => Some(Obstacle::Unguarded(running.caveat.clone())),
            (Cancellability::Allowed | Cancellability::Unsaid, Phase::Queued | Phase::Running) => None,
            (Cancellability::Allowed | Cancellability::Unsaid, _) => Some(Obstacle::UnknownState(state())),
        };
        if let Some(obstacle) = obstacle {
            return Some(self.blocked(obstacle));
        }
        if let Some(expired) = self.expired() {
            return Some(expired);
        }
        if let (Guard::Tag(tag), Some(rejected)) = (guard, &self.rejected_tag)
            && tag == rejected
        {
            return Some(Ending::TagRejected { tag: tag.clone() });
        }
        let earlier = self.target.left_open.as_ref().map_or(0, |call| call.intents);
        if self.intents - earlier >= MAX_CALLS {
            let why = self.last_seen.clone();
            return Some(Ending::GivenUp { attempts: self.attempts, sent: self.sent, why });
        }
        None
    }

    /// Whether an earlier call may be taking effect, and the portal refuses the next one for that very reason. Where it
    /// does not show that an operation is being cancelled, only time tells.
    pub fn may_be_cancelling(&self) -> bool {
        self.sent == Sent::Perhaps && self.refusal.is_some() && !self.backend.capabilities().shows_cancelling
    }

    /// How an entry ends whose mark has expired.
    fn expired(&self) -> Option<Ending> {
        let at = self.target.expires.filter(|at| *at <= self.shared.clock.now())?;
        Some(Ending::Expired { at, sent: self.sent, attempts: self.attempts })
    }

    /// Sends one call, between two lines of the journal.
    async fn send(&mut self, slot: &BackendSlot<'_>, guard: Guard) -> Result<Step, Ending> {
        // Another request was told to wait. By then what was read here will have aged.
        if slot.must_wait() {
            return Ok(Step::Yield);
        }
        self.intents += 1;
        if let Err(error) = self.shared.journal.intent(&self.subject(), self.intents, &guard).await {
            let ending = Ending::NoJournal { why: error.to_string(), sent: self.sent };
            return Ok(Step::Ended(ending));
        }
        // The line is on the disk, which takes its time: is a call still wanted?
        let expired = self.expired();
        if self.shared.stop.is_requested() || self.is_late() || expired.is_some() {
            let withdrawn = CancelAnswer {
                status: None,
                verdict: CancelVerdict::NotSent(Failure::Interrupted("the run had to end before the call".to_owned())),
            };
            self.write_answer(&withdrawn).await;
            return Err(expired.unwrap_or_else(|| self.cut_short()));
        }
        self.tell(&ApplyEvent::Sending(self.attempts + 1));
        self.is_guarded = guard != Guard::Unguarded;
        let call = CancelCall {
            offer: self.target.key.clone(),
            product: self.target.product.clone(),
            operation: self.target.operation_id.clone(),
            job: self.target.job.clone(),
            guard,
            notify: self.target.notification_emails.clone(),
        };
        let answer = tokio::select! {
            biased;
            // Before the call itself: where both have become possible meanwhile, it does not leave.
            () = self.called_back(slot) => CancelAnswer {
                status: None,
                verdict: CancelVerdict::NotSent(Failure::Interrupted("the run had to end before there was a connection".to_owned())),
            },
            answer = slot.cancel(&call) => answer,
            () = self.shared.stop.grace_is_over() => CancelAnswer {
                status: None,
                verdict: CancelVerdict::Lost(Failure::Interrupted("the run was interrupted before the answer came".to_owned())),
            },
        };
        self.write_answer(&answer).await;
        self.attempts += u32::from(answer.has_left());
        self.http_status = answer.status.or(self.http_status.filter(|_| !answer.has_left()));
        match answer.verdict {
            CancelVerdict::Done => {
                self.sent = Sent::Done;
                Ok(Step::Follow)
            }
            CancelVerdict::Accepted { location, retry_after } => {
                self.sent = Sent::Accepted;
                self.retry_after = retry_after;
                let shown = location.as_ref().map(|location| location.shown.as_str());
                self.tell(&ApplyEvent::Accepted { location: shown });
                self.location = location;
                Ok(Step::Follow)
            }
            CancelVerdict::Refused(failure) => {
                // A clear no. What runs then says how it ended.
                self.refusal = Some(failure);
                Ok(Step::LookAgain)
            }
            CancelVerdict::Changed(failure) => {
                self.rejected_tag = match call.guard {
                    Guard::Tag(tag) => Some(tag),
                    _ => None,
                };
                Ok(Step::Resend(failure))
            }
            CancelVerdict::NotSent(failure) => Ok(Step::Resend(failure)),
            CancelVerdict::Lost(failure) => {
                self.sent = Sent::Perhaps;
                Ok(Step::Resend(failure))
            }
        }
    }

    /// Returns when a call must not leave any more, and has not: it waits for its connection.
    async fn called_back(&self, slot: &BackendSlot<'_>) {
        let from_now = |at: Timestamp| {
            let left = Duration::try_from(at.duration_since(self.shared.clock.now()));
            Instant::now() + left.unwrap_or_default()
        };
        let deadline = self.shared.deadline;
        let last_moment = self.target.expires.map_or(deadline, |at| deadline.min(from_now(at)));
        tokio::select! {
            () = self.shared.stop.requested() => {}
            () = sleep_until(last_moment) => {}
        }
        slot.waits_for_connection().await;
    }

    /// Judges an operation that is not what runs. `cancelled` needs evidence: our call and the
    /// portal's word, or an answer of 200 and its absence.
    pub fn gone(&mut self, observed: &Observed) -> Gone {
        let other = match &observed.live {
            Live::Running(running) => Some(running.operation.id.clone()),
            Live::Several(ids) => ids.first().cloned(),
            _ => None,
        };
        let (phase, word, seen) = match &observed.pin {
            PinSighting::Known { phase, word } => {
                let seen = word.as_ref().map(|word| format!("the portal's word for it is `{word}`"));
                (Some(*phase), word.clone(), seen)
            }
            PinSighting::Unknown => (None, None, Some("the portal no longer knows it".to_owned())),
            PinSighting::Unreadable(failure) => (None, None, Some(failure.to_string())),
            PinSighting::NotLooked => (None, None, None),
        };
        // What its cancellation said last is the status, where the cancellation has a document.
        if self.final_status.is_none() {
            self.final_status.clone_from(&word);
        }
        self.is_gone = true;
        let ours = self.sent != Sent::Nothing || self.seen_cancelling;
        // An answer of 200 to a call that nothing guarded is about whatever was running by then.
        let is_done = self.sent == Sent::Done && self.is_guarded;
        let forgotten = observed.pin == PinSighting::Unknown && self.backend.capabilities().forgets_cancelled;
        let refusal = self.refusal.as_ref().map(ToString::to_string);
        let ending = match phase {
            Some(Phase::Cancelled) if ours => Ending::Cancelled,
            Some(phase) if phase.has_ended_by_itself() => match other.clone() {
                Some(other) if !matches!(self.sent, Sent::Accepted | Sent::Done) => Ending::Superseded { other, word },
                _ => Ending::Completed { word, attempts: self.attempts },
            },
            _ if is_done || (forgotten && ours) => Ending::Cancelled,
            _ if self.target.mode == Mode::Settle && observed.pin == PinSighting::Unknown => {
                Ending::Forgotten { sent: self.sent }
            }
            _ if ours => return Gone::KeepLooking(seen.unwrap_or_else(|| "it is not running".to_owned())),
            _ => match (other.clone(), phase) {
                (Some(other), _) => Ending::Superseded { other, word },
                (None, Some(Phase::Cancelled)) => Ending::AlreadyDone { refusal },
                (None, _) if forgotten => Ending::AlreadyDone { refusal },
                (None, _) => Ending::Vanished { seen, attempts: self.attempts },
            },
        };
        if let Some(other) = other.filter(|_| ours) {
            self.saw_follower(other);
        }
        Gone::Ended(ending)
    }

    pub fn saw_follower(&mut self, id: OperationId) {
        if self.followed_by.is_none() {
            self.followed_by = Some(Follower { id, seen_at: self.shared.clock.now() });
        }
    }

    /// Waits before the next try, as long as the portal asks or longer with each try.
    async fn pause(&self, tries: u32, failure: &Failure) -> Result<(), Ending> {
        let why = failure.to_string();
        self.tell(&ApplyEvent::Again { why: &why });
        let own = (FIRST_PAUSE * 2_u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST_PAUSE);
        let pause = failure.retry_after().unwrap_or_default().max(own);
        self.bounded(sleep(pause)).await
    }

    /// Does some work, unless a stop is requested or the deadline passes before its end.
    pub async fn bounded<T>(&self, work: impl Future<Output = T>) -> Result<T, Ending> {
        if self.shared.stop.is_requested() || self.is_late() {
            return Err(self.cut_short());
        }
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.shared.stop.requested() => Err(self.cut_short()),
            () = sleep_until(self.shared.deadline) => Err(self.cut_short()),
        }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.shared.deadline
    }

    /// How an entry ends when the run has to end.
    fn cut_short(&self) -> Ending {
        if self.shared.stop.is_requested() {
            Ending::Interrupted(self.knowledge())
        } else {
            Ending::TimedOut { knowledge: self.knowledge(), is_over: false }
        }
    }

    pub fn knowledge(&self) -> Knowledge {
        Knowledge {
            sent: self.sent,
            seen_cancelling: self.seen_cancelling,
            attempts: self.attempts,
            last_seen: self.last_seen.clone(),
        }
    }

    pub fn tell(&self, event: &ApplyEvent<'_>) {
        self.shared.watch.event(self.target, event);
    }

    fn subject(&self) -> JournalSubject<'a> {
        JournalSubject {
            key: &self.target.key,
            origin: self.backend.origin(),
            operation: &self.target.operation_id,
            product: self.target.product.as_ref(),
            job: self.target.job.as_ref(),
        }
    }

    async fn write_answer(&mut self, answer: &CancelAnswer) {
        let written = self.shared.journal.answer(&self.subject(), self.intents, JournalAnswer::of(answer)).await;
        if let Err(error) = written {
            // Too late to take anything back: the outcome says it.
            self.trouble = Some(format!("its answer is not in the journal: {error}"));
        }
    }

    /// An entry of which nothing was ever written has no ending to write either.
    async fn journal_outcome(&self, ending: &Ending, message: Option<&str>) -> Result<(), JournalError> {
        if self.intents == 0 {
            return Ok(());
        }
        // What the portal has forgotten is not looked at for ever.
        let is_settled = matches!(ending, Ending::Forgotten { .. });
        self.shared.journal.outcome(&self.subject(), ending.outcome(), message, is_settled).await
    }
}

/// Two things to say as one.
fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first}; {second}")),
        (first, second) => first.or(second),
    }
}
