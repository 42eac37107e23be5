//! Hostile bytes in everything that a guest may write, for random prototypes: C gets no value that it could
//! not have made itself.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| callbox::fuzzing::back(bytes));
