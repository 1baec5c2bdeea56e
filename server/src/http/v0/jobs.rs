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

pub(super) fn route(app: &App, call: &Call, rest: &[&str]) -> Handled {
    access(app, call)?;
    let base = call.base_url();
    let missing = |id: &str| Failure::not_found(format!("Job \"{id}\" does not exist"));
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let (kind, status) = (call.query.said("kind"), call.query.said("status"));
            let jobs = app.jobs.list().into_iter().filter(|j| {
                kind.is_none_or(|k| j.kind == k) && status.is_none_or(|s| j.status.name() == s)
            });
            let jobs: Vec<Json> = jobs.map(|j| j.to_json(&base)).collect();
            Ok(Reply::json(&json!({ "jobs": jobs })))
        }
        (&Method::GET, [id]) => {
            let job = app.jobs.get(id).ok_or_else(|| missing(id))?;
            Ok(Reply::json(&job.to_json(&base)))
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
