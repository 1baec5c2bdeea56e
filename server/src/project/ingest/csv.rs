//! CSV rows: by position, or by name when the first line names columns.
//!
//! Invariant: a record is what the quotes say it is; line breaks inside quotes do not end it.

use bytes::Bytes;

use super::check::Checker;
use super::{Ingested, Target, is_fault_of_rows};
use crate::project::Result;

/// How a CSV is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between values; none is found out from the first line.
    pub delimiter: Option<u8>,
}

/// Adds the rows of `body`.
pub(super) fn ingest(
    target: &Target<'_>,
    body: &Bytes,
    dialect: &Dialect,
    done: &mut Ingested,
) -> Result<()> {
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => body.slice_ref(rest),
        None => body.clone(),
    };
    let first = body.get(..record_end(&body)).unwrap_or_default();
    let delimiter = dialect.delimiter.unwrap_or_else(|| guess_delimiter(first));
    let header = header_of(target, first, delimiter);
    let format = if header.is_some() {
        "CSVWithNames"
    } else {
        "CSV"
    };
    let settings = [("format_csv_delimiter", char::from(delimiter).to_string())];
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    // A header that names the columns differently from the table is only skipped.
    let (format, data) = match &header {
        Some(Header::ByPosition) => ("CSV", body.slice(first.len()..)),
        _ => (format, body.clone()),
    };
    let write = target.writing(&[], done)?;
    match target.insert_with(format, data, &settings, write) {
        Ok(rows) => {
            done.rows = rows;
            Ok(())
        }
        Err(e) if is_fault_of_rows(&e) => {
            let rows = if header.is_some() {
                body.slice(first.len()..)
            } else {
                body.clone()
            };
            let order = match header {
                Some(Header::ByName(order)) => Some(order),
                _ => None,
            };
            one_by_one(target, &rows, delimiter, order.as_deref(), done)?;
            if done.quarantined == 0 {
                return Err(e.into());
            }
            Ok(())
        }
        Err(e) => Err(e.into()),
    }
}

/// What the first line says.
enum Header {
    /// For each value of a record, the place of its column, if it has one.
    ByName(Vec<Option<usize>>),
    /// There is a header, but its names are not the table's.
    ByPosition,
}

/// Whether the first line names columns. Names are compared without case and punctuation.
fn header_of(target: &Target<'_>, first: &[u8], delimiter: u8) -> Option<Header> {
    let columns: Vec<&str> = target.columns().map(|c| c.name.as_str()).collect();
    let names: Vec<String> = fields(first, delimiter)
        .iter()
        .map(|f| String::from_utf8_lossy(f).trim().to_owned())
        .collect();
    let place = |name: &String| columns.iter().position(|c| *c == name);
    let exact: Vec<Option<usize>> = names.iter().map(place).collect();
    if exact.iter().all(Option::is_some) {
        return Some(Header::ByName(exact));
    }
    let plain = |s: &str| -> String {
        s.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase()
    };
    let alike = names
        .iter()
        .filter(|n| columns.iter().any(|c| plain(c) == plain(n)))
        .count();
    (alike * 2 > names.len()).then_some(Header::ByPosition)
}

fn guess_delimiter(first: &[u8]) -> u8 {
    let count = |d: u8| first.iter().filter(|b| **b == d).count();
    [b',', b';', b'\t', b'|']
        .into_iter()
        .rev()
        .max_by_key(|d| count(*d))
        .filter(|d| count(*d) > 0)
        .unwrap_or(b',')
}

/// Where the first record ends, its line break included.
fn record_end(text: &[u8]) -> usize {
    let mut inside = false;
    for (at, b) in text.iter().enumerate() {
        match b {
            b'"' => inside = !inside,
            b'\n' if !inside => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The values of a record, without their quotes.
fn fields(record: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let record = record.strip_suffix(b"\r").unwrap_or(record);
    let mut out = vec![Vec::new()];
    let mut inside = false;
    let mut bytes = record.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        let quoted = inside;
        let mut push = |b: u8| {
            if let Some(last) = out.last_mut() {
                last.push(b);
            }
        };
        match b {
            b'"' if quoted && bytes.peek() == Some(&b'"') => {
                bytes.next();
                push(b'"');
            }
            b'"' => inside = !inside,
            b if b == delimiter && !inside => out.push(Vec::new()),
            b => push(b),
        }
    }
    out
}

/// A record as CSV with commas and all quotes.
fn record_of(values: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        // Nothing at all means the default; quotes would make it an empty text.
        if value.is_empty() {
            continue;
        }
        out.push(b'"');
        for b in value {
            if *b == b'"' {
                out.push(b'"');
            }
            out.push(*b);
        }
        out.push(b'"');
    }
    out.push(b'\n');
    out
}

/// Looks at every record alone, inserts the good ones together, sets the others aside.
fn one_by_one(
    target: &Target<'_>,
    body: &Bytes,
    delimiter: u8,
    order: Option<&[Option<usize>]>,
    done: &mut Ingested,
) -> Result<()> {
    let checker = Checker::new(target)?;
    let columns = target.columns().count();
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut rest: &[u8] = body;
    while !rest.is_empty() {
        let (record, after) = rest.split_at(record_end(rest));
        rest = after;
        if record.trim_ascii().is_empty() {
            continue;
        }
        let mut values = fields(record, delimiter);
        if let Some(order) = order {
            let mut placed = vec![Vec::new(); columns];
            for (place, value) in order.iter().zip(values) {
                if let Some(slot) = place.and_then(|p| placed.get_mut(p)) {
                    *slot = value;
                }
            }
            values = placed;
        }
        let record = record_of(&values);
        match checker.explain_csv(&record, &values) {
            None => good.extend_from_slice(&record),
            Some(row) => bad.push(row),
        }
    }
    if bad.is_empty() {
        return Ok(());
    }
    done.quarantined = bad.len() as u64;
    let write = target.writing(&bad, done)?;
    done.rows = target.insert_with("CSV", good.into(), &[], write)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_quotes() {
        let text = b"a,\"b,\"\"c\nd\",e\r\nnext";
        let end = record_end(text);
        assert_eq!(&text[end..], b"next");
        let values = fields(&text[..end], b',');
        assert_eq!(values, [&b"a"[..], b"b,\"c\nd", b"e"]);
        assert_eq!(record_of(&values), b"\"a\",\"b,\"\"c\nd\",\"e\"\n");
        assert_eq!(guess_delimiter(b"a;b;c"), b';');
        assert_eq!(guess_delimiter(b"abc"), b',');
    }
}
