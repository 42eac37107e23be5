//! The time and memory of compiling a module, in a process of its own.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use callbox::{Limits, Module, Sandbox};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// CPU time, and growth of the resident memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) mib: f64,
}

/// Compiles a module in a child; `None` where the child does not finish.
pub(crate) fn compile(module: &[u8]) -> Option<Cost> {
    let program = std::env::current_exe().ok()?;
    let mut child =
        Command::new(program).arg("--child").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take()?.write_all(module).ok()?;
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().map(|number| number.parse::<f64>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(seconds), Some(mib)) => Some(Cost { seconds, mib }),
        _ => {
            eprintln!("a module of {} bytes: {:?}: {text}", module.len(), output.status);
            let _ = std::fs::write(std::env::temp_dir().join("callbox-compile-failed.wasm"), module);
            None
        }
    }
}

/// The child: compiles what it reads, and prints what that took.
pub(crate) fn child() {
    let limit = |resource, most| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).expect("a limit");
    };
    limit(Resource::Cpu, 60);
    limit(Resource::Data, 4 << 30);
    let mut module = Vec::new();
    std::io::stdin().read_to_end(&mut module).expect("a module");
    let sandbox = Sandbox::new(Limits::default()).expect("a sandbox");
    let (before, from) = (memory("VmRSS:"), seconds());
    let outcome = Module::new(&sandbox, "module", &module);
    let (to, after) = (seconds(), memory("VmHWM:"));
    match outcome {
        Ok(_) => println!("{} {}", to - from, (after - before) / 1024.0),
        Err(error) => println!("{error}"),
    }
}

fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Returns a row of the process's memory in KiB.
fn memory(row: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(row)).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse().unwrap_or(0.0)
}
