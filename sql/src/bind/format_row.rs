//! `formatRow` and `formatRowNoNewline`: the arguments as a row of JSON, named as columns would be.
//!
//! Invariant: the text is what FORMAT JSONEachRow would write of the row.

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::call;
use super::select::SelectBinder;
use crate::expr::Expr;
use crate::parse::ast;

impl SelectBinder<'_, '_> {
    /// The call as a concatenation of texts.
    pub(super) fn format_row(&mut self, function: &ast::Function) -> Result<Expr> {
        let [format, values @ ..] = function.args.as_slice() else {
            return Err(too_few(&function.name));
        };
        if values.is_empty() {
            return Err(too_few(&function.name));
        }
        let Expr::Literal(Value::Bytes(format), _) = self.bind(format)? else {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "First argument of {} must be a constant format name",
                function.name
            );
        };
        if !matches!(
            format.as_slice(),
            b"JSONEachRow" | b"JSONLines" | b"NDJSON" | b"JSONL"
        ) {
            let format = String::from_utf8_lossy(&format).into_owned();
            let what = format!("{} with format {format}", function.name);
            return Err(Error::not_implemented(what));
        }
        let values = self.expand_arguments(values)?;
        let mut pieces = Vec::with_capacity(values.len() * 2 + 1);
        for (at, value) in values.iter().enumerate() {
            let lead = if at == 0 { "{" } else { "," };
            let name = self.json(text(&self.name_of(value)))?;
            pieces.push(text(lead));
            pieces.push(name);
            pieces.push(text(":"));
            let value = self.bind(value)?;
            pieces.push(self.json(value)?);
        }
        let ends_line = function.name == "formatRow";
        pieces.push(text(if ends_line { "}\n" } else { "}" }));
        call::call("concat", pieces, self.binder.catalog.context())
    }

    /// A value as JSON; NULL as `null`.
    fn json(&self, value: Expr) -> Result<Expr> {
        let context = self.binder.catalog.context();
        let json = call::call("toJSONString", vec![value], context)?;
        call::call("ifNull", vec![json, text("null")], context)
    }
}

fn text(text: &str) -> Expr {
    Expr::Literal(Value::string(text.to_owned()), DataType::String)
}

fn too_few(name: &str) -> Error {
    roost_engine::err!(
        NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
        "Function {name} requires at least two arguments: the format name and its output expression(s)"
    )
}
