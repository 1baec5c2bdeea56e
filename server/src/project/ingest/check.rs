//! Looks at rows one by one, to find those that do not fit.
//!
//! Invariant: a row is good exactly when the reader of the format takes it alone.

use std::io::Cursor;
use std::sync::Arc;

use roost::formats::{self, FormatSettings};
use roost::settings::Settings;
use roost_engine::block::{Field, Schema};
use roost_engine::error::Error;
use roost_engine::types::Tz;
use serde_json::Value as Json;

use super::{BadRow, Target, no_table};
use crate::project::Result;

/// Checks rows against a data source's columns.
pub(super) struct Checker {
    schema: Arc<Schema>,
    settings: FormatSettings,
}

impl Checker {
    pub(super) fn new(target: &Target<'_>) -> Result<Checker> {
        let table = target.project.store.table(target.table);
        let table = table.ok_or_else(|| no_table(target.table))?;
        let stored = table.stored_schema();
        let fields: Vec<Field> = target
            .columns()
            .filter_map(|c| stored.fields.iter().find(|f| f.name == c.name))
            .cloned()
            .collect();
        let mut settings = Settings::default();
        settings.set("date_time_input_format", "best_effort")?;
        settings.set("input_format_null_as_default", "1")?;
        settings.set("input_format_check_overflow", "1")?;
        settings.set("input_format_skip_unknown_fields", "1")?;
        Ok(Checker {
            schema: Schema::new(fields),
            settings: FormatSettings::from_settings(&settings, Tz::UTC),
        })
    }

    /// Reads `row` as `format` under `schema`.
    fn read(
        &self,
        format: &str,
        schema: &Arc<Schema>,
        row: &[u8],
    ) -> std::result::Result<(), Error> {
        let input = Box::new(Cursor::new(row.to_vec()));
        let mut reader = formats::reader(format, input, schema, &self.settings)?;
        while reader.next()?.is_some() {}
        Ok(())
    }

    /// Good rows and bad rows of JSON lines.
    pub(super) fn split_json(&self, rows: Vec<Vec<u8>>) -> (Vec<Vec<u8>>, Vec<BadRow>) {
        let mut bad = Vec::new();
        let mut good = Vec::with_capacity(rows.len());
        for row in rows {
            match self.fault_of_json(&row) {
                None => good.push(row),
                Some(why) => bad.push(why),
            }
        }
        (good, bad)
    }

    /// Why a JSON row does not fit; `None` when it does.
    pub(super) fn fault_of_json(&self, row: &[u8]) -> Option<BadRow> {
        let error = self.read("JSONEachRow", &self.schema, row).err()?;
        Some(self.explain_json(row, &error))
    }

    fn explain_json(&self, row: &[u8], whole: &Error) -> BadRow {
        let json: Json = serde_json::from_str(&String::from_utf8_lossy(row)).unwrap_or(Json::Null);
        let mut out = BadRow::default();
        for field in &self.schema.fields {
            let value = json.get(&field.name).filter(|v| !v.is_null());
            let shown = value.map(|v| match v {
                Json::String(text) => text.clone(),
                other => other.to_string(),
            });
            if let Some(value) = value {
                let alone = serde_json::json!({ &field.name: value }).to_string();
                let schema = Schema::new(vec![field.clone()]);
                if self.read("JSONEachRow", &schema, alone.as_bytes()).is_err() {
                    out.errors
                        .push(misfit(field, shown.as_deref().unwrap_or_default()));
                }
            }
            out.values.push(shown);
        }
        if out.errors.is_empty() {
            out.errors.push((String::new(), whole.to_string()));
        }
        out
    }

    /// Why the values of a CSV record do not fit; `None` when they do.
    pub(super) fn explain_csv(&self, record: &[u8], values: &[Vec<u8>]) -> Option<BadRow> {
        let error = self.read("CSV", &self.schema, record).err();
        let too_many = values.len() > self.schema.len();
        if error.is_none() && !too_many {
            return None;
        }
        let mut out = BadRow::default();
        for (field, value) in self.schema.fields.iter().zip(values) {
            let shown = String::from_utf8_lossy(value).into_owned();
            let schema = Schema::new(vec![field.clone()]);
            let alone = format!("\"{}\"\n", shown.replace('"', "\"\""));
            if self.read("CSV", &schema, alone.as_bytes()).is_err() {
                out.errors.push(misfit(field, &shown));
            }
            out.values.push(Some(shown));
        }
        out.values.resize(self.schema.len(), None);
        if out.errors.is_empty() {
            let found = values.len();
            let expected = self.schema.len();
            out.errors.push((
                String::new(),
                error.map_or_else(
                    || format!("the row has {found} values, expected {expected}"),
                    |e| e.to_string(),
                ),
            ));
        }
        Some(out)
    }
}

fn misfit(field: &Field, value: &str) -> (String, String) {
    (
        field.name.clone(),
        format!(
            "value '{value}' on column '{}' is not {}",
            field.name, field.ty
        ),
    )
}
