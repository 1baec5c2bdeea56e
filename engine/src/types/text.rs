//! Types as text: `Array(Nullable(DateTime64(3, 'UTC')))` to [`DataType`] and back.
//!
//! Invariant: `parse(&ty.to_string()) == ty`, and depth and length of input are bounded.

use std::fmt;
use std::mem::discriminant;
use std::sync::Arc;

use super::{AggregateType, DataType, EnumNames, IntervalUnit, TupleType, Tz};
use crate::error::{Code, Error, Result};

const DEPTH_MAX: usize = 100;

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DataType as T;
        match self {
            T::FixedString(n) => write!(f, "FixedString({n})"),
            T::DateTime(None) => f.write_str("DateTime"),
            T::DateTime(Some(tz)) => write!(f, "DateTime('{}')", tz.name()),
            T::DateTime64(p, None) => write!(f, "DateTime64({p})"),
            T::DateTime64(p, Some(tz)) => write!(f, "DateTime64({p}, '{}')", tz.name()),
            T::Enum8(names) => write_enum(f, "Enum8", names),
            T::Enum16(names) => write_enum(f, "Enum16", names),
            T::Decimal(p, s) => write!(f, "Decimal({p}, {s})"),
            T::Interval(unit) => write!(f, "Interval{}", unit.name()),
            T::Array(e) => write!(f, "Array({e})"),
            T::Tuple(t) => write_tuple(f, t),
            T::Map(k, v) => write!(f, "Map({k}, {v})"),
            T::Nullable(inner) => write!(f, "Nullable({inner})"),
            T::LowCardinality(inner) => write!(f, "LowCardinality({inner})"),
            T::AggregateFunction(a) => write_aggregate(f, a),
            T::SimpleAggregateFunction(name, inner) => {
                write!(f, "SimpleAggregateFunction({name}, {inner})")
            }
            plain => f.write_str(plain_name(plain)),
        }
    }
}

/// The name of a type that is nothing but its name, which its kind tells.
fn plain_name(ty: &DataType) -> &'static str {
    let kind = discriminant(ty);
    let mut names = PLAIN.iter();
    names
        .find(|(_, plain)| discriminant(plain) == kind)
        .map_or("Nothing", |(name, _)| name)
}

const PLAIN: &[(&str, DataType)] = &[
    ("Nothing", DataType::Nothing),
    ("Bool", DataType::Bool),
    ("UInt8", DataType::UInt8),
    ("UInt16", DataType::UInt16),
    ("UInt32", DataType::UInt32),
    ("UInt64", DataType::UInt64),
    ("UInt128", DataType::UInt128),
    ("Int8", DataType::Int8),
    ("Int16", DataType::Int16),
    ("Int32", DataType::Int32),
    ("Int64", DataType::Int64),
    ("Int128", DataType::Int128),
    ("Float32", DataType::Float32),
    ("Float64", DataType::Float64),
    ("String", DataType::String),
    ("Date", DataType::Date),
    ("Date32", DataType::Date32),
    ("UUID", DataType::UUID),
    ("IPv4", DataType::IPv4),
    ("IPv6", DataType::IPv6),
];

/// SQL-standard and MySQL names that ClickHouse takes in any case.
const ALIASES: &[(&str, DataType)] = &[
    ("BOOL", DataType::Bool),
    ("BOOLEAN", DataType::Bool),
    ("TINYINT", DataType::Int8),
    ("INT1", DataType::Int8),
    ("BYTE", DataType::Int8),
    ("TINYINT UNSIGNED", DataType::UInt8),
    ("SMALLINT", DataType::Int16),
    ("SMALLINT UNSIGNED", DataType::UInt16),
    ("YEAR", DataType::UInt16),
    ("INT", DataType::Int32),
    ("INTEGER", DataType::Int32),
    ("MEDIUMINT", DataType::Int32),
    ("INT UNSIGNED", DataType::UInt32),
    ("INTEGER UNSIGNED", DataType::UInt32),
    ("BIGINT", DataType::Int64),
    ("SIGNED", DataType::Int64),
    ("BIGINT UNSIGNED", DataType::UInt64),
    ("UNSIGNED", DataType::UInt64),
    ("BIT", DataType::UInt64),
    ("FLOAT", DataType::Float32),
    ("REAL", DataType::Float32),
    ("SINGLE", DataType::Float32),
    ("DOUBLE", DataType::Float64),
    ("DOUBLE PRECISION", DataType::Float64),
    ("VARCHAR", DataType::String),
    ("CHAR", DataType::String),
    ("TEXT", DataType::String),
    ("TINYTEXT", DataType::String),
    ("MEDIUMTEXT", DataType::String),
    ("LONGTEXT", DataType::String),
    ("BLOB", DataType::String),
    ("BYTEA", DataType::String),
    ("CLOB", DataType::String),
    ("CHARACTER", DataType::String),
    ("CHAR VARYING", DataType::String),
    ("CHARACTER VARYING", DataType::String),
    ("NCHAR", DataType::String),
    ("NVARCHAR", DataType::String),
    ("BINARY LARGE OBJECT", DataType::String),
    ("VARBINARY", DataType::String),
    ("DATE", DataType::Date),
    ("TIMESTAMP", DataType::DateTime(None)),
    ("INET4", DataType::IPv4),
    ("INET6", DataType::IPv6),
];

fn write_enum(f: &mut fmt::Formatter<'_>, kind: &str, names: &EnumNames) -> fmt::Result {
    write!(f, "{kind}(")?;
    for (i, (number, name)) in names.values.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        write!(f, "{comma}{} = {number}", quote(name))?;
    }
    f.write_str(")")
}

fn write_tuple(f: &mut fmt::Formatter<'_>, tuple: &TupleType) -> fmt::Result {
    f.write_str("Tuple(")?;
    for (i, ty) in tuple.types.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        if let Some(name) = tuple.names.get(i) {
            write!(f, "{} ", quote_identifier(name))?;
        }
        write!(f, "{ty}")?;
    }
    f.write_str(")")
}

fn write_aggregate(f: &mut fmt::Formatter<'_>, a: &AggregateType) -> fmt::Result {
    write!(f, "AggregateFunction({}", a.function)?;
    if !a.parameters.is_empty() {
        write!(f, "({})", a.parameters.join(", "))?;
    }
    a.arguments.iter().try_for_each(|t| write!(f, ", {t}"))?;
    f.write_str(")")
}

/// A string literal as ClickHouse writes it: single quotes, backslash escapes.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// An identifier, in backticks only when it needs them.
pub fn quote_identifier(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    let keyword = ["null", "true", "false"]
        .iter()
        .any(|k| k.eq_ignore_ascii_case(name));
    if plain && !keyword {
        return name.to_string();
    }
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

impl std::str::FromStr for DataType {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        parse(text)
    }
}

/// Parses a type.
///
/// # Errors
/// UNKNOWN_TYPE for an unknown name (with the text), SYNTAX_ERROR for a broken shape,
/// ILLEGAL_TYPE_OF_ARGUMENT for combinations ClickHouse refuses (`Nullable(Array(...))`).
pub fn parse(text: &str) -> Result<DataType> {
    let mut p = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let ty = p.data_type()?;
    p.space();
    match p.rest() {
        "" => Ok(ty),
        rest => Err(p.broken(&format!("end of type, found '{}'", clip(rest)))),
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn broken(&self, expected: &str) -> Error {
        Error::new(
            Code::SYNTAX_ERROR,
            format!(
                "cannot parse type '{}': expected {expected}",
                clip(self.text)
            ),
        )
    }

    fn peek(&mut self) -> Option<char> {
        self.space();
        self.rest().chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn expect(&mut self, c: char) -> Result<()> {
        if self.eat(c) {
            return Ok(());
        }
        Err(self.broken(&format!("'{c}', found '{}'", clip(self.rest()))))
    }

    fn word(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn number(&mut self) -> Result<i64> {
        self.space();
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        let len = rest.len() - digits.len() + end;
        self.at += len;
        rest[..len].parse().map_err(|_| self.broken("a number"))
    }

    fn string(&mut self) -> Result<String> {
        self.expect('\'')?;
        let mut out = Vec::new();
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                None => return Err(self.broken("a closing quote")),
                Some(b'\'') if bytes.get(self.at + 1) == Some(&b'\'') => {
                    out.push(b'\'');
                    self.at += 2;
                }
                Some(b'\'') => break,
                Some(b'\\') => {
                    let c = *bytes
                        .get(self.at + 1)
                        .ok_or_else(|| self.broken("an escape"))?;
                    out.push(match c {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'0' => 0,
                        b'b' => 8,
                        b'f' => 12,
                        other => other,
                    });
                    self.at += 2;
                }
                Some(&b) => {
                    out.push(b);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(out).map_err(|_| self.broken("UTF-8 text"))
    }

    fn identifier(&mut self) -> Result<String> {
        match self.peek() {
            Some(q @ ('`' | '"')) => {
                self.at += 1;
                let mut out = String::new();
                let mut chars = self.rest().char_indices();
                while let Some((i, c)) = chars.next() {
                    if c == q {
                        self.at += i + 1;
                        return Ok(out);
                    }
                    match c {
                        '\\' => out.extend(chars.next().map(|(_, c)| c)),
                        c => out.push(c),
                    }
                }
                Err(self.broken("a closing quote"))
            }
            _ => Ok(self.word().to_string()),
        }
    }

    fn data_type(&mut self) -> Result<DataType> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::new(
                Code::TOO_DEEP_RECURSION,
                "type is nested too deeply",
            ));
        }
        let name = self.word();
        if name.is_empty() {
            return Err(self.broken(&format!("a type name, found '{}'", clip(self.rest()))));
        }
        let ty = match self.parametric(name)? {
            Some(ty) => ty,
            None => self.plain(name)?,
        };
        self.depth -= 1;
        Ok(ty)
    }

    fn plain(&mut self, name: &str) -> Result<DataType> {
        if let Some((_, ty)) = PLAIN.iter().find(|(n, _)| *n == name) {
            return Ok(ty.clone());
        }
        if let Some(unit) = name.strip_prefix("Interval")
            && let Some(unit) = IntervalUnit::ALL.iter().find(|u| u.name() == unit)
        {
            return Ok(DataType::Interval(*unit));
        }
        let mut full = name.to_ascii_uppercase();
        for next in [
            "UNSIGNED",
            "SIGNED",
            "PRECISION",
            "VARYING",
            "LARGE",
            "OBJECT",
        ] {
            let before = self.at;
            if self.word().eq_ignore_ascii_case(next) {
                if next != "SIGNED" {
                    full = format!("{full} {next}");
                }
            } else {
                self.at = before;
            }
        }
        let Some((_, ty)) = ALIASES.iter().find(|(n, _)| *n == full) else {
            let known = [
                "Int256",
                "UInt256",
                "JSON",
                "Object",
                "Variant",
                "Dynamic",
                "Nested",
                "Point",
                "Ring",
                "Polygon",
                "MultiPolygon",
                "Time",
                "Time64",
                "BFloat16",
                "QBit",
            ];
            if known.contains(&name) {
                return Err(Error::not_implemented(format!("data type {name}")));
            }
            return Err(Error::new(
                Code::UNKNOWN_TYPE,
                format!("Unknown data type family: {name}"),
            ));
        };
        if self.peek() == Some('(') {
            // VARCHAR(255), INT(11): the width means nothing.
            self.eat('(');
            self.number()?;
            self.expect(')')?;
        }
        Ok(ty.clone())
    }

    fn parametric(&mut self, name: &str) -> Result<Option<DataType>> {
        let open = self.peek() == Some('(');
        let upper = name.to_ascii_uppercase();
        let ty = match (name, upper.as_str()) {
            ("DateTime", _) | (_, "DATETIME") => self.date_time()?,
            ("DateTime64", _) | (_, "DATETIME64") => self.date_time64()?,
            ("DateTime32", _) => self.date_time()?,
            ("Tuple", _) => self.tuple()?,
            ("Decimal" | "Decimal32" | "Decimal64" | "Decimal128", _)
            | (_, "DECIMAL" | "DEC" | "NUMERIC" | "FIXED") => self.decimal(name)?,
            _ if !open => return Ok(None),
            ("FixedString", _) | (_, "BINARY") => {
                let n = self.one_number(name)?;
                if !(1..=0xFF_FFFF).contains(&n) {
                    return Err(Error::new(
                        Code::ARGUMENT_OUT_OF_BOUND,
                        format!("FixedString size must be between 1 and 16777215, found {n}"),
                    ));
                }
                DataType::FixedString(n as usize)
            }
            ("Enum8" | "Enum16", _) | (_, "ENUM") => self.enumeration(name)?,
            ("Array", _) => self.one_type()?.array(),
            ("Map", _) => {
                self.expect('(')?;
                let key = self.data_type()?;
                self.expect(',')?;
                let value = self.data_type()?;
                self.expect(')')?;
                map_of(key, value)?
            }
            ("Nullable", _) => nullable_of(self.one_type()?)?,
            ("LowCardinality", _) => low_cardinality_of(self.one_type()?)?,
            ("AggregateFunction", _) => self.aggregate()?,
            ("SimpleAggregateFunction", _) => {
                self.expect('(')?;
                let function = self.function_text()?.0;
                self.expect(',')?;
                let inner = self.data_type()?;
                self.expect(')')?;
                DataType::SimpleAggregateFunction(function.into(), Arc::new(inner))
            }
            _ => return Ok(None),
        };
        Ok(Some(ty))
    }

    fn one_type(&mut self) -> Result<DataType> {
        self.expect('(')?;
        let ty = self.data_type()?;
        self.expect(')')?;
        Ok(ty)
    }

    fn one_number(&mut self, _name: &str) -> Result<i64> {
        self.expect('(')?;
        let n = self.number()?;
        self.expect(')')?;
        Ok(n)
    }

    fn zone(&mut self) -> Result<Tz> {
        let name = self.string()?;
        parse_zone(&name)
    }

    fn date_time(&mut self) -> Result<DataType> {
        if !self.eat('(') {
            return Ok(DataType::DateTime(None));
        }
        if self.peek() != Some('\'') {
            // DateTime(3, 'UTC') is a DateTime64.
            let precision = self.precision()?;
            let zone = if self.eat(',') {
                Some(self.zone()?)
            } else {
                None
            };
            self.expect(')')?;
            return Ok(DataType::DateTime64(precision, zone));
        }
        let zone = self.zone()?;
        self.expect(')')?;
        Ok(DataType::DateTime(Some(zone)))
    }

    fn precision(&mut self) -> Result<u8> {
        let n = self.number()?;
        u8::try_from(n).ok().filter(|n| *n <= 9).ok_or_else(|| {
            Error::new(
                Code::ARGUMENT_OUT_OF_BOUND,
                format!("Scale {n} is too large for DateTime64. Maximum is up to nanoseconds (9)"),
            )
        })
    }

    fn date_time64(&mut self) -> Result<DataType> {
        if !self.eat('(') {
            return Ok(DataType::DateTime64(3, None));
        }
        let precision = self.precision()?;
        let zone = if self.eat(',') {
            Some(self.zone()?)
        } else {
            None
        };
        self.expect(')')?;
        Ok(DataType::DateTime64(precision, zone))
    }

    fn decimal(&mut self, name: &str) -> Result<DataType> {
        let fixed = match name {
            "Decimal32" => Some(9),
            "Decimal64" => Some(18),
            "Decimal128" => Some(38),
            _ => None,
        };
        let (precision, scale) = if !self.eat('(') {
            (fixed.unwrap_or(10), 0)
        } else {
            let first = self.number()?;
            let second = if self.eat(',') {
                Some(self.number()?)
            } else {
                None
            };
            self.expect(')')?;
            match (fixed, second) {
                (Some(p), _) => (p, first),
                (None, second) => (first, second.unwrap_or(0)),
            }
        };
        if (39..=76).contains(&precision) {
            return Err(Error::not_implemented(format!(
                "Decimal({precision}, {scale}) (256 bits)"
            )));
        }
        if !(1..=38).contains(&precision) || !(0..=precision).contains(&scale) {
            return Err(Error::new(
                Code::ARGUMENT_OUT_OF_BOUND,
                format!("Wrong precision or scale of Decimal({precision}, {scale})"),
            ));
        }
        Ok(DataType::Decimal(precision as u8, scale as u8))
    }

    fn enumeration(&mut self, name: &str) -> Result<DataType> {
        self.expect('(')?;
        let mut values: Vec<(i16, String)> = Vec::new();
        let mut next: i64 = 1;
        loop {
            let text = self.string()?;
            if self.eat('=') {
                next = self.number()?;
            }
            let number = i16::try_from(next).map_err(|_| {
                Error::new(
                    Code::ARGUMENT_OUT_OF_BOUND,
                    format!("Enum value {next} is too large"),
                )
            })?;
            values.push((number, text));
            next += 1;
            if !self.eat(',') {
                break;
            }
        }
        self.expect(')')?;
        enum_of(name, values)
    }

    fn tuple(&mut self) -> Result<DataType> {
        let (mut types, mut names) = (Vec::new(), Vec::new());
        if !self.eat('(') {
            return Ok(DataType::tuple(types));
        }
        while self.peek() != Some(')') {
            let start = self.at;
            // A name is followed by a type; a type alone by a comma, a parenthesis or nothing.
            let name = self.identifier()?;
            match self.peek() {
                Some(',' | ')' | '(') | None => {
                    self.at = start;
                }
                _ => names.push(name),
            }
            types.push(self.data_type()?);
            if !self.eat(',') {
                break;
            }
        }
        self.expect(')')?;
        if !names.is_empty() && names.len() != types.len() {
            return Err(self.broken("names for all tuple elements or for none"));
        }
        Ok(DataType::Tuple(Arc::new(TupleType { types, names })))
    }

    /// `name` or `name(literal, ...)`.
    fn function_text(&mut self) -> Result<(String, Vec<String>)> {
        let name = self.word().to_string();
        let mut parameters = Vec::new();
        if self.eat('(') {
            while self.peek() != Some(')') {
                self.space();
                let start = self.at;
                if self.peek() == Some('\'') {
                    self.string()?;
                } else {
                    let rest = self.rest();
                    self.at += rest.find([',', ')']).unwrap_or(rest.len());
                }
                parameters.push(self.text[start..self.at].trim().to_string());
                if !self.eat(',') {
                    break;
                }
            }
            self.expect(')')?;
        }
        Ok((name, parameters))
    }

    fn aggregate(&mut self) -> Result<DataType> {
        self.expect('(')?;
        // An optional state version stands first: AggregateFunction(1, uniq, String).
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.number()?;
            self.expect(',')?;
        }
        let (function, parameters) = self.function_text()?;
        let mut arguments = Vec::new();
        while self.eat(',') {
            arguments.push(self.data_type()?);
        }
        self.expect(')')?;
        Ok(DataType::AggregateFunction(Arc::new(AggregateType {
            function,
            parameters,
            arguments,
        })))
    }
}

/// A time zone by its IANA name.
pub fn parse_zone(name: &str) -> Result<Tz> {
    name.parse::<Tz>()
        .map_err(|_| Error::new(Code::BAD_ARGUMENTS, format!("Cannot load time zone {name}")))
}

/// `Nullable(inner)` where ClickHouse allows it.
pub fn nullable_of(inner: DataType) -> Result<DataType> {
    use DataType::*;
    match inner {
        Nullable(_) | Array(_) | Map(..) | LowCardinality(_) | AggregateFunction(_) | Tuple(_) => {
            Err(Error::new(
                Code::ILLEGAL_TYPE_OF_ARGUMENT,
                format!("Nested type {inner} cannot be inside Nullable type"),
            ))
        }
        inner => Ok(Nullable(Arc::new(inner))),
    }
}

/// `LowCardinality(inner)` where ClickHouse allows it.
pub fn low_cardinality_of(inner: DataType) -> Result<DataType> {
    use DataType::*;
    match inner.without_nullable() {
        LowCardinality(_)
        | Array(_)
        | Map(..)
        | Tuple(_)
        | AggregateFunction(_)
        | Decimal(..)
        | Enum8(_)
        | Enum16(_)
        | DateTime64(..)
        | SimpleAggregateFunction(..) => Err(Error::new(
            Code::ILLEGAL_TYPE_OF_ARGUMENT,
            format!(
                "LowCardinality cannot be made of {inner}: only of numbers, strings, Date or DateTime"
            ),
        )),
        _ => Ok(inner.low_cardinality()),
    }
}

fn map_of(key: DataType, value: DataType) -> Result<DataType> {
    if key.is_nullable() || matches!(key, DataType::Map(..) | DataType::AggregateFunction(_)) {
        return Err(Error::new(
            Code::BAD_ARGUMENTS,
            format!("Map cannot have a key of type {key}"),
        ));
    }
    Ok(DataType::Map(Arc::new(key), Arc::new(value)))
}

fn enum_of(name: &str, mut values: Vec<(i16, String)>) -> Result<DataType> {
    values.sort();
    let mut names: Vec<&str> = values.iter().map(|v| v.1.as_str()).collect();
    names.sort_unstable();
    let repeated =
        names.windows(2).any(|w| w[0] == w[1]) || values.windows(2).any(|w| w[0].0 == w[1].0);
    if repeated {
        return Err(Error::new(
            Code::SYNTAX_ERROR,
            format!("Duplicate names or values in {name}"),
        ));
    }
    let small = values.iter().all(|v| i8::try_from(v.0).is_ok());
    let names = Arc::new(EnumNames { values });
    match name {
        "Enum16" => Ok(DataType::Enum16(names)),
        "Enum8" if !small => Err(Error::new(
            Code::ARGUMENT_OUT_OF_BOUND,
            "a value of Enum8 is outside -128 to 127",
        )),
        _ if small => Ok(DataType::Enum8(names)),
        _ => Ok(DataType::Enum16(names)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn text_round_trips() {
        for text in [
            "UInt8",
            "Array(Nullable(DateTime64(3, 'Europe/Berlin')))",
            "Tuple(a String, `b c` Nullable(Int8))",
            "Tuple(String, UInt8)",
            "Map(LowCardinality(String), Array(Float64))",
            "Enum8('a\\'b' = -1, 'x' = 3)",
            "AggregateFunction(quantiles(0.5, 0.9), Float64)",
            "AggregateFunction(count)",
            "SimpleAggregateFunction(sum, UInt64)",
            "LowCardinality(Nullable(String))",
            "Decimal(18, 4)",
            "IntervalDay",
            "Nullable(Nothing)",
            "FixedString(16)",
            "Tuple()",
        ] {
            assert_eq!(
                parse(text).map(|t| t.to_string()).ok().as_deref(),
                Some(text),
                "{text}"
            );
        }
    }

    #[test]
    fn aliases_and_errors() {
        let to = |t: &str| {
            parse(t)
                .map(|t| t.to_string())
                .unwrap_or_else(|e| format!("{e:?}"))
        };
        assert_eq!(to("varchar(255)"), "String");
        assert_eq!(to("int unsigned"), "UInt32");
        assert_eq!(to("Decimal64(2)"), "Decimal(18, 2)");
        assert_eq!(to("DateTime64"), "DateTime64(3)");
        assert_eq!(to("Enum('b', 'a')"), "Enum8('b' = 1, 'a' = 2)");
        assert!(to("Strin").contains("UNKNOWN_TYPE"));
        assert!(to("Nullable(Array(UInt8))").contains("ILLEGAL_TYPE_OF_ARGUMENT"));
        assert!(to("Array(").contains("SYNTAX_ERROR"));
        assert!(to(&"Array(".repeat(5000)).contains("TOO_DEEP"));
    }
}
