//! The database behind the server, with the few calls the server makes of it.
//!
//! Invariant: the only place of this crate that opens a database; everything durable of the server
//! (tokens, pipes, jobs) lies in its key-value store under `server/`.

mod clock;
mod cursors;

use std::path::Path;
use std::sync::Arc;

use roost::session::{Database, DatabaseOptions, OutputSink, QueryRequest, QueryResult};
use roost_engine::catalog::{NewBranch, Table};
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

/// What is committed with what something does, made of what it did.
pub type Ending<T> = Arc<dyn Fn(&T) -> Vec<Entry> + Send + Sync>;

const PREFIX: &str = "server/";
/// What databases of workspaces other than the first begin with.
const SPACE: &str = "roost_ws_";

/// Whether a database belongs to some workspace: only its own and those it shares with read it.
pub fn is_of_workspace(database: &str) -> bool {
    database == DATABASE || database == SERVICE_DATABASE || database.starts_with(SPACE)
}

/// Where a workspace's things lie.
#[derive(Debug)]
struct Space {
    /// The database of its data sources.
    data: String,
    /// The database of its service data sources.
    service: String,
    /// What its keys begin with.
    prefix: String,
}

/// The database of a server, and a workspace's place in it.
#[derive(Clone)]
pub struct Store {
    database: Database,
    /// Where it lies.
    files: Arc<dyn Storage>,
    space: Arc<Space>,
    /// The branch of the database that it is.
    branch: Option<Arc<str>>,
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
        Self::over(storage, clock, DatabaseOptions::default())
    }

    /// Opens the database on any storage (tests drive it).
    pub fn over(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        options: DatabaseOptions,
    ) -> Result<Store> {
        let database = Database::on(Arc::clone(&storage), clock, options)?;
        let space = Space {
            data: DATABASE.to_owned(),
            service: SERVICE_DATABASE.to_owned(),
            prefix: PREFIX.to_owned(),
        };
        Ok(Store {
            database,
            files: storage,
            space: Arc::new(space),
            branch: None,
        })
    }

    /// Makes a branch of the database for a branch of the workspace: the same place in it, without
    /// rows. `values` are keys that differ there.
    pub fn create_branch(&self, id: &str, values: Vec<Entry>) -> Result<Store> {
        let rows = false;
        self.database
            .create_branch(id, NewBranch { rows, values })?;
        self.branch(id)
    }

    /// The branch of that id.
    pub fn branch(&self, id: &str) -> Result<Store> {
        Ok(Store {
            database: self.database.branch(id)?,
            files: Arc::clone(&self.files),
            space: Arc::clone(&self.space),
            branch: Some(id.into()),
        })
    }

    /// Every key of the workspace with its value.
    pub fn keys(&self) -> Vec<(String, Vec<u8>)> {
        self.database.engine().scan(&self.space.prefix)
    }

    /// The key `kind/id`; with an empty id what all keys of the kind start with.
    pub fn key(&self, kind: &str, id: &str) -> String {
        format!("{}{kind}/{id}", self.space.prefix)
    }

    /// The place of another workspace in the same database.
    pub fn of_workspace(&self, id: &str) -> Store {
        let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        let space = Space {
            data: format!("{SPACE}{id}"),
            service: format!("{SPACE}{id}_{SERVICE_DATABASE}"),
            prefix: format!("workspace/{id}/"),
        };
        Store {
            database: self.database.clone(),
            files: Arc::clone(&self.files),
            space: Arc::new(space),
            branch: None,
        }
    }

    /// Removes the databases and everything stored of a workspace that is not the first.
    ///
    /// # Errors
    /// What the database says; what was removed by then is gone.
    pub fn remove(&self) -> Result<()> {
        if let Some(branch) = &self.branch {
            return self.database.drop_branch(branch);
        }
        if self.data() == DATABASE {
            return Err(roost_engine::error::Error::bug("the first workspace stays"));
        }
        for database in [self.data(), self.service()] {
            self.execute(&format!("DROP DATABASE IF EXISTS {database}"))?;
        }
        let keys = self.keys();
        self.save_all(keys.into_iter().map(|(key, _)| (key, None)).collect())
    }

    /// Name of the database of the workspace's data sources.
    pub fn data(&self) -> &str {
        &self.space.data
    }

    /// Name of the database of the workspace's service data sources.
    pub fn service(&self) -> &str {
        &self.space.service
    }

    /// A table of the workspace, as SQL names it.
    pub fn at(&self, name: &str) -> String {
        format!("{}.{}", self.data(), quoted(name))
    }

    /// The folder that the database lies in.
    pub fn files(&self) -> &Arc<dyn Storage> {
        &self.files
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
        self.run_into(request, &mut nowhere)
    }

    /// Runs one statement in a new session, in the workspace's own database.
    ///
    /// # Errors
    /// What the database says.
    pub fn run_into(
        &self,
        request: QueryRequest,
        out: &mut dyn OutputSink,
    ) -> Result<roost::session::QuerySummary> {
        let database = Some(self.data().to_owned());
        let request = QueryRequest {
            database,
            ..request
        };
        self.database.run(request, out)
    }

    /// A table of the workspace.
    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.database.engine().table(self.data(), name)
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
        let prefix = format!("{}{kind}/", self.space.prefix);
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
    pub fn entry<T: Serialize>(&self, kind: &str, id: &str, resource: Option<&T>) -> Result<Entry> {
        let value = match resource {
            None => None,
            Some(resource) => Some(serde_json::to_vec(resource).map_err(|e| {
                roost_engine::error::Error::bug(format!("cannot write {kind} {id}: {e}"))
            })?),
        };
        Ok((self.key(kind, id), value))
    }

    /// Stores or removes the resource `kind/id`; durable when it returns.
    pub fn save<T: Serialize>(&self, kind: &str, id: &str, resource: Option<&T>) -> Result<()> {
        self.save_all(vec![self.entry(kind, id, resource)?])
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
