"""The same work by a callback of Python's and by a guest, side by side: medians of interleaved rounds, and ratios.

    python bindings/python/bench.py [ROUNDS]

With the program `callbox` on the path, its time for a million lines is beside that of `argsort`.
"""

from __future__ import annotations

import ctypes
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_int

import callbox

COMPARE = "int (const int *, const int *)"


def rounds(ways: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(count):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(all) for name, all in times.items()}


def report(title: str, medians: dict[str, float], one: str) -> None:
    print(title)
    for name, median in medians.items():
        print(f"  {name:28} {median * 1000:9.1f} ms  {medians[one] / median:6.2f} times as fast as {one}")


def numbers(count: int, repeat: int) -> None:
    libc = ctypes.CDLL("libc.so.6")
    libc.qsort.restype = None
    chosen = random.Random(1)
    unsorted = (c_int * count)(*(chosen.randrange(-(1 << 31), 1 << 31) for _ in range(count)))
    size = ctypes.sizeof(unsorted)

    @CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))
    def py_cmp_func(a: ctypes._Pointer[c_int], b: ctypes._Pointer[c_int]) -> int:
        return (a[0] > b[0]) - (a[0] < b[0])

    # The guest of docs/ctypes.md compares by pointers, the bundled one by values.
    pointers = callbox.loads(
        """(module (memory (export "memory") 1) (func (export "compare") (param i32 i32) (result i32)
               (i32.sub (i32.gt_s (i32.load (local.get 0)) (i32.load (local.get 1)))
                        (i32.lt_s (i32.load (local.get 0)) (i32.load (local.get 1))))))"""
    )
    values = callbox.bundled("i32")
    cmp_func = pointers.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare")
    by_value = values.cfunctype(c_int, POINTER(c_int), POINTER(c_int))("compare_i32")
    compare = values.callback("compare_i32", COMPARE)
    copies = [(c_int * count)() for _ in range(6)]

    def fresh(at: int) -> ctypes.Array[c_int]:
        ctypes.memmove(copies[at], unsorted, size)
        return copies[at]

    def lent() -> None:
        with compare.lend(fresh(3)) as lease:
            libc.qsort(lease.base, len(lease), lease.width, lease.pointer)

    medians = rounds(
        {
            "Python callback": lambda: libc.qsort(fresh(0), count, 4, py_cmp_func),
            "pointer, by pointers": lambda: libc.qsort(fresh(1), count, 4, cmp_func),
            "pointer, by value": lambda: libc.qsort(fresh(2), count, 4, by_value),
            "lease": lent,
            "guest.sort, by pointers": lambda: pointers.sort(fresh(4)),
            "guest.sort, by value": lambda: values.sort(fresh(5)),
        },
        repeat,
    )
    assert all(copy[:] == sorted(unsorted) for copy in copies)
    report(f"{count} int32, libc's qsort:", medians, "Python callback")


def texts(count: int, repeat: int) -> None:
    chosen = random.Random(2)
    lines = [f"package-{chosen.randrange(1000)}.{chosen.randrange(100)}.{chosen.randrange(100)}" for _ in range(count)]
    version = callbox.bundled("version")
    ways: dict[str, Callable[[], object]] = {"guest.argsort": lambda: version.argsort(lines)}
    program = shutil.which("callbox")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        if program is not None:
            command = [program, "sort", "-V", "-o", file.name + ".sorted", file.name]
            ways["callbox sort -V"] = lambda: subprocess.run(command, check=True)
        medians = rounds(ways, repeat)
    report(f"{count} texts by version:", medians, list(ways)[-1])


def main() -> None:
    repeat = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    starts = rounds(
        {
            program: lambda program=program: subprocess.run([sys.executable, "-c", program], check=True)
            for program in ["pass", "import callbox"]
        },
        repeat,
    )
    print(f"import: {(starts['import callbox'] - starts['pass']) * 1000:.0f} ms")
    numbers(100_000, repeat)
    texts(1_000_000, repeat)


if __name__ == "__main__":
    main()
