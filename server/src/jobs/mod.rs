//! Jobs: work that goes on after the request that asked for it was answered.
//!
//! Invariant: a job's last state is stored before anybody is told it ended; jobs that were running when
//! the server stopped come back as failed.

mod job;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use roost::exec::CancelToken;
use serde_json::{Map, Value as Json};

pub use job::{Job, Status};

use crate::project::ServiceLog;
use crate::store::{Store, now_micros};
use crate::tokens::new_uuid;

/// How long finished jobs are listed.
const KEPT_MICROS: i64 = 48 * 3600 * 1_000_000;
/// How many jobs are listed.
const LISTED_MAX: usize = 100;

/// What a job's work tells when it ends: more details, or why it failed.
pub type Outcome = Result<Map<String, Json>, String>;

struct Entry {
    job: Job,
    cancel: CancelToken,
}

/// All jobs.
pub struct Jobs {
    store: Store,
    log: Arc<ServiceLog>,
    entries: RwLock<BTreeMap<String, Entry>>,
}

impl Jobs {
    /// The jobs that are stored; those that were running have failed.
    pub fn open(store: Store, log: Arc<ServiceLog>) -> Jobs {
        let mut entries = BTreeMap::new();
        let horizon = now_micros() - KEPT_MICROS;
        for mut job in store.load::<Job>("job") {
            if job.updated < horizon {
                if let Err(e) = store.save::<Job>("job", &job.id, None) {
                    tracing::warn!("cannot forget job {}: {e}", job.id);
                }
                continue;
            }
            if !job.status.is_over() {
                job.status = Status::Error;
                job.error = Some("the server was stopped while the job was running".to_owned());
            }
            let cancel = CancelToken::new();
            entries.insert(job.id.clone(), Entry { job, cancel });
        }
        Jobs {
            store,
            log,
            entries: RwLock::new(entries),
        }
    }

    /// Starts `work` on a thread of its own and gives the job as it is now.
    pub fn start(
        self: &Arc<Self>,
        kind: &str,
        details: Map<String, Json>,
        work: impl FnOnce(CancelToken) -> Outcome + Send + 'static,
    ) -> Job {
        let job = Job::new(new_uuid(), kind, details, now_micros());
        let cancel = CancelToken::new();
        let entry = Entry {
            job: job.clone(),
            cancel: cancel.clone(),
        };
        self.entries.write().insert(job.id.clone(), entry);
        self.keep(&job);
        let (jobs, id) = (Arc::clone(self), job.id.clone());
        let run = move || jobs.run(&id, cancel, work);
        let spawned = std::thread::Builder::new()
            .name(format!("job-{kind}"))
            .stack_size(16 << 20)
            .spawn(run);
        if let Err(e) = spawned {
            self.change(&job.id, |job| {
                job.status = Status::Error;
                job.error = Some(format!("cannot start a thread: {e}"));
            });
        }
        job
    }

    fn run(&self, id: &str, cancel: CancelToken, work: impl FnOnce(CancelToken) -> Outcome) {
        self.change(id, |job| {
            job.status = Status::Working;
            job.started = Some(now_micros());
        });
        let outcome = work(cancel.clone());
        self.change(id, |job| match outcome {
            Ok(details) => {
                job.status = Status::Done;
                job.details.extend(details);
            }
            Err(_) if cancel.is_cancelled() => job.status = Status::Cancelled,
            Err(error) => {
                job.status = Status::Error;
                job.error = Some(error);
            }
        });
        if let Some(job) = self.get(id) {
            self.log.note("jobs_log", job.to_log());
        }
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Job)) {
        let mut entries = self.entries.write();
        if let Some(entry) = entries.get_mut(id) {
            let mut next = entry.job.clone();
            change(&mut next);
            next.updated = now_micros();
            self.keep(&next);
            entry.job = next;
        }
    }

    fn keep(&self, job: &Job) {
        if let Err(e) = self.store.save("job", &job.id, Some(job)) {
            tracing::error!("cannot store job {}: {e}", job.id);
        }
    }

    /// The job of that id.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.entries.read().get(id).map(|e| e.job.clone())
    }

    /// The latest jobs, newest first.
    pub fn list(&self) -> Vec<Job> {
        let horizon = now_micros() - KEPT_MICROS;
        let entries = self.entries.read();
        let mut out: Vec<Job> = entries
            .values()
            .map(|e| e.job.clone())
            .filter(|j| j.created >= horizon)
            .collect();
        out.sort_by_key(|j| std::cmp::Reverse(j.created));
        out.truncate(LISTED_MAX);
        out
    }

    /// Asks a job to stop; `None` when there is none, `false` when it is over.
    pub fn cancel(&self, id: &str) -> Option<bool> {
        let cancel = {
            let entries = self.entries.read();
            let entry = entries.get(id)?;
            if entry.job.status.is_over() {
                return Some(false);
            }
            entry.cancel.clone()
        };
        cancel.cancel();
        self.change(id, |job| {
            if !job.status.is_over() {
                job.status = Status::Cancelling;
            }
        });
        Some(true)
    }
}
