"""Orders of guests where SQLite uses collations: what its own tests of collations ask, with guests."""

import random
import unittest

from support import BACKWARD, FORWARD, column, connect, load, run

WORDS = ["b", "B", "a", "ab", "", "A", "aB", "Zoë", "zoe", "\x01", "z\x00y", "a" * 1000, "é", "10", "9"]


class Orders(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.addCleanup(self.db.close)
        for name in ["version", "fold", "bytes", "natural"]:
            load(self.db, name)
        self.db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)")
        self.db.executemany("INSERT INTO t (x) VALUES (?)", [(word,) for word in WORDS + [None]])

    def agree(self, sql, *pairs):
        """Checks that a query answers with the first collation of each pair as with the second."""
        for guest, own in pairs:
            rows = self.db.execute(sql.replace("?C", guest)).fetchall()
            self.assertEqual(rows, self.db.execute(sql.replace("?C", own)).fetchall(), sql)
            self.assertTrue(rows)

    def test_bytes_is_binary_and_fold_is_nocase(self):
        pairs = ("bytes", "BINARY"), ("fold", "NOCASE")
        for sql in [
            "SELECT x FROM t ORDER BY x COLLATE ?C, id",
            "SELECT x FROM t ORDER BY x COLLATE ?C DESC, id",
            "SELECT id FROM t WHERE x < 'a' COLLATE ?C ORDER BY id",
            "SELECT id FROM t WHERE x COLLATE ?C >= 'B' ORDER BY id",
            "SELECT id FROM t WHERE x COLLATE ?C BETWEEN 'a' AND 'b' ORDER BY id",
            "SELECT id FROM t WHERE x COLLATE ?C IN ('A', 'ZOE', 'b') ORDER BY id",
            "SELECT count(DISTINCT x COLLATE ?C), count(*) FROM t",
            "SELECT min(x COLLATE ?C), max(x COLLATE ?C) FROM t",
            "SELECT count(*) FROM t GROUP BY x COLLATE ?C ORDER BY count(*), min(id)",
            "SELECT x COLLATE ?C FROM t UNION SELECT 'AB' ORDER BY 1",
            "SELECT id FROM t WHERE x COLLATE ?C IN (SELECT x FROM t WHERE id < 4) ORDER BY id",
            "SELECT a.id, b.id FROM t a JOIN t b ON a.x = b.x COLLATE ?C ORDER BY 1, 2",
            "SELECT id, rank() OVER (ORDER BY x COLLATE ?C) FROM t ORDER BY id",
            "SELECT CASE x COLLATE ?C WHEN 'A' THEN 1 ELSE 0 END, id FROM t ORDER BY id",
            "SELECT max('b' COLLATE ?C, 'C'), nullif('a' COLLATE ?C, 'A'), 'a' = 'A' COLLATE ?C",
        ]:
            self.agree(sql, *pairs)

    def test_a_random_table_agrees_with_binary_with_and_without_an_index(self):
        random.seed(7)
        texts = ["".join(random.choices("aAbB\u00e9", k=random.randrange(6))) for _ in range(2000)]
        self.db.executescript("CREATE TABLE r (x TEXT COLLATE bytes, y TEXT COLLATE BINARY)")
        self.db.executemany("INSERT INTO r VALUES (?1, ?1)", [(text,) for text in texts])
        for _ in range(2):
            for limit in texts[:50]:
                for op in ["<", "<=", "=", ">"]:
                    by = [column(self.db, f"SELECT rowid FROM r WHERE {c} {op} ? ORDER BY {c}, rowid", limit)
                          for c in "xy"]
                    self.assertEqual(by[0], by[1])
            self.db.execute("CREATE INDEX IF NOT EXISTS r_x ON r (x)")
        self.assertEqual(column(self.db, "PRAGMA integrity_check"), ["ok"])

    def test_compound_selects_compare_by_the_collation_of_the_left(self):
        union = "SELECT 'a' COLLATE fold UNION SELECT 'A' UNION SELECT 'b'"
        self.assertEqual(len(column(self.db, union)), 2)
        self.assertEqual(len(column(self.db, "SELECT 'A' COLLATE fold EXCEPT SELECT 'a'")), 0)
        self.assertEqual(len(column(self.db, "SELECT 'A' COLLATE fold INTERSECT SELECT 'a'")), 1)

    def test_an_explicit_collation_goes_before_a_columns_and_the_left_columns_before_the_right(self):
        self.db.executescript("CREATE TABLE two (a TEXT COLLATE bytes, b TEXT COLLATE fold);"
                              "INSERT INTO two VALUES ('x', 'X')")
        self.assertEqual(column(self.db, "SELECT a = b FROM two"), [0])
        self.assertEqual(column(self.db, "SELECT b = a FROM two"), [1])
        self.assertEqual(column(self.db, "SELECT a = b COLLATE fold FROM two"), [1])

    def test_numbers_and_blobs_and_null_are_not_the_guests(self):
        [(before,)] = self.db.execute("SELECT calls FROM callbox_loaded WHERE name = 'version'")
        rows = column(self.db, "SELECT column1 FROM (VALUES (2), (NULL), (x'00'), (10.5), (x'')) "
                               "ORDER BY 1 COLLATE version")
        self.assertEqual(rows, [None, 2, 10.5, b"", b"\x00"])
        self.assertEqual(column(self.db, "SELECT calls FROM callbox_loaded WHERE name = 'version'"), [before])

    def test_an_index_is_used_where_its_collation_is_the_comparisons(self):
        self.db.executescript("CREATE TABLE tag (name TEXT COLLATE version); CREATE INDEX tag_name ON tag (name);"
                              "CREATE INDEX tag_fold ON tag (name COLLATE fold)")
        plan = lambda sql: self.db.execute("EXPLAIN QUERY PLAN " + sql).fetchall()[0][3]
        self.assertIn("tag_name", plan("SELECT * FROM tag WHERE name = '1'"))
        self.assertIn("tag_fold", plan("SELECT * FROM tag WHERE name = '1' COLLATE fold"))
        self.assertIn("SCAN", plan("SELECT * FROM tag WHERE name = '1' COLLATE BINARY"))
        self.assertIn("tag_name", plan("SELECT * FROM tag ORDER BY name"))
        self.assertNotIn("LIKE", plan("SELECT * FROM tag WHERE name LIKE 'a%'"))

    def test_like_and_glob_and_instr_ask_no_guest(self):
        [before] = column(self.db, "SELECT calls FROM callbox_loaded WHERE name = 'version'")
        like = "SELECT x COLLATE version LIKE 'A%', x COLLATE version GLOB 'a*', instr(x, 'a') FROM t"
        self.db.execute(like).fetchall()
        self.assertEqual(column(self.db, "SELECT calls FROM callbox_loaded WHERE name = 'version'"), [before])

    def test_unique_is_by_the_guest(self):
        self.db.execute("CREATE TABLE u (x TEXT COLLATE fold UNIQUE, y TEXT COLLATE fold PRIMARY KEY)")
        self.db.execute("INSERT INTO u VALUES ('a', 'a')")
        for row in [("A", "b"), ("b", "A")]:
            with self.assertRaisesRegex(Exception, "UNIQUE"):
                self.db.execute("INSERT INTO u VALUES (?, ?)", row)
        self.db.execute("INSERT INTO u VALUES ('A', 'c') ON CONFLICT (x) DO UPDATE SET y = 'Q'")
        self.assertEqual(self.db.execute("SELECT * FROM u").fetchall(), [("a", "Q")])

    def test_foreign_keys_compare_by_the_parents_collation(self):
        self.db.executescript("PRAGMA foreign_keys = ON; CREATE TABLE p (x TEXT COLLATE fold PRIMARY KEY);"
                              "CREATE TABLE c (x TEXT REFERENCES p); INSERT INTO p VALUES ('key');"
                              "INSERT INTO c VALUES ('KEY')")
        with self.assertRaisesRegex(Exception, "FOREIGN KEY"):
            self.db.execute("INSERT INTO c VALUES ('other')")

    def test_a_collation_lasts_through_alter_table_vacuum_and_attach(self):
        self.db.executescript("CREATE TABLE a (x TEXT COLLATE version); INSERT INTO a VALUES ('1.10'), ('1.9');"
                              "CREATE INDEX a_x ON a (x); ALTER TABLE a RENAME TO b; ALTER TABLE b ADD y COLLATE fold;"
                              "ALTER TABLE b RENAME x TO z; VACUUM; ATTACH ':memory:' AS more;"
                              "CREATE TABLE more.b AS SELECT * FROM main.b")
        self.assertEqual(column(self.db, "SELECT z FROM b ORDER BY z"), ["1.9", "1.10"])
        joined = "SELECT m.z FROM main.b m JOIN more.b n ON m.z = n.z ORDER BY m.z"
        self.assertEqual(column(self.db, joined), ["1.9", "1.10"])

    def test_databases_in_utf_16_are_ordered_by_utf_8(self):
        for encoding in ["UTF-16le", "UTF-16be"]:
            db = connect()
            db.execute(f"PRAGMA encoding = '{encoding}'")
            load(db, "bytes")
            db.executescript("CREATE TABLE t (x TEXT COLLATE bytes); CREATE INDEX t_x ON t (x)")
            db.executemany("INSERT INTO t VALUES (?)", [("\uff5e",), ("\U00010000",), ("a",), ("é",)])
            self.assertEqual(column(db, "SELECT x FROM t ORDER BY x"), ["a", "é", "\uff5e", "\U00010000"])
            self.assertEqual(column(db, "PRAGMA integrity_check"), ["ok"])
            db.close()

    def test_a_guest_of_a_blob_or_a_file_compares_by_the_export_that_is_named(self):
        load(self.db, BACKWARD, "backward")
        load(self.db, BACKWARD.replace(b"compare_bytes", b"other"), "other", "other")
        for name in ["backward", "other"]:
            self.assertEqual(column(self.db, f"SELECT column1 FROM (VALUES ('a'), ('b')) ORDER BY 1 COLLATE {name}"),
                             ["b", "a"])

    def test_names_are_sqls_and_case_does_not_matter(self):
        load(self.db, "version", "Mixed_2")
        load(self.db, "version", "mixed_2")
        self.assertEqual(column(self.db, "SELECT '1.9' < '1.10' COLLATE MIXED_2"), [1])
        names = column(self.db, "SELECT name FROM callbox_loaded")
        self.assertEqual(names.count("Mixed_2"), 1)

    def test_another_guest_takes_the_name_over_at_once(self):
        load(self.db, FORWARD, "mine")
        query = "SELECT column1 FROM (VALUES ('b'), ('a'), ('c')) ORDER BY 1 COLLATE mine"
        self.assertEqual(column(self.db, query), ["a", "b", "c"])
        load(self.db, BACKWARD, "mine")
        self.assertEqual(column(self.db, query), ["c", "b", "a"])


if __name__ == "__main__":
    run()
