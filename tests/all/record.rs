//! Records of questions: what is written is read again, and nothing else is.

use std::cmp::Ordering;
use std::io::{self, Read, Write};

use callbox::record::{MAGIC, RecordError, RecordedAnswer, Recorder, Recording, Step, VERSION, failure};
use callbox::{CType, Callback, Error, Prototype, native};
use proptest::prelude::*;

use crate::support::{bundled_for, comparator, comparing, good, guest};

/// A question and its answer: number of the guest, the items, the answer.
type Question = (u32, [Vec<u8>; 2], RecordedAnswer);

/// Returns the exports of the guests, and all questions.
fn read(record: impl Read) -> Result<(Vec<String>, Vec<Question>), RecordError> {
    let mut recording = Recording::open(record)?;
    let (mut guests, mut questions) = (Vec::new(), Vec::new());
    while let Some(step) = recording.step()? {
        match step {
            Step::Guest(guest) => guests.push(guest.export),
            Step::Question { number, guest, items, answer, .. } => {
                questions.push((guest, items.map(<[u8]>::to_vec), answer));
                assert_eq!(number, questions.len() as u64);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(recording.questions(), questions.len() as u64);
    Ok((guests, questions))
}

/// Returns a record of these questions.
fn record_of(compare: &Callback, pairs: &[[Vec<u8>; 2]]) -> Vec<u8> {
    let recorder = Recorder::new(Vec::new()).unwrap();
    let observed = recorder.observe(compare).unwrap();
    pairs.iter().for_each(|[a, b]| drop(observed.compare(a, b)));
    recorder.finish().unwrap().0
}

fn bytes() -> Callback {
    bundled_for("bytes", "compare_bytes", CType::Void)
}

fn pairs() -> impl Strategy<Value = Vec<[Vec<u8>; 2]>> {
    let item = || proptest::collection::vec(0..4_u8, 0..5);
    proptest::collection::vec([item(), item()], 0..40)
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(pairs in pairs()) {
        let record = record_of(&bytes(), &pairs);
        let naive = |[a, b]: &[Vec<u8>; 2]| (0, [a.clone(), b.clone()], RecordedAnswer::Order(a.cmp(b)));
        let naive: Vec<_> = pairs.iter().map(naive).collect();
        prop_assert_eq!(read(&record[..]).unwrap(), (vec!["compare_bytes".to_owned()], naive));
    }

    /// Damage of every kind is found, and never read as another record.
    #[test]
    fn bytes_that_were_not_written_are_refused(
        pairs in pairs(),
        place in 0.0..1.0_f64,
        damage in prop_oneof![
            any::<u8>().prop_map(|byte| (0, vec![byte])),
            proptest::collection::vec(any::<u8>(), 1..12).prop_map(|bytes| (1, bytes)),
            Just((2, vec![])),
            Just((3, vec![])),
        ],
    ) {
        let whole = record_of(&bytes(), &pairs);
        let mut record = whole.clone();
        let at = (place * record.len() as f64) as usize;
        match damage {
            (0, byte) => record[at] = byte[0],
            (1, inserted) => drop(record.splice(at..at, inserted)),
            (2, _) => record.truncate(at),
            _ => drop(record.remove(at)),
        }
        prop_assert_eq!(read(&record[..]).is_ok(), record == whole);
    }

    #[test]
    fn any_bytes_after_the_beginning_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let record = [&MAGIC[..], &[VERSION as u8], &bytes].concat();
        prop_assert!(read(&record[..]).is_err());
    }
}

#[test]
fn a_record_that_is_cut_off_anywhere_says_so() {
    let record = record_of(&bytes(), &[[b"a".to_vec(), b"b".to_vec()], [b"c".to_vec(), vec![b'd'; 300]]]);
    for len in 0..record.len() {
        match (len, read(&record[..len])) {
            (0..8, Err(RecordError::NotARecord)) => {}
            (8.., Err(RecordError::Truncated { questions })) => assert!(questions <= 2),
            (_, other) => panic!("{len}: {other:?}"),
        }
    }
}

#[test]
fn lengths_that_are_only_claimed_take_no_memory() {
    // An item of four gigabytes, and texts as long, of which nothing follows.
    let entries: [&[u8]; 3] = [
        &[1, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[5, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
    ];
    for entry in entries {
        let record = [&MAGIC[..], &[VERSION as u8], entry].concat();
        let error = read(&record[..]).unwrap_err();
        assert!(matches!(error, RecordError::Truncated { .. } | RecordError::Damaged { .. }), "{error}");
    }
}

#[test]
fn other_files_and_newer_versions_are_told_apart() {
    for other in [&b""[..], b"(module)", b"\x89PNG\r\n\x1a\n and more"] {
        assert!(matches!(read(other), Err(RecordError::NotARecord)));
    }
    let newer = [&MAGIC[..], &[VERSION as u8 + 1]].concat();
    assert!(matches!(read(&newer[..]), Err(RecordError::Version { found }) if found == VERSION + 1));
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
    }
    assert!(matches!(read(Failing), Err(RecordError::Read(error)) if error.to_string() == "no disk"));
    let half = record_of(&bytes(), &[[b"a".to_vec(), b"b".to_vec()]]);
    let half = half[..half.len() / 2].chain(Failing);
    assert!(matches!(read(half), Err(RecordError::Read(error)) if error.to_string() == "no disk"));
}

#[test]
fn the_bytes_of_a_record_are_those_of_its_format() {
    let recorder = Recorder::new(Vec::new()).unwrap();
    let compare = bytes();
    let observed = recorder.observe(&compare).unwrap();
    for [a, b] in [[b"b", b"a"], [b"a", b"b"], [b"a", b"a"]] {
        observed.compare(a, b).unwrap();
    }
    let (record, counts) = recorder.finish().unwrap();
    assert_eq!((counts.questions, counts.items), (3, 2));
    let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
    let module = compare.guest().module();
    let start = [&MAGIC[..], &[1, 0], &text("bytes"), &module.sha256()].concat();
    assert!(record.starts_with(&start));
    let names = [text("compare_bytes"), text(&compare.prototype().to_string()), vec![2]].concat();
    assert!(record[start.len()..].starts_with(&names));
    let questions = [&[1, 1][..], b"b", &[1, 1], b"a", &[4, 0, 1], &[2, 1, 0], &[3, 1, 1], &[7, 3]].concat();
    assert!(record[..record.len() - 32].ends_with(&questions));
    use sha2::{Digest, Sha256};
    let digest: [u8; 32] = Sha256::digest(&record[..record.len() - 32]).into();
    assert!(record.ends_with(&digest));
}

#[test]
fn a_failure_is_the_last_question_and_in_the_same_words_again() {
    let traps = || {
        let body = "(if (i32.eq (i32.load (local.get 0)) (i32.const 7)) (then unreachable)) (i32.const 1)";
        comparing(body).callback("compare", comparator()).unwrap()
    };
    let recorder = Recorder::new(Vec::new()).unwrap();
    let mut array = [5, 1, 7, 33, 99];
    let error = native::qsort(&mut array, &recorder.observe(&traps()).unwrap()).unwrap_err();
    let (_, questions) = read(&recorder.finish().unwrap().0[..]).unwrap();
    let (_, [a, b], answer) = questions.last().unwrap();
    assert_eq!(*answer, RecordedAnswer::Failed(failure(&error)));
    assert_eq!(a[..], 7_i32.to_ne_bytes());
    let again = traps().compare(a, b).unwrap_err();
    assert_eq!(failure(&again), failure(&error));
}

#[test]
fn each_callback_is_a_guest_of_its_own() {
    let recorder = Recorder::new(Vec::new()).unwrap();
    let [first, second] = [good("ascending", "compare"), good("descending", "compare")]
        .map(|compare| recorder.observe(&compare).unwrap());
    let [one, two] = [1_i32, 2].map(|n| n.to_ne_bytes().to_vec());
    for compare in [&first, &second, &second, &first] {
        compare.compare(&one, &two).unwrap();
    }
    let (guests, questions) = read(&recorder.finish().unwrap().0[..]).unwrap();
    assert_eq!(guests.len(), 2);
    let answers: Vec<_> = questions.iter().map(|(guest, _, answer)| (*guest, answer.clone())).collect();
    let [less, greater] = [Ordering::Less, Ordering::Greater].map(RecordedAnswer::Order);
    assert_eq!(answers, [(0, less.clone()), (1, greater.clone()), (1, greater), (0, less)]);
}

#[test]
fn what_does_not_compare_is_not_recorded_and_a_full_disk_is_told_at_the_end() {
    let adds =
        r#"(module (func (export "f") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;
    let adds = guest(adds).callback("f", "int (int, int)".parse::<Prototype>().unwrap()).unwrap();
    let recorder = Recorder::new(Vec::new()).unwrap();
    assert!(matches!(recorder.observe(&adds), Err(Error::PrototypeUnserved { .. })));

    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or_else(|| io::Error::other("full"))?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let recorder = Recorder::new(Full(200)).unwrap();
    let observed = recorder.observe(&good("ascending", "compare")).unwrap();
    let mut array: Vec<_> = (0..100).rev().collect();
    native::qsort(&mut array, &observed).unwrap();
    assert!(array.is_sorted());
    assert_eq!(recorder.finish().map(|_| ()).unwrap_err().to_string(), "full");
}
