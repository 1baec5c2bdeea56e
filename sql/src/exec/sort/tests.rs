//! Orders of every key shape against comparing rows one by one.

use roost_engine::column::{Column, ColumnBuilder, DictColumn};
use roost_engine::kernels::sort::{SortKey, directed, sort_permutation};
use roost_engine::types::{DataType, Value};

use super::encode;
use super::order::order;
use crate::exec::tests::context;

fn column(ty: &DataType, cell: impl Fn(usize) -> Value) -> Column {
    let mut builder = ColumnBuilder::new(ty, 500);
    (0..500).for_each(|i| builder.push(&cell(i * 7919 % 500)).unwrap());
    Column::Flat(builder.finish())
}

fn columns() -> Vec<Column> {
    let odd = |i: usize, v: Value| if i.is_multiple_of(9) { Value::Null } else { v };
    let float = |i: usize| match i % 7 {
        0 => f64::NAN,
        1 => -0.0,
        2 => 0.0,
        3 => f64::NEG_INFINITY,
        _ => i as f64 - 250.5,
    };
    let text = |i: usize| Value::string(format!("{}{}", "prefix of".repeat(i % 3), i % 40));
    let strings = column(&DataType::String, text).to_flat();
    let codes = (0..500u32).map(|i| (i * 31) % 500).collect();
    vec![
        column(&DataType::UInt8, |i| Value::UInt(i as u64 % 5)),
        column(&DataType::Int64, |i| Value::Int(i as i64 % 50 - 25)),
        column(&DataType::Int32.nullable(), |i| {
            odd(i, Value::Int(i as i64 % 50 - 25))
        }),
        column(&DataType::Float64, |i| Value::Float(float(i))),
        column(&DataType::Float32.nullable(), |i| {
            odd(i, Value::Float(float(i)))
        }),
        column(&DataType::String, text),
        column(&DataType::String.nullable(), |i| odd(i, text(i))),
        column(&DataType::UUID, |i| {
            Value::UInt128(((i as u128 % 20) << 70) | (i as u128 % 2))
        }),
        column(&DataType::Int128, |i| Value::Int128(i as i128 % 20 - 10)),
        Column::Dict(DictColumn::new(codes, strings.into()).unwrap()),
    ]
}

/// The order that comparing rows one by one gives.
fn by_rows(keys: &[SortKey], rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    let flats: Vec<_> = keys.iter().map(|k| (k.column.to_flat(), k)).collect();
    order.sort_by(|&a, &b| {
        let orders = flats
            .iter()
            .map(|(f, k)| directed(k, f, a as usize, f, b as usize));
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    order
}

#[test]
fn encoded_orders_are_the_orders_of_rows() {
    let columns = columns();
    let ctx = context(1);
    for first in &columns {
        for second in &columns {
            for (descending, nulls_first) in [(false, false), (true, false), (true, true)] {
                let keys = vec![
                    SortKey {
                        column: first.clone(),
                        descending,
                        nulls_first,
                    },
                    SortKey::ascending(second.clone()),
                ];
                let expected = by_rows(&keys, 500);
                assert_eq!(sort_permutation(&keys, 500), expected);
                for ranks in [true, false] {
                    let keys = encode::keys(keys.clone(), ranks);
                    assert_eq!(order(&keys, 500, None, &ctx).unwrap(), expected);
                    assert_eq!(order(&keys, 500, Some(9), &ctx).unwrap(), expected[..9]);
                }
            }
        }
    }
}
