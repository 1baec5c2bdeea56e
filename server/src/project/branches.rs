//! Branches: the workspace once more, over a branch of the database.
//!
//! A branch has every data source, pipe, token, tag, variable and connector of its workspace under
//! the same names and ids; its tokens have texts of their own, so that a text belongs to one place.
//! Jobs, schedules and service data sources start empty.
//!
//! Invariant: a branch with its workspace and tokens comes with one commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use roost_engine::catalog::{Attach, Table};
use roost_engine::error::Error;
use serde_json::{Value as Json, json};

use super::model::Workspace;
use super::{Project, ProjectError, Result, check_name};
use crate::store::{Ending, Store, timestamp};
use crate::tokens::{Token, new_secret, new_uuid};

/// Which rows come into a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataMode {
    /// None.
    #[default]
    Nothing,
    /// Of each data source the partition that changed last.
    LastPartition,
    /// All.
    AllPartitions,
}

impl DataMode {
    /// The mode of that name; an empty one is none.
    ///
    /// # Errors
    /// When there is no such mode.
    pub fn of(name: &str) -> Result<DataMode> {
        match name {
            "" | "None" => Ok(DataMode::Nothing),
            "last_partition" => Ok(DataMode::LastPartition),
            "all_partitions" => Ok(DataMode::AllPartitions),
            other => Err(ProjectError::Bad(format!(
                "There is no data mode '{other}': last_partition and all_partitions are known"
            ))),
        }
    }
}

/// Kinds of stored things that a branch does not take over.
const LEFT: [&str; 3] = ["job", "schedule", "space"];

/// A partition that was brought into a branch, or why it was not.
#[derive(Debug, Clone)]
pub struct Brought {
    /// The data source.
    pub source: String,
    /// Its partitions.
    pub partitions: Vec<String>,
    /// Why nothing came.
    pub error: Option<String>,
}

impl Brought {
    /// As the result of a job shows it.
    pub fn to_json(&self) -> Json {
        let status = if self.error.is_some() {
            "error"
        } else {
            "done"
        };
        let one = |p: &String| {
            let mut out = json!({ "partition": p, "status": status });
            if let Some(error) = &self.error {
                out["error"] = error.clone().into();
            }
            out
        };
        let partitions: Vec<Json> = self.partitions.iter().map(one).collect();
        json!({ "datasource": { "name": self.source }, "partitions": partitions })
    }
}

impl Project {
    /// Makes a branch of this workspace, without rows.
    ///
    /// # Errors
    /// When the name is no name, and what the database says.
    pub fn create_branch(&self, name: &str) -> Result<Project> {
        check_name(name, "branch")?;
        let id = new_uuid();
        // Nothing of the workspace changes between what is read here and the branch.
        let store = self.change(|state, store| {
            let workspace = Workspace {
                id: id.clone(),
                name: name.to_owned(),
                created_at: timestamp(),
                main: Some(state.workspace.id.clone()),
                main_name: Some(state.workspace.name.clone()),
                ..Workspace::clone(&state.workspace)
            };
            let mut values = vec![store.entry("workspace", "0", Some(&workspace))?];
            for token in state.tokens.values() {
                let token = Token {
                    token: new_secret(),
                    ..Token::clone(token)
                };
                values.push(store.entry("token", &token.id, Some(&token))?);
            }
            let left = LEFT.map(|kind| store.key(kind, ""));
            for (key, _) in store.keys() {
                if left.iter().any(|prefix| key.starts_with(prefix)) {
                    values.push((key, None));
                }
            }
            Ok(store.create_branch(&id, values)?)
        })?;
        Project::open(store, name)
    }

    /// Puts rows of `main` into this branch, in the place of what is in those partitions, all at one
    /// instant and with what `ending` makes of it, in the store that it is for. What does not fit any more
    /// is left out and says so.
    ///
    /// # Errors
    /// What the database says; nothing happened then.
    pub fn bring_data(
        &self,
        main: &Project,
        mode: DataMode,
        ignored: &BTreeSet<String>,
        (into, ending): (&Store, Option<Ending<Vec<Brought>>>),
    ) -> Result<Vec<Brought>> {
        let (mut attached, mut brought) = (Vec::new(), Vec::new());
        for source in main.snapshot().data_sources.values() {
            if ignored.contains(&source.name) || mode == DataMode::Nothing {
                continue;
            }
            let Some(from) = main.store.table(&source.name) else {
                continue;
            };
            let partitions = partitions(&from, mode);
            let partition = match mode {
                DataMode::LastPartition => partitions.first().cloned(),
                _ => None,
            };
            let attach = self.store.table(&source.name).ok_or_else(|| {
                let gone = format!("the branch has no data source {}", source.name);
                Error::new(roost_engine::error::Code::UNKNOWN_TABLE, gone)
            });
            let attach = attach.and_then(|to| {
                let attach = Attach {
                    from,
                    to,
                    partition,
                };
                attach.check().map(|()| attach)
            });
            brought.push(Brought {
                source: source.name.clone(),
                partitions,
                error: attach.as_ref().err().map(ToString::to_string),
            });
            attached.extend(
                attach
                    .into_iter()
                    .filter(|a| mode == DataMode::AllPartitions || a.partition.is_some()),
            );
        }
        let values = ending.map_or_else(Vec::new, |ending| ending(&brought));
        into.database().engine().attach_and(&attached, values)?;
        Ok(brought)
    }
}

/// The partitions of a table that a mode means.
fn partitions(table: &Arc<Table>, mode: DataMode) -> Vec<String> {
    let snapshot = table.snapshot();
    match mode {
        DataMode::Nothing => Vec::new(),
        DataMode::LastPartition => {
            let last = snapshot.parts.iter().max_by_key(|p| p.info().max_block);
            last.map(|p| p.info().partition.clone())
                .into_iter()
                .collect()
        }
        DataMode::AllPartitions => {
            let all: BTreeSet<&String> =
                snapshot.parts.iter().map(|p| &p.info().partition).collect();
            all.into_iter().cloned().collect()
        }
    }
}
