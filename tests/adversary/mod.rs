//! The promises of SECURITY.md, attacked from outside: programs that use the public interface only, as a
//! stranger would. One file for each promise, under its number.

#[cfg(feature = "libffi")]
mod p01_memory;
mod p02_budget;
mod p03_compiler;
mod p04_bounds;
#[cfg(feature = "libffi")]
mod p05_values;
mod p06_all_or_nothing;
#[cfg(feature = "sqlite")]
mod p08_sqlite;
#[cfg(unix)]
mod p10_text;

use crate::support::{ISOLATIONS, callbox, run};
use callbox::{Callback, FnPointer, Limits, Module, Prototype, RetainedLease, Sandbox};

/// Returns an export of a guest, whose memory is exported, behind a prototype.
fn behind(body: &str, prototype: &str) -> callbox::Result<Callback> {
    let text = format!("(module (memory (export \"memory\") 1) {body})");
    let guest = Module::from_text(&Sandbox::new(Limits::default())?, "attacker", &text)?.instantiate()?;
    guest.callback("f", prototype.parse::<Prototype>()?)
}

/// Returns a function pointer, or the error that refuses it.
fn pointer<F: FnPointer>(body: &str, prototype: &str) -> callbox::Result<RetainedLease<F>> {
    behind(body, prototype)?.retain_as::<F>()
}
