//! Branches: the store once more, from one instant on, sharing its files.
//!
//! An [`Engine`] stands either for the store itself or for a branch of it. A branch has databases,
//! tables, keys and deduplication tokens of its own; at first they are those of its origin, and
//! tables hold the same parts. Parts never change, so what one side does (inserts, merges, deletes,
//! other columns, TTL) puts other parts into its own list, and nothing else is ever copied.
//!
//! Invariant: a branch comes and goes with one record of the log; a part's file stays as long as a
//! table of any branch holds it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::commit::Request;
use super::transaction::put_values;
use super::{Engine, Table, TableDefinition};
use crate::err;
use crate::error::{Error, Result};
use crate::log::{BranchCopy, Edit, rows};

/// What a new branch is to be.
#[derive(Debug, Clone)]
pub struct NewBranch {
    /// Whether tables keep their rows.
    pub rows: bool,
    /// Keys of the branch that are to have other values than those of its origin, or none.
    pub values: Vec<(String, Option<Vec<u8>>)>,
}

impl Default for NewBranch {
    fn default() -> Self {
        NewBranch {
            rows: true,
            values: Vec::new(),
        }
    }
}

/// Rows of one table for another.
#[derive(Debug, Clone)]
pub struct Attach {
    /// Where they are; they stay there.
    pub from: Arc<Table>,
    /// Where they come in the place of what is there.
    pub to: Arc<Table>,
    /// One partition only.
    pub partition: Option<String>,
}

impl Attach {
    /// Whether rows mean the same in both tables.
    ///
    /// # Errors
    /// INCOMPATIBLE_COLUMNS when they do not.
    pub fn check(&self) -> Result<()> {
        check_alike(&self.from.definition(), &self.to.definition())
    }
}

impl Engine {
    /// Makes a branch of this store or branch as it is now, in milliseconds whatever its size.
    ///
    /// # Errors
    /// DATABASE_ALREADY_EXISTS, BAD_ARGUMENTS for an empty name, TABLE_IS_READ_ONLY.
    pub fn create_branch(&self, name: &str, new: NewBranch) -> Result<Engine> {
        let inner = &self.inner;
        if name.is_empty() {
            return Err(err!(BAD_ARGUMENTS, "a branch needs a name"));
        }
        let _ddl = inner.ddl.lock();
        let mut tables: Vec<Arc<Table>> = {
            let names = inner.names.read();
            if names.branches.values().any(|n| n.branch == name) {
                return Err(err!(
                    DATABASE_ALREADY_EXISTS,
                    "Branch {name} already exists"
                ));
            }
            names.of(self.branch)?.tables().cloned().collect()
        };
        tables.sort_by_key(|t| t.uid());
        // From here on nothing else commits: the tables show what the log says.
        let mut leader = inner.commits.lead();
        inner.check_writable()?;
        let count = tables.len() as u64 + 1;
        let number = inner.next_table.fetch_add(count, Ordering::Relaxed);
        let copy = BranchCopy {
            tables: number + 1,
            rows: new.rows,
        };
        let origin = leader.state.branches.get(&self.branch);
        let older = origin.map_or_else(Vec::new, |b| b.lineage.clone());
        let mut request = Request::default();
        request.edit(Edit::Branch {
            number,
            name: name.to_string(),
            lineage: [vec![(self.branch, 0)], older].concat(),
            copy: Some(copy),
        });
        let (origin, shown) = (self.branch, name.to_string());
        request.show(move |inner, commit| {
            let mut all = inner.names.write();
            let mut names = all.branches.get(&origin).cloned().unwrap_or_default();
            names.branch = shown;
            for (uid, table) in (copy.tables..).zip(&tables) {
                let forked = table.fork(number, uid, copy.rows, commit);
                let definition = table.definition();
                names.put(&definition.database, &definition.name, Arc::new(forked));
            }
            all.branches.insert(number, names);
            let mut values = inner.values.write();
            let own = values.get(&origin).cloned().unwrap_or_default();
            values.insert(number, own);
            Vec::new()
        });
        if !new.values.is_empty() {
            request.within(number);
            put_values(new.values, true, number, &mut request);
        }
        let answer = inner.lead(&mut leader, vec![request]).pop();
        drop(leader);
        answer.unwrap_or_else(|| Err(Error::bug("a commit got no answer")))?;
        Ok(self.on(number))
    }

    /// The branch of that name.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE.
    pub fn branch(&self, name: &str) -> Result<Engine> {
        let names = self.inner.names.read();
        let mut all = names.branches.iter().filter(|(n, _)| **n != 0);
        let found = all.find(|(_, names)| names.branch == name);
        let found = found.ok_or_else(|| unknown(name))?;
        Ok(self.on(*found.0))
    }

    /// Names of all branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        let names = self.inner.names.read();
        let all = names.branches.iter().filter(|(number, _)| **number != 0);
        let mut all: Vec<String> = all.map(|(_, names)| names.branch.clone()).collect();
        all.sort();
        all
    }

    /// The name of the branch that this stands for; `None` for the store itself.
    pub fn branch_name(&self) -> Option<String> {
        let names = self.inner.names.read();
        let own = names.branches.get(&self.branch);
        own.filter(|_| self.branch != 0).map(|n| n.branch.clone())
    }

    /// Drops a branch with everything in it; the files that only it held go.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE.
    pub fn drop_branch(&self, name: &str) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let number = self.branch(name)?.branch;
        let mut request = Request::default();
        request.edit(Edit::DropBranch { number });
        request.show(move |inner, commit| {
            let names = inner.names.write().branches.remove(&number);
            inner.values.write().remove(&number);
            inner.meanings_changed();
            let tables = names.iter().flat_map(|n| n.tables());
            tables.flat_map(|t| t.mark_dropped(commit)).collect()
        });
        inner.commit(request).map(|_| ())
    }

    /// Puts the rows that tables have now into others of the same columns and keys, in the place of
    /// what is there, all at one instant; parts are shared.
    ///
    /// # Errors
    /// UNKNOWN_TABLE, INCOMPATIBLE_COLUMNS; nothing happened then.
    pub fn attach(&self, attached: &[Attach]) -> Result<()> {
        self.attach_and(attached, Vec::new())
    }

    /// As [`Engine::attach`], with keys of this store or branch that are set in the same commit.
    ///
    /// # Errors
    /// As [`Engine::attach`].
    pub fn attach_and(
        &self,
        attached: &[Attach],
        values: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let mut leader = inner.commits.lead();
        inner.check_writable()?;
        let mut request = Request::default();
        for one in attached {
            one.check()?;
            share(one, &mut request)?;
        }
        if !values.is_empty() {
            request.within(self.branch);
            put_values(values, false, self.branch, &mut request);
        }
        if request.is_empty() {
            return Ok(());
        }
        let answer = inner.lead(&mut leader, vec![request]).pop();
        drop(leader);
        inner.remove_retired();
        answer.unwrap_or_else(|| Err(Error::bug("a commit got no answer")))?;
        Ok(())
    }

    fn on(&self, branch: u64) -> Engine {
        Engine {
            branch,
            ..self.clone()
        }
    }
}

fn unknown(name: &str) -> Error {
    err!(UNKNOWN_DATABASE, "Branch {name} does not exist")
}

/// Parts fit another table when rows mean the same there.
fn check_alike(from: &TableDefinition, to: &TableDefinition) -> Result<()> {
    type Column<'a> = (
        &'a String,
        &'a crate::types::DataType,
        &'a Option<(super::DefaultKind, String)>,
    );
    fn columns(d: &TableDefinition) -> Vec<Column<'_>> {
        let all = d.columns.iter();
        all.map(|c| (&c.name, &c.ty, &c.default)).collect()
    }
    let keys = |d: &TableDefinition| {
        let texts = (d.order_by.clone(), d.partition_by.clone());
        (texts, d.bucket_by.clone(), d.engine.clone())
    };
    if columns(from) == columns(to) && keys(from) == keys(to) {
        return Ok(());
    }
    Err(err!(
        INCOMPATIBLE_COLUMNS,
        "rows of {} do not fit: the table has other columns, keys or another engine here",
        from.full_name()
    ))
}

/// Adds the rows of one table to the commit; only for who has the leader's seat.
fn share(one: &Attach, request: &mut Request) -> Result<()> {
    let Attach {
        from,
        to,
        partition,
    } = one;
    let wanted = |p: &str| partition.as_deref().is_none_or(|only| only == p);
    let snapshot = from.snapshot();
    let files: Vec<_> = snapshot
        .parts
        .iter()
        .filter(|p| p.memory_block().is_none() && wanted(&p.info().partition))
        .cloned()
        .collect();
    let memory: Vec<_> = from
        .memory_parts()
        .into_iter()
        .filter(|e| wanted(&e.part.info().partition))
        .collect();
    let (uid, partition) = (to.uid(), partition.clone());
    if to.definition().engine.is_durable() {
        request.edit(Edit::Clear {
            table: uid,
            partition: partition.clone(),
        });
        for part in &files {
            request.edit(Edit::AddPart {
                table: uid,
                info: part.info().clone(),
            });
        }
        let columns = snapshot.layout.columns();
        for entry in &memory {
            let block = columns.read(&entry.part, 0..entry.part.rows())?;
            request.edit(Edit::AddRows {
                table: uid,
                info: entry.part.info().clone(),
                ids: entry.ids.clone(),
                rows: rows::encode(&block),
            });
        }
    }
    let to = Arc::clone(to);
    request.show(move |_, commit| {
        to.publish(commit, |parts, _| {
            let gone = parts.clear(partition.as_deref());
            files.into_iter().for_each(|p| parts.add_file(p));
            for entry in memory {
                parts.add_memory(entry.part, entry.ids, entry.since_micros);
            }
            gone
        })
    });
    Ok(())
}
