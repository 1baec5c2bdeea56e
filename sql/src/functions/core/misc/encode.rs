//! Bytes as digits and back.
//!
//! Invariant: whole numbers are written highest digit first without leading zero bytes, everything
//! else in the order of its bytes in memory.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::DataType;
use roost_engine::with_native;

use crate::functions::core::operands::{Operand, one};
use crate::functions::library::kit::{Strs, arity, f, text};
use crate::functions::numeric::Number;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "encoding";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "hex(x)",
        "Hexadecimal digits of a number or of a string's bytes.",
        ("hex('abc')", "616263"),
        |a, _| bind_write(a, write_hex),
    )
    .any_case(),
    f(
        CATEGORY,
        "bin(x)",
        "Binary digits of a number or of a string's bytes.",
        ("bin(5)", "00000101"),
        |a, _| bind_write(a, write_bin),
    )
    .any_case(),
    f(
        CATEGORY,
        "unhex(s)",
        "The bytes that hexadecimal digits stand for.",
        ("unhex('616263')", "abc"),
        |a, _| bind_read(a, read_hex),
    )
    .any_case(),
    f(
        CATEGORY,
        "unbin(s)",
        "The bytes that binary digits stand for.",
        ("unbin('01100001')", "a"),
        |a, _| bind_read(a, read_bin),
    )
    .any_case(),
    f(
        CATEGORY,
        "char(n, ...)",
        "The string of these bytes.",
        ("char(65, 66)", "AB"),
        bind_char,
    )
    .any_case(),
];

type Digits = fn(u8, &mut Vec<u8>);

fn write_hex(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

fn write_bin(byte: u8, out: &mut Vec<u8>) {
    out.extend((0..8).rev().map(|bit| b'0' + (byte >> bit & 1)));
}

/// In which order the bytes of a type are written.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    /// Highest first, leading zeros left off.
    Number,
    /// Highest first, all of them.
    Big,
    /// As in memory.
    Little,
}

fn bind_write(args: &[Arg], digits: Digits) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let layout = match &args[0].ty {
        DataType::UUID | DataType::IPv6 => Layout::Big,
        DataType::Float32 | DataType::Float64 | DataType::Decimal(..) => Layout::Little,
        DataType::Array(_) | DataType::Tuple(_) | DataType::Map(..) => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function hex",
            args[0].ty
        ),
        _ => Layout::Number,
    };
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let flat = one(columns)?.to_flat();
            fn numbers<T: Number>(v: &[T], layout: Layout, digits: Digits) -> Column {
                let mut bytes = Vec::with_capacity(16);
                text(v.len(), v.len() * T::WIDTH * 2, |row, out| {
                    bytes.clear();
                    v[row].write_le(&mut bytes);
                    if layout != Layout::Little {
                        bytes.reverse();
                    }
                    let zeros = match layout {
                        Layout::Number => bytes
                            .iter()
                            .take_while(|b| **b == 0)
                            .count()
                            .min(bytes.len() - 1),
                        _ => 0,
                    };
                    bytes[zeros..].iter().for_each(|b| digits(*b, out));
                })
            }
            Ok(
                with_native!(&flat, |v| numbers(v, layout, digits), strings => {
                    text(rows, rows * 16, |row, out| {
                        strings.bytes_at(row).iter().for_each(|b| digits(*b, out));
                    })
                }),
            )
        },
    ))
}

fn bind_read(args: &[Arg], read: fn(&[u8], &mut Vec<u8>)) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function unhex",
            args[0].ty
        );
    }
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let texts = Strs::of(one(columns)?)?;
            Ok(text(rows, texts.size(rows), |row, out| {
                read(texts.get(row), out)
            }))
        },
    ))
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0xFF, |d| d as u8)
}

/// Pairs of digits; of an odd number the first stands alone.
fn read_hex(digits: &[u8], out: &mut Vec<u8>) {
    let (first, rest) = digits.split_at(digits.len() % 2);
    out.extend(first.iter().map(|d| nibble(*d)));
    out.extend(
        rest.chunks_exact(2)
            .map(|p| nibble(p[0]).wrapping_mul(16).wrapping_add(nibble(p[1]))),
    );
}

fn read_bin(digits: &[u8], out: &mut Vec<u8>) {
    let (first, rest) = digits.split_at(digits.len() % 8);
    let byte = |bits: &[u8]| bits.iter().fold(0u8, |n, b| n << 1 | u8::from(*b == b'1'));
    if !first.is_empty() {
        out.push(byte(first));
    }
    out.extend(rest.chunks_exact(8).map(byte));
}

fn bind_char(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    if let Some(arg) = args
        .iter()
        .find(|a| !(a.ty.is_integer() || a.ty.is_float()))
    {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of argument of function char, must be a number",
            arg.ty
        );
    }
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let numbers: Vec<Operand<u32>> = columns.iter().map(Operand::of).collect::<Result<_>>()?;
        Ok(text(rows, rows * numbers.len(), |row, out| {
            out.extend(numbers.iter().map(|n| n.get(row) as u8));
        }))
    }))
}
