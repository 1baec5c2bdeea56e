//! Reads datafiles.
//!
//! Invariant: every error names the file and the line it speaks of.

use super::lines::{Directive, dedent, directives, unquote};
use super::schema::parse_schema;
use super::{
    DataSourceFile, DatafileError, EngineLines, NodeLines, PipeFile, TokenFile, TokenLine,
};

type Result<T> = std::result::Result<T, DatafileError>;

fn error(file: &str, line: usize, message: impl Into<String>) -> DatafileError {
    DatafileError {
        file: file.to_owned(),
        line,
        message: message.into(),
    }
}

/// Reads a `.datasource` file; `file` names it in errors.
pub fn parse_data_source(file: &str, text: &str) -> Result<DataSourceFile> {
    let mut out = DataSourceFile::default();
    for d in directives(file, text)? {
        let fail = |message: String| error(file, d.line, message);
        match d.key.as_str() {
            "version" => out.version = Some(version(file, &d)?),
            "description" => out.description = description(&d),
            "token" => out.tokens.push(token(file, &d)?),
            "tags" => out.tags.extend(tags(&d)),
            "schema" => {
                out.columns = parse_schema(&d.text())
                    .map_err(|(message, line)| error(file, d.line + 1 + line, message))?;
            }
            "indexes" | "indices" => out.indexes = block_lines(&d),
            "shared_with" => out.shared_with.extend(block_lines(&d)),
            "engine" if d.text().is_empty() => {
                return Err(fail(
                    "ENGINE needs a name, e.g ENGINE \"MergeTree\"".to_owned(),
                ));
            }
            "engine" => engine(&mut out.engine).name = d.text(),
            key if key.starts_with("engine_") => engine_arg(&mut out.engine, &d),
            "maintainer" | "source" | "from" => {}
            "settings" => return Err(fail("SETTINGS option is not allowed".to_owned())),
            "node" | "sql" | "copy_schedule" | "copy_mode" | "target_datasource" | "datasource" => {
                return Err(fail(format!(
                    "{} belongs to a pipe, not to a data source",
                    d.key.to_uppercase()
                )));
            }
            key => out.settings.push((key.to_owned(), setting(&d))),
        }
    }
    if out.columns.is_empty() && !out.settings.iter().any(|(k, _)| k.starts_with("kafka_")) {
        return Err(error(file, 1, "a data source needs a SCHEMA with columns"));
    }
    Ok(out)
}

/// Reads a `.pipe` file. INCLUDE lines must have been replaced by then.
pub fn parse_pipe(file: &str, text: &str) -> Result<PipeFile> {
    let mut out = PipeFile::default();
    let mut lines = Vec::new();
    for d in directives(file, text)? {
        let fail = |message: String| error(file, d.line, message);
        let key = d.key.as_str();
        match (key, out.nodes.last_mut()) {
            ("node", _) => {
                let name = d.text();
                if name.is_empty() {
                    return Err(fail("NODE needs a name".to_owned()));
                }
                lines.push(d.line);
                out.nodes.push(NodeLines {
                    name,
                    ..NodeLines::default()
                });
            }
            ("version", _) => out.version = Some(version(file, &d)?),
            ("token", _) => out.tokens.push(token(file, &d)?),
            ("tags", _) => out.tags.extend(tags(&d)),
            ("maintainer" | "source" | "from" | "cache", _) => {}
            ("include", _) => {
                return Err(fail(format!("INCLUDE {} was not found", d.text())));
            }
            ("description", None) => out.description = description(&d),
            (_, None) => {
                return Err(fail(format!(
                    "{} must be called after a NODE command",
                    key.to_uppercase()
                )));
            }
            ("description", Some(node)) => node.description = description(&d),
            ("sql", Some(node)) => {
                node.sql = if d.block { sql(&d) } else { d.text() };
            }
            ("type", Some(node)) => node.kind = d.text().to_ascii_lowercase(),
            ("engine", Some(node)) => engine(&mut node.engine).name = d.text(),
            (key, Some(node)) if key.starts_with("engine_") => {
                engine_arg(&mut node.engine, &d);
            }
            (key, Some(node)) => {
                let key = if key == "mode" { "copy_mode" } else { key };
                node.settings.push((key.to_owned(), setting(&d)));
            }
        }
    }
    for (node, line) in out.nodes.iter().zip(lines) {
        if node.sql.trim().is_empty() {
            return Err(error(file, line, format!("node {} has no SQL", node.name)));
        }
    }
    if out.nodes.is_empty() {
        return Err(error(file, 1, "a pipe needs at least one NODE"));
    }
    Ok(out)
}

/// Reads a `.token` file.
pub fn parse_token(file: &str, text: &str) -> Result<TokenFile> {
    let mut out = TokenFile::default();
    for d in directives(file, text)? {
        match (d.key.as_str(), out.scopes.last_mut()) {
            ("description", _) => out.description = description(&d),
            ("scope", _) => out.scopes.push((d.text(), None, None)),
            ("resource", Some(scope)) => scope.1 = Some(d.text()),
            ("filter", Some(scope)) => scope.2 = Some(d.text()),
            ("version" | "maintainer", _) => {}
            (key, _) => {
                return Err(error(
                    file,
                    d.line,
                    format!("{} is not valid here in a token file", key.to_uppercase()),
                ));
            }
        }
    }
    Ok(out)
}

fn version(file: &str, d: &Directive) -> Result<u64> {
    d.text().parse().map_err(|_| {
        error(
            file,
            d.line,
            "version must be a positive integer e.g VERSION 2",
        )
    })
}

fn token(file: &str, d: &Directive) -> Result<TokenLine> {
    let [name, permission, ..] = &d.args[..] else {
        return Err(error(
            file,
            d.line,
            "TOKEN gets two params, token name and permissions e.g TOKEN \"read api token\" READ",
        ));
    };
    Ok(TokenLine {
        name: unquote(name).to_owned(),
        permission: permission.to_ascii_uppercase(),
    })
}

/// Lines of a description without their indentation; blank lines do not count.
fn description(d: &Directive) -> String {
    if !d.block {
        return d.text();
    }
    dedent(&d.args.concat())
}

/// `"a", "b"`, or commas inside one pair of quotes. `k=v` tags are the client's own and not kept.
fn tags(d: &Directive) -> Vec<String> {
    d.args
        .join(" ")
        .split(',')
        .map(|tag| tag.trim().trim_matches(['"', '\'']).trim().to_owned())
        .filter(|tag| !tag.is_empty() && !tag.contains('='))
        .collect()
}

fn block_lines(d: &Directive) -> Vec<String> {
    let text = d.text();
    text.lines()
        .map(|l| l.trim().trim_end_matches(',').to_owned())
        .filter(|l| !l.is_empty())
        .collect()
}

fn setting(d: &Directive) -> String {
    if d.block {
        dedent(&d.args.concat())
    } else {
        d.text()
    }
}

fn sql(d: &Directive) -> String {
    let text = d.args.concat();
    if text.trim_start().starts_with('%') {
        // The first line is at the percent sign; the others keep their own margin.
        return dedent(&text).trim().to_owned();
    }
    dedent(&text).trim_end().to_owned()
}

fn engine(slot: &mut Option<EngineLines>) -> &mut EngineLines {
    slot.get_or_insert_with(EngineLines::default)
}

fn engine_arg(slot: &mut Option<EngineLines>, d: &Directive) {
    let key = d.key.strip_prefix("engine_").unwrap_or(&d.key).to_owned();
    engine(slot).args.push((key, d.text()));
}
