//! Dictionaries of strings: of one page, and shared by the pages of a column.
//!
//! Invariant: codes count entries in order of appearance; NULL is an entry like any other.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::column::{Buffer, BytesColumn, Column, DictColumn, Flat};
use crate::error::Result;
use crate::kernels::hash::hash_bytes;
use crate::types::Physical;

/// Whether columns of this shape may have a dictionary.
pub fn allowed(shape: &Physical) -> bool {
    match shape {
        Physical::Nullable(inner) => allowed(inner) && !matches!(**inner, Physical::Nullable(_)),
        Physical::Bytes | Physical::Fixed(_) => true,
        _ => false,
    }
}

/// The different strings of one page.
pub struct PageDictionary {
    /// Where the entries stand.
    source: Flat,
    /// Row of `source` of each entry.
    rows: Vec<u32>,
    /// Entry of each row of the page.
    codes: Buffer<u32>,
}

/// A page that repeats hardly anything in its first rows is not looked at to the end.
const SAMPLE_ROWS: usize = 1024;
const SAMPLE_ENTRIES_MAX: usize = 960;

type Key<'a> = Option<&'a [u8]>;

/// The strings of a column with its shape resolved once, not row by row.
struct Keys<'a> {
    nulls: Option<&'a [u8]>,
    strings: Strings<'a>,
}

enum Strings<'a> {
    Bytes(&'a [u64], &'a [u8]),
    Fixed(usize, &'a [u8]),
}

impl<'a> Keys<'a> {
    fn of(flat: &'a Flat) -> Self {
        let (nulls, values) = flat.split_nulls();
        let strings = match values {
            Flat::Bytes(b) => Strings::Bytes(b.offsets(), b.data()),
            Flat::Fixed { width, data } => Strings::Fixed(*width, data),
            _ => Strings::Fixed(0, &[]),
        };
        Keys { nulls, strings }
    }

    #[inline]
    fn get(&self, row: usize) -> Key<'a> {
        if self.nulls.is_some_and(|mask| mask[row] != 0) {
            return None;
        }
        Some(match self.strings {
            Strings::Bytes(offsets, data) => {
                &data[offsets[row] as usize..offsets[row + 1] as usize]
            }
            Strings::Fixed(width, data) => &data[row * width..(row + 1) * width],
        })
    }
}

fn hash(key: Key<'_>) -> u64 {
    key.map_or(0, hash_bytes)
}

impl PageDictionary {
    /// The dictionary of a page, when it has at most `entries_max` entries.
    pub fn of(page: &Column, entries_max: usize) -> Option<PageDictionary> {
        match page {
            Column::Dict(d) => Self::of_codes(d.dict().as_ref().clone(), d.codes(), entries_max),
            other => Self::of_rows(other.to_flat(), entries_max),
        }
    }

    /// In order of appearance, so that the bytes do not depend on the old entries' order.
    fn of_codes(source: Flat, codes: &[u32], entries_max: usize) -> Option<PageDictionary> {
        let mut finder = Finder::new(&source, entries_max);
        let mut code_of = vec![u32::MAX; source.len()];
        let mut new = Vec::with_capacity(codes.len());
        for &c in codes {
            let code = &mut code_of[c as usize];
            if *code == u32::MAX {
                *code = finder.code(c)?;
            }
            new.push(*code);
        }
        let rows = finder.rows;
        Some(PageDictionary {
            rows,
            codes: Buffer::from(new),
            source,
        })
    }

    fn of_rows(source: Flat, entries_max: usize) -> Option<PageDictionary> {
        let mut finder = Finder::new(&source, entries_max);
        let mut codes: Vec<u32> = Vec::with_capacity(source.len());
        for row in 0..source.len() {
            if row == SAMPLE_ROWS && finder.rows.len() > SAMPLE_ENTRIES_MAX {
                return None;
            }
            let repeats = row > 0 && finder.keys.get(row) == finder.keys.get(row - 1);
            let code = if repeats {
                codes[row - 1]
            } else {
                finder.code(row as u32)?
            };
            codes.push(code);
        }
        let rows = finder.rows;
        Some(PageDictionary {
            rows,
            codes: Buffer::from(codes),
            source,
        })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Entry of each row of the page.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The page as codes over its entries.
    pub fn column(&self) -> Result<Column> {
        let dict = DictColumn::new(self.codes.clone(), Arc::new(self.entries()))?;
        Ok(Column::Dict(dict))
    }

    /// The entries as a column.
    pub fn entries(&self) -> Flat {
        crate::kernels::take::take_flat(&self.source, &self.rows)
    }

    /// Bytes of the entries' strings.
    pub fn entry_bytes(&self) -> usize {
        self.keys().map(|k| k.map_or(0, <[u8]>::len)).sum()
    }

    fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        let keys = Keys::of(&self.source);
        self.rows.iter().map(move |r| keys.get(*r as usize))
    }
}

struct Finder<'a> {
    keys: Keys<'a>,
    table: HashTable<u32>,
    rows: Vec<u32>,
    entries_max: usize,
}

impl<'a> Finder<'a> {
    fn new(source: &'a Flat, entries_max: usize) -> Self {
        Finder {
            keys: Keys::of(source),
            table: HashTable::new(),
            rows: Vec::new(),
            entries_max,
        }
    }

    #[inline]
    fn code(&mut self, row: u32) -> Option<u32> {
        let Finder {
            keys,
            table,
            rows,
            entries_max,
        } = self;
        let wanted = keys.get(row as usize);
        let hashed = hash(wanted);
        if let Some(code) = table.find(hashed, |c| keys.get(rows[*c as usize] as usize) == wanted) {
            return Some(*code);
        }
        if rows.len() >= *entries_max {
            return None;
        }
        let code = rows.len() as u32;
        rows.push(row);
        table.insert_unique(hashed, code, |c| hash(keys.get(rows[*c as usize] as usize)));
        Some(code)
    }
}

/// Most entries of a shared dictionary.
const SHARED_ENTRIES_MAX: usize = 65_536;
/// Most bytes of a shared dictionary's strings.
const SHARED_BYTES_MAX: usize = 4 << 20;
/// A column that is not LowCardinality may have this many entries, and more with its rows.
const SHARED_ENTRIES_FREE: usize = 4096;
const SHARED_ROWS_PER_ENTRY: usize = 16;

/// A dictionary that grows with the pages of a column.
pub struct SharedDictionary {
    shape: Physical,
    expected: bool,
    table: HashTable<u32>,
    data: Vec<u8>,
    /// Where strings end in `data`, after a first 0.
    offsets: Vec<u64>,
    null: Option<u32>,
    rows: usize,
    open: bool,
    used: bool,
}

impl SharedDictionary {
    /// For a column of this shape; `expected` says that its type is LowCardinality.
    pub fn new(shape: &Physical, expected: bool) -> Option<Self> {
        allowed(shape).then(|| SharedDictionary {
            shape: shape.clone(),
            expected,
            table: HashTable::new(),
            data: Vec::new(),
            offsets: vec![0],
            null: None,
            rows: 0,
            open: true,
            used: false,
        })
    }

    /// Whether pages may still use it.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether no page used it.
    pub fn is_empty(&self) -> bool {
        !self.used
    }

    /// The page's codes here, or nothing when the dictionary would grow too large: then it takes
    /// no more pages.
    pub fn codes(&mut self, page: &PageDictionary) -> Option<Vec<u32>> {
        if !self.open {
            return None;
        }
        self.rows += page.codes.len();
        let known: Vec<Option<u32>> = page.keys().map(|k| self.find(k)).collect();
        let new = known.iter().filter(|k| k.is_none()).count();
        let limit = match self.expected {
            true => SHARED_ENTRIES_MAX,
            false => {
                (SHARED_ENTRIES_FREE + self.rows / SHARED_ROWS_PER_ENTRY).min(SHARED_ENTRIES_MAX)
            }
        };
        let bytes = self.data.len() + page.entry_bytes();
        if self.len() + new > limit || bytes > SHARED_BYTES_MAX {
            self.open = false;
            return None;
        }
        let shared: Vec<u32> = page
            .keys()
            .zip(known)
            .map(|(k, code)| code.unwrap_or_else(|| self.insert(k)))
            .collect();
        self.used = true;
        Some(page.codes.iter().map(|c| shared[*c as usize]).collect())
    }

    fn find(&self, key: Key<'_>) -> Option<u32> {
        let Some(bytes) = key else { return self.null };
        let same =
            |c: &u32| Some(*c) != self.null && string(&self.data, &self.offsets, *c) == bytes;
        self.table.find(hash(key), same).copied()
    }

    fn insert(&mut self, key: Key<'_>) -> u32 {
        let code = self.len() as u32;
        match key {
            Some(bytes) => self.data.extend_from_slice(bytes),
            None => self
                .data
                .resize(self.data.len() + fixed_width(&self.shape), 0),
        }
        self.offsets.push(self.data.len() as u64);
        match key {
            None => self.null = Some(code),
            Some(_) => {
                let (data, offsets) = (&self.data, &self.offsets);
                let rehash = |c: &u32| hash(Some(string(data, offsets, *c)));
                self.table.insert_unique(hash(key), code, rehash);
            }
        }
        code
    }

    /// The entries as a column.
    pub fn finish(self) -> Result<Flat> {
        let entries = self.len();
        let data = Buffer::from(self.data);
        let values = match fixed_width(&self.shape) {
            0 => Flat::Bytes(BytesColumn::new(Buffer::from(self.offsets), data)?),
            width => Flat::Fixed { width, data },
        };
        match self.shape {
            Physical::Nullable(_) => {
                let mut nulls = vec![0; entries];
                if let Some(code) = self.null {
                    nulls[code as usize] = 1;
                }
                Flat::nullable(nulls, values)
            }
            _ => Ok(values),
        }
    }
}

fn string<'a>(data: &'a [u8], offsets: &[u64], code: u32) -> &'a [u8] {
    let at = code as usize;
    &data[offsets[at] as usize..offsets[at + 1] as usize]
}

/// Bytes of a fixed string (Nullable or not), 0 for strings of any length.
fn fixed_width(shape: &Physical) -> usize {
    match shape {
        Physical::Nullable(inner) => fixed_width(inner),
        Physical::Fixed(n) => *n,
        _ => 0,
    }
}
