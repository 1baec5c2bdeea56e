//! A part: an immutable, sorted run of rows, in a file or in memory, that can be pruned and read.
//!
//! - [`Part`]: the handle; [`info`] is what is known of a part without opening it;
//! - [`prune`]: conditions to row ranges, by primary key, partition, and page statistics;
//!   `narrow` looks for the rows where a key's range begins and ends;
//! - [`stats`], [`distinct`]: what is counted of each page and column.
//!
//! A part is cut into granules of a fixed number of rows; a page is one column of one granule.
//!
//! Invariant: nothing of a part changes after it was made, so it may be read by any thread.

mod column_writer;
pub mod distinct;
mod file;
pub mod index;
pub mod info;
mod memory;
mod narrow;
mod pages;
pub mod prune;
mod skip;
pub mod spec;
pub mod stats;
pub mod writer;

use std::ops::Range;
use std::sync::Arc;

pub use index::PrimaryIndex;
pub use info::{GRANULE_ROWS, KeyColumn, PartInfo, PartitionValue};
pub use narrow::Narrowed;
pub use spec::{Compression, IndexSpec, PartSpec};
pub use stats::{ColumnStats, PageStats, has_bounds};
pub use writer::PartWriter;

use crate::block::{Block, Schema};
use crate::column::{Column, Flat};
use crate::error::{Error, Result};
use crate::hooks::Condition;
use crate::kernels::mask::Mask;
use crate::storage::Storage;
use file::{FilePart, Opened};
use memory::MemoryPart;

/// A sorted run of rows.
#[derive(Debug)]
pub struct Part {
    info: PartInfo,
    schema: Arc<Schema>,
    granule_rows: usize,
    partition: Vec<PartitionValue>,
    index: PrimaryIndex,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Memory(MemoryPart),
    File(FilePart),
}

/// Checksum of a page: of its bytes, its part and its place.
fn checksum(page: &[u8], part: u64, offset: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(page, part ^ offset)
}

impl Part {
    /// A part in memory. `block` is sorted by `key_columns` (one per element of `key`, ascending,
    /// NULL last). Rows and sizes in `info` are filled in from the block.
    ///
    /// # Errors
    /// LOGICAL_ERROR when numbers of key columns or rows disagree.
    pub fn memory(
        block: Block,
        key: Vec<KeyColumn>,
        key_columns: &[Column],
        partition: Vec<PartitionValue>,
        mut info: PartInfo,
    ) -> Result<Part> {
        let index = PrimaryIndex::of_rows(key, key_columns, block.rows(), GRANULE_ROWS)?;
        info.rows = block.rows() as u64;
        info.uncompressed_bytes = block.memory_bytes() as u64;
        info.bytes = info.uncompressed_bytes;
        Ok(Part {
            info,
            schema: Arc::clone(block.schema()),
            granule_rows: GRANULE_ROWS,
            partition,
            index,
            source: Source::Memory(MemoryPart::new(block)),
        })
    }

    /// Opens a part file; its footer is read and checked, pages are checked when they are read.
    ///
    /// # Errors
    /// CORRUPTED_DATA when the file is damaged or is not the part that `info` speaks of.
    pub fn open(storage: &Arc<dyn Storage>, path: &str, info: PartInfo) -> Result<Part> {
        let Opened {
            file,
            schema,
            granule_rows,
            index,
            partition,
        } = FilePart::open(storage, path, &info)?;
        Ok(Part {
            info,
            schema,
            granule_rows,
            partition,
            index,
            source: Source::File(file),
        })
    }

    /// What selectors and the log know of the part.
    pub fn info(&self) -> &PartInfo {
        &self.info
    }

    /// Columns, in the order that [`Part::read`] counts.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.info.rows as usize
    }

    /// Elements of the primary key.
    pub fn key(&self) -> &[KeyColumn] {
        self.index.key()
    }

    /// Values of the partition key's elements.
    pub fn partition(&self) -> &[PartitionValue] {
        &self.partition
    }

    /// The rows of a memory part.
    pub fn memory_block(&self) -> Option<&Block> {
        match &self.source {
            Source::Memory(m) => Some(m.block()),
            Source::File(_) => None,
        }
    }

    /// The path of a part file.
    pub fn path(&self) -> Option<&str> {
        match &self.source {
            Source::Memory(_) => None,
            Source::File(f) => Some(f.path()),
        }
    }

    /// Reads everything, so that damage is found now.
    ///
    /// # Errors
    /// CORRUPTED_DATA with file and offset of the first damage.
    pub fn verify(&self) -> Result<()> {
        match &self.source {
            Source::Memory(_) => Ok(()),
            Source::File(f) => f.verify(),
        }
    }

    /// Skip indexes that the file was written with.
    pub fn indexes(&self) -> Vec<IndexSpec> {
        match &self.source {
            Source::Memory(_) => Vec::new(),
            Source::File(f) => f.indexes(),
        }
    }

    /// Key values at the borders of granules (one more than there are granules), a column per element
    /// of the key; none when the part is not indexed.
    pub fn borders(&self) -> &[Flat] {
        self.index.borders()
    }

    /// Number of granules.
    pub fn granules(&self) -> usize {
        self.rows().div_ceil(self.granule_rows)
    }

    /// Rows of granule `g`.
    pub fn granule_rows(&self, g: usize) -> Range<usize> {
        let start = (g * self.granule_rows).min(self.rows());
        start..(start + self.granule_rows).min(self.rows())
    }

    /// Statistics of a column over the whole part; none for lists and tuples.
    pub fn column_stats(&self, column: &str) -> Option<ColumnStats> {
        let c = self.schema.index_of(column)?;
        match &self.source {
            Source::Memory(m) => m.column_stats(c, self.granule_rows),
            Source::File(f) => f.column_stats(c),
        }
    }

    /// Statistics of each page of column `c`; none for lists and tuples.
    pub fn page_stats(&self, c: usize) -> Option<&PageStats> {
        match &self.source {
            Source::Memory(m) => m.page_stats(c, self.granule_rows),
            Source::File(f) => f.page_stats(c),
        }
    }

    /// Row ranges (ascending, disjoint, granule aligned) that may hold rows fulfilling all
    /// `conditions`: by partition values, primary key, statistics of any column and skip indexes.
    pub fn prune(&self, conditions: &[Condition]) -> Vec<Range<usize>> {
        let file = match &self.source {
            Source::Memory(_) => None,
            Source::File(f) => Some(f),
        };
        prune::prune(self, &self.index, file, conditions)
    }

    /// Row ranges as [`Part::prune`] gives them, without the rows of the first and the last granule
    /// whose key is outside of the conditions' range; it reads the key there, and says whether all
    /// rows that are left fulfil the conditions.
    pub fn narrow(&self, conditions: &[Condition]) -> Narrowed {
        narrow::narrow(self, &self.index, conditions, self.prune(conditions))
    }

    /// Rows `range` of column `c`; Const and Dict representations are kept.
    ///
    /// # Errors
    /// CORRUPTED_DATA when the bytes on disk are not what was written.
    pub fn read(&self, c: usize, range: Range<usize>) -> Result<Column> {
        if range.start > range.end || range.end > self.rows() || c >= self.schema.len() {
            return Err(self.outside(c, &range));
        }
        match &self.source {
            Source::Memory(m) => Ok(m.block().column(c).slice(range.start, range.len())),
            Source::File(f) => f.read_range(c, range),
        }
    }

    /// The ascending rows `rows` of column `c`; only pages that hold one are decoded.
    ///
    /// # Errors
    /// CORRUPTED_DATA when the bytes on disk are not what was written.
    pub fn read_rows(&self, c: usize, rows: &[u32]) -> Result<Column> {
        let end = rows.last().map_or(0, |last| *last as usize + 1);
        if end > self.rows() || c >= self.schema.len() {
            return Err(self.outside(c, &(0..end)));
        }
        match &self.source {
            Source::Memory(m) => Ok(crate::kernels::take::take(m.block().column(c), rows)),
            Source::File(f) => f.read_rows(c, rows),
        }
    }

    /// Those of rows `range` of column `c` that stand in `mask`, which has as many rows.
    ///
    /// # Errors
    /// CORRUPTED_DATA when the bytes on disk are not what was written.
    pub fn read_masked(&self, c: usize, range: Range<usize>, mask: &Mask) -> Result<Column> {
        if mask.is_full() {
            return self.read(c, range);
        }
        if range.end > self.rows() || c >= self.schema.len() || range.len() != mask.len() {
            return Err(self.outside(c, &range));
        }
        match &self.source {
            Source::Memory(_) => self.read_rows(c, &mask.numbers(range.start as u32)),
            Source::File(f) => f.read_masked(c, range, mask),
        }
    }

    fn outside(&self, c: usize, range: &Range<usize>) -> Error {
        Error::bug(format!(
            "part {} of {} rows and {} columns was asked for rows {range:?} of column {c}",
            self.info.id,
            self.rows(),
            self.schema.len()
        ))
    }
}

#[cfg(test)]
mod tests;
