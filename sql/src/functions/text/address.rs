//! UUIDs and IP addresses as text.
//!
//! Invariant: what is written reads back; reading takes the spellings that ClickHouse takes.

use std::net::{Ipv4Addr, Ipv6Addr};

use roost_engine::err;
use roost_engine::error::Result;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `8-4-4-4-12` hexadecimal digits.
pub fn write_uuid(value: u128, out: &mut Vec<u8>) {
    for (i, byte) in value.to_be_bytes().iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// Appends dotted decimal.
pub fn write_ipv4(value: u32, out: &mut Vec<u8>) {
    for (i, byte) in value.to_be_bytes().iter().enumerate() {
        if i > 0 {
            out.push(b'.');
        }
        super::number::write_integer(*byte, out);
    }
}

/// Appends the shortest form; IPv4 addresses mapped into IPv6 end in dotted decimal.
pub fn write_ipv6(value: u128, out: &mut Vec<u8>) {
    use std::io::Write;
    if value >> 32 == 0 && value > 0xFFFF {
        out.extend_from_slice(b"::");
        return write_ipv4(value as u32, out);
    }
    let address = Ipv6Addr::from(value);
    // Writing into a vector cannot fail.
    let _ = write!(out, "{address}");
}

/// A UUID with or without dashes.
pub fn parse_uuid(text: &[u8]) -> Result<u128> {
    let broken = || {
        err!(
            CANNOT_PARSE_UUID,
            "Cannot parse uuid {}",
            String::from_utf8_lossy(text)
        )
    };
    let dashed = text.len() == 36;
    if !dashed && text.len() != 32 {
        return Err(broken());
    }
    let mut value = 0u128;
    for (i, &byte) in text.iter().enumerate() {
        if dashed && matches!(i, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return Err(broken());
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or_else(broken)?;
        value = value << 4 | u128::from(digit);
    }
    Ok(value)
}

/// Four decimal numbers.
pub fn parse_ipv4(text: &[u8]) -> Result<u32> {
    let address: Option<Ipv4Addr> = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
    address.map(u32::from).ok_or_else(|| {
        err!(
            CANNOT_PARSE_IPV4,
            "Cannot parse IPv4 {}",
            String::from_utf8_lossy(text)
        )
    })
}

/// An IPv6 address, or an IPv4 address that is then mapped.
pub fn parse_ipv6(text: &[u8]) -> Result<u128> {
    let utf8 = std::str::from_utf8(text).ok();
    let address: Option<Ipv6Addr> = utf8.and_then(|t| {
        t.parse()
            .ok()
            .or_else(|| t.parse::<Ipv4Addr>().ok().map(|a| a.to_ipv6_mapped()))
    });
    address.map(u128::from).ok_or_else(|| {
        err!(
            CANNOT_PARSE_IPV6,
            "Cannot parse IPv6 {}",
            String::from_utf8_lossy(text)
        )
    })
}
