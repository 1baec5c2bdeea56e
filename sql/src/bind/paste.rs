//! PASTE JOIN: the n-th row of one side beside the n-th of the other.
//!
//! Invariant: there are as many rows as the shorter side has, in its order.

use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::scope::Tables;
use super::select::SelectBinder;
use crate::expr::{ColumnId, Expr};
use crate::plan::{
    self, Frame, FrameBound, JoinKind, Plan, SortExpr, Strictness, WindowCall, WindowFunction,
};

impl SelectBinder<'_, '_> {
    /// Puts `right` beside `left`; the scope takes the right tables in.
    pub(super) fn paste(&mut self, left: Plan, right: Plan, tables: Tables) -> Result<Plan> {
        self.take_in(tables);
        self.resolved.clear();
        let (left, left_number) = self.numbered(left);
        let (right, right_number) = self.numbered(right);
        let joined = Plan::Join(Box::new(plan::Join {
            left,
            right,
            kind: JoinKind::Inner,
            strictness: Strictness::All,
            on: vec![(left_number.clone(), right_number)],
            residual: None,
            asof: None,
            nullable_outputs: Vec::new(),
        }));
        Ok(Plan::Sort(Box::new(plan::Sort {
            input: joined,
            keys: vec![SortExpr {
                expr: left_number,
                descending: false,
                nulls_first: false,
                fill: None,
            }],
            limit: None,
            interpolate: Vec::new(),
        })))
    }

    fn numbered(&self, input: Plan) -> (Plan, Expr) {
        let id: ColumnId = self.binder.fresh();
        let call = WindowCall {
            function: WindowFunction::Ranking {
                name: "row_number".into(),
                args: Vec::new(),
            },
            partition_by: Vec::new(),
            order_by: Vec::new(),
            frame: Frame {
                rows: true,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::UnboundedFollowing,
            },
            ty: DataType::UInt64,
        };
        let plan = Plan::Window(Box::new(plan::Window {
            input,
            functions: vec![(id, call)],
        }));
        (plan, Expr::Column(id, DataType::UInt64))
    }
}
