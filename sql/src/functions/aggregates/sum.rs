//! `sum`, `sumWithOverflow`, `sumKahan`, `sumCount`, `avg`, `avgWeighted`.
//!
//! Invariant: whole numbers wrap as ClickHouse's do; the sum's type is the widest of its kind.

use std::sync::Arc;

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::kernels::mask::{Mask, WORD_ROWS};
use roost_engine::types::{DataType, Value};

use super::bytes::Reader;
use super::check::{doc, illegal, no_parameters, one};
use super::numbers::{Widen, flat_of};
use super::states::{Fold, Folded, Groups};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "sum",
        bind_sum,
        doc(
            "sum(x)",
            "Sum of numbers.",
            "sum(number) FROM numbers(10)",
            "45",
        ),
    )
    .any_case(),
    AggregateFunction::new(
        "sumWithOverflow",
        bind_overflow,
        doc(
            "sumWithOverflow(x)",
            "Sum in the argument's own type; it wraps around.",
            "sumWithOverflow(toUInt8(200)) FROM numbers(2)",
            "144",
        ),
    ),
];

fn bind_sum(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    use DataType as T;
    no_parameters("sum", parameters)?;
    let ty = one("sum", arguments)?;
    Ok(match ty {
        T::Bool | T::UInt8 => sum::<u8, u64>(T::UInt64),
        T::UInt16 => sum::<u16, u64>(T::UInt64),
        T::UInt32 => sum::<u32, u64>(T::UInt64),
        T::UInt64 => sum::<u64, u64>(T::UInt64),
        T::UInt128 => sum::<u128, u128>(T::UInt128),
        T::Int8 => sum::<i8, i64>(T::Int64),
        T::Int16 => sum::<i16, i64>(T::Int64),
        T::Int32 => sum::<i32, i64>(T::Int64),
        T::Int64 => sum::<i64, i64>(T::Int64),
        T::Int128 => sum::<i128, i128>(T::Int128),
        T::Float32 => sum::<f32, f64>(T::Float64),
        T::Float64 => sum::<f64, f64>(T::Float64),
        T::Decimal(p, s) if *p <= 9 => sum::<i32, i128>(T::Decimal(38, *s)),
        T::Decimal(p, s) if *p <= 18 => sum::<i64, i128>(T::Decimal(38, *s)),
        T::Decimal(_, s) => sum::<i128, i128>(T::Decimal(38, *s)),
        other => return illegal("sum", other),
    })
}

fn bind_overflow(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    use DataType as T;
    no_parameters("sumWithOverflow", parameters)?;
    let ty = one("sumWithOverflow", arguments)?;
    Ok(match ty {
        T::Bool | T::UInt8 => sum::<u8, u8>(ty.clone()),
        T::UInt16 => sum::<u16, u16>(ty.clone()),
        T::UInt32 => sum::<u32, u32>(ty.clone()),
        T::UInt64 => sum::<u64, u64>(ty.clone()),
        T::UInt128 => sum::<u128, u128>(ty.clone()),
        T::Int8 => sum::<i8, i8>(ty.clone()),
        T::Int16 => sum::<i16, i16>(ty.clone()),
        T::Int32 => sum::<i32, i32>(ty.clone()),
        T::Int64 => sum::<i64, i64>(ty.clone()),
        T::Int128 => sum::<i128, i128>(ty.clone()),
        T::Float32 => sum::<f32, f32>(ty.clone()),
        T::Float64 => sum::<f64, f64>(ty.clone()),
        T::Decimal(p, _) if *p <= 9 => sum::<i32, i32>(ty.clone()),
        T::Decimal(p, _) if *p <= 18 => sum::<i64, i64>(ty.clone()),
        T::Decimal(..) => sum::<i128, i128>(ty.clone()),
        other => return illegal("sumWithOverflow", other),
    })
}

/// A number that sums: whole numbers wrap.
pub(crate) trait Summand: Native {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// Itself where all bits of `keep` are set, zero where none is.
    fn kept(self, keep: u64) -> Self;
    /// The sum of widened values.
    fn total<In: Widen<Self>>(values: &[In]) -> Self {
        values
            .iter()
            .fold(Self::default(), |s, v| s.plus(v.widen()))
    }
}

macro_rules! wrapping {
    ($($ty:ty),*) => { $(
        impl Summand for $ty {
            #[inline]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline]
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline]
            fn kept(self, keep: u64) -> Self { self & keep as i64 as $ty }
        }
    )* };
}
wrapping!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

macro_rules! floating {
    ($($ty:ty as $bits:ty),*) => { $(
        impl Summand for $ty {
            #[inline]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline]
            fn minus(self, other: Self) -> Self { self - other }
            #[inline]
            fn kept(self, keep: u64) -> Self { <$ty>::from_bits(self.to_bits() & keep as $bits) }

            /// Eight running sums, so that additions need not wait for each other.
            fn total<In: Widen<Self>>(values: &[In]) -> Self {
                let mut lanes = [0.0; 8];
                let mut chunks = values.chunks_exact(8);
                for chunk in &mut chunks {
                    lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane += v.widen());
                }
                let rest = chunks.remainder().iter().fold(0.0, |s: $ty, v| s + v.widen());
                lanes.iter().fold(0.0, |s: $ty, lane| s + lane) + rest
            }
        }
    )* };
}
floating!(f32 as u32, f64 as u64);

/// Values that are added side by side.
const LANES: usize = 4;

/// The sum of the values that stand in `mask`: the others count as zero, which is cheaper than to
/// move those that stay.
pub(super) fn masked_total<In: Widen<Acc>, Acc: Summand>(values: &[In], mask: &Mask) -> Acc {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { masked_total_wide(values, mask) };
    }
    masked_total_of(values, mask)
}

/// The same, compiled for four values of eight bytes at once: without it the mask costs as much as
/// all the rest of a query over packed numbers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn masked_total_wide<In: Widen<Acc>, Acc: Summand>(values: &[In], mask: &Mask) -> Acc {
    masked_total_of(values, mask)
}

#[inline(always)]
fn masked_total_of<In: Widen<Acc>, Acc: Summand>(values: &[In], mask: &Mask) -> Acc {
    let mut lanes = [Acc::default(); LANES];
    let mut whole = Acc::default();
    for (&word, values) in mask.words().iter().zip(values.chunks(WORD_ROWS)) {
        if word == u64::MAX {
            whole = whole.plus(Acc::total(values));
        } else if let Ok(values) = values.try_into() {
            add_word(&mut lanes, word, values);
        } else {
            let standing = values.iter().enumerate();
            let standing = standing.filter(|(bit, _)| (word >> bit) & 1 == 1);
            whole = standing.fold(whole, |sum, (_, value)| sum.plus(value.widen()));
        }
    }
    lanes.iter().fold(whole, |sum, lane| sum.plus(*lane))
}

/// Adds the values of one word of the mask, the last first: so the bits of four values come to the
/// signs of four lanes by one shift, and what stays of a value is one comparison, without a table.
#[inline(always)]
fn add_word<In: Widen<Acc>, Acc: Summand>(
    lanes: &mut [Acc; LANES],
    word: u64,
    values: &[In; WORD_ROWS],
) {
    let mut bits: [u64; LANES] = std::array::from_fn(|lane| word << (LANES - 1 - lane));
    for four in values.rchunks_exact(LANES) {
        for ((lane, value), bits) in lanes.iter_mut().zip(four).zip(&mut bits) {
            let keep = (bits.cast_signed() >> (u64::BITS - 1)).cast_unsigned();
            *lane = lane.plus(value.widen().kept(keep));
            *bits <<= LANES;
        }
    }
}

fn sum<In: Widen<Acc>, Acc: Summand>(ty: DataType) -> Arc<dyn Aggregate> {
    Folded::aggregate(Sum::<In, Acc> {
        ty,
        input: std::marker::PhantomData,
    })
}

#[derive(Debug)]
struct Sum<In, Acc> {
    ty: DataType,
    input: std::marker::PhantomData<(In, Acc)>,
}

impl<In: Widen<Acc>, Acc: Summand> Fold for Sum<In, Acc> {
    type State = Acc;

    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn update(&self, states: &mut [Acc], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        let values = flat.slice_of::<In>()?;
        match groups {
            Groups::One { group, .. } => {
                let state = &mut states[group as usize];
                *state = state.plus(Acc::total(values));
            }
            Groups::Many(_) => groups.each(states, values, |s, v| *s = s.plus(v.widen())),
        }
        Ok(())
    }

    fn takes_masks(&self) -> bool {
        true
    }

    fn update_masked(&self, state: &mut Acc, args: &[Column], mask: &Mask) -> Result<bool> {
        let flat = flat_of(&args[0]);
        *state = state.plus(masked_total(flat.slice_of::<In>()?, mask));
        Ok(true)
    }

    fn merge(&self, into: &mut Acc, from: &Acc) -> Result<()> {
        *into = into.plus(*from);
        Ok(())
    }

    fn finish(&self, states: &mut [Acc]) -> Result<Column> {
        Ok(Column::Flat(Flat::native(states.to_vec())))
    }

    fn write(&self, state: &Acc, out: &mut Vec<u8>) {
        state.write_le(out);
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Acc> {
        bytes.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree<In: Widen<Acc>, Acc: Summand + PartialEq>(number: impl Fn(usize) -> In) {
        for rows in [0, 1, 3, 63, 64, 65, 128, 190, 1000] {
            for seed in 0..4 {
                // Whole words, none of a word, and scattered ones.
                let falls = |row: &u32| match (row / 64 + seed) % 4 {
                    0 => false,
                    1 => true,
                    _ => (row.wrapping_mul(0x9E37_79B9) >> (28 + seed % 3)).is_multiple_of(3),
                };
                let values: Vec<In> = (0..rows).map(&number).collect();
                let dropped: Vec<u32> = (0..rows as u32).filter(falls).collect();
                let mask = Mask::all(rows).without(&dropped);
                let standing = mask.numbers(0).into_iter().map(|r| values[r as usize]);
                let expected = standing.fold(Acc::default(), |sum, v| sum.plus(v.widen()));
                assert!(masked_total(&values, &mask) == expected, "{rows} rows");
                assert!(masked_total_of(&values, &mask) == expected, "{rows} rows");
            }
        }
    }

    #[test]
    fn masked_sums_are_those_of_the_rows_that_stand() {
        agree::<u8, u64>(|row| row as u8 ^ 0xA5);
        agree::<i16, i64>(|row| (row as i16).wrapping_mul(-773));
        agree::<u64, u64>(|row| u64::MAX - row as u64);
        agree::<i64, i128>(|row| i64::MIN + row as i64);
        agree::<u128, u128>(|row| u128::MAX - row as u128);
        agree::<u8, u8>(|row| row as u8);
        // Sums of halves are exact in any order.
        agree::<f64, f64>(|row| row as f64 - 300.5);
        agree::<f32, f64>(|row| row as f32 / 2.0);
    }
}
