//! Upper and lower case, and order reversed.
//!
//! Invariant: the byte versions keep lengths, so FixedString stays FixedString.

use roost_engine::bail;
use roost_engine::column::{Buffer, BytesColumn, Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{arity, f, strings, text_to_text, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "lower(s)",
        "ASCII letters in lower case.",
        ("lower('AbC')", "abc"),
        |args, _| bytewise(args, |b| b.make_ascii_lowercase()),
    )
    .also(&["lcase"])
    .any_case(),
    f(
        S,
        "upper(s)",
        "ASCII letters in upper case.",
        ("upper('AbC')", "ABC"),
        |args, _| bytewise(args, |b| b.make_ascii_uppercase()),
    )
    .also(&["ucase"])
    .any_case(),
    f(
        S,
        "lowerUTF8(s)",
        "All letters in lower case.",
        ("lowerUTF8('ÄB')", "äb"),
        |args, _| cased(args, |s, out| utf8::map_chars(s, out, char::to_lowercase)),
    ),
    f(
        S,
        "upperUTF8(s)",
        "All letters in upper case.",
        ("upperUTF8('äb')", "ÄB"),
        |args, _| cased(args, |s, out| utf8::map_chars(s, out, char::to_uppercase)),
    ),
    f(
        S,
        "reverse(x)",
        "The bytes of a string, or the elements of an array or tuple, in reverse order.",
        ("reverse('abc')", "cba"),
        |args, _| reverse(args),
    )
    .any_case(),
    f(
        S,
        "reverseUTF8(s)",
        "The code points in reverse order.",
        ("reverseUTF8('añb')", "bña"),
        |args, _| {
            text_to_text(args, |s, out| {
                let mut end = s.len();
                for (i, b) in s.iter().enumerate().rev() {
                    if utf8::starts(*b) {
                        out.extend_from_slice(&s[i..end]);
                        end = i;
                    }
                }
                out.extend_from_slice(&s[..end]);
            })
        },
    ),
    f(
        S,
        "initcap(s)",
        "The first letter of each word in upper case, the others in lower case (ASCII).",
        ("initcap('hello wORLD')", "Hello World"),
        |args, _| text_to_text(args, initcap),
    )
    .any_case(),
    f(
        S,
        "initcapUTF8(s)",
        "The first letter of each word in upper case, the others in lower case.",
        ("initcapUTF8('élan vital')", "Élan Vital"),
        |args, _| text_to_text(args, initcap_utf8),
    ),
];

fn cased(args: &[Arg], write: fn(&[u8], &mut Vec<u8>)) -> Result<BoundFunction> {
    if let Some(Arg {
        ty: DataType::FixedString(_),
        ..
    }) = args.first()
    {
        bail!(
            BAD_ARGUMENTS,
            "a function of code points does not take FixedString"
        );
    }
    text_to_text(args, move |s, out| match s.is_ascii() {
        // The same answer for ASCII, many times faster than char by char.
        true => write_ascii(s, out, write),
        false => write(s, out),
    })
}

fn write_ascii(s: &[u8], out: &mut Vec<u8>, write: fn(&[u8], &mut Vec<u8>)) {
    const CHUNK: usize = 64;
    let short = s.len() < CHUNK;
    if short {
        return write(s, out);
    }
    // Which of the two functions this is shows on one letter.
    let mut probe = Vec::with_capacity(1);
    write(b"a", &mut probe);
    let at = out.len();
    out.extend_from_slice(s);
    match probe.as_slice() {
        b"A" => out[at..].make_ascii_uppercase(),
        _ => out[at..].make_ascii_lowercase(),
    }
}

fn reverse(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match &args[0].ty {
        DataType::Array(_) => super::super::array::sort::reversed(args),
        DataType::Tuple(_) => super::super::tuple::build::reversed(args),
        DataType::FixedString(_) => Ok(BoundFunction::new(args[0].ty.clone(), |columns, _| {
            match columns[0].to_flat() {
                Flat::Fixed { width, data } => {
                    let mut bytes = data.to_vec();
                    bytes.chunks_mut(width.max(1)).for_each(<[u8]>::reverse);
                    let data = Buffer::from(bytes);
                    Ok(Column::Flat(Flat::Fixed { width, data }))
                }
                other => bail!(LOGICAL_ERROR, "expected strings, found {}", other.shape_name()),
            }
        })),
        _ => text_to_text(args, |s, out| out.extend(s.iter().rev())),
    }
}

/// Changes the bytes of all rows at once.
fn bytewise(args: &[Arg], change: fn(&mut [u8])) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, _| {
        change_flat(&columns[0].to_flat(), change)
    }))
}

fn change_flat(flat: &Flat, change: fn(&mut [u8])) -> Result<Column> {
    Ok(Column::Flat(match flat {
        Flat::Fixed { width, data } => {
            let mut bytes = data.to_vec();
            change(&mut bytes);
            let data = Buffer::from(bytes);
            Flat::Fixed {
                width: *width,
                data,
            }
        }
        other => {
            let strings = other.as_bytes()?;
            let (offsets, data) = (strings.offsets(), strings.data());
            let first = offsets[0];
            let last = offsets[strings.len()];
            let mut bytes = data[first as usize..last as usize].to_vec();
            change(&mut bytes);
            let offsets: Vec<u64> = offsets.iter().map(|o| o - first).collect();
            Flat::Bytes(BytesColumn::new(
                Buffer::from(offsets),
                Buffer::from(bytes),
            )?)
        }
    }))
}

fn initcap(s: &[u8], out: &mut Vec<u8>) {
    let mut inside = false;
    for b in s {
        out.push(match inside {
            true => b.to_ascii_lowercase(),
            false => b.to_ascii_uppercase(),
        });
        inside = b.is_ascii_alphanumeric();
    }
}

fn initcap_utf8(s: &[u8], out: &mut Vec<u8>) {
    let (mut inside, mut buffer) = (false, [0u8; 4]);
    for c in utf8::chars(s) {
        match c {
            Ok(c) => {
                match inside {
                    true => c.to_lowercase().for_each(|c| {
                        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                    }),
                    false => c.to_uppercase().for_each(|c| {
                        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                    }),
                }
                inside = c.is_alphanumeric();
            }
            Err(b) => {
                out.push(b);
                inside = false;
            }
        }
    }
}
