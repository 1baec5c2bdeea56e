//! Trees as text: an expression prints as its column's default name, a query as SQL again.
//!
//! Invariant: `parse(print(tree))` is the tree (for queries), and expressions print as ClickHouse
//! names its columns: functions in call form, literals in shortest form.

use std::fmt::{self, Display, Formatter};

use roost_engine::types::text::{quote, quote_identifier};

use super::ast::{
    Expr, Frame, FrameBound, Function, Literal, Matcher, MatcherKind, OrderBy, Over, TableName,
    Transformer, WindowSpec,
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Identifier(parts) => join(f, parts.iter(), "."),
            Expr::Literal(literal) => literal.fmt(f),
            Expr::Parameter { name, ty } => write!(f, "{{{name}:{ty}}}"),
            Expr::Function(function) => function.fmt(f),
            Expr::Lambda { params, body } => {
                f.write_str("lambda(tuple(")?;
                join(f, params.iter(), ", ")?;
                write!(f, "), {body})")
            }
            Expr::Subquery(_) => f.write_str("_subquery1"),
            Expr::Matcher(matcher) => matcher.fmt(f),
            Expr::Alias(inner, _) => inner.fmt(f),
        }
    }
}

/// Elements with a separator between them.
pub(super) fn join<T: Display>(
    f: &mut Formatter<'_>,
    items: impl Iterator<Item = T>,
    separator: &str,
) -> fmt::Result {
    for (i, item) in items.enumerate() {
        if i > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("NULL"),
            Literal::Bool(b) => write!(f, "{b}"),
            Literal::UInt(n) => write!(f, "{n}"),
            Literal::Int(n) => write!(f, "{n}"),
            Literal::Float(x) => f.write_str(&float(*x)),
            Literal::String(s) => f.write_str(&quote(&String::from_utf8_lossy(s))),
        }
    }
}

/// A float as ClickHouse prints literals: `1.5`, `100.`, `1e100`.
fn float(x: f64) -> String {
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let mut text = if x != 0.0 && !(1e-6..1e21).contains(&x.abs()) {
        format!("{x:e}")
    } else {
        format!("{x}")
    };
    if !text.contains(['.', 'e']) {
        text.push('.');
    }
    text
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let literal_form =
            self.is_operator || self.name == "array" || self.name.eq_ignore_ascii_case("tuple");
        match (self.name.as_str(), literal_form) {
            ("array", true) => {
                f.write_str("[")?;
                join(f, self.args.iter(), ", ")?;
                return f.write_str("]");
            }
            ("tuple", true) => {
                f.write_str("(")?;
                join(f, self.args.iter(), ", ")?;
                return f.write_str(")");
            }
            _ => {}
        }
        let differences = ["datediff", "date_diff", "timestampdiff", "timestamp_diff"];
        match differences
            .iter()
            .any(|d| self.name.eq_ignore_ascii_case(d))
        {
            true => f.write_str("dateDiff")?,
            false => f.write_str(&self.name)?,
        }
        if self.distinct {
            f.write_str("Distinct")?;
        }
        if self.filter.is_some() {
            f.write_str("If")?;
        }
        if let Some(params) = &self.params {
            f.write_str("(")?;
            join(f, params.iter(), ", ")?;
            f.write_str(")")?;
        }
        let star = |e: &&Expr| {
            !(self.name.eq_ignore_ascii_case("count")
                && matches!(e, Expr::Matcher(m) if m.table.is_none() && m.transformers.is_empty()))
        };
        f.write_str("(")?;
        join(f, self.args.iter().filter(star).chain(&self.filter), ", ")?;
        f.write_str(")")?;
        match &self.over {
            None => Ok(()),
            Some(Over::Name(name)) => write!(f, " OVER {}", quote_identifier(name)),
            Some(Over::Spec(spec)) => write!(f, " OVER ({spec})"),
        }
    }
}

impl Display for WindowSpec {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut space = "";
        if let Some(base) = &self.base {
            f.write_str(&quote_identifier(base))?;
            space = " ";
        }
        if !self.partition_by.is_empty() {
            write!(f, "{space}PARTITION BY ")?;
            join(f, self.partition_by.iter(), ", ")?;
            space = " ";
        }
        if !self.order_by.is_empty() {
            write!(f, "{space}ORDER BY ")?;
            join(f, self.order_by.iter(), ", ")?;
            space = " ";
        }
        match &self.frame {
            None => Ok(()),
            Some(frame) => write!(f, "{space}{frame}"),
        }
    }
}

impl Display for OrderBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let direction = if self.descending { "DESC" } else { "ASC" };
        write!(f, "{} {direction}", self.expr)?;
        match self.nulls_first {
            None => Ok(()),
            Some(true) => f.write_str(" NULLS FIRST"),
            Some(false) => f.write_str(" NULLS LAST"),
        }
    }
}

impl Display for Frame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = if self.rows { "ROWS" } else { "RANGE" };
        write!(f, "{unit} BETWEEN {} AND {}", self.start, self.end)
    }
}

impl Display for FrameBound {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            FrameBound::UnboundedPreceding => f.write_str("UNBOUNDED PRECEDING"),
            FrameBound::Preceding(e) => write!(f, "{e} PRECEDING"),
            FrameBound::CurrentRow => f.write_str("CURRENT ROW"),
            FrameBound::Following(e) => write!(f, "{e} FOLLOWING"),
            FrameBound::UnboundedFollowing => f.write_str("UNBOUNDED FOLLOWING"),
        }
    }
}

impl Display for Matcher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(table) = &self.table {
            join(f, table.iter(), ".")?;
            f.write_str(".")?;
        }
        match &self.kind {
            MatcherKind::All => f.write_str("*")?,
            MatcherKind::Regex(re) => write!(f, "COLUMNS({})", quote(re))?,
            MatcherKind::Names(names) => {
                f.write_str("COLUMNS(")?;
                join(f, names.iter(), ", ")?;
                f.write_str(")")?;
            }
        }
        self.transformers.iter().try_for_each(|t| t.fmt(f))
    }
}

impl Display for Transformer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Transformer::Except(names) => {
                f.write_str(" EXCEPT (")?;
                join(f, names.iter().map(|n| quote_identifier(n)), ", ")?;
                f.write_str(")")
            }
            Transformer::ExceptRegex(re) => write!(f, " EXCEPT {}", quote(re)),
            Transformer::Replace(items) => {
                f.write_str(" REPLACE (")?;
                let items = items
                    .iter()
                    .map(|(e, n)| format!("{e} AS {}", quote_identifier(n)));
                join(f, items, ", ")?;
                f.write_str(")")
            }
            Transformer::Apply(name, params) if params.is_empty() => write!(f, " APPLY({name})"),
            Transformer::Apply(name, params) => {
                write!(f, " APPLY({name}(")?;
                join(f, params.iter(), ", ")?;
                f.write_str("))")
            }
            Transformer::ApplyLambda(lambda) => write!(f, " APPLY({lambda})"),
        }
    }
}

impl Display for TableName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(database) = &self.database {
            write!(f, "{}.", super::sql_text::name_text(database))?;
        }
        f.write_str(&super::sql_text::name_text(&self.name))
    }
}
