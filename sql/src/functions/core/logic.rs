//! AND, OR, XOR and NOT in three values.
//!
//! Invariant: NULL is "unknown": `NULL AND 0` is 0, `NULL OR 1` is 1, everything else with NULL is
//! NULL.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::operands::unary;
use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "logic";

/// Records.
pub(crate) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "and(a, b, ...)",
        "Whether all values are true (not zero).",
        ("and(1, 0)", "0"),
        bind_and,
    )
    .any_case()
    .sees_nulls(),
    f(
        CATEGORY,
        "or(a, b, ...)",
        "Whether a value is true (not zero).",
        ("or(1, 0)", "1"),
        bind_or,
    )
    .any_case()
    .sees_nulls(),
    f(
        CATEGORY,
        "xor(a, b, ...)",
        "Whether an odd number of values is true.",
        ("xor(1, 1)", "0"),
        bind_xor,
    )
    .any_case(),
    f(
        CATEGORY,
        "not(x)",
        "Whether the value is zero.",
        ("not(1)", "0"),
        bind_not,
    )
    .any_case(),
];

fn check(name: &str, args: &[Arg]) -> Result<DataType> {
    let mut bool_seen = false;
    for (i, arg) in args.iter().enumerate() {
        let ty = arg.ty.value_type();
        let fits =
            ty.is_integer() || ty.is_float() || matches!(ty, DataType::Bool | DataType::Nothing);
        if !fits {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "Illegal type ({}) of {} argument of function {name}",
                arg.ty,
                i + 1
            );
        }
        bool_seen |= *ty == DataType::Bool;
    }
    Ok(if bool_seen {
        DataType::Bool
    } else {
        DataType::UInt8
    })
}

fn enough(name: &str, args: &[Arg]) -> Result<()> {
    match args.len() {
        0 | 1 => bail!(
            TOO_FEW_ARGUMENTS_FOR_FUNCTION,
            "Number of arguments for function \"{name}\" should be at least 2: passed {}",
            args.len()
        ),
        _ => Ok(()),
    }
}

fn three_valued(
    name: &str,
    args: &[Arg],
    work: fn(&[Column], usize, bool) -> Result<Column>,
) -> Result<BoundFunction> {
    enough(name, args)?;
    let ty = check(name, args)?;
    let nullable = args.iter().any(|a| a.ty.is_nullable());
    let ty = if nullable { ty.nullable() } else { ty };
    let bound = BoundFunction::new(ty, move |columns, rows| work(columns, rows, nullable));
    Ok(bound.keeping_type())
}

fn bind_and(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    three_valued("and", args, and)
}

fn bind_or(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    three_valued("or", args, or)
}

/// Truth (0 or 1) and unknown (0 or 1) of each row.
fn truths(column: &Column, rows: usize) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    if let Some(one) = column.as_const() {
        let (truth, unknown) = flat_truths(one)?;
        let first = |v: &[u8]| v.first().copied().unwrap_or(0);
        return Ok((
            vec![first(&truth); rows],
            unknown.map(|u| vec![first(&u); rows]),
        ));
    }
    flat_truths(&column.to_flat())
}

fn flat_truths(flat: &Flat) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let (nulls, values) = flat.split_nulls();
    if let Flat::Nothing(rows) = values {
        return Ok((vec![0; *rows], Some(vec![1; *rows])));
    }
    let truth = roost_engine::kernels::filter::truth(values)?;
    Ok((
        truth,
        nulls.map(|n| n.iter().map(|b| u8::from(*b != 0)).collect()),
    ))
}

/// All true. Every column is a number, Nullable or not.
pub(crate) fn and(columns: &[Column], rows: usize, nullable: bool) -> Result<Column> {
    // `absorbs`: a false row is false whatever the others are.
    combine(columns, rows, nullable, false)
}

/// Any true.
pub(crate) fn or(columns: &[Column], rows: usize, nullable: bool) -> Result<Column> {
    combine(columns, rows, nullable, true)
}

/// Looks for the value that decides alone (false for AND, true for OR).
fn combine(columns: &[Column], rows: usize, nullable: bool, decides: bool) -> Result<Column> {
    let mut decided = vec![0u8; rows];
    let mut unknown: Option<Vec<u8>> = None;
    let flip = u8::from(!decides);
    for column in columns {
        let (truth, null) = truths(column, rows)?;
        match &null {
            None => decided
                .iter_mut()
                .zip(&truth)
                .for_each(|(d, t)| *d |= t ^ flip),
            Some(null) => {
                for ((d, t), n) in decided.iter_mut().zip(&truth).zip(null) {
                    *d |= (t ^ flip) & (1 - n);
                }
            }
        }
        if let Some(null) = null {
            match &mut unknown {
                None => unknown = Some(null),
                Some(all) => all.iter_mut().zip(&null).for_each(|(a, n)| *a |= n),
            }
        }
    }
    let mut nulls = unknown.unwrap_or_else(|| vec![0; if nullable { rows } else { 0 }]);
    nulls
        .iter_mut()
        .zip(&decided)
        .for_each(|(n, d)| *n &= 1 - d);
    decided.iter_mut().for_each(|d| *d ^= flip);
    let values = Flat::native(decided);
    Ok(Column::Flat(if nullable {
        Flat::nullable(nulls, values)?
    } else {
        values
    }))
}

fn bind_xor(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    enough("xor", args)?;
    let ty = check("xor", args)?;
    let bound = BoundFunction::new(ty, |columns, rows| {
        let mut odd = vec![0u8; rows];
        for column in columns {
            let (truth, _) = truths(column, rows)?;
            odd.iter_mut().zip(&truth).for_each(|(o, t)| *o ^= t);
        }
        Ok(Column::native(odd))
    });
    Ok(bound.keeping_type())
}

fn bind_not(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = check("not", args)?;
    Ok(match args[0].ty.is_float() {
        true => BoundFunction::new(ty, unary(|v: f64| u8::from(v == 0.0))),
        false if matches!(args[0].ty, DataType::UInt128 | DataType::Int128) => {
            BoundFunction::new(ty, unary(|v: i128| u8::from(v == 0)))
        }
        false => BoundFunction::new(ty, unary(|v: u64| u8::from(v == 0))),
    })
}
