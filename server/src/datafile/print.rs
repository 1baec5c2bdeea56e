//! Writes datafiles the way the client's formatter lays them out.
//!
//! Invariant: a file written here is what `tb fmt` leaves as it is, up to the layout of the SQL.

use super::{DataSourceFile, EngineLines, NodeLines, PipeFile, TokenLine, column_text};

/// The text of a data source.
pub fn print_data_source(file: &DataSourceFile) -> String {
    let mut out = String::new();
    head(
        &mut out,
        file.version,
        &file.description,
        &file.tokens,
        &file.tags,
    );
    if !file.columns.is_empty() {
        let columns: Vec<String> = file
            .columns
            .iter()
            .map(|c| format!("    {}", column_text(c)))
            .collect();
        out.push_str(&format!("SCHEMA >\n{}\n\n", columns.join(",\n")));
    }
    if !file.indexes.is_empty() {
        block(&mut out, "INDEXES", &file.indexes.join("\n"));
        out.push('\n');
    }
    if let Some(engine) = &file.engine {
        print_engine(&mut out, engine);
        out.push('\n');
    }
    for (key, value) in &file.settings {
        setting(&mut out, key, value);
    }
    if !file.settings.is_empty() {
        out.push('\n');
    }
    if !file.shared_with.is_empty() {
        block(&mut out, "SHARED_WITH", &file.shared_with.join("\n"));
    }
    finish(out)
}

/// The text of a pipe.
pub fn print_pipe(file: &PipeFile) -> String {
    let mut out = String::new();
    head(
        &mut out,
        file.version,
        &file.description,
        &file.tokens,
        &file.tags,
    );
    for node in &file.nodes {
        print_node(&mut out, node);
    }
    finish(out)
}

fn head(
    out: &mut String,
    version: Option<u64>,
    description: &str,
    tokens: &[TokenLine],
    tags: &[String],
) {
    if let Some(version) = version {
        out.push_str(&format!("VERSION {version}\n\n"));
    }
    print_description(out, description);
    for token in tokens {
        out.push_str(&format!("TOKEN \"{}\" {}\n", token.name, token.permission));
    }
    if !tokens.is_empty() {
        out.push('\n');
    }
    if !tags.is_empty() {
        out.push_str(&format!("TAGS \"{}\"\n\n", tags.join(", ")));
    }
}

fn print_description(out: &mut String, description: &str) {
    if !description.trim().is_empty() {
        block(out, "DESCRIPTION", description);
        out.push('\n');
    }
}

fn print_node(out: &mut String, node: &NodeLines) {
    out.push_str(&format!("NODE {}\n", node.name));
    print_description(out, &node.description);
    out.push_str("SQL >\n\n");
    indented(out, &node.sql);
    out.push('\n');
    if !node.kind.is_empty() && node.kind != "standard" {
        out.push_str(&format!("TYPE {}\n", node.kind));
    }
    for (key, value) in &node.settings {
        setting(out, key, value);
    }
    if let Some(engine) = &node.engine {
        print_engine(out, engine);
    }
    if !node.kind.is_empty() {
        out.push('\n');
    }
}

fn print_engine(out: &mut String, engine: &EngineLines) {
    out.push_str(&format!("ENGINE \"{}\"\n", engine.name));
    for (key, value) in &engine.args {
        if !value.is_empty() {
            out.push_str(&format!("ENGINE_{} \"{value}\"\n", key.to_uppercase()));
        }
    }
}

fn setting(out: &mut String, key: &str, value: &str) {
    if value.contains('\n') {
        block(out, &key.to_uppercase(), value);
    } else {
        out.push_str(&format!("{} {value}\n", key.to_uppercase()));
    }
}

fn block(out: &mut String, key: &str, text: &str) {
    out.push_str(&format!("{key} >\n"));
    indented(out, text);
}

fn indented(out: &mut String, text: &str) {
    for line in text.trim_matches('\n').lines() {
        if line.trim().is_empty() {
            out.push('\n');
        } else {
            out.push_str(&format!("    {line}\n"));
        }
    }
}

fn finish(out: String) -> String {
    let mut out = out.trim_end_matches('\n').to_owned();
    out.push('\n');
    out
}
