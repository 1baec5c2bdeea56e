//! Arrow arrays to our columns, under the type that fits them best.
//!
//! Invariant: the type depends on the Arrow field alone; types that we lack are NOT_IMPLEMENTED.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, Schema as ArrowSchema, TimeUnit};
use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::flat::ArrayColumn;
use roost_engine::column::{Buffer, BytesBuilder, Column, Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, TupleType, Tz};

/// Our schema of an Arrow one. Columns that Arrow calls nullable are Nullable where a type can be.
pub(in crate::formats) fn schema(schema: &ArrowSchema) -> Result<Arc<Schema>> {
    let fields = schema
        .fields()
        .iter()
        .map(|f| Ok(Field::new(f.name().as_str(), type_of(f)?)));
    Ok(Schema::new(fields.collect::<Result<_>>()?))
}

fn type_of(field: &ArrowField) -> Result<DataType> {
    let ty = plain_type(field.data_type())?;
    let composite = matches!(
        ty,
        DataType::Array(_) | DataType::Map(..) | DataType::Tuple(_)
    );
    Ok(if field.is_nullable() && !composite {
        ty.nullable()
    } else {
        ty
    })
}

fn plain_type(ty: &ArrowType) -> Result<DataType> {
    use DataType as T;
    Ok(match ty {
        ArrowType::Null => T::Nothing,
        ArrowType::Boolean => T::Bool,
        ArrowType::Int8 => T::Int8,
        ArrowType::Int16 => T::Int16,
        ArrowType::Int32 => T::Int32,
        ArrowType::Int64 | ArrowType::Duration(_) => T::Int64,
        ArrowType::UInt8 => T::UInt8,
        ArrowType::UInt16 => T::UInt16,
        ArrowType::UInt32 => T::UInt32,
        ArrowType::UInt64 => T::UInt64,
        ArrowType::Float32 => T::Float32,
        ArrowType::Float64 => T::Float64,
        ArrowType::Utf8
        | ArrowType::LargeUtf8
        | ArrowType::Utf8View
        | ArrowType::Binary
        | ArrowType::LargeBinary
        | ArrowType::BinaryView => T::String,
        ArrowType::FixedSizeBinary(n) if *n > 0 => T::FixedString(*n as usize),
        ArrowType::Date32 => T::Date32,
        ArrowType::Date64 => T::DateTime64(3, Some(Tz::UTC)),
        ArrowType::Timestamp(unit, zone) => {
            let precision = match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let zone = zone.as_ref().and_then(|z| z.parse().ok());
            T::DateTime64(precision, zone)
        }
        ArrowType::Decimal128(p, s) if *s >= 0 => T::Decimal(*p, *s as u8),
        ArrowType::List(e) | ArrowType::LargeList(e) | ArrowType::FixedSizeList(e, _) => {
            type_of(e)?.array()
        }
        ArrowType::Struct(fields) => T::Tuple(Arc::new(TupleType {
            types: fields.iter().map(|f| type_of(f)).collect::<Result<_>>()?,
            names: fields.iter().map(|f| f.name().clone()).collect(),
        })),
        ArrowType::Map(entries, _) => match entries.data_type() {
            ArrowType::Struct(pair) if pair.len() == 2 => {
                let key = type_of(&pair[0])?.without_nullable();
                T::Map(Arc::new(key), Arc::new(type_of(&pair[1])?))
            }
            other => return Err(Error::not_implemented(format!("a map of {other}"))),
        },
        ArrowType::Dictionary(_, values) => plain_type(values)?.low_cardinality(),
        other => return Err(Error::not_implemented(format!("Arrow's type {other}"))),
    })
}

/// A record batch as a block of `schema` (which [`schema`] gave for it).
pub(in crate::formats) fn block(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<Block> {
    let columns = batch.columns().iter().zip(&schema.fields);
    let columns = columns
        .map(|(a, f)| column(a, &f.ty))
        .collect::<Result<Vec<_>>>()?;
    Block::new(Arc::clone(schema), columns, batch.num_rows())
}

fn column(array: &ArrayRef, ty: &DataType) -> Result<Column> {
    if let ArrowType::Dictionary(..) = array.data_type() {
        return dictionary(array, ty).map(Column::Flat);
    }
    let values = flat(array, ty.value_type())?;
    if !ty.is_nullable() {
        return Ok(Column::Flat(values));
    }
    let nulls = match array.logical_nulls() {
        Some(nulls) => nulls.iter().map(|valid| u8::from(!valid)).collect(),
        None => vec![0; array.len()],
    };
    Ok(Column::Flat(Flat::nullable(nulls, values)?))
}

fn dictionary(array: &ArrayRef, ty: &DataType) -> Result<Flat> {
    let any = array.as_any_dictionary();
    let values = match column(
        any.values(),
        &ty.without_low_cardinality().without_nullable(),
    )? {
        Column::Flat(flat) => flat,
        other => other.to_flat(),
    };
    let keys: Vec<u32> = any
        .normalized_keys()
        .into_iter()
        .map(|k| k as u32)
        .collect();
    let rows: Vec<u32> = keys
        .iter()
        .map(|k| {
            if (*k as usize) < values.len() {
                *k
            } else {
                roost_engine::kernels::take::NO_ROW
            }
        })
        .collect();
    let taken =
        roost_engine::kernels::take::take_or_default(&Column::Flat(values), &rows).to_flat();
    if !ty.is_nullable() {
        return Ok(taken);
    }
    let nulls = match array.logical_nulls() {
        Some(nulls) => nulls.iter().map(|valid| u8::from(!valid)).collect(),
        None => vec![0; array.len()],
    };
    Flat::nullable(nulls, taken)
}

fn natives<A: ArrowPrimitiveType, T: Native>(
    array: &ArrayRef,
    of: impl Fn(A::Native) -> T,
) -> Flat {
    Flat::native(
        array
            .as_primitive::<A>()
            .values()
            .iter()
            .map(|v| of(*v))
            .collect::<Vec<T>>(),
    )
}

fn strings<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Flat {
    let mut out = BytesBuilder::default();
    values.for_each(|text| out.push(text.unwrap_or_default()));
    Flat::Bytes(out.finish())
}

fn decimals(array: &ArrayRef, precision: u8) -> Flat {
    match precision {
        0..=9 => natives::<Decimal128Type, i32>(array, |v| v as i32),
        10..=18 => natives::<Decimal128Type, i64>(array, |v| v as i64),
        _ => natives::<Decimal128Type, i128>(array, |v| v),
    }
}

fn flat(array: &ArrayRef, ty: &DataType) -> Result<Flat> {
    Ok(match array.data_type() {
        ArrowType::Null => Flat::Nothing(array.len()),
        ArrowType::Boolean => {
            let bits = array.as_boolean().values();
            Flat::native(bits.iter().map(u8::from).collect::<Vec<u8>>())
        }
        ArrowType::Int8 => natives::<Int8Type, i8>(array, |v| v),
        ArrowType::Int16 => natives::<Int16Type, i16>(array, |v| v),
        ArrowType::Int32 => natives::<Int32Type, i32>(array, |v| v),
        ArrowType::Int64 => natives::<Int64Type, i64>(array, |v| v),
        ArrowType::UInt8 => natives::<UInt8Type, u8>(array, |v| v),
        ArrowType::UInt16 => natives::<UInt16Type, u16>(array, |v| v),
        ArrowType::UInt32 => natives::<UInt32Type, u32>(array, |v| v),
        ArrowType::UInt64 => natives::<UInt64Type, u64>(array, |v| v),
        ArrowType::Float32 => natives::<Float32Type, f32>(array, |v| v),
        ArrowType::Float64 => natives::<Float64Type, f64>(array, |v| v),
        ArrowType::Utf8 => strings(
            array
                .as_string::<i32>()
                .iter()
                .map(|s| s.map(str::as_bytes)),
        ),
        ArrowType::LargeUtf8 => strings(
            array
                .as_string::<i64>()
                .iter()
                .map(|s| s.map(str::as_bytes)),
        ),
        ArrowType::Utf8View => strings(array.as_string_view().iter().map(|s| s.map(str::as_bytes))),
        ArrowType::Binary => strings(array.as_binary::<i32>().iter()),
        ArrowType::LargeBinary => strings(array.as_binary::<i64>().iter()),
        ArrowType::BinaryView => strings(array.as_binary_view().iter()),
        ArrowType::FixedSizeBinary(width) => {
            let width = (*width).max(1) as usize;
            let mut data = Vec::with_capacity(width * array.len());
            for value in array.as_fixed_size_binary().iter() {
                data.extend_from_slice(value.unwrap_or_default());
                data.resize(data.len().next_multiple_of(width), 0);
                if value.is_none() {
                    data.resize(data.len() + width, 0);
                }
            }
            Flat::Fixed {
                width,
                data: Buffer::from(data),
            }
        }
        ArrowType::Date32 => natives::<Date32Type, i32>(array, |v| v),
        ArrowType::Date64 => natives::<Date64Type, i64>(array, |v| v),
        ArrowType::Timestamp(TimeUnit::Second, _) => {
            natives::<TimestampSecondType, i64>(array, |v| v)
        }
        ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
            natives::<TimestampMillisecondType, i64>(array, |v| v)
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            natives::<TimestampMicrosecondType, i64>(array, |v| v)
        }
        ArrowType::Timestamp(TimeUnit::Nanosecond, _) => {
            natives::<TimestampNanosecondType, i64>(array, |v| v)
        }
        ArrowType::Decimal128(p, _) => decimals(array, *p),
        _ => return nested(array, ty),
    })
}

fn nested(array: &ArrayRef, ty: &DataType) -> Result<Flat> {
    let list = |offsets: Vec<u64>, elements: Column| {
        Ok(Flat::Array(ArrayColumn::new(
            Buffer::from(offsets),
            elements,
        )?))
    };
    match (array.data_type(), ty) {
        (ArrowType::List(_), DataType::Array(e)) => {
            let lists = array.as_list::<i32>();
            let offsets = lists.offsets().iter().map(|&o| o as u64).collect();
            list(offsets, column(lists.values(), e)?)
        }
        (ArrowType::LargeList(_), DataType::Array(e)) => {
            let lists = array.as_list::<i64>();
            let offsets = lists.offsets().iter().map(|&o| o as u64).collect();
            list(offsets, column(lists.values(), e)?)
        }
        (ArrowType::FixedSizeList(_, n), DataType::Array(e)) => {
            let lists = array.as_fixed_size_list();
            let width = (*n).max(0) as u64;
            let offsets = (0..=array.len() as u64).map(|row| row * width).collect();
            list(offsets, column(lists.values(), e)?)
        }
        (ArrowType::Map(..), DataType::Map(k, v)) => {
            let maps = array.as_map();
            let offsets = maps.offsets().iter().map(|&o| o as u64).collect();
            let pair = vec![column(maps.keys(), k)?, column(maps.values(), v)?];
            let rows = maps.keys().len();
            list(offsets, Column::Flat(Flat::tuple(pair, rows)?))
        }
        (ArrowType::Struct(_), DataType::Tuple(t)) => {
            let columns = array.as_struct().columns().iter().zip(&t.types);
            let columns = columns
                .map(|(c, ty)| column(c, ty))
                .collect::<Result<Vec<_>>>()?;
            Flat::tuple(columns, array.len())
        }
        (found, _) => Err(Error::not_implemented(format!("Arrow's type {found}"))),
    }
}
