//! Power cuts at every call of an insert that feeds a cascade of views.
//!
//! Goal: an insert is there with everything that views made of it, or not at all; a retry with its
//! token lands once. Method: as the engine's crash tests, with the whole database on the simulated
//! disk; the oracle is the number of inserts that were acknowledged. Other statements and jobs are in
//! `job_crash.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use std::sync::Arc;

use roost::session::DatabaseOptions;
use roost::{Database, Error, Value};
use roost_engine::clock::TestClock;
use roost_engine::options::Options;
use roost_engine::storage::faulty::{Cuts, FaultyStorage};

const INSERTS: u64 = 6;

fn open(disk: &FaultyStorage) -> Result<Database, Error> {
    let engine = Options {
        direct_part_rows: 40,
        flush_rows: 60,
        checkpoint_bytes: 4000,
        ..Options::manual()
    };
    let options = DatabaseOptions {
        threads: 1,
        engine,
        ..DatabaseOptions::default()
    };
    Database::on(
        Arc::new(disk.clone()),
        Arc::new(TestClock::at(1_000_000)),
        options,
    )
}

/// One insert fills four tables: t, its copy, a sum of it, and a count of the copy.
const TABLES: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS t (k UInt64, v UInt64) ORDER BY k",
    "CREATE TABLE IF NOT EXISTS a (k UInt64) ORDER BY k",
    "CREATE TABLE IF NOT EXISTS b (s AggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY tuple()",
    "CREATE TABLE IF NOT EXISTS c (n UInt64) ORDER BY n",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS va TO a AS SELECT k FROM t",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS vb TO b AS SELECT sumState(v) AS s FROM t",
    "CREATE MATERIALIZED VIEW IF NOT EXISTS vc TO c AS SELECT count() AS n FROM a",
];

fn insert(db: &Database, i: u64) -> Result<(), Error> {
    // Some inserts become files, some stay in the log.
    let rows = 5 + i * 17 % 60;
    db.execute(&format!(
        "INSERT INTO t SETTINGS insert_deduplication_token = 'i{i}' SELECT {i} * 1000 + number, {i} FROM numbers({rows})"
    ))
}

/// How many inserts were acknowledged.
fn perform(db: &Database) -> Result<u64, (u64, Error)> {
    for sql in TABLES {
        db.execute(sql).map_err(|e| (0, e))?;
    }
    for i in 0..INSERTS {
        insert(db, i).map_err(|e| (i, e))?;
    }
    Ok(INSERTS)
}

/// Inserts that are there by what each table says; it panics when the tables disagree.
fn found(db: &Database, place: &str) -> Vec<u64> {
    let column = |sql: &str| -> Vec<Value> {
        let rows = db
            .query(sql)
            .unwrap_or_else(|e| panic!("{place}: {sql}: {e:?}"))
            .rows();
        rows.into_iter().flatten().collect()
    };
    let inserts = column("SELECT v FROM t GROUP BY v ORDER BY v");
    let agree = "SELECT (SELECT count() FROM t) = (SELECT count() FROM a) AND (SELECT sum(k) FROM t) = (SELECT sum(k) FROM a) \
         AND (SELECT sum(v) FROM t) = (SELECT sumMerge(s) FROM b) AND (SELECT count() FROM t) = (SELECT sum(n) FROM c) \
         AND (SELECT uniqExact(v) FROM t) = (SELECT count() FROM c)";
    assert_eq!(
        column(agree)[0].as_u64(),
        Some(1),
        "{place}: the tables disagree"
    );
    let doubled = "SELECT count() - uniqExact(k) FROM t";
    assert_eq!(
        column(doubled)[0].as_u64(),
        Some(0),
        "{place}: rows landed twice"
    );
    inserts.iter().filter_map(Value::as_u64).collect()
}

#[test]
fn an_insert_is_there_with_its_views_or_not_at_all() {
    let disk = FaultyStorage::new();
    let whole = open(&disk).unwrap();
    assert_eq!(perform(&whole).ok(), Some(INSERTS));
    assert_eq!(
        found(&whole, "without faults"),
        (0..INSERTS).collect::<Vec<_>>()
    );
    drop(whole);
    let cuts = Cuts {
        from: 0,
        calls: 12,
        images: 1..4,
    };
    let cut = |disk: &FaultyStorage| match open(disk).map(|db| perform(&db)) {
        Ok(Ok(_)) => panic!("the power goes"),
        Ok(Err((known, _))) => known,
        Err(_) => 0,
    };
    let disks = cuts.run(&disk, &cut, &|disk, known, place| {
        let db = open(disk).unwrap_or_else(|e| panic!("{place}: {e:?}"));
        for sql in TABLES {
            db.execute(sql)
                .unwrap_or_else(|e| panic!("{place}: {sql}: {e:?}"));
        }
        let there = found(&db, place);
        let (least, most): (Vec<u64>, Vec<u64>) = ((0..*known).collect(), (0..=*known).collect());
        assert!(
            there == least || there == most,
            "{place}: {known} acknowledged, {there:?} there"
        );
        // Everything is sent again: each insert lands once.
        assert_eq!(perform(&db).ok(), Some(INSERTS), "{place}");
        assert_eq!(
            found(&db, place),
            (0..INSERTS).collect::<Vec<_>>(),
            "{place}"
        );
    });
    println!("{disks} disks");
}
