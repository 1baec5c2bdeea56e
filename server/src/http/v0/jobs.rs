//! `/v0/jobs`.
//!
//! Invariant: addresses of jobs are those by which the caller reached the server.

use serde_json::{Value as Json, json};

use super::routes::Ask;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{Job, Status};
use crate::store::{literal, timestamp_of};
use crate::tokens::{Access, Rows};

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

/// Whether the token may know of the job: one that could have started it.
fn may_see(access: &Access, job: &Job) -> bool {
    access.may_read_all() || may_cancel(access, job)
}

fn may_cancel(access: &Access, job: &Job) -> bool {
    if access.is_admin() {
        return true;
    }
    let target = job.target();
    let on_target = target.is_some_and(|name| access.may_append(name));
    match job.detail("pipe_name") {
        "" => on_target,
        pipe => {
            let runs = on_target && access.rows_of_pipe(pipe) == Rows::All;
            access.may_create_pipes() || runs
        }
    }
}

/// A job of the token's; of others it is not said whether they are.
fn find(a: &Ask<'_>, allowed: fn(&Access, &Job) -> bool) -> Handled<Job> {
    let id = a.part(0);
    let found = a.app.jobs.get(id).filter(|job| allowed(a.access, job));
    found.ok_or_else(|| Failure::not_found(format!("Job \"{id}\" does not exist")))
}

pub(super) fn list(a: &Ask<'_>) -> Handled {
    let base = a.call.base_url();
    let wanted = |job: &Job| may_see(a.access, job) && is_wanted(a.call, job);
    let jobs = a.app.jobs.list(wanted);
    let jobs: Vec<Json> = jobs.iter().map(|j| j.to_json(&base)).collect();
    Ok(Reply::json(&json!({ "jobs": jobs })))
}

pub(super) fn detail(a: &Ask<'_>) -> Handled {
    let job = find(a, may_see)?;
    let mut out = job.to_json(&a.call.base_url());
    if job.status == Status::Working {
        out["statistics"] = read_so_far(a.app, &job.id);
    }
    Ok(Reply::json(&out))
}

pub(super) fn cancel(a: &Ask<'_>) -> Handled {
    let job = find(a, may_cancel)?;
    if a.app.jobs.cancel(&job.id) != Some(true) {
        return Err(Failure::bad("The job is over and cannot be cancelled"));
    }
    let job = find(a, may_cancel)?;
    Ok(Reply::json(&job.to_json(&a.call.base_url())))
}
