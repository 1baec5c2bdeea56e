//! Byte runs that were decompressed lately, for readers that want a few values of each.
//!
//! Invariant: what is kept under a key never changes, since files do not; all that is kept together
//! is at most [`KEPT_BYTES_MAX`] long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use foldhash::fast::FixedState;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::error::Result;

/// Bytes that are kept of all files of the process.
const KEPT_BYTES_MAX: u64 = 128 << 20;
/// What most runs are about as long as.
const USUAL_BYTES: u64 = 8 << 10;
/// What keeping one run takes beside its bytes, about.
const ENTRY_BYTES: u64 = 96;

/// A place in an open file: a number that only this opening has, and an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Number of the opening.
    pub file: u64,
    /// Byte.
    pub offset: u64,
}

/// A number for a file that is opened.
pub fn new_file() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[derive(Clone)]
struct Length;

impl Weighter<Origin, Arc<[u8]>> for Length {
    fn weight(&self, _: &Origin, run: &Arc<[u8]>) -> u64 {
        run.len() as u64 + ENTRY_BYTES
    }
}

type Kept = Cache<Origin, Arc<[u8]>, Length, FixedState>;

static KEPT: LazyLock<Kept> = LazyLock::new(|| {
    Cache::with(
        (KEPT_BYTES_MAX / USUAL_BYTES) as usize,
        KEPT_BYTES_MAX,
        Length,
        FixedState::default(),
        DefaultLifecycle::default(),
    )
});

/// The `len` bytes that are kept under `origin`, or else what `make` gives, which is kept from now
/// on.
pub(super) fn kept(
    origin: Origin,
    len: usize,
    make: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<Arc<[u8]>> {
    if let Some(run) = KEPT.get(&origin).filter(|run| run.len() == len) {
        return Ok(run);
    }
    let run: Arc<[u8]> = make()?.into();
    KEPT.insert(origin, Arc::clone(&run));
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_run_is_made_once_and_failures_are_not_kept() {
        let file = new_file();
        let at = |offset| Origin { file, offset };
        assert!(kept(at(0), 1, || Err(Error::corrupt("no"))).is_err());
        assert_eq!(*kept(at(0), 1, || Ok(vec![1])).unwrap(), [1]);
        assert_eq!(
            *kept(at(0), 1, || Err(Error::corrupt("again"))).unwrap(),
            [1]
        );
        assert_eq!(*kept(at(1), 1, || Ok(vec![2])).unwrap(), [2]);
        let other = Origin {
            file: new_file(),
            offset: 0,
        };
        assert_eq!(*kept(other, 1, || Ok(vec![3])).unwrap(), [3]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let file = new_file();
        for offset in 0..2 * KEPT_BYTES_MAX / (1 << 20) {
            kept(Origin { file, offset }, 1 << 20, || Ok(vec![0; 1 << 20])).unwrap();
        }
        assert!(KEPT.weight() <= KEPT_BYTES_MAX);
    }
}
