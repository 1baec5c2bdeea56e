//! The sum of all records, as recovery needs it to rebuild tables.
//!
//! Invariant: after the records of a log this is what a reader of the store would see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::record::{Edit, Record};
use crate::part::PartInfo;

/// Everything a log says.
#[derive(Debug, Default)]
pub struct Contents {
    /// Databases.
    pub databases: BTreeSet<String>,
    /// Tables by number.
    pub tables: BTreeMap<u64, TableContents>,
    /// Keys and values.
    pub values: BTreeMap<String, Vec<u8>>,
}

/// Everything a log says of a table.
#[derive(Debug, Default)]
pub struct TableContents {
    /// The definition's bytes.
    pub definition: Arc<Vec<u8>>,
    /// Part files by id.
    pub parts: BTreeMap<u64, PartInfo>,
    /// Memory parts by id.
    pub rows: BTreeMap<u64, RowsContents>,
    /// Last commit that touched the table.
    pub commit: u64,
}

/// Rows of a memory part.
#[derive(Debug)]
pub struct RowsContents {
    /// The part.
    pub info: PartInfo,
    /// Ids of the memory parts in it.
    pub ids: Vec<u64>,
    /// Encoded rows.
    pub rows: Vec<u8>,
    /// The table's definition when they were encoded.
    pub definition: Arc<Vec<u8>>,
}

impl Contents {
    /// Adds a record that [`super::State::apply`] accepted.
    pub fn apply(&mut self, record: Record) {
        let commit = record.commit;
        for edit in record.edits {
            let table = match edit {
                Edit::Database { name, present } => {
                    if present {
                        self.databases.insert(name);
                    } else {
                        self.databases.remove(&name);
                    }
                    continue;
                }
                Edit::Put { key, value } => {
                    match value {
                        Some(value) => self.values.insert(key, value),
                        None => self.values.remove(&key),
                    };
                    continue;
                }
                Edit::Drop { table } => {
                    self.tables.remove(&table);
                    continue;
                }
                Edit::Define {
                    table, definition, ..
                } => {
                    self.tables.entry(table).or_default().definition = Arc::new(definition);
                    table
                }
                Edit::Clear { table, partition } => {
                    if let Some(t) = self.tables.get_mut(&table) {
                        t.clear(partition.as_deref());
                    }
                    table
                }
                Edit::AddPart { table, info } => {
                    if let Some(t) = self.tables.get_mut(&table) {
                        t.parts.insert(info.id, info.at_commit(commit));
                    }
                    table
                }
                Edit::AddRows {
                    table,
                    info,
                    ids,
                    rows,
                } => {
                    if let Some(t) = self.tables.get_mut(&table) {
                        let info = info.at_commit(commit);
                        let added = RowsContents {
                            info,
                            ids,
                            rows,
                            definition: Arc::clone(&t.definition),
                        };
                        t.rows.insert(added.info.id, added);
                    }
                    table
                }
                Edit::Swap {
                    table,
                    removed,
                    added,
                } => {
                    if let Some(t) = self.tables.get_mut(&table) {
                        t.swap(&removed, added);
                    }
                    table
                }
                Edit::Token { .. } | Edit::Counters { .. } => continue,
            };
            if let Some(t) = self.tables.get_mut(&table) {
                t.commit = commit;
            }
        }
    }
}

impl TableContents {
    fn clear(&mut self, partition: Option<&str>) {
        let stays = |info: &PartInfo| partition.is_some_and(|p| p != info.partition);
        self.parts.retain(|_, info| stays(info));
        self.rows.retain(|_, r| stays(&r.info));
    }

    fn swap(&mut self, removed: &[u64], added: Vec<PartInfo>) {
        let gone: BTreeSet<u64> = removed.iter().copied().collect();
        self.parts.retain(|id, _| !gone.contains(id));
        self.rows
            .retain(|_, r| !r.ids.iter().any(|id| gone.contains(id)));
        self.parts.extend(added.into_iter().map(|i| (i.id, i)));
    }
}
