//! Rows of older parts under today's columns.
//!
//! Invariant: a column that a part lacks reads as its DEFAULT, or its type's default without one.

use std::ops::Range;
use std::sync::Arc;

use crate::block::{Block, Schema};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::hooks::BlockExpr;
use crate::part::Part;

/// Columns, with what stands in for those that rows lack.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Names and types.
    pub schema: Arc<Schema>,
    /// DEFAULT or MATERIALIZED of each column, over the other columns; missing ones are none.
    pub defaults: Vec<Option<Arc<dyn BlockExpr>>>,
}

impl Columns {
    /// Columns without defaults of their own.
    pub fn plain(schema: Arc<Schema>) -> Self {
        Columns {
            schema,
            defaults: Vec::new(),
        }
    }

    /// Rows `range` of `part` with these columns.
    ///
    /// # Errors
    /// What reading says; LOGICAL_ERROR when a column has another type in the part.
    pub fn read(&self, part: &Part, range: Range<usize>) -> Result<Block> {
        let rows = range.len();
        let found = self.schema.fields.iter().map(|field| {
            let Some(c) = part.schema().index_of(&field.name) else {
                return Ok(None);
            };
            let stored = &part.schema().fields[c].ty;
            if *stored != field.ty {
                return Err(Error::bug(format!(
                    "column {} is {}, part {} has it as {stored}",
                    field.name,
                    field.ty,
                    part.info().id
                )));
            }
            part.read(c, range.clone()).map(Some)
        });
        self.complete(found.collect::<Result<_>>()?, rows)
    }

    /// A block of these columns of which `found` are there.
    ///
    /// # Errors
    /// What computing a default says.
    pub fn complete(&self, mut found: Vec<Option<Column>>, rows: usize) -> Result<Block> {
        loop {
            let missing = (0..found.len()).filter(|i| found[*i].is_none());
            let next = missing.clone().find_map(|i| {
                let expr = self.defaults.get(i)?.as_ref()?;
                Some((i, self.evaluate(expr.as_ref(), &found, rows)?))
            });
            match next {
                Some((i, column)) => found[i] = Some(column?),
                None => {
                    let rest: Vec<usize> = missing.collect();
                    for i in rest {
                        found[i] = Some(Column::defaults(&self.schema.fields[i].ty, rows));
                    }
                    break;
                }
            }
        }
        let columns = found.into_iter().flatten().collect();
        Block::new(Arc::clone(&self.schema), columns, rows)
    }

    /// The value of a default; `None` while a column that it reads is missing.
    fn evaluate(
        &self,
        expr: &dyn BlockExpr,
        found: &[Option<Column>],
        rows: usize,
    ) -> Option<Result<Column>> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for input in expr.inputs() {
            let at = self.schema.index_of(input)?;
            fields.push(self.schema.fields[at].clone());
            columns.push(found[at].clone()?);
        }
        let block = Block::new(Schema::new(fields), columns, rows);
        Some(block.and_then(|b| expr.evaluate(&b)))
    }
}
