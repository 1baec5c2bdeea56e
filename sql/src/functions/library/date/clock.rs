//! What a date or time type says of its numbers: zone, precision, day.
//!
//! Invariant: a column is read once into whole numbers (days, local or UTC seconds, ticks); no
//! function of this folder looks at the column's shape again.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::text::parse_zone;
use roost_engine::types::{DataType, Tz};

use super::super::kit::want;
use crate::functions::zones::{DAY_SECONDS, Zone, zone};
use crate::functions::{Arg, BindContext};

/// A type with a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Date,
    Date32,
    DateTime,
    DateTime64(u8),
}

/// A date or time argument: its kind and the zone its calendar is read in.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) kind: Kind,
    pub(crate) zone: &'static Zone,
    /// The zone where the type or an argument names one.
    pub(crate) explicit: Option<Tz>,
}

/// The zone that constant argument `i` names, when there is such an argument.
pub(crate) fn zone_arg(args: &[Arg], i: usize) -> Result<Option<Tz>> {
    let Some(arg) = args.get(i) else {
        return Ok(None);
    };
    want(args, i, arg.ty.is_string(), "the name of a time zone")?;
    match arg.constant.as_ref().and_then(|v| v.as_bytes()) {
        Some(name) => match std::str::from_utf8(name).ok().map(parse_zone) {
            Some(Ok(tz)) => Ok(Some(tz)),
            _ => bail!(
                BAD_ARGUMENTS,
                "cannot load time zone {}",
                String::from_utf8_lossy(name)
            ),
        },
        None => bail!(ILLEGAL_COLUMN, "the name of a time zone must be constant"),
    }
}

impl Clock {
    /// The calendar of argument `i`, in the zone of argument `tz` where that is given.
    pub(crate) fn of(args: &[Arg], i: usize, tz: usize, context: &BindContext) -> Result<Clock> {
        let named = zone_arg(args, tz)?;
        let Some(clock) = args.get(i).and_then(|a| Self::of_type(&a.ty, context)) else {
            want(args, i, false, "Date, Date32, DateTime or DateTime64")?;
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "argument {} is missing",
                i + 1
            );
        };
        Ok(match named {
            Some(tz) => Clock {
                zone: zone(tz),
                explicit: Some(tz),
                ..clock
            },
            None => clock,
        })
    }

    pub(crate) fn of_type(ty: &DataType, context: &BindContext) -> Option<Clock> {
        let (kind, explicit) = match ty {
            DataType::Date => (Kind::Date, None),
            DataType::Date32 => (Kind::Date32, None),
            DataType::DateTime(tz) => (Kind::DateTime, *tz),
            DataType::DateTime64(p, tz) => (Kind::DateTime64(*p), *tz),
            _ => return None,
        };
        Some(Clock {
            kind,
            zone: zone(explicit.unwrap_or(context.time_zone)),
            explicit,
        })
    }

    /// Whether there is no time of day.
    pub(crate) fn is_date(&self) -> bool {
        matches!(self.kind, Kind::Date | Kind::Date32)
    }

    /// Digits after the second.
    pub(crate) fn scale(&self) -> u8 {
        match self.kind {
            Kind::DateTime64(p) => p,
            _ => 0,
        }
    }

    /// Ticks of a second.
    pub(crate) fn per_second(&self) -> i64 {
        10i64.pow(u32::from(self.scale().min(9)))
    }

    /// Refuses types without a time of day.
    pub(crate) fn with_time(self, ty: &DataType) -> Result<Clock> {
        if self.is_date() {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "illegal type {ty} of argument 1, expected DateTime or DateTime64"
            );
        }
        Ok(self)
    }

    /// The numbers as they are: days, seconds or ticks.
    pub(crate) fn raw(&self, column: &Column) -> Result<Vec<i64>> {
        Ok(match &column.to_flat() {
            Flat::U16(v) => v.iter().map(|x| i64::from(*x)).collect(),
            Flat::I32(v) => v.iter().map(|x| i64::from(*x)).collect(),
            Flat::U32(v) => v.iter().map(|x| i64::from(*x)).collect(),
            Flat::I64(v) => v.to_vec(),
            other => bail!(
                LOGICAL_ERROR,
                "expected dates, found {}",
                other.shape_name()
            ),
        })
    }

    /// Seconds since the epoch of one raw number.
    #[inline]
    pub(crate) fn utc_of(&self, raw: i64) -> i64 {
        match self.kind {
            Kind::Date | Kind::Date32 => self.zone.day_start(raw as i32),
            Kind::DateTime => raw,
            Kind::DateTime64(_) => raw.div_euclid(self.per_second()),
        }
    }

    /// Seconds since 1970-01-01 00:00:00 on the local clock of one raw number.
    #[inline]
    pub(crate) fn local_of(&self, raw: i64) -> i64 {
        match self.kind {
            Kind::Date | Kind::Date32 => raw * DAY_SECONDS,
            _ => self.zone.to_local(self.utc_of(raw)),
        }
    }

    /// Local day of one raw number.
    #[inline]
    pub(crate) fn day_of(&self, raw: i64) -> i32 {
        match self.kind {
            Kind::Date | Kind::Date32 => raw as i32,
            _ => self.zone.day_of(self.utc_of(raw)),
        }
    }

    fn each<T>(&self, column: &Column, f: impl Fn(i64) -> T) -> Result<Vec<T>> {
        Ok(self.raw(column)?.into_iter().map(f).collect())
    }

    /// Local day of every row.
    pub(crate) fn days(&self, column: &Column) -> Result<Vec<i32>> {
        self.each(column, |raw| self.day_of(raw))
    }

    /// Local seconds of every row.
    pub(crate) fn locals(&self, column: &Column) -> Result<Vec<i64>> {
        self.each(column, |raw| self.local_of(raw))
    }

    /// UTC seconds of every row.
    pub(crate) fn utcs(&self, column: &Column) -> Result<Vec<i64>> {
        self.each(column, |raw| self.utc_of(raw))
    }

    /// `DateTime` in this zone.
    pub(crate) fn date_time(&self) -> DataType {
        DataType::DateTime(self.explicit)
    }
}

/// A Date column; days outside its range are the nearest end of it.
pub(crate) fn dates(days: impl IntoIterator<Item = i32>) -> Column {
    let clamp = |d: i32| d.clamp(0, i32::from(u16::MAX)) as u16;
    Column::native(days.into_iter().map(clamp).collect::<Vec<u16>>())
}

/// A DateTime column; seconds outside its range are the nearest end of it.
pub(crate) fn date_times(seconds: impl IntoIterator<Item = i64>) -> Column {
    let clamp = |s: i64| s.clamp(0, i64::from(u32::MAX)) as u32;
    Column::native(seconds.into_iter().map(clamp).collect::<Vec<u32>>())
}
