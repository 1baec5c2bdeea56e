//! Path, query and fragment of a URL.
//!
//! Invariant: the query starts at the first question mark before any number sign.

use super::super::kit::f;
use super::host::slice;
use crate::functions::ScalarFunction;

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "path(url)",
        "The path, without query and fragment.",
        ("path('http://a.com/x/y?z#f')", "/x/y"),
        |args, _| {
            slice(args, |s| {
                let path = path_full(s);
                &path[..tail(path).unwrap_or(path.len())]
            })
        },
    ),
    f(
        U,
        "pathFull(url)",
        "The path with query and fragment.",
        ("pathFull('http://a.com/x/y?z#f')", "/x/y?z#f"),
        |args, _| slice(args, path_full),
    ),
    f(
        U,
        "queryString(url)",
        "What stands between question mark and number sign.",
        ("queryString('http://a.com/x?y=1&z=2#f')", "y=1&z=2"),
        |args, _| {
            slice(args, |s| {
                let query = query_and_fragment(s);
                match query.first() {
                    Some(b'#') => b"",
                    _ => &query[..memchr::memchr(b'#', query).unwrap_or(query.len())],
                }
            })
        },
    ),
    f(
        U,
        "fragment(url)",
        "What stands after the number sign.",
        ("fragment('http://a.com/x?y#f')", "f"),
        |args, _| slice(args, |s| memchr::memchr(b'#', s).map_or(b"", |at| &s[at + 1..])),
    ),
    f(
        U,
        "queryStringAndFragment(url)",
        "What stands after the question mark.",
        ("queryStringAndFragment('http://a.com/x?y=1#f')", "y=1#f"),
        |args, _| slice(args, query_and_fragment),
    ),
];

/// Where query or fragment starts.
pub(crate) fn tail(url: &[u8]) -> Option<usize> {
    memchr::memchr2(b'?', b'#', url)
}

/// From the first slash that is not the scheme's.
pub(crate) fn path_full(url: &[u8]) -> &[u8] {
    let Some(first) = memchr::memchr(b'/', url) else {
        return b"";
    };
    if url.get(first + 1) != Some(&b'/') {
        return &url[first..];
    }
    match memchr::memchr(b'/', &url[first + 2..]) {
        Some(next) => &url[first + 2 + next..],
        None => b"",
    }
}

/// After the question mark, or from the number sign.
pub(crate) fn query_and_fragment(url: &[u8]) -> &[u8] {
    match tail(url) {
        Some(at) if url[at] == b'?' => &url[at + 1..],
        Some(at) => &url[at..],
        None => b"",
    }
}
