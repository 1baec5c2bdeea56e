//! The release of a workspace: the git commit that it was last deployed from, and its version.
//!
//! Invariant: a workspace has one release at most, the live one; others beside it are builds
//! (`/v1/deploy`) or branches.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::routes::Ask;
use crate::http::app::App;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{Release, Workspace};
use crate::store::timestamp;

/// The version of a workspace that was never given one.
const FIRST: &str = "0.0.0";

/// As the API shows it.
pub(super) fn shown(workspace: &Workspace) -> Json {
    match &workspace.release {
        None => Json::Null,
        Some(release) => json!({
            "semver": release.semver,
            "commit": release.commit,
            "status": "live",
            "created_at": release.created_at,
            "rollback": null,
        }),
    }
}

fn find(a: &Ask<'_>) -> Handled<Arc<App>> {
    let key = a.part(0);
    let found = a.app.workspaces.find(key);
    found.ok_or_else(|| Failure::not_found(format!("Workspace \"{key}\" does not exist")))
}

/// `GET …/releases`.
pub(super) fn list(a: &Ask<'_>) -> Handled {
    let own = a.app.project.workspace();
    let key = a.part(0);
    let workspace = match own.id == key || own.name == key || !a.access.is_admin() {
        true => own,
        false => find(a)?.project.workspace(),
    };
    let all: Vec<Json> = workspace
        .release
        .iter()
        .map(|_| shown(&workspace))
        .collect();
    Ok(Reply::json(&json!({ "releases": all })))
}

/// `POST …/releases?commit=`: the workspace is what that commit says.
pub(super) fn put(a: &Ask<'_>) -> Handled {
    let form = a.call.form();
    let commit = form.said("commit").unwrap_or_default().to_owned();
    if commit.is_empty() {
        return Err(Failure::bad("The parameter 'commit' is missing"));
    }
    if let Some(semver) = form.said("semver") {
        return Err(Failure::not_implemented(format!(
            "release {semver} beside the live one: deploy to a branch, or with /v1/deploy"
        )));
    }
    let workspace = find(a)?.project.update_workspace(|w| {
        let old = w.release.take();
        w.release = Some(Release {
            semver: old.map_or_else(|| FIRST.to_owned(), |r| r.semver),
            commit,
            created_at: timestamp(),
        });
        Ok(())
    })?;
    Ok(Reply::json(&shown(&workspace)))
}

/// `PUT …/releases/SEMVER?new_semver=`: the live release gets another version.
pub(super) fn rename(a: &Ask<'_>) -> Handled {
    let form = a.call.form();
    let (target, semver) = (find(a)?, a.part(1));
    let live = target.project.workspace().release.clone();
    let live = live.filter(|r| r.semver == semver);
    if live.is_none() {
        return Err(Failure::not_found(format!(
            "Release {semver} does not exist"
        )));
    }
    let new = form.said("new_semver").ok_or_else(|| {
        Failure::not_implemented("previews, promotions and rollbacks of releases")
    })?;
    let workspace = target.project.update_workspace(|w| {
        if let Some(release) = &mut w.release {
            new.clone_into(&mut release.semver);
        }
        Ok(())
    })?;
    Ok(Reply::json(&shown(&workspace)))
}
