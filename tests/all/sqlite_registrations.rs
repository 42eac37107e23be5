//! Registrations with SQLite that are replaced, dropped and reordered: the newest is in force, whatever ends.
#![allow(unsafe_code, reason = "registers callbacks with SQLite itself, as an embedder may")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "calls of C come in rows")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;

use callbox::{CType, Callback, CallbackTable, Prototype, sqlite};
use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags, ffi};

use crate::support::{Random, alone, guest};

const COLUMNS: usize = 4;

/// A policy, by its answers to reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Policy {
    Allow,
    /// Denies this column.
    Deny(usize),
    /// Reads this column as NULL.
    Ignore(usize),
    /// Traps at every action.
    Trap,
    /// Answers reads with a number that is no permission.
    Answer(i32),
}

use Policy::{Allow, Answer, Deny, Ignore, Trap};

const POLICIES: [Policy; 12] = [
    Allow,
    Deny(0),
    Deny(1),
    Deny(2),
    Deny(3),
    Ignore(0),
    Ignore(2),
    Trap,
    Answer(3),
    Answer(-1),
    Answer(256),
    Answer(i32::MIN),
];

const PROTOTYPE: &str =
    "int (void *, int action, const char *, const char *, const char *database, const char *trigger)";

/// Returns a guest's authorizer, which knows columns by the digit in their names.
fn authorizer(policy: Policy) -> Callback {
    let is = |column: usize| {
        format!("(i32.eq (i32.load8_u offset=1 (local.get 3)) (i32.const {}))", column + usize::from(b'0'))
    };
    let body = match policy {
        Allow => "(i32.const 0)".to_owned(),
        Deny(column) => is(column),
        Ignore(column) => format!("(i32.shl {} (i32.const 1))", is(column)),
        Trap => "unreachable".to_owned(),
        Answer(answer) => format!("(i32.const {answer})"),
    };
    guest(&format!(
        r#"(module (memory (export "memory") 1)
            (func (export "f") (param i32 i32 i32 i32 i32 i32) (result i32)
                (if (i32.ne (local.get 1) (i32.const 20)) (then (return (i32.const 0)))) ;; SQLITE_READ
                {body}))"#
    ))
    .callback("f", PROTOTYPE.parse().unwrap())
    .unwrap()
}

#[derive(Debug, PartialEq)]
enum Read {
    Value,
    Null,
    Denied,
}

fn read_of(outcome: rusqlite::Result<Option<i64>>) -> Read {
    match outcome {
        Ok(Some(_)) => Read::Value,
        Ok(None) => Read::Null,
        Err(_) => Read::Denied,
    }
}

/// Returns what a policy makes of a read of this column.
fn read_under(policy: Policy, column: usize) -> Read {
    match policy {
        Deny(denied) if denied == column => Read::Denied,
        Ignore(ignored) if ignored == column => Read::Null,
        Trap | Answer(_) => Read::Denied,
        _ => Read::Value,
    }
}

fn table() -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t (c0, c1, c2, c3); INSERT INTO t VALUES (1, 2, 3, 4)").unwrap();
    db
}

fn reads(db: &Connection) -> [Read; COLUMNS] {
    std::array::from_fn(|column| {
        read_of(db.query_row(&format!("SELECT c{column} FROM t"), [], |row| row.get(0)))
    })
}

fn under(policy: Policy) -> [Read; COLUMNS] {
    std::array::from_fn(|column| read_under(policy, column))
}

/// An embedder's own authorizer, which denies the column of this number, counted from 1.
unsafe extern "C" fn deny_column(
    column: *mut c_void,
    action: c_int,
    _: *const c_char,
    name: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    if action != ffi::SQLITE_READ {
        return ffi::SQLITE_OK;
    }
    // SAFETY: for a read, SQLite passes the name of the column.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    let denied = usize::from(name.get(1) == Some(&(b'0' - 1 + column.addr() as u8)));
    denied as c_int * ffi::SQLITE_DENY
}

/// Sets an authorizer by SQLite's own function; `None` removes it.
fn set_raw(db: &Connection, column: Option<usize>) {
    let data = std::ptr::without_provenance_mut(column.map_or(0, |column| column + 1));
    // SAFETY: the function takes any number.
    let code = unsafe { ffi::sqlite3_set_authorizer(db.handle(), column.map(|_| deny_column as _), data) };
    assert_eq!(code, ffi::SQLITE_OK);
}

/// Sets an authorizer of rusqlite's; `None` removes it.
fn set_rusqlite(db: &mut Connection, column: Option<usize>) {
    let denies = column.map(|column| {
        move |context: AuthContext<'_>| match context.action {
            AuthAction::Read { column_name, .. } if column_name == format!("c{column}") => {
                Authorization::Deny
            }
            _ => Authorization::Allow,
        }
    });
    db.authorizer(denies).unwrap();
}

/// The naive model: the authorizer that SQLite calls.
#[derive(Clone, Copy, Debug)]
enum Called {
    Embedder(Policy),
    Guests,
}

#[test]
fn the_newest_authorizer_that_lives_is_in_force_in_whatever_order_they_come_and_go() {
    let mut random = Random(0xa0_7407);
    let guests = POLICIES.map(|policy| (policy, authorizer(policy)));
    let mut seen = BTreeMap::new();
    for _ in 0..40 {
        let mut db = table();
        let (mut called, mut rusqlite) = (Called::Embedder(Allow), false);
        for _ in 0..3 {
            match random.below(4) {
                0 => {
                    let column = random.below(COLUMNS);
                    set_rusqlite(&mut db, Some(column));
                    (called, rusqlite) = (Called::Embedder(Deny(column)), true);
                }
                1 => {
                    set_rusqlite(&mut db, None);
                    (called, rusqlite) = (Called::Embedder(Allow), false);
                }
                _ => {}
            }
            let mut living: Vec<(Policy, sqlite::Authorizer<'_>)> = Vec::new();
            let mut order: Vec<(usize, Policy)> = Vec::new(); // of those that live, by number
            let mut numbers: Vec<usize> = Vec::new();
            // A statement that lives as long as any: what allowed it once does not allow it for ever.
            let mut kept = None;
            for step in 0..25 {
                let what = random.below(12);
                match what {
                    0..=3 => {
                        let (policy, callback) = &guests[random.below(guests.len())];
                        let set = sqlite::set_authorizer(&db, callback).unwrap();
                        order.push((step, *policy));
                        if what == 0 && !living.is_empty() {
                            // A variable that is assigned: the new one is made before the old one is dropped.
                            let at = random.below(living.len());
                            living[at] = (*policy, set);
                            order.retain(|(number, _)| *number != numbers[at]);
                            numbers[at] = step;
                        } else {
                            living.push((*policy, set));
                            numbers.push(step);
                        }
                        called = Called::Guests;
                    }
                    4..=7 if !living.is_empty() => {
                        let at = random.below(living.len());
                        drop(living.swap_remove(at));
                        let number = numbers.swap_remove(at);
                        order.retain(|(other, _)| *other != number);
                    }
                    8 if living.len() > 1 => {
                        // Moves change nothing.
                        let (a, b) = (random.below(living.len()), random.below(living.len()));
                        living.swap(a, b);
                        numbers.swap(a, b);
                    }
                    9 => {
                        let column = (random.below(3) > 0).then(|| random.below(COLUMNS));
                        set_raw(&db, column);
                        called = Called::Embedder(column.map_or(Allow, Deny));
                    }
                    10 => {
                        let wrong = guest("(module (func (export \"f\")))");
                        let wrong = wrong.callback("f", "void (void)".parse().unwrap()).unwrap();
                        sqlite::set_authorizer(&db, &wrong).unwrap_err();
                    }
                    _ => {}
                }
                let expected = match called {
                    Called::Embedder(policy) => policy,
                    Called::Guests => match order.last() {
                        Some((_, policy)) => *policy,
                        None if rusqlite => Answer(1), // denied, as nobody can call the closure any more
                        None => Allow,
                    },
                };
                let state = format!("{called:?} {order:?} {rusqlite}");
                assert_eq!(reads(&db), under(expected), "{state}");
                if kept.is_none() {
                    kept = db.prepare("SELECT c0 FROM t").ok();
                }
                if let Some(kept) = &mut kept {
                    let read = read_of(kept.query_row([], |row| row.get(0)));
                    assert_eq!(read, read_under(expected, 0), "prepared before: {state}");
                }
                *seen.entry(format!("{expected:?}")).or_insert(0) += 1;
            }
        }
    }
    assert_eq!(seen.len(), POLICIES.len() + 1, "each policy was in force: {seen:?}");
}

#[test]
fn an_authorizer_that_replaces_another_in_its_variable_stays() {
    let db = table();
    let mut set = sqlite::set_authorizer(&db, &authorizer(Deny(1))).unwrap();
    assert_eq!(reads(&db), under(Deny(1)));
    assert!(set.calls() > 0);
    set = sqlite::set_authorizer(&db, &authorizer(Deny(2))).unwrap();
    assert_eq!(reads(&db), under(Deny(2)));
    assert!(set.calls() > 0);
    let older = mem::replace(&mut set, sqlite::set_authorizer(&db, &authorizer(Deny(3))).unwrap());
    assert_eq!(reads(&db), under(Deny(3)));
    drop(set);
    assert_eq!(reads(&db), under(Deny(2)), "the older one decides again");
    drop(older);
    assert_eq!(reads(&db), under(Allow));
}

#[test]
fn an_authorizer_of_the_embedder_that_a_guests_replaced_leaves_nothing_open() {
    let mut db = table();
    set_rusqlite(&mut db, Some(0));
    assert_eq!(reads(&db), under(Deny(0)));
    let set = sqlite::set_authorizer(&db, &authorizer(Deny(1))).unwrap();
    assert_eq!(reads(&db), under(Deny(1)), "the newest is in force");
    drop(set);
    assert_eq!(reads(&db), under(Answer(1)), "all is denied until somebody says what holds");
    set_rusqlite(&mut db, Some(0));
    assert_eq!(reads(&db), under(Deny(0)));
    set_rusqlite(&mut db, None);
    assert_eq!(reads(&db), under(Allow));
}

#[test]
fn an_authorizer_that_failed_denies_until_its_failure_is_taken_whoever_was_newer() {
    let db = table();
    let failed = sqlite::set_authorizer(&db, &authorizer(Trap)).unwrap();
    assert_eq!(reads(&db), under(Trap));
    let newer = sqlite::set_authorizer(&db, &authorizer(Deny(1))).unwrap();
    assert_eq!(reads(&db), under(Deny(1)));
    drop(newer);
    assert_eq!(reads(&db), under(Trap));
    assert!(db.prepare("SELECT 1").is_err(), "any action is denied after a failure");
    assert!(failed.take_failure().is_some());
    assert!(db.prepare("SELECT 1").is_ok());
}

unsafe extern "C" {
    /// Closes a connection whose statements may live on; the bindings leave it out.
    fn sqlite3_close_v2(db: *mut ffi::sqlite3) -> c_int;
}

/// The end of a connection takes the registrations with it, also that of a handle which was forgotten, and
/// also where statements outlive it.
#[test]
fn a_connection_that_closes_ends_its_authorizers_and_statements_behind_it_fail() {
    alone(
        "sqlite_registrations::a_connection_that_closes_ends_its_authorizers_and_statements_behind_it_fail",
        || {
            let callback = authorizer(Allow);
            let mut handle = std::ptr::null_mut();
            // SAFETY: SQLite's own functions, with valid pointers.
            let statement = unsafe {
                let flags = OpenFlags::default().bits();
                ffi::sqlite3_open_v2(c":memory:".as_ptr(), &mut handle, flags, std::ptr::null());
                let mut statement = std::ptr::null_mut();
                let sql = c"SELECT 1".as_ptr();
                let code = ffi::sqlite3_prepare_v2(handle, sql, -1, &mut statement, std::ptr::null_mut());
                assert_eq!(code, ffi::SQLITE_OK);
                statement
            };
            // SAFETY: the handle is open, and this connection does not close it.
            let db = unsafe { Connection::from_handle(handle) }.unwrap();
            mem::forget(sqlite::set_authorizer(&db, &callback).unwrap());
            assert_eq!(CallbackTable.len(), 1);
            drop(db);
            // SAFETY: as above; SQLite frees the connection with its last statement.
            unsafe {
                assert_eq!(sqlite3_close_v2(handle), ffi::SQLITE_OK);
                // It would have to be prepared again, because the authorizer is new.
                assert_eq!(ffi::sqlite3_step(statement), ffi::SQLITE_MISUSE);
                ffi::sqlite3_finalize(statement);
            }
            assert_eq!(callback.calls(), 0);
            // One that is not forgotten leaves nothing at all.
            let db = table();
            let set = sqlite::set_authorizer(&db, &callback).unwrap();
            assert_eq!(CallbackTable.len(), 2);
            drop(set);
            assert_eq!(CallbackTable.len(), 1);
            db.close().unwrap();
        },
    );
}

#[test]
fn an_authorizer_of_another_prototype_is_refused_by_a_sentence_about_its_type() {
    let db = table();
    let pointers = guest(
        r#"(module (memory (export "memory") 1)
            (func (export "p") (param i32) (result i32) (local.get 0)) (func (export "n")))"#,
    );
    for (export, prototype) in
        [("p", "void *(void *)"), ("p", "const int *(const int *)"), ("n", "void (void)")]
    {
        let wrong = pointers.callback(export, prototype.parse().unwrap()).unwrap();
        let error = sqlite::set_authorizer(&db, &wrong).unwrap_err().to_string();
        let expected = format!("a function pointer for \"{prototype}\" has not the type");
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("the result is of another type"), "{error}");
    }
    assert_eq!(reads(&db), under(Allow));
}

const ENCODINGS: [(&str, c_int); 3] =
    [("UTF-8", ffi::SQLITE_UTF8), ("UTF-16le", ffi::SQLITE_UTF16LE), ("UTF-16be", ffi::SQLITE_UTF16BE)];

fn database(encoding: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t (c0)")).unwrap();
    db
}

/// An embedder's collation, which counts its calls.
unsafe extern "C" fn counts(
    calls: *mut c_void,
    _: c_int,
    _: *const c_void,
    _: c_int,
    _: *const c_void,
) -> c_int {
    // SAFETY: the test registered its counter, which lives longer.
    unsafe { *calls.cast::<u64>() += 1 };
    0
}

fn bytes_comparator() -> Callback {
    guest(
        r#"(module (memory (export "memory") 1) (func (export "compare_bytes")
            (param i32 i32 i32 i32) (result i32) (i32.sub (local.get 1) (local.get 3))))"#,
    )
    .callback("compare_bytes", Prototype::comparator(CType::Void))
    .unwrap()
}

#[test]
fn the_newest_collation_of_a_name_is_in_force_whatever_is_dropped_and_encoded() {
    let mut random = Random(0xc011);
    let guest = bytes_comparator();
    for round in 0..30 {
        let (encoding, own) = ENCODINGS[round % 3];
        let mut calls = Box::new(0_u64);
        let counter: *mut u64 = &mut *calls;
        let db = database(encoding);
        let names = ["order", "ORDER", "NOCASE", "Ümlaut"];
        // By name: the number of the newest, and whether it is the embedder's.
        let mut newest = BTreeMap::new();
        let mut kept: Vec<(usize, sqlite::Collation)> = Vec::new();
        for step in 0..30 {
            let name = names[random.below(4)];
            let key = name.to_ascii_lowercase();
            match random.below(6) {
                0..=2 => {
                    kept.push((step, sqlite::create_collation(&db, name, &guest).unwrap()));
                    newest.insert(key, Some(step));
                }
                3 => {
                    let name = std::ffi::CString::new(name).unwrap();
                    // SAFETY: the function is of SQLite's type, and its counter outlives the connection.
                    let code = unsafe {
                        let at = name.as_ptr();
                        ffi::sqlite3_create_collation_v2(
                            db.handle(),
                            at,
                            own,
                            counter.cast(),
                            Some(counts),
                            None,
                        )
                    };
                    assert_eq!(code, ffi::SQLITE_OK);
                    newest.insert(key, None);
                }
                4 if !kept.is_empty() => drop(kept.swap_remove(random.below(kept.len()))),
                5 => {
                    // Refused, so that nothing changes.
                    let mut statement = db.prepare("SELECT 1 UNION ALL SELECT 2").unwrap();
                    let mut rows = statement.query([]).unwrap();
                    rows.next().unwrap();
                    let refused = sqlite::create_collation(&db, name, &guest);
                    assert_eq!(refused.is_err(), newest.contains_key(&key) || key == "nocase");
                    if let Ok(collation) = refused {
                        kept.push((step, collation));
                        newest.insert(key, Some(step));
                    }
                }
                _ => {}
            }
            for (name, step) in &newest {
                // SAFETY: nothing else uses the counter now.
                let before = unsafe { *counter };
                let all = |kept: &[(usize, sqlite::Collation)]| -> Vec<_> {
                    kept.iter().map(|(number, collation)| (*number, collation.calls())).collect()
                };
                let was = all(&kept);
                let sql = format!("SELECT ?1 < ?2 COLLATE \"{name}\"");
                let less = db.query_row(&sql, ["äb", "c"], |row| row.get::<_, bool>(0)).unwrap();
                assert!(!less, "{name}: by length in UTF-8, or equal");
                // SAFETY: as above.
                let by_embedder = unsafe { *counter } - before;
                assert_eq!(by_embedder, u64::from(step.is_none()), "{encoding} {name} {newest:?}");
                for ((number, before), (_, after)) in was.into_iter().zip(all(&kept)) {
                    assert_eq!(after - before, u64::from(*step == Some(number)), "{encoding} {name}");
                }
            }
        }
        let error = sqlite::create_collation(&db, "Binary", &guest).unwrap_err();
        assert!(error.to_string().contains("another name"), "{error}");
        db.close().unwrap();
    }
}

#[test]
fn the_newest_function_of_a_name_and_arity_is_in_force_and_a_removed_one_is_missing() {
    alone(
        "sqlite_registrations::\
         the_newest_function_of_a_name_and_arity_is_in_force_and_a_removed_one_is_missing",
        functions_come_and_go,
    );
}

fn functions_come_and_go() {
    let mut random = Random(0xf0_0f);
    let flags = [
        FunctionFlags::empty(),
        FunctionFlags::SQLITE_UTF8,
        FunctionFlags::SQLITE_UTF16LE,
        FunctionFlags::SQLITE_UTF16BE,
        FunctionFlags::SQLITE_UTF16,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_UTF16,
        FunctionFlags::SQLITE_UTF16BE | FunctionFlags::SQLITE_DETERMINISTIC,
    ];
    let guests: Vec<Callback> = (0..18)
        .map(|tag| {
            let (params, prototype) = [("", "void"), ("i32", "int"), ("i32 i32", "int, int")][tag % 3];
            let text =
                format!("(module (func (export \"f\") (param {params}) (result i32) (i32.const {tag})))");
            guest(&text).callback("f", format!("int ({prototype})").parse().unwrap()).unwrap()
        })
        .collect();
    for round in 0..30 {
        let (encoding, own) = ENCODINGS[round % 3];
        let db = database(encoding);
        // By name and arity: the function of the database's own encoding, and that of UTF-8. Guests are below
        // 100, and always of the latter.
        let mut registered: BTreeMap<(&str, usize), [Option<usize>; 2]> = BTreeMap::new();
        let mut kept = db.prepare("SELECT 0").unwrap();
        for step in 0..40 {
            let name = ["f", "g"][random.below(2)];
            match random.below(8) {
                0..=3 => {
                    let tag = random.below(guests.len());
                    let flags = flags[random.below(flags.len())];
                    sqlite::create_scalar_function(&db, name, flags, &guests[tag]).unwrap();
                    let slots = registered.entry((name, tag % 3)).or_default();
                    *slots = [slots[0].map(|_| tag), Some(tag)];
                    let sql = format!("SELECT {name}({})", ["", "1", "1, 2"][tag % 3]);
                    kept = db.prepare(&sql).unwrap();
                }
                4 => {
                    let (tag, arity) = (100 + step, random.below(3));
                    let flags = FunctionFlags::from_bits_truncate(own);
                    db.create_scalar_function(name, arity as c_int, flags, move |_| Ok(tag as i64)).unwrap();
                    let slots = registered.entry((name, arity)).or_default();
                    slots[usize::from(own == ffi::SQLITE_UTF8)] = Some(tag);
                }
                5 => {
                    let arity = random.below(3);
                    db.remove_function(name, arity as c_int).unwrap();
                    registered.entry((name, arity)).or_default()[1] = None;
                }
                6 => {
                    // Refused while a statement runs, if it replaces anything; nothing changes then.
                    let tag = random.below(guests.len());
                    let mut statement = db.prepare("SELECT 1 UNION ALL SELECT 2").unwrap();
                    let mut rows = statement.query([]).unwrap();
                    rows.next().unwrap();
                    let slots = registered.entry((name, tag % 3)).or_default();
                    let flags = FunctionFlags::SQLITE_UTF8;
                    let refused = sqlite::create_scalar_function(&db, name, flags, &guests[tag]).is_err();
                    assert_eq!(refused, *slots != [None, None]);
                    if !refused {
                        *slots = [None, Some(tag)];
                    }
                }
                _ => {}
            }
            for ((name, arity), slots) in &registered {
                let sql = format!("SELECT {name}({})", ["", "1", "1, 2"][*arity]);
                let found = db.query_row(&sql, [], |row| row.get::<_, u32>(0)).ok();
                let found = found.map(|tag| tag as usize);
                assert_eq!(found, slots[0].or(slots[1]), "{encoding} {name} {arity} {slots:?}");
            }
            // A statement from before runs, or fails; it never runs a function that is gone.
            let _ = kept.query_row([], |row| row.get::<_, i64>(0));
            let guests = |slots: &&[Option<usize>; 2]| slots.iter().flatten().any(|tag| *tag < 100);
            let leases = registered.values().filter(guests).count();
            assert_eq!(CallbackTable.len(), leases, "each replaced or removed function ends its lease");
        }
        drop(kept);
        db.close().unwrap();
        assert!(CallbackTable.is_empty());
    }
}
