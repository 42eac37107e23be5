//! Calls a guest's exports from function pointers of each prototype.

use std::ffi::{CStr, c_char, c_int, c_void};

use wasmtime::{Engine, Instance, Memory, Module, Store, TypedFunc};

use crate::calls::{GUEST, Native};

struct Kept {
    store: Store<()>,
    memory: Memory,
    compare: TypedFunc<(i32, i32), i32>,
    next: TypedFunc<i32, i32>,
    first: TypedFunc<i32, i32>,
    add: TypedFunc<i32, ()>,
}

static mut KEPT: *mut Kept = std::ptr::null_mut();

/// Address to which arguments are copied.
const AT: usize = 8;

unsafe extern "C" fn compare(a: *const c_int, b: *const c_int) -> c_int {
    // SAFETY: `kept` has set `KEPT`, and waits; both point to an int.
    unsafe {
        let kept = &mut *KEPT;
        kept.compare.call(&mut kept.store, (*a, *b)).unwrap()
    }
}

unsafe extern "C" fn next(n: c_int) -> c_int {
    // SAFETY: as above.
    let kept = unsafe { &mut *KEPT };
    kept.next.call(&mut kept.store, n).unwrap()
}

unsafe extern "C" fn first(text: *const c_char) -> c_int {
    // SAFETY: as above; the text ends with NUL.
    let (kept, text) = unsafe { (&mut *KEPT, CStr::from_ptr(text)) };
    kept.memory.write(&mut kept.store, AT, text.to_bytes_with_nul()).unwrap();
    kept.first.call(&mut kept.store, AT as i32).unwrap()
}

unsafe extern "C" fn add(n: *mut c_int) {
    // SAFETY: as above; nobody else uses the int.
    let (kept, n) = unsafe { (&mut *KEPT, &mut *n) };
    kept.memory.write(&mut kept.store, AT, &n.to_le_bytes()).unwrap();
    kept.add.call(&mut kept.store, AT as i32).unwrap();
    let mut bytes = [0; 4];
    kept.memory.read(&kept.store, AT, &mut bytes).unwrap();
    *n = c_int::from_le_bytes(bytes);
}

pub fn kept(native: &Native) {
    let engine = Engine::default();
    let module = Module::new(&engine, GUEST).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let mut kept = Kept {
        memory: instance.get_memory(&mut store, "memory").unwrap(),
        compare: instance.get_typed_func(&mut store, "compare_i32").unwrap(),
        next: instance.get_typed_func(&mut store, "next").unwrap(),
        first: instance.get_typed_func(&mut store, "first").unwrap(),
        add: instance.get_typed_func(&mut store, "add").unwrap(),
        store,
    };
    // SAFETY: there is one thread, and `kept` lives until the last call.
    unsafe { KEPT = &mut kept };
    let callbacks = [compare as *const c_void, next as _, first as _, add as _];
    for (at, callback) in callbacks.into_iter().enumerate() {
        native.time(at, callback);
    }
}
