//! Pipes: parameters, formats, pipes that read pipes.

use serde_json::json;

use super::harness::Server;

fn shop() -> Server {
    let server = Server::start();
    server.data_source("sales", "`day` Date, `shop` String, `n` UInt32");
    let rows = "2024-01-01,a,1\n2024-01-01,b,2\n2024-01-02,a,3\n";
    server.post(
        "/v0/datasources?name=sales&mode=append&format=csv",
        "text/csv",
        rows,
    );
    server
}

#[test]
fn parameters_come_from_everywhere() {
    let server = shop();
    server.pipe(
        "by_shop",
        &[
            (
                "chosen",
                "%\nSELECT * FROM sales WHERE n >= {{ UInt32(least, 0) }}\
                        {% if defined(shops) %} AND shop IN {{ Array(shops, 'String') }}{% end %}",
            ),
            (
                "totals",
                "SELECT shop, sum(n) AS n FROM chosen GROUP BY shop ORDER BY shop",
            ),
        ],
    );
    let data = |path: &str| server.get(path).json()["data"].to_string();
    assert_eq!(
        data("/v0/pipes/by_shop.json"),
        r#"[{"shop":"a","n":4},{"shop":"b","n":2}]"#
    );
    assert_eq!(
        data("/v0/pipes/by_shop.json?least=2&shops=a"),
        r#"[{"shop":"a","n":3}]"#
    );
    assert_eq!(
        data("/v0/pipes/by_shop.json?shops=a&shops=b&least=2&cli_version=1"),
        r#"[{"shop":"a","n":3},{"shop":"b","n":2}]"#
    );
    assert_eq!(
        data("/v0/pipes/by_shop.json?q=SELECT+sum(n)+AS+all+FROM+_+FORMAT+JSON"),
        r#"[{"all":6}]"#
    );
    let posted = server.post(
        "/v0/pipes/by_shop.json",
        "application/json",
        r#"{"shops":["b"],"least":1}"#,
    );
    assert_eq!(posted.json()["data"].to_string(), r#"[{"shop":"b","n":2}]"#);
    let csv = server.get("/v0/pipes/by_shop.csv?shops=b");
    assert_eq!(
        (csv.header("content-type"), csv.text.as_str()),
        ("text/csv", "\"shop\",\"n\"\n\"b\",2\n")
    );
    let ndjson = server.get("/v0/pipes/by_shop.ndjson?shops=b");
    assert_eq!(ndjson.text, "{\"shop\":\"b\",\"n\":2}\n");
    let wrong = server.get("/v0/pipes/by_shop.json?least=many");
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.json()["error"]
            .as_str()
            .unwrap()
            .contains("to type UInt32"),
        "{}",
        wrong.text
    );
    assert_eq!(server.get("/v0/pipes/none.json").status, 404);
    let params = server.get("/v0/pipes/by_shop").json()["nodes"][0]["params"].to_string();
    assert!(
        params.contains(r#"{"name":"least","type":"UInt32","default":0}"#),
        "{params}"
    );
}

#[test]
fn only_what_is_reached_is_rendered() {
    let server = shop();
    server.pipe("needs_x", &[("n", "%\nSELECT {{ Int32(x) }} AS v")]);
    server.pipe(
        "chooses",
        &[
            ("sales", "SELECT shop AS v FROM sales"),
            (
                "end",
                "%\nSELECT count() AS c FROM {% if defined(x) %}needs_x{% else %}sales{% end %}",
            ),
        ],
    );
    let c = |path: &str| server.get(path).json()["data"][0]["c"].clone();
    assert_eq!(c("/v0/pipes/chooses.json"), 3);
    assert_eq!(c("/v0/pipes/chooses.json?x=1"), 1);
    assert_eq!(server.get("/v0/pipes/chooses.json?x=no").status, 400);
    let dependencies =
        server.get("/v0/pipes/chooses").json()["nodes"][1]["dependencies"].to_string();
    assert!(
        dependencies.contains("needs_x") && dependencies.contains("sales"),
        "{dependencies}"
    );
    server.pipe("b", &[("n", "SELECT 1 AS one")]);
    server.pipe("a", &[("n", "SELECT * FROM b")]);
    let turned = json!({ "name": "b", "nodes": [{ "name": "n", "sql": "SELECT * FROM a" }] });
    let path = "/v0/pipes?force=true";
    assert_eq!(
        server
            .post(path, "application/json", turned.to_string())
            .status,
        200
    );
    let circle = server.get("/v0/pipes/a.json");
    assert!(
        circle.status == 400 && circle.text.contains("circle"),
        "{}",
        circle.text
    );
    assert_eq!(server.sql("SELECT c FROM chooses FORMAT TSV"), "3\n");
}

#[test]
fn templates_may_choose_the_status() {
    let server = shop();
    server.pipe(
        "strict",
        &[(
            "n",
            "%\n{% if not defined(x) %}{{ custom_error('x is missing', 404) }}{% end %}SELECT 1",
        )],
    );
    let answer = server.get("/v0/pipes/strict.json");
    assert_eq!(
        (answer.status, answer.json()["error"].as_str().unwrap()),
        (404, "x is missing")
    );
    let q = "% SELECT {{ String(x) }} AS x FORMAT JSONEachRow";
    let posted = serde_json::json!({ "q": q, "x": "it's" }).to_string();
    assert_eq!(
        server.post("/v0/sql", "application/json", posted).text,
        "{\"x\":\"it's\"}\n"
    );
}
