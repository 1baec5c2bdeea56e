//! Statements to effects.
