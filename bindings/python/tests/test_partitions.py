"""The work of callbox.spark in Spark's workers, without a Spark: cuts, and the rows of a partition in order."""

import random

import callbox
import numpy
import pyarrow
import pyarrow.compute
import pytest
from callbox.spark import partitions
from callbox.spark.guest import Order
from callbox.spark.partitions import Partitions
from callbox.spark.splitters import Splitters


def in_partitions(work: Partitions, rows: pyarrow.Table, chosen: random.Random) -> list[list[dict]]:
    """Returns the rows that each partition gives out, which come to it in any order of batches."""
    batches = list(work.assign(rows.to_batches(max_chunksize=37)))
    chosen.shuffle(batches)
    parts = []
    for number in range(work.splitters.partitions):
        of = [batch.filter(pyarrow.compute.equal(batch.column(batch.num_columns - 1), number)) for batch in batches]
        parts.append([row for batch in work.sort(batch for batch in of if batch.num_rows) for row in batch.to_pylist()])
    assert sum(map(len, parts)) == len(rows)
    return parts


@pytest.mark.parametrize("seed", range(150))
def test_partitions_one_after_the_other_are_the_sorted_rows(seed):
    chosen = random.Random(seed)
    order = Order.of(chosen.choice(["version", "fold", "month"]), None, None)
    count, partitions = chosen.choice([0, 1, 2, 5, 50, 500]), chosen.choice([1, 2, 3, 8, 20])
    stems = ["a", "A", "v1", "v01", "v2", "v10", "jan", ""]
    words = [chosen.choice(stems) + chosen.choice(["", "x", "X"]) for _ in range(9)]
    keys = chosen.choices(words, [chosen.choice([1, 1, 50]) for _ in words], k=count)
    nulls = chosen.choice([0, 0.3])
    keys = [None if chosen.random() < nulls else key for key in keys]
    column = pyarrow.array([key if key is None else key.encode() for key in keys], pyarrow.binary())
    stable, descending = chosen.random() < 0.5, chosen.random() < 0.5
    drawn = chosen.sample(range(count), chosen.choice([0, count // 3, count]))
    sample = column.take(pyarrow.array(drawn, pyarrow.int64()))
    splitters = Splitters.of(order, sample, partitions, spread=not stable)
    ties = [chosen.randrange(-(2**63), 2**63) for _ in range(count)]
    if stable:
        ties = list(range(count))
    rows = pyarrow.table({"c0": column.cast(pyarrow.string()), "c1": range(count), "t": numpy.array(ties, numpy.int64)})
    parts = in_partitions(Partitions(splitters, 0, 2, descending, stable, check=True), rows, chosen)

    present = [key for key in keys if key is not None]
    rank = dict(zip(present, callbox.bundled(order.name).rank(present)))
    rank[None] = -1
    if stable:
        want = sorted(range(count), key=lambda row: rank[keys[row]], reverse=descending)
    else:
        bits = [(key or "").encode() for key in keys]
        want = sorted(range(count), key=lambda row: (rank[keys[row]], bits[row], ties[row]), reverse=descending)
    assert [row["c1"] for part in parts for row in part] == want
    if not stable and len(sample) == count == 500:
        # Up to half of a partition of equal keys may be on the wrong side of a cut, at either end.
        assert max(map(len, parts)) <= 2 * count / partitions + 25, [len(part) for part in parts]


def test_a_partition_of_more_bytes_than_32_bits_count_is_given_out_in_its_own_types(monkeypatch):
    monkeypatch.setattr(partitions, "WIDE", 1000)
    monkeypatch.setattr(partitions, "BYTES", 500)
    splitters = Splitters.of(Order.of("version", None, None), pyarrow.array([], pyarrow.binary()), 1, spread=True)
    keys = [f"v{number * 7 % 100}" for number in range(100)]
    nested = [{"s": [key, key], "m": {"a": key}} for key in keys]
    columns = {"c0": keys, "c1": nested, "t": range(100), "p": pyarrow.array([0] * 100, pyarrow.int32())}
    table = pyarrow.table(columns)
    work = Partitions(splitters, 0, 2, descending=False, stable=False, check=True)
    given = list(work.sort(table.to_batches(max_chunksize=7)))
    assert all(batch.schema == table.select(["c0", "c1"]).schema for batch in given)
    assert len(given) > 10 and all(sum(column.nbytes for column in batch.columns) <= 500 for batch in given)
    sorted_rows = sorted(table.select(["c0", "c1"]).to_pylist(), key=lambda row: int(row["c0"][1:]))
    assert [row for batch in given for row in batch.to_pylist()] == sorted_rows


def test_a_guest_that_is_another_one_in_the_worker_is_refused():
    there = Order.of("version", None, None)
    here = Order("fold", None, None, there.limits, there.sha256)
    with pytest.raises(callbox.RefusedError, match="SHA-256"):
        here.guest()
    assert there.guest() is there.guest()
