//! Health and metrics, the address of an endpoint as an example, and the answer of what is not built.
//!
//! Invariant: the reader of metrics never waits for a query.

use serde_json::{Value as Json, json};

use super::pipes;
use super::routes::Ask;
use crate::http::app::App;
use crate::http::params::encode;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::node_json;

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

/// The address of an endpoint, with the defaults of its parameters.
pub(super) fn example(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let name = call.query.said("pipe").unwrap_or_default();
    let pipe = pipes::find(app, name)?;
    if !a.access.sees_pipe(&pipe.name) {
        return Err(Failure::forbidden(format!(
            "The token '{}' may not read pipe '{name}'",
            a.access.name
        )));
    }
    let format = call.query.said("format").unwrap_or("json");
    let mut seen: Vec<(String, String)> = Vec::new();
    for node in &pipe.nodes {
        let shown = node_json(&app.project, node);
        for parameter in shown["params"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let value = match &parameter["default"] {
                Json::Null => continue,
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            if !seen.iter().any(|(n, _)| *n == name) {
                seen.push((name, value));
            }
        }
    }
    seen.push(("token".to_owned(), call.token().to_owned()));
    if let Some(q) = call.query.said("q") {
        seen.push(("q".to_owned(), q.to_owned()));
    }
    let pairs = seen
        .iter()
        .map(|(k, v)| format!("{}={}", encode(k), encode(v)));
    let pairs: Vec<String> = pairs.collect();
    Ok(Reply::text(format!(
        "{}/v0/pipes/{}.{format}?{}",
        call.base_url(),
        pipe.name,
        pairs.join("&")
    )))
}
