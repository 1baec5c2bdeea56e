//! Parquet in and out.
//!
//! Invariant: memory is bounded by a row group on the way out and by a batch on the way in: input
//! that is not small is spooled to a file that is gone when the reader is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderBuilder, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::ChunkReader;
use roost_engine::block::{Block, Schema};
use roost_engine::err;
use roost_engine::error::{Code, Error, Result};

use super::arrow::{from, to};
use super::conform::Wanted;
use super::{BlockReader, BlockWriter, FormatSettings, ReadBlock, ResultStats};

/// Rows and bytes of a row group, at most about.
const GROUP_ROWS: usize = 1 << 20;
const GROUP_BYTES: usize = 64 << 20;
/// Input up to this size stays in memory.
const SPOOL_FROM: usize = 64 << 20;

struct ParquetWriter {
    compression: Compression,
    writer: Option<(ArrowWriter<Vec<u8>>, Arc<arrow_schema::Schema>)>,
}

pub(super) fn writer(settings: &FormatSettings) -> Box<dyn BlockWriter> {
    let compression = match settings.parquet_compression.as_str() {
        "none" => Compression::UNCOMPRESSED,
        "snappy" => Compression::SNAPPY,
        "lz4" => Compression::LZ4_RAW,
        "gzip" => Compression::GZIP(Default::default()),
        _ => Compression::ZSTD(ZstdLevel::default()),
    };
    Box::new(ParquetWriter {
        compression,
        writer: None,
    })
}

fn broken(e: impl std::fmt::Display) -> Error {
    err!(INCORRECT_DATA, "Parquet: {e}")
}

impl BlockWriter for ParquetWriter {
    fn start(&mut self, schema: &Arc<Schema>, _: &mut Vec<u8>) -> Result<()> {
        let schema = to::schema(schema);
        let properties = WriterProperties::builder()
            .set_compression(self.compression)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties));
        self.writer = Some((writer.map_err(broken)?, schema));
        Ok(())
    }

    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> Result<()> {
        let Some((writer, schema)) = &mut self.writer else {
            return Err(Error::bug("a block before the start of Parquet"));
        };
        writer.write(&to::batch(block, schema)?).map_err(broken)?;
        if writer.in_progress_size() > GROUP_BYTES {
            writer.flush().map_err(broken)?;
        }
        writer.sync().map_err(broken)?;
        out.append(writer.inner_mut());
        Ok(())
    }

    fn finish(&mut self, _: &ResultStats, out: &mut Vec<u8>) -> Result<()> {
        if let Some((writer, _)) = self.writer.take() {
            out.append(&mut writer.into_inner().map_err(broken)?);
        }
        Ok(())
    }
}

enum Batches {
    Memory(ParquetRecordBatchReader),
    File(ParquetRecordBatchReader, Spool),
}

struct ParquetReader {
    batches: Batches,
    schema: Arc<Schema>,
    wanted: Wanted,
    /// Rows that were read.
    rows: usize,
}

/// A file of one reader's input.
struct Spool {
    path: std::path::PathBuf,
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn io(e: std::io::Error) -> Error {
    Error::new(
        Code::CANNOT_READ_FROM_ISTREAM,
        format!("cannot read the data: {e}"),
    )
}

fn spool(start: &[u8], stream: &mut dyn Read) -> Result<(File, Spool)> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("roost-{}-{number}.parquet", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(io)?;
    let spool = Spool { path };
    file.write_all(start).map_err(io)?;
    std::io::copy(stream, &mut file).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok((file, spool))
}

/// The builder over a stream's bytes, in memory or spooled.
fn open<R>(
    mut stream: Box<dyn Read + Send>,
    memory: impl FnOnce(ParquetRecordBatchReaderBuilder<bytes::Bytes>) -> Result<R>,
    file: impl FnOnce(ParquetRecordBatchReaderBuilder<File>, Spool) -> Result<R>,
) -> Result<R> {
    fn builder<T: ChunkReader + 'static>(
        source: T,
    ) -> Result<ArrowReaderBuilder<parquet::arrow::arrow_reader::SyncReader<T>>> {
        ParquetRecordBatchReaderBuilder::try_new(source).map_err(broken)
    }
    let mut start = Vec::new();
    (&mut stream)
        .take(SPOOL_FROM as u64)
        .read_to_end(&mut start)
        .map_err(io)?;
    if start.len() < SPOOL_FROM {
        return memory(builder(bytes::Bytes::from(start))?);
    }
    let (handle, spool) = spool(&start, &mut stream)?;
    file(builder(handle)?, spool)
}

pub(super) fn reader(
    stream: Box<dyn Read + Send>,
    schema: &Arc<Schema>,
    settings: &FormatSettings,
) -> Result<Box<dyn BlockReader>> {
    let rows = settings.max_block_rows.min(65_536);
    let (batches, arrow) = open(
        stream,
        |b| {
            let schema = Arc::clone(b.schema());
            Ok((
                Batches::Memory(b.with_batch_size(rows).build().map_err(broken)?),
                schema,
            ))
        },
        |b, spool| {
            let schema = Arc::clone(b.schema());
            Ok((
                Batches::File(b.with_batch_size(rows).build().map_err(broken)?, spool),
                schema,
            ))
        },
    )?;
    let wanted = Wanted::new(schema, settings);
    Ok(Box::new(ParquetReader {
        batches,
        schema: from::schema(&arrow)?,
        wanted,
        rows: 0,
    }))
}

impl BlockReader for ParquetReader {
    fn next(&mut self) -> Result<Option<ReadBlock>> {
        let batch = match &mut self.batches {
            Batches::Memory(reader) => reader.next(),
            Batches::File(reader, _spool) => reader.next(),
        };
        match batch {
            None => Ok(None),
            Some(Err(e)) => Err(broken(e).context(format!("behind row {}", self.rows))),
            Some(Ok(batch)) => {
                self.rows += batch.num_rows();
                self.wanted
                    .take(&from::block(&batch, &self.schema)?)
                    .map(Some)
            }
        }
    }
}

/// The schema that a file of Parquet has.
pub(super) fn infer(stream: Box<dyn Read + Send>) -> Result<Arc<Schema>> {
    let arrow = open(
        stream,
        |b| Ok(Arc::clone(b.schema())),
        |b, _| Ok(Arc::clone(b.schema())),
    )?;
    from::schema(&arrow)
}
