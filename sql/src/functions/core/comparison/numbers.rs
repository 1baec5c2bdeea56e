//! Comparison of plain numbers, dates and times among their own.
//!
//! Invariant: two whole numbers compare as numbers whatever their signs and widths; a whole number
//! and a double compare exactly.

use roost_engine::column::{Buffer, Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::{err, with_native};

use super::Op;
use crate::functions::BoundFunction;
use crate::functions::numeric::{Number, numbers_of};

/// The comparison of two types, when both are numbers (or the same kind of date, time, address).
pub(super) fn bind(op: Op, a: &DataType, b: &DataType) -> Result<Option<BoundFunction>> {
    let number = |t: &DataType| t.is_integer() || t.is_float() || *t == DataType::Bool;
    let same_shape = match (a, b) {
        (DataType::Date, DataType::Date)
        | (DataType::Date32, DataType::Date32)
        | (DataType::DateTime(_), DataType::DateTime(_))
        | (DataType::UUID, DataType::UUID)
        | (DataType::IPv4, DataType::IPv4)
        | (DataType::IPv6, DataType::IPv6) => true,
        (DataType::DateTime64(p, _), DataType::DateTime64(q, _)) => p == q,
        (DataType::Decimal(_, s), DataType::Decimal(_, r)) => {
            s == r && a.physical() == b.physical()
        }
        (DataType::Interval(u), DataType::Interval(v)) => u == v,
        (DataType::Enum8(x), DataType::Enum8(y)) | (DataType::Enum16(x), DataType::Enum16(y)) => {
            x == y
        }
        // A DateTime compares with a number of seconds, an enum with its number.
        (DataType::DateTime(_), t) | (t, DataType::DateTime(_)) if t.is_integer() => {
            return Ok(Some(mixed(op)));
        }
        (t, n) | (n, t) if t.is_enum() && n.is_integer() => return Ok(Some(mixed(op))),
        _ if number(a) && number(b) => a.physical() == b.physical(),
        _ => return Ok(None),
    };
    Ok(Some(if same_shape { same(op) } else { mixed(op) }))
}

/// One operand: a value per row, or one for all.
#[derive(Clone)]
enum Side<T> {
    Rows(Buffer<T>),
    One(T),
}

fn side<T: Native>(column: &Column) -> Result<Side<T>> {
    let wrong = || err!(LOGICAL_ERROR, "a column to compare is not of {}", T::NAME);
    if let Some(one) = column.as_const() {
        let value = T::of(one).and_then(|v| v.first().copied());
        return value.map(Side::One).ok_or_else(wrong);
    }
    let flat = column.to_flat();
    T::of(&flat).cloned().map(Side::Rows).ok_or_else(wrong)
}

/// Runs a comparison with the operator outside of the loop.
fn run<T: Copy + PartialOrd>(op: Op, a: &Side<T>, b: &Side<T>, rows: usize) -> Column {
    #[inline]
    fn rows_of<T: Copy>(
        a: &Side<T>,
        b: &Side<T>,
        rows: usize,
        holds: impl Fn(T, T) -> bool,
    ) -> Vec<u8> {
        match (a, b) {
            (Side::Rows(a), Side::Rows(b)) => a
                .iter()
                .zip(b.iter())
                .map(|(x, y)| u8::from(holds(*x, *y)))
                .collect(),
            (Side::Rows(a), Side::One(y)) => a.iter().map(|x| u8::from(holds(*x, *y))).collect(),
            (Side::One(x), Side::Rows(b)) => b.iter().map(|y| u8::from(holds(*x, *y))).collect(),
            (Side::One(x), Side::One(y)) => vec![u8::from(holds(*x, *y)); rows],
        }
    }
    Column::native(match op {
        Op::Equal => rows_of(a, b, rows, |x, y| x == y),
        Op::NotEqual => rows_of(a, b, rows, |x, y| x != y),
        Op::Less => rows_of(a, b, rows, |x, y| x < y),
        Op::LessOrEqual => rows_of(a, b, rows, |x, y| x <= y),
        Op::Greater => rows_of(a, b, rows, |x, y| x > y),
        Op::GreaterOrEqual => rows_of(a, b, rows, |x, y| x >= y),
    })
}

/// Columns of one shape.
fn same(op: Op) -> BoundFunction {
    BoundFunction::new(DataType::UInt8, move |columns, rows| {
        fn go<T: Native>(_: &[T], op: Op, columns: &[Column], rows: usize) -> Result<Column> {
            Ok(run(
                op,
                &side::<T>(&columns[0])?,
                &side::<T>(&columns[1])?,
                rows,
            ))
        }
        let (shape, _) = match columns[0].is_empty() {
            true => return Ok(Column::native(Vec::<u8>::new())),
            false => columns[0].entry(0),
        };
        with_native!(shape, |v| go(v, op, columns, rows), other => Err(err!(
            LOGICAL_ERROR,
            "expected numbers to compare, found {}",
            other.shape_name()
        )))
    })
}

/// What two different number types are compared as.
enum Common {
    Signed64,
    Unsigned64,
    Signed128,
    Double,
    /// A 64-bit or wider whole number with a double.
    Exact,
}

fn common(a: &Flat, b: &Flat) -> Common {
    fn class<T: Number>(_: &[T]) -> (bool, bool, usize) {
        (T::FLOAT, T::SIGNED, T::WIDTH)
    }
    let of = |f: &Flat| with_native!(f, |v| class(v), _other => (false, true, 16));
    let ((fa, sa, wa), (fb, sb, wb)) = (of(a), of(b));
    match (fa, fb) {
        (true, true) => Common::Double,
        (true, false) if wb <= 4 => Common::Double,
        (false, true) if wa <= 4 => Common::Double,
        (true, false) | (false, true) => Common::Exact,
        _ if !sa && !sb && wa <= 8 && wb <= 8 => Common::Unsigned64,
        _ if (sa || wa <= 4) && (sb || wb <= 4) && wa <= 8 && wb <= 8 => Common::Signed64,
        _ => Common::Signed128,
    }
}

/// An operand brought to another type.
fn converted<T: Number>(column: &Column) -> Result<Side<T>> {
    if let Some(one) = column.as_const() {
        let values = numbers_of::<T>(one)?;
        let first = values.first().copied();
        return first
            .map(Side::One)
            .ok_or_else(|| err!(LOGICAL_ERROR, "an empty constant"));
    }
    Ok(Side::Rows(numbers_of::<T>(&column.to_flat())?))
}

/// Columns of different number types.
fn mixed(op: Op) -> BoundFunction {
    BoundFunction::new(DataType::UInt8, move |columns, rows| {
        if rows == 0 {
            return Ok(Column::native(Vec::<u8>::new()));
        }
        let (a, b) = (&columns[0], &columns[1]);
        Ok(match common(a.entry(0).0, b.entry(0).0) {
            Common::Signed64 => run(op, &converted::<i64>(a)?, &converted::<i64>(b)?, rows),
            Common::Unsigned64 => run(op, &converted::<u64>(a)?, &converted::<u64>(b)?, rows),
            Common::Double => run(op, &converted::<f64>(a)?, &converted::<f64>(b)?, rows),
            Common::Signed128 => run(op, &wide(a)?, &wide(b)?, rows),
            Common::Exact => exact(op, a, b, rows)?,
        })
    })
}

/// A whole number of up to 128 bits, ordered: UInt128 past the signed range by its upper bit.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
struct Wide(bool, i128);

fn wide(column: &Column) -> Result<Side<Wide>> {
    fn map<T: Number>(values: &[T]) -> Vec<Wide> {
        values
            .iter()
            .map(|v| Wide(!T::SIGNED && v.wide() < 0, v.wide()))
            .collect()
    }
    let not_numbers = || err!(LOGICAL_ERROR, "expected whole numbers to compare");
    if let Some(one) = column.as_const() {
        let values = with_native!(one, |v| map(v), _other => Vec::new());
        return values
            .first()
            .copied()
            .map(Side::One)
            .ok_or_else(not_numbers);
    }
    let flat = column.to_flat();
    with_native!(&flat, |v| Ok(Side::Rows(map(v).into())), _other => Err(not_numbers()))
}

/// A wide whole number and a double, without rounding either.
fn exact(op: Op, a: &Column, b: &Column, rows: usize) -> Result<Column> {
    let float_first = matches!(a.entry(0).0, Flat::F32(_) | Flat::F64(_));
    let (whole, float) = if float_first { (b, a) } else { (a, b) };
    let (whole, float) = (wide(whole)?, converted::<f64>(float)?);
    let holds = (0..rows).map(|i| {
        let w = match &whole {
            Side::Rows(v) => v[i],
            Side::One(v) => *v,
        };
        let x = match &float {
            Side::Rows(v) => v[i],
            Side::One(v) => *v,
        };
        let order = whole_to_double(w, x).map(|o| if float_first { o.reverse() } else { o });
        u8::from(order.map_or(op == Op::NotEqual, |o| op.holds(o)))
    });
    Ok(Column::native(holds.collect::<Vec<u8>>()))
}

/// Order of a whole number and a double; none for NaN.
fn whole_to_double(whole: Wide, x: f64) -> Option<std::cmp::Ordering> {
    use std::cmp::Ordering;
    if x.is_nan() {
        return None;
    }
    if whole.0 {
        let value = whole.1 as u128;
        return Some(match x {
            x if x < 0.0 => Ordering::Greater,
            x if x >= 340_282_366_920_938_463_463_374_607_431_768_211_456.0 => Ordering::Less,
            x => value.cmp(&(x as u128)).then(0.0f64.total_cmp(&x.fract())),
        });
    }
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if x >= LIMIT {
        return Some(Ordering::Less);
    }
    if x < -LIMIT {
        return Some(Ordering::Greater);
    }
    let part = x.fract();
    let by_part = if part > 0.0 {
        Ordering::Less
    } else if part < 0.0 {
        Ordering::Greater
    } else {
        Ordering::Equal
    };
    Some(whole.1.cmp(&(x as i128)).then(by_part))
}
