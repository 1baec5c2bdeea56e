"""Events of an e-store, in an order that a shop would see.

Rules: a cart needs a view of the same product by the same visitor, an uncart and a purchase need a
cart, a return needs a purchase. Some products are wanted more than others, and what is wanted
shifts while the generator runs, so that a ranking has something to show.
"""

import csv
import json
import pathlib
import random
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).parent


def products():
    with open(HERE / "datasources/fixtures/products.csv", newline="") as f:
        return [(int(r["product_id"]), float(r["price"])) for r in csv.DictReader(f)]


class Shop:
    """Visitors and what each may do next."""

    def __init__(self, seed=1, visitors=500):
        self.random = random.Random(seed)
        self.products = products()
        self.visitors = [f"c{i:05d}" for i in range(visitors)]
        self.viewed, self.in_cart, self.bought = [], [], []
        self.shift()

    def shift(self):
        """Another product mix: a few become hot."""
        hot = set(self.random.sample(range(len(self.products)), 4))
        self.weights = [12 if i in hot else 1 for i in range(len(self.products))]

    def next(self, now=None):
        """One event that the rules allow."""
        now = now or datetime.now(timezone.utc)
        kind = self.random.choices(
            ["view", "cart", "uncart", "purchase", "return"], [60, 20, 4, 14, 2]
        )[0]
        pools = {"cart": self.viewed, "uncart": self.in_cart, "purchase": self.in_cart, "return": self.bought}
        pool = pools.get(kind)
        if not pool:
            kind = "view"
            product = self.random.choices(self.products, self.weights)[0]
            customer = self.random.choice(self.visitors)
        else:
            customer, product = pool.pop(self.random.randrange(len(pool)))
        after = {"view": self.viewed, "cart": self.in_cart, "purchase": self.bought}
        if kind in after:
            after[kind].append((customer, product))
        return {
            "timestamp": now.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "event": kind,
            "customer_id": customer,
            "product_id": product[0],
            "price": product[1],
        }

    def batch(self, n, start=None, step_ms=1):
        """n events; with `start`, `step_ms` apart from there on."""
        out = []
        for i in range(n):
            now = start + timedelta(milliseconds=i * step_ms) if start else None
            out.append(self.next(now))
        return out


def ndjson(events):
    return "\n".join(json.dumps(e) for e in events) + "\n"


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(ndjson(Shop(args.seed).batch(args.events)), end="")
