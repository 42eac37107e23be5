// The extension in better-sqlite3, whose SQLite is newer and its own. Closes with "N passed, N failed".
"use strict";
const Database = require("better-sqlite3");
const assert = require("node:assert");
const { Worker, isMainThread } = require("node:worker_threads");

function open(path = ":memory:") {
  const db = new Database(path);
  db.loadExtension(process.env.CALLBOX_SQLITE);
  return db;
}

const trapping = Buffer.from(`(module (memory (export "memory") 1)
  (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) unreachable))`);
const slow = Buffer.from(`(module (memory (export "memory") 1)
  (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (loop $l (br $l)) (i32.const 0)))`);

const tests = {
  "a table is ordered, indexed and searched by a guest"() {
    const db = open();
    db.prepare("SELECT callbox_load('version')").get();
    db.exec("CREATE TABLE tag (name TEXT COLLATE version); CREATE INDEX tag_name ON tag (name)");
    const insert = db.prepare("INSERT INTO tag VALUES (?)");
    for (const name of ["v1.10", "v1.9", "v1.2"]) insert.run(name);
    assert.deepStrictEqual(db.prepare("SELECT name FROM tag ORDER BY name").pluck().all(), ["v1.2", "v1.9", "v1.10"]);
    assert.strictEqual(db.prepare("SELECT name FROM tag WHERE name = 'v1.9'").pluck().get(), "v1.9");
    assert.deepStrictEqual(db.pragma("integrity_check", { simple: true }), "ok");
    db.close();
  },
  "a guest that fails makes get, all and run fail, and nothing is kept"() {
    const db = open();
    db.prepare("SELECT callbox_load(?, 'g')").get(trapping);
    db.exec("CREATE TABLE t (x TEXT COLLATE g, y); CREATE INDEX t_x ON t (x); INSERT INTO t VALUES ('a', 1)");
    for (const sql of ["SELECT y FROM t WHERE x = 'b'", "SELECT y FROM t WHERE x > 'b'", "SELECT max('a' COLLATE g, 'b')",
                       "SELECT EXISTS (SELECT 1 FROM t WHERE x = 'b')", "SELECT 'a' IN (x) FROM t WHERE x < 'q'",
                       "SELECT x FROM t UNION SELECT 'b'"]) {
      assert.throws(() => db.prepare(sql).get(), /out of memory/, sql);
      assert.throws(() => db.prepare(sql).all(), /out of memory/, sql);
    }
    for (const sql of ["INSERT INTO t VALUES ('b', 2)", "UPDATE t SET y = 9 WHERE x = 'b'", "DELETE FROM t WHERE x > 'A'"])
      assert.throws(() => db.prepare(sql).run(), /out of memory/, sql);
    assert.deepStrictEqual(db.prepare("SELECT * FROM t").raw().all(), [["a", 1]]);
    assert.match(db.prepare("SELECT failure FROM callbox_loaded").pluck().get(), /trapped/);
    assert.throws(() => db.transaction(() => db.prepare("INSERT INTO t VALUES ('c', 3)").run())(), /out of memory/);
    assert.deepStrictEqual(db.prepare("SELECT * FROM t").raw().all(), [["a", 1]]);
    db.close();
  },
  "a guest that loops is stopped at its limit"() {
    const db = open();
    db.prepare("SELECT callbox_limits('fuel=100000')").get();
    db.prepare("SELECT callbox_load(?, 'g')").get(slow);
    assert.throws(() => db.prepare("SELECT 'a' < 'b' COLLATE g").get(), /out of memory/);
    assert.match(db.prepare("SELECT failure FROM callbox_loaded").pluck().get(), /fuel/);
    db.close();
  },
  "no schema may load a guest"() {
    const db = open();
    db.exec("CREATE VIEW v AS SELECT callbox_load('version')");
    assert.throws(() => db.prepare("SELECT * FROM v").get(), /unsafe use/);
    db.exec("CREATE VIEW w AS SELECT * FROM callbox_loaded");
    assert.throws(() => db.prepare("SELECT * FROM w").get(), /unsafe use/);
    db.close();
  },
  "a function takes texts and numbers"() {
    const db = open();
    db.prepare("SELECT callbox_function(?, 'half', 'double (double)')").get(
      Buffer.from('(module (func (export "half") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5))))'));
    assert.strictEqual(db.prepare("SELECT half(3)").pluck().get(), 1.5);
    db.close();
  },
};

async function main() {
  let passed = 0, failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      test();
      passed++;
    } catch (error) {
      failed++;
      console.error(`FAILED ${name}\n${error.stack}`);
    }
  }
  // Workers have copies of this module, and the library once.
  const workers = [1, 2, 3].map(() => new Promise((done) => new Worker(__filename).on("exit", done)));
  const codes = await Promise.all(workers);
  codes.every((code) => code === 0) ? passed++ : failed++;
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (isMainThread) main();
else tests["a table is ordered, indexed and searched by a guest"]();
