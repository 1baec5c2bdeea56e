//! parseDateTimeBestEffort and its family.
//!
//! Invariant: OrNull and OrZero never fail on a text.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz, Value};

use crate::functions::core::operands::one;
use crate::functions::library::kit::{Strs, arity, f};
use crate::functions::text::best_effort::{Moment, Order, parse};
use crate::functions::zones::{Zone, zone};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "date and time";

/// What a text becomes that is no time.
#[derive(Clone, Copy, PartialEq)]
enum Or {
    Fail,
    Null,
    Zero,
}

macro_rules! best {
    ($name:literal, $more:literal, $wide:literal, $order:ident, $zero:literal) => {
        [
            f(
                CATEGORY,
                concat!($name, "(text", $more, "[, zone])"),
                "Reads a time in almost any spelling.",
                (
                    concat!($name, "('2024-01-31 10:11:12')"),
                    concat!("2024-01-31 10:11:12", $zero),
                ),
                |a, c| bind(a, c, $wide, Order::$order, Or::Fail),
            ),
            f(
                CATEGORY,
                concat!($name, "OrNull(text", $more, "[, zone])"),
                "Reads a time in almost any spelling; NULL for other texts.",
                (concat!($name, "OrNull('x')"), "\\N"),
                |a, c| bind(a, c, $wide, Order::$order, Or::Null),
            ),
            f(
                CATEGORY,
                concat!($name, "OrZero(text", $more, "[, zone])"),
                "Reads a time in almost any spelling; the epoch for other texts.",
                (
                    concat!($name, "OrZero('x')"),
                    concat!("1970-01-01 00:00:00", $zero),
                ),
                |a, c| bind(a, c, $wide, Order::$order, Or::Zero),
            ),
        ]
    };
}

const fn all() -> [ScalarFunction; 15] {
    let [a, b, c] = best!("parseDateTimeBestEffort", "", false, DayFirst, "");
    let [d, e, g] = best!("parseDateTimeBestEffortUS", "", false, MonthFirst, "");
    let [h, i, j] = best!("parseDateTime32BestEffort", "", false, DayFirst, "");
    let [k, l, m] = best!(
        "parseDateTime64BestEffort",
        "[, precision]",
        true,
        DayFirst,
        ".000"
    );
    let [n, o, p] = best!(
        "parseDateTime64BestEffortUS",
        "[, precision]",
        true,
        MonthFirst,
        ".000"
    );
    [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p]
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &all();

/// A constant zone argument.
fn zone_argument(args: &[Arg], i: usize) -> Result<Option<Tz>> {
    match args.get(i).map(|a| &a.constant) {
        None => Ok(None),
        Some(Some(Value::Bytes(name))) => {
            roost_engine::types::text::parse_zone(&String::from_utf8_lossy(name)).map(Some)
        }
        Some(_) => bail!(ILLEGAL_COLUMN, "the time zone must be a constant string"),
    }
}

fn bind(
    args: &[Arg],
    context: &BindContext,
    wide: bool,
    order: Order,
    or: Or,
) -> Result<BoundFunction> {
    arity(args, 1..=2 + usize::from(wide))?;
    if !args[0].ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of first argument of parseDateTimeBestEffort, expected String",
            args[0].ty
        );
    }
    let given = if wide {
        args.get(1)
            .and_then(|a| a.constant.as_ref())
            .and_then(Value::as_u64)
    } else {
        None
    };
    let precision = match given {
        None => 3,
        Some(p @ 0..=9) => p as u8,
        Some(p) => bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Scale {p} is too large for DateTime64. Maximum is up to nanoseconds (9)"
        ),
    };
    let tz = zone_argument(args, 1 + usize::from(given.is_some()))?;
    let zone = zone(tz.unwrap_or(context.time_zone));
    let ty = if wide {
        DataType::DateTime64(precision, tz)
    } else {
        DataType::DateTime(tz)
    };
    let precision = wide.then_some(precision);
    let read = move |text: &[u8], zone: &Zone| parse(text, zone, order, wide);
    Ok(times(ty, zone, precision, or, read))
}

/// A function of texts that are read as times.
fn times(
    ty: DataType,
    zone: &'static Zone,
    precision: Option<u8>,
    or: Or,
    read: impl Fn(&[u8], &Zone) -> Result<Moment> + Send + Sync + 'static,
) -> BoundFunction {
    let ty = if or == Or::Null { ty.nullable() } else { ty };
    BoundFunction::new(ty, move |columns, rows| {
        let texts = Strs::of(one(columns)?)?;
        let (mut ticks, mut failed) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let moment = read(texts.get(row), zone);
            let value = match (&moment, precision) {
                (Ok(m), None) => Some(m.seconds.clamp(0, i64::from(u32::MAX))),
                (Ok(m), Some(p)) => m.ticks(p),
                (Err(_), _) => None,
            };
            if let (None, Or::Fail) = (value, or) {
                return match moment {
                    Err(error) => Err(error),
                    Ok(_) => bail!(
                        DECIMAL_OVERFLOW,
                        "Decimal math overflow: the time does not fit"
                    ),
                };
            }
            failed.push(u8::from(value.is_none()));
            ticks.push(value.unwrap_or(0));
        }
        let values = match precision {
            Some(_) => Flat::native(ticks),
            None => Flat::native(ticks.into_iter().map(|t| t as u32).collect::<Vec<u32>>()),
        };
        Ok(Column::Flat(if or == Or::Null {
            Flat::nullable(failed, values)?
        } else {
            values
        }))
    })
}
