//! One element of a tuple, or of the tuples in arrays.
//!
//! Invariant: index and name are constants, resolved at bind time.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, TupleType, Value};

use super::super::kit::{arity, array, f};
use super::build::elements;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "tuple",
    "tupleElement(tuple, index or name[, default])",
    "The element with a number (from one, from the end when negative) or a name.",
    ("tupleElement((1, 'a'), 2)", "a"),
    |args, _| bind(args),
)
.sees_nulls()];

fn bind(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let (mut inner, mut depth) = (&args[0].ty, 0);
    while let DataType::Array(e) = inner {
        inner = e;
        depth += 1;
    }
    let DataType::Tuple(t) = inner else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 1, expected a tuple or an array of tuples",
            args[0].ty
        );
    };
    let place = match place(t, args[1].constant.as_ref()) {
        Ok(place) => place,
        Err(_) if args.len() == 3 => {
            return Ok(BoundFunction::new(args[2].ty.clone(), |columns, _| {
                Ok(columns[2].clone())
            }));
        }
        Err(e) => return Err(e),
    };
    let mut ty = t.types[place].clone();
    (0..depth).for_each(|_| ty = ty.clone().array());
    Ok(BoundFunction::new(ty, move |columns, _| fetch(&columns[0], depth, place)))
}

fn numbered(t: &TupleType, name: &[u8]) -> Option<usize> {
    let n: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
    (t.names.is_empty() && (1..=t.types.len()).contains(&n)).then(|| n - 1)
}

fn place(t: &TupleType, which: Option<&Value>) -> Result<usize> {
    let len = t.types.len();
    match which {
        Some(Value::Bytes(name)) => match t.names.iter().position(|n| n.as_bytes() == name) {
            Some(place) => Ok(place),
            // Elements without names are called by their numbers.
            None if let Some(place) = numbered(t, name) => Ok(place),
            None => bail!(
                BAD_ARGUMENTS,
                "the tuple has no element named '{}'",
                String::from_utf8_lossy(name)
            ),
        },
        Some(index) => match index.as_i64() {
            Some(n) if n >= 1 && n <= len as i64 => Ok(n as usize - 1),
            Some(n) if n < 0 && n >= -(len as i64) => Ok((len as i64 + n) as usize),
            Some(n) => bail!(
                ARGUMENT_OUT_OF_BOUND,
                "the tuple of {len} elements has no element {n}"
            ),
            None => bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "argument 2 must be a constant number or name"
            ),
        },
        None => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "argument 2 must be a constant number or name"
        ),
    }
}

fn fetch(column: &Column, depth: usize, place: usize) -> Result<Column> {
    if depth == 0 {
        return match elements(column)?.into_iter().nth(place) {
            Some(element) => Ok(element),
            None => bail!(LOGICAL_ERROR, "the tuple column has no element {place}"),
        };
    }
    let flat: Flat = column.to_flat();
    let (offsets, inner) = flat.as_array()?.compact();
    array(offsets.to_vec(), fetch(&inner, depth - 1, place)?)
}
