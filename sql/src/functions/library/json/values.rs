//! Single values out of JSON texts.
//!
//! Invariant: what is missing or has another type gives the default.

use roost_engine::bail;
use roost_engine::column::Native;
use roost_engine::error::Result;
use roost_engine::types::{DataType, EnumNames};

use super::super::kit::{arity, f, nums, text, text_nums};
use super::path::Path;
use super::raw::{Number, number, write, write_string};
use super::scan::{Json, Kind, unescape};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const J: &str = "json";

macro_rules! family {
    ($($suffix:literal $any_case:literal $words:literal),*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            $(
                f(
                    J,
                    concat!("JSONExtractString", $suffix, "(json, path...)"),
                    concat!("The value as a string", $words, "; what is no string is written as JSON."),
                    (concat!("JSONExtractString", $suffix, "('{\"a\":\"x\"}', 'a')"), "x"),
                    |args, _| strings(args, $any_case, |json, out| { write_string(json, out); }),
                ),
                f(
                    J,
                    concat!("JSONExtractRaw", $suffix, "(json, path...)"),
                    concat!("The value as JSON text", $words, "."),
                    (concat!("JSONExtractRaw", $suffix, "('{\"a\": [1, 2]}', 'a')"), "[1,2]"),
                    |args, _| strings(args, $any_case, write),
                ),
                f(
                    J,
                    concat!("JSONExtractInt", $suffix, "(json, path...)"),
                    concat!("The value as Int64", $words, "."),
                    (concat!("JSONExtractInt", $suffix, "('{\"a\":-5}', 'a')"), "-5"),
                    |args, _| numbers(args, $any_case, DataType::Int64, int),
                ),
                f(
                    J,
                    concat!("JSONExtractUInt", $suffix, "(json, path...)"),
                    concat!("The value as UInt64", $words, "."),
                    (concat!("JSONExtractUInt", $suffix, "('{\"a\":5}', 'a')"), "5"),
                    |args, _| numbers(args, $any_case, DataType::UInt64, uint),
                ),
                f(
                    J,
                    concat!("JSONExtractFloat", $suffix, "(json, path...)"),
                    concat!("The value as Float64", $words, "."),
                    (concat!("JSONExtractFloat", $suffix, "('{\"a\":5.5}', 'a')"), "5.5"),
                    |args, _| numbers(args, $any_case, DataType::Float64, float),
                ),
                f(
                    J,
                    concat!("JSONExtractBool", $suffix, "(json, path...)"),
                    concat!("Whether the value is true or a whole number other than 0", $words, "."),
                    (concat!("JSONExtractBool", $suffix, "('{\"a\":true}', 'a')"), "1"),
                    |args, _| numbers(args, $any_case, DataType::UInt8, boolean),
                ),
            )*
            f(
                J,
                "JSONHas(json, path...)",
                "Whether there is a value.",
                ("JSONHas('{\"a\":1}', 'a')", "1"),
                |args, _| {
                    let path = Path::new(args, args.len(), false)?;
                    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
                        let ways = path.over(columns)?;
                        Ok(nums(rows, |i| u8::from(ways.get(i).is_some())))
                    }))
                },
            ),
            f(
                J,
                "JSONLength(json, path...)",
                "Number of elements of an array or members of an object.",
                ("JSONLength('{\"a\":[1,2,3]}', 'a')", "3"),
                |args, _| numbers(args, false, DataType::UInt64, |json| Some(json.len() as u64)),
            ),
            f(
                J,
                "JSONType(json, path...)",
                "The type of the value.",
                ("JSONType('{\"a\":1}', 'a')", "Int64"),
                |args, _| kinds(args),
            ),
            f(
                J,
                "JSONKey(json, path..., place)",
                "The name of the member at a place.",
                ("JSONKey('{\"a\":1,\"b\":2}', 2)", "b"),
                |args, _| {
                    arity(args, 2..=usize::MAX)?;
                    let path = Path::new(args, args.len(), false)?;
                    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
                        let ways = path.over(columns)?;
                        Ok(text(rows, 0, |i, out| {
                            let key = ways.last_place(i).and_then(|(json, n)| json.key(n));
                            key.into_iter().for_each(|key| unescape(key, out));
                        }))
                    }))
                },
            ),
            f(
                J,
                "isValidJSON(text)",
                "Whether the text is JSON.",
                ("isValidJSON('{\"a\":1}')", "1"),
                |args, _| text_nums(args, DataType::UInt8, |s| u8::from(Json::parse(s).is_some())),
            ),
        ];
    };
}

family!("" false "", "CaseInsensitive" true ", keys in any case");

fn strings(
    args: &[Arg],
    any_case: bool,
    value: fn(Json<'_>, &mut Vec<u8>),
) -> Result<BoundFunction> {
    let path = Path::new(args, args.len(), any_case)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let ways = path.over(columns)?;
        Ok(text(rows, ways.size(rows) / 4, |i, out| {
            ways.get(i).into_iter().for_each(|json| value(json, out));
        }))
    }))
}

fn numbers<T: Native>(
    args: &[Arg],
    any_case: bool,
    ty: DataType,
    value: fn(Json<'_>) -> Option<T>,
) -> Result<BoundFunction> {
    let path = Path::new(args, args.len(), any_case)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let ways = path.over(columns)?;
        Ok(nums(rows, |i| ways.get(i).and_then(value).unwrap_or_default()))
    }))
}

/// The number that a number or a string of one is.
pub(crate) fn numeric(json: Json<'_>) -> Option<Number> {
    match json.kind() {
        Kind::Number => Some(number(json.text())),
        Kind::String => {
            let text = json.inside();
            let fits = Json::parse(text).is_some_and(|j| j.kind() == Kind::Number);
            fits.then(|| number(text))
        }
        _ => None,
    }
}

/// A number as a whole one in the range of its type; fractions are cut off.
pub(crate) fn whole(n: Number) -> Option<i128> {
    match n {
        Number::Int(n) => Some(n.into()),
        Number::UInt(n) => Some(n.into()),
        Number::Float(x) if x.is_finite() && x.abs() < 1e38 => Some(x as i128),
        Number::Float(_) | Number::Huge => None,
    }
}

fn int(json: Json<'_>) -> Option<i64> {
    i64::try_from(whole(numeric(json)?)?).ok()
}

fn uint(json: Json<'_>) -> Option<u64> {
    u64::try_from(whole(numeric(json)?)?).ok()
}

pub(crate) fn float(json: Json<'_>) -> Option<f64> {
    match numeric(json)? {
        Number::Int(n) => Some(n as f64),
        Number::UInt(n) => Some(n as f64),
        Number::Float(x) => x.is_finite().then_some(x),
        Number::Huge => fast_float2::parse(json.text()).ok(),
    }
}

pub(crate) fn boolean(json: Json<'_>) -> Option<u8> {
    match json.kind() {
        Kind::Bool => Some(u8::from(json.text() == b"true")),
        Kind::Number => match number(json.text()) {
            Number::Int(n) => Some(u8::from(n != 0)),
            Number::UInt(_) => Some(1),
            _ => None,
        },
        _ => None,
    }
}

fn kinds(args: &[Arg]) -> Result<BoundFunction> {
    const NAMES: [(i16, &str); 8] = [
        (0, "Null"),
        (34, "String"),
        (91, "Array"),
        (98, "Bool"),
        (100, "Double"),
        (105, "Int64"),
        (117, "UInt64"),
        (123, "Object"),
    ];
    let values = NAMES.iter().map(|(n, name)| (*n, (*name).to_owned())).collect();
    let ty = DataType::Enum8(EnumNames { values }.into());
    if args.is_empty() {
        bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected a JSON text");
    }
    numbers(args, false, ty, |json| {
        Some(match json.kind() {
            Kind::Null => 0i8,
            Kind::String => 34,
            Kind::Array => 91,
            Kind::Bool => 98,
            Kind::Object => 123,
            Kind::Number => match number(json.text()) {
                Number::Int(_) => 105,
                Number::UInt(_) => 117,
                Number::Float(_) | Number::Huge => 100,
            },
        })
    })
}
