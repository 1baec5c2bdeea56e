//! A filter as conditions on single columns, for pruning.
//!
//! Invariant: every row that fulfils the filter fulfils every condition. What is not understood
//! gives no condition.

use std::ops::Bound;

use roost_engine::hooks::{Condition, ValueRange};
use roost_engine::types::{DataType, Value};

use super::monotonic::preimage;
use super::range::{intersection, union};
use crate::bind::rewrite::{conjuncts, disjuncts};
use crate::expr::{ColumnId, Expr, InSet};

/// Sets larger than this become the range from their least to their greatest value.
const MAX_POINTS: usize = 4096;

/// Whole numbers up to this are exact as doubles.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Conditions that the filter implies; `names` gives a column's name in its source.
pub fn conditions(filter: &Expr, names: &dyn Fn(ColumnId) -> Option<String>) -> Vec<Condition> {
    implied(filter)
        .into_iter()
        .filter_map(|(id, ranges)| {
            Some(Condition {
                column: names(id)?,
                ranges,
            })
        })
        .collect()
}

/// Whether the conditions that [`conditions`] finds say all that the filter says: rows that fulfil
/// them fulfil it.
pub fn is_exact(filter: &Expr) -> bool {
    conjuncts(filter).iter().all(|conjunct| {
        let Some((name, [a, b])) = conjunct.as_call() else {
            return false;
        };
        let column = match (a, b) {
            (Expr::Column(_, ty), Expr::Literal(..)) | (Expr::Literal(..), Expr::Column(_, ty)) => {
                ty
            }
            _ => return false,
        };
        let plain = !column.is_nullable() && !column.value_type().is_float();
        plain && is_comparison(name) && of_comparison(name, a, b).is_some()
    })
}

type Ranges = Vec<(ColumnId, Vec<ValueRange>)>;

/// Ranges of columns that a predicate implies, one entry per column.
fn implied(predicate: &Expr) -> Ranges {
    let mut all: Ranges = Vec::new();
    for conjunct in conjuncts(predicate) {
        for (id, ranges) in of_conjunct(&conjunct) {
            match all.iter_mut().find(|(own, _)| *own == id) {
                Some((_, own)) => *own = intersection(own, &ranges),
                None => all.push((id, ranges)),
            }
        }
    }
    all
}

fn of_conjunct(predicate: &Expr) -> Ranges {
    match predicate {
        Expr::In(set) if !set.negated => of_set(set),
        Expr::Column(id, ty) if matches!(ty.value_type(), DataType::Bool | DataType::UInt8) => {
            vec![(*id, vec![above(Bound::Excluded(Value::UInt(0)))])]
        }
        Expr::Call(_) => match predicate.as_call() {
            Some(("or", _)) => of_any(&disjuncts(predicate)),
            Some((name, [a, b])) => of_comparison(name, a, b).into_iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Columns about which every disjunct says something.
fn of_any(parts: &[Expr]) -> Ranges {
    let mut each = parts.iter().map(implied);
    let Some(mut all) = each.next() else {
        return Vec::new();
    };
    for more in each {
        all.retain_mut(
            |(id, ranges)| match more.iter().find(|(own, _)| own == id) {
                Some((_, other)) => {
                    ranges.extend(other.iter().cloned());
                    true
                }
                None => false,
            },
        );
    }
    for (_, ranges) in &mut all {
        *ranges = union(std::mem::take(ranges));
    }
    all
}

/// Every needle that is a column lies among the set's values at its place.
fn of_set(set: &InSet) -> Ranges {
    let Some(rows) = set.set.rows.get() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (i, needle) in set.needle.iter().enumerate() {
        let Expr::Column(id, ty) = needle else {
            continue;
        };
        let fits = set.set.types.get(i) == Some(ty.value_type()) && i < rows.columns().len();
        if !fits || ty.value_type().is_float() {
            continue;
        }
        let column = rows.column(i);
        let values = (0..rows.rows()).map(|r| column.value(r));
        let mut values: Vec<Value> = values.filter(|v| !v.is_null()).collect();
        values.sort_by(Value::compare);
        values.dedup_by(|a, b| a.compare(b).is_eq());
        let ranges = match (values.first(), values.last()) {
            (Some(first), Some(last)) if values.len() > MAX_POINTS => vec![ValueRange {
                low: Bound::Included(first.clone()),
                high: Bound::Included(last.clone()),
            }],
            _ => values.into_iter().map(ValueRange::point).collect(),
        };
        all.push((*id, ranges));
    }
    all
}

/// Binary comparisons, patterns, and comparisons of monotonic functions of a column.
fn of_comparison(name: &str, a: &Expr, b: &Expr) -> Option<(ColumnId, Vec<ValueRange>)> {
    let (subject, value, ty, name) = match (a, b) {
        (subject, Expr::Literal(value, ty)) => (subject, value, ty, name),
        (Expr::Literal(value, ty), subject) => (subject, value, ty, mirrored(name)?),
        _ => return None,
    };
    let Expr::Column(id, own) = subject else {
        return preimage(subject, name, value, ty);
    };
    if matches!(name, "like" | "startsWith") {
        return Some((*id, of_pattern(name, own, value)?));
    }
    if !is_comparison(name) {
        return None;
    }
    if value.is_null() {
        return Some((*id, Vec::new()));
    }
    let range = compared(name, own.value_type(), value, ty.value_type())?;
    Some((*id, union(vec![range])))
}

pub(crate) fn is_comparison(name: &str) -> bool {
    matches!(
        name,
        "equals" | "less" | "lessOrEquals" | "greater" | "greaterOrEquals"
    )
}

/// The comparison with its sides exchanged.
fn mirrored(name: &str) -> Option<&'static str> {
    Some(match name {
        "equals" => "equals",
        "less" => "greater",
        "lessOrEquals" => "greaterOrEquals",
        "greater" => "less",
        "greaterOrEquals" => "lessOrEquals",
        _ => return None,
    })
}

fn above(low: Bound<Value>) -> ValueRange {
    ValueRange {
        low,
        high: Bound::Unbounded,
    }
}

fn below(high: Bound<Value>) -> ValueRange {
    ValueRange {
        low: Bound::Unbounded,
        high,
    }
}

/// Values of a column of type `own` for which `column name value` holds.
fn compared(name: &str, own: &DataType, value: &Value, ty: &DataType) -> Option<ValueRange> {
    if own.is_integer() && ty.is_float() {
        return integer_with_float(name, value.as_f64()?);
    }
    let value = in_own_type(own, value, ty)?;
    Some(match name {
        "equals" => ValueRange::point(value),
        "less" => below(Bound::Excluded(value)),
        "lessOrEquals" => below(Bound::Included(value)),
        "greater" => above(Bound::Excluded(value)),
        "greaterOrEquals" => above(Bound::Included(value)),
        _ => return None,
    })
}

/// The constant among the column's values, when both are held the same way.
fn in_own_type(own: &DataType, value: &Value, ty: &DataType) -> Option<Value> {
    let whole = |t: &DataType| t.is_integer() || *t == DataType::Bool;
    if own.is_float() {
        let number = value.as_f64()?;
        let exact = ty.is_float() || (whole(ty) && number.abs() <= EXACT);
        return (exact && !number.is_nan()).then_some(Value::Float(number));
    }
    let same = match (own, ty) {
        _ if whole(own) && whole(ty) => true,
        (DataType::DateTime(_), DataType::DateTime(_)) => true,
        (DataType::DateTime64(p, _), DataType::DateTime64(q, _)) => p == q,
        (DataType::FixedString(_), _) => false,
        _ => own == ty && is_ordered(own),
    };
    same.then(|| value.clone())
}

/// Types whose values are ordered as their held numbers or bytes are.
fn is_ordered(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::String
            | DataType::Date
            | DataType::Date32
            | DataType::UUID
            | DataType::IPv4
            | DataType::IPv6
            | DataType::Decimal(..)
            | DataType::Enum8(_)
            | DataType::Enum16(_)
    )
}

fn integer_with_float(name: &str, number: f64) -> Option<ValueRange> {
    if number.is_nan() || number.abs() >= EXACT {
        return None;
    }
    let (floor, ceil) = (
        Value::Int(number.floor() as i64),
        Value::Int(number.ceil() as i64),
    );
    Some(match name {
        "equals" => ValueRange {
            low: Bound::Included(ceil),
            high: Bound::Included(floor),
        },
        "less" => below(Bound::Excluded(ceil)),
        "lessOrEquals" => below(Bound::Included(floor)),
        "greater" => above(Bound::Excluded(floor)),
        "greaterOrEquals" => above(Bound::Included(ceil)),
        _ => return None,
    })
}

/// `LIKE 'prefix%'` and `startsWith`.
fn of_pattern(name: &str, own: &DataType, value: &Value) -> Option<Vec<ValueRange>> {
    if *own.value_type() != DataType::String {
        return None;
    }
    let text = value.as_bytes()?;
    let (prefix, exact) = match name {
        "startsWith" => (text, false),
        _ => {
            let special = text.iter().position(|b| matches!(b, b'%' | b'_' | b'\\'));
            (&text[..special.unwrap_or(text.len())], special.is_none())
        }
    };
    if exact {
        return Some(vec![ValueRange::point(Value::Bytes(prefix.to_vec()))]);
    }
    if prefix.is_empty() {
        return None;
    }
    let high = match successor(prefix) {
        Some(next) => Bound::Excluded(Value::Bytes(next)),
        None => Bound::Unbounded,
    };
    Some(vec![ValueRange {
        low: Bound::Included(Value::Bytes(prefix.to_vec())),
        high,
    }])
}

/// The least text behind all that start with `prefix`.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|b| *b != 0xFF)?;
    let mut next = prefix[..=keep].to_vec();
    next[keep] += 1;
    Some(next)
}
