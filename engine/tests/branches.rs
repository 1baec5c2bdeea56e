//! Branches: the store once more, sharing files, isolated both ways.
//!
//! Goal: a branch is a deep copy that costs nothing. Method: each side is changed in every way while
//! the other is compared with what it was; files and log are counted. That random operations agree
//! with a deep copy is in `model.rs`, power cuts are in `crash.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use roost_engine::block::Block;
use roost_engine::catalog::{
    Attach, ColumnDefinition, CreateMode, Engine, NewBranch, Rewrite, Table, TableDefinition,
    TableEngine,
};
use roost_engine::clock::TestClock;
use roost_engine::column::Column;
use roost_engine::error::Code;
use roost_engine::options::Options;
use roost_engine::storage::{MemoryStorage, Storage};
use roost_engine::types::DataType;
use support::*;

fn storage() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new())
}

fn table(engine: &Engine, name: &str) -> Arc<Table> {
    engine.table("default", name).unwrap()
}

fn add(engine: &Engine, name: &str, rows: &[Row]) {
    let mut tx = engine.begin();
    tx.insert(&table(engine, name), block(rows)).unwrap();
    tx.commit().unwrap();
}

fn put(engine: &Engine, key: &str, value: u8) {
    let mut tx = engine.begin();
    tx.put(key, Some(vec![value]));
    tx.commit().unwrap();
}

fn filled(storage: &Arc<dyn Storage>) -> Engine {
    let engine = open(storage, &small()).unwrap();
    for name in ["t", "u"] {
        engine
            .create_table(definition(name), CreateMode::Fail)
            .unwrap();
        add(&engine, name, &rows(0, 200, "file"));
        add(&engine, name, &rows(200, 7, "memory"));
    }
    put(&engine, "k", 1);
    engine
}

/// What is in the store or the branch itself.
fn own(engine: &Engine) -> World {
    World {
        branches: Default::default(),
        ..world(engine)
    }
}

fn parts(storage: &Arc<dyn Storage>) -> usize {
    storage.list("parts").unwrap().len()
}

fn log_bytes(storage: &Arc<dyn Storage>) -> usize {
    let names = storage.list("log").unwrap();
    let size = |n: &String| storage.read(&format!("log/{n}")).unwrap().len();
    names.iter().map(size).sum()
}

#[test]
fn what_one_side_does_the_other_never_sees() {
    let storage = storage();
    let engine = filled(&storage);
    let before = own(&engine);
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    assert!(own(&branch) == before);
    let sides: [(&Engine, &Engine); 2] = [(&branch, &engine), (&engine, &branch)];
    for (here, there) in sides {
        let other = own(there);
        add(here, "t", &rows(300, 170, "more"));
        put(here, "k", 2);
        let alter = table(here, "t");
        let mut wide = alter.definition().as_ref().clone();
        wide.columns
            .push(ColumnDefinition::new("n", DataType::UInt8));
        here.alter(&alter, wide).unwrap();
        let rewrite = Rewrite {
            definition: None,
            touches: &|_| Ok(true),
            rows: &|b| Ok(b.take(&(0..b.rows() as u32 / 2).collect::<Vec<u32>>())),
        };
        here.rewrite(&table(here, "t"), &rewrite).unwrap();
        here.optimize(&table(here, "t"), None, true).unwrap();
        here.flush().unwrap();
        here.drop_table("default", "u").unwrap();
        here.create_table(definition("new"), CreateMode::Fail)
            .unwrap();
        here.create_database("d", false).unwrap();
        here.checkpoint().unwrap();
        assert!(own(there) == other, "the other side");
    }
    let (main, other) = (own(&engine), own(&branch));
    drop((engine, branch));
    let engine = open(&storage, &small()).unwrap();
    assert!(own(&engine) == main, "after a restart");
    assert_eq!(own(&engine.branch("b").unwrap()), other);
}

#[test]
fn files_stay_as_long_as_any_side_holds_them() {
    let storage = storage();
    let engine = filled(&storage);
    engine.flush().unwrap();
    let all = parts(&storage);
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    let of_branch = branch.create_branch("c", NewBranch::default()).unwrap();
    assert_eq!(parts(&storage), all, "nothing is copied");
    let before = own(&branch);
    for name in ["t", "u"] {
        engine.drop_table("default", name).unwrap();
    }
    engine.run_background_once().unwrap();
    assert_eq!((parts(&storage), own(&branch)), (all, before.clone()));
    engine.drop_branch("c").unwrap();
    engine.run_background_once().unwrap();
    assert_eq!((parts(&storage), own(&branch)), (all, before.clone()));
    assert!(of_branch.table("default", "t").is_none());
    drop((engine, branch, of_branch));
    let engine = open(&storage, &small()).unwrap();
    assert_eq!(parts(&storage), all, "nor are they swept");
    assert_eq!(own(&engine.branch("b").unwrap()), before);
    engine.drop_branch("b").unwrap();
    engine.run_background_once().unwrap();
    assert_eq!(parts(&storage), 0, "with the last holder they go");
}

#[test]
fn a_branch_costs_milliseconds_and_kilobytes() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let split = TableDefinition {
        partition_by: Some("modulo(k, 100)".into()),
        ..definition("t")
    };
    engine.create_table(split, CreateMode::Fail).unwrap();
    let many: Vec<Row> = (0..100).map(|k| (k, "x".repeat(100))).collect();
    for _ in 0..2 {
        add(&engine, "t", &many);
        engine.flush().unwrap();
    }
    let (files, log) = (parts(&storage), log_bytes(&storage));
    assert_eq!(files, 200);
    let start = Instant::now();
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    let time = start.elapsed();
    let bytes = log_bytes(&storage) - log;
    assert_eq!(table(&branch, "t").snapshot().rows(), 200);
    assert_eq!(parts(&storage), files);
    println!("a branch of {files} parts: {time:?}, {bytes} bytes of log");
    assert!(bytes < 100, "{bytes} bytes");
    // Milliseconds; the machine may be busy.
    assert!(time < Duration::from_millis(500), "{time:?}");
}

#[test]
fn tokens_of_before_are_used_and_those_of_after_are_not() {
    let storage = storage();
    let mut engine = filled(&storage);
    let used = |engine: &Engine, token: &str| {
        let mut tx = engine.begin();
        tx.insert(&table(engine, "t"), block(&rows(0, 1, "x")))
            .unwrap();
        tx.token(token);
        tx.commit().unwrap().duplicate
    };
    assert!(!used(&engine, "old"));
    engine.create_branch("b", NewBranch::default()).unwrap();
    for round in 0..2 {
        let branch = engine.branch("b").unwrap();
        assert!(used(&branch, "old") && used(&engine, "old"));
        assert_eq!(used(&engine, "main"), round > 0);
        assert_eq!(used(&branch, "main"), round > 0, "each side lands once");
        assert_eq!(used(&branch, "own"), round > 0);
        assert!(engine.token_used("own").is_none());
        drop(branch);
        engine.checkpoint().unwrap();
        drop(engine);
        engine = open(&storage, &small()).unwrap();
    }
    // A branch of the same name is another branch.
    engine.drop_branch("b").unwrap();
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    assert!(used(&branch, "main") && !used(&branch, "own"));
}

#[test]
fn each_side_has_its_own_time_to_live() {
    let storage = storage();
    let clock = Arc::new(TestClock::at(1_000_000));
    let options = Options {
        direct_part_rows: 1,
        ..small()
    };
    let engine = open_at(&storage, &options, &clock).unwrap();
    let timed = TableDefinition {
        columns: vec![
            ColumnDefinition::new("k", DataType::UInt64),
            ColumnDefinition::new("v", DataType::String),
            ColumnDefinition::new("d", DataType::DateTime(None)),
            ColumnDefinition::new("e", DataType::DateTime(None)),
        ],
        ttl: Some("d".into()),
        ..definition("t")
    };
    engine.create_table(timed, CreateMode::Fail).unwrap();
    let both = Column::native(vec![100u32, 100]);
    let late = Column::native(vec![1_000_000u32, 1_000_000]);
    let (schema, plain) = (
        table(&engine, "t").stored_schema(),
        block(&[(0, "a".into()), (3, "b".into())]),
    );
    let columns = vec![plain.column(0).clone(), plain.column(1).clone(), both, late];
    let mut tx = engine.begin();
    let rows = Block::new(schema, columns, 2).unwrap();
    tx.insert(&table(&engine, "t"), rows).unwrap();
    tx.commit().unwrap();
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    let mut later = table(&branch, "t").definition().as_ref().clone();
    later.ttl = Some("e".into());
    branch.alter(&table(&branch, "t"), later).unwrap();
    clock.advance(1_000 * 1_000_000);
    while engine.run_background_once().unwrap() {}
    assert_eq!(read(&table(&engine, "t")).len(), 0);
    assert_eq!(read(&table(&branch, "t")).len(), 2);
    clock.advance(2_000_000 * 1_000_000);
    while engine.run_background_once().unwrap() {}
    assert_eq!(read(&table(&branch, "t")).len(), 0);
    assert_eq!(parts(&storage), 0);
}

#[test]
fn rows_are_attached_at_one_instant_and_only_where_they_fit() {
    let storage = storage();
    let engine = filled(&storage);
    let new = NewBranch {
        rows: false,
        values: vec![("k".into(), None), ("own".into(), Some(vec![9]))],
    };
    let branch = engine.create_branch("b", new).unwrap();
    assert_eq!(read(&table(&branch, "t")), []);
    assert_eq!(branch.scan(""), [("own".to_string(), vec![9])]);
    add(&branch, "t", &rows(900, 30, "own"));
    let files = parts(&storage);
    let attach = |name: &str, partition: Option<&str>| Attach {
        from: table(&engine, name),
        to: table(&branch, name),
        partition: partition.map(str::to_string),
    };
    branch
        .attach(&[attach("t", Some("1")), attach("u", None)])
        .unwrap();
    assert_eq!(parts(&storage), files, "nothing is copied");
    let keep = |rows: Vec<Row>, one: bool| -> Vec<Row> {
        rows.into_iter().filter(|r| (r.0 % 3 == 1) == one).collect()
    };
    let mut expected = keep(read(&table(&engine, "t")), true);
    expected.extend(keep(rows(900, 30, "own"), false));
    expected.sort();
    same_rows(&read(&table(&branch, "t")), &expected);
    same_rows(&read(&table(&branch, "u")), &read(&table(&engine, "u")));
    // Once more changes nothing, and each side goes on alone.
    branch.attach(&[attach("t", Some("1"))]).unwrap();
    branch.optimize(&table(&branch, "t"), None, true).unwrap();
    engine.optimize(&table(&engine, "t"), None, true).unwrap();
    same_rows(&read(&table(&branch, "t")), &expected);
    let (main, other) = (own(&engine), own(&branch));
    let mut wide = table(&branch, "u").definition().as_ref().clone();
    wide.columns
        .push(ColumnDefinition::new("n", DataType::UInt8));
    branch.alter(&table(&branch, "u"), wide).unwrap();
    let refused = branch.attach(&[attach("t", None), attach("u", None)]);
    assert_eq!(refused.unwrap_err().code(), Code::INCOMPATIBLE_COLUMNS);
    drop((engine, branch));
    let engine = open(&storage, &small()).unwrap();
    assert_eq!(own(&engine), main);
    assert_eq!(own(&engine.branch("b").unwrap()), other);
}

#[test]
fn a_dropped_branch_takes_nothing_any_more() {
    let storage = storage();
    let engine = filled(&storage);
    let branch = engine.create_branch("b", NewBranch::default()).unwrap();
    let twice = engine.create_branch("b", NewBranch::default());
    assert_eq!(twice.unwrap_err().code(), Code::DATABASE_ALREADY_EXISTS);
    assert_eq!(branch.branch_name().as_deref(), Some("b"));
    let held = table(&branch, "t");
    let snapshot = held.snapshot();
    engine.drop_branch("b").unwrap();
    assert_eq!(engine.branches(), Vec::<String>::new());
    assert!(engine.drop_branch("b").is_err() && engine.branch("b").is_err());
    assert!(branch.databases().is_empty() && branch.scan("").is_empty());
    let mut tx = branch.begin();
    tx.insert(&held, block(&rows(0, 1, "x"))).unwrap();
    assert_eq!(tx.commit().unwrap_err().code(), Code::UNKNOWN_TABLE);
    let mut tx = branch.begin();
    tx.put("k", Some(vec![1]));
    assert_eq!(tx.commit().unwrap_err().code(), Code::UNKNOWN_DATABASE);
    let new = branch.create_table(definition("x"), CreateMode::Fail);
    assert_eq!(new.unwrap_err().code(), Code::UNKNOWN_DATABASE);
    assert!(branch.create_branch("c", NewBranch::default()).is_err());
    assert_eq!(snapshot.rows(), 207, "who reads it reads on");
    assert!(read(&table(&engine, "t")).len() == 207);
}

/// Rows that are attached may be older than those that are there: FINAL asks their commits, also when
/// it was asked before.
#[test]
fn attached_rows_yield_by_their_age() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let mut replacing = definition("t");
    replacing
        .columns
        .push(ColumnDefinition::new("p", DataType::UInt64));
    replacing.partition_by = Some("modulo(p, 3)".into());
    replacing.engine = TableEngine::Replacing {
        version: None,
        is_deleted: None,
    };
    engine.create_table(replacing, CreateMode::Fail).unwrap();
    let add = |engine: &Engine, by: &str, partition: u64| {
        let all: Vec<Row> = (0..60).map(|k| (k, by.to_string())).collect();
        let plain = block(&all);
        let partitions = Column::native(vec![partition; all.len()]);
        let columns = vec![plain.column(0).clone(), plain.column(1).clone(), partitions];
        let t = table(engine, "t");
        let rows = Block::new(t.stored_schema(), columns, all.len()).unwrap();
        let mut tx = engine.begin();
        tx.insert(&t, rows).unwrap();
        tx.commit().unwrap();
    };
    let empty = NewBranch {
        rows: false,
        ..NewBranch::default()
    };
    let branch = engine.create_branch("b", empty).unwrap();
    let shown = |wanted: &str| {
        let found = read_final(&table(&branch, "t"));
        assert_eq!(found.len(), 60);
        assert!(found.iter().all(|r| r.1 == wanted), "{wanted}");
    };
    let attach = |partition: &str| {
        let one = Attach {
            from: table(&engine, "t"),
            to: table(&branch, "t"),
            partition: Some(partition.into()),
        };
        branch.attach(&[one]).unwrap();
    };
    let zero = engine_partition(&engine, &add);
    add(&branch, "own", 2);
    shown("own");
    attach(&zero);
    shown("own");
    add(&engine, "newer", 0);
    attach(&zero);
    shown("newer");
    add(&branch, "last", 1);
    shown("last");
    branch.optimize(&table(&branch, "t"), None, true).unwrap();
    shown("last");
}

/// Adds old rows to partition 0 and says its id.
fn engine_partition(engine: &Engine, add: &dyn Fn(&Engine, &str, u64)) -> String {
    add(engine, "old", 0);
    let snapshot = table(engine, "t").snapshot();
    snapshot.parts[0].info().partition.clone()
}
