//! Events of a trace, in the Trace Event Format of Chrome, which Perfetto and speedscope read.
//!
//! Each thread has a track. On it an event for each native call encloses one for each call of the guest, and
//! that one for the copies before it, the time in the guest, and the copies after it.

use std::collections::HashMap;
use std::io::{self, Write};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use callbox::{Observation, SlotKey};
use serde_json::{Value, json};

use super::watching::{answer, items};
use crate::cli::items::Type;

/// Maximum number of calls of guests, each of which has four events: viewers load all of a file.
const MAX_CALLS: u64 = 50_000;

/// Maximum number of bytes of an item that an event has.
const MAX_ITEM_BYTES: usize = 256;

/// Parts of a microsecond: times are whole numbers of them, so that a sum of two is exact in the format's
/// floating-point numbers, and events that touch do not overlap.
const PARTS: f64 = 1024.0;

/// The number of the process: there is one.
const PROCESS: u32 = 1;

/// The events of a trace.
pub(super) struct Events {
    begun: Instant,
    tracks: HashMap<ThreadId, Track>,
    calls: u64,
    /// Number of calls that have no events, because there were too many.
    dropped: u64,
    last: Instant,
}

/// The events of a thread.
struct Track {
    number: usize,
    /// The native call that the thread is in.
    native: Option<Native>,
}

/// A native call; without a slot, the calls that this program makes itself one after the other, as it merges.
struct Native {
    slot: Option<SlotKey>,
    started: Instant,
    ended: Instant,
    calls: u64,
}

impl Events {
    /// Begins a file.
    pub(super) fn begin(to: &mut dyn Write) -> io::Result<Events> {
        let name = json!({ "name": "callbox sort" });
        let process = json!({ "name": "process_name", "ph": "M", "pid": PROCESS, "args": name });
        write!(to, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{process}")?;
        let begun = Instant::now();
        Ok(Events { begun, tracks: HashMap::new(), calls: 0, dropped: 0, last: begun })
    }

    /// Adds the events of a call on the thread that it was on.
    pub(super) fn add(&mut self, to: &mut dyn Write, call: &Observation<'_>, kind: &Type) -> io::Result<()> {
        self.last = call.ended;
        if self.calls >= MAX_CALLS {
            self.dropped += 1;
            return Ok(());
        }
        self.calls += 1;
        let (number, thread) = (self.tracks.len() + 1, thread::current());
        let track = self.tracks.entry(thread.id()).or_insert(Track { number: 0, native: None });
        if track.number == 0 {
            track.number = number;
            let name = format!("{} {number}", thread.name().unwrap_or("thread"));
            let args = json!({ "name": name });
            emit(
                to,
                &json!({
                    "name": "thread_name", "ph": "M", "pid": PROCESS, "tid": number, "args": args,
                }),
            )?;
        }
        let (tid, slot) = (track.number, call.key());
        match &mut track.native {
            Some(native) if native.slot == slot => {
                (native.ended, native.calls) = (call.ended, native.calls + 1);
            }
            before => {
                let native = Native { slot, started: call.started, ended: call.ended, calls: 1 };
                if let Some(before) = before.replace(native) {
                    before.emit(to, self.begun, tid)?;
                }
            }
        }
        let span = |name: &str, from: Instant, until: Instant, args: Value| {
            span(self.begun, tid, name, [from, until], &args)
        };
        let mut args = json!({ "answer": answer(call).to_string(), "fuel": call.fuel });
        for (name, item) in ["a", "b"].into_iter().zip(items(call).into_iter().flatten()) {
            let start = &item[..item.len().min(MAX_ITEM_BYTES)];
            args[name] = match kind {
                // A number is never cut.
                Type::Scalar { .. } => kind.show(item).into(),
                _ if start.len() < item.len() => {
                    format!("{}… of {} bytes", kind.show(start), item.len()).into()
                }
                _ => kind.show(item).into(),
            };
        }
        if let Err(error) = call.outcome {
            args["failure"] = error.to_string().into();
        }
        emit(to, &span(call.export, call.started, call.ended, args))?;
        if let (Some(entered), Some(left)) = (call.entered, call.left) {
            emit(to, &span("copies before", call.started, entered, json!({})))?;
            emit(to, &span("guest", entered, left, json!({})))?;
            emit(to, &span("copies after", left, call.ended, json!({})))?;
        }
        Ok(())
    }

    /// Ends the file. Returns the number of calls that have no events.
    pub(super) fn end(&mut self, to: &mut dyn Write) -> io::Result<u64> {
        for track in self.tracks.values_mut() {
            if let Some(native) = track.native.take() {
                native.emit(to, self.begun, track.number)?;
            }
        }
        if self.dropped > 0 {
            let name = format!("{} more comparisons are not shown", self.dropped);
            let at = microseconds(self.last.saturating_duration_since(self.begun));
            emit(to, &json!({ "name": name, "ph": "i", "s": "g", "pid": PROCESS, "tid": 1, "ts": at }))?;
        }
        writeln!(to, "\n]}}")?;
        Ok(self.dropped)
    }
}

impl Native {
    fn emit(&self, to: &mut dyn Write, begun: Instant, tid: usize) -> io::Result<()> {
        let name = if self.slot.is_some() { "native call" } else { "callbox" };
        let args = json!({ "comparisons": self.calls, "slot": self.slot.map(SlotKey::slot) });
        emit(to, &span(begun, tid, name, [self.started, self.ended], &args))
    }
}

fn emit(to: &mut dyn Write, event: &Value) -> io::Result<()> {
    write!(to, ",\n{event}")
}

/// Returns a complete event.
fn span(begun: Instant, tid: usize, name: &str, [from, until]: [Instant; 2], args: &Value) -> Value {
    let [from, until] = [from, until].map(|at| microseconds(at.saturating_duration_since(begun)));
    json!({
        "name": name, "cat": "callbox", "ph": "X", "pid": PROCESS, "tid": tid,
        "ts": from, "dur": until - from, "args": args,
    })
}

fn microseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6 * PARTS).round() / PARTS
}
