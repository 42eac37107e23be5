"""What goes wrong is an exception that says what, and nothing of the caller's is lost."""

import array
import ctypes
import faulthandler
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import callbox
import pytest
from conftest import wat

ENDLESS = '(func (export "{name}") {params} (result i32) (loop $l (br $l)) unreachable)'
ENDLESS_BYTES = ENDLESS.format(name="compare_bytes", params="(param i32 i32 i32 i32)")
ENDLESS_POINTERS = ENDLESS.format(name="compare", params="(param i32 i32)")


def test_exceptions_are_of_one_family():
    for name in ["GuestError", "LimitError", "RefusedError", "ContradictionError"]:
        assert issubclass(getattr(callbox, name), callbox.Error)
        assert getattr(callbox, name).__module__ == "callbox"
    assert issubclass(callbox.LimitError, callbox.GuestError)
    assert issubclass(callbox.ContradictionError, callbox.GuestError)


def test_a_file_that_is_not_there_is_pythons_own_exception(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        callbox.load(tmp_path / "missing.wasm")
    assert caught.value.filename == str(tmp_path / "missing.wasm")
    with pytest.raises(IsADirectoryError):
        callbox.load(tmp_path)


def test_modules_that_cannot_be_used_are_refused_with_the_reason():
    for module, reason in [
        (b"\0asm\1\0\0", "not a usable WebAssembly module"),
        ("(module", "not a usable WebAssembly module"),
        ('(module (import "wasi" "exit" (func)))', "wasi"),
    ]:
        with pytest.raises(callbox.RefusedError, match=reason):
            callbox.loads(module)
    with pytest.raises(callbox.RefusedError, match="there is no bundled guest"):
        callbox.bundled("versions")
    with pytest.raises(TypeError):
        callbox.loads(3)
    with pytest.raises(TypeError, match="load takes the path"):
        callbox.loads("shorter.wat")


def test_a_limit_is_named():
    guest = callbox.loads(
        f'(module (memory (export "memory") 1) {ENDLESS_BYTES})', limits=callbox.Limits(timeout=0.05)
    )
    with pytest.raises(callbox.LimitError, match="deadline of 50ms") as caught:
        guest.argsort(["a", "b"])
    assert caught.value.limit == "timeout"
    guest = callbox.loads(f'(module (memory (export "memory") 1) {ENDLESS_BYTES})', limits=callbox.Limits(fuel=1000))
    with pytest.raises(callbox.LimitError) as caught:
        guest.argsort(["a", "b"])
    assert caught.value.limit == "fuel"


def test_limits_are_read_written_and_checked():
    limits = callbox.Limits(fuel=1000, timeout=1.5, memory=1 << 20)
    found = limits.as_dict()
    assert (found["fuel"], found["timeout"], found["memory"]) == (1000, 1.5, 1 << 20)
    assert callbox.Limits(**found) == limits
    assert repr(limits).startswith("Limits(fuel=1000, timeout=1.5, memory=1048576, ")
    assert limits == callbox.Limits(fuel=1000, timeout=1.5, memory=1 << 20) != callbox.Limits()
    with pytest.raises(TypeError, match='there is no limit "fule"; there are fuel, timeout, memory'):
        callbox.Limits(fule=3)
    for wrong in [{"fuel": -1}, {"timeout": -1.0}, {"timeout": float("inf")}, {"timeout": float("nan")}]:
        with pytest.raises(ValueError, match="negative or infinite"):
            callbox.Limits(**wrong)
    with pytest.raises(TypeError):
        callbox.Limits(fuel="much")


def test_a_failure_through_a_plain_pointer_is_kept(libc):
    guest = wat('(func (export "compare") (param i32 i32) (result i32) unreachable)')
    kept = guest.callback("compare", "int (const int *, const int *)").retain()
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    libc.qsort(numbers, 3, 4, kept.pointer)
    failure = kept.take_failure()
    assert isinstance(failure, callbox.GuestError) and "unreachable" in str(failure)
    assert kept.take_failure() is None and sorted(numbers) == [1, 2, 3]


def test_a_failure_that_nobody_took_is_told_at_the_end():
    told = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: told.append(unraisable.exc_type)
    try:
        guest = wat('(func (export "f") (result i32) unreachable)')
        for end in [lambda kept: None, lambda kept: kept.lease.release(), lambda kept: kept.lease.take_failure()]:
            function = guest.cfunctype(ctypes.c_int)("f")
            assert function() == 0
            end(function)
            del function
            gc.collect()
    finally:
        sys.unraisablehook = hook
    assert told == [callbox.GuestError, callbox.GuestError]


def interrupted(work) -> float:
    """Interrupts work as Ctrl-C does; returns how long it went on."""
    started = time.monotonic()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        work()
        for _ in range(1000):  # Python raises it at a later line where C was in between.
            pass
    timer.join()
    return time.monotonic() - started


def test_ctrl_c_stops_a_running_guest(libc):
    guest = wat(ENDLESS_BYTES)
    numbers = array.array("i", [3, 1, 2])
    compare = wat(ENDLESS_POINTERS).callback("compare", "int (const int *, const int *)")
    kept = compare.retain()
    cell = (ctypes.c_int * 3)(3, 1, 2)

    def lent():
        with compare.lend(numbers) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)

    for work in [
        lambda: guest.argsort(["a", "b"]),
        lambda: guest.argsort(["a", "b"] * 5000),
        lambda: sorted(["a", "b"], key=guest.key()),
        lambda: wat(ENDLESS_POINTERS).sort(numbers),
        lambda: libc.qsort(cell, 3, 4, kept.pointer),
        lent,
    ]:
        # The default deadline is minutes away.
        assert interrupted(work) < 20
    assert numbers.tolist() == [3, 1, 2]
    assert isinstance(kept.take_failure(), callbox.Error)


def test_a_handler_that_raises_something_else_is_obeyed():
    class Alarm(Exception):
        pass

    def handler(number, frame):
        raise Alarm

    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Alarm):
            wat(ENDLESS_BYTES).argsort(["a", "b"])
    finally:
        signal.signal(signal.SIGALRM, old)


def test_a_handlers_exception_arrives_behind_a_plain_pointer_and_in_a_lease(libc):
    class Alarm(Exception):
        pass

    def handler(number, frame):
        raise Alarm

    compare = wat(ENDLESS_POINTERS).callback("compare", "int (const int *, const int *)")
    numbers, reached = array.array("i", [3, 1, 2]), []

    def plain():
        with compare.retain() as kept:
            libc.qsort((ctypes.c_int * 3)(3, 1, 2), 3, 4, kept.pointer)
            for _ in range(1000):
                pass
            reached.append("the end of the block")

    def lent():
        with compare.lend(numbers) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)
            for _ in range(1000):
                pass
            reached.append("the end of the block")

    told = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda unraisable: told.append(unraisable.exc_type)
    old = signal.signal(signal.SIGALRM, handler)
    try:
        for work in [plain, lent]:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(Alarm):
                work()
    finally:
        signal.signal(signal.SIGALRM, old)
        sys.unraisablehook = hook
    assert not reached and numbers.tolist() == [3, 1, 2]
    assert told == [callbox.Error], "the failure of the retained pointer, which nobody took"


def test_a_handler_that_returns_leaves_the_guest_running():
    seen = []
    old = signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    guest = callbox.loads(
        f'(module (memory (export "memory") 1) {ENDLESS_BYTES})', limits=callbox.Limits(timeout=0.5)
    )
    try:
        with pytest.raises(callbox.LimitError):
            guest.argsort(["a", "b"])
    finally:
        signal.signal(signal.SIGALRM, old)
    assert seen == [signal.SIGALRM]


def test_faulthandler_after_the_first_guest_changes_nothing():
    program = """
import callbox, faulthandler
wild = '''(module (memory (export "memory") 1) (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
    (i32.load (i32.const -4))))'''
guest = callbox.loads(wild)
faulthandler.enable()
try:
    guest.argsort(["a", "b"])
except callbox.GuestError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "out of bounds" in done.stdout
    assert faulthandler.is_enabled() or os.environ
