//! The footer: what is known of a part, and of each column's pages.
//!
//! Invariant: counts are checked against the bytes of the file before anything is allocated.

use std::ops::Range;

use super::column::{put_column, read_column};
use super::numbers::{put_numbers, read_numbers};
use crate::codec::cursor::{put_prefixed, put_varint};
use crate::codec::{CodecChoice, Compression, Cursor, Encoding};
use crate::column::{Column, Flat, Native};
use crate::error::{Error, Result};
use crate::types::{DataType, Physical};

/// Most columns of a part.
const COLUMNS_MAX: usize = 100_000;

/// Everything about a part that is not rows.
#[derive(Debug, Clone, Default)]
pub struct Footer {
    /// Part id, bucket, level, first and last commit.
    pub numbers: [u64; 5],
    /// Partition.
    pub partition: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of the columns before encoding.
    pub uncompressed_bytes: u64,
    /// Columns, and where their sections are in the footer.
    pub columns: Vec<FooterColumn>,
    /// Key elements and their border values.
    pub key: Vec<(String, DataType, Flat)>,
    /// Partition values (columns of one row).
    pub partition_values: Vec<(String, DataType, Flat)>,
    /// Declared skip indexes.
    pub indexes: Vec<FooterIndex>,
}

/// A column as the footer lists it.
#[derive(Debug, Clone)]
pub struct FooterColumn {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: DataType,
    /// Inner text of CODEC, may be empty.
    pub codec: String,
    /// Bytes of its section within the footer.
    pub section: Range<usize>,
}

/// A skip index as the footer lists it.
#[derive(Debug, Clone)]
pub struct FooterIndex {
    /// Name.
    pub name: String,
    /// Column or expression.
    pub expression: String,
    /// Type with parameters.
    pub ty: String,
    /// Granules per entry.
    pub granularity: u64,
    /// Bytes of its data within the footer.
    pub data: Range<usize>,
}

/// Footers are small and read at once: always the same choice.
fn choice() -> CodecChoice {
    CodecChoice {
        encoding: Encoding::Auto,
        compression: Compression::Lz4,
    }
}

impl Footer {
    /// Bytes of the footer with the columns' sections and the indexes' data.
    pub fn put(&self, sections: &[Vec<u8>], index_data: &[Vec<u8>]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.numbers.iter().for_each(|n| put_varint(&mut out, *n));
        put_prefixed(&mut out, self.partition.as_bytes());
        put_varint(&mut out, self.rows);
        put_varint(&mut out, self.uncompressed_bytes);
        put_varint(&mut out, self.columns.len() as u64);
        for (column, section) in self.columns.iter().zip(sections) {
            put_prefixed(&mut out, column.name.as_bytes());
            put_prefixed(&mut out, column.ty.to_string().as_bytes());
            put_prefixed(&mut out, column.codec.as_bytes());
            put_varint(&mut out, section.len() as u64);
        }
        for list in [&self.key, &self.partition_values] {
            put_varint(&mut out, list.len() as u64);
            for (name, ty, values) in list {
                put_prefixed(&mut out, name.as_bytes());
                put_prefixed(&mut out, ty.to_string().as_bytes());
                let mut bytes = Vec::new();
                put_column(&mut bytes, &Column::Flat(values.clone()), choice(), None)?;
                put_prefixed(&mut out, &bytes);
            }
        }
        put_varint(&mut out, self.indexes.len() as u64);
        for (index, data) in self.indexes.iter().zip(index_data) {
            put_prefixed(&mut out, index.name.as_bytes());
            put_prefixed(&mut out, index.expression.as_bytes());
            put_prefixed(&mut out, index.ty.as_bytes());
            put_varint(&mut out, index.granularity);
            put_prefixed(&mut out, data);
        }
        sections.iter().for_each(|s| out.extend_from_slice(s));
        Ok(out)
    }

    /// Reads a footer; `file_bytes` bounds the number of granules.
    pub fn read(bytes: &[u8], granule_rows: usize, file_bytes: usize) -> Result<Footer> {
        let mut cursor = Cursor::new(bytes);
        let c = &mut cursor;
        let mut footer = Footer::default();
        for number in &mut footer.numbers {
            *number = c.varint()?;
        }
        footer.partition = c.text()?.to_string();
        footer.rows = c.count(u32::MAX as usize, "rows")? as u64;
        footer.uncompressed_bytes = c.varint()?;
        let granules = (footer.rows as usize).div_ceil(granule_rows);
        if granules > file_bytes {
            return Err(c.broken(format!("found {granules} granules in {file_bytes} bytes")));
        }
        let mut lengths = Vec::new();
        for _ in 0..c.count(COLUMNS_MAX.min(bytes.len()), "columns")? {
            let (name, ty, codec) = (c.text()?.to_string(), data_type(c)?, c.text()?.to_string());
            lengths.push(c.count(bytes.len(), "bytes of a section")?);
            footer.columns.push(FooterColumn {
                name,
                ty,
                codec,
                section: 0..0,
            });
        }
        let borders = if footer.rows == 0 { 0 } else { granules + 1 };
        footer.key = read_values(c, borders)?;
        footer.partition_values = read_values(c, 1)?;
        for _ in 0..c.count(COLUMNS_MAX.min(bytes.len()), "skip indexes")? {
            let (name, expression) = (c.text()?.to_string(), c.text()?.to_string());
            let (ty, granularity) = (c.text()?.to_string(), c.varint()?);
            let len = c.prefixed()?.len();
            let data = c.position() - len..c.position();
            footer.indexes.push(FooterIndex {
                name,
                expression,
                ty,
                granularity,
                data,
            });
        }
        for (column, len) in footer.columns.iter_mut().zip(lengths) {
            let start = c.position();
            c.take(len)?;
            column.section = start..c.position();
        }
        cursor.end()?;
        Ok(footer)
    }
}

fn data_type(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let text = cursor.text()?;
    let ty: DataType = text
        .parse()
        .map_err(|e: Error| cursor.broken(format!("found type '{text}' ({})", e.message())))?;
    if has_empty_strings(&ty.physical()) {
        return Err(cursor.broken(format!("found type '{text}'")));
    }
    Ok(ty)
}

/// FixedString(0) would make rows without bytes.
fn has_empty_strings(shape: &Physical) -> bool {
    match shape {
        Physical::Fixed(n) => *n == 0,
        Physical::Nullable(inner) | Physical::Array(inner) => has_empty_strings(inner),
        Physical::Tuple(shapes) => shapes.iter().any(has_empty_strings),
        _ => false,
    }
}

fn read_values(cursor: &mut Cursor<'_>, rows: usize) -> Result<Vec<(String, DataType, Flat)>> {
    let mut out = Vec::new();
    for _ in 0..cursor.count(COLUMNS_MAX.min(cursor.remaining()), "values")? {
        let (name, ty) = (cursor.text()?.to_string(), data_type(cursor)?);
        let mut inner = Cursor::new(cursor.prefixed()?);
        let values = read_column(&mut inner, &ty.physical(), rows, None)?.to_flat();
        inner.end()?;
        out.push((name, ty, values));
    }
    Ok(out)
}

/// What is known of the pages of one column.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Where each page starts in the file.
    pub offsets: Vec<u64>,
    /// Bytes of each page.
    pub lengths: Vec<u32>,
    /// Checksum of each page.
    pub checksums: Vec<u64>,
    /// The shared dictionary, when there is one.
    pub shared: Option<SharedAt>,
    /// Statistics, when the shape has any.
    pub stats: Option<SectionStats>,
}

/// Where a shared dictionary is.
#[derive(Debug, Clone, Copy)]
pub struct SharedAt {
    /// Number of entries.
    pub entries: u64,
    /// Where it starts in the file.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
    /// Its checksum.
    pub checksum: u64,
}

/// Statistics of the pages of one column.
#[derive(Debug, Clone)]
pub struct SectionStats {
    /// Whether all bounds are values of the column.
    pub exact: bool,
    /// About how many different values there are.
    pub distinct: u64,
    /// Smallest value of each page.
    pub min: Flat,
    /// Largest value of each page.
    pub max: Flat,
    /// NULLs of each page.
    pub nulls: Vec<u32>,
    /// 0 where a page has no bounds.
    pub bounded: Vec<u8>,
}

impl Section {
    /// Bytes of the section.
    pub fn put(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_numbers(&mut out, &self.offsets, choice());
        put_numbers(&mut out, &self.lengths, choice());
        put_numbers(&mut out, &self.checksums, choice());
        out.push(u8::from(self.shared.is_some()));
        if let Some(shared) = &self.shared {
            put_varint(&mut out, shared.entries);
            put_varint(&mut out, shared.offset);
            put_varint(&mut out, shared.length);
            shared.checksum.write_le(&mut out);
        }
        out.push(u8::from(self.stats.is_some()));
        if let Some(stats) = &self.stats {
            out.push(u8::from(stats.exact));
            put_varint(&mut out, stats.distinct);
            put_column(&mut out, &Column::Flat(stats.min.clone()), choice(), None)?;
            put_column(&mut out, &Column::Flat(stats.max.clone()), choice(), None)?;
            put_numbers(&mut out, &stats.nulls, choice());
            put_numbers(&mut out, &stats.bounded, choice());
        }
        Ok(out)
    }

    /// Reads the section of a column of this shape with `pages` pages.
    pub fn read(bytes: &[u8], shape: &Physical, pages: usize) -> Result<Section> {
        let mut cursor = Cursor::new(bytes);
        let c = &mut cursor;
        let mut section = Section::default();
        read_numbers(c, pages, &mut section.offsets)?;
        read_numbers(c, pages, &mut section.lengths)?;
        read_numbers(c, pages, &mut section.checksums)?;
        if c.u8()? != 0 {
            let (entries, offset, length) = (c.varint()?, c.varint()?, c.varint()?);
            let checksum = c.number()?;
            section.shared = Some(SharedAt {
                entries,
                offset,
                length,
                checksum,
            });
        }
        if c.u8()? != 0 {
            let values = match shape {
                Physical::Nullable(inner) => inner,
                other => other,
            };
            let (exact, distinct) = (c.u8()? != 0, c.varint()?);
            let min = read_column(c, values, pages, None)?.to_flat();
            let max = read_column(c, values, pages, None)?.to_flat();
            let (mut nulls, mut bounded) = (Vec::new(), Vec::new());
            read_numbers(c, pages, &mut nulls)?;
            read_numbers(c, pages, &mut bounded)?;
            section.stats = Some(SectionStats {
                exact,
                distinct,
                min,
                max,
                nulls,
                bounded,
            });
        }
        cursor.end()?;
        Ok(section)
    }
}
