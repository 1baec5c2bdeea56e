//! URLs with parts taken out.
//!
//! Invariant: what is not there is not taken out: the URL stays as it is.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::super::kit::{Strs, arity, f, string, text, text_to_text};
use super::parameters::find;
use super::parts::tail;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "cutWWW(url)",
        "Without the leading `www.` of the host.",
        ("cutWWW('http://www.a.com/x')", "http://a.com/x"),
        |args, _| {
            text_to_text(args, |s, out| {
                let host = memchr::memmem::find(s, b"//").map(|at| at + 2);
                let www = host.filter(|at| s[*at..].starts_with(b"www."));
                cut(s, www.map_or(0..0, |at| at..at + 4), out);
            })
        },
    ),
    f(
        U,
        "cutQueryString(url)",
        "Without query, with its question mark.",
        ("cutQueryString('http://a.com/x?y#f')", "http://a.com/x#f"),
        |args, _| {
            text_to_text(args, |s, out| {
                let start = tail(s).filter(|at| s[*at] == b'?').unwrap_or(s.len());
                let end = memchr::memchr(b'#', &s[start..]).map_or(s.len(), |n| start + n);
                cut(s, start..end, out);
            })
        },
    ),
    f(
        U,
        "cutFragment(url)",
        "Without fragment, with its number sign.",
        ("cutFragment('http://a.com/x?y#f')", "http://a.com/x?y"),
        |args, _| {
            text_to_text(args, |s, out| {
                cut(s, memchr::memchr(b'#', s).unwrap_or(s.len())..s.len(), out);
            })
        },
    ),
    f(
        U,
        "cutQueryStringAndFragment(url)",
        "Without query and fragment.",
        ("cutQueryStringAndFragment('http://a.com/x?y#f')", "http://a.com/x"),
        |args, _| {
            text_to_text(args, |s, out| cut(s, tail(s).unwrap_or(s.len())..s.len(), out))
        },
    ),
    f(
        U,
        "cutURLParameter(url, name)",
        "Without the parameter (or each of an array of parameters).",
        ("cutURLParameter('http://a.com/?a=1&b=2&c=3', 'b')", "http://a.com/?a=1&c=3"),
        |args, _| parameter(args),
    ),
];

fn cut(s: &[u8], range: std::ops::Range<usize>, out: &mut Vec<u8>) {
    out.extend_from_slice(&s[..range.start]);
    out.extend_from_slice(&s[range.end..]);
}

/// What goes with a parameter: the `&` behind it, or else the one before it.
fn extent(url: &[u8], name: &[u8]) -> Option<std::ops::Range<usize>> {
    let (start, end, _) = find(url, name)?;
    Some(match url.get(end) {
        Some(b'&') => start..end + 1,
        _ if url.get(start.wrapping_sub(1)) == Some(&b'&') => start - 1..end,
        _ => start..end,
    })
}

fn parameter(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    string(args, 0)?;
    if args[1].ty.element() == Some(&DataType::String) {
        let names = match &args[1].constant {
            Some(Value::Array(names)) => names.iter().filter_map(|v| v.as_bytes().map(<[u8]>::to_vec)),
            _ => bail!(ILLEGAL_COLUMN, "the names must be a constant array"),
        };
        let names: Vec<Vec<u8>> = names.collect();
        return Ok(BoundFunction::new(DataType::String, move |columns, rows| {
            let s = Strs::of(&columns[0])?;
            Ok(text(rows, s.size(rows), |i, out| {
                let mut url = s.get(i).to_vec();
                for name in &names {
                    if let Some(range) = extent(&url, name) {
                        url.drain(range);
                    }
                }
                out.extend_from_slice(&url);
            }))
        }));
    }
    string(args, 1)?;
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let (s, name) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        Ok(text(rows, s.size(rows), |i, out| {
            let url = s.get(i);
            cut(url, extent(url, name.get(i)).unwrap_or(0..0), out);
        }))
    }))
}
