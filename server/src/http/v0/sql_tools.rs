//! `/v0/sql_tables`, `/v0/sql_replace`, `/v0/sql_format`: the client's SQL parser.
//!
//! Invariant: texts are parsed, never run.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::http::call::Call;
use crate::http::reply::{Failure, Handled, Reply};
use crate::project::{replace_tables, tables_of};

fn text(call: &Call) -> Handled<String> {
    let form = call.form();
    let q = form
        .get("q")
        .map(str::to_owned)
        .filter(|q| !q.trim().is_empty());
    let q = q.ok_or_else(|| Failure::bad("The parameter 'q' with the SQL is missing"))?;
    // A template that the client did not render.
    Ok(q.trim_start()
        .strip_prefix('%')
        .map_or(q.clone(), str::to_owned))
}

/// Every table a query reads.
pub(super) fn tables(call: &Call) -> Handled {
    let raising = call.form().get("raising") != Some("false");
    let tables = match tables_of(&text(call)?) {
        Ok(tables) => tables,
        Err(_) if !raising => Vec::new(),
        Err(e) => return Err(Failure::bad(e)),
    };
    let tables: Vec<Json> = tables
        .into_iter()
        .map(|t| json!([t.database.unwrap_or_default(), t.name, ""]))
        .collect();
    Ok(Reply::json(&json!({ "tables": tables })))
}

/// The query with other tables.
pub(super) fn replace(call: &Call) -> Handled {
    let form = call.form();
    let replacements = form.said("replacements").unwrap_or("{}");
    let replacements: BTreeMap<String, String> = serde_json::from_str(replacements)
        .map_err(|e| Failure::bad(format!("'replacements' is not a JSON object of texts: {e}")))?;
    let query = replace_tables(&text(call)?, &replacements).map_err(Failure::bad)?;
    Ok(Reply::json(&json!({ "query": query })))
}

/// The query as the database writes it.
pub(super) fn format(call: &Call) -> Handled {
    let query = roost::parse::parse_query(&text(call)?).map_err(Failure::bad)?;
    Ok(Reply::json(&json!({ "q": query.to_string() })))
}
