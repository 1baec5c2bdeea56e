//! Arithmetic, comparison and indexing with Python's meaning.
//!
//! Invariant: integers never wrap and strings never grow past the limit: both are errors.

use std::rc::Rc;

use super::ast::{Binary, Compare};
use super::interpret::{MAX_BYTES, Machine};
use super::value::Value;
use super::{Result, TemplateError};

impl Machine<'_> {
    /// `left operator right`.
    pub(super) fn binary(&mut self, operator: Binary, left: Value, right: Value) -> Result<Value> {
        let unsupported = || {
            let hint = if matches!(left, Value::Placeholder) || matches!(right, Value::Placeholder)
            {
                ". If you are using a dynamic parameter, you need to wrap it around a valid Data \
                 Type (e.g. Int8(placeholder))"
            } else {
                ""
            };
            TemplateError::syntax(format!(
                "unsupported operand type(s) for {}: '{}' and '{}'{hint}",
                operator.symbol(),
                left.type_name(),
                right.type_name()
            ))
        };
        match (operator, &left, &right) {
            (Binary::Add, Value::Placeholder, _) => Ok(Value::Placeholder),
            (Binary::Add, Value::List(a), Value::List(b)) => {
                let mut items = a.to_vec();
                items.extend(b.iter().cloned());
                self.pay(items.len())?;
                Ok(Value::list(items))
            }
            (Binary::Add, a, b) if a.as_text().is_some() && b.as_text().is_some() => {
                let joined = format!("{}{}", a.display(), b.display());
                self.bounded(joined.len())?;
                Ok(Value::str(joined))
            }
            (Binary::Multiply, a, n) if a.as_text().is_some() && n.as_int().is_some() => {
                self.repeat(a, n)
            }
            (Binary::Multiply, n, a) if a.as_text().is_some() && n.as_int().is_some() => {
                self.repeat(a, n)
            }
            (Binary::Modulo, a, b) if a.as_text().is_some() => {
                let text = percent(a.as_text().unwrap_or_default(), b)?;
                self.bounded(text.len())?;
                Ok(Value::str(text))
            }
            (_, a, b) => {
                if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
                    return integers(operator, a, b);
                }
                match (a.as_float(), b.as_float()) {
                    (Some(a), Some(b)) => floats(operator, a, b),
                    _ => Err(unsupported()),
                }
            }
        }
    }

    fn repeat(&mut self, text: &Value, times: &Value) -> Result<Value> {
        let text = text.as_text().unwrap_or_default();
        let times = usize::try_from(times.as_int().unwrap_or(0).max(0)).unwrap_or(usize::MAX);
        self.bounded(text.len().saturating_mul(times))?;
        Ok(Value::str(text.repeat(times)))
    }

    /// Pays for a string of `bytes`.
    pub(super) fn bounded(&mut self, bytes: usize) -> Result<()> {
        if bytes > MAX_BYTES {
            return Err(TemplateError::new(format!(
                "a string of the template is longer than {MAX_BYTES} bytes"
            )));
        }
        self.pay(bytes / 64)
    }
}

fn integers(operator: Binary, a: i128, b: i128) -> Result<Value> {
    let zero = || TemplateError::syntax("division by zero");
    let result = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Divide if b == 0 => return Err(zero()),
        Binary::Divide => return Ok(Value::Float(a as f64 / b as f64)),
        Binary::FloorDivide | Binary::Modulo if b == 0 => return Err(zero()),
        Binary::FloorDivide => a.checked_div(b).map(|q| {
            let inexact = a % b != 0 && (a < 0) != (b < 0);
            q - i128::from(inexact)
        }),
        Binary::Modulo => a.checked_rem(b).map(|r| {
            if r != 0 && (r < 0) != (b < 0) {
                r + b
            } else {
                r
            }
        }),
        Binary::Power => match u32::try_from(b) {
            Ok(b) => a.checked_pow(b),
            Err(_) if b < 0 => return floats(operator, a as f64, b as f64),
            Err(_) => None,
        },
    };
    result
        .map(Value::Int)
        .ok_or_else(|| TemplateError::syntax("an integer of the template is too large"))
}

fn floats(operator: Binary, a: f64, b: f64) -> Result<Value> {
    let divides = matches!(
        operator,
        Binary::Divide | Binary::FloorDivide | Binary::Modulo
    );
    if divides && b == 0.0 {
        return Err(TemplateError::syntax("float division by zero"));
    }
    Ok(Value::Float(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::FloorDivide => (a / b).floor(),
        Binary::Modulo => a - b * (a / b).floor(),
        Binary::Power => a.powf(b),
    }))
}

/// `'%s' % values`: `%s`, `%d` and `%%`.
fn percent(format: &str, values: &Value) -> Result<String> {
    let values = match values {
        Value::Tuple(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let mut values = values.into_iter();
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd' | 'i') => {
                let value = values.next().ok_or_else(|| {
                    TemplateError::syntax("not enough arguments for format string")
                })?;
                out.push_str(&value.display());
            }
            other => {
                return Err(TemplateError::syntax(format!(
                    "unsupported format character {:?}",
                    other.unwrap_or(' ')
                )));
            }
        }
    }
    match values.next() {
        None => Ok(out),
        Some(_) => Err(TemplateError::syntax(
            "not all arguments converted during string formatting",
        )),
    }
}

/// `-value`.
pub(super) fn negate(value: &Value) -> Result<Value> {
    if let Some(n) = value.as_int().and_then(i128::checked_neg) {
        return Ok(Value::Int(n));
    }
    match value.as_float() {
        Some(n) => Ok(Value::Float(-n)),
        None => Err(TemplateError::syntax(format!(
            "bad operand type for unary -: '{}'",
            value.type_name()
        ))),
    }
}

/// Python's `==`.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::TypedInt { digits: a, .. }, Value::TypedInt { digits: b, .. }) => a == b,
        (Value::List(a), Value::List(b)) => equal_items(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => equal_items(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(k, v)| b.iter().any(|(k2, v2)| equal(k, k2) && equal(v, v2)))
        }
        (Value::Function(a), Value::Function(b)) => a == b,
        (a, b) => {
            if let (Some(a), Some(b)) = (a.as_text(), b.as_text()) {
                return a == b;
            }
            if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
                return a == b;
            }
            matches!((a.as_float(), b.as_float()), (Some(a), Some(b)) if a == b)
        }
    }
}

fn equal_items(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
}

/// Which of two comes first; `None` when they cannot be compared.
pub(super) fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::List(a), Value::List(b)) => order_items(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => order_items(a, b),
        (a, b) => {
            if let (Some(a), Some(b)) = (a.as_text(), b.as_text()) {
                return Some(a.cmp(b));
            }
            if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
                return Some(a.cmp(&b));
            }
            match (a.as_float(), b.as_float()) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ => None,
            }
        }
    }
}

fn order_items(a: &[Value], b: &[Value]) -> Option<std::cmp::Ordering> {
    for (x, y) in a.iter().zip(b) {
        if !equal(x, y) {
            return order(x, y);
        }
    }
    Some(a.len().cmp(&b.len()))
}

/// `a compare b`.
pub(super) fn compare(compare: Compare, a: &Value, b: &Value) -> Result<bool> {
    Ok(match compare {
        Compare::Equal => equal(a, b),
        Compare::NotEqual => !equal(a, b),
        Compare::Is => same(a, b),
        Compare::IsNot => !same(a, b),
        Compare::In => contains(b, a)?,
        Compare::NotIn => !contains(b, a)?,
        Compare::Less | Compare::LessEqual | Compare::Greater | Compare::GreaterEqual => {
            let is_number = |v: &Value| v.as_float().is_some();
            let Some(order) = order(a, b) else {
                // NaN compares false; other pairs do not compare.
                if is_number(a) && is_number(b) {
                    return Ok(false);
                }
                return Err(not_comparable(compare, a, b));
            };
            match compare {
                Compare::Less => order.is_lt(),
                Compare::LessEqual => order.is_le(),
                Compare::Greater => order.is_gt(),
                _ => order.is_ge(),
            }
        }
    })
}

fn not_comparable(compare: Compare, a: &Value, b: &Value) -> TemplateError {
    let hint = if matches!(a, Value::Placeholder) || matches!(b, Value::Placeholder) {
        ". If you are using a dynamic parameter, you need to wrap it around a valid Data Type \
         (e.g. Int8(placeholder))"
    } else {
        ""
    };
    TemplateError::syntax(format!(
        "'{}' not supported between instances of '{}' and '{}'{hint}",
        compare.symbol(),
        a.type_name(),
        b.type_name()
    ))
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::None, _) | (_, Value::None) => false,
        (a, b) => a.type_name() == b.type_name() && equal(a, b),
    }
}

fn contains(container: &Value, item: &Value) -> Result<bool> {
    match container {
        Value::List(items) => Ok(items.iter().any(|i| equal(i, item))),
        Value::Tuple(items) => Ok(items.iter().any(|i| equal(i, item))),
        Value::Dict(pairs) => Ok(pairs.iter().any(|(k, _)| equal(k, item))),
        Value::Placeholder => Ok(false),
        Value::Str(text) | Value::Sql(text) => match item.as_text() {
            Some(item) => Ok(text.contains(item)),
            None => Err(TemplateError::syntax(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_name()
            ))),
        },
        other => Err(TemplateError::syntax(format!(
            "argument of type '{}' is not iterable",
            other.type_name()
        ))),
    }
}

/// `base[index]`.
pub(super) fn index(base: &Value, index: &Value) -> Result<Value> {
    let place = |len: usize, what: &str| -> Result<usize> {
        let at = index.as_int().ok_or_else(|| {
            TemplateError::syntax(format!(
                "{what} indices must be integers, not {}",
                index.type_name()
            ))
        })?;
        let at = if at < 0 { at + len as i128 } else { at };
        match usize::try_from(at) {
            Ok(at) if at < len => Ok(at),
            _ if what == "string" => Err(TemplateError::syntax(
                "String index out of range. Check that string parameters have values before \
                 accessing specific characters (e.g., param[0]). Provide default values or add \
                 length checks in your template.",
            )),
            _ => Err(TemplateError::syntax(format!("{what} index out of range"))),
        }
    };
    let get = |items: &[Value], what: &str| -> Result<Value> {
        let at = place(items.len(), what)?;
        Ok(items.get(at).cloned().unwrap_or(Value::None))
    };
    match base {
        Value::List(items) => get(items, "list"),
        Value::Tuple(items) => get(items, "tuple"),
        Value::Dict(pairs) => pairs
            .iter()
            .find(|(k, _)| equal(k, index))
            .map(|(_, v)| v.clone())
            .ok_or_else(|| TemplateError::syntax(index.repr())),
        Value::Str(text) | Value::Sql(text) => {
            let chars: Vec<char> = text.chars().collect();
            let at = place(chars.len(), "string")?;
            Ok(Value::str(
                chars.get(at).map(char::to_string).unwrap_or_default(),
            ))
        }
        Value::Placeholder => Ok(Value::Placeholder),
        other => Err(TemplateError::syntax(format!(
            "'{}' object is not subscriptable",
            other.type_name()
        ))),
    }
}

/// `base[start:stop:step]`.
pub(super) fn slice(base: &Value, [start, stop, step]: [Option<i128>; 3]) -> Result<Value> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(TemplateError::syntax("slice step cannot be zero"));
    }
    let places = |len: usize| -> Vec<usize> {
        let len = len as i128;
        let clamp = |at: i128, low: i128, high: i128| {
            let at = if at < 0 { at.saturating_add(len) } else { at };
            at.clamp(low, high)
        };
        let (mut at, end) = if step > 0 {
            (
                start.map_or(0, |s| clamp(s, 0, len)),
                stop.map_or(len, |s| clamp(s, 0, len)),
            )
        } else {
            (
                start.map_or(len - 1, |s| clamp(s, -1, len - 1)),
                stop.map_or(-1, |s| clamp(s, -1, len - 1)),
            )
        };
        let mut out = Vec::new();
        while (step > 0 && at < end) || (step < 0 && at > end) {
            out.extend(usize::try_from(at));
            at = at.saturating_add(step);
        }
        out
    };
    let pick = |items: &[Value]| -> Vec<Value> {
        places(items.len())
            .into_iter()
            .filter_map(|i| items.get(i).cloned())
            .collect()
    };
    match base {
        Value::List(items) => Ok(Value::list(pick(items))),
        Value::Tuple(items) => Ok(Value::tuple(pick(items))),
        Value::Str(text) | Value::Sql(text) => {
            let chars: Vec<char> = text.chars().collect();
            let picked: String = places(chars.len())
                .into_iter()
                .filter_map(|i| chars.get(i))
                .collect();
            Ok(Value::str(picked))
        }
        Value::Placeholder => Ok(Value::Placeholder),
        other => Err(TemplateError::syntax(format!(
            "'{}' object is not subscriptable",
            other.type_name()
        ))),
    }
}

/// `base` with `base[key] = value`.
pub(super) fn insert(base: Value, key: Value, value: Value) -> Result<Value> {
    match base {
        Value::Dict(mut pairs) => {
            let all = Rc::make_mut(&mut pairs);
            match all.iter_mut().find(|(k, _)| equal(k, &key)) {
                Some((_, slot)) => *slot = value,
                None => all.push((key, value)),
            }
            Ok(Value::Dict(pairs))
        }
        Value::List(mut items) => {
            let all = Rc::make_mut(&mut items);
            let len = all.len() as i128;
            let at = key.as_int().map(|at| if at < 0 { at + len } else { at });
            let slot = at
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| all.get_mut(at))
                .ok_or_else(|| TemplateError::syntax("list assignment index out of range"))?;
            *slot = value;
            Ok(Value::List(items))
        }
        other => Err(TemplateError::syntax(format!(
            "'{}' object does not support item assignment",
            other.type_name()
        ))),
    }
}
