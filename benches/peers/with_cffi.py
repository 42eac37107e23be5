"""Sorts a file of integers once with a cffi callback: with_cffi.py FILE. Prints the nanoseconds."""

import sys
import time

import cffi

ffi = cffi.FFI()
ffi.cdef("void qsort(void *base, size_t count, size_t size, int (*compare)(const int *, const int *));")
libc = ffi.dlopen(None)


@ffi.callback("int(const int *, const int *)")
def compare(a, b):
    x, y = a[0], b[0]
    return (x > y) - (x < y)


data = open(sys.argv[1], "rb").read()
count = len(data) // 4
ia = ffi.new("int[]", count)
ffi.memmove(ia, data, count * 4)
started = time.perf_counter_ns()
libc.qsort(ia, count, 4, compare)
nanoseconds = time.perf_counter_ns() - started
assert all(ia[i] <= ia[i + 1] for i in range(count - 1))
print(nanoseconds)
