//! Changes of the catalog: databases and tables come, go and change names.
//!
//! Invariant: one change at a time; each is one commit, and names change when it is durable.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::commit::Request;
use super::transaction::put_values;
use super::{AllNames, Engine, Inner, Layout, Names, Table, TableDefinition};
use crate::err;
use crate::error::{Error, Result};
use crate::log::Edit;
use crate::table::PartList;

/// What CREATE does when there is such a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CreateMode {
    /// It fails.
    #[default]
    Fail,
    /// It keeps the old table.
    IfNotExists,
    /// It replaces the old table, with its rows, in one step.
    OrReplace,
}

/// Database and name of a table.
pub type TableName = (String, String);

impl AllNames {
    /// What the store itself (0) or a branch names.
    pub(super) fn of(&self, branch: u64) -> Result<&Names> {
        let found = self.branches.get(&branch);
        found.ok_or_else(|| {
            err!(
                UNKNOWN_DATABASE,
                "the branch does not exist: it was dropped"
            )
        })
    }

    /// All tables, those of branches too.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.branches.values().flat_map(Names::tables)
    }
}

impl Names {
    /// All tables, sorted by database and name.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.databases.values().flat_map(BTreeMap::values)
    }

    pub(super) fn database(&self, name: &str) -> Result<&BTreeMap<String, Arc<Table>>> {
        let found = self.databases.get(name);
        found.ok_or_else(|| err!(UNKNOWN_DATABASE, "Database {name} does not exist"))
    }

    pub(super) fn table(&self, database: &str, name: &str) -> Result<Arc<Table>> {
        let found = self.database(database)?.get(name).cloned();
        found.ok_or_else(|| unknown_table(database, name))
    }
}

fn unknown_table(database: &str, name: &str) -> Error {
    err!(UNKNOWN_TABLE, "Table {database}.{name} does not exist")
}

impl Engine {
    /// Creates a database.
    ///
    /// # Errors
    /// DATABASE_ALREADY_EXISTS.
    pub fn create_database(&self, name: &str, if_not_exists: bool) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        if inner
            .names
            .read()
            .of(self.branch)?
            .databases
            .contains_key(name)
        {
            return if if_not_exists {
                Ok(())
            } else {
                Err(err!(
                    DATABASE_ALREADY_EXISTS,
                    "Database {name} already exists"
                ))
            };
        }
        let mut request = Request::default();
        show_database(&mut request, self.branch, name, true);
        inner.commit(request).map(|_| ())
    }

    /// Drops a database with all its tables. `default` stays, empty.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE.
    pub fn drop_database(&self, name: &str, if_exists: bool) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let tables: Vec<Arc<Table>> = match inner.names.read().of(self.branch)?.database(name) {
            Ok(tables) => tables.values().cloned().collect(),
            Err(_) if if_exists => return Ok(()),
            Err(e) => return Err(e),
        };
        let mut request = Request::default();
        tables.into_iter().for_each(|t| drop_one(&mut request, t));
        if name != "default" {
            show_database(&mut request, self.branch, name, false);
        }
        if request.is_empty() {
            return Ok(());
        }
        inner.commit(request).map(|_| ())
    }

    /// Creates a table.
    ///
    /// # Errors
    /// UNKNOWN_DATABASE, TABLE_ALREADY_EXISTS, and what is wrong with the definition.
    pub fn create_table(
        &self,
        mut definition: TableDefinition,
        mode: CreateMode,
    ) -> Result<Arc<Table>> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let (database, name) = (definition.database.clone(), definition.name.clone());
        let branch = self.branch;
        let old = {
            let names = inner.names.read();
            names.of(branch)?.database(&database)?.get(&name).cloned()
        };
        let mut request = Request::default();
        match (old, mode) {
            (None, _) => {}
            (Some(old), CreateMode::IfNotExists) => return Ok(old),
            (Some(_), CreateMode::Fail) => {
                return Err(err!(
                    TABLE_ALREADY_EXISTS,
                    "Table {database}.{name} already exists"
                ));
            }
            (Some(old), CreateMode::OrReplace) => drop_one(&mut request, old),
        }
        let layout = Arc::new(Layout::compile(&definition, inner.compiler.as_ref())?);
        definition.uid = inner.next_table.fetch_add(1, Ordering::Relaxed);
        if definition.uuid == 0 {
            definition.uuid = new_uuid(inner);
        }
        request.within(branch);
        request.edit(Edit::Define {
            table: definition.uid,
            definition: definition.encode(),
            reshaped: true,
        });
        let definition = Arc::new(definition);
        request.show(move |inner, commit| {
            let (uid, parts) = (definition.uid, PartList::default());
            let table = Table::new(uid, Arc::clone(&definition), layout, commit, parts, commit);
            let table = Arc::new(table.of_branch(branch));
            let mut names = inner.names.write();
            let own = names.branches.entry(branch).or_default();
            let tables = own.databases.entry(definition.database.clone());
            tables.or_default().insert(definition.name.clone(), table);
            drop(names);
            inner.meanings_changed();
            Vec::new()
        });
        inner.commit(request)?;
        inner.names.read().of(branch)?.table(&database, &name)
    }

    /// Drops a table with its rows.
    ///
    /// # Errors
    /// UNKNOWN_TABLE.
    pub fn drop_table(&self, database: &str, name: &str) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let table = inner.names.read().of(self.branch)?.table(database, name)?;
        let mut request = Request::default();
        drop_one(&mut request, table);
        inner.commit(request).map(|_| ())
    }

    /// Gives tables other names (and databases), all in one step, in order.
    ///
    /// # Errors
    /// UNKNOWN_TABLE, UNKNOWN_DATABASE, TABLE_ALREADY_EXISTS; nothing is renamed then.
    pub fn rename(&self, renames: &[(TableName, TableName)]) -> Result<()> {
        self.rename_defining(renames, Vec::new())
    }

    /// [`Engine::rename`], with keys that say what names mean in the same step; see
    /// [`Transaction::define`](super::Transaction::define).
    ///
    /// # Errors
    /// As [`Engine::rename`].
    pub fn rename_defining(
        &self,
        renames: &[(TableName, TableName)],
        values: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<()> {
        self.rename_with(values, false, |names| {
            for ((from_database, from), (to_database, to)) in renames {
                let table = names.table(from_database, from)?;
                if names.database(to_database)?.contains_key(to) {
                    return Err(err!(
                        TABLE_ALREADY_EXISTS,
                        "Table {to_database}.{to} already exists"
                    ));
                }
                names.take(from_database, from);
                names.put(to_database, to, table);
            }
            Ok(())
        })
    }

    /// Exchanges the names of two tables in one step.
    ///
    /// # Errors
    /// UNKNOWN_TABLE.
    pub fn exchange(&self, a: &TableName, b: &TableName) -> Result<()> {
        self.exchange_names(a, b, Vec::new(), None)
    }

    /// [`Engine::exchange`], with keys that are set in the same step. What was prepared for either table
    /// before is refused from then on: rows come by the new names or not at all. `still` is asked while
    /// nobody can delete or change stored rows.
    ///
    /// # Errors
    /// UNKNOWN_TABLE; ABORTED when `still` says no.
    pub fn exchange_fenced(
        &self,
        a: &TableName,
        b: &TableName,
        values: Vec<(String, Option<Vec<u8>>)>,
        still: &dyn Fn() -> bool,
    ) -> Result<()> {
        self.exchange_names(a, b, values, Some(still))
    }

    fn exchange_names(
        &self,
        a: &TableName,
        b: &TableName,
        values: Vec<(String, Option<Vec<u8>>)>,
        fenced: Option<&dyn Fn() -> bool>,
    ) -> Result<()> {
        self.rename_with(values, fenced.is_some(), |names| {
            if fenced.is_some_and(|still| !still()) {
                return Err(err!(
                    ABORTED,
                    "Rows of {}.{} changed before it could change places with {}.{}",
                    a.0,
                    a.1,
                    b.0,
                    b.1
                ));
            }
            let (first, second) = (names.table(&a.0, &a.1)?, names.table(&b.0, &b.1)?);
            names.put(&a.0, &a.1, second);
            names.put(&b.0, &b.1, first);
            Ok(())
        })
    }

    fn rename_with(
        &self,
        values: Vec<(String, Option<Vec<u8>>)>,
        fenced: bool,
        change: impl FnOnce(&mut Names) -> Result<()>,
    ) -> Result<()> {
        let inner = &self.inner;
        let _ddl = inner.ddl.lock();
        let branch = self.branch;
        let mut names = inner.names.read().of(branch)?.clone();
        change(&mut names)?;
        let mut request = Request::default();
        for (database, tables) in &names.databases {
            for (name, table) in tables {
                let old = table.definition();
                if (&old.database, &old.name) != (database, name) {
                    let mut definition = old.as_ref().clone();
                    definition.database.clone_from(database);
                    definition.name.clone_from(name);
                    define(
                        &mut request,
                        Arc::clone(table),
                        definition,
                        table.layout(),
                        fenced,
                    );
                }
            }
        }
        if !values.is_empty() {
            request.within(branch);
            put_values(values, true, branch, &mut request);
        }
        if request.is_empty() {
            return Ok(());
        }
        request.show(move |inner, _| {
            inner.names.write().branches.insert(branch, names);
            inner.meanings_changed();
            Vec::new()
        });
        inner.commit(request).map(|_| ())
    }

    /// Removes all rows of a table.
    ///
    /// # Errors
    /// UNKNOWN_TABLE.
    pub fn truncate(&self, database: &str, name: &str) -> Result<()> {
        let table = self.table(database, name);
        let table = table.ok_or_else(|| unknown_table(database, name))?;
        let mut transaction = self.begin();
        transaction.replace(&table, Vec::new())?;
        transaction.commit().map(|_| ())
    }
}

impl Names {
    fn take(&mut self, database: &str, name: &str) {
        if let Some(tables) = self.databases.get_mut(database) {
            tables.remove(name);
        }
    }

    pub(super) fn put(&mut self, database: &str, name: &str, table: Arc<Table>) {
        if let Some(tables) = self.databases.get_mut(database) {
            tables.insert(name.to_string(), table);
        }
    }
}

fn define(
    request: &mut Request,
    table: Arc<Table>,
    definition: TableDefinition,
    layout: Arc<Layout>,
    reshaped: bool,
) {
    request.edit(Edit::Define {
        table: table.uid(),
        definition: definition.encode(),
        reshaped,
    });
    request.show(move |inner, commit| {
        let shape = (Arc::new(definition), layout);
        let gone = table.redefine(commit, shape, reshaped, |_| Vec::new());
        inner.meanings_changed();
        gone
    });
}

fn drop_one(request: &mut Request, table: Arc<Table>) {
    request.edit(Edit::Drop { table: table.uid() });
    request.show(move |inner, commit| {
        let definition = table.definition();
        if let Some(names) = inner.names.write().branches.get_mut(&table.branch()) {
            names.take(&definition.database, &definition.name);
        }
        inner.meanings_changed();
        table.mark_dropped(commit)
    });
}

fn show_database(request: &mut Request, branch: u64, name: &str, present: bool) {
    request.within(branch);
    request.edit(Edit::Database {
        name: name.to_string(),
        present,
    });
    let name = name.to_string();
    request.show(move |inner, _| {
        let mut all = inner.names.write();
        let names = all.branches.entry(branch).or_default();
        if present {
            names.databases.entry(name).or_default();
        } else {
            names.databases.remove(&name);
        }
        Vec::new()
    });
}

/// A random UUID of version 4.
fn new_uuid(inner: &Inner) -> u128 {
    let half = || {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_i64(inner.now());
        u128::from(hasher.finish())
    };
    let random = (half() << 64) | half();
    let version = (random & !(0xF << 76)) | (0x4 << 76);
    (version & !(0x3 << 62)) | (0x2 << 62)
}
