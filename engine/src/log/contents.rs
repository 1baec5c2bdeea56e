//! The sum of all records, as recovery needs it to rebuild tables.
//!
//! Invariant: after the records of a log this is what a reader of the store would see.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::record::{BranchCopy, Edit, Record};
use crate::part::PartInfo;

/// Everything a log says.
#[derive(Debug, Default)]
pub struct Contents {
    /// Branches by number: 0 is the store itself.
    pub branches: BTreeMap<u64, BranchContents>,
    /// Tables by number.
    pub tables: BTreeMap<u64, TableContents>,
}

/// Everything a log says of a branch beside its tables.
#[derive(Debug, Default, Clone)]
pub struct BranchContents {
    /// Its name.
    pub name: String,
    /// Databases.
    pub databases: BTreeSet<String>,
    /// Keys and values.
    pub values: BTreeMap<String, Arc<Vec<u8>>>,
}

/// Everything a log says of a table.
#[derive(Debug, Default, Clone)]
pub struct TableContents {
    /// The branch that it belongs to.
    pub branch: u64,
    /// The definition's bytes.
    pub definition: Arc<Vec<u8>>,
    /// Part files by id.
    pub parts: BTreeMap<u64, PartInfo>,
    /// Memory parts by id.
    pub rows: BTreeMap<u64, Arc<RowsContents>>,
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
        let mut within = 0;
        for edit in record.edits {
            let table = match edit {
                Edit::Within { branch } => {
                    within = branch;
                    continue;
                }
                Edit::Branch {
                    number,
                    name,
                    lineage,
                    copy,
                } => {
                    let origin = lineage.first().map_or(0, |(origin, _)| *origin);
                    self.branch(number, name, copy.map(|copy| (origin, copy)), commit);
                    continue;
                }
                Edit::DropBranch { number } => {
                    self.branches.remove(&number);
                    self.tables.retain(|_, t| t.branch != number);
                    continue;
                }
                Edit::Database { name, present } => {
                    let databases = &mut self.branches.entry(within).or_default().databases;
                    if present {
                        databases.insert(name);
                    } else {
                        databases.remove(&name);
                    }
                    continue;
                }
                Edit::Put { key, value } => {
                    let values = &mut self.branches.entry(within).or_default().values;
                    match value {
                        Some(value) => values.insert(key, Arc::new(value)),
                        None => values.remove(&key),
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
                    let found = self.tables.entry(table).or_insert_with(|| TableContents {
                        branch: within,
                        ..TableContents::default()
                    });
                    found.definition = Arc::new(definition);
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
                        t.rows.insert(added.info.id, Arc::new(added));
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

impl Contents {
    fn branch(&mut self, number: u64, name: String, copy: Option<(u64, BranchCopy)>, commit: u64) {
        let mut made = BranchContents::default();
        if let Some((origin, copy)) = copy {
            made = self.branches.get(&origin).cloned().unwrap_or_default();
            let own = self.tables.values().filter(|t| t.branch == origin);
            let copies: Vec<TableContents> = own
                .map(|t| {
                    let mut copied = t.clone();
                    (copied.branch, copied.commit) = (number, commit);
                    if !copy.rows {
                        copied.clear(None);
                    }
                    copied
                })
                .collect();
            self.tables.extend((copy.tables..).zip(copies));
        }
        made.name = name;
        self.branches.insert(number, made);
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
