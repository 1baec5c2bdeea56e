//! The first rows of an order are those of the whole order.
//!
//! Goal: reading in the order of a key, from the best pages on, with what is behind a bound left
//! out, never changes an answer. Method: the same query without its LIMIT is the model; tables have
//! several parts, several granules, FINAL, a memory part, and a column that some parts lack.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use roost::Database;
use roost_engine::types::Value;

/// 41,000 rows in four parts of up to three granules, and an added column.
fn tables() -> Database {
    let db = Database::in_memory().unwrap();
    for sql in [
        "CREATE TABLE t (city LowCardinality(String), ts DateTime, n UInt32, f Float64, q Nullable(Int32), s String)
         ENGINE = ReplacingMergeTree ORDER BY (city, ts)",
        "SYSTEM STOP MERGES t",
        "INSERT INTO t SELECT concat('c', toString(number % 3)), toDateTime('2024-01-01 00:00:00') + intDiv(number, 3) * 60,
         number * 7919 % 10007, if(number % 97 = 0, nan, number * 31 % 1009 / 8), if(number % 5 = 0, NULL, number * 17 % 501 - 250),
         concat('s', toString(number * 13 % 3001)) FROM numbers(20000)",
        "ALTER TABLE t ADD COLUMN late UInt16 DEFAULT n % 100",
        "INSERT INTO t SELECT concat('c', toString(number % 5)), toDateTime('2024-01-03 00:00:00') + intDiv(number, 5) * 60,
         number * 104729 % 20011, number * 31 % 911, number % 400, concat('s', toString(number % 2003)), number % 1000 FROM numbers(20000)",
        "INSERT INTO t SELECT 'c1', toDateTime('2024-01-02 00:00:00') + number * 60, number, number, number, 'x', number FROM numbers(990)",
        "INSERT INTO t SELECT 'c9', toDateTime('2023-01-01 00:00:00') + number * 60, 70000 + number, -1, NULL, '', 5 FROM numbers(10)",
    ] {
        db.execute(sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }
    db
}

fn rows(db: &Database, sql: &str) -> Vec<Vec<Value>> {
    match db.query(sql) {
        Ok(result) => result.rows(),
        Err(e) => panic!("{sql}: {e:?}"),
    }
}

/// The query's first rows beside the first of all its rows. Of rows that tie in the order any may
/// come, so only the keys are compared, and that every row is one of the whole answer.
fn check(db: &Database, from: &str, order: &str, limit: usize, offset: usize) {
    let keys = order.replace(" DESC", "").replace(" NULLS FIRST", "");
    let sql =
        format!("SELECT {keys}, city, ts, n, toString(f), q, s, late FROM {from} ORDER BY {order}");
    let whole = rows(db, &sql);
    let width = keys.split(", ").count();
    let first = rows(db, &format!("{sql} LIMIT {limit} OFFSET {offset}"));
    let wanted = whole.iter().skip(offset).take(limit);
    let wanted: Vec<String> = wanted.map(|row| format!("{:?}", &row[..width])).collect();
    let found = first.iter().map(|row| format!("{:?}", &row[..width]));
    let found: Vec<String> = found.collect();
    assert_eq!(found, wanted, "{sql} LIMIT {limit} OFFSET {offset}");
    let plain = width + 2;
    let same =
        |a: &[Value], b: &[Value]| a[plain] == b[plain] && format!("{a:?}") == format!("{b:?}");
    for row in first.iter().take(3) {
        let known = whole.iter().any(|other| same(row, other));
        assert!(known, "{row:?} is no row of {sql}");
    }
}

const WHERE: [&str; 11] = [
    "t",
    "t WHERE city = 'c1'",
    "t WHERE city = 'c1' AND ts > '2024-01-02 10:00:00' AND ts <= '2024-01-04 00:00:00'",
    "t WHERE city = 'c0' AND ts >= '2024-01-03 00:00:00' AND n % 3 = 1",
    "t WHERE city IN ('c0', 'c4') AND ts < '2024-01-05 00:00:00'",
    "t WHERE n > 15000",
    "t WHERE city = 'nowhere'",
    "t FINAL",
    "t FINAL WHERE city = 'c1' AND ts BETWEEN '2024-01-02 00:00:00' AND '2024-01-02 15:00:00'",
    "t FINAL WHERE city = 'c1' AND n < 500",
    "t WHERE ts > '2024-01-03 12:00:00' AND city < 'c2'",
];

#[test]
fn the_first_rows_of_a_key_are_read_from_its_end() {
    let db = tables();
    for from in WHERE {
        for (order, limit, offset) in [
            ("ts DESC", 10, 0),
            ("ts", 3, 2),
            ("city, ts", 7, 0),
            ("city DESC, ts DESC", 5, 1),
            ("city, ts DESC", 5, 0),
        ] {
            check(&db, from, order, limit, offset);
        }
    }
}

#[test]
fn the_first_rows_of_any_column_are_those_of_all() {
    let db = tables();
    for from in WHERE.into_iter().step_by(2) {
        for (order, limit, offset) in [
            ("n DESC", 4, 0),
            ("n", 6, 0),
            ("f", 3, 0),
            ("f DESC", 3, 0),
            ("q", 5, 0),
            ("q DESC NULLS FIRST", 5, 0),
            ("s DESC, n", 9, 0),
            ("late, n DESC", 4, 3),
            ("intDiv(n, 10), ts", 3, 0),
        ] {
            check(&db, from, order, limit, offset);
        }
    }
}

#[test]
fn what_stands_between_a_scan_and_its_limit_is_minded() {
    let db = tables();
    // A filter above a projection, a join that drops rows, duplicates that fall away.
    for (sql, expected) in [
        (
            "SELECT ts FROM (SELECT ts, n * 2 AS m FROM t WHERE city = 'c2') WHERE m % 7 = 3 ORDER BY ts DESC LIMIT 3",
            "SELECT ts FROM t WHERE city = 'c2' AND (n * 2) % 7 = 3 ORDER BY ts DESC",
        ),
        (
            "SELECT t.ts FROM t INNER JOIN (SELECT 'c1' AS city, number AS late FROM numbers(3)) AS r ON t.city = r.city AND t.late = r.late ORDER BY t.ts DESC LIMIT 3",
            "SELECT ts FROM t WHERE city = 'c1' AND late < 3 ORDER BY ts DESC",
        ),
        (
            "SELECT DISTINCT late FROM t WHERE city = 'c0' ORDER BY late DESC LIMIT 3",
            "SELECT late FROM t WHERE city = 'c0' GROUP BY late ORDER BY late DESC",
        ),
    ] {
        let mut wanted = rows(&db, expected);
        wanted.truncate(3);
        assert_eq!(rows(&db, sql), wanted, "{sql}");
    }
}
