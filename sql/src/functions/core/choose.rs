//! Choosing between values row by row: `if`, CASE, and what is made of them.
//!
//! Invariant: all branches are brought to one type when the function is bound; at run time rows are
//! only picked.

use roost_engine::bail;
use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::filter::truth;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;
use roost_engine::with_native;

use super::comparison;
use crate::functions::library::kit::{Caster, arity, f, unify};
use crate::functions::scalar::PlainKernel;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel, ScalarFunction};

/// Choices.
pub static CHOICES: &[ScalarFunction] = &[
    f(
        "conditional",
        "if(cond, then, else)",
        "`then` where `cond` is true, else `else`.",
        ("if(1, 'a', 'b')", "a"),
        bind_if,
    )
    .any_case()
    .sees_nulls(),
    f(
        "conditional",
        "multiIf(cond, then, ..., else)",
        "The value behind the first true condition: CASE without a subject.",
        ("multiIf(0, 'a', 1, 'b', 'c')", "b"),
        bind_multi_if,
    )
    .also(&["caseWithoutExpression", "caseWithoutExpr"])
    .sees_nulls(),
    f(
        "conditional",
        "caseWithExpression(x, when, then, ..., else)",
        "The value behind the first `when` that equals `x`: CASE with a subject.",
        ("caseWithExpression(2, 1, 'a', 2, 'b', 'c')", "b"),
        bind_case,
    )
    .also(&["caseWithExpr"])
    .sees_nulls(),
    f(
        "null",
        "ifNull(x, alt)",
        "`x`, or `alt` where `x` is NULL.",
        ("ifNull(NULL, 1)", "1"),
        bind_if_null,
    )
    .any_case()
    .sees_nulls(),
    f(
        "null",
        "coalesce(x, ...)",
        "The first argument that is not NULL.",
        ("coalesce(NULL, 2)", "2"),
        bind_coalesce,
    )
    .any_case()
    .sees_nulls(),
    f(
        "null",
        "nullIf(x, y)",
        "NULL where `x` equals `y`, else `x`.",
        ("nullIf(1, 2)", "1"),
        bind_null_if,
    )
    .any_case()
    .sees_nulls(),
];

/// Picks `choice[row]`-th branch for each row; branches have one type.
pub(super) fn pick(choice: &[u32], branches: &[Column], ty: &DataType) -> Result<Column> {
    let rows = choice.len();
    if let Some(first) = choice.first()
        && choice.iter().all(|c| c == first)
    {
        return Ok(branches[*first as usize].clone());
    }
    if let [yes, no] = branches
        && let Some(column) = pick_native(choice, yes, no)
    {
        return Ok(column);
    }
    // Constants stand once in the pool, others with all their rows.
    let (mut pool, mut bases, mut base) = (Vec::new(), Vec::new(), 0u32);
    for branch in branches {
        let part = match branch {
            Column::Const { .. } if rows > 0 => branch.slice(0, 1),
            other => other.clone(),
        };
        bases.push((base, matches!(branch, Column::Const { .. })));
        base += part.len() as u32;
        pool.push(part);
    }
    let pool = concat(&pool.iter().collect::<Vec<_>>(), ty)?;
    let places: Vec<u32> = choice
        .iter()
        .zip(0u32..)
        .map(|(c, row)| match bases[*c as usize] {
            (base, true) => base,
            (base, false) => base + row,
        })
        .collect();
    Ok(take(&pool, &places))
}

/// Two branches of plain numbers, flat or constant.
fn pick_native(choice: &[u32], yes: &Column, no: &Column) -> Option<Column> {
    fn flat(column: &Column) -> Option<&Flat> {
        match column {
            Column::Flat(f) => Some(f),
            Column::Const { value, .. } => Some(value),
            Column::Dict(_) => None,
        }
    }
    fn go<T: Native>(choice: &[u32], a: &[T], b: &[T], one: (bool, bool)) -> Column {
        let at = |v: &[T], i: usize, one: bool| if one { v[0] } else { v[i] };
        let values = choice.iter().enumerate().map(|(i, c)| match c {
            0 => at(a, i, one.0),
            _ => at(b, i, one.1),
        });
        Column::native(values.collect::<Vec<T>>())
    }
    fn second<'a, T: Native>(_: &[T], flat: &'a Flat) -> Option<&'a [T]> {
        T::of(flat).map(|b| &b[..])
    }
    let (a, b) = (flat(yes)?, flat(no)?);
    let one = (yes.as_const().is_some(), no.as_const().is_some());
    with_native!(a, |v| second(v, b).map(|w| go(choice, v, w, one)), _other => None)
}

/// Checks that an argument is a condition.
fn condition(name: &str, arg: &Arg) -> Result<()> {
    match arg.ty.value_type() {
        DataType::UInt8 | DataType::Bool | DataType::Nothing => Ok(()),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of a condition of function {name}. Must be UInt8 or Nullable(UInt8)",
            arg.ty
        ),
    }
}

/// Marks the rows for which a condition holds and no earlier one did.
fn decide(choice: &mut [u32], undecided: u32, branch: u32, condition: &Column) -> Result<()> {
    let flat = condition.to_flat();
    let (nulls, values) = flat.split_nulls();
    if matches!(values, Flat::Nothing(_)) {
        return Ok(());
    }
    let holds = truth(values)?;
    for (i, c) in choice.iter_mut().enumerate() {
        if *c == undecided && holds[i] != 0 && nulls.is_none_or(|n| n[i] == 0) {
            *c = branch;
        }
    }
    Ok(())
}

fn bind_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    condition("if", &args[0])?;
    bind_multi_if(args, context)
}

fn bind_multi_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.len() < 3 || args.len() % 2 == 0 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "function multiIf takes an odd number of arguments, at least 3, got {}",
            args.len()
        );
    }
    let pairs = args.len() / 2;
    (0..pairs).try_for_each(|i| condition("multiIf", &args[i * 2]))?;
    let values: Vec<DataType> = (0..pairs)
        .map(|i| &args[i * 2 + 1])
        .chain(args.last())
        .map(|a| a.ty.clone())
        .collect();
    let (ty, casters) = unify(&values, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let last = pairs as u32;
        let mut choice = vec![last; rows];
        for i in 0..pairs {
            decide(&mut choice, last, i as u32, &columns[i * 2])?;
        }
        let places = (0..pairs).map(|i| i * 2 + 1).chain([columns.len() - 1]);
        branches(&choice, places.map(|p| &columns[p]), &casters, &ty)
    }))
}

/// Casts the branches that some row takes and picks.
fn branches<'a>(
    choice: &[u32],
    columns: impl Iterator<Item = &'a Column>,
    casters: &[Caster],
    ty: &DataType,
) -> Result<Column> {
    let mut used = vec![false; casters.len()];
    choice.iter().for_each(|c| used[*c as usize] = true);
    let columns = columns
        .zip(casters)
        .zip(used)
        .map(|((column, caster), used)| match used {
            true => caster.apply(column),
            false => Ok(Column::defaults(ty, column.len())),
        });
    pick(choice, &columns.collect::<Result<Vec<_>>>()?, ty)
}

fn plain(bound: BoundFunction) -> Result<PlainKernel> {
    match bound.kernel {
        Kernel::Plain(kernel) => Ok(kernel),
        Kernel::Lambda(_) => bail!(LOGICAL_ERROR, "a comparison is no lambda"),
    }
}

fn bind_case(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.len() < 4 || args.len() % 2 == 1 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "function caseWithExpression takes an even number of arguments, at least 4, got {}",
            args.len()
        );
    }
    let pairs = (args.len() - 2) / 2;
    let equal = (0..pairs).map(|i| {
        let both = [args[0].clone(), args[1 + i * 2].clone()];
        plain(comparison::equals().bind_framed(&both, context)?)
    });
    let equal = equal.collect::<Result<Vec<_>>>()?;
    let values = (0..pairs).map(|i| &args[2 + i * 2]).chain(args.last());
    let values: Vec<DataType> = values.map(|a| a.ty.clone()).collect();
    let (ty, casters) = unify(&values, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let last = pairs as u32;
        let mut choice = vec![last; rows];
        for (i, equal) in equal.iter().enumerate() {
            let both = [columns[0].clone(), columns[1 + i * 2].clone()];
            decide(&mut choice, last, i as u32, &equal(&both, rows)?)?;
        }
        let places = (0..pairs).map(|i| 2 + i * 2).chain([columns.len() - 1]);
        branches(&choice, places.map(|p| &columns[p]), &casters, &ty)
    }))
}

fn bind_if_null(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    if !args[0].ty.is_nullable() {
        return Ok(BoundFunction::new(args[0].ty.clone(), |columns, _| {
            Ok(columns[0].clone())
        }));
    }
    bind_coalesce(args, context)
}

fn bind_coalesce(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    // What stands behind an argument that is never NULL is never asked.
    let used = args
        .iter()
        .position(|a| !a.ty.is_nullable())
        .map_or(args.len(), |i| i + 1);
    let always = args[..used].last().is_some_and(|a| !a.ty.is_nullable());
    let types: Vec<DataType> = args[..used]
        .iter()
        .map(|a| {
            if always {
                a.ty.without_nullable()
            } else {
                a.ty.clone()
            }
        })
        .collect();
    let (ty, _) = unify(&types, context)?;
    let (ty, casters) = match always {
        true => {
            let casters = args[..used].iter().map(|a| {
                // NULLs are never picked; their places are cast as Nullable.
                let target = if a.ty.is_nullable() {
                    ty.clone().nullable()
                } else {
                    ty.clone()
                };
                Caster::new(&a.ty, &target, context)
            });
            (ty.clone(), casters.collect::<Result<Vec<_>>>()?)
        }
        false => {
            let ty = ty.nullable();
            let casters = args[..used]
                .iter()
                .map(|a| Caster::new(&a.ty, &ty, context));
            let casters = casters.collect::<Result<Vec<_>>>()?;
            (ty, casters)
        }
    };
    let answer = ty.clone();
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let last = used as u32 - 1;
        let mut choice = vec![last; rows];
        for (i, column) in columns[..used - 1].iter().enumerate() {
            let nulls = nulls_of(column);
            for (row, c) in choice.iter_mut().enumerate() {
                if *c == last && !nulls.as_ref().is_some_and(|n| n[row] != 0) {
                    *c = i as u32;
                }
            }
        }
        let cast = columns[..used]
            .iter()
            .zip(&casters)
            .map(|(column, caster)| {
                let column = caster.apply(column)?;
                Ok(if always {
                    without_mask(&column)
                } else {
                    column
                })
            });
        pick(&choice, &cast.collect::<Result<Vec<_>>>()?, &ty)
    }))
}

/// The mask of NULLs, when the column has one.
pub(super) fn nulls_of(column: &Column) -> Option<Vec<u8>> {
    let flat = column.to_flat();
    match &flat {
        Flat::Nothing(n) => Some(vec![1; *n]),
        Flat::Nullable(n) => Some(n.nulls().to_vec()),
        _ => None,
    }
}

/// The values without their mask.
pub(super) fn without_mask(column: &Column) -> Column {
    match column {
        Column::Const { value, len } => match value.as_ref() {
            Flat::Nullable(n) => Column::Const {
                value: n.values().clone().into(),
                len: *len,
            },
            _ => column.clone(),
        },
        other => match other.to_flat() {
            Flat::Nullable(n) => Column::Flat(n.values().clone()),
            flat => Column::Flat(flat),
        },
    }
}

fn bind_null_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let equal = plain(comparison::equals().bind_framed(args, context)?)?;
    let ty = args[0].ty.clone().nullable();
    let caster = Caster::new(&args[0].ty, &ty, context)?;
    let answer = ty.clone();
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let mut choice = vec![0u32; rows];
        decide(&mut choice, 0, 1, &equal(columns, rows)?)?;
        let nothing = Column::defaults(&ty, rows);
        pick(&choice, &[caster.apply(&columns[0])?, nothing], &ty)
    }))
}
