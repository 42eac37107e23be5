"""Connections with the extension, and guests, for the tests; and what closes a run of them."""

import os
import sqlite3
import sys
import unittest

EXTENSION = os.environ["CALLBOX_SQLITE"]

# Bytewise, but a text that begins with "!" is what `at_mark` does not stand.
MODULE = """(module (memory (export "memory") 1)
  (func $is (param $at i32) (param $len i32) (param $byte i32) (result i32)
    (if (i32.eqz (local.get $len)) (then (return (i32.const 0))))
    (i32.eq (i32.load8_u (local.get $at)) (local.get $byte)))
  (func (export "%(export)s") (param $a i32) (param $n i32) (param $b i32) (param $m i32) (result i32)
    (local $d i32)
    (if (i32.or (call $is (local.get $a) (local.get $n) (i32.const 33))
                (call $is (local.get $b) (local.get $m) (i32.const 33)))
      (then %(at_mark)s))
    (block $end (loop $next
      (br_if $end (i32.or (i32.eqz (local.get $n)) (i32.eqz (local.get $m))))
      (local.set $d (i32.sub (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b))))
      (if (local.get $d) (then (return (i32.mul (local.get $d) (i32.const %(sign)d)))))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (local.set $b (i32.add (local.get $b) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (local.set $m (i32.sub (local.get $m) (i32.const 1)))
      (br $next)))
    (i32.mul (i32.const %(sign)d) (i32.sub (local.get $n) (local.get $m)))))"""


def guest(at_mark="unreachable", export="compare_bytes", sign=1):
    """Returns a guest as text, which callbox_load takes as a blob."""
    return (MODULE % {"at_mark": at_mark, "export": export, "sign": sign}).encode()


FORWARD, BACKWARD = guest(), guest(sign=-1)


def connect(path=":memory:", **options):
    """Opens a database with the extension loaded, in autocommit mode."""
    db = sqlite3.connect(path, isolation_level=None, **options)
    db.enable_load_extension(True)
    db.load_extension(EXTENSION)
    db.enable_load_extension(False)
    return db


def load(db, source, *more):
    """Loads a guest, and returns its hash."""
    marks = ", ".join("?" * (1 + len(more)))
    return db.execute(f"SELECT callbox_load({marks})", (source, *more)).fetchone()[0]


def column(db, sql, *values):
    """Returns the first column of a query."""
    return [row[0] for row in db.execute(sql, values)]


def failure(db, name):
    """Returns the failure that callbox_loaded has for a name."""
    [text] = column(db, "SELECT failure FROM callbox_loaded WHERE name = ? COLLATE BINARY", name)
    return text


def run():
    """Runs the tests of the program, and closes with a line that counts them."""
    result = unittest.main(exit=False, verbosity=1).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed", flush=True)
    sys.exit(failed > 0)
