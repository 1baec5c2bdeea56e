//! Fills a view with rows that its source holds already.
//!
//! Invariant: what is filled in is what the source held at one instant, and the view follows exactly
//! what came after that instant.

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::catalog::Transaction;
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::{Snapshot, Table};

use super::super::context::StatementContext;
use super::super::insert::Written;
use super::super::source::SnapshotSource;
use super::cascade::Cascade;
use super::compiled::Compiled;
use super::create::{create_following, source_table};
use super::definition::{self, MaterializedView, name_text};
use crate::exec;
use crate::parse::ast::CreateView;
use crate::parse::parse_query;
use crate::plan::TableSource;

/// The rows of a view's source at an instant from which on the view follows it.
#[derive(Debug)]
pub struct Stored {
    pub(super) view: MaterializedView,
    pub(super) source: Arc<Table>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Makes the view and holds the rows that its source has at that instant; see [`populate`].
pub fn follow(create: &CreateView, context: &StatementContext) -> Result<Option<Stored>> {
    create_following(create, context)
}

impl Stored {
    /// The rows that the source of a view has now. With `truncate` what the view's target holds now
    /// is dropped; what comes from now on stays.
    pub fn of(
        database: &str,
        name: &str,
        truncate: bool,
        context: &StatementContext,
    ) -> Result<Stored> {
        let engine = &context.shared.engine;
        let view = definition::find(engine, database, name)?.ok_or_else(|| {
            let message = format!("Materialized view {database}.{name} does not exist");
            Error::new(Code::UNKNOWN_TABLE, message)
        })?;
        let source = source_table(&view, context)?.ok_or_else(|| {
            let message = format!("view {} has no source to read", view.full_name());
            Error::new(Code::UNKNOWN_TABLE, message)
        })?;
        let definition = source.definition();
        let gate = (definition.database.clone(), definition.name.clone());
        let gates = &context.shared.views.gates;
        let _hold = gates.close(gate, &context.exec.cancel)?;
        if truncate {
            let (database, name) = &view.target;
            if engine.table(database, name).is_none() {
                let message = format!("Table {} does not exist", name_text(&view.target));
                return Err(Error::new(Code::UNKNOWN_TABLE, message));
            }
            engine.truncate(database, name)?;
        }
        Ok(Stored {
            snapshot: source.snapshot(),
            view,
            source,
        })
    }

    /// Rows of the source.
    pub fn rows(&self) -> u64 {
        self.snapshot.rows()
    }
}

/// Fills a view with rows of its source, all at one instant; how many came out.
pub fn populate(
    stored: &Stored,
    condition: Option<&str>,
    context: &StatementContext,
) -> Result<u64> {
    context.require_writable()?;
    let rows = Arc::new(SnapshotSource::new(Arc::clone(&stored.snapshot))?);
    match condition.filter(|c| !c.trim().is_empty()) {
        None => {
            let nothing = &mut |_: &mut Transaction| Ok(());
            fill(&stored.view, &stored.source, rows, context, nothing)
        }
        Some(condition) => fill_some(stored, condition, context),
    }
}

/// Runs a view over all of `rows`, into a transaction with what `also` adds to it.
pub(super) fn fill(
    view: &MaterializedView,
    source: &Arc<Table>,
    rows: Arc<dyn TableSource>,
    context: &StatementContext,
    also: &mut dyn FnMut(&mut Transaction) -> Result<()>,
) -> Result<u64> {
    let compiled = Compiled::for_table(view, source, rows, context)?;
    let mut cascade = Cascade::new(context, &compiled.target);
    also(cascade.transaction())?;
    let mut count = 0;
    compiled.run_stored(&context.exec, &mut |block: Block| {
        count += block.rows() as u64;
        cascade.insert(block)
    })?;
    end(cascade, count, context)
}

/// Runs a view over the rows that fulfil a condition, as if they were inserted now.
fn fill_some(stored: &Stored, condition: &str, context: &StatementContext) -> Result<u64> {
    let definition = stored.source.definition();
    let schema = definition.stored_schema();
    let columns: Vec<String> = schema
        .fields
        .iter()
        .map(|f| roost_engine::types::text::quote_identifier(&f.name))
        .collect();
    let name = (definition.database.clone(), definition.name.clone());
    let sql = format!(
        "SELECT {} FROM {} WHERE {condition}",
        columns.join(", "),
        name_text(&name)
    );
    let chosen = MaterializedView {
        query: Arc::new(parse_query(&sql)?),
        ..stored.view.clone()
    };
    let rows = Arc::new(SnapshotSource::new(Arc::clone(&stored.snapshot))?);
    let relation = crate::bind::Relation::Table(rows);
    let (query, _, own) = super::compiled::plan(&chosen, &name, relation, context)?;
    let block = exec::collect(&query, &own.exec)?;
    let block = Block::new(schema, block.columns().to_vec(), block.rows())?;
    let blocks = Arc::new(vec![block]);
    let compiled = Compiled::for_rows(&stored.view, &stored.source, &blocks, context)?;
    let mut cascade = Cascade::new(context, &compiled.target);
    let mut count = 0;
    compiled.run(&blocks, &context.exec, &mut |block: Block| {
        count += block.rows() as u64;
        cascade.insert(block)
    })?;
    end(cascade, count, context)
}

/// Commits what a view was filled with, and what is to come with it.
fn end(mut cascade: Cascade<'_>, rows: u64, context: &StatementContext) -> Result<u64> {
    let written = Written {
        rows,
        ..Written::default()
    };
    for (key, value) in context.write.also.iter().flat_map(|also| also(&written)) {
        cascade.transaction().put(&key, value);
    }
    cascade.commit()?;
    Ok(rows)
}
