//! Elements and members of JSON texts as arrays, and columns as JSON.
//!
//! Invariant: elements come in the order of the text.

use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, array, f, nums, string, string_lists};
use super::path::Path;
use super::raw::write;
use super::scan::{Json, Kind, unescape};
use crate::functions::text::{Escaping, JsonOptions, Style, TextWriter};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const J: &str = "json";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        J,
        "JSONExtractArrayRaw(json, path...)",
        "The elements of an array as JSON texts.",
        ("JSONExtractArrayRaw('[1, \"x\"]')", "['1','\"x\"']"),
        |args, _| elements(args, false),
    ),
    f(
        J,
        "JSONExtractArrayRawCaseInsensitive(json, path...)",
        "`JSONExtractArrayRaw` with keys in any case.",
        ("JSONExtractArrayRawCaseInsensitive('{\"A\":[1]}', 'a')", "['1']"),
        |args, _| elements(args, true),
    ),
    f(
        J,
        "JSONExtractKeys(json, path...)",
        "The names of an object's members.",
        ("JSONExtractKeys('{\"a\":1,\"b\":2}')", "['a','b']"),
        |args, _| keys(args, false),
    ),
    f(
        J,
        "JSONExtractKeysCaseInsensitive(json, path...)",
        "`JSONExtractKeys` with keys in any case.",
        ("JSONExtractKeysCaseInsensitive('{\"X\":{\"b\":2}}', 'x')", "['b']"),
        |args, _| keys(args, true),
    ),
    f(
        J,
        "JSONExtractKeysAndValuesRaw(json, path...)",
        "The members of an object as pairs of name and JSON text.",
        (
            "JSONExtractKeysAndValuesRaw('{\"a\":[1],\"b\":2}')",
            "[('a','[1]'),('b','2')]",
        ),
        |args, _| members(args, false),
    ),
    f(
        J,
        "JSONExtractKeysAndValuesRawCaseInsensitive(json, path...)",
        "`JSONExtractKeysAndValuesRaw` with keys in any case.",
        (
            "JSONExtractKeysAndValuesRawCaseInsensitive('{\"X\":{\"b\":2}}', 'x')",
            "[('b','2')]",
        ),
        |args, _| members(args, true),
    ),
    f(
        J,
        "JSONArrayLength(json)",
        "Number of elements of an array; NULL for everything else.",
        ("JSONArrayLength('[1,2,3]')", "3"),
        |args, _| array_length(args),
    )
    .also(&["JSON_ARRAY_LENGTH"])
    .any_case(),
    f(
        J,
        "toJSONString(value)",
        "The value as JSON text.",
        ("toJSONString([1, 2])", "[1,2]"),
        to_json,
    ),
];

fn elements(args: &[Arg], any_case: bool) -> Result<BoundFunction> {
    let path = Path::new(args, args.len(), any_case)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let ways = path.over(columns)?;
        string_lists(rows, 0, |i, out| {
            for element in ways.get(i).into_iter().flat_map(Json::elements) {
                write(element, out.tail());
                out.end_element();
            }
            Ok(())
        })
    }))
}

fn keys(args: &[Arg], any_case: bool) -> Result<BoundFunction> {
    let path = Path::new(args, args.len(), any_case)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let ways = path.over(columns)?;
        string_lists(rows, 0, |i, out| {
            for (key, _) in ways.get(i).into_iter().flat_map(Json::members) {
                unescape(key, out.tail());
                out.end_element();
            }
            Ok(())
        })
    }))
}

fn members(args: &[Arg], any_case: bool) -> Result<BoundFunction> {
    let path = Path::new(args, args.len(), any_case)?;
    let ty = DataType::tuple(vec![DataType::String, DataType::String]).array();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let ways = path.over(columns)?;
        let (mut keys, mut values) = (BytesBuilder::default(), BytesBuilder::default());
        let mut offsets = vec![0u64];
        for row in 0..rows {
            for (key, value) in ways.get(row).into_iter().flat_map(Json::members) {
                unescape(key, keys.tail());
                keys.end();
                write(value, values.tail());
                values.end();
            }
            offsets.push(keys.len() as u64);
        }
        let len = keys.len();
        let columns = vec![
            Column::Flat(Flat::Bytes(keys.finish())),
            Column::Flat(Flat::Bytes(values.finish())),
        ];
        array(offsets, Flat::tuple(columns, len)?)
    }))
}

fn array_length(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    string(args, 0)?;
    Ok(BoundFunction::new(DataType::UInt64.nullable(), |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut nulls = vec![0; rows];
        let lengths = nums(rows, |i| match Json::parse(s.get(i)) {
            Some(json) if json.kind() == Kind::Array => json.len() as u64,
            _ => {
                nulls[i] = 1;
                0
            }
        });
        Ok(Column::Flat(Flat::nullable(nulls, lengths.to_flat())?))
    }))
}

fn to_json(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let escaping = Escaping::Json(JsonOptions::default());
    let writer = TextWriter::new(&args[0].ty, Style::new(escaping, context.time_zone));
    Ok(BoundFunction::new(DataType::String, move |columns, _| {
        Ok(Column::Flat(Flat::Bytes(writer.column(&columns[0]))))
    }))
}
