//! The values of one filled key: where they start and end, and the step between them.
//!
//! Invariant: every value has the key's type; a step that leaves the type ends the grid.

use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit, Value};

use crate::plan::{Fill, SortExpr};

/// A grid in one direction.
pub(super) struct Grid {
    ty: DataType,
    descending: bool,
    from: Option<Value>,
    to: Option<Value>,
    step: Step,
}

enum Step {
    /// In units of the key's number.
    Whole(i128),
    Float(f64),
    /// Calendar months.
    Months(i64),
}

impl Grid {
    pub(super) fn new(key: &SortExpr, fill: &Fill) -> Result<Grid> {
        let ty = key.expr.ty().value_type().clone();
        Ok(Grid {
            step: step(&ty, fill)?,
            ty,
            descending: key.descending,
            from: fill.from.clone(),
            to: fill.to.clone(),
        })
    }

    pub(super) fn first(&self) -> Option<Value> {
        self.from.clone()
    }

    /// Whether the grid goes on behind the last row.
    pub(super) fn ends(&self) -> bool {
        self.to.is_some()
    }

    /// Whether `a` comes before `b` in the order.
    pub(super) fn is_before(&self, a: &Value, b: &Value) -> bool {
        let order = a.compare(b);
        if self.descending {
            order.is_gt()
        } else {
            order.is_lt()
        }
    }

    /// Whether a value is at the end or behind it.
    pub(super) fn is_over(&self, value: &Value) -> bool {
        self.to
            .as_ref()
            .is_some_and(|to| !self.is_before(value, to))
    }

    /// The value one step on; `None` past the type's end.
    pub(super) fn after(&self, value: &Value) -> Option<Value> {
        match self.step {
            Step::Float(step) => {
                let next = value.as_f64()? + step;
                Some(Value::Float(match self.ty {
                    DataType::Float32 => f64::from(next as f32),
                    _ => next,
                }))
            }
            Step::Whole(step) => self.whole(wide(value)?.checked_add(step)?),
            Step::Months(months) => {
                let (days, seconds, per_day) = self.split(wide(value)?)?;
                let days = add_months(days, months)?;
                self.whole(i128::from(days) * per_day + seconds)
            }
        }
    }

    /// Days since the epoch, the rest of the day, and units of a day.
    fn split(&self, number: i128) -> Option<(i64, i128, i128)> {
        let per_day = match &self.ty {
            DataType::Date | DataType::Date32 => 1,
            DataType::DateTime(_) => 86_400,
            DataType::DateTime64(precision, _) => 86_400 * 10i128.pow((*precision).into()),
            _ => return None,
        };
        let days = i64::try_from(number.div_euclid(per_day)).ok()?;
        Some((days, number.rem_euclid(per_day), per_day))
    }

    fn whole(&self, number: i128) -> Option<Value> {
        let (low, high): (i128, i128) = match &self.ty {
            DataType::Bool | DataType::UInt8 => (0, u8::MAX.into()),
            DataType::UInt16 | DataType::Date => (0, u16::MAX.into()),
            DataType::UInt32 | DataType::DateTime(_) => (0, u32::MAX.into()),
            DataType::UInt64 => (0, u64::MAX.into()),
            DataType::UInt128 => (0, i128::MAX),
            DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 | DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
            DataType::Decimal(p, _) if *p <= 9 => (i32::MIN.into(), i32::MAX.into()),
            DataType::Int128 => (i128::MIN, i128::MAX),
            DataType::Decimal(p, _) if *p > 18 => (i128::MIN, i128::MAX),
            _ => (i64::MIN.into(), i64::MAX.into()),
        };
        if number < low || number > high {
            return None;
        }
        match i64::try_from(number) {
            Ok(small) => Some(Value::Int(small)),
            Err(_) => Some(Value::Int128(number)),
        }
    }
}

fn wide(value: &Value) -> Option<i128> {
    Some(match value {
        Value::UInt(v) => i128::from(*v),
        Value::Int(v) => i128::from(*v),
        Value::Int128(v) => *v,
        Value::UInt128(v) => i128::try_from(*v).ok()?,
        _ => return None,
    })
}

fn step(ty: &DataType, fill: &Fill) -> Result<Step> {
    let bad = || {
        err!(
            BAD_ARGUMENTS,
            "STEP of WITH FILL does not fit a key of type {ty}"
        )
    };
    if ty.is_float() {
        return Ok(Step::Float(fill.step.as_f64().ok_or_else(bad)?));
    }
    if let Some(unit) = fill.unit {
        let count = fill.step.as_i64().ok_or_else(bad)?;
        return interval(ty, unit, count).ok_or_else(bad);
    }
    match (ty, &fill.step) {
        (DataType::Decimal(_, scale), step) => {
            let size = step.as_f64().ok_or_else(bad)? * 10f64.powi((*scale).into());
            Ok(Step::Whole(size.round() as i128))
        }
        (_, step) => Ok(Step::Whole(wide(step).ok_or_else(bad)?)),
    }
}

/// A number of units as a step of a date or time.
fn interval(ty: &DataType, unit: IntervalUnit, count: i64) -> Option<Step> {
    use IntervalUnit as U;
    let months = match unit {
        U::Month => 1,
        U::Quarter => 3,
        U::Year => 12,
        _ => 0,
    };
    if months > 0 {
        return Some(Step::Months(count.checked_mul(months)?));
    }
    let nanos: i128 = match unit {
        U::Nanosecond => 1,
        U::Microsecond => 1_000,
        U::Millisecond => 1_000_000,
        U::Second => 1_000_000_000,
        U::Minute => 60_000_000_000,
        U::Hour => 3_600_000_000_000,
        U::Day => 86_400_000_000_000,
        _ => 7 * 86_400_000_000_000,
    };
    let of_key: i128 = match ty {
        DataType::Date | DataType::Date32 => 86_400_000_000_000,
        DataType::DateTime(_) => 1_000_000_000,
        DataType::DateTime64(precision, _) => 10i128.pow(9u32.checked_sub((*precision).into())?),
        _ => return None,
    };
    let total = nanos * i128::from(count);
    (total % of_key == 0).then_some(Step::Whole(total / of_key))
}

/// The same day so many months later, or the month's last day.
fn add_months(days: i64, months: i64) -> Option<i64> {
    // Years start in March, so that the leap day is a year's last day (Howard Hinnant's algorithms).
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let count = (year_of_era + era * 400) * 12 + month + months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12));
    let day = day.min(month_length(year, month));
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Some(era * 146_097 + of_era - 719_468)
}

/// Days of a month that is counted from March; `year` starts in March.
fn month_length(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 6 | 8 => 30,
        11 => {
            let year = year + 1;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            if leap { 29 } else { 28 }
        }
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::add_months;

    #[test]
    fn months_keep_the_day_or_end_with_the_month() {
        let day = |text: &str| {
            let date: Vec<i64> = text.split('-').map(|p| p.parse().unwrap()).collect();
            let years = (1970..date[0])
                .map(|y| if y % 4 == 0 { 366 } else { 365 })
                .sum::<i64>();
            let leap = i64::from(date[0] % 4 == 0);
            let lengths = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            years + lengths[..date[1] as usize - 1].iter().sum::<i64>() + date[2] - 1
        };
        for (from, months, to) in [
            ("2024-01-31", 1, "2024-02-29"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-05-31", -1, "2024-04-30"),
            ("2023-12-15", 3, "2024-03-15"),
            ("1970-01-01", 0, "1970-01-01"),
            ("2024-08-31", 1, "2024-09-30"),
            ("2024-07-31", 1, "2024-08-31"),
        ] {
            assert_eq!(
                add_months(day(from), months),
                Some(day(to)),
                "{from} {months}"
            );
        }
    }
}
