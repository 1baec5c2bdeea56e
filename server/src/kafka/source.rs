//! What a data source reads: topic, group, and where to begin.
//!
//! Invariant: two data sources never move one cursor: it is named by the table that the rows are in.

use crate::project::DataSource;

/// Where a topic is read from when nobody knows how far it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the oldest message that is kept.
    Earliest,
    /// Behind the newest.
    Latest,
}

/// The topic that a data source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Name or id of the connection.
    pub connection: String,
    /// The topic.
    pub topic: String,
    /// The group: another one begins anew.
    pub group: String,
    /// Where to begin.
    pub begin: Begin,
}

impl Subscription {
    /// As the settings of a data source say; none when it reads no topic.
    pub fn of(source: &DataSource) -> Option<Result<Subscription, String>> {
        if source.kind != "kafka" {
            return None;
        }
        let topic = source.setting("kafka_topic")?.to_owned();
        let connection = source
            .setting("connector")
            .or_else(|| source.setting("kafka_connection_name"))?
            .to_owned();
        Some(Subscription::read(source, connection, topic))
    }

    fn read(source: &DataSource, connection: String, topic: String) -> Result<Self, String> {
        for key in ["kafka_value_format", "kafka_key_format"] {
            match source.setting(key) {
                None | Some("json_without_schema" | "text" | "json") => {}
                Some(other) => {
                    return Err(format!(
                        "{key} '{other}' is not built; known is json_without_schema"
                    ));
                }
            }
        }
        let begin = match source.setting("kafka_auto_offset_reset") {
            None | Some("latest" | "end" | "largest") => Begin::Latest,
            Some("earliest" | "beginning" | "smallest") => Begin::Earliest,
            Some(other) => {
                return Err(format!(
                    "unknown kafka_auto_offset_reset '{other}'; known are earliest, latest"
                ));
            }
        };
        Ok(Subscription {
            connection,
            topic,
            group: source
                .setting("kafka_group_id")
                .unwrap_or_default()
                .to_owned(),
            begin,
        })
    }

    /// The name of the cursor of a partition.
    pub fn cursor(&self, partition: i32) -> String {
        format!("kafka/{}/{partition}/{}", self.topic, self.group)
    }
}
