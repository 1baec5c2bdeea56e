//! `POST /v0/events`: rows as JSON.
//!
//! Invariant: an answer of 200 or 202 means the rows are durable, whatever `wait` says.

use serde_json::json;

use super::append::{Import, import};
use super::routes::Ask;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::ingest::BodyFormat;

/// Adds the rows of the body to `name`.
pub(super) fn append(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let name = call.query.said("name");
    let name = name.ok_or_else(|| Failure::bad("The parameter 'name' is missing"))?;
    let state = app.project.snapshot();
    let source = match state.data_source(name) {
        Some(source) => source.clone(),
        None if a.access.may_create_data_sources() => {
            if !call.body.trim_ascii_start().starts_with(b"{") {
                return Err(Failure::bad(
                    "The body is not JSON objects; no Data Source was made",
                ));
            }
            super::analyze::create_from(app, name, &call.body)?
        }
        None => {
            return Err(Failure::not_found(format!(
                "Data Source \"{name}\" does not exist"
            )));
        }
    };
    let what = Import {
        event: "append-hfi",
        replace: false,
        condition: None,
        format: BodyFormat::Json,
    };
    let done = import(app, call, &source, &call.body, &what)?;
    let status = if call.query.flag("wait") { 200 } else { 202 };
    let body = json!({ "successful_rows": done.rows, "quarantined_rows": done.quarantined });
    Ok(Reply::json_as(status, &body))
}
