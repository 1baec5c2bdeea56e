//! Conditions out of the optimizer's sight.
//!
//! Invariant: a hidden condition looks like a call of a function of its columns that nothing is
//! known of but its type and that equal columns give equal answers. What is right for any such
//! function is right for the condition that is put in its place.

use std::sync::Arc;

use roost_engine::block::{Field, Schema};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::slots;
use crate::bind::call::apply;
use crate::bind::rewrite::replace_columns;
use crate::bind::{self, BindCatalog};
use crate::expr::{Call, ColumnId, Expr};
use crate::functions::{
    Arg, BindContext, BoundFunction, Doc, Nulls, ScalarFunction, scalar_function,
};
use crate::optimize;
use crate::optimize::key_condition::is_comparison;
use crate::parse::ast::{self, Literal};

/// What a hidden condition is called in a plan. It is in no registry: no text can name it.
static HIDDEN: ScalarFunction = ScalarFunction {
    name: "hidden condition",
    aliases: &[],
    case_insensitive: false,
    nulls: Nulls::Own,
    deterministic: true,
    lambda_params: None,
    doc: Doc::NONE,
    bind: nothing,
};

fn nothing(_: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    Err(unreachable_call())
}

fn unreachable_call() -> Error {
    Error::bug("a condition was left hidden in a plan")
}

/// A condition of WHERE whose literals differ from text to text.
pub(super) struct Condition {
    /// As parsed, with slots for literals and with plain names for columns.
    ast: ast::Expr,
    /// The columns that it names.
    columns: Schema,
    /// Its type.
    ty: DataType,
    /// What it is when it is a plain comparison of a column with a literal.
    comparison: Option<Comparison>,
}

/// A comparison of the condition's one column with the literal of a slot: what most conditions are.
struct Comparison {
    function: &'static ScalarFunction,
    slot: usize,
    column_first: bool,
}

/// A condition bound for one text, and the columns that its expression stands over.
pub(super) struct Bound {
    expr: Expr,
    columns: Vec<ColumnId>,
}

impl Condition {
    /// The condition over columns of `schema`, for the first text's literals.
    pub(super) fn new(
        mut ast: ast::Expr,
        schema: &Schema,
        literals: &dyn Fn(usize) -> Option<Literal>,
        catalog: &dyn BindCatalog,
    ) -> Option<(Condition, Bound)> {
        let mut names = Vec::new();
        slots::plain_names(&mut ast, &mut names)?;
        let fields: Option<Vec<Field>> = names
            .iter()
            .map(|name| schema.index_of(name).map(|at| schema.fields[at].clone()))
            .collect();
        let columns = Schema {
            fields: fields.filter(|f| !f.is_empty())?,
        };
        let mut condition = Condition {
            ast,
            columns,
            ty: DataType::Nothing,
            comparison: None,
        };
        condition.comparison = Comparison::of(&condition.ast);
        let bound = condition.written(literals, catalog)?;
        condition.ty = bound.expr.ty().clone();
        Some((condition, bound))
    }

    /// The literals that differ.
    pub(super) fn slots(&self) -> Vec<usize> {
        slots::slots_of(&self.ast)
    }

    /// Names of the columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.fields.iter().map(|f| f.name.as_str())
    }

    /// Bound as it is written.
    fn written(
        &self,
        literals: &dyn Fn(usize) -> Option<Literal>,
        catalog: &dyn BindCatalog,
    ) -> Option<Bound> {
        let ast = slots::filled(&self.ast, literals)?;
        let (expr, columns) = bind::bind_expression(&ast, &self.columns, catalog).ok()?;
        Some(Bound { expr, columns })
    }

    /// Bound and optimized for the literals of one text; none when it then is something else.
    pub(super) fn bound(
        &self,
        literals: &dyn Fn(usize) -> Option<Literal>,
        catalog: &dyn BindCatalog,
    ) -> Option<Bound> {
        let bound = match &self.comparison {
            Some(comparison) => {
                let value = bind::literal(&literals(comparison.slot)?);
                comparison.bound(&self.columns.fields.first()?.ty, value, catalog.context())?
            }
            None => {
                let mut bound = self.written(literals, catalog)?;
                optimize::condition(&mut bound.expr, catalog.context());
                bound
            }
        };
        let fits = *bound.expr.ty() == self.ty && bound.expr.as_literal().is_none();
        fits.then_some(bound)
    }

    /// The same condition, number `at`, out of sight over these columns.
    pub(super) fn hidden(&self, at: usize, columns: impl Iterator<Item = Expr>) -> Expr {
        let number = Expr::Literal(Value::UInt(at as u64), DataType::UInt64);
        Expr::Call(Arc::new(Call {
            function: &HIDDEN,
            bound: BoundFunction::new(self.ty.clone(), |_, _| Err(unreachable_call())),
            args: std::iter::once(number).chain(columns).collect(),
        }))
    }
}

impl Comparison {
    /// The comparison that a text is.
    fn of(ast: &ast::Expr) -> Option<Comparison> {
        let ast::Expr::Function(call) = ast else {
            return None;
        };
        let [a, b] = call.args.as_slice() else {
            return None;
        };
        let is_column = |e: &ast::Expr| matches!(e, ast::Expr::Identifier(_));
        let (column_first, slot) = match (slots::slot_of(a), slots::slot_of(b)) {
            (None, Some(slot)) if is_column(a) => (true, slot),
            (Some(slot), None) if is_column(b) => (false, slot),
            _ => return None,
        };
        let function = scalar_function(&call.name)?;
        let comparison = is_comparison(function.name) || function.name == "notEquals";
        comparison.then_some(Comparison {
            function,
            slot,
            column_first,
        })
    }

    /// What the binder and the optimizer make of it.
    fn bound(&self, ty: &DataType, value: Expr, context: &BindContext) -> Option<Bound> {
        let column = ColumnId(0);
        let value = optimize::typed(&value, ty, context).unwrap_or(value);
        let mut args = vec![Expr::Column(column, ty.clone()), value];
        if !self.column_first {
            args.reverse();
        }
        Some(Bound {
            expr: apply(self.function, args, context).ok()?,
            columns: vec![column],
        })
    }
}

impl Bound {
    /// The expression over other columns, in the order of [`Condition::names`].
    pub(super) fn over(&self, columns: &[Expr]) -> Expr {
        replace_columns(&self.expr, &|id| {
            let at = self.columns.iter().position(|own| *own == id)?;
            columns.get(at).cloned()
        })
    }
}

/// Puts the conditions in the places where they are hidden.
pub(super) fn show(expr: &mut Expr, conditions: &[Bound]) {
    expr.rewrite_in_place(&mut |e| {
        let Expr::Call(call) = e else {
            return None;
        };
        if !std::ptr::eq(call.function, &HIDDEN) {
            return None;
        }
        let (number, columns) = call.args.split_first()?;
        let Expr::Literal(Value::UInt(at), _) = number else {
            return None;
        };
        Some(conditions.get(*at as usize)?.over(columns))
    });
}
