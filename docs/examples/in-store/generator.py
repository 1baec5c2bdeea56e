"""A store with shelves, offers and customers who walk, as NDJSON for three data sources.

    generator.py [--customers 20] [--seed 1]        prints one JSON object: {"positions": [...], ...}
"""

import argparse
import json
import random
from datetime import datetime, timedelta, timezone

# A degree of latitude is about 364,567 feet; the store stands on the equator, where one of longitude is too.
FOOT = 1 / 364_567
NAMES = ["apples", "bread", "coffee", "dates", "eggs", "figs", "garlic", "honey", "ice", "jam"]


def stamp(t):
    return t.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def shelves():
    """Ten products in a row, 150 feet apart."""
    return [{"product_id": n, "name": name, "lat": 0.0, "lon": n * 150 * FOOT} for n, name in enumerate(NAMES)]


def promotion(product_id, now, number=1, minutes=60, discount=20):
    return {"promotion_id": f"offer-{number}", "product_id": product_id, "discount": discount,
            "from": stamp(now - timedelta(minutes=1)), "until": stamp(now + timedelta(minutes=minutes))}


def position(customer, product_id, feet, now):
    """A customer some feet beside a product's shelf."""
    return {"customer_id": customer, "at": stamp(now), "lat": feet * FOOT, "lon": product_id * 150 * FOOT}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng, now = random.Random(args.seed), datetime.now(timezone.utc)
    print(json.dumps({
        "shelves": shelves(),
        "promotions": [promotion(n, now, number=n) for n in rng.sample(range(10), 3)],
        "positions": [position(f"c{n}", rng.randrange(10), rng.uniform(0, 300), now) for n in range(args.customers)],
    }))


if __name__ == "__main__":
    main()
