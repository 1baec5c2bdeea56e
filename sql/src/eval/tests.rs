//! Shared work, short circuits, lambdas and sets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::err;
use roost_engine::types::{DataType, Value};

use super::Evaluator;
use crate::expr::{Call, ColumnId, Expr, InSet, Lambda, SetSource};
use crate::functions::{BoundFunction, Doc, Nulls, ScalarFunction};

macro_rules! function {
    ($name:ident, $text:literal) => {
        static $name: ScalarFunction = ScalarFunction {
            name: $text,
            aliases: &[],
            case_insensitive: false,
            nulls: Nulls::Own,
            deterministic: true,
            lambda_params: None,
            doc: Doc::NONE,
            bind: |_, _| Err(err!(NOT_IMPLEMENTED, "tests bind by hand")),
        };
    };
}
function!(INVERSE, "inverse");
function!(IF, "if");
function!(AND, "and");
function!(MAP, "arrayMap");

fn call(function: &'static ScalarFunction, bound: BoundFunction, args: Vec<Expr>) -> Expr {
    Expr::Call(Arc::new(Call {
        function,
        bound,
        args,
    }))
}

fn input() -> Expr {
    Expr::Column(ColumnId(7), DataType::UInt64)
}

fn numbers(values: &[u64]) -> Column {
    Column::native(values.to_vec())
}

/// 100 / x, an error for zero; counts calls and rows.
fn inverse(of: Expr, rows_seen: &Arc<AtomicUsize>) -> Expr {
    let seen = Arc::clone(rows_seen);
    let bound = BoundFunction::new(DataType::UInt64, move |columns, rows| {
        seen.fetch_add(rows, Ordering::Relaxed);
        let flat = columns[0].to_flat();
        let values = flat.slice_of::<u64>()?.iter().map(|x| {
            100u64
                .checked_div(*x)
                .ok_or_else(|| err!(ILLEGAL_DIVISION, "Division by zero"))
        });
        Ok(Column::native(values.collect::<Result<Vec<_>, _>>()?))
    });
    call(&INVERSE, bound, vec![of])
}

fn choose(condition: Expr, yes: Expr, no: Expr) -> Expr {
    let bound = BoundFunction::new(DataType::UInt64, |columns, rows| {
        let (c, y, n) = (
            columns[0].to_flat(),
            columns[1].to_flat(),
            columns[2].to_flat(),
        );
        let (c, y, n) = (
            c.slice_of::<u64>()?,
            y.slice_of::<u64>()?,
            n.slice_of::<u64>()?,
        );
        let pick = |i: usize| if c[i] != 0 { y[i] } else { n[i] };
        Ok(Column::native((0..rows).map(pick).collect::<Vec<_>>()))
    });
    call(&IF, bound, vec![condition, yes, no])
}

#[test]
fn equal_calls_run_once() {
    let seen = Arc::new(AtomicUsize::new(0));
    let shared = inverse(input(), &seen);
    let again = inverse(input(), &seen);
    let evaluator = Evaluator::new(&[shared, again], &[ColumnId(7)]).unwrap();
    let out = evaluator.evaluate(&[numbers(&[1, 2])], 2).unwrap();
    assert_eq!(out[1].value(1), Value::UInt(50));
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

#[test]
fn branches_run_for_their_rows_only() {
    let seen = Arc::new(AtomicUsize::new(0));
    let expr = choose(input(), inverse(input(), &seen), input());
    let evaluator = Evaluator::new(&[expr], &[ColumnId(7)]).unwrap();
    let out = evaluator.evaluate(&[numbers(&[0, 5, 0, 10])], 4).unwrap();
    let got: Vec<Value> = (0..4).map(|i| out[0].value(i)).collect();
    assert_eq!(got, [0, 20, 0, 10].map(Value::UInt));
    assert_eq!(seen.load(Ordering::Relaxed), 2);
    // All rows need it: no detour, and the error comes through.
    let one = choose(
        Expr::Literal(Value::UInt(1), DataType::UInt64),
        inverse(input(), &seen),
        input(),
    );
    let evaluator = Evaluator::new(&[one], &[ColumnId(7)]).unwrap();
    assert!(evaluator.evaluate(&[numbers(&[0, 5])], 2).is_err());
}

#[test]
fn and_stops_at_false() {
    let seen = Arc::new(AtomicUsize::new(0));
    let bound = BoundFunction::new(DataType::UInt8, |columns, rows| {
        let (a, b) = (columns[0].to_flat(), columns[1].to_flat());
        let (a, b) = (a.slice_of::<u64>()?, b.slice_of::<u64>()?);
        let both = (0..rows).map(|i| u8::from(a[i] != 0 && b[i] != 0));
        Ok(Column::native(both.collect::<Vec<u8>>()))
    });
    let expr = call(&AND, bound, vec![input(), inverse(input(), &seen)]);
    let evaluator = Evaluator::new(&[expr], &[ColumnId(7)]).unwrap();
    let out = evaluator.evaluate(&[numbers(&[0, 5, 1000])], 3).unwrap();
    let got: Vec<Value> = (0..3).map(|i| out[0].value(i)).collect();
    assert_eq!(got, [0, 1, 0].map(Value::UInt));
}

#[test]
fn lambdas_see_captured_columns() {
    let element = ColumnId(9);
    let plus = BoundFunction::new(DataType::UInt64, |columns, rows| {
        let (a, b) = (columns[0].to_flat(), columns[1].to_flat());
        let (a, b) = (a.slice_of::<u64>()?, b.slice_of::<u64>()?);
        Ok(Column::native(
            (0..rows).map(|i| a[i] + b[i]).collect::<Vec<_>>(),
        ))
    });
    let body = call(
        &INVERSE,
        plus,
        vec![Expr::Column(element, DataType::UInt64), input()],
    );
    let lambda = Expr::Lambda(Arc::new(Lambda {
        params: vec![(element, DataType::UInt64)],
        body,
    }));
    let map = BoundFunction::with_lambda(DataType::UInt64, |body, columns, rows| {
        // Elements 10, 20 for every row, answered by the sum of both bodies.
        assert_eq!(columns.len(), 1);
        let offsets: Vec<u64> = (0..=rows as u64).map(|r| r * 2).collect();
        let elements = numbers(&[10, 20].repeat(rows));
        let out = body.call(&[elements], &offsets, rows * 2)?.to_flat();
        let sums = out.slice_of::<u64>()?.chunks(2).map(|w| w[0] + w[1]);
        Ok(Column::native(sums.collect::<Vec<_>>()))
    });
    let expr = call(&MAP, map, vec![lambda, input()]);
    let evaluator = Evaluator::new(&[expr], &[ColumnId(7)]).unwrap();
    let out = evaluator.evaluate(&[numbers(&[1, 2])], 2).unwrap();
    assert_eq!(out[0].value(0), Value::UInt(32));
    assert_eq!(out[0].value(1), Value::UInt(34));
}

#[test]
fn sets_answer_null_as_their_type_says() {
    let ty = DataType::UInt64.nullable();
    let schema = Schema::new(vec![Field::new("x", ty.clone())]);
    let cells = [UInt(1), Null, UInt(3)];
    let mut builder = roost_engine::column::ColumnBuilder::new(&ty, 3);
    cells.iter().for_each(|c| builder.push(c).unwrap());
    let column = Column::Flat(builder.finish());
    let rows = Block::new(schema, vec![column.clone()], 3).unwrap();
    let set = Arc::new(SetSource {
        types: vec![ty.clone()],
        plan: None,
        rows: OnceLock::from(Arc::new(rows)),
    });
    let member = |negated, ty| {
        let expr = Expr::In(Arc::new(InSet {
            needle: vec![Expr::Column(ColumnId(1), DataType::UInt64.nullable())],
            set: Arc::clone(&set),
            negated,
            ty,
        }));
        let evaluator = Evaluator::new(&[expr], &[ColumnId(1)]).unwrap();
        let out = evaluator
            .evaluate_one(std::slice::from_ref(&column), 3)
            .unwrap();
        [out.value(0), out.value(1), out.value(2)]
    };
    use Value::{Null, UInt};
    let nullable = DataType::UInt8.nullable();
    assert_eq!(member(false, nullable.clone()), [UInt(1), Null, UInt(1)]);
    assert_eq!(member(true, nullable), [UInt(0), Null, UInt(0)]);
    assert_eq!(member(false, DataType::UInt8), [UInt(1), UInt(0), UInt(1)]);
}
