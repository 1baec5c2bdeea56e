//! Parts answer as the rows they were made of.

use std::ops::Bound;

use super::*;
use crate::block::Field;
use crate::hooks::ValueRange;
use crate::types::{DataType, Value};

fn info(id: u64) -> PartInfo {
    PartInfo {
        id,
        partition: "all".into(),
        min_block: 1,
        max_block: 1,
        ..PartInfo::default()
    }
}

fn condition(column: &str, low: i64, high: i64) -> Condition {
    let range = ValueRange {
        low: Bound::Included(Value::Int(low)),
        high: Bound::Included(Value::Int(high)),
    };
    Condition {
        column: column.into(),
        ranges: vec![range],
    }
}

/// k = row / 10, v = a saw tooth.
fn sample(rows: i64) -> Part {
    let k: Vec<i64> = (0..rows).map(|i| i / 10).collect();
    let v: Vec<i64> = (0..rows).map(|i| i % 30_000).collect();
    let columns = vec![Column::native(k), Column::native(v)];
    let fields = vec![
        Field::new("k", DataType::Int64),
        Field::new("v", DataType::Int64),
    ];
    let key = vec![KeyColumn::new("k", DataType::Int64)];
    let block = Block::new(Schema::new(fields), columns.clone(), rows as usize).unwrap();
    Part::memory(block, key, &columns[..1], Vec::new(), info(7)).unwrap()
}

#[test]
fn a_memory_part_prunes_by_key_and_statistics() {
    let part = sample(100_000);
    assert_eq!(part.granules(), 13);
    assert_eq!(part.granule_rows(12), 98_304..100_000);
    assert_eq!(part.prune(&[]), vec![0..100_000]);
    assert_eq!(part.prune(&[condition("k", 819, 819)]), vec![0..16_384]);
    assert_eq!(part.prune(&[condition("k", 820, 820)]), vec![8192..16_384]);
    assert!(part.prune(&[condition("k", 10_000, 20_000)]).is_empty());
    assert_eq!(part.prune(&[condition("v", 0, 5)]).len(), 4);
    assert_eq!(part.prune(&[condition("unknown", 0, 5)]), vec![0..100_000]);
    let none = Condition {
        column: "unknown".into(),
        ranges: vec![],
    };
    assert!(part.prune(&[none]).is_empty());
}

#[test]
fn whole_statistics() {
    let part = sample(100_000);
    let stats = part.column_stats("k").unwrap();
    assert_eq!(
        (stats.min, stats.max, stats.nulls),
        (Value::Int(0), Value::Int(9_999), 0)
    );
    assert!(stats.exact && (9_500..10_500).contains(&stats.distinct_estimate));
}

#[test]
fn reads_are_slices() {
    let part = sample(20_000);
    let column = part.read(0, 8_000..8_400).unwrap();
    assert_eq!(column.len(), 400);
    assert_eq!(column.value(5), Value::Int(800));
    assert_eq!(
        part.read_rows(1, &[3, 19_999]).unwrap().value(1),
        Value::Int(19_999)
    );
    assert!(part.read(0, 0..20_001).is_err() && part.read(2, 0..1).is_err());
    assert!(part.read_rows(0, &[20_000]).is_err());
}
