//! The quick way through JSON objects in rows: fields by name, numbers and strings as they mostly
//! are. What is not plain (escapes, NULLs for defaults, unknown or doubled fields, a row that the
//! buffer cuts) is left to the careful reader.
//!
//! Rows mostly look like the one before: what stands between its values is compared at once
//! ([`Shape`]), and values are read where they must start, straight into their columns.
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

/// Texts up to so many bytes are compared as one word.
const WORD_BYTES: usize = size_of::<u128>();

/// A text that is expected.
struct Gap {
    text: Vec<u8>,
    /// The text and the bits that it has, when it is short.
    word: u128,
    mask: u128,
}

impl Gap {
    fn new(text: &[u8]) -> Self {
        let short = text.len() <= WORD_BYTES;
        let (mut word, mut mask) = ([0; WORD_BYTES], [0; WORD_BYTES]);
        if short {
            word[..text.len()].copy_from_slice(text);
            mask[..text.len()].fill(u8::MAX);
        }
        Gap {
            text: text.to_vec(),
            word: u128::from_le_bytes(word),
            mask: u128::from_le_bytes(mask),
        }
    }

    /// The place behind the text, when it stands at `at`.
    #[inline]
    fn behind(&self, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let is = match rest.first_chunk::<WORD_BYTES>() {
            Some(word) if self.mask != 0 => {
                (u128::from_le_bytes(*word) ^ self.word) & self.mask == 0
            }
            _ => rest.starts_with(&self.text),
        };
        is.then_some(at + self.text.len())
    }
}

/// What stood around the values of a row.
struct Shape {
    /// What stood before each value, from the brace on, and its column.
    fields: Vec<(Gap, usize)>,
    /// What stood behind the last.
    tail: Gap,
}

/// What a shape costs to learn, in rows that it has to fit before another is learnt; and the most
/// that is saved up.
const LEARNING: u32 = 16;
const SAVED_MAX: u32 = 64 * LEARNING;

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
    shape: Option<Box<Shape>>,
    /// Rows that shapes did fit, less what they cost.
    saved: u32,
    /// Cells of the row at hand that are still to be read.
    pub(super) cells: Vec<Cell>,
    /// Cells of the row at hand.
    pub(super) width: usize,
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
            shape: None,
            saved: SAVED_MAX,
            cells: Vec::with_capacity(fields.len()),
            width: 0,
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

    /// Finds the cells of the object at `at`, which starts with its brace; the place behind it. What
    /// is read on the way is appended to its column in `builders`. `None` when it is not plain.
    #[inline]
    pub(super) fn row(
        &mut self,
        text: &[u8],
        at: usize,
        builders: &mut [ColumnBuilder],
    ) -> Option<usize> {
        self.cells.clear();
        if self.odd {
            return None;
        }
        if let Some(shape) = self.shape.take() {
            let end = self.as_before(text, at, &shape, builders);
            self.width = shape.fields.len();
            self.shape = Some(shape);
            if end.is_some() {
                self.saved = (self.saved + 1).min(SAVED_MAX);
                return end;
            }
            self.cells.clear();
        }
        let end = self.scan(text, at)?;
        self.width = self.cells.len();
        self.learn(text, at, end);
        Some(end)
    }

    /// [`Self::row`] of a row that looks like the one whose shape was learnt.
    #[inline]
    fn as_before(
        &mut self,
        text: &[u8],
        at: usize,
        shape: &Shape,
        builders: &mut [ColumnBuilder],
    ) -> Option<usize> {
        let mut at = at;
        for (done, (gap, column)) in shape.fields.iter().enumerate() {
            let start = gap.behind(text, at);
            let end = start.and_then(|start| self.take(text, start, *column, builders));
            let Some(end) = end else {
                self.undo(&shape.fields[..done], builders);
                return None;
            };
            at = end;
        }
        // The last gap too begins with what ends a value.
        let end = shape.tail.behind(text, at);
        if end.is_none() {
            self.undo(&shape.fields, builders);
        }
        end
    }

    /// Appends the value at `at`, or finds its end where it is not of a plain column; the place behind
    /// it. What stands there is not looked at.
    #[inline]
    fn take(
        &mut self,
        text: &[u8],
        at: usize,
        column: usize,
        builders: &mut [ColumnBuilder],
    ) -> Option<usize> {
        let rest = text.get(at..)?;
        let grow = builders[column].grow();
        match self.kinds[column] {
            Kind::Unsigned(max) => match leading_digits(rest) {
                (n, length @ 1..=DIGITS_MAX) if n <= max => {
                    unsigned(n, grow).then_some(at + length)
                }
                _ => None,
            },
            Kind::Signed => {
                let (digits, sign) = match rest {
                    [b'-', digits @ ..] => (digits, -1),
                    _ => (rest, 1),
                };
                let Grow::I64(v) = grow else { return None };
                match leading_digits(digits) {
                    (n, length @ 1..=DIGITS_MAX) => {
                        v.push(n as i64 * sign);
                        Some(at + usize::from(sign < 0) + length)
                    }
                    _ => None,
                }
            }
            Kind::Float => {
                let first = rest.strip_prefix(b"-").unwrap_or(rest).first();
                let (Some(b'0'..=b'9'), Grow::F64(v)) = (first, grow) else {
                    return None;
                };
                let (value, length) = fast_float2::parse_partial::<f64, _>(rest).ok()?;
                v.push(value);
                Some(at + length)
            }
            Kind::Text => {
                let ([b'"', inside @ ..], Grow::Bytes(b)) = (rest, grow) else {
                    return None;
                };
                let end = memchr::memchr2(b'"', b'\\', inside)?;
                (inside[end] == b'"').then(|| b.push(&inside[..end]))?;
                Some(at + end + 2)
            }
            Kind::Other => {
                let (start, end) = (at, self.value_end(text, at, column)?);
                self.cells.push(Cell { column, start, end });
                Some(end)
            }
        }
    }

    /// Takes back what [`Self::take`] appended.
    #[cold]
    fn undo(&self, fields: &[(Gap, usize)], builders: &mut [ColumnBuilder]) {
        for (_, column) in fields {
            match builders[*column].grow() {
                _ if self.kinds[*column] == Kind::Other => {}
                Grow::U8(v) => drop(v.pop()),
                Grow::U16(v) => drop(v.pop()),
                Grow::U32(v) => drop(v.pop()),
                Grow::U64(v) => drop(v.pop()),
                Grow::I64(v) => drop(v.pop()),
                Grow::F64(v) => drop(v.pop()),
                Grow::Bytes(b) => b.pop(),
                _ => {}
            }
        }
    }

    /// Keeps the shape of the row whose cells were found.
    fn learn(&mut self, text: &[u8], start: usize, end: usize) {
        if self.cells.is_empty() || self.saved < LEARNING {
            return;
        }
        self.saved -= LEARNING;
        let mut at = start;
        let fields = self.cells.iter().map(|c| {
            let gap = Gap::new(&text[at..c.start]);
            at = c.end;
            (gap, c.column)
        });
        let fields = fields.collect();
        let tail = Gap::new(&text[at..end]);
        self.shape = Some(Box::new(Shape { fields, tail }));
    }

    fn scan(&mut self, text: &[u8], at: usize) -> Option<usize> {
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

/// So few digits that 64 bits hold them under any sign.
const DIGITS_MAX: usize = 18;

/// A number of at most [`DIGITS_MAX`] digits.
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    match leading_digits(text) {
        (n, length @ 1..=DIGITS_MAX) if length == text.len() => Some(n),
        _ => None,
    }
}

/// The number that `text` starts with and how many digits it has, counted to one too many.
#[inline]
fn leading_digits(text: &[u8]) -> (u64, usize) {
    let (mut n, mut length) = (0u64, 0);
    for byte in text.iter().take(DIGITS_MAX + 1) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        n = n.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    (n, length)
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
