//! Literals: escapes of strings, values of numbers.
//!
//! Invariant: unknown escapes keep their backslash, as in ClickHouse (regular expressions rely on
//! it); a whole number past 64 bits is a Float64, as in ClickHouse.

use roost_engine::error::{Code, Error, Result};

use super::ast::Literal;

/// The bytes of a quoted text whose inside is `raw`.
pub fn unescape(raw: &str, quote: u8) -> Vec<u8> {
    let bytes = raw.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let c = bytes[at];
        if c == quote && bytes.get(at + 1) == Some(&quote) {
            out.push(quote);
            at += 2;
        } else if c == b'\\' && at + 1 < bytes.len() {
            at = escape(bytes, at + 1, &mut out);
        } else {
            out.push(c);
            at += 1;
        }
    }
    out
}

/// Decodes the escape whose letter stands at `at`; gives the place behind it.
fn escape(bytes: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    let simple = match bytes[at] {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'0' => 0,
        b'a' => 7,
        b'b' => 8,
        b'e' => 0x1b,
        b'f' => 12,
        b'v' => 11,
        b'\\' => b'\\',
        b'\'' => b'\'',
        b'"' => b'"',
        b'`' => b'`',
        b'/' => b'/',
        b'=' => b'=',
        b'N' => return at + 1,
        b'x' => {
            let hex = bytes
                .get(at + 1..at + 3)
                .and_then(|h| std::str::from_utf8(h).ok());
            match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                Some(byte) => {
                    out.push(byte);
                    return at + 3;
                }
                None => {
                    out.extend_from_slice(b"\\x");
                    return at + 1;
                }
            }
        }
        other => {
            out.push(b'\\');
            out.push(other);
            return at + 1;
        }
    };
    out.push(simple);
    at + 1
}

/// The bytes of `x'…'`.
pub(super) fn hex_string(digits: &str) -> Result<Vec<u8>> {
    let padded = if digits.len() % 2 == 1 {
        format!("0{digits}")
    } else {
        digits.to_string()
    };
    let pair = |i: usize| {
        padded
            .get(i..i + 2)
            .and_then(|h| u8::from_str_radix(h, 16).ok())
    };
    (0..padded.len())
        .step_by(2)
        .map(|i| pair(i).ok_or_else(|| bad(digits, "hexadecimal string")))
        .collect()
}

/// The bytes of `b'…'`.
pub(super) fn binary_string(digits: &str) -> Result<Vec<u8>> {
    let padded = format!("{}{digits}", "0".repeat((8 - digits.len() % 8) % 8));
    let byte = |i: usize| {
        padded
            .get(i..i + 8)
            .and_then(|b| u8::from_str_radix(b, 2).ok())
    };
    (0..padded.len())
        .step_by(8)
        .map(|i| byte(i).ok_or_else(|| bad(digits, "binary string")))
        .collect()
}

/// The value of a number token.
pub(super) fn number(text: &str) -> Result<Literal> {
    let lower = text.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        if hex.contains(['p', '.']) {
            return hex_float(hex)
                .map(Literal::Float)
                .ok_or_else(|| bad(text, "number"));
        }
        return u128::from_str_radix(hex, 16)
            .map(Literal::UInt)
            .map_err(|_| bad(text, "number"));
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        return u128::from_str_radix(binary, 2)
            .map(Literal::UInt)
            .map_err(|_| bad(text, "number"));
    }
    if lower.bytes().all(|c| c.is_ascii_digit())
        && let Ok(value) = lower.parse::<u64>()
    {
        return Ok(Literal::UInt(value.into()));
    }
    match fast_float2::parse::<f64, _>(&lower) {
        Ok(x) if x.is_finite() => Ok(Literal::Float(x)),
        _ => Err(bad(text, "number")),
    }
}

fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut value = 0f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(value * 2f64.powi(shift))
}

fn bad(text: &str, what: &str) -> Error {
    Error::new(
        Code::SYNTAX_ERROR,
        format!("Syntax error: {text} is not a {what}"),
    )
}
