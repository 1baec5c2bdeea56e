//! Values of any type out of JSON texts.
//!
//! Invariant: the type is a constant, parsed once.

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::{DataType, text::parse};

use super::super::kit::f;
use super::build::Reader;
use super::path::Path;
use super::scan::Kind;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const J: &str = "json";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        J,
        "JSONExtract(json, path..., type)",
        "The value as a cell of any type.",
        ("JSONExtract('{\"a\":[1,2]}', 'a', 'Array(Int32)')", "[1,2]"),
        |args, context| extract(args, context, false),
    ),
    f(
        J,
        "JSONExtractCaseInsensitive(json, path..., type)",
        "`JSONExtract` with keys in any case.",
        ("JSONExtractCaseInsensitive('{\"A\":1}', 'a', 'Int32')", "1"),
        |args, context| extract(args, context, true),
    ),
    f(
        J,
        "JSONExtractKeysAndValues(json, path..., type)",
        "The members of an object as pairs of name and value; values of other types are left out.",
        (
            "JSONExtractKeysAndValues('{\"a\":1,\"b\":2}', 'Int8')",
            "[('a',1),('b',2)]",
        ),
        |args, context| pairs(args, context, false),
    ),
    f(
        J,
        "JSONExtractKeysAndValuesCaseInsensitive(json, path..., type)",
        "`JSONExtractKeysAndValues` with keys in any case.",
        (
            "JSONExtractKeysAndValuesCaseInsensitive('{\"X\":{\"b\":2}}', 'x', 'Int8')",
            "[('b',2)]",
        ),
        |args, context| pairs(args, context, true),
    ),
];

fn type_arg(args: &[Arg]) -> Result<DataType> {
    let text = match args {
        [_, .., last] => last.constant.as_ref().and_then(|v| v.as_bytes()),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "expected a JSON text and the name of a type"
        ),
    };
    match text.and_then(|t| std::str::from_utf8(t).ok()) {
        Some(text) => parse(text),
        None => bail!(
            ILLEGAL_COLUMN,
            "the last argument must be a constant string: the type of the answer"
        ),
    }
}

fn extract(args: &[Arg], context: &BindContext, any_case: bool) -> Result<BoundFunction> {
    let ty = type_arg(args)?;
    let path = Path::new(args, args.len() - 1, any_case)?;
    let reader = Reader::new(&ty, context);
    Ok(BoundFunction::new(ty.clone(), move |columns, rows| {
        let ways = path.over(columns)?;
        let mut out = ColumnBuilder::new(&ty, rows);
        for row in 0..rows {
            reader.read_or_default(ways.get(row), &mut out)?;
        }
        Ok(Column::Flat(out.finish()))
    }))
}

fn pairs(args: &[Arg], context: &BindContext, any_case: bool) -> Result<BoundFunction> {
    let value = type_arg(args)?;
    let path = Path::new(args, args.len() - 1, any_case)?;
    // A map is held as an array of pairs: the same reader fills both.
    let map = DataType::Map(DataType::String.into(), value.clone().into());
    let reader = Reader::new(&map, context);
    let ty = DataType::tuple(vec![DataType::String, value]).array();
    Ok(BoundFunction::new(ty.clone(), move |columns, rows| {
        let ways = path.over(columns)?;
        let mut out = ColumnBuilder::new(&ty, rows);
        for row in 0..rows {
            let object = ways.get(row).filter(|json| json.kind() == Kind::Object);
            reader.read_or_default(object, &mut out)?;
        }
        Ok(Column::Flat(out.finish()))
    }))
}
