"""A session of 25 and more commands with the real forward client (PyPI package `tinybird`).

    ROOST_API=… ROOST_CLICKHOUSE_PORT=… python tests/clients/fwd_session.py [--tb PATH]

The client finds the server as its own local one, through TB_LOCAL_HOST and TB_LOCAL_PORT.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import urllib.parse

from common import API, ROOT, http, sql
from session import Session, equal

EXAMPLE = os.path.join(ROOT, "docs", "examples", "ux-personalization")
sys.path.insert(0, EXAMPLE)
from generator import Shop, ndjson  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--tb", default=os.path.join(os.path.dirname(sys.executable), "tb"))
chosen = parser.parse_args()
host, port = API.split("//")[1].split(":")
USER = json.loads(http(f"{API}/tokens")[1])["user_token"]


def get(path, token):
    status, body = http(f"{API}{path}", token=token)
    return json.loads(body) if status == 200 else status


def workspaces():
    return {w["name"]: w["token"] for w in get("/v1/user/workspaces", USER)["workspaces"]}


with tempfile.TemporaryDirectory() as home:
    project = os.path.join(home, "project")
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("*.py", "README.md"))
    tb = Session(chosen.tb, project, env={"TB_LOCAL_HOST": host, "TB_LOCAL_PORT": port, "HOME": home})
    # A pipe is an endpoint only where its file says so.
    for name in ("api_funnel", "api_hours", "api_ranking"):
        path = f"pipes/{name}.pipe"
        tb.write(path, tb.read(path).rstrip() + "\n\nTYPE endpoint\n")
    # The client's own parser wants to read each column of events from a path.
    os.makedirs(os.path.join(project, "fixtures"))
    shutil.move(os.path.join(project, "datasources/fixtures/products.csv"), os.path.join(project, "fixtures/products.csv"))
    events = Shop(seed=3).batch(500)
    tb.write("fixtures/events.ndjson", ndjson(events))

    def token():
        found = [t for n, t in workspaces().items() if n.startswith("Tinybird_Local_Build_")]
        assert found, workspaces()
        return found[0]

    count = lambda table: sql(token(), f"SELECT count() AS c FROM {table} FORMAT JSON")["data"][0]["c"]  # noqa: E731

    tb.run("--version", says="version")
    tb.run("--local", "build", says=["events.datasource created", "api_ranking.pipe created", "completed"],
           check=lambda: (equal(count("events"), 500), equal(count("products") > 0, True)))
    tb.run("--local", "build", says="No changes")
    path = "pipes/api_funnel.pipe"
    good = tb.read(path)
    tb.write(path, good.replace("FROM steps", "FROM not_there"))
    tb.run("--local", "build", says=["api_funnel.pipe", "not_there"], fails=True,
           check=lambda: equal(http(f"{API}/v0/pipes/api_funnel.json", token=token())[0], 200))
    tb.write(path, good.replace("AS buyers", "AS buyers, 7 AS seven"))
    tb.run("--local", "build", says="api_funnel.pipe changed",
           check=lambda: equal(get("/v0/pipes/api_funnel.json", token())["data"][0]["seven"], 7))
    source = tb.read("datasources/events.datasource")
    tb.write("datasources/events.datasource", source.replace("`price` Float32", "`note` String `json:$.note` DEFAULT 'none',\n    `price` Float32"))
    tb.run("--local", "build", says="events.datasource changed",
           check=lambda: equal(sql(token(), "SELECT countIf(note = 'none') AS c FROM events FORMAT JSON")["data"], [{"c": 500}]))
    tb.write("datasources/bad.datasource", "SCHEMA >\n    `a` Nonsense(3)\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"a\"\n")
    tb.run("--local", "build", says=["bad.datasource", "Nonsense"], fails=True)
    os.remove(os.path.join(project, "datasources/bad.datasource"))

    tb.run("--local", "datasource", "ls", says=["events", "500"])
    tb.write("../more.ndjson", ndjson(Shop(seed=4).batch(20)))
    tb.run("--local", "datasource", "append", "events", "--file", "../more.ndjson", check=lambda: equal(count("events"), 520))
    tb.run("--local", "datasource", "append", "events", "--events", '{"event": "view", "customer_id": "a", "product_id": 1}',
           check=lambda: equal(count("events"), 521))
    tb.run("--local", "datasource", "analyze", "../more.ndjson", says="customer_id")
    tb.run("--local", "datasource", "data", "events", says="customer_id")
    tb.run("--local", "datasource", "export", "events", "--format", "csv", "--rows", "5", "--target", os.path.join(home, "out.csv"),
           check=lambda: equal(len(open(os.path.join(home, "out.csv")).read().strip().splitlines()) >= 5, True))
    tb.run("--local", "datasource", "delete", "events", "--sql-condition", "customer_id = 'a'", "--wait", "--yes",
           check=lambda: equal(count("events"), 520))
    tb.run("--local", "datasource", "replace", "events", "../more.ndjson", check=lambda: equal(count("events"), 20))
    tb.run("--local", "datasource", "truncate", "events", "--yes", check=lambda: equal(count("events"), 0))
    tb.run("--local", "datasource", "append", "events", "--file", "fixtures/events.ndjson", check=lambda: equal(count("events"), 500))

    tb.run("--local", "pipe", "ls", says="hourly_demand")
    tb.run("--local", "endpoint", "ls", says=["api_ranking", "api_hours"])
    tb.run("--local", "endpoint", "data", "api_ranking", "--limit", "2", says="/images/")
    tb.run("--local", "endpoint", "url", "api_ranking", says=[API, "api_ranking.json"])
    tb.run("--local", "endpoint", "token", "api_ranking", says="p.")
    tb.run("--local", "endpoint", "stats", "api_ranking", says="api_ranking")
    tb.run("--local", "materialization", "ls", says="hourly_demand")
    tb.write("datasources/daily.datasource", "SCHEMA >\n    `event` String,\n    `n` UInt64\n\nENGINE \"MergeTree\"\nENGINE_SORTING_KEY \"event\"\n")
    tb.write("copies/copy_daily.pipe", "NODE counts\nSQL >\n    SELECT event, count() AS n FROM events GROUP BY event\n\n"
             "TYPE copy\nTARGET_DATASOURCE daily\nCOPY_MODE replace\nCOPY_SCHEDULE @on-demand\n")
    tb.run("--local", "build", says=["daily.datasource created", "copy_daily.pipe created"])
    tb.run("--local", "copy", "ls", says="copy_daily")
    tb.run("--local", "copy", "run", "copy_daily", "--wait", "--yes", check=lambda: equal(count("daily") > 2, True))
    tb.run("--local", "sink", "ls")
    tb.run("--local", "sql", "SELECT count() AS events_seen FROM events", says=["events_seen", "500"])
    tb.run("--local", "sql", "SELECT nothing FROM events", says="nothing", fails=True)
    tb.run("--local", "job", "ls", says="copy")
    job = get("/v0/jobs", token())["jobs"][0]["id"]
    tb.run("--local", "job", "details", job, says=job)
    tb.run("--local", "token", "ls", says=["workspace admin token", "shop_read"])
    tb.run("--local", "token", "create", "static", "reader", "--scope", "PIPES:READ", "--resource", "api_ranking",
           check=lambda: equal(get("/v0/tokens/reader", token())["scopes"][0]["resource"], "api_ranking"))
    tb.run("--local", "token", "rm", "reader", "--yes", check=lambda: equal(get("/v0/tokens/reader", token()), 404))
    tb.run("--local", "secret", "set", "my_key", "one", check=lambda: equal(get("/v0/variables/my_key", token())["name"], "my_key"))
    tb.run("--local", "secret", "ls", says="my_key")
    tb.run("--local", "secret", "rm", "my_key", check=lambda: equal(get("/v0/variables/my_key", token()), 404))
    tb.write("tests/api_hours.yaml", "- name: no_shoes_yet\n  description: An unknown category has no hours\n"
             "  parameters: category=nothing\n  expected_result: ''\n")
    tb.run("--local", "test", "run", says=["no_shoes_yet passed", "1/1 passed"])
    tb.write("tests/api_hours.yaml", "- name: some_shoes\n  description: Not so\n"
             "  parameters: category=nothing\n  expected_result: '{\"hour\":1}'\n")
    tb.run("--local", "test", "run", says="some_shoes", fails=True)
    tb.run("--local", "logs", says="pipe_stats_rt")
    tb.run("--local", "info", says=API)

    # Deployments: checked, live, beside, discarded, promoted.
    tb.run("--local", "deploy", "--check", says="No changes to be deployed")
    tb.write("pipes/extra.pipe", "NODE n\nSQL >\n    SELECT 1 AS one\n\nTYPE endpoint\n")
    tb.run("--local", "deploy", "--check", says="valid", check=lambda: equal(get("/v0/pipes/extra", token()), 404))
    tb.run("--local", "deploy", "--wait", says="live", check=lambda: equal(get("/v0/pipes/extra.json", token())["data"], [{"one": 1}]))
    tb.run("--local", "deployment", "ls", says="Live")
    tb.write("pipes/extra.pipe", "NODE n\nSQL >\n    SELECT 2 AS two\n\nTYPE endpoint\n")
    tb.run("--local", "deployment", "create", "--no-auto", "--wait", says="ready",
           check=lambda: equal(get("/v0/pipes/extra.json", token())["data"], [{"one": 1}]))
    tb.run("--local", "deployment", "discard", "--wait", says="completed")
    tb.run("--local", "deployment", "create", "--no-auto", "--wait", says="ready")
    tb.run("--local", "deployment", "promote", "--wait", says="live",
           check=lambda: equal(get("/v0/pipes/extra.json", token())["data"], [{"two": 2}]))
    os.remove(os.path.join(project, "datasources/daily.datasource"))
    os.remove(os.path.join(project, "copies/copy_daily.pipe"))
    tb.run("--local", "deploy", says="--allow-destructive-operations", fails=True, check=lambda: equal(count("daily") > 2, True))
    tb.run("--local", "deploy", "--allow-destructive-operations", "--wait", check=lambda: equal(get("/v0/datasources/daily", token()), 404))
    tb.run("--local", "workspace", "ls", says="local", fails=True)
    tb.end(least=25)
