//! Norms and distances of vectors, held as arrays or tuples of numbers.
//!
//! Invariant: all arithmetic is in Float64.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, aligned, arity, f, list_arg, nums};
use super::build::elements;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const V: &str = "vector";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        V,
        "L1Norm(vector)",
        "Sum of the absolute values.",
        ("L1Norm([1, -2])", "3"),
        |args, context| norm(args, context, |v| v.iter().map(|x| x.abs()).sum()),
    )
    .also(&["normL1"]),
    f(
        V,
        "L2Norm(vector)",
        "Square root of the sum of the squares.",
        ("L2Norm([3, 4])", "5"),
        |args, context| norm(args, context, |v| squares(v).sqrt()),
    )
    .also(&["normL2"]),
    f(
        V,
        "L2SquaredNorm(vector)",
        "Sum of the squares.",
        ("L2SquaredNorm([3, 4])", "25"),
        |args, context| norm(args, context, squares),
    )
    .also(&["normL2Squared"]),
    f(
        V,
        "LinfNorm(vector)",
        "Greatest absolute value.",
        ("LinfNorm([1, -2])", "2"),
        |args, context| norm(args, context, |v| v.iter().fold(0.0, |m, x| m.max(x.abs()))),
    )
    .also(&["normLinf"]),
    f(
        V,
        "L1Distance(a, b)",
        "Sum of the absolute differences.",
        ("L1Distance([1, 2], [3, 5])", "5"),
        |args, context| distance(args, context, |d| d.map(|(a, b)| (a - b).abs()).sum()),
    )
    .also(&["distanceL1"]),
    f(
        V,
        "L2Distance(a, b)",
        "Square root of the sum of the squared differences.",
        ("L2Distance([0, 0], [3, 4])", "5"),
        |args, context| distance(args, context, |d| squared(d).sqrt()),
    )
    .also(&["distanceL2"]),
    f(
        V,
        "L2SquaredDistance(a, b)",
        "Sum of the squared differences.",
        ("L2SquaredDistance([0, 0], [3, 4])", "25"),
        |args, context| distance(args, context, squared),
    )
    .also(&["distanceL2Squared"]),
    f(
        V,
        "LinfDistance(a, b)",
        "Greatest absolute difference.",
        ("LinfDistance([1, 2], [3, 5])", "3"),
        |args, context| distance(args, context, |d| d.fold(0.0, |m, (a, b)| m.max((a - b).abs()))),
    )
    .also(&["distanceLinf"]),
    f(
        V,
        "cosineDistance(a, b)",
        "One less the cosine of the angle.",
        ("cosineDistance([1, 0], [0, 1])", "1"),
        |args, context| {
            distance(args, context, |d| {
                let (mut dot, mut aa, mut bb) = (0.0, 0.0, 0.0);
                for (a, b) in d {
                    dot += a * b;
                    aa += a * a;
                    bb += b * b;
                }
                1.0 - dot / (aa * bb).sqrt()
            })
        },
    ),
];

fn squares(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum()
}

fn squared(pairs: &mut dyn Iterator<Item = (f64, f64)>) -> f64 {
    pairs.map(|(a, b)| (a - b) * (a - b)).sum()
}

/// How the numbers of an argument are read.
pub(crate) struct Vector {
    tuple: bool,
    casters: Vec<Caster>,
}

impl Vector {
    pub(crate) fn of(args: &[Arg], i: usize, context: &BindContext) -> Result<Self> {
        let (tuple, types) = match &args[i].ty {
            DataType::Tuple(t) => (true, t.types.clone()),
            _ => (false, vec![list_arg(args, i)?]),
        };
        if let Some(ty) = types.iter().find(|ty| !ty.is_numeric()) {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "the elements of argument {} have type {ty}, expected numbers",
                i + 1
            );
        }
        let casters = types.iter().map(|ty| Caster::new(ty, &DataType::Float64, context));
        Ok(Vector {
            tuple,
            casters: casters.collect::<Result<Vec<_>>>()?,
        })
    }

    /// All numbers, row by row, and where the rows end.
    pub(crate) fn read(&self, column: &Column, rows: usize) -> Result<(Vec<u64>, Vec<f64>)> {
        if !self.tuple {
            let (offsets, parts) = aligned(std::slice::from_ref(column))?;
            let values = self.casters[0].apply(&parts[0])?.to_flat();
            return Ok((offsets.to_vec(), values.slice_of::<f64>()?.to_vec()));
        }
        let width = self.casters.len();
        let mut all = vec![0.0; rows * width];
        for (c, (part, caster)) in elements(column)?.iter().zip(&self.casters).enumerate() {
            let flat: Flat = caster.apply(part)?.to_flat();
            for (row, value) in flat.slice_of::<f64>()?.iter().enumerate() {
                all[row * width + c] = *value;
            }
        }
        Ok(((0..=rows).map(|r| (r * width) as u64).collect(), all))
    }
}

fn norm(args: &[Arg], context: &BindContext, of: fn(&[f64]) -> f64) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let vector = Vector::of(args, 0, context)?;
    Ok(BoundFunction::new(DataType::Float64, move |columns, rows| {
        let (offsets, values) = vector.read(&columns[0], rows)?;
        Ok(nums(rows, |i| of(&values[offsets[i] as usize..offsets[i + 1] as usize])))
    }))
}

fn distance(
    args: &[Arg],
    context: &BindContext,
    of: fn(&mut dyn Iterator<Item = (f64, f64)>) -> f64,
) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
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
        Ok(nums(rows, |i| {
            let range = offsets[i] as usize..offsets[i + 1] as usize;
            let pairs = x[range.clone()].iter().copied().zip(y[range].iter().copied());
            of(&mut { pairs })
        }))
    }))
}
