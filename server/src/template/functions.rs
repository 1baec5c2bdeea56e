//! The functions of the template language other than the typed parameters.
//!
//! Invariant: whatever becomes [`Value::Sql`] here is escaped, checked, or on one comment line.

use super::interpret::Machine;
use super::value::Value;
use super::{Result, TemplateError, dates, text, typed};

const NAMES: &[&str] = &[
    "columns",
    "table",
    "TABLE",
    "error",
    "custom_error",
    "sql_and",
    "defined",
    "column",
    "symbol",
    "Symbol",
    "Column",
    "enumerate_with_last",
    "split_to_array",
    "day_diff",
    "date_diff_in_days",
    "date_diff_in_hours",
    "date_diff_in_minutes",
    "date_diff_in_seconds",
    "sql_unescape",
    "max_threads",
    "tb_secret",
    "tb_var",
    "backend_hint",
    "cache_ttl",
    "activate",
    "disable",
];

/// The function of that name, typed parameters included.
pub(super) fn lookup(name: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|n| **n == name)
        .copied()
        .or_else(|| typed::lookup(name))
}

/// The arguments of a call.
pub(super) struct Args<'a> {
    pub(super) function: &'static str,
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(&'a str, Value)>,
}

impl Args<'_> {
    /// The argument at place `at`, or called `name`, or null.
    pub(super) fn get(&self, at: usize, name: &str) -> Value {
        self.given(at, name).unwrap_or(Value::None)
    }

    /// The argument at place `at`, or called `name`.
    pub(super) fn given(&self, at: usize, name: &str) -> Option<Value> {
        let by_name = || self.named.iter().find(|(n, _)| *n == name);
        self.positional
            .get(at)
            .or_else(|| by_name().map(|(_, v)| v))
            .cloned()
    }
}

/// Calls `args.function`.
pub(super) fn call(machine: &mut Machine<'_>, args: Args<'_>) -> Result<Value> {
    if typed::lookup(args.function).is_some() {
        return typed::call(machine, &args);
    }
    let first = args.get(0, "x");
    match args.function {
        "defined" => Ok(Value::Bool(!first.is_absent())),
        "error" | "custom_error" if machine.checking() => Ok(Value::Comment),
        "error" => Err(TemplateError::new(first.display())),
        "custom_error" => {
            let status = args.get(1, "code").as_int().unwrap_or(400);
            let mut e = TemplateError::new(match &first {
                Value::Dict(_) => json(&first).to_string(),
                other => other.display(),
            });
            e.status = u16::try_from(status)
                .ok()
                .filter(|s| (400..600).contains(s))
                .unwrap_or(400);
            Err(e)
        }
        "column" => column(&first, &args.get(1, "default")).map(Value::sql),
        "columns" => columns(&args),
        "symbol" | "Symbol" | "Column" => symbol(&first, &args.get(1, "quote")),
        "table" | "TABLE" => table(&first),
        "sql_and" => sql_and(&args),
        "sql_unescape" => sql_unescape(&args),
        "split_to_array" => split_to_array(machine, &args),
        "enumerate_with_last" => {
            let items = machine.items(&first)?;
            let last = items.len();
            let pair = |(i, v)| Value::tuple(vec![Value::Bool(i + 1 == last), v]);
            Ok(Value::list(
                items.into_iter().enumerate().map(pair).collect(),
            ))
        }
        "tb_secret" | "tb_var" => secret(machine, &first, &args.get(1, "default")),
        "max_threads" => {
            let threads = match &first {
                Value::Str(s) => s.trim().parse().ok(),
                other => other.as_int(),
            };
            let shown = text::one_line(&first.display());
            Ok(Value::sql(match threads.and_then(|n| n.try_into().ok()) {
                Some(n) => {
                    machine.out.max_threads = Some(n);
                    format!("-- max_threads {shown}\n")
                }
                None => format!("-- max_threads: wrong argument {shown}\n"),
            }))
        }
        "backend_hint" | "cache_ttl" | "activate" | "disable" => hint(machine, &args, &first),
        _ => dates::call(&args),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::None => serde_json::Value::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(n) => i64::try_from(*n).map_or_else(|_| n.to_string().into(), Into::into),
        Value::Float(n) => (*n).into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Dict(pairs) => {
            let pairs = pairs.iter().map(|(k, v)| (k.display(), json(v)));
            serde_json::Value::Object(pairs.collect())
        }
        other => other.display().into(),
    }
}

/// `` `a`.`b` ``.
fn column(value: &Value, default: &Value) -> Result<String> {
    let name = if value.is_absent() { default } else { value };
    if name.is_absent() {
        return Err(TemplateError::syntax(
            "Missing column() default value, use `column(column_name, 'default_column_name')`",
        ));
    }
    let parts: Vec<String> = name
        .display()
        .split('.')
        .map(|part| format!("`{}`", text::escape_identifier(part)))
        .collect();
    Ok(parts.join("."))
}

fn columns(args: &Args<'_>) -> Result<Value> {
    let (value, default) = (args.get(0, "x"), args.get(1, "default"));
    let names = if value.is_absent() { default } else { value };
    if names.is_absent() {
        return Err(TemplateError::syntax(
            "Missing columns() default value, use `columns(column_names, 'default_column_name')`",
        ));
    }
    let Some(names) = names.as_text() else {
        return Err(TemplateError::syntax(
            "The 'columns' function expects a String not an Array",
        ));
    };
    let function = match args.get(2, "fn") {
        Value::None => None,
        name => Some(identifier(&name.display(), "a function name")?),
    };
    let mut out = Vec::new();
    for name in names.split(',').map(str::trim) {
        let column = column(&Value::str(name), &Value::None)?;
        out.push(match &function {
            // The alias is quoted when it would not be read as one word.
            Some(function) => {
                let alias = identifier(name, "").unwrap_or_else(|_| column.clone());
                format!("{function}({column}) as {alias}")
            }
            None => column,
        });
    }
    Ok(Value::sql(out.join(",")))
}

/// `name`, if it is one word of letters, digits and underscores.
fn identifier(name: &str, what: &str) -> Result<String> {
    let word = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    if word {
        Ok(name.to_owned())
    } else {
        Err(TemplateError::syntax(format!("'{name}' is not {what}")))
    }
}

fn symbol(value: &Value, quote: &Value) -> Result<Value> {
    if matches!(value, Value::Placeholder) {
        return Ok(Value::sql("`placeholder`"));
    }
    let Some(name) = value.as_text() else {
        return Err(TemplateError::syntax(format!(
            "symbol() expects a String, not '{}'",
            value.type_name()
        )));
    };
    let quote = match quote.as_text() {
        Some("\"") => "\"",
        _ => "`",
    };
    Ok(Value::sql(format!(
        "{quote}{}{quote}",
        text::escape_identifier(name)
    )))
}

/// A table's name, unquoted; so it may only have the letters of names.
fn table(value: &Value) -> Result<Value> {
    if matches!(value, Value::Placeholder) {
        return Ok(Value::sql("placeholder"));
    }
    let Some(name) = value.as_text() else {
        return Err(TemplateError::syntax(format!(
            "table() expects a String, not '{}'",
            value.type_name()
        )));
    };
    let name = text::escape_identifier(name);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(plain) || name.contains("--") {
        return Err(TemplateError::syntax(format!(
            "'{name}' is not the name of a table"
        )));
    }
    Ok(Value::sql(name))
}

fn sql_and(args: &Args<'_>) -> Result<Value> {
    let mut parts = Vec::new();
    for (key, value) in &args.named {
        if matches!(value, Value::None) {
            continue;
        }
        let (name, operator) = match key.rsplit_once("__") {
            None => (*key, "="),
            Some((name, operand)) => {
                let operator = match operand {
                    "in" => "in",
                    "not_in" => "not in",
                    "gt" => ">",
                    "lt" => "<",
                    "gte" => ">=",
                    "lte" => "<=",
                    other => {
                        return Err(TemplateError::syntax(format!(
                            "operand {other} not supported"
                        )));
                    }
                };
                (name, operator)
            }
        };
        let sql = match value {
            Value::Str(s) => text::quoted(s),
            Value::Placeholder => "'__no_value__'".to_owned(),
            other => other.display(),
        };
        parts.push(format!("{name} {operator} {sql}"));
    }
    Ok(Value::sql(parts.join(" and ")))
}

/// A literal in which `what` keeps no backslash; quotes and backslashes always keep theirs.
fn sql_unescape(args: &Args<'_>) -> Result<Value> {
    let value = args.get(0, "x");
    let what = args.get(1, "what");
    let what = what.as_text().unwrap_or("");
    let escaped = text::escape_literal(&value.display());
    let mut out = String::with_capacity(escaped.len() + 2);
    out.push('\'');
    let mut rest = escaped.as_str();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let c = after.chars().next().unwrap_or('\\');
        let keep = match what {
            "" => matches!(c, '\'' | '\\' | '0' | 'r' | 'n' | 't' | 'b' | 'z'),
            what => matches!(c, '\'' | '\\') || !after.starts_with(what),
        };
        if keep {
            out.push('\\');
        }
        out.push(c);
        rest = after.get(c.len_utf8()..).unwrap_or("");
    }
    out.push_str(rest);
    out.push('\'');
    Ok(Value::sql(out))
}

fn split_to_array(machine: &mut Machine<'_>, args: &Args<'_>) -> Result<Value> {
    let value = args.get(0, "x");
    let value = if value.is_absent() {
        args.given(1, "default").unwrap_or_else(|| Value::str(""))
    } else {
        value
    };
    let separator = args.get(2, "separator");
    let separator = separator.as_text().unwrap_or(",");
    match &value {
        Value::Str(text) | Value::Sql(text) if !separator.is_empty() => {
            machine.pay(text.len() / 16)?;
            let parts = text.split(separator).map(|s| Value::str(s.trim()));
            Ok(Value::list(parts.collect()))
        }
        // A JSON body, or a parameter that was split already.
        Value::List(_) => Ok(value),
        _ => Err(TemplateError::syntax(
            "First argument of split_to_array has to be a value that can be split to a list of \
             elements, but found a PlaceHolder with no value instead",
        )),
    }
}

fn secret(machine: &mut Machine<'_>, name: &Value, default: &Value) -> Result<Value> {
    let name = name.as_text().unwrap_or_default().to_owned();
    let known = machine.inputs.secrets.contains(&name);
    if known || (machine.checking() && matches!(default, Value::None)) {
        if known && !machine.out.secrets.contains(&name) {
            machine.out.secrets.push(name.clone());
        }
        let name = identifier(&name, "the name of a secret")?;
        return Ok(Value::sql(format!("{{{name}: String}}")));
    }
    if !matches!(default, Value::None) {
        return Ok(default.clone());
    }
    Err(TemplateError::syntax(format!(
        "Cannot access secret '{name}'. Check the secret exists in the Workspace and the token has \
         the required scope."
    )))
}

fn hint(machine: &mut Machine<'_>, args: &Args<'_>, value: &Value) -> Result<Value> {
    let shown = text::one_line(&value.display());
    let bad = |message: String| Err(TemplateError::syntax(message));
    match args.function {
        "cache_ttl" if !["5s", "1m", "5m", "30m", "1h"].contains(&shown.as_str()) => {
            return bad(
                "Invalid TTL cache expression, valid expressions are ('5s', '1m', '5m', '30m', \
                 '1h')"
                    .to_owned(),
            );
        }
        "activate" if !["analyzer", "parallel_replicas"].contains(&shown.as_str()) => {
            return bad(format!("'{shown}' is not a valid 'activate' argument"));
        }
        "disable" if !"analyzer".contains(&shown) => {
            return bad(format!("'{shown}' is not a valid 'disable' argument"));
        }
        _ => {}
    }
    if !matches!(value, Value::None | Value::Bool(false)) {
        let hints = &mut machine.out.hints;
        hints.insert(args.function.to_owned(), shown.clone());
    }
    Ok(Value::sql(format!("-- {} {shown}\n", args.function)))
}
