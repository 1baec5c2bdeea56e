//! Conversion between types: CAST, `to*`, literals.
//!
//! Invariant: a pair of types is decided once, in [`bind_cast`]; the conversion then works on
//! columns, on the entries of a dictionary only once, and never looks at a value under a NULL.

mod arrays;
mod decimals;
mod enums;
mod numbers;
mod texts;
mod times;
mod value;

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Buffer, Column, Flat, NullableColumn};
use roost_engine::error::{Error, Result};
use roost_engine::types::{AggregateType, DataType, Tz};

use super::{BindContext, BoundFunction};

pub use value::convert_value;

/// What happens to a value that the target type cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CastMode {
    /// CAST: texts must parse, whole numbers wrap.
    Strict,
    /// `to*OrNull`: a text that does not parse is NULL.
    OrNull,
    /// `to*OrZero`: a text that does not parse is the type's default.
    OrZero,
    /// `accurateCast`: a number that does not fit is an error.
    Accurate,
    /// `accurateCastOrNull`: what does not fit or parse is NULL.
    AccurateOrNull,
}

impl CastMode {
    /// Whether failures become NULL (or a default) instead of an error.
    fn forgives(self) -> bool {
        matches!(
            self,
            CastMode::OrNull | CastMode::OrZero | CastMode::AccurateOrNull
        )
    }

    fn accurate(self) -> bool {
        matches!(self, CastMode::Accurate | CastMode::AccurateOrNull)
    }
}

/// What conversions may depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ways {
    mode: CastMode,
    time_zone: Tz,
    best_effort: bool,
}

/// A bound conversion of flat columns without Nullable. Rows whose mask byte is set need not
/// convert; the answer may be Nullable where rows failed and the mode forgives.
pub(crate) type Convert = Arc<dyn Fn(&Flat, Option<&[u8]>) -> Result<Flat> + Send + Sync>;

/// The conversion of `from` to `to` as a function of one column.
///
/// # Errors
/// CANNOT_CONVERT_TYPE, TYPE_MISMATCH or NOT_IMPLEMENTED, as ClickHouse, when there is none.
pub fn bind_cast(
    from: &DataType,
    to: &DataType,
    mode: CastMode,
    context: &BindContext,
) -> Result<BoundFunction> {
    let best_effort = context
        .settings
        .get("cast_string_to_date_time_mode")
        .is_none_or(|v| v.starts_with("best_effort"));
    let ways = Ways {
        mode,
        time_zone: context.time_zone,
        best_effort,
    };
    let ty = match mode {
        CastMode::OrNull | CastMode::AccurateOrNull => to.clone().nullable(),
        _ => to.clone(),
    };
    let inner_ty = ty.without_low_cardinality();
    if from.without_low_cardinality() == inner_ty {
        return Ok(BoundFunction::new(ty, |columns, _| first(columns).cloned()));
    }
    let convert = with_nulls(&from.without_low_cardinality(), &inner_ty, ways)?;
    Ok(BoundFunction::new(ty, move |columns, rows| {
        apply(&convert, first(columns)?, rows)
    }))
}

fn first(columns: &[Column]) -> Result<&Column> {
    columns
        .first()
        .ok_or_else(|| Error::bug("a cast of no column"))
}

/// Converts a column now. For more than one column keep what [`bind_cast`] gives.
pub fn cast_column(
    column: &Column,
    from: &DataType,
    to: &DataType,
    context: &BindContext,
) -> Result<Column> {
    match bind_cast(from, to, CastMode::Strict, context)?.kernel {
        super::Kernel::Plain(kernel) => kernel(std::slice::from_ref(column), column.len()),
        super::Kernel::Lambda(_) => Err(Error::bug("a cast is no lambda")),
    }
}

/// Runs a conversion on the entries of any representation.
fn apply(convert: &Convert, column: &Column, rows: usize) -> Result<Column> {
    match column {
        Column::Const { value, .. } if rows > 0 => Ok(Column::Const {
            value: Arc::new(convert(value, None)?),
            len: rows,
        }),
        Column::Dict(d) if d.dict().len() <= rows => match convert(d.dict(), None) {
            Ok(dict) => Ok(Column::Dict(d.with_dict(dict)?)),
            // An entry that no row uses must not fail the query.
            Err(_) => Ok(Column::Flat(convert(&column.to_flat(), None)?)),
        },
        _ => Ok(Column::Flat(convert(&column.to_flat(), None)?)),
    }
}

/// Takes Nullable off both sides.
pub(crate) fn with_nulls(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    let (from, to) = (from.without_low_cardinality(), to.without_low_cardinality());
    if from == to {
        return Ok(Arc::new(|flat, _| Ok(flat.clone())));
    }
    let plain_from = from.without_nullable();
    let to_nullable = to.is_nullable();
    if plain_from == DataType::Nothing && from.is_nullable() {
        return only_null(&to, ways);
    }
    let target = to.without_nullable();
    // A text may spell NULL.
    let inner = match plain_from.is_string() && to_nullable && plain_from != target {
        true => texts::parse(&plain_from, &to, ways)?,
        false => plain(&plain_from, &target, ways)?,
    };
    if !from.is_nullable() {
        return Ok(match to_nullable {
            true => Arc::new(move |flat, skip| nullable(inner(flat, skip)?, skip)),
            false => inner,
        });
    }
    let zero = ways.mode == CastMode::OrZero;
    Ok(Arc::new(move |flat, skip| {
        let Flat::Nullable(n) = flat else {
            let answer = inner(flat, skip)?;
            return if to_nullable {
                nullable(answer, skip)
            } else {
                Ok(answer)
            };
        };
        let answer = inner(n.values(), Some(n.nulls()))?;
        if to_nullable {
            return nullable(answer, Some(n.nulls()));
        }
        let hidden = |i: usize| skip.is_some_and(|s| s[i] != 0);
        let missing = n
            .nulls()
            .iter()
            .enumerate()
            .any(|(i, null)| *null != 0 && !hidden(i));
        if missing && !zero {
            bail!(
                CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN,
                "Cannot convert NULL value to non-Nullable type"
            );
        }
        Ok(answer)
    }))
}

fn only_null(to: &DataType, ways: Ways) -> Result<Convert> {
    if !to.is_nullable() && ways.mode != CastMode::OrZero {
        bail!(
            CANNOT_CONVERT_TYPE,
            "Cannot convert NULL to a non-nullable type {to}"
        );
    }
    let to = to.clone();
    Ok(Arc::new(move |flat, _| {
        Ok(Column::defaults(&to, flat.len()).to_flat())
    }))
}

/// Puts a mask on; a mask that is there already is united with it.
fn nullable(flat: Flat, mask: Option<&[u8]>) -> Result<Flat> {
    match (&flat, mask) {
        (Flat::Nullable(_), None) => Ok(flat),
        (Flat::Nullable(n), Some(mask)) => {
            let both: Vec<u8> = n.nulls().iter().zip(mask).map(|(a, b)| a | b).collect();
            Flat::nullable(both, n.values().clone())
        }
        (_, mask) => {
            let mask = mask.map_or_else(|| vec![0; flat.len()], <[u8]>::to_vec);
            Ok(Flat::Nullable(NullableColumn::new(
                Buffer::from(mask),
                flat,
            )?))
        }
    }
}

/// Conversion between types without Nullable and LowCardinality.
fn plain(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    use DataType as T;
    if from == to {
        return Ok(Arc::new(|flat, _| Ok(flat.clone())));
    }
    match (from, to) {
        (T::Nothing, _) => {
            let to = to.clone();
            Ok(Arc::new(move |flat, _| {
                Ok(Column::defaults(&to, flat.len()).to_flat())
            }))
        }
        (T::String | T::FixedString(_), T::FixedString(n)) => Ok(texts::to_fixed(*n, ways)),
        (_, T::FixedString(_)) => bail!(
            NOT_IMPLEMENTED,
            "CAST AS FixedString is only implemented for types String and FixedString, found {from}"
        ),
        (_, T::String) => Ok(texts::to_string(from, ways)),
        (T::AggregateFunction(a), T::AggregateFunction(b)) if same_states(a, b) => {
            Ok(Arc::new(|flat, _| Ok(flat.clone())))
        }
        (T::AggregateFunction(_), _) if is_plain_number(to) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {from} of argument of function to{to}"
        ),
        (T::AggregateFunction(_), _) => unsupported(from, to),
        (T::String | T::FixedString(_), _) => texts::parse(from, to, ways),
        (T::Array(_) | T::Tuple(_) | T::Map(..), _)
        | (_, T::Array(_) | T::Tuple(_) | T::Map(..)) => arrays::nested(from, to, ways),
        (T::Enum8(_) | T::Enum16(_), T::Enum8(_) | T::Enum16(_)) => enums::between(from, to),
        (_, T::Enum8(names) | T::Enum16(names)) if from.is_numeric() => {
            enums::from_number(names, to, ways)
        }
        (T::IPv4 | T::IPv6 | T::UUID, _) | (_, T::IPv4 | T::IPv6 | T::UUID) => {
            numbers::addresses(from, to)
        }
        (T::Interval(a), T::Interval(b)) => Ok(times::intervals(*a, *b)),
        (T::Decimal(..), T::Date | T::Date32 | T::DateTime(_)) => bail!(
            ILLEGAL_COLUMN,
            "Illegal column {from} of first argument of a conversion to {to}"
        ),
        _ if times::is_time(to) => times::to_time(from, to, ways),
        (T::DateTime64(precision, _), _) => times::from_ticks(*precision, to, ways),
        (T::Decimal(_, scale), _) if is_plain_number(to) => decimals::to_number(*scale, to, ways),
        (_, T::Decimal(..))
            if from.is_numeric() || matches!(from, T::Interval(_)) || from.is_enum() =>
        {
            decimals::to_decimal(from, to, ways)
        }
        (_, _) if is_plain_number(to) => Ok(numbers::to_number(from, to, ways)),
        _ => unsupported(from, to),
    }
}

/// Whether states of two functions are the same bytes: counts, whatever they count.
fn same_states(a: &AggregateType, b: &AggregateType) -> bool {
    a.function == "count" && b.function == "count"
}

fn is_plain_number(ty: &DataType) -> bool {
    ty.is_integer() || ty.is_float() || matches!(ty, DataType::Bool | DataType::Interval(_))
}

fn unsupported<X>(from: &DataType, to: &DataType) -> Result<X> {
    bail!(
        CANNOT_CONVERT_TYPE,
        "Conversion from {from} to {to} is not supported"
    )
}

pub(crate) use times::ticks_per_second;

#[cfg(test)]
mod tests;
