"""A scripted session of a command line client: what each command must say, and what it must change.

A command counts once, as passed, when its exit code, its words and the server's state afterwards are
what the script says. A failure does not end the session: all of them are listed at its end.
"""

import os
import subprocess
import time
import traceback

from common import http


class Session:
    def __init__(self, client, folder, env=None):
        self.client = client
        self.folder = folder
        self.env = dict(os.environ, NO_COLOR="1", COLUMNS="200", TB_VERSION_WARNING="0",
                        TB_CLI_TELEMETRY_OPTOUT="1", **(env or {}))
        self.passed = []
        self.failed = []
        self.seconds = []

    def run(self, *args, says=(), never=(), fails=False, check=None, at=None, typed=None, env=None):
        """One command. `says` are words that it must print; `check` looks at what it changed."""
        line = " ".join(args)
        started = time.time()
        text = ""
        try:
            done = subprocess.run([self.client, *args], cwd=at or self.folder, capture_output=True, text=True,
                                  env=dict(self.env, **(env or {})), timeout=180, input=typed or "")
            text = done.stdout + done.stderr
            assert (done.returncode != 0) == fails, f"exit code {done.returncode}"
            for words in [says] if isinstance(says, str) else says:
                assert words in text, f"it did not say {words!r}"
            for words in [never] if isinstance(never, str) else never:
                assert words not in text, f"it said {words!r}"
            if check:
                check()
            self.passed.append(line)
        except Exception as e:  # noqa: BLE001: any of them is this command's failure
            what = e if str(e) else traceback.format_exc().strip().splitlines()[-3:]
            self.failed.append(f"{line}\n  -> {what}\n  " + text.strip()[-1500:].replace("\n", "\n  "))
            print(f"FAILED {self.failed[-1]}", flush=True)
        self.seconds.append((time.time() - started, line))
        return text

    def write(self, path, text, at=None):
        path = os.path.join(at or self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def read(self, path, at=None):
        with open(os.path.join(at or self.folder, path)) as f:
            return f.read()

    def end(self, least):
        """Prints the account; whether it is good."""
        slow = sorted(self.seconds, reverse=True)[:5]
        print(f"{len(self.passed)} commands passed, {len(self.failed)} failed, "
              f"in {sum(s for s, _ in self.seconds):.0f} s; the longest: "
              + ", ".join(f"{line[:40]} {s:.1f} s" for s, line in slow))
        assert not self.failed, f"{len(self.failed)} commands failed"
        assert len(self.passed) >= least, f"{len(self.passed)} commands are fewer than {least}"
        print("ok")


def equal(found, expected):
    assert found == expected, f"found {found}, expected {expected}"


def contains(text, *words):
    for word in words:
        assert word in text, f"{word!r} is not in {text[:600]!r}"


def wait_until(holds, what, seconds=20):
    """Asks until it holds."""
    end = time.time() + seconds
    while not holds():
        assert time.time() < end, f"still not: {what}"
        time.sleep(0.2)


def serve_file(text):
    """An address of this machine under which `text` can be fetched; and its server."""
    import http.server
    import threading

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


__all__ = ["Session", "contains", "equal", "http", "serve_file", "wait_until"]
