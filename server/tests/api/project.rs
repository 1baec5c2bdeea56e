//! The workspace as the command line client works with it.

use super::harness::{Server, form};

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn resources_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let token = {
        let server = Server::at(Some(folder.path()));
        server.data_source("t", "`a` Int32");
        server.post("/v0/events?name=t", "", "{\"a\":5}");
        server.pipe("p", &[("n", "SELECT a FROM t")]);
        server.post(
            "/v0/tags",
            "application/json",
            r#"{"name":"core\"","resources":[{"name":"p"}]}"#,
        );
        server.token.clone()
    };
    let server = Server::at(Some(folder.path()));
    assert_eq!(server.token, token);
    assert_eq!(server.get("/v0/pipes/p.json").json()["data"][0]["a"], 5);
    let tags = server.get("/v0/tags").json();
    assert_eq!(tags["tags"][0]["resources"][0]["type"], "pipe", "{tags}");
}

#[test]
fn datafiles_come_back_as_they_were() {
    let server = Server::start();
    let fields = [
        ("name", "t"),
        (
            "schema",
            "`a` Int32 `json:$.a` DEFAULT 5,`b` LowCardinality(String) `json:$.b`",
        ),
        ("format", "ndjson"),
        ("description", "what it is"),
        ("engine", "MergeTree"),
        ("engine_partition_key", "toYear(now())"),
        ("engine_sorting_key", "b, a"),
    ];
    assert_eq!(
        server
            .post("/v0/datasources", FORM, form(&fields[..5]))
            .status,
        200
    );
    server.delete("/v0/datasources/t?force=true");
    let fields: Vec<_> = fields
        .into_iter()
        .filter(|(k, _)| *k != "engine_partition_key")
        .collect();
    assert_eq!(
        server.post("/v0/datasources", FORM, form(&fields)).status,
        200
    );
    server.post(
        "/v0/tokens?name=tracker&origin=DS&resource_id=t&scope=DATASOURCES:APPEND:t",
        "",
        "",
    );
    let file = server.get("/v0/datasources/t.datasource");
    assert_eq!(file.header("content-type"), "text/plain");
    assert_eq!(
        file.text,
        "DESCRIPTION >\n    what it is\n\nTOKEN \"tracker\" APPEND\n\nSCHEMA >\n    \
         `a` Int32 `json:$.a` DEFAULT 5,\n    `b` LowCardinality(String) `json:$.b`\n\n\
         ENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"b, a\"\n"
    );
    let sql = "%\nSELECT {{ Int32(x, 1) }}\n    AS v -- text unchanged";
    server.pipe("p", &[("n", sql)]);
    let file = server.get("/v1/pipes/p.pipe");
    assert_eq!(file.header("content-type"), "text/plain");
    assert!(
        file.text
            .contains("SQL >\n\n    %\n    SELECT {{ Int32(x, 1) }}\n        AS v -- text"),
        "{}",
        file.text
    );
    let detail = server.get("/v0/datasources/t").json();
    assert_eq!(detail["schema"]["sql_schema"], fields[1].1);
    assert_eq!(detail["engine"]["ttl"], serde_json::Value::Null);
}

#[test]
fn alter_says_what_it_would_do() {
    let server = Server::start();
    server.data_source("t", "`a` Int32");
    let change = |dry: &str, schema: &str| {
        server.post(
            "/v0/datasources/t/alter",
            FORM,
            form(&[("dry", dry), ("schema", schema)]),
        )
    };
    let same = change("true", "`a` Int32");
    assert_eq!(same.status, 400);
    assert!(same.text.contains("There were no operations to perform"));
    let plan = change("true", "`a` Int32,`b` String").json();
    assert_eq!(plan["operations"][0], "ADD COLUMN `b` String AFTER `a`");
}

#[test]
fn the_client_finds_what_it_reads() {
    let server = Server::start();
    for path in [
        "/v0/user/workspaces/?with_environments=true",
        "/v0/user/workspaces?&token=",
    ] {
        let all = server.get(path).json();
        for key in ["id", "name", "role", "plan", "token"] {
            assert!(all["workspaces"][0][key].is_string(), "{key}: {all}");
        }
    }
    assert_eq!(server.get("/v0/datasources/nope?attrs=").status, 404);
    assert_eq!(
        server
            .get("/v0/pipes/nope?cli_version=1&cli_version=1")
            .status,
        404
    );
    assert_eq!(server.delete("/v0/pipes/x__checker").status, 404);
    for path in ["/v0/nothing", "/", "/v0/pipes/a/b/c/d"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404);
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    let tables = server.post(
        "/v0/sql_tables",
        FORM,
        form(&[(
            "q",
            "WITH c AS (SELECT 1) SELECT * FROM a, c JOIN s.b ON 1 WHERE x IN (SELECT 1 FROM d)",
        )]),
    );
    assert_eq!(
        tables.json()["tables"].to_string(),
        r#"[["","a",""],["s","b",""],["","d",""]]"#
    );
    let replaced = server.post(
        "/v0/sql_replace",
        FORM,
        form(&[("q", "select  now()"), ("replacements", "{}")]),
    );
    assert_eq!(replaced.json()["query"], "SELECT now()");
    assert_eq!(
        server.sql("SELECT count() AS c FROM numbers(3) FORMAT JSONCompactEachRow"),
        "[3]\n"
    );
}

#[test]
fn a_data_source_in_buckets_reads_one_of_them() {
    let server = Server::start();
    let fields = [
        ("name", "activities"),
        (
            "schema",
            "`segmentId` String `json:$.segmentId`,`id` UInt64 `json:$.id`",
        ),
        ("format", "ndjson"),
        ("engine", "ReplacingMergeTree"),
        ("engine_sorting_key", "segmentId, id"),
        ("engine_bucket_key", "segmentId"),
        ("engine_buckets", "10"),
    ];
    let made = server.post("/v0/datasources", FORM, form(&fields));
    assert_eq!(made.status, 200, "{}", made.text);
    let rows: String = (0..1000)
        .map(|n| format!("{{\"segmentId\":\"s{}\",\"id\":{n}}}\n", n % 50))
        .collect();
    server.post("/v0/events?name=activities", "", rows);
    let ask = |q: &str| {
        server
            .post("/v0/sql", "", format!("{q} FORMAT JSON"))
            .json()
    };
    let all = ask(
        "SELECT uniqExact(_bucket) AS n, countIf(_bucket != cityHash64(segmentId) % 10) AS wrong FROM activities",
    );
    assert_eq!(
        (&all["data"][0]["n"], &all["data"][0]["wrong"]),
        (&10.into(), &0.into())
    );
    let one = ask("SELECT count() AS c FROM activities FINAL WHERE segmentId = 's7'");
    assert_eq!(one["data"][0]["c"], 20, "{one}");
    // Nine of the fifty segments share a bucket with s7, its own rows among them.
    let plain = ask("SELECT sum(id) AS c FROM activities WHERE segmentId = 's7'");
    let read = plain["statistics"]["rows_read"].as_u64().unwrap();
    assert!(read <= 180, "one bucket is read, not {read} rows");
    // The same as a setting, the only way that some clients let through.
    let mut fields = fields;
    fields[0].1 = "settled";
    fields[5] = (
        "engine_settings",
        "bucket_key = 'segmentId', buckets = 10, index_granularity = 8192",
    );
    let made = server.post("/v0/datasources", FORM, form(&fields[..6]));
    assert_eq!(made.status, 200, "{}", made.text);
    server.post(
        "/v0/events?name=settled",
        "",
        "{\"segmentId\":\"s7\",\"id\":1}",
    );
    let bucket = ask("SELECT any(_bucket = cityHash64('s7') % 10) AS c FROM settled WHERE id = 1");
    assert_eq!(bucket["data"][0]["c"], 1, "{bucket}");
    let text = server.get("/v0/datasources/activities.datasource").text;
    assert!(
        text.contains("ENGINE_BUCKET_KEY \"segmentId\"\nENGINE_BUCKETS \"10\""),
        "{text}"
    );
}
