//! Window functions: bound, set aside, and computed by one node after grouping.
//!
//! Invariant: a call's frame is always explicit here; no window stands inside another.

use roost_engine::bail;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::expr::unknown_function;
use super::select::SelectBinder;
use crate::expr::{AggregateCall, Expr};
use crate::functions::supertype::least_supertype;
use crate::parse::ast::{self, Over, WindowSpec};
use crate::plan::{self, Frame, FrameBound, Plan, WindowCall, WindowFunction};

/// Functions that only exist over a window, by ClickHouse's name.
const RANKING: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "lagInFrame",
    "leadInFrame",
    "nth_value",
];

impl SelectBinder<'_, '_> {
    /// The column that carries `f(...) OVER (...)`.
    pub(super) fn window_function(&mut self, function: &ast::Function) -> Result<Expr> {
        let spec = match &function.over {
            Some(Over::Name(name)) => self.named_window(name)?,
            Some(Over::Spec(spec)) => self.whole_spec(spec)?,
            None => WindowSpec::default(),
        };
        let (called, ty) = self.window_called(function)?;
        let mut partition_by = Vec::with_capacity(spec.partition_by.len());
        for expr in &spec.partition_by {
            partition_by.push(self.bind(expr)?);
        }
        let mut order_by = Vec::with_capacity(spec.order_by.len());
        for key in &spec.order_by {
            let expr = self.bind(&key.expr)?;
            order_by.push(self.sort_expr(key, expr)?);
        }
        let frame = self.frame(&called, spec.frame.as_ref())?;
        let mut call = WindowCall {
            function: called,
            partition_by,
            order_by,
            frame,
            ty: ty.clone(),
        };
        each_expr(&mut call, &mut |e| {
            self.refuse_windows(e, "inside another window function")
        })?;
        let id = self.binder.fresh();
        self.windows.push((id, call));
        Ok(Expr::Column(id, ty))
    }

    fn named_window(&self, name: &str) -> Result<WindowSpec> {
        let Some(spec) = self.named_windows.get(name) else {
            bail!(BAD_ARGUMENTS, "Window '{name}' does not exist");
        };
        self.whole_spec(spec)
    }

    /// The window with what it inherits from the one it extends.
    fn whole_spec(&self, spec: &WindowSpec) -> Result<WindowSpec> {
        let Some(base) = &spec.base else {
            return Ok(spec.clone());
        };
        let Some(found) = self.named_windows.get(base) else {
            bail!(BAD_ARGUMENTS, "Window '{base}' does not exist");
        };
        if found.base.as_ref() == Some(base) {
            bail!(BAD_ARGUMENTS, "Window '{base}' extends itself");
        }
        let mut whole = self.whole_spec(found)?;
        if !spec.partition_by.is_empty() {
            bail!(
                BAD_ARGUMENTS,
                "Derived window definition must not have PARTITION BY"
            );
        }
        if !spec.order_by.is_empty() {
            whole.order_by.clone_from(&spec.order_by);
        }
        whole.frame.clone_from(&spec.frame);
        Ok(whole)
    }

    fn window_called(&mut self, function: &ast::Function) -> Result<(WindowFunction, DataType)> {
        let ranking = RANKING.iter().find(|n| {
            n.eq_ignore_ascii_case(&function.name)
                || n.replace('_', "").eq_ignore_ascii_case(&function.name)
        });
        let Some(name) = ranking else {
            let Some(call) = self.aggregate_call(function, true)? else {
                return Err(unknown_function(&function.name));
            };
            let ty = call.function.return_type();
            return Ok((WindowFunction::Aggregate(call), ty));
        };
        let mut args = function
            .args
            .iter()
            .map(|a| self.bind(a))
            .collect::<Result<Vec<_>>>()?;
        let ty = self.ranking_type(name, &mut args)?;
        let name = (*name).to_owned();
        Ok((WindowFunction::Ranking { name, args }, ty))
    }

    /// The answer's type; casts a default value to it.
    fn ranking_type(&self, name: &str, args: &mut [Expr]) -> Result<DataType> {
        let (least, most) = match name {
            "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" => (0, 0),
            "ntile" => (1, 1),
            "nth_value" => (2, 2),
            _ => (1, 3),
        };
        if args.len() < least || args.len() > most {
            bail!(
                NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
                "Function {name} takes {least} to {most} arguments, {} given",
                args.len()
            );
        }
        let value = args.first().map(|a| a.ty().clone());
        match (name, value) {
            ("percent_rank" | "cume_dist", _) => Ok(DataType::Float64),
            ("row_number" | "rank" | "dense_rank" | "ntile", _) | (_, None) => Ok(DataType::UInt64),
            (_, Some(ty)) => {
                let Some(default) = args.get(2) else {
                    return Ok(ty);
                };
                let common = least_supertype(&[ty.clone(), default.ty().clone()]);
                let common = common.map_err(|_| {
                    roost_engine::err!(
                        BAD_ARGUMENTS,
                        "There is no supertype for the argument type '{ty}' and the default value type '{}'",
                        default.ty()
                    )
                })?;
                let cast = self.cast(default.clone(), &common)?;
                args[2] = cast;
                args[0] = self.cast(args[0].clone(), &common)?;
                Ok(common)
            }
        }
    }

    fn frame(&mut self, called: &WindowFunction, written: Option<&ast::Frame>) -> Result<Frame> {
        let whole = |name: &str| matches!(name, "lag" | "lead" | "ntile");
        if let WindowFunction::Ranking { name, .. } = called
            && whole(name)
        {
            return Ok(Frame {
                rows: true,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::UnboundedFollowing,
            });
        }
        let Some(frame) = written else {
            return Ok(Frame {
                rows: false,
                start: FrameBound::UnboundedPreceding,
                end: FrameBound::CurrentRow,
            });
        };
        let bounds = (
            self.frame_bound(&frame.start)?,
            self.frame_bound(&frame.end)?,
        );
        let backwards = matches!(
            bounds,
            (FrameBound::UnboundedFollowing, _) | (_, FrameBound::UnboundedPreceding)
        );
        if backwards {
            bail!(BAD_ARGUMENTS, "Frame of a window starts behind its end");
        }
        Ok(Frame {
            rows: frame.rows,
            start: bounds.0,
            end: bounds.1,
        })
    }

    fn frame_bound(&mut self, bound: &ast::FrameBound) -> Result<FrameBound> {
        let mut value = |expr: &ast::Expr| match self.bind(expr)? {
            Expr::Literal(value, ty) if ty.is_numeric() || matches!(ty, DataType::Interval(_)) => {
                Ok(value)
            }
            _ => Err(roost_engine::err!(
                BAD_ARGUMENTS,
                "Offset of a window frame must be a constant number, found {expr}"
            )),
        };
        Ok(match bound {
            ast::FrameBound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            ast::FrameBound::CurrentRow => FrameBound::CurrentRow,
            ast::FrameBound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            ast::FrameBound::Preceding(e) => FrameBound::Preceding(value(e)?),
            ast::FrameBound::Following(e) => FrameBound::Following(value(e)?),
        })
    }

    /// Puts the windows on `plan` when there are any.
    pub(super) fn windowed(&mut self, plan: Plan) -> Result<Plan> {
        if self.windows.is_empty() {
            return Ok(plan);
        }
        let mut functions = std::mem::take(&mut self.windows);
        let mut inside = Vec::new();
        for (_, call) in &mut functions {
            each_expr(call, &mut |e| {
                inside.push(e.clone());
                Ok::<(), Error>(())
            })?;
        }
        let inside: Vec<&Expr> = inside.iter().collect();
        let input = self.place_array_joins(plan, &inside, &|e| Ok(e.clone()))?;
        Ok(Plan::Window(Box::new(plan::Window { input, functions })))
    }
}

/// Calls `change` on every expression of a window call.
pub(super) fn each_expr(
    call: &mut WindowCall,
    change: &mut dyn FnMut(&mut Expr) -> Result<()>,
) -> Result<()> {
    let args = match &mut call.function {
        WindowFunction::Aggregate(AggregateCall { args, .. })
        | WindowFunction::Ranking { args, .. } => args,
    };
    let keys = call.order_by.iter_mut().map(|k| &mut k.expr);
    args.iter_mut()
        .chain(&mut call.partition_by)
        .chain(keys)
        .try_for_each(change)
}
