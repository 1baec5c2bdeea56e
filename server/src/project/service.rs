//! The service data sources: what the server notes about itself, as tables of database `tinybird`.
//!
//! Invariant: logging never fails a request; entries that do not fit the buffer are dropped and counted.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use roost::parse::ast::Query;
use roost::parse::parse_query;
use roost::session::QueryRequest;
use roost_engine::error::Result;
use serde::Serialize;

use super::state::Project;
use crate::store::{Store, literal};

/// Tables that are written, with their columns.
const TABLES: &[(&str, &str)] = &[
    (
        "pipe_stats_rt",
        "start_datetime DateTime, pipe_id String, pipe_name String, token String, token_name String, \
         duration Float32, read_bytes UInt64, read_rows UInt64, cpu_time Float32, result_rows UInt64, \
         url Nullable(String), error UInt8, error_message Nullable(String), status_code Int32, \
         request_id String, parameters Map(String, String), method String, release String, \
         user_agent Nullable(String), client_ip Nullable(String), resource_tags Array(String), \
         memory_usage UInt64, replica String",
    ),
    (
        "datasources_ops_log",
        "timestamp DateTime, event_type String, datasource_id String, datasource_name String, \
         result String, elapsed_time Float32, error Nullable(String), \
         `Options.Names` Array(String), `Options.Values` Array(String), request_id String, \
         import_id Nullable(String), job_id Nullable(String), rows Nullable(UInt64), \
         rows_quarantine Nullable(UInt64), blocks_ids Array(String), operation_id String, \
         read_rows UInt64, read_bytes UInt64, cpu_time Float32, memory_usage UInt64, \
         written_rows UInt64, written_bytes UInt64, written_rows_quarantine UInt64, \
         written_bytes_quarantine UInt64, pipe_id String, pipe_name String, release String, \
         resource_tags Array(String)",
    ),
    (
        "jobs_log_states",
        "job_id String, job_type String, status String, error Nullable(String), \
         workspace_id String, request_id String, pipe_id String, datasource_id Nullable(String), \
         created_at DateTime64(3), started_at Nullable(DateTime64(3)), updated_at DateTime64(3), \
         job_metadata String",
    ),
    (
        "sinks_ops_log",
        "timestamp DateTime64(3), job_id String, service LowCardinality(String), pipe_name String, \
         pipe_id String, result LowCardinality(String), error Nullable(String), \
         elapsed_time Float64, read_rows UInt64, written_rows UInt64, read_bytes UInt64, \
         written_bytes UInt64, cpu_time Float64, output Array(String), \
         parameters Map(String, String), options Map(String, String), token_name String",
    ),
    (
        "kafka_ops_log",
        "timestamp DateTime, datasource_id String, topic String, partition Int16, \
         msg_type String, lag Int64, processed_messages Int32, processed_bytes Int32, \
         committed_messages Int32, time_read Float32, time_process Float32, time_write Float32, \
         msg String",
    ),
];

/// Time column of each table, which sorts it.
const TIMES: &[(&str, &str)] = &[
    ("pipe_stats_rt", "start_datetime"),
    ("datasources_ops_log", "timestamp"),
    ("jobs_log_states", "created_at"),
    ("sinks_ops_log", "timestamp"),
    ("kafka_ops_log", "timestamp"),
];

/// Service data sources that are queries over the written ones.
const VIEWS: &[(&str, &str)] = &[
    (
        "pipe_stats",
        "SELECT toDate(start_datetime) AS date, pipe_id, pipe_name, \
         avgState(duration) AS avg_duration_state, sum(error) AS error_count, \
         count() AS view_count, quantilesTimingState(0.9, 0.95, 0.99)(toFloat64(duration)) AS \
         quantile_timing_state, sum(read_bytes) AS read_bytes_sum, sum(read_rows) AS \
         read_rows_sum, sum(toFloat64(cpu_time)) AS cpu_time_sum, \
         emptyArrayString() AS resource_tags FROM tinybird.pipe_stats_rt \
         GROUP BY date, pipe_id, pipe_name",
    ),
    (
        "endpoint_errors",
        "SELECT start_datetime, request_id, pipe_id, pipe_name, url AS params, url, status_code, \
         error_message AS error, resource_tags FROM (SELECT * FROM tinybird.pipe_stats_rt WHERE error = 1)",
    ),
    (
        "jobs_log",
        "SELECT job_id, argMax(job_type, at) AS job_type, argMax(status, at) AS status, \
         argMax(tuple(error), at).1 AS error, any(workspace_id) AS workspace_id, \
         any(request_id) AS request_id, argMax(pipe_id, at) AS pipe_id, \
         argMax(tuple(datasource_id), at).1 AS datasource_id, min(created_at) AS created_at, \
         argMax(tuple(started_at), at).1 AS started_at, max(updated_at) AS updated_at, \
         argMax(job_metadata, at) AS job_metadata FROM (SELECT *, \
         (updated_at, indexOf(['waiting', 'working', 'cancelling'], status) = 0, \
         indexOf(['waiting', 'working', 'cancelling'], status)) AS at \
         FROM tinybird.jobs_log_states) GROUP BY job_id",
    ),
];

/// Days for which what the server notes is kept.
const KEPT_DAYS: u32 = 30;

/// All service data sources.
pub fn service_tables() -> impl Iterator<Item = &'static str> {
    let tables = TABLES.iter().chain(VIEWS).map(|(name, _)| *name);
    tables
        .filter(|name| *name != "jobs_log_states")
        .chain([STORAGE])
}

/// Tables of `system` that say nothing about others.
pub(super) fn visible_to_all(name: &str) -> bool {
    matches!(
        name,
        "one" | "numbers" | "zeros" | "functions" | "data_type_families" | "settings"
    )
}

/// The service data source of what data sources hold.
const STORAGE: &str = "datasources_storage";

/// The query behind a service data source, if it is one.
pub(super) fn service_view(name: &str, project: &Project) -> Result<Option<Query>> {
    if name == STORAGE {
        return parse_query(&storage_sql(project)).map(Some);
    }
    match VIEWS.iter().find(|(view, _)| *view == name) {
        Some((_, sql)) => {
            let own = format!("{}.", project.store.service());
            parse_query(&sql.replace("tinybird.", &own)).map(Some)
        }
        None => Ok(None),
    }
}

/// What every data source holds now.
fn storage_sql(project: &Project) -> String {
    let mut rows = Vec::new();
    for source in project.snapshot().data_sources.values() {
        let (good, good_bytes) = project.store.size_of(&source.name);
        let (bad, bad_bytes) = project.store.size_of(&source.quarantine());
        let (id, name) = (literal(&source.id), literal(&source.name));
        rows.push(format!(
            "({id}, {name}, {good_bytes}, {good}, {bad_bytes}, {bad})"
        ));
    }
    format!(
        "SELECT r.1 AS datasource_id, r.2 AS datasource_name, now() AS timestamp, r.3 AS bytes, \
         r.4 AS rows, r.5 AS bytes_quarantine, r.6 AS rows_quarantine FROM (SELECT arrayJoin(CAST([{}], \
         'Array(Tuple(String, String, UInt64, UInt64, UInt64, UInt64))')) AS r)",
        rows.join(", ")
    )
}

/// Makes the tables that are not there yet.
pub(super) fn create_service_tables(store: &Store) -> Result<()> {
    let database = store.service();
    store.execute(&format!("CREATE DATABASE IF NOT EXISTS {database}"))?;
    for (name, columns) in TABLES {
        if store.database().engine().table(database, name).is_some() {
            continue;
        }
        let time = TIMES
            .iter()
            .find(|(t, _)| t == name)
            .map_or("now()", |(_, time)| time);
        store.execute(&format!(
            "CREATE TABLE IF NOT EXISTS {database}.{name} ({columns}) \
             ENGINE = MergeTree ORDER BY {time} TTL toDateTime({time}) + INTERVAL {KEPT_DAYS} DAY"
        ))?;
    }
    Ok(())
}

/// Entries that may wait.
const WAITING_MAX: usize = 100_000;
/// How long entries wait for company.
const PAUSE: Duration = Duration::from_millis(500);

/// Entries of each table, as they are written: a line of JSON each.
type Lines = BTreeMap<&'static str, Vec<u8>>;

#[derive(Default)]
struct Waiting {
    lines: Lines,
    entries: usize,
    closed: bool,
}

impl Waiting {
    fn take(&mut self) -> Lines {
        self.entries = 0;
        std::mem::take(&mut self.lines)
    }
}

/// Collects log entries and writes them in batches from a thread of its own.
#[derive(Default)]
pub struct ServiceLog {
    waiting: Mutex<Waiting>,
    woken: Condvar,
    dropped: AtomicU64,
}

impl ServiceLog {
    /// Notes an entry: columns by name, as they become JSON.
    pub fn note(&self, table: &'static str, entry: impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(&entry) else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        line.push(b'\n');
        let mut waiting = self.waiting.lock();
        if waiting.closed || waiting.entries >= WAITING_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.lines.entry(table).or_default().extend(line);
        waiting.entries += 1;
        if waiting.entries == 1 {
            self.woken.notify_one();
        }
    }

    /// Writes entries until the log is closed; then what is left.
    pub fn write_until_closed(&self, store: &Store) {
        loop {
            let (lines, closed) = self.wait();
            write(store, lines);
            if closed {
                return;
            }
        }
    }

    /// Writes the entries that wait now.
    pub fn write_waiting(&self, store: &Store) {
        let lines = self.waiting.lock().take();
        write(store, lines);
    }

    fn wait(&self) -> (Lines, bool) {
        let mut waiting = self.waiting.lock();
        while waiting.entries == 0 && !waiting.closed {
            self.woken.wait(&mut waiting);
        }
        if !waiting.closed {
            // Others join; nobody is woken for them.
            let _ = self.woken.wait_for(&mut waiting, PAUSE);
        }
        (waiting.take(), waiting.closed)
    }

    /// Ends the writer.
    pub fn close(&self) {
        self.waiting.lock().closed = true;
        self.woken.notify_all();
    }
}

/// Writes entries, those of one table together.
fn write(store: &Store, lines: Lines) {
    let database = store.service();
    for (table, lines) in lines {
        let request = QueryRequest {
            sql: format!("INSERT INTO {database}.{table} FORMAT JSONEachRow"),
            body: Some(Box::new(Cursor::new(lines))),
            ..QueryRequest::default()
        };
        if let Err(e) = store.run(request) {
            tracing::warn!("cannot write {database}.{table}: {e}");
        }
    }
}
