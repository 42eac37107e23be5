"""The order of a guest over a cluster: callbox.spark on a real Spark."""

import os
import pathlib
import re
import subprocess
import sys

import callbox
import pytest
from conftest import ROOT

pytest.importorskip("pyspark", reason="pyspark is not installed here")

from pyspark.errors import PythonException  # noqa: E402
from pyspark.sql import DataFrame, SparkSession, functions as F  # noqa: E402

import callbox.spark  # noqa: E402

ROWS = 5_000


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2,4]").appName("callbox")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        # Every partition is small enough to be merged with the next, where Spark may.
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": "1g",
        "spark.sql.session.timeZone": "UTC",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture
def guest(tmp_path):
    """Returns a function that writes a guest that compares runs of bytes, and returns its path."""

    def write(body: str, name: str = "guest") -> pathlib.Path:
        path = tmp_path / f"{name}.wat"
        parameters = "(param $a i32) (param $al i32) (param $b i32) (param $bl i32) (result i32)"
        function = f'(func (export "compare_bytes") {parameters} {body})'
        path.write_text(f'(module (memory (export "memory") 1) (global $calls (mut i32) (i32.const 0)) {function})')
        return path

    return write


def versions(spark: SparkSession, rows: int = ROWS) -> DataFrame:
    """Returns versions in no order, each with a number of its own."""
    number = F.pmod(F.xxhash64("id"), F.lit(1000))
    return spark.range(rows).select(F.concat(F.lit("v1."), number.cast("string")).alias("v"), "id")


def naive(version: str | None) -> tuple[bool, list[int], str]:
    return version is not None, [int(number) for number in re.findall(r"\d+", version or "")], version or ""


def sizes(df: DataFrame) -> list[int]:
    """Returns how many rows each partition has that has any."""
    counted = df.groupBy(F.spark_partition_id().alias("p")).count().orderBy("p").collect()
    return [row["count"] for row in counted]


def exchanges(df: DataFrame) -> int:
    plan = df._jdf.queryExecution().executedPlan().toString()
    return plan.count("Exchange ")


def test_the_first_program_of_the_page_prints_what_it_says(spark, capsys):
    blocks = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/spark.md").read_text(), re.DOTALL)
    assert [kind for kind, _ in blocks[:2]] == ["python", "text"]
    exec(blocks[0][1], {})
    assert capsys.readouterr().out.strip() == blocks[1][1].strip()


def test_rows_of_all_partitions_are_in_the_order_of_the_guest(spark):
    df = versions(spark)
    done = callbox.spark.sort(df, "v", guest="version", partitions=4, check=True)
    assert exchanges(done) == 1
    rows = done.collect()
    assert [row.v for row in rows] == sorted((row.v for row in df.collect()), key=naive)
    assert sorted(row.id for row in rows) == list(range(ROWS))
    assert done.schema == df.schema
    found = sizes(done)
    assert len(found) == 4 and max(found) < ROWS / 4 * 1.5, found


def test_a_result_is_the_same_when_it_is_computed_again_from_rows_that_come_otherwise(spark):
    df = versions(spark).drop("id").withColumn("w", F.lit("x"))
    first = callbox.spark.sort(df, "v", guest="version", partitions=4)
    again = callbox.spark.sort(df.repartition(7), "v", guest="version", partitions=3)
    assert first.collect() == first.collect() == again.collect()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("stable", [False, True])
def test_a_heavy_key_and_nulls_are_divided_unless_the_sort_is_stable(spark, stable, descending):
    heavy = F.when(F.col("id") % 20 == 0, None).when(F.col("id") % 20 < 18, F.lit("v1.500")).otherwise(F.col("v"))
    df = versions(spark).withColumn("v", heavy)
    done = callbox.spark.sort(df, "v", guest="version", partitions=8, stable=stable, descending=descending, check=True)
    rows = done.collect()
    assert [row.v for row in rows] == sorted((row.v for row in df.collect()), key=naive, reverse=descending)
    assert sorted(row.id for row in rows) == list(range(ROWS))
    if stable:
        same = [row.id for row in rows if row.v == "v1.500"]
        assert same == sorted(same)
        assert max(sizes(done)) >= len(same)
    else:
        assert max(sizes(done)) < ROWS / 8 * 1.5, sizes(done)


def test_keys_that_the_guest_calls_equal_are_divided_by_their_bytes(spark, guest):
    df = versions(spark)
    done = callbox.spark.sort(df, "v", guest=guest("(i32.const 0)"), partitions=4, check=True)
    assert [row.v for row in done.collect()] == sorted(row.v for row in df.collect())
    assert max(sizes(done)) < ROWS / 4 * 1.5


def test_equal_rows_are_counted_and_not_lost(spark):
    df = spark.range(ROWS).select(F.lit("same").alias("v"))
    done = callbox.spark.sort(df, "v", guest="version", partitions=4, check=True)
    assert done.count() == ROWS and sizes(done) == [ROWS]


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_frames_smaller_than_the_number_of_partitions_are_sorted(spark, rows):
    df = versions(spark, rows)
    done = callbox.spark.sort(df, "v", guest="version", partitions=5, check=True)
    assert [row.v for row in done.collect()] == sorted((row.v for row in df.collect()), key=naive)
    nulls = callbox.spark.sort(df.withColumn("v", F.lit(None).cast("string")), "v", guest="version", partitions=5)
    assert nulls.count() == rows


NUMBERS = "(id * 7919) % 101 - 50"


def less(key: object) -> tuple[bool, bool, object]:
    """Returns what Python orders keys by: nulls first, NaN last."""
    return key is not None, key != key, 0 if key is None else key


def test_each_type_crosses_as_what_it_is(spark, tmp_path):
    narrow = tmp_path / "narrow.wat"
    value = "(i32.load8_s (local.get {}))"
    narrow.write_text(
        '(module (memory (export "memory") 1) (func (export "compare") (param i32 i32) (result i32)'
        f" (i32.sub {value.format(0)} {value.format(1)})))"
    )
    for kind, expression, order in [
        ("string", "cast(id % 7 as string)", "bytes"),
        ("binary", "unhex(hex(id % 9))", "bytes"),
        ("tinyint", f"cast({NUMBERS} as tinyint)", narrow),
        ("smallint", f"cast({NUMBERS} as smallint)", narrow),
        ("int", f"cast({NUMBERS} as int)", "i32"),
        ("bigint", NUMBERS, "i64"),
        ("float", f"cast(({NUMBERS}) / 8 as float)", "f32"),
        ("double", f"if(id = 3, double('NaN'), ({NUMBERS}) / 8d)", "f64"),
        ("date", f"date_add(date'1970-01-01', cast({NUMBERS} as int))", "i32"),
        ("timestamp", f"timestamp_micros({NUMBERS})", "i64"),
        ("timestamp_ntz", f"cast(timestamp_micros(({NUMBERS}) * 1000000) as timestamp_ntz)", "i64"),
    ]:
        df = spark.range(300).select(F.expr(f"if(id % 50 = 49, null, {expression})").alias("k"), "id")
        assert df.schema["k"].dataType.simpleString() == kind
        done = callbox.spark.sort(df, "k", guest=order, partitions=2, check=True)
        assert done.schema == df.schema
        rows = done.collect()
        assert sorted(row.id for row in rows) == list(range(300))
        assert [less(row.k) for row in rows] == sorted(less(row.k) for row in rows), kind


def test_bytes_that_are_no_text_and_keys_of_a_mebibyte_are_kept(spark):
    long = F.when(F.col("id") % 10 == 0, F.repeat(F.lit("k"), 1 << 20)).otherwise(F.lit(""))
    key = F.concat(long.cast("binary"), F.unhex(F.lit("00ff")), F.unhex(F.hex("id")), F.unhex(F.lit("00")))
    df = spark.range(60).select(key.cast("string").alias("v"))
    done = callbox.spark.sort(df, "v", guest="bytes", partitions=3, check=True)
    digest = F.md5(F.col("v").cast("binary"))
    want = [row[0] for row in df.orderBy(F.col("v").cast("binary")).select(digest).collect()]
    assert [row[0] for row in done.select(digest).collect()] == want


def test_columns_are_found_by_name_or_are_expressions_whatever_they_are_called(spark):
    odd = ["a.b", "p", "t", "c0", "`q`", "same", "same", "V"]
    columns = [F.struct(F.col("v").alias("inner")), *[F.col("v") for _ in odd[1:]]]
    df = versions(spark, 200).select(*columns).toDF(*odd)
    want = sorted((row.v for row in versions(spark, 200).collect()), key=naive)
    for by in ["p", "`q`", "v", F.col("`a.b`.inner")]:
        done = callbox.spark.sort(df, by, guest="version", partitions=2)
        assert done.columns == odd
        assert [row[7] for row in done.collect()] == want
    for by, why in [("same", "several columns"), ("none", "no column"), ("a.b.inner", "no column")]:
        with pytest.raises(ValueError, match=why):
            callbox.spark.sort(df, by, guest="version")
    with pytest.raises(TypeError, match="this is struct<inner:string>"):
        callbox.spark.sort(df, "a.b", guest="version")


def test_what_cannot_be_sorted_is_refused_at_once(spark, tmp_path):
    df = versions(spark, 10)
    for key, type_ in [("true", "boolean"), ("1.5", r"decimal\(2,1\)"), ("array(1)", "array<int>")]:
        with pytest.raises(TypeError, match=f"this is {type_}"):
            callbox.spark.sort(df.withColumn("k", F.expr(key)), "k", guest="version")
    with pytest.raises(TypeError, match="one column"):
        callbox.spark.sort(df, ["v", "id"], guest="version")
    with pytest.raises(TypeError, match="stays in its process"):
        callbox.spark.sort(df, "v", guest=callbox.bundled("version"))
    with pytest.raises(ValueError, match="from 1 on"):
        callbox.spark.sort(df, "v", guest="version", partitions=0)
    with pytest.raises(callbox.RefusedError, match="compare"):
        callbox.spark.sort(df, "v", guest="i32")
    with pytest.raises(FileNotFoundError):
        callbox.spark.sort(df, "v", guest=tmp_path / "none.wasm")
    stream = spark.readStream.format("rate").load()
    with pytest.raises(ValueError, match="stream"):
        callbox.spark.sort(stream, "value", guest="i64")


def test_a_guest_that_fails_on_the_sample_fails_here(spark, guest):
    df = versions(spark, 500)
    with pytest.raises(callbox.GuestError, match="unreachable"):
        callbox.spark.sort(df, "v", guest=guest("unreachable"))
    with pytest.raises(callbox.LimitError, match="fuel"):
        endless = guest("(loop $again (br $again)) (i32.const 0)")
        callbox.spark.sort(df, "v", guest=endless, limits=callbox.Limits(fuel=100_000))


# Shorter keys first, and the end at a key that begins with "!".
LATE = """
    (if (i32.eq (i32.load8_u (local.get $a)) (i32.const 33)) (then unreachable))
    (if (i32.eq (i32.load8_u (local.get $b)) (i32.const 33)) (then unreachable))
    (i32.sub (local.get $al) (local.get $bl))"""


def test_a_guest_that_fails_later_fails_the_job_and_names_the_item(spark, guest):
    bad = F.concat(F.lit("!\x1b[31m\n"), F.repeat(F.lit("x"), 100_000))
    df = versions(spark).withColumn("v", F.when(F.col("id") == 2_345, bad).otherwise(F.col("v")))
    done = callbox.spark.sort(df, "v", guest=guest(LATE), partitions=2, sample=10)
    with pytest.raises(PythonException) as failure:
        done.collect()
    text = str(failure.value)
    assert "callbox.GuestError" in text and "unreachable" in text and "compare_bytes" in text
    assert "!\\u{1b}[31m\\n" in text and "\x1b" not in text
    assert len(text) < 20_000


def test_a_liar_gets_an_error_or_a_permutation(spark):
    df = spark.range(3000).select(F.expr(f"cast({NUMBERS} as int)").alias("k"), "id")
    for name in ["always-less", "cyclic", "moody", "random", "scribbler", "alternating"]:
        try:
            done = callbox.spark.sort(df, "k", guest=ROOT / f"wat/hostile/{name}.wat", partitions=3)
            assert sorted(row.id for row in done.collect()) == list(range(3000)), name
        except callbox.GuestError:
            pass
        except PythonException as error:
            assert re.search(r"callbox\.(ContradictionError|GuestError)", str(error)), name


def test_a_check_finds_a_lie_about_one_pair_of_neighbours(spark, guest):
    # Orders by the last byte, but for the pairs of "o" and "p", the later of which is first in every other answer.
    last = "(i32.load8_u (i32.sub (i32.add (local.get ${0}) (local.get ${0}l)) (i32.const 1)))"
    a, b = last.format("a"), last.format("b")
    lie = f"""
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.and (i32.eq (i32.add {a} {b}) (i32.const 223)) (i32.gt_u (global.get $calls) (i32.const 12)))
        (then (return (i32.sub {b} {a}))))
      (i32.sub {a} {b})"""
    df = spark.range(60).select(F.expr("char(97 + id % 26)").alias("v"))
    path = guest(lie)
    with pytest.raises((PythonException, callbox.ContradictionError)) as failure:
        callbox.spark.sort(df, "v", guest=path, partitions=1, check=True, sample=1).collect()
    assert "ContradictionError" in repr(failure.value) or "ContradictionError" in str(failure.value)


def test_tasks_that_fail_and_workers_that_are_killed_lose_no_row(spark, tmp_path):
    marks = str(tmp_path)

    def once(batches):
        for number, batch in enumerate(batches):
            for kind in ["raise", "kill"]:
                mark = pathlib.Path(marks, kind)
                if number == 0 and not mark.exists():
                    mark.touch()
                    if kind == "raise":
                        raise OSError("the first time")
                    os.kill(os.getpid(), 9)
            yield batch

    df = versions(spark)
    done = callbox.spark.sort(df, "v", guest="version", partitions=4)
    broken = callbox.spark.sort(df.mapInArrow(once, df.schema), "v", guest="version", partitions=4)
    for mark in pathlib.Path(marks).iterdir():
        mark.unlink()
    assert broken.collect() == done.collect()
    assert sorted(mark.name for mark in pathlib.Path(marks).iterdir()) == ["kill", "raise"]


def test_the_order_is_that_of_the_first_rows_and_of_the_files(spark, tmp_path):
    import pyarrow.parquet

    df = versions(spark)
    want = sorted((row.v for row in df.collect()), key=naive)
    done = callbox.spark.sort(df, "v", guest="version", partitions=4)
    assert [row.v for row in done.limit(30).collect()] == [row.v for row in done.head(30)] == want[:30]
    assert [row.v for row in done.tail(3)] == want[-3:]
    place = F.monotonically_increasing_id()
    kept = done.withColumn("place", place).repartition(3).orderBy("place")
    assert [row.v for row in kept.collect()] == want
    # Snappy's library does not load where musl is installed beside glibc.
    done.write.parquet(str(tmp_path / "out"), compression="none")
    files = sorted((tmp_path / "out").glob("part-*.parquet"))
    assert len(files) == 4
    assert [v for file in files for v in pyarrow.parquet.read_table(file)["v"].to_pylist()] == want


def test_spark_orders_by_the_keys_that_a_guest_makes(spark):
    df = versions(spark).withColumn("v", F.when(F.col("id") != 7, F.col("v")))
    key = callbox.spark.sort_key("version")
    rows = df.orderBy(key("v"), "v").collect()
    assert [row.v for row in rows] == sorted((row.v for row in df.collect()), key=naive)
    with pytest.raises(callbox.RefusedError, match="sort_key"):
        callbox.spark.sort_key("i32")


CONNECT = """
from pyspark.sql import SparkSession, functions as F
import callbox.spark
spark = SparkSession.builder.remote("local[2]").getOrCreate()
df = spark.range(2000).select(F.concat(F.lit("v"), (F.col("id") * 7 % 1009).cast("string")).alias("v"), "id")
done = callbox.spark.sort(df, "v", guest="version", partitions=3, check=True).collect()
assert [row.v for row in done] == sorted((row.v for row in df.collect()), key=lambda v: int(v[1:]))
print("served by", type(spark).__module__)
"""


def test_spark_connect_is_served():
    pytest.importorskip("grpc", reason="Spark Connect needs grpc")
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", CONNECT], env=environment, capture_output=True, text=True)
    assert "served by pyspark.sql.connect.session" in done.stdout, done.stderr[-3000:]


def test_callbox_itself_imports_neither_spark_nor_arrow():
    program = "import sys, callbox, callbox.spark; print({'pyspark', 'pyarrow', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"
