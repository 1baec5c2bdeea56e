//! Expressions whose type and answer were asked of ClickHouse itself.
//!
//! Goal: no function changes its answer unseen. Method: each line of `golden/*.tsv` is
//! `expression <TAB> type <TAB> answer` (escaped as in TabSeparated), or `!code` for an error.
//! The files are made by the scripts beside them, with the oracle.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use roost::Database;
use roost::session::QueryRequest;

fn check(file: &Path) -> (usize, String) {
    let db = match Database::in_memory() {
        Ok(db) => db,
        Err(e) => return (0, format!("cannot open: {e}\n")),
    };
    let text = fs::read_to_string(file).unwrap_or_default();
    let (mut lines, mut wrong) = (0, String::new());
    for line in text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        lines += 1;
        let mut cells = line.splitn(3, '\t');
        let (sql, ty) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        let answer = cells.next().unwrap_or("");
        let got = ask(&db, &sql.replace("\\n", "\n"));
        let expected = match ty.strip_prefix('!').or(answer.strip_prefix('!')) {
            Some(code) => format!("!{}", code.trim()),
            None => format!("{ty}\t{answer}"),
        };
        if got != expected {
            let _ = writeln!(wrong, "{sql}\n    expected {expected}\n    got      {got}");
        }
    }
    (lines, wrong)
}

fn ask(db: &Database, expression: &str) -> String {
    let mut request = QueryRequest::new(format!("SELECT {expression} AS x"));
    request.default_format = Some("TabSeparatedWithNamesAndTypes".into());
    let mut out = Vec::new();
    match db.run(request, &mut out) {
        Err(e) => format!("!{}", e.code() as u16),
        Ok(_) => {
            let text = String::from_utf8_lossy(&out);
            let mut lines = text.lines().skip(1);
            format!(
                "{}\t{}",
                lines.next().unwrap_or(""),
                lines.next().unwrap_or("")
            )
        }
    }
}

fn all(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let (lines, wrong) = check(&file);
    assert!(lines > 0, "{} is empty", file.display());
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn core_functions() {
    all("core.tsv");
}

#[test]
fn library_functions() {
    all("library.tsv");
}
