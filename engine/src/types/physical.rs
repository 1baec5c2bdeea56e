//! How a logical type is held in memory.
//!
//! Invariant: [`DataType::physical`] is total, and a column of a type has exactly that shape.

use super::DataType;

/// The shape of a flat column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Physical {
    /// Only a length.
    Nothing,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    /// Bytes of any length.
    Bytes,
    /// This many bytes each.
    Fixed(usize),
    /// A null mask over the shape inside.
    Nullable(Box<Physical>),
    /// Offsets over the shape inside.
    Array(Box<Physical>),
    /// Columns side by side.
    Tuple(Vec<Physical>),
}

impl DataType {
    /// The shape of a flat column of this type. LowCardinality has the shape of its inside: a
    /// dictionary is a representation that any column may have.
    pub fn physical(&self) -> Physical {
        use DataType as T;
        match self {
            T::Nothing => Physical::Nothing,
            T::Bool | T::UInt8 => Physical::U8,
            T::UInt16 | T::Date => Physical::U16,
            T::UInt32 | T::DateTime(_) | T::IPv4 => Physical::U32,
            T::UInt64 => Physical::U64,
            T::UInt128 | T::UUID | T::IPv6 => Physical::U128,
            T::Int8 | T::Enum8(_) => Physical::I8,
            T::Int16 | T::Enum16(_) => Physical::I16,
            T::Int32 | T::Date32 => Physical::I32,
            T::Int64 | T::DateTime64(..) | T::Interval(_) => Physical::I64,
            T::Int128 => Physical::I128,
            T::Float32 => Physical::F32,
            T::Float64 => Physical::F64,
            T::String | T::AggregateFunction(_) => Physical::Bytes,
            T::FixedString(n) => Physical::Fixed(*n),
            T::Decimal(p, _) if *p <= 9 => Physical::I32,
            T::Decimal(p, _) if *p <= 18 => Physical::I64,
            T::Decimal(..) => Physical::I128,
            T::Array(e) => Physical::Array(Box::new(e.physical())),
            T::Tuple(t) => Physical::Tuple(t.types.iter().map(DataType::physical).collect()),
            T::Map(k, v) => {
                Physical::Array(Box::new(Physical::Tuple(vec![k.physical(), v.physical()])))
            }
            T::Nullable(inner) => Physical::Nullable(Box::new(inner.physical())),
            T::LowCardinality(inner) | T::SimpleAggregateFunction(_, inner) => inner.physical(),
        }
    }
}
