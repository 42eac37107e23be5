//! Functions of the C library that take callbacks, with guests behind them.
#![allow(unsafe_code, reason = "calls the C library")]
#![allow(clippy::multiple_unsafe_ops_per_block, reason = "calls of C come in rows")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::fs;
use std::ptr;

use callbox::{Callback, CompareFn};

use crate::support::{good, guest, path, skip};

/// Returns callbacks for exports of one guest, each with its prototype.
fn callbacks<const N: usize>(file: &str, exports: [(&str, &str); N]) -> [Callback; N] {
    let guest = guest(&fs::read_to_string(path(&format!("wat/native/{file}.wat"))).unwrap());
    exports.map(|(export, prototype)| guest.callback(export, prototype.parse().unwrap()).unwrap())
}

/// Calls a function without arguments that returns its guest's count.
fn total(callback: &Callback) -> i64 {
    let kept = callback.retain_as::<unsafe extern "C" fn() -> i64>().unwrap();
    // SAFETY: the function takes no pointers.
    let total = unsafe { kept.pointer()() };
    assert!(kept.take_failure().is_none());
    total
}

unsafe extern "C" {
    fn lfind(
        key: *const c_void,
        base: *const c_void,
        count: *mut usize,
        width: usize,
        compare: CompareFn,
    ) -> *mut c_void;
    fn lsearch(
        key: *const c_void,
        base: *mut c_void,
        count: *mut usize,
        width: usize,
        compare: CompareFn,
    ) -> *mut c_void;
    fn tsearch(key: *const c_void, root: *mut *mut c_void, compare: CompareFn) -> *mut *const c_int;
    fn tfind(key: *const c_void, root: *const *mut c_void, compare: CompareFn) -> *mut *const c_int;
}

#[test]
fn bsearch_asks_a_kept_comparator() {
    let ascending = good("ascending", "compare").retain().unwrap();
    let sorted: [c_int; 6] = [1, 3, 5, 7, 33, 99];
    for key in 0..100 {
        // SAFETY: the array has six sorted ints, the key is an int, and the pointer's lease is alive.
        let found = unsafe {
            libc::bsearch((&raw const key).cast(), sorted.as_ptr().cast(), 6, 4, Some(ascending.pointer()))
        };
        let expected = sorted.iter().position(|n| *n == key);
        let found = (!found.is_null()).then(|| (found.addr() - sorted.as_ptr().addr()) / 4);
        assert_eq!(found, expected, "{key}");
    }
    assert!(ascending.take_failure().is_none());
}

#[test]
fn lfind_and_lsearch_ask_a_kept_comparator() {
    let equal = good("ascending", "compare").retain().unwrap();
    let mut array: [c_int; 4] = [5, 1, 7, 0];
    let mut count = 3;
    for (key, found, then) in [(7, true, 3), (33, false, 3)] {
        let key: c_int = key;
        // SAFETY: the array has three ints, and lfind changes nothing.
        let at =
            unsafe { lfind((&raw const key).cast(), array.as_ptr().cast(), &mut count, 4, equal.pointer()) };
        assert_eq!((!at.is_null(), count), (found, then));
    }
    let key: c_int = 33;
    for expected in [4, 4] {
        // SAFETY: the array has room for one more int, and the second call finds it.
        let at = unsafe {
            lsearch((&raw const key).cast(), array.as_mut_ptr().cast(), &mut count, 4, equal.pointer())
        };
        assert_eq!((at.addr() - array.as_ptr().addr(), count), (12, expected));
    }
    assert_eq!(array, [5, 1, 7, 33]);
}

/// A tree whose nodes point to the host's numbers, walked by a guest that follows pointers to pointers.
#[test]
#[cfg(target_env = "gnu")]
fn tsearch_grows_a_tree_by_a_guests_order_and_a_guest_walks_it() {
    unsafe extern "C" {
        fn twalk_r(
            root: *const c_void,
            action: unsafe extern "C" fn(*const c_void, c_int, *mut c_void),
            closure: *mut c_void,
        );
        fn tdestroy(root: *mut c_void, free: unsafe extern "C" fn(*mut c_void));
    }
    unsafe extern "C" fn keep(_: *mut c_void) {}
    let numbers: Vec<c_int> = (0..200).map(|n| n * 37 % 101).collect();
    let descending = good("descending", "compare").retain().unwrap();
    let mut root = ptr::null_mut();
    for n in &numbers {
        // SAFETY: the numbers and the lease outlive the tree.
        let node = unsafe { tsearch(ptr::from_ref(n).cast(), &mut root, descending.pointer()) };
        // SAFETY: a node begins with its key.
        assert_eq!(unsafe { **node }, *n);
    }
    for n in 0..120 {
        // SAFETY: as above.
        let node = unsafe { tfind((&raw const n).cast(), &root, descending.pointer()) };
        assert_eq!(!node.is_null(), numbers.contains(&n));
    }
    let walk = "void (const int *const *node, enum VISIT which, void *closure)";
    let [visit, checksum] = callbacks("walk", [("visit", walk), ("checksum", "int64_t (void)")]);
    let visit = visit.lend_as::<unsafe extern "C" fn(*const c_void, c_int, *mut c_void)>().unwrap();
    // SAFETY: each node begins with a pointer to a number.
    unsafe { twalk_r(root, visit.pointer(), ptr::null_mut()) };
    visit.finish().unwrap();
    // SAFETY: the test owns the tree, and the tree does not own its keys.
    unsafe { tdestroy(root, keep) };
    // Checksum of a walk of these numbers in order, largest first.
    let mut sorted = numbers;
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    sorted.dedup();
    let expected = sorted.iter().fold(0_i64, |sum, n| sum.wrapping_mul(31).wrapping_add((*n).into()));
    assert_eq!(total(&checksum), expected);
}

/// Paths and `struct stat` by pointer: strings and structs.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
fn nftw_shows_a_guest_every_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("deep")).unwrap();
    for (name, size) in [("a.txt", 10), ("b.txt", 200), ("deep/c.rs", 3000), ("deep/d.txt", 40000)] {
        fs::write(dir.path().join(name), vec![0; size]).unwrap();
    }
    // As <sys/stat.h> and <ftw.h> declare it for this target.
    let prototype = "
        struct timespec { long tv_sec; long tv_nsec; };
        struct stat {
            unsigned long st_dev, st_ino, st_nlink;
            unsigned int st_mode, st_uid, st_gid; int pad;
            unsigned long st_rdev; long st_size, st_blksize, st_blocks;
            struct timespec st_atim, st_mtim, st_ctim; long reserved[3];
        };
        struct FTW { int base; int level; };
        int (const char *path, const struct stat *sb, int type, struct FTW *ftw)";
    let parsed: callbox::Prototype = prototype.parse().unwrap();
    let callbox::CType::Pointer { pointee, .. } = &parsed.params()[1] else { panic!("{parsed}") };
    assert_eq!(pointee.size(), Some(size_of::<libc::stat>()));
    let exports = [("visit", prototype), ("bytes", "int64_t (void)"), ("levels", "int64_t (void)")];
    let [visit, bytes, levels] = callbacks("files", exports);
    type Visit = unsafe extern "C" fn(*const c_char, *const libc::stat, c_int, *mut c_void) -> c_int;
    unsafe extern "C" {
        fn nftw(path: *const c_char, visit: Visit, descriptors: c_int, flags: c_int) -> c_int;
    }
    const PHYSICAL: c_int = 1; // FTW_PHYS: symbolic links are not followed
    let root = CString::new(dir.path().to_str().unwrap()).unwrap();
    let lease = visit.lend_as::<Visit>().unwrap();
    // SAFETY: nftw calls the pointer only until it returns, with the arguments that it promises.
    assert_eq!(unsafe { nftw(root.as_ptr(), lease.pointer(), 8, PHYSICAL) }, 0);
    assert_eq!(lease.calls(), 6);
    lease.finish().unwrap();
    assert_eq!((total(&bytes), total(&levels)), (10 + 200 + 40000, 1 + 1 + 2 + 2));
}

#[test]
fn qsort_r_hands_the_context_through_that_names_the_callback() {
    unsafe extern "C" {
        fn qsort_r(
            base: *mut c_void,
            count: usize,
            width: usize,
            compare: callbox::CompareWithContextFn,
            context: *mut c_void,
        );
    }
    for (name, expected) in [("ascending", [1, 5, 7, 33, 99]), ("descending", [99, 33, 7, 5, 1])] {
        let mut ia: [c_int; 5] = [5, 1, 7, 33, 99];
        let mut lease = good(name, "compare").lend(&mut ia).unwrap();
        let (compare, context) = lease.with_context();
        let (base, len, width) = (lease.base(), lease.len(), lease.width());
        // SAFETY: the array is the lease's own, and qsort_r calls the pointer only until it returns.
        unsafe { qsort_r(base, len, width, compare, context) };
        lease.finish().unwrap();
        assert_eq!(ia, expected);
    }
}

#[test]
fn a_guest_is_the_body_of_a_thread() {
    let [body] = callbacks("thread", [("body", "long *(long *)")]);
    type Body = unsafe extern "C" fn(*mut i64) -> *mut i64;
    let body = body.retain_as::<Body>().unwrap();
    // SAFETY: pthread_create passes a pointer and takes one back, whatever its pointee.
    let start: extern "C" fn(*mut c_void) -> *mut c_void = unsafe { std::mem::transmute(body.pointer()) };
    let mut counters = [0_i64, 100, 200, 300];
    let threads = counters.each_mut().map(|counter| {
        let mut thread = 0;
        // SAFETY: the counter outlives the thread, which is joined below.
        let status =
            unsafe { libc::pthread_create(&mut thread, ptr::null(), start, ptr::from_mut(counter).cast()) };
        assert_eq!(status, 0);
        (thread, ptr::from_mut(counter))
    });
    for (thread, counter) in threads {
        let mut result = ptr::null_mut();
        // SAFETY: the thread is joined once.
        assert_eq!(unsafe { libc::pthread_join(thread, &mut result) }, 0);
        assert_eq!(result.cast(), counter, "what it was given is what it hands back");
    }
    assert!(body.take_failure().is_none());
    assert_eq!(counters, [1000, 1100, 1200, 1300]);
}

/// A struct of four callbacks, registered together: a C `FILE` whose bytes a guest reads and writes.
#[test]
#[cfg(target_env = "gnu")]
fn a_file_of_cs_is_made_of_four_exports_of_a_guest() {
    #[repr(C)]
    struct Functions {
        read: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> isize,
        write: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> isize,
        seek: unsafe extern "C" fn(*mut c_void, *mut i64, c_int) -> c_int,
        close: unsafe extern "C" fn(*mut c_void) -> c_int,
    }
    unsafe extern "C" {
        fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut libc::FILE;
    }
    let [read, write, seek, close, closed] = callbacks(
        "stream",
        [
            ("read", "ssize_t (void *cookie, void buffer[size], size_t size)"),
            ("write", "ssize_t (void *cookie, const void buffer[size], size_t size)"),
            ("seek", "int (void *cookie, int64_t *position, int whence)"),
            ("close", "int (void *cookie)"),
            ("closed", "int64_t (void)"),
        ],
    );
    let (read, write) = (read.retain_as().unwrap(), write.retain_as().unwrap());
    let (seek, close) = (seek.retain_as().unwrap(), close.retain_as().unwrap());
    let functions = Functions {
        read: read.pointer(),
        write: write.pointer(),
        seek: seek.pointer(),
        close: close.pointer(),
    };
    let text = b"Callbox lends functions";
    let mut back = [0_u8; 64];
    // SAFETY: the leases outlive the file, and the buffers have the lengths passed.
    let (written, got, status) = unsafe {
        let file = fopencookie(ptr::null_mut(), c"w+".as_ptr(), functions);
        assert!(!file.is_null());
        let written = libc::fwrite(text.as_ptr().cast(), 1, text.len(), file);
        assert_eq!(libc::fseek(file, 8, libc::SEEK_SET), 0);
        let got = libc::fread(back.as_mut_ptr().cast(), 1, back.len(), file);
        (written, got, libc::fclose(file))
    };
    assert_eq!((written, status), (text.len(), 0));
    // The guest stores text in capitals.
    assert_eq!(&back[..got], b"LENDS FUNCTIONS");
    for failure in [read.take_failure(), write.take_failure(), seek.take_failure(), close.take_failure()] {
        assert!(failure.is_none(), "{}", failure.unwrap());
    }
    assert_eq!(total(&closed), 1);
}

/// The handlers of an XML parser: texts, a text with its length, and a list of attributes that stays a token.
#[test]
fn expat_hands_elements_to_a_guest() {
    // SAFETY: the library's initialisation has no preconditions.
    let expat = match unsafe { libloading::Library::new("libexpat.so.1") } {
        Ok(expat) => expat,
        Err(_) => return skip("expat", "element handlers of expat, which is not installed"),
    };
    type Start = unsafe extern "C" fn(*mut c_void, *const c_char, *mut *const c_char);
    type End = unsafe extern "C" fn(*mut c_void, *const c_char);
    type Data = unsafe extern "C" fn(*mut c_void, *const c_char, c_int);
    let [start, end, data, depth] = callbacks(
        "elements",
        [
            ("start", "void (void *user, const char *name, void *attributes)"),
            ("end", "void (void *user, const char *name)"),
            ("data", "void (void *user, const char text[len], int len)"),
            ("outcome", "int64_t (void)"),
        ],
    );
    // Each is a lease of the same guest.
    let (start, end, data) =
        (start.lend_as::<Start>().unwrap(), end.lend_as::<End>().unwrap(), data.lend_as::<Data>().unwrap());
    let text = b"<a><b>one</b><b><c/>two</b></a>";
    // SAFETY: these are expat's functions with their types; the leases live until the parser is freed.
    unsafe {
        let create =
            expat.get::<unsafe extern "C" fn(*const c_char) -> *mut c_void>("XML_ParserCreate").unwrap();
        let set =
            expat.get::<unsafe extern "C" fn(*mut c_void, Start, End)>("XML_SetElementHandler").unwrap();
        let set_data =
            expat.get::<unsafe extern "C" fn(*mut c_void, Data)>("XML_SetCharacterDataHandler").unwrap();
        let parse = expat
            .get::<unsafe extern "C" fn(*mut c_void, *const u8, c_int, c_int) -> c_int>("XML_Parse")
            .unwrap();
        let free = expat.get::<unsafe extern "C" fn(*mut c_void)>("XML_ParserFree").unwrap();
        let parser = create(ptr::null());
        set(parser, start.pointer(), end.pointer());
        set_data(parser, data.pointer());
        assert_eq!(parse(parser, text.as_ptr(), text.len() as c_int, 1), 1);
        free(parser);
    }
    assert_eq!((start.calls(), end.calls()), (4, 4));
    for outcome in [start.finish(), end.finish(), data.finish()] {
        outcome.unwrap();
    }
    // Deepest level, letters of data, and depth at the end: 3, 6, 0.
    assert_eq!(total(&depth), 3_006_000);
}
