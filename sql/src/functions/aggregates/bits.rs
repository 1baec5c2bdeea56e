//! `groupBitAnd`, `groupBitOr`, `groupBitXor`.
//!
//! Invariant: of no rows, `and` is all ones and the others zero.

use std::marker::PhantomData;
use std::sync::Arc;

use roost_engine::column::{Column, Flat, Native};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::Reader;
use super::check::{doc, illegal, no_parameters, one};
use super::numbers::flat_of;
use super::states::{Fold, Folded, Groups};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "groupBitAnd",
        |p, a| bind("groupBitAnd", Op::And, p, a),
        doc(
            "groupBitAnd(x)",
            "Bitwise AND of all values.",
            "groupBitAnd(number + 6) FROM numbers(2)",
            "6",
        ),
    )
    .aliases(&["BIT_AND"])
    .any_case(),
    AggregateFunction::new(
        "groupBitOr",
        |p, a| bind("groupBitOr", Op::Or, p, a),
        doc(
            "groupBitOr(x)",
            "Bitwise OR of all values.",
            "groupBitOr(number) FROM numbers(5)",
            "7",
        ),
    )
    .aliases(&["BIT_OR"])
    .any_case(),
    AggregateFunction::new(
        "groupBitXor",
        |p, a| bind("groupBitXor", Op::Xor, p, a),
        doc(
            "groupBitXor(x)",
            "Bitwise XOR of all values.",
            "groupBitXor(number) FROM numbers(3)",
            "3",
        ),
    )
    .aliases(&["BIT_XOR"])
    .any_case(),
];

#[derive(Debug, Clone, Copy)]
enum Op {
    And,
    Or,
    Xor,
}

trait Bits:
    Native
    + std::ops::BitAnd<Output = Self>
    + std::ops::BitOr<Output = Self>
    + std::ops::BitXor<Output = Self>
    + std::ops::Not<Output = Self>
{
}
impl<T> Bits for T where
    T: Native
        + std::ops::BitAnd<Output = T>
        + std::ops::BitOr<Output = T>
        + std::ops::BitXor<Output = T>
        + std::ops::Not<Output = T>
{
}

fn bind(
    name: &str,
    op: Op,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    fn of<T: Bits>(ty: &DataType, op: Op) -> Arc<dyn Aggregate> {
        Folded::aggregate(GroupBits::<T> {
            ty: ty.clone(),
            op,
            input: PhantomData,
        })
    }
    no_parameters(name, parameters)?;
    let ty = one(name, arguments)?;
    Ok(match ty {
        DataType::UInt8 | DataType::Bool => of::<u8>(ty, op),
        DataType::UInt16 => of::<u16>(ty, op),
        DataType::UInt32 => of::<u32>(ty, op),
        DataType::UInt64 => of::<u64>(ty, op),
        DataType::UInt128 => of::<u128>(ty, op),
        DataType::Int8 => of::<i8>(ty, op),
        DataType::Int16 => of::<i16>(ty, op),
        DataType::Int32 => of::<i32>(ty, op),
        DataType::Int64 => of::<i64>(ty, op),
        DataType::Int128 => of::<i128>(ty, op),
        other => return illegal(name, other),
    })
}

#[derive(Debug)]
struct GroupBits<T> {
    ty: DataType,
    op: Op,
    input: PhantomData<T>,
}

impl<T: Bits> GroupBits<T> {
    #[inline]
    fn apply(&self, a: T, b: T) -> T {
        match self.op {
            // The state of AND is kept inverted, so that its empty state is zero as well.
            Op::And => a | !b,
            Op::Or => a | b,
            Op::Xor => a ^ b,
        }
    }
}

impl<T: Bits> Fold for GroupBits<T> {
    type State = T;

    fn return_type(&self) -> DataType {
        self.ty.clone()
    }

    fn update(&self, states: &mut [T], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let flat = flat_of(&args[0]);
        groups.each(states, flat.slice_of::<T>()?, |s, v| *s = self.apply(*s, v));
        Ok(())
    }

    fn merge(&self, into: &mut T, from: &T) -> Result<()> {
        *into = match self.op {
            Op::And | Op::Or => *into | *from,
            Op::Xor => *into ^ *from,
        };
        Ok(())
    }

    fn finish(&self, states: &mut [T]) -> Result<Column> {
        let and = matches!(self.op, Op::And);
        let values = states.iter().map(|&s| if and { !s } else { s }).collect();
        Ok(Column::Flat(Flat::native(values)))
    }

    fn write(&self, state: &T, out: &mut Vec<u8>) {
        state.write_le(out);
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<T> {
        bytes.number()
    }
}
