//! Percent encoding.
//!
//! Invariant: what is no valid `%XX` stays as it is when decoding.

use super::super::kit::{f, text_to_text};
use crate::functions::ScalarFunction;

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "encodeURLComponent(s)",
        "Replaces all bytes but letters, digits and `-_.~` by `%XX`.",
        ("encodeURLComponent('a b/')", "a%20b%2F"),
        |args, _| text_to_text(args, |s, out| encode(s, b"%20", out)),
    ),
    f(
        U,
        "encodeURLFormComponent(s)",
        "`encodeURLComponent` that writes a space as a plus sign.",
        ("encodeURLFormComponent('a b+')", "a+b%2B"),
        |args, _| text_to_text(args, |s, out| encode(s, b"+", out)),
    ),
    f(
        U,
        "decodeURLComponent(s)",
        "Replaces `%XX` by bytes.",
        ("decodeURLComponent('a%20b%2F')", "a b/"),
        |args, _| text_to_text(args, |s, out| decode(s, false, out)),
    ),
    f(
        U,
        "decodeURLFormComponent(s)",
        "`decodeURLComponent` that reads a plus sign as a space.",
        ("decodeURLFormComponent('a+b%2B')", "a b+"),
        |args, _| text_to_text(args, |s, out| decode(s, true, out)),
    ),
];

fn encode(s: &[u8], space: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &b in s {
        match b {
            b' ' => out.extend_from_slice(space),
            b'-' | b'_' | b'.' | b'~' => out.push(b),
            _ if b.is_ascii_alphanumeric() => out.push(b),
            _ => out.extend_from_slice(&[b'%', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
        }
    }
}

fn decode(s: &[u8], plus: bool, out: &mut Vec<u8>) {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).map(|d| d as u8);
    let mut at = 0;
    while let Some(&b) = s.get(at) {
        match (b, digit(s.get(at + 1)), digit(s.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
                continue;
            }
            (b'+', _, _) if plus => out.push(b' '),
            _ => out.push(b),
        }
        at += 1;
    }
}
