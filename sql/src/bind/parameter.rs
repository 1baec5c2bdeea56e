//! `{name:Type}`: a value given beside the query.
//!
//! Invariant: a parameter is a constant of exactly the written type, however its text looks.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value, text};

use super::select::SelectBinder;
use crate::expr::Expr;

impl SelectBinder<'_, '_> {
    /// The parameter's value.
    pub(super) fn parameter(&mut self, name: &str, ty: &str) -> Result<Expr> {
        let Some(given) = self.binder.catalog.parameter(name) else {
            bail!(UNKNOWN_QUERY_PARAMETER, "Substitution `{name}` is not set");
        };
        if ty.eq_ignore_ascii_case("Identifier") {
            return self.identifier(&[given]);
        }
        let ty = text::parse(ty)?;
        if given == "\\N" && ty.is_nullable() {
            return Ok(Expr::Literal(Value::Null, ty));
        }
        let text = Value::Bytes(unescape(given.as_bytes()));
        let value = self.cast(Expr::Literal(text, DataType::String), &ty)?;
        match value {
            Expr::Literal(..) => Ok(value),
            _ => bail!(
                BAD_QUERY_PARAMETER,
                "Value '{given}' cannot be parsed as {ty} for query parameter '{name}'"
            ),
        }
    }
}

/// Takes the escapes of TabSeparated off.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'0') => out.push(0),
            Some(b'b') => out.push(8),
            Some(b'f') => out.push(12),
            Some(other) => out.push(*other),
            None => out.push(b'\\'),
        }
    }
    out
}
