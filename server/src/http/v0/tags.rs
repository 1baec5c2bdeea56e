//! `/v0/tags`.
//!
//! Invariant: a tag's resources are completed from the workspace when they are stored.

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::access::{access, require};
use super::unknown;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{Tag, TagResource};
use crate::store::timestamp;
use crate::tokens::Access;

pub(super) fn route(app: &App, call: &Call, rest: &[&str]) -> Handled {
    match (&call.method, rest) {
        (&Method::GET, []) => {
            access(app, call)?;
            let state = app.project.snapshot();
            let tags: Vec<Json> = state.tags.values().map(|t| json!(**t)).collect();
            Ok(Reply::json(&json!({ "tags": tags })))
        }
        (&Method::POST, []) => put(app, call, None),
        (&Method::PUT, [name]) => put(app, call, Some(name)),
        (&Method::DELETE, [name]) => {
            require(app, call, "change tags", Access::may_create_pipes)?;
            app.project.drop_tag(name)?;
            Ok(Reply::json(&json!({ "ok": true })))
        }
        _ => Err(unknown(call)),
    }
}

fn put(app: &App, call: &Call, name: Option<&str>) -> Handled {
    require(app, call, "change tags", Access::may_create_pipes)?;
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
