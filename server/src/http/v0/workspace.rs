//! Regions, connectors, dependencies, branches.
//!
//! Invariant: the objects have every field that the client reads, so that its commands do not break.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::access::{access, require};
use super::{unknown, workspaces};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::Connector;
use crate::store::timestamp;
use crate::tokens::{Access, new_uuid};

pub(super) fn route(app: &Arc<App>, call: &Call, rest: &[&str]) -> Handled {
    let get = call.method == Method::GET;
    match rest {
        ["workspace"] if get => workspaces::one(app, call),
        ["user", "workspaces"] if get => workspaces::all(app, call),
        ["regions"] if get => Ok(Reply::json(&json!({ "regions": [] }))),
        ["templates"] if get => Ok(Reply::json(&json!({ "templates": [] }))),
        ["auth"] if get => workspaces::auth(app, call),
        ["environments"] if get => {
            access(app, call)?;
            Ok(Reply::json(&json!({ "environments": [] })))
        }
        ["connections", ..] if get => Ok(Reply::json(&json!({ "items": [] }))),
        ["dependencies"] if get => dependencies(app, call),
        ["connectors", rest @ ..] => connectors(app, call, rest),
        ["environments", ..] => Err(Failure::not_implemented("branches")),
        ["workspaces", rest @ ..] => workspaces::route(app, call, rest),
        ["build" | "deploy" | "deployments", ..] => {
            Err(Failure::not_implemented("builds and deployments"))
        }
        _ => Err(unknown(call)),
    }
}

/// Which pipes read which data sources.
fn dependencies(app: &App, call: &Call) -> Handled {
    access(app, call)?;
    let state = app.project.snapshot();
    let (only_source, only_pipe) = (call.query.said("datasource"), call.query.said("pipe"));
    let matching = call.query.said("match");
    let mut out = serde_json::Map::new();
    for source in state.data_sources.values() {
        if only_source.is_some_and(|s| s != source.name)
            || matching.is_some_and(|m| !source.name.contains(m))
        {
            continue;
        }
        let mut users: Vec<Json> = Vec::new();
        for pipe in app.project.used_by(&source.name) {
            if only_pipe.is_none_or(|p| p == pipe.name) {
                users.push(json!({ "id": pipe.id, "pipe_name": pipe.name, "name": pipe.name }));
            }
        }
        if !users.is_empty() || call.query.flag("no_deps") {
            out.insert(source.name.clone(), users.into());
        }
    }
    Ok(Reply::json(
        &json!({ "dependencies": out, "incompatible_datasources": {} }),
    ))
}

/// Settings that are never shown.
fn is_secret(key: &str) -> bool {
    ["password", "secret", "private_key", "token"]
        .iter()
        .any(|s| key.contains(s))
}

fn shown(c: &Connector) -> Json {
    let settings = c.settings.iter().filter(|(k, _)| !is_secret(k));
    let settings: serde_json::Map<String, Json> =
        settings.map(|(k, v)| (k.clone(), v.clone())).collect();
    json!({
        "id": c.id,
        "service": c.service,
        "name": c.name,
        "linkers": [],
        "settings": settings,
        "sinks": [],
        "created_at": c.created_at,
    })
}

fn connectors(app: &App, call: &Call, rest: &[&str]) -> Handled {
    require(
        app,
        call,
        "manage connectors",
        Access::may_create_data_sources,
    )?;
    let state = app.project.snapshot();
    match (&call.method, rest) {
        (&Method::GET, []) => {
            let all: Vec<Json> = state.connectors.values().map(|c| shown(c)).collect();
            Ok(Reply::json(&json!({ "connectors": all })))
        }
        (&Method::POST, []) => {
            let json = call.json()?;
            let mut settings = json.as_object().cloned().unwrap_or_default();
            let mut text = |key: &str| match settings.remove(key) {
                Some(Json::String(text)) => text,
                _ => String::new(),
            };
            let (service, name) = (text("service"), text("name"));
            let connector = app.project.put_connector(Connector {
                id: new_uuid(),
                name,
                service,
                settings,
                created_at: timestamp(),
            })?;
            Ok(Reply::json(&shown(&connector)))
        }
        (&Method::GET, [_, "preview"]) => Ok(Reply::json(&json!({ "preview": [] }))),
        (&Method::GET, [key]) => {
            let found = state
                .connectors
                .values()
                .find(|c| c.id == *key || c.name == *key);
            let found = found
                .ok_or_else(|| Failure::not_found(format!("Connector \"{key}\" does not exist")))?;
            Ok(Reply::json(&shown(found)))
        }
        (&Method::DELETE, [key]) => {
            app.project.drop_connector(key)?;
            Ok(Reply::empty(204))
        }
        _ => Err(unknown(call)),
    }
}
