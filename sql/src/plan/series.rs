//! Sources of computed rows: `numbers`, `zeros`, `generateSeries`, `one`.
//!
//! Invariant: row `i` is `start + i * step`; nothing is held, morsels are made when they are taken.

use std::any::Any;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::hooks::Condition;
use roost_engine::types::{DataType, Value};

use super::memory::MemorySource;
use super::source::{Morsel, SourceReader, SourceRequest, TableSource};

const MORSEL_ROWS: u64 = 65_536;

/// An arithmetic series as a table of one column.
#[derive(Debug, Clone)]
pub struct SeriesSource {
    name: String,
    schema: Arc<Schema>,
    start: u64,
    step: u64,
    rows: u64,
}

impl SeriesSource {
    /// `numbers(start, rows, step)`: one UInt64 column `number`. Numbers wrap around at 2^64.
    pub fn numbers(start: u64, rows: u64, step: u64) -> Self {
        Self::of("numbers", "number", DataType::UInt64, (start, rows, step))
    }

    /// `system.numbers`: without end.
    pub fn all_numbers() -> Self {
        let mut source = Self::numbers(0, u64::MAX, 1);
        source.name = "system.numbers".into();
        source
    }

    /// `zeros(rows)`: one UInt8 column `zero`.
    pub fn zeros(rows: u64) -> Self {
        Self::of("zeros", "zero", DataType::UInt8, (0, rows, 0))
    }

    /// `generateSeries(start, stop, step)`, the stop included; a step of zero gives no rows.
    pub fn generate(start: u64, stop: u64, step: u64) -> Self {
        let rows = match step {
            0 => 0,
            _ if stop < start => 0,
            _ => ((stop - start) / step).saturating_add(1),
        };
        let column = "generate_series";
        Self::of(
            "generateSeries",
            column,
            DataType::UInt64,
            (start, rows, step),
        )
    }

    fn of(name: &str, column: &str, ty: DataType, (start, rows, step): (u64, u64, u64)) -> Self {
        SeriesSource {
            name: name.into(),
            schema: Schema::new(vec![Field::new(column, ty)]),
            start,
            step,
            rows,
        }
    }

    fn is_zeros(&self) -> bool {
        self.schema.fields[0].ty == DataType::UInt8
    }

    fn last(&self) -> Option<u64> {
        let steps = self.rows.checked_sub(1)?.checked_mul(self.step)?;
        self.start.checked_add(steps)
    }

    /// The rows that may fulfil the conditions.
    fn wanted(&self, conditions: &[Condition]) -> Range<u64> {
        let mut rows = 0..self.rows;
        // A series that wraps around is not pruned, except the endless one, whose numbers come
        // long before they wrap.
        let wraps = self.step != 0 && self.last().is_none() && self.rows != u64::MAX;
        if wraps || self.step == 0 {
            return rows;
        }
        let column = &self.schema.fields[0].name;
        for condition in conditions.iter().filter(|c| c.column == *column) {
            let (Some(first), Some(last)) = (condition.ranges.first(), condition.ranges.last())
            else {
                return 0..0;
            };
            if let Bound::Included(v) | Bound::Excluded(v) = &first.low
                && let Some(low) = v.as_u64()
            {
                rows.start = rows.start.max(low.saturating_sub(self.start) / self.step);
            }
            if let Bound::Included(v) | Bound::Excluded(v) = &last.high
                && let Some(high) = v.as_u64()
            {
                let end = match high.checked_sub(self.start) {
                    Some(above) => (above / self.step).saturating_add(1),
                    None => 0,
                };
                rows.end = rows.end.min(end);
            }
        }
        rows.start..rows.end.max(rows.start)
    }
}

impl TableSource for SeriesSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn row_count(&self) -> Option<u64> {
        (self.rows != u64::MAX).then_some(self.rows)
    }

    fn min_max(&self, _column: usize) -> Option<(Value, Value)> {
        let last = self.last()?;
        Some((Value::UInt(self.start), Value::UInt(last)))
    }

    fn open(&self, request: &SourceRequest) -> Result<Arc<dyn SourceReader>> {
        let rows = self.wanted(&request.conditions);
        Ok(Arc::new(SeriesReader {
            source: self.clone(),
            next: AtomicU64::new(rows.start),
            first: rows.start,
            end: rows.end,
        }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct SeriesReader {
    source: SeriesSource,
    next: AtomicU64,
    first: u64,
    end: u64,
}

impl SourceReader for SeriesReader {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>> {
        let take = |next: u64| (next < self.end).then(|| next.saturating_add(MORSEL_ROWS));
        let taken = self
            .next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        Ok(taken.ok().map(|from| {
            let rows = MORSEL_ROWS.min(self.end - from);
            Box::new(SeriesMorsel {
                number: (from - self.first) / MORSEL_ROWS,
                start: self
                    .source
                    .start
                    .wrapping_add(from.wrapping_mul(self.source.step)),
                step: self.source.step,
                zeros: self.source.is_zeros(),
                rows: rows as usize,
            }) as Box<dyn Morsel>
        }))
    }
}

struct SeriesMorsel {
    number: u64,
    start: u64,
    step: u64,
    zeros: bool,
    rows: usize,
}

impl Morsel for SeriesMorsel {
    fn number(&self) -> u64 {
        self.number
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn read(&mut self, columns: &[usize], selection: Option<&[u32]>) -> Result<Vec<Column>> {
        let rows = selection.map_or(self.rows, <[u32]>::len);
        let at = |i: u64| self.start.wrapping_add(i.wrapping_mul(self.step));
        let column = match (self.zeros, selection) {
            (true, _) => Column::defaults(&DataType::UInt8, rows),
            (_, Some(rows)) => Column::native(rows.iter().map(|r| at((*r).into())).collect()),
            (_, None) => Column::native((0..rows as u64).map(at).collect::<Vec<u64>>()),
        };
        Ok(vec![column; columns.len()])
    }
}

/// `system.one`: one row, one UInt8 column `dummy` of zero.
pub fn one() -> MemorySource {
    let schema = Schema::new(vec![Field::new("dummy", DataType::UInt8)]);
    let columns = vec![Column::defaults(&DataType::UInt8, 1)];
    let blocks = Block::new(Arc::clone(&schema), columns, 1).into_iter();
    MemorySource::new("system.one", schema, blocks.collect())
}
