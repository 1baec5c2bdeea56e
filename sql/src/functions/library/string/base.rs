//! Bytes as text in base 64, 58 and 32.
//!
//! Invariant: decoding what encoding gave gives the bytes back; `try...` gives the empty string
//! where decoding fails.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, f, strings, text_to_text, try_text};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "base64Encode(s)",
        "The bytes in base 64.",
        ("base64Encode('hello')", "aGVsbG8="),
        |args, _| {
            text_to_text(args, |s, out| {
                out.extend_from_slice(general_purpose::STANDARD.encode(s).as_bytes());
            })
        },
    )
    .also(&["TO_BASE64"])
    .any_case(),
    f(
        S,
        "base64Decode(s)",
        "The bytes of a text in base 64.",
        ("base64Decode('aGVsbG8=')", "hello"),
        |args, _| decode(args, from_64, false),
    )
    .also(&["FROM_BASE64"])
    .any_case(),
    f(
        S,
        "tryBase64Decode(s)",
        "`base64Decode` that gives the empty string for wrong texts.",
        ("tryBase64Decode('!')", ""),
        |args, _| decode(args, from_64, true),
    )
    .any_case(),
    f(
        S,
        "base64URLEncode(s)",
        "The bytes in the base 64 of URLs, without padding.",
        ("base64URLEncode('a?>')", "YT8-"),
        |args, _| {
            text_to_text(args, |s, out| {
                out.extend_from_slice(general_purpose::URL_SAFE_NO_PAD.encode(s).as_bytes());
            })
        },
    ),
    f(
        S,
        "base64URLDecode(s)",
        "The bytes of a text in the base 64 of URLs.",
        ("base64URLDecode('YT8-')", "a?>"),
        |args, _| decode(args, from_64_url, false),
    ),
    f(
        S,
        "tryBase64URLDecode(s)",
        "`base64URLDecode` that gives the empty string for wrong texts.",
        ("tryBase64URLDecode('!')", ""),
        |args, _| decode(args, from_64_url, true),
    ),
    f(
        S,
        "base58Encode(s)",
        "The bytes in Bitcoin's base 58.",
        ("base58Encode('hello')", "Cn8eVZg"),
        |args, _| text_to_text(args, to_58),
    )
    .any_case(),
    f(
        S,
        "base58Decode(s)",
        "The bytes of a text in base 58.",
        ("base58Decode('Cn8eVZg')", "hello"),
        |args, _| decode(args, from_58, false),
    )
    .any_case(),
    f(
        S,
        "tryBase58Decode(s)",
        "`base58Decode` that gives the empty string for wrong texts.",
        ("tryBase58Decode('0OIl')", ""),
        |args, _| decode(args, from_58, true),
    )
    .any_case(),
    f(
        S,
        "base32Encode(s)",
        "The bytes in base 32.",
        ("base32Encode('hello')", "NBSWY3DP"),
        |args, _| text_to_text(args, to_32),
    ),
    f(
        S,
        "base32Decode(s)",
        "The bytes of a text in base 32.",
        ("base32Decode('NBSWY3DP')", "hello"),
        |args, _| decode(args, from_32, false),
    ),
    f(
        S,
        "tryBase32Decode(s)",
        "`base32Decode` that gives the empty string for wrong texts.",
        ("tryBase32Decode('!!')", ""),
        |args, _| decode(args, from_32, true),
    ),
];

type Decode = fn(&[u8]) -> Option<Vec<u8>>;

fn decode(args: &[Arg], decode: Decode, or_empty: bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        try_text(rows, s.size(rows), |i, out| match decode(s.get(i)) {
            Some(bytes) => {
                out.extend_from_slice(&bytes);
                Ok(())
            }
            None if or_empty => Ok(()),
            None => bail!(
                INCORRECT_DATA,
                "cannot decode '{}'",
                String::from_utf8_lossy(s.get(i))
            ),
        })
    }))
}

fn from_64(s: &[u8]) -> Option<Vec<u8>> {
    if s.iter().any(u8::is_ascii_whitespace) {
        let dense: Vec<u8> = s.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        return general_purpose::STANDARD.decode(dense).ok();
    }
    general_purpose::STANDARD.decode(s).ok()
}

fn from_64_url(s: &[u8]) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    ENGINE.decode(s).ok()
}

const ALPHABET_58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

fn to_58(s: &[u8], out: &mut Vec<u8>) {
    let zeros = s.iter().take_while(|b| **b == 0).count();
    let mut digits: Vec<u8> = Vec::with_capacity(s.len() * 138 / 100 + 1);
    for &byte in &s[zeros..] {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    out.extend(std::iter::repeat_n(b'1', zeros));
    out.extend(digits.iter().rev().map(|d| ALPHABET_58[usize::from(*d)]));
}

fn from_58(s: &[u8]) -> Option<Vec<u8>> {
    let ones = s.iter().take_while(|b| **b == b'1').count();
    let mut bytes: Vec<u8> = Vec::with_capacity(s.len());
    for symbol in &s[ones..] {
        let mut carry = ALPHABET_58.iter().position(|a| a == symbol)? as u32;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push(carry as u8);
            carry >>= 8;
        }
    }
    bytes.extend(std::iter::repeat_n(0, ones));
    bytes.reverse();
    Some(bytes)
}

const ALPHABET_32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn to_32(s: &[u8], out: &mut Vec<u8>) {
    for chunk in s.chunks(5) {
        let mut word = 0u64;
        (0..5).for_each(|i| word = word << 8 | u64::from(chunk.get(i).copied().unwrap_or(0)));
        let symbols = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            out.push(match i < symbols {
                true => ALPHABET_32[(word >> (35 - 5 * i)) as usize & 31],
                false => b'=',
            });
        }
    }
}

fn from_32(s: &[u8]) -> Option<Vec<u8>> {
    if !s.len().is_multiple_of(8) {
        return None;
    }
    let padding = s.iter().rev().take_while(|b| **b == b'=').count();
    if !matches!(padding, 0 | 1 | 3 | 4 | 6) {
        return None;
    }
    let (mut bits, mut word) = (0, 0u32);
    let mut out = Vec::with_capacity(s.len() * 5 / 8);
    for symbol in &s[..s.len() - padding] {
        let upper = symbol.to_ascii_uppercase();
        word = word << 5 | ALPHABET_32.iter().position(|a| *a == upper)? as u32;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_takes_encoding_back() {
        for len in 0..40 {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 37 + len) as u8).collect();
            let mut text = Vec::new();
            to_58(&bytes, &mut text);
            assert_eq!(from_58(&text), Some(bytes.clone()));
            text.clear();
            to_32(&bytes, &mut text);
            assert_eq!(from_32(&text), Some(bytes));
        }
    }
}
