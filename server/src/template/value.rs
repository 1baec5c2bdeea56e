//! Values of the template language, and what kind of SQL each may become.
//!
//! Invariant: only [`Value::Sql`] is written to SQL as it is, and only functions of this module's
//! neighbours make one, from parts that are escaped or checked. Lists and dicts are values, not
//! shared objects: there are no cycles.

use std::rc::Rc;

use super::text;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Text from the request or the template: becomes a quoted literal.
    Str(Rc<str>),
    /// A checked number: `digits` in decimal, cast to `ty` when written.
    TypedInt {
        digits: Rc<str>,
        ty: &'static str,
    },
    TypedFloat {
        value: f64,
        ty: &'static str,
    },
    /// A piece of SQL made of escaped parts.
    Sql(Rc<str>),
    List(Rc<Vec<Value>>),
    Tuple(Rc<Vec<Value>>),
    Dict(Rc<Vec<(Value, Value)>>),
    /// A parameter without a value, while a template is being checked.
    Placeholder,
    /// What `error()` gives while a template is being checked.
    Comment,
    Function(&'static str),
}

impl Value {
    pub(super) fn str(text: impl AsRef<str>) -> Value {
        Value::Str(text.as_ref().into())
    }

    pub(super) fn sql(text: impl AsRef<str>) -> Value {
        Value::Sql(text.as_ref().into())
    }

    pub(super) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    pub(super) fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(Rc::new(items))
    }

    pub(super) fn dict(pairs: Vec<(Value, Value)>) -> Value {
        Value::Dict(Rc::new(pairs))
    }

    /// A value of a request.
    pub(super) fn from_json(json: &serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::None,
            Json::Bool(b) => Value::Bool(*b),
            Json::Number(n) => {
                if let Some(n) = n.as_i64() {
                    Value::Int(n.into())
                } else if let Some(n) = n.as_u64() {
                    Value::Int(n.into())
                } else {
                    Value::Float(n.as_f64().unwrap_or(f64::NAN))
                }
            }
            Json::String(s) => Value::str(s),
            Json::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            Json::Object(map) => Value::dict(
                map.iter()
                    .map(|(k, v)| (Value::str(k), Value::from_json(v)))
                    .collect(),
            ),
        }
    }

    /// How deep lists and dicts nest in it; stops counting at `limit`.
    pub(super) fn depth(&self, limit: usize) -> usize {
        let deepest = |items: &mut dyn Iterator<Item = &Value>| {
            if limit == 0 {
                return 0;
            }
            1 + items.map(|v| v.depth(limit - 1)).max().unwrap_or(0)
        };
        match self {
            Value::List(items) => deepest(&mut items.iter()),
            Value::Tuple(items) => deepest(&mut items.iter()),
            Value::Dict(pairs) => deepest(&mut pairs.iter().flat_map(|(k, v)| [k, v])),
            _ => 0,
        }
    }

    /// Python's truth.
    pub(super) fn truthy(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(b) => *b,
            Value::Int(n) => *n != 0,
            Value::Float(n) | Value::TypedFloat { value: n, .. } => *n != 0.0,
            Value::TypedInt { digits, .. } => &**digits != "0",
            Value::Str(s) | Value::Sql(s) => !s.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Tuple(items) => !items.is_empty(),
            Value::Dict(pairs) => !pairs.is_empty(),
            Value::Placeholder | Value::Comment | Value::Function(_) => true,
        }
    }

    /// No value was given.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Value::None | Value::Placeholder)
    }

    /// Python's name of the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(_) => "str",
            Value::TypedInt { .. } => "Integer",
            Value::TypedFloat { .. } => "Float",
            Value::Sql(_) => "Expression",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Placeholder => "Placeholder",
            Value::Comment => "Comment",
            Value::Function(_) => "function",
        }
    }

    /// The number in it, if it is a number that fits.
    pub(super) fn as_int(&self) -> Option<i128> {
        match self {
            Value::Bool(b) => Some((*b).into()),
            Value::Int(n) => Some(*n),
            Value::TypedInt { digits, .. } => digits.parse().ok(),
            _ => None,
        }
    }

    /// The number in it as a float.
    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(n) | Value::TypedFloat { value: n, .. } => Some(*n),
            Value::TypedInt { digits, .. } => digits.parse().ok(),
            other => other.as_int().map(|n| n as f64),
        }
    }

    /// The text in it, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Str(s) | Value::Sql(s) => Some(s),
            _ => None,
        }
    }

    /// Python's `str()`.
    pub(super) fn display(&self) -> String {
        match self {
            Value::Str(s) | Value::Sql(s) => s.to_string(),
            Value::TypedInt { digits, ty } => format!("to{ty}('{digits}')"),
            Value::TypedFloat { value, ty } => format!("to{ty}('{}')", text::float(*value)),
            Value::Placeholder => "__no_value__".to_owned(),
            Value::Comment => "error launched".to_owned(),
            other => other.repr(),
        }
    }

    /// Python's `repr()`, with strings quoted so that ClickHouse reads them as literals too.
    pub(super) fn repr(&self) -> String {
        match self {
            Value::None => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(n) => n.to_string(),
            Value::Float(n) => text::float(*n),
            Value::Str(s) | Value::Sql(s) => text::repr(s),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(Value::repr).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Tuple(items) => {
                let parts: Vec<_> = items.iter().map(Value::repr).collect();
                let comma = if parts.len() == 1 { "," } else { "" };
                format!("({}{comma})", parts.join(", "))
            }
            Value::Dict(pairs) => {
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(k, v)| format!("{}: {}", k.repr(), v.repr()))
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Value::Function(name) => format!("<function {name}>"),
            other => other.display(),
        }
    }
}
