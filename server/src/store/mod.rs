//! The database behind the server, with the few calls the server makes of it.
//!
//! Invariant: the only place of this crate that opens a database; everything durable of the server
//! (tokens, pipes, jobs) lies in its key-value store under `server/`.

mod clock;

use std::path::Path;
use std::sync::Arc;

use roost::session::{Database, DatabaseOptions, QueryRequest, QueryResult};
use roost_engine::catalog::Table;
use roost_engine::clock::{Clock, SystemClock};
use roost_engine::error::Result;
use roost_engine::storage::{LocalStorage, MemoryStorage, Storage};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use clock::{civil, iso_seconds, now_micros, timestamp, timestamp_of};

/// The database that holds the data sources.
pub const DATABASE: &str = "default";
/// The database of the service data sources.
pub const SERVICE_DATABASE: &str = "tinybird";

/// A key of the key-value store and what is to be under it.
pub type Entry = (String, Option<Vec<u8>>);

const PREFIX: &str = "server/";

/// The database of a server.
#[derive(Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database in `data`, or one in memory.
    pub fn open(data: Option<&Path>) -> Result<Store> {
        Self::on(data, Arc::new(SystemClock))
    }

    /// The same under another clock.
    pub fn on(data: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Store> {
        let storage: Arc<dyn Storage> = match data {
            Some(path) => Arc::new(LocalStorage::open(path)?),
            None => Arc::new(MemoryStorage::new()),
        };
        let database = Database::on(storage, clock, DatabaseOptions::default())?;
        Ok(Store { database })
    }

    /// The database itself.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Runs statements that answer nothing.
    pub fn execute(&self, sql: &str) -> Result<()> {
        self.database.execute(sql)
    }

    /// Runs a query of the server's own.
    pub fn query(&self, sql: &str) -> Result<QueryResult> {
        self.database.query(sql)
    }

    /// Runs one statement in a new session and throws its answer away.
    pub fn run(&self, request: QueryRequest) -> Result<roost::session::QuerySummary> {
        let mut nowhere = Vec::new();
        self.database.run(request, &mut nowhere)
    }

    /// A table of the workspace.
    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.database.engine().table(DATABASE, name)
    }

    /// Rows and bytes on disk of a table; zeros when there is none.
    pub fn size_of(&self, name: &str) -> (u64, u64) {
        let Some(table) = self.table(name) else {
            return (0, 0);
        };
        let snapshot = table.snapshot();
        let size = |f: fn(&roost_engine::part::PartInfo) -> u64| {
            snapshot.parts.iter().map(|p| f(p.info())).sum()
        };
        (size(|i| i.rows), size(|i| i.bytes))
    }

    /// The resource stored under `kind/id`.
    pub fn load<T: DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let prefix = format!("{PREFIX}{kind}/");
        let mut out = Vec::new();
        for (key, value) in self.database.engine().scan(&prefix) {
            match serde_json::from_slice(&value) {
                Ok(resource) => out.push(resource),
                Err(e) => tracing::error!("the stored value of {key} cannot be read: {e}"),
            }
        }
        out
    }

    /// The key `kind/id` with what is stored under it.
    ///
    /// # Errors
    /// Never for what JSON can say.
    pub fn entry<T: Serialize>(kind: &str, id: &str, resource: Option<&T>) -> Result<Entry> {
        let value = match resource {
            None => None,
            Some(resource) => Some(serde_json::to_vec(resource).map_err(|e| {
                roost_engine::error::Error::bug(format!("cannot write {kind} {id}: {e}"))
            })?),
        };
        Ok((format!("{PREFIX}{kind}/{id}"), value))
    }

    /// Stores or removes the resource `kind/id`; durable when it returns.
    pub fn save<T: Serialize>(&self, kind: &str, id: &str, resource: Option<&T>) -> Result<()> {
        self.save_all(vec![Self::entry(kind, id, resource)?])
    }

    /// Stores or removes several at one instant; durable when it returns.
    pub fn save_all(&self, entries: Vec<Entry>) -> Result<()> {
        let mut transaction = self.database.engine().begin();
        for (key, value) in entries {
            transaction.put(&key, value);
        }
        transaction.commit().map(|_| ())
    }

    /// The database's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.database.engine().clock()
    }
}

/// `name` in back quotes.
pub fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// `text` as a literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
