//! The C library walks a directory and passes every file to a guest: strings, structs, and a scoped lease.
//!
//! ```sh
//! cargo run --example walk -- /usr/include
//! ```
#![allow(unsafe_code, reason = "calls the C library")]

use std::ffi::{CString, c_char, c_int, c_void};

use callbox::{Limits, Module, Sandbox};

/// Prototype of `nftw`'s callback, from `<ftw.h>` and `<sys/stat.h>`, with the layouts of Linux on x86-64.
const VISIT: &str = "
    struct timespec { long tv_sec; long tv_nsec; };
    struct stat {
        unsigned long st_dev, st_ino, st_nlink;
        unsigned int st_mode, st_uid, st_gid; int pad;
        unsigned long st_rdev; long st_size, st_blksize, st_blocks;
        struct timespec st_atim, st_mtim, st_ctim; long reserved[3];
    };
    struct FTW { int base; int level; };
    int visit(const char *path, const struct stat *sb, int type, struct FTW *ftw)";

type Visit = unsafe extern "C" fn(*const c_char, *const c_void, c_int, *mut c_void) -> c_int;

unsafe extern "C" {
    fn nftw(path: *const c_char, visit: Visit, descriptors: c_int, flags: c_int) -> c_int;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err("the layout of struct stat above is that of Linux on x86-64".into());
    }
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let sandbox = Sandbox::new(Limits::default())?;
    let files = include_str!("../wat/native/files.wat");
    let guest = Module::from_text(&sandbox, "files", files)?.instantiate()?;
    let visit = guest.callback("visit", VISIT.parse()?)?; // each type is checked here, once
    let bytes = guest.callback("bytes", "int64_t (void)".parse()?)?;

    let lease = visit.lend_as::<Visit>()?; // a function pointer, until the lease ends
    let path = CString::new(root.as_str())?;
    // SAFETY: nftw calls the pointer only until it returns, with arguments as in <ftw.h>; 1 is FTW_PHYS.
    let status = unsafe { nftw(path.as_ptr(), lease.pointer(), 16, 1) };
    let calls = lease.calls();
    lease.finish()?; // the first failure, if there was one
    if status != 0 {
        return Err(format!("{root}: {}", std::io::Error::last_os_error()).into());
    }

    let total: i64 = bytes.call(())?;
    println!("{calls} calls; {total} bytes in files that end in .txt");
    Ok(())
}
