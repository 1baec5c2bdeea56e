//! Merging JSON objects.
//!
//! Invariant: members keep the order of their first appearance.

use roost_engine::bail;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::DataType;
use serde_json::Value;

use super::super::kit::{Strs, arity, f, strings, try_text};
use super::raw::write;
use super::scan::Json;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "json",
    "JSONMergePatch(json, ...)",
    "The objects merged: members of later ones replace those of earlier ones, level by level.",
    ("JSONMergePatch('{\"a\":1}', '{\"b\":2}')", "{\"a\":1,\"b\":2}"),
    |args, _| bind(args),
)
.also(&["jsonMergePatch"])];

fn parse(text: &[u8]) -> Result<Value> {
    let value: Value = serde_json::from_slice(text).map_err(|e| {
        Error::new(Code::BAD_ARGUMENTS, format!("wrong JSON text to merge: {e}"))
    })?;
    if !value.is_object() {
        bail!(BAD_ARGUMENTS, "the JSON text to merge is no object");
    }
    Ok(value)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (slot, value) => *slot = value,
    }
}

fn bind(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let parts = columns.iter().map(Strs::of).collect::<Result<Vec<_>>>()?;
        try_text(rows, 0, |i, out| {
            let mut merged = Value::Object(serde_json::Map::new());
            for part in &parts {
                merge(&mut merged, parse(part.get(i))?);
            }
            let text = merged.to_string();
            match Json::parse(text.as_bytes()) {
                Some(json) => write(json, out),
                None => out.extend_from_slice(text.as_bytes()),
            }
            Ok(())
        })
    }))
}
