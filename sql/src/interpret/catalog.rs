//! What names mean in one statement: tables, views, system tables, table functions.
//!
//! Invariant: a name means the same snapshot wherever it stands in the statement.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::block::Block;
use roost_engine::catalog::{Snapshot, Table};
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::{DataType, Value};

use super::context::StatementContext;
use super::source::SnapshotSource;
use super::{information_schema, inline, materialized, system, views};
use crate::bind::{BindCatalog, Relation};
use crate::exec;
use crate::functions::BindContext;
use crate::optimize;
use crate::plan::{Query, TableSource};

/// Who may add relations of its own in front of the tables, and deny names.
pub trait NameResolver: Send + Sync {
    /// The relation of that name; `None` lets the tables answer.
    ///
    /// # Errors
    /// Any: the name is denied (ACCESS_DENIED) or its definition is broken.
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>>;
}

type Found = HashMap<(Option<String>, String), Option<Relation>>;

/// The names of one statement.
pub struct StatementCatalog<'a> {
    context: &'a StatementContext,
    found: Mutex<Found>,
    ran: std::sync::atomic::AtomicBool,
}

impl<'a> StatementCatalog<'a> {
    /// Names as `context`'s session sees them.
    pub fn new(context: &'a StatementContext) -> Self {
        StatementCatalog {
            context,
            found: Mutex::default(),
            ran: Default::default(),
        }
    }

    fn look_up(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>> {
        if let Some(resolver) = &self.context.resolver
            && let Some(relation) = resolver.relation(database, name)?
        {
            return Ok(Some(relation));
        }
        let in_database = database.unwrap_or(&self.context.database);
        if in_database.eq_ignore_ascii_case("system") {
            return Ok(system::table(name, self.context)?.map(Relation::Table));
        }
        if information_schema::is_schema(in_database) {
            return information_schema::view(name);
        }
        let engine = &self.context.shared.engine;
        let readables = &self.context.shared.readables;
        if let Some(table) = engine.table(in_database, name) {
            let source = SnapshotSource::known(self.snapshot_of(&table), readables)?;
            return Ok(Some(Relation::Table(Arc::new(source))));
        }
        if let Some(view) = materialized::find(engine, in_database, name)? {
            let (database, name) = &view.target;
            let table = engine.table(database, name);
            let table = table.ok_or_else(|| super::names::unknown_table(database, name))?;
            let source = SnapshotSource::known(table.snapshot(), readables)?;
            return Ok(Some(Relation::Table(Arc::new(source))));
        }
        views::find(engine, in_database, name)
    }

    /// The statement's surroundings.
    pub(super) fn statement(&self) -> &'a StatementContext {
        self.context
    }

    /// The rows of a table that the statement reads.
    fn snapshot_of(&self, table: &Arc<Table>) -> Arc<Snapshot> {
        let write = &self.context.write;
        if let Some(since) = &write.since
            && since.table().uid() == table.uid()
        {
            return Arc::clone(since.snapshot());
        }
        match &write.replace {
            Some(hold) if hold.table().uid() == table.uid() => Arc::clone(hold.snapshot()),
            _ => table.snapshot(),
        }
    }

    /// Whether a subquery was run while binding: what was bound holds its answer.
    pub(super) fn ran(&self) -> bool {
        self.ran.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// The table or view, or UNKNOWN_TABLE.
    pub fn expect(&self, database: Option<&str>, name: &str) -> Result<Relation> {
        self.relation(database, name)?.ok_or_else(|| {
            let database = database.unwrap_or(&self.context.database);
            let message = format!("Table {database}.{name} does not exist");
            Error::new(Code::UNKNOWN_TABLE, message)
        })
    }
}

impl BindCatalog for StatementCatalog<'_> {
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>> {
        let key = (database.map(str::to_string), name.to_string());
        if let Some(known) = self.found.lock().get(&key) {
            return Ok(known.clone());
        }
        let found = self.look_up(database, name)?;
        self.found.lock().insert(key, found.clone());
        Ok(found)
    }

    fn similar_tables(&self, name: &str) -> Vec<String> {
        let tables = self.context.shared.engine.tables();
        let mut near: Vec<(usize, String)> = tables
            .iter()
            .map(|t| t.definition())
            .map(|d| (crate::settings::distance(name, &d.name), d.full_name()))
            .filter(|(far, _)| *far <= 3)
            .collect();
        near.sort();
        near.into_iter().map(|(_, name)| name).collect()
    }

    fn table_function(
        &self,
        name: &str,
        args: &[(Value, DataType)],
    ) -> Result<Option<Arc<dyn TableSource>>> {
        match inline::table_function(name, args, &self.context.bind)? {
            Some(source) => Ok(Some(source)),
            None => super::series::table_function(name, args),
        }
    }

    fn run(&self, query: &Query, row_limit: u64) -> Result<Block> {
        self.ran.store(true, std::sync::atomic::Ordering::Relaxed);
        let optimized = optimize::optimize(query.clone(), &self.context.bind)?;
        let mut blocks = Vec::new();
        let mut rows = 0;
        exec::execute(&optimized, &self.context.exec, &mut |block: Block| {
            rows += block.rows() as u64;
            blocks.push(block);
            Ok(if rows > row_limit {
                exec::Flow::Stop
            } else {
                exec::Flow::Continue
            })
        })?;
        Block::concat(exec::schema_of(&optimized)?, &blocks)
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.context.parameters.get(name).cloned()
    }

    fn context(&self) -> &BindContext {
        &self.context.bind
    }
}
