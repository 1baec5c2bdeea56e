//! Whether a point lies inside polygons or ellipses.
//!
//! Invariant: points on an edge are inside the outer ring and outside the holes.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::super::kit::{Caster, arity, f, nums};
use super::super::tuple::build::elements;
use super::distance::{coordinates, numbers};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const G: &str = "geo";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        G,
        "pointInPolygon((x, y), [(x, y), ...][, hole, ...])",
        "Whether a point lies in a constant polygon, outside its holes.",
        ("pointInPolygon((3., 3.), [(6, 0), (8, 4), (5, 8), (0, 2)])", "1"),
        in_polygon,
    ),
    f(
        G,
        "pointInEllipses(x, y, x1, y1, a1, b1, ...)",
        "Whether a point lies in one of several ellipses given by centre and half axes.",
        ("pointInEllipses(10., 10., 10., 9.1, 1., 0.9999)", "1"),
        in_ellipses,
    ),
];

type Ring = Vec<(f64, f64)>;

fn ring(value: &Value) -> Option<Ring> {
    let Value::Array(points) = value else {
        return None;
    };
    let point = |p: &Value| match p {
        Value::Tuple(xy) => match xy.as_slice() {
            [x, y] => Some((x.as_f64()?, y.as_f64()?)),
            _ => None,
        },
        _ => None,
    };
    points.iter().map(point).collect()
}

/// The rings of a polygon, or of an array of rings; the first is the outer one.
fn rings(value: &Value) -> Option<Vec<Ring>> {
    match value {
        Value::Array(list) if matches!(list.first(), Some(Value::Array(_))) => {
            list.iter().map(ring).collect()
        }
        other => Some(vec![ring(other)?]),
    }
}

fn on_edge((x, y): (f64, f64), (ax, ay): (f64, f64), (bx, by): (f64, f64)) -> bool {
    let cross = (bx - ax) * (y - ay) - (by - ay) * (x - ax);
    cross == 0.0
        && x >= ax.min(bx)
        && x <= ax.max(bx)
        && y >= ay.min(by)
        && y <= ay.max(by)
}

/// `None` on the edge.
fn inside(point: (f64, f64), ring: &Ring) -> Option<bool> {
    let (x, y) = point;
    let mut odd = false;
    let Some(mut a) = ring.last().copied() else {
        return Some(false);
    };
    for &b in ring {
        if on_edge(point, a, b) {
            return None;
        }
        if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
            odd = !odd;
        }
        a = b;
    }
    Some(odd)
}

fn in_polygon(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=usize::MAX)?;
    let Some([x, y]) = args[0].ty.tuple_types() else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 1, expected a pair of numbers",
            args[0].ty
        );
    };
    let casters = [
        Caster::new(x, &DataType::Float64, context)?,
        Caster::new(y, &DataType::Float64, context)?,
    ];
    let mut all = Vec::new();
    for (i, arg) in args.iter().enumerate().skip(1) {
        match arg.constant.as_ref().map(rings) {
            Some(Some(rings)) => all.extend(rings),
            Some(None) => bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "illegal type {} of argument {}, expected an array of points",
                arg.ty,
                i + 1
            ),
            None => bail!(NOT_IMPLEMENTED, "a polygon that is not constant is not implemented"),
        }
    }
    if all.first().is_some_and(|ring| ring.len() < 3) {
        bail!(BAD_ARGUMENTS, "a polygon needs at least three points");
    }
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let at = coordinates(&elements(&columns[0])?, &casters)?;
        Ok(nums(rows, |i| {
            let point = (at[0][i], at[1][i]);
            let mut rings = all.iter();
            let outer = rings.next().is_some_and(|ring| inside(point, ring).unwrap_or(true));
            u8::from(outer && rings.all(|hole| !inside(point, hole).unwrap_or(true)))
        }))
    }))
}

fn in_ellipses(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.len() < 6 || !(args.len() - 2).is_multiple_of(4) {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {} arguments, expected a point and four numbers per ellipse",
            args.len()
        );
    }
    let casters = numbers(args, context)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let at = coordinates(columns, &casters)?;
        Ok(nums(rows, |i| {
            let (x, y) = (at[0][i], at[1][i]);
            let hit = at[2..].chunks_exact(4).any(|e| {
                let (dx, dy) = ((x - e[0][i]) / e[2][i], (y - e[1][i]) / e[3][i]);
                dx * dx + dy * dy <= 1.0
            });
            u8::from(hit)
        }))
    }))
}
