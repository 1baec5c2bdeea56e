//! What becomes of NULL.
//!
//! Invariant: only `nullIf` and `toNullable` make a type Nullable that was not.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::choose;
use crate::functions::core::compare::{self, Cmp};
use crate::functions::core::operands::one;
use crate::functions::library::kit::{arity, unify_args};
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

/// One byte a row: 1 where NULL.
pub(crate) fn null_mask(column: &Column, rows: usize) -> Vec<u8> {
    match column {
        Column::Const { value, .. } => vec![u8::from(value.is_null(0)); rows],
        Column::Flat(Flat::Nullable(n)) => n.nulls().iter().map(|b| u8::from(*b != 0)).collect(),
        Column::Flat(Flat::Nothing(rows)) => vec![1; *rows],
        Column::Flat(_) => vec![0; rows],
        Column::Dict(d) => {
            let entries: Vec<u8> = (0..d.dict().len())
                .map(|i| u8::from(d.dict().is_null(i)))
                .collect();
            d.codes().iter().map(|c| entries[*c as usize]).collect()
        }
    }
}

pub(super) fn bind_is_null(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let bound = BoundFunction::new(DataType::UInt8, |columns, rows| {
        Ok(Column::native(null_mask(one(columns)?, rows)))
    });
    Ok(bound.keeping_type())
}

pub(super) fn bind_is_not_null(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let bound = BoundFunction::new(DataType::UInt8, |columns, rows| {
        let mut mask = null_mask(one(columns)?, rows);
        mask.iter_mut().for_each(|m| *m ^= 1);
        Ok(Column::native(mask))
    });
    Ok(bound.keeping_type())
}

pub(super) fn bind_is_zero_or_null(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.value_type();
    if !(ty.is_numeric() || *ty == DataType::Nothing) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "The argument of function isZeroOrNull must have simple numeric type, found {ty}"
        );
    }
    Ok(BoundFunction::new(DataType::UInt8, |columns, rows| {
        let flat = one(columns)?.to_flat();
        let mut mask = null_mask(one(columns)?, rows);
        let (_, values) = flat.split_nulls();
        if !matches!(values, Flat::Nothing(_)) {
            let truth = roost_engine::kernels::filter::truth(values)?;
            mask.iter_mut().zip(&truth).for_each(|(m, t)| *m |= 1 - t);
        }
        Ok(Column::native(mask))
    }))
}

pub(super) fn bind_is_nullable(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let nullable = u8::from(args[0].ty.is_nullable());
    Ok(BoundFunction::new(DataType::UInt8, move |_, rows| {
        Ok(Column::native(vec![nullable; rows]))
    }))
}

pub(super) fn bind_if_null(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    bind_coalesce(args, context)
}

pub(super) fn bind_null_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let ty = args[0].ty.clone().nullable();
    let record = compare::FUNCTIONS
        .iter()
        .find(|f| f.name == Cmp::Equal.name());
    let record = record.ok_or_else(|| Error::bug("a comparison without a record"))?;
    let Kernel::Plain(equal) = record.bind_framed(args, context)?.kernel else {
        return Err(Error::bug("a comparison is no lambda"));
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let value = one(columns)?;
        let equal = equal(columns, rows)?.to_flat();
        let (unknown, equal) = equal.split_nulls();
        let mut mask = null_mask(value, rows);
        if let Flat::U8(equal) = equal {
            for (row, mask) in mask.iter_mut().enumerate() {
                *mask |= equal[row] & u8::from(unknown.is_none_or(|u| u[row] == 0));
            }
        }
        let values = match value.to_flat() {
            Flat::Nullable(n) => n.values().clone(),
            other => other,
        };
        Ok(Column::Flat(Flat::nullable(mask, values)?))
    }))
}

/// The first value that is not NULL: arguments after one that cannot be NULL do not count.
pub(super) fn bind_coalesce(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Function coalesce needs an argument"
        );
    }
    let only_null = |a: &Arg| a.ty.is_nullable() && *a.ty.value_type() == DataType::Nothing;
    let mut places: Vec<usize> = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        if only_null(arg) {
            continue;
        }
        places.push(i);
        if !arg.ty.is_nullable() {
            break;
        }
    }
    let Some(&last) = places.last() else {
        let ty = args[0].ty.clone();
        let answer = ty.clone();
        return Ok(BoundFunction::new(ty, move |_, rows| {
            Ok(Column::defaults(&answer, rows))
        }));
    };
    // Only the last can leave a NULL.
    let sure = !args[last].ty.is_nullable();
    let used: Vec<Arg> = places
        .iter()
        .map(|i| match *i == last || !sure {
            true => args[*i].clone(),
            false => Arg::of(args[*i].ty.without_nullable()),
        })
        .collect();
    let (ty, casts) = unify_args(&used, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let mut which = vec![places.len() as u32 - 1; rows];
        let mut values = Vec::with_capacity(places.len());
        for (place, cast) in places.iter().zip(&casts) {
            let column = columns
                .get(*place)
                .ok_or_else(|| Error::bug("coalesce lost an argument"))?;
            let column = if sure {
                without_mask(column)
            } else {
                column.clone()
            };
            values.push(cast.apply(&column)?);
        }
        for (n, place) in places.iter().enumerate().rev().skip(1) {
            let mask = null_mask(&columns[*place], rows);
            which
                .iter_mut()
                .zip(mask)
                .for_each(|(w, null)| *w = if null == 0 { n as u32 } else { *w });
        }
        choose::pick(&which, &values, &answer)
    }))
}

/// The values with whatever stands under NULLs.
pub(crate) fn without_mask(column: &Column) -> Column {
    match column {
        Column::Flat(Flat::Nullable(n)) => Column::Flat(n.values().clone()),
        Column::Const { value, len } => match value.as_ref() {
            Flat::Nullable(n) => Column::Const {
                value: n.values().clone().into(),
                len: *len,
            },
            _ => column.clone(),
        },
        Column::Dict(d) => match d.dict().as_ref() {
            Flat::Nullable(n) => d
                .with_dict(n.values().clone())
                .map_or_else(|_| column.clone(), Column::Dict),
            _ => column.clone(),
        },
        Column::Flat(_) => column.clone(),
    }
}

pub(super) fn bind_assume_not_null(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.without_nullable();
    if ty == DataType::Nothing {
        bail!(
            ILLEGAL_COLUMN,
            "Cannot create non-empty column with type Nothing"
        );
    }
    Ok(BoundFunction::new(ty, |columns, _| {
        Ok(without_mask(one(columns)?))
    }))
}

pub(super) fn bind_to_nullable(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = match args[0].ty.is_nullable() {
        true => args[0].ty.clone(),
        false => roost_engine::types::text::nullable_of(args[0].ty.clone())?,
    };
    Ok(BoundFunction::new(ty, |columns, rows| {
        let column = one(columns)?;
        let wrap = |flat: &Flat| match flat {
            Flat::Nullable(_) => Ok(flat.clone()),
            other => Flat::nullable(vec![0; other.len()], other.clone()),
        };
        Ok(match column {
            Column::Const { value, .. } => Column::Const {
                value: wrap(value)?.into(),
                len: rows,
            },
            Column::Dict(d) => Column::Dict(d.with_dict(wrap(d.dict())?)?),
            Column::Flat(flat) => Column::Flat(wrap(flat)?),
        })
    }))
}
