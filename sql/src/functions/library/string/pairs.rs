//! Keys and values out of free text.
//!
//! Invariant: pairs come in the order of the text; what has no key is passed over.

use roost_engine::bail;
use roost_engine::column::{BytesBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, array, f, string, strings, text_to_text};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "extractKeyValuePairs(text[, between[, delimiters[, quote]]])",
        "A map of the keys and values of a text like `a:1, b:2`.",
        ("extractKeyValuePairs('a:1, b:2')", "{'a':'1','b':'2'}"),
        |args, _| pairs(args),
    )
    .also(&["mapFromString", "str_to_map"]),
    f(
        S,
        "basename(path)",
        "What stands after the last slash or backslash.",
        ("basename('a/b/c.txt')", "c.txt"),
        |args, _| {
            text_to_text(args, |s, out| {
                let cut = memchr::memrchr2(b'/', b'\\', s).map_or(0, |at| at + 1);
                out.extend_from_slice(&s[cut..]);
            })
        },
    ),
    f(
        S,
        "reverseBySeparator(s[, separator])",
        "The pieces between separators (default: a dot) in reverse order.",
        ("reverseBySeparator('a.b.c', '.')", "c.b.a"),
        |args, _| reverse(args),
    ),
];

/// The characters that take a text apart.
struct Marks {
    between: u8,
    delimiters: Vec<u8>,
    quote: u8,
}

fn constant<'a>(args: &'a [Arg], i: usize, default: &'a [u8]) -> Result<&'a [u8]> {
    match args.get(i) {
        None => Ok(default),
        Some(arg) => match arg.constant.as_ref().and_then(|v| v.as_bytes()) {
            Some(bytes) => Ok(bytes),
            None => bail!(ILLEGAL_COLUMN, "argument {} must be a constant string", i + 1),
        },
    }
}

fn single(args: &[Arg], i: usize, default: u8) -> Result<u8> {
    match constant(args, i, &[default])? {
        [one] => Ok(*one),
        other => bail!(
            BAD_ARGUMENTS,
            "argument {} must be one character, found {}",
            i + 1,
            other.len()
        ),
    }
}

fn pairs(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=4)?;
    strings(args)?;
    let marks = Marks {
        between: single(args, 1, b':')?,
        delimiters: constant(args, 2, b" ,;")?.to_vec(),
        quote: single(args, 3, b'"')?,
    };
    let ty = DataType::Map(DataType::String.into(), DataType::String.into());
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let (mut keys, mut values) = (BytesBuilder::default(), BytesBuilder::default());
        let mut offsets = vec![0u64];
        for row in 0..rows {
            let mut rest = s.get(row);
            while let Some((key, value, left)) = marks.next(rest) {
                keys.push(key);
                values.push(value);
                rest = left;
            }
            offsets.push(keys.len() as u64);
        }
        let len = keys.len();
        let parts = vec![
            Flat::Bytes(keys.finish()).into(),
            Flat::Bytes(values.finish()).into(),
        ];
        array(offsets, Flat::tuple(parts, len)?)
    }))
}

impl Marks {
    /// The next pair, and what follows it.
    fn next<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let mut rest = text;
        loop {
            let skip = rest.iter().take_while(|b| self.delimiters.contains(b)).count();
            rest = &rest[skip..];
            if rest.is_empty() {
                return None;
            }
            let (key, left) = self.word(rest, true);
            if key.is_empty() || left.first() != Some(&self.between) {
                rest = match left.is_empty() {
                    true => return None,
                    false if left.len() < rest.len() => left,
                    false => &rest[1..],
                };
                if rest.first() == Some(&self.between) {
                    rest = &rest[1..];
                }
                continue;
            }
            let (value, left) = self.word(&left[1..], false);
            return Some((key, value, left));
        }
    }

    /// A word, perhaps quoted, and what follows it.
    fn word<'a>(&self, text: &'a [u8], key: bool) -> (&'a [u8], &'a [u8]) {
        if text.first() == Some(&self.quote)
            && let Some(end) = memchr::memchr(self.quote, &text[1..])
        {
            return (&text[1..=end], &text[end + 2..]);
        }
        let ends = |b: &u8| self.delimiters.contains(b) || key && *b == self.between;
        text.split_at(text.iter().position(ends).unwrap_or(text.len()))
    }
}

fn reverse(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    string(args, 0)?;
    let separator = constant(args, 1, b".")?.to_vec();
    if separator.is_empty() {
        bail!(BAD_ARGUMENTS, "the separator must not be empty");
    }
    text_to_text(&args[..1], move |s, out| {
        let mut end = s.len();
        for at in memchr::memmem::rfind_iter(s, &separator) {
            out.extend_from_slice(&s[at + separator.len()..end]);
            out.extend_from_slice(&separator);
            end = at;
        }
        out.extend_from_slice(&s[..end]);
    })
}
