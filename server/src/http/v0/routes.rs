//! The one table of routes: method, path, rule and handler. The router, the names under which requests
//! are counted and the token matrix of the tests come from it.
//!
//! In a path `v*` is `v0` or `v1`, `{x}` one part, `{x}.{y}` one part with a dot in it, `**` any rest. The
//! first line that fits counts.
//!
//! Invariant: no handler runs without a line here, and no line is without a rule.

use std::sync::{Arc, LazyLock};

use axum::http::Method;

use super::right::Right;
use super::{
    Answer, analyze, branches, builds, copies, datasources, endpoints, events, explain, jobs, misc,
    nodes, pipes, releases, sql, sql_tools, tags, tokens, variables, views, workspace, workspaces,
};
use crate::http::app::App;
use crate::http::call::Call;
use crate::http::outlet::Outlet;
use crate::http::reply::{Handled, Reply};
use crate::tokens::Access;

/// What a handler is asked.
pub(super) struct Ask<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) call: &'a Call,
    /// The caller's rights; none on routes that need no token.
    pub(super) access: &'a Access,
    /// What stood for the `{…}` of the path.
    pub(super) parts: Vec<&'a str>,
}

impl Ask<'_> {
    /// What stood for a `{…}` of the path, or nothing.
    pub(super) fn part(&self, at: usize) -> &str {
        self.parts.get(at).copied().unwrap_or("")
    }
}

/// What runs.
#[derive(Clone, Copy)]
enum Handler {
    /// Gives a whole answer.
    Whole(fn(&Ask<'_>) -> Handled),
    /// May write into the outlet.
    Stream(fn(&Ask<'_>, &mut Outlet) -> Handled<Answer>),
}

/// A line of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// `GET`, `POST`, `PUT`, `DELETE`; `GET` serves HEAD.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
    /// Who may use it.
    pub right: Right,
    handler: Handler,
}

/// One line a route: `whole` handlers give an answer, `stream` handlers write it.
macro_rules! routes {
    ($($method:ident $path:literal $right:ident $kind:ident $handler:expr;)*) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            right: Right::$right,
            handler: routes!(@ $kind $handler),
        }),*]
    };
    (@ whole $handler:expr) => { Handler::Whole($handler) };
    (@ stream $handler:expr) => { Handler::Stream($handler) };
}

/// All routes of the API.
pub const ROUTES: &[Route] = routes! {
    GET "/v*/sql" Token stream sql::run;
    POST "/v*/sql" Token stream sql::run;
    POST "/v0/events" Append whole events::append;

    GET "/v*/pipes" Token whole pipes::list;
    POST "/v*/pipes" CreatePipes whole |a| pipes::create(a.app, a.call);
    GET "/v*/pipes/{pipe}.pipe" ReadAll whole |a| pipes::file(a.app, a.part(0));
    GET "/v*/pipes/{pipe}.{format}" ReadPipe stream endpoints::run;
    POST "/v*/pipes/{pipe}.{format}" ReadPipe stream endpoints::run;
    GET "/v*/pipes/{pipe}" SeePipe whole |a| pipes::detail(a.app, a.part(0));
    PUT "/v*/pipes/{pipe}" CreatePipes whole |a| pipes::update(a.app, a.call, a.part(0));
    DELETE "/v*/pipes/{pipe}" DropPipe whole |a| pipes::drop_one(a.app, a.part(0));
    GET "/v*/pipes/{pipe}/explain" CreatePipes whole |a| explain::explain(a, None);
    POST "/v*/pipes/{pipe}/endpoint" CreatePipes whole |a| nodes::publish(a.app, a.part(0), None);
    PUT "/v*/pipes/{pipe}/endpoint" CreatePipes whole |a| nodes::publish(a.app, a.part(0), None);
    DELETE "/v*/pipes/{pipe}/endpoint" CreatePipes whole |a| nodes::unpublish(a.app, a.part(0));
    POST "/v*/pipes/{pipe}/copy" RunPipe whole |a| copies::run(a, "copy");
    POST "/v*/pipes/{pipe}/copy/pause" CreatePipes whole |a| copies::set_rest(a, "copy", true);
    POST "/v*/pipes/{pipe}/copy/resume" CreatePipes whole |a| copies::set_rest(a, "copy", false);
    POST "/v*/pipes/{pipe}/copy/cancel" RunPipe whole |a| copies::cancel(a, "copy");
    POST "/v*/pipes/{pipe}/sink" CreatePipes whole |a| copies::run(a, "sink");
    POST "/v*/pipes/{pipe}/sink/pause" CreatePipes whole |a| copies::set_rest(a, "sink", true);
    POST "/v*/pipes/{pipe}/sink/resume" CreatePipes whole |a| copies::set_rest(a, "sink", false);
    POST "/v*/pipes/{pipe}/sink/cancel" CreatePipes whole |a| copies::cancel(a, "sink");
    POST "/v*/pipes/{pipe}/stream" CreatePipes whole |_| misc::absent("streams");

    POST "/v*/pipes/{pipe}/nodes" CreatePipes whole |a| nodes::add(a.app, a.call, a.part(0));
    PUT "/v*/pipes/{pipe}/nodes/{node}" CreatePipes whole nodes::update;
    DELETE "/v*/pipes/{pipe}/nodes/{node}" CreatePipes whole nodes::drop_one;
    POST "/v*/pipes/{pipe}/nodes/{node}/endpoint" CreatePipes whole |a| nodes::publish(a.app, a.part(0), Some(a.part(1)));
    PUT "/v*/pipes/{pipe}/nodes/{node}/endpoint" CreatePipes whole |a| nodes::publish(a.app, a.part(0), Some(a.part(1)));
    DELETE "/v*/pipes/{pipe}/nodes/{node}/endpoint" CreatePipes whole |a| nodes::unpublish(a.app, a.part(0));
    GET "/v*/pipes/{pipe}/nodes/{node}/explain" CreatePipes whole |a| explain::explain(a, Some(a.part(1)));
    GET "/v*/pipes/{pipe}/nodes/{node}/analysis" CreatePipes whole |a| views::analyze(a.app, a.call, a.part(0), a.part(1));
    POST "/v*/pipes/{pipe}/nodes/{node}/population" CreatePipes whole views::populate;
    DELETE "/v*/pipes/{pipe}/nodes/{node}/materialization" CreatePipes whole nodes::unlink;
    POST "/v*/pipes/{pipe}/nodes/{node}/copy" CreatePipes whole |a| copies::define(a, "copy");
    PUT "/v*/pipes/{pipe}/nodes/{node}/copy" CreatePipes whole |a| copies::define(a, "copy");
    DELETE "/v*/pipes/{pipe}/nodes/{node}/copy" CreatePipes whole |a| copies::undefine(a.app, a.part(0), a.part(1));
    POST "/v*/pipes/{pipe}/nodes/{node}/sink" CreatePipes whole |a| copies::define(a, "sink");
    PUT "/v*/pipes/{pipe}/nodes/{node}/sink" CreatePipes whole |a| copies::define(a, "sink");
    DELETE "/v*/pipes/{pipe}/nodes/{node}/sink" CreatePipes whole |a| copies::undefine(a.app, a.part(0), a.part(1));
    POST "/v*/pipes/{pipe}/nodes/{node}/stream" CreatePipes whole |_| misc::absent("streams");
    DELETE "/v*/pipes/{pipe}/nodes/{node}/stream" CreatePipes whole |_| misc::absent("streams");

    GET "/v*/datasources" Token whole datasources::list;
    POST "/v*/datasources" Import whole datasources::create_or_import;
    POST "/v*/datasources/exchange" Admin whole |a| datasources::exchange(a.app, a.call);
    GET "/v*/datasources/{source}.datasource" ReadAll whole |a| datasources::file(a.app, a.part(0));
    GET "/v*/datasources/{source}" SeeDataSource whole |a| datasources::detail(a.app, a.part(0));
    PUT "/v*/datasources/{source}" CreateDataSources whole |a| datasources::update(a.app, a.call, a.part(0));
    DELETE "/v*/datasources/{source}" DropDataSource whole |a| datasources::drop_one(a.app, a.call, a.part(0));
    POST "/v*/datasources/{source}/alter" CreateDataSources whole |a| datasources::alter(a.app, a.call, a.part(0));
    POST "/v*/datasources/{source}/truncate" CreateDataSources whole |a| datasources::truncate(a.app, a.call, a.part(0));
    POST "/v*/datasources/{source}/delete" CreateDataSources whole datasources::delete_rows;
    POST "/v*/datasources/{source}/quarantine/replay" CreateDataSources whole |a| datasources::replay(a.app, a.call, a.part(0));
    POST "/v*/datasources/{source}/append" Append whole |a| datasources::import_into(a, a.part(0), "append");
    POST "/v*/datasources/{source}/replace" CreateDataSources whole |a| datasources::import_into(a, a.part(0), "replace");
    POST "/v*/datasources/{source}/share" Admin whole |a| workspaces::share(a, true);
    DELETE "/v*/datasources/{source}/share" Admin whole |a| workspaces::share(a, false);
    GET "/v*/datasources/{source}/scheduling/**" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));
    POST "/v*/datasources/{source}/scheduling/**" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));
    PUT "/v*/datasources/{source}/scheduling/**" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));
    POST "/v*/datasources/{source}/sample" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));
    POST "/v*/datasources/{source}/start" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));
    POST "/v*/datasources/{source}/stop" CreateDataSources whole |a| datasources::unscheduled(a.app, a.part(0));

    POST "/v0/analyze" CreateDataSources whole |a| analyze::analyze(a.app, a.call);
    GET "/v0/sql_tables" Token whole |a| sql_tools::tables(a.call);
    POST "/v0/sql_tables" Token whole |a| sql_tools::tables(a.call);
    GET "/v0/sql_replace" Token whole |a| sql_tools::replace(a.call);
    POST "/v0/sql_replace" Token whole |a| sql_tools::replace(a.call);
    GET "/v0/sql_format" Token whole |a| sql_tools::format(a.call);
    POST "/v0/sql_format" Token whole |a| sql_tools::format(a.call);
    POST "/v0/sql_copy" Append whole copies::copy_sql;

    GET "/v0/tokens" Token whole tokens::list;
    POST "/v0/tokens" Tokens whole tokens::create;
    GET "/v0/tokens/{token}" SeeToken whole tokens::detail;
    PUT "/v0/tokens/{token}" Tokens whole tokens::update;
    DELETE "/v0/tokens/{token}" Tokens whole tokens::drop_one;
    POST "/v0/tokens/{token}/refresh" Tokens whole tokens::refresh;

    GET "/v0/jobs" Token whole jobs::list;
    GET "/v0/jobs/{job}" Token whole jobs::detail;
    POST "/v0/jobs/{job}/cancel" Token whole jobs::cancel;

    GET "/v0/tags" Develop whole |a| tags::list(a.app);
    POST "/v0/tags" CreatePipes whole |a| tags::put(a.app, a.call, None);
    PUT "/v0/tags/{tag}" CreatePipes whole |a| tags::put(a.app, a.call, Some(a.part(0)));
    DELETE "/v0/tags/{tag}" CreatePipes whole |a| tags::drop_one(a.app, a.part(0));

    GET "/v0/variables" Admin whole |a| variables::list(a.app);
    POST "/v0/variables" Admin whole |a| variables::create(a.app, a.call);
    GET "/v0/variables/{variable}" Admin whole |a| variables::detail(a.app, a.part(0));
    PUT "/v0/variables/{variable}" Admin whole |a| variables::update(a.app, a.call, a.part(0));
    DELETE "/v0/variables/{variable}" Admin whole |a| variables::drop_one(a.app, a.part(0));

    GET "/v*/workspace" Token whole workspaces::one;
    GET "/v*/user/workspaces" Token whole workspaces::all;
    GET "/v*/regions" Open whole |_| workspace::nothing("regions");
    GET "/v*/templates" Open whole |_| workspace::nothing("templates");
    GET "/v*/auth" Token whole |a| workspaces::auth(a.access);
    GET "/v*/dependencies" Develop whole |a| workspace::dependencies(a.app, a.call);
    GET "/v*/connections/**" Develop whole |_| workspace::nothing("items");
    GET "/v*/connectors" CreateDataSources whole |a| workspace::connectors(a.app);
    POST "/v*/connectors" CreateDataSources whole |a| workspace::create_connector(a.app, a.call);
    GET "/v*/connectors/{connector}" CreateDataSources whole |a| workspace::connector(a.app, a.part(0));
    GET "/v*/connectors/{connector}/preview" CreateDataSources whole |a| workspace::preview(a.app, a.call, a.part(0));
    DELETE "/v*/connectors/{connector}" CreateDataSources whole |a| workspace::drop_connector(a.app, a.part(0));
    GET "/v*/environments" Develop whole branches::list;
    POST "/v*/environments" Admin whole branches::create;
    GET "/v*/environments/{branch}" Admin whole branches::detail;
    DELETE "/v*/environments/{branch}" Admin whole branches::drop_one;
    POST "/v*/environments/{branch}/data" Admin whole branches::data;
    POST "/v*/environments/{branch}/regression/**" Admin whole |_| misc::absent("regression tests of branches");
    GET "/v*/workspaces/{workspace}/releases" Develop whole releases::list;
    POST "/v*/workspaces" Admin whole |a| workspaces::create(a.app, a.call);
    GET "/v*/workspaces/{workspace}" Admin whole workspaces::detail;
    DELETE "/v*/workspaces/{workspace}" Admin whole workspaces::delete;
    PUT "/v*/workspaces/{workspace}/users" Admin whole workspaces::members;
    POST "/v*/workspaces/{workspace}/releases" Admin whole releases::put;
    PUT "/v*/workspaces/{workspace}/releases/{release}" Admin whole releases::rename;
    GET "/v*/workspaces/{workspace}/releases/**" Admin whole |_| misc::absent("releases beside the live one");
    DELETE "/v*/workspaces/{workspace}/releases/**" Admin whole |_| misc::absent("releases beside the live one");
    POST "/v*/build" Admin whole |a| builds::build(a.app, a.call);
    POST "/v*/deploy" Admin whole |a| builds::deploy(a.app, a.call);
    GET "/v*/deployments" Admin whole |a| builds::list(a.app, a.call);
    GET "/v*/deployments/{deployment}" Admin whole |a| builds::detail(a.app, a.part(0));
    DELETE "/v*/deployments/{deployment}" Admin whole |a| builds::discard(a.app, a.part(0));
    POST "/v*/deployments/{deployment}/set-live" Admin whole |a| builds::set_live(a.app, a.part(0));

    GET "/examples/query.http" Token whole misc::example;
    GET "/health" Open whole |a| misc::health(a.app);
    GET "/v*/health" Open whole |a| misc::health(a.app);
    GET "/metrics" Open whole |a| misc::metrics(a.app);
    GET "/tokens" Local whole |a| tokens::local(a.app, a.call);
};

/// What the table says of a request.
pub(super) enum Fit<'a> {
    /// A line, and what stood for the `{…}`.
    Route(&'static Route, Vec<&'a str>),
    /// The path is there, with other methods.
    Method,
    /// Nothing.
    None,
}

impl Route {
    /// The line for a request.
    pub(super) fn find<'a>(method: &Method, segments: &'a [String]) -> Fit<'a> {
        let name = match *method {
            Method::HEAD => "GET",
            _ => method.as_str(),
        };
        let mut out = Fit::None;
        for route in ROUTES {
            if let Some(parts) = route.parts(segments) {
                if route.method == name {
                    return Fit::Route(route, parts);
                }
                out = Fit::Method;
            }
        }
        out
    }

    /// What stands for the `{…}` of the path, if `segments` fit.
    fn parts<'a>(&self, segments: &'a [String]) -> Option<Vec<&'a str>> {
        let mut parts = Vec::new();
        let mut segments = segments.iter();
        for pattern in self.path.split('/').skip(1) {
            if pattern == "**" {
                return Some(parts);
            }
            let segment = segments.next()?.as_str();
            match pattern {
                "v*" if matches!(segment, "v0" | "v1") => {}
                _ if pattern.starts_with('{') => match pattern.split_once("}.") {
                    None => parts.push(segment),
                    Some((_, ending)) => {
                        let (name, found) = segment.rsplit_once('.')?;
                        parts.push(name);
                        match ending.starts_with('{') {
                            true => parts.push(found),
                            false if ending == found => {}
                            false => return None,
                        }
                    }
                },
                _ if pattern == segment => {}
                _ => return None,
            }
        }
        segments.next().is_none().then_some(parts)
    }

    /// Runs the handler. The rule has been asked by then.
    pub(super) fn run(&self, ask: &Ask<'_>, outlet: &mut Outlet) -> Handled<Answer> {
        match self.handler {
            Handler::Whole(handler) => handler(ask).map(Answer::Reply),
            Handler::Stream(handler) => handler(ask, outlet),
        }
    }
}

/// Whether the path asks for rows: such a request is mostly over in less time than it takes to hand
/// it to another thread.
pub(in crate::http) fn is_query(segments: &[String]) -> bool {
    match segments {
        [_, word] => word == "sql",
        [_, word, name] => word == "pipes" && name.contains('.'),
        _ => false,
    }
}

/// The name under which a path is counted: its first word that a route has.
pub(in crate::http) fn label(segments: &[String]) -> &'static str {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let name = |r: &Route| {
            let path = r.path.trim_start_matches("/v0/").trim_start_matches("/v*/");
            path.trim_start_matches('/').split('/').next().unwrap_or("")
        };
        let mut names: Vec<&str> = ROUTES.iter().map(name).collect();
        names.dedup();
        names
    });
    let word = segments.get(1).or(segments.first());
    word.and_then(|w| NAMES.iter().find(|n| **n == w).copied())
        .unwrap_or("other")
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Answer::Reply(reply)
    }
}
