//! Array elements joined into one string.
//!
//! Invariant: NULL elements are left out, with their separator.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Lists, Strs, Texts, arity, f, list_arg, string, text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "string",
    "arrayStringConcat(array[, separator])",
    "The texts of the elements with a separator between them.",
    ("arrayStringConcat(['a', 'b'], '-')", "a-b"),
    join,
)
.also(&["array_to_string"])];

fn join(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let inner = list_arg(args, 0)?;
    if args.len() == 2 {
        string(args, 1)?;
    }
    let separator = match args.get(1).map(|a| &a.constant) {
        None => Vec::new(),
        Some(Some(value)) => value.as_bytes().unwrap_or_default().to_vec(),
        Some(None) => bail!(ILLEGAL_COLUMN, "the separator must be a constant string"),
    };
    let values = inner.without_low_cardinality().without_nullable();
    let texts = Texts::new(&values, context);
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let elements = lists.elements().to_flat();
        let (nulls, plain) = elements.split_nulls();
        let written = texts.apply(&plain.clone().into());
        let written = Strs::of(&written)?;
        Ok(text(rows, written.size(rows), |row, out| {
            let (start, end) = lists.bounds(row);
            let mut first = true;
            for at in (start..end).filter(|at| nulls.is_none_or(|m| m[*at] == 0)) {
                if !first {
                    out.extend_from_slice(&separator);
                }
                first = false;
                out.extend_from_slice(written.get(at));
            }
        }))
    }))
}
