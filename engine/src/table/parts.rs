//! The parts of a table, as commits change them.
//!
//! Small memory parts are put together as they come, so that thousands of tiny inserts between two
//! flushes leave dozens of parts to read, each row being moved a few times.
//!
//! Invariant: entries are ordered by (partition, bucket, first commit); parts of one partition and
//! bucket cover disjoint ranges of commits; a busy memory part is not put together with others, nor are
//! parts on both sides of a mark.

use std::collections::HashSet;
use std::sync::Arc;

use super::claims::Claims;
use super::layout::Layout;
use super::marks::Marks;
use super::split::sort;
use crate::block::Block;
use crate::error::Result;
use crate::part::{Part, PartInfo};

/// This many neighbours of one size are put together.
const FAN: usize = 8;
/// So many are put together at once by who brings the last, where nobody else has come to it.
pub const CROWD_MAX: usize = FAN * FAN;
/// So many are worth putting together.
pub const CROWD_MIN: usize = FAN;
/// Memory parts of this many rows are left alone: half a granule, of which a flush finds some sixty.
const ROWS_MAX: u64 = 1 << 12;

/// Parts in order.
#[derive(Debug, Clone, Default)]
pub struct PartList {
    entries: Vec<Entry>,
    /// Rows went since this was asked last.
    lost: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    part: Arc<Part>,
    memory: Option<Memory>,
}

#[derive(Debug, Clone)]
struct Memory {
    ids: Vec<u64>,
    since_micros: i64,
}

/// A memory part with what the log knows of it.
#[derive(Debug, Clone)]
pub struct MemoryEntry {
    /// The part.
    pub part: Arc<Part>,
    /// Ids of the memory parts in it.
    pub ids: Vec<u64>,
    /// When the oldest of its rows came.
    pub since_micros: i64,
    /// Its place in the list; neighbours have neighbouring places.
    pub place: usize,
}

/// Neighbouring memory parts that are worth putting together.
#[derive(Debug)]
pub struct Crowd {
    entries: Vec<Entry>,
}

impl Crowd {
    /// One part with the rows of all.
    pub fn together(&self, layout: &Layout) -> Result<Part> {
        together(&self.entries, layout)
    }
}

type Order<'a> = (&'a str, u32, u64);

fn order(info: &PartInfo) -> Order<'_> {
    (&info.partition, info.bucket, info.min_block)
}

impl PartList {
    /// The parts, to be shown.
    pub fn to_vec(&self) -> Vec<Arc<Part>> {
        self.entries.iter().map(|e| Arc::clone(&e.part)).collect()
    }

    /// Memory parts.
    pub fn memory_entries(&self) -> Vec<MemoryEntry> {
        let memory = self.entries.iter().enumerate().filter_map(|(place, e)| {
            e.memory.as_ref().map(|m| MemoryEntry {
                part: Arc::clone(&e.part),
                ids: m.ids.clone(),
                since_micros: m.since_micros,
                place,
            })
        });
        memory.collect()
    }

    /// All parts with the ids that the log knows them by.
    pub fn with_ids(&self) -> Vec<(Arc<Part>, Vec<u64>)> {
        let ids = |e: &Entry| match &e.memory {
            Some(m) => m.ids.clone(),
            None => vec![e.part.info().id],
        };
        self.entries
            .iter()
            .map(|e| (Arc::clone(&e.part), ids(e)))
            .collect()
    }

    /// Adds a part file.
    pub fn add_file(&mut self, part: Arc<Part>) {
        self.insert(Entry { part, memory: None });
    }

    /// Adds a memory part that stands for the memory parts `ids` of the log.
    pub fn add_memory(&mut self, part: Arc<Part>, ids: Vec<u64>, since_micros: i64) -> usize {
        let memory = Some(Memory { ids, since_micros });
        self.insert(Entry { part, memory })
    }

    fn insert(&mut self, entry: Entry) -> usize {
        let key = order(entry.part.info());
        let at = self
            .entries
            .partition_point(|e| order(e.part.info()) <= key);
        self.entries.insert(at, entry);
        at
    }

    /// Puts `part` in the place of the parts that the log knows by these ids: it has all their rows,
    /// but for those that yield to others in it. Returns the files among them.
    pub fn exchange(&mut self, ids: &[u64], part: Option<Arc<Part>>) -> Vec<Arc<Part>> {
        let lost = self.lost;
        let gone = self.remove(ids);
        self.lost = lost;
        part.into_iter().for_each(|p| self.add_file(p));
        gone
    }

    /// Whether rows went since this was asked last.
    pub fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// Removes the parts that the log knows by these ids; returns the files among them.
    pub fn remove(&mut self, ids: &[u64]) -> Vec<Arc<Part>> {
        let ids: HashSet<u64> = ids.iter().copied().collect();
        self.remove_where(|e| match &e.memory {
            Some(m) => m.ids.iter().any(|id| ids.contains(id)),
            None => ids.contains(&e.part.info().id),
        })
    }

    /// Removes all parts, or those of one partition; returns the files among them.
    pub fn clear(&mut self, partition: Option<&str>) -> Vec<Arc<Part>> {
        self.remove_where(|e| partition.is_none_or(|p| p == e.part.info().partition))
    }

    fn remove_where(&mut self, goes: impl Fn(&Entry) -> bool) -> Vec<Arc<Part>> {
        let mut gone = Vec::new();
        self.entries.retain(|e| {
            let stays = !goes(e);
            self.lost |= !stays;
            if !stays && e.memory.is_none() {
                gone.push(Arc::clone(&e.part));
            }
            stays
        });
        gone
    }

    /// Puts small memory parts around place `at` together, where enough of one size stand beside
    /// each other.
    pub fn gather(&mut self, mut at: usize, layout: &Layout, busy: (&Claims, &Marks)) {
        while let Some((start, end)) = self.neighbours(at, layout, busy) {
            let Ok(part) = together(&self.entries[start..end], layout) else {
                return;
            };
            self.replace(start, end, part);
            at = start;
        }
    }

    /// How many memory parts around place `at` are worth putting together.
    pub fn crowd_at(&self, at: usize, layout: &Layout, busy: (&Claims, &Marks)) -> usize {
        let found = self.neighbours(at, layout, busy);
        found.map_or(0, |(start, end)| end - start)
    }

    /// The first memory parts that are worth putting together.
    pub fn crowd(&self, layout: &Layout, busy: (&Claims, &Marks)) -> Option<Crowd> {
        let mut places = 0..self.entries.len();
        let (start, end) = places.find_map(|at| self.neighbours(at, layout, busy))?;
        Some(Crowd {
            entries: self.entries[start..end].to_vec(),
        })
    }

    /// Puts `part`, which has the rows of `crowd`, in its place; whether all of it is still there and
    /// nobody else has come to work on it.
    pub fn put_together(
        &mut self,
        crowd: &Crowd,
        part: Part,
        (claims, marks): (&Claims, &Marks),
    ) -> bool {
        let first = |e: &Entry| Arc::ptr_eq(&e.part, &crowd.entries[0].part);
        let Some(start) = self.entries.iter().position(first) else {
            return false;
        };
        let end = start + crowd.entries.len();
        let Some(found) = self.entries.get(start..end) else {
            return false;
        };
        let same = |(a, b): (&Entry, &Entry)| {
            Arc::ptr_eq(&a.part, &b.part) && !claims.is_busy(a.part.info().id)
        };
        let (a, b) = (found[0].part.info(), found[found.len() - 1].part.info());
        if !found.iter().zip(&crowd.entries).all(same) || marks.between(a, b) {
            return false;
        }
        self.replace(start, end, part);
        true
    }

    fn replace(&mut self, start: usize, end: usize, part: Part) {
        let memory = self.entries[start..end]
            .iter()
            .filter_map(|e| e.memory.as_ref());
        let merged = Memory {
            since_micros: memory.clone().map(|m| m.since_micros).min().unwrap_or(0),
            ids: memory.flat_map(|m| m.ids.iter().copied()).collect(),
        };
        let entry = Entry {
            part: Arc::new(part),
            memory: Some(merged),
        };
        self.entries.splice(start..end, [entry]);
    }

    /// At least [`FAN`] neighbours up to and including `at` that are no larger than it by class.
    fn neighbours(
        &self,
        at: usize,
        layout: &Layout,
        (claims, marks): (&Claims, &Marks),
    ) -> Option<(usize, usize)> {
        let last = self.entries.get(at)?;
        let class = size_class(last)?;
        let info = last.part.info();
        let mut start = at + 1;
        while let Some(entry) = start.checked_sub(1).and_then(|i| self.entries.get(i)) {
            let other = entry.part.info();
            let fits = size_class(entry).is_some_and(|c| c <= class)
                && (&other.partition, other.bucket) == (&info.partition, info.bucket)
                && entry.part.schema() == &layout.schema
                && !claims.is_busy(other.id)
                && !marks.between(other, info);
            if !fits {
                break;
            }
            start -= 1;
        }
        (at + 1 - start >= FAN).then_some((start, at + 1))
    }
}

fn size_class(entry: &Entry) -> Option<u32> {
    let rows = entry.part.info().rows;
    (entry.memory.is_some() && rows < ROWS_MAX).then(|| rows.max(1).ilog2() / FAN.ilog2())
}

fn together(entries: &[Entry], layout: &Layout) -> Result<Part> {
    let blocks: Vec<Block> = entries
        .iter()
        .filter_map(|e| e.part.memory_block().cloned())
        .collect();
    let infos = || entries.iter().map(|e| e.part.info());
    let info = PartInfo {
        id: infos().map(|i| i.id).max().unwrap_or_default(),
        min_block: infos().map(|i| i.min_block).min().unwrap_or_default(),
        max_block: infos().map(|i| i.max_block).max().unwrap_or_default(),
        ..infos().next().cloned().unwrap_or_default()
    };
    let values = entries.first().map(|e| e.part.partition().to_vec());
    let block = Block::concat(Arc::clone(&layout.schema), &blocks)?;
    let (block, key) = sort(layout, block)?;
    Part::memory(block, layout.key(), &key, values.unwrap_or_default(), info)
}
