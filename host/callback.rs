//! An export checked against a prototype.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::array::Array;
use crate::ctype::CType;
use crate::error::{Error, Result};
use crate::kernel::{Body, Number};
use crate::prototype::{CallConv, Prototype};
use crate::sandbox::{Budget, Caller, Guest, Shape, Turn};

/// What a guest said of two elements; small enough to be returned in registers.
pub(crate) type Answer<T = Ordering> = Result<T, Box<Error>>;

/// Asks whose turn it is for the order of two elements, and may do something with the answer.
pub(crate) type AskHeld<'a> = dyn FnMut(&mut Held<'_>, &[u8], &[u8]) -> Answer + 'a;

/// A guest's export that has been checked, once, against a prototype. Cheap to clone; it keeps its
/// guest alive.
#[derive(Clone)]
pub struct Callback {
    inner: Arc<Inner>,
}

struct Inner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    shape: Shape,
    /// How it is called with elements of its type, and what they are where they are numbers.
    call: Caller,
    number: Option<Number>,
    /// Its code, where that is short.
    body: Option<Arc<Body>>,
    /// What the elements are; `None` where any bytes will do.
    element: Option<CType>,
    calls: AtomicU64,
    failures: AtomicU64,
}

impl Guest {
    /// Checks an export against a prototype. Its [`Shape`] is told by its name (`compare`,
    /// `compare_i32`, `compare_bytes`), or failing that by its type.
    ///
    /// # Errors
    ///
    /// [`Error::Export`] where the export is missing or of another type,
    /// [`Error::PrototypeUnserved`] where no trampoline serves the prototype,
    /// [`Error::ElementMismatch`] where the export compares other elements than the prototype
    /// points to, [`Error::Staging`] where the guest has no room for elements.
    pub fn callback(&self, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, None)
    }

    /// The same for an export of any name, of this shape.
    ///
    /// # Errors
    ///
    /// As [`Guest::callback`].
    pub fn callback_as(&self, shape: Shape, export: &str, prototype: Prototype) -> Result<Callback> {
        self.check(export, prototype, Some(shape))
    }

    fn check(&self, export: &str, prototype: Prototype, shape: Option<Shape>) -> Result<Callback> {
        let pointee = comparator_pointee(&prototype)?;
        let (shape, comparator) = self.comparator(export, shape)?;
        let element = pointee.or_else(|| comparator.scalar());
        if let Some(element) = &element
            && !comparator.takes(element)
        {
            return Err(Error::ElementMismatch {
                export: export.to_owned(),
                expected: comparator.scalar().map_or("bytes".into(), |scalar| scalar.to_string()),
                found: element.to_string(),
            });
        }
        let (call, number) = (comparator.caller(element.as_ref()), comparator.number(element.as_ref()));
        let inner = Inner {
            guest: self.clone(),
            export: export.to_owned(),
            prototype,
            shape,
            call,
            number,
            body: self.module().body(export).map(Arc::new),
            element,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        Ok(Callback { inner: Arc::new(inner) })
    }
}

/// What both arguments of a comparator point to, `None` for `void`; an error for any prototype
/// that is not a comparator's.
fn comparator_pointee(prototype: &Prototype) -> Result<Option<CType>> {
    let refuse = |reason| Err(Error::PrototypeUnserved { prototype: prototype.to_string(), reason });
    if prototype.conv() != CallConv::C {
        return refuse("only the C calling convention is served");
    }
    if !prototype.result().same_layout(&CType::Int) {
        return refuse("a comparator returns int");
    }
    let [CType::Pointer { pointee: a, readonly: true }, CType::Pointer { pointee: b, readonly: true }] =
        prototype.params()
    else {
        return refuse("a comparator takes two pointers to const, as in \"int (const T *, const T *)\"");
    };
    if a != b {
        return refuse("both arguments of a comparator point to one type");
    }
    match &**a {
        CType::Void => Ok(None),
        CType::Pointer { .. } => refuse("elements that are pointers are not followed"),
        element => Ok(Some(element.clone())),
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

    /// How the guest takes the elements.
    pub fn shape(&self) -> Shape {
        self.inner.shape
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
    /// [`Error::Trap`], [`Error::Limit`] and [`Error::Reentrant`] from the guest.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        for bytes in [a, b] {
            self.accepts(bytes.len(), None)?;
        }
        self.ask(&self.inner.guest.new_budget(), a, b).map_err(|error| *error)
    }

    /// The same export of another guest, made now from the same module.
    pub(crate) fn fresh(&self) -> Result<Callback> {
        let Inner { guest, export, prototype, shape, .. } = &*self.inner;
        guest.module().instantiate()?.callback_as(*shape, export, prototype.clone())
    }

    /// What its elements are, where the guest takes them as numbers.
    pub(crate) fn number(&self) -> Option<Number> {
        self.inner.number
    }

    /// Its code, where that is so short that a kernel takes it in place of a call.
    pub(crate) fn body(&self) -> Option<&Arc<Body>> {
        self.inner.body.as_ref()
    }

    /// Asks the guest once, on a budget; the width of `a` and `b` has been checked.
    pub(crate) fn ask(&self, budget: &Arc<Budget>, a: &[u8], b: &[u8]) -> Answer {
        self.hold(budget)?.ask(a, b)
    }

    /// Takes this thread's turn with the guest, to ask it many times on one budget.
    pub(crate) fn hold(&self, budget: &Arc<Budget>) -> Result<Held<'_>> {
        let callback = &*self.inner;
        match callback.guest.turn(&callback.export, budget) {
            Ok(turn) => Ok(Held { callback, turn, calls: 0 }),
            Err(error) => {
                callback.calls.fetch_add(1, Relaxed);
                callback.failures.fetch_add(1, Relaxed);
                Err(error)
            }
        }
    }

    /// Width of its elements in bytes, where that is known.
    pub(crate) fn width(&self) -> Option<usize> {
        self.inner.element.as_ref().and_then(CType::size)
    }

    /// `Err` unless the elements of `array` are what the callback compares.
    pub(crate) fn accepts_array(&self, array: &Array<'_>) -> Result<()> {
        self.accepts(array.width(), array.ctype())
    }

    /// `Err` unless elements of this width, and of this type where it is known, are what the
    /// callback compares.
    pub(crate) fn accepts(&self, width: usize, found: Option<&CType>) -> Result<()> {
        let Some(element) = &self.inner.element else { return Ok(()) };
        let good = found.map_or(element.size() == Some(width), |found| found.same_layout(element));
        if good {
            return Ok(());
        }
        Err(Error::ElementMismatch {
            export: self.inner.export.clone(),
            expected: element.to_string(),
            found: found.map_or(format!("{width} bytes"), CType::to_string),
        })
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
        guest.callback("compare", Prototype::comparator(CType::Void)).unwrap()
    }
}

/// A callback whose guest is this thread's for a while. Other threads wait for their turn.
pub(crate) struct Held<'a> {
    callback: &'a Inner,
    turn: Turn<'a>,
    calls: u64,
}

impl<'a> Held<'a> {
    /// Asks the guest. Of its answer only the sign counts.
    #[inline]
    pub(crate) fn ask(&mut self, a: &[u8], b: &[u8]) -> Answer {
        self.calls += 1;
        let Inner { export, call, failures, .. } = self.callback;
        match self.turn.compare(export, call, a, b) {
            Ok(answer) => Ok(answer.cmp(&0)),
            Err(error) => {
                failures.fetch_add(1, Relaxed);
                Err(error)
            }
        }
    }

    /// How often the guest has been asked.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Counts calls that were made without [`Held::ask`].
    pub(crate) fn count(&mut self, calls: u64) {
        self.calls += calls;
    }

    /// The turn itself.
    pub(crate) fn turn(&mut self) -> &mut Turn<'a> {
        &mut self.turn
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.callback.calls.fetch_add(self.calls, Relaxed);
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}: {}", self.export(), self.guest().module().name(), self.prototype())
    }
}
