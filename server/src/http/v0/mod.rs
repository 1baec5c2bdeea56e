//! The `/v0` API.
//!
//! Invariant: every path that is not known is 404 with JSON; trailing slashes do not matter.

mod access;
mod analyze;
mod append;
mod branches;
mod builds;
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
mod releases;
mod right;
mod routes;
mod sql;
mod sql_tools;
mod tags;
mod tokens;
mod variables;
mod views;
mod workspace;
mod workspaces;

use std::sync::Arc;

use self::access::access;
use self::routes::{Ask, Fit};
use super::app::App;
use super::call::Call;
use super::outlet::Outlet;
use super::reply::{Failure, Handled, Reply};
use crate::tokens::Access;

pub use self::right::Right;
pub use self::routes::{ROUTES, Route};
pub(in crate::http) use self::routes::{is_query, label};

/// What a handler leaves.
pub(super) enum Answer {
    /// A whole answer.
    Reply(Reply),
    /// It is in the outlet.
    Written,
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
    let (route, parts) = match Route::find(&call.method, &call.segments) {
        Fit::Route(route, parts) => (route, parts),
        Fit::Method => return Err(wrong_method(call)),
        Fit::None => return Err(unknown(call)),
    };
    if call.query.said("__tb__deployment") == Some("staging") {
        // To answer from the live one would be a wrong answer.
        return Err(Failure::not_implemented(
            "reading a deployment that is not live",
        ));
    }
    let access = match route.right {
        Right::Open => Access::default(),
        Right::Local if call.peer.ip().to_canonical().is_loopback() => Access::default(),
        Right::Local => {
            let only = format!("{} answers requests of this machine only", route.path);
            return Err(Failure::forbidden(only));
        }
        _ => access(app, call)?,
    };
    let ask = Ask {
        app,
        call,
        access: &access,
        parts,
    };
    if !route.right.allows(&ask, &access) {
        return Err(Failure::forbidden(format!(
            "The token '{}' has not enough permissions for {} {}",
            access.name,
            call.method,
            path_of(call)
        )));
    }
    route.run(&ask, outlet)
}

/// 405: another method works.
fn wrong_method(call: &Call) -> Failure {
    let message = format!("{} does not take {}", path_of(call), call.method);
    Failure::new(405, message)
}

fn unknown(call: &Call) -> Failure {
    Failure::not_found(format!("{} {} does not exist", call.method, path_of(call)))
}

fn path_of(call: &Call) -> &str {
    call.target.split('?').next().unwrap_or("/")
}
