//! Scheme and host of a URL.
//!
//! Invariant: a host has a dot in it and no character that hosts cannot have; else it is empty.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Strs, arity, f, nums, string, text_to_text, want};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const U: &str = "url";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        U,
        "protocol(url)",
        "The scheme.",
        ("protocol('https://a.com/x')", "https"),
        |args, _| slice(args, |s| scheme(s).unwrap_or_default()),
    ),
    f(
        U,
        "domain(url)",
        "The host.",
        ("domain('https://www.a.com:80/x')", "www.a.com"),
        |args, _| slice(args, host),
    )
    .also(&["domainRFC"]),
    f(
        U,
        "domainWithoutWWW(url)",
        "The host without a leading `www.`.",
        ("domainWithoutWWW('http://www.a.com')", "a.com"),
        |args, _| slice(args, |s| without_www(host(s))),
    )
    .also(&["domainWithoutWWWRFC"]),
    f(
        U,
        "netloc(url)",
        "User, host and port as they are written.",
        ("netloc('http://user:pw@www.a.com:80/p')", "user:pw@www.a.com:80"),
        |args, _| slice(args, netloc),
    ),
    f(
        U,
        "topLevelDomain(url)",
        "The last part of the host.",
        ("topLevelDomain('http://www.a.co.uk')", "uk"),
        |args, _| slice(args, top_level),
    )
    .also(&["topLevelDomainRFC"]),
    f(
        U,
        "firstSignificantSubdomain(url)",
        "The part of the host that names its owner.",
        ("firstSignificantSubdomain('https://news.a.co.uk/')", "a"),
        |args, _| slice(args, |s| significant(without_www(host(s))).0),
    )
    .also(&["firstSignificantSubdomainRFC"]),
    f(
        U,
        "cutToFirstSignificantSubdomain(url)",
        "The host from the part that names its owner.",
        ("cutToFirstSignificantSubdomain('https://news.a.co.uk/')", "a.co.uk"),
        |args, _| slice(args, |s| significant(without_www(host(s))).1),
    )
    .also(&["cutToFirstSignificantSubdomainRFC"]),
    f(
        U,
        "cutToFirstSignificantSubdomainWithWWW(url)",
        "`cutToFirstSignificantSubdomain` that keeps a `www` which stands there.",
        ("cutToFirstSignificantSubdomainWithWWW('http://www.tr')", "www.tr"),
        |args, _| slice(args, |s| significant(host(s)).1),
    )
    .also(&["cutToFirstSignificantSubdomainWithWWWRFC"]),
    f(
        U,
        "port(url[, default])",
        "The port, or the default (0) where there is none.",
        ("port('http://a.com:8080/x')", "8080"),
        |args, _| port(args),
    )
    .also(&["portRFC"]),
];

/// A function that gives a part of its argument.
pub(crate) fn slice(args: &[Arg], part: fn(&[u8]) -> &[u8]) -> Result<BoundFunction> {
    text_to_text(args, move |s, out| out.extend_from_slice(part(s)))
}

/// The scheme, when a colon and two slashes follow it.
pub(crate) fn scheme(url: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', url)?;
    let name = &url[..colon];
    let fits = name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    (fits && url[colon + 1..].starts_with(b"//")).then_some(name)
}

/// What stands behind the scheme and its slashes.
pub(crate) fn after_scheme(url: &[u8]) -> &[u8] {
    match scheme(url) {
        Some(name) => &url[name.len() + 3..],
        None => url.strip_prefix(b"//").unwrap_or(url),
    }
}

fn netloc(url: &[u8]) -> &[u8] {
    let rest = after_scheme(url);
    let end = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
    &rest[..end]
}

/// The host; empty when there is none.
pub(crate) fn host(url: &[u8]) -> &[u8] {
    let rest = after_scheme(url);
    let (mut start, mut dot, mut end) = (0, None, rest.len());
    for (i, b) in rest.iter().enumerate() {
        match b {
            b'.' => dot = Some(i),
            b':' | b'/' | b'?' | b'#' => {
                end = i;
                break;
            }
            b'@' => {
                start = i + 1;
                dot = None;
            }
            b' ' | b'\t' | b'<' | b'>' | b'%' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'~' | b'['
            | b']' | b';' | b'=' | b'&' => return b"",
            _ => {}
        }
    }
    match dot {
        Some(dot) if start < end && dot + 1 != end => &rest[start..end],
        _ => b"",
    }
}

fn without_www(host: &[u8]) -> &[u8] {
    host.strip_prefix(b"www.").unwrap_or(host)
}

fn top_level(url: &[u8]) -> &[u8] {
    let host = host(url);
    match memchr::memrchr(b'.', host) {
        // For an address the last number is no domain.
        Some(dot) if !host.get(dot + 1).is_some_and(u8::is_ascii_digit) => &host[dot + 1..],
        _ => b"",
    }
}

/// Second-level names under which owners register, below the domains of countries.
const SHARED: &[&[u8]] = &[
    b"ac", b"co", b"com", b"edu", b"gen", b"go", b"gob", b"gov", b"gouv", b"govt", b"id", b"info",
    b"ltd", b"me", b"mil", b"ne", b"net", b"nhs", b"nom", b"or", b"org", b"plc", b"sch", b"web",
    b"biz", b"art", b"blog", b"adv", b"firm", b"school",
];

/// The significant part of a host, and the host from there on.
fn significant(host: &[u8]) -> (&[u8], &[u8]) {
    let dots: Vec<usize> = memchr::memrchr_iter(b'.', host).take(3).collect();
    let Some(&last) = dots.first() else {
        return (b"", host);
    };
    let Some(&second) = dots.get(1) else {
        return (&host[..last], host);
    };
    let shared = SHARED.contains(&&host[second + 1..last]) && host.len() - last - 1 == 2;
    if shared {
        let start = dots.get(2).map_or(0, |d| d + 1);
        return (&host[start..second], &host[start..]);
    }
    (&host[second + 1..last], &host[second + 1..])
}

fn port(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    string(args, 0)?;
    if args.len() == 2 {
        want(args, 1, args[1].ty == DataType::UInt16, "UInt16")?;
    }
    Ok(BoundFunction::new(DataType::UInt16, |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let default = Ints::or(columns, 1, 0)?;
        Ok(nums(rows, |i| {
            let url = s.get(i);
            written_port(url).unwrap_or_else(|| default.get(i) as u16)
        }))
    }))
}

fn written_port(url: &[u8]) -> Option<u16> {
    let host = host(url);
    if host.is_empty() {
        return None;
    }
    let place = netloc(url);
    let place = place.rsplit(|b| *b == b'@').next().unwrap_or(place);
    let digits = place.get(host.len()..)?.strip_prefix(b":")?;
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_as_in_clickhouse() {
        for (url, expected) in [
            ("svn+ssh://some.svn-hosting.com:80/repo", "some.svn-hosting.com"),
            ("a.com/x", "a.com"),
            ("//a.com/x", "a.com"),
            ("mailto:x@y.com", ""),
            ("http://1.2.3.4/x", "1.2.3.4"),
            ("a", ""),
            ("a b.com", ""),
            ("https://a.com?x=1", "a.com"),
            ("http://a.com.", ""),
            ("http://", ""),
            ("http://[::1]/x", ""),
        ] {
            assert_eq!(host(url.as_bytes()), expected.as_bytes(), "{url}");
        }
        assert_eq!(significant(b"news.a.com.tr").1, b"a.com.tr");
        assert_eq!(significant(b"x.org.br").0, b"x");
    }
}
