//! `singleValueOrNull`, `anyHeavy`, `entropy`, `groupConcat`: functions of a group's logged values.
//!
//! Invariant: NULL rows are not among the values.

use std::sync::Arc;

use hashbrown::HashMap;
use roost_engine::bail;
use roost_engine::column::{BytesBuilder, Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take::{NO_ROW, take_or_default};
use roost_engine::types::{DataType, Value};

use super::check::{doc, no_parameters, one, positive};
use super::collect::{Collect, Collected, Sorted};
use super::keys::row_keys;
use crate::functions::text::{Escaping, TextWriter};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "singleValueOrNull",
        |p, a| bind("singleValueOrNull", Kind::Single, p, a),
        doc(
            "singleValueOrNull(x)",
            "The value when there is only one, else NULL.",
            "singleValueOrNull(7) FROM numbers(3)",
            "7",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "anyHeavy",
        |p, a| bind("anyHeavy", Kind::Heavy, p, a),
        doc(
            "anyHeavy(x)",
            "A value that more than half of the rows have, if there is one.",
            "anyHeavy(intDiv(number, 7)) FROM numbers(10)",
            "0",
        ),
    ),
    AggregateFunction::new(
        "entropy",
        bind_entropy,
        doc(
            "entropy(x, ...)",
            "Shannon's entropy of the values, in bits.",
            "entropy(number % 4) FROM numbers(8)",
            "2",
        ),
    ),
    AggregateFunction::new(
        "groupConcat",
        bind_concat,
        doc(
            "groupConcat[(separator[, limit])](x)",
            "The values as one text.",
            "groupConcat(', ')(number) FROM numbers(3)",
            "0, 1, 2",
        ),
    )
    .aliases(&["group_concat", "string_agg"])
    .any_case(),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Single,
    Heavy,
}

fn bind(
    name: &str,
    kind: Kind,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    let ty = one(name, arguments)?;
    Ok(Collected::aggregate(OneOf {
        kind,
        types: vec![ty.clone()],
    }))
}

/// One of the values.
#[derive(Debug)]
struct OneOf {
    kind: Kind,
    types: Vec<DataType>,
}

impl Collect for OneOf {
    fn return_type(&self) -> DataType {
        match self.kind {
            Kind::Single if super::nulls::can_be_nullable(&self.types[0]) => {
                self.types[0].clone().nullable()
            }
            _ => self.types[0].clone(),
        }
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn first_rows(&self) -> Option<u64> {
        (self.kind == Kind::Single).then_some(2)
    }

    fn distinct(&self) -> bool {
        self.kind == Kind::Single
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let column = &rows.columns[0];
        let chosen: Vec<u32> = match self.kind {
            Kind::Single => {
                let single = |r: std::ops::Range<usize>| match r.len() {
                    1 => r.start as u32,
                    _ => NO_ROW,
                };
                rows.ranges().map(single).collect()
            }
            Kind::Heavy => {
                let keys = row_keys(&rows.columns, column.len());
                rows.ranges().map(|range| heavy(&keys, range)).collect()
            }
        };
        let values = take_or_default(column, &chosen);
        if self.return_type() == self.types[0] {
            return Ok(values);
        }
        let nulls = chosen.iter().map(|row| u8::from(*row == NO_ROW)).collect();
        Ok(Column::Flat(Flat::nullable(nulls, values.to_flat())?))
    }
}

/// Boyer and Moore's majority vote.
fn heavy(keys: &[u128], range: std::ops::Range<usize>) -> u32 {
    let (mut candidate, mut votes) = (NO_ROW, 0u64);
    for row in range {
        if votes == 0 {
            (candidate, votes) = (row as u32, 1);
        } else if keys[candidate as usize] == keys[row] {
            votes += 1;
        } else {
            votes -= 1;
        }
    }
    candidate
}

fn bind_entropy(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    no_parameters("entropy", parameters)?;
    if arguments.is_empty() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of arguments for aggregate function entropy: expected at least one"
        );
    }
    Ok(Collected::aggregate(Entropy {
        types: arguments.to_vec(),
    }))
}

#[derive(Debug)]
struct Entropy {
    types: Vec<DataType>,
}

impl Collect for Entropy {
    fn return_type(&self) -> DataType {
        DataType::Float64
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let keys = row_keys(&rows.columns, rows.columns[0].len());
        let entropies = rows.ranges().map(|range| {
            let total = range.len() as f64;
            let mut counts: HashMap<u128, u64, foldhash::fast::FixedState> = HashMap::default();
            range.for_each(|row| *counts.entry(keys[row]).or_default() += 1);
            let mut counts: Vec<u64> = counts.into_values().collect();
            counts.sort_unstable();
            let share = |count: &u64| *count as f64 / total;
            counts
                .iter()
                .map(share)
                .fold(0.0, |sum, p| sum - p * p.log2())
        });
        Ok(Column::native(entropies.collect::<Vec<f64>>()))
    }
}

fn bind_concat(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let name = "groupConcat";
    let (separator, limit) = match parameters {
        [] => (Vec::new(), None),
        [Value::Bytes(separator)] => (separator.clone(), None),
        [Value::Bytes(separator), limit] => (separator.clone(), Some(positive(name, limit, 1)?)),
        _ => bail!(
            BAD_ARGUMENTS,
            "First parameter for aggregate function {name} should be a string"
        ),
    };
    match arguments {
        [_] | [_, DataType::String] => {}
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} takes a value and perhaps a constant separator, found {} arguments",
            arguments.len()
        ),
    }
    let writer = TextWriter::new(&arguments[0], Escaping::Plain);
    Ok(Collected::aggregate(Concat {
        types: arguments.to_vec(),
        writer,
        separator,
        limit,
    }))
}

#[derive(Debug)]
struct Concat {
    types: Vec<DataType>,
    writer: TextWriter,
    separator: Vec<u8>,
    limit: Option<u64>,
}

impl Collect for Concat {
    fn return_type(&self) -> DataType {
        DataType::String
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn first_rows(&self) -> Option<u64> {
        self.limit
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let texts = self.writer.column(&rows.columns[0]);
        let mut out = BytesBuilder::with_capacity(rows.groups(), texts.value_bytes());
        for range in rows.ranges() {
            let start = range.start;
            for row in range {
                if row > start {
                    match rows.columns.get(1) {
                        Some(separators) => {
                            let (flat, at) = separators.entry(row);
                            out.tail().extend_from_slice(flat.bytes_at(at));
                        }
                        None => out.tail().extend_from_slice(&self.separator),
                    }
                }
                out.tail().extend_from_slice(texts.get(row));
            }
            out.end();
        }
        Ok(Column::Flat(Flat::Bytes(out.finish())))
    }
}
