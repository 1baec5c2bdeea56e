//! The embedded database and its sessions.
//!
//! Invariant: everything that runs SQL goes through [`Session::run`]; it counts, logs and can be
//! cancelled.

mod database;
mod log;
mod output;
mod request;
mod result;
mod views;

pub use database::{Database, DatabaseOptions, Shared};
pub use log::{FinishedQuery, QueryLog, RunningQuery};
pub use output::OutputSink;
pub use request::{InsertOptions, QueryRequest, QuerySummary, Session};
pub use result::QueryResult;

/// The ClickHouse version whose behaviour is followed, as clients ask for it.
pub const CLICKHOUSE_VERSION: &str = "26.9.1.1";
