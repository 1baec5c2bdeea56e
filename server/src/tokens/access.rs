//! What a request may do.
//!
//! Invariant: nothing is allowed that no scope grants; several filters on one resource are joined with
//! OR, and a scope without filter lifts them.

use serde_json::{Map, Value as Json};

use super::{Claims, Scope, Token};

/// The rights of one request.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The token's name, for logs.
    pub name: String,
    /// The token's id, for logs.
    pub id: String,
    scopes: Vec<Scope>,
    /// Requests a second, when they are limited.
    pub rps: Option<u32>,
    /// Parameters that a JWT fixes, by pipe.
    fixed: Vec<(String, Map<String, Json>)>,
}

/// Whether rows may be read, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Not at all.
    Denied,
    /// All.
    All,
    /// Those for which this SQL condition holds.
    Where(String),
}

impl Access {
    /// The rights of a stored token.
    pub fn of_token(token: &Token) -> Access {
        Access {
            name: token.name.clone(),
            id: token.id.clone(),
            scopes: token.scopes.clone(),
            rps: None,
            fixed: Vec::new(),
        }
    }

    /// The rights of a JWT.
    pub fn of_claims(claims: &Claims) -> Access {
        let scope = |s: &super::JwtScope| Scope {
            kind: s.kind.clone(),
            resource: Some(s.resource.clone()),
            filter: s.filter.clone(),
        };
        Access {
            name: claims.name.clone().unwrap_or_else(|| "jwt".to_owned()),
            id: "jwt".to_owned(),
            scopes: claims.scopes.iter().map(scope).collect(),
            rps: claims.limits.as_ref().and_then(|l| l.rps),
            fixed: claims
                .scopes
                .iter()
                .filter(|s| !s.fixed_params.is_empty())
                .map(|s| (s.resource.clone(), s.fixed_params.clone()))
                .collect(),
        }
    }

    /// All rights: for the server's own work.
    pub fn admin() -> Access {
        Access {
            name: "workspace admin token".to_owned(),
            scopes: vec![Scope::plain("ADMIN")],
            ..Access::default()
        }
    }

    fn has(&self, kind: &str) -> bool {
        self.scopes.iter().any(|s| s.kind == kind)
    }

    /// Everything is allowed.
    pub fn is_admin(&self) -> bool {
        self.scopes.iter().any(Scope::is_admin)
    }

    /// Tokens may be listed and made.
    pub fn may_manage_tokens(&self) -> bool {
        self.is_admin() || self.has("TOKENS")
    }

    /// Data sources may be made.
    pub fn may_create_data_sources(&self) -> bool {
        self.is_admin() || self.has("DATASOURCES:CREATE")
    }

    /// Pipes may be made and changed.
    pub fn may_create_pipes(&self) -> bool {
        self.is_admin() || self.has("PIPES:CREATE")
    }

    /// Everything may be read.
    pub fn may_read_all(&self) -> bool {
        self.is_admin() || self.has("WORKSPACE:READ_ALL")
    }

    /// It works on the project, and may know what there is.
    pub fn may_develop(&self) -> bool {
        self.may_read_all() || self.may_create_data_sources() || self.may_create_pipes()
    }

    /// It may know of the data source.
    pub fn sees_data_source(&self, name: &str) -> bool {
        self.may_create_data_sources()
            || self.may_append(name)
            || self.may_drop_data_source(name)
            || self.rows_of_data_source(name) != Rows::Denied
    }

    /// It may know of the pipe.
    pub fn sees_pipe(&self, name: &str) -> bool {
        self.may_create_pipes()
            || self.may_drop_pipe(name)
            || self.rows_of_pipe(name) != Rows::Denied
    }

    fn on<'a>(&'a self, kind: &'a str, resource: &'a str) -> impl Iterator<Item = &'a Scope> {
        self.scopes
            .iter()
            .filter(move |s| s.kind == kind && s.resource.as_deref() == Some(resource))
    }

    /// Rows may be added to the data source. A token that may create data sources may fill them.
    pub fn may_append(&self, data_source: &str) -> bool {
        self.may_create_data_sources()
            || self.on("DATASOURCES:APPEND", data_source).next().is_some()
    }

    /// The data source may be dropped.
    pub fn may_drop_data_source(&self, data_source: &str) -> bool {
        self.is_admin() || self.on("DATASOURCES:DROP", data_source).next().is_some()
    }

    /// The pipe may be dropped.
    pub fn may_drop_pipe(&self, pipe: &str) -> bool {
        self.is_admin() || self.on("PIPES:DROP", pipe).next().is_some()
    }

    /// Which rows of the data source may be read. Its quarantine goes with it.
    pub fn rows_of_data_source(&self, name: &str) -> Rows {
        let owner = name.strip_suffix("_quarantine").unwrap_or(name);
        match self.rows("DATASOURCES:READ", name) {
            Rows::Denied if owner != name => self.rows("DATASOURCES:READ", owner),
            rows => rows,
        }
    }

    /// Which rows of the pipe's endpoint may be read.
    pub fn rows_of_pipe(&self, name: &str) -> Rows {
        self.rows("PIPES:READ", name)
    }

    fn rows(&self, kind: &str, name: &str) -> Rows {
        if self.may_read_all() {
            return Rows::All;
        }
        let mut filters = Vec::new();
        let mut found = false;
        for scope in self.on(kind, name) {
            found = true;
            match &scope.filter {
                None => return Rows::All,
                Some(filter) => filters.push(format!("({filter})")),
            }
        }
        match found {
            true => Rows::Where(filters.join(" OR ")),
            false => Rows::Denied,
        }
    }

    /// The condition on a data source's rows, whoever reads it: also inside a pipe.
    pub fn filter_of(&self, data_source: &str) -> Option<String> {
        match self.rows_of_data_source(data_source) {
            Rows::Where(filter) => Some(filter),
            _ => None,
        }
    }

    /// Whether some data source is read in part.
    pub fn has_filters(&self) -> bool {
        let partial = |s: &Scope| s.kind == "DATASOURCES:READ" && s.filter.is_some();
        !self.may_read_all() && self.scopes.iter().any(partial)
    }

    /// Parameters of the pipe that the caller cannot choose.
    pub fn fixed_parameters(&self, pipe: &str) -> Option<&Map<String, Json>> {
        self.fixed.iter().find(|(p, _)| p == pipe).map(|(_, m)| m)
    }
}
