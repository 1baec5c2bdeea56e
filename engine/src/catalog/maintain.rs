//! Housekeeping: memory parts put together and to files, merges, checkpoints, removal of files.
//!
//! Invariant: housekeeping changes how rows are kept, never which rows there are; each step is one
//! commit, refused when its inputs are gone.

mod checkpoint;
mod flush;
mod merging;
mod removal;
mod ttl;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::{Engine, Inner, Table};
use crate::background::{Step, Wake, Workers};
use crate::err;
use crate::error::{Code, Result};

pub use merging::MergeProgress;
pub(super) use merging::Running;

impl Engine {
    /// Writes all memory parts of durable tables to files.
    ///
    /// # Errors
    /// What writing says.
    pub fn flush(&self) -> Result<()> {
        self.inner.flush_where(|_| true).map(|_| ())
    }

    /// Merges the parts of a table (or of one of its partitions) as far as limits allow; with
    /// `final_` each partition and bucket becomes one part, whatever its size.
    ///
    /// # Errors
    /// What reading and writing says.
    pub fn optimize(
        &self,
        table: &Arc<Table>,
        partition: Option<&str>,
        final_: bool,
    ) -> Result<()> {
        self.inner.optimize(table, partition, final_)
    }

    /// Starts a new segment of the log with everything that holds now, and removes the old one.
    ///
    /// # Errors
    /// What writing says.
    pub fn checkpoint(&self) -> Result<()> {
        self.inner.checkpoint()
    }

    /// One round of housekeeping: flushes what is due, merges once, checkpoints when the log is
    /// long, removes files. Whether there was anything to do.
    ///
    /// # Errors
    /// What reading and writing says.
    pub fn run_background_once(&self) -> Result<bool> {
        let flushed = self.inner.flush_step()?;
        let merged = self.inner.merge_step()?;
        Ok(flushed || merged)
    }

    /// Merges that are running.
    pub fn merges(&self) -> Vec<MergeProgress> {
        let running = self.inner.merges.lock();
        let all = running.values().map(|m| m.progress());
        all.filter(|m| m.branch == self.branch).collect()
    }

    /// Stops housekeeping, writes memory parts to files and a checkpoint, and gives the store free.
    /// Reading goes on; writing does not.
    ///
    /// # Errors
    /// What writing says; the store can be opened again all the same.
    pub fn shutdown(&self) -> Result<()> {
        self.workers.stop();
        let flushed = match self.inner.check_writable() {
            Ok(()) => self.flush().and_then(|()| self.checkpoint()),
            Err(_) => Ok(()),
        };
        self.inner
            .fail(err!(TABLE_IS_READ_ONLY, "the store is shut down"));
        self.inner.lock.lock().take();
        flushed
    }
}

impl Inner {
    /// Flushes what is due, checkpoints when the log is long, removes files, seals the log.
    fn flush_step(&self) -> Result<bool> {
        let flushed = self.flush_due()?;
        let checkpoint = {
            let leader = self.commits.lead();
            leader.segment.bytes() - leader.checkpoint_bytes >= self.options.checkpoint_bytes
        };
        if checkpoint {
            self.checkpoint()?;
        }
        self.remove_retired();
        if !flushed && !checkpoint {
            self.seal()?;
        }
        Ok(flushed || checkpoint)
    }

    /// Wakes the workers when files came or much is in memory.
    pub(super) fn wake_after(&self, files: bool, memory: usize) {
        let before = self.pressure.fetch_add(memory as u64, Ordering::Relaxed);
        let much = before + memory as u64 >= self.options.flush_bytes / 2;
        if much {
            self.pressure.store(0, Ordering::Relaxed);
        }
        if files || much {
            self.wake.wake();
        }
    }

    /// Tells the worker that puts memory parts together where there are many.
    pub(super) fn crowded(&self, table: &Arc<Table>) {
        let mut crowded = self.crowded.lock();
        if crowded.iter().all(|t| !Arc::ptr_eq(t, table)) {
            crowded.push(Arc::clone(table));
        }
        drop(crowded);
        self.wake_crowded.wake();
    }

    /// Puts small memory parts together in the tables that have many.
    fn gather_step(&self) -> Result<bool> {
        let tables = std::mem::take(&mut *self.crowded.lock());
        for table in &tables {
            while table.gather() {}
        }
        Ok(!tables.is_empty())
    }

    pub(super) fn start_workers(self: &Arc<Self>, workers: &Workers) -> Result<()> {
        type Work = fn(&Inner) -> Result<bool>;
        let all: [(&str, &Arc<Wake>, Work); 3] = [
            ("roost-flush", &self.wake, Inner::flush_step),
            ("roost-merge", &self.wake, Inner::merge_step),
            ("roost-gather", &self.wake_crowded, Inner::gather_step),
        ];
        for (name, wake, work) in all {
            let (own, dead): (Weak<Inner>, Weak<Inner>) =
                (Arc::downgrade(self), Arc::downgrade(self));
            let step = move || match own.upgrade() {
                None => Step::Over,
                Some(inner) => match work(&inner) {
                    Ok(true) => Step::Busy,
                    Ok(false) => Step::Idle,
                    Err(_) => Step::Failed,
                },
            };
            let died = move || {
                if let Some(inner) = dead.upgrade() {
                    inner.fail(err!(
                        TABLE_IS_READ_ONLY,
                        "the store takes no more writes: its {name} thread panicked"
                    ));
                }
            };
            workers.spawn(name, wake, step, died)?;
        }
        Ok(())
    }
}

/// Whether an error only means that somebody else was faster.
fn is_stale(code: Code) -> bool {
    matches!(
        code,
        Code::NO_SUCH_DATA_PART | Code::ABORTED | Code::UNKNOWN_TABLE
    )
}
