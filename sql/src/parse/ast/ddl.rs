//! Nodes of INSERT, CREATE and ALTER.
//!
//! Invariant: clauses are kept as written; defaults are put in when they run.

use super::{Expr, Query, Setting, TableName};

/// INSERT.
#[derive(Debug, Clone, PartialEq)]
pub struct Insert {
    /// Target.
    pub table: TableName,
    /// Columns, when listed.
    pub columns: Vec<String>,
    /// `(* EXCEPT (...))`.
    pub except: Vec<String>,
    /// SETTINGS.
    pub settings: Vec<Setting>,
    /// Where rows come from.
    pub source: InsertSource,
    /// Offset in the statement's text at which inline data starts (VALUES and FORMAT).
    pub data_at: Option<usize>,
}

/// Where an INSERT's rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum InsertSource {
    /// VALUES: the data follows in the text (or comes as the request's body).
    Values,
    /// FORMAT name: likewise.
    Format(String),
    /// A query.
    Query(Box<Query>),
}

/// CREATE TABLE.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateTable {
    /// Name.
    pub name: Option<TableName>,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// OR REPLACE.
    pub or_replace: bool,
    /// TEMPORARY.
    pub temporary: bool,
    /// Columns.
    pub columns: Vec<ColumnDef>,
    /// INDEX clauses.
    pub indexes: Vec<IndexDef>,
    /// CONSTRAINT name CHECK expr.
    pub constraints: Vec<(String, Expr)>,
    /// PRIMARY KEY among the columns or behind the engine.
    pub primary_key: Option<Expr>,
    /// AS other table.
    pub like: Option<TableName>,
    /// AS SELECT.
    pub query: Option<Box<Query>>,
    /// Engine and its clauses.
    pub engine: Engine,
    /// COMMENT.
    pub comment: Option<String>,
}

/// ENGINE and what follows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Engine {
    /// Name; none: the default engine.
    pub name: Option<String>,
    /// Arguments.
    pub args: Vec<Expr>,
    /// PARTITION BY.
    pub partition_by: Option<Expr>,
    /// BUCKET BY key INTO n.
    pub bucket_by: Option<(Expr, u32)>,
    /// ORDER BY.
    pub order_by: Option<Expr>,
    /// SAMPLE BY.
    pub sample_by: Option<Expr>,
    /// TTL items.
    pub ttl: Vec<TtlItem>,
    /// SETTINGS.
    pub settings: Vec<Setting>,
}

/// One TTL.
#[derive(Debug, Clone, PartialEq)]
pub struct TtlItem {
    /// When a row expires.
    pub expr: Expr,
    /// WHERE.
    pub filter: Option<Expr>,
}

/// A column of CREATE TABLE or ALTER.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColumnDef {
    /// Name.
    pub name: String,
    /// Type text; none when it follows from the default.
    pub ty: Option<String>,
    /// `NULL` / `NOT NULL` behind the type.
    pub null: Option<bool>,
    /// DEFAULT, MATERIALIZED, ALIAS, EPHEMERAL.
    pub default: Option<(DefaultKind, Option<Expr>)>,
    /// CODEC(...) as text of its inside.
    pub codec: Option<String>,
    /// TTL.
    pub ttl: Option<Expr>,
    /// COMMENT.
    pub comment: Option<String>,
    /// `json:$.path` of a data file (only in data-source schemas).
    pub json_path: Option<String>,
}

/// Kinds of column default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub enum DefaultKind {
    Default,
    Materialized,
    Alias,
    Ephemeral,
}

/// INDEX clause.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDef {
    /// Name.
    pub name: String,
    /// Indexed expression.
    pub expr: Expr,
    /// Type with arguments, as text.
    pub ty: String,
    /// GRANULARITY.
    pub granularity: u64,
}

/// CREATE VIEW.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// Name.
    pub name: TableName,
    /// MATERIALIZED.
    pub materialized: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// OR REPLACE.
    pub or_replace: bool,
    /// TO table.
    pub to: Option<TableName>,
    /// Columns, when listed.
    pub columns: Vec<ColumnDef>,
    /// Engine of an inner table.
    pub engine: Engine,
    /// POPULATE.
    pub populate: bool,
    /// The SELECT.
    pub query: Box<Query>,
    /// The SELECT's text as written.
    pub query_text: String,
}

/// Commands of ALTER TABLE.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "ClickHouse's own words")]
pub enum AlterCommand {
    AddColumn {
        column: ColumnDef,
        after: Option<String>,
        first: bool,
        if_not_exists: bool,
    },
    DropColumn {
        name: String,
        if_exists: bool,
    },
    ModifyColumn {
        column: ColumnDef,
        if_exists: bool,
    },
    RenameColumn {
        from: String,
        to: String,
        if_exists: bool,
    },
    CommentColumn {
        name: String,
        comment: String,
    },
    ModifyTtl(Vec<TtlItem>),
    RemoveTtl,
    ModifySetting(Vec<Setting>),
    ModifyOrderBy(Expr),
    ModifyComment(String),
    AddIndex(IndexDef),
    DropIndex {
        name: String,
        if_exists: bool,
    },
    DropPartition(Expr),
    Delete(Expr),
    Update(Vec<(String, Expr)>, Expr),
    /// Anything else: its words.
    Other(String),
}
