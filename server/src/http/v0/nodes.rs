//! `/v0/pipes/P/nodes`.
//!
//! Invariant: a node is named by its name or id everywhere.

use std::sync::Arc;

use axum::http::Method;
use serde_json::json;

use super::access::require;
use super::pipes::find;
use super::{copies, explain, unknown, views};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{NewNode, node_json, pipe_json};
use crate::tokens::Access;

pub(super) fn route(app: &Arc<App>, call: &Call, pipe: &str, rest: &[&str]) -> Handled {
    require(app, call, "change pipes", Access::may_create_pipes)?;
    match (&call.method, rest) {
        (&Method::POST, []) => add(app, call, pipe),
        (&Method::PUT, [node]) => update(app, call, pipe, node),
        (&Method::DELETE, [node]) => {
            app.project.drop_node(pipe, node)?;
            Ok(Reply::empty(204))
        }
        (&Method::POST | &Method::PUT, [node, "endpoint"]) => publish(app, call, pipe, Some(node)),
        (&Method::DELETE, [_, "endpoint"]) => unpublish(app, call, pipe),
        (&Method::GET, [node, "explain"]) => explain::explain(app, call, pipe, Some(node)),
        (&Method::GET, [node, "analysis"]) => views::analyze(app, call, pipe, node),
        (&Method::POST, [node, "population"]) => views::populate(app, call, pipe, node),
        (&Method::DELETE, [node, "materialization"]) => {
            app.project.unlink_view(pipe, node)?;
            Ok(Reply::empty(204))
        }
        (&Method::POST | &Method::PUT, [node, kind @ ("copy" | "sink")]) => {
            copies::define(app, call, pipe, node, kind)
        }
        (&Method::DELETE, [node, "copy" | "sink"]) => copies::undefine(app, pipe, node),
        (_, [_, "stream"]) => Err(Failure::not_implemented("streams")),
        _ => Err(unknown(call)),
    }
}

/// SQL as the whole body, or a form or JSON with `sql`.
fn node_of(call: &Call) -> NewNode {
    let form = call.form();
    let text = call.text();
    let sql = match form.said("sql") {
        Some(sql) => sql.to_owned(),
        None => text,
    };
    NewNode {
        name: form.said("name").unwrap_or_default().to_owned(),
        description: form.said("description").unwrap_or_default().to_owned(),
        sql,
        ..NewNode::default()
    }
}

fn add(app: &App, call: &Call, pipe: &str) -> Handled {
    let node = app.project.add_node(pipe, node_of(call))?;
    Ok(Reply::json(&node_json(&app.project, &node)))
}

fn update(app: &App, call: &Call, pipe: &str, node: &str) -> Handled {
    let node = app.project.update_node(pipe, node, node_of(call))?;
    Ok(Reply::json(&node_json(&app.project, &node)))
}

/// Publishes a node, or the last one.
pub(super) fn publish(app: &App, call: &Call, pipe: &str, node: Option<&str>) -> Handled {
    require(app, call, "publish pipes", Access::may_create_pipes)?;
    let found = find(app, pipe)?;
    let last = found.nodes.last().map(|n| n.id.clone());
    let node = node.map(str::to_owned).or(last);
    let node = node.ok_or_else(|| Failure::bad(format!("pipe {pipe} has no nodes")))?;
    let pipe = app.project.publish(pipe, Some(&node))?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

/// Takes the endpoint back.
pub(super) fn unpublish(app: &App, call: &Call, pipe: &str) -> Handled {
    require(app, call, "publish pipes", Access::may_create_pipes)?;
    let pipe = app.project.publish(pipe, None)?;
    Ok(Reply::json(
        &json!({ "id": pipe.id, "name": pipe.name, "endpoint": null }),
    ))
}
