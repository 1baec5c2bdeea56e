//! Every kind of join against nested loops.

use roost_engine::types::{DataType, Value};

use crate::exec::tests::{id, run_on, scan, sorted, table};
use crate::expr::Expr;
use crate::plan::{Join, JoinKind, Plan, Strictness};

fn keys(n: usize, of: u64, seed: u64) -> Vec<Vec<Value>> {
    let row = |i: usize| {
        let k = (i as u64 * 2_654_435_761 + seed) % (of + 1);
        let key = if k == of { Value::Null } else { Value::UInt(k) };
        vec![key, Value::UInt(seed + i as u64)]
    };
    (0..n).map(row).collect()
}

fn types() -> [DataType; 2] {
    [DataType::UInt64.nullable(), DataType::UInt64]
}

fn join(kind: JoinKind, strictness: Strictness, left: &[Vec<Value>], right: &[Vec<Value>]) -> Join {
    let key = |n| Expr::Column(id(n), DataType::UInt64.nullable());
    Join {
        left: Plan::Scan(scan(table(&types(), left), 0)),
        right: Plan::Scan(scan(table(&types(), right), 10)),
        kind,
        strictness,
        on: vec![(key(0), key(10))],
        residual: None,
        asof: None,
        nullable_outputs: Vec::new(),
    }
}

/// Pairs by nested loops, rows without partners with defaults.
fn nested(kind: JoinKind, left: &[Vec<Value>], right: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let none = vec![Value::Null, Value::UInt(0)];
    let equal = |l: &Vec<Value>, r: &Vec<Value>| !l[0].is_null() && l[0] == r[0];
    let mut out = Vec::new();
    for l in left {
        let partners: Vec<_> = right.iter().filter(|r| equal(l, r)).collect();
        if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Full) {
            out.push([l.clone(), none.clone()].concat());
        }
        out.extend(partners.iter().map(|r| [l.clone(), (*r).clone()].concat()));
    }
    if matches!(kind, JoinKind::Right | JoinKind::Full) {
        let lonely = right.iter().filter(|r| !left.iter().any(|l| equal(l, r)));
        out.extend(lonely.map(|r| [none.clone(), r.clone()].concat()));
    }
    sorted(out)
}

#[test]
fn all_joins_give_the_pairs_of_nested_loops() {
    let sides = [
        (keys(40, 7, 1), keys(23, 9, 2)),
        (keys(5, 3, 3), keys(60, 5, 4)),
        (keys(4, 2, 0), Vec::new()),
    ];
    for (left, right) in &sides {
        for kind in [
            JoinKind::Inner,
            JoinKind::Left,
            JoinKind::Right,
            JoinKind::Full,
        ] {
            let plan = Plan::Join(Box::new(join(kind, Strictness::All, left, right)));
            for threads in [1, 3] {
                let rows = sorted(run_on(&plan, threads).unwrap());
                assert_eq!(rows, nested(kind, left, right), "{kind:?}");
            }
        }
    }
}

#[test]
fn semi_anti_and_any_keep_the_rows_they_say() {
    let (left, right) = (keys(40, 7, 1), keys(23, 4, 2));
    let has = |l: &Vec<Value>| !l[0].is_null() && right.iter().any(|r| r[0] == l[0]);
    let firsts = |strictness| {
        let plan = Plan::Join(Box::new(join(JoinKind::Left, strictness, &left, &right)));
        let rows = run_on(&plan, 1).unwrap();
        rows.iter().map(|r| r[..2].to_vec()).collect::<Vec<_>>()
    };
    let with: Vec<_> = left.iter().filter(|l| has(l)).cloned().collect();
    let without: Vec<_> = left.iter().filter(|l| !has(l)).cloned().collect();
    assert_eq!(firsts(Strictness::Semi), with);
    assert_eq!(firsts(Strictness::Anti), without);
    assert_eq!(firsts(Strictness::Any), left);
    let once = Plan::Join(Box::new(join(
        JoinKind::Inner,
        Strictness::Any,
        &left,
        &right,
    )));
    let mut distinct: Vec<Value> = with.iter().map(|l| l[0].clone()).collect();
    distinct.sort_by(Value::compare);
    distinct.dedup();
    assert_eq!(run_on(&once, 1).unwrap().len(), distinct.len());
}

#[test]
fn cross_joins_come_in_chunks() {
    let rows = keys(400, 3, 1);
    let mut cross = join(JoinKind::Cross, Strictness::All, &rows, &rows);
    cross.on.clear();
    let all = run_on(&Plan::Join(Box::new(cross)), 2).unwrap();
    assert_eq!(all.len(), 160_000);
    assert_eq!(all[401][..2], rows[1][..]);
    assert_eq!(all[401][2..], rows[1][..]);
}

#[test]
fn nearest_values_are_found_from_both_sides() {
    let row = |k: u64, t: u64| vec![Value::UInt(k), Value::UInt(t)];
    let left = vec![row(1, 5), row(1, 9), row(2, 1), row(3, 4)];
    let right = vec![row(1, 9), row(1, 3), row(1, 6), row(2, 2)];
    let run = |op, kind| {
        let mut asof = join(kind, Strictness::Asof, &left, &right);
        let value = |n| Expr::Column(id(n), DataType::UInt64);
        asof.asof = Some((value(1), value(11), op));
        let rows = run_on(&Plan::Join(Box::new(asof)), 1).unwrap();
        rows.iter()
            .map(|r| (r[1].as_u64().unwrap(), r[3].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(run("greaterOrEquals", JoinKind::Inner), [(5, 3), (9, 9)]);
    assert_eq!(run("greater", JoinKind::Inner), [(5, 3), (9, 6)]);
    assert_eq!(
        run("lessOrEquals", JoinKind::Left),
        [(5, 6), (9, 9), (1, 2), (4, 0)]
    );
    assert_eq!(run("less", JoinKind::Inner), [(5, 6), (1, 2)]);
}

#[test]
fn missing_sides_are_null_where_the_outputs_are_nullable() {
    let (left, right) = (keys(6, 2, 1), keys(3, 1, 9));
    let mut full = join(JoinKind::Full, Strictness::All, &left, &right);
    full.on = vec![(
        Expr::Column(id(1), DataType::UInt64),
        Expr::Column(id(11), DataType::UInt64),
    )];
    full.nullable_outputs = vec![
        (id(21), id(1), DataType::UInt64.nullable()),
        (id(31), id(11), DataType::UInt64.nullable()),
    ];
    let rows = run_on(&Plan::Join(Box::new(full)), 2).unwrap();
    assert_eq!(rows.len(), 9);
    assert!(rows[..6].iter().all(|r| !r[1].is_null() && r[3].is_null()));
    assert!(rows[6..].iter().all(|r| r[1].is_null() && !r[3].is_null()));
}
