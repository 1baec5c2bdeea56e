"""A session of 80 and more commands with the real `tb` (tinybird-cli), from an empty server on.

    ROOST_API=… ROOST_CLICKHOUSE_PORT=… python tests/clients/tb_session.py [--tb PATH] [--core]

`--core` is the part that `make test` runs.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse
from datetime import datetime, timedelta, timezone

from common import API, ROOT, admin_token, http, sql
from session import Session, contains, equal, serve_file, wait_until

EXAMPLE = os.path.join(ROOT, "docs", "examples", "ux-personalization")
sys.path.insert(0, EXAMPLE)
from generator import Shop, ndjson  # noqa: E402

HOST = API.split("//")[1]


class World:
    """What the chapters share."""

    def __init__(self, client, folder):
        self.token = admin_token()
        self.user = json.loads(http(f"{API}/tokens")[1])["user_token"]
        self.home = folder
        self.project = os.path.join(folder, "project")
        shutil.copytree(EXAMPLE, self.project, ignore=shutil.ignore_patterns("*.py", "README.md"))
        self.tb = Session(client, self.project)

    def get(self, path, token=None):
        status, body = http(f"{API}{path}", token=token or self.token)
        return status, json.loads(body) if body[:1] in b"{[" and body else body

    def data(self, query, token=None):
        return sql(token or self.token, query + " FORMAT JSON")["data"]

    def count(self, table, token=None):
        return self.data(f"SELECT count() AS c FROM {table}", token)[0]["c"]

    def endpoint(self, name, **parameters):
        query = urllib.parse.urlencode(dict(parameters, token=self.token))
        status, body = http(f"{API}/v0/pipes/{name}.json?{query}")
        return json.loads(body)["data"] if status == 200 else status

    def status(self, path):
        return self.get(path)[0]

    def folder(self, name):
        path = os.path.join(self.home, name)
        os.makedirs(path, exist_ok=True)
        return path


def auth(w):
    tb = w.tb
    tb.run("auth", "--host", API, "--token", "p.wrong", says="Invalid token", fails=True, at=w.folder("nobody"))
    tb.run("auth", "--host", API, "--token", w.token,
           check=lambda: equal(json.loads(tb.read(".tinyb"))["host"], API))
    tb.run("auth", "info", says=[API, "roost"])
    tb.run("auth", "ls", says=API)
    tb.run("auth", "use", API, says=API)
    tb.run("workspace", "current", says="roost")


def init(w):
    tb, folder = w.tb, w.folder("fresh")
    shutil.copy(os.path.join(w.project, ".tinyb"), folder)
    tb.run("init", at=folder, says="datasources",
           check=lambda: contains(str(os.listdir(folder)), "datasources", "pipes", "tests", "requirements.txt"))
    tb.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Alan,1912-06-23\n", at=folder)
    tb.run("init", "--generate-datasources", at=folder, says="people",
           check=lambda: contains(tb.read("datasources/people.datasource", at=folder), "`id`", "`born` Date"))


def push(w):
    tb = w.tb
    tb.run("push", "--dry-run", says="events", check=lambda: equal(w.get("/v0/datasources")[1]["datasources"], []))
    tb.run("push", "--fixtures", "--yes", says=["events", "api_ranking", "products"],
           check=lambda: (equal(len(w.get("/v0/pipes")[1]["pipes"]), 4), equal(w.count("products") > 0, True)))
    tb.run("push", says="already exists")
    events = Shop(seed=3).batch(2000, datetime.now(timezone.utc) - timedelta(minutes=10), step_ms=50)
    tb.write("../events.ndjson", ndjson(events))
    tb.run("datasource", "append", "events", "../events.ndjson",
           check=lambda: (equal(w.count("events"), 2000), equal(w.endpoint("api_ranking", limit=1) != [], True)))


def push_more(w):
    tb = w.tb
    tb.run("push", "--only-changes", never="Running", check=lambda: equal(w.count("events"), 2000))
    path = "datasources/events.datasource"
    text = tb.read(path)
    tb.write(path, text.replace("`price` Float32", "`note` String `json:$.note` DEFAULT 'none',\n    `price` Float32"))
    tb.run("push", path, "--force", "--yes", says="note",
           check=lambda: equal(w.data("SELECT countIf(note = 'none') AS c FROM events"), [{"c": 2000}]))
    pipe = tb.read("pipes/api_funnel.pipe")
    tb.write("pipes/api_funnel.pipe", pipe.replace("AS buyers", "AS buyers, 7 AS seven"))
    tb.run("push", "pipes/api_funnel.pipe", "--force", "--yes", "--no-check",
           check=lambda: equal(w.endpoint("api_funnel")[0]["seven"], 7))
    tb.write("pipes/api_funnel.pipe", pipe)
    tb.run("push", "pipes/api_funnel.pipe", "--force", "--yes", "--no-check",
           check=lambda: equal("seven" in w.endpoint("api_funnel")[0], False))
    tb.write("datasources/daily.datasource", "SCHEMA >\n    `event` String,\n    `n` UInt64,\n"
             "    `note` String DEFAULT 'none'\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"event\"\n")
    tb.write("pipes/copy_daily.pipe", "NODE counts\nSQL >\n    %\n    SELECT event, count() AS n FROM events "
             "WHERE event != {{ String(without, 'x') }} GROUP BY event\n\nTYPE copy\nTARGET_DATASOURCE daily\n"
             "COPY_MODE replace\nCOPY_SCHEDULE 0 0 1 1 *\n")
    tb.run("push", "pipes/copy_daily.pipe", "--push-deps",
           check=lambda: (equal(w.status("/v0/datasources/daily"), 200), equal(w.status("/v0/pipes/copy_daily"), 200)))
    tb.write("datasources/by_event.datasource", "SCHEMA >\n    `event` String,\n    `n` SimpleAggregateFunction(sum, UInt64)\n\n"
             "ENGINE \"AggregatingMergeTree\"\nENGINE_SORTING_KEY \"event\"\n")
    tb.write("pipes/mv_event.pipe", "NODE rolled\nSQL >\n    SELECT event, count() AS n FROM events GROUP BY event\n\n"
             "TYPE materialized\nDATASOURCE by_event\n")
    tb.run("push", "datasources/by_event.datasource", "pipes/mv_event.pipe", "--populate", "--wait",
           check=lambda: equal(w.data("SELECT sum(n) AS n FROM by_event"), [{"n": 2000}]))
    tb.write("pipes/broken.pipe", "NODE n\nSQL >\n    SELECT nothing_like_it FROM events\n\nTYPE endpoint\n")
    tb.run("push", "pipes/broken.pipe", says="nothing_like_it", fails=True,
           check=lambda: equal(w.status("/v0/pipes/broken"), 404))
    os.remove(os.path.join(tb.folder, "pipes/broken.pipe"))
    tb.write("pipes/later.pipe", "NODE n\nSQL >\n    SELECT * FROM comes_later\n")
    tb.run("push", "pipes/later.pipe", says="comes_later not found", check=lambda: equal(w.endpoint("later"), 404))
    tb.run("pipe", "rm", "later", "--yes", check=lambda: equal(w.status("/v0/pipes/later"), 404))
    os.remove(os.path.join(tb.folder, "pipes/later.pipe"))
    other = w.folder("other")
    tb.write("datasources/outside.datasource", "SCHEMA >\n    `a` UInt8\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"a\"\n", at=other)
    tb.run("push", "--folder", other, says="outside", check=lambda: equal(w.status("/v0/datasources/outside"), 200))
    tb.write("tokens/reader.token", "SCOPE PIPES:READ\nRESOURCE api_ranking\n")
    tb.run("push", "tokens/reader.token", check=lambda: equal(w.status("/v0/tokens/reader"), 200))


def files(w):
    tb, pulled = w.tb, w.folder("pulled")
    tb.run("pull", "--auto", "--folder", pulled,
           check=lambda: contains(str([f for _, _, names in os.walk(pulled) for f in names]),
                                  "events.datasource", "api_ranking.pipe"))
    tb.write("datasources/products.datasource", "SCHEMA >\n    `x` UInt8\n", at=pulled)
    tb.run("pull", "--auto", "--folder", pulled, "--force", "--match", "products",
           check=lambda: contains(tb.read("datasources/products.datasource", at=pulled), "`category`"))
    tb.run("diff", "pipes/api_funnel.pipe", never="---")
    tb.write("pipes/api_hours.pipe", tb.read("pipes/api_hours.pipe").replace("ORDER BY hour", "ORDER BY hour DESC"))
    tb.run("diff", "pipes/api_hours.pipe", says="DESC")
    tb.run("check", "pipes/api_ranking.pipe", says="api_ranking")
    tb.write("bad.pipe", "SQL >\n    SELECT 1\n", at=w.folder("odd"))
    tb.run("check", os.path.join(w.folder("odd"), "bad.pipe"), says="after a NODE", fails=True)
    tb.write("loose.pipe", "NODE n\nSQL >\n    select   1 as a,2 as b from   numbers(3) where 1=1\n", at=w.folder("odd"))
    loose = os.path.join(w.folder("odd"), "loose.pipe")
    tb.run("fmt", loose, "--diff", says="select 1 as a, 2 as b", fails=True)
    tb.run("fmt", loose, "--yes", check=lambda: contains(open(loose).read(), "select 1 as a, 2 as b from"))


def dependencies(w):
    w.tb.run("dependencies", says=["events", "api_ranking"])
    w.tb.run("dependencies", "--datasource", "products", says="api_ranking", never="api_hours_x")
    w.tb.run("dependencies", "--pipe", "api_funnel", says="events")


def data_sources(w):
    tb = w.tb
    tb.run("datasource", "ls", says=["events", "products", "2,000"])
    tb.run("datasource", "ls", "--format", "json", says='"name": "events"')
    tb.run("datasource", "ls", "--match", "prod", says="products", never="events")
    tb.write("../items.csv", "id,city,n\n1,Berlin,10\n2,Madrid,20\n3,Berlin,30\n")
    tb.run("datasource", "analyze", "../items.csv", says=["`id`", "`city` String", "Int"])
    tb.run("datasource", "generate", "../items.csv",
           check=lambda: contains(tb.read("datasources/items.datasource"), "`city` String"))
    tb.run("push", "datasources/items.datasource", check=lambda: equal(w.count("items"), 0))
    tb.run("datasource", "append", "items", "../items.csv", says="3", check=lambda: equal(w.count("items"), 3))
    url, server = serve_file("id,city,n\n4,Oslo,40\n5,Rome,50\n")
    tb.run("datasource", "append", "items", f"{url}/more.csv",
           check=lambda: equal(w.data("SELECT sum(n) AS n FROM items"), [{"n": 150}]))
    tb.run("datasource", "analyze", f"{url}/more.csv", says=["`city` String"])
    server.shutdown()
    tb.write("../berlin.csv", "id,city,n\n9,Berlin,1\n")
    tb.run("datasource", "replace", "items", "../berlin.csv", "--sql-condition", "city = 'Berlin'",
           check=lambda: equal(w.data("SELECT id, n FROM items ORDER BY id"), [
               {"id": 2, "n": 20}, {"id": 4, "n": 40}, {"id": 5, "n": 50}, {"id": 9, "n": 1}]))
    tb.run("datasource", "replace", "items", "../items.csv",
           check=lambda: equal(w.data("SELECT sum(n) AS n, count() AS c FROM items"), [{"n": 60, "c": 3}]))
    tb.run("datasource", "delete", "items", "--sql-condition", "id = 1", "--dry-run", says="1",
           check=lambda: equal(w.count("items"), 3))
    tb.run("datasource", "delete", "items", "--sql-condition", "id = 1", "--wait", "--yes",
           check=lambda: equal(w.data("SELECT id FROM items ORDER BY id"), [{"id": 2}, {"id": 3}]))
    tb.run("datasource", "copy", "items", "--sql", "SELECT 7 AS id, 'Paris' AS city, 70 AS n", "--wait",
           check=lambda: equal(w.data("SELECT n FROM items WHERE city = 'Paris'"), [{"n": 70}]))
    tb.write("datasources/items_b.datasource", tb.read("datasources/items.datasource"))
    tb.run("push", "datasources/items_b.datasource", check=lambda: equal(w.count("items_b"), 0))
    tb.run("datasource", "exchange", "items", "items_b", "--yes",
           check=lambda: (equal(w.count("items"), 0), equal(w.count("items_b"), 3)))
    tb.run("datasource", "truncate", "items_b", "--yes", check=lambda: equal(w.count("items_b"), 0))
    tb.run("datasource", "rm", "items_b", "--yes", check=lambda: equal(w.status("/v0/datasources/items_b"), 404))
    os.remove(os.path.join(tb.folder, "datasources/items_b.datasource"))


def data_sources_more(w):
    tb = w.tb
    tb.write("../parts.ndjson", '{"id": 8, "city": "Bern", "n": 80}\n')
    tb.run("datasource", "generate", "../parts.ndjson", says="parts",
           check=lambda: contains(tb.read("datasources/parts.datasource"), "json:$.city"))
    status, rows = http(f"{API}/v0/sql?" + urllib.parse.urlencode({
        "token": w.token, "q": "SELECT 11 AS id, 'Graz' AS city, 110 AS n FORMAT Parquet"}))
    assert status == 200, rows
    with open(os.path.join(w.home, "items.parquet"), "wb") as f:
        f.write(rows)
    tb.run("datasource", "analyze", "../items.parquet", says="`city` String")
    tb.run("push", "datasources/parts.datasource", check=lambda: equal(w.count("parts"), 0))
    tb.run("datasource", "append", "parts", "../items.parquet",
           check=lambda: equal(w.data("SELECT city FROM parts"), [{"city": "Graz"}]))
    tb.run("datasource", "append", "parts", "../parts.ndjson", check=lambda: equal(w.count("parts"), 2))
    tb.run("datasource", "append", "not_there", "../items.csv", says="not_there", fails=True)
    tb.run("datasource", "truncate", "parts", "--yes", "--cascade", check=lambda: equal(w.count("parts"), 0))
    tb.run("datasource", "rm", "by_event", "--yes", check=lambda: equal(w.status("/v0/datasources/by_event"), 404))
    tb.run("datasource", "sync", "parts", "--yes", says="parts", fails=True)
    tb.run("datasource", "connect", "nowhere", "topic_data", "--topic", "t", "--group", "g",
           "--auto-offset-reset", "latest", fails=True, check=lambda: equal(w.status("/v0/datasources/topic_data"), 404))
    tb.run("datasource", "scheduling", "state", "parts", says="parts", fails=True)


def pipes(w):
    tb = w.tb
    tb.run("pipe", "ls", says=["api_ranking", "hourly_demand"])
    tb.run("pipe", "ls", "--format", "json", says='"name": "api_ranking"')
    tb.run("pipe", "generate", "made", "SELECT event, count() AS c FROM events GROUP BY event",
           check=lambda: contains(tb.read("made.pipe"), "NODE", "count()"))
    tb.run("push", "made.pipe", check=lambda: equal(len(w.endpoint("made")) > 2, True))
    tb.run("pipe", "append", "made", "SELECT count() AS kinds FROM endpoint",
           check=lambda: equal(len(w.get("/v0/pipes/made")[1]["nodes"]), 2))
    last = w.get("/v0/pipes/made")[1]["nodes"][-1]["name"]
    tb.run("pipe", "set_endpoint", "made", last, check=lambda: equal(list(w.endpoint("made")[0]), ["kinds"]))
    tb.run("pipe", "unpublish", "made", last, check=lambda: equal(w.endpoint("made"), 404))
    tb.run("pipe", "publish", "made", check=lambda: equal(list(w.endpoint("made")[0]), ["kinds"]))
    tb.run("pipe", "token_read", "api_ranking", says="p.")
    tb.run("pipe", "data", "api_hours", "--format", "json", says='"purchases"')
    tb.run("pipe", "data", "api_ranking", "--format", "csv", "--limit", "2", says="/images/")
    tb.run("pipe", "data", "api_hours", "--query", "SELECT count() AS hours_seen FROM _", says="hours_seen")
    tb.run("pipe", "data", "api_ranking", "--limit", "x", says="Int32", fails=True)
    tb.run("pipe", "populate", "hourly_demand", "--node", "hours", "--truncate", "--wait",
           check=lambda: equal(w.data("SELECT countIfMerge(views) AS v FROM product_hours"),
                               w.data("SELECT countIf(event = 'view') AS v FROM events")))
    tb.run("pipe", "rm", "made", "--yes", check=lambda: equal(w.status("/v0/pipes/made"), 404))


def pipes_more(w):
    tb = w.tb
    kinds = w.data("SELECT uniqExact(event) AS c FROM events")[0]["c"]
    tb.run("pipe", "copy", "run", "copy_daily", "--wait", "--yes", check=lambda: equal(w.count("daily"), kinds))
    tb.run("pipe", "copy", "run", "copy_daily", "--param", "without=view", "--mode", "append", "--wait", "--yes",
           check=lambda: equal(w.count("daily"), 2 * kinds - 1))
    status = lambda: w.get("/v0/pipes/copy_daily")[1]["schedule"]["status"]  # noqa: E731
    tb.run("pipe", "copy", "pause", "copy_daily", check=lambda: equal(status(), "shutdown"))
    tb.run("pipe", "copy", "resume", "copy_daily", check=lambda: equal(status(), "running"))
    tb.write("pipes/sink_daily.pipe", "NODE rows\nSQL >\n    SELECT * FROM daily\n\nTYPE sink\nEXPORT_SERVICE s3\n"
             "EXPORT_CONNECTION_NAME disk\nEXPORT_BUCKET_URI file:///daily\nEXPORT_FILE_TEMPLATE daily\n"
             "EXPORT_FORMAT csv\nEXPORT_SCHEDULE @on-demand\n")
    tb.run("push", "pipes/sink_daily.pipe", "--no-check", check=lambda: equal(w.get("/v0/pipes/sink_daily")[1]["type"], "sink"))
    tb.run("pipe", "sink", "run", "sink_daily", "--wait", "--yes",
           check=lambda: equal(w.get("/v0/jobs?kind=sink")[1]["jobs"][0]["status"], "done"))
    tb.run("pipe", "regression-test", "pipes/api_ranking.pipe", says="api_ranking")
    tb.run("pipe", "stats", "api_ranking", says="api_ranking")
    tb.run("pipe", "stats", "--format", "json", says="api_ranking")
    tb.run("pipe", "unlink", "hourly_demand", "hours",
           check=lambda: equal(w.get("/v0/pipes/hourly_demand")[1]["nodes"][0]["materialized"], None))
    tb.run("push", "pipes/hourly_demand.pipe", "--force", "--yes",
           check=lambda: equal(w.get("/v0/pipes/hourly_demand")[1]["type"], "materialized"))
    tb.write("pipes/roll.pipe", "NODE rolled\nSQL >\n    SELECT event, count() AS n FROM events GROUP BY event\n")
    tb.run("materialize", "pipes/roll.pipe", "rolled_events", "--force-populate", "rolled", typed="\n\n\n\n",
           check=lambda: equal(w.data("SELECT sum(n) AS n FROM rolled_events"), w.data("SELECT count() AS n FROM events")))


def queries(w):
    tb = w.tb
    tb.run("sql", "SELECT count() AS c FROM events", says=["c", "2"])
    tb.run("sql", "SELECT 1 AS a, 'x' AS b", "--format", "csv", says='"a","b"\n1,"x"')
    tb.run("sql", "SELECT 1 AS a", "--format", "json", says='"a": 1')
    tb.run("sql", "SELECT count() AS c FROM products", "--stats", says="Query took")
    tb.run("sql", "--pipe", "pipes/api_ranking.pipe", "--node", "products_of_category", says="shoes")
    tb.run("sql", "SELECT nothing FROM events", says="nothing", fails=True)
    tb.run("sql", "INSERT INTO events VALUES (1)", says="insert", fails=True)


def jobs(w):
    tb = w.tb
    tb.run("job", "ls", says=["populateview", "done"])
    tb.run("job", "ls", "--status", "error", never="done")
    done = next(j for j in w.get("/v0/jobs")[1]["jobs"] if j["status"] == "done")
    tb.run("job", "details", done["id"], says=[done["id"], "done"])
    tb.run("job", "cancel", done["id"], says="cancel", fails=True)
    tb.write("pipes/slow.pipe", "NODE n\nSQL >\n    SELECT toString(max(cityHash64(number))) AS event, 1 AS n FROM numbers(3000000000)\n\n"
             "TYPE copy\nTARGET_DATASOURCE daily\n")
    tb.run("push", "pipes/slow.pipe", "--no-check", check=lambda: equal(w.status("/v0/pipes/slow"), 200))
    tb.run("pipe", "copy", "run", "slow", "--yes", says="v0/jobs/")
    slow = w.get("/v0/jobs?pipe_name=slow")[1]["jobs"][0]["id"]
    over = lambda: w.get(f"/v0/jobs/{slow}")[1]["status"] == "cancelled"  # noqa: E731
    tb.run("job", "cancel", slow, says="cancel", check=lambda: wait_until(over, "the job is cancelled"))


def tokens(w):
    tb = w.tb
    tb.run("token", "ls", says=["workspace admin token", "shop_read"])
    tb.run("token", "ls", "--match", "shop", says="shop_read", never="workspace admin token")
    tb.run("token", "create", "static", "berlin", "--scope", "DATASOURCES:READ", "--resource", "products",
           "--filter", "category = 'shoes'", says="generated",
           check=lambda: equal(w.data("SELECT DISTINCT category FROM products", w.get("/v0/tokens/berlin")[1]["token"]),
                               [{"category": "shoes"}]))
    tb.run("token", "scopes", "berlin", says=["DATASOURCES:READ", "products"])
    before = w.get("/v0/tokens/berlin")[1]["token"]
    tb.run("token", "refresh", "berlin", "--yes",
           check=lambda: equal(w.get("/v0/datasources", token=before)[0], 403))
    text = tb.run("token", "create", "jwt", "visitor", "--ttl", "1h", "--scope", "PIPES:READ", "--resource", "api_ranking",
                  "--fixed-params", "limit=1", says="eyJ")
    jwt = next(word for word in text.split() if word.startswith("eyJ"))
    status, body = http(f"{API}/v0/pipes/api_ranking.json?limit=5", token=jwt)
    assert status == 200 and len(json.loads(body)["data"]) == 1, body
    tb.run("token", "rm", "berlin", "--yes", check=lambda: equal(w.status("/v0/tokens/berlin"), 404))
    tb.run("token", "scopes", "berlin", says="berlin", fails=True)


def tags(w):
    tb = w.tb
    tb.run("tag", "create", "core", check=lambda: equal([t["name"] for t in w.get("/v0/tags")[1]["tags"]], ["core"]))
    path = "pipes/api_ranking.pipe"
    tb.write(path, 'TAGS "core"\n\n' + tb.read(path))
    tb.run("push", path, "--force", "--yes", "--no-check",
           check=lambda: equal(w.get("/v0/tags")[1]["tags"][0]["resources"][0]["name"], "api_ranking"))
    tb.run("tag", "ls", says="core")
    tb.run("tag", "ls", "core", says="api_ranking")
    tb.run("tag", "rm", "core", "--yes", check=lambda: equal(w.get("/v0/tags")[1]["tags"], []))
    tb.write(path, tb.read(path).replace('TAGS "core"\n\n', ""))


def branches(w):
    tb = w.tb
    here = lambda: json.loads(tb.read(".tinyb"))  # noqa: E731
    listed = lambda: [b["name"] for b in w.get("/v0/environments")[1]["environments"]]  # noqa: E731
    tb.run("branch", "ls", never="feature")
    rows = w.count("events")
    tb.run("branch", "create", "feature", "--last-partition", "--wait", says="feature",
           check=lambda: (equal(listed(), ["feature"]), equal(w.count("events", here()["token"]) > 0, True)))
    branch = w.get("/v0/environments")[1]["environments"][0]["token"]
    tb.run("branch", "ls", says="feature")
    tb.run("branch", "current", says="feature")
    tb.write("pipes/only_here.pipe", "NODE n\nSQL >\n    SELECT count() AS c FROM events\n")
    tb.run("push", "pipes/only_here.pipe",
           check=lambda: (equal(w.status("/v0/pipes/only_here"), 404), equal(w.get("/v0/pipes/only_here", branch)[0], 200)))
    tb.run("datasource", "truncate", "events", "--yes",
           check=lambda: (equal(w.count("events", branch), 0), equal(w.count("events"), rows)))
    tb.run("datasource", "copy", "events", "--sql-from-main", "--wait",
           check=lambda: (equal(w.count("events", branch), rows), equal(w.count("events"), rows)))
    tb.run("branch", "datasource", "copy", "events", "--sql", "SELECT * FROM main.events LIMIT 1", "--wait",
           check=lambda: (equal(w.count("events", branch), rows + 1), equal(w.count("events"), rows)))
    tb.run("datasource", "copy", "events", "--sql", "SELECT * FROM main.nosuch", fails=True, says="nosuch")
    tb.run("branch", "use", "main", check=lambda: equal(here()["name"], "roost"))
    tb.run("branch", "rm", "feature", "--yes", check=lambda: (equal(listed(), []), equal(w.count("events"), rows)))
    os.remove(os.path.join(tb.folder, "pipes/only_here.pipe"))


def workspaces(w):
    tb = w.tb
    names = lambda: [x["name"] for x in w.get("/v0/user/workspaces")[1]["workspaces"]]  # noqa: E731
    members = lambda: w.get("/v0/user/workspaces")[1]["workspaces"][0]["members"]  # noqa: E731
    tb.run("workspace", "ls", says=["roost", "admin", "Build"])
    tb.run("workspace", "members", "ls", says="me@localhost")
    tb.run("workspace", "members", "add", "ada@localhost", "--role", "guest", "--user_token", w.user,
           check=lambda: equal(members()[-1]["email"], "ada@localhost"))
    tb.run("workspace", "members", "set-role", "viewer", "ada@localhost", "--user_token", w.user,
           check=lambda: equal(members()[-1]["role"], "viewer"))
    tb.run("workspace", "members", "rm", "ada@localhost", "--user_token", w.user,
           check=lambda: equal(len(members()), 1))
    tb.run("workspace", "create", "second", "--user_token", w.user, check=lambda: equal(names(), ["roost", "second"]))
    tb.run("workspace", "create", "second", "--user_token", w.user, says="already", fails=True)
    tb.run("datasource", "share", "products", "second", "--user_token", w.user, "--yes",
           check=lambda: equal(len(w.get("/v0/datasources/products")[1]["shared_with"]), 1))
    tb.run("workspace", "use", "second", says="second",
           check=lambda: equal(json.loads(tb.read(".tinyb"))["name"], "second"))
    second = json.loads(tb.read(".tinyb"))["token"]
    tb.run("datasource", "ls", says=["shared from: roost", "products"], never="name: events")
    tb.run("sql", "SELECT count() > 0 AS some FROM roost.products", says="1")
    tb.run("sql", "SELECT count() FROM roost.events", says="events", fails=True)
    tb.run("push", "datasources/daily.datasource",
           check=lambda: (equal(w.count("daily", second), 0), equal(w.status("/v0/datasources/daily"), 200)))
    tb.run("workspace", "use", "roost", says="roost")
    tb.run("datasource", "unshare", "products", "second", "--user_token", w.user, "--yes",
           check=lambda: equal(w.get("/v0/sql?q=" + urllib.parse.quote("SELECT 1 FROM roost.products"), second)[0] in (403, 404), True))
    tb.run("workspace", "delete", "second", "--user_token", w.user, "--yes",
           check=lambda: (equal(names(), ["roost"]), equal(w.get("/v0/datasources", second)[0], 403)))


def releases(w):
    """Deployments of what changed in git since the last one."""
    tb = w.tb
    folder = w.folder("git")
    shutil.copy(os.path.join(w.project, ".tinyb"), folder)
    git = lambda *args: subprocess.run(  # noqa: E731
        ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    release = lambda: w.get("/v0/workspace")[1]["release"]  # noqa: E731
    tb.run("release", "ls", never="live")
    tb.run("deploy", "--yes", at=folder, says="release", fails=True)
    tb.write(".gitignore", ".tinyb\n.diff_tmp\n", at=folder)
    tb.write("pipes/from_git.pipe", "NODE n\nSQL >\n    SELECT 1 AS one\n", at=folder)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    first = git("rev-parse", "HEAD")
    tb.run("init", "--override-commit", first, at=folder, typed="y\n", check=lambda: equal(release()["commit"], first))
    tb.write("pipes/from_git.pipe", "NODE n\nSQL >\n    SELECT 2 AS two\n", at=folder)
    git("add", "-A")
    git("commit", "-qm", "two")
    tb.run("deploy", "--dry-run", at=folder, says="from_git", check=lambda: equal(w.status("/v0/pipes/from_git"), 404))
    tb.run("deploy", "--yes", at=folder, says="from_git",
           check=lambda: (equal(w.endpoint("from_git"), [{"two": 2}]), equal(release()["commit"], git("rev-parse", "HEAD"))))
    tb.run("release", "ls", says=["live", release()["semver"]])
    tb.run("release", "create", "--semver", "9.0.0", at=folder, says="NOT_IMPLEMENTED", fails=True)
    tb.run("pipe", "rm", "from_git", "--yes", check=lambda: equal(w.status("/v0/pipes/from_git"), 404))


def connections(w):
    tb = w.tb
    listener = socket.create_server(("127.0.0.1", 0))
    broker = f"127.0.0.1:{listener.getsockname()[1]}"  # the client only wants to connect
    tb.run("connection", "ls", never="broker")
    tb.run("connection", "create", "kafka", "--bootstrap-servers", broker, "--key", "k", "--secret", "s",
           "--connection-name", "broker", "--auto-offset-reset", "latest", "--security-protocol", "PLAINTEXT", typed="\n",
           says="created successfully", check=lambda: equal(w.get("/v0/connectors")[1]["connectors"][0]["name"], "broker"))
    tb.run("connection", "ls", says=["broker", "kafka"])
    tb.run("datasource", "connect", "broker", "from_topic", "--topic", "clicks", "--group", "g1",
           "--auto-offset-reset", "latest", check=lambda: equal(w.get("/v0/datasources/from_topic")[1]["type"], "kafka"))
    tb.run("datasource", "rm", "from_topic", "--yes", check=lambda: equal(w.status("/v0/datasources/from_topic"), 404))
    tb.run("connection", "rm", "broker", check=lambda: equal(w.get("/v0/connectors")[1]["connectors"], []))
    listener.close()


def tests(w):
    tb = w.tb
    tb.run("test", "init", check=lambda: contains(tb.read("tests/default.yaml"), "sql"))
    tb.run("test", "parse", "tests/default.yaml", says="tests/default.yaml")
    tb.write("tests/default.yaml", "- no_negative_price:\n    sql: SELECT * FROM products WHERE price < 0\n"
             "- ranking_is_not_empty:\n    max_bytes_read: null\n    max_time: null\n    sql: SELECT count() AS c FROM _ HAVING c = 0\n"
             "    pipe:\n      name: api_ranking\n      params:\n        limit: 3\n")
    tb.run("test", "run", "-v", says=["no_negative_price", "ranking_is_not_empty", "Pass"], never=["Fail", "Error"])
    tb.write("tests/default.yaml", "- always_wrong:\n    sql: SELECT 1 AS found\n")
    tb.run("test", "run", says=["always_wrong", "Fail"], fails=True)
    os.remove(os.path.join(tb.folder, "tests/default.yaml"))


def last(w):
    tb = w.tb
    tb.run("--version", says="tb, version")
    tb.run("prompt", says="prompt")
    tb.run("workspace", "clear", "--dry-run", "--yes", says="api_ranking",
           check=lambda: equal(w.status("/v0/pipes/api_ranking"), 200))
    tb.run("workspace", "clear", "--yes",
           check=lambda: (equal(w.get("/v0/pipes")[1]["pipes"], []), equal(w.get("/v0/datasources")[1]["datasources"], [])))


ALL = [auth, init, push, push_more, files, dependencies, data_sources, data_sources_more, pipes, pipes_more, queries,
       jobs, tokens, tags, branches, workspaces, releases, connections, tests, last]
CORE = [auth, push, data_sources, queries]

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tb", default=os.path.join(os.path.dirname(sys.executable), "tb"))
    parser.add_argument("--core", action="store_true")
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        world = World(chosen.tb, home)
        for chapter in CORE if chosen.core else ALL:
            if not chosen.only or chapter.__name__ in chosen.only.split(","):
                chapter(world)
        world.tb.end(least=0 if chosen.only else 30 if chosen.core else 80)
