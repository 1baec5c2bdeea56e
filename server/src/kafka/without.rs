//! Kafka in a program that was built without it.
//!
//! Invariant: it says so wherever it is asked for; definitions are kept all the same.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{Connection, Subscription};
use crate::observe::Metrics;
use crate::project::{Project, Reading, ServiceLog};
use crate::store::timestamp;

const WHY: &str = "NOT_IMPLEMENTED: this program is built without Kafka (feature `kafka`)";

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Name.
    pub name: String,
    /// Numbers of its partitions.
    pub partitions: Vec<i32>,
}

/// No client.
pub struct Client;

/// Writes nothing.
pub struct Producer;

impl Client {
    /// Never.
    ///
    /// # Errors
    /// Always.
    pub fn connect(
        _: &Connection,
        _: Arc<std::sync::atomic::AtomicBool>,
    ) -> Result<Client, String> {
        Err(WHY.to_owned())
    }

    /// Never.
    ///
    /// # Errors
    /// Always.
    pub fn topics(&self) -> Result<Vec<Topic>, String> {
        Err(WHY.to_owned())
    }

    /// Never.
    ///
    /// # Errors
    /// Always.
    pub fn sample(
        &self,
        _: &str,
        _: usize,
    ) -> Result<Vec<crate::project::ingest::Message>, String> {
        Err(WHY.to_owned())
    }

    /// Never.
    ///
    /// # Errors
    /// Always.
    pub fn producer(&self, _: &str) -> Result<Producer, String> {
        Err(WHY.to_owned())
    }
}

impl Producer {
    /// Never.
    ///
    /// # Errors
    /// Always.
    pub fn send(&mut self, _: Vec<Vec<u8>>) -> Result<(), String> {
        Err(WHY.to_owned())
    }
}

/// Tells of every data source that reads a topic that it is not read.
pub struct Consumers {
    project: Arc<Project>,
    closed: Mutex<bool>,
    woken: parking_lot::Condvar,
}

impl Consumers {
    /// Of a workspace.
    pub fn new(project: Arc<Project>, _: Arc<ServiceLog>, _: Arc<Metrics>) -> Consumers {
        Consumers {
            project,
            closed: Mutex::new(false),
            woken: parking_lot::Condvar::new(),
        }
    }

    /// Looks now and then which data sources there are.
    pub fn run_until_closed(&self) {
        let mut closed = self.closed.lock();
        while !*closed {
            let state = self.project.snapshot();
            let all = state.data_sources.values();
            for source in all.filter(|s| Subscription::of(s).is_some()) {
                let mut reading = self.project.reading.lock();
                reading.entry(source.id.clone()).or_insert_with(|| Reading {
                    error: Some(WHY.to_owned()),
                    at: timestamp(),
                    ..Reading::default()
                });
            }
            self.woken
                .wait_for(&mut closed, std::time::Duration::from_secs(1));
        }
    }

    /// Ends.
    pub fn close(&self) {
        *self.closed.lock() = true;
        self.woken.notify_all();
    }
}
