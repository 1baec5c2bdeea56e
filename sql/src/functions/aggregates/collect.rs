//! The frame of functions that need all rows of a group at once: rows are logged as they come and
//! put in order of their groups at the end.
//!
//! Invariant: within a group rows keep the order they came in; a log holds columns, never cells.

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, VERSION, put_value, put_varint, read_value};
use super::keys::{SeenKeys, row_keys};
use super::states::{Groups, same};
use crate::functions::{Aggregate, GroupedState};

/// What a collecting function does with its rows.
pub(crate) trait Collect: Send + Sync + Debug + 'static {
    /// Type of the answer.
    fn return_type(&self) -> DataType;
    /// Types of the arguments.
    fn arguments(&self) -> &[DataType];
    /// Only the first so many rows of a group are needed.
    fn first_rows(&self) -> Option<u64> {
        None
    }
    /// Only one of equal rows in a group is needed.
    fn distinct(&self) -> bool {
        false
    }
    /// The answers of all groups.
    fn finish(&self, rows: &Sorted) -> Result<Column>;
}

/// Rows put in order of their groups.
#[derive(Debug)]
pub(crate) struct Sorted {
    /// The arguments, group after group.
    pub(crate) columns: Vec<Column>,
    /// Rows of group `g` are `offsets[g]..offsets[g + 1]`.
    pub(crate) offsets: Vec<u64>,
}

impl Sorted {
    /// Number of groups.
    pub(crate) fn groups(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Row range of a group.
    pub(crate) fn range(&self, group: usize) -> std::ops::Range<usize> {
        self.offsets[group] as usize..self.offsets[group + 1] as usize
    }

    /// Row ranges of all groups.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets
            .windows(2)
            .map(|w| w[0] as usize..w[1] as usize)
    }
}

/// A [`Collect`] as an [`Aggregate`].
#[derive(Debug)]
pub(crate) struct Collected<C>(Arc<C>);

impl<C: Collect> Collected<C> {
    /// Wraps.
    pub(crate) fn aggregate(collect: C) -> Arc<dyn Aggregate> {
        Arc::new(Collected(Arc::new(collect)))
    }
}

impl<C: Collect> Aggregate for Collected<C> {
    fn return_type(&self) -> DataType {
        self.0.return_type()
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(CollectStates {
            collect: Arc::clone(&self.0),
            log: RowLog::new(self.0.arguments(), self.0.first_rows(), self.0.distinct()),
        })
    }
}

/// Rows with their groups, in the order they came.
pub(crate) struct RowLog {
    types: Vec<DataType>,
    chunks: Vec<Chunk>,
    counts: Vec<u64>,
    first_rows: Option<u64>,
    seen: Option<SeenKeys>,
    sorted: OnceLock<Sorted>,
}

#[derive(Clone)]
struct Chunk {
    columns: Vec<Column>,
    groups: Vec<u32>,
}

impl RowLog {
    pub(crate) fn new(types: &[DataType], first_rows: Option<u64>, distinct: bool) -> Self {
        RowLog {
            types: types.to_vec(),
            chunks: Vec::new(),
            counts: Vec::new(),
            first_rows,
            seen: distinct.then(SeenKeys::default),
            sorted: OnceLock::new(),
        }
    }

    pub(crate) fn resize(&mut self, groups: usize) {
        if groups > self.counts.len() {
            self.sorted.take();
            self.counts.resize(groups, 0);
            if let Some(seen) = &mut self.seen {
                seen.resize(groups);
            }
        }
    }

    /// Appends rows, those that are needed.
    pub(crate) fn push(&mut self, args: &[Column], groups: Groups<'_>) -> Result<()> {
        let rows = groups.rows();
        if rows == 0 {
            return Ok(());
        }
        self.sorted.take();
        let chunk = match (&mut self.seen, self.first_rows) {
            (None, None) => {
                let groups: Vec<u32> = match groups {
                    Groups::One { group, rows } => vec![group; rows],
                    Groups::Many(groups) => groups.to_vec(),
                };
                groups.iter().for_each(|&g| self.counts[g as usize] += 1);
                Chunk {
                    columns: args.to_vec(),
                    groups,
                }
            }
            (seen, limit) => {
                let limit = limit.unwrap_or(u64::MAX);
                let keys = seen.as_ref().map(|_| row_keys(args, rows));
                let mut kept = Vec::new();
                for row in 0..rows {
                    let g = groups.at(row);
                    let full = self.counts[g] >= limit;
                    let new = match (&mut *seen, &keys) {
                        (Some(seen), Some(keys)) if !full => seen.insert(g as u32, keys[row]),
                        _ => !full,
                    };
                    if new {
                        self.counts[g] += 1;
                        kept.push(row as u32);
                    }
                }
                let groups = groups.of_rows(&kept);
                if kept.is_empty() {
                    return Ok(());
                }
                Chunk {
                    columns: args.iter().map(|a| take(a, &kept)).collect(),
                    groups,
                }
            }
        };
        self.chunks.push(chunk);
        self.compact()
    }

    /// Joins small chunks with their neighbours, so that rows that come one by one stay cheap.
    fn compact(&mut self) -> Result<()> {
        while let [.., before, last] = &self.chunks[..] {
            if last.groups.len() < before.groups.len() || last.groups.len() > 8192 {
                break;
            }
            let columns = (0..self.types.len())
                .map(|i| concat(&[&before.columns[i], &last.columns[i]], &self.types[i]))
                .collect::<Result<Vec<_>>>()?;
            let groups = [&before.groups[..], &last.groups[..]].concat();
            self.chunks.truncate(self.chunks.len() - 2);
            self.chunks.push(Chunk { columns, groups });
        }
        Ok(())
    }

    /// Appends the rows of another log, its group `i` as `map[i]`.
    pub(crate) fn merge(&mut self, other: &RowLog, map: &[u32]) -> Result<()> {
        for chunk in &other.chunks {
            let groups: Vec<u32> = chunk.groups.iter().map(|&g| map[g as usize]).collect();
            self.push(&chunk.columns, Groups::Many(&groups))?;
        }
        Ok(())
    }

    /// All rows by group.
    pub(crate) fn sorted(&self) -> Result<&Sorted> {
        if let Some(sorted) = self.sorted.get() {
            return Ok(sorted);
        }
        let sorted = self.sort()?;
        Ok(self.sorted.get_or_init(|| sorted))
    }

    fn sort(&self) -> Result<Sorted> {
        let mut offsets = Vec::with_capacity(self.counts.len() + 1);
        let mut total = 0;
        offsets.push(0);
        for count in &self.counts {
            total += count;
            offsets.push(total);
        }
        let mut columns = (0..self.types.len())
            .map(|i| {
                let parts: Vec<&Column> = self.chunks.iter().map(|c| &c.columns[i]).collect();
                match parts[..] {
                    [] => Ok(Column::defaults(&self.types[i], 0)),
                    _ => concat(&parts, &self.types[i]),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let groups = || self.chunks.iter().flat_map(|c| c.groups.iter().copied());
        if !groups().is_sorted() {
            let mut next: Vec<u64> = offsets.clone();
            let mut order = vec![0u32; total as usize];
            for (row, g) in groups().enumerate() {
                order[next[g as usize] as usize] = row as u32;
                next[g as usize] += 1;
            }
            columns.iter_mut().for_each(|c| *c = take(c, &order));
        }
        Ok(Sorted { columns, offsets })
    }

    /// The rows of one group, as a log's order of a single group.
    pub(crate) fn of_group(&self, group: u32) -> Result<Sorted> {
        let sorted = self.sorted()?;
        let range = sorted.range(group as usize);
        Ok(Sorted {
            columns: sorted
                .columns
                .iter()
                .map(|c| c.slice(range.start, range.len()))
                .collect(),
            offsets: vec![0, range.len() as u64],
        })
    }

    /// Appends the rows of one group.
    pub(crate) fn write(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        let rows = self.of_group(group)?;
        let count = rows.range(0).len();
        put_varint(out, count as u64);
        for column in &rows.columns {
            (0..count).for_each(|row| put_value(out, &column.value(row)));
        }
        Ok(())
    }

    /// Appends rows that [`RowLog::write`] wrote.
    pub(crate) fn read(&mut self, group: u32, reader: &mut Reader<'_>) -> Result<()> {
        let count = reader.count(self.types.len())?;
        let columns = self
            .types
            .iter()
            .map(|ty| {
                let mut builder = ColumnBuilder::new(ty, count);
                for _ in 0..count {
                    builder.push(&read_value(reader, 0)?)?;
                }
                Ok(Column::Flat(builder.finish()))
            })
            .collect::<Result<Vec<_>>>()?;
        self.push(&columns, Groups::One { group, rows: count })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let chunks: usize = self
            .chunks
            .iter()
            .map(|c| {
                c.groups.capacity() * 4 + c.columns.iter().map(Column::memory_bytes).sum::<usize>()
            })
            .sum();
        chunks + self.counts.capacity() * 8 + self.seen.as_ref().map_or(0, SeenKeys::memory_bytes)
    }
}

struct CollectStates<C> {
    collect: Arc<C>,
    log: RowLog,
}

impl<C: Collect> GroupedState for CollectStates<C> {
    fn resize(&mut self, groups: usize) {
        self.log.resize(groups);
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        self.log.push(args, Groups::Many(groups))
    }

    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.log.push(args, Groups::One { group, rows })
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        self.log.merge(&same::<Self>(other)?.log, map)
    }

    fn finish(&mut self) -> Result<Column> {
        self.collect.finish(self.log.sorted()?)
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let answer = self.collect.finish(&self.log.of_group(group)?)?;
        match answer.len() {
            1 => Ok(answer.value(0)),
            n => Err(Error::bug(format!("one group gave {n} answers"))),
        }
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        out.push(VERSION);
        self.log.write(group, out)
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        self.log.read(group, &mut reader)?;
        reader.end()
    }

    fn memory_bytes(&self) -> usize {
        self.log.memory_bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
