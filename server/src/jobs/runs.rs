//! Runs of pipes that write, as jobs: what copies and sinks have in common.
//!
//! Invariant: a run does what the pipe says when it begins, not when it was asked for; runs of one pipe
//! follow each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use roost::interpret::WriteOptions;
use roost::session::{QueryRequest, QuerySummary};
use roost_engine::error::Code;
use serde_json::{Map, Value as Json, json};

use super::{Folder, Job, Jobs, Kind, NewJob, Outcome, Running};
use crate::project::ingest::{self, Ingested};
use crate::project::{
    COPY, CopyMode, DataSource, Node, Pipe, Project, ProjectError, Request, Resolver, Result, Root,
    SINK, TARGET,
};
use crate::store::{Entry, iso_seconds};
use crate::template::Variables;
use crate::tokens::Access;

/// What is asked of a run of a copy.
#[derive(Debug, Clone, Default)]
pub struct CopyRun {
    /// Parameters of the templates.
    pub variables: Variables,
    /// How to write, when not as the node says.
    pub mode: Option<CopyMode>,
    /// What is stored together with the job.
    pub with: Vec<Entry>,
}

/// What is asked of a run of a sink.
#[derive(Debug, Clone, Default)]
pub struct SinkRun {
    /// Parameters of the templates.
    pub variables: Variables,
    /// Name of the token that asked, for the log.
    pub token: String,
    /// What is stored together with the job.
    pub with: Vec<Entry>,
}

/// What runs need.
#[derive(Clone)]
pub struct Runs {
    /// The workspace.
    pub project: Arc<Project>,
    /// The jobs.
    pub jobs: Arc<Jobs>,
    /// Where sinks may write files; nowhere without.
    pub folder: Option<Folder>,
}

/// What a run did, for its log.
#[derive(Debug, Default)]
pub(super) struct Did {
    pub(super) summary: QuerySummary,
    pub(super) details: Map<String, Json>,
}

impl Runs {
    /// Queues a run of a copy pipe.
    ///
    /// # Errors
    /// When the pipe is none, or its target is not there.
    pub fn copy(&self, pipe: &Pipe, run: CopyRun) -> Result<Job> {
        let node = node_of(pipe, COPY)?;
        let target = self.target(node)?;
        let mode = run.mode.unwrap_or_else(|| node.copy_mode());
        let mut details = details_of(pipe, &run.variables);
        details.insert("mode".to_owned(), mode.name().into());
        details.insert(
            "datasource".to_owned(),
            json!({ "id": target.id, "name": target.name }),
        );
        let new = job_of(pipe, Kind::Copy, details, run.with);
        let (runs, id) = (self.clone(), pipe.id.clone());
        Ok(self.jobs.submit(new, move |running| {
            runs.run_copy(&id, run.variables, run.mode, running)
        }))
    }

    /// Queues a run of a sink pipe.
    ///
    /// # Errors
    /// When the pipe is none.
    pub fn sink(&self, pipe: &Pipe, run: SinkRun) -> Result<Job> {
        let node = node_of(pipe, SINK)?;
        let mut details = details_of(pipe, &run.variables);
        let service = node.setting("service").unwrap_or_default();
        details.insert("service".to_owned(), service.into());
        let new = job_of(pipe, Kind::Sink, details, run.with);
        let (runs, id) = (self.clone(), pipe.id.clone());
        Ok(self.jobs.submit(new, move |running| {
            runs.run_sink(&id, run.variables, &run.token, running)
        }))
    }

    /// Deletes the rows for which a condition holds; the work of a job.
    ///
    /// # Errors
    /// What the database says; nothing was deleted then.
    pub fn delete(&self, source: &DataSource, condition: &str, running: &Running) -> Outcome {
        let started = Instant::now();
        let store = &self.project.store;
        let table = store.at(&source.name);
        let told = |rows: u64| Map::from_iter([("rows_affected".to_owned(), rows.into())]);
        let affected = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&affected);
        let request = || QueryRequest {
            sql: format!("DELETE FROM {table} WHERE {condition}"),
            cancel: running.cancel.clone(),
            write: WriteOptions {
                also: running.done_with({
                    let seen = Arc::clone(&seen);
                    move |w| {
                        seen.store(w.rows, Ordering::Relaxed);
                        told(w.rows)
                    }
                }),
                ..WriteOptions::default()
            },
            ..QueryRequest::default()
        };
        let mut done = store.run(request());
        // The rows moved to another table before they could be deleted.
        for _ in 0..3 {
            if done.as_ref().is_err_and(|e| e.code() == Code::ABORTED) {
                done = store.run(request());
            }
        }
        let done = done.map_err(|e| format!("{e:?}"));
        let outcome = done.map(|summary| Did {
            summary,
            details: told(affected.load(Ordering::Relaxed)),
        });
        self.note_operation(running, ("deletedata", None, source), started, &outcome);
        outcome.map(|did| did.details)
    }

    /// Tries the rows in a data source's quarantine again; the work of a job.
    ///
    /// # Errors
    /// What the database says; all rows are where they were then.
    pub fn replay(&self, source: &Arc<DataSource>, running: &Running) -> Outcome {
        let started = Instant::now();
        let mut go_on = || running.go_on();
        let told = |done: &Ingested| {
            let statistics = json!({ "row_count": done.rows, "bytes": done.bytes });
            Map::from_iter([
                ("statistics".to_owned(), statistics),
                ("quarantine_rows".to_owned(), done.quarantined.into()),
            ])
        };
        let done = ingest::replay(&self.project, source, running.ending(told), &mut go_on);
        let outcome = done.map_err(|e| e.to_string()).map(|done| {
            let details = told(&done);
            let summary = QuerySummary {
                written_rows: done.rows,
                ..QuerySummary::default()
            };
            Did { summary, details }
        });
        self.note_operation(running, ("replay", None, source), started, &outcome);
        outcome.map(|did| did.details)
    }

    /// The data source that a copy node writes to.
    pub fn target(&self, node: &Node) -> Result<Arc<DataSource>> {
        let key = node.setting(TARGET).unwrap_or_default();
        let state = self.project.snapshot();
        state.data_source(key).cloned().ok_or_else(|| {
            ProjectError::NotFound(format!(
                "Data Source \"{key}\", the target of node {}, does not exist",
                node.name
            ))
        })
    }

    /// The pipe as it is now, with the node that is run.
    pub(super) fn pipe_now(&self, id: &str, kind: &str) -> std::result::Result<Arc<Pipe>, String> {
        let pipe = self.project.snapshot().pipe(id).cloned();
        let pipe = pipe.ok_or("the pipe was dropped before the job began")?;
        node_of(&pipe, kind).map_err(|e| e.to_string())?;
        Ok(pipe)
    }

    /// A node's names and parameters, with all rights.
    pub(super) fn resolver(&self, pipe: &Pipe, node: &Node, variables: Variables) -> Arc<Resolver> {
        let now = self.project.store.clock().now_micros();
        Arc::new(Resolver::new(
            &self.project,
            Request {
                access: Access::admin(),
                variables,
                root: Root::Node {
                    pipe: pipe.name.clone(),
                    node: node.name.clone(),
                },
                pipeline: None,
                now: iso_seconds(now, ' '),
            },
        ))
    }

    /// Runs a statement around the node's query.
    pub(super) fn run(
        &self,
        statement: impl FnOnce(&str) -> String,
        (pipe, node): (&Pipe, &Node),
        resolver: &Arc<Resolver>,
        request: QueryRequest,
        execute: impl FnOnce(QueryRequest) -> roost_engine::error::Result<QuerySummary>,
    ) -> std::result::Result<QuerySummary, String> {
        let rendered = resolver
            .render_node(pipe, node)
            .map_err(|e| format!("node {}: {}", node.name, e.message))?;
        let mut settings = request.settings.clone();
        if let Some(threads) = rendered.max_threads {
            settings.push(("max_threads".to_owned(), threads.to_string()));
        }
        let request = QueryRequest {
            sql: statement(rendered.sql.trim_end().trim_end_matches(';')),
            settings,
            parameters: resolver.secret_values(),
            resolver: Some(Arc::clone(resolver) as _),
            ..request
        };
        execute(request).map_err(|e| match resolver.take_failure() {
            Some(template) => template.message,
            None => format!("{e:?}"),
        })
    }

    /// Leaves a line of a copy in the operations log.
    pub(super) fn note_operation(
        &self,
        running: &Running,
        (event, pipe, source): (&str, Option<&Pipe>, &DataSource),
        started: Instant,
        outcome: &std::result::Result<Did, String>,
    ) {
        let nothing = Did::default();
        let did = outcome.as_ref().unwrap_or(&nothing);
        let now = self.project.store.clock().now_micros();
        self.jobs.log().note(
            "datasources_ops_log",
            json!({
                "timestamp": iso_seconds(now, ' '),
                "event_type": event,
                "datasource_id": source.id,
                "datasource_name": source.name,
                "result": if outcome.is_err() { "error" } else { "ok" },
                "elapsed_time": started.elapsed().as_secs_f32(),
                "error": outcome.as_ref().err(),
                "request_id": running.id,
                "job_id": running.id,
                "rows": did.summary.written_rows,
                "operation_id": running.id,
                "read_rows": did.summary.read_rows,
                "read_bytes": did.summary.read_bytes,
                "memory_usage": did.summary.memory_peak,
                "written_rows": did.summary.written_rows,
                "written_bytes": did.summary.written_bytes,
                "pipe_id": pipe.map_or("", |p| p.id.as_str()),
                "pipe_name": pipe.map_or("", |p| p.name.as_str()),
            }),
        );
    }
}

fn node_of<'a>(pipe: &'a Pipe, kind: &str) -> Result<&'a Node> {
    let node = pipe.job_node().filter(|n| n.kind == kind);
    node.ok_or_else(|| ProjectError::Bad(format!("Pipe \"{}\" is no {kind} pipe", pipe.name)))
}

/// The job of a pipe's run; a pipe does not overlap itself.
fn job_of(pipe: &Pipe, kind: Kind, details: Map<String, Json>, with: Vec<Entry>) -> NewJob {
    NewJob {
        key: Some(pipe.id.clone()),
        with,
        ..NewJob::of(kind, details)
    }
}

fn details_of(pipe: &Pipe, variables: &Variables) -> Map<String, Json> {
    let parameters: Map<String, Json> = variables
        .iter()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut out = Map::new();
    out.insert("pipe_id".to_owned(), pipe.id.clone().into());
    out.insert("pipe_name".to_owned(), pipe.name.clone().into());
    out.insert("parameters".to_owned(), Json::Object(parameters));
    out
}
