//! Arrays with elements added, filled up, shifted or rotated.
//!
//! Invariant: new elements stand behind all old ones in one pool, and are taken from it by index.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::NO_ROW;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, Lists, arity, f, gather, integer, list_arg, unify, want};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";
const SIZE_MAX: i64 = 1 << 30;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayPushBack(array, element)",
        "The array with an element more at its end.",
        ("arrayPushBack([1, 2], 3)", "[1,2,3]"),
        |args, context| push(args, context, false),
    )
    .sees_nulls(),
    f(
        A,
        "arrayPushFront(array, element)",
        "The array with an element more at its start.",
        ("arrayPushFront([2, 3], 1)", "[1,2,3]"),
        |args, context| push(args, context, true),
    )
    .sees_nulls(),
    f(
        A,
        "arrayResize(array, size[, extender])",
        "The array cut or filled up to a size; a negative size works at the start.",
        ("arrayResize([1], 3, 7)", "[1,7,7]"),
        resize,
    )
    .sees_nulls(),
    f(
        A,
        "arrayShiftLeft(array, n[, default])",
        "Elements moved `n` places to the left, defaults where nothing is left.",
        ("arrayShiftLeft([1, 2, 3], 1)", "[2,3,0]"),
        |args, context| shift(args, context, 1, false),
    ),
    f(
        A,
        "arrayShiftRight(array, n[, default])",
        "Elements moved `n` places to the right, defaults where nothing is left.",
        ("arrayShiftRight([1, 2, 3], 1)", "[0,1,2]"),
        |args, context| shift(args, context, -1, false),
    ),
    f(
        A,
        "arrayRotateLeft(array, n)",
        "Elements moved `n` places to the left, around the end.",
        ("arrayRotateLeft([1, 2, 3], 1)", "[2,3,1]"),
        |args, context| shift(args, context, 1, true),
    ),
    f(
        A,
        "arrayRotateRight(array, n)",
        "Elements moved `n` places to the right, around the end.",
        ("arrayRotateRight([1, 2, 3], 1)", "[3,1,2]"),
        |args, context| shift(args, context, -1, true),
    ),
];

fn push(args: &[Arg], context: &BindContext, front: bool) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let inner = list_arg(args, 0)?;
    let (common, casters) = unify(&[inner, args[1].ty.clone()], context)?;
    Ok(BoundFunction::new(common.clone().array(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let (pool, base, single) = pool(&lists, &columns[1], &casters, &common, rows)?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            let new = base + if single { 0 } else { row as u32 };
            if front {
                places.push(new);
            }
            places.extend(start as u32..end as u32);
            if !front {
                places.push(new);
            }
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}

/// Old elements and new ones in one column of the common type; where the new ones start, and
/// whether there is a single one for all rows.
fn pool(
    lists: &Lists<'_>,
    new: &Column,
    casters: &[Caster],
    common: &DataType,
    rows: usize,
) -> Result<(Column, u32, bool)> {
    let old = casters[0].apply(lists.elements())?;
    let single = new.as_const().is_some();
    let new = if single { new.slice(0, rows.min(1)) } else { new.clone() };
    let new = casters[1].apply(&new)?;
    let base = old.len() as u32;
    Ok((concat(&[&old, &new], common)?, base, single))
}

fn resize(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    if matches!(args[0].ty, DataType::Nullable(_)) {
        let ty = args[0].ty.clone();
        return Ok(BoundFunction::new(ty.clone(), move |_, rows| {
            Ok(Column::defaults(&ty, rows))
        }));
    }
    let inner = list_arg(args, 0)?;
    want(args, 1, args[1].ty.value_type().is_integer(), "an integer")?;
    let (common, casters) = match args.get(2) {
        Some(extender) => unify(&[inner, extender.ty.clone()], context)?,
        None => (inner.clone(), vec![Caster::new(&inner, &inner, context)?]),
    };
    Ok(BoundFunction::new(common.clone().array(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let size = Ints::of(&columns[1])?;
        let (pool, base, single) = match columns.get(2) {
            Some(new) => pool(&lists, new, &casters, &common, rows)?,
            None => (lists.elements().clone(), NO_ROW, true),
        };
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            let n = size.get(row);
            let want = checked(n)?;
            let filler = if single { base } else { base + row as u32 };
            let have = end - start;
            let missing = want.saturating_sub(have);
            let kept = have.min(want);
            if n < 0 {
                places.extend(std::iter::repeat_n(filler, missing));
                places.extend((end - kept) as u32..end as u32);
            } else {
                places.extend(start as u32..(start + kept) as u32);
                places.extend(std::iter::repeat_n(filler, missing));
            }
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}

fn checked(size: i64) -> Result<usize> {
    match size.checked_abs() {
        Some(n) if n <= SIZE_MAX => Ok(n as usize),
        _ => bail!(
            TOO_LARGE_ARRAY_SIZE,
            "too large array size: {size}, maximum: {SIZE_MAX}"
        ),
    }
}

fn shift(args: &[Arg], context: &BindContext, sign: i64, around: bool) -> Result<BoundFunction> {
    arity(args, if around { 2..=2 } else { 2..=3 })?;
    let inner = list_arg(args, 0)?;
    integer(args, 1)?;
    let casters = match args.get(2) {
        Some(default) => {
            if let Ok((common, _)) = unify(&[inner.clone(), default.ty.clone()], context)
                && common != inner
            {
                bail!(
                    ILLEGAL_TYPE_OF_ARGUMENT,
                    "illegal type {} of argument 3, expected {inner}",
                    default.ty
                );
            }
            let keep = Caster::new(&inner, &inner, context)?;
            vec![keep, Caster::new(&default.ty, &inner, context)?]
        }
        None => Vec::new(),
    };
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let by = Ints::of(&columns[1])?;
        let (pool, base, single) = match columns.get(2) {
            Some(new) => pool(&lists, new, &casters, &inner, rows)?,
            None => (lists.elements().clone(), NO_ROW, true),
        };
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            let len = (end - start) as i64;
            let by = by.get(row).saturating_mul(sign);
            let filler = if single { base } else { base + row as u32 };
            places.extend((0..len).map(|i| match i.saturating_add(by) {
                from if around => start as u32 + from.rem_euclid(len) as u32,
                from if (0..len).contains(&from) => start as u32 + from as u32,
                _ => filler,
            }));
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}
