//! Bytes below the format: cursors, packed bits, compressed blobs, and what `CODEC(...)` asks for.
//!
//! Invariant: decoders never trust a length: each is checked against the bytes that are there (or
//! against what they can become) before anything is allocated, and none panics on any input.

pub mod bits;
pub mod blob;
pub mod choice;
pub mod cursor;
mod kept;

pub use blob::Compression;
pub use choice::{CodecChoice, Encoding};
pub use cursor::Cursor;
pub use kept::{Origin, new_file};
