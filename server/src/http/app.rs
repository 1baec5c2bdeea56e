//! What all requests share.
//!
//! Invariant: made once; handlers get it by reference.

use std::sync::Arc;

use roost_engine::clock::{Clock, SystemClock};

use super::live::Live;
use super::rates::Rates;
use crate::config::Config;
use crate::jobs::{Jobs, Runs};
use crate::observe::Metrics;
use crate::project::{Project, ServiceLog};
use crate::schedule::Schedules;
use crate::store::{Store, now_micros};

/// The server's state.
pub struct App {
    /// Options.
    pub config: Config,
    /// The workspace.
    pub project: Arc<Project>,
    /// Jobs.
    pub jobs: Arc<Jobs>,
    /// Runs of pipes that write.
    pub runs: Runs,
    /// When those run by themselves.
    pub schedules: Arc<Schedules>,
    /// Requests of tokens with a limit.
    pub(super) rates: Rates,
    /// Streams of endpoints.
    pub(super) live: Live,
    /// Service data sources.
    pub log: Arc<ServiceLog>,
    /// Metrics.
    pub metrics: Metrics,
}

impl App {
    /// Opens the database and the workspace.
    pub fn open(config: Config) -> crate::project::Result<App> {
        App::on(config, Arc::new(SystemClock))
    }

    /// The same under another clock.
    pub fn on(config: Config, clock: Arc<dyn Clock>) -> crate::project::Result<App> {
        let store = Store::on(config.data.as_deref(), clock)?;
        let log = Arc::new(ServiceLog::default());
        let jobs = Arc::new(Jobs::open(store.clone(), Arc::clone(&log)));
        let project = Arc::new(Project::open(store, &config.workspace)?);
        let in_data = || config.data.as_ref().map(|d| d.join("sinks"));
        let runs = Runs {
            project: Arc::clone(&project),
            jobs: Arc::clone(&jobs),
            folder: config.sinks.clone().or_else(in_data),
        };
        let schedules = Arc::new(Schedules::open(runs.clone()));
        let metrics = Metrics::default();
        metrics.started(now_micros() as f64 / 1e6);
        Ok(App {
            config,
            project,
            jobs,
            runs,
            schedules,
            rates: Rates::default(),
            live: Live::default(),
            log,
            metrics,
        })
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.project.store
    }
}
