//! C that the tests compile.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::{run, skip};

/// Errors of GCC 14 that are warnings of the compilers before it.
const ERRORS: [&str; 3] =
    ["-Werror=implicit", "-Werror=incompatible-pointer-types", "-Werror=int-conversion"];

/// Compiles a shared library from this C text, or returns `None` if there is no C compiler.
pub(crate) fn shared_library(c: &str, options: &[&str]) -> Option<(tempfile::TempDir, PathBuf)> {
    if Command::new("cc").arg("--version").output().is_err() {
        skip("cc", "native code of this test, which needs a C compiler");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("library.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC"]).args(ERRORS).args(options).args(["-x", "c", "-", "-o"]).arg(&library);
    let output = run(&mut cc, c.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((dir, library))
}

/// Returns the name of a clang that compiles guests, or `None` if there is none.
pub(crate) fn clang_command() -> Option<&'static str> {
    // A clang may lack wasm, and its linker may not be installed.
    let works = |tool: &&str| {
        Command::new(tool).arg("--version").output().is_ok() && compile(tool, "").0.status.success()
    };
    let tool = ["clang-14", "clang"].into_iter().find(works);
    if tool.is_none() {
        skip("clang", "a guest compiled from C by this test, which needs clang with wasm-ld");
    }
    tool
}

/// Compiles a guest from this C text, or returns `None` if there is no clang for wasm.
pub(crate) fn clang(c: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let (output, dir, wasm) = compile(clang_command()?, c);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((dir, wasm))
}

fn compile(clang: &str, c: &str) -> (Output, tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let wasm = dir.path().join("g.wasm");
    let mut command = Command::new(clang);
    command.args(["--target=wasm32-unknown-unknown", "-Os", "-ffreestanding", "-nostdlib", "-x", "c", "-"]);
    command.args(["-Wl,--no-entry,--strip-all,-z,stack-size=16384,--stack-first", "-o"]).arg(&wasm);
    (run(&mut command, c.as_bytes()), dir, wasm)
}
