//! The sum of all records, as far as later commits are checked against it.
//!
//! Invariant: [`State::apply`] changes everything or, on an error, nothing.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::record::{BranchCopy, Edit};
use crate::err;
use crate::error::{Error, Result};

/// What the log says the store holds.
#[derive(Debug, Default)]
pub struct State {
    /// Last commit.
    pub commit: u64,
    /// Next free part id, as far as records name them.
    pub next_part: u64,
    /// Next free table number.
    pub next_table: u64,
    /// Tables by number.
    pub tables: BTreeMap<u64, TableState>,
    /// Branches by number.
    pub branches: BTreeMap<u64, BranchState>,
    /// Tokens that were used.
    pub tokens: Tokens,
}

/// What the log says of one branch.
#[derive(Debug, Clone)]
pub struct BranchState {
    /// Its name.
    pub name: String,
    /// What it was made from and by which commit, nearest first.
    pub lineage: Vec<(u64, u64)>,
}

/// What the log says of one table.
#[derive(Debug, Default, Clone)]
pub struct TableState {
    /// The branch that it belongs to; 0 is the store itself.
    pub branch: u64,
    /// Commit of the last change of columns or keys.
    pub version: u64,
    /// Partition of each part (in a file or in memory) by id.
    pub parts: BTreeMap<u64, String>,
}

impl State {
    /// Applies the edits of the next commit.
    ///
    /// # Errors
    /// UNKNOWN_TABLE for a table that is not there, NO_SUCH_DATA_PART for a part to be removed that
    /// is not there, UNKNOWN_DATABASE for a branch that is not there.
    pub fn apply(&mut self, commit: u64, edits: &[Edit]) -> Result<()> {
        self.check(edits)?;
        let mut within = 0;
        for edit in edits {
            match edit {
                Edit::Within { branch } => within = *branch,
                other => self.apply_one(commit, other, within),
            }
        }
        self.commit = self.commit.max(commit);
        Ok(())
    }

    fn check(&self, edits: &[Edit]) -> Result<()> {
        for (i, edit) in edits.iter().enumerate() {
            self.check_branches(&edits[..i], edit)?;
            let table = match edit {
                Edit::Drop { table }
                | Edit::Clear { table, .. }
                | Edit::AddPart { table, .. }
                | Edit::AddRows { table, .. }
                | Edit::Swap { table, .. } => *table,
                _ => continue,
            };
            let defined = |e: &Edit| matches!(e, Edit::Define { table: t, .. } if *t == table);
            let Some(state) = self.tables.get(&table) else {
                if edits[..i].iter().any(defined) {
                    continue;
                }
                return Err(err!(UNKNOWN_TABLE, "table number {table} does not exist"));
            };
            if let Edit::Swap { removed, .. } = edit
                && let Some(id) = removed.iter().find(|id| !state.parts.contains_key(id))
            {
                return Err(err!(
                    NO_SUCH_DATA_PART,
                    "part {id} of table number {table} is gone"
                ));
            }
        }
        Ok(())
    }

    fn check_branches(&self, before: &[Edit], edit: &Edit) -> Result<()> {
        let there = |n: u64| {
            let made = |e: &Edit| matches!(e, Edit::Branch { number, .. } if *number == n);
            n == 0 || self.branches.contains_key(&n) || before.iter().any(made)
        };
        let needed = match edit {
            Edit::Within { branch } => *branch,
            Edit::DropBranch { number } => *number,
            Edit::Branch {
                number,
                lineage,
                copy,
                ..
            } => {
                if there(*number) {
                    return Err(err!(
                        DATABASE_ALREADY_EXISTS,
                        "branch number {number} already exists"
                    ));
                }
                match (copy, lineage.first()) {
                    (Some(_), Some((origin, _))) => *origin,
                    _ => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        match there(needed) {
            true => Ok(()),
            false => Err(err!(
                UNKNOWN_DATABASE,
                "branch number {needed} does not exist: it was dropped"
            )),
        }
    }

    fn branch(
        &mut self,
        number: u64,
        mut made: BranchState,
        commit: u64,
        copy: Option<BranchCopy>,
    ) {
        self.next_table = self.next_table.max(number + 1);
        for (_, by) in made.lineage.iter_mut().filter(|(_, by)| *by == 0) {
            *by = commit;
        }
        if let (Some(copy), Some((origin, _))) = (copy, made.lineage.first()) {
            let own = self.tables.values().filter(|t| t.branch == *origin);
            let copies: Vec<TableState> = own
                .map(|t| TableState {
                    branch: number,
                    version: t.version,
                    parts: match copy.rows {
                        true => t.parts.clone(),
                        false => BTreeMap::new(),
                    },
                })
                .collect();
            for (table, state) in (copy.tables..).zip(copies) {
                self.next_table = self.next_table.max(table + 1);
                self.tables.insert(table, state);
            }
        }
        self.branches.insert(number, made);
    }

    /// The commit that used `token` in a branch, or in what the branch was made from before it was.
    pub fn token_used(&self, branch: u64, token: &str) -> Option<u64> {
        let own = self.tokens.get(&token_of(branch, token));
        own.or_else(|| {
            let lineage = &self.branches.get(&branch)?.lineage;
            let used = |(origin, until): &(u64, u64)| {
                let commit = self.tokens.get(&token_of(*origin, token))?;
                (commit < *until).then_some(commit)
            };
            lineage.iter().find_map(used)
        })
    }

    fn apply_one(&mut self, commit: u64, edit: &Edit, within: u64) {
        match edit {
            Edit::Define {
                table, reshaped, ..
            } => {
                self.next_table = self.next_table.max(table + 1);
                let state = self.tables.entry(*table).or_insert_with(|| TableState {
                    branch: within,
                    ..TableState::default()
                });
                if *reshaped {
                    state.version = commit;
                }
            }
            Edit::Drop { table } => {
                self.tables.remove(table);
            }
            Edit::Clear { table, partition } => {
                if let Some(state) = self.tables.get_mut(table) {
                    match partition {
                        Some(partition) => state.parts.retain(|_, p| p != partition),
                        None => state.parts.clear(),
                    }
                }
            }
            Edit::AddPart { table, info } => self.add(*table, info.id, &info.partition),
            Edit::AddRows {
                table, info, ids, ..
            } => {
                for id in ids {
                    self.add(*table, *id, &info.partition);
                }
            }
            Edit::Swap {
                table,
                removed,
                added,
            } => {
                if let Some(state) = self.tables.get_mut(table) {
                    removed.iter().for_each(|id| {
                        state.parts.remove(id);
                    });
                }
                for info in added {
                    self.add(*table, info.id, &info.partition);
                }
            }
            Edit::Token { token, commit: by } => {
                let by = if *by == 0 { commit } else { *by };
                self.tokens.insert(token.clone(), by);
            }
            Edit::Counters { part, table } => {
                self.next_part = self.next_part.max(*part);
                self.next_table = self.next_table.max(*table);
            }
            Edit::Branch {
                number,
                name,
                lineage,
                copy,
            } => {
                let made = BranchState {
                    name: name.clone(),
                    lineage: lineage.clone(),
                };
                self.branch(*number, made, commit, *copy);
            }
            Edit::DropBranch { number } => {
                self.branches.remove(number);
                self.tables.retain(|_, t| t.branch != *number);
            }
            Edit::Database { .. } | Edit::Put { .. } | Edit::Within { .. } => {}
        }
    }

    fn add(&mut self, table: u64, id: u64, partition: &str) {
        self.next_part = self.next_part.max(id.saturating_add(1));
        if let Some(state) = self.tables.get_mut(&table) {
            state.parts.insert(id, partition.to_string());
        }
    }
}

/// A token as the log knows it: those of branches do not meet those of others.
pub fn token_of(branch: u64, token: &str) -> String {
    match branch {
        0 if !token.starts_with('\0') => token.to_string(),
        _ => format!("\0{branch}\0{token}"),
    }
}

/// The last deduplication tokens.
#[derive(Debug)]
pub struct Tokens {
    most: usize,
    order: VecDeque<String>,
    seen: HashMap<String, u64>,
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            most: 10_000,
            order: VecDeque::new(),
            seen: HashMap::new(),
        }
    }
}

impl Tokens {
    /// Remembers at most `most` tokens from now on.
    pub fn limit(&mut self, most: usize) {
        self.most = most;
        self.forget();
    }

    /// The commit that used `token`.
    pub fn get(&self, token: &str) -> Option<u64> {
        self.seen.get(token).copied()
    }

    /// Tokens with their commits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let commit = |t: &String| self.seen.get(t).copied().unwrap_or_default();
        self.order.iter().map(move |t| (t.as_str(), commit(t)))
    }

    fn insert(&mut self, token: String, commit: u64) {
        if self.seen.insert(token.clone(), commit).is_none() {
            self.order.push_back(token);
        }
        self.forget();
    }

    fn forget(&mut self) {
        while self.order.len() > self.most {
            if let Some(old) = self.order.pop_front() {
                self.seen.remove(&old);
            }
        }
    }
}

/// Turns a failed check during recovery into what it means there.
pub fn as_corruption(error: &Error) -> Error {
    Error::corrupt(format!("a record does not fit those before it: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::PartInfo;

    #[test]
    fn a_swap_of_a_missing_part_changes_nothing() {
        let mut state = State::default();
        let define = Edit::Define {
            table: 1,
            definition: Vec::new(),
            reshaped: true,
        };
        let part = |id| PartInfo {
            id,
            partition: "all".into(),
            ..PartInfo::default()
        };
        let add = Edit::AddPart {
            table: 1,
            info: part(5),
        };
        assert!(state.apply(1, &[define, add]).is_ok());
        let swap = |removed| Edit::Swap {
            table: 1,
            removed,
            added: vec![part(9)],
        };
        assert!(state.apply(2, &[swap(vec![5, 6])]).is_err());
        assert_eq!(state.tables[&1].parts.keys().collect::<Vec<_>>(), [&5]);
        assert!(state.apply(2, &[swap(vec![5])]).is_ok());
        assert_eq!(state.tables[&1].parts.keys().collect::<Vec<_>>(), [&9]);
        assert_eq!(
            (state.commit, state.next_part, state.next_table),
            (2, 10, 2)
        );
    }

    #[test]
    fn old_tokens_are_forgotten() {
        let mut tokens = Tokens::default();
        tokens.limit(2);
        for (i, t) in ["a", "b", "c"].iter().enumerate() {
            tokens.insert((*t).to_string(), i as u64);
        }
        assert_eq!(tokens.get("a"), None);
        assert_eq!(tokens.iter().collect::<Vec<_>>(), [("b", 1), ("c", 2)]);
    }
}
