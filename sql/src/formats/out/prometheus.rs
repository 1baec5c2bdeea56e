//! Prometheus: the exposition format, from columns name, value, help, type, labels, timestamp.
//!
//! Invariant: samples of one metric stand together under its HELP and TYPE lines.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::block::{Block, Schema};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::cells::Cells;
use crate::formats::cells::style;
use crate::formats::{BlockWriter, FormatSettings, ResultStats};
use crate::functions::text::{Escaping, TextWriter};

#[derive(Debug, Default)]
struct Metric {
    name: String,
    help: String,
    kind: String,
    /// (`{labels}`, value, timestamp)
    samples: Vec<(String, String, String)>,
}

pub(in crate::formats) struct PrometheusWriter {
    settings: FormatSettings,
    schema: Arc<Schema>,
    metrics: Vec<Metric>,
}

impl PrometheusWriter {
    pub(in crate::formats) fn make(settings: &FormatSettings) -> Box<dyn BlockWriter> {
        Box::new(PrometheusWriter {
            settings: settings.clone(),
            schema: Arc::default(),
            metrics: Vec::new(),
        })
    }

    fn labels(&self, block: &Block, row: usize) -> String {
        let Some(at) = self.schema.index_of("labels") else {
            return String::new();
        };
        let DataType::Map(key, value) = self.schema.fields[at].ty.value_type().clone() else {
            return String::new();
        };
        let Value::Array(entries) = block.column(at).value(row) else {
            return String::new();
        };
        let text = |v: &Value, ty: &DataType| {
            let mut out = Vec::new();
            let mut builder = roost_engine::column::ColumnBuilder::new(ty, 1);
            if builder.push(v).is_ok() {
                let plain = style(Escaping::Plain, &self.settings);
                TextWriter::new(ty, plain).write(&builder.finish(), 0, &mut out);
            }
            String::from_utf8_lossy(&out).into_owned()
        };
        let mut labels = Vec::new();
        for entry in &entries {
            if let Value::Tuple(pair) = entry
                && let [k, v] = &pair[..]
            {
                let escaped = text(v, &value).replace('\\', "\\\\").replace('"', "\\\"");
                labels.push(format!(
                    "{}=\"{}\"",
                    text(k, &key),
                    escaped.replace('\n', "\\n")
                ));
            }
        }
        match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        }
    }
}

impl BlockWriter for PrometheusWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        for needed in ["name", "value"] {
            if schema.index_of(needed).is_none() {
                bail!(
                    BAD_ARGUMENTS,
                    "Column '{needed}' is required for output format 'Prometheus'"
                );
            }
        }
        self.schema = Arc::clone(schema);
        Ok(())
    }

    fn block(&mut self, block: &Block, _: &mut Vec<u8>) -> Result<()> {
        let texts = Cells::Plain.block(block, &self.settings);
        let cell = |name: &str, row: usize| match self.schema.index_of(name) {
            Some(at) if !block.column(at).is_null(row) => {
                String::from_utf8_lossy(texts[at].get(row)).into_owned()
            }
            _ => String::new(),
        };
        let mut metrics = std::mem::take(&mut self.metrics);
        for row in 0..block.rows() {
            let name = cell("name", row);
            let at = metrics
                .iter()
                .position(|m| m.name == name)
                .unwrap_or_else(|| {
                    metrics.push(Metric {
                        name: name.clone(),
                        ..Metric::default()
                    });
                    metrics.len() - 1
                });
            let metric = &mut metrics[at];
            for (slot, column) in [(&mut metric.help, "help"), (&mut metric.kind, "type")] {
                if slot.is_empty() {
                    *slot = cell(column, row);
                }
            }
            let timestamp = Some(cell("timestamp", row))
                .filter(|t| t != "0")
                .unwrap_or_default();
            metric
                .samples
                .push((self.labels(block, row), cell("value", row), timestamp));
        }
        self.metrics = metrics;
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        let mut text = String::new();
        for metric in &self.metrics {
            let name = &metric.name;
            if !metric.help.is_empty() {
                text.push_str(&format!("# HELP {name} {}\n", metric.help));
            }
            if !metric.kind.is_empty() {
                text.push_str(&format!("# TYPE {name} {}\n", metric.kind));
            }
            for (labels, value, timestamp) in &metric.samples {
                let space = if timestamp.is_empty() { "" } else { " " };
                text.push_str(&format!("{name}{labels} {value}{space}{timestamp}\n"));
            }
            text.push('\n');
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}
