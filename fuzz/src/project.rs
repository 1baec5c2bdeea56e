//! Data projects: templates, datafiles, tokens and requests.
//!
//! Invariant: a rendered value never leaves the literal it was put into; see [`template`].

use roost_server::datafile::{
    parse_data_source, parse_pipe, parse_token, print_data_source, print_pipe,
};
use roost_server::http::params::Params;
use roost_server::project::guess::guess_columns;
use roost_server::template::{Inputs, Mode, Variables, render_sql};
use roost_server::tokens::Claims;

const TEMPLATES: &[&str] = &[
    "%\nSELECT {{String(name, 'x', description='a', required=True)}}, {{Int32(page, 0) * Int32(size, 10)}} FROM t {% if defined(a) and b == 'x' %} WHERE a IN {{Array(a, 'String')}} {% elif not defined(c) %} ORDER BY {{column(o, 'id')}} {% else %} LIMIT 1 {% end %}",
    "% {% set x = [1, 2, 3] %}{% for r in x %}{% if not loop.first %}, {% end %}{{r}}{% end %}{{sql_and(a__in=Array(b), c=String(d))}} {{DateTime(t, '2020-01-01 00:00:00')}} {{symbol(s)}} {{enumerate_with_last([1])}}",
    "% SELECT '{{ name.upper() }}' {% comment x %} {{ error('no') if x else '' }} {{ day_diff('2020-01-01', '2020-02-01') }} {{ columns('a,b', 'c') }}{{ 'a' + 'b' * 3 }}{{ [1,2][0:1] }}{{ {'a': 1}['a'] }}",
];
const DATASOURCE: &str = "VERSION 0\nDESCRIPTION >\n    two lines\n    of text\nTOKEN \"x\" READ\nTAGS \"a\", \"b\"\nSCHEMA >\n    `a` String `json:$.a.b[:]` DEFAULT 'x' CODEC(ZSTD(1)),\n    `b` Nullable(DateTime64(3)) `json:$.b`\nENGINE \"ReplacingMergeTree\"\nENGINE_PARTITION_KEY \"toYYYYMM(b)\"\nENGINE_SORTING_KEY a\nENGINE_VER b\nENGINE_TTL \"toDateTime(b) + toIntervalDay(1)\"\nINDEXES >\n    INDEX i a TYPE minmax GRANULARITY 1\n";
const PIPE: &str = "DESCRIPTION x\nTOKEN \"r\" READ\nNODE one\nDESCRIPTION >\n    y\nSQL >\n    %\n    SELECT * FROM t WHERE a = {{String(a)}}\nNODE two\nSQL >\n    SELECT 1\nTYPE COPY\nTARGET_DATASOURCE t\nCOPY_MODE append\nCOPY_SCHEDULE */5 * * * *\n";

pub(crate) fn templates() -> Vec<Vec<u8>> {
    TEMPLATES.iter().map(|t| t.as_bytes().to_vec()).collect()
}

/// The text before the first NUL is a template, the rest the value of its parameters. A value that
/// goes through `String(…)` stays one literal: rendering with a harmless value of the same template
/// gives as many tokens.
pub(crate) fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (text, value) = text
        .split_once('\0')
        .unwrap_or((&text, "it's \\' -- */ {{x}}"));
    let mut variables = Variables::new();
    for name in ["name", "a", "b", "o", "t", "s", "page", "size", "x", "d"] {
        variables.insert(name.to_string(), value.into());
    }
    for mode in [Mode::Run, Mode::Check, Mode::Arm(1)] {
        let inputs = Inputs {
            variables: &variables,
            secrets: &[],
            mode,
            now: "2020-01-01 00:00:00",
        };
        let _ = render_sql(text, &inputs);
    }
    stays_a_literal(value);
}

fn stays_a_literal(value: &str) {
    let mut variables = Variables::new();
    variables.insert("v".to_string(), value.into());
    let inputs = Inputs {
        variables: &variables,
        secrets: &[],
        mode: Mode::Run,
        now: "2020-01-01 00:00:00",
    };
    let Ok(rendered) = render_sql("% SELECT {{String(v)}} AS v", &inputs) else {
        return;
    };
    let query = roost::parse::parse_query(&rendered.sql);
    let query = query
        .unwrap_or_else(|e| unreachable!("{value:?} leaves its literal: {} ({e})", rendered.sql));
    let printed = query.to_string();
    assert!(
        printed.starts_with("SELECT '") && printed.ends_with("' AS v"),
        "{value:?} leaves its literal: {printed}"
    );
}

pub(crate) fn datafiles() -> Vec<Vec<u8>> {
    [DATASOURCE, PIPE, "TOKEN \"a\"\nSCOPES DATASOURCES:READ\n"]
        .map(|t| t.as_bytes().to_vec())
        .to_vec()
}

/// What is accepted can be printed, and what is printed can be read, though it may be refused: types
/// are looked at later, and the format knows no escape for a quote.
pub(crate) fn datafile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(file) = parse_data_source("f.datasource", &text) {
        let _ = parse_data_source("f.datasource", &print_data_source(&file));
    }
    if let Ok(file) = parse_pipe("f.pipe", &text) {
        let _ = parse_pipe("f.pipe", &print_pipe(&file));
    }
    let _ = parse_token("f.token", &text);
}

const KEY: &str = "key";

pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let text = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ3b3Jrc3BhY2VfaWQiOiJ4IiwibmFtZSI6IngiLCJleHAiOjk5OTk5OTk5OTksInNjb3BlcyI6W119.AAAA";
    vec![text.as_bytes().to_vec()]
}

/// Nothing that is not signed is accepted.
pub(crate) fn jwt(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Claims::looks_like_jwt(&text);
    assert!(
        Claims::verify(&text, KEY, 0).is_err(),
        "{text} is not signed with the key"
    );
}

pub(crate) fn requests() -> Vec<Vec<u8>> {
    [
        "a=1&b=%20x&c=%F0%9F%90%93&d[]=+",
        "{\"a\": {\"b\": [1, 2]}}\n{\"a\": null}\n",
        "a,b\n1,\"x\"\"y\"\n2020-01-01,3.5\n",
    ]
    .map(|t| t.as_bytes().to_vec())
    .to_vec()
}

pub(crate) fn request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let params = Params::parse(&text);
    for (name, _) in params.iter() {
        assert!(params.get(name).is_some());
    }
    let _ = guess_columns(data);
}
