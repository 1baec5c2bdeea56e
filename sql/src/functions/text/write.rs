//! The writer of one type: decided once, then run over rows.
//!
//! Invariant: a run writes exactly one text per row, in order.

use std::ops::Range;

use roost_engine::column::{ArrayColumn, Buffer, BytesColumn, Column, Flat};
use roost_engine::kernels::take::{repeat, take_flat};
use roost_engine::types::DataType;

use super::escape::{escape_backslash, quote_csv, quote_json, quote_literal};
use super::number::{write_decimal_digits, write_f32, write_f64};
use super::time::{write_date, write_date_time, write_date_time64};
use super::{Escaping, JsonOptions, Style, address};
use crate::functions::zones::{Zone, zone};

/// Writes values of one type in one style.
#[derive(Debug)]
pub struct TextWriter {
    kind: Kind,
    style: Style,
    null: &'static [u8],
}

#[derive(Debug)]
enum Kind {
    Nothing,
    Bool,
    Number,
    Float,
    String,
    Date,
    DateTime(&'static Zone),
    DateTime64(u8, &'static Zone),
    Uuid,
    Ipv4,
    Ipv6,
    /// Numbers and texts, protected already.
    Enum(Vec<(i16, Vec<u8>)>),
    Decimal(u8),
    Array(Box<TextWriter>),
    Tuple(Vec<(Vec<u8>, TextWriter)>),
    Map(Box<TextWriter>, Box<TextWriter>),
    Nullable(Box<TextWriter>),
}

/// Texts of rows back to back; the end of each is noted where somebody needs it.
struct Sink<'a> {
    out: &'a mut Vec<u8>,
    ends: Option<&'a mut Vec<u64>>,
}

impl Sink<'_> {
    #[inline]
    fn end(&mut self) {
        if let Some(ends) = &mut self.ends {
            ends.push(self.out.len() as u64);
        }
    }
}

impl TextWriter {
    /// The writer of `ty`.
    pub fn new(ty: &DataType, style: impl Into<Style>) -> Self {
        let style: Style = style.into();
        // Inside arrays, tuples and maps every text format but JSON and CSV tuples quotes as SQL does.
        let inner = match style.escaping {
            Escaping::Json(_) => style,
            _ => Style {
                escaping: Escaping::Quoted,
                ..style
            },
        };
        let null: &'static [u8] = match style.escaping {
            Escaping::Escaped | Escaping::Csv => b"\\N",
            Escaping::Json(_) => b"null",
            Escaping::Plain | Escaping::Quoted => b"NULL",
        };
        TextWriter {
            kind: Kind::of(ty, style, inner),
            style,
            null,
        }
    }

    /// Appends the text of one row.
    pub fn write(&self, flat: &Flat, row: usize, out: &mut Vec<u8>) {
        self.run(flat, row..row + 1, &mut Sink { out, ends: None });
    }

    /// The text of every row of a column.
    pub fn column(&self, column: &Column) -> BytesColumn {
        match column {
            Column::Flat(flat) => self.flat(flat),
            Column::Const { value, len } => match repeat(&Flat::Bytes(self.flat(value)), *len) {
                Flat::Bytes(bytes) => bytes,
                _ => BytesColumn::from_iter(std::iter::empty::<&[u8]>()),
            },
            Column::Dict(d) if d.dict().len() <= d.codes().len() => {
                match take_flat(&Flat::Bytes(self.flat(d.dict())), d.codes()) {
                    Flat::Bytes(bytes) => bytes,
                    _ => BytesColumn::from_iter(std::iter::empty::<&[u8]>()),
                }
            }
            Column::Dict(_) => self.flat(&column.to_flat()),
        }
    }

    fn flat(&self, flat: &Flat) -> BytesColumn {
        let rows = flat.len();
        let (mut out, mut ends) = (Vec::with_capacity(rows * 8), Vec::with_capacity(rows + 1));
        ends.push(0);
        self.run(
            flat,
            0..rows,
            &mut Sink {
                out: &mut out,
                ends: Some(&mut ends),
            },
        );
        BytesColumn::new(Buffer::from(ends), Buffer::from(out))
            .unwrap_or_else(|_| BytesColumn::from_iter(std::iter::empty::<&[u8]>()))
    }

    fn run(&self, flat: &Flat, rows: Range<usize>, sink: &mut Sink<'_>) {
        match (&self.kind, flat) {
            (Kind::Nullable(inner), Flat::Nullable(n)) => {
                for row in rows {
                    match n.nulls()[row] {
                        0 => inner.run(n.values(), row..row + 1, sink),
                        _ => {
                            sink.out.extend_from_slice(self.null);
                            sink.end();
                        }
                    }
                }
            }
            (Kind::Nullable(inner), _) => inner.run(flat, rows, sink),
            // A value whose column may be NULL though its type says otherwise.
            (_, Flat::Nullable(n)) => self.run(n.values(), rows, sink),
            (Kind::Array(element), Flat::Array(a)) => {
                each(rows, sink, |row, out| self.array(element, a, row, out));
            }
            (Kind::Map(key, value), Flat::Array(a)) => {
                each(rows, sink, |row, out| self.map(key, value, a, row, out));
            }
            (Kind::Tuple(elements), Flat::Tuple(columns, _)) => {
                each(rows, sink, |row, out| {
                    self.tuple(elements, columns, row, out)
                });
            }
            _ => self.leaves(flat, rows, sink),
        }
    }

    fn leaves(&self, flat: &Flat, rows: Range<usize>, sink: &mut Sink<'_>) {
        let text = self.style.time_text;
        match (&self.kind, flat) {
            (Kind::Bool, Flat::U8(v)) => each(rows, sink, |row, out| {
                out.extend_from_slice(if v[row] != 0 { b"true" } else { b"false" });
            }),
            (Kind::String, Flat::Bytes(b)) => {
                each(rows, sink, |row, out| self.string(b.get(row), out))
            }
            (Kind::String, Flat::Fixed { .. }) => {
                each(rows, sink, |row, out| self.string(flat.bytes_at(row), out));
            }
            (Kind::Float, _) => self.floats(flat, rows, sink),
            (Kind::Decimal(scale), _) => self.decimals(*scale, flat, rows, sink),
            (Kind::Date, Flat::U16(v)) => {
                self.quoted(rows, sink, |row, out| write_date(v[row].into(), out));
            }
            (Kind::Date, Flat::I32(v)) => {
                self.quoted(rows, sink, |row, out| write_date(v[row], out))
            }
            (Kind::DateTime(zone), Flat::U32(v)) => {
                self.quoted(rows, sink, |row, out| {
                    write_date_time(v[row].into(), zone, text, out)
                });
            }
            (Kind::DateTime64(p, zone), Flat::I64(v)) => {
                self.quoted(rows, sink, |row, out| {
                    write_date_time64(v[row], *p, zone, text, out)
                });
            }
            (Kind::Uuid, Flat::U128(v)) => {
                self.quoted(rows, sink, |row, out| address::write_uuid(v[row], out));
            }
            (Kind::Ipv4, Flat::U32(v)) => {
                self.quoted(rows, sink, |row, out| address::write_ipv4(v[row], out));
            }
            (Kind::Ipv6, Flat::U128(v)) => {
                self.quoted(rows, sink, |row, out| address::write_ipv6(v[row], out));
            }
            (Kind::Enum(names), Flat::I8(v)) => {
                each(rows, sink, |row, out| write_name(names, v[row].into(), out));
            }
            (Kind::Enum(names), Flat::I16(v)) => {
                each(rows, sink, |row, out| write_name(names, v[row], out));
            }
            (Kind::Number, _) => self.numbers(flat, rows, sink),
            _ => each(rows, sink, |_, out| out.extend_from_slice(self.null)),
        }
    }

    fn numbers(&self, flat: &Flat, rows: Range<usize>, sink: &mut Sink<'_>) {
        use super::number::WholeText;
        macro_rules! whole {
            ($($shape:ident),*) => {
                match flat {
                    $(Flat::$shape(v) => match self.quotes_wide(size_of_val(&v[..]) / v.len().max(1)) {
                        true => each(rows, sink, |row, out| {
                            out.push(b'"');
                            v[row].write(out);
                            out.push(b'"');
                        }),
                        false => each(rows, sink, |row, out| v[row].write(out)),
                    },)*
                    _ => each(rows, sink, |_, out| out.extend_from_slice(self.null)),
                }
            };
        }
        whole!(U8, U16, U32, U64, U128, I8, I16, I32, I64, I128);
    }

    fn quotes_wide(&self, width: usize) -> bool {
        width >= 8 && self.json().is_some_and(|o| o.quote_64bit_integers)
    }

    fn json(&self) -> Option<&JsonOptions> {
        match &self.style.escaping {
            Escaping::Json(options) => Some(options),
            _ => None,
        }
    }

    fn floats(&self, flat: &Flat, rows: Range<usize>, sink: &mut Sink<'_>) {
        let plain = |value: f64, single: bool, out: &mut Vec<u8>| match single {
            true => write_f32(value as f32, out),
            false => write_f64(value, out),
        };
        let json = self.json().copied();
        let write = |value: f64, single: bool, out: &mut Vec<u8>| match json {
            None => plain(value, single, out),
            Some(o) if !value.is_finite() && !o.quote_denormals => out.extend_from_slice(b"null"),
            Some(o) if !value.is_finite() || (o.quote_64bit_floats && !single) => {
                out.push(b'"');
                plain(value, single, out);
                out.push(b'"');
            }
            Some(_) => plain(value, single, out),
        };
        match flat {
            Flat::F32(v) => each(rows, sink, |row, out| write(v[row].into(), true, out)),
            Flat::F64(v) => each(rows, sink, |row, out| write(v[row], false, out)),
            _ => {}
        }
    }

    fn decimals(&self, scale: u8, flat: &Flat, rows: Range<usize>, sink: &mut Sink<'_>) {
        let quote = self.json().is_some_and(|o| o.quote_decimals);
        let write = |value: i128, out: &mut Vec<u8>| {
            if quote {
                out.push(b'"');
            }
            write_decimal_digits(value, scale, false, out);
            if quote {
                out.push(b'"');
            }
        };
        match flat {
            Flat::I32(v) => each(rows, sink, |row, out| write(v[row].into(), out)),
            Flat::I64(v) => each(rows, sink, |row, out| write(v[row].into(), out)),
            Flat::I128(v) => each(rows, sink, |row, out| write(v[row], out)),
            _ => {}
        }
    }

    /// Texts that need no escapes, in the quotes of the style.
    fn quoted(
        &self,
        rows: Range<usize>,
        sink: &mut Sink<'_>,
        mut write: impl FnMut(usize, &mut Vec<u8>),
    ) {
        let quote = match self.style.escaping {
            Escaping::Plain | Escaping::Escaped => return each(rows, sink, write),
            Escaping::Quoted => b'\'',
            Escaping::Csv | Escaping::Json(_) => b'"',
        };
        each(rows, sink, |row, out| {
            out.push(quote);
            write(row, out);
            out.push(quote);
        });
    }

    fn string(&self, text: &[u8], out: &mut Vec<u8>) {
        protect(text, self.style.escaping, out);
    }

    fn array(&self, element: &TextWriter, a: &ArrayColumn, row: usize, out: &mut Vec<u8>) {
        let (start, end) = a.bounds(row);
        self.in_csv_quotes(out, |out| {
            out.push(b'[');
            for at in start..end {
                if at > start {
                    out.push(b',');
                }
                element.write_entry(a.elements(), at, out);
            }
            out.push(b']');
        });
    }

    fn map(
        &self,
        key: &TextWriter,
        value: &TextWriter,
        a: &ArrayColumn,
        row: usize,
        out: &mut Vec<u8>,
    ) {
        let (start, end) = a.bounds(row);
        let entries = a.elements();
        self.in_csv_quotes(out, |out| {
            out.push(b'{');
            for at in start..end {
                if at > start {
                    out.push(b',');
                }
                let (flat, entry) = entries.entry(at);
                if let Flat::Tuple(columns, _) = flat
                    && let [keys, values] = &columns[..]
                {
                    let from = out.len();
                    key.write_entry(keys, entry, out);
                    if self.json().is_some() && out.get(from) != Some(&b'"') {
                        out.insert(from, b'"');
                        out.push(b'"');
                    }
                    out.push(b':');
                    value.write_entry(values, entry, out);
                }
            }
            out.push(b'}');
        });
    }

    fn tuple(
        &self,
        elements: &[(Vec<u8>, TextWriter)],
        columns: &[Column],
        row: usize,
        out: &mut Vec<u8>,
    ) {
        let json = self.json();
        let named = json.is_some_and(|o| o.named_tuples_as_objects)
            && elements.iter().any(|e| !e.0.is_empty());
        let (open, close): (&[u8], &[u8]) = match (self.style.escaping, named) {
            // A tuple is as many CSV fields as it has elements.
            (Escaping::Csv, _) => (b"", b""),
            (_, true) => (b"{", b"}"),
            (Escaping::Json(_), false) => (b"[", b"]"),
            _ => (b"(", b")"),
        };
        out.extend_from_slice(open);
        for (i, ((name, element), column)) in elements.iter().zip(columns).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            if named {
                out.extend_from_slice(name);
                out.push(b':');
            }
            element.write_entry(column, row, out);
        }
        out.extend_from_slice(close);
    }

    fn write_entry(&self, column: &Column, row: usize, out: &mut Vec<u8>) {
        let (flat, at) = column.entry(row);
        self.write(flat, at, out);
    }

    /// Arrays and maps are one quoted CSV field.
    fn in_csv_quotes(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.style.escaping != Escaping::Csv {
            return write(out);
        }
        let mut text = Vec::new();
        write(&mut text);
        quote_csv(&text, out);
    }
}

/// Appends a string in the protection of `escaping`.
pub fn protect(text: &[u8], escaping: Escaping, out: &mut Vec<u8>) {
    match escaping {
        Escaping::Plain => out.extend_from_slice(text),
        Escaping::Escaped => escape_backslash(text, out),
        Escaping::Quoted => quote_literal(text, out),
        Escaping::Csv => quote_csv(text, out),
        Escaping::Json(o) => quote_json(text, o.escape_forward_slashes, out),
    }
}

fn write_name(names: &[(i16, Vec<u8>)], number: i16, out: &mut Vec<u8>) {
    match names.binary_search_by_key(&number, |n| n.0) {
        Ok(at) => out.extend_from_slice(&names[at].1),
        // Nothing has this number; the default of an enum column may be such a value.
        Err(_) => super::number::write_integer(number, out),
    }
}

#[inline]
fn each(rows: Range<usize>, sink: &mut Sink<'_>, mut write: impl FnMut(usize, &mut Vec<u8>)) {
    for row in rows {
        write(row, sink.out);
        sink.end();
    }
}

impl Kind {
    fn of(ty: &DataType, style: Style, inner: Style) -> Kind {
        use DataType as T;
        match ty {
            T::Nothing => Kind::Nothing,
            T::Bool => Kind::Bool,
            T::Float32 | T::Float64 => Kind::Float,
            T::String | T::FixedString(_) | T::AggregateFunction(_) => Kind::String,
            T::Date | T::Date32 => Kind::Date,
            T::DateTime(tz) => Kind::DateTime(zone(tz.unwrap_or(style.time_zone))),
            T::DateTime64(p, tz) => Kind::DateTime64(*p, zone(tz.unwrap_or(style.time_zone))),
            T::UUID => Kind::Uuid,
            T::IPv4 => Kind::Ipv4,
            T::IPv6 => Kind::Ipv6,
            T::Enum8(names) | T::Enum16(names) => {
                let text = |name: &str| {
                    let mut out = Vec::new();
                    protect(name.as_bytes(), style.escaping, &mut out);
                    out
                };
                Kind::Enum(
                    names
                        .values
                        .iter()
                        .map(|(n, name)| (*n, text(name)))
                        .collect(),
                )
            }
            T::Decimal(_, scale) => Kind::Decimal(*scale),
            T::Array(e) => Kind::Array(Box::new(TextWriter::new(e, inner))),
            T::Map(k, v) => Kind::Map(
                Box::new(TextWriter::new(k, inner)),
                Box::new(TextWriter::new(v, inner)),
            ),
            T::Tuple(t) => {
                let element = if style.escaping == Escaping::Csv {
                    style
                } else {
                    inner
                };
                let name = |i: usize| {
                    let mut out = Vec::new();
                    if let Some(name) = t.names.get(i) {
                        quote_json(name.as_bytes(), false, &mut out);
                    }
                    out
                };
                let types = t.types.iter().enumerate();
                Kind::Tuple(
                    types
                        .map(|(i, ty)| (name(i), TextWriter::new(ty, element)))
                        .collect(),
                )
            }
            T::Nullable(ty) => Kind::Nullable(Box::new(TextWriter::new(ty, style))),
            T::LowCardinality(ty) | T::SimpleAggregateFunction(_, ty) => Kind::of(ty, style, inner),
            _ => Kind::Number,
        }
    }
}
