//! A database in a directory: what was acknowledged is there again, tokens land once, defaults fill.
//!
//! Goal: the embedded API as a user writes it. Method: open, write, drop, open again.

use roost::session::InsertOptions;
use roost::{Database, Value};

type Outcome = Result<(), roost::Error>;

#[test]
fn rows_and_definitions_survive_a_restart() -> Outcome {
    let folder = tempfile::tempdir().unwrap_or_else(|e| unreachable!("a directory: {e}"));
    {
        let db = Database::open(folder.path())?;
        db.execute(
            "CREATE TABLE t (id UInt64, s LowCardinality(String) DEFAULT concat('n', toString(id)),
             twice UInt64 MATERIALIZED id * 2, label String ALIAS concat(s, '!'))
             ENGINE = MergeTree PARTITION BY id % 3 ORDER BY id",
        )?;
        db.execute("INSERT INTO t (id) VALUES (1), (2), (3); INSERT INTO t (id, s) SELECT number, 'x' FROM numbers(10, 5)")?;
        db.execute("CREATE VIEW v AS SELECT id, label FROM t WHERE id < 3")?;
    }
    let db = Database::open(folder.path())?;
    let rows = db
        .query("SELECT count(), sum(id), sum(twice) FROM t")?
        .rows();
    assert_eq!(rows, [[Value::UInt(8), Value::UInt(66), Value::UInt(132)]]);
    let rows = db.query("SELECT label FROM v ORDER BY id")?.rows();
    assert_eq!(rows, [[Value::string("n1!")], [Value::string("n2!")]]);
    assert!(db.query("SELECT * FROM t LIMIT 1")?.schema().len() == 2);
    Ok(())
}

#[test]
fn a_token_lands_once() -> Outcome {
    let db = Database::in_memory()?;
    db.execute("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")?;
    let block = db
        .query("SELECT number AS id FROM numbers(10)")?
        .block()
        .clone();
    let options = InsertOptions {
        token: Some("batch 1".into()),
    };
    assert_eq!(db.insert("t", block.clone(), options.clone())?, 10);
    assert_eq!(db.insert("t", block, options)?, 0);
    db.execute("INSERT INTO t SETTINGS insert_deduplication_token = 'batch 2' VALUES (1)")?;
    db.execute("INSERT INTO t SETTINGS insert_deduplication_token = 'batch 2' VALUES (1)")?;
    assert_eq!(
        db.query("SELECT count() FROM t")?.rows(),
        [[Value::UInt(11)]]
    );
    Ok(())
}

#[test]
fn a_failing_insert_leaves_nothing() -> Outcome {
    let db = Database::in_memory()?;
    db.execute("CREATE TABLE t (id UInt8, n Nullable(Int32)) ENGINE = MergeTree ORDER BY id")?;
    for sql in [
        "INSERT INTO t VALUES (1, 2), ('x', 3)",
        "INSERT INTO t (id, nothing) VALUES (1, 2)",
        "INSERT INTO t SELECT 1",
        "INSERT INTO t SELECT number, throwIf(number = 5) FROM numbers(10)",
    ] {
        assert!(db.execute(sql).is_err(), "{sql}");
    }
    assert_eq!(
        db.query("SELECT count() FROM t")?.rows(),
        [[Value::UInt(0)]]
    );
    Ok(())
}

#[test]
fn renames_and_exchanges_are_whole() -> Outcome {
    let db = Database::in_memory()?;
    db.execute("CREATE TABLE a (x UInt8) ENGINE = MergeTree ORDER BY x; INSERT INTO a VALUES (1)")?;
    db.execute("CREATE TABLE b (x UInt8) ENGINE = MergeTree ORDER BY x; INSERT INTO b VALUES (2)")?;
    db.execute("EXCHANGE TABLES a AND b")?;
    assert_eq!(db.query("SELECT x FROM a")?.rows(), [[Value::UInt(2)]]);
    db.execute("RENAME TABLE a TO c, b TO a")?;
    assert_eq!(db.query("SELECT x FROM a")?.rows(), [[Value::UInt(1)]]);
    assert!(db.query("SELECT x FROM b").is_err());
    db.execute("TRUNCATE TABLE a; DROP TABLE c; DROP TABLE IF EXISTS c")?;
    assert_eq!(
        db.query("SELECT count() FROM a")?.rows(),
        [[Value::UInt(0)]]
    );
    Ok(())
}
