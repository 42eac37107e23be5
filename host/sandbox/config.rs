//! Configuration of a sandbox, and of wasmtime with it.
#![allow(unsafe_code, reason = "sets two flags of Cranelift")]

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use wasmtime::{Engine, InstanceAllocationStrategy, OptLevel, WasmFeatures};

use super::engine_error;
use super::sample::{self, Sample, SampleSink};
use crate::error::Result;
use crate::limits::Limits;

/// Proposals that compilers for plain wasm turn on, none of which gives a guest more power.
const ALLOWED_FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FLOATS);

/// Minimum address space for reserving 4 GiB for each memory, which makes bounds checks
/// unnecessary.
const MIN_ROOMY_ADDRESS_SPACE: u64 = 64 << 30;

/// Maximum number of frames of a trap's backtrace.
pub(super) const MAX_BACKTRACE_FRAMES: usize = 20;

/// Configuration of a [`Sandbox`](crate::Sandbox): its [`Limits`], and settings beyond them.
///
/// ```
/// use callbox::{Config, Limits, Sandbox};
/// # fn main() -> callbox::Result<()> {
/// let sandbox = Sandbox::new(Config::new(Limits::default()).simd(true))?;
/// # let _ = sandbox;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Config {
    pub(super) limits: Limits,
    simd: bool,
    signals: bool,
    optimize: bool,
    pub(super) sort_keys: bool,
    pub(super) print: Option<Sink>,
    pub(super) interrupt: Option<Check>,
    pub(super) sample: Option<SampleSink>,
    pub(super) fresh_pages: bool,
}

/// A question whether a guest is to be stopped.
pub(super) type Check = Arc<dyn Fn() -> bool + Send + Sync>;

/// Receiver of the text of a guest's `callbox.print`.
pub(super) type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

impl From<Limits> for Config {
    fn from(limits: Limits) -> Config {
        Config::new(limits)
    }
}

impl Config {
    /// Creates a configuration without SIMD, with traps by signals, and with no import granted.
    pub fn new(limits: Limits) -> Config {
        Config {
            limits,
            simd: false,
            signals: true,
            optimize: true,
            sort_keys: true,
            print: None,
            interrupt: None,
            sample: None,
            fresh_pages: false,
        }
    }

    /// Sets whether modules may use 128-bit SIMD (not relaxed SIMD, whose results differ from machine to
    /// machine). Off by default, because it enlarges the part of the compiler that a module can reach.
    pub fn simd(self, simd: bool) -> Config {
        Config { simd, ..self }
    }

    /// Sets whether a guest's access out of bounds may be detected by a signal, which is the fastest
    /// way. Turn it off where the process installs a SIGSEGV handler of its own after the first
    /// guest (Python's faulthandler, a JVM, Go): bounds are then checked by instructions, and
    /// wasmtime's mitigations of Spectre in these checks, which need signals, are off.
    pub fn signals_based_traps(self, signals: bool) -> Config {
        Config { signals, ..self }
    }

    /// Sets whether the compiler optimizes, as it does by default. Without, a module is compiled in about
    /// three quarters of the time, and its code is slower: for guests that are called a few times.
    pub fn optimize(self, optimize: bool) -> Config {
        Config { optimize, ..self }
    }

    /// Sets whether guests may be asked for sort keys, as they may by default. Without, the code that only
    /// makes those is not compiled.
    pub fn sort_keys(self, sort_keys: bool) -> Config {
        Config { sort_keys, ..self }
    }

    /// Grants guests the import `callbox.print (ptr, len)`, with `sink` to receive the text that they print:
    /// one call of the sink for each call of the import, at most [`Limits::print`] bytes over a guest's life.
    ///
    /// ```
    /// use callbox::{Config, Limits, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let config = Config::new(Limits::default()).grant_print(|text| println!("{}", callbox::escape(text)));
    /// let sandbox = Sandbox::new(config)?;
    /// # let _ = sandbox;
    /// # Ok(()) }
    /// ```
    pub fn grant_print(self, sink: impl Fn(&[u8]) + Send + Sync + 'static) -> Config {
        Config { print: Some(Arc::new(sink)), ..self }
    }

    /// Sets a check that may stop a guest: it is called on the thread that runs one, about every 10 ms, and
    /// where it returns true, the call ends with [`Error::Interrupted`](crate::Error::Interrupted). It must
    /// not call the guest.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    /// use callbox::{Config, Limits, Sandbox};
    /// static INTERRUPTED: AtomicBool = AtomicBool::new(false); // which a handler of Ctrl-C sets
    /// # fn main() -> callbox::Result<()> {
    /// let config = Config::new(Limits::default()).interrupt_when(|| INTERRUPTED.load(Relaxed));
    /// let sandbox = Sandbox::new(config)?;
    /// # let _ = sandbox;
    /// # Ok(()) }
    /// ```
    pub fn interrupt_when(self, check: impl Fn() -> bool + Send + Sync + 'static) -> Config {
        Config { interrupt: Some(Arc::new(check)), ..self }
    }

    /// Samples the guests' stacks, to find out where their time goes: while a guest runs, `sink` is called
    /// about 1,000 times a second, on the thread that runs the guest, with the functions that it is in. It
    /// must not call the guest.
    ///
    /// Time that the host takes between calls of a guest is not sampled. A guest notices that it is time
    /// where it enters a function or repeats a loop, so that a function without either is seen as its
    /// caller, and not at all where that is the host.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use std::sync::{Arc, Mutex};
    /// use callbox::{Config, Limits, Sandbox};
    /// # fn main() -> callbox::Result<()> {
    /// let counts = Arc::new(Mutex::new(BTreeMap::<Option<u32>, u64>::new()));
    /// let counted = counts.clone();
    /// let config = Config::new(Limits::default()).sample(move |sample| {
    ///     let innermost = sample.frames.first().map(|frame| frame.index);
    ///     *counted.lock().unwrap().entry(innermost).or_default() += 1; // about as many milliseconds
    /// });
    /// let sandbox = Sandbox::new(config)?;
    /// # let _ = (sandbox, counts);
    /// # Ok(()) }
    /// ```
    pub fn sample(self, sink: impl Fn(&Sample<'_>) + Send + Sync + 'static) -> Config {
        Config { sample: Some(Arc::new(sink)), ..self }
    }

    /// Sets whether the host may put elements into fresh pages of guests that grow their memory themselves
    /// and export no allocator. Otherwise, which is the default, such a module is refused, because some
    /// allocators take pages grown by the host for their own.
    pub fn assume_fresh_pages(self, assume: bool) -> Config {
        Config { fresh_pages: assume, ..self }
    }

    /// Returns the proposals that a module may use.
    pub(super) fn features(&self) -> WasmFeatures {
        if self.simd { ALLOWED_FEATURES.union(WasmFeatures::SIMD) } else { ALLOWED_FEATURES }
    }

    pub(super) fn engine(&self) -> Result<Engine> {
        let frames = if self.sample.is_some() { sample::MAX_FRAMES } else { MAX_BACKTRACE_FRAMES };
        let mut config = wasmtime::Config::new();
        config
            .wasm_features(WasmFeatures::all(), false)
            .wasm_features(self.features(), true)
            // Only kernels use two memories; validation rejects guests that do.
            .wasm_features(WasmFeatures::MULTI_MEMORY, true)
            .consume_fuel(true)
            .epoch_interruption(true)
            .max_wasm_stack(self.limits.stack)
            .cranelift_opt_level(if self.optimize { OptLevel::Speed } else { OptLevel::None })
            .cranelift_nan_canonicalization(true)
            .wasm_backtrace_max_frames(NonZeroUsize::new(frames))
            .allocation_strategy(InstanceAllocationStrategy::OnDemand)
            .signals_based_traps(self.signals);
        if !self.signals {
            // wasmtime rejects these mitigations where traps by signals are off.
            for flag in ["enable_heap_access_spectre_mitigation", "enable_table_access_spectre_mitigation"] {
                // SAFETY: both flags change the mitigations of speculation, not the bounds checks.
                unsafe { config.cranelift_flag_set(flag, "false") };
            }
        }
        if !address_space_is_roomy() {
            config.memory_reservation(0).memory_reservation_for_growth(1 << 20).memory_guard_size(64 << 10);
        }
        Engine::new(&config).map_err(engine_error)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("limits", &self.limits)
            .field("simd", &self.simd)
            .field("signals_based_traps", &self.signals)
            .field("optimize", &self.optimize)
            .field("grant_print", &self.print.is_some())
            .field("interrupt_when", &self.interrupt.is_some())
            .field("sample", &self.sample.is_some())
            .field("assume_fresh_pages", &self.fresh_pages)
            .finish()
    }
}

/// Returns whether the process may reserve [`MIN_ROOMY_ADDRESS_SPACE`] or more.
fn address_space_is_roomy() -> bool {
    #[cfg(unix)]
    let most = rustix::process::getrlimit(rustix::process::Resource::As).current;
    #[cfg(not(unix))]
    let most = None::<u64>;
    usize::BITS >= 64 && most.is_none_or(|most| most >= MIN_ROOMY_ADDRESS_SPACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_not_optimized_is_other_code() {
        let code = |optimize| {
            let engine = Config::new(Limits::default()).optimize(optimize).engine().unwrap();
            wasmtime::Module::new(&engine, include_bytes!("../bundled/version.wasm")).unwrap().text().to_vec()
        };
        assert!(code(false) != code(true));
    }
}
