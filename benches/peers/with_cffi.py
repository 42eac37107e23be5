"""Sorts a file of integers once with a cffi callback: with_cffi.py FILE. Or lets calls.c call a callback of each
prototype: with_cffi.py LIBRARY CALLS. Prints the nanoseconds."""

import sys
import time

import cffi

ffi = cffi.FFI()
ffi.cdef("void qsort(void *base, size_t count, size_t size, int (*compare)(const int *, const int *));")
ffi.cdef("int64_t time_calls(int prototype, void *callback, int64_t calls);")
libc = ffi.dlopen(None)


@ffi.callback("int(const int *, const int *)")
def compare(a, b):
    x, y = a[0], b[0]
    return (x > y) - (x < y)


@ffi.callback("int(int)")
def next_(n):
    return n + 1


@ffi.callback("int(const char *)")
def first(text):
    return ord(text[0])


@ffi.callback("void(int *)")
def add(n):
    n[0] += 1


if len(sys.argv) == 3:
    library = ffi.dlopen(sys.argv[1])
    for at, callback in enumerate((compare, next_, first, add)):
        print(library.time_calls(at, callback, int(sys.argv[2])))
    sys.exit()

data = open(sys.argv[1], "rb").read()
count = len(data) // 4
ia = ffi.new("int[]", count)
ffi.memmove(ia, data, count * 4)
started = time.perf_counter_ns()
libc.qsort(ia, count, 4, compare)
nanoseconds = time.perf_counter_ns() - started
assert all(ia[i] <= ia[i + 1] for i in range(count - 1))
print(nanoseconds)
