//! Operators over dates, times and intervals.
//!
//! Invariant: calendar units move the local date and keep the local time; a day past the end of a
//! month becomes its last day.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, IntervalUnit};

use super::{Op, illegal};
use crate::functions::cast::{CastMode, bind_cast, ticks_per_second};
use crate::functions::core::operands::{Operand, binary, two, zip};
use crate::functions::zones::civil::add_months;
use crate::functions::zones::{DAY_SECONDS, Zone, zone};
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

pub(super) fn is_time(ty: &DataType) -> bool {
    ty.is_date() || ty.is_date_time() || matches!(ty, DataType::Interval(_))
}

pub(super) fn bind(op: Op, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    use DataType as T;
    let (a, b) = (&args[0].ty, &args[1].ty);
    match (op, a, b) {
        (Op::Plus | Op::Minus, T::Interval(x), T::Interval(y)) => interval_pair(op, *x, *y),
        (Op::Plus | Op::Minus, _, T::Interval(unit)) => shift(op, args, a, *unit, false, context),
        (Op::Plus, T::Interval(unit), _) => shift(op, args, b, *unit, true, context),
        (Op::Minus, T::Date, T::Date) => {
            Ok(BoundFunction::new(T::Int32, binary(|a: i32, b: i32| a - b)))
        }
        (Op::Minus, T::DateTime(_), T::DateTime(_)) => Ok(BoundFunction::new(
            T::Int32,
            binary(|a: i64, b: i64| (a - b) as i32),
        )),
        (Op::Minus, x, y) if x.is_date_time() && y.is_date_time() => difference(x, y),
        (Op::Plus, t, n) if is_number(n) && !matches!(t, T::Interval(_)) => add_number(t, 1, false),
        (Op::Plus, n, t) if is_number(n) && !matches!(t, T::Interval(_)) => add_number(t, 1, true),
        (Op::Minus, t, n) if is_number(n) && !matches!(t, T::Interval(_)) => {
            add_number(t, -1, false)
        }
        (Op::Modulo, t, n) if is_number(n) => as_number(op, t, args, context),
        _ => illegal(op.name(), args),
    }
}

fn is_number(ty: &DataType) -> bool {
    ty.is_integer() || ty.is_float() || matches!(ty, DataType::Bool)
}

/// A date or time as the number it is held as.
fn as_number(
    op: Op,
    time: &DataType,
    args: &[Arg],
    context: &BindContext,
) -> Result<BoundFunction> {
    let number = match time {
        DataType::Date => DataType::UInt16,
        DataType::DateTime(_) => DataType::UInt32,
        _ => return illegal(op.name(), args),
    };
    super::bind(op, &[Arg::of(number), args[1].clone()], context)
}

/// Days to a date, seconds to a time.
fn add_number(ty: &DataType, sign: i64, number_first: bool) -> Result<BoundFunction> {
    fn of<T: crate::functions::numeric::Number>(
        ty: &DataType,
        by: i64,
        swap: bool,
    ) -> BoundFunction {
        let step = move |t: i64, n: i64| T::from_low(t.wrapping_add(n.wrapping_mul(by)) as u64);
        match swap {
            true => BoundFunction::new(ty.clone(), binary(move |n: i64, t: i64| step(t, n))),
            false => BoundFunction::new(ty.clone(), binary(step)),
        }
    }
    Ok(match ty {
        DataType::Date => of::<u16>(ty, sign, number_first),
        DataType::Date32 => of::<i32>(ty, sign, number_first),
        DataType::DateTime(_) => of::<u32>(ty, sign, number_first),
        DataType::DateTime64(p, _) => of::<i64>(ty, sign * ticks_per_second(*p), number_first),
        other => bail!(ILLEGAL_TYPE_OF_ARGUMENT, "cannot add a number to {other}"),
    })
}

/// The difference of two times with fractions, as a decimal of seconds.
fn difference(a: &DataType, b: &DataType) -> Result<BoundFunction> {
    let precision = |t: &DataType| match t {
        DataType::DateTime64(p, _) => *p,
        _ => 0,
    };
    let scale = precision(a).max(precision(b));
    let (up_a, up_b) = (
        ticks_per_second(scale - precision(a)),
        ticks_per_second(scale - precision(b)),
    );
    let step = move |a: i64, b: i64| a.wrapping_mul(up_a).wrapping_sub(b.wrapping_mul(up_b));
    Ok(BoundFunction::new(
        DataType::Decimal(18, scale),
        binary(step),
    ))
}

/// Intervals of one unit add up; of two they stay apart.
fn interval_pair(op: Op, a: IntervalUnit, b: IntervalUnit) -> Result<BoundFunction> {
    let sign = if op == Op::Minus { -1i64 } else { 1 };
    if a == b {
        let step = move |a: i64, b: i64| a.wrapping_add(b.wrapping_mul(sign));
        return Ok(BoundFunction::new(DataType::Interval(a), binary(step)));
    }
    let ty = DataType::tuple(vec![DataType::Interval(a), DataType::Interval(b)]);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let second = match Operand::<i64>::of(b)? {
            Operand::One(v) => Column::native(vec![v.wrapping_mul(sign); rows]),
            Operand::Many(v) => Column::native(v.iter().map(|v| v.wrapping_mul(sign)).collect()),
        };
        Ok(Column::Flat(Flat::tuple(vec![a.clone(), second], rows)?))
    }))
}

/// A time plus or minus an interval.
fn shift(
    op: Op,
    args: &[Arg],
    time: &DataType,
    unit: IntervalUnit,
    interval_first: bool,
    context: &BindContext,
) -> Result<BoundFunction> {
    let sign = if op == Op::Minus { -1i64 } else { 1 };
    if !(time.is_date() || time.is_date_time() || time.is_string()) {
        return illegal(op.name(), args);
    }
    let (ty, kernel) = add_interval(time, unit, sign, context)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let (time, by) = if interval_first { (b, a) } else { (a, b) };
        kernel(time, by, rows)
    }))
}

type AddKernel = Box<dyn Fn(&Column, &Column, usize) -> Result<Column> + Send + Sync>;

/// The type and kernel of `time + sign * number * unit` (a text is read as DateTime64(3)).
pub(super) fn add_interval(
    time: &DataType,
    unit: IntervalUnit,
    sign: i64,
    context: &BindContext,
) -> Result<(DataType, AddKernel)> {
    let ty = shifted_type(time, unit)?;
    let start = if time.is_string() {
        ty.clone()
    } else {
        time.clone()
    };
    let tz = match &ty {
        DataType::DateTime(tz) | DataType::DateTime64(_, tz) => tz.unwrap_or(context.time_zone),
        _ => context.time_zone,
    };
    let zone = zone(tz);
    // The start in the answer's own type, so that each kind has one way to move.
    let cast = match start == ty && !time.is_string() {
        true => None,
        false => match bind_cast(time, &ty, CastMode::Strict, context)?.kernel {
            Kernel::Plain(kernel) => Some(kernel),
            Kernel::Lambda(_) => return Err(Error::bug("a cast is no lambda")),
        },
    };
    let moved = ty.clone();
    let kernel: AddKernel = Box::new(move |time, by, rows| {
        let time = match &cast {
            Some(cast) => cast(std::slice::from_ref(time), rows)?,
            None => time.clone(),
        };
        let by = Operand::<i64>::of(by)?;
        let times = Operand::<i64>::of(&time)?;
        Ok(move_all(&moved, unit, sign, zone, &times, &by, rows))
    });
    Ok((ty, kernel))
}

fn shifted_type(time: &DataType, unit: IntervalUnit) -> Result<DataType> {
    use DataType as T;
    use IntervalUnit::*;
    let digits = match unit {
        Nanosecond => 9,
        Microsecond => 6,
        Millisecond => 3,
        _ => 0,
    };
    Ok(match time {
        T::Date if unit >= Day => T::Date,
        T::Date32 if unit >= Day => T::Date32,
        T::Date | T::Date32 if digits > 0 => {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "add{}s cannot be used with {time}",
                unit.name()
            )
        }
        T::Date => T::DateTime(None),
        T::Date32 => T::DateTime64(3, None),
        T::DateTime(tz) if digits > 0 => T::DateTime64(digits, *tz),
        T::DateTime(tz) => T::DateTime(*tz),
        T::DateTime64(p, tz) => T::DateTime64((*p).max(digits), *tz),
        _ => T::DateTime64(digits.max(3), None),
    })
}

/// Seconds of a unit of fixed length, or months of a calendar unit, or nanoseconds.
enum Step {
    Nanos(i64),
    Seconds(i64),
    Days(i64),
    Months(i64),
}

fn step(unit: IntervalUnit) -> Step {
    use IntervalUnit::*;
    match unit {
        Nanosecond => Step::Nanos(1),
        Microsecond => Step::Nanos(1_000),
        Millisecond => Step::Nanos(1_000_000),
        Second => Step::Seconds(1),
        Minute => Step::Seconds(60),
        Hour => Step::Seconds(3600),
        Day => Step::Days(1),
        Week => Step::Days(7),
        Month => Step::Months(1),
        Quarter => Step::Months(3),
        Year => Step::Months(12),
    }
}

fn move_all(
    ty: &DataType,
    unit: IntervalUnit,
    sign: i64,
    zone: &Zone,
    times: &Operand<i64>,
    by: &Operand<i64>,
    rows: usize,
) -> Column {
    let step = step(unit);
    let seconds = |t: i64, n: i64| move_seconds(t, n, &step, zone);
    match ty {
        DataType::Date => Column::native(zip(times, by, rows, |t, n| {
            move_days(t, n.wrapping_mul(sign), &step) as u16
        })),
        DataType::Date32 => Column::native(zip(times, by, rows, |t, n| {
            move_days(t, n.wrapping_mul(sign), &step) as i32
        })),
        DataType::DateTime(_) => Column::native(zip(times, by, rows, |t, n| {
            seconds(t, n.wrapping_mul(sign)) as u32
        })),
        _ => {
            let precision = match ty {
                DataType::DateTime64(p, _) => *p,
                _ => 0,
            };
            let scale = ticks_per_second(precision);
            Column::native(zip(times, by, rows, |t, n| {
                let n = n.wrapping_mul(sign);
                match step {
                    // The precision holds the unit, so this divides evenly.
                    Step::Nanos(nanos) => {
                        let ticks = i128::from(nanos) * i128::from(scale) / 1_000_000_000;
                        t.wrapping_add(n.wrapping_mul(ticks as i64))
                    }
                    _ => {
                        let (whole, rest) = (t.div_euclid(scale), t.rem_euclid(scale));
                        seconds(whole, n).wrapping_mul(scale).wrapping_add(rest)
                    }
                }
            }))
        }
    }
}

fn move_days(day: i64, by: i64, step: &Step) -> i64 {
    match step {
        Step::Days(n) => day.wrapping_add(by.wrapping_mul(*n)),
        Step::Months(n) => i64::from(add_months(day as i32, by.wrapping_mul(*n))),
        Step::Seconds(_) | Step::Nanos(_) => day,
    }
}

fn move_seconds(at: i64, by: i64, step: &Step, zone: &Zone) -> i64 {
    if let Step::Seconds(n) = step {
        return at.wrapping_add(by.wrapping_mul(*n));
    }
    let local = zone.to_local(at);
    let (day, time) = (local.div_euclid(DAY_SECONDS), local.rem_euclid(DAY_SECONDS));
    let moved = move_days(day, by, step);
    zone.to_utc(moved.wrapping_mul(DAY_SECONDS).wrapping_add(time))
}
