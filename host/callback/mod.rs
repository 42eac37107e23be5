//! An export checked against a prototype.

mod comparing;
mod function;
mod terms;

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::abi::Abi;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::prototype::Prototype;
use crate::sandbox::{Budget, Function, Guest, Shape};

use comparing::Comparing;
pub(crate) use comparing::{Answer, AskHeld, Held};
pub(crate) use terms::Terms;
pub use terms::Value;

/// A guest's export that has been checked, once, against a prototype. Cheap to clone; it keeps its
/// guest alive.
#[derive(Clone)]
pub struct Callback {
    inner: Arc<Inner>,
    terms: Arc<Terms>,
}

struct Inner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    /// How it compares, where the prototype is a comparator's.
    comparing: Option<Comparing>,
    /// How it is called with whatever the prototype passes.
    function: Option<(Function, Abi)>,
    calls: AtomicU64,
    failures: AtomicU64,
}

impl Guest {
    /// Checks an export against a prototype.
    ///
    /// Where the prototype is a comparator's, `int (const T *, const T *)`, the export's [`Shape`] is told
    /// by its name (`compare`, `compare_i32`, `compare_bytes`), or failing that by its type. Any other export
    /// takes a core value for each argument: numbers as they are, `long` and its like as `i64` or `i32`,
    /// pointers as an `i32` that is the address of a copy, `void *` as the number of a token, structs by
    /// address. [The guide][guests] has the table.
    ///
    /// [guests]: https://docs.rs/crate/callbox/latest/source/docs/guests.md
    ///
    /// # Errors
    ///
    /// [`Error::Export`] where the export is missing or of another type,
    /// [`Error::PrototypeUnserved`] where something in the prototype does not cross, or the target has no
    /// such calling convention, [`Error::ElementMismatch`] where the export compares other elements than the
    /// prototype points to, [`Error::Staging`] where the guest has no room for copies.
    pub fn callback(&self, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, None)
    }

    /// The same for a comparator of any name, of this shape.
    ///
    /// # Errors
    ///
    /// As [`Guest::callback`].
    pub fn callback_as(&self, shape: Shape, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, Some(shape))
    }

    fn check(&self, export: &str, prototype: Prototype, shape: Option<Shape>) -> Result<Callback> {
        let element = comparing::element(&prototype);
        let comparing = match (element, shape) {
            (Some(element), _) => Some(self.comparing(export, shape, element)?),
            (None, None) => None,
            (None, Some(_)) => return Err(comparing::no_comparator(&prototype)),
        };
        let function =
            match (comparing.as_ref().map(|comparing| comparing.shape), self.takes(export, &prototype)) {
                (None | Some(Shape::Pointers), Ok(function)) => Some(function),
                (None, Err(error)) => return Err(error),
                // Elements in another shape are not what the prototype passes.
                (Some(_), _) => None,
            };
        let inner = Inner {
            guest: self.clone(),
            export: export.to_owned(),
            prototype,
            comparing,
            function,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        Ok(Callback { inner: Arc::new(inner), terms: Arc::default() })
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
    pub fn shape(&self) -> Option<Shape> {
        self.inner.comparing.as_ref().map(|comparing| comparing.shape)
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
        let Inner { guest, export, prototype, .. } = &*self.inner;
        let fresh = guest.module().instantiate()?.check(export, prototype.clone(), self.shape())?;
        Ok(Callback { terms: self.terms.clone(), ..fresh })
    }

    /// Asks the guest once, on this budget or a new one; the width of `a` and `b` has been checked.
    pub(crate) fn ask(&self, budget: Option<&Arc<Budget>>, a: &[u8], b: &[u8]) -> Answer {
        self.hold(budget)?.ask(a, b)
    }

    /// What its lender has said about it.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How it is called with whatever its prototype passes.
    pub(crate) fn function(&self) -> Option<(&Function, &Abi)> {
        self.inner.function.as_ref().map(|(function, abi)| (function, abi))
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
    pub(crate) fn nobody() -> Callback {
        let wat = r#"(module (memory (export "memory") 1)
            (func (export "compare") (param i32 i32) (result i32) (i32.const 0)))"#;
        let sandbox = crate::sandbox::Sandbox::new(crate::limits::Limits::default()).unwrap();
        let module = crate::sandbox::Module::from_text(&sandbox, "nobody", wat).unwrap();
        let guest = module.instantiate().unwrap();
        guest.callback("compare", Prototype::comparator(crate::ctype::CType::Void)).unwrap()
    }
}
