//! Tables through SQL: engines, FINAL, changes of columns and rows, restarts.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside #[test] functions, where clippy.toml does not reach, end the test by panicking"
)]

use roost::Database;

fn ask(db: &Database, sql: &str) -> String {
    let result = match db.query(sql) {
        Ok(result) => result,
        Err(e) => return format!("error {}", e.code() as u16),
    };
    let rows = result.rows().into_iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|v| format!("{v:?}")).collect();
        cells.join(" ")
    });
    rows.collect::<Vec<_>>().join("\n")
}

fn run(db: &Database, sql: &str) {
    for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        if let Err(e) = db.execute(statement) {
            panic!("{statement}: {e:?}");
        }
    }
}

#[test]
fn replacing_tables_show_the_last_row_with_final() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, v UInt32, n UInt32) ENGINE = ReplacingMergeTree(v) ORDER BY k;
         INSERT INTO t SELECT number % 10, 1, number FROM numbers(30);
         INSERT INTO t SELECT number % 10, number, 100 + number FROM numbers(5)",
    );
    assert_eq!(ask(&db, "SELECT count() FROM t"), "UInt(35)");
    let sum = "SELECT count(), sum(n), min(v), max(v) FROM t FINAL";
    let expected = "UInt(10) UInt(565) UInt(1) UInt(4)";
    assert_eq!(ask(&db, sum), expected);
    assert_eq!(ask(&db, "SELECT n FROM t FINAL WHERE k = 3"), "UInt(103)");
    run(&db, "OPTIMIZE TABLE t FINAL");
    assert_eq!(ask(&db, sum), expected);
    assert_eq!(ask(&db, "SELECT count() FROM t"), "UInt(10)");
    run(&db, "CREATE TABLE p (k UInt32) ORDER BY k");
    assert_eq!(ask(&db, "SELECT count() FROM p FINAL"), "error 181");
}

#[test]
fn final_shows_one_row_of_a_key_whatever_the_order_of_versions() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt8, p UInt8, v UInt32) ENGINE = ReplacingMergeTree(v) PARTITION BY p ORDER BY k;
         INSERT INTO t SELECT number % 18, number % 2, number * 7919 % 1000 FROM numbers(300)",
    );
    let sums = "SELECT count(), uniqExact(k), sum(v) = (SELECT sum(m) FROM (SELECT max(v) AS m FROM t GROUP BY k)) FROM t FINAL";
    assert_eq!(ask(&db, sums), "UInt(18) UInt(18) UInt(1)");
}

#[test]
fn aggregating_tables_merge_states() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt8, s AggregateFunction(sum, UInt64), m SimpleAggregateFunction(max, UInt64))
           ENGINE = AggregatingMergeTree ORDER BY k;
         INSERT INTO t SELECT number % 3, sumState(number), max(number) FROM numbers(100) GROUP BY number % 3;
         INSERT INTO t SELECT number % 3, sumState(number), max(number) FROM numbers(50) GROUP BY number % 3",
    );
    let sums = "SELECT k, sumMerge(s), max(m) FROM t GROUP BY k ORDER BY k";
    let expected =
        "UInt(0) UInt(2091) UInt(99)\nUInt(1) UInt(2042) UInt(97)\nUInt(2) UInt(2042) UInt(98)";
    assert_eq!(ask(&db, sums), expected);
    assert_eq!(ask(&db, "SELECT count() FROM t FINAL"), "UInt(3)");
    run(&db, "OPTIMIZE TABLE t FINAL");
    assert_eq!(ask(&db, "SELECT count() FROM t"), "UInt(3)");
    assert_eq!(ask(&db, sums), expected);
}

#[test]
fn rows_are_deleted_and_updated() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, v String, n Nullable(Int32)) ORDER BY k;
         INSERT INTO t SELECT number, toString(number), if(number % 4 = 0, NULL, number) FROM numbers(20);
         DELETE FROM t WHERE k % 2 = 1;
         ALTER TABLE t DELETE WHERE n > 15;
         ALTER TABLE t UPDATE v = concat('x', v), n = 7 WHERE k < 4;
         DELETE FROM t WHERE k IN (SELECT number FROM numbers(10) WHERE number > 6)",
    );
    let rows = "SELECT k, v, n FROM t ORDER BY k LIMIT 3";
    let text = |s: &str| format!("{:?}", roost::Value::string(s));
    let expected = format!(
        "UInt(0) {} Int(7)\nUInt(2) {} Int(7)\nUInt(4) {} Null",
        text("x0"),
        text("x2"),
        text("4")
    );
    assert_eq!(ask(&db, rows), expected);
    assert_eq!(
        ask(&db, "SELECT count(), sum(k) FROM t"),
        "UInt(8) UInt(64)"
    );
    assert_eq!(
        db.execute("ALTER TABLE t UPDATE k = 1 WHERE 1")
            .unwrap_err()
            .code() as u16,
        420
    );
}

#[test]
fn columns_change_with_their_rows() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, v UInt8) ORDER BY k;
         INSERT INTO t SELECT number, number FROM numbers(5);
         ALTER TABLE t ADD COLUMN d UInt32 DEFAULT k * 10;
         ALTER TABLE t RENAME COLUMN v TO w;
         ALTER TABLE t MODIFY COLUMN w String;
         INSERT INTO t (k, w) VALUES (9, '9')",
    );
    let text = |s: &str| format!("{:?}", roost::Value::string(s));
    let last = "SELECT k, w, d FROM t ORDER BY k DESC LIMIT 2";
    let found = ask(&db, last);
    assert!(
        found.ends_with(&format!("UInt(4) {} UInt(40)", text("4"))),
        "{found}"
    );
    run(&db, "ALTER TABLE t ADD COLUMN e UInt32 DEFAULT d + 1");
    let refused = db.execute("ALTER TABLE t DROP COLUMN d").unwrap_err();
    assert_eq!(refused.code() as u16, 44);
    run(
        &db,
        "ALTER TABLE t DROP COLUMN w; ALTER TABLE t ADD COLUMN w UInt8",
    );
    assert_eq!(ask(&db, "SELECT sum(w), count() FROM t"), "UInt(0) UInt(6)");
}

/// The answer in a format that does not tell how many rows there were before a limit: the paths
/// that need not know it.
fn tsv(db: &Database, sql: &str) -> String {
    let mut out = Vec::new();
    let request = roost::session::QueryRequest::new(sql);
    match db.run(request, &mut out) {
        Ok(_) => String::from_utf8(out).unwrap(),
        Err(e) => panic!("{sql}: {e:?}"),
    }
}

fn numbered() -> Database {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, g String, v Int32, w UInt8) ORDER BY k;
         INSERT INTO t SELECT number, concat('g', toString(number % 700)), number * 7919 % 100003, number % 5
           FROM numbers(150000)",
    );
    db
}

#[test]
fn any_few_groups_are_whole_groups() {
    let db = numbered();
    let sql = "SELECT count(), countIf(c = n), min(n) >= 214 FROM (SELECT g, count() AS c FROM t GROUP BY g LIMIT 20) AS a \
               JOIN (SELECT g, count() AS n FROM t GROUP BY g) AS b USING (g)";
    assert_eq!(tsv(&db, sql), "20\t20\t1\n");
    let every = "SELECT count() FROM (SELECT w, g FROM t WHERE w < 2 GROUP BY w, g LIMIT 9000)";
    assert_eq!(tsv(&db, every), "280\n");
}

#[test]
fn the_first_rows_of_an_order_do_not_depend_on_how_they_are_found() {
    let db = numbered();
    for (filter, order) in [
        ("w = 3", "v"),
        ("g LIKE '%9'", "v DESC"),
        ("w = 3 AND g LIKE '%3'", "v, k"),
        ("w > 1", "g DESC, v"),
    ] {
        let rows = |limit: &str| {
            tsv(
                &db,
                &format!("SELECT k, g FROM t WHERE {filter} ORDER BY {order} {limit}"),
            )
        };
        let all = rows("");
        let first: String = all.split_inclusive('\n').take(7).collect();
        assert_eq!(rows("LIMIT 7"), first, "{filter} {order}");
    }
}

#[test]
fn what_only_a_filter_reads_does_not_show() {
    let db = numbered();
    let sql = "SELECT count(), sum(k) FROM t WHERE g = 'g7' AND v > 50000 AND w < 4";
    let slow = "SELECT count(), sum(if(g = 'g7' AND v > 50000 AND w < 4, k, 0)) FROM t WHERE NOT ignore(g, v, w) AND g = 'g7' AND v > 50000 AND w < 4";
    assert_eq!(tsv(&db, sql), tsv(&db, slow));
    let keys = "SELECT v % 2, v % 2 + 1, sum(w + 1), sum(w + 2), sum(w - 3) FROM t GROUP BY v % 2, v % 2 + 1 ORDER BY 1";
    assert_eq!(
        tsv(&db, keys),
        "0\t1\t224986\t299982\t-74998\n1\t2\t225014\t300018\t-75002\n"
    );
}

#[test]
fn a_format_behind_a_statement_that_is_no_query_is_the_answers() {
    use roost::session::QueryRequest;
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (k UInt32) ORDER BY k");
    let text = |sql: &str| {
        let mut out = Vec::new();
        db.run(QueryRequest::new(sql), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(text("SHOW TABLES FORMAT JSONEachRow"), "{\"name\":\"t\"}\n");
    assert_eq!(text("EXISTS t FORMAT CSV"), "1\n");
    assert!(text("DESCRIBE TABLE t FORMAT CSV").starts_with("\"k\",\"UInt32\""));
    assert!(text("EXPLAIN SELECT 1 FORMAT JSONEachRow").starts_with("{\"explain\":"));
}

#[test]
fn explain_names_the_rules_that_changed_the_plan() {
    let db = Database::in_memory().unwrap();
    run(&db, "CREATE TABLE t (k UInt32, v UInt32) ORDER BY k");
    let mut plan = Vec::new();
    let sql = "EXPLAIN SELECT k FROM (SELECT * FROM t) WHERE v = 3";
    let request = roost::session::QueryRequest::new(sql);
    db.run(request, &mut plan).unwrap();
    let plan = String::from_utf8(plan).unwrap();
    assert!(plan.contains("Rules that changed the plan: "), "{plan}");
    assert!(plan.contains("push_filters"), "{plan}");
}

#[test]
fn information_schema_tells_of_tables_and_columns() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, d Decimal(9, 2), n Nullable(String)) ORDER BY k",
    );
    let columns = "SELECT column_name, numeric_precision, numeric_scale, is_nullable
        FROM information_schema.columns WHERE table_name = 't' AND column_name = 'd'";
    let expected = "Bytes([100]) UInt(9) UInt(2) Bytes([48])";
    assert_eq!(ask(&db, columns), expected);
    let tables = "SELECT count() FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 't' AND TABLE_TYPE = 'BASE TABLE'";
    assert_eq!(ask(&db, tables), "UInt(1)");
    assert_eq!(
        ask(&db, "SELECT count() > 3 FROM information_schema.schemata"),
        "UInt(1)"
    );
}

#[test]
fn final_follows_new_parts_merges_and_rows_that_go() {
    let db = Database::in_memory().unwrap();
    run(
        &db,
        "CREATE TABLE t (k UInt32, p UInt8, v UInt32, n UInt32) ENGINE = ReplacingMergeTree(v) PARTITION BY p ORDER BY k;
         SYSTEM STOP MERGES t;
         INSERT INTO t SELECT number * 3, 0, number % 7, number FROM numbers(60000)",
    );
    // What FINAL must show, counted another way.
    let wanted = "SELECT count(), sum(k), sum(last.1), sum(last.3) FROM (SELECT k, max((v, i, n)) AS last FROM (SELECT *, n >= 1000000 ? n : 0 AS i FROM t) GROUP BY k)";
    let shown = "SELECT count(), sum(k), sum(v), sum(n) FROM t FINAL";
    let same = |db: &Database| assert_eq!(ask(db, shown), ask(db, wanted));
    same(&db);
    for round in 1..12u32 {
        let (step, partition) = (1 + round * 577, round % 3);
        run(
            &db,
            &format!(
                "INSERT INTO t SELECT (number * {step}) % 190000, {partition}, {round}, {round} * 1000000 + number FROM numbers(200 * {round})"
            ),
        );
        same(&db);
        match round {
            4 => run(
                &db,
                "SYSTEM START MERGES t; OPTIMIZE TABLE t PARTITION 0 FINAL; SYSTEM STOP MERGES t",
            ),
            6 => run(&db, "ALTER TABLE t DELETE WHERE v = 5"),
            8 => run(&db, "ALTER TABLE t DROP PARTITION 2"),
            _ => {}
        }
        same(&db);
    }
    assert_eq!(ask(&db, "OPTIMIZE TABLE t FINAL"), "error 236");
    run(&db, "SYSTEM START MERGES; OPTIMIZE TABLE t FINAL");
    same(&db);
    let one = "SELECT k, n FROM t FINAL WHERE k = 1154";
    assert_eq!(
        ask(&db, one),
        ask(
            &db,
            "SELECT k, argMax(n, (v, n)) FROM t WHERE k = 1154 GROUP BY k"
        )
    );
}
