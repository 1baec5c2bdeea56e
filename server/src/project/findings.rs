//! What is wrong or doubtful with a pipe: for `roost check`, and for the reply to a push.
//!
//! Invariant: nothing runs and nothing changes; each finding says which node, and which line of its SQL
//! when that is known.

use std::sync::Arc;

use roost::parse::ast::{Expr, From, JoinItem, Query, QueryBody, TableExpr, TableSource, With};
use roost::parse::walk::{Found, walk};
use roost::parse::{parse_expression, parse_query};
use roost_engine::error::{Code, Error};

use super::copies::{COPY, CopyMode, MODE, SINK, TARGET};
use super::materialize::MATERIALIZED;
use super::model::{DataSource, Node, Pipe};
use super::resolve::{Request, Resolver, Root};
use super::service::service_tables;
use super::state::{Project, Snapshot};
use crate::store::{SERVICE_DATABASE, timestamp};
use crate::template::{Inputs, Mode, Variables};
use crate::tokens::Access;

/// Something wrong or doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The node's name.
    pub node: String,
    /// Line of the node's SQL, from one.
    pub line: Option<usize>,
    /// The directive it is about, in lower case, when it is not about the SQL.
    pub key: Option<&'static str>,
    /// It can never work; else it works and probably does not what is meant.
    pub is_error: bool,
    /// What was found and what was expected.
    pub message: String,
}

/// Errors that say that something named is not there.
const NAMES: [Code; 4] = [
    Code::UNKNOWN_TABLE,
    Code::UNKNOWN_DATABASE,
    Code::UNKNOWN_IDENTIFIER,
    Code::UNKNOWN_FUNCTION,
];

impl Project {
    /// Looks at every node of a pipe.
    pub fn findings(self: &Arc<Self>, pipe: &Pipe) -> Vec<Finding> {
        let mut state = Snapshot::clone(&self.snapshot());
        let own = (pipe.name.clone(), Arc::new(pipe.clone()));
        state.pipes.insert(own.0, own.1);
        let state = Arc::new(state);
        let mut out: Vec<Finding> = Vec::new();
        for node in &pipe.nodes {
            let reads = self.dependencies(node);
            // What a node finds wrong, all that read it would find again.
            let wrong = |f: &Finding| f.is_error && f.node != node.name && reads.contains(&f.node);
            let is_behind = out.iter().any(wrong);
            let mut look = Look {
                project: self,
                state: &state,
                pipe,
                node,
                found: Vec::new(),
            };
            look.at_all(is_behind);
            out.append(&mut look.found);
        }
        out
    }
}

/// One node that is looked at.
struct Look<'a> {
    project: &'a Arc<Project>,
    state: &'a Arc<Snapshot>,
    pipe: &'a Pipe,
    node: &'a Node,
    found: Vec<Finding>,
}

impl Look<'_> {
    fn at_all(&mut self, is_behind: bool) {
        if !self.is_read() || !self.names() {
            return;
        }
        let columns = match is_behind {
            true => None,
            false => self.columns(),
        };
        match self.node.kind.as_str() {
            MATERIALIZED => self.materialized(columns.as_deref()),
            COPY => self.copy(columns.as_deref()),
            SINK if self.node.setting("service").is_none() => {
                self.add(true, None, "the sink names no service (EXPORT_SERVICE)");
            }
            _ => {}
        }
    }

    fn add(&mut self, is_error: bool, line: Option<usize>, message: impl Into<String>) {
        self.found.push(Finding {
            node: self.node.name.clone(),
            line,
            key: None,
            is_error,
            message: message.into(),
        });
    }

    fn about(&mut self, key: &'static str, is_error: bool, message: impl Into<String>) {
        self.add(is_error, None, message);
        if let Some(last) = self.found.last_mut() {
            last.key = Some(key);
        }
    }

    /// Whether the text, and every branch of a template, can be parsed.
    fn is_read(&mut self) -> bool {
        let Some(body) = self.node.sql.trim_start().strip_prefix('%') else {
            return match parse_query(&self.node.sql) {
                Ok(_) => true,
                Err(e) => {
                    self.add(true, line_of(&e), e.message().to_owned());
                    false
                }
            };
        };
        let template = match self.project.template(body) {
            Ok(template) => template,
            Err(e) => {
                self.add(true, e.line, e.message);
                return false;
            }
        };
        let variables = Variables::new();
        let arms = (0..template.arms().min(32)).map(Mode::Arm);
        for mode in std::iter::once(Mode::Check).chain(arms) {
            let rendered = template.render(&Inputs {
                variables: &variables,
                secrets: &self.state.secret_names(),
                mode,
                now: "2019-01-01 00:00:00",
            });
            let rendered = match rendered {
                Ok(rendered) => rendered,
                // A branch that refuses its request is as it should be.
                Err(e) if e.line.is_none() || e.required => continue,
                Err(e) => {
                    self.add(true, e.line, e.message);
                    return false;
                }
            };
            let Err(e) = parse_query(&rendered.sql) else {
                continue;
            };
            if let Mode::Arm(n) = mode {
                // Each `if` takes this arm at once: some of them may never meet.
                let n = n + 1;
                let message = format!("branch {n} of the template does not parse: {}", e.message());
                self.add(false, line_of(&e), message);
                return true;
            }
            let message = format!("the template does not parse: {}", e.message());
            self.add(true, line_of(&e), message);
            return false;
        }
        true
    }

    /// Whether everything that any branch reads is there.
    fn names(&mut self) -> bool {
        let before = self.found.len();
        for name in self.project.dependencies(self.node).iter() {
            if !self.is_known(name) {
                let line = line_naming(&self.node.sql, name);
                self.add(true, line, format!("it reads {name}, which is not there"));
            }
        }
        self.found.len() == before
    }

    fn is_known(&self, name: &str) -> bool {
        let sibling = |n: &Node| n.name == name && n.name != self.node.name;
        let quarantined = name.strip_suffix("_quarantine").unwrap_or(name);
        if name == "_" || self.pipe.nodes.iter().any(sibling) {
            return true;
        }
        match name.split_once('.') {
            Some((SERVICE_DATABASE, table)) => service_tables().any(|t| t == table),
            // Shared by another workspace, or the database's own: only the server knows.
            Some(_) => true,
            None => {
                self.state.pipes.contains_key(name)
                    || self.state.data_sources.contains_key(quarantined)
            }
        }
    }

    /// Columns of the node's result, when it can be bound without parameters.
    fn columns(&mut self) -> Option<Vec<(String, String)>> {
        match self.project.describe(self.state, self.pipe, self.node)? {
            Ok(columns) => Some(columns),
            Err(e) => {
                // With parameters a type may be another one.
                if NAMES.contains(&e.code()) || !self.has_templates() {
                    let line = named_in(e.message()).and_then(|n| line_naming(&self.node.sql, n));
                    self.add(true, line, format!("{} ({})", e.message(), e.code().name()));
                }
                None
            }
        }
    }

    fn resolver(&self) -> Resolver {
        Resolver::new(
            self.project,
            Request {
                access: Access::admin(),
                variables: Variables::new(),
                root: Root::Caller,
                pipeline: None,
                now: timestamp(),
            },
        )
    }

    /// Whether the node, or one that it reads, is a template.
    fn has_templates(&self) -> bool {
        let mut todo: Vec<(&Pipe, &Node)> = vec![(self.pipe, self.node)];
        let mut seen: Vec<&str> = Vec::new();
        while let Some((pipe, node)) = todo.pop() {
            if node.sql.trim_start().starts_with('%') {
                return true;
            }
            if seen.contains(&node.id.as_str()) {
                continue;
            }
            seen.push(&node.id);
            for name in self.project.dependencies(node).iter() {
                let sibling = pipe
                    .nodes
                    .iter()
                    .find(|n| n.name == *name && n.id != node.id);
                let other = self.state.pipes.get(name);
                match (sibling, other) {
                    (Some(sibling), _) => todo.push((pipe, sibling)),
                    (None, Some(other)) => todo.extend(other.output_node().map(|n| (&**other, n))),
                    (None, None) => {}
                }
            }
        }
        false
    }

    fn materialized(&mut self, columns: Option<&[(String, String)]>) {
        let Some(name) = self.node.view_target().map(str::to_owned) else {
            return self.about("type", true, "a materialized node needs a DATASOURCE");
        };
        let engine = self.node.setting("engine").is_some();
        match self.state.data_source(&name).cloned() {
            Some(target) => self.against("datasource", &target, columns),
            None if engine => {}
            None => self.about(
                "datasource",
                false,
                format!(
                    "Data Source {name} is not there; it would be made from the node's columns"
                ),
            ),
        }
    }

    fn copy(&mut self, columns: Option<&[(String, String)]>) {
        let Some(name) = self.node.setting(TARGET).map(str::to_owned) else {
            return self.about("type", true, "a copy node needs a TARGET_DATASOURCE");
        };
        let mode = self
            .node
            .setting(MODE)
            .map_or(Ok(CopyMode::Append), CopyMode::parse);
        if let Err(e) = &mode {
            self.about("copy_mode", true, e.to_string());
        }
        let Some(target) = self.state.data_source(&name).cloned() else {
            let message = format!("it copies into {name}, which is not there");
            return self.about("target_datasource", true, message);
        };
        self.against("target_datasource", &target, columns);
        for column in partition_columns(&target) {
            let has = |c: &(String, String)| c.0 == column;
            if columns.is_some_and(|all| !all.iter().any(has)) {
                self.add(
                    false,
                    None,
                    format!(
                        "the copy leaves out {column}, by which {name} is partitioned: all its \
                         rows go into one partition"
                    ),
                );
            }
        }
        if mode.as_ref().ok() == Some(&CopyMode::Incremental)
            && let Ok(query) = self.resolver().inline(self.pipe, self.node)
            && let Err(e) = self.project.increment_source(&query, &target)
        {
            self.about("copy_mode", true, e.to_string());
        }
        if mode.ok() == Some(CopyMode::Replace) && self.keeps_only_new_rows(&target.name) {
            self.about(
                "copy_mode",
                false,
                format!(
                    "the copy replaces {name} with rows that it only compares with {name}: what is \
                     there is lost; append, or read {name} in a UNION ALL"
                ),
            );
        }
    }

    /// Whether the query looks at its own target and takes no rows of it.
    fn keeps_only_new_rows(&self, target: &str) -> bool {
        let Ok(query) = self.resolver().inline(self.pipe, self.node) else {
            return false;
        };
        let mut query = Query::clone(&query);
        let mut reads = false;
        let _ = walk(&mut query, &mut |found| {
            if let Found::Table(table) = found
                && let TableSource::Name(name) = &table.source
            {
                reads |= name.name == target;
            }
            Ok(())
        });
        reads && !gives_rows(&query.body, target, &[])
    }

    /// Holds the node's columns against those of a data source, by name and type.
    fn against(
        &mut self,
        key: &'static str,
        target: &DataSource,
        columns: Option<&[(String, String)]>,
    ) {
        let Some(columns) = columns else { return };
        for (name, ty) in columns {
            let Some(column) = target.columns.iter().find(|c| c.name == *name) else {
                let line = line_naming(&self.node.sql, name);
                let message = format!("column {name} is not in Data Source {}", target.name);
                self.add(true, line, message);
                continue;
            };
            if !fits(ty, &column.ty) {
                let is_state = ty.contains("AggregateFunction(");
                let line = line_naming(&self.node.sql, name);
                let message = format!(
                    "column {name} is {ty}, in Data Source {} it is {}",
                    target.name, column.ty
                );
                self.add(
                    is_state != column.ty.contains("AggregateFunction("),
                    line,
                    message,
                );
            }
        }
        for column in &target.columns {
            let given = columns.iter().any(|(name, _)| *name == column.name);
            if !given && column.default.is_none() {
                let (name, target) = (&column.name, &target.name);
                let message = format!("column {name} of Data Source {target} is not in the result");
                self.about(key, false, message);
            }
        }
    }
}

fn line_of(e: &Error) -> Option<usize> {
    e.position().map(|p| p.line as usize)
}

/// The first line that has the name as a word.
fn line_naming(sql: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let has = |line: &str| {
        line.match_indices(name).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + name.len()..].chars().next();
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    };
    sql.trim_start().lines().position(has).map(|at| at + 1)
}

/// What a message puts in quotes first.
fn named_in(message: &str) -> Option<&str> {
    let quoted = |quote: char| message.split(quote).nth(1);
    quoted('`').or_else(|| quoted('\''))
}

/// Types without the spaces of their texts, LowCardinality and the names of engines' wrappers.
fn same_type(a: &str, b: &str) -> bool {
    let plain = |ty: &str| {
        let mut out: String = ty.split_whitespace().collect();
        while let Some(at) = out.find("LowCardinality(") {
            let inside = at + "LowCardinality(".len();
            let mut depth = 1;
            let end = out[inside..].char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth == 0
            });
            let Some((end, _)) = end else { break };
            out.remove(inside + end);
            out.replace_range(at..inside, "");
        }
        match out.strip_prefix("SimpleAggregateFunction(") {
            Some(rest) => rest
                .split_once(',')
                .map_or(rest, |(_, ty)| ty)
                .trim_end_matches(')')
                .to_owned(),
            None => out.trim_end_matches(')').to_owned(),
        }
    };
    plain(a) == plain(b)
}

/// Whether every value of a type has its place in another.
fn fits(from: &str, to: &str) -> bool {
    let to_value = inside(to, "Nullable(");
    let from = match (inside(from, "Nullable("), to_value) {
        (Some(from), Some(_)) => from,
        (Some(_), None) => return same_type(from, to),
        (None, _) => from,
    };
    let to = to_value.unwrap_or(to);
    if let (Some(from), Some(to)) = (inside(from, "Array("), inside(to, "Array(")) {
        return fits(from, to);
    }
    let is_count = |ty: &str| ty.starts_with("AggregateFunction(count");
    same_type(from, to)
        || from.contains("Nothing")
        || is_count(from) && is_count(to)
        || match (number(from), number(to)) {
            (Some((signed, bits)), Some((true, more))) => bits + u32::from(!signed) <= more,
            (Some((signed, bits)), Some((false, more))) => !signed && bits <= more,
            (Some(_), None) => to == "Float64",
            (None, _) => from == "Float32" && to == "Float64",
        }
}

fn inside<'a>(ty: &'a str, wrapper: &str) -> Option<&'a str> {
    ty.strip_prefix(wrapper)?.strip_suffix(')')
}

/// Whether an integer has a sign, and its bits.
fn number(ty: &str) -> Option<(bool, u32)> {
    let signed = ty.strip_prefix("Int").map(|bits| (true, bits));
    let found = signed.or_else(|| ty.strip_prefix("UInt").map(|bits| (false, bits)));
    found.and_then(|(signed, bits)| Some((signed, bits.parse().ok()?)))
}

/// Columns of a data source that its partition key names.
fn partition_columns(source: &DataSource) -> Vec<String> {
    let Some(key) = source.engine_arg("partition_key") else {
        return Vec::new();
    };
    let mut out = Vec::new();
    let mut add = |e: &Expr| {
        if let Expr::Identifier(parts) = e
            && let [name] = &parts[..]
            && source.columns.iter().any(|c| c.name == *name)
            && !out.contains(name)
        {
            out.push(name.clone());
        }
    };
    if let Ok(expr) = parse_expression(key) {
        identifiers(&expr, &mut add);
    }
    out
}

fn identifiers(expr: &Expr, visit: &mut impl FnMut(&Expr)) {
    visit(expr);
    match expr {
        Expr::Function(f) => f.args.iter().for_each(|e| identifiers(e, visit)),
        Expr::Alias(inner, _) => identifiers(inner, visit),
        _ => {}
    }
}

/// Whether rows of `table` become rows of the result, rather than being looked at in a condition.
fn gives_rows(body: &QueryBody, table: &str, outer: &[(&str, &Query)]) -> bool {
    match body {
        QueryBody::Set { inputs, .. } => inputs.iter().any(|b| gives_rows(b, table, outer)),
        QueryBody::Nested(query) => gives_rows(&query.body, table, outer),
        QueryBody::Select(select) => {
            let mut known = outer.to_vec();
            for with in &select.with {
                if let With::Query { name, query, .. } = with {
                    known.push((name, query));
                }
            }
            let from = select.from.as_ref();
            from.is_some_and(|from| from_gives(from, table, &known))
        }
    }
}

fn from_gives(from: &From, table: &str, known: &[(&str, &Query)]) -> bool {
    let joined = from.joins.iter().filter_map(|j| match j {
        JoinItem::Join(join) => Some(&join.table),
        JoinItem::Array { .. } => None,
    });
    let mut all = std::iter::once(&from.first).chain(joined);
    all.any(|t: &TableExpr| match &t.source {
        TableSource::Name(name) => {
            let with = known.iter().rposition(|(n, _)| *n == name.name);
            match with.filter(|_| name.database.is_none()) {
                // What stands before it is what it may name.
                Some(at) => gives_rows(&known[at].1.body, table, &known[..at]),
                None => name.name == table,
            }
        }
        TableSource::Query(query) => gives_rows(&query.body, table, known),
        TableSource::Join(from) => from_gives(from, table, known),
        TableSource::Function { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_taken_are_told_from_rows_that_are_looked_at() {
        let gives = |sql: &str| gives_rows(&parse_query(sql).unwrap().body, "t", &[]);
        for sql in [
            "SELECT * FROM t",
            "SELECT * FROM s UNION ALL SELECT * FROM default.t",
            "WITH c AS (SELECT * FROM t) SELECT * FROM c",
            "SELECT * FROM s LEFT JOIN (SELECT * FROM t) AS x USING (id)",
        ] {
            assert!(gives(sql), "{sql}");
        }
        for sql in [
            "SELECT * FROM s WHERE at > (SELECT max(at) FROM t)",
            "SELECT * FROM s WHERE id NOT IN (SELECT id FROM t)",
            "WITH t AS (SELECT 1) SELECT * FROM t",
        ] {
            assert!(!gives(sql), "{sql}");
        }
    }

    #[test]
    fn types_are_the_same_whatever_their_wrappers() {
        for (a, b) in [
            ("String", "LowCardinality(String)"),
            ("Array(LowCardinality(String))", "Array( String )"),
            ("UInt64", "SimpleAggregateFunction(sum, UInt64)"),
        ] {
            assert!(same_type(a, b), "{a} {b}");
        }
        for (a, b) in [("UInt64", "UInt32"), ("Nullable(String)", "String")] {
            assert!(!same_type(a, b), "{a} {b}");
        }
    }

    #[test]
    fn wider_types_take_narrower_ones() {
        for (from, to) in [
            ("UInt8", "UInt64"),
            ("UInt8", "Int16"),
            ("Int32", "Nullable(Int64)"),
            ("UInt32", "Float64"),
            ("Array(Nothing)", "Array(String)"),
            (
                "AggregateFunction(count, UInt8)",
                "AggregateFunction(count)",
            ),
        ] {
            assert!(fits(from, to), "{from} {to}");
        }
        for (from, to) in [
            ("UInt64", "UInt8"),
            ("Int8", "UInt64"),
            ("UInt8", "Int8"),
            ("Nullable(UInt8)", "UInt8"),
            ("String", "Date"),
        ] {
            assert!(!fits(from, to), "{from} {to}");
        }
    }

    #[test]
    fn names_are_found_as_words() {
        assert_eq!(line_naming("SELECT\n ab,\n a\nFROM b", "a"), Some(3));
        assert_eq!(line_naming("SELECT 1", "a"), None);
    }
}
