//! A server of its own for each test.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use roost_engine::clock::{Clock, SystemClock};
use roost_server::config::{Config, Limits};
use roost_server::http::{App, Running, serve};
use serde_json::Value as Json;
use tokio::sync::oneshot;
use ureq::Agent;

pub(crate) struct Server {
    pub(crate) api: String,
    pub(crate) native: String,
    pub(crate) token: String,
    agent: Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) headers: ureq::http::HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::at(None)
    }

    pub(crate) fn at(data: Option<&Path>) -> Server {
        Server::on(data, Arc::new(SystemClock))
    }

    pub(crate) fn on(data: Option<&Path>, clock: Arc<dyn Clock>) -> Server {
        Server::with(data, clock, Limits::default())
    }

    pub(crate) fn with(data: Option<&Path>, clock: Arc<dyn Clock>, limits: Limits) -> Server {
        let config = Config {
            limits,
            data: data.map(Path::to_path_buf),
            ..Config::in_memory()
        };
        Server::of_config(config, clock)
    }

    /// One whose ClickHouse interface wants a token.
    pub(crate) fn closed() -> Server {
        let config = Config {
            clickhouse_open: false,
            ..Config::in_memory()
        };
        Server::of_config(config, Arc::new(SystemClock))
    }

    fn of_config(config: Config, clock: Arc<dyn Clock>) -> Server {
        let config = Config {
            port: 0,
            clickhouse_port: Some(0),
            workspace: "test".to_owned(),
            ..config
        };
        let (ready, addresses) = mpsc::channel::<Running>();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let app = Arc::new(App::on(config, clock).unwrap());
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let served = serve(app, |r| ready.send(r).unwrap(), async {
                let _ = stopped.await;
            });
            runtime.block_on(served).unwrap();
        });
        let running = addresses.recv().unwrap();
        let mut server = Server {
            api: format!("http://{}", running.api),
            native: format!("http://{}", running.native.unwrap()),
            token: String::new(),
            agent: Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .into(),
            stop: Some(stop),
            thread: Some(thread),
        };
        let tokens = server.get("/tokens").json();
        server.token = tokens["workspace_admin_token"].as_str().unwrap().to_owned();
        server
    }

    /// The same server with another token.
    pub(crate) fn of(&self, token: &str) -> Server {
        Server {
            api: self.api.clone(),
            native: self.native.clone(),
            token: token.to_owned(),
            agent: self.agent.clone(),
            stop: None,
            thread: None,
        }
    }

    fn url(&self, path: &str) -> String {
        if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.api)
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_as(&self.token, path)
    }

    pub(crate) fn get_as(&self, token: &str, path: &str) -> Answer {
        let call = self.agent.get(self.url(path));
        answer(
            call.header("Authorization", format!("Bearer {token}"))
                .call()
                .unwrap(),
        )
    }

    pub(crate) fn post(&self, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        let mut call = self.agent.post(self.url(path));
        call = call.header("Authorization", format!("Bearer {}", self.token));
        if !kind.is_empty() {
            call = call.header("Content-Type", kind);
        }
        answer(call.send(body.into()).unwrap())
    }

    /// Posts with another token, without a type.
    pub(crate) fn send_as(&self, token: &str, path: &str, body: &str) -> Answer {
        self.of(token).post(path, "", body)
    }

    pub(crate) fn put(&self, path: &str) -> Answer {
        let call = self.agent.put(self.url(path));
        let call = call.header("Authorization", format!("Bearer {}", self.token));
        answer(call.send(Vec::new()).unwrap())
    }

    pub(crate) fn agent_put(&self, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        let call = self.agent.put(self.url(path));
        let call = call.header("Authorization", format!("Bearer {}", self.token));
        answer(call.header("Content-Type", kind).send(body.into()).unwrap())
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        let call = self.agent.delete(self.url(path));
        answer(
            call.header("Authorization", format!("Bearer {}", self.token))
                .call()
                .unwrap(),
        )
    }

    /// Posts to ClickHouse's interface, without a token.
    pub(crate) fn native(&self, query: &str, body: &[u8]) -> Answer {
        let url = format!("{}/{query}", self.native);
        answer(self.agent.post(url).send(body).unwrap())
    }

    /// Asks ClickHouse's interface with a token as password.
    pub(crate) fn native_as(&self, token: &str, sql: &str) -> Answer {
        let call = self.agent.post(&self.native);
        let call = call.header("X-ClickHouse-User", "default");
        answer(call.header("X-ClickHouse-Key", token).send(sql).unwrap())
    }

    /// Asks ClickHouse's interface with an `Authorization`.
    pub(crate) fn native_with(&self, authorization: &str, sql: &str) -> Answer {
        let call = self.agent.post(&self.native);
        answer(
            call.header("Authorization", authorization)
                .send(sql)
                .unwrap(),
        )
    }

    /// The job of an answer, once it is over.
    pub(crate) fn finished(&self, answer: &Json) -> Json {
        let job = answer.get("job").unwrap_or(answer);
        let id = job["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no job: {answer}"));
        for _ in 0..1000 {
            let now = self.get(&format!("/v0/jobs/{id}")).json();
            if matches!(now["status"].as_str(), Some("done" | "error" | "cancelled")) {
                return now;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("job {id} does not end");
    }

    /// Runs SQL until it answers `wanted`: logs are written a little later.
    pub(crate) fn becomes(&self, sql: &str, wanted: &str) {
        for _ in 0..300 {
            if self.sql(sql).trim_end() == wanted {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{sql}\n is {}\n and should be {wanted}", self.sql(sql));
    }

    /// Runs SQL and gives the answer's text.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let answer = self.post("/v0/sql", "", sql);
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text);
        answer.text
    }

    /// Makes a data source.
    pub(crate) fn data_source(&self, name: &str, schema: &str) -> Answer {
        let form = form(&[
            ("name", name),
            ("schema", schema),
            (
                "format",
                if schema.contains("json:") {
                    "ndjson"
                } else {
                    "csv"
                },
            ),
            ("engine", "MergeTree"),
            ("engine_sorting_key", "tuple()"),
            ("branch_mode", "None"),
        ]);
        self.post("/v0/datasources", "application/x-www-form-urlencoded", form)
    }

    /// Makes a pipe of nodes and publishes the last.
    pub(crate) fn pipe(&self, name: &str, nodes: &[(&str, &str)]) {
        let nodes: Vec<Json> = nodes
            .iter()
            .map(|(name, sql)| serde_json::json!({"name": name, "sql": sql, "type": "standard"}))
            .collect();
        let last = nodes.last().unwrap()["name"].as_str().unwrap().to_owned();
        let body = serde_json::json!({"name": name, "nodes": nodes}).to_string();
        let made = self.post("/v0/pipes?force=true", "application/json", body);
        assert_eq!(made.status, 200, "{}", made.text);
        assert_eq!(made.json()["type"], "default");
        let path = format!("/v0/pipes/{name}/nodes/{last}/endpoint");
        let published = self.post(&path, "", "");
        assert_eq!(published.json()["type"], "endpoint", "{}", published.text);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|s| s.send(()));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: {
            let bytes = response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()
                .unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        },
    }
}

/// A form's text.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = roost_server::http::params::encode;
    let pairs: Vec<String> = fields
        .iter()
        .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
        .collect();
    pairs.join("&")
}
