//! `callbox tutorial`: the callback session of the ctypes tutorial, run live.
#![allow(unsafe_code, reason = "plays the part of native code that calls a function pointer")]

use std::ffi::c_int;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use callbox::native;
use callbox::sort::{Contract, Items, Job, Options};
use callbox::{
    Blame, CType, CallConv, Callback, CallbackTable, CompareFn, Config, Error, Guest, Limits, Module,
    Prototype, Sandbox,
};

use super::check;
use super::fault::{Context, Exit, Fault, Result};
use crate::threads;

/// The three comparators of the tutorial, and one that raises.
const GUEST: &str = include_str!("../../wat/good/tutorial.wat");

/// The third one without its printing, `return a[0] - b[0]`.
pub(super) const SUBTRACT: &str = include_str!("../../wat/good/subtract.wat");

/// The array of the tutorial: `(c_int * 5)(5, 1, 7, 33, 99)`.
pub(super) const IA: [c_int; 5] = [5, 1, 7, 33, 99];

type SortFn = fn(&mut [c_int], &Callback) -> callbox::Result<()>;

pub(super) fn run() -> Result<Exit> {
    let stage = Arc::new(Stage::default());
    Player { stage: stage.clone() }.play().context("tutorial")?;
    let failure = stage.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(Exit::Done), |error| Err(Fault::write("standard output", error)))
}

/// Standard output, and the first failure to write there.
#[derive(Default)]
struct Stage {
    failure: Mutex<Option<io::Error>>,
}

impl Stage {
    fn show(&self, text: &[u8]) {
        if let Err(error) = io::stdout().write_all(text) {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

struct Player {
    stage: Arc<Stage>,
}

impl Player {
    fn say(&self, line: &str) {
        self.stage.show(format!("{line}\n").as_bytes());
    }

    fn play(&self) -> callbox::Result<()> {
        let stage = self.stage.clone();
        let print = move |line: &[u8]| stage.show(&[b"    ", line].concat());
        let sandbox = Sandbox::new(Config::new(Limits::default()).grant_print(print))?;
        let guest = Module::from_text(&sandbox, "tutorial.wat", GUEST)?.instantiate()?;

        self.say("1. A callback type is made first: result type, then argument types.");
        let int = CType::Int.const_pointer();
        let cmp = Prototype::new(CType::Int, [int.clone(), int]);
        self.say(&format!("    {cmp}"));
        self.say("   It also fixes the calling convention: CFUNCTYPE's above, WINFUNCTYPE's here.");
        let stdcall = cmp.clone().with_conv(CallConv::Stdcall);
        self.say(&format!("    {stdcall}"));
        if let Err(error) = guest.callback("ascending", stdcall) {
            self.failure(Some(error)); // this target has no stdcall
        }
        self.say("   One type makes many callbacks: exports of a sandboxed guest, checked once.");
        let pointers = guest.callback("pointers", cmp.clone())?;
        let values = guest.callback("values", cmp.clone())?;
        let ascending = guest.callback("ascending", cmp.clone())?;

        self.say("2. An array of five C ints in host memory.");
        self.say(&format!("    {IA:?}"));
        self.say("3. The C library's qsort: the array, its length, the size of a C int, the callback.");
        self.say("4. Three comparators. The first prints its arguments as pointers and returns 0,");
        self.say("   the second follows them and returns 0, the third returns a[0] - b[0].");

        self.say("5. The C library's qsort. Returning 0 leaves the array as it was.");
        let mut ia = IA;
        self.sort("First: addresses of copies, in the guest's memory.", native::qsort, &mut ia, &pointers)?;
        self.sort("Second:", native::qsort, &mut ia, &values)?;
        let few = self.sort("Third:", native::qsort, &mut ia, &ascending)?;

        self.say("6. The Microsoft C runtime's qsort, each run on what the run before left.");
        let mut ia = IA;
        self.sort("First:", native::msvcrt_qsort, &mut ia, &pointers)?;
        self.sort("Second:", native::msvcrt_qsort, &mut ia, &values)?;
        let many = self.sort("Third:", native::msvcrt_qsort, &mut ia, &ascending)?;

        self.say("7. Both end in the same order; the first needs fewer comparisons.");
        self.say(&format!("    {few} and {many}"));

        self.say("8. A callback made inline lives until the call returns.");
        let mut ia = IA;
        native::qsort(&mut ia, &guest.callback("ascending", cmp.clone())?)?;
        self.say(&format!("    {ia:?}"));

        self.kept(&guest, &cmp)?;
        self.threads(&sandbox, &cmp)?;
        self.reentrant(&cmp)?;
        self.raises(&guest, &cmp)?;
        self.overflows(&sandbox, &cmp)
    }

    fn sort(
        &self,
        what: &str,
        sort: SortFn,
        ia: &mut [c_int; 5],
        compare: &Callback,
    ) -> callbox::Result<u64> {
        self.say(&format!("   {what}"));
        let before = compare.calls();
        sort(ia, compare)?;
        let comparisons = compare.calls() - before;
        self.say(&format!("    {ia:?} after {comparisons} comparisons"));
        Ok(comparisons)
    }

    fn kept(&self, guest: &Guest, cmp: &Prototype) -> callbox::Result<()> {
        self.say("9. A callback that C keeps: the table keeps it alive, whoever else lets go.");
        let kept = guest.callback("ascending", cmp.clone())?.retain()?;
        let registered = CallbackTable.get(kept.key()).map(|found| (found.export, found.leases));
        self.say(&format!(
            "    registered: {registered:?}, {} of {} slots lent",
            CallbackTable.len(),
            CallbackTable.capacity()
        ));
        let pointer = kept.pointer();
        self.say(&format!("    C calls: {}", call(pointer, 1, 5)));
        drop(kept);
        let late = CallbackTable.late_calls();
        self.say(&format!(
            "    C calls too late: {}, counted: {}",
            call(pointer, 1, 5),
            CallbackTable.late_calls() - late
        ));
        Ok(())
    }

    fn threads(&self, sandbox: &Sandbox, cmp: &Prototype) -> callbox::Result<()> {
        self.say("10. Threads that we did not start may call; they take turns.");
        let guest = Module::from_text(sandbox, "subtract.wat", SUBTRACT)?.instantiate()?;
        let kept = guest.callback("compare", cmp.clone())?.retain()?;
        let pointer = kept.pointer();
        let right: usize = thread::scope(|scope| {
            let caller = || (0..1000).filter(|&n| call(pointer, n, 500) == (n - 500).signum()).count();
            let spawn = |_| threads::spawn_scoped(scope, "caller", caller);
            let threads: Vec<_> = (0..4).map(spawn).collect::<Result<_, _>>()?;
            Ok(threads.into_iter().filter_map(|thread| thread.join().ok()).sum())
        })
        .map_err(|source| Error::Thread { purpose: "that calls", source })?;
        self.say(&format!("    4 threads, {} calls, {right} right answers", kept.calls()));
        kept.take_failure().map_or(Ok(()), Err)
    }

    fn reentrant(&self, cmp: &Prototype) -> callbox::Result<()> {
        self.say("   A call from inside a call of the same guest is a failure, not a deadlock.");
        let pointer: Arc<OnceLock<CompareFn>> = Arc::default();
        let inner = pointer.clone();
        let sandbox = Sandbox::new(Config::new(Limits::default()).grant_print(move |_| {
            if let Some(pointer) = inner.get() {
                call(*pointer, 1, 2);
            }
        }))?;
        let guest = Module::from_text(&sandbox, "tutorial.wat", GUEST)?.instantiate()?;
        let kept = guest.callback("values", cmp.clone())?.retain()?;
        let _ = pointer.set(kept.pointer());
        call(kept.pointer(), 1, 2);
        self.failure(kept.take_failure());
        Ok(())
    }

    fn raises(&self, guest: &Guest, cmp: &Prototype) -> callbox::Result<()> {
        self.say("11. A comparator that raises: C sees nothing of it, the caller is told.");
        let mut ia = IA;
        let outcome = native::qsort(&mut ia, &guest.callback("raises", cmp.clone())?);
        self.failure(outcome.err());
        self.say(&format!("    {ia:?}, as it was"));
        Ok(())
    }

    fn overflows(&self, sandbox: &Sandbox, cmp: &Prototype) -> callbox::Result<()> {
        self.say("12. a[0] - b[0] overflows, so the tutorial's own comparator can lie.");
        let guest = Module::from_text(sandbox, "subtract.wat", SUBTRACT)?.instantiate()?;
        let subtract = guest.callback("compare", cmp.clone())?;
        let mut numbers = [1, c_int::MIN, 0];
        native::qsort(&mut numbers, &subtract)?;
        self.say(&format!("    survived, but not sorted: {numbers:?}"));
        let number = |item: &[u8]| item.try_into().map(c_int::from_le_bytes).unwrap_or(0).to_string();
        let items = Items::records(Vec::new(), size_of::<c_int>())?;
        let job = Job::new(&subtract, Options::default());
        let violation = job.check_contract(&items, &Contract::default())?.violation;
        let found = violation.map_or_else(String::new, |violation| check::describe(&violation, number));
        self.say(&format!("    callbox check: {}", found.replace('\n', "\n    ")));
        Ok(())
    }

    fn failure(&self, failure: Option<Error>) {
        match failure {
            Some(error) => {
                let blame = match error.blame() {
                    Blame::Caller => "caller",
                    Blame::Guest => "guest",
                    Blame::Host => "host",
                };
                self.say(&format!("    {error} (blame: {blame})"));
            }
            None => self.say("    no failure"),
        }
    }
}

/// Calls a comparator's pointer as native code would.
fn call(pointer: CompareFn, a: c_int, b: c_int) -> c_int {
    // SAFETY: both arguments point to an int during the call.
    unsafe { pointer((&raw const a).cast(), (&raw const b).cast()) }
}
