//! What the server is started with.
//!
//! Invariant: read once at the start; nothing here changes while the server runs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `roost serve`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of the database; none keeps everything in memory.
    pub data: Option<PathBuf>,
    /// Where sinks write files; `sinks` in the database's directory when none is given.
    pub sinks: Option<PathBuf>,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port of the `/v0` API.
    pub port: u16,
    /// Port of ClickHouse's HTTP interface; none does not open it.
    pub clickhouse_port: Option<u16>,
    /// Whether user `default` of that interface needs no password; otherwise it is a token.
    pub clickhouse_open: bool,
    /// Name of the workspace.
    pub workspace: String,
    /// Limits.
    pub limits: Limits,
}

/// What a request may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a body of the Events API.
    pub event_bytes: usize,
    /// Bytes of any other body.
    pub body_bytes: usize,
    /// Bytes of a compressed body once it is unpacked.
    pub unpacked_bytes: usize,
    /// Time for a request's head to arrive, and for a connection to be idle.
    pub head_time: Duration,
    /// Time for a body to arrive.
    pub body_time: Duration,
    /// Time for a query.
    pub query_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            event_bytes: 100 << 20,
            body_bytes: 500 << 20,
            unpacked_bytes: 1 << 30,
            head_time: Duration::from_secs(60),
            body_time: Duration::from_secs(300),
            query_time: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// The usual ports on the loopback address, nothing on disk.
    pub fn in_memory() -> Config {
        Config {
            data: None,
            sinks: None,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 7181,
            clickhouse_port: Some(8123),
            clickhouse_open: true,
            workspace: "default".to_owned(),
            limits: Limits::default(),
        }
    }
}
