//! `printf`: C's conversions.
//!
//! Invariant: conversions and argument types are matched at bind time; running cannot fail.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::super::kit::{Caster, Ints, Strs, arity, f, string, text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[f(
    "string",
    "printf(format, ...)",
    "The format with C's conversions (`%d`, `%05.2f`, `%s`, ...) replaced by the arguments.",
    ("printf('%s: %05d', 'a', 42)", "a: 00042"),
    printf,
)];

#[derive(Clone, Default)]
struct Conversion {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternative: bool,
    width: usize,
    precision: Option<usize>,
    kind: u8,
}

enum Piece {
    Text(Vec<u8>),
    Value(Conversion),
}

fn pieces(format: &[u8]) -> Result<Vec<Piece>> {
    let (mut all, mut plain) = (Vec::new(), Vec::new());
    let mut rest = format;
    while let Some((&b, tail)) = rest.split_first() {
        rest = tail;
        if b != b'%' {
            plain.push(b);
            continue;
        }
        if let Some((b'%', tail)) = rest.split_first() {
            plain.push(b'%');
            rest = tail;
            continue;
        }
        all.push(Piece::Text(std::mem::take(&mut plain)));
        all.push(Piece::Value(conversion(&mut rest)?));
    }
    all.push(Piece::Text(plain));
    Ok(all)
}

fn conversion(rest: &mut &[u8]) -> Result<Conversion> {
    let mut c = Conversion::default();
    while let Some((&b, tail)) = rest.split_first() {
        match b {
            b'-' => c.left = true,
            b'+' => c.plus = true,
            b' ' => c.space = true,
            b'0' => c.zero = true,
            b'#' => c.alternative = true,
            _ => break,
        }
        *rest = tail;
    }
    c.width = digits(rest);
    if let Some((b'.', tail)) = rest.split_first() {
        *rest = tail;
        c.precision = Some(digits(rest));
    }
    let Some((&kind, tail)) = rest.split_first() else {
        bail!(BAD_ARGUMENTS, "the format ends inside a conversion");
    };
    *rest = tail;
    if !b"diuoxXcfFeEgGs".contains(&kind) {
        bail!(
            BAD_ARGUMENTS,
            "bad conversion %{} in a format",
            char::from(kind)
        );
    }
    c.kind = kind;
    Ok(c)
}

fn digits(rest: &mut &[u8]) -> usize {
    let mut n = 0usize;
    while let Some((b, tail)) = rest.split_first() {
        if !b.is_ascii_digit() {
            break;
        }
        n = (n * 10 + usize::from(b - b'0')).min(10_000);
        *rest = tail;
    }
    n
}

enum Source {
    Whole,
    Real(Caster),
    Text,
}

fn source(c: &Conversion, ty: &DataType, context: &BindContext) -> Result<Source> {
    if !ty.is_numeric() && !ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "printf cannot write {ty}, expected a number or a string"
        );
    }
    let whole = ty.is_integer() || *ty == DataType::Bool;
    match c.kind {
        b's' if ty.is_string() => Ok(Source::Text),
        b'f' | b'F' | b'e' | b'E' | b'g' | b'G' if ty.is_float() => {
            Ok(Source::Real(Caster::new(ty, &DataType::Float64, context)?))
        }
        b'd' | b'i' | b'u' | b'o' | b'x' | b'X' | b'c' if whole => Ok(Source::Whole),
        kind => bail!(
            BAD_ARGUMENTS,
            "conversion %{} does not fit an argument of type {ty}",
            char::from(kind)
        ),
    }
}

fn printf(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    string(args, 0)?;
    let Some(format) = args[0].constant.as_ref().and_then(|v| v.as_bytes()) else {
        bail!(ILLEGAL_COLUMN, "the format must be a constant string");
    };
    let pieces = pieces(format)?;
    let conversions = pieces.iter().filter_map(|p| match p {
        Piece::Value(c) => Some(c),
        Piece::Text(_) => None,
    });
    let mut sources = Vec::new();
    for (i, c) in conversions.enumerate() {
        let Some(arg) = args.get(i + 1) else {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "the format wants more than {} arguments",
                args.len() - 1
            );
        };
        sources.push(source(c, &arg.ty, context)?);
    }
    if sources.len() + 1 != args.len() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "the format wants {} arguments, found {}",
            sources.len(),
            args.len() - 1
        );
    }
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        run(&pieces, &sources, columns, rows)
    }))
}

enum Values<'a> {
    Whole(Ints),
    Real(Vec<f64>),
    Text(Strs<'a>),
}

fn run(pieces: &[Piece], sources: &[Source], columns: &[Column], rows: usize) -> Result<Column> {
    let values = sources.iter().zip(&columns[1..]).map(|(source, column)| {
        Ok(match source {
            Source::Whole => Values::Whole(Ints::of(column)?),
            Source::Real(caster) => {
                Values::Real(caster.apply(column)?.to_flat().slice_of::<f64>()?.to_vec())
            }
            Source::Text => Values::Text(Strs::of(column)?),
        })
    });
    let values = values.collect::<Result<Vec<_>>>()?;
    let mut buffer = Vec::new();
    Ok(text(rows, rows * 16, |row, out| {
        let mut next = values.iter();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => out.extend_from_slice(plain),
                Piece::Value(c) => {
                    buffer.clear();
                    match next.next() {
                        Some(Values::Whole(v)) => whole(c, v.get(row), &mut buffer),
                        Some(Values::Real(v)) => real(c, v[row], &mut buffer),
                        Some(Values::Text(s)) => {
                            let s = s.get(row);
                            buffer.extend_from_slice(&s[..s.len().min(c.precision.unwrap_or(s.len()))]);
                        }
                        None => {}
                    }
                    pad(c, &buffer, out);
                }
            }
        }
    }))
}

/// Fills up to the width: on the right, with zeros after the sign, or with spaces on the left.
fn pad(c: &Conversion, body: &[u8], out: &mut Vec<u8>) {
    let missing = c.width.saturating_sub(body.len());
    let numeric = !matches!(c.kind, b's' | b'c');
    if c.left {
        out.extend_from_slice(body);
        out.extend(std::iter::repeat_n(b' ', missing));
    } else if c.zero && numeric {
        let sign = usize::from(body.first().is_some_and(|b| b"+- ".contains(b)));
        out.extend_from_slice(&body[..sign]);
        out.extend(std::iter::repeat_n(b'0', missing));
        out.extend_from_slice(&body[sign..]);
    } else {
        out.extend(std::iter::repeat_n(b' ', missing));
        out.extend_from_slice(body);
    }
}

fn sign(c: &Conversion, negative: bool, out: &mut Vec<u8>) {
    match negative {
        true => out.push(b'-'),
        false if c.plus => out.push(b'+'),
        false if c.space => out.push(b' '),
        false => {}
    }
}

fn whole(c: &Conversion, value: i64, out: &mut Vec<u8>) {
    let bits = value as u64;
    let digits = match c.kind {
        b'c' => {
            out.push(value as u8);
            return;
        }
        b'o' => format!("{bits:o}"),
        b'x' => format!("{bits:x}"),
        b'X' => format!("{bits:X}"),
        b'u' => bits.to_string(),
        _ => {
            sign(c, value < 0, out);
            value.unsigned_abs().to_string()
        }
    };
    if c.alternative && value != 0 && matches!(c.kind, b'x' | b'X' | b'o') {
        out.extend_from_slice(match c.kind {
            b'x' => b"0x",
            b'X' => b"0X",
            _ => b"0",
        });
    }
    let least = c.precision.unwrap_or(1);
    out.extend(std::iter::repeat_n(b'0', least.saturating_sub(digits.len())));
    out.extend_from_slice(digits.as_bytes());
}

fn real(c: &Conversion, value: f64, out: &mut Vec<u8>) {
    let upper = c.kind.is_ascii_uppercase();
    sign(c, value.is_sign_negative() && !value.is_nan(), out);
    let value = value.abs();
    let precision = c.precision.unwrap_or(6);
    let mut text = match c.kind.to_ascii_lowercase() {
        _ if value.is_nan() => "nan".to_owned(),
        _ if value.is_infinite() => "inf".to_owned(),
        b'f' => format!("{value:.precision$}"),
        b'e' => exponent(value, precision),
        _ => general(value, precision.max(1), c.alternative),
    };
    if upper {
        text.make_ascii_uppercase();
    }
    out.extend_from_slice(text.as_bytes());
}

/// `1.500000e+00`.
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, power)) => {
            let (sign, digits) = match power.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', power),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}

fn general(value: f64, precision: usize, keep_zeros: bool) -> String {
    let rounded = exponent(value, precision - 1);
    let power: i32 = rounded.split_once('e').and_then(|p| p.1.parse().ok()).unwrap_or(0);
    let trim = |text: &str| match text.contains('.') && !keep_zeros {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if power < -4 || power >= precision as i32 {
        let (mantissa, power) = rounded.split_once('e').unwrap_or((&rounded, "+00"));
        return format!("{}e{power}", trim(mantissa));
    }
    let decimals = usize::try_from(precision as i32 - 1 - power).unwrap_or(0);
    trim(&format!("{value:.decimals$}"))
}
