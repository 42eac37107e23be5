//! `--profile`: where the guests' time goes, in the collapsed form of stacks.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox::{GuestFrame, Sample, escape};

use crate::cli::fault::Result;
use crate::cli::input::name;
use crate::cli::message;
use crate::cli::output::Output;

/// Maximum number of bytes of different stacks that are kept apart; samples of others are counted together.
const MAX_BYTES: usize = 16 << 20;

/// Frame of the code of a sorter, which is not a guest's.
const SORTER: &str = "[sorter]";

/// Frame that stands for those around it that a sample does not have.
const CUT: &str = "[cut]";

/// Frame of the samples whose stacks would take too much memory.
const OTHER: &str = "[other]";

/// The samples of a sort, and the file that they are for.
pub(super) struct Profile {
    output: Output,
    /// The name of the file, for messages.
    name: String,
    counts: Arc<Mutex<Counts>>,
}

/// Numbers of samples of the same stack, by its line.
#[derive(Default)]
struct Counts {
    stacks: HashMap<String, u64>,
    bytes: usize,
    other: u64,
}

impl Profile {
    /// Checks that the file can be written.
    pub(super) fn open(path: &Path) -> Result<Profile> {
        let output = Output::open(Some(path), "--profile")?;
        Ok(Profile { output, name: name(path), counts: Arc::default() })
    }

    /// Returns the receiver of samples.
    pub(super) fn sink(&self) -> impl Fn(&Sample<'_>) + Send + Sync + 'static {
        let counts = self.counts.clone();
        move |sample| lock(&counts).add(line(sample))
    }

    /// Writes the file.
    pub(super) fn write(self) -> Result<()> {
        let counts = lock(&self.counts);
        let mut lines: Vec<_> = counts.stacks.iter().map(|(stack, count)| (stack.as_str(), *count)).collect();
        lines.extend((counts.other > 0).then_some((OTHER, counts.other)));
        lines.sort_unstable();
        if lines.is_empty() {
            let text = "no samples; the guests ran too short, or have no loops";
            message::say(format!("--profile {}: {text}", self.name));
        }
        self.output.write(|to| lines.iter().try_for_each(|(stack, count)| writeln!(to, "{stack} {count}")))
    }

    /// Returns whether no guest has been sampled.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.counts).is_empty()
    }
}

impl Counts {
    fn is_empty(&self) -> bool {
        self.stacks.is_empty() && self.other == 0
    }

    fn add(&mut self, stack: String) {
        if let Some(count) = self.stacks.get_mut(&stack) {
            *count += 1;
        } else if stack.len() <= MAX_BYTES - self.bytes {
            self.bytes += stack.len();
            self.stacks.insert(stack, 1);
        } else {
            self.other += 1;
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the stack of a sample, outermost first: the guest, then its functions.
fn line(sample: &Sample<'_>) -> String {
    if sample.frames.is_empty() {
        return SORTER.to_owned();
    }
    let separated = |name: &str| name.replace(';', "\\u{3b}");
    let mut line = separated(&escape(sample.module));
    if sample.cut {
        line = line + ";" + CUT;
    }
    for function in sample.frames.iter().rev() {
        line.push(';');
        match function {
            GuestFrame { name: Some(name), .. } if !name.is_empty() => line += &separated(name),
            // Writing to a `String` cannot fail.
            GuestFrame { index, .. } => drop(write!(line, "func[{index}]")),
        }
    }
    // A number at the end would pass for a count, of which there may be two.
    match line.rsplit_once(char::is_whitespace) {
        Some((start, end)) if end.starts_with(|c: char| c.is_ascii_digit()) || end.is_empty() => {
            format!("{start}\\u{{20}}{end}")
        }
        _ => line,
    }
}
