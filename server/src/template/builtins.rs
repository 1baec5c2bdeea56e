//! The Python builtins a template may call.
//!
//! Invariant: each is bounded by fuel; none reaches outside the template.

use super::functions::Args;
use super::interpret::Machine;
use super::value::Value;
use super::{Result, TemplateError, operators, text};

const NAMES: &[&str] = &[
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "enumerate",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "max",
    "min",
    "range",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
    "zip",
];

/// The builtin of that name.
pub(super) fn lookup(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|n| **n == name).copied()
}

/// Whether a bare mention as an argument is more likely a parameter that was not given.
pub(super) fn shadowed(name: &str) -> bool {
    matches!(
        name,
        "type" | "set" | "range" | "max" | "min" | "sum" | "all" | "any" | "list"
    )
}

/// Calls the builtin `args.function`.
pub(super) fn call(machine: &mut Machine<'_>, args: Args<'_>) -> Result<Value> {
    let first = args.get(0, "x");
    Ok(match args.function {
        "len" => Value::Int(length(&first)?),
        "str" => Value::str(first.display()),
        "int" => int(&first)?,
        "float" => match &first {
            Value::Str(s) => Value::Float(text::parse_float(s).ok_or_else(|| bad("float", s))?),
            other => Value::Float(other.as_float().ok_or_else(|| argument("float", other))?),
        },
        "bool" => Value::Bool(first.truthy()),
        "list" | "set" => {
            let items = if args.positional.is_empty() {
                Vec::new()
            } else {
                machine.items(&first)?
            };
            Value::list(if args.function == "set" {
                distinct(machine, items)?
            } else {
                items
            })
        }
        "tuple" => Value::tuple(machine.items(&first)?),
        "dict" => {
            let mut dict = match first {
                Value::Dict(_) => first,
                _ => Value::dict(Vec::new()),
            };
            for (name, value) in &args.named {
                dict = operators::insert(dict, Value::str(name), value.clone())?;
            }
            dict
        }
        "range" => range(machine, &args)?,
        "enumerate" => {
            let start = args.get(1, "start").as_int().unwrap_or(0);
            let items = machine.items(&first)?.into_iter().enumerate();
            Value::list(
                items
                    .map(|(i, v)| Value::tuple(vec![Value::Int(start + i as i128), v]))
                    .collect(),
            )
        }
        "zip" => {
            let mut columns = Vec::new();
            for column in &args.positional {
                columns.push(machine.items(column)?.into_iter());
            }
            let rows = columns
                .iter()
                .map(ExactSizeIterator::len)
                .min()
                .unwrap_or(0);
            let row = |_| Value::tuple(columns.iter_mut().filter_map(Iterator::next).collect());
            Value::list((0..rows).map(row).collect())
        }
        "reversed" => {
            let mut items = machine.items(&first)?;
            items.reverse();
            Value::list(items)
        }
        "sorted" => {
            let mut items = machine.items(&first)?;
            items.sort_by(|a, b| operators::order(a, b).unwrap_or(std::cmp::Ordering::Equal));
            if args.get(1, "reverse").truthy() {
                items.reverse();
            }
            Value::list(items)
        }
        "any" => Value::Bool(machine.items(&first)?.iter().any(Value::truthy)),
        "all" => Value::Bool(machine.items(&first)?.iter().all(Value::truthy)),
        "sum" => {
            let mut total = Value::Int(0);
            for item in machine.items(&first)? {
                total = machine.binary(super::ast::Binary::Add, total, item)?;
            }
            total
        }
        "min" | "max" => extreme(machine, &args)?,
        "abs" => match first.as_int() {
            Some(n) => Value::Int(n.checked_abs().unwrap_or(n)),
            None => Value::Float(
                first
                    .as_float()
                    .ok_or_else(|| argument("abs", &first))?
                    .abs(),
            ),
        },
        "round" => round(&first, &args.get(1, "ndigits"))?,
        "type" => Value::str(first.type_name()),
        "isinstance" => {
            let matches = |ty: &Value| match ty {
                Value::Function(name) => {
                    *name == first.type_name()
                        || matches!((*name, &first), ("str", v) if v.as_text().is_some())
                        || matches!((*name, &first), ("int", v) if v.as_int().is_some())
                }
                _ => false,
            };
            Value::Bool(match args.get(1, "classinfo") {
                Value::Tuple(types) => types.iter().any(matches),
                ty => matches(&ty),
            })
        }
        other => {
            return Err(TemplateError::syntax(format!(
                "name '{other}' is not defined"
            )));
        }
    })
}

fn bad(ty: &str, text: &str) -> TemplateError {
    TemplateError::syntax(format!("could not convert string to {ty}: '{text}'"))
}

fn argument(function: &str, value: &Value) -> TemplateError {
    TemplateError::syntax(format!(
        "{function}() argument cannot be '{}'",
        value.type_name()
    ))
}

fn length(value: &Value) -> Result<i128> {
    Ok(match value {
        Value::Str(s) | Value::Sql(s) => s.chars().count(),
        Value::List(items) => items.len(),
        Value::Tuple(items) => items.len(),
        Value::Dict(pairs) => pairs.len(),
        Value::Placeholder => 3,
        other => {
            return Err(TemplateError::syntax(format!(
                "object of type '{}' has no len()",
                other.type_name()
            )));
        }
    } as i128)
}

fn int(value: &Value) -> Result<Value> {
    let n = match value {
        Value::Str(s) => s.trim().parse().map_err(|_| bad("int", s))?,
        Value::Float(n) | Value::TypedFloat { value: n, .. } if n.is_finite() => n.trunc() as i128,
        Value::Placeholder => 0,
        other => other.as_int().ok_or_else(|| argument("int", other))?,
    };
    Ok(Value::Int(n))
}

fn distinct(machine: &mut Machine<'_>, items: Vec<Value>) -> Result<Vec<Value>> {
    let mut out: Vec<Value> = Vec::new();
    for item in items {
        machine.pay(1 + out.len() / 4)?;
        if !out.iter().any(|o| operators::equal(o, &item)) {
            out.push(item);
        }
    }
    Ok(out)
}

fn range(machine: &mut Machine<'_>, args: &Args<'_>) -> Result<Value> {
    let mut bounds = Vec::new();
    for value in &args.positional {
        bounds.push(value.as_int().ok_or_else(|| argument("range", value))?);
    }
    let (start, stop, step) = match bounds[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        _ => return Err(TemplateError::syntax("range() expects 1 to 3 numbers")),
    };
    let mut out = Vec::new();
    let mut at = start;
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        machine.pay(1)?;
        out.push(Value::Int(at));
        at = at.saturating_add(step);
    }
    Ok(Value::list(out))
}

fn extreme(machine: &mut Machine<'_>, args: &Args<'_>) -> Result<Value> {
    let items = match &args.positional[..] {
        [one] => machine.items(one)?,
        many => many.to_vec(),
    };
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else {
        return Err(TemplateError::syntax(format!(
            "{}() arg is an empty sequence",
            args.function
        )));
    };
    for item in items {
        let order = operators::order(&item, &best).ok_or_else(|| {
            TemplateError::syntax(format!(
                "{}() cannot compare '{}' and '{}'",
                args.function,
                item.type_name(),
                best.type_name()
            ))
        })?;
        let better = if args.function == "min" {
            order.is_lt()
        } else {
            order.is_gt()
        };
        if better {
            best = item;
        }
    }
    Ok(best)
}

fn round(value: &Value, digits: &Value) -> Result<Value> {
    let n = value.as_float().ok_or_else(|| argument("round", value))?;
    match digits.as_int() {
        None if n.abs() < 1e30 => Ok(Value::Int(n.round_ties_even() as i128)),
        None => Err(argument("round", value)),
        Some(digits) => {
            let scale = 10f64.powi(digits.clamp(-300, 300) as i32);
            Ok(Value::Float((n * scale).round_ties_even() / scale))
        }
    }
}
