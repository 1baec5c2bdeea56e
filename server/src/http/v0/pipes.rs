//! `/v0/pipes`: pipes themselves; their nodes are in `nodes`, their results in `endpoints`.
//!
//! Invariant: a pipe is named by its name or id everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::routes::Ask;
use super::{copies, views};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{Check, NewNode, NewPipe, Pipe, normalize, pipe_json, pipe_text};

pub(super) fn find(app: &App, name: &str) -> Handled<Arc<Pipe>> {
    let state = app.project.snapshot();
    let found = state.pipe(name).cloned();
    found.ok_or_else(|| Failure::not_found(format!("The pipe '{name}' does not exist")))
}

pub(super) fn list(a: &Ask<'_>) -> Handled {
    let state = a.app.project.snapshot();
    let seen = state.pipes.values().filter(|p| a.access.sees_pipe(&p.name));
    let all: Vec<Json> = seen.map(|p| pipe_json(&a.app.project, p)).collect();
    Ok(Reply::json(&json!({ "pipes": all })))
}

pub(super) fn detail(app: &App, name: &str) -> Handled {
    let pipe = find(app, name)?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

pub(super) fn file(app: &App, name: &str) -> Handled {
    let pipe = find(app, name)?;
    Ok(Reply::text(pipe_text(&app.project.snapshot(), &pipe)))
}

pub(super) fn create(app: &Arc<App>, call: &Call) -> Handled {
    let text = |json: &Json, key: &str| -> String {
        json.get(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut new = NewPipe {
        force: call.query.flag("force"),
        check: match call.query.flag("ignore_sql_errors") {
            true => Check::Nothing,
            false => Check::Columns,
        },
        description: call.query.get("description").unwrap_or("").to_owned(),
        ..NewPipe::default()
    };
    let is_json = call.body.trim_ascii_start().starts_with(b"{");
    if is_json {
        let json = call.json()?;
        new.name = text(&json, "name");
        let description = text(&json, "description");
        if !description.is_empty() {
            new.description = description;
        }
        for node in json
            .get("nodes")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            new.nodes.push(node_of(node));
        }
        if let (true, Some(sql)) = (new.nodes.is_empty(), json.get("sql").and_then(Json::as_str)) {
            new.nodes.push(NewNode {
                sql: sql.to_owned(),
                ..NewNode::default()
            });
        }
    } else {
        let form = call.form();
        new.name = form.said("name").unwrap_or_default().to_owned();
        if let Some(sql) = form.said("sql") {
            new.nodes.push(NewNode {
                sql: sql.to_owned(),
                ..NewNode::default()
            });
        }
    }
    new.nodes.iter().try_for_each(|n| copies::check(app, n))?;
    let created = app.project.create_pipe(new)?;
    let mut out = pipe_json(&app.project, &created.pipe);
    let warnings = views::warnings(app, &created.pipe);
    if !warnings.is_empty() {
        out["warnings"] = warnings.into();
    }
    views::show_made(app, call, created, &mut out);
    Ok(Reply::json(&out))
}

/// A node of a JSON body.
fn node_of(json: &Json) -> NewNode {
    let text = |key: &str| {
        json.get(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut settings = BTreeMap::new();
    for (key, value) in json.as_object().into_iter().flatten() {
        let known = matches!(key.as_str(), "name" | "sql" | "description" | "type");
        if let (false, Json::String(value)) = (known, value) {
            settings.insert(key.clone(), value.clone());
        }
    }
    let exported = json.get("export_params").and_then(Json::as_object);
    for (key, value) in exported.into_iter().flatten() {
        if let Json::String(value) = value {
            settings.insert(key.clone(), value.clone());
        }
    }
    let mut node = NewNode {
        name: text("name"),
        sql: text("sql"),
        description: text("description"),
        kind: text("type").to_ascii_lowercase(),
        settings,
    };
    normalize(&mut node);
    node
}

pub(super) fn update(app: &App, call: &Call, name: &str) -> Handled {
    let form = call.form();
    let pipe = app.project.update_pipe(name, |pipe| {
        if let Some(description) = form.get("description") {
            pipe.description = description.to_owned();
        }
        if let Some(name) = form.said("name") {
            pipe.name = name.to_owned();
        }
        Ok(())
    })?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

pub(super) fn drop_one(app: &App, name: &str) -> Handled {
    app.project.drop_pipe(name)?;
    Ok(Reply::empty(204))
}
