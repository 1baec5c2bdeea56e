//! The files of a sink: where they go, what they are called, how they are written.
//!
//! Names may hold columns of the rows, which then spread over several files: `{column}`, and
//! `{column,'%Y-%m-%d'}` for times.
//!
//! Invariant: a file appears under its name when all of the run's are whole and durable, and only inside
//! the sinks' folder; a run that fails leaves none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Component, Path};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use roost::exec::Totals;
use roost::formats::{self, BlockWriter, FormatSettings, ResultStats};
use roost::interpret::RowSink;
use roost_engine::block::{Block, Schema};
use roost_engine::error::{Code, Error, Result as SqlResult};
use roost_engine::storage::WriteFile;

use super::Folder;
use crate::project::Node;
use crate::store::{literal, quoted};

/// Files that one run may write.
const FILES_MAX: usize = 1000;
/// Bytes that are collected before they are written.
const CHUNK_BYTES: usize = 64 << 10;
/// The column that holds the file's name.
const NAME_COLUMN: &str = "__roost_file";

/// Where and how a sink writes.
pub(super) struct Place {
    folder: Folder,
    /// An SQL expression of the name without its ending, or the name itself.
    name: Name,
    ending: String,
    format: &'static str,
    is_packed: bool,
    /// Files may take the place of others.
    overwrites: bool,
}

enum Name {
    Fixed(String),
    Computed(String),
}

fn not_built(what: &str) -> String {
    format!("{:?}", Error::not_implemented(what))
}

fn failed(e: &io::Error) -> Error {
    let message = format!("cannot write a file of the sink: {e}");
    Error::new(Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR, message)
}

/// Whether a path stays in its folder.
fn is_inside(path: &Path) -> bool {
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_));
    path.components().all(plain)
}

impl Place {
    /// As the node says; `root` is the folder of all sinks.
    pub(super) fn of(node: &Node, root: Option<&Folder>, pipe: &str) -> Result<Place, String> {
        let service = node.setting("service").unwrap_or_default();
        let uri = node.setting("path").unwrap_or_default();
        let Some(path) = uri.strip_prefix("file://") else {
            let what = format!("sinks to '{uri}' of {service}; files go to file://…");
            return Err(not_built(&what));
        };
        let root = root.ok_or("sinks have no folder: start the server with --data or --sinks")?;
        let path = path.trim_matches('/');
        if !is_inside(Path::new(path)) {
            return Err(format!("'{uri}' leaves the folder of sinks"));
        }
        let (format, ending) = match node.setting("format").unwrap_or("csv") {
            "csv" => ("CSVWithNames", "csv"),
            "ndjson" => ("JSONEachRow", "ndjson"),
            "parquet" => ("Parquet", "parquet"),
            other => {
                return Err(format!(
                    "unknown format '{other}' of a sink; known are csv, ndjson, parquet"
                ));
            }
        };
        let is_packed = match node.setting("compression").unwrap_or("none") {
            "none" => false,
            "gz" | "gzip" if format != "Parquet" => true,
            other => {
                let what = format!("compression '{other}' of {ending} sinks");
                return Err(not_built(&what));
            }
        };
        Ok(Place {
            folder: root.join(path),
            name: Name::parse(node.setting("file_template").unwrap_or(pipe))?,
            ending: format!("{ending}{}", if is_packed { ".gz" } else { "" }),
            format,
            is_packed,
            overwrites: node.setting("write_strategy") == Some("truncate"),
        })
    }

    /// Where the files come.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A file, as others name it.
    pub(super) fn shown(&self, path: &str) -> String {
        self.folder.shown(path)
    }

    /// The query, with the file's name as a last column where rows have one of their own.
    pub(super) fn statement(&self, sql: &str) -> String {
        match &self.name {
            Name::Fixed(_) => sql.to_owned(),
            Name::Computed(expr) => format!("SELECT *, {expr} AS {NAME_COLUMN} FROM (\n{sql}\n)"),
        }
    }

    /// The path of a file; a free one where files are not overwritten.
    fn path(&self, name: &str, taken: &BTreeSet<String>) -> SqlResult<String> {
        let path = |suffix: &str| format!("{name}{suffix}.{}", self.ending);
        let whole = self.folder.path(&path(""));
        if self.overwrites {
            return Ok(whole);
        }
        let inside = whole.rsplit_once('/').map_or("", |(folder, _)| folder);
        let there: BTreeSet<String> = self.folder.storage().list(inside)?.into_iter().collect();
        let is_free = |path: &String| {
            let name = path.rsplit_once('/').map_or(path.as_str(), |(_, n)| n);
            !there.contains(name) && !taken.contains(path)
        };
        let mut others = (1..).map(|n| self.folder.path(&path(&format!("_{n}"))));
        let free = std::iter::once(whole).chain(&mut others).find(is_free);
        free.ok_or_else(|| Error::bug("no name is free"))
    }
}

impl Name {
    fn parse(template: &str) -> Result<Name, String> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let wrong = || format!("'{template}': a {{ has no }}");
            let (inside, after) = after.split_once('}').ok_or_else(wrong)?;
            if !before.is_empty() {
                parts.push(literal(before));
            }
            parts.push(match inside.split_once(',') {
                None if inside.trim().parse::<u32>().is_ok() => {
                    return Err(not_built("a number of files in EXPORT_FILE_TEMPLATE"));
                }
                None => format!("ifNull(toString({}), 'null')", quoted(inside.trim())),
                Some((column, format)) => {
                    let format = format.trim().trim_matches(['\'', '"']);
                    let column = quoted(column.trim());
                    format!(
                        "ifNull(formatDateTime({column}, {}), 'null')",
                        literal(format)
                    )
                }
            });
            rest = after;
        }
        if parts.is_empty() {
            return match is_inside(Path::new(template)) && !template.is_empty() {
                true => Ok(Name::Fixed(template.to_owned())),
                false => Err(format!("'{template}' is no name of a file")),
            };
        }
        parts.push(literal(rest));
        Ok(Name::Computed(format!("concat({})", parts.join(", "))))
    }
}

/// A file that is being written.
struct Draft {
    path: String,
    writer: Box<dyn BlockWriter>,
    buffer: Vec<u8>,
    out: Packed,
}

enum Packed {
    No(Out),
    Gzip(GzEncoder<Out>),
}

/// A file as the encoder wants it.
struct Out {
    file: Box<dyn WriteFile>,
    bytes: u64,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(io::Error::other)?;
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Draft {
    fn create(path: String, place: &Place, schema: &Arc<Schema>) -> SqlResult<Draft> {
        let file = place.folder.storage().create(&path)?;
        let out = Out { file, bytes: 0 };
        let mut draft = Draft {
            writer: formats::writer(place.format, &FormatSettings::default())?,
            buffer: Vec::new(),
            out: match place.is_packed {
                true => Packed::Gzip(GzEncoder::new(out, Compression::default())),
                false => Packed::No(out),
            },
            path,
        };
        draft.writer.start(schema, &mut draft.buffer)?;
        Ok(draft)
    }

    fn add(&mut self, block: &Block) -> SqlResult<()> {
        self.writer.block(block, &mut self.buffer)?;
        self.flush(CHUNK_BYTES)
    }

    fn flush(&mut self, from: usize) -> SqlResult<()> {
        if self.buffer.len() < from {
            return Ok(());
        }
        let done = match &mut self.out {
            Packed::No(file) => file.write_all(&self.buffer),
            Packed::Gzip(packed) => packed.write_all(&self.buffer),
        };
        self.buffer.clear();
        done.map_err(|e| failed(&e))
    }

    /// Makes the file whole and durable; its bytes.
    fn end(mut self) -> SqlResult<u64> {
        let stats = ResultStats::default();
        self.writer.finish(&stats, &mut self.buffer)?;
        self.flush(0)?;
        let mut out = match self.out {
            Packed::No(out) => out,
            Packed::Gzip(packed) => packed.finish().map_err(|e| failed(&e))?,
        };
        out.file.sync()?;
        Ok(out.bytes)
    }
}

/// Rows into files.
pub(super) struct Files<'a> {
    place: &'a Place,
    job: &'a str,
    schema: Arc<Schema>,
    drafts: BTreeMap<String, Draft>,
    /// Paths of drafts, to be removed when the run fails.
    left: Vec<String>,
}

impl<'a> Files<'a> {
    /// No files yet; `job` names their drafts.
    pub(super) fn new(place: &'a Place, job: &'a str) -> Self {
        Files {
            place,
            job,
            schema: Arc::default(),
            drafts: BTreeMap::new(),
            left: Vec::new(),
        }
    }

    fn draft(&mut self, name: &str) -> SqlResult<&mut Draft> {
        if !self.drafts.contains_key(name) {
            if !is_inside(Path::new(name)) || name.is_empty() {
                let message = format!("'{name}' is no name of a file of a sink");
                return Err(Error::new(Code::BAD_ARGUMENTS, message));
            }
            if self.drafts.len() >= FILES_MAX {
                let message = format!("the sink's rows spread over more than {FILES_MAX} files");
                return Err(Error::new(Code::TOO_MANY_ROWS_OR_BYTES, message));
            }
            // Beside the file that it becomes.
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let folder = self.place.folder.join(folder);
            folder.storage().create_dir(&folder.path(""))?;
            let path = folder.path(&format!(".{}-{}.part", self.job, self.drafts.len()));
            self.left.push(path.clone());
            let draft = Draft::create(path, self.place, &self.schema)?;
            self.drafts.insert(name.to_owned(), draft);
        }
        let draft = self.drafts.get_mut(name);
        draft.ok_or_else(|| Error::bug("a file is not among those just made"))
    }

    /// Makes all files whole and durable, and says which names they are to get: what they are called
    /// now, then, and their bytes. Files of earlier runs are still `waiting` for theirs.
    pub(super) fn end(
        &mut self,
        waiting: &BTreeSet<String>,
    ) -> SqlResult<Vec<(String, String, u64)>> {
        let (mut out, mut taken) = (Vec::new(), waiting.clone());
        let mut folders = BTreeSet::new();
        for (name, draft) in std::mem::take(&mut self.drafts) {
            let from = draft.path.clone();
            let bytes = draft.end()?;
            let to = self.place.path(&name, &taken)?;
            if waiting.contains(&to) {
                let to = self.place.shown(&to);
                let message = format!("the file of an earlier run still waits for the name {to}");
                return Err(Error::new(Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR, message));
            }
            taken.insert(to.clone());
            let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
            folders.insert(folder.to_owned());
            out.push((from, to, bytes));
        }
        let storage = self.place.folder.storage();
        folders.iter().try_for_each(|f| storage.sync_dir(f))?;
        Ok(out)
    }

    /// The files are somebody else's from here on.
    pub(super) fn give_up(mut self) {
        self.left.clear();
    }
}

impl Drop for Files<'_> {
    fn drop(&mut self) {
        for path in &self.left {
            // What cannot be removed now goes with the next start.
            let _ = self.place.folder.storage().remove(path);
        }
    }
}

impl RowSink for Files<'_> {
    fn start(&mut self, schema: &Arc<Schema>) -> SqlResult<()> {
        self.schema = match &self.place.name {
            Name::Fixed(_) => Arc::clone(schema),
            Name::Computed(_) => {
                let fields = schema.fields.iter().filter(|f| f.name != NAME_COLUMN);
                Schema::new(fields.cloned().collect())
            }
        };
        if let Name::Fixed(name) = &self.place.name {
            self.draft(name)?;
        }
        Ok(())
    }

    fn block(&mut self, block: Block) -> SqlResult<()> {
        let names = match &self.place.name {
            Name::Fixed(name) => return self.draft(name)?.add(&block),
            Name::Computed(_) => block.columns().last(),
        };
        let names = names.ok_or_else(|| Error::bug("the column of file names is missing"))?;
        let mut rows: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for row in 0..block.rows() {
            let name = names.value(row);
            let name = String::from_utf8_lossy(name.as_bytes().unwrap_or_default()).into_owned();
            match rows.get_mut(&name) {
                Some(rows) => rows.push(row as u32),
                None => {
                    rows.insert(name, vec![row as u32]);
                }
            }
        }
        let columns = block.columns()[..self.schema.len()].to_vec();
        let block = Block::new(Arc::clone(&self.schema), columns, block.rows())?;
        for (name, rows) in rows {
            self.draft(&name)?.add(&block.take(&rows))?;
        }
        Ok(())
    }

    fn end(&mut self, _: &Totals) -> SqlResult<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    fn name(template: &str) -> String {
        match Name::parse(template) {
            Ok(Name::Fixed(name)) => name,
            Ok(Name::Computed(expr)) => expr,
            Err(e) => format!("error: {e}"),
        }
    }

    #[test]
    fn names_of_files_are_texts_or_expressions() {
        assert_eq!(name("daily/rows"), "daily/rows");
        assert_eq!(
            name("e_{kind}_{at,'%Y-%m'}x"),
            "concat('e_', ifNull(toString(`kind`), 'null'), '_', \
             ifNull(formatDateTime(`at`, '%Y-%m'), 'null'), 'x')"
        );
        assert!(name("rows_{4}").contains("NOT_IMPLEMENTED"));
        for wrong in ["", "../out", "a{b", "/etc/x"] {
            assert!(name(wrong).starts_with("error"), "{wrong}");
        }
    }
}
