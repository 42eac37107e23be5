//! `callbox guests`.

use std::fmt::Write as _;

use callbox::bundled::{BUNDLED, Bundled};

use super::fault::{Exit, Result};
use super::output::Output;

pub(super) fn run() -> Result<Exit> {
    Output::Stdout.write(|to| to.write_all(table().as_bytes()))?;
    Ok(Exit::Done)
}

/// Returns a line for each bundled guest, of up to 80 columns: its name, the words that sort by it, and what
/// it orders.
fn table() -> String {
    let mut text = format!("{:10} {:17} orders\n", "guest", "callbox sort …");
    for guest in BUNDLED {
        // After the semicolon is where sort(1) has this order, which the words say already.
        let items = guest.about.split(';').next().unwrap_or_default();
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{:10} {:17} {items}", guest.name, words(guest));
    }
    text
}

/// Returns what stands between `callbox sort` and the file in the guest's example.
fn words(guest: &Bundled) -> &str {
    let words = guest.example.strip_prefix("callbox sort ").and_then(|words| words.strip_suffix(" FILE"));
    words.unwrap_or(guest.example)
}
