//! Distances on the earth.
//!
//! Invariant: arguments are longitude and latitude of two places, in degrees.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, arity, f, nums, want};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const G: &str = "geo";
const RADIUS: f64 = 6_371_000.0;

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        G,
        "greatCircleDistance(lon1, lat1, lon2, lat2)",
        "Metres between two places on a sphere.",
        ("round(greatCircleDistance(55.755831, 37.617673, -55.755831, -37.617673), -3)", "14128000"),
        |args, context| distance(args, context, |p| RADIUS * angle(p)),
    ),
    f(
        G,
        "greatCircleAngle(lon1, lat1, lon2, lat2)",
        "Degrees between two places on a sphere.",
        ("round(greatCircleAngle(0, 0, 45, 0), 1)", "45"),
        |args, context| distance(args, context, |p| angle(p).to_degrees()),
    ),
    f(
        G,
        "geoDistance(lon1, lat1, lon2, lat2)",
        "Metres between two places on the WGS-84 ellipsoid, good for short distances.",
        ("round(geoDistance(38.8976, -77.0366, 39.9496, -75.1503), -2)", "212500"),
        |args, context| distance(args, context, ellipsoid),
    ),
];

/// Columns of coordinates as doubles.
pub(crate) fn coordinates(columns: &[Column], casters: &[Caster]) -> Result<Vec<Vec<f64>>> {
    let read = columns.iter().zip(casters).map(|(column, caster)| {
        Ok(caster.apply(column)?.to_flat().slice_of::<f64>()?.to_vec())
    });
    read.collect()
}

/// Checks that arguments are numbers and converts them to doubles.
pub(crate) fn numbers(args: &[Arg], context: &BindContext) -> Result<Vec<Caster>> {
    let casters = args.iter().enumerate().map(|(i, arg)| {
        want(args, i, arg.ty.is_numeric(), "a number")?;
        Caster::new(&arg.ty, &DataType::Float64, context)
    });
    casters.collect()
}

fn distance(
    args: &[Arg],
    context: &BindContext,
    of: fn([f64; 4]) -> f64,
) -> Result<BoundFunction> {
    arity(args, 4..=4)?;
    let casters = numbers(args, context)?;
    let wide = args.iter().any(|a| a.ty == DataType::Float64);
    let ty = if wide { DataType::Float64 } else { DataType::Float32 };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let at = coordinates(columns, &casters)?;
        let value = |i: usize| of([at[0][i], at[1][i], at[2][i], at[3][i]]);
        Ok(match wide {
            true => nums(rows, value),
            false => nums(rows, |i| value(i) as f32),
        })
    }))
}

fn longitude_difference(a: f64, b: f64) -> f64 {
    let d = (a - b).abs();
    if d > 180.0 { 360.0 - d } else { d }
}

/// The angle at the centre, in radians.
fn angle([lon1, lat1, lon2, lat2]: [f64; 4]) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let a = half(lat1 - lat2)
        + lat1.to_radians().cos() * lat2.to_radians().cos() * half(longitude_difference(lon1, lon2));
    2.0 * a.sqrt().min(1.0).asin()
}

fn ellipsoid(p @ [lon1, lat1, lon2, lat2]: [f64; 4]) -> f64 {
    let across = longitude_difference(lon1, lon2);
    if across >= 13.0 {
        return RADIUS * angle(p);
    }
    let middle = f64::midpoint(lat1, lat2).to_radians();
    let per_latitude = 111_132.09 - 566.05 * (2.0 * middle).cos() + 1.20 * (4.0 * middle).cos();
    let per_longitude =
        111_415.13 * middle.cos() - 94.55 * (3.0 * middle).cos() + 0.12 * (5.0 * middle).cos();
    ((per_latitude * (lat1 - lat2)).powi(2) + (per_longitude * across).powi(2)).sqrt()
}
