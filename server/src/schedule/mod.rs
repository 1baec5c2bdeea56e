//! Schedules: runs copies and sinks at their times.
//!
//! A pipe's schedule stands in its node; what is stored here is when it last was due. Times that
//! passed while the server was down, or while a run of the pipe went on, are made up for once.
//!
//! Invariant: a pipe never overlaps itself; a run and its place in the schedule are stored together.

mod cron;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use roost_engine::clock::Clock;
use serde::{Deserialize, Serialize};

pub use cron::Cron;

use crate::jobs::{CopyRun, Runs, SinkRun};
use crate::project::{COPY, Pipe};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// When a pipe last was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    pipe: String,
    cron: String,
    last: i64,
}

/// All schedules.
pub struct Schedules {
    runs: Runs,
    clock: Arc<dyn Clock>,
    due: Mutex<BTreeMap<String, Due>>,
    closed: Mutex<bool>,
    woken: Condvar,
}

impl Schedules {
    /// The schedules as they are stored.
    pub fn open(runs: Runs) -> Schedules {
        let stored: Vec<Due> = runs.project.store.load("schedule");
        Schedules {
            clock: Arc::clone(runs.project.store.clock()),
            due: Mutex::new(stored.into_iter().map(|d| (d.pipe.clone(), d)).collect()),
            runs,
            closed: Mutex::new(false),
            woken: Condvar::new(),
        }
    }

    /// Runs what is due until closed.
    pub fn run_until_closed(&self) {
        let mut closed = self.closed.lock();
        while !*closed {
            parking_lot::MutexGuard::unlocked(&mut closed, || self.run_due());
            if !*closed {
                self.woken.wait_for(&mut closed, LOOK);
            }
        }
    }

    /// Ends the thread.
    pub fn close(&self) {
        *self.closed.lock() = true;
        self.woken.notify_all();
    }

    /// Starts everything that is due now.
    pub fn run_due(&self) {
        let now = self.clock.now_micros();
        let state = self.runs.project.snapshot();
        let mut due = self.due.lock();
        for pipe in state.pipes.values() {
            if let Some((cron, is_paused)) = pipe.schedule() {
                self.look_at(&mut due, pipe, cron, is_paused, now);
            }
        }
        let gone = |d: &Due| {
            let pipe = state.pipe(&d.pipe);
            pipe.is_none_or(|p| p.schedule().is_none())
        };
        let gone: Vec<String> = due
            .values()
            .filter(|d| gone(d))
            .map(|d| d.pipe.clone())
            .collect();
        for pipe in gone {
            due.remove(&pipe);
            if let Err(e) = self.runs.project.store.save::<Due>("schedule", &pipe, None) {
                tracing::warn!("cannot forget the schedule of pipe {pipe}: {e}");
            }
        }
    }

    fn look_at(
        &self,
        due: &mut BTreeMap<String, Due>,
        pipe: &Arc<Pipe>,
        text: &str,
        is_paused: bool,
        now: i64,
    ) {
        let fresh = Due {
            pipe: pipe.id.clone(),
            cron: text.to_owned(),
            last: now,
        };
        let known = due.get(&pipe.id).filter(|d| d.cron == text);
        let Some(known) = known else {
            self.keep(&fresh);
            due.insert(pipe.id.clone(), fresh);
            return;
        };
        let next = Cron::parse(text)
            .ok()
            .and_then(|c| c.next_after(known.last));
        if next.is_none_or(|next| next > now) {
            return;
        }
        if is_paused {
            self.keep(&fresh);
        } else if self.runs.jobs.is_busy(&pipe.id) {
            return;
        } else {
            let store = &self.runs.project.store;
            let with = store
                .entry("schedule", &fresh.pipe, Some(&fresh))
                .into_iter()
                .collect();
            let job = match pipe.job_node().is_some_and(|n| n.kind == COPY) {
                true => self.runs.copy(
                    pipe,
                    CopyRun {
                        with,
                        ..CopyRun::default()
                    },
                ),
                false => self.runs.sink(
                    pipe,
                    SinkRun {
                        with,
                        ..SinkRun::default()
                    },
                ),
            };
            if let Err(e) = job {
                tracing::warn!("cannot run pipe {} on its schedule: {e}", pipe.name);
                self.keep(&fresh);
            }
        }
        due.insert(pipe.id.clone(), fresh);
    }

    fn keep(&self, due: &Due) {
        let store = &self.runs.project.store;
        if let Err(e) = store.save("schedule", &due.pipe, Some(due)) {
            tracing::error!("cannot store the schedule of pipe {}: {e}", due.pipe);
        }
    }
}
