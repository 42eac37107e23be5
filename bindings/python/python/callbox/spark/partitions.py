"""Rows of a partition in order, as batches of Arrow's in a worker of Spark's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy
import pyarrow as arrow
import pyarrow.compute

from .columns import bits, check_order, keys, numbers
from .splitters import Splitters

# Rows and bytes of a batch that is given out.
ROWS, BYTES = 10_000, 64 << 20

# Bytes of a column from which on 32 bits may not count them.
WIDE = 2**31 - 1


@dataclass(frozen=True)
class Partitions:
    """A sort of rows whose last two columns are the tie and, once it is known, the partition."""

    splitters: Splitters
    # Number of the column with the keys.
    key: int
    # How many columns the rows have that are given out.
    width: int
    descending: bool
    stable: bool
    check: bool

    def assign(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Adds the partition to each row."""
        last = self.splitters.partitions - 1
        for batch in batches:
            places = self.splitters.place(keys(batch.column(self.key)), batch.column(batch.num_columns - 1).to_numpy())
            places = last - places if self.descending else places
            columns = [*batch.columns, arrow.array(places, arrow.int32())]
            yield arrow.RecordBatch.from_arrays(columns, names=[*batch.schema.names, "p"])

    def sort(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Gives out the rows of a partition in order."""
        all_batches = list(batches)
        if not all_batches:
            return
        table = arrow.Table.from_batches(all_batches)
        del all_batches
        names = table.schema.names[: self.width]
        kinds = table.schema.types[: self.width]
        rows = self._order(_whole(table.column(self.key)), _whole(table.column(-2)), table.column(-1))
        columns = [_whole(table.column(at)) for at in range(self.width)]
        del table
        for start in range(0, len(rows), ROWS):
            for part in _parts(columns, rows[start : start + ROWS]):
                narrow = [column.cast(kind) if column.type != kind else column for column, kind in zip(part, kinds)]
                yield arrow.RecordBatch.from_arrays(narrow, names=names)

    def _order(self, column: Any, ties: Any, places: Any) -> Any:
        """Returns the numbers of the rows in their order."""
        order = self.splitters.order
        column = keys(column)
        # Equal keys are put in order first, and a stable sort by the guest keeps it.
        direction = "descending" if self.descending and not self.stable else "ascending"
        by = ["tie"] if self.stable else ["bits", "tie"]
        table = arrow.table({"bits": bits(column), "tie": ties})
        before = arrow.compute.sort_indices(table, [(name, direction) for name in by]).to_numpy()
        column = column.take(arrow.array(before))
        rows = numbers(order.guest().argsort(column, reverse=self.descending, export=order.export))
        present = len(column) - column.null_count
        if self.check:
            self._check(column, rows[:present], places)
        if not self.descending:
            rows = numpy.concatenate((rows[present:], rows[:present]))
        return before[rows]

    def _check(self, column: Any, rows: Any, places: Any) -> None:
        """Asks a fresh guest about each two neighbours, and about the borders of the partition."""
        guest, splitters = self.splitters.order.fresh(), self.splitters
        column = column.take(arrow.array(rows[::-1] if self.descending else rows))
        check_order(guest, column, splitters.order.export)
        for place in arrow.compute.unique(places).to_pylist():
            splitters.check(guest, column, splitters.partitions - 1 - place if self.descending else place)


def _whole(column: Any) -> Any:
    """Returns a column in one piece."""
    if column.nbytes >= WIDE:
        column = column.cast(_wide(column.type))
    return column.combine_chunks()


def _wide(kind: Any) -> Any:
    """Returns a type with offsets of 64 bits."""
    types = arrow.types
    if types.is_string(kind):
        return arrow.large_string()
    if types.is_binary(kind):
        return arrow.large_binary()
    if types.is_list(kind):
        return arrow.large_list(kind.value_field.with_type(_wide(kind.value_type)))
    if types.is_struct(kind):
        return arrow.struct([field.with_type(_wide(field.type)) for field in kind])
    return kind


def _parts(columns: list[Any], rows: Any) -> Iterator[list[Any]]:
    """Gives out rows of columns, so few at a time that they are no more than BYTES, or one."""
    part = [column.take(arrow.array(rows)) for column in columns]
    if len(rows) > 1 and sum(column.nbytes for column in part) > BYTES:
        del part
        middle = len(rows) // 2
        yield from _parts(columns, rows[:middle])
        yield from _parts(columns, rows[middle:])
    else:
        yield part
