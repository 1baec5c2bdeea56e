//! The groups of an aggregation of which any few will do (LIMIT without an order): the first ones that
//! appear are taken, rows of other groups are dropped.
//!
//! Invariant: every row of a group that is taken is counted: batches go into the set as a whole
//! until it is full, and none of a group taken later came before.

use std::sync::Arc;

use parking_lot::Mutex;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::eval::groups::{Groups, NO_GROUP};

/// More groups than this are not worth a table that all workers share.
pub(super) const WANTED_MAX: u64 = 10_000;

/// What all workers share.
pub(super) struct FewGroups {
    wanted: usize,
    state: Mutex<State>,
}

struct State {
    groups: Groups,
    /// The groups once there are enough of them.
    full: Option<Arc<Groups>>,
}

impl FewGroups {
    pub(super) fn new(types: &[DataType], wanted: u64) -> Self {
        FewGroups {
            wanted: wanted as usize,
            state: Mutex::new(State {
                groups: Groups::new(types),
                full: None,
            }),
        }
    }

    /// The group of each row; [`NO_GROUP`] for rows of groups that are not taken.
    pub(super) fn assign(&self, keys: &[Column], rows: usize, out: &mut Vec<u32>) -> Result<()> {
        let full = {
            let mut state = self.state.lock();
            match &state.full {
                Some(full) => Arc::clone(full),
                None => {
                    if !self.fill(&mut state.groups, keys, rows)? {
                        return state.groups.find(keys, rows, out);
                    }
                    let full = Arc::new(state.groups.clone());
                    state.full = Some(Arc::clone(&full));
                    full
                }
            }
        };
        full.find(keys, rows, out)
    }

    /// Adds groups of these rows, some at a time; whether there are enough.
    fn fill(&self, groups: &mut Groups, keys: &[Column], rows: usize) -> Result<bool> {
        let (step, mut from, mut ids) = (self.wanted.max(64), 0, Vec::new());
        while from < rows && groups.len() < self.wanted {
            let some = step.min(rows - from);
            let columns: Vec<Column> = keys.iter().map(|k| k.slice(from, some)).collect();
            groups.assign(&columns, some, &mut ids)?;
            from += some;
        }
        Ok(groups.len() >= self.wanted)
    }

    /// All groups that were taken.
    pub(super) fn groups(&self) -> Groups {
        self.state.lock().groups.clone()
    }
}

/// The rows that have a group, when not all do.
pub(super) fn grouped_rows(ids: &[u32]) -> Option<Vec<u32>> {
    if ids.iter().all(|id| *id != NO_GROUP) {
        return None;
    }
    let rows = ids.iter().enumerate().filter(|(_, id)| **id != NO_GROUP);
    Some(rows.map(|(row, _)| row as u32).collect())
}
