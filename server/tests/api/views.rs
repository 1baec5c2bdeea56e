//! Materialized nodes: made with their pipe, filled by a job, gone with it.

use serde_json::{Value as Json, json};

use super::harness::Server;

fn push(server: &Server, query: &str, name: &str, nodes: Json) -> Json {
    let body = json!({ "name": name, "nodes": nodes }).to_string();
    let answer = server.post(&format!("/v0/pipes?{query}"), "application/json", body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn view(select: &str) -> Json {
    json!([
        { "name": "small", "sql": "SELECT a, a % 2 AS odd FROM t WHERE a < 100", "type": "standard" },
        { "name": "out", "sql": select, "type": "materialized", "datasource": "sums",
          "engine": "AggregatingMergeTree", "engine_sorting_key": "odd" },
    ])
}

fn wait(server: &Server, job: &Json) -> Json {
    let id = job["id"].as_str().unwrap();
    for _ in 0..200 {
        let now = server.get(&format!("/v0/jobs/{id}")).json();
        if matches!(now["status"].as_str(), Some("done" | "error")) {
            return now;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("job {id} does not end");
}

const SELECT: &str =
    "SELECT toUInt8(odd) AS odd, sumState(a) AS s, countState() AS n FROM small GROUP BY odd";
const ASK: &str = "SELECT odd, sumMerge(s) AS s, countMerge(n) AS n FROM sums GROUP BY odd ORDER BY odd FORMAT JSONCompactEachRow";

#[test]
fn a_materialized_node_fills_its_data_source() {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.post("/v0/events?name=t", "", "{\"a\":1}\n{\"a\":3}");
    // Over another pipe.
    server.pipe("base", &[("n", "SELECT * FROM t")]);
    let mut over = view(SELECT);
    over[0]["sql"] = "SELECT a, a % 2 AS odd FROM base WHERE a < 100".into();
    let made = push(&server, "populate=true", "p", over.clone());
    assert_eq!(
        (&made["type"], &made["created_datasource"]),
        (&json!("materialized"), &json!(true))
    );
    assert_eq!(wait(&server, &made["job"])["status"], "done");
    let target = server.get("/v0/datasources/sums").json();
    assert_eq!(made["nodes"][1]["materialized"], target["id"]);
    assert_eq!(target["engine"]["engine"], "AggregatingMergeTree");
    server.post("/v0/events?name=t", "", "{\"a\":5}\n{\"a\":2}\n{\"a\":500}");
    assert_eq!(server.sql(ASK), "[0, 2, 1]\n[1, 9, 3]\n");
    // Pushed again: no view twice.
    let again = push(&server, "force=true", "p", over);
    assert_eq!(again["created_datasource"], false);
    server.post("/v0/events?name=t", "", "{\"a\":4}");
    assert_eq!(server.sql(ASK), "[0, 6, 2]\n[1, 9, 3]\n");
    // Filled anew.
    let job = server
        .post("/v0/pipes/p/nodes/out/population?truncate=true", "", "")
        .json();
    assert_eq!(wait(&server, &job["job"])["status"], "done");
    assert_eq!(server.sql(ASK), "[0, 6, 2]\n[1, 9, 3]\n");
    let file = server.get("/v1/pipes/p.pipe").text;
    assert!(file.ends_with("TYPE materialized\nDATASOURCE sums\nENGINE \"AggregatingMergeTree\"\nENGINE_SORTING_KEY \"odd\"\n"), "{file}");
    // Unlinked: it keeps its rows and gets no more.
    assert_eq!(
        server
            .delete("/v0/pipes/p/nodes/out/materialization")
            .status,
        204
    );
    server.post("/v0/events?name=t", "", "{\"a\":6}");
    assert_eq!(server.sql(ASK), "[0, 6, 2]\n[1, 9, 3]\n");
    assert_eq!(server.get("/v0/pipes/p").json()["type"], "default");
}

#[test]
fn a_view_that_cannot_be_is_refused_and_nothing_is_left() {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.data_source("sums", "`odd` UInt8, `s` UInt64");
    let body = |select: &str| json!({ "name": "p", "nodes": view(select) }).to_string();
    for (select, code) in [
        ("SELECT odd, nosuch FROM small", "UNKNOWN_IDENTIFIER"),
        ("SELECT odd, 1 AS extra FROM small", "THERE_IS_NO_COLUMN"),
        (
            "SELECT odd, sumState(a) AS s FROM small GROUP BY odd",
            "ILLEGAL_TYPE_OF_ARGUMENT",
        ),
    ] {
        let refused = server.post("/v0/pipes", "application/json", body(select));
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(code), "{}", refused.text);
        assert_eq!(server.get("/v0/pipes/p").status, 404);
    }
    server.pipe("q", &[("out", "SELECT toUInt8(a) AS odd FROM t")]);
    let analysis = "/v0/pipes/q/nodes/out/analysis?include_datafile=true&dry_run=true&name=out&type=materialized";
    let fits = server.get(&format!("{analysis}&datasource=sums"));
    assert!(
        fits.json()["analysis"]["pipe"]["datafile"]
            .as_str()
            .unwrap()
            .contains("TYPE materialized")
    );
    let new = server.get(&format!("{analysis}&datasource=fresh")).json();
    let file = new["analysis"]["datasource"]["datafile"].as_str().unwrap();
    assert!(file.contains("`odd` UInt8"), "{file}");
    let wrong = server.get(&format!(
        "{analysis}&datasource=sums&sql=SELECT%201%20AS%20no%20FROM%20t"
    ));
    assert_eq!(wrong.status, 400);
    server.post("/v0/events?name=t", "", "{\"a\":5}");
    assert_eq!(
        server.sql("SELECT count() AS c FROM t FORMAT JSONCompactEachRow"),
        "[1]\n"
    );
}

#[test]
fn what_views_need_goes_with_force_only() {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    push(
        &server,
        "",
        "p",
        view("SELECT toUInt8(odd) AS odd FROM small"),
    );
    assert_eq!(server.delete("/v0/datasources/t?force=false").status, 409);
    assert_eq!(
        server.delete("/v0/datasources/sums?force=false").status,
        409
    );
    assert_eq!(server.delete("/v0/datasources/sums?force=true").status, 204);
    server.post("/v0/events?name=t", "", "{\"a\":5}");
    assert_eq!(
        server.sql("SELECT count() AS c FROM t FORMAT JSONCompactEachRow"),
        "[1]\n"
    );
    assert_eq!(server.get("/v0/pipes/p").json()["type"], "default");
}

#[test]
fn a_pipe_explains_its_whole_query() {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.pipe(
        "base",
        &[("n", "%\nSELECT a FROM t WHERE a > {{ Int32(least, 1) }}")],
    );
    server.pipe("p", &[("n", "SELECT count() AS c FROM base")]);
    let shown = server.get("/v0/pipes/p/explain?least=7").json();
    let sql = shown["debug_query"].as_str().unwrap();
    assert!(sql.contains("FROM default.t WHERE"), "{sql}");
    assert!(sql.contains('7') && !sql.contains("base."), "{sql}");
    assert!(
        shown["query_explain"]
            .as_str()
            .unwrap()
            .contains("default.t")
    );
    assert_eq!(server.get("/v0/pipes/p/nodes/nosuch/explain").status, 404);
    assert_eq!(
        server.sql(&format!("{sql} FORMAT JSONCompactEachRow")),
        "[0]\n"
    );
}

#[test]
fn a_node_under_an_alias_keeps_its_name() {
    let server = Server::start();
    server.data_source("t", "`a` Int32 `json:$.a`");
    server.post("/v0/events?name=t&wait=true", "", "{\"a\":5}");
    let own = [
        ("first", "SELECT a, a + 1 AS b FROM t"),
        (
            "last",
            "SELECT first.b AS b FROM first AS f LEFT JOIN t ON t.a = first.a WHERE not (f.a = 1 AND first.b = 2)",
        ),
    ];
    server.pipe("p", &own);
    server.pipe("outer", &[("n", "SELECT b FROM p")]);
    let shown = server.get("/v0/pipes/outer/explain").json();
    let sql = shown["debug_query"].as_str().unwrap();
    assert_eq!(
        server.sql(&format!("{sql} FORMAT JSONCompactEachRow")),
        "[6]\n"
    );
    assert_eq!(
        server.sql("SELECT * FROM outer FORMAT JSONCompactEachRow"),
        "[6]\n"
    );
}
