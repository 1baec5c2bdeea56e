//! A source over blocks in memory: system tables, VALUES, data given with a query.
//!
//! Invariant: the blocks never change; a morsel is a slice of one block.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use roost_engine::block::{Block, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::kernels::take;

use super::source::{Morsel, SourceReader, SourceRequest, TableSource};

/// Rows of a morsel, at most.
const MORSEL_ROWS: usize = 65_536;

/// Blocks that look like a table.
#[derive(Debug, Clone)]
pub struct MemorySource {
    name: String,
    schema: Arc<Schema>,
    visible: usize,
    blocks: Arc<Vec<Block>>,
}

impl MemorySource {
    /// A source of that name; every block has the schema.
    pub fn new(name: impl Into<String>, schema: Arc<Schema>, blocks: Vec<Block>) -> Self {
        MemorySource {
            name: name.into(),
            visible: schema.len(),
            schema,
            blocks: Arc::new(blocks),
        }
    }

    /// The same source where `*` stands for the first `visible` columns.
    #[must_use]
    pub fn with_visible(mut self, visible: usize) -> Self {
        self.visible = visible.min(self.schema.len());
        self
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

impl TableSource for MemorySource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn visible_columns(&self) -> usize {
        self.visible
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.blocks.iter().map(|b| b.rows() as u64).sum())
    }

    fn open(&self, _request: &SourceRequest) -> Result<Arc<dyn SourceReader>> {
        Ok(Arc::new(BlocksReader(Pieces::new(&self.blocks))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Blocks in pieces of a morsel's size, handed to whoever asks next.
pub(crate) struct Pieces {
    blocks: Arc<Vec<Block>>,
    /// Block, first row, rows.
    pieces: Vec<(usize, usize, usize)>,
    next: AtomicUsize,
}

impl Pieces {
    pub(crate) fn new(blocks: &Arc<Vec<Block>>) -> Self {
        let pieces = blocks.iter().enumerate().flat_map(|(i, block)| {
            let starts = (0..block.rows()).step_by(MORSEL_ROWS);
            starts.map(move |start| (i, start, MORSEL_ROWS.min(block.rows() - start)))
        });
        Pieces {
            pieces: pieces.collect(),
            blocks: Arc::clone(blocks),
            next: AtomicUsize::new(0),
        }
    }

    /// The next piece and its number.
    pub(crate) fn next(&self) -> Option<(u64, Block)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let &(block, start, rows) = self.pieces.get(number)?;
        Some((number as u64, self.blocks[block].slice(start, rows)))
    }
}

/// Reads blocks as they are.
pub(super) struct BlocksReader(pub(super) Pieces);

impl SourceReader for BlocksReader {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>> {
        let morsel = |(number, block)| Box::new(BlockMorsel { number, block }) as Box<dyn Morsel>;
        Ok(self.0.next().map(morsel))
    }
}

/// A block as a morsel.
#[derive(Debug)]
pub struct BlockMorsel {
    number: u64,
    block: Block,
}

impl BlockMorsel {
    /// Morsel `number`, with all columns of a source's schema.
    pub fn new(number: u64, block: Block) -> Self {
        BlockMorsel { number, block }
    }
}

impl Morsel for BlockMorsel {
    fn number(&self) -> u64 {
        self.number
    }

    fn rows(&self) -> usize {
        self.block.rows()
    }

    fn read(&mut self, columns: &[usize], selection: Option<&[u32]>) -> Result<Vec<Column>> {
        let all = self.block.columns();
        let read = |place: &usize| {
            let column = all
                .get(*place)
                .ok_or_else(|| Error::bug(format!("no column {place} in the source")))?;
            Ok(match selection {
                Some(rows) => take::take(column, rows),
                None => column.clone(),
            })
        };
        columns.iter().map(read).collect()
    }
}
