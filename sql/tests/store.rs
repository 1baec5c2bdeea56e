//! A database in a directory: what was acknowledged is there again, tokens land once, defaults fill.
//!
//! Goal: the embedded API as a user writes it. Method: open, write, drop, open again.

use std::sync::Arc;

use roost::interpret::WriteOptions;
use roost::session::{InsertOptions, QueryRequest};
use roost::{Database, Value};
use roost_engine::error::Code;

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
fn a_replacement_reads_what_it_replaces_and_is_matched_by_name() -> Outcome {
    let db = Database::in_memory()?;
    db.execute(
        "CREATE TABLE t (id UInt64, n UInt64, s String DEFAULT concat('n', toString(n)))
         ENGINE = MergeTree ORDER BY id; INSERT INTO t (id, n) VALUES (1, 1), (2, 2)",
    )?;
    let table = db.engine().table("default", "t");
    let Some(table) = table else {
        unreachable!("the table is there")
    };
    let hold = db.engine().hold(&table, &mut || Ok(()))?;
    db.execute("INSERT INTO t (id, n) VALUES (3, 3)")?;
    let run = |sql: &str, hold: &Arc<roost_engine::catalog::Hold>| {
        let request = QueryRequest {
            write: WriteOptions {
                replace: Some(Arc::clone(hold)),
                by_name: true,
                also: Some(Arc::new(|written| {
                    vec![(
                        "job".to_owned(),
                        Some(written.rows.to_string().into_bytes()),
                    )]
                })),
                ..WriteOptions::default()
            },
            ..QueryRequest::new(sql)
        };
        db.run(request, &mut Vec::new())
    };
    let unknown = run("INSERT INTO t SELECT id, 1 AS nope FROM t", &hold);
    assert_eq!(
        unknown.err().map(|e| e.code()),
        Some(Code::NO_SUCH_COLUMN_IN_TABLE)
    );
    assert_eq!(db.engine().get("job"), None, "a failed one leaves nothing");
    let failed = run("INSERT INTO t SELECT throwIf(n = 2) AS n FROM t", &hold);
    assert!(failed.is_err());
    run(
        "INSERT INTO t WITH 10 AS ten SELECT n * ten AS n, id FROM t",
        &hold,
    )?;
    assert_eq!(db.engine().get("job"), Some(b"2".to_vec()));
    let rows = db.query("SELECT id, n, s FROM t ORDER BY id")?.rows();
    let row = |id, n, s| [Value::UInt(id), Value::UInt(n), Value::string(s)];
    assert_eq!(
        rows,
        [row(1, 10, "n10"), row(2, 20, "n20"), row(3, 3, "n3")]
    );
    drop(hold);
    let hold = db.engine().hold(&table, &mut || Ok(()))?;
    run("INSERT INTO t SELECT id FROM t WHERE id > 5", &hold)?;
    assert!(db.query("SELECT 1 FROM t")?.rows().is_empty());
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
