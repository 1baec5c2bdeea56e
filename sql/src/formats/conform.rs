//! From the columns that a self-describing format brings to the columns that are wanted: by name,
//! converted where the types differ.
//!
//! Invariant: the block that leaves has the wanted schema; what was not brought is marked absent.

use std::sync::Arc;

use roost_engine::block::{Block, Schema};
use roost_engine::column::{Column, Flat};
use roost_engine::err;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{FormatSettings, ReadBlock};
use crate::functions::BindContext;
use crate::functions::cast::cast_column;

/// What is wanted.
pub(super) struct Wanted {
    schema: Arc<Schema>,
    settings: FormatSettings,
    context: BindContext,
}

impl Wanted {
    pub(super) fn new(schema: &Arc<Schema>, settings: &FormatSettings) -> Self {
        let context = BindContext {
            time_zone: settings.time_zone,
            ..BindContext::default()
        };
        Wanted {
            schema: Arc::clone(schema),
            settings: settings.clone(),
            context,
        }
    }

    /// The wanted columns of a block.
    pub(super) fn take(&self, block: &Block) -> Result<ReadBlock> {
        let brought = &block.schema().fields;
        if !self.settings.skip_unknown_fields
            && let Some(unknown) = brought
                .iter()
                .find(|f| self.schema.index_of(&f.name).is_none())
        {
            return Err(err!(
                INCORRECT_DATA,
                "Unknown column '{}' in the data, expected one of the table's",
                unknown.name
            ));
        }
        let (mut columns, mut absent) = (Vec::new(), Vec::new());
        for field in &self.schema.fields {
            let Some(at) = block.schema().index_of(&field.name) else {
                columns.push(Column::defaults(&field.ty, block.rows()));
                absent.push(Some(vec![1; block.rows()]));
                continue;
            };
            let (column, mask) = self
                .convert(block.column(at), &brought[at].ty, &field.ty)
                .map_err(|e| e.context(format!("column {}", field.name)))?;
            columns.push(column);
            absent.push(mask);
        }
        let block = Block::new(Arc::clone(&self.schema), columns, block.rows())?;
        Ok(ReadBlock { block, absent })
    }

    /// The column under another type; NULLs that the type cannot hold become defaults.
    pub(super) fn convert(
        &self,
        column: &Column,
        from: &DataType,
        to: &DataType,
    ) -> Result<(Column, Option<Vec<u8>>)> {
        let (mut column, mut from, mut mask) = (column.clone(), from.clone(), None);
        if from.is_nullable() && !to.is_nullable() && self.settings.null_as_default {
            let flat = column.to_flat();
            let (nulls, values) = flat.split_nulls();
            mask = nulls.filter(|n| n.contains(&1)).map(<[u8]>::to_vec);
            column = Column::Flat(values.clone());
            from = from.without_low_cardinality().without_nullable();
        }
        let same = from == *to
            || matches!((&from, to), (DataType::DateTime(_), DataType::DateTime(_)))
            || from.without_low_cardinality() == to.without_low_cardinality();
        if !same && let Some(wide) = wide_number(&column, &from, to) {
            column = wide;
        } else if !same {
            column = cast_column(&column, &from, to, &self.context)?;
        }
        Ok((column, mask))
    }
}

/// Sixteen bytes as the number that a format without such numbers carried in them.
fn wide_number(column: &Column, from: &DataType, to: &DataType) -> Option<Column> {
    let number: fn([u8; 16]) -> u128 = match (from.value_type(), to.value_type()) {
        (DataType::FixedString(16), DataType::UUID | DataType::IPv6) => u128::from_be_bytes,
        (DataType::FixedString(16), DataType::UInt128 | DataType::Int128) => u128::from_le_bytes,
        _ => return None,
    };
    let flat = column.to_flat();
    let (nulls, values) = flat.split_nulls();
    let numbers = (0..values.len()).map(|row| values.bytes_at(row).try_into().map(number));
    let numbers: Vec<u128> = numbers.collect::<std::result::Result<_, _>>().ok()?;
    let wide = match to.value_type() {
        DataType::Int128 => Flat::native(numbers.into_iter().map(|n| n as i128).collect()),
        _ => Flat::native(numbers),
    };
    match (to.is_nullable(), nulls) {
        (true, Some(nulls)) => Flat::nullable(nulls.to_vec(), wide).ok().map(Column::Flat),
        (true, None) => Flat::nullable(vec![0; wide.len()], wide)
            .ok()
            .map(Column::Flat),
        (false, None) => Some(Column::Flat(wide)),
        (false, Some(_)) => None,
    }
}
