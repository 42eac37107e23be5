"""Rows a second of callbox.spark.sort, by cores and by rows, against what Spark has; medians of interleaved rounds.

    python bindings/python/bench_spark.py [--rows 100000,1000000] [--cores 1,2] [--rounds 3] [--svg docs/spark.svg]

Needs pyspark and a JDK. Each number of cores is a session of its own, in a process of its own.
"""

from __future__ import annotations

import argparse
import functools
import glob
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

GUEST, KEYS, ORDER_BY, PYTHON = "guest", "sort_key", "orderBy", "cmp_to_key"
PYTHON_ROWS = 100_000  # More of them only take time.


class PythonOrder:
    """The order by version in plain Python, in the place of a guest: the same plan, another comparator."""

    export = None

    def guest(self) -> PythonOrder:
        return self

    fresh = guest

    @staticmethod
    def compare(a: bytes, b: bytes) -> int:
        one, other = ([int(part) for part in text.split(b".")] for text in (a[1:], b[1:]))
        return (one > other) - (one < other)

    def keys(self, column: Any) -> list[Any]:
        key = functools.cmp_to_key(self.compare)
        return [key(value) for value in column.to_pylist()]

    def argsort(self, column: Any, reverse: bool = False, export: str | None = None) -> array[int]:
        keys = self.keys(column)
        return array("q", sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse))

    def rank(self, column: Any, export: str | None = None) -> array[int]:
        keys = self.keys(column)
        ranks, rank = array("q", [0]) * len(keys), 0
        order = sorted(range(len(keys)), key=keys.__getitem__)
        for before, at in zip(order, order[1:]):
            rank += keys[before] < keys[at]
            ranks[at] = rank
        return ranks

    def search(self, splitters: Any, column: Any, side: str = "left", export: str | None = None) -> array[int]:
        cuts, find = self.keys(splitters), bisect_left if side == "left" else bisect_right
        return array("q", [find(cuts, key) for key in self.keys(column)])


def measure(cores: int, sizes: list[int], rounds: int) -> None:
    """Prints a line of JSON for each way and size: seconds, and the memory of the largest worker."""
    from pyspark.sql import DataFrame, SparkSession, functions as F

    import callbox.spark
    from callbox.spark import guest

    os.environ["PYSPARK_PYTHON"] = sys.executable
    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "3g"}
    quiet["spark.sql.shuffle.partitions"] = "8"
    builder = SparkSession.builder.master(f"local[{cores}]").config(map=quiet)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")

    def run(df: DataFrame) -> None:
        df.write.format("noop").mode("overwrite").save()

    def by_guest(df: DataFrame) -> None:
        run(callbox.spark.sort(df, "v", guest="version", partitions=8))

    def by_python(df: DataFrame) -> None:
        kept = guest.Order.of
        guest.Order.of = lambda *_: PythonOrder()  # type: ignore[assignment, method-assign, return-value]
        try:
            run(callbox.spark.sort(df, "v", guest="version", partitions=8))
        finally:
            guest.Order.of = kept  # type: ignore[method-assign]

    key = callbox.spark.sort_key("version")
    with tempfile.TemporaryDirectory() as folder:
        frames = {}
        for rows in sizes:
            path = f"{folder}/{rows}"
            hashes = [(F.xxhash64("id", F.lit(most)), F.lit(most)) for most in [20, 300, 90_000]]
            text = F.concat(F.lit("v"), F.concat_ws(".", *(F.pmod(*pair).cast("string") for pair in hashes)))
            payload = F.sha2(F.col("id").cast("string"), 384)
            rows_of = spark.range(rows).select(text.alias("v"), "id", payload.alias("payload"))
            rows_of.write.parquet(path, compression="none")  # no codec but Spark's own is needed
            frames[rows] = spark.read.parquet(path)
        ways: dict[str, Callable[[DataFrame], None]] = {
            GUEST: by_guest,
            KEYS: lambda df: run(df.orderBy(key("v"), "v")),
            ORDER_BY: lambda df: run(df.orderBy("v")),
            PYTHON: by_python,
        }
        for way in ways.values():
            way(frames[sizes[0]])
        for rows, df in frames.items():
            some = {name: way for name, way in ways.items() if name != PYTHON or rows <= PYTHON_ROWS}
            times: dict[str, list[float]] = {name: [] for name in some}
            for number in range(rounds):
                for name, way in some.items():
                    if name == PYTHON and number:
                        continue  # Once is enough to see how long it takes.
                    started = time.perf_counter()
                    way(df)
                    times[name].append(time.perf_counter() - started)
            for name in some:
                line = {"cores": cores, "rows": rows, "way": name, "seconds": statistics.median(times[name])}
                print(json.dumps({**line, "peak": peak()}), flush=True)
    spark.stop()


def peak() -> int:
    """Returns the most bytes of memory that one of Spark's workers here has had."""
    most = 0
    for status in glob.glob("/proc/[0-9]*/status"):
        try:
            command = pathlib.Path(status).with_name("cmdline").read_bytes()
            found = re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path(status).read_text())
        except OSError:
            continue
        if b"pyspark" in command and b"daemon" in command and found:
            most = max(most, int(found[1]) << 10)
    return most


def draw(found: list[dict[str, Any]]) -> str:
    """Returns a picture: rows a second by the number of rows, a line for each way and number of cores."""
    from math import log10

    colours = {GUEST: "#2a7ab9", KEYS: "#2e8b57", ORDER_BY: "#9aa5ad", PYTHON: "#c4602a"}
    titles = {GUEST: "sort by version", KEYS: "orderBy(sort_key)", ORDER_BY: "orderBy bytes", PYTHON: "cmp_to_key"}
    rates = [line["rows"] / line["seconds"] for line in found]
    sizes = sorted({line["rows"] for line in found})
    left, right, top, bottom = 80.0, 500.0, 34.0, 330.0
    low, high = int(log10(min(rates))), int(log10(max(rates))) + 1

    def x(rows: int) -> float:
        return left + (right - left) * log10(rows / sizes[0]) / (log10(sizes[-1] / sizes[0]) or 1)

    def y(rate: float) -> float:
        return bottom - (bottom - top) * (log10(rate) - low) / (high - low)

    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 370" font-family="sans-serif" font-size="13"'
        ' fill="#1f2328">',
        '<style>@media (prefers-color-scheme: dark){svg{fill:#e6edf3}[fill="#59636e"]{fill:#9198a1}'
        '[stroke="#d1d9e0"]{stroke:#3d444d}}</style>',
        '<text x="10" y="20" font-weight="bold">rows a second (logarithmic), by the number of rows</text>',
    ]
    for power in range(low, high + 1):
        lines.append(f'<path d="M{left} {y(10**power):.1f}H{right}" stroke="#d1d9e0"/>')
        place = f'x="{left - 8}" y="{y(10**power) + 4:.1f}"'
        lines.append(f'<text {place} text-anchor="end" fill="#59636e">{10**power:,}</text>')
    for rows in sizes:
        lines.append(f'<text x="{x(rows):.1f}" y="{bottom + 20}" text-anchor="middle" fill="#59636e">{rows:,}</text>')
    ends = []
    for cores in sorted({line["cores"] for line in found}):
        for way, colour in colours.items():
            of = [line for line in found if (line["cores"], line["way"]) == (cores, way)]
            dots = sorted((line["rows"], line["rows"] / line["seconds"]) for line in of)
            if not dots:
                continue
            path = "L".join(f"{x(rows):.1f} {y(rate):.1f}" for rows, rate in dots)
            dash = ' stroke-dasharray="5 4"' if cores == 1 else ""
            lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            lines += [f'<circle cx="{x(rows):.1f}" cy="{y(rate):.1f}" r="3.5" fill="{colour}"/>' for rows, rate in dots]
            noun = "core" if cores == 1 else "cores"
            ends.append((y(dots[-1][1]), x(dots[-1][0]), f"{titles[way]}, {cores} {noun}"))
    below = 0.0
    for place, end, title in sorted(ends):
        below = max(place + 4, below + 16)
        lines.append(f'<text x="{end + 12:.1f}" y="{below:.1f}">{title}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="100000,300000,1000000")
    parser.add_argument("--cores", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--svg", type=pathlib.Path)
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = [int(float(rows)) for rows in chosen.rows.split(",")]
    if chosen.measure:
        measure(chosen.measure, sizes, chosen.rounds)
        return
    found: list[dict[str, Any]] = []
    for cores in chosen.cores.split(","):
        words = [sys.executable, __file__, "--measure", cores, "--rows", chosen.rows, "--rounds", str(chosen.rounds)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        found += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for line in found:
        rate, peak = line["rows"] / line["seconds"], line["peak"] >> 20
        print(f"{line['cores']} cores {line['rows']:>10,} rows {line['way']:12} {line['seconds']:8.2f} s", end="")
        print(f" {rate:>10,.0f} rows a second, workers so far up to {peak} MiB")
    if chosen.svg:
        chosen.svg.write_text(draw(found))


if __name__ == "__main__":
    main()
