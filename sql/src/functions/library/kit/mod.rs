//! What the functions of this folder are made of: records, argument checks, readers over columns
//! of any representation, and builders of answers.
//!
//! Invariant: a reader's `get(row)` and a builder's row `row` mean the same row of the block; no
//! helper allocates per row.

mod args;
mod cells;
mod compiled;
mod convert;
mod higher;
mod lists;
mod read;
mod record;
pub(crate) mod utf8;
mod write;

pub(crate) use args::{arity, integer, string, strings, want};
pub(crate) use cells::{Ids, equal_cells, ids, ids_of_two};
pub(crate) use compiled::Compiled;
pub(crate) use convert::{Caster, Texts, to_text, unify, unify_args};
pub(crate) use higher::{Mapped, aligned, elements_of, higher_order};
pub(crate) use lists::{Lists, element, gather, list_arg};
pub(crate) use read::{Ints, Strs};
pub(crate) use record::f;
pub(crate) use write::{
    StringLists, array, nums, string_lists, text, text_nums, text_text_nums, text_to_text,
    try_nums, try_text,
};
