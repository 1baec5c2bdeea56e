//! Arrays, tuples and maps: the conversion of what is inside.
//!
//! Invariant: rows and offsets stay as they are.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{ArrayColumn, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, TupleType};

use super::{Convert, Ways, with_nulls};

/// Conversions where a side is nested.
pub(super) fn nested(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    use DataType as T;
    match (from, to) {
        (T::Array(a), T::Array(b)) => elements(a, b, ways),
        (T::Tuple(a), T::Tuple(b)) => tuples(a, b, ways, from, to),
        (T::Map(..), T::Map(..)) => match (from.map_entry(), to.map_entry()) {
            (Some(a), Some(b)) => elements(&a, &b, ways),
            _ => super::unsupported(from, to),
        },
        (T::Array(a), T::Map(..)) => match to.map_entry() {
            Some(entry) if a.tuple_types().is_some_and(|t| t.len() == 2) => {
                elements(&unnamed(a), &unnamed(&entry), ways)
            }
            _ => super::unsupported(from, to),
        },
        (T::Map(..), T::Array(b)) => match from.map_entry() {
            Some(entry) if b.tuple_types().is_some_and(|t| t.len() == 2) => {
                elements(&unnamed(&entry), &unnamed(b), ways)
            }
            _ => super::unsupported(from, to),
        },
        (T::Tuple(t), T::Map(k, v)) => match &t.types[..] {
            [T::Array(keys), T::Array(values)] => lists_to_map(keys, values, k, v, ways),
            _ => super::unsupported(from, to),
        },
        (_, T::Array(_)) => bail!(
            TYPE_MISMATCH,
            "CAST AS Array can only be performed between same-dimensional Array, Map or String types. Left type: {from}, right type: {to}"
        ),
        (_, T::Tuple(_)) => bail!(
            TYPE_MISMATCH,
            "CAST AS Tuple can only be performed between tuple types or from String. Left type: {from}, right type: {to}"
        ),
        (_, T::Map(..)) => bail!(
            TYPE_MISMATCH,
            "Unsupported types to CAST AS Map. Left type: {from}, right type: {to}"
        ),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {from} of argument of a conversion to {to}"
        ),
    }
}

fn unnamed(ty: &DataType) -> DataType {
    DataType::tuple(ty.tuple_types().unwrap_or_default().to_vec())
}

/// Converts all rows of a column of any representation.
fn column(convert: &Convert, column: &Column) -> Result<Column> {
    super::apply(convert, column, column.len())
}

fn elements(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    let inner = with_nulls(from, to, ways)?;
    Ok(Arc::new(move |flat, _| {
        let Flat::Array(array) = flat else {
            return Err(Error::bug("expected a column of arrays"));
        };
        let (offsets, elements) = array.compact();
        Ok(Flat::Array(ArrayColumn::new(
            offsets,
            column(&inner, &elements)?,
        )?))
    }))
}

/// Elements pair up by name where both sides have names and share some, else by place.
fn tuples(
    from_tuple: &TupleType,
    to_tuple: &TupleType,
    ways: Ways,
    from: &DataType,
    to: &DataType,
) -> Result<Convert> {
    let by_name = !from_tuple.names.is_empty()
        && to_tuple
            .names
            .iter()
            .any(|name| from_tuple.names.contains(name));
    if !by_name && from_tuple.types.len() != to_tuple.types.len() {
        bail!(
            TYPE_MISMATCH,
            "CAST AS Tuple can only be performed between tuple types with the same number of elements or from String. Left type: {from}, right type: {to}"
        );
    }
    let mut parts: Vec<(Option<usize>, DataType, Option<Convert>)> = Vec::new();
    for (i, ty) in to_tuple.types.iter().enumerate() {
        let place = match by_name {
            true => from_tuple
                .names
                .iter()
                .position(|n| *n == to_tuple.names[i]),
            false => Some(i),
        };
        let convert = place
            .map(|p| with_nulls(&from_tuple.types[p], ty, ways))
            .transpose()?;
        parts.push((place, ty.clone(), convert));
    }
    Ok(Arc::new(move |flat, _| {
        let columns = flat.as_tuple()?;
        let rows = flat.len();
        let converted = parts.iter().map(|(place, ty, convert)| {
            match (place.and_then(|p| columns.get(p)), convert) {
                (Some(c), Some(convert)) => column(convert, c),
                _ => Ok(Column::defaults(ty, rows)),
            }
        });
        Flat::tuple(converted.collect::<Result<Vec<_>>>()?, rows)
    }))
}

fn lists_to_map(
    keys: &DataType,
    values: &DataType,
    to_key: &DataType,
    to_value: &DataType,
    ways: Ways,
) -> Result<Convert> {
    let (key, value) = (
        elements(keys, to_key, ways)?,
        elements(values, to_value, ways)?,
    );
    Ok(Arc::new(move |flat, _| {
        let [keys, values] = flat.as_tuple()? else {
            return Err(Error::bug("expected a column of pairs"));
        };
        match (key(&keys.to_flat(), None)?, value(&values.to_flat(), None)?) {
            (Flat::Array(k), Flat::Array(v)) if k.offsets() == v.offsets() => {
                let rows = k.elements().len();
                let entries = Flat::tuple(vec![k.elements().clone(), v.elements().clone()], rows)?;
                let (offsets, _) = k.compact();
                Ok(Flat::Array(ArrayColumn::new(
                    offsets,
                    Column::Flat(entries),
                )?))
            }
            _ => bail!(
                TYPE_MISMATCH,
                "CAST AS Map from tuple requires arrays of equal length"
            ),
        }
    }))
}
