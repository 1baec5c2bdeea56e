//! Rewrites of plans, in a fixed order, each named in EXPLAIN.
