//! The shape of a query's text: the text with its literals taken out.
//!
//! Invariant: two texts of one shape differ in nothing but the values of their literals, and putting
//! a text's literals back into its shape gives that text. What is not certain has no shape.

use super::ast::Literal;
use super::literal::unescape;

/// Longest text that has a shape.
const TEXT_MAX: usize = 16 << 10;

/// Longest whole number that is a literal of a shape: it fits in 64 bits.
const DIGITS_MAX: usize = 18;

/// Stands in a shape for a string.
const STRING: u8 = 1;

/// Stands in a shape for a whole number.
const NUMBER: u8 = 2;

/// A text without its literals, and those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape<'a> {
    /// The text, each literal replaced by one byte that no text of a shape holds.
    pub text: String,
    /// The literals as written, in order.
    pub literals: Vec<&'a str>,
}

impl<'a> Shape<'a> {
    /// The shape of a query; none for other statements, and for texts with comments, parameters,
    /// semicolons, heredocs or anything else that would need the whole lexer.
    ///
    /// ```
    /// use roost::parse::Shape;
    /// let shape = Shape::of("SELECT a1 FROM t WHERE s = 'it''s' LIMIT 10").unwrap();
    /// assert_eq!(shape.literals, ["'it''s'", "10"]);
    /// assert_eq!(shape.with(&["'x'", "2"]), "SELECT a1 FROM t WHERE s = 'x' LIMIT 2");
    /// assert!(Shape::of("SELECT 1 -- one").is_none());
    /// ```
    pub fn of(sql: &'a str) -> Option<Shape<'a>> {
        let bytes = sql.as_bytes();
        if bytes.len() > TEXT_MAX || !is_query(sql) {
            return None;
        }
        let mut shape = Shape {
            text: String::with_capacity(sql.len()),
            literals: Vec::new(),
        };
        let mut at = 0;
        // What of the text is not copied yet.
        let mut copied = 0;
        while let Some(&c) = bytes.get(at) {
            let end = match c {
                b'\'' => quoted(bytes, at)?,
                b'`' | b'"' => {
                    at = quoted(bytes, at)?;
                    continue;
                }
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' => {
                    let end = word(bytes, at);
                    // A quote behind a word is a string of another kind.
                    if bytes.get(end) == Some(&b'\'') {
                        return None;
                    }
                    let digits = bytes[at..end].iter().all(u8::is_ascii_digit);
                    if !digits || end - at > DIGITS_MAX {
                        at = end;
                        continue;
                    }
                    end
                }
                b'-' if bytes.get(at + 1) == Some(&b'-') => return None,
                b'/' if matches!(bytes.get(at + 1), Some(b'/' | b'*')) => return None,
                b'#' | b'$' | b'{' | b';' | 0x80.. => return None,
                0..=0x1f if !c.is_ascii_whitespace() => return None,
                _ => {
                    at += 1;
                    continue;
                }
            };
            shape.text.push_str(&sql[copied..at]);
            shape.text.push(char::from(match c {
                b'\'' => STRING,
                _ => NUMBER,
            }));
            shape.literals.push(&sql[at..end]);
            (at, copied) = (end, end);
        }
        shape.text.push_str(&sql[copied..]);
        Some(shape)
    }

    /// The text of this shape with other literals.
    pub fn with(&self, literals: &[&str]) -> String {
        let mut rest = literals.iter();
        let mut out = String::with_capacity(self.text.len() + 16 * literals.len());
        for c in self.text.chars() {
            match c as u32 {
                1 | 2 => out.push_str(rest.next().copied().unwrap_or_default()),
                _ => out.push(c),
            }
        }
        out
    }
}

/// The value of a literal of a shape.
pub fn literal_value(text: &str) -> Option<Literal> {
    match text.strip_prefix('\'') {
        Some(rest) => Some(Literal::String(unescape(rest.strip_suffix('\'')?, b'\''))),
        None => text.parse::<u64>().ok().map(|n| Literal::UInt(n.into())),
    }
}

/// Whether the first word is one that a query starts with.
fn is_query(sql: &str) -> bool {
    let text = sql.trim_ascii_start();
    let end = text.find(|c: char| !c.is_ascii_alphabetic());
    let word = &text[..end.unwrap_or(text.len())];
    ["SELECT", "WITH", "FROM"]
        .iter()
        .any(|w| word.eq_ignore_ascii_case(w))
}

/// The place behind the quoted text that starts at `at`; as the lexer has it.
fn quoted(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut at = at + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            c if c == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
            c if c == quote => return Some(at + 1),
            // They mark literals.
            STRING | NUMBER if quote != b'\'' => return None,
            _ => at += 1,
        }
    }
}

/// The place behind a word, a number, or what is both: points belong to it.
fn word(bytes: &[u8], at: usize) -> usize {
    let inside = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'$');
    at + bytes[at..].iter().take_while(|c| inside(c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_can_be_put_back() {
        let text = r"SELECT `a'1`, t1.x, 1.5, x.1, 1e3, 0x1F FROM t WHERE s = 'a\'b' AND n>=10";
        let shape = Shape::of(text).unwrap();
        assert_eq!(shape.literals, [r"'a\'b'", "10"]);
        assert_eq!(shape.with(&shape.literals), text);
        let value = literal_value(shape.literals[0]);
        assert_eq!(value, Some(Literal::String(b"a'b".to_vec())));
        assert_eq!(literal_value("10"), Some(Literal::UInt(10)));
    }

    #[test]
    fn what_is_not_certain_has_no_shape() {
        for text in [
            "INSERT INTO t VALUES (1)",
            "SELECT 1; SELECT 2",
            "SELECT 1 /* one */",
            "SELECT 1 // one",
            "SELECT x'41'",
            "SELECT $a$x$a$",
            "SELECT {a:Int8}",
            "SELECT 'open",
            "SELECT '\\",
            "SELECT `a\u{1}b` FROM t",
            "SELECT é FROM t",
            "SELECT \u{1}",
        ] {
            assert_eq!(Shape::of(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_inside_quotes_may_hold_anything() {
        let shape = Shape::of("SELECT 'é \u{1} -- {a} ;' FROM t").unwrap();
        assert_eq!(shape.literals, ["'é \u{1} -- {a} ;'"]);
    }
}
