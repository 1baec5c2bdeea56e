//! Opening a store: the way back from the log.
//!
//! Invariant: after opening, files and log hold exactly what the log says; opening again changes
//! nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock};

use super::commit::Leader;
use super::{AllNames, Engine, EngineParts, Inner, drafts, since};
use crate::background::Workers;
use crate::error::{Error, Result};
use crate::log::contents::{RowsContents, TableContents};
use crate::log::segment;
use crate::log::state::as_corruption;
use crate::log::{Contents, Edit, Group, Record, Segment, State, rows};
use crate::part::Part;
use crate::storage::Storage;
use crate::table::split::split;
use crate::table::{Layout, PartList, Table, TableDefinition};

impl Engine {
    /// Opens a store, a new one when there is none: takes its lock, reads the log, cuts a torn end,
    /// opens the parts and removes files that no record names.
    ///
    /// # Errors
    /// CANNOT_OPEN_FILE when another process has it open, CORRUPTED_DATA naming file and offset
    /// when something is damaged, and what the compiler says of a table's keys.
    pub fn open(parts: EngineParts) -> Result<Engine> {
        let lock = parts.storage.lock()?;
        let storage = &parts.storage;
        for folder in [segment::FOLDER, drafts::FOLDER] {
            storage.create_dir(folder)?;
        }
        let found = read_log(storage, parts.options.tokens_max)?;
        let now = parts.clock.now_micros();
        let mut names = AllNames::default();
        let mut values = BTreeMap::new();
        for (number, branch) in found.contents.branches {
            let own = names.branches.entry(number).or_default();
            own.branch = branch.name;
            for database in branch.databases {
                own.databases.entry(database).or_default();
            }
            values.insert(number, branch.values);
        }
        let mut files = Files::default();
        let marks: BTreeMap<u64, _> = values
            .iter()
            .map(|(branch, values)| (*branch, since::marks_of(values)))
            .collect();
        for (uid, contents) in found.contents.tables {
            let branch = contents.branch;
            let version = found.state.tables.get(&uid).map_or(0, |t| t.version);
            let own = marks.get(&branch).and_then(|m| m.get(&uid));
            let own = own.map_or(&[][..], Vec::as_slice);
            let table = open_table(&parts, (uid, version, own), contents, &mut files, now)?;
            let definition = table.definition();
            let own = names.branches.entry(branch).or_default();
            let tables = own.databases.entry(definition.database.clone());
            tables
                .or_default()
                .insert(definition.name.clone(), Arc::new(table));
        }
        sweep(storage, found.segment.number(), &files)?;
        let inner = Arc::new(Inner {
            names: RwLock::new(names),
            values: RwLock::new(values),
            ddl: Mutex::new(()),
            shown: RwLock::new(()),
            next_part: AtomicU64::new(found.state.next_part.max(1)),
            next_table: AtomicU64::new(found.state.next_table.max(1)),
            failure: RwLock::new(None),
            meanings: AtomicU64::new(1),
            pressure: AtomicU64::new(0),
            expiries: Mutex::default(),
            retired: Mutex::default(),
            merges: Mutex::default(),
            wake: Arc::default(),
            crowded: Mutex::default(),
            wake_crowded: Arc::default(),
            lock: Mutex::new(Some(lock)),
            commits: Group::new(Leader {
                checkpoint_bytes: found.checkpoint_bytes,
                state: found.state,
                segment: found.segment,
                unsealed: found.unsealed.then_some(now),
            }),
            storage: parts.storage,
            clock: parts.clock,
            compiler: parts.compiler,
            options: parts.options,
        });
        let workers = Arc::new(Workers::default());
        if inner.options.background {
            inner.start_workers(&workers)?;
        }
        Ok(Engine {
            inner,
            branch: 0,
            workers,
        })
    }
}

/// Part files by id: tables of branches share them.
type Files = HashMap<u64, Arc<Part>>;

/// What the log holds.
struct Found {
    state: State,
    contents: Contents,
    segment: Segment,
    checkpoint_bytes: u64,
    unsealed: bool,
}

fn read_log(storage: &Arc<dyn Storage>, tokens_max: usize) -> Result<Found> {
    let names = storage.list(segment::FOLDER)?;
    let newest = names.iter().filter_map(|n| segment::number_of(n)).max();
    let (mut state, mut contents) = (State::default(), Contents::default());
    state.tokens.limit(tokens_max);
    let Some(newest) = newest else {
        let first = Record {
            commit: 0,
            edits: vec![Edit::Database {
                name: "default".into(),
                present: true,
            }],
        };
        let segment = Segment::create(storage, 1, 1, first.encode())?;
        contents.apply(first);
        return Ok(Found {
            checkpoint_bytes: segment.bytes(),
            state,
            contents,
            segment,
            unsealed: false,
        });
    };
    let mut checkpoint_bytes = 0;
    let mut unsealed = false;
    let segment = segment::recover(storage, newest, |frame| {
        if checkpoint_bytes == 0 {
            checkpoint_bytes = frame.bytes as u64;
        } else {
            unsealed = !frame.records.is_empty();
        }
        for record in frame.records {
            let applied = state.apply(record.commit, &record.edits);
            applied.map_err(|e| as_corruption(&e))?;
            contents.apply(record);
        }
        Ok(())
    })?;
    Ok(Found {
        state,
        contents,
        segment,
        checkpoint_bytes,
        unsealed,
    })
}

fn open_table(
    parts: &EngineParts,
    (uid, version, marks): (u64, u64, &[(String, u64)]),
    contents: TableContents,
    files: &mut Files,
    now: i64,
) -> Result<Table> {
    let mut definition = TableDefinition::decode(&contents.definition)?;
    // A branch's table was defined as that of its origin.
    definition.uid = uid;
    let layout = Layout::compile(&definition, parts.compiler.as_ref())
        .map_err(|e| e.context(format!("table {}", definition.full_name())))?;
    let mut list = PartList::default();
    for (id, info) in contents.parts {
        let part = match files.get(&id) {
            Some(part) if *part.info() == info => Arc::clone(part),
            Some(part) => {
                return Err(Error::corrupt(format!(
                    "part {id} is said to be {info:?} and {:?}",
                    part.info()
                )));
            }
            None => {
                let part = Part::open(&parts.storage, &drafts::path(id), info)
                    .map_err(|e| e.context(format!("table {}", definition.full_name())))?;
                let part = Arc::new(part);
                files.insert(id, Arc::clone(&part));
                part
            }
        };
        list.add_file(part);
    }
    let table = Table::new(
        uid,
        Arc::new(definition),
        Arc::new(layout),
        version,
        list,
        contents.commit,
    )
    .of_branch(contents.branch);
    for (key, commit) in marks {
        table.marks().set(key, Some(*commit));
    }
    let mut layouts = BTreeMap::new();
    let mut memory = Vec::new();
    for rows in contents.rows.into_values() {
        let key = Arc::as_ptr(&rows.definition) as usize;
        let layout = match layouts.get(&key) {
            Some(layout) => Arc::clone(layout),
            None => {
                let definition = TableDefinition::decode(&rows.definition)?;
                let layout = Arc::new(Layout::compile(&definition, parts.compiler.as_ref())?);
                layouts.insert(key, Arc::clone(&layout));
                layout
            }
        };
        memory.push((memory_part(&layout, &rows)?, rows.ids.clone()));
    }
    table.publish(contents.commit, |list, layout| {
        for (part, ids) in memory {
            let at = list.add_memory(Arc::new(part), ids, now);
            list.gather(at, layout, (table.claims(), table.marks()));
        }
        Vec::new()
    });
    Ok(table)
}

fn memory_part(layout: &Layout, found: &RowsContents) -> Result<Part> {
    let block = rows::decode(&found.rows, &layout.schema)?;
    let mut runs = split(layout, &block)?;
    match (runs.pop(), runs.pop()) {
        (Some(run), None)
            if run.partition == found.info.partition
                && run.bucket == found.info.bucket
                && run.block.rows() as u64 == found.info.rows =>
        {
            run.into_part(layout, found.info.clone())
        }
        _ => Err(Error::corrupt(format!(
            "the rows of memory part {} are not those of partition {} and bucket {}",
            found.info.id, found.info.partition, found.info.bucket
        ))),
    }
}

/// Removes files that no record names.
fn sweep(storage: &Arc<dyn Storage>, segment: u64, named: &Files) -> Result<()> {
    for name in storage.list(segment::FOLDER)? {
        if segment::number_of(&name) != Some(segment) {
            storage.remove(&format!("{}/{name}", segment::FOLDER))?;
        }
    }
    for name in storage.list(drafts::FOLDER)? {
        if !drafts::id_of(&name).is_some_and(|id| named.contains_key(&id)) {
            storage.remove(&format!("{}/{name}", drafts::FOLDER))?;
        }
    }
    Ok(())
}
