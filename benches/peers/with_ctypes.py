"""Sorts a file of integers once with a ctypes callback: with_ctypes.py FILE. Or lets calls.c call a callback of each
prototype: with_ctypes.py LIBRARY CALLS. Prints the nanoseconds."""

import ctypes
import sys
import time

libc = ctypes.CDLL(None)
CMPFUNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def compare(a, b):
    x, y = a[0], b[0]
    return (x > y) - (x < y)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
def next_(n):
    return n + 1


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)
def first(text):
    return text[0]


@ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_int))
def add(n):
    n[0] += 1


if len(sys.argv) == 3:
    time_calls = ctypes.CDLL(sys.argv[1]).time_calls
    time_calls.restype = ctypes.c_int64
    for at, callback in enumerate((CMPFUNC(compare), next_, first, add)):
        print(time_calls(at, callback, ctypes.c_int64(int(sys.argv[2]))))
    sys.exit()

data = open(sys.argv[1], "rb").read()
count = len(data) // 4
ia = (ctypes.c_int * count).from_buffer_copy(data)
callback = CMPFUNC(compare)
libc.qsort.restype = None
started = time.perf_counter_ns()
libc.qsort(ia, ctypes.c_size_t(count), ctypes.c_size_t(4), callback)
nanoseconds = time.perf_counter_ns() - started
assert all(ia[i] <= ia[i + 1] for i in range(count - 1))
print(nanoseconds)
