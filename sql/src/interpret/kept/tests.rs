//! Kept plans answer as plans made anew.

use crate::session::{Database, QueryRequest};

fn table() -> Database {
    let db = Database::in_memory().unwrap();
    db.execute(
        "CREATE TABLE t (city String, at DateTime, n Int32, x Nullable(Float64), u UInt8, tags Array(String),
             low LowCardinality(String), day Date MATERIALIZED toDate(at), twice Int64 ALIAS n * 2)
         ENGINE = MergeTree PARTITION BY u ORDER BY (city, at);
         INSERT INTO t SELECT concat('c', toString(number % 7)), toDateTime('2024-01-01 00:00:00') + number * 3600,
             number - 50, if(number % 5 = 0, NULL, number / 3), number % 4, [toString(number % 3)], toString(number % 2)
         FROM numbers(200);
         CREATE TABLE r (k UInt32, v UInt32, s String) ENGINE = ReplacingMergeTree(v) ORDER BY k;
         INSERT INTO r SELECT number % 50, number, toString(number) FROM numbers(100)",
    )
    .unwrap();
    db
}

fn hits(db: &Database) -> u64 {
    db.shared().plans.hits()
}

/// The answer, or the error; a comment makes a text that no plan is kept for.
fn answer(db: &Database, sql: &str) -> String {
    match db.query(sql) {
        Ok(answer) => format!("{:?}", answer.rows()),
        Err(e) => format!("{:?} {}", e.code(), e.message()),
    }
}

/// Asks the query with each of the values of `$`, as it is and by the usual way.
fn ask(db: &Database, sql: &str, values: &[&str]) -> u64 {
    let before = hits(db);
    for value in values {
        let text = sql.replace('$', value);
        let (kept, usual) = (answer(db, &text), answer(db, &format!("{text} -- usual")));
        assert_eq!(kept, usual, "{text}");
    }
    hits(db) - before
}

#[test]
fn a_plan_is_kept_for_other_literals_of_where() {
    let db = table();
    let texts = ["'c1'", "'c2'", "'c9'", "''", "'it''s'"];
    let numbers = ["3", "300", "70000", "5000000000", "0"];
    let times = [
        "'2024-01-02 00:00:00'",
        "'2024-01-03'",
        "'2023-01-01 00:00:00'",
        "'2024-01-05 10:00:00'",
        "'2024-01-06 00:00:01'",
    ];
    for (sql, values) in [
        (
            "SELECT * FROM t WHERE city = $ ORDER BY at DESC LIMIT 3",
            texts,
        ),
        ("SELECT count(), sum(n) FROM t WHERE city != $", texts),
        (
            "SELECT city, avg(x) FROM t WHERE low = $ GROUP BY city ORDER BY city",
            ["'0'", "'1'", "'2'", "''", "'a'"],
        ),
        ("SELECT n FROM t WHERE n > $ ORDER BY n", numbers),
        (
            "SELECT n AS m FROM t WHERE m < $ AND u = 2 ORDER BY m",
            numbers,
        ),
        (
            "SELECT twice FROM t WHERE twice <= $ ORDER BY n LIMIT 5",
            numbers,
        ),
        ("SELECT x FROM t WHERE x > $ ORDER BY x", numbers),
        (
            "SELECT at FROM t WHERE at >= $ AND city = 'c3' ORDER BY at",
            times,
        ),
        (
            "SELECT max(at) FROM t WHERE at < toDateTime($)",
            [
                "'2024-01-02 00:00:00'",
                "'2024-01-04 00:00:00'",
                "'2024-01-02 12:00:00'",
                "'2024-02-02 00:00:00'",
                "'2025-01-02 00:00:00'",
            ],
        ),
        (
            "SELECT day, count() FROM t WHERE day = $ GROUP BY day",
            [
                "'2024-01-02'",
                "'2024-01-03'",
                "'2024-01-04'",
                "'2024-01-05'",
                "'2030-01-01'",
            ],
        ),
        (
            "SELECT n FROM t WHERE n + $ > 100 ORDER BY n",
            ["3", "7", "9", "11", "13"],
        ),
        (
            "SELECT n FROM t PREWHERE u = 1 WHERE n > $ ORDER BY n",
            numbers,
        ),
        ("SELECT n FROM t AS a WHERE a.n = $", numbers),
        (
            "SELECT n FROM t WHERE city LIKE $ ORDER BY n",
            ["'c%'", "'%1'", "'c_'", "'x'", "''"],
        ),
        (
            "SELECT n FROM t WHERE has(tags, $) ORDER BY n",
            ["'1'", "'2'", "'5'", "''", "'0'"],
        ),
        (
            "SELECT n FROM t WHERE n = $ OR n = 1 OR n = 2 ORDER BY n",
            numbers,
        ),
        ("SELECT k, v FROM r FINAL WHERE k < $ ORDER BY k", numbers),
        ("SELECT k, v FROM r WHERE k = $ ORDER BY v", numbers),
        (
            "SELECT count() FROM t WHERE u = $",
            ["0", "1", "2", "3", "4"],
        ),
    ] {
        let hit = ask(&db, sql, &values);
        let fixed = sql.contains("PREWHERE") || sql.contains(" OR ") || sql.contains("AS m");
        // Once unseen, once to make it.
        assert!(hit == values.len() as u64 - 2 || fixed, "{sql}: {hit} hits");
    }
}

#[test]
fn what_else_differs_is_not_mixed_up() {
    let db = table();
    let sql = "SELECT $ AS a, n FROM t WHERE n = 7 LIMIT 5";
    ask(&db, sql, &["1", "2", "'x'", "'y'", "1", "'x'"]);
    ask(
        &db,
        "SELECT n FROM t WHERE n > 5 ORDER BY n LIMIT $",
        &["1", "2", "3", "1", "2", "3"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n > 5 AND u = 1 ORDER BY $",
        &["1", "1", "2", "1"],
    );
    ask(&db, "SELECT n, 5 FROM t WHERE n = $", &["5", "6", "5", "7"]);
    ask(
        &db,
        "SELECT n, n = $ FROM t WHERE n = 5",
        &["5", "6", "5", "7"],
    );
    ask(
        &db,
        "SELECT toTypeName(n = $) FROM t WHERE n = 1",
        &["5", "'6'", "7"],
    );
    ask(
        &db,
        "SELECT city FROM t WHERE city = concat('c', $) GROUP BY city",
        &["'1'", "'2'", "'3'"],
    );
    ask(&db, "SELECT n FROM t WHERE n = -$", &["5", "6", "7", "8"]);
    ask(
        &db,
        "SELECT n FROM t WHERE n = $ AND 1 = 1",
        &["5", "6", "7", "8"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n = 5 AND 1 = $",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n > now() - $",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n IN (SELECT $)",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n IN ($, 3) ORDER BY n",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n = $ UNION ALL SELECT n FROM t WHERE n = 1",
        &["1", "0", "1"],
    );
    ask(
        &db,
        "WITH t AS (SELECT 1 AS n) SELECT n FROM t WHERE n = $",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "WITH $ AS w SELECT n FROM t WHERE n = w",
        &["1", "0", "1", "0"],
    );
    ask(
        &db,
        "SELECT count() FROM t WHERE arrayExists(e -> e = $, tags)",
        &["'1'", "'0'", "'5'"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE (n = $ AS hit) ORDER BY n",
        &["1", "0", "1", "0"],
    );
}

#[test]
fn bad_literals_give_their_own_errors() {
    let db = table();
    let times = [
        "'2024-01-02'",
        "'2024-01-03'",
        "'2024-01-04'",
        "'nonsense'",
        "'2024-13-01'",
    ];
    ask(&db, "SELECT n FROM t WHERE day = $", &times);
    ask(
        &db,
        "SELECT n FROM t WHERE at > $",
        &[
            "'2024-01-02 00:00:00'",
            "'2024-01-03 00:00:00'",
            "'x'",
            "7",
            "'2024-01-01 00:00:00'",
        ],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE n = $",
        &["'5'", "'6'", "'x'", "'7'"],
    );
    ask(
        &db,
        "SELECT n FROM t WHERE city = $",
        &["'c1'", "'c2'", "5", "6", "7"],
    );
}

#[test]
fn a_table_that_changes_is_planned_anew() {
    let db = table();
    let sql = "SELECT * FROM t WHERE n = $ ORDER BY at";
    assert_eq!(ask(&db, sql, &["1", "2", "3"]), 1);
    for change in [
        "INSERT INTO t (city, at, n) VALUES ('new', '2024-05-05 00:00:00', 3)",
        "ALTER TABLE t ADD COLUMN more String DEFAULT toString(n)",
        "ALTER TABLE t MODIFY COLUMN n Int64",
        "ALTER TABLE t DELETE WHERE n = 3",
        "DROP TABLE t",
        "CREATE TABLE t (n UInt8, at UInt8) ORDER BY n",
        "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)",
        "DROP TABLE t",
        "CREATE VIEW t AS SELECT 3 AS n, 4 AS at",
    ] {
        db.execute(change).unwrap();
        ask(&db, sql, &["1", "2", "3", "3"]);
    }
}

#[test]
fn settings_and_databases_have_plans_of_their_own() {
    let db = table();
    db.execute("CREATE DATABASE other; CREATE TABLE other.t (n Nullable(Int32)) ORDER BY tuple(); INSERT INTO other.t VALUES (1), (NULL)")
        .unwrap();
    let mut session = db.session();
    let mut run = |sql: &str| {
        let mut out = Vec::new();
        session.run(QueryRequest::new(sql), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut rows = |set: &str, sql: &str| {
        run(set);
        run(sql)
    };
    for n in [1, 2, 3] {
        let sql = format!("SELECT n FROM t WHERE n = {n}");
        assert_eq!(rows("USE default", &sql), format!("{n}\n"));
    }
    assert_eq!(rows("USE other", "SELECT n FROM t WHERE n = 1"), "1\n");
    assert_eq!(rows("USE other", "SELECT n FROM t WHERE n = 2"), "");
    assert_eq!(rows("USE default", "SELECT n FROM t WHERE n = 2"), "2\n");
    for zone in ["UTC", "Asia/Tokyo", "UTC", "Asia/Tokyo"] {
        for hour in [1, 2, 3] {
            let sql = format!("SELECT n FROM t WHERE at = '2024-01-02 0{hour}:00:00'");
            let usual = rows(
                &format!("SET session_timezone = '{zone}'"),
                &format!("{sql} -- usual"),
            );
            assert_eq!(
                rows(&format!("SET session_timezone = '{zone}'"), &sql),
                usual
            );
        }
    }
}
