//! Typed parameters: `Int32(x, default, …)`, `Array(x, 'Int32')`, `DateTime(x)` and so on.
//!
//! Invariant: what a type function returns satisfies the type's test.

use super::functions::Args;
use super::interpret::Machine;
use super::parameters::Parameter;
use super::value::Value;
use super::{Result, TemplateError, Variables, text};

/// What is said when a parameter without default is not given.
pub(super) const REQUIRED: &str = "Required parameter is not defined";

/// Every type function; `Array` takes all but itself and `JSON` as its second argument.
const TYPES: &[&str] = &[
    "String",
    "Boolean",
    "bool",
    "DateTime64",
    "DateTime",
    "Date",
    "Float32",
    "Float64",
    "Int",
    "Integer",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Array",
    "JSON",
];

/// The type function of that name.
pub(super) fn lookup(name: &str) -> Option<&'static str> {
    TYPES.iter().find(|t| **t == name).copied()
}

/// Calls a type function.
pub(super) fn call(machine: &mut Machine<'_>, args: &Args<'_>) -> Result<Value> {
    let value = args.get(0, "x");
    match args.function {
        "Boolean" | "bool" => Ok(Value::Int(boolean(&value, &args.get(1, "default")).into())),
        "JSON" => json(&value, &args.get(1, "default")),
        "Array" => array(machine, args, value),
        ty => {
            let default = args.get(1, "default");
            let value = match value {
                Value::Placeholder if default.truthy() => default,
                Value::Placeholder => placeholder(ty),
                Value::None if !matches!(default, Value::None) => default,
                Value::None => return absent(args),
                value => value,
            };
            // A default may itself be a parameter that was not given.
            match value {
                Value::None => absent(args),
                Value::Placeholder => convert(ty, &placeholder(ty), true),
                value => convert(ty, &value, true),
            }
        }
    }
}

fn absent(args: &Args<'_>) -> Result<Value> {
    let must = args.given(2, "defined").is_none_or(|d| d.truthy());
    if must || args.function == "Array" && args.given(3, "defined").is_none_or(|d| d.truthy()) {
        let mut e = TemplateError::syntax(REQUIRED);
        e.required = true;
        return Err(e);
    }
    Ok(Value::None)
}

/// What stands for a missing value while a template is being checked.
fn placeholder(ty: &str) -> Value {
    match ty {
        "String" => Value::str("__no_value__"),
        "DateTime64" => Value::str("2019-01-01 00:00:00.000"),
        "DateTime" => Value::str("2019-01-01 00:00:00"),
        "Date" => Value::str("2019-01-01"),
        "Float32" | "Float64" => Value::Float(0.0),
        _ => Value::Int(0),
    }
}

/// `value` as `ty`. With `cast`, numbers carry their type into the SQL.
fn convert(ty: &'static str, value: &Value, cast: bool) -> Result<Value> {
    let shown = value.display();
    let bad =
        || TemplateError::syntax(format!("Error validating '{shown}' to type {}", tested(ty)));
    match ty {
        "String" => Ok(Value::str(shown)),
        "DateTime64" | "DateTime" | "Date" => {
            if is_date(ty, &shown) {
                Ok(Value::str(shown))
            } else {
                Err(bad())
            }
        }
        "Float32" | "Float64" => {
            let number = text::parse_float(&shown).ok_or_else(bad)?;
            Ok(if cast {
                Value::TypedFloat { value: number, ty }
            } else {
                Value::Float(number)
            })
        }
        _ => {
            let digits = integer(tested(ty), &shown).ok_or_else(bad)?;
            if cast && !matches!(ty, "Int" | "Integer") {
                return Ok(Value::TypedInt {
                    digits: digits.into(),
                    ty,
                });
            }
            Ok(match digits.parse() {
                Ok(n) => Value::Int(n),
                // 256 bits: only digits and a sign.
                Err(_) => Value::sql(digits),
            })
        }
    }
}

/// The type a function's argument is tested as.
fn tested(ty: &str) -> &str {
    match ty {
        "Int" | "Integer" => "Int32",
        ty => ty,
    }
}

/// Plain decimal digits of `text`, if it is an integer of the type's range.
fn integer(ty: &str, text: &str) -> Option<String> {
    let (signed, bits) = match ty.strip_prefix('U') {
        Some(rest) => (false, rest.strip_prefix("Int")?),
        None => (true, ty.strip_prefix("Int")?),
    };
    let sign = text.starts_with(['+', '-']);
    if sign && !signed && !matches!(bits, "128" | "256") {
        return None;
    }
    let digits = if sign { &text[1..] } else { text };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let negative = text.starts_with('-') && digits != "0";
    let limit = limit(signed, bits, negative)?;
    let fits = digits.len() < limit.len() || (digits.len() == limit.len() && digits <= limit);
    if !fits {
        return None;
    }
    Some(if negative {
        format!("-{digits}")
    } else {
        digits.to_owned()
    })
}

/// The largest magnitude of the type on that side of zero.
fn limit(signed: bool, bits: &str, negative: bool) -> Option<&'static str> {
    Some(match (signed, bits, negative) {
        (false, _, true) => "0",
        (true, "8", false) => "127",
        (true, "8", true) => "128",
        (true, "16", false) => "32767",
        (true, "16", true) => "32768",
        (true, "32", false) => "2147483647",
        (true, "32", true) => "2147483648",
        (true, "64", false) => "9223372036854775807",
        (true, "64", true) => "9223372036854775808",
        (true, "128", false) => "170141183460469231731687303715884105727",
        (true, "128", true) => "170141183460469231731687303715884105728",
        (true, "256", false) => {
            "57896044618658097711785492504343953926634992332820282019728792003956564819967"
        }
        (true, "256", true) => {
            "57896044618658097711785492504343953926634992332820282019728792003956564819968"
        }
        (false, "8", _) => "255",
        (false, "16", _) => "65535",
        (false, "32", _) => "4294967295",
        (false, "64", _) => "18446744073709551615",
        (false, "128", _) => "340282366920938463463374607431768211455",
        (false, "256", _) => {
            "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        }
        _ => return None,
    })
}

/// Whether `text` starts (a Date: is) as the client's patterns want it.
fn is_date(ty: &str, text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    match ty {
        "Date" => fits("dddd-dd-dd", &chars) == Some(chars.len()),
        "DateTime" => {
            fits("dddd.dd.ddTdd:dd:dd", &chars).is_some()
                || fits("dd.dd.dddd.n:n:n", &chars).is_some()
        }
        _ => {
            fits("dddd.dd.ddTdd:dd:dd.ddd", &chars).is_some()
                || fits("dd.dd.dddd.n:n:n.m", &chars).is_some()
        }
    }
}

/// How many characters of `text` the pattern takes: `d` a digit, `.` anything, `T` T or a blank, `n`
/// one or two digits, `m` one to three.
fn fits(pattern: &str, text: &[char]) -> Option<usize> {
    let mut at = 0;
    for p in pattern.chars() {
        let c = *text.get(at)?;
        let ok = match p {
            'd' | 'n' | 'm' => c.is_ascii_digit(),
            '.' => c != '\n',
            'T' => c == 'T' || c.is_whitespace(),
            other => c == other,
        };
        if !ok {
            return None;
        }
        at += 1;
        let more = match p {
            'n' => 1,
            'm' => 2,
            _ => 0,
        };
        for _ in 0..more {
            at += usize::from(text.get(at).is_some_and(char::is_ascii_digit));
        }
    }
    Some(at)
}

fn boolean(value: &Value, default: &Value) -> bool {
    match value {
        Value::None | Value::Placeholder => match default {
            Value::None | Value::Placeholder => false,
            default => boolean(default, &Value::None),
        },
        Value::Str(s) => &**s != "0" && !s.eq_ignore_ascii_case("false") && !s.is_empty(),
        other => other.truthy(),
    }
}

fn json(value: &Value, default: &Value) -> Result<Value> {
    let value = match value {
        Value::Placeholder if default.truthy() => default.clone(),
        Value::Placeholder => Value::str("__no_value__"),
        Value::None if matches!(default, Value::Str(_)) => default.clone(),
        Value::None => Value::str("{}"),
        other => other.clone(),
    };
    let Some(text) = value.as_text() else {
        return Ok(value);
    };
    match serde_json::from_str(text) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(e) => {
            let short: String = text.chars().take(16).collect();
            let dots = if short.len() < text.len() { "..." } else { "" };
            Err(TemplateError::syntax(format!(
                "Error parsing JSON: '{short}{dots}' - {e}"
            )))
        }
    }
}

fn array(machine: &mut Machine<'_>, args: &Args<'_>, value: Value) -> Result<Value> {
    let ty = args.get(1, "_type");
    let ty = ty.as_text().unwrap_or_default().to_owned();
    let default = args.get(2, "default");
    let value = match value {
        Value::Placeholder if default.truthy() => default,
        Value::Placeholder => match element_type(&ty) {
            Some("String") | None => Value::str(""),
            Some("Boolean" | "bool") => Value::str("0,0"),
            Some(ty) => {
                let one = placeholder(ty).display();
                Value::str(format!("{one},{one}"))
            }
        },
        Value::None if !matches!(default, Value::None) => default,
        value => value,
    };
    if matches!(value, Value::None) {
        return absent_array(args);
    }
    let items = match &value {
        Value::Str(text) | Value::Sql(text) => {
            machine.pay(text.len() / 16)?;
            text.split(',').map(Value::str).collect()
        }
        Value::List(items) => items.to_vec(),
        Value::Tuple(items) => items.to_vec(),
        _ => {
            return Err(TemplateError::syntax(
                "transform type function Array is not well defined",
            ));
        }
    };
    machine.pay(items.len())?;
    let mut out = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        out.push(element(&ty, item).map_err(|e| match e {
            Some(e) => e,
            None => {
                let shown = match item.display() {
                    empty if empty.is_empty() => "empty string".to_owned(),
                    shown => shown,
                };
                TemplateError::syntax(format!(
                    "Error validating [{}][{at}] ({shown}) to type {ty}",
                    value.display()
                ))
            }
        })?);
    }
    Ok(Value::sql(format!("[{}]", out.join(","))))
}

fn absent_array(args: &Args<'_>) -> Result<Value> {
    if args.given(3, "defined").is_none_or(|d| d.truthy()) {
        let mut e = TemplateError::syntax(REQUIRED);
        e.required = true;
        return Err(e);
    }
    Ok(Value::None)
}

fn element_type(ty: &str) -> Option<&'static str> {
    lookup(ty).filter(|ty| !matches!(*ty, "Array" | "JSON"))
}

/// The SQL of one element; `Err(None)` when it is not of the type.
fn element(ty: &str, item: &Value) -> Result<String, Option<TemplateError>> {
    if matches!(item, Value::None) {
        let mut e = TemplateError::syntax(REQUIRED);
        e.required = true;
        return Err(Some(e));
    }
    match element_type(ty) {
        Some("Boolean" | "bool") => Ok(i32::from(boolean(item, &Value::None)).to_string()),
        Some("String") => Ok(text::quoted(&item.display())),
        Some(ty) => match convert(ty, item, false).map_err(|_| None)? {
            Value::Str(s) => Ok(text::quoted(&s)),
            number => Ok(number.display()),
        },
        None if matches!(ty, "Symbol" | "Column") => {
            Ok(format!("`{}`", text::escape_identifier(&item.display())))
        }
        None => Ok(match item {
            Value::Str(s) => text::quoted(s),
            other => other.display(),
        }),
    }
}

/// Splits the request's values whose parameter is first mentioned as an `Array`.
pub(super) fn preprocess(variables: &Variables, parameters: &[Parameter]) -> Variables {
    let mut out = Variables::new();
    for (name, value) in variables {
        let first = parameters.iter().find(|p| p.name == *name);
        let Some(ty) = first
            .and_then(|p| p.ty.strip_prefix("Array("))
            .and_then(|t| t.strip_suffix(')'))
        else {
            continue;
        };
        let items: Vec<serde_json::Value> = match value {
            serde_json::Value::String(text) => text.split(',').map(Into::into).collect(),
            serde_json::Value::Array(items) => items.clone(),
            _ => continue,
        };
        let typed: Option<Vec<_>> = items.iter().map(|item| element_json(ty, item)).collect();
        if let Some(typed) = typed {
            out.insert(name.clone(), typed.into());
        }
    }
    out
}

/// One element of a split parameter, as a value of its type; `None` when it is not of the type.
fn element_json(ty: &str, item: &serde_json::Value) -> Option<serde_json::Value> {
    let value = Value::from_json(item);
    if matches!(value, Value::None) {
        return None;
    }
    match element_type(ty) {
        Some("Boolean" | "bool") => Some(i32::from(boolean(&value, &Value::None)).into()),
        Some("String") => Some(value.display().into()),
        Some(ty) => match convert(ty, &value, false).ok()? {
            Value::Int(n) => i64::try_from(n)
                .map(Into::into)
                .or_else(|_| u64::try_from(n).map(Into::into))
                .ok(),
            // JSON has no infinity; the text it came as will do.
            Value::Float(n) => n.is_finite().then(|| n.into()),
            Value::Str(s) => Some((&*s).into()),
            _ => None,
        },
        None => Some(item.clone()),
    }
}
