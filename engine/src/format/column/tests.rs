//! Every shape and representation comes back.

use super::*;
use crate::codec::Compression;
use crate::column::ColumnBuilder;
use crate::types::{DataType, Value};

fn choice() -> CodecChoice {
    CodecChoice {
        compression: Compression::Lz4,
        ..CodecChoice::default()
    }
}

fn column(ty: &str, rows: usize, value: impl Fn(usize) -> Value) -> (DataType, Column) {
    let ty: DataType = ty.parse().unwrap();
    let mut builder = ColumnBuilder::new(&ty, rows);
    (0..rows).for_each(|i| builder.push(&value(i)).unwrap());
    (ty, Column::Flat(builder.finish()))
}

fn round_trip((ty, column): (DataType, Column)) -> Column {
    let mut bytes = Vec::new();
    put_column(&mut bytes, &column, choice(), None).unwrap();
    let mut cursor = Cursor::new(&bytes);
    let found = read_column(&mut cursor, &ty.physical(), column.len(), None).unwrap();
    cursor.end().unwrap();
    found.check(&ty).unwrap();
    assert_eq!(found.len(), column.len());
    for row in 0..column.len() {
        assert_eq!(found.value(row), column.value(row), "{ty} row {row}");
    }
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / 50) {
        let cut = read_column(
            &mut Cursor::new(&bytes[..cut]),
            &ty.physical(),
            column.len(),
            None,
        );
        assert!(cut.is_err());
    }
    found
}

fn text(i: usize) -> Value {
    Value::string(format!("value {i}"))
}

#[test]
fn every_shape_comes_back() {
    let strings = |n: usize| move |i: usize| text(i % n);
    for rows in [0, 1, 2, 100, 1500] {
        round_trip(column("Int64", rows, |i| Value::Int(i as i64 * 3 - 7)));
        round_trip(column("Nullable(Int32)", rows, |i| match i % 3 {
            0 => Value::Null,
            _ => Value::Int(i as i64),
        }));
        round_trip(column("String", rows, strings(rows + 1)));
        round_trip(column("String", rows, strings(20)));
        round_trip(column("FixedString(9)", rows, strings(20)));
        round_trip(column("FixedString(12)", rows, strings(rows + 1)));
        round_trip(column("Nullable(String)", rows, |i| match i % 7 {
            0 => Value::Null,
            n => text(n),
        }));
        round_trip(column("Array(Array(UInt8))", rows, |i| {
            Value::Array(vec![Value::Array(vec![Value::UInt(1); i % 5]); i % 3])
        }));
        round_trip(column("Tuple(a Int8, b Array(String))", rows, |i| {
            Value::Tuple(vec![
                Value::Int(i as i64 % 100),
                Value::Array(vec![text(i % 9); i % 4]),
            ])
        }));
        round_trip(column("Map(String, Nullable(Float64))", rows, |i| {
            Value::Map(vec![
                (text(i % 3), Value::Float(i as f64)),
                (text(1), Value::Null),
            ])
        }));
        round_trip(column("Tuple()", rows, |_| Value::Tuple(vec![])));
        round_trip(column("Nullable(Nothing)", rows, |_| Value::Null));
        round_trip(column("UUID", rows, |i| {
            Value::UInt128(u128::MAX - i as u128 * 12345678901234567890)
        }));
    }
}

#[test]
fn representations_are_kept() {
    let dict = round_trip(column("String", 1000, |i| text(i % 10)));
    assert!(matches!(&dict, Column::Dict(d) if d.dict().len() == 10));
    round_trip((DataType::String, dict.slice(3, 500)));
    for constant in [
        column("String", 9, |_| text(1)),
        column("Nullable(String)", 9, |_| Value::Null),
        column("Float64", 9, |_| Value::Float(0.5)),
    ] {
        assert!(matches!(round_trip(constant), Column::Const { len: 9, .. }));
    }
    let array = Value::Array(vec![Value::UInt(1)]);
    let ty = DataType::UInt8.array();
    round_trip((ty.clone(), Column::constant(&array, &ty, 100).unwrap()));
}

#[test]
fn slices_are_written_alone() {
    let (ty, whole) = column("Array(String)", 100, |i| Value::Array(vec![text(i); i % 4]));
    round_trip((ty, whole.slice(17, 30)));
    let (ty, whole) = column("Nullable(String)", 100, |i| {
        if i.is_multiple_of(9) {
            Value::Null
        } else {
            text(i)
        }
    });
    round_trip((ty, whole.slice(17, 30)));
}

#[test]
fn a_shared_dictionary_serves_many_pages() {
    for ty in [
        "String",
        "Nullable(String)",
        "FixedString(8)",
        "LowCardinality(Nullable(String))",
    ] {
        let value = |i: usize| match ty.contains("Nullable") && i.is_multiple_of(5) {
            true => Value::Null,
            false => text(i % 40 + i / 800 * 10),
        };
        let (ty, whole) = column(ty, 4000, value);
        let mut shared = SharedDictionary::new(&ty.physical(), false).unwrap();
        let mut pages = Vec::new();
        for start in (0..4000).step_by(400) {
            let mut bytes = Vec::new();
            put_column(
                &mut bytes,
                &whole.slice(start, 400),
                choice(),
                Some(&mut shared),
            )
            .unwrap();
            assert_eq!(bytes[0], SHARED);
            pages.push(bytes);
        }
        let mut bytes = Vec::new();
        let count = shared.len();
        put_entries(&mut bytes, &shared.finish().unwrap(), choice()).unwrap();
        let entries = read_entries(&mut Cursor::new(&bytes), &ty.physical(), count).unwrap();
        let entries = Arc::new(entries);
        for (p, page) in pages.iter().enumerate() {
            let found =
                read_column(&mut Cursor::new(page), &ty.physical(), 400, Some(&entries)).unwrap();
            for row in 0..400 {
                assert_eq!(found.value(row), whole.value(p * 400 + row));
            }
            assert!(read_column(&mut Cursor::new(page), &ty.physical(), 400, None).is_err());
        }
    }
}

#[test]
fn a_shared_dictionary_closes_when_it_does_not_pay() {
    let (ty, whole) = column("String", 4000, text);
    let mut shared = SharedDictionary::new(&ty.physical(), false).unwrap();
    let mut bytes = Vec::new();
    put_column(&mut bytes, &whole, choice(), Some(&mut shared)).unwrap();
    assert_eq!(bytes[0], VALUES);
    assert!(shared.is_empty());
}

#[test]
fn flipped_bits_never_panic() {
    let samples = [
        column("Array(Nullable(String))", 60, |i| {
            Value::Array(vec![text(i % 9), Value::Null])
        }),
        column("String", 100, |i| text(i % 10)),
        column("Int64", 300, |i| Value::Int((i * i) as i64)),
        column("Map(UInt8, Float64)", 50, |i| {
            Value::Map(vec![(
                Value::UInt(i as u64 % 9),
                Value::Float(i as f64 / 4.0),
            )])
        }),
    ];
    for (ty, column) in samples {
        let mut bytes = Vec::new();
        put_column(&mut bytes, &column, choice(), None).unwrap();
        for at in 0..bytes.len() {
            for mask in [1, 0x80, 0xFF] {
                let mut bad = bytes.clone();
                bad[at] ^= mask;
                if let Ok(c) =
                    read_column(&mut Cursor::new(&bad), &ty.physical(), column.len(), None)
                {
                    assert_eq!(c.len(), column.len());
                    c.check(&ty).unwrap();
                }
                let picks = [0, 3, column.len() as u32 - 1];
                let (shape, mut cursor) = (ty.physical(), Cursor::new(&bad));
                if let Ok(c) = pick_column(&mut cursor, &shape, column.len(), None, &picks) {
                    assert_eq!(c.len(), picks.len());
                    c.check(&ty).unwrap();
                }
            }
        }
    }
}

#[test]
fn picked_rows_are_the_rows_of_the_whole_page() {
    type Make = fn(usize) -> Value;
    let makes: [(&str, Make); 16] = [
        ("UInt8", |_| Value::UInt(7)),
        ("Int32", |i| Value::Int((i as i64 * 7919) % 1000 - 500)),
        ("UInt64", |i| {
            Value::UInt((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        }),
        ("UInt32", |i| {
            Value::UInt(1_700_000_000 + i as u64 * 3 + (i as u64 % 2))
        }),
        ("Int64", |i| Value::Int(1000 + i as i64 * 60)),
        ("UInt16", |i| Value::UInt([1, 60_000, 7, 33_333][i * i % 4])),
        ("UInt32", |i| Value::UInt(i as u64 / 100 * 1_000_003)),
        ("Float64", |i| Value::Float((i * 37 % 1000) as f64 / 100.0)),
        ("Float32", |i| {
            Value::Float(f64::from(((i * 37) as f32).sqrt()))
        }),
        ("String", |i| text(i)),
        ("String", |i| text(i % 5)),
        ("FixedString(2)", |i| {
            Value::Bytes(vec![b'a' + (i % 7) as u8, (i % 251) as u8])
        }),
        ("Nullable(Int16)", |i| match i % 3 {
            0 => Value::Null,
            _ => Value::Int(i as i64 % 900),
        }),
        ("Nullable(String)", |i| match i % 50 {
            0 => Value::Null,
            _ => text(i),
        }),
        ("Array(String)", |i| {
            Value::Array((0..i % 4).map(text).collect())
        }),
        ("Tuple(UInt8, String)", |i| {
            Value::Tuple(vec![Value::UInt(i as u64 % 9), text(i)])
        }),
    ];
    for (name, make) in makes {
        let rows = 900;
        let (ty, whole) = column(name, rows, make);
        let mut bytes = Vec::new();
        put_column(&mut bytes, &whole, choice(), None).unwrap();
        let sets: [Vec<u32>; 4] = [
            vec![],
            vec![rows as u32 - 1],
            (0..rows as u32).step_by(97).collect(),
            (300..330).collect(),
        ];
        for picks in sets {
            let mut cursor = Cursor::new(&bytes);
            let found = pick_column(&mut cursor, &ty.physical(), rows, None, &picks).unwrap();
            cursor.end().unwrap();
            found.check(&ty).unwrap();
            let wanted: Vec<Value> = picks.iter().map(|p| whole.value(*p as usize)).collect();
            let found: Vec<Value> = (0..found.len()).map(|i| found.value(i)).collect();
            assert_eq!(found, wanted, "{name}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_refused_or_become_a_column(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 2..120),
        tags in (0u8..5, 0u8..9),
        rows in 0usize..200,
    ) {
        let mut bytes = bytes;
        (bytes[0], bytes[1]) = tags;
        let entries = Arc::new(column("String", 3, text).1.to_flat());
        for ty in ["Int64", "String", "Nullable(String)", "Array(Nullable(Float64))",
            "FixedString(3)", "Tuple(UInt8, Array(String))", "Map(String, UUID)"] {
            let ty: DataType = ty.parse().unwrap();
            let mut cursor = Cursor::new(&bytes);
            let shared = (ty == DataType::String).then_some(&entries);
            if let Ok(c) = read_column(&mut cursor, &ty.physical(), rows, shared) {
                assert_eq!(c.len(), rows);
                c.check(&ty).unwrap();
                assert_eq!(c.to_flat().len(), rows);
            }
            let picks: Vec<u32> = (0..rows as u32).step_by(13).collect();
            let mut cursor = Cursor::new(&bytes);
            if let Ok(c) = pick_column(&mut cursor, &ty.physical(), rows, shared, &picks) {
                assert_eq!(c.len(), picks.len());
                c.check(&ty).unwrap();
            }
        }
        let (mut nulls, mut values) = (Vec::new(), Vec::<i32>::new());
        if read_nullable_page(&mut Cursor::new(&bytes), rows, &mut nulls, &mut values).is_ok() {
            assert_eq!((nulls.len(), values.len()), (rows, rows));
        }
    }
}
