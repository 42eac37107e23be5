"""Many connections, threads, and the ends of them; the functions themselves, and what a hostile file does."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest

from support import BACKWARD, EXTENSION, FORWARD, column, connect, guest, load, run


class Connections(unittest.TestCase):
    def test_it_is_loaded_twice_into_one_connection(self):
        db = connect()
        load(db, "version")
        db.enable_load_extension(True)
        db.load_extension(EXTENSION)
        self.assertEqual(column(db, "SELECT '1.9' < '1.10' COLLATE version"), [1])

    def test_each_connection_has_its_own_guests_and_limits(self):
        dbs = [connect() for _ in range(50)]
        for at, db in enumerate(dbs):
            load(db, BACKWARD if at % 2 else FORWARD, "g")
            db.execute("SELECT callbox_limits(?)", (f"fuel={at + 1000}",))
        for at, db in enumerate(dbs):
            self.assertEqual(column(db, "SELECT 'a' < 'b' COLLATE g"), [1 - at % 2])
            self.assertIn(f"fuel={at + 1000},", column(db, "SELECT callbox_limits()")[0])
            db.close()

    def test_threads_with_a_connection_each_and_with_one_for_all(self):
        shared = connect(check_same_thread=False)
        load(shared, "version")
        wrong = []

        def work(number):
            for round in range(10):
                db = connect()
                load(db, "version")
                for each in [db, shared]:
                    rows = column(each, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100)"
                                        "SELECT i FROM n ORDER BY 'v' || i COLLATE version")
                    if rows != list(range(1, 101)):
                        wrong.append(rows)
                db.close()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        self.assertEqual(wrong, [])

    def test_a_connection_closes_while_statements_are_open(self):
        db = connect()
        load(db, "version")
        db.execute("CREATE TABLE t (x TEXT COLLATE version)")
        db.executemany("INSERT INTO t VALUES (?)", [(str(i),) for i in range(100)])
        cursor = db.execute("SELECT a.x FROM t a, t b ORDER BY a.x")
        cursor.fetchone()
        db.close()
        with self.assertRaises(sqlite3.ProgrammingError):
            cursor.fetchone()

    def test_a_process_ends_with_connections_open(self):
        program = (
            "import os, sys; sys.path.insert(0, sys.argv[1]); import support; db = support.connect();"
            "support.load(db, 'version'); db.execute('SELECT 1 FROM callbox_loaded').fetchone();"
            "print(support.column(db, \"SELECT '1.9' < '1.10' COLLATE version\"))"
        )
        here = os.path.dirname(os.path.abspath(__file__))
        ended = subprocess.run([sys.executable, "-c", program, here], capture_output=True, text=True, timeout=60)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "[1]\n", ""))

    def test_what_is_loaded_is_listed(self):
        db = connect()
        digest = load(db, "version")
        db.execute("SELECT callbox_function(?, 'half', 'double (double)')", (HALF,))
        db.execute("SELECT 'a' < 'b' COLLATE version, half(1)").fetchall()
        rows = db.execute("SELECT * FROM callbox_loaded").fetchall()
        self.assertEqual(rows[0], ("version", "collation", "version", "compare_bytes", digest, 1, None))
        self.assertEqual(rows[1][:4] + rows[1][5:], ("half", "function", "blob", "half", 1, None))
        for sql in ["DELETE FROM callbox_loaded", "INSERT INTO callbox_loaded VALUES (1)",
                    "CREATE VIRTUAL TABLE x USING callbox_loaded"]:
            with self.assertRaises(sqlite3.Error):
                db.execute(sql)


HALF = b'(module (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5))))'

FUNCTIONS = b"""(module (memory (export "memory") 1)
    (func (export "sum") (param $at i32) (param $n i32) (result i32) (local $s i32)
        (block $end (loop $next (br_if $end (i32.eqz (local.get $n)))
            (local.set $s (i32.add (local.get $s) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $next)))
        (local.get $s))
    (func (export "add") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
    (func (export "big") (result i64) (i64.const -1))
    (func (export "nothing") (param i32))
    (func (export "first") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "trap") (param i32) (result i32) unreachable)
    (func (export "nan") (result f64) (f64.div (f64.const 0) (f64.const 0))))"""


class Functions(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.addCleanup(self.db.close)

    def define(self, *args):
        marks = ", ".join("?" * (1 + len(args)))
        return column(self.db, f"SELECT callbox_function({marks})", FUNCTIONS, *args)[0]

    def test_values_cross_by_their_prototypes(self):
        self.define("adds", "int (unsigned char n, const unsigned char a[n])", "sum")
        self.define("plus", "long long (long long, long long)", "add")
        self.define("first", "int (const char *)")
        self.define("discards", "void (int)", "nothing")
        self.define("nan", "double (void)")
        query = "SELECT adds('ab'), plus(2, 40), first('A'), first(''), discards(1), nan(), plus(1, NULL)"
        self.assertEqual(self.db.execute(query).fetchall(), [(195, 42, 65, 0, None, None, None)])

    def test_what_does_not_fit_is_an_error_and_never_cut(self):
        self.define("adds", "int (unsigned char n, const unsigned char a[n])", "sum")
        self.define("discards", "void (int)", "nothing")
        self.define("big", "unsigned long long (void)")
        self.define("first", "int (const char *)")
        self.define("trap", "int (int)")
        for call, says in [
            ("adds(zeroblob(256))", "does not hold"),
            ("adds(1)", "text or a blob"),
            ("discards(3000000000)", "does not hold"),
            ("discards(1.5)", "integer"),
            ("discards('1')", "integer"),
            ("big()", "no SQL integer"),
            ("first('a' || char(0))", "NUL"),
            ("trap(1)", "trapped"),
            ("trap()", "wrong number"),
        ]:
            with self.assertRaisesRegex(sqlite3.Error, says, msg=call):
                self.db.execute(f"SELECT {call}").fetchall()
        self.assertIn("trapped", column(self.db, "SELECT failure FROM callbox_loaded WHERE name = 'trap'")[0])

    def test_prototypes_that_sql_does_not_have_are_refused(self):
        for prototype in ["int (int *)", "int (void *)", "int (const int a[n], int n)", "char *(int)", "int",
                          "int (const void *, const void *)", "long double (double)"]:
            with self.assertRaises(sqlite3.Error, msg=prototype):
                self.define("f", prototype, "add")

    def test_a_function_is_replaced_and_no_other_is(self):
        self.define("f", "long long (long long, long long)", "add")
        self.db.execute("SELECT callbox_function(?, 'f', 'long long (long long, long long)', 'mul')", (
            b'(module (func (export "mul") (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1))))',))
        self.assertEqual(column(self.db, "SELECT f(6, 7)"), [42])
        self.db.create_function("theirs", 2, lambda a, b: 1)
        for name in ["theirs", "instr", "callbox_load"]:
            with self.assertRaises(sqlite3.Error):
                self.define(name, "long long (long long, long long)", "add")

    def test_names_and_arguments_are_checked_and_shown_escaped(self):
        for name in ["", "a b", "a;b", "1a", "BINARY", "nocase", "Rtrim", "callbox_x", "é", "a" * 65, 'a"b', "a\x00b"]:
            with self.assertRaises(sqlite3.Error, msg=name):
                load(self.db, FORWARD, name)
        for args in [(None, "g"), (1, "g"), (FORWARD, None), (FORWARD, 5), (FORWARD, "g", "none"),
                     ("no-such-file.wasm", "g"), ("order.wasm",), (b"", "g"), (b"\0asm", "g"), ("a\x00b", "g"), ("", "g")]:
            with self.assertRaises(sqlite3.Error, msg=args):
                load(self.db, *args)
        with self.assertRaisesRegex(sqlite3.Error, r"\\u\{1b\}"):
            load(self.db, FORWARD, "\x1b[31m")
        with self.assertRaisesRegex(sqlite3.Error, "two runs of bytes|comparator"):
            load(self.db, FUNCTIONS, "g", "add")
        with self.assertRaisesRegex(sqlite3.Error, "for Callbox itself"):
            self.db.execute("SELECT callbox_fail()").fetchall()

    def test_another_collation_of_the_program_is_not_replaced_and_may_replace(self):
        self.db.create_collation("theirs", lambda a, b: 0)
        with self.assertRaisesRegex(sqlite3.Error, "not Callbox's"):
            load(self.db, FORWARD, "theirs")
        load(self.db, FORWARD, "g")
        self.db.create_collation("g", lambda a, b: (a < b) - (a > b))
        self.assertEqual(column(self.db, "SELECT 'a' < 'b' COLLATE g"), [0])
        self.assertEqual(column(self.db, "SELECT name FROM callbox_loaded"), [])


class HostileFiles(unittest.TestCase):
    """An honest program opens a file of somebody's, with the extension loaded."""

    def setUp(self):
        self.db = connect()
        self.addCleanup(self.db.close)

    def test_a_schema_can_load_nothing_and_read_no_file(self):
        for call in ["callbox_load('version')", "callbox_load('/etc/passwd', 'g')", "callbox_reindex('version')",
                     "callbox_limits('fuel=9')", "callbox_limits()", "callbox_fail()",
                     "callbox_function(x'00', 'f', 'int (void)')", "(SELECT count(*) FROM callbox_loaded)"]:
            for schema in [f"CREATE VIEW v AS SELECT {call} AS x", f"CREATE TABLE v (x, y DEFAULT ({call}))",
                           f"CREATE TABLE v (x CHECK ({call}))", f"CREATE TABLE v (x, y AS ({call}))",
                           f"CREATE TABLE v (x); CREATE TRIGGER t AFTER INSERT ON v BEGIN SELECT {call}; END",
                           f"CREATE TABLE v (x); CREATE INDEX i ON v ({call})"]:
                db = connect()
                with self.assertRaises(sqlite3.Error, msg=schema):
                    db.executescript(schema)
                    db.execute("INSERT INTO v (x) VALUES (1)")
                    db.execute("SELECT * FROM v").fetchall()
                self.assertEqual(column(db, "SELECT count(*) FROM callbox_loaded"), [0])
                db.close()

    def test_a_check_of_a_file_can_load_nothing_when_it_is_written_or_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "hostile.db")
            db = sqlite3.connect(path)
            db.create_function("callbox_limits", 1, lambda x: 1)
            db.executescript("CREATE TABLE v (x CHECK (callbox_limits('fuel=9'))); INSERT INTO v VALUES (1)")
            db.close()
            db = connect(path)
            for sql in ["INSERT INTO v VALUES (2)", "UPDATE v SET x = 3", "PRAGMA integrity_check",
                        "PRAGMA integrity_check(callbox_limits)", "PRAGMA quick_check"]:
                try:
                    db.execute(sql).fetchall()
                except sqlite3.Error:
                    pass
            # A newer SQLite refuses the file, and a query that looks into its schema.
            clean = sqlite3.sqlite_version_info < (3, 41)
            if clean:
                self.assertNotIn("fuel=9,", column(db, "SELECT callbox_limits()")[0])
            db.close()

    def test_a_table_of_the_records_name_that_is_not_ours_is_refused(self):
        for schema in [
            "CREATE TABLE callbox_index (name, sha256)",
            "CREATE VIEW callbox_index AS SELECT 'g' AS name, '' AS sha256",
            "CREATE TABLE callbox_index(name TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TRIGGER t AFTER INSERT ON callbox_index BEGIN DELETE FROM precious; END",
            "CREATE TABLE callbox_index(name TEXT PRIMARY KEY NOT NULL, sha256 TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE INDEX i ON Callbox_Index (sha256)",
            "CREATE TABLE x (y); CREATE INDEX CALLBOX_INDEX ON x (y)",
        ]:
            db = connect()
            db.executescript("CREATE TABLE precious (x); INSERT INTO precious VALUES (1);" + schema)
            for sql in ["SELECT callbox_load(?, 'g')", "SELECT callbox_reindex(?, 'g')"]:
                with self.assertRaisesRegex(sqlite3.Error, "callbox_index", msg=schema):
                    db.execute(sql, (FORWARD,)).fetchall()
            self.assertEqual(column(db, "SELECT * FROM precious"), [1])
            self.assertFalse(db.in_transaction)
            db.close()

    def test_views_of_the_names_of_pragmas_hide_no_index(self):
        self.db.create_collation("g", lambda a, b: 0)
        self.db.executescript("CREATE TABLE t (x TEXT COLLATE g UNIQUE);"
                              "CREATE VIEW pragma_index_list AS SELECT 1; CREATE VIEW pragma_index_xinfo AS SELECT 1;"
                              "CREATE VIEW pragma_database_list AS SELECT 1")
        self.db.create_collation("g", None)
        with self.assertRaisesRegex(sqlite3.Error, "not known"):
            load(self.db, FORWARD, "g")

    def test_an_authorizer_that_denies_leaves_no_order_in_silence(self):
        load(self.db, FORWARD, "g")
        self.db.executescript("CREATE TABLE t (x TEXT COLLATE g UNIQUE); INSERT INTO t VALUES ('a')")
        # Compiled before there is an authorizer, as that of a cache is.
        deny = lambda action, *_: sqlite3.SQLITE_DENY if action == 31 else sqlite3.SQLITE_OK  # functions
        self.db.set_authorizer(deny)
        with self.assertRaises((sqlite3.Error, MemoryError)):
            self.db.execute("SELECT x FROM t WHERE x >= '!' ORDER BY x || '' COLLATE g").fetchall()
        self.db.set_authorizer(None)
        with self.assertRaises((sqlite3.Error, MemoryError)):
            self.db.execute("SELECT 'a' < 'b' COLLATE g").fetchall()
        self.assertEqual(column(self.db, "SELECT 'a' < 'b' COLLATE g"), [1])

    def test_a_schema_with_ten_thousand_indexes_is_read(self):
        self.db.executescript("BEGIN;" + "".join(f"CREATE TABLE t{i} (x UNIQUE);" for i in range(2000)) + "COMMIT")
        load(self.db, FORWARD, "g")


if __name__ == "__main__":
    run()
