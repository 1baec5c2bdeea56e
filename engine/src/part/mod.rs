//! Parts: immutable sorted runs of rows, in a file or in memory.
