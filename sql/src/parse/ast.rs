//! Our own syntax tree: what was written, in function style, before any name is resolved.
//!
//! Invariant: operators are functions here (`a + 1` is `plus(a, 1)`, CASE is `multiIf`,
//! `x::T` is `CAST(x, 'T')`), so that a column's default name is the printed tree, as in ClickHouse.
//! No type of the parsing library appears.

mod ddl;

pub use ddl::{
    AlterCommand, ColumnDef, CreateTable, CreateView, DefaultKind, Engine, IndexDef, Insert,
    InsertSource, TtlItem,
};

use crate::Value;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// SELECT and its set operations.
    Query(Box<Query>),
    /// INSERT; its data (if inline) stays in the text, see [`Insert::data_at`].
    Insert(Box<Insert>),
    /// CREATE TABLE.
    CreateTable(Box<CreateTable>),
    /// CREATE [MATERIALIZED] VIEW.
    CreateView(Box<CreateView>),
    /// CREATE DATABASE.
    CreateDatabase {
        /// Name.
        name: String,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP TABLE | VIEW | DATABASE.
    Drop {
        /// What kind was named.
        kind: ObjectKind,
        /// Names.
        names: Vec<TableName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// TRUNCATE TABLE.
    Truncate {
        /// Table.
        table: TableName,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// RENAME TABLE a TO b, ...
    Rename(Vec<(TableName, TableName)>),
    /// EXCHANGE TABLES a AND b.
    Exchange(TableName, TableName),
    /// ALTER TABLE.
    Alter {
        /// Table.
        table: TableName,
        /// Commands in order.
        commands: Vec<AlterCommand>,
    },
    /// DELETE FROM t WHERE.
    Delete {
        /// Table.
        table: TableName,
        /// Condition.
        predicate: Expr,
    },
    /// OPTIMIZE TABLE.
    Optimize {
        /// Table.
        table: TableName,
        /// PARTITION expression.
        partition: Option<Expr>,
        /// FINAL.
        is_final: bool,
    },
    /// SHOW ...
    Show(Show),
    /// DESCRIBE.
    Describe(Box<TableExpr>),
    /// EXISTS TABLE | DATABASE | VIEW.
    Exists {
        /// What kind was named.
        kind: ObjectKind,
        /// Name.
        name: TableName,
    },
    /// SHOW, DESCRIBE, EXISTS or EXPLAIN with a FORMAT behind it.
    Formatted(Box<Statement>, String),
    /// EXPLAIN.
    Explain {
        /// What to print.
        kind: ExplainKind,
        /// `name = value` options before the statement.
        options: Vec<(String, Value)>,
        /// Statement.
        statement: Box<Statement>,
    },
    /// SET a = 1, ...
    Set(Vec<Setting>),
    /// USE db.
    Use(String),
    /// KILL QUERY WHERE.
    KillQuery(Expr),
    /// SYSTEM STOP or START MERGES.
    Merges {
        /// STOP.
        stop: bool,
        /// Of one table, or of all.
        table: Option<TableName>,
    },
    /// Another SYSTEM ..., upper-case words.
    System(String),
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value (number, string, Bool as UInt).
    pub value: Value,
}

/// Kinds of object in DROP, EXISTS, SHOW CREATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum ObjectKind {
    Table,
    View,
    Database,
    Dictionary,
}

/// What EXPLAIN prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub enum ExplainKind {
    Ast,
    Syntax,
    QueryTree,
    Plan,
    Pipeline,
    Estimate,
}

/// SHOW statements.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub enum Show {
    Databases {
        like: Option<String>,
    },
    Tables {
        database: Option<String>,
        like: Option<String>,
    },
    Columns {
        table: TableName,
    },
    Create {
        kind: ObjectKind,
        name: TableName,
    },
    ProcessList,
    Functions {
        like: Option<String>,
    },
    Settings {
        like: Option<String>,
    },
}

/// `[database.]name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    /// Database, when written.
    pub database: Option<String>,
    /// Name.
    pub name: String,
}

/// A query: one SELECT or a set operation, with what stands behind the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// SELECT or set operation.
    pub body: QueryBody,
    /// SETTINGS behind the whole (or the last SELECT's).
    pub settings: Vec<Setting>,
    /// FORMAT.
    pub format: Option<String>,
    /// INTO OUTFILE.
    pub outfile: Option<String>,
}

/// SELECT or set operation.
#[derive(Debug, Clone, PartialEq)]
pub enum QueryBody {
    /// One SELECT. ORDER BY and LIMIT belong to it, also when it is the last of a UNION.
    Select(Box<Select>),
    /// Inputs under one operation; `a UNION ALL b UNION ALL c` has three.
    Set {
        /// Operation.
        op: SetOp,
        /// At least two; INTERSECT and EXCEPT have exactly two.
        inputs: Vec<QueryBody>,
    },
    /// In parentheses.
    Nested(Box<Query>),
}

/// Set operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum SetOp {
    UnionAll,
    UnionDistinct,
    Intersect,
    IntersectDistinct,
    Except,
    ExceptDistinct,
}

/// One SELECT.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Select {
    /// WITH items in order.
    pub with: Vec<With>,
    /// WITH RECURSIVE.
    pub recursive: bool,
    /// DISTINCT.
    pub distinct: Distinct,
    /// Select list; [`Expr::Alias`] where AS was written.
    pub items: Vec<Expr>,
    /// FROM with all its joins.
    pub from: Option<From>,
    /// PREWHERE.
    pub prewhere: Option<Expr>,
    /// WHERE.
    pub filter: Option<Expr>,
    /// GROUP BY.
    pub group_by: GroupBy,
    /// WITH TOTALS.
    pub with_totals: bool,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW name AS (...).
    pub windows: Vec<(String, WindowSpec)>,
    /// QUALIFY.
    pub qualify: Option<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderBy>,
    /// ORDER BY ALL.
    pub order_by_all: bool,
    /// INTERPOLATE of WITH FILL: column and expression (none: the previous value).
    pub interpolate: Option<Vec<(String, Option<Expr>)>>,
    /// LIMIT [offset,] n BY columns.
    pub limit_by: Option<LimitBy>,
    /// LIMIT.
    pub limit: Option<Expr>,
    /// OFFSET.
    pub offset: Option<Expr>,
    /// WITH TIES.
    pub with_ties: bool,
    /// SETTINGS.
    pub settings: Vec<Setting>,
}

/// DISTINCT of a SELECT.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Distinct {
    /// Not written.
    #[default]
    No,
    /// DISTINCT.
    All,
    /// DISTINCT ON (...).
    On(Vec<Expr>),
}

/// An item of WITH.
#[derive(Debug, Clone, PartialEq)]
pub enum With {
    /// `expr AS name`, a scalar subquery among them.
    Expr {
        /// Name.
        name: String,
        /// Expression.
        expr: Expr,
    },
    /// `name AS (SELECT ...)`.
    Query {
        /// Name.
        name: String,
        /// Column names, when given.
        columns: Vec<String>,
        /// Query.
        query: Box<Query>,
    },
}

/// GROUP BY.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupBy {
    /// Expressions; none means no GROUP BY was written.
    Exprs(Vec<Expr>),
    /// GROUP BY ALL.
    All,
    /// GROUP BY ROLLUP(...) or ... WITH ROLLUP.
    Rollup(Vec<Expr>),
    /// GROUP BY CUBE(...) or ... WITH CUBE.
    Cube(Vec<Expr>),
    /// GROUP BY GROUPING SETS (...).
    Sets(Vec<Vec<Expr>>),
}

impl Default for GroupBy {
    fn default() -> Self {
        GroupBy::Exprs(Vec::new())
    }
}

/// ORDER BY item.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderBy {
    /// Key.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST / LAST, when written.
    pub nulls_first: Option<bool>,
    /// COLLATE.
    pub collate: Option<String>,
    /// WITH FILL.
    pub fill: Option<Fill>,
}

/// WITH FILL FROM .. TO .. STEP ..
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub struct Fill {
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub step: Option<Expr>,
    pub staleness: Option<Expr>,
}

/// LIMIT BY.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitBy {
    /// Rows of each group.
    pub limit: Expr,
    /// Rows to skip of each group.
    pub offset: Option<Expr>,
    /// Group.
    pub by: Vec<Expr>,
}

/// FROM: a first table and what is joined to it, left to right.
#[derive(Debug, Clone, PartialEq)]
pub struct From {
    /// First table.
    pub first: TableExpr,
    /// Joins in order.
    pub joins: Vec<JoinItem>,
}

/// An item of a join chain.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinItem {
    /// A join with a table.
    Join(Box<Join>),
    /// [LEFT] ARRAY JOIN.
    Array {
        /// LEFT.
        left: bool,
        /// Arrays, with aliases where written.
        exprs: Vec<Expr>,
    },
}

/// A join with a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Kind; a comma is `Comma`.
    pub kind: JoinKind,
    /// Strictness, when written.
    pub strictness: Option<JoinStrictness>,
    /// Right side.
    pub table: TableExpr,
    /// ON or USING.
    pub on: JoinOn,
}

/// Kinds of join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
    Comma,
    Paste,
}

/// Strictness of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub enum JoinStrictness {
    All,
    Any,
    Semi,
    Anti,
    Asof,
}

/// Condition of a join.
#[derive(Debug, Clone, PartialEq)]
pub enum JoinOn {
    /// None was written.
    None,
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<Expr>),
}

/// Something in FROM.
#[derive(Debug, Clone, PartialEq)]
pub struct TableExpr {
    /// What it is.
    pub source: TableSource,
    /// Alias.
    pub alias: Option<String>,
    /// Column aliases behind the alias.
    pub columns: Vec<String>,
    /// FINAL.
    pub is_final: bool,
    /// SAMPLE ratio and offset.
    pub sample: Option<(Expr, Option<Expr>)>,
}

/// What a table expression reads.
#[derive(Debug, Clone, PartialEq)]
pub enum TableSource {
    /// A table, view or CTE by name.
    Name(TableName),
    /// `numbers(10)`; arguments may be subqueries.
    Function {
        /// Name.
        name: String,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// A subquery.
    Query(Box<Query>),
    /// Parentheses around a join tree.
    Join(Box<From>),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `a`, `t.a`, `db.t.a`, `tup.x`: parts as written, unquoted.
    Identifier(Vec<String>),
    /// A number, string or NULL. Bool literals carry `is_bool`.
    Literal(Literal),
    /// `{name:Type}`.
    Parameter {
        /// Name.
        name: String,
        /// Type text.
        ty: String,
    },
    /// A function, operator, aggregate or window function.
    Function(Box<Function>),
    /// `x -> e`, `(x, y) -> e`.
    Lambda {
        /// Parameters.
        params: Vec<String>,
        /// Body.
        body: Box<Expr>,
    },
    /// `(SELECT ...)`: a scalar, the right side of `in`, or the argument of `exists`.
    Subquery(Box<Query>),
    /// `*`, `t.*`, `COLUMNS('re')`.
    Matcher(Box<Matcher>),
    /// `expr AS name`.
    Alias(Box<Expr>, String),
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// NULL.
    Null,
    /// true, false.
    Bool(bool),
    /// A whole number that is not negative, at most 64 bits.
    UInt(u128),
    /// A negative whole number, at least -2^63.
    Int(i128),
    /// A number with a point, an exponent, or out of range.
    Float(f64),
    /// A string.
    String(Vec<u8>),
}

/// A function call or operator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Function {
    /// Name as written, or the operator's function: `plus`, `equals`, `and`, `in`, `notIn`,
    /// `like`, `concat` (`||`), `array` (`[..]`), `tuple` (`(..)`), `arrayElement`, `tupleElement`,
    /// `if` (`?:`), `multiIf`, `caseWithExpression`, `CAST`, `negate`, `not`, `isNull`,
    /// `toIntervalDay` (INTERVAL), `exists`, `between` is `and(greaterOrEquals, lessOrEquals)`.
    pub name: String,
    /// Whether operator syntax was written, so that printing can give it back.
    pub is_operator: bool,
    /// Parameters of a parametric aggregate.
    pub params: Option<Vec<Expr>>,
    /// Arguments.
    pub args: Vec<Expr>,
    /// `f(DISTINCT x)`.
    pub distinct: bool,
    /// `FILTER (WHERE ...)`.
    pub filter: Option<Expr>,
    /// `IGNORE NULLS` is false, `RESPECT NULLS` true.
    pub respect_nulls: Option<bool>,
    /// OVER.
    pub over: Option<Over>,
}

impl Expr {
    /// A plain call.
    pub fn call(name: impl Into<String>, args: Vec<Expr>) -> Expr {
        Expr::Function(Box::new(Function {
            name: name.into(),
            args,
            ..Function::default()
        }))
    }

    /// An operator as the function it stands for.
    pub fn operator(name: impl Into<String>, args: Vec<Expr>) -> Expr {
        Expr::Function(Box::new(Function {
            name: name.into(),
            is_operator: true,
            args,
            ..Function::default()
        }))
    }

    /// The expression without an alias at the top.
    pub fn unaliased(&self) -> &Expr {
        match self {
            Expr::Alias(inner, _) => inner.unaliased(),
            other => other,
        }
    }
}

/// OVER.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// A named window.
    Name(String),
    /// A window written in place.
    Spec(WindowSpec),
}

/// A window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowSpec {
    /// The window it extends.
    pub base: Option<String>,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderBy>,
    /// Frame, when written.
    pub frame: Option<Frame>,
}

/// Frame of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// ROWS (else RANGE).
    pub rows: bool,
    /// Start.
    pub start: FrameBound,
    /// End.
    pub end: FrameBound,
}

/// One end of a frame.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "SQL's own words")]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

/// `*` and its kin, with transformers.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    /// Table in front of the dot.
    pub table: Option<Vec<String>>,
    /// Which columns.
    pub kind: MatcherKind,
    /// EXCEPT, REPLACE, APPLY in order.
    pub transformers: Vec<Transformer>,
}

/// Which columns a matcher takes.
#[derive(Debug, Clone, PartialEq)]
pub enum MatcherKind {
    /// All.
    All,
    /// Those whose names match.
    Regex(String),
    /// Those named.
    Names(Vec<String>),
}

/// What is done with matched columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Transformer {
    /// All but these.
    Except(Vec<String>),
    /// All but those that match.
    ExceptRegex(String),
    /// These instead: expression and the column's name.
    Replace(Vec<(Expr, String)>),
    /// A function around each (name and parameters).
    Apply(String, Vec<Expr>),
    /// A lambda around each.
    ApplyLambda(Expr),
}
