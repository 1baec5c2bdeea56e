//! Values of JSON written again, and numbers read.
//!
//! Invariant: written text has no white space, numbers are in their shortest form.

use crate::functions::text::escape::quote_json;
use crate::functions::text::number::{write_f64, write_integer};

use super::scan::{Json, Kind, unescape};

/// A number as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    UInt(u64),
    Float(f64),
    /// A whole number of more than 64 bits.
    Huge,
}

/// Reads a number's text.
pub(crate) fn number(text: &[u8]) -> Number {
    let Ok(text) = std::str::from_utf8(text) else {
        return Number::Huge;
    };
    if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return Number::Float(fast_float2::parse(text).unwrap_or(f64::NAN));
    }
    match text.parse::<i64>() {
        Ok(n) => Number::Int(n),
        Err(_) => text.parse::<u64>().map_or(Number::Huge, Number::UInt),
    }
}

/// Appends the value in its shortest form.
pub(crate) fn write(json: Json<'_>, out: &mut Vec<u8>) {
    match json.kind() {
        Kind::String => {
            let inside = json.inside();
            match inside.contains(&b'\\') || inside.contains(&b'/') {
                false => out.extend_from_slice(json.text()),
                true => {
                    let mut plain = Vec::with_capacity(inside.len());
                    unescape(inside, &mut plain);
                    quote_json(&plain, false, out);
                }
            }
        }
        Kind::Number => match number(json.text()) {
            Number::Int(n) => write_integer(n, out),
            Number::UInt(n) => write_integer(n, out),
            Number::Float(x) => write_f64(x, out),
            Number::Huge => {
                out.push(b'"');
                out.extend_from_slice(json.text());
                out.push(b'"');
            }
        },
        Kind::Bool | Kind::Null => out.extend_from_slice(json.text()),
        Kind::Array => {
            out.push(b'[');
            for (i, element) in json.elements().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        Kind::Object => {
            out.push(b'{');
            for (i, (key, value)) in json.members().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                out.push(b'"');
                out.extend_from_slice(key);
                out.extend_from_slice(b"\":");
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a value as a String column has it: strings without quotes, NULL nothing.
pub(crate) fn write_string(json: Json<'_>, out: &mut Vec<u8>) -> bool {
    match json.kind() {
        Kind::Null => return false,
        Kind::String => unescape(json.inside(), out),
        Kind::Number if number(json.text()) == Number::Huge => out.extend_from_slice(json.text()),
        _ => write(json, out),
    }
    true
}
