//! Branches over HTTP: made and filled, used by their own tokens, isolated both ways, dropped.

use serde_json::{Value as Json, json};

use super::harness::Server;

const ASK: &str = "/v0/sql?q=SELECT+count(),sum(a)+FROM+t+FORMAT+CSV";

fn list(server: &Server, token: &str) -> Vec<Json> {
    let answer = server.get_as(token, "/v0/environments").json();
    answer["environments"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

fn branch(server: &Server, name: &str, data: &str) -> (String, String, Json) {
    let path = format!("/v0/environments?name={name}&data={data}");
    let made = server.post(&path, "", "").json();
    let job = server.finished(&made);
    assert_eq!(job["status"], "done", "{job}");
    let all = list(server, &server.token);
    let entry = all.iter().find(|b| b["name"] == name).unwrap();
    let text = |key: &str| entry[key].as_str().unwrap().to_owned();
    (text("id"), text("token"), job)
}

fn filled() -> Server {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.post("/v0/events?name=t&wait=true", "", "{\"a\":1}\n{\"a\":2}");
    server.pipe("e", &[("n", "SELECT sum(a) AS s FROM t")]);
    server
}

fn events(server: &Server, token: &str, body: &str) {
    let sent = server.send_as(token, "/v0/events?name=t&wait=true", body);
    assert!(sent.status < 300, "{}", sent.text);
}

#[test]
fn a_branch_with_all_data_goes_its_own_way() {
    let server = filled();
    let (id, token, job) = branch(&server, "dev", "all_partitions");
    let brought = &job["result"]["partitions"];
    assert_eq!(
        brought,
        &json!([{ "datasource": { "name": "t" },
                  "partitions": [{ "partition": "all", "status": "done" }] }])
    );
    let count = |token: &str| server.get_as(token, ASK).text;
    assert_eq!(count(&token), "2,3\n");
    events(&server, &token, "{\"a\":10}");
    assert_eq!(
        (count(&token).as_str(), count(&server.token).as_str()),
        ("3,13\n", "2,3\n")
    );
    server.post("/v0/events?name=t&wait=true", "", "{\"a\":100}");
    assert_eq!(
        (count(&token).as_str(), count(&server.token).as_str()),
        ("3,13\n", "3,103\n")
    );
    // Pipes came along; a new one stays.
    let e = server.get_as(&token, "/v0/pipes/e.json").json();
    assert_eq!(e["data"], json!([{ "s": 13 }]));
    let made = server.send_as(&token, "/v0/pipes?name=own&sql=SELECT+1+AS+x", "");
    assert_eq!(made.status, 200, "{}", made.text);
    assert_eq!(server.get("/v0/pipes/own").status, 404);
    assert_eq!(server.get_as(&token, "/v0/pipes/own").status, 200);
    // It knows what it is.
    let own = server.get_as(&token, "/v0/workspace").json();
    let main = server.get("/v0/workspace").json();
    assert_eq!(
        (&own["id"], &own["name"], &own["is_branch"], &own["main"]),
        (&json!(id), &json!("dev"), &json!(true), &main["id"])
    );
    assert_eq!(
        (&main["is_branch"], &main["main"]),
        (&json!(false), &Json::Null)
    );
    // Names of the workspace mean the branch there.
    let named = ASK.replace("FROM+t+", "FROM+test.t+");
    assert_eq!(server.get_as(&token, &named).text, "3,13\n");
    // ClickHouse's interface takes the same token as a password.
    let native = |query: &str| server.native(&format!("?query={query}"), b"").text;
    let asked = "SELECT+count()+FROM+t";
    assert_eq!(native(asked), "3\n");
    events(&server, &token, "{\"a\":1}");
    assert_eq!(
        native(&format!("{asked}&user=default&password={token}")),
        "4\n"
    );
    assert_eq!(server.delete(&format!("/v0/environments/{id}")).status, 204);
    assert_eq!(server.get_as(&token, ASK).status, 403);
    assert!(list(&server, &server.token).is_empty());
    assert_eq!(count(&server.token), "3,103\n");
}

#[test]
fn data_comes_later_by_partition_and_only_where_it_fits() {
    let server = filled();
    server.data_source("u", "`d` Date `json:$.d`, `n` Int32 `json:$.n`");
    let partitioned = "name=p&engine=MergeTree&engine_partition_key=n&engine_sorting_key=n&format=ndjson&schema=`n` Int32 `json:$.n`";
    assert_eq!(
        server
            .post(
                "/v0/datasources",
                "application/x-www-form-urlencoded",
                partitioned
            )
            .status,
        200
    );
    for n in [1, 2] {
        server.post("/v0/events?name=p&wait=true", "", format!("{{\"n\":{n}}}"));
    }
    let (id, token, _) = branch(&server, "dev", "");
    let ask = |token: &str, table: &str| {
        let path = format!("/v0/sql?q=SELECT+count()+FROM+{table}+FORMAT+TSV");
        server.get_as(token, &path).text
    };
    assert_eq!(
        (ask(&token, "t"), ask(&token, "p")),
        ("0\n".into(), "0\n".into())
    );
    let bring = |query: &str| {
        let path = format!("/v0/environments/{id}/data?{query}");
        let started = server.send_as(&token, &path, "").json();
        let id = started["job"]["id"].as_str().unwrap().to_owned();
        for _ in 0..500 {
            let job = server.get_as(&token, &format!("/v0/jobs/{id}")).json();
            if job["status"] == "done" {
                return job["result"]["partitions"].clone();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("{started}");
    };
    let brought = bring("mode=last_partition&ignore_datasources=t");
    assert_eq!(
        brought[0]["partitions"],
        json!([{ "partition": "2", "status": "done" }]),
        "{brought}"
    );
    assert_eq!(
        (ask(&token, "t"), ask(&token, "p")),
        ("0\n".into(), "1\n".into())
    );
    let altered = server.send_as(&token, "/v0/datasources/t/alter?dry=false&schema=%60a%60%20Int32%20%60json:$.a%60,%60b%60%20Int32%20%60json:$.b%60", "");
    assert_eq!(altered.status, 200, "{}", altered.text);
    let brought = bring("mode=all_partitions");
    let t = brought
        .as_array()
        .unwrap()
        .iter()
        .find(|b| b["datasource"]["name"] == "t")
        .unwrap();
    assert_eq!(t["partitions"][0]["status"], "error", "{t}");
    assert_eq!(
        (ask(&token, "t"), ask(&token, "p")),
        ("0\n".into(), "2\n".into())
    );
}

#[test]
fn tokens_stay_where_they_belong() {
    let server = filled();
    server.post("/v0/tokens?name=reader&scope=PIPES:READ:e", "", "");
    let (id, token, _) = branch(&server, "dev", "all_partitions");
    let reader = |token: &str| -> String {
        let found = server.get_as(token, "/v0/tokens/reader").json();
        found["token"].as_str().unwrap().to_owned()
    };
    let (main, own) = (reader(&server.token), reader(&token));
    assert_ne!(main, own);
    events(&server, &token, "{\"a\":10}");
    let sum = |token: &str| server.get_as(token, "/v0/pipes/e.json").json()["data"][0]["s"].clone();
    assert_eq!((sum(&main), sum(&own)), (json!(3), json!(13)));
    // Only the user's own token brings rows of the workspace in, and a branch makes no branches.
    let admin = server
        .get_as(&token, "/v0/tokens/workspace%20admin%20token")
        .json();
    let admin = admin["token"].as_str().unwrap().to_owned();
    assert!(list(&server, &main).is_empty() && list(&server, &own).is_empty());
    let data = format!("/v0/environments/{id}/data?mode=all_partitions");
    for (token, path) in [
        (&own, "/v0/environments?name=x"),
        (&main, "/v0/environments?name=x"),
        (&token, "/v0/environments?name=x"),
        (&admin, &data),
        (&own, &data),
    ] {
        assert!(server.send_as(token, path, "").status >= 400, "{path}");
    }
    // A JWT of one is none of the other.
    let claims = "/v0/tokens?name=j&expiration_time=4000000000";
    let body = r#"{"scopes":[{"type":"PIPES:READ","resource":"e"}]}"#;
    let jwt = server.send_as(&token, claims, body).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(sum(&jwt), json!(13));
    let taken = server.post("/v0/environments?name=dev&data=", "", "");
    assert_eq!(taken.status, 409, "{}", taken.text);
    for name in ["", "a-b", "main", "test"] {
        let refused = server.post(&format!("/v0/environments?name={name}"), "", "");
        assert!(matches!(refused.status, 400 | 409), "{}", refused.text);
    }
    server.delete("/v0/environments/dev");
    assert_eq!(server.get_as(&jwt, "/v0/pipes/e.json").status, 403);
}

#[test]
fn branches_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::at(Some(folder.path()));
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.post("/v0/events?name=t&wait=true", "", "{\"a\":1}");
    let (_, token, _) = branch(&server, "dev", "all_partitions");
    events(&server, &token, "{\"a\":2}");
    drop(server);
    let server = Server::at(Some(folder.path()));
    assert_eq!(server.get_as(&token, ASK).text, "2,3\n");
    assert_eq!(server.get(ASK).text, "1,1\n");
    assert_eq!(list(&server, &server.token).len(), 1);
}

/// Asks for a copy into `t` of a branch, and waits for its end.
fn copied(server: &Server, token: &str, sql: &str) -> Json {
    let started = server.send_as(token, "/v0/sql_copy?copy_to=t", sql);
    assert_eq!(started.status, 200, "{}", started.text);
    let id = started.json()["job"]["job_id"].as_str().unwrap().to_owned();
    for _ in 0..500 {
        let job = server.get_as(token, &format!("/v0/jobs/{id}")).json();
        if job["status"] == "done" || job["status"] == "error" {
            return job;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{}", started.text);
}

#[test]
fn rows_of_the_main_workspace_are_copied_into_a_branch() {
    let server = filled();
    let (_, token, _) = branch(&server, "dev", "");
    let count = |token: &str| server.get_as(token, ASK).text;
    assert_eq!(count(&token), "0,0\n");
    let job = copied(&server, &token, "SELECT * FROM main.t");
    assert_eq!(
        (
            &job["status"],
            &job["kind"],
            &job["statistics"]["row_count"]
        ),
        (&json!("done"), &json!("copy"), &json!(2)),
        "{job}"
    );
    events(&server, &token, "{\"a\":10}");
    // Beside rows of its own, in conditions too; only one of them is the main workspace's.
    let sql =
        "SELECT m.a + 100 AS a FROM main.t AS m WHERE m.a IN (SELECT a FROM t) AND m.a IN main.t";
    assert_eq!(copied(&server, &token, sql)["status"], "done");
    assert_eq!(
        (count(&token).as_str(), count(&server.token).as_str()),
        ("5,216\n", "2,3\n")
    );
    // What comes to the main workspace afterwards stays there.
    server.post("/v0/events?name=t&wait=true", "", "{\"a\":1000}");
    assert_eq!(count(&token), "5,216\n");
    // In other requests the name means nothing.
    let ask = server.get_as(&token, "/v0/sql?q=SELECT+*+FROM+main.t");
    assert_eq!(ask.status, 404, "{}", ask.text);
}

#[test]
fn only_the_user_of_a_branch_copies_rows_of_the_main_workspace() {
    let server = filled();
    server.post(
        "/v0/tokens?name=w&scope=DATASOURCES:APPEND:t&scope=DATASOURCES:READ:t",
        "",
        "",
    );
    let (_, token, _) = branch(&server, "dev", "");
    let of_branch = |name: &str| {
        let found = server.get_as(&token, &format!("/v0/tokens/{name}")).json();
        found["token"].as_str().unwrap().to_owned()
    };
    let (admin, writer) = (of_branch("workspace%20admin%20token"), of_branch("w"));
    let pipe = "/v0/pipes?name=around&sql=SELECT+*+FROM+main.t";
    let made = server.send_as(&token, pipe, "").status;
    server.data_source("main_only", "`a` Int32 `json:$.a`");
    let copy = "/v0/sql_copy?copy_to=t";
    for (token, sql, status, says) in [
        (&admin, "SELECT * FROM main.t", 403, "only the user's own"),
        (&writer, "SELECT * FROM main.t", 403, "only the user's own"),
        (
            &writer,
            "SELECT a FROM t WHERE a IN main.t",
            403,
            "only the user's own",
        ),
        (
            &token,
            "SELECT * FROM main.nosuch",
            404,
            "'nosuch' does not exist in the main",
        ),
        (
            &token,
            "SELECT * FROM main.e",
            404,
            "'e' does not exist in the main",
        ),
        (
            &server.token,
            "SELECT * FROM main.t",
            400,
            "a token of a branch only",
        ),
        (&token, "INSERT INTO main.t SELECT 1", 400, ""),
    ] {
        let answer = server.send_as(token, copy, sql);
        assert_eq!(answer.status, status, "{sql}: {}", answer.text);
        assert!(answer.text.contains(says), "{sql}: {}", answer.text);
    }
    // A pipe that names it gives a token no more than it may.
    if made < 300 {
        let job = copied(&server, &admin, "SELECT * FROM around");
        assert_eq!(job["status"], "error", "{job}");
    }
    let job = copied(&server, &token, "SELECT * FROM main.main_only");
    assert_eq!(
        (&job["status"], &job["statistics"]["row_count"]),
        (&json!("done"), &json!(0))
    );
    // Columns that the data source of the branch does not have are named.
    let alter = "/v0/datasources/t/alter?dry=false&schema=%60a%60%20Int32%20%60json:$.a%60,%60b%60%20Int32%20%60json:$.b%60";
    let altered = server.post(alter, "", "");
    assert_eq!(altered.status, 200, "{}", altered.text);
    let job = copied(&server, &token, "SELECT * FROM main.t");
    let error = job["error"].as_str().unwrap_or_default();
    assert!(job["status"] == "error" && error.contains('b'), "{job}");
    println!("{error}");
    assert_eq!(server.get_as(&token, ASK).text, "0,0\n");
    assert_eq!(server.get(ASK).text, "2,3\n");
}
