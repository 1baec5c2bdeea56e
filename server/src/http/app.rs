//! What all requests share.
//!
//! Invariant: made once; handlers get it by reference.

use std::sync::Arc;

use crate::config::Config;
use crate::jobs::Jobs;
use crate::observe::Metrics;
use crate::project::{Project, ServiceLog};
use crate::store::{Store, now_micros};

/// The server's state.
pub struct App {
    /// Options.
    pub config: Config,
    /// The workspace.
    pub project: Arc<Project>,
    /// Jobs.
    pub jobs: Arc<Jobs>,
    /// Service data sources.
    pub log: Arc<ServiceLog>,
    /// Metrics.
    pub metrics: Metrics,
}

impl App {
    /// Opens the database and the workspace.
    pub fn open(config: Config) -> crate::project::Result<App> {
        let store = Store::open(config.data.as_deref())?;
        let log = Arc::new(ServiceLog::default());
        let jobs = Arc::new(Jobs::open(store.clone(), Arc::clone(&log)));
        let project = Arc::new(Project::open(store, &config.workspace)?);
        let metrics = Metrics::default();
        metrics.started(now_micros() as f64 / 1e6);
        Ok(App {
            config,
            project,
            jobs,
            log,
            metrics,
        })
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.project.store
    }
}
