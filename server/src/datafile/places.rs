//! Where in a datafile its parts stand, for errors that are found after it was read.
//!
//! Invariant: lines count from one; a part that is not there is said to be on the file's first line.

use super::lines::{Directive, directives};
use super::schema::column_lines;

/// Where a node of a `.pipe` file stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodePlace {
    /// The node's name.
    pub name: String,
    /// Line of NODE.
    pub line: usize,
    /// Line at which the node's SQL begins.
    pub sql: usize,
    /// Lines of the node's other directives, by key in lower case.
    pub keys: Vec<(String, usize)>,
}

impl NodePlace {
    /// Line of a directive of the node, or of the node itself.
    pub fn key(&self, key: &str) -> usize {
        let found = self.keys.iter().find(|(k, _)| k == key);
        found.map_or(self.line, |(_, line)| *line)
    }
}

/// The nodes of a `.pipe` file that could be read.
pub fn node_places(text: &str) -> Vec<NodePlace> {
    let mut out: Vec<NodePlace> = Vec::new();
    for d in directives("", text).unwrap_or_default() {
        if d.key == "node" {
            out.push(NodePlace {
                name: d.text(),
                line: d.line,
                sql: d.line,
                keys: Vec::new(),
            });
        } else if let Some(node) = out.last_mut() {
            if d.key == "sql" {
                node.sql = first_line(&d);
            }
            node.keys.push((d.key, d.line));
        }
    }
    out
}

/// The first line with something in it, of a block or of a directive's own.
fn first_line(d: &Directive) -> usize {
    let block = d.args.first().filter(|_| d.block);
    let blank = |text: &String| text.lines().take_while(|l| l.trim().is_empty()).count();
    block.map_or(d.line, |text| d.line + 1 + blank(text))
}

/// Line of a directive of a `.datasource` file, or 1.
pub fn key_line(text: &str, key: &str) -> usize {
    nth_key_line(text, key, 0)
}

/// Line of the n-th directive of that name, from zero, or 1.
pub fn nth_key_line(text: &str, key: &str, n: usize) -> usize {
    let all = directives("", text).unwrap_or_default();
    let mut found = all.iter().filter(|d| d.key == key);
    found.nth(n).map_or(1, |d| d.line)
}

/// Line at which the n-th column of SCHEMA, from zero, is defined.
pub fn nth_column_line(text: &str, n: usize) -> usize {
    let all = directives("", text).unwrap_or_default();
    let Some(schema) = all.iter().find(|d| d.key == "schema") else {
        return 1;
    };
    let lines = column_lines(&schema.args.concat());
    let below = usize::from(schema.block);
    schema.line + below + lines.get(n).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_by_line() {
        let pipe =
            "DESCRIPTION x\n\nNODE a\nSQL >\n\n    SELECT 1\n\nNODE b\nTYPE copy\nSQL SELECT 2\n";
        let nodes = node_places(pipe);
        assert_eq!((nodes[0].line, nodes[0].sql), (3, 6));
        assert_eq!((nodes[1].sql, nodes[1].key("type")), (10, 9));
        let source = "VERSION 1\nSCHEMA >\n    `id` Int,\n    `id_2` Int\nENGINE x\n";
        assert_eq!(
            (nth_column_line(source, 0), nth_column_line(source, 1)),
            (3, 4)
        );
        assert_eq!(
            (key_line(source, "engine"), key_line(source, "ttl")),
            (5, 1)
        );
    }
}
