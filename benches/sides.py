"""The sides of a comparison: Roost's server, ClickHouse (chdb) and DuckDB in this process.

A side has `cpu()` (seconds so far, to the nanosecond), `query(sql)` (the answer's bytes) and `name`.
"""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Roost:
    """A server of its own, asked over one connection that is kept."""

    name = "Roost"

    def __init__(self, binary, folder):
        self.port, self.api = free_port(), free_port()
        self.server = subprocess.Popen(
            [binary, "serve", "--data", folder, "--port", str(self.api), "--clickhouse-port", str(self.port)],
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        # The kernel's clock of another process's CPU time.
        self.clock = (~self.server.pid << 3) | 2
        self.connection = None
        for _ in range(400):
            try:
                self.query("SELECT 1")
                return
            except OSError:
                self.connection = None
                time.sleep(0.05)
        sys.exit("roost did not start")

    def cpu(self):
        return time.clock_gettime(self.clock)

    def query(self, sql, body=None):
        path = "/" if body is None else "/?" + urllib.parse.urlencode({"query": sql})
        status, answer = self.ask("POST", path, sql.encode() if body is None else body)
        if status != 200:
            raise RuntimeError(f"roost refuses {sql[:200]}: {answer.decode(errors='replace')[:500]}")
        return answer

    def ask(self, method, path, body=b""):
        """One request in one write, and its answer: what `http.client` does besides (about a twentieth of a
        small insert) would be counted as the server's time."""
        if self.connection is None:
            connection = socket.create_connection(("127.0.0.1", self.port), timeout=600)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection = connection
        try:
            self.connection.sendall(b"%s %s HTTP/1.1\r\nHost: roost\r\nContent-Length: %d\r\n\r\n" % (
                method.encode(), path.encode(), len(body)) + body)
            return self.answer()
        except OSError:
            self.connection.close()
            self.connection = None
            raise

    def answer(self):
        got = b""

        def more(got, enough):
            while not enough(got):
                piece = self.connection.recv(1 << 20)
                if not piece:
                    raise ConnectionError("the server closed the connection")
                got += piece
            return got

        got = more(got, lambda g: b"\r\n\r\n" in g)
        head, _, rest = got.partition(b"\r\n\r\n")
        status, fields = int(head[9:12]), head.lower().split(b"\r\n")[1:]
        fields = dict(f.split(b": ", 1) for f in fields)
        if b"content-length" in fields:
            size = int(fields[b"content-length"])
            return status, more(rest, lambda g: len(g) >= size)[:size]
        body = []
        while True:
            rest = more(rest, lambda g: b"\r\n" in g)
            size, _, rest = rest.partition(b"\r\n")
            size = int(size, 16)
            rest = more(rest, lambda g: len(g) >= size + 2)
            if size == 0:
                return status, b"".join(body)
            body.append(rest[:size])
            rest = rest[size + 2:]

    def peak_memory(self):
        """Most resident bytes since the last call."""
        pid = self.server.pid
        status = open(f"/proc/{pid}/status").read()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        open(f"/proc/{pid}/clear_refs", "w").write("5")
        return peak

    def close(self):
        self.server.terminate()
        self.server.wait(timeout=60)


class ClickHouse:
    """chdb in this process."""

    name = "ClickHouse"

    def __init__(self, folder):
        from chdb import session
        self.session = session.Session(folder)

    def cpu(self):
        return time.process_time()

    def query(self, sql, body=None):
        return self.session.query(sql, "TSV").bytes()

    def close(self):
        self.session.close()


class DuckDB:
    """duckdb in this process."""

    name = "DuckDB"

    def __init__(self, file):
        import duckdb
        self.db = duckdb.connect(file)

    def cpu(self):
        return time.process_time()

    def query(self, sql, body=None):
        return self.db.execute(sql).fetchall()

    def close(self):
        self.db.close()


def timed(side, work, times=1):
    cpu, wall = side.cpu(), time.perf_counter()
    for _ in range(times):
        work()
    return (side.cpu() - cpu) / times, (time.perf_counter() - wall) / times


def alternate(sides, works, times=1, runs=5):
    """Medians of (cpu, wall) of each side; they take turns."""
    for work in works:
        work()
    samples = [[timed(s, w, times) for s, w in zip(sides, works)] for _ in range(runs)]
    return [tuple(statistics.median(run[i][j] for run in samples) for j in (0, 1)) for i in range(len(sides))]


def machine():
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}"


def write_between(path, mark, text):
    """Puts text between `<!-- mark -->` and `<!-- /mark -->` of a page."""
    page = open(path).read()
    head, found, rest = page.partition(f"<!-- {mark} -->")
    _, closed, tail = rest.partition(f"<!-- /{mark} -->")
    if not found or not closed:
        sys.exit(f"{path} has no place for {mark}")
    open(path, "w").write(f"{head}<!-- {mark} -->\n{text}\n<!-- /{mark} -->{tail}")
