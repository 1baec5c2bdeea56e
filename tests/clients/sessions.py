"""The whole session of one client against a server of its own.

    python tests/clients/sessions.py --binary target/debug/roost --python VENV/bin/python
"""

import argparse
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--binary", required=True)
parser.add_argument("--python", required=True, help="of the client's environment")
chosen, rest = parser.parse_known_args()

here = os.path.dirname(os.path.abspath(__file__))
tb = os.path.join(os.path.dirname(os.path.abspath(chosen.python)), "tb")
version = subprocess.run([tb, "--version"], capture_output=True, text=True,
                         env=dict(os.environ, TB_VERSION_WARNING="0", TB_CLI_TELEMETRY_OPTOUT="1")).stdout.strip()
packages = subprocess.run([chosen.python, "-m", "pip", "list", "--disable-pip-version-check"], capture_output=True, text=True).stdout
is_forward = re.search(r"^tinybird +\d", packages, re.M) is not None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


with tempfile.TemporaryDirectory() as data:
    port, native = free_port(), free_port()
    server = subprocess.Popen([chosen.binary, "serve", "--port", str(port), "--clickhouse-port", str(native), "--data", data],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v0/health")
                break
            except OSError:
                time.sleep(0.1)
        print(f"== {version}", flush=True)
        script = "fwd_session.py" if is_forward else "tb_session.py"
        env = dict(os.environ, ROOST_API=f"http://127.0.0.1:{port}", ROOST_CLICKHOUSE_PORT=str(native))
        done = subprocess.run([chosen.python, os.path.join(here, script), *rest], env=env)
    finally:
        server.terminate()
        server.wait()
raise SystemExit(done.returncode)
