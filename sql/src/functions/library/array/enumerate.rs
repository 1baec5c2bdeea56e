//! Numbers for the elements of arrays: places, occurrences, distinct values.
//!
//! Invariant: with several arrays the tuples of elements at one place are what is counted.

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ids, aligned, arity, array, f, gather, ids, list_arg, nums};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "arrayEnumerate(array)",
        "The places 1, 2, 3, ...",
        ("arrayEnumerate([10, 20, 30])", "[1,2,3]"),
        |args, _| numbered(args, |out, of, _, _| out.extend(1..=of.len() as u32)),
    ),
    f(
        A,
        "arrayEnumerateUniq(array, ...)",
        "For each element how many equal ones stood up to it.",
        ("arrayEnumerateUniq([10, 10, 30])", "[1,2,1]"),
        |args, _| {
            numbered(args, |out, of, seen, row| {
                out.extend(of.iter().map(|id| {
                    let (last, count) = &mut seen[*id as usize];
                    if *last != row {
                        (*last, *count) = (row, 0);
                    }
                    *count += 1;
                    *count
                }));
            })
        },
    ),
    f(
        A,
        "arrayEnumerateDense(array, ...)",
        "For each element the number of its value in order of first appearance.",
        ("arrayEnumerateDense([10, 20, 10, 30])", "[1,2,1,3]"),
        |args, _| {
            numbered(args, |out, of, seen, row| {
                let mut next = 0;
                out.extend(of.iter().map(|id| {
                    let (last, number) = &mut seen[*id as usize];
                    if *last != row {
                        next += 1;
                        (*last, *number) = (row, next);
                    }
                    *number
                }));
            })
        },
    ),
    f(
        A,
        "arrayUniq(array, ...)",
        "Number of distinct elements.",
        ("arrayUniq([1, 2, 2])", "2"),
        |args, _| uniq(args),
    ),
    f(
        A,
        "arrayDistinct(array)",
        "The distinct elements in order of first appearance, without NULL.",
        ("arrayDistinct([1, 2, 2, NULL])", "[1,2]"),
        |args, _| distinct(args),
    ),
];

/// The row that saw an id last, and a number that belongs to it.
type Seen = Vec<(u32, u32)>;

fn bound(args: &[Arg]) -> Result<()> {
    arity(args, 1..=usize::MAX)?;
    (0..args.len()).try_for_each(|i| list_arg(args, i).map(|_| ()))
}

fn keys(columns: &[Column]) -> Result<(roost_engine::column::Buffer<u64>, Vec<Column>, Ids)> {
    let (offsets, elements) = aligned(columns)?;
    let len = elements.first().map_or(0, Column::len);
    let ids = ids(&elements, len);
    Ok((offsets, elements, ids))
}

fn numbered(
    args: &[Arg],
    number: fn(&mut Vec<u32>, &[u32], &mut Seen, u32),
) -> Result<BoundFunction> {
    bound(args)?;
    Ok(BoundFunction::new(DataType::UInt32.array(), move |columns, rows| {
        let (offsets, _, ids) = keys(columns)?;
        let mut seen: Seen = vec![(u32::MAX, 0); ids.count];
        let mut out = Vec::with_capacity(ids.of.len());
        for row in 0..rows {
            let of = &ids.of[offsets[row] as usize..offsets[row + 1] as usize];
            number(&mut out, of, &mut seen, row as u32);
        }
        array(offsets.to_vec(), Column::native(out))
    }))
}

fn uniq(args: &[Arg]) -> Result<BoundFunction> {
    bound(args)?;
    Ok(BoundFunction::new(DataType::UInt32, |columns, rows| {
        let (offsets, _, ids) = keys(columns)?;
        let mut seen = vec![u32::MAX; ids.count];
        Ok(nums(rows, |row| {
            let of = &ids.of[offsets[row] as usize..offsets[row + 1] as usize];
            let fresh = |id: &&u32| {
                std::mem::replace(&mut seen[**id as usize], row as u32) != row as u32
            };
            of.iter().filter(fresh).count() as u32
        }))
    }))
}

fn distinct(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let inner = list_arg(args, 0)?.without_nullable();
    Ok(BoundFunction::new(inner.array(), |columns, rows| {
        let (offsets, elements, ids) = keys(columns)?;
        let elements = elements[0].to_flat();
        let (nulls, values) = elements.split_nulls();
        let mut seen = vec![u32::MAX; ids.count];
        let (mut ends, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            for at in offsets[row] as usize..offsets[row + 1] as usize {
                let last = &mut seen[ids.of[at] as usize];
                if *last != row as u32 && nulls.is_none_or(|m| m[at] == 0) {
                    *last = row as u32;
                    places.push(at as u32);
                }
            }
            ends.push(places.len() as u64);
        }
        gather(ends, &Column::Flat(values.clone()), &places)
    }))
}
