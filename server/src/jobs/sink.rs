//! Sinks: a query's rows out of the workspace, into files of a folder, to a webhook or to Kafka.
//!
//! Buckets of a cloud are accepted as definitions; running them ends in NOT_IMPLEMENTED.
//!
//! Invariant: every run leaves a line in `tinybird.sinks_ops_log`; one that fails leaves no file.

use std::time::Instant;

use roost::session::{QueryRequest, QuerySummary};
use serde_json::{Map, Value as Json, json};

use super::files::{Files, Place};
use super::publish::{self, Plan};
use super::runs::{Did, Runs};
use super::topic::Topic;
use super::webhook::{Hook, Posts};
use super::{Outcome, Running};
use crate::project::{Node, Pipe, SINK};
use crate::store::iso_seconds;
use crate::template::Variables;

impl Runs {
    pub(super) fn run_sink(
        &self,
        pipe: &str,
        variables: Variables,
        token: &str,
        running: &Running,
    ) -> Outcome {
        let started = Instant::now();
        let pipe = self.pipe_now(pipe, SINK)?;
        let node = pipe.job_node().ok_or("the pipe is no sink pipe any more")?;
        let topic = Topic::of(node, &self.project.snapshot());
        let outcome = match (topic, Hook::of(node)) {
            (Some(topic), _) => {
                topic.and_then(|t| self.produce(&t, (&pipe, node), variables.clone(), running))
            }
            (None, Some(hook)) => {
                hook.and_then(|h| self.post(&h, (&pipe, node), variables.clone(), running))
            }
            (None, None) => self.write_files(&pipe, node, variables.clone(), running),
        };
        self.note_sink(
            running,
            (&pipe, node),
            (variables, token),
            started,
            &outcome,
        );
        outcome.map(|did| did.details)
    }

    /// A query that is the job's.
    fn request(&self, running: &Running) -> QueryRequest {
        QueryRequest {
            query_id: Some(running.id.clone()),
            database: Some(self.project.store.data().to_owned()),
            cancel: running.cancel.clone(),
            ..QueryRequest::default()
        }
    }

    fn write_files(
        &self,
        pipe: &Pipe,
        node: &Node,
        variables: Variables,
        running: &Running,
    ) -> Result<Did, String> {
        let place = Place::of(node, self.folder.as_ref(), &pipe.name)?;
        let waiting = publish::go_on_with_left(&self.jobs, place.folder());
        let resolver = self.resolver(pipe, node, variables);
        let mut files = Files::new(&place, &running.id);
        let request = self.request(running);
        let database = self.project.store.database();
        let summary = self.run(
            |sql| place.statement(sql),
            (pipe, node),
            &resolver,
            request,
            |request| database.session().run_rows(request, &mut files),
        )?;
        let written = files.end(&waiting).map_err(|e| e.to_string())?;
        let bytes = written.iter().map(|(_, _, bytes)| bytes).sum::<u64>();
        let paths = written.iter().map(|(_, to, _)| place.shown(to));
        let paths: Vec<String> = paths.collect();
        let mut details = Map::new();
        details.insert("output".to_owned(), json!(paths));
        details.insert(
            "statistics".to_owned(),
            json!({ "row_count": summary.result_rows, "bytes": bytes }),
        );
        let moves = written.into_iter().map(|(from, to, _)| (from, to));
        let plan = Plan {
            id: running.id.clone(),
            moves: moves.collect(),
            details: details.clone(),
        };
        // Once the plan may be stored, the files are its.
        files.give_up();
        let published = plan.publish(place.folder(), running);
        published.map_err(|e| e.to_string())?;
        let summary = QuerySummary {
            written_rows: summary.result_rows,
            written_bytes: bytes,
            ..summary
        };
        Ok(Did { summary, details })
    }

    fn post(
        &self,
        hook: &Hook,
        (pipe, node): (&Pipe, &Node),
        variables: Variables,
        running: &Running,
    ) -> Result<Did, String> {
        let resolver = self.resolver(pipe, node, variables);
        let mut posts = Posts::new(hook, running);
        let request = self.request(running);
        let database = self.project.store.database();
        let summary = self.run(str::to_owned, (pipe, node), &resolver, request, |request| {
            database.session().run_rows(request, &mut posts)
        })?;
        let mut details = Map::new();
        details.insert("output".to_owned(), json!([hook.url]));
        details.insert("batches".to_owned(), posts.batches.into());
        let statistics = json!({ "row_count": posts.rows_sent, "bytes": posts.bytes });
        details.insert("statistics".to_owned(), statistics);
        let summary = QuerySummary {
            written_rows: posts.rows_sent,
            written_bytes: posts.bytes,
            ..summary
        };
        Ok(Did { summary, details })
    }

    fn produce(
        &self,
        topic: &Topic,
        (pipe, node): (&Pipe, &Node),
        variables: Variables,
        running: &Running,
    ) -> Result<Did, String> {
        let resolver = self.resolver(pipe, node, variables);
        let mut messages = topic.open(running)?;
        let request = self.request(running);
        let database = self.project.store.database();
        let summary = self.run(str::to_owned, (pipe, node), &resolver, request, |request| {
            database.session().run_rows(request, &mut messages)
        })?;
        let mut details = Map::new();
        details.insert("output".to_owned(), json!([topic.name]));
        let statistics = json!({ "row_count": messages.rows_sent, "bytes": messages.bytes });
        details.insert("statistics".to_owned(), statistics);
        let summary = QuerySummary {
            written_rows: messages.rows_sent,
            written_bytes: messages.bytes,
            ..summary
        };
        Ok(Did { summary, details })
    }

    fn note_sink(
        &self,
        running: &Running,
        (pipe, node): (&Pipe, &Node),
        (variables, token): (Variables, &str),
        started: Instant,
        outcome: &Result<Did, String>,
    ) {
        let nothing = Did::default();
        let did = outcome.as_ref().unwrap_or(&nothing);
        let text = |(key, value): (String, Json)| match value {
            Json::String(text) => (key, Json::String(text)),
            other => (key, other.to_string().into()),
        };
        let parameters: Map<String, Json> = variables.into_iter().map(text).collect();
        let now = self.project.store.clock().now_micros();
        self.jobs.log().note(
            "sinks_ops_log",
            json!({
                "timestamp": iso_seconds(now, ' '),
                "job_id": running.id,
                "service": node.setting("service").unwrap_or_default(),
                "pipe_name": pipe.name,
                "pipe_id": pipe.id,
                "result": if outcome.is_err() { "error" } else { "ok" },
                "error": outcome.as_ref().err(),
                "elapsed_time": started.elapsed().as_secs_f32(),
                "read_rows": did.summary.read_rows,
                "read_bytes": did.summary.read_bytes,
                "written_rows": did.summary.written_rows,
                "written_bytes": did.summary.written_bytes,
                "output": did.details.get("output").cloned().unwrap_or(json!([])),
                "parameters": parameters,
                "options": node.settings,
                "token_name": token,
            }),
        );
    }
}
