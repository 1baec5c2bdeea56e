//! Typed expressions, compiled and run over blocks.
