//! Inserts and everything that commits with them.
//!
//! Invariant: until `commit` nothing is visible, and files written so far are removed when the
//! transaction is dropped or refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::commit::{Committed, Request};
use super::drafts::{self, Draft};
use super::hold::Hold;
use super::{Engine, Inner, Table, TableEngine, since};
use crate::block::Block;
use crate::err;
use crate::error::{Error, Result};
use crate::log::{Edit, rows};
use crate::part::PartInfo;
use crate::table::Layout;
use crate::table::parts::{CROWD_MAX, CROWD_MIN};
use crate::table::split::{Run, split};

/// Rows in memory parts that one transaction may leave; what is beyond goes to files.
const MEMORY_BYTES_MAX: usize = 64 << 20;

/// Changes that happen together or not at all.
#[derive(Debug)]
pub struct Transaction {
    engine: Engine,
    tables: BTreeMap<u64, Pending>,
    values: Vec<(String, Option<Vec<u8>>)>,
    /// Whether one of the values says what a name means.
    defines: bool,
    /// Keys, and what has to be under them.
    expected: Vec<(String, Option<Vec<u8>>)>,
    token: Option<String>,
}

/// What is to happen to one table.
struct Pending {
    table: Arc<Table>,
    layout: Arc<Layout>,
    version: u64,
    clear: bool,
    held: Option<Arc<Hold>>,
    partitions: Vec<String>,
    blocks: Vec<Block>,
    rows: usize,
    bytes: usize,
    files: Vec<Draft>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows for {}", self.rows, self.table.full_name())
    }
}

impl Transaction {
    pub(super) fn new(engine: Engine) -> Self {
        Transaction {
            engine,
            tables: BTreeMap::new(),
            values: Vec::new(),
            defines: false,
            expected: Vec::new(),
            token: None,
        }
    }

    /// Adds rows. `block` has the table's stored columns, in order.
    ///
    /// # Errors
    /// What writing a part file says, when enough rows came together.
    pub fn insert(&mut self, table: &Arc<Table>, block: Block) -> Result<()> {
        let inner = Arc::clone(&self.engine.inner);
        inner.check_writable()?;
        let pending = self.pending(table);
        if block.schema() != &pending.layout.schema {
            return Err(err!(
                INCOMPATIBLE_COLUMNS,
                "rows of columns {:?} do not fit table {} of columns {:?}",
                names(block.schema()),
                table.full_name(),
                names(&pending.layout.schema)
            ));
        }
        if block.rows() == 0 || table.definition().engine == TableEngine::Null {
            return Ok(());
        }
        pending.rows += block.rows();
        pending.bytes += block.memory_bytes();
        pending.blocks.push(block);
        let full = pending.rows >= inner.options.insert_rows_max
            || pending.bytes >= inner.options.insert_bytes_max;
        if full && table.definition().engine.is_durable() {
            for run in pending.runs()? {
                pending.write(&inner, run)?;
            }
        }
        Ok(())
    }

    /// Replaces all rows of a table.
    ///
    /// # Errors
    /// As [`Transaction::insert`].
    pub fn replace(&mut self, table: &Arc<Table>, blocks: Vec<Block>) -> Result<()> {
        let pending = self.pending(table);
        pending.clear = true;
        pending.forget_rows();
        blocks.into_iter().try_for_each(|b| self.insert(table, b))
    }

    /// Removes the rows that `hold` holds; those that this transaction inserts, and those that came
    /// meanwhile, stay.
    pub fn replace_held(&mut self, hold: &Arc<Hold>) {
        self.pending(hold.table()).held = Some(Arc::clone(hold));
    }

    /// Removes the rows of one partition; rows that this transaction inserts stay.
    pub fn drop_partition(&mut self, table: &Arc<Table>, partition: &str) {
        self.pending(table).partitions.push(partition.to_string());
    }

    /// Gives the transaction a token: of all with the same one the first happens.
    pub fn token(&mut self, token: impl Into<String>) {
        self.token = Some(token.into());
    }

    /// Sets or removes a key of the key-value store.
    pub fn put(&mut self, key: &str, value: Option<Vec<u8>>) {
        self.values.push((key.to_string(), value));
    }

    /// As [`Transaction::put`], for a key that says what a name means: the catalog's version moves.
    pub fn define(&mut self, key: &str, value: Option<Vec<u8>>) {
        self.put(key, value);
        self.defines = true;
    }

    /// Moves a cursor, which is a key that says how far something was read: what was read comes with
    /// it or not at all. The commit is refused when the cursor is not at `from` any more (none: it
    /// is not there yet), so of two readers that began at one place only the first writes.
    pub fn advance(&mut self, cursor: &str, from: Option<Vec<u8>>, to: Option<Vec<u8>>) {
        self.expected.push((cursor.to_string(), from));
        self.put(cursor, to);
    }

    /// Makes everything durable and visible at one instant.
    ///
    /// # Errors
    /// ABORTED when a cursor is elsewhere; UNKNOWN_TABLE or ABORTED when a table was dropped or got other columns meanwhile,
    /// TABLE_IS_READ_ONLY when the log cannot be written; nothing happened then.
    pub fn commit(self) -> Result<Committed> {
        let inner = Arc::clone(&self.engine.inner);
        inner.check_writable()?;
        let mut request = Request::default();
        let mut files = false;
        let mut memory = 0;
        let mut holds = Vec::new();
        let tables: Vec<_> = self.tables.values().map(|p| Arc::clone(&p.table)).collect();
        let mut entered = Vec::new();
        for (_, mut pending) in self.tables {
            let durable = pending.table.definition().engine.is_durable();
            let mut runs = Vec::new();
            for run in pending.runs()? {
                let bytes = run.block.memory_bytes();
                let small = run.block.rows() < inner.options.direct_part_rows
                    && bytes < inner.options.direct_part_bytes
                    && memory + bytes <= MEMORY_BYTES_MAX;
                if durable && !small {
                    pending.write(&inner, run)?;
                } else {
                    memory += bytes;
                    runs.push(run);
                }
            }
            files |= !pending.files.is_empty();
            holds.extend(pending.held.clone());
            pending.request(&inner, runs, durable, &mut request)?;
        }
        if files {
            inner.storage.sync_dir(drafts::FOLDER)?;
        }
        request.expect_values(self.engine.branch, self.expected);
        if !self.values.is_empty() {
            let branch = self.engine.branch;
            request.within(branch);
            put_values(self.values, self.defines, branch, &mut request);
        }
        if let Some(token) = self.token {
            request.token(self.engine.branch, token);
        }
        if request.is_empty() && holds.is_empty() {
            let id = self.engine.last_commit();
            return Ok(Committed {
                id,
                duplicate: false,
            });
        }
        for table in &tables {
            entered.push(table.enter().ok_or_else(|| {
                let name = table.full_name();
                err!(
                    ABORTED,
                    "table {name} takes no rows while it is exchanged; try again"
                )
            })?);
        }
        let done = match holds.is_empty() {
            true => inner.commit(request),
            false => inner.commit_replacing(request, &holds),
        };
        drop(entered);
        inner.wake_after(files, memory);
        done
    }

    fn pending(&mut self, table: &Arc<Table>) -> &mut Pending {
        self.tables.entry(table.uid()).or_insert_with(|| {
            let (layout, version) = table.versioned_layout();
            Pending {
                table: Arc::clone(table),
                layout,
                version,
                clear: false,
                held: None,
                partitions: Vec::new(),
                blocks: Vec::new(),
                rows: 0,
                bytes: 0,
                files: Vec::new(),
            }
        })
    }
}

impl Inner {
    /// Commits `request`, with which the rows of `holds` go.
    fn commit_replacing(&self, mut request: Request, holds: &[Arc<Hold>]) -> Result<Committed> {
        // From here on nothing else commits: what is held and still there goes.
        let mut leader = self.commits.lead();
        holds.iter().try_for_each(|h| h.let_go(&mut request))?;
        let answer = self.lead(&mut leader, vec![request]).pop();
        drop(leader);
        self.remove_retired();
        answer.unwrap_or_else(|| Err(Error::bug("a commit got no answer")))
    }
}

fn names(schema: &crate::block::Schema) -> Vec<String> {
    let fields = schema.fields.iter();
    fields.map(|f| format!("{} {}", f.name, f.ty)).collect()
}

pub(super) fn put_values(
    values: Vec<(String, Option<Vec<u8>>)>,
    defines: bool,
    branch: u64,
    request: &mut Request,
) {
    for (key, value) in &values {
        request.edit(Edit::Put {
            key: key.clone(),
            value: value.clone(),
        });
    }
    request.show(move |inner, _| {
        let moved: Vec<_> = values
            .iter()
            .filter_map(|(key, value)| {
                let commit = value.as_deref().and_then(since::commit_of);
                Some((since::table_of(key)?, key.clone(), commit))
            })
            .collect();
        inner.marks_moved(branch, &moved);
        let mut all = inner.values.write();
        let shown = all.entry(branch).or_default();
        for (key, value) in values {
            match value {
                Some(value) => shown.insert(key, Arc::new(value)),
                None => shown.remove(&key),
            };
        }
        drop(all);
        if defines {
            inner.meanings_changed();
        }
        Vec::new()
    });
}

impl Pending {
    fn forget_rows(&mut self) {
        self.blocks.clear();
        self.files.clear();
        (self.rows, self.bytes) = (0, 0);
    }

    /// The collected rows, sorted, by partition and bucket.
    fn runs(&mut self) -> Result<Vec<Run>> {
        let blocks = std::mem::take(&mut self.blocks);
        (self.rows, self.bytes) = (0, 0);
        let block = Block::concat(Arc::clone(&self.layout.schema), &blocks)?;
        split(&self.layout, &block)
    }

    fn write(&mut self, inner: &Inner, run: Run) -> Result<()> {
        let info = info_of(inner, &run);
        self.files
            .push(Draft::of_run(inner, &self.layout, run, info)?);
        Ok(())
    }

    /// Adds everything about the table to the commit.
    fn request(
        self,
        inner: &Inner,
        runs: Vec<Run>,
        durable: bool,
        request: &mut Request,
    ) -> Result<()> {
        let (uid, layout) = (self.table.uid(), self.layout);
        if self.held.is_some() {
            request.expect(uid, self.version);
        }
        let nothing = !self.clear && self.partitions.is_empty();
        if nothing && runs.is_empty() && self.files.is_empty() {
            return Ok(());
        }
        request.expect(uid, self.version);
        let clears: Vec<Option<String>> = match self.clear {
            true => vec![None],
            false => self.partitions.into_iter().map(Some).collect(),
        };
        let runs: Vec<(PartInfo, Run)> =
            runs.into_iter().map(|r| (info_of(inner, &r), r)).collect();
        if durable {
            for partition in &clears {
                request.edit(Edit::Clear {
                    table: uid,
                    partition: partition.clone(),
                });
            }
            for file in &self.files {
                request.edit(Edit::AddPart {
                    table: uid,
                    info: file.info(),
                });
            }
            for (info, run) in &runs {
                request.edit(Edit::AddRows {
                    table: uid,
                    info: info.clone(),
                    ids: vec![info.id],
                    rows: rows::encode(&run.block),
                });
            }
        }
        let memory = runs
            .into_iter()
            .map(|(info, run)| run.into_part(&layout, info))
            .collect::<Result<Vec<_>>>()?;
        let (table, files) = (self.table, self.files);
        request.show(move |inner, commit| {
            let now = inner.now();
            table.publish(commit, |parts, _| {
                let gone = clears.iter().flat_map(|c| parts.clear(c.as_deref()));
                let gone: Vec<_> = gone.collect();
                for file in files {
                    file.publish(commit)
                        .into_iter()
                        .for_each(|p| parts.add_file(p));
                }
                for part in memory {
                    let (id, part) = (part.info().id, part.at_commit(commit));
                    let at = parts.add_memory(Arc::new(part), vec![id], now);
                    let busy = (table.claims(), table.marks());
                    match parts.crowd_at(at, &layout, busy) {
                        0..CROWD_MIN => {}
                        CROWD_MIN..CROWD_MAX if inner.options.background => inner.crowded(&table),
                        _ => parts.gather(at, &layout, busy),
                    }
                }
                gone
            })
        });
        Ok(())
    }
}

/// What is known of a run before it is a part.
fn info_of(inner: &Inner, run: &Run) -> PartInfo {
    PartInfo {
        id: inner.new_part(),
        partition: run.partition.clone(),
        bucket: run.bucket,
        rows: run.block.rows() as u64,
        uncompressed_bytes: run.block.memory_bytes() as u64,
        bytes: run.block.memory_bytes() as u64,
        ..PartInfo::default()
    }
}
