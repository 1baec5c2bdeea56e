//! Parameters of aggregate functions as SQL literals: in the text of `AggregateFunction` types.
//!
//! Invariant: `parse(&text(v)) == v` for numbers, strings, NULL and arrays of them.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::Value;
use roost_engine::types::text::quote;

/// The literal.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::UInt(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::UInt128(v) => v.to_string(),
        Value::Int128(v) => v.to_string(),
        Value::Float(v) => zmij::Buffer::new()
            .format(*v)
            .trim_end_matches(".0")
            .to_string(),
        Value::Bytes(b) => quote(&String::from_utf8_lossy(b)),
        Value::Array(values) => format!("[{}]", list(values)),
        Value::Tuple(values) => format!("({})", list(values)),
        Value::Map(entries) => {
            let pairs: Vec<String> = entries
                .iter()
                .map(|(k, v)| format!("{}:{}", text(k), text(v)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The value of a literal.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("null") {
        return Ok(Value::Null);
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        return Ok(Value::Bytes(unescape(inner)));
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        let parts = inner.split(',').filter(|p| !p.trim().is_empty());
        return Ok(Value::Array(parts.map(parse).collect::<Result<_>>()?));
    }
    if let Ok(v) = text.parse::<u64>() {
        return Ok(Value::UInt(v));
    }
    if let Ok(v) = text.parse::<i64>() {
        return Ok(Value::Int(v));
    }
    match fast_float2::parse::<f64, _>(text) {
        Ok(v) => Ok(Value::Float(v)),
        Err(_) => bail!(
            BAD_ARGUMENTS,
            "parameter {text} of an aggregate function is no literal"
        ),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'\\' => match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(b'0') => 0,
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(other) => other,
                None => b'\\',
            },
            other => other,
        });
    }
    out
}
