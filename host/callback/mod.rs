//! An export checked against a prototype.

mod comparator;
mod failure_policy;
pub(crate) mod lowering;
mod session;

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::prototype::Prototype;
use crate::sandbox::{Budget, CompareShape, Function, Guest};

pub(crate) use comparator::Answer;
use comparator::Comparator;
pub(crate) use failure_policy::FailurePolicy;
pub use failure_policy::FallbackValue;
use lowering::Lowering;
pub(crate) use session::Session;

/// A guest's export that has been checked, once, against a prototype. Cheap to clone; it keeps its
/// guest alive.
#[derive(Clone)]
pub struct Callback {
    inner: Arc<CallbackInner>,
    policy: Arc<FailurePolicy>,
}

struct CallbackInner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    /// How it compares, where the prototype is a comparator's.
    comparator: Option<Comparator>,
    /// How it is called with whatever the prototype passes.
    #[cfg_attr(
        not(feature = "libffi"),
        expect(dead_code, reason = "checked, and called through libffi only")
    )]
    function: Option<(Function, Lowering)>,
    calls: AtomicU64,
    failures: AtomicU64,
}

impl Guest {
    /// Checks an export against a prototype.
    ///
    /// Where the prototype is a comparator's, `int (const T *, const T *)`, the export's [`CompareShape`] is told
    /// by its name (`compare`, `compare_i32`, `compare_bytes`), or failing that by its type. Any other export
    /// takes a core value for each argument: numbers as they are, `long` and its like as `i64` or `i32`,
    /// pointers as an `i32` that is the address of a copy, `void *` as the number of a token, structs by
    /// address. [The guide][guests] has the table.
    ///
    /// [guests]: https://docs.rs/crate/callbox/latest/source/docs/guests.md
    ///
    /// # Errors
    ///
    /// [`ModuleError::Export`] where the export is missing or of another type,
    /// [`Error::PrototypeUnserved`] where something in the prototype does not cross, or the target has no
    /// such calling convention, [`Error::ElementMismatch`] where the export compares other elements than the
    /// prototype points to, [`ModuleError::Staging`] where the guest has no room for copies.
    pub fn callback(&self, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, None)
    }

    /// The same for a comparator of any name, of this shape.
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
            // Elements in another shape are not what the prototype passes.
            (Some(_), _) => None,
        };
        let inner = CallbackInner {
            guest: self.clone(),
            export: export.to_owned(),
            prototype,
            comparator,
            function,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        Ok(Callback { inner: Arc::new(inner), policy: Arc::default() })
    }
}

impl Callback {
    /// The name of the export.
    pub fn export(&self) -> &str {
        &self.inner.export
    }

    /// How C calls it.
    pub fn prototype(&self) -> &Prototype {
        &self.inner.prototype
    }

    /// How the guest takes the elements, where it is a comparator.
    pub fn shape(&self) -> Option<CompareShape> {
        self.inner.comparator.as_ref().map(|comparator| comparator.shape)
    }

    /// The guest that it keeps alive.
    pub fn guest(&self) -> &Guest {
        &self.inner.guest
    }

    /// How often the guest has been called through it.
    pub fn calls(&self) -> u64 {
        self.inner.calls.load(Relaxed)
    }

    /// How many of the calls failed.
    pub fn failures(&self) -> u64 {
        self.inner.failures.load(Relaxed)
    }

    /// Asks the guest, with no C in between, for the order of two elements given as bytes.
    /// Each call has a budget of its own.
    ///
    /// # Errors
    ///
    /// [`Error::ElementMismatch`] where a run has not the width of the callback's elements;
    /// [`Error::PrototypeUnserved`] where it is no comparator;
    /// [`Error::Trap`], [`Error::Limit`] and [`Error::Reentrant`] from the guest.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        for bytes in [a, b] {
            self.accepts(bytes.len(), None)?;
        }
        self.ask(None, a, b).map_err(|error| *error)
    }

    /// The same export of another guest, made now from the same module.
    pub(crate) fn fresh(&self) -> Result<Callback> {
        let CallbackInner { guest, export, prototype, .. } = &*self.inner;
        let fresh = guest.module().instantiate()?.check(export, prototype.clone(), self.shape())?;
        Ok(Callback { policy: self.policy.clone(), ..fresh })
    }

    /// Asks the guest once, on this budget or a new one; the width of `a` and `b` has been checked.
    pub(crate) fn ask(&self, budget: Option<&Arc<Budget>>, a: &[u8], b: &[u8]) -> Answer {
        self.compare_session(budget)?.compare(a, b)
    }

    /// What its lender has said about it.
    pub(crate) fn policy(&self) -> &FailurePolicy {
        &self.policy
    }

    /// How it is called with whatever its prototype passes.
    #[cfg(feature = "libffi")]
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
    /// Who the table says is asked, where a closure answers in a guest's place.
    pub(crate) fn placeholder() -> Callback {
        let wat = r#"(module (memory (export "memory") 1)
            (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))"#;
        let sandbox = crate::sandbox::Sandbox::new(crate::limits::Limits::default()).unwrap();
        let module = crate::sandbox::Module::from_text(&sandbox, "placeholder", wat).unwrap();
        let guest = module.instantiate().unwrap();
        guest.callback("compare", Prototype::comparator(crate::ctype::CType::Void)).unwrap()
    }
}
