"""Sorts a file of integers once with a ctypes callback: with_ctypes.py FILE. Prints the nanoseconds."""

import ctypes
import sys
import time

libc = ctypes.CDLL(None)
CMPFUNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


def compare(a, b):
    x, y = a[0], b[0]
    return (x > y) - (x < y)


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
