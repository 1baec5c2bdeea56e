//! Golden files: `--- query` followed by ClickHouse's answer, or `ERR code`.

use super::catalog::Tables;

/// Queries whose answers differ, with both answers.
fn differences(golden: &str, optimized: bool) -> Vec<String> {
    let tables = Tables::new(&[]);
    let nulls = Tables::new(&[("join_use_nulls", "1")]);
    let mut differing = Vec::new();
    for entry in golden.split("--- ").skip(1) {
        let (sql, expected) = entry.split_once('\n').unwrap_or((entry, ""));
        let expected = expected.trim_end_matches('\n');
        let chosen = match sql.contains("join_use_nulls = 1") {
            true => &nulls,
            false => &tables,
        };
        let found = match chosen.answer(sql, optimized) {
            Ok(answer) => answer,
            Err(e) => format!("ERR {}", e.code() as u16),
        };
        if !alike(sql, &found, expected) {
            let message = chosen.answer(sql, optimized).err();
            let message = message.map(|e| e.to_string()).unwrap_or_default();
            differing.push(format!(
                "{sql}\n{message}\n  found:\n{found}\n  expected:\n{expected}\n"
            ));
        }
    }
    differing
}

/// Without an ORDER BY rows may come in any order; totals are not looked at.
fn alike(sql: &str, found: &str, expected: &str) -> bool {
    let rows = expected.split("\n\n").next().unwrap_or(expected);
    let lines = |text: &str| {
        let mut lines: Vec<String> = text
            .trim_end_matches('\n')
            .lines()
            .map(String::from)
            .collect();
        if !sql.to_lowercase().contains("order by") && lines.len() > 2 {
            lines[2..].sort_unstable();
        }
        lines
    };
    lines(found) == lines(rows)
}

fn assert_golden(golden: &str) {
    for optimized in [false, true] {
        let differing = differences(golden, optimized);
        assert!(
            differing.is_empty(),
            "optimized: {optimized}, {} differ:\n{}",
            differing.len(),
            differing.join("\n")
        );
    }
}

#[test]
fn names_and_scopes() {
    assert_golden(include_str!("names.txt"));
}

#[test]
fn clauses() {
    assert_golden(include_str!("clauses.txt"));
}

#[test]
fn joins() {
    assert_golden(include_str!("joins.txt"));
}

#[test]
fn sets_and_subqueries() {
    assert_golden(include_str!("sets.txt"));
}

#[test]
fn what_projects_write() {
    assert_golden(include_str!("projects.txt"));
}

#[test]
fn correlated_subqueries() {
    assert_golden(include_str!("correlated.txt"));
}

#[test]
fn recursion_grouping_and_fills() {
    assert_golden(include_str!("rarer.txt"));
}

#[test]
fn forms_and_refusals() {
    assert_golden(include_str!("more.txt"));
}
