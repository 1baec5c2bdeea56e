//! The arguments that lead into a JSON text: names and places.
//!
//! Invariant: constant steps are read once; a step that leads nowhere ends the way.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;

use super::super::kit::{Ints, Strs, string};
use super::scan::Json;
use crate::functions::Arg;

/// A way into a text, given by arguments `1..`.
pub(crate) struct Path {
    steps: Vec<Kind>,
    any_case: bool,
}

enum Kind {
    Name(Vec<u8>),
    NameOf(usize),
    Place(i64),
    PlaceOf(usize),
}

/// A step in one block.
enum Step<'a> {
    Name(&'a [u8]),
    Names(Strs<'a>),
    Place(i64),
    Places(Ints),
}

/// A [`Path`] over one block, with the texts.
pub(crate) struct Ways<'a> {
    texts: Strs<'a>,
    steps: Vec<Step<'a>>,
    any_case: bool,
}

impl Path {
    /// The way that arguments `1..end` describe into argument 0.
    pub(crate) fn new(args: &[Arg], end: usize, any_case: bool) -> Result<Self> {
        if args.is_empty() {
            bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected a JSON text");
        }
        string(args, 0)?;
        let mut steps = Vec::new();
        for (i, arg) in args.iter().enumerate().take(end).skip(1) {
            let value = arg.constant.as_ref();
            steps.push(match &arg.ty {
                ty if ty.is_string() => match value.and_then(|v| v.as_bytes()) {
                    Some(name) => Kind::Name(name.to_vec()),
                    None => Kind::NameOf(i),
                },
                ty if ty.is_integer() => match value.and_then(|v| v.as_i64()) {
                    Some(n) => Kind::Place(n),
                    None => Kind::PlaceOf(i),
                },
                other => bail!(
                    ILLEGAL_TYPE_OF_ARGUMENT,
                    "illegal type {other} of argument {}, expected a key or an index",
                    i + 1
                ),
            });
        }
        Ok(Path { steps, any_case })
    }

    pub(crate) fn over<'a>(&'a self, columns: &'a [Column]) -> Result<Ways<'a>> {
        let steps = self.steps.iter().map(|step| {
            Ok(match step {
                Kind::Name(name) => Step::Name(name),
                Kind::NameOf(i) => Step::Names(Strs::of(&columns[*i])?),
                Kind::Place(n) => Step::Place(*n),
                Kind::PlaceOf(i) => Step::Places(Ints::of(&columns[*i])?),
            })
        });
        Ok(Ways {
            texts: Strs::of(&columns[0])?,
            steps: steps.collect::<Result<Vec<_>>>()?,
            any_case: self.any_case,
        })
    }
}

impl<'a> Ways<'a> {
    /// The value that the way of row `row` leads to.
    pub(crate) fn get(&self, row: usize) -> Option<Json<'a>> {
        self.walk(row, self.steps.len())
    }

    /// The value before the last step, and the last step as a place.
    pub(crate) fn last_place(&self, row: usize) -> Option<(Json<'a>, i64)> {
        let before = self.steps.len().checked_sub(1)?;
        let place = match &self.steps[before] {
            Step::Place(n) => *n,
            Step::Places(n) => n.get(row),
            Step::Name(_) | Step::Names(_) => return None,
        };
        Some((self.walk(row, before)?, place))
    }

    fn walk(&self, row: usize, steps: usize) -> Option<Json<'a>> {
        let mut json = Json::parse(self.texts.get(row))?;
        for step in &self.steps[..steps] {
            json = match step {
                Step::Name(name) => json.member(name, self.any_case)?,
                Step::Names(names) => json.member(names.get(row), self.any_case)?,
                Step::Place(n) => json.nth(*n)?,
                Step::Places(n) => json.nth(n.get(row))?,
            };
        }
        Some(json)
    }

    /// About how many bytes the texts have.
    pub(crate) fn size(&self, rows: usize) -> usize {
        self.texts.size(rows)
    }
}
