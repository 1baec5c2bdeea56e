//! The reference pages are what the registries say.
//!
//! Goal: no page lies. Method: the pages are printed and compared with `docs/reference/`;
//! `ROOST_WRITE=1 cargo test -p roost --test reference` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use roost::formats;
use roost::functions::registry::{aggregate_functions, scalar_functions};
use roost::settings::defs::DEFINITIONS;

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    match text.is_empty() {
        true => String::new(),
        false => format!("{fence}{}{fence}", cell(text)),
    }
}

struct Entry {
    name: &'static str,
    also: String,
    doc: roost::functions::Doc,
}

fn page(title: &str, intro: &str, entries: Vec<Entry>) -> String {
    let mut families: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
    let count = entries.len();
    for entry in entries {
        families.entry(entry.doc.category).or_default().push(entry);
    }
    let mut out = format!("# {title}\n\n{intro} {count} of them.\n");
    for (family, mut entries) in families {
        entries.sort_by_key(|e| e.name.to_ascii_lowercase());
        let _ = write!(
            out,
            "\n## {family}\n\n| function | what | example | answer |\n|---|---|---|---|\n"
        );
        for e in entries {
            let (example, answer) = e.doc.example;
            let also = match e.also.is_empty() {
                true => String::new(),
                false => format!("; also {}", e.also),
            };
            let _ = writeln!(
                out,
                "| {}{also} | {} | {} | {} |",
                code(e.doc.syntax),
                cell(e.doc.text),
                code(example),
                code(answer)
            );
        }
    }
    out
}

fn also(aliases: &[&str]) -> String {
    aliases
        .iter()
        .map(|a| code(a))
        .collect::<Vec<_>>()
        .join(", ")
}

fn functions() -> String {
    let entries = scalar_functions().map(|f| Entry {
        name: f.name,
        also: also(f.aliases),
        doc: f.doc,
    });
    let intro = "Names, types and answers are ClickHouse's; each example is run by the tests.";
    page("Functions", intro, entries.collect())
}

fn aggregates() -> String {
    let entries = aggregate_functions().map(|f| Entry {
        name: f.name,
        also: also(f.aliases),
        doc: f.doc,
    });
    let intro = "Each takes the combinators -If, -Array, -Map, -Distinct, -OrNull, -OrDefault, -ForEach, -State, -Merge, -SimpleState and what they compose to.";
    page("Aggregate functions", intro, entries.collect())
}

fn settings() -> String {
    let mut out = String::from(
        "# Settings\n\nNames are ClickHouse's. A setting without effect is accepted, so that clients which send it work.\n\n| setting | type | default | effect | what |\n|---|---|---|---|---|\n",
    );
    for d in DEFINITIONS {
        let effect = if d.effective { "yes" } else { "no" };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {effect} | {} |",
            code(d.name),
            d.kind.name(),
            code(d.default),
            cell(d.doc)
        );
    }
    out
}

fn format_page() -> String {
    let mut out = String::from(
        "# Formats\n\n| format | in | out | content type | what |\n|---|---|---|---|---|\n",
    );
    let yes = |b: bool| if b { "yes" } else { "" };
    for f in formats::all() {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            code(f.name),
            yes(f.is_input()),
            yes(f.is_output()),
            cell(f.content_type),
            cell(f.doc)
        );
    }
    out
}

#[test]
fn pages_are_what_the_registries_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    for (name, text) in [
        ("functions.md", functions()),
        ("aggregates.md", aggregates()),
        ("settings.md", settings()),
        ("formats.md", format_page()),
    ] {
        let path = folder.join(name);
        if std::env::var_os("ROOST_WRITE").is_some() {
            let written =
                std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, &text));
            assert!(written.is_ok(), "{}: {written:?}", path.display());
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{name} is stale: run with ROOST_WRITE=1");
    }
}
