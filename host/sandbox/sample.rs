//! Samples of the stack of a running guest, taken at the ticks of the epoch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmparser::{Parser, Payload};
use wasmtime::{FrameInfo, StoreContextMut, WasmBacktrace};

use super::store::{self, StoreData};
use crate::error::GuestFrame;

/// Maximum number of frames of a sample.
pub(super) const MAX_FRAMES: usize = 128;

/// Time between two calls of the check of [`Config::interrupt_when`](crate::Config::interrupt_when), which
/// is not asked at each sample.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// The functions that a guest is in, at one moment: what [`Config::sample`](crate::Config::sample) is given.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sample<'a> {
    /// Name of the guest's module.
    pub module: &'a str,
    /// The guest's functions, innermost first; none while the code of a sorter runs that stands beside the
    /// guest in its sandbox and calls it.
    pub frames: &'a [GuestFrame],
    /// Whether a sample has as many frames as one can have, 128, so that there may be others around these.
    pub cut: bool,
}

/// Receiver of samples.
pub(super) type SampleSink = Arc<dyn Fn(&Sample<'_>) + Send + Sync>;

/// Takes the samples of one store.
pub(super) struct Sampler {
    sink: SampleSink,
    module: Arc<str>,
    guest: Code,
    kernels: Vec<Code>,
    /// Time when the check of `interrupt_when` was last called.
    checked: Option<Instant>,
}

/// A module that runs in a store, with what tells the entry of a function from the rest of it.
struct Code {
    wasm: wasmtime::Module,
    /// Offsets of the first instruction of each function in the module, ascending.
    first_instructions: Vec<usize>,
}

impl Code {
    fn new(wasm: &wasmtime::Module, bytes: &[u8]) -> Code {
        let first_instruction = |payload| match payload {
            Ok(Payload::CodeSectionEntry(body)) => {
                Some(body.get_operators_reader().ok()?.original_position())
            }
            _ => None,
        };
        let first_instructions = Parser::new(0).parse_all(bytes).filter_map(first_instruction).collect();
        Code { wasm: wasm.clone(), first_instructions }
    }

    /// Returns whether a frame is at the entry of its function, none of whose instructions has run.
    fn is_at_entry(&self, frame: &FrameInfo) -> bool {
        let (Some(at), Some(within)) = (frame.module_offset(), frame.func_offset()) else { return false };
        let next = self.first_instructions.partition_point(|first| *first < at - within);
        self.first_instructions.get(next).is_some_and(|first| at < *first)
    }
}

impl Sampler {
    pub(super) fn new(sink: &SampleSink, module: &str, wasm: &wasmtime::Module, bytes: &[u8]) -> Sampler {
        let (sink, module, guest) = (sink.clone(), module.into(), Code::new(wasm, bytes));
        Sampler { sink, module, guest, kernels: Vec::new(), checked: None }
    }

    /// Adds a kernel to the store.
    pub(super) fn add_kernel(&mut self, wasm: &wasmtime::Module, bytes: &[u8]) {
        self.kernels.push(Code::new(wasm, bytes));
    }

    /// Returns whether it is time for the check of `interrupt_when`.
    pub(super) fn is_check_due(&mut self) -> bool {
        let due = self.checked.is_none_or(|checked| checked.elapsed() >= CHECK_INTERVAL);
        if due {
            self.checked = Some(Instant::now());
        }
        due
    }

    fn is_guests(&self, frame: &FrameInfo) -> bool {
        wasmtime::Module::same(&self.guest.wasm, frame.module())
    }

    /// Returns whether a tick that is noticed in this frame has come before the function was called.
    fn is_at_entry(&self, frame: &FrameInfo) -> bool {
        let mut code = [&self.guest].into_iter().chain(&self.kernels);
        let code = code.find(|code| wasmtime::Module::same(&code.wasm, frame.module()));
        code.is_some_and(|code| code.is_at_entry(frame))
    }
}

/// Hands the stack of the running guest to the receiver, if the store has one.
///
/// A guest notices a tick where it enters a function or repeats a loop. One that is noticed at the entry of a
/// function has come before: while its caller ran, or, where it has none in the sandbox, while the host did,
/// which is not sampled.
pub(super) fn take(store: &StoreContextMut<'_, StoreData>) {
    let Some(sampler) = &store.data().sampler else { return };
    let trace = WasmBacktrace::force_capture(store);
    let stack = match trace.frames() {
        [innermost, callers @ ..] if sampler.is_at_entry(innermost) => callers,
        all => all,
    };
    if stack.is_empty() {
        return;
    }
    let guests = stack.iter().filter(|frame| sampler.is_guests(frame));
    let frames: Vec<_> = guests.map(store::guest_frame).collect();
    let cut = trace.frames().len() == MAX_FRAMES;
    (sampler.sink)(&Sample { module: &sampler.module, frames: &frames, cut });
}
