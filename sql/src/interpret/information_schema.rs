//! `information_schema`: views over `system`, under the names that SQL tools ask for.
//!
//! Invariant: every column is there in lower and in upper case, with ClickHouse's type.

use std::sync::Arc;

use roost_engine::error::Result;

use crate::bind::Relation;
use crate::parse::parse_query;

/// The views and their queries.
const VIEWS: &[(&str, &str)] = &[
    ("columns", COLUMNS),
    ("schemata", SCHEMATA),
    ("tables", TABLES),
    ("views", VIEWS_VIEW),
];

/// Names of the views, as `SHOW TABLES` lists them.
pub(super) fn names(upper: bool) -> impl Iterator<Item = String> {
    VIEWS.iter().map(move |(name, _)| match upper {
        true => name.to_ascii_uppercase(),
        false => (*name).to_string(),
    })
}

/// Whether a database is this one: its name is written in one case.
pub(super) fn is_schema(database: &str) -> bool {
    matches!(database, "information_schema" | "INFORMATION_SCHEMA")
}

/// The view of that name, written in one case.
pub(super) fn view(name: &str) -> Result<Option<Relation>> {
    let upper = name.bytes().all(|b| !b.is_ascii_lowercase());
    let own = match upper {
        true => name.to_ascii_lowercase(),
        false => name.to_string(),
    };
    let Some((_, text)) = VIEWS.iter().find(|(known, _)| *known == own) else {
        return Ok(None);
    };
    Ok(Some(Relation::View(Arc::new(parse_query(text)?))))
}

const SCHEMATA: &str = "SELECT
name AS catalog_name,
name AS schema_name,
'default' AS schema_owner,
CAST(NULL AS Nullable(String)) AS default_character_set_catalog,
CAST(NULL AS Nullable(String)) AS default_character_set_schema,
CAST(NULL AS Nullable(String)) AS default_character_set_name,
CAST(NULL AS Nullable(String)) AS sql_path,
catalog_name AS CATALOG_NAME,
schema_name AS SCHEMA_NAME,
schema_owner AS SCHEMA_OWNER,
default_character_set_catalog AS DEFAULT_CHARACTER_SET_CATALOG,
default_character_set_schema AS DEFAULT_CHARACTER_SET_SCHEMA,
default_character_set_name AS DEFAULT_CHARACTER_SET_NAME,
sql_path AS SQL_PATH,
'utf8mb4_0900_ai_ci' AS default_collation_name,
'NO' AS default_encryption,
default_collation_name AS DEFAULT_COLLATION_NAME,
default_encryption AS DEFAULT_ENCRYPTION
FROM system.databases";

const TABLES: &str = "SELECT
database AS table_catalog,
database AS table_schema,
name AS table_name,
multiIf(is_temporary, 'LOCAL TEMPORARY', t.engine LIKE '%View', 'VIEW', t.engine LIKE 'System%', 'SYSTEM VIEW', has_own_data = 0, 'FOREIGN TABLE', 'BASE TABLE') AS table_type,
total_rows AS table_rows,
total_bytes AS data_length,
CAST(NULL AS Nullable(UInt64)) AS index_length,
toNullable('utf8mb4_0900_ai_ci') AS table_collation,
toNullable(comment) AS table_comment,
table_catalog AS TABLE_CATALOG,
table_schema AS TABLE_SCHEMA,
table_name AS TABLE_NAME,
table_type AS TABLE_TYPE,
table_rows AS TABLE_ROWS,
data_length AS DATA_LENGTH,
index_length AS INDEX_LENGTH,
table_collation AS TABLE_COLLATION,
table_comment AS TABLE_COMMENT,
if(table_type IN ('VIEW', 'SYSTEM VIEW'), NULL, t.engine) AS engine,
CAST(NULL AS Nullable(UInt64)) AS version,
CAST(NULL AS Nullable(String)) AS row_format,
CAST(NULL AS Nullable(UInt64)) AS avg_row_length,
CAST(NULL AS Nullable(UInt64)) AS max_data_length,
CAST(NULL AS Nullable(UInt64)) AS data_free,
CAST(NULL AS Nullable(UInt64)) AS auto_increment,
CAST(NULL AS Nullable(DateTime)) AS create_time,
CAST(NULL AS Nullable(DateTime)) AS update_time,
CAST(NULL AS Nullable(DateTime)) AS check_time,
CAST(NULL AS Nullable(Int64)) AS checksum,
CAST(NULL AS Nullable(String)) AS create_options,
engine AS ENGINE,
version AS VERSION,
row_format AS ROW_FORMAT,
avg_row_length AS AVG_ROW_LENGTH,
max_data_length AS MAX_DATA_LENGTH,
data_free AS DATA_FREE,
auto_increment AS AUTO_INCREMENT,
create_time AS CREATE_TIME,
update_time AS UPDATE_TIME,
check_time AS CHECK_TIME,
checksum AS CHECKSUM,
create_options AS CREATE_OPTIONS
FROM system.tables AS t";

const COLUMNS: &str = "SELECT
database AS table_catalog,
database AS table_schema,
`table` AS table_name,
name AS column_name,
position AS ordinal_position,
default_expression AS column_default,
toString(type LIKE 'Nullable(%)') AS is_nullable,
type AS data_type,
CAST(NULL AS Nullable(UInt64)) AS character_maximum_length,
CAST(NULL AS Nullable(UInt64)) AS character_octet_length,
numeric_bits AS numeric_precision,
if(isNull(numeric_bits), NULL, if(type LIKE 'Decimal%', 10, 2))::Nullable(UInt64) AS numeric_precision_radix,
numeric_places AS numeric_scale,
time_places AS datetime_precision,
CAST(NULL AS Nullable(String)) AS character_set_catalog,
CAST(NULL AS Nullable(String)) AS character_set_schema,
CAST(NULL AS Nullable(String)) AS character_set_name,
CAST(NULL AS Nullable(String)) AS collation_catalog,
CAST(NULL AS Nullable(String)) AS collation_schema,
CAST(NULL AS Nullable(String)) AS collation_name,
CAST(NULL AS Nullable(String)) AS domain_catalog,
CAST(NULL AS Nullable(String)) AS domain_schema,
CAST(NULL AS Nullable(String)) AS domain_name,
toNullable(multiIf(default_kind = 'DEFAULT', 'DEFAULT_GENERATED', default_kind = 'MATERIALIZED', 'STORED GENERATED', default_kind = 'ALIAS', 'VIRTUAL GENERATED', '')) AS extra,
comment AS column_comment,
type AS column_type,
table_catalog AS TABLE_CATALOG,
table_schema AS TABLE_SCHEMA,
table_name AS TABLE_NAME,
column_name AS COLUMN_NAME,
ordinal_position AS ORDINAL_POSITION,
column_default AS COLUMN_DEFAULT,
is_nullable AS IS_NULLABLE,
data_type AS DATA_TYPE,
character_maximum_length AS CHARACTER_MAXIMUM_LENGTH,
character_octet_length AS CHARACTER_OCTET_LENGTH,
numeric_precision AS NUMERIC_PRECISION,
numeric_precision_radix AS NUMERIC_PRECISION_RADIX,
numeric_scale AS NUMERIC_SCALE,
datetime_precision AS DATETIME_PRECISION,
character_set_catalog AS CHARACTER_SET_CATALOG,
character_set_schema AS CHARACTER_SET_SCHEMA,
character_set_name AS CHARACTER_SET_NAME,
collation_catalog AS COLLATION_CATALOG,
collation_schema AS COLLATION_SCHEMA,
collation_name AS COLLATION_NAME,
domain_catalog AS DOMAIN_CATALOG,
domain_schema AS DOMAIN_SCHEMA,
domain_name AS DOMAIN_NAME,
extra AS EXTRA,
column_comment AS COLUMN_COMMENT,
column_type AS COLUMN_TYPE,
if(is_in_primary_key, 'PRI', '') AS column_key,
'' AS privileges,
if(default_kind IN ('MATERIALIZED', 'ALIAS'), default_expression, '') AS generation_expression,
CAST(NULL AS Nullable(UInt32)) AS srs_id,
column_key AS COLUMN_KEY,
privileges AS PRIVILEGES,
generation_expression AS GENERATION_EXPRESSION,
srs_id AS SRS_ID
FROM (SELECT *,
extract(type, '^U?Int([0-9]+)$') AS int_bits,
extract(type, '^Float([0-9]+)$') AS float_bits,
extractGroups(type, '^Decimal\\\\(([0-9]+), ([0-9]+)\\\\)$') AS digits,
multiIf(int_bits != '', toUInt64OrNull(int_bits), float_bits != '', toUInt64OrNull(float_bits),
notEmpty(digits), toUInt64OrNull(digits[1]), NULL) AS numeric_bits,
multiIf(int_bits != '', 0, notEmpty(digits), toUInt64OrNull(digits[2]), NULL)::Nullable(UInt64) AS numeric_places,
multiIf(type LIKE 'DateTime64%', toUInt64OrNull(extract(type, '^DateTime64\\\\(([0-9]+)')),
type LIKE 'DateTime%', 0, NULL)::Nullable(UInt64) AS time_places
FROM system.columns)";

const VIEWS_VIEW: &str = "SELECT
database AS table_catalog,
database AS table_schema,
name AS table_name,
as_select AS view_definition,
'NONE' AS check_option,
CAST(0 AS Enum8('NO' = 0, 'YES' = 1)) AS is_updatable,
CAST(engine = 'MaterializedView' AS Enum8('NO' = 0, 'YES' = 1)) AS is_insertable_into,
CAST(0 AS Enum8('NO' = 0, 'YES' = 1)) AS is_trigger_updatable,
CAST(0 AS Enum8('NO' = 0, 'YES' = 1)) AS is_trigger_deletable,
CAST(0 AS Enum8('NO' = 0, 'YES' = 1)) AS is_trigger_insertable_into,
table_catalog AS TABLE_CATALOG,
table_schema AS TABLE_SCHEMA,
table_name AS TABLE_NAME,
view_definition AS VIEW_DEFINITION,
check_option AS CHECK_OPTION,
is_updatable AS IS_UPDATABLE,
is_insertable_into AS IS_INSERTABLE_INTO,
is_trigger_updatable AS IS_TRIGGER_UPDATABLE,
is_trigger_deletable AS IS_TRIGGER_DELETABLE,
is_trigger_insertable_into AS IS_TRIGGER_INSERTABLE_INTO
FROM system.tables WHERE engine LIKE '%View'";
