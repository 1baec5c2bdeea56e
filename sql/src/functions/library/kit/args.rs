//! Checks of argument counts and types, with ClickHouse's codes.
//!
//! Invariant: a message says which argument, what was found and what was expected.

use std::ops::RangeInclusive;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::Arg;

/// Refuses another number of arguments than `expected` (NUMBER_OF_ARGUMENTS_DOESNT_MATCH).
pub(crate) fn arity(args: &[Arg], expected: RangeInclusive<usize>) -> Result<()> {
    let (found, low, high) = (args.len(), *expected.start(), *expected.end());
    if expected.contains(&found) {
        return Ok(());
    }
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    match (low, high) {
        (_, usize::MAX) => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {found} {}, expected at least {low}",
            plural(found)
        ),
        _ if low == high => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {found} {}, expected {low}",
            plural(found)
        ),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {found} {}, expected {low} to {high}",
            plural(found)
        ),
    }
}

/// Refuses argument `i` unless `fits` (ILLEGAL_TYPE_OF_ARGUMENT).
pub(crate) fn want(args: &[Arg], i: usize, fits: bool, expected: &str) -> Result<()> {
    match args.get(i) {
        Some(arg) if !fits => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument {}, expected {expected}",
            arg.ty,
            i + 1
        ),
        _ => Ok(()),
    }
}

/// Argument `i`, when present, is String or FixedString.
pub(crate) fn string(args: &[Arg], i: usize) -> Result<()> {
    let fits = args.get(i).is_some_and(|a| a.ty.is_string());
    want(args, i, fits, "String or FixedString")
}

/// All arguments are strings.
pub(crate) fn strings(args: &[Arg]) -> Result<()> {
    (0..args.len()).try_for_each(|i| string(args, i))
}

/// Argument `i`, when present, is a whole number.
pub(crate) fn integer(args: &[Arg], i: usize) -> Result<()> {
    let fits = args
        .get(i)
        .is_some_and(|a| a.ty.is_integer() || a.ty == DataType::Bool);
    want(args, i, fits, "an integer")
}
