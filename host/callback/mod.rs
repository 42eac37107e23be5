//! An export checked against a prototype.

mod comparator;
mod comparisons;
mod failure_policy;
mod instances;
pub(crate) mod lowering;
pub(crate) mod observe;
mod session;
mod sort_key;

use std::cmp::Ordering;
use std::panic::Location;
use std::sync::Arc;

use crate::error::Result;
#[cfg(doc)]
use crate::error::{Error, ModuleError};
use crate::prototype::Prototype;
use crate::sandbox::{Budget, CompareShape, Function, Guest};
use crate::sync::PerThread;

pub(crate) use comparator::Answer;
use comparator::Comparator;
pub use comparisons::Comparisons;
pub(crate) use failure_policy::FailurePolicy;
pub use failure_policy::FallbackValue;
use instances::Counters;
use lowering::Lowering;
use observe::Observer;
pub use observe::{Observation, ObservedValue};
pub(crate) use session::Session;
pub use sort_key::SortKey;

/// An export of a guest, checked once against a prototype. A callback is cheap to clone and keeps its guest
/// alive.
#[derive(Clone)]
pub struct Callback {
    inner: Arc<CallbackInner>,
    policy: Arc<FailurePolicy>,
    /// The guests of the threads, the first of them `inner`'s; `None` if there is only that one.
    instances: Option<Arc<PerThread<CallbackInner>>>,
    /// The source that the callback table names, where it is not that which lends the callback.
    place: Option<&'static Location<'static>>,
    /// Is told of each call.
    observer: Option<Arc<Observer>>,
}

struct CallbackInner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    /// The comparator, if the prototype is a comparator's.
    comparator: Option<Comparator>,
    /// The function and its lowering, for calls with the prototype's arguments; `None` if the export takes
    /// its elements in another shape.
    function: Option<(Function, Lowering)>,
    counters: Counters,
}

impl Guest {
    /// Checks an export against a prototype.
    ///
    /// If the prototype is a comparator's, `int (const T *, const T *)`, the export's [`CompareShape`]
    /// follows from its name (`compare`, `compare_i32`, `compare_bytes`), or otherwise from its type. Any
    /// other export takes one core value per argument: numbers as they are, `long` and similar types as `i64`
    /// or `i32`, pointers as an `i32` that is the address of a copy, `void *` as the number of a token,
    /// structs by address. [The guide][guests] has the table.
    ///
    /// [guests]: https://docs.rs/crate/callbox/latest/source/docs/guests.md
    ///
    /// # Errors
    ///
    /// [`ModuleError::Export`] if the export is missing or of another type, [`Error::PrototypeUnserved`] if
    /// the prototype has a type that cannot be lowered, or the target has no such calling convention,
    /// [`Error::ElementMismatch`] if the export compares other elements than the prototype points to,
    /// [`ModuleError::Staging`] if the guest has no room for copies.
    pub fn callback(&self, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, None)
    }

    /// As [`Guest::callback`], for a comparator of any name that takes its elements in this shape.
    ///
    /// # Errors
    ///
    /// As [`Guest::callback`].
    pub fn callback_as(&self, shape: CompareShape, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, Some(shape))
    }

    fn check(&self, export: &str, prototype: Prototype, shape: Option<CompareShape>) -> Result<Callback> {
        let element = comparator::element(&prototype);
        let comparator = match (element, shape) {
            (Some(element), _) => Some(self.comparator(export, shape, element)?),
            (None, None) => None,
            (None, Some(_)) => return Err(comparator::not_a_comparator(&prototype)),
        };
        let function = match (
            comparator.as_ref().map(|comparator| comparator.shape),
            self.lowered_export(export, &prototype),
        ) {
            (None | Some(CompareShape::Pointers), Ok(function)) => Some(function),
            (None, Err(error)) => return Err(error),
            // A prototype does not pass elements in another shape.
            (Some(_), _) => None,
        };
        let inner = CallbackInner {
            guest: self.clone(),
            export: export.to_owned(),
            prototype,
            comparator,
            function,
            counters: Counters::new(),
        };
        Ok(Callback {
            inner: Arc::new(inner),
            policy: Arc::default(),
            instances: None,
            place: None,
            observer: None,
        })
    }
}

impl CallbackInner {
    /// Checks the same export of a new guest, instantiated from the same module.
    fn of_new_guest(&self) -> Result<Arc<CallbackInner>> {
        let shape = self.comparator.as_ref().map(|comparator| comparator.shape);
        Ok(self.guest.module().instantiate()?.check(&self.export, self.prototype.clone(), shape)?.inner)
    }
}

impl Callback {
    /// Returns the name of the export.
    pub fn export(&self) -> &str {
        &self.inner.export
    }

    /// Returns the prototype by which C calls the callback.
    pub fn prototype(&self) -> &Prototype {
        &self.inner.prototype
    }

    /// Returns the shape in which the guest takes elements, if the callback is a comparator.
    pub fn shape(&self) -> Option<CompareShape> {
        self.inner.comparator.as_ref().map(|comparator| comparator.shape)
    }

    /// Returns the guest, which the callback keeps alive.
    pub fn guest(&self) -> &Guest {
        &self.inner.guest
    }

    /// Compares two elements, given as bytes, by calling the guest without C in between. Each call has a
    /// budget of its own; [`Callback::comparisons`] are many on one.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] if `a` or `b` does not have the width of the callback's elements;
    /// [`Error::PrototypeUnserved`] if the callback is not a comparator; [`Error::Trap`], [`Error::Limit`]
    /// and [`Error::Reentrant`] from the guest.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        self.accepts_both(a, b)?;
        self.ask(None, a, b).map_err(|error| *error)
    }

    /// Creates a callback for the same export of a new guest, instantiated from the same module.
    pub(crate) fn fresh(&self) -> Result<Callback> {
        Ok(Callback { inner: self.inner.of_new_guest()?, instances: None, ..self.clone() })
    }

    /// Compares by one call of the guest, on `budget` or a new one. The width of `a` and `b` has been
    /// checked.
    pub(crate) fn ask(&self, budget: Option<&Arc<Budget>>, a: &[u8], b: &[u8]) -> Answer {
        match self.begin(budget) {
            Ok(mut session) => session.compare(a, b),
            Err(error) => {
                self.tell_refused([a, b], &error);
                Err(error)
            }
        }
    }

    /// Has the callback table name this source as that which registers the callback.
    pub(crate) fn register_at(&mut self, place: &'static Location<'static>) {
        self.place = Some(place);
    }

    /// Returns the source that registers the callback, where it is not that which lends it.
    pub(crate) fn place(&self) -> Option<&'static Location<'static>> {
        self.place
    }

    /// Returns the lender's failure policy.
    pub(crate) fn policy(&self) -> &FailurePolicy {
        &self.policy
    }

    /// Returns the function and its lowering, for calls with the prototype's arguments.
    pub(crate) fn function(&self) -> Option<(&Function, &Lowering)> {
        self.inner.function.as_ref().map(|(function, lowering)| (function, lowering))
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}: {}", self.export(), self.guest().module().name(), self.prototype())
    }
}

#[cfg(any(test, fuzzing))]
impl Callback {
    /// Creates the callback that the table lists when a closure answers instead of a guest.
    pub(crate) fn placeholder() -> Callback {
        let wat = r#"(module (memory (export "memory") 1)
            (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))"#;
        let sandbox = crate::sandbox::Sandbox::new(crate::limits::Limits::default()).unwrap();
        let module = crate::sandbox::Module::from_text(&sandbox, "placeholder", wat).unwrap();
        let guest = module.instantiate().unwrap();
        guest.callback("compare", Prototype::comparator(crate::ctype::CType::Void)).unwrap()
    }
}
