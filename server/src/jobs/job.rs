//! A job and how it is shown.
//!
//! Invariant: `id` and `job_id` are always both there and equal, and `block_log` is always a list.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::store::timestamp_of;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the protocol's own words")]
pub enum Status {
    Waiting,
    Working,
    Done,
    Error,
    Cancelling,
    Cancelled,
}

impl Status {
    /// As the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Waiting => "waiting",
            Status::Working => "working",
            Status::Done => "done",
            Status::Error => "error",
            Status::Cancelling => "cancelling",
            Status::Cancelled => "cancelled",
        }
    }

    /// Nothing will change any more.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Done | Status::Error | Status::Cancelled)
    }
}

/// What jobs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A query's rows into a data source.
    Copy,
    /// A query's rows out of the workspace.
    Sink,
    /// Rows of a body or of a URL into a data source.
    Import,
    /// Rows of a data source go.
    DeleteData,
    /// Rows in quarantine are tried again.
    ReplayQuarantine,
    /// A materialized view is filled.
    PopulateView,
    /// Rows of the workspace come into a branch.
    DataBranch,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 7] = [
        Kind::Copy,
        Kind::Sink,
        Kind::Import,
        Kind::DeleteData,
        Kind::ReplayQuarantine,
        Kind::PopulateView,
        Kind::DataBranch,
    ];

    /// As the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Copy => "copy",
            Kind::Sink => "sink",
            Kind::Import => "import",
            Kind::DeleteData => "delete_data",
            Kind::ReplayQuarantine => "replay_quarantine",
            Kind::PopulateView => "populateview",
            Kind::DataBranch => "data_branch",
        }
    }
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Id.
    pub id: String,
    /// `import`, `delete_data`, …
    pub kind: String,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for, in microseconds.
    pub created: i64,
    /// When it began.
    pub started: Option<i64>,
    /// When it last changed.
    pub updated: i64,
    /// How far it is, in percent, when that is known.
    #[serde(default)]
    pub progress: Option<f64>,
    /// What is particular to its kind.
    pub details: Map<String, Json>,
}

impl Job {
    /// A job that waits.
    pub fn new(id: String, kind: Kind, details: Map<String, Json>, now: i64) -> Job {
        Job {
            id,
            kind: kind.name().to_owned(),
            status: Status::Waiting,
            error: None,
            created: now,
            started: None,
            updated: now,
            progress: None,
            details,
        }
    }

    /// The job's end.
    pub fn finish(&mut self, outcome: Result<Map<String, Json>, String>, now: i64) {
        self.updated = now;
        match outcome {
            Ok(details) => {
                self.status = Status::Done;
                self.details.extend(details);
            }
            Err(error) => {
                self.status = Status::Error;
                self.error = Some(error);
            }
        }
    }

    /// A detail's text.
    pub fn detail(&self, key: &str) -> &str {
        self.details
            .get(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// Name of the data source that it writes to.
    pub fn target(&self) -> Option<&str> {
        self.details.get("datasource")?.get("name")?.as_str()
    }

    /// As a state of a row of `tinybird.jobs_log`.
    pub fn to_log(&self) -> Json {
        let time = |micros: i64| timestamp_of(micros).get(..23).map(str::to_owned);
        json!({
            "job_id": self.id,
            "job_type": self.kind,
            "status": self.status.name(),
            "error": self.error,
            "pipe_id": self.detail("pipe_id"),
            "datasource_id": self.details.get("datasource").and_then(|d| d.get("id")),
            "created_at": time(self.created),
            "started_at": self.started.and_then(time),
            "updated_at": time(self.updated),
            "job_metadata": Json::Object(self.details.clone()).to_string(),
        })
    }

    /// As `/v0/jobs` shows it; `base` is the server's address.
    pub fn to_json(&self, base: &str) -> Json {
        let mut out = json!({
            "id": self.id,
            "job_id": self.id,
            "job_url": format!("{base}/v0/jobs/{}", self.id),
            "kind": self.kind,
            "status": self.status.name(),
            "created_at": timestamp_of(self.created),
            "started_at": self.started.map(timestamp_of),
            "updated_at": timestamp_of(self.updated),
            "is_cancellable": !self.status.is_over(),
            "block_log": [],
            "blocks": [],
        });
        match (self.status, self.progress) {
            (Status::Done, _) => out["progress_percentage"] = 100.0.into(),
            (_, Some(percent)) => out["progress_percentage"] = percent.into(),
            (Status::Working, None) => out["progress_percentage"] = 0.0.into(),
            _ => {}
        }
        if let Some(error) = &self.error {
            out["error"] = error.clone().into();
            out["errors"] = json!([error]);
        }
        for (key, value) in &self.details {
            out[key] = value.clone();
        }
        out
    }
}
