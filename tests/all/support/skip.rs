//! What this machine cannot test.

use std::io::Write;

/// Reports, even if output is captured, that something was not tested, and why.
///
/// # Panics
///
/// If `CALLBOX_NO_SKIP=1` is set, unless `CALLBOX_MAY_SKIP`, names between commas, has this name.
pub(crate) fn skip(name: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {name}: {why}");
    let may = std::env::var("CALLBOX_MAY_SKIP").unwrap_or_default();
    let must = std::env::var_os("CALLBOX_NO_SKIP").is_some_and(|set| set == "1");
    assert!(
        !must || may.split(',').any(|one| one == name),
        "{name}, not in CALLBOX_MAY_SKIP, was skipped: {why}"
    );
}
