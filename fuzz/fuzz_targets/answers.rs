//! Scripted answers to the system's qsort, with and without its temporary: the sort stays in its array,
//! loses nothing, makes no comparison after a failure, and leaves the unsafe path at once.
#![no_main]

use std::cell::Cell;
use std::cmp::Ordering;
use std::ffi::c_int;

use arbitrary::Arbitrary;
use callbox::{Callback, Error, fuzzing};
use libfuzzer_sys::fuzz_target;

unsafe extern "C" {
    safe fn callbox_refuse(on: c_int);
}

#[derive(Arbitrary, Debug)]
struct Input {
    count: u16,
    width: u8,
    wide: bool,
    msvcrt: bool,
    refuse: bool,
    fail_at: Option<u16>,
    answers: Vec<i8>,
}

thread_local!(static PLACEHOLDER: Callback = fuzzing::placeholder());

fuzz_target!(|input: Input| {
    let width = usize::from(input.width).max(1) + if input.wide { 1024 } else { 0 };
    let count = usize::from(input.count) % if input.msvcrt { 300 } else { 2000 };
    let before: Vec<u8> = (0..count * width).map(|at| (at / width + at % width * 31) as u8).collect();
    let mut records = before.clone();
    let calls = Cell::new(0usize);
    let fail_at = input.fail_at.map(usize::from);
    PLACEHOLDER.with(|placeholder| {
        callbox_refuse(input.refuse.into());
        let outcome = fuzzing::sort(input.msvcrt, &mut records, width, placeholder, |a, b| {
            assert_eq!((a.len(), b.len()), (width, width));
            let at = calls.get();
            calls.set(at + 1);
            if fail_at == Some(at) {
                return Err(Error::TableFull { capacity: at });
            }
            Ok(input.answers.get(at % input.answers.len().max(1)).map_or(Ordering::Equal, |a| a.cmp(&0)))
        });
        callbox_refuse(0);
        // Size that glibc before 2.39 allocates; with malloc from 1024 bytes on.
        let temporary = if width > 32 { count * 16 + width } else { count * width };
        match outcome {
            Ok(()) => assert!(fail_at.is_none_or(|at| calls.get() <= at)),
            Err(error) => {
                assert!(records == before);
                match error {
                    Error::TableFull { capacity } => assert_eq!(calls.get(), capacity + 1, "asked again"),
                    Error::LeftMergePath { .. } => {
                        assert!(input.refuse && !input.msvcrt && temporary >= 1024);
                        assert_eq!(calls.get(), 0);
                    }
                    Error::OutOfBounds { .. } => assert!(input.msvcrt),
                    error => panic!("{error}"),
                }
            }
        }
    });
});
