//! Character by character replacement.
//!
//! Invariant: a later mention of a character in `from` wins; characters without a partner in `to`
//! disappear.

use hashbrown::HashMap;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Strs, arity, f, strings, try_text, utf8};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "translate(s, from, to)",
        "Replaces each ASCII character of `from` by the one at the same place in `to`.",
        ("translate('hello', 'el', 'ip')", "hippo"),
        |args, _| translate(args, bytes),
    ),
    f(
        S,
        "translateUTF8(s, from, to)",
        "`translate` of code points.",
        ("translateUTF8('héllo', 'él', 'ex')", "hexxo"),
        |args, _| translate(args, points),
    ),
];

type Write = fn(&[u8], &[u8], &[u8], &mut Vec<u8>) -> Result<()>;

fn translate(args: &[Arg], write: Write) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let (from, to) = (Strs::of(&columns[1])?, Strs::of(&columns[2])?);
        try_text(rows, s.size(rows), |i, out| write(s.get(i), from.get(i), to.get(i), out))
    }))
}

fn longer(from: usize, to: usize) -> Result<()> {
    if to > from {
        bail!(
            BAD_ARGUMENTS,
            "argument 3 has {to} characters, more than the {from} of argument 2"
        );
    }
    Ok(())
}

fn bytes(s: &[u8], from: &[u8], to: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if !from.is_ascii() || !to.is_ascii() {
        bail!(BAD_ARGUMENTS, "arguments 2 and 3 must be ASCII strings");
    }
    longer(from.len(), to.len())?;
    let mut map: [Option<u8>; 256] = std::array::from_fn(|i| Some(i as u8));
    for (i, b) in from.iter().enumerate() {
        map[usize::from(*b)] = to.get(i).copied();
    }
    out.extend(s.iter().filter_map(|b| map[usize::from(*b)]));
    Ok(())
}

fn points(s: &[u8], from: &[u8], to: &[u8], out: &mut Vec<u8>) -> Result<()> {
    longer(utf8::count(from), utf8::count(to))?;
    let mut partners = utf8::points(to);
    let map: HashMap<&[u8], Option<&[u8]>> =
        utf8::points(from).map(|p| (p, partners.next())).collect();
    for point in utf8::points(s) {
        match map.get(point) {
            Some(partner) => out.extend_from_slice(partner.unwrap_or_default()),
            None => out.extend_from_slice(point),
        }
    }
    Ok(())
}
