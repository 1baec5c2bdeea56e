//! Protection of strings in the text formats, and its removal.
//!
//! Invariant: unescaping what an `escape_*` wrote gives the bytes back.

use roost_engine::bail;
use roost_engine::error::Result;
use std::borrow::Cow;

/// The letter that stands for a byte after a backslash, or zero.
#[inline]
fn letter(byte: u8) -> u8 {
    match byte {
        8 => b'b',
        12 => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0 => b'0',
        b'\\' => b'\\',
        b'\'' => b'\'',
        _ => 0,
    }
}

/// Appends with backslashes: TabSeparated, and inside single quotes.
pub fn escape_backslash(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    for (at, &byte) in text.iter().enumerate() {
        let letter = letter(byte);
        if letter != 0 {
            out.extend_from_slice(&text[from..at]);
            out.extend_from_slice(&[b'\\', letter]);
            from = at + 1;
        }
    }
    out.extend_from_slice(&text[from..]);
}

/// Appends as a SQL string literal.
pub fn quote_literal(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    escape_backslash(text, out);
    out.push(b'\'');
}

/// Appends in double quotes, double quotes doubled.
pub fn quote_csv(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut from = 0;
    for at in memchr::memchr_iter(b'"', text) {
        out.extend_from_slice(&text[from..=at]);
        out.push(b'"');
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
    out.push(b'"');
}

/// Appends as a JSON string; bytes that are not UTF-8 pass as they are.
pub fn quote_json(text: &[u8], slashes: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    let is_plain = |byte: u8| byte >= 0x20 && !matches!(byte, b'"' | b'\\' | b'/' | 0xE2);
    // Without a way out of the loop many bytes are looked at together.
    if text.iter().fold(true, |all, b| all & is_plain(*b)) {
        out.extend_from_slice(text);
        return out.push(b'"');
    }
    let mut from = 0;
    for (at, &byte) in text.iter().enumerate() {
        if is_plain(byte) {
            continue;
        }
        let keep = from;
        let escaped: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'/' if slashes => b"\\/",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            8 => b"\\b",
            12 => b"\\f",
            0xE2 if text[at..].starts_with(&[0xE2, 0x80, 0xA8]) => b"\\u2028",
            0xE2 if text[at..].starts_with(&[0xE2, 0x80, 0xA9]) => b"\\u2029",
            0..0x20 => b"\\u00",
            _ => continue,
        };
        out.extend_from_slice(&text[keep..at]);
        out.extend_from_slice(escaped);
        from = at + if byte == 0xE2 { 3 } else { 1 };
        if escaped == b"\\u00" {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.extend_from_slice(&[b'0' + (byte >> 4), HEX[usize::from(byte & 15)]]);
        }
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out.push(b'"');
}

/// Removes backslash escapes (TabSeparated). Text without any is borrowed.
pub fn unescape(text: &[u8]) -> Result<Cow<'_, [u8]>> {
    let Some(first) = memchr::memchr(b'\\', text) else {
        return Ok(Cow::Borrowed(text));
    };
    let mut out = text[..first].to_vec();
    let mut at = first;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += unescape_one(&text[at..], &mut out)?,
            other => {
                out.push(other);
                at += 1;
            }
        }
    }
    Ok(Cow::Owned(out))
}

/// Decodes the escape at the start of `text`; returns its length.
fn unescape_one(text: &[u8], out: &mut Vec<u8>) -> Result<usize> {
    let Some(&letter) = text.get(1) else {
        bail!(
            CANNOT_PARSE_ESCAPE_SEQUENCE,
            "Cannot parse escape sequence: a backslash ends the text"
        );
    };
    let byte = match letter {
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'0' => 0,
        b'a' => 7,
        b'v' => 11,
        b'e' => 27,
        b'x' => {
            let hex = text.get(2..4).and_then(|h| std::str::from_utf8(h).ok());
            let Some(byte) = hex.and_then(|h| u8::from_str_radix(h, 16).ok()) else {
                bail!(
                    CANNOT_PARSE_ESCAPE_SEQUENCE,
                    "Cannot parse escape sequence: \\x needs two hexadecimal digits"
                );
            };
            out.push(byte);
            return Ok(4);
        }
        b'\\' | b'\'' | b'"' | b'`' | b'/' | b'=' => letter,
        other => {
            out.push(b'\\');
            other
        }
    };
    out.push(byte);
    Ok(2)
}

/// Reads a string in single quotes (backslash escapes, doubled quotes) at the start of `text`;
/// returns it and the length read.
pub fn unquote_literal(text: &[u8]) -> Result<(Cow<'_, [u8]>, usize)> {
    if text.first() != Some(&b'\'') {
        let got = text.first().map_or("end of text".to_string(), |b| {
            format!("'{}'", char::from(*b))
        });
        bail!(
            CANNOT_PARSE_QUOTED_STRING,
            "Cannot parse quoted string: expected opening quote ''', got {got}"
        );
    }
    let plain = memchr::memchr2(b'\'', b'\\', &text[1..]).map(|n| n + 1);
    if let Some(end) = plain
        && text[end] == b'\''
        && text.get(end + 1) != Some(&b'\'')
    {
        return Ok((Cow::Borrowed(&text[1..end]), end + 1));
    }
    let (mut out, mut at) = (Vec::new(), 1);
    loop {
        match text.get(at) {
            None => bail!(
                CANNOT_PARSE_QUOTED_STRING,
                "Cannot parse quoted string: expected closing quote"
            ),
            Some(b'\'') if text.get(at + 1) == Some(&b'\'') => {
                out.push(b'\'');
                at += 2;
            }
            Some(b'\'') => return Ok((Cow::Owned(out), at + 1)),
            Some(b'\\') => at += unescape_one(&text[at..], &mut out)?,
            Some(&other) => {
                out.push(other);
                at += 1;
            }
        }
    }
}

/// Reads a JSON string at the start of `text`; returns it and the length read.
pub fn unquote_json(text: &[u8]) -> Result<(Cow<'_, [u8]>, usize)> {
    if text.first() != Some(&b'"') {
        bail!(
            CANNOT_PARSE_QUOTED_STRING,
            "Cannot parse JSON string: expected opening quote"
        );
    }
    let plain = memchr::memchr2(b'"', b'\\', &text[1..]).map(|n| n + 1);
    if let Some(end) = plain
        && text[end] == b'"'
    {
        return Ok((Cow::Borrowed(&text[1..end]), end + 1));
    }
    let (mut out, mut at) = (Vec::new(), 1);
    loop {
        match text.get(at) {
            None => bail!(
                CANNOT_PARSE_QUOTED_STRING,
                "Cannot parse JSON string: expected closing quote"
            ),
            Some(b'"') => return Ok((Cow::Owned(out), at + 1)),
            Some(b'\\') if text.get(at + 1) == Some(&b'u') => {
                at += unescape_unicode(&text[at..], &mut out)?
            }
            Some(b'\\') => at += unescape_one(&text[at..], &mut out)?,
            Some(&other) => {
                out.push(other);
                at += 1;
            }
        }
    }
}

fn hex4(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(2..6)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}

/// Decodes `\uXXXX`, or a pair of surrogates, at the start of `text`.
fn unescape_unicode(text: &[u8], out: &mut Vec<u8>) -> Result<usize> {
    let Some(first) = hex4(text) else {
        bail!(
            CANNOT_PARSE_ESCAPE_SEQUENCE,
            "Cannot parse escape sequence: \\u needs four hexadecimal digits"
        );
    };
    let mut length = 6;
    let mut point = first;
    if (0xD800..0xDC00).contains(&first)
        && text.get(6..8) == Some(b"\\u")
        && let Some(second) = text.get(6..).and_then(hex4)
        && (0xDC00..0xE000).contains(&second)
    {
        point = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        length = 12;
    }
    let c = char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut out = Vec::new();
        quote_literal(&bytes, &mut out);
        let (back, length) = unquote_literal(&out).unwrap();
        assert_eq!((back.as_ref(), length), (&bytes[..], out.len()));
        let ascii: Vec<u8> = (0..128).collect();
        out.clear();
        quote_json(&ascii, true, &mut out);
        assert_eq!(unquote_json(&out).unwrap().0.as_ref(), &ascii[..]);
        assert_eq!(
            unquote_json(br#""\ud83d\ude00""#).unwrap().0.as_ref(),
            "😀".as_bytes()
        );
        assert!(unescape(b"abc\\").is_err());
        assert!(unquote_literal(b"'abc").is_err());
    }
}
