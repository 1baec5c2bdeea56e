//! Rows on their way into a table, as the table that a materialized view reads.
//!
//! Invariant: a source shows exactly the blocks that it was made with, whatever is in the table.

use std::any::Any;
use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::BlockExpr;
use roost_engine::table::TableDefinition;
use roost_engine::types::Value;

use super::source::{Origin, Readable};
use crate::plan::memory::Pieces;
use crate::plan::{Morsel, Plan, Scan, SourceReader, SourceRequest, TableSource};

/// Blocks of a table's stored columns that look like the table.
#[derive(Debug, Clone)]
pub(super) struct TriggerSource {
    name: String,
    schema: Arc<Schema>,
    visible: usize,
    origins: Arc<Vec<Origin>>,
    blocks: Arc<Vec<Block>>,
}

impl TriggerSource {
    /// A table of that definition with no rows yet.
    pub(super) fn new(definition: &TableDefinition) -> Result<Self> {
        let readable = Readable::of(definition)?;
        Ok(TriggerSource {
            name: definition.full_name(),
            schema: readable.schema,
            visible: readable.visible,
            origins: readable.origins,
            blocks: Arc::default(),
        })
    }

    /// The same table with these rows.
    pub(super) fn with_blocks(&self, blocks: Arc<Vec<Block>>) -> Self {
        TriggerSource {
            blocks,
            ..self.clone()
        }
    }
}

/// Puts `rows` in the place of every trigger source of a plan.
pub(super) fn put_rows(plan: &mut Plan, rows: &Arc<dyn TableSource>) {
    if let Plan::Scan(Scan { source, .. }) = plan
        && source.as_any().is::<TriggerSource>()
    {
        *source = Arc::clone(rows);
    }
    for input in plan.inputs_mut() {
        put_rows(input, rows);
    }
}

impl TableSource for TriggerSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn visible_columns(&self) -> usize {
        self.visible
    }

    fn with_final(&self) -> Result<Arc<dyn TableSource>> {
        Err(Error::new(
            Code::ILLEGAL_FINAL,
            format!(
                "rows on their way into {} cannot be read with FINAL",
                self.name
            ),
        ))
    }

    fn open(&self, _request: &SourceRequest) -> Result<Arc<dyn SourceReader>> {
        Ok(Arc::new(Reader {
            pieces: Pieces::new(&self.blocks),
            source: self.clone(),
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Reader {
    source: TriggerSource,
    pieces: Pieces,
}

impl SourceReader for Reader {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>> {
        Ok(self.pieces.next().map(|(number, block)| {
            Box::new(Rows {
                number,
                block,
                schema: Arc::clone(&self.source.schema),
                origins: Arc::clone(&self.source.origins),
            }) as Box<dyn Morsel>
        }))
    }
}

struct Rows {
    number: u64,
    block: Block,
    schema: Arc<Schema>,
    origins: Arc<Vec<Origin>>,
}

impl Morsel for Rows {
    fn number(&self) -> u64 {
        self.number
    }

    fn rows(&self) -> usize {
        self.block.rows()
    }

    fn read(&mut self, columns: &[usize], selection: Option<&[u32]>) -> Result<Vec<Column>> {
        let read = |c: &usize| {
            let column = self.column(*c)?;
            Ok(match selection {
                Some(rows) => roost_engine::kernels::take::take(&column, rows),
                None => column,
            })
        };
        columns.iter().map(read).collect()
    }
}

impl Rows {
    fn column(&self, c: usize) -> Result<Column> {
        let ty = &self.schema.fields[c].ty;
        match &self.origins[c] {
            Origin::Stored(name, _) => self.block.column_named(name).cloned().ok_or_else(|| {
                Error::new(Code::UNKNOWN_IDENTIFIER, format!("Missing column {name}"))
            }),
            Origin::Alias(expr) => self.computed(expr.as_ref()),
            Origin::PartName | Origin::PartitionId => {
                Column::constant(&Value::string(""), ty, self.block.rows())
            }
            Origin::Bucket => Column::constant(&Value::UInt(0), ty, self.block.rows()),
        }
    }

    /// An ALIAS: an expression over other columns of the same rows.
    fn computed(&self, expr: &dyn BlockExpr) -> Result<Column> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for input in expr.inputs() {
            let place = self.schema.index_of(input).ok_or_else(|| {
                Error::new(Code::UNKNOWN_IDENTIFIER, format!("Missing column {input}"))
            })?;
            fields.push(self.schema.fields[place].clone());
            columns.push(self.column(place)?);
        }
        expr.evaluate(&Block::new(
            Schema::new(fields),
            columns,
            self.block.rows(),
        )?)
    }
}
