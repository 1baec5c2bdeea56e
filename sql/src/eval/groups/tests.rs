//! Ids and keys of every key shape.

use roost_engine::column::{Column, ColumnBuilder, DictColumn};
use roost_engine::types::{DataType, Value};

use super::{Groups, NO_GROUP};

fn column(ty: &DataType, values: &[Value]) -> Column {
    let mut builder = ColumnBuilder::new(ty, values.len());
    values.iter().for_each(|v| builder.push(v).unwrap());
    Column::Flat(builder.finish())
}

/// Groups rows, checks ids against equality of rows, keys against rows, and finding.
fn check(types: &[DataType], rows: &[Vec<Value>]) {
    let columns: Vec<Column> = types
        .iter()
        .enumerate()
        .map(|(i, ty)| column(ty, &rows.iter().map(|r| r[i].clone()).collect::<Vec<_>>()))
        .collect();
    let mut groups = Groups::new(types);
    let (mut ids, mut again) = (Vec::new(), Vec::new());
    let half = rows.len() / 2;
    let halves = [(0, half), (half, rows.len() - half)];
    for (start, len) in halves {
        let part: Vec<Column> = columns.iter().map(|c| c.slice(start, len)).collect();
        let mut some = Vec::new();
        groups.assign(&part, len, &mut some).unwrap();
        ids.extend(some);
    }
    let mut seen: Vec<&Vec<Value>> = Vec::new();
    for (row, id) in rows.iter().zip(&ids) {
        let expected = seen.iter().position(|s| *s == row).unwrap_or_else(|| {
            seen.push(row);
            seen.len() - 1
        });
        assert_eq!(*id as usize, expected, "{row:?}");
    }
    assert_eq!(groups.len(), seen.len());
    let keys = groups.keys().unwrap();
    for (id, row) in seen.iter().enumerate() {
        let key: Vec<Value> = keys.iter().map(|k| k.value(id)).collect();
        assert_eq!(&&key, row);
    }
    groups.find(&columns, rows.len(), &mut again).unwrap();
    assert_eq!(ids, again);
}

fn cycle(n: usize, of: usize, cell: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..n).map(|i| cell(i * 7 % of)).collect()
}

fn rows(columns: &[Vec<Value>]) -> Vec<Vec<Value>> {
    (0..columns[0].len())
        .map(|i| columns.iter().map(|c| c[i].clone()).collect())
        .collect()
}

#[test]
fn every_shape_of_key_numbers_rows() {
    use DataType as T;
    let text = |n: usize| Value::string(format!("value {n} {}", "x".repeat(n % 30)));
    let small = cycle(1000, 5, |n| Value::UInt(n as u64));
    let wide = cycle(1000, 300, |n| Value::Int(n as i64 - 100));
    let strings = cycle(1000, 211, text);
    let nullable = cycle(1000, 13, |n| if n == 3 { Value::Null } else { text(n) });
    let uuid = cycle(1000, 17, |n| Value::UInt128(u128::MAX - n as u128));
    let arrays = cycle(1000, 11, |n| Value::Array(vec![text(n); n % 3]));
    let tuples = cycle(1000, 9, |n| {
        Value::Tuple(vec![Value::Float(n as f64 / 2.0), text(n % 2)])
    });
    let pair = T::tuple(vec![T::Float64, T::String]);
    check(&[T::UInt8], &rows(std::slice::from_ref(&small)));
    check(
        &[T::UInt8.nullable()],
        &rows(&[cycle(99, 4, |n| {
            if n == 1 {
                Value::Null
            } else {
                Value::UInt(n as u64)
            }
        })]),
    );
    check(&[T::Int64], &rows(std::slice::from_ref(&wide)));
    check(
        &[T::Int32, T::UInt16],
        &rows(&[wide.clone(), small.clone()]),
    );
    check(&[T::String], &rows(std::slice::from_ref(&strings)));
    check(
        &[T::String.nullable()],
        &rows(std::slice::from_ref(&nullable)),
    );
    check(&[T::UUID], &rows(std::slice::from_ref(&uuid)));
    check(
        &[T::UUID.nullable(), T::UInt8],
        &rows(&[uuid, small.clone()]),
    );
    check(&[T::String.array()], &rows(std::slice::from_ref(&arrays)));
    check(
        std::slice::from_ref(&pair),
        &rows(std::slice::from_ref(&tuples)),
    );
    check(
        &[
            T::String,
            T::Int64,
            T::String.nullable(),
            T::Int64,
            pair,
            T::String.array(),
        ],
        &rows(&[strings, wide.clone(), nullable, wide, tuples, arrays]),
    );
    check(&[], &vec![Vec::new(); 3]);
}

#[test]
fn dictionaries_do_not_make_groups_of_unused_entries() {
    let dict = column(&DataType::String, &["a", "b", "c"].map(Value::string)).to_flat();
    let dict = DictColumn::new(vec![2u32, 0, 2, 2].into(), dict.into()).unwrap();
    let mut groups = Groups::new(&[DataType::String]);
    let mut ids = Vec::new();
    groups.assign(&[Column::Dict(dict)], 4, &mut ids).unwrap();
    assert_eq!(ids, [0, 1, 0, 0]);
    assert_eq!(groups.keys().unwrap()[0].value(0), Value::string("c"));
    let other = column(&DataType::String, &["b", "a"].map(Value::string));
    groups.find(&[other], 2, &mut ids).unwrap();
    assert_eq!(ids, [NO_GROUP, 1]);
}

#[test]
fn blocks_that_share_a_dictionary_share_its_ids() {
    let texts: Vec<Value> = (0..50)
        .map(|n| Value::string(format!("entry {n}")))
        .collect();
    let dict: std::sync::Arc<_> = column(&DataType::String, &texts).to_flat().into();
    let block = |codes: &[u32]| {
        let codes = codes.to_vec().into();
        Column::Dict(DictColumn::new(codes, std::sync::Arc::clone(&dict)).unwrap())
    };
    let numbers = |n: usize| column(&DataType::UInt64, &vec![Value::UInt(7); n]);
    let mut single = Groups::new(&[DataType::String]);
    let mut pair = Groups::new(&[DataType::String, DataType::UInt64]);
    let mut ids = Vec::new();
    for codes in [&[9u32, 3, 9][..], &[3, 4, 49, 9]] {
        single
            .assign(&[block(codes)], codes.len(), &mut ids)
            .unwrap();
        let alone = ids.clone();
        pair.assign(&[block(codes), numbers(codes.len())], codes.len(), &mut ids)
            .unwrap();
        assert_eq!(alone, ids);
        single.find(&[block(codes)], codes.len(), &mut ids).unwrap();
        assert_eq!(alone, ids);
    }
    assert_eq!(single.len(), 4);
    let keys = pair.keys().unwrap();
    let firsts: Vec<Value> = (0..4).map(|g| keys[0].value(g)).collect();
    assert_eq!(firsts, [9, 3, 4, 49].map(|n| texts[n].clone()));
}
