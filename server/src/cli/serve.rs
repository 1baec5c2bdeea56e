//! `roost serve`.
//!
//! Invariant: SIGINT and SIGTERM end it in good order.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Failed;
use crate::config::{Config, Limits};
use crate::http::{App, Running, serve};
use crate::observe::init_logging;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory of the database; without it everything is in memory and gone at the end.
    #[arg(long, value_name = "DIR", env = "ROOST_DATA")]
    data: Option<PathBuf>,
    /// Directory into which sinks write files; `sinks` in that of the database unless given.
    #[arg(long, value_name = "DIR", env = "ROOST_SINKS")]
    sinks: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1", env = "ROOST_HOST")]
    host: IpAddr,
    /// Port of the /v0 API; 0 takes a free one.
    #[arg(long, default_value_t = 7181, env = "ROOST_PORT")]
    port: u16,
    /// Port of ClickHouse's HTTP interface; 0 takes a free one.
    #[arg(long, default_value_t = 8123, env = "ROOST_CLICKHOUSE_PORT")]
    clickhouse_port: u16,
    /// Do not open ClickHouse's HTTP interface.
    #[arg(long)]
    no_clickhouse: bool,
    /// Name of the workspace, when it is made.
    #[arg(long, default_value = "roost", env = "ROOST_WORKSPACE")]
    workspace: String,
    /// Seconds a query of the /v0 API may take.
    #[arg(long, default_value_t = 60)]
    query_seconds: u64,
    /// Log lines as JSON.
    #[arg(long)]
    log_json: bool,
}

/// Stack of the threads that run queries.
const STACK_BYTES: usize = 16 << 20;

pub(super) fn run(args: Args) -> Result<(), Failed> {
    init_logging(args.log_json);
    let config = Config {
        data: args.data,
        sinks: args.sinks,
        host: args.host,
        port: args.port,
        clickhouse_port: (!args.no_clickhouse).then_some(args.clickhouse_port),
        workspace: args.workspace,
        limits: Limits {
            query_time: Duration::from_secs(args.query_seconds),
            ..Limits::default()
        },
    };
    let in_memory = config.data.is_none();
    let app = Arc::new(App::open(config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("http")
        // Queries are bound and planned by recursion.
        .thread_stack_size(STACK_BYTES)
        .build()?;
    let ready = move |running: Running| {
        if in_memory {
            tracing::warn!("no --data: everything is in memory");
        }
        tracing::info!("the /v0 API is at http://{}", running.api);
        if let Some(native) = running.native {
            tracing::info!("ClickHouse's interface is at http://{native}");
        }
    };
    runtime.block_on(serve(app, ready, stopped()))?;
    Ok(())
}

/// Completes at the first SIGINT or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
