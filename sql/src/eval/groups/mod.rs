//! Numbers rows by their values, in the order of first appearance: what GROUP BY, DISTINCT, hash
//! joins and IN share.
//!
//! Invariant: equal rows get equal ids whatever their columns' representation; ids are dense.

mod cells;
mod fixed;
mod intern;
mod layout;
mod pack;
mod strings;
#[cfg(test)]
mod tests;
mod unpack;

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take;
use roost_engine::types::DataType;

use fixed::FixedTable;
use intern::Interner;
use layout::{Layout, StageLayout};

/// The id that stands for "no such row".
pub const NO_GROUP: u32 = u32::MAX;

/// Ids of distinct rows.
#[derive(Debug, Clone)]
pub struct Groups {
    layout: Arc<Layout>,
    tables: Vec<Table>,
    interners: Vec<Interner>,
}

#[derive(Debug, Clone)]
enum Table {
    /// No keys: one group once a row was seen.
    Single { seen: bool },
    /// The only string's id is the group.
    Identity,
    /// At most 16 bits: ids (plus one) by the key itself.
    Direct { ids: Vec<u32>, keys: Vec<u64> },
    /// Up to four bytes.
    Small(FixedTable<u32>),
    /// Up to eight bytes.
    Narrow(FixedTable<u64>),
    /// Up to sixteen bytes.
    Wide(FixedTable<u128>),
}

impl Groups {
    /// No rows yet, over keys of these types.
    pub fn new(types: &[DataType]) -> Groups {
        let layout = Layout::of(types);
        let tables = match types.is_empty() {
            true => vec![Table::Single { seen: false }],
            false => layout
                .stages
                .iter()
                .map(|s| table_for(s, &layout))
                .collect(),
        };
        let interners = layout.interners.iter().map(|(kept, _)| Interner::new(kept));
        Groups {
            interners: interners.collect(),
            layout: Arc::new(layout),
            tables,
        }
    }

    /// Number of distinct rows so far.
    pub fn len(&self) -> usize {
        match self.tables.last() {
            Some(Table::Single { seen }) => usize::from(*seen),
            Some(Table::Identity) => self.interners[0].table.len(),
            Some(Table::Direct { keys, .. }) => keys.len(),
            Some(Table::Small(t)) => t.keys().len(),
            Some(Table::Narrow(t)) => t.keys().len(),
            Some(Table::Wide(t)) => t.keys().len(),
            None => 0,
        }
    }

    /// Whether no row was seen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Resident bytes.
    pub fn memory_bytes(&self) -> usize {
        let tables = self.tables.iter().map(|t| match t {
            Table::Single { .. } | Table::Identity => 0,
            Table::Direct { ids, keys } => ids.len() * 4 + keys.capacity() * 8,
            Table::Small(t) => t.memory_bytes(),
            Table::Narrow(t) => t.memory_bytes(),
            Table::Wide(t) => t.memory_bytes(),
        });
        let interners = self.interners.iter();
        tables.sum::<usize>() + interners.map(Interner::memory_bytes).sum::<usize>()
    }

    /// The id of each of `rows` rows; unseen rows get the next ids. `out` is overwritten.
    pub fn assign(&mut self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        if rows == 0 {
            return Ok(());
        }
        if columns.iter().all(|c| c.as_const().is_some()) {
            let ones: Vec<Column> = columns.iter().map(|c| flat_prefix(c, 1)).collect();
            self.assign_rows(&ones, 1, out)?;
            let id = out.first().copied().unwrap_or_default();
            out.resize(rows, id);
            return Ok(());
        }
        if let [Column::Dict(d)] = columns
            && d.dict().len() <= rows
            && !self.layout.is_identity()
        {
            let (used, places) = used_entries(d.codes(), d.dict().len());
            let entries = Column::Flat(take::take_flat(d.dict(), &used));
            let mut ids = Vec::with_capacity(used.len());
            self.assign_rows(&[entries], used.len(), &mut ids)?;
            let by_code: Vec<u32> = places
                .iter()
                .map(|&p| ids.get(p as usize).copied().unwrap_or(NO_GROUP))
                .collect();
            out.extend(d.codes().iter().map(|&c| by_code[c as usize]));
            return Ok(());
        }
        self.assign_rows(columns, rows, out)
    }

    fn assign_rows(&mut self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        let Groups {
            layout,
            tables,
            interners,
        } = self;
        for (stage, table) in layout.stages.iter().zip(tables) {
            let previous = std::mem::take(out);
            let ids = &mut |i: usize, column: &Column| interners[i].insert(column);
            match table {
                Table::Single { seen } => {
                    *seen = true;
                    out.resize(rows, 0);
                }
                Table::Identity => {
                    let column = pack::leaf_column(&stage.leaves[0], columns)?;
                    *out = ids(0, &column)?;
                }
                Table::Direct { ids: by_key, keys } => {
                    let packed: Vec<u64> = pack::pack(stage, columns, rows, &previous, ids)?;
                    out.extend(packed.iter().map(|&key| {
                        let slot = &mut by_key[key as usize];
                        if *slot == 0 {
                            keys.push(key);
                            *slot = keys.len() as u32;
                        }
                        *slot - 1
                    }));
                }
                Table::Small(table) => {
                    let packed = pack::pack(stage, columns, rows, &previous, ids)?;
                    table.insert_all(&packed, out);
                }
                Table::Narrow(table) => {
                    let packed = pack::pack(stage, columns, rows, &previous, ids)?;
                    table.insert_all(&packed, out);
                }
                Table::Wide(table) => {
                    let packed = pack::pack(stage, columns, rows, &previous, ids)?;
                    table.insert_all(&packed, out);
                }
            }
        }
        Ok(())
    }

    /// The id of each row, [`NO_GROUP`] for rows that were never seen. `out` is overwritten.
    pub fn find(&self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        if rows == 0 {
            return Ok(());
        }
        if columns.iter().all(|c| c.as_const().is_some()) && !columns.is_empty() {
            let ones: Vec<Column> = columns.iter().map(|c| flat_prefix(c, 1)).collect();
            self.find_rows(&ones, 1, out)?;
            let id = out.first().copied().unwrap_or(NO_GROUP);
            out.resize(rows, id);
            return Ok(());
        }
        if let [Column::Dict(d)] = columns
            && d.dict().len() <= rows
        {
            let entries = [Column::Flat(d.dict().as_ref().clone())];
            let mut ids = Vec::new();
            self.find_rows(&entries, d.dict().len(), &mut ids)?;
            out.extend(d.codes().iter().map(|&c| ids[c as usize]));
            return Ok(());
        }
        self.find_rows(columns, rows, out)
    }

    fn find_rows(&self, columns: &[Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        for (stage, table) in self.layout.stages.iter().zip(&self.tables) {
            let previous = std::mem::take(out);
            let ids = &mut |i: usize, column: &Column| self.interners[i].find(column);
            match table {
                Table::Single { seen } => out.resize(rows, if *seen { 0 } else { NO_GROUP }),
                Table::Identity => {
                    *out = ids(0, &pack::leaf_column(&stage.leaves[0], columns)?)?;
                }
                Table::Direct { ids: by_key, .. } => {
                    let packed: Vec<u64> = pack::pack(stage, columns, rows, &previous, ids)?;
                    let find = |key: &u64| by_key[*key as usize].wrapping_sub(1);
                    out.extend(packed.iter().map(find));
                }
                Table::Small(table) => {
                    table.find_all(
                        &pack::pack(stage, columns, rows, &previous, ids)?,
                        NO_GROUP,
                        out,
                    );
                }
                Table::Narrow(table) => {
                    table.find_all(
                        &pack::pack(stage, columns, rows, &previous, ids)?,
                        NO_GROUP,
                        out,
                    );
                }
                Table::Wide(table) => {
                    table.find_all(
                        &pack::pack(stage, columns, rows, &previous, ids)?,
                        NO_GROUP,
                        out,
                    );
                }
            }
        }
        Ok(())
    }

    /// The distinct rows in the order of their ids.
    pub fn keys(&self) -> Result<Vec<Column>> {
        unpack::keys(self)
    }
}

fn table_for(stage: &StageLayout, layout: &Layout) -> Table {
    if layout.is_identity() {
        return Table::Identity;
    }
    match stage.bits {
        0..=16 => Table::Direct {
            ids: vec![0; 1 << stage.bits],
            keys: Vec::new(),
        },
        17..=32 => Table::Small(FixedTable::default()),
        33..=64 => Table::Narrow(FixedTable::default()),
        _ => Table::Wide(FixedTable::default()),
    }
}

fn flat_prefix(column: &Column, rows: usize) -> Column {
    Column::Flat(column.slice(0, rows).to_flat())
}

/// Entries that some code names, and each entry's place among them.
fn used_entries(codes: &[u32], entries: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut used, mut places) = (Vec::new(), vec![NO_GROUP; entries]);
    for &code in codes {
        let place = &mut places[code as usize];
        if *place == NO_GROUP {
            *place = used.len() as u32;
            used.push(code);
        }
    }
    (used, places)
}
