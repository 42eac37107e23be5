"""Callbox: C function pointers with sandboxed WebAssembly guests behind them.

A guest is a module that nobody has to trust. C calls its exports through ordinary function pointers, as it calls the
callbacks of ctypes; whatever the guest does, no pointer dangles, no loop runs for ever, and what is sorted stays whole.

>>> guest = bundled("version")
>>> guest.sorted(["v1.10", "v1.9", "v1.2"])
['v1.2', 'v1.9', 'v1.10']
"""

from ._callbox import (
    BUNDLED,
    Callback,
    Collation,
    Contradiction,
    ContradictionError,
    Error,
    Guest,
    GuestError,
    Key,
    Lease,
    LimitError,
    Limits,
    Pointer,
    RefusedError,
    Registration,
    Retained,
    __version__,
    bundled,
    late_calls,
    load,
    loads,
    table,
)

__all__ = [
    "BUNDLED",
    "Callback",
    "Collation",
    "Contradiction",
    "ContradictionError",
    "Error",
    "Guest",
    "GuestError",
    "Key",
    "Lease",
    "LimitError",
    "Limits",
    "Pointer",
    "RefusedError",
    "Registration",
    "Retained",
    "__version__",
    "bundled",
    "late_calls",
    "load",
    "loads",
    "table",
]
