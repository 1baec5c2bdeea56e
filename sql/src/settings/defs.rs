//! The rows of the settings table.
//!
//! Invariant: names are sorted and unique, every default passes its own check (tested).

use roost_engine::error::{Code, Error, Result};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0, 1, true, false.
    Bool,
    /// A whole number.
    UInt64,
    /// A number.
    Float,
    /// A length of time in seconds, with a fraction.
    Seconds,
    /// Any text.
    String,
}

impl Kind {
    /// ClickHouse's name of the type in `system.settings`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bool => "Bool",
            Kind::UInt64 => "UInt64",
            Kind::Float => "Float",
            Kind::Seconds => "Seconds",
            Kind::String => "String",
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Definition {
    /// ClickHouse's name.
    pub name: &'static str,
    /// Values.
    pub kind: Kind,
    /// Default as text.
    pub default: &'static str,
    /// Whether Roost does anything with it; the others are accepted because clients send them.
    pub effective: bool,
    /// What it does.
    pub doc: &'static str,
}

impl Definition {
    /// The value in its one spelling.
    pub fn check(&self, value: &str) -> Result<String> {
        let trimmed = value.trim();
        let bad = |code| {
            let message = format!(
                "Cannot parse '{value}' as {} of setting {}",
                self.kind.name(),
                self.name
            );
            Error::new(code, message)
        };
        match self.kind {
            Kind::String => Ok(value.to_string()),
            Kind::Bool => match trimmed.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Ok("1".into()),
                "0" | "false" | "no" | "off" => Ok("0".into()),
                _ => Err(bad(Code::CANNOT_PARSE_BOOL)),
            },
            Kind::UInt64 => match trimmed {
                "true" => Ok("1".into()),
                "false" => Ok("0".into()),
                // A negative number or `auto` asks for the default, as clients do.
                "auto" | "" => Ok(self.default.into()),
                number => number
                    .parse::<u64>()
                    .map(|n| n.to_string())
                    .map_err(|_| bad(Code::CANNOT_PARSE_NUMBER)),
            },
            Kind::Float | Kind::Seconds => trimmed
                .parse::<f64>()
                .ok()
                .filter(|x| x.is_finite())
                .map(|x| x.to_string())
                .ok_or_else(|| bad(Code::CANNOT_PARSE_NUMBER)),
        }
    }
}

/// The row of that name.
pub fn find(name: &str) -> Option<&'static Definition> {
    let at = DEFINITIONS.binary_search_by_key(&name, |d| d.name).ok()?;
    Some(&DEFINITIONS[at])
}

const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    effective: bool,
    doc: &'static str,
) -> Definition {
    Definition {
        name,
        kind,
        default,
        effective,
        doc,
    }
}

/// Settings that exist for clients that send them; they change nothing.
const ACCEPTED: &str = "Accepted for clients that send it; changes nothing";

/// All rows, by name.
pub static DEFINITIONS: &[Definition] = &[
    row(
        "aggregate_functions_null_for_empty",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row("allow_ddl", Kind::Bool, "1", false, ACCEPTED),
    row(
        "allow_experimental_analyzer",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "allow_experimental_dynamic_type",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "allow_experimental_json_type",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "allow_experimental_variant_type",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "allow_experimental_window_functions",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "allow_suspicious_low_cardinality_types",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row("async_insert", Kind::Bool, "0", false, ACCEPTED),
    row("buffer_size", Kind::UInt64, "0", false, ACCEPTED),
    row(
        "cancel_http_readonly_queries_on_client_close",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "cast_ipv4_ipv6_default_on_conversion_error",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "cast_keep_nullable",
        Kind::Bool,
        "0",
        true,
        "CAST keeps Nullable of its argument",
    ),
    row(
        "cast_string_to_dynamic_use_inference",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "client_protocol_version",
        Kind::UInt64,
        "0",
        false,
        ACCEPTED,
    ),
    row("compress", Kind::Bool, "0", false, ACCEPTED),
    row("connect_timeout", Kind::Seconds, "10", false, ACCEPTED),
    row(
        "count_distinct_implementation",
        Kind::String,
        "uniqExact",
        false,
        ACCEPTED,
    ),
    row(
        "data_type_default_nullable",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "date_time_input_format",
        Kind::String,
        "basic",
        true,
        "How DateTime is read from text: basic, best_effort",
    ),
    row(
        "date_time_output_format",
        Kind::String,
        "simple",
        true,
        "How DateTime is written: simple, iso, unix_timestamp",
    ),
    row("decompress", Kind::Bool, "0", false, ACCEPTED),
    row(
        "distributed_product_mode",
        Kind::String,
        "deny",
        false,
        ACCEPTED,
    ),
    row(
        "empty_result_for_aggregation_by_empty_set",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row("enable_analyzer", Kind::Bool, "1", false, ACCEPTED),
    row(
        "enable_http_compression",
        Kind::Bool,
        "0",
        true,
        "Compress HTTP answers when the client accepts it",
    ),
    row("enable_json_type", Kind::Bool, "1", false, ACCEPTED),
    row(
        "enable_optimize_predicate_expression",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "enable_positional_arguments",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row("extremes", Kind::Bool, "0", false, ACCEPTED),
    row("final", Kind::Bool, "0", false, ACCEPTED),
    row("flatten_nested", Kind::Bool, "1", false, ACCEPTED),
    row(
        "format_csv_allow_double_quotes",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "format_csv_allow_single_quotes",
        Kind::Bool,
        "0",
        true,
        "Single quotes enclose CSV fields",
    ),
    row(
        "format_csv_delimiter",
        Kind::String,
        ",",
        true,
        "Delimiter of CSV fields, one character",
    ),
    row(
        "group_by_overflow_mode",
        Kind::String,
        "throw",
        false,
        ACCEPTED,
    ),
    row("group_by_use_nulls", Kind::Bool, "0", false, ACCEPTED),
    row(
        "http_headers_progress_interval_ms",
        Kind::UInt64,
        "100",
        false,
        ACCEPTED,
    ),
    row(
        "http_response_buffer_size",
        Kind::UInt64,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "input_format_allow_errors_num",
        Kind::UInt64,
        "0",
        true,
        "Rows that may fail to parse before an INSERT fails",
    ),
    row(
        "input_format_allow_errors_ratio",
        Kind::Float,
        "0",
        true,
        "Share of rows that may fail to parse",
    ),
    row(
        "input_format_csv_empty_as_default",
        Kind::Bool,
        "1",
        true,
        "An empty CSV field is the column's default",
    ),
    row(
        "input_format_defaults_for_omitted_fields",
        Kind::Bool,
        "1",
        true,
        "Omitted fields take the DEFAULT expression",
    ),
    row(
        "input_format_import_nested_json",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "input_format_json_read_bools_as_numbers",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "input_format_json_read_objects_as_strings",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "input_format_null_as_default",
        Kind::Bool,
        "1",
        true,
        "NULL for a column that is not Nullable is its default",
    ),
    row(
        "input_format_parallel_parsing",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "input_format_skip_unknown_fields",
        Kind::Bool,
        "1",
        true,
        "Fields without a column are skipped",
    ),
    row(
        "input_format_values_interpret_expressions",
        Kind::Bool,
        "1",
        true,
        "VALUES may hold expressions",
    ),
    row(
        "input_format_with_names_use_header",
        Kind::Bool,
        "1",
        true,
        "The header of ...WithNames formats names the columns",
    ),
    row("insert_deduplicate", Kind::Bool, "1", false, ACCEPTED),
    row(
        "insert_deduplication_token",
        Kind::String,
        "",
        true,
        "A retried INSERT with the same token lands once",
    ),
    row(
        "insert_null_as_default",
        Kind::Bool,
        "1",
        true,
        "INSERT SELECT puts the default for NULL where a column is not Nullable",
    ),
    row("insert_quorum", Kind::UInt64, "0", false, ACCEPTED),
    row("join_algorithm", Kind::String, "default", false, ACCEPTED),
    row("join_any_take_last_row", Kind::Bool, "0", false, ACCEPTED),
    row(
        "join_use_nulls",
        Kind::Bool,
        "0",
        true,
        "Missing sides of outer joins are NULL instead of defaults",
    ),
    row(
        "limit",
        Kind::UInt64,
        "0",
        true,
        "LIMIT over every query (0: none)",
    ),
    row(
        "live_view_heartbeat_interval",
        Kind::Seconds,
        "15",
        false,
        ACCEPTED,
    ),
    row("load_balancing", Kind::String, "random", false, ACCEPTED),
    row(
        "log_comment",
        Kind::String,
        "",
        true,
        "Kept in system.query_log",
    ),
    row(
        "log_queries",
        Kind::Bool,
        "1",
        true,
        "Keep queries in system.query_log",
    ),
    row(
        "max_ast_depth",
        Kind::UInt64,
        "1000",
        false,
        "Deepest syntax tree; fixed",
    ),
    row("max_ast_elements", Kind::UInt64, "50000", false, ACCEPTED),
    row(
        "max_block_size",
        Kind::UInt64,
        "65409",
        true,
        "Rows per block, at most",
    ),
    row(
        "max_bytes_before_external_group_by",
        Kind::UInt64,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "max_bytes_before_external_sort",
        Kind::UInt64,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "max_bytes_to_read",
        Kind::UInt64,
        "0",
        true,
        "Bytes that a query may read (0: any)",
    ),
    row(
        "max_execution_time",
        Kind::Seconds,
        "0",
        true,
        "Seconds until a query is stopped with error 159 (0: never)",
    ),
    row(
        "max_expanded_ast_elements",
        Kind::UInt64,
        "500000",
        false,
        ACCEPTED,
    ),
    row(
        "max_insert_block_size",
        Kind::UInt64,
        "1048449",
        true,
        "Rows of an INSERT that are formed into one block",
    ),
    row("max_insert_threads", Kind::UInt64, "0", false, ACCEPTED),
    row(
        "max_memory_usage",
        Kind::UInt64,
        "0",
        true,
        "Bytes that a query may hold before error 241 (0: the database's limit)",
    ),
    row(
        "max_memory_usage_for_user",
        Kind::UInt64,
        "0",
        false,
        ACCEPTED,
    ),
    row("max_parser_depth", Kind::UInt64, "1000", false, ACCEPTED),
    row(
        "max_partitions_per_insert_block",
        Kind::UInt64,
        "100",
        false,
        ACCEPTED,
    ),
    row(
        "max_query_size",
        Kind::UInt64,
        "262144",
        true,
        "Bytes of SQL text that are parsed, INSERT data not counted",
    ),
    row(
        "max_result_bytes",
        Kind::UInt64,
        "0",
        true,
        "Bytes of a result before error 396 (0: any)",
    ),
    row(
        "max_result_rows",
        Kind::UInt64,
        "0",
        true,
        "Rows of a result before error 396 (0: any)",
    ),
    row("max_rows_to_group_by", Kind::UInt64, "0", false, ACCEPTED),
    row(
        "max_rows_to_read",
        Kind::UInt64,
        "0",
        true,
        "Rows that a query may read before error 158 (0: any)",
    ),
    row(
        "max_subquery_depth",
        Kind::UInt64,
        "100",
        false,
        "Deepest nesting of queries; fixed",
    ),
    row(
        "max_threads",
        Kind::UInt64,
        "0",
        true,
        "Threads of a query (0: one per core)",
    ),
    row("mutations_sync", Kind::UInt64, "0", false, ACCEPTED),
    row(
        "network_compression_method",
        Kind::String,
        "LZ4",
        false,
        ACCEPTED,
    ),
    row(
        "optimize_aggregation_in_order",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "optimize_move_to_prewhere",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row("optimize_read_in_order", Kind::Bool, "1", false, ACCEPTED),
    row(
        "output_format_csv_crlf_end_of_line",
        Kind::Bool,
        "0",
        true,
        "CSV lines end with CR LF",
    ),
    row(
        "output_format_decimal_trailing_zeros",
        Kind::Bool,
        "0",
        true,
        "Decimals are written with all their digits",
    ),
    row(
        "output_format_json_array_of_rows",
        Kind::Bool,
        "0",
        true,
        "JSONEachRow as one JSON array",
    ),
    row(
        "output_format_json_escape_forward_slashes",
        Kind::Bool,
        "1",
        true,
        "/ is written as \\/ in JSON",
    ),
    row(
        "output_format_json_named_tuples_as_objects",
        Kind::Bool,
        "1",
        true,
        "Named tuples are JSON objects",
    ),
    row(
        "output_format_json_quote_64bit_floats",
        Kind::Bool,
        "0",
        true,
        "Float64 in quotes in JSON",
    ),
    row(
        "output_format_json_quote_64bit_integers",
        Kind::Bool,
        "0",
        true,
        "64-bit integers in quotes in JSON",
    ),
    row(
        "output_format_json_quote_decimals",
        Kind::Bool,
        "0",
        true,
        "Decimals in quotes in JSON",
    ),
    row(
        "output_format_json_quote_denormals",
        Kind::Bool,
        "0",
        true,
        "inf and nan in quotes in JSON instead of null",
    ),
    row(
        "output_format_native_encode_types_in_binary_format",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row(
        "output_format_parallel_formatting",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "output_format_parquet_compression_method",
        Kind::String,
        "zstd",
        true,
        "Compression of Parquet: none, snappy, lz4, zstd, gzip",
    ),
    row(
        "output_format_parquet_string_as_string",
        Kind::Bool,
        "1",
        true,
        "String is a Parquet string instead of binary",
    ),
    row(
        "output_format_pretty_color",
        Kind::String,
        "auto",
        true,
        "Colours in Pretty formats: 0, 1, auto",
    ),
    row(
        "output_format_pretty_max_rows",
        Kind::UInt64,
        "1000",
        true,
        "Rows of Pretty formats",
    ),
    row(
        "output_format_write_statistics",
        Kind::Bool,
        "1",
        true,
        "JSON ends with statistics",
    ),
    row("parallel_view_processing", Kind::Bool, "0", false, ACCEPTED),
    row(
        "prefer_column_name_to_alias",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row("prefer_localhost_replica", Kind::Bool, "1", false, ACCEPTED),
    row("priority", Kind::UInt64, "0", false, ACCEPTED),
    row("query_cache_ttl", Kind::Seconds, "60", false, ACCEPTED),
    row(
        "readonly",
        Kind::UInt64,
        "0",
        true,
        "1: only queries that read; 2: those and SET",
    ),
    row("receive_timeout", Kind::Seconds, "300", false, ACCEPTED),
    row(
        "result_overflow_mode",
        Kind::String,
        "throw",
        false,
        ACCEPTED,
    ),
    row("send_logs_level", Kind::String, "fatal", false, ACCEPTED),
    row(
        "send_progress_in_http_headers",
        Kind::Bool,
        "0",
        false,
        ACCEPTED,
    ),
    row("send_timeout", Kind::Seconds, "300", false, ACCEPTED),
    row(
        "session_timezone",
        Kind::String,
        "",
        true,
        "Zone of DateTime without one (default: the server's, UTC)",
    ),
    row(
        "short_circuit_function_evaluation",
        Kind::String,
        "enable",
        false,
        ACCEPTED,
    ),
    row(
        "throw_if_no_data_to_insert",
        Kind::Bool,
        "1",
        false,
        ACCEPTED,
    ),
    row(
        "timeout_before_checking_execution_speed",
        Kind::Seconds,
        "10",
        false,
        ACCEPTED,
    ),
    row(
        "timeout_overflow_mode",
        Kind::String,
        "throw",
        false,
        ACCEPTED,
    ),
    row(
        "transform_null_in",
        Kind::Bool,
        "0",
        true,
        "NULL IN (NULL) is true",
    ),
    row("union_default_mode", Kind::String, "", false, ACCEPTED),
    row("use_client_time_zone", Kind::Bool, "0", false, ACCEPTED),
    row("use_query_cache", Kind::Bool, "0", false, ACCEPTED),
    row("use_uncompressed_cache", Kind::Bool, "0", false, ACCEPTED),
    row(
        "wait_end_of_query",
        Kind::Bool,
        "0",
        true,
        "The HTTP answer starts when the query has ended",
    ),
    row("wait_for_async_insert", Kind::Bool, "1", false, ACCEPTED),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_documented_and_sound() {
        assert!(DEFINITIONS.windows(2).all(|w| w[0].name < w[1].name));
        for d in DEFINITIONS {
            assert_eq!(
                d.check(d.default).ok().as_deref(),
                Some(d.default),
                "{}",
                d.name
            );
            assert!(!d.doc.is_empty() && !d.doc.ends_with('.'), "{}", d.name);
        }
    }
}
