//! Logical types: what a column means. How it is held in memory is [`crate::column`]'s business.
//!
//! Invariant: a `DataType` prints to ClickHouse's own text and parses back to itself
//! (see [`text`]); two types are equal exactly when those texts are.

pub mod physical;
pub mod text;
pub mod value;

use std::sync::Arc;

pub use physical::Physical;
pub use value::Value;

/// A time zone of the IANA database.
pub type Tz = chrono_tz::Tz;

/// All time zones.
pub fn zones() -> impl Iterator<Item = Tz> {
    chrono_tz::TZ_VARIANTS.iter().copied()
}

/// A logical type. Cheap to clone: nested types are shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataType {
    /// The type without values: of `NULL` inside `Nullable(Nothing)`, of `[]` inside `Array(Nothing)`.
    Nothing,
    /// `true` or `false`, held as UInt8 0 or 1.
    Bool,
    /// Unsigned 8 bits.
    UInt8,
    /// Unsigned 16 bits.
    UInt16,
    /// Unsigned 32 bits.
    UInt32,
    /// Unsigned 64 bits.
    UInt64,
    /// Unsigned 128 bits.
    UInt128,
    /// Signed 8 bits.
    Int8,
    /// Signed 16 bits.
    Int16,
    /// Signed 32 bits.
    Int32,
    /// Signed 64 bits.
    Int64,
    /// Signed 128 bits.
    Int128,
    /// IEEE single.
    Float32,
    /// IEEE double.
    Float64,
    /// Bytes of any length; not necessarily UTF-8.
    String,
    /// Exactly this many bytes, padded with zero bytes.
    FixedString(usize),
    /// Days since 1970-01-01, UInt16.
    Date,
    /// Days since 1970-01-01, Int32, years 1900 to 2299.
    Date32,
    /// Seconds since the epoch, UInt32; the zone is for text and calendar arithmetic only.
    DateTime(Option<Tz>),
    /// Ticks of 10^-precision seconds since the epoch, Int64; precision 0 to 9.
    DateTime64(u8, Option<Tz>),
    /// 128 bits; held as the number whose big-endian bytes are the UUID's text.
    UUID,
    /// Address as a host-order UInt32.
    IPv4,
    /// Address as the number whose big-endian bytes are the address.
    IPv6,
    /// Named Int8 values.
    Enum8(Arc<EnumNames>),
    /// Named Int16 values.
    Enum16(Arc<EnumNames>),
    /// `Decimal(precision, scale)`: Int32 up to 9 digits, Int64 up to 18, Int128 up to 38.
    Decimal(u8, u8),
    /// Length of time in one unit, Int64.
    Interval(IntervalUnit),
    /// Elements of one type.
    Array(Arc<DataType>),
    /// A fixed list of types, perhaps named.
    Tuple(Arc<TupleType>),
    /// Key and value types; held as `Array(Tuple(key, value))`.
    Map(Arc<DataType>, Arc<DataType>),
    /// The type or NULL.
    Nullable(Arc<DataType>),
    /// The same values, expected to repeat: stored and kept as a dictionary.
    LowCardinality(Arc<DataType>),
    /// The state of an aggregate function; held as versioned bytes (see `docs/format/`).
    AggregateFunction(Arc<AggregateType>),
    /// A plain value that merges combine with the named function.
    SimpleAggregateFunction(Arc<str>, Arc<DataType>),
}

/// Names of an enum type with their numbers, ordered by number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnumNames {
    /// (number, name), strictly ascending by number; names are unique.
    pub values: Vec<(i16, String)>,
}

impl EnumNames {
    /// The name of `number`.
    pub fn name_of(&self, number: i16) -> Option<&str> {
        let at = self.values.binary_search_by_key(&number, |v| v.0).ok()?;
        Some(&self.values[at].1)
    }

    /// The number of `name`.
    pub fn number_of(&self, name: &str) -> Option<i16> {
        self.values.iter().find(|v| v.1 == name).map(|v| v.0)
    }
}

/// Elements of a tuple. Either all have names or none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TupleType {
    /// Types in order.
    pub types: Vec<DataType>,
    /// Names in order; empty when the tuple is unnamed.
    pub names: Vec<String>,
}

/// An aggregate function by name, with its parameters as literal text and its argument types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AggregateType {
    /// Name with combinators, without `State`: `countIf`, `uniqCombined`.
    pub function: String,
    /// Parameters as SQL literals: `["0.5"]`.
    pub parameters: Vec<String>,
    /// Argument types.
    pub arguments: Vec<DataType>,
}

/// Units of [`DataType::Interval`], from short to long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IntervalUnit {
    Nanosecond,
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl IntervalUnit {
    /// All units, short to long.
    pub const ALL: [IntervalUnit; 11] = [
        Self::Nanosecond,
        Self::Microsecond,
        Self::Millisecond,
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// `Second` for `IntervalSecond`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanosecond => "Nanosecond",
            Self::Microsecond => "Microsecond",
            Self::Millisecond => "Millisecond",
            Self::Second => "Second",
            Self::Minute => "Minute",
            Self::Hour => "Hour",
            Self::Day => "Day",
            Self::Week => "Week",
            Self::Month => "Month",
            Self::Quarter => "Quarter",
            Self::Year => "Year",
        }
    }
}

impl DataType {
    /// `Nullable(self)`, or `self` when it is Nullable already. LowCardinality takes the Nullable inside.
    #[must_use]
    pub fn nullable(self) -> DataType {
        match self {
            DataType::Nullable(_) => self,
            DataType::LowCardinality(inner) => {
                DataType::LowCardinality(Arc::new(inner.as_ref().clone().nullable()))
            }
            other => DataType::Nullable(Arc::new(other)),
        }
    }

    /// `Array(self)`.
    #[must_use]
    pub fn array(self) -> DataType {
        DataType::Array(Arc::new(self))
    }

    /// `LowCardinality(self)`.
    #[must_use]
    pub fn low_cardinality(self) -> DataType {
        DataType::LowCardinality(Arc::new(self))
    }

    /// An unnamed tuple.
    pub fn tuple(types: Vec<DataType>) -> DataType {
        DataType::Tuple(Arc::new(TupleType {
            types,
            names: Vec::new(),
        }))
    }

    /// Whether values of the type may be NULL.
    pub fn is_nullable(&self) -> bool {
        match self {
            DataType::Nullable(_) => true,
            DataType::LowCardinality(inner) => inner.is_nullable(),
            _ => false,
        }
    }

    /// The type without Nullable (under LowCardinality as well).
    #[must_use]
    pub fn without_nullable(&self) -> DataType {
        match self {
            DataType::Nullable(inner) => inner.as_ref().clone(),
            DataType::LowCardinality(inner) => {
                DataType::LowCardinality(Arc::new(inner.without_nullable()))
            }
            other => other.clone(),
        }
    }

    /// The type without LowCardinality and SimpleAggregateFunction at the top.
    #[must_use]
    pub fn without_low_cardinality(&self) -> DataType {
        match self {
            DataType::LowCardinality(inner) => inner.as_ref().clone(),
            DataType::SimpleAggregateFunction(_, inner) => inner.without_low_cardinality(),
            other => other.clone(),
        }
    }

    /// The type of the values: no LowCardinality, no Nullable, no SimpleAggregateFunction at the top.
    #[must_use]
    pub fn value_type(&self) -> &DataType {
        match self {
            DataType::LowCardinality(inner)
            | DataType::Nullable(inner)
            | DataType::SimpleAggregateFunction(_, inner) => inner.value_type(),
            other => other,
        }
    }

    /// Signed or unsigned whole numbers (not Bool, Enum, Date).
    pub fn is_integer(&self) -> bool {
        self.is_unsigned() || self.is_signed_integer()
    }

    /// UInt8 to UInt128.
    pub fn is_unsigned(&self) -> bool {
        use DataType::*;
        matches!(self, UInt8 | UInt16 | UInt32 | UInt64 | UInt128)
    }

    /// Int8 to Int128.
    pub fn is_signed_integer(&self) -> bool {
        use DataType::*;
        matches!(self, Int8 | Int16 | Int32 | Int64 | Int128)
    }

    /// Float32 or Float64.
    pub fn is_float(&self) -> bool {
        matches!(self, DataType::Float32 | DataType::Float64)
    }

    /// Integers, floats, decimals and Bool.
    pub fn is_numeric(&self) -> bool {
        self.is_integer()
            || self.is_float()
            || matches!(self, DataType::Decimal(..) | DataType::Bool)
    }

    /// String or FixedString.
    pub fn is_string(&self) -> bool {
        matches!(self, DataType::String | DataType::FixedString(_))
    }

    /// Date or Date32.
    pub fn is_date(&self) -> bool {
        matches!(self, DataType::Date | DataType::Date32)
    }

    /// DateTime or DateTime64.
    pub fn is_date_time(&self) -> bool {
        matches!(self, DataType::DateTime(_) | DataType::DateTime64(..))
    }

    /// Enum8 or Enum16.
    pub fn is_enum(&self) -> bool {
        matches!(self, DataType::Enum8(_) | DataType::Enum16(_))
    }

    /// The element types of a Tuple.
    pub fn tuple_types(&self) -> Option<&[DataType]> {
        match self {
            DataType::Tuple(t) => Some(&t.types),
            _ => None,
        }
    }

    /// The element type of an Array.
    pub fn element(&self) -> Option<&DataType> {
        match self {
            DataType::Array(e) => Some(e),
            _ => None,
        }
    }

    /// The `Tuple(keys, values)` that a Map's entries are held as.
    pub fn map_entry(&self) -> Option<DataType> {
        match self {
            DataType::Map(k, v) => Some(DataType::Tuple(Arc::new(TupleType {
                types: vec![k.as_ref().clone(), v.as_ref().clone()],
                names: vec!["keys".into(), "values".into()],
            }))),
            _ => None,
        }
    }
}
