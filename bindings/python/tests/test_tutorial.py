"""The callback session of the ctypes tutorial, line by line; only the lines that make a callback differ."""

import gc
from ctypes import (
    CDLL,
    CFUNCTYPE,
    POINTER,
    ArgumentError,
    Structure,
    c_int,
    c_size_t,
    c_void_p,
    cast,
    sizeof,
)

import callbox
import pytest
from conftest import ASCENDING, ROOT


def test_the_tutorial_sorts_with_two_lines_changed():
    libc = CDLL("libc.so.6")
    IntArray5 = c_int * 5
    ia = IntArray5(5, 1, 7, 33, 99)
    qsort = libc.qsort
    qsort.restype = None
    guest = callbox.load(ASCENDING)
    CMPFUNC = guest.cfunctype(c_int, POINTER(c_int), POINTER(c_int))
    cmp_func = CMPFUNC("compare")
    qsort(ia, len(ia), sizeof(c_int), cmp_func)
    assert [i for i in ia] == [1, 5, 7, 33, 99]
    assert cmp_func.lease.calls > 0


def test_the_three_comparators_of_the_tutorial_print_what_it_shows(libc):
    printed: list[str] = []
    guest = callbox.load(ROOT / "wat/good/tutorial.wat", print=printed.append)
    CMPFUNC = guest.cfunctype(c_int, POINTER(c_int), POINTER(c_int))
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    libc.qsort(ia, len(ia), sizeof(c_int), CMPFUNC("values"))
    assert list(ia) == [5, 1, 7, 33, 99]
    libc.qsort(ia, len(ia), sizeof(c_int), CMPFUNC("ascending"))
    assert list(ia) == [1, 5, 7, 33, 99]
    assert len(printed) == 10


def test_argtypes_of_ctypes_accept_the_function(libc, ascending):
    CMPFUNC = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))
    libc.qsort.argtypes = [POINTER(c_int), c_int, c_int, CMPFUNC]
    ia = (c_int * 3)(3, 1, 2)
    libc.qsort(ia, 3, 4, ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare"))
    assert list(ia) == [1, 2, 3]


def test_argtypes_and_fields_may_have_the_type_of_the_guest(libc, ascending):
    CMPFUNC = ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))
    libc.qsort.argtypes = [c_void_p, c_size_t, c_size_t, CMPFUNC]
    ia = (c_int * 3)(3, 1, 2)
    libc.qsort(ia, 3, 4, CMPFUNC("compare"))
    assert list(ia) == [1, 2, 3]
    ia = (c_int * 3)(3, 1, 2)
    with ascending.callback("compare", "int (const int *, const int *)").lend(ia) as lease:
        libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
    assert list(ia) == [1, 2, 3]
    with pytest.raises(ArgumentError):
        libc.qsort(ia, 3, 4, 7)

    class Hooks(Structure):
        _fields_ = [("compare", CMPFUNC.functype)]

    assert Hooks(CMPFUNC("compare")).compare(c_int(1), c_int(2)) == -1


def test_a_function_that_was_collected_answers_0_and_is_counted(ascending):
    CMPFUNC = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))
    cmp_func = ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare")
    kept_by_c = CMPFUNC(cast(cmp_func, c_void_p).value)
    one, two = c_int(1), c_int(2)
    assert kept_by_c(one, two) == -1
    held, late = len(callbox.table()), callbox.late_calls()
    del cmp_func
    gc.collect()
    assert len(callbox.table()) == held - 1
    assert kept_by_c(one, two) == 0
    assert callbox.late_calls() == late + 1


def test_a_function_keeps_its_guest_alive(libc):
    cmp_func = callbox.load(ASCENDING).cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare")
    gc.collect()
    ia = (c_int * 3)(3, 1, 2)
    libc.qsort(ia, 3, 4, cmp_func)
    assert list(ia) == [1, 2, 3]


def test_a_callback_made_inside_the_call_lives_until_it_returns(libc, ascending):
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    libc.qsort(ia, 5, 4, ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare"))
    assert list(ia) == [1, 5, 7, 33, 99]


def test_the_width_is_said_of_comparators_that_take_void(libc, ascending):
    CMPFUNC = ascending.cfunctype(c_int, c_void_p, c_void_p)
    ia = (c_int * 5)(5, 1, 7, 33, 99)
    libc.qsort(ia, 5, 4, CMPFUNC("compare", width=4))
    assert list(ia) == [1, 5, 7, 33, 99]
