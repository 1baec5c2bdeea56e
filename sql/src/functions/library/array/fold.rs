//! `arrayFold`: an accumulator carried over the elements.
//!
//! Invariant: step `i` calls the lambda once, for all rows whose arrays have an element `i`.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;

use super::super::kit::{aligned, elements_of, f, list_arg};
use crate::functions::{Arg, BoundFunction, LambdaBody, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "array",
    "arrayFold(f, array, ..., initial)",
    "Applies `f(accumulator, element, ...)` to the elements in order, from `initial`.",
    ("arrayFold((acc, x) -> acc + x, [1, 2, 3], toInt64(0))", "6"),
    |args, _| fold(args),
)
.with_lambda(params)];

fn params(types: &[DataType], count: usize) -> Result<Vec<DataType>> {
    let Some((initial, arrays)) = types.split_last() else {
        bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected arrays and an initial value");
    };
    let mut all = vec![initial.clone()];
    all.extend(elements_of(arrays, count.saturating_sub(1))?);
    Ok(all)
}

fn fold(args: &[Arg]) -> Result<BoundFunction> {
    let (Some(lambda), [_, arrays @ .., initial]) =
        (args.first().and_then(|a| a.lambda.as_ref()), args)
    else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "expected a lambda, arrays and an initial value"
        );
    };
    (0..arrays.len()).try_for_each(|i| list_arg(arrays, i).map(|_| ()))?;
    if arrays.is_empty() {
        bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected an array");
    }
    if lambda.result != initial.ty {
        bail!(
            TYPE_MISMATCH,
            "the lambda gives {}, the accumulator is {}",
            lambda.result,
            initial.ty
        );
    }
    let ty = initial.ty.clone();
    Ok(BoundFunction::with_lambda(ty.clone(), move |body, columns, rows| {
        let Some((initial, arrays)) = columns.split_last() else {
            bail!(LOGICAL_ERROR, "arrayFold without arguments");
        };
        steps(body, initial, arrays, rows, &ty)
    }))
}

fn steps(
    body: &dyn LambdaBody,
    initial: &Column,
    arrays: &[Column],
    rows: usize,
    ty: &DataType,
) -> Result<Column> {
    let (offsets, elements) = aligned(arrays)?;
    let length = |row: usize| offsets[row + 1] - offsets[row];
    let longest = (0..rows).map(length).max().unwrap_or(0);
    let mut accumulator = initial.clone();
    for step in 0..longest {
        let active: Vec<u32> = (0..rows as u32).filter(|r| length(*r as usize) > step).collect();
        let places: Vec<u32> =
            active.iter().map(|r| (offsets[*r as usize] + step) as u32).collect();
        let mut lanes = Vec::with_capacity(rows + 1);
        lanes.push(0u64);
        for row in 0..rows {
            lanes.push(lanes[row] + u64::from(length(row) > step));
        }
        let mut params = vec![take(&accumulator, &active)];
        params.extend(elements.iter().map(|e| take(e, &places)));
        let answer = body.call(&params, &lanes, active.len())?;
        accumulator = match active.len() == rows {
            true => answer,
            false => {
                let mut from: Vec<u32> = (0..rows as u32).collect();
                for (i, row) in active.iter().enumerate() {
                    from[*row as usize] = (rows + i) as u32;
                }
                take(&concat(&[&accumulator, &answer], ty)?, &from)
            }
        };
    }
    Ok(accumulator)
}
