//! `sumMap`, `minMap`, `maxMap`: totals per key, of a Map or of arrays of keys and values.
//!
//! Invariant: keys come out in order; with arrays, `sumMap` leaves out keys whose totals are all
//! zero, as ClickHouse does.

use std::collections::BTreeMap;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::check::{doc, illegal, no_parameters};
use super::collect::{Collect, Collected, Sorted};
use super::combinators::map::{Key, by_key};
use super::group_array::array;
use super::resolve::bind_aggregate;
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "sumMap",
        |p, a| bind("sumMap", "sum", p, a),
        doc(
            "sumMap(map) or sumMap(keys, values, ...)",
            "Sums per key.",
            "sumMap([1, 2], [3, number]) FROM numbers(3)",
            "([1,2],[9,3])",
        ),
    )
    .aliases(&["sumMappedArrays"])
    .with_nulls(),
    AggregateFunction::new(
        "minMap",
        |p, a| bind("minMap", "min", p, a),
        doc(
            "minMap(map) or minMap(keys, values, ...)",
            "Smallest values per key.",
            "minMap([1, 2], [3, number]) FROM numbers(3)",
            "([1,2],[3,0])",
        ),
    )
    .aliases(&["minMappedArrays"])
    .with_nulls(),
    AggregateFunction::new(
        "maxMap",
        |p, a| bind("maxMap", "max", p, a),
        doc(
            "maxMap(map) or maxMap(keys, values, ...)",
            "Largest values per key.",
            "maxMap([1, 2], [3, number]) FROM numbers(3)",
            "([1,2],[3,2])",
        ),
    )
    .aliases(&["maxMappedArrays"])
    .with_nulls(),
    AggregateFunction::new(
        "sumMapWithOverflow",
        |p, a| bind("sumMapWithOverflow", "sumWithOverflow", p, a),
        doc(
            "sumMapWithOverflow(map) or sumMapWithOverflow(keys, values, ...)",
            "Sums per key in the values' own type.",
            "sumMapWithOverflow([1], [toUInt8(200)]) FROM numbers(2)",
            "([1],[144])",
        ),
    )
    .with_nulls(),
];

fn bind(
    name: &'static str,
    inner: &'static str,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    no_parameters(name, parameters)?;
    if let [DataType::Map(key, value)] = arguments {
        let nested = bind_aggregate(inner, &[], std::slice::from_ref(value))?.0;
        return Ok(by_key(nested, key.as_ref().clone()));
    }
    let (types, tuple) = match arguments {
        [DataType::Tuple(t)] => (t.types.clone(), true),
        _ => (arguments.to_vec(), false),
    };
    if types.len() < 2 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function {name} requires at least two arguments of Array type or one of tuple or map type"
        );
    }
    let element = |ty: &DataType| match ty {
        DataType::Array(e) => Ok(e.without_low_cardinality()),
        other => illegal(name, other),
    };
    let elements = types.iter().map(element).collect::<Result<Vec<_>>>()?;
    let values = elements[1..].iter().map(DataType::without_nullable);
    let nested = values.map(|ty| Ok(bind_aggregate(inner, &[], &[ty])?.0));
    Ok(Collected::aggregate(ByKeys {
        arguments: arguments.to_vec(),
        tuple,
        nested: nested.collect::<Result<_>>()?,
        elements,
        leaves_out_zeros: name.starts_with("sum"),
    }))
}

#[derive(Debug)]
struct ByKeys {
    arguments: Vec<DataType>,
    /// The arrays come inside of one tuple.
    tuple: bool,
    elements: Vec<DataType>,
    nested: Vec<Arc<dyn Aggregate>>,
    leaves_out_zeros: bool,
}

impl Collect for ByKeys {
    fn return_type(&self) -> DataType {
        let keys = std::iter::once(self.elements[0].clone().array());
        let values = self.nested.iter().map(|n| n.return_type().array());
        DataType::tuple(keys.chain(values).collect())
    }

    fn arguments(&self) -> &[DataType] {
        &self.arguments
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let columns = match self.tuple {
            true => rows.columns[0].to_flat().as_tuple()?.to_vec(),
            false => rows.columns.clone(),
        };
        let mut lists = Vec::with_capacity(columns.len());
        for column in &columns {
            let flat = column.to_flat();
            let (offsets, elements) = flat.as_array()?.compact();
            lists.push((offsets, elements));
        }
        // Number of each (group, key), and the number of each element of the lists.
        let keys = &lists[0].1;
        let mut groups: Vec<BTreeMap<Key, u32>> = vec![BTreeMap::new(); rows.groups()];
        let mut numbers = Vec::with_capacity(keys.len());
        let mut count = 0u32;
        for (group, range) in rows.ranges().enumerate() {
            for row in range {
                let bounds = |list: usize| (lists[list].0[row], lists[list].0[row + 1]);
                let (start, end) = bounds(0);
                if (1..lists.len()).any(|l| bounds(l).1 - bounds(l).0 != end - start) {
                    bail!(
                        BAD_ARGUMENTS,
                        "Sizes of keys and values arrays do not match, expected {}",
                        end - start
                    );
                }
                for at in start as usize..end as usize {
                    let number = *groups[group].entry(Key(keys.value(at))).or_insert_with(|| {
                        count += 1;
                        count - 1
                    });
                    numbers.push(number);
                }
            }
        }
        let totals = (1..lists.len())
            .map(|list| self.totals(list, &lists[list].1, &numbers, count as usize))
            .collect::<Result<Vec<_>>>()?;
        self.lay_out(&groups, &totals)
    }
}

impl ByKeys {
    fn totals(
        &self,
        list: usize,
        values: &Column,
        numbers: &[u32],
        count: usize,
    ) -> Result<Column> {
        let inner = &self.elements[list];
        let nested = &self.nested[list - 1];
        let mut states = nested.states();
        states.resize(count);
        match inner.is_nullable() {
            true => {
                let rows: Vec<u32> = (0..values.len() as u32)
                    .filter(|&r| !values.is_null(r as usize))
                    .collect();
                let kept = roost_engine::kernels::take::take(values, &rows).to_flat();
                let numbers: Vec<u32> = rows.iter().map(|&r| numbers[r as usize]).collect();
                states.update(&[Column::Flat(kept.split_nulls().1.clone())], &numbers)?;
            }
            false => states.update(std::slice::from_ref(values), numbers)?,
        }
        states.finish()
    }

    fn lay_out(&self, groups: &[BTreeMap<Key, u32>], totals: &[Column]) -> Result<Column> {
        let is_zero = |number: u32| {
            totals
                .iter()
                .all(|t| t.value(number as usize).as_f64().is_some_and(|v| v == 0.0))
        };
        let mut keys = ColumnBuilder::new(&self.elements[0], 0);
        let (mut offsets, mut order) = (vec![0u64], Vec::new());
        for group in groups {
            for (key, &number) in group {
                if self.leaves_out_zeros && is_zero(number) {
                    continue;
                }
                keys.push(&key.0)?;
                order.push(number);
            }
            offsets.push(order.len() as u64);
        }
        let mut lists = vec![array(offsets.clone(), Column::Flat(keys.finish()))?];
        for total in totals {
            let values = roost_engine::kernels::take::take(total, &order);
            lists.push(array(offsets.clone(), values)?);
        }
        Ok(Column::Flat(Flat::tuple(lists, groups.len())?))
    }
}
