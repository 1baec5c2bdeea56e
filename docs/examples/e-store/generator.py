"""Events of an e-store and the weather at its cities, as NDJSON or CSV on standard output.

    generator.py events [--events 1000] [--customers 500] [--products 500] [--repeats 0.02] [--seed 1]
    generator.py weather [--cities 50] [--days 30] [--seed 1] [--csv]

Rules: a cart needs an earlier view of the product by the customer and that it is not in the cart yet; an
uncart and a purchase need it in the cart; a return needs a purchase since the last return. What the rules
forbid becomes a view. Some events come twice, as a client that retries sends them.
"""

import argparse
import json
import math
import random
import sys
from datetime import datetime, timedelta, timezone

WEIGHTS = {"view": 65, "cart": 15, "uncart": 5, "purchase": 10, "return": 5}
SKIES = ["clear", "few clouds", "scattered clouds", "overcast", "light rain", "rain", "snow", "mist"]


class Bag:
    """Pairs, one of which can be drawn in no time."""

    def __init__(self):
        self.pairs, self.place = [], {}

    def __contains__(self, pair):
        return pair in self.place

    def add(self, pair):
        if pair not in self.place:
            self.place[pair] = len(self.pairs)
            self.pairs.append(pair)

    def remove(self, pair):
        at, last = self.place.pop(pair), self.pairs.pop()
        if last != pair:
            self.pairs[at], self.place[last] = last, at


class Store:
    """Customers, and what each has seen, carries and owns."""

    def __init__(self, customers=500, products=500, seed=1, start=None):
        self.random = random.Random(seed)
        self.customers = [f"customer_{i}" for i in range(customers)]
        self.products = [f"product_{i}" for i in range(products)]
        self.viewed, self.carts, self.owned = Bag(), Bag(), Bag()
        self.needs = {"cart": self.viewed, "uncart": self.carts, "purchase": self.carts, "return": self.owned}
        self.now = start or datetime.now(timezone.utc)

    def next(self):
        """One event that the rules allow, a little after the last."""
        pair = (self.random.choice(self.customers), self.random.choice(self.products))
        action = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        need = self.needs.get(action)
        # Most steps go on from what there is, others are tried on the pair above.
        if need and need.pairs and self.random.random() < 0.7:
            pair = self.random.choice(need.pairs)
        if need and pair not in need or action == "cart" and pair in self.carts:
            action = "view"
        self.take(action, pair)
        self.now += timedelta(milliseconds=self.random.randrange(1, 2000))
        return {"customer_id": pair[0], "product_id": pair[1], "action": action,
                "timestamp": self.now.replace(tzinfo=None).isoformat(timespec="microseconds")}

    def take(self, action, pair):
        if action in ("uncart", "purchase", "return"):
            self.needs[action].remove(pair)
        into = {"view": self.viewed, "cart": self.carts, "purchase": self.owned}.get(action)
        if into is not None:
            into.add(pair)

    def events(self, count, repeats=0.0):
        for _ in range(count):
            event = self.next()
            yield event
            if self.random.random() < repeats:
                yield event


def weather(cities, days, seed=1, start=datetime(2023, 1, 1)):
    """One report an hour of each city."""
    rng = random.Random(seed)
    for hour in range(days * 24):
        at = start + timedelta(hours=hour)
        season = 55 - 25 * math.cos(at.timetuple().tm_yday / 58.1) + 9 * math.sin(hour / 3.82)
        for city in range(cities):
            yield {"timestamp": at.isoformat(sep=" "), "site_name": f"City {city:03}",
                   "temp_f": round(season + rng.uniform(-8, 8) - city / 25, 1), "clouds": rng.randrange(101),
                   "description": rng.choice(SKIES), "humidity": rng.randrange(20, 100),
                   "precip": round(rng.choice([0, 0, 0, 0, 0, 2]) * rng.random(), 2), "pressure": rng.randrange(980, 1040),
                   "wind_dir": rng.randrange(360), "wind_speed": round(rng.random() * 40, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["events", "weather"])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--repeats", type=float, default=0.02)
    parser.add_argument("--cities", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", action="store_true")
    args = parser.parse_args()
    if args.what == "events":
        rows = Store(args.customers, args.products, args.seed).events(args.events, args.repeats)
    else:
        rows = weather(args.cities, args.days, args.seed)
    for n, row in enumerate(rows):
        if args.csv and n == 0:
            print(",".join(row))
        sys.stdout.write((",".join(str(v) for v in row.values()) if args.csv else json.dumps(row)) + "\n")


if __name__ == "__main__":
    main()
