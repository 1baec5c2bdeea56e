//! The token matrix: every route of the table, with every scope, with tokens good and bad.
//!
//! The rules are those of the public API, written down once more here, apart from the code that asks
//! them; `data/routes.txt` shows which route has which.

use roost_server::http::{ROUTES, Right, Route};
use roost_server::tokens::{Claims, JwtScope};
use serde_json::json;

use super::inside::Inside;

/// Scopes, each in a token of its own. `source`, `nopipe` are what the paths below name.
const SCOPES: [&str; 22] = [
    "",
    "ADMIN",
    "ADMIN_USER",
    "TOKENS",
    "WORKSPACE:READ_ALL",
    "ORG_DATASOURCES:READ",
    "DATASOURCES:CREATE",
    "DATASOURCES:APPEND:source",
    "DATASOURCES:APPEND:elsewhere",
    "DATASOURCES:READ:source",
    "DATASOURCES:READ:source:n = 1",
    "DATASOURCES:READ:elsewhere",
    "DATASOURCES:DROP:source",
    "DATASOURCES:DROP:elsewhere",
    "PIPES:CREATE",
    "PIPES:READ:nopipe",
    "PIPES:READ:nopipe:n = 1",
    "PIPES:READ:elsewhere",
    "PIPES:READ:copier",
    "PIPES:DROP:nopipe",
    "PIPES:DROP:elsewhere",
    "DATASOURCES:APPEND:target",
];

/// Scopes that a right takes besides ADMIN; `None`: any token.
fn takes(right: Right) -> Option<&'static [&'static str]> {
    Some(match right {
        Right::Open | Right::Local | Right::Token => return None,
        Right::Admin => &[],
        Right::Develop => &["WORKSPACE:READ_ALL", "DATASOURCES:CREATE", "PIPES:CREATE"],
        Right::Tokens | Right::SeeToken => &["TOKENS"],
        Right::ReadAll => &["WORKSPACE:READ_ALL"],
        Right::CreateDataSources | Right::Import => &["DATASOURCES:CREATE"],
        Right::CreatePipes | Right::RunPipe => &["PIPES:CREATE"],
        Right::Append => &["DATASOURCES:CREATE", "DATASOURCES:APPEND:source"],
        Right::SeeDataSource => &[
            "WORKSPACE:READ_ALL",
            "DATASOURCES:CREATE",
            "DATASOURCES:APPEND:source",
            "DATASOURCES:READ:source",
            "DATASOURCES:READ:source:n = 1",
            "DATASOURCES:DROP:source",
        ],
        Right::DropDataSource => &["DATASOURCES:DROP:source"],
        Right::SeePipe => &[
            "WORKSPACE:READ_ALL",
            "PIPES:CREATE",
            "PIPES:READ:nopipe",
            "PIPES:READ:nopipe:n = 1",
            "PIPES:DROP:nopipe",
        ],
        Right::ReadPipe => &[
            "WORKSPACE:READ_ALL",
            "PIPES:READ:nopipe",
            "PIPES:READ:nopipe:n = 1",
        ],
        Right::DropPipe => &["PIPES:CREATE", "PIPES:DROP:nopipe"],
    })
}

fn is_allowed(right: Right, scope: &str) -> bool {
    let everything = scope == "ADMIN" || scope == "ADMIN_USER";
    everything || takes(right).is_none_or(|scopes| scopes.contains(&scope))
}

/// Requests of a route: nothing that they name exists, so that whoever may ask changes nothing.
fn targets(route: &Route) -> Vec<String> {
    let pipe = match route.right {
        Right::RunPipe => "copier",
        _ => "nopipe",
    };
    let path = route
        .path
        .replace("v*", "v0")
        .replace("{pipe}", pipe)
        .replace("{format}", "json")
        .replace("{source}", "source")
        .replace("**", "x");
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| {
            if part.starts_with('{') {
                "nothing"
            } else {
                part
            }
        })
        .collect();
    let path = parts.join("/");
    match (route.right, route.path) {
        (Right::Append, "/v0/events") => vec![format!("{path}?name=source")],
        (Right::Append, "/v0/sql_copy") => vec![format!("{path}?copy_to=source")],
        (Right::Import, _) => vec![path.clone(), format!("{path}?mode=replace&name=source")],
        _ => vec![path],
    }
}

fn workspace() -> Inside {
    let server = Inside::new();
    server.data_source("target", "`n` Int32", "");
    let nodes = json!([{ "name": "n", "sql": "SELECT toInt32(1) AS n", "type": "copy",
                         "target_datasource": "target" }]);
    let body = json!({ "name": "copier", "nodes": nodes }).to_string();
    server.must("POST", "/v0/pipes", &body);
    server
}

fn tokens(server: &Inside) -> Vec<(&'static str, String)> {
    let token = |scope: &&'static str| {
        let scopes: Vec<&str> = [*scope].into_iter().filter(|s| !s.is_empty()).collect();
        (*scope, server.token(&format!("m {scope}"), &scopes))
    };
    SCOPES.iter().map(token).collect()
}

#[test]
fn each_route_has_the_rule_that_is_written_down() {
    let line = |r: &Route| format!("{} {} {:?}\n", r.method, r.path, r.right);
    let table: String = ROUTES.iter().map(line).collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/api/data/routes.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &table).unwrap();
    }
    let golden = std::fs::read_to_string(file).unwrap();
    assert_eq!(table, golden, "UPDATE_GOLDEN=1 writes it again");
    for (at, route) in ROUTES.iter().enumerate() {
        let same = |r: &Route| r.method == route.method && r.path == route.path;
        assert!(!ROUTES[..at].iter().any(same), "{} twice", route.path);
    }
}

#[test]
fn each_route_takes_the_scopes_of_its_rule_and_no_other() {
    let server = workspace();
    let mut asked = 0;
    let mut wrong = Vec::new();
    for (scope, token) in tokens(&server) {
        for route in ROUTES {
            for target in targets(route) {
                // Rights on a pipe that is run are in a test of their own.
                let (status, text) = server.ask(&token, route.method, &target, "");
                asked += 1;
                let allowed = is_allowed(route.right, scope);
                if (status != 403) != allowed || status == 401 || status >= 500 {
                    wrong.push(format!(
                        "{scope}: {} {target} -> {status} {text}",
                        route.method
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= SCOPES.len() * ROUTES.len(), "{asked} requests");
}

/// Asks every route with a token that is worth nothing; only what is open answers.
fn refuse(server: &Inside, what: &str, token: &str, wrong: &mut Vec<String>) {
    for route in ROUTES {
        let open = matches!(route.right, Right::Open | Right::Local);
        for target in targets(route) {
            let (status, text) = server.ask(token, route.method, &target, "");
            if (status != 403) != open {
                let method = route.method;
                wrong.push(format!("{what}: {method} {target} -> {status} {text}"));
            }
        }
    }
}

#[test]
fn no_route_takes_no_token_or_a_wrong_one() {
    let server = workspace();
    let mut wrong = Vec::new();
    refuse(&server, "none", "", &mut wrong);
    refuse(&server, "wrong", "p.wrong", &mut wrong);
    refuse(&server, "nearly", &format!("{}x", server.admin), &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_route_takes_a_token_that_was_revoked() {
    let server = workspace();
    let mut wrong = Vec::new();
    for (scope, token) in tokens(&server) {
        let path = roost_server::http::params::encode(&format!("m {scope}"));
        match scope.len() % 2 {
            0 => server.must("DELETE", &format!("/v0/tokens/{path}"), ""),
            _ => server.must("POST", &format!("/v0/tokens/{path}/refresh"), ""),
        };
        refuse(&server, scope, &token, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_route_takes_a_token_of_another_workspace() {
    let (server, other) = (workspace(), Inside::new());
    let mut wrong = Vec::new();
    for (scope, token) in tokens(&other) {
        refuse(&server, scope, &token, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_route_takes_a_jwt_that_is_over_or_of_another_workspace() {
    let (server, other) = (workspace(), Inside::new());
    let (ours, theirs) = (
        &server.app.project.workspace().id,
        &other.app.project.workspace().id,
    );
    let mut wrong = Vec::new();
    for (kind, resource) in [
        ("PIPES:READ", "nopipe"),
        ("DATASOURCES:READ", "source"),
        ("DATASOURCES:APPEND", "source"),
    ] {
        let signed = |workspace: &str, exp: i64, key: &str| {
            let claims = Claims {
                workspace_id: workspace.to_owned(),
                name: None,
                exp,
                not_before: None,
                scopes: vec![JwtScope {
                    kind: kind.to_owned(),
                    resource: resource.to_owned(),
                    fixed_params: Default::default(),
                    filter: None,
                }],
                limits: None,
            };
            claims.sign(key).unwrap()
        };
        let later = 4_102_444_800;
        for (what, token) in [
            ("expired", signed(ours, 1_000_000_000, &server.admin)),
            ("theirs", signed(theirs, later, &other.admin)),
            ("theirs, our key", signed(theirs, later, &server.admin)),
            ("ours, their key", signed(ours, later, &other.admin)),
        ] {
            refuse(&server, &format!("{what} {kind}"), &token, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_copy_runs_for_who_may_read_it_and_fill_its_target() {
    let server = workspace();
    let run = |scopes: &[&str]| {
        let token = server.token(&format!("{scopes:?}"), scopes);
        server.ask(&token, "POST", "/v0/pipes/copier/copy", "").0
    };
    assert_eq!(
        run(&["PIPES:READ:copier", "DATASOURCES:APPEND:target"]),
        200
    );
    assert_eq!(run(&["PIPES:CREATE"]), 200);
    for less in [
        &["PIPES:READ:copier"][..],
        &["DATASOURCES:APPEND:target"],
        &["PIPES:READ:copier:n = 1", "DATASOURCES:APPEND:target"],
        &["PIPES:READ:copier", "DATASOURCES:READ:target"],
    ] {
        assert_eq!(run(less), 403, "{less:?}");
    }
}

#[test]
fn lists_show_what_a_token_may_know_of() {
    let server = workspace();
    server.data_source("mine", "`n` Int32", "1\n");
    server.pipe("shown", "SELECT * FROM mine");
    server.must("POST", "/v0/pipes/copier/copy", "");
    server.must(
        "POST",
        "/v0/sql_copy?copy_to=mine",
        "SELECT toInt32(2) AS n",
    );
    let count = |scopes: &[&str], path: &str, key: &str| {
        let token = server.token(&format!("{scopes:?} {path}"), scopes);
        let (status, text) = server.ask(&token, "GET", path, "");
        assert_eq!(status, 200, "{path}: {text}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json[key].as_array().unwrap().len()
    };
    for (scopes, sources, pipes, jobs) in [
        (&["ADMIN"][..], 2, 2, 2),
        (&["WORKSPACE:READ_ALL"], 2, 2, 2),
        (&["DATASOURCES:CREATE"], 2, 0, 1),
        (&["PIPES:CREATE"], 0, 2, 1),
        (&["DATASOURCES:READ:mine"], 1, 0, 0),
        (&["DATASOURCES:APPEND:mine"], 1, 0, 1),
        (&["PIPES:READ:shown"], 0, 1, 0),
        (&["PIPES:READ:copier", "DATASOURCES:APPEND:target"], 1, 1, 1),
        (&["TOKENS"], 0, 0, 0),
        (&[], 0, 0, 0),
    ] {
        assert_eq!(
            count(scopes, "/v0/datasources", "datasources"),
            sources,
            "{scopes:?}"
        );
        assert_eq!(count(scopes, "/v0/pipes", "pipes"), pipes, "{scopes:?}");
        assert_eq!(count(scopes, "/v0/jobs", "jobs"), jobs, "{scopes:?}");
    }
    let job = server.must("GET", "/v0/jobs?kind=copy", "")["jobs"][0]["id"].clone();
    let path = format!("/v0/jobs/{}", job.as_str().unwrap());
    let stranger = server.token("stranger", &["PIPES:READ:shown"]);
    for (method, path) in [("GET", path.clone()), ("POST", format!("{path}/cancel"))] {
        assert_eq!(server.ask(&stranger, method, &path, "").0, 404, "{path}");
    }
}

#[test]
fn nobody_gets_at_an_admin_token_with_less() {
    let server = workspace();
    let admin = server.app.project.admin_token();
    let clerk = server.token("clerk", &["TOKENS"]);
    let plain = server.token("plain", &["PIPES:READ:copier"]);
    let (_, listed) = server.ask(&clerk, "GET", "/v0/tokens", "");
    assert!(
        listed.contains(&plain) && !listed.contains(&admin),
        "{listed}"
    );
    let key = server
        .app
        .project
        .snapshot()
        .token(&admin)
        .unwrap()
        .id
        .clone();
    for (method, end) in [
        ("GET", ""),
        ("PUT", "?scope=TOKENS"),
        ("DELETE", ""),
        ("POST", "/refresh"),
    ] {
        let (status, text) = server.ask(&clerk, method, &format!("/v0/tokens/{key}{end}"), "");
        assert_eq!(status, 403, "{method} {end}: {text}");
        assert!(!text.contains(&admin));
    }
    for form in [
        "name=x&scope=ADMIN",
        "name=x&scope=ADMIN_USER",
        "name=x&scope=PIPES:READ:a&scope=ADMIN",
    ] {
        assert_eq!(
            server.ask(&clerk, "POST", "/v0/tokens", form).0,
            403,
            "{form}"
        );
    }
    assert_eq!(
        server
            .ask(&clerk, "PUT", "/v0/tokens/plain?scope=ADMIN", "")
            .0,
        403
    );
    let (status, text) = server.ask(&plain, "GET", "/v0/tokens/clerk", "");
    assert_eq!(status, 403, "{text}");
    assert_eq!(
        server
            .ask(&plain, "GET", &format!("/v0/tokens/{plain}"), "")
            .0,
        200
    );
    let (_, text) = server.ask(&plain, "GET", "/v0/user/workspaces", "");
    assert!(!text.contains(&admin), "{text}");
}
