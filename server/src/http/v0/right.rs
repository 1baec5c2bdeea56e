//! Who may use a route: the rule of each line of the route table.
//!
//! Invariant: rules are asked before a handler runs, and only an existing resource's id stands for its
//! name; what a rule refuses is 403 whether the resource exists or not.

use super::routes::Ask;
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::multipart::is_multipart;
use crate::tokens::{Access, Rows};

/// The rule of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Nobody is asked for a token.
    Open,
    /// Whoever sits at the machine, without a token.
    Local,
    /// Any valid token; the answer has only what its scopes let it see.
    Token,
    /// A token that works on the project: `ADMIN`, `WORKSPACE:READ_ALL`, `DATASOURCES:CREATE` or
    /// `PIPES:CREATE`.
    Develop,
    /// `ADMIN`.
    Admin,
    /// `TOKENS`.
    Tokens,
    /// `TOKENS`, or the token itself.
    SeeToken,
    /// `WORKSPACE:READ_ALL`.
    ReadAll,
    /// `DATASOURCES:CREATE`.
    CreateDataSources,
    /// `PIPES:CREATE`.
    CreatePipes,
    /// `DATASOURCES:APPEND` on the data source that the parameter `name` or `copy_to`, or the path, names.
    Append,
    /// `mode=append` as [`Right::Append`], all else `DATASOURCES:CREATE`.
    Import,
    /// Some scope on the data source.
    SeeDataSource,
    /// `DATASOURCES:DROP` on the data source.
    DropDataSource,
    /// Some scope on the pipe.
    SeePipe,
    /// `PIPES:READ` on the pipe.
    ReadPipe,
    /// `PIPES:DROP` on the pipe, or `PIPES:CREATE`.
    DropPipe,
    /// `PIPES:CREATE`, or `PIPES:READ` on the copy pipe with `DATASOURCES:APPEND` on its target.
    RunPipe,
}

impl Right {
    /// Whether the rule lets `access` do what `ask` asks.
    pub(super) fn allows(self, ask: &Ask<'_>, access: &Access) -> bool {
        let app = ask.app;
        match self {
            Right::Open | Right::Local | Right::Token => true,
            Right::Develop => access.may_develop(),
            Right::Admin => access.is_admin(),
            Right::Tokens => access.may_manage_tokens(),
            Right::SeeToken => access.may_manage_tokens() || is_own(app, access, ask.part(0)),
            Right::ReadAll => access.may_read_all(),
            Right::CreateDataSources => access.may_create_data_sources(),
            Right::CreatePipes => access.may_create_pipes(),
            Right::Append => may_append(app, access, appended(ask)),
            Right::Import => match import_mode(ask.call).as_deref() {
                Some("append") => may_append(app, access, appended(ask)),
                _ => access.may_create_data_sources(),
            },
            Right::SeeDataSource => access.sees_data_source(&source_name(app, ask.part(0))),
            Right::DropDataSource => access.may_drop_data_source(&source_name(app, ask.part(0))),
            Right::SeePipe => access.sees_pipe(&pipe_name(app, ask.part(0))),
            Right::ReadPipe => access.rows_of_pipe(&pipe_name(app, ask.part(0))) != Rows::Denied,
            Right::DropPipe => {
                access.may_create_pipes() || access.may_drop_pipe(&pipe_name(app, ask.part(0)))
            }
            Right::RunPipe => access.may_create_pipes() || may_run(app, access, ask.part(0)),
        }
    }
}

/// The name of a data source that is named by its name or id.
pub(super) fn source_name(app: &App, key: &str) -> String {
    let state = app.project.snapshot();
    let found = state.data_source(key);
    found.map_or_else(|| key.to_owned(), |d| d.name.clone())
}

fn is_own(app: &App, access: &Access, token: &str) -> bool {
    let state = app.project.snapshot();
    state.token(token).is_some_and(|t| t.id == access.id)
}

fn pipe_name(app: &App, key: &str) -> String {
    let state = app.project.snapshot();
    let found = state.pipe(key);
    found.map_or_else(|| key.to_owned(), |p| p.name.clone())
}

/// A request without the name of a data source is let through: it fails for what it lacks.
fn may_append(app: &App, access: &Access, name: Option<String>) -> bool {
    name.is_none_or(|name| access.may_append(&source_name(app, &name)))
}

fn may_run(app: &App, access: &Access, pipe: &str) -> bool {
    let state = app.project.snapshot();
    let Some(pipe) = state.pipe(pipe) else {
        return false;
    };
    let target = pipe.job_node().filter(|n| n.kind == crate::project::COPY);
    let target = target.and_then(|n| n.setting(crate::project::TARGET));
    let reads = access.rows_of_pipe(&pipe.name) == Rows::All;
    reads && target.is_some_and(|t| access.may_append(&source_name(app, t)))
}

/// The parameter of a request to `/v0/datasources`, from the query string or a form.
fn parameter(call: &Call, name: &str) -> Option<String> {
    if let Some(value) = call.query.said(name) {
        return Some(value.to_owned());
    }
    match is_multipart(call.header("content-type").unwrap_or("")) {
        true => None,
        false => call.form().said(name).map(str::to_owned),
    }
}

/// `create`, `append` or `replace`; `create` may be left out.
pub(super) fn import_mode(call: &Call) -> Option<String> {
    parameter(call, "mode").filter(|m| m != "create")
}

fn appended(ask: &Ask<'_>) -> Option<String> {
    let said = |name: &str| ask.call.query.said(name).map(str::to_owned);
    match ask.parts.first() {
        Some(name) => Some((*name).to_owned()),
        None => said("copy_to")
            .or_else(|| said("name"))
            .or_else(|| parameter(ask.call, "name")),
    }
}
