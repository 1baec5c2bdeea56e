//! Numbers for values that are not numbers: strings as they are, everything else by its bytes.
//!
//! Invariant: equal values have equal ids, dense in the order of first appearance.

use std::sync::Arc;

use roost_engine::column::{Column, DictColumn, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take;

use super::layout::Kept;
use super::strings::StringTable;
use super::{NO_GROUP, cells};

/// Ids of values that are not numbers.
#[derive(Debug, Clone)]
pub(super) struct Interner {
    pub(super) kept: Kept,
    pub(super) table: StringTable,
    /// For cells: the first row of each id, in order.
    pub(super) firsts: Vec<Column>,
    firsts_bytes: usize,
    /// The dictionary that came last, and ids of those entries that some row has used: blocks of
    /// one part share theirs.
    last: Option<(Arc<Flat>, Vec<u32>)>,
}

impl Interner {
    /// No values yet.
    pub(super) fn new(kept: &Kept) -> Self {
        Interner {
            kept: kept.clone(),
            table: StringTable::default(),
            firsts: Vec::new(),
            firsts_bytes: 0,
            last: None,
        }
    }

    /// Resident bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        let last = self.last.as_ref().map_or(0, |(_, ids)| ids.len() * 4);
        self.table.memory_bytes() + self.firsts_bytes + last
    }

    /// Ids of values without NULL.
    pub(super) fn insert(&mut self, column: &Column) -> Result<Vec<u32>> {
        match (&self.kept, column) {
            (Kept::Strings, Column::Dict(d)) => Ok(self.insert_entries(d)),
            (Kept::Strings, Column::Flat(Flat::Bytes(b))) => {
                Ok(b.iter().map(|s| self.table.insert(s)).collect())
            }
            (Kept::Strings, _) => {
                let flat = column.to_flat();
                let ids = (0..flat.len()).map(|i| self.table.insert(flat.bytes_at(i)));
                Ok(ids.collect())
            }
            (Kept::Cells, _) => self.insert_cells(column),
        }
    }

    /// Ids of a dictionary's rows: an entry is looked up when a row first uses it.
    fn insert_entries(&mut self, column: &DictColumn) -> Vec<u32> {
        let dict = column.dict();
        let mut ids = match self.last.take() {
            Some((last, ids)) if Arc::ptr_eq(&last, dict) => ids,
            _ => vec![NO_GROUP; dict.len()],
        };
        let of_rows = column.codes().iter().map(|&code| {
            let id = &mut ids[code as usize];
            if *id == NO_GROUP {
                *id = self.table.insert(dict.bytes_at(code as usize));
            }
            *id
        });
        let of_rows = of_rows.collect();
        self.last = Some((Arc::clone(dict), ids));
        of_rows
    }

    fn insert_cells(&mut self, column: &Column) -> Result<Vec<u32>> {
        let (mut ids, mut fresh) = (Vec::with_capacity(column.len()), Vec::new());
        let mut cell = Vec::new();
        for row in 0..column.len() {
            cell.clear();
            cells::write_cell(column, row, &mut cell);
            let before = self.table.len();
            ids.push(self.table.insert(&cell));
            if self.table.len() > before {
                fresh.push(row as u32);
            }
        }
        if !fresh.is_empty() {
            let firsts = take::take(column, &fresh);
            self.firsts_bytes += firsts.memory_bytes();
            self.firsts.push(firsts);
        }
        Ok(ids)
    }

    /// Ids of values without NULL; [`NO_GROUP`] for unseen ones.
    pub(super) fn find(&self, column: &Column) -> Result<Vec<u32>> {
        if let Column::Dict(d) = column
            && d.dict().len() <= d.codes().len()
        {
            let entries = self.find(&Column::Flat(d.dict().as_ref().clone()))?;
            return Ok(d.codes().iter().map(|c| entries[*c as usize]).collect());
        }
        if self.kept == Kept::Strings {
            let flat = column.to_flat();
            let ids = (0..flat.len()).map(|i| self.table.find(flat.bytes_at(i)));
            return Ok(ids.collect());
        }
        let mut cell = Vec::new();
        let ids = (0..column.len()).map(|row| {
            cell.clear();
            cells::write_cell(column, row, &mut cell);
            self.table.find(&cell)
        });
        Ok(ids.collect())
    }
}
