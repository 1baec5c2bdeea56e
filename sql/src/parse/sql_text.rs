//! Queries and expressions as SQL text that parses back to the same tree.
//!
//! Invariant: names are quoted where they must be.

use std::fmt::{self, Display, Formatter, Write};

use roost_engine::types::text::quote;

use super::ast::{
    Distinct, Expr, From, GroupBy, Join, JoinItem, JoinKind, JoinOn, JoinStrictness, MatcherKind,
    OrderBy, Over, Query, QueryBody, Select, SetOp, Setting, TableExpr, TableSource, Transformer,
    WindowSpec, With,
};
use super::display::join;
use crate::Value;

/// An expression as SQL (its `Display` is the column's name instead).
#[derive(Debug)]
pub struct SqlText<'a>(pub &'a Expr);

/// Words that mean something else than a name in some place where a name may stand.
const WORDS: &str = "
    all and anti any array as asc asof between by case cast columns cross current date desc
    distinct div else end escape except exists extract false fetch final first following format
    from full global group having ilike in inf infinity inner intersect interval into is join
    last left like limit mod nan not null nulls offset on or order outer over partition paste
    preceding prewhere qualify range regexp right rlike rows sample select semi settings then
    timestamp top true unbounded union using values when where window with
";

/// A name, in back quotes where it must be.
pub(super) fn name_text(name: &str) -> String {
    let mut words = WORDS.split_ascii_whitespace();
    match words.any(|w| w.eq_ignore_ascii_case(name)) {
        true => format!("`{name}`"),
        false => roost_engine::types::text::quote_identifier(name).to_string(),
    }
}

fn exprs(f: &mut Formatter<'_>, all: &[Expr]) -> fmt::Result {
    join(f, all.iter().map(SqlText), ", ")
}

impl Display for SqlText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Identifier(parts) => join(f, parts.iter().map(|p| name_text(p)), "."),
            Expr::Lambda { params, body } => {
                f.write_str("((")?;
                join(f, params.iter().map(|p| name_text(p)), ", ")?;
                write!(f, ") -> {})", SqlText(body))
            }
            Expr::Subquery(query) => write!(f, "({query})"),
            Expr::Alias(inner, name) => {
                write!(f, "({} AS {})", SqlText(inner), name_text(name))
            }
            Expr::Matcher(m) => {
                if let Some(table) = &m.table {
                    join(f, table.iter().map(|p| name_text(p)), ".")?;
                    f.write_char('.')?;
                }
                match &m.kind {
                    MatcherKind::All => f.write_char('*')?,
                    MatcherKind::Regex(re) => write!(f, "COLUMNS({})", quote(re))?,
                    MatcherKind::Names(names) => {
                        f.write_str("COLUMNS(")?;
                        join(f, names.iter().map(|n| name_text(n)), ", ")?;
                        f.write_char(')')?;
                    }
                }
                m.transformers.iter().try_for_each(|t| transformer(f, t))
            }
            Expr::Function(function) => call(f, function),
            plain => plain.fmt(f),
        }
    }
}

fn transformer(f: &mut Formatter<'_>, t: &Transformer) -> fmt::Result {
    match t {
        Transformer::Replace(items) => {
            f.write_str(" REPLACE (")?;
            let items = items
                .iter()
                .map(|(e, n)| format!("{} AS {}", SqlText(e), name_text(n)));
            join(f, items, ", ")?;
            f.write_char(')')
        }
        Transformer::ApplyLambda(lambda) => write!(f, " APPLY({})", SqlText(lambda)),
        other => other.fmt(f),
    }
}

fn call(f: &mut Formatter<'_>, c: &super::ast::Function) -> fmt::Result {
    if c.is_operator && c.name == "array" {
        f.write_char('[')?;
        exprs(f, &c.args)?;
        return f.write_char(']');
    }
    if let Some(done) = super::operators::operator(f, c) {
        return done;
    }
    // Words of the language that are functions in the tree need quotes as names.
    let plain = c
        .name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match plain {
        true => f.write_str(&c.name)?,
        false => f.write_str(&name_text(&c.name))?,
    }
    if let Some(params) = &c.params {
        f.write_char('(')?;
        exprs(f, params)?;
        f.write_char(')')?;
    }
    f.write_str(if c.distinct { "(DISTINCT " } else { "(" })?;
    exprs(f, &c.args)?;
    f.write_char(')')?;
    if let Some(filter) = &c.filter {
        write!(f, " FILTER (WHERE {})", SqlText(filter))?;
    }
    match c.respect_nulls {
        Some(true) => f.write_str(" RESPECT NULLS")?,
        Some(false) => f.write_str(" IGNORE NULLS")?,
        None => {}
    }
    match &c.over {
        None => Ok(()),
        Some(Over::Name(name)) => write!(f, " OVER {}", name_text(name)),
        Some(Over::Spec(spec)) => {
            f.write_str(" OVER (")?;
            window(f, spec)?;
            f.write_char(')')
        }
    }
}

fn window(f: &mut Formatter<'_>, spec: &WindowSpec) -> fmt::Result {
    if let Some(base) = &spec.base {
        write!(f, "{} ", name_text(base))?;
    }
    if !spec.partition_by.is_empty() {
        f.write_str("PARTITION BY ")?;
        exprs(f, &spec.partition_by)?;
    }
    if !spec.order_by.is_empty() {
        f.write_str(" ORDER BY ")?;
        order(f, &spec.order_by)?;
    }
    spec.frame
        .as_ref()
        .map_or(Ok(()), |frame| write!(f, " {frame}"))
}

fn order(f: &mut Formatter<'_>, items: &[OrderBy]) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        write!(f, "{comma}{}", SqlText(&item.expr))?;
        f.write_str(if item.descending { " DESC" } else { " ASC" })?;
        match item.nulls_first {
            Some(true) => f.write_str(" NULLS FIRST")?,
            Some(false) => f.write_str(" NULLS LAST")?,
            None => {}
        }
        if let Some(collate) = &item.collate {
            write!(f, " COLLATE {}", quote(collate))?;
        }
        if let Some(fill) = &item.fill {
            f.write_str(" WITH FILL")?;
            let parts = [
                ("FROM", &fill.from),
                ("TO", &fill.to),
                ("STEP", &fill.step),
                ("STALENESS", &fill.staleness),
            ];
            for (word, expr) in parts {
                if let Some(expr) = expr {
                    write!(f, " {word} {}", SqlText(expr))?;
                }
            }
        }
    }
    Ok(())
}

fn settings(f: &mut Formatter<'_>, all: &[Setting]) -> fmt::Result {
    if all.is_empty() {
        return Ok(());
    }
    f.write_str(" SETTINGS ")?;
    let one = |s: &Setting| match &s.value {
        Value::Bytes(b) => format!("{} = {}", s.name, quote(&String::from_utf8_lossy(b))),
        Value::UInt(n) => format!("{} = {n}", s.name),
        Value::Int(n) => format!("{} = {n}", s.name),
        Value::Float(x) => format!("{} = {x}", s.name),
        other => format!("{} = {other:?}", s.name),
    };
    join(f, all.iter().map(one), ", ")
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)?;
        // A single SELECT prints its own.
        if !matches!(self.body, QueryBody::Select(_)) {
            settings(f, &self.settings)?;
        }
        if let Some(file) = &self.outfile {
            write!(f, " INTO OUTFILE {}", quote(file))?;
        }
        self.format
            .as_ref()
            .map_or(Ok(()), |format| write!(f, " FORMAT {format}"))
    }
}

impl Display for QueryBody {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            QueryBody::Select(select) => select.fmt(f),
            QueryBody::Nested(query) => write!(f, "({query})"),
            QueryBody::Set { op, inputs } => {
                let word = match op {
                    SetOp::UnionAll => " UNION ALL ",
                    SetOp::UnionDistinct => " UNION DISTINCT ",
                    SetOp::Intersect => " INTERSECT ",
                    SetOp::IntersectDistinct => " INTERSECT DISTINCT ",
                    SetOp::Except => " EXCEPT ",
                    SetOp::ExceptDistinct => " EXCEPT DISTINCT ",
                };
                let nested = |b: &QueryBody| match b {
                    QueryBody::Set { .. } => format!("({b})"),
                    other => other.to_string(),
                };
                join(f, inputs.iter().map(nested), word)
            }
        }
    }
}

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.with.is_empty() {
            f.write_str(if self.recursive {
                "WITH RECURSIVE "
            } else {
                "WITH "
            })?;
            join(f, self.with.iter(), ", ")?;
            f.write_char(' ')?;
        }
        f.write_str("SELECT ")?;
        match &self.distinct {
            Distinct::No => {}
            Distinct::All => f.write_str("DISTINCT ")?,
            Distinct::On(on) => {
                f.write_str("DISTINCT ON (")?;
                exprs(f, on)?;
                f.write_str(") ")?;
            }
        }
        for (i, item) in self.items.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            match item {
                Expr::Alias(inner, name) => {
                    write!(f, "{} AS {}", SqlText(inner), name_text(name))?;
                }
                other => SqlText(other).fmt(f)?,
            }
        }
        if let Some(from) = &self.from {
            write!(f, " FROM {from}")?;
        }
        for (word, expr) in [(" PREWHERE ", &self.prewhere), (" WHERE ", &self.filter)] {
            if let Some(expr) = expr {
                write!(f, "{word}{}", SqlText(expr))?;
            }
        }
        self.group_by.fmt(f)?;
        if self.with_totals {
            f.write_str(" WITH TOTALS")?;
        }
        if let Some(having) = &self.having {
            write!(f, " HAVING {}", SqlText(having))?;
        }
        for (i, (name, spec)) in self.windows.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { " WINDOW " })?;
            write!(f, "{} AS (", name_text(name))?;
            window(f, spec)?;
            f.write_char(')')?;
        }
        if let Some(qualify) = &self.qualify {
            write!(f, " QUALIFY {}", SqlText(qualify))?;
        }
        self.tail(f)
    }
}

impl Select {
    fn interpolated(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(columns) = &self.interpolate else {
            return Ok(());
        };
        f.write_str(" INTERPOLATE")?;
        for (i, (name, expr)) in columns.iter().enumerate() {
            f.write_str(if i == 0 { " (" } else { ", " })?;
            f.write_str(&name_text(name))?;
            if let Some(expr) = expr {
                write!(f, " AS {}", SqlText(expr))?;
            }
        }
        f.write_str(if columns.is_empty() { "" } else { ")" })
    }

    fn tail(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.order_by_all {
            f.write_str(" ORDER BY ALL")?;
            if self.order_by.first().is_some_and(|o| o.descending) {
                f.write_str(" DESC")?;
            }
        } else if !self.order_by.is_empty() {
            f.write_str(" ORDER BY ")?;
            order(f, &self.order_by)?;
            self.interpolated(f)?;
        }
        if let Some(by) = &self.limit_by {
            write!(f, " LIMIT {}", SqlText(&by.limit))?;
            if let Some(offset) = &by.offset {
                write!(f, " OFFSET {}", SqlText(offset))?;
            }
            f.write_str(" BY ")?;
            exprs(f, &by.by)?;
        }
        for (word, expr) in [(" LIMIT ", &self.limit), (" OFFSET ", &self.offset)] {
            if let Some(expr) = expr {
                write!(f, "{word}{}", SqlText(expr))?;
            }
            if word == " LIMIT " && self.with_ties {
                f.write_str(" WITH TIES")?;
            }
        }
        settings(f, &self.settings)
    }
}

impl Display for With {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            With::Expr { name, expr } => {
                write!(f, "{} AS {}", SqlText(expr), name_text(name))
            }
            With::Query {
                name,
                columns,
                query,
            } => {
                f.write_str(&name_text(name))?;
                if !columns.is_empty() {
                    f.write_str(" (")?;
                    join(f, columns.iter().map(|c| name_text(c)), ", ")?;
                    f.write_char(')')?;
                }
                write!(f, " AS ({query})")
            }
        }
    }
}

impl Display for GroupBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (open, keys, close) = match self {
            GroupBy::Exprs(keys) if keys.is_empty() => return Ok(()),
            GroupBy::All => return f.write_str(" GROUP BY ALL"),
            GroupBy::Exprs(keys) => ("", keys, ""),
            GroupBy::Rollup(keys) => ("ROLLUP(", keys, ")"),
            GroupBy::Cube(keys) => ("CUBE(", keys, ")"),
            GroupBy::Sets(sets) => {
                f.write_str(" GROUP BY GROUPING SETS (")?;
                for (i, set) in sets.iter().enumerate() {
                    f.write_str(if i > 0 { ", (" } else { "(" })?;
                    exprs(f, set)?;
                    f.write_char(')')?;
                }
                return f.write_char(')');
            }
        };
        write!(f, " GROUP BY {open}")?;
        exprs(f, keys)?;
        f.write_str(close)
    }
}

impl Display for From {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        for item in &self.joins {
            match item {
                JoinItem::Array { left, exprs } => {
                    f.write_str(if *left {
                        " LEFT ARRAY JOIN "
                    } else {
                        " ARRAY JOIN "
                    })?;
                    let one = |e: &Expr| match e {
                        Expr::Alias(inner, name) => {
                            format!("{} AS {}", SqlText(inner), name_text(name))
                        }
                        other => SqlText(other).to_string(),
                    };
                    join(f, exprs.iter().map(one), ", ")?;
                }
                JoinItem::Join(j) => j.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for Join {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.kind == JoinKind::Comma {
            return write!(f, ", {}", self.table);
        }
        let strictness = match self.strictness {
            None => "",
            Some(JoinStrictness::All) => " ALL",
            Some(JoinStrictness::Any) => " ANY",
            Some(JoinStrictness::Semi) => " SEMI",
            Some(JoinStrictness::Anti) => " ANTI",
            Some(JoinStrictness::Asof) => " ASOF",
        };
        let kind = match self.kind {
            JoinKind::Inner => " INNER",
            JoinKind::Left => " LEFT",
            JoinKind::Right => " RIGHT",
            JoinKind::Full => " FULL",
            JoinKind::Cross => " CROSS",
            JoinKind::Paste => " PASTE",
            JoinKind::Comma => "",
        };
        write!(f, "{strictness}{kind} JOIN {}", self.table)?;
        match &self.on {
            JoinOn::None => Ok(()),
            JoinOn::On(expr) => write!(f, " ON {}", SqlText(expr)),
            JoinOn::Using(columns) => {
                f.write_str(" USING (")?;
                exprs(f, columns)?;
                f.write_char(')')
            }
        }
    }
}

impl Display for TableExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.source {
            TableSource::Name(name) => name.fmt(f)?,
            TableSource::Query(query) => write!(f, "({query})")?,
            TableSource::Join(from) => write!(f, "({from})")?,
            TableSource::Function { name, args } => {
                write!(f, "{name}(")?;
                exprs(f, args)?;
                f.write_char(')')?;
            }
        }
        if let Some(alias) = &self.alias {
            write!(f, " AS {}", name_text(alias))?;
        }
        if !self.columns.is_empty() {
            f.write_str(" (")?;
            join(f, self.columns.iter().map(|c| name_text(c)), ", ")?;
            f.write_char(')')?;
        }
        if self.is_final {
            f.write_str(" FINAL")?;
        }
        match &self.sample {
            None => Ok(()),
            Some((ratio, offset)) => {
                write!(f, " SAMPLE {}", SqlText(ratio))?;
                offset
                    .as_ref()
                    .map_or(Ok(()), |o| write!(f, " OFFSET {}", SqlText(o)))
            }
        }
    }
}
