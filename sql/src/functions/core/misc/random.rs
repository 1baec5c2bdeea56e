//! Random numbers and strings.
//!
//! Invariant: every call site has its own stream, seeded by the query; nothing here is for secrets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roost_engine::bail;
use roost_engine::clock::{Clock, SystemClock};
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::core::hash::mix64;
use crate::functions::core::operands::Operand;
use crate::functions::library::kit::{arity, f, try_text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "random";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "rand([x])",
        "A random UInt32 in each row; different arguments keep calls apart.",
        ("toTypeName(rand())", "UInt32"),
        |a, c| {
            numbers(a, c, DataType::UInt32, |r| {
                Column::native(r.map(|x| (x >> 32) as u32).collect())
            })
        },
    )
    .also(&["rand32"])
    .any_case()
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "rand64([x])",
        "A random UInt64 in each row.",
        ("toTypeName(rand64())", "UInt64"),
        |a, c| numbers(a, c, DataType::UInt64, |r| Column::native(r.collect())),
    )
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "randCanonical([x])",
        "A random number from 0 up to 1.",
        ("randCanonical() < 1", "1"),
        |a, c| {
            numbers(a, c, DataType::Float64, |r| {
                Column::native(r.map(unit).collect())
            })
        },
    )
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "randConstant([x])",
        "One random UInt32 for all rows.",
        ("toTypeName(randConstant())", "UInt32"),
        |_, c| {
            let value = stream(c).next().unwrap_or_default() as u32;
            Ok(BoundFunction::new(DataType::UInt32, move |_, rows| {
                Column::constant(&Value::UInt(value.into()), &DataType::UInt32, rows)
            }))
        },
    )
    .sees_nulls()
    .volatile(),
    f(
        CATEGORY,
        "randUniform(min, max)",
        "A random number between two.",
        ("randUniform(5, 5)", "5"),
        |a, c| distribution(a, c, 2, |p, r| p[0] + (p[1] - p[0]) * unit(r())),
    )
    .volatile(),
    f(
        CATEGORY,
        "randNormal(mean, deviation)",
        "A random number of the normal distribution.",
        ("randNormal(5, 0)", "5"),
        |a, c| distribution(a, c, 2, |p, r| p[0] + p[1] * normal(r)),
    )
    .volatile(),
    f(
        CATEGORY,
        "randLogNormal(mean, deviation)",
        "A random number whose logarithm is normally distributed.",
        ("randLogNormal(0, 0)", "1"),
        |a, c| distribution(a, c, 2, |p, r| (p[0] + p[1] * normal(r)).exp()),
    )
    .volatile(),
    f(
        CATEGORY,
        "randExponential(lambda)",
        "A random number of the exponential distribution.",
        ("randExponential(1) >= 0", "1"),
        |a, c| distribution(a, c, 1, |p, r| -(1.0 - unit(r())).ln() / p[0]),
    )
    .volatile(),
    f(
        CATEGORY,
        "randomString(length)",
        "Random bytes.",
        ("length(randomString(5))", "5"),
        |a, c| strings(a, c, |x| x),
    )
    .volatile(),
    f(
        CATEGORY,
        "randomPrintableASCII(length)",
        "Random printable characters.",
        ("length(randomPrintableASCII(5))", "5"),
        |a, c| strings(a, c, |x| 32 + x % 95),
    )
    .volatile(),
    f(
        CATEGORY,
        "randomFixedString(length)",
        "Random bytes as FixedString.",
        ("length(randomFixedString(5))", "5"),
        bind_fixed,
    )
    .volatile(),
];

/// SplitMix64 from a place of its own.
pub(super) struct Stream(u64);

impl Iterator for Stream {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        Some(mix64(self.0))
    }
}

static CALLS: AtomicU64 = AtomicU64::new(0);

/// A fresh stream of the query.
pub(super) fn stream(context: &BindContext) -> Stream {
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let clock = match context.random_seed {
        0 => SystemClock.now_micros() as u64,
        seed => seed,
    };
    Stream(mix64(clock ^ mix64(call.wrapping_add(1))))
}

/// A stream for each block that asks, from threads that do not wait for each other.
pub(super) fn streams(context: &BindContext) -> impl Fn() -> Stream + Send + Sync + 'static {
    let (start, block) = (stream(context).0, Arc::new(AtomicU64::new(1)));
    move || {
        Stream(mix64(
            start ^ mix64(block.fetch_add(1, Ordering::Relaxed) << 20),
        ))
    }
}

fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1u64 << 53) as f64
}

fn normal(next: &mut dyn FnMut() -> u64) -> f64 {
    let (a, b) = (unit(next()), unit(next()));
    (-2.0 * (1.0 - a).ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
}

fn numbers(
    args: &[Arg],
    context: &BindContext,
    ty: DataType,
    make: fn(std::iter::Take<Stream>) -> Column,
) -> Result<BoundFunction> {
    arity(args, 0..=1)?;
    let streams = streams(context);
    Ok(BoundFunction::new(ty, move |_, rows| {
        Ok(make(streams().take(rows)))
    }))
}

type Sample = fn(&[f64], &mut dyn FnMut() -> u64) -> f64;

fn distribution(
    args: &[Arg],
    context: &BindContext,
    count: usize,
    sample: Sample,
) -> Result<BoundFunction> {
    if args.len() < count {
        arity(args, count..=count)?;
    }
    let parameter = |a: &Arg| a.constant.as_ref().and_then(Value::as_f64);
    let Some(parameters) = args[..count]
        .iter()
        .map(parameter)
        .collect::<Option<Vec<f64>>>()
    else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the parameters of a random distribution must be constant numbers"
        );
    };
    let streams = streams(context);
    Ok(BoundFunction::new(DataType::Float64, move |_, rows| {
        let mut stream = streams();
        let mut next = || stream.next().unwrap_or_default();
        Ok(Column::native(
            (0..rows)
                .map(|_| sample(&parameters, &mut next))
                .collect::<Vec<f64>>(),
        ))
    }))
}

const LENGTH_MAX: i64 = 1 << 24;

fn strings(args: &[Arg], context: &BindContext, map: fn(u8) -> u8) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    if !args[0].ty.is_integer() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the length of a random string must be a whole number, found {}",
            args[0].ty
        );
    }
    let streams = streams(context);
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let lengths = Operand::<i64>::of(&columns[0])?;
            let mut stream = streams();
            try_text(rows, rows * 16, |row, out| {
                let length = lengths.get(row);
                if !(0..=LENGTH_MAX).contains(&length) {
                    bail!(
                        TOO_LARGE_STRING_SIZE,
                        "Too large string size {length} in a random string"
                    );
                }
                let end = out.len() + length as usize;
                while out.len() < end {
                    let word = stream.next().unwrap_or_default().to_le_bytes();
                    let take = (end - out.len()).min(8);
                    out.extend(word[..take].iter().map(|b| map(*b)));
                }
                Ok(())
            })
        },
    ))
}

fn bind_fixed(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let width = args[0].constant.as_ref().and_then(Value::as_u64);
    let Some(width) = width.filter(|w| (1..=LENGTH_MAX as u64).contains(w)) else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the length of randomFixedString must be a constant positive number"
        );
    };
    let (width, streams) = (width as usize, streams(context));
    Ok(BoundFunction::new(
        DataType::FixedString(width),
        move |_, rows| {
            let mut data: Vec<u8> = Vec::with_capacity(rows * width + 8);
            let mut stream = streams();
            while data.len() < rows * width {
                data.extend_from_slice(&stream.next().unwrap_or_default().to_le_bytes());
            }
            data.truncate(rows * width);
            Ok(Column::Flat(Flat::Fixed {
                width,
                data: data.into(),
            }))
        },
    ))
}
