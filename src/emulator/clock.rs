//! The emulator's clock: real time, faster, standing still, or turned by hand.
//!
//! Owns what time it is in the emulated portal.

use std::time::{Duration, Instant};

use jiff::Timestamp;

#[derive(Debug)]
pub(super) struct EmulatedClock {
    start: Timestamp,
    begun: Instant,
    speed: f64,
    turned: Duration,
}

impl EmulatedClock {
    pub fn new(start: Timestamp, speed: f64) -> Self {
        Self { start, begun: Instant::now(), speed, turned: Duration::ZERO }
    }

    pub fn now(&self) -> Timestamp {
        let passed = Duration::try_from_secs_f64(self.begun.elapsed().as_secs_f64() * self.speed).unwrap_or_default();
        self.start.checked_add(passed + self.turned).unwrap_or(Timestamp::MAX)
    }

    pub fn turn(&mut self, by: Duration) {
        self.turned += by;
    }
}
