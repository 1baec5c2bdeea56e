//! `/v0/tokens`, and `/tokens` for whoever sits at the machine.
//!
//! Invariant: `/tokens` answers the loopback address only.

use axum::http::Method;
use serde_json::{Value as Json, json};

use super::access::{access, require};
use super::unknown;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::store::{now_micros, timestamp};
use crate::tokens::{Access, Claims, JwtScope, Scope, Token, new_secret};

/// The usual tokens, without a token.
pub(super) fn local(app: &App, call: &Call) -> Handled {
    if !call.peer.ip().to_canonical().is_loopback() {
        return Err(Failure::forbidden(
            "/tokens answers requests of this machine only",
        ));
    }
    let admin = app.project.admin_token();
    Ok(Reply::json(&json!({
        "user_token": app.project.user_token(),
        "admin_token": admin,
        "workspace_admin_token": admin,
    })))
}

pub(super) fn route(app: &App, call: &Call, rest: &[&str]) -> Handled {
    match (&call.method, rest) {
        (&Method::GET, []) => list(app, call),
        (&Method::POST, []) => create(app, call),
        (&Method::GET, [key]) => detail(app, call, key),
        (&Method::PUT, [key]) => update(app, call, key),
        (&Method::DELETE, [key]) => {
            require(app, call, "drop tokens", Access::may_manage_tokens)?;
            app.project.drop_token(key)?;
            Ok(Reply::json(&json!({ "ok": true })))
        }
        (&Method::POST, [key, "refresh"]) => refresh(app, call, key),
        _ => Err(unknown(call)),
    }
}

fn find(app: &App, key: &str) -> Handled<Token> {
    let state = app.project.snapshot();
    let found = state.token(key).map(|t| Token::clone(t));
    found.ok_or_else(|| Failure::not_found(format!("Token \"{key}\" does not exist")))
}

fn list(app: &App, call: &Call) -> Handled {
    let access = access(app, call)?;
    let state = app.project.snapshot();
    let seen = state
        .tokens
        .values()
        .filter(|t| access.may_manage_tokens() || t.id == access.id);
    let all: Vec<Json> = seen.map(|t| t.to_json()).collect();
    Ok(Reply::json(&json!({ "tokens": all })))
}

fn detail(app: &App, call: &Call, key: &str) -> Handled {
    let access = access(app, call)?;
    let token = find(app, key)?;
    if !access.may_manage_tokens() && access.id != token.id {
        return Err(Failure::forbidden("The token may not read other tokens"));
    }
    Ok(Reply::json(&token.to_json()))
}

fn scopes(form: &Params) -> Handled<Vec<Scope>> {
    let written = form.all("scope").filter(|s| !s.is_empty());
    written
        .map(|s| Scope::parse(s).map_err(Failure::bad))
        .collect()
}

fn create(app: &App, call: &Call) -> Handled {
    let access = require(app, call, "create tokens", Access::may_manage_tokens)?;
    let form = call.form();
    let name = form.said("name").unwrap_or("").to_owned();
    if name.is_empty() {
        return Err(Failure::bad("The parameter 'name' is missing"));
    }
    if let Some(expires) = form.said("expiration_time") {
        return sign(app, call, &name, expires);
    }
    let scopes = scopes(&form)?;
    if scopes.iter().any(|s| s.kind.starts_with("ADMIN")) && !access.is_admin() {
        return Err(Failure::forbidden(
            "Only an ADMIN token may make ADMIN tokens",
        ));
    }
    let mut token = Token::new(&name, scopes, timestamp());
    token.description = form.said("description").unwrap_or("").to_owned();
    if let Some(origin) = form.said("origin") {
        token.origin.kind = origin.to_owned();
        token.origin.resource_id = form.said("resource_id").map(str::to_owned);
    }
    let token = app.project.put_token(token)?;
    Ok(Reply::json(&token.to_json()))
}

/// A JWT.
fn sign(app: &App, call: &Call, name: &str, expires: &str) -> Handled {
    let exp: f64 = expires.parse().map_err(|_| {
        Failure::bad(format!(
            "expiration_time '{expires}' is not a number of seconds"
        ))
    })?;
    let exp = exp as i64;
    if exp <= now_micros() / 1_000_000 {
        return Err(Failure::bad("expiration_time is in the past"));
    }
    let body = call.json()?;
    let scopes = body.get("scopes").cloned().unwrap_or_else(|| json!([]));
    let scopes: Vec<JwtScope> = serde_json::from_value(scopes)
        .map_err(|e| Failure::bad(format!("scopes of a JWT: {e}")))?;
    let limits = body.get("limits").cloned();
    let claims = Claims {
        workspace_id: app.project.workspace().id.clone(),
        name: Some(name.to_owned()),
        exp,
        scopes,
        limits: limits.and_then(|l| serde_json::from_value(l).ok()),
    };
    let text = claims
        .sign(&app.project.admin_token())
        .map_err(|e| Failure::new(500, e))?;
    Ok(Reply::json(
        &json!({ "name": name, "token": text, "scopes": body["scopes"] }),
    ))
}

fn update(app: &App, call: &Call, key: &str) -> Handled {
    let access = require(app, call, "change tokens", Access::may_manage_tokens)?;
    let mut token = find(app, key)?;
    let form = call.form();
    let scopes = scopes(&form)?;
    if scopes.iter().any(|s| s.kind.starts_with("ADMIN")) && !access.is_admin() {
        return Err(Failure::forbidden(
            "Only an ADMIN token may make ADMIN tokens",
        ));
    }
    if !scopes.is_empty() {
        // The client sends scopes back without their filters; what it does not mention it does not mean.
        let kept = token.scopes.clone();
        let with_filter = |s: Scope| {
            let old = kept.iter().find(|k| {
                s.filter.is_none()
                    && k.filter.is_some()
                    && k.kind == s.kind
                    && k.resource == s.resource
            });
            old.cloned().unwrap_or(s)
        };
        token.set_scopes(scopes.into_iter().map(with_filter).collect());
    }
    if let Some(name) = form.said("name") {
        token.name = name.to_owned();
    }
    if let Some(description) = form.get("description") {
        token.description = description.to_owned();
    }
    let token = app.project.put_token(token)?;
    Ok(Reply::json(&token.to_json()))
}

fn refresh(app: &App, call: &Call, key: &str) -> Handled {
    require(app, call, "refresh tokens", Access::may_manage_tokens)?;
    let mut token = find(app, key)?;
    token.token = new_secret();
    let token = app.project.put_token(token)?;
    Ok(Reply::json(&token.to_json()))
}
