//! Datafiles as they are found in the wild.

use super::*;

const SOURCE: &str = "# events of the shop
DESCRIPTION >
    What happened,
    and when
unindented line of the description

TOKEN \"tracker\" APPEND
TAGS \"shop, core\"

SCHEMA >
    `id` String `json:$.record.id`,
    `tags` Array(Tuple(String, UInt64)) `json:$.record.tags[:]` DEFAULT [],
    `at` DateTime64(3) `json:$.at` DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    `note` LowCardinality(String) DEFAULT 'a, b'

INDEXES >
    INDEX by_note note TYPE minmax GRANULARITY 1

ENGINE \"ReplacingMergeTree\"
ENGINE_PARTITION_KEY \"toYear(at)\"
ENGINE_SORTING_KEY id, at
ENGINE_TTL 'toDateTime(at) + toIntervalDay(2)'
ENGINE_VER at
";

#[test]
fn reads_a_data_source() {
    let file = parse_data_source("events.datasource", SOURCE).unwrap();
    assert_eq!(
        file.description,
        "    What happened,\n    and when\nunindented line of the description"
    );
    assert_eq!(file.tags, ["shop", "core"]);
    assert_eq!(file.tokens[0].permission, "APPEND");
    assert_eq!(file.columns.len(), 4);
    assert_eq!(file.columns[1].ty, "Array(Tuple(String, UInt64))");
    assert_eq!(
        file.columns[1].jsonpath.as_deref(),
        Some("$.record.tags[:]")
    );
    assert_eq!(file.columns[1].default.as_deref(), Some("DEFAULT []"));
    assert_eq!(
        file.columns[2].codec.as_deref(),
        Some("CODEC(Delta, ZSTD(1))")
    );
    assert_eq!(file.columns[3].default.as_deref(), Some("DEFAULT 'a, b'"));
    let engine = file.engine.unwrap();
    assert_eq!(engine.name, "ReplacingMergeTree");
    assert_eq!(engine.get("sorting_key"), Some("id, at"));
    assert_eq!(engine.get("ttl"), Some("toDateTime(at) + toIntervalDay(2)"));
    assert_eq!(
        file.indexes,
        ["INDEX by_note note TYPE minmax GRANULARITY 1"]
    );
}

const PIPE: &str = "DESCRIPTION top
TOKEN \"reader\" READ

NODE first
DESCRIPTION >
    the first
SQL >
    %
    SELECT *
      FROM t {% if defined(x) %}

    WHERE a = {{ String(x) }}
    {% end %}

NODE last
SQL >
\tSELECT 1
TYPE MATERIALIZED
DATASOURCE target
ENGINE \"MergeTree\"
ENGINE_SORTING_KEY \"a\"
";

#[test]
fn reads_a_pipe() {
    let file = parse_pipe("p.pipe", PIPE).unwrap();
    assert_eq!(file.description, "top");
    assert_eq!(file.nodes.len(), 2);
    assert!(file.nodes[0].sql.starts_with("%\nSELECT *\n  FROM t"));
    assert_eq!(file.nodes[0].description, "the first");
    assert_eq!(file.nodes[1].sql, "SELECT 1");
    assert_eq!(file.nodes[1].kind, "materialized");
    assert_eq!(file.nodes[1].get("datasource"), Some("target"));
}

#[test]
fn what_is_printed_reads_the_same() {
    let mut source = parse_data_source("a", SOURCE).unwrap();
    source.description = "plain".to_owned();
    let again = parse_data_source("b", &print_data_source(&source)).unwrap();
    assert_eq!(again, source);
    let pipe = parse_pipe("a", PIPE).unwrap();
    let again = parse_pipe("b", &print_pipe(&pipe)).unwrap();
    assert_eq!(again, pipe);
}

#[test]
fn errors_name_file_and_line() {
    let wrong =
        parse_data_source("x.datasource", "SCHEMA >\n    `a` String,\n    `b`\n").unwrap_err();
    assert_eq!(wrong.to_string(), "x.datasource:3: column b has no type");
    let wrong = parse_pipe("x.pipe", "NODE a\nSQL >\n    SELECT 1\n\nWHAT is\n");
    assert!(
        wrong.is_ok(),
        "an unknown word in a block is content: {wrong:?}"
    );
    let wrong = parse_pipe("x.pipe", "SQL >\n  SELECT 1").unwrap_err();
    assert_eq!(wrong.line, 1);
    let wrong = parse_pipe("x.pipe", "NODE a\nBOGUS 1").unwrap_err();
    assert_eq!(wrong.to_string(), "x.pipe:2: BOGUS is not a valid option");
    let token = parse_token("t.token", "SCOPE PIPES:READ\nRESOURCE p\nFILTER a = 1\n").unwrap();
    assert_eq!(
        token.scopes,
        [(
            "PIPES:READ".to_owned(),
            Some("p".to_owned()),
            Some("a = 1".to_owned())
        )]
    );
}

#[test]
fn paragraphs_of_a_description_stay_apart() {
    let text =
        "DESCRIPTION >\n    one\n\n    two\n\nSCHEMA >\n    `a` String\n\nENGINE \"MergeTree\"\n";
    let file = parse_data_source("a.datasource", text).unwrap();
    assert!(
        print_data_source(&file).starts_with("DESCRIPTION >\n    one\n\n    two\n\nSCHEMA"),
        "{}",
        print_data_source(&file)
    );
}

#[test]
fn an_open_quote_is_named_with_its_line() {
    let text = "SCHEMA >\n    `a` String\n\nENGINE \"MergeTree\nENGINE_SORTING_KEY a\n";
    let error = parse_data_source("a.datasource", text).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.datasource:4: ENGINE has a quote that is not closed"
    );
}
