"""Sorts, permutations, ranks and places, of everything that holds values."""

import array
import bisect
import ctypes
import functools
import heapq
import random
import re
import sqlite3

import callbox
import pytest
from conftest import ASCENDING, wat

VERSIONS = ["v1.10", "v1.9", "v1.2", "v1.10", "", "v2"]
ORDER = [4, 2, 1, 0, 3, 5]
RANKS = [3, 2, 1, 3, 0, 4]


def random_versions(count: int) -> list[str]:
    chosen = random.Random(count)
    return [f"v{chosen.randrange(30)}.{chosen.randrange(30)}" for _ in range(count)]


def naive_key(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def test_lists_of_str_and_bytes(version):
    for values in [VERSIONS, [value.encode() for value in VERSIONS], tuple(VERSIONS)]:
        assert version.argsort(values).tolist() == ORDER
        assert version.rank(values).tolist() == RANKS
        assert version.sorted(values) == [values[at] for at in ORDER]
        assert version.search(["v1.9", "v1.10"], [str(v) for v in VERSIONS]).tolist() == [1, 0, 0, 1, 0, 2]
        assert version.search(["v1.9", "v1.10"], VERSIONS, side="right").tolist() == [2, 1, 0, 2, 0, 2]
    assert version.sorted(VERSIONS, reverse=True) == ["v2", "v1.10", "v1.10", "v1.9", "v1.2", ""]
    assert version.argsort([]).tolist() == version.rank([]).tolist() == []
    assert version.sorted(iter(VERSIONS)) == version.sorted(VERSIONS)


@pytest.mark.parametrize("count", [1, 2, 100, 5000, 20_000])
def test_a_permutation_is_that_of_pythons_own_stable_sort(version, count):
    values = random_versions(count)
    for reverse in [False, True]:
        naive = sorted(range(count), key=lambda at: naive_key(values[at]), reverse=reverse)
        assert version.argsort(values, reverse=reverse).tolist() == naive
    ranks = {key: rank for rank, key in enumerate(sorted({tuple(naive_key(value)) for value in values}))}
    assert version.rank(values).tolist() == [ranks[tuple(naive_key(value))] for value in values]
    splitters = version.sorted(values[:50])
    keys = [naive_key(splitter) for splitter in splitters]
    assert version.search(splitters, values).tolist() == [bisect.bisect_left(keys, naive_key(v)) for v in values]


def test_none_is_last(version):
    values = [None, "v1.10", None, "v1.9"]
    assert version.argsort(values).tolist() == [3, 1, 0, 2]
    assert version.rank(values).tolist() == [2, 1, 2, 0]
    assert version.sorted(values) == ["v1.9", "v1.10", None, None]
    assert version.search(["v1.9"], values).tolist() == [1, 1, 1, 0]
    assert version.argsort([None, None]).tolist() == [0, 1]


def test_texts_beyond_ascii_are_compared_as_utf_8():
    texts = ["zß", "é", "z", "名前", "\N{PILE OF POO}", "a\0b", "a"]
    assert callbox.bundled("bytes").sorted(texts) == sorted(texts, key=str.encode)


def test_wrong_values_are_refused_and_named(version):
    with pytest.raises(TypeError, match="this is int; numbers are passed in an array"):
        version.argsort(["v1", 2])
    with pytest.raises(TypeError, match="not some of each"):
        version.argsort(["v1", b"v2"])
    with pytest.raises(TypeError, match="a single one"):
        version.argsort("v1")
    with pytest.raises(UnicodeEncodeError):
        version.argsort(["\ud800"])
    with pytest.raises(ValueError, match='"left" or "right"'):
        version.search(["v1"], ["v2"], side="middle")
    with pytest.raises(callbox.RefusedError, match="not in the order"):
        version.search(["v2", "v1"], ["v3"])
    with pytest.raises(ValueError, match="splitter is None"):
        version.search([None], ["v3"])
    with pytest.raises(callbox.RefusedError, match="compare_bytes, to compare runs of bytes; it compares by compare_i32"):
        callbox.bundled("i32").argsort(["v1"])
    with pytest.raises(callbox.RefusedError, match="elements of one size"):
        callbox.load(ASCENDING).argsort(["v1", "v2"], export="compare")


BUFFERS = {
    "array of i": lambda numbers: array.array("i", numbers),
    "array of l": lambda numbers: array.array("l", numbers),
    "array of d": lambda numbers: array.array("d", numbers),
    "array of B": lambda numbers: array.array("B", [number % 256 for number in numbers]),
    "ctypes": lambda numbers: (ctypes.c_int * len(numbers))(*numbers),
    "memoryview": lambda numbers: memoryview(array.array("i", numbers)),
}
GUESTS = {"i": "i32", "l": "i64", "d": "f64", "B": "u32"}


@pytest.mark.parametrize("name", BUFFERS)
@pytest.mark.parametrize("count", [0, 1, 2, 1000, 30_000])
def test_a_buffer_is_sorted_in_place(name, count):
    numbers = [random.Random(count).randrange(-1000, 1000) for _ in range(count)]
    buffer = BUFFERS[name](numbers)
    code = memoryview(buffer).format.lstrip("<>=@")
    if code == "B":
        guest = wat('(func (export "compare_u8") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))')
    else:
        guest = callbox.bundled(GUESTS[code])
    expected = sorted(buffer)
    guest.sort(buffer)
    assert list(buffer) == expected
    guest.sort(buffer, reverse=True)
    assert list(buffer) == expected[::-1]


def test_a_sort_by_pointers_is_in_place_too(ascending):
    ia = (ctypes.c_int * 5)(5, 1, 7, 33, 99)
    ascending.sort(ia)
    assert list(ia) == [1, 5, 7, 33, 99]
    ascending.sort(ia, export="compare", reverse=True)
    assert list(ia) == [99, 33, 7, 5, 1]


def test_more_numbers_than_the_sandbox_has_room_for_are_sorted_too():
    guest = callbox.bundled("i32", limits=callbox.Limits(array=2 << 20))
    numbers = array.array("i", ((n * 7919) % 1_000_003 for n in range(400_000)))
    expected = sorted(numbers)
    guest.sort(numbers)
    assert numbers.tolist() == expected


def test_a_buffer_that_cannot_be_sorted_is_left_as_it_was():
    guest = wat('(func (export "compare_i32") (param i32 i32) (result i32) unreachable)')
    numbers = array.array("i", [3, 1, 2])
    with pytest.raises(callbox.GuestError):
        guest.sort(numbers)
    assert numbers.tolist() == [3, 1, 2]
    with pytest.raises(TypeError, match="only be read"):
        guest.sort(b"abc")
    with pytest.raises(ValueError, match="one dimension"):
        guest.sort(memoryview(bytearray(8)).cast("i", [2, 1]))
    with pytest.raises(TypeError, match="a buffer was expected"):
        guest.sort([3, 1, 2])


def test_key_functions_serve_pythons_own_sorts(version):
    key = version.key()
    values = random_versions(500)
    expected = sorted(values, key=naive_key)
    assert sorted(values, key=key) == expected
    copy = list(values)
    copy.sort(key=key, reverse=True)
    assert copy == sorted(values, key=naive_key, reverse=True)
    assert list(heapq.merge(expected[::2], expected[1::2], key=key)) == expected
    assert bisect.bisect_left(expected, key("v15.3"), key=key) == bisect.bisect_left(
        [naive_key(value) for value in expected], [15, 3]
    )
    assert max(values, key=key) == expected[-1]
    assert key("v1.0") < key(b"v1.1") and key("v1") == key("v1") and key("v2") >= key("v1")
    with pytest.raises(TypeError):
        key(3)
    with pytest.raises(callbox.GuestError):
        sorted(values, key=wat(
            '(func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) unreachable)'
        ).key())


def test_a_contradiction_is_found_and_told(version):
    assert version.check(VERSIONS) is None
    always_less = wat('(func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (i32.const -1))')
    found = always_less.check(["a", None, "b"])
    assert (found.kind, found.items, found.answers) == ("not reflexive", [0], [-1])
    cyclic = wat(
        """(func (export "compare_i32") (param i32 i32) (result i32)
               (i32.sub (i32.rem_u (i32.add (i32.sub (local.get 0) (local.get 1)) (i32.const 4)) (i32.const 3))
                   (i32.const 1)))"""
    )
    found = cyclic.check(array.array("i", [0, 1, 2]))
    assert found.kind == "not transitive" and len(found.items) == 3 and "transitive" in repr(found)


def test_a_lie_that_is_noticed_is_an_exception_and_nothing_is_written():
    always_less = wat('(func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (i32.const -1))')
    with pytest.raises(callbox.ContradictionError) as caught:
        always_less.argsort(VERSIONS)
    assert isinstance(caught.value, callbox.GuestError) and isinstance(caught.value, callbox.Error)


def test_sqlite3_collates_by_a_guest(version):
    connection = sqlite3.connect(":memory:")
    connection.create_collation("version", version.collation())
    connection.execute("create table t (v text)")
    connection.executemany("insert into t values (?)", [(value,) for value in VERSIONS])
    rows = connection.execute("select v from t order by v collate version").fetchall()
    assert [row[0] for row in rows] == [VERSIONS[at] for at in ORDER]
    connection.execute("create index i on t (v collate version)")
    assert connection.execute("select count(*) from t where v = 'v1.10' collate version").fetchone() == (2,)
    assert version.collation()("v1.9", "v1.10") == -1
    assert sorted(VERSIONS, key=functools.cmp_to_key(version.collation())) == [VERSIONS[at] for at in ORDER]


def test_a_collation_that_fails_is_raised_by_the_statement():
    guest = wat('(func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) unreachable)')
    connection = sqlite3.connect(":memory:")
    connection.create_collation("failing", guest.collation())
    connection.execute("create table t (v text)")
    connection.execute("create index i on t (v collate failing)")
    with pytest.raises(callbox.GuestError):
        with connection:
            connection.executemany("insert into t values (?)", [(value,) for value in VERSIONS])
    assert connection.execute("select count(*) from t not indexed").fetchone() == (0,)


def test_a_module_of_ones_own_is_loaded_from_text_bytes_and_a_path(tmp_path):
    text = ASCENDING.read_text()
    (tmp_path / "own.wat").write_text(text)
    for guest in [callbox.loads(text), callbox.load(tmp_path / "own.wat"), callbox.load(str(tmp_path / "own.wat"))]:
        assert dict(guest.exports)["compare"] == "func (i32, i32) -> i32"
        assert len(guest.sha256) == 64
    binary = bytes.fromhex("0061736d01000000")
    assert callbox.loads(binary, name="empty").exports == [] and "empty" in repr(callbox.loads(binary, name="empty"))
