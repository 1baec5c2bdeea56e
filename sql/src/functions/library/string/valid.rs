//! Well-formedness of UTF-8, and small statistics of bytes.
//!
//! Invariant: repaired text is valid UTF-8, and valid text is returned unchanged.

use roost_engine::types::DataType;

use super::super::kit::{f, text_nums, text_to_text};
use crate::functions::ScalarFunction;

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "isValidUTF8(s)",
        "Whether the bytes are well-formed UTF-8.",
        ("isValidUTF8('héllo')", "1"),
        |args, _| text_nums(args, DataType::UInt8, |s| u8::from(std::str::from_utf8(s).is_ok())),
    ),
    f(
        S,
        "toValidUTF8(s)",
        "Replaces each run of bytes that are not UTF-8 by one U+FFFD.",
        ("toValidUTF8('a\\xffb')", "a\u{FFFD}b"),
        |args, _| {
            text_to_text(args, |s, out| {
                let mut broken = false;
                for chunk in s.utf8_chunks() {
                    if !chunk.valid().is_empty() {
                        broken = false;
                    }
                    out.extend_from_slice(chunk.valid().as_bytes());
                    if !chunk.invalid().is_empty() && !broken {
                        out.extend_from_slice("\u{FFFD}".as_bytes());
                        broken = true;
                    }
                }
            })
        },
    ),
    f(
        S,
        "isASCII(s)",
        "Whether all bytes are ASCII.",
        ("isASCII('aé')", "0"),
        |args, _| text_nums(args, DataType::UInt8, |s| u8::from(s.is_ascii())),
    )
    .also(&["isValidASCII"])
    .any_case(),
    f(
        S,
        "stringBytesUniq(s)",
        "Number of distinct bytes.",
        ("stringBytesUniq('abca')", "3"),
        |args, _| {
            text_nums(args, DataType::UInt16, |s| {
                counts(s).iter().filter(|n| **n > 0).count() as u16
            })
        },
    ),
    f(
        S,
        "stringBytesEntropy(s)",
        "Shannon's entropy of the bytes.",
        ("stringBytesEntropy('abca')", "1.5"),
        |args, _| {
            text_nums(args, DataType::Float64, |s| {
                let parts = counts(s);
                let parts = parts.iter().filter(|n| **n > 0).map(|n| *n as f64 / s.len() as f64);
                -parts.map(|p| p * p.log2()).sum::<f64>() + 0.0
            })
        },
    ),
    f(
        S,
        "soundex(s)",
        "The Soundex code.",
        ("soundex('Robert')", "R163"),
        |args, _| text_to_text(args, soundex),
    )
    .any_case(),
];

fn counts(s: &[u8]) -> [usize; 256] {
    let mut counts = [0; 256];
    s.iter().for_each(|b| counts[usize::from(*b)] += 1);
    counts
}

fn soundex(s: &[u8], out: &mut Vec<u8>) {
    const CODES: &[u8; 26] = b"01230120022455012623010202";
    let start = out.len();
    let mut last = b'0';
    for letter in s.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_uppercase) {
        let code = CODES[usize::from(letter - b'A')];
        if out.len() == start {
            out.push(letter);
        } else if code != b'0' && code != last {
            out.push(code);
            if out.len() == start + 4 {
                break;
            }
        }
        last = code;
    }
    while out.len() < start + 4 {
        out.push(b'0');
    }
}
