"""A guest that fails: the statement fails whatever it is, nothing is kept, and the failure can be read."""

import ctypes
import sqlite3
import threading
import unittest

from support import EXTENSION, FORWARD, column, connect, failure, guest, load, run

LOOPING = guest(at_mark="(loop $for_ever (br $for_ever))")

SCHEMA = """
    CREATE TABLE one (x TEXT COLLATE g, y);
    CREATE INDEX one_x ON one (x);
    INSERT INTO one VALUES ('!', 1);
    CREATE TABLE two (x TEXT COLLATE g);
    INSERT INTO two VALUES ('!'), ('b');
    CREATE TABLE many (x TEXT COLLATE g UNIQUE, n INTEGER);
    CREATE TABLE log (x);
    CREATE TABLE checked (x TEXT CHECK (x < 'z' COLLATE g));
    CREATE TRIGGER logs AFTER INSERT ON log WHEN new.x < 'z' COLLATE g BEGIN DELETE FROM two; END;
    CREATE VIEW seen AS SELECT x FROM two WHERE x > 'a';
"""

QUERIES = [
    "SELECT '!' < 'b' COLLATE g",
    "SELECT x < 'b' FROM one",
    "SELECT y FROM one WHERE x = 'b'",
    "SELECT y FROM one WHERE x = 'b' LIMIT 1",
    "SELECT y FROM one WHERE x > 'b'",
    "SELECT y FROM one WHERE x < 'b' ORDER BY x DESC LIMIT 1",
    "SELECT count(*) FROM one WHERE x = 'b'",
    "SELECT EXISTS (SELECT 1 FROM one WHERE x = 'b')",
    "SELECT x FROM two ORDER BY x",
    "SELECT x FROM two ORDER BY x LIMIT 1",
    "SELECT DISTINCT x FROM two",
    "SELECT count(*) FROM two GROUP BY x",
    "SELECT count(DISTINCT x) FROM two",
    "SELECT min(x) FROM two",
    "SELECT max(x) FROM two",
    "SELECT max('!' COLLATE g, 'b')",
    "SELECT x IN ('a', 'b', 'c') FROM one",
    "SELECT x FROM two WHERE x IN (SELECT x FROM two)",
    "SELECT '!' COLLATE g BETWEEN 'a' AND 'c'",
    "SELECT CASE '!' COLLATE g WHEN 'b' THEN 1 ELSE 2 END",
    "SELECT nullif('!' COLLATE g, 'b')",
    "SELECT x FROM two UNION SELECT 'c'",
    "SELECT x FROM two EXCEPT SELECT 'c'",
    "SELECT x FROM two INTERSECT SELECT 'c'",
    "SELECT a.x FROM two a JOIN two b ON a.x = b.x",
    "SELECT rank() OVER (ORDER BY x) FROM two",
    "SELECT x FROM seen",
    "SELECT group_concat(DISTINCT x) FROM two",
    "PRAGMA integrity_check",
]

CHANGES = [
    "INSERT INTO one VALUES ('b', 2)",
    "INSERT INTO one SELECT x, 3 FROM two ORDER BY x",
    "INSERT OR REPLACE INTO many VALUES ('!', 1)",
    "INSERT OR IGNORE INTO many VALUES ('!', 1)",
    "INSERT INTO many VALUES ('!', 1) ON CONFLICT (x) DO UPDATE SET n = 9",
    "UPDATE many SET x = '!' WHERE n = 1",
    "UPDATE one SET y = 5 WHERE x = 'b'",
    "DELETE FROM one WHERE x = 'b'",
    "DELETE FROM two WHERE x > 'a'",
    "INSERT INTO log VALUES ('!')",
    "INSERT INTO checked VALUES ('!')",
    "CREATE INDEX two_x ON two (x)",
    "CREATE UNIQUE INDEX two_x ON two (x)",
    "CREATE INDEX log_x ON two (x) WHERE x > 'a'",
    "CREATE TABLE made AS SELECT DISTINCT x FROM two",
]


def prepared(source=FORWARD):
    db = connect()
    load(db, source, "g")
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO many VALUES (?, ?)", [("a", 1), ("b", 2)])
    return db


def contents(db):
    return list(db.iterdump())


class Failures(unittest.TestCase):
    def fails(self, db, sql):
        with self.assertRaises((sqlite3.Error, MemoryError), msg=sql) as caught:
            db.execute(sql).fetchall()
        self.assertNotIn("UNIQUE", str(caught.exception))
        self.assertIn("trapped", failure(db, "g"), sql)

    def test_a_query_fails_and_the_next_statement_works(self):
        for sql in QUERIES:
            if sql.startswith("PRAGMA"):
                continue
            db = prepared()
            self.fails(db, sql)
            self.assertEqual(column(db, "SELECT 'a' < 'b' COLLATE g, 1"), [1], sql)
            self.assertIn("trapped", failure(db, "g"), "it stays until another is loaded")
            load(db, FORWARD, "g")
            self.assertIsNone(failure(db, "g"))
            db.close()

    def test_a_change_fails_and_is_undone(self):
        for sql in CHANGES:
            db = prepared()
            before = contents(db)
            self.fails(db, sql)
            self.assertFalse(db.in_transaction, sql)
            self.assertEqual(contents(db), before, sql)
            self.assertEqual(column(db, "SELECT 'a' < 'b' COLLATE g"), [1], sql)
            db.close()

    def test_a_change_in_a_transaction_fails_and_the_transaction_is_whole_or_gone(self):
        for sql in CHANGES:
            db = prepared()
            before = contents(db)
            db.execute("BEGIN")
            db.execute("INSERT INTO checked VALUES ('a')")
            within = contents(db)
            self.fails(db, sql)
            if db.in_transaction:
                self.assertEqual(contents(db), within, sql)
                db.execute("ROLLBACK")
            self.assertEqual(contents(db), before, sql)
            db.close()

    def test_no_step_returns_a_row_or_success_that_the_guest_has_not_answered_for(self):
        raw = Raw()
        raw.run("SELECT callbox_load(x'%s', 'g')" % FORWARD.hex())
        for sql in SCHEMA.replace("BEGIN DELETE FROM two; END", "BEGIN DELETE FROM two\v END").split(";"):
            raw.run(sql.replace("\v", ";"))
        raw.run("INSERT INTO many VALUES ('a', 1), ('b', 2)")
        for sql in QUERIES + CHANGES:
            if "integrity_check" in sql:
                continue
            # The first of several rows is distinct from none.
            rows = 1 if sql.startswith("SELECT DISTINCT") else 0
            self.assertEqual(raw.steps(sql), [Raw.ROW] * rows + [Raw.NOMEM], sql)
        raw.close()

    def test_a_guest_that_loops_is_stopped_once_a_statement(self):
        db = connect()
        db.execute("SELECT callbox_limits('timeout=300ms')")
        load(db, LOOPING, "g")
        db.execute("CREATE TABLE t (x TEXT COLLATE g)")
        db.executemany("INSERT INTO t VALUES (?)", [(f"{'!' if i % 7 else ''}{i}",) for i in range(1000)])
        for _ in range(2):
            [calls] = column(db, "SELECT calls FROM callbox_loaded")
            # A thousand texts would take minutes, if each comparison took its time.
            with self.assertRaises((sqlite3.Error, MemoryError)):
                db.execute("SELECT x FROM t ORDER BY x").fetchall()
            self.assertRegex(failure(db, "g"), "deadline|fuel")
        db.close()

    def test_fuel_and_memory_are_limited_by_name(self):
        db = connect()
        db.execute("SELECT callbox_limits('fuel=1000')")
        load(db, LOOPING, "g")
        with self.assertRaises((sqlite3.Error, MemoryError)):
            db.execute("SELECT '!' < 'a' COLLATE g").fetchall()
        self.assertIn("fuel", failure(db, "g"))
        db.execute("SELECT callbox_limits('memory=64K')")
        grows = b'(module (memory (export "memory") 2) (func (export "compare_bytes") ' \
                b"(param i32 i32 i32 i32) (result i32) (i32.const 0)))"
        with self.assertRaisesRegex(sqlite3.Error, "memory"):
            load(db, grows, "h")
        with self.assertRaisesRegex(sqlite3.Error, "there is no limit \"speed\""):
            db.execute("SELECT callbox_limits('speed=1')").fetchall()

    def test_a_failure_in_a_worker_thread_of_a_sorter_is_none_because_there_are_no_such_threads(self):
        db = connect()
        load(db, FORWARD, "g")
        self.assertEqual(column(db, "PRAGMA threads"), [0])
        # A program that turns them on again is refused, and told.
        db.execute("CREATE TABLE t (x TEXT COLLATE g)")
        db.executemany("INSERT INTO t VALUES (?)", [(f"{i * 7919 % 50021}" * 20,) for i in range(20000)])
        db.execute("PRAGMA cache_size = 10")
        if column(db, "PRAGMA threads = 4") == [4]:
            with self.assertRaises((sqlite3.Error, MemoryError)):
                db.execute("SELECT x FROM t ORDER BY x").fetchall()
            self.assertIn("PRAGMA threads", failure(db, "g"))
            db.execute("PRAGMA threads = 0")
            try:
                db.execute("SELECT 'a' < 'b' COLLATE g").fetchall()  # where it was not told
            except (sqlite3.Error, MemoryError):
                pass
        self.assertEqual(len(db.execute("SELECT x FROM t ORDER BY x").fetchall()), 20000)

    def test_a_liar_costs_an_order_and_nothing_else(self):
        db = connect()
        moody = b"""(module (memory (export "memory") 1) (global $s (mut i32) (i32.const 7))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (global.set $s (i32.add (i32.mul (global.get $s) (i32.const 1103515245)) (i32.const 12345)))
                (i32.sub (i32.rem_u (i32.shr_u (global.get $s) (i32.const 16)) (i32.const 3)) (i32.const 1))))"""
        load(db, moody, "liar")
        words = [f"w{i}" for i in range(500)]
        db.execute("CREATE TABLE t (x TEXT COLLATE liar)")
        db.execute("CREATE INDEX t_x ON t (x)")
        db.executemany("INSERT INTO t VALUES (?)", [(word,) for word in words])
        for _ in range(5):
            self.assertEqual(sorted(column(db, "SELECT x FROM t ORDER BY +x")), sorted(words))
            self.assertEqual(sorted(column(db, "SELECT x FROM t ORDER BY x")), sorted(words))
        self.assertNotEqual(column(db, "PRAGMA integrity_check"), ["ok"])

    def test_an_interrupt_of_the_program_stops_a_guest(self):
        if sqlite3.sqlite_version_info < (3, 41):
            self.skipTest("SQLite does not tell of an interrupt before 3.41")
        db = connect(check_same_thread=False)
        db.execute("SELECT callbox_limits('timeout=60s, fuel=1000000000000')")
        load(db, LOOPING, "g")
        timer = threading.Timer(0.5, db.interrupt)
        timer.start()
        with self.assertRaises((sqlite3.Error, MemoryError)):
            db.execute("SELECT '!' < 'b' COLLATE g").fetchall()
        timer.join()
        self.assertIn("interrupted", failure(db, "g"))
        self.assertEqual(column(db, "SELECT count(*) FROM callbox_loaded"), [1])

    def test_the_programs_own_function_around_a_failing_statement_fails_with_it(self):
        db = prepared()

        def inner():
            try:
                db.execute("SELECT x FROM two ORDER BY x").fetchall()
            except (sqlite3.Error, MemoryError):
                return 1
            return 0

        db.create_function("inner", 0, inner)
        with self.assertRaises((sqlite3.Error, MemoryError)):
            db.execute("SELECT inner()").fetchall()
        self.assertEqual(column(db, "SELECT 'a' < 'b' COLLATE g"), [1])


class Raw:
    """SQLite by its functions, because Python's module looks one row ahead."""

    ROW, DONE, NOMEM = 100, 101, 7

    def __init__(self):
        self.lib = ctypes.CDLL("libsqlite3.so.0")
        self.db = ctypes.c_void_p()
        assert self.lib.sqlite3_open(b":memory:", ctypes.byref(self.db)) == 0
        self.lib.sqlite3_enable_load_extension(self.db, 1)
        assert self.lib.sqlite3_load_extension(self.db, EXTENSION.encode(), None, None) == 0

    def run(self, sql):
        code = self.lib.sqlite3_exec(self.db, sql.encode(), None, None, None)
        self.lib.sqlite3_errmsg.restype = ctypes.c_char_p
        assert code == 0, (sql, self.lib.sqlite3_errmsg(self.db))

    def steps(self, sql):
        """Returns the results of all steps of a statement."""
        statement = ctypes.c_void_p()
        code = self.lib.sqlite3_prepare_v2(self.db, sql.encode(), -1, ctypes.byref(statement), None)
        assert code == 0, sql
        found = [self.lib.sqlite3_step(statement)]
        while found[-1] == Raw.ROW:
            found.append(self.lib.sqlite3_step(statement))
        self.lib.sqlite3_finalize(statement)
        return found

    def close(self):
        assert self.lib.sqlite3_close(self.db) == 0


if __name__ == "__main__":
    run()
