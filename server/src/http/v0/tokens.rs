//! `/v0/tokens`, and `/tokens` for whoever sits at the machine.
//!
//! Invariant: `/tokens` answers the loopback address only.

use serde_json::{Value as Json, json};

use super::routes::Ask;
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

fn find(app: &App, key: &str) -> Handled<Token> {
    let state = app.project.snapshot();
    let found = state.token(key).map(|t| Token::clone(t));
    found.ok_or_else(|| Failure::not_found(format!("Token \"{key}\" does not exist")))
}

/// A token that the caller may change or hand out: nobody gets at an ADMIN token with less.
fn managed(a: &Ask<'_>) -> Handled<Token> {
    let token = find(a.app, a.part(0))?;
    if token.is_admin() && !a.access.is_admin() {
        return Err(Failure::forbidden(
            "Only an ADMIN token may manage ADMIN tokens",
        ));
    }
    Ok(token)
}

fn is_seen(access: &Access, token: &Token) -> bool {
    let manages = access.may_manage_tokens() && (access.is_admin() || !token.is_admin());
    manages || token.id == access.id
}

pub(super) fn list(a: &Ask<'_>) -> Handled {
    let state = a.app.project.snapshot();
    let seen = state.tokens.values().filter(|t| is_seen(a.access, t));
    let all: Vec<Json> = seen.map(|t| t.to_json()).collect();
    Ok(Reply::json(&json!({ "tokens": all })))
}

pub(super) fn detail(a: &Ask<'_>) -> Handled {
    let token = find(a.app, a.part(0))?;
    match is_seen(a.access, &token) {
        true => Ok(Reply::json(&token.to_json())),
        false => Err(Failure::forbidden(
            "Only an ADMIN token may read ADMIN tokens",
        )),
    }
}

pub(super) fn drop_one(a: &Ask<'_>) -> Handled {
    managed(a)?;
    a.app.project.drop_token(a.part(0))?;
    Ok(Reply::json(&json!({ "ok": true })))
}

fn scopes(form: &Params) -> Handled<Vec<Scope>> {
    let written = form.all("scope").filter(|s| !s.is_empty());
    written
        .map(|s| Scope::parse(s).map_err(Failure::bad))
        .collect()
}

pub(super) fn create(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let form = call.form();
    let name = form.said("name").unwrap_or("").to_owned();
    if name.is_empty() {
        return Err(Failure::bad("The parameter 'name' is missing"));
    }
    if let Some(expires) = form.said("expiration_time") {
        return sign(app, call, &name, expires);
    }
    let scopes = scopes(&form)?;
    if scopes.iter().any(|s| s.kind.starts_with("ADMIN")) && !a.access.is_admin() {
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
    let limits = body.get("limits").filter(|l| !l.is_null()).cloned();
    let limits = limits.map(serde_json::from_value).transpose();
    let limits = limits.map_err(|e| Failure::bad(format!("limits of a JWT: {e}")))?;
    let claims = Claims {
        workspace_id: app.project.workspace().id.clone(),
        name: Some(name.to_owned()),
        exp,
        scopes,
        not_before: None,
        limits,
    };
    claims.check_scopes().map_err(Failure::bad)?;
    let text = claims
        .sign(&app.project.admin_token())
        .map_err(|e| Failure::new(500, e))?;
    Ok(Reply::json(
        &json!({ "name": name, "token": text, "scopes": body["scopes"] }),
    ))
}

pub(super) fn update(a: &Ask<'_>) -> Handled {
    let mut token = managed(a)?;
    let form = a.call.form();
    let scopes = scopes(&form)?;
    if scopes.iter().any(|s| s.kind.starts_with("ADMIN")) && !a.access.is_admin() {
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
    let token = a.app.project.put_token(token)?;
    Ok(Reply::json(&token.to_json()))
}

pub(super) fn refresh(a: &Ask<'_>) -> Handled {
    let mut token = managed(a)?;
    token.token = new_secret();
    let token = a.app.project.put_token(token)?;
    Ok(Reply::json(&token.to_json()))
}
