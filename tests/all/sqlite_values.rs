//! Values that cross from SQL to a guest's function and back: each run with its own length.
#![allow(unsafe_code, reason = "bounds SQLite's memory, for which no wrapper is")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "calls of C come in rows")]

use std::ffi::c_long;

use callbox::{Callback, sqlite};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, ffi, params_from_iter};

use crate::support::{Random, alone, guest};

const ENCODINGS: [&str; 3] = ["UTF-8", "UTF-16le", "UTF-16be"];

fn database(encoding: &str) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE row (id INTEGER)")).unwrap();
    let found: String = db.query_row("PRAGMA encoding", [], |row| row.get(0)).unwrap();
    assert_eq!(found, encoding);
    db
}

fn function(text: &str, prototype: &str) -> Callback {
    guest(&format!(r#"(module (memory (export "memory") 1) {text})"#))
        .callback("f", prototype.parse().unwrap())
        .unwrap()
}

fn add(db: &Connection, name: &str, callback: &Callback) {
    sqlite::create_scalar_function(db, name, FunctionFlags::SQLITE_UTF8, callback).unwrap();
}

/// Returns the value of an expression, or its error.
fn one(db: &Connection, sql: &str) -> Result<Value, String> {
    db.query_row(&format!("SELECT {sql}"), [], |row| row.get(0)).map_err(|error| error.to_string())
}

const LENGTH: &str = "(func (export \"f\") (param i32 i32) (result i32) (local.get 0))";

/// Answers with the length, and a byte of the second run.
const TWO_RUNS: &str = "(func (export \"f\") (param $n i32) (param i32) (param $b i32) (param $at i32) \
    (result i32) (i32.add (i32.mul (local.get $n) (i32.const 1000)) \
        (i32.load8_u (i32.add (local.get $b) (local.get $at)))))";

#[test]
fn one_length_of_two_runs_fails_where_their_lengths_differ() {
    for encoding in ENCODINGS {
        let db = database(encoding);
        add(&db, "f", &function(TWO_RUNS, "long (int n, const void a[n], const void b[n], int at)"));
        for sql in [
            "f(zeroblob(4096), x'01', 4000)",
            "f(x'01', zeroblob(4096), 0)",
            "f(zeroblob(50000000), 'x', 40000000)",
            "f('', 'x', 0)",
            "f('é', 'e', 0)",
            "f(x'', x'00', 0)",
        ] {
            let error = one(&db, sql).unwrap_err();
            assert!(error.contains("one argument tells the length of both"), "{sql}: {error}");
        }
        assert_eq!(one(&db, "f('éa', x'010203', 2)"), Ok(Value::Integer(3003)), "as UTF-8, {encoding}");
        assert_eq!(one(&db, "f('', x'', 0)").map(|_| ()), Ok(()));
        assert_eq!(
            one(&db, "f(x'01', x'0102', 1)").unwrap_err(),
            "the values at index 0 and 1 have 1 and 2 bytes, and one argument tells the length of both; \
             pass two of one length"
        );
    }
}

#[test]
fn a_length_that_its_type_does_not_hold_fails() {
    let db = database("UTF-8");
    for (name, prototype, most) in [
        ("bool", "int (_Bool n, const void a[n])", 1),
        ("c", "int (char n, const char a[n])", 127),
        ("sc", "int (signed char n, const int8_t a[n])", 127),
        ("uc", "int (unsigned char n, const unsigned char a[n])", 255),
        ("s", "int (short n, const uint8_t a[n])", 32767),
        ("us", "int (unsigned short n, const signed char a[n])", 65535),
    ] {
        add(&db, name, &function(LENGTH, prototype));
        for len in [0, 1, most - 1, most, most + 1, most + 45, 2 * most + 2, 70000, 65536 + 1] {
            let found = one(&db, &format!("{name}(zeroblob({len}))"));
            match found {
                Ok(found) => assert!(len <= most && found == Value::Integer(len), "{prototype} {found:?}"),
                Err(error) => {
                    assert!(len > most && error.contains(&format!("has {len} bytes")), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_number_that_its_type_does_not_hold_fails() {
    let db = database("UTF-8");
    let same = "(func (export \"f\") (param i32) (result i32) (local.get 0))";
    for (name, ctype, low, high) in [
        ("b", "_Bool", 0, 1),
        ("sc", "signed char", -128, 127),
        ("uc", "unsigned char", 0, 255),
        ("s", "short", -32768, 32767),
        ("us", "unsigned short", 0, 65535),
        ("i", "int", i64::from(i32::MIN), i64::from(i32::MAX)),
        ("ui", "unsigned int", 0, i64::from(u32::MAX)),
    ] {
        add(&db, name, &function(same, &format!("{ctype} ({ctype})")));
        for value in [low, high] {
            assert_eq!(one(&db, &format!("{name}({value})")), Ok(Value::Integer(value)), "{ctype}");
        }
        for value in [low - 1, high + 1, high + 256, i64::MIN + 1, i64::MAX] {
            let error = one(&db, &format!("{name}({value})")).unwrap_err();
            assert!(error.contains(&format!("Integer {value} out of range at index 0")), "{error}");
        }
        for wrong in ["'1'", "x'01'", "1.0", "'x'"] {
            let error = one(&db, &format!("{name}({wrong})")).unwrap_err();
            assert!(error.contains("Invalid function parameter type"), "{error}");
        }
    }
}

#[test]
fn what_sql_does_not_have_is_refused_when_it_is_registered() {
    let db = database("UTF-8");
    for (export, prototype) in [
        ("(param i32)", "void (int *)"),
        ("(param i32)", "void (const int *)"),
        ("(param i32)", "void (const int a[4])"),
        ("(param i32)", "void (const char a[4])"),
        ("(param i32)", "void (char *)"),
        ("(param i32)", "void (void *)"),
        ("(param i32)", "void (const void *)"),
        ("(param i32)", "void (const struct { int x; int y; } *)"),
        ("(param i32)", "void (struct { int x; int y; })"),
        ("(param i32 i32)", "void (int n, const short a[n])"),
        ("(param i32 i32)", "void (int n, const double a[n])"),
        ("(param i32 i32)", "void (int n, const _Bool a[n])"),
        ("(param i32 i32)", "void (int n, const struct { char c; } a[n])"),
        ("(param i32 i32)", "void (int n, unsigned char a[n])"),
        ("(param i32 i32)", "void (int n, void a[n])"),
        ("(param i32 i32)", "void (int n, const char *const a[n])"),
        ("(param i32) (result i32)", "const char *(const char *)"),
    ] {
        let text = format!("(func (export \"f\") {export} unreachable)");
        let error =
            sqlite::create_scalar_function(&db, "f", FunctionFlags::SQLITE_UTF8, &function(&text, prototype));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(" SQL "), "{prototype}: {error}");
        assert!(one(&db, "f(1)").unwrap_err().contains("no such function"), "{prototype}");
    }
}

#[test]
fn a_text_ends_where_it_ends_and_its_length_is_limited() {
    let length = "(func (export \"f\") (param $a i32) (result i32) (local $n i32)
        (loop $next (if (i32.load8_u (i32.add (local.get $a) (local.get $n))) (then
            (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $next)))) (local.get $n))";
    for encoding in ENCODINGS {
        let db = database(encoding);
        add(&db, "f", &function(length, "int (const char *)"));
        for (sql, expected) in [
            ("f('')", 0),
            ("f(x'')", 0),
            ("f(zeroblob(0))", 0),
            ("f('Ada')", 3),
            ("f(x'4164')", 2),
            ("f('é€😀')", 9),
            ("f(substr('Adam', 2, 2))", 2),
            ("f(hex(zeroblob(50000)))", 100_000),
            ("f(CAST(12345 AS TEXT))", 5),
        ] {
            assert_eq!(one(&db, sql), Ok(Value::Integer(expected)), "{sql} {encoding}");
        }
        for sql in ["f('a' || char(0) || 'b')", "f(char(0))", "f(x'00')", "f(zeroblob(3))"] {
            assert!(one(&db, sql).unwrap_err().contains("has a NUL"), "{sql}");
        }
        let error = one(&db, "f(hex(zeroblob(1000000)))").unwrap_err();
        assert!(error.contains("argument 1 that does not end within 1M"), "{error}");
        for sql in ["f(1)", "f(1.5)"] {
            assert!(one(&db, sql).unwrap_err().contains("\"const char *\" takes a text or a blob"), "{sql}");
        }
        assert_eq!(one(&db, "f(NULL)"), Ok(Value::Null));
    }
}

#[test]
fn a_result_that_sql_does_not_hold_fails_and_what_is_no_number_is_null() {
    let db = database("UTF-8");
    for (name, result, body, prototype) in [
        ("most", "i64", "(i64.const 0x7fffffffffffffff)", "uint64_t (void)"),
        ("more", "i64", "(i64.const 0x8000000000000000)", "uint64_t (void)"),
        ("least", "i64", "(i64.const 0x8000000000000000)", "int64_t (void)"),
        ("nan", "f64", "(f64.const nan)", "double (void)"),
        ("nanf", "f32", "(f32.const nan:0x200000)", "float (void)"),
        ("tenth", "f32", "(f32.const 0.1)", "float (void)"),
        ("yes", "i32", "(i32.const 0x100)", "_Bool (void)"),
        ("narrow", "i32", "(i32.const 0x1ff)", "signed char (void)"),
    ] {
        let text = format!("(func (export \"f\") (result {result}) {body})");
        add(&db, name, &function(&text, prototype));
    }
    assert_eq!(one(&db, "most()"), Ok(Value::Integer(i64::MAX)));
    assert_eq!(
        one(&db, "more()").unwrap_err(),
        "\"f\" returned 9223372036854775808, which no SQL integer is"
    );
    assert_eq!(one(&db, "least()"), Ok(Value::Integer(i64::MIN)));
    assert_eq!(one(&db, "nan()"), Ok(Value::Null));
    assert_eq!(one(&db, "nanf()"), Ok(Value::Null));
    assert_eq!(one(&db, "tenth()"), Ok(Value::Real(f64::from(0.1_f32))));
    assert_eq!(one(&db, "yes()"), Ok(Value::Integer(1)));
    assert_eq!(one(&db, "narrow()"), Ok(Value::Integer(-1)));
}

#[test]
fn a_value_that_sqlite_has_no_memory_to_convert_is_an_error() {
    alone("sqlite_values::a_value_that_sqlite_has_no_memory_to_convert_is_an_error", || {
        let db = database("UTF-16le");
        let calls = function(LENGTH, "int (int n, const void a[n])");
        add(&db, "f", &calls);
        let text = "x".repeat(4 << 20);
        let mut statement = db.prepare("SELECT f(?)").unwrap();
        statement.raw_bind_parameter(1, &text).unwrap();
        let mut zeros = db.prepare("SELECT f(zeroblob(20000000))").unwrap();
        // SAFETY: SQLite's functions without any pointers.
        unsafe { ffi::sqlite3_hard_heap_limit64(ffi::sqlite3_memory_used() + (1 << 20)) };
        for statement in [&mut statement, &mut zeros] {
            let mut rows = statement.raw_query();
            let error = rows.next().map(|row| row.is_some()).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OutOfMemory), "{error}");
        }
        // SAFETY: as above.
        unsafe { ffi::sqlite3_hard_heap_limit64(0) };
        assert_eq!(calls.calls(), 0, "the guest saw nothing");
        let mut rows = statement.raw_query();
        assert_eq!(rows.next().unwrap().unwrap().get::<_, i64>(0).unwrap(), 4 << 20);
    });
}

/// A number's name in C, its bits, and whether it is signed.
const INTEGERS: [(&str, u32, bool); 16] = [
    ("_Bool", 1, false),
    ("char", 8, true),
    ("signed char", 8, true),
    ("unsigned char", 8, false),
    ("int8_t", 8, true),
    ("uint8_t", 8, false),
    ("short", 16, true),
    ("unsigned short", 16, false),
    ("int", 32, true),
    ("unsigned int", 32, false),
    ("int32_t", 32, true),
    ("uint32_t", 32, false),
    ("long", c_long::BITS, true),
    ("unsigned long", c_long::BITS, false),
    ("size_t", 64, false),
    ("int64_t", 64, true),
];

const BYTES: [&str; 6] = ["void", "char", "signed char", "unsigned char", "int8_t", "uint8_t"];

#[derive(Clone)]
enum Param {
    Integer(usize),
    Real(&'static str),
    Text,
    /// Element, and the index of the length.
    Run(&'static str, usize),
    Length(usize),
}

/// Returns whether an integer type holds a value.
fn holds(integer: usize, value: i128) -> bool {
    let (_, bits, signed) = INTEGERS[integer];
    let (low, high) = if signed { (-1 << (bits - 1), 1 << (bits - 1)) } else { (0, 1_i128 << bits) };
    (low..high).contains(&value)
}

/// Returns the parameters of a random prototype.
fn params(random: &mut Random) -> Vec<Param> {
    let len = 1 + random.below(5);
    let mut params: Vec<_> = (0..len)
        .map(|_| match random.below(6) {
            0 | 1 => Param::Integer(random.below(INTEGERS.len())),
            2 => Param::Real(["float", "double"][random.below(2)]),
            3 => Param::Text,
            _ => Param::Length(random.below(INTEGERS.len())),
        })
        .collect();
    // Each length counts one to three runs, before it or after it.
    for (teller, param) in params.clone().iter().enumerate() {
        if matches!(param, Param::Length(_)) {
            for _ in 0..1 + random.below(3) {
                let at = random.below(params.len() + 1);
                params.insert(at, Param::Run(BYTES[random.below(6)], usize::MAX - teller));
            }
        }
    }
    // The inserted runs have moved the lengths.
    let lengths: Vec<_> = (0..params.len()).filter(|at| !matches!(params[*at], Param::Run(..))).collect();
    for param in &mut params {
        if let Param::Run(_, teller) = param {
            *teller = lengths[usize::MAX - *teller];
        }
    }
    params
}

fn prototype(params: &[Param]) -> String {
    let each = params.iter().enumerate().map(|(at, param)| match param {
        Param::Integer(integer) | Param::Length(integer) => format!("{} p{at}", INTEGERS[*integer].0),
        Param::Real(name) => format!("{name} p{at}"),
        Param::Text => format!("const char *p{at}"),
        Param::Run(element, teller) => format!("const {element} p{at}[p{teller}]"),
    });
    format!("int64_t ({})", each.collect::<Vec<_>>().join(", "))
}

const PRIME: i64 = 0x100_0000_01b3;

/// Returns the text of a guest that mixes everything that it is passed into one number.
fn mixer(params: &[Param]) -> String {
    let mix = |value: String| {
        format!("(local.set $h (i64.mul (i64.xor (local.get $h) {value}) (i64.const {PRIME})))\n")
    };
    let wide = |integer: usize| INTEGERS[integer].1 == 64;
    let (mut types, mut body) = (String::new(), String::new());
    for (at, param) in params.iter().enumerate() {
        let get = format!("(local.get {at})");
        let (core, mixed) = match param {
            Param::Integer(integer) | Param::Length(integer) if wide(*integer) => ("i64", mix(get)),
            Param::Integer(_) | Param::Length(_) => ("i32", mix(format!("(i64.extend_i32_s {get})"))),
            Param::Real("float") => ("f32", mix(format!("(i64.reinterpret_f64 (f64.promote_f32 {get}))"))),
            Param::Real(_) => ("f64", mix(format!("(i64.reinterpret_f64 {get})"))),
            Param::Text | Param::Run(..) => {
                let byte = format!("(i32.load8_u (i32.add {get} (local.get $i)))");
                let more = match param {
                    Param::Run(_, teller) => {
                        let wrap = match &params[*teller] {
                            Param::Length(integer) if wide(*integer) => "i32.wrap_i64",
                            _ => "i32.add (i32.const 0)",
                        };
                        format!("(i32.lt_u (local.get $i) ({wrap} (local.get {teller})))")
                    }
                    _ => byte.clone(),
                };
                let step = mix(format!("(i64.extend_i32_u {byte})"));
                let next = "(local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next)";
                let end = mix("(i64.const 511)".to_owned());
                let all = format!(
                    "(local.set $i (i32.const 0)) (loop $next (if {more} (then {step} {next}))) {end}"
                );
                ("i32", all)
            }
        };
        types += &format!(" {core}");
        body += &mixed;
    }
    format!(
        "(func (export \"f\") (param{types}) (result i64) (local $h i64) (local $i i32)
            {body} (local.get $h))"
    )
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Null,
    Failure,
    Mixed(i64),
}

/// The oracle: returns the outcome of a call, from the prototype and the values alone.
fn expected(params: &[Param], values: &[Value]) -> Outcome {
    if values.contains(&Value::Null) {
        return Outcome::Null;
    }
    let mut sql = 0;
    let of: Vec<_> = params
        .iter()
        .map(|param| match param {
            Param::Length(_) => None,
            _ => {
                sql += 1;
                Some(&values[sql - 1])
            }
        })
        .collect();
    let bytes = |at: usize| match of[at] {
        Some(Value::Text(text)) => Some(text.as_bytes()),
        Some(Value::Blob(blob)) => Some(&blob[..]),
        _ => None,
    };
    let mut hash = 0_i64;
    let mut mix = |value: i64| hash = (hash ^ value).wrapping_mul(PRIME);
    let number = |integer: usize, value: i128| {
        let narrow = INTEGERS[integer].1 < 64;
        holds(integer, value).then(|| if narrow { i64::from(value as i32) } else { value as i64 })
    };
    for (at, param) in params.iter().enumerate() {
        match param {
            Param::Integer(integer) => {
                let Some(Value::Integer(value)) = of[at] else { return Outcome::Failure };
                let Some(value) = number(*integer, (*value).into()) else { return Outcome::Failure };
                mix(value);
            }
            Param::Real(name) => {
                let value = match of[at] {
                    Some(Value::Real(value)) => *value,
                    Some(Value::Integer(value)) => *value as f64,
                    _ => return Outcome::Failure,
                };
                let value = if *name == "float" { f64::from(value as f32) } else { value };
                mix(value.to_bits() as i64);
            }
            Param::Length(integer) => {
                let runs = params.iter().enumerate();
                let runs = runs.filter(|(_, run)| matches!(run, Param::Run(_, teller) if *teller == at));
                let lens: Vec<_> = runs.map(|(run, _)| bytes(run).map(<[u8]>::len)).collect();
                let Some(len) = lens[0] else { return Outcome::Failure };
                if lens.iter().any(|other| *other != Some(len)) {
                    return Outcome::Failure;
                }
                let Some(len) = number(*integer, len as i128) else { return Outcome::Failure };
                mix(len);
            }
            Param::Text | Param::Run(..) => {
                let Some(bytes) = bytes(at) else { return Outcome::Failure };
                if matches!(param, Param::Text) && bytes.contains(&0) {
                    return Outcome::Failure;
                }
                bytes.iter().for_each(|byte| mix((*byte).into()));
                mix(511);
            }
        }
    }
    Outcome::Mixed(hash)
}

const LENGTHS: [usize; 16] = [0, 1, 2, 3, 7, 8, 15, 127, 128, 255, 256, 300, 1000, 32767, 32768, 65536];

/// Returns a random value that takes `len` bytes, if it is a text or a blob.
fn value(random: &mut Random, param: &Param, len: usize) -> Value {
    let kind = match (random.below(12), param) {
        (0, _) => random.below(5),
        (_, Param::Integer(_)) => 0,
        (_, Param::Real(_)) => random.below(2),
        (_, Param::Text) => 2,
        _ => 2 + random.below(2),
    };
    match kind {
        0 => {
            let bits = random.below(65) as u32;
            let value = (random.next() as i64).checked_shr(bits).unwrap_or(0);
            Value::Integer([value, value, value & 1, 1 << (bits % 63), -(1 << (bits % 63))][random.below(5)])
        }
        1 => {
            let reals = [0.0, -0.0, 1.5, 0.1, 1e300, f64::INFINITY, 5e-324, random.next() as f64];
            Value::Real(reals[random.below(8)])
        }
        2 => {
            const PIECES: [&str; 6] = ["a", "7", "é", "€", "😀", "\u{1}"];
            let mut text = String::new();
            while text.len() < len {
                let piece = PIECES[random.below(6)];
                text += if text.len() + piece.len() > len { "z" } else { piece };
            }
            if len > 0 && random.below(20) == 0 {
                text.truncate(text.floor_char_boundary(len - 1));
                text.push('\0');
            }
            Value::Text(text)
        }
        3 => {
            let zeros = random.below(3) == 0;
            Value::Blob((0..len).map(|_| if zeros { 0 } else { random.next() as u8 }).collect())
        }
        _ => Value::Null,
    }
}

/// Thousands of calls of random prototypes by databases of each encoding, with values that are bound, made by
/// `zeroblob`, or read from a table.
#[test]
fn whatever_the_types_lengths_and_encodings_are_a_guest_sees_the_values_and_nothing_else() {
    let mut random = Random(0x5ec5_71fe_0f5a_fe11);
    let databases = ENCODINGS.map(database);
    let mut seen = [0; 3];
    for round in 0..150 {
        let params = params(&mut random);
        let (text, prototype) = (mixer(&params), prototype(&params));
        let mixer = function(&text, &prototype);
        let passed: Vec<_> =
            params.iter().enumerate().filter(|(_, param)| !matches!(param, Param::Length(_))).collect();
        let columns: Vec<_> = (0..passed.len()).map(|at| format!("v{at}")).collect();
        for db in &databases {
            add(db, "f", &mixer);
            db.execute_batch(&format!("DROP TABLE IF EXISTS t; CREATE TABLE t ({})", columns.join(", ")))
                .unwrap();
        }
        for call in 0..50 {
            let db = &databases[call % 3];
            // Runs that one argument counts are usually of one length.
            let shared: Vec<_> =
                params.iter().map(|_| LENGTHS[random.below(if call % 5 == 0 { 16 } else { 9 })]).collect();
            let values: Vec<_> = passed
                .iter()
                .map(|(at, param)| {
                    let group = if let Param::Run(_, teller) = param { *teller } else { *at };
                    let len = shared[if random.below(15) == 0 { random.below(params.len()) } else { group }];
                    value(&mut random, param, len)
                })
                .collect();
            let mut places: Vec<_> = (0..values.len()).map(|at| format!("?{}", at + 1)).collect();
            for (place, value) in places.iter_mut().zip(&values) {
                if let Value::Blob(blob) = value
                    && blob.iter().all(|byte| *byte == 0)
                    && random.below(2) == 0
                {
                    // The parameter is still bound, and used.
                    *place = format!("iif({place} IS NULL, 0, zeroblob({}))", blob.len());
                }
            }
            let places = places.join(", ");
            let bound = || params_from_iter(&values);
            let found = if random.below(2) == 0 {
                db.execute("DELETE FROM t", []).unwrap();
                db.execute(&format!("INSERT INTO t VALUES ({places})"), bound()).unwrap();
                let sql = format!("SELECT f({}) FROM t", columns.join(", "));
                db.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0))
            } else {
                db.query_row(&format!("SELECT f({places})"), bound(), |row| row.get(0))
            };
            let found = match found {
                Ok(None) => Outcome::Null,
                Ok(Some(mixed)) => Outcome::Mixed(mixed),
                Err(_) => Outcome::Failure,
            };
            let expected = expected(&params, &values);
            assert_eq!(found, expected, "{round}, {call}: {prototype} {values:?}");
            seen[match expected {
                Outcome::Null => 0,
                Outcome::Failure => 1,
                Outcome::Mixed(_) => 2,
            }] += 1;
        }
    }
    assert!(seen[0] > 100 && seen[1] > 1000 && seen[2] > 2000, "{seen:?}");
}
