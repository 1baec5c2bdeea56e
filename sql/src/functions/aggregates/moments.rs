//! Variance, deviation, covariance, correlation, skewness and kurtosis, by sums of powers.
//!
//! Invariant: the sums and formulas are ClickHouse's (not the numerically stable ones), so that the
//! last digits agree; the `Stable` names and plain ones give the same answers here.

use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::bytes::Reader;
use super::check::{doc, illegal, no_parameters, one, two};
use super::numbers::{doubles, flat_of};
use super::states::{Fold, Folded, Groups};
use crate::functions::{Aggregate, AggregateFunction};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    VarPop,
    VarSamp,
    StddevPop,
    StddevSamp,
    SkewPop,
    SkewSamp,
    KurtPop,
    KurtSamp,
    CovarPop,
    CovarSamp,
    Corr,
}

macro_rules! moment {
    ($name:literal, $kind:ident, $aliases:expr, $syntax:literal, $text:literal, $example:literal, $answer:literal) => {
        AggregateFunction::new(
            $name,
            |p, a| bind($name, Kind::$kind, p, a),
            doc($syntax, $text, $example, $answer),
        )
        .aliases($aliases)
        .any_case()
    };
}

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    moment!(
        "varPop",
        VarPop,
        &["VAR_POP", "varPopStable"],
        "varPop(x)",
        "Population variance.",
        "varPop(number) FROM numbers(7)",
        "4"
    ),
    moment!(
        "varSamp",
        VarSamp,
        &["VAR_SAMP", "varSampStable"],
        "varSamp(x)",
        "Sample variance.",
        "varSamp(number) FROM numbers(7)",
        "4.666666666666667"
    ),
    moment!(
        "stddevPop",
        StddevPop,
        &["STDDEV_POP", "STD", "stddevPopStable"],
        "stddevPop(x)",
        "Population standard deviation.",
        "stddevPop(number) FROM numbers(7)",
        "2"
    ),
    moment!(
        "stddevSamp",
        StddevSamp,
        &["STDDEV_SAMP", "STDDEV", "stddevSampStable"],
        "stddevSamp(x)",
        "Sample standard deviation.",
        "stddevSamp(number) FROM numbers(7)",
        "2.160246899469287"
    ),
    moment!(
        "skewPop",
        SkewPop,
        &[],
        "skewPop(x)",
        "Population skewness.",
        "skewPop(number) FROM numbers(7)",
        "0"
    ),
    moment!(
        "skewSamp",
        SkewSamp,
        &[],
        "skewSamp(x)",
        "Sample skewness.",
        "skewSamp(number) FROM numbers(7)",
        "0"
    ),
    moment!(
        "kurtPop",
        KurtPop,
        &[],
        "kurtPop(x)",
        "Population kurtosis.",
        "kurtPop(number) FROM numbers(7)",
        "1.75"
    ),
    moment!(
        "kurtSamp",
        KurtSamp,
        &[],
        "kurtSamp(x)",
        "Sample kurtosis.",
        "kurtSamp(number) FROM numbers(7)",
        "1.2857142857142854"
    ),
    moment!(
        "covarPop",
        CovarPop,
        &["COVAR_POP", "covarPopStable"],
        "covarPop(x, y)",
        "Population covariance.",
        "covarPop(number, number) FROM numbers(7)",
        "4"
    ),
    moment!(
        "covarSamp",
        CovarSamp,
        &["COVAR_SAMP", "covarSampStable"],
        "covarSamp(x, y)",
        "Sample covariance.",
        "covarSamp(number, number) FROM numbers(7)",
        "4.666666666666667"
    ),
    moment!(
        "corr",
        Corr,
        &["corrStable"],
        "corr(x, y)",
        "Pearson's correlation.",
        "corr(number, -number) FROM numbers(7)",
        "-1"
    ),
];

fn bind(
    name: &str,
    kind: Kind,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    let types = match kind {
        Kind::CovarPop | Kind::CovarSamp | Kind::Corr => {
            let (x, y) = two(name, arguments)?;
            vec![x.clone(), y.clone()]
        }
        _ => vec![one(name, arguments)?.clone()],
    };
    if let Some(other) = types.iter().find(|t| !t.is_numeric()) {
        return illegal(name, other);
    }
    let single = types.iter().all(|t| *t == DataType::Float32);
    Ok(Folded::aggregate(Moments {
        kind,
        types,
        single,
    }))
}

#[derive(Debug)]
struct Moments {
    kind: Kind,
    types: Vec<DataType>,
    /// ClickHouse calculates in Float32 when every argument is one.
    single: bool,
}

/// Of one argument: count, and the sums of the first four powers.
/// Of two: count, sums of x, y, xy, x², y².
type Sums = [f64; 6];

impl Moments {
    fn round(&self, value: f64) -> f64 {
        if self.single {
            f64::from(value as f32)
        } else {
            value
        }
    }

    fn add(&self, sums: &mut Sums, values: Sums) {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = self.round(*sum + self.round(value));
        }
    }

    fn answer(&self, m: &Sums) -> f64 {
        let variance_pop = || {
            if m[0] == 0.0 {
                f64::NAN
            } else {
                ((m[2] - m[1] * m[1] / m[0]) / m[0]).max(0.0)
            }
        };
        let variance_samp = || match m[0] {
            n if n <= 1.0 => f64::NAN,
            n => ((m[2] - m[1] * m[1] / n) / (n - 1.0)).max(0.0),
        };
        let third = || (m[3] - (3.0 * m[2] - 2.0 * m[1] * m[1] / m[0]) * m[1] / m[0]) / m[0];
        let fourth = || {
            let inner = 6.0 * m[2] - 3.0 * m[1] * m[1] / m[0];
            (m[4] - (4.0 * m[3] - inner * m[1] / m[0]) * m[1] / m[0]) / m[0]
        };
        let over = |top: f64, variance: f64, power: f64| match variance > 0.0 {
            true => top / variance.powf(power),
            false => f64::NAN,
        };
        match self.kind {
            Kind::VarPop => variance_pop(),
            Kind::VarSamp => variance_samp(),
            Kind::StddevPop => variance_pop().sqrt(),
            Kind::StddevSamp => variance_samp().sqrt(),
            Kind::SkewPop => over(third(), variance_pop(), 1.5),
            Kind::SkewSamp => over(third(), variance_samp(), 1.5),
            Kind::KurtPop => over(fourth(), variance_pop(), 2.0),
            Kind::KurtSamp => over(fourth(), variance_samp(), 2.0),
            Kind::CovarPop => (m[3] - m[1] * m[2] / m[0]) / m[0],
            Kind::CovarSamp if m[0] < 2.0 => f64::NAN,
            Kind::CovarSamp => (m[3] - m[1] * m[2] / m[0]) / (m[0] - 1.0),
            Kind::Corr => {
                let spread =
                    (m[0] * m[4] - m[1] * m[1]).sqrt() * (m[0] * m[5] - m[2] * m[2]).sqrt();
                (m[0] * m[3] - m[1] * m[2]) / spread
            }
        }
    }
}

impl Fold for Moments {
    type State = Sums;

    fn return_type(&self) -> DataType {
        if self.single {
            DataType::Float32
        } else {
            DataType::Float64
        }
    }

    fn update(&self, states: &mut [Sums], args: &[Column], groups: Groups<'_>) -> Result<()> {
        let x = flat_of(&args[0]);
        let x = doubles(&x, &self.types[0])?;
        match self.types.get(1) {
            Some(ty) => {
                let y = flat_of(&args[1]);
                for (row, (&x, &y)) in x.iter().zip(doubles(&y, ty)?.iter()).enumerate() {
                    self.add(
                        &mut states[groups.at(row)],
                        [1.0, x, y, x * y, x * x, y * y],
                    );
                }
            }
            None => groups.each(states, &x, |m, x| {
                let square = x * x;
                self.add(m, [1.0, x, square, square * x, square * square, 0.0]);
            }),
        }
        Ok(())
    }

    fn merge(&self, into: &mut Sums, from: &Sums) -> Result<()> {
        self.add(into, *from);
        Ok(())
    }

    fn finish(&self, states: &mut [Sums]) -> Result<Column> {
        let answers = states.iter().map(|m| self.answer(m));
        Ok(match self.single {
            true => Column::native(answers.map(|v| v as f32).collect::<Vec<_>>()),
            false => Column::native(answers.collect::<Vec<f64>>()),
        })
    }

    fn write(&self, state: &Sums, out: &mut Vec<u8>) {
        state
            .iter()
            .for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
    }

    fn read(&self, bytes: &mut Reader<'_>) -> Result<Sums> {
        let mut sums = [0.0; 6];
        for sum in &mut sums {
            *sum = bytes.number()?;
        }
        Ok(sums)
    }
}
