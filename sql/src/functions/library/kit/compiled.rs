//! Arguments that are compiled before use (patterns, sets of needles): once at bind time when
//! constant, else once per distinct value.
//!
//! Invariant: a cache never holds more than [`CACHE_MAX`] values.

use std::sync::Arc;

use hashbrown::HashMap;
use roost_engine::column::Column;
use roost_engine::error::Result;

use super::Strs;
use crate::functions::Arg;

const CACHE_MAX: usize = 1000;

type Build<T> = Arc<dyn Fn(&[u8]) -> Result<T> + Send + Sync>;

/// A compiled string argument.
pub(crate) struct Compiled<T> {
    constant: Option<Arc<T>>,
    build: Build<T>,
}

impl<T> Compiled<T> {
    /// Compiles a constant argument now.
    pub(crate) fn new(
        arg: Option<&Arg>,
        build: impl Fn(&[u8]) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Self> {
        let constant = arg.and_then(|a| a.constant.as_ref()?.as_bytes());
        let constant = constant.map(&build).transpose()?.map(Arc::new);
        Ok(Compiled {
            constant,
            build: Arc::new(build),
        })
    }

    /// The compiled constant, when it is one.
    pub(crate) fn constant(&self) -> Option<&T> {
        self.constant.as_deref()
    }

    /// The compiled values of `column`'s rows.
    pub(crate) fn over<'a>(&'a self, column: &'a Column) -> Result<Rows<'a, T>> {
        Ok(Rows {
            of: self,
            values: Strs::of(column)?,
            cache: HashMap::new(),
        })
    }
}

/// [`Compiled`] over one block.
pub(crate) struct Rows<'a, T> {
    of: &'a Compiled<T>,
    values: Strs<'a>,
    cache: HashMap<&'a [u8], T>,
}

impl<T> Rows<'_, T> {
    /// The compiled value of row `row`.
    pub(crate) fn get(&mut self, row: usize) -> Result<&T> {
        if let Some(one) = &self.of.constant {
            return Ok(one);
        }
        let key = self.values.get(row);
        if self.cache.len() >= CACHE_MAX && !self.cache.contains_key(key) {
            self.cache.clear();
        }
        match self.cache.entry(key) {
            hashbrown::hash_map::Entry::Occupied(e) => Ok(e.into_mut()),
            hashbrown::hash_map::Entry::Vacant(e) => Ok(e.insert((self.of.build)(key)?)),
        }
    }
}
