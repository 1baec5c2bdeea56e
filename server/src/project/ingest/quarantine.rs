//! The table of rows that did not fit.
//!
//! Invariant: what is set aside keeps every value as it came, and says why.

use roost::Value;
use roost_engine::block::Block;
use roost_engine::catalog::Table;
use roost_engine::column::{Column, ColumnBuilder};

use super::messages::exact_of;
use super::{BadRow, Target};
use crate::project::Result;
use crate::store::now_micros;

/// Bad rows as rows of the data source's quarantine.
pub(super) fn rows_of(
    table: &Table,
    target: &Target<'_>,
    rows: &[BadRow],
    import_id: &str,
) -> Result<Block> {
    let schema = table.stored_schema();
    let now = now_micros() / 1_000_000;
    let places: Vec<&str> = target.columns().map(|c| c.name.as_str()).collect();
    let texts = |all: Vec<&str>| Value::Array(all.into_iter().map(Value::string).collect());
    let mut columns = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        let mut builder = ColumnBuilder::new(&field.ty, rows.len());
        let place = places.iter().position(|name| *name == field.name);
        for row in rows {
            if let Some(exact) = exact_of(&field.name, row) {
                builder.push(&exact)?;
                continue;
            }
            let columns = || row.errors.iter().map(|(column, _)| column.as_str());
            let value = match (field.name.as_str(), place) {
                ("c__error_column", None) => texts(columns().filter(|c| !c.is_empty()).collect()),
                ("c__error", None) => texts(row.errors.iter().map(|(_, e)| e.as_str()).collect()),
                ("c__import_id", None) => Value::string(import_id),
                ("insertion_date", None) => Value::UInt(now.unsigned_abs()),
                (_, place) => {
                    let value = place
                        .and_then(|at| row.values.get(at))
                        .and_then(Option::as_ref);
                    value.map_or(Value::Null, |text| Value::string(text.as_str()))
                }
            };
            builder.push(&value)?;
        }
        columns.push(Column::Flat(builder.finish()));
    }
    Ok(Block::new(schema, columns, rows.len())?)
}
