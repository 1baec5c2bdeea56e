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

fn ends(column: &str, low: Bound<i64>, high: Bound<i64>) -> Condition {
    Condition {
        column: column.into(),
        ranges: vec![ValueRange {
            low: low.map(Value::Int),
            high: high.map(Value::Int),
        }],
    }
}

/// Sorted by (a, b); a = row / 5000, b = row % 5000 / 2.
fn two_keys(rows: i64) -> Part {
    let a: Vec<i64> = (0..rows).map(|i| i / 5000).collect();
    let b: Vec<i64> = (0..rows).map(|i| i % 5000 / 2).collect();
    let columns = vec![Column::native(a), Column::native(b)];
    let field = |name: &str| Field::new(name, DataType::Int64);
    let key = ["a", "b"].map(|n| KeyColumn::new(n, DataType::Int64));
    let schema = Schema::new(vec![field("a"), field("b")]);
    let block = Block::new(schema, columns.clone(), rows as usize).unwrap();
    Part::memory(block, key.to_vec(), &columns, Vec::new(), info(8)).unwrap()
}

fn narrowed(part: &Part, conditions: &[Condition]) -> Vec<Range<usize>> {
    part.narrow(conditions).ranges
}

#[test]
fn a_range_of_keys_is_narrowed_to_its_rows() {
    use Bound::{Excluded, Included, Unbounded};
    let part = sample(100_000);
    assert_eq!(
        narrowed(&part, &[condition("k", 819, 820)]),
        vec![8190..8210]
    );
    assert_eq!(narrowed(&part, &[condition("v", 0, 5)]).len(), 4);
    let part = two_keys(100_000);
    let a = |n| condition("a", n, n);
    assert_eq!(narrowed(&part, &[a(7)]), vec![35_000..40_000]);
    assert_eq!(
        narrowed(&part, &[a(7), condition("b", 3, 4)]),
        vec![35_006..35_010]
    );
    // Both ends in conditions of their own, and a granule's end between them.
    let both = [
        a(8),
        ends("b", Excluded(400), Unbounded),
        ends("b", Unbounded, Included(700)),
    ];
    assert_eq!(narrowed(&part, &both), vec![40_802..41_402]);
    assert_eq!(
        narrowed(&part, &[a(19), ends("b", Included(2400), Unbounded)]),
        vec![99_800..100_000]
    );
    assert!(narrowed(&part, &[a(7), ends("b", Excluded(10), Excluded(11))]).is_empty());
    assert!(narrowed(&part, &[a(20)]).is_empty() && narrowed(&part, &[a(-1)]).is_empty());
    // A range of the first element says nothing of the second.
    assert_eq!(
        narrowed(&part, &[condition("a", 3, 4), condition("b", 5, 5)]),
        vec![15_000..25_000]
    );
    let certain = |conditions: &[Condition]| part.narrow(conditions).certain;
    assert!(certain(&[a(7)]) && certain(&both) && certain(&[condition("a", 3, 9)]) && certain(&[]));
    assert!(!certain(&[condition("a", 3, 4), condition("b", 5, 5)]));
    assert!(!certain(&[condition("b", 5, 5)]));
    let wide = narrowed(&part, &[ends("a", Included(0), Unbounded)]);
    assert_eq!(wide, vec![0..100_000]);
}

#[test]
fn narrowed_ranges_hold_every_row_that_matches() {
    let part = two_keys(60_000);
    let mut seed = 7_u64;
    let mut next = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((seed >> 33) % n) as i64
    };
    for _ in 0..200 {
        let (a, low) = (next(13), next(2600) - 20);
        let high = low + next(300);
        let found = part.narrow(&[condition("a", a, a), condition("b", low, high)]);
        let fits = |row: &i64| row / 5000 == a && (low..=high).contains(&(row % 5000 / 2));
        let rows: Vec<i64> = (0..60_000).filter(fits).collect();
        assert!(found.certain || found.ranges.is_empty());
        let got: Vec<i64> = found
            .ranges
            .into_iter()
            .flatten()
            .map(|r| r as i64)
            .collect();
        assert_eq!(got, rows, "a = {a}, b from {low} to {high}");
    }
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
