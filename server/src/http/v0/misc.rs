//! Health and metrics, and the answer of what is not built.
//!
//! Invariant: the reader of metrics never waits for a query.

use serde_json::json;

use crate::http::app::App;
use crate::http::reply::{Failure, Handled, Reply};

/// Whether the database still accepts writes.
pub(super) fn health(app: &App) -> Handled {
    match app.store().database().engine().failure() {
        None => Ok(Reply::json(
            &json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }),
        )),
        Some(e) => Err(Failure::new(
            503,
            format!("the database accepts no writes: {e}"),
        )),
    }
}

/// Everything Prometheus asks for.
pub(super) fn metrics(app: &App) -> Handled {
    let tables = app.store().database().engine().tables();
    let parts: usize = tables.iter().map(|t| t.snapshot().parts.len()).sum();
    app.metrics
        .set_parts(i64::try_from(parts).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Reply::with(kind, app.metrics.text()))
}

/// What is known and not built.
pub(super) fn absent(what: &str) -> Handled {
    Err(Failure::not_implemented(what))
}
