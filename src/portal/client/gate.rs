//! The one way to a portal: who may send a request, and when.
//!
//! Owns the queue. How many and how often is the [`Pace`]'s to say; here those who have to wait
//! are called in their order, writes before reads: what a write was decided on was read a
//! moment ago, and ages. For the same reason a write never waits for a portal that wants to be
//! left alone: it is sent back, and what runs is read again after that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::pace::{Pace, Verdict, Wait};

/// The way to a portal, shared by all requests.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    reads: VecDeque<oneshot::Sender<Passage>>,
    writes: VecDeque<oneshot::Sender<Result<Passage, Duration>>>,
    /// When those who wait are looked at again.
    alarm: Option<Instant>,
}

/// The right to have one request under way.
#[derive(Debug)]
pub(super) struct Passage {
    gate: Arc<Gate>,
    begun: Instant,
    verdict: Verdict,
}

impl Passage {
    /// What became of the request.
    pub fn end(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.gate.lock();
        state.pace.end(self.begun, self.verdict, now);
        let unwanted = self.gate.call(&mut state, now);
        drop(state);
        // Each of them comes here in its turn.
        drop(unwanted);
    }
}

impl Gate {
    /// A way with room for `most` requests at once.
    pub fn new(most: usize) -> Arc<Self> {
        let pace = Pace::new(most, Instant::now());
        Arc::new(Self {
            state: Mutex::new(State { pace, reads: VecDeque::new(), writes: VecDeque::new(), alarm: None }),
        })
    }

    /// Waits for the turn of a read.
    pub async fn read(self: &Arc<Self>) -> Passage {
        let turn = {
            let now = Instant::now();
            let mut state = self.lock();
            if state.reads.is_empty() && state.writes.is_empty() && state.pace.begin(now).is_ok() {
                return self.passage(now);
            }
            let (caller, turn) = oneshot::channel();
            state.reads.push_back(caller);
            let unwanted = self.call(&mut state, now);
            drop(state);
            drop(unwanted);
            turn
        };
        // Who is called is sent a passage, and nobody is forgotten as long as the gate is there.
        match turn.await {
            Ok(passage) => passage,
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits for the turn of a write, which comes before that of any read; or says for how long
    /// the portal wants to be left alone.
    pub async fn write(self: &Arc<Self>) -> Result<Passage, Duration> {
        let turn = {
            let now = Instant::now();
            let mut state = self.lock();
            let (caller, turn) = oneshot::channel();
            state.writes.push_back(caller);
            let unwanted = self.call(&mut state, now);
            drop(state);
            drop(unwanted);
            turn
        };
        match turn.await {
            Ok(answer) => answer,
            Err(_) => std::future::pending().await,
        }
    }

    fn passage(self: &Arc<Self>, begun: Instant) -> Passage {
        Passage { gate: Arc::clone(self), begun, verdict: Verdict::Nothing }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls those whose turn it is. Returns the passages of those who are gone: they are to be
    /// dropped when the lock is not held any more.
    fn call(self: &Arc<Self>, state: &mut State, now: Instant) -> Vec<Passage> {
        let mut unwanted = Vec::new();
        if let Some(until) = state.pace.closed_until(now) {
            for write in state.writes.drain(..) {
                // Who is gone needs no answer.
                let _ = write.send(Err(until - now));
            }
        }
        state.writes.retain(|write| !write.is_closed());
        while state.reads.front().is_some_and(oneshot::Sender::is_closed) {
            state.reads.pop_front();
        }
        while !(state.writes.is_empty() && state.reads.is_empty()) {
            match state.pace.begin(now) {
                Ok(()) => {
                    let passage = self.passage(now);
                    let sent = match state.writes.pop_front() {
                        Some(write) => write.send(Ok(passage)).map_err(Result::ok),
                        None => match state.reads.pop_front() {
                            Some(read) => read.send(passage).map_err(Some),
                            None => Err(Some(passage)),
                        },
                    };
                    unwanted.extend(sent.err().flatten());
                }
                Err(Wait::ForAnother) => break,
                Err(Wait::Until(at) | Wait::Closed(at)) => {
                    self.look_again(state, at);
                    break;
                }
            }
        }
        unwanted
    }

    fn look_again(self: &Arc<Self>, state: &mut State, at: Instant) {
        if state.alarm.is_some_and(|alarm| alarm <= at) {
            return;
        }
        state.alarm = Some(at);
        let gate = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            let Some(gate) = gate.upgrade() else { return };
            let mut state = gate.lock();
            if state.alarm.is_some_and(|alarm| alarm <= at) {
                state.alarm = None;
            }
            let unwanted = gate.call(&mut state, Instant::now());
            drop(state);
            drop(unwanted);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Whether a future is ready, without waiting for it.
    fn ready<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_goes_before_the_reads_that_came_earlier() {
        let gate = Gate::new(1);
        let first = gate.read().await;
        let (mut early, mut late) = (pin!(gate.read()), pin!(gate.read()));
        let mut write = pin!(gate.write());
        assert!(ready(early.as_mut()).is_none() && ready(late.as_mut()).is_none() && ready(write.as_mut()).is_none());
        first.end(Verdict::Served);
        assert!(ready(early.as_mut()).is_none());
        let write = ready(write.as_mut()).expect("its turn").expect("open");
        write.end(Verdict::Served);
        assert!(ready(late.as_mut()).is_none());
        let early = ready(early.as_mut()).expect("its turn");
        drop(early);
        assert!(ready(late.as_mut()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn all_reads_wait_as_long_as_the_portal_asks_and_no_write_does() {
        let gate = Gate::new(8);
        let (one, other) = (gate.read().await, gate.read().await);
        let mut queued = pin!(async { (gate.read().await, Instant::now()) });
        one.end(Verdict::Throttled(Some(Duration::from_secs(9))));
        let start = Instant::now();
        assert!(ready(queued.as_mut()).is_none());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(gate.write().await.err(), Some(Duration::from_secs(7)), "it is said how long that takes");
        other.end(Verdict::Served);
        let (passage, at) = queued.await;
        assert_eq!(at - start, Duration::from_secs(9));
        drop(passage);
        assert!(gate.write().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waits_for_room_is_sent_back_when_the_portal_asks() {
        let gate = Gate::new(1);
        let read = gate.read().await;
        let mut write = pin!(gate.write());
        assert!(ready(write.as_mut()).is_none());
        read.end(Verdict::Throttled(Some(Duration::from_secs(3))));
        assert_eq!(ready(write.as_mut()).expect("an answer").err(), Some(Duration::from_secs(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gave_up_waiting_is_passed_over() {
        let gate = Gate::new(1);
        let first = gate.read().await;
        {
            let (mut read, mut write) = (pin!(gate.read()), pin!(gate.write()));
            assert!(ready(read.as_mut()).is_none() && ready(write.as_mut()).is_none());
        }
        let mut last = pin!(gate.read());
        assert!(ready(last.as_mut()).is_none());
        drop(first);
        let last = ready(last.as_mut()).expect("its turn");
        // A turn that was given and not taken goes to the next one, too.
        let mut given = Box::pin(gate.read());
        let mut next = pin!(gate.read());
        assert!(ready(given.as_mut()).is_none() && ready(next.as_mut()).is_none());
        drop(last);
        drop(given);
        assert!(ready(next.as_mut()).is_some());
    }
}
