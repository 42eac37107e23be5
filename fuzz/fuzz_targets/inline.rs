//! Random short comparators: every sorter agrees with a reference interpreter of their instructions.
#![no_main]

use std::sync::LazyLock;

use callbox::{Limits, Sandbox};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/all/support/agreement.rs"]
mod agreement;
#[path = "../../tests/all/support/comparators/mod.rs"]
mod comparators;

use agreement::{Tally, check};
use comparators::{Choices, Comparator};

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(Limits::default()).unwrap());

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices(bytes);
    let comparator = Comparator::generate(&mut choices);
    // For fuzzing, short arrays are looked ahead, too.
    check(&SANDBOX, &[comparator], &mut choices, &mut Tally::default(), |_, _| None);
});
