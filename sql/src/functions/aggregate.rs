//! The contract of aggregate functions: one object owns the states of all groups.
//!
//! Invariant: `update` in any split and order followed by `merge` gives what one `update` over all
//! rows gives (up to what the function itself leaves open); written states carry a version byte.

use std::any::Any;
use std::sync::Arc;

use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::mask::Mask;
use roost_engine::kernels::take::take;
use roost_engine::types::{DataType, Value};

use super::Doc;

/// Binds a function to its parameters and argument types.
pub type BindAggregate = fn(&[Value], &[DataType]) -> Result<Arc<dyn Aggregate>>;

/// An aggregate function: one static record each. Combinators (-If, -State, -Merge, ...) are
/// applied by the registry around it.
pub struct AggregateFunction {
    /// ClickHouse's name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Whether name and aliases are found in any case.
    pub case_insensitive: bool,
    /// Whether the function sees rows whose arguments are NULL (`count()` of nothing, `any` with
    /// RESPECT NULLS); otherwise such rows are skipped around it and the answer is Nullable where
    /// ClickHouse makes it so.
    pub sees_nulls: bool,
    /// Whether rows of nothing but NULL answer the empty value (0, `[]`) instead of NULL, so that the
    /// answer's type stays plain: `uniq`, `groupArray`.
    pub default_when_null: bool,
    /// For the manual.
    pub doc: Doc,
    /// Decides the answer's type and builds the factory of states. Parameters are the literals in
    /// the first parentheses (`quantile(0.9)(x)`), argument types come without LowCardinality and,
    /// unless `sees_nulls`, without Nullable.
    pub bind: BindAggregate,
}

impl AggregateFunction {
    /// A function found under exactly `name`, that NULL rows are kept away from.
    pub const fn new(name: &'static str, bind: BindAggregate, doc: Doc) -> Self {
        AggregateFunction {
            name,
            aliases: &[],
            case_insensitive: false,
            sees_nulls: false,
            default_when_null: false,
            doc,
            bind,
        }
    }

    /// The same function with other names as well.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same function, found in any case.
    #[must_use]
    pub const fn any_case(mut self) -> Self {
        self.case_insensitive = true;
        self
    }

    /// The same function, handed NULL rows as well.
    #[must_use]
    pub const fn with_nulls(mut self) -> Self {
        self.sees_nulls = true;
        self
    }

    /// The same function with `default_when_null`.
    #[must_use]
    pub const fn never_null(mut self) -> Self {
        self.default_when_null = true;
        self
    }
}

impl std::fmt::Debug for AggregateFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// An aggregate function bound to its parameters and argument types.
pub trait Aggregate: Send + Sync + std::fmt::Debug {
    /// Type of the answer.
    fn return_type(&self) -> DataType;
    /// States for no group yet.
    fn states(&self) -> Box<dyn GroupedState>;
    /// Whether [`GroupedState::update_masked`] is cheaper than taking the rows out first.
    fn takes_masks(&self) -> bool {
        false
    }
}

/// The states of all groups. Groups are numbered from zero.
pub trait GroupedState: Send {
    /// Makes room so that groups `0..groups` exist (fresh ones empty). Never shrinks.
    fn resize(&mut self, groups: usize);

    /// Adds row `i` of `args` to group `groups[i]`. Columns may be in any representation.
    fn update(&mut self, args: &[Column], groups: &[u32]) -> Result<()>;

    /// Adds all `rows` of `args` to one group: the path of aggregation without keys.
    fn update_one(&mut self, args: &[Column], rows: usize, group: u32) -> Result<()> {
        self.update(args, &vec![group; rows])
    }

    /// Adds those rows of `args` to one group that stand in `mask`.
    fn update_masked(&mut self, args: &[Column], mask: &Mask, group: u32) -> Result<()> {
        let rows = mask.numbers(0);
        let args: Vec<Column> = args.iter().map(|a| take(a, &rows)).collect();
        self.update_one(&args, rows.len(), group)
    }

    /// Merges group `i` of `other` (the same function) into group `map[i]` of this.
    fn merge(&mut self, other: &dyn GroupedState, map: &[u32]) -> Result<()>;

    /// The answers of all groups in order. The states may be consumed.
    fn finish(&mut self) -> Result<Column>;

    /// The answer of one group as it stands now, the states kept: for window frames. The default
    /// refuses with NOT_IMPLEMENTED.
    fn peek(&self, _group: u32) -> Result<Value> {
        Err(roost_engine::error::Error::not_implemented(
            "this aggregate function as a window function",
        ))
    }

    /// Appends the state of `group` to `out`: a version byte, then the function's own bytes.
    fn write_state(&self, group: u32, out: &mut Vec<u8>) -> Result<()>;

    /// Merges a state written by [`GroupedState::write_state`] into `group`. Hostile bytes give an
    /// error, never a panic.
    fn merge_state(&mut self, group: u32, bytes: &[u8]) -> Result<()>;

    /// Resident bytes of all states, for the memory budget.
    fn memory_bytes(&self) -> usize;

    /// For [`GroupedState::merge`] to find the concrete type.
    fn as_any(&self) -> &dyn Any;
}
