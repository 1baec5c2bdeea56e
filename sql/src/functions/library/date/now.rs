//! The time of the query.
//!
//! Invariant: all calls in one query see one instant, taken from the context at bind time.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz, Value};

use super::super::kit::{arity, f};
use super::clock::zone_arg;
use crate::functions::zones::zone;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";
const MICROS: i64 = 1_000_000;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "now([zone])",
        "The time at which the query started.",
        ("toTypeName(now())", "DateTime"),
        now,
    )
    .also(&["current_timestamp", "nowInBlock", "localtimestamp", "localtime"])
    .any_case(),
    f(
        D,
        "now64([precision[, zone]])",
        "The time at which the query started, with fractions of a second.",
        ("toTypeName(now64())", "DateTime64(3)"),
        now64,
    )
    .also(&["nowInBlock64"])
    .any_case(),
    f(
        D,
        "today()",
        "The day on which the query started.",
        ("toTypeName(today())", "Date"),
        |args, context| day(args, context, 0),
    )
    .also(&["curdate", "current_date"])
    .any_case(),
    f(
        D,
        "yesterday()",
        "The day before the query started.",
        ("toTypeName(yesterday())", "Date"),
        |args, context| day(args, context, -1),
    ),
    f(
        D,
        "UTCTimestamp()",
        "The time at which the query started, in UTC.",
        ("toTypeName(UTCTimestamp())", "DateTime(\\'UTC\\')"),
        |args, context| {
            arity(args, 0..=0)?;
            seconds(DataType::DateTime(Some(Tz::UTC)), context)
        },
    )
    .also(&["UTC_timestamp"])
    .any_case(),
];

fn constant(ty: DataType, value: Value) -> Result<BoundFunction> {
    let one = Column::constant(&value, &ty, 1)?;
    Ok(BoundFunction::new(ty, move |_, rows| {
        Ok(match &one {
            Column::Const { value, .. } => Column::Const {
                value: value.clone(),
                len: rows,
            },
            other => other.clone(),
        })
    }))
}

fn seconds(ty: DataType, context: &BindContext) -> Result<BoundFunction> {
    let seconds = context.now().div_euclid(MICROS).clamp(0, i64::from(u32::MAX));
    constant(ty, Value::UInt(seconds as u64))
}

fn now(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=1)?;
    seconds(DataType::DateTime(zone_arg(args, 0)?), context)
}

fn now64(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 0..=2)?;
    let precision = match args.first() {
        None => 3,
        Some(arg) => match arg.constant.as_ref().and_then(|v| v.as_u64()) {
            Some(p @ 0..=9) => p as u32,
            _ => bail!(
                ARGUMENT_OUT_OF_BOUND,
                "the precision must be a constant from 0 to 9"
            ),
        },
    };
    let ty = DataType::DateTime64(precision as u8, zone_arg(args, 1)?);
    let ticks = match precision {
        0..=6 => context.now().div_euclid(10i64.pow(6 - precision)),
        _ => context.now().saturating_mul(10i64.pow(precision - 6)),
    };
    constant(ty, Value::Int(ticks))
}

fn day(args: &[Arg], context: &BindContext, shift: i32) -> Result<BoundFunction> {
    arity(args, 0..=0)?;
    let seconds = context.now().div_euclid(MICROS);
    let day = zone(context.time_zone).day_of(seconds) + shift;
    constant(DataType::Date, Value::UInt(day.clamp(0, 65_535) as u64))
}
