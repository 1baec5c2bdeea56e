//! Limits end a query with ClickHouse's code and harm nothing else.
//!
//! Goal: promise 5 of the README. Method: queries that would hold, read or last too much, beside one
//! that must go on working.

use std::time::{Duration, Instant};

use roost::exec::CancelToken;
use roost::session::QueryRequest;
use roost::{Code, Database};

fn code(db: &Database, sql: &str) -> Option<Code> {
    let mut out = Vec::new();
    db.run(QueryRequest::new(sql), &mut out)
        .err()
        .map(|e| e.code())
}

fn database() -> Database {
    Database::in_memory().unwrap_or_else(|e| unreachable!("opens: {e}"))
}

#[test]
fn a_query_past_its_memory_ends_with_241() {
    let db = database();
    for sql in [
        "SELECT groupArray(number) FROM numbers(50000000) SETTINGS max_memory_usage = 10000000",
        "SELECT number, count() FROM numbers(5000000) GROUP BY number SETTINGS max_memory_usage = 10000000",
        "SELECT number FROM numbers(5000000) ORDER BY number DESC LIMIT 4000000 SETTINGS max_memory_usage = 10000000",
        "SELECT count() FROM numbers(3000000) AS a JOIN numbers(3000000) AS b USING (number) SETTINGS max_memory_usage = 10000000",
    ] {
        assert_eq!(code(&db, sql), Some(Code::MEMORY_LIMIT_EXCEEDED), "{sql}");
    }
    assert_eq!(code(&db, "SELECT count() FROM numbers(100000)"), None);
}

#[test]
fn a_query_past_its_time_ends_with_159() {
    let db = database();
    let started = Instant::now();
    let sql = "SELECT sum(number) FROM system.numbers SETTINGS max_execution_time = 0.3";
    assert_eq!(code(&db, sql), Some(Code::TIMEOUT_EXCEEDED));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_query_that_is_cancelled_ends_with_394() {
    let db = database();
    let cancel = CancelToken::new();
    let mut request = QueryRequest::new("SELECT sum(number) FROM system.numbers");
    request.cancel = cancel.clone();
    let handle = std::thread::spawn(move || {
        let mut out = Vec::new();
        db.run(request, &mut out).err().map(|e| e.code())
    });
    std::thread::sleep(Duration::from_millis(100));
    cancel.cancel();
    assert_eq!(
        handle.join().ok().flatten(),
        Some(Code::QUERY_WAS_CANCELLED)
    );
}

#[test]
fn a_result_past_its_rows_ends_with_396() {
    let db = database();
    let sql = "SELECT number FROM numbers(1000) SETTINGS max_result_rows = 10";
    assert_eq!(code(&db, sql), Some(Code::TOO_MANY_ROWS_OR_BYTES));
}

#[test]
fn readonly_sessions_read() {
    let db = database();
    let mut session = db.session();
    assert!(session.settings.set("readonly", "1").is_ok());
    let mut out = Vec::new();
    let create = "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a";
    let refused = session
        .run(QueryRequest::new(create), &mut out)
        .err()
        .map(|e| e.code());
    assert_eq!(refused, Some(Code::READONLY));
    assert!(session.run(QueryRequest::new("SELECT 1"), &mut out).is_ok());
}
