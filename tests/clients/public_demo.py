"""The public demo project, pushed and fed by the real client, its ranking compared with ClickHouse's.

    python tests/clients/public_demo.py PROJECT [--binary target/debug/roost] [--oracle PYTHON]

PROJECT is a checkout of github.com/tinybirdco/demo-ux-person. The Python that runs this has
tinybird-cli; PYTHON has chdb. The demo's own rows of articles and purchases are not in its
repository, so rows of the same shape are made here. The endpoint's nodes are rendered by the
client's own template package and run by chDB over the rows that our server gives out.
"""

import argparse
import contextlib
import glob
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

SETS = [
    {},
    {"categ": "shoes"},
    {"categ": "shirts"},
    {"categ": "hats"},
    {"start_minute": "5"},
    {"start_minute": "1", "categ": "shirts"},
    {"start_minute": "0"},
    {"ranking": "clicks"},
    {"ranking": "clicks", "categ": "shirts"},
    {"ranking": "sales", "categ": "shoes", "start_minute": "30"},
]

ORACLE = """
import json, sys
import chdb.session
work = json.load(sys.stdin)
session = chdb.session.Session()
for name, file in work["tables"].items():
    session.query(f"CREATE TABLE {name} ENGINE = Memory AS SELECT * FROM file('{file}', Native)")
print(json.dumps([json.loads(str(session.query(q, "JSON")))["data"] for q in work["queries"]]))
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(binary, data):
    """A server on free ports; its process."""
    api, native = free_port(), free_port()
    os.environ["ROOST_API"] = f"http://127.0.0.1:{api}"
    os.environ["ROOST_CLICKHOUSE_PORT"] = str(native)
    command = [binary, "serve", "--port", str(api), "--clickhouse-port", str(native), "--data", data]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", native)).close()
            return server
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not listen")


@contextlib.contextmanager
def served(binary):
    """A server on a folder of its own while the block runs; the folder and the module `common` for it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = start(os.path.abspath(binary), os.path.join(folder, "data"))
        try:
            import common

            yield folder, common
        finally:
            server.terminate()
            server.wait()


def arguments(doc):
    """What a script that tries a public project is called with."""
    known = argparse.ArgumentParser(description=doc.splitlines()[0])
    known.add_argument("project")
    known.add_argument("--binary", default="target/debug/roost")
    known.add_argument("--oracle", default=sys.executable)
    return known.parse_args()


def lines(rows):
    return "\n".join(json.dumps(r) for r in rows).encode()


def nodes_of(text):
    """Name and SQL of each node of a .pipe file."""
    out = []
    for part in text.split("NODE ")[1:]:
        name, _, rest = part.partition("\n")
        out.append((name.strip(), rest.split("SQL >", 1)[1].strip()))
    return out


def rendered(pipe, parameters):
    """The pipe as one query, by the client's own template engine."""
    from tinybird.sql_template import render_sql_template

    parts = []
    for name, sql in nodes_of(pipe):
        if sql.startswith("%"):
            sql = render_sql_template(sql[1:], variables=dict(parameters))[0]
        parts.append((name, sql.strip()))
    ctes = ",\n".join(f"{name} AS ({sql})" for name, sql in parts[:-1])
    return f"WITH {ctes}\n{parts[-1][1]}"


def feed(common, token, articles):
    """Purchases and clicks by the Events API, articles as a file."""
    rng = random.Random(7)
    post = lambda name, body: common.http(f"{common.API}/v0/events?name={name}&token={token}&wait=false", body)  # noqa: E731
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    sold = [
        {
            "datetime": (now - timedelta(minutes=120) + timedelta(seconds=i)).isoformat(),
            "customer_id": f"{rng.getrandbits(128):032x}",
            "article_id": rng.choice(articles + [1, 2, 3]),
            "price": round(rng.random() * 50, 2),
        }
        for i in range(5000)
    ]
    status, body = post("sales", lines(sold))
    assert status == 202 and json.loads(body) == {"successful_rows": 5000, "quarantined_rows": 0}, (status, body)
    clicked = [
        {"article_id": rng.choice(articles), "timestamp": (now - timedelta(minutes=rng.randrange(10, 300), seconds=7)).isoformat()}
        for _ in range(700)
    ]
    status, body = post("clicks", lines(clicked))
    assert status == 202 and json.loads(body)["quarantined_rows"] == 0, (status, body)


def articles_file(path, schema, articles):
    columns = [line.split("`")[1:3] for line in schema.splitlines() if line.strip().startswith("`")]
    with open(path, "w") as f:
        f.write(",".join(c for c, _ in columns) + "\n")
        for article in articles:
            value = lambda name, ty: str(article) if name == "article_id" else (  # noqa: E731
                f'"{name} of {article}"' if "String" in ty else str(article % 100))
            f.write(",".join(value(c, t) for c, t in columns) + "\n")


def compare(common, token, pipe, oracle, folder):
    tables = {}
    for name in ("sales", "clicks", "articles", "shoes_and_shirts"):
        status, body = common.http(common.CLICKHOUSE + "/", f"SELECT * FROM {name} FORMAT Native".encode())
        assert status == 200 and body, (name, status, body)
        tables[name] = os.path.join(folder, f"{name}.native")
        with open(tables[name], "wb") as f:
            f.write(body)
    queries = [rendered(pipe, s) for s in SETS]
    done = subprocess.run([oracle, "-c", ORACLE], input=json.dumps({"tables": tables, "queries": queries}),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = json.loads(done.stdout.strip().splitlines()[-1])
    sort = lambda rows: sorted(json.dumps(r) for r in rows)  # noqa: E731
    rows = 0
    for parameters, expected in zip(SETS, wanted):
        query = "&".join(f"{k}={v}" for k, v in parameters.items())
        status, body = common.http(f"{common.API}/v0/pipes/api_ranking.json?{query}&token={token}")
        assert status == 200, (parameters, status, body)
        ours = json.loads(body)["data"]
        assert sort(ours) == sort(expected), f"{parameters}:\n ours {ours}\n ClickHouse {expected}"
        rows += len(ours)
        print(f"{len(ours):4} rows equal for {parameters}")
    assert rows > 100, rows


# What the shop's front end does: the ranking as its search page asks for it, a click as its product card sends it.
FRONT_END = """
const ask = async (more) => {
  const answer = await fetch("API/v0/pipes/api_ranking.json?token=TOKEN&limit_prods=50" + more);
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).data.map((p) => ({ ...p, price: { value: p.basic_price }, images: [{ url: p.image }] }));
};
const sales = await ask("&categ=shoes&ranking=sales"), before = await ask("&categ=shoes&ranking=clicks");
const product = sales[sales.length - 1];
const clicked = [];
for (let n = 0; n < 5; n++) {
  const body = JSON.stringify({ timestamp: new Date().toISOString(), article_id: product.partnumber });
  clicked.push(await status("API/v0/events?name=clicks", { method: "POST", body, headers: { Authorization: "Bearer TOKEN" } }));
}
const total = (rows) => Number(rows.find((r) => r.partnumber == product.partnumber)?.total ?? 0);
let after = before;
await until(() => true);
for (let n = 0; n < 100 && total(after) < total(before) + 5; n++) after = await ask("&categ=shoes&ranking=clicks");
return { rows: sales.length, image: product.images[0].url, clicked, before: total(before), after: total(after),
  sales: await status("API/v0/sql?q=SELECT+1+FROM+sales&token=TOKEN") };
"""


def front_end(common, admin):
    """The README's token, and the front end's requests from a page on another origin."""
    from browser import Browser, find

    program = find()
    if not program:
        return print("the front end is skipped: no Chromium here")
    scopes = ["PIPES:READ:api_ranking", "DATASOURCES:READ:clicks", "DATASOURCES:APPEND:clicks"]
    form = urllib.parse.urlencode([("name", "ux_demo"), *(("scope", s) for s in scopes)])
    status, body = common.http(f"{common.API}/v0/tokens/", form.encode(), admin)
    assert status == 200, (status, body)
    scenario = FRONT_END.replace("TOKEN", json.loads(body)["token"]).replace("API", common.API)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        seen = Browser(program, folder, {}).run(scenario)
    assert seen["rows"] > 3 and seen["clicked"] == [202] * 5 and seen["after"] == seen["before"] + 5 and seen["sales"] == 403, seen
    print(f"front end: {seen}")


def main():
    given = arguments(__doc__)
    with served(given.binary) as (folder, common):
        token = common.admin_token()
        project = os.path.join(folder, "project")
        shutil.copytree(given.project, project, ignore=shutil.ignore_patterns(".tinyb", ".diff_tmp", ".git"))
        common.tb(project, "auth", "--host", common.API, "--token", token)
        print(common.tb(project, "push", "--fixtures", "--yes"))
        articles = [r["article_id"] for r in common.sql(token, "SELECT article_id FROM shoes_and_shirts FORMAT JSON")["data"]]
        assert articles, "the fixtures did not arrive"
        feed(common, token, articles)
        file = os.path.join(folder, "articles.csv")
        with open(glob.glob(os.path.join(project, "datasources", "articles.datasource"))[0]) as f:
            articles_file(file, f.read(), articles)
        common.tb(project, "datasource", "append", "articles", file)
        with open(os.path.join(project, "endpoints", "api_ranking.pipe")) as f:
            compare(common, token, f.read(), given.oracle, folder)
        front_end(common, token)
    print("ok")


if __name__ == "__main__":
    main()
