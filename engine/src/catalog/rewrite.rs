//! Changes of stored rows: ALTER of columns, deletes, updates.
//!
//! Parts are written anew beside the old ones while the table is used; what came meanwhile is
//! written while commits wait; then all old parts give way to the new ones in one commit.
//!
//! Invariant: readers see all rows as they were or all rows as they become.

use std::sync::Arc;
use std::time::Duration;

use super::commit::Request;
use super::drafts::{self, Draft};
use super::transaction::put_values;
use super::{Engine, Inner, Layout, Table, TableDefinition};
use crate::block::Block;
use crate::err;
use crate::error::{Error, Result};
use crate::log::Edit;
use crate::part::{Part, PartInfo};
use crate::table::claims::Claim;

/// How long a part that is busy is waited for before commits have to wait for it.
const PATIENCE: Duration = Duration::from_millis(5);
const ROUNDS_MAX: usize = 2000;

/// What becomes of a table's rows.
pub struct Rewrite<'a> {
    /// The definition afterwards; `None` keeps it.
    pub definition: Option<TableDefinition>,
    /// Whether a part has to be written anew.
    pub touches: &'a dyn Fn(&Part) -> Result<bool>,
    /// From rows of the stored columns before to rows of those after, in the same order.
    pub rows: &'a dyn Fn(Block) -> Result<Block>,
}

/// Keys to be set with a rewrite, made of the number of rows that went.
type Also<'a> = &'a dyn Fn(u64) -> Vec<(String, Option<Vec<u8>>)>;

/// The layouts before and after.
struct Shapes {
    old: Arc<Layout>,
    new: Arc<Layout>,
    durable: bool,
}

/// A part that was dealt with.
struct Done {
    part: Arc<Part>,
    ids: Vec<u64>,
    /// Whether the part goes; what comes in its place, when rows are left.
    goes: Option<Option<Draft>>,
    _claim: Option<Claim>,
}

impl Engine {
    /// Changes the stored rows of a table. Rows that come while it runs are changed as well when
    /// the definition changes, and may or may not be changed otherwise. The number of parts that
    /// were written anew.
    ///
    /// # Errors
    /// UNKNOWN_TABLE, and what reading, writing and the change itself say; nothing changed then.
    pub fn rewrite(&self, table: &Arc<Table>, rewrite: &Rewrite<'_>) -> Result<usize> {
        let version = table.versioned_layout().1;
        self.rewrite_and((table, version), rewrite, &|_| Vec::new())
    }

    /// As [`Engine::rewrite`], with keys that are set in the same commit, made of the number of rows
    /// that went.
    ///
    /// # Errors
    /// As [`Engine::rewrite`]; ABORTED when the table has not the version any more that the
    /// rewrite was made for: it has other columns or stands in another place.
    pub fn rewrite_and(
        &self,
        (table, version): (&Arc<Table>, u64),
        rewrite: &Rewrite<'_>,
        also: Also<'_>,
    ) -> Result<usize> {
        let _ddl = self.inner.ddl.lock();
        if table.versioned_layout().1 != version {
            // The rows that are meant may stand in another table now.
            return Err(err!(
                ABORTED,
                "Table {} changed its place or columns before its rows could be changed: try again",
                table.full_name()
            ));
        }
        self.inner.rewrite(table, rewrite, (self.branch, also))
    }
}

impl Inner {
    /// [`Engine::rewrite`] for those who hold the lock of catalog changes.
    pub(super) fn rewrite(
        &self,
        table: &Arc<Table>,
        rewrite: &Rewrite<'_>,
        (branch, also): (u64, Also<'_>),
    ) -> Result<usize> {
        self.check_writable()?;
        let name = table.definition();
        self.names
            .read()
            .of(table.branch())?
            .table(&name.database, &name.name)?;
        let old = table.layout();
        let new = match &rewrite.definition {
            Some(definition) => Arc::new(Layout::compile(definition, self.compiler.as_ref())?),
            None => Arc::clone(&old),
        };
        let durable = name.engine.is_durable();
        let shapes = Shapes { old, new, durable };
        let mut done: Vec<Done> = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let (found, busy) = self.rewrite_free(table, rewrite, &shapes, &mut done)?;
            if !found {
                if !busy {
                    break;
                }
                std::thread::sleep(PATIENCE);
            }
        }
        // From here on nothing commits: what is missing now is all that is missing.
        let mut leader = self.commits.lead();
        let now = table.parts_with_ids();
        done.retain(|d| now.iter().any(|(p, _)| Arc::ptr_eq(p, &d.part)));
        for (part, ids) in now {
            if !done.iter().any(|d| Arc::ptr_eq(&d.part, &part)) {
                // Who is busy with the part will find it gone.
                let goes = self.rewrite_part(&part, rewrite, &shapes)?;
                done.push(Done {
                    part,
                    ids,
                    goes,
                    _claim: None,
                });
            }
        }
        let mut request = Request::default();
        let goes = |d: &&Done| d.goes.is_some();
        let before: u64 = done.iter().filter(goes).map(|d| d.part.info().rows).sum();
        let drafts = done.iter().filter_map(|d| d.goes.as_ref()?.as_ref());
        let after: u64 = drafts.map(|d| d.info().rows).sum();
        let count = self.rewrite_request(table, rewrite, &shapes, done, &mut request)?;
        let values = also(before.saturating_sub(after));
        if !values.is_empty() {
            request.within(branch);
            put_values(values, false, branch, &mut request);
        }
        if request.is_empty() {
            return Ok(0);
        }
        let answers = self.lead(&mut leader, vec![request]);
        drop(leader);
        self.remove_retired();
        answers.into_iter().try_for_each(|a| a.map(|_| ()))?;
        Ok(count)
    }

    /// Deals with parts that nobody is busy with; whether there were any, and whether others are
    /// busy.
    fn rewrite_free(
        &self,
        table: &Arc<Table>,
        rewrite: &Rewrite<'_>,
        shapes: &Shapes,
        done: &mut Vec<Done>,
    ) -> Result<(bool, bool)> {
        let (mut found, mut busy) = (false, false);
        for (part, ids) in table.parts_with_ids() {
            if done.iter().any(|d| Arc::ptr_eq(&d.part, &part)) {
                continue;
            }
            let claim = table.claims().try_claim(&[part.info().id]);
            let still = table.parts_with_ids();
            let Some(claim) = claim else {
                busy = true;
                continue;
            };
            if !still.iter().any(|(p, _)| Arc::ptr_eq(p, &part)) {
                continue;
            }
            found = true;
            done.push(Done {
                goes: self.rewrite_part(&part, rewrite, shapes)?,
                part,
                ids,
                _claim: Some(claim),
            });
        }
        Ok((found, busy))
    }

    /// What comes in the place of a part; `None` when it stays.
    fn rewrite_part(
        &self,
        part: &Part,
        rewrite: &Rewrite<'_>,
        shapes: &Shapes,
    ) -> Result<Option<Option<Draft>>> {
        if !(rewrite.touches)(part)? {
            return Ok(None);
        }
        if !shapes.durable {
            return Err(Error::not_implemented("changing rows of a table in memory"));
        }
        let columns = shapes.old.columns();
        let mut draft: Option<Draft> = None;
        for start in (0..part.rows()).step_by(self.options.merge_block_rows.max(1)) {
            let end = part
                .rows()
                .min(start + self.options.merge_block_rows.max(1));
            let block = (rewrite.rows)(columns.read(part, start..end)?)?;
            if block.rows() == 0 {
                continue;
            }
            let writing = match &mut draft {
                Some(draft) => draft,
                None => {
                    let info = PartInfo {
                        id: self.new_part(),
                        ..part.info().clone()
                    };
                    let values = part.partition().to_vec();
                    draft.insert(Draft::create(self, &shapes.new, values, info)?)
                }
            };
            writing.write(&block, &shapes.new.key_columns(&block)?)?;
        }
        if let Some(draft) = &mut draft {
            draft.finish()?;
        }
        Ok(Some(draft))
    }

    fn rewrite_request(
        &self,
        table: &Arc<Table>,
        rewrite: &Rewrite<'_>,
        shapes: &Shapes,
        done: Vec<Done>,
        request: &mut Request,
    ) -> Result<usize> {
        let (mut removed, mut drafts, mut claims) = (Vec::new(), Vec::new(), Vec::new());
        for one in done {
            if let Some(draft) = one.goes {
                removed.extend(one.ids);
                drafts.extend(draft);
            }
            claims.extend(one._claim);
        }
        if !drafts.is_empty() {
            self.storage.sync_dir(drafts::FOLDER)?;
        }
        let definition = match &rewrite.definition {
            Some(definition) => Arc::new(definition.clone()),
            None => table.definition(),
        };
        if rewrite.definition.is_some() {
            request.edit(Edit::Define {
                table: table.uid(),
                definition: definition.encode(),
                reshaped: true,
            });
        } else if removed.is_empty() {
            return Ok(0);
        }
        if !removed.is_empty() {
            request.edit(Edit::Swap {
                table: table.uid(),
                removed: removed.clone(),
                added: drafts.iter().map(Draft::info).collect(),
            });
        }
        let count = removed.len();
        let (table, layout) = (Arc::clone(table), Arc::clone(&shapes.new));
        let reshaped = rewrite.definition.is_some();
        request.show(move |inner, commit| {
            let _claims = claims;
            // Another TTL may be among the changes.
            inner.expiries.lock().clear();
            let gone = table.redefine(commit, (definition, layout), reshaped, |parts| {
                let gone = parts.remove(&removed);
                for draft in drafts {
                    let part = draft.publish(commit);
                    part.into_iter().for_each(|p| parts.add_file(p));
                }
                gone
            });
            // Behind the change: who saw no change before it read rows, read them as they were or is told.
            table.note_change();
            if reshaped {
                inner.meanings_changed();
            }
            gone
        });
        Ok(count)
    }
}
