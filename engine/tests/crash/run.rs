//! A run of a scenario, with what it acknowledged.
//!
//! Invariant: `known` holds exactly what the store said yes to; what nobody heard the end of is `maybe`.

use std::sync::Arc;

use super::support::*;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::catalog::{ColumnDefinition, CreateMode, Engine, Table, TableDefinition};
use roost_engine::clock::TestClock;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::options::Options;
use roost_engine::storage::Storage;
use roost_engine::types::DataType;

/// A run of a scenario: the engine, and what it acknowledged.
pub(crate) struct Run {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) engine: Option<Engine>,
    /// What is acknowledged.
    pub(crate) known: World,
    /// What may be there as well: an operation whose end nobody heard of.
    pub(crate) maybe: Option<World>,
    pub(crate) tokens: Vec<String>,
    /// Whether errors that are not the end are passed over.
    pub(crate) goes_on: bool,
}

pub(crate) type Change<'a> = &'a dyn Fn(&mut World);

impl Run {
    pub(crate) fn start(storage: Arc<dyn Storage>, goes_on: bool) -> Result<Run> {
        let mut run = Run {
            storage,
            options: small(),
            clock: Arc::new(TestClock::at(0)),
            engine: None,
            known: World::default(),
            maybe: None,
            tokens: Vec::new(),
            goes_on,
        };
        let mut fresh = World::default();
        fresh.databases.push("default".into());
        run.maybe = Some(fresh.clone());
        run.engine = Some(open_at(&run.storage, &run.options, &run.clock)?);
        run.known = fresh;
        run.maybe = None;
        Ok(run)
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Does something that changes the world.
    pub(crate) fn act(
        &mut self,
        change: Change<'_>,
        act: impl FnOnce(&Engine) -> Result<()>,
    ) -> Result<()> {
        let mut after = self.known.clone();
        change(&mut after);
        match act(self.engine()) {
            Ok(()) => {
                self.known = after;
                Ok(())
            }
            Err(e) if self.goes_on && self.engine().failure().is_none() => {
                expected_error(&e);
                Ok(())
            }
            Err(e) => {
                self.maybe = Some(after);
                Err(e)
            }
        }
    }

    /// Does something that changes nothing that a reader sees.
    pub(crate) fn keep(&mut self, act: impl FnOnce(&Engine) -> Result<()>) -> Result<()> {
        self.act(&|_| {}, act)
    }

    pub(crate) fn create(&mut self, name: &str) -> Result<()> {
        let full = format!("default.{name}");
        self.act(
            &|w| {
                w.tables.insert(full.clone(), Vec::new());
            },
            |e| {
                e.create_table(definition(name), CreateMode::OrReplace)
                    .map(|_| ())
            },
        )
    }

    pub(crate) fn insert(
        &mut self,
        targets: &[(&str, Vec<Row>)],
        token: Option<&str>,
    ) -> Result<()> {
        if token.is_some_and(|t| self.tokens.iter().any(|u| u == t)) {
            return self.keep(|e| {
                let done = commit_inserts(e, targets, token)?;
                assert!(done, "a used token changes nothing");
                Ok(())
            });
        }
        let before = self.known.clone();
        self.act(
            &|w| {
                for (name, rows) in targets {
                    if let Some(table) = w.tables.get_mut(&format!("default.{name}")) {
                        table.extend(rows.iter().cloned());
                        table.sort();
                    }
                }
                if let Some(token) = token {
                    w.values.insert(format!("token/{token}"), vec![1]);
                }
            },
            |e| commit_inserts(e, targets, token).map(|_| ()),
        )?;
        if let Some(token) = token
            && before != self.known
        {
            self.tokens.push(token.to_string());
        }
        Ok(())
    }

    pub(crate) fn table(&self, name: &str) -> Result<Arc<Table>> {
        let found = self.engine().table("default", name);
        found.ok_or_else(|| Error::new(Code::UNKNOWN_TABLE, name))
    }

    pub(crate) fn background(&mut self) -> Result<()> {
        self.keep(|e| e.run_background_once().map(|_| ()))
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(&mut self, clean: bool) -> Result<()> {
        if clean {
            let closed = self.engine().shutdown();
            if !self.goes_on {
                closed?;
            }
        }
        self.engine = None;
        let opened = open_at(&self.storage, &self.options, &self.clock);
        if opened.is_err() {
            self.maybe = Some(self.known.clone());
        }
        self.engine = Some(opened?);
        Ok(())
    }
}

pub(crate) fn commit_inserts(
    e: &Engine,
    targets: &[(&str, Vec<Row>)],
    token: Option<&str>,
) -> Result<bool> {
    let mut tx = e.begin();
    for (name, rows) in targets {
        if let Some(table) = e.table("default", name) {
            tx.insert(&table, block(rows))?;
        }
    }
    if let Some(token) = token {
        tx.put(&format!("token/{token}"), Some(vec![1]));
        tx.token(token);
    }
    Ok(tx.commit()?.duplicate)
}

pub(crate) fn table_of(e: &Engine, name: &str) -> Result<Arc<Table>> {
    let found = e.table("default", name);
    found.ok_or_else(|| Error::new(Code::UNKNOWN_TABLE, name))
}

/// A table whose rows go at `d`.
pub(crate) fn timed() -> TableDefinition {
    let mut timed = definition("t");
    let until = ColumnDefinition::new("d", DataType::DateTime(None));
    timed.columns.push(until);
    timed.ttl = Some("d".into());
    timed
}

/// Rows of one partition that say their batch.
pub(crate) fn timed_rows(batch: u64) -> Vec<Row> {
    (0..60).map(|i| (3 * i, format!("{batch}-{i}"))).collect()
}

/// Rows of even keys go at the first time, others at the second.
pub(crate) fn timed_block(rows: &[Row], (even, odd): (u32, u32)) -> Block {
    let plain = block(rows);
    let until = rows.iter().map(|r| if r.0 % 2 == 0 { even } else { odd });
    let until = Column::native(until.collect::<Vec<u32>>());
    let mut fields = plain.schema().fields.clone();
    fields.push(Field::new("d", DataType::DateTime(None)));
    let columns = vec![plain.column(0).clone(), plain.column(1).clone(), until];
    Block::new(Schema::new(fields), columns, rows.len()).unwrap()
}

/// Errors that faults may cause; anything else is a bug.
pub(crate) fn expected_error(e: &Error) {
    let codes = [
        Code::CANNOT_OPEN_FILE,
        Code::CANNOT_READ_FROM_FILE_DESCRIPTOR,
        Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
        Code::CANNOT_FSYNC,
        Code::NOT_ENOUGH_SPACE,
        Code::TABLE_IS_READ_ONLY,
        Code::UNKNOWN_TABLE,
        Code::UNKNOWN_DATABASE,
    ];
    assert!(codes.contains(&e.code()), "{e:?}");
}
