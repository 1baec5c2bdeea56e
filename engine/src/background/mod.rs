//! Threads that do the store's housekeeping.
//!
//! Invariant: a worker holds its engine only while it works, and ends when its handle goes; a panic
//! in a step is reported once and ends the worker.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How long an idle worker sleeps.
const NAP: Duration = Duration::from_millis(200);
/// How long a worker sleeps after an error.
const REST: Duration = Duration::from_secs(1);

/// What a step of a worker found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something; there may be more.
    Busy,
    /// Nothing.
    Idle,
    /// It failed; not at once again.
    Failed,
    /// There is nobody to work for any more.
    Over,
}

/// Wakes sleeping workers.
#[derive(Debug, Default)]
pub struct Wake {
    state: Mutex<Signals>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Signals {
    rounds: u64,
    stopped: bool,
}

impl Wake {
    /// There may be something to do.
    pub fn wake(&self) {
        self.state.lock().rounds += 1;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Sleeps until woken after `seen`, or for `most`; false when it is over.
    fn sleep(&self, seen: &mut u64, most: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.stopped && state.rounds == *seen {
            self.changed.wait_for(&mut state, most);
        }
        *seen = state.rounds;
        !state.stopped
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }
}

/// Running workers; they are stopped and waited for when this goes.
#[derive(Debug, Default)]
pub struct Workers {
    threads: Mutex<Vec<(Arc<Wake>, JoinHandle<()>)>>,
}

impl Workers {
    /// Starts a worker that repeats `step` and is woken by `wake`; `died` is told when a step panics.
    ///
    /// # Errors
    /// CANNOT_ALLOCATE_MEMORY when the system gives no thread.
    pub fn spawn(
        &self,
        name: &str,
        wake: &Arc<Wake>,
        mut step: impl FnMut() -> Step + Send + 'static,
        died: impl FnOnce() + Send + 'static,
    ) -> crate::error::Result<()> {
        let own = Arc::clone(wake);
        let work = move || {
            let mut seen = 0;
            while !own.is_stopped() {
                let most = match std::panic::catch_unwind(AssertUnwindSafe(&mut step)) {
                    Ok(Step::Busy) => continue,
                    Ok(Step::Idle) => NAP,
                    Ok(Step::Failed) => REST,
                    Ok(Step::Over) => return,
                    Err(_) => return died(),
                };
                if !own.sleep(&mut seen, most) {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        let thread = thread
            .map_err(|e| crate::err!(CANNOT_ALLOCATE_MEMORY, "no thread for '{name}': {e}"))?;
        self.threads.lock().push((Arc::clone(wake), thread));
        Ok(())
    }

    /// Stops all workers and waits for the end of their steps.
    pub fn stop(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        threads.iter().for_each(|(wake, _)| wake.stop());
        let own = std::thread::current().id();
        let threads = threads.into_iter().map(|(_, thread)| thread);
        for thread in threads.filter(|t| t.thread().id() != own) {
            // A worker that panicked has told so already.
            let _ = thread.join();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn a_worker_wakes_stops_and_reports_a_panic() {
        let wake = Arc::new(Wake::default());
        let workers = Workers::default();
        let (count, dead) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (c, d) = (Arc::clone(&count), Arc::clone(&dead));
        let step = move || {
            c.fetch_add(1, Ordering::SeqCst);
            Step::Idle
        };
        assert!(workers.spawn("test", &wake, step, || {}).is_ok());
        let died = move || {
            d.fetch_add(1, Ordering::SeqCst);
        };
        let panics = || -> Step { std::panic::resume_unwind(Box::new("test")) };
        assert!(workers.spawn("panics", &wake, panics, died).is_ok());
        wake.wake();
        while count.load(Ordering::SeqCst) == 0 || dead.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        workers.stop();
        let after = count.load(Ordering::SeqCst);
        wake.wake();
        assert_eq!(count.load(Ordering::SeqCst), after);
    }
}
