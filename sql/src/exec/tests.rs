//! Whole plans over computed and held rows, by one and by several workers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::err;
use roost_engine::error::{Code, Result};
use roost_engine::types::{DataType, Value};

use super::{CancelToken, ExecContext, Flow, MemoryTracker, collect, execute};
use crate::expr::{AggregateCall, Call, ColumnId, Expr, InSet, SetSource};
use crate::functions::aggregates::bind_aggregate;
use crate::functions::{BoundFunction, Doc, Nulls, ScalarFunction};
use crate::plan::*;

static TEST: ScalarFunction = ScalarFunction {
    name: "test",
    aliases: &[],
    case_insensitive: false,
    nulls: Nulls::Own,
    deterministic: true,
    lambda_params: None,
    doc: Doc::NONE,
    bind: |_, _| Err(err!(NOT_IMPLEMENTED, "tests bind by hand")),
};

pub(super) const NUMBER: ColumnId = ColumnId(0);

pub(super) fn id(n: u32) -> ColumnId {
    ColumnId(n)
}

pub(super) fn u64_column(id: ColumnId) -> Expr {
    Expr::Column(id, DataType::UInt64)
}

/// `f(x)` over UInt64 columns.
pub(super) fn map(of: ColumnId, ty: DataType, f: fn(u64) -> u64) -> Expr {
    let answer = ty.clone();
    let bound = BoundFunction::new(ty, move |columns, rows| {
        let flat = columns[0].to_flat();
        let mut out = ColumnBuilder::new(&answer, rows);
        for x in flat.slice_of::<u64>()? {
            out.push(&Value::UInt(f(*x)))?;
        }
        Ok(Column::Flat(out.finish()))
    });
    Expr::Call(Arc::new(Call {
        function: &TEST,
        bound,
        args: vec![u64_column(of)],
    }))
}

pub(super) fn scan(source: impl TableSource + 'static, first: u32) -> Scan {
    let places = 0..source.schema().len();
    Scan {
        source: Arc::new(source),
        columns: places.map(|i| (ColumnId(first + i as u32), i)).collect(),
        filter: None,
        filter_only: Vec::new(),
        limit: None,
    }
}

pub(super) fn numbers(rows: u64) -> Plan {
    Plan::Scan(scan(SeriesSource::numbers(0, rows, 1), 0))
}

/// A source of small blocks.
pub(super) fn table(types: &[DataType], rows: &[Vec<Value>]) -> MemorySource {
    let fields = types.iter().enumerate();
    let fields = fields.map(|(i, ty)| Field::new(format!("c{i}"), ty.clone()));
    let schema = Schema::new(fields.collect());
    let blocks = rows.chunks(3).map(|rows| {
        let columns = types.iter().enumerate().map(|(i, ty)| {
            let mut builder = ColumnBuilder::new(ty, rows.len());
            rows.iter().for_each(|r| builder.push(&r[i]).unwrap());
            Column::Flat(builder.finish())
        });
        Block::new(Arc::clone(&schema), columns.collect(), rows.len()).unwrap()
    });
    let blocks = blocks.collect();
    MemorySource::new("test", schema, blocks)
}

pub(super) fn context(threads: usize) -> ExecContext {
    ExecContext {
        threads,
        ..ExecContext::default()
    }
}

pub(super) fn query(plan: Plan) -> Query {
    let outputs = plan.outputs();
    let columns = outputs.iter().map(|c| (format!("#{}", c.id.0), c.id));
    Query {
        columns: columns.collect(),
        plan,
    }
}

pub(super) fn rows_of(block: &Block) -> Vec<Vec<Value>> {
    let row = |r| block.columns().iter().map(|c| c.value(r)).collect();
    (0..block.rows()).map(row).collect()
}

pub(super) fn run_on(plan: &Plan, threads: usize) -> Result<Vec<Vec<Value>>> {
    let block = collect(&query(plan.clone()), &context(threads))?;
    Ok(rows_of(&block))
}

/// The plan's rows, which must not depend on the number of workers.
pub(super) fn run(plan: &Plan) -> Vec<Vec<Value>> {
    let one = run_on(plan, 1).unwrap();
    assert_eq!(one, run_on(plan, 3).unwrap());
    one
}

pub(super) fn sorted(mut rows: Vec<Vec<Value>>) -> Vec<Vec<Value>> {
    let order = |a: &Vec<Value>, b: &Vec<Value>| {
        let pairs = a.iter().zip(b);
        pairs
            .map(|(x, y)| x.compare(y))
            .find(|o| o.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    rows.sort_by(order);
    rows
}

pub(super) fn call(name: &str, args: Vec<Expr>) -> AggregateCall {
    let types: Vec<DataType> = args.iter().map(|a| a.ty().clone()).collect();
    let (function, name) = bind_aggregate(name, &[], &types).unwrap();
    AggregateCall {
        name: name.to_string(),
        params: Vec::new(),
        function,
        args,
        distinct: false,
    }
}

pub(super) fn ascending(expr: Expr) -> SortExpr {
    SortExpr {
        expr,
        descending: false,
        nulls_first: false,
        fill: None,
    }
}

pub(super) fn limit(input: Plan, limit: u64, offset: u64) -> Plan {
    Plan::Limit(Box::new(Limit {
        input,
        limit: Some(limit),
        offset,
        ties: Vec::new(),
    }))
}

fn grouped(input: Plan, keys: Vec<(ColumnId, Expr)>) -> AggregatePlan {
    // The type keeps it apart from other calls of the one test function.
    let mut distinct = call("count", vec![map(NUMBER, DataType::UInt32, |n| n % 10)]);
    distinct.distinct = true;
    AggregatePlan {
        input,
        keys,
        aggregates: vec![
            (id(20), call("sum", vec![u64_column(NUMBER)])),
            (id(21), call("count", Vec::new())),
            (id(22), distinct),
        ],
        grouping_sets: Vec::new(),
        with_totals: false,
        wanted: None,
        set_number: None,
    }
}

fn uints(row: &[u64]) -> Vec<Value> {
    row.iter().copied().map(Value::UInt).collect()
}

#[test]
fn groups_add_up_whoever_reads() {
    let key = map(NUMBER, DataType::UInt64, |n| n % 1000);
    let plan = Plan::Aggregate(Box::new(grouped(numbers(200_000), vec![(id(10), key)])));
    for threads in [1, 4] {
        let rows = sorted(run_on(&plan, threads).unwrap());
        assert_eq!(rows.len(), 1000);
        for (k, row) in rows.iter().enumerate() {
            let k = k as u64;
            let sum = (0..200).map(|i| i * 1000 + k).sum::<u64>();
            assert_eq!(*row, uints(&[k, sum, 200, 1]));
        }
    }
    let all = Plan::Aggregate(Box::new(grouped(numbers(200_000), Vec::new())));
    assert_eq!(run(&all), [uints(&[19_999_900_000, 200_000, 10])]);
    let none = Plan::Aggregate(Box::new(grouped(numbers(0), Vec::new())));
    assert_eq!(run(&none), [uints(&[0, 0, 0])]);
}

#[test]
fn totals_add_up_what_having_keeps() {
    let key = map(NUMBER, DataType::UInt64, |n| n % 3);
    let mut aggregate = grouped(numbers(9), vec![(id(10), key)]);
    aggregate.with_totals = true;
    let plan = Plan::Filter(Box::new(Filter {
        input: Plan::Aggregate(Box::new(aggregate)),
        predicate: u64_column(id(10)),
    }));
    let mut rows = Vec::new();
    let totals = execute(&query(plan), &context(2), &mut |block| {
        rows.extend(rows_of(&block));
        Ok(Flow::Continue)
    });
    assert_eq!(rows, [uints(&[1, 12, 3, 3]), uints(&[2, 15, 3, 3])]);
    let totals = totals.unwrap().totals.unwrap();
    assert_eq!(rows_of(&totals), [uints(&[0, 27, 6, 6])]);
}

#[test]
fn grouping_sets_leave_keys_out() {
    let keys = vec![
        (id(10), map(NUMBER, DataType::UInt8, |n| n % 2)),
        (id(11), map(NUMBER, DataType::UInt16, |n| n % 3)),
    ];
    let mut aggregate = grouped(numbers(12), keys);
    aggregate.grouping_sets = vec![vec![0, 1], vec![0], vec![]];
    let rows = sorted(run(&Plan::Aggregate(Box::new(aggregate))));
    assert_eq!(rows.len(), 6 + 2 + 1);
    assert!(rows.contains(&uints(&[0, 0, 66, 12, 10])));
    assert!(rows.contains(&uints(&[1, 0, 36, 6, 5])));
}

#[test]
fn the_first_rows_of_an_order_are_the_prefix_of_the_order() {
    let key = map(NUMBER, DataType::UInt64, |n| {
        n.wrapping_mul(0x9E37_79B9) % 1000
    });
    let sort = |limit| {
        let mut first = ascending(key.clone());
        first.descending = true;
        Plan::Sort(Box::new(Sort {
            input: numbers(140_000),
            keys: vec![first, ascending(u64_column(NUMBER))],
            limit,
            interpolate: Vec::new(),
        }))
    };
    let all = run(&sort(None));
    assert_eq!(all.len(), 140_000);
    let number = |row: &Vec<Value>| row[0].as_u64().unwrap();
    let keyed: Vec<(u64, u64)> = all
        .iter()
        .map(number)
        .map(|n| (999 - n.wrapping_mul(0x9E37_79B9) % 1000, n))
        .collect();
    assert!(keyed.windows(2).all(|w| w[0] < w[1]));
    assert_eq!(run(&sort(Some(100)))[..], all[..100]);
    let page = limit(sort(Some(30)), 10, 20);
    assert_eq!(run(&page)[..], all[20..30]);
}

#[test]
fn limits_stop_endless_sources() {
    let endless = || Plan::Scan(scan(SeriesSource::all_numbers(), 0));
    let plan = limit(endless(), 3, 100_000);
    assert_eq!(
        run(&plan),
        [[100_000], [100_001], [100_002]].map(|r| uints(&r))
    );
    assert!(run(&limit(endless(), 0, 0)).is_empty());
    let by = Plan::LimitBy(Box::new(LimitBy {
        input: limit(endless(), 9, 0),
        by: vec![map(NUMBER, DataType::UInt64, |n| n % 2)],
        limit: 2,
        offset: 1,
    }));
    assert_eq!(run(&by), [[2], [3], [4], [5]].map(|r| uints(&r)));
}

#[test]
fn a_limit_is_reached_with_and_without_workers() {
    let filtered = |f| {
        Plan::Filter(Box::new(Filter {
            input: numbers(1_500_000),
            predicate: map(NUMBER, DataType::UInt8, f),
        }))
    };
    // In the first morsel, at the border of what is read alone, and far behind it. Without a filter
    // the source would pass over the offset.
    for offset in [1, 65_536, 262_143, 262_144, 262_145, 700_000, 2_000_000] {
        let rows = run(&limit(filtered(|_| 1), 2, offset));
        let left = 2.min(1_500_000_u64.saturating_sub(offset));
        let expected = (offset..offset + left).map(|n| uints(&[n]));
        assert_eq!(rows, expected.collect::<Vec<_>>(), "OFFSET {offset}");
    }
    for wanted in [1, 3, 4, 14, 15, 20] {
        let some = filtered(|n| u64::from(n % 100_000 == 7));
        let rows = run(&limit(some, wanted, 0));
        let expected = (0..wanted.min(15)).map(|n| uints(&[n * 100_000 + 7]));
        assert_eq!(rows, expected.collect::<Vec<_>>(), "LIMIT {wanted}");
    }
}

#[test]
fn ties_stay_with_the_last_row() {
    let plan = Plan::Limit(Box::new(Limit {
        input: numbers(100_000),
        limit: Some(3),
        offset: 0,
        ties: vec![ascending(map(NUMBER, DataType::UInt64, |n| n / 70_000))],
    }));
    assert_eq!(run(&plan).len(), 70_000);
}

#[test]
fn distinct_and_union_keep_the_order_of_their_rows() {
    let part = |n| (numbers(n), vec![NUMBER]);
    let second = Plan::Scan(scan(SeriesSource::numbers(2, 140_000, 1), 5));
    let plan = Plan::Distinct(Box::new(Distinct {
        input: Plan::Union(Box::new(Union {
            inputs: vec![part(4), part(6), (second, vec![id(5)])],
            columns: vec![OutputColumn {
                id: id(9),
                ty: DataType::UInt64,
            }],
        })),
        on: vec![id(9)],
    }));
    let rows = run(&plan);
    assert_eq!(rows.len(), 140_002);
    assert!(
        rows.iter()
            .enumerate()
            .all(|(i, r)| *r == uints(&[i as u64]))
    );
}

#[test]
fn filters_read_late_and_sets_are_filled_first() {
    let set = Arc::new(SetSource {
        types: vec![DataType::UInt64],
        plan: Some(Plan::Scan(scan(SeriesSource::numbers(7, 3, 100_000), 30))),
        rows: OnceLock::new(),
    });
    let mut scan = scan(SeriesSource::numbers(0, 250_000, 1), 0);
    scan.filter = Some(Expr::In(Arc::new(InSet {
        needle: vec![u64_column(NUMBER)],
        set,
        negated: false,
        ty: DataType::UInt8,
    })));
    let rows = run(&Plan::Scan(scan));
    assert_eq!(rows, [[7], [100_007], [200_007]].map(|r| uints(&r)));
}

#[test]
fn arrays_become_rows() {
    let ty = DataType::UInt64.array();
    let cells = [vec![1, 2], vec![], vec![3]];
    let rows: Vec<Vec<Value>> = cells.iter().map(|c| vec![Value::Array(uints(c))]).collect();
    let join = |left| {
        Plan::ArrayJoin(Box::new(ArrayJoin {
            input: Plan::Scan(scan(table(std::slice::from_ref(&ty), &rows), 0)),
            arrays: vec![(id(5), Expr::Column(NUMBER, ty.clone()))],
            left,
        }))
    };
    let elements = |left| -> Vec<Value> { run(&join(left)).iter().map(|r| r[1].clone()).collect() };
    assert_eq!(elements(false), [1, 2, 3].map(Value::UInt));
    assert_eq!(elements(true), [1, 2, 0, 3].map(Value::UInt));
}

#[test]
fn queries_stop_at_their_limits() {
    let key = (id(10), u64_column(NUMBER));
    let big = Plan::Aggregate(Box::new(grouped(numbers(200_000), vec![key])));
    let mut ctx = context(2);
    ctx.memory = Arc::new(MemoryTracker::new(Some(1_000_000)));
    let error = collect(&query(big), &ctx).unwrap_err();
    assert_eq!(error.code(), Code::MEMORY_LIMIT_EXCEEDED);
    assert!(error.message().contains("maximum: 976.56 KiB"), "{error}");
    assert_eq!(ctx.memory.used(), 0);

    let endless = Plan::Aggregate(Box::new(grouped(
        Plan::Scan(scan(SeriesSource::all_numbers(), 0)),
        Vec::new(),
    )));
    let mut ctx = context(2);
    ctx.cancel = CancelToken::new().with_limit(Some(Duration::from_millis(30)));
    let error = collect(&query(endless.clone()), &ctx).unwrap_err();
    assert_eq!(error.code(), Code::TIMEOUT_EXCEEDED);
    ctx.cancel = CancelToken::new();
    ctx.cancel.cancel();
    let error = collect(&query(endless), &ctx).unwrap_err();
    assert_eq!(error.code(), Code::QUERY_WAS_CANCELLED);
}

#[test]
fn errors_of_workers_come_out() {
    let fails = BoundFunction::new(DataType::UInt8, |_, _| {
        Err(err!(ILLEGAL_DIVISION, "by zero"))
    });
    let plan = Plan::Filter(Box::new(Filter {
        input: numbers(1_000_000),
        predicate: Expr::Call(Arc::new(Call {
            function: &TEST,
            bound: fails,
            args: vec![u64_column(NUMBER)],
        })),
    }));
    let error = run_on(&plan, 3).unwrap_err();
    assert_eq!(error.code(), Code::ILLEGAL_DIVISION);
}

#[test]
fn missing_values_are_filled_in() {
    let fill = |cells: &[u64], from: Option<u64>, to: Option<u64>, step: i64| -> Vec<u64> {
        let rows: Vec<Vec<Value>> = cells.iter().map(|c| uints(&[*c, 7])).collect();
        let mut key = ascending(u64_column(NUMBER));
        key.descending = step < 0;
        key.fill = Some(Fill {
            from: from.map(Value::UInt),
            to: to.map(Value::UInt),
            step: Value::Int(step),
            unit: None,
        });
        let types = [DataType::UInt64, DataType::UInt64];
        let plan = Plan::Sort(Box::new(Sort {
            input: Plan::Scan(scan(table(&types, &rows), 0)),
            keys: vec![key],
            limit: None,
            interpolate: Vec::new(),
        }));
        let rows = run(&plan);
        rows.iter().map(|r| r[0].as_u64().unwrap()).collect()
    };
    // Answers of ClickHouse.
    assert_eq!(fill(&[1, 3, 7], None, None, 2), [1, 3, 5, 7]);
    assert_eq!(fill(&[1, 4, 7], Some(0), Some(9), 2), [0, 1, 2, 4, 6, 7, 8]);
    assert_eq!(fill(&[1, 4, 7], Some(9), Some(0), -2), [9, 7, 5, 4, 3, 1]);
    assert_eq!(fill(&[1, 4, 7], None, None, -1), [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(fill(&[], Some(1), Some(4), 1), [1, 2, 3]);
    assert_eq!(
        fill(&[1, 2, 2, 5], Some(3), Some(7), 1),
        [1, 2, 2, 3, 4, 5, 6]
    );
    assert_eq!(fill(&[1, 10], None, Some(5), 1), [1, 2, 3, 4, 10]);
}

#[test]
fn several_keys_are_filled_inside_each_other() {
    let rows = [[1, 1], [1, 3], [3, 2]].map(|r| uints(&r));
    let fill = |range: Option<(u64, u64)>| Fill {
        from: range.map(|r| Value::UInt(r.0)),
        to: range.map(|r| Value::UInt(r.1)),
        step: Value::Int(1),
        unit: None,
    };
    let run = |first: Option<Fill>, second: Fill| -> Vec<(u64, u64)> {
        let mut keys = [ascending(u64_column(NUMBER)), ascending(u64_column(id(1)))];
        keys[0].fill = first;
        keys[1].fill = Some(second);
        let types = [DataType::UInt64, DataType::UInt64];
        let rows = run(&Plan::Sort(Box::new(Sort {
            input: Plan::Scan(scan(table(&types, &rows), 0)),
            keys: keys.to_vec(),
            limit: None,
            interpolate: Vec::new(),
        })));
        let cell = |v: &Value| v.as_u64().unwrap();
        rows.iter().map(|r| (cell(&r[0]), cell(&r[1]))).collect()
    };
    let open = run(Some(fill(None)), fill(None));
    assert_eq!(open, [(1, 1), (1, 2), (1, 3), (2, 0), (3, 2)]);
    let closed = run(Some(fill(None)), fill(Some((0, 4))));
    let all = (1..4).flat_map(|a| (0..4).map(move |b| (a, b)));
    assert_eq!(closed, all.collect::<Vec<_>>());
    let by_prefix = run(None, fill(Some((0, 2))));
    assert_eq!(by_prefix, [(1, 0), (1, 1), (1, 3), (3, 0), (3, 1), (3, 2)]);
}

#[test]
fn joins_and_orders_spare_the_scan_their_rows() {
    let big = Plan::Scan(scan(SeriesSource::numbers(0, 1 << 40, 1), 0));
    let small = Plan::Scan(scan(SeriesSource::numbers(70_000, 3, 1), 10));
    let joined = Plan::Join(Box::new(Join {
        left: big,
        right: small,
        kind: JoinKind::Inner,
        strictness: Strictness::All,
        on: vec![(u64_column(NUMBER), u64_column(id(10)))],
        residual: None,
        asof: None,
        nullable_outputs: Vec::new(),
    }));
    // Ends soon, because the series starts and stops where the keys are.
    assert_eq!(
        run(&joined),
        [70_000, 70_001, 70_002].map(|n| uints(&[n, n]))
    );
}
