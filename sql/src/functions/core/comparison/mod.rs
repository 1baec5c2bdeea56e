//! `=`, `<` and their kin over every pair of types that ClickHouse compares.
//!
//! Invariant: the way to compare is decided once, in bind; numbers of different types compare
//! exactly (a UInt64 with an Int64, a whole number with a double); NaN equals and precedes nothing.

mod numbers;
mod others;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::compare::compare;
use roost_engine::types::DataType;

use crate::functions::library::kit::{arity, f, unify_args};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// One of six comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Op::Equal => "equals",
            Op::NotEqual => "notEquals",
            Op::Less => "less",
            Op::LessOrEqual => "lessOrEquals",
            Op::Greater => "greater",
            Op::GreaterOrEqual => "greaterOrEquals",
        }
    }

    /// Whether the comparison holds for an order.
    #[inline]
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Op::Equal => order.is_eq(),
            Op::NotEqual => order.is_ne(),
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Greater => order.is_gt(),
            Op::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Comparisons.
pub static COMPARISONS: &[ScalarFunction] = &[
    f(
        "comparison",
        "equals(a, b)",
        "1 where `a = b`.",
        ("equals(1, 1)", "1"),
        |a, c| bind(Op::Equal, a, c),
    ),
    f(
        "comparison",
        "notEquals(a, b)",
        "1 where `a != b`.",
        ("notEquals(1, 1)", "0"),
        |a, c| bind(Op::NotEqual, a, c),
    ),
    f(
        "comparison",
        "less(a, b)",
        "1 where `a < b`.",
        ("less(1, 2)", "1"),
        |a, c| bind(Op::Less, a, c),
    ),
    f(
        "comparison",
        "lessOrEquals(a, b)",
        "1 where `a <= b`.",
        ("lessOrEquals(2, 2)", "1"),
        |a, c| bind(Op::LessOrEqual, a, c),
    ),
    f(
        "comparison",
        "greater(a, b)",
        "1 where `a > b`.",
        ("greater(1, 2)", "0"),
        |a, c| bind(Op::Greater, a, c),
    ),
    f(
        "comparison",
        "greaterOrEquals(a, b)",
        "1 where `a >= b`.",
        ("greaterOrEquals(2, 2)", "1"),
        |a, c| bind(Op::GreaterOrEqual, a, c),
    ),
    f(
        "comparison",
        "isNotDistinctFrom(a, b)",
        "1 where `a` and `b` are equal or both NULL.",
        ("isNotDistinctFrom(NULL, NULL)", "1"),
        |a, c| bind_distinct(a, c, false),
    )
    .sees_nulls(),
    f(
        "comparison",
        "isDistinctFrom(a, b)",
        "1 where `a` and `b` differ, NULL being a value.",
        ("isDistinctFrom(NULL, 1)", "1"),
        |a, c| bind_distinct(a, c, true),
    )
    .sees_nulls(),
];

/// The record of `equals`.
pub(super) fn equals() -> &'static ScalarFunction {
    &COMPARISONS[0]
}

fn bind(op: Op, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (args[0].ty.value_type(), args[1].ty.value_type());
    if let Some(bound) = numbers::bind(op, a, b)? {
        return Ok(bound);
    }
    if let Some(bound) = others::bind(op, args, context)? {
        return Ok(bound);
    }
    bail!(
        ILLEGAL_TYPE_OF_ARGUMENT,
        "Illegal types of arguments (`{}`, `{}`) of function `{}`",
        args[0].ty,
        args[1].ty,
        op.name()
    )
}

/// Rows by [`compare`], for columns of one type.
fn generic(op: Op, columns: &[Column], rows: usize) -> Column {
    let [a, b] = columns else {
        return Column::native(vec![0u8; rows]);
    };
    let holds = (0..rows).map(|i| u8::from(op.holds(compare(a, i, b, i))));
    Column::native(holds.collect::<Vec<u8>>())
}

fn bind_distinct(args: &[Arg], context: &BindContext, negated: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (_, casters) = unify_args(args, context)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let both = [
            casters[0].apply(&columns[0])?,
            casters[1].apply(&columns[1])?,
        ];
        let both = both.map(|c| match c {
            Column::Flat(Flat::Nothing(n)) => Column::Flat(Flat::Nothing(n)),
            other => other,
        });
        let op = if negated { Op::NotEqual } else { Op::Equal };
        Ok(generic(op, &both, rows))
    }))
}
