//! Settings: one row each, with type, default and documentation.
