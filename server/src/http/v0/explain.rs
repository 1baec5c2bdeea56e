//! `…/explain`: the whole query of a node as it would run, and its plan.
//!
//! Invariant: nothing runs but what binding a query runs; secrets stay names.

use std::sync::Arc;

use roost::session::QueryRequest;
use serde_json::json;

use super::endpoints::parameters;
use super::pipes::find;
use super::routes::Ask;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{Request, Resolver, Root};
use crate::store::{iso_seconds, now_micros};

/// `GET /v0/pipes/P/explain` and `GET /v0/pipes/P/nodes/N/explain`.
pub(super) fn explain(a: &Ask<'_>, node: Option<&str>) -> Handled {
    let (app, call) = (a.app, a.call);
    let pipe = find(app, a.part(0))?;
    let node = match node {
        Some(name) => pipe.node(name),
        None => pipe.output_node(),
    };
    let node = node.ok_or_else(|| Failure::not_found("The node does not exist"))?;
    let resolver = Arc::new(Resolver::new(
        &app.project,
        Request {
            access: a.access.clone(),
            variables: parameters(call).0,
            root: Root::Caller,
            pipeline: None,
            now: iso_seconds(now_micros(), ' '),
        },
    ));
    let sql = match resolver.inline(&pipe, node) {
        Ok(query) => query.to_string(),
        Err(e) => {
            return Err(match resolver.take_failure() {
                Some(template) => template.into(),
                None => e.into(),
            });
        }
    };
    // A plan has values in it: those of scalar subqueries and of statistics.
    let sql = resolver.check(&sql)?;
    let mut plan = Vec::new();
    let request = QueryRequest {
        sql: format!("EXPLAIN {sql}"),
        default_format: Some("TSVRaw".to_owned()),
        parameters: resolver.secret_values(),
        cancel: call.cancel.clone(),
        ..QueryRequest::default()
    };
    // The text of a query that cannot run is what its author looks for.
    let plan = match app.store().run_into(request, &mut plan) {
        Ok(_) => String::from_utf8_lossy(&plan).into_owned(),
        Err(e) => e.to_string(),
    };
    Ok(Reply::json(&json!({
        "debug_query": sql,
        "query_explain": plan,
    })))
}
