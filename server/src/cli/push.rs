//! `roost push`: the data sources and pipes of a folder to a running server, as `tb push` does it.
//!
//! Invariant: all files are read before the first is sent; what exists is left alone without --force.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::Failed;
use super::client::Client;
use super::project_files::files_of;
use crate::datafile::{
    DataSourceFile, PipeFile, TokenLine, column_text, parse_data_source, parse_pipe,
};
use crate::http::params::encode;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the data project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Fill data sources from fixtures/NAME.csv, .ndjson or .parquet.
    #[arg(long)]
    fixtures: bool,
    /// Change what exists.
    #[arg(long)]
    force: bool,
    /// The server's /v0 API.
    #[arg(long, default_value = "http://localhost:7181", env = "TB_HOST")]
    url: String,
    /// Token; without it the server is asked for its own.
    #[arg(long, env = "TB_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A project's files.
#[derive(Default)]
struct Files {
    sources: BTreeMap<String, DataSourceFile>,
    pipes: BTreeMap<String, PipeFile>,
    fixtures: BTreeMap<String, PathBuf>,
}

pub(super) fn run(args: Args) -> Result<(), Failed> {
    let files = collect(&args.folder)?;
    if files.sources.is_empty() && files.pipes.is_empty() {
        return Err(format!(
            "{} has no .datasource and no .pipe files",
            args.folder.display()
        )
        .into());
    }
    let client = Client::of_api(&args.url, args.token)?;
    for (name, file) in &files.sources {
        push_source(&client, name, file, args.force)?;
    }
    for (name, file) in &files.pipes {
        push_pipe(&client, name, file, args.force)?;
    }
    if args.fixtures {
        for (name, path) in &files.fixtures {
            if files.sources.contains_key(name) {
                push_fixture(&client, name, path, args.force)?;
            }
        }
    }
    Ok(())
}

/// Reads all files under `folder`.
fn collect(folder: &Path) -> Result<Files, Failed> {
    let mut files = Files::default();
    for file in files_of(folder)? {
        let shown = file.shown();
        match file.ending.as_str() {
            "datasource" => {
                let read = parse_data_source(&shown, &file.read()?)?;
                files.sources.insert(file.stem, read);
            }
            "pipe" => {
                let read = parse_pipe(&shown, &file.read()?)?;
                files.pipes.insert(file.stem, read);
            }
            "csv" | "ndjson" | "parquet" => {
                let parent = file.path.parent().and_then(Path::file_name);
                if parent.is_some_and(|p| p == "fixtures") {
                    files.fixtures.insert(file.stem, file.path);
                }
            }
            _ => {}
        }
    }
    Ok(files)
}

fn push_source(
    client: &Client,
    name: &str,
    file: &DataSourceFile,
    force: bool,
) -> Result<(), Failed> {
    let schema: Vec<String> = file.columns.iter().map(column_text).collect();
    let schema = schema.join(",");
    let indexes = file.indexes.join("\n");
    let exists = client.get(&format!("/v0/datasources/{name}"))?.is_some();
    if exists && !force {
        println!("data source {name} exists already, skipped");
    } else if exists {
        let mut fields = vec![
            ("schema", schema.as_str()),
            ("description", &file.description),
        ];
        let ttl = file
            .engine
            .as_ref()
            .and_then(|e| e.get("ttl"))
            .unwrap_or("false");
        fields.push(("ttl", ttl));
        fields.push(("indexes", if indexes.is_empty() { "0" } else { &indexes }));
        match client.form("POST", &format!("/v0/datasources/{name}/alter"), &fields) {
            Ok(_) => println!("data source {name} changed"),
            Err(e) if e.to_string().contains("no operations to perform") => {
                println!("data source {name} is as it was");
            }
            Err(e) => return Err(format!("data source {name}: {e}").into()),
        }
    } else {
        let has_paths = file.columns.iter().any(|c| c.jsonpath.is_some());
        let engine_args: Vec<(String, &str)> = file
            .engine
            .iter()
            .flat_map(|e| &e.args)
            .map(|(k, v)| (format!("engine_{k}"), v.as_str()))
            .collect();
        let mut fields = vec![
            ("name", name),
            ("description", &file.description),
            ("schema", &schema),
            ("format", if has_paths { "ndjson" } else { "csv" }),
        ];
        if let Some(engine) = &file.engine {
            fields.push(("engine", &engine.name));
        }
        fields.extend(engine_args.iter().map(|(k, v)| (k.as_str(), *v)));
        fields.extend(file.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        if !indexes.is_empty() {
            fields.push(("indexes", &indexes));
        }
        client
            .form("POST", "/v0/datasources", &fields)
            .map_err(|e| format!("data source {name}: {e}"))?;
        println!("data source {name} created");
    }
    push_tokens(client, "DS", "DATASOURCES", name, &file.tokens)?;
    push_tags(client, "datasource", name, &file.tags)
}

fn push_pipe(client: &Client, name: &str, file: &PipeFile, force: bool) -> Result<(), Failed> {
    let exists = client.get(&format!("/v0/pipes/{name}"))?.is_some();
    if exists && !force {
        println!("pipe {name} exists already, skipped");
        return Ok(());
    }
    let nodes: Vec<Json> = file
        .nodes
        .iter()
        .map(|node| {
            let kind = if node.kind.is_empty() {
                "standard"
            } else {
                &node.kind
            };
            let mut out = json!({
                "name": node.name,
                "sql": node.sql,
                "description": node.description,
                "type": kind,
            });
            for (key, value) in &node.settings {
                out[key] = value.clone().into();
            }
            out
        })
        .collect();
    let body = json!({ "name": name, "description": file.description, "nodes": nodes });
    let path = format!("/v0/pipes?force={force}");
    let pipe = client
        .send(
            "POST",
            &path,
            "application/json",
            body.to_string().into_bytes(),
        )
        .map_err(|e| format!("pipe {name}: {e}"))?;
    let kind = pipe.get("type").and_then(Json::as_str).unwrap_or("default");
    if matches!(kind, "default" | "endpoint") {
        let named = file.nodes.iter().find(|n| n.kind == "endpoint");
        let node = named
            .or(file.nodes.last())
            .map(|n| n.name.as_str())
            .unwrap_or_default();
        client.form(
            "POST",
            &format!("/v0/pipes/{name}/nodes/{node}/endpoint"),
            &[],
        )?;
    }
    for warning in pipe
        .get("warnings")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let text = warning
            .get("text")
            .and_then(Json::as_str)
            .unwrap_or_default();
        eprintln!("pipe {name}: warning: {text}");
    }
    println!("pipe {name} {}", if exists { "changed" } else { "created" });
    push_tokens(client, "P", "PIPES", name, &file.tokens)?;
    push_tags(client, "pipe", name, &file.tags)
}

/// Adds the scopes of TOKEN lines to their tokens.
fn push_tokens(
    client: &Client,
    origin: &str,
    family: &str,
    resource: &str,
    tokens: &[TokenLine],
) -> Result<(), Failed> {
    for token in tokens {
        let scope = format!("{family}:{}:{resource}", token.permission);
        let path = format!("/v0/tokens/{}", encode(&token.name));
        let Some(known) = client.get(&path)? else {
            let fields = [
                ("name", token.name.as_str()),
                ("origin", origin),
                ("resource_id", resource),
                ("scope", &scope),
            ];
            client.form("POST", "/v0/tokens", &fields)?;
            continue;
        };
        let mut scopes = vec![scope];
        for old in known
            .get("scopes")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            let parts = ["type", "resource", "filter"].map(|k| old.get(k).and_then(Json::as_str));
            let parts: Vec<&str> = parts.into_iter().flatten().collect();
            scopes.push(parts.join(":"));
        }
        let fields: Vec<(&str, &str)> = scopes.iter().map(|s| ("scope", s.as_str())).collect();
        client.form("PUT", &path, &fields)?;
    }
    Ok(())
}

/// Adds a resource to its tags.
fn push_tags(client: &Client, kind: &str, name: &str, tags: &[String]) -> Result<(), Failed> {
    if tags.is_empty() {
        return Ok(());
    }
    let known = client.get("/v0/tags")?.unwrap_or(Json::Null);
    for tag in tags {
        let all = known
            .get("tags")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let found = all
            .into_iter()
            .find(|t| t.get("name").and_then(Json::as_str) == Some(tag));
        let mut resources = found
            .and_then(|t| t.get("resources"))
            .and_then(Json::as_array)
            .cloned()
            .unwrap_or_default();
        let has = |r: &Json| r.get("name").and_then(Json::as_str) == Some(name);
        if resources.iter().any(has) {
            continue;
        }
        resources.push(json!({ "name": name, "type": kind }));
        let body = json!({ "name": tag, "resources": resources })
            .to_string()
            .into_bytes();
        match found {
            Some(_) => client.send(
                "PUT",
                &format!("/v0/tags/{}", encode(tag)),
                "application/json",
                body,
            )?,
            None => client.send("POST", "/v0/tags", "application/json", body)?,
        };
    }
    Ok(())
}

fn push_fixture(client: &Client, name: &str, path: &Path, force: bool) -> Result<(), Failed> {
    let detail = client
        .get(&format!("/v0/datasources/{name}"))?
        .unwrap_or(Json::Null);
    let rows = detail
        .pointer("/statistics/row_count")
        .and_then(Json::as_u64)
        .unwrap_or(0);
    if rows > 0 && !force {
        return Err(format!("data source {name} has {rows} rows; --force replaces them").into());
    }
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().into_owned())
        .unwrap_or_default();
    let body = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let target = format!("/v0/datasources?name={name}&mode=replace&format={ending}");
    let done = client
        .send("POST", &target, "application/octet-stream", body)
        .map_err(|e| format!("fixture of {name}: {e}"))?;
    let bad = done
        .get("quarantine_rows")
        .and_then(Json::as_u64)
        .unwrap_or(0);
    let rows = done
        .pointer("/datasource/statistics/row_count")
        .and_then(Json::as_u64)
        .unwrap_or(0);
    println!("data source {name} filled with {rows} rows, {bad} set aside");
    Ok(())
}
