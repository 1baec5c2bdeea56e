//! A part file that is open: mapped bytes, the footer, and what was learned of its columns.
//!
//! Invariant: the footer was checked when the file was opened, and a page is checked when it is
//! read for the first time, before one of its bytes is believed.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::info::{KeyColumn, PartInfo, PartitionValue};
use super::stats::{ColumnStats, PageStats};
use super::{IndexSpec, PrimaryIndex, pages, skip};
use crate::block::{Field, Schema};
use crate::codec::{Cursor, Origin, new_file};
use crate::column::{Buffer, Column, Flat};
use crate::error::{Error, Result};
use crate::format::column::{pick_column, read_column, read_entries};
use crate::format::footer::{Footer, FooterIndex, Section};
use crate::format::frame::{self, Frame};
use crate::kernels::mask::Mask;
use crate::kernels::take::take;
use crate::storage::{FileBytes, Storage};
use crate::types::Physical;

/// Up to one row of so many, rows of a page are looked up instead of decoding all of it.
const PICKS_PAY: usize = 8;

pub(super) struct FilePart {
    path: String,
    id: u64,
    /// The number of this opening.
    opened: u64,
    rows: usize,
    frame: Frame,
    bytes: Arc<dyn FileBytes>,
    columns: Vec<FileColumn>,
    indexes: Vec<FileIndex>,
}

struct FileIndex {
    meta: FooterIndex,
    /// The column that it keeps a filter of.
    column: Option<usize>,
    pages: OnceLock<Option<Section>>,
}

struct FileColumn {
    name: String,
    shape: Physical,
    /// Where its section is in the file.
    section: Range<usize>,
    pages: OnceLock<Result<Pages>>,
    shared: OnceLock<Result<Arc<Flat>>>,
}

struct Pages {
    section: Section,
    stats: Option<PageStats>,
    /// A bit for each page whose checksum was found to be right. The file does not change, and what
    /// decodes a page trusts no byte of it: the checksum is there to find damage, once.
    sound: Box<[AtomicU64]>,
}

impl Pages {
    fn is_sound(&self, g: usize) -> bool {
        self.sound[g / 64].load(Ordering::Relaxed) & (1 << (g % 64)) != 0
    }

    fn mark_sound(&self, g: usize) {
        self.sound[g / 64].fetch_or(1 << (g % 64), Ordering::Relaxed);
    }
}

/// What opening a file gives besides the file.
pub(super) struct Opened {
    pub(super) file: FilePart,
    pub(super) schema: Arc<Schema>,
    pub(super) granule_rows: usize,
    pub(super) index: PrimaryIndex,
    pub(super) partition: Vec<PartitionValue>,
}

impl std::fmt::Debug for FilePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilePart")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl FilePart {
    pub(super) fn open(storage: &Arc<dyn Storage>, path: &str, info: &PartInfo) -> Result<Opened> {
        let bytes = storage.map(path)?;
        Self::read(bytes, path, info).map_err(|e| e.context(format!("part file {path}")))
    }

    fn read(bytes: Arc<dyn FileBytes>, path: &str, info: &PartInfo) -> Result<Opened> {
        let file = bytes.bytes();
        let frame = frame::check(file)?;
        let footer = Footer::read(
            &file[frame.footer_at..frame.footer_end],
            frame.granule_rows,
            file.len(),
        )
        .map_err(|e| e.context(format!("footer at byte {}", frame.footer_at)))?;
        let found = (footer.numbers[0], footer.rows, file.len() as u64);
        if found != (info.id, info.rows, info.bytes) {
            return Err(Error::corrupt(format!(
                "found part {} of {} rows in {} bytes, expected part {} of {} rows in {} bytes",
                found.0, found.1, found.2, info.id, info.rows, info.bytes
            )));
        }
        let fields = footer
            .columns
            .iter()
            .map(|c| Field::new(c.name.clone(), c.ty.clone()));
        let schema = Schema::new(fields.collect());
        let indexes = footer.indexes.into_iter().map(|meta| FileIndex {
            column: schema
                .index_of(&meta.expression)
                .filter(|_| !meta.data.is_empty()),
            meta,
            pages: OnceLock::new(),
        });
        let indexes = indexes.collect();
        let columns = footer.columns.into_iter().map(|c| FileColumn {
            shape: c.ty.physical(),
            name: c.name,
            section: frame.footer_at + c.section.start..frame.footer_at + c.section.end,
            pages: OnceLock::new(),
            shared: OnceLock::new(),
        });
        let columns = columns.collect();
        let (key, borders) = footer
            .key
            .into_iter()
            .map(|(n, ty, b)| (KeyColumn::new(n, ty), b))
            .unzip();
        let partition = footer
            .partition_values
            .into_iter()
            .map(|(name, ty, value)| PartitionValue {
                name,
                ty,
                value: value.value(0),
            });
        Ok(Opened {
            schema,
            granule_rows: frame.granule_rows,
            index: PrimaryIndex::of_borders(key, borders),
            partition: partition.collect(),
            file: FilePart {
                path: path.to_string(),
                id: info.id,
                opened: new_file(),
                rows: footer.rows as usize,
                frame,
                columns,
                indexes,
                bytes,
            },
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Declared skip indexes.
    pub(super) fn indexes(&self) -> Vec<IndexSpec> {
        let indexes = self.indexes.iter().map(|i| IndexSpec {
            name: i.meta.name.clone(),
            expression: i.meta.expression.clone(),
            ty: i.meta.ty.clone(),
            granularity: i.meta.granularity as usize,
        });
        indexes.collect()
    }

    /// The indexes that keep a filter of column `c`.
    pub(super) fn filters(&self, c: usize) -> impl Iterator<Item = usize> {
        (0..self.indexes.len()).filter(move |i| self.indexes[*i].column == Some(c))
    }

    fn filter_section(&self, meta: &FooterIndex) -> Result<Section> {
        let at = self.frame.footer_at;
        let data = at + meta.data.start..at + meta.data.end;
        let section = self.bytes.bytes().get(data).unwrap_or(&[]);
        Section::read(
            section,
            &Physical::Nothing,
            self.rows.div_ceil(self.frame.granule_rows),
        )
        .map_err(|e| e.context(format!("part file {}, index {}", self.path, meta.name)))
    }

    /// Whether page `g` may hold a value with one of these hashes. A filter that cannot be read
    /// denies nothing: the page itself will tell.
    pub(super) fn filter_may_hold(&self, index: usize, g: usize, wanted: &[u64]) -> bool {
        let FileIndex {
            meta,
            column,
            pages,
        } = &self.indexes[index];
        let read = || self.filter_section(meta).ok();
        let Some(section) = pages.get_or_init(read) else {
            return true;
        };
        let length = section.lengths[g].into();
        let filter = self.checked(
            column.unwrap_or(0),
            section.offsets[g],
            length,
            section.checksums[g],
        );
        filter.map_or(true, |f| skip::may_hold(f, wanted))
    }

    fn broken(&self, c: usize, at: usize, e: Error) -> Error {
        let name = &self.columns[c].name;
        e.context(format!(
            "part file {}, column {name}, from byte {at}",
            self.path
        ))
    }

    /// What the footer says of the pages of column `c`, read once.
    fn pages(&self, c: usize) -> Result<&Pages> {
        let column = &self.columns[c];
        let read = || {
            let section = self
                .bytes
                .bytes()
                .get(column.section.clone())
                .unwrap_or(&[]);
            self.read_pages(section, &column.shape)
                .map_err(|e| self.broken(c, column.section.start, e))
        };
        column
            .pages
            .get_or_init(read)
            .as_ref()
            .map_err(Error::clone)
    }

    fn read_pages(&self, section: &[u8], shape: &Physical) -> Result<Pages> {
        let pages = self.rows.div_ceil(self.frame.granule_rows);
        let mut section = Section::read(section, shape, pages)?;
        let stats = section.stats.take().map(|s| {
            let (nulls, bounded) = (Buffer::from(s.nulls), Buffer::from(s.bounded));
            let pages = PageStats::new(s.min, s.max, nulls, bounded, s.exact)?;
            Ok::<_, Error>(pages.with_distinct(s.distinct))
        });
        let words = (0..pages.div_ceil(64)).map(|_| AtomicU64::new(0));
        Ok(Pages {
            section,
            stats: stats.transpose()?,
            sound: words.collect(),
        })
    }

    /// Bytes `offset..offset + length`.
    fn within(&self, c: usize, offset: u64, length: u64) -> Result<&[u8]> {
        let range = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(length).ok())
            .and_then(|(start, len)| Some(start..start.checked_add(len)?))
            .filter(|r| r.start >= frame::HEADER_BYTES && r.end <= self.frame.footer_at);
        let Some(bytes) = range.and_then(|r| self.bytes.bytes().get(r)) else {
            let what = Error::corrupt(format!("a page of {length} bytes is not in the file"));
            return Err(self.broken(c, offset as usize, what));
        };
        Ok(bytes)
    }

    /// Bytes `offset..offset + length`, checked.
    fn checked(&self, c: usize, offset: u64, length: u64, checksum: u64) -> Result<&[u8]> {
        let bytes = self.within(c, offset, length)?;
        let found = super::checksum(bytes, self.id, offset);
        if found != checksum {
            let what = Error::corrupt(format!(
                "checksum of {length} bytes: stored {checksum:016x}, computed {found:016x}"
            ));
            return Err(self.broken(c, offset as usize, what));
        }
        Ok(bytes)
    }

    /// Checks page `g` of column `c`, though it was checked before.
    fn check_page(&self, c: usize, g: usize) -> Result<()> {
        let pages = self.pages(c)?;
        let section = &pages.section;
        let (offset, length) = (section.offsets[g], section.lengths[g].into());
        self.checked(c, offset, length, section.checksums[g])?;
        pages.mark_sound(g);
        Ok(())
    }

    /// The checked bytes of page `g` of column `c`, and where they are.
    fn page(&self, c: usize, g: usize) -> Result<(&[u8], usize)> {
        let pages = self.pages(c)?;
        let section = &pages.section;
        let (offset, length) = (section.offsets[g], section.lengths[g].into());
        if pages.is_sound(g) {
            return Ok((self.within(c, offset, length)?, offset as usize));
        }
        let bytes = self.checked(c, offset, length, section.checksums[g])?;
        pages.mark_sound(g);
        Ok((bytes, offset as usize))
    }

    fn shared(&self, c: usize) -> Result<Option<&Arc<Flat>>> {
        let Some(at) = self.pages(c)?.section.shared else {
            return Ok(None);
        };
        let column = &self.columns[c];
        let read = || {
            let bytes = self.checked(c, at.offset, at.length, at.checksum)?;
            let mut cursor = Cursor::new(bytes);
            let entries = usize::try_from(at.entries).ok().filter(|n| *n <= self.rows);
            let entries = entries
                .ok_or_else(|| cursor.broken(format!("found {} dictionary entries", at.entries)));
            let read = entries.and_then(|n| read_entries(&mut cursor, &column.shape, n));
            let read = read.and_then(|flat| cursor.end().map(|()| Arc::new(flat)));
            read.map_err(|e| self.broken(c, at.offset as usize, e))
        };
        column
            .shared
            .get_or_init(read)
            .as_ref()
            .map(Some)
            .map_err(Error::clone)
    }

    fn page_rows(&self, g: usize) -> usize {
        self.frame
            .granule_rows
            .min(self.rows - g * self.frame.granule_rows)
    }

    /// Page `g` of column `c`.
    fn read_page(&self, c: usize, g: usize) -> Result<Column> {
        let (bytes, at) = self.page(c, g)?;
        let cursor = Cursor::new(bytes);
        self.decode(c, g, cursor, at, |cursor, shape, rows, shared| {
            read_column(cursor, shape, rows, shared)
        })
    }

    /// The rows `picks`, which ascend, of page `g` of column `c`.
    fn pick_page(&self, c: usize, g: usize, picks: &[u32]) -> Result<Column> {
        let rows = self.page_rows(g);
        if picks.len() == rows {
            return self.read_page(c, g);
        }
        if picks.len() * PICKS_PAY > rows {
            return Ok(take(&self.read_page(c, g)?, picks));
        }
        let (bytes, at) = self.page(c, g)?;
        let origin = Origin {
            file: self.opened,
            offset: at as u64,
        };
        // Others will want other values of the page.
        let cursor = Cursor::keeping(bytes, origin);
        self.decode(c, g, cursor, at, |cursor, shape, rows, shared| {
            pick_column(cursor, shape, rows, shared, picks)
        })
    }

    /// What `read` makes of page `g` of column `c`, whose bytes begin at `at`.
    fn decode(
        &self,
        c: usize,
        g: usize,
        mut cursor: Cursor<'_>,
        at: usize,
        read: impl FnOnce(&mut Cursor<'_>, &Physical, usize, Option<&Arc<Flat>>) -> Result<Column>,
    ) -> Result<Column> {
        let shared = self.shared(c)?;
        let shape = &self.columns[c].shape;
        let read = read(&mut cursor, shape, self.page_rows(g), shared);
        let read = read.and_then(|column| cursor.end().map(|()| column));
        read.map_err(|e| self.broken(c, at, e))
    }

    /// Rows `range` of column `c`.
    pub(super) fn read_range(&self, c: usize, range: Range<usize>) -> Result<Column> {
        let granule_rows = self.frame.granule_rows;
        let shape = &self.columns[c].shape;
        if range.is_empty() {
            return pages::join(&[], shape);
        }
        let (first, last) = (range.start / granule_rows, (range.end - 1) / granule_rows);
        if first == last {
            let start = range.start - first * granule_rows;
            if range.len() * PICKS_PAY <= self.page_rows(first) {
                let picks: Vec<u32> = (start as u32..).take(range.len()).collect();
                return self.pick_page(c, first, &picks);
            }
            let page = self.read_page(c, first)?;
            return Ok(match range.len() == page.len() {
                true => page,
                false => page.slice(start, range.len()),
            });
        }
        if let Some(column) = self.read_numbers(c, first..last + 1, &range)? {
            return Ok(column);
        }
        let mut columns = Vec::with_capacity(last - first + 1);
        for g in first..=last {
            let page = self.read_page(c, g)?;
            let base = g * granule_rows;
            let (start, end) = (range.start.max(base), range.end.min(base + page.len()));
            columns.push(match end - start == page.len() {
                true => page,
                false => page.slice(start - base, end - start),
            });
        }
        pages::join(&columns, shape)
    }

    /// Plain numbers, Nullable or not, are decoded right behind each other.
    fn read_numbers(
        &self,
        c: usize,
        granules: Range<usize>,
        range: &Range<usize>,
    ) -> Result<Option<Column>> {
        let Some(mut sink) = pages::NumberSink::new(&self.columns[c].shape) else {
            return Ok(None);
        };
        let first_row = granules.start * self.frame.granule_rows;
        let end_row = (granules.end * self.frame.granule_rows).min(self.rows);
        sink.reserve(end_row - first_row);
        for g in granules {
            let (bytes, at) = self.page(c, g)?;
            sink.add(bytes, self.page_rows(g))
                .map_err(|e| self.broken(c, at, e))?;
        }
        let whole = sink.finish()?;
        Ok(Some(match range.len() == whole.len() {
            true => whole,
            false => whole.slice(range.start - first_row, range.len()),
        }))
    }

    /// The ascending rows `rows` of column `c`.
    pub(super) fn read_rows(&self, c: usize, rows: &[u32]) -> Result<Column> {
        let columns = self.by_page(rows).into_iter().map(|(g, group)| {
            let base = (g * self.frame.granule_rows) as u32;
            let picks: Vec<u32> = group.iter().map(|r| r - base).collect();
            self.pick_page(c, g, &picks)
        });
        let columns: Vec<Column> = columns.collect::<Result<_>>()?;
        pages::join(&columns, &self.columns[c].shape)
    }

    /// Ascending rows, page by page.
    fn by_page<'a>(&self, rows: &'a [u32]) -> Vec<(usize, &'a [u32])> {
        let (mut groups, mut rest) = (Vec::new(), rows);
        while let Some(first) = rest.first() {
            // Looked for, not compared row by row: a filter may keep nearly all rows.
            let g = *first as usize / self.frame.granule_rows;
            let end = (g + 1) * self.frame.granule_rows;
            let (group, after) = rest.split_at(rest.partition_point(|r| (*r as usize) < end));
            groups.push((g, group));
            rest = after;
        }
        groups
    }

    /// Those of rows `range` that stand in `mask`, of column `c`.
    pub(super) fn read_masked(&self, c: usize, range: Range<usize>, mask: &Mask) -> Result<Column> {
        match self.read_dense(c, &range, mask)? {
            Some(column) => Ok(column),
            None => self.read_rows(c, &mask.numbers(range.start as u32)),
        }
    }

    /// Plain numbers, Nullable or not, of whole pages where every page gives many of its own: what
    /// does not stand is squeezed out where it was decoded.
    fn read_dense(&self, c: usize, range: &Range<usize>, mask: &Mask) -> Result<Option<Column>> {
        let granule_rows = self.frame.granule_rows;
        let whole = range.start.is_multiple_of(granule_rows)
            && (range.end.is_multiple_of(granule_rows) || range.end == self.rows);
        let sink = pages::NumberSink::new(&self.columns[c].shape);
        let Some(mut sink) = sink.filter(|_| whole && !range.is_empty()) else {
            return Ok(None);
        };
        let granules = range.start / granule_rows..range.end.div_ceil(granule_rows);
        let cut = |g: usize| {
            let start = g * granule_rows - range.start;
            mask.cut(start..start + self.page_rows(g))
        };
        let masks: Vec<Mask> = granules.clone().map(cut).collect();
        if masks.iter().any(|m| m.shown() * PICKS_PAY <= m.len()) {
            return Ok(None);
        }
        sink.reserve(mask.shown() + granule_rows);
        for (g, mask) in granules.zip(&masks) {
            let (bytes, at) = self.page(c, g)?;
            let start = sink.len();
            sink.add(bytes, mask.len())
                .map_err(|e| self.broken(c, at, e))?;
            if !mask.is_full() {
                sink.keep(start, mask);
            }
        }
        sink.finish().map(Some)
    }

    pub(super) fn page_stats(&self, c: usize) -> Option<&PageStats> {
        self.pages(c).ok()?.stats.as_ref()
    }

    pub(super) fn column_stats(&self, c: usize) -> Option<ColumnStats> {
        self.page_stats(c).map(PageStats::whole)
    }

    /// Reads and checks every page and dictionary.
    pub(super) fn verify(&self) -> Result<()> {
        let granules = self.rows.div_ceil(self.frame.granule_rows);
        for c in 0..self.columns.len() {
            for g in 0..granules {
                self.check_page(c, g)?;
                self.read_page(c, g)?;
            }
        }
        for index in &self.indexes {
            let Some(column) = index.column else { continue };
            let section = self.filter_section(&index.meta)?;
            for g in 0..granules {
                let length = section.lengths[g].into();
                self.checked(column, section.offsets[g], length, section.checksums[g])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
