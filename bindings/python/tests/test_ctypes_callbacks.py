"""The cases of CPython's own test_ctypes/test_callbacks.py, with guests in the place of Python's functions.

Left out: py_object, since no host address reaches a guest, and those of WINFUNCTYPE, which need Windows.
"""

import ctypes
import gc
from ctypes import CDLL, CFUNCTYPE, POINTER, ArgumentError, Structure, c_int, c_ulong

import callbox
import pytest
from conftest import wat

_ctypes_test = pytest.importorskip("_ctypes_test", reason="CPython's own C library for these tests")

# Each type, the core type that a guest takes it as, and the values of CPython's test.
TYPES = [
    (ctypes.c_byte, "i32", [42, -42]),
    (ctypes.c_ubyte, "i32", [42]),
    (ctypes.c_short, "i32", [42, -42]),
    (ctypes.c_ushort, "i32", [42]),
    (ctypes.c_int, "i32", [42, -42]),
    (ctypes.c_uint, "i32", [42]),
    (ctypes.c_long, "i64", [42, -42]),
    (ctypes.c_ulong, "i64", [42]),
    (ctypes.c_longlong, "i64", [42, -42]),
    (ctypes.c_ulonglong, "i64", [42]),
    (ctypes.c_float, "f32", [2.718281828459045, -2.718281828459045]),
    (ctypes.c_double, "f64", [3.14, -3.14]),
    (ctypes.c_char, "i32", [b"x", b"a"]),
    (ctypes.c_bool, "i32", [True, False]),
]


@pytest.mark.parametrize(("ctype", "core", "values"), TYPES, ids=[ctype.__name__ for ctype, _, _ in TYPES])
def test_a_type_passes_through_a_guest_and_back(ctype, core, values):
    guest = wat(
        f"""(func (export "last_of_one") (param {core}) (result {core}) (local.get 0))
            (func (export "last_of_two") (param i32 {core}) (result {core})
                (if (i32.ne (local.get 0) (i32.const -3)) (then unreachable))
                (local.get 1))"""
    )
    for value in values:
        for answer in [
            guest.cfunctype(ctype, ctype)("last_of_one")(value),
            guest.cfunctype(ctype, ctypes.c_byte, ctype)("last_of_two")(-3, value),
        ]:
            # Only almost equal: double -> float -> double.
            assert answer == (pytest.approx(value, abs=1e-5) if ctype is ctypes.c_float else value)


def test_long_double_is_refused_since_no_guest_has_it():
    guest = wat('(func (export "f") (param f64) (result f64) (local.get 0))')
    if ctypes.sizeof(ctypes.c_longdouble) == ctypes.sizeof(ctypes.c_double):
        pytest.skip("long double is double here")
    with pytest.raises(callbox.RefusedError, match="long double"):
        guest.cfunctype(ctypes.c_longdouble, ctypes.c_longdouble)("f")


def test_an_unsupported_result_is_a_type_error():
    guest = wat('(func (export "f") (result i32) (i32.const 0))')
    with pytest.raises(TypeError):
        guest.cfunctype(object)("f")
    with pytest.raises(TypeError):
        guest.cfunctype(ctypes.py_object)("f")


def test_an_object_that_holds_a_callback_of_its_own_is_collected():
    guest = wat('(func (export "f"))')

    class X:
        def __init__(self):
            self.v = guest.cfunctype(None)("f")

    before = len(callbox.table())
    for _ in range(32):
        X()
    gc.collect()
    assert not [x for x in gc.get_objects() if isinstance(x, X)]
    assert len(callbox.table()) == before


def test_garbage_collected_while_a_callback_is_freed_is_no_trouble():
    class Nasty:
        def __del__(self):
            gc.collect()

    guest = wat('(func (export "f"))')
    function = guest.cfunctype(None)("f")
    function.nasty = Nasty()
    del function
    gc.collect()


def test_integrate():
    guest = wat('(func (export "square") (param f64) (result f64) (f64.mul (local.get 0) (local.get 0)))')
    CALLBACK = CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    integrate = CDLL(_ctypes_test.__file__).integrate
    integrate.argtypes = (ctypes.c_double, ctypes.c_double, CALLBACK, ctypes.c_long)
    integrate.restype = ctypes.c_double
    square = guest.cfunctype(ctypes.c_double, ctypes.c_double)("square")
    assert abs(integrate(0.0, 1.0, square, 10) - 1.0 / 3.0) < 0.01


def test_issue_8959_a(libc, ascending):
    array = (c_int * 5)(5, 1, 99, 7, 33)
    cmp_func = ascending.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare")
    libc.qsort(array, len(array), ctypes.sizeof(c_int), cmp_func)
    assert array[:] == [1, 5, 7, 33, 99]


def sum_of_five(core: str) -> callbox.Guest:
    added = f"({core}.add " * 4 + "(local.get 0)" + "".join(f" (local.get {at}))" for at in range(1, 5))
    params = f"(param {' '.join([core] * 5)})"
    return wat(f'(func (export "sum") {params} (result {core}) {added})')


def test_callback_register_int():
    func = CDLL(_ctypes_test.__file__)._testfunc_cbk_reg_int
    CALLBACK = CFUNCTYPE(c_int, *[c_int] * 5)
    func.argtypes = (*[c_int] * 5, CALLBACK)
    func.restype = c_int
    result = func(2, 3, 4, 5, 6, sum_of_five("i32").cfunctype(c_int, *[c_int] * 5)("sum"))
    assert result == 2 * 2 + 3 * 3 + 4 * 4 + 5 * 5 + 6 * 6


def test_callback_register_double():
    c_double = ctypes.c_double
    func = CDLL(_ctypes_test.__file__)._testfunc_cbk_reg_double
    CALLBACK = CFUNCTYPE(c_double, *[c_double] * 5)
    func.argtypes = (*[c_double] * 5, CALLBACK)
    func.restype = c_double
    result = func(1.1, 2.2, 3.3, 4.4, 5.5, sum_of_five("f64").cfunctype(c_double, *[c_double] * 5)("sum"))
    assert result == 1.1 * 1.1 + 2.2 * 2.2 + 3.3 * 3.3 + 4.4 * 4.4 + 5.5 * 5.5


def test_callback_large_struct():
    # This mirrors the structure in CPython's Modules/_ctypes/_ctypes_test.c.
    class X(Structure):
        _fields_ = [("first", c_ulong), ("second", c_ulong), ("third", c_ulong)]

    # The guest adds up what it gets, and then overwrites its copy.
    guest = wat(
        """(global $sum (mut i64) (i64.const 0))
           (func (export "take") (param $s i32)
               (global.set $sum (i64.add (i64.load (local.get $s))
                   (i64.add (i64.load offset=8 (local.get $s)) (i64.load offset=16 (local.get $s)))))
               (i64.store (local.get $s) (i64.const 0x0badf00d))
               (i64.store offset=8 (local.get $s) (i64.const 0x0badf00d))
               (i64.store offset=16 (local.get $s) (i64.const 0x0badf00d)))
           (func (export "sum") (result i64) (global.get $sum))"""
    )
    s = X(0xDEADBEEF, 0xCAFEBABE, 0x0BAD1DEA)
    func = CDLL(_ctypes_test.__file__)._testfunc_cbk_large_struct
    func.argtypes = (X, CFUNCTYPE(None, X))
    func.restype = None
    func(s, guest.cfunctype(None, X)("take"))
    assert guest.cfunctype(c_ulong)("sum")() == 0xDEADBEEF + 0xCAFEBABE + 0x0BAD1DEA
    assert (s.first, s.second, s.third) == (0xDEADBEEF, 0xCAFEBABE, 0x0BAD1DEA)


def test_callback_too_many_args():
    most = getattr(__import__("_ctypes"), "CTYPES_MAX_ARGCOUNT", 1024)
    # A guest's function has as many as its limit allows, which a module is refused for before it is compiled.
    limits = callbox.Limits(params=1000)
    params = " ".join(["i32"] * 900)
    text = f'(module (func (export "count") (param {params}) (result i32) (i32.const 900)))'
    guest = callbox.loads(text, limits=limits)
    assert guest.cfunctype(c_int, *[c_int] * 900)("count")(*[1] * 900) == 900
    with pytest.raises(callbox.LimitError):
        callbox.loads(text)
    with pytest.raises(ArgumentError):
        guest.cfunctype(c_int, *[c_int] * (most + 1))("count")


def test_an_answer_that_is_none_is_a_failure_and_no_garbage():
    # CPython's test returns a tuple for an int; here an argument that the guest's i32 cannot hold, and a trap.
    guest = wat(
        """(func (export "narrow") (param i32) (result i32) (local.get 0))
           (func (export "trap") (result i32) unreachable)"""
    )
    narrow = guest.cfunctype(ctypes.c_long, ctypes.c_long)("narrow")
    assert narrow(-7) == -7
    assert narrow(1 << 40) == 0
    assert isinstance(narrow.callbox.take_failure(), callbox.GuestError)
    trap = guest.cfunctype(c_int)("trap")
    assert trap() == 0
    assert "unreachable" in str(trap.callbox.take_failure())
    assert trap.callbox.take_failure() is None
