//! DELETE and UPDATE: rows of parts written anew.
//!
//! Invariant: a row changes only when the predicate is true for it; NULL leaves it alone.

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::catalog::Rewrite;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::BlockExpr;
use roost_engine::kernels::filter::selection;
use roost_engine::part::Part;
use roost_engine::table::Table;
use roost_engine::types::DataType;

use super::catalog::StatementCatalog;
use super::context::StatementContext;
use super::ddl;
use super::insert::Written;
use crate::eval::CompiledExpr;
use crate::expr::Expr;
use crate::parse::ast;
use crate::plan::{Filter, Plan, Query, Values};
use crate::{bind, exec, optimize};

/// A condition over the stored columns.
struct Predicate {
    compiled: CompiledExpr,
    conditions: Vec<roost_engine::hooks::Condition>,
}

impl Predicate {
    fn new(text: &ast::Expr, schema: &Schema, context: &StatementContext) -> Result<Self> {
        let catalog = StatementCatalog::new(context);
        let (bound, ids) = bind::bind_expression(text, schema, &catalog)?;
        fill_sets(&bound, context)?;
        let name = |id| {
            let place = ids.iter().position(|i| *i == id)?;
            schema.fields.get(place).map(|f| f.name.clone())
        };
        Ok(Predicate {
            conditions: optimize::conditions(&bound, &name),
            compiled: CompiledExpr::new(&bound, &ids, schema, text.to_string())?,
        })
    }

    fn may_touch(&self, part: &Part) -> bool {
        !part.prune(&self.conditions).is_empty()
    }

    /// Rows for which it is true; `None` is all of them.
    fn rows(&self, block: &Block) -> Result<Option<Vec<u32>>> {
        selection(&self.compiled.evaluate(block)?)
    }
}

/// Runs the subqueries of IN.
fn fill_sets(bound: &Expr, context: &StatementContext) -> Result<()> {
    let columns = bound.columns();
    let mut asks = false;
    bound.walk(&mut |e| asks |= matches!(e, Expr::In(_)));
    if !asks {
        return Ok(());
    }
    // A filter of no rows has its sets filled before it starts.
    let ids = columns;
    let mut types = vec![DataType::Nothing; ids.len()];
    bound.walk(&mut |e| {
        if let Expr::Column(id, ty) = e
            && let Some(place) = ids.iter().position(|i| i == id)
        {
            types[place] = ty.clone();
        }
    });
    let fields = types.into_iter().map(|ty| Field::new("", ty)).collect();
    let rows = Arc::new(Block::empty(Schema::new(fields)));
    let input = Plan::Values(Values { columns: ids, rows });
    let query = Query {
        plan: Plan::Filter(Box::new(Filter {
            input,
            predicate: bound.clone(),
        })),
        columns: Vec::new(),
    };
    exec::collect(&query, &context.exec).map(|_| ())
}

/// `ALTER TABLE t DELETE WHERE p` and `DELETE FROM t WHERE p`.
pub(super) fn delete(
    (table, version): (Arc<Table>, u64),
    predicate: &ast::Expr,
    context: &StatementContext,
) -> Result<()> {
    context.require_writable()?;
    let schema = table.stored_schema();
    let predicate = Predicate::new(predicate, &schema, context)?;
    let rows = |block: Block| {
        let Some(hit) = predicate.rows(&block)? else {
            return Ok(block.slice(0, 0));
        };
        let mut keep = Vec::with_capacity(block.rows() - hit.len());
        let mut start = 0;
        for row in hit {
            keep.extend(start..row);
            start = row + 1;
        }
        keep.extend(start..block.rows() as u32);
        Ok(block.take(&keep))
    };
    rewrite((table, version), &predicate, &rows, context)
}

/// `ALTER TABLE t UPDATE c = e, ... WHERE p`.
pub(super) fn update(
    (table, version): (Arc<Table>, u64),
    assignments: &[(String, ast::Expr)],
    predicate: &ast::Expr,
    context: &StatementContext,
) -> Result<()> {
    context.require_writable()?;
    let (schema, definition) = (table.stored_schema(), table.definition());
    let catalog = StatementCatalog::new(context);
    let mut values: Vec<(usize, CompiledExpr)> = Vec::new();
    for (name, expr) in assignments {
        let place = schema.index_of(name).ok_or_else(|| {
            let message = format!("There is no column {name} in table {}", table.full_name());
            Error::new(Code::NO_SUCH_COLUMN_IN_TABLE, message)
        })?;
        ddl::refuse_key_column(&definition, name).map_err(|e| {
            let message = format!("Cannot UPDATE key column {name}: {}", e.message());
            Error::new(Code::CANNOT_UPDATE_COLUMN, message)
        })?;
        let ty = schema.fields[place].ty.to_string();
        let cast = |e: ast::Expr| {
            let ty = ast::Expr::Literal(ast::Literal::String(ty.clone().into_bytes()));
            ast::Expr::call("_CAST", vec![e, ty])
        };
        let old = ast::Expr::Identifier(vec![name.clone()]);
        let new = cast(expr.clone());
        let chosen = cast(ast::Expr::call("if", vec![predicate.clone(), new, old]));
        let (bound, ids) = bind::bind_expression(&chosen, &schema, &catalog)?;
        fill_sets(&bound, context)?;
        values.push((
            place,
            CompiledExpr::new(&bound, &ids, &schema, expr.to_string())?,
        ));
    }
    let predicate = Predicate::new(predicate, &schema, context)?;
    let rows = |block: Block| {
        if predicate.rows(&block)?.is_some_and(|hit| hit.is_empty()) {
            return Ok(block);
        }
        let mut columns: Vec<Column> = block.columns().to_vec();
        for (place, value) in &values {
            columns[*place] = value.evaluate(&block)?;
        }
        Block::new(Arc::clone(block.schema()), columns, block.rows())
    };
    rewrite((table, version), &predicate, &rows, context)
}

fn rewrite(
    (table, version): (Arc<Table>, u64),
    predicate: &Predicate,
    rows: &dyn Fn(Block) -> Result<Block>,
    context: &StatementContext,
) -> Result<()> {
    let rewrite = Rewrite {
        definition: None,
        touches: &|part| Ok(predicate.may_touch(part)),
        rows,
    };
    let also = |rows: u64| {
        let written = Written {
            rows,
            ..Written::default()
        };
        let also = context.write.also.iter();
        also.flat_map(|also| also(&written)).collect()
    };
    let engine = &context.shared.engine;
    engine
        .rewrite_and((&table, version), &rewrite, &also)
        .map(|_| ())
}
