//! Jobs: work that goes on after the request that asked for it was answered.
//!
//! - [`job`]: a job as it is stored and shown; [`queue`]: what waits and what runs;
//! - [`restart`]: what becomes of jobs that the end of the server interrupted;
//! - [`runs`], [`copy`], [`sink`], [`files`], [`publish`], [`webhook`], [`topic`]: the work of pipes that write.
//!
//! Invariant: a job's end is stored in the commit of what it did, or before anybody is told; jobs that
//! the end of the server interrupted did nothing, and say so, or are brought to their end.

mod copy;
mod files;
mod folder;
mod job;
mod publish;
mod queue;
mod restart;
mod runs;
mod sink;
mod topic;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use roost::exec::CancelToken;
use roost::interpret::Also;
use roost_engine::error::{Code, Error};
use serde_json::{Map, Value as Json};

pub use folder::Folder;
pub use job::{Job, Kind, Status};
pub use runs::{CopyRun, Runs, SinkRun};

use queue::Queue;

use crate::project::ServiceLog;
use crate::store::{Ending, Entry as StoreEntry, Store, now_micros};
use crate::tokens::new_uuid;

/// How long finished jobs are listed.
const KEPT_MICROS: i64 = 48 * 3600 * 1_000_000;
/// How many jobs are listed.
const LISTED_MAX: usize = 100;
/// From how many jobs on old ones are looked for.
const FORGET_FROM: usize = 10_000;
/// How long jobs may take to hear that the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// Stack of a job's thread: queries are bound and planned by recursion.
const STACK_BYTES: usize = 16 << 20;

/// What a job's work tells when it ends: more details, or why it failed.
pub type Outcome = Result<Map<String, Json>, String>;

struct Entry {
    job: Job,
    cancel: CancelToken,
}

/// A job to come.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What it does.
    pub kind: Kind,
    /// What is particular to its kind.
    pub details: Map<String, Json>,
    /// Of the jobs with one key at most one runs.
    pub key: Option<String>,
    /// It mostly waits for others and has a thread of its own, beside the queue.
    pub beside: bool,
    /// What is stored together with the job.
    pub with: Vec<StoreEntry>,
}

impl NewJob {
    /// A job of that kind; the rest is to be said.
    pub fn of(kind: Kind, details: Map<String, Json>) -> NewJob {
        NewJob {
            kind,
            details,
            key: None,
            beside: false,
            with: Vec::new(),
        }
    }
}

/// A job while it runs, as its work sees it.
pub struct Running {
    jobs: Arc<Jobs>,
    /// Its id.
    pub id: String,
    /// Whether it should stop.
    pub cancel: CancelToken,
}

impl Running {
    /// Tells how far the work is, in percent.
    pub fn progress(&self, percent: f64) {
        let mut entries = self.jobs.entries.write();
        if let Some(entry) = entries.get_mut(&self.id) {
            entry.job.progress = Some(percent.clamp(0.0, 100.0));
            entry.job.updated = now_micros();
        }
    }

    /// Whether the job may go on.
    ///
    /// # Errors
    /// QUERY_WAS_CANCELLED when it should not.
    pub fn go_on(&self) -> Result<(), Error> {
        match self.cancel.is_cancelled() {
            true => Err(Error::new(
                Code::QUERY_WAS_CANCELLED,
                "the job was cancelled",
            )),
            false => Ok(()),
        }
    }

    /// The job's end, to be committed with the rows that it writes.
    pub fn done_with(
        &self,
        details: impl Fn(&roost::interpret::Written) -> Map<String, Json> + Send + Sync + 'static,
    ) -> Option<Also> {
        self.ending(details).map(|ending| ending as Also)
    }

    /// The job's end, to be committed with what it does.
    pub fn ending<T>(
        &self,
        details: impl Fn(&T) -> Map<String, Json> + Send + Sync + 'static,
    ) -> Option<Ending<T>> {
        let job = self.jobs.get(&self.id)?;
        let store = self.jobs.store.clone();
        Some(Arc::new(move |did| {
            let mut job = job.clone();
            job.finish(Ok(details(did)), now_micros());
            store
                .entry("job", &job.id, Some(&job))
                .into_iter()
                .collect()
        }))
    }

    /// Where the job is stored: what commits there can end it.
    pub fn store(&self) -> &Store {
        &self.jobs.store
    }
}

/// All jobs.
pub struct Jobs {
    store: Store,
    log: Arc<ServiceLog>,
    entries: RwLock<BTreeMap<String, Entry>>,
    queue: Mutex<Queue>,
    closed: AtomicBool,
    workers_max: usize,
}

impl Jobs {
    /// The jobs that are stored; those that were running are over. `folder` has the files of sinks.
    pub fn open(store: Store, log: Arc<ServiceLog>, folder: Option<&Folder>) -> Jobs {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let jobs = Jobs {
            store,
            log,
            entries: RwLock::default(),
            queue: Mutex::default(),
            closed: AtomicBool::new(false),
            workers_max: cores.clamp(2, 8),
        };
        jobs.load(folder);
        jobs
    }

    /// Queues `work` and gives the job as it is now.
    pub fn submit(
        self: &Arc<Self>,
        new: NewJob,
        work: impl FnOnce(&Running) -> Outcome + Send + 'static,
    ) -> Job {
        let job = Job::new(new_uuid(), new.kind, new.details, now_micros());
        let cancel = CancelToken::new();
        let entry = Entry {
            job: job.clone(),
            cancel: cancel.clone(),
        };
        self.forget_old();
        self.entries.write().insert(job.id.clone(), entry);
        self.keep_with(&job, new.with);
        let running = Running {
            jobs: Arc::clone(self),
            id: job.id.clone(),
            cancel,
        };
        let task = Box::new(move || running.jobs.run(&running, work));
        if new.beside {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            if let Err(e) = thread.name("job".to_owned()).spawn(task) {
                let why = format!("cannot start a thread: {e}");
                self.change(&job.id, |job| job.finish(Err(why), now_micros()));
            }
            return job;
        }
        let add = |queue: &mut Queue| queue.add(&job.id, new.key, task, self.workers_max);
        let new_worker = add(&mut self.queue.lock());
        if new_worker {
            let jobs = Arc::clone(self);
            let spawned = std::thread::Builder::new()
                .name("job".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || jobs.work());
            if let Err(e) = spawned {
                self.queue.lock().worker_failed();
                tracing::error!("cannot start a thread for jobs: {e}");
            }
        }
        job
    }

    /// Forgets jobs that nobody can see any more, now and then.
    fn forget_old(&self) {
        let mut entries = self.entries.write();
        if entries.len() < FORGET_FROM {
            return;
        }
        let horizon = now_micros() - KEPT_MICROS;
        let is_old = |e: &Entry| e.job.status.is_over() && e.job.updated < horizon;
        let old: Vec<String> = entries
            .values()
            .filter(|e| is_old(e))
            .map(|e| e.job.id.clone())
            .collect();
        entries.retain(|_, e| !is_old(e));
        drop(entries);
        let gone = old
            .iter()
            .map(|id| self.store.entry::<Job>("job", id, None));
        if let Err(e) = self.store.save_all(gone.flatten().collect()) {
            tracing::warn!("cannot forget old jobs: {e}");
        }
    }

    /// A worker: runs jobs until none may run.
    fn work(&self) {
        loop {
            let next = self.queue.lock().next();
            let Some(next) = next else { return };
            // The job is told of a panic by what runs it; the worker goes on.
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(next.task));
            if outcome.is_err() {
                tracing::error!("a job panicked");
            }
            self.queue.lock().end(next.key.as_ref());
        }
    }

    fn run(&self, running: &Running, work: impl FnOnce(&Running) -> Outcome) {
        /// Fails the job when its work panics.
        struct Ends<'a>(&'a Jobs, &'a str, bool);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                if !self.2 {
                    let why = "the job could not be completed: this is a bug of the server";
                    self.0
                        .change(self.1, |job| job.finish(Err(why.to_owned()), now_micros()));
                }
            }
        }
        let id = running.id.as_str();
        let mut ends = Ends(self, id, false);
        self.change(id, |job| {
            job.status = Status::Working;
            job.started = Some(now_micros());
        });
        let outcome = work(running);
        ends.2 = true;
        let stopped = self.closed.load(Ordering::SeqCst) && running.cancel.is_cancelled();
        self.change(id, |job| match outcome {
            Err(_) if stopped => {
                let why = restart::stopped(job);
                job.finish(Err(why), now_micros());
            }
            Err(_) if running.cancel.is_cancelled() => job.status = Status::Cancelled,
            outcome => job.finish(outcome, now_micros()),
        });
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
        self.keep_with(job, Vec::new());
    }

    fn keep_with(&self, job: &Job, mut with: Vec<StoreEntry>) {
        with.extend(self.store.entry("job", &job.id, Some(job)));
        if let Err(e) = self.store.save_all(with) {
            tracing::error!("cannot store job {}: {e}", job.id);
        }
        self.log.note("jobs_log_states", job.to_log());
    }

    /// Where the server notes what it does.
    pub fn log(&self) -> &Arc<ServiceLog> {
        &self.log
    }

    /// The job of that id.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.entries.read().get(id).map(|e| e.job.clone())
    }

    /// The latest jobs for which `wanted` holds, newest first.
    pub fn list(&self, wanted: impl Fn(&Job) -> bool) -> Vec<Job> {
        let horizon = now_micros() - KEPT_MICROS;
        let entries = self.entries.read();
        let mut out: Vec<Job> = entries
            .values()
            .map(|e| e.job.clone())
            .filter(|j| j.created >= horizon && wanted(j))
            .collect();
        out.sort_by_key(|j| std::cmp::Reverse(j.created));
        out.truncate(LISTED_MAX);
        out
    }

    /// Whether a job with that key waits or runs.
    pub fn is_busy(&self, key: &str) -> bool {
        self.queue.lock().has(key)
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
        let waited = self.queue.lock().withdraw(id);
        cancel.cancel();
        self.change(id, |job| {
            if !job.status.is_over() {
                job.status = match waited {
                    true => Status::Cancelled,
                    false => Status::Cancelling,
                };
            }
        });
        Some(true)
    }

    /// Ends all jobs, because the server stops; those that wait fail when it starts again.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.queue.lock().clear();
        for entry in self.entries.read().values() {
            if !entry.job.status.is_over() {
                entry.cancel.cancel();
            }
        }
        let begun = Instant::now();
        while self.queue.lock().workers() > 0 && begun.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
