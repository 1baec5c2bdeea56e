"""Bad input on every way in: a clear error, the server lives, accepted + quarantined = sent."""

import gzip
import json
import random
import socket
import subprocess
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

from common import API, CLICKHOUSE, CLICKHOUSE_PORT, admin_token, http

TOKEN = admin_token()
RNG = random.Random(5)


def native(statement, body=None, **settings):
    query = dict(settings)
    if body is not None:
        query["query"] = statement
    status, answer = http(f"{CLICKHOUSE}/?" + urllib.parse.urlencode(query), body=statement.encode() if body is None else body)
    return status, answer


def refuses(what, answer, code=None):
    status, body = answer
    assert 400 <= status < 600 and status != 500 or (code and status == 500), (what, status, body[:300])
    text = body.decode(errors="replace")
    if code is not None:
        assert text.startswith(f"Code: {code}."), (what, code, text[:300])
    else:
        assert json.loads(text)["error"], (what, text)


def raw(data, port=None):
    """What the server says to bytes on a socket."""
    port = port or int(urllib.parse.urlparse(API).port)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        out = b""
        try:
            while piece := s.recv(65536):
                out += piece
        except ConnectionError:
            pass
        return out


def tables():
    assert native("CREATE TABLE h (id UInt32, s String, d Date, n Nullable(Float64), a Array(UInt8)) ENGINE = MergeTree ORDER BY id")[0] == 200
    form = {"mode": "create", "name": "events", "format": "ndjson", "engine": "MergeTree", "engine_sorting_key": "id",
            "schema": "`id` UInt32 `json:$.id`, `s` String `json:$.s`, `d` Date `json:$.d`"}
    status, body = http(f"{API}/v0/datasources?token={TOKEN}", body=urllib.parse.urlencode(form).encode())
    assert status == 200, body


def bad_sql():
    for statement, code in [
        ("SELECT", 62), ("SELECT 1 +", 62), ("SELECT (1", 62), ("SELECT 'open", 62), ("SELECT * FROM nowhere", 60), ("SELECT x FROM h", 47),
        ("SELECT f(1)", 46), ("SELECT plus(1)", 42), ("SELECT 'a' + 1", 43), ("SELECT CAST('a' AS Nonsense)", 50), ("SELECT [1, 'a']", 386),
        ("SELECT toDate('x')", 38), ("SELECT 1 WHERE 'a'", 59), ("SELECT count() FROM h GROUP BY", 62), ("SELECT id, count() FROM h", 215),
        ("SELECT sum(id) FROM h WHERE sum(id) > 1", 184), ("SELECT * FROM h ORDER BY 9", 36), ("CREATE TABLE h2 (a Nope) ENGINE = MergeTree ORDER BY a", 50),
        ("CREATE TABLE h3 (a UInt8) ENGINE = Nope", 56), ("ALTER TABLE h DROP COLUMN zz", 10),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, None), ("SELECT " + "1+" * 200000 + "1", None), ("SELECT '" + "\\x" * 10 + "'", None), ("\1\2", 62),
    ]:
        status, body = native(statement)
        text = body.decode(errors="replace")
        if code is None:
            assert status == 200 or text.startswith("Code: "), (statement[:60], text[:200])
        else:
            assert text.startswith(f"Code: {code}."), (statement, code, text[:200])


def bad_http():
    for data in [b"", b"\r\n\r\n", b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v0/events?name=events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", b"A" * 300000,
                 b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort", b"GET /" + b"%" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"]:
        for port in (None, CLICKHOUSE_PORT):
            answer = raw(data, port)
            assert answer == b"" or answer.startswith(b"HTTP/1."), answer[:100]
    for path in ["/v0/nothing", "/v0/pipes/no.json", "/v0/pipes/no.exe", "/v0/datasources/no", "/v0/jobs/no", "/v0/../etc/passwd", "/%00", "/v0/sql?q=SELEC+1"]:
        refuses(path, http(API + path, token=TOKEN))
    for token in ["", "nonsense", "eyJhbGciOiJub25lIn0.e30.", TOKEN[:-1], "p.eyJ1IjogIngifQ.x"]:
        status, body = http(f"{API}/v0/sql?q=SELECT+1", token=token)
        assert status in (401, 403) and json.loads(body)["error"], (token, status, body)


def bad_rows():
    """Rows of which some fit: every one is either stored or in quarantine."""
    good = lambda n: json.dumps({"id": n, "s": "x", "d": "2024-01-01"})
    wrong = ['{"id": "no number", "s": "x", "d": "2024-01-01"}', '{"id": -1, "s": "x", "d": "2024-01-01"}', '{"id": 1, "s": "x", "d": "yesterday"}', '{"id": [1], "s": "x", "d": "2024-01-01"}', "{}"]
    stored = quarantined = 0
    for n in range(20):
        lines = [RNG.choice([good(n), RNG.choice(wrong)]) for _ in range(50)]
        status, body = http(f"{API}/v0/events?name=events&wait=true", body="\n".join(lines).encode(), token=TOKEN)
        answer = json.loads(body)
        assert status in (200, 202) and answer["successful_rows"] + answer["quarantined_rows"] == 50, (status, body)
        stored, quarantined = stored + answer["successful_rows"], quarantined + answer["quarantined_rows"]
    for query, expected in [("events", stored), ("events_quarantine", quarantined)]:
        status, body = http(f"{API}/v0/sql?q=" + urllib.parse.quote(f"SELECT count() AS c FROM {query} FORMAT JSON"), token=TOKEN)
        assert json.loads(body)["data"][0]["c"] == expected, (query, expected, body)
    assert stored and quarantined
    for body in [b"", b"not json", b"{", b"[1,2", b"\xff\xfe", b"{\"id\":" * 20000, b"null", gzip.compress(b"x" * 100)]:
        status, answer = http(f"{API}/v0/events?name=events&wait=true", body=body, token=TOKEN)
        assert status in (200, 202, 400, 422), (body[:20], status, answer)
    bomb = gzip.compress(b"\n" * (1 << 28), 9)
    status, answer = http(f"{API}/v0/events?name=events", body=bomb, token=TOKEN, headers={"Content-Encoding": "gzip"})
    assert status in (400, 413), (status, answer[:200])
    # curl asks first (Expect: 100-continue), so that the refusal comes before the body.
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", "@-", f"{API}/v0/events?name=events&token={TOKEN}"]
    done = subprocess.run(command, input=b"{}\n" * (40 << 20), capture_output=True, timeout=120)
    assert done.stdout == b"413", (done.stdout, done.stderr)


def bad_files():
    """Whole, then damaged at random: an error with a code, and no row of a refused body."""
    select = "SELECT number AS id, 'x' AS s, toDate('2024-01-01') AS d, number / 3 AS n, [1, 2] AS a FROM numbers(500) FORMAT "
    refused = 0
    for name in ["Parquet", "CSV", "TabSeparated", "JSONEachRow", "Native", "RowBinary", "Values", "JSONCompactEachRow", "RowBinaryWithNamesAndTypes"]:
        status, whole = native(select + name)
        assert status == 200, (name, whole)
        for _ in range(40):
            body = bytearray(whole)
            for _ in range(RNG.randrange(1, 6)):
                at = RNG.randrange(len(body))
                kind = RNG.randrange(3)
                if kind == 0:
                    body[at] = RNG.randrange(256)
                elif kind == 1:
                    del body[at:at + RNG.randrange(1, 40)]
                else:
                    body[at:at] = bytes(RNG.randrange(256) for _ in range(RNG.randrange(1, 9)))
                if not body:
                    break
            before = int(native("SELECT count() FROM h")[1])
            status, answer = native(f"INSERT INTO h FORMAT {name}", bytes(body))
            after = int(native("SELECT count() FROM h")[1])
            if status != 200:
                refused += 1
                assert answer.startswith(b"Code: ") and before == after, (name, status, answer[:200], before, after)
    assert refused > 50, refused


def in_parallel():
    """Hostile queries at a small limit beside one that must go on."""
    heavy = ["SELECT groupArray(number) FROM numbers(100000000)", "SELECT count() FROM (SELECT number % 50000000 AS k FROM numbers(100000000) GROUP BY k)",
             "SELECT range(10000000000)", "SELECT repeat('x', 100000000000)", "SELECT a.number FROM numbers(10000000) AS a JOIN numbers(10000000) AS b ON a.number = b.number"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda q: native(q, max_memory_usage=256 << 20, max_execution_time=30), heavy))
        light = list(pool.map(lambda _: native("SELECT sum(number) FROM numbers(1000)"), range(20)))
    for query, (status, body) in zip(heavy, answers):
        assert status != 200 and body.startswith((b"Code: 241.", b"Code: 128.", b"Code: 131.", b"Code: 69.", b"Code: 159.")), (query, status, body[:200])
    assert all(a == (200, b"499500\n") for a in light), light


def main():
    tables()
    for step in (bad_sql, bad_http, bad_rows, bad_files, in_parallel):
        step()
        status, _ = http(f"{API}/health")
        assert status == 200, step.__name__
        assert native("SELECT 1") == (200, b"1\n"), step.__name__
    print("ok")


if __name__ == "__main__":
    main()
