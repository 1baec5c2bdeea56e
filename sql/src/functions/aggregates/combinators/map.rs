//! `-Map`: one nested state per key of maps. And the states by key that `sumMap` shares.
//!
//! Invariant: keys of a group are kept in their order, each once.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Nested;
use super::many::Many;
use crate::functions::aggregates::bytes::{Reader, VERSION, put_value, put_varint, read_value};
use crate::functions::aggregates::group_array::array;
use crate::functions::aggregates::states::same;
use crate::functions::{Aggregate, GroupedState};

pub(super) fn bind_map(nested: &Nested<'_>, arguments: &[DataType]) -> Result<Arc<dyn Aggregate>> {
    let [DataType::Map(key, value)] = arguments else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Aggregate function {}Map requires one argument of type Map",
            nested.name
        );
    };
    let inner = nested.bind(&[value.without_low_cardinality()])?.0;
    Ok(by_key(inner, key.as_ref().clone()))
}

/// `inner` per key of a Map argument.
pub(in crate::functions::aggregates) fn by_key(
    inner: Arc<dyn Aggregate>,
    key: DataType,
) -> Arc<dyn Aggregate> {
    Arc::new(ByKey { inner, key })
}

#[derive(Debug)]
struct ByKey {
    inner: Arc<dyn Aggregate>,
    key: DataType,
}

impl Aggregate for ByKey {
    fn return_type(&self) -> DataType {
        DataType::Map(
            Arc::new(self.key.clone()),
            Arc::new(self.inner.return_type()),
        )
    }

    fn states(&self) -> Box<dyn GroupedState> {
        Box::new(MapStates {
            many: Many::new(&self.inner),
            keys: Vec::new(),
            key: self.key.without_low_cardinality(),
        })
    }
}

/// A cell with its order.
#[derive(Debug, Clone)]
pub(in crate::functions::aggregates) struct Key(pub(in crate::functions::aggregates) Value);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

struct MapStates {
    many: Many,
    keys: Vec<BTreeMap<Key, u32>>,
    key: DataType,
}

impl MapStates {
    fn number(&mut self, group: usize, key: Value) -> u32 {
        let many = &mut self.many;
        *self.keys[group]
            .entry(Key(key))
            .or_insert_with(|| many.fresh())
    }
}

impl GroupedState for MapStates {
    fn resize(&mut self, groups: usize) {
        if groups > self.keys.len() {
            self.keys.resize(groups, BTreeMap::new());
        }
    }

    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()> {
        let flat = args[0].to_flat();
        let (offsets, entries) = flat.as_array()?.compact();
        let entries = entries.to_flat();
        let [keys, values] = entries.as_tuple()? else {
            return Ok(());
        };
        let mut numbers = Vec::with_capacity(values.len());
        for (w, &group) in offsets.windows(2).zip(groups) {
            for at in w[0] as usize..w[1] as usize {
                numbers.push(self.number(group as usize, keys.value(at)));
            }
        }
        self.many.grow();
        self.many
            .states
            .update(std::slice::from_ref(values), &numbers)
    }

    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()> {
        let other = same::<Self>(other)?;
        let mut numbers = vec![0; other.many.len()];
        for (keys, &to) in other.keys.iter().zip(map) {
            for (key, from) in keys {
                numbers[*from as usize] = self.number(to as usize, key.0.clone());
            }
        }
        self.many.grow();
        self.many.states.merge(other.many.states.as_ref(), &numbers)
    }

    fn finish(&mut self) -> Result<Column> {
        let answers = self.many.finish()?;
        let mut keys = ColumnBuilder::new(&self.key, 0);
        let (mut offsets, mut order) = (vec![0u64], Vec::new());
        for group in &self.keys {
            for (key, number) in group {
                keys.push(&key.0)?;
                order.push(*number);
            }
            offsets.push(order.len() as u64);
        }
        let pair = vec![Column::Flat(keys.finish()), take(&answers, &order)];
        array(offsets, Column::Flat(Flat::tuple(pair, order.len())?))
    }

    fn peek(&self, group: u32) -> Result<Value> {
        let entry = |(key, number): (&Key, &u32)| {
            Ok(Value::Tuple(vec![
                key.0.clone(),
                self.many.states.peek(*number)?,
            ]))
        };
        Ok(Value::Array(
            self.keys[group as usize]
                .iter()
                .map(entry)
                .collect::<Result<_>>()?,
        ))
    }

    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()> {
        let keys = &self.keys[group as usize];
        out.push(VERSION);
        put_varint(out, keys.len() as u64);
        keys.iter().try_for_each(|(key, number)| {
            put_value(out, &key.0);
            self.many.write(*number, out)
        })
    }

    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::state(bytes)?;
        for _ in 0..reader.count(2)? {
            let key = read_value(&mut reader, 0)?;
            ColumnBuilder::new(&self.key, 1).push(&key)?;
            let number = self.number(group as usize, key);
            self.many.grow();
            self.many.states.merge_state(number, reader.bytes()?)?;
        }
        reader.end()
    }

    fn memory_bytes(&self) -> usize {
        self.many.states.memory_bytes() + self.many.len() * 96
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
