"""What the client tests share: the server's addresses come in through the environment."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

API = os.environ["ROOST_API"]
CLICKHOUSE_PORT = int(os.environ["ROOST_CLICKHOUSE_PORT"])
CLICKHOUSE = f"http://127.0.0.1:{CLICKHOUSE_PORT}"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def http(url, body=None, token=None, method=None, headers=None):
    """Status and body, errors included."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def admin_token():
    status, body = http(f"{API}/tokens")
    assert status == 200, (status, body)
    return json.loads(body)["workspace_admin_token"]


def tb(folder, *args, ok=True):
    """Runs the real client in a folder; returns what it printed."""
    env = dict(os.environ, TB_VERSION_WARNING="0", TB_CLI_TELEMETRY_OPTOUT="1", NO_COLOR="1")
    command = [os.path.join(os.path.dirname(sys.executable), "tb"), *args]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    text = done.stdout + done.stderr
    assert (done.returncode == 0) == ok, f"tb {' '.join(args)} exited {done.returncode}:\n{text}"
    return text


def sql(token, query):
    url = f"{API}/v0/sql?" + urllib.parse.urlencode({"q": query, "token": token})
    status, body = http(url)
    assert status == 200, (status, body)
    return json.loads(body)
