//! What a running query knows of its surroundings: threads, memory, cancellation, progress.
//!
//! Invariant: every loop over blocks asks [`ExecContext::check`] before the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use roost_engine::err;
use roost_engine::error::Result;

use super::memory::MemoryTracker;

/// The surroundings of one query.
#[derive(Debug, Clone)]
pub struct ExecContext {
    /// Most threads that work on the query at once, at least one.
    pub threads: usize,
    /// Its memory budget.
    pub memory: Arc<MemoryTracker>,
    /// Its end before time.
    pub cancel: CancelToken,
    /// What it has read.
    pub progress: Arc<Progress>,
    /// Rows of a block, about.
    pub block_rows: usize,
    /// Whether somebody asks how many rows there were before a limit.
    pub counts_before_limit: bool,
    /// How work that is not over at once is done.
    pub aside: Aside,
}

/// How a thread that has other duties does work that takes long. Nothing is said for threads that
/// have none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aside(Option<fn(&mut dyn FnMut())>);

impl Aside {
    /// `run` calls what it is given once, on the same thread, when others have its duties.
    ///
    /// ```
    /// let aside = roost::exec::Aside::new(|work| work());
    /// assert_eq!(aside.run(|| 1 + 1), 2);
    /// ```
    pub fn new(run: fn(&mut dyn FnMut())) -> Self {
        Aside(Some(run))
    }

    /// Does the work.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let Some(run) = self.0 else {
            return work();
        };
        let (mut work, mut answer) = (Some(work), None);
        run(&mut || answer = work.take().map(|work| work()));
        match (answer, work) {
            (Some(answer), _) => answer,
            (None, Some(work)) => work(),
            (None, None) => unreachable!("work that was done has an answer"),
        }
    }
}

impl Default for ExecContext {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        ExecContext {
            threads: cores,
            memory: Arc::new(MemoryTracker::new(None)),
            cancel: CancelToken::new(),
            progress: Arc::default(),
            block_rows: 65_536,
            counts_before_limit: true,
            aside: Aside::default(),
        }
    }
}

impl ExecContext {
    /// An error when the query was cancelled or its time is over.
    pub fn check(&self) -> Result<()> {
        self.cancel.check()
    }
}

/// Stops a query from outside: a flag that anyone may set, and a deadline.
#[derive(Debug, Clone)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
    started: Instant,
    limit: Option<Duration>,
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl CancelToken {
    /// A token without a deadline.
    pub fn new() -> Self {
        CancelToken {
            flag: Arc::default(),
            started: Instant::now(),
            limit: None,
        }
    }

    /// The same flag with time counted from now; `None` is no limit (`max_execution_time`).
    #[must_use]
    pub fn with_limit(&self, limit: Option<Duration>) -> Self {
        CancelToken {
            flag: Arc::clone(&self.flag),
            started: Instant::now(),
            limit,
        }
    }

    /// Asks the query to stop.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for what waits outside of a query.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.flag)
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// QUERY_WAS_CANCELLED or TIMEOUT_EXCEEDED when it is time to stop.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(err!(QUERY_WAS_CANCELLED, "Query was cancelled"));
        }
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let elapsed = self.started.elapsed();
        if elapsed <= limit {
            return Ok(());
        }
        Err(err!(
            TIMEOUT_EXCEEDED,
            "Timeout exceeded: elapsed {:.3} ms, maximum: {:.3} ms",
            elapsed.as_secs_f64() * 1e3,
            limit.as_secs_f64() * 1e3
        ))
    }
}

/// What a query has read so far.
#[derive(Debug, Default)]
pub struct Progress {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    /// Counts rows and bytes that were read.
    pub fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Rows read.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Bytes of the columns read, as they are in memory.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
