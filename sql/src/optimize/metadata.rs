//! `count()`, `min`, `max` of a whole table from what the source knows without reading.
//!
//! Invariant: only exact knowledge is used, and all aggregates of a node or none.

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::transform_up;
use crate::expr::{AggregateCall, ColumnId, Expr};
use crate::functions::BindContext;
use crate::plan::{AggregatePlan, Plan, Project, Query, Scan, Values};

/// The rule.
pub(super) fn rule(query: &mut Query, _context: &BindContext) -> Result<()> {
    transform_up(&mut query.plan, &mut |plan| {
        let known = match &plan {
            Plan::Aggregate(node) => answered(node)?,
            _ => None,
        };
        Ok(known.unwrap_or(plan))
    })
}

fn answered(node: &AggregatePlan) -> Result<Option<Plan>> {
    let whole = node.keys.is_empty() && node.grouping_sets.is_empty() && !node.with_totals;
    let mut input = &node.input;
    let mut projects = Vec::new();
    while let Plan::Project(project) = input {
        projects.push(project.as_ref());
        input = &project.input;
    }
    let Plan::Scan(scan) = input else {
        return Ok(None);
    };
    let table = Table { scan, projects };
    if !whole || scan.filter.is_some() || scan.limit.is_some() || node.aggregates.is_empty() {
        return Ok(None);
    }
    let Some(rows) = scan.source.row_count() else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (_, call) in &node.aggregates {
        let ty = call.function.return_type();
        let Some(value) = known_value(call, &table, rows, &ty) else {
            return Ok(None);
        };
        columns.push(Column::Flat(Column::constant(&value, &ty, 1)?.to_flat()));
        fields.push(Field::new(call.name.clone(), ty));
    }
    Ok(Some(Plan::Values(Values {
        columns: node.aggregates.iter().map(|(id, _)| *id).collect(),
        rows: Arc::new(Block::new(Schema::new(fields), columns, 1)?),
    })))
}

/// A scan under projections that keep every row.
struct Table<'p> {
    scan: &'p Scan,
    projects: Vec<&'p Project>,
}

impl Table<'_> {
    /// The place in the source of a column that is passed through unchanged.
    fn place(&self, id: ColumnId) -> Option<usize> {
        let mut id = id;
        for project in &self.projects {
            let (_, expr) = project.exprs.iter().find(|(own, _)| *own == id)?;
            let Expr::Column(inner, _) = expr else {
                return None;
            };
            id = *inner;
        }
        let found = self.scan.columns.iter().find(|(own, _)| *own == id);
        found.map(|(_, place)| *place)
    }
}

fn known_value(call: &AggregateCall, table: &Table, rows: u64, ty: &DataType) -> Option<Value> {
    if call.name == "count" && call.args.is_empty() && *ty == DataType::UInt64 {
        return Some(Value::UInt(rows));
    }
    let is_min = match call.name.as_str() {
        "min" => true,
        "max" => false,
        _ => return None,
    };
    let [Expr::Column(id, own)] = call.args.as_slice() else {
        return None;
    };
    // Floats have NaN, strings may be cut in statistics: exact only for what is a number.
    let exact = own.is_integer() || own.is_date() || own.is_date_time();
    if !exact || own != ty || rows == 0 {
        return None;
    }
    let (min, max) = table.scan.source.min_max(table.place(*id)?)?;
    Some(if is_min { min } else { max })
}
