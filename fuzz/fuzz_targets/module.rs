//! Arbitrary bytes, loaded as a module.
#![no_main]

use std::sync::LazyLock;

use callbox::{Limits, Module, Sandbox, native};
use libfuzzer_sys::fuzz_target;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    Sandbox::new(Limits::default().fuel(10_000).memory(1 << 20).complexity(20_000)).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(module) = Module::new(&SANDBOX, "module", bytes) else { return };
    let _ = (module.exports(), module.imports(), module.memory(), module.starts());
    let Ok(guest) = module.instantiate() else { return };
    for export in module.exports() {
        let prototype = "int (const int *, const int *)".parse().unwrap();
        let Ok(callback) = guest.callback(&export.name, prototype) else { continue };
        let mut ia = [5, 1, 7, 33, 99];
        let outcome = native::qsort(&mut ia, &callback);
        assert!(outcome.is_ok() || ia == [5, 1, 7, 33, 99]);
        ia.sort();
        assert_eq!(ia, [1, 5, 7, 33, 99]);
    }
});
