//! How values are written: escaping for SQL, Python's layout of floats and strings.
//!
//! Invariant: text escaped here and put between its quotes stays one literal or one identifier.

/// Escapes for the inside of a single-quoted literal.
pub(super) fn escape_literal(text: &str) -> String {
    escape(text, "\\\"")
}

/// Escapes for the inside of a back-quoted identifier; double quotes vanish.
pub(super) fn escape_identifier(text: &str) -> String {
    escape(text, "")
}

fn escape(text: &str, double_quote: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '\0' => out.push_str("\\0"),
            '\r' => out.push_str("\\r"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\x1a' => out.push_str("\\z"),
            '\n' => out.push_str("\\n"),
            '"' => out.push_str(double_quote),
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '%' => out.push_str("\\%"),
            '`' => out.push_str("\\`"),
            c => out.push(c),
        }
    }
    out
}

/// A single-quoted literal.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", escape_literal(text))
}

/// The text in a comment: it cannot end the line.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Python's `repr` of a string. Python would choose double quotes for a text with a single quote
/// in it; to ClickHouse that is an identifier, so the quote is escaped instead.
pub(super) fn repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// Python's `repr` of a float.
pub(super) fn float(n: f64) -> String {
    if n.is_nan() {
        return "nan".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{n:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if n == 0.0 || (-4..16).contains(&exponent) {
        let plain = format!("{n}");
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    }
}

/// What Python's `float()` accepts, without underscores.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let is_word = matches!(word.as_str(), "nan" | "inf" | "infinity");
    let looks_like_number = word.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if is_word || looks_like_number {
        text.parse().ok()
    } else {
        None
    }
}
