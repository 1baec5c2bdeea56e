//! The readers of a workspace: one thread for each data source that reads a topic.
//!
//! Invariant: a data source has at most one reader; one whose definition or connection changed is
//! ended before the next begins.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::reader::Reader;
use super::source::Subscription;
use crate::observe::Metrics;
use crate::project::{Connector, DataSource, Project, ServiceLog, Snapshot};

/// How often it is looked what there is to read.
const LOOK: Duration = Duration::from_millis(300);
/// Stack of a reader: it runs INSERTs.
const STACK_BYTES: usize = 16 << 20;

/// What readers share.
pub(super) struct Shared {
    pub(super) project: Arc<Project>,
    pub(super) log: Arc<ServiceLog>,
    pub(super) metrics: Arc<Metrics>,
}

/// A reader that runs, and what it was made of.
struct Running {
    source: Arc<DataSource>,
    connector: Option<Arc<Connector>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Reads topics into the data sources of a workspace.
pub struct Consumers {
    shared: Arc<Shared>,
    closed: Mutex<bool>,
    woken: Condvar,
}

impl Consumers {
    /// Of a workspace.
    pub fn new(project: Arc<Project>, log: Arc<ServiceLog>, metrics: Arc<Metrics>) -> Consumers {
        Consumers {
            shared: Arc::new(Shared {
                project,
                log,
                metrics,
            }),
            closed: Mutex::new(false),
            woken: Condvar::new(),
        }
    }

    /// Keeps a reader for every data source that reads a topic, until closed.
    pub fn run_until_closed(&self) {
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        let mut seen: Option<Arc<Snapshot>> = None;
        let mut closed = self.closed.lock();
        while !*closed {
            let state = self.shared.project.snapshot();
            if seen.as_ref().is_none_or(|s| !Arc::ptr_eq(s, &state)) {
                parking_lot::MutexGuard::unlocked(&mut closed, || {
                    self.fit(&mut running, &state);
                });
                seen = Some(state);
                continue;
            }
            self.woken.wait_for(&mut closed, LOOK);
        }
        drop(closed);
        for one in running.values() {
            one.stop.store(true, Ordering::Relaxed);
        }
        running.values_mut().for_each(Running::end);
    }

    /// Ends all readers.
    pub fn close(&self) {
        *self.closed.lock() = true;
        self.woken.notify_all();
    }

    /// Ends and begins readers, so that they are those of `state`.
    fn fit(&self, running: &mut BTreeMap<String, Running>, state: &Snapshot) {
        let wanted: BTreeMap<&str, (&Arc<DataSource>, Option<&Arc<Connector>>)> = state
            .data_sources
            .values()
            .filter_map(|s| Some((s, Subscription::of(s)?)))
            .map(|(source, subscription)| {
                let key = subscription.map(|s| s.connection).unwrap_or_default();
                let mut all = state.connectors.values();
                let connector = all.find(|c| c.id == key || c.name == key);
                (source.id.as_str(), (source, connector))
            })
            .collect();
        running.retain(|id, one| {
            let stays = wanted.get(id.as_str()).is_some_and(|(source, connector)| {
                *source == &one.source && connector.map(|c| &**c) == one.connector.as_deref()
            });
            if !stays {
                one.end();
                self.shared.project.reading.lock().remove(id);
            }
            stays
        });
        for (id, (source, connector)) in wanted {
            if running.contains_key(id) {
                continue;
            }
            let stop = Arc::new(AtomicBool::new(false));
            let reader = Reader {
                shared: Arc::clone(&self.shared),
                source: Arc::clone(source),
                stop: Arc::clone(&stop),
            };
            let thread = std::thread::Builder::new()
                .name("kafka".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || reader.run());
            match thread {
                Ok(thread) => {
                    let one = Running {
                        source: Arc::clone(source),
                        connector: connector.cloned(),
                        stop,
                        thread: Some(thread),
                    };
                    running.insert(id.to_owned(), one);
                }
                Err(e) => tracing::error!("cannot start a thread for {}: {e}", source.name),
            }
        }
    }
}

impl Running {
    /// Ends the reader; a batch that it is writing is written first.
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!("the reader of {} had failed", self.source.name);
        }
    }
}
