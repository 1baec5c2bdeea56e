//! Calls of a running server.
//!
//! Invariant: a status that is no success is an error with the server's own words.

use std::io::Read;

use serde_json::Value as Json;
use ureq::{Agent, Body, SendBody};

use super::Failed;
use crate::http::params::encode;

/// A server's address and how to be let in.
pub(super) struct Client {
    agent: Agent,
    base: String,
    token: String,
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into()
}

impl Client {
    /// A client of the `/v0` API. Without a token the server is asked for its own.
    pub(super) fn of_api(base: &str, token: Option<String>) -> Result<Client, Failed> {
        let mut client = Client {
            agent: agent(),
            base: base.trim_end_matches('/').to_owned(),
            token: token.unwrap_or_default(),
        };
        if client.token.is_empty() {
            let tokens = client
                .get("/tokens")?
                .ok_or("the server gives no tokens; pass --token")?;
            let token = tokens.get("workspace_admin_token").and_then(Json::as_str);
            client.token = token.unwrap_or_default().to_owned();
        }
        Ok(client)
    }

    /// Reads JSON; `None` for 404.
    pub(super) fn get(&self, path: &str) -> Result<Option<Json>, Failed> {
        let response = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token))
            .call()?;
        match response.status().as_u16() {
            404 => Ok(None),
            _ => answer(response).map(Some),
        }
    }

    /// Sends a body.
    pub(super) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Json, Failed> {
        let url = format!("{}{path}", self.base);
        let request = match method {
            "PUT" => self.agent.put(url),
            _ => self.agent.post(url),
        };
        let response = request
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", content_type)
            .send(body)?;
        answer(response)
    }

    /// Sends a form.
    pub(super) fn form(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Json, Failed> {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
            .collect();
        let kind = "application/x-www-form-urlencoded";
        self.send(method, path, kind, pairs.join("&").into_bytes())
    }
}

fn answer(mut response: ureq::http::Response<Body>) -> Result<Json, Failed> {
    let status = response.status();
    let text = response
        .body_mut()
        .with_config()
        .limit(1 << 30)
        .read_to_string()?;
    let json: Json = serde_json::from_str(&text).unwrap_or(Json::Null);
    if status.is_success() {
        return Ok(json);
    }
    let said = json.get("error").and_then(Json::as_str).unwrap_or(&text);
    Err(format!("the server answered {status}: {said}").into())
}

/// Runs a statement through ClickHouse's interface; gives the answer's body as a reader.
pub(super) fn run_native(
    base: &str,
    sql: &str,
    format: Option<&str>,
    data: Option<&mut dyn Read>,
) -> Result<Box<dyn Read>, Failed> {
    let mut url = format!("{}/?", base.trim_end_matches('/'));
    if let Some(format) = format {
        url.push_str(&format!("default_format={format}&"));
    }
    let mut response = match data {
        None => agent().post(url).send(sql)?,
        Some(data) => {
            let mut data = data;
            agent()
                .post(format!("{url}query={}", encode(sql)))
                .send(SendBody::from_reader(&mut data))?
        }
    };
    if !response.status().is_success() {
        let text = response
            .body_mut()
            .with_config()
            .limit(1 << 20)
            .read_to_string()?;
        return Err(text.trim().to_owned().into());
    }
    Ok(Box::new(response.into_body().into_reader()))
}
