//! Templates against the client's own rendering.

use serde_json::{Value as Json, json};

use super::{Inputs, Mode, Template, TemplateError, Variables, render_sql};

fn variables(json: Json) -> Variables {
    match json {
        Json::Object(map) => map.into_iter().collect(),
        _ => Variables::new(),
    }
}

fn render(template: &str, given: Json) -> Result<String, TemplateError> {
    let variables = variables(given);
    let inputs = Inputs {
        variables: &variables,
        secrets: &[],
        mode: Mode::Run,
        now: "2024-01-01 00:00:00",
    };
    Ok(Template::parse(template)?.render(&inputs)?.sql)
}

/// Where we mean to differ from the client.
fn differs_on_purpose(
    template: &str,
    given: &Json,
    golden: Option<&str>,
    ours: Option<&str>,
) -> bool {
    let given = given.to_string();
    match (golden, ours) {
        // What the client's Python or its own checks of the text refuse: we answer.
        (None, Some(_)) => ACCEPTED.iter().any(|part| template.contains(part)),
        // Python would quote with double quotes, which is an identifier in SQL.
        (Some(theirs), Some(_)) if theirs.contains('"') && given.contains('\'') => true,
        // The client escapes these twice, so that they arrive with a backslash too many.
        (Some(_), Some(_)) if template.starts_with("{{Array(") => {
            given.contains("50%") || given.contains("tick`")
        }
        // Numbers that JSON readers do not agree about.
        (Some(_), _) if template.contains("JSON(") => {
            given.contains("1e400") || given.contains("18446744073709551616")
        }
        _ => false,
    }
}

/// Texts that the client refuses and we take.
const ACCEPTED: &[&str] = &[
    "{% set y = Boolean(x)",
    "split_to_array(x",
    "v.strip()",
    "{% break %}",
    "{% continue %}",
    "if x == 'a' else 'no'",
    "'abc'[-1]",
    "x.startswith(",
    "{{ x.y }}",
    "{{ x.nope() }}",
];

/// Template, variables, checking, secrets, and the client's SQL.
type Golden = (String, Json, bool, Vec<String>, Option<String>);

#[test]
fn renders_as_the_client_does() {
    let goldens: Vec<Golden> =
        serde_json::from_str(include_str!("../../tests/templates/goldens.json")).unwrap();
    let mut wrong = Vec::new();
    for (template, given, checking, secrets, golden) in &goldens {
        let variables = variables(given.clone());
        let inputs = Inputs {
            variables: &variables,
            secrets,
            mode: if *checking { Mode::Check } else { Mode::Run },
            now: "2024-01-01 00:00:00",
        };
        let ours = Template::parse(template).and_then(|t| t.render(&inputs));
        let sql = ours.as_ref().ok().map(|r| r.sql.as_str());
        if sql != golden.as_deref() && !differs_on_purpose(template, given, golden.as_deref(), sql)
        {
            wrong.push(format!(
                "{template:?} {given} {checking}\n  {golden:?}\n  {ours:?}"
            ));
        }
    }
    assert!(goldens.len() > 2500, "{} goldens", goldens.len());
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(60)].join("\n")
    );
}

#[test]
fn loops_know_their_place() {
    let text = "{% for r in repos %}{% if not loop.first %} OR {% end %}{{ r }}{% end %}";
    assert_eq!(
        render(text, json!({"repos": ["a", "b'"]})).unwrap(),
        "'a' OR 'b\\''"
    );
    let text =
        "{{ Array(repos, 'String') }}{% for r in repos %}{% if not loop.last %},{% end %}{% end %}";
    assert_eq!(render(text, json!({"repos": "a,b"})).unwrap(), "['a','b'],");
}

#[test]
fn values_stay_in_their_literals() {
    let hostile = "x' OR 1=1 -- \\' `\n*/";
    let texts = [
        "{{ x }}",
        "{{ String(x) }}",
        "{{ column(x) }}",
        "{{ symbol(x) }}",
        "{{ columns(x) }}",
        "{{ Array(x) }}",
        "{{ split_to_array(x) }}",
        "{{ [x] }}",
        "{{ sql_unescape(x) }}",
        "{{ sql_unescape(x, \"'\") }}",
        "{{ sql_and(a=x) }}",
        "{{ max_threads(x) }}1",
        "{{ backend_hint(x) }}1",
    ];
    for text in texts {
        let Ok(sql) = render(text, json!({ "x": hostile })) else {
            continue;
        };
        assert!(stays_inside(&sql), "{text}: {sql}");
    }
    assert!(render("{{ table(x) }}", json!({ "x": "t; DROP" })).is_err());
}

/// Whether `OR` occurs only inside of quotes or comments.
fn stays_inside(sql: &str) -> bool {
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '`' => loop {
                match chars.next() {
                    None => return false,
                    Some('\\') => {
                        chars.next();
                    }
                    Some(end) if end == c => break,
                    Some(_) => {}
                }
            },
            '-' if chars.peek() == Some(&'-') => while chars.next().is_some_and(|c| c != '\n') {},
            'O' => return false,
            _ => {}
        }
    }
    true
}

#[test]
fn nothing_runs_for_ever_or_overflows() {
    let hostile = [
        "{% while True %}{% end %}",
        "{% while True %}{% set a = [a] %}{% end %}",
        "{% set a = 'x' %}{% while True %}{% set a = a + a %}{% end %}",
        "{{ 'a' * 10000000000 }}",
        "{% for i in range(100000000000) %}{% end %}",
        "{% set a = 9 ** 99 ** 9 %}",
        "{{ 1 / 0 }}{{ 170141183460469231731687303715884105727 + 1 }}",
    ];
    for text in hostile {
        assert!(render(text, json!({})).is_err(), "{text}");
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(render(&deep, json!({})).is_err());
    let deep = "{% if 1 %}".repeat(5000);
    assert!(render(&deep, json!({})).is_err());
    let deep = format!("{{{{ {} 1 }}}}", "not ".repeat(5000));
    assert!(render(&deep, json!({})).is_err());
    let long = format!("{{{{ 1{} }}}}", " + 1".repeat(3000));
    let _ = render(&long, json!({}));
}

#[test]
fn parameters_are_found_with_their_types() {
    let template = Template::parse(
        "{% if defined(a) and b == 'x' %}{{ Int32(a, 5, description='n', required=True) }}{% end %}\
         {{ Array(c, 'Int64') }}{% set d = 1 %}{{ d }}{% for e in c %}{{ e }}{% end %}\
         {{ Float32(f, -0.5) }}{{ column(String(g, 'name')) }}",
    )
    .unwrap();
    let shown: Vec<String> = template
        .parameters()
        .iter()
        .map(|p| p.to_json().to_string())
        .collect();
    assert_eq!(
        shown,
        [
            r#"{"name":"a","type":"Int32","default":5,"description":"n","required":true}"#,
            r#"{"name":"b","type":"String","default":null}"#,
            r#"{"name":"c","type":"Array(Int64)","default":null}"#,
            r#"{"name":"f","type":"Float32","default":-0.5}"#,
            r#"{"name":"g","type":"String","default":"name"}"#,
        ]
    );
}

#[test]
fn a_missing_parameter_is_named() {
    let e = render("{{ Int32(a) }} {{ String(b, 'x') }} {{ c }}", json!({})).unwrap_err();
    assert!(e.required && e.status == 400);
    assert_eq!(
        e.message,
        "Template Syntax Error: Required parameter is not defined. Check the parameters a and c. \
         Please provide a value or set a default value in the pipe code."
    );
    let e = render("{{ custom_error('gone', 404) }}", json!({})).unwrap_err();
    assert_eq!((e.message.as_str(), e.status), ("gone", 404));
    let variables = Variables::new();
    let inputs = Inputs {
        variables: &variables,
        secrets: &[],
        mode: Mode::Run,
        now: "",
    };
    assert_eq!(
        render_sql("SELECT {{ x }}", &inputs).unwrap().sql,
        "SELECT {{ x }}"
    );
    assert_eq!(render_sql(" % SELECT 1", &inputs).unwrap().sql, " SELECT 1");
}

#[test]
fn every_arm_can_be_visited() {
    let template = Template::parse("{% if a %}1{% elif b %}2{% else %}3{% end %}").unwrap();
    let variables = Variables::new();
    let all: String = (0..template.arms())
        .map(|n| {
            let inputs = Inputs {
                variables: &variables,
                secrets: &[],
                mode: Mode::Arm(n),
                now: "",
            };
            template.render(&inputs).unwrap().sql
        })
        .collect();
    assert_eq!(all, "123");
}
