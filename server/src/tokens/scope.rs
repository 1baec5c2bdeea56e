//! A scope: one right, perhaps on one resource, perhaps on some of its rows.
//!
//! Invariant: only known kinds of right are accepted.

use serde::{Deserialize, Serialize};

/// One right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// `ADMIN`, `PIPES:READ`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The data source or pipe.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resource: Option<String>,
    /// An SQL condition on the resource's rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filter: Option<String>,
}

/// Rights on a resource.
const ON_RESOURCE: &[&str] = &[
    "DATASOURCES:APPEND",
    "DATASOURCES:READ",
    "DATASOURCES:DROP",
    "PIPES:READ",
    "PIPES:DROP",
];

/// Rights on the workspace.
const ON_WORKSPACE: &[&str] = &[
    "ADMIN",
    "ADMIN_USER",
    "TOKENS",
    "DATASOURCES:CREATE",
    "PIPES:CREATE",
    "WORKSPACE:READ_ALL",
    "ORG_DATASOURCES:READ",
];

impl Scope {
    /// A right on the workspace.
    pub fn plain(kind: &str) -> Scope {
        Scope {
            kind: kind.to_owned(),
            resource: None,
            filter: None,
        }
    }

    /// A right on a resource.
    pub fn on(kind: &str, resource: &str) -> Scope {
        Scope {
            kind: kind.to_owned(),
            resource: Some(resource.to_owned()),
            filter: None,
        }
    }

    /// Whether it is the right to everything.
    pub fn is_admin(&self) -> bool {
        matches!(self.kind.as_str(), "ADMIN" | "ADMIN_USER")
    }

    /// Reads `TYPE`, `TYPE:RESOURCE` or `TYPE:RESOURCE:FILTER`.
    pub fn parse(text: &str) -> Result<Scope, String> {
        if ON_WORKSPACE.contains(&text) {
            return Ok(Scope::plain(text));
        }
        for kind in ON_RESOURCE {
            let Some(rest) = text.strip_prefix(kind) else {
                continue;
            };
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            let (resource, filter) = match rest.split_once(':') {
                Some((resource, filter)) => (resource, Some(filter)),
                None => (rest, None),
            };
            if resource.is_empty() {
                return Err(format!("scope {kind} needs a resource: {kind}:<name>"));
            }
            return Ok(Scope {
                filter: filter.filter(|f| !f.is_empty()).map(str::to_owned),
                ..Scope::on(kind, resource)
            });
        }
        Err(format!(
            "unknown scope '{text}'; known are {} and, with a resource, {}",
            ON_WORKSPACE.join(", "),
            ON_RESOURCE.join(", ")
        ))
    }
}

/// Each scope once, in order. A scope with a filter is not the one without.
pub(super) fn distinct(scopes: Vec<Scope>) -> Vec<Scope> {
    let mut out: Vec<Scope> = Vec::with_capacity(scopes.len());
    for scope in scopes {
        if !out.contains(&scope) {
            out.push(scope);
        }
    }
    out
}
