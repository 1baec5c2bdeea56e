//! round, floor, ceil, trunc to a number of digits.
//!
//! Invariant: the type stays; halves go to the even neighbour for floats, away from zero for whole
//! numbers and decimals (`roundBankers`: always to the even one).

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::with_native;

use crate::functions::core::operands::{Operand, one};
use crate::functions::library::kit::{arity, f};
use crate::functions::numeric::Number;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Round,
    Bankers,
    Floor,
    Ceil,
    Trunc,
}

const CATEGORY: &str = "rounding";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "round(x[, n])",
        "Rounds to n digits after the point (before it when negative).",
        ("round(1234.567, 2)", "1234.57"),
        |a, _| bind("round", Mode::Round, a),
    )
    .any_case(),
    f(
        CATEGORY,
        "roundBankers(x[, n])",
        "Rounds halves to the even neighbour.",
        ("roundBankers(2.5)", "2"),
        |a, _| bind("roundBankers", Mode::Bankers, a),
    ),
    f(
        CATEGORY,
        "floor(x[, n])",
        "The largest number with n digits that is not above x.",
        ("floor(-2.5)", "-3"),
        |a, _| bind("floor", Mode::Floor, a),
    )
    .any_case(),
    f(
        CATEGORY,
        "ceil(x[, n])",
        "The smallest number with n digits that is not below x.",
        ("ceil(2.1)", "3"),
        |a, _| bind("ceil", Mode::Ceil, a),
    )
    .also(&["ceiling"])
    .any_case(),
    f(
        CATEGORY,
        "trunc(x[, n])",
        "Cuts the digits after the n-th.",
        ("trunc(-2.7)", "-2"),
        |a, _| bind("trunc", Mode::Trunc, a),
    )
    .also(&["truncate"])
    .any_case(),
];

fn bind(name: &'static str, mode: Mode, args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let ty = &args[0].ty;
    if !ty.is_numeric() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "A value of illegal type was provided as 1st argument 'x' to function '{name}'. Expected: A number to round, got: {ty}"
        );
    }
    if let Some(digits) = args.get(1)
        && !(digits.ty.is_integer())
    {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "A value of illegal type was provided as 2nd argument 'N' to function '{name}'. Expected: an integer, got: {}",
            digits.ty
        );
    }
    let scale = match ty {
        DataType::Decimal(_, scale) => Some(i64::from(*scale)),
        _ => None,
    };
    Ok(BoundFunction::new(ty.clone(), move |columns, _| {
        run(mode, scale, columns)
    }))
}

fn run(mode: Mode, scale: Option<i64>, columns: &[Column]) -> Result<Column> {
    let digits = match columns.get(1) {
        Some(column) => Operand::<i64>::of(column)?,
        None => Operand::One(0),
    };
    let value = one(columns)?;
    if let (Operand::One(n), None) = (&digits, scale)
        && *n >= 0
        && is_whole(value)
    {
        return Ok(value.clone());
    }
    let flat = value.to_flat();
    fn floats<T: Number>(v: &[T], mode: Mode, digits: &Operand<i64>) -> Vec<T> {
        v.iter()
            .enumerate()
            .map(|(i, x)| T::from_double(float(x.double(), digits.get(i), mode)))
            .collect()
    }
    fn wholes<T: Number>(v: &[T], mode: Mode, scale: i64, digits: &Operand<i64>) -> Vec<T> {
        let unsigned = !T::SIGNED;
        v.iter()
            .enumerate()
            .map(|(i, x)| match unsigned && x.wide() < 0 {
                // Past the signed range: leave what cannot be rounded in 128 bits.
                true => *x,
                false => T::from_wide(whole(x.wide(), scale - digits.get(i), mode, cut::<T>)),
            })
            .collect()
    }
    /// What the type keeps of a number: ClickHouse steps towards the edge within it.
    fn cut<T: Number>(x: i128) -> i128 {
        T::from_wide(x).wide()
    }
    Ok(match &flat {
        Flat::F32(v) => Column::native(floats(v, mode, &digits)),
        Flat::F64(v) => Column::native(floats(v, mode, &digits)),
        other => {
            let scale = scale.unwrap_or(0);
            with_native!(other, |v| Column::native(wholes(v, mode, scale, &digits)), _x => value.clone())
        }
    })
}

fn is_whole(column: &Column) -> bool {
    let flat = match column {
        Column::Flat(flat) => flat,
        Column::Const { value, .. } => value,
        Column::Dict(d) => d.dict().as_ref(),
    };
    !matches!(flat, Flat::F32(_) | Flat::F64(_))
}

/// A whole number with its last `drop` digits rounded to zero. `cut` is what its type keeps of a
/// sum: near the type's limits ClickHouse wraps around, and so does this.
fn whole(value: i128, drop: i64, mode: Mode, cut: impl Fn(i128) -> i128) -> i128 {
    if drop <= 0 {
        return value;
    }
    let unit = u32::try_from(drop).ok().and_then(|d| 10i128.checked_pow(d));
    let Some(unit) = unit.filter(|unit| cut(*unit) == *unit) else {
        return 0;
    };
    let below = |step: i128| match value < 0 {
        true => cut(value.wrapping_sub(step)),
        false => value,
    };
    let moved = match mode {
        Mode::Round => below(unit).wrapping_add(unit / 2),
        Mode::Floor => below(unit - 1),
        Mode::Ceil if value >= 0 => cut(value.wrapping_add(unit - 1)),
        Mode::Ceil | Mode::Trunc => value,
        Mode::Bankers => {
            let (down, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
            let up = rest > unit / 2 || (rest == unit / 2 && down % 2 != 0);
            (down + i128::from(up)).wrapping_mul(unit)
        }
    };
    (moved / unit).wrapping_mul(unit)
}

fn float(x: f64, digits: i64, mode: Mode) -> f64 {
    let round = |x: f64| match mode {
        Mode::Round | Mode::Bankers => x.round_ties_even(),
        Mode::Floor => x.floor(),
        Mode::Ceil => x.ceil(),
        Mode::Trunc => x.trunc(),
    };
    if digits == 0 {
        return round(x);
    }
    let power = 10f64.powi(digits.unsigned_abs().min(400) as i32);
    let rounded = match digits > 0 {
        true => round(x * power) / power,
        false => round(x / power) * power,
    };
    if digits > 0 && !rounded.is_finite() {
        x
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_where_clickhouse_puts_them() {
        assert_eq!(float(2.5, 0, Mode::Round), 2.0);
        assert_eq!(float(1234.567, -2, Mode::Round), 1200.0);
        assert_eq!(whole(1250, 2, Mode::Round, |x| x), 1300);
        assert_eq!(whole(-1250, 2, Mode::Round, |x| x), -1300);
        assert_eq!(whole(25, 1, Mode::Bankers, |x| x), 20);
        assert_eq!(whole(-125, 1, Mode::Floor, |x| x), -130);
        assert_eq!(whole(-125, 1, Mode::Trunc, |x| x), -120);
        assert_eq!(whole(123, 1, Mode::Ceil, |x| x), 130);
        assert_eq!(whole(-98, 2, Mode::Round, |x| i128::from(x as i8)), 100);
        assert_eq!(whole(5, 60, Mode::Round, |x| x), 0);
    }
}
