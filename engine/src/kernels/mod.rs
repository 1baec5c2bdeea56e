//! Pure functions from columns to columns and numbers: no types, no SQL, no errors of users.
//!
//! Invariant: a kernel sees every representation and gives the same answer for each.

pub mod compare;
pub mod concat;
pub mod filter;
pub mod hash;
pub mod mask;
pub mod sort;
pub mod squeeze;
pub mod table;
pub mod take;
