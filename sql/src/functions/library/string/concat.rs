//! Values written one after the other.
//!
//! Invariant: what is no string is written as `toString` writes it; arrays, tuples and maps among
//! themselves are joined as such.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, Texts, arity, f, string, text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "concat(...)",
        "The texts of all arguments in one; arrays, tuples or maps are joined as such.",
        ("concat('a', 1, [2])", "a1[2]"),
        concat,
    )
    .also(&["concatAssumeInjective"])
    .any_case(),
    f(
        S,
        "concatWithSeparator(separator, ...)",
        "The texts of all arguments with a separator between them.",
        ("concatWithSeparator('-', 'a', 'b', 1)", "a-b-1"),
        |args, context| {
            arity(args, 1..=usize::MAX)?;
            string(args, 0)?;
            written(args, context, true)
        },
    )
    .also(&["concat_ws", "concatWithSeparatorAssumeInjective"])
    .any_case(),
];

fn concat(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let all = |test: fn(&DataType) -> bool| !args.is_empty() && args.iter().all(|a| test(&a.ty));
    if all(|ty| matches!(ty, DataType::Array(_))) {
        return super::super::array::shape::join(args, context);
    }
    if all(|ty| matches!(ty, DataType::Map(..))) {
        return super::super::map::build::join(args, context);
    }
    if all(|ty| matches!(ty, DataType::Tuple(_))) {
        return super::super::tuple::build::join(args);
    }
    written(args, context, false)
}

fn written(args: &[Arg], context: &BindContext, separated: bool) -> Result<BoundFunction> {
    let texts: Vec<Texts> = args.iter().map(|a| Texts::new(&a.ty, context)).collect();
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let parts: Vec<_> = columns.iter().zip(&texts).map(|(c, t)| t.apply(c)).collect();
        let parts = parts.iter().map(Strs::of).collect::<Result<Vec<_>>>()?;
        let size = parts.iter().map(|p| p.size(rows)).sum();
        let (separator, parts) = match separated {
            true => (parts.first(), parts.get(1..).unwrap_or_default()),
            false => (None, parts.as_slice()),
        };
        Ok(text(rows, size, |i, out| {
            for (n, part) in parts.iter().enumerate() {
                if let Some(separator) = separator
                    && n > 0
                {
                    out.extend_from_slice(separator.get(i));
                }
                out.extend_from_slice(part.get(i));
            }
        }))
    }))
}
