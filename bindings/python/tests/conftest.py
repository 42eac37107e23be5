"""What several tests use."""

import ctypes
import pathlib

import callbox
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]

# Compares the numbers that its arguments point to.
ASCENDING = ROOT / "wat" / "good" / "ascending.wat"


@pytest.fixture
def ascending() -> callbox.Guest:
    return callbox.load(ASCENDING)


@pytest.fixture
def version() -> callbox.Guest:
    return callbox.bundled("version")


@pytest.fixture
def libc() -> ctypes.CDLL:
    libc = ctypes.CDLL("libc.so.6")
    libc.qsort.restype = None
    return libc


def wat(body: str) -> callbox.Guest:
    """Returns a guest with these functions and a memory."""
    return callbox.loads(f'(module (memory (export "memory") 1) {body})', name="test")
