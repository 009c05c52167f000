"""A program of a hundred lines, such as a model writes: it reads a table,
groups it, computes a few statistics and prints a report."""

import csv
import json
import math
import re
import statistics
from collections import Counter, defaultdict
from datetime import date, timedelta

ROWS = """day,city,item,units,price
0,Oslo,lamp,3,19.90
1,Bern,chair,2,49.50
1,Oslo,table,1,120.00
2,Rome,lamp,7,18.40
3,Bern,lamp,4,19.90
3,Rome,chair,5,44.10
4,Oslo,chair,6,47.25
5,Rome,table,2,115.75
6,Bern,table,1,119.00
8,Oslo,lamp,9,17.80
9,Rome,chair,1,50.20
"""

FIRST = date(2026, 1, 1)
WORD = re.compile(r"[a-z]+")


class Sale:
    """One row of the table."""

    def __init__(self, row):
        self.day = FIRST + timedelta(days=int(row["day"]))
        self.city = row["city"]
        self.item = row["item"]
        self.units = int(row["units"])
        self.price = float(row["price"])

    @property
    def total(self):
        return self.units * self.price

    def __repr__(self):
        return f"{self.day} {self.city}: {self.units} x {self.item}"


def read(text):
    return [Sale(row) for row in csv.DictReader(text.splitlines())]


def by(sales, key):
    groups = defaultdict(list)
    for sale in sales:
        groups[getattr(sale, key)].append(sale)
    return dict(sorted(groups.items()))


def describe(values):
    return {
        "n": len(values),
        "mean": round(statistics.mean(values), 2),
        "median": round(statistics.median(values), 2),
        "spread": round(statistics.pstdev(values), 2),
        "norm": round(math.sqrt(sum(v * v for v in values)), 2),
    }


def smooth(values, width=3):
    half = width // 2
    for i in range(len(values)):
        near = values[max(0, i - half) : i + half + 1]
        yield sum(near) / len(near)


def fit(points):
    """The straight line with the least squares."""
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    below = sum((x - mean_x) ** 2 for x, _ in points)
    slope = above / below
    return slope, mean_y - slope * mean_x


sales = read(ROWS)
report = {}
for key in ("city", "item"):
    for name, group in by(sales, key).items():
        report[name] = describe([sale.total for sale in group])
print(json.dumps(report, indent=2))

for sale, total in zip(sales, smooth([sale.total for sale in sales])):
    print(f"{sale!r:<32}{total:>10.2f}")

slope, offset = fit([((sale.day - FIRST).days, sale.total) for sale in sales])
print(f"trend {slope:+.3f} a day from {offset:.2f}")
words = Counter(WORD.findall(repr(sales).lower()))
print("most common:", words.most_common(3))
print("sum", round(sum(sale.total for sale in sales), 2))
