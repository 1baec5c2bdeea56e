//! Rounding down to steps: powers of two, lists, ages and durations.
//!
//! Invariant: a number below the first step becomes the first step.

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};
use roost_engine::with_native;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{Operand, unary};
use crate::functions::library::kit::{Caster, arity, f, unify};
use crate::functions::numeric::Number;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "rounding";
const DURATIONS: [u16; 15] = [
    1, 10, 30, 60, 120, 180, 240, 300, 600, 1200, 1800, 3600, 7200, 18_000, 36_000,
];

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "roundToExp2(x)",
        "The nearest power of two towards zero.",
        ("roundToExp2(100)", "64"),
        bind_exp2,
    ),
    f(
        CATEGORY,
        "roundDown(x, steps)",
        "The largest of the steps that is not above x.",
        ("roundDown(7, [1, 5, 10])", "5"),
        bind_down,
    ),
    f(
        CATEGORY,
        "roundAge(x)",
        "An age as the start of its group: 0, 17, 18, 25, 35, 45, 55.",
        ("roundAge(30)", "25"),
        bind_age,
    ),
    f(
        CATEGORY,
        "roundDuration(x)",
        "A number of seconds as the start of its group.",
        ("roundDuration(100)", "60"),
        bind_duration,
    ),
];

fn number(name: &str, args: &[Arg]) -> Result<()> {
    arity(args, 1..=1)?;
    if args[0].ty.is_integer() || args[0].ty.is_float() {
        Ok(())
    } else {
        illegal(name, args)
    }
}

fn bind_exp2(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    number("roundToExp2", args)?;
    if matches!(args[0].ty, DataType::UInt128 | DataType::Int128) {
        bail!(
            NOT_IMPLEMENTED,
            "roundToExp2() for big integers is not implemented"
        );
    }
    fn steps<T: Number>(v: &[T]) -> Column {
        let one = |x: &T| match (T::FLOAT, x.wide()) {
            (true, _) => {
                let x = x.double();
                let sign = if x < 0.0 { -1.0 } else { 1.0 };
                T::from_double(if x == 0.0 || !x.is_finite() {
                    x
                } else {
                    sign * x.abs().log2().floor().exp2()
                })
            }
            (false, ..=0) => T::default(),
            (false, n) => T::from_wide(1 << n.ilog2()),
        };
        Column::native(v.iter().map(one).collect::<Vec<T>>())
    }
    Ok(BoundFunction::new(args[0].ty.clone(), |columns, _| {
        let flat = columns[0].to_flat();
        Ok(with_native!(&flat, |v| steps(v), _other => columns[0].clone()))
    }))
}

fn bind_down(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (DataType::Array(element), Some(Value::Array(values))) = (&args[1].ty, &args[1].constant)
    else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Second argument of function roundDown must be a constant array of numbers"
        );
    };
    if values.is_empty() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Second argument of function roundDown must not be empty"
        );
    }
    let (ty, casts) = unify(&[args[0].ty.clone(), element.as_ref().clone()], context)?;
    let mut builder = ColumnBuilder::new(element, values.len());
    values.iter().try_for_each(|v| builder.push(v))?;
    let steps = casts[1].apply(&Column::Flat(builder.finish()))?;
    let order = roost_engine::kernels::sort::SortKey::ascending(steps.clone());
    let sorted = roost_engine::kernels::sort::sort_permutation(&[order], values.len());
    let steps = take(&steps, &sorted);
    let cast: Caster = casts[0].clone();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let x = cast.apply(&columns[0])?;
        let place = |row: usize| {
            let above = (0..steps.len())
                .find(|i| roost_engine::kernels::compare::compare(&steps, *i, &x, row).is_gt());
            above.unwrap_or(steps.len()).saturating_sub(1) as u32
        };
        Ok(take(&steps, &(0..rows).map(place).collect::<Vec<u32>>()))
    }))
}

fn bind_age(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    number("roundAge", args)?;
    Ok(BoundFunction::new(
        DataType::UInt8,
        unary(|age: i64| match age {
            ..1 => 0u8,
            1..=17 => 17,
            18..=24 => 18,
            25..=34 => 25,
            35..=44 => 35,
            45..=54 => 45,
            _ => 55,
        }),
    ))
}

fn bind_duration(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    number("roundDuration", args)?;
    Ok(BoundFunction::new(DataType::UInt16, |columns, rows| {
        let seconds = Operand::<i64>::of(&columns[0])?;
        let step = |row: usize| {
            let at = DURATIONS.partition_point(|d| i64::from(*d) <= seconds.get(row));
            if at == 0 { 0u16 } else { DURATIONS[at - 1] }
        };
        Ok(Column::native((0..rows).map(step).collect()))
    }))
}
