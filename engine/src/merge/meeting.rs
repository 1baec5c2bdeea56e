//! Where rows of new parts can meet rows of older ones that have their key.
//!
//! Invariant: a row of the older part whose key some new row has is inside of the ranges; they
//! ascend, are disjoint and end at granules' ends.

use std::cmp::Ordering;
use std::ops::Range;

use super::cursor::Chunk;
use super::run::MergeSpec;
use crate::column::Flat;
use crate::error::Result;
use crate::kernels::compare::compare_flat;
use crate::part::Part;

/// Parts of more rows are looked at by the borders of their granules instead of row by row.
const ROWS_EXACT: usize = 1 << 18;

/// The keys of a new part, ascending: of each of its rows, or those at its granules' borders.
pub(super) struct Keys {
    columns: Vec<Flat>,
    /// Keys between two neighbours are there too.
    borders: bool,
}

impl Keys {
    /// The keys of `part`; `None` when it has no rows.
    pub(super) fn of(part: &Part, spec: &MergeSpec) -> Result<Option<Keys>> {
        if part.rows() == 0 {
            return Ok(None);
        }
        let borders = part.borders();
        if part.rows() > ROWS_EXACT && borders.len() == spec.order.len() && !borders.is_empty() {
            return Ok(Some(Keys {
                columns: borders.to_vec(),
                borders: true,
            }));
        }
        let block = spec.columns.read(part, 0..part.rows())?;
        Ok(Some(Keys {
            columns: Chunk::new(block, 0, spec)?.into_keys(),
            borders: false,
        }))
    }

    fn len(&self) -> usize {
        self.columns.first().map_or(0, Flat::len)
    }

    fn compare(&self, i: usize, borders: &[Flat], g: usize) -> Ordering {
        let columns = self.columns.iter().zip(borders);
        columns
            .map(|(a, b)| compare_flat(a, i, b, g))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// The first key from `from` on that is not before border `g`.
    fn seek(&self, from: usize, borders: &[Flat], g: usize) -> usize {
        let (mut low, mut high) = (from, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.compare(middle, borders, g) {
                Ordering::Less => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// Marks the granules between `borders` that hold one of the keys, or may.
    fn mark(&self, borders: &[Flat], marks: &mut [bool]) {
        let mut at = 0;
        for (g, mark) in marks.iter_mut().enumerate() {
            at = self.seek(at, borders, g);
            let inside = at < self.len() && self.compare(at, borders, g + 1).is_le();
            // The granule may lie between two borders of the new part.
            let between = self.borders && at > 0 && at < self.len();
            *mark |= inside || between;
        }
    }
}

/// Row ranges of `part` that may hold one of the keys.
pub(super) fn meeting(part: &Part, keys: &[Keys]) -> Vec<Range<usize>> {
    let granules = part.granules();
    let borders = part.borders();
    let width = keys.first().map_or(0, |k| k.columns.len());
    if width == 0 || borders.len() != width || borders[0].len() != granules + 1 {
        return std::iter::once(0..part.rows()).collect();
    }
    let mut marks = vec![false; granules];
    keys.iter().for_each(|k| k.mark(borders, &mut marks));
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for g in (0..granules).filter(|g| marks[*g]) {
        let rows = part.granule_rows(g);
        match ranges.last_mut() {
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => ranges.push(rows),
        }
    }
    ranges
}
