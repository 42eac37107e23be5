//! Consistent comparators: every sort gives the result of `slice::sort`.
#![no_main]

use arbitrary::Arbitrary;
use callbox::{Callback, fuzzing};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    width: u8,
    msvcrt: bool,
    reverse: bool,
    /// Place of each byte, modulo 16, in the order; equal places compare equal.
    places: [u8; 16],
    bytes: Vec<u8>,
}

thread_local!(static PLACEHOLDER: Callback = fuzzing::placeholder());

fuzz_target!(|input: Input| {
    let width = usize::from(input.width % 70) + 1;
    let place = |element: &[u8]| -> Vec<u8> {
        element.iter().map(|byte| input.places[usize::from(byte % 16)]).collect()
    };
    let order = |a: &[u8], b: &[u8]| {
        let order = place(a).cmp(&place(b));
        if input.reverse { order.reverse() } else { order }
    };
    let mut records = input.bytes.clone();
    records.truncate(records.len() / width * width);
    let mut expected: Vec<Vec<u8>> = records.chunks_exact(width).map(|element| place(element)).collect();
    expected.sort();
    if input.reverse {
        expected.reverse();
    }
    PLACEHOLDER.with(|placeholder| {
        fuzzing::sort(input.msvcrt, &mut records, width, placeholder, |a, b| Ok(order(a, b))).unwrap();
    });
    let sorted: Vec<_> = records.chunks_exact(width).map(place).collect();
    assert_eq!(sorted, expected);
});
