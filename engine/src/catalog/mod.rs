//! The engine: databases, tables, transactions, and what goes on in the background.
//!
//! - [`Engine`]: open, names, key-value store; [`ddl`]: changes of the catalog;
//! - [`branches`]: the store once more, sharing its files;
//! - [`transaction`]: inserts and everything that commits with them; [`since`]: tables read bit by bit;
//! - [`commit`]: the one way into the log; [`recover`]: the way back;
//! - [`rewrite`], [`alter`]: changes of stored rows and columns;
//! - [`maintain`]: flush, merge, checkpoint, removal of files.
//!
//! Invariant: what readers see changes only in [`commit`], after the log's fsync, in the log's order.

mod alter;
mod branches;
mod commit;
mod ddl;
mod drafts;
mod hold;
mod maintain;
mod recover;
mod rewrite;
mod since;
mod transaction;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::background::{Wake, Workers};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::hooks::Compiler;
use crate::log::Group;
use crate::options::Options;
use crate::part::Part;
use crate::storage::Storage;

pub use crate::table::{
    ColumnDefinition, DefaultKind, FinalPart, IndexDefinition, Layout, PartRanges, Snapshot, Table,
    TableDefinition, TableEngine,
};
pub use branches::{Attach, NewBranch};
pub use commit::Committed;
pub use ddl::{CreateMode, TableName};
pub use hold::Hold;
pub use maintain::MergeProgress;
pub use rewrite::Rewrite;
pub use since::Since;
pub use transaction::Transaction;

/// What an engine is opened with.
#[derive(Debug, Clone)]
pub struct EngineParts {
    /// The store of files.
    pub storage: Arc<dyn Storage>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Compiles keys.
    pub compiler: Arc<dyn Compiler>,
    /// Numbers.
    pub options: Options,
}

/// An open store, or a branch of one. Clones share it.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Whose names and keys it knows; 0 is the store itself.
    branch: u64,
    workers: Arc<Workers>,
}

/// What all clones, transactions and workers share.
struct Inner {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    compiler: Arc<dyn Compiler>,
    options: Options,
    names: RwLock<AllNames>,
    /// Keys and values by branch.
    values: RwLock<BTreeMap<u64, Values>>,
    commits: Group<commit::Request, Result<Committed>, commit::Leader>,
    /// Held by changes of the catalog, so that names seen by one stay until it commits.
    ddl: Mutex<()>,
    /// Held for writing while a commit becomes visible in several tables.
    shown: RwLock<()>,
    next_part: AtomicU64,
    next_table: AtomicU64,
    /// Counts changes of what names mean.
    meanings: AtomicU64,
    /// Why there are no more writes.
    failure: RwLock<Option<Error>>,
    /// Bytes of rows that came to memory parts since the workers were woken for them.
    pressure: AtomicU64,
    /// When the first and the last row of a part expire, by part and table: tables of branches
    /// share parts, and may each have a TTL of their own.
    expiries: Mutex<BTreeMap<(u64, u64), (i64, i64)>>,
    /// Parts that some table gave up, by id; their files go when no table and no snapshot holds them.
    retired: Mutex<BTreeMap<u64, Arc<Part>>>,
    merges: Mutex<BTreeMap<u64, Arc<maintain::Running>>>,
    wake: Arc<Wake>,
    /// Tables with many small memory parts, and who wakes their worker.
    crowded: Mutex<Vec<Arc<Table>>>,
    wake_crowded: Arc<Wake>,
    /// The store belongs to this process.
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

/// Keys and values.
type Values = BTreeMap<String, Arc<Vec<u8>>>;

/// What is named, by branch; 0 is the store itself.
#[derive(Debug, Default, Clone)]
struct AllNames {
    branches: BTreeMap<u64, Names>,
}

/// Databases and tables of the store or of one branch by name.
#[derive(Debug, Default, Clone)]
struct Names {
    /// The branch's name.
    branch: String,
    databases: BTreeMap<String, BTreeMap<String, Arc<Table>>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "engine on {:?}", self.storage)
    }
}

impl Engine {
    /// The options that the engine was opened with.
    pub fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Where the engine's time comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// What compiles keys.
    pub fn compiler(&self) -> &Arc<dyn Compiler> {
        &self.inner.compiler
    }

    /// The store of files.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.inner.storage
    }

    /// Names of all databases, sorted.
    pub fn databases(&self) -> Vec<String> {
        let names = self.inner.names.read();
        let own = names.of(self.branch).map(|n| n.databases.keys().cloned());
        own.map(Iterator::collect).unwrap_or_default()
    }

    /// The table of that name.
    pub fn table(&self, database: &str, name: &str) -> Option<Arc<Table>> {
        let names = self.inner.names.read();
        let own = names.branches.get(&self.branch)?;
        own.databases.get(database)?.get(name).cloned()
    }

    /// All tables, sorted by database and name.
    pub fn tables(&self) -> Vec<Arc<Table>> {
        let names = self.inner.names.read();
        let own = names.branches.get(&self.branch);
        own.into_iter().flat_map(Names::tables).cloned().collect()
    }

    /// Snapshots of several tables, all at the same commit.
    pub fn snapshots(&self, tables: &[Arc<Table>]) -> Vec<Arc<Snapshot>> {
        let _shown = self.inner.shown.read();
        tables.iter().map(|t| t.snapshot()).collect()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let values = self.inner.values.read();
        let value = values.get(&self.branch)?.get(key)?;
        Some(value.as_ref().clone())
    }

    /// Keys that start with `prefix`, with their values, sorted.
    pub fn scan(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let values = self.inner.values.read();
        let Some(own) = values.get(&self.branch) else {
            return Vec::new();
        };
        own.range(prefix.to_string()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.as_ref().clone()))
            .collect()
    }

    /// A number that moves with every change of what names mean: tables that come, go, change names
    /// or columns, and keys set with [`Transaction::define`].
    pub fn catalog_version(&self) -> u64 {
        self.inner.meanings.load(Ordering::Acquire)
    }

    /// Starts a transaction; nothing happens until it commits.
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.clone())
    }

    /// The commit that used a deduplication token, while it is remembered.
    pub fn token_used(&self, token: &str) -> Option<u64> {
        let leader = self.inner.commits.lead();
        leader.state.token_used(self.branch, token)
    }

    /// The number of the last commit.
    pub fn last_commit(&self) -> u64 {
        self.inner.commits.lead().state.commit
    }

    /// Why the store takes no more writes; `None` while it does.
    pub fn failure(&self) -> Option<Error> {
        self.inner.failure.read().clone()
    }
}

impl Inner {
    /// Tells tables of a branch where their readers stand now.
    fn marks_moved(&self, branch: u64, moved: &[(u64, String, Option<u64>)]) {
        if moved.is_empty() {
            return;
        }
        let names = self.names.read();
        let Some(own) = names.branches.get(&branch) else {
            return;
        };
        for table in own.tables() {
            for (_, key, commit) in moved.iter().filter(|(uid, ..)| *uid == table.uid()) {
                table.marks().set(key, *commit);
            }
        }
    }

    fn new_part(&self) -> u64 {
        self.next_part.fetch_add(1, Ordering::Relaxed)
    }

    /// Notes that names mean something else from now on.
    fn meanings_changed(&self) {
        self.meanings.fetch_add(1, Ordering::Release);
    }

    fn now(&self) -> i64 {
        self.clock.now_micros()
    }

    fn check_writable(&self) -> Result<()> {
        match &*self.failure.read() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Ends all writing; the first reason stays.
    fn fail(&self, error: Error) -> Error {
        self.failure.write().get_or_insert(error).clone()
    }
}
