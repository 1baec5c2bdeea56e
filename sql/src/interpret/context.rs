//! What a statement runs in: the database, the session's values, limits.
//!
//! Invariant: one context per statement; nothing in it changes while the statement runs but the
//! counters and the cancellation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use roost_engine::block::Block;
use roost_engine::catalog::{Hold, Since, Table};
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::Tz;

use super::catalog::NameResolver;
use super::insert::Written;
use super::kept::Beforehand;
use crate::exec::{CancelToken, ExecContext};
use crate::functions::BindContext;
use crate::session::Shared;
use crate::settings::Settings;

/// What is committed with the rows of an INSERT, made of what was written.
pub type Also = Arc<dyn Fn(&Written) -> Vec<(String, Option<Vec<u8>>)> + Send + Sync>;

/// A step of a cursor: a key of the key-value store that says how far something was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorMove {
    /// The key.
    pub cursor: String,
    /// Where it is; none when it is not there yet.
    pub from: Option<Vec<u8>>,
    /// Where it will be.
    pub to: Option<Vec<u8>>,
}

/// How the rows of an INSERT are written, beyond what its text can say.
#[derive(Clone, Default)]
pub struct WriteOptions {
    /// The held rows go in the same commit; where the statement reads their table, it reads them.
    pub replace: Option<Arc<Hold>>,
    /// Of its table only these rows are read, wherever the query names it; their reader has come so far
    /// in the same commit.
    pub since: Option<Arc<Since>>,
    /// A query's columns are matched with the table's by name.
    pub by_name: bool,
    /// Keys of the key-value store that are set in the same commit; of a DELETE too, which tells how
    /// many rows went.
    pub also: Option<Also>,
    /// Cursors that move in the same commit; it is refused when one is elsewhere by then.
    pub cursors: Vec<CursorMove>,
    /// Rows of the stored columns of other tables that come in the same commit; no view follows them.
    pub beside: Vec<(Arc<Table>, Block)>,
}

/// The surroundings of one statement.
pub struct StatementContext {
    /// The database's shared parts.
    pub shared: Arc<Shared>,
    /// The current database.
    pub database: String,
    /// Settings of the session and the request.
    pub settings: Settings,
    /// Values of `{name:Type}`.
    pub parameters: HashMap<String, String>,
    /// Relations in front of the tables.
    pub resolver: Option<Arc<dyn NameResolver>>,
    /// How an INSERT writes.
    pub write: WriteOptions,
    /// What is known of the statement before it is planned.
    pub(crate) beforehand: Mutex<Beforehand>,
    /// What functions know while they bind.
    pub bind: BindContext,
    /// Threads, memory, cancellation, progress.
    pub exec: ExecContext,
}

impl StatementContext {
    /// A context; `cancel` is the caller's handle to stop the statement.
    ///
    /// # Errors
    /// BAD_ARGUMENTS for a `session_timezone` that does not exist.
    pub fn new(
        shared: Arc<Shared>,
        database: String,
        settings: Settings,
        parameters: HashMap<String, String>,
        resolver: Option<Arc<dyn NameResolver>>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let time_zone = match settings.text("session_timezone") {
            "" => Tz::UTC,
            name => roost_engine::types::text::parse_zone(name)?,
        };
        let now_micros = shared.clock.now_micros();
        let bind = BindContext {
            time_zone,
            now_micros,
            asked_time: Arc::default(),
            random_seed: shared.next_seed(),
            database: database.clone(),
            settings: settings.changed(),
        };
        let limit = settings.float("max_execution_time");
        let cancel = cancel.with_limit((limit > 0.0).then(|| Duration::from_secs_f64(limit)));
        let exec = shared.exec_context(&settings, cancel);
        Ok(StatementContext {
            shared,
            database,
            settings,
            parameters,
            resolver,
            write: WriteOptions::default(),
            beforehand: Mutex::default(),
            bind,
            exec,
        })
    }

    /// The same surroundings under other settings (a query's own SETTINGS).
    pub fn with_settings(&self, settings: Settings) -> Result<Self> {
        let context = StatementContext::new(
            Arc::clone(&self.shared),
            self.database.clone(),
            settings,
            self.parameters.clone(),
            self.resolver.clone(),
            &self.exec.cancel,
        )?;
        Ok(StatementContext {
            write: self.write.clone(),
            ..context
        })
    }

    /// Refuses a statement that writes when the session may only read.
    pub fn require_writable(&self) -> Result<()> {
        match self.settings.uint("readonly") {
            0 => Ok(()),
            _ => Err(Error::new(
                Code::READONLY,
                "Cannot execute query in readonly mode",
            )),
        }
    }
}
