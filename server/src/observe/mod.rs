//! What can be seen from outside: log lines and metrics.
//!
//! Invariant: counting never fails and never blocks a request.

mod metrics;

pub use metrics::{Metrics, RouteLabels};

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error; `ROOST_LOG` filters, `info` unless set.
pub fn init_logging(json: bool) {
    let filter =
        EnvFilter::try_from_env("ROOST_LOG").unwrap_or_else(|_| EnvFilter::new("info,rskafka=off"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second call (tests) is not an error worth stopping for.
    let _ = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
}
