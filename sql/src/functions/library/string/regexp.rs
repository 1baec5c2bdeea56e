//! Regular expressions in RE2's syntax, compiled by the `regex` crate.
//!
//! Invariant: what RE2 and `regex` read differently is rewritten: `\d \w \s \b` are ASCII, `[` and
//! `&&` inside a class are themselves, a brace that repeats nothing is itself, a dot takes any
//! character including line breaks.

use regex::bytes::{Regex, RegexBuilder};
use roost_engine::error::{Code, Error, Result};

const SIZE_MAX: usize = 64 << 20;

/// Whether letters of either case are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Insensitive,
}

/// Compiles a pattern (CANNOT_COMPILE_REGEXP when it is wrong).
pub(crate) fn compile(pattern: &[u8], case: Case) -> Result<Regex> {
    let failed = |why: String| {
        Error::new(
            Code::CANNOT_COMPILE_REGEXP,
            format!(
                "cannot compile the regular expression '{}': {why}",
                String::from_utf8_lossy(pattern)
            ),
        )
    };
    let text = translate(pattern);
    RegexBuilder::new(&text)
        .case_insensitive(case == Case::Insensitive)
        .dot_matches_new_line(true)
        .size_limit(SIZE_MAX)
        .build()
        .map_err(|e| failed(e.to_string().lines().last().unwrap_or_default().to_owned()))
}

/// Escapes what has a meaning in a pattern.
pub(crate) fn escape_into(literal: &[u8], out: &mut Vec<u8>) {
    for &b in literal {
        if b.is_ascii_punctuation() && b != b'_' {
            out.push(b'\\');
        }
        out.push(b);
    }
}

/// RE2's syntax as `regex` reads it.
pub(crate) fn translate(pattern: &[u8]) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let text = String::from_utf8_lossy(pattern);
    let mut rest: &str = &text;
    let mut class = Class::Outside;
    while let Some(c) = rest.chars().next() {
        let used = match (c, class) {
            ('\\', _) => escape(rest, class, &mut out),
            ('[', Class::Outside) => {
                let head = if rest.starts_with("[^") { "[^" } else { "[" };
                out.push_str(head);
                class = Class::First;
                head.len()
            }
            ('[', _) => {
                let named = rest.starts_with("[:").then(|| rest.find(":]")).flatten();
                match named {
                    Some(end) => out.push_str(&rest[..end + 2]),
                    None => out.push_str("\\["),
                }
                class = Class::Inside;
                named.map_or(1, |end| end + 2)
            }
            (']', Class::First) => {
                out.push_str("\\]");
                class = Class::Inside;
                1
            }
            (']', Class::Inside) => {
                out.push(']');
                class = Class::Outside;
                1
            }
            ('&' | '~', Class::First | Class::Inside) => {
                out.push('\\');
                out.push(c);
                class = Class::Inside;
                1
            }
            ('{', Class::Outside) if !repeats(rest) => {
                out.push_str("\\{");
                1
            }
            _ => {
                out.push(c);
                if class == Class::First {
                    class = Class::Inside;
                }
                c.len_utf8()
            }
        };
        if c == '\\' && class == Class::First {
            class = Class::Inside;
        }
        rest = &rest[used..];
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    First,
    Inside,
}

/// Whether `rest`, which starts with a brace, is a repetition: `{2}`, `{2,}`, `{2,3}`.
fn repeats(rest: &str) -> bool {
    let Some(inner) = rest[1..].split_once('}').map(|p| p.0) else {
        return false;
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    match inner.split_once(',') {
        Some((low, high)) => digits(low) && (high.is_empty() || digits(high)),
        None => digits(inner),
    }
}

/// Writes the escape that `rest` starts with; returns how much of it was read.
fn escape(rest: &str, class: Class, out: &mut String) -> usize {
    let Some(c) = rest[1..].chars().next() else {
        out.push('\\');
        return 1;
    };
    let outside = class == Class::Outside;
    let ascii = match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => "[\\t\\n\\f\\r ]",
        'S' => "[^\\t\\n\\f\\r ]",
        'b' if outside => "(?-u:\\b)",
        'B' if outside => "(?-u:\\B)",
        'C' if outside => "(?s-u:.)",
        'Q' if outside => {
            let end = rest.find("\\E");
            let mut literal = Vec::new();
            escape_into(&rest.as_bytes()[2..end.unwrap_or(rest.len())], &mut literal);
            out.push_str(&String::from_utf8_lossy(&literal));
            return end.map_or(rest.len(), |e| e + 2);
        }
        _ => "",
    };
    match ascii {
        "" => {
            out.push('\\');
            out.push(c);
        }
        set => out.push_str(set),
    }
    1 + c.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn re2_is_read_as_re2() {
        let hits = |p: &str, s: &str| {
            compile(p.as_bytes(), Case::Sensitive)
                .unwrap()
                .is_match(s.as_bytes())
        };
        assert!(!hits("^\\w{2}$", "aé"));
        assert!(hits("a{", "a{"));
        assert!(hits("[[]", "["));
        assert!(hits("^[&&]$", "&"));
        assert!(hits("^[]a]+$", "a]"));
        assert!(hits("^[^]]$", "x"));
        assert!(hits("^[[:alpha:]_]+$", "a_"));
        assert!(hits("^\\Qa.b\\E$", "a.b"));
        assert!(!hits("^\\Qa.b\\E$", "axb"));
        assert!(hits("^[\\w-]+$", "a-b"));
        assert!(hits("a.b", "a\nb"));
        assert!(compile(b"(", Case::Sensitive).is_err());
        assert!(compile(b"a\\", Case::Sensitive).is_err());
    }
}
