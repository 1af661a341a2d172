//! One simulated offer: its operations, and what becomes of them.
//!
//! Owns the truth, against which what the program says is judged. How a portal shows it is that portal's own file.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

/// Where an operation is in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Not begun.
    Queued,
    /// Under way.
    Running,
    /// Under way, and past the point at which it can be cancelled.
    Promoted,
    /// Being cancelled.
    Cancelling,
    /// Ended by a cancellation.
    Cancelled,
    /// Ended by itself.
    Completed,
    /// Ended by itself.
    Failed,
}

impl Truth {
    /// Whether it has ended.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Completed | Self::Failed)
    }
}

/// An operation.
#[derive(Debug, Clone)]
pub struct SimulatedOperation {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub truth: Truth,
    /// When it began.
    pub since: Instant,
    /// When it was seen to be over, by whoever looked at the offer first.
    pub over_since: Option<Instant>,
    /// Whether a call that was meant for it cancels it, or did.
    pub by_call: bool,
    /// The job that works on it, where there are jobs.
    pub job: String,
    /// How long before it that job began; none: after it.
    pub lead: Option<Duration>,
    /// Whether the portal forgets it once it is over.
    pub forgotten: bool,
    /// Whether its document uses a word that nobody knows once it is over.
    pub odd: bool,
    /// Whether "being cancelled" is shown as running, where there is a word for it.
    pub silent: bool,
    /// Whether it is one that went live, where that makes a difference.
    pub is_live: bool,
}

/// What guards an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// A tag that changes with the offer.
    Strong,
    /// One that can never match.
    Weak,
    /// None.
    Absent,
}

/// What is going to happen by itself.
#[derive(Debug, Clone, Copy)]
pub enum Happening {
    /// What runs ends like this.
    End(Truth),
    /// What runs ends, and another operation takes its place.
    Replace(Truth),
    /// Somebody else cancels what runs.
    Cancelled,
    /// The portal forgets what is over.
    Forget,
    /// What runs can't be cancelled any more.
    Promote,
    /// What is queued begins.
    Begin,
    /// Somebody's cancellation fails, and what was being cancelled runs on.
    Resume,
}

/// An offer.
#[derive(Debug)]
pub struct SimulatedOffer {
    /// Its id.
    pub name: String,
    /// The product that it is, where there are products.
    pub product: String,
    /// Its guard.
    pub tags: Tags,
    /// Whether the portal refuses its own tag.
    pub refuses_tag: bool,
    /// Whether a cancellation of somebody else's may fail.
    resumes: bool,
    /// Counts its changes.
    pub version: u32,
    /// All operations, the newest last.
    pub operations: Vec<SimulatedOperation>,
    /// What the ids of its operations are counted from.
    first: u64,
    /// What is going to happen, and to which operation.
    pub happenings: Vec<(Instant, String, Happening)>,
}

impl SimulatedOffer {
    /// An offer with its past and its future.
    pub fn draw(number: usize, resumes: bool, rng: &mut Rng) -> Self {
        let tags = [Tags::Strong, Tags::Strong, Tags::Weak, Tags::Absent][rng.usize(..4)];
        let name = format!("offer{number}");
        let refuses_tag = rng.u32(..12) == 0;
        let mut offer = Self {
            name,
            product: format!("0d5c0a4e-1111-4222-8333-{number:012}"),
            tags,
            refuses_tag,
            resumes,
            version: 1,
            operations: Vec::new(),
            first: 1_000 * (number as u64 + 1),
            happenings: Vec::new(),
        };
        for _ in 0..rng.usize(..3) {
            let over = [Truth::Completed, Truth::Failed, Truth::Cancelled][rng.usize(..3)];
            offer.start(over, rng);
        }
        match rng.u32(..14) {
            0 => {}
            1 => {
                offer.start(Truth::Running, rng);
                offer.start(Truth::Queued, rng);
            }
            2 => offer.start(Truth::Queued, rng),
            3 => offer.start(Truth::Cancelling, rng),
            4 => offer.start(Truth::Promoted, rng),
            _ => offer.start(Truth::Running, rng),
        }
        offer
    }

    /// A new operation begins.
    pub fn start(&mut self, truth: Truth, rng: &mut Rng) {
        let number = self.first + self.operations.len() as u64 + 1;
        let id = (1_152_921_505_700_000_000 + number).to_string();
        let now = Instant::now();
        self.operations.push(SimulatedOperation {
            id: id.clone(),
            truth,
            since: now,
            over_since: truth.is_over().then_some(now),
            by_call: false,
            job: format!("7a1b2c3d-0000-4000-8000-{number:012}"),
            lead: match rng.u32(..8) {
                0 => None,
                1 => Some(Duration::from_millis(600_001)),
                2 => Some(Duration::from_mins(10)),
                _ => Some(Duration::from_secs(rng.u64(..60))),
            },
            forgotten: rng.u32(..6) == 0,
            odd: rng.u32(..8) == 0,
            silent: rng.bool(),
            is_live: rng.bool(),
        });
        self.version += 1;
        if truth == Truth::Cancelling {
            self.cancel_elsewhere(&id, rng);
        }
        if truth == Truth::Queued && rng.bool() {
            self.happenings.push((now + span(rng), id.clone(), Happening::Begin));
        }
        if !truth.is_over() && rng.u32(..3) == 0 {
            let end = [Truth::Completed, Truth::Failed, Truth::Cancelled][rng.usize(..3)];
            let what = [
                Happening::End(end),
                Happening::Replace(end),
                Happening::Cancelled,
                Happening::Forget,
                Happening::Promote,
            ][rng.usize(..5)];
            self.happenings.push((now + span(rng), id, what));
        }
    }

    /// Somebody else's cancellation goes on, to this end or to that.
    fn cancel_elsewhere(&mut self, id: &str, rng: &mut Rng) {
        let fails = self.resumes && rng.u32(..4) == 0;
        let end = if fails { Happening::Resume } else { Happening::End(Truth::Cancelled) };
        self.happenings.push((Instant::now() + span(rng), id.to_owned(), end));
    }

    /// Lets happen what was due by now.
    pub fn advance(&mut self, rng: &mut Rng) {
        let now = Instant::now();
        loop {
            let due = (0..self.happenings.len()).filter(|at| self.happenings[*at].0 <= now);
            let Some(first) = due.min_by_key(|at| self.happenings[*at].0) else { break };
            let (_, id, what) = self.happenings.swap_remove(first);
            self.happen(&id, what, rng);
        }
        for one in self.operations.iter_mut().filter(|one| one.truth.is_over()) {
            one.over_since.get_or_insert(now);
        }
    }

    /// Something happens to an operation, unless it is over.
    pub fn happen(&mut self, id: &str, what: Happening, rng: &mut Rng) {
        let Some(operation) = self.operations.iter_mut().find(|one| one.id == id && !one.truth.is_over()) else {
            return;
        };
        self.version += 1;
        // Whose job was cancelled does not end in another way, unless cancellations can fail here.
        let is_decided = !self.resumes && operation.truth == Truth::Cancelling && !operation.silent;
        match what {
            Happening::End(_) if is_decided => operation.truth = Truth::Cancelled,
            Happening::End(end) => operation.truth = end,
            Happening::Cancelled if operation.truth == Truth::Promoted => {}
            Happening::Cancelled => {
                operation.truth = Truth::Cancelling;
                self.cancel_elsewhere(id, rng);
            }
            Happening::Resume if operation.truth == Truth::Cancelling && !operation.by_call => {
                operation.truth = Truth::Running;
            }
            Happening::Begin if operation.truth == Truth::Queued => operation.truth = Truth::Running,
            Happening::Forget => operation.forgotten = true,
            Happening::Promote if operation.truth == Truth::Running => operation.truth = Truth::Promoted,
            Happening::Begin | Happening::Promote | Happening::Resume => {}
            Happening::Replace(end) => {
                operation.truth = if is_decided { Truth::Cancelled } else { end };
                self.start(Truth::Running, rng);
            }
        }
    }

    /// What is not over.
    pub fn unfinished(&self) -> Vec<&SimulatedOperation> {
        self.operations.iter().filter(|one| !one.truth.is_over()).collect()
    }

    /// What was, or is, under an id.
    pub fn operation(&self, id: &str) -> Option<&SimulatedOperation> {
        self.operations.iter().find(|one| one.id.eq_ignore_ascii_case(id))
    }

    /// Whether it is the newest of the offer.
    pub fn is_last(&self, operation: &SimulatedOperation) -> bool {
        self.operations.last().is_some_and(|last| last.id == operation.id)
    }
}

/// A time after which something happens: soon, or much later.
pub fn span(rng: &mut Rng) -> Duration {
    let longest = [500, 5_000, 60_000, 600_000][rng.usize(..4)];
    Duration::from_millis(rng.u64(..longest))
}
