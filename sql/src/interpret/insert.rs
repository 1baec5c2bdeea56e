//! INSERT: rows from a query or a format, completed with defaults, into one transaction.
//!
//! Invariant: all rows of one INSERT become visible at one instant, or none.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Buffer, Column};
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::BlockExpr;
use roost_engine::kernels::{concat::concat, take::take};
use roost_engine::table::{ColumnDefinition, DefaultKind, Table, TableDefinition};
use roost_engine::types::DataType;

use super::compiler::SqlCompiler;
use super::context::{StatementContext, WriteOptions};
use super::materialized::Cascade;
use super::{names, select};
use crate::Value;
use crate::exec::{self, Flow};
use crate::formats::{self, FormatSettings, ReadBlock};
use crate::functions::cast::{self, CastMode};
use crate::functions::{BindContext, Kernel};
use crate::parse::ast;
use crate::plan::Query;

/// What an INSERT did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Rows.
    pub rows: u64,
    /// Bytes in memory.
    pub bytes: u64,
    /// Whether the deduplication token was seen before: nothing was written.
    pub duplicate: bool,
}

/// Runs an INSERT; `data` is its inline data followed by the request's body.
pub fn run(
    insert: &ast::Insert,
    data: Box<dyn Read + Send>,
    context: &StatementContext,
) -> Result<Written> {
    context.require_writable()?;
    let table = names::table(context, &insert.table)?;
    if let ast::InsertSource::Query(query) = &insert.source {
        let planned = select::plan(query, context)?;
        let output = exec::schema_of(&planned)?;
        let given = match context.write.by_name {
            true => names_of(&output),
            false => given_columns(insert, &table)?,
        };
        let writer = TableWriter::new(&table, &given)?;
        let mut target = Target::new(context, &table, &writer);
        insert_query(&planned, context, &mut target)?;
        return target.commit();
    }
    let writer = TableWriter::new(&table, &given_columns(insert, &table)?)?;
    let mut target = Target::new(context, &table, &writer);
    let format = match &insert.source {
        ast::InsertSource::Query(_) => return Err(Error::bug("the query was run above")),
        ast::InsertSource::Values => "Values",
        ast::InsertSource::Format(name) => name,
    };
    let mut settings = FormatSettings::from_settings(&context.settings, context.bind.time_zone);
    if context
        .settings
        .bool("input_format_values_interpret_expressions")
    {
        settings.evaluator = Some(Arc::new(evaluate));
    }
    let mut reader = formats::reader(format, data, writer.given(), &settings)?;
    while let Some(read) = reader.next()? {
        context.exec.check()?;
        target.add(read)?;
    }
    target.commit()
}

/// The value of an expression in VALUES, without tables or parameters.
fn evaluate(text: &str, ty: &DataType) -> Result<Value> {
    let expr = SqlCompiler.default_value(text, ty, &Schema::default())?;
    let nothing = Block::new(Arc::default(), Vec::new(), 1)?;
    Ok(expr.evaluate(&nothing)?.value(0))
}

/// Puts a block with some of the table's columns into the table (typed bulk insert).
pub fn insert_block(
    table: &Arc<Table>,
    block: Block,
    context: &StatementContext,
) -> Result<Written> {
    let writer = TableWriter::new(table, &names_of(block.schema()))?;
    let casts = casts(block.schema(), writer.given(), context)?;
    let mut target = Target::new(context, table, &writer);
    target.add(cast_block(&block, &casts, writer.given())?)?;
    target.commit()
}

fn names_of(schema: &Schema) -> Vec<String> {
    schema.fields.iter().map(|f| f.name.clone()).collect()
}

/// Names of the columns that the rows bring.
fn given_columns(insert: &ast::Insert, table: &Table) -> Result<Vec<String>> {
    if !insert.columns.is_empty() {
        return Ok(insert.columns.clone());
    }
    let definition = table.definition();
    let plain = |c: &&ColumnDefinition| {
        matches!(c.default, None | Some((DefaultKind::Default, _)))
            && !insert.except.contains(&c.name)
    };
    Ok(definition
        .columns
        .iter()
        .filter(plain)
        .map(|c| c.name.clone())
        .collect())
}

fn insert_query(
    planned: &Query,
    context: &StatementContext,
    target: &mut Target<'_>,
) -> Result<()> {
    let (from, to) = (exec::schema_of(planned)?, Arc::clone(target.writer.given()));
    if from.len() != to.len() {
        let message = format!(
            "Number of columns doesn't match (source: {} and result: {})",
            from.len(),
            to.len()
        );
        return Err(Error::new(Code::NUMBER_OF_COLUMNS_DOESNT_MATCH, message));
    }
    let casts = casts(&from, &to, context)?;
    exec::execute(planned, &context.exec, &mut |block: Block| {
        target.add(cast_block(&block, &casts, &to)?)?;
        Ok(Flow::Continue)
    })?;
    Ok(())
}

/// A conversion, and whether NULLs that it leaves become the column's default.
pub(super) struct Cast {
    kernel: Option<Kernel>,
    null_to_default: bool,
}

/// The conversions from one schema to another, by position.
pub(super) fn casts(from: &Schema, to: &Schema, context: &StatementContext) -> Result<Vec<Cast>> {
    let null_as_default = context.settings.bool("insert_null_as_default");
    let one = |(a, b): (&Field, &Field)| cast_kernel(a, b, null_as_default, &context.bind);
    from.fields.iter().zip(&to.fields).map(one).collect()
}

fn cast_kernel(
    from: &Field,
    to: &Field,
    null_as_default: bool,
    bind: &BindContext,
) -> Result<Cast> {
    if from.ty == to.ty {
        return Ok(Cast {
            kernel: None,
            null_to_default: false,
        });
    }
    let null_to_default = from.ty.is_nullable() && !to.ty.is_nullable() && null_as_default;
    let target = if null_to_default {
        to.ty.clone().nullable()
    } else {
        to.ty.clone()
    };
    let kernel = match from.ty == target {
        true => None,
        false => {
            let bound = cast::bind_cast(&from.ty, &target, CastMode::Strict, bind)
                .map_err(|e| e.context(format!("column {}", to.name)))?;
            Some(bound.kernel)
        }
    };
    Ok(Cast {
        kernel,
        null_to_default,
    })
}

/// The block under `to`, with a mask of the NULLs that take a default.
pub(super) fn cast_block(block: &Block, casts: &[Cast], to: &Arc<Schema>) -> Result<ReadBlock> {
    let (mut columns, mut absent) = (Vec::new(), Vec::new());
    for (column, cast) in block.columns().iter().zip(casts) {
        let column = match &cast.kernel {
            Some(Kernel::Plain(kernel)) => kernel(std::slice::from_ref(column), block.rows())?,
            _ => column.clone(),
        };
        if !cast.null_to_default {
            columns.push(column);
            absent.push(None);
            continue;
        }
        let flat = column.to_flat();
        let (nulls, values) = flat.split_nulls();
        absent.push(nulls.map(<[u8]>::to_vec));
        columns.push(Column::Flat(values.clone()));
    }
    let block = Block::new(Arc::clone(to), columns, block.rows())?;
    Ok(ReadBlock { block, absent })
}

/// The rows of one INSERT on their way into the table and its views.
struct Target<'a> {
    cascade: Cascade<'a>,
    writer: &'a TableWriter,
    written: Written,
    write: &'a WriteOptions,
}

impl<'a> Target<'a> {
    fn new(context: &'a StatementContext, table: &Arc<Table>, writer: &'a TableWriter) -> Self {
        let mut cascade = Cascade::new(context, table);
        let token = context.settings.text("insert_deduplication_token");
        if !token.is_empty() {
            // A table of a branch has the tokens of its origin, whose UUID it shares.
            cascade.token(format!("{:x}/{token}", table.definition().uuid));
        }
        if let Some(hold) = &context.write.replace {
            cascade.transaction().replace_held(hold);
        }
        if let Some(since) = &context.write.since {
            cascade.transaction().come_to(since);
        }
        Target {
            cascade,
            writer,
            written: Written::default(),
            write: &context.write,
        }
    }

    fn add(&mut self, read: ReadBlock) -> Result<()> {
        if read.block.rows() == 0 {
            return Ok(());
        }
        let block = self.writer.complete(read)?;
        self.written.rows += block.rows() as u64;
        self.written.bytes += block.memory_bytes() as u64;
        self.cascade.insert(block)
    }

    fn commit(mut self) -> Result<Written> {
        let write = self.write;
        let is_alone = write.replace.is_none()
            && write.since.is_none()
            && write.also.is_none()
            && write.beside.is_empty()
            && write.cursors.is_empty();
        if self.written.rows == 0 && is_alone {
            return Ok(self.written);
        }
        for (table, block) in &self.write.beside {
            self.cascade.transaction().insert(table, block.clone())?;
        }
        for step in &write.cursors {
            let (from, to) = (step.from.clone(), step.to.clone());
            self.cascade.transaction().advance(&step.cursor, from, to);
        }
        let also = self.write.also.iter().flat_map(|also| also(&self.written));
        also.for_each(|(key, value)| self.cascade.transaction().put(&key, value));
        let committed = self.cascade.commit()?;
        Ok(Written {
            duplicate: committed.duplicate,
            ..self.written
        })
    }
}

/// Completes rows that bring some of a table's columns to the stored schema.
#[derive(Debug)]
pub struct TableWriter {
    given: Arc<Schema>,
    stored: Arc<Schema>,
    /// Value of each stored column when it is not given: a compiled default or the type's.
    defaults: Vec<Option<Arc<dyn BlockExpr>>>,
    /// Stored columns that are always computed.
    computed: Vec<bool>,
}

impl TableWriter {
    /// For rows with the columns named.
    ///
    /// # Errors
    /// NO_SUCH_COLUMN_IN_TABLE, DUPLICATE_COLUMN, ILLEGAL_COLUMN for computed columns.
    pub fn new(table: &Table, given: &[String]) -> Result<Self> {
        let definition = table.definition();
        let fields = given.iter().map(|name| given_field(&definition, name));
        let fields = fields.collect::<Result<Vec<Field>>>()?;
        for (i, name) in given.iter().enumerate() {
            if given[..i].contains(name) {
                let message = format!(
                    "Column {name} in table {} specified more than once",
                    definition.full_name()
                );
                return Err(Error::new(Code::DUPLICATE_COLUMN, message));
            }
        }
        let inputs = all_inputs(&definition);
        let compiler = SqlCompiler;
        let stored = definition.columns.iter().filter(|c| c.is_stored());
        let (mut defaults, mut computed) = (Vec::new(), Vec::new());
        for column in stored {
            computed.push(matches!(
                column.default,
                Some((DefaultKind::Materialized, _))
            ));
            defaults.push(match &column.default {
                None => None,
                Some((_, text)) => Some(compiler.default_value(text, &column.ty, &inputs)?),
            });
        }
        let stored = definition.stored_schema();
        Ok(TableWriter {
            given: Schema::new(fields),
            stored,
            defaults,
            computed,
        })
    }

    /// Whether columns that are not given have values that never change.
    pub(super) fn is_timeless(&self) -> bool {
        let given = |name: &str| self.given.index_of(name).is_some();
        let pairs = self.stored.fields.iter().zip(&self.defaults);
        pairs
            .zip(&self.computed)
            .filter(|((field, _), computed)| **computed || !given(&field.name))
            .all(|((_, default), _)| default.as_ref().is_none_or(|d| is_literal(d.text())))
    }

    /// The columns that rows bring.
    pub fn given(&self) -> &Arc<Schema> {
        &self.given
    }

    /// Rows under the stored schema.
    pub fn complete(&self, read: ReadBlock) -> Result<Block> {
        let rows = read.block.rows();
        let mut known: HashMap<String, Column> = HashMap::new();
        let mut absent: HashMap<String, Vec<u8>> = HashMap::new();
        let columns = read.block.columns().iter().zip(&self.given.fields);
        for ((column, field), mask) in columns.zip(read.absent) {
            known.insert(field.name.clone(), column.clone());
            if let Some(mask) = mask.filter(|m| m.iter().any(|b| *b != 0)) {
                absent.insert(field.name.clone(), mask);
            }
        }
        let mut pending: Vec<usize> = (0..self.stored.len())
            .filter(|i| {
                let name = &self.stored.fields[*i].name;
                !known.contains_key(name) || absent.contains_key(name)
            })
            .collect();
        // Defaults may use other columns, also computed ones: in the order in which they can be.
        while !pending.is_empty() {
            let before = pending.len();
            let mut waiting = Vec::new();
            for i in pending {
                match self.fill(i, &known, &absent, &waiting, rows)? {
                    Some(column) => {
                        let name = &self.stored.fields[i].name;
                        known.insert(name.clone(), column);
                        absent.remove(name);
                    }
                    None => waiting.push(i),
                }
            }
            if waiting.len() == before {
                let names = waiting.iter().map(|i| self.stored.fields[*i].name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                let message = format!("Cyclic or missing columns in defaults of {names}");
                return Err(Error::new(Code::CYCLIC_ALIASES, message));
            }
            pending = waiting;
        }
        let column = |f: &Field| {
            known
                .get(&f.name)
                .cloned()
                .ok_or_else(|| Error::bug("a stored column got no value"))
        };
        let columns = self
            .stored
            .fields
            .iter()
            .map(column)
            .collect::<Result<_>>()?;
        Block::new(Arc::clone(&self.stored), columns, rows)
    }

    /// The value of stored column `i`, when everything that it needs is known.
    fn fill(
        &self,
        i: usize,
        known: &HashMap<String, Column>,
        absent: &HashMap<String, Vec<u8>>,
        waiting: &[usize],
        rows: usize,
    ) -> Result<Option<Column>> {
        let field = &self.stored.fields[i];
        let default = match &self.defaults[i] {
            None => Column::defaults(&field.ty, rows),
            Some(expr) => {
                let is_waiting = |n: &String| {
                    absent.contains_key(n) && *n != field.name
                        || waiting.iter().any(|w| self.stored.fields[*w].name == *n)
                };
                let ready = |n: &String| known.contains_key(n) && !is_waiting(n);
                if !expr.inputs().iter().all(ready) {
                    return Ok(None);
                }
                let fields = self.fields_of(expr.inputs())?;
                let columns = expr
                    .inputs()
                    .iter()
                    .filter_map(|n| known.get(n).cloned())
                    .collect();
                expr.evaluate(&Block::new(Schema::new(fields), columns, rows)?)?
            }
        };
        match (known.get(&field.name), absent.get(&field.name)) {
            (Some(given), Some(mask)) if !self.computed[i] => {
                merge(given, &default, mask, field).map(Some)
            }
            _ => Ok(Some(default)),
        }
    }

    fn fields_of(&self, names: &[String]) -> Result<Vec<Field>> {
        let find = |n: &String| {
            let all = self.stored.fields.iter().chain(&self.given.fields);
            let found = all.into_iter().find(|f| f.name == *n);
            found
                .cloned()
                .ok_or_else(|| Error::bug(format!("default reads unknown column {n}")))
        };
        names.iter().map(find).collect()
    }
}

fn is_literal(text: &str) -> bool {
    let parsed = crate::parse::parse_expression(text);
    matches!(parsed, Ok(ast::Expr::Literal(_)))
}

/// `given` where the mask is 0, `default` elsewhere.
fn merge(given: &Column, default: &Column, mask: &[u8], field: &Field) -> Result<Column> {
    let rows = mask.len() as u32;
    let both = concat(&[given, default], &field.ty)?;
    let places: Buffer<u32> = (0..rows)
        .zip(mask)
        .map(|(row, m)| if *m == 0 { row } else { rows + row })
        .collect();
    Ok(take(&both, &places))
}

fn given_field(definition: &TableDefinition, name: &str) -> Result<Field> {
    let column = definition
        .columns
        .iter()
        .find(|c| c.name == name)
        .ok_or_else(|| {
            let message = format!("No such column {name} in table {}", definition.full_name());
            Error::new(Code::NO_SUCH_COLUMN_IN_TABLE, message)
        })?;
    match column.default {
        Some((DefaultKind::Materialized | DefaultKind::Alias, _)) => {
            let kind = match column.default {
                Some((DefaultKind::Alias, _)) => "ALIAS",
                _ => "MATERIALIZED",
            };
            let message = format!("Cannot insert column {name}, because it is {kind} column");
            Err(Error::new(Code::ILLEGAL_COLUMN, message))
        }
        _ => Ok(Field::new(name, column.ty.clone())),
    }
}

/// What a default may read: stored columns and ephemeral ones.
fn all_inputs(definition: &TableDefinition) -> Arc<Schema> {
    let readable = |c: &&ColumnDefinition| !matches!(c.default, Some((DefaultKind::Alias, _)));
    let fields = definition.columns.iter().filter(readable);
    Schema::new(
        fields
            .map(|c| Field::new(c.name.clone(), c.ty.clone()))
            .collect(),
    )
}
