//! `roost import`: a file of rows into a table.
//!
//! Invariant: the file is read once, in pieces; memory does not grow with it.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use roost::formats::{FormatSettings, infer_schema};
use roost::session::{Database, QueryRequest};
use roost_engine::block::Field;
use roost_engine::error::Error;

use super::client::run_native;
use super::{Failed, Place};
use crate::project::guess::guess_columns;
use crate::store::quoted;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// CSV, TSV, NDJSON or Parquet, perhaps compressed (.gz, .zst).
    file: PathBuf,
    /// Table to fill; the file's name without its ending unless given. It is made if it is not there.
    #[arg(short, long)]
    table: Option<String>,
    /// Sorting key of a new table.
    #[arg(long, default_value = "tuple()", value_name = "EXPR")]
    order_by: String,
    /// Format, when the ending does not tell: CSV, TSV, JSONEachRow, Parquet, …
    #[arg(short, long)]
    format: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Bytes that are looked at for a schema.
const LOOKED_AT: usize = 1 << 20;

/// Format and compression by the file's endings.
fn endings(path: &Path) -> (Option<&'static str>, &'static str) {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let (name, packed) = match name.rsplit_once('.') {
        Some((rest, "gz")) => (rest.to_owned(), "gz"),
        Some((rest, "zst" | "zstd")) => (rest.to_owned(), "zst"),
        _ => (name, ""),
    };
    let format = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => Some("CSV"),
        Some("tsv" | "tab") => Some("TSV"),
        Some("ndjson" | "jsonl" | "json") => Some("JSONEachRow"),
        Some("parquet") => Some("Parquet"),
        Some("native") => Some("Native"),
        _ => None,
    };
    (format, packed)
}

/// The table's name when none was given.
fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = name.split('.').next().unwrap_or("table");
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    stem.chars().map(plain).collect()
}

pub(super) fn run(args: Args) -> Result<(), Failed> {
    let file = args.file.display().to_string();
    // What is wrong with rows is said with the file they stand in.
    import(args).map_err(|e| match e.downcast::<Error>() {
        Ok(e) => Failed::from(e.context(file)),
        Err(e) => format!("{file}: {e}").into(),
    })
}

fn import(args: Args) -> Result<(), Failed> {
    let (by_ending, packed) = endings(&args.file);
    let format = args.format.as_deref().or(by_ending);
    let format = format
        .ok_or("the file's ending does not tell its format; pass --format")?
        .to_owned();
    let table = args.table.clone().unwrap_or_else(|| stem(&args.file));
    let file = File::open(&args.file)?;
    let bar = ProgressBar::new(file.metadata().map_or(0, |m| m.len()));
    let style = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let counted = bar.wrap_read(BufReader::with_capacity(1 << 20, file));
    let mut rows = unpacked(counted, packed)?;
    let mut start = Vec::new();
    (&mut rows).take(LOOKED_AT as u64).read_to_end(&mut start)?;
    let guess = Guess::of(&format, &start, &args.file, packed)?;
    let data: Box<dyn Read + Send> = Box::new(Cursor::new(start).chain(rows));
    let insert = format!("INSERT INTO {} FORMAT {}", quoted(&table), guess.format);
    let create = guess.schema.map(|schema| {
        let table = quoted(&table);
        eprintln!("{table}: {schema}");
        let key = &args.order_by;
        format!("CREATE TABLE IF NOT EXISTS {table} ({schema}) ENGINE = MergeTree ORDER BY {key}")
    });
    let written = write(&args.place, create.as_deref(), &insert, data)?;
    bar.finish_and_clear();
    match written {
        Some(rows) => eprintln!("{rows} rows written to {table}"),
        None => eprintln!("written to {table}"),
    }
    Ok(())
}

/// The bytes behind the file's compression.
fn unpacked(
    file: impl Read + Send + 'static,
    packed: &str,
) -> std::io::Result<Box<dyn Read + Send>> {
    Ok(match packed {
        "gz" => Box::new(flate2::read::MultiGzDecoder::new(file)),
        "zst" => Box::new(zstd::stream::read::Decoder::new(file)?),
        _ => Box::new(file),
    })
}

/// The schema of the rows, and the format with its header seen.
struct Guess {
    format: String,
    schema: Option<String>,
}

impl Guess {
    /// From the file's beginning; from all of it where the schema stands at its end.
    fn of(format: &str, start: &[u8], path: &Path, packed: &str) -> Result<Guess, Failed> {
        let (format, rows): (String, Box<dyn Read + Send>) = match format {
            "Parquet" => {
                let file = BufReader::with_capacity(1 << 20, File::open(path)?);
                (format.to_owned(), unpacked(file, packed)?)
            }
            "CSV" | "TSV" | "JSONEachRow" => {
                let whole = match start.len() < LOOKED_AT {
                    true => start,
                    false => &start[..start.iter().rposition(|b| *b == b'\n').unwrap_or(0)],
                };
                let is_named = format != "JSONEachRow" && guess_columns(whole).has_header;
                let ending = if is_named { "WithNames" } else { "" };
                (
                    format!("{format}{ending}"),
                    Box::new(Cursor::new(whole.to_vec())),
                )
            }
            _ => {
                return Ok(Guess {
                    format: format.to_owned(),
                    schema: None,
                });
            }
        };
        let schema = infer_schema(&format, rows, &FormatSettings::default())?;
        let column = |f: &Field| format!("{} {}", quoted(&f.name), f.ty);
        let columns: Vec<String> = schema.fields.iter().map(column).collect();
        Ok(Guess {
            format,
            schema: Some(columns.join(", ")),
        })
    }
}

fn write(
    place: &Place,
    create: Option<&str>,
    insert: &str,
    mut data: Box<dyn Read + Send>,
) -> Result<Option<u64>, Failed> {
    if let Some(url) = &place.url {
        if let Some(create) = create {
            run_native(url, create, None, None)?;
        }
        run_native(url, insert, None, Some(&mut data))?;
        return Ok(None);
    }
    let database = match &place.data {
        Some(path) => Database::open(path)?,
        None => {
            return Err(
                "pass --data DIR or --url URL: a table in memory would be gone at once".into(),
            );
        }
    };
    if let Some(create) = create {
        database.execute(create)?;
    }
    let request = QueryRequest {
        body: Some(data),
        settings: vec![(
            "date_time_input_format".to_owned(),
            "best_effort".to_owned(),
        )],
        ..QueryRequest::new(insert)
    };
    let summary = database.run(request, &mut Vec::new())?;
    database.engine().shutdown()?;
    Ok(Some(summary.written_rows))
}
