//! What a commit says: a list of edits that hold together or not at all.
//!
//! Invariant: `Record::decode(encode(r)) == r`; an edit's tag is never given another meaning.

use super::bytes::{Reader, put_bytes, put_option, put_str, put_u64};
use crate::error::{Error, Result};
use crate::part::PartInfo;

/// One change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A database comes or goes.
    Database {
        /// Its name.
        name: String,
        /// Whether it comes.
        present: bool,
    },
    /// A table comes or gets another definition.
    Define {
        /// The table's number.
        table: u64,
        /// Its definition; the log does not look into it.
        definition: Vec<u8>,
        /// Whether rows prepared for the old definition no longer fit.
        reshaped: bool,
    },
    /// A table goes with all its parts.
    Drop {
        /// The table's number.
        table: u64,
    },
    /// All rows of a table or of one partition go.
    Clear {
        /// The table's number.
        table: u64,
        /// One partition only.
        partition: Option<String>,
    },
    /// A part file comes. A first commit of 0 stands for the record's own.
    AddPart {
        /// The table's number.
        table: u64,
        /// The part.
        info: PartInfo,
    },
    /// Rows come that are in no file. A first commit of 0 stands for the record's own.
    AddRows {
        /// The table's number.
        table: u64,
        /// The memory part.
        info: PartInfo,
        /// Ids of the memory parts that were put together in this one; at least its own.
        ids: Vec<u64>,
        /// The rows, see [`super::rows`].
        rows: Vec<u8>,
    },
    /// Parts (in files or in memory) go and others with the same rows come.
    Swap {
        /// The table's number.
        table: u64,
        /// Ids of the parts that go; every one must be there.
        removed: Vec<u64>,
        /// Part files that come.
        added: Vec<PartInfo>,
    },
    /// A key gets a value or loses it.
    Put {
        /// The key.
        key: String,
        /// The value.
        value: Option<Vec<u8>>,
    },
    /// A deduplication token was used by the commit; 0 stands for the record's own.
    Token {
        /// The token.
        token: String,
        /// The commit that used it.
        commit: u64,
    },
    /// The next free numbers, in checkpoints.
    Counters {
        /// Next part id.
        part: u64,
        /// Next table number.
        table: u64,
    },
    /// A branch comes.
    Branch {
        /// Its number; tables and branches share theirs.
        number: u64,
        /// Its name.
        name: String,
        /// What it was made from and by which commit, nearest first; a commit of 0 stands for the
        /// record's own.
        lineage: Vec<(u64, u64)>,
        /// What of its origin it has; none in checkpoints, whose next edits say everything.
        copy: Option<BranchCopy>,
    },
    /// A branch goes with everything in it.
    DropBranch {
        /// Its number.
        number: u64,
    },
    /// The databases, new tables and keys of the edits behind this one are those of a branch.
    Within {
        /// The branch's number; 0 is the store itself.
        branch: u64,
    },
}

/// What a new branch has of its origin: databases, tables and keys, and the rows perhaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchCopy {
    /// The origin's tables, in the order of their numbers, have the numbers from here on.
    pub tables: u64,
    /// Whether the rows come along.
    pub rows: bool,
}

/// The edits of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of the commit, ascending.
    pub commit: u64,
    /// What it changes.
    pub edits: Vec<Edit>,
}

impl Record {
    /// Reads a record of `edits` that [`put_edit`] wrote, behind commit and count.
    pub fn decode(bytes: &[u8]) -> Result<Record> {
        let mut reader = Reader::new(bytes);
        let commit = reader.u64()?;
        let n = reader.count(1)?;
        let edits = (0..n)
            .map(|_| read_edit(&mut reader))
            .collect::<Result<_>>()?;
        reader.end()?;
        Ok(Record { commit, edits })
    }

    /// The bytes of the record whose `n` edits are encoded in `edits` already.
    pub fn encode_raw(commit: u64, n: usize, edits: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(edits.len() + 12);
        put_u64(&mut out, commit);
        put_u64(&mut out, n as u64);
        out.extend_from_slice(edits);
        out
    }

    /// The bytes of the record.
    pub fn encode(&self) -> Vec<u8> {
        let mut edits = Vec::new();
        self.edits.iter().for_each(|e| put_edit(&mut edits, e));
        Self::encode_raw(self.commit, self.edits.len(), &edits)
    }
}

/// Appends one edit.
pub fn put_edit(out: &mut Vec<u8>, edit: &Edit) {
    match edit {
        Edit::Database { name, present } => {
            out.push(1);
            put_str(out, name);
            out.push(u8::from(*present));
        }
        Edit::Define {
            table,
            definition,
            reshaped,
        } => {
            out.push(2);
            put_u64(out, *table);
            put_bytes(out, definition);
            out.push(u8::from(*reshaped));
        }
        Edit::Drop { table } => {
            out.push(3);
            put_u64(out, *table);
        }
        Edit::Clear { table, partition } => {
            out.push(4);
            put_u64(out, *table);
            put_option(out, partition.as_deref(), put_str);
        }
        Edit::AddPart { table, info } => {
            out.push(5);
            put_u64(out, *table);
            put_info(out, info);
        }
        Edit::AddRows {
            table,
            info,
            ids,
            rows,
        } => {
            out.push(6);
            put_u64(out, *table);
            put_info(out, info);
            put_ids(out, ids);
            put_bytes(out, rows);
        }
        Edit::Swap {
            table,
            removed,
            added,
        } => {
            out.push(7);
            put_u64(out, *table);
            put_ids(out, removed);
            put_u64(out, added.len() as u64);
            added.iter().for_each(|i| put_info(out, i));
        }
        Edit::Put { key, value } => {
            out.push(8);
            put_str(out, key);
            put_option(out, value.as_deref(), put_bytes);
        }
        Edit::Token { token, commit } => {
            out.push(9);
            put_str(out, token);
            put_u64(out, *commit);
        }
        Edit::Counters { part, table } => {
            out.push(10);
            put_u64(out, *part);
            put_u64(out, *table);
        }
        Edit::Branch {
            number,
            name,
            lineage,
            copy,
        } => {
            out.push(11);
            put_u64(out, *number);
            put_str(out, name);
            put_u64(out, lineage.len() as u64);
            for (branch, commit) in lineage {
                put_u64(out, *branch);
                put_u64(out, *commit);
            }
            put_option(out, *copy, |out, copy| {
                put_u64(out, copy.tables);
                out.push(u8::from(copy.rows));
            });
        }
        Edit::DropBranch { number } => {
            out.push(12);
            put_u64(out, *number);
        }
        Edit::Within { branch } => {
            out.push(13);
            put_u64(out, *branch);
        }
    }
}

fn read_edit(r: &mut Reader<'_>) -> Result<Edit> {
    Ok(match r.u8()? {
        1 => Edit::Database {
            name: r.string()?,
            present: flag(r)?,
        },
        2 => Edit::Define {
            table: r.u64()?,
            definition: r.bytes()?.to_vec(),
            reshaped: flag(r)?,
        },
        3 => Edit::Drop { table: r.u64()? },
        4 => Edit::Clear {
            table: r.u64()?,
            partition: r.option(Reader::string)?,
        },
        5 => Edit::AddPart {
            table: r.u64()?,
            info: read_info(r)?,
        },
        6 => Edit::AddRows {
            table: r.u64()?,
            info: read_info(r)?,
            ids: read_ids(r)?,
            rows: r.bytes()?.to_vec(),
        },
        7 => Edit::Swap {
            table: r.u64()?,
            removed: read_ids(r)?,
            added: {
                let n = r.count(9)?;
                (0..n).map(|_| read_info(r)).collect::<Result<_>>()?
            },
        },
        8 => Edit::Put {
            key: r.string()?,
            value: r.option(|r| Ok(r.bytes()?.to_vec()))?,
        },
        9 => Edit::Token {
            token: r.string()?,
            commit: r.u64()?,
        },
        10 => Edit::Counters {
            part: r.u64()?,
            table: r.u64()?,
        },
        11 => Edit::Branch {
            number: r.u64()?,
            name: r.string()?,
            lineage: {
                let n = r.count(2)?;
                (0..n)
                    .map(|_| Ok((r.u64()?, r.u64()?)))
                    .collect::<Result<_>>()?
            },
            copy: r.option(|r| {
                Ok(BranchCopy {
                    tables: r.u64()?,
                    rows: flag(r)?,
                })
            })?,
        },
        12 => Edit::DropBranch { number: r.u64()? },
        13 => Edit::Within { branch: r.u64()? },
        other => {
            return Err(Error::corrupt(format!(
                "an edit with the unknown tag {other} at offset {}",
                r.position() - 1
            )));
        }
    })
}

fn flag(r: &mut Reader<'_>) -> Result<bool> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::corrupt(format!("0 or 1 is expected, found {other}"))),
    }
}

fn put_info(out: &mut Vec<u8>, info: &PartInfo) {
    put_u64(out, info.id);
    put_str(out, &info.partition);
    put_u64(out, u64::from(info.bucket));
    put_u64(out, u64::from(info.level));
    for n in [
        info.min_block,
        info.max_block,
        info.rows,
        info.bytes,
        info.uncompressed_bytes,
    ] {
        put_u64(out, n);
    }
}

fn read_info(r: &mut Reader<'_>) -> Result<PartInfo> {
    let narrow = |n: u64| {
        u32::try_from(n).map_err(|_| Error::corrupt(format!("{n} is no 32-bit number of a part")))
    };
    Ok(PartInfo {
        id: r.u64()?,
        partition: r.string()?,
        bucket: narrow(r.u64()?)?,
        level: narrow(r.u64()?)?,
        min_block: r.u64()?,
        max_block: r.u64()?,
        rows: r.u64()?,
        bytes: r.u64()?,
        uncompressed_bytes: r.u64()?,
    })
}

/// Ids as differences: those of memory parts follow each other.
fn put_ids(out: &mut Vec<u8>, ids: &[u64]) {
    put_u64(out, ids.len() as u64);
    let mut last = 0u64;
    for id in ids {
        let step = id.wrapping_sub(last) as i64;
        put_u64(out, ((step << 1) ^ (step >> 63)) as u64);
        last = *id;
    }
}

fn read_ids(r: &mut Reader<'_>) -> Result<Vec<u64>> {
    let n = r.count(1)?;
    let mut last = 0u64;
    let mut ids = Vec::with_capacity(n);
    for _ in 0..n {
        let step = r.u64()?;
        last = last.wrapping_add(((step >> 1) as i64 ^ -((step & 1) as i64)) as u64);
        ids.push(last);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Record {
        let info = |id| PartInfo {
            id,
            partition: "202401".into(),
            bucket: 3,
            level: 1,
            min_block: 5,
            max_block: u64::MAX,
            rows: 10,
            bytes: 1 << 40,
            uncompressed_bytes: 0,
        };
        Record {
            commit: 77,
            edits: vec![
                Edit::Database {
                    name: "db".into(),
                    present: true,
                },
                Edit::Define {
                    table: 1,
                    definition: vec![1, 2, 3],
                    reshaped: true,
                },
                Edit::Drop { table: 1 },
                Edit::Clear {
                    table: 2,
                    partition: Some("all".into()),
                },
                Edit::AddPart {
                    table: 2,
                    info: info(9),
                },
                Edit::AddRows {
                    table: 2,
                    info: info(10),
                    ids: vec![10, 11, 5, u64::MAX, 0],
                    rows: vec![0; 300],
                },
                Edit::Swap {
                    table: 2,
                    removed: vec![9, 10],
                    added: vec![info(11), info(12)],
                },
                Edit::Put {
                    key: "k".into(),
                    value: Some(vec![]),
                },
                Edit::Token {
                    token: "t".into(),
                    commit: 0,
                },
                Edit::Counters { part: 1, table: 2 },
                Edit::Branch {
                    number: 3,
                    name: "b".into(),
                    lineage: vec![(2, 0), (0, 300)],
                    copy: Some(BranchCopy {
                        tables: 4,
                        rows: true,
                    }),
                },
                Edit::Within { branch: 3 },
                Edit::DropBranch { number: 3 },
            ],
        }
    }

    #[test]
    fn a_record_survives_its_bytes() {
        let record = all();
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes).ok(), Some(record));
        for cut in 0..bytes.len() {
            assert!(Record::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn no_byte_makes_it_panic() {
        let bytes = all().encode();
        for at in 0..bytes.len() {
            for flip in [1u8, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                let _ = Record::decode(&damaged);
            }
        }
    }
}
