"""clickhouse-connect: a table of all types, a DataFrame in, the same values out."""

import datetime
import decimal
import ipaddress
import uuid

import clickhouse_connect
import pandas as pd

from common import CLICKHOUSE_PORT

client = clickhouse_connect.get_client(host="127.0.0.1", port=CLICKHOUSE_PORT)
assert client.command("SELECT 1 + 1") == 2
client.command("DROP TABLE IF EXISTS everything")
client.command("""
    CREATE TABLE everything (
        id UInt64, b Bool, i8 Int8, i16 Int16, i32 Int32, i64 Int64, u8 UInt8, u16 UInt16, u32 UInt32,
        f32 Float32, f64 Float64, s String, fs FixedString(3), d Date, d32 Date32,
        dt DateTime('UTC'), dt64 DateTime64(3, 'UTC'), u UUID, e8 Enum8('a' = 1, 'b' = 2), e16 Enum16('x' = 1000),
        dec32 Decimal(9, 2), dec64 Decimal(18, 4), dec128 Decimal(38, 6), a Array(Int32), na Array(Nullable(String)),
        t Tuple(Int32, String), m Map(String, Int64), n Nullable(Int32), ns Nullable(String),
        lc LowCardinality(String), lcn LowCardinality(Nullable(String)), ip4 IPv4, ip6 IPv6
    ) ENGINE = MergeTree ORDER BY id""")
utc = datetime.timezone.utc
rows = [
    [i, i % 2 == 0, i - 2, i * 100, -i * 1000, i * 10**12, i, i * 7, i * 70000, i / 2, i / 3, f"s{i}", b"abc",
     datetime.date(2024, 1, 1 + i), datetime.date(1930, 5, 1 + i), datetime.datetime(2024, 5, 6, 7, 8, i, tzinfo=utc),
     datetime.datetime(2024, 5, 6, 7, 8, i, 123000, tzinfo=utc), uuid.UUID(int=i * 10**30 + 7), "ab"[i % 2], "x",
     decimal.Decimal("1.25") * i, decimal.Decimal("1.2345") * i, decimal.Decimal("123456789.654321") * i,
     list(range(i)), [None, "x"][: i % 3], (i, f"t{i}"), {"k": i, "l": i * 2}, None if i % 2 else i,
     None if i % 3 else f"n{i}", ["red", "green"][i % 2], None if i == 1 else "lc",
     ipaddress.IPv4Address(0x0A000001 + i), ipaddress.IPv6Address(i + 1)]
    for i in range(5)
]
names = [r[0] for r in client.query("SELECT name FROM system.columns WHERE table = 'everything' ORDER BY position").result_rows]
client.insert("everything", rows, column_names=names)
back = client.query("SELECT * FROM everything ORDER BY id").result_rows
for sent, got in zip(rows, back):
    for name, a, b in zip(names, sent, got):
        if name == "f32":
            a = pd.Series([a], dtype="float32")[0]
        if isinstance(a, datetime.datetime):
            # The client hands out times in UTC without their zone.
            a = a.replace(tzinfo=None)
        assert a == b, (name, a, b)
assert len(back) == len(rows)

frame = pd.DataFrame({
    "k": pd.Series([1, 2, 3], dtype="int64"), "name": ["a", "b", "c"], "x": [0.5, 1.5, None],
    "at": pd.to_datetime(["2024-01-01 10:00:00", "2024-01-02 11:30:00", "2024-01-03 12:00:01"]),
})
client.command("DROP TABLE IF EXISTS frame")
client.command("CREATE TABLE frame (k Int64, name String, x Nullable(Float64), at DateTime) ENGINE = MergeTree ORDER BY k")
client.insert_df("frame", frame)
answer = client.query_df("SELECT * FROM frame ORDER BY k")
assert list(answer["k"]) == [1, 2, 3] and list(answer["name"]) == ["a", "b", "c"]
assert answer["x"].isna().tolist() == [False, False, True]
assert [str(v)[:19] for v in answer["at"]] == ["2024-01-01 10:00:00", "2024-01-02 11:30:00", "2024-01-03 12:00:01"]

assert client.query("SELECT {a:UInt8} + {b:Int32} AS c, {s:String}", parameters={"a": 1, "b": -5, "s": "it's"}).result_rows == [(-4, "it's")]
try:
    client.query("SELECT nothing FROM nowhere")
    raise SystemExit("an unknown table gave no error")
except clickhouse_connect.driver.exceptions.DatabaseError as e:
    assert "UNKNOWN_TABLE" in str(e), e
total = sum(len(b) for b in client.query("SELECT number FROM numbers(200000)").result_columns)
assert total == 200000
client.command("DROP TABLE everything")
print("ok")
