//! Guests of every kind: from `wat/`, from other toolchains, and bundled.

use std::path::Path;
use std::process::Command;

use callbox::bundled::BUNDLED;
use callbox::{
    CType, Callback, CompareShape, Config, Error, Limits, Module, ModuleError, Prototype, Sandbox, native,
};
use sha2::{Digest, Sha256};

use crate::support::{callbox_ok, comparator, files, guest, path, promise, sandbox, skip};

#[test]
fn a_guest_that_is_not_optimized_answers_as_one_that_is() {
    let texts =
        ["", "a", "a10", "a9", "a10.tar.gz", "~", "1.5e3", "2K", "Feb", "10.0.0.0/8", "1.0.0-rc.1", "\u{fe}"];
    for bundled in BUNDLED.iter().filter(|bundled| !bundled.example.contains("--records")) {
        let [fast, quick] = [true, false].map(|optimize| {
            let sandbox = Sandbox::new(Config::new(Limits::default()).optimize(optimize)).unwrap();
            let guest = sandbox.bundled(bundled.name).unwrap();
            guest.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap()
        });
        for (a, b) in texts.iter().flat_map(|a| texts.map(|b| (a.as_bytes(), b.as_bytes()))) {
            assert_eq!(
                fast.compare(a, b).unwrap(),
                quick.compare(a, b).unwrap(),
                "{}: {a:?} {b:?}",
                bundled.name
            );
        }
    }
}

/// A promise is `sort TYPE by EXPORT: ITEMS => ITEMS`; commas separate lines, blanks separate numbers.
#[test]
fn every_good_guest_keeps_its_promise() {
    for file in files("wat/good", "wat") {
        let promise = promise(&file);
        let parse = || {
            let (how, items) = promise.strip_prefix("sort ")?.split_once(": ")?;
            let (kind, export) = how.split_once(" by ")?;
            let (input, output) = items.split_once(" => ")?;
            Some((kind, export, input, output))
        };
        let (kind, export, input, output) = parse().unwrap_or_else(|| panic!("{promise}"));
        let file = file.to_str().unwrap();
        let bytes = |items: &str| -> Vec<u8> {
            match kind {
                "lines" => items.split(',').flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect(),
                "i32" => items.split(' ').flat_map(|n| n.parse::<i32>().unwrap().to_le_bytes()).collect(),
                "f64" => items.split(' ').flat_map(|n| n.parse::<f64>().unwrap().to_le_bytes()).collect(),
                other => panic!("{file}: {other}"),
            }
        };
        let args = ["sort", file, "--records", kind, "-e", export, "--grant", "print", "-s"];
        assert_eq!(callbox_ok(&args, &bytes(input)), bytes(output), "{file}: {promise}");
    }
}

#[test]
fn the_bundled_modules_are_those_whose_sums_are_committed() {
    let sums = std::fs::read_to_string(path("host/bundled/SHA256SUMS")).unwrap();
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    for line in sums.lines() {
        let (sum, file) = line.split_once("  ").unwrap();
        assert_eq!(hex(&std::fs::read(path("host/bundled").join(file)).unwrap()), sum, "{file}");
    }
    assert_eq!(files("host/bundled", "wasm").len(), sums.lines().count());
    for guest in BUNDLED {
        let line = format!("{}  {}.wasm", hex(guest.wasm), guest.name);
        assert!(sums.lines().any(|sum| sum == line), "{line}");
    }
    assert_eq!(files("guest/orders", "rs").len(), BUNDLED.len(), "an order is not bundled");
}

#[test]
fn the_script_rebuilds_the_bundled_modules_to_the_byte() {
    let version = |tool: &str| {
        let output = Command::new(tool).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let is = |tool: &str, begins: &str| version(tool).is_some_and(|text| text.contains(begins));
    let std = Path::new("/usr/lib/rustlib/wasm32-unknown-unknown");
    if !is("/usr/bin/rustc", "rustc 1.63.0") || !std.exists() || !is("clang-14", "14.0.6") {
        let why = "rebuilding the bundled guests, which needs Debian 12's rustc, libstd-rust-dev-wasm32, \
                   clang-14 and lld-14";
        return skip("debian-12", why);
    }
    let out = tempfile::tempdir().unwrap();
    let output = Command::new(path("guest/build.sh")).arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for file in files("host/bundled", "wasm") {
        let name = file.file_name().unwrap();
        let same = std::fs::read(&file).unwrap() == std::fs::read(out.path().join(name)).unwrap();
        assert!(same, "{} differs from what its source gives", file.display());
    }
}

/// Growth of a guest's memory by the guest itself, which must then export an allocator for elements.
const GROWS: &str = "(func (export \"unused\") (drop (memory.grow (i32.const 1))))";
const ORDER: &str = "(func (export \"compare\") (param i32 i32) (result i32)
    (i32.sub (i32.load (local.get 0)) (i32.load (local.get 1))))";

fn compare(wat: &str) -> callbox::Result<Callback> {
    guest(wat).callback("compare", comparator())
}

fn sorts(callback: &Callback) {
    let mut ia = [5, 1, 7, 33, 99];
    native::qsort(&mut ia, callback).unwrap();
    assert_eq!(ia, [1, 5, 7, 33, 99]);
}

#[test]
fn a_guest_that_grows_its_memory_without_an_allocator_is_refused() {
    let error = compare(&format!("(module (memory (export \"memory\") 1) {GROWS} {ORDER})")).unwrap_err();
    assert!(matches!(error, Error::Module(ModuleError::Staging { .. })), "{error}");
    assert!(error.to_string().contains("export callbox_alloc"), "{error}");
}

#[test]
fn the_refusal_can_be_overridden() {
    let sandbox = Sandbox::new(Config::new(Limits::default()).assume_fresh_pages(true)).unwrap();
    let wat = format!("(module (memory (export \"memory\") 1) {GROWS} {ORDER})");
    let guest = Module::from_text(&sandbox, "grows", wat).unwrap().instantiate().unwrap();
    sorts(&guest.callback("compare", comparator()).unwrap());
}

#[test]
fn an_exported_allocator_says_where_elements_go() {
    for alloc in [
        "(func (export \"callbox_alloc\") (param $size i32) (param $align i32) (result i32)
            (i32.mul (memory.grow (i32.const 2)) (i32.const 65536)))",
        "(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
            (i32.mul (memory.grow (i32.const 2)) (i32.const 65536)))",
    ] {
        sorts(&compare(&format!("(module (memory (export \"memory\") 1) {GROWS} {alloc} {ORDER})")).unwrap());
    }
}

#[test]
fn an_allocator_that_lies_is_caught() {
    for at in ["0", "65536", "-1", "62000"] {
        let alloc =
            format!("(func (export \"callbox_alloc\") (param i32 i32) (result i32) (i32.const {at}))");
        let callback = compare(&format!("(module (memory (export \"memory\") 1) {alloc} {ORDER})")).unwrap();
        let mut ia = [2, 1];
        let error = native::qsort(&mut ia, &callback).unwrap_err();
        assert!(matches!(error, Error::Module(ModuleError::Staging { .. })), "{at}: {error}");
        assert_eq!(ia, [2, 1]);
    }
}

#[test]
fn a_memory_without_pages_is_given_some() {
    sorts(&compare(&format!("(module (memory (export \"memory\") 0) {ORDER})")).unwrap());
}

#[test]
fn a_declared_maximum_that_leaves_no_room_is_a_clear_error() {
    for memory in ["1 1", "0 0", "70 70"] {
        let error = compare(&format!("(module (memory (export \"memory\") {memory}) {ORDER})")).unwrap_err();
        assert!(error.to_string().contains("is declared with no room to grow"), "{memory}: {error}");
    }
    let two = compare(&format!("(module (memory (export \"memory\") 1 2) {ORDER})")).unwrap();
    sorts(&two);
    let records = two.guest().callback("compare", Prototype::comparator(CType::Void)).unwrap();
    let error = native::qsort_records(&mut [0; 200_000], 100_000, &records).unwrap_err();
    let text = "its memory has 2 of at most 2 pages, and elements need 3 more; declare a larger maximum";
    assert!(error.to_string().ends_with(text), "{error}");
}

#[test]
fn memory_beyond_the_declared_maximum_is_refused_as_in_any_host_and_not_by_a_limit() {
    let grows = |pages: u32| {
        let body = format!(
            "(if (i32.ne (memory.grow (i32.const {pages})) (i32.const -1)) (then unreachable))
             (call $order (local.get 0) (local.get 1))"
        );
        compare(&format!(
            "(module (memory (export \"memory\") 1 2) {}
                (func (export \"compare\") (param i32 i32) (result i32) {body})
                (func (export \"callbox_alloc\") (param i32 i32) (result i32) (i32.const 16)))",
            ORDER.replacen("(export \"compare\")", "$order", 1)
        ))
    };
    for pages in [2, 5_000, 65_535, 65_536, u32::MAX] {
        sorts(&grows(pages).unwrap());
    }
    let error = native::qsort(&mut [2, 1], &grows(1).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Trap { .. }), "{error}");
}

#[test]
fn a_guest_without_memory_compares_scalars_and_nothing_else() {
    let scalars = guest(
        "(module (func (export \"compare_i32\") (param i32 i32) (result i32)
            (i32.sub (local.get 0) (local.get 1))))",
    );
    sorts(&scalars.callback("compare_i32", comparator()).unwrap());
    let pointers = guest("(module (func (export \"compare\") (param i32 i32) (result i32) (i32.const 0)))");
    let error = pointers.callback("compare", comparator()).unwrap_err();
    assert!(error.to_string().contains("export it as \"memory\""), "{error}");
}

#[test]
fn the_name_of_an_export_tells_its_shape_and_an_option_overrides() {
    let both = "(module (memory (export \"memory\") 1)
        (func (export \"order_i32\") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
        (func (export \"order\") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))";
    let guest = guest(both);
    assert_eq!(guest.callback("order_i32", comparator()).unwrap().shape(), Some(CompareShape::Scalars));
    assert_eq!(guest.callback("order", comparator()).unwrap().shape(), Some(CompareShape::Pointers));
    let scalars = guest.callback_as(CompareShape::Scalars, "order", comparator()).unwrap();
    sorts(&scalars);
}

#[test]
fn elements_go_where_the_guests_own_data_is_not() {
    // The guest adds up its whole first page before it answers; one byte of the host's would show.
    let guest = guest(
        "(module (memory (export \"memory\") 1)
            (data (i32.const 0) \"\\01\\02\\03\") (data (i32.const 65533) \"\\04\\05\\06\")
            (func (export \"compare\") (param $a i32) (param $b i32) (result i32)
                (local $at i32) (local $sum i32)
                (loop $next
                    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $at) (i32.const 65536))))
                (if (i32.ne (local.get $sum) (i32.const 21)) (then unreachable))
                (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))",
    );
    sorts(&guest.callback("compare", comparator()).unwrap());
}

#[test]
fn elements_longer_than_the_first_area_move_to_a_larger_one() {
    let by_bytes = sandbox().load(path("wat/good/bytes.wat")).unwrap();
    let by_bytes = by_bytes.callback("compare_bytes", Prototype::comparator(CType::Void)).unwrap();
    for size in [1, 4096, 65_536, 1 << 20, 5 << 20, 3] {
        let (a, b) = (vec![b'a'; size], [vec![b'a'; size - 1], vec![b'b']].concat());
        assert!(by_bytes.compare(&a, &b).unwrap().is_lt(), "{size}");
        assert!(by_bytes.compare(&b, &a).unwrap().is_gt(), "{size}");
    }
}

#[test]
fn initialize_is_called_once_before_anything_else() {
    let guest = guest(
        "(module (memory (export \"memory\") 1) (global $ready (mut i32) (i32.const 0))
            (func (export \"_initialize\") (global.set $ready (i32.add (global.get $ready) (i32.const 1))))
            (func (export \"compare\") (param $a i32) (param $b i32) (result i32)
                (if (i32.ne (global.get $ready) (i32.const 1)) (then unreachable))
                (i32.sub (i32.load (local.get $a)) (i32.load (local.get $b)))))",
    );
    sorts(&guest.callback("compare", comparator()).unwrap());
}

#[test]
fn guests_of_one_module_share_nothing() {
    let wat = "(module (memory (export \"memory\") 1) (global $calls (mut i32) (i32.const 0))
        (func (export \"compare\") (param i32 i32) (result i32)
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.gt_s (global.get $calls) (i32.const 1)) (then unreachable))
            (i32.const 0)))";
    let module = Module::from_text(&sandbox(), "once", wat).unwrap();
    for _ in 0..3 {
        let once = module.instantiate().unwrap().callback("compare", comparator()).unwrap();
        once.compare(&[0; 4], &[0; 4]).unwrap();
        assert!(once.compare(&[0; 4], &[0; 4]).is_err());
    }
}

#[test]
fn modules_are_shared_between_threads() {
    fn shareable<T: Send + Sync + Clone>() {}
    shareable::<Module>();
    shareable::<callbox::Guest>();
    shareable::<Callback>();
    shareable::<Sandbox>();
    let module = Module::from_file(&sandbox(), path("wat/good/ascending.wat")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| sorts(&module.instantiate().unwrap().callback("compare", comparator()).unwrap()));
        }
    });
}
