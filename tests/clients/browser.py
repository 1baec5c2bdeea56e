"""Pages on another origin, in a real browser, with tokens that can do nothing else: the dashboard of
website-events, the shop of ux-personalization, the display of in-store.

    python tests/clients/browser.py [--binary target/debug/roost]          (or: make browser)

Needs Chromium or Chrome in PATH (or its path in CHROMIUM); without it says so and ends well.
"""

import argparse
import http.server
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
from datetime import datetime, timedelta, timezone

from public_demo import served

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "docs", "examples")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]

# The page under test runs in a frame of its own origin; the scenario looks into it and says what it saw.
DRIVER = """<!doctype html><iframe id="page" width="1000" height="800"></iframe><script type="module">
const frame = document.getElementById("page");
const doc = () => frame.contentDocument;
const open = (url) => new Promise((done) => { frame.onload = done; frame.src = url; });
const text = (id) => doc()?.getElementById(id)?.textContent ?? "";
const rows = (id) => [...doc().querySelectorAll(`#${id} tr`)].map((r) => [...r.children].map((c) => c.textContent));
const items = (id) => [...doc().querySelectorAll(`#${id} li`)].map((i) => i.textContent);
const until = async (what, ms = 20000) => {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((r) => setTimeout(r, 20))) {
    try { const is = what(); if (is) return is; } catch (e) { window.last = e; }
  }
  throw new Error(`timeout: ${what} ${window.last ?? ""} state: ${text("state")}`);
};
const tell = (body) => fetch("/tell", { method: "POST", body: JSON.stringify(body) });
const status = async (url, options) => (await fetch(url, options)).status;
try { await tell({ result: await (async () => { SCENARIO })() }); } catch (e) { await tell({ error: String(e) }); }
</script>"""


def find():
    given = os.environ.get("CHROMIUM")
    return given or next((p for n in ("chromium", "chromium-browser", "google-chrome", "chrome") if (p := shutil.which(n))), None)


class Browser:
    """A static server on an origin of its own, and a browser that is sent there."""

    def __init__(self, program, folder, sites):
        self.program, self.folder, self.told, self.page = program, folder, queue.Queue(), ""
        browser = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = urllib.parse.urlsplit(self.path).path
                site, _, rest = path.lstrip("/").partition("/")
                if path == "/driver":
                    return self.answer(200, browser.page.encode(), "text/html")
                file = os.path.normpath(os.path.join(sites.get(site, "/nowhere"), rest))
                if site not in sites or not file.startswith(sites[site]) or not os.path.isfile(file):
                    return self.answer(404, b"", "text/plain")
                with open(file, "rb") as f:
                    self.answer(200, f.read(), "text/html" if file.endswith(".html") else "application/json")

            def do_POST(self):
                browser.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(204, b"", "text/plain")

            def answer(self, status, body, kind):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        # The API is on 127.0.0.1: another host and another port.
        self.origin = f"http://localhost:{self.server.server_port}"

    def run(self, scenario, told=lambda _: None, seconds=90):
        """Runs a scenario's JavaScript; `told` hears what it tells on the way."""
        self.page = DRIVER.replace("SCENARIO", scenario)
        profile = tempfile.mkdtemp(dir=self.folder)
        process = subprocess.Popen([self.program, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", f"{self.origin}/driver"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                said = self.told.get(timeout=seconds)
                if "error" in said:
                    raise AssertionError(said["error"])
                if "result" in said:
                    return said["result"]
                told(said)
        finally:
            process.terminate()
            process.wait(timeout=20)


def tokens(common, admin):
    return {t["name"]: t["token"] for t in json.loads(common.http(f"{common.API}/v0/tokens", token=admin)[1])["tokens"]}


def send(common, name, rows, token):
    status, body = common.http(f"{common.API}/v0/events?name={name}&wait=true", "\n".join(json.dumps(r) for r in rows).encode(), token)
    assert status == 200 and json.loads(body)["quarantined_rows"] == 0, (status, body)


def generator(example):
    import importlib.util

    spec = importlib.util.spec_from_file_location(example.replace("-", "_"), os.path.join(EXAMPLES, example, "generator.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dashboard(browser, common, admin):
    """Counts, ranking and hours as the endpoints have them; what the token may not do is refused."""
    pairs = list(generator("website-events").envelopes(500))
    send(common, "envelopes", [e for _, e in pairs], tokens(common, admin)["queue_push"])
    token = tokens(common, admin)["dashboard"]
    seen = browser.run(f"""
        await open("/website-events/dashboard.html#host={common.API}&token={token}");
        await until(() => text("state") == "ready");
        const all = rows("top_products");
        doc().getElementById("category").value = "shoe";
        doc().getElementById("category").onchange();
        await until(() => rows("top_products").slice(1).every((r) => r[1] == "shoe"));
        const headers = {{ Authorization: "Bearer {token}" }};
        return {{
          counts: rows("event_counts"), all, shoes: rows("top_products"), hours: rows("hourly_by_product").length,
          sql: await status("{common.API}/v0/sql?q=SELECT+1+FROM+envelopes", {{ headers }}),
          append: await status("{common.API}/v0/events?name=envelopes", {{ method: "POST", body: "{{}}", headers }}),
          none: await status("{common.API}/v0/pipes/event_counts.json"),
        }};""")
    kinds = {}
    for event, _ in pairs:
        if event:
            kinds[event["event"]] = kinds.get(event["event"], 0) + 1
    assert {r[0]: int(r[1]) for r in seen["counts"][1:]} == kinds, (seen["counts"], kinds)
    assert len(seen["all"]) == 6 and len(seen["shoes"]) > 1 and seen["hours"] > 10, seen
    assert (seen["sql"], seen["append"], seen["none"]) == (403, 403, 403), seen
    return f"{kinds}, {seen['hours'] - 1} hours, refused: {seen['sql']} {seen['append']} {seen['none']}"


def shop(browser, common, admin):
    """A click on a product is an event, and the ranking that follows counts it."""
    start_at = datetime.now(timezone.utc) - timedelta(minutes=5)
    send(common, "events", generator("ux-personalization").Shop(3).batch(300, start_at, 10), admin)
    form = urllib.parse.urlencode([("name", "shop_page"), ("scope", "PIPES:READ:api_ranking"), ("scope", "DATASOURCES:APPEND:events")])
    status, body = common.http(f"{common.API}/v0/tokens/", form.encode(), admin)
    assert status == 200, body
    token = json.loads(body)["token"]
    seen = browser.run(f"""
        await open("/ux-personalization/shop.html#host={common.API}&token={token}");
        await until(() => text("state") == "ready" && items("ranking").length > 2);
        const before = items("ranking");
        for (let n = 0; n < 3; n++) {{
          const total = () => Number(items("ranking").find((i) => i.startsWith(before[1].split(":")[0])).split(": ")[1]);
          const was = total();
          [...doc().querySelectorAll("#ranking li")].find((i) => i.textContent.startsWith(before[1].split(":")[0])).click();
          await until(() => text("state") == "ready" && total() == was + 1);
        }}
        const headers = {{ Authorization: "Bearer {token}" }};
        return {{ before, after: items("ranking"), sql: await status("{common.API}/v0/sql?q=SELECT+1+FROM+events", {{ headers }}) }};""")
    assert seen["before"] != seen["after"] and seen["sql"] == 403, seen
    return f"{seen['before'][1]} -> {next(i for i in seen['after'] if i.split(':')[0] == seen['before'][1].split(':')[0])}"


def display(browser, common, admin):
    """A customer who comes near is on the display within a second."""
    module, now = generator("in-store"), datetime.now(timezone.utc)
    send(common, "shelves", module.shelves(), admin)
    send(common, "promotions", [module.promotion(3, now)], admin)
    come = lambda _: send(common, "positions", [module.position("ann", 3, 40, datetime.now(timezone.utc))], admin)  # noqa: E731
    seen = browser.run(f"""
        await open("/in-store/display.html#host={common.API}&token={tokens(common, admin)['display']}");
        await until(() => text("state") == "ready");
        const empty = items("near").length, begun = performance.now();
        await tell({{ come: "ann" }});
        await until(() => items("near").length == 1);
        return {{ empty, near: items("near"), ms: performance.now() - begun }};""", come)
    assert seen["empty"] == 0 and seen["near"] == ["ann: dates, 20 % off, 40 feet away"], seen
    assert seen["ms"] < 1000, seen
    return f"{seen['near'][0]}; {seen['ms']:.0f} ms from the position's sending to the display"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", default="target/debug/roost")
    given = arguments.parse_args()
    program = find()
    if not program:
        print("skipped: no Chromium here (apt-get install chromium, or name one in CHROMIUM)")
        return
    sites = {name: os.path.join(EXAMPLES, name) for name in ("website-events", "ux-personalization", "in-store")}
    with served(given.binary) as (folder, common):
        admin = common.admin_token()
        for site in sites.values():
            pushed = subprocess.run([given.binary, "push", site, "--fixtures", "--url", common.API, "--token", admin], capture_output=True, text=True)
            assert pushed.returncode == 0, pushed.stderr
        browser = Browser(program, folder, sites)
        for check in (dashboard, shop, display):
            print(f"{check.__name__}: {check(browser, common, admin)}", flush=True)
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
