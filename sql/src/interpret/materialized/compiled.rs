//! A view's query bound to its source's rows and its target's columns.
//!
//! Invariant: what is kept does not depend on rows, on time, or on the session that inserted.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roost_engine::block::{Block, Schema};
use roost_engine::error::{Code, Error, Result};
use roost_engine::table::Table;

use super::super::catalog::{NameResolver, StatementCatalog};
use super::super::context::StatementContext;
use super::super::insert::{Cast, TableWriter, cast_block, casts};
use super::super::trigger::{TriggerSource, put_rows};
use super::definition::{MaterializedView, name_text};
use super::gate::Name;
use crate::bind::{self, Relation};
use crate::exec::{self, ExecContext, Flow};
use crate::expr::Expr;
use crate::optimize;
use crate::plan::{Plan, Query, TableSource};
use crate::settings::Settings;

/// A view ready to run.
pub(super) struct Compiled {
    query: Query,
    /// The source without rows.
    empty: TriggerSource,
    pub(super) target: Arc<Table>,
    writer: TableWriter,
    casts: Vec<Cast>,
    /// Whether it may run again, with other rows.
    pub(super) reusable: bool,
}

/// Shows rows in the place of a view's source, wherever the query names it.
struct InPlace {
    names: Vec<Name>,
    database: String,
    relation: Relation,
    /// Whether another table was asked for.
    others: AtomicBool,
}

impl NameResolver for InPlace {
    fn relation(&self, database: Option<&str>, name: &str) -> Result<Option<Relation>> {
        let database = database.unwrap_or(&self.database);
        let hit = |n: &Name| n.0 == database && n.1 == name;
        if self.names.iter().any(hit) {
            return Ok(Some(self.relation.clone()));
        }
        self.others.store(true, Ordering::Relaxed);
        Ok(None)
    }
}

/// A plan of a view over `relation`, and whether it says the same for other rows.
pub(super) fn plan(
    view: &MaterializedView,
    source: &Name,
    relation: Relation,
    context: &StatementContext,
) -> Result<(Query, bool, StatementContext)> {
    let mut names = vec![source.clone()];
    names.extend(view.source.clone());
    let resolver = Arc::new(InPlace {
        names,
        database: view.database.clone(),
        relation,
        others: AtomicBool::new(false),
    });
    let mut own = StatementContext::new(
        Arc::clone(&context.shared),
        view.database.clone(),
        Settings::default(),
        HashMap::new(),
        Some(Arc::clone(&resolver) as Arc<dyn NameResolver>),
        &context.exec.cancel,
    )?;
    own.bind.now_micros = context.bind.now_micros;
    own.exec = context.exec.clone();
    let catalog = StatementCatalog::new(&own);
    let bound = bind::bind_query(&view.query, &catalog)?;
    let ran = catalog.ran();
    let query = optimize::optimize_to_keep(bound, &own.bind)?;
    let alone = !resolver.others.load(Ordering::Relaxed);
    let timeless = !own.bind.asked_time.load(Ordering::Relaxed);
    let reusable = alone && timeless && !ran && is_pure(&query.plan);
    Ok((query, reusable, own))
}

/// Whether no expression depends on chance or holds rows of its own.
pub(in super::super) fn is_pure(plan: &Plan) -> bool {
    let mut pure = true;
    plan.for_each_expr(&mut |expr| {
        pure &= expr.is_deterministic();
        expr.walk(&mut |e| {
            if let Expr::In(set) = e {
                pure &= set.set.plan.is_none();
            }
        });
    });
    pure && plan.inputs().into_iter().all(is_pure)
}

impl Compiled {
    /// Compiles a view for rows that come into `source`.
    pub(super) fn for_rows(
        view: &MaterializedView,
        source: &Arc<Table>,
        blocks: &Arc<Vec<Block>>,
        context: &StatementContext,
    ) -> Result<Compiled> {
        let definition = source.definition();
        let empty = TriggerSource::new(&definition)?;
        let name = (definition.database.clone(), definition.name.clone());
        let rows: Arc<dyn TableSource> = Arc::new(empty.with_blocks(Arc::clone(blocks)));
        let (mut query, reusable, own) = plan(view, &name, Relation::Table(rows), context)?;
        if reusable {
            // What is kept does not hold the rows.
            let nothing: Arc<dyn TableSource> = Arc::new(empty.clone());
            put_rows(&mut query.plan, &nothing);
        }
        Self::finish(view, query, empty, reusable, &own)
    }

    /// Compiles a view over what is stored in `source`.
    pub(super) fn for_table(
        view: &MaterializedView,
        source: &Arc<Table>,
        stored: Arc<dyn TableSource>,
        context: &StatementContext,
    ) -> Result<Compiled> {
        let definition = source.definition();
        let empty = TriggerSource::new(&definition)?;
        let name = (definition.database.clone(), definition.name.clone());
        let (query, _, own) = plan(view, &name, Relation::Table(stored), context)?;
        Self::finish(view, query, empty, false, &own)
    }

    fn finish(
        view: &MaterializedView,
        query: Query,
        empty: TriggerSource,
        reusable: bool,
        own: &StatementContext,
    ) -> Result<Compiled> {
        let target = target_of(view, own)?;
        let from = exec::schema_of(&query)?;
        let (writer, casts) = fit(&from, &target, own)?;
        let reusable = reusable && writer.is_timeless();
        Ok(Compiled {
            query,
            empty,
            target,
            writer,
            casts,
            reusable,
        })
    }

    /// Runs the view over rows; its own arrive at `sink` with the target's stored columns.
    pub(super) fn run(
        &self,
        blocks: &Arc<Vec<Block>>,
        exec: &ExecContext,
        sink: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<()> {
        let mut query = self.query.clone();
        let rows: Arc<dyn TableSource> = Arc::new(self.empty.with_blocks(Arc::clone(blocks)));
        put_rows(&mut query.plan, &rows);
        self.execute(&query, exec, sink)
    }

    /// Runs the view over what it was compiled for.
    pub(super) fn run_stored(
        &self,
        exec: &ExecContext,
        sink: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<()> {
        self.execute(&self.query, exec, sink)
    }

    fn execute(
        &self,
        query: &Query,
        exec: &ExecContext,
        sink: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<()> {
        exec::execute(query, exec, &mut |block: Block| {
            if block.rows() > 0 {
                let read = cast_block(&block, &self.casts, self.writer.given())?;
                sink(self.writer.complete(read)?)?;
            }
            Ok(Flow::Continue)
        })?;
        Ok(())
    }
}

/// The table that a view's rows go to.
pub(super) fn target_of(view: &MaterializedView, context: &StatementContext) -> Result<Arc<Table>> {
    let (database, name) = &view.target;
    context.shared.engine.table(database, name).ok_or_else(|| {
        let message = format!(
            "Target table '{}' of view '{}' doesn't exists",
            name_text(&view.target),
            view.full_name()
        );
        Error::new(Code::UNKNOWN_TABLE, message)
    })
}

/// How columns of a query go into a table: by name, with casts.
///
/// # Errors
/// THERE_IS_NO_COLUMN for a column that the table lacks, CANNOT_CONVERT_TYPE.
pub(super) fn fit(
    from: &Arc<Schema>,
    target: &Arc<Table>,
    context: &StatementContext,
) -> Result<(TableWriter, Vec<Cast>)> {
    let definition = target.definition();
    let names: Vec<String> = from.fields.iter().map(|f| f.name.clone()).collect();
    for name in &names {
        if !definition.columns.iter().any(|c| c.name == *name) {
            let message = format!(
                "SELECT query outputs column with name '{name}', which is not found in the target \
                 table. Use 'AS' to assign alias that matches a column name"
            );
            return Err(Error::new(Code::THERE_IS_NO_COLUMN, message));
        }
    }
    let writer = TableWriter::new(target, &names)?;
    let casts = casts(from, writer.given(), context)?;
    Ok((writer, casts))
}
