//! Guesses the columns of rows: JSON, or text with a delimiter.
//!
//! Invariant: the guessed types take every row that was looked at.

use serde_json::{Map, Value as Json};

/// Rows that are looked at.
const ROWS_MAX: usize = 10_000;

/// A column that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Where it was found: a JSON path; empty in other formats.
    pub path: String,
    /// Its name.
    pub name: String,
    /// A type that holds all its values.
    pub ty: String,
    /// The part of the rows that have a value.
    pub present: f64,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guessed {
    /// The columns.
    pub columns: Vec<Column>,
    /// The first line names them.
    pub has_header: bool,
}

/// Looks at the first rows of `text`.
pub fn guess_columns(text: &[u8]) -> Guessed {
    let start = text.trim_ascii_start();
    if start.starts_with(b"{") || start.starts_with(b"[") {
        return Guessed {
            columns: json_columns(text),
            has_header: false,
        };
    }
    delimited_columns(text)
}

/// The columns as a schema.
pub fn schema_of(columns: &[Column]) -> String {
    let column = |c: &Column| match c.path.is_empty() {
        false => format!("`{}` {} `json:{}`", c.name, c.ty, c.path),
        true => format!("`{}` {}", c.name, c.ty),
    };
    columns.iter().map(column).collect::<Vec<_>>().join(", ")
}

/// What was seen of one path or place.
#[derive(Default)]
struct Seen {
    kind: Option<Kind>,
    count: usize,
}

/// Types in the order in which one can hold the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Bool,
    Int(u8),
    Float,
    Date,
    DateTime,
    Text,
    ArrayInt,
    ArrayFloat,
    ArrayText,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Bool => "UInt8",
            Kind::Int(16) => "Int16",
            Kind::Int(32) => "Int32",
            Kind::Int(_) => "Int64",
            Kind::Float => "Float64",
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
            Kind::Text => "String",
            Kind::ArrayInt => "Array(Int64)",
            Kind::ArrayFloat => "Array(Float64)",
            Kind::ArrayText => "Array(String)",
        }
    }

    fn of_int(n: i64) -> Kind {
        if i16::try_from(n).is_ok() {
            Kind::Int(16)
        } else if i32::try_from(n).is_ok() {
            Kind::Int(32)
        } else {
            Kind::Int(64)
        }
    }

    fn of_text(text: &str) -> Kind {
        let shape: String = text
            .chars()
            .take(20)
            .map(|c| if c.is_ascii_digit() { 'd' } else { c })
            .collect();
        let is_time =
            shape.starts_with("dddd-dd-dd dd:dd:dd") || shape.starts_with("dddd-dd-ddTdd:dd:dd");
        if shape == "dddd-dd-dd" {
            Kind::Date
        } else if is_time {
            Kind::DateTime
        } else {
            Kind::Text
        }
    }

    fn of_json(value: &Json) -> Option<Kind> {
        Some(match value {
            Json::Null => return None,
            Json::Bool(_) => Kind::Bool,
            Json::Number(n) => n.as_i64().map_or(Kind::Float, Kind::of_int),
            Json::String(text) => Kind::of_text(text),
            Json::Array(items) => {
                let whole = items.iter().all(Json::is_i64);
                let number = items.iter().all(Json::is_number);
                match (items.is_empty(), whole, number) {
                    (false, true, _) => Kind::ArrayInt,
                    (false, false, true) => Kind::ArrayFloat,
                    _ => Kind::ArrayText,
                }
            }
            Json::Object(_) => Kind::Text,
        })
    }

    /// The type that holds both.
    fn join(self, other: Kind) -> Kind {
        match (self, other) {
            (a, b) if a == b => a,
            (Kind::Int(a), Kind::Int(b)) => Kind::Int(a.max(b)),
            (Kind::Int(_), Kind::Float) | (Kind::Float, Kind::Int(_)) => Kind::Float,
            (Kind::Date, Kind::DateTime) | (Kind::DateTime, Kind::Date) => Kind::DateTime,
            (Kind::ArrayInt, Kind::ArrayFloat) | (Kind::ArrayFloat, Kind::ArrayInt) => {
                Kind::ArrayFloat
            }
            (Kind::ArrayInt | Kind::ArrayFloat | Kind::ArrayText, b) if b >= Kind::ArrayInt => {
                Kind::ArrayText
            }
            _ => Kind::Text,
        }
    }
}

impl Seen {
    fn note(&mut self, kind: Option<Kind>) {
        if let Some(kind) = kind {
            self.count += 1;
            self.kind = Some(self.kind.map_or(kind, |k| k.join(kind)));
        }
    }

    fn column(&self, path: String, name: String, rows: usize) -> Column {
        let ty = self.kind.unwrap_or(Kind::Text);
        let partial = self.count < rows && ty < Kind::ArrayInt;
        Column {
            path,
            name,
            ty: if partial {
                format!("Nullable({})", ty.name())
            } else {
                ty.name().to_owned()
            },
            present: self.count as f64 / rows.max(1) as f64,
        }
    }
}

fn json_columns(rows: &[u8]) -> Vec<Column> {
    let mut seen: Vec<(Vec<String>, Seen)> = Vec::new();
    let mut count = 0;
    let values = serde_json::Deserializer::from_slice(rows).into_iter::<Json>();
    for value in values.take(ROWS_MAX) {
        // The last line may have been cut off.
        let Ok(value) = value else { break };
        let objects = match value {
            Json::Array(items) => items,
            other => vec![other],
        };
        for object in objects {
            if let Json::Object(map) = object {
                count += 1;
                visit(&map, &mut Vec::new(), &mut seen);
            }
        }
    }
    let mut out: Vec<Column> = seen
        .iter()
        .map(|(path, seen)| {
            seen.column(
                format!("$.{}", path.join(".")),
                column_name(&path.join("_")),
                count,
            )
        })
        .collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn visit(map: &Map<String, Json>, path: &mut Vec<String>, seen: &mut Vec<(Vec<String>, Seen)>) {
    for (key, value) in map {
        path.push(key.clone());
        match value {
            Json::Object(inner) if !inner.is_empty() && path.len() < 8 => visit(inner, path, seen),
            value => {
                let mut kind = Kind::of_json(value);
                let is_array = value.is_array();
                let known = seen.iter_mut().find(|(p, _)| p == path);
                // A number where arrays were is text.
                if let Some((_, s)) = &known
                    && s.kind.is_some_and(|k| (k >= Kind::ArrayInt) != is_array)
                    && kind.is_some()
                {
                    kind = Some(Kind::Text);
                }
                match known {
                    Some((_, s)) => s.note(kind),
                    None => {
                        let mut s = Seen::default();
                        s.note(kind);
                        seen.push((path.clone(), s));
                    }
                }
            }
        }
        path.pop();
    }
}

fn delimited_columns(rows: &[u8]) -> Guessed {
    let text = String::from_utf8_lossy(rows);
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let Some(first) = lines.next() else {
        return Guessed::default();
    };
    let delimiter = [',', ';', '\t', '|']
        .into_iter()
        .rev()
        .max_by_key(|d| first.matches(*d).count());
    let delimiter = delimiter.unwrap_or(',');
    let split = |line: &str| -> Vec<String> {
        line.split(delimiter)
            .map(|v| v.trim().trim_matches('"').to_owned())
            .collect()
    };
    let kind = |v: &str| -> Option<Kind> {
        if v.is_empty() {
            None
        } else if let Ok(n) = v.parse::<i64>() {
            Some(Kind::of_int(n))
        } else if v.parse::<f64>().is_ok() {
            Some(Kind::Float)
        } else {
            Some(Kind::of_text(v))
        }
    };
    let names = split(first);
    let is_header = names.iter().all(|n| kind(n) == Some(Kind::Text));
    let mut seen: Vec<Seen> = names.iter().map(|_| Seen::default()).collect();
    let mut count = 0;
    let data = lines.take(ROWS_MAX).map(str::to_owned);
    let first_row = (!is_header).then(|| first.to_owned());
    for line in first_row.into_iter().chain(data) {
        count += 1;
        for (s, value) in seen.iter_mut().zip(split(&line)) {
            s.note(kind(&value));
        }
    }
    let name = |(at, given): (usize, &String)| match is_header {
        true => column_name(given),
        false => format!("column_{at:02}"),
    };
    let names: Vec<String> = names.iter().enumerate().map(name).collect();
    let column = |(s, name): (&Seen, &String)| s.column(String::new(), name.clone(), count);
    Guessed {
        columns: seen.iter().zip(&names).map(column).collect(),
        has_header: is_header,
    }
}

fn column_name(text: &str) -> String {
    let plain = |c: char| {
        if c == '_' || c.is_ascii_alphanumeric() {
            c
        } else {
            '_'
        }
    };
    let name: String = text.trim().chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("c_{name}")
    } else {
        name
    }
}
