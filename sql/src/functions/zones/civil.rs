//! Days since 1970-01-01 to year, month, day and back, in the proleptic Gregorian calendar.
//!
//! Invariant: `days_from_civil` and `civil_from_days` are each other's inverse.

/// Day number of a date. Months past December carry into the year.
#[inline]
pub fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let y = i64::from(if month <= 2 { year - 1 } else { year });
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) as i32
}

/// Year, month (from 1), day (from 1) of a day number.
#[inline]
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = match month_from_march < 10 {
        true => month_from_march + 3,
        false => month_from_march - 9,
    };
    let year = year_of_era as i64 + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

/// Whether February has 29 days.
#[inline]
pub fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month (1 to 12).
#[inline]
pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The date `months` later; the day is cut to the length of the month.
#[inline]
pub fn add_months(days: i32, months: i64) -> i32 {
    let (year, month, day) = civil_from_days(days);
    let count = i64::from(year) * 12 + i64::from(month) - 1 + months.clamp(-100_000, 100_000);
    let (year, month) = (count.div_euclid(12) as i32, count.rem_euclid(12) as u32 + 1);
    days_from_civil(year, month, day.min(days_in_month(year, month)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), 0);
        assert_eq!(days_from_civil(2000, 3, 1), 11_017);
        for days in (-200_000..200_000).step_by(7) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
            assert!((1..=days_in_month(y, m)).contains(&d));
        }
        assert_eq!(
            civil_from_days(add_months(days_from_civil(2024, 1, 31), 1)),
            (2024, 2, 29)
        );
        assert_eq!(
            civil_from_days(add_months(days_from_civil(2024, 1, 31), -2)),
            (2023, 11, 30)
        );
    }
}
