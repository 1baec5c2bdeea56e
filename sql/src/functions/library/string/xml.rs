//! XML's entities.
//!
//! Invariant: what is no entity stays as it is.

use super::super::kit::{f, text_to_text};
use crate::functions::ScalarFunction;

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "encodeXMLComponent(s)",
        "Replaces the characters that XML gives a meaning by entities.",
        ("encodeXMLComponent('<a>')", "&lt;a&gt;"),
        |args, _| {
            text_to_text(args, |s, out| {
                for &b in s {
                    match b {
                        b'<' => out.extend_from_slice(b"&lt;"),
                        b'>' => out.extend_from_slice(b"&gt;"),
                        b'&' => out.extend_from_slice(b"&amp;"),
                        b'"' => out.extend_from_slice(b"&quot;"),
                        b'\'' => out.extend_from_slice(b"&apos;"),
                        other => out.push(other),
                    }
                }
            })
        },
    ),
    f(
        S,
        "decodeXMLComponent(s)",
        "Replaces XML's entities by their characters.",
        ("decodeXMLComponent('&lt;a&gt; &#65;&#x42;')", "<a> AB"),
        |args, _| text_to_text(args, decode),
    ),
];

fn decode(s: &[u8], out: &mut Vec<u8>) {
    let mut rest = s;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let end = rest.iter().take(16).position(|b| *b == b';');
        match end.and_then(|end| Some((end, character(&rest[1..end])?))) {
            Some((end, c)) => {
                let mut buffer = [0u8; 4];
                out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                rest = &rest[end + 1..];
            }
            None => {
                out.push(b'&');
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
}

fn character(name: &[u8]) -> Option<char> {
    match name {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x' | b'X', hex @ ..] => number(hex, 16),
        [b'#', decimal @ ..] => number(decimal, 10),
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|b| char::from(b).is_digit(radix)) {
        return None;
    }
    char::from_u32(u32::from_str_radix(text, radix).ok()?)
}
