//! The rows of the registry of formats.
//!
//! Invariant: names are ClickHouse's; an alias stands with its format.

use super::out::cells::Cells;
use super::out::json::JsonWriter as Json;
use super::out::json_columns::{Frame as Columns, JsonColumnsWriter as JsonColumns};
use super::out::plain::{Plain, PlainWriter};
use super::out::pretty::{Frame, PrettyWriter as Pretty};
use super::out::prometheus::PrometheusWriter;
use super::out::rows::{Header, RowsWriter as Rows};
use super::out::vertical::VerticalWriter;
use super::{FormatInfo, MakeReader, MakeWriter};
use super::{delimited_in, json_rows_in, native, plain_in, row_binary, values_in};

const fn row(
    name: &'static str,
    aliases: &'static [&'static str],
    content_type: &'static str,
    writer: Option<MakeWriter>,
    reader: Option<MakeReader>,
    doc: &'static str,
) -> FormatInfo {
    FormatInfo {
        name,
        aliases,
        content_type,
        doc,
        writer,
        reader,
    }
}

const JSON: &str = "application/json; charset=UTF-8";
const NDJSON: &str = "application/x-ndjson; charset=UTF-8";
const TSV: &str = "text/tab-separated-values; charset=UTF-8";
const CSV: &str = "text/csv; charset=UTF-8; header=absent";
const CSV_HEADER: &str = "text/csv; charset=UTF-8; header=present";
const MARKDOWN: &str = "text/markdown; charset=UTF-8";
const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=UTF-8";

/// All formats.
pub(super) static FORMATS: &[FormatInfo] = &[
    row(
        "TabSeparated",
        &["TSV"],
        TSV,
        Some(|s| Rows::tsv(Header::None, s)),
        Some(delimited_in::tsv),
        "Cells between tabs, escaped with backslashes",
    ),
    row(
        "TabSeparatedWithNames",
        &["TSVWithNames"],
        TSV,
        Some(|s| Rows::tsv(Header::Names, s)),
        Some(delimited_in::tsv_names),
        "TabSeparated under a line of names",
    ),
    row(
        "TabSeparatedWithNamesAndTypes",
        &["TSVWithNamesAndTypes"],
        TSV,
        Some(|s| Rows::tsv(Header::NamesAndTypes, s)),
        Some(delimited_in::tsv_types),
        "TabSeparated under lines of names and types",
    ),
    row(
        "TabSeparatedRaw",
        &["TSVRaw", "Raw"],
        TSV,
        Some(|s| Rows::tsv_raw(Header::None, s)),
        Some(delimited_in::tsv_raw),
        "Cells between tabs, nothing escaped",
    ),
    row(
        "TabSeparatedRawWithNames",
        &["TSVRawWithNames"],
        TSV,
        Some(|s| Rows::tsv_raw(Header::Names, s)),
        Some(delimited_in::tsv_raw_names),
        "TabSeparatedRaw under a line of names",
    ),
    row(
        "TabSeparatedRawWithNamesAndTypes",
        &["TSVRawWithNamesAndTypes"],
        TSV,
        Some(|s| Rows::tsv_raw(Header::NamesAndTypes, s)),
        Some(delimited_in::tsv_raw_types),
        "TabSeparatedRaw under lines of names and types",
    ),
    row(
        "TSKV",
        &[],
        TEXT,
        Some(Rows::tskv),
        None,
        "`name=value` pairs between tabs",
    ),
    row(
        "CSV",
        &[],
        CSV,
        Some(|s| Rows::csv(Header::None, s)),
        Some(delimited_in::csv),
        "Comma-separated values",
    ),
    row(
        "CSVWithNames",
        &[],
        CSV_HEADER,
        Some(|s| Rows::csv(Header::Names, s)),
        Some(delimited_in::csv_names),
        "CSV under a line of names",
    ),
    row(
        "CSVWithNamesAndTypes",
        &[],
        CSV_HEADER,
        Some(|s| Rows::csv(Header::NamesAndTypes, s)),
        Some(delimited_in::csv_types),
        "CSV under lines of names and types",
    ),
    row(
        "Values",
        &[],
        TEXT,
        Some(Rows::values),
        Some(values_in::values),
        "Rows as in INSERT ... VALUES",
    ),
    row(
        "JSON",
        &[],
        JSON,
        Some(|s| Json::make(Cells::Json, false, s)),
        None,
        "One document: names and types, rows as objects, counts",
    ),
    row(
        "JSONStrings",
        &[],
        JSON,
        Some(|s| Json::make(Cells::JsonStrings, false, s)),
        None,
        "JSON with every value as a string",
    ),
    row(
        "JSONCompact",
        &[],
        JSON,
        Some(|s| Json::make(Cells::Json, true, s)),
        None,
        "One document: names and types, rows as lists, counts",
    ),
    row(
        "JSONCompactStrings",
        &[],
        JSON,
        Some(|s| Json::make(Cells::JsonStrings, true, s)),
        None,
        "JSONCompact with every value as a string",
    ),
    row(
        "JSONColumns",
        &[],
        JSON,
        Some(|s| JsonColumns::make(Columns::Named, s)),
        None,
        "One object: a list of values per column",
    ),
    row(
        "JSONCompactColumns",
        &[],
        JSON,
        Some(|s| JsonColumns::make(Columns::Compact, s)),
        None,
        "One list: a list of values per column",
    ),
    row(
        "JSONColumnsWithMetadata",
        &[],
        JSON,
        Some(|s| JsonColumns::make(Columns::WithMetadata, s)),
        None,
        "JSONColumns with names and types, and counts",
    ),
    row(
        "JSONEachRow",
        &["JSONLines", "NDJSON", "JSONL"],
        NDJSON,
        Some(|s| Rows::json(Cells::Json, s)),
        Some(json_rows_in::objects),
        "An object a line",
    ),
    row(
        "JSONStringsEachRow",
        &[],
        NDJSON,
        Some(|s| Rows::json(Cells::JsonStrings, s)),
        None,
        "An object a line, every value a string",
    ),
    row(
        "JSONObjectEachRow",
        &[],
        JSON,
        Some(Rows::json_members),
        None,
        "One object with a member per row",
    ),
    row(
        "JSONCompactEachRow",
        &[],
        NDJSON,
        Some(|s| Rows::json_arrays(Cells::Json, Header::None, s)),
        Some(json_rows_in::lists),
        "A list a line",
    ),
    row(
        "JSONCompactEachRowWithNames",
        &[],
        NDJSON,
        Some(|s| Rows::json_arrays(Cells::Json, Header::Names, s)),
        Some(json_rows_in::lists_names),
        "A list a line under a list of names",
    ),
    row(
        "JSONCompactEachRowWithNamesAndTypes",
        &[],
        NDJSON,
        Some(|s| Rows::json_arrays(Cells::Json, Header::NamesAndTypes, s)),
        Some(json_rows_in::lists_types),
        "A list a line under lists of names and types",
    ),
    row(
        "JSONCompactStringsEachRow",
        &[],
        NDJSON,
        Some(|s| Rows::json_arrays(Cells::JsonStrings, Header::None, s)),
        None,
        "A list of strings a line",
    ),
    row(
        "Pretty",
        &[
            "PrettyNoEscapes",
            "PrettyMonoBlock",
            "PrettyNoEscapesMonoBlock",
        ],
        TEXT,
        Some(|s| Pretty::make(Frame::Full, s)),
        None,
        "A table with lines",
    ),
    row(
        "PrettyCompact",
        &[
            "PrettyCompactNoEscapes",
            "PrettyCompactMonoBlock",
            "PrettyCompactNoEscapesMonoBlock",
        ],
        TEXT,
        Some(|s| Pretty::make(Frame::Compact, s)),
        None,
        "A table with few lines",
    ),
    row(
        "PrettySpace",
        &[
            "PrettySpaceNoEscapes",
            "PrettySpaceMonoBlock",
            "PrettySpaceNoEscapesMonoBlock",
        ],
        TEXT,
        Some(|s| Pretty::make(Frame::Space, s)),
        None,
        "A table without lines",
    ),
    row(
        "Vertical",
        &[],
        TEXT,
        Some(VerticalWriter::make),
        None,
        "A line per value",
    ),
    row(
        "Markdown",
        &["MD"],
        MARKDOWN,
        Some(Rows::markdown),
        None,
        "A table of Markdown",
    ),
    row(
        "Prometheus",
        &[],
        "text/plain; version=0.0.4; charset=UTF-8",
        Some(PrometheusWriter::make),
        None,
        "Metrics from columns name, value, help, type, labels, timestamp",
    ),
    row(
        "LineAsString",
        &[],
        TEXT,
        Some(|s| PlainWriter::make(Plain::Lines, s)),
        Some(plain_in::lines),
        "A line is the String of the only column",
    ),
    row(
        "RawBLOB",
        &[],
        BINARY,
        Some(|s| PlainWriter::make(Plain::Blob, s)),
        Some(plain_in::blob),
        "All of the data is the String of the only column",
    ),
    row(
        "Native",
        &[],
        BINARY,
        Some(native::writer),
        Some(native::reader),
        "Blocks of columns as ClickHouse's clients exchange them",
    ),
    #[cfg(feature = "parquet")]
    row(
        "Parquet",
        &[],
        BINARY,
        Some(super::parquet::writer),
        Some(super::parquet::reader),
        "Columnar files of row groups",
    ),
    row(
        "RowBinary",
        &[],
        BINARY,
        Some(row_binary::writer),
        Some(row_binary::reader),
        "Binary cells, row after row",
    ),
    row(
        "RowBinaryWithNames",
        &[],
        BINARY,
        Some(row_binary::writer_names),
        Some(row_binary::reader_names),
        "RowBinary under names",
    ),
    row(
        "RowBinaryWithNamesAndTypes",
        &[],
        BINARY,
        Some(row_binary::writer_types),
        Some(row_binary::reader_types),
        "RowBinary under names and types",
    ),
    row(
        "Null",
        &[],
        TEXT,
        Some(|s| PlainWriter::make(Plain::Null, s)),
        None,
        "Nothing",
    ),
];
