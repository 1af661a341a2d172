//! Following a cancellation to its end, and looking at what comes after it.
//!
//! Owns when it is looked at. What counts as the end is judged in `entry`: what the
//! cancellation's own document says is only a sign that it is nearly there.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::ending::{Ending, Sent, left_changed};
use super::entry::{EntryRun, Gone};
use super::{ApplyEvent, Mode, Watch};
use crate::domain::{Live, OfferQuery, Phase, RunningOperation};
use crate::portal::{CancellationProgress, ReadPortal as _};

/// The shortest time between two looks.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long an operation may still be listed after the portal said that it is cancelled.
const SETTLING_TIME: Duration = Duration::from_secs(15);

/// How often is looked whether something new started on an offer.
const LINGER_PAUSE: Duration = Duration::from_secs(10);

impl<W: Watch> EntryRun<'_, W> {
    /// Waits until the operation is seen to have ended, the time is over, or the run is
    /// interrupted. None: it is running again as if nothing had been sent.
    pub async fn follow(&mut self) -> Result<Option<Ending>, Ending> {
        let mut pause = FIRST_PAUSE;
        // A location of an earlier run may be over by now, and 200 says that it is over already.
        let mut look_now = self.sent == Sent::Done || self.target.left_open.is_some();
        let mut settled_by = (self.sent == Sent::Done).then(|| Instant::now() + SETTLING_TIME);
        loop {
            if !look_now {
                // Asked to look later than usual, it is done later; never sooner than after a second.
                let asked = self.retry_after.take().map(|asked| asked.max(FIRST_PAUSE));
                self.bounded(self.sleep_at_most(asked.unwrap_or(pause), settled_by)).await?;
                pause = (pause * 8 / 5).min(LONGEST_PAUSE);
            }
            look_now = false;
            let reader = self.backend.follower();
            let followed = self.bounded(reader.follow(&self.query, self.location.as_ref())).await?;
            match followed {
                Err(failure) => {
                    tracing::info!(%failure, "the live state can't be read");
                    self.last_seen = Some(failure.to_string());
                }
                Ok(followed) => {
                    self.retry_after = followed.retry_after;
                    if let Some(progress) = &followed.progress {
                        self.saw_progress(progress);
                        if matches!(progress.phase, Phase::Completed | Phase::Cancelled) {
                            settled_by = settled_by.or(Some(Instant::now() + SETTLING_TIME));
                        }
                    }
                    match &followed.observed.live {
                        Live::Running(running) if running.operation.id == self.target.operation_id => {
                            self.is_gone = false;
                            if let Some(ended) = self.still_running(running, followed.progress.as_ref()) {
                                return Ok(ended);
                            }
                        }
                        Live::Several(ids) if ids.contains(&self.target.operation_id) => {
                            self.last_seen = Some("several operations are running on the offer".to_owned());
                        }
                        Live::SeveralProducts(_) => {
                            self.last_seen = Some("several products have the offer's id".to_owned());
                        }
                        Live::Running(_) | Live::Several(_) | Live::Nothing => match self.gone(&followed.observed) {
                            Gone::Ended(ending) => return Ok(Some(ending)),
                            Gone::KeepLooking(seen) => self.last_seen = Some(seen),
                        },
                        Live::Unreadable(failure) => self.last_seen = Some(failure.to_string()),
                    }
                }
            }
            if settled_by.is_some_and(|by| Instant::now() >= by) && self.is_gone && self.sent == Sent::Done {
                return Ok(Some(Ending::Unconfirmed { seen: self.last_seen.take() }));
            }
            if settled_by.is_some_and(|by| Instant::now() >= by) && !self.is_gone {
                return Ok(Some(Ending::TimedOut { knowledge: self.knowledge(), is_over: true }));
            }
            if !self.shared.wait && self.sent == Sent::Perhaps {
                return Ok(Some(Ending::TimedOut { knowledge: self.knowledge(), is_over: false }));
            }
        }
    }

    async fn sleep_at_most(&self, pause: Duration, by: Option<Instant>) {
        match by {
            Some(by) => tokio::select! { () = sleep(pause) => {}, () = sleep_until(by) => {} },
            None => sleep(pause).await,
        }
    }

    fn saw_progress(&mut self, progress: &CancellationProgress) {
        self.tell(&ApplyEvent::Waiting {
            status: progress.status.as_ref(),
            step: progress.step.as_deref(),
            percent: progress.percent,
        });
        if progress.status.is_some() {
            self.final_status.clone_from(&progress.status);
        }
    }

    /// What it means that the operation is still running: an ending, another try, or nothing yet.
    #[expect(clippy::option_option, reason = "whether following ends, and how")]
    fn still_running(
        &mut self,
        running: &RunningOperation,
        progress: Option<&CancellationProgress>,
    ) -> Option<Option<Ending>> {
        let operation = &running.operation;
        if progress.is_none() {
            self.tell(&ApplyEvent::Waiting {
                status: operation.step_status.as_ref().or(operation.state.as_ref()),
                step: operation.step.as_deref(),
                percent: operation.progress,
            });
        }
        self.last_seen = operation.state.as_ref().map(|word| format!("the operation is listed as `{word}`"));
        let cancelling = running.phase == Phase::Cancelling;
        // While the portal says that the operation is being cancelled, another cancellation goes on.
        if let Some(progress) = progress.filter(|progress| progress.phase == Phase::Failed && !cancelling) {
            return Some(Some(Ending::CancellationFailed { word: progress.status.clone(), attempts: self.attempts }));
        }
        if self.sent == Sent::Nothing && !cancelling {
            return Some(Some(Ending::NoLongerCancelling));
        }
        let may_be_sent_again = !self.seen_cancelling && !self.may_be_cancelling() && self.target.mode == Mode::Cancel;
        if self.sent == Sent::Perhaps && !cancelling && may_be_sent_again {
            // The call did not take effect: it is to be decided anew.
            return Some(None);
        }
        self.seen_cancelling |= cancelling;
        None
    }

    /// What the cancelled operation had changed, where the portal tells. That it does not is no trouble.
    pub async fn left_changed(&self) -> Option<String> {
        let reader = self.backend.follower();
        match self.bounded(reader.left_changed(&self.query)).await {
            Ok(Ok(names)) => left_changed(&names),
            Ok(Err(failure)) => {
                tracing::info!(%failure, "what the operation had changed can't be read");
                None
            }
            Err(_) => None,
        }
    }

    /// Keeps looking whether something new starts on the offer, as long as was asked for.
    pub async fn linger(&mut self) {
        let until = Instant::now() + self.shared.linger;
        // What became of the cancelled one has been seen.
        let query = OfferQuery { operation: None, job: None, ..self.query.clone() };
        while self.followed_by.is_none() && Instant::now() < until {
            let pause = LINGER_PAUSE.min(until - Instant::now());
            let look = async {
                sleep(pause).await;
                self.backend.follower().live(&query).await
            };
            match self.bounded(look).await {
                Err(_) => return,
                Ok(Ok(observed)) => {
                    let ids = match observed.live {
                        Live::Running(running) => vec![running.operation.id],
                        Live::Several(ids) => ids,
                        _ => Vec::new(),
                    };
                    if let Some(other) = ids.into_iter().find(|id| *id != self.target.operation_id) {
                        self.saw_follower(other);
                    }
                }
                Ok(Err(failure)) => tracing::info!(%failure, "the live state can't be read"),
            }
        }
    }
}
