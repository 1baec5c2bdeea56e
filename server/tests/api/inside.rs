//! A server without a network: for tests that ask thousands of times.

use std::sync::Arc;

use roost_server::config::Config;
use roost_server::http::{App, Asked, ask};
use serde_json::{Value as Json, json};

use super::harness::form;

/// A form's content type.
const FORM: &str = "application/x-www-form-urlencoded";

/// A server of its own for each test.
pub(crate) struct Inside {
    pub(crate) app: Arc<App>,
    pub(crate) admin: String,
}

impl Inside {
    pub(crate) fn new() -> Inside {
        let config = Config {
            workspace: "test".to_owned(),
            ..Config::in_memory()
        };
        let app = Arc::new(App::open(config).unwrap());
        let admin = app.project.admin_token();
        Inside { app, admin }
    }

    /// Status and text of an answer.
    pub(crate) fn ask(&self, token: &str, method: &str, target: &str, body: &str) -> (u16, String) {
        self.ask_bytes(token, method, target, body.as_bytes())
    }

    pub(crate) fn ask_bytes(
        &self,
        token: &str,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> (u16, String) {
        let (status, body) = self.ask_raw(token, method, target, body);
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    pub(crate) fn ask_raw(
        &self,
        token: &str,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let asked = Asked {
            method,
            target,
            token,
            body,
            ..Asked::default()
        };
        ask(&self.app, &asked)
    }

    /// What the admin token is answered, which must be good.
    pub(crate) fn must(&self, method: &str, target: &str, body: &str) -> Json {
        let (status, text) = self.ask(&self.admin, method, target, body);
        assert!(status < 300, "{method} {target}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    pub(crate) fn sql(&self, token: &str, sql: &str) -> (u16, String) {
        self.ask(token, "POST", "/v0/sql", sql)
    }

    /// Makes a token and gives its text.
    pub(crate) fn token(&self, name: &str, scopes: &[&str]) -> String {
        let mut fields = vec![("name", name)];
        fields.extend(scopes.iter().map(|s| ("scope", *s)));
        let made = self.must("POST", "/v0/tokens", &form(&fields));
        made["token"].as_str().unwrap().to_owned()
    }

    /// Makes a CSV data source with rows.
    pub(crate) fn data_source(&self, name: &str, schema: &str, rows: &str) {
        let fields = [
            ("name", name),
            ("schema", schema),
            ("engine", "MergeTree"),
            ("engine_sorting_key", "tuple()"),
        ];
        let body = form(&fields);
        let asked = Asked {
            method: "POST",
            target: "/v0/datasources",
            token: &self.admin,
            content_type: FORM,
            body: body.as_bytes(),
        };
        assert_eq!(ask(&self.app, &asked).0, 200, "{name}");
        if !rows.is_empty() {
            let target = format!("/v0/datasources?name={name}&mode=append&format=csv");
            self.must("POST", &target, rows);
        }
    }

    /// Makes a pipe of one node and publishes it.
    pub(crate) fn pipe(&self, name: &str, sql: &str) {
        let nodes = json!([{ "name": "n", "sql": sql, "type": "standard" }]);
        let body = json!({ "name": name, "nodes": nodes }).to_string();
        self.must("POST", "/v0/pipes", &body);
        self.must("POST", &format!("/v0/pipes/{name}/nodes/n/endpoint"), "");
    }
}
