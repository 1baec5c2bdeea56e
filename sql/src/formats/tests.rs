//! Bytes against golden files of ClickHouse itself, round trips, broken input.

use std::path::PathBuf;
use std::sync::Arc;

use roost_engine::block::{Block, Field, Schema};
use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::types::{DataType, Value};

use super::{FormatSettings, ResultStats, reader, writer};

fn golden(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/formats")
        .join(file);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn s(text: &str) -> Value {
    Value::string(text)
}

fn pair(key: &str, value: u64) -> (Value, Value) {
    (s(key), Value::UInt(value))
}

type Row = (&'static str, &'static str, [Value; 3]);

/// The rows of the query that the golden files were made with.
#[rustfmt::skip]
fn all_types() -> Block {
    use Value::{Array, Float, Int, Int128, Map, Null, Tuple, UInt, UInt128};
    let rows: Vec<Row> = vec![
        ("u8", "UInt8", [UInt(1), UInt(0), UInt(255)]),
        ("i64", "Int64", [Int(-2), Int(0), Int(9007199254740993)]),
        ("u64", "UInt64", [UInt(u64::MAX), UInt(1), UInt(0)]),
        ("f64", "Float64", [Float(1.5), Float(1e300), Float(f64::NAN)]),
        ("f32", "Float32", [Float(0.1), Float(3.0), Float(f64::NEG_INFINITY)]),
        ("dec", "Decimal(9, 2)", [Int(1230), Int(0), Int(-5)]),
        ("s", "String", [s("a\tb\n\"c\"'d\\/é"), s("plain, text"), s("")]),
        ("fs", "FixedString(4)", [s("ab"), s("wxyz"), s("")]),
        ("d", "Date", [UInt(19782), UInt(65535), UInt(0)]),
        ("dt", "DateTime('UTC')", [UInt(1704164645), UInt(u32::MAX.into()), UInt(0)]),
        ("dt64", "DateTime64(3, 'UTC')", [Int(1704164645678), Int(10413791999000), Int(-1)]),
        ("id", "UUID", [UInt128(0x61f0c404_5cb3_11e7_907b_a6006ad3dba0), UInt128(u128::MAX - 1), UInt128(0)]),
        ("ip4", "IPv4", [UInt(0x01020304), UInt(0xffffffff), UInt(0)]),
        ("ip6", "IPv6", [UInt128(0x20010db8_0000_0000_0000_000000000001), UInt128(0xffff_01020304), UInt128(0)]),
        ("e", "Enum8('x' = 1, 'y' = 2)", [Int(1), Int(1), Int(2)]),
        ("n", "Nullable(Int32)", [Int(7), Int(-1), Null]),
        ("arr", "Array(String)", [Array(vec![s("a"), s("b'")]), Array(vec![s("")]), Array(vec![])]),
        ("t", "Tuple(a UInt8, b String)", [Tuple(vec![UInt(1), s("z")]), Tuple(vec![UInt(9), s("q,\"")]), Tuple(vec![UInt(0), s("")])]),
        ("m", "Map(String, UInt8)", [Map(vec![pair("k", 1)]), Map(vec![pair("a", 2), pair("b", 3)]), Map(vec![])]),
        ("lc", "LowCardinality(String)", [s("low"), s("low"), s("")]),
        ("b", "Bool", [UInt(1), UInt(1), UInt(0)]),
        ("i128", "Int128", [Int128(i128::MIN), Int128(0), Int128(5)]),
    ];
    block(&rows.iter().map(|(n, t, v)| (*n, *t, &v[..])).collect::<Vec<_>>())
}

fn block(columns: &[(&str, &str, &[Value])]) -> Block {
    let (mut fields, mut values) = (Vec::new(), Vec::new());
    for (name, ty, cells) in columns {
        let ty: DataType = ty.parse().unwrap();
        let mut builder = ColumnBuilder::new(&ty, cells.len());
        cells.iter().for_each(|v| builder.push(v).unwrap());
        values.push(Column::Flat(builder.finish()));
        fields.push(Field::new(*name, ty));
    }
    let rows = values.first().map_or(0, Column::len);
    Block::new(Schema::new(fields), values, rows).unwrap()
}

fn settings() -> FormatSettings {
    FormatSettings {
        write_statistics: false,
        ..FormatSettings::default()
    }
}

fn write(
    format: &str,
    blocks: &[Block],
    totals: Option<&Block>,
    stats: &ResultStats,
    settings: &FormatSettings,
) -> Vec<u8> {
    let mut writer = writer(format, settings).unwrap();
    let mut out = Vec::new();
    writer.start(blocks[0].schema(), &mut out).unwrap();
    blocks
        .iter()
        .for_each(|b| writer.block(b, &mut out).unwrap());
    if let Some(totals) = totals {
        writer.totals(totals, &mut out).unwrap();
    }
    writer.finish(stats, &mut out).unwrap();
    out
}

fn simple(format: &str, block: &Block) -> Vec<u8> {
    write(
        format,
        std::slice::from_ref(block),
        None,
        &ResultStats::default(),
        &settings(),
    )
}

#[track_caller]
fn same(format: &str, found: &[u8], expected: &[u8]) {
    assert!(
        found == expected,
        "{format}\n--- found\n{}\n--- expected\n{}\n",
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(expected)
    );
}

const TEXT_FORMATS: &[&str] = &[
    "JSON",
    "JSONCompact",
    "JSONStrings",
    "JSONCompactStrings",
    "JSONEachRow",
    "JSONCompactEachRow",
    "JSONCompactEachRowWithNames",
    "JSONCompactEachRowWithNamesAndTypes",
    "JSONStringsEachRow",
    "JSONObjectEachRow",
    "JSONColumns",
    "JSONCompactColumns",
    "JSONColumnsWithMetadata",
    "JSONCompactStringsEachRow",
    "CSV",
    "CSVWithNames",
    "CSVWithNamesAndTypes",
    "TabSeparated",
    "TabSeparatedWithNames",
    "TabSeparatedWithNamesAndTypes",
    "TabSeparatedRaw",
    "TabSeparatedRawWithNames",
    "Values",
    "Pretty",
    "PrettyCompact",
    "PrettySpace",
    "Vertical",
    "Markdown",
    "TSKV",
    "JSONLines",
    "Null",
];

#[test]
fn every_text_format_writes_what_clickhouse_writes() {
    let block = all_types();
    let mut wrong = Vec::new();
    for format in TEXT_FORMATS {
        let (found, expected) = (simple(format, &block), golden(&format!("{format}.txt")));
        if found != expected {
            wrong.push(*format);
            println!(
                "=== {format}\n--- found\n{}\n--- expected\n{}\n",
                String::from_utf8_lossy(&found),
                String::from_utf8_lossy(&expected)
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn split_blocks_write_the_same_text() {
    let whole = all_types();
    let parts = [whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2)];
    for format in TEXT_FORMATS.iter().chain(&["RowBinary"]) {
        let found = write(format, &parts, None, &ResultStats::default(), &settings());
        same(format, &found, &simple(format, &whole));
    }
}

#[test]
fn binary_formats_write_what_clickhouse_writes() {
    let block = all_types();
    for format in [
        "RowBinary",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
    ] {
        same(
            format,
            &simple(format, &block),
            &golden(&format!("{format}.bin")),
        );
    }
    // ClickHouse wrote each row of the UNION ALL as a block of its own.
    let rows: Vec<Block> = (0..3).map(|i| block.slice(i, 1)).collect();
    let found = write("Native", &rows, None, &ResultStats::default(), &settings());
    same("Native", &found, &golden("Native.bin"));
}

#[test]
fn totals_and_counts_stand_where_clickhouse_puts_them() {
    let rows = block(&[
        ("k", "UInt8", &[Value::UInt(0)]),
        ("s", "UInt64", &[Value::UInt(6)]),
    ]);
    let totals = block(&[
        ("k", "UInt8", &[Value::UInt(0)]),
        ("s", "UInt64", &[Value::UInt(10)]),
    ]);
    let stats = ResultStats {
        rows_before_limit: Some(2),
        ..ResultStats::default()
    };
    for (format, file) in [
        ("JSON", "JSON_totals.txt"),
        ("JSONCompact", "JSONCompact_totals.txt"),
        ("TSV", "TSV_totals.txt"),
        ("CSVWithNames", "CSV_totals.txt"),
        ("PrettyCompact", "Pretty_totals.txt"),
        ("Vertical", "Vertical_totals.txt"),
    ] {
        let found = write(
            format,
            std::slice::from_ref(&rows),
            Some(&totals),
            &stats,
            &settings(),
        );
        same(file, &found, &golden(file));
    }
    let none = block(&[("number", "UInt64", &[])]);
    for (format, file) in [
        ("JSON", "JSON_empty.txt"),
        ("JSONCompact", "JSONCompact_empty.txt"),
        ("PrettyCompact", "Pretty_empty.txt"),
    ] {
        same(file, &simple(format, &none), &golden(file));
    }
}

fn numbers(n: u64) -> Block {
    block(&[(
        "number",
        "UInt64",
        &(0..n).map(Value::UInt).collect::<Vec<_>>(),
    )])
}

#[test]
fn pretty_tables_look_like_clickhouses() {
    let both: Vec<Value> = (0..60).map(|i| Value::UInt(i * 1_000_000)).collect();
    let wide = block(&[
        (
            "number",
            "UInt64",
            &(0..60).map(Value::UInt).collect::<Vec<_>>(),
        ),
        ("x", "UInt64", &both),
    ]);
    same(
        "Pretty_60",
        &simple("PrettyCompact", &wide),
        &golden("Pretty_60.txt"),
    );
    same(
        "PrettySpace_60",
        &simple("PrettySpace", &numbers(60)),
        &golden("PrettySpace_60.txt"),
    );
    let few = FormatSettings {
        pretty_max_rows: 3,
        ..settings()
    };
    let parts = [numbers(5).slice(0, 2), numbers(5).slice(2, 3)];
    let found = write("PrettyCompact", &parts, None, &ResultStats::default(), &few);
    same("Pretty_lim", &found, &golden("Pretty_lim.txt"));
    let one = block(&[("1234567", "UInt32", &[Value::UInt(1234567)])]);
    same(
        "Pretty_one",
        &simple("PrettyCompact", &one),
        &golden("Pretty_one.txt"),
    );
}

#[test]
fn json_settings_change_what_they_name() {
    let rows = numbers(2);
    let array = FormatSettings {
        json_array_of_rows: true,
        ..settings()
    };
    let found = write(
        "JSONEachRow",
        &[rows],
        None,
        &ResultStats::default(),
        &array,
    );
    same("array", &found, &golden("JSONEachRow_array.txt"));
    let found = write(
        "JSONEachRow",
        &[numbers(0)],
        None,
        &ResultStats::default(),
        &array,
    );
    same(
        "empty array",
        &found,
        &golden("JSONEachRow_array_empty.txt"),
    );
}

fn read(format: &str, bytes: &[u8], schema: &Arc<Schema>) -> Block {
    let input = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let mut reader = reader(format, input, schema, &settings()).unwrap();
    let mut blocks = Vec::new();
    while let Some(read) = reader.next().unwrap_or_else(|e| panic!("{format}: {e:?}")) {
        // JSON has no word for NaN: it comes back as a missing value.
        let given = read.absent.iter().all(Option::is_none);
        assert!(given || format.starts_with("JSON"), "{format}");
        blocks.push(read.block);
    }
    Block::concat(Arc::clone(schema), &blocks).unwrap()
}

#[test]
fn what_is_written_reads_back() {
    let block = all_types();
    for format in [
        "TSV",
        "TSVWithNames",
        "TSVWithNamesAndTypes",
        "Values",
        "JSONEachRow",
        "JSONCompactEachRow",
        "JSONCompactEachRowWithNamesAndTypes",
        "Native",
        "RowBinary",
        "RowBinaryWithNames",
        "RowBinaryWithNamesAndTypes",
    ] {
        let found = read(format, &simple(format, &block), block.schema());
        for (i, field) in block.schema().fields.iter().enumerate() {
            // JSON has no word for NaN and infinities.
            if format.starts_with("JSON") && field.ty.is_float() {
                continue;
            }
            for row in 0..3 {
                let (a, b) = (found.column(i).value(row), block.column(i).value(row));
                assert_eq!(
                    format!("{a:?}"),
                    format!("{b:?}"),
                    "{format} {}",
                    field.name
                );
            }
        }
    }
}

#[test]
fn native_blocks_of_clickhouse_read() {
    let expected = all_types();
    let found = read("Native", &golden("Native.bin"), expected.schema());
    assert_eq!(found.rows(), 3);
    let schema = Schema::new(vec![
        Field::new("s", "Nullable(String)".parse().unwrap()),
        Field::new("aa", "Array(Array(UInt16))".parse().unwrap()),
        Field::new("m", "Map(String, Array(UInt8))".parse().unwrap()),
    ]);
    let found = read("Native", &golden("Native_lc.bin"), &schema);
    assert_eq!(found.rows(), 5);
    assert_eq!(found.column(0).value(4), s("1"));
    let ones = Value::Array(vec![Value::UInt(1)]);
    let both = Value::Array(vec![
        ones,
        Value::Array(vec![Value::UInt(2), Value::UInt(3)]),
    ]);
    assert_eq!(found.column(1).value(2), both);
}

#[test]
fn broken_bytes_are_errors() {
    let block = all_types();
    for format in [
        "Native",
        "RowBinary",
        "RowBinaryWithNamesAndTypes",
        "JSONEachRow",
        "TSV",
        "CSV",
        "Values",
    ] {
        let bytes = simple(format, &block);
        for cut in (0..bytes.len()).step_by(3) {
            let mut flipped = bytes.clone();
            flipped[cut] ^= 0x91;
            for input in [bytes[..cut].to_vec(), flipped] {
                let input = Box::new(std::io::Cursor::new(input));
                let Ok(mut reader) = reader(format, input, block.schema(), &settings()) else {
                    continue;
                };
                while let Ok(Some(_)) = reader.next() {}
            }
        }
    }
}

#[test]
fn schemas_are_inferred() {
    let infer = |format: &str, text: &str| -> Vec<String> {
        let input = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let schema = super::infer_schema(format, input, &settings()).unwrap();
        schema
            .fields
            .iter()
            .map(|f| format!("{} {}", f.name, f.ty))
            .collect()
    };
    assert_eq!(
        infer(
            "CSVWithNames",
            "a,b,c,d\n1,x,2024-01-01,1.5\n2,\"\",2024-01-02,3\n"
        ),
        ["a Int64", "b String", "c Date", "d Float64"]
    );
    assert_eq!(
        infer("CSV", "a,b\n1,x\n,y\n"),
        ["a Nullable(Int64)", "b String"]
    );
    assert_eq!(
        infer("TSV", "1\tx\t2024-01-01 10:00:00\n"),
        ["c1 Int64", "c2 String", "c3 DateTime"]
    );
    assert_eq!(
        infer(
            "NDJSON",
            "{\"a\":1,\"b\":[1,2],\"o\":{\"x\":1}}\n{\"a\":2.5,\"b\":[],\"t\":\"2024-01-01\"}"
        ),
        [
            "a Float64",
            "b Array(Int64)",
            "o Nullable(String)",
            "t Nullable(Date)"
        ]
    );
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_reads_back() {
    let block = all_types();
    let bytes = simple("Parquet", &block);
    let found = read("Parquet", &bytes, block.schema());
    for (i, field) in block.schema().fields.iter().enumerate() {
        for row in 0..3 {
            let (a, b) = (found.column(i).value(row), block.column(i).value(row));
            assert_eq!(format!("{a:?}"), format!("{b:?}"), "{}", field.name);
        }
    }
    let input = Box::new(std::io::Cursor::new(bytes));
    let schema = super::infer_schema("Parquet", input, &settings()).unwrap();
    assert_eq!(schema.fields[1], Field::new("i64", DataType::Int64));
}
