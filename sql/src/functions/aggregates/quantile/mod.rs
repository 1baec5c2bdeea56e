//! Quantiles: `quantileX(level)(x)`, `quantilesX(level, ...)(x)` and `medianX(x)` for each method X.
//!
//! Invariant: levels lie in 0..=1; NaN is never among the values.

mod deterministic;
mod exact;
mod reservoir;
mod tdigest;
mod timing;
mod weighted;

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::check::{doc, illegal, one, two};
use super::group_array::array;
use crate::functions::{Aggregate, AggregateFunction};

/// How a quantile is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Reservoir,
    Deterministic,
    Exact,
    ExactLow,
    ExactHigh,
    ExactExclusive,
    ExactInclusive,
    ExactWeighted,
    Timing,
    TimingWeighted,
    TDigest,
    TDigestWeighted,
    BFloat16,
    BFloat16Weighted,
}

macro_rules! family {
    ($(($suffix:literal, $method:ident, $one:literal, $many:literal, $median:literal, $args:literal, $text:literal, $example:literal, $answer:literal)),* $(,)?) => {
        pub(crate) const FUNCTIONS: &[AggregateFunction] = &[$(
            AggregateFunction::new(
                $one,
                |p, a| bind($one, Method::$method, false, p, a),
                doc(concat!($one, "(level)", $args), $text, concat!($one, $example), $answer),
            ).aliases(&[$median]),
            AggregateFunction::new(
                $many,
                |p, a| bind($many, Method::$method, true, p, a),
                doc(
                    concat!($many, "(level, ...)", $args),
                    concat!("Several levels at once, as an array. ", $text),
                    concat!($many, $example),
                    concat!("[", $answer, "]"),
                ),
            ),
        )*];
    };
}

family! {
    ("", Reservoir, "quantile", "quantiles", "median", "(x)", "Interpolated, of a sample of at most 8192 values.", "(0.5)(number) FROM numbers(10)", "4.5"),
    ("Deterministic", Deterministic, "quantileDeterministic", "quantilesDeterministic", "medianDeterministic", "(x, determinator)", "Of a sample that is chosen by the determinator.", "(0.5)(number, number) FROM numbers(10)", "4.5"),
    ("Exact", Exact, "quantileExact", "quantilesExact", "medianExact", "(x)", "One of the values, exact.", "(0.5)(number) FROM numbers(10)", "5"),
    ("ExactLow", ExactLow, "quantileExactLow", "quantilesExactLow", "medianExactLow", "(x)", "Exact; of two middle values the lower.", "(0.5)(number) FROM numbers(10)", "4"),
    ("ExactHigh", ExactHigh, "quantileExactHigh", "quantilesExactHigh", "medianExactHigh", "(x)", "Exact; of two middle values the higher.", "(0.5)(number) FROM numbers(10)", "5"),
    ("ExactExclusive", ExactExclusive, "quantileExactExclusive", "quantilesExactExclusive", "medianExactExclusive", "(x)", "Exact, as Excel's PERCENTILE.EXC.", "(0.25)(number) FROM numbers(10)", "1.75"),
    ("ExactInclusive", ExactInclusive, "quantileExactInclusive", "quantilesExactInclusive", "medianExactInclusive", "(x)", "Exact, as Excel's PERCENTILE.INC.", "(0.25)(number) FROM numbers(10)", "2.25"),
    ("ExactWeighted", ExactWeighted, "quantileExactWeighted", "quantilesExactWeighted", "medianExactWeighted", "(x, weight)", "Exact, each value as often as its weight.", "(0.5)(number, number) FROM numbers(10)", "7"),
    ("Timing", Timing, "quantileTiming", "quantilesTiming", "medianTiming", "(x)", "Of durations in milliseconds up to 30 seconds, in bounded memory.", "(0.5)(number) FROM numbers(10)", "5"),
    ("TimingWeighted", TimingWeighted, "quantileTimingWeighted", "quantilesTimingWeighted", "medianTimingWeighted", "(x, weight)", "As quantileTiming, each value as often as its weight.", "(0.5)(number, 1) FROM numbers(10)", "5"),
    ("TDigest", TDigest, "quantileTDigest", "quantilesTDigest", "medianTDigest", "(x)", "By a t-digest: small, precise at the ends.", "(0.5)(number) FROM numbers(10)", "4"),
    ("TDigestWeighted", TDigestWeighted, "quantileTDigestWeighted", "quantilesTDigestWeighted", "medianTDigestWeighted", "(x, weight)", "As quantileTDigest, each value as often as its weight.", "(0.5)(number, 1) FROM numbers(10)", "4"),
    ("BFloat16", BFloat16, "quantileBFloat16", "quantilesBFloat16", "medianBFloat16", "(x)", "Of values rounded to bfloat16.", "(0.5)(number) FROM numbers(10)", "4"),
    ("BFloat16Weighted", BFloat16Weighted, "quantileBFloat16Weighted", "quantilesBFloat16Weighted", "medianBFloat16Weighted", "(x, weight)", "Of values rounded to bfloat16, each as often as its weight.", "(0.5)(number, 1) FROM numbers(10)", "4"),
}

fn bind(
    name: &str,
    method: Method,
    many: bool,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    use Method as M;
    let weighted = matches!(
        method,
        M::Deterministic
            | M::ExactWeighted
            | M::TimingWeighted
            | M::TDigestWeighted
            | M::BFloat16Weighted
    );
    let (ty, weight) = match weighted {
        true => two(name, arguments).map(|(x, w)| (x, Some(w)))?,
        false => (one(name, arguments)?, None),
    };
    let dates = matches!(
        method,
        M::Reservoir | M::Deterministic | M::Exact | M::ExactLow | M::ExactHigh | M::ExactWeighted
    );
    if !(ty.is_numeric() || (dates && (ty.is_date() || ty.is_date_time()))) {
        return illegal(name, ty);
    }
    if let Some(weight) = weight.filter(|w| !w.is_integer()) {
        return illegal(name, weight);
    }
    let levels = Levels::new(name, many, parameters)?;
    Ok(match method {
        M::Reservoir => reservoir::bind(ty, levels),
        M::Deterministic => deterministic::bind(ty, weight, levels),
        M::Exact | M::ExactLow | M::ExactHigh | M::ExactExclusive | M::ExactInclusive => {
            exact::bind(name, method, ty, levels)?
        }
        M::ExactWeighted => weighted::bind(ty, weight, levels, false),
        M::BFloat16 | M::BFloat16Weighted => weighted::bind(ty, weight, levels, true),
        M::Timing | M::TimingWeighted => timing::bind(ty, weight, levels),
        M::TDigest | M::TDigestWeighted => tdigest::bind(ty, weight, levels),
    })
}

/// The wanted levels.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    pub(super) levels: Vec<f64>,
    many: bool,
}

impl Levels {
    fn new(name: &str, many: bool, parameters: &[Value]) -> Result<Self> {
        let levels = match parameters {
            [] => vec![0.5],
            [_] => parameters
                .iter()
                .map(|p| level(name, p))
                .collect::<Result<_>>()?,
            _ if many => parameters
                .iter()
                .map(|p| level(name, p))
                .collect::<Result<_>>()?,
            _ => bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Aggregate function {name} requires one level parameter or less"
            ),
        };
        Ok(Levels { levels, many })
    }

    /// Type of the answer for quantiles of type `ty`.
    pub(super) fn answer(&self, ty: DataType) -> DataType {
        if self.many { ty.array() } else { ty }
    }

    /// The answers from one quantile per group and level, group after group.
    pub(super) fn column(&self, quantiles: Flat, groups: usize) -> Result<Column> {
        if !self.many {
            return Ok(Column::Flat(quantiles));
        }
        let n = self.levels.len() as u64;
        array(
            (0..=groups as u64).map(|g| g * n).collect(),
            Column::Flat(quantiles),
        )
    }
}

fn level(name: &str, parameter: &Value) -> Result<f64> {
    let Some(level) = parameter.as_f64() else {
        bail!(
            BAD_ARGUMENTS,
            "Level parameter of aggregate function {name} must be a number"
        );
    };
    if !(0.0..=1.0).contains(&level) {
        bail!(
            PARAMETER_OUT_OF_BOUND,
            "Quantile level is out of range [0..1], found {level}"
        );
    }
    Ok(level)
}

/// Type of interpolated quantiles of `ty`: dates and decimals stay, numbers become Float64.
pub(super) fn interpolated_type(ty: &DataType) -> DataType {
    match ty {
        DataType::Decimal(..) => ty.clone(),
        ty if ty.is_date() || ty.is_date_time() => ty.clone(),
        _ => DataType::Float64,
    }
}

/// A column of `ty` (see [`interpolated_type`]) from raw doubles: decimals unscaled, dates as
/// numbers, cut towards zero.
pub(super) fn from_doubles(ty: &DataType, values: Vec<f64>) -> Result<Flat> {
    if *ty == DataType::Float64 {
        return Ok(Flat::native(values));
    }
    let mut out = ColumnBuilder::new(ty, values.len());
    for value in values {
        let whole = if value.is_finite() { value as i128 } else { 0 };
        out.push(&Value::Int128(whole))?;
    }
    Ok(out.finish())
}

/// The quantile between two neighbours of sorted values.
pub(super) fn interpolate(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let index = (level * last as f64).clamp(0.0, last as f64);
    let left = index as usize;
    if left == last {
        return sorted[last];
    }
    let right = left + 1;
    let (left_share, right_share) = (right as f64 - index, index - left as f64);
    sorted[left] * left_share + sorted[right] * right_share
}
