//! Comparison of any two values.
//!
//! Invariant: numbers compare by value, exactly, whatever their types; NaN is unequal to everything.

mod cells;
mod decimals;
mod distinct;
mod numbers;
mod strings;
mod tuples;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::cast::{CastMode, bind_cast, convert_value};
use crate::functions::library::kit::{arity, f};
use crate::functions::scalar::PlainKernel;
use crate::functions::supertype::least_supertype;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel, ScalarFunction};

pub(crate) use cells::extreme;

/// Comparison operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cmp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Cmp {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cmp::Equal => "equals",
            Cmp::NotEqual => "notEquals",
            Cmp::Less => "less",
            Cmp::LessOrEqual => "lessOrEquals",
            Cmp::Greater => "greater",
            Cmp::GreaterOrEqual => "greaterOrEquals",
        }
    }

    /// The operator with its sides swapped.
    fn swapped(self) -> Self {
        match self {
            Cmp::Less => Cmp::Greater,
            Cmp::LessOrEqual => Cmp::GreaterOrEqual,
            Cmp::Greater => Cmp::Less,
            Cmp::GreaterOrEqual => Cmp::LessOrEqual,
            other => other,
        }
    }

    /// Whether an order fulfils the operator.
    #[inline]
    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Cmp::Equal => order.is_eq(),
            Cmp::NotEqual => order.is_ne(),
            Cmp::Less => order.is_lt(),
            Cmp::LessOrEqual => order.is_le(),
            Cmp::Greater => order.is_gt(),
            Cmp::GreaterOrEqual => order.is_ge(),
        }
    }
}

macro_rules! cmp {
    ($cmp:ident) => {
        |args, context| bind(Cmp::$cmp, args, context)
    };
}

const CATEGORY: &str = "comparison";

/// Records.
pub(crate) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "equals(a, b)",
        "Whether the values are equal. Operator `=`.",
        ("equals(1, 1.0)", "1"),
        cmp!(Equal),
    ),
    f(
        CATEGORY,
        "notEquals(a, b)",
        "Whether the values differ. Operator `!=`.",
        ("notEquals(1, 2)", "1"),
        cmp!(NotEqual),
    ),
    f(
        CATEGORY,
        "less(a, b)",
        "Operator `<`.",
        ("less(1, 2)", "1"),
        cmp!(Less),
    ),
    f(
        CATEGORY,
        "lessOrEquals(a, b)",
        "Operator `<=`.",
        ("lessOrEquals(2, 2)", "1"),
        cmp!(LessOrEqual),
    ),
    f(
        CATEGORY,
        "greater(a, b)",
        "Operator `>`.",
        ("greater(1, 2)", "0"),
        cmp!(Greater),
    ),
    f(
        CATEGORY,
        "greaterOrEquals(a, b)",
        "Operator `>=`.",
        ("greaterOrEquals(2, 2)", "1"),
        cmp!(GreaterOrEqual),
    ),
    f(
        CATEGORY,
        "isDistinctFrom(a, b)",
        "Like notEquals, but NULL is a value: never answers NULL.",
        ("isDistinctFrom(1, NULL)", "1"),
        distinct::bind_distinct,
    )
    .sees_nulls(),
    f(
        CATEGORY,
        "isNotDistinctFrom(a, b)",
        "Like equals, but NULL equals NULL: never answers NULL. Operator `<=>`.",
        ("isNotDistinctFrom(NULL, NULL)", "1"),
        distinct::bind_not_distinct,
    )
    .sees_nulls(),
];

/// Binds an operator to two types.
pub(crate) fn bind(cmp: Cmp, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (&args[0].ty, &args[1].ty);
    let illegal = || -> Result<BoundFunction> {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal types of arguments (`{a}`, `{b}`) of function `{}`",
            cmp.name()
        )
    };
    if let Some(bound) = literal_text(cmp, args, context)? {
        return Ok(bound);
    }
    if let Some(bound) = literal_number(cmp, args, context)? {
        return Ok(bound);
    }
    if a.is_string() && b.is_string() {
        return Ok(answer(strings::compare(cmp)));
    }
    if let Some(kernel) = numbers::bind(cmp, a, b) {
        return Ok(answer(kernel));
    }
    if let (DataType::Tuple(x), DataType::Tuple(y)) = (a, b) {
        if x.types.len() != y.types.len() {
            return illegal();
        }
        return tuples::bind(cmp, &x.types, &y.types, context);
    }
    let common = match (a, b) {
        (x, y) if x == y => x.clone(),
        (DataType::Enum8(_) | DataType::Enum16(_), DataType::Enum8(_) | DataType::Enum16(_)) => {
            DataType::String
        }
        (DataType::IPv4, DataType::IPv6) | (DataType::IPv6, DataType::IPv4) => DataType::IPv6,
        _ => match least_supertype(&[a.clone(), b.clone()]) {
            Ok(common) => common,
            Err(_) if matches!((a, b), (DataType::Array(_), DataType::Array(_))) => {
                return illegal();
            }
            Err(_) if !a.is_string() && !b.is_string() => return illegal(),
            Err(error) => return Err(error),
        },
    };
    let kernel = over_casts(a, b, &common, same_type(cmp, &common), context)?;
    Ok(answer(kernel))
}

fn answer(kernel: PlainKernel) -> BoundFunction {
    BoundFunction::new(DataType::UInt8, move |columns, rows| kernel(columns, rows))
}

/// The comparison of two columns of one type.
fn same_type(cmp: Cmp, ty: &DataType) -> PlainKernel {
    if ty.is_string() {
        return strings::compare(cmp);
    }
    match numbers::bind(cmp, ty, ty) {
        Some(kernel) => kernel,
        None => cells::compare(cmp),
    }
}

/// Casts both sides to a common type before the comparison.
fn over_casts(
    a: &DataType,
    b: &DataType,
    common: &DataType,
    compare: PlainKernel,
    context: &BindContext,
) -> Result<PlainKernel> {
    let (cast_a, cast_b) = (caster(a, common, context)?, caster(b, common, context)?);
    if cast_a.is_none() && cast_b.is_none() {
        return Ok(compare);
    }
    Ok(std::sync::Arc::new(move |columns: &[Column], rows| {
        let mut both = columns.to_vec();
        for (column, cast) in both.iter_mut().zip([&cast_a, &cast_b]) {
            if let Some(cast) = cast {
                *column = cast(std::slice::from_ref(column), rows)?;
            }
        }
        compare(&both, rows)
    }))
}

fn caster(from: &DataType, to: &DataType, context: &BindContext) -> Result<Option<PlainKernel>> {
    if from == to {
        return Ok(None);
    }
    match bind_cast(from, to, CastMode::Strict, context)?.kernel {
        Kernel::Plain(kernel) => Ok(Some(kernel)),
        Kernel::Lambda(_) => Ok(None),
    }
}

/// A text literal beside a number, date, enum, address, ... is read as that type once. A name that
/// an enum does not have equals none of its values.
fn literal_text(cmp: Cmp, args: &[Arg], context: &BindContext) -> Result<Option<BoundFunction>> {
    let texts = |a: &Arg| a.ty.is_string() && a.constant.is_some();
    let (text, other, swapped) = match (&args[0], &args[1]) {
        (t, o) if texts(t) && !o.ty.is_string() => (t, o, true),
        (o, t) if texts(t) && !o.ty.is_string() => (t, o, false),
        _ => return Ok(None),
    };
    let plain = !matches!(
        other.ty,
        DataType::Array(_) | DataType::Tuple(_) | DataType::Map(..) | DataType::Nothing
    );
    if !plain {
        return Ok(None);
    }
    let Some(value) = &text.constant else {
        return Ok(None);
    };
    let start = Column::constant(value, &text.ty, 1)?;
    let Some(cast) = caster(&text.ty, &other.ty, context)? else {
        return Ok(None);
    };
    let literal = match cast(&[start], 1) {
        Ok(column) => column,
        Err(_) if other.ty.is_enum() && matches!(cmp, Cmp::Equal | Cmp::NotEqual) => {
            let verdict = u8::from(cmp == Cmp::NotEqual);
            return Ok(Some(BoundFunction::new(DataType::UInt8, move |_, rows| {
                Ok(Column::native(vec![verdict; rows]))
            })));
        }
        Err(error) if error.code() == roost_engine::error::Code::CANNOT_PARSE_TEXT => {
            bail!(
                TYPE_MISMATCH,
                "Cannot convert string to type {}: {}",
                other.ty,
                error.message()
            )
        }
        Err(error) => return Err(error),
    };
    Ok(Some(with_literal(cmp, &other.ty, literal, swapped)))
}

/// A whole number literal that the other side's type can hold is compared in that type, so that the
/// column need not be widened.
fn literal_number(cmp: Cmp, args: &[Arg], context: &BindContext) -> Result<Option<BoundFunction>> {
    let (literal, other, swapped) = match (&args[0], &args[1]) {
        (l, o) if l.constant.is_some() => (l, o, true),
        (o, l) if l.constant.is_some() => (l, o, false),
        _ => return Ok(None),
    };
    let fits = other.ty.is_integer() && (literal.ty.is_integer() || literal.ty.is_float());
    let Some(value) = literal
        .constant
        .as_ref()
        .filter(|_| fits && literal.ty != other.ty)
    else {
        return Ok(None);
    };
    match convert_value(value, &literal.ty, &other.ty, context)? {
        Some(value) => {
            let column = Column::constant(&value, &other.ty, 1)?;
            Ok(Some(with_literal(cmp, &other.ty, column, swapped)))
        }
        None => Ok(None),
    }
}

/// The comparison of a column of `ty` with one value of that type, which stood first if `swapped`.
fn with_literal(cmp: Cmp, ty: &DataType, literal: Column, swapped: bool) -> BoundFunction {
    let kernel = same_type(if swapped { cmp.swapped() } else { cmp }, ty);
    let place = usize::from(swapped);
    BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let column = columns
            .get(place)
            .cloned()
            .unwrap_or_else(|| literal.clone());
        let one = match &literal {
            Column::Const { value, .. } => Column::Const {
                value: value.clone(),
                len: rows,
            },
            other => Column::Const {
                value: other.to_flat().into(),
                len: rows,
            },
        };
        kernel(&[column, one], rows)
    })
}
