//! Literals of WHERE as slots of the parsed text.
//!
//! Invariant: a slot is the one place of the tree where its literal stands: the text with another
//! literal there parses to the tree with that literal there, and nothing else of it changes.

use crate::parse::ast::{Expr, Literal, Query, QueryBody};
use crate::parse::{Shape, literal_value, parse_query};

/// Most literals of a text whose places are looked for.
const LITERALS_MAX: usize = 64;

/// The type of the parameter that stands for a slot; its name is the literal's number. No text can
/// write it.
const SLOT: &str = "\u{1}slot";

/// WHERE of a query.
fn filter_of(query: &mut Query) -> Option<&mut Expr> {
    match &mut query.body {
        QueryBody::Select(select) => select.filter.as_mut(),
        _ => None,
    }
}

/// WHERE with a slot for each literal whose place there is certain.
pub(super) fn filter_with_slots(query: &Query, shape: &Shape<'_>) -> Option<Expr> {
    let count = shape.literals.len();
    if count > LITERALS_MAX {
        return None;
    }
    let certain: Vec<usize> = (0..count)
        .filter(|at| with_slots(query, shape, &[*at]).is_some())
        .collect();
    with_slots(query, shape, &certain).filter(|_| !certain.is_empty())
}

/// WHERE with slots for these literals, if that is where they stand.
fn with_slots(query: &Query, shape: &Shape<'_>, which: &[usize]) -> Option<Expr> {
    let mut texts: Vec<String> = shape.literals.iter().map(|l| (*l).to_string()).collect();
    for at in which {
        texts[*at] = stand_in(*at, texts[*at].starts_with('\''));
    }
    let stand_ins: Vec<Option<Literal>> =
        which.iter().map(|at| literal_value(&texts[*at])).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut parsed = parse_query(&shape.with(&texts)).ok()?;
    let filter = filter_of(&mut parsed)?;
    let mut found = 0;
    each(filter, &mut |expr| {
        if let Expr::Literal(literal) = expr
            && let Some(i) = stand_ins.iter().position(|s| s.as_ref() == Some(literal))
        {
            found += 1;
            *expr = Expr::Parameter {
                name: which[i].to_string(),
                ty: SLOT.to_string(),
            };
        }
    });
    let slotted = filter.clone();
    *filter = filled(&slotted, &|at| literal_value(shape.literals[at]))?;
    (found == which.len() && parsed == *query).then_some(slotted)
}

/// A literal that stands for number `at`.
fn stand_in(at: usize, is_string: bool) -> String {
    match is_string {
        true => format!("'@roost-literal-{at}@'"),
        false => (770_077_000_000_000_000 + at).to_string(),
    }
}

/// The expression with its slots filled; none when a slot gets nothing.
pub(super) fn filled(expr: &Expr, literals: &dyn Fn(usize) -> Option<Literal>) -> Option<Expr> {
    let mut expr = expr.clone();
    let mut whole = true;
    each(&mut expr, &mut |e| {
        if let Some(at) = slot_of(e) {
            match literals(at) {
                Some(literal) => *e = Expr::Literal(literal),
                None => whole = false,
            }
        }
    });
    whole.then_some(expr)
}

pub(super) fn slot_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Parameter { name, ty } if ty == SLOT => name.parse().ok(),
        _ => None,
    }
}

/// The literals that are slots of an expression.
pub(super) fn slots_of(expr: &Expr) -> Vec<usize> {
    let mut all = Vec::new();
    each(&mut expr.clone(), &mut |e| all.extend(slot_of(e)));
    all
}

/// The conjuncts of a condition, as the binder splits it.
pub(super) fn conjuncts(expr: &Expr, all: &mut Vec<Expr>) {
    match expr {
        Expr::Function(call) if call.name == "and" => {
            call.args.iter().for_each(|a| conjuncts(a, all));
        }
        other => all.push(other.clone()),
    }
}

/// Makes all names of columns plain ones and collects them; none when the expression is more than
/// calls of functions of columns and literals.
pub(super) fn plain_names(expr: &mut Expr, names: &mut Vec<String>) -> Option<()> {
    match expr {
        Expr::Identifier(parts) => {
            let last = parts.last()?.clone();
            if !names.contains(&last) {
                names.push(last.clone());
            }
            *parts = vec![last];
            Some(())
        }
        Expr::Literal(_) => Some(()),
        Expr::Parameter { .. } => slot_of(expr).map(|_| ()),
        Expr::Function(call) => {
            let plain = call.params.is_none()
                && call.filter.is_none()
                && call.over.is_none()
                && !call.distinct
                && call.respect_nulls.is_none();
            let mut args = call.args.iter_mut();
            args.try_for_each(|arg| plain_names(arg, names))
                .filter(|()| plain)
        }
        Expr::Lambda { .. } | Expr::Subquery(_) | Expr::Matcher(_) | Expr::Alias(..) => None,
    }
}

/// Visits an expression and the arguments of its calls.
fn each(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr)) {
    visit(expr);
    if let Expr::Function(call) = expr {
        call.args.iter_mut().for_each(|arg| each(arg, visit));
    }
}
