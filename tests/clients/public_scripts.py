"""The public e-store client scripts, unchanged, against the binary.

    python tests/clients/public_scripts.py PROJECT [--binary target/debug/roost] [--scripts PYTHON]

PROJECT is a checkout of github.com/jimmoffitt/py-utilities. PYTHON runs the scripts: it has requests, aiohttp,
psycopg[binary], python-dotenv, pyyaml, schedule, and pymongo, boto3, mongomock, moto[server,dynamodb] for the two
that write into MongoDB and DynamoDB. Where a script says https://api.tinybird.co, its resolver is told that the
name is here and a TLS front with a certificate of its own passes the bytes on; settings go where the scripts read
them, `.env.local` and `settings.yaml`. PostgreSQL is started when it is installed.
"""

import argparse
import collections
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone

from public_demo import served

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "docs", "examples", "e-store")
HOSTS = ["api.tinybird.co", "api.us-west-2.aws.tinybird.co"]

# What the scripts ask for beyond the example: the endpoints and the target of the transfers.
WEATHER = open(os.path.join(EXAMPLE, "datasources", "weather.datasource")).read()
EXTRA = {
    "reportsv2.pipe": "NODE endpoint\nSQL >\n    %\n    SELECT * FROM weather\n    WHERE timestamp > {{ DateTime(start_time) }} AND timestamp <= {{ DateTime(end_time) }}\n    ORDER BY timestamp\n",
    "most_recent.pipe": "NODE endpoint\nSQL >\n    SELECT max(timestamp) AS timestamp FROM weather_data_json\n",
    "weather_data_json.datasource": WEATHER,
}

# Names that lead here, and the two stores that are played by their test doubles.
SITE = """
import os, socket
real = socket.getaddrinfo
def getaddrinfo(host, port, *more, **named):
    if isinstance(host, str) and host.endswith("tinybird.co"):
        host, port = "127.0.0.1", int(os.environ["FRONT_PORT"])
    return real(host, port, *more, **named)
socket.getaddrinfo = getaddrinfo
if os.environ.get("DOUBLE") == "mongo":
    import mongomock, mongomock.database, pymongo
    mongomock.database.Database.command = lambda self, *_, **__: {"ok": 1}
    pymongo.MongoClient = mongomock.MongoClient
if os.environ.get("DOUBLE") == "dynamo":
    from moto import mock_aws
    mock = mock_aws(); mock.start()
    import boto3
    boto3.client("dynamodb", region_name="us-east-1").create_table(
        TableName="weather", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "site_name", "KeyType": "HASH"}, {"AttributeName": "timestamp", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("site_name", "timestamp")])
    # Requests that are not for AWS go out as ever.
    import responses
    from moto.core.models import responses_mock
    for name in %s:
        responses_mock.add_passthru("https://" + name)
"""


def front(folder, api):
    """A TLS port that passes bytes on to the API; its number and its certificate."""
    names = ",".join(f"DNS:{h}" for h in HOSTS)
    certificate, key = os.path.join(folder, "front.pem"), os.path.join(folder, "front.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=front",
                    "-addext", f"subjectAltName={names}", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def pass_on(source, target):
        try:
            while piece := source.recv(65536):
                target.sendall(piece)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(client):
        try:
            client = context.wrap_socket(client, server_side=True)
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", api))
        threading.Thread(target=pass_on, args=(server, client), daemon=True).start()
        pass_on(client, server)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1], certificate


class Scripts:
    def __init__(self, python, project, environment):
        self.python, self.project, self.environment = python, project, environment

    def until(self, script, enough, seconds=60, **more):
        """Runs a script until its output is enough, then ends it; its lines, counted by their first words."""
        folder, name = os.path.split(os.path.join(self.project, script))
        process = subprocess.Popen([self.python, name], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**self.environment, **more})
        stop = threading.Timer(seconds, process.kill)
        stop.start()
        seen, last = collections.Counter(), []
        try:
            for line in process.stdout:
                seen[" ".join(line.split()[:3]).rstrip(":.")] += 1
                last = [*last[-20:], line]
                if enough(seen):
                    print(f"{script}: {dict(seen.most_common(4))}", flush=True)
                    return seen
            raise AssertionError(f"{script} ended before it was enough:\n{''.join(last)}")
        finally:
            stop.cancel()
            process.kill()
            process.wait()

    def settings(self, folder, **values):
        with open(os.path.join(self.project, folder, ".env.local"), "w") as f:
            f.write("".join(f"{k}='{v}'\n" for k, v in values.items()))


def rows(generator, days):
    """Weather of five cities up to now."""
    start_at = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=days)
    return list(generator.weather(5, days, start=start_at))


def run(common, scripts, postgres, generator, admin):
    count = lambda table, what="count()": common.sql(admin, f"SELECT {what} AS c FROM {table} FORMAT JSON")["data"][0]["c"]  # noqa: E731
    # The generator of events: one request an event, some sent twice.
    options = open(os.path.join(scripts.project, "data-generators", "example.settings.yaml")).read()
    options = options.replace("https://{CLOUD_REGION}.tinybird.co", common.API).replace("{DATASOURCE_NAME}", "store_events")
    for was, becomes in (("num_customers: 500", "num_customers: 20"), ("num_products: 500", "num_products: 20"), ("percentage: 2 ", "percentage: 10 ")):
        assert was in options, options
        options = options.replace(was, becomes)
    with open(os.path.join(scripts.project, "data-generators", "settings.yaml"), "w") as f:
        f.write(options)
    scripts.settings("data-generators", TINYBIRD_TARGET_TOKEN=admin, POSTGRES_DATABASE_PORT="5432")
    sent = 0
    for script, enough in (("estore-events.py", 600), ("estore-events_threaded.py", 30)):
        sent += scripts.until(f"data-generators/{script}", lambda s: s["Event sent to"] >= enough)["Event sent to"]  # noqa: B023
    assert sent <= count("store_events") <= sent + 20, (sent, count("store_events"))
    assert count("(SELECT * FROM store_events FINAL)") < count("store_events")
    broken = json.loads(common.http(f"{common.API}/v0/pipes/broken_rules.json", token=admin)[1])
    print(f"{sent} events, {count('store_events') - count('(SELECT * FROM store_events FINAL)')} of them repeats, {broken['rows']} against the rules")

    # The weather's endpoints under many clients at once.
    body = "\n".join(json.dumps(r) for r in rows(generator, 3)).encode()
    status, answer = common.http(f"{common.API}/v0/events?name=weather&wait=true", body, admin)
    assert status == 200 and json.loads(answer)["quarantined_rows"] == 0, answer
    url = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres" if postgres else "postgresql://postgres@127.0.0.1:1/postgres"
    database = {"HOST": "127.0.0.1", "PORT": postgres.port if postgres else 1, "NAME": "postgres", "USER": "postgres", "PASSWORD": ""}
    scripts.settings("stress-case", TINYBIRD_KEY=admin, DATABASE_URL=url, **{f"DATABASE_{k}": v for k, v in database.items()})
    seen = scripts.until("stress-case/stress_case_threading.py", lambda s: s["API request succeeded"] >= 300)
    assert not any("failed" in k for k in seen), seen
    seen = scripts.until("stress-case/stress_case_async.py", lambda s: s["Tinybird responded"] + s["Tinybird responded.."] >= 40)
    assert not any("Error" in k for k in seen), seen

    # The transfers: into another data source, PostgreSQL, MongoDB, DynamoDB.
    keys = {f"POSTGRES_DATABASE_{k}": v for k, v in database.items()}
    scripts.settings("data-transfer", TINYBIRD_SOURCE_TOKEN=admin, TINYBIRD_TARGET_TOKEN=admin, MONGODB_CONNECTION_STRING="mongodb://localhost",
                     MONGODB_DATABASE_NAME="weather", MONGODB_COLLECTION_NAME="reports", DYNAMODB_TABLE_NAME="weather",
                     DYNAMODB_AWS_REGION="us-east-1", **keys)
    scripts.until("data-transfer/tb_to_tb.py", lambda s: s["Processed all data"])
    assert count("weather_data_json") == count("weather"), (count("weather_data_json"), count("weather"))
    if postgres:
        scripts.until("data-transfer/tb_to_postgres.py", lambda s: s["INFO: Processed all"])
        assert int(postgres.query("SELECT count(*) FROM weather_reports")) == count("weather") + 1
    scripts.until("data-transfer/tb_to_mongodb.py", lambda s: s["SUCCESS: Item with"] == count("weather"), DOUBLE="mongo")
    scripts.until("data-transfer/tb_to_dynamodb.py", lambda s: s["All data processed"], DOUBLE="dynamo", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")


def weather_reports(folder):
    """PostgreSQL as the scripts expect it: a table, and a row to go on from."""
    if not all(shutil.which(p) for p in ("initdb", "postgres", "psql")):
        print("no PostgreSQL here: what goes there is not tried")
        return None
    sys.path.insert(0, os.path.join(ROOT, "benches"))
    from stress import Postgres

    postgres = Postgres(folder)
    postgres.query("""CREATE TABLE weather_reports (site_name varchar(100), temp_f float, "timestamp" timestamp, clouds varchar(50),
        description text, humidity float, precip float, pressure float, wind_dir float, wind_speed float, PRIMARY KEY ("timestamp", site_name))""")
    postgres.query("INSERT INTO weather_reports (site_name, \"timestamp\") VALUES ('Denver', '2024-01-01')")
    return postgres


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("project")
    arguments.add_argument("--binary", default="target/debug/roost")
    arguments.add_argument("--scripts", default=sys.executable)
    given = arguments.parse_args()
    with served(given.binary) as (folder, common):
        postgres = None
        try:
            admin = common.admin_token()
            example = os.path.join(folder, "e-store")
            shutil.copytree(EXAMPLE, example)
            for name, text in EXTRA.items():
                with open(os.path.join(example, "pipes" if name.endswith("pipe") else "datasources", name), "w") as f:
                    f.write(text)
            pushed = subprocess.run([given.binary, "push", example, "--url", common.API, "--token", admin], capture_output=True, text=True)
            assert pushed.returncode == 0, pushed.stderr
            project = os.path.join(folder, "project")
            shutil.copytree(given.project, project, ignore=shutil.ignore_patterns(".git"))
            site = os.path.join(folder, "site")
            os.mkdir(site)
            with open(os.path.join(site, "sitecustomize.py"), "w") as f:
                f.write(SITE % HOSTS)
            port, certificate = front(folder, int(common.API.rpartition(":")[2]))
            environment = {**os.environ, "PYTHONPATH": site, "PYTHONUNBUFFERED": "1", "FRONT_PORT": str(port),
                           "REQUESTS_CA_BUNDLE": certificate, "SSL_CERT_FILE": certificate}
            sys.path.insert(0, EXAMPLE)
            import generator

            postgres = weather_reports(folder)
            run(common, Scripts(given.scripts, project, environment), postgres, generator, admin)
        finally:
            if postgres:
                postgres.close()
    print("ok")


if __name__ == "__main__":
    main()
