//! Materialized nodes: what they would be, and filling them.
//!
//! Invariant: a population that runs beside inserts loses and doubles none of their rows.

use std::sync::Arc;

use roost::interpret::materialized::Stored;
use serde_json::{Map, Value as Json, json};

use super::pipes::find;
use super::routes::Ask;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled, Reply};
use crate::jobs::{Job, Kind, NewJob, Outcome};
use crate::project::{CreatedPipe, DataSource, MATERIALIZED, Node, Pipe};

/// `GET …/nodes/N/analysis`: the files of the view that a node would be.
pub(super) fn analyze(app: &Arc<App>, call: &Call, pipe: &str, node: &str) -> Handled {
    let pipe = find(app, pipe)?;
    let mut node = node_of(&pipe, node)?;
    for (key, value) in call.query.iter() {
        let is_setting = key == "datasource" || key.starts_with("engine");
        if is_setting && !value.is_empty() && value != "None" {
            node.settings.insert(key.to_owned(), value.to_owned());
        }
    }
    if let Some(sql) = call.query.said("sql") {
        node.sql = sql.to_owned();
    }
    node.kind = MATERIALIZED.to_owned();
    let analysis = app.project.analyze_view(&pipe, &node)?;
    let target = node.settings.get("datasource").cloned();
    let name = target.unwrap_or_else(|| format!("{}_mv", pipe.name));
    let mut shown = Pipe::clone(&pipe);
    shown
        .nodes
        .iter_mut()
        .filter(|n| n.id == node.id)
        .for_each(|n| n.clone_from(&node));
    Ok(Reply::json(&json!({
        "analysis": {
            "datasource": { "name": name, "datafile": analysis.data_source },
            "pipe": { "name": pipe.name, "datafile": analysis.pipe },
        },
        "warnings": warnings(app, &shown),
    })))
}

/// `POST …/nodes/N/population`: fills the data source of a view, as a job.
pub(super) fn populate(a: &Ask<'_>) -> Handled {
    let (app, call) = (a.app, a.call);
    let pipe = find(app, a.part(0))?;
    let node = node_of(&pipe, a.part(1))?;
    let truncate = call.query.flag("truncate");
    let stored = app.project.view_source(&pipe, &node, truncate)?;
    let target = node.view_target().unwrap_or_default().to_owned();
    let state = app.project.snapshot();
    let target = state.data_source(&target).cloned();
    let target = target.ok_or_else(|| Failure::not_found("The view's Data Source is gone"))?;
    let what = Population::of(&call.query, &pipe, &node.name, &target)?;
    let job = what.start(app, stored);
    Ok(Reply::json(
        &json!({ "job": job.to_json(&call.base_url()) }),
    ))
}

/// What is doubtful about a pipe, as the client reads warnings of an analysis.
pub(super) fn warnings(app: &Arc<App>, pipe: &Pipe) -> Vec<Json> {
    let shown = |f: crate::project::Finding| {
        let line = f.line.map_or_else(String::new, |l| format!(", line {l}"));
        json!({
            "code": if f.is_error { "ERROR" } else { "DOUBT" },
            "weight": if f.is_error { 1 } else { 100 },
            "text": format!("node {}{line}: {}", f.node, f.message),
            "documentation": "docs/check.md",
        })
    };
    app.project.findings(pipe).into_iter().map(shown).collect()
}

/// Adds to a new pipe's answer what became of its materialized node, and starts its population.
pub(super) fn show_made(app: &Arc<App>, call: &Call, created: CreatedPipe, out: &mut Json) {
    let populate = call.query.flag("populate");
    for made in created.made {
        out["datasource"] = json!({ "id": made.target.id, "name": made.target.name });
        out["created_datasource"] = created.made_sources.contains(&made.target.name).into();
        let (true, Some(stored)) = (populate, made.stored) else {
            continue;
        };
        let what = Population::of(&call.query, &created.pipe, &made.node, &made.target);
        match what {
            Ok(what) => out["job"] = what.start(app, stored).to_json(&call.base_url()),
            Err(e) => out["error"] = e.message.into(),
        }
    }
}

fn node_of(pipe: &Pipe, node: &str) -> Handled<Node> {
    pipe.node(node)
        .cloned()
        .ok_or_else(|| Failure::not_found(format!("The node '{node}' does not exist")))
}

/// A population that is asked for.
struct Population {
    pipe: String,
    node: String,
    condition: Option<String>,
    unlink_on_error: bool,
    details: Map<String, Json>,
}

impl Population {
    fn of(query: &Params, pipe: &Pipe, node: &str, target: &DataSource) -> Handled<Self> {
        let mut details = Map::new();
        let shown = json!({ "id": target.id, "name": target.name });
        details.insert("datasource".to_owned(), shown);
        details.insert("pipe_id".to_owned(), pipe.id.clone().into());
        details.insert("pipe_name".to_owned(), pipe.name.clone().into());
        Ok(Population {
            pipe: pipe.name.clone(),
            node: node.to_owned(),
            condition: condition(query)?,
            unlink_on_error: query.flag("unlink_on_populate_error"),
            details,
        })
    }

    fn start(self, app: &Arc<App>, stored: Stored) -> Job {
        let details = self.details.clone();
        let (jobs, app) = (Arc::clone(&app.jobs), Arc::clone(app));
        let new = NewJob::of(Kind::PopulateView, details);
        jobs.submit(new, move |running| -> Outcome {
            let database = app.store().database();
            let told = |rows: u64| Map::from_iter([("rows".to_owned(), rows.into())]);
            let also = running.done_with(move |w| told(w.rows));
            match database.populate(&stored, self.condition.as_deref(), &running.cancel, also) {
                Ok(rows) => Ok(told(rows)),
                Err(e) => {
                    if self.unlink_on_error
                        && let Err(e) = app.project.unlink_view(&self.pipe, &self.node)
                    {
                        tracing::error!("cannot unlink {}.{}: {e}", self.pipe, self.node);
                    }
                    Err(e.to_string())
                }
            }
        })
    }
}

/// Which rows of the source: a condition, or a part of them by chance.
fn condition(query: &Params) -> Handled<Option<String>> {
    let said = |name: &str| query.said(name).filter(|v| *v != "None");
    if let Some(condition) = said("populate_condition") {
        return Ok(Some(condition.to_owned()));
    }
    match said("populate_subset") {
        None => Ok(None),
        Some(text) => match text.parse::<f64>() {
            Ok(part) if (0.0..=1.0).contains(&part) => {
                Ok(Some(format!("rand() < {}", part * f64::from(u32::MAX))))
            }
            _ => Err(Failure::bad(format!(
                "populate_subset is a number from 0 to 1, found '{text}'"
            ))),
        },
    }
}
