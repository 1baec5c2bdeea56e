//! JSON in place: checking a text, and walking over its values without building them.
//!
//! Invariant: a [`Json`] is a slice of a checked text, from the first byte of a value to its end,
//! so walking never fails.

use memchr::memchr2;

const DEPTH_MAX: usize = 1024;

/// One value of a checked text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a>(&'a [u8]);

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the string that starts at `at` (a quote), checked.
fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[from..found].iter().any(|b| *b < 0x20) {
            return None;
        }
        if text[found] == b'"' {
            return Some(found + 1);
        }
        from = match text.get(found + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => found + 2,
            b'u' => {
                let digits = text.get(found + 2..found + 6)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                found + 6
            }
            _ => return None,
        };
    }
}

fn digits_end(text: &[u8], mut at: usize) -> Option<usize> {
    let start = at;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

fn number_end(text: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits_end(text, start)?;
    if text[start] == b'0' && end > start + 1 {
        return None;
    }
    if text.get(end) == Some(&b'.') {
        end = digits_end(text, end + 1)?;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        end = digits_end(text, end + 1 + sign)?;
    }
    Some(end)
}

/// The end of the scalar at `at`, checked.
fn scalar_end(text: &[u8], at: usize) -> Option<usize> {
    let word = |w: &[u8]| {
        text.get(at..at + w.len())
            .filter(|t| *t == w)
            .map(|_| at + w.len())
    };
    match text.get(at)? {
        b'"' => string_end(text, at),
        b't' => word(b"true"),
        b'f' => word(b"false"),
        b'n' => word(b"null"),
        _ => number_end(text, at),
    }
}

/// The end of the value at `at`, checked. Containers are a stack of bits, not of calls.
fn checked_end(text: &[u8], at: usize) -> Option<usize> {
    let mut stack: Vec<u8> = Vec::new();
    let mut at = at;
    loop {
        // A value starts here.
        match text.get(at)? {
            b'{' => {
                at = skip_space(text, at + 1);
                match text.get(at)? {
                    b'}' => at += 1,
                    _ => {
                        stack.push(b'}');
                        at = key_end(text, at)?;
                        continue;
                    }
                }
            }
            b'[' => {
                at = skip_space(text, at + 1);
                match text.get(at)? {
                    b']' => at += 1,
                    _ => {
                        stack.push(b']');
                        continue;
                    }
                }
            }
            _ => at = scalar_end(text, at)?,
        }
        if stack.len() > DEPTH_MAX {
            return None;
        }
        // A value ended here.
        loop {
            let Some(close) = stack.last() else {
                return Some(at);
            };
            at = skip_space(text, at);
            match text.get(at)? {
                b',' => {
                    at = skip_space(text, at + 1);
                    if *close == b'}' {
                        at = key_end(text, at)?;
                    }
                    break;
                }
                b if b == close => {
                    stack.pop();
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// From a key to the start of its value, checked.
fn key_end(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let colon = skip_space(text, string_end(text, at)?);
    (text.get(colon) == Some(&b':')).then(|| skip_space(text, colon + 1))
}

/// Steps over the value at `at` of a checked text.
fn value_end(text: &[u8], at: usize) -> usize {
    let quoted = |at: usize| {
        let mut from = at + 1;
        while let Some(n) = text.get(from..).and_then(|t| memchr2(b'"', b'\\', t)) {
            if text[from + n] == b'"' {
                return from + n + 1;
            }
            from += n + 2;
        }
        text.len()
    };
    match text.get(at) {
        Some(b'"') => quoted(at),
        Some(b'{' | b'[') => {
            let (mut depth, mut at) = (0usize, at);
            while let Some(b) = text.get(at) {
                match b {
                    b'"' => {
                        at = quoted(at);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return at + 1;
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            text.len()
        }
        _ => {
            let rest = text.get(at..).unwrap_or_default();
            let end = rest
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
            end.map_or(text.len(), |n| at + n)
        }
    }
}

impl<'a> Json<'a> {
    /// The value that the whole of `text` is; `None` when it is no JSON.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Json<'a>> {
        let start = skip_space(text, 0);
        let end = checked_end(text, start)?;
        if skip_space(text, end) != text.len() || std::str::from_utf8(text).is_err() {
            return None;
        }
        Some(Json(&text[start..end]))
    }

    /// Its text.
    pub(crate) fn text(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn kind(self) -> Kind {
        match self.0.first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') | None => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The elements of an array; nothing for other kinds.
    pub(crate) fn elements(self) -> impl Iterator<Item = Json<'a>> {
        let text = self.0;
        let mut at = match self.kind() {
            Kind::Array => skip_space(text, 1),
            _ => text.len(),
        };
        std::iter::from_fn(move || {
            if matches!(text.get(at), None | Some(b']')) {
                return None;
            }
            let end = value_end(text, at);
            let value = Json(&text[at..end]);
            at = after_item(text, end);
            Some(value)
        })
    }

    /// The keys (as written, without quotes) and values of an object; nothing for other kinds.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a [u8], Json<'a>)> {
        let text = self.0;
        let mut at = match self.kind() {
            Kind::Object => skip_space(text, 1),
            _ => text.len(),
        };
        std::iter::from_fn(move || {
            if matches!(text.get(at), None | Some(b'}')) {
                return None;
            }
            let key = value_end(text, at);
            let name = text.get(at + 1..key.saturating_sub(1)).unwrap_or_default();
            let start = skip_space(text, skip_space(text, key) + 1);
            let end = value_end(text, start);
            let value = Json(text.get(start..end).unwrap_or_default());
            at = after_item(text, end);
            Some((name, value))
        })
    }

    /// The value of a key.
    pub(crate) fn member(self, name: &[u8], any_case: bool) -> Option<Json<'a>> {
        let same = |key: &[u8]| match any_case {
            true => key.eq_ignore_ascii_case(name),
            false => key == name,
        };
        let mut members = self.members();
        let found = members.find(|(key, _)| match memchr::memchr(b'\\', key) {
            None => same(key),
            Some(_) => same(&unescaped(key)),
        });
        found.map(|m| m.1)
    }

    /// Element `index` of an array or value of member `index` of an object; from one, from the end
    /// when negative.
    pub(crate) fn nth(self, index: i64) -> Option<Json<'a>> {
        match self.kind() {
            Kind::Array => pick(self.elements(), index),
            Kind::Object => pick(self.members(), index).map(|m| m.1),
            _ => None,
        }
    }

    /// The name of member `index`.
    pub(crate) fn key(self, index: i64) -> Option<&'a [u8]> {
        pick(self.members(), index).map(|m| m.0)
    }

    /// Number of elements or members.
    pub(crate) fn len(self) -> usize {
        match self.kind() {
            Kind::Array => self.elements().count(),
            _ => self.members().count(),
        }
    }

    /// The characters of a string value as written between the quotes.
    pub(crate) fn inside(self) -> &'a [u8] {
        self.0
            .get(1..self.0.len().saturating_sub(1))
            .unwrap_or_default()
    }
}

fn after_item(text: &[u8], end: usize) -> usize {
    let at = skip_space(text, end);
    match text.get(at) {
        Some(b',') => skip_space(text, at + 1),
        _ => at,
    }
}

fn pick<T>(mut items: impl Iterator<Item = T>, index: i64) -> Option<T> {
    match index {
        1.. => items.nth(usize::try_from(index - 1).ok()?),
        0 => None,
        _ => {
            let all: Vec<T> = items.collect();
            let back = usize::try_from(index.unsigned_abs()).ok()?;
            let at = all.len().checked_sub(back)?;
            all.into_iter().nth(at)
        }
    }
}

/// A string's characters with the escapes replaced.
pub(crate) fn unescaped(inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    unescape(inside, &mut out);
    out
}

/// Appends a string's characters with the escapes replaced. Half a surrogate pair is dropped.
pub(crate) fn unescape(inside: &[u8], out: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = rest.get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => rest = unicode(rest, out),
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
}

/// Reads the digits after `\u`, and the second half of a pair; returns what follows.
fn unicode<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let hex = |t: &[u8]| {
        let text = std::str::from_utf8(t.get(..4)?).ok()?;
        u32::from_str_radix(text, 16).ok()
    };
    let Some(mut code) = hex(rest) else {
        return rest;
    };
    let mut left = &rest[4..];
    if (0xD800..0xDC00).contains(&code)
        && left.starts_with(b"\\u")
        && let Some(low) = hex(&left[2..])
        && (0xDC00..0xE000).contains(&low)
    {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        left = &left[6..];
    }
    if let Some(c) = char::from_u32(code) {
        let mut buffer = [0u8; 4];
        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_checked_whole() {
        for good in [
            "1",
            "-0.5e+3",
            "\"a\\u00e9\"",
            "[]",
            "{}",
            " [1, {\"a\" : [ ] } ] ",
            "null",
            "true",
            "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"\"}",
        ] {
            assert!(Json::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "",
            "bad",
            "01",
            "1.",
            "\"a",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "[",
            "{\"a\":1} x",
            "\"\\x\"",
            "tru",
            "+1",
            "{\"a\":\"x\" ",
        ] {
            assert!(Json::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert!(Json::parse(deep.as_bytes()).is_none());
    }

    #[test]
    fn values_are_found_in_place() {
        let text = br#"{"a" : [1, {"x\n": "y}"}, [ ] ], "b":{"c":7}}"#;
        let json = Json::parse(text).unwrap();
        assert_eq!(json.len(), 2);
        let a = json.member(b"a", false).unwrap();
        assert_eq!(a.len(), 3);
        assert_eq!(
            a.nth(2).unwrap().member(b"x\n", false).unwrap().inside(),
            b"y}"
        );
        assert_eq!(a.nth(-1).unwrap().text(), b"[ ]");
        assert_eq!(
            json.nth(2).unwrap().member(b"c", false).unwrap().text(),
            b"7"
        );
        assert_eq!(json.key(-1), Some(&b"b"[..]));
        assert!(json.nth(0).is_none());
        assert_eq!(unescaped(br"\ud83d\ude00\u00e9\/"), "😀é/".as_bytes());
    }
}
