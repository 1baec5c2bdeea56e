//! Tests of the optimizer.
