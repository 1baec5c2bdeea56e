//! Imports as jobs: from a URL, or of a body that need not be waited for.
//!
//! Invariant: the answer names a job at once; what is fetched is bounded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::append::format_of;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::http::unpack::unpack;
use crate::jobs::{Kind, NewJob, Running};
use crate::project::ingest::{self, BodyFormat, Ingested};
use crate::project::{DataSource, data_source_json};

/// How long fetching may take.
const FETCH_TIME: Duration = Duration::from_secs(600);

/// Where the rows of an import come from.
pub(super) enum Origin {
    /// They are fetched.
    Url(String),
    /// They are here.
    Body(Bytes),
}

/// Starts a job that brings rows into the data source.
pub(super) fn start(
    app: &Arc<App>,
    call: &Call,
    source: &Arc<DataSource>,
    from: Origin,
    replace: bool,
) -> Handled {
    let url = match &from {
        Origin::Url(url) => url.as_str(),
        Origin::Body(_) => "",
    };
    let rows = match &from {
        Origin::Url(_) => Bytes::new(),
        Origin::Body(rows) => rows.clone(),
    };
    if let Origin::Url(url) = &from {
        check_url(url)?;
    }
    let mut details = Map::new();
    details.insert(
        "datasource".to_owned(),
        json!({ "id": source.id, "name": source.name }),
    );
    details.insert("url".to_owned(), url.into());
    details.insert(
        "mode".to_owned(),
        if replace { "replace" } else { "append" }.into(),
    );
    let work = Work {
        app: Arc::clone(app),
        source: Arc::clone(source),
        replace,
        condition: call.query.said("replace_condition").map(str::to_owned),
        format: format_of(call, &with_ending(&call.query, url), &rows)?,
        from,
    };
    let new = NewJob {
        beside: true,
        ..NewJob::of(Kind::Import, details)
    };
    let job = app.jobs.submit(new, move |running| work.run(running));
    let job = job.to_json(&call.base_url());
    Ok(Reply::json(&json!({
        "id": job["id"],
        "import_id": job["id"],
        "job_id": job["id"],
        "job_url": job["job_url"],
        "status": job["status"],
        "job": job,
        "datasource": data_source_json(&app.project, source),
    })))
}

/// The parameters, with a format from the URL's ending when they name none.
fn with_ending(params: &Params, url: &str) -> Params {
    let mut out = params.clone();
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.strip_suffix(".gz").unwrap_or(path);
    for (ending, format) in [
        (".csv", "csv"),
        (".ndjson", "ndjson"),
        (".jsonl", "ndjson"),
        (".json", "ndjson"),
        (".parquet", "parquet"),
    ] {
        if params.said("format").is_none() && path.ends_with(ending) {
            out.push("format", format);
        }
    }
    out
}

struct Work {
    app: Arc<App>,
    source: Arc<DataSource>,
    from: Origin,
    replace: bool,
    condition: Option<String>,
    format: BodyFormat,
}

fn check_url(url: &str) -> Handled<()> {
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(()),
        false => Err(Failure::bad(format!("'{url}' is no http or https URL"))),
    }
}

/// What is behind a URL, unpacked.
pub(super) fn fetch(app: &App, url: &str) -> Handled<Bytes> {
    check_url(url)?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(FETCH_TIME))
        .build()
        .into();
    let limits = &app.config.limits;
    let failed = |e: ureq::Error| Failure::bad(format!("cannot fetch {url}: {e}"));
    let mut response = agent.get(url).call().map_err(failed)?;
    let body = response
        .body_mut()
        .with_config()
        .limit(limits.body_bytes as u64);
    let body = Bytes::from(body.read_to_vec().map_err(failed)?);
    let is_packed = url.ends_with(".gz") && body.starts_with(&[0x1f, 0x8b]);
    unpack(body, is_packed.then_some("gzip"), limits.unpacked_bytes)
}

impl Work {
    fn run(&self, running: &Running) -> crate::jobs::Outcome {
        let body = match &self.from {
            Origin::Url(url) => fetch(&self.app, url).map_err(|f| f.message)?,
            Origin::Body(rows) => rows.clone(),
        };
        let project = &self.app.project;
        let ending = running.ending(told);
        let done = if self.replace {
            let condition = self.condition.as_deref();
            ingest::replace(
                project,
                &self.source,
                &body,
                &self.format,
                condition,
                ending,
            )
        } else {
            ingest::append(project, &self.source, &body, &self.format, ending)
        };
        let done = done.map_err(|e| e.to_string())?;
        self.app
            .metrics
            .ingested(done.rows, done.quarantined, done.bytes);
        Ok(told(&done))
    }
}

/// What a job tells of an import.
fn told(done: &Ingested) -> Map<String, Json> {
    let statistics = json!({ "bytes": done.bytes, "row_count": done.rows });
    let blocks = json!([{ "block_id": "0", "status": "done" }]);
    Map::from_iter([
        ("import_id".to_owned(), done.import_id.clone().into()),
        ("quarantine_rows".to_owned(), done.quarantined.into()),
        ("invalid_lines".to_owned(), done.invalid.into()),
        ("statistics".to_owned(), statistics),
        ("block_log".to_owned(), blocks),
        ("errors".to_owned(), Json::Array(Vec::new())),
    ])
}
