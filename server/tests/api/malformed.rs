//! Requests, rows and files that are wrong: each gets an error that names what is wrong, or is set aside;
//! the server lives. The cases are rows of `data/malformed_*.txt`.

use std::io::Cursor;

use roost::session::QueryRequest;
use roost_server::cli::{Problem, check};
use serde_json::Value as Json;

use super::inside::Inside;

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines.map(|l| l.split(" |").map(str::trim).collect())
}

/// `\n`, `\t`, `\r`, `\0`, `\\` and `\xNN` as bytes.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match rest.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                let hex = std::str::from_utf8(&hex).unwrap();
                out.push(u8::from_str_radix(hex, 16).unwrap());
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn workspace() -> Inside {
    let server = Inside::new();
    server.data_source("t", "`n` Int32, `s` String", "1,a\n");
    server.data_source("e", "`n` Int32 `json:$.n`", "");
    server.pipe("p", "%\nSELECT * FROM t WHERE n >= {{ UInt32(n, 0) }}");
    server.pipe("needs", "%\nSELECT {{ Date(day, required=True) }} AS day");
    server
}

#[test]
fn a_wrong_request_is_told_what_is_wrong() {
    let server = workspace();
    let (mut count, mut wrong) = (0, Vec::new());
    for fields in lines(include_str!("data/malformed_requests.txt")) {
        let [request, body, status, part] = fields[..] else {
            panic!("{fields:?}");
        };
        let (method, target) = request.split_once(' ').unwrap();
        let body = String::from_utf8(bytes(body)).unwrap();
        let (found, text) = server.ask(&server.admin, method, target, &body);
        let error = serde_json::from_str::<Json>(&text).unwrap_or_default();
        let error = match found {
            200 => text.as_str(),
            _ => error["error"].as_str().unwrap_or(""),
        };
        if found.to_string() != status || !error.contains(part) {
            wrong.push(format!("{request} | {body}: {found} {text}"));
        }
        count += 1;
    }
    assert_eq!(server.sql(&server.admin, "SELECT * FROM t").1, "1\ta\n");
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count >= 100, "{count}");
}

/// Rows of a data source and of its quarantine.
fn held(server: &Inside, source: &str) -> (u64, u64) {
    let count = |name: &str| {
        let table = server.app.store().table(name).unwrap();
        table.snapshot().rows()
    };
    (count(source), count(&format!("{source}_quarantine")))
}

/// Sends a body; how many rows came in and how many were set aside, or the error.
fn send(server: &Inside, source: &str, format: &str, body: &[u8]) -> Result<(u64, u64), String> {
    let before = held(server, source);
    let target = format!("/v0/datasources?mode=append&name={source}&format={format}");
    let (status, text) = server.ask_bytes(&server.admin, "POST", &target, body);
    let after = held(server, source);
    let found = (after.0 - before.0, after.1 - before.1);
    let json: Json = serde_json::from_str(&text).unwrap_or_default();
    if status == 200 {
        assert_eq!(json["quarantine_rows"], found.1, "{text}");
        return Ok(found);
    }
    assert!((400..500).contains(&status), "{status} {text}");
    assert_eq!(found, (0, 0), "refused, and yet stored: {text}");
    let error = json["error"].as_str().unwrap_or("");
    assert!(!error.is_empty(), "{text}");
    Err(error.to_owned())
}

#[test]
fn every_row_that_is_sent_comes_in_or_is_set_aside() {
    let server = Inside::new();
    let columns = [
        ("n", "Int32"),
        ("s", "String"),
        ("d", "Date"),
        ("f", "Nullable(Float64)"),
    ];
    let plain: Vec<String> = columns.map(|(n, t)| format!("`{n}` {t}")).into();
    let paths: Vec<String> = columns
        .map(|(n, t)| format!("`{n}` {t} `json:$.{n}`"))
        .into();
    let default = "DEFAULT [7]";
    let plain = format!("{}, `a` Array(Int32) {default}", plain.join(", "));
    let paths = format!(
        "{}, `a` Array(Int32) `json:$.a[:]` {default}",
        paths.join(", ")
    );
    server.data_source("t", &plain, "");
    server.data_source("e", &paths, "");
    let (mut count, mut wrong) = (0, Vec::new());
    for fields in lines(include_str!("data/malformed_rows.txt")) {
        let [format, body, expected] = fields[..] else {
            panic!("{fields:?}");
        };
        let source = if format == "ndjson" { "e" } else { "t" };
        let found = match send(&server, source, format, &bytes(body)) {
            Ok((rows, aside)) => format!("{rows}+{aside}"),
            Err(e) if expected == "error" => {
                assert!(!e.is_empty());
                "error".to_owned()
            }
            Err(e) => e,
        };
        if found != expected {
            wrong.push(format!("{format} | {body} | {found}, expected {expected}"));
        }
        count += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let (_, reasons) = server.sql(
        &server.admin,
        "SELECT count() FROM t_quarantine WHERE empty(c__error) OR empty(c__error[1])",
    );
    assert_eq!(reasons, "0\n", "each row set aside says why");
}

/// The bytes cut off, and with a byte changed, at places all over them.
fn damaged(good: &[u8]) -> Vec<Vec<u8>> {
    let places = (0..20).map(|i| i * good.len() / 20);
    let cut = places.clone().map(|at| good[..at].to_vec());
    let flipped = places.map(|at| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x5a;
        bytes
    });
    cut.chain(flipped).collect()
}

#[test]
fn damaged_parquet_is_refused_or_read_whole() {
    let server = workspace();
    let rows = "SELECT toInt32(number) AS n, toString(number) AS s FROM numbers(50) FORMAT Parquet";
    let (status, good) = server.ask_raw(&server.admin, "POST", "/v0/sql", rows.as_bytes());
    assert_eq!(status, 200);
    assert_eq!(send(&server, "t", "parquet", &good), Ok((50, 0)));
    for bytes in damaged(&good) {
        match send(&server, "t", "parquet", &bytes) {
            Ok(found) => assert_eq!(found.0 + found.1, 50),
            Err(e) => assert!(!e.contains("panic"), "{e}"),
        }
    }
}

#[test]
fn damaged_native_is_refused_or_read_whole() {
    let server = workspace();
    let rows = "SELECT toInt32(number) AS n, toString(number) AS s FROM numbers(50) FORMAT Native";
    let (_, good) = server.ask_raw(&server.admin, "POST", "/v0/sql", rows.as_bytes());
    let insert = |bytes: Vec<u8>| {
        let request = QueryRequest {
            sql: "INSERT INTO t FORMAT Native".to_owned(),
            body: Some(Box::new(Cursor::new(bytes))),
            ..QueryRequest::default()
        };
        let before = held(&server, "t").0;
        let outcome = server.app.store().run(request);
        let added = held(&server, "t").0 - before;
        match outcome {
            Ok(done) => assert_eq!(added, done.written_rows),
            Err(_) => assert_eq!(added, 0),
        }
        added
    };
    assert_eq!(insert(good.clone()), 50);
    damaged(&good)
        .into_iter()
        .for_each(|bytes| assert!(insert(bytes) <= 50));
}

/// Datafiles: `== name | line | what the problem says`, then the file's text.
#[test]
fn a_wrong_datafile_is_told_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("data/malformed_files.txt");
    let mut expected = Vec::new();
    for case in text.split("\n== ").skip(1) {
        let (head, body) = case.split_once('\n').unwrap();
        let fields: Vec<&str> = head.splitn(3, " | ").collect();
        std::fs::write(folder.path().join(fields[0]), body).unwrap();
        if let [name, line, part] = fields[..] {
            expected.push((name, line.parse::<usize>().unwrap(), part));
        }
    }
    let problems = check(folder.path()).unwrap();
    let mut wrong = Vec::new();
    for (name, line, part) in &expected {
        let own = problems
            .iter()
            .filter(|p| p.file.ends_with(&format!("/{name}")));
        let own: Vec<_> = own.collect();
        let fits = |p: &&&Problem| p.line == *line && p.message.contains(part);
        if !own.iter().any(|p| fits(&p)) {
            let found: Vec<String> = own.iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "{name}:{line} {part}\n    {}",
                found.join("\n    ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        expected.len(),
        wrong.join("\n")
    );
    assert!(expected.len() >= 150, "{}", expected.len());
    let good = problems
        .iter()
        .find(|p| p.is_error && p.file.contains("base"));
    assert_eq!(good, None);
}

#[test]
fn a_push_is_answered_with_what_is_doubtful() {
    let server = Inside::new();
    server.data_source("days", "`day` Date, `n` UInt64", "");
    let text = |sql: &str, mode: &str| {
        let node = serde_json::json!({ "name": "n", "sql": sql, "type": "copy", "mode": mode,
                                       "target_datasource": "days" });
        let body = serde_json::json!({ "name": "c", "nodes": [node] }).to_string();
        let made = server.must("POST", "/v0/pipes?force=true", &body);
        let warnings = made["warnings"].as_array().cloned().unwrap_or_default();
        let texts = warnings
            .iter()
            .map(|w| w["text"].as_str().unwrap().to_owned());
        texts.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        text(
            "SELECT toDate('2024-01-01') AS day, toUInt64(1) AS n",
            "append"
        ),
        ""
    );
    let typed = text("SELECT '2024-01-01' AS day, toUInt64(1) AS n", "append");
    assert!(
        typed.contains("column day is String, in Data Source days it is Date"),
        "{typed}"
    );
    let lost = "SELECT day, n FROM days WHERE n > (SELECT max(n) FROM days)";
    assert_eq!(text(lost, "replace"), "", "it takes rows of its target");
    let lost = "SELECT toDate(number) AS day, number AS n FROM numbers(9) WHERE n > (SELECT max(n) FROM days)";
    assert!(text(lost, "replace").contains("what is there is lost"));
    assert_eq!(text(lost, "append"), "");
}
