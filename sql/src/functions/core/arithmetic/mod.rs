//! Arithmetic: operators over numbers, decimals, times, tuples and arrays.
//!
//! Invariant: the answer's type is ClickHouse's promotion of the argument types; whole numbers wrap.

mod decimals;
mod division;
mod minmax;
mod nested;
mod numbers;
mod single;
mod times;
mod types;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Plus,
    Minus,
    Multiply,
    Divide,
    IntDiv,
    IntDivOrZero,
    IntDivOrNull,
    Modulo,
    ModuloOrZero,
    ModuloOrNull,
    PositiveModulo,
    PositiveModuloOrNull,
    DivideOrNull,
    Gcd,
    Lcm,
}

impl Op {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Op::Plus => "plus",
            Op::Minus => "minus",
            Op::Multiply => "multiply",
            Op::Divide => "divide",
            Op::IntDiv => "intDiv",
            Op::IntDivOrZero => "intDivOrZero",
            Op::IntDivOrNull => "intDivOrNull",
            Op::Modulo => "modulo",
            Op::ModuloOrZero => "moduloOrZero",
            Op::ModuloOrNull => "moduloOrNull",
            Op::PositiveModulo => "positiveModulo",
            Op::PositiveModuloOrNull => "positiveModuloOrNull",
            Op::DivideOrNull => "divideOrNull",
            Op::Gcd => "gcd",
            Op::Lcm => "lcm",
        }
    }
}

macro_rules! op {
    ($op:ident) => {
        |args, context| bind(Op::$op, args, context)
    };
}

const CATEGORY: &str = "arithmetic";

/// Records.
pub(crate) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "plus(a, b)",
        "The sum. Operator `+`. Adds days to a Date, seconds to a DateTime, intervals to both.",
        ("plus(1, 2)", "3"),
        op!(Plus),
    ),
    f(
        CATEGORY,
        "minus(a, b)",
        "The difference, signed. Operator `-`.",
        ("minus(1, 2)", "-1"),
        op!(Minus),
    ),
    f(
        CATEGORY,
        "multiply(a, b)",
        "The product. Operator `*`.",
        ("multiply(3, 2)", "6"),
        op!(Multiply),
    ),
    f(
        CATEGORY,
        "divide(a, b)",
        "The quotient as Float64 (a Decimal stays one). Operator `/`.",
        ("divide(5, 2)", "2.5"),
        op!(Divide),
    ),
    f(
        CATEGORY,
        "divideOrNull(a, b)",
        "Like divide, NULL for a zero divisor.",
        ("divideOrNull(5, 0)", "\\N"),
        op!(DivideOrNull),
    ),
    f(
        CATEGORY,
        "intDiv(a, b)",
        "The whole part of the quotient; a zero divisor is an error.",
        ("intDiv(-5, 2)", "-2"),
        op!(IntDiv),
    ),
    f(
        CATEGORY,
        "intDivOrZero(a, b)",
        "Like intDiv, 0 for a zero divisor.",
        ("intDivOrZero(5, 0)", "0"),
        op!(IntDivOrZero),
    ),
    f(
        CATEGORY,
        "intDivOrNull(a, b)",
        "Like intDiv, NULL for a zero divisor.",
        ("intDivOrNull(5, 0)", "\\N"),
        op!(IntDivOrNull),
    ),
    f(
        CATEGORY,
        "modulo(a, b)",
        "The remainder, with the sign of `a`. Operator `%`.",
        ("modulo(-5, 3)", "-2"),
        op!(Modulo),
    )
    .also(&["mod"])
    .any_case(),
    f(
        CATEGORY,
        "moduloOrZero(a, b)",
        "Like modulo, 0 for a zero divisor.",
        ("moduloOrZero(5, 0)", "0"),
        op!(ModuloOrZero),
    ),
    f(
        CATEGORY,
        "moduloOrNull(a, b)",
        "Like modulo, NULL for a zero divisor.",
        ("moduloOrNull(5, 0)", "\\N"),
        op!(ModuloOrNull),
    )
    .also(&["modOrNull"]),
    f(
        CATEGORY,
        "positiveModulo(a, b)",
        "The remainder, never negative.",
        ("positiveModulo(-5, 3)", "1"),
        op!(PositiveModulo),
    )
    .also(&["positive_modulo", "pmod"])
    .any_case(),
    f(
        CATEGORY,
        "positiveModuloOrNull(a, b)",
        "Like positiveModulo, NULL for a zero divisor.",
        ("positiveModuloOrNull(5, 0)", "\\N"),
        op!(PositiveModuloOrNull),
    )
    .also(&["positive_modulo_or_null", "pmodOrNull"])
    .any_case(),
    f(
        CATEGORY,
        "gcd(a, b)",
        "The greatest common divisor.",
        ("gcd(12, 18)", "6"),
        op!(Gcd),
    ),
    f(
        CATEGORY,
        "lcm(a, b)",
        "The least common multiple.",
        ("lcm(4, 6)", "12"),
        op!(Lcm),
    ),
    f(
        CATEGORY,
        "negate(x)",
        "The number with the other sign. Operator `-`.",
        ("negate(5)", "-5"),
        single::bind_negate,
    ),
    f(
        CATEGORY,
        "abs(x)",
        "The absolute value, unsigned for whole numbers.",
        ("abs(-5)", "5"),
        single::bind_abs,
    )
    .any_case(),
    f(
        CATEGORY,
        "max2(a, b)",
        "The greater of two numbers as Float64.",
        ("max2(1, -2)", "1"),
        minmax::bind_max2,
    )
    .any_case(),
    f(
        CATEGORY,
        "min2(a, b)",
        "The lesser of two numbers as Float64.",
        ("min2(1, -2)", "-2"),
        minmax::bind_min2,
    )
    .any_case(),
];

/// Binds an operator to two types.
pub(crate) fn bind(op: Op, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (&args[0].ty, &args[1].ty);
    if nested::is_nested(a) || nested::is_nested(b) {
        return nested::bind(op, args, context);
    }
    if times::is_time(a) || times::is_time(b) {
        return times::bind(op, args, context);
    }
    let decimal = |t: &DataType| matches!(t, DataType::Decimal(..));
    if (decimal(a) && decimal(b)) || (decimal(a) && whole(b)) || (whole(a) && decimal(b)) {
        return decimals::bind(op, a, b);
    }
    // A decimal that meets a float becomes one; an address is the number it is held as.
    let (a, b) = (number_type(a), number_type(b));
    match (a, b) {
        (Some(a), Some(b)) => numbers::bind(op, &a, &b, &args[0].ty, &args[1].ty),
        _ => illegal(op.name(), args),
    }
}

fn whole(ty: &DataType) -> bool {
    ty.is_integer() || *ty == DataType::Bool
}

/// The number type that a plain argument takes part as.
fn number_type(ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::Bool => Some(DataType::UInt8),
        DataType::Decimal(..) => Some(DataType::Float64),
        DataType::IPv4 => Some(DataType::UInt32),
        t if t.is_integer() || t.is_float() => Some(t.clone()),
        _ => None,
    }
}

/// ILLEGAL_TYPE_OF_ARGUMENT, naming all types.
pub(crate) fn illegal<T>(name: &str, args: &[Arg]) -> Result<T> {
    let types: Vec<String> = args.iter().map(|a| a.ty.to_string()).collect();
    match &types[..] {
        [one] => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {one} of argument of function {name}"
        ),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal types {} of arguments of function {name}",
            types.join(" and ")
        ),
    }
}

/// The operator as a record, for calls that functions make of each other.
pub(crate) fn record(op: Op) -> Option<&'static ScalarFunction> {
    FUNCTIONS.iter().find(|f| f.name == op.name())
}
