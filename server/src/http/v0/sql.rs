//! `GET` and `POST /v0/sql`.
//!
//! Invariant: only queries run here; what the token may not read is never bound.

use std::sync::Arc;

use serde_json::Value as Json;

use super::Answer;
use super::routes::Ask;
use crate::http::call::Call;
use crate::http::outlet::Outlet;
use crate::http::params::Params;
use crate::http::reply::{Failure, Handled};
use crate::http::run::{Statement, run as run_statement, settings};
use crate::project::{Request, Resolver, Root};
use crate::store::{iso_seconds, now_micros};
use crate::template::Variables;

/// Parameters that never reach a template.
const RESERVED: &[&str] = &[
    "q",
    "token",
    "debug",
    "explain",
    "from",
    "pipeline",
    "playground",
    "template_parameters",
    "query_id",
    "tag",
    "finalize_aggregations",
    "release_replacements",
    "debug_source_tables",
    "cli_version",
    "__tb__semver",
    "__tb__deployment",
    "format",
];

/// The values templates see: parameters that are not the protocol's own.
pub(super) fn variables(params: &Params) -> Variables {
    let mut out = Variables::new();
    for (name, value) in params.iter() {
        if RESERVED.contains(&name) || name.starts_with("output_format_") {
            continue;
        }
        match out.get_mut(name) {
            None => {
                out.insert(name.to_owned(), value.into());
            }
            // A repeated key is a list.
            Some(Json::Array(items)) => items.push(value.into()),
            Some(first) => *first = Json::Array(vec![first.take(), value.into()]),
        }
    }
    out
}

/// The body of a POST: SQL as it is, or a form or JSON with `q` and parameters.
fn body(call: &Call, out: &mut Variables) -> (Option<String>, Params) {
    if call.body.is_empty() {
        return (None, Params::default());
    }
    if let Ok(Json::Object(mut map)) = serde_json::from_slice(&call.body) {
        let mut params = Params::default();
        let q = map.remove("q").and_then(|q| q.as_str().map(str::to_owned));
        for name in ["pipeline", "format"] {
            if let Some(Json::String(value)) = map.remove(name) {
                params.push(name, value);
            }
        }
        out.extend(
            map.into_iter()
                .filter(|(k, _)| !RESERVED.contains(&k.as_str())),
        );
        return (q, params);
    }
    let text = call.text();
    let is_form = text.starts_with("q=") || text.contains("&q=");
    if is_form {
        let form = Params::parse(text.trim());
        out.extend(variables(&form));
        return (form.get("q").map(str::to_owned), form);
    }
    (Some(text), Params::default())
}

/// Runs a query.
pub(super) fn run(a: &Ask<'_>, outlet: &mut Outlet) -> Handled<Answer> {
    let (app, call) = (a.app, a.call);
    let mut values = variables(&call.query);
    let (from_body, more) = body(call, &mut values);
    let text = from_body
        .filter(|q| !q.trim().is_empty())
        .or_else(|| call.query.get("q").map(str::to_owned))
        .filter(|q| !q.trim().is_empty())
        .ok_or_else(|| Failure::bad("The parameter 'q' with the SQL is missing"))?;
    let said = |name: &str| more.said(name).or_else(|| call.query.said(name));
    let resolver = Arc::new(Resolver::new(
        &app.project,
        Request {
            access: a.access.clone(),
            variables: values,
            root: Root::Caller,
            pipeline: said("pipeline").map(str::to_owned),
            now: iso_seconds(now_micros(), ' '),
        },
    ));
    let rendered = resolver.render_text(&text)?;
    let sql = resolver.check(&rendered.sql)?;
    let mut settings = settings(app, call);
    if let Some(threads) = rendered.max_threads {
        settings.push(("max_threads".to_owned(), threads.to_string()));
    }
    let default_format = said("format").and_then(format_of).map(str::to_owned);
    let statement = Statement {
        sql,
        default_format,
        settings,
        resolver,
    };
    run_statement(app, call, statement, outlet)?;
    Ok(Answer::Written)
}

/// The database's name of a format that the API knows by its file ending.
pub(super) fn format_of(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "json" => "JSON",
        "csv" => "CSVWithNames",
        "ndjson" => "JSONEachRow",
        "parquet" => "Parquet",
        "prometheus" => "Prometheus",
        _ => return None,
    })
}
