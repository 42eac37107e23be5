"""The safe form: a callback lent with a private copy of a buffer; and the table of who holds what."""

import array
import gc
import threading
from ctypes import c_int

import callbox
import pytest
from conftest import ROOT, wat

COMPARE = "int (const int *, const int *)"


def test_leaving_the_block_writes_the_sorted_copy_back(libc, ascending):
    compare = ascending.callback("compare", COMPARE)
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    with compare.lend(ia) as lease:
        libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
        assert list(ia) == [5, 1, 7, 33, 99], "C works on a copy"
        assert lease.calls > 0
    assert list(ia) == [1, 5, 7, 33, 99]


def test_any_buffer_that_may_be_written_to_is_lent(libc, ascending):
    numpy = pytest.importorskip("numpy")
    compare = ascending.callback("compare", COMPARE)
    strided = numpy.array([5, 0, 1, 0, 7, 0], dtype=numpy.int32)
    for buffer in [array.array("i", [5, 1, 7]), memoryview(bytearray(12)).cast("i"), strided[::2]]:
        if isinstance(buffer, memoryview):
            buffer[0], buffer[1], buffer[2] = 5, 1, 7
        with compare.lend(buffer) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
        assert list(buffer) == [1, 5, 7]
    assert list(strided) == [1, 0, 5, 0, 7, 0]
    with pytest.raises(TypeError, match="only be read"):
        compare.lend(memoryview(bytes(12)).cast("i"))


def test_a_failure_is_raised_and_the_buffer_stays_as_it_was(libc):
    guest = wat(
        """(global $calls (mut i32) (i32.const 0))
           (func (export "compare") (param i32 i32) (result i32)
               (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
               (if (i32.eq (global.get $calls) (i32.const 4)) (then unreachable))
               (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))"""
    )
    compare = guest.callback("compare", COMPARE)
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    with pytest.raises(callbox.GuestError, match="unreachable"):
        with compare.lend(ia) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
    assert list(ia) == [5, 1, 7, 33, 99]


def test_an_exception_in_the_block_leaves_the_buffer_as_it_was(libc, ascending):
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    with pytest.raises(ZeroDivisionError):
        with ascending.callback("compare", COMPARE).lend(ia) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
            1 / 0
    assert list(ia) == [5, 1, 7, 33, 99]


def test_a_lease_that_has_ended_says_so(ascending):
    lease = ascending.callback("compare", COMPARE).lend(array.array("i", [2, 1]))
    with lease:
        pass
    for use in [lambda: lease.base, lambda: lease.pointer, lambda: len(lease), lease.__enter__]:
        with pytest.raises(ValueError, match="has ended"):
            use()


def test_a_lease_stays_on_its_thread(ascending):
    lease = ascending.callback("compare", COMPARE).lend(array.array("i", [2, 1]))
    caught = []

    def use():
        try:
            lease.base
        except ValueError as error:
            caught.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert caught == ["the lease belongs to another thread"]


@pytest.mark.parametrize(
    "liar", sorted((ROOT / "wat/hostile").glob("*.wat")), ids=lambda path: path.stem
)
def test_whatever_a_hostile_guest_does_the_buffer_holds_its_own_numbers(libc, liar):
    limits = callbox.Limits(fuel=20_000_000, timeout=2)
    try:
        compare = callbox.load(liar, limits=limits).callback("compare", COMPARE)
    except (callbox.RefusedError, callbox.GuestError):
        return
    canary = 0x5A5A5A5A
    numbers = array.array("i", [canary] + [(n * 7919) % 1000 for n in range(1000)] + [canary])
    before = numbers.tolist()
    try:
        with compare.lend(memoryview(numbers)[1:-1]) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
    except callbox.GuestError:
        assert numbers.tolist() == before
    assert sorted(numbers.tolist()) == sorted(before)
    assert numbers[0] == numbers[-1] == canary


def test_the_table_lists_who_holds_what(ascending):
    gc.collect()
    before = len(callbox.table())
    kept = ascending.callback("compare", COMPARE).retain()
    found = callbox.table()[-1]
    assert len(callbox.table()) == before + 1
    assert (found.export, found.prototype, found.leases, found.calls) == ("compare", COMPARE, 1, 0)
    assert "ascending.wat" in found.module and "compare" in repr(found)
    kept.release()
    kept.release()
    assert len(callbox.table()) == before
    kept = ascending.callback("compare", COMPARE).retain()
    kept.retire()
    assert len(callbox.table()) == before
    assert kept.calls == 0 and kept.take_failure() is None
