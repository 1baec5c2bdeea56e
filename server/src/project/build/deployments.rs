//! Deployments: builds that are kept, first aside and then live.
//!
//! Invariant: at most one deployment is live and at most one waits beside it; the live one's files are
//! what the workspace was last built from.

use serde::{Deserialize, Serialize};

use super::{Changes, Fault, File, Names};
use crate::project::state::{Project, put};
use crate::project::{ProjectError, Result};
use crate::store::{iso_seconds, now_micros};

/// A deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Counts from one; 0 is the workspace before the first.
    pub id: u64,
    /// `data_ready`, `failed` or `deleted`.
    pub status: String,
    /// Whether the workspace is what it says.
    pub live: bool,
    /// When it was made.
    pub created_at: String,
    /// What it changes.
    pub changes: Changes,
    /// Why it failed.
    pub errors: Vec<Fault>,
    /// Its files.
    pub files: Vec<File>,
}

impl Deployment {
    /// The workspace before the first deployment.
    fn seed(created_at: &str) -> Deployment {
        Deployment {
            status: "data_ready".to_owned(),
            live: true,
            created_at: created_at.replace(' ', "T"),
            ..Deployment::default()
        }
    }

    /// As the API shows it.
    pub fn to_json(&self) -> serde_json::Value {
        let mut out = serde_json::json!({
            "id": self.id.to_string(),
            "status": self.status,
            "live": self.live,
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "errors": self.errors,
            "feedback": [],
            "token_changes": [],
            "new_data_connector_ids": [],
            "disconnected_data_source_names": [],
            "data_movements": [],
        });
        self.changes.show(&mut out);
        out
    }
}

impl Changes {
    /// Adds the lists of names to an answer.
    pub fn show(&self, out: &mut serde_json::Value) {
        let mut add = |what: &str, names: &Names| {
            out[format!("{what}_datasource_names")] = names.datasources.clone().into();
            out[format!("{what}_pipe_names")] = names.pipes.clone().into();
            out[format!("{what}_data_connector_names")] = names.connectors.clone().into();
        };
        add("new", &self.new);
        add("changed", &self.changed);
        add("deleted", &self.deleted);
    }
}

impl Project {
    /// All deployments, the live one first, then the one that waits, then those that are gone.
    pub fn deployments(&self) -> Vec<Deployment> {
        let mut all: Vec<Deployment> = self.store.load("deployment");
        if !all.iter().any(|d| d.live) {
            all.push(Deployment::seed(&self.workspace().created_at));
        }
        all.sort_by_key(|d| (!d.live, d.status == "deleted", d.id));
        all
    }

    /// The deployment of that number.
    pub fn deployment(&self, id: &str) -> Result<Deployment> {
        let found = self
            .deployments()
            .into_iter()
            .find(|d| d.id.to_string() == id);
        match (found, id) {
            (Some(deployment), _) => Ok(deployment),
            // The workspace before the first deployment goes when that becomes live.
            (None, "0") => Ok(Deployment {
                status: "deleted".to_owned(),
                live: false,
                ..Deployment::seed(&self.workspace().created_at)
            }),
            (None, _) => Err(ProjectError::NotFound(format!(
                "Deployment \"{id}\" does not exist"
            ))),
        }
    }

    /// Keeps a deployment that waits, or that failed.
    pub fn add_deployment(
        &self,
        files: Vec<File>,
        changes: Changes,
        errors: Vec<Fault>,
    ) -> Result<Deployment> {
        let all = self.deployments();
        let deployment = Deployment {
            id: all.iter().map(|d| d.id).max().unwrap_or(0) + 1,
            status: match errors.is_empty() {
                true => "data_ready",
                false => "deleted",
            }
            .to_owned(),
            live: false,
            created_at: iso_seconds(now_micros(), 'T'),
            changes,
            errors,
            files,
        };
        self.keep_deployment(&deployment)?;
        Ok(deployment)
    }

    /// Makes a deployment the live one, in the place of another; the workspace was built from its files.
    pub fn set_live(&self, mut deployment: Deployment) -> Result<Deployment> {
        for mut old in self
            .deployments()
            .into_iter()
            .filter(|d| d.live && d.id > 0)
        {
            old.live = false;
            old.status = "deleted".to_owned();
            old.files.clear();
            self.keep_deployment(&old)?;
        }
        deployment.live = true;
        self.keep_deployment(&deployment)?;
        Ok(deployment)
    }

    /// Removes a deployment that is not live.
    pub fn drop_deployment(&self, id: &str) -> Result<Deployment> {
        let mut deployment = self.deployment(id)?;
        if deployment.live {
            return Err(ProjectError::Bad(
                "The live deployment cannot be deleted".to_owned(),
            ));
        }
        deployment.status = "deleted".to_owned();
        deployment.files.clear();
        if deployment.id > 0 {
            self.keep_deployment(&deployment)?;
        }
        Ok(deployment)
    }

    fn keep_deployment(&self, deployment: &Deployment) -> Result<()> {
        put(
            &self.store,
            "deployment",
            &format!("{:010}", deployment.id),
            deployment,
        )
    }
}
