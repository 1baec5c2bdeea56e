//! What a disk can hold after a power cut.
//!
//! Invariant: in every image a file that was synced and not touched since has exactly its bytes,
//! and a folder that was synced and not touched since exactly its names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Disk, Folder, Inode};

const SECTOR: usize = 512;

/// Which of the possible disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// Everything that was written reached the disk.
    Flushed,
    /// Only what was synced is there.
    Synced,
    /// A subset of the unsynced sectors and name changes, by seed; missing sectors are zero.
    Subset(u64),
    /// Names as written; unsynced bytes end at a sector, and the last one is damaged, by seed.
    Torn(u64),
}

impl Image {
    /// A few images of each kind for one cut, from `seed`.
    pub fn several(seed: u64) -> [Image; 6] {
        [
            Image::Flushed,
            Image::Synced,
            Image::Subset(seed),
            Image::Subset(seed ^ 0xABCD_EF01),
            Image::Torn(seed),
            Image::Torn(seed ^ 0x1234_5678),
        ]
    }

    /// [`Image::several`], and as many again of those that chance makes.
    pub fn many(seed: u64) -> Vec<Image> {
        let more = Image::several(seed ^ 0x5555_0000_5555);
        [&Image::several(seed)[..], &more[2..]].concat()
    }

    pub(super) fn of(self, disk: &Disk) -> Disk {
        let mut random = Random(match self {
            Image::Subset(seed) | Image::Torn(seed) => seed,
            _ => 0,
        });
        let contents: Vec<Vec<u8>> = disk
            .files
            .iter()
            .map(|f| self.content(f, &mut random))
            .collect();
        let names = disk.names.iter().map(|(path, folder)| {
            let names = self.names(folder, &mut random);
            (
                path.clone(),
                Folder {
                    synced: names.clone(),
                    written: names,
                    pending: Vec::new(),
                },
            )
        });
        let names = names.collect();
        let files = contents.into_iter().map(|bytes| {
            let bytes = Arc::new(bytes);
            Inode {
                written: Arc::clone(&bytes),
                synced: bytes,
            }
        });
        Disk {
            files: files.collect(),
            names,
            ..Disk::default()
        }
    }

    fn content(self, file: &Inode, random: &mut Random) -> Vec<u8> {
        if Arc::ptr_eq(&file.written, &file.synced) || file.written == file.synced {
            return file.synced.to_vec();
        }
        match self {
            Image::Flushed => file.written.to_vec(),
            Image::Synced => file.synced.to_vec(),
            Image::Subset(_) => subset(file, random),
            Image::Torn(_) => torn(file, random),
        }
    }

    fn names(self, folder: &Folder, random: &mut Random) -> BTreeMap<String, usize> {
        match self {
            Image::Flushed | Image::Torn(_) => folder.written.clone(),
            Image::Synced => folder.synced.clone(),
            Image::Subset(_) => {
                let mut names = folder.synced.clone();
                for change in &folder.pending {
                    if random.coin() {
                        change.apply(&mut names);
                    }
                }
                names
            }
        }
    }
}

/// The length is the old, the new or one between; each sector is the old or the new one.
fn subset(file: &Inode, random: &mut Random) -> Vec<u8> {
    let (old, new) = (file.synced.len(), file.written.len());
    let (short, long) = (old.min(new), old.max(new));
    let len = match random.below(3) {
        0 => old,
        1 => new,
        _ => short + random.below(long - short + 1),
    };
    let mut out = vec![0; len];
    let same = file
        .synced
        .iter()
        .zip(file.written.iter())
        .take_while(|(a, b)| a == b)
        .count();
    for start in (0..len).step_by(SECTOR) {
        let end = (start + SECTOR).min(len);
        let source = if random.coin() {
            &file.written
        } else {
            &file.synced
        };
        copy(source, &mut out, start..end);
        // What was synced and never overwritten is safe even inside a rewritten sector.
        copy(&file.synced, &mut out, start..end.min(same).max(start));
    }
    out
}

fn torn(file: &Inode, random: &mut Random) -> Vec<u8> {
    let same = file
        .synced
        .iter()
        .zip(file.written.iter())
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = file.written.to_vec();
    if same >= out.len() {
        return out;
    }
    let sectors = (out.len() - same).div_ceil(SECTOR);
    let keep = (same + (random.below(sectors) + 1) * SECTOR).min(out.len());
    out.truncate(keep);
    let damaged = same.max(keep.saturating_sub(SECTOR));
    let from = damaged + random.below(keep - damaged + 1);
    let noise = random.coin();
    for byte in out.iter_mut().skip(from) {
        *byte = if noise { random.next() as u8 } else { 0 };
    }
    out
}

fn copy(source: &[u8], out: &mut [u8], range: std::ops::Range<usize>) {
    let end = range.end.min(source.len());
    if range.start < end {
        out[range.start..end].copy_from_slice(&source[range.start..end]);
    }
}

/// SplitMix64: small, seeded, good enough to choose sectors.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}
