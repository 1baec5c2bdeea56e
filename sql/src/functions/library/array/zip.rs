//! Arrays side by side, as arrays of tuples.
//!
//! Invariant: element `i` of the answer holds element `i` of every array.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::DataType;

use super::super::kit::{Caster, Lists, aligned, arity, array, f, list_arg};
use super::shape::tuples;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayZip(array, ...)",
        "An array of tuples of the elements at the same place; the lengths must agree.",
        ("arrayZip([1, 2], ['a', 'b'])", "[(1,'a'),(2,'b')]"),
        |args, _| zip(args),
    ),
    f(
        A,
        "arrayZipUnaligned(array, ...)",
        "`arrayZip` of arrays of any length; NULL stands where an array ended.",
        ("arrayZipUnaligned([1, 2], ['a'])", "[(1,'a'),(2,NULL)]"),
        unaligned,
    ),
    f(
        A,
        "arrayTranspose(array)",
        "Rows and columns of an array of equally long arrays exchanged.",
        ("arrayTranspose([[1, 2], [3, 4]])", "[[1,3],[2,4]]"),
        |args, _| transpose(args),
    ),
];

fn zip(args: &[Arg]) -> Result<BoundFunction> {
    let types = (0..args.len()).map(|i| list_arg(args, i));
    let types = types.collect::<Result<Vec<_>>>()?;
    arity(args, 1..=usize::MAX)?;
    Ok(BoundFunction::new(DataType::tuple(types).array(), |columns, _| {
        let (offsets, elements) = aligned(columns)?;
        tuples(elements, offsets)
    }))
}

fn unaligned(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let (mut types, mut casters) = (Vec::new(), Vec::new());
    for i in 0..args.len() {
        let inner = list_arg(args, i)?;
        let wide = roost_engine::types::text::nullable_of(inner.clone()).unwrap_or(inner.clone());
        casters.push(Caster::new(&inner, &wide, context)?);
        types.push(wide);
    }
    let ty = DataType::tuple(types).array();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let lists = columns.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
        let longest = |row: usize| {
            let lengths = lists.iter().map(|l| l.bounds(row));
            lengths.map(|(s, e)| e - s).max().unwrap_or(0)
        };
        let mut offsets = vec![0u64];
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); lists.len()];
        for row in 0..rows {
            let len = longest(row);
            for (list, places) in lists.iter().zip(&mut places) {
                let (start, end) = list.bounds(row);
                places.extend(start as u32..end as u32);
                places.extend(std::iter::repeat_n(NO_ROW, len - (end - start)));
            }
            offsets.push(offsets[row] + len as u64);
        }
        let parts = lists.iter().zip(&casters).zip(&places).map(|((l, c), p)| {
            Ok(take_or_default(&c.apply(l.elements())?, p))
        });
        tuples(parts.collect::<Result<Vec<Column>>>()?, offsets.into())
    }))
}

fn transpose(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let inner = list_arg(args, 0)?;
    if !matches!(inner, DataType::Array(_)) {
        roost_engine::bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 1, expected an array of arrays",
            args[0].ty
        );
    }
    Ok(BoundFunction::new(args[0].ty.clone(), |columns, rows| {
        let outer = Lists::of(&columns[0])?;
        let inner = Lists::of(outer.elements())?;
        let (mut outer_offsets, mut inner_offsets) = (vec![0u64], vec![0u64]);
        let mut places = Vec::new();
        for row in 0..rows {
            let (start, end) = outer.bounds(row);
            let width = if start < end { inner.bounds(start) } else { (0, 0) };
            let width = width.1 - width.0;
            for lane in start..end {
                let (s, e) = inner.bounds(lane);
                if e - s != width {
                    roost_engine::bail!(
                        SIZES_OF_ARRAYS_DONT_MATCH,
                        "the inner arrays have different lengths"
                    );
                }
            }
            for column in 0..width {
                places.extend((start..end).map(|lane| (inner.bounds(lane).0 + column) as u32));
                inner_offsets.push(places.len() as u64);
            }
            outer_offsets.push(inner_offsets.len() as u64 - 1);
        }
        let elements = take_or_default(inner.elements(), &places);
        array(outer_offsets, array(inner_offsets, elements)?)
    }))
}
