//! Building small tables row by row.
//!
//! Invariant: a row has one value per column; a wrong value is a bug that the builder names.

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::{Error, Result};
use roost_engine::types::{Value, text};

/// A table under construction.
pub(super) struct Rows {
    fields: Vec<Field>,
    builders: Vec<ColumnBuilder>,
    rows: usize,
}

impl Rows {
    /// A table with columns `(name, type text)`.
    pub(super) fn new(columns: &[(&str, &str)]) -> Result<Self> {
        let fields = columns
            .iter()
            .map(|(name, ty)| Ok(Field::new(*name, text::parse(ty)?)))
            .collect::<Result<Vec<_>>>()?;
        let builders = fields
            .iter()
            .map(|f| ColumnBuilder::new(&f.ty, 16))
            .collect();
        Ok(Rows {
            fields,
            builders,
            rows: 0,
        })
    }

    /// Appends a row.
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<()> {
        if row.len() != self.builders.len() {
            return Err(Error::bug("a system table's row has the wrong width"));
        }
        for (builder, value) in self.builders.iter_mut().zip(&row) {
            builder.push(value)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The finished table.
    pub(super) fn finish(self) -> Result<Block> {
        let columns = self
            .builders
            .into_iter()
            .map(|b| Column::Flat(b.finish()))
            .collect();
        Block::new(Schema::new(self.fields), columns, self.rows)
    }
}

/// A text.
pub(super) fn s(text: impl AsRef<str>) -> Value {
    Value::string(text.as_ref())
}

/// A whole number.
pub(super) fn n(number: u64) -> Value {
    Value::UInt(number)
}

/// A flag.
pub(super) fn b(flag: bool) -> Value {
    Value::UInt(u64::from(flag))
}

/// A UUID's text.
pub(super) fn uuid(value: u128) -> Value {
    Value::UInt128(value)
}
