//! Words of a Python expression.
//!
//! Invariant: the end of the text is always reached or an error is given; no index leaves the text.

use super::{Result, TemplateError};

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i128),
    Float(f64),
    Str(String),
    /// An operator or bracket.
    Op(&'static str),
    End,
}

/// Longest first.
const OPERATORS: &[&str] = &[
    "**=", "//=", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "**", "//", "->", ":=",
    "(", ")", "[", "]", "{", "}", ",", ":", ".", "+", "-", "*", "/", "%", "<", ">", "=", ";", "|",
    "&", "^", "~", "@",
];

/// Splits `text` into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = skip_blank(rest);
        let Some(c) = rest.chars().next() else {
            out.push(Token::End);
            return Ok(out);
        };
        if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit())) {
            let (token, after) = number(rest)?;
            out.push(token);
            rest = after;
        } else if let Some((token, after)) = string(rest)? {
            // Strings side by side are one.
            match (out.last_mut(), token) {
                (Some(Token::Str(before)), Token::Str(s)) => before.push_str(&s),
                (_, token) => out.push(token),
            }
            rest = after;
        } else if c == '_' || c.is_alphabetic() {
            let end = rest
                .find(|c: char| c != '_' && !c.is_alphanumeric())
                .unwrap_or(rest.len());
            out.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(**op)) {
            out.push(Token::Op(op));
            rest = &rest[op.len()..];
        } else {
            return Err(TemplateError::syntax(format!(
                "invalid syntax: unexpected {c:?}"
            )));
        }
    }
}

/// Blanks, line joins and `#` comments.
fn skip_blank(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('\\') {
            rest = after;
        } else if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else {
            return rest;
        }
    }
}

fn number(text: &str) -> Result<(Token, &str)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    let mut float = false;
    while let Some(b) = bytes.get(end) {
        match b {
            b'0'..=b'9' | b'_' => end += 1,
            b'.' if !float => {
                float = true;
                end += 1;
            }
            b'e' | b'E' => {
                let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
                if !bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                    break;
                }
                float = true;
                end += 1 + sign;
                while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                    end += 1;
                }
                break;
            }
            _ => break,
        }
    }
    let digits: String = text[..end].chars().filter(|c| *c != '_').collect();
    let bad = || TemplateError::syntax(format!("invalid number {:?}", &text[..end]));
    let token = if float {
        Token::Float(digits.parse().map_err(|_| bad())?)
    } else {
        Token::Int(digits.parse().map_err(|_| bad())?)
    };
    Ok((token, &text[end..]))
}

/// A string at the start of `text`, with its prefix if it has one.
fn string(text: &str) -> Result<Option<(Token, &str)>> {
    let letters = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    if letters > 2 || !text[letters..].starts_with(['\'', '"']) {
        return Ok(None);
    }
    let prefix = text[..letters].to_ascii_lowercase();
    let raw = match prefix.as_str() {
        "" | "u" | "b" => false,
        "r" | "br" | "rb" => true,
        "f" | "rf" | "fr" => {
            return Err(TemplateError::syntax("f-strings are not supported"));
        }
        _ => return Ok(None),
    };
    let body = &text[letters..];
    let quote = if body.starts_with("'''") {
        "'''"
    } else if body.starts_with("\"\"\"") {
        "\"\"\""
    } else {
        &body[..1]
    };
    let body = &body[quote.len()..];
    let mut out = String::new();
    let mut at = 0;
    loop {
        let rest = &body[at..];
        if let Some(after) = rest.strip_prefix(quote) {
            return Ok(Some((Token::Str(out), after)));
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => return Err(TemplateError::syntax("unterminated string literal")),
            Some('\n') if quote.len() == 1 => {
                return Err(TemplateError::syntax("unterminated string literal"));
            }
            Some('\\') if raw => {
                out.push('\\');
                at += 1;
                if let Some(c) = chars.next() {
                    out.push(c);
                    at += c.len_utf8();
                }
            }
            Some('\\') => at += 1 + escape(&rest[1..], &mut out)?,
            Some(c) => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
}

/// The escape after a backslash; returns how many bytes it took.
fn escape(rest: &str, out: &mut String) -> Result<usize> {
    let Some(c) = rest.chars().next() else {
        return Err(TemplateError::syntax("unterminated string literal"));
    };
    let hex = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if hex > 0 {
        let code = rest
            .get(1..1 + hex)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .ok_or_else(|| TemplateError::syntax("malformed escape in a string literal"))?;
        out.push(code);
        return Ok(1 + hex);
    }
    match c {
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'r' => out.push('\r'),
        'a' => out.push('\x07'),
        'b' => out.push('\x08'),
        'f' => out.push('\x0c'),
        'v' => out.push('\x0b'),
        '0' => out.push('\0'),
        '\n' => {}
        '\\' | '\'' | '"' => out.push(c),
        other => {
            out.push('\\');
            out.push(other);
        }
    }
    Ok(c.len_utf8())
}
