//! IP addresses and ranges of them.
//!
//! Invariant: a prefix longer than the address covers one address.

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{Operand, two, unary, zip};
use crate::functions::library::kit::{Strs, arity, f, text, try_nums};
use crate::functions::text::address::{parse_ipv4, parse_ipv6, write_ipv6};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "ip";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "IPv4ToIPv6(x)",
        "The IPv6 address that stands for an IPv4 address.",
        ("IPv4ToIPv6(toIPv4('1.2.3.4'))", "::ffff:1.2.3.4"),
        bind_map,
    ),
    f(
        CATEGORY,
        "IPv4CIDRToRange(ip, bits)",
        "The first and the last address that share a prefix.",
        (
            "IPv4CIDRToRange(toIPv4('192.168.5.2'), 16)",
            "('192.168.0.0','192.168.255.255')",
        ),
        bind_range4,
    ),
    f(
        CATEGORY,
        "IPv6CIDRToRange(ip, bits)",
        "The first and the last address that share a prefix.",
        (
            "IPv6CIDRToRange(toIPv6('2001:db8::1'), 32)",
            "('2001:db8::','2001:db8:ffff:ffff:ffff:ffff:ffff:ffff')",
        ),
        bind_range6,
    ),
    f(
        CATEGORY,
        "isIPAddressInRange(address, prefix)",
        "Whether an address has a prefix in CIDR notation.",
        ("isIPAddressInRange('127.0.0.1', '127.0.0.0/8')", "1"),
        bind_in_range,
    ),
    f(
        CATEGORY,
        "cutIPv6(ip, bytes, bytes4)",
        "The address with that many bytes at its end set to zero.",
        ("cutIPv6(toIPv6('2001:db8::1'), 2, 0)", "2001:db8::"),
        bind_cut,
    ),
];

fn bind_map(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    match args[0].ty {
        DataType::IPv4 | DataType::UInt32 => Ok(BoundFunction::new(
            DataType::IPv6,
            unary(|v: u32| u128::from(v) | 0xFFFF_0000_0000),
        )),
        _ => illegal("IPv4ToIPv6", args),
    }
}

/// The mask of a prefix within a width.
fn mask(bits: u64, width: u32) -> u128 {
    let rest = width - (bits.min(u64::from(width)) as u32);
    let all = if width == 128 {
        u128::MAX
    } else {
        (1 << width) - 1
    };
    if rest >= 128 {
        0
    } else {
        all >> rest << rest & all
    }
}

fn bind_range4(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    if !(matches!(args[0].ty, DataType::IPv4 | DataType::UInt32) && args[1].ty.is_unsigned()) {
        return illegal("IPv4CIDRToRange", args);
    }
    let ty = DataType::tuple(vec![DataType::IPv4, DataType::IPv4]);
    Ok(BoundFunction::new(ty, |columns, rows| {
        let (ip, bits) = two(columns)?;
        let (ip, bits) = (Operand::<u32>::of(ip)?, Operand::<u64>::of(bits)?);
        let low = zip(&ip, &bits, rows, |ip, bits| ip & mask(bits, 32) as u32);
        let high = zip(&ip, &bits, rows, |ip, bits| ip | !(mask(bits, 32) as u32));
        Ok(Column::Flat(Flat::tuple(
            vec![Column::native(low), Column::native(high)],
            rows,
        )?))
    }))
}

fn bind_range6(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    if !(args[0].ty == DataType::IPv6 && args[1].ty.is_unsigned()) {
        return illegal("IPv6CIDRToRange", args);
    }
    let ty = DataType::tuple(vec![DataType::IPv6, DataType::IPv6]);
    Ok(BoundFunction::new(ty, |columns, rows| {
        let (ip, bits) = two(columns)?;
        let (ip, bits) = (Operand::<u128>::of(ip)?, Operand::<u64>::of(bits)?);
        let low = zip(&ip, &bits, rows, |ip, bits| ip & mask(bits, 128));
        let high = zip(&ip, &bits, rows, |ip, bits| ip | !mask(bits, 128));
        Ok(Column::Flat(Flat::tuple(
            vec![Column::native(low), Column::native(high)],
            rows,
        )?))
    }))
}

fn address(text: &[u8]) -> Result<(u128, u32)> {
    match parse_ipv4(text) {
        Ok(v4) => Ok((v4.into(), 32)),
        Err(_) => Ok((parse_ipv6(text)?, 128)),
    }
}

fn in_range(ip: &[u8], prefix: &[u8]) -> Result<u8> {
    let broken = || {
        roost_engine::err!(
            CANNOT_PARSE_TEXT,
            "The text does not contain '/': {}",
            String::from_utf8_lossy(prefix)
        )
    };
    let slash = prefix.iter().position(|b| *b == b'/').ok_or_else(broken)?;
    let ((network, width), (ip, ip_width)) = (address(&prefix[..slash])?, address(ip)?);
    let bits = std::str::from_utf8(&prefix[slash + 1..])
        .ok()
        .and_then(|t| t.parse::<u64>().ok());
    let bits = bits.filter(|b| *b <= u64::from(width)).ok_or_else(broken)?;
    // An IPv4 address also lies in the IPv6 range that maps it.
    let (ip, same) = match (ip_width, width) {
        (32, 128) => (ip | 0xFFFF_0000_0000, true),
        (a, b) => (ip, a == b),
    };
    Ok(u8::from(same && (ip ^ network) & mask(bits, width) == 0))
}

fn bind_in_range(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    if !args[1].ty.is_string()
        || !(args[0].ty.is_string() || matches!(args[0].ty, DataType::IPv4 | DataType::IPv6))
    {
        return illegal("isIPAddressInRange", args);
    }
    let writer = crate::functions::text::TextWriter::new(
        &args[0].ty,
        crate::functions::text::Escaping::Plain,
    );
    let is_text = args[0].ty.is_string();
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let (ip, prefix) = two(columns)?;
        let texts = if is_text {
            ip.clone()
        } else {
            Column::Flat(Flat::Bytes(writer.column(ip)))
        };
        let (ip, prefix) = (Strs::of(&texts)?, Strs::of(prefix)?);
        try_nums(rows, |row| in_range(ip.get(row), prefix.get(row)))
    }))
}

fn bind_cut(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 3..=3)?;
    if !matches!(args[0].ty, DataType::IPv6 | DataType::FixedString(16)) {
        return illegal("cutIPv6", args);
    }
    let fixed = args[0].ty != DataType::IPv6;
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let (cut6, cut4) = (
                Operand::<u64>::of(&columns[1])?,
                Operand::<u64>::of(&columns[2])?,
            );
            let values: Vec<u128> = match fixed {
                false => (0..rows)
                    .map({
                        let v = Operand::<u128>::of(&columns[0])?;
                        move |row| v.get(row)
                    })
                    .collect(),
                true => {
                    let bytes = Strs::of(&columns[0])?;
                    (0..rows)
                        .map(|row| {
                            bytes
                                .get(row)
                                .iter()
                                .fold(0, |n, b| n << 8 | u128::from(*b))
                        })
                        .collect()
                }
            };
            if (0..rows).any(|row| cut6.get(row) > 16 || cut4.get(row) > 16) {
                bail!(
                    ARGUMENT_OUT_OF_BOUND,
                    "Illegal value for argument of function cutIPv6: at most 16 bytes can be cut"
                );
            }
            Ok(text(rows, rows * 20, |row, out| {
                let value = values[row];
                let bytes = if value >> 32 == 0xFFFF {
                    cut4.get(row)
                } else {
                    cut6.get(row)
                };
                write_ipv6(value & mask(128 - bytes * 8, 128), out);
            }))
        },
    ))
}
