//! How far readers of a table have come.
//!
//! Who reads a table bit by bit keeps the number of the commit up to which it has read. Parts older and
//! newer than such a mark are not put together, so that what is newer can be read alone.
//!
//! Invariant: a part that is made holds rows of one side of each mark that was there when its inputs
//! were chosen; a mark that is new lies at or behind every row that was there.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::part::PartInfo;

/// The marks of a table. Clones share them.
#[derive(Debug, Default, Clone)]
pub struct Marks(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Those that are stored, by key.
    stored: BTreeMap<String, u64>,
    /// Those of readers at work, by key.
    reading: BTreeMap<String, u64>,
}

impl Marks {
    /// Whether a mark lies between rows of the two parts.
    pub fn between(&self, a: &PartInfo, b: &PartInfo) -> bool {
        let (first, last) = (a.min_block.min(b.min_block), a.max_block.max(b.max_block));
        let marks = self.0.lock();
        let mut all = marks.stored.values().chain(marks.reading.values());
        all.any(|mark| first <= *mark && *mark < last)
    }

    /// Moves or removes a stored mark.
    pub fn set(&self, key: &str, mark: Option<u64>) {
        let mut marks = self.0.lock();
        match mark {
            Some(mark) => marks.stored.insert(key.to_owned(), mark),
            None => marks.stored.remove(key),
        };
    }

    /// Begins to read up to `mark` under a key; `None` when somebody does.
    pub fn begin(&self, key: &str, mark: u64) -> Option<Reading> {
        let mut marks = self.0.lock();
        if marks.reading.contains_key(key) {
            return None;
        }
        marks.reading.insert(key.to_owned(), mark);
        Some(Reading {
            marks: self.clone(),
            key: key.to_owned(),
        })
    }
}

/// A reader at work.
#[derive(Debug)]
pub struct Reading {
    marks: Marks,
    key: String,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.marks.0.lock().reading.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(min_block: u64, max_block: u64) -> PartInfo {
        PartInfo {
            min_block,
            max_block,
            ..PartInfo::default()
        }
    }

    #[test]
    fn a_mark_parts_what_is_read_from_what_is_not() {
        let marks = Marks::default();
        let (old, new) = (part(1, 4), part(5, 5));
        assert!(!marks.between(&old, &new));
        marks.set("a", Some(4));
        assert!(marks.between(&old, &new) && marks.between(&new, &old));
        marks.set("a", Some(5));
        assert!(!marks.between(&old, &new));
        let reading = marks.begin("b", 4);
        assert!(marks.between(&old, &new) && marks.begin("b", 7).is_none());
        drop(reading);
        assert!(!marks.between(&old, &new));
        marks.set("a", Some(4));
        marks.set("a", None);
        assert!(!marks.between(&old, &new));
    }
}
