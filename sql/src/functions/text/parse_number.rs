//! Numbers from text. Each reader takes a prefix and says how much it took.
//!
//! Invariant: whole numbers wrap on overflow as ClickHouse's do; decimals and floats never wrap.

use roost_engine::bail;
use roost_engine::error::Result;

use super::number::pow10;

/// Reads `[+-]digits`; overflow wraps. Returns the value modulo 2^128 and the length.
pub fn integer(text: &[u8], signed: bool, name: &str) -> Result<(i128, usize)> {
    let (negative, mut at) = match text.first() {
        None => bail!(
            ATTEMPT_TO_READ_AFTER_EOF,
            "Attempt to read after eof: Cannot parse {name} from String, because value is too short"
        ),
        Some(b'-') if !signed => {
            bail!(
                CANNOT_PARSE_NUMBER,
                "Unsigned type must not contain '-' symbol: Cannot parse {name} from String"
            )
        }
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        Some(_) => (false, 0),
    };
    let first = at;
    let mut small = 0u64;
    // 19 digits cannot overflow 64 bits.
    while let Some(digit) = text
        .get(at)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d < 10)
        && at - first < 19
    {
        small = small * 10 + u64::from(digit);
        at += 1;
    }
    let mut value = i128::from(small);
    while let Some(digit) = text
        .get(at)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d < 10)
    {
        value = value.wrapping_mul(10).wrapping_add(i128::from(digit));
        at += 1;
    }
    if at == first {
        if first > 0 {
            bail!(
                CANNOT_PARSE_NUMBER,
                "Cannot parse number without any digits: Cannot parse {name} from String"
            );
        }
        bail!(
            CANNOT_PARSE_TEXT,
            "Cannot parse string '{}' as {name}: syntax error at begin of string",
            clip(text)
        );
    }
    Ok((
        if negative {
            value.wrapping_neg()
        } else {
            value
        },
        at,
    ))
}

/// Reads a float in ClickHouse's spellings. Returns the value and the length.
pub fn float(text: &[u8], name: &str) -> Result<(f64, usize)> {
    float_with(text, name, |t| fast_float2::parse_partial::<f64, _>(t).ok())
}

/// Like [`float`], rounded once to single.
pub fn float32(text: &[u8], name: &str) -> Result<(f64, usize)> {
    float_with(text, name, |t| {
        fast_float2::parse_partial::<f32, _>(t)
            .ok()
            .map(|(v, n)| (f64::from(v), n))
    })
}

fn float_with(
    text: &[u8],
    name: &str,
    parse: impl Fn(&[u8]) -> Option<(f64, usize)>,
) -> Result<(f64, usize)> {
    let plus = usize::from(text.first() == Some(&b'+') && text.get(1) != Some(&b'-'));
    match parse(&text[plus..]) {
        Some((value, length)) if length > 0 => Ok((value, length + plus)),
        _ => bail!(
            CANNOT_PARSE_NUMBER,
            "Cannot read floating point value here: {}: Cannot parse {name} from String",
            clip(text)
        ),
    }
}

/// Reads a decimal with optional exponent; digits past the scale are cut off.
pub fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<(i128, usize)> {
    if text.is_empty() {
        bail!(
            ATTEMPT_TO_READ_AFTER_EOF,
            "Attempt to read after eof: Cannot parse Decimal({precision}, {scale}) from String, because value is too short"
        );
    }
    let negative = text[0] == b'-';
    let mut at = usize::from(negative || text[0] == b'+');
    let (mut digits, mut after_point): (Vec<u8>, Option<i64>) = (Vec::new(), None);
    let first = at;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'0'..=b'9' => {
                if !digits.is_empty() || byte != b'0' {
                    digits.push(byte - b'0');
                }
                after_point = after_point.map(|n| n + 1);
            }
            b'.' if after_point.is_none() => after_point = Some(0),
            _ => break,
        }
        at += 1;
    }
    if at == first || (at == first + 1 && after_point.is_some()) {
        bail!(
            CANNOT_PARSE_TEXT,
            "Cannot parse string '{}' as Decimal({precision}, {scale}): syntax error at begin of string",
            clip(text)
        );
    }
    let mut exponent = -after_point.unwrap_or(0);
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let (e, length) = integer(&text[at + 1..], true, "exponent")?;
        exponent += i64::try_from(e)
            .unwrap_or(i64::MAX / 2)
            .clamp(-100_000, 100_000);
        at += 1 + length;
    }
    let value = scale_digits(&digits, exponent, precision, scale)?;
    Ok((if negative { -value } else { value }, at))
}

/// The digits times 10^exponent as an unscaled decimal.
fn scale_digits(digits: &[u8], exponent: i64, precision: u8, scale: u8) -> Result<i128> {
    let significant = digits.iter().rposition(|d| *d != 0).map_or(0, |n| n + 1);
    let whole_digits = digits.len() as i64 + exponent;
    if significant > 0 && whole_digits > i64::from(precision - scale) {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Too many digits ({} > {precision}) in decimal value",
            whole_digits + i64::from(scale)
        );
    }
    let keep = (whole_digits + i64::from(scale)).clamp(0, digits.len() as i64) as usize;
    let value = digits[..keep]
        .iter()
        .fold(0u128, |v, d| v * 10 + u128::from(*d));
    let missing = (whole_digits + i64::from(scale) - keep as i64).clamp(0, 38) as u8;
    let scaled = if value == 0 {
        0
    } else {
        value * pow10(missing)
    };
    Ok(scaled as i128)
}

/// The first bytes of a text, for messages.
pub(super) fn clip(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(100)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_clickhouse() {
        assert_eq!(integer(b"300x", true, "Int8").unwrap(), (300, 3));
        assert_eq!(
            integer(b"18446744073709551616", false, "UInt64").unwrap().0 as u64,
            0
        );
        assert_eq!(
            integer(b"-170141183460469231731687303715884105728", true, "Int128")
                .unwrap()
                .0,
            i128::MIN
        );
        assert!(integer(b"-", true, "Int8").is_err());
        assert_eq!(float(b"5.", "Float64").unwrap(), (5.0, 2));
        assert_eq!(float(b"+1", "Float64").unwrap(), (1.0, 2));
        assert_eq!(float(b"-Infinity", "Float64").unwrap().0, f64::NEG_INFINITY);
        assert_eq!(decimal(b"1.235", 9, 2).unwrap(), (123, 5));
        assert_eq!(decimal(b"1e2", 9, 2).unwrap().0, 10_000);
        assert_eq!(decimal(b"-.5", 9, 2).unwrap().0, -50);
        assert_eq!(decimal(b"1e-3", 9, 2).unwrap().0, 0);
        assert!(decimal(b"12345678901", 9, 2).is_err());
        assert!(decimal(b".", 9, 2).is_err());
        assert_eq!(
            decimal(b"99999999999999999999999999999999999999", 38, 0)
                .unwrap()
                .0,
            10i128.pow(38) - 1
        );
    }
}
