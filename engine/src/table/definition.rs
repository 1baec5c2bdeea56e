//! What CREATE TABLE said, as the engine keeps it.
//!
//! Invariant: `decode(encode(d)) == d`; expressions stay texts, the engine has them compiled.

use std::sync::Arc;

use crate::block::{Field, Schema};
use crate::error::{Error, Result};
use crate::log::bytes::{Reader, put_bytes, put_option, put_str, put_u64};
use crate::types::{DataType, text};

/// How a column gets its value when an insert does not name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefaultKind {
    /// `DEFAULT expr`: stored, may be given.
    Default,
    /// `MATERIALIZED expr`: stored, always computed.
    Materialized,
    /// `ALIAS expr`: computed on read, not stored.
    Alias,
    /// `EPHEMERAL [expr]`: may be given and used by other defaults, not stored.
    Ephemeral,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDefinition {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: DataType,
    /// Kind and expression text of the default.
    pub default: Option<(DefaultKind, String)>,
    /// Inner text of `CODEC(...)`.
    pub codec: Option<String>,
    /// Comment, empty when there is none.
    pub comment: String,
}

impl ColumnDefinition {
    /// A plain column.
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        ColumnDefinition {
            name: name.into(),
            ty,
            default: None,
            codec: None,
            comment: String::new(),
        }
    }

    /// Whether values of the column are stored.
    pub fn is_stored(&self) -> bool {
        !matches!(
            self.default,
            Some((DefaultKind::Alias | DefaultKind::Ephemeral, _))
        )
    }
}

/// What a table does with its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TableEngine {
    /// Rows stay as they are.
    #[default]
    MergeTree,
    /// Of rows with the same sorting key the one with the largest version (the last one) stays.
    Replacing {
        /// Version column.
        version: Option<String>,
        /// Column that marks deleted rows.
        is_deleted: Option<String>,
    },
    /// Numbers of rows with the same sorting key are added.
    Summing {
        /// The columns to add; empty means all numbers outside of the key.
        columns: Vec<String>,
    },
    /// States of rows with the same sorting key are merged.
    Aggregating,
    /// Rows live in memory and are gone after a restart.
    Memory,
    /// Rows are dropped at once (views still see them).
    Null,
}

impl TableEngine {
    /// Whether rows are durable.
    pub fn is_durable(&self) -> bool {
        !matches!(self, TableEngine::Memory | TableEngine::Null)
    }
}

/// A declared skip index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Name.
    pub name: String,
    /// Expression text.
    pub expr: String,
    /// Type with parameters: `bloom_filter(0.01)`.
    pub ty: String,
    /// Granules per entry.
    pub granularity: u64,
}

/// A table as it was created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableDefinition {
    /// Database.
    pub database: String,
    /// Name.
    pub name: String,
    /// Number of the table in the store; 0 lets the engine assign one.
    pub uid: u64,
    /// UUID; 0 lets the engine make one.
    pub uuid: u128,
    /// All columns, stored or not, in order.
    pub columns: Vec<ColumnDefinition>,
    /// Engine.
    pub engine: TableEngine,
    /// Engine clause as written, for SHOW CREATE.
    pub engine_text: String,
    /// PARTITION BY.
    pub partition_by: Option<String>,
    /// BUCKET BY key INTO n.
    pub bucket_by: Option<(String, u32)>,
    /// ORDER BY; `tuple()` or empty for none.
    pub order_by: String,
    /// PRIMARY KEY when it differs from ORDER BY.
    pub primary_key: Option<String>,
    /// SAMPLE BY.
    pub sample_by: Option<String>,
    /// TTL.
    pub ttl: Option<String>,
    /// Skip indexes.
    pub indexes: Vec<IndexDefinition>,
    /// SETTINGS.
    pub settings: Vec<(String, String)>,
    /// Comment.
    pub comment: String,
}

const VERSION: u8 = 1;

impl TableDefinition {
    /// A MergeTree table of plain columns.
    pub fn new(
        database: impl Into<String>,
        name: impl Into<String>,
        columns: Vec<ColumnDefinition>,
        order_by: impl Into<String>,
    ) -> Self {
        TableDefinition {
            database: database.into(),
            name: name.into(),
            columns,
            order_by: order_by.into(),
            engine_text: "MergeTree".into(),
            ..Self::default()
        }
    }

    /// `database.name`, for messages.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    /// The stored columns: plain, DEFAULT, MATERIALIZED.
    pub fn stored_schema(&self) -> Arc<Schema> {
        let stored = self.columns.iter().filter(|c| c.is_stored());
        Schema::new(
            stored
                .map(|c| Field::new(c.name.clone(), c.ty.clone()))
                .collect(),
        )
    }

    /// A setting's value.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().rev().find(|s| s.0 == name);
        found.map(|s| s.1.as_str())
    }

    /// The bytes for the log.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_str(&mut out, &self.database);
        put_str(&mut out, &self.name);
        put_u64(&mut out, self.uid);
        put_bytes(&mut out, &self.uuid.to_le_bytes());
        put_u64(&mut out, self.columns.len() as u64);
        self.columns.iter().for_each(|c| put_column(&mut out, c));
        put_engine(&mut out, &self.engine);
        put_str(&mut out, &self.engine_text);
        put_option(&mut out, self.partition_by.as_deref(), put_str);
        put_option(&mut out, self.bucket_by.as_ref(), |out, (key, n)| {
            put_str(out, key);
            put_u64(out, u64::from(*n));
        });
        put_str(&mut out, &self.order_by);
        for text in [&self.primary_key, &self.sample_by, &self.ttl] {
            put_option(&mut out, text.as_deref(), put_str);
        }
        put_u64(&mut out, self.indexes.len() as u64);
        for index in &self.indexes {
            for text in [&index.name, &index.expr, &index.ty] {
                put_str(&mut out, text);
            }
            put_u64(&mut out, index.granularity);
        }
        put_u64(&mut out, self.settings.len() as u64);
        for (name, value) in &self.settings {
            put_str(&mut out, name);
            put_str(&mut out, value);
        }
        put_str(&mut out, &self.comment);
        out
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// CORRUPTED_DATA when the bytes are not a definition.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let definition =
            read_definition(&mut reader).map_err(|e| e.context("definition of a table"))?;
        reader.end()?;
        Ok(definition)
    }
}

fn read_definition(r: &mut Reader<'_>) -> Result<TableDefinition> {
    let version = r.u8()?;
    if version != VERSION {
        return Err(Error::corrupt(format!(
            "definition of version {version}, known is {VERSION}"
        )));
    }
    Ok(TableDefinition {
        database: r.string()?,
        name: r.string()?,
        uid: r.u64()?,
        uuid: {
            let bytes = <[u8; 16]>::try_from(r.bytes()?);
            u128::from_le_bytes(bytes.map_err(|_| Error::corrupt("a UUID has 16 bytes"))?)
        },
        columns: list(r, read_column)?,
        engine: read_engine(r)?,
        engine_text: r.string()?,
        partition_by: r.option(Reader::string)?,
        bucket_by: r.option(|r| {
            let key = r.string()?;
            let n = u32::try_from(r.u64()?).map_err(|_| Error::corrupt("too many buckets"))?;
            Ok((key, n))
        })?,
        order_by: r.string()?,
        primary_key: r.option(Reader::string)?,
        sample_by: r.option(Reader::string)?,
        ttl: r.option(Reader::string)?,
        indexes: list(r, |r| {
            Ok(IndexDefinition {
                name: r.string()?,
                expr: r.string()?,
                ty: r.string()?,
                granularity: r.u64()?,
            })
        })?,
        settings: list(r, |r| Ok((r.string()?, r.string()?)))?,
        comment: r.string()?,
    })
}

fn list<T>(r: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Result<T>) -> Result<Vec<T>> {
    let n = r.count(1)?;
    (0..n).map(|_| read(r)).collect()
}

fn put_column(out: &mut Vec<u8>, column: &ColumnDefinition) {
    put_str(out, &column.name);
    put_str(out, &column.ty.to_string());
    put_option(out, column.default.as_ref(), |out, (kind, text)| {
        out.push(match kind {
            DefaultKind::Default => 0,
            DefaultKind::Materialized => 1,
            DefaultKind::Alias => 2,
            DefaultKind::Ephemeral => 3,
        });
        put_str(out, text);
    });
    put_option(out, column.codec.as_deref(), put_str);
    put_str(out, &column.comment);
}

fn read_column(r: &mut Reader<'_>) -> Result<ColumnDefinition> {
    Ok(ColumnDefinition {
        name: r.string()?,
        ty: text::parse(&r.string()?)?,
        default: r.option(|r| {
            let kind = match r.u8()? {
                0 => DefaultKind::Default,
                1 => DefaultKind::Materialized,
                2 => DefaultKind::Alias,
                3 => DefaultKind::Ephemeral,
                other => return Err(Error::corrupt(format!("kind of default {other}"))),
            };
            Ok((kind, r.string()?))
        })?,
        codec: r.option(Reader::string)?,
        comment: r.string()?,
    })
}

fn put_engine(out: &mut Vec<u8>, engine: &TableEngine) {
    match engine {
        TableEngine::MergeTree => out.push(0),
        TableEngine::Replacing {
            version,
            is_deleted,
        } => {
            out.push(1);
            put_option(out, version.as_deref(), put_str);
            put_option(out, is_deleted.as_deref(), put_str);
        }
        TableEngine::Summing { columns } => {
            out.push(2);
            put_u64(out, columns.len() as u64);
            columns.iter().for_each(|c| put_str(out, c));
        }
        TableEngine::Aggregating => out.push(3),
        TableEngine::Memory => out.push(4),
        TableEngine::Null => out.push(5),
    }
}

fn read_engine(r: &mut Reader<'_>) -> Result<TableEngine> {
    Ok(match r.u8()? {
        0 => TableEngine::MergeTree,
        1 => TableEngine::Replacing {
            version: r.option(Reader::string)?,
            is_deleted: r.option(Reader::string)?,
        },
        2 => TableEngine::Summing {
            columns: list(r, |r| r.string())?,
        },
        3 => TableEngine::Aggregating,
        4 => TableEngine::Memory,
        5 => TableEngine::Null,
        other => return Err(Error::corrupt(format!("engine {other}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_survives_its_bytes() {
        let mut full = ColumnDefinition::new("x", DataType::String.low_cardinality().nullable());
        full.default = Some((DefaultKind::Materialized, "lower(y)".into()));
        full.codec = Some("ZSTD(3)".into());
        full.comment = "länger".into();
        let plain = ColumnDefinition::new("y", DataType::String);
        for engine in [
            TableEngine::MergeTree,
            TableEngine::Replacing {
                version: Some("v".into()),
                is_deleted: None,
            },
            TableEngine::Summing {
                columns: vec!["a".into()],
            },
            TableEngine::Aggregating,
            TableEngine::Memory,
            TableEngine::Null,
        ] {
            let mut d = TableDefinition::new("db", "t", vec![full.clone(), plain.clone()], "y");
            d.engine = engine;
            d.uid = 9;
            d.uuid = u128::MAX - 3;
            d.partition_by = Some("toYYYYMM(d)".into());
            d.bucket_by = Some(("y".into(), 16));
            d.ttl = Some("d + INTERVAL 1 DAY".into());
            d.settings = vec![("index_granularity".into(), "8192".into())];
            d.indexes = vec![IndexDefinition {
                name: "i".into(),
                expr: "y".into(),
                ty: "bloom_filter".into(),
                granularity: 4,
            }];
            let bytes = d.encode();
            assert_eq!(TableDefinition::decode(&bytes).ok().as_ref(), Some(&d));
            for cut in 0..bytes.len() {
                assert!(TableDefinition::decode(&bytes[..cut]).is_err(), "{cut}");
            }
        }
    }
}
