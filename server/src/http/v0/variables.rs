//! `/v0/variables`: secrets of templates.
//!
//! Invariant: values go in and never come out.

use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::Variable;
use crate::store::timestamp;

/// Bytes of a value.
const VALUE_MAX: usize = 8 << 10;
/// Variables of a workspace.
const VARIABLES_MAX: usize = 100;

pub(super) fn list(app: &App) -> Handled {
    let state = app.project.snapshot();
    let all: Vec<Json> = state.variables.values().map(|v| shown(v)).collect();
    Ok(Reply::json(&json!({ "variables": all })))
}

pub(super) fn detail(app: &App, name: &str) -> Handled {
    match app.project.snapshot().variables.get(name) {
        Some(variable) => Ok(Reply::json(&shown(variable))),
        None => Err(missing(name)),
    }
}

pub(super) fn create(app: &App, call: &Call) -> Handled {
    let state = app.project.snapshot();
    let form = call.form();
    let name = form.said("name").unwrap_or("").to_owned();
    let plain = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if name.is_empty() || !name.chars().all(plain) {
        return Err(Failure::bad(format!(
            "'{name}' is not a variable's name: letters, digits and underscores"
        )));
    }
    if state.variables.contains_key(&name) {
        return Err(Failure::new(
            409,
            format!("Variable \"{name}\" already exists"),
        ));
    }
    if state.variables.len() >= VARIABLES_MAX {
        return Err(Failure::bad(format!(
            "there are {VARIABLES_MAX} variables already"
        )));
    }
    store(app, call, &name, timestamp())
}

pub(super) fn update(app: &App, call: &Call, name: &str) -> Handled {
    match app.project.snapshot().variables.get(name) {
        Some(variable) => store(app, call, name, variable.created_at.clone()),
        None => Err(missing(name)),
    }
}

pub(super) fn drop_one(app: &App, name: &str) -> Handled {
    app.project.drop_variable(name)?;
    Ok(Reply::json(&json!({ "ok": true })))
}

fn missing(name: &str) -> Failure {
    Failure::not_found(format!("Variable \"{name}\" does not exist"))
}

fn shown(v: &Variable) -> Json {
    json!({
        "name": v.name,
        "type": v.kind,
        "created_at": v.created_at,
        "updated_at": v.updated_at,
    })
}

fn store(app: &App, call: &Call, name: &str, created_at: String) -> Handled {
    let form = call.form();
    let value = form
        .get("value")
        .ok_or_else(|| Failure::bad("The parameter 'value' is missing"))?;
    if value.len() > VALUE_MAX {
        return Err(Failure::bad(format!(
            "the value is longer than {VALUE_MAX} bytes"
        )));
    }
    let variable = app.project.put_variable(Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        kind: form.said("type").unwrap_or("secret").to_owned(),
        created_at,
        updated_at: timestamp(),
    })?;
    Ok(Reply::json(&shown(&variable)))
}
