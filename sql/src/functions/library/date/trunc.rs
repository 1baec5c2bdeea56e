//! `dateTrunc`: the start of the named unit.
//!
//! Invariant: the unit is a constant; its name is found in any case.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit};

use super::super::kit::{arity, f, string};
use super::clock::{Clock, Kind, date_times, dates};
use super::start_of::floor_local;
use super::start_of_interval::{floor_day, sub_second_scale};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "date and time",
    "dateTrunc(unit, time[, zone])",
    "The start of the unit that the time lies in.",
    ("dateTrunc('hour', toDateTime('2024-03-05 10:23:30'))", "2024-03-05 10:00:00"),
    bind,
)
.also(&["date_trunc"])
.any_case()];

/// The unit of that name, in any case, singular.
pub(crate) fn unit_named(name: &[u8]) -> Option<IntervalUnit> {
    let is = |unit: &IntervalUnit| unit.name().as_bytes().eq_ignore_ascii_case(name);
    IntervalUnit::ALL.iter().copied().find(is)
}

fn bind(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    string(args, 0)?;
    let Some(name) = args[0].constant.as_ref().and_then(|v| v.as_bytes()) else {
        bail!(ILLEGAL_COLUMN, "the unit must be a constant string");
    };
    let Some(unit) = unit_named(name) else {
        bail!(
            BAD_ARGUMENTS,
            "'{}' is not the name of a unit of time",
            String::from_utf8_lossy(name)
        );
    };
    let clock = Clock::of(args, 1, 2, context)?;
    let scale = sub_second_scale(unit);
    if clock.is_date() && unit < IntervalUnit::Day || scale > 0 && clock.kind == Kind::DateTime {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "cannot truncate {} to a {}",
            args[1].ty,
            unit.name()
        );
    }
    let wide = matches!(clock.kind, Kind::Date32 | Kind::DateTime64(_));
    let ty = match (unit >= IntervalUnit::Week, wide) {
        (true, true) => DataType::Date32,
        (true, false) => DataType::Date,
        (false, true) => DataType::DateTime64(scale, clock.explicit),
        (false, false) => clock.date_time(),
    };
    Ok(BoundFunction::new(ty, move |columns, _| {
        let raw = clock.raw(&columns[1])?;
        Ok(truncate(&clock, &raw, unit, wide))
    }))
}

fn truncate(clock: &Clock, raw: &[i64], unit: IntervalUnit, wide: bool) -> Column {
    let scale = sub_second_scale(unit);
    let instants = |f: &dyn Fn(i64) -> i64| match wide {
        true => Column::native(raw.iter().map(|t| f(*t)).collect::<Vec<i64>>()),
        false => date_times(raw.iter().map(|t| f(*t))),
    };
    match unit {
        IntervalUnit::Nanosecond | IntervalUnit::Microsecond | IntervalUnit::Millisecond => {
            let own = clock.scale();
            let power = |n: u8| 10i64.pow(u32::from(n));
            instants(&|t| match own >= scale {
                true => t.div_euclid(power(own - scale)),
                false => t.saturating_mul(power(scale - own)),
            })
        }
        IntervalUnit::Second => instants(&|t| clock.utc_of(t)),
        IntervalUnit::Minute => instants(&|t| floor_local(clock, clock.utc_of(t), 60)),
        IntervalUnit::Hour => instants(&|t| floor_local(clock, clock.utc_of(t), 3600)),
        IntervalUnit::Day => instants(&|t| clock.zone.day_start(clock.day_of(t))),
        _ => {
            let days = raw.iter().map(|t| floor_day(clock.day_of(*t), unit, 1));
            match wide {
                true => Column::native(days.collect::<Vec<i32>>()),
                false => dates(days),
            }
        }
    }
}
