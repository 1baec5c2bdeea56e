//! Rows into data sources: what events, appends and replaces have in common.
//!
//! Invariant: every import leaves a line in `tinybird.datasources_ops_log`.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::multipart::first_part;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled};
use crate::project::ingest::{self, BodyFormat, Dialect, Ingested};
use crate::project::{DataSource, data_source_json};
use crate::store::{iso_seconds, now_micros};

/// What is to be done with a body.
pub(super) struct Import {
    /// For the log.
    pub(super) event: &'static str,
    /// Replace all rows.
    pub(super) replace: bool,
    /// Replace only rows for which this holds.
    pub(super) condition: Option<String>,
    /// The body's form.
    pub(super) format: BodyFormat,
}

/// Runs an import and notes it.
pub(super) fn import(
    app: &App,
    call: &Call,
    source: &Arc<DataSource>,
    body: &Bytes,
    what: &Import,
) -> Handled<Ingested> {
    let started = Instant::now();
    let outcome = if what.replace {
        let condition = what.condition.as_deref();
        ingest::replace(&app.project, source, body, &what.format, condition, None)
    } else {
        ingest::append(&app.project, source, body, &what.format, None)
    };
    let done = outcome.as_ref().ok().cloned().unwrap_or_default();
    let error = outcome.as_ref().err().map(ToString::to_string);
    app.metrics
        .ingested(done.rows, done.quarantined, body.len() as u64);
    note(
        app,
        call,
        source,
        what.event,
        started,
        &done,
        error.as_deref(),
    );
    Ok(outcome?)
}

/// Leaves a line in the operations log.
pub(super) fn note(
    app: &App,
    call: &Call,
    source: &DataSource,
    event: &str,
    started: Instant,
    done: &Ingested,
    error: Option<&str>,
) {
    app.log.note(
        "datasources_ops_log",
        json!({
            "timestamp": iso_seconds(now_micros(), ' '),
            "event_type": event,
            "datasource_id": source.id,
            "datasource_name": source.name,
            "result": if error.is_some() { "error" } else { "ok" },
            "elapsed_time": started.elapsed().as_secs_f32(),
            "error": error,
            "request_id": call.id,
            "import_id": done.import_id,
            "rows": done.rows,
            "rows_quarantine": done.quarantined,
            "operation_id": call.id,
            "written_rows": done.rows,
            "written_bytes": done.bytes,
            "written_rows_quarantine": done.quarantined,
        }),
    );
}

/// The form of a body: the `format` parameter, else the content type, else the first byte.
pub(super) fn format_of(call: &Call, params: &Params, body: &Bytes) -> Handled<BodyFormat> {
    let delimiter = params
        .said("dialect_delimiter")
        .and_then(|d| d.bytes().next());
    let csv = || BodyFormat::Csv(Dialect { delimiter });
    match params.said("format") {
        Some("csv") => return Ok(csv()),
        Some("ndjson" | "json") => return Ok(BodyFormat::Json),
        Some("parquet") => return Ok(BodyFormat::Parquet),
        Some(other) => {
            return Err(Failure::bad(format!(
                "unknown format '{other}'; known are csv, ndjson, parquet"
            )));
        }
        None => {}
    }
    let declared = call.header("content-type").unwrap_or("");
    Ok(if body.starts_with(b"PAR1") {
        BodyFormat::Parquet
    } else if declared.contains("json") || body.trim_ascii_start().starts_with(b"{") {
        BodyFormat::Json
    } else {
        csv()
    })
}

/// The rows of a request: a file in a multipart body, or the body itself.
pub(super) fn rows_of(call: &Call) -> Handled<Bytes> {
    let declared = call.header("content-type").unwrap_or("");
    if declared.starts_with("multipart/") {
        return first_part(declared, &call.body)
            .ok_or_else(|| Failure::bad("the multipart body has no complete part"));
    }
    Ok(call.body.clone())
}

/// What an import answers.
pub(super) fn import_json(app: &App, source: &DataSource, done: &Ingested) -> Json {
    json!({
        "import_id": done.import_id,
        "datasource": data_source_json(&app.project, source),
        "blocks": [{
            "block_id": done.import_id,
            "process_return": [{
                "lines": done.rows + done.quarantined,
                "parser": "python",
                "quarantine": done.quarantined,
                "time": 0.0,
                "invalid_lines": done.invalid,
                "empty_lines": 0,
                "bytes": done.bytes,
                "delimiter": ",",
            }],
            "processing_error": null,
        }],
        "quarantine_rows": done.quarantined,
        "invalid_lines": done.invalid,
        "error": false,
    })
}
