//! Part files give back the rows they were made of, and are pruned without losing one.

mod compat;
mod damage;

use std::ops::Bound;

use super::*;
use crate::block::Block;
use crate::column::ColumnBuilder;
use crate::hooks::{Condition, ValueRange};
use crate::part::{Compression, IndexSpec, Part, PartSpec, PartWriter};
use crate::storage::MemoryStorage;
use crate::types::{DataType, Value};

fn noise(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z ^ (z >> 31)
}

fn text(n: u64) -> Value {
    Value::string(format!("a value with number {n}"))
}

/// Name, type, and the value of row i.
type Maker = (&'static str, &'static str, fn(u64) -> Value);

/// Columns of all kinds; the first is the key.
const COLUMNS: &[Maker] = &[
    ("k", "UInt32", |i| Value::UInt(i / 3)),
    ("random", "Int64", |i| Value::Int(noise(i) as i64)),
    ("small", "Nullable(Int16)", |i| {
        if noise(i).is_multiple_of(4) {
            Value::Null
        } else {
            Value::Int((noise(i) % 9) as i64)
        }
    }),
    ("constant", "Float64", |_| Value::Float(0.25)),
    ("half", "Float64", |i| {
        Value::Float(if i < 300 { f64::NAN } else { i as f64 / 8.0 })
    }),
    ("dict", "LowCardinality(String)", |i| text(noise(i) % 11)),
    ("late", "String", |i| {
        if i < 200 { text(i % 5) } else { text(i) }
    }),
    ("unique", "String", text),
    ("maybe", "Nullable(String)", |i| {
        if i % 100 < 50 {
            Value::Null
        } else {
            text(i % 7)
        }
    }),
    ("fixed", "FixedString(4)", |i| {
        Value::Bytes((noise(i) as u32).to_le_bytes().to_vec())
    }),
    ("list", "Array(Nullable(UInt8))", |i| {
        Value::Array(
            (0..i % 4)
                .map(|n| if n == 2 { Value::Null } else { Value::UInt(n) })
                .collect(),
        )
    }),
    ("map", "Map(String, UInt64)", |i| {
        Value::Map(vec![(text(i % 3), Value::UInt(i))])
    }),
    ("pair", "Tuple(Date, UUID)", |i| {
        Value::Tuple(vec![
            Value::UInt(i / 50),
            Value::UInt128(u128::from(noise(i)) << 64 | u128::from(i)),
        ])
    }),
];

fn sample(rows: usize) -> Block {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (name, ty, value) in COLUMNS {
        let ty: DataType = ty.parse().unwrap();
        let mut builder = ColumnBuilder::new(&ty, rows);
        (0..rows as u64).for_each(|i| builder.push(&value(i)).unwrap());
        columns.push(Column::Flat(builder.finish()));
        fields.push(Field::new(*name, ty));
    }
    Block::new(Schema::new(fields), columns, rows).unwrap()
}

fn info() -> PartInfo {
    PartInfo {
        id: 42,
        partition: "202601".into(),
        bucket: 3,
        level: 1,
        min_block: 5,
        max_block: 9,
        ..PartInfo::default()
    }
}

fn write(
    storage: &Arc<dyn Storage>,
    block: &Block,
    granule_rows: usize,
    step: usize,
    compression: Compression,
) -> PartInfo {
    let codecs = [None, Some("Delta, ZSTD(1)".into()), Some("NONE".into())];
    let spec = PartSpec {
        granule_rows,
        compression,
        codecs: &codecs,
        partition: vec![PartitionValue {
            name: "toYYYYMM(d)".into(),
            ty: DataType::UInt32,
            value: Value::UInt(202_601),
        }],
        indexes: vec![
            index("unique", "bloom_filter(0.001)"),
            index("random", "set(100)"),
            index("k", "minmax"),
        ],
        ..PartSpec::new(
            block.schema(),
            vec![KeyColumn::new("k", DataType::UInt32)],
            info(),
        )
    };
    let mut writer = PartWriter::create(storage, "part", spec).unwrap();
    for start in (0..block.rows()).step_by(step) {
        let piece = block.slice(start, step.min(block.rows() - start));
        writer.write(&piece, &[piece.column(0).clone()]).unwrap();
    }
    writer.finish().unwrap()
}

fn index(column: &str, ty: &str) -> IndexSpec {
    IndexSpec {
        name: format!("i_{column}"),
        expression: column.into(),
        ty: ty.into(),
        granularity: 1,
    }
}

fn memory() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new())
}

fn same(found: &Column, block: &Block, c: usize, rows: impl Iterator<Item = usize>) {
    found.check(&block.schema().fields[c].ty).unwrap();
    let mut at = 0;
    for row in rows {
        let (a, b) = (found.value(at), block.column(c).value(row));
        assert!(
            a.compare(&b).is_eq(),
            "column {c} row {row}: {a:?}, expected {b:?}"
        );
        at += 1;
    }
    assert_eq!(found.len(), at);
}

#[test]
fn rows_come_back() {
    let block = sample(1000);
    for (granule, step, compression) in [
        (100, 1000, Compression::Lz4),
        (64, 37, Compression::Zstd(1)),
        (8192, 500, Compression::None),
    ] {
        let storage = memory();
        let info = write(&storage, &block, granule, step, compression);
        assert_eq!((info.rows, info.bucket), (1000, 3));
        let part = Part::open(&storage, "part", info).unwrap();
        assert_eq!(part.schema(), block.schema());
        part.verify().unwrap();
        for c in 0..COLUMNS.len() {
            for range in [0..1000, 0..0, 99..101, 250..251, 128..640, 900..1000] {
                same(&part.read(c, range.clone()).unwrap(), &block, c, range);
            }
            for rows in [vec![], vec![0], vec![5, 6, 99, 100, 641, 999]] {
                let found = part.read_rows(c, &rows).unwrap();
                same(&found, &block, c, rows.iter().map(|r| *r as usize));
            }
        }
    }
}

#[test]
fn the_same_rows_make_the_same_file() {
    let block = sample(700);
    let (a, b) = (memory(), memory());
    write(&a, &block, 64, 700, Compression::Lz4);
    write(&b, &block, 64, 11, Compression::Lz4);
    assert_eq!(a.read("part").unwrap(), b.read("part").unwrap());
}

#[test]
fn an_empty_part_opens() {
    let storage = memory();
    let info = write(&storage, &sample(0), 100, 10, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    assert_eq!((part.rows(), part.granules()), (0, 0));
    assert!(part.prune(&[]).is_empty());
    assert_eq!(part.read(0, 0..0).unwrap().len(), 0);
}

#[test]
fn representations_survive_reading() {
    let storage = memory();
    let part = write(&storage, &sample(1000), 100, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", part).unwrap();
    let column = |name| {
        part.read(part.schema().index_of(name).unwrap(), 150..850)
            .unwrap()
    };
    assert!(matches!(column("constant"), Column::Const { len: 700, .. }));
    assert!(matches!(column("dict"), Column::Dict(d) if d.dict().len() == 11));
    assert!(matches!(column("maybe"), Column::Dict(_)));
    assert!(matches!(column("unique"), Column::Flat(_)));
}

fn between(column: &str, low: Value, high: Value) -> Condition {
    let (low, high) = (Bound::Included(low), Bound::Included(high));
    Condition {
        column: column.into(),
        ranges: vec![ValueRange { low, high }],
    }
}

#[test]
fn pruning_never_loses_a_row() {
    let block = sample(1000);
    let storage = memory();
    let info = write(&storage, &block, 50, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    let mut pruned = 0;
    for seed in 0..250 {
        let mut pick = (0..).map(|i| noise(seed * 100 + i));
        let mut next = |n: u64| pick.next().unwrap_or(0) % n;
        let conditions: Vec<Condition> = (0..1 + next(3))
            .map(|_| {
                let c = next(COLUMNS.len() as u64) as usize;
                let (a, b) = (COLUMNS[c].2(next(1000)), COLUMNS[c].2(next(1000)));
                let (low, high) = if a.compare(&b).is_le() {
                    (a, b)
                } else {
                    (b, a)
                };
                let low = if next(4) == 0 {
                    Bound::Unbounded
                } else {
                    Bound::Excluded(low)
                };
                let high = match next(4) {
                    0 => Bound::Unbounded,
                    1 => Bound::Excluded(high),
                    _ => Bound::Included(high),
                };
                Condition {
                    column: COLUMNS[c].0.into(),
                    ranges: vec![ValueRange { low, high }],
                }
            })
            .collect();
        let ranges = part.prune(&conditions);
        assert!(ranges.windows(2).all(|w| w[0].end < w[1].start));
        assert!(ranges.iter().all(|r| r.start % 50 == 0 && r.end % 50 == 0));
        pruned += 1000 - ranges.iter().map(|r| r.len()).sum::<usize>();
        for row in 0..1000 {
            let matches = conditions.iter().all(|condition| {
                let v = block.column_named(&condition.column).unwrap().value(row);
                !v.is_null() && condition.may_match(&v, &v)
            });
            assert!(
                !matches || ranges.iter().any(|r| r.contains(&row)),
                "row {row}: {conditions:?}"
            );
        }
    }
    assert!(pruned > 60_000, "{pruned}");
}

#[test]
fn pruning_is_sharp() {
    let storage = memory();
    let info = write(&storage, &sample(1000), 50, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    let uint = Value::UInt;
    assert_eq!(
        part.prune(&[between("k", uint(100), uint(100))]),
        vec![300..350]
    );
    assert!(
        part.prune(&[between("toYYYYMM(d)", uint(202_602), uint(202_700))])
            .is_empty()
    );
    assert_eq!(
        part.prune(&[between("toYYYYMM(d)", uint(202_601), uint(202_601))]),
        vec![0..1000]
    );
    assert!(part.prune(&[between("unique", text(2), text(2))]).len() <= 4);
    let many = |n: u64| (0..n).map(|i| ValueRange::point(uint(i * 30))).collect();
    let condition = Condition {
        column: "k".into(),
        ranges: many(11),
    };
    assert_eq!(
        part.prune(&[condition])
            .iter()
            .map(|r| r.len())
            .sum::<usize>(),
        11 * 50
    );
    // A page of NULLs only.
    let all = between("maybe", Value::string(""), Value::string("z"));
    assert_eq!(part.prune(&[all])[0], 50..100);
}

#[test]
fn statistics_of_the_whole_part() {
    let storage = memory();
    let info = write(&storage, &sample(1000), 100, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    let k = part.column_stats("k").unwrap();
    assert_eq!(
        (k.min, k.max, k.nulls, k.exact),
        (Value::UInt(0), Value::UInt(333), 0, true)
    );
    assert_eq!(part.column_stats("dict").unwrap().distinct_estimate, 11);
    assert_eq!(part.column_stats("maybe").unwrap().nulls, 500);
    assert!(!part.column_stats("half").unwrap().exact);
    assert!(part.column_stats("list").is_none() && part.column_stats("nothing").is_none());
}

#[test]
fn filters_prune_equality() {
    let storage = memory();
    let info = write(&storage, &sample(1000), 50, 1000, Compression::Lz4);
    let part = Part::open(&storage, "part", info).unwrap();
    assert_eq!(part.indexes()[1], index("random", "set(100)"));
    let point = |v: Value| between("random", v.clone(), v);
    let mut found = 0;
    for row in (0..1000).step_by(7) {
        let ranges = part.prune(&[point(Value::Int(noise(row as u64) as i64))]);
        assert!(ranges.iter().any(|r| r.contains(&row)));
        found += ranges.iter().map(|r| r.len()).sum::<usize>();
    }
    assert!(found < 143 * 80, "{found}");
    assert_eq!(
        part.prune(&[between("unique", text(777), text(777))]),
        vec![750..800]
    );
    let absent: usize = (0..100)
        .map(|i| part.prune(&[point(Value::Int(i))]).len())
        .sum();
    assert!(absent < 60, "{absent}");
}
