//! System tables printed from registries: functions, settings, formats, types.
//!
//! Invariant: nothing is listed that the registries do not hold.

use roost_engine::block::Block;
use roost_engine::error::Result;
use roost_engine::types::Tz;

use super::super::context::StatementContext;
use super::kit::{Rows, b, n, s};
use crate::Value;
use crate::{formats, functions, settings};

/// `system.one`.
pub(super) fn one(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[("dummy", "UInt8")])?;
    rows.push(vec![n(0)])?;
    rows.finish()
}

/// Tables that exist and are empty here.
pub(super) fn nothing(_: &StatementContext) -> Result<Block> {
    Rows::new(&[("name", "String")])?.finish()
}

/// `system.functions`.
pub(super) fn functions(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("is_aggregate", "UInt8"),
        ("case_insensitive", "UInt8"),
        ("alias_to", "String"),
        ("origin", "Enum8('System' = 0, 'SQLUserDefined' = 1)"),
        ("description", "String"),
        ("syntax", "String"),
        ("examples", "String"),
        ("categories", "String"),
    ])?;
    let mut push = |name: &str, to: &str, aggregate, any_case, doc: &functions::Doc| {
        rows.push(vec![
            s(name),
            b(aggregate),
            b(any_case),
            s(to),
            Value::Int(0),
            s(doc.text),
            s(doc.syntax),
            s(doc.example.0),
            s(doc.category),
        ])
    };
    for f in functions::registry::scalar_functions() {
        push(f.name, "", false, f.case_insensitive, &f.doc)?;
        for alias in f.aliases {
            push(alias, f.name, false, f.case_insensitive, &f.doc)?;
        }
    }
    for f in functions::registry::aggregate_functions() {
        push(f.name, "", true, f.case_insensitive, &f.doc)?;
        for alias in f.aliases {
            push(alias, f.name, true, f.case_insensitive, &f.doc)?;
        }
    }
    rows.finish()
}

/// `system.settings`.
pub(super) fn settings(context: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("value", "String"),
        ("changed", "UInt8"),
        ("description", "String"),
        ("min", "Nullable(String)"),
        ("max", "Nullable(String)"),
        ("readonly", "UInt8"),
        ("type", "String"),
        ("default", "String"),
        ("is_obsolete", "UInt8"),
    ])?;
    let readonly = context.settings.uint("readonly") == 1;
    for d in settings::DEFINITIONS {
        rows.push(vec![
            s(d.name),
            s(context.settings.text(d.name)),
            b(context.settings.is_changed(d.name)),
            s(d.doc),
            Value::Null,
            Value::Null,
            b(readonly),
            s(d.kind.name()),
            s(d.default),
            b(!d.effective),
        ])?;
    }
    rows.finish()
}

/// `system.formats`.
pub(super) fn formats(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("is_input", "UInt8"),
        ("is_output", "UInt8"),
    ])?;
    for format in formats::all() {
        rows.push(vec![
            s(format.name),
            b(format.is_input()),
            b(format.is_output()),
        ])?;
    }
    rows.finish()
}

/// `system.data_type_families`.
pub(super) fn data_types(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("case_insensitive", "UInt8"),
        ("alias_to", "String"),
    ])?;
    for name in [
        "Array",
        "Bool",
        "Date",
        "Date32",
        "DateTime",
        "DateTime64",
        "Decimal",
        "Enum8",
        "Enum16",
        "FixedString",
        "Float32",
        "Float64",
        "IPv4",
        "IPv6",
        "Int128",
        "Int16",
        "Int32",
        "Int64",
        "Int8",
        "LowCardinality",
        "Map",
        "Nothing",
        "Nullable",
        "String",
        "Tuple",
        "UInt128",
        "UInt16",
        "UInt32",
        "UInt64",
        "UInt8",
        "UUID",
        "AggregateFunction",
        "SimpleAggregateFunction",
    ] {
        let any_case = matches!(
            name,
            "Date" | "Date32" | "DateTime" | "DateTime64" | "Decimal"
        );
        rows.push(vec![s(name), b(any_case), s("")])?;
    }
    rows.finish()
}

/// `system.table_engines`.
pub(super) fn engines(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[
        ("name", "String"),
        ("supports_settings", "UInt8"),
        ("supports_skipping_indices", "UInt8"),
        ("supports_sort_order", "UInt8"),
        ("supports_ttl", "UInt8"),
    ])?;
    for (name, keyed) in [("MergeTree", true), ("Memory", false), ("Null", false)] {
        rows.push(vec![s(name), b(keyed), b(keyed), b(keyed), b(keyed)])?;
    }
    rows.finish()
}

/// `system.aggregate_function_combinators`.
pub(super) fn combinators(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[("name", "String"), ("is_internal", "UInt8")])?;
    for name in COMBINATORS {
        rows.push(vec![s(name), b(false)])?;
    }
    rows.finish()
}

/// Suffixes of aggregate functions.
const COMBINATORS: &[&str] = &[
    "If",
    "State",
    "Merge",
    "MergeState",
    "SimpleState",
    "Distinct",
    "Array",
    "ForEach",
    "OrNull",
    "OrDefault",
    "Map",
];

/// `system.build_options`.
pub(super) fn build_options(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[("name", "String"), ("value", "String")])?;
    rows.push(vec![
        s("VERSION_FULL"),
        s(format!("Roost {}", env!("CARGO_PKG_VERSION"))),
    ])?;
    rows.push(vec![
        s("VERSION_DESCRIBE"),
        s(crate::session::CLICKHOUSE_VERSION),
    ])?;
    rows.finish()
}

/// `system.time_zones`.
pub(super) fn time_zones(_: &StatementContext) -> Result<Block> {
    let mut rows = Rows::new(&[("time_zone", "String")])?;
    for zone in roost_engine::types::zones() {
        rows.push(vec![s(Tz::name(zone))])?;
    }
    rows.finish()
}
