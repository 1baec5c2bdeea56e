//! Regions, connectors, dependencies, branches.
//!
//! Invariant: the objects have every field that the client reads, so that its commands do not break.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::kafka::{Client, Connection};
use crate::project::Connector;
use crate::project::ingest::Message;
use crate::store::{iso_seconds, timestamp};
use crate::tokens::new_uuid;

/// Messages of each partition in a preview.
const SAMPLES: usize = 10;

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

/// What is behind a connection: its topics, and the last messages of one that is named.
pub(super) fn preview(app: &App, call: &Call, key: &str) -> Handled {
    let state = app.project.snapshot();
    let mut all = state.connectors.values();
    let found = all.find(|c| c.id == key || c.name == key);
    let found =
        found.ok_or_else(|| Failure::not_found(format!("Connector \"{key}\" does not exist")))?;
    if found.service != "kafka" {
        return nothing("preview");
    }
    let client = Connection::find(&state, key).and_then(|c| Client::connect(&c, Arc::default()));
    let client = client.map_err(Failure::bad)?;
    let wanted = call.query.said("kafka_topic").or(call.query.said("topic"));
    let mut out = Vec::new();
    for topic in client.topics().map_err(Failure::bad)? {
        if wanted.is_some_and(|w| w != topic.name) {
            continue;
        }
        let mut shown = json!({ "topic": topic.name, "partitions": topic.partitions.len() });
        if wanted.is_some() {
            let messages = client.sample(&topic.name, SAMPLES).map_err(Failure::bad)?;
            shown["messages"] = messages.iter().map(sample).collect();
        }
        out.push(shown);
    }
    Ok(Reply::json(&json!({ "preview": out })))
}

fn sample(message: &Message) -> Json {
    let text = |bytes: &Option<Vec<u8>>| {
        let text = bytes.as_ref().map(|b| String::from_utf8_lossy(b));
        text.map(std::borrow::Cow::into_owned)
    };
    json!({
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": iso_seconds(message.timestamp.saturating_mul(1000), ' '),
        "key": text(&message.key),
        "value": text(&message.value),
    })
}

pub(super) fn drop_connector(app: &App, key: &str) -> Handled {
    app.project.drop_connector(key)?;
    Ok(Reply::empty(204))
}
