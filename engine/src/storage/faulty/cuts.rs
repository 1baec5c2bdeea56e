//! The power cut at many calls of a run, one after another.
//!
//! Invariant: the calls and images are the same in each run of a test; with `ROOST_CRASH_FULL=1` they
//! are all there are.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::ops::Range;

use super::{FaultyStorage, Image};

/// Whether `ROOST_CRASH_FULL` asks for all that can be looked at; empty and `0` do not.
pub fn is_full() -> bool {
    says_yes(std::env::var_os("ROOST_CRASH_FULL").as_deref())
}

fn says_yes(said: Option<&OsStr>) -> bool {
    said.is_some_and(|said| !said.is_empty() && said != "0")
}

/// How much is looked at by default.
#[derive(Debug, Clone)]
pub struct Cuts {
    /// Calls at the beginning that are left out.
    pub from: u64,
    /// So many calls are cut at, evenly spread over those that change the disk.
    pub calls: usize,
    /// Which images of each cut are looked at.
    pub images: Range<usize>,
}

impl Cuts {
    /// Cuts the power at calls of the run whose disk `whole` was: `perform` runs on a new disk until it
    /// ends or the power is off, and tells what it knows then; `check` gets each disk that may be found,
    /// what was known, and what to call it in messages. The number of those disks.
    pub fn run<T: Debug>(
        &self,
        whole: &FaultyStorage,
        perform: &dyn Fn(&FaultyStorage) -> T,
        check: &dyn Fn(&FaultyStorage, &T, &str),
    ) -> usize {
        let mut disks = 0;
        let trace = whole.trace();
        let all = trace.iter().zip(1u64..).skip(self.from as usize);
        let all: Vec<_> = all.filter(|(call, _)| call.kind.changes()).collect();
        let full = is_full();
        let step = if full {
            1
        } else {
            all.len().div_ceil(self.calls)
        };
        for (call, n) in all.into_iter().step_by(step.max(1)) {
            let disk = FaultyStorage::new();
            disk.cut_at(n);
            let known = perform(&disk);
            // Threads may have needed fewer calls this time.
            disk.cut();
            let several = Image::many(n * 31);
            let images = if full {
                0..several.len()
            } else {
                self.images.clone()
            };
            for image in several.get(images).unwrap_or_default() {
                let place = format!("cut at call {n} {call:?}, {image:?}, {known:?}");
                check(&disk.image(*image), &known, &place);
                disks += 1;
            }
        }
        disks
    }
}

#[cfg(test)]
mod tests {
    use super::says_yes;

    #[test]
    fn nothing_and_zero_mean_off() {
        assert!(!says_yes(None));
        for (said, yes) in [("", false), ("0", false), ("1", true), ("yes", true)] {
            assert_eq!(says_yes(Some(said.as_ref())), yes, "{said:?}");
        }
    }
}
