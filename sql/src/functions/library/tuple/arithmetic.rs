//! Arithmetic element by element, with the functions of numbers.
//!
//! Invariant: types are those of the numeric functions applied to each element.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::super::kit::{arity, f};
use super::build::elements;
use crate::functions::scalar::PlainKernel;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel, ScalarFunction, scalar_function};

const T: &str = "tuple";

macro_rules! family {
    ($($name:literal $aliases:expr, $operation:literal $answer:literal;)* | $($scalar:literal $op:literal $result:literal;)*) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            $( f(
                T,
                concat!($name, "(a, b)"),
                concat!("`", $operation, "` of the elements at the same place."),
                (concat!($name, "((5, 6), (2, 4))"), $answer),
                |args, context| pairwise(args, context, $operation),
            )
            .also($aliases), )*
            $( f(
                T,
                concat!($scalar, "(tuple, number)"),
                concat!("`", $op, "` of each element and a number."),
                (concat!($scalar, "((5, 6), 2)"), $result),
                |args, context| with_number(args, context, $op),
            ), )*
            f(
                T,
                "tupleNegate(tuple)",
                "Each element negated.",
                ("tupleNegate((1, 2))", "(-1,-2)"),
                |args, context| {
                    arity(args, 1..=1)?;
                    let types = types(args, 0)?;
                    let parts = types.iter().map(|ty| vec![Arg::of(ty.clone())]).collect();
                    each(parts, context, "negate", |columns, i| {
                        Ok(vec![part(&columns[0], i)?])
                    })
                },
            ),
            f(
                T,
                "tupleHammingDistance(a, b)",
                "Number of places where the elements differ.",
                ("tupleHammingDistance((1, 2), (1, 3))", "1"),
                |args, context| hamming(args, context),
            ),
        ];
    };
}

family!(
    "tuplePlus" &["vectorSum"], "plus" "(7,10)";
    "tupleMinus" &["vectorDifference"], "minus" "(3,2)";
    "tupleMultiply" &[], "multiply" "(10,24)";
    "tupleDivide" &[], "divide" "(2.5,1.5)";
    "tupleIntDiv" &[], "intDiv" "(2,1)";
    "tupleModulo" &[], "modulo" "(1,2)";
    |
    "tupleMultiplyByNumber" "multiply" "(10,12)";
    "tupleDivideByNumber" "divide" "(2.5,3)";
    "tupleIntDivByNumber" "intDiv" "(2,3)";
    "tupleModuloByNumber" "modulo" "(1,0)";
);

fn types(args: &[Arg], i: usize) -> Result<&[DataType]> {
    match args[i].ty.tuple_types() {
        Some(types) => Ok(types),
        None => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument {}, expected a tuple",
            args[i].ty,
            i + 1
        ),
    }
}

fn part(column: &Column, i: usize) -> Result<Column> {
    let part = elements(column)?.into_iter().nth(i);
    part.ok_or_else(|| Error::bug("a tuple column lost an element"))
}

/// Binds a function of numbers.
pub(crate) fn operation(
    name: &str,
    args: &[Arg],
    context: &BindContext,
) -> Result<(DataType, PlainKernel)> {
    let Some(function) = scalar_function(name) else {
        bail!(UNKNOWN_FUNCTION, "unknown function {name}");
    };
    let bound = function.bind_framed(args, context)?;
    match bound.kernel {
        Kernel::Plain(kernel) => Ok((bound.ty, kernel)),
        Kernel::Lambda(_) => bail!(LOGICAL_ERROR, "{name} is no function of numbers"),
    }
}

fn each(
    parts: Vec<Vec<Arg>>,
    context: &BindContext,
    name: &str,
    arguments: fn(&[Column], usize) -> Result<Vec<Column>>,
) -> Result<BoundFunction> {
    let bound = parts.iter().map(|args| operation(name, args, context));
    let (types, kernels): (Vec<_>, Vec<_>) =
        bound.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    Ok(BoundFunction::new(DataType::tuple(types), move |columns, rows| {
        let answers = kernels
            .iter()
            .enumerate()
            .map(|(i, kernel)| kernel(&arguments(columns, i)?, rows));
        Ok(Column::Flat(Flat::tuple(answers.collect::<Result<Vec<_>>>()?, rows)?))
    }))
}

fn same_length(args: &[Arg]) -> Result<(&[DataType], &[DataType])> {
    arity(args, 2..=2)?;
    let (a, b) = (types(args, 0)?, types(args, 1)?);
    if a.len() != b.len() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the tuples have {} and {} elements, expected equally many",
            a.len(),
            b.len()
        );
    }
    Ok((a, b))
}

fn pairwise(args: &[Arg], context: &BindContext, name: &str) -> Result<BoundFunction> {
    let (a, b) = same_length(args)?;
    let pairs = a.iter().zip(b).map(|(x, y)| vec![Arg::of(x.clone()), Arg::of(y.clone())]);
    each(pairs.collect(), context, name, |columns, i| {
        Ok(vec![part(&columns[0], i)?, part(&columns[1], i)?])
    })
}

fn with_number(args: &[Arg], context: &BindContext, name: &str) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let pairs = types(args, 0)?.iter().map(|x| vec![Arg::of(x.clone()), args[1].clone()]);
    each(pairs.collect(), context, name, |columns, i| {
        Ok(vec![part(&columns[0], i)?, columns[1].clone()])
    })
}

fn hamming(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let (a, b) = same_length(args)?;
    let pairs = a.iter().zip(b).map(|(x, y)| [Arg::of(x.clone()), Arg::of(y.clone())]);
    let kernels = pairs.map(|pair| Ok(operation("notEquals", &pair, context)?.1));
    let kernels = kernels.collect::<Result<Vec<_>>>()?;
    let ty = if kernels.len() < 2 { DataType::UInt8 } else { DataType::UInt16 };
    let narrow = kernels.len() < 2;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let mut counts = vec![0u16; rows];
        for (i, kernel) in kernels.iter().enumerate() {
            let differ = kernel(&[part(&columns[0], i)?, part(&columns[1], i)?], rows)?;
            let differ = differ.to_flat();
            let (_, differ) = differ.split_nulls();
            let differ = differ.slice_of::<u8>()?;
            counts.iter_mut().zip(differ).for_each(|(n, d)| *n += u16::from(*d));
        }
        Ok(match narrow {
            true => Column::native(counts.iter().map(|n| *n as u8).collect::<Vec<u8>>()),
            false => Column::native(counts),
        })
    }))
}
