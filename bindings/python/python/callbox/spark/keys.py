"""The bytes by which Spark orders, made by a guest in its workers."""

from collections.abc import Callable
from typing import Any

from .guest import Order


def function(order: Order) -> Callable[[Any], Any]:
    """Returns a function of binary columns of Spark's."""
    import pyarrow as arrow
    from pyspark.sql import functions

    F: Any = functions  # whose overloads take no function of untyped arrays
    made: Callable[[Any], Any]
    if hasattr(F, "arrow_udf"):

        def of_arrow(column: arrow.Array) -> arrow.Array:
            return arrow.array(order.guest().sort_key(column), arrow.binary())

        made = F.arrow_udf(of_arrow, "binary")
        return made

    # Before Spark 4.1.
    import pandas

    def of_pandas(column: pandas.Series) -> pandas.Series:
        return pandas.Series(order.guest().sort_key(column.tolist()), dtype=object)

    made = F.pandas_udf(of_pandas, "binary")
    return made
