//! SQL text: through the parser, and through the whole database.
//!
//! Invariant: what the parser accepts, it can print and read again; what runs, ends within its limits.

use std::sync::OnceLock;

use roost::Database;
use roost::parse::{parse_query, parse_statements};
use roost::session::QueryRequest;

const WRITTEN: &str = include_str!("../../tests/diff/queries/written.sql");
const STATEMENTS: &[&str] = &[
    "CREATE TABLE z (a UInt8 DEFAULT 1, b Array(Nullable(String)) CODEC(ZSTD(1)), INDEX i a TYPE minmax GRANULARITY 1) ENGINE = ReplacingMergeTree(a) PARTITION BY a ORDER BY (a, b) TTL toDateTime(a) + INTERVAL 1 DAY SETTINGS index_granularity = 8192",
    "INSERT INTO t (id, s) VALUES (1, 'x'), (2, 'y')",
    "INSERT INTO t FORMAT JSONEachRow {\"id\": 1, \"s\": \"x\"}",
    "ALTER TABLE t ADD COLUMN q Nullable(Float64) AFTER s, DELETE WHERE id = 3",
    "WITH [1, 2, 3] AS a SELECT arrayMap((x, y) -> x + y, a, a), {p:UInt8}, toDate('2020-01-01') + INTERVAL 1 DAY FROM t FINAL SAMPLE 1 PREWHERE id > 1 WHERE s LIKE '%a_' GROUP BY ALL WITH TOTALS ORDER BY 1 WITH FILL LIMIT 1 BY s LIMIT 5 SETTINGS max_threads = 1 FORMAT CSV",
    "SELECT sum(x) OVER (PARTITION BY s ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (SELECT id AS x, * FROM t) AS a ASOF LEFT JOIN u ON a.id = u.id AND a.x >= u.k",
    "EXPLAIN SELECT 1; SHOW TABLES; DESCRIBE t; EXISTS t; DROP TABLE IF EXISTS z",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let written = WRITTEN.split(";\n").filter(|q| !q.trim().is_empty());
    let queries = written.chain(STATEMENTS.iter().copied());
    queries.map(|q| q.trim().as_bytes().to_vec()).collect()
}

pub(crate) fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = parse_statements(&text);
    if let Ok(query) = parse_query(&text) {
        let printed = query.to_string();
        match parse_query(&printed) {
            Ok(again) => assert_eq!(again.to_string(), printed, "printed from {text}"),
            Err(e) => unreachable!("{text}\nprints as\n{printed}\nwhich does not parse: {e}"),
        }
    }
}

fn database() -> &'static Database {
    static DB: OnceLock<Database> = OnceLock::new();
    DB.get_or_init(|| {
        let db = Database::in_memory().unwrap_or_else(|e| unreachable!("opens: {e}"));
        let set_up = "CREATE TABLE t (id UInt64, s String, lc LowCardinality(String), d Date, f64 Float64, n Nullable(Int32), a Array(UInt8), m Map(String, UInt8), dt DateTime64(3)) ENGINE = MergeTree ORDER BY id;
            CREATE TABLE u (id UInt64, k Int32, v String) ENGINE = ReplacingMergeTree ORDER BY id;
            INSERT INTO t SELECT number, toString(number % 7), toString(number % 3), toDate('2020-01-01') + number, number / 3, if(number % 2, number, NULL), range(number % 4), map('k', number % 5), toDateTime64(number, 3) FROM numbers(100);
            INSERT INTO u SELECT number % 10, number, toString(number) FROM numbers(50)";
        db.execute(set_up).unwrap_or_else(|e| unreachable!("{e}"));
        db
    })
}

pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut session = database().session();
    for (name, value) in [
        ("max_threads", "1"),
        ("max_memory_usage", "100000000"),
        ("max_execution_time", "1"),
        ("max_result_rows", "100000"),
    ] {
        if let Err(e) = session.settings.set(name, value) {
            unreachable!("{name}: {e}");
        }
    }
    let _ = session.settings.set("readonly", "2");
    let _ = session.run(QueryRequest::new(text), &mut Vec::new());
}
