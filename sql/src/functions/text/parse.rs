//! The reader of one type: decided once, then run over many texts.
//!
//! Invariant: a value is read from all of its text, or there is an error; nothing is guessed.

use std::borrow::Cow;

use hashbrown::HashMap;
use roost_engine::bail;
use roost_engine::column::ColumnBuilder;
use roost_engine::column::builder::Grow;
use roost_engine::error::{Code, Error, Result};
use roost_engine::types::DataType;

use super::escape::{unescape, unquote_json, unquote_literal};
use super::parse_number::{clip, decimal, float, float32, integer};
use super::places::{expect, expect_end, is_null_word, list, skip_space, token_end};
use super::{Escaping, Style, address, parse_time};
use crate::functions::zones::{Zone, zone};

pub use super::places::json_value_end;
pub(crate) use super::places::unquote_csv;

/// Reads values of one type in one style.
#[derive(Debug)]
pub struct TextParser {
    ty: DataType,
    style: Style,
    zone: Option<&'static Zone>,
    checked: bool,
    enum_numbers: HashMap<String, i16>,
    /// Of the types inside: element, tuple elements, key and value, the type under Nullable.
    inner: Vec<TextParser>,
}

impl TextParser {
    /// The reader of `ty`.
    pub fn new(ty: &DataType, style: impl Into<Style>) -> Self {
        use DataType as T;
        let style: Style = style.into();
        let ty = ty.without_low_cardinality();
        let nested = match style.escaping {
            Escaping::Json(_) => style,
            _ => Style {
                escaping: Escaping::Quoted,
                ..style
            },
        };
        let inner = match &ty {
            T::Array(e) => vec![TextParser::new(e, nested)],
            T::Map(k, v) => vec![TextParser::new(k, nested), TextParser::new(v, nested)],
            T::Tuple(t) => t
                .types
                .iter()
                .map(|ty| TextParser::new(ty, nested))
                .collect(),
            T::Nullable(inner) => vec![TextParser::new(inner, style)],
            _ => Vec::new(),
        };
        let zone = match &ty {
            T::DateTime(tz) | T::DateTime64(_, tz) => Some(zone(tz.unwrap_or(style.time_zone))),
            _ => None,
        };
        let enum_numbers = match &ty {
            T::Enum8(names) | T::Enum16(names) => names
                .values
                .iter()
                .map(|(n, name)| (name.clone(), *n))
                .collect(),
            _ => HashMap::new(),
        };
        TextParser {
            ty,
            style,
            zone,
            checked: false,
            enum_numbers,
            inner,
        }
    }

    /// The same reader, for which a whole number out of its type's range is an error instead of
    /// wrapping.
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self.inner = self.inner.into_iter().map(TextParser::checked).collect();
        self
    }

    /// Reads one value from the whole of `input` and appends it to `builder`.
    ///
    /// # Errors
    /// The type's CANNOT_PARSE_* code; a nested `builder` is then to be dropped.
    pub fn parse(&self, input: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        match self.style.escaping {
            Escaping::Quoted | Escaping::Json(_) => {
                let read = self.parse_prefix(input, builder)?;
                expect_end(input, read)
            }
            _ => self.whole(input, builder),
        }
    }

    fn whole(&self, input: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        if let DataType::Nullable(_) = self.ty {
            return self.whole_nullable(input, builder);
        }
        let text: Cow<'_, [u8]> = match self.style.escaping {
            Escaping::Csv => unquote_csv(input),
            // Nested texts keep their own escapes.
            Escaping::Escaped if self.inner.is_empty() => unescape(input)?,
            _ => Cow::Borrowed(input),
        };
        if self.inner.is_empty() && !matches!(self.ty, DataType::Tuple(_)) {
            return self.leaf(&text, builder);
        }
        let read = self.nested(&text, skip_space(&text, 0), builder)?;
        expect_end(&text, read)
    }

    fn whole_nullable(&self, input: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        let inner = &self.inner[0];
        let null = match self.style.escaping {
            Escaping::Plain => {
                !inner.ty.is_string() && matches!(input, b"" | b"NULL" | b"\\N" | b"null")
            }
            _ => input == b"\\N",
        };
        match null {
            true => builder.push_default(),
            false => match builder.grow() {
                Grow::Nullable(nulls, values) => {
                    inner.whole(input, values)?;
                    nulls.push(0);
                }
                _ => inner.whole(input, builder)?,
            },
        }
        Ok(())
    }

    /// Reads one value from the start of `input`, white space before it allowed; returns the bytes
    /// read. Only for Quoted and Json.
    pub fn parse_prefix(&self, input: &[u8], builder: &mut ColumnBuilder) -> Result<usize> {
        self.prefix(input, 0, builder)
    }

    fn prefix(&self, input: &[u8], from: usize, builder: &mut ColumnBuilder) -> Result<usize> {
        let at = skip_space(input, from);
        if let DataType::Nullable(_) = self.ty {
            if is_null_word(&input[at..]) {
                builder.push_default();
                return Ok(at + 4);
            }
            return match builder.grow() {
                Grow::Nullable(nulls, values) => {
                    let end = self.inner[0].prefix(input, at, values)?;
                    nulls.push(0);
                    Ok(end)
                }
                _ => self.inner[0].prefix(input, at, builder),
            };
        }
        let json = matches!(self.style.escaping, Escaping::Json(_));
        let raw_nested = self.ty.is_string() && json;
        match input.get(at) {
            None => bail!(
                CANNOT_READ_ALL_DATA,
                "Cannot parse {}: unexpected end of text",
                self.ty
            ),
            Some(b'[' | b'(' | b'{') if !raw_nested => self.nested(input, at, builder),
            Some(b'[' | b'{') => {
                let end = json_value_end(input, at)?;
                self.leaf(&input[at..end], builder)?;
                Ok(end)
            }
            Some(b'"') if json => {
                let (text, length) = unquote_json(&input[at..])?;
                self.leaf(&text, builder)?;
                Ok(at + length)
            }
            Some(b'\'') if !json => {
                let (text, length) = unquote_literal(&input[at..])?;
                self.leaf(&text, builder)?;
                Ok(at + length)
            }
            Some(_) if self.ty.is_string() && !json => unquote_literal(&input[at..]).map(|r| r.1),
            Some(_) => {
                let end = token_end(input, at);
                self.token(&input[at..end], builder)?;
                Ok(end)
            }
        }
    }

    /// A value without quotes: a number or a word.
    fn token(&self, token: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        let number: &[u8] = match token {
            b"true" if self.ty.is_numeric() && self.ty != DataType::Bool => b"1",
            b"false" if self.ty.is_numeric() && self.ty != DataType::Bool => b"0",
            other => other,
        };
        if let (DataType::DateTime64(..), false) = (&self.ty, number.is_empty()) {
            return self.leaf(number, builder);
        }
        if let (DataType::Date | DataType::Date32, Ok((days, length))) =
            (&self.ty, integer(number, true, "Date"))
            && length == number.len()
        {
            return self.push_days(
                days.clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32,
                builder,
            );
        }
        self.leaf(number, builder)
    }

    fn nested(&self, input: &[u8], at: usize, builder: &mut ColumnBuilder) -> Result<usize> {
        match (&self.ty, builder.grow()) {
            (DataType::Array(_), Grow::Array(offsets, elements)) => {
                let end = list(input, at, b'[', b']', |at| {
                    self.inner[0].prefix(input, at, elements)
                })?;
                offsets.push(elements.len() as u64);
                Ok(end)
            }
            (DataType::Map(..), Grow::Array(offsets, entries)) => {
                let end = list(input, at, b'{', b'}', |at| {
                    self.map_entry(input, at, entries)
                })?;
                offsets.push(entries.len() as u64);
                Ok(end)
            }
            (DataType::Tuple(t), Grow::Tuple(columns, rows)) => {
                *rows += 1;
                if input.get(at) == Some(&b'{') {
                    return self.tuple_object(input, at, &t.names, columns);
                }
                let json = matches!(self.style.escaping, Escaping::Json(_));
                let (open, close) = if json { (b'[', b']') } else { (b'(', b')') };
                let mut i = 0;
                let end = list(input, at, open, close, |at| {
                    let pair = self.inner.get(i).zip(columns.get_mut(i));
                    let (parser, column) = pair.ok_or_else(|| self.wrong_size(i + 1))?;
                    i += 1;
                    parser.prefix(input, at, column)
                })?;
                match i == self.inner.len() {
                    true => Ok(end),
                    false => Err(self.wrong_size(i)),
                }
            }
            _ => bail!(
                CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                "Cannot parse {}: unexpected '{}'",
                self.ty,
                clip(&input[at.min(input.len())..])
            ),
        }
    }

    fn wrong_size(&self, found: usize) -> Error {
        Error::new(
            Code::CANNOT_PARSE_INPUT_ASSERTION_FAILED,
            format!(
                "Cannot parse {}: found {found} elements, expected {}",
                self.ty,
                self.inner.len()
            ),
        )
    }

    fn map_entry(&self, input: &[u8], at: usize, entries: &mut ColumnBuilder) -> Result<usize> {
        let Grow::Tuple(columns, rows) = entries.grow() else {
            return Err(Error::bug("a map column without entries"));
        };
        let [keys, values] = &mut columns[..] else {
            return Err(Error::bug("a map column without keys and values"));
        };
        let at = self.inner[0].prefix(input, at, keys)?;
        let at = expect(input, skip_space(input, at), b':')?;
        let at = self.inner[1].prefix(input, at, values)?;
        *rows += 1;
        Ok(at)
    }

    /// A named tuple as an object; elements that are missing get their default, unknown ones are
    /// overlooked.
    fn tuple_object(
        &self,
        input: &[u8],
        at: usize,
        names: &[String],
        columns: &mut [ColumnBuilder],
    ) -> Result<usize> {
        let before: Vec<usize> = columns.iter().map(ColumnBuilder::len).collect();
        let end = list(input, at, b'{', b'}', |at| {
            let (name, length) = unquote_json(&input[skip_space(input, at)..])?;
            let at = expect(
                input,
                skip_space(input, skip_space(input, at) + length),
                b':',
            )?;
            let place = names.iter().position(|n| n.as_bytes() == name.as_ref());
            match place.filter(|i| columns[*i].len() == before[*i]) {
                Some(i) => self.inner[i].prefix(input, at, &mut columns[i]),
                None => json_value_end(input, at),
            }
        })?;
        for (column, rows) in columns.iter_mut().zip(before) {
            if column.len() == rows {
                column.push_default();
            }
        }
        Ok(end)
    }

    /// Reads an unprotected text as one plain value. On an error nothing was appended.
    fn leaf(&self, text: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        use DataType as T;
        match (&self.ty, builder.grow()) {
            (T::String | T::AggregateFunction(_), Grow::Bytes(b)) => b.push(text),
            (T::Bool, Grow::U8(v)) => v.push(u8::from(parse_bool(text)?)),
            (T::FixedString(n), Grow::Fixed(_, data)) => {
                if text.len() > *n {
                    bail!(
                        TOO_LARGE_STRING_SIZE,
                        "String too long for type FixedString({n})"
                    );
                }
                data.extend_from_slice(text);
                data.resize(data.len() + n - text.len(), 0);
            }
            (T::Float64, Grow::F64(v)) => {
                let (value, read) = float(text, "Float64")?;
                self.all_read(text, read)?;
                v.push(value);
            }
            (T::Float32, Grow::F32(v)) => {
                let (value, read) = float32(text, "Float32")?;
                self.all_read(text, read)?;
                v.push(value as f32);
            }
            (T::Decimal(p, s), grow) => {
                let (value, read) = decimal(text, *p, *s)?;
                self.all_read(text, read)?;
                push_wide(grow, value);
            }
            (T::Date | T::Date32, _) => return self.date(text, builder),
            (T::DateTime(_) | T::DateTime64(..), _) => return self.date_time(text, builder),
            (T::UUID, Grow::U128(v)) => v.push(address::parse_uuid(text)?),
            (T::IPv4, Grow::U32(v)) => v.push(address::parse_ipv4(text)?),
            (T::IPv6, Grow::U128(v)) => v.push(address::parse_ipv6(text)?),
            (T::Enum8(_) | T::Enum16(_), grow) => {
                push_wide(grow, i128::from(self.enum_number(text)?));
            }
            (T::Nothing, Grow::Nothing(rows)) => *rows += 1,
            (T::Array(_) | T::Map(..) | T::Tuple(_), _) => bail!(
                CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                "Cannot parse {}: unexpected '{}'",
                self.ty,
                clip(text)
            ),
            (_, Grow::U64(v)) => v.push(self.whole_number(text, false, "UInt64")? as u64),
            (_, Grow::I64(v)) => v.push(self.whole_number(text, true, "Int64")? as i64),
            (ty, grow) => {
                let value = self.whole_number(text, !ty.is_unsigned(), &ty.to_string())?;
                push_wide(grow, value);
            }
        }
        Ok(())
    }

    fn whole_number(&self, text: &[u8], signed: bool, name: &str) -> Result<i128> {
        let (value, read) = integer(text, signed, name)?;
        self.all_read(text, read)?;
        if self.checked && !fits(value, text, &self.ty) {
            bail!(
                CANNOT_PARSE_NUMBER,
                "Cannot parse '{}' as {name}: the number is out of range",
                clip(text)
            );
        }
        Ok(value)
    }

    fn all_read(&self, text: &[u8], read: usize) -> Result<()> {
        if read == text.len() {
            return Ok(());
        }
        bail!(
            CANNOT_PARSE_TEXT,
            "Cannot parse string '{}' as {}: syntax error at position {read} (parsed just '{}')",
            clip(text),
            self.ty,
            clip(&text[..read.min(text.len())])
        )
    }

    fn push_days(&self, days: i32, builder: &mut ColumnBuilder) -> Result<()> {
        match builder.grow() {
            Grow::U16(v) => v.push(days.clamp(0, 65_535) as u16),
            Grow::I32(v) => v.push(days),
            _ => return Err(Error::bug("a date column of the wrong shape")),
        }
        Ok(())
    }

    fn date(&self, text: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        let (days, read) = parse_time::date(text)?;
        if !parse_time::is_time_of_day(&text[read..]) {
            self.all_read(text, read)?;
        }
        self.push_days(days, builder)
    }

    fn date_time(&self, text: &[u8], builder: &mut ColumnBuilder) -> Result<()> {
        let Some(zone) = self.zone else {
            return Err(Error::bug("a time without its zone"));
        };
        let best = self.style.best_effort_times;
        let precision = match self.ty {
            DataType::DateTime64(p, _) => Some(p),
            _ => None,
        };
        let (moment, read) = parse_time::instant(text, zone, best, precision.is_some())?;
        self.all_read(text, read)?;
        match (builder.grow(), precision) {
            (Grow::U32(v), None) => v.push(moment.seconds.clamp(0, i64::from(u32::MAX)) as u32),
            (Grow::I64(v), Some(p)) => match moment.ticks(p) {
                Some(ticks) => v.push(ticks),
                None => bail!(
                    DECIMAL_OVERFLOW,
                    "Decimal math overflow: '{}' as {}",
                    clip(text),
                    self.ty
                ),
            },
            _ => return Err(Error::bug("a time column of the wrong shape")),
        }
        Ok(())
    }

    fn enum_number(&self, text: &[u8]) -> Result<i16> {
        let name = std::str::from_utf8(text).ok();
        if let Some(number) = name.and_then(|n| self.enum_numbers.get(n)) {
            return Ok(*number);
        }
        let number = name.and_then(|n| n.parse::<i16>().ok());
        match number.filter(|n| self.enum_numbers.values().any(|v| v == n)) {
            Some(number) => Ok(number),
            None => bail!(
                UNKNOWN_ELEMENT_OF_ENUM,
                "Unknown element '{}' for enum, expected one of {}",
                clip(text),
                self.ty
            ),
        }
    }
}

/// Whether the number whose digits are `text` is `value` and in the range of `ty`.
fn fits(value: i128, text: &[u8], ty: &DataType) -> bool {
    let digits = text.iter().filter(|b| b.is_ascii_digit());
    let short = digits.skip_while(|b| **b == b'0').count() < 39;
    match crate::functions::supertype::integer_shape(ty) {
        Some((bits @ 8..=64, false)) => short && value >= 0 && value >> bits == 0,
        Some((bits @ 8..=64, true)) => {
            short && value >= -(1i128 << (bits - 1)) && value < 1i128 << (bits - 1)
        }
        _ => short,
    }
}

/// Pushes a number cut to the width of the column.
fn push_wide(grow: &mut Grow, value: i128) {
    match grow {
        Grow::U8(v) => v.push(value as u8),
        Grow::U16(v) => v.push(value as u16),
        Grow::U32(v) => v.push(value as u32),
        Grow::U64(v) => v.push(value as u64),
        Grow::U128(v) => v.push(value as u128),
        Grow::I8(v) => v.push(value as i8),
        Grow::I16(v) => v.push(value as i16),
        Grow::I32(v) => v.push(value as i32),
        Grow::I64(v) => v.push(value as i64),
        Grow::I128(v) => v.push(value),
        _ => {}
    }
}

/// `true`, `yes`, `on`, `t`, `1`, ... in any case.
pub fn parse_bool(text: &[u8]) -> Result<bool> {
    let is = |words: &[&[u8]]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&[
        b"true", b"t", b"yes", b"y", b"on", b"enable", b"enabled", b"1",
    ]) {
        return Ok(true);
    }
    if is(&[
        b"false",
        b"f",
        b"no",
        b"n",
        b"off",
        b"disable",
        b"disabled",
        b"0",
    ]) {
        return Ok(false);
    }
    bail!(
        CANNOT_PARSE_BOOL,
        "Cannot parse boolean value here: '{}', should be 'true' or 'false'",
        clip(text)
    )
}

#[cfg(test)]
mod tests;
