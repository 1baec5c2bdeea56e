//! The one log: what exists is what its records name.
