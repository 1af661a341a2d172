//! Following a cancellation to its end.
//!
//! Owns what counts as the end: that the operation is seen to run no more. What the
//! cancellation's own document says is only the sign that it is time to look.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::time::{Instant, sleep_until};

use super::entry::{EntryRun, Seen, Sent};
use super::{Mode, News, Watch};
use crate::domain::{Operation, Phase, StatusWord};
use crate::outcome::Outcome;
use crate::portal::{CancelPortal, ReadPortal};

/// How long an operation may still be listed after the portal said that it is cancelled.
const SETTLING_TIME: Duration = Duration::from_secs(15);

/// What one look brought.
enum Look {
    Ended((Outcome, Option<String>)),
    Wait,
}

impl<R: ReadPortal, W: CancelPortal, V: Watch> EntryRun<'_, R, W, V> {
    /// Waits until the operation is seen to be gone, the time is over, or the run is interrupted.
    pub async fn follow(&mut self) -> (Outcome, Option<String>) {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(Duration::from_secs(30))
            .with_factor(1.6)
            .without_max_times()
            .with_jitter()
            .build();
        let mut deadline = self.deadline;
        // A location of an earlier run may be over by now, and 200 says that it is over already.
        let mut look_now = self.sent == Sent::Cancelled || self.target.left_open.is_some();
        let mut is_over = self.sent == Sent::Cancelled;
        if is_over {
            deadline = deadline.min(Instant::now() + SETTLING_TIME);
        }
        loop {
            if !look_now {
                let pause = pauses.next().unwrap_or(Duration::from_secs(30));
                let pause = self.retry_after.take().unwrap_or(pause);
                let wake = (Instant::now() + pause).min(deadline);
                if self.stop.unless(sleep_until(wake)).await.is_none() {
                    return self.interrupted();
                }
            }
            look_now = false;
            let was_over = is_over;
            let stop = self.stop;
            let Some(look) = stop.unless(self.look_once(&mut is_over)).await else { return self.interrupted() };
            if let Look::Ended(ended) = look {
                return ended;
            }
            if is_over && !was_over {
                deadline = deadline.min(Instant::now() + SETTLING_TIME);
            }
            if Instant::now() >= deadline {
                return self.out_of_time(is_over);
            }
        }
    }

    async fn look_once(&mut self, is_over: &mut bool) -> Look {
        let mut ended_badly = None;
        if let Some(location) = self.location.as_ref().filter(|location| location.may_be_called() && !*is_over) {
            match self.reader.at(location).await {
                Ok(progress) => {
                    self.retry_after = progress.retry_after;
                    let (status, step) = (progress.status.as_ref(), progress.step.as_deref());
                    self.tell(&News::Waiting { status, step, percent: progress.percent });
                    let phase = progress.status.as_ref().map(StatusWord::phase);
                    if progress.status.is_some() {
                        self.final_status = progress.status;
                    }
                    match phase {
                        Some(Phase::Pending | Phase::Cancelling) => return Look::Wait,
                        Some(Phase::Finished | Phase::Cancelled) => *is_over = true,
                        Some(Phase::Unknown) | None => {}
                    }
                    ended_badly =
                        self.final_status.as_ref().filter(|word| word.as_str().eq_ignore_ascii_case("failed"));
                }
                // The operation itself tells all the same.
                Err(failure) => tracing::info!(%failure, location = location.shown, "the location can't be read"),
            }
        }
        let ended_badly = ended_badly.map(StatusWord::to_string);
        match self.look().await {
            Seen::Gone(other) => Look::Ended(self.gone(other, None).await),
            Seen::Unclear(why) => {
                tracing::info!(why, "the live state can't be read");
                Look::Wait
            }
            Seen::Running(operation) => self.still_running(&operation, ended_badly),
        }
    }

    fn still_running(&mut self, operation: &Operation, ended_badly: Option<String>) -> Look {
        self.tell(&News::Waiting {
            status: operation.step_status.as_ref().or(operation.state.as_ref()),
            step: operation.step.as_deref(),
            percent: operation.progress,
        });
        if let Some(word) = ended_badly {
            let text = format!("the cancellation ended as `{word}`, and the operation goes on");
            return Look::Ended((Outcome::Failed, Some(text)));
        }
        let requested = operation.is_being_cancelled();
        self.seen_cancelling |= requested;
        if self.sent == Sent::Nothing && !requested && self.target.mode != Mode::Settle {
            let text = "it was being cancelled, and is not any more; make a new plan";
            return Look::Ended((Outcome::Failed, Some(text.to_owned())));
        }
        Look::Wait
    }

    fn out_of_time(&self, is_over: bool) -> (Outcome, Option<String>) {
        let (outcome, text) = match (&self.sent, is_over) {
            (Sent::Cancelled, _) => (
                Outcome::Unknown,
                "the portal answered that it is cancelled, and the operation still runs; look at it in the portal",
            ),
            (_, true) => (
                Outcome::Unknown,
                "the cancellation is over, the portal says, and the operation still runs; look at it in the portal",
            ),
            (Sent::Accepted, false) => (
                Outcome::Accepted,
                "the portal is still cancelling it; the time to wait is over, plan again later to see its end",
            ),
            _ => (
                Outcome::Accepted,
                "it is still being cancelled; the time to wait is over, plan again later to see its end",
            ),
        };
        (outcome, Some(text.to_owned()))
    }
}
