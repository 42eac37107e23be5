//! Sorts a file of integers once: `peers NAME FILE`. Or keeps a callback of each prototype, for calls.c to
//! call: `peers NAME LIBRARY CALLS`. Prints the nanoseconds.

#[path = "../../calls.rs"]
mod calls;
mod kept;

use std::ffi::{c_int, c_void};
use std::time::Instant;

use callbox::bundled::Bundled;
use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{Callback, Limits, Sandbox, native};

fn main() {
    let args: Vec<_> = std::env::args().collect();
    if let [_, name, library, calls] = &args[..] {
        return kept::kept(name, &calls::Native::open(library, calls));
    }
    let bytes = std::fs::read(&args[2]).unwrap();
    let mut ia: Vec<i32> = bytes.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four)).collect();
    let nanoseconds = match &*args[1] {
        "rust" => timed(|| ia.sort_by(|a, b| a.cmp(b))),
        "callbox" => {
            let compare = callback(Limits::default());
            timed(|| native::qsort(&mut ia, &compare).unwrap())
        }
        "callbox-pointer" => {
            let compare = callback(Limits::default());
            timed(|| {
                let mut lease = compare.lend(&mut ia).unwrap();
                // SAFETY: the array and the pointer are the live lease's, and the guest does not lie.
                unsafe { libc::qsort(lease.base(), lease.len(), lease.width(), Some(lease.pointer())) };
                lease.finish().unwrap();
            })
        }
        "callbox-sandboxed" => {
            let compare = callback(Limits::default());
            let mut items = Items::records(bytes, 4).unwrap();
            let options = Options::default().sorter(Sorter::Sandboxed);
            let nanoseconds = timed(|| Job::new(&compare, options).sort_in_place(&mut items).unwrap());
            ia = items.iter().map(|four| i32::from_le_bytes(four.try_into().unwrap())).collect();
            nanoseconds
        }
        "wasmi" => wasmi_sort(&mut ia),
        other => panic!("no {other}"),
    };
    assert!(ia.is_sorted(), "not sorted");
    println!("{nanoseconds}");
}

fn timed(work: impl FnOnce()) -> u128 {
    let started = Instant::now();
    work();
    started.elapsed().as_nanos()
}

fn callback(limits: Limits) -> Callback {
    let sandbox = Sandbox::new(limits).unwrap();
    let prototype = "int (const int *, const int *)".parse().unwrap();
    sandbox.bundled("i32").unwrap().callback("compare_i32", prototype).unwrap()
}

struct Wasmi {
    store: wasmi::Store<()>,
    compare: wasmi::TypedFunc<(i32, i32), i32>,
}

static mut WASMI: *mut Wasmi = std::ptr::null_mut();

unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: `wasmi_sort` has set `WASMI`, and waits; qsort passes pointers to elements.
    unsafe {
        let wasmi = &mut *WASMI;
        wasmi.compare.call(&mut wasmi.store, (*a.cast(), *b.cast())).unwrap()
    }
}

fn wasmi_sort(ia: &mut [i32]) -> u128 {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, Bundled::find("i32").unwrap().wasm).unwrap();
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
    let compare_i32 = instance.get_typed_func(&store, "compare_i32").unwrap();
    let mut wasmi = Wasmi { store, compare: compare_i32 };
    // SAFETY: there is one thread, and `wasmi` lives until the sort is over.
    unsafe { WASMI = &mut wasmi };
    // SAFETY: the array has `ia.len()` elements of four bytes.
    timed(|| unsafe { libc::qsort(ia.as_mut_ptr().cast(), ia.len(), 4, Some(compare)) })
}
