"""Sorts a file of integers once with a ctypes callback that calls a guest through wasmtime's Python package,
Callbox's job composed from these parts: with_wasmtime_py.py GUEST FILE. Prints the nanoseconds."""

import ctypes
import sys
import time

import wasmtime

store = wasmtime.Store()
module = wasmtime.Module(store.engine, open(sys.argv[1], "rb").read())
compare_i32 = wasmtime.Instance(store, module, []).exports(store)["compare_i32"]

libc = ctypes.CDLL(None)
CMPFUNC = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
callback = CMPFUNC(lambda a, b: compare_i32(store, a[0], b[0]))

data = open(sys.argv[2], "rb").read()
count = len(data) // 4
ia = (ctypes.c_int * count).from_buffer_copy(data)
libc.qsort.restype = None
started = time.perf_counter_ns()
libc.qsort(ia, ctypes.c_size_t(count), ctypes.c_size_t(4), callback)
nanoseconds = time.perf_counter_ns() - started
assert all(ia[i] <= ia[i + 1] for i in range(count - 1))
print(nanoseconds)
