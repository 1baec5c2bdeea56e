//! Whole projects at once: builds, and deployments that are checked, wait, become live, go.

use serde_json::Value as Json;

use super::harness::{Answer, Server};

const EVENTS: &str =
    "SCHEMA >\n    `a` UInt8,\n    `b` String\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"a\"\n";
const TOTAL: &str = "TOKEN \"reader\" READ\n\nNODE n\nSQL >\n    SELECT count() AS c, sum(a) AS s FROM events\n\nTYPE endpoint\n";

fn post(server: &Server, path: &str, files: &[(&str, &str)]) -> Answer {
    let mut body = "--X\r\nContent-Disposition: form-data; name=\"context://\"; filename=\"cli-version\"\r\n\r\n1.0.0\r\n".to_owned();
    for (name, text) in files {
        body += &format!(
            "--X\r\nContent-Disposition: form-data; name=\"data_project://\"; filename=\"{name}\"\r\n\r\n{text}\r\n"
        );
    }
    server.post(path, "multipart/form-data; boundary=X", body + "--X--\r\n")
}

fn done(answer: &Answer, result: &str) -> Json {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    assert_eq!(json["result"], result, "{}", answer.text);
    json
}

#[test]
fn a_build_makes_the_workspace_what_its_files_say() {
    let server = Server::start();
    let files = [
        ("datasources/events.datasource", EVENTS),
        ("endpoints/total.pipe", TOTAL),
    ];
    let made = done(&post(&server, "/v1/build", &files), "success");
    assert_eq!(made["build"]["new_datasource_names"][0], "events");
    assert_eq!(made["build"]["new_pipe_names"][0], "total");
    server.post(
        "/v0/datasources?name=events&mode=append&format=csv",
        "text/csv",
        "1,x\n2,y\n",
    );
    let token = server.get("/v0/tokens/reader").json();
    let reader = server.of(token["token"].as_str().unwrap());
    assert_eq!(reader.get("/v0/pipes/total.json").json()["data"][0]["s"], 3);
    let nothing = done(&post(&server, "/v1/build", &files), "success");
    assert_eq!(
        nothing["build"]["changed_pipe_names"],
        Json::Array(Vec::new())
    );
    // In place, and by moving the rows where the key changes; a query may say how.
    let wider = EVENTS.replace("`b` String", "`b` String,\n    `c` Int16 DEFAULT 7");
    let keyed = wider.replace("KEY \"a\"", "KEY \"b, a\"");
    let moved =
        format!("{keyed}\nFORWARD_QUERY >\n    SELECT a + 1 AS a, b, c * 2 AS c FROM events\n");
    for (text, sums) in [(&wider, "3\t14"), (&keyed, "3\t14"), (&moved, "5\t28")] {
        let files = [
            ("datasources/events.datasource", text.as_str()),
            ("endpoints/total.pipe", TOTAL),
        ];
        let changed = done(&post(&server, "/v1/build", &files), "success");
        assert_eq!(changed["build"]["changed_datasource_names"][0], "events");
        assert_eq!(server.sql("SELECT sum(a), sum(c) FROM events").trim(), sums);
    }
    let kept = server.post(
        "/v0/datasources?name=events&mode=append&format=csv",
        "text/csv",
        "1,x,no\n",
    );
    assert_eq!(kept.json()["quarantine_rows"], 1, "{}", kept.text);
    assert_eq!(server.sql("SELECT c FROM events_quarantine").trim(), "no");
    // What cannot be built changes nothing.
    server.data_source("by_hand", "`n` UInt8");
    let broken = TOTAL.replace("events", "nowhere");
    for (name, text, said) in [
        ("endpoints/total.pipe", broken.as_str(), "nowhere"),
        ("endpoints/total.pipe", "NODE n\nSQL >\n", "no SQL"),
        (
            "datasources/other.datasource",
            "SCHEMA >\n    `a` Nonsense\n",
            "Nonsense",
        ),
        ("endpoints/events.pipe", TOTAL, "another file"),
    ] {
        let files = [
            ("datasources/events.datasource", moved.as_str()),
            (name, text),
        ];
        let failed = done(&post(&server, "/v1/build", &files), "failed");
        assert_eq!(failed["errors"][0]["filename"], name);
        assert!(
            failed["errors"][0]["error"]
                .as_str()
                .unwrap()
                .contains(said),
            "{failed}"
        );
        assert_eq!(server.get("/v0/pipes/total.json").json()["data"][0]["s"], 5);
        assert_eq!(server.get("/v0/datasources/other").status, 404);
    }
    let files = [("datasources/events.datasource", moved.as_str())];
    let gone = done(&post(&server, "/v1/build", &files), "success");
    assert_eq!(gone["build"]["deleted_pipe_names"][0], "total");
    assert_eq!(server.get("/v0/pipes/total").status, 404);
    assert_eq!(
        server.get("/v0/datasources/by_hand").status,
        200,
        "no build made it"
    );
    let all = server.get("/v0/user/workspaces").json();
    assert_eq!(all["workspaces"].as_array().unwrap().len(), 1);
}

#[test]
fn a_deployment_waits_until_it_is_promoted_and_asks_before_rows_go() {
    let server = Server::start();
    let files = [
        ("a.datasource", EVENTS),
        ("events.datasource", EVENTS),
        ("total.pipe", TOTAL),
    ];
    let check = done(&post(&server, "/v1/deploy?check=true", &files), "success");
    assert_eq!(check["deployment"]["new_datasource_names"][1], "events");
    assert_eq!(server.get("/v0/datasources/events").status, 404);
    let live = done(
        &post(&server, "/v1/deploy?auto_promote=true", &files),
        "success",
    );
    assert_eq!(live["deployment"]["live"], true);
    assert_eq!(server.get("/v0/pipes/total.json").status, 200);
    done(
        &post(&server, "/v1/deploy?auto_promote=true", &files),
        "no_changes",
    );
    let two = TOTAL.replace("count() AS c", "2 AS two");
    let next = [
        ("a.datasource", EVENTS),
        ("events.datasource", EVENTS),
        ("total.pipe", two.as_str()),
    ];
    for (promotes, key) in [(false, "c"), (true, "two")] {
        let waits = done(&post(&server, "/v1/deploy", &next), "success");
        let id = waits["deployment"]["id"].as_str().unwrap().to_owned();
        assert_eq!(
            post(&server, "/v1/deploy", &next).status,
            400,
            "one waits already"
        );
        let all = server.get("/v1/deployments").json();
        assert_eq!(all["deployments"][1]["id"], id.as_str());
        assert!(server.get("/v0/pipes/total.json").text.contains("\"c\""));
        let path = format!("/v1/deployments/{id}");
        match promotes {
            true => assert_eq!(server.post(&format!("{path}/set-live"), "", "").status, 200),
            false => assert_eq!(
                server.delete(&path).json()["deployment"]["status"],
                "deleted"
            ),
        }
        assert!(
            server
                .get("/v0/pipes/total.json")
                .text
                .contains(&format!("\"{key}\""))
        );
    }
    let fewer = [("events.datasource", EVENTS), ("total.pipe", two.as_str())];
    let refused = done(
        &post(&server, "/v1/deploy?auto_promote=true", &fewer),
        "failed",
    );
    assert!(
        refused["deployment"]["errors"][0]["error"]
            .as_str()
            .unwrap()
            .contains("--allow-destructive")
    );
    assert_eq!(server.get("/v0/datasources/a").status, 200);
    let path = "/v1/deploy?auto_promote=true&allow_destructive_operations=true";
    done(&post(&server, path, &fewer), "success");
    assert_eq!(server.get("/v0/datasources/a").status, 404);
    let live = server.get("/v1/deployments").json();
    assert_eq!(live["deployments"].as_array().unwrap().len(), 1, "{live}");
}

/// Rows that arrive while the others move to another key come along, through the query of the file.
#[test]
fn rows_that_come_while_a_key_changes_come_along() {
    let server = Server::start();
    let files = [("events.datasource", EVENTS)];
    done(&post(&server, "/v1/build", &files), "success");
    let send = |rows: &'static str| {
        let path = "/v0/datasources?name=events&mode=append&format=csv";
        server.post(path, "text/csv", rows)
    };
    send("1,x\n2,y\n");
    let slow = EVENTS.replace("KEY \"a\"", "KEY \"b, a\"")
        + "FORWARD_QUERY >\n    SELECT a + 10 AS a, b FROM events WHERE sleepEachRow(0.15) = 0\n";
    let files = [("events.datasource", slow.as_str())];
    std::thread::scope(|scope| {
        let build = scope.spawn(|| done(&post(&server, "/v1/build", &files), "success"));
        // The rows are on the move when the new table is there.
        let is_there = "SELECT count() FROM system.tables WHERE database = 'default' AND name LIKE 'events\\_\\_moved%'";
        server.becomes(is_there, "1");
        assert_eq!(send("3,late\n").json()["quarantine_rows"], 0);
        build.join().unwrap()
    });
    assert_eq!(
        server.sql("SELECT a, b FROM events FORMAT TSV"),
        "13\tlate\n11\tx\n12\ty\n"
    );
    let left = "SELECT count() FROM system.tables WHERE database = 'default'";
    assert_eq!(
        server.sql(left).trim(),
        "2",
        "the data source and its quarantine"
    );
    let key =
        "SELECT sorting_key FROM system.tables WHERE database = 'default' AND name = 'events'";
    assert_eq!(server.sql(key).trim(), "b, a");
}

/// Rows that are deleted or updated while the others move stay as they became.
#[test]
fn rows_that_change_while_a_key_changes_stay_changed() {
    for (change, rows) in [
        ("DELETE FROM events WHERE a = 1", "2\ty\n"),
        (
            "ALTER TABLE events UPDATE b = 'z' WHERE a = 1",
            "2\ty\n1\tz\n",
        ),
    ] {
        let server = Server::start();
        let files = [("events.datasource", EVENTS)];
        done(&post(&server, "/v1/build", &files), "success");
        let path = "/v0/datasources?name=events&mode=append&format=csv";
        server.post(path, "text/csv", "1,x\n2,y\n");
        let slow = EVENTS.replace("KEY \"a\"", "KEY \"b, a\"")
            + "FORWARD_QUERY >\n    SELECT a, b FROM events WHERE sleepEachRow(0.15) = 0\n";
        let files = [("events.datasource", slow.as_str())];
        std::thread::scope(|scope| {
            let build = scope.spawn(|| done(&post(&server, "/v1/build", &files), "success"));
            let is_there = "SELECT count() FROM system.tables WHERE database = 'default' AND name LIKE 'events\\_\\_moved%'";
            server.becomes(is_there, "1");
            assert_eq!(server.native("", change.as_bytes()).status, 200);
            build.join().unwrap()
        });
        assert_eq!(server.sql("SELECT a, b FROM events FORMAT TSV"), rows);
    }
}

/// What a delete took away stays away, whenever it comes.
#[test]
fn no_deleted_row_comes_back_while_keys_change() {
    let server = Server::start();
    let files = [("events.datasource", EVENTS)];
    done(&post(&server, "/v1/build", &files), "success");
    let path = "/v0/datasources?name=events&mode=append&format=csv";
    let rows: String = (0..250).map(|a| format!("{a},x\n")).collect();
    assert_eq!(server.post(path, "text/csv", rows).status, 200);
    let over = std::sync::atomic::AtomicBool::new(false);
    let deleted = std::thread::scope(|scope| {
        let deletes = scope.spawn(|| {
            let mut deleted = 0;
            while deleted < 250 && !over.load(std::sync::atomic::Ordering::SeqCst) {
                let sql = format!("DELETE FROM events WHERE a = {deleted}");
                let answer = server.native("", sql.as_bytes());
                match answer.status {
                    200 => deleted += 1,
                    // Its table was about to go: it says so, and nothing happened.
                    _ => assert!(
                        answer.text.contains("ABORTED") || answer.text.contains("UNKNOWN_TABLE"),
                        "{}",
                        answer.text
                    ),
                }
            }
            deleted
        });
        for key in ["b, a", "a, b", "b", "a"].iter().cycle().take(12) {
            let text = EVENTS.replace("KEY \"a\"", &format!("KEY \"{key}\""));
            let files = [("events.datasource", text.as_str())];
            done(&post(&server, "/v1/build", &files), "success");
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        deletes.join().unwrap()
    });
    let left = server.sql(&format!(
        "SELECT count(), countIf(a < {deleted}) FROM events FORMAT CSV"
    ));
    assert_eq!(left.trim(), format!("{},0", 250 - deleted));
}

/// Whatever an insert was told is there is there, once, and every build ends well.
#[test]
fn no_row_is_lost_while_keys_change() {
    let server = Server::start();
    done(
        &post(&server, "/v1/build", &[("events.datasource", EVENTS)]),
        "success",
    );
    let over = std::sync::atomic::AtomicBool::new(false);
    let stored = std::sync::atomic::AtomicUsize::new(0);
    let mut sent = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|w| {
                let (server, over, stored) = (&server, &over, &stored);
                scope.spawn(move || {
                    let mut sent = Vec::new();
                    while !over.load(std::sync::atomic::Ordering::SeqCst) {
                        let row = format!("{w}-{}", sent.len());
                        let path = "/v0/datasources?name=events&mode=append&format=csv";
                        let answer = server.post(path, "text/csv", format!("1,{row}\n"));
                        assert_eq!(answer.status, 200, "{}", answer.text);
                        assert_eq!(answer.json()["quarantine_rows"], 0, "{}", answer.text);
                        sent.push(row);
                        stored.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    sent
                })
            })
            .collect();
        // Some builds, and as many more as it takes until enough rows came in between.
        let keys = ["b, a", "a, b", "b", "a"].into_iter().cycle();
        for (at, key) in keys.take(100).enumerate() {
            if at >= 4 && stored.load(std::sync::atomic::Ordering::SeqCst) > 10 {
                break;
            }
            let text = EVENTS.replace("KEY \"a\"", &format!("KEY \"{key}\""));
            let built = post(
                &server,
                "/v1/build",
                &[("events.datasource", text.as_str())],
            );
            assert_eq!(built.json()["result"], "success", "{}", built.text);
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        let all = writers.into_iter().flat_map(|w| w.join().unwrap());
        all.collect::<Vec<String>>()
    });
    sent.sort();
    let there = server.sql("SELECT b FROM events ORDER BY b FORMAT TSV");
    let there: Vec<&str> = there.lines().collect();
    let lost: Vec<&String> = sent
        .iter()
        .filter(|s| there.binary_search(&s.as_str()).is_err())
        .collect();
    assert!(
        lost.is_empty() && sent.len() > 10,
        "{} sent, lost {lost:?}",
        sent.len()
    );
    assert!(
        there.windows(2).all(|w| w[0] != w[1]),
        "none is there twice"
    );
}
