//! `/v0/environments`: branches of the workspace.
//!
//! A branch is a workspace over a branch of the database, with tokens of its own. Whoever is admin of
//! a workspace may do everything with its branches; of a branch only the user's own token may bring
//! rows of the workspace in.
//!
//! Invariant: a branch is there, whole, when the request that asked for it is answered; what rows come
//! into it come in one commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::routes::Ask;
use super::workspaces;
use crate::http::app::App;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{Kind, NewJob};
use crate::project::{Brought, DataMode, MainRows};
use crate::tokens::Access;

/// `GET /v0/environments`: admins get the tokens as well, and so only they get the list.
pub(super) fn list(a: &Ask<'_>) -> Handled {
    let branches = match a.access.is_admin() {
        true => a.app.workspaces.branches_of(&main_id(a.app)),
        false => Vec::new(),
    };
    let shown = branches.iter().map(|b| workspaces::shown(b, true));
    let shown: Vec<Json> = shown.collect();
    Ok(Reply::json(&json!({ "environments": shown })))
}

/// `GET /v0/environments/{branch}`.
pub(super) fn detail(a: &Ask<'_>) -> Handled {
    let branch = find(a.app, a.part(0))?;
    Ok(Reply::json(&workspaces::shown(&branch, true)))
}

/// `DELETE /v0/environments/{branch}`.
pub(super) fn drop_one(a: &Ask<'_>) -> Handled {
    let branch = find(a.app, a.part(0))?;
    a.app.workspaces.remove_branch(&branch)?;
    Ok(Reply::empty(204))
}

fn is_branch(app: &App) -> bool {
    app.project.workspace().main.is_some()
}

/// The id of the workspace whose branches a request means.
fn main_id(app: &App) -> String {
    let own = app.project.workspace();
    own.main.clone().unwrap_or_else(|| own.id.clone())
}

/// What `main` means in the text of a copy; none where a database is called so.
pub(super) fn main_rows(app: &App, access: &Access) -> Option<MainRows> {
    if !is_branch(app) {
        let tables = app.store().database().engine().tables();
        let is_database = tables.iter().any(|t| t.definition().database == "main");
        return (!is_database).then_some(MainRows::NoBranch);
    }
    let main = app.workspaces.find(&main_id(app));
    match main.filter(|_| workspaces::is_user(access)) {
        Some(main) => Some(MainRows::Of(Arc::clone(&main.project))),
        None => Some(MainRows::Denied),
    }
}

fn find(app: &App, key: &str) -> Handled<Arc<App>> {
    let branches = app.workspaces.branches_of(&main_id(app));
    let found = branches.into_iter().find(|b| {
        let w = b.project.workspace();
        w.id == key || w.name == key
    });
    found.ok_or_else(|| Failure::not_found(format!("Branch \"{key}\" does not exist")))
}

fn ignored(form: &Params) -> BTreeSet<String> {
    let given = form.said("ignore_datasources").unwrap_or_default();
    let names = given.split(',').map(str::trim).filter(|n| !n.is_empty());
    names.map(str::to_owned).collect()
}

/// `POST /v0/environments`.
pub(super) fn create(a: &Ask<'_>) -> Handled {
    if is_branch(a.app) {
        return Err(Failure::bad(
            "A branch is made from the main workspace: use a token of it",
        ));
    }
    let form = a.call.form();
    let name = form.said("name").unwrap_or_default().trim();
    let mode = DataMode::of(form.said("data").unwrap_or_default())?;
    let branch = a.app.workspaces.create_branch(a.app, name)?;
    Ok(bring(a, &branch, mode, ignored(&form)))
}

/// `POST /v0/environments/{branch}/data`.
pub(super) fn data(a: &Ask<'_>) -> Handled {
    let branch = find(a.app, a.part(0))?;
    if is_branch(a.app) && !workspaces::is_user(a.access) {
        return Err(Failure::forbidden(
            "Of the tokens of a branch only the user's own brings rows of the workspace in",
        ));
    }
    let form = a.call.form();
    let mode = DataMode::of(form.said("mode").unwrap_or_default())?;
    if mode == DataMode::Nothing {
        return Err(Failure::bad(
            "The parameter mode is missing: last_partition or all_partitions",
        ));
    }
    Ok(bring(a, &branch, mode, ignored(&form)))
}

/// Starts the job that brings rows of the workspace into a branch.
fn bring(a: &Ask<'_>, branch: &Arc<App>, mode: DataMode, ignored: BTreeSet<String>) -> Reply {
    let workspace = branch.project.workspace();
    let shown = json!({ "id": workspace.id, "name": workspace.name });
    let details = Map::from_iter([("workspace".to_owned(), shown.clone())]);
    let main = a.app.workspaces.find(&main_id(a.app));
    let project = Arc::clone(&branch.project);
    let new = NewJob::of(Kind::DataBranch, details);
    let job = a.app.jobs.submit(new, move |running| {
        let main = main.ok_or("the workspace of the branch is gone")?;
        let ending = running.ending(|brought: &Vec<Brought>| result(brought));
        let ending = (running.store(), ending);
        let brought = project.bring_data(&main.project, mode, &ignored, ending);
        brought.map(|b| result(&b)).map_err(|e| e.to_string())
    });
    let job = job.to_json(&a.call.base_url());
    Reply::json(&json!({ "job": job, "workspace": shown }))
}

fn result(brought: &[Brought]) -> Map<String, Json> {
    let partitions: Vec<Json> = brought.iter().map(Brought::to_json).collect();
    let partitions = json!({ "partitions": partitions });
    Map::from_iter([("result".to_owned(), partitions)])
}
