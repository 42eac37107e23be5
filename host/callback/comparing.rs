//! Comparators: exports that are asked for the order of two elements.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{Callback, Inner};
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

/// How an export compares.
pub(super) struct Comparing {
    pub(super) shape: Shape,
    /// How it is called with elements of its type, and what they are where they are numbers.
    call: Caller,
    number: Option<Number>,
    /// Its code, where that is short.
    body: Option<Arc<Body>>,
    /// What the elements are; `None` where any bytes will do.
    element: Option<CType>,
}

impl Guest {
    pub(super) fn comparing(
        &self,
        export: &str,
        shape: Option<Shape>,
        pointee: Option<CType>,
    ) -> Result<Comparing> {
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
        Ok(Comparing { shape, call, number, body: self.module().body(export).map(Arc::new), element })
    }
}

/// What both arguments of a comparator point to, `None` for `void`; nothing for any prototype that is not a
/// comparator's. Texts are no elements, and neither is what
/// holds pointers, which are followed, or padding, which nobody may see.
pub(super) fn element(prototype: &Prototype) -> Option<Option<CType>> {
    if prototype.conv() != CallConv::C || !prototype.result().same_layout(&CType::Int) {
        return None;
    }
    match prototype.params() {
        [CType::Pointer { pointee: a, readonly: true }, CType::Pointer { pointee: b, readonly: true }]
            if a == b =>
        {
            match &**a {
                CType::Void => Some(None),
                CType::Char => None,
                element if element.has_pointers() || element.has_padding() => None,
                element => Some(Some(element.clone())),
            }
        }
        _ => None,
    }
}

/// An error for a callback that is to compare and cannot.
pub(super) fn no_comparator(prototype: &Prototype) -> Error {
    let reason = "only a comparator sorts and searches, as in \"int (const T *, const T *)\"";
    Error::PrototypeUnserved { prototype: prototype.to_string(), reason }
}

impl Callback {
    fn comparing(&self) -> Result<&Comparing> {
        self.inner.comparing.as_ref().ok_or_else(|| no_comparator(&self.inner.prototype))
    }

    /// What its elements are, where the guest takes them as numbers.
    pub(crate) fn number(&self) -> Option<Number> {
        self.inner.comparing.as_ref()?.number
    }

    /// Its code, where that is so short that a kernel takes it in place of a call.
    pub(crate) fn body(&self) -> Option<&Arc<Body>> {
        self.inner.comparing.as_ref()?.body.as_ref()
    }

    /// Takes this thread's turn with the guest, to ask it many times on one budget, which may be one for
    /// this turn alone.
    pub(crate) fn hold<'a>(&self, budget: impl Into<Option<&'a Arc<Budget>>>) -> Result<Held<'_>> {
        let comparing = self.comparing()?;
        let turn = self.turn(budget.into())?;
        Ok(Held { callback: &self.inner, comparing, turn, calls: 0 })
    }

    /// Width of its elements in bytes, where that is known.
    pub(crate) fn width(&self) -> Result<Option<usize>> {
        Ok(self.comparing()?.element.as_ref().and_then(CType::size))
    }

    /// `Err` unless the elements of `array` are what the callback compares.
    pub(crate) fn accepts_array(&self, array: &Array<'_>) -> Result<()> {
        self.accepts(array.width(), array.ctype())
    }

    /// `Err` unless elements of this width, and of this type where it is known, are what the
    /// callback compares.
    pub(crate) fn accepts(&self, width: usize, found: Option<&CType>) -> Result<()> {
        let Some(element) = &self.comparing()?.element else { return Ok(()) };
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

/// A callback whose guest is this thread's for a while. Other threads wait for their turn.
pub(crate) struct Held<'a> {
    callback: &'a Inner,
    comparing: &'a Comparing,
    turn: Turn<'a>,
    calls: u64,
}

impl<'a> Held<'a> {
    /// Asks the guest. Of its answer only the sign counts.
    #[inline]
    pub(crate) fn ask(&mut self, a: &[u8], b: &[u8]) -> Answer {
        self.calls += 1;
        let Inner { export, failures, .. } = self.callback;
        match self.turn.compare(export, &self.comparing.call, a, b) {
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
