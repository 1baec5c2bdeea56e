//! `/v0/pipes/NAME.json` and its kin: a published pipe's result.
//!
//! Invariant: every call leaves a line in `tinybird.pipe_stats_rt`, failed ones too.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use roost::session::QuerySummary;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::Answer;
use super::routes::Ask;
use super::sql::{format_of, variables};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::outlet::Outlet;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled};
use crate::http::run::{Statement, run as run_statement, settings};
use crate::project::{Pipe, Request, Resolver, Root};
use crate::store::{iso_seconds, now_micros};
use crate::template::Variables;
use crate::tokens::{Access, Rows};

/// Runs the endpoint of `pipe`.
pub(super) fn run(a: &Ask<'_>, outlet: &mut Outlet) -> Handled<Answer> {
    let started = Instant::now();
    let (app, call, access) = (a.app, a.call, a.access);
    let (pipe, ending) = (a.part(0), a.part(1));
    let format = format_of(ending);
    let format = format.ok_or_else(|| Failure::not_found(format!("unknown format '.{ending}'")))?;
    let state = app.project.snapshot();
    let found = state.pipe(pipe).cloned();
    let pipe = found.filter(|p| p.endpoint.is_some()).ok_or_else(|| {
        Failure::not_found(format!(
            "The pipe '{pipe}' does not exist or has no endpoint"
        ))
    })?;
    let (values, q) = parameters(call);
    let outcome = query(app, call, &pipe, format, access, values.clone(), q, outlet);
    note(app, call, &pipe, access, values, started, &outcome);
    outcome.map(|_| Answer::Written)
}

/// Parameters of the query string and of the body, and `q`.
pub(super) fn parameters(call: &Call) -> (Variables, Option<String>) {
    let mut values = variables(&call.query);
    let mut q = call.query.said("q").map(str::to_owned);
    if let Ok(Json::Object(map)) = serde_json::from_slice(&call.body) {
        for (key, value) in map {
            match (key.as_str(), value) {
                ("q", Json::String(text)) => q = Some(text),
                ("token", _) => {}
                (_, value) => {
                    values.insert(key, value);
                }
            }
        }
    } else if !call.body.is_empty() {
        let form = Params::parse(call.text().trim());
        q = form.said("q").map(str::to_owned).or(q);
        values.extend(variables(&form));
    }
    (values, q)
}

#[allow(clippy::too_many_arguments, reason = "the parts of one request")]
fn query(
    app: &App,
    call: &Call,
    pipe: &Pipe,
    format: &str,
    access: &Access,
    values: Variables,
    q: Option<String>,
    outlet: &mut Outlet,
) -> Handled<QuerySummary> {
    let node = pipe.endpoint_node();
    let node =
        node.ok_or_else(|| Failure::not_found(format!("'{}' has no endpoint", pipe.name)))?;
    let rows = access.rows_of_pipe(&pipe.name);
    if rows == Rows::Denied {
        return Err(Failure::forbidden(format!(
            "The token '{}' may not read the pipe '{}'",
            access.name, pipe.name
        )));
    }
    let root = match q {
        None if rows == Rows::All => Root::Node {
            pipe: pipe.name.clone(),
            node: node.name.clone(),
        },
        _ => Root::Caller,
    };
    let is_node = root != Root::Caller;
    let resolver = Arc::new(Resolver::new(
        &app.project,
        Request {
            access: access.clone(),
            variables: values,
            root,
            pipeline: Some(pipe.name.clone()),
            now: iso_seconds(now_micros(), ' '),
        },
    ));
    let mut settings = settings(app, call);
    let sql = if !is_node {
        resolver.check(q.as_deref().unwrap_or("SELECT * FROM _"))?
    } else if access.has_filters() {
        match resolver.inline(pipe, node) {
            Ok(query) => query.to_string(),
            Err(e) => {
                return Err(match resolver.take_failure() {
                    Some(template) => template.into(),
                    None => e.into(),
                });
            }
        }
    } else {
        let rendered = resolver.render_node(pipe, node)?;
        if let Some(threads) = rendered.max_threads {
            settings.push(("max_threads".to_owned(), threads.to_string()));
        }
        rendered.sql
    };
    let statement = Statement {
        sql,
        default_format: Some(format.to_owned()),
        settings,
        resolver,
    };
    let summary = run_statement(app, call, statement, outlet)?;
    let kind = match format {
        "JSON" => "application/json",
        "CSVWithNames" => "text/csv",
        "JSONEachRow" => "application/x-ndjson",
        "Parquet" => "application/vnd.apache.parquet",
        _ => "text/plain",
    };
    outlet.header("Content-Type", kind);
    Ok(summary)
}

fn note(
    app: &App,
    call: &Call,
    pipe: &Pipe,
    access: &Access,
    values: Variables,
    started: Instant,
    outcome: &Handled<QuerySummary>,
) {
    let summary = outcome.as_ref().ok().cloned().unwrap_or_default();
    let failure = outcome.as_ref().err();
    let line = Line {
        start_datetime: &iso_seconds(now_micros(), ' '),
        pipe_id: &pipe.id,
        pipe_name: &pipe.name,
        token: &access.id,
        token_name: &access.name,
        duration: started.elapsed().as_secs_f32(),
        read_bytes: summary.read_bytes,
        read_rows: summary.read_rows,
        result_rows: summary.result_rows,
        url: &without_token(&call.target),
        error: u8::from(failure.is_some()),
        error_message: failure.map(|f| &*f.message),
        status_code: failure.map_or(200, |f| f.status),
        request_id: &call.id,
        parameters: Texts(&values),
        method: call.method.as_str(),
        user_agent: call.header("user-agent"),
        client_ip: call.peer.ip(),
        memory_usage: summary.memory_peak,
    };
    app.log.note("pipe_stats_rt", line);
}

/// A row of `pipe_stats_rt`.
#[derive(Serialize)]
struct Line<'a> {
    start_datetime: &'a str,
    pipe_id: &'a str,
    pipe_name: &'a str,
    token: &'a str,
    token_name: &'a str,
    duration: f32,
    read_bytes: u64,
    read_rows: u64,
    result_rows: u64,
    url: &'a str,
    error: u8,
    error_message: Option<&'a str>,
    status_code: u16,
    request_id: &'a str,
    parameters: Texts<'a>,
    method: &'a str,
    user_agent: Option<&'a str>,
    client_ip: IpAddr,
    memory_usage: u64,
}

/// Parameters, each as the text of its value.
struct Texts<'a>(&'a Variables);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| {
            let text = match value {
                Json::String(text) => Cow::Borrowed(text.as_str()),
                other => Cow::Owned(other.to_string()),
            };
            (key, text)
        }))
    }
}

/// The request's target without the secret in it.
fn without_token(target: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|p| !p.starts_with("token="))
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}
