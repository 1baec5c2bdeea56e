//! Compression and encodings of runs of bytes and numbers.
