//! `/v0/jobs`.
//!
//! Invariant: addresses of jobs are those by which the caller reached the server.

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::access::access;
use super::unknown;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{Job, Status};
use crate::store::{literal, timestamp_of};

/// Whether the filters of the request let a job through.
fn is_wanted(call: &Call, job: &Job) -> bool {
    let said = |name: &str| call.query.said(name);
    let is = |name: &str, value: &str| said(name).is_none_or(|wanted| wanted == value);
    // Times as texts: `YYYY-MM-DD hh:mm:ss`, with a T between, or only their beginning.
    let created = timestamp_of(job.created);
    let time =
        |name: &str| said(name).map(|t| t.replace('T', " ").trim_end_matches('Z').to_owned());
    is("kind", &job.kind)
        && is("status", job.status.name())
        && is("pipe_id", job.detail("pipe_id"))
        && is("pipe_name", job.detail("pipe_name"))
        && time("created_after").is_none_or(|t| created >= t)
        && time("created_before").is_none_or(|t| created < t)
}

/// What the query of a running job has read.
fn read_so_far(app: &App, id: &str) -> Json {
    let query = format!(
        "SELECT read_rows, read_bytes FROM system.processes WHERE query_id = {}",
        literal(id)
    );
    let rows = app
        .store()
        .query(&query)
        .map(|r| r.rows())
        .unwrap_or_default();
    let number = |at: usize| rows.first().and_then(|r| r.get(at)?.as_u64()).unwrap_or(0);
    json!({ "rows_read": number(0), "bytes_read": number(1) })
}

pub(super) fn route(app: &App, call: &Call, rest: &[&str]) -> Handled {
    access(app, call)?;
    let base = call.base_url();
    let missing = |id: &str| Failure::not_found(format!("Job \"{id}\" does not exist"));
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let jobs = app.jobs.list(|j| is_wanted(call, j));
            let jobs: Vec<Json> = jobs.iter().map(|j| j.to_json(&base)).collect();
            Ok(Reply::json(&json!({ "jobs": jobs })))
        }
        (&Method::GET, [id]) => {
            let job = app.jobs.get(id).ok_or_else(|| missing(id))?;
            let mut out = job.to_json(&base);
            if job.status == Status::Working {
                out["statistics"] = read_so_far(app, id);
            }
            Ok(Reply::json(&out))
        }
        (&Method::POST, [id, "cancel"]) => match app.jobs.cancel(id) {
            None => Err(missing(id)),
            Some(false) => Err(Failure::bad("The job is over and cannot be cancelled")),
            Some(true) => {
                let job = app.jobs.get(id).ok_or_else(|| missing(id))?;
                Ok(Reply::json(&job.to_json(&base)))
            }
        },
        _ => Err(unknown(call)),
    }
}
