//! The rows of the registry of formats.
//!
//! Invariant: names are ClickHouse's; an alias stands with its format.

use super::{BlockWriter, FormatInfo, FormatSettings, MakeReader};
use super::{delimited, delimited_in, json, json_rows, json_rows_in, values_in};

type MakeWriter = fn(&FormatSettings) -> Box<dyn BlockWriter>;

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
const TEXT: &str = "text/plain; charset=UTF-8";

/// All formats.
pub(super) static FORMATS: &[FormatInfo] = &[
    row(
        "TabSeparated",
        &["TSV"],
        TSV,
        Some(delimited::tsv),
        Some(delimited_in::tsv),
        "Cells between tabs, escaped with backslashes",
    ),
    row(
        "TabSeparatedWithNames",
        &["TSVWithNames"],
        TSV,
        Some(delimited::tsv_names),
        Some(delimited_in::tsv_names),
        "TabSeparated under a line of names",
    ),
    row(
        "TabSeparatedWithNamesAndTypes",
        &["TSVWithNamesAndTypes"],
        TSV,
        Some(delimited::tsv_types),
        Some(delimited_in::tsv_types),
        "TabSeparated under lines of names and types",
    ),
    row(
        "TabSeparatedRaw",
        &["TSVRaw", "Raw"],
        TSV,
        Some(delimited::tsv_raw),
        Some(delimited_in::tsv_raw),
        "Cells between tabs, nothing escaped",
    ),
    row(
        "TabSeparatedRawWithNames",
        &["TSVRawWithNames"],
        TSV,
        Some(delimited::tsv_raw_names),
        Some(delimited_in::tsv_raw_names),
        "TabSeparatedRaw under a line of names",
    ),
    row(
        "TabSeparatedRawWithNamesAndTypes",
        &["TSVRawWithNamesAndTypes"],
        TSV,
        Some(delimited::tsv_raw_types),
        Some(delimited_in::tsv_raw_types),
        "TabSeparatedRaw under lines of names and types",
    ),
    row(
        "CSV",
        &[],
        CSV,
        Some(delimited::csv),
        Some(delimited_in::csv),
        "Comma-separated values",
    ),
    row(
        "CSVWithNames",
        &[],
        CSV_HEADER,
        Some(delimited::csv_names),
        Some(delimited_in::csv_names),
        "CSV under a line of names",
    ),
    row(
        "CSVWithNamesAndTypes",
        &[],
        CSV_HEADER,
        Some(delimited::csv_types),
        Some(delimited_in::csv_types),
        "CSV under lines of names and types",
    ),
    row(
        "Values",
        &[],
        TEXT,
        Some(delimited::values),
        Some(values_in::values),
        "Rows as in INSERT ... VALUES",
    ),
    row(
        "JSON",
        &[],
        JSON,
        Some(json::full),
        None,
        "One document: names and types, rows as objects, counts",
    ),
    row(
        "JSONCompact",
        &[],
        JSON,
        Some(json::compact),
        None,
        "One document: names and types, rows as lists, counts",
    ),
    row(
        "JSONEachRow",
        &["JSONLines", "NDJSON", "JSONL"],
        NDJSON,
        Some(json_rows::objects),
        Some(json_rows_in::objects),
        "An object a line",
    ),
    row(
        "JSONCompactEachRow",
        &[],
        NDJSON,
        Some(json_rows::lists),
        Some(json_rows_in::lists),
        "A list a line",
    ),
    row(
        "JSONCompactEachRowWithNames",
        &[],
        NDJSON,
        Some(json_rows::lists_names),
        Some(json_rows_in::lists_names),
        "A list a line under a list of names",
    ),
    row(
        "JSONCompactEachRowWithNamesAndTypes",
        &[],
        NDJSON,
        Some(json_rows::lists_types),
        Some(json_rows_in::lists_types),
        "A list a line under lists of names and types",
    ),
    row("Null", &[], TEXT, Some(delimited::null), None, "Nothing"),
];
