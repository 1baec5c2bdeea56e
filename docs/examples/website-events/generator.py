"""Push envelopes of a message queue, as NDJSON on standard output.

    generator.py --events 2000 [--hours 48] [--repeats 0.05] [--seed 1]

Each event is a JSON object, base64 in an envelope. Some envelopes come twice, as queues with
at-least-once delivery do; a few hold no JSON at all.
"""

import argparse
import base64
import csv
import json
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).parent
START = datetime(2024, 3, 1, tzinfo=timezone.utc)
COUNTRIES = ["DE", "ES", "FR", "PT", "US"]


def stamp(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def envelopes(events, hours=48, repeats=0.05, seed=1):
    """Pairs of (event or None, envelope), in the order of publishing."""
    rng = random.Random(seed)
    with open(HERE / "datasources/fixtures/goods.csv", newline="") as f:
        products = [r["product"] for r in csv.DictReader(f)]
    for n in range(events):
        at = START + timedelta(seconds=hours * 3600 * n / events)
        published = at + timedelta(milliseconds=rng.randrange(5, 900))
        event = {
            "timestamp": stamp(at),
            "event": rng.choices(["view", "cart", "sale"], [70, 20, 10])[0],
            "product": rng.choice(products),
            "visitor": f"v{rng.randrange(events // 5 + 1)}",
            "location": {"country": rng.choice(COUNTRIES)},
        }
        broken = rng.random() < 0.01
        text = "not json" if broken else json.dumps(event)
        envelope = {
            "message": {"data": base64.b64encode(text.encode()).decode(), "messageId": str(10_000 + n), "publishTime": stamp(published)},
            "subscription": "projects/shop/subscriptions/site",
        }
        yield (None if broken else event), envelope
        if rng.random() < repeats:
            yield None, envelope


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=48)
    parser.add_argument("--repeats", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for _, envelope in envelopes(args.events, args.hours, args.repeats, args.seed):
        sys.stdout.write(json.dumps(envelope) + "\n")


if __name__ == "__main__":
    main()
