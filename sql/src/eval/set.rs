//! Probes of sets: `x IN (...)`.
//!
//! Invariant: NULL is in no set; the answer is NULL for a NULL needle exactly when the type says so.

use std::sync::{Arc, OnceLock};

use roost_engine::column::{Buffer, Column, DictColumn, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::groups::{Groups, NO_GROUP};
use crate::expr::{InSet, SetSource};

/// A set, made into a table when it is first probed (a subquery's rows come late).
pub(super) struct SetProbe {
    source: Arc<SetSource>,
    negated: bool,
    nullable: bool,
    groups: OnceLock<Groups>,
}

impl SetProbe {
    pub(super) fn new(set: &InSet) -> Self {
        SetProbe {
            source: Arc::clone(&set.set),
            negated: set.negated,
            nullable: set.ty.is_nullable(),
            groups: OnceLock::new(),
        }
    }

    fn groups(&self) -> Result<&Groups> {
        if let Some(groups) = self.groups.get() {
            return Ok(groups);
        }
        let rows = self.source.rows.get();
        let rows = rows.ok_or_else(|| Error::bug("a set is probed before it was filled"))?;
        let built = build(&self.source.types, rows.columns(), rows.rows())?;
        Ok(self.groups.get_or_init(|| built))
    }

    /// Membership of each row.
    pub(super) fn test(&self, needle: &[Column], rows: usize) -> Result<Column> {
        let groups = self.groups()?;
        if let [Column::Dict(d)] = needle
            && d.dict().len() <= rows
        {
            let entries = [Column::Flat(d.dict().as_ref().clone())];
            let answers = self.test_flat(groups, &entries, d.dict().len())?;
            let column = DictColumn::new(d.codes_buffer().clone(), Arc::new(answers))?;
            return Ok(Column::Flat(Column::Dict(column).to_flat()));
        }
        if needle.iter().all(|c| c.as_const().is_some()) && rows > 0 {
            let ones: Vec<Column> = needle.iter().map(|c| c.slice(0, 1)).collect();
            return Ok(Column::Const {
                value: Arc::new(self.test_flat(groups, &ones, 1)?),
                len: rows,
            });
        }
        Ok(Column::Flat(self.test_flat(groups, needle, rows)?))
    }

    fn test_flat(&self, groups: &Groups, needle: &[Column], rows: usize) -> Result<Flat> {
        let (values, nulls) = strip_nulls(needle, rows);
        let mut ids = Vec::with_capacity(rows);
        groups.find(&values, rows, &mut ids)?;
        let mut found: Vec<u8> = ids.iter().map(|id| u8::from(*id != NO_GROUP)).collect();
        if let Some(nulls) = &nulls {
            found.iter_mut().zip(nulls).for_each(|(f, n)| *f &= 1 - *n);
        }
        if self.negated {
            found.iter_mut().for_each(|f| *f ^= 1);
        }
        let found = Flat::U8(Buffer::from(found));
        if self.nullable {
            let nulls = nulls.unwrap_or_else(|| vec![0; rows]);
            return Flat::nullable(nulls, found);
        }
        Ok(found)
    }
}

/// Values without their masks, and one mask (0 or 1) of the rows where any is NULL.
pub(crate) fn strip_nulls(columns: &[Column], rows: usize) -> (Vec<Column>, Option<Vec<u8>>) {
    let mut mask: Option<Vec<u8>> = None;
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        let flat = match column {
            Column::Const { value, .. } if !matches!(**value, Flat::Nullable(_)) => None,
            Column::Dict(d) if !matches!(**d.dict(), Flat::Nullable(_)) => None,
            other => Some(other.to_flat()),
        };
        match &flat {
            Some(Flat::Nullable(n)) => {
                let all = mask.get_or_insert_with(|| vec![0; rows]);
                all.iter_mut()
                    .zip(n.nulls())
                    .for_each(|(a, b)| *a |= u8::from(*b != 0));
                values.push(Column::Flat(n.values().clone()));
            }
            Some(Flat::Nothing(_)) => {
                mask = Some(vec![1; rows]);
                values.push(column.clone());
            }
            _ => values.push(column.clone()),
        }
    }
    (values, mask)
}

fn build(types: &[DataType], columns: &[Column], rows: usize) -> Result<Groups> {
    let plain: Vec<DataType> = types.iter().map(plain_type).collect();
    let mut groups = Groups::new(&plain);
    let (values, nulls) = strip_nulls(columns, rows);
    let mut ids = Vec::with_capacity(rows);
    let values = match nulls {
        Some(nulls) => {
            let keep: Vec<u32> = (0..rows as u32)
                .filter(|r| nulls[*r as usize] == 0)
                .collect();
            let kept = values
                .iter()
                .map(|c| roost_engine::kernels::take::take(c, &keep));
            (kept.collect::<Vec<_>>(), keep.len())
        }
        None => (values, rows),
    };
    groups.assign(&values.0, values.1, &mut ids)?;
    Ok(groups)
}

/// The type whose columns [`strip_nulls`] gives.
pub(crate) fn plain_type(ty: &DataType) -> DataType {
    ty.without_low_cardinality().without_nullable()
}
