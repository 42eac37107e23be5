"""Threads, forks and the end of an interpreter."""

import array
import ctypes
import gc
import multiprocessing
import os
import subprocess
import sys
import threading

import callbox
import pytest
from conftest import ASCENDING, ROOT, wat

VERSIONS = [f"v{n % 7}.{n % 31}" for n in range(500)]


def test_threads_share_a_guest(version, libc):
    expected = version.argsort(VERSIONS)
    compare = callbox.load(ASCENDING).callback("compare", "int (const int *, const int *)")
    kept, key, wrong = compare.retain(), version.key(), []

    def work():
        for _ in range(10):
            numbers = (ctypes.c_int * 200)(*range(200, 0, -1))
            libc.qsort(numbers, 200, 4, kept.pointer)
            if list(numbers) != list(range(1, 201)) or version.argsort(VERSIONS) != expected:
                wrong.append("argsort")
            if sorted(VERSIONS, key=key) != [VERSIONS[at] for at in expected]:
                wrong.append("key")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_guest_that_prints_waits_for_no_thread_that_waits_for_it():
    printed = []
    guest = callbox.load(ROOT / "wat/good/tutorial.wat", print=printed.append, limits=callbox.Limits(print=1 << 20))
    compare = guest.callback("ascending", "int (const int *, const int *)")

    def work():
        for _ in range(300):
            compare.compare(bytes(4), bytes(4))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(printed) >= 1200


def test_garbage_is_collected_on_threads_while_others_call(version):
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            wat('(func (export "f"))').cfunctype(None)("f")()
            gc.collect()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(20):
            assert version.argsort(VERSIONS).tolist()
    finally:
        stop.set()
        thread.join()


def in_child(answers, guest, key, collation, compare):
    answers.put(guest.argsort(VERSIONS).tolist())
    answers.put(sorted(VERSIONS, key=key))
    answers.put(collation("v1.9", "v1.10"))
    numbers = array.array("i", [3, 1, 2])
    with compare.lend(numbers) as lease:
        ctypes.CDLL("libc.so.6").qsort(lease.base, len(lease), lease.width, lease.pointer)
    answers.put(numbers.tolist())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_uses_what_it_inherits(version):
    compare = callbox.load(ASCENDING).callback("compare", "int (const int *, const int *)")
    key, collation = version.key(), version.collation()
    expected = version.argsort(VERSIONS).tolist()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=in_child, args=(answers, version, key, collation, compare))
    child.start()
    assert answers.get(timeout=60) == expected
    assert answers.get(timeout=60) == [VERSIONS[at] for at in expected]
    assert answers.get(timeout=60) == -1
    assert answers.get(timeout=60) == [1, 2, 3]
    child.join(60)
    assert child.exitcode == 0
    assert version.argsort(VERSIONS).tolist() == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_pointer_of_the_parents_is_safe_in_a_forked_child(libc):
    kept = callbox.load(ASCENDING).callback("compare", "int (const int *, const int *)").retain()
    pid = os.fork()
    if pid == 0:
        try:
            numbers = (ctypes.c_int * 3)(3, 1, 2)
            libc.qsort(numbers, 3, 4, kept.pointer)
            told = "forked" in str(kept.take_failure()) and sorted(numbers) == [1, 2, 3]
            os._exit(0 if told else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forks_while_other_threads_sort_hang_no_child(version):
    stop = threading.Event()

    def sort():
        while not stop.is_set():
            version.argsort(VERSIONS)

    threads = [threading.Thread(target=sort) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if version.argsort(["v2", "v1"]).tolist() == [1, 0] else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_interpreter_that_ends_with_pointers_in_use_ends_well():
    program = f"""
import callbox, ctypes, threading
guest = callbox.load({str(ASCENDING)!r})
compare = guest.cfunctype(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))("compare")
lease = guest.callback("compare", "int (const int *, const int *)").lend(bytearray(8 * 4) and (ctypes.c_int * 4)())
libc = ctypes.CDLL("libc.so.6")
numbers = (ctypes.c_int * 100000)(*range(100000, 0, -1))
threading.Thread(target=lambda: libc.qsort(numbers, 100000, 4, compare), daemon=True).start()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
