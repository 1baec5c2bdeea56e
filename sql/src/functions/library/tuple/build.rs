//! Tuples from values and from other tuples.
//!
//! Invariant: a tuple of named parts keeps no names that would repeat.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, TupleType, Value};

use super::super::kit::{arity, array, f};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const T: &str = "tuple";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        T,
        "tuple(...)",
        "The arguments as a tuple.",
        ("tuple(1, 'a')", "(1,'a')"),
        |args, _| {
            let ty = DataType::tuple(args.iter().map(|a| a.ty.clone()).collect());
            Ok(BoundFunction::new(ty, |columns, rows| {
                Ok(Column::Flat(Flat::tuple(columns.to_vec(), rows)?))
            }))
        },
    )
    .sees_nulls(),
    f(
        T,
        "tupleConcat(tuple, ...)",
        "The elements of all tuples in one.",
        ("tupleConcat((1, 2), ('a', 3))", "(1,2,'a',3)"),
        |args, _| join(args),
    )
    .sees_nulls(),
    f(
        T,
        "tupleNames(tuple)",
        "The names of the elements; their numbers where they have none.",
        ("tupleNames((1, 2))", "['1','2']"),
        |args, _| names(args),
    )
    .sees_nulls(),
    f(
        T,
        "tupleToNameValuePairs(tuple)",
        "An array of pairs of name and value; the values must have one type.",
        ("tupleToNameValuePairs((1, 2))", "[('1',1),('2',2)]"),
        |args, _| pairs(args),
    ),
    f(
        T,
        "flattenTuple(tuple)",
        "Nested named tuples as one, with names joined by dots.",
        (
            "flattenTuple(CAST(((1, 2), 3), 'Tuple(a Tuple(x UInt8, y UInt8), b UInt8)'))",
            "(1,2,3)",
        ),
        |args, _| flatten(args),
    ),
];

fn tuple_type(args: &[Arg], i: usize) -> Result<&TupleType> {
    match &args[i].ty {
        DataType::Tuple(t) => Ok(t),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "illegal type {other} of argument {}, expected a tuple",
            i + 1
        ),
    }
}

/// The elements of a tuple column, whatever its representation.
pub(crate) fn elements(column: &Column) -> Result<Vec<Column>> {
    match column {
        Column::Const { value, len } => Ok(value
            .as_tuple()?
            .iter()
            .map(|e| Column::Const {
                value: e.to_flat().into(),
                len: *len,
            })
            .collect()),
        other => Ok(other.to_flat().as_tuple()?.to_vec()),
    }
}

/// `tupleConcat`, and `concat` of tuples.
pub(crate) fn join(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let (mut types, mut names) = (Vec::new(), Vec::new());
    for i in 0..args.len() {
        let t = tuple_type(args, i)?;
        types.extend(t.types.iter().cloned());
        names.extend(t.names.iter().cloned());
    }
    let mut distinct = names.clone();
    distinct.sort();
    distinct.dedup();
    if names.len() != types.len() || distinct.len() != names.len() {
        names.clear();
    }
    let ty = DataType::Tuple(TupleType { types, names }.into());
    Ok(BoundFunction::new(ty, |columns, rows| {
        let mut all = Vec::new();
        for column in columns {
            all.extend(elements(column)?);
        }
        Ok(Column::Flat(Flat::tuple(all, rows)?))
    }))
}

/// `reverse` of a tuple.
pub(crate) fn reversed(args: &[Arg]) -> Result<BoundFunction> {
    let t = tuple_type(args, 0)?;
    let ty = DataType::Tuple(
        TupleType {
            types: t.types.iter().rev().cloned().collect(),
            names: t.names.iter().rev().cloned().collect(),
        }
        .into(),
    );
    Ok(BoundFunction::new(ty, |columns, rows| {
        let mut all = elements(&columns[0])?;
        all.reverse();
        Ok(Column::Flat(Flat::tuple(all, rows)?))
    }))
}

fn names_of(t: &TupleType) -> Vec<String> {
    match t.names.is_empty() {
        true => (1..=t.types.len()).map(|i| i.to_string()).collect(),
        false => t.names.clone(),
    }
}

fn names(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let names = names_of(tuple_type(args, 0)?);
    let value = Value::Array(names.into_iter().map(Value::string).collect());
    let ty = DataType::String.array();
    Ok(BoundFunction::new(ty.clone(), move |_, rows| Column::constant(&value, &ty, rows)))
}

fn pairs(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let t = tuple_type(args, 0)?;
    let Some(first) = t.types.first().filter(|f| t.types.iter().all(|ty| ty == *f)) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the elements of {} have different types",
            args[0].ty
        );
    };
    let names = names_of(t);
    let inner = first.clone();
    let ty = DataType::tuple(vec![DataType::String, inner.clone()]).array();
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let parts = elements(&columns[0])?;
        let width = parts.len();
        let pool = roost_engine::kernels::concat::concat(&parts.iter().collect::<Vec<_>>(), &inner)?;
        let order: Vec<u32> = (0..rows)
            .flat_map(|row| (0..width).map(move |c| (c * rows + row) as u32))
            .collect();
        let values = roost_engine::kernels::take::take(&pool, &order);
        let keys = super::super::kit::text(rows * width, 0, |i, out| {
            out.extend_from_slice(names[i % width].as_bytes());
        });
        let offsets = (0..=rows).map(|r| (r * width) as u64).collect();
        array(offsets, Flat::tuple(vec![keys, values], rows * width)?)
    }))
}

fn flatten(args: &[Arg]) -> Result<BoundFunction> {
    fn walk(t: &TupleType, prefix: &str, types: &mut Vec<DataType>, names: &mut Vec<String>) {
        for (ty, name) in t.types.iter().zip(names_of(t)) {
            let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match ty {
                DataType::Tuple(inner) => walk(inner, &name, types, names),
                other => {
                    types.push(other.clone());
                    names.push(name);
                }
            }
        }
    }
    fn leaves(ty: &DataType, column: Column, out: &mut Vec<Column>) -> Result<()> {
        match ty {
            DataType::Tuple(t) => {
                let parts = elements(&column)?;
                t.types.iter().zip(parts).try_for_each(|(ty, c)| leaves(ty, c, out))
            }
            _ => {
                out.push(column);
                Ok(())
            }
        }
    }
    arity(args, 1..=1)?;
    let (mut types, mut names) = (Vec::new(), Vec::new());
    walk(tuple_type(args, 0)?, "", &mut types, &mut names);
    let from = args[0].ty.clone();
    let ty = DataType::Tuple(TupleType { types, names }.into());
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let mut out = Vec::new();
        leaves(&from, columns[0].clone(), &mut out)?;
        Ok(Column::Flat(Flat::tuple(out, rows)?))
    }))
}
