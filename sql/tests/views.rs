//! Materialized views: what they see, where their rows go, how they come and go.
//!
//! Goal: the cascade means what ClickHouse means. Method: answers were taken from ClickHouse 26.9,
//! but where ClickHouse loses rows (a failing view keeps the rows before it; POPULATE).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use roost::exec::CancelToken;
use roost::session::{InsertOptions, QueryRequest};
use roost::{Database, Value};

fn run(db: &Database, sql: &str) {
    for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        if let Err(e) = db.execute(statement) {
            panic!("{statement}: {e:?}");
        }
    }
}

/// The answer as TabSeparated, rows separated by `|`.
fn ask(db: &Database, sql: &str) -> String {
    let mut out = Vec::new();
    match db.run(QueryRequest::new(sql), &mut out) {
        Ok(_) => String::from_utf8(out)
            .unwrap()
            .trim_end()
            .replace('\n', "|")
            .replace('\t', " "),
        Err(e) => format!("error {}", e.code() as u16),
    }
}

fn code(db: &Database, sql: &str) -> u16 {
    db.execute(sql).map_or_else(|e| e.code() as u16, |()| 0)
}

/// A target of those columns and a view into it.
fn view(db: &Database, name: &str, columns: &str, select: &str) {
    run(
        db,
        &format!("CREATE TABLE {name}_t ({columns}) ENGINE = MergeTree ORDER BY tuple()"),
    );
    run(
        db,
        &format!("CREATE MATERIALIZED VIEW {name} TO {name}_t AS {select}"),
    );
}

#[test]
fn the_inserted_rows_stand_for_the_table_wherever_it_is_named() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt8, v UInt32) ORDER BY k;
         CREATE TABLE side (k UInt8, n String, ver UInt32) ENGINE = ReplacingMergeTree(ver) ORDER BY k;
         INSERT INTO side VALUES (1, 'a', 1); INSERT INTO side VALUES (1, 'b', 2);
         INSERT INTO t VALUES (1, 100), (2, 200)",
    );
    let columns = "k UInt8, v UInt32, c UInt64, mx UInt32";
    let select =
        "SELECT k, v, (SELECT count() FROM t) AS c, (SELECT max(v) FROM default.t) AS mx FROM t";
    view(&db, "scalar", columns, select);
    let select = "SELECT k, v, tt.v AS w FROM t JOIN t AS tt USING (k)";
    view(&db, "joined", "k UInt8, v UInt32, w UInt32", select);
    let select = "SELECT k, v FROM t WHERE v IN (SELECT max(v) FROM t)";
    view(&db, "inside", "k UInt8, v UInt32", select);
    let select = "WITH c AS (SELECT k, v FROM t) SELECT count() AS n, sum(v) AS s FROM c";
    view(&db, "cte", "n UInt64, s UInt64", select);
    let select = "SELECT k, n FROM t LEFT JOIN side FINAL ON side.k = t.k";
    view(&db, "sides", "k UInt8, n String", select);
    view(
        &db,
        "nothing",
        "n UInt64",
        "SELECT count() AS n FROM t WHERE v > 1000",
    );
    run(&db, "INSERT INTO t VALUES (1, 5), (1, 6), (3, 7)");
    let rows = |name: &str| ask(&db, &format!("SELECT * FROM {name} ORDER BY ALL"));
    assert_eq!(rows("scalar"), "1 5 3 7|1 6 3 7|3 7 3 7");
    assert_eq!(rows("joined_t"), "1 5 5|1 5 6|1 6 5|1 6 6|3 7 7");
    assert_eq!(rows("inside_t"), "3 7");
    assert_eq!(rows("cte_t"), "3 18");
    assert_eq!(rows("sides_t"), "1 b|1 b|3");
    assert_eq!(rows("nothing_t"), "0");
    run(
        &db,
        "INSERT INTO side VALUES (1, 'c', 3); INSERT INTO t VALUES (1, 1)",
    );
    assert_eq!(rows("sides_t"), "1 b|1 b|1 c|3");
    assert_eq!(rows("inside_t"), "1 1|3 7");
}

#[test]
fn columns_go_by_name_and_missing_ones_take_their_default() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt8, v UInt32, m UInt32 MATERIALIZED v * 2, a UInt32 ALIAS v + 1) ORDER BY k;
         CREATE TABLE t2 (k UInt8, s UInt64, x UInt8 DEFAULT 7, y String DEFAULT concat('k', toString(k))) ORDER BY k;
         CREATE MATERIALIZED VIEW v TO t2 AS SELECT sum(v) AS s, toUInt64(k) AS k FROM t GROUP BY k;
         CREATE MATERIALIZED VIEW star ENGINE = MergeTree ORDER BY k AS SELECT * FROM t;
         CREATE MATERIALIZED VIEW own ENGINE = MergeTree ORDER BY k AS SELECT k, m, a FROM t;
         INSERT INTO t VALUES (3, 30), (3, 1)",
    );
    assert_eq!(ask(&db, "SELECT * FROM t2"), "3 31 7 k3");
    assert_eq!(ask(&db, "SELECT * FROM star ORDER BY v"), "3 1|3 30");
    assert_eq!(ask(&db, "SELECT * FROM own ORDER BY m"), "3 2 2|3 60 31");
    let extra = "CREATE MATERIALIZED VIEW e TO t2 AS SELECT k, 5 AS extra FROM t";
    assert_eq!(code(&db, extra), 8);
    assert_eq!(
        code(
            &db,
            "CREATE MATERIALIZED VIEW e TO t2 AS SELECT k FROM t FINAL"
        ),
        397
    );
    assert_eq!(
        code(
            &db,
            "CREATE MATERIALIZED VIEW e TO t2 AS SELECT k, nosuch AS s FROM t"
        ),
        47
    );
    assert_eq!(
        code(
            &db,
            "CREATE MATERIALIZED VIEW e TO nosuch AS SELECT k FROM t"
        ),
        60
    );
    assert_eq!(
        code(&db, "CREATE MATERIALIZED VIEW v TO t2 AS SELECT k FROM t"),
        57
    );
    assert_eq!(
        code(
            &db,
            "CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t2 AS SELECT k FROM t"
        ),
        0
    );
}

#[test]
fn chains_and_fans_of_views_commit_with_the_insert() {
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (k UInt32) ENGINE = Null");
    for i in 0..11 {
        view(
            &db,
            &format!("v{i}"),
            "k UInt32",
            &format!("SELECT k + {i} AS k FROM t"),
        );
    }
    for i in 0..3 {
        view(
            &db,
            &format!("w{i}"),
            "k UInt32",
            &format!("SELECT k * 10 AS k FROM v{i}_t"),
        );
    }
    // Over a view: what its target gets.
    view(&db, "x", "n UInt64", "SELECT count() AS n FROM w2");
    let before = db.engine().last_commit();
    run(&db, "INSERT INTO t VALUES (1), (2)");
    assert_eq!(db.engine().last_commit(), before + 1, "one commit");
    assert_eq!(ask(&db, "SELECT count() FROM t"), "0");
    assert_eq!(ask(&db, "SELECT * FROM v10_t ORDER BY k"), "11|12");
    assert_eq!(ask(&db, "SELECT * FROM w2_t ORDER BY k"), "30|40");
    assert_eq!(ask(&db, "SELECT * FROM x_t"), "2");
    run(
        &db,
        "CREATE TABLE a (k UInt8) ORDER BY k; CREATE TABLE b (k UInt8) ORDER BY k",
    );
    run(&db, "CREATE MATERIALIZED VIEW ab TO b AS SELECT k FROM a");
    assert_eq!(
        code(&db, "CREATE MATERIALIZED VIEW ba TO a AS SELECT k FROM b"),
        269
    );
    assert_eq!(
        code(&db, "CREATE MATERIALIZED VIEW aa TO a AS SELECT k FROM a"),
        269
    );
}

#[test]
fn a_failing_view_fails_the_insert_and_nothing_is_stored() {
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (k UInt8) ORDER BY k");
    view(&db, "first", "k UInt8", "SELECT k FROM t");
    view(
        &db,
        "bad",
        "k UInt8",
        "SELECT throwIf(k = 9) + k AS k FROM t",
    );
    view(&db, "last", "k UInt8", "SELECT k FROM t");
    let error = db.execute("INSERT INTO t VALUES (1), (9)").unwrap_err();
    assert_eq!(error.code() as u16, 395);
    assert!(
        error
            .message()
            .contains("while pushing to view default.bad"),
        "{error:?}"
    );
    for table in ["t", "first_t", "bad_t", "last_t"] {
        assert_eq!(
            ask(&db, &format!("SELECT count() FROM {table}")),
            "0",
            "{table}"
        );
    }
    run(&db, "DROP TABLE last_t");
    assert_eq!(code(&db, "INSERT INTO t VALUES (1)"), 60);
    assert_eq!(ask(&db, "SELECT count() FROM t"), "0");
    run(&db, "DROP VIEW last; INSERT INTO t VALUES (1)");
    assert_eq!(ask(&db, "SELECT * FROM first_t"), "1");
}

#[test]
fn a_token_lands_once_with_its_views() {
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (id UInt64) ORDER BY id");
    view(&db, "v", "n UInt64", "SELECT count() AS n FROM t");
    let retry = "INSERT INTO t SETTINGS insert_deduplication_token = 'x' VALUES (1), (2)";
    run(&db, retry);
    run(&db, retry);
    let block = db
        .query("SELECT number AS id FROM numbers(5)")
        .unwrap()
        .block()
        .clone();
    let options = InsertOptions {
        token: Some("y".into()),
    };
    assert_eq!(db.insert("t", block.clone(), options.clone()).unwrap(), 5);
    assert_eq!(db.insert("t", block, options).unwrap(), 0);
    run(&db, "INSERT INTO t FORMAT JSONEachRow {\"id\": 7}");
    run(&db, "INSERT INTO t SELECT number FROM numbers(3)");
    assert_eq!(ask(&db, "SELECT n FROM v ORDER BY n"), "1|2|3|5");
}

#[test]
fn states_go_into_aggregating_targets() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE src (g UInt8, v UInt32, t String, n Nullable(String)) ORDER BY g",
    );
    let insert = "INSERT INTO src VALUES (1, 5, 'a', NULL), (1, 6, 'b', 'x'), (2, 7, 'a', 'y')";
    let cases = [
        (
            "AggregateFunction(count, String)",
            "countState(v)",
            "countMerge",
            "1 2|2 1",
        ),
        (
            "AggregateFunction(count)",
            "countState(if(v > 5, CAST(1 AS UInt8), NULL))",
            "countMerge",
            "1 1|2 1",
        ),
        (
            "AggregateFunction(countDistinct, String)",
            "countDistinctState(t)",
            "countDistinctMerge",
            "1 2|2 1",
        ),
        (
            "AggregateFunction(groupArrayDistinct, String)",
            "groupArrayDistinctState(t)",
            "groupArrayDistinctMerge",
            "1 ['a','b']|2 ['a']",
        ),
        (
            "AggregateFunction(avg, Int8)",
            "avgState(CAST(v AS Int8))",
            "avgMerge",
            "1 5.5|2 7",
        ),
        (
            "AggregateFunction(countIf, UInt8)",
            "countIfState(v > 5)",
            "countIfMerge",
            "1 1|2 1",
        ),
        (
            "SimpleAggregateFunction(sum, UInt64)",
            "sum(v)",
            "sum",
            "1 11|2 7",
        ),
    ];
    for (ty, state, merge, expected) in cases {
        run(
            &db,
            &format!("CREATE TABLE a (g UInt8, s {ty}) ENGINE = AggregatingMergeTree ORDER BY g"),
        );
        run(
            &db,
            &format!(
                "CREATE MATERIALIZED VIEW v TO a AS SELECT g, {state} AS s FROM src GROUP BY g"
            ),
        );
        run(&db, insert);
        let answer = ask(
            &db,
            &format!("SELECT g, {merge}(s) FROM a GROUP BY g ORDER BY g"),
        );
        assert_eq!(answer, expected, "{ty}");
        run(&db, "DROP TABLE v; DROP TABLE a");
    }
    let refused = [
        (
            "AggregateFunction(uniqCombined, String)",
            "uniqCombinedState(n)",
        ),
        ("AggregateFunction(sum, UInt64)", "sumState(v)"),
        (
            "AggregateFunction(max, DateTime64(3))",
            "maxState(toDateTime(v))",
        ),
        ("AggregateFunction(count, String)", "count()"),
    ];
    for (ty, state) in refused {
        run(
            &db,
            &format!("CREATE TABLE a (g UInt8, s {ty}) ENGINE = AggregatingMergeTree ORDER BY g"),
        );
        let sql = format!(
            "CREATE MATERIALIZED VIEW v TO a AS SELECT g, {state} AS s FROM src GROUP BY g"
        );
        assert_eq!(code(&db, &sql), 70, "{ty}");
        run(&db, "DROP TABLE a");
    }
}

#[test]
fn a_view_answers_for_its_target() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt8, v UInt32) ORDER BY k;
         CREATE MATERIALIZED VIEW v ENGINE = SummingMergeTree ORDER BY k AS SELECT k, v + 1 AS w FROM t;
         CREATE TABLE o (k UInt8) ORDER BY k;
         CREATE MATERIALIZED VIEW p TO o AS SELECT k FROM t",
    );
    let text = |sql: &str| match &db.query(sql).unwrap().rows()[0][0] {
        Value::Bytes(b) => String::from_utf8(b.clone()).unwrap(),
        other => format!("{other:?}"),
    };
    assert_eq!(
        text("SHOW CREATE VIEW p"),
        "CREATE MATERIALIZED VIEW default.p TO default.o\n(\n    `k` UInt8\n)\nAS SELECT k FROM default.t"
    );
    let shown = text("SHOW CREATE TABLE v");
    assert!(shown.starts_with("CREATE MATERIALIZED VIEW default.v\n(\n    `k` UInt8,\n    `w` UInt64\n)\nENGINE = SummingMergeTree\nORDER BY k\n"), "{shown}");
    assert!(
        shown.ends_with("\nAS SELECT k, v + 1 AS w FROM default.t"),
        "{shown}"
    );
    assert_eq!(ask(&db, "EXISTS VIEW p"), "1");
    assert_eq!(ask(&db, "EXISTS p"), "1");
    assert_eq!(
        ask(
            &db,
            "SELECT name, type FROM system.columns WHERE table = 'o'"
        ),
        "k UInt8"
    );
    let dependencies = "SELECT name, engine, dependencies_table FROM system.tables WHERE database = 'default' AND name IN ('t', 'p', 'v') ORDER BY name";
    assert_eq!(
        ask(&db, dependencies),
        "p MaterializedView []|t MergeTree ['p','v']|v MaterializedView []"
    );
    assert_eq!(ask(&db, "SHOW TABLES"), ".inner.v|o|p|t|v");
    run(
        &db,
        "INSERT INTO v VALUES (9, 9); INSERT INTO t VALUES (9, 0)",
    );
    assert_eq!(ask(&db, "SELECT * FROM v FINAL"), "9 10");
    run(&db, "RENAME TABLE v TO u; INSERT INTO t VALUES (8, 1)");
    assert_eq!(ask(&db, "SELECT * FROM u FINAL ORDER BY k"), "8 2|9 10");
    run(&db, "TRUNCATE TABLE u; DROP TABLE t");
    assert_eq!(ask(&db, "SELECT count() FROM u"), "0");
    run(&db, "DROP VIEW u; DROP VIEW p");
    assert_eq!(ask(&db, "SHOW TABLES"), "o");
    run(
        &db,
        "CREATE DATABASE d; CREATE TABLE d.t (k UInt8) ORDER BY k",
    );
    run(
        &db,
        "CREATE MATERIALIZED VIEW d.v ENGINE = MergeTree ORDER BY k AS SELECT k FROM d.t",
    );
    run(&db, "DROP DATABASE d; CREATE DATABASE d");
    assert_eq!(ask(&db, "EXISTS d.v"), "0");
}

#[test]
fn changes_of_the_tables_reach_a_view_that_was_compiled() {
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (k UInt8) ORDER BY tuple()");
    view(&db, "v", "k UInt64", "SELECT k FROM t");
    view(&db, "clock", "at DateTime", "SELECT now() AS at FROM t");
    run(
        &db,
        "INSERT INTO t VALUES (1); ALTER TABLE v_t ADD COLUMN n UInt8 DEFAULT 4",
    );
    run(
        &db,
        "INSERT INTO t VALUES (2); ALTER TABLE t MODIFY COLUMN k UInt16; INSERT INTO t VALUES (300)",
    );
    assert_eq!(ask(&db, "SELECT k, n FROM v_t ORDER BY k"), "1 4|2 4|300 4");
    run(
        &db,
        "CREATE OR REPLACE MATERIALIZED VIEW v TO v_t AS SELECT k + 1 AS k FROM t; INSERT INTO t VALUES (400)",
    );
    assert_eq!(ask(&db, "SELECT k FROM v_t ORDER BY k"), "1|2|300|401");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    run(&db, "INSERT INTO t VALUES (5)");
    assert_eq!(
        ask(&db, "SELECT uniqExact(at) >= 2 FROM clock_t"),
        "1",
        "time goes on"
    );
}

#[test]
fn populate_loses_and_doubles_nothing_while_inserts_run() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt64) ORDER BY k; CREATE TABLE s (n UInt64, c UInt64) ORDER BY n",
    );
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for w in 0..2u64 {
            let (db, ended) = (&db, &ended);
            scope.spawn(move || {
                let mut i = 0;
                while !ended.load(Ordering::Relaxed) {
                    run(
                        db,
                        &format!(
                            "INSERT INTO t SELECT {w} + 2 * (number + {i} * 10) FROM numbers(10)"
                        ),
                    );
                    i += 1;
                }
            });
        }
        run(
            &db,
            "CREATE MATERIALIZED VIEW p ENGINE = MergeTree ORDER BY k POPULATE AS SELECT k FROM t",
        );
        let sql = "CREATE MATERIALIZED VIEW q TO s AS SELECT sum(k) AS n, count() AS c FROM t";
        let stored = db.create_view(sql).unwrap().unwrap();
        let later = db.view_source("default", "p", true).unwrap();
        db.populate(&stored, None, &CancelToken::new(), None)
            .unwrap();
        db.populate(&later, None, &CancelToken::new(), None)
            .unwrap();
        ended.store(true, Ordering::Relaxed);
    });
    let whole = ask(&db, "SELECT count(), sum(k) FROM t");
    assert_eq!(ask(&db, "SELECT count(), sum(k) FROM p"), whole);
    assert_eq!(ask(&db, "SELECT sum(c), sum(n) FROM q"), whole);
    let some = db.view_source("default", "q", true).unwrap();
    db.populate(&some, Some("k < 4"), &CancelToken::new(), None)
        .unwrap();
    assert_eq!(ask(&db, "SELECT * FROM q"), "6 4");
}
