//! Consistent comparators: every sort gives what `slice::sort_by` gives.
#![no_main]

use arbitrary::Arbitrary;
use callbox::{Callback, fuzzing};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    width: u8,
    crt: bool,
    reverse: bool,
    /// Which place each byte has in the order; equal places are equal.
    places: [u8; 16],
    bytes: Vec<u8>,
}

thread_local!(static NOBODY: Callback = fuzzing::placeholder());

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
    NOBODY.with(|placeholder| fuzzing::sort(input.crt, &mut records, width, placeholder, |a, b| Ok(order(a, b)))).unwrap();
    let sorted: Vec<_> = records.chunks_exact(width).map(place).collect();
    assert_eq!(sorted, expected);
});
