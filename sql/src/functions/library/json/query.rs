//! SQL/JSON paths: `$.a[0].b`, `$["a b"][*]`.
//!
//! Invariant: the path is a constant, parsed once; a text that is no JSON has no matches.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Compiled, Strs, arity, f, strings, try_nums, try_text};
use super::raw::{write, write_string};
use super::scan::{Json, Kind};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const J: &str = "json";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        J,
        "JSON_VALUE(json, path)",
        "The first scalar that the path leads to.",
        ("JSON_VALUE('{\"a\":{\"b\":\"c\"}}', '$.a.b')", "c"),
        |args, _| value(args),
    ),
    f(
        J,
        "JSON_QUERY(json, path)",
        "All values that the path leads to, as a JSON array.",
        ("JSON_QUERY('{\"a\":[1,2]}', '$.a[*]')", "[1, 2]"),
        |args, _| query(args),
    ),
    f(
        J,
        "JSON_EXISTS(json, path)",
        "Whether the path leads to a value.",
        ("JSON_EXISTS('{\"a\":1}', '$.a')", "1"),
        |args, _| exists(args),
    ),
];

enum Step {
    Member(Vec<u8>),
    /// Half-open ranges of places, from zero.
    Places(Vec<(usize, usize)>),
    All,
}

/// Reads a path.
fn parse(path: &[u8]) -> Result<Vec<Step>> {
    let wrong = || -> Result<Vec<Step>> {
        bail!(
            BAD_ARGUMENTS,
            "cannot parse the JSON path '{}'",
            String::from_utf8_lossy(path)
        )
    };
    let Some(mut rest) = path.trim_ascii().strip_prefix(b"$") else {
        return wrong();
    };
    let mut steps = Vec::new();
    while let Some(&first) = rest.first() {
        let step = match first {
            b'.' => member(&rest[1..]),
            b'[' => bracket(&rest[1..]),
            _ => None,
        };
        match step {
            Some((step, left)) => {
                steps.push(step);
                rest = left;
            }
            None => return wrong(),
        }
    }
    Ok(steps)
}

fn quoted(rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let quote = *rest.first().filter(|q| matches!(q, b'"' | b'\''))?;
    let end = memchr::memchr(quote, &rest[1..])? + 1;
    Some((rest[1..end].to_vec(), &rest[end + 1..]))
}

fn member(rest: &[u8]) -> Option<(Step, &[u8])> {
    if let Some((name, left)) = quoted(rest) {
        return Some((Step::Member(name), left));
    }
    let end = rest.iter().position(|b| matches!(b, b'.' | b'[')).unwrap_or(rest.len());
    let (name, left) = rest.split_at(end);
    let fits = !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-') || !b.is_ascii());
    fits.then(|| (Step::Member(name.to_vec()), left))
}

fn bracket(rest: &[u8]) -> Option<(Step, &[u8])> {
    if let Some((name, left)) = quoted(rest) {
        return Some((Step::Member(name), left.strip_prefix(b"]")?));
    }
    let end = memchr::memchr(b']', rest)?;
    let (inside, left) = (std::str::from_utf8(&rest[..end]).ok()?.trim(), &rest[end + 1..]);
    if inside == "*" {
        return Some((Step::All, left));
    }
    let mut places = Vec::new();
    for part in inside.split(',') {
        let (from, to) = match part.split_once("to") {
            Some((from, to)) => (from.trim().parse().ok()?, to.trim().parse().ok()?),
            None => {
                let at: usize = part.trim().parse().ok()?;
                (at, at.checked_add(1)?)
            }
        };
        places.push((from, to));
    }
    Some((Step::Places(places), left))
}

/// Calls `visit` with every value that the steps lead to, until it gives `true`.
fn walk<'a>(json: Json<'a>, steps: &[Step], visit: &mut dyn FnMut(Json<'a>) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        return visit(json);
    };
    match step {
        Step::Member(name) => match json.member(name, false) {
            Some(value) => walk(value, rest, visit),
            None => false,
        },
        Step::All => json.elements().any(|element| walk(element, rest, visit)),
        Step::Places(ranges) => ranges.iter().any(|(from, to)| {
            let wanted = json.elements().skip(*from).take(to.saturating_sub(*from));
            wanted.into_iter().any(|element| walk(element, rest, visit))
        }),
    }
}

fn paths(args: &[Arg]) -> Result<Compiled<Vec<Step>>> {
    arity(args, 2..=2)?;
    strings(args)?;
    Compiled::new(args.get(1), parse)
}

fn value(args: &[Arg]) -> Result<BoundFunction> {
    let paths = paths(args)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut paths = paths.over(&columns[1])?;
        try_text(rows, 0, |i, out| {
            let path = paths.get(i)?;
            if let Some(json) = Json::parse(s.get(i)) {
                walk(json, path, &mut |found| match found.kind() {
                    Kind::Object | Kind::Array => false,
                    Kind::Null => {
                        out.extend_from_slice(b"null");
                        true
                    }
                    _ => write_string(found, out),
                });
            }
            Ok(())
        })
    }))
}

fn query(args: &[Arg]) -> Result<BoundFunction> {
    let paths = paths(args)?;
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut paths = paths.over(&columns[1])?;
        try_text(rows, 0, |i, out| {
            let path = paths.get(i)?;
            let mut any = false;
            if let Some(json) = Json::parse(s.get(i)) {
                walk(json, path, &mut |found| {
                    out.extend_from_slice(if any { b", " } else { b"[" });
                    any = true;
                    write(found, out);
                    false
                });
            }
            if any {
                out.push(b']');
            }
            Ok(())
        })
    }))
}

fn exists(args: &[Arg]) -> Result<BoundFunction> {
    let paths = paths(args)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let mut paths = paths.over(&columns[1])?;
        try_nums(rows, |i| {
            let path = paths.get(i)?;
            let found = Json::parse(s.get(i)).is_some_and(|json| walk(json, path, &mut |_| true));
            Ok(u8::from(found))
        })
    }))
}
