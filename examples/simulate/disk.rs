//! The simulated disk under the journal: slow, full, or cut off at any write.
//!
//! Owns the moment of a kill, and what is left behind by it.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use cancel_pending::apply::{JournalStore, Stopper};
use fastrand::Rng;
use tokio::sync::Notify;

use super::world::World;

/// A disk with one file.
#[derive(Debug)]
pub struct Disk {
    pub bytes: Arc<Mutex<Vec<u8>>>,
    pub world: World,
    pub rng: Rng,
    /// Before which write the run is killed.
    pub kill_at: Option<u32>,
    pub killed: Arc<Notify>,
    /// During which write a stop is requested.
    pub stop_at: Option<u32>,
    pub stopper: Arc<Stopper>,
    pub writes: u32,
    pub is_slow: bool,
    pub is_full: bool,
}

impl JournalStore for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if !bytes.is_empty() {
            self.writes += 1;
        }
        if self.kill_at.is_some_and(|at| self.writes >= at) {
            if self.kill_at == Some(self.writes) {
                file.extend(&bytes[..self.rng.usize(..=bytes.len())]);
                self.kill_at = Some(0);
                self.world.lock().note("killed");
            }
            self.killed.notify_one();
            return Err(io::Error::other("killed"));
        }
        if self.stop_at == Some(self.writes) {
            self.stopper.stop();
        }
        if self.is_slow && self.rng.u32(..3) == 0 {
            let time = Duration::from_millis(self.rng.u64(1..800));
            self.world.lock().watch.slowness += time;
            // The clock goes on while the disk is waited for: with its first poll.
            let _ = pin!(tokio::time::advance(time)).poll(&mut Context::from_waker(Waker::noop()));
        }
        if self.is_full && self.rng.u32(..4) == 0 {
            file.extend(&bytes[..self.rng.usize(..=bytes.len())]);
            return Err(io::Error::other("no space left"));
        }
        file.extend(bytes);
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        if self.kill_at == Some(0) || (self.is_full && self.rng.bool()) {
            return Err(io::Error::other("not now"));
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).truncate(length);
        Ok(())
    }
}
