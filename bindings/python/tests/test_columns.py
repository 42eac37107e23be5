"""Columns of other libraries, none of which the package imports."""

import subprocess
import sys

import callbox
import pytest

VERSIONS = ["v1.10", "v1.9", "v1.2", "v1.10", "", "v2"]
ORDER = [4, 2, 1, 0, 3, 5]
RANKS = [3, 2, 1, 3, 0, 4]
WITH_NULLS = ["v1.10", None, "v1.9"]


def test_nothing_else_is_imported():
    program = "import sys, callbox; print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_numpy_strings(version):
    numpy = pytest.importorskip("numpy")
    for values in [numpy.array(VERSIONS), numpy.array(VERSIONS, dtype="S"), numpy.array(VERSIONS, dtype=object)]:
        order = version.argsort(values)
        assert order.tolist() == ORDER
        assert values[order].tolist() == [values[at] for at in ORDER]
        assert version.rank(values).tolist() == RANKS
        assert [str(v) for v in version.sorted(values)] == [str(values[at]) for at in ORDER]
    for dtype in ["U", "S"]:
        values = numpy.array(VERSIONS, dtype=dtype)
        version.sort(values)
        assert values.astype("U").tolist() == [VERSIONS[at] for at in ORDER]
    names = numpy.array(["naïve", "名前", "z"])
    assert callbox.bundled("bytes").sorted(names) == ["naïve", "z", "名前"]


def test_sort_keys_sort_columns_in_an_engine_that_takes_no_comparator():
    duckdb = pytest.importorskip("duckdb")
    pyarrow = pytest.importorskip("pyarrow")
    fold = callbox.bundled("fold")
    values = pyarrow.chunked_array([["b", None, "A"], ["", "B", "a", "ab", "\x00"]])
    table = pyarrow.table({"v": values, "k": pyarrow.array(fold.sort_key(values), pyarrow.binary())})
    with duckdb.connect() as connection:
        connection.register("t", table)
        found = connection.sql("SELECT v FROM t ORDER BY k NULLS LAST, v").fetchall()
    assert [v for (v,) in found] == ["", "\x00", "A", "a", "ab", "B", "b", None]


def test_sort_keys_of_every_kind_of_values():
    fold = callbox.bundled("fold")
    assert fold.sort_key([]) == []
    assert fold.sort_key([None, "é", None]) == [None, "é".encode(), None]
    assert fold.sort_key([b"\xff", b""]) == [b"\xff", b""]
    numpy = pytest.importorskip("numpy")
    assert fold.sort_key(numpy.array(["b", "A"])) == [b"B", b"A"]
    with pytest.raises(TypeError, match="and these are numbers or records"):
        fold.sort_key(numpy.array([1, 2]))
    with pytest.raises(callbox.RefusedError, match='no export "sort_key"'):
        callbox.bundled("i32").sort_key(["a"])
    with pytest.raises(callbox.LimitError, match='making the key of "a"'):
        endless = """(module (memory (export "memory") 1) (func (export "sort_key") (param i32 i32 i32 i32)
            (result i32) (loop $ever (br $ever)) (i32.const 0)))"""
        callbox.loads(endless, limits=callbox.Limits(fuel=10**6)).sort_key(["a"])


def test_numpy_numbers_and_records():
    numpy = pytest.importorskip("numpy")
    numbers = numpy.random.default_rng(1).integers(-1000, 1000, 5000, dtype=numpy.int32)
    guest = callbox.bundled("i32")
    assert numpy.array_equal(guest.argsort(numbers), numpy.argsort(numbers, kind="stable"))
    assert numpy.array_equal(guest.rank(numbers), numpy.unique(numbers, return_inverse=True)[1])
    edges = numpy.array([-500, 0, 500], dtype=numpy.int32)
    for side in ["left", "right"]:
        assert numpy.array_equal(guest.search(edges, numbers, side=side), numpy.searchsorted(edges, numbers, side))
    matrix = numpy.asfortranarray(numbers[:5000].reshape(50, 100))
    column, expected = matrix[:, 3], sorted(matrix[:, 3])
    guest.sort(column)
    assert matrix[:, 3].tolist() == expected
    guest.sort(matrix[7, ::-1])
    assert matrix[7].tolist() == sorted(matrix[7], reverse=True)
    for dtype, name in [("i8", "i64"), ("u4", "u32"), ("u8", "u64"), ("f4", "f32"), ("f8", "f64")]:
        values = numbers.astype(dtype)
        assert numpy.array_equal(callbox.bundled(name).argsort(values), numpy.argsort(values, kind="stable"))
    with pytest.raises(TypeError, match="big-endian"):
        guest.sort(numbers.astype(">i4"))
    with pytest.raises(TypeError, match="big-endian"):
        guest.argsort(numbers.astype(">i4"))
    with pytest.raises(ValueError, match="one dimension"):
        guest.argsort(numbers.reshape(2, -1))
    records = numpy.array([(2, 1), (1, 5)], dtype=[("a", "<i2"), ("b", "<i2")])
    by_first = callbox.loads(
        """(module (memory (export "memory") 1) (func (export "compare") (param i32 i32) (result i32)
               (i32.sub (i32.load16_s (local.get 0)) (i32.load16_s (local.get 1)))))"""
    )
    by_first.sort(records)
    assert records.tolist() == [(1, 5), (2, 1)]
    assert by_first.argsort(records).tolist() == [0, 1]
    with pytest.raises(TypeError, match="objects"):
        guest.sort(numpy.array([1, 2], dtype=object))


def test_numpy_sorts_empty_and_strings_of_no_width(version):
    numpy = pytest.importorskip("numpy")
    callbox.bundled("i32").sort(numpy.array([], dtype=numpy.int32))
    assert version.argsort(numpy.array([], dtype="U5")).tolist() == []
    assert version.argsort(numpy.array(["", ""])).tolist() == [0, 1]


def test_pyarrow_columns(version):
    pyarrow = pytest.importorskip("pyarrow")
    for typ in ["string", "large_string", "binary", "large_binary", "string_view", "binary_view"]:
        values = pyarrow.array(VERSIONS, type=getattr(pyarrow, typ)())
        order = version.argsort(values)
        assert order.tolist() == ORDER, typ
        assert version.rank(values).tolist() == RANKS
        assert version.argsort(values.slice(1, 3)).tolist() == [1, 0, 2]
        with_nulls = pyarrow.array(WITH_NULLS, type=getattr(pyarrow, typ)())
        assert version.argsort(with_nulls).tolist() == [2, 0, 1], typ
        assert version.rank(with_nulls).tolist() == [1, 2, 0]
    values = pyarrow.array(VERSIONS)
    assert values.take(pyarrow.array(version.argsort(values))).to_pylist() == [VERSIONS[at] for at in ORDER]
    chunked = pyarrow.chunked_array([VERSIONS[:2], VERSIONS[2:], []])
    assert version.argsort(chunked).tolist() == ORDER
    assert version.argsort(pyarrow.chunked_array([VERSIONS])).tolist() == ORDER
    assert version.argsort(pyarrow.chunked_array([], type=pyarrow.string())).tolist() == []
    words = pyarrow.array(WITH_NULLS + ["v1.10"]).dictionary_encode()
    assert version.argsort(words).tolist() == [2, 0, 3, 1]
    assert version.argsort(pyarrow.array([None, None])).tolist() == [0, 1]
    numbers = pyarrow.array([3, None, 1, 2], type=pyarrow.int32())
    assert callbox.bundled("i32").argsort(numbers).tolist() == [2, 3, 0, 1]
    assert callbox.bundled("f64").argsort(pyarrow.array([2.5, -1.0])).tolist() == [1, 0]
    with pytest.raises(TypeError, match="was expected"):
        version.argsort(pyarrow.array([[1], [2]]))
    assert version.search(pyarrow.array(["v1.9"]), values).tolist() == [1, 0, 0, 1, 0, 1]


def test_pandas_columns(version):
    pandas = pytest.importorskip("pandas")
    for values in [
        pandas.Series(VERSIONS),
        pandas.Series(VERSIONS, dtype=object),
        pandas.Series(VERSIONS, dtype="string"),
        pandas.Series(VERSIONS, dtype="category"),
        pandas.Series(VERSIONS, index=list("abcdef")),
    ]:
        order = version.argsort(values)
        assert order.tolist() == ORDER
        assert values.iloc[order].tolist() == [VERSIONS[at] for at in ORDER]
        assert version.sorted(values) == [VERSIONS[at] for at in ORDER]
        frame = pandas.DataFrame({"v": values})
        by_rank = frame.sort_values("v", key=lambda column: pandas.Series(version.rank(column), column.index))
        assert by_rank["v"].tolist() == [VERSIONS[at] for at in ORDER]
    assert version.argsort(pandas.Series(WITH_NULLS)).tolist() == [2, 0, 1]


def test_polars_columns(version):
    polars = pytest.importorskip("polars")
    values = polars.Series("v", VERSIONS)
    order = version.argsort(values)
    assert order.tolist() == ORDER
    assert values.gather(order).to_list() == [VERSIONS[at] for at in ORDER]
    frame = polars.DataFrame({"v": values, "n": range(6)})
    assert frame[order]["n"].to_list() == ORDER
    assert version.rank(values).tolist() == RANKS
    assert version.sorted(values) == [VERSIONS[at] for at in ORDER]
    assert version.argsort(polars.Series(WITH_NULLS)).tolist() == [2, 0, 1]
    assert version.argsort(polars.Series(VERSIONS, dtype=polars.Categorical)).tolist() == ORDER
    assert version.argsort(polars.concat([values[:3], values[3:]], rechunk=False)).tolist() == ORDER
    assert callbox.bundled("i64").argsort(polars.Series([3, None, 1])).tolist() == [2, 0, 1]
