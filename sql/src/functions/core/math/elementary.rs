//! Functions of one or two doubles.
//!
//! Invariant: decimals and whole numbers are read as doubles first.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{binary, unary};
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "mathematical";

macro_rules! one {
    ($syntax:literal, $text:literal, $example:expr, $f:expr) => {
        f(CATEGORY, $syntax, $text, $example, |args, _| {
            bind_one(args, $f)
        })
    };
}

macro_rules! two {
    ($syntax:literal, $text:literal, $example:expr, $f:expr) => {
        f(CATEGORY, $syntax, $text, $example, |args, _| {
            bind_two(args, $f)
        })
    };
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "e()",
        "Euler's number.",
        ("e()", "2.718281828459045"),
        |a, _| constant(a, std::f64::consts::E),
    ),
    f(
        CATEGORY,
        "pi()",
        "The ratio of a circle's circumference to its diameter.",
        ("pi()", "3.141592653589793"),
        |a, _| constant(a, std::f64::consts::PI),
    )
    .any_case(),
    one!("exp(x)", "e to the power of x.", ("exp(0)", "1"), f64::exp).any_case(),
    one!(
        "exp2(x)",
        "2 to the power of x.",
        ("exp2(3)", "8"),
        f64::exp2
    )
    .any_case(),
    one!(
        "exp10(x)",
        "10 to the power of x.",
        ("exp10(2)", "100"),
        libm::exp10
    )
    .any_case(),
    one!("log(x)", "The natural logarithm.", ("log(1)", "0"), f64::ln)
        .also(&["ln"])
        .any_case(),
    one!(
        "log2(x)",
        "The logarithm to base 2.",
        ("log2(8)", "3"),
        f64::log2
    )
    .any_case(),
    one!(
        "log10(x)",
        "The logarithm to base 10.",
        ("log10(1000)", "3"),
        f64::log10
    )
    .any_case(),
    one!(
        "log1p(x)",
        "The natural logarithm of 1 + x.",
        ("log1p(0)", "0"),
        f64::ln_1p
    ),
    one!("sqrt(x)", "The square root.", ("sqrt(9)", "3"), f64::sqrt).any_case(),
    one!("cbrt(x)", "The cube root.", ("cbrt(27)", "3"), f64::cbrt),
    one!("sin(x)", "The sine of radians.", ("sin(0)", "0"), f64::sin).any_case(),
    one!(
        "cos(x)",
        "The cosine of radians.",
        ("cos(0)", "1"),
        f64::cos
    )
    .any_case(),
    one!(
        "tan(x)",
        "The tangent of radians.",
        ("tan(0)", "0"),
        f64::tan
    )
    .any_case(),
    one!("asin(x)", "The arc sine.", ("asin(0)", "0"), f64::asin).any_case(),
    one!("acos(x)", "The arc cosine.", ("acos(1)", "0"), f64::acos).any_case(),
    one!("atan(x)", "The arc tangent.", ("atan(0)", "0"), f64::atan).any_case(),
    one!(
        "sinh(x)",
        "The hyperbolic sine.",
        ("sinh(0)", "0"),
        f64::sinh
    ),
    one!(
        "cosh(x)",
        "The hyperbolic cosine.",
        ("cosh(0)", "1"),
        f64::cosh
    ),
    one!(
        "tanh(x)",
        "The hyperbolic tangent.",
        ("tanh(0)", "0"),
        f64::tanh
    ),
    one!(
        "asinh(x)",
        "The inverse hyperbolic sine.",
        ("asinh(0)", "0"),
        libm::asinh
    ),
    one!(
        "acosh(x)",
        "The inverse hyperbolic cosine.",
        ("acosh(1)", "0"),
        libm::acosh
    ),
    one!(
        "atanh(x)",
        "The inverse hyperbolic tangent.",
        ("atanh(0)", "0"),
        libm::atanh
    ),
    one!(
        "degrees(x)",
        "Radians in degrees.",
        ("degrees(pi())", "180"),
        |x| x * (180.0 / std::f64::consts::PI)
    )
    .any_case(),
    one!(
        "radians(x)",
        "Degrees in radians.",
        ("radians(180)", "3.141592653589793"),
        |x| x * (std::f64::consts::PI / 180.0)
    )
    .any_case(),
    one!("erf(x)", "The error function.", ("erf(0)", "0"), libm::erf),
    one!(
        "erfc(x)",
        "One minus the error function.",
        ("erfc(0)", "1"),
        libm::erfc
    ),
    one!(
        "tgamma(x)",
        "The gamma function.",
        ("tgamma(5)", "24"),
        libm::tgamma
    ),
    one!(
        "lgamma(x)",
        "The logarithm of the gamma function.",
        ("lgamma(1)", "0"),
        libm::lgamma
    ),
    two!(
        "pow(x, y)",
        "x to the power of y.",
        ("pow(2, 10)", "1024"),
        f64::powf
    )
    .also(&["power"])
    .any_case(),
    two!(
        "atan2(y, x)",
        "The angle of the point (x, y).",
        ("atan2(0, 1)", "0"),
        f64::atan2
    )
    .any_case(),
    two!(
        "hypot(x, y)",
        "The length of the hypotenuse.",
        ("hypot(3, 4)", "5"),
        f64::hypot
    ),
    f(
        CATEGORY,
        "sign(x)",
        "-1, 0 or 1.",
        ("sign(-5)", "-1"),
        bind_sign,
    )
    .any_case(),
    f(
        CATEGORY,
        "factorial(n)",
        "The product of 1 to n; n is at most 20.",
        ("factorial(5)", "120"),
        bind_factorial,
    )
    .any_case(),
    f(
        CATEGORY,
        "intExp2(n)",
        "2 to the power of n as UInt64.",
        ("intExp2(3)", "8"),
        |a, _| bind_power(a, 2, 63),
    ),
    f(
        CATEGORY,
        "intExp10(n)",
        "10 to the power of n as UInt64.",
        ("intExp10(3)", "1000"),
        |a, _| bind_power(a, 10, 19),
    ),
];

fn constant(args: &[Arg], value: f64) -> Result<BoundFunction> {
    arity(args, 0..=0)?;
    Ok(BoundFunction::new(DataType::Float64, move |_, rows| {
        roost_engine::column::Column::constant(
            &roost_engine::types::Value::Float(value),
            &DataType::Float64,
            rows,
        )
    }))
}

/// 10^scale of a number type, to turn it into a double.
fn power_of(ty: &DataType) -> Option<f64> {
    match ty {
        DataType::Decimal(_, scale) => Some(10f64.powi(i32::from(*scale))),
        t if t.is_numeric() => Some(1.0),
        _ => None,
    }
}

fn bind_one(args: &[Arg], f: fn(f64) -> f64) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match power_of(&args[0].ty) {
        Some(1.0) => Ok(BoundFunction::new(DataType::Float64, unary(f))),
        Some(power) => Ok(BoundFunction::new(
            DataType::Float64,
            unary(move |x: f64| f(x / power)),
        )),
        None => illegal("of mathematics", args),
    }
}

fn bind_two(args: &[Arg], f: fn(f64, f64) -> f64) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let wide = |a: &Arg| matches!(a.ty, DataType::UInt128 | DataType::Int128);
    match (power_of(&args[0].ty), power_of(&args[1].ty)) {
        (Some(p), Some(q)) if !args.iter().any(wide) => Ok(BoundFunction::new(
            DataType::Float64,
            binary(move |x: f64, y: f64| f(x / p, y / q)),
        )),
        _ => illegal("of mathematics", args),
    }
}

fn bind_sign(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match &args[0].ty {
        t if !t.is_numeric() => illegal("sign", args),
        t if t.is_float() => Ok(BoundFunction::new(
            DataType::Int8,
            unary(|x: f64| if x > 0.0 { 1i8 } else { -i8::from(x < 0.0) }),
        )),
        DataType::UInt128 => Ok(BoundFunction::new(
            DataType::Int8,
            unary(|x: u128| i8::from(x > 0)),
        )),
        _ => Ok(BoundFunction::new(
            DataType::Int8,
            unary(|x: i128| x.signum() as i8),
        )),
    }
}

fn bind_factorial(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = &args[0].ty;
    if !ty.is_integer() || matches!(ty, DataType::UInt128 | DataType::Int128) {
        return illegal("factorial", args);
    }
    Ok(BoundFunction::new(DataType::UInt64, |columns, _| {
        let flat = columns[0].to_flat();
        let values = crate::functions::numeric::numbers_of::<i64>(&flat)?;
        let unsigned = matches!(flat, roost_engine::column::Flat::U64(_));
        let one = |n: &i64| match *n {
            n if n > 20 || (n < 0 && unsigned) => {
                bail!(
                    BAD_ARGUMENTS,
                    "The maximum value for the input argument of function factorial is 20"
                )
            }
            n => Ok((1..=n.max(0) as u64).product::<u64>()),
        };
        Ok(roost_engine::column::Column::native(
            values.iter().map(one).collect::<Result<Vec<u64>>>()?,
        ))
    }))
}

fn bind_power(args: &[Arg], base: u64, largest: i64) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_numeric() {
        return illegal("intExp", args);
    }
    Ok(BoundFunction::new(
        DataType::UInt64,
        unary(move |n: i64| match n {
            ..0 => 0,
            n if n <= largest => base.pow(n as u32),
            _ => u64::MAX,
        }),
    ))
}
