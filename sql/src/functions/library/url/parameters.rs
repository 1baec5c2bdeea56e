//! Parameters in the query of a URL.
//!
//! Invariant: parameters stand after `?`, `&` or `#` and have an equals sign.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{StringLists, Strs, arity, f, string_lists, strings, text};
use super::parts::tail;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "extractURLParameter(url, name)",
        "The value of a parameter.",
        ("extractURLParameter('http://a.com/?a=1&b=2', 'b')", "2"),
        |args, _| value(args),
    ),
    f(
        U,
        "extractURLParameters(url)",
        "The parameters as `name=value`.",
        ("extractURLParameters('http://a.com/?a=1&b=2')", "['a=1','b=2']"),
        |args, _| all(args, |parameter, _, out| out.push(parameter)),
    ),
    f(
        U,
        "extractURLParameterNames(url)",
        "The names of the parameters.",
        ("extractURLParameterNames('http://a.com/?a=1&b=2')", "['a','b']"),
        |args, _| all(args, |parameter, equals, out| out.push(&parameter[..equals])),
    ),
];

/// Start and end of the parameter `name=value`, with where its value starts.
pub(crate) fn find(url: &[u8], name: &[u8]) -> Option<(usize, usize, usize)> {
    let mut at = tail(url)? + 1;
    loop {
        let rest = url.get(at..)?;
        let end = rest.iter().position(|b| b"&#?".contains(b)).unwrap_or(rest.len());
        if let Some(value) = rest[..end].strip_prefix(name)
            && value.first() == Some(&b'=')
        {
            // The value goes on over question marks.
            let end = memchr::memchr2(b'&', b'#', rest).unwrap_or(rest.len());
            return Some((at, at + end, at + name.len() + 1));
        }
        at += end + 1;
    }
}

fn value(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let (url, name) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        Ok(text(rows, rows * 8, |i, out| {
            let url = url.get(i);
            if let Some((_, end, value)) = find(url, name.get(i)) {
                out.extend_from_slice(&url[value..end]);
            }
        }))
    }))
}

fn all(args: &[Arg], push: fn(&[u8], usize, &mut StringLists)) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let url = Strs::of(&columns[0])?;
        string_lists(rows, url.size(rows) / 2, |i, out| {
            let url = url.get(i);
            let rest = tail(url).map_or(&b""[..], |at| &url[at + 1..]);
            for parameter in rest.split(|b| b"&#".contains(b)) {
                if let Some(equals) = memchr::memchr(b'=', parameter) {
                    push(parameter, equals, out);
                }
            }
            Ok(())
        })
    }))
}
