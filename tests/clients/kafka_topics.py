"""Topics in and out: the broker is librdkafka's own mock cluster, in this process.

Covers: `tb connection create kafka`, `tb push` of a data source that reads a topic and of a sink that
writes one; JSON by path into a table and a materialized view; what does not fit, with its bytes; raw
values and headers; a broker that is away at first; offsets that are gone; TLS, PLAIN and SCRAM; kills of the
server in the middle of a topic, after which every message is there once.
"""

import json
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse

import confluent_kafka

from common import API, admin_token, http, tb
from kafka_door import Door

BINARY = os.environ["ROOST_BINARY"]
producer = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
SERVERS = f"{broker.host}:{broker.port}"


def produce(topic, values, key=None, headers=None, partition=None, times=None):
    for at, value in enumerate(values):
        value = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
        where = {} if partition is None else {"partition": partition}
        where |= {"timestamp": times[at]} if times else {}
        producer.produce(topic, value, key=key, headers=headers, **where)
        if at % 1000 == 0:
            producer.poll(0)
    assert producer.flush(30) == 0


def consume(topic, count, seconds=20):
    """What stands in a topic, read by another client."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": SERVERS, "group.id": "reader", "log_level": 0, "auto.offset.reset": "earliest"})
    places = [confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_BEGINNING) for p in consumer.list_topics(topic, timeout=10).topics[topic].partitions]
    consumer.assign(places)
    out, end = [], time.time() + seconds
    while len(out) < count and time.time() < end:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            out.append(message.value())
    consumer.close()
    return out


def wait_for(what, check, seconds=30):
    end = time.time() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.time() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def ask(query, token, api=API):
    status, body = http(f"{api}/v0/sql?" + urllib.parse.urlencode({"q": query + " FORMAT JSONCompact", "token": token}))
    assert status == 200, (status, body)
    return json.loads(body)["data"]


def wait_rows(table, count, token, api=API, seconds=30):
    def there():
        found = int(ask(f"SELECT count() FROM {table}", token, api)[0][0])
        assert found <= count, f"{table} has {found} rows, expected {count}"
        return found == count

    try:
        wait_for(f"{count} rows in {table}", there, seconds)
    except AssertionError:
        print(ask(f"SELECT count() FROM {table}", token, api), ask("SELECT * FROM tinybird.kafka_ops_log ORDER BY timestamp DESC LIMIT 20", token, api))
        raise


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


def source(topic, schema, more=""):
    columns = ",\n".join(f"    {c}" for c in schema)
    return f"""SCHEMA >
{columns}

ENGINE "MergeTree"
ENGINE_PARTITION_KEY "toYYYYMM(__timestamp)"
ENGINE_SORTING_KEY "__timestamp"

KAFKA_CONNECTION_NAME streams
KAFKA_TOPIC {topic}
KAFKA_GROUP_ID roost
KAFKA_AUTO_OFFSET_RESET earliest
{more}"""


CLICKS = ["`id` UInt64 `json:$.id`", "`who` String `json:$.user.name`", "`tags` Array(String) `json:$.tags[:]`", "`price` Float64 `json:$.price` DEFAULT 1"]


def project(folder):
    write(folder, "datasources/clicks.datasource", source("clicks", CLICKS))
    write(folder, "datasources/kept.datasource", source("kept", ["`id` UInt64 `json:$.id`"], "KAFKA_STORE_RAW_VALUE True\nKAFKA_STORE_HEADERS True\n"))
    write(folder, "datasources/by_user.datasource", "SCHEMA >\n    `who` String,\n    `n` AggregateFunction(count)\n\nENGINE \"AggregatingMergeTree\"\nENGINE_SORTING_KEY \"who\"\n")
    write(folder, "pipes/roll_up.pipe", "NODE users\nSQL >\n    SELECT who, countState() AS n FROM clicks GROUP BY who\n\nTYPE materialized\nDATASOURCE by_user\n")
    for name, form in [("out_csv", "csv"), ("out_json", "json")]:
        write(folder, f"pipes/{name}.pipe", f"""NODE rows
SQL >
    SELECT id, who, concat('a "', who, '"\\n,', toString(id)) AS note FROM clicks WHERE id < 20 ORDER BY id

TYPE sink
EXPORT_SERVICE kafka
EXPORT_CONNECTION_NAME streams
EXPORT_KAFKA_TOPIC {name}
EXPORT_SCHEDULE @on-demand
EXPORT_FORMAT {form}
EXPORT_STRATEGY @new
""")


def click(n):
    return {"id": n, "user": {"name": f"u{n % 3}"}, "tags": ["a", f"t{n}"][: n % 3], "price": n / 2}


def run_sink(pipe, token):
    status, body = http(f"{API}/v0/pipes/{pipe}/sink?token={token}", b"", method="POST")
    assert status in (200, 201), (status, body)
    job = json.loads(body)["job"]["job_id"]

    def done():
        state = json.loads(http(f"{API}/v0/jobs/{job}?token={token}")[1])
        return state if state["status"] in ("done", "error") else None

    return wait_for(f"the sink {pipe}", done)


def main():
    token = admin_token()
    produce("clicks", [click(n) for n in range(300)])
    produce("kept", [{"id": 1}, {"id": 2}], key="k1", headers=[("trace", b"\xff\x00x"), ("kind", b"test")])
    with tempfile.TemporaryDirectory() as folder:
        project(folder)
        tb(folder, "auth", "--host", API, "--token", token)
        made = tb(folder, "connection", "create", "kafka", "--bootstrap-servers", SERVERS, "--key", "a", "--secret", "b",
                  "--connection-name", "streams", "--security-protocol", "PLAINTEXT")
        assert "created" in made, made
        assert "streams" in tb(folder, "connection", "ls")
        preview = json.loads(http(f"{API}/v0/connectors/streams/preview?preview_activity=false&token={token}")[1])["preview"]
        assert {"clicks", "kept"} <= {t["topic"] for t in preview}, preview
        sample = json.loads(http(f"{API}/v0/connectors/streams/preview?kafka_topic=kept&token={token}")[1])["preview"]
        assert [m["value"] for m in sample[0]["messages"]] == ['{"id": 1}', '{"id": 2}'], sample
        produce("out_csv", [b"before"], partition=0)
        produce("out_json", [b"before"], partition=0)
        tb(folder, "push", "--yes")

    # What was there, and what comes; the view follows in the same commit.
    wait_rows("clicks", 300, token)
    produce("clicks", [click(n) for n in range(300, 500)])
    wait_rows("clicks", 500, token)
    rows = ask("SELECT id, who, tags, price, __topic, __partition >= 0, __value, __key FROM clicks WHERE id IN (1, 5) ORDER BY id", token)
    assert rows == [[1, "u1", ["a"], 0.5, "clicks", 1, "", ""], [5, "u2", ["a", "t5"], 2.5, "clicks", 1, "", ""]], rows
    assert ask("SELECT who, toUInt32(countMerge(n)) AS c FROM by_user GROUP BY who ORDER BY who", token) == [["u0", 167], ["u1", 167], ["u2", 166]]
    times = ask("SELECT toUInt32(abs(now() - max(__timestamp)) < 600), toUInt32(uniqExact(__partition, __offset)) FROM clicks", token)
    assert times == [[1, 500]], times
    kept = ask("SELECT id, __value, __key, __headers['kind'], hex(__headers['trace']) FROM kept ORDER BY id", token)
    assert kept == [[1, '{"id": 1}', "k1", "test", "FF0078"], [2, '{"id": 2}', "k1", "test", "FF0078"]], kept

    # What does not fit is set aside with its bytes, and nothing stops.
    poison = [b"no json", b'{"id": "x"}', b'{"id": 7} {"id": 8}', b"[1]", b"\xff\xfe\x00", None, {"id": -1}]
    produce("clicks", poison, key="bad")
    produce("clicks", [click(500)])
    wait_rows("clicks", 501, token)
    wait_rows("clicks_quarantine", len(poison), token)
    aside = ask("SELECT hex(__value), c__error_column, __topic FROM clicks_quarantine", token)
    as_hex = [None if p is None else (p if isinstance(p, bytes) else json.dumps(p).encode()).hex().upper() for p in poison]
    assert sorted((a[0] for a in aside), key=str) == sorted(as_hex, key=str), aside
    assert all(a[2] == "clicks" for a in aside) and sum(a[1] == ["id"] for a in aside) == 2, aside

    state = json.loads(http(f"{API}/v0/datasources/clicks?token={token}")[1])["kafka_state"]
    assert state["status"] == "ok" and state["lag"] == 0, state
    def logged():
        found = ask("SELECT toUInt32(sum(processed_messages)), toUInt32(sum(committed_messages)) FROM tinybird.kafka_ops_log WHERE topic = 'clicks' AND msg_type = 'info'", token)
        return found == [[508, 508]]
    wait_for("the operations log", logged)

    # A topic that is not there, then is; another group reads it all once more.
    form = urllib.parse.urlencode({"name": "later", "connector": "streams", "kafka_topic": "later_topic", "kafka_group_id": "g1", "kafka_auto_offset_reset": "earliest"})
    status, body = http(f"{API}/v0/datasources?{form}&token={token}", b"", method="POST")
    assert status == 200, body
    def failing():
        state = json.loads(http(f"{API}/v0/datasources/later?token={token}")[1]).get("kafka_state")
        return state and state["status"] == "error" and "later_topic" in state["error"]
    wait_for("the error of a missing topic", failing)
    wait_for("the error in the log", lambda: ask("SELECT msg FROM tinybird.kafka_ops_log WHERE msg_type = 'error' AND topic = 'later_topic'", token))
    produce("later_topic", [b"one", b"two \xff"])
    wait_rows("later", 2, token)
    assert ask("SELECT hex(__value) FROM later ORDER BY __value", token) == [["6F6E65"], ["74776F20FF"]]

    away(token)
    plain(token)
    builds(token)
    doors(token)
    sinks(token)
    gone()
    kills()
    print("ok")


def away(token):
    """A broker that is not there yet; nothing listens, then something does."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    body = json.dumps({"service": "kafka", "name": "far", "kafka_bootstrap_servers": f"127.0.0.1:{port}", "kafka_security_protocol": "PLAINTEXT"}).encode()
    status, answer = http(f"{API}/v0/connectors?token={token}", body, method="POST", headers={"Content-Type": "application/json"})
    assert status == 200, answer
    form = urllib.parse.urlencode({"name": "afar", "connector": "far", "kafka_topic": "kept", "kafka_group_id": "g", "kafka_auto_offset_reset": "earliest", "schema": "`id` UInt64 `json:$.id`"})
    status, answer = http(f"{API}/v0/datasources?{form}&token={token}", b"", method="POST")
    assert status == 200, answer
    wait_for("the error of a broker that is away", lambda: ask("SELECT msg FROM tinybird.kafka_ops_log WHERE msg_type = 'error' AND msg LIKE '%cannot connect%'", token))

    def forward(a, b):
        while data := a.recv(65536):
            b.sendall(data)

    def listen():
        with socket.create_server(("127.0.0.1", port)) as s:
            while True:
                near, _ = s.accept()
                far = socket.create_connection((broker.host, broker.port))
                for pair in [(near, far), (far, near)]:
                    threading.Thread(target=forward, args=pair, daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    wait_rows("afar", 2, token)


def gone():
    """The broker keeps 5 MB of a partition: what the cursor points at goes while the server is down."""
    with tempfile.TemporaryDirectory() as data:
        server = Own(data)
        server.start()
        server.connect()
        produce("short", [{"id": 0}], partition=0)
        server.read("brief", "short")
        wait_rows("brief", 1, server.token, server.api)
        server.kill()
        produce("short", [{"id": n, "pad": "x" * 900_000} for n in range(1, 13)], partition=0)
        server.start()
        last = "SELECT toUInt32(min(id)), toUInt32(count()) FROM brief WHERE id > 0 HAVING max(id) = 12"
        first = wait_for("the rest of the topic", lambda: ask(last, server.token, server.api))
        assert first[0][0] > 1 and first[0][1] == 13 - first[0][0], first
        warning = "SELECT msg FROM tinybird.kafka_ops_log WHERE msg_type = 'warning' AND partition = 0"
        assert "OFFSET_OUT_OF_RANGE" in wait_for("the warning", lambda: ask(warning, server.token, server.api))[0][0]
        server.kill()


def build(token, files):
    body = b""
    for name, text in files.items():
        body += f'--X\r\nContent-Disposition: form-data; name="data_project://"; filename="{name}"\r\n\r\n{text}\r\n'.encode()
    status, answer = http(f"{API}/v1/build", body + b"--X--\r\n", token, "POST", {"Content-Type": "multipart/form-data; boundary=X"})
    assert status == 200 and json.loads(answer)["result"] == "success", (status, answer)


def builds(token):
    """A build that moves the rows of a data source to another key while its topic is read and written."""
    files = {
        "connections/built.connection": f"TYPE kafka\nKAFKA_BOOTSTRAP_SERVERS {SERVERS}\nKAFKA_SECURITY_PROTOCOL PLAINTEXT\n",
        "datasources/moving.datasource": source("moving", ["`id` UInt64 `json:$.id`"]).replace("streams", "built"),
    }
    produce("moving", [{"id": 0}])
    build(token, files)
    wait_rows("moving", 1, token)
    total = 4000

    def write_all():
        for at in range(1, total, 100):
            produce("moving", [{"id": n} for n in range(at, min(at + 100, total))])
            time.sleep(0.05)

    writer = threading.Thread(target=write_all)
    writer.start()
    for key in ["id", "__offset, id", "__timestamp"]:
        time.sleep(0.6)
        name = "datasources/moving.datasource"
        files[name] = source("moving", ["`id` UInt64 `json:$.id`"]).replace("streams", "built").replace('SORTING_KEY "__timestamp"', f'SORTING_KEY "{key}"')
        build(token, files)
    writer.join()
    wait_rows("moving", total, token)
    time.sleep(1)
    found = ask("SELECT toUInt32(count()), toUInt32(uniqExact(__partition, __offset)), toUInt32(uniqExact(id)) FROM moving", token)
    assert found == [[total] * 3], found


def doors(token):
    """A connection may be encrypted and have a password; a wrong one is told and ends nothing."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls")
    pair = os.path.join(folder, "server.pem"), os.path.join(folder, "server.key")
    with open(os.path.join(folder, "ca.pem")) as f:
        authority = f.read()
    where = (broker.host, broker.port)
    produce("behind", [{"id": n} for n in range(50)])
    cases = [("SASL_PLAINTEXT", "PLAIN", None), ("SASL_PLAINTEXT", "SCRAM-SHA-256", None), ("SASL_SSL", "SCRAM-SHA-512", authority), ("SSL", None, authority),
             ("SASL_SSL", "PLAIN", None), ("SASL_PLAINTEXT", "PLAIN", "wrong"), ("SASL_PLAINTEXT", "SCRAM-SHA-256", "wrong")]
    for at, (protocol, mechanism, more) in enumerate(cases):
        door = Door(where, mechanism, tls=pair if "SSL" in protocol else None)
        connection = {"service": "kafka", "name": f"door{at}", "kafka_bootstrap_servers": f"127.0.0.1:{door.port}", "kafka_security_protocol": protocol,
                      "kafka_sasl_mechanism": mechanism, "kafka_sasl_plain_username": "me", "kafka_sasl_plain_password": "wrong" if more == "wrong" else "secret",
                      "kafka_ssl_ca_pem": more if more == authority else None}
        status, answer = http(f"{API}/v0/connectors?token={token}", json.dumps(connection).encode(), method="POST", headers={"Content-Type": "application/json"})
        assert status == 200 and b"secret" not in answer, answer
        form = urllib.parse.urlencode({"name": f"behind{at}", "connector": f"door{at}", "kafka_topic": "behind", "kafka_group_id": "g", "kafka_auto_offset_reset": "earliest", "schema": "`id` UInt64"})
        status, answer = http(f"{API}/v0/datasources?{form}&token={token}", b"", method="POST")
        assert status == 200, answer
        if at < 4:
            wait_rows(f"behind{at}", 50, token)
            assert mechanism is None or door.let_in > 0
            continue

        def refused():
            state = json.loads(http(f"{API}/v0/datasources/behind{at}?token={token}")[1]).get("kafka_state") or {}
            return state.get("error")

        why = wait_for(f"the error of {protocol} {mechanism}", refused)
        print(f"{protocol} {mechanism}: {why}")
        assert "cannot connect" in why and "secret" not in why, why
        assert http(f"{API}/v0/datasources/behind{at}?token={token}", method="DELETE")[0] in (200, 204)


def plain(token):
    """Where every column is read from the key of its name, JSON goes in as it is: the same must come out."""
    odd = [b'{"id": 1, "who": "a"}', b' {"who":{"x":[1, 2]},"id":2}\n', b'{"id":3,"__offset":77,"__key":"mine"}', b"{}", b'{"id":4}{"id":5}', b'{"id":6,"\\u005f\\u005ftopic":"mine"}', b'{"id":7,"who":5}', b'{"id":"z"}']
    produce("flat", odd, key="k", partition=0)
    produce("early", [{"id": n} for n in range(3)], partition=0, times=[0, 1, 2**45])
    fields = {"name": "flat", "connector": "streams", "kafka_topic": "flat", "kafka_group_id": "g", "kafka_auto_offset_reset": "earliest", "schema": "`id` UInt64, `who` String DEFAULT 'none'"}
    for name, columns in [("flat", fields["schema"]), ("by_path", "`id` UInt64 `json:$.id`, `who` String `json:$.who` DEFAULT 'none', `none` String `json:$.no.such`")]:
        status, body = http(f"{API}/v0/datasources?{urllib.parse.urlencode({**fields, 'name': name, 'schema': columns})}&token={token}", b"", method="POST")
        assert status == 200, body
        wait_rows(name, 6, token)
        wait_rows(name + "_quarantine", 2, token)
        rows = ask(f"SELECT id, who, __topic, toUInt32(__offset), __key FROM {name} ORDER BY __offset", token)
        assert rows == [[1, "a", "flat", 0, "k"], [2, '{"x":[1,2]}', "flat", 1, "k"], [3, "none", "flat", 2, "k"], [0, "none", "flat", 3, "k"], [6, "none", "flat", 5, "k"], [7, "5", "flat", 6, "k"]], rows
    # Times that make little sense do not keep a row out.
    for name, more, expected in [("early", "", [1970, 1970, 2106]), ("early64", ", `__timestamp` DateTime64(3)", [1970, 1970, 2106]), ("early_n", ", `__timestamp` UInt32", [0, 0, 2**32 - 1])]:
        status, body = http(f"{API}/v0/datasources?{urllib.parse.urlencode({**fields, 'name': name, 'kafka_topic': 'early', 'schema': '`id` UInt64' + more})}&token={token}", b"", method="POST")
        assert status == 200, body
        wait_rows(name, 3, token)
        shown = "toUInt32(__timestamp)" if name == "early_n" else "toUInt32(toYear(__timestamp))"
        rows = [r[0] for r in ask(f"SELECT {shown} FROM {name} ORDER BY id", token)]
        assert rows[1:] == expected[1:], (name, rows)
    # The quarantine is tried again: what is no row stays, with its bytes.
    status, body = http(f"{API}/v0/datasources/flat/quarantine/replay?token={token}", b"", method="POST")
    assert status in (200, 201, 202), (status, body)
    time.sleep(1)
    aside = ask("SELECT __value FROM flat_quarantine ORDER BY __offset", token)
    assert aside == [['{"id":4}{"id":5}'], ['{"id":"z"}']], aside
    assert ask("SELECT toUInt32(count()) FROM flat", token) == [[6]]


def sinks(token):
    for pipe in ["out_csv", "out_json"]:
        state = run_sink(pipe, token)
        assert state["status"] == "done" and state["statistics"]["row_count"] == 20, state
    got = sorted(consume("out_csv", 21))
    expected = [b"before"] + [f'{n},"u{n % 3}","a ""u{n % 3}""\n,{n}"'.encode() for n in range(20)]
    assert got == sorted(expected), got
    got = [json.loads(m) for m in consume("out_json", 21) if m != b"before"]
    assert sorted(r["id"] for r in got) == list(range(20)) and got[0]["note"].startswith('a "u'), got
    def logged():
        found = ask("SELECT pipe_name, toUInt32(written_rows), service, result FROM tinybird.sinks_ops_log ORDER BY pipe_name", token)
        return found == [["out_csv", 20, "kafka", "ok"], ["out_json", 20, "kafka", "ok"]]
    wait_for("the log of sinks", logged)
    # A topic that is not there ends the job, and says so.
    status, body = http(f"{API}/v0/pipes?token={token}", json.dumps({"name": "nowhere", "nodes": [{"name": "n", "sql": "SELECT 1 AS a", "type": "sink", "service": "kafka", "connection": "streams", "kafka_topic": "not_there", "format": "json", "schedule_cron": "@on-demand"}]}).encode(), method="POST", headers={"Content-Type": "application/json"})
    assert status == 200, body
    state = run_sink("nowhere", token)
    assert state["status"] == "error" and "not_there" in state["error"], state


class Own:
    """A server of its own, to be killed."""

    def __init__(self, data):
        self.data = data

    def start(self):
        with socket.socket() as a, socket.socket() as b:
            a.bind(("127.0.0.1", 0))
            b.bind(("127.0.0.1", 0))
            ports = a.getsockname()[1], b.getsockname()[1]
        self.process = subprocess.Popen([BINARY, "serve", "--data", self.data, "--port", str(ports[0]), "--clickhouse-port", str(ports[1])],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.api = f"http://127.0.0.1:{ports[0]}"

        def answers():
            try:
                return http(f"{self.api}/tokens")[0] == 200
            except OSError:
                assert self.process.poll() is None, "the server does not start"
                return False

        wait_for("the server", answers)
        self.token = json.loads(http(f"{self.api}/tokens")[1])["workspace_admin_token"]

    def post(self, path, body=b"", **headers):
        status, answer = http(f"{self.api}{path}", body, token=self.token, method="POST", headers=headers)
        assert status == 200, (status, answer)

    def connect(self):
        connection = {"service": "kafka", "name": "streams", "kafka_bootstrap_servers": SERVERS, "kafka_security_protocol": "PLAINTEXT"}
        self.post("/v0/connectors", json.dumps(connection).encode(), **{"Content-Type": "application/json"})

    def read(self, name, topic):
        form = {"name": name, "connector": "streams", "kafka_topic": topic, "kafka_group_id": "g", "kafka_auto_offset_reset": "earliest", "schema": "`id` UInt64 `json:$.id`", "engine_sorting_key": "id"}
        self.post("/v0/datasources?" + urllib.parse.urlencode(form))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def kills():
    """Kills while a topic is read and written: every message is in one of the two tables, once."""
    total, bad_every, kills = 30_000, 97, 8
    chance = random.Random(5)
    with tempfile.TemporaryDirectory() as data:
        server = Own(data)
        server.start()
        server.connect()
        produce("orders", [{"id": 0}])
        server.read("orders", "orders")
        server.post("/v0/datasources?" + urllib.parse.urlencode({"name": "sums", "schema": "`k` UInt8, `c` SimpleAggregateFunction(sum, UInt64), `s` SimpleAggregateFunction(sum, UInt64)", "engine": "AggregatingMergeTree", "engine_sorting_key": "k"}))
        node = {"name": "roll", "nodes": [{"name": "n", "sql": "SELECT toUInt8(id % 4) AS k, toUInt64(count()) AS c, sum(id) AS s FROM orders GROUP BY k", "type": "materialized", "datasource": "sums"}]}
        server.post("/v0/pipes", json.dumps(node).encode(), **{"Content-Type": "application/json"})

        def write_all():
            for at in range(1, total, 500):
                produce("orders", [b"poison %d" % n if n % bad_every == 0 else {"id": n} for n in range(at, min(at + 500, total))])
                time.sleep(0.05)

        writer = threading.Thread(target=write_all)
        writer.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 0.9))
            server.kill()
            server.start()
        writer.join()
        bad = len([n for n in range(1, total) if n % bad_every == 0])
        wait_rows("orders", total - bad, server.token, server.api, 60)
        wait_rows("orders_quarantine", bad, server.token, server.api)
        time.sleep(1)
        found = ask("SELECT toUInt32(count()), toUInt32(uniqExact(__partition, __offset)), toUInt32(uniqExact(id)) FROM orders", server.token, server.api)
        assert found == [[total - bad] * 3], (found, total - bad)
        found = ask("SELECT toUInt32(count()), toUInt32(uniqExact(__value)), toUInt32(uniqExact(__partition, __offset)) FROM orders_quarantine", server.token, server.api)
        assert found == [[bad] * 3], (found, bad)
        view = ask("SELECT k, toUInt32(sum(c)), toUInt64(sum(s)) FROM sums GROUP BY k ORDER BY k", server.token, server.api)
        table = ask("SELECT toUInt8(id % 4) AS k, toUInt32(count()), sum(id) FROM orders GROUP BY k ORDER BY k", server.token, server.api)
        assert view == table, (view, table)
        server.kill()


main()
