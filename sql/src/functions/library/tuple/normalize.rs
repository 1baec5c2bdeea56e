//! Vectors made one long, and norms with any exponent.
//!
//! Invariant: the answer has the shape of the argument, with elements of Float64.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{arity, array, f, nums};
use super::vector::Vector;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const V: &str = "vector";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        V,
        "L1Normalize(vector)",
        "The vector divided by its `L1Norm`.",
        ("L1Normalize((1, 3))", "(0.25,0.75)"),
        |args, context| normalize(args, context, 1.0, 1),
    )
    .also(&["normalizeL1"]),
    f(
        V,
        "L2Normalize(vector)",
        "The vector divided by its `L2Norm`.",
        ("L2Normalize((3, 4))", "(0.6,0.8)"),
        |args, context| normalize(args, context, 2.0, 1),
    )
    .also(&["normalizeL2"]),
    f(
        V,
        "LinfNormalize(vector)",
        "The vector divided by its `LinfNorm`.",
        ("LinfNormalize((3, 4))", "(0.75,1)"),
        |args, context| normalize(args, context, f64::INFINITY, 1),
    )
    .also(&["normalizeLinf"]),
    f(
        V,
        "LpNormalize(vector, p)",
        "The vector divided by its `LpNorm`.",
        ("LpNormalize((3, 4), 1)", "(0.42857142857142855,0.5714285714285714)"),
        |args, context| normalize(args, context, exponent(args, 1)?, 2),
    )
    .also(&["normalizeLp"]),
    f(
        V,
        "LpNorm(vector, p)",
        "The p-th root of the sum of the p-th powers of the absolute values.",
        ("LpNorm((3, 4), 2)", "5"),
        |args, context| {
            arity(args, 2..=2)?;
            let p = exponent(args, 1)?;
            let vector = Vector::of(args, 0, context)?;
            Ok(BoundFunction::new(DataType::Float64, move |columns, rows| {
                let (offsets, values) = vector.read(&columns[0], rows)?;
                Ok(nums(rows, |i| norm(&values[offsets[i] as usize..offsets[i + 1] as usize], p)))
            }))
        },
    )
    .also(&["normLp"]),
    f(
        V,
        "LpDistance(a, b, p)",
        "`LpNorm` of the difference.",
        ("LpDistance((0, 0), (3, 4), 2)", "5"),
        |args, context| {
            arity(args, 3..=3)?;
            let p = exponent(args, 2)?;
            let (a, b) = (Vector::of(args, 0, context)?, Vector::of(args, 1, context)?);
            Ok(BoundFunction::new(DataType::Float64, move |columns, rows| {
                let (offsets, x) = a.read(&columns[0], rows)?;
                let (others, y) = b.read(&columns[1], rows)?;
                if offsets != others {
                    bail!(
                        SIZES_OF_ARRAYS_DONT_MATCH,
                        "the vectors of a row have different lengths"
                    );
                }
                let differences: Vec<f64> = x.iter().zip(&y).map(|(a, b)| a - b).collect();
                Ok(nums(rows, |i| {
                    norm(&differences[offsets[i] as usize..offsets[i + 1] as usize], p)
                }))
            }))
        },
    )
    .also(&["distanceLp"]),
];

fn exponent(args: &[Arg], i: usize) -> Result<f64> {
    let value = args.get(i).and_then(|a| a.constant.as_ref()).and_then(|v| v.as_f64());
    match value {
        Some(p) if p >= 1.0 => Ok(p),
        other => bail!(
            ARGUMENT_OUT_OF_BOUND,
            "the exponent must be a constant of at least 1, found {other:?}"
        ),
    }
}

fn norm(values: &[f64], p: f64) -> f64 {
    match p {
        1.0 => values.iter().map(|x| x.abs()).sum(),
        2.0 => values.iter().map(|x| x * x).sum::<f64>().sqrt(),
        _ if p.is_infinite() => values.iter().fold(0.0, |m, x| m.max(x.abs())),
        _ => values.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p),
    }
}

fn normalize(args: &[Arg], context: &BindContext, p: f64, count: usize) -> Result<BoundFunction> {
    arity(args, count..=count)?;
    let vector = Vector::of(args, 0, context)?;
    let width = args[0].ty.tuple_types().map(<[DataType]>::len);
    let ty = match width {
        Some(width) => DataType::tuple(vec![DataType::Float64; width]),
        None => DataType::Float64.array(),
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (offsets, mut values) = vector.read(&columns[0], rows)?;
        for row in 0..rows {
            let part = &mut values[offsets[row] as usize..offsets[row + 1] as usize];
            let length = norm(part, p);
            part.iter_mut().for_each(|x| *x /= length);
        }
        match width {
            None => array(offsets, Column::native(values)),
            Some(width) => {
                let column = |c: usize| {
                    Column::native((0..rows).map(|r| values[r * width + c]).collect::<Vec<f64>>())
                };
                Ok(Column::Flat(Flat::tuple((0..width).map(column).collect(), rows)?))
            }
        }
    }))
}
