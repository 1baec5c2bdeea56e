//! IP and MAC addresses as texts and numbers.
//!
//! Invariant: a text that is no address is an error, NULL or zero, as the name says.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{Operand, one};
use crate::functions::library::kit::{Strs, arity, f, text, text_nums};
use crate::functions::text::address::{parse_ipv4, parse_ipv6, write_ipv4, write_ipv6};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "ip";

#[derive(Clone, Copy, PartialEq)]
enum Or {
    Fail,
    Null,
    Zero,
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "IPv4NumToString(n)",
        "An IPv4 address from its number.",
        ("IPv4NumToString(16909060)", "1.2.3.4"),
        |a, _| bind_v4_text(a, false),
    )
    .also(&["INET_NTOA"])
    .any_case(),
    f(
        CATEGORY,
        "IPv4NumToStringClassC(n)",
        "An IPv4 address with its last number hidden.",
        ("IPv4NumToStringClassC(16909060)", "1.2.3.xxx"),
        |a, _| bind_v4_text(a, true),
    ),
    f(
        CATEGORY,
        "IPv4StringToNum(s)",
        "The number of an IPv4 address.",
        ("IPv4StringToNum('1.2.3.4')", "16909060"),
        |a, _| bind_v4_num(a, Or::Fail),
    )
    .also(&["INET_ATON"])
    .any_case(),
    f(
        CATEGORY,
        "IPv4StringToNumOrNull(s)",
        "Like IPv4StringToNum, NULL for other texts.",
        ("IPv4StringToNumOrNull('x')", "\\N"),
        |a, _| bind_v4_num(a, Or::Null),
    ),
    f(
        CATEGORY,
        "IPv4StringToNumOrDefault(s)",
        "Like IPv4StringToNum, 0 for other texts.",
        ("IPv4StringToNumOrDefault('x')", "0"),
        |a, _| bind_v4_num(a, Or::Zero),
    ),
    f(
        CATEGORY,
        "IPv6NumToString(bytes)",
        "An IPv6 address from its 16 bytes.",
        ("IPv6NumToString(IPv6StringToNum('::1'))", "::1"),
        bind_v6_text,
    )
    .also(&["INET6_NTOA"])
    .any_case(),
    f(
        CATEGORY,
        "IPv6StringToNum(s)",
        "The 16 bytes of an address.",
        (
            "hex(IPv6StringToNum('::1'))",
            "00000000000000000000000000000001",
        ),
        |a, _| bind_v6_num(a, Or::Fail),
    )
    .also(&["INET6_ATON"])
    .any_case(),
    f(
        CATEGORY,
        "IPv6StringToNumOrNull(s)",
        "Like IPv6StringToNum, NULL for other texts.",
        ("IPv6StringToNumOrNull('x')", "\\N"),
        |a, _| bind_v6_num(a, Or::Null),
    ),
    f(
        CATEGORY,
        "IPv6StringToNumOrDefault(s)",
        "Like IPv6StringToNum, zeros for other texts.",
        (
            "hex(IPv6StringToNumOrDefault('x'))",
            "00000000000000000000000000000000",
        ),
        |a, _| bind_v6_num(a, Or::Zero),
    ),
    f(
        CATEGORY,
        "isIPv4String(s)",
        "Whether the text is an IPv4 address.",
        ("isIPv4String('1.2.3.4')", "1"),
        |a, _| text_nums(a, DataType::UInt8, |t| u8::from(parse_ipv4(t).is_ok())),
    ),
    f(
        CATEGORY,
        "isIPv6String(s)",
        "Whether the text is an IPv6 address.",
        ("isIPv6String('::1')", "1"),
        |a, _| {
            text_nums(a, DataType::UInt8, |t| {
                u8::from(t.contains(&b':') && parse_ipv6(t).is_ok())
            })
        },
    ),
    f(
        CATEGORY,
        "MACNumToString(n)",
        "A MAC address from its number.",
        ("MACNumToString(1108152157446)", "01:02:03:04:05:06"),
        bind_mac_text,
    ),
    f(
        CATEGORY,
        "MACStringToNum(s)",
        "The number of a MAC address; 0 for other texts.",
        ("MACStringToNum('01:02:03:04:05:06')", "1108152157446"),
        |a, _| text_nums(a, DataType::UInt64, mac),
    ),
];

fn bind_v4_text(args: &[Arg], hide: bool) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !(args[0].ty.is_unsigned() || args[0].ty == DataType::IPv4) {
        return illegal("IPv4NumToString", args);
    }
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let numbers = Operand::<u32>::of(one(columns)?)?;
            Ok(text(rows, rows * 15, |row, out| {
                write_ipv4(numbers.get(row), out);
                if hide {
                    let dot = out
                        .iter()
                        .rposition(|b| *b == b'.')
                        .map_or(out.len(), |at| at + 1);
                    out.truncate(dot);
                    out.extend_from_slice(b"xxx");
                }
            }))
        },
    ))
}

fn bind_v4_num(args: &[Arg], or: Or) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        return illegal("IPv4StringToNum", args);
    }
    let ty = if or == Or::Null {
        DataType::UInt32.nullable()
    } else {
        DataType::UInt32
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let texts = Strs::of(one(columns)?)?;
        let (mut numbers, mut failed) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let parsed = parse_ipv4(texts.get(row));
            if parsed.is_err() && or == Or::Fail {
                bail!(CANNOT_PARSE_IPV4, "Invalid IPv4 value");
            }
            failed.push(u8::from(parsed.is_err()));
            numbers.push(parsed.unwrap_or_default());
        }
        let numbers = Flat::native(numbers);
        Ok(Column::Flat(if or == Or::Null {
            Flat::nullable(failed, numbers)?
        } else {
            numbers
        }))
    }))
}

fn bind_v6_text(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match args[0].ty {
        DataType::IPv6 => Ok(BoundFunction::new(DataType::String, |columns, rows| {
            let numbers = Operand::<u128>::of(one(columns)?)?;
            Ok(text(rows, rows * 20, |row, out| {
                write_ipv6(numbers.get(row), out)
            }))
        })),
        DataType::FixedString(16) => Ok(BoundFunction::new(DataType::String, |columns, rows| {
            let bytes = Strs::of(one(columns)?)?;
            Ok(text(rows, rows * 20, |row, out| {
                write_ipv6(
                    bytes
                        .get(row)
                        .iter()
                        .fold(0, |n, b| n << 8 | u128::from(*b)),
                    out,
                );
            }))
        })),
        _ => illegal("IPv6NumToString", args),
    }
}

fn bind_v6_num(args: &[Arg], or: Or) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        return illegal("IPv6StringToNum", args);
    }
    let ty = DataType::FixedString(16);
    let ty = if or == Or::Null { ty.nullable() } else { ty };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let texts = Strs::of(one(columns)?)?;
        let (mut data, mut failed) = (Vec::with_capacity(rows * 16), Vec::with_capacity(rows));
        for row in 0..rows {
            let parsed = parse_ipv6(texts.get(row));
            if parsed.is_err() && or == Or::Fail {
                bail!(CANNOT_PARSE_IPV6, "Invalid IPv6 value");
            }
            failed.push(u8::from(parsed.is_err()));
            data.extend_from_slice(&parsed.unwrap_or_default().to_be_bytes());
        }
        let fixed = Flat::Fixed {
            width: 16,
            data: data.into(),
        };
        Ok(Column::Flat(if or == Or::Null {
            Flat::nullable(failed, fixed)?
        } else {
            fixed
        }))
    }))
}

fn bind_mac_text(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if args[0].ty != DataType::UInt64 {
        return illegal("MACNumToString", args);
    }
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let numbers = Operand::<u64>::of(one(columns)?)?;
        Ok(text(rows, rows * 17, |row, out| {
            let bytes = numbers.get(row).to_be_bytes();
            let digits: Vec<String> = bytes[2..].iter().map(|b| format!("{b:02X}")).collect();
            out.extend_from_slice(digits.join(":").as_bytes());
        }))
    }))
}

fn mac(text: &[u8]) -> u64 {
    let parse = || {
        let text = std::str::from_utf8(text).ok().filter(|t| t.len() == 17)?;
        text.split(':').try_fold(0u64, |n, part| {
            Some(n << 8 | u64::from(u8::from_str_radix(part, 16).ok()?))
        })
    };
    parse().unwrap_or(0)
}
