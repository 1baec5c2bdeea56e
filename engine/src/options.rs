//! Tunable numbers of the engine, with their units in their names.
//!
//! Invariant: no option changes the meaning of what is on disk; a store may be opened with others.

/// How the engine behaves. `Options::default()` suits a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Whether threads flush, merge and checkpoint on their own. Without them
    /// `Engine::run_background_once` does the same when it is called.
    pub background: bool,
    /// Rows of one insert into one (partition, bucket) that go straight to a part file.
    pub direct_part_rows: usize,
    /// Bytes of one insert into one (partition, bucket) that go straight to a part file.
    pub direct_part_bytes: usize,
    /// Rows that one transaction collects for a table before it writes a part file.
    pub insert_rows_max: usize,
    /// Bytes that one transaction collects for a table before it writes part files.
    pub insert_bytes_max: usize,
    /// Rows in memory parts of one (partition, bucket) that are worth a file.
    pub flush_rows: u64,
    /// Bytes in memory parts of one (partition, bucket) that are worth a file.
    pub flush_bytes: u64,
    /// Inserts held in memory parts of one (partition, bucket) before they go to a file.
    pub flush_inserts: usize,
    /// Age at which memory parts go to a file.
    pub flush_age_micros: i64,
    /// Bytes in all memory parts of the store above which the largest ones go to files.
    pub memory_bytes_max: u64,
    /// Bytes of log after which a checkpoint starts a new segment.
    pub checkpoint_bytes: u64,
    /// Deduplication tokens that are remembered.
    pub tokens_max: usize,
    /// Bytes of all inputs of one merge.
    pub merge_bytes_max: u64,
    /// Parts of one merge.
    pub merge_parts_max: usize,
    /// Rows of the blocks that merges work in.
    pub merge_block_rows: usize,
    /// Rows of a granule of new part files.
    pub granule_rows: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            background: true,
            direct_part_rows: 65_536,
            direct_part_bytes: 8 << 20,
            insert_rows_max: 1 << 20,
            insert_bytes_max: 256 << 20,
            flush_rows: 1 << 18,
            flush_bytes: 32 << 20,
            flush_inserts: 10_000,
            flush_age_micros: 30_000_000,
            memory_bytes_max: 256 << 20,
            checkpoint_bytes: 64 << 20,
            tokens_max: 10_000,
            merge_bytes_max: 4 << 30,
            merge_parts_max: 32,
            merge_block_rows: 8192,
            granule_rows: 8192,
        }
    }
}

impl Options {
    /// For tests: no threads of its own.
    #[must_use]
    pub fn manual() -> Self {
        Options {
            background: false,
            ..Self::default()
        }
    }
}
