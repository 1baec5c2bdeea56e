//! A database: engine, threads, memory, running queries.
//!
//! Invariant: one engine per directory; what is shared by sessions is here and nowhere else.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use roost_engine::block::Block;
use roost_engine::catalog::{Engine, EngineParts, NewBranch};
use roost_engine::clock::{Clock, SystemClock};
use roost_engine::error::Result;
use roost_engine::options::Options;
use roost_engine::storage::{LocalStorage, MemoryStorage, Storage};

use super::log::QueryLog;
use super::output::OutputSink;
use super::request::{InsertOptions, QueryRequest, QuerySummary, Session};
use super::result::{Collector, QueryResult};
use crate::exec::{Aside, CancelToken, ExecContext, MemoryTracker};
use crate::interpret::compiler::SqlCompiler;
use crate::settings::Settings;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Threads of queries; 0 is one per core.
    pub threads: usize,
    /// Bytes that one query may hold; 0 is no limit of its own.
    pub query_memory_bytes: usize,
    /// Bytes that all queries may hold together; 0 is no limit.
    pub total_memory_bytes: usize,
    /// The engine's options.
    pub engine: Options,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        DatabaseOptions {
            threads: 0,
            query_memory_bytes: 0,
            total_memory_bytes: default_memory(),
            engine: Options::default(),
        }
    }
}

/// Eight tenths of the machine's memory, or no limit where it cannot be read.
fn default_memory() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    let kib = line.and_then(|l| l.split_whitespace().next()?.parse::<usize>().ok());
    kib.map_or(0, |k| k / 10 * 8 * 1024)
}

/// What all sessions share.
pub struct Shared {
    /// Storage.
    pub engine: Engine,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Running and finished queries.
    pub queries: QueryLog,
    options: DatabaseOptions,
    threads: usize,
    memory: Arc<MemoryTracker>,
    seeds: AtomicU64,
    /// Open branches by name: all handles of one share what guards its views.
    branches: Arc<Mutex<BTreeMap<String, Weak<Shared>>>>,
    /// Materialized views.
    pub(crate) views: crate::interpret::materialized::Views,
    /// Plans for texts that come again.
    pub(crate) plans: crate::interpret::kept::Plans,
    /// Columns that queries may name of tables.
    pub(crate) readables: crate::interpret::source::Readables,
}

impl Shared {
    /// A number that differs from query to query.
    pub fn next_seed(&self) -> u64 {
        let n = self.seeds.fetch_add(1, Ordering::Relaxed);
        // Steps of splitmix64: each mixes without losing anything, so no two numbers are the same.
        let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Threads, memory and limits of a query under `settings`.
    pub fn exec_context(&self, settings: &Settings, cancel: CancelToken) -> ExecContext {
        let own = match settings.uint("max_memory_usage") as usize {
            0 => self.options.query_memory_bytes,
            bytes => bytes,
        };
        let limit = (own > 0).then_some(own);
        let threads = match settings.uint("max_threads") as usize {
            0 => self.threads,
            n => n.min(self.threads),
        };
        ExecContext {
            threads,
            memory: Arc::new(MemoryTracker::within(limit, Arc::clone(&self.memory))),
            cancel,
            progress: Arc::default(),
            block_rows: (settings.uint("max_block_size") as usize).clamp(1, 1 << 20),
            counts_before_limit: true,
            aside: Aside::default(),
        }
    }
}

/// An embedded database. Cheap to clone; the last clone closes it.
///
/// ```
/// let db = roost::Database::in_memory()?;
/// db.execute("CREATE TABLE t (id UInt64, name String) ENGINE = MergeTree ORDER BY id")?;
/// db.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")?;
/// let rows = db.query("SELECT name FROM t WHERE id = 2")?.rows();
/// assert_eq!(rows, vec![vec![roost::Value::string("b")]]);
/// # Ok::<(), roost::Error>(())
/// ```
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
}

impl Database {
    /// Opens or creates the database in a directory.
    ///
    /// # Errors
    /// CANNOT_OPEN_FILE when the directory is in use or cannot be written, CORRUPTED_DATA with file
    /// and offset when what is there is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, DatabaseOptions::default())
    }

    /// Opens with options.
    pub fn open_with(path: impl AsRef<Path>, options: DatabaseOptions) -> Result<Self> {
        let storage = LocalStorage::open(path.as_ref())?;
        Self::on(Arc::new(storage), Arc::new(SystemClock), options)
    }

    /// A database that is gone with its last clone.
    pub fn in_memory() -> Result<Self> {
        let storage = MemoryStorage::new();
        Self::on(
            Arc::new(storage),
            Arc::new(SystemClock),
            DatabaseOptions::default(),
        )
    }

    /// A database on any storage and clock (tests drive both).
    pub fn on(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        options: DatabaseOptions,
    ) -> Result<Self> {
        let engine = Engine::open(EngineParts {
            storage,
            clock: Arc::clone(&clock),
            compiler: Arc::new(SqlCompiler),
            options: options.engine.clone(),
        })?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 {
            cores
        } else {
            options.threads
        };
        let total = options.total_memory_bytes;
        let first_seed = (clock.now_micros() as u64).wrapping_mul(0xD134_2543_DE82_EF95);
        Ok(Database {
            shared: Arc::new(Shared {
                engine,
                clock,
                queries: QueryLog::default(),
                threads,
                memory: Arc::new(MemoryTracker::of_process((total > 0).then_some(total))),
                seeds: AtomicU64::new(first_seed),
                views: Default::default(),
                plans: Default::default(),
                readables: Default::default(),
                branches: Arc::default(),
                options,
            }),
        })
    }

    /// Makes a branch: a database of its own that starts with everything that is here now, in
    /// milliseconds, because both share what is stored. Neither sees what the other does from then on.
    ///
    /// ```
    /// let db = roost::Database::in_memory()?;
    /// db.execute("CREATE TABLE t (x UInt8) ORDER BY x; INSERT INTO t VALUES (1)")?;
    /// let branch = db.create_branch("try", Default::default())?;
    /// branch.execute("ALTER TABLE t ADD COLUMN y UInt8 DEFAULT x + 1; DELETE FROM t WHERE x = 1")?;
    /// assert_eq!(db.query("SELECT count() FROM t")?.rows()[0][0], roost::Value::UInt(1));
    /// assert_eq!(branch.query("SELECT count() FROM t")?.rows()[0][0], roost::Value::UInt(0));
    /// db.drop_branch("try")?;
    /// # Ok::<(), roost::Error>(())
    /// ```
    ///
    /// # Errors
    /// DATABASE_ALREADY_EXISTS when there is such a branch, TABLE_IS_READ_ONLY.
    pub fn create_branch(&self, name: &str, new: NewBranch) -> Result<Database> {
        let engine = self.shared.engine.create_branch(name, new)?;
        let mut branches = self.shared.branches.lock();
        // A dropped branch of that name may still be in somebody's hands.
        branches.remove(name);
        Ok(self.opened(name, engine, &mut branches))
    }

    /// The branch of that name.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE when there is none.
    pub fn branch(&self, name: &str) -> Result<Database> {
        let engine = self.shared.engine.branch(name)?;
        let mut branches = self.shared.branches.lock();
        Ok(self.opened(name, engine, &mut branches))
    }

    /// Names of all branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        self.shared.engine.branches()
    }

    /// Drops a branch with everything in it. Who still holds it finds nothing there.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE when there is none, TABLE_IS_READ_ONLY.
    pub fn drop_branch(&self, name: &str) -> Result<()> {
        self.shared.engine.drop_branch(name)?;
        self.shared.branches.lock().remove(name);
        Ok(())
    }

    fn opened(
        &self,
        name: &str,
        engine: Engine,
        branches: &mut BTreeMap<String, Weak<Shared>>,
    ) -> Database {
        if let Some(shared) = branches.get(name).and_then(Weak::upgrade) {
            return Database { shared };
        }
        let own = &self.shared;
        let shared = Arc::new(Shared {
            engine,
            clock: Arc::clone(&own.clock),
            queries: QueryLog::default(),
            threads: own.threads,
            memory: Arc::clone(&own.memory),
            seeds: AtomicU64::new(own.next_seed()),
            views: Default::default(),
            plans: Default::default(),
            readables: Default::default(),
            branches: Arc::clone(&own.branches),
            options: own.options.clone(),
        });
        branches.insert(name.to_string(), Arc::downgrade(&shared));
        Database { shared }
    }

    /// A new session in database `default`.
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.shared))
    }

    /// Runs statements (several, with semicolons between them) and drops their answers.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let mut session = self.session();
        for (_, range) in crate::parse::parse_statements(sql)? {
            session.run_collecting(&sql[range], &mut Collector::default())?;
        }
        Ok(())
    }

    /// Runs one statement and keeps its answer.
    pub fn query(&self, sql: &str) -> Result<QueryResult> {
        let mut collector = Collector::default();
        self.session().run_collecting(sql, &mut collector)?;
        collector.finish()
    }

    /// Runs one statement into `out` in a format; see [`Session::run`].
    pub fn run(&self, request: QueryRequest, out: &mut dyn OutputSink) -> Result<QuerySummary> {
        self.session().run(request, out)
    }

    /// Puts the rows of a block into a table: columns by name, types cast, defaults for the rest.
    /// Returns the number of rows written (0 when the token was seen before).
    pub fn insert(&self, table: &str, block: Block, options: InsertOptions) -> Result<u64> {
        self.session().insert(table, block, options)
    }

    /// The engine under the database.
    pub fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    /// What sessions share: queries, clock.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_queries_get_the_same_number() {
        let db = Database::in_memory().unwrap();
        let mut seen = std::collections::HashSet::new();
        assert!((0..50_000).all(|_| seen.insert(db.shared().next_seed())));
    }
}
