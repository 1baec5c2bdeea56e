//! Methods of strings, lists and dicts.
//!
//! Invariant: a method that changes its object gives the changed object back; the caller stores it.

use super::evaluate::no_attribute;
use super::interpret::Machine;
use super::value::Value;
use super::{Result, TemplateError, operators};

/// What a method returns, and the object afterwards if it changed.
pub(super) struct Outcome {
    pub(super) value: Value,
    pub(super) changed: Option<Value>,
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Outcome {
            value,
            changed: None,
        }
    }
}

fn changed(value: Value, object: Value) -> Outcome {
    Outcome {
        value,
        changed: Some(object),
    }
}

/// `base.method(args)`.
pub(super) fn call(
    machine: &mut Machine<'_>,
    base: Value,
    method: &str,
    args: &[Value],
) -> Result<Outcome> {
    match base {
        Value::Str(ref text) | Value::Sql(ref text) => {
            let text = text.clone();
            string(machine, &text, &base, method, args).map(Outcome::from)
        }
        Value::List(ref items) => {
            machine.pay(items.len() / 16)?;
            let items = items.to_vec();
            list(items, &base, method, args)
        }
        Value::Dict(ref pairs) => {
            let pairs = pairs.to_vec();
            dict(pairs, &base, method, args)
        }
        Value::Placeholder => Ok(match method {
            "split" => Value::list(vec![Value::Placeholder, Value::Placeholder]).into(),
            "startswith" | "endswith" => Value::Bool(false).into(),
            _ => Value::Placeholder.into(),
        }),
        other => Err(no_attribute(&other, method)),
    }
}

fn text_arg<'a>(args: &'a [Value], at: usize, method: &str) -> Result<&'a str> {
    args.get(at).and_then(Value::as_text).ok_or_else(|| {
        TemplateError::syntax(format!(
            "{method}() expects a string as argument {}",
            at + 1
        ))
    })
}

fn string(
    machine: &mut Machine<'_>,
    text: &str,
    base: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value> {
    let any_of = |test: &dyn Fn(&str) -> bool| -> Result<Value> {
        let hit = match args.first() {
            Some(Value::Tuple(options)) => options.iter().filter_map(Value::as_text).any(test),
            _ => test(text_arg(args, 0, method)?),
        };
        Ok(Value::Bool(hit))
    };
    let chars = |default: &'static str| -> Vec<char> {
        args.first()
            .and_then(Value::as_text)
            .unwrap_or(default)
            .chars()
            .collect()
    };
    const BLANK: &str = " \t\n\r\x0b\x0c";
    let out = match method {
        "split" => return split(machine, text, args),
        "splitlines" => Value::list(text.lines().map(Value::str).collect()),
        "join" => {
            let items = args.first().cloned().unwrap_or(Value::None);
            let mut parts = Vec::new();
            for item in machine.items(&items)? {
                match &item {
                    Value::Placeholder => parts.push("__no_value__".to_owned()),
                    item => match item.as_text() {
                        Some(text) => parts.push(text.to_owned()),
                        None => {
                            return Err(TemplateError::syntax(format!(
                                "sequence item {}: expected str instance, {} found",
                                parts.len(),
                                item.type_name()
                            )));
                        }
                    },
                }
            }
            let bytes = parts.iter().map(|p| p.len() + text.len()).sum();
            machine.bounded(bytes)?;
            Value::str(parts.join(text))
        }
        "replace" => {
            let (from, to) = (text_arg(args, 0, method)?, text_arg(args, 1, method)?);
            let count = text.matches(from).count();
            machine.bounded(text.len().saturating_add(count.saturating_mul(to.len())))?;
            match args.get(2).and_then(Value::as_int) {
                Some(n) if n >= 0 => {
                    Value::str(text.replacen(from, to, usize::try_from(n).unwrap_or(usize::MAX)))
                }
                _ => Value::str(text.replace(from, to)),
            }
        }
        "strip" => Value::str(text.trim_matches(&chars(BLANK)[..])),
        "lstrip" => Value::str(text.trim_start_matches(&chars(BLANK)[..])),
        "rstrip" => Value::str(text.trim_end_matches(&chars(BLANK)[..])),
        "lower" | "casefold" => Value::str(text.to_lowercase()),
        "upper" => Value::str(text.to_uppercase()),
        "capitalize" => {
            let mut rest = text.chars();
            let first = rest.next().map(|c| c.to_uppercase().to_string());
            let rest = rest.as_str().to_lowercase();
            Value::str(first.unwrap_or_default() + &rest)
        }
        "title" => Value::str(title(text)),
        "startswith" => return any_of(&|p| text.starts_with(p)),
        "endswith" => return any_of(&|p| text.ends_with(p)),
        "removeprefix" => {
            let prefix = text_arg(args, 0, method)?;
            Value::str(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let suffix = text_arg(args, 0, method)?;
            Value::str(text.strip_suffix(suffix).unwrap_or(text))
        }
        "count" => {
            let part = text_arg(args, 0, method)?;
            Value::Int(text.matches(part).count() as i128)
        }
        "find" | "rfind" | "index" => {
            let part = text_arg(args, 0, method)?;
            let at = if method == "rfind" {
                text.rfind(part)
            } else {
                text.find(part)
            };
            match at.and_then(|at| text.get(..at)) {
                Some(before) => Value::Int(before.chars().count() as i128),
                None if method == "index" => {
                    return Err(TemplateError::syntax("substring not found"));
                }
                None => Value::Int(-1),
            }
        }
        "isdigit" | "isnumeric" | "isdecimal" => {
            Value::Bool(!text.is_empty() && text.chars().all(char::is_numeric))
        }
        "isalpha" => Value::Bool(!text.is_empty() && text.chars().all(char::is_alphabetic)),
        "isalnum" => Value::Bool(!text.is_empty() && text.chars().all(char::is_alphanumeric)),
        "zfill" => {
            let width = args.first().and_then(Value::as_int).unwrap_or(0);
            let width = usize::try_from(width.max(0)).unwrap_or(usize::MAX);
            machine.bounded(width)?;
            Value::str(format!("{text:0>width$}"))
        }
        "format" => Value::str(format(text, args)?),
        _ => return Err(no_attribute(base, method)),
    };
    Ok(out)
}

fn split(machine: &mut Machine<'_>, text: &str, args: &[Value]) -> Result<Value> {
    machine.pay(text.len() / 16)?;
    let limit = match args.get(1).and_then(Value::as_int) {
        Some(n) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX).saturating_add(1),
        _ => usize::MAX,
    };
    let parts: Vec<Value> = match args.first() {
        None | Some(Value::None) => text.split_whitespace().map(Value::str).collect(),
        Some(_) => {
            let separator = text_arg(args, 0, "split")?;
            if separator.is_empty() {
                return Err(TemplateError::syntax("empty separator"));
            }
            text.splitn(limit, separator).map(Value::str).collect()
        }
    };
    Ok(Value::list(parts))
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

/// `'{} {0}'.format(…)` with plain places only.
fn format(text: &str, args: &[Value]) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let end = rest.find('}').filter(|_| brace == "{");
        let place = end.and_then(|end| rest.get(..end)).ok_or_else(|| {
            TemplateError::syntax("single '{' or '}' encountered in format string")
        })?;
        let at = if place.is_empty() {
            next += 1;
            next - 1
        } else {
            place.parse().map_err(|_| {
                TemplateError::syntax(format!("unsupported place {{{place}}} in format string"))
            })?
        };
        let value = args
            .get(at)
            .ok_or_else(|| TemplateError::syntax("not enough arguments for format string"))?;
        out.push_str(&value.display());
        rest = &rest[place.len() + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn list(mut items: Vec<Value>, base: &Value, method: &str, args: &[Value]) -> Result<Outcome> {
    let first = || args.first().cloned().unwrap_or(Value::None);
    let missing = || TemplateError::syntax("item is not in the list");
    let value = match method {
        "append" => {
            items.push(first());
            Value::None
        }
        "extend" => {
            match first() {
                Value::List(more) => items.extend(more.iter().cloned()),
                Value::Tuple(more) => items.extend(more.iter().cloned()),
                other => {
                    return Err(TemplateError::syntax(format!(
                        "'{}' object is not iterable",
                        other.type_name()
                    )));
                }
            }
            Value::None
        }
        "insert" => {
            let len = items.len() as i128;
            let at = first().as_int().unwrap_or(0);
            let at = if at < 0 { at + len } else { at }.clamp(0, len);
            let value = args.get(1).cloned().unwrap_or(Value::None);
            items.insert(usize::try_from(at).unwrap_or(0), value);
            Value::None
        }
        "pop" => {
            let at = args.first().and_then(Value::as_int).unwrap_or(-1);
            let at = if at < 0 { at + items.len() as i128 } else { at };
            match usize::try_from(at) {
                Ok(at) if at < items.len() => items.remove(at),
                _ => return Err(TemplateError::syntax("pop index out of range")),
            }
        }
        "remove" => {
            let at = items.iter().position(|i| operators::equal(i, &first()));
            items.remove(at.ok_or_else(missing)?);
            Value::None
        }
        "reverse" => {
            items.reverse();
            Value::None
        }
        "sort" => {
            items.sort_by(|a, b| operators::order(a, b).unwrap_or(std::cmp::Ordering::Equal));
            Value::None
        }
        "index" => {
            let at = items.iter().position(|i| operators::equal(i, &first()));
            return Ok(Value::Int(at.ok_or_else(missing)? as i128).into());
        }
        "count" => {
            let n = items
                .iter()
                .filter(|i| operators::equal(i, &first()))
                .count();
            return Ok(Value::Int(n as i128).into());
        }
        "copy" => return Ok(base.clone().into()),
        _ => return Err(no_attribute(base, method)),
    };
    Ok(changed(value, Value::list(items)))
}

fn dict(
    mut pairs: Vec<(Value, Value)>,
    base: &Value,
    method: &str,
    args: &[Value],
) -> Result<Outcome> {
    let key = || args.first().cloned().unwrap_or(Value::None);
    let default = || args.get(1).cloned();
    let place = |pairs: &[(Value, Value)]| {
        let key = key();
        pairs.iter().position(|(k, _)| operators::equal(k, &key))
    };
    let value = match method {
        "get" => {
            let found = place(&pairs).map(|at| pairs.swap_remove(at).1);
            return Ok(found.or_else(default).unwrap_or(Value::None).into());
        }
        "keys" => return Ok(Value::list(pairs.into_iter().map(|(k, _)| k).collect()).into()),
        "values" => return Ok(Value::list(pairs.into_iter().map(|(_, v)| v).collect()).into()),
        "items" => {
            let items = pairs.into_iter().map(|(k, v)| Value::tuple(vec![k, v]));
            return Ok(Value::list(items.collect()).into());
        }
        "copy" => return Ok(base.clone().into()),
        "pop" => match (place(&pairs), default()) {
            (Some(at), _) => pairs.remove(at).1,
            (None, Some(default)) => default,
            (None, None) => return Err(TemplateError::syntax(key().repr())),
        },
        "setdefault" => match place(&pairs).and_then(|at| pairs.get(at)) {
            Some((_, v)) => v.clone(),
            None => {
                let value = default().unwrap_or(Value::None);
                pairs.push((key(), value.clone()));
                value
            }
        },
        "update" => {
            let mut dict = Value::dict(pairs);
            if let Value::Dict(more) = key() {
                for (k, v) in more.iter() {
                    dict = operators::insert(dict, k.clone(), v.clone())?;
                }
            }
            return Ok(changed(Value::None, dict));
        }
        _ => return Err(no_attribute(base, method)),
    };
    Ok(changed(value, Value::dict(pairs)))
}
