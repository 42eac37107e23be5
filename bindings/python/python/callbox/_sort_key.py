"""The bytes by which Spark orders, made by a guest in its workers."""

from collections.abc import Callable
from typing import Any

from ._order import Order


def function(order: Order) -> Callable[[Any], Any]:
    """Returns a function of binary columns of Spark's."""
    import pyarrow as arrow
    from pyspark.sql import functions as F

    if hasattr(F, "arrow_udf"):

        def of_arrow(column: arrow.Array) -> arrow.Array:
            return arrow.array(order.guest().sort_key(column), arrow.binary())

        made: Callable[[Any], Any] = F.arrow_udf(of_arrow, "binary")
        return made

    # Before Spark 4.1.
    import pandas
    from pyspark.sql.pandas.functions import pandas_udf

    def of_pandas(column: pandas.Series) -> pandas.Series:
        return pandas.Series(order.guest().sort_key(column.tolist()), dtype=object)

    made = pandas_udf(of_pandas, "binary")  # type: ignore[call-overload]
    return made
