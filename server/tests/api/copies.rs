//! Copies, sinks, schedules and their jobs.

use std::sync::Arc;

use roost_engine::clock::TestClock;
use serde_json::{Value as Json, json};

use super::harness::{Server, form};

const FORM: &str = "application/x-www-form-urlencoded";

/// A pipe of one node that writes.
fn push(server: &Server, name: &str, node: Json) -> Json {
    let mut node = node;
    node["name"] = format!("{name}_0").into();
    let body = json!({ "name": name, "nodes": [node] }).to_string();
    let made = server.post("/v0/pipes?force=true", "application/json", body);
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()
}

fn copy(sql: &str, target: &str, mode: &str) -> Json {
    json!({ "sql": sql, "type": "copy", "target_datasource": target, "mode": mode })
}

fn run(server: &Server, path: &str) -> Json {
    let answer = server.post(path, "", "");
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.finished(&answer.json())
}

fn tables(server: &Server) {
    server.data_source("t", "`a` Int64");
    server.data_source("out", "`a` Int64,`n` UInt64 DEFAULT a * 10,`s` String");
    server.post("/v0/events?name=t", "", "{\"a\":1}\n{\"a\":2}\n{\"a\":3}");
}

const OUT: &str = "SELECT groupArray((a, n, s)) FROM (SELECT * FROM out ORDER BY a, s)";

#[test]
fn a_copy_appends_replaces_and_takes_parameters() {
    let server = Server::start();
    tables(&server);
    let sql = "%\nSELECT {{ String(s, 'x') }} AS s, a FROM t WHERE a < {{ Int64(below, 3) }}";
    let pipe = push(&server, "c", copy(sql, "out", "append"));
    assert_eq!(pipe["type"], "copy");
    assert_eq!(pipe["copy_node"], pipe["nodes"][0]["id"]);
    let target = server.get("/v0/datasources/out").json()["id"].clone();
    assert_eq!(pipe["copy_target_datasource"], target);
    let answer = server.post("/v0/pipes/c/copy?cli_version=5", "", "").json();
    assert_eq!(answer["tags"]["copy_target_datasource"], target);
    let job = server.finished(&answer);
    assert_eq!(
        (&job["status"], &job["kind"]),
        (&json!("done"), &json!("copy")),
        "{job}"
    );
    assert_eq!(job["statistics"]["row_count"], 2);
    assert_eq!(job["progress_percentage"], 100.0);
    assert_eq!(server.sql(OUT), "[(1,10,'x'),(2,20,'x')]\n");
    let job = run(&server, "/v0/pipes/c/copy?below=2&s=y&_mode=replace");
    assert_eq!(
        (&job["mode"], &job["parameters"]["s"]),
        (&json!("replace"), &json!("y"))
    );
    assert_eq!(server.sql(OUT), "[(1,10,'y')]\n");
    assert_eq!(
        server.post("/v0/pipes/c/copy?_mode=both", "", "").status,
        400
    );
    let logged = "SELECT job_type, status, pipe_id = '' FROM tinybird.jobs_log ORDER BY created_at";
    server.becomes(logged, "copy\tdone\t0\ncopy\tdone\t0");
    let logged = "SELECT event_type, pipe_name, result, written_rows, job_id != '' \
                  FROM tinybird.datasources_ops_log WHERE datasource_name = 'out' \
                  AND event_type = 'copy' ORDER BY written_rows";
    server.becomes(logged, "copy\tc\tok\t1\t1\ncopy\tc\tok\t2\t1");
    let file = server.get("/v1/pipes/c.pipe").text;
    assert!(
        file.contains("TYPE copy\n") && file.contains("COPY_MODE append\n"),
        "{file}"
    );
    assert!(file.contains("TARGET_DATASOURCE out\n"), "{file}");
}

#[test]
fn a_copy_reads_its_own_target_as_it_was_and_feeds_views() {
    let server = Server::start();
    tables(&server);
    server.data_source("log", "`a` Int64");
    let view = json!({ "name": "v", "nodes": [{ "name": "v0", "sql": "SELECT a FROM out",
        "type": "materialized", "datasource": "log" }] });
    let made = server.post("/v0/pipes", "application/json", view.to_string());
    assert_eq!(made.status, 200, "{}", made.text);
    server.post("/v0/events?name=out", "", "{\"a\":5,\"s\":\"old\"}");
    let sql = "SELECT a + 1 AS a, concat(s, '+') AS s FROM out UNION ALL SELECT a, 't' FROM t WHERE a = 1";
    push(&server, "c", copy(sql, "out", "replace"));
    for _ in 0..2 {
        assert_eq!(run(&server, "/v0/pipes/c/copy")["status"], "done");
    }
    assert_eq!(server.sql(OUT), "[(1,10,'t'),(2,20,'t+'),(7,70,'old++')]\n");
    let log = server.sql("SELECT arraySort(groupArray(a)) FROM log");
    assert_eq!(log, "[1,1,2,5,6,7]\n", "views see what copies write");
}

#[test]
fn a_copy_that_fails_leaves_the_last_good_rows() {
    let server = Server::start();
    tables(&server);
    push(
        &server,
        "c",
        copy(
            "%SELECT a FROM t WHERE throwIf(a > {{ Int64(top) }}) = 0",
            "out",
            "replace",
        ),
    );
    assert_eq!(run(&server, "/v0/pipes/c/copy?top=9")["status"], "done");
    for (query, why) in [("top=2", "throwIf"), ("", "top")] {
        let job = run(&server, &format!("/v0/pipes/c/copy?{query}"));
        assert_eq!(job["status"], "error", "{job}");
        assert!(job["error"].as_str().unwrap().contains(why), "{job}");
    }
    push(
        &server,
        "d",
        copy("SELECT a, 1 AS nope FROM t", "out", "append"),
    );
    let job = run(&server, "/v0/pipes/d/copy");
    assert!(job["error"].as_str().unwrap().contains("nope"), "{job}");
    assert_eq!(server.sql("SELECT count() FROM out"), "3\n");
    server.becomes(
        "SELECT countIf(error != '') FROM tinybird.jobs_log WHERE status = 'error'",
        "3",
    );
    let errors = server.get("/v0/jobs?status=error&pipe_name=c").json();
    assert_eq!(errors["jobs"].as_array().unwrap().len(), 2, "{errors}");
    let later = server
        .get("/v0/jobs?created_after=2100-01-01T00:00:00")
        .json();
    assert_eq!(later["jobs"], json!([]));
    let missing = json!({ "name": "e", "nodes": [copy("SELECT 1 AS a", "nowhere", "append")] });
    let refused = server.post("/v0/pipes", "application/json", missing.to_string());
    assert_eq!(refused.status, 404, "{}", refused.text);
}

#[test]
fn many_runs_wait_their_turn_and_can_be_cancelled() {
    let server = Server::start();
    tables(&server);
    push(
        &server,
        "c",
        copy("SELECT max(a) + 1 AS a FROM out", "out", "append"),
    );
    let runs: Vec<Json> = (0..12)
        .map(|_| server.post("/v0/pipes/c/copy", "", "").json())
        .collect();
    for run in &runs {
        assert_eq!(server.finished(run)["status"], "done");
    }
    let sorted = server.sql("SELECT arraySort(groupArray(a)) = range(1, 13) FROM out");
    assert_eq!(sorted, "1\n", "no run overlapped another");
    push(
        &server,
        "long",
        copy(
            "SELECT number AS a FROM numbers(1000000000000) WHERE cityHash64(number) = 1",
            "out",
            "append",
        ),
    );
    let first = server.post("/v0/pipes/long/copy", "", "").json();
    let first_id = first["job"]["id"].as_str().unwrap();
    for _ in 0..500 {
        let now = server.get(&format!("/v0/jobs/{first_id}")).json();
        if now["statistics"]["rows_read"].as_u64() > Some(0) {
            break;
        }
        assert!(
            matches!(now["status"].as_str(), Some("waiting" | "working")),
            "{now}"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let used = server.delete("/v0/datasources/out");
    assert!(
        used.status == 409 && used.text.contains("long"),
        "{}",
        used.text
    );
    let second = server.post("/v0/pipes/long/copy", "", "").json();
    let id = second["job"]["id"].as_str().unwrap().to_owned();
    let cancelled = server.post(&format!("/v0/jobs/{id}/cancel"), "", "").json();
    assert_eq!(cancelled["status"], "cancelled", "it had not begun");
    let all = server.post("/v0/pipes/long/copy/cancel", "", "").json();
    assert_eq!(all["jobs"].as_array().unwrap().len(), 1, "{all}");
    assert_eq!(server.finished(&first)["status"], "cancelled");
    assert_eq!(
        server.post(&format!("/v0/jobs/{id}/cancel"), "", "").status,
        400
    );
}

#[test]
fn a_restart_says_what_happened_to_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let (done, cut) = {
        let server = Server::at(Some(folder.path()));
        tables(&server);
        push(&server, "c", copy("SELECT a FROM t", "out", "append"));
        let done = run(&server, "/v0/pipes/c/copy");
        push(
            &server,
            "long",
            copy(
                "SELECT number AS a FROM numbers(1000000000000) WHERE cityHash64(number) = 1",
                "out",
                "append",
            ),
        );
        let cut = server.post("/v0/pipes/long/copy", "", "").json();
        (done["id"].clone(), cut["job"]["id"].clone())
    };
    let server = Server::at(Some(folder.path()));
    let job = |id: &Json| {
        server
            .get(&format!("/v0/jobs/{}", id.as_str().unwrap()))
            .json()
    };
    assert_eq!(job(&done)["status"], "done");
    let cut = job(&cut);
    assert_eq!(cut["status"], "error", "{cut}");
    assert!(
        cut["error"]
            .as_str()
            .unwrap()
            .contains("server was stopped"),
        "{cut}"
    );
    assert_eq!(server.sql("SELECT count() FROM out"), "3\n");
}

#[test]
fn schedules_run_by_the_clock_and_survive_a_restart() {
    const MINUTE: i64 = 60_000_000;
    let clock = Arc::new(TestClock::at(1_709_164_710_000_000));
    let folder = tempfile::tempdir().unwrap();
    let count = "SELECT count() FROM out";
    {
        let server = Server::on(Some(folder.path()), clock.clone());
        tables(&server);
        let pipe = push(
            &server,
            "c",
            copy("SELECT count() AS a FROM out", "out", "append"),
        );
        assert_eq!(pipe["schedule"], json!({}));
        let node = format!(
            "/v0/pipes/c/nodes/{}/copy",
            pipe["copy_node"].as_str().unwrap()
        );
        assert_eq!(
            server
                .put(&format!("{node}?schedule_cron=61+*+*+*+*"))
                .status,
            400
        );
        let put = server
            .put(&format!("{node}?schedule_cron=*/10+*+*+*+*&mode=append"))
            .json();
        assert_eq!(put["schedule"]["cron"], "*/10 * * * *");
        assert_eq!(put["schedule"]["status"], "running");
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(server.sql(count), "0\n", "not before its time");
        clock.advance(35 * MINUTE);
        server.becomes(count, "1");
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(
            server.sql(count),
            "1\n",
            "missed times are made up for once"
        );
        let paused = server.post("/v0/pipes/c/copy/pause", "", "").json();
        assert_eq!(paused["schedule"]["status"], "shutdown");
        clock.advance(10 * MINUTE);
        std::thread::sleep(std::time::Duration::from_millis(300));
        server.post("/v0/pipes/c/copy/resume", "", "");
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(server.sql(count), "1\n", "it rested");
    }
    clock.advance(30 * MINUTE);
    let server = Server::on(Some(folder.path()), clock.clone());
    server.becomes(count, "2");
    let pipe = server.get("/v0/pipes/c").json();
    let node = format!(
        "/v0/pipes/c/nodes/{}/copy",
        pipe["copy_node"].as_str().unwrap()
    );
    assert_eq!(
        server.put(&format!("{node}?schedule_cron=None")).json()["schedule"],
        json!({})
    );
    assert_eq!(server.delete(&node).status, 204);
    assert_eq!(server.get("/v0/pipes/c").json()["type"], "default");
}

#[test]
fn sinks_write_files_and_name_what_is_not_built() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::at(Some(folder.path()));
    tables(&server);
    let kafka = json!({ "sql": "SELECT a FROM t", "type": "sink", "export_params": { "service": "kafka",
        "connection": "k", "kafka_topic": "topic", "schedule_cron": "0 1 * * *", "strategy": "@new" } });
    let pipe = push(&server, "k", kafka);
    assert_eq!(
        (&pipe["type"], &pipe["sink_node"]),
        (&json!("sink"), &pipe["nodes"][0]["id"])
    );
    assert_eq!(pipe["schedule"]["cron"], "0 1 * * *");
    let job = run(&server, "/v0/pipes/k/sink");
    assert_eq!(job["status"], "error");
    assert!(
        job["error"].as_str().unwrap().contains("no connection 'k'"),
        "{job}"
    );
    let file = server.get("/v1/pipes/k.pipe").text;
    for line in [
        "TYPE sink",
        "EXPORT_SERVICE kafka",
        "EXPORT_KAFKA_TOPIC topic",
        "EXPORT_SCHEDULE 0 1 * * *",
    ] {
        assert!(file.contains(line), "{line}: {file}");
    }
    let sink = |format: &str, more: &[(&str, &str)]| {
        let mut params = json!({ "service": "s3", "path": "file:///daily", "format": format,
            "file_template": "rows", "schedule_cron": "" });
        for (key, value) in more {
            params[*key] = (*value).into();
        }
        json!({ "sql": "%SELECT a FROM t WHERE a <= {{ Int64(top, 2) }} ORDER BY a", "type": "sink", "export_params": params })
    };
    push(&server, "f", sink("csv", &[]));
    for (n, query) in ["", "?top=1"].into_iter().enumerate() {
        let job = run(&server, &format!("/v0/pipes/f/sink{query}"));
        assert_eq!(job["status"], "done", "{job}");
        assert_eq!(job["statistics"]["row_count"], 2 - n);
    }
    let read = |name: &str| std::fs::read(folder.path().join("sinks/daily").join(name)).unwrap();
    assert_eq!(read("rows.csv"), b"\"a\"\n1\n2\n");
    assert_eq!(
        read("rows_1.csv"),
        b"\"a\"\n1\n",
        "files are not overwritten"
    );
    push(
        &server,
        "g",
        sink(
            "ndjson",
            &[("compression", "gzip"), ("write_strategy", "truncate")],
        ),
    );
    for _ in 0..2 {
        run(&server, "/v0/pipes/g/sink");
    }
    let mut text = String::new();
    let packed = read("rows.ndjson.gz");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text)
        .unwrap();
    assert_eq!(text, "{\"a\":1}\n{\"a\":2}\n");
    push(
        &server,
        "s",
        sink("csv", &[("file_template", "by_{a}/rows")]),
    );
    let job = run(&server, "/v0/pipes/s/sink?top=3");
    assert_eq!(job["output"].as_array().map(Vec::len), Some(3), "{job}");
    assert_eq!(read("by_2/rows.csv"), b"\"a\"\n2\n");
    push(&server, "h", sink("csv", &[("path", "file:///../out")]));
    let job = run(&server, "/v0/pipes/h/sink");
    assert!(
        job["error"].as_str().unwrap().contains("leaves the folder"),
        "{job}"
    );
    let logged = "SELECT groupArray((pipe_name, result, written_rows, length(output), service)) FROM \
                  (SELECT * FROM tinybird.sinks_ops_log ORDER BY pipe_name, written_rows)";
    server.becomes(
        logged,
        "[('f','ok',1,1,'s3'),('f','ok',2,1,'s3'),('g','ok',2,1,'s3'),\
                            ('g','ok',2,1,'s3'),('h','error',0,0,'s3'),('k','error',0,0,'kafka'),('s','ok',3,3,'s3')]",
    );
}

#[test]
fn a_query_is_copied_and_rows_are_deleted_by_jobs() {
    let server = Server::start();
    tables(&server);
    let answer = server.post(
        "/v0/sql_copy?copy_to=out",
        "",
        "select a, 'q' as s from t where a > 1",
    );
    assert_eq!(
        server.finished(&answer.json())["status"],
        "done",
        "{}",
        answer.text
    );
    assert_eq!(server.sql(OUT), "[(2,20,'q'),(3,30,'q')]\n");
    let delete = form(&[("delete_condition", "a = 2")]);
    let job = server.finished(
        &server
            .post("/v0/datasources/out/delete", FORM, delete)
            .json(),
    );
    assert_eq!(
        (&job["status"], &job["rows_affected"]),
        (&json!("done"), &json!(1)),
        "{job}"
    );
    assert_eq!(server.sql(OUT), "[(3,30,'q')]\n");
    let bad = form(&[("delete_condition", "nope = 2")]);
    let job = server.finished(&server.post("/v0/datasources/out/delete", FORM, bad).json());
    assert_eq!(job["status"], "error", "{job}");
    let storage = "SELECT datasource_name, rows, bytes > 0, datasource_id != '' \
                   FROM tinybird.datasources_storage ORDER BY 1";
    assert_eq!(server.sql(storage), "out\t1\t1\t1\nt\t3\t1\t1\n");
    assert_eq!(
        server.sql("SELECT sum(length(Options.Names)) FROM tinybird.datasources_ops_log"),
        "0\n"
    );
    assert_eq!(
        server.sql("SELECT count() FROM tinybird.kafka_ops_log"),
        "0\n"
    );
    assert_eq!(
        server.sql("SELECT count() FROM tinybird.endpoint_errors"),
        "0\n"
    );
}

#[test]
fn replacing_a_data_source_keeps_what_comes_meanwhile() {
    let server = Server::start();
    server.data_source("t", "`a` Int64");
    let rows: String = (0..20_000).map(|i| format!("{}\n", -i - 1)).collect();
    let sent = std::thread::scope(|scope| {
        let server = &server;
        let appends = scope.spawn(move || {
            for i in 0..40 {
                let row = format!("{{\"a\":{i}}}");
                assert_eq!(
                    server.post("/v0/events?name=t&wait=true", "", row).status,
                    200
                );
            }
            40
        });
        let path = "/v0/datasources?name=t&mode=replace&format=csv";
        let replaced = server.post(path, "text/csv", rows);
        assert_eq!(replaced.status, 200, "{}", replaced.text);
        let before = server.sql("SELECT count() FROM t WHERE a < 0");
        assert_eq!(before, "20000\n");
        appends.join().unwrap()
    });
    // Rows that were there before go; of what came since none may be missing.
    let kept =
        server.sql("SELECT arraySort(groupArray(a)) AS k, k = range(k[1], 40) FROM t WHERE a >= 0");
    assert!(kept.ends_with("\t1\n"), "of {sent}: {kept}");
    let again = server.post(
        "/v0/datasources?name=t&mode=replace&format=csv",
        "text/csv",
        "7\n",
    );
    assert_eq!(again.status, 200);
    assert_eq!(server.sql("SELECT groupArray(a) FROM t"), "[7]\n");
}

#[test]
fn an_incremental_copy_reads_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::at(Some(folder.path()));
    tables(&server);
    push(
        &server,
        "c",
        copy(
            "SELECT a * 10 AS a FROM t WHERE a < 100",
            "out",
            "incremental",
        ),
    );
    let out = "SELECT count(), sum(a) FROM out";
    let ran = |server: &Server, path: &str| run(server, path)["statistics"]["row_count"].clone();
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 3, "first all");
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 0, "then nothing");
    server.native("", b"INSERT INTO t (a) VALUES (4), (500)");
    server.native("", b"OPTIMIZE TABLE t FINAL");
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 1, "then what came");
    assert_eq!(server.sql(out), "4\t100\n");
    drop(server);
    let server = Server::at(Some(folder.path()));
    server.native("", b"INSERT INTO t (a) VALUES (5)");
    server.native("", b"ALTER TABLE t DELETE WHERE a = 1");
    server.native("", b"OPTIMIZE TABLE t FINAL");
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 1, "also after a restart");
    assert_eq!(server.sql(out), "5\t150\n");
    // From the beginning, in the place of what is there.
    assert_eq!(ran(&server, "/v0/pipes/c/copy?_mode=replace"), 4);
    assert_eq!(server.sql(out), "4\t140\n");
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 0);
    // Another table under the name has other rows.
    server.native("", b"CREATE TABLE u AS t");
    server.native("", b"INSERT INTO u (a) VALUES (7)");
    server.native("", b"EXCHANGE TABLES t AND u");
    let failed = run(&server, "/v0/pipes/c/copy");
    let why = failed["error"].as_str().unwrap();
    assert!(why.contains("run it once with _mode=replace"), "{why}");
    assert_eq!(ran(&server, "/v0/pipes/c/copy?_mode=replace"), 1);
    server.native("", b"INSERT INTO t (a) VALUES (8)");
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 1);
    assert_eq!(server.sql(out), "2\t150\n");
    // Who makes the pipe anew begins anew.
    assert_eq!(server.delete("/v0/pipes/c").status, 204);
    push(&server, "c", copy("SELECT a FROM t", "out", "incremental"));
    assert_eq!(ran(&server, "/v0/pipes/c/copy"), 2);
}

#[test]
fn an_incremental_copy_says_what_it_cannot_read() {
    let server = Server::start();
    tables(&server);
    for (sql, part) in [
        (
            "SELECT a FROM t UNION ALL SELECT a FROM t",
            "puts several together",
        ),
        (
            "WITH x AS (SELECT a FROM t EXCEPT SELECT 1) SELECT a FROM x",
            "puts several together",
        ),
        (
            "SELECT toInt64(number) AS a FROM numbers(3)",
            "begins with no table",
        ),
        ("SELECT a FROM out", "its source and its target"),
    ] {
        push(&server, "c", copy(sql, "out", "incremental"));
        let job = run(&server, "/v0/pipes/c/copy");
        let why = job["error"].as_str().unwrap_or_default();
        assert!(why.contains(part), "{sql}: {job}");
    }
    // What is joined is read whole.
    push(
        &server,
        "j",
        copy(
            "SELECT t.a AS a FROM t JOIN (SELECT a FROM out) AS o ON o.a = t.a",
            "out",
            "incremental",
        ),
    );
    server.native("", b"INSERT INTO out (a) VALUES (4)");
    assert_eq!(
        run(&server, "/v0/pipes/j/copy")["statistics"]["row_count"],
        0
    );
    server.native("", b"INSERT INTO t (a) VALUES (4)");
    assert_eq!(
        run(&server, "/v0/pipes/j/copy")["statistics"]["row_count"],
        1
    );
}

/// A disk that refuses in the middle of a run: the job says so, and the run is whole when it does no more.
#[test]
fn files_that_have_to_wait_for_their_names_get_them() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sinks/daily");
    let mut server = Server::at(Some(folder.path()));
    tables(&server);
    let params = json!({ "service": "s3", "path": "file:///daily", "format": "csv", "schedule_cron": "",
        "file_template": "r_{a}", "write_strategy": "truncate" });
    let node = json!({ "sql": "SELECT a FROM t", "type": "sink", "export_params": params });
    push(&server, "s", node);
    for restarts in [false, true] {
        // No file takes the place of a folder.
        std::fs::create_dir_all(out.join("r_2.csv/in_the_way")).unwrap();
        let job = run(&server, "/v0/pipes/s/sink");
        let why = job["error"].as_str().unwrap();
        assert!(why.contains("1 of 3 files have their names"), "{why}");
        let again = run(&server, "/v0/pipes/s/sink");
        let why = again["error"].as_str().unwrap();
        assert!(why.contains("still waits for the name"), "{why}");
        std::fs::remove_dir_all(out.join("r_2.csv")).unwrap();
        match restarts {
            true => {
                drop(server);
                server = Server::at(Some(folder.path()));
            }
            false => assert_eq!(run(&server, "/v0/pipes/s/sink")["status"], "done"),
        }
        let job = server
            .get(&format!("/v0/jobs/{}", job["id"].as_str().unwrap()))
            .json();
        assert_eq!(
            (&job["status"], &job["error"]),
            (&json!("done"), &Json::Null),
            "{job}"
        );
        let mut names: Vec<_> = std::fs::read_dir(&out)
            .unwrap()
            .map(|f| f.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["r_1.csv", "r_2.csv", "r_3.csv"]);
        assert_eq!(std::fs::read(out.join("r_3.csv")).unwrap(), b"\"a\"\n3\n");
        std::fs::remove_dir_all(&out).unwrap();
    }
}

/// A broker that says nothing does not keep a job that is cancelled.
#[cfg(feature = "kafka")]
#[test]
fn a_sink_to_kafka_ends_when_it_is_cancelled() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start();
    tables(&server);
    let broker = silent.local_addr().unwrap().to_string();
    let connection = json!({ "name": "k", "service": "kafka", "kafka_bootstrap_servers": broker });
    let made = server.post("/v0/connectors", "application/json", connection.to_string());
    assert_eq!(made.status, 200, "{}", made.text);
    let params = json!({ "service": "kafka", "connection": "k", "kafka_topic": "topic", "schedule_cron": "" });
    push(
        &server,
        "s",
        json!({ "sql": "SELECT a FROM t", "type": "sink", "export_params": params }),
    );
    let job = server.post("/v0/pipes/s/sink", "", "").json();
    // It waits for the broker.
    let _door = silent.accept().unwrap();
    let begun = std::time::Instant::now();
    let id = job["job"]["id"].as_str().unwrap_or_else(|| panic!("{job}"));
    server.post(&format!("/v0/jobs/{id}/cancel"), "", "");
    let job = server.finished(&job);
    assert_eq!(job["status"], "cancelled", "{job}");
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}
