//! A file of the operating system that is appended to and synced again and again: the log.
//!
//! Zeros stand behind what was appended: syncing bytes that take the place of others costs a fifth of
//! syncing a file that grows. What takes the place of zeros goes to the disk in whole blocks, past the
//! system's cache, where the system can do that: the sync that follows finds nothing to write, and both
//! together take two thirds of the time. Whoever reads the file must know its end by its content.
//!
//! Invariant: bytes before the end of what was appended are never written with others in their place;
//! from there to the file's end there are zeros.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::local::failed;
use super::{WriteFile, memory};
use crate::error::{Code, Error, Result};

/// What is written past the cache starts and ends at multiples of this, in the file and in memory.
const BLOCK: usize = 4096;

/// Zeros that are written at once.
const ROOM_BYTES: usize = 1 << 20;

/// Larger writes are not worth writing zeros first.
const SMALL_WRITE_BYTES: usize = 1 << 18;

/// A file that is appended to.
pub(super) struct Appended {
    file: File,
    path: PathBuf,
    /// The same file past the cache, where that can be.
    direct: Option<File>,
    /// Behind what was appended.
    at: u64,
    /// The file's end.
    end: u64,
    /// Whether there is no space for zeros any more.
    is_full: bool,
    /// What was appended behind the last whole block.
    tail: Vec<u8>,
    blocks: Blocks,
}

/// Memory that starts where a block may.
#[derive(Default)]
struct Blocks(Vec<u8>);

impl Blocks {
    /// `len` bytes of any content.
    fn take(&mut self, len: usize) -> &mut [u8] {
        self.0.resize(len + BLOCK, 0);
        let start = self.0.as_ptr().align_offset(BLOCK).min(BLOCK);
        &mut self.0[start..start + len]
    }
}

impl Appended {
    /// Opens the file at `path`, named `name` in the store, and cuts it at `len`.
    pub(super) fn open(path: PathBuf, name: &str, len: u64) -> Result<Self> {
        let context =
            |e: io::Error| failed(Code::CANNOT_OPEN_FILE, "open for appending", &path, &e);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(&path);
        let file = file.map_err(context)?;
        let found = file.metadata().map_err(context)?.len();
        if found < len {
            return Err(memory::too_short(name, found as usize, len));
        }
        if found > len {
            file.set_len(len).map_err(context)?;
        }
        let mut tail = vec![0; len as usize % BLOCK];
        let start = len - tail.len() as u64;
        file.read_exact_at(&mut tail, start).map_err(context)?;
        Ok(Appended {
            direct: open_direct(&path),
            file,
            path,
            at: len,
            end: len,
            is_full: false,
            tail,
            blocks: Blocks::default(),
        })
    }

    fn write_error(&self, e: &io::Error) -> Error {
        failed(
            Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR,
            "write",
            &self.path,
            e,
        )
    }

    /// Writes over zeros past the cache; false when that cannot be, and nothing is known of those
    /// zeros then.
    fn write_direct(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let len = self.tail.len() + bytes.len();
        let whole = len.next_multiple_of(BLOCK);
        let start = self.at - self.tail.len() as u64;
        let Some(file) = &self.direct else {
            return Ok(false);
        };
        if bytes.len() > SMALL_WRITE_BYTES || start + whole as u64 > self.end {
            return Ok(false);
        }
        let blocks = self.blocks.take(whole);
        blocks[..self.tail.len()].copy_from_slice(&self.tail);
        blocks[self.tail.len()..len].copy_from_slice(bytes);
        blocks[len..].fill(0);
        match file.write_all_at(blocks, start) {
            Ok(()) => Ok(true),
            // The disk has larger blocks.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                self.direct = None;
                Ok(false)
            }
            Err(e) => Err(e),
        }
    }

    /// Writes zeros behind the file's end.
    fn make_room(&mut self) -> io::Result<()> {
        if !self.is_full
            && self
                .file
                .write_all_at(&vec![0; ROOM_BYTES], self.end)
                .is_ok()
        {
            self.end += ROOM_BYTES as u64;
            return Ok(());
        }
        // No space for zeros: what was to be written is written, the file grows as it must.
        match std::mem::replace(&mut self.is_full, true) {
            true => Ok(()),
            false => self.file.set_len(self.end),
        }
    }

    /// Notes that `bytes` were appended.
    fn keep_tail(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        let left = self.at as usize % BLOCK;
        if left <= bytes.len() {
            self.tail.clear();
        }
        let own = left - self.tail.len();
        self.tail.extend_from_slice(&bytes[bytes.len() - own..]);
    }
}

/// Opens the file past the system's cache, where that can be.
#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_DIRECT);
    options.open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> Option<File> {
    None
}

impl WriteFile for Appended {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let done = self.write_direct(bytes).map_err(|e| self.write_error(&e))?;
        if !done {
            let written = self.file.write_all_at(bytes, self.at);
            written.map_err(|e| self.write_error(&e))?;
        }
        self.keep_tail(bytes);
        if self.at > self.end {
            self.end = self.at;
            if bytes.len() <= SMALL_WRITE_BYTES {
                self.make_room().map_err(|e| self.write_error(&e))?;
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        // A failed sync is never retried: the kernel may have dropped the dirty pages (D1).
        self.file
            .sync_data()
            .map_err(|e| failed(Code::CANNOT_FSYNC, "sync", &self.path, &e))
    }
}

impl Drop for Appended {
    fn drop(&mut self) {
        // Zeros that stay say nothing; without them the file is as long as it is said to be.
        if self.end > self.at {
            let _ = self.file.set_len(self.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks begun, filled and crossed, room made and used up, the file opened again in between,
    /// with and without the cache: what was appended is there, and zeros behind it.
    #[test]
    fn what_is_appended_is_there_whatever_way_it_went() {
        let lengths = [
            1, 4095, 1, 0, 8192, 100, 3996, 3995, 300_000, 25_000, 262_144, 262_145,
        ];
        for direct in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log");
            std::fs::write(&path, b"").unwrap();
            let mut expected = Vec::new();
            let open = |len: usize| {
                let mut file = Appended::open(path.clone(), "log", len as u64).unwrap();
                file.direct = file.direct.take().filter(|_| direct);
                file
            };
            let mut file = open(0);
            for (i, len) in lengths.iter().cycle().take(48).enumerate() {
                let bytes: Vec<u8> = (0..*len).map(|n| (n * 7 + i + 1) as u8 | 1).collect();
                file.write(&bytes).unwrap();
                file.sync().unwrap();
                expected.extend_from_slice(&bytes);
                let found = std::fs::read(&path).unwrap();
                let (own, zeros) = found.split_at(expected.len());
                assert!(own == expected, "write {i} of {len} bytes, direct {direct}");
                assert!(zeros.iter().all(|b| *b == 0), "zeros behind write {i}");
                if i % 7 == 6 {
                    drop(file);
                    assert_eq!(
                        std::fs::metadata(&path).unwrap().len(),
                        expected.len() as u64
                    );
                    // As recovery does: something torn is cut off.
                    expected.truncate(expected.len() - i % 3);
                    file = open(expected.len());
                }
            }
        }
    }
}
