//! Workspaces of the user: list, make, delete, members; data sources that they share.
//!
//! Invariant: what changes a workspace, or tells of it, asks for the user's own token (the first
//! workspace's admin token is as good), or for an admin token of that workspace.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::routes::Ask;
use super::{datasources, releases};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::http::workspaces::SCRATCH;
use crate::project::{Shared, Workspace, data_source_json};
use crate::store::timestamp;
use crate::tokens::{Access, Rows, new_uuid};

/// `GET /v0/workspaces/{id}`.
pub(super) fn detail(a: &Ask<'_>) -> Handled {
    let target = find(a, a.part(0))?;
    Ok(Reply::json(&shown_to(a, &target)))
}

/// The workspace of that id or name, when the caller has to do with it.
fn find(a: &Ask<'_>, key: &str) -> Handled<Arc<App>> {
    let found = named(a.app, key).ok().filter(|w| concerns(a, w));
    found.ok_or_else(|| absent(key))
}

/// Any workspace of that id or name.
fn named(app: &App, key: &str) -> Handled<Arc<App>> {
    app.workspaces.find(key).ok_or_else(|| absent(key))
}

fn absent(key: &str) -> Failure {
    Failure::not_found(format!("Workspace \"{key}\" does not exist"))
}

/// Whether the caller runs the server, rather than one workspace of it.
fn is_operator(a: &Ask<'_>) -> bool {
    let main = || a.app.workspaces.main();
    is_user(a.access) || main().is_some_and(|m| m.project.admin_token() == a.call.token())
}

/// Whether a workspace is the caller's own, or a branch of it; the operator has to do with all.
fn concerns(a: &Ask<'_>, target: &App) -> bool {
    let (own, target) = (a.app.project.workspace(), target.project.workspace());
    target.id == own.id || target.main.as_ref() == Some(&own.id) || is_operator(a)
}

/// A workspace with the token that the caller has for it.
fn shown_to(a: &Ask<'_>, target: &App) -> Json {
    let own = target.project.workspace().id == a.app.project.workspace().id;
    match own && !is_operator(a) {
        true => shown_of(
            target,
            &target.project.workspace(),
            Some(a.call.token().to_owned()),
        ),
        false => shown(target, true),
    }
}

/// Whether the token is the user's own rather than the workspace's.
pub(super) fn is_user(access: &Access) -> bool {
    access.is_admin() && access.name.starts_with("admin ")
}

/// `GET /v0/auth`.
pub(super) fn auth(access: &Access) -> Handled {
    Ok(Reply::json(
        &json!({ "is_valid": true, "is_user": is_user(access) }),
    ))
}

/// `GET /v0/workspace`.
pub(super) fn one(a: &Ask<'_>) -> Handled {
    let (app, access) = (a.app, a.access);
    let w = app.project.workspace();
    let token = match is_operator(a) {
        true => Some(app.project.user_token()),
        false => access.is_admin().then(|| a.call.token().to_owned()),
    };
    let mut out = shown_of(app, &w, token);
    out["user_email"] = w.user_email.clone().into();
    out["user_id"] = w.user_id.clone().into();
    out["scope"] = if access.is_admin() { "admin" } else { "user" }.into();
    out["rate_limits"] = json!({});
    out["can_manage_datasources"] = access.may_create_data_sources().into();
    Ok(Reply::json(&out))
}

/// `GET /v0/user/workspaces`: all of them for the operator, else the token's own and its branches.
pub(super) fn all(a: &Ask<'_>) -> Handled {
    let (app, call, access) = (a.app, a.call, a.access);
    let w = app.project.workspace();
    let with_branches = call.query.said("with_environments") != Some("false");
    let only_branches = call.query.flag("only_environments");
    let workspaces: Vec<Json> = match access.is_admin() {
        true => {
            let wanted = |app: &Arc<App>| {
                let w = app.project.workspace();
                let is_wanted = match w.main {
                    Some(_) => with_branches,
                    None => !only_branches,
                };
                is_wanted && !w.name.starts_with(SCRATCH) && concerns(a, app)
            };
            let all = app.workspaces.all().into_iter().filter(wanted);
            all.map(|w| shown_to(a, &w)).collect()
        }
        false => vec![shown_of(app, &w, Some(call.token().to_owned()))],
    };
    Ok(Reply::json(&json!({
        "id": w.user_id,
        "email": w.user_email,
        "organization_id": null,
        "organization_name": null,
        "organizations": [],
        "feature_flags": {},
        "name": w.name,
        "workspaces": workspaces,
    })))
}

/// A workspace, with the user's token for it.
pub(super) fn shown(app: &App, with_token: bool) -> Json {
    let token = with_token.then(|| app.project.user_token());
    shown_of(app, &app.project.workspace(), token)
}

fn shown_of(app: &App, w: &Workspace, token: Option<String>) -> Json {
    let owner = json!({ "id": w.user_id, "email": w.user_email, "role": "admin" });
    let others = w.members.iter().map(|m| json!(m));
    let members: Vec<Json> = std::iter::once(owner).chain(others).collect();
    let main = w.main.as_deref().and_then(|id| app.workspaces.find(id));
    json!({
        "id": w.id,
        "name": w.name,
        "token": token,
        "role": "admin",
        "plan": "dev",
        "owner": w.user_id,
        "is_branch": w.main.is_some(),
        "main": main.map(|m| m.project.workspace().id.clone()),
        "branches": [],
        "created_at": w.created_at,
        "members": members,
        "release": releases::shown(w),
        "releases": [],
    })
}

pub(super) fn create(app: &Arc<App>, call: &Call) -> Handled {
    let form = call.form();
    let name = form.said("name").unwrap_or_default();
    if name.is_empty() {
        return Err(Failure::bad("The parameter 'name' is missing"));
    }
    if let Some(kit) = form.said("starter_kit") {
        return Err(Failure::not_found(format!(
            "The starter kit '{kit}' does not exist"
        )));
    }
    let own = app.project.workspace();
    let made = app.workspaces.create(Workspace {
        id: new_uuid(),
        name: name.to_owned(),
        user_id: own.user_id.clone(),
        user_email: own.user_email.clone(),
        created_at: timestamp(),
        ..Workspace::default()
    })?;
    Ok(Reply::json(&shown(&made, true)))
}

pub(super) fn delete(a: &Ask<'_>) -> Handled {
    let w = find(a, a.part(0))?.project.workspace();
    let form = a.call.form();
    if let Some(said) = form.said("confirmation").filter(|c| *c != w.name) {
        return Err(Failure::bad(format!(
            "The confirmation '{said}' is not the name of workspace '{}'",
            w.name
        )));
    }
    a.app.workspaces.remove(&w.id)?;
    Ok(Reply::json(&json!({ "id": w.id, "name": w.name })))
}

/// Adds and removes members, and changes what they may do.
pub(super) fn members(a: &Ask<'_>) -> Handled {
    let target = find(a, a.part(0))?;
    let form = a.call.form();
    let project = &target.project;
    let users = form.said("users").unwrap_or_default().split(',');
    let role = || form.said("new_role").or_else(|| form.said("role"));
    for email in users.map(str::trim).filter(|u| !u.is_empty()) {
        match form.said("operation") {
            Some("add") => project.put_member(email, role().unwrap_or("guest"))?,
            Some("remove") => project.drop_member(email)?,
            Some("change_role") => {
                let members = &project.workspace().members;
                if !members.iter().any(|m| m.email == email) {
                    return Err(Failure::not_found(format!(
                        "{email} is no member of the workspace"
                    )));
                }
                let role = role().ok_or_else(|| Failure::bad("The new role is missing"))?;
                project.put_member(email, role)?;
            }
            other => {
                return Err(Failure::bad(format!(
                    "Unknown operation '{}'; known are add, remove, change_role",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    Ok(Reply::json(&shown(&target, false)))
}

/// `POST, DELETE /v0/datasources/{id}/share`: the receiver reads it as `workspace.name`.
pub(super) fn share(a: &Ask<'_>, is_shared: bool) -> Handled {
    let (app, key, form) = (a.app, a.part(0), a.call.form());
    let origin = form.said("origin_workspace_id");
    let origin = origin.map_or_else(|| Ok(Arc::clone(app)), |id| find(a, id))?;
    let wanted = form
        .said("destination_workspace_id")
        .or_else(|| form.said("destination_workspace_name"))
        .ok_or_else(|| Failure::bad("The parameter 'destination_workspace_id' is missing"))?;
    let target = named(app, wanted)?;
    let (from, to) = (origin.project.workspace(), target.project.workspace());
    if from.id == to.id {
        return Err(Failure::bad("A workspace has its own data sources already"));
    }
    let source = datasources::find(&origin, key)?;
    let source = match is_shared {
        true => {
            target.project.accept(Shared {
                id: source.id.clone(),
                name: source.name.clone(),
                workspace: from.name.clone(),
                workspace_id: from.id.clone(),
                database: origin.store().data().to_owned(),
            })?;
            origin.project.share(&source.name, &to.id, true)?
        }
        false => {
            if !source.shared_with.contains(&to.id) {
                return Err(Failure::bad(format!(
                    "Data Source \"{}\" is not shared with workspace \"{}\"",
                    source.name, to.name
                )));
            }
            target.project.give_up(&source.id)?;
            origin.project.share(&source.name, &to.id, false)?
        }
    };
    Ok(Reply::json(&data_source_json(&origin.project, &source)))
}

/// What other workspaces share with this one and the token may read.
pub(super) fn received(app: &App, access: &Access) -> Vec<Json> {
    let state = app.project.snapshot();
    let mut out = Vec::new();
    for shared in state.shared.values() {
        let full = shared.full_name();
        let origin = app.workspaces.find(&shared.workspace_id);
        let source = origin.as_ref().and_then(|o| {
            let state = o.project.snapshot();
            state.data_source(&shared.id).cloned()
        });
        if let (Some(origin), Some(source)) = (origin, source)
            && access.rows_of_data_source(&full) != Rows::Denied
        {
            let mut shown = data_source_json(&origin.project, &source);
            shown["name"] = full.into();
            shown["shared_from"] = shared.workspace.clone().into();
            shown["shared_with"] = json!([]);
            shown["used_by"] = json!([]);
            out.push(shown);
        }
    }
    out
}
