"""A made-up table of page views, shaped like the one of ClickBench: many columns, few of them asked for,
values that repeat as they do in life (a few sites, pages and phrases have most of the rows).

    benches/hits.py hits.parquet [--rows 5000000]
"""

import argparse

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# Name, ClickHouse type, DuckDB type.
COLUMNS = [line.split() for line in """
WatchID Int64 BIGINT
JavaEnable Int16 SMALLINT
Title String VARCHAR
GoodEvent Int16 SMALLINT
EventTime DateTime('UTC') TIMESTAMP
EventDate Date DATE
CounterID Int32 INTEGER
ClientIP Int32 INTEGER
RegionID Int32 INTEGER
UserID Int64 BIGINT
CounterClass Int16 SMALLINT
OS Int16 SMALLINT
UserAgent Int16 SMALLINT
URL String VARCHAR
Referer String VARCHAR
IsRefresh Int16 SMALLINT
RefererCategoryID Int16 SMALLINT
ResolutionWidth Int16 SMALLINT
ResolutionHeight Int16 SMALLINT
MobilePhone Int16 SMALLINT
MobilePhoneModel String VARCHAR
TraficSourceID Int16 SMALLINT
SearchEngineID Int16 SMALLINT
SearchPhrase String VARCHAR
AdvEngineID Int16 SMALLINT
WindowClientWidth Int16 SMALLINT
WindowClientHeight Int16 SMALLINT
ClientTimeZone Int16 SMALLINT
IsLink Int16 SMALLINT
IsDownload Int16 SMALLINT
DontCountHits Int16 SMALLINT
Age Int16 SMALLINT
Sex Int16 SMALLINT
Income Int16 SMALLINT
HitColor String VARCHAR
BrowserLanguage String VARCHAR
SocialNetwork String VARCHAR
ParamPrice Int64 BIGINT
OpenstatSource String VARCHAR
UTMSource String VARCHAR
RefererHash Int64 BIGINT
URLHash Int64 BIGINT
CLID Int32 INTEGER
SendTiming Int32 INTEGER
""".strip().splitlines()]

WORDS = ("weather news cheap flights hotel rent car recipe soup best phone case video game free online map city train "
         "time table how to fix door window music lyrics song film watch bank credit house garden tree school test "
         "answer doctor price shop sale winter summer coat shoes dog cat fish river lake").split()


def numbers_of(rng, n, values, skew=1.1):
    """Numbers 0..values, small ones often."""
    u = rng.random(n)
    # The inverse of a bounded power law: cheap, and the tail is long.
    if skew == 1.0:
        return (float(values) ** u).astype(np.int64) - 1
    top = values ** (1 - skew)
    return np.minimum((((top - 1) * u + 1) ** (1 / (1 - skew))).astype(np.int64) - 1, values - 1)


def dictionary(ids, make):
    """A column of strings by their numbers."""
    used, codes = np.unique(ids, return_inverse=True)
    entries = pa.array([make(int(i)) for i in used], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), entries).cast(pa.string())


def mixed(x):
    with np.errstate(over="ignore"):
        x = (x.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        x ^= x >> np.uint64(29)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(32)
    return x


def words(i, least, most):
    state, out = i * 2654435761 + 12345, []
    for _ in range(least + state % (most - least + 1)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        out.append(WORDS[(state >> 33) % len(WORDS)])
    return " ".join(out)


def site(i):
    return f"{WORDS[i % len(WORDS)]}{i // len(WORDS)}.example.{('com', 'ru', 'org')[i % 3]}"


def url(i):
    scheme = "https" if i % 4 else "http"
    host = "www.google.ru" if i % 997 == 5 else site(i % 3000)
    path = "/".join(WORDS[(i * k + k) % len(WORDS)] for k in range(1, 2 + i % 4))
    return f"{scheme}://{host}/{path}/{i}" + (f"?q={WORDS[i % len(WORDS)]}&page={i % 17}" if i % 3 == 0 else ".html")


def title(i):
    return ("Google - " if i % 499 == 7 else "") + words(i, 2, 9).capitalize() + f" | {site(i % 3000)}"


def chunk(rng, n, first):
    """Rows of some days, ordered as nothing in particular."""
    user = numbers_of(rng, n, 900_000, 0.75)
    users = mixed(user).astype(np.int64)
    counter = numbers_of(rng, n, 6000, 1.15)
    page = np.minimum(counter * 60 + numbers_of(rng, n, 400, 1.0), 10 ** 7)
    second = rng.integers(1372636800, 1372636800 + 31 * 86400, n)
    search = rng.random(n) < 0.13
    phrase = np.where(search, numbers_of(rng, n, 800_000, 0.85) + 1, 0)
    has_referer = rng.random(n) < 0.81
    referer = np.where(has_referer, np.where(rng.random(n) < 0.5, page + 7, numbers_of(rng, n, 600_000, 0.95)) + 1, 0)
    phone = np.where(rng.random(n) < 0.08, numbers_of(rng, n, 160, 1.2) + 1, 0)
    small = lambda values, share: np.where(rng.random(n) < share, rng.integers(1, values, n), 0)
    columns = {
        "WatchID": mixed(np.arange(first, first + n) * 3 + 5).astype(np.int64),
        "JavaEnable": (rng.random(n) < 0.8),
        "Title": dictionary(page, title),
        "GoodEvent": np.ones(n),
        "EventTime": second,
        "EventDate": second // 86400,
        "CounterID": counter + 1,
        "ClientIP": mixed(user + 77) % np.uint64(2 ** 31),
        "RegionID": mixed(user) % np.uint64(97) * (mixed(user + 3) % np.uint64(53)) + np.uint64(1),
        "UserID": users,
        "CounterClass": rng.integers(0, 3, n),
        "OS": numbers_of(rng, n, 90, 1.3),
        "UserAgent": numbers_of(rng, n, 60, 1.2),
        "URL": dictionary(page, url),
        "Referer": dictionary(referer, lambda i: url(i - 1) if i else ""),
        "IsRefresh": rng.random(n) < 0.12,
        "RefererCategoryID": small(5000, 0.2),
        "ResolutionWidth": np.array([1024, 1280, 1366, 1440, 1600, 1680, 1920, 2560, 320, 768])[numbers_of(rng, n, 10, 1.0)],
        "ResolutionHeight": np.array([768, 800, 900, 1024, 1050, 1080, 1200, 1440, 480, 600])[numbers_of(rng, n, 10, 1.0)],
        "MobilePhone": np.where(phone > 0, phone % 60 + 1, 0),
        "MobilePhoneModel": dictionary(phone, lambda i: f"{('iPad', 'iPhone', 'GT-I', 'Lumia ', 'One ')[i % 5]}{i // 5}" if i else ""),
        "TraficSourceID": numbers_of(rng, n, 11, 0.9) - 1,
        "SearchEngineID": np.where(search, numbers_of(rng, n, 80, 1.3) + 1, 0),
        "SearchPhrase": dictionary(phrase, lambda i: words(i, 1, 6) + (f" {i % 1000}" if i % 2 else "") if i else ""),
        "AdvEngineID": np.where(rng.random(n) < 0.0065, numbers_of(rng, n, 60, 1.4) + 1, 0),
        "WindowClientWidth": rng.integers(0, 2000, n),
        "WindowClientHeight": rng.integers(0, 1200, n),
        "ClientTimeZone": rng.integers(-12, 13, n) * 60,
        "IsLink": rng.random(n) < 0.06,
        "IsDownload": rng.random(n) < 0.01,
        "DontCountHits": rng.random(n) < 0.1,
        "Age": small(60, 0.5), "Sex": small(3, 0.5), "Income": small(5, 0.4),
        "HitColor": dictionary(rng.integers(0, 4, n), lambda i: "TEDS"[i]),
        "BrowserLanguage": dictionary(numbers_of(rng, n, 30, 1.3), lambda i: f"l{i}"),
        "SocialNetwork": dictionary(small(20, 0.02), lambda i: f"net{i}" if i else ""),
        "ParamPrice": small(100_000, 0.01),
        "OpenstatSource": dictionary(small(300, 0.01), lambda i: f"src{i}" if i else ""),
        "UTMSource": dictionary(small(900, 0.05), lambda i: f"utm_{i}" if i else ""),
        "RefererHash": np.where(referer > 0, mixed(referer), 0).astype(np.int64),
        "URLHash": mixed(page).astype(np.int64),
        "CLID": small(100_000, 0.03),
        "SendTiming": rng.integers(-1, 30_000, n),
    }
    return columns


ARROW = {"Int16": pa.int16(), "Int32": pa.int32(), "Int64": pa.int64(), "String": pa.string()}


def column(values, ty):
    if isinstance(values, pa.Array):
        return values
    if ty == "Date":
        return pa.array(values.astype(np.int32)).cast(pa.date32())
    if ty.startswith("DateTime"):
        return pa.array(values.astype(np.int64)).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("ms", "UTC"))
    return pa.array(values.astype(ARROW[ty].to_pandas_dtype()))


def write(path, rows, seed=1):
    rng, writer, done = np.random.default_rng(seed), None, 0
    while done < rows:
        n = min(500_000, rows - done)
        made = chunk(rng, n, done)
        table = pa.table({name: column(made[name], ty) for name, ty, _ in COLUMNS})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=250_000)
        done += n
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--rows", type=int, default=5_000_000)
    args = parser.parse_args()
    write(args.path, args.rows)
