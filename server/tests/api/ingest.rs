//! Rows in: events, files, what does not fit.

use std::sync::Arc;
use std::time::Duration;

use roost_engine::clock::SystemClock;
use roost_server::config::Limits;

use super::harness::{Server, form};

#[test]
fn events_take_paths_defaults_and_set_bad_rows_aside() {
    let server = Server::start();
    let schema = "`a` Int32 `json:$.a`, `b` String `json:$.x.b` DEFAULT 'none', \
                  `l` Array(String) `json:$.l[:]`, `raw` String `json:$`";
    assert_eq!(server.data_source("ev", schema).status, 200);
    let body = "{\"a\":1,\"x\":{\"b\":\"q\"},\"l\":[\"p\"]}\n{\"a\":\"zz\"}\n\
                {\"a\":3,\"x\":null} {\"a\":4}\nnot json\n[{\"a\":5},{\"a\":6}]";
    let done = server.post("/v0/events?name=ev&wait=true", "application/json", body);
    assert_eq!(
        (done.status, done.text.as_str()),
        (200, r#"{"successful_rows":5,"quarantined_rows":2}"#)
    );
    let one = server.post("/v0/events?name=ev", "", "{\"a\":7}");
    assert_eq!(
        (one.status, one.text.as_str()),
        (202, r#"{"successful_rows":1,"quarantined_rows":0}"#)
    );
    let rows = server.sql("SELECT a, b, l FROM ev ORDER BY a FORMAT TSV");
    assert_eq!(
        rows,
        "1\tq\t['p']\n3\tnone\t[]\n4\tnone\t[]\n5\tnone\t[]\n6\tnone\t[]\n7\tnone\t[]\n"
    );
    let bad =
        server.sql("SELECT c__error_column, c__error FROM ev_quarantine ORDER BY a FORMAT TSV");
    assert!(
        bad.contains("['a']\t['value \\'zz\\' on column \\'a\\' is not Int32']"),
        "{bad}"
    );
    assert!(bad.contains("invalid JSON"), "{bad}");
    assert_eq!(server.post("/v0/events?name=nope", "", "x").status, 400);
    assert_eq!(server.post("/v0/events", "", "{}").status, 400);
}

#[test]
fn nulls_stay_nulls_where_they_may() {
    let server = Server::start();
    let schema = "`s` Nullable(String) `json:$.x.s`, `d` String `json:$.x.d` DEFAULT 'none'";
    server.data_source("n", schema);
    server.post(
        "/v0/events?name=n",
        "",
        r#"{"x":{"s":null,"d":null}} {"x":{"s":{"k":1},"d":7}}"#,
    );
    let rows = server.sql("SELECT s, d FROM n ORDER BY d FORMAT TSV");
    assert_eq!(rows, "{\"k\":1}\t7\n\\N\tnone\n");
    // Plain keys take the short way; one bad row sends the body the long way.
    server.data_source("p", "`a` Int32, `s` Nullable(String)");
    let done = server.post(
        "/v0/events?name=p",
        "",
        "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":3,\"s\":null}\n",
    );
    assert_eq!(done.text, r#"{"successful_rows":2,"quarantined_rows":1}"#);
    assert_eq!(
        server.sql("SELECT * FROM p ORDER BY a FORMAT TSV"),
        "1\t\\N\n3\t\\N\n"
    );
}

#[test]
fn csv_files_append_and_replace() {
    let server = Server::start();
    server.data_source("t", "`id` Int32, `name` String, `n` Nullable(Float64)");
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"csv\"\r\n\r\n\
                     name,id\r\n\"a, b\",1\r\nc,2\r\n\r\n--B--\r\n";
    let append = "/v0/datasources?name=t&mode=append&format=csv&debug=blocks_block_log";
    let done = server.post(append, "multipart/form-data; boundary=B", multipart);
    assert_eq!(done.json()["datasource"]["name"], "t", "{}", done.text);
    assert_eq!(done.json()["error"], false);
    let done = server.post(append, "text/csv", "3,\"x\",1.5\nbad,y,2\n4,z,\n");
    assert_eq!(done.json()["quarantine_rows"], 1, "{}", done.text);
    assert_eq!(
        server.sql("SELECT id, name, n FROM t ORDER BY id FORMAT TSV"),
        "1\ta, b\t\\N\n2\tc\t\\N\n3\tx\t1.5\n4\tz\t\\N\n"
    );
    let replace = "/v0/datasources?name=t&mode=replace&format=csv";
    assert_eq!(server.post(replace, "text/csv", "9,new,0\n").status, 200);
    assert_eq!(server.sql("SELECT id, name FROM t FORMAT TSV"), "9\tnew\n");
    let detail = server.get("/v0/datasources/t?attrs=").json();
    assert_eq!(detail["statistics"]["row_count"], 1);
    assert_eq!(
        server.post("/v0/datasources/t/truncate", "", "").status,
        205
    );
    assert_eq!(server.sql("SELECT count() FROM t FORMAT TSV"), "0\n");
}

#[test]
fn a_schema_is_guessed() {
    let server = Server::start();
    let done = server.post(
        "/v0/analyze",
        "",
        "{\"id\":1,\"p\":{\"d\":\"2022-01-05 12:13:14\"}}\n{\"id\":2}\n",
    );
    assert_eq!(
        done.json()["analysis"]["schema"],
        "`id` Int16 `json:$.id`, `p_d` Nullable(DateTime) `json:$.p.d`",
        "{}",
        done.text
    );
}

#[test]
fn a_head_that_does_not_arrive_ends_its_connection() {
    use std::io::{Read, Write};
    let limits = Limits {
        head_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::with(None, Arc::new(SystemClock), limits);
    let address = server.api.strip_prefix("http://").unwrap();
    let mut slow = std::net::TcpStream::connect(address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    slow.write_all(b"GET /v0/health HTTP/1.1\r\nHost: x\r\n")
        .unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert!(
        !answer.starts_with(b"HTTP/1.1 200"),
        "the head was never whole"
    );
    let mut quick = std::net::TcpStream::connect(address).unwrap();
    let request = b"GET /v0/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    quick.write_all(request).unwrap();
    answer.clear();
    quick.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn quarantined_rows_are_replayed_once_they_fit() {
    let server = Server::start();
    server.data_source(
        "t",
        "`a` Int16 `json:$.a`,`b` Array(Int32) `json:$.b`,`s` String `json:$.s`",
    );
    let rows = "{\"a\":\"1.5\",\"b\":[1],\"s\":\"big\"}\n{\"a\":\"x\",\"b\":[2],\"s\":\"text\"}";
    let sent = server.post("/v0/events?name=t&wait=true", "", rows).json();
    assert_eq!(sent["quarantined_rows"], 2, "{sent}");
    let wider = "`a` Float64 `json:$.a`,`b` Array(Int32) `json:$.b`,`s` String `json:$.s`";
    let altered = server.post(
        "/v0/datasources/t/alter",
        "application/x-www-form-urlencoded",
        form(&[("dry", "false"), ("schema", wider)]),
    );
    assert_eq!(altered.status, 200, "{}", altered.text);
    let job = server.finished(
        &server
            .post("/v0/datasources/t/quarantine/replay", "", "")
            .json(),
    );
    assert_eq!(job["status"], "done", "{job}");
    assert_eq!(
        (&job["statistics"]["row_count"], &job["quarantine_rows"]),
        (&1.into(), &1.into())
    );
    assert_eq!(server.sql("SELECT * FROM t"), "1.5\t[1]\tbig\n");
    let left = server.sql("SELECT a, b, s, c__error_column, c__import_id != '' FROM t_quarantine");
    assert_eq!(left, "x\t[2]\ttext\t['a']\t1\n");
}

#[test]
fn numbers_out_of_range_are_set_aside_and_do_not_wrap() {
    let server = Server::start();
    let schema =
        "`a` Int16 `json:$.a`, `b` Array(UInt8) `json:$.b[:]`, `c` Nullable(UInt32) `json:$.c`";
    assert_eq!(server.data_source("n", schema).status, 200);
    let body = "{\"a\":32767,\"b\":[255],\"c\":4294967295}\n{\"a\":32768}\n{\"a\":1,\"b\":[256]}\n{\"a\":2,\"c\":-1}\n";
    let done = server.post("/v0/events?name=n&wait=true", "", body);
    assert_eq!(done.text, r#"{"successful_rows":1,"quarantined_rows":3}"#);
    let csv = "a,b,c\n1,\"[1]\",2\n70000,\"[1]\",2\n";
    let path = "/v0/datasources?name=n&mode=append&format=csv";
    let done = server.post(path, "text/csv", csv).json();
    assert_eq!(done["quarantine_rows"], 1, "{done}");
    assert_eq!(
        server.sql("SELECT a, b, c FROM n ORDER BY a FORMAT TSV"),
        "1\t[1]\t2\n32767\t[255]\t4294967295\n"
    );
}
