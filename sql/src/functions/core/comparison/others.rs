//! Comparison of strings, and of types that need a conversion first.
//!
//! Invariant: a constant string beside another type is read as that type once, in bind.

use roost_engine::bail;
use roost_engine::column::{BytesColumn, Column, ColumnBuilder, Flat};
use roost_engine::error::{Code, Result};
use roost_engine::types::DataType;

use super::{Op, generic, numbers};
use crate::Value;
use crate::functions::library::kit::{Caster, unify_args};
use crate::functions::scalar::PlainKernel;
use crate::functions::text::{Escaping, Style, parse_text};
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

/// The comparison of everything that is not two plain numbers; `None` when it is not compared.
pub(super) fn bind(op: Op, args: &[Arg], context: &BindContext) -> Result<Option<BoundFunction>> {
    let (a, b) = (args[0].ty.value_type(), args[1].ty.value_type());
    if a.is_string() && b.is_string() {
        let fixed = !matches!((a, b), (DataType::String, DataType::String));
        return Ok(Some(BoundFunction::new(
            DataType::UInt8,
            move |columns, rows| Ok(strings(op, columns, rows, fixed)),
        )));
    }
    if *a == DataType::Nothing || *b == DataType::Nothing {
        return Ok(Some(BoundFunction::new(DataType::UInt8, |_, rows| {
            Ok(Column::defaults(&DataType::UInt8, rows))
        })));
    }
    for (text, other) in [(0, 1), (1, 0)] {
        if args[text].ty.value_type().is_string() {
            return bind_text(op, args, text, other, context);
        }
    }
    let times = |t: &DataType| t.is_date() || t.is_date_time();
    let decimals = |t: &DataType| t.is_integer() || matches!(t, DataType::Decimal(..));
    let nested = |t: &DataType| {
        matches!(
            t,
            DataType::Array(_) | DataType::Tuple(_) | DataType::Map(..)
        )
    };
    let decimal = matches!(a, DataType::Decimal(..)) || matches!(b, DataType::Decimal(..));
    if decimal && (a.is_float() || b.is_float()) {
        return as_type(op, args, &DataType::Float64, context).map(Some);
    }
    let alike = times(a) && times(b)
        || decimal && decimals(a) && decimals(b)
        || nested(a) && std::mem::discriminant(a) == std::mem::discriminant(b)
        || a == b;
    if !alike {
        return Ok(None);
    }
    if decimal {
        return as_type(op, args, &wide_decimal(a, b), context).map(Some);
    }
    let Ok((common, _)) = unify_args(args, context) else {
        return Ok(None);
    };
    as_type(op, args, &common, context).map(Some)
}

/// A Decimal that holds both types without loss (as far as 38 digits go).
fn wide_decimal(a: &DataType, b: &DataType) -> DataType {
    let scale = |t: &DataType| match t {
        DataType::Decimal(_, s) => *s,
        _ => 0,
    };
    DataType::Decimal(38, scale(a).max(scale(b)))
}

/// Both sides converted to `ty`, then compared.
fn as_type(op: Op, args: &[Arg], ty: &DataType, context: &BindContext) -> Result<BoundFunction> {
    let casters = args
        .iter()
        .map(|a| Caster::new(&a.ty.without_nullable(), ty, context));
    let casters = casters.collect::<Result<Vec<_>>>()?;
    let fast = numbers::bind(op, ty, ty)?.and_then(plain);
    // A tuple with a NULL inside compares as NULL in ClickHouse; here the order decides.
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let both = [
            casters[0].apply(&columns[0])?,
            casters[1].apply(&columns[1])?,
        ];
        match &fast {
            Some(kernel) => kernel(&both, rows),
            None => Ok(generic(op, &both, rows)),
        }
    }))
}

fn plain(bound: BoundFunction) -> Option<PlainKernel> {
    match bound.kernel {
        Kernel::Plain(kernel) => Some(kernel),
        Kernel::Lambda(_) => None,
    }
}

/// A string beside another type: read as that type when it is constant.
fn bind_text(
    op: Op,
    args: &[Arg],
    text: usize,
    other: usize,
    context: &BindContext,
) -> Result<Option<BoundFunction>> {
    let ty = args[other].ty.value_type().clone();
    let Some(Value::Bytes(bytes)) = &args[text].constant else {
        // An enum has names: compared as texts. Nothing else compares with a column of strings.
        if ty.is_enum() {
            return as_type(op, args, &DataType::String, context).map(Some);
        }
        bail!(
            NO_COMMON_TYPE,
            "There is no supertype for types {}, {} because some of them are String/FixedString/Enum and some of them are not",
            args[0].ty,
            args[1].ty
        );
    };
    let mut builder = ColumnBuilder::new(&ty, 1);
    let style = Style::new(Escaping::Plain, context.time_zone);
    if let Err(error) = parse_text(&ty, bytes, &mut builder, style) {
        // A name that the enum does not have equals nothing.
        if ty.is_enum() && matches!(op, Op::Equal | Op::NotEqual) {
            let answer = u8::from(op == Op::NotEqual);
            return Ok(Some(BoundFunction::new(DataType::UInt8, move |_, rows| {
                Ok(Column::native(vec![answer; rows]))
            })));
        }
        if ty.is_numeric() {
            let found = String::from_utf8_lossy(bytes);
            bail!(
                TYPE_MISMATCH,
                "Cannot convert string '{found}' to type {ty}"
            );
        }
        return Err(match error.code() {
            Code::CANNOT_PARSE_TEXT if ty.is_date() => {
                roost_engine::err!(CANNOT_PARSE_DATE, "{}", error.message())
            }
            _ => error,
        });
    }
    let value = std::sync::Arc::new(builder.finish());
    let compared = [Arg::of(ty.clone()), Arg::of(ty)];
    let bound = super::bind(op, &compared, context)?;
    let Some(kernel) = plain(bound) else {
        return Ok(None);
    };
    Ok(Some(BoundFunction::new(
        DataType::UInt8,
        move |columns, rows| {
            let constant = Column::Const {
                value: value.clone(),
                len: rows,
            };
            let mut both = [columns[0].clone(), columns[1].clone()];
            both[text] = constant;
            kernel(&both, rows)
        },
    )))
}

/// Strings by bytes; zero bytes at the end of FixedString do not count.
fn strings(op: Op, columns: &[Column], rows: usize, fixed: bool) -> Column {
    if !fixed
        && matches!(op, Op::Equal | Op::NotEqual)
        && let Some(column) = equal_to_constant(op, columns)
    {
        return column;
    }
    let trim = |s: &'_ [u8]| -> usize {
        match fixed {
            true => s.len() - s.iter().rev().take_while(|b| **b == 0).count(),
            false => s.len(),
        }
    };
    let holds = (0..rows).map(|i| {
        let ((a, i), (b, j)) = (columns[0].entry(i), columns[1].entry(i));
        let (x, y) = (a.bytes_at(i), b.bytes_at(j));
        u8::from(op.holds(x[..trim(x)].cmp(&y[..trim(y)])))
    });
    Column::native(holds.collect::<Vec<u8>>())
}

/// A flat column of strings beside a constant: lengths first.
fn equal_to_constant(op: Op, columns: &[Column]) -> Option<Column> {
    let (rows, one) = match (&columns[0], &columns[1]) {
        (Column::Flat(Flat::Bytes(rows)), Column::Const { value, .. })
        | (Column::Const { value, .. }, Column::Flat(Flat::Bytes(rows))) => (rows, value),
        _ => return None,
    };
    let wanted = one.bytes_at(0);
    let same = u8::from(op == Op::Equal);
    let test = |column: &BytesColumn| -> Vec<u8> {
        column
            .iter()
            .map(|s| {
                if s.len() == wanted.len() && s == wanted {
                    same
                } else {
                    1 - same
                }
            })
            .collect()
    };
    Some(Column::native(test(rows)))
}
