//! Picks, for each row, one of several branches.
//!
//! Invariant: the first condition that is true decides; no condition is looked at after it.

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;
use roost_engine::with_native;

use crate::functions::library::kit::unify_args;
use crate::functions::{Arg, BindContext, BoundFunction};

/// Binds `condition, then, condition, then, ..., else`.
pub(super) fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let mut branches: Vec<Arg> = args.chunks_exact(2).map(|pair| pair[1].clone()).collect();
    branches.extend(args.last().cloned());
    let (ty, casts) = unify_args(&branches, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        for pair in columns.chunks_exact(2) {
            conditions.push(&pair[0]);
            values.push(&pair[1]);
        }
        values.extend(columns.last());
        let values: Vec<Column> = values
            .iter()
            .zip(&casts)
            .map(|(c, cast)| cast.apply(c))
            .collect::<Result<_>>()?;
        if let [condition] = conditions[..]
            && let Some(picked) = pick_native(condition, &values)?
        {
            return Ok(picked);
        }
        pick(&first_true(&conditions, rows)?, &values, &answer)
    }))
}

fn is_true(condition: &Column) -> Result<Vec<u8>> {
    let flat = condition.to_flat();
    let (nulls, values) = flat.split_nulls();
    if let Flat::Nothing(rows) = values {
        return Ok(vec![0; *rows]);
    }
    let mut truth = roost_engine::kernels::filter::truth(values)?;
    if let Some(nulls) = nulls {
        truth
            .iter_mut()
            .zip(nulls)
            .for_each(|(t, n)| *t &= u8::from(*n == 0));
    }
    Ok(truth)
}

/// For each row the number of the first condition that is true, or how many there are.
fn first_true(conditions: &[&Column], rows: usize) -> Result<Vec<u32>> {
    let mut first = vec![conditions.len() as u32; rows];
    for (i, condition) in conditions.iter().enumerate().rev() {
        for (first, truth) in first.iter_mut().zip(is_true(condition)?) {
            *first = if truth != 0 { i as u32 } else { *first };
        }
    }
    Ok(first)
}

/// Row `i` of column `which[i]`.
pub(crate) fn pick(which: &[u32], columns: &[Column], ty: &DataType) -> Result<Column> {
    if let Some(first) = which.first()
        && which.iter().all(|w| w == first)
    {
        return Ok(columns[*first as usize].clone());
    }
    // Constants take one row in the run of all values.
    let (mut starts, mut steps, mut parts, mut start) = (Vec::new(), Vec::new(), Vec::new(), 0u32);
    for column in columns {
        let part = match column {
            Column::Const { value, .. } => Column::Flat(value.as_ref().clone()),
            other => other.clone(),
        };
        starts.push(start);
        steps.push(u32::from(column.as_const().is_none()));
        start += part.len() as u32;
        parts.push(part);
    }
    let all = concat(&parts.iter().collect::<Vec<_>>(), ty)?;
    let places: Vec<u32> = which
        .iter()
        .enumerate()
        .map(|(row, w)| starts[*w as usize] + steps[*w as usize] * row as u32)
        .collect();
    Ok(take(&all, &places))
}

/// One condition over two columns of plain numbers: no gather needed.
fn pick_native(condition: &Column, values: &[Column]) -> Result<Option<Column>> {
    let [then, other] = values else {
        return Ok(None);
    };
    fn one_of<T: Native>(truth: &[u8], then: &Column, other: &Column) -> Option<Column> {
        enum Side<'a, T> {
            One(T),
            Many(&'a [T]),
        }
        fn side<T: Native>(column: &Column) -> Option<Side<'_, T>> {
            match column {
                Column::Const { value, .. } => T::of(value)?.first().copied().map(Side::One),
                Column::Flat(flat) => T::of(flat).map(|b| Side::Many(&b[..])),
                Column::Dict(_) => None,
            }
        }
        let choose = |t: &u8, a: T, b: T| if *t != 0 { a } else { b };
        let picked: Vec<T> = match (side::<T>(then)?, side::<T>(other)?) {
            (Side::One(a), Side::One(b)) => truth.iter().map(|t| choose(t, a, b)).collect(),
            (Side::Many(a), Side::One(b)) => {
                truth.iter().zip(a).map(|(t, a)| choose(t, *a, b)).collect()
            }
            (Side::One(a), Side::Many(b)) => {
                truth.iter().zip(b).map(|(t, b)| choose(t, a, *b)).collect()
            }
            (Side::Many(a), Side::Many(b)) => truth
                .iter()
                .zip(a.iter().zip(b))
                .map(|(t, (a, b))| choose(t, *a, *b))
                .collect(),
        };
        Some(Column::native(picked))
    }
    let shape = match then {
        Column::Flat(flat) => flat,
        Column::Const { value, .. } => value,
        Column::Dict(_) => return Ok(None),
    };
    fn of_buffer<T: Native>(
        _: &[T],
        truth: &[u8],
        then: &Column,
        other: &Column,
    ) -> Option<Column> {
        one_of::<T>(truth, then, other)
    }
    if condition.as_const().is_some() {
        return Ok(None);
    }
    let truth = is_true(condition)?;
    Ok(with_native!(shape, |v| of_buffer(v, &truth, then, other), _other => None))
}
