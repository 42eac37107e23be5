//! SQLite with untrusted collations, functions and authorizers.
#![allow(unsafe_code, reason = "registers callbacks with SQLite itself, for what no wrapper does")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "calls of C come in rows")]

use std::ffi::{CString, c_int, c_void};
use std::thread;

use callbox::{CType, Callback, CallbackTable, Error, Limit, Limits, Module, Prototype, Sandbox, sqlite};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, ffi};

use crate::support::{alone, bundled, guest, stopping};

fn slices(guest: &callbox::Guest) -> Callback {
    guest.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap()
}

/// Returns a collation by lengths; `trap` may use `$calls`, the number of calls.
fn by_length(trap: &str) -> Callback {
    slices(&guest(&format!(
        r#"(module (memory (export "memory") 1) (global $calls (mut i32) (i32.const 0))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                {trap}
                (i32.sub (local.get 1) (local.get 3))))"#
    )))
}

/// Returns the result of a query for one column of text.
fn texts(db: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn tags(names: &[&str]) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE tag (name TEXT)").unwrap();
    for name in names {
        db.execute("INSERT INTO tag VALUES (?)", [name]).unwrap();
    }
    db
}

const NAMES: [&str; 8] = ["v1.10", "v1.9", "v1.2", "v2.0", "v1.10.1", "v0.1", "V1.2", "v1.9"];

fn interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// Returns Callbox's error inside one of rusqlite's.
fn ours(error: &rusqlite::Error) -> &Error {
    match error {
        rusqlite::Error::UserFunctionError(error) => error.downcast_ref().unwrap(),
        // The error of a function comes back as text.
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_is_ordered_by_a_guest() {
    let db = tags(&NAMES);
    let collation = sqlite::create_collation(&db, "version", &slices(&bundled("version"))).unwrap();
    let sorted = texts(&db, "SELECT DISTINCT name FROM tag ORDER BY name COLLATE version DESC");
    let sorted = collation.check(sorted).unwrap();
    assert_eq!(sorted, ["v2.0", "v1.10.1", "v1.10", "v1.9", "v1.2", "v0.1", "V1.2"]);
    assert!(collation.calls() > 7);
    let most: String = db
        .query_row(
            "SELECT max(name COLLATE version) FROM tag WHERE name < 'v1.9.9' COLLATE version",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(most, "v1.9");
}

#[test]
fn with_a_guest_for_each_thread_a_statement_does_not_wait_for_that_of_another() {
    let (sandbox, inside, go) = stopping();
    // Orders by the first bytes, and prints where the first one is "7".
    let wat = r#"(module (import "callbox" "print" (func $print (param i32 i32))) (memory (export "memory") 1)
        (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
            (if (i32.eq (i32.load8_u (local.get 0)) (i32.const 55))
                (then (call $print (local.get 0) (local.get 1))))
            (i32.sub (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2)))))"#;
    let guest = Module::from_text(&sandbox, "first", wat).unwrap().instantiate().unwrap();
    let first = slices(&guest).per_thread(2);
    let sorted = |names: &[&str], first: &Callback| {
        let db = tags(names);
        let collation = sqlite::create_collation(&db, "first", first).unwrap();
        let sorted = collation.check(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE first")).unwrap();
        (sorted, CallbackTable.get(collation.key()).unwrap().instances)
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| sorted(&["7", "7 too"], &first).0);
        inside.recv().unwrap();
        assert_eq!(sorted(&["c", "a", "b"], &first), (["a", "b", "c"].map(str::to_owned).to_vec(), 2));
        // For each question that may come.
        (0..8).for_each(|_| go.send(()).unwrap());
        assert_eq!(other.join().unwrap(), ["7", "7 too"]);
    });
}

#[test]
fn an_index_is_built_and_searched_by_a_guest() {
    let db = tags(&[]);
    let collation = sqlite::create_collation(&db, "fold", &slices(&bundled("fold"))).unwrap();
    db.execute_batch(
        "CREATE INDEX by_name ON tag (name COLLATE fold);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO tag SELECT \
         printf(CASE i % 2 WHEN 0 THEN 'Name%d' ELSE 'NAME%d' END, i * 7919 % 2003) FROM n",
    )
    .unwrap();
    let search = "SELECT name FROM tag WHERE name = 'name17' COLLATE fold";
    let plan: String = db.query_row(&format!("EXPLAIN QUERY PLAN {search}"), [], |row| row.get(3)).unwrap();
    assert!(plan.contains("USING COVERING INDEX by_name"), "{plan}");
    let before = collation.calls();
    assert_eq!(collation.check(texts(&db, search)).unwrap().len(), 1);
    assert!(collation.calls() - before < 30, "it is a search and no scan");
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(collation.check(Ok(check)).unwrap(), "ok");
    // For ASCII, the order is that of SQLite's own collation.
    let by_guest = texts(&db, "SELECT name FROM tag ORDER BY name COLLATE fold, name").unwrap();
    let by_sqlite = texts(&db, "SELECT name FROM tag ORDER BY name COLLATE NOCASE, name").unwrap();
    assert_eq!(by_guest, by_sqlite);
}

#[test]
fn a_collation_that_traps_makes_the_statement_fail_with_the_guests_message() {
    let db = tags(&NAMES);
    let trapping = by_length("(if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable))");
    let collation = sqlite::create_collation(&db, "guest", &trapping).unwrap();
    let outcome = texts(&db, "SELECT name FROM tag ORDER BY name COLLATE guest");
    assert!(interrupted(outcome.as_ref().unwrap_err()), "{outcome:?}");
    // Until the failure is taken, no other statement gets an order either.
    assert_eq!(trapping.calls(), 3);
    let again = texts(&db, "SELECT name FROM tag ORDER BY name COLLATE guest");
    assert!(interrupted(again.as_ref().unwrap_err()));
    assert_eq!(trapping.calls(), 3);
    let error = collation.check(outcome).unwrap_err();
    let trapped =
        "guest.wat: \"compare_bytes\" trapped: wasm `unreachable` instruction executed, comparing \"";
    assert!(error.to_string().starts_with(trapped), "{error}");
    assert!(matches!(ours(&error), Error::Trap { .. }));
    // From the fourth call on the guest answers.
    let sorted = collation.check(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE guest")).unwrap();
    assert_eq!(sorted.len(), NAMES.len());
}

#[test]
fn a_failure_behind_a_single_row_does_not_pass_the_check() {
    let db = tags(&[]);
    let collation = sqlite::create_collation(&db, "guest", &by_length("unreachable")).unwrap();
    // SQLite may return the row before it checks whether it was interrupted.
    let outcome = db.query_row("SELECT 'a' < 'bb' COLLATE guest", [], |row| row.get::<_, bool>(0));
    assert!(matches!(ours(&collation.check(outcome).unwrap_err()), Error::Trap { .. }));
}

#[test]
fn an_index_that_its_guest_could_not_order_is_not_there() {
    let db = tags(&NAMES);
    let collation = sqlite::create_collation(&db, "guest", &by_length("unreachable")).unwrap();
    let outcome = db.execute_batch("CREATE INDEX by_length ON tag (name COLLATE guest)");
    assert!(outcome.is_err());
    assert!(collation.check(outcome).is_err());
    assert_eq!(texts(&db, "SELECT name FROM sqlite_schema WHERE type = 'index'").unwrap(), [""; 0]);
    assert_eq!(texts(&db, "SELECT name FROM tag").unwrap(), NAMES);
}

#[test]
fn a_collation_that_loops_is_stopped_by_its_budget() {
    let sandbox = Sandbox::new(Limits::default().fuel(100_000)).unwrap();
    let text = "(module (memory (export \"memory\") 1)
        (func (export \"compare_bytes\") (param i32 i32 i32 i32) (result i32) \
            (loop $l (br $l)) (i32.const 0)))";
    let guest = Module::from_text(&sandbox, "loop", text).unwrap().instantiate().unwrap();
    let db = tags(&NAMES);
    let collation = sqlite::create_collation(&db, "guest", &slices(&guest)).unwrap();
    let error = collation.check(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE guest")).unwrap_err();
    assert_eq!(ours(&error).limit(), Some(Limit::Fuel));
}

#[test]
fn a_collation_that_lies_costs_an_order_and_nothing_else() {
    let db = tags(&NAMES);
    let liar = slices(&guest(
        "(module (memory (export \"memory\") 1) (global $state (mut i32) (i32.const 7))
            (func (export \"compare_bytes\") (param i32 i32 i32 i32) (result i32)
                (global.set $state \
                    (i32.add (i32.mul (global.get $state) (i32.const 1103515245)) (i32.const 12345)))
                (i32.sub (i32.rem_u (i32.shr_u (global.get $state) (i32.const 16)) (i32.const 3)) \
                    (i32.const 1))))",
    ));
    let collation = sqlite::create_collation(&db, "liar", &liar).unwrap();
    for _ in 0..50 {
        let mut found =
            collation.check(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE liar")).unwrap();
        found.sort();
        let mut expected = NAMES;
        expected.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_destructor_ends_the_lease() {
    alone("sqlite::the_destructor_ends_the_lease", || {
        let db = tags(&NAMES);
        let first = sqlite::create_collation(&db, "guest", &by_length("")).unwrap();
        assert_eq!(CallbackTable.get(first.key()).unwrap().export, "compare_bytes");
        assert_eq!(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE guest").unwrap().len(), 8);
        // Another collation of the same name replaces it.
        let second = sqlite::create_collation(&db, "guest", &by_length("")).unwrap();
        assert!(CallbackTable.get(first.key()).is_none());
        assert!(CallbackTable.get(second.key()).is_some());
        // A failed registration holds no slot.
        {
            let mut statement = db.prepare("SELECT name FROM tag ORDER BY name COLLATE guest").unwrap();
            let mut rows = statement.query([]).unwrap();
            rows.next().unwrap();
            let error = sqlite::create_collation(&db, "guest", &by_length("")).unwrap_err();
            assert!(error.to_string().contains("a statement is running"), "{error}");
        }
        assert_eq!(CallbackTable.len(), 1);
        db.close().unwrap();
        assert!(CallbackTable.is_empty());
        assert!(second.take_failure().is_none() && second.calls() > 0);
    });
}

#[test]
fn a_callback_of_another_shape_is_no_collation() {
    let db = tags(&[]);
    let pointers = guest(
        "(module (memory (export \"memory\") 1) \
         (func (export \"compare\") (param i32 i32) (result i32) (i32.const 0)))",
    );
    let pointers = pointers.callback("compare", Prototype::comparator(CType::Void)).unwrap();
    let error = sqlite::create_collation(&db, "guest", &pointers).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unsupported prototype \"int (const void *, const void *)\": a collation takes two runs of bytes; \
         register compare_bytes as \"int (const void *, const void *)\""
    );
    assert!(CallbackTable.iter().all(|entry| entry.export != "compare" || entry.calls > 0));
}

/// The collation's own prototype, SQLite's own function, the lease as its user data and `release` as its
/// destructor.
#[test]
fn sqlite_itself_takes_a_pointer_its_user_data_and_its_destructor() {
    type Compare = unsafe extern "C" fn(*mut c_void, c_int, *const c_void, c_int, *const c_void) -> c_int;
    let text = "(module (memory (export \"memory\") 1)
        (func (export \"longer\") (param $user i32) (param $n i32) (param $a i32) \
            (param $m i32) (param $b i32) (result i32)
            (i32.sub (local.get $m) (local.get $n))))";
    let longer = guest(text)
        .callback("longer", "int (void *, int n, const void a[n], int m, const void b[m])".parse().unwrap())
        .unwrap();
    let kept = longer.retain_as::<Compare>().unwrap();
    let (pointer, key) = (kept.pointer(), kept.key());
    let db = tags(&["a", "ccc", "bb"]);
    let name = CString::new("longer").unwrap();
    unsafe extern "C" fn release(user_data: *mut c_void) {
        callbox::lease::release(user_data);
    }
    // SAFETY: the pointer is of SQLite's type, and its lease ends with the collation.
    let code = unsafe {
        ffi::sqlite3_create_collation_v2(
            db.handle(),
            name.as_ptr(),
            ffi::SQLITE_UTF8,
            kept.into_user_data(),
            Some(pointer),
            Some(release),
        )
    };
    assert_eq!(code, ffi::SQLITE_OK);
    assert_eq!(texts(&db, "SELECT name FROM tag ORDER BY name COLLATE longer").unwrap(), ["ccc", "bb", "a"]);
    assert!(CallbackTable.get(key).is_some());
    db.close().unwrap();
    assert!(CallbackTable.get(key).is_none());
}

fn function(text: &str, prototype: &str) -> Callback {
    guest(&format!(r#"(module (memory (export "memory") 1) {text})"#))
        .callback("f", prototype.parse().unwrap())
        .unwrap()
}

#[test]
fn scalar_functions_take_numbers_texts_and_blobs() {
    let db = Connection::open_in_memory().unwrap();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    for (name, text, prototype) in [
        (
            "hypot2",
            "(func (export \"f\") (param f64 f32) (result f64) \
             (f64.add (f64.mul (local.get 0) (local.get 0)) \
             (f64.promote_f32 (f32.mul (local.get 1) (local.get 1)))))",
            "double (double, float)",
        ),
        (
            "plus",
            "(func (export \"f\") (param i64 i32) (result i64) \
             (i64.add (local.get 0) (i64.extend_i32_s (local.get 1))))",
            "int64_t (int64_t, short)",
        ),
        (
            "add_up",
            "(func (export \"f\") (param $n i32) (param $a i32) (param $k i32) \
             (result i32) (local $sum i32)
            (loop $next (if (local.get $n) (then
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (local.set $sum (i32.add (local.get $sum) \
                    (i32.load8_u (i32.add (local.get $a) (local.get $n)))))
                (br $next))))
            (i32.mul (local.get $sum) (local.get $k)))",
            "unsigned (int n, const void a[n], int k)",
        ),
        (
            "first",
            "(func (export \"f\") (param i32) (result i32) (i32.load8_u (local.get 0)))",
            "int (const char *)",
        ),
        ("nil", "(func (export \"f\"))", "void (void)"),
        (
            "positive",
            "(func (export \"f\") (param f64) (result i32) (f64.gt (local.get 0) (f64.const 0)))",
            "_Bool (double)",
        ),
    ] {
        sqlite::create_scalar_function(&db, name, flags, &function(text, prototype)).unwrap();
    }
    let one = |sql: &str| {
        db.query_row(&format!("SELECT {sql}"), [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map_err(|error| error.to_string())
    };
    use rusqlite::types::Value::{Integer, Null, Real};
    for (sql, expected) in [
        ("hypot2(3, 4.0)", Real(25.0)),
        ("plus(9223372036854775000, 807)", Integer(i64::MAX)),
        ("plus(1, -32768)", Integer(-32767)),
        ("add_up('abc', 2)", Integer(2 * (97 + 98 + 99))),
        ("add_up(x'ff00ff', 1)", Integer(510)),
        ("add_up('', 1)", Integer(0)),
        ("first('Ada')", Integer(65)),
        ("first(NULL)", Null),
        ("nil()", Null),
        ("positive(-0.5) + positive(0.5)", Integer(1)),
    ] {
        assert_eq!(one(sql), Ok(expected), "{sql}");
    }
    assert!(one("plus(1, 32768)").unwrap_err().contains("32768"));
    assert!(one("plus('x', 1)").unwrap_err().contains("Invalid function parameter type Text at index 0"));
    assert!(one("first('a' || char(0))").is_err());
    assert!(one("add_up('abc')").unwrap_err().contains("wrong number of arguments"));
    db.execute_batch("CREATE VIEW v AS SELECT first('x')").unwrap();
    assert!(one("* FROM v").unwrap_err().contains("unsafe use of first()"));
    let pointer = function("(func (export \"f\") (param i32))", "void (int *)");
    let error = sqlite::create_scalar_function(&db, "p", flags, &pointer).unwrap_err();
    assert!(error.to_string().contains("SQL has no such argument"), "{error}");
}

#[test]
fn a_function_that_fails_is_the_statements_error() {
    let db = tags(&NAMES);
    let text = r#"(global $calls (mut i32) (i32.const 0))
        (func (export "f") (param i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.eq (global.get $calls) (i32.const 5)) (then unreachable)) (i32.const 1))"#;
    let counting = function(text, "int (const char *)");
    sqlite::create_scalar_function(&db, "counting", FunctionFlags::SQLITE_UTF8, &counting).unwrap();
    let error = db.execute("UPDATE tag SET name = 'x' WHERE counting(name)", []).unwrap_err();
    let expected = "guest.wat: \"f\" trapped: wasm `unreachable` instruction executed";
    assert_eq!(error.to_string(), expected);
    assert_eq!(texts(&db, "SELECT name FROM tag").unwrap(), NAMES, "the statement left nothing behind");
    assert_eq!(
        db.execute("UPDATE tag SET name = 'x' WHERE counting(name)", []).unwrap(),
        8,
        "the next call asks again"
    );
}

/// Allows everything but reads of columns whose name begins with "s", for secret.
const AUTHORIZE: &str = "(func (export \"f\") (param $user i32) (param $action i32) \
        (param $a i32) (param $b i32)
        (param $c i32) (param $d i32) (result i32)
    (if (i32.ne (local.get $action) (i32.const 20)) (then (return (i32.const 0)))) ;; SQLITE_READ
    (if (i32.eqz (local.get $b)) (then (return (i32.const 0))))
    (i32.eq (i32.load8_u (local.get $b)) (i32.const 115)))";

const AUTHORIZER: &str =
    "int (void *, int action, const char *, const char *, const char *database, const char *trigger)";

#[test]
fn an_authorizer_that_nobody_trusts_denies_what_it_likes_and_everything_when_it_fails() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE TABLE account (name TEXT, secret TEXT); INSERT INTO account VALUES ('Ada', '42')",
    )
    .unwrap();
    let authorizer = sqlite::set_authorizer(&db, &function(AUTHORIZE, AUTHORIZER)).unwrap();
    assert_eq!(texts(&db, "SELECT name FROM account").unwrap(), ["Ada"]);
    let error = texts(&db, "SELECT secret FROM account").unwrap_err();
    assert!(error.to_string().contains("access to account.secret is prohibited"), "{error}");
    assert!(authorizer.take_failure().is_none() && authorizer.calls() > 2);
    drop(authorizer);
    assert_eq!(texts(&db, "SELECT secret FROM account").unwrap(), ["42"]);

    let failing = AUTHORIZE.replace("(if (i32.eqz", "unreachable (if (i32.eqz");
    let authorizer = sqlite::set_authorizer(&db, &function(&failing, AUTHORIZER)).unwrap();
    assert!(texts(&db, "SELECT name FROM account").is_err());
    assert!(texts(&db, "SELECT 1").is_err(), "and goes on denying");
    assert!(matches!(authorizer.take_failure(), Some(Error::Trap { .. })));
    drop(authorizer);

    let wrong = function("(func (export \"f\") (result i32) (i32.const 0))", "int (void)");
    let error = sqlite::set_authorizer(&db, &wrong).unwrap_err();
    assert!(error.to_string().contains("the prototype has 0 arguments"), "{error}");
}
