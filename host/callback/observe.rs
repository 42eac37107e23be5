//! The hook that is told of each call of a callback.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::{Answer, Callback, Session};
use crate::error::{Error, panics, quoted};
use crate::sandbox::{Module, Stay};

/// Is told of each call.
pub(crate) type Observer = dyn Fn(&Observation<'_>) + Send + Sync;

/// A call of an [observed](Callback::observe) callback that has ended.
///
/// From `started` to `entered`, values are copied to the guest; from `left` to `ended`, they are judged and
/// copied back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// The guest's module.
    pub module: &'a Module,
    /// Name of the guest's export.
    pub export: &'a str,
    /// The values that were passed; empty where they were refused.
    pub arguments: &'a [ObservedValue<'a>],
    /// The result, or the failure.
    pub outcome: Result<ObservedValue<'a>, &'a Error>,
    /// Time of the call.
    pub started: Instant,
    /// Time at which the guest was entered; `None` if it was not.
    pub entered: Option<Instant>,
    /// Time at which the guest was left.
    pub left: Option<Instant>,
    /// Time at which the call ended. Memory of C's, if the guest has changed any, is written after it.
    pub ended: Instant,
    /// Fuel that the guest used.
    pub fuel: u64,
    /// The [number](crate::SlotKey::as_u64) of the slot's key; 0 if there is no slot.
    pub(crate) slot: u64,
}

/// A value that crossed, as the guest saw it: no address of the host is in it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ObservedValue<'a> {
    /// The result of a function that has none.
    Nothing,
    /// An integer of any type.
    Integer(i128),
    /// A `float` or a `double`.
    Float(f64),
    /// The answer of a comparator.
    Order(Ordering),
    /// A pointer that is not followed, or one that is returned.
    Pointer {
        /// Whether it is null.
        null: bool,
    },
    /// An element that is compared, a struct, or what a pointer leads to.
    Bytes {
        /// The bytes: all of an element that is compared, and otherwise at most the first 256.
        bytes: &'a [u8],
        /// Number of all bytes.
        len: usize,
    },
}

impl<'a> ObservedValue<'a> {
    fn element(bytes: &'a [u8]) -> ObservedValue<'a> {
        ObservedValue::Bytes { bytes, len: bytes.len() }
    }
}

impl fmt::Display for ObservedValue<'_> {
    /// Formats the value for a person: numbers in decimal, bytes escaped, in quotes and cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ObservedValue::Nothing => f.write_str("nothing"),
            ObservedValue::Integer(value) => value.fmt(f),
            ObservedValue::Float(value) => value.fmt(f),
            ObservedValue::Order(order) => (*order as i32).fmt(f),
            ObservedValue::Pointer { null: true } => f.write_str("null"),
            ObservedValue::Pointer { null: false } => f.write_str("a pointer"),
            ObservedValue::Bytes { bytes, .. } => f.write_str(&quoted(bytes)),
        }
    }
}

impl Callback {
    /// Adds a sink that is told of each call as it ends: by C, through whatever lease, by
    /// SQLite, by a [sort](crate::sort), or [from Rust](Callback::call). Leases made from
    /// the returned callback have the sink. Several are told in the order in which they were added.
    ///
    /// The sink runs on the calling thread, inside the call, and possibly on several threads at once. A panic
    /// in it is a failure of a call that had none. Calls that it makes itself are not told, and those of the
    /// same guest are [`Error::Reentrant`].
    ///
    /// C asks each question of an observed comparator itself: none is answered ahead, and a
    /// [sort](crate::sort) that would run in the sandbox is done by
    /// [`Sorter::Qsort`](crate::sort::Sorter::Qsort). The questions by which a result is
    /// [verified](crate::native::Verify) are not told, nor are calls that reach no guest, because of a
    /// failure before, or because C passed no elements.
    ///
    /// ```
    /// use callbox::{Limits, ObservedValue, Sandbox, native};
    /// use std::sync::{Arc, Mutex};
    /// # fn main() -> callbox::Result<()> {
    /// let guest = Sandbox::new(Limits::default())?.load("wat/good/ascending.wat")?;
    /// let ascending = guest.callback("compare", "int (const int *, const int *)".parse()?)?;
    ///
    /// let asked = Arc::<Mutex<Vec<_>>>::default();
    /// let sink = asked.clone();
    /// let observed = ascending.observe(move |call| {
    ///     let ObservedValue::Bytes { bytes, .. } = call.arguments[0] else { return };
    ///     sink.lock().unwrap().push((bytes[0], call.outcome.is_ok()));
    /// });
    /// native::qsort(&mut [5, 1], &observed)?;
    /// assert_eq!(*asked.lock().unwrap(), [(5, true)]);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn observe(mut self, sink: impl Fn(&Observation<'_>) + Send + Sync + 'static) -> Callback {
        self.observer = Some(match self.observer.take() {
            None => Arc::new(sink),
            Some(first) => Arc::new(move |call: &Observation<'_>| {
                first(call);
                sink(call);
            }),
        });
        self
    }

    /// Returns the callback without its sinks.
    pub(crate) fn unobserved(self) -> Callback {
        Callback { observer: None, ..self }
    }

    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    #[inline]
    pub(crate) fn observer(&self) -> Option<&Observer> {
        self.observer.as_deref()
    }

    /// Tells of a comparison that got no turn with the guest.
    #[cold]
    pub(crate) fn tell_refused(&self, elements: [&[u8]; 2], error: &Error) {
        let Some(observer) = self.observer() else { return };
        let crossing = Crossing::take();
        // The call has failed already, so that a panic changes nothing.
        let _ = tell(
            observer,
            &Observation {
                module: self.guest().module(),
                export: self.export(),
                arguments: &elements.map(ObservedValue::element),
                outcome: Err(error),
                started: crossing.started,
                entered: None,
                left: None,
                ended: Instant::now(),
                fuel: 0,
                slot: crossing.slot,
            },
        );
    }
}

/// Tells a sink of a call, unless a sink on this thread has made it; the error is the message of a panic.
pub(crate) fn tell(observer: &Observer, call: &Observation<'_>) -> Result<(), String> {
    if TELLING.replace(true) {
        return Ok(()); // or a sink that calls what it observes would never return
    }
    let told = panics::catch(|| observer(call));
    TELLING.set(false);
    told
}

impl Session<'_> {
    /// As [`Session::compare`], and tells the observer.
    #[cold]
    #[inline(never)]
    pub(super) fn compare_observed(&mut self, observer: &Observer, a: &[u8], b: &[u8]) -> Answer {
        let crossing = Crossing::take();
        self.count(1);
        let Some(comparator) = self.comparator else { return Err(self.not_a_comparator()) };
        let (callback, mut stay) = (self.callback, Stay::default());
        // A sink of the guest's text may panic.
        let answer =
            panics::catch(|| self.turn.compare_timed(&callback.export, &comparator.call, [a, b], &mut stay));
        let answer = match answer {
            Ok(Ok(answer)) => Ok(answer.cmp(&0)),
            Ok(Err(error)) => Err(self.failed(comparator, error, [a, b])),
            Err(message) => {
                self.failures += 1;
                Err(Box::new(Error::panicked(&callback.export, message)))
            }
        };
        let told = tell(
            observer,
            &Observation {
                module: callback.guest.module(),
                export: &callback.export,
                arguments: &[a, b].map(ObservedValue::element),
                outcome: answer.as_ref().map(|order| ObservedValue::Order(*order)).map_err(|error| &**error),
                started: crossing.started,
                entered: stay.entered,
                left: stay.left,
                ended: Instant::now(),
                fuel: stay.fuel,
                slot: crossing.slot,
            },
        );
        match told {
            Err(message) if answer.is_ok() => {
                self.failures += 1;
                Err(Box::new(Error::panicked(&callback.export, message)))
            }
            _ => answer,
        }
    }
}

thread_local! {
    /// Whether this thread is inside a sink.
    static TELLING: Cell<bool> = const { Cell::new(false) };

    /// The call by C that this thread is in, for the observation of the calls of guests in it.
    static CROSSING: Cell<Option<Crossing>> = const { Cell::new(None) };
}

/// A call by C of an observed callback.
#[derive(Clone, Copy)]
pub(crate) struct Crossing {
    pub(crate) started: Instant,
    /// As [`Observation::slot`].
    pub(crate) slot: u64,
    /// Whether a call of a guest has begun in it: what is compared next begins when it does.
    taken: bool,
}

impl Crossing {
    /// Returns the call that this thread is in, or one that begins now.
    pub(crate) fn take() -> Crossing {
        let now = || Instant::now();
        match CROSSING.get() {
            None => Crossing { started: now(), slot: 0, taken: true },
            Some(crossing) => {
                CROSSING.set(Some(Crossing { taken: true, ..crossing }));
                if crossing.taken { Crossing { started: now(), ..crossing } } else { crossing }
            }
        }
    }

    /// Runs `call` in a call by C of this slot.
    pub(crate) fn enter<T>(slot: u64, call: impl FnOnce() -> T) -> T {
        /// Puts back what was before, also after a panic.
        struct Before(Option<Crossing>);

        impl Drop for Before {
            fn drop(&mut self) {
                CROSSING.set(self.0);
            }
        }

        let _before = Before(CROSSING.get());
        CROSSING.set(Some(Crossing { started: Instant::now(), slot, taken: false }));
        call()
    }
}
