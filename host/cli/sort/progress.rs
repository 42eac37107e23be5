//! `--progress`: a line of a terminal, or plain lines, that tell how far a sort has come.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use callbox::sort::{Phase, Progress};
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar};

use super::inputs::Reading;
use crate::cli::args::When;
use crate::cli::output::Output;
use crate::cli::{line, message, signals, system};
use crate::threads;

/// Time after which the first line is shown. Most sorts end before.
const FIRST: Duration = Duration::from_secs(1);

/// Time between two looks for a line of a terminal.
const ON_TERMINAL: Duration = Duration::from_millis(100);

/// Time between two plain lines.
const PLAIN: Duration = Duration::from_secs(1);

/// Place where progress is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DrawTarget {
    Terminal,
    /// Standard error that is no terminal, or none that obeys.
    Plain,
}

impl DrawTarget {
    /// Returns the target that the option asks for, if any.
    pub(super) fn of(when: When) -> Option<DrawTarget> {
        let obeys = || std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        match when {
            When::Never => None,
            When::Auto | When::Always if io::stderr().is_terminal() && obeys() => Some(DrawTarget::Terminal),
            When::Auto => None,
            When::Always => Some(DrawTarget::Plain),
        }
    }
}

/// Counters that the thread reads.
pub(super) struct Looks {
    pub(super) target: DrawTarget,
    pub(super) progress: Arc<Progress>,
    pub(super) reading: Reading,
    /// Number of bytes of all inputs, where it is known.
    pub(super) size: Option<u64>,
    /// Whether an input is typed on a terminal, whose lines a line of progress would disturb.
    pub(super) typed: bool,
}

/// A thread that shows progress until this is dropped, which does not wait for the next look.
pub(super) struct Shown {
    target: DrawTarget,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Shown {
    /// Shows progress from now on. Where no thread can be started, nothing is shown.
    pub(super) fn new(looks: Looks) -> Shown {
        let (target, (stop, stopped)) = (looks.target, channel());
        let thread = threads::spawn("callbox-progress", move || show(&looks, &stopped));
        Shown { target, thread: thread.ok().map(|thread| (stop, thread)) }
    }

    /// Ends the line of a terminal before the result is written to anything but a file: it may reach the same
    /// terminal, by a pager too.
    pub(super) fn end_before(self, output: &Output) -> Option<Shown> {
        Some(self).filter(|shown| shown.target == DrawTarget::Plain || output.is_file())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Looks again and again, until the other end of the channel is dropped.
fn show(looks: &Looks, stopped: &Receiver<()>) {
    let (mut pace, mut wait) = (None, FIRST);
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
        let pace = Pace::of(looks, &mut pace);
        match looks.target {
            DrawTarget::Plain => {
                wait = PLAIN;
                message::say(pace.text());
            }
            DrawTarget::Terminal => {
                wait = ON_TERMINAL;
                if looks.typed && pace.phase == Phase::Reading || !system::is_in_foreground() {
                    line::replace(b"");
                    continue;
                }
                // A line that a signal leaves behind is worse than none.
                if signals::tidy_at_the_end().is_err() {
                    return;
                }
                let mut text = pace.text();
                text.truncate(system::columns().saturating_sub(1)); // it is ASCII
                line::show(&text);
            }
        }
    }
    line::replace(b"");
}

/// The pace of a phase since it was first looked at.
struct Pace {
    phase: Phase,
    done: u64,
    total: Option<u64>,
    /// Amount that was done when the phase was first looked at.
    before: u64,
    bar: ProgressBar,
}

impl Pace {
    /// Looks once more.
    fn of<'p>(looks: &Looks, last: &'p mut Option<Pace>) -> &'p mut Pace {
        let phase = looks.progress.phase();
        let (done, total) = match phase {
            Phase::Reading => (looks.reading.bytes(), looks.size),
            _ => (looks.progress.done(), looks.progress.total()),
        };
        let same = last.take().filter(|last| last.phase == phase && last.done <= done);
        let new = || Pace { phase, done, total, before: done, bar: ProgressBar::hidden() };
        let pace = last.insert(same.unwrap_or_else(new));
        (pace.done, pace.total) = (done, total);
        if let Some(total) = total {
            pace.bar.set_length(total.saturating_sub(pace.before));
        }
        pace.bar.set_position(done - pace.before);
        pace
    }

    /// Returns a line of ASCII.
    fn text(&self) -> String {
        let (phase, unit) = match self.phase {
            Phase::Reading => ("reading", ""),
            Phase::Sorting => ("sorting", " comparisons"),
            Phase::Verifying => return "verifying".to_owned(),
            Phase::Merging => ("merging", " items"),
            _ => ("writing", " items"),
        };
        if self.done == 0 {
            return phase.to_owned(); // the sandboxed sorter does not tell
        }
        let number = |number: u64| match self.phase {
            Phase::Reading => HumanBytes(number).to_string(),
            _ => HumanCount(number).to_string(),
        };
        let mut text = format!("{phase}: {}", number(self.done));
        if let Some(total) = self.total.filter(|total| *total >= self.done) {
            let about = if self.phase == Phase::Sorting { "about " } else { "" };
            text += &format!(" of {about}{}", number(total));
        }
        text += unit;
        let rate = self.bar.per_sec();
        if rate >= 1.0 {
            text += &format!(", {}/s", number(rate as u64)); // the fraction is of no interest
            if self.total.is_some_and(|total| total > self.done) {
                text += &format!(", {} left", HumanDuration(self.bar.eta()));
            }
        }
        text
    }
}
