"""Indexes outlive their guests: one that was built under another is never used in silence."""

import os
import shutil
import sqlite3
import tempfile
import unittest

from support import BACKWARD, FORWARD, column, connect, failure, guest, load, run

# As FORWARD, and another module.
ALSO_FORWARD = guest(at_mark="(return (i32.const 0))")
REFUSED = "callbox_reindex"

DEPENDENT = {
    "a column's": "CREATE TABLE t (x TEXT COLLATE g); CREATE INDEX i ON t (x)",
    "an index's own": "CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x COLLATE G DESC)",
    "a second column": "CREATE TABLE t (y, x TEXT COLLATE g); CREATE INDEX i ON t (y, x)",
    "unique": "CREATE TABLE t (x TEXT COLLATE g UNIQUE)",
    "a primary key": "CREATE TABLE t (x TEXT COLLATE g PRIMARY KEY)",
    "a condition": "CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x) WHERE x > 'a' COLLATE g",
    "a condition by the column": "CREATE TABLE t (y, x TEXT COLLATE g); CREATE INDEX i ON t (y) WHERE x > 'a'",
    "an expression": "CREATE TABLE t (x TEXT); CREATE INDEX i ON t (x > 'a' COLLATE g)",
    "a hostile name": 'CREATE TABLE "t""; DROP TABLE x;--" (x TEXT COLLATE g);'
                      'CREATE INDEX "i\'""; ROLLBACK;" ON "t""; DROP TABLE x;--" (x)',
}


def contents(path):
    with open(path, "rb") as file:
        return file.read()


class Indexes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "a.db")

    def open(self, path=None, **options):
        db = connect(path or self.path, **options)
        self.addCleanup(db.close)
        return db

    def built(self, schema, source=FORWARD):
        """Makes a database with an index under a guest."""
        db = self.open()
        load(db, source, "g")
        db.executescript(schema)
        db.close()

    def test_another_guest_is_refused_whatever_depends_on_it(self):
        for kind, schema in DEPENDENT.items():
            self.built(schema)
            db = self.open()
            self.assertEqual(load(db, FORWARD, "g"), load(db, FORWARD, "G"), kind)
            with self.assertRaisesRegex(sqlite3.Error, REFUSED, msg=kind):
                load(db, BACKWARD, "g")
            db.close()
            db = self.open()
            with self.assertRaisesRegex(sqlite3.Error, REFUSED, msg=kind):
                load(db, BACKWARD, "g")
            with self.assertRaisesRegex(sqlite3.Error, "no such collation"):
                db.execute("SELECT 'a' < 'b' COLLATE g").fetchall()
            db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
            self.assertEqual(column(db, "SELECT 'a' > 'b' COLLATE g"), [1])
            db.close()
            db = self.open()
            load(db, BACKWARD, "g")
            self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"], kind)
            db.close()
            os.remove(self.path)

    def test_an_index_is_built_anew_and_searched_by_the_new_order(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g); CREATE INDEX i ON t (x)")
        db = self.open()
        load(db, FORWARD, "g")
        db.executemany("INSERT INTO t VALUES (?)", [(str(i),) for i in range(1000)])
        db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
        self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])
        query = "SELECT x FROM t INDEXED BY i ORDER BY x LIMIT 2"
        self.assertEqual(column(db, query), ["999", "998"])
        self.assertEqual(column(db, "SELECT count(*) FROM t WHERE x = '500'"), [1])

    def test_a_guest_that_fails_while_an_index_is_built_changes_nothing(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g); CREATE INDEX i ON t (x); CREATE INDEX j ON t (x, x);"
                   "INSERT INTO t VALUES ('a'), ('!'), ('b')", ALSO_FORWARD)
        with self.assertRaisesRegex(sqlite3.Error, "trapped"):
            db = self.open()
            db.execute("SELECT callbox_reindex(?, 'g')", (FORWARD,)).fetchall()
        # It is not known by what to compare now.
        with self.assertRaises((sqlite3.Error, MemoryError)):
            db.execute("SELECT 'a' < 'b' COLLATE g").fetchall()
        self.assertFalse(db.in_transaction)
        load(db, ALSO_FORWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "trapped"):
            db.execute("SELECT callbox_reindex(?, 'g')", (FORWARD,)).fetchall()
        self.assertEqual(column(db, "SELECT x FROM t ORDER BY x"), ["a", "!", "b"])
        self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])

    def test_an_index_that_was_built_without_a_record_is_refused_until_it_is_built_anew(self):
        db = self.open()
        db.create_collation("g", lambda a, b: (a > b) - (a < b))
        db.executescript("CREATE TABLE t (x TEXT COLLATE g); CREATE INDEX i ON t (x)")
        db.close()
        db = self.open()
        with self.assertRaisesRegex(sqlite3.Error, "not known under which guest"):
            load(db, FORWARD, "g")
        db.execute("SELECT callbox_reindex(?, 'g')", (FORWARD,)).fetchall()
        load(db, FORWARD, "g")

    def test_a_table_without_rowid_is_not_built_anew_and_says_so(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g PRIMARY KEY, y TEXT COLLATE g UNIQUE) WITHOUT ROWID;"
                   "INSERT INTO t VALUES ('a', 'b'), ('b', 'a')")
        db = self.open()
        with self.assertRaisesRegex(sqlite3.Error, REFUSED):
            load(db, BACKWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "WITHOUT ROWID"):
            db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
        load(db, FORWARD, "g")
        self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])

    def test_a_guest_that_nothing_depends_on_is_replaced_and_recorded(self):
        db = self.open()
        first = load(db, FORWARD, "g")
        self.assertEqual(column(db, "SELECT sha256 FROM callbox_index"), [first])
        second = load(db, BACKWARD, "G")
        self.assertEqual(db.execute("SELECT * FROM callbox_index").fetchall(), [("g", second)])
        self.assertNotEqual(first, second)

    def test_databases_in_memory_and_temporary_ones_are_as_careful(self):
        for schema in ["main", "temp"]:
            db = self.open(":memory:")
            load(db, FORWARD, "g")
            db.executescript(f"CREATE TABLE {schema}.t (x TEXT COLLATE g UNIQUE)")
            with self.assertRaisesRegex(sqlite3.Error, REFUSED):
                load(db, BACKWARD, "g")
            db.executescript("INSERT INTO t VALUES ('a'), ('b')")
            db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
            self.assertEqual(column(db, "SELECT x FROM t ORDER BY x"), ["b", "a"])
            load(db, BACKWARD, "g")
            self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])

    def test_attached_databases_are_looked_at(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g UNIQUE)")
        db = self.open(":memory:")
        db.execute("ATTACH ? AS more", (self.path,))
        with self.assertRaisesRegex(sqlite3.Error, "more"):
            load(db, BACKWARD, "g")
        db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
        self.assertEqual(column(db, "SELECT count(*) FROM more.callbox_index"), [1])

    def test_a_database_that_is_attached_later_is_noticed_where_sqlite_names_databases(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g UNIQUE)")
        db = self.open(":memory:")
        load(db, BACKWARD, "g")
        self.assertEqual(column(db, "SELECT 'a' < 'b' COLLATE g"), [0])  # looks at what the load has written
        db.execute("ATTACH ? AS more", (self.path,))
        if sqlite3.sqlite_version_info >= (3, 39):
            with self.assertRaises((sqlite3.Error, MemoryError)):
                db.execute("SELECT 'a' < 'b' COLLATE g").fetchall()
            self.assertIn("more", failure(db, "g"))

    def test_an_attached_database_that_changes_or_is_another_one_is_noticed(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g UNIQUE); INSERT INTO t VALUES ('a'), ('b')")
        other = self.path + "-other"
        for change in ["reindex", "attach another"]:
            db = self.open(":memory:")
            db.execute("ATTACH ? AS more", (self.path,))
            load(db, FORWARD, "g")
            for _ in range(2):
                self.assertEqual(column(db, "SELECT x FROM more.t WHERE x > 'a'"), ["b"])
            shutil.copyfile(self.path, other)
            newer = self.open(other if change == "attach another" else self.path)
            newer.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
            newer.close()
            if change == "attach another":
                db.execute("DETACH more")
                db.execute("ATTACH ? AS more", (other,))
            with self.assertRaises((sqlite3.Error, MemoryError), msg=change):
                db.execute("SELECT x FROM more.t WHERE x > 'a'").fetchall()
            self.assertIn("more", failure(db, "g"))
            db.close()
            os.replace(other, self.path)

    def test_a_read_only_database_is_read_and_not_written(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g UNIQUE); INSERT INTO t VALUES ('b'), ('a')")
        bytes_before = contents(self.path)
        db = self.open(f"file:{self.path}?mode=ro", uri=True)
        load(db, FORWARD, "g")
        self.assertEqual(column(db, "SELECT x FROM t ORDER BY x"), ["a", "b"])
        with self.assertRaisesRegex(sqlite3.Error, REFUSED):
            load(db, BACKWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "read-only"):
            db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
        load(db, BACKWARD, "other")
        self.assertEqual(column(db, "SELECT x FROM t ORDER BY x COLLATE other"), ["b", "a"])
        self.assertEqual(contents(self.path), bytes_before)
        db.close()
        db = self.open()
        db.execute("PRAGMA query_only = 1")
        load(db, BACKWARD, "third")
        self.assertEqual(contents(self.path), bytes_before)

    def test_a_connection_with_an_older_guest_is_stopped_after_another_has_loaded_a_newer_one(self):
        for journal in ["delete", "wal"]:
            older, newer = self.open(), self.open()
            older.execute(f"PRAGMA journal_mode = {journal}")
            older.execute("CREATE TABLE t (x TEXT)")
            older.executemany("INSERT INTO t VALUES (?)", [("a",), ("b",), ("c",)])
            load(older, FORWARD, "g")
            self.assertEqual(column(older, "SELECT x FROM t ORDER BY x COLLATE g"), ["a", "b", "c"])
            load(newer, BACKWARD, "g")
            with self.assertRaises((sqlite3.Error, MemoryError)):
                older.execute("CREATE INDEX i ON t (x COLLATE g)")
            self.assertIn("another connection", failure(older, "g"))
            self.assertEqual(column(older, "SELECT count(*) FROM sqlite_master WHERE name = 'i'"), [0])
            newer.execute("CREATE INDEX i ON t (x COLLATE g)")
            with self.assertRaises((sqlite3.Error, MemoryError)):
                older.execute("INSERT INTO t VALUES ('d')")
            with self.assertRaisesRegex(sqlite3.Error, REFUSED):
                load(older, FORWARD, "g")
            load(older, BACKWARD, "g")
            older.execute("INSERT INTO t VALUES ('d')")
            newer.execute("SELECT callbox_reindex(?, 'g')", (FORWARD,)).fetchall()
            with self.assertRaises((sqlite3.Error, MemoryError)):
                older.execute("INSERT INTO t VALUES ('e')")
            self.assertIn("another guest", failure(older, "g"))
            self.assertEqual(column(newer, "PRAGMA integrity_check"), ["ok"])
            older.close()
            newer.close()
            for name in os.listdir(self.folder):
                os.remove(os.path.join(self.folder, name))

    def test_a_transaction_that_is_rolled_back_leaves_no_order_without_its_record(self):
        db = self.open()
        load(db, FORWARD, "g")
        db.execute("BEGIN")
        with self.assertRaisesRegex(sqlite3.Error, "transaction"):
            load(db, BACKWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "transaction"):
            db.execute("SELECT callbox_reindex(?, 'g')", (BACKWARD,)).fetchall()
        load(db, BACKWARD, "new")
        db.execute("ROLLBACK")
        self.assertEqual(column(db, "SELECT name FROM callbox_index"), ["g"])
        db.executescript("CREATE TABLE t (x TEXT COLLATE new UNIQUE)")
        db.close()
        db = self.open()
        for source in [FORWARD, BACKWARD]:
            with self.assertRaisesRegex(sqlite3.Error, "not known"):
                load(db, source, "new")

    def test_a_lock_of_another_connection_refuses_a_load_that_has_to_record(self):
        db, other = self.open(timeout=0), self.open()
        load(other, FORWARD, "g")
        other.execute("BEGIN IMMEDIATE")
        load(db, FORWARD, "g")
        with self.assertRaisesRegex(sqlite3.Error, "locked"):
            load(db, BACKWARD, "h")
        with self.assertRaisesRegex(sqlite3.Error, "no such collation"):
            db.execute("SELECT 'a' < 'b' COLLATE h").fetchall()
        other.execute("COMMIT")
        load(db, BACKWARD, "h")

    def test_a_copy_of_a_database_over_this_one_is_noticed(self):
        self.built("CREATE TABLE t (x TEXT COLLATE g UNIQUE); INSERT INTO t VALUES ('a'), ('b')", BACKWARD)
        source = self.open()
        for place in [":memory:", os.path.join(self.folder, "b.db")]:
            db = self.open(place)
            load(db, FORWARD, "g")
            db.execute("CREATE TABLE other (x TEXT COLLATE g)")
            db.executemany("INSERT INTO other VALUES (?)", [("b",), ("a",)])
            self.assertEqual(column(db, "SELECT x FROM other ORDER BY x"), ["a", "b"])
            source.backup(db)
            with self.assertRaises((sqlite3.Error, MemoryError), msg=place):
                db.execute("SELECT x FROM t WHERE x = 'a'").fetchall()
            self.assertIn("another guest", failure(db, "g"))

    def test_another_guest_waits_for_statements_that_run(self):
        db = self.open()
        load(db, FORWARD, "g")
        db.executescript("CREATE TABLE t (x)")
        db.executemany("INSERT INTO t VALUES (?)", [(str(i),) for i in range(100)])
        running = db.execute("SELECT x FROM t")
        running.fetchone()
        for sql in ["SELECT callbox_load(?, 'g')", "SELECT callbox_reindex(?, 'g')"]:
            with self.assertRaisesRegex(sqlite3.Error, "running"):
                db.execute(sql, (BACKWARD,)).fetchall()
        load(db, FORWARD, "g")
        running.fetchall()
        load(db, BACKWARD, "g")


if __name__ == "__main__":
    run()
