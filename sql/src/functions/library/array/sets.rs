//! Arrays as sets.
//!
//! Invariant: answers hold each element once, in the order of its first appearance.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Lists, arity, equal_cells, f, gather, ids, list_arg, try_nums, unify};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayIntersect(array, ...)",
        "The elements that all arrays have.",
        ("arrayIntersect([1, 2, 3], [2, 3, 4])", "[2,3]"),
        |args, context| combined(args, context, true, |hits, arrays| hits == arrays),
    ),
    f(
        A,
        "arrayUnion(array, ...)",
        "The elements that any array has.",
        ("arraySort(arrayUnion([1, 2], [2, 3]))", "[1,2,3]"),
        |args, context| combined(args, context, false, |_, _| true),
    ),
    f(
        A,
        "arraySymmetricDifference(array, ...)",
        "The elements that some but not all arrays have.",
        ("arraySort(arraySymmetricDifference([1, 2], [2, 3]))", "[1,3]"),
        |args, context| combined(args, context, false, |hits, arrays| hits < arrays),
    ),
    f(
        A,
        "arrayExcept(array, other)",
        "The elements of the first array that the second does not have.",
        ("arrayExcept([1, 2, 3], [2])", "[1,3]"),
        except,
    ),
    f(
        A,
        "arrayRemove(array, element)",
        "The array without the elements that are equal to the second argument.",
        ("arrayRemove([1, 2, 1], 1)", "[2]"),
        remove,
    )
    .also(&["array_remove"])
    .sees_nulls(),
    f(
        A,
        "arrayJaccardIndex(array, other)",
        "Common elements as a part of all elements of two sets.",
        ("arrayJaccardIndex([1, 2], [2, 3])", "0.3333333333333333"),
        jaccard,
    ),
];

/// All arrays of a block with the ids of their elements in one numbering.
struct Pool<'a> {
    lists: Vec<Lists<'a>>,
    bases: Vec<usize>,
    elements: Column,
    of: Vec<u32>,
    count: usize,
}

impl<'a> Pool<'a> {
    fn new(columns: &'a [Column], casters: &[Caster], common: &DataType) -> Result<Self> {
        let lists = columns.iter().map(Lists::of).collect::<Result<Vec<_>>>()?;
        let parts = lists.iter().zip(casters).map(|(l, c)| c.apply(l.elements()));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut bases = Vec::with_capacity(parts.len());
        let mut base = 0;
        for part in &parts {
            bases.push(base);
            base += part.len();
        }
        let elements = concat(&parts.iter().collect::<Vec<_>>(), common)?;
        let ids = ids(std::slice::from_ref(&elements), elements.len());
        Ok(Pool {
            lists,
            bases,
            elements,
            of: ids.of,
            count: ids.count,
        })
    }

    /// Places in the pool of the elements of array `i` in `row`.
    fn places(&self, i: usize, row: usize) -> std::ops::Range<usize> {
        let (start, end) = self.lists[i].bounds(row);
        start + self.bases[i]..end + self.bases[i]
    }
}

fn inner_types(args: &[Arg]) -> Result<Vec<DataType>> {
    (0..args.len()).map(|i| list_arg(args, i)).collect()
}

/// The narrowest type: what all arrays hold fits it.
fn narrowest(types: &[DataType], common: &DataType) -> DataType {
    let all_null = types.iter().all(DataType::is_nullable);
    let width = |ty: &DataType| match ty.value_type() {
        t if !t.is_integer() => 100,
        DataType::UInt8 => 0,
        DataType::Int8 => 1,
        DataType::UInt16 => 2,
        DataType::Int16 => 3,
        DataType::UInt32 => 4,
        DataType::Int32 => 5,
        DataType::UInt64 => 6,
        DataType::Int64 => 7,
        _ => 8,
    };
    let least = types.iter().min_by_key(|ty| width(ty));
    let least = least.filter(|ty| width(ty) < 100).unwrap_or(common);
    match all_null {
        true => least.clone(),
        false => least.without_nullable(),
    }
}

/// The elements (each once) for which `keep` holds of the number of arrays that have it and the
/// number of arrays.
fn combined(
    args: &[Arg],
    context: &BindContext,
    narrow: bool,
    keep: fn(u32, u32) -> bool,
) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let types = inner_types(args)?;
    let (common, casters) = unify(&types, context)?;
    let ty = if narrow { narrowest(&types, &common) } else { common.clone() };
    let back = Caster::new(&common, &ty, context)?;
    Ok(BoundFunction::new(ty.array(), move |columns, rows| {
        let pool = Pool::new(columns, &casters, &common)?;
        let arrays = columns.len() as u32;
        // (stamp of the row and array that saw the id last, arrays that have it, taken already)
        let mut seen: Vec<(u64, u64, u32)> = vec![(0, 0, 0); pool.count];
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let row_stamp = row as u64 + 1;
            for i in 0..columns.len() {
                let array_stamp = row as u64 * u64::from(arrays) + i as u64 + 1;
                for at in pool.places(i, row) {
                    let (in_row, in_array, hits) = &mut seen[pool.of[at] as usize];
                    if *in_row != row_stamp {
                        (*in_row, *in_array, *hits) = (row_stamp, 0, 0);
                    }
                    if *in_array != array_stamp {
                        (*in_array, *hits) = (array_stamp, *hits + 1);
                    }
                }
            }
            for i in 0..columns.len() {
                for at in pool.places(i, row) {
                    let (_, in_array, hits) = &mut seen[pool.of[at] as usize];
                    if *in_array != u64::MAX && keep(*hits, arrays) {
                        places.push(at as u32);
                        *in_array = u64::MAX;
                    }
                }
            }
            offsets.push(places.len() as u64);
        }
        let taken = roost_engine::kernels::take::take(&pool.elements, &places);
        super::super::kit::array(offsets, back.apply(&taken)?)
    }))
}

fn except(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let types = inner_types(args)?;
    let (common, casters) = unify(&types, context)?;
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let pool = Pool::new(columns, &casters, &common)?;
        let mut gone = vec![0u64; pool.count];
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let stamp = row as u64 + 1;
            pool.places(1, row).for_each(|at| gone[pool.of[at] as usize] = stamp);
            let base = pool.bases[0];
            places.extend(
                pool.places(0, row)
                    .filter(|at| gone[pool.of[*at] as usize] != stamp)
                    .map(|at| (at - base) as u32),
            );
            offsets.push(places.len() as u64);
        }
        gather(offsets, pool.lists[0].elements(), &places)
    }))
}

fn remove(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let inner = list_arg(args, 0)?;
    let (_, casters) = unify(&[inner, args[1].ty.clone()], context)?;
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let elements = casters[0].apply(lists.elements())?;
        let needle = casters[1].apply(&columns[1])?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        equal_cells(&elements, &needle, |same| {
            for row in 0..rows {
                let (start, end) = lists.bounds(row);
                places.extend((start..end).filter(|at| !same(*at, row)).map(|at| at as u32));
                offsets.push(places.len() as u64);
            }
        });
        gather(offsets, lists.elements(), &places)
    }))
}

fn jaccard(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let types = inner_types(args)?;
    let (common, casters) = unify(&types, context)?;
    Ok(BoundFunction::new(DataType::Float64, move |columns, rows| {
        let pool = Pool::new(columns, &casters, &common)?;
        let mut seen = vec![(0u64, 0u8); pool.count];
        try_nums(rows, |row| {
            let stamp = row as u64 + 1;
            let (mut union, mut both) = (0u64, 0u64);
            for side in 0..2usize {
                for at in pool.places(side, row) {
                    let (last, sides) = &mut seen[pool.of[at] as usize];
                    if *last != stamp {
                        (*last, *sides) = (stamp, 0);
                        union += 1;
                    }
                    if side == 1 && *sides == 1 {
                        both += 1;
                    }
                    *sides |= 1 << side;
                }
            }
            if union == 0 {
                bail!(
                    ILLEGAL_TYPE_OF_ARGUMENT,
                    "the index of two empty arrays is not defined"
                );
            }
            Ok(both as f64 / union as f64)
        })
    }))
}
