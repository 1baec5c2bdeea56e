//! Several workspaces in one server: apart from each other, but for what they share.

use serde_json::Value as Json;

use super::harness::{Server, form};

const FORM: &str = "application/x-www-form-urlencoded";

fn second(main: &Server, name: &str) -> Server {
    let made = main.post(&format!("/v0/workspaces?name={name}"), "", "");
    assert_eq!(made.status, 200, "{}", made.text);
    main.of(made.json()["token"].as_str().unwrap())
}

fn id_of(server: &Server) -> String {
    let workspace = server.get("/v0/workspace").json();
    workspace["id"].as_str().unwrap().to_owned()
}

fn refused(server: &Server, sql: &str) {
    let answer = server.post("/v0/sql", "", sql);
    assert!(
        matches!(answer.status, 400 | 403 | 404),
        "{sql}: {} {}",
        answer.status,
        answer.text
    );
}

#[test]
fn a_workspace_has_its_own_data_sources_pipes_tokens_and_jobs() {
    let main = Server::start();
    let other = second(&main, "other");
    for (server, rows) in [(&main, "1\n2\n"), (&other, "7\n")] {
        assert_eq!(server.data_source("t", "`n` UInt8").status, 200);
        let path = "/v0/datasources?name=t&mode=append&format=csv";
        assert_eq!(server.post(path, "text/csv", rows).status, 200);
        server.pipe(
            "p",
            &[("a", "SELECT sum(n) AS s FROM t"), ("b", "SELECT s FROM a")],
        );
    }
    for (server, sum) in [(&main, 3), (&other, 7)] {
        for name in ["t", "default.t", "`default`.t"] {
            let sql = format!("SELECT sum(n) FROM {name}");
            assert_eq!(server.sql(&sql).trim(), sum.to_string(), "{sql}");
        }
        assert_eq!(
            server
                .sql("SELECT 1 WHERE 7 IN default.t")
                .trim()
                .is_empty(),
            sum == 3
        );
        let rows = server.get("/v0/pipes/p.json").json();
        assert_eq!(rows["data"][0]["s"], sum);
        server.becomes("SELECT count() FROM tinybird.pipe_stats_rt", "1");
        server.becomes("SELECT sum(view_count) FROM tinybird.pipe_stats", "1");
        assert_eq!(
            server
                .sql("SELECT sum(rows) FROM tinybird.datasources_storage")
                .trim(),
            if sum == 3 { "2" } else { "1" }
        );
    }
    let database = format!("roost_ws_{}", id_of(&other).replace('-', ""));
    refused(&main, &format!("SELECT * FROM {database}.t"));
    refused(&main, &format!("SELECT 1 WHERE 7 IN {database}.t"));
    refused(&main, "SELECT * FROM other.t");
    refused(&other, "SELECT * FROM test.t");
    assert_eq!(main.get_as("p.nothing", "/v0/datasources").status, 403);
    let names = main.get("/v0/user/workspaces").json();
    let names: Vec<&Json> = names["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["name"])
        .collect();
    assert_eq!(names, ["test", "other"]);
    assert_eq!(main.post("/v0/workspaces?name=other", "", "").status, 409);
    assert_eq!(main.post("/v0/workspaces?name=system", "", "").status, 400);
    let path = format!("/v0/workspaces/{}", id_of(&other));
    assert_eq!(main.delete(&path).status, 200);
    assert_eq!(other.get("/v0/datasources").status, 403);
    assert_eq!(main.sql("SELECT sum(n) FROM t").trim(), "3");
    refused(&main, &format!("SELECT * FROM {database}.t"));
    let own = format!("/v0/workspaces/{}", id_of(&main));
    assert_eq!(main.delete(&own).status, 400);
}

#[test]
fn an_admin_of_one_workspace_has_nothing_to_do_with_another() {
    let main = Server::start();
    let other = second(&main, "other");
    let made = main.post("/v0/tokens?name=ci&scope=ADMIN", "", "").json();
    let ci = main.of(made["token"].as_str().unwrap());
    let all = ci.get("/v0/user/workspaces");
    assert_eq!(all.json()["workspaces"].as_array().unwrap().len(), 1);
    let (users, own) = (main.get("/v0/workspace").json(), ci.get("/v0/workspace"));
    let second = other.get("/v0/workspace").json();
    for secret in [&users["token"], &second["token"]].map(|t| t.as_str().unwrap()) {
        assert!(!all.text.contains(secret), "{}", all.text);
        assert!(!own.text.contains(secret), "{}", own.text);
    }
    let path = format!("/v0/workspaces/{}", id_of(&other));
    assert_eq!(ci.get(&path).status, 404);
    assert_eq!(ci.delete(&path).status, 404);
    assert_eq!(main.get(&path).status, 200);
    assert_eq!(other.data_source("t", "`n` UInt8").status, 200);
    let steal = format!(
        "/v0/datasources/t/share?origin_workspace_id={}&destination_workspace_id={}",
        id_of(&other),
        id_of(&main)
    );
    assert_eq!(ci.post(&steal, "", "").status, 404);
    assert_eq!(
        other.get("/v0/user/workspaces").json()["workspaces"][0]["name"],
        "test"
    );
}

#[test]
fn a_shared_data_source_is_read_by_its_full_name_until_it_is_not_shared() {
    let main = Server::start();
    let other = second(&main, "other");
    assert_eq!(main.data_source("t", "`n` UInt8").status, 200);
    assert_eq!(main.data_source("hidden", "`n` UInt8").status, 200);
    main.post(
        "/v0/datasources?name=t&mode=append&format=csv",
        "text/csv",
        "4\n5\n",
    );
    let to = form(&[("destination_workspace_id", &id_of(&other))]);
    assert_eq!(main.post("/v0/datasources/t/share", FORM, to).status, 200);
    assert_eq!(other.sql("SELECT sum(n) FROM test.t").trim(), "9");
    other.pipe("p", &[("a", "SELECT max(n) AS m FROM test.t")]);
    assert_eq!(other.get("/v0/pipes/p.json").json()["data"][0]["m"], 5);
    refused(&other, "SELECT * FROM test.hidden");
    let listed = other.get("/v0/datasources").json();
    assert_eq!(listed["datasources"][0]["name"], "test.t");
    assert_eq!(listed["datasources"][0]["statistics"]["row_count"], 2);
    let append = other.post(
        "/v0/datasources?name=test.t&mode=append&format=csv",
        "text/csv",
        "1\n",
    );
    assert!(matches!(append.status, 403 | 404), "{}", append.text);
    let token = other
        .post(
            "/v0/tokens?name=r&scope=DATASOURCES:READ:test.t:n%3E4",
            "",
            "",
        )
        .json();
    let reader = other.of(token["token"].as_str().unwrap());
    assert_eq!(reader.sql("SELECT n FROM test.t").trim(), "5");
    let path = format!(
        "/v0/datasources/t/share?destination_workspace_id={}",
        id_of(&other)
    );
    assert_eq!(main.delete(&path).status, 200);
    refused(&other, "SELECT * FROM test.t");
    assert_eq!(
        other.get("/v0/datasources").json()["datasources"],
        Json::Array(Vec::new())
    );
}

#[test]
fn workspaces_and_members_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let main = Server::at(Some(folder.path()));
    let other = second(&main, "other");
    let token = other.token.clone();
    assert_eq!(other.data_source("t", "`n` UInt8").status, 200);
    other.post(
        "/v0/datasources?name=t&mode=append&format=csv",
        "text/csv",
        "4\n",
    );
    let path = format!("/v0/workspaces/{}/users/", id_of(&main));
    let add = form(&[("operation", "add"), ("users", "a@b.c"), ("role", "viewer")]);
    let added = main.agent_put(&path, FORM, add);
    assert_eq!(added.status, 200, "{}", added.text);
    drop((main, other));
    let main = Server::at(Some(folder.path()));
    assert_eq!(main.of(&token).sql("SELECT n FROM t").trim(), "4");
    refused(&main, "SELECT n FROM t");
    let members = &main.get("/v0/user/workspaces").json()["workspaces"][0]["members"];
    assert_eq!(members[1]["email"], "a@b.c");
    let viewer = main.get("/v0/tokens/admin%20a@b.c").json();
    let viewer = main.of(viewer["token"].as_str().unwrap());
    assert_eq!(viewer.sql("SELECT 1").trim(), "1");
    assert_eq!(viewer.data_source("x", "`n` UInt8").status, 403);
    let remove = form(&[("operation", "remove"), ("users", "a@b.c")]);
    assert_eq!(main.agent_put(&path, FORM, remove).status, 200);
    assert_eq!(viewer.get("/v0/datasources").status, 403);
}

#[test]
fn a_workspace_knows_the_commit_that_it_was_deployed_from() {
    let server = Server::start();
    assert_eq!(server.get("/v0/workspace").json()["release"], Json::Null);
    let path = format!("/v0/workspaces/{}/releases", id_of(&server));
    assert_eq!(server.post(&format!("{path}/?commit="), "", "").status, 400);
    let made = server.post(&format!("{path}/?commit=abc&force=true"), "", "");
    assert_eq!(made.json()["commit"], "abc", "{}", made.text);
    assert_eq!(
        server
            .put(&format!("{path}/0.0.0?new_semver=0.0.0-1"))
            .status,
        200
    );
    assert_eq!(
        server.put(&format!("{path}/7.7.7?new_semver=8.0.0")).status,
        404
    );
    server.post(&format!("{path}/?commit=def&force=true"), "", "");
    let all = server.get(&path).json();
    assert_eq!(all["releases"][0]["semver"], "0.0.0-1");
    assert_eq!(all["releases"][0]["commit"], "def");
    assert_eq!(all["releases"].as_array().unwrap().len(), 1);
    let beside = server.post(&format!("{path}/?commit=x&semver=1.0.0"), "", "");
    assert!(
        beside.status == 400 && beside.text.contains("NOT_IMPLEMENTED"),
        "{}",
        beside.text
    );
}
