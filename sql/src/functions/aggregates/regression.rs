//! `simpleLinearRegression`, `boundingRatio`, `exponentialMovingAverage`: lines through points.
//!
//! Invariant: where no line is defined the answer is NaN.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, TupleType, Value};

use super::bytes::Reader;
use super::check::{doc, illegal, no_parameters, two};
use super::numbers::{doubles, flat_of};
use super::states::{Fold, Folded, Groups};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "simpleLinearRegression",
        |p, a| bind("simpleLinearRegression", Kind::Line, p, a),
        doc(
            "simpleLinearRegression(x, y)",
            "Slope and intercept of the line of least squares.",
            "simpleLinearRegression(number, number * 2 + 1) FROM numbers(5)",
            "(2,1)",
        ),
    ),
    AggregateFunction::new(
        "boundingRatio",
        |p, a| bind("boundingRatio", Kind::Bounds, p, a),
        doc(
            "boundingRatio(x, y)",
            "Slope between the leftmost and the rightmost point.",
            "boundingRatio(number, number * 3) FROM numbers(5)",
            "3",
        ),
    ),
    AggregateFunction::new(
        "exponentialMovingAverage",
        |p, a| match p {
            [half] if half.as_f64().is_some() => {
                let half = half.as_f64().unwrap_or(1.0);
                bind("exponentialMovingAverage", Kind::Average(half), &[], a)
            }
            _ => bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Aggregate function exponentialMovingAverage requires one parameter: half decay time"
            ),
        },
        doc(
            "exponentialMovingAverage(half_decay)(x, time)",
            "Average in which values lose half their weight per half_decay.",
            "exponentialMovingAverage(1)(1, 0)",
            "0.5",
        ),
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Line,
    Bounds,
    /// With the time in which a weight halves.
    Average(f64),
}

fn bind(
    name: &str,
    kind: Kind,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    let (x, y) = two(name, arguments)?;
    for ty in [x, y] {
        if !(ty.is_numeric() || ty.is_date() || ty.is_date_time()) {
            return illegal(name, ty);
        }
    }
    Ok(Folded::aggregate(Points {
        kind,
        types: [x.clone(), y.clone()],
    }))
}

#[derive(Debug)]
struct Points {
    kind: Kind,
    types: [DataType; 2],
}

/// Of a line: count and the sums of x, y, x², xy. Of bounds: count, left x, left y, right x, right y.
/// Of an average: count, value, time.
type State = [f64; 5];

impl Points {
    fn add(&self, s: &mut State, x: f64, y: f64) {
        let point = match self.kind {
            Kind::Line => [1.0, x, y, x * x, x * y],
            Kind::Bounds => [1.0, x, y, x, y],
            Kind::Average(_) => [1.0, x, y, 0.0, 0.0],
        };
        self.join(s, &point);
    }

    fn join(&self, s: &mut State, other: &State) {
        if other[0] == 0.0 {
            return;
        }
        match self.kind {
            Kind::Line => s.iter_mut().zip(other).for_each(|(a, b)| *a += b),
            Kind::Bounds => {
                let first = s[0] == 0.0;
                if first || other[1] < s[1] {
                    (s[1], s[2]) = (other[1], other[2]);
                }
                if first || other[3] > s[3] {
                    (s[3], s[4]) = (other[3], other[4]);
                }
                s[0] += other[0];
            }
            Kind::Average(half) => {
                let decay = |time: f64| (-time / half).exp2();
                if s[0] == 0.0 {
                    *s = *other;
                    return;
                }
                if other[2] > s[2] {
                    s[1] = other[1] + s[1] * decay(other[2] - s[2]);
                    s[2] = other[2];
                } else {
                    s[1] += other[1] * decay(s[2] - other[2]);
                }
                s[0] += other[0];
            }
        }
    }

    fn line(s: &State) -> (f64, f64) {
        let [n, sx, sy, sxx, sxy] = *s;
        let divisor = sxx * n - sx * sx;
        if divisor == 0.0 {
            return (f64::NAN, f64::NAN);
        }
        let k = (sxy * n - sx * sy) / divisor;
        (k, (sy - k * sx) / n)
    }
}

impl Fold for Points {
    type State = State;

    fn return_type(&self) -> DataType {
        match self.kind {
            Kind::Line => DataType::Tuple(Arc::new(TupleType {
                types: vec![DataType::Float64; 2],
                names: vec!["k".into(), "b".into()],
            })),
            _ => DataType::Float64,
        }
    }

    fn update(&self, states: &mut [State], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let (x, y) = (flat_of(&args[0]), flat_of(&args[1]));
        let (x, y) = (doubles(&x, &self.types[0])?, doubles(&y, &self.types[1])?);
        for (row, (&x, &y)) in x.iter().zip(y.iter()).enumerate() {
            self.add(&mut states[groups.at(row)], x, y);
        }
        Ok(())
    }

    fn merge(&self, into: &mut State, from: &State) -> Result<()> {
        self.join(into, from);
        Ok(())
    }

    fn finish(&self, states: &mut [State]) -> Result<Column> {
        match self.kind {
            Kind::Line => {
                let (k, b): (Vec<f64>, Vec<f64>) = states.iter().map(Self::line).unzip();
                let columns = vec![Column::native(k), Column::native(b)];
                Ok(Column::Flat(Flat::tuple(columns, states.len())?))
            }
            Kind::Bounds => {
                let ratio = |s: &State| match s[3] == s[1] {
                    true => f64::NAN,
                    false => (s[4] - s[2]) / (s[3] - s[1]),
                };
                Ok(Column::native(
                    states.iter().map(ratio).collect::<Vec<f64>>(),
                ))
            }
            Kind::Average(half) => {
                let weights = 1.0 / (1.0 - (-1.0 / half).exp2());
                let value = |s: &State| s[1] / weights;
                Ok(Column::native(
                    states.iter().map(value).collect::<Vec<f64>>(),
                ))
            }
        }
    }

    fn write(&self, state: &State, out: &mut Vec<u8>) {
        state
            .iter()
            .for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<State> {
        let mut state = [0.0; 5];
        for value in &mut state {
            *value = bytes.number()?;
        }
        Ok(state)
    }
}
