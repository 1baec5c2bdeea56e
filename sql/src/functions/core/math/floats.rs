//! Questions about floats.
//!
//! Invariant: whole numbers are finite.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::core::operands::{Operand, two, unary, zip};
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "mathematical";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "isNaN(x)",
        "Whether the number is NaN.",
        ("isNaN(nan)", "1"),
        |a, _| ask("isNaN", a, f64::is_nan),
    )
    .any_case(),
    f(
        CATEGORY,
        "isFinite(x)",
        "Whether the number is neither infinite nor NaN.",
        ("isFinite(1)", "1"),
        |a, _| ask("isFinite", a, f64::is_finite),
    ),
    f(
        CATEGORY,
        "isInfinite(x)",
        "Whether the number is infinite.",
        ("isInfinite(inf)", "1"),
        |a, _| ask("isInfinite", a, f64::is_infinite),
    ),
    f(
        CATEGORY,
        "ifNotFinite(x, other)",
        "`other` where `x` is infinite or NaN.",
        ("ifNotFinite(1/0, 5)", "5"),
        bind_if_not_finite,
    ),
];

fn ask(name: &str, args: &[Arg], question: fn(f64) -> bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_numeric() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Argument for function {name} must be a number, found {}",
            args[0].ty
        );
    }
    Ok(BoundFunction::new(
        DataType::UInt8,
        unary(move |x: f64| u8::from(question(x))),
    ))
}

fn bind_if_not_finite(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    if args.iter().any(|a| !(a.ty.is_float() || a.ty.is_integer())) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Arguments of function ifNotFinite must be numbers"
        );
    }
    let work = |columns: &[Column], rows: usize| {
        let (x, other) = two(columns)?;
        let (x, other) = (Operand::<f64>::of(x)?, Operand::<f64>::of(other)?);
        Ok(zip(
            &x,
            &other,
            rows,
            |x, other| if x.is_finite() { x } else { other },
        ))
    };
    let single = |a: &Arg| {
        a.ty == DataType::Float32
            || crate::functions::supertype::integer_shape(&a.ty).is_some_and(|s| s.0 <= 16)
    };
    if args[0].ty == DataType::Float32 && args.iter().all(single) {
        return Ok(BoundFunction::new(
            DataType::Float32,
            move |columns, rows| {
                Ok(Column::native(
                    work(columns, rows)?.into_iter().map(|v| v as f32).collect(),
                ))
            },
        ));
    }
    Ok(BoundFunction::new(
        DataType::Float64,
        move |columns, rows| Ok(Column::native(work(columns, rows)?)),
    ))
}
