//! The end of a join that keeps the held side's lonely rows: they are known when every worker has
//! finished its last probe row.
//!
//! Invariant: a worker that waits here holds no probe rows.

use parking_lot::{Condvar, Mutex};

/// Shared by the cursors of one join.
#[derive(Default)]
pub(super) struct Tail {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Default)]
struct State {
    /// Workers that are reading or probing.
    busy: usize,
    lonely: Option<Vec<u32>>,
    next: usize,
}

/// While it lives its worker may still find partners.
pub(super) struct Busy<'a>(&'a Tail);

impl Tail {
    /// Enters a worker.
    pub(super) fn enter(&self) -> Busy<'_> {
        self.state.lock().busy += 1;
        Busy(self)
    }

    /// Waits for all workers to be through, then hands out up to `rows` of the lonely rows.
    pub(super) fn take(&self, rows: usize, lonely: impl FnOnce() -> Vec<u32>) -> Vec<u32> {
        let mut state = self.state.lock();
        while state.busy > 0 {
            self.idle.wait(&mut state);
        }
        let all = state.lonely.take().unwrap_or_else(lonely);
        let start = state.next.min(all.len());
        let end = (start + rows).min(all.len());
        let some = all[start..end].to_vec();
        state.next = end;
        state.lonely = Some(all);
        some
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.busy -= 1;
        if state.busy == 0 {
            self.0.idle.notify_all();
        }
    }
}
