//! Faults that are not a guest's alone: deadlines, forks, small stacks, awkward hosts, threads, files
//! and outputs. The rows are those of `docs/reliability.md`.
#![allow(unsafe_code, reason = "forks, and calls C function pointers")]

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Config, Error, Limit, Limits, Module, Prototype, Sandbox, native};

#[cfg(unix)]
use crate::support::{ISOLATIONS, forked};
use crate::support::{alone, callbox, comparator, comparing, comparing_in, good, path, run, sandbox, skip};

const ENDLESS: &str = "(loop $l (br $l)) (unreachable)";

/// Returns the body of a comparator that loops for ever at this call.
fn endless_at(call: u64) -> String {
    format!(
        "(if (i32.eq (global.get $calls) (i32.const {call})) (then (loop $l (br $l))))
         (call $order (local.get $a) (local.get $b))"
    )
}

fn shuffled(len: u32) -> Vec<i32> {
    (0..len).map(|n| n.wrapping_mul(0x9e37_79b1) as i32).collect()
}

#[test]
fn an_endless_loop_in_any_call_ends_at_the_deadline() {
    let counting = comparing("(call $order (local.get $a) (local.get $b))");
    let counting = counting.callback("compare", comparator()).unwrap();
    native::qsort(&mut shuffled(500), &counting).unwrap();
    let sandbox = Sandbox::new(Limits::default().deadline(Duration::from_millis(200))).unwrap();
    for call in [1, 1000, counting.calls()] {
        let guest = comparing_in(&sandbox, &endless_at(call));
        let callback = guest.callback("compare", comparator()).unwrap();
        let mut numbers = shuffled(500);
        let started = Instant::now();
        let error = native::qsort(&mut numbers, &callback).unwrap_err();
        assert_eq!(error.limit(), Some(Limit::Deadline), "call {call}: {error}");
        assert_eq!(callback.calls(), call);
        assert_eq!(numbers, shuffled(500));
        // Generous, because machines are busy; without a deadline the fuel would last an hour.
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn a_guest_is_stopped_where_the_program_says_so_and_answers_again_afterwards() {
    let asked = Arc::new(AtomicBool::new(false));
    let stop = asked.clone();
    let config = Config::new(Limits::default()).interrupt_when(move || stop.swap(false, Relaxed));
    let sandbox = Sandbox::new(config).unwrap();
    let body = "(if (i32.eq (i32.load (local.get $a)) (i32.const 7)) (then (loop (br 0))))
        (call $order (local.get $a) (local.get $b))";
    let guest = comparing_in(&sandbox, body);
    let callback = guest.callback("compare", comparator()).unwrap();
    // The deadline is far away, and nothing else ends the call.
    asked.store(true, Relaxed);
    let mut numbers = [7, 3, 2, 1];
    let error = native::qsort(&mut numbers, &callback).unwrap_err();
    assert_eq!(error.to_string(), "comparing: \"compare\" was interrupted");
    assert_eq!(numbers, [7, 3, 2, 1]);
    numbers[0] = 4;
    native::qsort(&mut numbers, &callback).unwrap();
    assert_eq!(numbers, [1, 2, 3, 4]);

    let text = format!(r#"(module (func (export "compare_i32") (param i32 i32) (result i32) {ENDLESS}))"#);
    let endless = Module::from_text(&sandbox, "endless", &text).unwrap().instantiate().unwrap();
    let endless = endless.comparator_for(CType::Int32).unwrap();
    let items = Items::records(vec![0; 40_000], 4).unwrap();
    for sorter in [Sorter::Qsort, Sorter::Auto, Sorter::Sandboxed] {
        asked.store(true, Relaxed);
        let error = Job::new(&endless, Options::default().sorter(sorter)).sort(&items).unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{error}");
    }
}

#[test]
fn a_thread_with_too_little_stack_for_a_guest_compiles_a_module_and_then_says_so() {
    alone("faults::a_thread_with_too_little_stack_for_a_guest_compiles_a_module_and_then_says_so", || {
        let sandbox = sandbox();
        let compile = move || {
            let wasm = callbox::bundled::Bundled::find("version").unwrap().wasm;
            Module::new(&sandbox, "version", wasm).unwrap().instantiate()
        };
        let thread = thread::Builder::new().stack_size(64 << 10).spawn(compile).unwrap();
        assert!(matches!(thread.join().unwrap(), Err(Error::Stack { .. })));
    });
}

#[test]
fn a_sort_that_takes_longer_than_its_deadline_ends_there_though_each_comparison_is_short() {
    let sandbox = Sandbox::new(Limits::default().deadline(Duration::from_millis(30))).unwrap();
    let guest = sandbox.load(path("wat/good/ascending.wat")).unwrap();
    let callback = guest.callback("compare", comparator()).unwrap();
    let mut numbers = shuffled(2_000_000);
    let error = native::qsort(&mut numbers, &callback).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::Deadline), "{error}");
    assert!(callback.calls() > 0);
    assert!(numbers == shuffled(2_000_000));
}

#[test]
#[cfg(unix)]
fn a_forked_child_is_told_so_and_can_make_a_sandbox_of_its_own() {
    alone("faults::a_forked_child_is_told_so_and_can_make_a_sandbox_of_its_own", || {
        let endless = comparing(ENDLESS).callback("compare", comparator()).unwrap();
        let module = endless.guest().module().clone();
        let status = forked(|| {
            let Err(Error::Forked { .. }) = native::qsort(&mut [2, 1], &endless) else { return 1 };
            let Err(Error::Forked { .. }) = module.instantiate() else { return 2 };
            let limits = Limits::default().deadline(Duration::from_millis(100));
            let own = Sandbox::new(limits).unwrap();
            let own = comparing_in(&own, ENDLESS);
            let own = own.callback("compare", comparator()).unwrap();
            match native::qsort(&mut [2, 1], &own) {
                Err(error) if error.limit() == Some(Limit::Deadline) => 0,
                _ => 3,
            }
        });
        assert_eq!(status, 0);
        // The parent goes on as before.
        native::qsort(&mut [2, 1], &good("ascending", "compare")).unwrap();
        let tired = Sandbox::new(Limits::default().fuel(1000)).unwrap();
        let tired = tired.load(path("wat/good/ascending.wat")).unwrap();
        let tired = tired.callback("compare", comparator()).unwrap();
        assert!(native::qsort(&mut shuffled(500), &tired).is_err());
    });
}

#[test]
fn endless_recursion_on_small_foreign_stacks_is_an_error() {
    let recursion = sandbox().load(path("wat/hostile/recursion.wat")).unwrap();
    let recursion = recursion.callback("compare", comparator()).unwrap();
    let wide = sandbox().load(path("wat/hostile/recursion-wide.wat")).unwrap();
    let wide = wide.callback("compare", comparator()).unwrap();
    for kib in [64, 128, 256, 1024] {
        for callback in [&recursion, &wide] {
            let callback = callback.clone();
            let small = thread::Builder::new().stack_size(kib << 10);
            let outcome = small.spawn(move || native::qsort(&mut [2, 1], &callback)).unwrap().join().unwrap();
            let error = outcome.unwrap_err();
            match error {
                Error::Stack { .. } if kib <= 256 => {
                    assert!(error.to_string().contains("not enough stack"), "{error}")
                }
                Error::Trap { ref trap, .. } if kib >= 256 => assert_eq!(trap, "stack overflow"),
                error => panic!("{kib} KiB: {error}"),
            }
        }
    }
    // A pointer is as safe if native code calls it on such a thread.
    let kept = good("ascending", "compare").retain().unwrap();
    let pointer = kept.pointer();
    let small = thread::Builder::new().stack_size(64 << 10);
    let answer = small.spawn(move || {
        let (a, b) = (1, 2);
        // SAFETY: both arguments point to an int, and the lease outlives the thread.
        unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) }
    });
    assert_eq!(answer.unwrap().join().unwrap(), 0);
    assert!(matches!(kept.take_failure(), Some(Error::Stack { .. })));
}

#[test]
fn nans_of_every_kind_have_one_order_which_is_the_same_each_time() {
    let guest = |name| sandbox().bundled(name).unwrap();
    let payloads = [0u64, 1, 0x7f, 0x3_ffff, 0x8_0000_0000_0000, 0xf_ffff_ffff_ffff, 0x7_ffff_ffff_ffff];
    let exponents = [0x7ff, 0x7fe, 0x400, 0, 0xfff, 0xffe, 0x800, 0xc00];
    let doubles: Vec<f64> = exponents
        .iter()
        .flat_map(|&e: &u64| payloads.map(|p| f64::from_bits(e << 52 | (p & 0xf_ffff_ffff_ffff))))
        .collect();
    let mut expected = doubles.clone();
    expected.sort_by(f64::total_cmp);
    let by_f64 = guest("f64").callback("compare_f64", Prototype::comparator(CType::Double)).unwrap();
    for rotation in 0..doubles.len() {
        let mut numbers = doubles.clone();
        numbers.rotate_left(rotation);
        native::qsort(&mut numbers, &by_f64).unwrap();
        let bits = |numbers: &[f64]| numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&numbers), bits(&expected), "{rotation}");
    }
    let singles: Vec<f32> = (0..=0xff)
        .flat_map(|e| [0u32, 1, 0x40_0000, 0x7f_ffff].map(|p| f32::from_bits(e << 23 | p)))
        .flat_map(|n| [n, -n])
        .collect();
    let mut expected = singles.clone();
    expected.sort_by(f32::total_cmp);
    let mut numbers = singles;
    let by_f32 = guest("f32").callback("compare_f32", Prototype::comparator(CType::Float)).unwrap();
    native::qsort(&mut numbers, &by_f32).unwrap();
    assert!(numbers.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
}

#[test]
fn what_a_guest_computes_from_nans_does_not_depend_on_their_bits() {
    // Returns whether the sum of two numbers has other bits than the canonical NaN.
    let sum = crate::support::guest(
        "(module (func (export \"compare_f64\") (param $a f64) (param $b f64) (result i32)
            (i64.ne
                (i64.reinterpret_f64 (f64.add (local.get $a) (local.get $b)))
                (i64.const 0x7ff8000000000000))))",
    );
    let sum = sum.callback("compare_f64", Prototype::comparator(CType::Double)).unwrap();
    for bits in
        [0x7ff0_0000_0000_0001u64, 0x7fff_ffff_ffff_ffff, 0xfff8_0000_0000_0000, 0xfff0_0000_0000_0001]
    {
        let order = sum.compare(&bits.to_le_bytes(), &1f64.to_le_bytes()).unwrap();
        assert!(order.is_eq(), "{bits:x}");
    }
}

#[test]
fn the_next_guest_of_a_module_starts_fresh() {
    let module = Module::from_file(&sandbox(), path("wat/hostile/moody.wat")).unwrap();
    let first_answers = || {
        let moody = module.instantiate().unwrap().callback("compare", comparator()).unwrap();
        (0..20).map(|_| moody.compare(&[1; 4], &[0; 4]).unwrap()).collect::<Vec<_>>()
    };
    let answers = first_answers();
    assert!(answers.iter().any(|answer| *answer != answers[0]), "it has no state: {answers:?}");
    assert_eq!(first_answers(), answers);
}

#[test]
fn a_panic_inside_the_trampoline_is_an_error_and_the_next_sort_works() {
    let ascending = good("ascending", "compare");
    let items = || Items::records((0..100u32).rev().flat_map(u32::to_le_bytes).collect(), 4).unwrap();
    let observed = ascending.clone().observe(|_| panic!("no trace today"));
    let error = Job::new(&observed, Options::default()).sort(&items()).unwrap_err();
    assert!(matches!(&error, Error::Panic { message, .. } if message == "no trace today"), "{error}");
    assert_eq!(Job::new(&ascending, Options::default()).sort(&items()).unwrap().order[0], 99);
}

#[test]
#[cfg(unix)]
fn with_traps_by_instructions_the_host_may_have_a_signal_handler_of_its_own() {
    extern "C" fn handler(_: libc::c_int) {
        // SAFETY: `_exit` ends the process at once.
        unsafe { libc::_exit(77) }
    }
    alone("faults::with_traps_by_instructions_the_host_may_have_a_signal_handler_of_its_own", || {
        let config = Config::new(Limits::default()).signals_based_traps(false);
        let wild = Sandbox::new(config.clone()).unwrap().load(path("wat/hostile/out-of-bounds.wat")).unwrap();
        let wild = wild.callback("compare", comparator()).unwrap();
        for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP] {
            // SAFETY: the handler does nothing but end the process.
            unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
        }
        for file in ["out-of-bounds", "divides-by-zero", "unreachable", "recursion", "wild-call", "null-call"]
        {
            let guest =
                Sandbox::new(config.clone()).unwrap().load(path(&format!("wat/hostile/{file}.wat"))).unwrap();
            let callback = guest.callback("compare", comparator()).unwrap();
            let error = native::qsort(&mut [2, 1], &callback).unwrap_err();
            assert!(matches!(error, Error::Trap { .. }), "{file}: {error}");
        }
        assert!(native::qsort(&mut [2, 1], &wild).is_err());
    });
}

/// Eight threads sort and lend at once, with their own and with shared guests and callbacks.
#[test]
fn sorts_on_eight_threads_with_leases_coming_and_going_are_right() {
    let rounds = std::env::var("CALLBOX_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let shared = good("ascending", "compare");
    let module = Module::from_file(&sandbox(), path("wat/good/descending.wat")).unwrap();
    let kept = shared.retain().unwrap();
    thread::scope(|scope| {
        for thread in 0..8u32 {
            let (shared, module, kept) = (&shared, &module, &kept);
            scope.spawn(move || {
                let own = module.instantiate().unwrap().callback("compare", comparator()).unwrap();
                for round in 0..rounds {
                    let mut numbers: Vec<i32> =
                        (0..16).map(|n| (n * 7 + thread as i32 + round) % 16).collect();
                    let mut expected = numbers.clone();
                    expected.sort();
                    native::qsort(&mut numbers, if round % 2 == 0 { shared } else { &own }).unwrap();
                    if round % 2 == 1 {
                        expected.reverse();
                    }
                    assert_eq!(numbers, expected);
                    let lease = own.retain().unwrap();
                    let (a, b) = (round, 8);
                    for (pointer, sign) in [(lease.pointer(), -1), (kept.pointer(), 1)] {
                        // SAFETY: both arguments point to an int, and the leases live.
                        let answer = unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) };
                        assert_eq!(answer, sign * (round - 8).signum());
                    }
                    if round % 100 == 99 {
                        lease.clone().retire();
                    }
                }
            });
        }
    });
    assert!(kept.take_failure().is_none());
}

#[test]
fn ten_thousand_failing_jobs_leave_nothing_behind() {
    if !fs::exists("/proc/self/status").unwrap() {
        return skip("proc", "memory of failing jobs, which needs /proc");
    }
    alone("faults::ten_thousand_failing_jobs_leave_nothing_behind", || {
        let limits = Limits::default().fuel(3_000);
        let sandbox = Sandbox::new(limits).unwrap();
        let modules: Vec<_> = [
            "unreachable",
            "loop",
            "recursion",
            "out-of-bounds",
            "start-trap",
            "grows",
            "imports",
            "always-less",
        ]
        .map(|name| Module::from_file(&sandbox, path(&format!("wat/hostile/{name}.wat"))).unwrap())
        .into();
        // Long enough that the C library's sort takes its temporary from malloc.
        let numbers: Vec<i32> = (0..1000).collect();
        let jobs = |count: usize| {
            for job in 0..count {
                let mut array = numbers.clone();
                let sort = |array: &mut [i32]| {
                    let guest = modules[job % modules.len()].instantiate()?;
                    native::qsort(array, &guest.callback("compare", comparator())?)
                };
                assert!(sort(&mut array).is_err(), "job {job} did not fail");
                assert!(array == numbers);
            }
        };
        let resident = || {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().trim();
            kib.trim_end_matches(" kB").parse::<usize>().unwrap()
        };
        let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
        jobs(1000);
        let before = (resident(), descriptors());
        jobs(9000);
        let after = (resident(), descriptors());
        assert_eq!(after.1, before.1, "file descriptors");
        // A leak of 100 bytes a job would show; leaked temporaries of 4,000 bytes would make 36 MB.
        assert!(after.0 < before.0 + 1000, "{} KiB became {}", before.0, after.0);
        assert!(callbox::CallbackTable.is_empty());
    });
}

#[test]
#[cfg(unix)]
fn outputs_that_cannot_be_written_are_told_and_the_input_stays() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    fs::write(&input, b"b\na\n").unwrap();
    let closed = |args: &str| {
        let script = format!("exec \"$0\" sort bytes {} {args}", input.display());
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_callbox")]);
        run(&mut shell, b"")
    };
    for (args, text) in [
        (">&-", "callbox: standard output: cannot write: Bad file descriptor; the output is not complete\n"),
        (
            ">/dev/full",
            "callbox: standard output: cannot write: No space left on device; the output is not complete\n",
        ),
        (
            "-o /dev/full",
            "callbox: /dev/full: cannot write: No space left on device; the output is not complete\n",
        ),
    ] {
        if !fs::exists("/dev/full").unwrap() {
            skip("dev-full", "full outputs, which need /dev/full");
            continue;
        }
        let output = closed(args);
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), text);
        assert_eq!(fs::read(&input).unwrap(), b"b\na\n");
    }
    // An output that is not written to may be closed.
    assert_eq!(closed(&format!("-o {}/out >&-", dir.path().display())).status.code(), Some(0));
    assert_eq!(fs::read(dir.path().join("out")).unwrap(), b"a\nb\n");
    assert_eq!(closed("-C >&-").status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_ends_it_in_silence() {
    let mut child = callbox()
        .args(["sort", "bytes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&b"line\n".repeat(100_000)).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(141), &b""[..]));
}

#[test]
#[cfg(unix)]
fn an_interrupt_in_mid_sort_leaves_the_files_as_they_were_and_nothing_beside_them() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    let bytes: Vec<u8> = shuffled(2_000_000).iter().flat_map(|n| n.to_le_bytes()).collect();
    fs::write(&file, &bytes).unwrap();
    let guest = path("wat/good/ascending.wat");
    for isolate in ISOLATIONS {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGXCPU, libc::SIGKILL]
        {
            let mut child = callbox()
                .args(["sort", guest.to_str().unwrap(), "--records", "i32", "--trace", "-o"])
                .args([&file, &file])
                .args(*isolate)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // The first comparison in the trace shows that the sort is under way.
            let mut stderr = child.stderr.take().unwrap();
            stderr.read_exact(&mut [0; 100]).unwrap();
            // SAFETY: the process is a child of this one, and has not been waited for.
            assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
            drop(stderr);
            assert_eq!(child.wait().unwrap().signal(), Some(signal));
            assert!(fs::read(&file).unwrap() == bytes);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{isolate:?}, signal {signal}");
        }
    }
}

/// The result is being written when the signal arrives: strace holds the process before each step of it.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_at_any_step_of_writing_leaves_the_old_file_or_the_new_one_and_nothing_else() {
    use std::os::unix::process::ExitStatusExt;
    if !Command::new("strace").arg("-V").output().is_ok_and(|output| output.status.success()) {
        return skip("strace", "signals while a result is written, which need strace");
    }
    let dir = tempfile::tempdir().unwrap();
    let (file, log) = (dir.path().join("file"), dir.path().join("log"));
    fs::write(&file, b"b\na\n").unwrap();
    let (mut reached, mut expected) = (0, 0);
    for isolate in [&[][..], &["--isolate"]] {
        // A file system that has files without a name, and one that has none.
        let refusing = nameless(&log, &file, isolate).map(|(first, last)| {
            format!("--inject=openat:error=EOPNOTSUPP:when={first}..{last}+{}", last - first)
        });
        for refuse in [None, refusing].iter().collect::<std::collections::BTreeSet<_>>() {
            let steps = [("fsync", "TERM"), ("fchown", "HUP"), ("linkat", "INT"), ("renameat", "TERM")];
            for (call, signal) in steps {
                fs::write(&file, b"b\na\n").unwrap();
                let mut strace = Command::new("strace");
                strace.arg("-o").arg(&log).arg(format!("--trace={call},openat"));
                strace.arg(format!("--inject={call}:signal=SIG{signal}")).args(refuse);
                strace.arg(env!("CARGO_BIN_EXE_callbox")).args(["sort", "bytes", "-o"]).args([&file, &file]);
                let output = run(strace.args(isolate), b"");
                expected += usize::from(call != "linkat");
                reached += usize::from(output.status.signal().is_some());
                let text = fs::read(&file).unwrap();
                assert!(text == b"b\na\n" || text == b"a\nb\n", "{text:?}");
                let ended = output.status.signal().is_some() || output.status.success();
                assert!(ended, "{call}: {output:?}");
                fs::remove_file(&log).unwrap();
                assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{call} {isolate:?} {refuse:?}");
            }
        }
    }
    assert!(reached >= expected && expected >= 6, "{reached} of {expected} signals arrived");
}

/// Returns the first and the last of the process's `openat` that create files without a name.
#[cfg(target_os = "linux")]
fn nameless(log: &std::path::Path, file: &std::path::Path, isolate: &[&str]) -> Option<(usize, usize)> {
    let mut strace = Command::new("strace");
    strace.arg("-o").arg(log).arg("--trace=openat").arg(env!("CARGO_BIN_EXE_callbox"));
    run(strace.args(["sort", "bytes", "-o"]).args([file, file]).args(isolate), b"");
    let text = fs::read_to_string(log).unwrap();
    let calls = text.lines().filter(|line| line.contains("openat(")).enumerate();
    let nameless = calls.filter(|(_, line)| line.contains("O_TMPFILE") && !line.contains(" = -1 "));
    let [first, .., last] = nameless.map(|(at, _)| at + 1).collect::<Vec<_>>()[..] else {
        skip("nameless-files", "signals while a file without a name is written: the file system has none");
        return None;
    };
    Some((first, last))
}

#[test]
#[cfg(unix)]
fn a_limit_of_file_sizes_is_an_error_like_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("file"), dir.path().join("out"));
    fs::write(&file, b"line\n".repeat(100_000)).unwrap();
    for (old, isolate) in
        [false, true].into_iter().flat_map(|old| ISOLATIONS.iter().map(move |isolate| (old, isolate)))
    {
        if old {
            fs::write(&out, b"old\n").unwrap();
        }
        let script = format!("ulimit -f 10; exec \"$0\" sort bytes {} -o \"$1\" \"$2\"", isolate.concat());
        let mut shell = Command::new("sh");
        let output = run(shell.args(["-c", &script, env!("CARGO_BIN_EXE_callbox")]).args([&out, &file]), b"");
        let text =
            format!("callbox: {}: cannot write: File too large; the file is as it was\n", out.display());
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(2), text.into()));
        assert_eq!(fs::read(&out).ok().as_deref(), old.then_some(&b"old\n"[..]));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), if old { 2 } else { 1 });
    }
}

#[test]
fn an_input_that_changes_while_it_is_read_is_sorted_as_it_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    let line = b"a line that comes and goes\n";
    fs::write(&file, line.repeat(10_000)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut open = OpenOptions::new().write(true).open(&file).unwrap();
            while !done.load(Relaxed) {
                open.set_len(0).unwrap();
                open.seek(SeekFrom::Start(0)).unwrap();
                open.write_all(&line.repeat(10_000)).unwrap();
            }
        });
        for _ in 0..10 {
            let output = run(callbox().args(["sort", "bytes"]).arg(&file), b"");
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let output = run(callbox().args(["sort", "i32", "--records", "i32"]).arg(&file), b"");
            assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
        }
        done.store(true, Relaxed);
    });
    // A file that reports a wrong size.
    if fs::exists("/proc/self/maps").unwrap() {
        let output = run(callbox().args(["sort", "bytes", "/proc/self/maps"]), b"");
        assert!(output.status.success() && output.stdout.len() > 1000);
    }
}

#[test]
fn a_size_that_is_no_multiple_of_the_width_is_told() {
    let output = run(callbox().args(["sort", "i32", "--records", "i32"]), &[0; 7]);
    assert_eq!(output.status.code(), Some(2));
    let text = "callbox: -: 7 bytes are no whole number of records of 4; is --records right?\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), text);
}

#[test]
fn arrays_above_the_limit_are_the_callers_error() {
    let sandbox = Sandbox::new(Limits::default().array(15)).unwrap();
    let ascending = sandbox.load(path("wat/good/ascending.wat")).unwrap();
    let ascending = ascending.callback("compare", comparator()).unwrap();
    for outcome in [
        native::qsort(&mut [2, 1, 4, 3], &ascending),
        native::msvcrt_qsort(&mut [2, 1, 4, 3], &ascending),
        native::bsearch(&1, &[1, 2, 3, 4], &ascending).map(drop),
        ascending.lend(&mut [1, 2, 3, 4]).map(drop),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(
            error.to_string(),
            "an array of 16 bytes is too large; at most 15 bytes can be sorted or searched at once"
        );
        assert_eq!((error.blame(), error.limit()), (callbox::Blame::Caller, Some(Limit::Array)));
    }
    native::qsort(&mut [2, 1, 3], &ascending).unwrap();
    assert_eq!(ascending.calls(), 3);
    let output = run(callbox().args(["sort", "bytes", "--max-array", "7"]), b"b\na\n");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("; allow more with --max-array\n"));
}

#[test]
#[cfg(target_os = "linux")]
fn with_little_address_space_it_works_or_says_what_is_missing() {
    let input = b"v1.10\nv1.9\nv1.2\n".repeat(1000);
    let mut worked = 0;
    for mib in [1024, 512, 256, 128, 96] {
        let script = format!("ulimit -c 0; ulimit -v {}; exec \"$0\" sort version", mib << 10);
        let output = run(Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_callbox")]), &input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => {
                worked += 1;
                assert!(output.stdout.starts_with(b"v1.2\nv1.2\n"));
            }
            Some(2) => assert!(stderr.starts_with("callbox: ") && stderr.lines().count() == 1, "{stderr}"),
            _ => panic!("{mib} MiB: {}: {stderr}", output.status),
        }
    }
    assert!(worked >= 3, "worked with {worked} of the sizes only");
    // More input than the address space has room for.
    let large = [vec![b'x'; 999], b"\n".to_vec()].concat().repeat(100_000);
    let script = "ulimit -c 0; ulimit -v 120000; exec \"$0\" sort bytes";
    let output = run(Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_callbox")]), &large);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{}: {stderr}", output.status);
    assert!(stderr.starts_with("callbox: ") && stderr.contains("memory"), "{stderr}");
}

/// From the least address space in which the program is loaded, in steps of a MiB.
#[test]
#[cfg(target_os = "linux")]
fn however_little_memory_there_is_a_line_says_so() {
    let input = b"v1.10\nv1.9\nv1.2\n".repeat(1000);
    let expected = [b"v1.2\n".repeat(1000), b"v1.9\n".repeat(1000), b"v1.10\n".repeat(1000)].concat();
    let limited = |kib: usize, args: &str| {
        let script = format!("ulimit -c 0; ulimit -v {kib}; exec \"$0\" {args}");
        run(Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_callbox")]), &input)
    };
    let loads = |mib: &usize| limited(mib << 10, "--version").status.success();
    let least = (8..400).find(loads).expect("the program is loaded");
    let (mut failed, mut worked) = (0, 0);
    for args in
        ["sort version", "sort version --isolate", "sort version --sorter sandboxed", "check version -"]
    {
        for kib in (least << 10..(least + 60) << 10).step_by(1777) {
            let output = limited(kib, args);
            let stderr = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0) => {
                    worked += 1;
                    assert!(args.starts_with("check") || output.stdout == expected, "{args} {kib}");
                }
                Some(2) => {
                    failed += 1;
                    assert!(
                        stderr.starts_with("callbox: ") && stderr.lines().count() == 1,
                        "{args} {kib}: {stderr}"
                    );
                }
                _ => panic!("{args} in {kib} KiB: {}: {stderr}", output.status),
            }
        }
    }
    assert!(failed > 5 && worked > 5, "{failed} failed, {worked} worked");
}
