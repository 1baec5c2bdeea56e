//! What the session and the process know of themselves.
//!
//! Invariant: one value for the whole query.

use std::sync::LazyLock;
use std::time::Instant;

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::library::kit::{arity, f};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "other";
/// The version whose behaviour we follow: clients look at it to know what they may ask.
const VERSION: &str = "26.9.1.1";

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "version()",
        "The version of ClickHouse whose behaviour Roost follows.",
        ("version() != ''", "1"),
        |a, _| text(a, VERSION.into()),
    )
    .any_case(),
    f(
        CATEGORY,
        "currentDatabase()",
        "The name of the current database.",
        ("currentDatabase()", "default"),
        |a, c| text(a, c.database.clone()),
    )
    .also(&["DATABASE", "SCHEMA", "current_database"])
    .any_case(),
    f(
        CATEGORY,
        "currentUser()",
        "The name of the user.",
        ("currentUser()", "default"),
        |a, c| text(a, setting(c, "current_user").unwrap_or("default").into()),
    )
    .also(&["user", "current_user"])
    .any_case(),
    f(
        CATEGORY,
        "hostName()",
        "The name of the machine.",
        ("hostName() != ''", "1"),
        |a, _| text(a, host()),
    )
    .also(&["hostname", "FQDN", "fullHostName", "displayName"])
    .any_case(),
    f(
        CATEGORY,
        "uptime()",
        "Seconds since the process started.",
        ("uptime() >= 0", "1"),
        |a, _| {
            arity(a, 0..=0)?;
            constant(Value::UInt(START.elapsed().as_secs()), DataType::UInt32)
        },
    ),
    f(
        CATEGORY,
        "connectionId()",
        "0: connections have no numbers.",
        ("connectionId()", "0"),
        |a, _| {
            arity(a, 0..=0)?;
            constant(Value::UInt(0), DataType::UInt64)
        },
    )
    .also(&["connection_id"])
    .any_case(),
    f(
        CATEGORY,
        "queryID()",
        "The identifier of the query.",
        ("queryID() = queryID()", "1"),
        |a, c| text(a, setting(c, "query_id").unwrap_or_default().into()),
    )
    .also(&["query_id", "initialQueryID", "initial_query_id"])
    .any_case(),
    f(
        CATEGORY,
        "getSetting(name)",
        "The value of a setting.",
        ("getSetting('no_such', 5)", "5"),
        bind_setting,
    ),
    f(
        CATEGORY,
        "tcpPort()",
        "The port of the native protocol that clients expect.",
        ("tcpPort()", "9000"),
        |a, _| {
            arity(a, 0..=0)?;
            constant(Value::UInt(9000), DataType::UInt16)
        },
    ),
];

fn setting<'a>(context: &'a BindContext, name: &str) -> Option<&'a str> {
    context.settings.get(name).map(String::as_str)
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}

fn constant(value: Value, ty: DataType) -> Result<BoundFunction> {
    let answer = ty.clone();
    Ok(BoundFunction::new(ty, move |_, rows| {
        Column::constant(&value, &answer, rows)
    }))
}

fn text(args: &[Arg], value: String) -> Result<BoundFunction> {
    arity(args, 0..=0)?;
    constant(Value::string(value), DataType::String)
}

/// Whole numbers as UInt64, everything else as text.
fn bind_setting(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let Some(Value::Bytes(name)) = &args[0].constant else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "The argument of function getSetting should be a constant string with the name of a setting"
        );
    };
    let name = String::from_utf8_lossy(name);
    match (setting(context, &name), args.get(1)) {
        (Some(value), _) => match value.parse::<u64>() {
            Ok(n) => constant(Value::UInt(n), DataType::UInt64),
            Err(_) => constant(Value::string(value), DataType::String),
        },
        (None, Some(default)) => Ok(BoundFunction::new(default.ty.clone(), |columns, _| {
            Ok(columns[1].clone())
        })),
        (None, None) => bail!(UNKNOWN_SETTING, "Unknown setting '{name}'"),
    }
}
