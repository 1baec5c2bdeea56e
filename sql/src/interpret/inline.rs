//! Table functions whose rows stand in the query: `values`, `null`.
//!
//! Invariant: every row has the structure's columns, its values cast to their types.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value, text};

use crate::functions::BindContext;
use crate::functions::cast::convert_value;
use crate::parse::parse_columns;
use crate::plan::{MemorySource, TableSource};

type Argument = (Value, DataType);

/// The source that `name(args)` stands for; `None` when there is no such function.
pub(super) fn table_function(
    name: &str,
    args: &[Argument],
    context: &BindContext,
) -> Result<Option<Arc<dyn TableSource>>> {
    let (schema, rows) = match name.to_ascii_lowercase().as_str() {
        "values" => values(args)?,
        "null" => match args {
            [(Value::Bytes(structure), _)] => (schema_of(structure)?, &[][..]),
            _ => bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Table function null takes the structure as its only argument"
            ),
        },
        _ => return Ok(None),
    };
    let mut builders: Vec<ColumnBuilder> = schema
        .fields
        .iter()
        .map(|f| ColumnBuilder::new(&f.ty, rows.len()))
        .collect();
    for row in rows {
        let cells = cells(row, schema.len())?;
        for ((field, (value, ty)), builder) in schema.fields.iter().zip(cells).zip(&mut builders) {
            match convert_value(&value, &ty, &field.ty, context)? {
                Some(value) => builder.push(&value)?,
                None => bail!(
                    TYPE_MISMATCH,
                    "A value of column {} does not fit its type {}",
                    field.name,
                    field.ty
                ),
            }
        }
    }
    let columns = builders.into_iter().map(|b| Column::Flat(b.finish()));
    let block = Block::new(Arc::clone(&schema), columns.collect(), rows.len())?;
    Ok(Some(Arc::new(MemorySource::new(name, schema, vec![block]))))
}

/// The structure, written or taken from the first row, and the rows.
fn values(args: &[Argument]) -> Result<(Arc<Schema>, &[Argument])> {
    let Some((first, rest)) = args.split_first() else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Table function values takes at least one row"
        );
    };
    if let (Value::Bytes(structure), false) = (&first.0, rest.is_empty())
        && let Ok(schema) = schema_of(structure)
    {
        return Ok((schema, rest));
    }
    let own = |ty: &DataType| vec![ty.clone()];
    let types = first
        .1
        .tuple_types()
        .map_or_else(|| own(&first.1), <[_]>::to_vec);
    let fields = types.into_iter().enumerate();
    let fields = fields.map(|(i, ty)| Field::new(format!("c{}", i + 1), ty));
    Ok((Schema::new(fields.collect()), args))
}

fn schema_of(structure: &[u8]) -> Result<Arc<Schema>> {
    let written = String::from_utf8_lossy(structure);
    let (columns, _) = parse_columns(&written)?;
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        match &column.ty {
            Some(ty) => fields.push(Field::new(column.name.as_str(), text::parse(ty)?)),
            None => bail!(BAD_ARGUMENTS, "Column {} has no type", column.name),
        }
    }
    Ok(Schema::new(fields))
}

/// The cells of a row: of a tuple its elements.
fn cells(row: &Argument, width: usize) -> Result<Vec<Argument>> {
    let cells = match (&row.0, row.1.tuple_types()) {
        (Value::Tuple(values), Some(types)) if width > 1 || values.len() == 1 => {
            values.iter().cloned().zip(types.iter().cloned()).collect()
        }
        _ => vec![row.clone()],
    };
    if cells.len() != width {
        bail!(
            BAD_ARGUMENTS,
            "Values table function requires all rows to have {width} values, found {}",
            cells.len()
        );
    }
    Ok(cells)
}
