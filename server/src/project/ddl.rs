//! Data sources as tables: creation, change, removal.
//!
//! Invariant: a stored data source always has its table; a failed creation leaves neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use roost_engine::catalog::Table;

use super::ingest::implicit_columns;
use super::model::{DataSource, StoredColumn};
use super::state::{Project, put};
use super::{ProjectError, Result, check_name};
use crate::datafile::{SchemaColumn, parse_schema};
use crate::store::{Store, quoted, timestamp};
use crate::tokens::new_id;

/// What is needed to make a data source.
#[derive(Debug, Clone, Default)]
pub struct NewDataSource {
    /// Name.
    pub name: String,
    /// For people.
    pub description: String,
    /// `csv`, `ndjson`, `kafka`, …
    pub kind: String,
    /// The schema's text.
    pub schema: String,
    /// The engine's name; empty is MergeTree.
    pub engine: String,
    /// `partition_key`, `sorting_key`, …
    pub engine_args: Vec<(String, String)>,
    /// `INDEX …` lines.
    pub indexes: Vec<String>,
    /// Other settings.
    pub settings: BTreeMap<String, String>,
}

/// What an ALTER would do.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// Statements without `ALTER TABLE name`, for people.
    pub operations: Vec<String>,
    /// The data source afterwards.
    pub after: Option<DataSource>,
}

impl NewDataSource {
    pub(super) fn build(self) -> Result<DataSource> {
        check_name(&self.name, "Data Source")?;
        let columns = read_schema(&self.schema)?;
        let now = timestamp();
        Ok(DataSource {
            id: new_id(),
            name: self.name,
            description: self.description,
            kind: if self.kind.is_empty() {
                "csv".to_owned()
            } else {
                self.kind
            },
            sql_schema: self.schema,
            columns,
            engine: if self.engine.is_empty() {
                "MergeTree".to_owned()
            } else {
                self.engine
            },
            engine_args: self.engine_args,
            indexes: self.indexes,
            settings: self.settings,
            created_at: now.clone(),
            updated_at: now,
            shared_with: Vec::new(),
        })
    }
}

fn read_schema(text: &str) -> Result<Vec<StoredColumn>> {
    let columns = parse_schema(text).map_err(|(message, line)| {
        ProjectError::Bad(format!("schema, line {}: {message}", line + 1))
    })?;
    if columns.is_empty() {
        return Err(ProjectError::Bad("the schema has no columns".to_owned()));
    }
    for (at, column) in columns.iter().enumerate() {
        if columns[..at].iter().any(|c| c.name == column.name) {
            return Err(ProjectError::Bad(format!(
                "the schema names column {} twice",
                column.name
            )));
        }
    }
    Ok(columns.into_iter().map(StoredColumn::from).collect())
}

/// The CREATE TABLE of a data source, under `name`.
pub fn create_table_sql(store: &Store, source: &DataSource, name: &str) -> String {
    let mut columns: Vec<String> = source
        .columns
        .iter()
        .map(|c| SchemaColumn::from(c).sql())
        .collect();
    let implicit = implicit_columns(source);
    columns.extend(implicit.iter().map(|c| format!("`{}` {}", c.name, c.ty)));
    for index in &source.indexes {
        let has_word = index
            .trim_start()
            .to_ascii_uppercase()
            .starts_with("INDEX ");
        columns.push(if has_word {
            index.clone()
        } else {
            format!("INDEX {index}")
        });
    }
    let arg = |key: &str| source.engine_arg(key);
    let args = match (source.engine.as_str(), arg("ver"), arg("is_deleted")) {
        ("ReplacingMergeTree", Some(ver), Some(deleted)) => format!("{ver}, {deleted}"),
        ("ReplacingMergeTree", Some(ver), None) => ver.to_owned(),
        ("CollapsingMergeTree", ..) => arg("sign").unwrap_or_default().to_owned(),
        ("VersionedCollapsingMergeTree", ..) => format!(
            "{}, {}",
            arg("sign").unwrap_or_default(),
            arg("version").unwrap_or_default()
        ),
        ("SummingMergeTree", ..) => arg("columns").unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let engine = if source.engine.contains('(') || args.is_empty() {
        source.engine.clone()
    } else {
        format!("{}({args})", source.engine)
    };
    let mut sql = format!(
        "CREATE TABLE {} ({}) ENGINE = {engine}",
        store.at(name),
        columns.join(", ")
    );
    if !source.engine.contains("MergeTree") {
        return sql;
    }
    if let Some(key) = arg("partition_key") {
        sql.push_str(&format!(" PARTITION BY ({key})"));
    }
    let (in_settings, settings) = buckets_of(arg("settings").unwrap_or_default());
    let own = arg("bucket_key").zip(arg("buckets"));
    let own = own.map(|(key, n)| (key.to_owned(), n.to_owned()));
    if let Some((key, n)) = own.or(in_settings) {
        sql.push_str(&format!(" BUCKET BY {key} INTO {n}"));
    }
    if let Some(key) = arg("primary_key") {
        sql.push_str(&format!(" PRIMARY KEY ({key})"));
    }
    let sorting = arg("sorting_key").or_else(|| arg("primary_key"));
    sql.push_str(&format!(
        " ORDER BY {}",
        key_list(sorting.unwrap_or("tuple()"))
    ));
    if let Some(key) = arg("sampling_key") {
        sql.push_str(&format!(" SAMPLE BY ({key})"));
    }
    if let Some(ttl) = arg("ttl").filter(|t| *t != "false") {
        sql.push_str(&format!(" TTL {ttl}"));
    }
    if !settings.is_empty() {
        sql.push_str(&format!(" SETTINGS {settings}"));
    }
    sql
}

/// The buckets among an engine's settings (`bucket_key = 'k', buckets = 10`), which is where clients that
/// do not know the options of their own let them through; and the other settings.
fn buckets_of(settings: &str) -> (Option<(String, String)>, String) {
    let value = |wanted: &str| {
        settings.split(',').find_map(|one| {
            let (name, value) = one.split_once('=')?;
            let value = value.trim().trim_matches('\'').to_owned();
            (name.trim() == wanted && !value.is_empty()).then_some(value)
        })
    };
    let Some(found) = value("bucket_key").zip(value("buckets")) else {
        return (None, settings.to_owned());
    };
    let is_other = |one: &&str| {
        let name = one.split('=').next().unwrap_or_default().trim();
        !matches!(name, "bucket_key" | "buckets" | "")
    };
    let rest: Vec<&str> = settings.split(',').filter(is_other).collect();
    (Some(found), rest.join(",").trim().to_owned())
}

fn key_list(key: &str) -> String {
    let key = key.trim();
    if key.starts_with('(') || key == "tuple()" {
        key.to_owned()
    } else {
        format!("({key})")
    }
}

fn create_quarantine_sql(store: &Store, source: &DataSource) -> String {
    let implicit = implicit_columns(source);
    let all = source.columns.iter().chain(&implicit);
    let mut columns: Vec<String> = all
        .map(|c| format!("{} Nullable(String)", quoted(&c.name)))
        .collect();
    columns.extend(
        [
            "c__error_column Array(String)",
            "c__error Array(String)",
            "c__import_id Nullable(String)",
            "insertion_date DateTime",
        ]
        .map(str::to_owned),
    );
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({}) ENGINE = MergeTree ORDER BY insertion_date",
        store.at(&source.quarantine()),
        columns.join(", ")
    )
}

impl Project {
    /// Makes a data source and its tables.
    pub fn create_data_source(&self, new: NewDataSource) -> Result<Arc<DataSource>> {
        let source = new.build()?;
        self.change(|state, store| {
            if state.data_sources.contains_key(&source.name) {
                return Err(ProjectError::Conflict(format!(
                    "Data Source \"{}\" already exists",
                    source.name
                )));
            }
            if state.pipes.contains_key(&source.name) {
                return Err(ProjectError::Conflict(format!(
                    "There is already a Pipe with name \"{}\"",
                    source.name
                )));
            }
            store.execute(&create_table_sql(store, &source, &source.name))?;
            let made = store
                .execute(&create_quarantine_sql(store, &source))
                .map_err(ProjectError::from)
                .and_then(|()| put(store, "datasource", &source.id, &source));
            if let Err(e) = made {
                drop_tables(store, &source);
                return Err(e);
            }
            let source = Arc::new(source);
            state
                .data_sources
                .insert(source.name.clone(), Arc::clone(&source));
            Ok(source)
        })
    }

    /// Removes a data source, its tables, and the scopes that speak of it.
    pub fn drop_data_source(self: &Arc<Self>, key: &str) -> Result<()> {
        let name = self.snapshot().data_source(key).map(|d| d.name.clone());
        for (pipe, node) in name.iter().flat_map(|n| self.fed_by(n)) {
            self.unlink_view(&pipe.name, &node)?;
        }
        self.change(|state, store| {
            let source = state.data_source(key).cloned();
            let source = source.ok_or_else(|| missing(key))?;
            store.save::<DataSource>("datasource", &source.id, None)?;
            drop_tables(store, &source);
            state.data_sources.remove(&source.name);
            super::pipes::forget_scopes(state, store, "DATASOURCES:", &source.name)
        })
    }

    /// Removes all rows; those set aside as well.
    pub fn truncate_data_source(&self, key: &str) -> Result<()> {
        let state = self.snapshot();
        let source = state.data_source(key).ok_or_else(|| missing(key))?;
        self.store
            .execute(&format!("TRUNCATE TABLE {}", self.store.at(&source.name)))?;
        let quarantine = self.store.at(&source.quarantine());
        Ok(self
            .store
            .execute(&format!("TRUNCATE TABLE IF EXISTS {quarantine}"))?)
    }

    /// Changes what needs no change of the table: description and other settings.
    pub fn update_data_source(
        &self,
        key: &str,
        update: impl FnOnce(&mut DataSource),
    ) -> Result<Arc<DataSource>> {
        self.change(|state, store| {
            let source = state.data_source(key).ok_or_else(|| missing(key))?;
            let mut next = DataSource::clone(source);
            update(&mut next);
            next.updated_at = timestamp();
            put(store, "datasource", &next.id, &next)?;
            let next = Arc::new(next);
            state
                .data_sources
                .insert(next.name.clone(), Arc::clone(&next));
            Ok(next)
        })
    }

    /// Exchanges the rows (and definitions) of two data sources at one instant. What reads into them
    /// goes on where it was, each with its rows.
    pub fn exchange_data_sources(&self, a: &str, b: &str) -> Result<()> {
        let tables: Vec<_> = [a, b].iter().filter_map(|n| self.table_of(n)).collect();
        let held = tables.iter().try_for_each(|t| self.store.hold_cursors(t));
        let done = held
            .map_err(ProjectError::from)
            .and_then(|()| self.exchange_held(a, b));
        for table in &tables {
            self.store.release_cursors(table)?;
        }
        done
    }

    /// The table of a data source.
    pub(super) fn table_of(&self, key: &str) -> Option<Arc<Table>> {
        let state = self.snapshot();
        self.store.table(&state.data_source(key)?.name)
    }

    /// The same for who holds their cursors.
    pub(super) fn exchange_held(&self, a: &str, b: &str) -> Result<()> {
        self.change(|state, store| {
            let first = state.data_source(a).cloned().ok_or_else(|| missing(a))?;
            let second = state.data_source(b).cloned().ok_or_else(|| missing(b))?;
            let next =
                [(&first, &second), (&second, &first)].map(|(keeps_name, gives)| DataSource {
                    id: keeps_name.id.clone(),
                    name: keeps_name.name.clone(),
                    updated_at: timestamp(),
                    ..DataSource::clone(gives)
                });
            // In the step of the tables: what a restart finds fits them.
            let values = next
                .iter()
                .map(|d| store.entry("datasource", &d.id, Some(d)))
                .collect::<std::result::Result<Vec<_>, _>>()?;
            let full = |name: &str| (store.data().to_owned(), name.to_owned());
            let engine = store.database().engine();
            engine.exchange_fenced(&full(&first.name), &full(&second.name), values, &|| true)?;
            for next in next {
                state.data_sources.insert(next.name.clone(), Arc::new(next));
            }
            Ok(())
        })
    }

    /// What a changed schema, description, TTL or list of indexes would do; nothing is done.
    pub fn plan_alter(&self, key: &str, changes: &BTreeMap<String, String>) -> Result<Operations> {
        let state = self.snapshot();
        let source = state.data_source(key).ok_or_else(|| missing(key))?;
        let mut after = DataSource::clone(source);
        let mut operations = Vec::new();
        if let Some(schema) = changes.get("schema").filter(|s| **s != source.sql_schema) {
            let columns = read_schema(schema)?;
            operations.extend(column_operations(&source.columns, &columns));
            after.sql_schema.clone_from(schema);
            after.columns = columns;
        }
        if let Some(ttl) = changes.get("ttl") {
            let old = source.engine_arg("ttl").unwrap_or("false");
            if ttl != old {
                after.engine_args.retain(|(k, _)| k != "ttl");
                if ttl == "false" {
                    operations.push("REMOVE TTL".to_owned());
                } else {
                    operations.push(format!("MODIFY TTL {ttl}"));
                    after.engine_args.push(("ttl".to_owned(), ttl.clone()));
                }
            }
        }
        if let Some(indexes) = changes.get("indexes") {
            let wanted: Vec<String> = if indexes == "0" {
                Vec::new()
            } else {
                indexes
                    .lines()
                    .map(|l| l.trim().to_owned())
                    .filter(|l| !l.is_empty())
                    .collect()
            };
            operations.extend(index_operations(&source.indexes, &wanted));
            after.indexes = wanted;
        }
        if let Some(description) = changes.get("description")
            && *description != source.description
        {
            operations.push(format!("MODIFY COMMENT '{description}'"));
            after.description.clone_from(description);
        }
        if operations.is_empty() && after == **source {
            return Err(ProjectError::Bad(
                "There were no operations to perform".to_owned(),
            ));
        }
        Ok(Operations {
            operations,
            after: Some(after),
        })
    }

    /// Does what [`plan_alter`](Project::plan_alter) says.
    pub fn alter_data_source(
        &self,
        key: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<(Operations, Arc<DataSource>)> {
        let plan = self.plan_alter(key, changes)?;
        let Some(mut after) = plan.after.clone() else {
            return Err(missing(key));
        };
        self.change(|state, store| {
            let table = store.at(&after.name);
            let commands: Vec<&str> = plan
                .operations
                .iter()
                .map(String::as_str)
                .filter(|o| !o.starts_with("MODIFY COMMENT"))
                .collect();
            if !commands.is_empty() {
                store.execute(&format!("ALTER TABLE {table} {}", commands.join(", ")))?;
            }
            for column in commands
                .iter()
                .filter_map(|c| c.strip_prefix("ADD COLUMN "))
            {
                let name = column.split('`').nth(1).unwrap_or_default();
                let after_name = store.at(&after.quarantine());
                store.execute(&format!(
                    "ALTER TABLE {after_name} ADD COLUMN IF NOT EXISTS {} Nullable(String)",
                    quoted(name)
                ))?;
            }
            after.updated_at = timestamp();
            put(store, "datasource", &after.id, &after)?;
            let after = Arc::new(after);
            state
                .data_sources
                .insert(after.name.clone(), Arc::clone(&after));
            Ok((plan, after))
        })
    }
}

fn missing(key: &str) -> ProjectError {
    ProjectError::NotFound(format!("Data Source \"{key}\" does not exist"))
}

fn drop_tables(store: &Store, source: &DataSource) {
    let cursors = store.table(&source.name).map(|t| store.without_cursors(&t));
    for name in [source.name.clone(), source.quarantine()] {
        let sql = format!("DROP TABLE IF EXISTS {}", store.at(&name));
        if let Err(e) = store.execute(&sql) {
            tracing::error!("cannot drop table {name}: {e}");
        }
    }
    if let Some(cursors) = cursors.filter(|c| !c.is_empty())
        && let Err(e) = store.save_all(cursors)
    {
        tracing::error!("cannot forget how far {} had read: {e}", source.name);
    }
}

/// Commands that turn one list of columns into the other.
fn column_operations(old: &[StoredColumn], new: &[StoredColumn]) -> Vec<String> {
    let find = |list: &[StoredColumn], name: &str| list.iter().position(|c| c.name == name);
    let sql = |c: &StoredColumn| SchemaColumn::from(c).sql();
    let mut out = Vec::new();
    for (at, column) in new.iter().enumerate() {
        match find(old, &column.name).and_then(|i| old.get(i)) {
            None => {
                let place = match at.checked_sub(1).and_then(|i| new.get(i)) {
                    Some(before) => format!(" AFTER {}", quoted(&before.name)),
                    None => " FIRST".to_owned(),
                };
                out.push(format!("ADD COLUMN {}{place}", sql(column)));
            }
            Some(before) if sql(before) != sql(column) => {
                out.push(format!("MODIFY COLUMN {}", sql(column)));
            }
            Some(_) => {}
        }
    }
    for column in old {
        if find(new, &column.name).is_none() {
            out.push(format!("DROP COLUMN {}", quoted(&column.name)));
        }
    }
    out
}

fn index_operations(old: &[String], new: &[String]) -> Vec<String> {
    let name = |line: &str| {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        if first.eq_ignore_ascii_case("INDEX") {
            words.next().unwrap_or_default().to_owned()
        } else {
            first.to_owned()
        }
    };
    let gone = old.iter().filter(|o| !new.contains(o));
    let come = new.iter().filter(|n| !old.contains(n));
    gone.map(|o| format!("DROP INDEX {}", quoted(&name(o))))
        .chain(come.map(|n| format!("ADD {n}")))
        .collect()
}
