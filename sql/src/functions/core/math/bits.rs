//! Bit operators.
//!
//! Invariant: whole numbers only; the answer is as wide as the wider side, signed when a side is.

use roost_engine::bail;
use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Physical};
use roost_engine::with_native;

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::{Operand, binary, try_zip, two, unary};
use crate::functions::library::kit::{Strs, arity, f};
use crate::functions::numeric::Number;
use crate::functions::supertype::{integer_of, integer_shape};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "bit";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    RotateLeft,
    RotateRight,
}

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "bitAnd(a, b)",
        "The bits that are set in both.",
        ("bitAnd(5, 3)", "1"),
        |a, _| bind("bitAnd", Op::And, a),
    ),
    f(
        CATEGORY,
        "bitOr(a, b)",
        "The bits that are set in one.",
        ("bitOr(5, 3)", "7"),
        |a, _| bind("bitOr", Op::Or, a),
    ),
    f(
        CATEGORY,
        "bitXor(a, b)",
        "The bits that differ.",
        ("bitXor(5, 3)", "6"),
        |a, _| bind("bitXor", Op::Xor, a),
    ),
    f(
        CATEGORY,
        "bitNot(a)",
        "The bits turned over.",
        ("bitNot(toUInt8(5))", "250"),
        bind_not,
    ),
    f(
        CATEGORY,
        "bitShiftLeft(a, n)",
        "The bits n places up; strings are bits as well.",
        ("bitShiftLeft(1, 3)", "8"),
        |a, _| bind("bitShiftLeft", Op::ShiftLeft, a),
    ),
    f(
        CATEGORY,
        "bitShiftRight(a, n)",
        "The bits n places down.",
        ("bitShiftRight(8, 1)", "4"),
        |a, _| bind("bitShiftRight", Op::ShiftRight, a),
    ),
    f(
        CATEGORY,
        "bitRotateLeft(a, n)",
        "The bits n places up, those that fall out below.",
        ("bitRotateLeft(129, 1)", "3"),
        |a, _| bind("bitRotateLeft", Op::RotateLeft, a),
    ),
    f(
        CATEGORY,
        "bitRotateRight(a, n)",
        "The bits n places down, those that fall out above.",
        ("bitRotateRight(129, 1)", "192"),
        |a, _| bind("bitRotateRight", Op::RotateRight, a),
    ),
    f(
        CATEGORY,
        "byteSwap(a)",
        "The bytes in the other order.",
        ("byteSwap(3351772109)", "3455829959"),
        bind_swap,
    )
    .any_case(),
];

trait Bits: Number {
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn left(self, by: u64) -> Self;
    fn right(self, by: u64) -> Self;
    fn rotate(self, by: u32) -> Self;
}

macro_rules! bits {
    ($($ty:ident),*) => { $(impl Bits for $ty {
        #[inline] fn and(self, other: Self) -> Self { self & other }
        #[inline] fn or(self, other: Self) -> Self { self | other }
        #[inline] fn xor(self, other: Self) -> Self { self ^ other }
        #[inline] fn left(self, by: u64) -> Self {
            u32::try_from(by).ok().and_then(|by| self.checked_shl(by)).unwrap_or(0)
        }
        #[inline] fn right(self, by: u64) -> Self {
            u32::try_from(by).ok().and_then(|by| self.checked_shr(by)).unwrap_or(0)
        }
        #[inline] fn rotate(self, by: u32) -> Self { self.rotate_left(by) }
    })* };
}
bits!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

fn bind(name: &'static str, op: Op, args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let (a, b) = (&args[0].ty, &args[1].ty);
    if a.is_string() && b.is_integer() && matches!(op, Op::ShiftLeft | Op::ShiftRight) {
        return Ok(shift_strings(a.clone(), op == Op::ShiftLeft));
    }
    let shape = |t: &DataType| integer_shape(t).filter(|_| !t.is_enum());
    let (Some((bits_a, signed_a)), Some((bits_b, signed_b))) = (shape(a), shape(b)) else {
        return illegal(name, args);
    };
    let logic = matches!(op, Op::And | Op::Or | Op::Xor);
    if !logic && (bits_b > 64 || (bits_a > 64 && matches!(op, Op::RotateLeft | Op::RotateRight))) {
        bail!(
            NOT_IMPLEMENTED,
            "{name} is not implemented for big integers as second argument"
        );
    }
    let ty = integer_of(bits_a.max(bits_b), signed_a || signed_b);
    let ty = ty.ok_or_else(|| Error::bug("no integer type of that width"))?;
    Ok(match ty.physical() {
        Physical::U8 => of::<u8>(op, ty),
        Physical::U16 => of::<u16>(op, ty),
        Physical::U32 => of::<u32>(op, ty),
        Physical::U64 => of::<u64>(op, ty),
        Physical::U128 => of::<u128>(op, ty),
        Physical::I8 => of::<i8>(op, ty),
        Physical::I16 => of::<i16>(op, ty),
        Physical::I32 => of::<i32>(op, ty),
        Physical::I64 => of::<i64>(op, ty),
        _ => of::<i128>(op, ty),
    })
}

fn of<T: Bits>(op: Op, ty: DataType) -> BoundFunction {
    let shift = move |left: bool| {
        move |columns: &[Column], rows: usize| {
            let (a, b) = two(columns)?;
            let step = move |a: T, by: i128| match by {
                ..0 => bail!(
                    ARGUMENT_OUT_OF_BOUND,
                    "The number of shift positions needs to be a non-negative value"
                ),
                by if left => Ok(a.left(by as u64)),
                by => Ok(a.right(by as u64)),
            };
            Ok(Column::native(try_zip(
                &Operand::<T>::of(a)?,
                &Operand::<i128>::of(b)?,
                rows,
                step,
            )?))
        }
    };
    match op {
        Op::And => BoundFunction::new(ty, binary(T::and)),
        Op::Or => BoundFunction::new(ty, binary(T::or)),
        Op::Xor => BoundFunction::new(ty, binary(T::xor)),
        Op::ShiftLeft => BoundFunction::new(ty, shift(true)),
        Op::ShiftRight => BoundFunction::new(ty, shift(false)),
        Op::RotateLeft => BoundFunction::new(
            ty,
            binary(|a: T, by: i64| a.rotate(by.rem_euclid(T::WIDTH as i64 * 8) as u32)),
        ),
        Op::RotateRight => BoundFunction::new(
            ty,
            binary(|a: T, by: i64| a.rotate((-by).rem_euclid(T::WIDTH as i64 * 8) as u32)),
        ),
    }
}

fn bind_not(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = match &args[0].ty {
        DataType::Bool => DataType::UInt8,
        DataType::Float32 => DataType::Int32,
        DataType::Float64 => DataType::Int64,
        t if t.is_integer() => t.clone(),
        _ => return illegal("bitNot", args),
    };
    Ok(match ty.physical() {
        Physical::U8 => BoundFunction::new(ty, unary(|v: u8| !v)),
        Physical::U16 => BoundFunction::new(ty, unary(|v: u16| !v)),
        Physical::U32 => BoundFunction::new(ty, unary(|v: u32| !v)),
        Physical::U64 => BoundFunction::new(ty, unary(|v: u64| !v)),
        Physical::U128 => BoundFunction::new(ty, unary(|v: u128| !v)),
        Physical::I8 => BoundFunction::new(ty, unary(|v: i8| !v)),
        Physical::I16 => BoundFunction::new(ty, unary(|v: i16| !v)),
        Physical::I32 => BoundFunction::new(ty, unary(|v: i32| !v)),
        Physical::I64 => BoundFunction::new(ty, unary(|v: i64| !v)),
        _ => BoundFunction::new(ty, unary(|v: i128| !v)),
    })
}

fn bind_swap(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.clone();
    if !ty.is_integer() {
        bail!(NOT_IMPLEMENTED, "byteSwap() is not implemented for {ty}");
    }
    fn swap<T: Number>(v: &[T]) -> Column {
        let shift = 128 - 8 * T::WIDTH as u32;
        let one = |x: &T| T::from_wide((((x.wide() as u128) << shift).swap_bytes()) as i128);
        Column::native(v.iter().map(one).collect::<Vec<T>>())
    }
    Ok(BoundFunction::new(ty, |columns, _| {
        let flat = columns[0].to_flat();
        Ok(with_native!(&flat, |v| swap(v), _other => columns[0].clone()))
    }))
}

/// A string as one long number, first byte highest; the length grows with a shift to the left.
fn shift_strings(ty: DataType, left: bool) -> BoundFunction {
    let fixed = match ty {
        DataType::FixedString(n) => Some(n),
        _ => None,
    };
    BoundFunction::new(ty, move |columns, rows| {
        let (texts, by) = two(columns)?;
        let (texts, by) = (Strs::of(texts)?, Operand::<i64>::of(by)?);
        let mut out = BytesBuilder::with_capacity(rows, texts.size(rows));
        for row in 0..rows {
            let by = by.get(row);
            if by < 0 {
                bail!(
                    ARGUMENT_OUT_OF_BOUND,
                    "The number of shift positions needs to be a non-negative value"
                );
            }
            let text = texts.get(row);
            match (left, by as usize) {
                (_, by) if by >= text.len() * 8 => {}
                (true, by) => shift_up(text, by, fixed.is_some(), out.tail()),
                (false, by) => shift_down(text, by, fixed.is_some(), out.tail()),
            }
            out.end();
        }
        let bytes = out.finish();
        Ok(Column::Flat(match fixed {
            None => Flat::Bytes(bytes),
            Some(width) => {
                let mut data = Vec::with_capacity(rows * width);
                for text in bytes.iter() {
                    data.extend_from_slice(&text[..text.len().min(width)]);
                    data.resize(data.len().div_ceil(width.max(1)) * width, 0);
                }
                data.resize(rows * width, 0);
                Flat::Fixed {
                    width,
                    data: data.into(),
                }
            }
        }))
    })
}

fn shift_up(text: &[u8], by: usize, fixed: bool, out: &mut Vec<u8>) {
    let (bytes, bits) = (by / 8, by % 8);
    let at = |i: isize| {
        if i < 0 {
            0u16
        } else {
            u16::from(text.get(i as usize).copied().unwrap_or(0))
        }
    };
    let start = if fixed { bytes as isize } else { -1 };
    let length = text.len() as isize;
    let end = length + bytes as isize;
    for i in start..end {
        let byte = ((at(i) << bits) | (at(i + 1) >> (8 - bits))) as u8;
        if i < 0 && byte == 0 {
            continue;
        }
        out.push(byte);
    }
}

fn shift_down(text: &[u8], by: usize, fixed: bool, out: &mut Vec<u8>) {
    let (bytes, bits) = (by / 8, by % 8);
    let at = |i: isize| {
        if i < 0 {
            0u16
        } else {
            u16::from(text.get(i as usize).copied().unwrap_or(0))
        }
    };
    let shifted = (0..text.len() as isize).map(|i| {
        let i = i - bytes as isize;
        ((at(i) >> bits) | (at(i - 1) << (8 - bits))) as u8
    });
    let skip = if fixed { 0 } else { bytes };
    out.extend(shifted.skip(skip));
}
