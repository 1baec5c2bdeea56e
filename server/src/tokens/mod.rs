//! Tokens: who may do what.
//!
//! Invariant: a request's rights come from [`Access`] alone, and an [`Access`] comes from a stored token
//! or from a JWT signed with the workspace's admin token.

mod access;
mod jwt;
mod random;
mod scope;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use access::{Access, Rows};
pub use jwt::{Claims, JwtError, JwtScope};
pub use random::{new_id, new_secret, new_uuid, request_id};
pub use scope::Scope;

/// Where a token came from: `C` the command line, `DS` a data source's file, `P` a pipe's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `C`, `DS` or `P`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The data source or pipe.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource_id: Option<String>,
}

/// A stored token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Id; survives a refresh.
    pub id: String,
    /// Name, unique in the workspace.
    pub name: String,
    /// The secret text.
    pub token: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Where it came from.
    pub origin: Origin,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made, `YYYY-MM-DD hh:mm:ss.ffffff`.
    #[serde(default)]
    pub created_at: String,
}

impl Token {
    /// A new token with a new secret.
    pub fn new(name: &str, scopes: Vec<Scope>, created_at: String) -> Token {
        Token {
            id: new_id(),
            name: name.to_owned(),
            token: new_secret(),
            description: String::new(),
            origin: Origin {
                kind: "C".to_owned(),
                resource_id: None,
            },
            scopes: scope::distinct(scopes),
            created_at,
        }
    }

    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.scopes.iter().any(Scope::is_admin)
    }

    /// Replaces the scopes; the same one twice counts once.
    pub fn set_scopes(&mut self, scopes: Vec<Scope>) {
        self.scopes = scope::distinct(scopes);
    }

    /// As `/v0/tokens` shows it.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id,
            "name": self.name,
            "token": self.token,
            "description": self.description,
            "origin": self.origin,
            "is_internal": false,
            "scopes": self.scopes,
            "created_at": self.created_at,
        })
    }
}
