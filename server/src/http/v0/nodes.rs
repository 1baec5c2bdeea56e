//! `/v0/pipes/P/nodes`.
//!
//! Invariant: a node is named by its name or id everywhere.

use serde_json::json;

use super::pipes::find;
use super::routes::Ask;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{NewNode, node_json, pipe_json};

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

pub(super) fn add(app: &App, call: &Call, pipe: &str) -> Handled {
    let node = app.project.add_node(pipe, node_of(call))?;
    Ok(Reply::json(&node_json(&app.project, &node)))
}

pub(super) fn update(a: &Ask<'_>) -> Handled {
    let new = node_of(a.call);
    let node = a.app.project.update_node(a.part(0), a.part(1), new)?;
    Ok(Reply::json(&node_json(&a.app.project, &node)))
}

pub(super) fn drop_one(a: &Ask<'_>) -> Handled {
    a.app.project.drop_node(a.part(0), a.part(1))?;
    Ok(Reply::empty(204))
}

/// Makes a materialized node a standard one again.
pub(super) fn unlink(a: &Ask<'_>) -> Handled {
    a.app.project.unlink_view(a.part(0), a.part(1))?;
    Ok(Reply::empty(204))
}

/// Publishes a node, or the last one.
pub(super) fn publish(app: &App, pipe: &str, node: Option<&str>) -> Handled {
    let found = find(app, pipe)?;
    let last = found.nodes.last().map(|n| n.id.clone());
    let node = node.map(str::to_owned).or(last);
    let node = node.ok_or_else(|| Failure::bad(format!("pipe {pipe} has no nodes")))?;
    let pipe = app.project.publish(pipe, Some(&node))?;
    Ok(Reply::json(&pipe_json(&app.project, &pipe)))
}

/// Takes the endpoint back.
pub(super) fn unpublish(app: &App, pipe: &str) -> Handled {
    let pipe = app.project.publish(pipe, None)?;
    Ok(Reply::json(
        &json!({ "id": pipe.id, "name": pipe.name, "endpoint": null }),
    ))
}
