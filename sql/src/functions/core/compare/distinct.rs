//! Comparison in which NULL is a value.
//!
//! Invariant: the answer is never NULL.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::Cmp;
use crate::functions::core::operands::two;
use crate::functions::library::kit::arity;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

pub(super) fn bind_distinct(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    bind(args, context, true)
}

pub(super) fn bind_not_distinct(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    bind(args, context, false)
}

/// Whether rows of two columns are the same, NULL equal to NULL.
fn bind(args: &[Arg], context: &BindContext, distinct: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let only_null = |a: &Arg| *a.ty.value_type() == DataType::Nothing;
    let compare = match args.iter().any(only_null) {
        true => None,
        false => {
            let plain: Vec<Arg> = args
                .iter()
                .map(|a| Arg {
                    ty: a.ty.without_nullable(),
                    constant: a.constant.clone().filter(|v| !v.is_null()),
                    lambda: None,
                })
                .collect();
            match super::bind(Cmp::Equal, &plain, context)?.kernel {
                Kernel::Plain(kernel) => Some(kernel),
                Kernel::Lambda(_) => None,
            }
        }
    };
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let (a, b) = two(columns)?;
        let equal = match &compare {
            Some(compare) => compare(&[values(a), values(b)], rows)?.to_flat(),
            None => Flat::native(vec![0u8; rows]),
        };
        let (unknown, equal) = equal.split_nulls();
        let equal: &[u8] = equal.slice_of::<u8>()?;
        let same = |i: usize| match (a.is_null(i), b.is_null(i)) {
            (false, false) => equal[i] != 0 && unknown.is_none_or(|u| u[i] == 0),
            (x, y) => x && y,
        };
        Ok(Column::native(
            (0..rows).map(|i| u8::from(same(i) != distinct)).collect(),
        ))
    }))
}

fn values(column: &Column) -> Column {
    match column.to_flat() {
        Flat::Nullable(n) => Column::Flat(n.values().clone()),
        other => Column::Flat(other),
    }
}
