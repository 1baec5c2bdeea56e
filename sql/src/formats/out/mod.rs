//! Writers of text formats.
//!
//! Invariant: a block's cells become text column by column; rows are put together from the texts.

pub(super) mod cells;
pub(super) mod json;
pub(super) mod json_columns;
pub(super) mod plain;
pub(super) mod pretty;
pub(super) mod prometheus;
pub(super) mod rows;
pub(super) mod tip;
pub(super) mod vertical;
