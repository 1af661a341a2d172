//! One simulated offer: its operations, and what becomes of them.
//!
//! Owns the truth, against which what the program says is judged, and what of it is shown.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Where an operation is in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Not begun.
    Queued,
    /// Under way.
    Running,
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
    /// Whether a call that was meant for it cancels it, or did.
    pub by_call: bool,
    /// Whether it is left out of the list once it is over, and its document is 404.
    forgotten: bool,
    /// Whether its document uses a word that nobody knows once it is over.
    odd: bool,
    /// Whether "being cancelled" is shown as running.
    silent: bool,
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
    /// What is queued begins.
    Begin,
}

/// An offer.
#[derive(Debug)]
pub struct SimulatedOffer {
    /// Its id.
    pub name: String,
    /// Its guard.
    pub tags: Tags,
    /// Whether the portal refuses its own tag.
    pub refuses_tag: bool,
    /// Counts its changes.
    pub version: u32,
    /// All operations, the newest last.
    pub operations: Vec<SimulatedOperation>,
    /// What is going to happen, and to which operation.
    pub happenings: Vec<(Instant, String, Happening)>,
}

impl SimulatedOffer {
    /// An offer with its past and its future.
    pub fn draw(number: usize, rng: &mut Rng) -> Self {
        let tags = [Tags::Strong, Tags::Strong, Tags::Weak, Tags::Absent][rng.usize(..4)];
        let name = format!("offer{number}");
        let refuses_tag = rng.u32(..12) == 0;
        let mut offer = Self { name, tags, refuses_tag, version: 1, operations: Vec::new(), happenings: Vec::new() };
        for _ in 0..rng.usize(..3) {
            let over = [Truth::Completed, Truth::Failed, Truth::Cancelled][rng.usize(..3)];
            offer.start(over, rng);
        }
        match rng.u32(..12) {
            0 => {}
            1 => {
                offer.start(Truth::Running, rng);
                offer.start(Truth::Queued, rng);
            }
            2 => offer.start(Truth::Queued, rng),
            3 => offer.start(Truth::Cancelling, rng),
            _ => offer.start(Truth::Running, rng),
        }
        offer
    }

    /// A new operation begins.
    pub fn start(&mut self, truth: Truth, rng: &mut Rng) {
        let id = format!("{}-op{}", self.name, self.operations.len() + 1);
        let now = Instant::now();
        let (forgotten, odd, silent) = (rng.u32(..6) == 0, rng.u32(..8) == 0, rng.bool());
        self.operations.push(SimulatedOperation {
            id: id.clone(),
            truth,
            since: now,
            by_call: false,
            forgotten,
            odd,
            silent,
        });
        self.version += 1;
        if truth == Truth::Cancelling {
            self.happenings.push((now + span(rng), id.clone(), Happening::End(Truth::Cancelled)));
        }
        if truth == Truth::Queued && rng.bool() {
            self.happenings.push((now + span(rng), id.clone(), Happening::Begin));
        }
        if !truth.is_over() && rng.u32(..3) == 0 {
            let end = [Truth::Completed, Truth::Failed, Truth::Cancelled][rng.usize(..3)];
            let what =
                [Happening::End(end), Happening::Replace(end), Happening::Cancelled, Happening::Forget][rng.usize(..4)];
            self.happenings.push((now + span(rng), id, what));
        }
    }

    /// Lets happen what was due by now.
    pub fn advance(&mut self, rng: &mut Rng) {
        let now = Instant::now();
        loop {
            let due = (0..self.happenings.len()).filter(|at| self.happenings[*at].0 <= now);
            let Some(first) = due.min_by_key(|at| self.happenings[*at].0) else { return };
            let (_, id, what) = self.happenings.swap_remove(first);
            self.happen(&id, what, rng);
        }
    }

    /// Something happens to an operation, unless it is over.
    pub fn happen(&mut self, id: &str, what: Happening, rng: &mut Rng) {
        let Some(operation) = self.operations.iter_mut().find(|one| one.id == id && !one.truth.is_over()) else {
            return;
        };
        self.version += 1;
        match what {
            Happening::End(end) => operation.truth = end,
            Happening::Cancelled => {
                operation.truth = Truth::Cancelling;
                let id = operation.id.clone();
                self.happenings.push((Instant::now() + span(rng), id, Happening::End(Truth::Cancelled)));
            }
            Happening::Begin if operation.truth == Truth::Queued => operation.truth = Truth::Running,
            Happening::Begin => {}
            Happening::Forget => operation.forgotten = true,
            Happening::Replace(end) => {
                operation.truth = end;
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

    /// The `ETag` header.
    pub fn tag(&self) -> Option<String> {
        match self.tags {
            Tags::Strong => Some(format!("\"v{}\"", self.version)),
            Tags::Weak => Some(format!("W/\"v{}\"", self.version)),
            Tags::Absent => None,
        }
    }

    /// The list of operations.
    pub fn list(&self) -> Value {
        let shown = self.operations.iter().filter(|one| !(one.forgotten && one.truth.is_over()));
        shown
            .map(|one| json!({"id": one.id, "submissionType": "publish", "submissionState": one.word(false)}))
            .collect()
    }
}

impl SimulatedOperation {
    fn word(&self, own: bool) -> &'static str {
        match self.truth {
            Truth::Queued => "notStarted",
            Truth::Running => "running",
            Truth::Cancelling if self.silent => "running",
            Truth::Cancelling => "canceling",
            _ if self.odd && own => "archived",
            Truth::Cancelled => "canceled",
            Truth::Completed => "completed",
            Truth::Failed => "failed",
        }
    }

    /// Its document; none where the portal has forgotten it.
    pub fn document(&self) -> Option<Value> {
        let shown = !(self.forgotten && self.truth.is_over());
        shown.then(|| json!({"id": self.id, "status": self.word(true)}))
    }
}

/// A time after which something happens: soon, or much later.
pub fn span(rng: &mut Rng) -> Duration {
    let longest = [500, 5_000, 60_000, 600_000][rng.usize(..4)];
    Duration::from_millis(rng.u64(..longest))
}
