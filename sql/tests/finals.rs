//! FINAL answers what a table without the superseded rows answers.
//!
//! Goal: rows that are read with others between them that do not count are the rows of the merged
//! table, for every aggregate. Method: the same queries over a subquery that finds the rows by
//! their keys and versions; superseded rows hold what must not be seen (NaN, infinities, extremes,
//! divisors of zero), and parts arrive, are merged and lose rows between the rounds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use roost::Database;

fn ask(db: &Database, sql: &str) -> String {
    match db.query(sql) {
        Ok(result) => format!("{:?}", result.rows()),
        Err(e) => format!("error {e:?}"),
    }
}

fn run(db: &Database, sql: &str) {
    for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        if let Err(e) = db.execute(statement) {
            panic!("{statement}: {e:?}");
        }
    }
}

/// What one row of an answer may be asked; every column is stored, so that masks are taken.
const WHOLE: [&str; 9] = [
    "count(), sum(n), avg(n)",
    "sum(i8), sum(u8), sum(i16), sum(u16), sum(i32), sum(u32), sum(i64), avg(i32), sumWithOverflow(u8)",
    "sum(f), avg(f), min(f), max(f), sum(f32)",
    "min(n), max(n), min(i8), max(i64), min(u16), max(d), sum(d), avg(d)",
    "count(q), sum(q), avg(q), min(q), max(q)",
    "sum(x), count(x), max(x)",
    "min(s), max(s), count(s), max(l)",
    "uniqExact(n), uniqExact(s), count(DISTINCT u8)",
    "any(one), anyLast(one), sum(late), min(late)",
];

/// What is computed of rows, or of some of them.
const PARTS: [&str; 9] = [
    "SELECT sum(intDiv(1000, z)), sum(alias), max(alias) FROM {}",
    "SELECT count(), sum(n), max(f), sum(q), sum(late) FROM {} WHERE n % 3 = 0",
    "SELECT sum(length(s)), sum(n + 1), countIf(q > 5), sumIf(n, u8 > 3) FROM {}",
    "SELECT count(), sum(n) FROM {} WHERE s = 's5' OR q IS NULL",
    "SELECT count(), sum(n), min(f), max(q), sum(late) FROM {} WHERE k BETWEEN 3000 AND 9000",
    "SELECT count(), sum(n), sum(q) FROM {} WHERE k = 4567",
    "SELECT u8, count(), sum(n), max(f), sum(q), min(s) FROM {} GROUP BY u8 ORDER BY u8",
    "SELECT s, l, sum(x), count() FROM {} GROUP BY s, l ORDER BY s, l LIMIT 20",
    "SELECT k, n, f, q, s, late, alias FROM {} WHERE k % 997 = 0 ORDER BY k",
];

/// The rows that stand: of each key the greatest version, unless it stands for a deletion.
const WANTED: &str =
    "SELECT *, alias FROM t WHERE (k, v) IN (SELECT k, max(v) FROM t GROUP BY k) AND gone = 0";

fn same(db: &Database) {
    run(
        db,
        &format!("CREATE TABLE w ENGINE = MergeTree ORDER BY k AS {WANTED}"),
    );
    let whole = WHOLE.iter().map(|list| format!("SELECT {list} FROM {{}}"));
    for sql in whole.chain(PARTS.iter().map(|s| (*s).to_string())) {
        let found = ask(db, &sql.replace("{}", "t FINAL"));
        assert_eq!(found, ask(db, &sql.replace("{}", "w")), "{sql}");
        assert!(!found.starts_with("error"), "{sql}: {found}");
    }
    run(db, "DROP TABLE w");
}

/// Rows of keys from `first`, every `step`th, `rows` of them, with version `v`; of rows that a later
/// insert replaces, `trap` fills in what must not be seen.
fn insert(db: &Database, v: u32, first: u32, step: u32, rows: u32) {
    // Keys that are multiples of 3 come again with the next version.
    let trap = "(k % 3 = 0)";
    run(
        db,
        &format!(
            "INSERT INTO t (k, v, gone, n, i8, u8, i16, u16, i32, u32, i64, f, f32, q, x, d, s, l, one, z)
             SELECT {first} + number * {step} AS k, {v}, k % 101 = 5, k * 7 + {v}, k % 200 - 100, k % 251, k % 60000 - 30000,
                    k % 60001, k * 31 - 500000, k * 77, k * 1000003 - 999999937, if({trap}, nan, k % 1000 / 8), if({trap}, inf, k % 64 / 4),
                    if(k % 5 = 0, NULL, k - 7000), if(k % 2 = 0, NULL, k % 90), k / 4, concat('s', toString(k % 50)),
                    concat('l', toString(k % 9)), 5, if({trap}, 0, 1 + k % 13)
             FROM numbers({rows})"
        ),
    );
}

fn table(engine: &str) -> Database {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        &format!(
            "CREATE TABLE t (k UInt32, v UInt32, gone UInt8, n UInt64, i8 Int8, u8 UInt8, i16 Int16, u16 UInt16, i32 Int32,
               u32 UInt32, i64 Int64, f Float64, f32 Float32, q Nullable(Int32), x Nullable(UInt8), d Decimal(12, 2), s String,
               l LowCardinality(String), one UInt8, z Int32, alias Int64 ALIAS intDiv(100, z))
             ENGINE = {engine};
             SYSTEM STOP MERGES t"
        ),
    );
    db
}

fn rounds(engine: &str) {
    let db = table(engine);
    // A part file with traps; the next insert replaces exactly those rows.
    insert(&db, 1, 0, 1, 10_000);
    run(
        &db,
        "INSERT INTO t SELECT * REPLACE (2 AS v, k % 1000 / 8 AS f, 3.5 AS f32, 3 AS z) FROM t WHERE k % 3 = 0;
         ALTER TABLE t ADD COLUMN late Int64 DEFAULT intDiv(60, z)",
    );
    same(&db);
    // Fresh keys and some that were there, and a few rows that stay in memory.
    insert(&db, 3, 5_002, 3, 2_500);
    insert(&db, 4, 1, 300, 30);
    same(&db);
    // A merge computes `late` of all rows.
    run(
        &db,
        "ALTER TABLE t DELETE WHERE v = 4; ALTER TABLE t MODIFY COLUMN late DEFAULT 60 - z;
         SYSTEM START MERGES t; OPTIMIZE TABLE t",
    );
    same(&db);
}

#[test]
fn final_is_the_merged_table() {
    rounds("ReplacingMergeTree(v, gone) ORDER BY k");
}

#[test]
fn final_is_the_merged_table_in_partitions() {
    rounds("ReplacingMergeTree(v, gone) PARTITION BY k % 3 ORDER BY k");
}

#[test]
fn final_is_the_merged_table_in_buckets() {
    rounds("ReplacingMergeTree(v, gone) BUCKET BY k INTO 4 ORDER BY k");
}

/// What is known of values outside of the key is not known of their sums.
#[test]
fn sums_are_looked_for_after_they_were_made() {
    for engine in [
        "SummingMergeTree(n) ORDER BY k",
        "SummingMergeTree(n) PARTITION BY p BUCKET BY k INTO 4 ORDER BY (k, p)",
        "SummingMergeTree(n) BUCKET BY o INTO 3 ORDER BY (k, o)",
    ] {
        let db = Database::in_memory().unwrap();
        run(
            &db,
            &format!(
                "CREATE TABLE t (k UInt32, p UInt8, o UInt8, n Int64) ENGINE = {engine};
                 SYSTEM STOP MERGES t;
                 INSERT INTO t SELECT number, number % 2, number % 7, 1 + number % 10 FROM numbers(9000);
                 INSERT INTO t SELECT number * 3, number * 3 % 2, number * 3 % 7, 100 FROM numbers(2000);
                 CREATE TABLE w ENGINE = MergeTree ORDER BY k AS SELECT k, p, o, sum(n) AS n FROM t GROUP BY k, p, o"
            ),
        );
        for filter in [
            "k = 3000",
            "k BETWEEN 3000 AND 8900 AND n > 100",
            "n > 100",
            "n = 5",
            "n < 100 AND k > 8000",
            "o = 3 AND k < 500",
            "o = 3 AND n > 100",
            "p = 1 AND k IN (3, 4, 5)",
        ] {
            let sql = format!("SELECT count(), sum(n), min(k), max(k) FROM {{}} WHERE {filter}");
            let found = ask(&db, &sql.replace("{}", "t FINAL"));
            assert_eq!(found, ask(&db, &sql.replace("{}", "w")), "{sql}, {engine}");
        }
    }
}
