//! Queries to blocks, and blocks to where they go.
//!
//! Invariant: rows leave in the plan's order; a limit on the result is an error before the row that
//! passes it leaves.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::error::{Code, Error, Result};

use super::catalog::StatementCatalog;
use super::context::StatementContext;
use super::kept::Beforehand;
use crate::exec::{self, ExecContext, Flow, Totals};
use crate::parse::ast;
use crate::plan::Query;
use crate::{bind, optimize};

/// Where the rows of a statement go.
pub trait RowSink {
    /// The columns, before the first row.
    fn start(&mut self, schema: &Arc<Schema>) -> Result<()>;
    /// Rows.
    fn block(&mut self, block: Block) -> Result<()>;
    /// Totals and counts, after the last row.
    fn end(&mut self, totals: &Totals) -> Result<()>;
    /// Whether it tells anyone how many rows there were before a limit.
    fn tells_rows_before_limit(&self) -> bool {
        true
    }
}

/// Binds and optimizes.
pub fn plan(query: &ast::Query, context: &StatementContext) -> Result<Query> {
    let catalog = StatementCatalog::new(context);
    let bound = bind::bind_query(query, &catalog)?;
    optimize::optimize(bound, &context.bind)
}

/// Binds and optimizes; also the names of the rules that changed the plan.
pub fn explained(
    query: &ast::Query,
    context: &StatementContext,
) -> Result<(Query, Vec<&'static str>)> {
    let catalog = StatementCatalog::new(context);
    let bound = bind::bind_query(query, &catalog)?;
    optimize::explain_rules(bound, &context.bind)
}

/// The session's settings with those that the query names itself.
pub fn settings_of(
    query: &ast::Query,
    context: &StatementContext,
) -> Result<Option<StatementContext>> {
    if query.settings.is_empty() {
        return Ok(None);
    }
    let mut settings = context.settings.clone();
    for setting in &query.settings {
        settings.set_value(&setting.name, &setting.value)?;
    }
    context.with_settings(settings).map(Some)
}

/// Runs a query into `sink`.
pub fn run(query: &ast::Query, context: &StatementContext, sink: &mut dyn RowSink) -> Result<()> {
    if query.outfile.is_some() {
        return Err(Error::not_implemented("INTO OUTFILE (the client's part)"));
    }
    let planned = Beforehand::plan(query, context)?;
    let schema = exec::schema_of(&planned)?;
    sink.start(&schema)?;
    let limits = ResultLimits::of(context);
    let mut seen = (0u64, 0u64);
    let surroundings = ExecContext {
        counts_before_limit: sink.tells_rows_before_limit(),
        ..context.exec.clone()
    };
    let totals = exec::execute_as(&schema, &planned, &surroundings, &mut |block: Block| {
        seen = (
            seen.0 + block.rows() as u64,
            seen.1 + block.memory_bytes() as u64,
        );
        limits.check(seen)?;
        sink.block(block)?;
        Ok(Flow::Continue)
    })?;
    sink.end(&totals)
}

struct ResultLimits {
    rows: u64,
    bytes: u64,
}

impl ResultLimits {
    fn of(context: &StatementContext) -> Self {
        ResultLimits {
            rows: context.settings.uint("max_result_rows"),
            bytes: context.settings.uint("max_result_bytes"),
        }
    }

    fn check(&self, (rows, bytes): (u64, u64)) -> Result<()> {
        for (limit, value, what) in [(self.rows, rows, "rows"), (self.bytes, bytes, "bytes")] {
            if limit > 0 && value > limit {
                return Err(Error::new(
                    Code::TOO_MANY_ROWS_OR_BYTES,
                    format!(
                        "Limit for result exceeded, max {what}: {limit}, current {what}: {value}"
                    ),
                ));
            }
        }
        Ok(())
    }
}
