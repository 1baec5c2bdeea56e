//! Tokens: what they allow, and which rows.

use super::harness::{Server, form};

fn token(server: &Server, name: &str, scopes: &[&str]) -> String {
    let mut fields = vec![("name", name)];
    fields.extend(scopes.iter().map(|s| ("scope", *s)));
    let made = server.post(
        "/v0/tokens",
        "application/x-www-form-urlencoded",
        form(&fields),
    );
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()["token"].as_str().unwrap().to_owned()
}

fn shop() -> Server {
    shop_of(Server::start())
}

fn shop_of(server: Server) -> Server {
    server.data_source("t", "`org` String, `n` UInt32");
    server.data_source("other", "`x` UInt8");
    let rows = "a,1\nb,2\na,3\n";
    server.post(
        "/v0/datasources?name=t&mode=append&format=csv",
        "text/csv",
        rows,
    );
    server.pipe("p", &[("n", "%\nSELECT org, sum(n) AS n FROM t {% if defined(org) %}WHERE org = {{ String(org) }}{% end %} GROUP BY org ORDER BY org")]);
    server
}

#[test]
fn a_token_reads_what_its_scopes_say() {
    let server = shop();
    let reader = token(&server, "reader", &["PIPES:READ:p"]);
    let get = |path: &str| server.get_as(&reader, path);
    assert_eq!(get("/v0/pipes/p.json").status, 200);
    assert_eq!(
        get("/v0/sql?q=SELECT+count()+FROM+p+FORMAT+TSV").text,
        "2\n"
    );
    for denied in [
        "t",
        "default.t",
        "system.tables",
        "tinybird.pipe_stats_rt",
        "test.t",
        "(SELECT+1+WHERE+1+IN+default.t)",
    ] {
        let answer = get(&format!("/v0/sql?q=SELECT+*+FROM+{denied}"));
        assert_eq!(answer.status, 403, "{denied}: {}", answer.text);
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    assert_eq!(
        get("/v0/sql?q=SELECT+*+FROM+url('http://x','CSV')").status,
        403
    );
    assert_eq!(get("/v0/sql?q=DROP+TABLE+t").status, 400);
    assert_eq!(get("/v0/datasources/t").status, 403);
    assert_eq!(
        get("/v0/tokens").json()["tokens"].as_array().unwrap().len(),
        1
    );
    assert_eq!(server.get_as("p.wrong", "/v0/workspace").status, 403);
    assert_eq!(server.get_as("", "/v0/workspace").status, 403);
    server.delete("/v0/pipes/p");
    let scopes = server.get("/v0/tokens/reader").json()["scopes"].to_string();
    assert_eq!(scopes, "[]", "the pipe's scopes go with the pipe");
}

#[test]
fn filters_hold_everywhere() {
    let server = shop();
    let some = token(
        &server,
        "some",
        &["DATASOURCES:READ:t:org = 'a'", "PIPES:READ:p"],
    );
    let sql = |q: &str| {
        server
            .get_as(
                &some,
                &format!("/v0/sql?q={}", roost_server::http::params::encode(q)),
            )
            .text
    };
    assert_eq!(sql("SELECT sum(n) FROM t FORMAT TSV"), "4\n");
    assert_eq!(
        sql("SELECT sum(x.n) FROM t AS x JOIN t AS y ON x.n = y.n FORMAT TSV"),
        "4\n"
    );
    assert_eq!(sql("SELECT sum(n) FROM p FORMAT TSV"), "4\n");
    assert_eq!(
        sql("SELECT count() FROM (SELECT 2 AS v WHERE v IN (SELECT n FROM t)) FORMAT TSV"),
        "0\n"
    );
    let data = server.get_as(&some, "/v0/pipes/p.json").json()["data"].to_string();
    assert_eq!(data, r#"[{"org":"a","n":4}]"#);
    // The client sends scopes back without their filters.
    server.put("/v0/tokens/some?scope=PIPES:READ:q&scope=DATASOURCES:READ:t&scope=PIPES:READ:p&scope=PIPES:READ:p");
    let scopes = server.get("/v0/tokens/some").json()["scopes"].clone();
    assert_eq!(scopes.as_array().unwrap().len(), 3);
    assert!(scopes.to_string().contains("org = 'a'"), "{scopes}");
}

#[test]
fn jwts_fix_parameters() {
    let server = shop();
    let body = r#"{"scopes":[{"type":"PIPES:READ","resource":"p","fixed_params":{"org":"b"}}]}"#;
    let made = server.post("/v0/tokens?name=j&expiration_time=4102444800", "", body);
    let jwt = made.json()["token"].as_str().unwrap().to_owned();
    for path in ["/v0/pipes/p.json", "/v0/pipes/p.json?org=a"] {
        let data = server.get_as(&jwt, path).json()["data"].to_string();
        assert_eq!(data, r#"[{"org":"b","n":2}]"#);
    }
    assert_eq!(server.get_as(&jwt, "/v0/sql?q=SELECT+*+FROM+t").status, 403);
    assert_eq!(
        server.get_as(&format!("{jwt}x"), "/v0/pipes/p.json").status,
        403
    );
}

#[test]
fn a_jwt_may_ask_so_many_times_a_second() {
    let server = shop();
    let body = r#"{"scopes":[{"type":"PIPES:READ","resource":"p"}],"limits":{"rps":3}}"#;
    let made = server.post("/v0/tokens?name=j&expiration_time=4102444800", "", body);
    let jwt = made.json()["token"].as_str().unwrap().to_owned();
    let answers: Vec<_> = (0..30)
        .map(|_| server.get_as(&jwt, "/v0/pipes/p.json"))
        .collect();
    let refused: Vec<_> = answers.iter().filter(|a| a.status == 429).collect();
    assert!(
        answers[0].status == 200 && refused.len() >= 20,
        "{}",
        refused.len()
    );
    assert_eq!(refused[0].header("retry-after"), "1");
    assert_eq!(refused[0].header("x-ratelimit-limit"), "3");
    assert_eq!(
        server.get("/v0/pipes/p.json").status,
        200,
        "others are not held up"
    );
}

/// ClickHouse's interface asks for a token where it is not open, and lets it do what it may.
#[test]
fn a_token_is_the_password_of_clickhouses_interface() {
    let server = shop_of(Server::closed());
    let some = token(
        &server,
        "some",
        &["DATASOURCES:READ:t:org = 'a'", "DATASOURCES:APPEND:other"],
    );
    let answer = |token: &str, sql: &str| {
        let answer = server.native_as(token, sql);
        let code = answer.header("x-clickhouse-exception-code").to_owned();
        (answer.status, code, answer.text.trim_end().to_owned())
    };
    let said = |token: &str, sql: &str, expected: &str| {
        assert_eq!(
            answer(token, sql),
            (200, String::new(), expected.to_owned()),
            "{sql}"
        );
    };
    let refused = |token: &str, sql: &str, expected: &str| {
        let (status, code, text) = answer(token, sql);
        assert_eq!((status, code.as_str()), (403, expected), "{sql}: {text}");
    };
    // Nobody comes in without.
    for (token, sql) in [
        ("", "SELECT 1"),
        ("p.wrong", "SELECT 1"),
        ("", "SELECT count() FROM t"),
    ] {
        refused(token, sql, "516");
    }
    assert_eq!(server.native("ping", b"").status, 200);
    assert_eq!(server.native("?query=SELECT+1", b"").status, 403);
    assert_eq!(
        server
            .native(&format!("?password={some}&query=SELECT+1"), b"")
            .text,
        "1\n"
    );
    use base64::Engine as _;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("default:{some}"));
    assert_eq!(
        server
            .native_with(&format!("Basic {basic}"), "SELECT 1")
            .text,
        "1\n"
    );
    assert_eq!(
        server
            .native_with(&format!("Bearer {some}"), "SELECT 1")
            .text,
        "1\n"
    );
    // An admin does everything.
    let admin = server.token.clone();
    said(&admin, "SELECT sum(n) FROM t", "6");
    said(
        &admin,
        "CREATE TABLE made (x UInt8) ENGINE = MergeTree ORDER BY x",
        "",
    );
    said(&admin, "DROP TABLE made", "");
    // The others what their scopes say.
    said(&some, "SELECT sum(n) FROM t", "4");
    said(&some, "SELECT sum(n) FROM default.t", "4");
    said(
        &some,
        "WITH x AS (SELECT n FROM t) SELECT max(n), 2 IN (SELECT n FROM x) FROM x",
        "3\t0",
    );
    said(&some, "SELECT count() > 9 FROM system.settings", "1");
    said(
        &some,
        "DESCRIBE TABLE t",
        "org\tString\t\t\t\t\t\nn\tUInt32",
    );
    said(&some, "INSERT INTO other VALUES (1), (1 + 1)", "");
    said(
        &some,
        "INSERT INTO default.other FORMAT JSONEachRow {\"x\":3}",
        "",
    );
    said(&admin, "SELECT sum(x) FROM other", "6");
    for sql in [
        "SELECT * FROM other",
        "SELECT * FROM system.tables",
        "SELECT 1 WHERE 1 IN default.other",
        "SELECT * FROM url('http://x', 'CSV')",
        "SELECT * FROM tinybird.pipe_stats_rt",
        "INSERT INTO t VALUES ('a', 1)",
        "INSERT INTO other SELECT n FROM t",
        "INSERT INTO tinybird.jobs_log_states (job_id) VALUES ('x')",
        "DESCRIBE TABLE (SELECT * FROM other)",
        "SHOW TABLES",
        "DROP TABLE t",
        "ALTER TABLE t DELETE WHERE 1",
        "TRUNCATE TABLE t",
        "CREATE TABLE more (x UInt8) ENGINE = Memory",
        "OPTIMIZE TABLE t",
        "SYSTEM STOP MERGES",
        "KILL QUERY WHERE 1",
    ] {
        refused(&some, sql, "497");
    }
    said(&admin, "SELECT count(), sum(n) FROM t", "3\t6");
}

/// A token leads to its workspace, and not out of it.
#[test]
fn a_token_of_another_workspace_stays_there() {
    let server = shop_of(Server::start());
    let made = server.post("/v0/workspaces?name=second", "", "").json();
    let second = server.of(made["token"].as_str().unwrap());
    second.data_source("own", "`x` UInt8");
    let all = second.get("/v0/tokens").json();
    let mut all = all["tokens"].as_array().unwrap().iter();
    let admin = all.find(|t| t["name"] == "workspace admin token").unwrap();
    let admin = admin["token"].as_str().unwrap();
    assert_eq!(
        server.native_as(admin, "INSERT INTO own VALUES (7)").status,
        200
    );
    assert_eq!(server.native_as(admin, "SELECT x FROM own").text, "7\n");
    for sql in [
        "SELECT * FROM t",
        "SELECT * FROM default.t",
        "DROP TABLE default.t",
        "DROP TABLE own",
    ] {
        let answer = server.native_as(admin, sql);
        assert_ne!(answer.status, 200, "{sql}: {}", answer.text);
    }
    assert_eq!(
        server.native("", b"SELECT sum(n) FROM t").text,
        "6\n",
        "open on this machine"
    );
}
