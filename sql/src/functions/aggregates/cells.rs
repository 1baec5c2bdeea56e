//! One kept cell per group, of any type: what `min`, `any` and `argMax` remember.
//!
//! Invariant: a cell that is not set answers the type's default; all of a store's parts have one
//! entry per group.

use std::any::Any;
use std::cmp::Ordering;

use roost_engine::column::{Buffer, BytesBuilder, ColumnBuilder, Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::kernels::compare::compare_flat;
use roost_engine::types::value::compare_floats;
use roost_engine::types::{DataType, Physical, Value};

use super::bytes::{Reader, put_bytes, put_value, read_value};

/// Kept cells.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    ty: DataType,
    set: Vec<bool>,
    store: Store,
}

#[derive(Debug, Clone)]
enum Store {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    U128(Vec<u128>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    I128(Vec<i128>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Strings of any and of fixed length.
    Text(Arena),
    /// Everything else, cell by cell.
    Values(Vec<Value>),
}

/// Runs `$body` for the vector of a native store, `$rest` for the others.
macro_rules! with_store {
    ($store:expr, |$v:ident| $body:expr, $other:ident => $rest:expr) => {
        match $store {
            Store::U8($v) => $body,
            Store::U16($v) => $body,
            Store::U32($v) => $body,
            Store::U64($v) => $body,
            Store::U128($v) => $body,
            Store::I8($v) => $body,
            Store::I16($v) => $body,
            Store::I32($v) => $body,
            Store::I64($v) => $body,
            Store::I128($v) => $body,
            Store::F32($v) => $body,
            Store::F64($v) => $body,
            $other => $rest,
        }
    };
}

/// Strings of groups in one run of bytes; replaced ones leave holes until half of it is holes.
#[derive(Debug, Clone, Default)]
struct Arena {
    spans: Vec<(u64, u64)>,
    data: Vec<u8>,
    live: usize,
}

impl Arena {
    fn get(&self, group: usize) -> &[u8] {
        let (start, len) = self.spans[group];
        &self.data[start as usize..(start + len) as usize]
    }

    fn set(&mut self, group: usize, text: &[u8]) {
        let (start, len) = self.spans[group];
        self.live = self.live - len as usize + text.len();
        if text.len() <= len as usize {
            let at = start as usize;
            self.data[at..at + text.len()].copy_from_slice(text);
            self.spans[group].1 = text.len() as u64;
            return;
        }
        if self.data.len() > 4096 && self.data.len() / 2 > self.live {
            self.spans[group].1 = 0;
            self.compact();
        }
        self.spans[group] = (self.data.len() as u64, text.len() as u64);
        self.data.extend_from_slice(text);
    }

    fn compact(&mut self) {
        let mut data = Vec::with_capacity(self.live * 2);
        for span in &mut self.spans {
            let at = data.len() as u64;
            data.extend_from_slice(&self.data[span.0 as usize..(span.0 + span.1) as usize]);
            span.0 = at;
        }
        self.data = data;
    }
}

impl Cells {
    /// No groups yet.
    pub(crate) fn new(ty: &DataType) -> Self {
        let store = match ty.physical() {
            Physical::U8 => Store::U8(Vec::new()),
            Physical::U16 => Store::U16(Vec::new()),
            Physical::U32 => Store::U32(Vec::new()),
            Physical::U64 => Store::U64(Vec::new()),
            Physical::U128 => Store::U128(Vec::new()),
            Physical::I8 => Store::I8(Vec::new()),
            Physical::I16 => Store::I16(Vec::new()),
            Physical::I32 => Store::I32(Vec::new()),
            Physical::I64 => Store::I64(Vec::new()),
            Physical::I128 => Store::I128(Vec::new()),
            Physical::F32 => Store::F32(Vec::new()),
            Physical::F64 => Store::F64(Vec::new()),
            Physical::Bytes | Physical::Fixed(_) => Store::Text(Arena::default()),
            _ => Store::Values(Vec::new()),
        };
        Cells {
            ty: ty.clone(),
            set: Vec::new(),
            store,
        }
    }

    /// Makes room for `groups`.
    pub(crate) fn resize(&mut self, groups: usize) {
        if groups <= self.set.len() {
            return;
        }
        self.set.resize(groups, false);
        with_store!(&mut self.store, |v| v.resize(groups, Default::default()), other => match other {
            Store::Text(arena) => arena.spans.resize(groups, (0, 0)),
            Store::Values(values) => values.resize(groups, Value::Null),
            _ => {}
        });
    }

    /// Number of groups.
    pub(crate) fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether the group has a cell.
    pub(crate) fn is_set(&self, group: usize) -> bool {
        self.set[group]
    }

    /// The cells and set flags of a native type, for tight loops.
    pub(crate) fn native<T: Native>(&mut self) -> Option<(&mut Vec<T>, &mut Vec<bool>)> {
        let any: &mut dyn Any = with_store!(&mut self.store, |v| v, _other => return None);
        Some((any.downcast_mut::<Vec<T>>()?, &mut self.set))
    }

    /// Keeps row `row` of `flat`, which has the cells' shape.
    pub(crate) fn set(&mut self, group: usize, flat: &Flat, row: usize) {
        fn put<T: Native>(values: &mut [T], group: usize, flat: &Flat, row: usize) {
            if let Some(from) = T::of(flat) {
                values[group] = from[row];
            }
        }
        self.set[group] = true;
        with_store!(&mut self.store, |v| put(v, group, flat, row), other => match other {
            Store::Text(arena) => arena.set(group, flat.bytes_at(row)),
            Store::Values(values) => values[group] = flat.value(row),
            _ => {}
        });
    }

    /// Keeps the cell `from` of `other`, set or not.
    pub(crate) fn copy(&mut self, group: usize, other: &Cells, from: usize) {
        fn put<T: Native>(values: &mut [T], group: usize, other: &Store, from: usize) {
            let any: &dyn Any = with_store!(other, |v| v, _other => return);
            if let Some(other) = any.downcast_ref::<Vec<T>>() {
                values[group] = other[from];
            }
        }
        self.set[group] = other.set[from];
        with_store!(&mut self.store, |v| put(v, group, &other.store, from), mine => {
            match (mine, &other.store) {
                (Store::Text(mine), Store::Text(other)) => mine.set(group, other.get(from)),
                (Store::Values(mine), Store::Values(other)) => mine[group] = other[from].clone(),
                _ => {}
            }
        });
    }

    /// Order of a set cell and row `row` of `flat`.
    pub(crate) fn compare(&self, group: usize, flat: &Flat, row: usize) -> Ordering {
        match (&self.store, flat) {
            (Store::Text(arena), _) => arena.get(group).cmp(flat.bytes_at(row)),
            (Store::Values(values), _) => values[group].compare(&flat.value(row)),
            _ => compare_flat(&self.one(group), 0, flat, row),
        }
    }

    /// Order of two set cells.
    pub(crate) fn compare_cells(&self, group: usize, other: &Cells, from: usize) -> Ordering {
        match (&self.store, &other.store) {
            (Store::Text(a), Store::Text(b)) => a.get(group).cmp(b.get(from)),
            (Store::Values(a), Store::Values(b)) => a[group].compare(&b[from]),
            (Store::F32(a), Store::F32(b)) => compare_floats(a[group].into(), b[from].into()),
            (Store::F64(a), Store::F64(b)) => compare_floats(a[group], b[from]),
            _ => compare_flat(&self.one(group), 0, &other.one(from), 0),
        }
    }

    fn one(&self, group: usize) -> Flat {
        with_store!(&self.store, |v| Flat::native(vec![v[group]]), _other => Flat::Nothing(1))
    }

    /// The cell, or the type's default.
    pub(crate) fn value(&self, group: usize) -> Value {
        if !self.set[group] {
            let mut builder = ColumnBuilder::new(&self.ty, 1);
            builder.push_default();
            return builder.finish().value(0);
        }
        match &self.store {
            Store::Text(arena) => Value::Bytes(arena.get(group).to_vec()),
            Store::Values(values) => values[group].clone(),
            _ => self.one(group).value(0),
        }
    }

    /// The cell of a float type.
    pub(crate) fn value_if_float(&self, group: usize) -> Option<f64> {
        match &self.store {
            Store::F32(v) => Some(v[group].into()),
            Store::F64(v) => Some(v[group]),
            _ => None,
        }
    }

    /// All cells as a column.
    pub(crate) fn column(&self) -> Result<Flat> {
        fn flat<T: Native>(values: &[T]) -> Flat {
            Flat::native(values.to_vec())
        }
        Ok(with_store!(&self.store, |v| flat(v), other => match other {
            Store::Text(arena) => match self.ty.physical() {
                Physical::Fixed(width) => {
                    let mut data = Vec::with_capacity(width * self.len());
                    for group in 0..self.len() {
                        data.extend_from_slice(arena.get(group));
                        data.resize((group + 1) * width, 0);
                    }
                    Flat::Fixed { width, data: Buffer::from(data) }
                }
                _ => {
                    let mut out = BytesBuilder::with_capacity(self.len(), arena.live);
                    (0..self.len()).for_each(|group| out.push(arena.get(group)));
                    Flat::Bytes(out.finish())
                }
            },
            Store::Values(values) => {
                let mut out = ColumnBuilder::new(&self.ty, self.len());
                for (value, set) in values.iter().zip(&self.set) {
                    match set {
                        true => out.push(value)?,
                        false => out.push_default(),
                    }
                }
                out.finish()
            }
            _ => Flat::Nothing(self.len()),
        }))
    }

    /// Appends one cell.
    pub(crate) fn write(&self, group: usize, out: &mut Vec<u8>) {
        out.push(u8::from(self.set[group]));
        if !self.set[group] {
            return;
        }
        with_store!(&self.store, |v| v[group].write_le(out), other => match other {
            Store::Text(arena) => put_bytes(out, arena.get(group)),
            Store::Values(values) => put_value(out, &values[group]),
            _ => {}
        });
    }

    /// A store of one group, read from what [`Cells::write`] wrote.
    pub(crate) fn read(ty: &DataType, reader: &mut Reader<'_>) -> Result<Cells> {
        let mut cells = Cells::new(ty);
        cells.resize(1);
        if reader.byte()? == 0 {
            return Ok(cells);
        }
        cells.set[0] = true;
        with_store!(&mut cells.store, |v| v[0] = reader.number()?, other => match other {
            Store::Text(arena) => {
                let text = reader.bytes()?;
                if matches!(ty.physical(), Physical::Fixed(width) if width != text.len()) {
                    return Err(Error::corrupt(format!(
                        "aggregate state holds {} bytes for a {ty}", text.len()
                    )));
                }
                arena.set(0, text);
            }
            Store::Values(values) => {
                let value = read_value(reader, 0)?;
                ColumnBuilder::new(ty, 1).push(&value)?;
                values[0] = value;
            }
            _ => {}
        });
        Ok(cells)
    }

    /// Resident bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        fn of<T>(values: &[T]) -> usize {
            size_of_val(values)
        }
        self.set.len()
            + with_store!(&self.store, |v| of(v), other => match other {
                Store::Text(arena) => arena.data.capacity() + of(&arena.spans),
                Store::Values(values) => values.len() * 64,
                _ => 0,
            })
    }
}
