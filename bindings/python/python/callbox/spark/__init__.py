"""The rows of a cluster in the order of a guest, on Spark's own shuffle.

Needs pyspark 3.5 or newer, and callbox on every worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import callbox

if TYPE_CHECKING:
    from os import PathLike

    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType, StructField

__all__ = ["sort", "sort_key"]

# Rows that a partition has at least, about, where the number of partitions is not said.
_LEAST_ROWS = 10_000

# Bytes of keys that the driver takes as a sample at most, about.
_SAMPLE_BYTES = 64 << 20

# A sample that is taken again is the same one.
_SEED = 1


def sort(
    df: DataFrame,
    by: str | Column,
    *,
    guest: bytes | str | PathLike[str],
    partitions: int | None = None,
    descending: bool = False,
    stable: bool = False,
    limits: callbox.Limits | None = None,
    check: bool = False,
    export: str | None = None,
    sample: int = 100,
) -> DataFrame:
    """Returns the rows of a DataFrame in the order that a guest says of a column.

    ``guest`` is the bytes of a module, the name of a bundled guest, or a path, which is read here. Of the column a
    ``sample`` of so many keys for each partition is taken now; all the rest happens where the result is used. Rows
    whose keys the guest calls equal are in the order of the keys' bytes, and with ``stable`` as they come. Nulls are
    first, and last where ``descending``. With ``check``, a fresh guest is asked about every two neighbours.
    ``limits`` hold for each call: a batch that is divided among the partitions, or a partition that is sorted.

    Raises what ``Guest.rank`` raises where the guest fails on the sample; what fails later fails Spark's job.
    """
    from pyspark.sql.types import IntegerType, StructField, StructType

    from .guest import Order
    from .partitions import Partitions
    from .splitters import Splitters

    if partitions is not None and partitions < 1 or sample < 1:
        raise ValueError("partitions and sample are numbers from 1 on")
    if isinstance(by, (list, tuple)):
        raise TypeError("by is one column, as a guest compares two values; make one binary or string of several")
    if df.isStreaming:
        raise ValueError("a stream has no end, so that it cannot be sorted; sort the batches of foreachBatch")
    order = Order.of(guest, export, limits)
    width = len(df.columns)
    key = _number_of(df, by) if isinstance(by, str) else width
    rows = df if isinstance(by, str) else df.select("*", by)
    # Names that are there twice, or are odd, or are those of the columns to come, do not matter by number.
    rows = rows.toDF(*(f"c{number}" for number in range(len(rows.columns))))
    fields = rows.schema.fields
    keys, partitions = _sampled(rows, fields[key], sample, partitions)
    splitters = Splitters.of(order, keys, partitions, spread=not stable)
    work = Partitions(splitters, key, width, descending, stable, check)

    def assign(batches: Iterable[Any]) -> Iterator[Any]:
        return work.assign(batches)

    def in_order(batches: Iterable[Any]) -> Iterator[Any]:
        return work.sort(batches)

    rows = rows.select("*", _tie(fields, stable).alias("t"))
    rows = rows.mapInArrow(assign, StructType([*rows.schema.fields, StructField("p", IntegerType())]))
    rows = _exchanged(rows, partitions)
    rows = rows.mapInArrow(in_order, StructType(fields[:width]))
    return rows.toDF(*df.columns)


def sort_key(
    guest: bytes | str | PathLike[str], *, limits: callbox.Limits | None = None
) -> Callable[[str | Column], Column]:
    """Returns a function that makes binary columns of string or binary ones, whose order is that of the guest.

    ``df.orderBy(sort_key("version")("v"))`` is sorted by Spark, which spills. The guest exports ``sort_key``, beside
    its comparator; a guest without it is refused here.
    """
    from . import keys
    from .guest import Order

    order = Order.of(guest, None, limits)
    order.guest().sort_key([])
    made = keys.function(order)

    def key(column: str | Column) -> Column:
        from pyspark.sql import functions as F

        keys: Column = made((F.col(column) if isinstance(column, str) else column).cast("binary"))
        return keys

    return key


def _number_of(df: DataFrame, name: str) -> int:
    """Returns the number of the column of this name, in which dots and backquotes are like other characters."""
    found = [number for number, column in enumerate(df.columns) if column == name]
    if not found and df.sparkSession.conf.get("spark.sql.caseSensitive") != "true":
        found = [number for number, column in enumerate(df.columns) if column.lower() == name.lower()]
    if len(found) != 1:
        there = "several columns are" if found else "no column is"
        raise ValueError(f"{there} named {name!r} among {df.columns}; a field of a struct is col('struct.field')")
    return found[0]


def _sampled(rows: DataFrame, field: StructField, sample: int, partitions: int | None) -> tuple[Any, int]:
    """Returns about so many keys for each partition, evenly drawn, and the number of partitions."""
    from pyspark.sql import functions as F

    from . import columns

    kind = field.dataType.typeName()
    empty = columns.empty(kind, field.dataType.simpleString())
    keys = rows.select(field.name)
    size = F.octet_length(field.name) if kind in ("string", "binary") else F.lit(8)
    counted = keys.agg(F.count(F.lit(1)).alias("rows"), F.sum(size).alias("bytes")).collect()[0]
    if partitions is None:
        most = int(rows.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
        partitions = min(most, max(1, counted["rows"] // _LEAST_ROWS))
    share = min(sample * partitions / (counted["rows"] or 1), _SAMPLE_BYTES / (counted["bytes"] or 1))
    drawn = keys.sample(fraction=share, seed=_SEED) if share < 1 else keys
    streams = drawn.mapInArrow(columns.to_streams, "stream binary").collect()
    return columns.from_streams(empty, [row["stream"] for row in streams]), partitions


def _tie(fields: list[StructField], stable: bool) -> Column:
    """Returns what decides between rows with equal keys: where they are, or a hash of all that has one."""
    from pyspark.sql import functions as F

    if stable:
        return F.monotonically_increasing_id()
    hashed = [field.name for field in fields if _has_hash(field.dataType)]
    return F.xxhash64(*hashed) if hashed else F.lit(0).cast("long")


def _has_hash(kind: DataType) -> bool:
    text = kind.simpleString()
    return "map<" not in text and "variant" not in text


def _exchanged(rows: DataFrame, partitions: int) -> DataFrame:
    """Returns the rows in the partitions whose numbers are in the column p."""
    from pyspark.sql import functions as F

    if hasattr(rows, "repartitionById"):
        return rows.repartitionById(partitions, "p")
    # Before Spark 4.1 only a hash chooses the partition. A number is found for each whose hash chooses it.
    some = rows.sparkSession.range(1000 + 50 * partitions).select(F.col("id").cast("int"))
    chosen = some.groupBy(F.pmod(F.hash("id"), F.lit(partitions)).alias("p")).agg(F.min("id")).orderBy("p").collect()
    if len(chosen) != partitions:
        raise RuntimeError(f"no numbers were found whose hashes choose {partitions} partitions")
    numbers = F.lit([number for _, number in chosen])
    return rows.repartition(partitions, F.element_at(numbers, F.col("p") + 1))
