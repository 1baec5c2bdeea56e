//! `topK`, `topKWeighted`, `approx_top_k`, `approx_top_sum`: the most frequent values.
//!
//! Counts are exact here (ClickHouse keeps a bounded sketch), so the answers are those that its
//! sketch approximates; memory grows with the number of different values.
//!
//! Invariant: values come by descending weight, equal ones in the order they were first met.

use std::sync::Arc;

use hashbrown::HashMap;
use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, TupleType, Value};

use super::check::{doc, illegal, one, two};
use super::collect::{Collect, Collected, Sorted};
use super::group_array::array;
use super::keys::row_keys;
use crate::functions::{Aggregate, AggregateFunction};

pub(crate) const FUNCTIONS: &[AggregateFunction] = &[
    AggregateFunction::new(
        "topK",
        |p, a| bind("topK", false, false, p, a),
        doc(
            "topK[(n)](x)",
            "The n (10) most frequent values.",
            "topK(1)(intDiv(number, 7)) FROM numbers(10)",
            "[0]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "topKWeighted",
        |p, a| bind("topKWeighted", true, false, p, a),
        doc(
            "topKWeighted[(n)](x, weight)",
            "The n (10) values with the largest sums of weights.",
            "topKWeighted(1)(number, number) FROM numbers(10)",
            "[9]",
        ),
    )
    .never_null(),
    AggregateFunction::new(
        "approx_top_k",
        |p, a| bind("approx_top_k", false, true, p, a),
        doc(
            "approx_top_k[(n)](x)",
            "The n (10) most frequent values with their counts and the largest error of those.",
            "approx_top_k(1)(intDiv(number, 7)) FROM numbers(10)",
            "[(0,7,0)]",
        ),
    )
    .aliases(&["approx_top_count"])
    .any_case()
    .never_null(),
    AggregateFunction::new(
        "approx_top_sum",
        |p, a| bind("approx_top_sum", true, true, p, a),
        doc(
            "approx_top_sum[(n)](x, weight)",
            "The n (10) values with the largest sums of weights, with the sums.",
            "approx_top_sum(1)(number, number) FROM numbers(10)",
            "[(9,9,0)]",
        ),
    )
    .any_case()
    .never_null(),
];

fn bind(
    name: &str,
    weighted: bool,
    counts: bool,
    parameters: &[Value],
    arguments: &[DataType],
) -> Result<Arc<dyn Aggregate>> {
    let types = match weighted {
        true => {
            let (x, w) = two(name, arguments)?;
            if !w.is_integer() {
                return illegal(name, w);
            }
            vec![x.clone(), w.clone()]
        }
        false => vec![one(name, arguments)?.clone()],
    };
    if parameters.len() > 3 {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Aggregate function '{name}' requires three parameters or less"
        );
    }
    let n = parameters.first().map_or(Some(10), Value::as_u64);
    let Some(n) = n.filter(|n| (1..=0xFF_FFFF).contains(n)) else {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Parameter 0 is illegal for aggregate function '{name}'"
        );
    };
    let counts = counts
        || parameters
            .get(2)
            .is_some_and(|p| *p == Value::Bytes(b"counts".to_vec()));
    Ok(Collected::aggregate(TopK {
        types,
        n: n as usize,
        counts,
    }))
}

#[derive(Debug)]
struct TopK {
    types: Vec<DataType>,
    n: usize,
    counts: bool,
}

impl Collect for TopK {
    fn return_type(&self) -> DataType {
        let item = self.types[0].clone();
        match self.counts {
            false => item.array(),
            true => DataType::Tuple(Arc::new(TupleType {
                types: vec![item, DataType::UInt64, DataType::UInt64],
                names: ["item", "count", "error"].map(String::from).into(),
            }))
            .array(),
        }
    }

    fn arguments(&self) -> &[DataType] {
        &self.types
    }

    fn finish(&self, rows: &Sorted) -> Result<Column> {
        let keys = row_keys(&rows.columns[..1], rows.columns[0].len());
        let (mut offsets, mut chosen, mut weights) = (vec![0u64], Vec::new(), Vec::new());
        for range in rows.ranges() {
            let mut places: HashMap<u128, usize, foldhash::fast::FixedState> = HashMap::default();
            let mut items: Vec<(u32, u64)> = Vec::new();
            for row in range {
                let weight = match rows.columns.get(1) {
                    Some(column) => column.value(row).as_u64().unwrap_or(0),
                    None => 1,
                };
                let place = *places.entry(keys[row]).or_insert_with(|| {
                    items.push((row as u32, 0));
                    items.len() - 1
                });
                items[place].1 = items[place].1.saturating_add(weight);
            }
            items.sort_by_key(|item| std::cmp::Reverse(item.1));
            items.truncate(self.n);
            chosen.extend(items.iter().map(|i| i.0));
            weights.extend(items.iter().map(|i| i.1));
            offsets.push(chosen.len() as u64);
        }
        let values = take(&rows.columns[0], &chosen);
        if !self.counts {
            return array(offsets, values);
        }
        let errors = Column::native(vec![0u64; weights.len()]);
        let tuple = Flat::tuple(vec![values, Column::native(weights), errors], chosen.len())?;
        array(offsets, Column::Flat(tuple))
    }
}
