//! The rows of a data source move to a table with other keys.
//!
//! A table beside the old one is filled while rows go on coming; what came meanwhile follows, the last of
//! it while inserts wait, and then the tables change places.
//!
//! Invariant: under its name the data source has every row once at every instant, also over a power cut:
//! until the tables change places the new one is nobody's, and afterwards the old one is.

use std::cell::Cell;
use std::sync::Arc;

use roost::interpret::WriteOptions;
use roost::session::QueryRequest;
use roost_engine::catalog::Table;
use roost_engine::error::Code;

use crate::project::ddl::create_table_sql;
use crate::project::ingest::{implicit_columns, no_table};
use crate::project::model::DataSource;
use crate::project::state::Project;
use crate::project::{ProjectError, Result, StoredColumn};
use crate::store::{Store, quoted, timestamp};
use crate::tokens::new_uuid;

/// What stands between the name of a data source and a number, in the name of the table that its rows
/// move to.
const FRESH: &str = "__moved_";
/// Who has read the rows that moved already.
const READER: &str = "moved";
/// How often rows that came meanwhile follow before inserts wait.
const ROUNDS: usize = 4;
/// So few bytes follow while inserts wait.
const FEW_BYTES: u64 = 4 << 20;

/// Removes what moves that the end of the server interrupted have left.
pub(in crate::project) fn sweep(store: &Store) -> Result<()> {
    let is_number = |n: &str| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit());
    for table in store.database().engine().tables() {
        let definition = table.definition();
        let number = definition.name.rsplit_once(FRESH).map(|(_, number)| number);
        if definition.database == store.data() && number.is_some_and(is_number) {
            drop_table(store, &definition.name)?;
        }
    }
    forget(store)
}

fn drop_table(store: &Store, name: &str) -> Result<()> {
    Ok(store.execute(&format!("DROP TABLE IF EXISTS {}", store.at(name)))?)
}

/// Forgets how far rows have moved: no move is under way.
fn forget(store: &Store) -> Result<()> {
    let marks = store.database().engine().readers(|r| r == READER);
    match marks.is_empty() {
        true => Ok(()),
        false => Ok(store.save_all(marks.into_iter().map(|(key, _)| (key, None)).collect())?),
    }
}

/// A move.
struct Move<'a> {
    project: &'a Arc<Project>,
    old: Arc<Table>,
    source: DataSource,
    /// The table beside the old one.
    fresh: String,
    /// The rows, as an INSERT into it.
    insert: Option<String>,
    /// Whether the rows that come later can be added to those before.
    adds: bool,
    /// The columns that the old table had.
    version: u64,
    moved: Cell<Moved>,
}

/// The rows that were read of the old table.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    /// The commit up to which they were.
    commit: u64,
    rows: u64,
    /// How often rows of the old table had been deleted or changed before the first of them was read.
    changes: u64,
}

impl Project {
    /// Makes the table of a data source anew beside the old one, fills it, and lets them change places.
    pub(super) fn move_rows(
        self: &Arc<Self>,
        name: &str,
        wanted: DataSource,
        forward: Option<&str>,
    ) -> Result<()> {
        let old = self.store.table(name).ok_or_else(|| no_table(name))?;
        let fresh = format!("{name}{FRESH}{}", new_uuid().replace('-', ""));
        let insert = self.insert_of(name, &wanted, &fresh, forward);
        let moving = Move {
            project: self,
            old: Arc::clone(&old),
            source: wanted,
            fresh: fresh.clone(),
            insert,
            adds: forward.is_none(),
            version: old.versioned_layout().1,
            moved: Cell::default(),
        };
        let moved = moving.run(name);
        if moved.is_err() {
            self.store.release_cursors(&old)?;
        }
        // Whichever of the two it is, nothing reads it any more.
        if let Err(e) = drop_table(&self.store, &fresh).and_then(|()| forget(&self.store)) {
            tracing::error!("cannot remove {fresh}, which goes with the next start: {e}");
        }
        moved
    }

    /// The INSERT that fills the new table, through FORWARD_QUERY or by the names of the columns.
    fn insert_of(
        &self,
        name: &str,
        wanted: &DataSource,
        fresh: &str,
        forward: Option<&str>,
    ) -> Option<String> {
        let to = self.store.at(fresh);
        let own: Vec<&StoredColumn> = wanted.columns.iter().filter(|c| !c.is_computed()).collect();
        if let Some(query) = forward {
            let list: Vec<String> = own.iter().map(|c| quoted(&c.name)).collect();
            let list = list.join(", ");
            let query = query.trim().trim_end_matches(';');
            return Some(format!(
                "INSERT INTO {to} ({list}) SELECT {list} FROM ({query})"
            ));
        }
        let state = self.snapshot();
        let old = state.data_source(name);
        let old_implicit: Vec<_> = old.iter().flat_map(|d| implicit_columns(d)).collect();
        let old_columns = old.iter().flat_map(|d| &d.columns).chain(&old_implicit);
        let old_columns: Vec<&String> = old_columns.map(|c| &c.name).collect();
        let implicit = implicit_columns(wanted);
        let kept = own.into_iter().chain(&implicit);
        let kept = kept.filter(|c| old_columns.contains(&&c.name));
        let list: Vec<String> = kept.map(|c| quoted(&c.name)).collect();
        let list = list.join(", ");
        let from = self.store.at(name);
        (!list.is_empty()).then(|| format!("INSERT INTO {to} ({list}) SELECT {list} FROM {from}"))
    }
}

impl Move<'_> {
    fn run(&self, name: &str) -> Result<()> {
        let store = &self.project.store;
        self.widen_quarantine(name)?;
        store.execute(&create_table_sql(store, &self.source, &self.fresh))?;
        for round in 0..ROUNDS {
            if self.follow(round == 0)? <= FEW_BYTES || !self.adds {
                break;
            }
        }
        // From here on nothing is read into the old table.
        store.hold_cursors(&self.old)?;
        self.project.change(|state, store| {
            let _closed = self.old.close();
            if self.old.versioned_layout().1 != self.version {
                return Err(ProjectError::Bad(format!(
                    "the columns of {name} changed while its rows moved to another key; build again"
                )));
            }
            let new = store
                .table(&self.fresh)
                .ok_or_else(|| no_table(&self.fresh))?;
            let before = state.data_source(name).ok_or_else(|| no_table(name))?;
            let next = DataSource {
                id: before.id.clone(),
                name: before.name.clone(),
                created_at: before.created_at.clone(),
                shared_with: before.shared_with.clone(),
                updated_at: timestamp(),
                ..self.source.clone()
            };
            let full = |name: &str| (store.data().to_owned(), name.to_owned());
            let engine = store.database().engine();
            // Rows may still be deleted until the tables change places: then all move once more.
            loop {
                self.catch_up(store)?;
                let mut values = store.moved_cursors(&self.old, &new);
                values.push(store.entry("datasource", &next.id, Some(&next))?);
                let (a, b) = (full(name), full(&self.fresh));
                match engine.exchange_fenced(&a, &b, values, &|| self.is_unchanged()) {
                    Err(e) if e.code() == Code::ABORTED && !self.is_unchanged() => {}
                    done => break done?,
                }
            }
            state.data_sources.insert(next.name.clone(), Arc::new(next));
            Ok(())
        })
    }

    /// Makes the new table hold what the old one holds, which nothing comes into.
    fn catch_up(&self, store: &Store) -> Result<()> {
        let stays = self.what_moved_is_there();
        if !stays || !self.adds && self.late_bytes()? > 0 {
            store.execute(&format!("TRUNCATE TABLE {}", store.at(&self.fresh)))?;
            self.follow(true)?;
        } else if self.adds {
            self.follow(false)?;
        }
        Ok(())
    }

    /// Whether no row was deleted or changed since the first of those that moved was read.
    fn is_unchanged(&self) -> bool {
        self.old.changes() == self.moved.get().changes
    }

    /// Bytes of the rows that have not moved yet.
    fn late_bytes(&self) -> Result<u64> {
        let since = self
            .project
            .store
            .database()
            .engine()
            .since(&self.old, READER)?;
        let parts = since.snapshot().parts.iter();
        // A part of few rows may say that it has no bytes.
        Ok(parts.map(|p| p.info().bytes.max(1)).sum())
    }

    /// Whether no row was deleted, changed or replaced after it had moved. Merges that make one row of several
    /// look alike: then it is taken for no.
    fn what_moved_is_there(&self) -> bool {
        let moved = self.moved.get();
        let snapshot = self.old.snapshot();
        let infos = snapshot.parts.iter().map(|p| p.info());
        let before = infos.filter(|i| i.max_block <= moved.commit);
        self.is_unchanged() && before.map(|i| i.rows).sum::<u64>() == moved.rows
    }

    /// Moves all rows, or those that have not moved yet; the bytes of those that came meanwhile.
    fn follow(&self, all: bool) -> Result<u64> {
        let engine = self.project.store.database().engine();
        let before = match all {
            true => Moved {
                changes: self.old.changes(),
                ..Moved::default()
            },
            false => self.moved.get(),
        };
        let since = match all {
            true => engine.since_ever(&self.old, READER)?,
            false => engine.since(&self.old, READER)?,
        };
        let rows: u64 = since.snapshot().parts.iter().map(|p| p.info().rows).sum();
        self.moved.set(Moved {
            commit: since.snapshot().commit,
            rows: before.rows + rows,
            ..before
        });
        let Some(insert) = &self.insert else {
            return Ok(0);
        };
        let write = WriteOptions {
            since: Some(Arc::new(since)),
            ..WriteOptions::default()
        };
        self.project.store.run(QueryRequest {
            sql: insert.clone(),
            write,
            ..QueryRequest::default()
        })?;
        self.late_bytes()
    }

    /// Rows that were set aside stay where they are: their table gets the columns that are new.
    fn widen_quarantine(&self, name: &str) -> Result<()> {
        let state = self.project.snapshot();
        let Some(source) = state.data_source(name) else {
            return Ok(());
        };
        let columns = self.source.columns.iter().map(|c| {
            format!(
                "ADD COLUMN IF NOT EXISTS {} Nullable(String)",
                quoted(&c.name)
            )
        });
        let columns: Vec<String> = columns.collect();
        let store = &self.project.store;
        let table = store.at(&source.quarantine());
        Ok(store.execute(&format!("ALTER TABLE {table} {}", columns.join(", ")))?)
    }
}
