//! What formats look at of a query's settings.
//!
//! Invariant: one reading of the settings table; formats never see it themselves.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Tz};

use crate::Value;
use crate::settings::Settings;

/// Evaluates an expression that stands for a value in VALUES.
pub type ValueEvaluator = Arc<dyn Fn(&str, &DataType) -> Result<Value> + Send + Sync>;

/// Takes a row that does not fit: its bytes, the error and, when known, the column. The reader goes
/// on behind it.
pub type BadRow = Arc<dyn Fn(&[u8], &Error, Option<&str>) + Send + Sync>;

/// Settings of formats.
#[derive(Clone)]
#[allow(missing_docs, reason = "named and documented in the settings table")]
pub struct FormatSettings {
    pub time_zone: Tz,
    pub max_block_rows: usize,
    pub quote_64bit_integers: bool,
    pub quote_64bit_floats: bool,
    pub quote_denormals: bool,
    pub quote_decimals: bool,
    pub escape_forward_slashes: bool,
    pub named_tuples_as_objects: bool,
    pub json_array_of_rows: bool,
    pub write_statistics: bool,
    pub decimal_trailing_zeros: bool,
    pub date_time_output: String,
    /// DateTime texts in any usual form (`best_effort`), not only ClickHouse's own.
    pub best_effort_times: bool,
    pub csv_delimiter: u8,
    pub csv_single_quotes: bool,
    pub csv_crlf: bool,
    pub csv_empty_as_default: bool,
    pub skip_unknown_fields: bool,
    pub null_as_default: bool,
    /// A whole number out of its type's range is an error; otherwise it wraps, as in ClickHouse.
    pub check_overflow: bool,
    pub with_names_use_header: bool,
    pub defaults_for_omitted_fields: bool,
    pub allow_errors: u64,
    pub pretty_max_rows: u64,
    pub pretty_color: bool,
    pub parquet_string_as_string: bool,
    pub parquet_compression: String,
    pub client_protocol_version: u64,
    /// Expressions in VALUES; none: they are refused.
    pub evaluator: Option<ValueEvaluator>,
    /// Rows that do not fit; none: they fail the read.
    pub bad_row: Option<BadRow>,
}

impl std::fmt::Debug for FormatSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FormatSettings").finish_non_exhaustive()
    }
}

impl Default for FormatSettings {
    fn default() -> Self {
        FormatSettings::from_settings(&Settings::default(), Tz::UTC)
    }
}

/// Where the text of a setting is found.
trait Texts {
    fn text(&self, name: &str) -> &str;

    fn uint(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    fn bool(&self, name: &str) -> bool {
        self.uint(name) != 0
    }
}

impl Texts for Settings {
    fn text(&self, name: &str) -> &str {
        Settings::text(self, name)
    }
}

/// Settings that note the names that were asked for.
struct Recorded<'a>(&'a Settings, &'a RefCell<Vec<String>>);

impl Texts for Recorded<'_> {
    fn text(&self, name: &str) -> &str {
        self.1.borrow_mut().push(name.to_owned());
        self.0.text(name)
    }
}

impl FormatSettings {
    /// What the settings say.
    pub fn from_settings(s: &Settings, time_zone: Tz) -> Self {
        // Most queries change none of them, and thirty are looked up.
        static USUAL: LazyLock<(FormatSettings, Vec<String>)> = LazyLock::new(|| {
            let read = RefCell::new(Vec::new());
            let usual = FormatSettings::of(&Recorded(&Settings::default(), &read), Tz::UTC);
            (usual, read.into_inner())
        });
        let (usual, read) = &*USUAL;
        match s.unusual().any(|name| read.iter().any(|r| r == name)) {
            true => FormatSettings::of(s, time_zone),
            false => FormatSettings {
                time_zone,
                ..usual.clone()
            },
        }
    }

    fn of(s: &impl Texts, time_zone: Tz) -> Self {
        FormatSettings {
            time_zone,
            max_block_rows: (s.uint("max_insert_block_size") as usize).clamp(1, 1 << 20),
            quote_64bit_integers: s.bool("output_format_json_quote_64bit_integers"),
            quote_64bit_floats: s.bool("output_format_json_quote_64bit_floats"),
            quote_denormals: s.bool("output_format_json_quote_denormals"),
            quote_decimals: s.bool("output_format_json_quote_decimals"),
            escape_forward_slashes: s.bool("output_format_json_escape_forward_slashes"),
            named_tuples_as_objects: s.bool("output_format_json_named_tuples_as_objects"),
            json_array_of_rows: s.bool("output_format_json_array_of_rows"),
            write_statistics: s.bool("output_format_write_statistics"),
            decimal_trailing_zeros: s.bool("output_format_decimal_trailing_zeros"),
            date_time_output: s.text("date_time_output_format").to_string(),
            best_effort_times: s.text("date_time_input_format").starts_with("best_effort"),
            csv_delimiter: s
                .text("format_csv_delimiter")
                .bytes()
                .next()
                .unwrap_or(b','),
            csv_single_quotes: s.bool("format_csv_allow_single_quotes"),
            csv_crlf: s.bool("output_format_csv_crlf_end_of_line"),
            csv_empty_as_default: s.bool("input_format_csv_empty_as_default"),
            skip_unknown_fields: s.bool("input_format_skip_unknown_fields"),
            null_as_default: s.bool("input_format_null_as_default"),
            check_overflow: s.bool("input_format_check_overflow"),
            with_names_use_header: s.bool("input_format_with_names_use_header"),
            defaults_for_omitted_fields: s.bool("input_format_defaults_for_omitted_fields"),
            allow_errors: s.uint("input_format_allow_errors_num"),
            pretty_max_rows: s.uint("output_format_pretty_max_rows"),
            pretty_color: s.text("output_format_pretty_color") == "1",
            parquet_string_as_string: s.bool("output_format_parquet_string_as_string"),
            parquet_compression: s
                .text("output_format_parquet_compression_method")
                .to_string(),
            client_protocol_version: s.uint("client_protocol_version"),
            evaluator: None,
            bad_row: None,
        }
    }
}
