//! Bytes on disk: versions, headers, checksums, column serialisation. See `docs/format/`.
