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
    /// Who may use ClickHouse's HTTP interface: `open` lets user default in without a password, `token`
    /// wants a token of the workspace as its password. Unless given: open on a loopback address, else
    /// token.
    #[arg(long, value_enum, value_name = "WHO", env = "ROOST_CLICKHOUSE_AUTH")]
    clickhouse_auth: Option<ClickHouseAuth>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ClickHouseAuth {
    Open,
    Token,
}

impl Args {
    fn clickhouse_open(&self) -> bool {
        match self.clickhouse_auth {
            None => self.host.is_loopback(),
            Some(auth) => auth == ClickHouseAuth::Open,
        }
    }
}

/// Stack of the threads that run queries.
const STACK_BYTES: usize = 16 << 20;

pub(super) fn run(args: Args) -> Result<(), Failed> {
    init_logging(args.log_json);
    let is_open = args.clickhouse_open();
    let is_local = args.host.is_loopback();
    let config = Config {
        clickhouse_open: is_open,
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
        // All but one may be busy with a query that is not over at once.
        .worker_threads(std::thread::available_parallelism().map_or(2, usize::from) + 2)
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
            let who = if is_open {
                "open"
            } else {
                "with a token as password"
            };
            tracing::info!("ClickHouse's interface is at http://{native}, {who}");
            if is_open && !is_local {
                tracing::warn!("whoever reaches {native} may read and change everything");
            }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Args;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn clickhouses_interface_is_open_on_this_machine_only() {
        for (arguments, is_open) in [
            (&["roost"][..], true),
            (&["roost", "--host", "::1"], true),
            (&["roost", "--host", "0.0.0.0"], false),
            (&["roost", "--host", "10.0.0.7"], false),
            (&["roost", "--clickhouse-auth", "token"], false),
            (
                &["roost", "--host", "0.0.0.0", "--clickhouse-auth", "open"],
                true,
            ),
        ] {
            let cli = Cli::try_parse_from(arguments).unwrap();
            assert_eq!(cli.args.clickhouse_open(), is_open, "{arguments:?}");
        }
        assert!(Cli::try_parse_from(["roost", "--clickhouse-auth", "nobody"]).is_err());
    }
}
