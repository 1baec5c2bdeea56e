//! Checkpoints: a new segment of the log that begins with everything that holds.
//!
//! Invariant: while one is written nothing commits, so it says exactly what the log said.

use super::super::Inner;
use super::super::commit::{Leader, read_only};
use crate::error::Result;
use crate::log::record::put_edit;
use crate::log::segment::{self, Draft};
use crate::log::{Edit, Record, rows};
use crate::table::Table;

impl Inner {
    /// Writes a checkpoint and removes the segment before it.
    pub(in crate::catalog) fn checkpoint(&self) -> Result<()> {
        let mut leader = self.commits.lead();
        self.check_writable()?;
        let record = self.checkpoint_record(&leader)?;
        let old = leader.segment.number();
        let sequence = leader.segment.next_sequence();
        // Until the new segment has its name the old one is the truth, and an error is only that.
        let draft = Draft::write(&self.storage, old + 1, sequence, record)?;
        leader.checkpoint_bytes = draft.bytes();
        leader.segment = draft
            .publish(&self.storage)
            .map_err(|e| self.fail(read_only(&e)))?;
        leader.unsealed = None;
        drop(leader);
        // A segment that stays is swept when the store is opened.
        let _ = self.storage.remove(&segment::path(old));
        Ok(())
    }

    fn checkpoint_record(&self, leader: &Leader) -> Result<Vec<u8>> {
        let (mut count, mut edits) = (0, Vec::new());
        let mut put = |edit: Edit| {
            count += 1;
            put_edit(&mut edits, &edit);
        };
        let names = self.names.read().clone();
        let values = self.values.read();
        for (branch, names) in names.branches {
            if let Some(state) = leader.state.branches.get(&branch) {
                put(Edit::Branch {
                    number: branch,
                    name: state.name.clone(),
                    lineage: state.lineage.clone(),
                    copy: None,
                });
                put(Edit::Within { branch });
            }
            for name in names.databases.keys().cloned() {
                put(Edit::Database {
                    name,
                    present: true,
                });
            }
            for table in names.tables() {
                put_table(table, &mut put)?;
            }
            for (key, value) in values.get(&branch).into_iter().flatten() {
                put(Edit::Put {
                    key: key.clone(),
                    value: Some(value.as_ref().clone()),
                });
            }
        }
        drop(values);
        for (token, commit) in leader.state.tokens.iter() {
            put(Edit::Token {
                token: token.to_string(),
                commit,
            });
        }
        put(Edit::Counters {
            part: leader.state.next_part,
            table: leader.state.next_table,
        });
        Ok(Record::encode_raw(leader.state.commit, count, &edits))
    }
}

fn put_table(table: &Table, put: &mut impl FnMut(Edit)) -> Result<()> {
    let (uid, snapshot) = (table.uid(), table.snapshot());
    put(Edit::Define {
        table: uid,
        definition: snapshot.definition.encode(),
        reshaped: true,
    });
    if !snapshot.definition.engine.is_durable() {
        return Ok(());
    }
    for part in snapshot.parts.iter().filter(|p| p.memory_block().is_none()) {
        put(Edit::AddPart {
            table: uid,
            info: part.info().clone(),
        });
    }
    let columns = snapshot.layout.columns();
    for entry in table.memory_parts() {
        let part = &entry.part;
        let block = columns.read(part, 0..part.rows())?;
        put(Edit::AddRows {
            table: uid,
            info: part.info().clone(),
            ids: entry.ids,
            rows: rows::encode(&block),
        });
    }
    Ok(())
}
