//! The pages of one column while a part file is written: encoded, counted, and held back.
//!
//! Invariant: the lengths in the section are those of all pages so far; offsets and checksums
//! those of the pages that have their place in the file.

use super::skip::Filter;
use super::stats::StatsBuilder;
use crate::codec::CodecChoice;
use crate::column::{Column, Flat};
use crate::error::{Code, Error, Result};
use crate::format::column::{Prepared, put_entries};
use crate::format::dictionary::SharedDictionary;
use crate::format::footer::{Section, SectionStats, SharedAt};
use crate::types::DataType;

/// Byte runs that wait for their place in the file.
#[derive(Default)]
pub(super) struct Run {
    section: Section,
    held: Vec<u8>,
    placed: usize,
}

impl Run {
    /// Ends the run that was appended to `held` behind its first `before` bytes.
    fn end(&mut self, before: usize) -> Result<()> {
        let length = self.held.len() - before;
        let short = u32::try_from(length).map_err(|_| {
            Error::new(
                Code::TOO_LARGE_STRING_SIZE,
                format!(
                    "a page of {length} bytes is too large, expected at most {}",
                    u32::MAX
                ),
            )
        })?;
        self.section.lengths.push(short);
        Ok(())
    }

    /// Says where the held runs will be, and gives their bytes.
    pub(super) fn place(&mut self, mut offset: u64, part: u64) -> Vec<u8> {
        let mut rest = &self.held[..];
        for length in &self.section.lengths[self.placed..] {
            let (page, behind) = rest.split_at(*length as usize);
            self.section.offsets.push(offset);
            self.section
                .checksums
                .push(super::checksum(page, part, offset));
            offset += page.len() as u64;
            rest = behind;
        }
        self.placed = self.section.lengths.len();
        std::mem::take(&mut self.held)
    }

    /// Where all runs are.
    pub(super) fn section(&self) -> &Section {
        &self.section
    }
}

/// The pages of one column, and its filters.
pub(super) struct ColumnWriter {
    choice: CodecChoice,
    shared: Option<SharedDictionary>,
    stats: Option<StatsBuilder>,
    pages: Run,
    /// Filters with the number of their declared index.
    filters: Vec<(usize, Filter, Run)>,
}

impl ColumnWriter {
    pub(super) fn new(ty: &DataType, choice: CodecChoice) -> Self {
        let shape = ty.physical();
        ColumnWriter {
            shared: SharedDictionary::new(&shape, matches!(ty, DataType::LowCardinality(_))),
            stats: StatsBuilder::new(&shape),
            choice,
            pages: Run::default(),
            filters: Vec::new(),
        }
    }

    /// Keeps a filter for declared index `index`.
    pub(super) fn add_filter(&mut self, index: usize, filter: Filter) {
        self.filters.push((index, filter, Run::default()));
    }

    /// Bytes held back.
    pub(super) fn held_bytes(&self) -> usize {
        self.runs().map(|r| r.held.len()).sum()
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.pages).chain(self.filters.iter().map(|f| &f.2))
    }

    /// The column's runs: pages, then filters.
    pub(super) fn runs_mut(&mut self) -> impl Iterator<Item = &mut Run> {
        std::iter::once(&mut self.pages).chain(self.filters.iter_mut().map(|f| &mut f.2))
    }

    /// Encodes a page and returns its bytes before encoding.
    pub(super) fn add(&mut self, page: &Column) -> Result<u64> {
        let page = Prepared::new(page, self.shared.as_ref())?;
        if let Some(stats) = &mut self.stats {
            stats.add(page.column())?;
        }
        let before = self.pages.held.len();
        page.put(&mut self.pages.held, self.choice, self.shared.as_mut())?;
        self.pages.end(before)?;
        for (_, filter, run) in &mut self.filters {
            let before = run.held.len();
            run.held.extend_from_slice(&filter.build(page.column()));
            run.end(before)?;
        }
        Ok(raw_bytes(page.column()) as u64)
    }

    /// Sections of the filters, by declared index.
    pub(super) fn filter_sections(&self) -> impl Iterator<Item = (usize, &Section)> {
        self.filters
            .iter()
            .map(|(index, _, run)| (*index, run.section()))
    }

    /// The section, and the bytes of the shared dictionary, which go to `offset`.
    pub(super) fn finish(self, offset: u64, part: u64) -> Result<(Section, Vec<u8>)> {
        let mut section = self.pages.section;
        let mut dictionary = Vec::new();
        if let Some(shared) = self.shared.filter(|s| !s.is_empty()) {
            let entries = shared.len() as u64;
            put_entries(&mut dictionary, &shared.finish()?, self.choice)?;
            section.shared = Some(SharedAt {
                entries,
                offset,
                length: dictionary.len() as u64,
                checksum: super::checksum(&dictionary, part, offset),
            });
        }
        if let Some(stats) = self.stats {
            let pages = stats.finish()?;
            let (min, max, nulls, bounded) = pages.parts();
            section.stats = Some(SectionStats {
                exact: pages.exact(),
                distinct: pages.distinct_estimate(),
                min: min.clone(),
                max: max.clone(),
                nulls: nulls.to_vec(),
                bounded: bounded.to_vec(),
            });
        }
        Ok((section, dictionary))
    }
}

/// Bytes of a column's rows before any encoding: numbers by width, strings with one byte more.
fn raw_bytes(column: &Column) -> usize {
    match column {
        Column::Flat(flat) => flat_raw_bytes(flat),
        Column::Const { value, len } => flat_raw_bytes(value) * len,
        Column::Dict(d) => match d.dict().split_nulls().1 {
            Flat::Bytes(_) | Flat::Fixed { .. } => d
                .codes()
                .iter()
                .map(|c| d.dict().bytes_at(*c as usize).len() + 1)
                .sum(),
            _ => flat_raw_bytes(d.dict()) / d.dict().len().max(1) * d.codes().len(),
        },
    }
}

fn flat_raw_bytes(flat: &Flat) -> usize {
    match flat {
        Flat::Bytes(b) => b.value_bytes() + b.len(),
        Flat::Nullable(n) => n.nulls().len() + flat_raw_bytes(n.values()),
        Flat::Array(a) => a.len() * 8 + raw_bytes(&a.compact().1),
        Flat::Tuple(columns, _) => columns.iter().map(raw_bytes).sum(),
        numbers => numbers.memory_bytes(),
    }
}
