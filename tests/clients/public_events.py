"""The public website-events project with its own files: pushed by `tb`, fed by its own generator whose queue
posts push envelopes with curl, its endpoints compared with ClickHouse's, its Grafana dashboard's requests made
by a page on another origin.

    python tests/clients/public_events.py PROJECT [--binary target/debug/roost] [--oracle PYTHON]

PROJECT is a checkout of github.com/tinybirdco/pubsub-website-events-poc. The Python that runs this has
tinybird-cli; PYTHON has chdb. chDB makes the project's tables and views itself and gets the envelopes as our
server stored them, so it rolls up what we rolled up.
"""

import base64
import glob
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
import urllib.parse
from datetime import datetime, timedelta, timezone

from browser import Browser, find
from public_demo import arguments, nodes_of, served

PRODUCTS = ["6cHumpSxTvs", "Fg15LdqpWrs", "Zu7A1GCSjZE", "fSdBxY0NxVI", "xFmXLq_KJxg", "5d0cgAl5BTk", "YY4YaHKh2jQ", "p8Drpg_duLw", "sZzx0cUDX98"]
CATEGORIES = ["shoe", "shirt", "pants", "swimsuit", "backpack"]
BRANDS = ["ASICS", "Fila", "Puma", "Nike", "Adidas", "EastPak"]

ORACLE = """
import json, sys
import chdb.session
work = json.load(sys.stdin)
session = chdb.session.Session()
for statement in work["statements"]:
    session.query(statement)
for name, file in work["tables"].items():
    session.query(f"INSERT INTO {name} SELECT * FROM file('{file}', Native)")
out = []
for q in work["queries"]:
    try:
        out.append(json.loads(str(session.query(q, "JSON")))["data"])
    except Exception as e:
        out.append(str(e)[:300])
print(json.dumps(out))
"""


def rendered(pipe, parameters=None):
    """The pipe as one query, by the client's own template engine."""
    from tinybird.sql_template import render_sql_template

    parts = []
    for name, sql in nodes_of(pipe):
        sql = re.split(r"^TYPE ", sql, flags=re.M)[0]
        if sql.startswith("%"):
            sql = render_sql_template(sql[1:], variables=dict(parameters or {}))[0]
        parts.append((name, sql.strip()))
    ctes = ",\n".join(f"{name} AS ({sql})" for name, sql in parts[:-1])
    return (f"WITH {ctes}\n" if ctes else "") + parts[-1][1]


def statements(project):
    """What makes the project's tables and views in ClickHouse."""
    tables, views = [], []
    for file in glob.glob(os.path.join(project, "datasources", "*.datasource")):
        text = open(file).read()
        schema = re.search(r"SCHEMA >\n(.*?)\n\s*ENGINE", text, re.S)[1]
        schema = re.sub(r"`json:[^`]*`", "", schema)
        option = lambda key: (re.search(rf'{key} "(.*)"', text) or [None, ""])[1]  # noqa: B023, E731
        partition = f" PARTITION BY {option('ENGINE_PARTITION_KEY')}" if option("ENGINE_PARTITION_KEY") else ""
        tables.append(f"CREATE TABLE {name_of(file)} ({schema}) ENGINE = {option('ENGINE')}{partition} ORDER BY ({option('ENGINE_SORTING_KEY')})")
    for file in glob.glob(os.path.join(project, "pipes", "*.pipe")):
        text = open(file).read()
        target = re.search(r"^DATASOURCE (\w+)", text, re.M)
        if target:
            views.append(f"CREATE MATERIALIZED VIEW {name_of(file)}_view TO {target[1]} AS {rendered(text)}")
    return tables + views


def name_of(file):
    return os.path.basename(file).rsplit(".", 1)[0]


def generated(project, count, publish):
    """Runs the project's generator unchanged: its queue is ours, its pauses are none."""

    class Done(Exception):
        pass

    class Client:
        sent = 0

        def topic_path(self, project_id, topic):
            return f"projects/{project_id}/topics/{topic}"

        def publish(self, topic, data):
            publish(topic, data)
            Client.sent += 1
            if Client.sent == count:
                raise Done

    pubsub = types.ModuleType("google.cloud.pubsub_v1")
    pubsub.PublisherClient = Client
    cloud = types.ModuleType("google.cloud")
    cloud.pubsub_v1 = pubsub
    sys.modules.update({"google": types.ModuleType("google"), "google.cloud": cloud, "google.cloud.pubsub_v1": pubsub})
    folder = os.path.join(project, "data-generator")
    before, out, sleep = os.getcwd(), sys.stdout, __import__("time").sleep
    os.chdir(folder)
    random.seed(11)
    __import__("time").sleep = lambda _: None
    sys.stdout = open(os.devnull, "w")
    try:
        runpy.run_path("pubsub_json_generator.py")
    except Done:
        pass
    finally:
        sys.stdout = out
        __import__("time").sleep = sleep
        os.chdir(before)


def envelope(topic, data, number, now):
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    message = {"data": base64.b64encode(data).decode(), "messageId": str(number), "message_id": str(number), "publishTime": stamp, "publish_time": stamp}
    return {"message": message, "subscription": topic.replace("topics", "subscriptions") + "-push"}


def curl(url, token, body):
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "-X", "POST", url, "-H", f"Authorization: Bearer {token}",
                           "-H", "Content-Type: application/json", "-H", "User-Agent: APIs-Google", "--data-binary", "@-"],
                          input=body, capture_output=True, check=True)
    answer, _, status = done.stdout.decode().rpartition("\n")
    return int(status), answer


def feed(common, project, token):
    """The generator's events over the last days, one POST each as the queue pushes them, repeats among them."""
    example = json.load(open(os.path.join(project, "event-object", "event-example.json")))
    dynamic = {"timestamp", "publisher_id", "event", "product", "browser", "environment", "country", "OS", "city"}
    with open(os.path.join(project, "event-object", "event.json"), "w") as f:
        json.dump({k: v for k, v in example.items() if k not in dynamic}, f)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    bodies = []

    def publish(topic, data):
        event = json.loads(data)
        at = now - timedelta(minutes=37 * len(bodies))
        event["timestamp"] = at.isoformat()
        bodies.append(json.dumps(envelope(topic, json.dumps(event).encode(), 9000 + len(bodies), at + timedelta(seconds=len(bodies) % 3))))

    generated(project, 200, publish)
    url = f"{common.API}/v0/events?name=encoded_messages"
    for n, body in enumerate(bodies[:60] + bodies[:2]):
        status, answer = curl(url, token, body.encode())
        assert status in (200, 202) and json.loads(answer) == {"successful_rows": 1, "quarantined_rows": 0}, (n, status, answer)
    status, answer = curl(url, token, "\n".join(bodies[60:]).encode())
    assert json.loads(answer) == {"successful_rows": 140, "quarantined_rows": 0}, answer
    print(f"62 envelopes one by one and 140 in one body, {len(bodies[0])} bytes each")
    return now


def products(path):
    with open(path, "w") as f:
        f.write("product,category,model,brand,price\n")
        for n, product in enumerate(PRODUCTS):
            f.write(f"{product},{CATEGORIES[n % 5]},model {n},{BRANDS[n % 6]},{19 + 7 * n}\n")


def asked(now):
    """Endpoint, its parameters, and the same for the client's renderer, which wants plain times."""
    plain = lambda t: t.strftime("%Y-%m-%d %H:%M:%S")  # noqa: E731
    iso = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"  # noqa: E731
    week, day = now - timedelta(days=3), now - timedelta(days=1)
    sets = []
    for name in ("event_counts", "product_events", "top_products", "hourly_by_product"):
        sets += [(name, {}, {})]
        for brand, category in ((None, None), ("all", "all"), ("Fila", "all"), ("fila", "shirt"), ("all", "shoe")):
            both = {"brand": brand, "category": category} if brand else {}
            times = {"start_time": plain(week), "end_time": plain(day)}
            sets += [(name, {**times, **both}, {**times, **both}), (name, {"start_time": plain(week), **both}, {"start_time": plain(week), **both})]
            # As Grafana writes them, the space behind included.
            grafana = {"start_time": iso(week) + " ", "end_time": iso(day) + " "}
            sets.append((name, {**grafana, **both}, {**times, **both}))
    sets += [("product_events", {"max_events": "3"}, {"max_events": "3"})]
    return sets + [(n, {}, {}) for n in ("api_brand", "api_category", "daily", "hourly")]


def compare(common, project, token, oracle, folder, now):
    tables = {}
    for name in ("encoded_messages", "products"):
        status, body = common.http(common.CLICKHOUSE + "/", f"SELECT * FROM {name} FORMAT Native".encode())
        assert status == 200 and body, (name, status, body)
        tables[name] = os.path.join(folder, f"{name}.native")
        with open(tables[name], "wb") as f:
            f.write(body)
    texts = {name_of(f): open(f).read() for f in glob.glob(os.path.join(project, "*", "*.pipe"))}
    sets = asked(now)
    work = {"tables": tables, "statements": statements(project), "queries": [rendered(texts[n], p) for n, _, p in sets]}
    done = subprocess.run([oracle, "-c", ORACLE], input=json.dumps(work), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = json.loads(done.stdout.strip().splitlines()[-1])
    sort = lambda rows: sorted(json.dumps(r) for r in rows)  # noqa: E731
    rows, wrong = {}, []
    for (name, parameters, _), expected in zip(sets, wanted):
        status, body = common.http(f"{common.API}/v0/pipes/{name}.json?{urllib.parse.urlencode(parameters)}", token=token)
        if isinstance(expected, str):
            assert status == 400, (name, parameters, status, expected)
            continue
        ours = json.loads(body)["data"] if status == 200 else body.decode()
        if status != 200 or sort(ours) != sort(expected):
            wrong.append(f"{name} {parameters}:\n ours {ours[:300]}\n ClickHouse {expected[:3]}")
            continue
        rows.setdefault(name, []).append(len(ours))
    for name, counts in rows.items():
        print(f"{name}: {len(counts)} parameter sets equal, {sum(counts)} rows")
    assert not wrong, "\n".join(wrong)
    # A branch of theirs lacks a parenthesis; both say so.
    status, _ = common.http(f"{common.API}/v0/pipes/event_counts.json?end_time=2024-01-01+00:00:00", token=token)
    assert status == 400, status


# What the JSON API data source of Grafana does in the browser with a panel of the dashboard.
DASHBOARD = """
const board = await (await fetch("/project/dashboard/grafana-dashboard.json")).json();
const from = "FROM", to = "TO", seen = {};
const ask = async (query, values) => {
  const url = new URL("API" + query.urlPath);
  for (const [key, value] of query.params) url.searchParams.append(key, key == "token" ? "TOKEN" : value.replace(/\\$\\{([^}]+)\\}/g, (_, name) => values[name]));
  const answer = await fetch(url, { method: query.method, headers: { "Content-Type": "application/json", "X-Grafana-Org-Id": "1" } });
  if (!answer.ok) throw new Error(url + " " + answer.status + " " + await answer.text());
  const body = await answer.json();
  return query.fields.map((f) => body.data.map((row) => row[f.jsonPath.replace("$.data[*].", "")]));
};
const values = { "__from:date": from, "__to:date": to };
for (const variable of board.templating.list) values[variable.name] = (await ask(variable.query, values))[0];
const options = { brand: values.brand, category: values.category };
values.brand = values.category = "all";
for (const panel of board.panels) seen[panel.title] = await ask(panel.targets[0], values);
return { options, seen };
"""


def dashboard(common, project, token, now):
    program = find()
    if not program:
        return print("the dashboard is skipped: no Chromium here")
    iso = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"  # noqa: E731
    scenario = DASHBOARD.replace("FROM", iso(now - timedelta(days=5))).replace('"TO"', f'"{iso(now)}"')
    scenario = scenario.replace('"API"', f'"{common.API}"').replace('"TOKEN"', f'"{token}"')
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = Browser(program, folder, {"project": project}).run(scenario)
    assert set(found["options"]["brand"]) == set(BRANDS) | {"all"}, found["options"]
    for title, fields in found["seen"].items():
        assert fields and all(len(f) == len(fields[0]) > 0 and None not in f for f in fields), (title, fields)
        print(f"panel {title!r}: {len(fields)} fields of {len(fields[0])} rows")


def main():
    given = arguments(__doc__)
    with served(given.binary) as (folder, common):
        admin = common.admin_token()
        checkout = os.path.join(folder, "project")
        shutil.copytree(given.project, checkout, ignore=shutil.ignore_patterns(".git"))
        project = os.path.join(checkout, "data-project")
        common.tb(project, "auth", "--host", common.API, "--token", admin)
        print(common.tb(project, "push", "--yes"))
        file = os.path.join(folder, "products.csv")
        products(file)
        common.tb(project, "datasource", "append", "products", file)
        now = feed(common, checkout, admin)
        tokens = {t["name"]: t["token"] for t in json.loads(common.http(f"{common.API}/v0/tokens", token=admin)[1])["tokens"]}
        compare(common, project, admin, given.oracle, folder, now)
        status, _ = common.http(f"{common.API}/v0/pipes/daily.json", token=tokens["grafana_read"])
        assert status == 403, status
        dashboard(common, checkout, tokens["grafana_read"], now)
    print("ok")


if __name__ == "__main__":
    main()
