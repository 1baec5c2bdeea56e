//! Tables of the engine as sources of a scan.
//!
//! Invariant: a source holds one snapshot; a morsel is a run of rows of one part, and its columns
//! are decoded only when they are asked for.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quick_cache::sync::Cache;
use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::Column;
use roost_engine::error::{Code, Error, Result};
use roost_engine::hooks::BlockExpr;
use roost_engine::kernels::mask::Mask;
use roost_engine::part::{Part, PartInfo};
use roost_engine::table::{DefaultKind, Snapshot, TableDefinition, TableEngine};
use roost_engine::types::{DataType, Value};

use super::compiler::SqlCompiler;
use super::runs::Runs;
use crate::plan::{Morsel, SourceReader, SourceRequest, Standing, TableSource};

/// How a column of the scan's schema comes about.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A stored column of that name; parts without it compute the default, when it has one.
    Stored(String, Option<Arc<dyn BlockExpr>>),
    /// ALIAS: computed from other columns.
    Alias(Arc<dyn BlockExpr>),
    /// `_part`.
    PartName,
    /// `_partition_id`.
    PartitionId,
    /// `_bucket`.
    Bucket,
}

/// One snapshot of a table.
#[derive(Debug)]
pub struct SnapshotSource {
    name: String,
    snapshot: Arc<Snapshot>,
    schema: Arc<Schema>,
    visible: usize,
    origins: Arc<Vec<Origin>>,
    /// Whether only rows are read that FINAL shows.
    is_final: bool,
}

/// The columns that a query may name of a table.
pub(crate) struct Readable {
    /// Names and types.
    pub(super) schema: Arc<Schema>,
    /// How many `*` stands for.
    pub(super) visible: usize,
    /// How each comes about.
    pub(super) origins: Arc<Vec<Origin>>,
}

impl Readable {
    /// Those of `definition`.
    pub(super) fn of(definition: &TableDefinition) -> Result<Self> {
        let compiler = SqlCompiler;
        let stored = definition.stored_schema();
        let (mut shown, mut hidden) = (Vec::new(), Vec::new());
        for column in &definition.columns {
            let field = Field::new(column.name.clone(), column.ty.clone());
            let compile = |text: &str| compiler.default_value(text, &column.ty, &stored);
            match &column.default {
                None => shown.push((field, Origin::Stored(column.name.clone(), None))),
                Some((DefaultKind::Default, text)) => {
                    let default = Some(compile(text)?);
                    shown.push((field, Origin::Stored(column.name.clone(), default)));
                }
                Some((DefaultKind::Materialized, text)) => {
                    let default = Some(compile(text)?);
                    hidden.push((field, Origin::Stored(column.name.clone(), default)));
                }
                Some((DefaultKind::Alias, text)) => {
                    hidden.push((field, Origin::Alias(compile(text)?)));
                }
                Some((DefaultKind::Ephemeral, _)) => {}
            }
        }
        let visible = shown.len();
        let text = DataType::String.low_cardinality();
        let virtuals = [
            ("_part", text.clone(), Origin::PartName),
            ("_partition_id", text, Origin::PartitionId),
            ("_bucket", DataType::UInt32, Origin::Bucket),
        ];
        let taken = |name: &str| definition.columns.iter().any(|c| c.name == name);
        let virtuals = virtuals.into_iter().filter(|(name, ..)| !taken(name));
        hidden.extend(virtuals.map(|(name, ty, origin)| (Field::new(name, ty), origin)));
        shown.extend(hidden);
        let (fields, origins) = shown.into_iter().unzip();
        Ok(Readable {
            schema: Schema::new(fields),
            visible,
            origins: Arc::new(origins),
        })
    }
}

/// The readable columns of tables, by definition.
pub(crate) struct Readables(Cache<usize, (Arc<TableDefinition>, Arc<Readable>)>);

impl Default for Readables {
    fn default() -> Self {
        Readables(Cache::new(1024))
    }
}

impl Readables {
    fn of(&self, definition: &Arc<TableDefinition>) -> Result<Arc<Readable>> {
        // What is remembered holds the definition: no other one has its address.
        let address = Arc::as_ptr(definition) as usize;
        if let Some((own, readable)) = self.0.get(&address)
            && Arc::ptr_eq(&own, definition)
        {
            return Ok(readable);
        }
        let readable = Arc::new(Readable::of(definition)?);
        let entry = (Arc::clone(definition), Arc::clone(&readable));
        self.0.insert(address, entry);
        Ok(readable)
    }
}

impl SnapshotSource {
    /// The source over a table's snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Result<Self> {
        let readable = Readable::of(&snapshot.definition)?;
        Ok(Self::of(snapshot, &readable))
    }

    /// The same for a table that may have been read before.
    pub(super) fn known(snapshot: Arc<Snapshot>, known: &Readables) -> Result<Self> {
        let readable = known.of(&snapshot.definition)?;
        Ok(Self::of(snapshot, &readable))
    }

    fn of(snapshot: Arc<Snapshot>, readable: &Readable) -> Self {
        SnapshotSource {
            name: snapshot.definition.full_name(),
            schema: Arc::clone(&readable.schema),
            visible: readable.visible,
            origins: Arc::clone(&readable.origins),
            is_final: false,
            snapshot,
        }
    }

    /// The same table with none of its rows.
    pub(super) fn without_rows(&self) -> SnapshotSource {
        SnapshotSource {
            name: self.name.clone(),
            snapshot: Arc::new(self.snapshot.of_parts(Vec::new())),
            schema: Arc::clone(&self.schema),
            visible: self.visible,
            origins: Arc::clone(&self.origins),
            is_final: self.is_final,
        }
    }

    /// Whether only rows are read that FINAL shows.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// The snapshot that is read.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }
}

impl TableSource for SnapshotSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    fn visible_columns(&self) -> usize {
        self.visible
    }

    fn row_count(&self) -> Option<u64> {
        match self.is_final {
            false => Some(self.snapshot.rows()),
            true => self.snapshot.final_rows().ok(),
        }
    }

    fn rows_at_most(&self) -> Option<u64> {
        Some(self.snapshot.rows())
    }

    fn min_max(&self, column: usize) -> Option<(Value, Value)> {
        let field = &self.schema.fields[column];
        // NaN and NULL are not in the statistics' order.
        if field.ty.is_float() || field.ty.is_nullable() || self.is_final {
            return None;
        }
        let mut all: Option<(Value, Value)> = None;
        for part in self.snapshot.parts.iter().filter(|p| p.rows() > 0) {
            let stats = part.column_stats(&field.name).filter(|s| s.exact)?;
            let (min, max) = (stats.min, stats.max);
            all = Some(match all {
                None => (min, max),
                Some((low, high)) => (
                    if min.compare(&low).is_lt() { min } else { low },
                    if max.compare(&high).is_gt() {
                        max
                    } else {
                        high
                    },
                ),
            });
        }
        all
    }

    fn sorting_key(&self) -> Vec<String> {
        let order = &self.snapshot.layout.order;
        order.iter().map(|e| e.text().to_string()).collect()
    }

    fn with_final(&self) -> Result<Arc<dyn TableSource>> {
        let definition = &self.snapshot.definition;
        if matches!(
            definition.engine,
            TableEngine::Replacing { .. } | TableEngine::Summing { .. } | TableEngine::Aggregating
        ) {
            return Ok(Arc::new(SnapshotSource {
                name: self.name.clone(),
                snapshot: Arc::clone(&self.snapshot),
                schema: Arc::clone(&self.schema),
                visible: self.visible,
                origins: Arc::clone(&self.origins),
                is_final: true,
            }));
        }
        let engine = definition.engine_text.as_str();
        let engine = engine.split('(').next().unwrap_or(engine);
        Err(Error::new(
            Code::ILLEGAL_FINAL,
            format!("Storage {engine} doesn't support FINAL"),
        ))
    }

    fn held_bytes(&self) -> usize {
        match self.is_final {
            true => self.snapshot.final_bytes(),
            false => 0,
        }
    }

    fn open(&self, request: &SourceRequest) -> Result<Arc<dyn SourceReader>> {
        Ok(Arc::new(SnapshotReader {
            runs: Runs::of(&self.snapshot, self.is_final, &self.schema, request)?,
            next: AtomicUsize::new(0),
            schema: Arc::clone(&self.schema),
            origins: Arc::clone(&self.origins),
        }))
    }

    fn identity(&self) -> (usize, bool) {
        (Arc::as_ptr(&self.snapshot) as usize, self.is_final)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `partition_min_max_level`, as ClickHouse names parts.
pub fn part_name(info: &PartInfo) -> String {
    format!(
        "{}_{}_{}_{}",
        info.partition, info.min_block, info.max_block, info.level
    )
}

struct SnapshotReader {
    runs: Runs,
    next: AtomicUsize,
    schema: Arc<Schema>,
    origins: Arc<Vec<Origin>>,
}

impl SourceReader for SnapshotReader {
    fn next(&self) -> Result<Option<Box<dyn Morsel>>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(run) = self.runs.all.get(number) else {
            return Ok(None);
        };
        let range = run.range.clone();
        let live = run.shown.as_ref().map(|rows| rows.cut(range.clone()));
        let live = live.filter(|live| !live.is_full()).map(Arc::new);
        Ok(Some(Box::new(PartMorsel {
            number: number as u64,
            part: Arc::clone(&run.part),
            range,
            live,
            certain: run.certain,
            standing: self.runs.standing,
            best: run.best.clone(),
            schema: Arc::clone(&self.schema),
            origins: Arc::clone(&self.origins),
            places: Vec::new(),
            numbers: None,
        })))
    }
}

struct PartMorsel {
    number: u64,
    part: Arc<Part>,
    range: Range<usize>,
    /// Which rows of the range are shown; none stands for all.
    live: Option<Arc<Mask>>,
    /// Numbers of the rows that are shown, once somebody wants only some of them.
    numbers: Option<Vec<u32>>,
    certain: bool,
    standing: Option<Standing>,
    best: Option<Value>,
    schema: Arc<Schema>,
    origins: Arc<Vec<Origin>>,
    /// Columns that were looked up, with the places of those that are stored in the part.
    places: Vec<(usize, Option<usize>)>,
}

/// Which rows of a morsel's range are read.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// All of the range.
    All,
    /// Those that stand.
    Masked(&'a Mask),
    /// These rows of the part, ascending.
    Rows(&'a [u32]),
}

impl Morsel for PartMorsel {
    fn number(&self) -> u64 {
        self.number
    }

    fn rows(&self) -> usize {
        let live = self.live.as_ref();
        live.map_or(self.range.len(), |live| live.shown())
    }

    fn is_certain(&self) -> bool {
        self.certain
    }

    fn standing(&self) -> Option<Standing> {
        self.standing
    }

    fn best(&self) -> Option<&Value> {
        self.best.as_ref()
    }

    fn mask(&mut self, columns: &[usize]) -> Option<Arc<Mask>> {
        let live = self.live.clone()?;
        columns.iter().all(|c| self.is_stored(*c)).then_some(live)
    }

    fn read(&mut self, columns: &[usize], selection: Option<&[u32]>) -> Result<Vec<Column>> {
        let live = self.live.clone();
        let chosen: Vec<u32>;
        let wanted = match (&live, selection) {
            (None, None) => Wanted::All,
            (Some(live), None) => Wanted::Masked(live),
            (_, Some(s)) => {
                chosen = self.row_numbers(s);
                Wanted::Rows(&chosen)
            }
        };
        columns.iter().map(|&c| self.column(c, wanted)).collect()
    }

    fn read_unmasked(&mut self, columns: &[usize]) -> Result<Vec<Column>> {
        let all = |c: &usize| self.column(*c, Wanted::All);
        columns.iter().map(all).collect()
    }
}

impl PartMorsel {
    /// Whether values of column `c` are read and not computed.
    fn is_stored(&mut self, c: usize) -> bool {
        match &self.origins[c] {
            Origin::Stored(_, Some(_)) => self.place(c).is_some(),
            Origin::Alias(_) => false,
            _ => true,
        }
    }

    /// The place of column `c` in the part, when it is stored there.
    fn place(&mut self, c: usize) -> Option<usize> {
        if let Some((_, place)) = self.places.iter().find(|(known, _)| *known == c) {
            return *place;
        }
        let place = match &self.origins[c] {
            Origin::Stored(name, _) => self.part.schema().index_of(name),
            _ => None,
        };
        self.places.push((c, place));
        place
    }

    /// The part's rows that the morsel's rows `selection` are.
    fn row_numbers(&mut self, selection: &[u32]) -> Vec<u32> {
        let start = self.range.start as u32;
        let Some(live) = &self.live else {
            return selection.iter().map(|r| r + start).collect();
        };
        let numbers = self.numbers.get_or_insert_with(|| live.numbers(start));
        selection.iter().map(|r| numbers[*r as usize]).collect()
    }

    fn column(&mut self, c: usize, wanted: Wanted<'_>) -> Result<Column> {
        let n = match wanted {
            Wanted::All => self.range.len(),
            Wanted::Masked(mask) => mask.shown(),
            Wanted::Rows(rows) => rows.len(),
        };
        let origins = Arc::clone(&self.origins);
        let text = |value: &str| {
            let value = Value::string(value);
            Column::constant(&value, &self.schema.fields[c].ty, n)
        };
        match &origins[c] {
            Origin::Stored(_, default) => {
                let range = self.range.clone();
                match (self.place(c), wanted) {
                    (Some(place), Wanted::All) => self.part.read(place, range),
                    (Some(place), Wanted::Masked(mask)) => {
                        self.part.read_masked(place, range, mask)
                    }
                    (Some(place), Wanted::Rows(rows)) => self.part.read_rows(place, rows),
                    (None, _) => match default {
                        None => Ok(Column::defaults(&self.schema.fields[c].ty, n)),
                        Some(default) => self.computed(default.as_ref(), wanted, n),
                    },
                }
            }
            Origin::Alias(expr) => self.computed(expr.as_ref(), wanted, n),
            Origin::PartName => text(&part_name(self.part.info())),
            Origin::PartitionId => text(&self.part.info().partition),
            Origin::Bucket => {
                let bucket = Value::UInt(self.part.info().bucket.into());
                Column::constant(&bucket, &DataType::UInt32, n)
            }
        }
    }

    /// An expression over other columns of the same rows.
    fn computed(&mut self, expr: &dyn BlockExpr, wanted: Wanted<'_>, n: usize) -> Result<Column> {
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for input in expr.inputs() {
            let place = self.schema.index_of(input).ok_or_else(|| {
                Error::new(Code::UNKNOWN_IDENTIFIER, format!("Missing column {input}"))
            })?;
            fields.push(self.schema.fields[place].clone());
            columns.push(self.column(place, wanted)?);
        }
        expr.evaluate(&Block::new(Schema::new(fields), columns, n)?)
    }
}
