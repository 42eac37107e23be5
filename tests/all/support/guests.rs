//! Guests for tests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};

use callbox::{CType, Callback, Config, Guest, Limits, Module, Prototype, Sandbox};

use super::{files, path};

/// Returns a guest that comes with the library.
pub(crate) fn bundled(name: &str) -> Guest {
    sandbox().bundled(name).unwrap()
}

/// Returns a comparator of a guest that comes with the library.
pub(crate) fn bundled_for(name: &str, export: &str, element: CType) -> Callback {
    bundled(name).callback(export, Prototype::comparator(element)).unwrap()
}

/// Returns the promise in the first line of a guest in text form.
pub(crate) fn promise(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let first = text.lines().next().unwrap();
    first.strip_prefix(";; promise: ").unwrap_or_else(|| panic!("{}: {first}", file.display())).to_owned()
}

pub(crate) fn comparator() -> Prototype {
    "int (const int *, const int *)".parse().unwrap()
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(Limits::default()).unwrap()
}

/// Returns a sandbox whose guests may print to `sink`.
pub(crate) fn granting_print(sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Sandbox {
    Sandbox::new(Config::new(Limits::default()).grant_print(sink)).unwrap()
}

/// Returns a sandbox whose guests stop where they print: they say that they have come there, and go on after
/// a word.
pub(crate) fn stopping() -> (Sandbox, Receiver<()>, Sender<()>) {
    let ((entered, inside), (go, gone)) = (mpsc::channel(), mpsc::channel::<()>());
    let gone = Mutex::new(gone);
    let sandbox = granting_print(move |_| {
        entered.send(()).unwrap();
        gone.lock().unwrap().recv().unwrap();
    });
    (sandbox, inside, go)
}

/// Instantiates a guest from this text.
pub(crate) fn guest(wat: &str) -> Guest {
    Module::from_text(&sandbox(), "guest.wat", wat).unwrap().instantiate().unwrap()
}

/// Returns a callback of a file in `wat/good`.
pub(crate) fn good(name: &str, export: &str) -> Callback {
    sandbox().load(path(&format!("wat/good/{name}.wat"))).unwrap().callback(export, comparator()).unwrap()
}

/// Instantiates a comparator of `i32` by pointers. Its body may use `$a` and `$b`, the addresses, and
/// `$calls`.
pub(crate) fn comparing(body: &str) -> Guest {
    comparing_in(&sandbox(), body)
}

/// As [`comparing`], in the given sandbox.
pub(crate) fn comparing_in(sandbox: &Sandbox, body: &str) -> Guest {
    let wat = format!(
        r#"(module
            (memory (export "memory") 1)
            (global $calls (mut i32) (i32.const 0))
            (func $order (param $a i32) (param $b i32) (result i32)
                (i32.sub
                    (i32.gt_s (i32.load (local.get $a)) (i32.load (local.get $b)))
                    (i32.lt_s (i32.load (local.get $a)) (i32.load (local.get $b)))))
            (func (export "compare") (param $a i32) (param $b i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                {body}))"#
    );
    Module::from_text(sandbox, "comparing", wat).unwrap().instantiate().unwrap()
}

/// Returns a comparator of numbers by their lowest bits, which leaves ties for bytes to break.
pub(crate) fn by_low_bits(core: &str) -> String {
    let (mask, convert) = match core {
        "i64" => ("(i64.and (local.get {}) (i64.const 7))", "i32.wrap_i64"),
        "i32" => ("(i32.and (local.get {}) (i32.const 7))", "nop"),
        "f32" => ("(i32.and (i32.reinterpret_f32 (local.get {})) (i32.const 7))", "nop"),
        _ => ("(i64.and (i64.reinterpret_f64 (local.get {})) (i64.const 7))", "i32.wrap_i64"),
    };
    let operand = |name: &str| format!("{} {convert}", mask.replace("{}", name));
    format!(
        r#"(module (func (export "compare_{core}") (param $a {core}) (param $b {core}) (result i32)
            {} {} i32.sub))"#,
        operand("$a"),
        operand("$b"),
    )
}

/// Returns the guests that lie, which all compare by pointers.
pub(crate) fn liars() -> Vec<PathBuf> {
    files("wat/hostile", "wat").into_iter().filter(|file| promise(file).contains(": lies: ")).collect()
}

/// Returns whether some order fits the answers of a liar, so that no check of a result can tell.
pub(crate) fn lies_in_order(file: &Path) -> bool {
    ["always-equal.wat", "scribbler.wat"].iter().any(|name| file.ends_with(name))
}

pub(crate) fn liar(file: &Path) -> Callback {
    sandbox().load(file).unwrap().callback("compare", comparator()).unwrap()
}
