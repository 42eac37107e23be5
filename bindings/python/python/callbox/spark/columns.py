"""Columns of keys, as guests compare them."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy
import pyarrow as arrow

import callbox

# Arrow's types in which guests get keys of Spark's.
_KINDS = {
    "string": arrow.binary(),
    "binary": arrow.binary(),
    "byte": arrow.int8(),
    "short": arrow.int16(),
    "integer": arrow.int32(),
    "long": arrow.int64(),
    "float": arrow.float32(),
    "double": arrow.float64(),
    "date": arrow.int32(),
    "timestamp": arrow.int64(),
    "timestamp_ntz": arrow.int64(),
}


def empty(kind: str, text: str) -> Any:
    """Returns no keys of one of Spark's types, or raises TypeError."""
    if kind not in _KINDS:
        raise TypeError(f"a key is one of {', '.join(_KINDS)}, and this is {text}; cast it, or make a binary of it")
    return arrow.array([], _KINDS[kind])


def keys(column: Any) -> Any:
    """Returns a column as a guest gets it: bytes or numbers, where the column has them."""
    kind = column.type
    if arrow.types.is_string(kind):
        # Spark's strings need not be UTF-8.
        return column.view(arrow.binary())
    if arrow.types.is_large_string(kind):
        return column.view(arrow.large_binary())
    if arrow.types.is_date32(kind):
        return column.view(arrow.int32())
    if arrow.types.is_timestamp(kind):
        return column.view(arrow.int64())
    return column


def bits(column: Any) -> Any:
    """Returns keys as what decides where a guest calls them equal: their bytes, or their bits as an integer."""
    if arrow.types.is_float64(column.type):
        return column.view(arrow.int64())
    if arrow.types.is_float32(column.type):
        return column.view(arrow.int32())
    return column


def numbers(found: Any) -> Any:
    """Returns what argsort, rank and search have found, as an array of numpy."""
    return numpy.frombuffer(found, dtype=numpy.int64)


def check_order(guest: callbox.Guest, column: Any, export: str | None) -> None:
    """Raises ContradictionError where the guest says that a key is after the next."""
    try:
        # A search begins with a check of the keys that it searches in.
        guest.search(column, column.slice(0, 0), export=export)
    except callbox.RefusedError as error:
        raise callbox.ContradictionError(str(error)) from None


def to_streams(batches: Iterable[Any]) -> Iterator[Any]:
    """Gives out each batch of one column of keys as a row that has a stream of Arrow's."""
    for batch in batches:
        column = arrow.record_batch([keys(batch.column(0))], names=["key"])
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, column.schema) as stream:
            stream.write_batch(column)
        yield arrow.record_batch([arrow.array([sink.getvalue().to_pybytes()], arrow.binary())], names=["stream"])


def from_streams(none: Any, streams: list[bytes]) -> Any:
    """Returns the keys of all streams."""
    read = [arrow.ipc.open_stream(stream).read_all().column(0).cast(none.type) for stream in streams]
    return arrow.concat_arrays([none, *(chunk for column in read for chunk in column.chunks)])
