//! Numbers as text.
//!
//! Invariant: a float is written with the fewest digits that read back to it, in positional form
//! from 1e-6 up to 1e21 and with an exponent outside.

use roost_engine::column::Native;

/// Appends a whole number.
#[inline]
pub fn write_integer<T: itoa::Integer>(value: T, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends a double.
pub fn write_f64(value: f64, out: &mut Vec<u8>) {
    if value.abs() < 1e15 && value.trunc() == value && (value != 0.0 || value.is_sign_positive()) {
        return write_integer(value as i64, out);
    }
    if write_special(value, out) {
        return;
    }
    relayout(zmij::Buffer::new().format_finite(value), out);
}

/// Appends a single.
pub fn write_f32(value: f32, out: &mut Vec<u8>) {
    if value.abs() < 1e7 && value.trunc() == value && (value != 0.0 || value.is_sign_positive()) {
        return write_integer(value as i64, out);
    }
    if write_special(f64::from(value), out) {
        return;
    }
    relayout(zmij::Buffer::new().format_finite(value), out);
}

fn write_special(value: f64, out: &mut Vec<u8>) -> bool {
    let text: &[u8] = match value {
        v if v.is_nan() => b"nan",
        v if v == f64::INFINITY => b"inf",
        v if v == f64::NEG_INFINITY => b"-inf",
        0.0 => b"-0",
        _ => return false,
    };
    out.extend_from_slice(text);
    true
}

/// Rewrites `d.ddde±x` or `ddd.ddd` into ClickHouse's layout of the same digits.
fn relayout(shortest: &str, out: &mut Vec<u8>) {
    // Without an exponent it is that layout already: from 1e-5 up to 1e16, and no zero at its end
    // but the one that stands for no fraction.
    if !shortest.bytes().any(|b| matches!(b, b'e' | b'E')) {
        let text = shortest.strip_suffix(".0").unwrap_or(shortest);
        return out.extend_from_slice(text.as_bytes());
    }
    rebuild(shortest, out);
}

/// The digits of any text of a number in ClickHouse's layout.
fn rebuild(shortest: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = match shortest.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i32>().unwrap_or(0)),
        None => (shortest, 0),
    };
    let (mantissa, negative) = match mantissa.strip_prefix('-') {
        Some(rest) => (rest, true),
        None => (mantissa, false),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits: Vec<u8> = Vec::with_capacity(24);
    digits.extend_from_slice(whole.as_bytes());
    digits.extend_from_slice(fraction.as_bytes());
    let leading = digits.iter().take_while(|d| **d == b'0').count();
    // The value is 0.DIGITS * 10^point.
    let point = whole.len() as i32 - leading as i32 + exponent;
    digits.drain(..leading);
    let trailing = digits.iter().rev().take_while(|d| **d == b'0').count();
    digits.truncate(digits.len() - trailing);
    if negative {
        out.push(b'-');
    }
    layout(&digits, point, out);
}

fn layout(digits: &[u8], point: i32, out: &mut Vec<u8>) {
    let count = digits.len() as i32;
    if point > 21 || point <= -6 {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.push(b'e');
        write_integer(point - 1, out);
    } else if point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    } else if point >= count {
        out.extend_from_slice(digits);
        out.resize(out.len() + (point - count) as usize, b'0');
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    }
}

/// Appends an unscaled decimal, without trailing zeros after the point.
pub fn write_decimal(unscaled: i128, scale: u8, out: &mut Vec<u8>) {
    write_decimal_digits(unscaled, scale, false, out);
}

/// Appends an unscaled decimal; `fixed` keeps all digits after the point.
pub fn write_decimal_digits(unscaled: i128, scale: u8, fixed: bool, out: &mut Vec<u8>) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let power = pow10(scale);
    let magnitude = unscaled.unsigned_abs();
    write_integer(magnitude / power, out);
    let fraction = magnitude % power;
    if scale == 0 || (fraction == 0 && !fixed) {
        return;
    }
    out.push(b'.');
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(fraction);
    out.resize(out.len() + usize::from(scale) - digits.len(), b'0');
    out.extend_from_slice(digits.as_bytes());
    while !fixed && out.last() == Some(&b'0') {
        out.pop();
    }
}

/// 10 to the power of a decimal's scale (at most 38).
#[inline]
pub fn pow10(scale: u8) -> u128 {
    10u128.pow(u32::from(scale.min(38)))
}

/// Numbers that print as whole numbers.
pub trait WholeText: Native {
    /// Appends the digits.
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! whole {
    ($($ty:ty),*) => { $(impl WholeText for $ty {
        #[inline]
        fn write(self, out: &mut Vec<u8>) { write_integer(self, out) }
    })* };
}
whole!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_clickhouse() {
        let text = |v: f64| {
            let mut out = Vec::new();
            write_f64(v, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        for (value, expected) in [
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (123_456_789_012_345_678_901.5, "123456789012345680000"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (0.000_012_345, "0.000012345"),
            (-0.0, "-0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
            (1.5e300, "1.5e300"),
            (-1234.5678, "-1234.5678"),
            (0.1, "0.1"),
            (100.0, "100"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn positional_texts_are_the_layout_already() {
        let mut bits = 0x9E37_79B9_7F4A_7C15_u64;
        let edges: [f64; 12] = [
            1e-7, 1e-6, 9.999e-6, 1e-5, 1e-4, 0.5, 1e7, 1e15, 1e16, 1e17, 1e21, 1e22,
        ];
        let near = edges
            .iter()
            .flat_map(|e| [e.next_down(), *e, e.next_up(), -e]);
        let random = (0..20_000).map(|_| {
            bits = bits.wrapping_mul(0xD129_0FF5_A1B6_3C4D).rotate_left(29);
            f64::from_bits(bits)
        });
        for value in near.chain(random).filter(|v| v.is_finite()) {
            let mut buffer = zmij::Buffer::new();
            for wide in [true, false] {
                let shortest = match wide {
                    true => buffer.format_finite(value),
                    false if (value as f32).is_finite() && value as f32 != 0.0 => {
                        buffer.format_finite(value as f32)
                    }
                    false => continue,
                };
                let (mut short, mut long) = (Vec::new(), Vec::new());
                relayout(shortest, &mut short);
                rebuild(shortest, &mut long);
                assert!(short == long, "{shortest}");
            }
        }
    }

    #[test]
    fn decimals_drop_trailing_zeros() {
        let text = |v, s| {
            let mut out = Vec::new();
            write_decimal(v, s, &mut out);
            String::from_utf8(out).unwrap_or_default()
        };
        assert_eq!(text(150, 2), "1.5");
        assert_eq!(text(-5, 3), "-0.005");
        assert_eq!(text(100, 2), "1");
        assert_eq!(text(7, 0), "7");
    }
}
