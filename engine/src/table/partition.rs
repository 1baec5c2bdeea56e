//! Ids of partitions, as `system.parts.partition_id` shows them.
//!
//! Invariant: equal partition values give equal ids, in every process and version.

use chrono::Datelike;

use crate::log::bytes::{put_bytes, put_u64};
use crate::part::PartitionValue;
use crate::types::{DataType, Value};

/// `all` without a partition key; whole numbers and dates joined by `-`; a hash of anything else.
pub fn partition_id(values: &[PartitionValue]) -> String {
    if values.is_empty() {
        return "all".into();
    }
    let texts: Option<Vec<String>> = values.iter().map(|v| whole(&v.value, &v.ty)).collect();
    texts.map_or_else(|| hashed(values), |texts| texts.join("-"))
}

fn whole(value: &Value, ty: &DataType) -> Option<String> {
    match (ty.value_type(), value) {
        (DataType::Date | DataType::Date32, _) => {
            let days = i32::try_from(value.as_i64()?).ok()?;
            let date = chrono::NaiveDate::from_epoch_days(days)?;
            let number = date.year() * 10_000 + (date.month() * 100 + date.day()) as i32;
            Some(number.to_string())
        }
        (DataType::Decimal(..) | DataType::IPv4, _) => None,
        (_, Value::UInt(n)) => Some(n.to_string()),
        (_, Value::Int(n)) => Some(n.to_string()),
        _ => None,
    }
}

fn hashed(values: &[PartitionValue]) -> String {
    let mut bytes = Vec::new();
    values.iter().for_each(|v| put_value(&mut bytes, &v.value));
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes))
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    let mut list = |tag: u8, items: &[Value]| {
        out.push(tag);
        put_u64(out, items.len() as u64);
        items.iter().for_each(|v| put_value(out, v));
    };
    match value {
        Value::Null => out.push(0),
        Value::UInt(n) => put_u64(tagged(out, 1), *n),
        Value::Int(n) => tagged(out, 2).extend_from_slice(&n.to_le_bytes()),
        Value::UInt128(n) => tagged(out, 3).extend_from_slice(&n.to_le_bytes()),
        Value::Int128(n) => tagged(out, 4).extend_from_slice(&n.to_le_bytes()),
        Value::Float(n) => tagged(out, 5).extend_from_slice(&n.to_bits().to_le_bytes()),
        Value::Bytes(b) => put_bytes(tagged(out, 6), b),
        Value::Array(items) => list(7, items),
        Value::Tuple(items) => list(8, items),
        Value::Map(pairs) => {
            out.push(9);
            put_u64(out, pairs.len() as u64);
            for (key, value) in pairs {
                put_value(out, key);
                put_value(out, value);
            }
        }
    }
}

fn tagged(out: &mut Vec<u8>, tag: u8) -> &mut Vec<u8> {
    out.push(tag);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(values: &[(Value, DataType)]) -> String {
        let values = values.iter().map(|(value, ty)| PartitionValue {
            name: String::new(),
            ty: ty.clone(),
            value: value.clone(),
        });
        partition_id(&values.collect::<Vec<_>>())
    }

    #[test]
    fn ids_read_as_clickhouse_prints_them() {
        assert_eq!(id(&[]), "all");
        assert_eq!(id(&[(Value::UInt(202_401), DataType::UInt32)]), "202401");
        assert_eq!(id(&[(Value::UInt(19_723), DataType::Date)]), "20240101");
        let pair = [
            (Value::Int(-3), DataType::Int8),
            (Value::UInt(7), DataType::UInt8),
        ];
        assert_eq!(id(&pair), "-3-7");
    }

    #[test]
    fn other_values_have_stable_hashes() {
        let text = |t: &str| id(&[(Value::string(t), DataType::String)]);
        assert_eq!(text("a").len(), 32);
        assert_eq!(text("a"), text("a"));
        assert_ne!(text("a"), text("b"));
        assert_ne!(id(&[(Value::Null, DataType::UInt8.nullable())]), "0");
    }
}
