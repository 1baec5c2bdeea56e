//! Slots of half an hour, or of any length.
//!
//! Invariant: slots are counted from the epoch.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, arity, array, f, want};
use super::clock::{Clock, Kind, date_times};
use super::start_of::floor_local;
use crate::functions::zones::DAY_SECONDS;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const D: &str = "date and time";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        D,
        "timeSlot(time[, zone])",
        "The start of the half hour.",
        ("timeSlot(toDateTime('2024-03-05 10:43:07'))", "2024-03-05 10:30:00"),
        |args, context| {
            arity(args, 1..=2)?;
            let clock = Clock::of(args, 0, 1, context)?.with_time(&args[0].ty)?;
            Ok(BoundFunction::new(clock.date_time(), move |columns, _| {
                let utcs = clock.utcs(&columns[0])?;
                Ok(date_times(utcs.into_iter().map(|t| floor_local(&clock, t, 1800))))
            }))
        },
    ),
    f(
        D,
        "timeSlots(start, duration[, size])",
        "The starts of the slots (of 30 minutes) that an interval touches.",
        (
            "timeSlots(toDateTime('2024-03-05 10:43:07'), toUInt32(600), 300)",
            "['2024-03-05 10:40:00','2024-03-05 10:45:00','2024-03-05 10:50:00']",
        ),
        slots,
    ),
    f(
        D,
        "toTimeWithFixedDate(time[, zone])",
        "The time of day, on 1970-01-02.",
        ("toTimeWithFixedDate(toDateTime('2024-03-05 10:23:30'))", "1970-01-02 10:23:30"),
        |args, context| {
            arity(args, 1..=2)?;
            let clock = Clock::of(args, 0, 1, context)?.with_time(&args[0].ty)?;
            Ok(BoundFunction::new(clock.date_time(), move |columns, _| {
                let locals = clock.locals(&columns[0])?;
                let fixed = |s: i64| clock.zone.to_utc(DAY_SECONDS + s.rem_euclid(DAY_SECONDS));
                Ok(date_times(locals.into_iter().map(fixed)))
            }))
        },
    )
    .also(&["toTime"]),
];

fn slots(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=4)?;
    let clock = Clock::of(args, 0, 3, context)?.with_time(&args[0].ty)?;
    if clock.kind != Kind::DateTime {
        bail!(NOT_IMPLEMENTED, "timeSlots of {} is not implemented", args[0].ty);
    }
    want(args, 1, args[1].ty == DataType::UInt32, "UInt32")?;
    Ok(BoundFunction::new(clock.date_time().array(), move |columns, rows| {
        let starts = clock.utcs(&columns[0])?;
        let duration = Ints::of(&columns[1])?;
        let size = Ints::or(columns, 2, 1800)?;
        let (mut offsets, mut out) = (vec![0u64], Vec::new());
        for (row, start) in starts.iter().enumerate().take(rows) {
            let size = size.get(row);
            if size <= 0 {
                bail!(ILLEGAL_COLUMN, "the size of a slot must be positive");
            }
            let (first, last) = (start / size, (start + duration.get(row)) / size);
            out.extend((first..=last).map(|n| n * size));
            offsets.push(out.len() as u64);
        }
        array(offsets, date_times(out))
    }))
}
