//! Copies: a query's rows into a data source; all of them, or those that new rows of its source make.
//!
//! Invariant: the rows, what views make of them, the end of the rows they replace, how far the
//! source was read and the end of the job are one commit; a copy that fails changes nothing.

use std::sync::Arc;
use std::time::Instant;

use roost::interpret::{Also, WriteOptions, Written};
use roost::session::{QueryRequest, QuerySummary};
use serde_json::{Map, Value as Json, json};

use super::runs::{Did, Runs};
use super::{Job, Kind, NewJob, Outcome, Running};
use crate::project::{COPY, CopyMode, DataSource, Increment, Resolver};
use crate::store::Store;
use crate::template::Variables;

impl Runs {
    pub(super) fn run_copy(
        &self,
        pipe: &str,
        variables: Variables,
        mode: Option<CopyMode>,
        running: &Running,
    ) -> Outcome {
        let started = Instant::now();
        let pipe = self.pipe_now(pipe, COPY)?;
        let node = pipe.job_node().ok_or("the pipe is no copy pipe any more")?;
        let target = self.target(node).map_err(|e| e.to_string())?;
        let usual = node.copy_mode();
        let mode = mode.unwrap_or(usual);
        let resolver = self.resolver(&pipe, node, variables);
        let reads_on = match mode {
            CopyMode::Append => false,
            CopyMode::Replace => usual == CopyMode::Incremental || self.project.reads_on(&pipe),
            CopyMode::Incremental => true,
        };
        let increment = || match reads_on {
            false => Ok(None),
            true => {
                let query = resolver.inline(&pipe, node).map_err(|e| format!("{e:?}"))?;
                let all = mode == CopyMode::Replace;
                let increment = self.project.increment((&pipe, &target), &query, all);
                increment.map(Some).map_err(|e| e.to_string())
            }
        };
        let written = increment().and_then(|i| self.writing(&target, (mode, i), running));
        let outcome = written.and_then(|request| {
            let statement = |sql: &str| insert(&self.project.store, &target, sql);
            self.run(statement, (&pipe, node), &resolver, request, |r| {
                self.project.store.run(r)
            })
        });
        self.end(running, (Some(&pipe), &target), started, outcome)
    }

    /// Queues a copy of the caller's own query; its names were checked by `resolver`.
    pub fn copy_sql(&self, target: &Arc<DataSource>, sql: String, resolver: Arc<Resolver>) -> Job {
        let mut details = Map::new();
        details.insert(
            "datasource".to_owned(),
            json!({ "id": target.id, "name": target.name }),
        );
        details.insert("sql".to_owned(), sql.clone().into());
        let new = NewJob::of(Kind::Copy, details);
        let (runs, target) = (self.clone(), Arc::clone(target));
        self.jobs.submit(new, move |running| {
            let started = Instant::now();
            let written = runs.writing(&target, (CopyMode::Append, None), running);
            let outcome = written.and_then(|request| {
                let request = QueryRequest {
                    sql: insert(
                        &runs.project.store,
                        &target,
                        sql.trim_end().trim_end_matches(';'),
                    ),
                    parameters: resolver.secret_values(),
                    resolver: Some(resolver as _),
                    ..request
                };
                let done = runs.project.store.run(request);
                done.map_err(|e| format!("{e:?}"))
            });
            runs.end(running, (None, &target), started, outcome)
        })
    }

    fn end(
        &self,
        running: &Running,
        (pipe, target): (Option<&crate::project::Pipe>, &DataSource),
        started: Instant,
        outcome: Result<QuerySummary, String>,
    ) -> Outcome {
        let outcome = outcome.map(|summary| Did {
            details: written(summary.written_rows, summary.written_bytes),
            summary,
        });
        self.note_operation(running, ("copy", pipe, target), started, &outcome);
        outcome.map(|did| did.details)
    }

    /// A request that writes to `target` and ends the job in the same commit.
    fn writing(
        &self,
        target: &DataSource,
        (mode, increment): (CopyMode, Option<Increment>),
        running: &Running,
    ) -> Result<QueryRequest, String> {
        let store = &self.project.store;
        let table = store.table(&target.name);
        let table = table.ok_or_else(|| format!("Data Source \"{}\" has no table", target.name))?;
        let mut go_on = || running.go_on();
        let replace = match mode {
            CopyMode::Append | CopyMode::Incremental => None,
            CopyMode::Replace => {
                let hold = store.database().engine().hold(&table, &mut go_on);
                Some(hold.map_err(|e| e.to_string())?)
            }
        };
        let over = increment.as_ref().map_or_else(Vec::new, |i| i.over.clone());
        let end = running.done_with(|w| written(w.rows, w.bytes));
        let also = end.map(|end| {
            Arc::new(move |w: &Written| {
                let over = over.iter().map(|key| (key.clone(), None));
                end(w).into_iter().chain(over).collect()
            }) as Also
        });
        Ok(QueryRequest {
            query_id: Some(running.id.clone()),
            cancel: running.cancel.clone(),
            write: WriteOptions {
                replace,
                since: increment.map(|i| i.since),
                by_name: true,
                also,
                ..WriteOptions::default()
            },
            ..QueryRequest::default()
        })
    }
}

fn insert(store: &Store, target: &DataSource, sql: &str) -> String {
    format!("INSERT INTO {}\n{sql}", store.at(&target.name))
}

fn written(rows: u64, bytes: u64) -> Map<String, Json> {
    let mut out = Map::new();
    out.insert(
        "statistics".to_owned(),
        json!({ "row_count": rows, "bytes": bytes }),
    );
    out
}
