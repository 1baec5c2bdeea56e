//! RowBinary: cells of rows back to back, perhaps under names and types.
//!
//! Invariant: a cell's bytes follow from its type alone; LowCardinality is not seen.

use std::io::Read;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::column::builder::Grow;
use roost_engine::column::{Column, ColumnBuilder, Flat, Native};
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;
use roost_engine::with_native;

use super::binary::{Source, put_string, put_varint, uuid_bytes, uuid_of};
use super::conform::Wanted;
use super::{BlockReader, BlockWriter, FormatSettings, ReadBlock, ResultStats};

/// Longest array that is read.
const ARRAY_MAX: u64 = 1 << 26;

struct RowBinaryWriter {
    names: bool,
    types: bool,
}

fn make(names: bool, types: bool) -> Box<dyn BlockWriter> {
    Box::new(RowBinaryWriter { names, types })
}

pub(super) fn writer(_: &FormatSettings) -> Box<dyn BlockWriter> {
    make(false, false)
}

pub(super) fn writer_names(_: &FormatSettings) -> Box<dyn BlockWriter> {
    make(true, false)
}

pub(super) fn writer_types(_: &FormatSettings) -> Box<dyn BlockWriter> {
    make(true, true)
}

impl BlockWriter for RowBinaryWriter {
    fn start(&mut self, schema: &Arc<Schema>, out: &mut Vec<u8>) -> Result<()> {
        if self.names {
            put_varint(out, schema.len() as u64);
            schema
                .fields
                .iter()
                .for_each(|f| put_string(out, f.name.as_bytes()));
        }
        if self.types {
            schema
                .fields
                .iter()
                .for_each(|f| put_string(out, f.ty.to_string().as_bytes()));
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let fields = &block.schema().fields;
        for row in 0..block.rows() {
            for (column, field) in block.columns().iter().zip(fields) {
                let (flat, at) = column.entry(row);
                put_cell(flat, at, &field.ty, out);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }
}

fn put_cell(flat: &Flat, row: usize, ty: &DataType, out: &mut Vec<u8>) {
    let ty = match ty {
        DataType::LowCardinality(inner) | DataType::SimpleAggregateFunction(_, inner) => inner,
        other => other,
    };
    let put_column = |column: &Column, row: usize, ty: &DataType, out: &mut Vec<u8>| {
        let (flat, at) = column.entry(row);
        put_cell(flat, at, ty, out);
    };
    with_native!(flat, |v| match (ty, flat) {
        (DataType::UUID, Flat::U128(v)) => out.extend_from_slice(&uuid_bytes(v[row])),
        (DataType::IPv6, Flat::U128(v)) => out.extend_from_slice(&v[row].to_be_bytes()),
        _ => v[row].write_le(out),
    }, other => match (ty, other) {
        (DataType::Nullable(inner), Flat::Nullable(n)) => {
            out.push(u8::from(n.nulls()[row] != 0));
            if n.nulls()[row] == 0 {
                put_cell(n.values(), row, inner, out);
            }
        }
        (DataType::Array(e), Flat::Array(a)) => {
            let (start, end) = a.bounds(row);
            put_varint(out, (end - start) as u64);
            (start..end).for_each(|at| put_column(a.elements(), at, e, out));
        }
        (DataType::Map(k, v), Flat::Array(a)) => {
            let (start, end) = a.bounds(row);
            put_varint(out, (end - start) as u64);
            for at in start..end {
                let (entries, at) = a.elements().entry(at);
                if let Flat::Tuple(pair, _) = entries {
                    for (column, ty) in pair.iter().zip([k, v]) {
                        put_column(column, at, ty, out);
                    }
                }
            }
        }
        (DataType::Tuple(t), Flat::Tuple(columns, _)) => {
            columns.iter().zip(&t.types).for_each(|(c, ty)| put_column(c, row, ty, out));
        }
        (_, Flat::Fixed { .. }) => out.extend_from_slice(other.bytes_at(row)),
        (_, Flat::Bytes(b)) => put_string(out, b.get(row)),
        _ => {}
    });
}

struct RowBinaryReader {
    source: Source,
    wanted: Wanted,
    names: bool,
    types: bool,
    /// What stands in the bytes; known once the header is read.
    schema: Option<Arc<Schema>>,
    expected: Arc<Schema>,
    rows_max: usize,
}

macro_rules! readers {
    ($($name:ident $names:literal $types:literal),*) => { $(
        pub(super) fn $name(
            stream: Box<dyn Read + Send>,
            schema: &Arc<Schema>,
            settings: &FormatSettings,
        ) -> Result<Box<dyn BlockReader>> {
            Ok(Box::new(RowBinaryReader {
                source: Source::new(stream, "RowBinary"),
                wanted: Wanted::new(schema, settings),
                names: $names,
                types: $types,
                schema: None,
                expected: Arc::clone(schema),
                rows_max: settings.max_block_rows,
            }))
        }
    )* };
}

readers!(reader false false, reader_names true false, reader_types true true);

impl RowBinaryReader {
    fn header(&mut self) -> Result<Arc<Schema>> {
        if !self.names {
            return Ok(Arc::clone(&self.expected));
        }
        let columns = self.source.varint()?;
        if columns > 100_000 {
            bail!(
                INCORRECT_DATA,
                "Suspiciously many columns in RowBinary: {columns}"
            );
        }
        let names = (0..columns)
            .map(|_| self.source.text())
            .collect::<Result<Vec<_>>>()?;
        let mut fields = Vec::with_capacity(names.len());
        for name in names {
            let ty: DataType = match (self.types, self.expected.index_of(&name)) {
                (true, _) => self.source.text()?.parse()?,
                (false, Some(at)) => self.expected.fields[at].ty.clone(),
                (false, None) => bail!(
                    INCORRECT_DATA,
                    "Unknown field found in RowBinaryWithNames header: '{name}'"
                ),
            };
            fields.push(roost_engine::block::Field::new(name, ty));
        }
        Ok(Schema::new(fields))
    }
}

impl BlockReader for RowBinaryReader {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        let schema = match &self.schema {
            Some(schema) => Arc::clone(schema),
            None if self.source.is_at_end()? => return Ok(None),
            None => {
                let schema = self.header()?;
                self.schema = Some(Arc::clone(&schema));
                schema
            }
        };
        let new = |f: &roost_engine::block::Field| ColumnBuilder::new(&f.ty, 0);
        let mut builders: Vec<ColumnBuilder> = schema.fields.iter().map(new).collect();
        let mut rows = 0;
        while rows < self.rows_max && !builders.is_empty() && !self.source.is_at_end()? {
            for (builder, field) in builders.iter_mut().zip(&schema.fields) {
                read_cell(&mut self.source, &field.ty, builder)
                    .map_err(|e| e.context(format!("column {}", field.name)))?;
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = builders
            .into_iter()
            .map(|b| Column::Flat(b.finish()))
            .collect();
        self.wanted
            .take(&Block::new(schema, columns, rows)?)
            .map(Some)
    }
}

fn read_cell(source: &mut Source, ty: &DataType, builder: &mut ColumnBuilder) -> Result<()> {
    let ty = match ty {
        DataType::LowCardinality(inner) | DataType::SimpleAggregateFunction(_, inner) => inner,
        other => other,
    };
    match builder.grow() {
        Grow::Nothing(rows) => *rows += 1,
        Grow::U8(v) => v.push(source.byte()?),
        Grow::U16(v) => v.push(u16::from_le_bytes(source.fixed()?)),
        Grow::U32(v) => v.push(u32::from_le_bytes(source.fixed()?)),
        Grow::U64(v) => v.push(u64::from_le_bytes(source.fixed()?)),
        Grow::U128(v) => {
            let bytes = source.fixed()?;
            v.push(match ty {
                DataType::UUID => uuid_of(bytes),
                DataType::IPv6 => u128::from_be_bytes(bytes),
                _ => u128::from_le_bytes(bytes),
            });
        }
        Grow::I8(v) => v.push(i8::from_le_bytes(source.fixed()?)),
        Grow::I16(v) => v.push(i16::from_le_bytes(source.fixed()?)),
        Grow::I32(v) => v.push(i32::from_le_bytes(source.fixed()?)),
        Grow::I64(v) => v.push(i64::from_le_bytes(source.fixed()?)),
        Grow::I128(v) => v.push(i128::from_le_bytes(source.fixed()?)),
        Grow::F32(v) => v.push(f32::from_le_bytes(source.fixed()?)),
        Grow::F64(v) => v.push(f64::from_le_bytes(source.fixed()?)),
        Grow::Bytes(b) => {
            source.string_into(b.tail())?;
            b.end();
        }
        Grow::Fixed(width, data) => source.append(*width as u64, data)?,
        Grow::Nullable(nulls, values) => match (source.byte()?, ty) {
            (0, DataType::Nullable(inner)) => {
                read_cell(source, inner, values)?;
                nulls.push(0);
            }
            (_, DataType::Nullable(_)) => {
                values.push_default();
                nulls.push(1);
            }
            _ => return Err(Error::bug(format!("a column of {ty} is Nullable"))),
        },
        Grow::Array(offsets, elements) => {
            let n = source.varint()?;
            if n > ARRAY_MAX {
                bail!(
                    TOO_LARGE_ARRAY_SIZE,
                    "Too large array size in RowBinary: {n}"
                );
            }
            let pair = ty.map_entry();
            let element = match (ty.element(), &pair) {
                (Some(e), _) => e,
                (None, Some(pair)) => pair,
                _ => return Err(Error::bug(format!("a column of {ty} holds arrays"))),
            };
            for _ in 0..n {
                read_cell(source, element, elements)?;
            }
            offsets.push(elements.len() as u64);
        }
        Grow::Tuple(columns, rows) => {
            for (column, ty) in columns.iter_mut().zip(ty.tuple_types().unwrap_or(&[])) {
                read_cell(source, ty, column)?;
            }
            *rows += 1;
        }
    }
    Ok(())
}
