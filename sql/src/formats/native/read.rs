//! Bytes of Native to columns.
//!
//! Invariant: every length, offset, code and type is checked; a column whose type is not the wanted
//! one is converted as CAST would.

use std::io::Read;
use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::column::flat::{ArrayColumn, NullableColumn};
use roost_engine::column::{Buffer, BytesBuilder, Column, DictColumn, Flat, Native};
use roost_engine::err;
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Physical};

use super::BLOCK_INFO;
use crate::formats::binary::{Source, uuid_of};
use crate::formats::conform::Wanted;
use crate::formats::{BlockReader, FormatSettings, ReadBlock};

const COLUMNS_MAX: u64 = 100_000;
const ROWS_MAX: u64 = 1 << 32;

struct NativeReader {
    source: Source,
    wanted: Wanted,
}

pub(in crate::formats) fn reader(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    let source = Source::new(stream, "Native");
    Ok(Box::new(NativeReader {
        source,
        wanted: Wanted::new(schema, settings),
    }))
}

impl BlockReader for NativeReader {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        loop {
            let Some(block) = read_block(&mut self.source)? else {
                return Ok(None);
            };
            if block.rows() > 0 {
                return self.wanted.take(&block).map(Some);
            }
        }
    }
}

/// The next block as it stands in the bytes.
pub(in crate::formats) fn read_block(source: &mut Source) -> Result<Option<Block>> {
    if source.peek()?.starts_with(&BLOCK_INFO) {
        source.skip(BLOCK_INFO.len());
    }
    if source.is_at_end()? {
        return Ok(None);
    }
    let (columns, rows) = (source.varint()?, source.varint()?);
    if columns > COLUMNS_MAX || rows > ROWS_MAX {
        bail!(
            INCORRECT_DATA,
            "Suspiciously many columns ({columns}) or rows ({rows}) in Native"
        );
    }
    let rows = rows as usize;
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for _ in 0..columns {
        let name = source.text()?;
        let ty: DataType = source.text()?.parse()?;
        let column = match rows {
            0 => Column::defaults(&ty, 0),
            _ => {
                prefix(&ty, source)?;
                column(&ty, rows, source)?
            }
        };
        column.check(&ty)?;
        fields.push(roost_engine::block::Field::new(name, ty));
        values.push(column);
    }
    Block::new(Schema::new(fields), values, rows).map(Some)
}

fn prefix(ty: &DataType, source: &mut Source) -> Result<()> {
    match ty {
        DataType::LowCardinality(_) => match source.u64()? {
            1 => Ok(()),
            other => bail!(
                INCORRECT_DATA,
                "Unknown version {other} of a dictionary in Native"
            ),
        },
        DataType::Array(inner)
        | DataType::Nullable(inner)
        | DataType::SimpleAggregateFunction(_, inner) => prefix(inner, source),
        DataType::Tuple(t) => t.types.iter().try_for_each(|ty| prefix(ty, source)),
        DataType::Map(k, v) => {
            prefix(k, source)?;
            prefix(v, source)
        }
        _ => Ok(()),
    }
}

fn natives<T: Native>(rows: usize, source: &mut Source) -> Result<Flat> {
    let bytes = source.bytes(rows, T::WIDTH)?;
    Ok(Flat::native(
        bytes
            .chunks_exact(T::WIDTH)
            .map(T::read_le)
            .collect::<Vec<T>>(),
    ))
}

fn wide(rows: usize, source: &mut Source, of: fn([u8; 16]) -> u128) -> Result<Flat> {
    let bytes = source.bytes(rows, 16)?;
    let number = |chunk: &[u8]| chunk.try_into().map(of).unwrap_or_default();
    Ok(Flat::native(
        bytes.chunks_exact(16).map(number).collect::<Vec<u128>>(),
    ))
}

fn column(ty: &DataType, rows: usize, source: &mut Source) -> Result<Column> {
    if let DataType::LowCardinality(inner) = ty {
        return dictionary(inner, rows, source);
    }
    flat(ty, rows, source).map(Column::Flat)
}

fn offsets(rows: usize, source: &mut Source) -> Result<(Buffer<u64>, usize)> {
    let bytes = source.bytes(rows, 8)?;
    let ends = bytes.chunks_exact(8).map(u64::read_le);
    let offsets: Vec<u64> = std::iter::once(0).chain(ends).collect();
    let total = offsets.last().copied().unwrap_or(0);
    if !offsets.is_sorted() || total > ROWS_MAX {
        bail!(
            INCORRECT_DATA,
            "array offsets in Native do not ascend or are too large"
        );
    }
    Ok((Buffer::from(offsets), total as usize))
}

fn flat(ty: &DataType, rows: usize, source: &mut Source) -> Result<Flat> {
    match ty {
        DataType::SimpleAggregateFunction(_, inner) => return flat(inner, rows, source),
        DataType::UUID => return wide(rows, source, uuid_of),
        DataType::IPv6 => return wide(rows, source, u128::from_be_bytes),
        DataType::Nullable(inner) => {
            let nulls = Buffer::from(source.bytes(rows, 1)?);
            return Ok(Flat::Nullable(NullableColumn::new(
                nulls,
                flat(inner, rows, source)?,
            )?));
        }
        DataType::Array(e) => {
            let (offsets, total) = offsets(rows, source)?;
            let elements = column(e, total, source)?;
            return Ok(Flat::Array(ArrayColumn::new(offsets, elements)?));
        }
        DataType::Map(k, v) => {
            let (offsets, total) = offsets(rows, source)?;
            let pair = vec![column(k, total, source)?, column(v, total, source)?];
            let entries = Column::Flat(Flat::tuple(pair, total)?);
            return Ok(Flat::Array(ArrayColumn::new(offsets, entries)?));
        }
        DataType::Tuple(t) => {
            if t.types.is_empty() {
                source.bytes(rows, 1)?;
            }
            let columns = t.types.iter().map(|ty| column(ty, rows, source));
            return Flat::tuple(columns.collect::<Result<_>>()?, rows);
        }
        _ => {}
    }
    match ty.physical() {
        Physical::Nothing => source.bytes(rows, 1).map(|_| Flat::Nothing(rows)),
        Physical::U8 => natives::<u8>(rows, source),
        Physical::U16 => natives::<u16>(rows, source),
        Physical::U32 => natives::<u32>(rows, source),
        Physical::U64 => natives::<u64>(rows, source),
        Physical::U128 => natives::<u128>(rows, source),
        Physical::I8 => natives::<i8>(rows, source),
        Physical::I16 => natives::<i16>(rows, source),
        Physical::I32 => natives::<i32>(rows, source),
        Physical::I64 => natives::<i64>(rows, source),
        Physical::I128 => natives::<i128>(rows, source),
        Physical::F32 => natives::<f32>(rows, source),
        Physical::F64 => natives::<f64>(rows, source),
        Physical::Fixed(width) => Ok(Flat::Fixed {
            width,
            data: Buffer::from(source.bytes(rows, width)?),
        }),
        Physical::Bytes => {
            let mut out = BytesBuilder::default();
            for _ in 0..rows {
                source.string_into(out.tail())?;
                out.end();
            }
            Ok(Flat::Bytes(out.finish()))
        }
        _ => Err(Error::not_implemented(format!("{ty} in format Native"))),
    }
}

/// A dictionary and codes; for Nullable the first key stands for NULL.
fn dictionary(inner: &DataType, rows: usize, source: &mut Source) -> Result<Column> {
    if rows == 0 {
        return Ok(Column::defaults(inner, 0));
    }
    let flags = source.u64()?;
    if flags & 0x100 != 0 || flags & 0x200 == 0 {
        bail!(
            INCORRECT_DATA,
            "Native with shared dictionaries (flags {flags:#x}) is not readable"
        );
    }
    let keys = usize::try_from(source.u64()?).unwrap_or(usize::MAX);
    let values = flat(&inner.without_nullable(), keys, source)?;
    let entries = match inner.is_nullable() {
        true => {
            let mut nulls = vec![0u8; keys];
            if let Some(first) = nulls.first_mut() {
                *first = 1;
            }
            Flat::nullable(nulls, values)?
        }
        false => values,
    };
    let announced = source.u64()?;
    if announced != rows as u64 {
        bail!(
            INCORRECT_DATA,
            "a dictionary column in Native has {announced} rows, expected {rows}"
        );
    }
    let codes: Vec<u32> = match flags & 0xff {
        0 => source.bytes(rows, 1)?.into_iter().map(u32::from).collect(),
        1 => source
            .bytes(rows, 2)?
            .chunks_exact(2)
            .map(|c| u16::read_le(c).into())
            .collect(),
        2 => source
            .bytes(rows, 4)?
            .chunks_exact(4)
            .map(u32::read_le)
            .collect(),
        other => return Err(err!(INCORRECT_DATA, "codes of class {other} in Native")),
    };
    Ok(Column::Dict(DictColumn::new(
        Buffer::from(codes),
        Arc::new(entries),
    )?))
}
