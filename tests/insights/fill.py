"""A server with a whole data project in it: pushed by `tb`, fed through the Events API, copies run.

Used by run.py. What the client refuses to push (a node that bears its pipe's name) is renamed in a
temporary copy of the folder. Schedules are paused, so that the rows stand still between two looks.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """The binary under test, on free ports."""

    def __init__(self, binary, data, log):
        self.api, self.native = free_port(), free_port()
        command = [binary, "serve", "--port", str(self.api), "--clickhouse-port", str(self.native), "--data", data, "--query-seconds", "600"]
        self.process = subprocess.Popen(command, stdout=open(log, "w"), stderr=subprocess.STDOUT)
        for _ in range(600):
            try:
                self.token = json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.api}/tokens"))["workspace_admin_token"]
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"the server does not listen, see {log}")

    def call(self, path, params=None, body=None, method=None, timeout=900):
        """Status and text of a call to the /v0 API."""
        url = f"http://127.0.0.1:{self.api}{path}"
        if params:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params)
        request = urllib.request.Request(url, data=body, method=method, headers={"Authorization": f"Bearer {self.token}"})
        return self._open(request, timeout)

    def sql(self, query, timeout=900):
        """Status and bytes of a query at ClickHouse's interface."""
        return self._open(urllib.request.Request(f"http://127.0.0.1:{self.native}/", data=query.encode()), timeout)

    def _open(self, request, timeout):
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, e.read()
        except OSError as e:
            return 0, str(e).encode()

    def json(self, path, params=None):
        status, body = self.call(path, params)
        if status != 200:
            raise SystemExit(f"{path}: {status} {body[:300]!r}")
        return json.loads(body)

    def lines(self, query):
        status, body = self.sql(query)
        if status != 200:
            raise SystemExit(f"{query[:200]}: {body[:300]!r}")
        return body.decode().splitlines()

    def cpu(self):
        """CPU seconds of the process so far."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        """The most memory that the process held, in MiB."""
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) // 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def pushable(project, folder):
    """A copy of the project that the client can push; the files that had to be changed."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".tinyb", ".git"))
    changed = []
    for path, _, files in os.walk(folder):
        for file in files:
            if file.endswith(".pipe"):
                full, name = os.path.join(path, file), re.escape(file.removesuffix(".pipe"))
                text = open(full, encoding="utf-8").read()
                new = re.sub(rf"(?m)^(NODE\s+)({name})\s*$", r"\1\2_node", text)
                if new != text:
                    changed.append(file)
                    open(full, "w", encoding="utf-8").write(new)
    return sorted(changed)


def push(server, tb, folder, log):
    """`tb auth` and `tb push`; exit code and how many resources were made."""
    env = dict(os.environ, TB_VERSION_WARNING="0", TB_CLI_TELEMETRY_OPTOUT="1", NO_COLOR="1")
    with open(log, "w") as out:
        subprocess.run([tb, "auth", "--host", f"http://127.0.0.1:{server.api}", "--token", server.token], cwd=folder, env=env, stdout=out, stderr=out, check=True)
        code = subprocess.run([tb, "push"], cwd=folder, env=env, stdout=out, stderr=out).returncode
    return code, len(re.findall(r"(?m)^\*\* '.*' created", open(log).read()))


class Project:
    """What the server says of the pushed project."""

    def __init__(self, server):
        self.server = server
        self.sources = {d["name"]: d for d in server.json("/v0/datasources")["datasources"]}
        self.pipes = {p["name"]: p for p in server.json("/v0/pipes")["pipes"]}
        ids = {d["id"]: n for n, d in self.sources.items()}
        self.view_targets = {ids[n["materialized"]] for p in self.pipes.values() for n in p["nodes"] if n["materialized"]}
        self.copies = {n: ids.get(p.get("copy_target_datasource"), p.get("copy_target_datasource")) for n, p in self.pipes.items() if p["type"] == "copy"}
        self.modes = {n: next((x.get("mode") for x in p["nodes"] if x.get("node_type") == "copy"), None) for n, p in self.pipes.items()}

    def reads(self, pipe, seen=None):
        """The data sources that a pipe reads, through other pipes too."""
        seen = set() if seen is None else seen
        out = set()
        for name in {d for n in self.pipes[pipe]["nodes"] for d in n["dependencies"]}:
            if name in self.sources:
                out.add(name)
            elif name in self.pipes and name not in seen:
                seen.add(name)
                out |= self.reads(name, seen)
        return out

    def copy_order(self):
        """Copies after those whose targets they read; a circle starts at its first name and runs twice."""
        left, order, circle = dict(self.copies), [], []
        reads = {n: self.reads(n) for n in left}
        rank = lambda n: (self.modes.get(n) == "append", "initial" not in n, n)
        while left:
            ready = [n for n, t in left.items() if not any(o != t and o in reads[n] for o in left.values())]
            ready = [n for n in ready if not any(left[m] == left[n] and rank(m) < rank(n) for m in left)]
            if not ready:
                ready = [min(left, key=rank)]
                circle = sorted(left, key=rank)
            for name in sorted(ready, key=rank):
                order.append(name)
                del left[name]
        return order + [n for n in circle if self.modes.get(n) != "append"]

    def pause(self):
        for name, pipe in self.pipes.items():
            kind = {"copy": "copy", "sink": "sink"}.get(pipe["type"])
            if kind:
                self.server.call(f"/v0/pipes/{name}/{kind}/pause", body=b"")


def batches(path, rows):
    with open(path, "rb") as file:
        while True:
            part = [line for _, line in zip(range(rows), file)]
            if not part:
                return
            yield b"".join(part)


def load(server, project, rows, size):
    """Sends every file through /v0/events, the largest last; what was sent, taken and set aside."""
    files = sorted((f for f in os.listdir(rows) if f.endswith(".ndjson")), key=lambda f: os.path.getsize(f"{rows}/{f}"))
    order, sent, failed, began = [], 0, [], time.time()
    aside = 0
    for file in files:
        table = file.removesuffix(".ndjson")
        if table not in project.sources:
            continue
        order.append(table)
        paths = any(c["jsonpath"] for c in project.sources[table]["columns"])
        for body in batches(f"{rows}/{file}" if paths else f"{rows}/flat/{file}", size):
            if paths:
                status, answer = server.call("/v0/events", dict(name=table, wait="true"), body)
            else:
                query = f"INSERT INTO default.`{table}` SETTINGS date_time_input_format='best_effort' FORMAT JSONEachRow\n"
                status, answer = server._open(urllib.request.Request(f"http://127.0.0.1:{server.native}/", data=query.encode() + body), 600)
            count = body.count(b"\n")
            sent += count
            if status != 200:
                failed.append((table, status, answer[:300]))
            elif paths:
                said = json.loads(answer)
                aside += said["quarantined_rows"]
                if said["successful_rows"] + said["quarantined_rows"] != count:
                    failed.append((table, "counts", answer[:300]))
    return dict(order=order, sent=sent, quarantined=aside, failed=failed, seconds=round(time.time() - began, 1))


def run_job(server, path, params, seconds=900):
    """Starts a copy or a sink and waits for its job: its status, error and seconds."""
    began = time.time()
    status, body = server.call(path, params, b"")
    if status != 200:
        return "refused", body.decode("utf-8", "replace")[:300], 0
    job = json.loads(body)["job"]["id"]
    while time.time() - began < seconds:
        said = server.json(f"/v0/jobs/{job}")
        if said["status"] in ("done", "error", "cancelled"):
            return said["status"], str(said.get("error") or ""), time.time() - began
        time.sleep(0.02)
    return "late", "", time.time() - began


def settle(server, seconds=180):
    """Waits until no merge runs and the parts stay the same."""
    last, end = None, time.time() + seconds
    while time.time() < end:
        now = server.lines("SELECT count(), sum(rows), (SELECT count() FROM system.merges) FROM system.parts WHERE active FORMAT TSV")
        if now == last and now[0].endswith("\t0"):
            return
        last = now
        time.sleep(1.5)
