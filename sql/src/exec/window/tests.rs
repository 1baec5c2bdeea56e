//! Window functions against their definitions.

use roost_engine::types::{DataType, Value};

use crate::exec::tests::NUMBER;
use crate::exec::tests::{ascending, call, id, map, numbers, run, u64_column};
use crate::expr::Expr;
use crate::plan::{Frame, FrameBound, Plan, Window, WindowCall, WindowFunction};

const PER_PART: u64 = 25;

fn window(
    function: WindowFunction,
    rows: bool,
    start: FrameBound,
    end: FrameBound,
    ty: DataType,
) -> Vec<u64> {
    // Four partitions by n % 4, ordered by n / 8: pairs of peers.
    let plan = Plan::Window(Box::new(Window {
        input: numbers(4 * PER_PART),
        functions: vec![(
            id(9),
            WindowCall {
                function,
                partition_by: vec![map(NUMBER, DataType::UInt8, |n| n % 4)],
                order_by: vec![ascending(map(NUMBER, DataType::UInt64, |n| n / 8))],
                frame: Frame { rows, start, end },
                ty,
            },
        )],
    }));
    let rows = run(&plan);
    assert_eq!(rows.len() as u64, 4 * PER_PART);
    rows[..PER_PART as usize]
        .iter()
        .map(|r| match &r[1] {
            Value::Float(x) => (x * 1000.0).round() as u64,
            other => other.as_u64().unwrap(),
        })
        .collect()
}

fn ranking(name: &str, args: Vec<Expr>, ty: DataType) -> Vec<u64> {
    let function = WindowFunction::Ranking {
        name: name.into(),
        args,
    };
    window(
        function,
        false,
        FrameBound::UnboundedPreceding,
        FrameBound::CurrentRow,
        ty,
    )
}

/// Partition 0 holds 0, 4, 8, ... in this order; rows 2i and 2i + 1 are peers.
fn value(i: u64) -> u64 {
    4 * i
}

fn each(f: impl Fn(u64) -> u64) -> Vec<u64> {
    (0..PER_PART).map(f).collect()
}

#[test]
fn places_in_the_order() {
    let u = || DataType::UInt64;
    assert_eq!(ranking("row_number", vec![], u()), each(|i| i + 1));
    assert_eq!(ranking("rank", vec![], u()), each(|i| i / 2 * 2 + 1));
    assert_eq!(ranking("dense_rank", vec![], u()), each(|i| i / 2 + 1));
    let three = Expr::Literal(Value::UInt(3), DataType::UInt8);
    let tiles = each(|i| if i < 9 { 1 } else { 2 + (i - 9) / 8 });
    assert_eq!(ranking("ntile", vec![three.clone()], u()), tiles);
    let f = || DataType::Float64;
    let percent = each(|i| ((i / 2 * 2) as f64 / 24.0 * 1000.0).round() as u64);
    assert_eq!(ranking("percent_rank", vec![], f()), percent);
    let args = vec![u64_column(NUMBER), three.clone()];
    let lag = each(|i| if i < 3 { 0 } else { value(i - 3) });
    assert_eq!(ranking("lag", args, u()), lag);
    let args = vec![
        u64_column(NUMBER),
        three,
        Expr::Literal(Value::UInt(77), u()),
    ];
    let lead = each(|i| if i + 3 < PER_PART { value(i + 3) } else { 77 });
    assert_eq!(ranking("lead", args, u()), lead);
}

#[test]
fn aggregates_over_frames() {
    use FrameBound::{CurrentRow, Following, Preceding, UnboundedFollowing, UnboundedPreceding};
    let sum = |name: &str, rows, start, end| {
        let call = call(name, vec![u64_column(NUMBER)]);
        let ty = call.function.return_type();
        window(WindowFunction::Aggregate(call), rows, start, end, ty)
    };
    let total = |from: u64, to: u64| (from..to).map(value).sum::<u64>();
    let up_to = |n: u64| n.min(PER_PART);
    let whole = each(|_| total(0, PER_PART));
    assert_eq!(
        sum("sum", true, UnboundedPreceding, UnboundedFollowing),
        whole
    );
    assert_eq!(
        sum("sum", true, UnboundedPreceding, CurrentRow),
        each(|i| total(0, i + 1))
    );
    let peers = each(|i| total(0, up_to(i / 2 * 2 + 2)));
    assert_eq!(sum("sum", false, UnboundedPreceding, CurrentRow), peers);
    let largest = each(|i| value(up_to(i / 2 * 2 + 2) - 1));
    assert_eq!(sum("max", false, UnboundedPreceding, CurrentRow), largest);
    let two = || Value::UInt(2);
    let sliding = each(|i| total(i.saturating_sub(2), up_to(i + 3)));
    assert_eq!(
        sum("sum", true, Preceding(two()), Following(two())),
        sliding
    );
    let by_value = each(|i| total((i / 2).saturating_sub(2) * 2, up_to(i / 2 * 2 + 2)));
    assert_eq!(sum("sum", false, Preceding(two()), CurrentRow), by_value);
    let rest = each(|i| total(up_to(i + 2), PER_PART));
    assert_eq!(sum("sum", true, Following(two()), UnboundedFollowing), rest);
}
