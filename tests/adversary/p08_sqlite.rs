//! P8: a guest's SQL function sees its own runs only, and a policy never fails open.

use callbox::sqlite;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::behind;

#[test]
fn one_length_for_two_runs_is_no_way_to_read_behind_the_second() {
    let peek = "(func (export \"f\") (param i32 i32 i32 i32) (result i64)
        (i64.load8_u (i32.add (local.get 2) (local.get 3))))";
    let peek = behind(peek, "long long (int n, const void a[n], const void b[n], int at)").unwrap();
    let db = Connection::open_in_memory().unwrap();
    sqlite::create_scalar_function(&db, "peek", FunctionFlags::SQLITE_UTF8, &peek).unwrap();
    for at in [0, 1, 8, 100, 4095, 100_000] {
        for sql in ["zeroblob(4096), x'01'", "zeroblob(50000000), 'x'", "x'01', zeroblob(4096)"] {
            let found: rusqlite::Result<i64> =
                db.query_row(&format!("SELECT peek({sql}, {at})"), [], |row| row.get(0));
            assert!(found.is_err(), "{sql} {at}: {found:?}");
        }
    }
}

#[test]
fn a_view_in_a_hostile_file_does_not_keep_an_older_function_in_force() {
    let newer = behind("(func (export \"f\") (result i32) (i32.const 2))", "int (void)").unwrap();
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE made (x);
         CREATE VIEW pragma_function_list AS SELECT '' AS name, 0 AS narg, '' AS enc",
    )
    .unwrap();
    db.create_scalar_function("f", 0, FunctionFlags::SQLITE_UTF16LE, |_| Ok(1)).unwrap();
    sqlite::create_scalar_function(&db, "F", FunctionFlags::SQLITE_UTF8, &newer).unwrap();
    assert_eq!(db.query_row("SELECT f()", [], |row| row.get::<_, i64>(0)), Ok(2));
}

#[test]
fn a_policy_that_replaces_another_stays_when_the_other_is_dropped() {
    let prototype = "int (void *, int, const char *, const char *, const char *, const char *)";
    let answer = |answer: i32| {
        let body = format!(
            "(func (export \"f\") (param i64 i32 i32 i32 i32 i32) (result i32) (i32.const {answer}))"
        );
        behind(&body, prototype).unwrap()
    };
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE secret (text); INSERT INTO secret VALUES (1)").unwrap();
    let read = || db.query_row("SELECT text FROM secret", [], |row| row.get::<_, i64>(0));
    let mut policy = sqlite::set_authorizer(&db, &answer(0)).unwrap();
    assert!(read().is_ok());
    for _ in 0..3 {
        policy = sqlite::set_authorizer(&db, &answer(1)).unwrap();
        assert!(read().is_err(), "denied by the policy that replaced another");
    }
    assert!(policy.calls() > 0);
    // Answers that are no permission deny.
    for other in [3, -1, 256, i32::MIN] {
        policy = sqlite::set_authorizer(&db, &answer(other)).unwrap();
        assert!(read().is_err(), "{other}");
    }
    drop(policy);
}
