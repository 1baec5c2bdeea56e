//! LIKE and its relatives.
//!
//! Invariant: `%` is any run of bytes, `_` one well-formed character, a backslash before `%`, `_`
//! or a backslash makes it plain and stands for itself before anything else.

use memchr::memmem::Finder;
use regex::bytes::Regex;
use roost_engine::bail;
use roost_engine::column::{BytesColumn, Column};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Strs, arity, f, nums, try_nums};
use super::extract::searchable;
use super::regexp::{self, Case};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "like(s, pattern)",
        "Whether the whole string fits the pattern: `%` any bytes, `_` one character.",
        ("like('hello', 'h%o')", "1"),
        |args, _| like(args, Case::Sensitive, false),
    ),
    f(
        S,
        "notLike(s, pattern)",
        "Whether the string does not fit the pattern.",
        ("notLike('hello', 'h%')", "0"),
        |args, _| like(args, Case::Sensitive, true),
    ),
    f(
        S,
        "ilike(s, pattern)",
        "`like` that does not look at the case of letters.",
        ("ilike('HELLO', 'h%')", "1"),
        |args, _| like(args, Case::Insensitive, false),
    ),
    f(
        S,
        "notILike(s, pattern)",
        "`notLike` that does not look at the case of letters.",
        ("notILike('HELLO', 'h%')", "0"),
        |args, _| like(args, Case::Insensitive, true),
    ),
];

fn like(args: &[Arg], case: Case, negated: bool) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let escape = args.get(2).map(escape_of).transpose()?;
    let column = searchable(&args[..2])?;
    let patterns = Compiled::new(args.get(1), move |p| match escape {
        Some(escape) => Pattern::new(&with_backslashes(p, escape), case),
        None => Pattern::new(p, case),
    })?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let source = column(&columns[0])?;
        let s = Strs::of(&source)?;
        match (patterns.constant(), s) {
            (Some(Pattern::Contains(finder)), Strs::Bytes(strings)) => {
                return Ok(Column::native(search_all(strings, finder, negated)));
            }
            (Some(pattern), s) => {
                return Ok(nums(rows, |i| u8::from(pattern.fits(s.get(i)) != negated)));
            }
            (None, _) => {}
        }
        let mut patterns = patterns.over(&columns[1])?;
        try_nums(rows, |i| Ok(u8::from(patterns.get(i)?.fits(s.get(i)) != negated)))
    }))
}

/// The character of ESCAPE.
fn escape_of(arg: &Arg) -> Result<u8> {
    let text = arg.constant.as_ref().and_then(|v| v.as_bytes());
    match text {
        Some([one]) if one.is_ascii() => Ok(*one),
        _ => bail!(
            BAD_ARGUMENTS,
            "The ESCAPE argument of function like must be a single ASCII character"
        ),
    }
}

/// The pattern with a backslash as its escape character.
fn with_backslashes(pattern: &[u8], escape: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(pattern.len() + 4);
    let mut bytes = pattern.iter().copied();
    while let Some(byte) = bytes.next() {
        let plain = match byte == escape {
            true => bytes.next().unwrap_or(escape),
            false if byte == b'\\' => byte,
            false => {
                out.push(byte);
                continue;
            }
        };
        if matches!(plain, b'%' | b'_' | b'\\') {
            out.push(b'\\');
        }
        out.push(plain);
    }
    out
}

/// Looks for the needle in all strings at once: one long search instead of many short ones.
fn search_all(strings: &BytesColumn, finder: &Finder<'_>, negated: bool) -> Vec<u8> {
    let (offsets, width) = (strings.offsets(), finder.needle().len());
    if width == 0 {
        return vec![u8::from(!negated); strings.len()];
    }
    let mut answers = vec![u8::from(negated); strings.len()];
    let mut at = offsets[0] as usize;
    let data = &strings.data()[..offsets[strings.len()] as usize];
    let mut row = 0;
    while let Some(found) = finder.find(&data[at..]).map(|n| at + n) {
        while (offsets[row + 1] as usize) <= found {
            row += 1;
        }
        let end = offsets[row + 1] as usize;
        if found + width <= end {
            answers[row] = u8::from(!negated);
            at = end;
        } else {
            // The hit lies across two strings.
            at = found + 1;
        }
    }
    answers
}

/// A compiled pattern, in the cheapest form that it has.
pub(crate) enum Pattern {
    Equal(Vec<u8>),
    Prefix(Vec<u8>),
    Suffix(Vec<u8>),
    Contains(Box<Finder<'static>>),
    Ends(Vec<u8>, Vec<u8>),
    Whole(Piece),
    Parts(Parts),
    Regex(Regex),
}

/// A piece between `%`s: bytes, or `None` for `_`.
type Piece = Vec<Option<u8>>;

/// The general form: first piece at the start, last at the end, the others in order between them.
pub(crate) struct Parts {
    first: Piece,
    middle: Vec<Middle>,
    last: Piece,
}

enum Middle {
    Plain(Box<Finder<'static>>),
    Holes(Piece),
}

fn pieces(pattern: &[u8]) -> Result<Vec<Piece>> {
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    let mut bytes = pattern.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'%' => all.push(std::mem::take(&mut piece)),
            b'_' => piece.push(None),
            b'\\' => match bytes.peek() {
                Some(&next @ (b'%' | b'_' | b'\\')) => {
                    piece.push(Some(next));
                    bytes.next();
                }
                Some(_) => piece.push(Some(b'\\')),
                None => bail!(
                    CANNOT_PARSE_ESCAPE_SEQUENCE,
                    "a LIKE pattern ends with a single backslash"
                ),
            },
            other => piece.push(Some(other)),
        }
    }
    all.push(piece);
    Ok(all)
}

/// The bytes of a piece without holes.
fn plain(piece: &Piece) -> Option<Vec<u8>> {
    piece.iter().copied().collect()
}

impl Pattern {
    pub(crate) fn new(pattern: &[u8], case: Case) -> Result<Self> {
        let pieces = pieces(pattern)?;
        if case == Case::Insensitive {
            return Ok(Pattern::Regex(as_regex(&pieces)?));
        }
        let literals: Option<Vec<Vec<u8>>> = pieces.iter().map(plain).collect();
        Ok(match literals.as_deref() {
            Some([all]) => Pattern::Equal(all.clone()),
            Some([first, last]) if last.is_empty() => Pattern::Prefix(first.clone()),
            Some([first, last]) if first.is_empty() => Pattern::Suffix(last.clone()),
            Some([first, last]) => Pattern::Ends(first.clone(), last.clone()),
            Some([first, middle, last]) if first.is_empty() && last.is_empty() => {
                Pattern::Contains(Box::new(Finder::new(middle).into_owned()))
            }
            _ => parts(pieces),
        })
    }

    #[inline]
    pub(crate) fn fits(&self, s: &[u8]) -> bool {
        match self {
            Pattern::Equal(all) => s == all,
            Pattern::Prefix(p) => s.starts_with(p),
            Pattern::Suffix(p) => s.ends_with(p),
            Pattern::Contains(finder) => finder.find(s).is_some(),
            Pattern::Ends(first, last) => {
                s.len() >= first.len() + last.len() && s.starts_with(first) && s.ends_with(last)
            }
            Pattern::Whole(piece) => starts_with(s, piece) == Some(s.len()),
            Pattern::Parts(parts) => parts.fit(s),
            Pattern::Regex(regex) => regex.is_match(s),
        }
    }
}

fn as_regex(pieces: &[Piece]) -> Result<Regex> {
    let mut text = b"^".to_vec();
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 {
            text.extend_from_slice(b"(?-u:.)*?");
        }
        let mut literal = Vec::new();
        for byte in piece {
            match byte {
                Some(b) => literal.push(*b),
                None => {
                    regexp::escape_into(&literal, &mut text);
                    literal.clear();
                    text.push(b'.');
                }
            }
        }
        regexp::escape_into(&literal, &mut text);
    }
    text.push(b'$');
    regexp::compile(&text, Case::Insensitive)
}

fn parts(mut pieces: Vec<Piece>) -> Pattern {
    let last = pieces.pop().unwrap_or_default();
    if pieces.is_empty() {
        return Pattern::Whole(last);
    }
    let first = pieces.remove(0);
    let middle = pieces.into_iter().filter(|p| !p.is_empty());
    let middle = middle.map(|piece| match plain(&piece) {
        Some(bytes) => Middle::Plain(Box::new(Finder::new(&bytes).into_owned())),
        None => Middle::Holes(piece),
    });
    Pattern::Parts(Parts {
        first,
        middle: middle.collect(),
        last,
    })
}

impl Parts {
    fn fit(&self, s: &[u8]) -> bool {
        let Some(start) = starts_with(s, &self.first) else {
            return false;
        };
        let mut rest = &s[start..];
        for piece in &self.middle {
            let end = match piece {
                Middle::Plain(finder) => finder.find(rest).map(|at| at + finder.needle().len()),
                Middle::Holes(piece) => find(rest, piece),
            };
            match end {
                Some(end) => rest = &rest[end..],
                None => return false,
            }
        }
        ends_with(rest, &self.last)
    }
}

/// Length of the well-formed character that `s` starts with.
fn character(s: &[u8]) -> Option<usize> {
    let len = match s.first()? {
        0..0x80 => return Some(1),
        0xC2..0xE0 => 2,
        0xE0..0xF0 => 3,
        0xF0..0xF5 => 4,
        _ => return None,
    };
    std::str::from_utf8(s.get(..len)?).ok().map(|_| len)
}

/// How much of `s` the piece takes at its start.
fn starts_with(s: &[u8], piece: &Piece) -> Option<usize> {
    let mut at = 0;
    for byte in piece {
        at += match byte {
            Some(b) if s.get(at) == Some(b) => 1,
            Some(_) => return None,
            None => character(&s[at..])?,
        };
    }
    Some(at)
}

/// Where the leftmost place of the piece ends.
fn find(s: &[u8], piece: &Piece) -> Option<usize> {
    (0..=s.len()).find_map(|at| Some(at + starts_with(&s[at..], piece)?))
}

fn ends_with(s: &[u8], piece: &Piece) -> bool {
    let widest: usize = piece.iter().map(|b| if b.is_some() { 1 } else { 4 }).sum();
    let from = s.len().saturating_sub(widest);
    (from..=s.len()).any(|at| starts_with(&s[at..], piece) == Some(s.len() - at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_search_finds_what_many_short_ones_do() {
        let words = ["", "ab", "a", "bab", "xaby", "b", "abab", ""];
        let all: BytesColumn = words.iter().map(|w| w.as_bytes()).collect();
        for range in [0..8, 1..5, 3..3, 2..8] {
            let part = all.slice(range.start, range.len());
            let finder = Finder::new(b"ab");
            let expected: Vec<u8> =
                words[range].iter().map(|w| u8::from(!w.contains("ab"))).collect();
            assert_eq!(search_all(&part, &finder, true), expected);
        }
    }

    #[test]
    fn patterns_fit_as_in_clickhouse() {
        for (s, p, expected) in [
            (&b"hello"[..], &b"h%o"[..], true),
            (b"hello", b"h_llo", true),
            ("h\u{e9}llo".as_bytes(), b"h_llo", true),
            (b"h\xffllo", b"h_llo", false),
            (b"hello", b"", false),
            (b"", b"%", true),
            (b"", b"_", false),
            (b"ab", b"%%b", true),
            (b"a", b"_%", true),
            (b"a", b"_", true),
            (b"ab", b"_", false),
            (b"x%", b"%\\%", true),
            (b"hallo", b"h\\allo", false),
            (b"\xffa", b"%a", true),
            (b"abcabd", b"a%b_", true),
            (b"abcabd", b"%b_a%", true),
            (b"aXbYc", b"a%b%c", true),
            (b"ab", b"ab%b", false),
        ] {
            let pattern = Pattern::new(p, Case::Sensitive).unwrap();
            assert_eq!(pattern.fits(s), expected, "{s:?} LIKE {p:?}");
        }
        assert!(Pattern::new(b"a\\", Case::Sensitive).is_err());
    }
}
