//! From a table's engine to what merges do with rows of equal keys.
//!
//! Invariant: an engine is accepted only if merges honour it.

use std::sync::Arc;

use super::definition::{TableDefinition, TableEngine};
use crate::block::Schema;
use crate::err;
use crate::error::{Error, Result};
use crate::hooks::{BlockExpr, Compiler};
use crate::merge::{ColumnRule, Combine, MergeMode};
use crate::types::DataType;

/// What merges of the table do. `keys` are the compiled clauses whose columns are not combined.
pub(super) fn merge_mode(
    definition: &TableDefinition,
    compiler: &dyn Compiler,
    schema: &Schema,
    keys: &[&[Arc<dyn BlockExpr>]],
) -> Result<MergeMode> {
    let missing = |name: &str| {
        err!(
            NO_SUCH_COLUMN_IN_TABLE,
            "the engine names the column {name}, which table {} does not store",
            definition.full_name()
        )
    };
    let place = |name: &String| schema.index_of(name).ok_or_else(|| missing(name));
    match &definition.engine {
        TableEngine::MergeTree | TableEngine::Memory | TableEngine::Null => Ok(MergeMode::Plain),
        TableEngine::Replacing {
            version,
            is_deleted,
        } => {
            is_deleted.as_ref().map(&place).transpose()?;
            let version = version.as_ref().map(&place).transpose()?;
            Ok(MergeMode::Replacing { version })
        }
        TableEngine::Summing { columns } => {
            for name in columns {
                let ty = &schema.fields[place(name)?].ty;
                if !is_sum(ty) {
                    return Err(err!(
                        BAD_ARGUMENTS,
                        "SummingMergeTree cannot add column {name} of type {ty}"
                    ));
                }
            }
            let in_key = |name: &String| {
                let exprs = keys.iter().flat_map(|k| k.iter());
                exprs.flat_map(|e| e.inputs()).any(|i| i == name)
            };
            let adds = |name: &String, ty: &DataType| match columns.is_empty() {
                true => is_sum(ty) && !in_key(name),
                false => columns.contains(name),
            };
            combine(schema, compiler, |name, ty| adds(name, ty))
        }
        TableEngine::Aggregating => combine(schema, compiler, |_, _| false),
    }
}

fn combine(
    schema: &Schema,
    compiler: &dyn Compiler,
    adds: impl Fn(&String, &DataType) -> bool,
) -> Result<MergeMode> {
    let rules = schema.fields.iter().map(|f| match &f.ty {
        DataType::AggregateFunction(_) | DataType::SimpleAggregateFunction(..) => {
            let factory = compiler
                .state_factory(&f.ty)
                .map_err(|e: Error| e.context(format!("column {}", f.name)))?;
            Ok(ColumnRule::States(factory))
        }
        ty if adds(&f.name, ty) => Ok(ColumnRule::Sum),
        _ => Ok(ColumnRule::First),
    });
    let rules = rules.collect::<Result<_>>()?;
    Ok(MergeMode::Combine(Arc::new(Combine { rules })))
}

fn is_sum(ty: &DataType) -> bool {
    match ty {
        DataType::Nullable(inner) => is_sum(inner),
        DataType::Bool => false,
        other => other.is_numeric(),
    }
}
