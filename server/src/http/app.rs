//! What all requests of a workspace share.
//!
//! Invariant: made once; handlers get it by reference.

use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use roost_engine::clock::{Clock, SystemClock};

use super::live::Live;
use super::rates::Rates;
use super::slots::Slots;
use super::workspaces::{SCRATCH, Workspaces};
use crate::config::Config;
use crate::jobs::{Folder, Jobs, Runs};
use crate::kafka::Consumers;
use crate::observe::Metrics;
use crate::project::{Project, ServiceLog};
use crate::schedule::Schedules;
use crate::store::{Store, now_micros};

/// Stack of the thread of schedules.
const STACK_BYTES: usize = 4 << 20;

/// A workspace of the server, and what it shares with the others.
pub struct App {
    /// Options.
    pub config: Arc<Config>,
    /// The files of sinks of all workspaces.
    folder: Option<Folder>,
    /// The workspace.
    pub project: Arc<Project>,
    /// Jobs.
    pub jobs: Arc<Jobs>,
    /// Runs of pipes that write.
    pub runs: Runs,
    /// When those run by themselves.
    pub schedules: Arc<Schedules>,
    /// What reads topics into data sources.
    consumers: Arc<Consumers>,
    /// Requests of tokens with a limit.
    pub(super) rates: Arc<Rates>,
    /// Handlers that run as tasks.
    pub(super) slots: Slots,
    /// Streams of endpoints.
    pub(super) live: Arc<Live>,
    /// Service data sources.
    pub log: Arc<ServiceLog>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// All workspaces.
    pub(super) workspaces: Arc<Workspaces>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl App {
    /// Opens the database and the workspaces.
    pub fn open(config: Config) -> crate::project::Result<App> {
        App::on(config, Arc::new(SystemClock))
    }

    /// The same under another clock.
    pub fn on(config: Config, clock: Arc<dyn Clock>) -> crate::project::Result<App> {
        let store = Store::on(config.data.as_deref(), clock)?;
        App::over(config, store)
    }

    /// The same over an open database.
    pub fn over(config: Config, store: Store) -> crate::project::Result<App> {
        let others = store.load::<String>("space");
        let folder = Folder::of(&config, &store)?;
        let project = Project::open(store, &config.workspace)?;
        let metrics = Metrics::default();
        metrics.started(now_micros() as f64 / 1e6);
        let nothing = Shared {
            config: Arc::new(config),
            folder,
            rates: Arc::default(),
            slots: Slots::default(),
            live: Arc::default(),
            metrics: Arc::new(metrics),
            workspaces: Arc::default(),
        };
        let app = App::of(project, nothing);
        for id in others {
            let project = Project::open(app.store().of_workspace(&id), &id)?;
            if project.workspace().name.starts_with(SCRATCH) {
                // The server was stopped in the middle of a build.
                project.store.remove()?;
                app.store().save::<String>("space", &id, None)?;
                continue;
            }
            app.workspaces.add(Arc::new(app.beside(project)));
        }
        for id in app.store().database().branches() {
            let project = Project::open(app.store().branch(&id)?, &id)?;
            app.workspaces.add(Arc::new(app.beside(project)));
        }
        Ok(app)
    }

    /// Another workspace of the same server.
    pub(super) fn beside(&self, project: Project) -> App {
        App::of(
            project,
            Shared {
                config: Arc::clone(&self.config),
                folder: self.folder.clone(),
                rates: Arc::clone(&self.rates),
                slots: self.slots.clone(),
                live: Arc::clone(&self.live),
                metrics: Arc::clone(&self.metrics),
                workspaces: Arc::clone(&self.workspaces),
            },
        )
    }

    fn of(project: Project, shared: Shared) -> App {
        let project = Arc::new(project);
        let log = Arc::new(ServiceLog::default());
        let workspace = project.workspace();
        // What a branch writes does not mix with what the workspace writes.
        let own = |folder: &Folder| match workspace.main {
            Some(_) => folder.join(&format!("branches/{}", workspace.name)),
            None => folder.clone(),
        };
        let folder = shared.folder.as_ref().map(own);
        let jobs = Jobs::open(project.store.clone(), Arc::clone(&log), folder.as_ref());
        let jobs = Arc::new(jobs);
        let runs = Runs {
            project: Arc::clone(&project),
            jobs: Arc::clone(&jobs),
            folder,
        };
        let schedules = Arc::new(Schedules::open(runs.clone()));
        let consumers = Consumers::new(
            Arc::clone(&project),
            Arc::clone(&log),
            Arc::clone(&shared.metrics),
        );
        App {
            consumers: Arc::new(consumers),
            config: shared.config,
            folder: shared.folder,
            project,
            jobs,
            runs,
            schedules,
            rates: shared.rates,
            slots: shared.slots,
            live: shared.live,
            log,
            metrics: shared.metrics,
            workspaces: shared.workspaces,
            threads: Mutex::default(),
        }
    }

    /// Starts the threads that write the service log, look at schedules and read topics; of a branch
    /// nothing runs by itself.
    pub(super) fn start(&self) -> std::io::Result<()> {
        let (log, store) = (Arc::clone(&self.log), self.store().clone());
        let schedules = Arc::clone(&self.schedules);
        let mut threads = self.threads.lock();
        threads.push(
            std::thread::Builder::new()
                .name("service-log".to_owned())
                .spawn(move || log.write_until_closed(&store))?,
        );
        let workspace = self.project.workspace();
        if workspace.main.is_some() {
            return Ok(());
        }
        threads.push(
            std::thread::Builder::new()
                .name("schedules".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || schedules.run_until_closed())?,
        );
        if workspace.name.starts_with(SCRATCH) {
            return Ok(());
        }
        let consumers = Arc::clone(&self.consumers);
        threads.push(
            std::thread::Builder::new()
                .name("consumers".to_owned())
                .spawn(move || consumers.run_until_closed())?,
        );
        Ok(())
    }

    /// Ends schedules and jobs, and writes the rest of the service log.
    pub(super) fn close(&self) {
        self.schedules.close();
        self.consumers.close();
        self.jobs.close();
        self.log.close();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the workspace had failed");
            }
        }
    }

    /// The workspace that a token is of: this one unless another knows it.
    pub(super) fn for_token(self: &Arc<Self>, text: &str) -> Arc<App> {
        if self.project.knows_token(text) {
            return Arc::clone(self);
        }
        let other = self.workspaces.other_of_token(text);
        other.unwrap_or_else(|| Arc::clone(self))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.project.store
    }
}

/// What workspaces share.
struct Shared {
    config: Arc<Config>,
    folder: Option<Folder>,
    rates: Arc<Rates>,
    slots: Slots,
    live: Arc<Live>,
    metrics: Arc<Metrics>,
    workspaces: Arc<Workspaces>,
}
