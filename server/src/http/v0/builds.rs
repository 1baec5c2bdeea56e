//! Builds and deployments: a whole project of files at once.
//!
//! Invariant: the files are first built in a workspace of their own, empty but for what the project
//! does not say; only what could be built there is carried out.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::http::app::App;
use crate::http::call::Call;
use crate::http::multipart::parts;
use crate::http::reply::{Failure, Handled, Reply};
use crate::http::workspaces::SCRATCH;
use crate::project::build::{Changes, Deployment, Fault, File, Files};
use crate::project::{Workspace, data_source_text, pipe_text};
use crate::store::timestamp;
use crate::tokens::new_uuid;

fn shown(deployment: &Deployment) -> Reply {
    Reply::json(&json!({ "deployment": deployment.to_json() }))
}

/// `GET /v1/deployments`.
pub(super) fn list(app: &App, call: &Call) -> Handled {
    let with_deleted = call.query.flag("include_deleted");
    let all = app.project.deployments().into_iter();
    let all = all.filter(|d| with_deleted || d.status != "deleted");
    let all: Vec<Json> = all.map(|d| d.to_json()).collect();
    Ok(Reply::json(&json!({ "deployments": all })))
}

/// `GET /v1/deployments/ID`.
pub(super) fn detail(app: &App, id: &str) -> Handled {
    Ok(shown(&app.project.deployment(id)?))
}

/// `POST /v1/deployments/ID/set-live`.
pub(super) fn set_live(app: &Arc<App>, id: &str) -> Handled {
    let found = app.project.deployment(id)?;
    Ok(shown(&promote(app, found)?))
}

/// `DELETE /v1/deployments/ID`.
pub(super) fn discard(app: &App, id: &str) -> Handled {
    Ok(shown(&app.project.drop_deployment(id)?))
}

/// The project's files in a multipart body.
fn files_of(call: &Call) -> Handled<Vec<File>> {
    let declared = call.header("content-type").unwrap_or("");
    let parts = parts(declared, &call.body)
        .ok_or_else(|| Failure::bad("the body is no multipart body with whole parts"))?;
    let of_project = parts.into_iter().filter(|p| p.name == "data_project://");
    Ok(of_project
        .map(|p| (p.filename, String::from_utf8_lossy(&p.content).into_owned()))
        .collect())
}

fn failed(errors: &[Fault]) -> Json {
    json!({ "result": "failed", "errors": errors })
}

/// `POST /v1/build`: makes the workspace what the files say.
pub(super) fn build(app: &Arc<App>, call: &Call) -> Handled {
    let texts = files_of(call)?;
    let files = match Files::read(&texts) {
        Ok(files) => files,
        Err(faults) => return Ok(Reply::json(&failed(&faults))),
    };
    let done = match app.project.changes(&files) {
        none if none.is_empty() => Ok(none),
        changes => rehearse(app, &texts, &changes)?.and_then(|()| app.project.build(&files)),
    };
    Ok(Reply::json(&match done {
        Err(fault) => failed(&[fault]),
        Ok(changes) => {
            let mut shown = json!({ "feedback": [], "datasources": [], "pipes": [] });
            changes.show(&mut shown);
            json!({ "result": "success", "build": shown, "errors": [] })
        }
    }))
}

/// `POST /v1/deploy`: keeps a deployment of the files, and perhaps makes it live.
pub(super) fn deploy(app: &Arc<App>, call: &Call) -> Handled {
    let texts = files_of(call)?;
    let only_check = call.query.flag("check");
    let waits = |d: &Deployment| !d.live && d.status == "data_ready";
    if !only_check && app.project.deployments().iter().any(waits) {
        return Err(Failure::bad(
            "There is a deployment already that is not live: promote or discard it first",
        ));
    }
    let (changes, faults) = match Files::read(&texts) {
        Err(faults) => (Changes::default(), faults),
        Ok(files) => {
            let changes = app.project.changes(&files);
            let faults = check(app, call, &texts, &changes)?;
            (changes, faults)
        }
    };
    if faults.is_empty() && changes.is_empty() {
        let nothing = Deployment::default().to_json();
        return Ok(Reply::json(
            &json!({ "result": "no_changes", "deployment": nothing }),
        ));
    }
    let result = match faults.is_empty() {
        true => "success",
        false => "failed",
    };
    let deployment = match only_check {
        true => Deployment {
            changes,
            errors: faults,
            ..Deployment::default()
        },
        false => app.project.add_deployment(texts, changes, faults)?,
    };
    let is_to_go = call.query.flag("auto_promote") && result == "success" && !only_check;
    let deployment = match is_to_go {
        true => promote(app, deployment)?,
        false => deployment,
    };
    Ok(Reply::json(
        &json!({ "result": result, "deployment": deployment.to_json() }),
    ))
}

/// What speaks against carrying the changes out.
fn check(app: &Arc<App>, call: &Call, texts: &[File], changes: &Changes) -> Handled<Vec<Fault>> {
    if !call.query.flag("allow_destructive_operations") {
        let gone = changes.deleted.datasources.iter();
        let faults: Vec<Fault> = gone
            .map(|name| Fault {
                filename: format!("{name}.datasource"),
                error: format!(
                    "Data Source \"{name}\" and its rows would be deleted: allow it with \
                     --allow-destructive-operations"
                ),
            })
            .collect();
        if !faults.is_empty() {
            return Ok(faults);
        }
    }
    Ok(match changes.is_empty() {
        true => Vec::new(),
        false => rehearse(app, texts, changes)?.err().into_iter().collect(),
    })
}

/// Builds the workspace from a deployment's files and makes it the live one.
fn promote(app: &Arc<App>, deployment: Deployment) -> Handled<Deployment> {
    if deployment.live {
        return Ok(deployment);
    }
    if deployment.status != "data_ready" {
        return Err(Failure::bad(format!(
            "Deployment {} is {} and cannot become live",
            deployment.id, deployment.status
        )));
    }
    let said = |fault: &Fault| Failure::bad(format!("{}: {}", fault.filename, fault.error));
    let files = Files::read(&deployment.files);
    let files = files.map_err(|faults| faults.first().map_or_else(|| Failure::bad(""), said))?;
    app.project.build(&files).map_err(|f| said(&f))?;
    Ok(app.project.set_live(deployment)?)
}

/// Builds the files, and what the workspace has besides, in an empty workspace that is gone afterwards.
fn rehearse(app: &Arc<App>, texts: &[File], changes: &Changes) -> Handled<Result<(), Fault>> {
    let own = app.project.workspace();
    let state = app.project.snapshot();
    let id = new_uuid();
    let scratch = app.workspaces.create(Workspace {
        name: format!("{SCRATCH}{}", id.replace('-', "")),
        id: id.clone(),
        user_id: own.user_id.clone(),
        user_email: own.user_email.clone(),
        created_at: timestamp(),
        ..Workspace::default()
    })?;
    let done = (|| -> crate::project::Result<Result<(), Fault>> {
        let project = &scratch.project;
        for variable in state.variables.values() {
            project.put_variable((**variable).clone())?;
        }
        for shared in state.shared.values() {
            project.accept((**shared).clone())?;
        }
        let said = |ending: &str, name: &str| {
            let file = format!("{name}.{ending}");
            texts
                .iter()
                .any(|(path, _)| path.rsplit('/').next() == Some(&file))
        };
        let mut all = texts.to_vec();
        for source in state.data_sources.values() {
            let goes = changes.deleted.datasources.contains(&source.name);
            if !goes && !said("datasource", &source.name) {
                let text = data_source_text(&state, source);
                all.push((format!("{}.datasource", source.name), text));
            }
        }
        for pipe in state.pipes.values() {
            let goes = changes.deleted.pipes.contains(&pipe.name);
            if !goes && !said("pipe", &pipe.name) {
                all.push((format!("{}.pipe", pipe.name), pipe_text(&state, pipe)));
            }
        }
        Ok(match Files::read(&all) {
            Ok(files) => project.build(&files).map(|_| ()),
            Err(faults) => Err(faults.into_iter().next().unwrap_or_else(|| Fault {
                filename: String::new(),
                error: "the project cannot be read".to_owned(),
            })),
        })
    })();
    app.workspaces.remove(&id)?;
    Ok(done?)
}
