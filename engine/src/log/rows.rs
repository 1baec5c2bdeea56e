//! Rows of memory parts as bytes of a record. Short and quick; part files have the clever encodings.
//!
//! ```text
//! compression u8 (0 none, 1 LZ4 behind the plain length) │ rows │ columns in the schema's order
//! column: 0 flat, 1 constant (one entry), 2 dictionary (codes, entries) │ entries by shape
//! ```
//! Invariant: `decode(encode(block), schema)` has the block's rows and representations; bytes that
//! are not rows of the schema are an error.

use std::sync::Arc;

use super::bytes::{Reader, put_bytes, put_u64};
use crate::block::{Block, Schema};
use crate::column::flat::{ArrayColumn, NullableColumn};
use crate::column::{Buffer, BytesColumn, Column, DictColumn, Flat, Native};
use crate::error::{Error, Result};
use crate::types::Physical;
use crate::with_native;

/// Shorter rows stand as they are: LZ4 needs longer for them than the disk needs for what it saves.
const COMPRESS_BYTES_MIN: usize = 64 << 10;
/// LZ4 cannot shrink more than this.
const LZ4_RATIO_MAX: usize = 255;

/// The bytes of a block's rows.
pub fn encode(block: &Block) -> Vec<u8> {
    let mut out = Vec::with_capacity(block.memory_bytes() + 64);
    out.push(0);
    put_u64(&mut out, block.rows() as u64);
    block.columns().iter().for_each(|c| put_column(&mut out, c));
    let plain = &out[1..];
    if plain.len() >= COMPRESS_BYTES_MIN {
        let packed = lz4_flex::block::compress(plain);
        if packed.len() + packed.len() / 8 < plain.len() {
            let mut out = vec![1];
            put_u64(&mut out, plain.len() as u64);
            put_bytes(&mut out, &packed);
            return out;
        }
    }
    out
}

/// The block of `schema` in `bytes`.
///
/// # Errors
/// CORRUPTED_DATA when the bytes are not that.
pub fn decode(bytes: &[u8], schema: &Arc<Schema>) -> Result<Block> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        0 => decode_plain(&bytes[1..], schema),
        1 => {
            let len = reader.u64()?;
            let packed = reader.bytes()?;
            reader.end()?;
            let most = packed.len().saturating_mul(LZ4_RATIO_MAX) as u64;
            if len > most {
                return Err(Error::corrupt(format!(
                    "{len} bytes of rows, {most} can be"
                )));
            }
            let plain = lz4_flex::block::decompress(packed, len as usize)
                .map_err(|e| Error::corrupt(format!("rows do not decompress: {e}")))?;
            decode_plain(&plain, schema)
        }
        other => Err(Error::corrupt(format!("rows of compression {other}"))),
    }
}

fn decode_plain(bytes: &[u8], schema: &Arc<Schema>) -> Result<Block> {
    let mut reader = Reader::new(bytes);
    let rows = usize::try_from(reader.u64()?).unwrap_or(usize::MAX);
    let columns = schema
        .fields
        .iter()
        .map(|f| read_column(&mut reader, &f.ty.physical(), rows))
        .collect::<Result<Vec<_>>>()?;
    reader.end()?;
    Block::new(Arc::clone(schema), columns, rows)
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    match column {
        Column::Flat(f) => {
            out.push(0);
            put_flat(out, f);
        }
        Column::Const { value, .. } => {
            out.push(1);
            put_flat(out, value);
        }
        Column::Dict(d) if d.dict().len() > d.codes().len() => {
            out.push(0);
            put_flat(out, &column.to_flat());
        }
        Column::Dict(d) => {
            out.push(2);
            d.codes().iter().for_each(|c| put_u64(out, u64::from(*c)));
            put_u64(out, d.dict().len() as u64);
            put_flat(out, d.dict());
        }
    }
}

fn read_column(r: &mut Reader<'_>, shape: &Physical, rows: usize) -> Result<Column> {
    Ok(match r.u8()? {
        0 => Column::Flat(read_flat(r, shape, rows)?),
        1 => Column::Const {
            value: Arc::new(read_flat(r, shape, 1)?),
            len: rows,
        },
        2 => {
            let codes = (0..checked(r, rows, 1)?)
                .map(|_| u32::try_from(r.u64()?).map_err(|_| Error::corrupt("a code past 32 bits")))
                .collect::<Result<Vec<u32>>>()?;
            let entries = usize::try_from(r.u64()?).unwrap_or(usize::MAX);
            let dict = read_flat(r, shape, entries)?;
            Column::Dict(DictColumn::new(Buffer::from(codes), Arc::new(dict))?)
        }
        other => {
            return Err(Error::corrupt(format!(
                "a column of representation {other}"
            )));
        }
    })
}

/// `rows` when so many entries of `each` bytes are left.
fn checked(r: &Reader<'_>, rows: usize, each: usize) -> Result<usize> {
    match rows.checked_mul(each) {
        Some(bytes) if bytes <= r.left() => Ok(rows),
        _ => Err(Error::corrupt(format!(
            "{rows} entries of {each} bytes are expected, {} bytes are there",
            r.left()
        ))),
    }
}

fn put_flat(out: &mut Vec<u8>, flat: &Flat) {
    with_native!(flat, |v| Native::write_all(v, out), other => match other {
        Flat::Bytes(b) => put_strings(out, b),
        Flat::Fixed { data, .. } => out.extend_from_slice(data),
        Flat::Nullable(n) => {
            out.extend_from_slice(n.nulls());
            put_flat(out, n.values());
        }
        Flat::Array(a) => {
            let (offsets, elements) = a.compact();
            offsets.windows(2).for_each(|w| put_u64(out, w[1] - w[0]));
            put_column(out, &elements);
        }
        Flat::Tuple(columns, _) => columns.iter().for_each(|c| put_column(out, c)),
        _ => {}
    });
}

fn put_strings(out: &mut Vec<u8>, strings: &BytesColumn) {
    let offsets = strings.offsets();
    let lengths = || offsets.windows(2).map(|w| w[1] - w[0]);
    // Varints of one byte, mostly.
    match lengths().all(|n| n < 0x80) {
        true => out.extend(lengths().map(|n| n as u8)),
        false => lengths().for_each(|n| put_u64(out, n)),
    }
    let (start, end) = (offsets[0] as usize, offsets[strings.len()] as usize);
    out.extend_from_slice(&strings.data()[start..end]);
}

fn read_flat(r: &mut Reader<'_>, shape: &Physical, rows: usize) -> Result<Flat> {
    fn plain<T: Native>(r: &mut Reader<'_>, rows: usize) -> Result<Flat> {
        let bytes = r.take(checked(r, rows, T::WIDTH)? * T::WIDTH)?;
        let values = bytes.chunks_exact(T::WIDTH).map(T::read_le);
        Ok(Flat::native(values.collect::<Vec<T>>()))
    }
    Ok(match shape {
        Physical::Nothing => Flat::Nothing(rows),
        Physical::U8 => plain::<u8>(r, rows)?,
        Physical::U16 => plain::<u16>(r, rows)?,
        Physical::U32 => plain::<u32>(r, rows)?,
        Physical::U64 => plain::<u64>(r, rows)?,
        Physical::U128 => plain::<u128>(r, rows)?,
        Physical::I8 => plain::<i8>(r, rows)?,
        Physical::I16 => plain::<i16>(r, rows)?,
        Physical::I32 => plain::<i32>(r, rows)?,
        Physical::I64 => plain::<i64>(r, rows)?,
        Physical::I128 => plain::<i128>(r, rows)?,
        Physical::F32 => plain::<f32>(r, rows)?,
        Physical::F64 => plain::<f64>(r, rows)?,
        Physical::Bytes => read_strings(r, rows)?,
        Physical::Fixed(width) => Flat::Fixed {
            width: *width,
            data: Buffer::from(r.take(checked(r, rows, *width)? * width)?.to_vec()),
        },
        Physical::Nullable(inner) => {
            let nulls = r.take(rows)?.to_vec();
            let values = read_flat(r, inner, rows)?;
            Flat::Nullable(NullableColumn::new(Buffer::from(nulls), values)?)
        }
        Physical::Array(inner) => {
            let (offsets, total) = read_lengths(r, rows)?;
            let elements = read_column(r, inner, total)?;
            Flat::Array(ArrayColumn::new(Buffer::from(offsets), elements)?)
        }
        Physical::Tuple(shapes) => {
            let columns = shapes.iter().map(|s| read_column(r, s, rows));
            Flat::tuple(columns.collect::<Result<_>>()?, rows)?
        }
    })
}

fn read_lengths(r: &mut Reader<'_>, rows: usize) -> Result<(Vec<u64>, usize)> {
    let mut offsets = Vec::with_capacity(checked(r, rows, 1)? + 1);
    let mut total = 0u64;
    offsets.push(0);
    for _ in 0..rows {
        total = r
            .u64()?
            .checked_add(total)
            .ok_or_else(|| Error::corrupt("lengths overflow"))?;
        offsets.push(total);
    }
    let total = usize::try_from(total).map_err(|_| Error::corrupt("lengths overflow"))?;
    Ok((offsets, total))
}

fn read_strings(r: &mut Reader<'_>, rows: usize) -> Result<Flat> {
    let (offsets, total) = read_lengths(r, rows)?;
    let data = Buffer::from(r.take(total)?.to_vec());
    Ok(Flat::Bytes(BytesColumn::new(Buffer::from(offsets), data)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Field;
    use crate::column::ColumnBuilder;
    use crate::types::{DataType, Value, text};

    fn column(ty: &DataType, values: &[Value]) -> Column {
        let mut builder = ColumnBuilder::new(ty, values.len());
        values
            .iter()
            .for_each(|v| assert!(builder.push(v).is_ok(), "{ty} {v:?}"));
        Column::Flat(builder.finish())
    }

    fn sample() -> Block {
        let bytes = |t: &str| Value::string(t);
        let columns: Vec<(&str, Vec<Value>)> = vec![
            (
                "UInt8",
                vec![Value::UInt(1), Value::UInt(255), Value::UInt(0)],
            ),
            ("Int128", vec![Value::Int(-1), Value::Int(0), Value::Int(7)]),
            (
                "Float32",
                vec![Value::Float(0.5), Value::Float(-0.0), Value::Float(2.0)],
            ),
            ("String", vec![bytes(""), bytes("größe"), bytes("\0\u{1}")]),
            ("FixedString(3)", vec![bytes("abc"), bytes("x"), bytes("")]),
            (
                "Nullable(String)",
                vec![Value::Null, bytes("a"), Value::Null],
            ),
            (
                "Array(Array(Nullable(Int8)))",
                vec![
                    Value::Array(vec![]),
                    Value::Array(vec![Value::Array(vec![Value::Null, Value::Int(3)])]),
                    Value::Array(vec![
                        Value::Array(vec![]),
                        Value::Array(vec![Value::Int(1)]),
                    ]),
                ],
            ),
            (
                "Tuple(UInt8, String)",
                vec![Value::Tuple(vec![Value::UInt(1), bytes("t")]); 3],
            ),
            (
                "Map(String, UInt64)",
                vec![
                    Value::Map(vec![]),
                    Value::Map(vec![(bytes("k"), Value::UInt(1))]),
                    Value::Map(vec![]),
                ],
            ),
        ];
        let ty = |t: &str| text::parse(t).unwrap_or(DataType::Nothing);
        let mut fields: Vec<Field> = columns.iter().map(|c| Field::new(c.0, ty(c.0))).collect();
        let mut built: Vec<Column> = columns.iter().map(|c| column(&ty(c.0), &c.1)).collect();
        let dict = column(&DataType::String, &[bytes("x"), bytes("y")]).to_flat();
        let codes = DictColumn::new(Buffer::from(vec![1u32, 0, 1]), Arc::new(dict));
        fields.push(Field::new("d", DataType::String.low_cardinality()));
        built.extend(codes.map(Column::Dict));
        fields.push(Field::new("c", DataType::UInt32));
        built.push(Column::defaults(&DataType::UInt32, 3));
        let block = Block::new(Schema::new(fields), built, 3);
        block.unwrap_or_else(|_| Block::empty(Schema::new(Vec::new())))
    }

    fn cells(block: &Block) -> Vec<Vec<Value>> {
        let rows = 0..block.rows();
        rows.map(|r| block.columns().iter().map(|c| c.value(r)).collect())
            .collect()
    }

    #[test]
    fn rows_survive_their_bytes() {
        let block = sample();
        for block in [
            block.clone(),
            block.slice(1, 2),
            block.take(&[2, 2, 0, 1].repeat(400)),
            block.take(&[2, 2, 0, 1].repeat(1200)),
        ] {
            let bytes = encode(&block);
            let back = decode(&bytes, block.schema());
            assert_eq!(back.as_ref().map(cells).ok(), Some(cells(&block)));
            let kinds = |b: &Block| {
                b.columns()
                    .iter()
                    .map(std::mem::discriminant)
                    .collect::<Vec<_>>()
            };
            assert_eq!(back.as_ref().map(kinds).ok(), Some(kinds(&block)));
        }
    }

    #[test]
    fn no_byte_makes_it_panic() {
        let block = sample();
        for (block, packed, step) in [
            (block.clone(), 0, 1),
            (block.take(&[0, 1, 2].repeat(1500)), 1, 99),
        ] {
            let bytes = encode(&block);
            assert_eq!(bytes[0], packed);
            for at in (0..bytes.len().min(2000)).step_by(step) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0xFF;
                let _ = decode(&damaged, block.schema());
                let _ = decode(&bytes[..at], block.schema());
            }
        }
    }
}
