//! Merges sorted parts by blocks.
//!
//! The input with the smallest key gives as many rows as stand before the next input's key; the
//! rows of an output block are then gathered column by column.
//!
//! Invariant: one chunk of each input and one output block are in memory, no more.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::combine::Combine;
use super::conform::Columns;
use super::cursor::{Chunk, Cursor, Input};
use super::expiry::Expiry;
use crate::block::Block;
use crate::column::Column;
use crate::error::Result;
use crate::hooks::BlockExpr;
use crate::kernels::compare::compare;
use crate::kernels::concat::concat;
use crate::kernels::take::take;
use crate::part::Part;

/// Runs of this many rows are copied as slices instead of row by row.
const SLICE_ROWS: usize = 64;

/// What becomes of rows with equal keys.
#[derive(Debug, Clone, Default)]
pub enum MergeMode {
    /// All stay.
    #[default]
    Plain,
    /// The one with the largest version stays, of equal versions the last.
    Replacing {
        /// Place of the version column.
        version: Option<usize>,
    },
    /// They become one.
    Combine(Arc<Combine>),
}

/// How to merge.
#[derive(Debug)]
pub struct MergeSpec {
    /// Columns of the result.
    pub columns: Columns,
    /// Elements of the sorting key.
    pub order: Vec<Arc<dyn BlockExpr>>,
    /// What becomes of rows with equal keys.
    pub mode: MergeMode,
    /// Rows of chunks and output blocks.
    pub block_rows: usize,
    /// Rows whose time is over are left out.
    pub expiry: Option<Deadline>,
}

/// Rows that expire by `now` are left out of a merge.
#[derive(Debug)]
pub struct Deadline {
    /// When rows expire.
    pub expiry: Arc<Expiry>,
    /// The moment, in microseconds.
    pub now: i64,
    /// Whether rows were left out.
    pub met: AtomicBool,
}

/// Merges `parts`, which are in the order of their commits; hands sorted blocks to `emit`.
///
/// # Errors
/// What reading or `emit` says.
pub fn merge(
    parts: &[Arc<Part>],
    spec: &MergeSpec,
    mut emit: impl FnMut(Block) -> Result<()>,
) -> Result<()> {
    let mut output = Output::new(spec);
    let inputs: Vec<Input<'_>> = parts.iter().map(|p| Input::whole(p)).collect();
    drive(&inputs, spec, |_, chunk, start, len| {
        let mut at = start;
        while at < start + len {
            let room = spec.block_rows.max(1).saturating_sub(output.rows()).max(1);
            let run = room.min(start + len - at);
            output.add(chunk, at, run);
            at += run;
            if output.rows() >= spec.block_rows {
                output.flush(false)?.map_or(Ok(()), &mut emit)?;
            }
        }
        Ok(())
    })?;
    output.flush(true)?.map_or(Ok(()), emit)
}

/// Hands all rows of `inputs` to `take` in the order of the key, as runs of rows of one chunk: the
/// place of the input, the chunk, the first row in it, the number of rows.
pub(super) fn drive(
    inputs: &[Input<'_>],
    spec: &MergeSpec,
    mut take: impl FnMut(usize, &Arc<Chunk>, usize, usize) -> Result<()>,
) -> Result<()> {
    let (mut cursors, mut places) = (Vec::new(), Vec::new());
    for (place, input) in inputs.iter().enumerate() {
        if let Some(cursor) = Cursor::start(input, spec)? {
            cursors.push(cursor);
            places.push(place);
        }
    }
    let mut order: Vec<usize> = (0..cursors.len()).collect();
    order.sort_by(|a, b| place(&cursors, *a, *b));
    while let Some(&first) = order.first() {
        let run = match order.get(1) {
            Some(&second) => cursors[first].rows_before(&cursors[second], first < second),
            None => cursors[first].chunk.rows() - cursors[first].at,
        };
        let run = run.max(1);
        take(places[first], &cursors[first].chunk, cursors[first].at, run)?;
        order.remove(0);
        if cursors[first].advance(run)? {
            let at = order.partition_point(|other| place(&cursors, *other, first).is_lt());
            order.insert(at, first);
        }
    }
    Ok(())
}

/// Order of the rows that two cursors stand on; earlier parts win.
fn place(cursors: &[Cursor<'_>], a: usize, b: usize) -> Ordering {
    let (x, y) = (&cursors[a], &cursors[b]);
    x.chunk.compare(x.at, &y.chunk, y.at).then(a.cmp(&b))
}

/// Rows `start..end` of a source.
#[derive(Debug, Clone, Copy)]
struct Run {
    source: usize,
    start: usize,
    end: usize,
}

impl Run {
    fn row(source: usize, row: usize) -> Run {
        Run {
            source,
            start: row,
            end: row + 1,
        }
    }
}

/// An output block being collected.
struct Output<'a> {
    spec: &'a MergeSpec,
    sources: Vec<Arc<Chunk>>,
    runs: Vec<Run>,
    /// Group of each row, where rows of one key become one.
    groups: Vec<u32>,
    rows: usize,
}

impl<'a> Output<'a> {
    fn new(spec: &'a MergeSpec) -> Self {
        Output {
            spec,
            sources: Vec::new(),
            runs: Vec::new(),
            groups: Vec::new(),
            rows: 0,
        }
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn add(&mut self, chunk: &Arc<Chunk>, start: usize, len: usize) {
        let known = self.sources.iter().rposition(|s| Arc::ptr_eq(s, chunk));
        let source = known.unwrap_or_else(|| {
            self.sources.push(Arc::clone(chunk));
            self.sources.len() - 1
        });
        match &self.spec.mode {
            MergeMode::Plain => self.push(Run {
                source,
                start,
                end: start + len,
            }),
            MergeMode::Replacing { version } => {
                (start..start + len).for_each(|row| self.push_or_replace(source, row, *version));
            }
            MergeMode::Combine(_) => {
                (start..start + len).for_each(|row| self.push_grouped(source, row));
            }
        }
    }

    fn push(&mut self, run: Run) {
        self.rows += run.end - run.start;
        match self.runs.last_mut() {
            Some(last) if last.source == run.source && last.end == run.start => last.end = run.end,
            _ => self.runs.push(run),
        }
    }

    /// Order of the last row so far and row `row` of a source; `None` without a last row.
    fn is_new_key(&self, source: usize, row: usize) -> bool {
        self.runs.last().is_none_or(|last| {
            let (old, next) = (&self.sources[last.source], &self.sources[source]);
            old.compare(last.end - 1, next, row).is_ne()
        })
    }

    fn push_or_replace(&mut self, source: usize, row: usize, version: Option<usize>) {
        let new = Run::row(source, row);
        if self.is_new_key(source, row) {
            return self.push(new);
        }
        let Some(last) = self.runs.last_mut() else {
            return;
        };
        let newer = version.is_none_or(|v| {
            let old = self.sources[last.source].block.column(v);
            let next = self.sources[source].block.column(v);
            compare(old, last.end - 1, next, row).is_le()
        });
        if newer {
            self.unpush();
            self.push(new);
        }
    }

    fn push_grouped(&mut self, source: usize, row: usize) {
        let group = match self.groups.last() {
            None => 0,
            Some(last) => last + u32::from(self.is_new_key(source, row)),
        };
        self.groups.push(group);
        self.push(Run::row(source, row));
    }

    /// Takes the last row away again.
    fn unpush(&mut self) -> Option<(Arc<Chunk>, usize)> {
        let last = self.runs.last_mut()?;
        last.end -= 1;
        self.rows -= 1;
        let row = (Arc::clone(&self.sources[last.source]), last.end);
        if last.start == last.end {
            self.runs.pop();
        }
        Some(row)
    }

    /// The collected rows. Until the end, the last row of a mode where rows with equal keys meet
    /// waits for its equals.
    fn flush(&mut self, end: bool) -> Result<Option<Block>> {
        let (block, waits) = match &self.spec.mode {
            MergeMode::Plain => (self.block()?, None),
            MergeMode::Replacing { .. } => {
                let waits = if end { None } else { self.unpush() };
                (self.block()?, waits)
            }
            MergeMode::Combine(combine) => {
                let groups = self.groups.last().map_or(0, |g| *g as usize + 1);
                let all = combine.rows(&self.block()?, &self.groups, groups)?;
                let done = if end {
                    groups
                } else {
                    groups.saturating_sub(1)
                };
                let waits = match done < groups {
                    true => Some((Arc::new(Chunk::new(all.slice(done, 1), 0, self.spec)?), 0)),
                    false => None,
                };
                (combine.worth_keeping(all.slice(0, done))?, waits)
            }
        };
        self.sources.clear();
        self.runs.clear();
        self.groups.clear();
        self.rows = 0;
        if let Some((chunk, row)) = waits {
            self.add(&chunk, row, 1);
        }
        Ok(Some(block).filter(|b| b.rows() > 0))
    }

    fn block(&self) -> Result<Block> {
        let rows = self.runs.iter().map(|r| r.end - r.start).sum::<usize>();
        let fields = self.spec.columns.schema.fields.iter().enumerate();
        let columns: Vec<Column> = if rows >= self.runs.len() * SLICE_ROWS {
            let slices = fields.map(|(c, field)| {
                let slices: Vec<Column> = self.runs.iter().map(|r| self.slice(c, *r)).collect();
                concat(&slices.iter().collect::<Vec<_>>(), &field.ty)
            });
            slices.collect::<Result<_>>()?
        } else {
            let used = self.used();
            let indices = self.indices(&used);
            let gathered = fields.map(|(c, field)| {
                let slices: Vec<Column> = used.iter().map(|r| self.slice(c, *r)).collect();
                let all = concat(&slices.iter().collect::<Vec<_>>(), &field.ty)?;
                Ok(take(&all, &indices))
            });
            gathered.collect::<Result<_>>()?
        };
        Block::new(Arc::clone(&self.spec.columns.schema), columns, rows)
    }

    fn slice(&self, c: usize, run: Run) -> Column {
        let column = self.sources[run.source].block.column(c);
        column.slice(run.start, run.end - run.start)
    }

    /// The rows of each source between its first and last one in use.
    fn used(&self) -> Vec<Run> {
        let none = |source| Run {
            source,
            start: usize::MAX,
            end: 0,
        };
        let mut used: Vec<Run> = (0..self.sources.len()).map(none).collect();
        for run in &self.runs {
            let own = &mut used[run.source];
            own.start = own.start.min(run.start);
            own.end = own.end.max(run.end);
        }
        for own in used.iter_mut().filter(|u| u.start > u.end) {
            own.start = own.end;
        }
        used
    }

    /// Rows of the output as places in the `used` rows one after the other.
    fn indices(&self, used: &[Run]) -> Vec<u32> {
        let mut bases = Vec::with_capacity(used.len());
        let mut base = 0;
        for own in used {
            bases.push(base);
            base += own.end - own.start;
        }
        let rows = self.runs.iter().flat_map(|run| {
            let shift = bases[run.source];
            let first = used[run.source].start;
            (run.start..run.end).map(move |row| (shift + row - first) as u32)
        });
        rows.collect()
    }
}
