//! Who asks.
//!
//! Invariant: a request without a valid token is 403 before anything else is looked at.

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::Handled;
use crate::store::now_micros;
use crate::tokens::Access;

/// The caller's rights.
pub(super) fn access(app: &App, call: &Call) -> Handled<Access> {
    let access = app.project.access(call.token())?;
    if let Some(rps) = access.rps {
        app.rates.take(call.token(), &call.id, rps, now_micros())?;
    }
    Ok(access)
}
