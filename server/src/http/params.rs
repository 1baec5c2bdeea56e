//! Parameters of query strings and forms, in order and with duplicates.
//!
//! Invariant: any text is accepted; what is not valid percent-encoding stands for itself.

/// Parameters by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads `a=b&c&d=` and so on.
    pub fn parse(text: &str) -> Params {
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        };
        Params {
            pairs: text
                .split('&')
                .filter(|p| !p.is_empty())
                .map(pair)
                .collect(),
        }
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The first value of that name that says something: neither empty nor Python's `None`.
    pub fn said(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|v| !v.is_empty() && *v != "None")
    }

    /// All values of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Whether the value is `true` or `1`, in any case.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|v| v.eq_ignore_ascii_case("true") || v == "1")
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// More parameters behind these.
    pub fn extend(&mut self, more: Params) {
        self.pairs.extend(more.pairs);
    }

    /// One more parameter.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.pairs.push((name.into(), value.into()));
    }
}

/// Decodes `%41` and `+`.
pub fn decode(text: &str) -> String {
    percent(text, true)
}

/// Decodes `%41` in a path, where a plus is a plus.
pub fn decode_path(text: &str) -> String {
    percent(text, false)
}

fn percent(text: &str, plus_is_blank: bool) -> String {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        let code = bytes
            .get(at + 1..at + 3)
            .filter(|_| *b == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|h| h.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(if *b == b'+' && plus_is_blank {
                    b' '
                } else {
                    *b
                });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Encodes what may not stand in a query string.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(b as char)
            }
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_query_strings_are_read() {
        let p = Params::parse("&token=p.x&scope=a&scope=b%3Ac&attrs=&flag&q=1+1%2&bad=%zz%");
        assert_eq!(p.get("token"), Some("p.x"));
        assert_eq!(p.all("scope").collect::<Vec<_>>(), ["a", "b:c"]);
        assert_eq!(
            (p.get("attrs"), p.said("attrs"), p.get("flag")),
            (Some(""), None, Some(""))
        );
        assert_eq!((p.get("q"), p.get("bad")), (Some("1 1%2"), Some("%zz%")));
        assert_eq!(decode(&encode("a b+ä%")), "a b+ä%");
    }
}
