//! Bound expressions as the engine runs them: over blocks, columns found by name.
//!
//! Invariant: the columns that are read are exactly [`BlockExpr::inputs`].

use roost_engine::block::{Block, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::BlockExpr;
use roost_engine::types::DataType;

use super::Evaluator;
use crate::expr::{ColumnId, Expr};

/// An expression over the columns of a schema.
#[derive(Debug)]
pub struct CompiledExpr {
    evaluator: Evaluator,
    inputs: Vec<String>,
    ty: DataType,
    text: String,
}

impl CompiledExpr {
    /// Compiles `expr`, whose column `ids[i]` is the schema's field `i`.
    ///
    /// # Errors
    /// LOGICAL_ERROR when the expression reads a column that is not among `ids`.
    pub fn new(expr: &Expr, ids: &[ColumnId], schema: &Schema, text: String) -> Result<Self> {
        let mut inputs = Vec::new();
        let used = expr.columns();
        for id in &used {
            let place = ids.iter().position(|i| i == id);
            let field = place.and_then(|i| schema.fields.get(i));
            let field = field.ok_or_else(|| Error::bug("an expression reads a foreign column"))?;
            inputs.push(field.name.clone());
        }
        Ok(CompiledExpr {
            evaluator: Evaluator::new(std::slice::from_ref(expr), &used)?,
            inputs,
            ty: expr.ty().clone(),
            text,
        })
    }
}

impl BlockExpr for CompiledExpr {
    fn evaluate(&self, block: &Block) -> Result<Column> {
        let columns = self.inputs.iter().map(|name| {
            block.column_named(name).cloned().ok_or_else(|| {
                Error::new(
                    Code::NOT_FOUND_COLUMN_IN_BLOCK,
                    format!("Not found column {name} in block, needed by {}", self.text),
                )
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.evaluator.evaluate_one(&columns, block.rows())
    }

    fn data_type(&self) -> &DataType {
        &self.ty
    }

    fn inputs(&self) -> &[String] {
        &self.inputs
    }

    fn text(&self) -> &str {
        &self.text
    }
}
