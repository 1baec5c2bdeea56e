//! A definition with its expressions compiled: how rows are split, sorted and written.
//!
//! Invariant: a layout belongs to exactly one definition; a change of the definition makes another.

use std::sync::Arc;

use super::definition::TableDefinition;
use crate::block::{Block, Schema};
use crate::codec::{CodecChoice, Compression};
use crate::column::Column;
use crate::err;
use crate::error::Result;
use crate::hooks::{BlockExpr, Compiler};
use crate::merge::{Columns, Expiry, MergeMode};
use crate::part::{IndexSpec, KeyColumn};

/// Compiled keys of a table.
#[derive(Debug)]
pub struct Layout {
    /// The stored columns.
    pub schema: Arc<Schema>,
    /// DEFAULT or MATERIALIZED of the stored columns, for parts that lack them.
    pub defaults: Vec<Option<Arc<dyn BlockExpr>>>,
    /// Elements of ORDER BY.
    pub order: Vec<Arc<dyn BlockExpr>>,
    /// How many of [`Self::order`] are the primary key.
    pub primary: usize,
    /// Elements of PARTITION BY.
    pub partition: Vec<Arc<dyn BlockExpr>>,
    /// Bucket of a row, and the number of buckets.
    pub bucket: Option<(Arc<dyn BlockExpr>, u32)>,
    /// Inner texts of CODEC(...) of the stored columns.
    pub codecs: Vec<Option<String>>,
    /// Skip indexes.
    pub indexes: Vec<IndexSpec>,
    /// What merges do with rows of equal keys.
    pub mode: MergeMode,
    /// When rows expire.
    pub ttl: Option<Arc<Expiry>>,
}

impl Layout {
    /// Compiles the keys of `definition`.
    ///
    /// # Errors
    /// What the compiler says; BAD_ARGUMENTS when the primary key is no prefix of the sorting key,
    /// and what is wrong with the engine's columns.
    pub fn compile(definition: &TableDefinition, compiler: &dyn Compiler) -> Result<Layout> {
        let schema = definition.stored_schema();
        check_columns(definition, &schema)?;
        let elements = |clause: &str| -> Result<Vec<Arc<dyn BlockExpr>>> {
            let texts = match clause.trim() {
                "" => Vec::new(),
                text => compiler.key_elements(text)?,
            };
            let compiled = texts.iter().map(|t| compiler.expression(t, &schema));
            compiled.collect()
        };
        let order = elements(&definition.order_by)?;
        let primary = match &definition.primary_key {
            Some(text) => elements(text)?,
            None => order.clone(),
        };
        if !order
            .iter()
            .map(|e| e.text())
            .take(primary.len())
            .eq(primary.iter().map(|e| e.text()))
        {
            return Err(err!(
                BAD_ARGUMENTS,
                "the primary key ({}) must be a prefix of the sorting key ({})",
                definition.primary_key.as_deref().unwrap_or_default(),
                definition.order_by
            ));
        }
        let stored = definition.columns.iter().filter(|c| c.is_stored());
        let partition = elements(definition.partition_by.as_deref().unwrap_or_default())?;
        Ok(Layout {
            mode: super::mode::merge_mode(definition, compiler, &schema, &[&order, &partition])?,
            ttl: definition
                .ttl
                .as_ref()
                .map(|text| Expiry::compile(text, compiler, &schema).map(Arc::new))
                .transpose()?,
            partition,
            bucket: bucket(definition, compiler, &schema)?,
            defaults: defaults(definition, compiler, &schema),
            codecs: stored.map(|c| c.codec.clone()).collect(),
            indexes: indexes(definition),
            primary: primary.len(),
            order,
            schema,
        })
    }

    /// The stored columns with their defaults.
    pub fn columns(&self) -> Columns {
        Columns {
            schema: Arc::clone(&self.schema),
            defaults: self.defaults.clone(),
        }
    }

    /// Some of the stored columns, with their defaults.
    pub fn columns_of(&self, schema: &Arc<Schema>) -> Columns {
        let default = |name: &str| {
            let at = self.schema.index_of(name)?;
            self.defaults.get(at)?.clone()
        };
        Columns {
            schema: Arc::clone(schema),
            defaults: schema.fields.iter().map(|f| default(&f.name)).collect(),
        }
    }

    /// Names and types of the primary key's elements.
    pub fn key(&self) -> Vec<KeyColumn> {
        let elements = self.order[..self.primary].iter();
        elements
            .map(|e| KeyColumn::new(e.text(), e.data_type().clone()))
            .collect()
    }

    /// Values of the sorting key's elements for the rows of `block`.
    pub fn order_columns(&self, block: &Block) -> Result<Vec<Column>> {
        self.order.iter().map(|e| e.evaluate(block)).collect()
    }

    /// Values of the primary key's elements for the rows of `block`.
    pub fn key_columns(&self, block: &Block) -> Result<Vec<Column>> {
        let elements = self.order[..self.primary].iter();
        elements.map(|e| e.evaluate(block)).collect()
    }
}

fn check_columns(definition: &TableDefinition, schema: &Schema) -> Result<()> {
    if schema.is_empty() {
        return Err(err!(
            EMPTY_LIST_OF_COLUMNS_QUERIED,
            "table {} needs at least one stored column",
            definition.full_name()
        ));
    }
    for (i, column) in definition.columns.iter().enumerate() {
        CodecChoice::parse(column.codec.as_deref(), Compression::default())
            .map_err(|e| e.context(format!("column {}", column.name)))?;
        if definition.columns[..i]
            .iter()
            .any(|c| c.name == column.name)
        {
            return Err(err!(
                DUPLICATE_COLUMN,
                "column {} is there twice in table {}",
                column.name,
                definition.full_name()
            ));
        }
    }
    Ok(())
}

/// A default that reads more than stored columns is left to whoever reads the table.
fn defaults(
    definition: &TableDefinition,
    compiler: &dyn Compiler,
    schema: &Schema,
) -> Vec<Option<Arc<dyn BlockExpr>>> {
    let stored = definition.columns.iter().filter(|c| c.is_stored());
    let compiled = stored.map(|c| {
        let (_, text) = c.default.as_ref()?;
        compiler.default_value(text, &c.ty, schema).ok()
    });
    compiled.collect()
}

fn bucket(
    definition: &TableDefinition,
    compiler: &dyn Compiler,
    schema: &Schema,
) -> Result<Option<(Arc<dyn BlockExpr>, u32)>> {
    let Some((key, n)) = &definition.bucket_by else {
        return Ok(None);
    };
    if *n == 0 {
        return Err(err!(BAD_ARGUMENTS, "BUCKET BY needs at least one bucket"));
    }
    let text = format!("modulo(cityHash64({key}), {n})");
    Ok(Some((compiler.expression(&text, schema)?, *n)))
}

fn indexes(definition: &TableDefinition) -> Vec<IndexSpec> {
    let specs = definition.indexes.iter().map(|i| IndexSpec {
        name: i.name.clone(),
        expression: i.expr.clone(),
        ty: i.ty.clone(),
        granularity: usize::try_from(i.granularity).unwrap_or(1).max(1),
    });
    specs.collect()
}
