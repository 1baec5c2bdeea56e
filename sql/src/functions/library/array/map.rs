//! A lambda over arrays, and what its truth values say of a whole array.
//!
//! Invariant: a condition is UInt8 or Nullable(UInt8); NULL is false.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::filter::selection;
use roost_engine::types::DataType;

use super::super::kit::{Mapped, array, elements_of, f, higher_order, nums};
use super::totals::value_type;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayMap(f, array, ...)",
        "What `f` gives for each element.",
        ("arrayMap(x -> x + 1, [1, 2])", "[2,3]"),
        |args, _| {
            let Some(lambda) = args.first().and_then(|a| a.lambda.as_ref()) else {
                bail!(ILLEGAL_TYPE_OF_ARGUMENT, "argument 1 must be a lambda");
            };
            let ty = lambda.result.clone().array();
            higher_order(args, 0, ty, |m, _, _| array(m.offsets.to_vec(), m.values.clone()))
        },
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayExists([f, ]array, ...)",
        "Whether an element is not zero (`f` holds for one).",
        ("arrayExists(x -> x > 1, [1, 2])", "1"),
        |args, _| tested(args, DataType::UInt8, |hits, _| u8::from(hits > 0)),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayAll([f, ]array, ...)",
        "Whether all elements are not zero (`f` holds for all).",
        ("arrayAll(x -> x > 1, [1, 2])", "0"),
        |args, _| tested(args, DataType::UInt8, |hits, len| u8::from(hits == len)),
    )
    .with_lambda(elements_of),
    f(
        A,
        "arrayCount([f, ]array, ...)",
        "Number of elements that are not zero (for which `f` holds).",
        ("arrayCount(x -> x > 1, [1, 2, 3])", "2"),
        |args, _| tested(args, DataType::UInt32, |hits, _| hits as u32),
    )
    .with_lambda(elements_of),
];

/// Checks that the values are conditions.
pub(crate) fn condition(args: &[Arg]) -> Result<()> {
    let ty = value_type(args)?;
    match ty.value_type() {
        DataType::UInt8 | DataType::Bool | DataType::Nothing => Ok(()),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "a condition has type {ty}, expected UInt8 or Nullable(UInt8)"
        ),
    }
}

/// The places whose condition holds, in order.
pub(crate) fn hits(m: &Mapped) -> Result<Vec<u32>> {
    let all = || (0..m.values.len() as u32).collect();
    if m.values.is_empty() {
        return Ok(Vec::new());
    }
    Ok(selection(&m.values)?.unwrap_or_else(all))
}

fn tested<T: roost_engine::column::Native>(
    args: &[Arg],
    ty: DataType,
    answer: fn(usize, usize) -> T,
) -> Result<BoundFunction> {
    let lambda = args.first().is_some_and(|a| a.lambda.is_some());
    let number = |ty: &DataType| {
        let ty = ty.value_type();
        ty.is_numeric() || ty == &DataType::Nothing
    };
    if lambda || args.len() != 1 || !number(&value_type(args)?) {
        condition(args)?;
    }
    higher_order(args, 0, ty, move |m, _, rows| {
        let hits = hits(m)?;
        let mut next = hits.iter().copied().peekable();
        let counts: Column = nums(rows, |row| {
            let (start, end) = m.bounds(row);
            let mut count = 0;
            while next.next_if(|at| (*at as usize) < end).is_some() {
                count += 1;
            }
            answer(count, end - start)
        });
        Ok(counts)
    })
}
