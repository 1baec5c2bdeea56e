//! Regions, connectors, dependencies, branches.
//!
//! Invariant: the objects have every field that the client reads, so that its commands do not break.

use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::Connector;
use crate::store::timestamp;
use crate::tokens::new_uuid;

/// An empty list under a name.
pub(super) fn nothing(name: &str) -> Handled {
    Ok(Reply::json(&json!({ name: [] })))
}

/// Which pipes read which data sources.
pub(super) fn dependencies(app: &App, call: &Call) -> Handled {
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

pub(super) fn connectors(app: &App) -> Handled {
    let state = app.project.snapshot();
    let all: Vec<Json> = state.connectors.values().map(|c| shown(c)).collect();
    Ok(Reply::json(&json!({ "connectors": all })))
}

pub(super) fn create_connector(app: &App, call: &Call) -> Handled {
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

pub(super) fn connector(app: &App, key: &str) -> Handled {
    let state = app.project.snapshot();
    let mut all = state.connectors.values();
    let found = all.find(|c| c.id == key || c.name == key);
    let found =
        found.ok_or_else(|| Failure::not_found(format!("Connector \"{key}\" does not exist")))?;
    Ok(Reply::json(&shown(found)))
}

pub(super) fn drop_connector(app: &App, key: &str) -> Handled {
    app.project.drop_connector(key)?;
    Ok(Reply::empty(204))
}
