"""Ranges of an order, one for each partition."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import numpy
import pyarrow as arrow
import pyarrow.compute

import callbox

from .columns import bits, check_order, numbers
from .guest import Order

Ints: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]
Floats: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.float64]]

# The bytes of a key, where in its range of hashes the cut is, and how far the next one.
Cut: TypeAlias = tuple[Any, float, float]


@dataclass(frozen=True)
class Shares:
    """Cuts within keys that a guest calls equal, or within nulls.

    Bytes decide among them, and among rows with the same bytes a hash of the row: `count` cuts lie at `start`,
    `start + step` … of the range of hashes, 0 to 1. Nothing depends on the order in which rows come, so that a task
    that runs again sends each row to the same partition.
    """

    values: list[Any]
    count: Ints
    start: Floats
    step: Floats

    @classmethod
    def of(cls, cuts: list[Cut]) -> "Shares":
        """Takes cuts in order."""
        runs = [list(run) for _, run in groupby(cuts, key=lambda cut: cut[0])]
        values = [run[0][0] for run in runs]
        start, step = (numpy.array([run[0][at] for run in runs]) for at in (1, 2))
        return cls(values, numpy.array([len(run) for run in runs]), start, step)

    def before(self, column: Any, hashes: Ints) -> Ints:
        """Returns for each row how many of the cuts are before it."""
        encoded = column.dictionary_encode()
        words, codes = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
        place = numpy.array([bisect_right(self.values, word) for word in words], numpy.int64)
        exact = numpy.array([at > 0 and self.values[at - 1] == word for at, word in zip(place, words)], bool)
        return self._before(place[codes], exact[codes], hashes)

    def _before(self, place: Ints, exact: Any, hashes: Ints) -> Ints:
        total = numpy.concatenate(([0], numpy.cumsum(self.count)))
        at = numpy.maximum(place - 1, 0)
        share = hashes / 2.0**64 + 0.5
        within = numpy.floor((share - self.start[at]) / self.step[at]) + 1
        within = numpy.clip(within, 0, self.count[at]).astype(numpy.int64)
        return numpy.asarray(numpy.where(exact, total[at] + within, total[place]))

    def before_nulls(self, hashes: Ints) -> Ints:
        """Returns for each row with a null how many of the cuts are before it."""
        return self._before(numpy.ones(len(hashes), numpy.int64), numpy.True_, hashes)


@dataclass(frozen=True)
class Splitters:
    """The cuts between partitions, which are made once, by the program that sorts.

    Cuts that fall on keys that the guest calls equal have one key here, and `first` says how many cuts are before each
    key, and how many there are. All rows with a key go before its cut, unless it is heavy and has `shares`.
    """

    order: Order
    partitions: int
    keys: Any
    first: Ints
    shares: dict[int, Shares]
    nulls: Shares | None
    # For each cut its key, and -1 for one among nulls.
    key_of: list[int]

    @classmethod
    def of(cls, order: Order, sample: Any, partitions: int, spread: bool) -> "Splitters":
        """Makes cuts at equal distances in a sample. With `spread`, equal keys may go to several partitions."""
        present = sample.drop_null()
        nulls, total = sample.null_count, len(sample)
        ranks = numbers(order.guest().rank(present, export=order.export))
        table = arrow.table({"rank": ranks, "bits": bits(present)})
        sort = arrow.compute.sort_indices(table, [("rank", "ascending"), ("bits", "ascending")])
        present, ranks = present.take(sort), ranks[sort.to_numpy()]
        same = bits(present)
        starts = _starts(same, ranks)
        of_nulls: list[Cut] = []
        cuts: list[list[Cut]] = []
        chosen: list[int] = []
        key_of: list[int] = []
        for cut in range(1, partitions) if total else ():
            at = cut * total / partitions
            if at < nulls:
                of_nulls.append((None, at / nulls, total / partitions / nulls))
                key_of.append(-1)
                continue
            run = bisect_right(starts, int(at) - nulls) - 1
            begin, size = starts[run], starts[run + 1] - starts[run]
            share = (same[begin].as_py(), (at - nulls - begin) / size, total / partitions / size)
            if not chosen or ranks[chosen[-1]] != ranks[begin]:
                chosen.append(begin)
                cuts.append([share])
            else:
                cuts[-1].append(share)
            key_of.append(len(chosen) - 1)
        keys = present.take(arrow.array(chosen, arrow.int64()))
        check_order(order.guest(), keys, order.export)
        counts = [len(of_nulls), *map(len, cuts)]
        # Keys that are equal and more than half of a partition may go to several.
        equal = numpy.bincount(ranks)[ranks[chosen]] if chosen else []
        heavy = [spread and 2 * count * partitions > total for count in equal]
        shares = {at: Shares.of(cuts[at]) for at in numpy.flatnonzero(heavy).tolist()}
        of_null = Shares.of(of_nulls) if spread and of_nulls else None
        return cls(order, partitions, keys, numpy.cumsum(counts), shares, of_null, key_of)

    def place(self, column: Any, ties: Ints) -> Ints:
        """Returns the partition of each row, of keys in ascending order, nulls first."""
        guest, export = self.order.guest(), self.order.export
        try:
            found = numbers(guest.search(self.keys, column, export=export))
        except callbox.RefusedError as error:
            # The splitters were in order when they were made.
            raise callbox.ContradictionError(str(error)) from None
        places: Ints = self.first[found]
        for key, shares in self.shares.items():
            rows = numpy.flatnonzero(found == key)
            one = self.keys.slice(key, 1)
            equal = numbers(guest.search(one, column.take(arrow.array(rows)), side="right", export=export)) == 1
            rows = rows[equal]
            places[rows] += shares.before(bits(column).take(arrow.array(rows)), ties[rows])
        if column.null_count:
            rows = numpy.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
            places[rows] = self.nulls.before_nulls(ties[rows]) if self.nulls else 0
        return places

    def check(self, guest: callbox.Guest, column: Any, partition: int) -> None:
        """Raises ContradictionError where a key of a partition, in order and without nulls, is beyond its cuts."""
        if not len(column) or not self.key_of:
            return

        def check_pair(first: Any, second: Any) -> None:
            check_order(guest, arrow.concat_arrays([first, second]), self.order.export)

        keys = self.keys.cast(column.type)
        if partition > 0 and (key := self.key_of[partition - 1]) >= 0:
            check_pair(keys.slice(key, 1), column.slice(0, 1))
        if partition < self.partitions - 1:
            key = self.key_of[partition]
            if key < 0:
                raise callbox.ContradictionError("a key is in a partition of nulls")
            check_pair(column.slice(len(column) - 1), keys.slice(key, 1))


def _starts(same: Any, ranks: Ints) -> list[int]:
    """Returns where runs of the same bytes start, and the length."""
    if not len(same):
        return [0]
    changes = arrow.compute.not_equal(same.slice(1), same.slice(0, len(same) - 1)).to_numpy(zero_copy_only=False)
    changes = changes | (ranks[1:] != ranks[:-1])
    return [0, *(numpy.flatnonzero(changes) + 1).tolist(), len(same)]
