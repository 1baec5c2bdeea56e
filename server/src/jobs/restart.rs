//! What becomes of jobs that the end of the server interrupted.
//!
//! Invariant: after a restart every stored job is over and says how, here, in `tinybird.jobs_log` and
//! in the log of what it wrote to.

use std::collections::HashSet;

use serde_json::json;

use super::{Entry, Folder, Job, Jobs, KEPT_MICROS, Kind, Status, publish};
use crate::store::{iso_seconds, now_micros, timestamp_of};
use roost::exec::CancelToken;

/// Why a job failed that was interrupted.
pub(super) fn stopped(job: &Job) -> String {
    let when = match job.status {
        Status::Waiting => "before the job began: nothing was done",
        _ if sends(job) => {
            "while the job was running: what was sent by then may have been taken, and another run \
             sends it once more"
        }
        _ => "while the job was running: nothing of what it did was kept",
    };
    format!("the server was stopped {when}")
}

/// Whether the job gives rows to somebody else, who keeps them.
fn sends(job: &Job) -> bool {
    job.kind == Kind::Sink.name() && matches!(job.detail("service"), "webhook" | "kafka")
}

impl Jobs {
    /// Takes over what is stored.
    pub(super) fn load(&self, folder: Option<&Folder>) {
        let horizon = now_micros() - KEPT_MICROS;
        let mut stopped_sinks = HashSet::new();
        let noted = self.noted(horizon);
        for mut job in self.store.load::<Job>("job") {
            if job.updated < horizon {
                if let Err(e) = self.store.save::<Job>("job", &job.id, None) {
                    tracing::warn!("cannot forget job {}: {e}", job.id);
                }
                continue;
            }
            let interrupted = !job.status.is_over();
            if interrupted {
                let outcome = publish::go_on(&self.store, folder, &job);
                let outcome = outcome.unwrap_or_else(|| Err(stopped(&job)));
                job.finish(outcome, now_micros());
                let is_sink = job.kind == Kind::Sink.name();
                self.keep_with(&job, publish::over(&self.store, &job).into_iter().collect());
                self.note_stopped(&job);
                if is_sink {
                    stopped_sinks.insert(job.id.clone());
                }
            } else if !noted.contains(&(job.id.clone(), job.status.name().to_owned())) {
                // Its end was stored with what it did, and the server ended before it was noted.
                self.log.note("jobs_log_states", job.to_log());
            }
            let cancel = CancelToken::new();
            self.entries
                .write()
                .insert(job.id.clone(), Entry { job, cancel });
        }
        let Some(folder) = folder else {
            return;
        };
        publish::go_on_with_left(self, folder);
        // What waits for its name is no draft.
        stopped_sinks.retain(|id| !publish::waits(&self.store, id));
        if stopped_sinks.is_empty() {
            return;
        }
        let is_draft = |name: &str| {
            let of = name.strip_prefix('.').and_then(|n| n.strip_suffix(".part"));
            let of = of.and_then(|n| n.rsplit_once('-'));
            of.is_some_and(|(job, _)| stopped_sinks.contains(job))
        };
        if let Err(e) = folder.sweep(&is_draft) {
            tracing::warn!("cannot remove what interrupted sinks have left: {e}");
        }
    }

    /// The states of jobs that `tinybird.jobs_log` knows.
    fn noted(&self, horizon: i64) -> HashSet<(String, String)> {
        let since = timestamp_of(horizon);
        let sql = format!(
            "SELECT job_id, status FROM {}.jobs_log_states WHERE created_at >= '{}'",
            self.store.service(),
            since.get(..19).unwrap_or(&since)
        );
        let found = match self.store.query(&sql) {
            Ok(found) => found,
            Err(e) => {
                tracing::warn!("cannot read which jobs are noted: {e}");
                return HashSet::new();
            }
        };
        let text = |v: &roost::Value| {
            let bytes = v.as_bytes().unwrap_or_default();
            String::from_utf8_lossy(bytes).into_owned()
        };
        let rows = found.rows();
        let pairs = rows.iter().filter_map(|row| match &row[..] {
            [id, status] => Some((text(id), text(status))),
            _ => None,
        });
        pairs.collect()
    }

    /// Leaves the line of an interrupted run that the run itself did not leave.
    fn note_stopped(&self, job: &Job) {
        let timestamp = iso_seconds(self.store.clock().now_micros(), ' ');
        let is_error = job.status == Status::Error;
        let result = if is_error { "error" } else { "ok" };
        if job.kind == Kind::Sink.name() {
            let output = job.details.get("output").cloned();
            let line = json!({
                "timestamp": timestamp,
                "job_id": job.id,
                "service": job.detail("service"),
                "pipe_name": job.detail("pipe_name"),
                "pipe_id": job.detail("pipe_id"),
                "result": result,
                "error": job.error,
                "output": output.unwrap_or(json!([])),
            });
            self.log.note("sinks_ops_log", line);
            return;
        }
        let (Some(target), Some(event)) = (job.target(), event(job)) else {
            return;
        };
        let id = job.details.get("datasource").and_then(|d| d.get("id"));
        let line = json!({
            "timestamp": timestamp,
            "event_type": event,
            "datasource_id": id,
            "datasource_name": target,
            "result": result,
            "error": job.error,
            "job_id": job.id,
            "request_id": job.id,
            "operation_id": job.id,
            "pipe_id": job.detail("pipe_id"),
            "pipe_name": job.detail("pipe_name"),
        });
        self.log.note("datasources_ops_log", line);
    }
}

/// What runs of the kind leave in the log of operations, when they leave something.
fn event(job: &Job) -> Option<&'static str> {
    let kind = Kind::ALL.into_iter().find(|k| k.name() == job.kind)?;
    match kind {
        Kind::Copy => Some("copy"),
        Kind::DeleteData => Some("deletedata"),
        Kind::ReplayQuarantine => Some("replay"),
        Kind::Sink | Kind::Import | Kind::PopulateView | Kind::DataBranch => None,
    }
}
