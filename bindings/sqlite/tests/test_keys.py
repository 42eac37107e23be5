"""Sort keys as a function of SQL, and the indexes on them."""

import os
import sqlite3
import tempfile
import unittest

from support import FORWARD, column, connect, failure, load, run

# Copies a text with each byte changed by a mask, so that 0 is the order of bytes and 255 the reverse of it,
# for texts of one length; a text that begins with "!" is what `at_mark` does not stand.
KEY = b"""(func (export "sort_key") (param $at i32) (param $len i32) (param $out i32) (param $cap i32) (result i32)
    (local $i i32)
    (if (local.get $len) (then (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 33)) (then %s))))
    (if (i32.le_u (local.get $len) (local.get $cap)) (then
      (block $end (loop $next
        (br_if $end (i32.eq (local.get $i) (local.get $len)))
        (i32.store8 (i32.add (local.get $out) (local.get $i))
          (i32.xor (i32.load8_u (i32.add (local.get $at) (local.get $i))) (i32.const %d)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))))
    (local.get $len))"""


def keyed(change=0, at_mark=b"unreachable"):
    return FORWARD.replace(b'(memory (export "memory") 1)', b'(memory (export "memory") 1)' + KEY % (at_mark, change))


class Keys(unittest.TestCase):
    def test_keys_are_blobs_in_the_order_of_texts_after_numbers(self):
        db = connect()
        load(db, keyed(), "g")
        query = "SELECT g_sort_key(column1) FROM (VALUES ('b'), ('a'), (1), (NULL), ('')) ORDER BY 1"
        self.assertEqual(column(db, query), [None, 1, b"", b"a", b"b"])
        self.assertEqual(column(db, "SELECT length(g_sort_key(?))", "z" * 100_000), [100_000])
        with self.assertRaisesRegex(sqlite3.Error, "CAST"):
            db.execute("SELECT g_sort_key(x'00')").fetchall()

    def test_an_index_on_an_expression_is_used_and_asks_no_comparator(self):
        for trusted in [0, 1]:
            db = connect()
            db.execute(f"PRAGMA trusted_schema = {trusted}")
            load(db, keyed(), "g")
            db.executescript("CREATE TABLE t (x TEXT, k BLOB AS (g_sort_key(x)) VIRTUAL);"
                             "CREATE INDEX t_g ON t (g_sort_key(x)); CREATE INDEX t_k ON t (k)")
            db.executemany("INSERT INTO t VALUES (?)", [(str(i),) for i in range(500)])
            query = "SELECT x FROM t ORDER BY g_sort_key(x)"
            self.assertIn("USING INDEX", db.execute("EXPLAIN QUERY PLAN " + query).fetchall()[0][3])
            self.assertEqual(column(db, query), sorted(str(i) for i in range(500)))
            self.assertEqual(column(db, "SELECT x FROM t WHERE g_sort_key(x) > g_sort_key('498')"),
                             sorted(str(i) for i in range(500) if str(i) > "498"))
            self.assertEqual(column(db, "SELECT calls FROM callbox_loaded"), [0])

    def test_another_guest_is_refused_while_an_index_keeps_keys(self):
        for schema in ["CREATE TABLE t (x TEXT); CREATE INDEX i ON t (g_sort_key(x))",
                       'CREATE TABLE t (x TEXT); CREATE INDEX i ON t ("G_SORT_KEY"(x) DESC)',
                       "CREATE TABLE t (x TEXT, k AS (g_sort_key(x))); CREATE INDEX i ON t (k)",
                       "CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x) WHERE g_sort_key(x) > x'61'"]:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "a.db")
                db = connect(path)
                load(db, keyed(), "g")
                db.executescript(schema)
                db.executemany("INSERT INTO t (x) VALUES (?)", [("a",), ("c",), ("b",)])
                db.close()
                db = connect(path)
                with self.assertRaisesRegex(sqlite3.Error, "callbox_reindex", msg=schema):
                    load(db, keyed(255), "g")
                db.execute("SELECT callbox_reindex(?, 'g')", (keyed(255),)).fetchall()
                self.assertEqual(column(db, "SELECT x FROM t ORDER BY g_sort_key(x)"), ["c", "b", "a"])
                self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])
                older = connect(path)
                load(older, keyed(255), "g")
                db.execute("SELECT callbox_reindex(?, 'g')", (keyed(),)).fetchall()
                with self.assertRaisesRegex(sqlite3.Error, "another guest"):
                    older.execute("INSERT INTO t (x) VALUES ('d')")
                self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])
                older.close()
                db.close()

    def test_a_key_that_fails_or_lies_about_its_length_is_an_error_with_its_text(self):
        db = connect()
        load(db, keyed(), "g")
        db.executescript("CREATE TABLE t (x TEXT); CREATE INDEX i ON t (g_sort_key(x))")
        with self.assertRaisesRegex(sqlite3.Error, "trapped"):
            db.execute("INSERT INTO t VALUES ('!')")
        self.assertIn("trapped", failure(db, "g"))
        db.execute("INSERT INTO t VALUES ('a')")
        load(db, keyed(at_mark=b"(return (i32.const -1))"), "lies")
        with self.assertRaises(sqlite3.Error):
            db.execute("SELECT lies_sort_key('!')").fetchall()
        load(db, keyed(at_mark=b"(loop $l (br $l))"), "loops")
        with self.assertRaisesRegex(sqlite3.Error, "fuel|deadline"):
            db.execute("SELECT loops_sort_key('!')").fetchall()

    def test_a_guest_without_keys_in_the_place_of_one_with_them_makes_none(self):
        db = connect()
        load(db, keyed(), "g")
        load(db, FORWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "no sort_key"):
            db.execute("SELECT g_sort_key('a')").fetchall()
        load(db, FORWARD, "plain")
        with self.assertRaisesRegex(sqlite3.Error, "no such function"):
            db.execute("SELECT plain_sort_key('a')").fetchall()
        db.create_function("theirs_sort_key", 1, lambda x: x)
        with self.assertRaisesRegex(sqlite3.Error, "not Callbox's"):
            load(db, keyed(), "theirs")


if __name__ == "__main__":
    run()
