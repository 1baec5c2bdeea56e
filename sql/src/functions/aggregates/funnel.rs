//! `windowFunnel`, `retention`, `sequenceMatch`, `sequenceCount`: what users did in which order.
//!
//! Invariant: events are taken by time, then by the number of their condition.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::check::{doc, illegal, no_parameters};
use super::collect::{Collect, Collected, Sorted};
use super::group_array::array;
use super::sequence::Pattern;
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "windowFunnel",
        bind_funnel,
        doc(
            "windowFunnel(window[, mode, ...])(time, condition, ...)",
            "How many conditions in a row were met within the window.",
            "windowFunnel(10)(toUInt32(number), number = 1, number = 3) FROM numbers(5)",
            "2",
        ),
    ),
    AggregateFunction::new(
        "retention",
        bind_retention,
        doc(
            "retention(condition, ...)",
            "For each condition: whether it and the first one were met.",
            "retention(number = 1, number = 7, number = 2) FROM numbers(5)",
            "[1,0,1]",
        ),
    ),
    AggregateFunction::new(
        "sequenceMatch",
        |p, a| bind_sequence("sequenceMatch", false, p, a),
        doc(
            "sequenceMatch(pattern)(time, condition, ...)",
            "Whether the events match the pattern.",
            "sequenceMatch('(?1)(?2)')(toUInt32(number), number = 1, number = 3) FROM numbers(5)",
            "1",
        ),
    ),
    AggregateFunction::new(
        "sequenceCount",
        |p, a| bind_sequence("sequenceCount", true, p, a),
        doc(
            "sequenceCount(pattern)(time, condition, ...)",
            "How often the events match the pattern, without overlaps.",
            "sequenceCount('(?1)(?2)')(toUInt32(number), number % 2 = 0, number % 2 = 1) FROM numbers(6)",
            "3",
        ),
    ),
];

/// Most conditions, as in ClickHouse.
const CONDITIONS_MAX: usize = 32;

fn conditions(name: &str, arguments: &[DataType], least: usize) -> Result<()> {
    if arguments.len() < least || arguments.len() > CONDITIONS_MAX {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} takes {least} to {CONDITIONS_MAX} conditions, found {}",
            arguments.len()
        );
    }
    match arguments
        .iter()
        .find(|t| !matches!(t, DataType::UInt8 | DataType::Bool))
    {
        Some(other) => illegal(name, other),
        None => Ok(()),
    }
}

fn time_argument<'a>(name: &str, arguments: &'a [DataType]) -> Result<&'a [DataType]> {
    let Some((time, rest)) = arguments.split_first() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} needs a time"
        );
    };
    let fits = time.is_date() || time.is_date_time() || time.is_unsigned();
    if !fits || *time == DataType::UInt128 {
        return illegal(name, time);
    }
    Ok(rest)
}

/// Bits of the conditions that each row meets.
fn met(columns: &[Column], rows: usize) -> Vec<u32> {
    let mut bits = vec![0u32; rows];
    for (i, column) in columns.iter().enumerate() {
        let flat = column.to_flat();
        if let Flat::U8(values) = &flat {
            bits.iter_mut()
                .zip(values.iter())
                .for_each(|(b, v)| *b |= u32::from(*v != 0) << i);
        }
    }
    bits
}

fn times(column: &Column) -> Vec<i64> {
    (0..column.len())
        .map(|row| column.value(row).as_i64().unwrap_or(i64::MAX))
        .collect()
}

fn bind_funnel(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let name = "windowFunnel";
    let Some((window, modes)) = parameters.split_first() else {
        bail!(
            BAD_ARGUMENTS,
            "Aggregate function {name} requires exactly one parameter: window"
        );
    };
    let Some(window) = window.as_u64() else {
        bail!(BAD_ARGUMENTS, "The window of {name} must be a whole number");
    };
    conditions(name, time_argument(name, arguments)?, 1)?;
    let mut funnel = Funnel {
        types: arguments.to_vec(),
        window,
        ..Funnel::default()
    };
    for mode in modes {
        match mode.as_bytes() {
            Some(b"strict_deduplication" | b"strict") => funnel.deduplication = true,
            Some(b"strict_order") => funnel.order = true,
            Some(b"strict_increase") => funnel.increase = true,
            Some(b"strict_once") => funnel.once = true,
            _ => bail!(
                BAD_ARGUMENTS,
                "Aggregate function {name} doesn't support a parameter: {mode:?}"
            ),
        }
    }
    Ok(Collected::aggregate(funnel))
}

#[derive(Debug, Default)]
struct Funnel {
    types: Vec<DataType>,
    window: u64,
    deduplication: bool,
    order: bool,
    increase: bool,
    once: bool,
}

impl Funnel {
    fn level(&self, events: &[(i64, u32)]) -> u8 {
        let steps = self.types.len() - 1;
        // Per step: when the chain that got there began, and when it got there.
        let mut reached: Vec<Option<(i64, i64)>> = vec![None; steps];
        let mut started = false;
        for &(time, bits) in events {
            if self.order && bits == 0 {
                // A row that meets nothing breaks the order.
                if started {
                    return last_level(&reached);
                }
                continue;
            }
            let before = reached.clone();
            for step in (0..steps).filter(|s| bits & (1 << s) != 0) {
                let earlier = if self.once { &before } else { &reached };
                if step == 0 {
                    reached[0] = Some((time, time));
                    started = true;
                    continue;
                }
                if self.deduplication && reached[step].is_some() {
                    return last_level(&reached);
                }
                if self.order && started && earlier[step - 1].is_none() {
                    return last_level(&reached);
                }
                let Some((first, previous)) = earlier[step - 1] else {
                    continue;
                };
                let fits = time.saturating_sub(first) as u64 <= self.window;
                if fits && (!self.increase || previous < time) {
                    reached[step] = Some((first, time));
                    if step + 1 == steps {
                        return steps as u8;
                    }
                }
            }
        }
        last_level(&reached)
    }
}

fn last_level(reached: &[Option<(i64, i64)>]) -> u8 {
    reached
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |step| step as u8 + 1)
}

impl Collect for Funnel {
    fn return_type(&self) -> DataType {
        DataType::UInt8
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let times = times(&rows.columns[0]);
        let bits = met(&rows.columns[1..], times.len());
        let levels = rows.ranges().map(|range| {
            let events = range.map(|row| (times[row], bits[row]));
            let mut events: Vec<(i64, u32)> = events.filter(|e| e.1 != 0 || self.order).collect();
            events.sort_by_key(|e| (e.0, e.1.trailing_zeros()));
            self.level(&events)
        });
        Ok(Column::native(levels.collect::<Vec<u8>>()))
    }
}

fn bind_retention(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("retention", parameters)?;
    conditions("retention", arguments, 2)?;
    Ok(Collected::aggregate(Retention {
        types: arguments.to_vec(),
    }))
}

#[derive(Debug)]
struct Retention {
    types: Vec<DataType>,
}

impl Collect for Retention {
    fn return_type(&self) -> DataType {
        DataType::UInt8.array()
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn distinct(&self) -> bool {
        true
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let bits = met(&rows.columns, rows.columns[0].len());
        let mut out = Vec::with_capacity(rows.groups() * self.types.len());
        for range in rows.ranges() {
            let all = range.fold(0, |all, row| all | bits[row]);
            let first = all & 1 != 0;
            out.extend((0..self.types.len()).map(|i| u8::from(first && all & (1 << i) != 0)));
        }
        let n = self.types.len() as u64;
        array(
            (0..=rows.groups() as u64).map(|g| g * n).collect(),
            Column::native(out),
        )
    }
}

fn bind_sequence(
    name: &str,
    count: bool,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let [Value::Bytes(pattern)] = parameters else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} requires exactly one parameter, the pattern"
        );
    };
    let events = time_argument(name, arguments)?;
    conditions(name, events, 1)?;
    let pattern = Pattern::parse(&String::from_utf8_lossy(pattern), events.len())?;
    Ok(Collected::aggregate(Sequence {
        types: arguments.to_vec(),
        pattern,
        count,
    }))
}

#[derive(Debug)]
struct Sequence {
    types: Vec<DataType>,
    pattern: Pattern,
    count: bool,
}

impl Collect for Sequence {
    fn return_type(&self) -> DataType {
        if self.count {
            DataType::UInt64
        } else {
            DataType::UInt8
        }
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let times = times(&rows.columns[0]);
        let bits = met(&rows.columns[1..], times.len());
        let mut counts = Vec::with_capacity(rows.groups());
        for range in rows.ranges() {
            let events = range.map(|row| (times[row], bits[row]));
            let mut events: Vec<(i64, u32)> = events.filter(|e| e.1 != 0).collect();
            events.sort();
            counts.push(self.pattern.count(&events, !self.count)?);
        }
        Ok(match self.count {
            true => Column::native(counts),
            false => Column::native(counts.iter().map(|&c| u8::from(c > 0)).collect::<Vec<u8>>()),
        })
    }
}
