# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error, memory_limit, ok, failed, timeout
# outside: 600 MiB
# needs: packages
# What people do with data, and more of it than there is room for: strings, sorting, a join
# of many with many, and a table with a row and a column for each key.
import numpy
import pandas

rows = 400_000
random = numpy.random.default_rng(7)
while True:
    table = pandas.DataFrame({
        "key": random.integers(0, rows // 40, rows),
        "name": random.integers(0, rows, rows).astype(str),
        "value": random.random(rows),
    })
    table = table.sort_values("value").reset_index()
    joined = table.merge(table, on="key")
    print(rows, len(joined), joined.groupby("key")["value_x"].mean().sum(), flush=True)
    table["key"] %= 20_000
    print(table.head(20_000).pivot_table(index="name", columns="key", values="value").shape, flush=True)
    rows *= 2
