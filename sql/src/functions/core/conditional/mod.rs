//! Choosing between values, and what NULL turns into.
//!
//! Invariant: all branches are cast to their common type before rows are picked.

mod case;
mod choose;
mod extremes;
mod nulls;
mod transform;

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::library::kit::f;
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

pub(crate) use choose::pick;
pub(crate) use nulls::{null_mask, without_mask};

const CONDITIONAL: &str = "conditional";
const NULLS: &str = "null";

/// Records.
pub(crate) static FUNCTIONS: &[ScalarFunction] = &[
    f(CONDITIONAL, "if(condition, then, else)", "`then` where the condition is true, else `else`; NULL is not true. Operator `? :`.", ("if(1, 'a', 'b')", "a"), bind_if).any_case().sees_nulls(),
    f(CONDITIONAL, "multiIf(condition, then, ..., else)", "The value after the first condition that is true. CASE without an expression.", ("multiIf(0, 'a', 1, 'b', 'c')", "b"), bind_multi_if).also(&["caseWithoutExpression", "caseWithoutExpr"]).any_case().sees_nulls(),
    f(CONDITIONAL, "caseWithExpression(x, value, then, ..., else)", "The value after the first one that equals `x`. CASE with an expression.", ("caseWithExpression(2, 1, 'a', 2, 'b', 'c')", "b"), case::bind).also(&["caseWithExpr"]).any_case().sees_nulls(),
    f(CONDITIONAL, "transform(x, from, to, default)", "The element of `to` at the place where `from` holds `x`; otherwise `default`, or `x` without one.", ("transform(2, [1, 2], ['a', 'b'], 'c')", "b"), transform::bind).sees_nulls(),
    f(CONDITIONAL, "greatest(a, b, ...)", "The greatest value; NULLs are overlooked.", ("greatest(1, 3, 2)", "3"), extremes::bind_greatest).any_case().sees_nulls(),
    f(CONDITIONAL, "least(a, b, ...)", "The least value; NULLs are overlooked.", ("least(1, 3, 2)", "1"), extremes::bind_least).any_case().sees_nulls(),
    f(NULLS, "isNull(x)", "Whether the value is NULL.", ("isNull(NULL)", "1"), nulls::bind_is_null).any_case().sees_nulls(),
    f(NULLS, "isNotNull(x)", "Whether the value is not NULL.", ("isNotNull(NULL)", "0"), nulls::bind_is_not_null).any_case().sees_nulls(),
    f(NULLS, "isZeroOrNull(x)", "Whether the value is 0 or NULL.", ("isZeroOrNull(0)", "1"), nulls::bind_is_zero_or_null).sees_nulls(),
    f(NULLS, "isNullable(x)", "Whether the type of the value may hold NULL.", ("isNullable(toNullable(1))", "1"), nulls::bind_is_nullable).sees_nulls(),
    f(NULLS, "ifNull(x, other)", "`other` where `x` is NULL.", ("ifNull(NULL, 5)", "5"), nulls::bind_if_null).any_case().sees_nulls(),
    f(NULLS, "nullIf(x, y)", "NULL where `x` equals `y`, otherwise `x`.", ("nullIf(1, 1)", "\\N"), nulls::bind_null_if).any_case().sees_nulls(),
    f(NULLS, "coalesce(a, b, ...)", "The first value that is not NULL.", ("coalesce(NULL, 2, 3)", "2"), nulls::bind_coalesce).any_case().sees_nulls(),
    f(NULLS, "assumeNotNull(x)", "The value with a type that holds no NULL; where it is NULL, anything.", ("assumeNotNull(toNullable(5))", "5"), nulls::bind_assume_not_null).sees_nulls(),
    f(NULLS, "toNullable(x)", "The value with a type that may hold NULL.", ("toNullable(5)", "5"), nulls::bind_to_nullable).sees_nulls(),
];

/// Refuses a condition that is neither UInt8 nor Bool, Nullable or not.
fn condition(name: &str, arg: &Arg) -> Result<()> {
    match arg.ty.value_type() {
        DataType::UInt8 | DataType::Bool | DataType::Nothing => Ok(()),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of first argument (condition) of function {name}. Must be UInt8",
            arg.ty
        ),
    }
}

fn bind_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    let [test, _, _] = args else {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Number of arguments for function if doesn't match: passed {}, should be 3",
            args.len()
        );
    };
    condition("if", test)?;
    Ok(choose::bind(args, context)?.keeping_type())
}

fn bind_multi_if(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.len() < 3 || args.len().is_multiple_of(2) {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "Invalid number of arguments for function multiIf"
        );
    }
    for pair in args.chunks_exact(2) {
        condition("multiIf", &pair[0])?;
    }
    Ok(choose::bind(args, context)?.keeping_type())
}
