//! Our columns to Arrow arrays.
//!
//! Invariant: the field of a type depends on the type alone, so all blocks of an answer agree.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray,
    MapArray, NullArray, PrimitiveArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{
    DataType as ArrowType, Field, FieldRef, Fields, Schema as ArrowSchema, TimeUnit,
};
use roost_engine::block::{Block, Schema};
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

/// The Arrow schema of a result.
pub(in crate::formats) fn schema(schema: &Schema) -> Arc<ArrowSchema> {
    let fields: Vec<Field> = schema
        .fields
        .iter()
        .map(|f| field(&f.name, &f.ty))
        .collect();
    Arc::new(ArrowSchema::new(fields))
}

fn field(name: &str, ty: &DataType) -> Field {
    Field::new(
        name,
        arrow_type(ty),
        ty.is_nullable() || matches!(ty, DataType::Nothing),
    )
}

fn unit_of(precision: u8) -> TimeUnit {
    match precision {
        // Parquet knows no seconds.
        0..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

fn map_field(key: &DataType, value: &DataType) -> Field {
    let entries = Fields::from(vec![field("key", key), field("value", value)]);
    Field::new("entries", ArrowType::Struct(entries), false)
}

fn arrow_type(ty: &DataType) -> ArrowType {
    use DataType as T;
    match ty {
        T::Nothing => ArrowType::Null,
        T::Bool => ArrowType::Boolean,
        T::UInt8 => ArrowType::UInt8,
        T::UInt16 => ArrowType::UInt16,
        T::UInt32 | T::IPv4 => ArrowType::UInt32,
        T::UInt64 => ArrowType::UInt64,
        T::Int8 => ArrowType::Int8,
        T::Int16 => ArrowType::Int16,
        T::Int32 => ArrowType::Int32,
        T::Int64 | T::Interval(_) => ArrowType::Int64,
        T::UInt128 | T::Int128 | T::UUID | T::IPv6 => ArrowType::FixedSizeBinary(16),
        T::Float32 => ArrowType::Float32,
        T::Float64 => ArrowType::Float64,
        T::String | T::Enum8(_) | T::Enum16(_) => ArrowType::Utf8,
        T::AggregateFunction(_) => ArrowType::Binary,
        T::FixedString(n) => ArrowType::FixedSizeBinary(i32::try_from(*n).unwrap_or(i32::MAX)),
        T::Date | T::Date32 => ArrowType::Date32,
        T::DateTime(_) => ArrowType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        T::DateTime64(p, _) => ArrowType::Timestamp(unit_of(*p), Some("UTC".into())),
        T::Decimal(p, s) => ArrowType::Decimal128(*p, i8::try_from(*s).unwrap_or(38)),
        T::Array(e) => ArrowType::List(Arc::new(field("element", e))),
        T::Tuple(t) => ArrowType::Struct(tuple_fields(t)),
        T::Map(k, v) => ArrowType::Map(Arc::new(map_field(k, v)), false),
        T::Nullable(inner) | T::LowCardinality(inner) | T::SimpleAggregateFunction(_, inner) => {
            arrow_type(inner)
        }
    }
}

fn tuple_fields(t: &roost_engine::types::TupleType) -> Fields {
    let name = |i: usize| {
        t.names
            .get(i)
            .cloned()
            .unwrap_or_else(|| (i + 1).to_string())
    };
    t.types
        .iter()
        .enumerate()
        .map(|(i, ty)| field(&name(i), ty))
        .collect()
}

/// A block as a record batch.
pub(in crate::formats) fn batch(block: &Block, schema: &Arc<ArrowSchema>) -> Result<RecordBatch> {
    let arrays = block.columns().iter().zip(&block.schema().fields);
    let arrays = arrays
        .map(|(c, f)| array(c, &f.ty))
        .collect::<Result<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(block.rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(wrong)
}

fn wrong(e: impl std::fmt::Display) -> Error {
    Error::bug(format!("cannot make an Arrow array: {e}"))
}

fn array(column: &Column, ty: &DataType) -> Result<ArrayRef> {
    let flat = column.to_flat();
    let (mask, values) = flat.split_nulls();
    let nulls = mask.map(|m| NullBuffer::new(BooleanBuffer::collect_bool(m.len(), |i| m[i] == 0)));
    values_array(values, ty.value_type(), nulls)
}

fn primitive<T: ArrowPrimitiveType>(
    values: impl Iterator<Item = T::Native>,
    nulls: Option<NullBuffer>,
    ty: ArrowType,
) -> ArrayRef {
    let values: ScalarBuffer<T::Native> = values.collect::<Vec<_>>().into();
    Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(ty))
}

fn sixteen(values: impl Iterator<Item = [u8; 16]>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let bytes: Vec<u8> = values.flatten().collect();
    let array = FixedSizeBinaryArray::try_new(16, ArrowBuffer::from_vec(bytes), nulls);
    Ok(Arc::new(array.map_err(wrong)?))
}

fn texts<'a>(values: impl Iterator<Item = &'a [u8]>, nulls: Option<NullBuffer>) -> ArrayRef {
    let values = values.enumerate().map(|(i, text)| {
        let null = nulls.as_ref().is_some_and(|n| n.is_null(i));
        (!null).then(|| String::from_utf8_lossy(text))
    });
    Arc::new(values.collect::<StringArray>())
}

fn values_array(values: &Flat, ty: &DataType, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    use DataType as T;
    let arrow = arrow_type(ty);
    Ok(match (ty, values) {
        (T::Bool, Flat::U8(v)) => {
            let bits = BooleanBuffer::collect_bool(v.len(), |i| v[i] != 0);
            Arc::new(BooleanArray::new(bits, nulls))
        }
        (T::UUID | T::IPv6, Flat::U128(v)) => sixteen(v.iter().map(|x| x.to_be_bytes()), nulls)?,
        (T::Enum8(names), Flat::I8(v)) => texts(
            v.iter()
                .map(|n| names.name_of((*n).into()).unwrap_or("").as_bytes()),
            nulls,
        ),
        (T::Enum16(names), Flat::I16(v)) => texts(
            v.iter().map(|n| names.name_of(*n).unwrap_or("").as_bytes()),
            nulls,
        ),
        (T::Date, Flat::U16(v)) => {
            primitive::<Date32Type>(v.iter().map(|&d| d.into()), nulls, arrow)
        }
        (T::Date32, Flat::I32(v)) => primitive::<Date32Type>(v.iter().copied(), nulls, arrow),
        (T::DateTime(_), Flat::U32(v)) => {
            let ticks = v.iter().map(|&s| i64::from(s) * 1000);
            primitive::<TimestampMillisecondType>(ticks, nulls, arrow)
        }
        (T::DateTime64(p, _), Flat::I64(v)) => {
            let unit = unit_of(*p);
            let digits = match unit {
                TimeUnit::Second | TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            };
            let factor = 10i64.pow(u32::from((digits - p).min(9)));
            let ticks = v.iter().map(|t| t.saturating_mul(factor));
            match unit {
                TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(ticks, nulls, arrow),
                TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(ticks, nulls, arrow),
                _ => primitive::<TimestampMillisecondType>(ticks, nulls, arrow),
            }
        }
        (T::Decimal(..), Flat::I32(v)) => {
            primitive::<Decimal128Type>(v.iter().map(|&d| d.into()), nulls, arrow)
        }
        (T::Decimal(..), Flat::I64(v)) => {
            primitive::<Decimal128Type>(v.iter().map(|&d| d.into()), nulls, arrow)
        }
        (T::Decimal(..), Flat::I128(v)) => {
            primitive::<Decimal128Type>(v.iter().copied(), nulls, arrow)
        }
        (T::AggregateFunction(_), Flat::Bytes(b)) => {
            Arc::new(b.iter().map(Some).collect::<BinaryArray>())
        }
        _ => return plain_array(values, ty, nulls, arrow),
    })
}

fn plain_array(
    values: &Flat,
    ty: &DataType,
    nulls: Option<NullBuffer>,
    arrow: ArrowType,
) -> Result<ArrayRef> {
    Ok(match values {
        Flat::U8(v) => primitive::<UInt8Type>(v.iter().copied(), nulls, arrow),
        Flat::U16(v) => primitive::<UInt16Type>(v.iter().copied(), nulls, arrow),
        Flat::U32(v) => primitive::<UInt32Type>(v.iter().copied(), nulls, arrow),
        Flat::U64(v) => primitive::<UInt64Type>(v.iter().copied(), nulls, arrow),
        Flat::I8(v) => primitive::<Int8Type>(v.iter().copied(), nulls, arrow),
        Flat::I16(v) => primitive::<Int16Type>(v.iter().copied(), nulls, arrow),
        Flat::I32(v) => primitive::<Int32Type>(v.iter().copied(), nulls, arrow),
        Flat::I64(v) => primitive::<Int64Type>(v.iter().copied(), nulls, arrow),
        Flat::F32(v) => primitive::<Float32Type>(v.iter().copied(), nulls, arrow),
        Flat::F64(v) => primitive::<Float64Type>(v.iter().copied(), nulls, arrow),
        Flat::U128(v) => sixteen(v.iter().map(|x| x.to_le_bytes()), nulls)?,
        Flat::I128(v) => sixteen(v.iter().map(|x| x.to_le_bytes()), nulls)?,
        Flat::Bytes(b) => texts(b.iter(), nulls),
        Flat::Fixed { width, data } => {
            let width = i32::try_from(*width).map_err(wrong)?;
            let bytes = ArrowBuffer::from_vec(data.to_vec());
            Arc::new(FixedSizeBinaryArray::try_new(width, bytes, nulls).map_err(wrong)?)
        }
        Flat::Nothing(rows) => Arc::new(NullArray::new(*rows)),
        Flat::Array(a) => {
            let (offsets, elements) = a.compact();
            let ends = offsets.iter().map(|&o| i32::try_from(o));
            let ends: Vec<i32> = ends.collect::<std::result::Result<_, _>>().map_err(wrong)?;
            let offsets = OffsetBuffer::new(ends.into());
            match ty {
                DataType::Map(k, v) => {
                    let elements = elements.to_flat();
                    let [keys, items] = elements.as_tuple()? else {
                        return Err(Error::bug("a map's entries are not pairs"));
                    };
                    let entries = map_field(k, v);
                    let ArrowType::Struct(fields) = entries.data_type().clone() else {
                        return Err(Error::bug("a map's entries are a struct"));
                    };
                    let pair = vec![array(keys, k)?, array(items, v)?];
                    let pair = StructArray::try_new(fields, pair, None).map_err(wrong)?;
                    let entries: FieldRef = Arc::new(entries);
                    Arc::new(
                        MapArray::try_new(entries, offsets, pair, nulls, false).map_err(wrong)?,
                    )
                }
                DataType::Array(e) => {
                    let inner = array(&elements, e)?;
                    let field: FieldRef = Arc::new(field("element", e));
                    Arc::new(ListArray::try_new(field, offsets, inner, nulls).map_err(wrong)?)
                }
                other => return Err(Error::bug(format!("a column of {other} holds arrays"))),
            }
        }
        Flat::Tuple(columns, rows) => {
            let DataType::Tuple(t) = ty else {
                return Err(Error::bug(format!("a column of {ty} holds tuples")));
            };
            let arrays = columns.iter().zip(&t.types).map(|(c, ty)| array(c, ty));
            let arrays = arrays.collect::<Result<Vec<_>>>()?;
            let fields = tuple_fields(t);
            let made = StructArray::try_new_with_length(fields, arrays, nulls, *rows);
            Arc::new(made.map_err(wrong)?)
        }
        Flat::Nullable(_) => return Err(Error::bug("a mask under a mask")),
    })
}
