//! AND, OR, XOR, NOT over three truth values.
//!
//! Invariant: the answer is Bool when every argument is Bool, else UInt8; it may be NULL only where
//! an argument may be.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::filter::truth;
use roost_engine::types::DataType;

use crate::functions::library::kit::f;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// Logic.
pub static LOGIC: &[ScalarFunction] = &[
    f(
        "logical",
        "and(a, b, ...)",
        "1 when all arguments are true, 0 when one is false, else NULL.",
        ("and(1, NULL, 0)", "0"),
        |args, _| bind_junction("and", args, Junction::And),
    )
    .any_case()
    .sees_nulls(),
    f(
        "logical",
        "or(a, b, ...)",
        "1 when one argument is true, 0 when all are false, else NULL.",
        ("or(0, NULL, 1)", "1"),
        |args, _| bind_junction("or", args, Junction::Or),
    )
    .any_case()
    .sees_nulls(),
    f(
        "logical",
        "xor(a, b, ...)",
        "1 when an odd number of arguments is true.",
        ("xor(1, 1, 1)", "1"),
        bind_xor,
    )
    .any_case(),
    f(
        "logical",
        "not(a)",
        "1 for 0 and 0 for everything else.",
        ("not(0)", "1"),
        bind_not,
    )
    .any_case(),
];

#[derive(Clone, Copy, PartialEq)]
enum Junction {
    And,
    Or,
}

fn check(name: &str, args: &[Arg], least: usize) -> Result<DataType> {
    if args.len() < least {
        bail!(
            TOO_FEW_ARGUMENTS_FOR_FUNCTION,
            "Number of arguments for function \"{name}\" should be at least {least}: passed {}",
            args.len()
        );
    }
    for (i, arg) in args.iter().enumerate() {
        let ty = arg.ty.value_type();
        if !(ty.is_numeric() || *ty == DataType::Nothing) || matches!(ty, DataType::Decimal(..)) {
            bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "Illegal type ({}) of {} argument of function {name}",
                arg.ty,
                i + 1
            );
        }
    }
    let bools = |a: &Arg| matches!(a.ty.value_type(), DataType::Bool | DataType::Nothing);
    let some = args.iter().any(|a| *a.ty.value_type() == DataType::Bool);
    Ok(if some && args.iter().all(bools) {
        DataType::Bool
    } else {
        DataType::UInt8
    })
}

/// Truth of each row (0 or 1) and the mask of NULLs.
fn truths(column: &Column) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let flat = column.to_flat();
    let (nulls, values) = flat.split_nulls();
    match values {
        Flat::Nothing(n) => Ok((vec![0; *n], Some(vec![1; *n]))),
        values => Ok((truth(values)?, nulls.map(<[u8]>::to_vec))),
    }
}

fn bind_junction(name: &'static str, args: &[Arg], kind: Junction) -> Result<BoundFunction> {
    let ty = check(name, args, 2)?;
    let nullable = args.iter().any(|a| a.ty.is_nullable());
    let answer = if nullable { ty.nullable() } else { ty };
    Ok(BoundFunction::new(answer, move |columns, rows| {
        junction(columns, rows, kind, nullable)
    }))
}

fn junction(columns: &[Column], rows: usize, kind: Junction, nullable: bool) -> Result<Column> {
    // `decided` is the value that one argument is enough for.
    let decided = u8::from(kind == Junction::Or);
    let (mut any_decided, mut any_null) = (vec![0u8; rows], vec![0u8; rows]);
    for column in columns {
        let (values, nulls) = truths(column)?;
        match nulls {
            None => {
                for (d, v) in any_decided.iter_mut().zip(&values) {
                    *d |= u8::from(*v == decided);
                }
            }
            Some(nulls) => {
                for (((d, n), v), null) in any_decided
                    .iter_mut()
                    .zip(&mut any_null)
                    .zip(&values)
                    .zip(&nulls)
                {
                    let is_null = u8::from(*null != 0);
                    *d |= u8::from(*v == decided) & (1 - is_null);
                    *n |= is_null;
                }
            }
        }
    }
    let values: Vec<u8> = any_decided
        .iter()
        .map(|d| if *d != 0 { decided } else { 1 - decided })
        .collect();
    if !nullable {
        return Ok(Column::native(values));
    }
    let nulls = any_null
        .iter()
        .zip(&any_decided)
        .map(|(n, d)| *n & (1 - *d))
        .collect();
    Ok(Column::Flat(Flat::nullable(nulls, Flat::native(values))?))
}

fn bind_xor(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    let ty = check("xor", args, 2)?;
    Ok(BoundFunction::new(ty, |columns, rows| {
        let mut odd = vec![0u8; rows];
        for column in columns {
            for (o, v) in odd.iter_mut().zip(truths(column)?.0) {
                *o ^= v;
            }
        }
        Ok(Column::native(odd))
    }))
}

fn bind_not(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    if args.len() != 1 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "function not takes 1 argument, got {}",
            args.len()
        );
    }
    let ty = check("not", args, 1)?;
    Ok(BoundFunction::new(ty, |columns, _| {
        let values = truths(&columns[0])?.0;
        Ok(Column::native(
            values.iter().map(|v| 1 - v).collect::<Vec<u8>>(),
        ))
    }))
}
