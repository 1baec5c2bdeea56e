//! Reading a table bit by bit: each time the rows that came since the last.
//!
//! How far a reader has come is a commit number under a key of the store, set in the commit of what was
//! made of the rows ([`Transaction::come_to`]): both are there or neither. The table's parts are not
//! put together across it (see [`Marks`](crate::table::marks::Marks)).
//!
//! Invariant: every row that was inserted is in what one reader is given exactly once, however the table
//! is flushed, merged, mutated or opened again between; rows that are deleted before are in none.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Engine, Snapshot, Table, Transaction, Values};
use crate::err;
use crate::error::{Code, Error, Result};
use crate::table::marks::Reading;

/// What keys of marks begin with; behind it are the table's number and the reader's name.
const PREFIX: &str = "mark/";

/// The rows of a table that a reader has not had.
#[derive(Debug)]
pub struct Since {
    table: Arc<Table>,
    snapshot: Arc<Snapshot>,
    key: String,
    to: u64,
    is_first: bool,
    _reading: Reading,
}

impl Since {
    /// The table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The rows.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The key of the reader's mark.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the reader had none before.
    pub fn is_first(&self) -> bool {
        self.is_first
    }
}

/// Where a reader stands in the table of that number.
fn key_of(reader: &str, table: u64) -> String {
    format!("{PREFIX}{table:x}/{reader}")
}

/// The table's number in a key of a mark.
pub(super) fn table_of(key: &str) -> Option<u64> {
    let (table, _) = key.strip_prefix(PREFIX)?.split_once('/')?;
    u64::from_str_radix(table, 16).ok()
}

/// The commit that the value of a mark's key names.
pub(super) fn commit_of(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_le_bytes)
}

/// The marks among the keys of a branch, by table.
pub(super) fn marks_of(values: &Values) -> BTreeMap<u64, Vec<(String, u64)>> {
    let mut out: BTreeMap<u64, Vec<(String, u64)>> = BTreeMap::new();
    let keys = values.range(PREFIX.to_owned()..);
    for (key, value) in keys.take_while(|(key, _)| key.starts_with(PREFIX)) {
        if let (Some(table), Some(commit)) = (table_of(key), commit_of(value)) {
            out.entry(table).or_default().push((key.clone(), commit));
        }
    }
    out
}

impl Engine {
    /// The rows of a table that the reader of that name has not had. Nobody else reads under the name
    /// until what is returned goes.
    ///
    /// # Errors
    /// ABORTED while somebody does.
    pub fn since(&self, table: &Arc<Table>, reader: &str) -> Result<Since> {
        self.read(table, reader, false)
    }

    /// All rows of a table, from which a reader goes on afterwards.
    ///
    /// # Errors
    /// As [`Engine::since`].
    pub fn since_ever(&self, table: &Arc<Table>, reader: &str) -> Result<Since> {
        self.read(table, reader, true)
    }

    /// The keys of all readers for whom `wanted` holds, and of the tables that they read.
    pub fn readers(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
        let all = self.scan(PREFIX).into_iter();
        let all = all.filter_map(|(key, _)| {
            let table = table_of(&key)?;
            let reader = key.splitn(3, '/').nth(2)?;
            wanted(reader).then_some((key.clone(), table))
        });
        all.collect()
    }

    fn read(&self, table: &Arc<Table>, reader: &str, from_start: bool) -> Result<Since> {
        let key = key_of(reader, table.uid());
        let reading = table.begin_reading(&key).ok_or_else(|| {
            err!(
                ABORTED,
                "somebody reads the new rows of {} for {reader} already",
                table.full_name()
            )
        });
        let (snapshot, reading) = reading?;
        // Nobody moves it while it is read.
        let from = self.get(&key).as_deref().and_then(commit_of);
        let to = snapshot.commit;
        let since = from.filter(|_| !from_start).unwrap_or(0);
        let mut parts = Vec::new();
        for part in &snapshot.parts {
            let info = part.info();
            if info.min_block > since {
                parts.push(Arc::clone(part));
            } else if info.max_block > since {
                return Err(Error::new(
                    Code::CORRUPTED_DATA,
                    format!(
                        "part {} of {} holds rows on both sides of commit {since}, up to which {reader} \
                         has read",
                        info.id,
                        table.full_name()
                    ),
                ));
            }
        }
        Ok(Since {
            snapshot: Arc::new(snapshot.of_parts(parts)),
            table: Arc::clone(table),
            key,
            to: to.max(since),
            is_first: from.is_none(),
            _reading: reading,
        })
    }
}

impl Transaction {
    /// The reader has had these rows once the transaction is committed.
    pub fn come_to(&mut self, since: &Since) {
        self.put(&since.key, Some(since.to.to_le_bytes().to_vec()));
    }
}
