//! Texts of keys, defaults and TTLs, compiled for the engine.
//!
//! Invariant: what is compiled here depends on a schema and nothing else: no tables, no settings.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::hooks::{BlockExpr, Compiler, StateFactory};
use roost_engine::types::{DataType, Value};

use crate::bind::{self, BindCatalog, Relation};
use crate::eval::CompiledExpr;
use crate::functions::BindContext;
use crate::functions::text::{Escaping, write_text};
use crate::parse::{ast, parse_expression};
use crate::plan::{Query, TableSource};

/// The compiler that the engine is opened with.
#[derive(Debug, Default)]
pub struct SqlCompiler;

impl SqlCompiler {
    /// The value of a DEFAULT, MATERIALIZED or ALIAS expression, cast to its column's type.
    pub fn default_value(
        &self,
        text: &str,
        ty: &DataType,
        schema: &Schema,
    ) -> Result<Arc<dyn BlockExpr>> {
        let expr = parse_expression(text)?;
        let target = ast::Expr::Literal(ast::Literal::String(ty.to_string().into_bytes()));
        let cast = ast::Expr::call("_CAST", vec![expr, target]);
        compile(&cast, schema, text.to_string())
    }
}

fn compile(expr: &ast::Expr, schema: &Schema, text: String) -> Result<Arc<dyn BlockExpr>> {
    let context = Bare(BindContext {
        now_micros: now_micros(),
        ..BindContext::default()
    });
    let (bound, ids) = bind::bind_expression(expr, schema, &context)?;
    Ok(Arc::new(CompiledExpr::new(&bound, &ids, schema, text)?))
}

/// Defaults like `now()` are taken when the expression is compiled, which is once per statement.
fn now_micros() -> i64 {
    use roost_engine::clock::{Clock, SystemClock};
    SystemClock.now_micros()
}

impl Compiler for SqlCompiler {
    fn expression(&self, text: &str, schema: &Schema) -> Result<Arc<dyn BlockExpr>> {
        let expr = parse_expression(text)?;
        let canonical = expr.to_string();
        compile(&expr, schema, canonical)
    }

    fn key_elements(&self, text: &str) -> Result<Vec<String>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let elements = |args: &[ast::Expr]| {
            args.iter()
                .map(|a| crate::parse::SqlText(a).to_string())
                .collect()
        };
        match parse_expression(text)? {
            ast::Expr::Function(f) if f.name == "tuple" => Ok(elements(&f.args)),
            other => Ok(elements(std::slice::from_ref(&other))),
        }
    }

    fn text_of(&self, value: &Value, ty: &DataType) -> String {
        let mut out = Vec::new();
        if let Ok(column) = Column::constant(value, ty, 1) {
            write_text(&column.to_flat(), 0, ty, &mut out, Escaping::Plain);
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    fn default_value(
        &self,
        text: &str,
        ty: &DataType,
        schema: &Schema,
    ) -> Result<Arc<dyn BlockExpr>> {
        SqlCompiler::default_value(self, text, ty, schema)
    }

    fn state_factory(&self, ty: &DataType) -> Result<Arc<dyn StateFactory>> {
        super::merge_states::state_factory(ty)
    }
}

/// Surroundings without tables.
struct Bare(BindContext);

impl BindCatalog for Bare {
    fn relation(&self, _database: Option<&str>, _name: &str) -> Result<Option<Relation>> {
        Ok(None)
    }

    fn table_function(
        &self,
        _name: &str,
        _args: &[(Value, DataType)],
    ) -> Result<Option<Arc<dyn TableSource>>> {
        Ok(None)
    }

    fn run(&self, _query: &Query, _row_limit: u64) -> Result<Block> {
        Err(Error::not_implemented(
            "a subquery in a key, default or TTL expression",
        ))
    }

    fn parameter(&self, _name: &str) -> Option<String> {
        None
    }

    fn context(&self) -> &BindContext {
        &self.0
    }
}
