//! ClickHouse's interface.

use super::harness::Server;

#[test]
fn statements_and_data_go_in_and_out() {
    let server = Server::start();
    assert_eq!(server.native("ping", b"").text, "Ok.\n");
    let made = server.native(
        "",
        b"CREATE TABLE t (a UInt32, b String) ENGINE = MergeTree ORDER BY a",
    );
    assert_eq!((made.status, made.text.as_str()), (200, ""));
    server.native("?query=INSERT+INTO+t+FORMAT+TSV", b"1\tx\n2\ty\n");
    let inserted = server.native("", b"INSERT INTO t VALUES (3, 'z')");
    assert!(
        inserted
            .header("x-clickhouse-summary")
            .contains("\"written_rows\":\"1\"")
    );
    let read = server.native(
        "?param_least=2&query=SELECT+*+FROM+t+WHERE+a+%3E%3D+%7Bleast:UInt32%7D+ORDER+BY+a",
        b"",
    );
    assert_eq!(read.text, "2\ty\n3\tz\n");
    assert_eq!(read.header("x-clickhouse-format"), "TabSeparated");
    assert!(!read.header("x-clickhouse-query-id").is_empty());
    let json = server.native("?default_format=JSONEachRow", b"SELECT 1 AS one");
    assert_eq!(json.text, "{\"one\":1}\n");
    let large = server.native("", b"SELECT number FROM numbers(500000)");
    assert_eq!(large.text.lines().count(), 500_000);
    assert!(large.text.ends_with("499999\n"));
}

#[test]
fn exceptions_are_clickhouses() {
    let server = Server::start();
    let missing = server.native("", b"SELECT * FROM nowhere");
    assert_eq!(
        (
            missing.status,
            missing.header("x-clickhouse-exception-code")
        ),
        (404, "60")
    );
    assert!(
        missing.text.starts_with("Code: 60. DB::Exception: "),
        "{}",
        missing.text
    );
    assert!(
        missing.text.contains("(UNKNOWN_TABLE) (version "),
        "{}",
        missing.text
    );
    assert_eq!(server.native("", b"SELEC 1").status, 400);
    assert_eq!(server.native("?user=mallory", b"SELECT 1").status, 403);
    assert_eq!(server.native("nothing/here", b"").status, 404);
    let late = server.native("?query=SELECT+throwIf(number+%3D+3)+FROM+numbers(5)", b"");
    assert_ne!(late.status, 200, "{}", late.text);
}
