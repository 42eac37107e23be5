//! Sort keys: `Guest::sort_key`, and what comes of guests that lie about them.

use callbox::{Blame, CallError, Error, Limit, Limits, Module, ModuleError, Sandbox, SortKey};

use crate::support::guest;

/// A guest with this body of `sort_key`.
fn key(body: &str) -> SortKey {
    let sandbox = Sandbox::new(Limits::default().fuel(1_000_000)).unwrap();
    let text = format!(
        r#"(module (memory (export "memory") 1)
            (func (export "sort_key") (param $at i32) (param $len i32) (param $out i32) (param $cap i32)
                (result i32)
                {body}))"#
    );
    Module::from_text(&sandbox, "guest.wat", text).unwrap().instantiate().unwrap().sort_key().unwrap()
}

/// Writes the length of the value as many times as the value has bytes times 100, if there is room.
const LONG: &str = "(local $need i32)
    (local.set $need (i32.mul (local.get $len) (i32.const 100)))
    (if (i32.le_u (local.get $need) (local.get $cap))
        (then (memory.fill (local.get $out) (local.get $len) (local.get $need))))
    (local.get $need)";

#[test]
fn a_guest_whose_key_needs_more_room_is_asked_again_with_that() {
    let key = key(LONG);
    for len in [0, 1, 2, 255, 3000] {
        assert_eq!(key.of(&vec![b'x'; len]).unwrap(), vec![len as u8; 100 * len], "{len}");
    }
}

#[test]
fn the_value_is_there_again_when_the_guest_is_asked_again() {
    let key = key("(local $need i32)
        (local.set $need (i32.const 70000))
        (if (i32.le_u (local.get $need) (local.get $cap))
            (then (memory.copy (local.get $out) (local.get $at) (local.get $len)))
            (else (memory.fill (local.get $at) (i32.const 0) (local.get $len))))
        (local.get $need)");
    assert_eq!(key.of(b"value").unwrap()[..5], *b"value");
}

#[test]
fn keys_of_many_values_are_made_in_their_order_and_on_one_budget() {
    let made = key(LONG);
    let (values, mut keys) = (["ccc", "", "a"].map(str::as_bytes), Vec::new());
    made.each(values, |key| {
        keys.push(key.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(keys, [vec![3; 300], vec![], vec![1; 100]]);
    // A key takes a few units of fuel, so that one budget is enough for some but not for all.
    let sandbox = Sandbox::new(Limits::default().fuel(1000)).unwrap();
    let guest = sandbox.load(crate::support::path("wat/contract/key-cut.wat")).unwrap();
    let (made, mut count) = (guest.sort_key().unwrap(), 0);
    for _ in 0..1000 {
        made.of(b"value").unwrap();
    }
    let error = made.each(std::iter::repeat_n(&b"value"[..], 1000), |_| {
        count += 1;
        Ok(())
    });
    let error = error.unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Fuel), "{error}");
    assert!(error.to_string().ends_with(", making the key of \"value\""), "{error}");
    assert!((10..900).contains(&count), "{count}");
}

#[test]
fn an_error_of_who_takes_the_keys_ends_it_and_values_and_keys_count_against_the_limit_of_arrays() {
    let mut taken = 0;
    let error = key(LONG).each([&b"a"[..]; 9], |_| {
        taken += 1;
        if taken == 3 { Err(Error::NotPermutation) } else { Ok(()) }
    });
    assert!(matches!(error, Err(Error::NotPermutation)) && taken == 3, "{error:?}");
    let sandbox = Sandbox::new(Limits::default().array(30)).unwrap();
    let made = sandbox.load(crate::support::path("wat/contract/key-cut.wat")).unwrap().sort_key().unwrap();
    let mut keys = Vec::new();
    let error = made.each([&b"123456"[..]; 9], |key| {
        keys.push(key.to_vec());
        Ok(())
    });
    assert!(matches!(error, Err(Error::ArrayTooLarge { bytes: 40, most: 30 })), "{error:?}");
    assert_eq!(keys, [b"1234"; 3]);
}

#[test]
fn a_guest_that_lies_about_the_length_is_told() {
    let error = key("(i32.add (local.get $cap) (i32.const 1))").of(b"v\x1b1").unwrap_err();
    assert!(matches!(error, Error::Call(CallError::KeyLength { lens: [39, 40], .. })), "{error:?}");
    assert_eq!(error.blame(), Blame::Guest);
    assert_eq!(
        error.to_string(),
        r#"guest.wat: "sort_key" says that the key of "v\u{1b}1" has 39 bytes, and with room for those, 40; "#
            .to_owned() + "a key must depend on its value only"
    );
    // Negative numbers are lengths above 2 GiB, and no guest has so much memory.
    for answer in ["-1", "0x7fffffff", "0x10000000"] {
        let error = key(&format!("(i32.const {answer})")).of(b"value").unwrap_err();
        assert_eq!(error.blame(), Blame::Guest, "{answer}: {error}");
        assert!(error.to_string().contains("memory"), "{answer}: {error}");
    }
}

#[test]
fn a_guest_that_fails_names_the_value() {
    let error = key("unreachable").of(b"v1.10").unwrap_err();
    assert!(matches!(&error, Error::Trap { asked, .. } if asked == &[r#""v1.10""#]), "{error:?}");
    assert!(error.to_string().ends_with(r#"making the key of "v1.10""#), "{error}");
    let error = key("(loop $ever (br $ever)) (i32.const 0)").of(b"v1.10").unwrap_err();
    assert!(
        error.limit() == Some(Limit::Fuel) && error.to_string().ends_with(r#"making the key of "v1.10""#),
        "{error}"
    );
    // A write beyond its memory is its own trap; one beyond the room for the key is its own affair.
    let error = key("(i32.store (i32.const -4) (i32.const 1)) (i32.const 0)").of(b"").unwrap_err();
    assert!(matches!(error, Error::Trap { .. }), "{error:?}");
}

#[test]
fn a_guest_without_such_an_export_is_refused_by_a_sentence() {
    let refused = |text: &str| {
        let error = guest(text).sort_key().unwrap_err();
        assert!(matches!(error, Error::Module(_)), "{error:?}");
        error.to_string()
    };
    let none = refused(
        r#"(module (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#,
    );
    assert!(none.contains("no export \"sort_key\""), "{none}");
    let other = refused(r#"(module (memory (export "memory") 1) (func (export "sort_key") (param i32)))"#);
    assert!(
        other.contains("has the type (i32), but one that makes keys has (i32, i32, i32, i32) -> i32"),
        "{other}"
    );
    let memory =
        guest(r#"(module (func (export "sort_key") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#);
    assert!(matches!(memory.sort_key(), Err(Error::Module(ModuleError::Staging { .. }))));
}

#[test]
fn it_is_no_comparator() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "sort_key") (param i32 i32 i32 i32) (result i32) (i32.const 0)))"#;
    let exports = guest(text).module().exports();
    let export = exports.iter().find(|export| export.name == SortKey::EXPORT).unwrap();
    assert_eq!(export.shape, None);
}
