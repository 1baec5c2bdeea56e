//! Copy and sink nodes: defined, run, rested; and copies of a query.
//!
//! Invariant: an answer to a run names its job; a schedule that cannot be read is refused where it is
//! given.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::branches;
use super::datasources;
use super::pipes::find;
use super::routes::Ask;
use super::sql::variables;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{CopyRun, Job, SinkRun};
use crate::project::{
    COPY, CRON, CopyMode, MODE, NewNode, Pipe, ProjectError, Request, Resolver, Root, SINK, TARGET,
    is_no_schedule, normalize, pipe_json,
};
use crate::schedule::Cron;
use crate::store::{iso_seconds, now_micros};

/// Refuses a copy or sink node that could never run.
pub(super) fn check(app: &App, node: &NewNode) -> Handled<()> {
    if node.kind != COPY && node.kind != SINK {
        return Ok(());
    }
    if let Some(cron) = node.settings.get(CRON) {
        Cron::parse(cron).map_err(Failure::bad)?;
    }
    if let Some(mode) = node.settings.get(MODE) {
        CopyMode::parse(mode)?;
    }
    match (node.kind.as_str(), node.settings.get(TARGET)) {
        (COPY, None) => Err(Failure::bad("The parameter 'target_datasource' is missing")),
        (COPY, Some(target)) => datasources::find(app, target).map(|_| ()),
        _ if node.settings.contains_key("service") => Ok(()),
        _ => Err(Failure::bad(
            "The parameter 'service' of the sink is missing",
        )),
    }
}

/// Makes a node a copy or a sink, or changes what it says.
pub(super) fn define(a: &Ask<'_>, kind: &str) -> Handled {
    let (app, call, pipe, node) = (a.app, a.call, a.part(0), a.part(1));
    let form = call.form();
    let found = find(app, pipe)?;
    let old = found.node(node).cloned();
    let old = old.ok_or_else(|| {
        Failure::not_found(format!("Node \"{node}\" of pipe \"{pipe}\" does not exist"))
    })?;
    if found.endpoint.is_some() {
        return Err(Failure::new(
            409,
            format!("Pipe \"{}\" is published: unpublish it first", found.name),
        ));
    }
    if let Some(other) = found.job_node().filter(|n| n.id != old.id) {
        let message = format!(
            "Pipe \"{}\" has a {} node: {}",
            found.name, other.kind, other.name
        );
        return Err(Failure::new(409, message));
    }
    let mut new = NewNode {
        kind: kind.to_owned(),
        settings: match old.kind == kind {
            true => old.settings,
            false => Default::default(),
        },
        ..NewNode::default()
    };
    for (key, value) in form
        .iter()
        .filter(|(k, _)| !matches!(*k, "token" | "cli_version"))
    {
        let ends_schedule = key == CRON && is_no_schedule(value);
        if ends_schedule {
            new.settings.remove(CRON);
        } else if !value.is_empty() {
            new.settings.insert(key.to_owned(), value.to_owned());
        }
    }
    normalize(&mut new);
    check(app, &new)?;
    let pipe = app.project.update_pipe(pipe, |pipe| {
        let node = pipe.nodes.iter_mut().find(|n| n.id == old.id);
        let node = node.ok_or_else(|| ProjectError::NotFound("the node is gone".to_owned()))?;
        node.kind = new.kind;
        node.settings = new.settings;
        Ok(())
    })?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

/// Makes a copy or sink node a standard one again.
pub(super) fn undefine(app: &App, pipe: &str, node: &str) -> Handled {
    app.project.update_pipe(pipe, |pipe| {
        let found = pipe
            .nodes
            .iter_mut()
            .find(|n| n.id == node || n.name == node);
        let found = found.filter(|n| n.kind == COPY || n.kind == SINK);
        let found = found
            .ok_or_else(|| ProjectError::NotFound(format!("Node \"{node}\" is no copy or sink")))?;
        found.kind = "standard".to_owned();
        found.settings.clear();
        Ok(())
    })?;
    Ok(Reply::empty(204))
}

/// The pipe of the path, with a node of that kind.
fn of_kind(a: &Ask<'_>, kind: &str) -> Handled<Arc<Pipe>> {
    let name = a.part(0);
    let pipe = find(a.app, name)?;
    match pipe.job_node().is_some_and(|n| n.kind == kind) {
        true => Ok(pipe),
        false => Err(Failure::bad(format!("Pipe \"{name}\" is no {kind} pipe"))),
    }
}

/// Runs a copy or sink pipe.
pub(super) fn run(a: &Ask<'_>, kind: &str) -> Handled {
    let (app, call, access) = (a.app, a.call, a.access);
    let pipe = &of_kind(a, kind)?;
    let mut values = variables(&call.form());
    let mut take = |name: &str| match values.remove(name) {
        Some(Json::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let mode = take("_mode").or_else(|| take("_copy_mode"));
    let mode = mode.map(|m| CopyMode::parse(&m)).transpose()?;
    let _ = (take("on_demand_compute"), take("_execution_type"));
    let job = match kind {
        COPY => app.runs.copy(
            pipe,
            CopyRun {
                variables: values,
                mode,
                ..CopyRun::default()
            },
        )?,
        _ => app.runs.sink(
            pipe,
            SinkRun {
                variables: values,
                token: access.name.clone(),
                ..SinkRun::default()
            },
        )?,
    };
    let mut out = pipe_json(&app.project, pipe);
    let job = job.to_json(&call.base_url());
    out["tags"] = match out.get("copy_target_datasource") {
        Some(target) => json!({ "copy_target_datasource": target }),
        None => json!({}),
    };
    out["job"] = job;
    Ok(Reply::json(&out))
}

/// Lets the schedule rest, or run again.
pub(super) fn set_rest(a: &Ask<'_>, kind: &str, rests: bool) -> Handled {
    let (app, pipe) = (a.app, of_kind(a, kind)?);
    if pipe.schedule().is_none() {
        return Err(Failure::bad(format!(
            "Pipe \"{}\" has no schedule",
            pipe.name
        )));
    }
    let pipe = app.project.update_pipe(&pipe.id, |pipe| {
        let writes = |n: &&mut crate::project::Node| n.kind == COPY || n.kind == SINK;
        if let Some(node) = pipe.nodes.iter_mut().find(writes) {
            node.rest(rests);
        }
        Ok(())
    })?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

/// Stops all runs of a pipe.
pub(super) fn cancel(a: &Ask<'_>, kind: &str) -> Handled {
    let (app, call, pipe) = (a.app, a.call, of_kind(a, kind)?);
    let runs = app
        .jobs
        .list(|j| j.detail("pipe_id") == pipe.id && !j.status.is_over());
    let stopped: Vec<Json> = runs
        .iter()
        .filter(|j| app.jobs.cancel(&j.id) == Some(true))
        .filter_map(|j| app.jobs.get(&j.id))
        .map(|j| j.to_json(&call.base_url()))
        .collect();
    let mut out = pipe_json(&app.project, &pipe);
    out["jobs"] = stopped.into();
    Ok(Reply::json(&out))
}

/// Copies the rows of the caller's query into a data source.
pub(super) fn copy_sql(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let to = call.query.said("copy_to");
    let to = to.ok_or_else(|| Failure::bad("The parameter 'copy_to' is missing"))?;
    let target = datasources::find(app, to)?;
    let text = call.text();
    let form = Params::parse(text.trim());
    let text = match form.said("q") {
        Some(q) if text.starts_with("q=") => q.to_owned(),
        _ => text,
    };
    if text.trim().is_empty() {
        return Err(Failure::bad("The body with the SQL is missing"));
    }
    let mut values = variables(&call.query);
    values.remove("copy_to");
    let resolver = Resolver::new(
        &app.project,
        Request {
            access: a.access.clone(),
            variables: values,
            root: Root::Caller,
            pipeline: None,
            now: iso_seconds(now_micros(), ' '),
        },
    );
    let resolver = Arc::new(match branches::main_rows(app, a.access) {
        Some(main) => resolver.with_main(main),
        None => resolver,
    });
    let rendered = resolver.render_text(&text)?;
    let sql = resolver.check(&rendered.sql)?;
    let job = app.runs.copy_sql(&target, sql, resolver);
    Ok(Reply::json(&started(call, &job)))
}

/// What a request that only starts a job is answered.
pub(super) fn started(call: &Call, job: &Job) -> Json {
    let job = job.to_json(&call.base_url());
    json!({
        "id": job["id"],
        "job_id": job["id"],
        "job_url": job["job_url"],
        "status": job["status"],
        "job": job,
    })
}
