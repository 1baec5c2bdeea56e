//! Attempts to get around a row filter: `data/filter_attempts.txt` has one a line, more are generated.
//!
//! The oracle is a twin: a workspace whose table has no other rows than the filter lets through. What the
//! filtered token is answered must be what the twin answers to a token without a filter, or an error that
//! tells nothing.

use super::inside::Inside;

const ATTEMPTS: &str = include_str!("data/filter_attempts.txt");
const SEEN: &str = "a,1,11,one,\"['x']\"\na,2,12,two,\"['y']\"\na,3,13,three,\"[]\"\n";
const UNSEEN: &str = "b,4,LEAK4,LEAK-four,\"['LEAK']\"\nb,5,LEAK5,LEAK-five,\"['LEAK']\"\n";
/// Rows that land in the quarantine.
const SEEN_BAD: &str = "a,bad,21,q,\"[]\"\n";
const UNSEEN_BAD: &str = "b,LEAKq,LEAKq,LEAKq,\"[]\"\n";

/// The workspace and its token; the twin has only what may be seen.
fn workspace(is_twin: bool) -> (Inside, String) {
    let server = Inside::new();
    let more = |seen: &str, unseen: &str| match is_twin {
        true => seen.to_owned(),
        false => format!("{seen}{unseen}"),
    };
    let rows = more(SEEN, UNSEEN) + &more(SEEN_BAD, UNSEEN_BAD);
    let schema = "`org` String, `n` Int32, `secret` String, `lc` LowCardinality(String), `arr` Array(String)";
    server.data_source("t", schema, &rows);
    server.data_source("ids", "`n` Int32", &more("1\n2\n3\n", "4\n5\n"));
    server.data_source("u", "`n` Int32", "1\n2\n3\n4\n5\n6\n");
    server.data_source("hidden", "`n` Int32, `s` String", "3,LEAKh\n");
    server.data_source("target", "`org` String, `n` Int64", "");
    server.must("POST", "/v0/variables", "name=pw&value=LEAKpw");
    server.pipe("p", "%\nSELECT org, sum(n) AS n FROM t {% if defined(org) %}WHERE org = {{ String(org) }}{% end %} GROUP BY org");
    server.pipe(
        "deep",
        "SELECT p.org, p.n, t.secret FROM p JOIN default.t AS t ON p.org = t.org",
    );
    server.pipe(
        "inset",
        "SELECT n FROM u WHERE n IN ids OR n IN default.ids",
    );
    server.pipe("quarantined", "SELECT org, n FROM t_quarantine");
    server.pipe("private", "SELECT s FROM hidden");
    server.pipe("secret", "%\nSELECT length({{ tb_secret('pw') }}) AS x");
    server.pipe("copied", "SELECT org, count() AS c FROM t GROUP BY org");
    let filter = |source: &str, condition: &str| match is_twin {
        true => format!("DATASOURCES:READ:{source}"),
        false => format!("DATASOURCES:READ:{source}:{condition}"),
    };
    let mut scopes = vec![filter("t", "org = 'a'"), filter("ids", "n < 4")];
    scopes.push("DATASOURCES:READ:u".to_owned());
    for pipe in ["p", "deep", "inset", "quarantined", "secret", "copied"] {
        scopes.push(format!("PIPES:READ:{pipe}"));
    }
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let token = server.token("some", &scopes);
    (server, token)
}

/// Shapes of queries around every way to write the table.
fn generated() -> Vec<String> {
    let names = [
        "t",
        "default.t",
        "test.t",
        "`t`",
        "`default`.\"t\"",
        "t FINAL",
        "(SELECT * FROM default.t)",
    ];
    let shapes = [
        "SELECT sum(n), max(secret) FROM {}",
        "SELECT x.secret FROM {} AS x",
        "SELECT secret FROM {} WHERE n > 0 OR org = 'b'",
        "SELECT n FROM u WHERE n IN (SELECT n FROM {})",
        "SELECT (SELECT max(secret) FROM {})",
        "SELECT u.n, y.secret FROM u LEFT JOIN {} AS y ON u.n = y.n",
        "SELECT y.secret FROM (SELECT 1 AS one) AS o CROSS JOIN {} AS y",
        "WITH c AS (SELECT * FROM {}) SELECT secret FROM c",
        "WITH t AS (SELECT secret FROM {}) SELECT * FROM t",
        "SELECT secret FROM u JOIN (SELECT n, secret FROM {}) AS y USING (n)",
        "SELECT secret FROM t UNION ALL SELECT secret FROM {}",
        "SELECT org FROM {} GROUP BY org WITH TOTALS",
        "SELECT toInt32(secret) AS s FROM {} WHERE s > 0",
        "SELECT throwIf(secret LIKE 'LEAK%') FROM {}",
        "SELECT count() FROM view(SELECT * FROM {})",
        "SELECT max(n) OVER (PARTITION BY org) FROM {}",
    ];
    let with = |shape: &str| names.map(|name| shape.replace("{}", name));
    shapes.iter().flat_map(|s| with(s)).collect()
}

fn ask(server: &Inside, token: &str, attempt: &str) -> (u16, String) {
    let is_request = attempt.starts_with("GET ") || attempt.starts_with("POST ");
    if !is_request {
        return server.sql(token, attempt);
    }
    let mut words = attempt.splitn(3, ' ');
    let mut word = || words.next().unwrap_or("");
    server.ask(token, word(), word(), word())
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Answers that differ without telling of rows: ids, and what a subquery in the table's place cannot name.
fn is_own(attempt: &str) -> bool {
    let parts = ["GET /v0/jobs", "_part", "_bucket", "SELECT default.t.*"];
    parts.iter().any(|part| attempt.contains(part))
}

fn written() -> Vec<String> {
    let lines = ATTEMPTS.lines().filter(|l| !l.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Tries a part of the attempts: they take a while in one test.
fn attempt(attempts: &[String]) {
    let (server, token) = workspace(false);
    let (twin, all) = workspace(true);
    let (mut count, mut answered) = (0, 0);
    let mut wrong = Vec::new();
    for attempt in attempts {
        count += 1;
        let (status, text) = ask(&server, &token, attempt);
        if text.contains("LEAK") && !attempt.contains("LEAK") {
            wrong.push(format!("{attempt}\n    {status} {text}"));
            continue;
        }
        if status >= 500 {
            wrong.push(format!("{attempt}\n    {status} {text}"));
        }
        answered += usize::from(status < 300);
        let (twins, expected) = ask(&twin, &all, attempt);
        // That a query fails where the twin's does not tells of rows as well.
        let same = match status < 300 {
            true => twins == status && sorted(&text) == sorted(&expected),
            false => twins >= 300,
        };
        if !same && !is_own(attempt) {
            wrong.push(format!(
                "{attempt}\n    {status} {text}\n    but {twins} {expected}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        answered * 4 >= count,
        "{count} attempts, {answered} answered"
    );
}

#[test]
fn nothing_written_gets_around_a_row_filter() {
    let all = written();
    attempt(&all[..all.len() / 3]);
}

#[test]
fn nothing_more_written_gets_around_a_row_filter() {
    let all = written();
    attempt(&all[all.len() / 3..all.len() * 2 / 3]);
}

#[test]
fn nothing_else_written_gets_around_a_row_filter() {
    let all = written();
    attempt(&all[all.len() * 2 / 3..]);
    assert!(all.len() + generated().len() >= 250);
}

#[test]
fn nothing_generated_gets_around_a_row_filter() {
    attempt(&generated());
}

#[test]
fn a_condition_reads_what_its_token_may_read() {
    let (server, _) = workspace(false);
    let token = server.token("maker", &["DATASOURCES:CREATE", "DATASOURCES:READ:u"]);
    let counts = |condition: &str| {
        let condition = roost_server::http::params::encode(condition);
        let target = format!("/v0/datasources/u/delete?dry_run=true&delete_condition={condition}");
        server.ask(&token, "POST", &target, "")
    };
    assert_eq!(
        counts("n IN (SELECT n FROM u WHERE n > 4)"),
        (200, r#"{"rows_to_be_deleted":2}"#.to_owned())
    );
    for condition in [
        "n IN (SELECT n FROM hidden)",
        "n IN hidden",
        "n IN default.hidden",
        "n = (SELECT max(n) FROM default.hidden)",
        "1 = (SELECT count() FROM system.tables)",
        "nullIn(n, default.hidden)",
    ] {
        assert_eq!(counts(condition).0, 403, "{condition}");
    }
}

#[test]
fn a_plan_tells_nothing_that_its_token_may_not_read() {
    let (server, _) = workspace(false);
    let token = server.token("maker", &["PIPES:CREATE"]);
    let nodes =
        r#"{"name":"spy","nodes":[{"name":"n","sql":"SELECT (SELECT max(s) FROM hidden) AS x"}]}"#;
    assert_eq!(server.ask(&token, "POST", "/v0/pipes", nodes).0, 200);
    let (status, text) = server.ask(&token, "GET", "/v0/pipes/spy/explain", "");
    assert!(status == 403 && !text.contains("LEAK"), "{status} {text}");
    assert_eq!(
        server
            .ask(&server.admin, "GET", "/v0/pipes/spy/explain", "")
            .0,
        200
    );
}
