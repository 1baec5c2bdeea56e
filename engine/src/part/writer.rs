//! Writes a part file from sorted blocks.
//!
//! Granules are cut as rows come; encoded pages are held back per column, so that pages of a
//! column stand together, and written when they are many bytes or the part ends.
//!
//! Invariant: a file without its trailer is no part; `finish` syncs the file before it returns.

use std::collections::VecDeque;
use std::sync::Arc;

use super::column_writer::ColumnWriter;
use super::info::{KeyColumn, PartInfo};
use super::skip::Filter;
use super::spec::{IndexSpec, PartSpec};
use crate::block::{Block, Schema};
use crate::codec::CodecChoice;
use crate::column::{Column, ColumnBuilder, Flat};
use crate::error::{Code, Error, Result};
use crate::format::footer::{Footer, FooterColumn, FooterIndex};
use crate::format::frame;
use crate::kernels::concat::concat;
use crate::storage::{Storage, WriteFile};
use crate::types::{DataType, Value};

/// Encoded bytes held back before they are written.
const HELD_BYTES_MAX: usize = 32 << 20;

/// A part file being written.
pub struct PartWriter {
    file: Box<dyn WriteFile>,
    path: String,
    offset: u64,
    header: [u8; frame::HEADER_BYTES],
    schema: Arc<Schema>,
    key: Vec<KeyColumn>,
    granule_rows: usize,
    codecs: Vec<String>,
    columns: Vec<ColumnWriter>,
    borders: Vec<ColumnBuilder>,
    last_key: Vec<Value>,
    waiting: VecDeque<Waiting>,
    waiting_rows: usize,
    rows: usize,
    uncompressed_bytes: u64,
    partition: Vec<(String, DataType, Flat)>,
    indexes: Vec<IndexSpec>,
    info: PartInfo,
}

/// Rows that do not fill a granule yet.
struct Waiting {
    columns: Vec<Column>,
    key: Vec<Column>,
    from: usize,
    rows: usize,
}

impl PartWriter {
    /// Starts a file; the folder must be there. The caller syncs the folder after `finish`.
    ///
    /// # Errors
    /// BAD_ARGUMENTS for an unknown codec, else what the store says.
    pub fn create(storage: &Arc<dyn Storage>, path: &str, spec: PartSpec<'_>) -> Result<Self> {
        let granule_rows = u32::try_from(spec.granule_rows).unwrap_or(u32::MAX);
        if granule_rows == 0 || granule_rows > frame::GRANULE_ROWS_MAX {
            return Err(Error::new(
                Code::BAD_ARGUMENTS,
                format!(
                    "a granule of {} rows: expected 1 to {}",
                    spec.granule_rows,
                    frame::GRANULE_ROWS_MAX
                ),
            ));
        }
        let mut codecs = Vec::new();
        let mut columns = Vec::new();
        for (i, field) in spec.schema.fields.iter().enumerate() {
            let codec = spec.codecs.get(i).and_then(Option::as_deref);
            let choice = CodecChoice::parse(codec, spec.compression)?;
            columns.push(ColumnWriter::new(&field.ty, choice));
            codecs.push(codec.unwrap_or_default().to_string());
        }
        for (i, index) in spec.indexes.iter().enumerate() {
            let Some(c) = spec.schema.index_of(&index.expression) else {
                continue;
            };
            if let Some(filter) = Filter::of(index, &spec.schema.fields[c].ty) {
                columns[c].add_filter(i, filter);
            }
        }
        let partition = spec.partition.into_iter().map(|p| {
            let mut one = ColumnBuilder::new(&p.ty, 1);
            one.push(&p.value)?;
            Ok((p.name, p.ty, one.finish()))
        });
        let partition = partition.collect::<Result<_>>()?;
        let header = frame::header(granule_rows);
        let mut file = storage.create(path)?;
        file.write(&header)?;
        Ok(PartWriter {
            file,
            path: path.to_string(),
            offset: header.len() as u64,
            header,
            schema: Arc::clone(spec.schema),
            borders: spec
                .key
                .iter()
                .map(|k| ColumnBuilder::new(&k.ty, 0))
                .collect(),
            last_key: Vec::new(),
            key: spec.key,
            granule_rows: spec.granule_rows,
            codecs,
            columns,
            waiting: VecDeque::new(),
            waiting_rows: 0,
            rows: 0,
            uncompressed_bytes: 0,
            partition,
            indexes: spec.indexes,
            info: spec.info,
        })
    }

    /// Adds rows that follow all earlier ones in the order of the key; `key_columns` are the key's
    /// elements for these rows.
    pub fn write(&mut self, block: &Block, key_columns: &[Column]) -> Result<()> {
        let rows = block.rows();
        let fits = block.schema().fields.len() == self.schema.len()
            && block
                .schema()
                .fields
                .iter()
                .zip(&self.schema.fields)
                .all(|(a, b)| a.ty == b.ty)
            && key_columns.len() == self.key.len()
            && key_columns.iter().all(|k| k.len() == rows);
        if !fits {
            return Err(Error::bug(format!(
                "a block of {} columns and {} key columns does not fit part file {}",
                block.schema().len(),
                key_columns.len(),
                self.path
            )));
        }
        if rows == 0 {
            return Ok(());
        }
        if self.rows + self.waiting_rows + rows > u32::MAX as usize {
            return Err(Error::new(
                Code::TOO_MANY_ROWS,
                format!("a part holds at most {} rows", u32::MAX),
            ));
        }
        let (columns, key) = (block.columns().to_vec(), key_columns.to_vec());
        self.waiting.push_back(Waiting {
            columns,
            key,
            from: 0,
            rows,
        });
        self.waiting_rows += rows;
        while self.waiting_rows >= self.granule_rows {
            self.cut(self.granule_rows)?;
        }
        Ok(())
    }

    /// Encodes the next `rows` waiting rows as a granule.
    fn cut(&mut self, rows: usize) -> Result<()> {
        let mut pieces: Vec<Vec<Column>> = vec![Vec::new(); self.columns.len()];
        let mut left = rows;
        if let Some(first) = self.waiting.front() {
            for (border, key) in self.borders.iter_mut().zip(&first.key) {
                border.push(&key.value(first.from))?;
            }
        }
        while left > 0 {
            let Some(front) = self.waiting.front_mut() else {
                return Err(Error::bug("a granule was cut from too few rows"));
            };
            let n = left.min(front.rows - front.from);
            for (list, column) in pieces.iter_mut().zip(&front.columns) {
                list.push(column.slice(front.from, n));
            }
            front.from += n;
            left -= n;
            self.last_key = front.key.iter().map(|k| k.value(front.from - 1)).collect();
            if front.from == front.rows {
                self.waiting.pop_front();
            }
        }
        let mut held = 0;
        for ((writer, list), field) in self.columns.iter_mut().zip(pieces).zip(&self.schema.fields)
        {
            let page = concat(&list.iter().collect::<Vec<_>>(), &field.ty)?;
            self.uncompressed_bytes += writer.add(&page)?;
            held += writer.held_bytes();
        }
        self.waiting_rows -= rows;
        self.rows += rows;
        if held >= HELD_BYTES_MAX {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes the pages that are held back.
    fn flush(&mut self) -> Result<()> {
        for run in self.columns.iter_mut().flat_map(ColumnWriter::runs_mut) {
            let bytes = run.place(self.offset, self.info.id);
            if !bytes.is_empty() {
                self.file.write(&bytes)?;
                self.offset += bytes.len() as u64;
            }
        }
        Ok(())
    }

    /// Writes the footer, syncs the file and returns the info with rows and sizes filled in.
    pub fn finish(mut self) -> Result<PartInfo> {
        if self.waiting_rows > 0 {
            self.cut(self.waiting_rows)?;
        }
        self.flush()?;
        if self.rows > 0 {
            for (border, last) in self.borders.iter_mut().zip(&self.last_key) {
                border.push(last)?;
            }
        }
        let mut sections = Vec::with_capacity(self.columns.len());
        let mut index_data = vec![Vec::new(); self.indexes.len()];
        for (index, section) in self.columns.iter().flat_map(ColumnWriter::filter_sections) {
            index_data[index] = section.put()?;
        }
        for column in std::mem::take(&mut self.columns) {
            let (section, dictionary) = column.finish(self.offset, self.info.id)?;
            if !dictionary.is_empty() {
                self.file.write(&dictionary)?;
                self.offset += dictionary.len() as u64;
            }
            sections.push(section.put()?);
        }
        let borders = std::mem::take(&mut self.borders);
        let footer = self.footer(borders).put(&sections, &index_data)?;
        let trailer = frame::trailer(&self.header, &footer);
        self.offset += (footer.len() + trailer.len()) as u64;
        let mut end = footer;
        end.extend_from_slice(&trailer);
        self.file.write(&end)?;
        self.file.sync()?;
        self.info.rows = self.rows as u64;
        self.info.bytes = self.offset;
        self.info.uncompressed_bytes = self.uncompressed_bytes;
        Ok(self.info)
    }

    fn footer(&self, borders: Vec<ColumnBuilder>) -> Footer {
        let info = &self.info;
        let columns = self
            .schema
            .fields
            .iter()
            .zip(&self.codecs)
            .map(|(f, codec)| FooterColumn {
                name: f.name.clone(),
                ty: f.ty.clone(),
                codec: codec.clone(),
                section: 0..0,
            });
        let key = self.key.iter().zip(borders);
        let indexes = self.indexes.iter().map(|i| FooterIndex {
            name: i.name.clone(),
            expression: i.expression.clone(),
            ty: i.ty.clone(),
            granularity: i.granularity as u64,
            data: 0..0,
        });
        Footer {
            numbers: [
                info.id,
                info.bucket.into(),
                info.level.into(),
                info.min_block,
                info.max_block,
            ],
            partition: info.partition.clone(),
            rows: self.rows as u64,
            uncompressed_bytes: self.uncompressed_bytes,
            columns: columns.collect(),
            key: key
                .map(|(k, b)| (k.name.clone(), k.ty.clone(), b.finish()))
                .collect(),
            partition_values: self.partition.clone(),
            indexes: indexes.collect(),
        }
    }
}
