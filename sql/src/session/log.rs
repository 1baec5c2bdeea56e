//! Running and finished queries.
//!
//! Invariant: a registered query is taken out when its handle is dropped, whatever ended it.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::error::Error;

use crate::exec::{CancelToken, MemoryTracker, Progress};

/// Finished queries that are kept.
const KEPT: usize = 10_000;

/// Bytes of a query's text that are kept.
const TEXT_MAX: usize = 10_000;

/// A query that runs.
#[derive(Clone)]
pub struct RunningQuery {
    /// Id, unique among running queries.
    pub query_id: String,
    /// SQL, without INSERT data.
    pub text: String,
    /// Current database.
    pub database: String,
    /// Start, microseconds since the epoch.
    pub started_micros: i64,
    /// Rows and bytes read so far.
    pub progress: Arc<Progress>,
    /// Memory held.
    pub memory: Arc<MemoryTracker>,
    /// Stops it.
    pub cancel: CancelToken,
}

/// A query that has ended.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "the columns of system.query_log")]
pub struct FinishedQuery {
    pub query_id: String,
    pub text: String,
    pub database: String,
    pub started_micros: i64,
    pub duration_micros: i64,
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub memory_peak: u64,
    pub comment: String,
    pub error: Option<Error>,
}

/// The queries of a database.
#[derive(Default)]
pub struct QueryLog {
    running: Mutex<Vec<RunningQuery>>,
    finished: Mutex<VecDeque<Arc<FinishedQuery>>>,
}

impl QueryLog {
    /// Queries that run now.
    pub fn running(&self) -> Vec<RunningQuery> {
        self.running.lock().clone()
    }

    /// The last queries that have ended, oldest first.
    pub fn finished(&self) -> Vec<Arc<FinishedQuery>> {
        self.finished.lock().iter().cloned().collect()
    }

    /// Registers a query; `false` when one of that id runs already.
    pub(super) fn start(&self, query: RunningQuery) -> bool {
        let mut running = self.running.lock();
        if running.iter().any(|q| q.query_id == query.query_id) {
            return false;
        }
        running.push(query);
        true
    }

    /// Takes a query out.
    pub(super) fn end(&self, query_id: &str) {
        self.running.lock().retain(|q| q.query_id != query_id);
    }

    /// Keeps a finished query.
    pub(super) fn keep(&self, query: FinishedQuery) {
        let mut finished = self.finished.lock();
        if finished.len() == KEPT {
            finished.pop_front();
        }
        finished.push_back(Arc::new(query));
    }
}

/// The text of a query as it is kept.
pub(super) fn kept_text(sql: &str) -> String {
    let mut end = sql.len().min(TEXT_MAX);
    while !sql.is_char_boundary(end) {
        end -= 1;
    }
    sql[..end].trim().to_string()
}
