//! Sinks: a query's rows out of the workspace, into files of a folder.
//!
//! Kafka and buckets of a cloud are accepted as definitions; running them ends in NOT_IMPLEMENTED.
//!
//! Invariant: a file appears under its name when it is whole, and only inside the sinks' folder.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use roost::formats::FormatInfo;
use roost::session::{OutputSink, QueryRequest};
use roost_engine::block::Schema;
use roost_engine::error::{Code, Error, Result as SqlResult};
use serde_json::{Map, Value as Json, json};

use super::runs::{Did, Runs};
use super::{Outcome, Running};
use crate::project::{Node, Pipe, SINK};
use crate::store::iso_seconds;
use crate::template::Variables;

impl Runs {
    pub(super) fn run_sink(
        &self,
        pipe: &str,
        variables: Variables,
        token: &str,
        running: &Running,
    ) -> Outcome {
        let started = Instant::now();
        let pipe = self.pipe_now(pipe, SINK)?;
        let node = pipe.job_node().ok_or("the pipe is no sink pipe any more")?;
        let outcome = self.write_files(&pipe, node, variables.clone(), running);
        self.note_sink(
            running,
            (&pipe, node),
            (variables, token),
            started,
            &outcome,
        );
        outcome.map(|did| did.details)
    }

    fn write_files(
        &self,
        pipe: &Pipe,
        node: &Node,
        variables: Variables,
        running: &Running,
    ) -> Result<Did, String> {
        let plan = Plan::of(node, self.folder.as_deref(), &pipe.name)?;
        let resolver = self.resolver(pipe, node, variables);
        fs::create_dir_all(&plan.folder).map_err(|e| failed(&plan.folder, &e))?;
        let draft = plan.folder.join(format!(".{}.part", running.id));
        let mut out = FileOut::create(&draft, plan.is_packed).map_err(|e| failed(&draft, &e))?;
        let request = QueryRequest {
            default_format: Some(plan.format.to_owned()),
            cancel: running.cancel.clone(),
            ..QueryRequest::default()
        };
        let ran = self.run(str::to_owned, (pipe, node), &resolver, request, &mut out);
        let ended = ran.and_then(|summary| {
            let bytes = out.end().map_err(|e| failed(&draft, &e))?;
            let path = plan.place().map_err(|e| failed(&plan.folder, &e))?;
            fs::rename(&draft, &path).map_err(|e| failed(&path, &e))?;
            Ok((summary, bytes, path))
        });
        if ended.is_err() {
            let _ = fs::remove_file(&draft);
        }
        let (mut summary, bytes, path) = ended?;
        (summary.written_rows, summary.written_bytes) = (summary.result_rows, bytes);
        let mut details = Map::new();
        details.insert("output".to_owned(), json!([path.display().to_string()]));
        details.insert(
            "statistics".to_owned(),
            json!({ "row_count": summary.result_rows, "bytes": bytes }),
        );
        Ok(Did { summary, details })
    }

    fn note_sink(
        &self,
        running: &Running,
        (pipe, node): (&Pipe, &Node),
        (variables, token): (Variables, &str),
        started: Instant,
        outcome: &Result<Did, String>,
    ) {
        let nothing = Did::default();
        let did = outcome.as_ref().unwrap_or(&nothing);
        let text = |(key, value): (String, Json)| match value {
            Json::String(text) => (key, Json::String(text)),
            other => (key, other.to_string().into()),
        };
        let parameters: Map<String, Json> = variables.into_iter().map(text).collect();
        let now = self.project.store.clock().now_micros();
        self.jobs.log().note(
            "sinks_ops_log",
            json!({
                "timestamp": iso_seconds(now, ' '),
                "job_id": running.id,
                "service": node.setting("service").unwrap_or_default(),
                "pipe_name": pipe.name,
                "pipe_id": pipe.id,
                "result": if outcome.is_err() { "error" } else { "ok" },
                "error": outcome.as_ref().err(),
                "elapsed_time": started.elapsed().as_secs_f32(),
                "read_rows": did.summary.read_rows,
                "read_bytes": did.summary.read_bytes,
                "written_rows": did.summary.written_rows,
                "written_bytes": did.summary.written_bytes,
                "output": did.details.get("output").cloned().unwrap_or(json!([])),
                "parameters": parameters,
                "options": node.settings,
                "token_name": token,
            }),
        );
    }
}

fn failed(path: &Path, e: &std::io::Error) -> String {
    format!("cannot write {}: {e}", path.display())
}

fn not_built(what: &str) -> String {
    format!("{:?}", Error::not_implemented(what))
}

/// Where and how a sink writes.
struct Plan {
    folder: PathBuf,
    /// The file's name without its endings.
    stem: String,
    ending: String,
    format: &'static str,
    is_packed: bool,
    /// The file may take the place of another.
    overwrites: bool,
}

impl Plan {
    fn of(node: &Node, root: Option<&Path>, pipe: &str) -> Result<Plan, String> {
        let service = node.setting("service").unwrap_or_default();
        let uri = node.setting("path").unwrap_or_default();
        if service == "kafka" {
            return Err(not_built(
                "sinks to Kafka: this program is built without it",
            ));
        }
        let Some(path) = uri.strip_prefix("file://") else {
            return Err(not_built(&format!(
                "sinks to '{uri}' of {service}; files go to file://…"
            )));
        };
        let root = root.ok_or("sinks have no folder: start the server with --data or --sinks")?;
        let path = Path::new(path.trim_start_matches('/'));
        let plain = |c: Component<'_>| matches!(c, Component::Normal(_));
        if !path.components().all(plain) {
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
                return Err(not_built(&format!(
                    "compression '{other}' of {ending} sinks"
                )));
            }
        };
        let stem = node.setting("file_template").unwrap_or(pipe);
        if stem.contains('{') {
            return Err(not_built("columns in EXPORT_FILE_TEMPLATE"));
        }
        let name = Path::new(stem);
        if !name.components().all(plain) || stem.is_empty() {
            return Err(format!("'{stem}' is no name of a file"));
        }
        let inner = name.parent().unwrap_or(Path::new(""));
        let stem = name.file_name().map(|n| n.to_string_lossy().into_owned());
        Ok(Plan {
            folder: root.join(path).join(inner),
            stem: stem.unwrap_or_default(),
            ending: format!("{ending}{}", if is_packed { ".gz" } else { "" }),
            format,
            is_packed,
            overwrites: node.setting("write_strategy") == Some("truncate"),
        })
    }

    /// The path of the file; a free one where files are not overwritten.
    fn place(&self) -> std::io::Result<PathBuf> {
        let path = |suffix: &str| {
            let name = format!("{}{suffix}.{}", self.stem, self.ending);
            self.folder.join(name)
        };
        let mut found = path("");
        let mut n = 0;
        while !self.overwrites && found.try_exists()? {
            n += 1;
            found = path(&format!("_{n}"));
        }
        Ok(found)
    }
}

/// A file that is written.
enum FileOut {
    Plain(File),
    Packed(GzEncoder<File>),
}

impl FileOut {
    fn create(path: &Path, is_packed: bool) -> std::io::Result<FileOut> {
        let file = File::create(path)?;
        Ok(match is_packed {
            true => FileOut::Packed(GzEncoder::new(file, Compression::default())),
            false => FileOut::Plain(file),
        })
    }

    /// Makes the file durable; its bytes.
    fn end(self) -> std::io::Result<u64> {
        let file = match self {
            FileOut::Plain(file) => file,
            FileOut::Packed(packed) => packed.finish()?,
        };
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

impl OutputSink for FileOut {
    fn start(&mut self, _: &'static FormatInfo, _: &Schema) -> SqlResult<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> SqlResult<()> {
        let done = match self {
            FileOut::Plain(file) => file.write_all(bytes),
            FileOut::Packed(packed) => packed.write_all(bytes),
        };
        done.map_err(|e| Error::new(Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR, e.to_string()))
    }
}
