//! The smallest type that holds the values of several types.
//!
//! Invariant: every value of the types converts to the answer and prints there as before, but for
//! 64-bit integers that meet floats. Where ClickHouse would answer with a Variant of numbers the
//! answer is the wider number type; a Variant of anything else is NO_COMMON_TYPE.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit, TupleType};

/// The least common supertype of all `types`.
///
/// # Errors
/// NO_COMMON_TYPE when there is none.
pub fn least_supertype(types: &[DataType]) -> Result<DataType> {
    let Some((first, rest)) = types.split_first() else {
        return Ok(DataType::Nothing);
    };
    if rest.iter().all(|t| t == first) {
        return Ok(first.clone());
    }
    if types
        .iter()
        .all(|t| matches!(t, DataType::LowCardinality(_)))
    {
        let inner: Vec<DataType> = types
            .iter()
            .map(DataType::without_low_cardinality)
            .collect();
        let common = least_supertype(&inner)?;
        return Ok(roost_engine::types::text::low_cardinality_of(common.clone()).unwrap_or(common));
    }
    let plain: Vec<DataType> = types
        .iter()
        .map(DataType::without_low_cardinality)
        .collect();
    if plain.iter().any(DataType::is_nullable) {
        let inner: Vec<DataType> = plain.iter().map(DataType::without_nullable).collect();
        let common = least_supertype(&inner)?;
        return Ok(match common {
            // These cannot be Nullable: their elements say what is missing.
            DataType::Array(_) | DataType::Map(..) | DataType::Tuple(_) => common,
            other => other.nullable(),
        });
    }
    let some: Vec<&DataType> = plain.iter().filter(|t| **t != DataType::Nothing).collect();
    match some[..] {
        [] => Ok(DataType::Nothing),
        [first, ref rest @ ..] if rest.iter().all(|t| *t == first) => Ok(first.clone()),
        _ => of_different(&some),
    }
}

/// Of types without LowCardinality, Nullable and Nothing, not all equal.
fn of_different(types: &[&DataType]) -> Result<DataType> {
    use DataType as T;
    let all = |is: fn(&DataType) -> bool| types.iter().all(|t| is(t));
    let any = |is: fn(&DataType) -> bool| types.iter().any(|t| is(t));
    if any(|t| matches!(t, T::Array(_))) {
        let elements: Vec<DataType> = types.iter().filter_map(|t| t.element().cloned()).collect();
        return match elements.len() == types.len() {
            true => Ok(least_supertype(&elements)?.array()),
            false => no_common(types, "some of them are Array and some of them are not"),
        };
    }
    if any(|t| matches!(t, T::Tuple(_))) {
        return of_tuples(types);
    }
    if any(|t| matches!(t, T::Map(..))) {
        return of_maps(types);
    }
    if all(|t| t.is_string() || t.is_enum()) && any(DataType::is_string) {
        return Ok(T::String);
    }
    if all(|t| t.is_date() || t.is_date_time()) {
        return Ok(of_times(types));
    }
    let count = |t: &DataType| t.is_integer() || t.is_float() || t.is_enum() || *t == T::Bool;
    if any(|t| matches!(t, T::Interval(_)))
        && types
            .iter()
            .all(|t| matches!(t, T::Interval(_)) || count(t))
    {
        return of_intervals(types);
    }
    if all(|t| t.is_numeric() || t.is_enum()) {
        return of_numbers(types);
    }
    no_common(types, "they are of different kinds")
}

fn no_common<T>(types: &[&DataType], why: &str) -> Result<T> {
    let names: Vec<String> = types.iter().map(ToString::to_string).collect();
    bail!(
        NO_COMMON_TYPE,
        "There is no supertype for types {} because {why}",
        names.join(", ")
    )
}

fn of_tuples(types: &[&DataType]) -> Result<DataType> {
    let tuples: Vec<&TupleType> = types
        .iter()
        .filter_map(|t| match t {
            DataType::Tuple(t) => Some(t.as_ref()),
            _ => None,
        })
        .collect();
    let first = tuples[0];
    if tuples.len() < types.len() || tuples.iter().any(|t| t.types.len() != first.types.len()) {
        return no_common(types, "not all of them are Tuples of the same size");
    }
    let elements = (0..first.types.len()).map(|i| {
        let column: Vec<DataType> = tuples.iter().map(|t| t.types[i].clone()).collect();
        least_supertype(&column)
    });
    let names = match tuples.iter().all(|t| t.names == first.names) {
        true => first.names.clone(),
        false => Vec::new(),
    };
    Ok(DataType::Tuple(Arc::new(TupleType {
        types: elements.collect::<Result<_>>()?,
        names,
    })))
}

fn of_maps(types: &[&DataType]) -> Result<DataType> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for ty in types {
        let DataType::Map(k, v) = ty else {
            return no_common(types, "some of them are Map and some of them are not");
        };
        keys.push(k.as_ref().clone());
        values.push(v.as_ref().clone());
    }
    Ok(DataType::Map(
        Arc::new(least_supertype(&keys)?),
        Arc::new(least_supertype(&values)?),
    ))
}

/// Dates with times make times; the zone is the first one of the finest kind of time.
fn of_times(types: &[&DataType]) -> DataType {
    use DataType as T;
    let fine = types.iter().find_map(|t| match t {
        T::DateTime64(_, tz) => Some(*tz),
        _ => None,
    });
    let plain = types.iter().find_map(|t| match t {
        T::DateTime(tz) => Some(*tz),
        _ => None,
    });
    let precision = types.iter().filter_map(|t| match t {
        T::DateTime64(p, _) => Some(*p),
        _ => None,
    });
    match (fine, plain, types.iter().any(|t| matches!(t, T::Date32))) {
        (Some(tz), _, _) => T::DateTime64(precision.max().unwrap_or(0), tz),
        (None, Some(_), true) => T::DateTime64(0, None),
        (None, Some(tz), false) => T::DateTime(tz),
        (None, None, _) => T::Date32,
    }
}

fn of_intervals(types: &[&DataType]) -> Result<DataType> {
    let units: Vec<IntervalUnit> = types
        .iter()
        .filter_map(|t| match t {
            DataType::Interval(unit) => Some(*unit),
            _ => None,
        })
        .collect();
    let finest = units.iter().min().copied().unwrap_or(IntervalUnit::Second);
    let calendar = units.iter().filter(|u| **u >= IntervalUnit::Month).count();
    match calendar == 0 || calendar == units.len() {
        true => Ok(DataType::Interval(finest)),
        false => no_common(types, "the number of days in a month is not fixed"),
    }
}

/// Bits and sign of a whole number type.
pub(crate) fn integer_shape(ty: &DataType) -> Option<(u32, bool)> {
    use DataType as T;
    Some(match ty {
        T::UInt8 | T::Bool => (8, false),
        T::UInt16 => (16, false),
        T::UInt32 => (32, false),
        T::UInt64 => (64, false),
        T::UInt128 => (128, false),
        T::Int8 | T::Enum8(_) => (8, true),
        T::Int16 | T::Enum16(_) => (16, true),
        T::Int32 => (32, true),
        T::Int64 => (64, true),
        T::Int128 => (128, true),
        _ => return None,
    })
}

/// The whole number type of that many bits (rounded up) and sign.
pub(crate) fn integer_of(bits: u32, signed: bool) -> Option<DataType> {
    use DataType as T;
    Some(match (bits, signed) {
        (..=8, false) => T::UInt8,
        (..=16, false) => T::UInt16,
        (..=32, false) => T::UInt32,
        (..=64, false) => T::UInt64,
        (..=128, false) => T::UInt128,
        (..=8, true) => T::Int8,
        (..=16, true) => T::Int16,
        (..=32, true) => T::Int32,
        (..=64, true) => T::Int64,
        (..=128, true) => T::Int128,
        _ => return None,
    })
}

fn of_numbers(types: &[&DataType]) -> Result<DataType> {
    use DataType as T;
    // Bool is a name of UInt8: the first one names them all.
    if let (Some(first), true) = (
        types.first(),
        types.iter().all(|t| matches!(t, T::Bool | T::UInt8)),
    ) {
        return Ok((*first).clone());
    }
    let decimals = types.iter().any(|t| matches!(t, T::Decimal(..)));
    if types.iter().any(|t| t.is_float()) {
        return Ok(of_floats(types, decimals));
    }
    if decimals {
        return of_decimals(types);
    }
    let shapes: Vec<(u32, bool)> = types.iter().filter_map(|t| integer_shape(t)).collect();
    let bits = |signed| {
        shapes
            .iter()
            .filter(move |s| s.1 == signed)
            .map(|s| s.0)
            .max()
    };
    let wanted = match (bits(false), bits(true)) {
        (unsigned, None) => integer_of(unsigned.unwrap_or(8), false),
        (None, Some(signed)) => integer_of(signed, true),
        (Some(unsigned), Some(signed)) => integer_of(signed.max(unsigned + 1), true),
    };
    match wanted {
        Some(ty) => Ok(ty),
        None => no_common(types, "no integer type holds all of their values"),
    }
}

fn of_floats(types: &[&DataType], decimals: bool) -> DataType {
    let widest = types
        .iter()
        .filter_map(|t| integer_shape(t))
        .map(|s| s.0)
        .max()
        .unwrap_or(0);
    let double = types.iter().any(|t| matches!(t, DataType::Float64));
    match double || decimals || widest > 16 {
        true => DataType::Float64,
        false => DataType::Float32,
    }
}

fn of_decimals(types: &[&DataType]) -> Result<DataType> {
    let (mut scale, mut precision) = (0, 0);
    for ty in types {
        if let DataType::Decimal(p, s) = ty {
            (scale, precision) = (scale.max(*s), precision.max(*p));
        }
    }
    for ty in types {
        let digits = match integer_shape(ty) {
            None => continue,
            Some((8, _)) => 3,
            Some((16, _)) => 5,
            Some((32, _)) => 10,
            Some((64, true)) => 19,
            Some((64, false)) => 20,
            Some(_) => 39,
        };
        precision = precision.max(digits + scale);
    }
    match [9, 18, 38].into_iter().find(|p| precision <= *p) {
        Some(precision) => Ok(DataType::Decimal(precision, scale)),
        None => no_common(types, "the digits do not fit Decimal128"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roost_engine::types::text::parse;

    fn of(types: &[&str]) -> String {
        let types: Vec<DataType> = types.iter().map(|t| parse(t).unwrap()).collect();
        least_supertype(&types).map_or_else(|e| format!("!{}", e.code() as u16), |t| t.to_string())
    }

    #[test]
    fn supertypes_are_clickhouses() {
        for (types, expected) in [
            (&["UInt8", "Int8"][..], "Int16"),
            (&["UInt32", "Int8"], "Int64"),
            (&["UInt8", "UInt16", "UInt64"], "UInt64"),
            (&["Int128", "UInt64"], "Int128"),
            (&["UInt128", "Int64"], "!386"),
            (&["Float32", "Int16"], "Float32"),
            (&["Float32", "Int32"], "Float64"),
            (&["Float64", "UInt32"], "Float64"),
            (&["Decimal(9, 2)", "Decimal(9, 4)"], "Decimal(9, 4)"),
            (&["Decimal(9, 2)", "Decimal(18, 4)"], "Decimal(18, 4)"),
            (&["Decimal(9, 2)", "Int8"], "Decimal(9, 2)"),
            (&["Decimal(9, 2)", "Int32"], "Decimal(18, 2)"),
            (&["Decimal(9, 2)", "Int64"], "Decimal(38, 2)"),
            (&["Date", "DateTime"], "DateTime"),
            (&["Date", "Date32"], "Date32"),
            (&["Date32", "DateTime"], "DateTime64(0)"),
            (&["Date", "DateTime64(3)"], "DateTime64(3)"),
            (
                &["DateTime('UTC')", "DateTime('Europe/Berlin')"],
                "DateTime('UTC')",
            ),
            (&["Date", "UInt8"], "!386"),
            (&["String", "FixedString(1)"], "String"),
            (&["FixedString(1)", "FixedString(2)"], "String"),
            (&["String", "UInt8"], "!386"),
            (&["Nullable(Nothing)", "UInt8"], "Nullable(UInt8)"),
            (&["Array(Nothing)", "Array(UInt8)"], "Array(UInt8)"),
            (
                &["Array(UInt8)", "Array(Nullable(Nothing))"],
                "Array(Nullable(UInt8))",
            ),
            (
                &["Tuple(UInt8, String)", "Tuple(UInt16, String)"],
                "Tuple(UInt16, String)",
            ),
            (&["Tuple(UInt8)", "Tuple(UInt8, UInt8)"], "!386"),
            (&["Tuple(a UInt8)", "Tuple(b UInt16)"], "Tuple(UInt16)"),
            (
                &["Map(String, UInt8)", "Map(String, UInt16)"],
                "Map(String, UInt16)",
            ),
            (&["LowCardinality(String)", "String"], "String"),
            (
                &["LowCardinality(String)", "Nullable(Nothing)"],
                "Nullable(String)",
            ),
            (&["Enum8('a' = 1)", "Enum8('b' = 2)"], "Int8"),
            (&["Enum8('a' = 1)", "String"], "String"),
            (&["Bool", "UInt8"], "Bool"),
            (&["UInt8", "Bool"], "UInt8"),
            (&["Bool", "UInt16"], "UInt16"),
            (&["IPv4", "IPv6"], "!386"),
            (&["IntervalDay", "IntervalHour"], "IntervalHour"),
            (&["IntervalMonth", "IntervalDay"], "!386"),
        ] {
            assert_eq!(of(types), expected, "{types:?}");
        }
    }
}
