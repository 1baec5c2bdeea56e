//! `/v0/tags`.
//!
//! Invariant: a tag's resources are completed from the workspace when they are stored.

use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{Tag, TagResource};
use crate::store::timestamp;

pub(super) fn list(app: &App) -> Handled {
    let state = app.project.snapshot();
    let tags: Vec<Json> = state.tags.values().map(|t| json!(**t)).collect();
    Ok(Reply::json(&json!({ "tags": tags })))
}

pub(super) fn drop_one(app: &App, name: &str) -> Handled {
    app.project.drop_tag(name)?;
    Ok(Reply::json(&json!({ "ok": true })))
}

pub(super) fn put(app: &App, call: &Call, name: Option<&str>) -> Handled {
    let body = if call.body.is_empty() {
        json!({})
    } else {
        call.json()?
    };
    let name = name
        .or_else(|| body.get("name").and_then(Json::as_str))
        .or_else(|| call.query.said("name"))
        .ok_or_else(|| Failure::bad("The tag needs a 'name'"))?
        .to_owned();
    let resources = body.get("resources").cloned().unwrap_or_else(|| json!([]));
    let resources: Vec<TagResource> = serde_json::from_value(resources)
        .map_err(|e| Failure::bad(format!("resources of a tag: {e}")))?;
    let now = timestamp();
    let state = app.project.snapshot();
    let created_at = state
        .tags
        .get(&name)
        .map_or_else(|| now.clone(), |t| t.created_at.clone());
    let tag = app.project.put_tag(Tag {
        name,
        resources,
        created_at,
        updated_at: now,
    })?;
    Ok(Reply::json(&json!(*tag)))
}
