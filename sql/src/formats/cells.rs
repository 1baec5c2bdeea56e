//! The style of text that settings ask for; shared by readers and writers.
//!
//! Invariant: one reading of the settings for both directions.

use super::FormatSettings;
use crate::functions::text::{Escaping, JsonOptions, Style, TimeText};

/// The style of an escaping under the settings.
pub(super) fn style(escaping: Escaping, settings: &FormatSettings) -> Style {
    let mut style = Style::new(escaping, settings.time_zone);
    style.time_text = match settings.date_time_output.as_str() {
        "iso" => TimeText::Iso,
        "unix_timestamp" => TimeText::Unix,
        _ => TimeText::Simple,
    };
    style.best_effort_times = settings.best_effort_times;
    style
}

/// JSON under the settings.
pub(super) fn json(settings: &FormatSettings) -> Escaping {
    Escaping::Json(JsonOptions {
        quote_64bit_integers: settings.quote_64bit_integers,
        quote_64bit_floats: settings.quote_64bit_floats,
        quote_denormals: settings.quote_denormals,
        quote_decimals: settings.quote_decimals,
        escape_forward_slashes: settings.escape_forward_slashes,
        named_tuples_as_objects: settings.named_tuples_as_objects,
    })
}
