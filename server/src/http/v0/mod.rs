//! The `/v0` API.
//!
//! Invariant: every path that is not known is 404 with JSON; trailing slashes do not matter.

mod access;
mod analyze;
mod append;
mod copies;
mod datasources;
mod endpoints;
mod events;
mod explain;
mod import_url;
mod jobs;
mod misc;
mod nodes;
mod pipes;
mod sql;
mod sql_tools;
mod tags;
mod tokens;
mod variables;
mod views;
mod workspace;
mod workspaces;

use std::sync::Arc;

use axum::http::Method;

use super::app::App;
use super::call::Call;
use super::outlet::Outlet;
use super::reply::{Failure, Handled, Reply};

/// What a handler leaves.
pub(super) enum Answer {
    /// A whole answer.
    Reply(Reply),
    /// It is in the outlet.
    Written,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer::Reply(reply)
    }
}

/// The name under which a path is counted.
pub(super) fn label(segments: &[String]) -> &'static str {
    const KNOWN: [&str; 16] = [
        "sql",
        "pipes",
        "events",
        "datasources",
        "tokens",
        "jobs",
        "tags",
        "variables",
        "workspace",
        "user",
        "analyze",
        "sql_tables",
        "sql_replace",
        "health",
        "connectors",
        "environments",
    ];
    let word = segments.get(1).or(segments.first());
    let found = word.and_then(|w| KNOWN.iter().find(|k| *k == w));
    found.copied().unwrap_or("other")
}

/// Handles a request.
pub(super) fn handle(app: &Arc<App>, call: &Call, mut outlet: Outlet) {
    let app = &app.for_token(call.token());
    match route(app, call, &mut outlet) {
        Ok(Answer::Reply(reply)) => outlet.reply(reply),
        Ok(Answer::Written) => outlet.finish(),
        Err(failure) => {
            tracing::debug!(
                "{} {}: {} {}",
                call.method,
                call.target,
                failure.status,
                failure.message
            );
            outlet.fail(failure);
        }
    }
}

fn route(app: &Arc<App>, call: &Call, outlet: &mut Outlet) -> Handled<Answer> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let get = call.method == Method::GET || call.method == Method::HEAD;
    let reply = match &segments[..] {
        ["health"] | ["v0" | "v1", "health"] => misc::health(app)?,
        ["metrics"] => misc::metrics(app),
        ["tokens"] if get => tokens::local(app, call)?,
        ["v0" | "v1", "sql"] => return sql::run(app, call, outlet),
        ["v0", "sql_tables"] => sql_tools::tables(app, call)?,
        ["v0", "sql_replace"] => sql_tools::replace(app, call)?,
        ["v0", "sql_copy"] => copies::copy_sql(app, call)?,
        ["v0", "sql_format"] => sql_tools::format(app, call)?,
        ["v0", "events"] => events::append(app, call)?,
        ["v0", "analyze"] => analyze::analyze(app, call)?,
        ["v0" | "v1", "datasources", rest @ ..] => datasources::route(app, call, rest)?,
        ["v0" | "v1", "pipes", rest @ ..] => return pipes::route(app, call, rest, outlet),
        ["v0", "tokens", rest @ ..] => tokens::route(app, call, rest)?,
        ["v0", "tags", rest @ ..] => tags::route(app, call, rest)?,
        ["v0", "variables", rest @ ..] => variables::route(app, call, rest)?,
        ["v0", "jobs", rest @ ..] => jobs::route(app, call, rest)?,
        ["v0" | "v1", rest @ ..] => workspace::route(app, call, rest)?,
        _ => return Err(unknown(call)),
    };
    Ok(reply.into())
}

/// 404 for a path, 405 would say that another method works.
fn unknown(call: &Call) -> Failure {
    Failure::not_found(format!("{} {} does not exist", call.method, path_of(call)))
}

fn path_of(call: &Call) -> &str {
    call.target.split('?').next().unwrap_or("/")
}
