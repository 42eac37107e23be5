"""Strings, structures and pointers, through ctypes and cffi."""

import ctypes
from ctypes import POINTER, Structure, c_char_p, c_double, c_int, c_size_t

import callbox
import pytest
from conftest import ASCENDING, wat

LENGTH = """(func (export "length") (param $s i32) (result i32)
    (local $at i32) (local.set $at (local.get $s))
    (block $end (loop $next
        (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $at) (local.get $s)))"""


class Point(Structure):
    _fields_ = [("x", c_int), ("y", c_int)]


def test_a_string_reaches_the_guest_as_a_copy():
    length = wat(LENGTH).cfunctype(c_int, c_char_p)("length")
    assert [length(text) for text in [b"", b"a", b"seven77"]] == [0, 1, 7]


def test_a_pointer_is_followed_and_written_back():
    guest = wat(
        """(func (export "double") (param i32) (result i32)
               (i32.store (local.get 0) (i32.shl (i32.load (local.get 0)) (i32.const 1)))
               (i32.const 0))"""
    )
    number = c_int(21)
    assert guest.cfunctype(c_int, POINTER(c_int))("double")(number) == 0
    assert number.value == 42


def test_a_structure_is_passed_by_pointer_and_by_value():
    guest = wat(
        """(func (export "sum") (param i32) (result i32)
               (i32.add (i32.load (local.get 0)) (i32.load offset=4 (local.get 0))))"""
    )
    by_pointer, by_value = guest.cfunctype(c_int, POINTER(Point)), guest.cfunctype(c_int, Point)
    assert by_pointer("sum")(Point(3, 4)) == 7
    assert by_value("sum")(Point(30, 4)) == 34


def test_types_are_written_as_c_writes_them():
    class Inner(Structure):
        _fields_ = [("numbers", c_int * 3), ("name", c_char_p)]

    class Outer(Structure):
        _fields_ = [("first", Inner), ("second", POINTER(Inner))]

    guest = callbox.load(ASCENDING)
    written = {
        (None,): "void (void)",
        (c_int, c_char_p, c_size_t): "int (const char *, unsigned long)",
        (c_double, POINTER(c_int * 5)): "double (int (*)[5])",
        (c_int, POINTER(Point), POINTER(Point)): "int (const struct Point_0 { int x; int y; } *, "
        "const struct Point_0 *)",
        (None, POINTER(Outer)): "void (struct Outer_1 { struct Inner_0 { int numbers[3]; const char * name; } first; "
        "struct Inner_0 *second; } *)",
    }
    for (restype, *argtypes), text in written.items():
        assert guest.cfunctype(restype, *argtypes).prototype == text


def test_what_no_guest_can_be_passed_is_refused_by_name(ascending):
    class Packed(Structure):
        _pack_ = 1
        _layout_ = "ms"
        _fields_ = [("a", ctypes.c_char), ("b", c_int)]

    class Bits(Structure):
        _fields_ = [("a", c_int, 3)]

    class Either(ctypes.Union):
        _fields_ = [("a", c_int)]

    for ctype, named in [(Packed, "Packed.b is not where C puts it"), (Bits, "Bits.a"), (Either, "Either"), (ctypes.py_object, "py_object")]:
        with pytest.raises(TypeError, match=named):
            ascending.cfunctype(c_int, ctype)
    with pytest.raises(TypeError, match="not Python"):
        ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))(lambda a, b: 0)


def test_a_wrong_prototype_is_refused_before_c_sees_it(ascending):
    with pytest.raises(callbox.RefusedError, match="no export"):
        ascending.callback("missing", "int (const int *, const int *)")
    with pytest.raises(callbox.RefusedError, match="is not a C function type"):
        ascending.callback("compare", "int (")
    with pytest.raises(callbox.RefusedError):
        ascending.cfunctype(c_double, c_double)("compare")


def test_only_comparators_have_a_width():
    with pytest.raises(callbox.RefusedError, match="only a comparator"):
        wat(LENGTH).cfunctype(c_int, c_char_p)("length", width=4)


def test_cffi_takes_a_pointer_by_a_cast():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef(
        """void qsort(void *base, size_t nmemb, size_t size, int (*compar)(const void *, const void *));
           void *bsearch(const void *key, const void *base, size_t nmemb, size_t size,
                         int (*compar)(const void *, const void *));"""
    )
    libc = ffi.dlopen(None)
    guest = callbox.load(ASCENDING)
    kept = guest.callback("compare", "int (const int *, const int *)").retain()
    numbers = ffi.new("int[]", [5, 1, 7, 33, 99])
    libc.qsort(numbers, 5, ffi.sizeof("int"), ffi.cast("int (*)(const void *, const void *)", kept.pointer))
    assert list(numbers) == [1, 5, 7, 33, 99]
    half = wat('(func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))')
    kept = half.callback("half", "double (double)").retain()
    assert ffi.cast("double (*)(double)", kept.pointer)(3.0) == 1.5


def test_a_pointer_is_an_address_and_what_ctypes_passes(libc, ascending):
    kept = ascending.callback("compare", "int (const int *, const int *)").retain()
    ia = (c_int * 3)(3, 1, 2)
    libc.qsort(ia, 3, 4, kept.pointer)
    assert list(ia) == [1, 2, 3]
    assert int(kept.pointer) == kept.pointer._as_parameter_.value
    assert hex(kept.pointer) in repr(kept.pointer)
    assert kept.pointer == kept.pointer and hash(kept.pointer) == hash(kept.pointer)
