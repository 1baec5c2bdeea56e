//! Byte codecs: general compression.

/// General compression of byte runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Bytes as they are.
    None,
    /// Fast.
    #[default]
    Lz4,
    /// Small, by level 1 to 22.
    Zstd(i32),
}
