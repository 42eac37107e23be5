//! Arbitrary bytes, read as a record: after its beginning, or in place of a part of one that was written.
#![no_main]

use arbitrary::Arbitrary;
use callbox::record::{MAGIC, Recorder, Recording, VERSION};
use callbox::{CType, Callback, Limits, Sandbox};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    questions: Vec<[Vec<u8>; 2]>,
    /// Place of the bytes in a record; none is written without one.
    place: Option<u16>,
    bytes: Vec<u8>,
}

thread_local! {
    static COMPARE: Callback = {
        let guest = Sandbox::new(Limits::default()).unwrap().bundled("bytes").unwrap();
        guest.comparator_for(CType::Void).unwrap()
    };
}

/// Reads a record to its end; returns the number of questions.
fn read(record: &[u8]) -> Option<u64> {
    let mut recording = Recording::open(record).ok()?;
    while recording.step().ok()?.is_some() {}
    Some(recording.questions())
}

fuzz_target!(|input: Input| {
    let Some(place) = input.place else {
        read(&[&MAGIC[..], &[VERSION as u8], &input.bytes].concat());
        return;
    };
    let recorder = Recorder::new(Vec::new()).unwrap();
    let observed = COMPARE.with(|compare| recorder.observe(compare)).unwrap();
    input.questions.iter().for_each(|[a, b]| drop(observed.compare(a, b)));
    let whole = recorder.finish().unwrap().0;
    assert_eq!(read(&whole), Some(input.questions.len() as u64));
    let mut damaged = whole.clone();
    let at = usize::from(place) % whole.len();
    let end = (at + input.bytes.len()).min(whole.len());
    damaged.splice(at..end, input.bytes);
    assert!(damaged == whole || read(&damaged).is_none(), "damage is read");
});
