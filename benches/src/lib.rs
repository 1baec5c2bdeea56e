//! The benchmarks are the scripts of this folder and `benches/`; nothing is exported.
//!
//! Invariant: what is published was measured side by side in one run.
