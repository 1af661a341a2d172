//! A cancellation that is done after so many reads.
//!
//! Owns the counting. Some clients watch the list only, others one operation only; each of them has to see it end, so
//! the two are counted apart.

/// How many reads a cancellation still takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadsLeft {
    list: u32,
    single: u32,
}

impl ReadsLeft {
    pub fn new(reads: u32) -> Self {
        let reads = reads.max(1);
        Self { list: reads, single: reads }
    }

    /// Counts a read of the list. True: it is done.
    pub fn list_read(&mut self) -> bool {
        self.list = self.list.saturating_sub(1);
        self.list == 0
    }

    /// Counts a read of what is cancelled, or of its cancellation. True: it is done.
    pub fn single_read(&mut self) -> bool {
        self.single = self.single.saturating_sub(1);
        self.single == 0
    }
}

/// Whether something is being cancelled, and when that is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cancelling {
    No,
    After(ReadsLeft),
    Never,
}
