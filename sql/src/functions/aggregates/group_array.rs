//! `groupArray` and its kin: the values of a group as an array.
//!
//! Invariant: NULLs are left out; order is the order of arrival unless the name says otherwise.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{ArrayColumn, Buffer, Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::compare::compare;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::check::{doc, illegal, one, optional_limit, positive, two};
use super::collect::{Collect, Collected, Sorted};
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "groupArray",
        |p, a| bind("groupArray", Order::First, p, a),
        doc(
            "groupArray[(max_size)](x)",
            "The values as an array, at most the first max_size.",
            "groupArray(2)(number) FROM numbers(5)",
            "[0,1]",
        ),
    )
    .aliases(&["array_agg", "ARRAY_AGG"])
    .never_null(),
    AggregateFunction::new(
        "groupUniqArray",
        |p, a| bind("groupUniqArray", Order::Distinct, p, a),
        doc(
            "groupUniqArray[(max_size)](x)",
            "The different values as an array.",
            "groupUniqArray(number % 2) FROM numbers(5)",
            "[0,1]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupArrayLast",
        |p, a| bind("groupArrayLast", Order::Last, p, a),
        doc(
            "groupArrayLast(max_size)(x)",
            "The last max_size values as an array.",
            "groupArrayLast(2)(number) FROM numbers(5)",
            "[3,4]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupArraySorted",
        |p, a| bind("groupArraySorted", Order::Sorted, p, a),
        doc(
            "groupArraySorted(max_size)(x)",
            "The smallest max_size values in order.",
            "groupArraySorted(3)(-number) FROM numbers(5)",
            "[-4,-3,-2]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupArraySample",
        |p, a| bind("groupArraySample", Order::Sample(0), p, a),
        doc(
            "groupArraySample(max_size[, seed])(x)",
            "A random sample of max_size values.",
            "length(groupArraySample(3)(number)) FROM numbers(50)",
            "3",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "groupArrayInsertAt",
        bind_insert_at,
        doc(
            "groupArrayInsertAt[(default[, size])](x, position)",
            "Puts values at given positions of an array.",
            "groupArrayInsertAt(toString(number), number * 2) FROM numbers(2)",
            "['0','','1']",
        ),
    )
    .never_null(),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    First,
    Distinct,
    Last,
    Sorted,
    Sample(u64),
}

fn bind(
    name: &str,
    order: Order,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let ty = one(name, arguments)?;
    let (limit, order) = match (order, parameters) {
        (Order::First | Order::Distinct, _) => (optional_limit(name, parameters)?, order),
        (Order::Sample(_), [limit, seed]) => (
            Some(positive(name, limit, 1)?),
            Order::Sample(positive(name, seed, 0)?),
        ),
        (_, [limit]) => (Some(positive(name, limit, 1)?), order),
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Incorrect number of parameters for aggregate function {name}: found {}",
            parameters.len()
        ),
    };
    Ok(Collected::aggregate(GroupArray {
        types: vec![ty.clone()],
        limit,
        order,
    }))
}

#[derive(Debug)]
struct GroupArray {
    types: Vec<DataType>,
    limit: Option<u64>,
    order: Order,
}

/// An array column of elements under offsets.
pub(crate) fn array(offsets: Vec<u64>, elements: Column) -> Result<Column> {
    Ok(Column::Flat(Flat::Array(ArrayColumn::new(
        Buffer::from(offsets),
        elements,
    )?)))
}

impl GroupArray {
    /// The rows of one group that stay, in their order in the answer.
    fn choose(&self, column: &Column, range: std::ops::Range<usize>, limit: usize) -> Vec<u32> {
        let mut rows: Vec<u32> = (range.start as u32..range.end as u32).collect();
        match self.order {
            Order::Last => rows.split_off(rows.len().saturating_sub(limit)),
            Order::Sorted => {
                rows.sort_by(|&a, &b| compare(column, a as usize, column, b as usize));
                rows.truncate(limit);
                rows
            }
            Order::Sample(seed) => {
                // Vitter's reservoir over a fixed generator: the same rows give the same sample.
                let mut random = seed ^ 0x9E37_79B9_7F4A_7C15;
                for i in limit..rows.len() {
                    random =
                        super::uniq_hash::int_hash64(random.wrapping_add(0x9E37_79B9_7F4A_7C15));
                    let at = (random % (i as u64 + 1)) as usize;
                    if at < limit {
                        rows[at] = rows[i];
                    }
                }
                rows.truncate(limit);
                rows
            }
            Order::First | Order::Distinct => {
                rows.truncate(limit);
                rows
            }
        }
    }
}

impl Collect for GroupArray {
    fn return_type(&self) -> DataType {
        self.types[0].clone().array()
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn first_rows(&self) -> Option<u64> {
        self.limit
            .filter(|_| matches!(self.order, Order::First | Order::Distinct))
    }

    fn distinct(&self) -> bool {
        self.order == Order::Distinct
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let limit = match self.limit {
            Some(limit) if !matches!(self.order, Order::First | Order::Distinct) => limit as usize,
            _ => return array(rows.offsets.clone(), rows.columns[0].clone()),
        };
        let (mut offsets, mut chosen) = (vec![0u64], Vec::new());
        for range in rows.ranges() {
            chosen.extend(self.choose(&rows.columns[0], range, limit));
            offsets.push(chosen.len() as u64);
        }
        array(offsets, take(&rows.columns[0], &chosen))
    }
}

fn bind_insert_at(parameters: &[Value], arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let name = "groupArrayInsertAt";
    let (ty, position) = two(name, arguments)?;
    if !position.is_unsigned() {
        return illegal(name, position);
    }
    let size = match parameters {
        [_, size] => Some(positive(name, size, 1)?),
        [] | [_] => None,
        _ => bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} requires at most two parameters, found {}",
            parameters.len()
        ),
    };
    let mut default = ColumnBuilder::new(ty, 1);
    match parameters.first() {
        Some(value) => default.push(value)?,
        None => default.push_default(),
    }
    let types = vec![ty.clone(), position.clone()];
    Ok(Collected::aggregate(InsertAt {
        types,
        default: Column::Flat(default.finish()),
        size,
    }))
}

/// Positions past this are an error, as in ClickHouse.
const POSITION_MAX: u64 = 0xFF_FFFF;

#[derive(Debug)]
struct InsertAt {
    types: Vec<DataType>,
    default: Column,
    size: Option<u64>,
}

impl Collect for InsertAt {
    fn return_type(&self) -> DataType {
        self.types[0].clone().array()
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let (values, positions) = (&rows.columns[0], &rows.columns[1]);
        // The default stands behind the last row.
        let all = roost_engine::kernels::concat::concat(&[values, &self.default], &self.types[0])?;
        let default = values.len() as u32;
        let (mut offsets, mut chosen) = (vec![0u64], Vec::new());
        for range in rows.ranges() {
            let mut slots: Vec<u32> = vec![default; self.size.unwrap_or(0) as usize];
            for row in range {
                let position = positions.value(row).as_u64().unwrap_or(u64::MAX);
                if self.size.is_some_and(|size| position >= size) {
                    continue;
                }
                if position > POSITION_MAX {
                    bail!(
                        TOO_LARGE_ARRAY_SIZE,
                        "Too large array size: position argument ({position}) is greater than limit ({POSITION_MAX})"
                    );
                }
                let at = position as usize;
                if at >= slots.len() {
                    slots.resize(at + 1, default);
                }
                if slots[at] == default {
                    slots[at] = row as u32;
                }
            }
            chosen.extend(slots);
            offsets.push(chosen.len() as u64);
        }
        array(offsets, take(&all, &chosen))
    }
}
