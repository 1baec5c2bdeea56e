//! Where values end: the small readers that the parsers of nested texts share.
//!
//! Invariant: every reader takes a place in the text and returns the place behind what it read.

use std::borrow::Cow;

use roost_engine::bail;
use roost_engine::error::Result;

use super::escape::unquote_json;
use super::parse_number::clip;

/// The content of a CSV field, with or without quotes around it.
pub(crate) fn unquote_csv(field: &[u8]) -> Cow<'_, [u8]> {
    let quote = match field {
        [q @ (b'"' | b'\''), .., last] if q == last => *q,
        _ => return Cow::Borrowed(field),
    };
    let inside = &field[1..field.len() - 1];
    if memchr::memchr(quote, inside).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        out.push(byte);
        if byte == quote && bytes.peek() == Some(&quote) {
            bytes.next();
        }
    }
    Cow::Owned(out)
}

pub(super) fn is_null_word(text: &[u8]) -> bool {
    text.get(..4)
        .is_some_and(|w| w.eq_ignore_ascii_case(b"null"))
        && text.get(4).is_none_or(|b| !b.is_ascii_alphanumeric())
}

pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

pub(super) fn token_end(text: &[u8], at: usize) -> usize {
    let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b',' | b']' | b')' | b'}' | b':');
    text[at..]
        .iter()
        .position(ends)
        .map_or(text.len(), |n| at + n)
}

pub(super) fn expect(text: &[u8], at: usize, byte: u8) -> Result<usize> {
    let found = match text.get(at) {
        Some(b) if *b == byte => return Ok(at + 1),
        Some(_) => format!("before '{}'", clip(&text[at..])),
        None => "at end of stream".into(),
    };
    bail!(
        CANNOT_PARSE_INPUT_ASSERTION_FAILED,
        "Cannot parse input: expected '{}' {found}",
        char::from(byte)
    )
}

pub(super) fn expect_end(text: &[u8], read: usize) -> Result<()> {
    let at = skip_space(text, read);
    if at == text.len() {
        return Ok(());
    }
    bail!(
        CANNOT_PARSE_TEXT,
        "Cannot parse '{}': unexpected data at position {at}",
        clip(text)
    )
}

/// Calls `item` at each item of a list in brackets; returns the place behind it.
pub(super) fn list(
    text: &[u8],
    at: usize,
    open: u8,
    close: u8,
    mut item: impl FnMut(usize) -> Result<usize>,
) -> Result<usize> {
    let mut at = skip_space(text, expect(text, at, open)?);
    if text.get(at) == Some(&close) {
        return Ok(at + 1);
    }
    loop {
        at = skip_space(text, item(at)?);
        match text.get(at) {
            Some(b',') => {
                at = skip_space(text, at + 1);
                // `(1,)`
                if close == b')' && text.get(at) == Some(&close) {
                    return Ok(at + 1);
                }
            }
            _ => return expect(text, at, close),
        }
    }
}

/// The place behind the JSON value that starts at `at` (white space before it allowed).
pub fn json_value_end(text: &[u8], at: usize) -> Result<usize> {
    let (mut at, mut depth) = (skip_space(text, at), 0usize);
    loop {
        match text.get(at) {
            None => bail!(
                CANNOT_READ_ALL_DATA,
                "Cannot parse JSON: unexpected end of text"
            ),
            Some(b'"') => at += unquote_json(&text[at..])?.1,
            Some(b'[' | b'{') => {
                depth += 1;
                at += 1;
                continue;
            }
            Some(b']' | b'}') => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            Some(b',' | b':') if depth > 0 => {
                at += 1;
                continue;
            }
            Some(b) if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            Some(_) => {
                let end = token_end(text, at);
                if end == at {
                    bail!(
                        CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                        "Cannot parse JSON: unexpected '{}'",
                        clip(&text[at..])
                    );
                }
                at = end;
            }
        }
        if depth == 0 {
            return Ok(at);
        }
    }
}
