//! VALUES in: `(1, 'a'), (2, now())`.
//!
//! Invariant: a literal is read by its column's parser; anything else goes to the evaluator, which
//! the session supplies.

use std::io::Read;
use std::sync::Arc;

use roost_engine::block::Schema;
use roost_engine::err;
use roost_engine::error::Result;

use super::cells::style;
use super::input::Input;
use super::rows_in::RowsIn;
use super::{BlockReader, FormatSettings, ReadBlock};
use crate::functions::text::Escaping;

struct ValuesIn {
    input: Input,
    text: Option<Vec<u8>>,
    at: usize,
    rows: RowsIn,
}

pub(super) fn values(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    Ok(Box::new(ValuesIn {
        input: Input::new(stream),
        text: None,
        at: 0,
        rows: RowsIn::new(schema, style(Escaping::Quoted, settings), settings),
    }))
}

impl BlockReader for ValuesIn {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        let text = match self.text.take() {
            Some(text) => text,
            None => self.input.read_all()?,
        };
        let outcome = self.read(&text);
        self.text = Some(text);
        outcome?;
        self.rows.finish()
    }
}

impl ValuesIn {
    fn read(&mut self, text: &[u8]) -> Result<()> {
        while !self.rows.is_full() {
            self.at = blank(text, self.at);
            match text.get(self.at) {
                None => return Ok(()),
                Some(b',') => self.at += 1,
                Some(b';') if blank(text, self.at + 1) == text.len() => {
                    self.at = text.len();
                }
                Some(b'(') => {
                    self.at += 1;
                    self.row(text)?;
                    self.rows.end_row();
                }
                Some(other) => {
                    return Err(err!(
                        CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                        "Cannot parse VALUES: expected '(', found '{}' at offset {}",
                        char::from(*other),
                        self.at
                    ));
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, text: &[u8]) -> Result<()> {
        let width = self.rows.width();
        for column in 0..width {
            self.value(text, column)?;
            self.at = blank(text, self.at);
            let last = column + 1 == width;
            match text.get(self.at) {
                Some(b',') if !last => self.at += 1,
                Some(b',') if last && text.get(blank(text, self.at + 1)) == Some(&b')') => {
                    self.at = blank(text, self.at + 1) + 1;
                }
                Some(b')') if last => self.at += 1,
                _ => {
                    return Err(err!(
                        SYNTAX_ERROR,
                        "Cannot parse VALUES: expected {} behind the value of column {}, at offset {}",
                        if last { "')'" } else { "','" },
                        self.rows.schema.fields[column].name,
                        self.at
                    ));
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, text: &[u8], column: usize) -> Result<()> {
        self.at = blank(text, self.at);
        let rest = &text[self.at..];
        let end = expression_end(rest);
        let written = rest[..end].trim_ascii();
        if written.eq_ignore_ascii_case(b"default") {
            self.rows.missing(column);
            self.at += end;
            return Ok(());
        }
        if written.eq_ignore_ascii_case(b"null") && self.rows.null_is_default(column) {
            self.rows.missing(column);
            self.at += end;
            return Ok(());
        }
        let read = self.rows.parse(column, |parser, builder| {
            // Read aside first: a value that fails half-way must leave nothing behind.
            let mut aside = builder.empty_copy();
            let taken = parser.parse_prefix(rest, &mut aside)?;
            if blank(rest, taken) != blank(rest, end) {
                return Err(err!(
                    CANNOT_PARSE_INPUT_ASSERTION_FAILED,
                    "not a plain literal"
                ));
            }
            builder.push(&aside.finish().value(0))?;
            Ok(taken)
        });
        match (read, &self.rows.settings.evaluator) {
            (Ok(_), _) => {}
            (Err(error), None) => return Err(error),
            (Err(error), Some(evaluate)) => {
                let expression = String::from_utf8_lossy(written).into_owned();
                let is_text = expression.starts_with('\'') && expression.ends_with('\'');
                let ty = self.rows.ty(column).clone();
                // A string that its type refuses stays refused with the type's own error.
                let value = match evaluate(&expression, &ty) {
                    Err(_) if is_text => return Err(error),
                    other => other?,
                };
                if value.is_null() && self.rows.null_is_default(column) {
                    self.rows.missing(column);
                } else {
                    self.rows.push(column, &value)?;
                }
            }
        }
        self.at += end;
        Ok(())
    }
}

/// The place behind white space and comments.
fn blank(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b) if b.is_ascii_whitespace() => at += 1,
            Some(b'-') if text.get(at + 1) == Some(&b'-') => {
                at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
            }
            _ => return at.min(text.len()),
        }
    }
}

/// Where an expression ends: at a comma or a closing parenthesis outside of quotes and brackets.
fn expression_end(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        match text[at] {
            quote @ (b'\'' | b'"' | b'`') => {
                at += 1;
                while at < text.len() && text[at] != quote {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b')' | b',' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}
