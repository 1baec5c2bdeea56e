//! Runs typed expressions over columns: compiled once into a graph without repeated work, then
//! evaluated block by block.
//!
//! Invariant: an answer does not depend on what is evaluated lazily, only errors and time do.

mod block_expr;
mod compile;
pub mod groups;
mod lambda;
mod lazy;
mod run;
pub(crate) mod set;
#[cfg(test)]
mod tests;

pub use block_expr::CompiledExpr;

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};

use crate::expr::{ColumnId, Expr};

/// Expressions compiled against an input.
#[derive(Debug)]
pub struct Evaluator {
    program: compile::Program,
}

impl Evaluator {
    /// Compiles `exprs` over columns that come in the order of `input`.
    ///
    /// # Errors
    /// LOGICAL_ERROR when an expression reads a column that is not in `input`.
    pub fn new(exprs: &[Expr], input: &[ColumnId]) -> Result<Self> {
        Ok(Evaluator {
            program: compile::Program::new(exprs, input)?,
        })
    }

    /// The value of every expression for each of `rows` rows. `columns` stand in the order of the
    /// input that the evaluator was made for.
    pub fn evaluate(&self, columns: &[Column], rows: usize) -> Result<Vec<Column>> {
        run::run(&self.program, columns, rows)
    }

    /// [`Self::evaluate`] of an evaluator with one expression.
    pub fn evaluate_one(&self, columns: &[Column], rows: usize) -> Result<Column> {
        let first = self.evaluate(columns, rows)?.into_iter().next();
        first.ok_or_else(|| Error::bug("an evaluator without expressions"))
    }

    /// Whether every expression is an input column as it is.
    pub fn is_trivial(&self) -> bool {
        self.program.is_trivial()
    }

    /// Places in the input that are read.
    pub fn used_inputs(&self) -> Vec<usize> {
        self.program.used_inputs()
    }
}
