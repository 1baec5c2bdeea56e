//! Whether, where and how often an array has an element.
//!
//! Invariant: NULL is looked for like a value; both sides are compared in their supertype.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Lists, arity, equal_cells, f, ids_of_two, list_arg, nums, unify};
use super::element::find_keys;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        A,
        "has(x, element)",
        "Whether an array has the element, or a map the key.",
        ("has([1, 2, 3], 2)", "1"),
        has,
    )
    .sees_nulls(),
    f(
        A,
        "indexOf(array, element)",
        "Index of the first such element, 0 for none.",
        ("indexOf([1, 3, NULL], NULL)", "3"),
        |args, context| {
            search(args, context, DataType::UInt64, |hits, start| {
                hits.next().map_or(0, |at| (at - start) as u64 + 1)
            })
        },
    )
    .also(&["indexOfAssumeSorted"])
    .sees_nulls(),
    f(
        A,
        "countEqual(array, element)",
        "How often the element occurs.",
        ("countEqual([1, 2, 1], 1)", "2"),
        |args, context| search(args, context, DataType::UInt64, |hits, _| hits.count() as u64),
    )
    .sees_nulls(),
    f(
        A,
        "hasAll(array, subset)",
        "Whether every element of the second array is in the first.",
        ("hasAll([1, 2, 3], [1, 3])", "1"),
        |args, context| {
            two(args, context, |a, b| b.iter().all(|x| a.contains(x)))
        },
    )
    .sees_nulls(),
    f(
        A,
        "hasAny(array, other)",
        "Whether the arrays have an element in common.",
        ("hasAny([1, 2, 3], [5, 3])", "1"),
        |args, context| {
            two(args, context, |a, b| b.iter().any(|x| a.contains(x)))
        },
    )
    .also(&["arrayOverlaps"])
    .sees_nulls(),
    f(
        A,
        "hasSubstr(array, part)",
        "Whether the second array stands in the first, in one piece.",
        ("hasSubstr([1, 2, 3, 4], [2, 3])", "1"),
        |args, context| {
            two(args, context, |a, b| {
                b.is_empty() || a.windows(b.len()).any(|w| w == b)
            })
        },
    )
    .sees_nulls(),
];

fn has(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let DataType::Map(key, _) = &args[0].ty else {
        return search(args, context, DataType::UInt8, |hits, _| {
            u64::from(hits.next().is_some())
        });
    };
    let to_key = Caster::new(&args[1].ty, key.as_ref(), context)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let needle = to_key.apply(&columns[1])?;
        let (places, _) = find_keys(&columns[0], &needle, rows)?;
        let missing = roost_engine::kernels::take::NO_ROW;
        Ok(nums(rows, |i| u8::from(places[i] != missing)))
    }))
}

/// `answer` gets the places of the hits in the elements, and where the array starts there.
fn search(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    answer: impl Fn(&mut dyn Iterator<Item = usize>, usize) -> u64 + Copy + Send + Sync + 'static,
) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let inner = list_arg(args, 0)?;
    let casters = match inner {
        DataType::Nothing => None,
        _ => Some(unify(&[inner, args[1].ty.clone()], context)?.1),
    };
    let narrow = ty == DataType::UInt8;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let answers: Vec<u64> = match &casters {
            None => vec![0; rows],
            Some(casters) => {
                let elements = casters[0].apply(lists.elements())?;
                let needle = casters[1].apply(&columns[1])?;
                let constant = needle.as_const().is_some();
                let one = if constant { needle.slice(0, rows.min(1)) } else { needle };
                equal_cells(&elements, &one, |same| {
                    (0..rows)
                        .map(|row| {
                            let (start, end) = lists.bounds(row);
                            let pin = if constant { 0 } else { row };
                            answer(&mut (start..end).filter(|at| same(*at, pin)), start)
                        })
                        .collect()
                })
            }
        };
        Ok(match narrow {
            true => Column::native(answers.iter().map(|a| *a as u8).collect::<Vec<u8>>()),
            false => Column::native(answers),
        })
    }))
}

/// Two arrays as the ids of their elements.
fn two(
    args: &[Arg],
    context: &BindContext,
    test: impl Fn(&[u32], &[u32]) -> bool + Send + Sync + 'static,
) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let types = [list_arg(args, 0)?, list_arg(args, 1)?];
    let (_, casters) = unify(&types, context)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let (a, b) = (Lists::of(&columns[0])?, Lists::of(&columns[1])?);
        let left = casters[0].apply(a.elements())?;
        let right = casters[1].apply(b.elements())?;
        let (left, right) = ids_of_two(&left, &right);
        Ok(nums(rows, |row| {
            let ((s, e), (t, u)) = (a.bounds(row), b.bounds(row));
            u8::from(test(&left.of[s..e], &right[t..u]))
        }))
    }))
}

/// `startsWith` and `endsWith` of arrays.
pub(crate) fn affix(args: &[Arg], start: bool) -> Result<BoundFunction> {
    if !matches!(args[1].ty, DataType::Array(_)) {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {} of argument 2, expected an array",
            args[1].ty
        );
    }
    two(args, &BindContext::default(), move |a, b| match start {
        true => a.starts_with(b),
        false => a.ends_with(b),
    })
}
