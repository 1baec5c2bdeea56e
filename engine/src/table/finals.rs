//! The rows that FINAL shows: as if everything were merged.
//!
//! Replacing tables: parts as they are with the rows that stay, found from key columns alone; of a
//! later snapshot, new parts are compared with the places of the others that can hold their keys.
//! Summing and aggregating tables: parts merged in memory where they overlap.
//!
//! Invariant: parts that may share keys are looked at once for each snapshot, when a query may read
//! one of them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::definition::TableEngine;
use super::layout::Layout;
use super::snapshot::Snapshot;
use super::split::sort;
use crate::block::{Block, Schema};
use crate::error::Result;
use crate::hooks::Condition;
use crate::kernels::mask::Mask;
use crate::merge::supersede::{Contender, Rule, superseded};
use crate::merge::{MergeMode, MergeSpec, merge};
use crate::part::{GRANULE_ROWS, Narrowed, Part, PartInfo};

/// A part with its rows that FINAL shows.
#[derive(Debug, Clone)]
pub struct FinalPart {
    /// The part.
    pub part: Arc<Part>,
    /// Which of its rows; `None` is all of them.
    pub rows: Rows,
}

/// Which rows of a part; `None` is all of them.
type Rows = Option<Arc<Mask>>;

/// What a snapshot remembers, and has heard from earlier ones.
#[derive(Debug, Default)]
pub(super) struct Cache {
    groups: OnceLock<Vec<Group>>,
    before: Option<Arc<Known>>,
}

/// Parts that may share keys, in the order of commits.
#[derive(Debug)]
struct Group {
    parts: Vec<Arc<Part>>,
    shown: Mutex<Option<Arc<Vec<FinalPart>>>>,
}

/// Rows that some snapshot showed, by part: later ones show no others of them.
type Known = HashMap<usize, (Weak<Part>, Rows)>;

impl Cache {
    /// The cache of the snapshot that follows, which has all rows that this one's has.
    pub(super) fn followed(&self) -> Cache {
        let groups = self.groups.get().into_iter().flatten();
        let shown = groups.filter_map(|g| g.shown.lock().clone());
        let mut known: Option<Known> = None;
        for group in shown {
            let all =
                known.get_or_insert_with(|| self.before.as_deref().cloned().unwrap_or_default());
            for one in group.iter() {
                let part = Arc::downgrade(&one.part);
                all.insert(part.as_ptr() as usize, (part, one.rows.clone()));
            }
        }
        if let Some(known) = &mut known {
            known.retain(|_, (part, _)| part.strong_count() > 0);
        }
        Cache {
            groups: OnceLock::new(),
            before: known.map(Arc::new).or_else(|| self.before.clone()),
        }
    }

    fn known(&self, part: &Arc<Part>) -> Option<Rows> {
        // The weak handle keeps the address from being used again.
        let known = self.before.as_ref()?;
        known
            .get(&(Arc::as_ptr(part) as usize))
            .map(|k| k.1.clone())
    }
}

impl Snapshot {
    /// The parts that may hold rows which FINAL shows and which fulfil all `conditions`, with the
    /// rows that may, as [`Snapshot::narrow`] finds them.
    ///
    /// # Errors
    /// What reading says.
    pub fn prune_final(&self, conditions: &[Condition]) -> Result<Vec<(FinalPart, Narrowed)>> {
        let buckets = self.buckets(conditions);
        let in_bucket = |p: &Part| {
            let buckets = buckets.as_ref();
            buckets.is_none_or(|b| b.contains(&p.info().bucket))
        };
        let combines = matches!(self.layout.mode, MergeMode::Combine(_));
        let in_key = |c: &&Condition| self.layout.order.iter().any(|e| e.text() == c.column);
        // Values outside of the key change when rows become one.
        let sound: Vec<Condition> = match combines {
            true => conditions.iter().filter(in_key).cloned().collect(),
            false => conditions.to_vec(),
        };
        let narrow = |part: &Part| {
            let rows = part.narrow(&sound);
            Narrowed {
                certain: rows.certain && sound.len() == conditions.len(),
                ..rows
            }
        };
        let of_bucket = |part: &Part| match in_bucket(part) {
            true => narrow(part),
            false => Narrowed::default(),
        };
        let mut found = Vec::new();
        for group in self.groups() {
            let rows: Vec<Narrowed> = group.parts.iter().map(|p| of_bucket(p)).collect();
            if rows.iter().all(|r| r.ranges.is_empty()) {
                continue;
            }
            let shown = self.shown(group)?;
            match combines {
                true => found.extend(shown.iter().map(|f| (f.clone(), narrow(&f.part)))),
                false => found.extend(shown.iter().cloned().zip(rows)),
            }
        }
        found.retain(|(_, rows)| !rows.ranges.is_empty());
        Ok(found)
    }

    /// Resident bytes of the masks that are known.
    pub fn final_bytes(&self) -> usize {
        let groups = self.finals.groups.get().into_iter().flatten();
        let shown = groups.filter_map(|g| g.shown.lock().clone());
        let bytes = |one: &FinalPart| one.rows.as_ref().map_or(0, |mask| mask.memory_bytes());
        shown.map(|all| all.iter().map(bytes).sum::<usize>()).sum()
    }

    /// How many rows FINAL shows.
    ///
    /// # Errors
    /// What reading says.
    pub fn final_rows(&self) -> Result<u64> {
        let mut rows = 0;
        for group in self.groups() {
            let shown = self.shown(group)?;
            let count = |f: &FinalPart| f.rows.as_ref().map_or(f.part.rows(), |r| r.shown()) as u64;
            rows += shown.iter().map(count).sum::<u64>();
        }
        Ok(rows)
    }

    fn shown(&self, group: &Group) -> Result<Arc<Vec<FinalPart>>> {
        // Whoever else wants it waits instead of counting too.
        let mut shown = group.shown.lock();
        if let Some(known) = shown.as_ref() {
            return Ok(Arc::clone(known));
        }
        let parts = &group.parts;
        let found = Arc::new(match &self.layout.mode {
            MergeMode::Plain => parts.iter().map(whole).collect(),
            MergeMode::Replacing { .. } => self.replaced(parts)?,
            MergeMode::Combine(_) => combined(&self.layout, parts)?,
        });
        Ok(Arc::clone(shown.insert(found)))
    }

    /// Parts that may share keys: all of them, or those of one partition (bucket) where the key
    /// decides it.
    fn groups(&self) -> &[Group] {
        self.finals.groups.get_or_init(|| {
            let layout = &self.layout;
            let in_key = |name: &String| layout.order.iter().any(|e| e.text() == name);
            let decided = |inputs: &[String]| inputs.iter().all(in_key);
            let partition = layout.partition.iter().all(|e| decided(e.inputs()));
            let bucket = layout.bucket.as_ref();
            let bucket = bucket.is_none_or(|(e, _)| decided(e.inputs()));
            let mut places = HashMap::new();
            let mut groups: Vec<Vec<Arc<Part>>> = Vec::new();
            for part in &self.parts {
                let info = part.info();
                let key = (
                    partition.then_some(info.partition.as_str()),
                    bucket.then_some(info.bucket),
                );
                let place = *places.entry(key).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(group) => group.push(Arc::clone(part)),
                    None => groups.push(vec![Arc::clone(part)]),
                }
            }
            let group = |mut parts: Vec<Arc<Part>>| {
                parts.sort_by_key(|p| p.info().min_block);
                Group {
                    parts,
                    shown: Mutex::new(None),
                }
            };
            groups.into_iter().map(group).collect()
        })
    }

    fn replaced(&self, group: &[Arc<Part>]) -> Result<Vec<FinalPart>> {
        let TableEngine::Replacing {
            version,
            is_deleted,
        } = &self.definition.engine
        else {
            return Ok(group.iter().map(whole).collect());
        };
        if is_merged(group) && is_deleted.is_none() {
            return Ok(group.iter().map(whole).collect());
        }
        let known: Vec<Option<Rows>> = group.iter().map(|p| self.finals.known(p)).collect();
        if known.iter().all(Option::is_some) {
            let both = group.iter().zip(known);
            let shown = both.map(|(part, rows)| FinalPart {
                part: Arc::clone(part),
                rows: rows.flatten(),
            });
            return Ok(shown.collect());
        }
        let contenders: Vec<Contender> = group
            .iter()
            .zip(&known)
            .map(|(part, known)| Contender {
                part: Arc::clone(part),
                fresh: known.is_none(),
            })
            .collect();
        let (spec, rule) = self.contest(version.as_ref(), is_deleted.as_ref());
        let dropped = superseded(&contenders, &spec, rule)?;
        let parts = group.iter().zip(known).zip(dropped);
        Ok(parts
            .map(|((part, known), dropped)| without(part, known.flatten(), &dropped))
            .collect())
    }

    /// How rows of a replacing table are compared.
    fn contest(&self, version: Option<&String>, is_deleted: Option<&String>) -> (MergeSpec, Rule) {
        let inputs = self.layout.order.iter().flat_map(|e| e.inputs());
        let wanted: Vec<&String> = inputs.chain(version).chain(is_deleted).collect();
        let fields = self.layout.schema.fields.iter();
        let fields = fields.filter(|f| wanted.contains(&&f.name)).cloned();
        let schema = Schema::new(fields.collect());
        let place = |name: Option<&String>| name.and_then(|n| schema.index_of(n));
        let rule = Rule {
            version: place(version),
            is_deleted: place(is_deleted),
        };
        let spec = MergeSpec {
            columns: self.layout.columns_of(&schema),
            order: self.layout.order.clone(),
            mode: MergeMode::Plain,
            block_rows: GRANULE_ROWS,
            expiry: None,
        };
        (spec, rule)
    }
}

fn whole(part: &Arc<Part>) -> FinalPart {
    FinalPart {
        part: Arc::clone(part),
        rows: None,
    }
}

/// One part that came from a merge shows itself.
fn is_merged(group: &[Arc<Part>]) -> bool {
    matches!(group, [one] if one.info().level > 0)
}

/// `part` with those of its `rows` that are not dropped.
fn without(part: &Arc<Part>, rows: Rows, dropped: &[u32]) -> FinalPart {
    let rows = match (dropped, rows) {
        ([], rows) => rows,
        (_, Some(rows)) => Some(Arc::new(rows.without(dropped))),
        (_, None) => Some(Arc::new(Mask::all(part.rows()).without(dropped))),
    };
    FinalPart {
        part: Arc::clone(part),
        rows,
    }
}

fn combined(layout: &Layout, group: &[Arc<Part>]) -> Result<Vec<FinalPart>> {
    if is_merged(group) {
        return Ok(group.iter().map(whole).collect());
    }
    let spec = MergeSpec {
        columns: layout.columns(),
        order: layout.order.clone(),
        mode: layout.mode.clone(),
        block_rows: GRANULE_ROWS,
        expiry: None,
    };
    let mut blocks = Vec::new();
    merge(group, &spec, |block| {
        blocks.push(block);
        Ok(())
    })?;
    let block = Block::concat(Arc::clone(&layout.schema), &blocks)?;
    let (block, key) = sort(layout, block)?;
    let first = group.first().map(|p| p.info().clone()).unwrap_or_default();
    let one_partition = group.iter().all(|p| p.info().partition == first.partition);
    let values = group.first().filter(|_| one_partition);
    let values = values.map_or_else(Vec::new, |p| p.partition().to_vec());
    let info = PartInfo { level: 1, ..first };
    let part = Part::memory(block, layout.key(), &key, values, info)?;
    Ok(vec![whole(&Arc::new(part))])
}
