//! Another definition for a table that may have rows.
//!
//! Invariant: rows keep their values under a column's new name and type; what is dropped does not
//! come back with a column of the same name.

use std::sync::Arc;

use super::rewrite::Rewrite;
use super::{Engine, Layout, Table, TableDefinition};
use crate::block::Block;
use crate::column::Column;
use crate::error::{Error, Result};
use crate::hooks::{BlockExpr, Compiler};
use crate::part::Part;
use crate::types::DataType;
use crate::types::text::quote_identifier;

/// Where the values of a column come from.
enum Source {
    /// The column at this place before.
    Same(usize),
    /// The old column under another type.
    Cast(Arc<dyn BlockExpr>),
    /// Its default.
    New,
}

impl Engine {
    /// Gives a table another definition: columns added, dropped, of another type, and everything
    /// that does not touch stored rows. Rows written before read the defaults of columns they lack.
    ///
    /// # Errors
    /// NOT_IMPLEMENTED when a key changes while there are rows; what writing says.
    pub fn alter(&self, table: &Arc<Table>, definition: TableDefinition) -> Result<()> {
        self.alter_renaming(table, definition, &[])
    }

    /// [`Engine::alter`] where columns `from` are called `to` afterwards.
    ///
    /// # Errors
    /// As [`Engine::alter`].
    pub fn alter_renaming(
        &self,
        table: &Arc<Table>,
        mut definition: TableDefinition,
        renames: &[(String, String)],
    ) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let old = table.definition();
        definition.database.clone_from(&old.database);
        definition.name.clone_from(&old.name);
        (definition.uid, definition.uuid) = (old.uid, old.uuid);
        let layout = Layout::compile(&definition, inner.compiler.as_ref())?;
        let before = table.layout();
        if !table.snapshot().parts.is_empty() {
            check_keys(&old, &definition)?;
            check_key_columns(&before, &layout, renames)?;
        }
        let sources = sources(&before, &layout, renames, inner.compiler.as_ref())?;
        let fits = |part: &Part| {
            part.schema().fields.iter().all(|f| {
                let renamed = renames
                    .iter()
                    .any(|(from, to)| *from == f.name || *to == f.name);
                let now = layout.schema.index_of(&f.name);
                !renamed && now.is_some_and(|i| layout.schema.fields[i].ty == f.ty)
            })
        };
        let columns = layout.columns();
        let rows = |block: Block| {
            let found = sources.iter().map(|source| match source {
                Source::Same(i) => Ok(Some(block.column(*i).clone())),
                Source::Cast(expr) => expr.evaluate(&block).map(Some),
                Source::New => Ok(None),
            });
            columns.complete(
                found.collect::<Result<Vec<Option<Column>>>>()?,
                block.rows(),
            )
        };
        let rewrite = Rewrite {
            definition: Some(definition),
            touches: &|part| Ok(!fits(part)),
            rows: &rows,
        };
        inner
            .rewrite(table, &rewrite, (self.branch, &|_| Vec::new()))
            .map(|_| ())
    }
}

fn sources(
    old: &Layout,
    new: &Layout,
    renames: &[(String, String)],
    compiler: &dyn Compiler,
) -> Result<Vec<Source>> {
    let fields = new.schema.fields.iter().map(|field| {
        let from = renames.iter().find(|(_, to)| *to == field.name);
        let from = from.map_or(&field.name, |(from, _)| from);
        let Some(i) = old.schema.index_of(from) else {
            return Ok(Source::New);
        };
        if old.schema.fields[i].ty == field.ty {
            return Ok(Source::Same(i));
        }
        let text = quote_identifier(from);
        let cast = compiler.default_value(&text, &field.ty, &old.schema)?;
        Ok(Source::Cast(cast))
    });
    fields.collect()
}

fn check_keys(old: &TableDefinition, new: &TableDefinition) -> Result<()> {
    let keys = |d: &TableDefinition| {
        let texts = (
            d.order_by.clone(),
            d.primary_key.clone(),
            d.partition_by.clone(),
        );
        (texts, d.bucket_by.clone(), d.engine.clone())
    };
    if keys(old) != keys(new) {
        return Err(Error::not_implemented(
            "changing the keys or the engine of a table with rows",
        ));
    }
    Ok(())
}

fn check_key_columns(old: &Layout, new: &Layout, renames: &[(String, String)]) -> Result<()> {
    let keys = old.order.iter().chain(&old.partition);
    let bucket = old.bucket.iter().map(|(e, _)| e);
    for name in keys.chain(bucket).flat_map(|e| e.inputs()) {
        let ty = |layout: &Layout| -> Option<DataType> {
            let i = layout.schema.index_of(name)?;
            Some(layout.schema.fields[i].ty.clone())
        };
        let renamed = renames.iter().any(|(from, to)| from == name || to == name);
        if renamed || ty(old) != ty(new) {
            return Err(Error::not_implemented(format!(
                "changing the name or type of column {name}, which a key of a table with rows reads"
            )));
        }
    }
    Ok(())
}
