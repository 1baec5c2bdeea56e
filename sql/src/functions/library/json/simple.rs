//! The quick and careless JSON functions: the first `"name":` anywhere in the text.
//!
//! Invariant: nothing is checked; white space after the colon belongs to the value.

use memchr::memmem::Finder;
use roost_engine::column::Native;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Strs, arity, f, strings, try_nums, try_text};
use super::scan::unescape;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const J: &str = "json";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        J,
        "simpleJSONHas(json, name)",
        "Whether there is a field of that name.",
        ("simpleJSONHas('{\"a\":1}', 'a')", "1"),
        |args, _| numbers(args, DataType::UInt8, |_| 1u8),
    )
    .also(&["visitParamHas"]),
    f(
        J,
        "simpleJSONExtractUInt(json, name)",
        "The field as UInt64.",
        ("simpleJSONExtractUInt('{\"a\":5}', 'a')", "5"),
        |args, _| {
            numbers(args, DataType::UInt64, |v| match unquoted(v).first() {
                Some(b'-') => 0,
                _ => whole(unquoted(v)) as u64,
            })
        },
    )
    .also(&["visitParamExtractUInt"]),
    f(
        J,
        "simpleJSONExtractInt(json, name)",
        "The field as Int64.",
        ("simpleJSONExtractInt('{\"a\":-5}', 'a')", "-5"),
        |args, _| numbers(args, DataType::Int64, |v| whole(unquoted(v))),
    )
    .also(&["visitParamExtractInt"]),
    f(
        J,
        "simpleJSONExtractFloat(json, name)",
        "The field as Float64.",
        ("simpleJSONExtractFloat('{\"a\":5.5}', 'a')", "5.5"),
        |args, _| {
            numbers(args, DataType::Float64, |v| {
                let parsed = fast_float2::parse_partial::<f64, _>(unquoted(v));
                parsed.map_or(0.0, |(x, _)| x)
            })
        },
    )
    .also(&["visitParamExtractFloat"]),
    f(
        J,
        "simpleJSONExtractBool(json, name)",
        "Whether the field is true.",
        ("simpleJSONExtractBool('{\"a\":true}', 'a')", "1"),
        |args, _| numbers(args, DataType::UInt8, |v| u8::from(v.starts_with(b"true"))),
    )
    .also(&["visitParamExtractBool"]),
    f(
        J,
        "simpleJSONExtractRaw(json, name)",
        "The field as it is written.",
        ("simpleJSONExtractRaw('{\"a\":[1,2]}', 'a')", "[1,2]"),
        |args, _| texts(args, raw),
    )
    .also(&["visitParamExtractRaw"]),
    f(
        J,
        "simpleJSONExtractString(json, name)",
        "The field as a string.",
        ("simpleJSONExtractString('{\"a\":\"x\"}', 'a')", "x"),
        |args, _| texts(args, string),
    )
    .also(&["visitParamExtractString"]),
];

fn needle(name: &[u8]) -> Result<Finder<'static>> {
    let mut text = Vec::with_capacity(name.len() + 3);
    text.push(b'"');
    text.extend_from_slice(name);
    text.extend_from_slice(b"\":");
    Ok(Finder::new(&text).into_owned())
}

/// What follows the field's colon.
fn field<'a>(text: &'a [u8], finder: &Finder<'_>) -> Option<&'a [u8]> {
    let at = finder.find(text)?;
    text.get(at + finder.needle().len()..)
}

fn numbers<T: Native>(args: &[Arg], ty: DataType, value: fn(&[u8]) -> T) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let finders = Compiled::new(args.get(1), needle)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut finders = finders.over(&columns[1])?;
        try_nums(rows, |i| {
            Ok(field(s.get(i), finders.get(i)?).map_or_else(T::default, value))
        })
    }))
}

fn texts(args: &[Arg], write: fn(&[u8], &mut Vec<u8>)) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    let finders = Compiled::new(args.get(1), needle)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut finders = finders.over(&columns[1])?;
        try_text(rows, 0, |i, out| {
            if let Some(value) = field(s.get(i), finders.get(i)?) {
                write(value, out);
            }
            Ok(())
        })
    }))
}

fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").unwrap_or(value)
}

/// The whole number that the text starts with; 0 when it does not fit.
fn whole(text: &[u8]) -> i64 {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut n = 0i64;
    for digit in digits.iter().take_while(|b| b.is_ascii_digit()) {
        let next = n.checked_mul(10).and_then(|n| n.checked_add(i64::from(digit - b'0')));
        match next {
            Some(next) => n = next,
            None => return 0,
        }
    }
    if negative { -n } else { n }
}

/// Up to the comma or bracket that ends the value.
fn raw(value: &[u8], out: &mut Vec<u8>) {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (i, b) in value.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match b {
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b'}' | b']' if depth == 0 => {
                out.extend_from_slice(&value[..i]);
                return;
            }
            _ => {}
        }
    }
}

fn string(value: &[u8], out: &mut Vec<u8>) {
    let Some(inside) = value.strip_prefix(b"\"") else {
        return;
    };
    let mut from = 0;
    while let Some(n) = memchr::memchr2(b'"', b'\\', &inside[from..]) {
        if inside[from + n] == b'"' {
            unescape(&inside[..from + n], out);
            return;
        }
        from = (from + n + 2).min(inside.len());
    }
}
