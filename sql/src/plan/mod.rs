//! The typed logical plan: what to compute, with names resolved.
//!
//! Invariant: every column that a node outputs has an id of its own in the query; a node's
//! expressions use only ids that its inputs output. A plan of this shape can be reordered freely.

pub mod explain;
pub mod fingerprint;
pub mod memory;
mod renumber;
pub mod series;
pub mod shared;
pub mod source;
mod visit;

use std::sync::Arc;

use roost_engine::block::Block;
use roost_engine::types::{DataType, Value};

pub use memory::{BlockMorsel, MemorySource};
pub use series::SeriesSource;
pub use shared::{SharedSource, as_shared};
pub use source::{Morsel, SourceReader, SourceRequest, Standing, TableSource, WantedOrder};

use crate::expr::{AggregateCall, ColumnId, Expr};

/// A logical plan.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Rows of a table.
    Scan(Scan),
    /// Rows that are known.
    Values(Values),
    /// Rows that fulfil a predicate.
    Filter(Box<Filter>),
    /// Exactly the named expressions.
    Project(Box<Project>),
    /// Groups.
    Aggregate(Box<AggregatePlan>),
    /// Window functions beside the input's columns.
    Window(Box<Window>),
    /// Rows in order.
    Sort(Box<Sort>),
    /// Some of the rows.
    Limit(Box<Limit>),
    /// Some of the rows of each group.
    LimitBy(Box<LimitBy>),
    /// Rows without repetition.
    Distinct(Box<Distinct>),
    /// Rows of several inputs, one after the other.
    Union(Box<Union>),
    /// Rows of two inputs side by side.
    Join(Box<Join>),
    /// A row per array element.
    ArrayJoin(Box<ArrayJoin>),
}

/// An output column of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Its id.
    pub id: ColumnId,
    /// Its type.
    pub ty: DataType,
}

/// Rows of a table.
#[derive(Debug, Clone)]
pub struct Scan {
    /// The table, or what looks like one.
    pub source: Arc<dyn TableSource>,
    /// Output columns and their places in the source's schema.
    pub columns: Vec<(ColumnId, usize)>,
    /// What every row must fulfil (over the output columns); evaluated by the scan, used for
    /// pruning.
    pub filter: Option<Expr>,
    /// Output columns that only the filter reads: the scan may give anything in them.
    pub filter_only: Vec<ColumnId>,
    /// Enough rows, when no more are wanted (a hint).
    pub limit: Option<u64>,
}

/// Rows that are known.
#[derive(Debug, Clone)]
pub struct Values {
    /// Ids of the block's columns.
    pub columns: Vec<ColumnId>,
    /// The rows.
    pub rows: Arc<Block>,
}

/// Rows that fulfil a predicate.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Rows.
    pub input: Plan,
    /// A number or Nullable number; NULL and 0 drop the row.
    pub predicate: Expr,
}

/// Exactly the named expressions.
#[derive(Debug, Clone)]
pub struct Project {
    /// Rows.
    pub input: Plan,
    /// Output columns.
    pub exprs: Vec<(ColumnId, Expr)>,
}

/// Groups. Outputs the keys, then the aggregates.
#[derive(Debug, Clone)]
pub struct AggregatePlan {
    /// Rows.
    pub input: Plan,
    /// Group keys; none: one group, also for no rows.
    pub keys: Vec<(ColumnId, Expr)>,
    /// Aggregates.
    pub aggregates: Vec<(ColumnId, AggregateCall)>,
    /// Key subsets (by position) for GROUPING SETS, ROLLUP and CUBE; empty: all keys once.
    pub grouping_sets: Vec<Vec<usize>>,
    /// Adds a row of totals over all rows (WITH TOTALS), kept apart from the result rows.
    pub with_totals: bool,
    /// Any so many groups are enough (a hint).
    pub wanted: Option<u64>,
    /// An output with the place of each row's key subset in `grouping_sets`, when wanted.
    pub set_number: Option<ColumnId>,
}

/// One window function.
#[derive(Debug, Clone)]
pub struct WindowCall {
    /// What is computed over the frame.
    pub function: WindowFunction,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortExpr>,
    /// Frame.
    pub frame: Frame,
    /// Type of the answer.
    pub ty: DataType,
}

/// The function of a window.
#[derive(Debug, Clone)]
pub enum WindowFunction {
    /// An aggregate function over the frame.
    Aggregate(AggregateCall),
    /// `row_number`, `rank`, `dense_rank`, `lagInFrame`, ... by ClickHouse's name.
    Ranking {
        /// ClickHouse's name.
        name: String,
        /// Arguments.
        args: Vec<Expr>,
    },
}

/// Frame of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// ROWS, or RANGE (peers of the current row belong together).
    pub rows: bool,
    /// Start.
    pub start: FrameBound,
    /// End.
    pub end: FrameBound,
}

/// One end of a frame.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "SQL's own names")]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Value),
    CurrentRow,
    Following(Value),
    UnboundedFollowing,
}

/// Window functions; outputs the input's columns, then the functions.
#[derive(Debug, Clone)]
pub struct Window {
    /// Rows.
    pub input: Plan,
    /// Functions.
    pub functions: Vec<(ColumnId, WindowCall)>,
}

/// One key of an order.
#[derive(Debug, Clone)]
pub struct SortExpr {
    /// The key.
    pub expr: Expr,
    /// Largest first.
    pub descending: bool,
    /// NULL and NaN first.
    pub nulls_first: bool,
    /// WITH FILL, when given.
    pub fill: Option<Fill>,
}

/// `WITH FILL FROM a TO b STEP c`.
#[derive(Debug, Clone)]
pub struct Fill {
    /// First value, in the key's type.
    pub from: Option<Value>,
    /// End (exclusive).
    pub to: Option<Value>,
    /// Step: a number, or a number of calendar units.
    pub step: Value,
    /// The unit of `step`, for dates and times.
    pub unit: Option<roost_engine::types::IntervalUnit>,
}

/// Rows in order; outputs the input's columns.
#[derive(Debug, Clone)]
pub struct Sort {
    /// Rows.
    pub input: Plan,
    /// Keys.
    pub keys: Vec<SortExpr>,
    /// Only so many first rows are wanted (top-N).
    pub limit: Option<u64>,
    /// INTERPOLATE: columns that rows made by WITH FILL compute from the row before them, and how
    /// (over the output columns; the answer is of the column's type).
    pub interpolate: Vec<(ColumnId, Expr)>,
}

/// Some of the rows.
#[derive(Debug, Clone)]
pub struct Limit {
    /// Rows.
    pub input: Plan,
    /// At most this many; `None` is all.
    pub limit: Option<u64>,
    /// After skipping so many.
    pub offset: u64,
    /// Also the rows equal to the last one under these keys (WITH TIES); empty: no.
    pub ties: Vec<SortExpr>,
}

/// Some of the rows of each group.
#[derive(Debug, Clone)]
pub struct LimitBy {
    /// Rows.
    pub input: Plan,
    /// Group.
    pub by: Vec<Expr>,
    /// At most this many of each.
    pub limit: u64,
    /// After skipping so many of each.
    pub offset: u64,
}

/// Rows without repetition: the first of each combination of `on` stays.
#[derive(Debug, Clone)]
pub struct Distinct {
    /// Rows.
    pub input: Plan,
    /// Columns that decide.
    pub on: Vec<ColumnId>,
}

/// Rows of several inputs; input `i` supplies `inputs[i].1` for the output columns in order (types
/// are equal: casts were put below).
#[derive(Debug, Clone)]
pub struct Union {
    /// Inputs with their columns.
    pub inputs: Vec<(Plan, Vec<ColumnId>)>,
    /// Output columns.
    pub columns: Vec<OutputColumn>,
}

/// Kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own names")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

/// How many matches of a row count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "ClickHouse's own names")]
pub enum Strictness {
    All,
    Any,
    Semi,
    Anti,
    Asof,
}

/// Rows of two inputs side by side. Outputs the left columns, then the right ones (semi and anti:
/// the other side's columns have default values where no row matches).
#[derive(Debug, Clone)]
pub struct Join {
    /// Left rows.
    pub left: Plan,
    /// Right rows.
    pub right: Plan,
    /// Kind.
    pub kind: JoinKind,
    /// Strictness.
    pub strictness: Strictness,
    /// Pairs of equal keys, left over left's columns, right over right's; of one type.
    pub on: Vec<(Expr, Expr)>,
    /// What matching pairs must fulfil beside the keys, over both sides.
    pub residual: Option<Expr>,
    /// For ASOF: the inequality's left, right and function name.
    pub asof: Option<(Expr, Expr, &'static str)>,
    /// Output columns that take the type's default where a side is missing; with
    /// `join_use_nulls = 1` the outputs are Nullable copies instead: (output id, input id, type).
    pub nullable_outputs: Vec<(ColumnId, ColumnId, DataType)>,
}

/// A row per element: the arrays (of equal length per row) are unrolled side by side.
#[derive(Debug, Clone)]
pub struct ArrayJoin {
    /// Rows.
    pub input: Plan,
    /// Output columns (the elements) and the arrays; the input's columns are output as well.
    pub arrays: Vec<(ColumnId, Expr)>,
    /// LEFT ARRAY JOIN: an empty array gives one row with a default.
    pub left: bool,
}

impl Plan {
    /// The node's output columns in order.
    pub fn outputs(&self) -> Vec<OutputColumn> {
        let out = |id: &ColumnId, ty: &DataType| OutputColumn {
            id: *id,
            ty: ty.clone(),
        };
        match self {
            Plan::Scan(s) => {
                let fields = &s.source.schema().fields;
                s.columns
                    .iter()
                    .map(|(id, i)| out(id, &fields[*i].ty))
                    .collect()
            }
            Plan::Values(v) => {
                let fields = &v.rows.schema().fields;
                v.columns
                    .iter()
                    .zip(fields)
                    .map(|(id, f)| out(id, &f.ty))
                    .collect()
            }
            Plan::Filter(f) => f.input.outputs(),
            Plan::Project(p) => p.exprs.iter().map(|(id, e)| out(id, e.ty())).collect(),
            Plan::Aggregate(a) => {
                let keys = a.keys.iter().map(|(id, e)| out(id, e.ty()));
                let calls = a
                    .aggregates
                    .iter()
                    .map(|(id, c)| out(id, &c.function.return_type()));
                let number = a.set_number.iter().map(|id| out(id, &DataType::UInt32));
                keys.chain(calls).chain(number).collect()
            }
            Plan::Window(w) => {
                let mut all = w.input.outputs();
                all.extend(w.functions.iter().map(|(id, c)| out(id, &c.ty)));
                all
            }
            Plan::Sort(s) => s.input.outputs(),
            Plan::Limit(l) => l.input.outputs(),
            Plan::LimitBy(l) => l.input.outputs(),
            Plan::Distinct(d) => d.input.outputs(),
            Plan::Union(u) => u.columns.clone(),
            Plan::Join(j) => {
                let mut all = j.left.outputs();
                all.extend(j.right.outputs());
                for column in &mut all {
                    if let Some((new, _, ty)) = j
                        .nullable_outputs
                        .iter()
                        .find(|(_, old, _)| *old == column.id)
                    {
                        *column = out(new, ty);
                    }
                }
                all
            }
            Plan::ArrayJoin(a) => {
                let mut all = a.input.outputs();
                all.extend(
                    a.arrays
                        .iter()
                        .map(|(id, e)| out(id, e.ty().element().unwrap_or(&DataType::Nothing))),
                );
                all
            }
        }
    }

    /// The node's inputs.
    pub fn inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::Scan(_) | Plan::Values(_) => Vec::new(),
            Plan::Filter(n) => vec![&n.input],
            Plan::Project(n) => vec![&n.input],
            Plan::Aggregate(n) => vec![&n.input],
            Plan::Window(n) => vec![&n.input],
            Plan::Sort(n) => vec![&n.input],
            Plan::Limit(n) => vec![&n.input],
            Plan::LimitBy(n) => vec![&n.input],
            Plan::Distinct(n) => vec![&n.input],
            Plan::Union(n) => n.inputs.iter().map(|(p, _)| p).collect(),
            Plan::Join(n) => vec![&n.left, &n.right],
            Plan::ArrayJoin(n) => vec![&n.input],
        }
    }
}

/// A query ready to run: a plan and what its answer is called.
#[derive(Debug, Clone)]
pub struct Query {
    /// The plan.
    pub plan: Plan,
    /// Answer columns in order: name, and the plan's output that carries it.
    pub columns: Vec<(String, ColumnId)>,
}
