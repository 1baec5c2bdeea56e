//! `-If`: only rows whose last argument is true.
//!
//! Invariant: a NULL condition is false; the nested function never sees the condition.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::filter::selection;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;

use super::Nested;
use super::frame::{Feed, framed};
use crate::functions::aggregates::nulls::update;
use crate::functions::aggregates::states::Groups;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_if(nested: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let Some((condition, rest)) = arguments.split_last() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {}If requires at least one argument, the condition",
            nested.name
        );
    };
    let plain = condition.without_low_cardinality().without_nullable();
    if !matches!(plain, DataType::UInt8 | DataType::Bool | DataType::Nothing) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {condition} of last argument for aggregate function {}If, must be UInt8",
            nested.name
        );
    }
    Ok(framed(nested.bind(rest)?.0, If))
}

#[derive(Debug, Clone, Copy)]
struct If;

impl Feed for If {
    fn feed(self, inner: &mut dyn GroupedState, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let Some((condition, args)) = args.split_last() else {
            return Ok(());
        };
        match selection(condition)? {
            None => update(inner, args, groups),
            Some(rows) if rows.is_empty() => Ok(()),
            Some(rows) => {
                let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
                match groups {
                    Groups::One { group, .. } => inner.update_one(&args, rows.len(), group),
                    Groups::Many(_) => inner.update(&args, &groups.of_rows(&rows)),
                }
            }
        }
    }
}
