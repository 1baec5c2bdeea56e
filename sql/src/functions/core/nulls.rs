//! Questions about NULL.
//!
//! Invariant: none of these answers NULL.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::filter::truth;
use roost_engine::types::DataType;

use super::choose::{nulls_of, without_mask};
use crate::functions::library::kit::{Caster, arity, f, want};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// NULL functions.
pub static NULLS: &[ScalarFunction] = &[
    f(
        "null",
        "isNull(x)",
        "1 where `x` is NULL.",
        ("isNull(NULL)", "1"),
        |a, _| bind_is(a, true),
    )
    .any_case()
    .sees_nulls(),
    f(
        "null",
        "isNotNull(x)",
        "1 where `x` is not NULL.",
        ("isNotNull(NULL)", "0"),
        |a, _| bind_is(a, false),
    )
    .any_case()
    .sees_nulls(),
    f(
        "null",
        "assumeNotNull(x)",
        "The value under a Nullable; for NULL the type's default.",
        ("assumeNotNull(toNullable(1))", "1"),
        bind_assume,
    )
    .sees_nulls(),
    f(
        "null",
        "toNullable(x)",
        "The same value, Nullable.",
        ("toNullable(1)", "1"),
        bind_nullable,
    )
    .sees_nulls(),
    f(
        "null",
        "isZeroOrNull(x)",
        "1 where `x` is 0 or NULL.",
        ("isZeroOrNull(NULL)", "1"),
        bind_zero,
    )
    .sees_nulls(),
    f(
        "null",
        "isNullable(x)",
        "1 when the type of `x` is Nullable.",
        ("isNullable(toNullable(1))", "1"),
        |args, _| {
            arity(args, 1..=1)?;
            let answer = u8::from(args[0].ty.is_nullable());
            Ok(BoundFunction::new(DataType::UInt8, move |_, rows| {
                Ok(constant(answer, rows))
            }))
        },
    )
    .sees_nulls(),
];

fn constant(value: u8, rows: usize) -> Column {
    Column::Const {
        value: Flat::native(vec![value]).into(),
        len: rows,
    }
}

fn bind_is(args: &[Arg], null: bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        Ok(match nulls_of(&columns[0]) {
            None => constant(u8::from(!null), rows),
            Some(mask) => Column::native(
                mask.iter()
                    .map(|m| u8::from((*m != 0) == null))
                    .collect::<Vec<u8>>(),
            ),
        })
    }))
}

fn bind_assume(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    Ok(BoundFunction::new(
        args[0].ty.without_nullable(),
        |columns, _| Ok(without_mask(&columns[0])),
    ))
}

fn bind_nullable(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = roost_engine::types::text::nullable_of(args[0].ty.without_nullable())?;
    let caster = Caster::new(&args[0].ty, &ty, context)?;
    Ok(BoundFunction::new(ty, move |columns, _| {
        caster.apply(&columns[0])
    }))
}

fn bind_zero(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.value_type();
    want(
        args,
        0,
        ty.is_numeric() || *ty == DataType::Nothing,
        "a number",
    )?;
    Ok(BoundFunction::new(DataType::UInt8, |columns, rows| {
        let flat = columns[0].to_flat();
        let (nulls, values) = flat.split_nulls();
        if matches!(values, Flat::Nothing(_)) {
            return Ok(constant(1, rows));
        }
        let mut zero: Vec<u8> = truth(values)?.iter().map(|t| 1 - t).collect();
        if let Some(nulls) = nulls {
            zero.iter_mut()
                .zip(nulls)
                .for_each(|(z, n)| *z |= u8::from(*n != 0));
        }
        Ok(Column::native(zero))
    }))
}
