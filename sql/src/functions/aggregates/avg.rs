//! `avg`, `avgWeighted`, `sumCount`, `sumKahan`.
//!
//! Invariant: a mean of nothing is NaN (of dates: the epoch).

use std::marker::PhantomData;
use std::sync::Arc;

use roost_engine::column::{Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::mask::Mask;
use roost_engine::types::{DataType, Value};

use super::bytes::{Reader, put_varint};
use super::check::{doc, illegal, no_parameters, one, two};
use super::numbers::{Widen, doubles, flat_of, scale_of};
use super::states::{Fold, Folded, Groups};
use super::sum::{Summand, masked_total};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "avg",
        |p, a| bind("avg", p, a, false),
        doc(
            "avg(x)",
            "Mean of numbers or dates.",
            "avg(number) FROM numbers(10)",
            "4.5",
        ),
    )
    .any_case(),
    AggregateFunction::new(
        "sumCount",
        |p, a| bind("sumCount", p, a, true),
        doc(
            "sumCount(x)",
            "Sum and number of the values, as a tuple.",
            "sumCount(number) FROM numbers(10)",
            "(45,10)",
        ),
    ),
    AggregateFunction::new(
        "avgWeighted",
        bind_weighted,
        doc(
            "avgWeighted(x, weight)",
            "Weighted mean.",
            "avgWeighted(number, number) FROM numbers(4)",
            "2.3333333333333335",
        ),
    ),
    AggregateFunction::new(
        "sumKahan",
        bind_kahan,
        doc(
            "sumKahan(x)",
            "Sum of floats with compensation of rounding errors.",
            "sumKahan(0.1) FROM numbers(10)",
            "1",
        ),
    ),
];

fn bind(
    name: &str,
    parameters: &[Value],
    arguments: &[DataType],
    with_sum: bool,
) -> Result<Arc<dyn Aggregate>> {
    use DataType as T;
    no_parameters(name, parameters)?;
    let ty = one(name, arguments)?;
    Ok(match ty {
        T::Bool | T::UInt8 => mean::<u8, u64>(ty, T::UInt64, with_sum),
        T::UInt16 => mean::<u16, u64>(ty, T::UInt64, with_sum),
        T::UInt32 => mean::<u32, u64>(ty, T::UInt64, with_sum),
        T::UInt64 => mean::<u64, u64>(ty, T::UInt64, with_sum),
        T::UInt128 => mean::<u128, u128>(ty, T::UInt128, with_sum),
        T::Int8 => mean::<i8, i64>(ty, T::Int64, with_sum),
        T::Int16 => mean::<i16, i64>(ty, T::Int64, with_sum),
        T::Int32 => mean::<i32, i64>(ty, T::Int64, with_sum),
        T::Int64 => mean::<i64, i64>(ty, T::Int64, with_sum),
        T::Int128 => mean::<i128, i128>(ty, T::Int128, with_sum),
        T::Float32 => mean::<f32, f64>(ty, T::Float64, with_sum),
        T::Float64 => mean::<f64, f64>(ty, T::Float64, with_sum),
        T::Decimal(p, s) if *p <= 9 => mean::<i32, i128>(ty, T::Decimal(38, *s), with_sum),
        T::Decimal(p, s) if *p <= 18 => mean::<i64, i128>(ty, T::Decimal(38, *s), with_sum),
        T::Decimal(_, s) => mean::<i128, i128>(ty, T::Decimal(38, *s), with_sum),
        T::Date if !with_sum => mean::<u16, u64>(ty, T::UInt64, false),
        T::DateTime(_) if !with_sum => mean::<u32, u64>(ty, T::UInt64, false),
        T::Date32 if !with_sum => mean::<i32, i64>(ty, T::Int64, false),
        T::DateTime64(..) if !with_sum => mean::<i64, i64>(ty, T::Int64, false),
        other => return illegal(name, other),
    })
}

fn mean<In: Widen<Acc>, Acc: Summand + Widen<f64>>(
    ty: &DataType,
    sum: DataType,
    with_sum: bool,
) -> Arc<dyn Aggregate> {
    let answer = match (with_sum, ty) {
        (true, _) => Answer::SumCount,
        (false, t) if t.is_date() || t.is_date_time() => Answer::Same,
        (false, _) => Answer::Double,
    };
    let (ty, input) = (ty.clone(), PhantomData);
    Folded::aggregate(Mean::<In, Acc> {
        ty,
        sum,
        answer,
        input,
    })
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Double,
    Same,
    SumCount,
}

#[derive(Debug)]
struct Mean<In, Acc> {
    ty: DataType,
    sum: DataType,
    answer: Answer,
    input: PhantomData<(In, Acc)>,
}

impl<In: Widen<Acc>, Acc: Summand + Widen<f64>> Fold for Mean<In, Acc> {
    type State = (Acc, u64);

    fn return_type(&self) -> DataType {
        match self.answer {
            Answer::Double => DataType::Float64,
            Answer::Same => self.ty.clone(),
            Answer::SumCount => DataType::tuple(vec![self.sum.clone(), DataType::UInt64]),
        }
    }

    fn update(
        &self,
        states: &mut [Self::State],
        args: &[Column],
        groups: Groups<'_>,
    ) -> Result<()> {
        let flat = flat_of(&args[0]);
        let values = flat.slice_of::<In>()?;
        match groups {
            Groups::One { group, .. } => {
                let state = &mut states[group as usize];
                state.0 = state.0.plus(Acc::total(values));
                state.1 += values.len() as u64;
            }
            Groups::Many(_) => groups.each(states, values, |s, v| {
                s.0 = s.0.plus(v.widen());
                s.1 += 1;
            }),
        }
        Ok(())
    }

    fn takes_masks(&self) -> bool {
        true
    }

    fn update_masked(&self, state: &mut Self::State, args: &[Column], mask: &Mask) -> Result<bool> {
        let flat = flat_of(&args[0]);
        state.0 = state.0.plus(masked_total(flat.slice_of::<In>()?, mask));
        state.1 += mask.shown() as u64;
        Ok(true)
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        into.0 = into.0.plus(from.0);
        into.1 = into.1.wrapping_add(from.1);
        Ok(())
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<Column> {
        let scale = 10f64.powi(i32::from(scale_of(&self.ty)));
        let means = || {
            let mean =
                |(sum, count): &Self::State| Widen::<f64>::widen(*sum) / scale / *count as f64;
            states.iter().map(mean)
        };
        Ok(Column::Flat(match self.answer {
            Answer::Double => Flat::native(means().collect()),
            Answer::Same => {
                let mut out = ColumnBuilder::new(&self.ty, states.len());
                for mean in means() {
                    let whole = if mean.is_finite() { mean as i64 } else { 0 };
                    out.push(&Value::Int(whole))?;
                }
                out.finish()
            }
            Answer::SumCount => {
                let sums = Flat::native(states.iter().map(|s| s.0).collect());
                let counts = Flat::native(states.iter().map(|s| s.1).collect());
                Flat::tuple(vec![Column::Flat(sums), Column::Flat(counts)], states.len())?
            }
        }))
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        state.0.write_le(out);
        put_varint(out, state.1);
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        Ok((bytes.number()?, bytes.varint()?))
    }
}

fn bind_weighted(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("avgWeighted", parameters)?;
    let (x, w) = two("avgWeighted", arguments)?;
    for ty in [x, w] {
        if !(ty.is_integer() || ty.is_float() || matches!(ty, DataType::Decimal(..))) {
            return illegal("avgWeighted", ty);
        }
    }
    Ok(Folded::aggregate(Weighted {
        x: x.clone(),
        w: w.clone(),
    }))
}

#[derive(Debug)]
struct Weighted {
    x: DataType,
    w: DataType,
}

impl Fold for Weighted {
    type State = (f64, f64);

    fn return_type(&self) -> DataType {
        DataType::Float64
    }

    fn update(
        &self,
        states: &mut [Self::State],
        args: &[Column],
        groups: Groups<'_>,
    ) -> Result<()> {
        let (x, w) = (flat_of(&args[0]), flat_of(&args[1]));
        let (x, w) = (doubles(&x, &self.x)?, doubles(&w, &self.w)?);
        for (row, (x, w)) in x.iter().zip(w.iter()).enumerate() {
            let state = &mut states[groups.at(row)];
            state.0 += x * w;
            state.1 += w;
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        into.0 += from.0;
        into.1 += from.1;
        Ok(())
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<Column> {
        Ok(Column::native(
            states.iter().map(|s| s.0 / s.1).collect::<Vec<f64>>(),
        ))
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.0.to_le_bytes());
        out.extend_from_slice(&state.1.to_le_bytes());
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        Ok((bytes.number()?, bytes.number()?))
    }
}

fn bind_kahan(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("sumKahan", parameters)?;
    let ty = one("sumKahan", arguments)?;
    if !(ty.is_float() || ty.is_integer()) {
        return illegal("sumKahan", ty);
    }
    Ok(Folded::aggregate(Kahan { ty: ty.clone() }))
}

#[derive(Debug)]
struct Kahan {
    ty: DataType,
}

fn kahan_add(state: &mut (f64, f64), value: f64) {
    let compensated = value - state.1;
    let sum = state.0 + compensated;
    state.1 = (sum - state.0) - compensated;
    state.0 = sum;
}

impl Fold for Kahan {
    /// Sum and what it is too large by.
    type State = (f64, f64);

    fn return_type(&self) -> DataType {
        DataType::Float64
    }

    fn update(
        &self,
        states: &mut [Self::State],
        args: &[Column],
        groups: Groups<'_>,
    ) -> Result<()> {
        let flat = flat_of(&args[0]);
        groups.each(states, &doubles(&flat, &self.ty)?, kahan_add);
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: &Self::State) -> Result<()> {
        let compensation = from.1;
        kahan_add(into, from.0);
        into.1 += compensation;
        Ok(())
    }

    fn finish(&self, states: &mut [Self::State]) -> Result<Column> {
        Ok(Column::native(
            states.iter().map(|s| s.0).collect::<Vec<f64>>(),
        ))
    }

    fn write(&self, state: &Self::State, out: &mut Vec<u8>) {
        out.extend_from_slice(&state.0.to_le_bytes());
        out.extend_from_slice(&state.1.to_le_bytes());
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Self::State> {
        Ok((bytes.number()?, bytes.number()?))
    }
}
