//! The slots of a portal: who may send requests, and when.
//!
//! Owns the queue. How many and how often is the [`Pace`]'s to say; here those who have to wait
//! are called in their order: cancelling before reading, reading before following. A slot is
//! one unit, however many requests are sent in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pace::{Feedback, Pace, Wait};

/// What a slot is for. The first that wait go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// To cancel: what it rests on is read in it.
    Cancel,
    /// To read for a plan.
    Read,
    /// To look how a cancellation goes on.
    Follow,
}

/// The slots of a portal, shared by all requests.
#[derive(Debug)]
pub(super) struct Slots {
    state: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    pace: Pace,
    /// One line for each turn, in the order of turns.
    lines: [VecDeque<oneshot::Sender<Permit>>; 3],
    /// When those who wait are looked at again.
    alarm: Option<Instant>,
}

/// The right to use a slot.
#[derive(Debug)]
pub(super) struct Permit {
    slots: Arc<Slots>,
    begun: Instant,
    feedback: Mutex<Feedback>,
}

impl Permit {
    /// Whether the portal has asked for a pause.
    pub fn must_wait(&self) -> bool {
        self.slots.lock().pace.is_closed(Instant::now())
    }

    /// What became of a request in the slot. Of several, the worst counts.
    pub fn report(&self, feedback: Feedback) {
        let mut worst = self.feedback.lock().unwrap_or_else(PoisonError::into_inner);
        *worst = match (*worst, feedback) {
            (Feedback::Throttled(one), Feedback::Throttled(other)) => Feedback::Throttled(one.max(other)),
            (throttled @ Feedback::Throttled(_), _) => throttled,
            (Feedback::Served, Feedback::Nothing) => Feedback::Served,
            (_, newer) => newer,
        };
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let feedback = *self.feedback.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queue = self.slots.lock();
        queue.pace.end(self.begun, feedback, now);
        let unwanted = self.slots.call(&mut queue, now);
        drop(queue);
        // Each of them comes here in its turn.
        drop(unwanted);
    }
}

impl Slots {
    /// At most `most` slots at once.
    pub fn new(most: usize) -> Arc<Self> {
        let pace = Pace::new(most, Instant::now());
        let lines = [VecDeque::new(), VecDeque::new(), VecDeque::new()];
        Arc::new(Self { state: Mutex::new(Queue { pace, lines, alarm: None }) })
    }

    /// Waits for a slot.
    pub async fn take(self: &Arc<Self>, turn: Turn) -> Permit {
        let turn_comes = {
            let now = Instant::now();
            let mut queue = self.lock();
            if queue.lines.iter().all(VecDeque::is_empty) && queue.pace.begin(now).is_ok() {
                return self.permit(now);
            }
            let (caller, turn_comes) = oneshot::channel();
            queue.lines[turn as usize].push_back(caller);
            let unwanted = self.call(&mut queue, now);
            drop(queue);
            drop(unwanted);
            turn_comes
        };
        // Who is called is sent a permit, and nobody is forgotten as long as the slots are there.
        match turn_comes.await {
            Ok(permit) => permit,
            Err(_) => std::future::pending().await,
        }
    }

    fn permit(self: &Arc<Self>, begun: Instant) -> Permit {
        Permit { slots: Arc::clone(self), begun, feedback: Mutex::new(Feedback::Nothing) }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls those whose turn it is. Returns the permits of those who are gone: they are to be
    /// dropped when the lock is not held any more.
    fn call(self: &Arc<Self>, queue: &mut Queue, now: Instant) -> Vec<Permit> {
        let mut unwanted = Vec::new();
        loop {
            for line in &mut queue.lines {
                while line.front().is_some_and(oneshot::Sender::is_closed) {
                    line.pop_front();
                }
            }
            let Some(line) = queue.lines.iter().position(|line| !line.is_empty()) else { break };
            match queue.pace.begin(now) {
                Ok(()) => {
                    let permit = self.permit(now);
                    let sent = match queue.lines[line].pop_front() {
                        Some(caller) => caller.send(permit),
                        None => Err(permit),
                    };
                    unwanted.extend(sent.err());
                }
                Err(Wait::ForAnother) => break,
                Err(Wait::Until(at) | Wait::Closed(at)) => {
                    self.look_again(queue, at);
                    break;
                }
            }
        }
        unwanted
    }

    fn look_again(self: &Arc<Self>, queue: &mut Queue, at: Instant) {
        if queue.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        queue.alarm = Some(at);
        let slots = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            let Some(slots) = slots.upgrade() else { return };
            let mut queue = slots.lock();
            if queue.alarm.is_some_and(|alarm| alarm <= at) {
                queue.alarm = None;
            }
            let unwanted = slots.call(&mut queue, Instant::now());
            drop(queue);
            drop(unwanted);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;

    /// Whether a future is ready, without waiting for it.
    fn ready<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn end(permit: Permit, feedback: Feedback) {
        permit.report(feedback);
        drop(permit);
    }

    #[tokio::test(start_paused = true)]
    async fn cancelling_goes_before_reading_and_reading_before_following() {
        let slots = Slots::new(1);
        let first = slots.take(Turn::Read).await;
        let mut follow = pin!(slots.take(Turn::Follow));
        let mut read = pin!(slots.take(Turn::Read));
        let mut cancel = pin!(slots.take(Turn::Cancel));
        assert!(ready(follow.as_mut()).is_none() && ready(read.as_mut()).is_none() && ready(cancel.as_mut()).is_none());
        end(first, Feedback::Served);
        assert!(ready(read.as_mut()).is_none() && ready(follow.as_mut()).is_none());
        end(ready(cancel.as_mut()).expect("its turn"), Feedback::Served);
        assert!(ready(follow.as_mut()).is_none());
        end(ready(read.as_mut()).expect("its turn"), Feedback::Served);
        assert!(ready(follow.as_mut()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_waits_as_long_as_the_portal_asks() {
        let slots = Slots::new(8);
        let (one, other) = (slots.take(Turn::Read).await, slots.take(Turn::Read).await);
        let start = Instant::now();
        // The worst of what happened in a slot counts.
        one.report(Feedback::Throttled(Some(Duration::from_secs(9))));
        end(one, Feedback::Served);
        let mut cancel = pin!(slots.take(Turn::Cancel));
        assert!(ready(cancel.as_mut()).is_none());
        end(other, Feedback::Served);
        let permit = cancel.await;
        assert_eq!(start.elapsed(), Duration::from_secs(9));
        drop(permit);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gave_up_waiting_is_passed_over() {
        let slots = Slots::new(1);
        let first = slots.take(Turn::Read).await;
        {
            let (mut read, mut cancel) = (pin!(slots.take(Turn::Read)), pin!(slots.take(Turn::Cancel)));
            assert!(ready(read.as_mut()).is_none() && ready(cancel.as_mut()).is_none());
        }
        let mut last = pin!(slots.take(Turn::Read));
        assert!(ready(last.as_mut()).is_none());
        drop(first);
        let last = ready(last.as_mut()).expect("its turn");
        // A turn that was given and not taken goes to the next one, too.
        let mut given = Box::pin(slots.take(Turn::Read));
        let mut next = pin!(slots.take(Turn::Read));
        assert!(ready(given.as_mut()).is_none() && ready(next.as_mut()).is_none());
        drop(last);
        drop(given);
        assert!(ready(next.as_mut()).is_some());
    }
}
