//! The columns of a SCHEMA block.
//!
//! Invariant: [`column_text`] of a parsed column parses to the same column.

/// A column: `` `name` Type `json:$.path` DEFAULT expr CODEC(…) ``.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaColumn {
    /// The name without its quotes.
    pub name: String,
    /// The type as written.
    pub ty: String,
    /// The path without `json:`.
    pub jsonpath: Option<String>,
    /// `DEFAULT expr`, `MATERIALIZED expr`, … as written.
    pub default: Option<String>,
    /// `CODEC(…)` as written.
    pub codec: Option<String>,
}

impl SchemaColumn {
    /// The column for CREATE TABLE: no path.
    pub fn sql(&self) -> String {
        column_text(&SchemaColumn {
            jsonpath: None,
            ..self.clone()
        })
    }

    /// The default's kind in upper case and its expression.
    pub fn default_parts(&self) -> Option<(String, &str)> {
        let text = self.default.as_deref()?;
        let (kind, expr) = text.split_once(char::is_whitespace)?;
        Some((kind.to_ascii_uppercase(), expr.trim()))
    }
}

/// The column as a datafile writes it.
pub fn column_text(column: &SchemaColumn) -> String {
    let mut out = format!("`{}` {}", column.name, column.ty);
    if let Some(path) = &column.jsonpath {
        out.push_str(&format!(" `json:{path}`"));
    }
    for part in [&column.default, &column.codec].into_iter().flatten() {
        out.push(' ');
        out.push_str(part);
    }
    out
}

/// Reads comma-separated columns. The error is a sentence and the line inside `text`, from zero.
pub fn parse_schema(text: &str) -> Result<Vec<SchemaColumn>, (String, usize)> {
    let mut out = Vec::new();
    for (at, piece) in split(text) {
        let line = text[..at].matches('\n').count();
        let piece = piece.trim();
        if !piece.is_empty() {
            out.push(column(piece).map_err(|message| (message, line))?);
        }
    }
    Ok(out)
}

/// The line of each column inside `text`, from zero.
pub(super) fn column_lines(text: &str) -> Vec<usize> {
    let pieces = split(text)
        .into_iter()
        .filter(|(_, p)| !p.trim().is_empty());
    pieces
        .map(|(at, _)| text[..at].matches('\n').count())
        .collect()
}

/// Pieces between commas that stand outside of brackets and quotes, with their offsets.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut scan = Scan::default();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if scan.outside(c) && c == ',' {
            out.push((start, text[start..at].to_owned()));
            start = at + 1;
        }
    }
    out.push((start, text[start..].to_owned()));
    // The offset of the first visible character says more than that of the comma.
    for (at, piece) in &mut out {
        *at += piece.len() - piece.trim_start().len();
    }
    out
}

/// Tracks quotes and brackets.
#[derive(Default)]
struct Scan {
    quote: Option<char>,
    escaped: bool,
    depth: usize,
}

impl Scan {
    /// Takes the next character; whether it stands outside of everything.
    fn outside(&mut self, c: char) -> bool {
        if let Some(quote) = self.quote {
            if self.escaped {
                self.escaped = false;
            } else if c == '\\' {
                self.escaped = true;
            } else if c == quote {
                self.quote = None;
            }
            return false;
        }
        match c {
            '\'' | '"' | '`' => {
                self.quote = Some(c);
                false
            }
            '(' | '[' | '{' => {
                self.depth += 1;
                false
            }
            ')' | ']' | '}' => {
                self.depth = self.depth.saturating_sub(1);
                false
            }
            _ => self.depth == 0,
        }
    }
}

fn column(text: &str) -> Result<SchemaColumn, String> {
    let mut words = words(text).into_iter().peekable();
    let first = words.next().unwrap_or_default();
    let name = unquote_name(&first);
    if name.is_empty() {
        return Err(format!("expected a column's name, found {first:?}"));
    }
    let mut column = SchemaColumn {
        name: name.to_owned(),
        ..SchemaColumn::default()
    };
    while let Some(word) = words.next() {
        let upper = word.to_ascii_uppercase();
        let path = word
            .strip_prefix("`json:")
            .and_then(|rest| rest.strip_suffix('`'))
            .or_else(|| word.strip_prefix("json:"));
        if let Some(path) = path {
            if column.jsonpath.is_some() {
                return Err(format!("column {name} has two paths"));
            }
            column.jsonpath = Some(path.to_owned());
        } else if matches!(
            upper.as_str(),
            "DEFAULT" | "MATERIALIZED" | "ALIAS" | "EPHEMERAL"
        ) {
            let mut parts = vec![word];
            while let Some(next) = words.next_if(|w| !is_codec(w) && !is_path(w)) {
                parts.push(next);
            }
            if parts.len() == 1 && upper != "EPHEMERAL" {
                return Err(format!("column {name}: {upper} needs an expression"));
            }
            column.default = Some(parts.join(" "));
        } else if is_codec(&word) {
            let mut codec = word;
            // `CODEC (…)`.
            if let Some(next) = words.next_if(|w| w.starts_with('(')) {
                codec.push_str(&next);
            }
            column.codec = Some(codec);
        } else {
            if !column.ty.is_empty() && !word.starts_with('(') {
                column.ty.push(' ');
            }
            column.ty.push_str(&word);
        }
    }
    if column.ty.is_empty() && column.default.is_none() {
        return Err(format!("column {name} has no type"));
    }
    Ok(column)
}

fn is_codec(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    upper == "CODEC" || upper.starts_with("CODEC(")
}

fn is_path(word: &str) -> bool {
    word.starts_with("`json:")
}

fn unquote_name(word: &str) -> &str {
    for quote in ['`', '"'] {
        let inner = word
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner;
        }
    }
    word
}

/// Words between blanks that stand outside of brackets and quotes.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut scan = Scan::default();
    let mut word = String::new();
    for c in text.chars() {
        if scan.outside(c) && c.is_whitespace() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
        } else if c.is_whitespace() && scan.quote.is_none() {
            word.push(' ');
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}
