//! Searching for one string in another, with or without regard to case.
//!
//! Invariant: folding keeps the number of code points, so a position in the folded string counts
//! the same code points as in the original.

use memchr::memmem;

use super::super::kit::utf8;

/// How letters compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    /// Bytes are what they are.
    Exact,
    /// ASCII letters of either case are equal.
    Ascii,
    /// Letters of either case are equal.
    Unicode,
}

impl Fold {
    /// `s` in the form that is compared; `scratch` holds it when it differs.
    pub(crate) fn apply<'a>(self, s: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match self {
            Fold::Exact => s,
            Fold::Unicode if !s.is_ascii() => {
                scratch.clear();
                utf8::fold(s, scratch);
                scratch
            }
            _ => {
                scratch.clear();
                scratch.extend_from_slice(s);
                scratch.make_ascii_lowercase();
                scratch
            }
        }
    }
}

/// A needle prepared to be looked for often.
pub(crate) struct Needle {
    finder: memmem::Finder<'static>,
}

impl Needle {
    pub(crate) fn new(needle: &[u8], fold: Fold) -> Self {
        let mut scratch = Vec::new();
        let finder = memmem::Finder::new(fold.apply(needle, &mut scratch)).into_owned();
        Needle { finder }
    }

    /// Byte offset in a haystack that is folded already.
    #[inline]
    pub(crate) fn find(&self, folded: &[u8]) -> Option<usize> {
        self.finder.find(folded)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.finder.needle().is_empty()
    }

    /// Number of places that do not overlap.
    pub(crate) fn count(&self, folded: &[u8]) -> usize {
        match self.is_empty() {
            true => 0,
            false => self.finder.find_iter(folded).count(),
        }
    }
}
