//! Who asks, and what they may: as a token says on the other port.
//!
//! User `default` without a password may do everything where the port is open, which it is on a loopback
//! address unless the server was started otherwise. A token as password leads to its workspace or
//! branch. An ADMIN token of the first workspace or of a branch of it may do everything there; any other
//! reads what it may read, its row filters included, and adds rows where it may append.
//!
//! Invariant: without all rights a statement is a query whose names were checked, a DESCRIBE, or an INSERT
//! of data.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost::parse::ast::{Insert, InsertSource, Statement, TableName, TableSource};
use roost::parse::parse_statement;
use roost_engine::error::{Code, Error, Result};

use super::request::NativeRequest;
use crate::http::app::App;
use crate::http::call::Call;
use crate::project::{Request, Resolver, Root};
use crate::store::{DATABASE, iso_seconds, now_micros};
use crate::template::Variables;
use crate::tokens::Access;

/// Who asks.
pub(super) struct Asks {
    /// The workspace or branch.
    pub(super) app: Arc<App>,
    access: Access,
}

impl Asks {
    /// The caller, by user and password.
    ///
    /// # Errors
    /// AUTHENTICATION_FAILED, QUOTA_EXCEEDED.
    pub(super) fn of(app: &Arc<App>, call: &Call) -> Result<Asks> {
        let (user, password) = credentials(call);
        let user = user
            .filter(|u| !u.is_empty())
            .unwrap_or_else(|| "default".to_owned());
        let failed = || {
            let message = format!(
                "{user}: Authentication failed: password is incorrect, or there is no user with such name."
            );
            Error::new(Code::AUTHENTICATION_FAILED, message)
        };
        let password = password.unwrap_or_default();
        if user != "default" {
            return Err(failed());
        }
        if password.is_empty() {
            return match app.config.clickhouse_open {
                true => Ok(Asks {
                    app: Arc::clone(app),
                    access: Access::admin(),
                }),
                false => Err(Error::new(
                    Code::AUTHENTICATION_FAILED,
                    format!(
                        "{}: the password is a token of the workspace",
                        failed().message()
                    ),
                )),
            };
        }
        let app = app.for_token(&password);
        let access = app.project.access(&password).map_err(|_| failed())?;
        if let Some(rps) = access.rps {
            let taken = app.rates.take(&password, &call.id, rps, now_micros());
            taken.map_err(|f| Error::new(Code::QUOTA_EXCEEDED, f.message))?;
        }
        Ok(Asks { app, access })
    }

    /// Whether every statement is allowed: those of other workspaces than the first would reach its
    /// databases.
    fn may_do_all(&self) -> bool {
        self.access.is_admin() && self.app.store().data() == DATABASE
    }

    /// Makes the request what the caller may ask; what names mean in it.
    ///
    /// # Errors
    /// ACCESS_DENIED, and what the parser says.
    pub(super) fn admit(&self, request: &mut NativeRequest) -> Result<Option<Arc<Resolver>>> {
        if self.may_do_all() {
            return Ok(None);
        }
        request.database = Some(self.app.store().data().to_owned());
        let resolver = Arc::new(Resolver::new(
            &self.app.project,
            Request {
                access: self.access.clone(),
                variables: Variables::new(),
                root: Root::Caller,
                pipeline: None,
                now: iso_seconds(now_micros(), ' '),
            },
        ));
        match parse_statement(&request.sql)? {
            Statement::Query(_) => request.sql = resolver.check(&request.sql)?,
            Statement::Insert(insert) => self.check_insert(&insert)?,
            Statement::Describe(table) => match &table.source {
                TableSource::Name(name) if self.is_seen(name) => {}
                _ => return Err(denied("DESCRIBE of a table that it may not see")),
            },
            _ => {
                return Err(denied(
                    "a statement that only an ADMIN token of the workspace may run",
                ));
            }
        }
        Ok(Some(resolver))
    }

    /// Rows of the request's own data into a data source of the workspace.
    fn check_insert(&self, insert: &Insert) -> Result<()> {
        if matches!(insert.source, InsertSource::Query(_)) {
            return Err(denied("INSERT of a query, which needs an ADMIN token"));
        }
        let name = &insert.table;
        match self.is_own(name) && self.access.may_append(&name.name) {
            true => Ok(()),
            false => Err(denied(&format!("INSERT into {}", name.name))),
        }
    }

    fn is_seen(&self, name: &TableName) -> bool {
        self.is_own(name) && self.access.sees_data_source(&name.name)
    }

    fn is_own(&self, name: &TableName) -> bool {
        let own = self.app.store().data();
        let is_own = name.database.as_deref().is_none_or(|d| d == own);
        is_own
            && self
                .app
                .project
                .snapshot()
                .data_sources
                .contains_key(&name.name)
    }
}

fn denied(what: &str) -> Error {
    let message = format!("Not enough permissions: the token does not allow {what}");
    Error::new(Code::ACCESS_DENIED, message)
}

/// User and password, as headers, parameters, or basic or bearer authentication.
fn credentials(call: &Call) -> (Option<String>, Option<String>) {
    let authorization = call.header("authorization").unwrap_or_default();
    let (scheme, rest) = authorization.split_once(' ').unwrap_or_default();
    let (user, password) = match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(rest.trim()).unzip(),
        "bearer" => (None, Some(rest.trim().to_owned())),
        _ => (None, None),
    };
    let given = |header: &str, parameter: &str| {
        let text = call.header(header).or_else(|| call.query.get(parameter));
        text.map(str::to_owned)
    };
    (
        given("x-clickhouse-user", "user").or(user),
        given("x-clickhouse-key", "password").or(password),
    )
}

fn basic(coded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
