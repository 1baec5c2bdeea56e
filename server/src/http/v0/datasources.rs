//! `/v0/datasources`.
//!
//! Invariant: a data source is named by its name or id everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value as Json, json};

use super::append::{Import, format_of, import, import_json, note, rows_of};
use super::import_url::Origin;
use super::routes::Ask;
use super::workspaces;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::multipart::is_multipart;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{Kind, NewJob};
use crate::project::ingest::Ingested;
use crate::project::{
    DataSource, NewDataSource, Request, Resolver, Root, data_source_json, data_source_text,
};
use crate::template::Variables;

pub(super) fn find(app: &App, name: &str) -> Handled<Arc<DataSource>> {
    let state = app.project.snapshot();
    let found = state.data_source(name).cloned();
    found.ok_or_else(|| Failure::not_found(format!("Data Source \"{name}\" does not exist")))
}

pub(super) fn list(a: &Ask<'_>) -> Handled {
    let state = a.app.project.snapshot();
    let all = state.data_sources.values();
    let seen = all.filter(|d| a.access.sees_data_source(&d.name));
    let mut all: Vec<Json> = seen.map(|d| data_source_json(&a.app.project, d)).collect();
    all.extend(workspaces::received(a.app, a.access));
    Ok(Reply::json(&json!({ "datasources": all })))
}

pub(super) fn detail(app: &App, name: &str) -> Handled {
    let source = find(app, name)?;
    Ok(Reply::json(&data_source_json(&app.project, &source)))
}

pub(super) fn file(app: &App, name: &str) -> Handled {
    let source = find(app, name)?;
    Ok(Reply::text(data_source_text(
        &app.project.snapshot(),
        &source,
    )))
}

pub(super) fn create_or_import(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let is_multipart = is_multipart(call.header("content-type").unwrap_or(""));
    let mode = call.query.said("mode");
    if matches!(mode, Some("append" | "replace")) {
        let name = call.query.said("name");
        let name = name.ok_or_else(|| Failure::bad("The parameter 'name' is missing"))?;
        return import_into(a, name, mode.unwrap_or("append"));
    }
    let form = if is_multipart {
        call.query.clone()
    } else {
        call.form()
    };
    if let Some(mode @ ("append" | "replace")) = form.said("mode") {
        let name = form.said("name").unwrap_or_default().to_owned();
        return import_into(a, &name, mode);
    }
    if let (Some(url), None) = (form.said("url"), form.said("schema")) {
        let rows = super::import_url::fetch(app, url)?;
        let name = form.said("name").unwrap_or("datasource");
        let source = super::analyze::create_from(app, name, &rows)?;
        return super::import_url::start(app, call, &source, Origin::Url(url.to_owned()), false);
    }
    let from_rows = form.said("schema").is_none() && !call.body.is_empty();
    let source = if from_rows {
        let rows = rows_of(call)?;
        let name = form.said("name").unwrap_or("datasource");
        let source = super::analyze::create_from(app, name, &rows)?;
        let what = Import {
            event: "create",
            replace: false,
            condition: None,
            format: format_of(call, &form, &rows)?,
        };
        let done = import(app, call, &source, &rows, &what)?;
        return Ok(Reply::json(&import_json(app, &source, &done)));
    } else {
        app.project.create_data_source(new_data_source(&form)?)?
    };
    note(
        app,
        call,
        &source,
        "create",
        Instant::now(),
        &Ingested::default(),
        None,
    );
    Ok(Reply::json(&json!({
        "datasource": data_source_json(&app.project, &source),
        "import_id": null,
    })))
}

/// Parameters that are not settings to keep.
const KNOWN: [&str; 12] = [
    "name",
    "description",
    "schema",
    "format",
    "indexes",
    "indexes_list",
    "branch_mode",
    "token",
    "cli_version",
    "mode",
    "tags",
    "engine",
];

/// A data source as a form describes it.
pub(super) fn new_data_source(form: &Params) -> Handled<NewDataSource> {
    let required = |name: &str| {
        let value = form.said(name).map(str::to_owned);
        value.ok_or_else(|| Failure::bad(format!("The parameter '{name}' is missing")))
    };
    let is_kafka = form.said("service") == Some("kafka") || form.said("kafka_topic").is_some();
    let mut engine_args = Vec::new();
    let mut settings = BTreeMap::new();
    for (name, value) in form.iter() {
        if value.is_empty() || value == "None" {
            continue;
        }
        if let Some(key) = name.strip_prefix("engine_") {
            engine_args.push((key.to_owned(), value.to_owned()));
        } else if !KNOWN.contains(&name) {
            settings.insert(name.to_owned(), value.to_owned());
        }
    }
    let indexes = form.said("indexes").filter(|i| *i != "0").unwrap_or("");
    let schema = match form.said("schema") {
        Some(schema) => schema.to_owned(),
        None if is_kafka => "`__value` String".to_owned(),
        None => required("schema")?,
    };
    Ok(NewDataSource {
        name: required("name")?,
        description: form.said("description").unwrap_or("").to_owned(),
        kind: if is_kafka {
            "kafka".to_owned()
        } else {
            form.said("format").unwrap_or("csv").to_owned()
        },
        schema,
        engine: form.said("engine").unwrap_or("").to_owned(),
        engine_args,
        indexes: indexes
            .lines()
            .map(|l| l.trim().to_owned())
            .filter(|l| !l.is_empty())
            .collect(),
        settings,
    })
}

pub(super) fn import_into(a: &Ask<'_>, name: &str, mode: &str) -> Handled {
    let (app, call) = (a.app, a.call);
    let source = find(app, name)?;
    let replace = mode == "replace";
    let condition = call.query.said("replace_condition").filter(|_| replace);
    if let Some(condition) = condition {
        check_condition(a, &source, condition)?;
    }
    if let Some(url) = call.query.said("url") {
        let from = Origin::Url(url.to_owned());
        return super::import_url::start(app, call, &source, from, replace);
    }
    if call.segments.first().is_some_and(|version| version == "v1") {
        let from = Origin::Body(rows_of(call)?);
        return super::import_url::start(app, call, &source, from, replace);
    }
    let rows = rows_of(call)?;
    let what = Import {
        event: if replace { "replace" } else { "append" },
        replace,
        condition: condition.map(str::to_owned),
        format: format_of(call, &call.query, &rows)?,
    };
    let done = import(app, call, &source, &rows, &what)?;
    Ok(Reply::json(&import_json(app, &source, &done)))
}

/// Only data sources that fetch from a bucket or a database have schedules.
pub(super) fn unscheduled(app: &App, name: &str) -> Handled {
    let source = find(app, name)?;
    let has = |key: &str| source.settings.contains_key(key);
    if has("connection") || has("bucket_uri") || has("external_data_source") {
        return Err(Failure::not_implemented(
            "imports from buckets and databases on a schedule",
        ));
    }
    Err(Failure::bad(format!(
        "Data Source \"{}\" imports nothing on a schedule",
        source.name
    )))
}

pub(super) fn update(app: &App, call: &Call, name: &str) -> Handled {
    let form = call.form();
    if form.said("name").is_some_and(|new| new != name) {
        return Err(Failure::not_implemented("renaming a data source"));
    }
    let source = app.project.update_data_source(name, |source| {
        for (key, value) in form.iter() {
            if key == "description" {
                source.description = value.to_owned();
            } else if !KNOWN.contains(&key) {
                source.settings.insert(key.to_owned(), value.to_owned());
            }
        }
    })?;
    Ok(Reply::json(&data_source_json(&app.project, &source)))
}

pub(super) fn alter(app: &App, call: &Call, name: &str) -> Handled {
    let form = call.form();
    let mut changes = BTreeMap::new();
    for key in ["schema", "description", "ttl", "indexes"] {
        if let Some(value) = form.get(key).filter(|v| *v != "None") {
            changes.insert(key.to_owned(), value.to_owned());
        }
    }
    let source = find(app, name)?;
    let (plan, source) = if form.flag("dry") {
        (app.project.plan_alter(name, &changes)?, source)
    } else {
        app.project.alter_data_source(name, &changes)?
    };
    Ok(Reply::json(&json!({
        "operations": plan.operations,
        "dependencies": [],
        "datasource": data_source_json(&app.project, &source),
    })))
}

pub(super) fn drop_one(app: &App, call: &Call, name: &str) -> Handled {
    let source = find(app, name)?;
    let mut users = app.project.used_by(&source.name);
    for (pipe, _) in app.project.fed_by(&source.name) {
        if !users.iter().any(|u| u.id == pipe.id) {
            users.push(pipe);
        }
    }
    for pipe in app.project.copied_by(&source) {
        if !users.iter().any(|u| u.id == pipe.id) {
            users.push(pipe);
        }
    }
    let users: Vec<Json> = users
        .iter()
        .map(|p| json!({ "id": p.id, "name": p.name }))
        .collect();
    let names: Vec<&str> = users.iter().filter_map(|u| u["name"].as_str()).collect();
    if !call.query.flag("force") && !users.is_empty() && !call.query.flag("dry_run") {
        return Err(Failure::new(
            409,
            format!("The Data Source is used in {}", names.join(", ")),
        ));
    }
    if call.query.flag("dry_run") {
        return Ok(Reply::json(&json!({ "dependent_pipes": users })));
    }
    app.project.drop_data_source(name)?;
    note(
        app,
        call,
        &source,
        "delete",
        Instant::now(),
        &Ingested::default(),
        None,
    );
    Ok(Reply::empty(204))
}

pub(super) fn truncate(app: &App, call: &Call, name: &str) -> Handled {
    let source = find(app, name)?;
    let started = Instant::now();
    app.project.truncate_data_source(name)?;
    note(
        app,
        call,
        &source,
        "truncate",
        started,
        &Ingested::default(),
        None,
    );
    Ok(Reply::empty(205))
}

/// Deletes rows by a condition, in a job.
pub(super) fn delete_rows(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let source = find(app, a.part(0))?;
    let form = call.form();
    let condition = form.said("delete_condition").map(str::to_owned);
    let condition =
        condition.ok_or_else(|| Failure::bad("The parameter 'delete_condition' is missing"))?;
    check_condition(a, &source, &condition)?;
    let table = app.store().at(&source.name);
    if form.flag("dry_run") {
        let counted = app
            .store()
            .query(&format!("SELECT count() FROM {table} WHERE {condition}"))?;
        let rows = counted.rows();
        let count = rows.first().and_then(|r| r.first()?.as_u64()).unwrap_or(0);
        return Ok(Reply::json(&json!({ "rows_to_be_deleted": count })));
    }
    let mut details = Map::new();
    details.insert(
        "datasource".to_owned(),
        json!({ "id": source.id, "name": source.name }),
    );
    details.insert("delete_condition".to_owned(), condition.clone().into());
    let new = NewJob {
        key: Some(source.id.clone()),
        ..NewJob::of(Kind::DeleteData, details)
    };
    let runs = app.runs.clone();
    let job = app.jobs.submit(new, move |running| {
        runs.delete(&source, &condition, running)
    });
    let job = job.to_json(&call.base_url());
    Ok(Reply::json(&json!({
        "id": job["id"],
        "job_id": job["id"],
        "delete_id": job["id"],
        "job_url": job["job_url"],
        "status": job["status"],
        "job": job,
    })))
}

/// A condition may read what the token may read.
fn check_condition(a: &Ask<'_>, source: &DataSource, condition: &str) -> Handled<()> {
    let request = Request {
        access: a.access.clone(),
        variables: Variables::new(),
        root: Root::Caller,
        pipeline: None,
        now: String::new(),
    };
    let resolver = Resolver::new(&a.app.project, request);
    resolver
        .check_condition(source, condition)
        .map_err(|e| e.context("delete_condition").into())
}

/// Tries the rows in the quarantine again, in a job.
pub(super) fn replay(app: &Arc<App>, call: &Call, name: &str) -> Handled {
    let source = find(app, name)?;
    let mut details = Map::new();
    details.insert(
        "datasource".to_owned(),
        json!({ "id": source.id, "name": source.name }),
    );
    let new = NewJob {
        key: Some(source.id.clone()),
        ..NewJob::of(Kind::ReplayQuarantine, details)
    };
    let runs = app.runs.clone();
    let job = app
        .jobs
        .submit(new, move |running| runs.replay(&source, running));
    Ok(Reply::json(&super::copies::started(call, &job)))
}

pub(super) fn exchange(app: &App, call: &Call) -> Handled {
    let form = call.form();
    let (Some(a), Some(b)) = (form.said("datasource_a"), form.said("datasource_b")) else {
        return Err(Failure::bad("'datasource_a' and 'datasource_b' are needed"));
    };
    app.project.exchange_data_sources(a, b)?;
    Ok(Reply::json(&json!({ "result": "ok" })))
}
