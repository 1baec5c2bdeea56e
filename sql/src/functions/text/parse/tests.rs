//! Texts of values, read.

use roost_engine::column::ColumnBuilder;
use roost_engine::types::text::parse as parse_type;

use super::super::{Escaping, JsonOptions, parse_text, write_text};

/// Reads `text` as `ty` in one escaping and writes it in another; `!code` for an error.
fn through(ty: &str, text: &str, from: Escaping, to: Escaping) -> String {
    let ty = parse_type(ty).unwrap();
    let mut builder = ColumnBuilder::new(&ty, 1);
    if let Err(e) = parse_text(&ty, text.as_bytes(), &mut builder, from) {
        return format!("!{}", e.code() as u16);
    }
    let mut out = Vec::new();
    write_text(&builder.finish(), 0, &ty, &mut out, to);
    String::from_utf8(out).unwrap()
}

#[test]
fn texts_read_as_in_clickhouse() {
    let plain = |ty: &str, text: &str| through(ty, text, Escaping::Plain, Escaping::Plain);
    for (ty, text, expected) in [
        ("Int32", "abc", "!6"),
        ("Int32", "12a", "!6"),
        ("Int32", "", "!32"),
        ("Int8", "300", "44"),
        ("UInt8", "-1", "!72"),
        ("Int32", "+5", "5"),
        ("Int32", "5 ", "!6"),
        ("Int32", "-", "!72"),
        ("Float64", "1.5abc", "!6"),
        ("Float64", "abc", "!72"),
        ("Float64", "1e400", "inf"),
        ("Decimal(9, 2)", "1.235x", "!6"),
        ("Decimal(9, 2)", "12345678901", "!69"),
        ("Decimal(9, 2)", "-.5", "-0.5"),
        ("Date", "2024-1-3", "2024-01-03"),
        ("Date", "20240131", "2024-01-31"),
        ("Date", "2024-01-31 10:00:00", "2024-01-31"),
        ("Date", "2024-01-31x", "!6"),
        ("Date", "abc", "!38"),
        ("Date", "2024-13-01", "1970-01-01"),
        ("Date", "1960-01-01", "1970-01-01"),
        ("Date", "2200-01-01", "2149-06-06"),
        ("Date", "1706695200", "!6"),
        ("Date32", "1800-01-01", "1800-01-01"),
        ("DateTime", "2024-01-31T10:00:00Z", "2024-01-31 10:00:00"),
        (
            "DateTime",
            "2024-01-31 10:00:00+02:00",
            "2024-01-31 08:00:00",
        ),
        ("DateTime", "1706695200", "2024-01-31 10:00:00"),
        ("DateTime", "2200-01-01 00:00:00", "2106-02-07 06:28:15"),
        ("DateTime", "12345", "!41"),
        (
            "DateTime('Europe/Berlin')",
            "2024-07-01 00:00:00",
            "2024-07-01 00:00:00",
        ),
        (
            "DateTime64(3)",
            "2024-01-31 10:00:00.12345",
            "2024-01-31 10:00:00.123",
        ),
        ("DateTime64(3)", "1706695200.123", "2024-01-31 10:00:00.123"),
        ("DateTime64(3)", "1706695200123", "2024-01-31 10:00:00.123"),
        (
            "DateTime64(3)",
            "1969-12-31 23:59:59.5",
            "1969-12-31 23:59:59.500",
        ),
        ("DateTime64(9)", "2300-12-31 23:59:59", "!407"),
        (
            "UUID",
            "61F0C4045cb311e7907ba6006ad3dba0",
            "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
        ),
        ("UUID", "x", "!376"),
        ("IPv4", "1.2.3.256", "!675"),
        ("IPv6", "1.2.3.4", "::ffff:1.2.3.4"),
        ("IPv6", "2001:DB8::", "2001:db8::"),
        ("Bool", "yes", "true"),
        ("Bool", "abc", "!467"),
        ("Enum8('a' = 1)", "b", "!691"),
        ("Enum8('a' = 1)", "1", "a"),
        ("Array(UInt8)", "[ 1 , 2 ]", "[1,2]"),
        ("Array(String)", "['a','b\\'']", "['a','b\\'']"),
        ("Array(String)", "[a,b]", "!26"),
        ("Array(UInt8)", "[1,2", "!27"),
        ("Tuple(UInt8, String)", "(1,'a')", "(1,'a')"),
        ("Tuple(UInt8)", "(1,)", "(1)"),
        ("Map(String, UInt8)", "{'a':1}", "{'a':1}"),
        ("Array(Nullable(UInt8))", "[NULL,1]", "[NULL,1]"),
        ("Nullable(UInt8)", "\\N", "NULL"),
        ("FixedString(2)", "abc", "!131"),
    ] {
        assert_eq!(plain(ty, text), expected, "{ty} {text}");
    }
}

#[test]
fn json_and_csv_round_trip() {
    let json = Escaping::Json(JsonOptions::default());
    for (ty, text) in [
        ("String", "\"a\\\"\\/\\n\\u0001\""),
        ("Array(Map(String, UInt64))", "[{\"a\":1},{}]"),
        ("Map(UInt8, String)", "{\"1\":\"x\"}"),
        ("Tuple(a UInt8, b Nullable(String))", "{\"a\":1,\"b\":null}"),
        ("Tuple(UInt8, String)", "[1,\"x\"]"),
        ("DateTime64(3)", "\"2024-01-31 10:00:00.123\""),
        ("Nullable(Float64)", "null"),
        ("Bool", "true"),
    ] {
        assert_eq!(through(ty, text, json, json), text, "{ty}");
    }
    assert_eq!(
        through("String", "{\"a\": [1]}", json, Escaping::Plain),
        "{\"a\": [1]}"
    );
    assert_eq!(through("UInt8", "true", json, Escaping::Plain), "1");
    assert_eq!(
        through("Tuple(a UInt8)", "{\"b\": [{}], \"a\": 3}", json, json),
        "{\"a\":3}"
    );
    assert_eq!(
        through("String", "\"a\"\"b\"", Escaping::Csv, Escaping::Csv),
        "\"a\"\"b\""
    );
    assert_eq!(
        through("Array(String)", "\"['a']\"", Escaping::Csv, Escaping::Csv),
        "\"['a']\""
    );
    assert_eq!(
        through("String", "a\\tb\\\\", Escaping::Escaped, Escaping::Escaped),
        "a\\tb\\\\"
    );
    assert_eq!(
        through(
            "Nullable(String)",
            "\\N",
            Escaping::Escaped,
            Escaping::Escaped
        ),
        "\\N"
    );
    assert_eq!(through("Array(UInt8)", "[[", json, json), "!27");
}
