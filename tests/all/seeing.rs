//! A comparator's questions on the command line: traces, records, and failures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Random, callbox, run};

/// Comparators of lines, and of numbers in two shapes, that fail as `body` does at whatever begins with the
/// byte 33, `!`, and otherwise order by the first byte.
fn fails_at_mark(body: &str) -> String {
    let marked = "(i32.or (i32.eq (local.get $x) (i32.const 33)) (i32.eq (local.get $y) (i32.const 33)))";
    format!(
        r#"(module (memory (export "memory") 1)
            (func $by_byte (param $x i32) (param $y i32) (result i32)
                (if {marked} (then {body})) (i32.sub (local.get $x) (local.get $y)))
            (func (export "compare_bytes") (param i32 i32 i32 i32) (result i32)
                (call $by_byte (i32.load8_u (local.get 0)) (i32.load8_u (local.get 2))))
            (func (export "compare") (param i32 i32) (result i32)
                (call $by_byte (i32.load8_u (local.get 0)) (i32.load8_u (local.get 1))))
            (func (export "compare_i32") (param i32 i32) (result i32)
                (call $by_byte (i32.and (local.get 0) (i32.const 255))
                               (i32.and (local.get 1) (i32.const 255)))))"#
    )
}

/// Writes a guest and inputs with one item that begins with `!`.
fn desk(body: &str, items: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("guest.wat", fails_at_mark(body).as_bytes());
    let mut random = Random(7);
    let letter = |random: &mut Random| b'a' + random.below(20) as u8;
    let mut lines: Vec<Vec<u8>> =
        (0..items).map(|at| format!("{}{at}", letter(&mut random) as char).into()).collect();
    lines[items * 2 / 3] = b"!mark".to_vec();
    write("lines", &[lines.join(&b'\n'), b"\n".to_vec()].concat());
    let keyed: Vec<_> = lines.iter().map(|line| [&b"k:"[..], line].concat()).collect();
    write("keys", &[keyed.join(&b'\n'), b"\n".to_vec()].concat());
    let records: Vec<_> = lines.iter().flat_map(|line| [line[0], line[1], 1, 0]).collect();
    write("records", &records);
    // In order by the first byte and all that decides after it.
    lines.sort();
    write("sorted", &[lines.join(&b'\n'), b"\n".to_vec()].concat());
    folder
}

fn run_in(folder: &Path, words: &str) -> Output {
    run(callbox().current_dir(folder).args(words.split(' ')), b"")
}

#[test]
fn a_failure_names_the_two_items_in_every_mode() {
    const MODES: [&str; 20] = [
        "sort guest.wat lines",
        "sort guest.wat --parallel 1 lines",
        "sort guest.wat --parallel 2 lines",
        "sort guest.wat --sorter qsort --parallel 1 lines",
        "sort guest.wat --sorter qsort --parallel 2 lines",
        "sort guest.wat --sorter msvcrt --parallel 1 lines",
        "sort guest.wat --sorter sandboxed --parallel 1 lines",
        "sort guest.wat --sorter sandboxed --parallel 2 lines",
        "sort guest.wat --verify full -s -u --parallel 1 lines",
        "sort guest.wat -S 100K lines",
        "sort guest.wat -m sorted sorted",
        "sort guest.wat -c sorted",
        "sort guest.wat --trace=/dev/null lines",
        "sort -t: -k2,2=guest.wat --parallel 1 keys",
        "sort -t: -k2,2=guest.wat -k1,1 --parallel 1 keys",
        "sort -t: -k1,1 -k2,2=guest.wat --parallel 1 keys",
        "sort guest.wat --records i32 records",
        "sort guest.wat --records i32 --sorter sandboxed records",
        "sort guest.wat --records i32 --sorter sandboxed -u records",
        "sort guest.wat --records bytes:4 -e compare --parallel 1 records",
    ];
    let endless = "(loop $l (br $l))";
    for (body, limit, failure) in [
        ("unreachable", "", "trapped: wasm `unreachable` instruction executed"),
        (endless, " --fuel 3e8", "spent all its fuel, 300000000 units"),
    ] {
        // Enough for kernels that sort, and for those that answer ahead.
        let folder = desk(body, 24_000);
        for mode in MODES {
            let output = run_in(folder.path(), &format!("{mode}{limit}"));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{mode}: {said}");
            let first = said.lines().next().unwrap();
            let (message, items) =
                first.split_once(", comparing ").unwrap_or_else(|| panic!("{mode}: {said}"));
            assert!(message.ends_with(failure), "{mode}: {said}");
            let items = items.split("; allow more").next().unwrap();
            let (a, b) = items.split_once(" with ").unwrap();
            // The number is "!m" and two bytes, as they are in the file.
            let number = i32::from_le_bytes([b'!', b'm', 1, 0]).to_string();
            let is_marked = |item: &str| item.starts_with("\"!") || item == number;
            assert!(is_marked(a) || is_marked(b), "{mode}: {said}");
        }
    }
}

#[test]
fn a_pair_is_named_that_is_all_that_a_kernel_fails_at() {
    // It traps where two items are equal, and all but two differ.
    let guest = r#"(module (memory (export "memory") 1)
        (func (export "compare_i32") (param i32 i32) (result i32)
            (if (i32.eq (local.get 0) (local.get 1)) (then unreachable))
            (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guest.wat"), guest).unwrap();
    let numbers = (0..5000_i32).rev().chain([1234]).flat_map(i32::to_le_bytes).collect::<Vec<_>>();
    fs::write(folder.path().join("records"), numbers).unwrap();
    let output = run_in(folder.path(), "sort guest.wat --records i32 --sorter sandboxed records");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().next().unwrap().ends_with(", comparing 1234 with 1234"), "{said}");
}

#[test]
fn a_budget_that_all_items_together_spend_names_no_two() {
    // Each question takes about a ten-thousandth of what the items need together.
    let guest = r#"(module (memory (export "memory") 1)
        (func (export "compare_i32") (param i32 i32) (result i32) (local $n i32)
            (local.set $n (i32.const 1000))
            (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.sub (i32.gt_s (local.get 0) (local.get 1)) (i32.lt_s (local.get 0) (local.get 1)))))"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guest.wat"), guest).unwrap();
    let mut random = Random(3);
    let numbers = (0..5000).flat_map(|_| (random.next() as i32).to_le_bytes()).collect::<Vec<_>>();
    fs::write(folder.path().join("records"), numbers).unwrap();
    let mode = "sort guest.wat --records i32 --sorter sandboxed --fuel 1e8 records";
    let output = run_in(folder.path(), mode);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("spent all its fuel, 10^8 units; allow more"), "{said}");
}

/// The events of a trace, by their threads.
fn events(file: &Path) -> BTreeMap<u64, Vec<Value>> {
    let trace: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut threads = BTreeMap::<_, Vec<_>>::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        threads.entry(event["tid"].as_u64().unwrap_or(0)).or_default().push(event.clone());
    }
    threads
}

/// Returns the spans of a thread, in an order in which those that enclose others come first.
fn spans(events: &[Value]) -> Vec<(i64, i64, String)> {
    let mut spans: Vec<_> = (events.iter().filter(|event| event["ph"] == "X"))
        .map(|event| {
            // The numbers are whole in parts of a microsecond; the parser may be off by the last bit.
            let time = |name: &str| (event[name].as_f64().unwrap() * 1024.0).round() as i64;
            let start = time("ts");
            (start, start + time("dur"), event["name"].as_str().unwrap().to_owned())
        })
        .collect();
    let depth = |name: &str| match name {
        "native call" | "callbox" => 0,
        "compare_bytes" => 1,
        _ => 2,
    };
    spans.sort_by_key(|(start, end, name)| (*start, -end, depth(name)));
    spans
}

#[test]
fn events_are_nested_on_the_track_of_each_thread_and_there_is_one_for_each_comparison() {
    let folder = desk("nop", 9000);
    let words = "sort guest.wat --sorter qsort --parallel 2 --stats=json --trace=t.json lines -o sorted";
    let output = run_in(folder.path(), words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stderr).unwrap();
    let stats: Value =
        serde_json::from_str(said.lines().rfind(|line| line.starts_with('{')).unwrap()).unwrap();
    let comparisons = stats["comparisons"].as_u64().unwrap();
    let threads = events(&folder.path().join("t.json"));
    let (mut questions, mut tracks) = (0, 0);
    for (thread, events) in threads {
        if thread == 0 {
            continue;
        }
        let names = events.iter().filter(|event| event["name"] == "thread_name");
        tracks += names.count();
        let mut open: Vec<(i64, i64)> = Vec::new();
        for (start, end, name) in spans(&events) {
            open.retain(|(_, until)| *until > start || (*until == start && end == start));
            if let Some((from, until)) = open.last() {
                assert!(
                    *from <= start && end <= *until,
                    "{name} on {thread}: {start} to {end} in {from} to {until}"
                );
            }
            open.push((start, end));
        }
        let count = |name: &str| events.iter().filter(|event| event["name"] == name).count() as u64;
        questions += count("compare_bytes");
        for part in ["copies before", "guest", "copies after"] {
            assert_eq!(count(part), count("compare_bytes"));
        }
        let in_native = events
            .iter()
            .filter(|event| ["native call", "callbox"].map(Value::from).contains(&event["name"]));
        let sum: u64 = in_native.map(|event| event["args"]["comparisons"].as_u64().unwrap()).sum();
        assert_eq!(sum, count("compare_bytes"));
    }
    assert!(tracks >= 2, "{tracks}");
    let dropped = said
        .split("no room for the last ")
        .nth(1)
        .map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap());
    assert_eq!(questions + dropped, comparisons);
}

#[test]
fn a_trace_has_an_end_however_many_comparisons_there_are() {
    let folder = desk("nop", 9000);
    let output = run_in(folder.path(), "sort bytes --trace=t.json -o sorted lines");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("callbox: --trace: the file has no room for the last "), "{said}");
    let threads = events(&folder.path().join("t.json"));
    let main = &threads[&1];
    assert_eq!(main.iter().filter(|event| event["name"] == "compare_bytes").count(), 50_000);
    let last = main.last().unwrap();
    assert!(last["ph"] == "i" && last["name"].as_str().unwrap().ends_with(" more comparisons are not shown"));
}

#[test]
fn a_trace_and_a_record_of_a_sort_that_fails_end_with_the_question_that_failed() {
    let folder = desk("unreachable", 60);
    let words = "sort guest.wat --trace=t.json --record r.rec lines -o sorted";
    let before = fs::read(folder.path().join("sorted")).unwrap();
    let output = run_in(folder.path(), words);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(fs::read(folder.path().join("sorted")).unwrap(), before);
    let threads = events(&folder.path().join("t.json"));
    let failed: Vec<_> = threads[&1].iter().filter(|event| !event["args"]["failure"].is_null()).collect();
    let [failed] = &failed[..] else { panic!("{failed:?}") };
    assert_eq!(failed["args"]["answer"], "?");
    let [a, b] = ["a", "b"].map(|item| failed["args"][item].as_str().unwrap());
    assert!(said.contains(&format!(", comparing {a} with {b}\n")), "{said}");

    // The same again, and another guest, which answers.
    let replayed = run_in(folder.path(), "replay r.rec");
    assert_eq!(replayed.status.code(), Some(0), "{}", String::from_utf8_lossy(&replayed.stderr));
    assert!(String::from_utf8(replayed.stdout).unwrap().starts_with("the same answers to all "));
    fs::write(folder.path().join("mended.wat"), fails_at_mark("nop")).unwrap();
    let replayed = run_in(folder.path(), "replay r.rec mended.wat");
    assert_eq!(replayed.status.code(), Some(1));
    let told = String::from_utf8(replayed.stdout).unwrap();
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[0].starts_with("compare_bytes: question "), "{told}");
    let trap = "trapped: wasm `unreachable` instruction executed";
    assert_eq!(lines[1], format!("  {a} ? {b}, and {trap}, and now"));
    assert!(lines[2].starts_with(&format!("  {a} ")) && lines[2].ends_with(b), "{told}");
}

#[test]
fn text_goes_to_a_file_as_it_goes_to_standard_error() {
    let folder = desk("nop", 40);
    let shown = run_in(folder.path(), "sort guest.wat --trace lines").stderr;
    let output = run_in(folder.path(), "sort guest.wat --trace=t.txt lines");
    assert!(output.stderr.is_empty() && output.status.success());
    assert!(!shown.is_empty() && fs::read(folder.path().join("t.txt")).unwrap() == shown);
}

#[test]
fn a_record_is_replaced_as_a_whole_or_not_at_all() {
    let folder = desk("nop", 40);
    let record = folder.path().join("r.rec");
    fs::write(&record, "mine").unwrap();
    // Wrong usage, and an input that is not there.
    for words in
        ["sort nothing --record r.rec lines", "sort guest.wat --record r.rec --sorter sandboxed lines"]
    {
        assert_ne!(run_in(folder.path(), words).status.code(), Some(0));
    }
    assert!(run_in(folder.path(), "sort guest.wat --record r.rec lines").status.success());
    assert!(fs::read(&record).unwrap().starts_with(&callbox::record::MAGIC));
    let before = fs::read(folder.path().join("sorted")).unwrap();
    let output = run_in(folder.path(), "sort guest.wat --record /dev/full lines -o sorted");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("callbox: /dev/full: cannot write: No space left on device"), "{said}");
    assert_eq!(fs::read(folder.path().join("sorted")).unwrap(), before);
    for full in ["--record /dev/full", "--trace=/dev/full", "--trace=full.json"] {
        let link = folder.path().join("full.json");
        let _ = std::os::unix::fs::symlink("/dev/full", link);
        let output = run_in(folder.path(), &format!("sort guest.wat {full} lines"));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{full}");
    }
    for same in ["--record ./new --trace=new", "--record new -o ./new", "--trace=lines", "--record guest.wat"]
    {
        let output = run_in(folder.path(), &format!("sort guest.wat {same} lines"));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{same}");
        assert!(!folder.path().join("new").exists());
    }
}

#[test]
fn records_of_numbers_of_keys_and_of_checks_are_replayed() {
    let folder = desk("nop", 400);
    for words in [
        "sort guest.wat --records i32 --record r.rec records",
        "sort guest.wat --records bytes:4 -e compare --record r.rec records",
        "sort -t: -k1,1 -k2,2=guest.wat --record r.rec keys",
        "sort guest.wat -c --record r.rec sorted",
        "sort guest.wat -m --record r.rec sorted sorted",
        "sort guest.wat -S 100K --record r.rec lines",
    ] {
        let output = run_in(folder.path(), words);
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        let replayed = run_in(folder.path(), "replay r.rec");
        let told = String::from_utf8(replayed.stdout).unwrap();
        assert!(replayed.status.success() && replayed.stderr.is_empty(), "{words}: {told}");
        let questions = told.strip_prefix("the same answers to all ").unwrap().split(' ').next().unwrap();
        assert!(questions.parse::<u64>().unwrap() > 300, "{words}: {told}");
    }
}
