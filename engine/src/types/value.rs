//! One cell, without its type: numbers by width class, bytes, lists.
//!
//! Invariant: a value holds the *physical* content of a cell (a Date is its day number, a Decimal
//! its unscaled integer), so it means something only together with a [`super::DataType`].

use std::cmp::Ordering;

/// One cell. Dates, times, enums, decimals and addresses are their numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// Unsigned up to 64 bits, Bool, Date, DateTime, IPv4.
    UInt(u64),
    /// Signed up to 64 bits, Date32, DateTime64, Enum, Decimal up to 18 digits, Interval.
    Int(i64),
    /// UInt128, UUID, IPv6.
    UInt128(u128),
    /// Int128, Decimal up to 38 digits.
    Int128(i128),
    /// Float32 (widened) and Float64.
    Float(f64),
    /// String, FixedString, aggregate states.
    Bytes(Vec<u8>),
    /// Array elements.
    Array(Vec<Value>),
    /// Tuple elements.
    Tuple(Vec<Value>),
    /// Map entries in order, duplicates kept.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// A string value.
    pub fn string(text: impl Into<Vec<u8>>) -> Value {
        Value::Bytes(text.into())
    }

    /// Whether the value is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value as an unsigned number, when it is a non-negative whole number that fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Value::UInt(v) => Some(*v),
            Value::Int(v) => u64::try_from(*v).ok(),
            Value::UInt128(v) => u64::try_from(*v).ok(),
            Value::Int128(v) => u64::try_from(*v).ok(),
            _ => None,
        }
    }

    /// The value as a signed number, when it is a whole number that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::UInt(v) => i64::try_from(*v).ok(),
            Value::Int(v) => Some(*v),
            Value::UInt128(v) => i64::try_from(*v).ok(),
            Value::Int128(v) => i64::try_from(*v).ok(),
            _ => None,
        }
    }

    /// The value as a double, when it is a number (of a Decimal: the unscaled one).
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::UInt(v) => Some(*v as f64),
            Value::Int(v) => Some(*v as f64),
            Value::UInt128(v) => Some(*v as f64),
            Value::Int128(v) => Some(*v as f64),
            Value::Float(v) => Some(*v),
            _ => None,
        }
    }

    /// The bytes of a string value.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Bytes(b) => Some(b),
            _ => None,
        }
    }

    /// Order of two values of the same type: NULL last, NaN after every number but before NULL.
    pub fn compare(&self, other: &Value) -> Ordering {
        use Value::*;
        match (self, other) {
            (Null, Null) => Ordering::Equal,
            (Null, _) => Ordering::Greater,
            (_, Null) => Ordering::Less,
            (Float(a), Float(b)) => compare_floats(*a, *b),
            (Bytes(a), Bytes(b)) => a.cmp(b),
            (Array(a), Array(b)) | (Tuple(a), Tuple(b)) => compare_lists(a, b),
            (Map(a), Map(b)) => {
                let pairs = a
                    .iter()
                    .zip(b)
                    .map(|(x, y)| x.0.compare(&y.0).then_with(|| x.1.compare(&y.1)));
                pairs
                    .fold(Ordering::Equal, Ordering::then)
                    .then(a.len().cmp(&b.len()))
            }
            _ => self.compare_numbers(other),
        }
    }

    fn compare_numbers(&self, other: &Value) -> Ordering {
        use Value::*;
        match (self, other) {
            (Float(_), _) | (_, Float(_)) => compare_floats(
                self.as_f64().unwrap_or(f64::NAN),
                other.as_f64().unwrap_or(f64::NAN),
            ),
            (UInt128(a), UInt128(b)) => a.cmp(b),
            (UInt128(a), _) => other.wide().map_or(Ordering::Less, |b| {
                u128::try_from(b).map_or(Ordering::Greater, |b| a.cmp(&b))
            }),
            (_, UInt128(_)) => other.compare_numbers(self).reverse(),
            _ => self.wide().cmp(&other.wide()),
        }
    }

    fn wide(&self) -> Option<i128> {
        match self {
            Value::UInt(v) => Some(i128::from(*v)),
            Value::Int(v) => Some(i128::from(*v)),
            Value::Int128(v) => Some(*v),
            _ => None,
        }
    }
}

fn compare_lists(a: &[Value], b: &[Value]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(x, y)| x.compare(y))
        .find(|o| o.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// Total order of doubles as ClickHouse sorts them: NaN is greater than every number.
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}
