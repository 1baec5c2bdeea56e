"""Tables that both sides build from the same SQL."""

TABLES = [
    """CREATE TABLE t (
        id UInt32, i8 Int8, u16 UInt16, i64 Int64, f64 Float64, s String, lc LowCardinality(String),
        d Date, dt DateTime('UTC'), dt64 DateTime64(3, 'UTC'), n Nullable(Int32), ns Nullable(String),
        a Array(Int32), sa Array(String), b Bool, dec Decimal(12, 3), tup Tuple(Int32, String),
        m Map(String, Int32), u UUID, e Enum8('red' = 1, 'green' = 2, 'blue' = 3), fs FixedString(4)
    ) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY (lc, id)""",
    """INSERT INTO t SELECT
        number, toInt8(number % 200 - 100), toUInt16(number * 7919 % 1000), toInt64(number) * 1000003 - 5000000000,
        (number % 977) / 7, concat('s', toString(number * 104729 % 500)), ['alpha', 'beta', 'gamma', 'delta', ''][number % 5 + 1],
        toDate('2023-01-15') + number % 400, toDateTime('2023-01-15 00:00:00', 'UTC') + number * 977,
        toDateTime64('2023-01-15 00:00:00.000', 3, 'UTC') + number * 13.5, if(number % 7 = 0, NULL, toInt32(number % 50)),
        if(number % 11 = 0, NULL, toString(number % 30)), arrayMap(x -> toInt32(x * number % 10), range(number % 4)),
        arrayMap(x -> concat('e', toString(x)), range(number % 3)), number % 3 = 0, toDecimal64(number % 1000, 3) / 8,
        (toInt32(number % 10), toString(number % 4)), map('k', toInt32(number % 6), 'l', toInt32(number)),
        toUUID(concat(leftPad(toString(number), 8, '0'), '-0000-4000-8000-00000000abcd')), toInt8(number % 3 + 1), toFixedString(toString(number % 9999), 4)
        FROM numbers(20000)""",
    """CREATE TABLE r (id UInt32, k LowCardinality(String), v Int32, w Nullable(Float64)) ENGINE = MergeTree ORDER BY id""",
    """INSERT INTO r SELECT number * 3, ['alpha', 'beta', 'gamma', 'omega'][number % 4 + 1], toInt32(number % 100), if(number % 5 = 0, NULL, number / 4) FROM numbers(3000)""",
]
