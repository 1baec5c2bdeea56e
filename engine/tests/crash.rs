//! Power cuts and failing calls at every point of every scenario.
//!
//! A scenario runs once to count its calls; then once for each call that changes the disk, with the
//! power cut there, and the disk as it may be found afterwards is opened by the ordinary recovery.
//! The oracle stands outside of the store: what was acknowledged must be there, what was under way
//! is wholly there or wholly absent, and a second recovery changes nothing.
//!
//! `ROOST_CRASH_FULL=1` cuts at every call and looks at more disks; by default a part is sampled.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod support;

use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::catalog::{
    Attach, ColumnDefinition, CreateMode, Engine, NewBranch, Rewrite, Table, TableDefinition,
};
use roost_engine::clock::TestClock;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::options::Options;
use roost_engine::storage::Storage;
use roost_engine::storage::faulty::{Call, CallKind, Fault, FaultyStorage, Image};
use roost_engine::types::DataType;
use support::*;

/// A run of a scenario: the engine, and what it acknowledged.
struct Run {
    storage: Arc<dyn Storage>,
    options: Options,
    clock: Arc<TestClock>,
    engine: Option<Engine>,
    /// What is acknowledged.
    known: World,
    /// What may be there as well: an operation whose end nobody heard of.
    maybe: Option<World>,
    tokens: Vec<String>,
    /// Whether errors that are not the end are passed over.
    goes_on: bool,
}

type Change<'a> = &'a dyn Fn(&mut World);

impl Run {
    fn start(storage: Arc<dyn Storage>, goes_on: bool) -> Result<Run> {
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

    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Does something that changes the world.
    fn act(&mut self, change: Change<'_>, act: impl FnOnce(&Engine) -> Result<()>) -> Result<()> {
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
    fn keep(&mut self, act: impl FnOnce(&Engine) -> Result<()>) -> Result<()> {
        self.act(&|_| {}, act)
    }

    fn create(&mut self, name: &str) -> Result<()> {
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

    fn insert(&mut self, targets: &[(&str, Vec<Row>)], token: Option<&str>) -> Result<()> {
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

    fn table(&self, name: &str) -> Result<Arc<Table>> {
        let found = self.engine().table("default", name);
        found.ok_or_else(|| Error::new(Code::UNKNOWN_TABLE, name))
    }

    fn background(&mut self) -> Result<()> {
        self.keep(|e| e.run_background_once().map(|_| ()))
    }

    /// Closes the store and opens it again.
    fn reopen(&mut self, clean: bool) -> Result<()> {
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

fn commit_inserts(e: &Engine, targets: &[(&str, Vec<Row>)], token: Option<&str>) -> Result<bool> {
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

fn table_of(e: &Engine, name: &str) -> Result<Arc<Table>> {
    let found = e.table("default", name);
    found.ok_or_else(|| Error::new(Code::UNKNOWN_TABLE, name))
}

/// A table whose rows go at `d`.
fn timed() -> TableDefinition {
    let mut timed = definition("t");
    let until = ColumnDefinition::new("d", DataType::DateTime(None));
    timed.columns.push(until);
    timed.ttl = Some("d".into());
    timed
}

/// Rows of one partition that say their batch.
fn timed_rows(batch: u64) -> Vec<Row> {
    (0..60).map(|i| (3 * i, format!("{batch}-{i}"))).collect()
}

/// Rows of even keys go at the first time, others at the second.
fn timed_block(rows: &[Row], (even, odd): (u32, u32)) -> Block {
    let plain = block(rows);
    let until = rows.iter().map(|r| if r.0 % 2 == 0 { even } else { odd });
    let until = Column::native(until.collect::<Vec<u32>>());
    let mut fields = plain.schema().fields.clone();
    fields.push(Field::new("d", DataType::DateTime(None)));
    let columns = vec![plain.column(0).clone(), plain.column(1).clone(), until];
    Block::new(Schema::new(fields), columns, rows.len()).unwrap()
}

/// Errors that faults may cause; anything else is a bug.
fn expected_error(e: &Error) {
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

type Scenario = (&'static str, fn(&mut Run) -> Result<()>);

const SCENARIOS: &[Scenario] = &[
    ("insert", |run| {
        run.create("t")?;
        for (i, n) in [1, 5, 200, 3, 60, 170].into_iter().enumerate() {
            run.insert(&[("t", rows(i as u64, n, "i"))], None)?;
        }
        Ok(())
    }),
    ("cascade", |run| {
        ["base", "view", "other"]
            .iter()
            .try_for_each(|t| run.create(t))?;
        for i in 0..4u64 {
            let targets = [
                ("base", rows(i, 4 + i * 60, "b")),
                ("view", rows(i, 2, "v")),
                ("other", rows(i, 100, "o")),
            ];
            run.insert(&targets, Some(&format!("c{i}")))?;
        }
        Ok(())
    }),
    ("flush", |run| {
        run.create("t")?;
        for i in 0..6 {
            run.insert(&[("t", rows(i, 9, "i"))], None)?;
            if i % 2 == 1 {
                run.keep(Engine::flush)?;
            }
        }
        run.clock.advance(60_000_000);
        run.background()?;
        run.insert(&[("t", rows(0, 2, "last"))], None)
    }),
    ("merge", |run| {
        run.create("t")?;
        for i in 0..4 {
            run.insert(&[("t", rows(i, 160, "i"))], None)?;
            run.background()?;
        }
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, Some("1"), true))?;
        run.insert(&[("t", rows(0, 2, "last"))], None)?;
        run.keep(|e| e.optimize(&table, None, true))
    }),
    ("ddl", |run| {
        run.act(&|w| w.databases.push("other".into()), |e| {
            e.create_database("other", false)
        })?;
        ["a", "b"].iter().try_for_each(|t| run.create(t))?;
        run.insert(&[("a", rows(0, 5, "a")), ("b", rows(0, 170, "b"))], None)?;
        let name = |n: &str| ("default".to_string(), n.to_string());
        run.act(
            &|w| {
                let a = w.tables.remove("default.a").unwrap_or_default();
                if let Some(b) = w.tables.insert("default.a".into(), Vec::new()) {
                    unreachable!("{b:?}");
                }
                let b = w.tables.insert("default.b".into(), a).unwrap_or_default();
                w.tables.insert("default.a".into(), b);
            },
            |e| e.exchange(&name("a"), &name("b")),
        )?;
        run.act(
            &|w| {
                let a = w.tables.remove("default.a").unwrap_or_default();
                w.tables.insert("other.c".into(), a);
            },
            |e| e.rename(&[(name("a"), ("other".into(), "c".into()))]),
        )?;
        run.create("b")?;
        run.insert(&[("b", rows(9, 3, "new"))], None)?;
        run.act(
            &|w| {
                w.tables.remove("default.b");
            },
            |e| e.drop_table("default", "b"),
        )?;
        run.act(
            &|w| {
                w.tables.remove("other.c");
                w.databases.retain(|d| d != "other");
            },
            |e| e.drop_database("other", false),
        )
    }),
    ("checkpoint", |run| {
        run.create("t")?;
        for i in 0..5u8 {
            run.insert(
                &[("t", rows(i.into(), 7 + u64::from(i) * 40, "i"))],
                Some(&format!("t{i}")),
            )?;
            run.act(
                &|w| {
                    w.values.insert("k".into(), vec![i]);
                },
                |e| {
                    let mut tx = e.begin();
                    tx.put("k", Some(vec![i]));
                    tx.commit().map(|_| ())
                },
            )?;
            run.keep(Engine::checkpoint)?;
        }
        run.reopen(true)?;
        run.insert(&[("t", rows(0, 7, "again"))], Some("t2"))?;
        run.insert(&[("t", rows(50, 7, "last"))], None)
    }),
    ("replace", |run| {
        run.create("t")?;
        run.insert(&[("t", rows(0, 9, "old"))], None)?;
        for n in [170, 5, 0] {
            let mut new = rows(0, n, "new");
            new.sort();
            let table = run.table("t")?;
            run.insert(&[("t", rows(0, 200, "old"))], None)?;
            run.act(
                &|w| {
                    w.tables.insert("default.t".into(), new.clone());
                },
                |e| {
                    let mut tx = e.begin();
                    tx.replace(&table, vec![block(&new)])?;
                    tx.commit().map(|_| ())
                },
            )?;
        }
        run.insert(&[("t", rows(0, 200, "last"))], None)?;
        let table = run.table("t")?;
        run.act(
            &|w| {
                if let Some(t) = w.tables.get_mut("default.t") {
                    t.retain(|r| r.0 % 3 != 2);
                }
            },
            |e| {
                let mut tx = e.begin();
                tx.drop_partition(&table, "2");
                tx.commit().map(|_| ())
            },
        )
    }),
    ("held", |run| {
        ["t", "view"].iter().try_for_each(|t| run.create(t))?;
        run.insert(
            &[("t", rows(0, 200, "old")), ("t", rows(0, 9, "old"))],
            None,
        )?;
        for (round, n) in [170, 5, 0].into_iter().enumerate() {
            let (table, view) = (run.table("t")?, run.table("view")?);
            let hold = run.engine().hold(&table, &mut || Ok(()))?;
            let came = rows(500 + 40 * round as u64, 40, "meanwhile");
            run.insert(&[("t", came.clone())], None)?;
            run.background()?;
            let (new, seen) = (rows(0, n, "new"), rows(round as u64, 3, "seen"));
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(|r| came.contains(r));
                        t.extend(new.iter().cloned());
                        t.sort();
                    }
                    if let Some(view) = w.tables.get_mut("default.view") {
                        view.extend(seen.iter().cloned());
                        view.sort();
                    }
                    w.values.insert("job".into(), vec![round as u8]);
                },
                |e| {
                    let mut tx = e.begin();
                    tx.replace_held(&hold);
                    tx.insert(&table, block(&new))?;
                    tx.insert(&view, block(&seen))?;
                    tx.put("job", Some(vec![round as u8]));
                    tx.commit().map(|_| ())
                },
            )?;
        }
        run.reopen(true)
    }),
    ("tokens", |run| {
        run.create("t")?;
        for i in 0..5u64 {
            let token = format!("t{}", i % 3);
            run.insert(&[("t", rows(i % 3, 2 + (i % 3) * 90, "i"))], Some(&token))?;
            run.reopen(i % 2 == 0)?;
        }
        Ok(())
    }),
    ("alter", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 2, "old"))],
            None,
        )?;
        let table = run.table("t")?;
        let mut wide = table.definition().as_ref().clone();
        wide.columns
            .insert(1, ColumnDefinition::new("n", DataType::UInt8));
        run.keep(|e| e.alter(&table, wide))?;
        run.keep(Engine::checkpoint)?;
        run.reopen(false)?;
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, None, true))
    }),
    ("rewrite", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 2, "old"))],
            None,
        )?;
        run.insert(&[("t", rows(5, 8, "few"))], None)?;
        for round in 0..3u64 {
            let table = run.table("t")?;
            let change = Rewrite {
                definition: None,
                touches: &|_| Ok(true),
                rows: &|b| {
                    let keys = b.column(0).clone();
                    let keep = (0..b.rows() as u32)
                        .filter(|i| keys.value(*i as usize).as_u64().unwrap() % 5 != round);
                    Ok(b.take(&keep.collect::<Vec<u32>>()))
                },
            };
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(|r| r.0 % 5 != round);
                    }
                },
                |e| e.rewrite(&table, &change).map(|_| ()),
            )?;
            run.insert(&[("t", rows(round, 3, "new"))], None)?;
        }
        Ok(())
    }),
    ("branch", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 9, "old"))],
            Some("before"),
        )?;
        run.act(
            &|w| {
                w.branches.insert("b".into(), w.clone());
            },
            |e| e.create_branch("b", NewBranch::default()).map(|_| ()),
        )?;
        let other = |e: &Engine| table_of(&e.branch("b")?, "t");
        for round in 0..3u64 {
            run.insert(&[("t", rows(round, 2 + round * 80, "main"))], None)?;
            let came = rows(300 + round, 2 + round * 80, "branch");
            run.act(
                &|w| {
                    if let Some(t) = w.branches.get_mut("b").map(|b| &mut b.tables)
                        && let Some(t) = t.get_mut("default.t")
                    {
                        t.extend(came.iter().cloned());
                        t.sort();
                    }
                },
                |e| {
                    let mut tx = e.branch("b")?.begin();
                    tx.insert(&other(e)?, block(&came))?;
                    tx.commit().map(|_| ())
                },
            )?;
            run.background()?;
        }
        // The token was used before the branch was made.
        let used = run.tokens.iter().any(|t| t == "before");
        run.keep(|e| {
            if !used {
                return Ok(());
            }
            let branch = e.branch("b")?;
            let mut tx = branch.begin();
            tx.insert(&other(e)?, block(&rows(0, 3, "again")))?;
            tx.token("before");
            assert!(tx.commit()?.duplicate);
            Ok(())
        })?;
        run.keep(|e| e.optimize(&other(e)?, None, true))?;
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, Some("1"), true))?;
        run.keep(Engine::checkpoint)?;
        run.act(
            &|w| {
                w.tables.remove("default.t");
            },
            |e| e.drop_table("default", "t"),
        )?;
        run.create("t")?;
        run.act(
            &|w| {
                let rows = w.branches.get("b").and_then(|b| b.tables.get("default.t"));
                let rows = rows.cloned().unwrap_or_default();
                w.tables.insert("default.t".into(), rows);
            },
            |e| {
                let (from, to) = (other(e)?, table_of(e, "t")?);
                e.attach(&[Attach {
                    from,
                    to,
                    partition: None,
                }])
            },
        )?;
        run.act(
            &|w| {
                w.branches.clear();
            },
            |e| e.drop_branch("b"),
        )?;
        run.background()?;
        run.insert(&[("t", rows(0, 2, "last"))], None)
    }),
    ("ttl", |run| {
        run.act(
            &|w| {
                w.tables.insert("default.t".into(), Vec::new());
            },
            |e| e.create_table(timed(), CreateMode::Fail).map(|_| ()),
        )?;
        // Three batches that each become one part: one is over at once, one by half, one never.
        let batches = [(1000, 1000), (2000, 4_000_000), (4_000_000, 4_000_000)];
        for (batch, times) in batches.into_iter().enumerate() {
            let came = timed_rows(batch as u64);
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.extend(came.iter().cloned());
                        t.sort();
                    }
                },
                |e| {
                    let mut tx = e.begin();
                    tx.insert(&table_of(e, "t")?, timed_block(&came, times))?;
                    tx.commit().map(|_| ())
                },
            )?;
        }
        for step in 1..=2u64 {
            run.clock.advance(600_000_000_000 * step as i64);
            // The first is gone whole; of the second the half that is over.
            let stays = |r: &Row| match step {
                1 => !r.1.starts_with("0-"),
                _ => !r.1.starts_with("1-") || r.0 % 2 == 1,
            };
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(stays);
                    }
                },
                |e| e.run_background_once().map(|_| ()),
            )?;
        }
        Ok(())
    }),
    ("housekeeping", |run| {
        run.create("t")?;
        run.create("u")?;
        for i in 0..18u64 {
            let targets = [
                ("t", rows(i, 1 + (i * 37) % 80, "t")),
                ("u", rows(i, 1, "u")),
            ];
            run.insert(&targets, None)?;
            run.clock.advance(4_000_000);
            run.background()?;
        }
        Ok(())
    }),
];

fn full() -> bool {
    std::env::var_os("ROOST_CRASH_FULL").is_some()
}

/// Opens a disk twice and checks it against what a run knows.
fn check(disk: &FaultyStorage, run: &Run, place: &str) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let engine = match open(&storage, &small()) {
        Ok(engine) => engine,
        Err(e) => panic!("{place}: the store does not open: {e:?}"),
    };
    let found = world(&engine);
    let fits = found == run.known || run.maybe.as_ref() == Some(&found);
    assert!(fits, "{place}: {}", difference(&found, run));
    for token in &run.tokens {
        assert!(
            engine.token_used(token).is_some(),
            "{place}: token {token} is forgotten"
        );
    }
    drop(engine);
    let before = files(&storage);
    let engine = open(&storage, &small()).unwrap();
    assert!(
        world(&engine) == found,
        "{place}: a second recovery shows something else"
    );
    drop(engine);
    assert!(
        files(&storage) == before,
        "{place}: a second recovery changes files"
    );
    // The store is as good as new.
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("after"), CreateMode::OrReplace)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 160, "after"))).unwrap();
    tx.commit().unwrap();
}

fn difference(found: &World, run: &Run) -> String {
    let show = |w: &World| {
        let tables = w
            .tables
            .iter()
            .map(|(n, r)| format!("{n}: {} rows", r.len()));
        format!(
            "{:?} {:?} {:?}, branches {:?}",
            w.databases,
            tables.collect::<Vec<_>>(),
            w.values,
            w.branches.keys()
        )
    };
    let maybe = run.maybe.as_ref().map(show);
    format!(
        "found {}\nacknowledged {}\nor {maybe:?}",
        show(found),
        show(&run.known)
    )
}

/// Runs a scenario on `disk` until it ends or the power goes.
fn perform(disk: &FaultyStorage, scenario: Scenario, goes_on: bool) -> Run {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let mut run = match Run::start(Arc::clone(&storage), goes_on) {
        Ok(run) => run,
        Err(e) => {
            expected_error(&e);
            let mut fresh = World::default();
            fresh.databases.push("default".into());
            return Run {
                storage,
                options: small(),
                clock: Arc::default(),
                engine: None,
                known: fresh,
                maybe: None,
                tokens: Vec::new(),
                goes_on,
            };
        }
    };
    if let Err(e) = scenario.1(&mut run) {
        expected_error(&e);
    }
    run
}

fn cut_everywhere(scenario: Scenario) -> u64 {
    let disk = FaultyStorage::new();
    let whole = perform(&disk, scenario, false);
    assert!(whole.maybe.is_none(), "{} ends without faults", scenario.0);
    assert_eq!(
        whole.engine.as_ref().map(|e| world(e) == whole.known),
        Some(true)
    );
    drop(whole);
    let calls = disk.trace();
    let changing = calls.iter().zip(1u64..).filter(|(c, _)| c.kind.changes());
    let changing: Vec<u64> = changing.map(|(_, n)| n).collect();
    let step = if full() {
        1
    } else {
        changing.len().div_ceil(16)
    };
    let mut images = 0;
    for n in changing.into_iter().step_by(step.max(1)) {
        let disk = FaultyStorage::new();
        disk.cut_at(n);
        let run = perform(&disk, scenario, false);
        assert!(disk.is_off(), "the power goes at call {n}");
        let chosen = Image::several(n * 31);
        let few = [
            chosen[0],
            chosen[1],
            chosen[2 + n as usize % 2],
            chosen[4 + n as usize % 2],
        ];
        let all = Image::many(n * 31);
        let chosen = if full() { &all[..] } else { &few[..] };
        for image in chosen {
            let place = format!(
                "{} cut at call {n} {:?}, {image:?}",
                scenario.0,
                calls[n as usize - 1]
            );
            check(&disk.image(*image), &run, &place);
            images += 1;
        }
    }
    images
}

fn fail_everywhere(scenario: Scenario, fault: Fault) {
    let disk = FaultyStorage::new();
    drop(perform(&disk, scenario, false));
    let calls = disk.trace();
    let step = if full() { 1 } else { calls.len().div_ceil(16) };
    for n in (1..=calls.len()).step_by(step.max(1)) {
        fail_once(scenario, fault, n as u64, &calls[n - 1]);
    }
}

fn fail_once(scenario: Scenario, fault: Fault, n: u64, call: &Call) {
    let disk = FaultyStorage::new();
    disk.fail_at(n, fault);
    let mut run = perform(&disk, scenario, true);
    let place = format!("{} {fault:?} at call {n} {call:?}", scenario.0);
    if let Some(engine) = run.engine.take() {
        assert!(world(&engine) == run.known, "{place}: reads go on");
    }
    check(&disk.image(Image::Flushed), &run, &place);
    check(&disk.image(Image::Synced), &run, &place);
}

/// A checkpoint's segment whose name was not synced, because syncing failed or the process died
/// just then, is found by the next process; what that one acknowledges must not hang on the name.
#[test]
fn a_segment_found_unsynced_is_synced_before_it_is_built_on() {
    let scenario = *SCENARIOS.iter().find(|s| s.0 == "checkpoint").unwrap();
    let disk = FaultyStorage::new();
    drop(perform(&disk, scenario, false));
    for (call, n) in disk.trace().iter().zip(1..) {
        if call.kind == CallKind::SyncDir {
            fail_once(scenario, Fault::Io, n, call);
        }
    }
}

macro_rules! scenarios {
    ($($name:ident)*) => { $(
        mod $name {
            use super::*;

            fn scenario() -> Scenario {
                *SCENARIOS.iter().find(|s| s.0 == stringify!($name)).unwrap()
            }

            #[test]
            fn survives_a_power_cut_anywhere() {
                let images = cut_everywhere(scenario());
                println!("{}: {images} disks", stringify!($name));
            }

            #[test]
            fn survives_a_failed_call_anywhere() {
                for fault in [Fault::Io, Fault::NoSpace, Fault::ShortWrite] {
                    fail_everywhere(scenario(), fault);
                }
            }
        }
    )* };
}

scenarios! { insert cascade flush merge ddl checkpoint replace held tokens alter rewrite branch ttl housekeeping }

#[test]
fn every_scenario_is_run() {
    assert_eq!(SCENARIOS.len(), 14);
}
