//! What a connection to Kafka says: brokers, security, credentials.
//!
//! Invariant: reading it never fails for what a client may store; what makes no sense is an error when
//! it is used.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::project::{Connector, Snapshot};
use crate::store::timestamp;
use crate::template::{Inputs, Mode, Template, Variables};

/// The port of brokers that name none.
const PORT: u16 = 9092;

/// Who a client says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// SCRAM with SHA-256.
    Scram256,
    /// SCRAM with SHA-512.
    Scram512,
}

/// How to reach a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// `host:port` of the brokers to ask first.
    pub brokers: Vec<String>,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Certificates of authorities, as PEM; without, those of the system.
    pub authorities: Option<String>,
    /// Mechanism, user, password.
    pub login: Option<(Mechanism, String, String)>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kafka at {}", self.brokers.join(","))
    }
}

impl Connection {
    /// The connection of that name or id.
    ///
    /// # Errors
    /// What it lacks, or says and cannot be.
    pub fn find(state: &Snapshot, key: &str) -> Result<Connection, String> {
        let mut all = state.connectors.values();
        let found = all.find(|c| c.id == key || c.name == key);
        let found = found.ok_or_else(|| format!("there is no connection '{key}'"))?;
        Connection::of(found, state)
    }

    fn of(connector: &Connector, state: &Snapshot) -> Result<Connection, String> {
        if connector.service != "kafka" {
            return Err(format!(
                "connection '{}' is one of service '{}', not of kafka",
                connector.name, connector.service
            ));
        }
        let said = |keys: &[&str]| -> Result<Option<String>, String> {
            let found = keys.iter().find_map(|key| connector.settings.get(*key));
            let text = match found {
                Some(Json::String(text)) => rendered(text, state)?,
                Some(Json::Null) | None => return Ok(None),
                Some(other) => other.to_string(),
            };
            Ok(Some(text).filter(|t| !t.is_empty() && t != "None"))
        };
        let brokers = said(&["kafka_bootstrap_servers"])?;
        let brokers: Vec<String> = brokers
            .iter()
            .flat_map(|all| all.split([',', ' ', '\n']))
            .map(str::trim)
            .filter(|b| !b.is_empty())
            .map(with_port)
            .collect();
        if brokers.is_empty() {
            return Err("the connection names no kafka_bootstrap_servers".to_owned());
        }
        let user = said(&["kafka_sasl_plain_username", "kafka_key"])?;
        let password = said(&["kafka_sasl_plain_password", "kafka_secret"])?;
        let protocol = said(&["kafka_security_protocol"])?.map(|p| p.to_ascii_uppercase());
        let (tls, sasl) = match protocol.as_deref() {
            None => (user.is_some(), user.is_some()),
            Some("PLAINTEXT") => (false, false),
            Some("SSL") => (true, false),
            Some("SASL_PLAINTEXT") => (false, true),
            Some("SASL_SSL") => (true, true),
            Some(other) => {
                return Err(format!(
                    "unknown kafka_security_protocol '{other}'; known are PLAINTEXT, SSL, \
                     SASL_PLAINTEXT, SASL_SSL"
                ));
            }
        };
        let login = match sasl {
            false => None,
            true => {
                let name = said(&["kafka_sasl_mechanism"])?.unwrap_or_else(|| "PLAIN".to_owned());
                let missing = |what: &str| format!("{what} of the connection is empty");
                let user = user.ok_or_else(|| missing("kafka_key"))?;
                let password = password.ok_or_else(|| missing("kafka_secret"))?;
                Some((mechanism(&name)?, user, password))
            }
        };
        Ok(Connection {
            brokers,
            tls,
            authorities: said(&["kafka_ssl_ca_pem"])?,
            login,
        })
    }
}

fn mechanism(name: &str) -> Result<Mechanism, String> {
    match name.to_ascii_uppercase().as_str() {
        "PLAIN" => Ok(Mechanism::Plain),
        "SCRAM-SHA-256" => Ok(Mechanism::Scram256),
        "SCRAM-SHA-512" => Ok(Mechanism::Scram512),
        other => Err(format!(
            "unknown kafka_sasl_mechanism '{other}'; known are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
        )),
    }
}

fn with_port(broker: &str) -> String {
    let has_port = broker
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match has_port {
        true => broker.to_owned(),
        false => format!("{broker}:{PORT}"),
    }
}

/// A value with its `{{ tb_secret("name", "default") }}` replaced.
fn rendered(text: &str, state: &Snapshot) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let secrets = state.secret_names();
    let values: HashMap<&str, &str> = state
        .variables
        .values()
        .map(|v| (v.name.as_str(), v.value.as_str()))
        .collect();
    let template = Template::parse(text).map_err(|e| format!("'{text}': {e}"))?;
    let done = template
        .render(&Inputs {
            variables: &Variables::default(),
            secrets: &secrets,
            mode: Mode::Run,
            now: &timestamp(),
        })
        .map_err(|e| format!("'{text}': {e}"))?;
    let mut out = done.sql;
    for name in done.secrets {
        let value = values.get(name.as_str()).copied().unwrap_or_default();
        out = out.replace(&format!("{{{name}: String}}"), value);
        out = out.replace(&format!("{{{name}:String}}"), value);
    }
    // A default comes as a literal.
    let plain = out.trim();
    let inner = plain.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    Ok(inner.unwrap_or(plain).to_owned())
}
