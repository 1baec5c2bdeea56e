//! JSON values as cells of any type.
//!
//! Invariant: a value that does not fit leaves the builder as it was and gives `false`; the caller
//! pushes the default.

use std::sync::Arc;

use roost_engine::column::ColumnBuilder;
use roost_engine::column::builder::Grow;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Physical, Value};

use super::raw::write_string;
use super::scan::{Json, Kind, unescape, unescaped};
use super::values::{boolean, float, numeric, whole};
use crate::functions::BindContext;
use crate::functions::text::{Escaping, Style, TextParser, parse_number};

/// How values of one type are read.
pub(crate) enum Reader {
    Bool,
    Whole(Physical),
    Float,
    String,
    /// Types whose text is parsed: dates, decimals, addresses, enums. Numbers may be texts as well.
    Text(TextParser, Physical, DataType),
    Nullable(Box<Reader>),
    Array(Box<Reader>),
    Tuple(Vec<Reader>, Vec<String>),
    Map(Box<Reader>, Box<Reader>),
}

impl Reader {
    pub(crate) fn new(ty: &DataType, context: &BindContext) -> Reader {
        let nested = |ty: &Arc<DataType>| Box::new(Reader::new(ty, context));
        match ty {
            DataType::Bool => Reader::Bool,
            DataType::Float32 | DataType::Float64 => Reader::Float,
            DataType::String => Reader::String,
            DataType::Nullable(inner) => Reader::Nullable(nested(inner)),
            DataType::LowCardinality(inner) | DataType::SimpleAggregateFunction(_, inner) => {
                Reader::new(inner, context)
            }
            DataType::Array(inner) => Reader::Array(nested(inner)),
            DataType::Map(k, v) => Reader::Map(nested(k), nested(v)),
            DataType::Tuple(t) => Reader::Tuple(
                t.types.iter().map(|ty| Reader::new(ty, context)).collect(),
                t.names.clone(),
            ),
            ty if ty.is_integer() => Reader::Whole(ty.physical()),
            other => {
                let style = Style::new(Escaping::Plain, context.time_zone);
                Reader::Text(
                    TextParser::new(other, style),
                    other.physical(),
                    other.clone(),
                )
            }
        }
    }

    /// Appends the value, or nothing when it does not fit.
    pub(crate) fn read(&self, json: Json<'_>, out: &mut ColumnBuilder) -> Result<bool> {
        let kind = json.kind();
        match self {
            Reader::Nullable(inner) => self.read_nullable(inner, json, out),
            _ if kind == Kind::Null => Ok(false),
            Reader::Bool => push_some(boolean(json).map(|b| Value::UInt(b.into())), out),
            Reader::Float => {
                let value = match kind {
                    Kind::Bool => boolean(json).map(f64::from),
                    _ => float(json),
                };
                push_some(value.map(Value::Float), out)
            }
            Reader::Whole(shape) => {
                let value = match kind {
                    Kind::Bool => boolean(json).map(i128::from),
                    _ => numeric(json).and_then(whole),
                };
                Ok(value.is_some_and(|n| push_whole(n, shape, out)))
            }
            Reader::String => match out.grow() {
                Grow::Bytes(bytes) => {
                    write_string(json, bytes.tail());
                    bytes.end();
                    Ok(true)
                }
                _ => Ok(false),
            },
            Reader::Text(parser, shape, ty) => read_text(parser, shape, ty, json, out),
            Reader::Array(inner) => read_array(inner, json, out),
            Reader::Tuple(parts, names) => read_tuple(parts, names, json, out),
            Reader::Map(key, value) => read_map(key, value, json, out),
        }
    }

    /// [`Reader::read`], with the default where the value does not fit.
    pub(crate) fn read_or_default(
        &self,
        json: Option<Json<'_>>,
        out: &mut ColumnBuilder,
    ) -> Result<()> {
        let read = match json {
            Some(json) => self.read(json, out)?,
            None => false,
        };
        if !read {
            out.push_default();
        }
        Ok(())
    }

    fn read_nullable(
        &self,
        inner: &Reader,
        json: Json<'_>,
        out: &mut ColumnBuilder,
    ) -> Result<bool> {
        let Grow::Nullable(nulls, values) = out.grow() else {
            return Ok(false);
        };
        let fits = json.kind() != Kind::Null && inner.read(json, values)?;
        if !fits {
            values.push_default();
        }
        nulls.push(u8::from(!fits));
        Ok(true)
    }
}

fn push_some(value: Option<Value>, out: &mut ColumnBuilder) -> Result<bool> {
    match value {
        Some(value) => out.push(&value).map(|()| true),
        None => Ok(false),
    }
}

fn push_whole(n: i128, shape: &Physical, out: &mut ColumnBuilder) -> bool {
    macro_rules! push {
        ($($variant:ident $ty:ty),*) => {
            match (shape, out.grow()) {
                $( (Physical::$variant, Grow::$variant(v)) => match <$ty>::try_from(n) {
                    Ok(n) => { v.push(n); true }
                    Err(_) => false,
                }, )*
                _ => false,
            }
        };
    }
    push!(
        U8 u8, U16 u16, U32 u32, U64 u64, U128 u128, I8 i8, I16 i16, I32 i32, I64 i64, I128 i128
    )
}

fn read_text(
    parser: &TextParser,
    shape: &Physical,
    ty: &DataType,
    json: Json<'_>,
    out: &mut ColumnBuilder,
) -> Result<bool> {
    let enum_number = ty.is_enum() && json.kind() == Kind::Number;
    if enum_number || ty.is_date() && json.kind() == Kind::Number {
        let value = numeric(json).and_then(whole);
        let known = |n: i128| match ty {
            DataType::Enum8(names) | DataType::Enum16(names) => {
                i16::try_from(n).is_ok_and(|n| names.name_of(n).is_some())
            }
            _ => false,
        };
        return Ok(value
            .filter(|n| known(*n))
            .is_some_and(|n| push_whole(n, shape, out)));
    }
    // A failed parse may leave half a cell behind: it goes into a builder of its own first.
    let mut one = ColumnBuilder::of_shape(shape, 1);
    let parsed = match json.kind() {
        Kind::String => {
            let mut plain = Vec::new();
            unescape(json.inside(), &mut plain);
            parser.parse(&plain, &mut one)
        }
        Kind::Number => match ty {
            // A number is seconds since the epoch, whatever its size.
            DataType::DateTime64(precision, _) => {
                let ticks = parse_number::decimal(json.text(), 18, *precision).map(|d| d.0);
                return Ok(ticks.is_ok_and(|t| push_whole(t, shape, out)));
            }
            _ => parser.parse(json.text(), &mut one),
        },
        _ => return Ok(false),
    };
    match parsed {
        Ok(()) if one.len() == 1 => out.push(&one.finish().value(0)).map(|()| true),
        _ => Ok(false),
    }
}

fn read_array(inner: &Reader, json: Json<'_>, out: &mut ColumnBuilder) -> Result<bool> {
    let (Kind::Array, Grow::Array(offsets, elements)) = (json.kind(), out.grow()) else {
        return Ok(false);
    };
    for element in json.elements() {
        inner.read_or_default(Some(element), elements)?;
    }
    offsets.push(elements.len() as u64);
    Ok(true)
}

fn read_tuple(
    parts: &[Reader],
    names: &[String],
    json: Json<'_>,
    out: &mut ColumnBuilder,
) -> Result<bool> {
    let Grow::Tuple(columns, len) = out.grow() else {
        return Ok(false);
    };
    let mut elements = match json.kind() {
        Kind::Array => Some(json.elements()),
        Kind::Object => None,
        _ => return Ok(false),
    };
    for (i, (part, column)) in parts.iter().zip(columns).enumerate() {
        let value = match (&mut elements, names.get(i)) {
            (Some(elements), _) => elements.next(),
            (None, Some(name)) => json.member(name.as_bytes(), false),
            (None, None) => json.nth(i as i64 + 1),
        };
        part.read_or_default(value, column)?;
    }
    *len += 1;
    Ok(true)
}

fn read_map(key: &Reader, value: &Reader, json: Json<'_>, out: &mut ColumnBuilder) -> Result<bool> {
    let (Kind::Object, Grow::Array(offsets, entries)) = (json.kind(), out.grow()) else {
        return Ok(false);
    };
    for (name, member) in json.members() {
        let Grow::Tuple(columns, len) = entries.grow() else {
            return Ok(false);
        };
        let [keys, values] = columns.as_mut_slice() else {
            return Ok(false);
        };
        push_key(key, name, keys)?;
        value.read_or_default(Some(member), values)?;
        *len += 1;
    }
    offsets.push(entries.len() as u64);
    Ok(true)
}

fn push_key(reader: &Reader, name: &[u8], keys: &mut ColumnBuilder) -> Result<()> {
    if let Grow::Bytes(bytes) = keys.grow() {
        unescape(name, bytes.tail());
        bytes.end();
        return Ok(());
    }
    let name = unescaped(name);
    let mut quoted = Vec::with_capacity(name.len() + 2);
    crate::functions::text::escape::quote_json(&name, false, &mut quoted);
    reader.read_or_default(Json::parse(&quoted), keys)
}
