//! The quick way through JSON objects in rows: fields by name, numbers and strings as they mostly
//! are. What is not plain (escapes, NULLs for defaults, unknown or doubled fields, a row that the
//! buffer cuts) is left to the careful reader.
//!
//! Invariant: a row that is taken gets the cells that the careful reader would give it; of a row
//! that is not taken nothing was appended.

use roost_engine::block::Schema;
use roost_engine::column::ColumnBuilder;
use roost_engine::column::builder::Grow;
use roost_engine::types::DataType;

use crate::functions::text::parse::json_value_end;

/// Where a field's value stands in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) column: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How a column's plain values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsigned(u64),
    Signed,
    Float,
    Text,
    /// By the type's own parser only.
    Other,
}

/// The names and kinds of a schema's columns, and the cells of the row at hand.
pub(super) struct PlainRows {
    names: Vec<Vec<u8>>,
    kinds: Vec<Kind>,
    /// A name cannot be compared with its JSON byte by byte: nothing is plain.
    odd: bool,
    /// Whether NULL means the default, by column.
    null_is_default: Vec<bool>,
    pub(super) cells: Vec<Cell>,
}

const SPACE: u8 = 1;
const ENDS: u8 = 2;

/// What a byte means outside of strings; [`ENDS`]: a number or word ends before it.
const CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let spaces = *b" \t\n\r\x0c";
    let ends = *b",])}:";
    let mut i = 0;
    while i < spaces.len() {
        class[spaces[i] as usize] = SPACE | ENDS;
        i += 1;
    }
    i = 0;
    while i < ends.len() {
        class[ends[i] as usize] = ENDS;
        i += 1;
    }
    class
};

#[inline]
fn space(text: &[u8], mut at: usize) -> usize {
    while text
        .get(at)
        .is_some_and(|b| CLASS[*b as usize] & SPACE != 0)
    {
        at += 1;
    }
    at
}

impl PlainRows {
    pub(super) fn new(schema: &Schema, null_as_default: bool) -> Self {
        let fields = &schema.fields;
        let odd = |name: &String| name.bytes().any(|b| b == b'"' || b == b'\\');
        PlainRows {
            names: fields.iter().map(|f| f.name.as_bytes().to_vec()).collect(),
            kinds: fields.iter().map(|f| kind(&f.ty)).collect(),
            odd: fields.iter().any(|f| odd(&f.name)),
            null_is_default: fields
                .iter()
                .map(|f| null_as_default && !f.ty.is_nullable())
                .collect(),
            cells: Vec::with_capacity(fields.len()),
        }
    }

    /// Leaves everything to the careful reader.
    #[cfg(test)]
    pub(super) fn leave_all(&mut self) {
        self.odd = true;
    }

    /// Where the next object starts behind a row that ended at `at`.
    pub(super) fn next(text: &[u8], mut at: usize) -> Option<usize> {
        loop {
            at = space(text, at);
            match text.get(at)? {
                b',' => at += 1,
                b'{' => return Some(at),
                _ => return None,
            }
        }
    }

    /// Finds the cells of the object at `at`, which starts with its brace; the place behind it.
    /// `None` when it is not plain.
    pub(super) fn scan(&mut self, text: &[u8], at: usize) -> Option<usize> {
        self.cells.clear();
        if self.odd {
            return None;
        }
        let mut at = space(text, at + 1);
        let mut guess = 0;
        while *text.get(at)? != b'}' {
            let (column, behind) = self.name(text, at, guess)?;
            if column < guess && self.cells.iter().any(|c| c.column == column) {
                return None;
            }
            guess = column + 1;
            at = space(text, behind);
            if *text.get(at)? != b':' {
                return None;
            }
            let start = space(text, at + 1);
            let end = self.value_end(text, start, column)?;
            self.cells.push(Cell { column, start, end });
            at = space(text, end);
            match *text.get(at)? {
                b',' => at = space(text, at + 1),
                b'}' => {}
                _ => return None,
            }
        }
        Some(at + 1)
    }

    /// The column whose name stands at `at`, and the place behind the name.
    #[inline]
    fn name(&self, text: &[u8], at: usize, guess: usize) -> Option<(usize, usize)> {
        if text[at] != b'"' {
            return None;
        }
        let rest = &text[at + 1..];
        let is = |name: &Vec<u8>| rest.starts_with(name) && rest.get(name.len()) == Some(&b'"');
        let column = match self.names.get(guess) {
            Some(name) if is(name) => guess,
            _ => self.names.iter().position(is)?,
        };
        Some((column, at + self.names[column].len() + 2))
    }

    #[inline]
    fn value_end(&self, text: &[u8], at: usize, column: usize) -> Option<usize> {
        match *text.get(at)? {
            b'"' => {
                let inside = &text[at + 1..];
                let end = memchr::memchr2(b'"', b'\\', inside)?;
                (inside[end] == b'"').then_some(at + end + 2)
            }
            b'[' | b'{' => json_value_end(text, at).ok(),
            b'n' if self.null_is_default[column] => None,
            _ => {
                let tail = &text[at..];
                let length = tail.iter().position(|b| CLASS[*b as usize] & ENDS != 0)?;
                (length > 0).then_some(at + length)
            }
        }
    }

    /// Appends a cell when its text is what its column mostly has; whether it was.
    #[inline]
    pub(super) fn push(&self, column: usize, cell: &[u8], builder: &mut ColumnBuilder) -> bool {
        match self.kinds[column] {
            Kind::Text => match (cell, builder.grow()) {
                ([b'"', inside @ .., b'"'], Grow::Bytes(b)) => {
                    b.push(inside);
                    true
                }
                _ => false,
            },
            Kind::Unsigned(max) => match digits(cell) {
                Some(n) if n <= max => unsigned(n, builder.grow()),
                _ => false,
            },
            Kind::Signed => match (cell, builder.grow()) {
                ([b'-', rest @ ..], Grow::I64(v)) => signed(digits(rest), -1, v),
                (_, Grow::I64(v)) => signed(digits(cell), 1, v),
                _ => false,
            },
            Kind::Float => {
                let first = cell.strip_prefix(b"-").unwrap_or(cell).first();
                let read = || fast_float2::parse_partial::<f64, _>(cell).ok();
                match (first, builder.grow()) {
                    (Some(b'0'..=b'9'), Grow::F64(v)) => match read() {
                        Some((value, length)) if length == cell.len() => {
                            v.push(value);
                            true
                        }
                        _ => false,
                    },
                    _ => false,
                }
            }
            Kind::Other => false,
        }
    }
}

fn kind(ty: &DataType) -> Kind {
    match ty.without_low_cardinality() {
        DataType::UInt8 => Kind::Unsigned(u64::from(u8::MAX)),
        DataType::UInt16 => Kind::Unsigned(u64::from(u16::MAX)),
        DataType::UInt32 => Kind::Unsigned(u64::from(u32::MAX)),
        DataType::UInt64 => Kind::Unsigned(u64::MAX),
        DataType::Int64 => Kind::Signed,
        DataType::Float64 => Kind::Float,
        DataType::String => Kind::Text,
        _ => Kind::Other,
    }
}

/// A number of so few digits that 64 bits hold it under any sign.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let mut n = 0u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + u64::from(digit);
    }
    Some(n)
}

fn signed(n: Option<u64>, sign: i64, out: &mut Vec<i64>) -> bool {
    n.inspect(|n| out.push(*n as i64 * sign)).is_some()
}

#[inline]
fn unsigned(n: u64, grow: &mut Grow) -> bool {
    match grow {
        Grow::U8(v) => v.push(n as u8),
        Grow::U16(v) => v.push(n as u16),
        Grow::U32(v) => v.push(n as u32),
        Grow::U64(v) => v.push(n),
        _ => return false,
    }
    true
}
