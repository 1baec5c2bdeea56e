//! What the engine promises its callers, without faults.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

#[path = "engine/merging.rs"]
mod merging;
mod support;

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::catalog::{ColumnDefinition, CreateMode, Rewrite, TableDefinition, TableEngine};
use roost_engine::clock::TestClock;
use roost_engine::column::Column;
use roost_engine::error::{Code, Error};
use roost_engine::hooks::{Condition, ValueRange};
use roost_engine::options::Options;
use roost_engine::storage::{MemoryStorage, Storage};
use roost_engine::types::{DataType, Value};
use support::*;

fn storage() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new())
}

fn name(name: &str) -> (String, String) {
    ("default".to_string(), name.to_string())
}

#[test]
fn an_insert_is_split_sorted_and_there_after_a_restart() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let (few, many) = (rows(0, 5, "few"), rows(100, 300, "many"));
    for part in [&few, &many] {
        let mut tx = engine.begin();
        tx.insert(&table, block(part)).unwrap();
        assert!(!tx.commit().unwrap().duplicate);
    }
    let mut all = [few, many].concat();
    all.sort();
    same_rows(&read(&table), &all);
    let ids: Vec<String> = table
        .snapshot()
        .parts
        .iter()
        .map(|p| p.info().partition.clone())
        .collect();
    assert_eq!(ids, ["0", "0", "1", "1", "2", "2"]);
    assert_eq!(
        storage.list("parts").unwrap().len(),
        3,
        "few rows stay in memory"
    );
    drop((engine, table));
    let engine = open(&storage, &small()).unwrap();
    same_rows(&read(&engine.table("default", "t").unwrap()), &all);
    engine.shutdown().unwrap();
    let engine = open(&storage, &small()).unwrap();
    same_rows(&read(&engine.table("default", "t").unwrap()), &all);
    assert_eq!(storage.list("log").unwrap().len(), 1);
}

#[test]
fn a_transaction_over_tables_is_seen_at_one_instant() {
    let engine = open(&storage(), &small()).unwrap();
    let tables: Vec<_> = ["a", "b"]
        .map(|n| {
            engine
                .create_table(definition(n), CreateMode::Fail)
                .unwrap()
        })
        .to_vec();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..60 {
                let mut tx = engine.begin();
                tables
                    .iter()
                    .for_each(|t| tx.insert(t, block(&rows(i, 3, "x"))).unwrap());
                tx.commit().unwrap();
            }
        });
        while !writer.is_finished() {
            let shown = engine.snapshots(&tables);
            assert_eq!(shown[0].rows(), shown[1].rows());
        }
    });
    assert_eq!(read(&tables[0]), read(&tables[1]));
}

#[test]
fn of_readers_that_began_at_one_place_one_writes() {
    let storage = storage();
    for round in 0..3u8 {
        let engine = open(&storage, &small()).unwrap();
        let table = engine
            .create_table(definition("t"), CreateMode::IfNotExists)
            .unwrap();
        let from = engine.get("cursor");
        assert_eq!(from, round.checked_sub(1).map(|r| vec![r]));
        let reader = |n: u64| {
            let mut tx = engine.begin();
            // Small ones stay in memory, large ones are files by then.
            let read = rows(0, if n.is_multiple_of(2) { 3 } else { 150 }, "x");
            tx.insert(&table, block(&read)).unwrap();
            tx.advance("cursor", from.clone(), Some(vec![round]));
            match tx.commit() {
                Ok(_) => read.len(),
                Err(e) => {
                    assert_eq!(e.code(), Code::ABORTED, "{e:?}");
                    0
                }
            }
        };
        let before = read(&table).len();
        let written: Vec<usize> = std::thread::scope(|s| {
            let all: Vec<_> = (0..6)
                .map(|n| {
                    s.spawn({
                        let reader = &reader;
                        move || reader(n)
                    })
                })
                .collect();
            all.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(written.iter().filter(|n| **n > 0).count(), 1);
        assert_eq!(read(&table).len(), before + written.iter().sum::<usize>());
        assert_eq!(engine.get("cursor"), Some(vec![round]));
    }
}

#[test]
fn a_token_is_used_once_also_after_a_restart() {
    let storage = storage();
    for round in 0..3 {
        let engine = open(&storage, &small()).unwrap();
        let table = engine
            .create_table(definition("t"), CreateMode::IfNotExists)
            .unwrap();
        let mut tx = engine.begin();
        tx.insert(&table, block(&rows(0, 120, "x"))).unwrap();
        tx.put("k", Some(vec![round]));
        tx.token("once");
        let done = tx.commit().unwrap();
        assert_eq!(done.duplicate, round > 0);
        assert_eq!(engine.token_used("once"), Some(done.id));
        assert_eq!(read(&table).len(), 120);
        assert_eq!(engine.get("k"), Some(vec![0]));
        engine.checkpoint().unwrap();
        assert_eq!(
            storage.list("parts").unwrap().len(),
            table
                .snapshot()
                .parts
                .iter()
                .filter(|p| p.memory_block().is_none())
                .count()
        );
    }
}

#[test]
fn tiny_inserts_leave_few_parts() {
    let options = Options {
        flush_rows: 2000,
        ..Options::manual()
    };
    let engine = open(&storage(), &options).unwrap();
    let one = TableDefinition {
        partition_by: None,
        ..definition("t")
    };
    let table = engine.create_table(one, CreateMode::Fail).unwrap();
    let (mut most, mut all) = (0, Vec::new());
    for i in 0..5000 {
        let mut tx = engine.begin();
        let new = rows(i, 1, "x");
        tx.insert(&table, block(&new)).unwrap();
        all.extend(new);
        tx.commit().unwrap();
        if i % 500 == 0 {
            while engine.run_background_once().unwrap() {}
        }
        most = most.max(table.snapshot().parts.len());
    }
    assert!(most < 50, "{most} parts");
    all.sort();
    same_rows(&read(&table), &all);
}

#[test]
fn a_worker_puts_tiny_inserts_together_beside_writers() {
    let options = Options {
        background: true,
        ..Options::default()
    };
    let engine = open(&storage(), &options).unwrap();
    let one = TableDefinition {
        partition_by: None,
        ..definition("t")
    };
    let table = engine.create_table(one, CreateMode::Fail).unwrap();
    let (writers, each) = (3, 150);
    let most = std::thread::scope(|scope| {
        let (engine, table) = (&engine, &table);
        let insert = move |t: u64| {
            let mut most = 0;
            for i in 0..each {
                let mut tx = engine.begin();
                let new = rows(t * each + i, 1, "x");
                tx.insert(table, block(&new)).unwrap();
                tx.commit().unwrap();
                most = most.max(table.snapshot().parts.len());
            }
            most
        };
        let threads: Vec<_> = (0..writers)
            .map(|t| scope.spawn(move || insert(t)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).max()
    });
    assert!(most.unwrap() < 100, "{most:?} parts");
    // What the last inserts left is put together without others.
    let begun = std::time::Instant::now();
    while table.snapshot().parts.len() > 24 && begun.elapsed().as_secs() < 5 {
        std::thread::yield_now();
    }
    assert!(
        table.snapshot().parts.len() <= 24,
        "a few of each size are left"
    );
    let mut all = rows(0, writers * each, "x");
    all.sort();
    same_rows(&read(&table), &all);
    assert_eq!(
        table
            .memory_parts()
            .iter()
            .map(|m| m.ids.len())
            .sum::<usize>(),
        450
    );
}

#[test]
fn memory_parts_flush_by_age_and_merge() {
    let (storage, clock) = (storage(), Arc::new(TestClock::at(0)));
    let engine = open_at(&storage, &Options::manual(), &clock).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    for i in 0..12 {
        let mut tx = engine.begin();
        tx.insert(&table, block(&rows(i, 9, "x"))).unwrap();
        tx.commit().unwrap();
        engine.run_background_once().unwrap();
        assert!(storage.list("parts").unwrap().is_empty() || i > 0);
        clock.advance(31_000_000);
        assert!(engine.run_background_once().unwrap());
    }
    let before = read(&table);
    assert_eq!(before.len(), 108);
    engine.optimize(&table, None, true).unwrap();
    same_rows(&read(&table), &before);
    assert_eq!(table.snapshot().parts.len(), 3);
    assert_eq!(
        storage.list("parts").unwrap().len(),
        3,
        "inputs are removed"
    );
    assert!(engine.merges().is_empty());
}

#[test]
fn a_snapshot_keeps_its_files() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 300, "x"))).unwrap();
    tx.commit().unwrap();
    let held = table.snapshot();
    engine.drop_table("default", "t").unwrap();
    assert!(table.is_dropped());
    assert_eq!(table.snapshot().rows(), 0);
    assert_eq!(storage.list("parts").unwrap().len(), 3);
    assert_eq!(held.rows(), 300);
    assert_eq!(held.parts[0].read(0, 0..10).unwrap().len(), 10);
    drop(held);
    engine.run_background_once().unwrap();
    assert!(storage.list("parts").unwrap().is_empty());
}

#[test]
fn replace_and_drop_partition_take_old_rows_away() {
    let engine = open(&storage(), &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    for n in [10, 300] {
        let mut tx = engine.begin();
        tx.insert(&table, block(&rows(0, n, "old"))).unwrap();
        tx.commit().unwrap();
    }
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 5, "forgotten"))).unwrap();
    tx.replace(&table, vec![block(&rows(0, 90, "new"))])
        .unwrap();
    tx.commit().unwrap();
    let mut new = rows(0, 90, "new");
    new.sort();
    same_rows(&read(&table), &new);
    let mut tx = engine.begin();
    tx.drop_partition(&table, "1");
    tx.commit().unwrap();
    new.retain(|r| r.0 % 3 != 1);
    same_rows(&read(&table), &new);
    engine.truncate("default", "t").unwrap();
    assert!(read(&table).is_empty());
}

#[test]
fn what_is_held_gives_way_and_what_came_meanwhile_stays() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let put = |rows: &[Row]| {
        let mut tx = engine.begin();
        tx.insert(&table, block(rows)).unwrap();
        tx.commit().unwrap();
    };
    put(&rows(0, 300, "file"));
    put(&rows(0, 10, "memory"));
    let hold = engine.hold(&table, &mut || Ok(())).unwrap();
    assert_eq!(hold.snapshot().rows(), 310);
    let mut given_up = engine.hold(&table, &mut || Err(Error::bug("enough")));
    assert!(given_up.is_err(), "a second hold waits for the first");
    given_up = Err(Error::bug(""));
    drop(given_up);
    let mut stays = Vec::new();
    for i in 0..20 {
        let more = rows(1000 + i * 20, 20, "meanwhile");
        put(&more);
        stays.extend(more);
    }
    engine.flush().unwrap();
    while engine.run_background_once().unwrap() {}
    let mut tx = engine.begin();
    tx.replace_held(&hold);
    tx.insert(&table, block(&rows(0, 5, "new"))).unwrap();
    drop(hold);
    tx.commit().unwrap();
    stays.extend(rows(0, 5, "new"));
    stays.sort();
    same_rows(&read(&table), &stays);
    drop((engine, table));
    let engine = open(&storage, &small()).unwrap();
    let table = engine.table("default", "t").unwrap();
    same_rows(&read(&table), &stays);
    let hold = engine.hold(&table, &mut || Ok(())).unwrap();
    engine.truncate("default", "t").unwrap();
    let mut tx = engine.begin();
    tx.replace_held(&hold);
    tx.commit().unwrap();
    assert!(
        read(&table).is_empty(),
        "nothing comes, and what went may be gone"
    );
}

#[test]
fn rows_are_not_changed_where_a_table_was() {
    let engine = open(&storage(), &small()).unwrap();
    let create = |n: &str| engine.create_table(definition(n), CreateMode::Fail);
    let (a, b) = (create("a").unwrap(), create("b").unwrap());
    let key = || vec![("k".to_owned(), Some(b"1".to_vec()))];
    let refused = engine.exchange_fenced(&name("a"), &name("b"), key(), &|| false);
    assert_eq!(refused.unwrap_err().code(), Code::ABORTED);
    assert_eq!(engine.table("default", "a").unwrap().uid(), a.uid());
    assert!(engine.get("k").is_none());
    let all_go = Rewrite {
        definition: None,
        touches: &|_| Ok(true),
        rows: &|block| Ok(block.slice(0, 0)),
    };
    let (holds, held) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (engine, key) = (&engine, &key);
        let exchanged = scope.spawn(move || {
            let still = || {
                holds.send(()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(100));
                true
            };
            engine.exchange_fenced(&name("a"), &name("b"), key(), &still)
        });
        held.recv().unwrap();
        let deleted = engine.rewrite(&a, &all_go);
        assert_eq!(deleted.unwrap_err().code(), Code::ABORTED);
        exchanged.join().unwrap().unwrap();
    });
    assert_eq!(engine.table("default", "a").unwrap().uid(), b.uid());
    assert!(engine.rewrite(&a, &all_go).is_ok());
}

#[test]
fn names_change_together_or_not_at_all() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let a = engine
        .create_table(definition("a"), CreateMode::Fail)
        .unwrap();
    let b = engine
        .create_table(definition("b"), CreateMode::Fail)
        .unwrap();
    let again = engine.create_table(definition("a"), CreateMode::Fail);
    assert_eq!(again.unwrap_err().code(), Code::TABLE_ALREADY_EXISTS);
    let same = engine
        .create_table(definition("a"), CreateMode::IfNotExists)
        .unwrap();
    assert_eq!(same.uid(), a.uid());
    engine.exchange(&name("a"), &name("b")).unwrap();
    assert_eq!(engine.table("default", "a").unwrap().uid(), b.uid());
    assert_eq!(a.full_name(), "default.b");
    let missing = engine.rename(&[(name("a"), name("c")), (name("x"), name("y"))]);
    assert_eq!(missing.unwrap_err().code(), Code::UNKNOWN_TABLE);
    assert!(engine.table("default", "c").is_none());
    let rotate = [
        (name("a"), name("tmp")),
        (name("b"), name("a")),
        (name("tmp"), name("b")),
    ];
    engine.rename(&rotate).unwrap();
    assert_eq!(engine.table("default", "a").unwrap().uid(), a.uid());
    engine.create_database("other", false).unwrap();
    assert!(engine.create_database("other", false).is_err());
    engine
        .rename(&[(name("a"), ("other".into(), "z".into()))])
        .unwrap();
    let replaced = engine
        .create_table(definition("b"), CreateMode::OrReplace)
        .unwrap();
    assert_ne!(replaced.uid(), b.uid());
    drop(engine);
    let engine = open(&storage, &small()).unwrap();
    assert_eq!(engine.table("other", "z").unwrap().uid(), a.uid());
    assert_eq!(engine.table("default", "b").unwrap().uid(), replaced.uid());
    assert_eq!(
        engine.table("default", "b").unwrap().definition().uuid,
        replaced.definition().uuid
    );
    engine.drop_database("other", false).unwrap();
    assert!(engine.drop_database("other", false).is_err());
    assert_eq!(engine.databases(), ["default"]);
    assert_eq!(engine.tables().len(), 1);
}

#[test]
fn rows_for_changed_columns_are_refused_and_old_rows_read_defaults() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 200, "x"))).unwrap();
    tx.insert(&table, block(&rows(0, 2, "x"))).unwrap();
    tx.commit().unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 3, "late"))).unwrap();
    let mut altered = table.definition().as_ref().clone();
    altered
        .columns
        .push(ColumnDefinition::new("n", DataType::UInt8));
    engine.alter(&table, altered).unwrap();
    assert_eq!(tx.commit().unwrap_err().code(), Code::ABORTED);
    let old = engine.begin().insert(&table, block(&rows(0, 1, "x")));
    assert_eq!(old.unwrap_err().code(), Code::INCOMPATIBLE_COLUMNS);
    engine.checkpoint().unwrap();
    drop((engine, table));
    let engine = open(&storage, &small()).unwrap();
    let table = engine.table("default", "t").unwrap();
    engine.optimize(&table, None, true).unwrap();
    assert_eq!(read(&table).len(), 202);
    for part in &table.snapshot().parts {
        assert_eq!(part.schema().len(), 3);
        assert_eq!(part.read(2, 0..1).unwrap().value(0), Value::UInt(0));
    }
    let mut altered = table.definition().as_ref().clone();
    altered.columns.remove(0);
    assert!(
        engine.alter(&table, altered).is_err(),
        "the key's column stays"
    );
}

#[test]
fn columns_are_renamed_and_dropped_for_good() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 200, "x"))).unwrap();
    tx.commit().unwrap();
    let mut tx = engine.begin();
    tx.insert(&table, block(&rows(0, 2, "x"))).unwrap();
    tx.commit().unwrap();
    let before = read(&table);
    let mut renamed = table.definition().as_ref().clone();
    renamed.columns[1].name = "w".into();
    let renames = [("v".to_string(), "w".to_string())];
    engine
        .alter_renaming(&table, renamed.clone(), &renames)
        .unwrap();
    renamed.columns[1].name = "v".into();
    engine.alter(&table, renamed.clone()).unwrap();
    let empty: Vec<Row> = before.iter().map(|r| (r.0, String::new())).collect();
    same_rows(&read(&table), &empty);
    let mut key = table.definition().as_ref().clone();
    key.columns[0].name = "key".into();
    key.order_by = "key".into();
    key.partition_by = Some("modulo(key, 3)".into());
    let renames = [("k".to_string(), "key".to_string())];
    assert!(engine.alter_renaming(&table, key, &renames).is_err());
    drop((engine, table));
    let engine = open(&storage, &small()).unwrap();
    same_rows(&read(&engine.table("default", "t").unwrap()), &empty);
}

#[test]
fn a_rewrite_changes_all_rows_at_one_instant_beside_inserts() {
    let engine = open(&storage(), &small()).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut all = Vec::new();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let new = rows(all.len() as u64, 1 + all.len() as u64 % 70, "x");
                let mut tx = engine.begin();
                tx.insert(&table, block(&new)).unwrap();
                tx.commit().unwrap();
                all.extend(new);
                engine.run_background_once().unwrap();
            }
            all
        });
        for round in 0..5u64 {
            while table.snapshot().rows() < 300 * (round + 1) {
                std::thread::yield_now();
            }
            let keeps = |part: &roost_engine::part::Part| Ok(part.info().partition != "1");
            let delete = |b: Block| {
                let keys = b.column(0).clone();
                let odd = (0..b.rows() as u32)
                    .filter(|i| keys.value(*i as usize).as_u64().unwrap() % 10 != round);
                Ok(b.take(&odd.collect::<Vec<u32>>()))
            };
            let change = Rewrite {
                definition: None,
                touches: &keeps,
                rows: &delete,
            };
            engine.rewrite(&table, &change).unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        writer.join().unwrap()
    });
    let change = Rewrite {
        definition: None,
        touches: &|_| Ok(true),
        rows: &|b: Block| {
            let keep = (0..b.rows() as u32).filter(|i| {
                let k = b.column(0).value(*i as usize).as_u64().unwrap();
                k % 3 == 1 || k % 10 > 4
            });
            Ok(b.take(&keep.collect::<Vec<u32>>()))
        },
    };
    engine.rewrite(&table, &change).unwrap();
    let mut expected = written;
    expected.retain(|r| r.0 % 3 == 1 || r.0 % 10 > 4);
    expected.sort();
    same_rows(&read(&table), &expected);
}

#[test]
fn conditions_prune_partitions_buckets_and_granules() {
    let engine = open(&storage(), &small()).unwrap();
    let bucketed = TableDefinition {
        bucket_by: Some(("k".into(), 4)),
        ..definition("t")
    };
    let table = engine.create_table(bucketed, CreateMode::Fail).unwrap();
    let mut tx = engine.begin();
    let all: Vec<Row> = (0..2000).map(|k| (k, "x".to_string())).collect();
    tx.insert(&table, block(&all)).unwrap();
    tx.commit().unwrap();
    let snapshot = table.snapshot();
    assert_eq!(snapshot.parts.len(), 12);
    for k in [0, 7, 1999] {
        let condition = Condition {
            column: "k".into(),
            ranges: vec![ValueRange::point(Value::UInt(k))],
        };
        let found = snapshot.prune(&[condition]);
        assert!(
            found.len() <= 3 && !found.is_empty(),
            "one bucket of three partitions"
        );
        let read: u64 = found
            .iter()
            .flat_map(|(_, r)| r)
            .map(|r| r.len() as u64)
            .sum();
        assert!(read <= 96, "{read} rows");
        let hit = found.iter().any(|(part, ranges)| {
            ranges.iter().any(|r| {
                let keys = part.read(0, r.clone()).unwrap();
                (0..keys.len()).any(|i| keys.value(i) == Value::UInt(k))
            })
        });
        assert!(hit);
    }
    let partition = Condition {
        column: "modulo(k, 3)".into(),
        ranges: vec![ValueRange::point(Value::UInt(2))],
    };
    assert_eq!(snapshot.prune(&[partition]).len(), 4);
}

#[test]
fn memory_and_null_tables_keep_nothing_on_disk() {
    let storage = storage();
    let engine = open(&storage, &small()).unwrap();
    let memory = engine
        .create_table(memory_definition("m"), CreateMode::Fail)
        .unwrap();
    let null = TableDefinition {
        engine: TableEngine::Null,
        ..memory_definition("n")
    };
    let null = engine.create_table(null, CreateMode::Fail).unwrap();
    let before = files(&storage);
    for _ in 0..3 {
        let mut tx = engine.begin();
        tx.insert(&memory, block(&rows(0, 200, "x"))).unwrap();
        tx.insert(&null, block(&rows(0, 200, "x"))).unwrap();
        tx.commit().unwrap();
    }
    assert_eq!((read(&memory).len(), read(&null).len()), (600, 0));
    engine.flush().unwrap();
    assert_eq!(files(&storage), before);
    drop((engine, memory, null));
    let engine = open(&storage, &small()).unwrap();
    assert_eq!(engine.tables().len(), 2);
    assert!(read(&engine.table("default", "m").unwrap()).is_empty());
}

#[test]
fn concurrent_inserts_all_land_once_while_workers_run() {
    let dir = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> =
        Arc::new(roost_engine::storage::LocalStorage::open(dir.path()).unwrap());
    let options = Options {
        background: true,
        ..small()
    };
    let engine = open(&storage, &options).unwrap();
    let table = engine
        .create_table(definition("t"), CreateMode::Fail)
        .unwrap();
    std::thread::scope(|scope| {
        for t in 0..4u64 {
            let (engine, table) = (&engine, &table);
            scope.spawn(move || {
                for i in 0..40 {
                    let mut tx = engine.begin();
                    tx.insert(table, block(&rows(i, 1 + i * t, &format!("{t}"))))
                        .unwrap();
                    tx.commit().unwrap();
                }
            });
        }
    });
    let mut expected: Vec<Row> = (0..4u64)
        .flat_map(|t| (0..40).flat_map(move |i| rows(i, 1 + i * t, &format!("{t}"))))
        .collect();
    expected.sort();
    same_rows(&read(&table), &expected);
    engine.shutdown().unwrap();
    let refused = engine.begin().insert(&table, block(&rows(0, 1, "x")));
    assert_eq!(refused.unwrap_err().code(), Code::TABLE_IS_READ_ONLY);
    same_rows(&read(&table), &expected);
    let engine = open(&storage, &Options::manual()).unwrap();
    same_rows(&read(&engine.table("default", "t").unwrap()), &expected);
}
